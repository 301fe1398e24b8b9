//! What an instruction reads and writes: what decides which instructions may run at the same time.

use super::instruction::{After, Feed, Instruction, Product, TableStep};
use super::kernels::Right;
use super::place::{Slot, Space};

/// Equal runs of elements at equal distances, such as some columns of a matrix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Region {
    pub(super) space: Space,
    pub(super) start: usize,
    /// The length of a run.
    pub(super) width: usize,
    /// From one run to the next.
    pub(super) stride: usize,
    pub(super) runs: usize,
}

impl From<Slot> for Region {
    fn from(slot: Slot) -> Self {
        Region { space: slot.space, start: slot.offset, width: slot.len, stride: slot.len, runs: 1 }
    }
}

impl Region {
    /// Some rows and columns of a row-major matrix that begins a slot.
    pub(super) fn rectangle(
        slot: Slot,
        stride: usize,
        rows: std::ops::Range<usize>,
        columns: std::ops::Range<usize>,
    ) -> Self {
        let region = Region {
            space: slot.space,
            start: slot.offset + rows.start * stride + columns.start,
            width: columns.len(),
            stride,
            runs: rows.len(),
        };
        // Whole rows follow each other without a gap.
        if region.width == stride && region.runs > 0 {
            let len = region.width * region.runs;
            return Region { width: len, stride: len, runs: 1, ..region };
        }
        region
    }

    fn is_empty(&self) -> bool {
        self.width == 0 || self.runs == 0
    }

    /// Behind the last element.
    pub(super) fn end(&self) -> usize {
        if self.is_empty() {
            self.start
        } else {
            self.start + (self.runs - 1) * self.stride + self.width
        }
    }

    /// Whether the two may have an element in common: exact for regions of the same matrix, else no less than true.
    pub(super) fn meets(&self, other: &Region) -> bool {
        if self.space != other.space || self.is_empty() || other.is_empty() {
            return false;
        }
        if self.start >= other.end() || other.start >= self.end() {
            return false;
        }
        if self.stride != other.stride {
            return true;
        }
        // Columns of one matrix, wherever it begins: each is compared with the other's first one, going round.
        let stride = self.stride;
        let ahead = (other.start % stride + stride - self.start % stride) % stride;
        let behind = (stride - ahead) % stride;
        ahead < self.width || behind < other.width
    }
}

/// What one instruction touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Accesses {
    pub(super) reads: Vec<Region>,
    pub(super) writes: Vec<Region>,
}

impl Accesses {
    fn new(reads: &[Slot], write: Slot) -> Self {
        Accesses {
            reads: reads.iter().map(|&slot| slot.into()).collect(),
            writes: vec![write.into()],
        }
    }

    /// Whether the one writes what the other reads or writes.
    pub(super) fn conflict(&self, other: &Accesses) -> bool {
        let meet = |a: &[Region], b: &[Region]| a.iter().any(|a| b.iter().any(|b| a.meets(b)));
        meet(&self.writes, &other.writes)
            || meet(&self.writes, &other.reads)
            || meet(&self.reads, &other.writes)
    }

    pub(super) fn extend(&mut self, other: &Accesses) {
        self.reads.extend_from_slice(&other.reads);
        self.writes.extend_from_slice(&other.writes);
    }
}

impl Instruction {
    /// Everything that the instruction touches.
    pub(super) fn accesses(&self) -> Accesses {
        match self {
            Instruction::Product(product) => product.accesses(),
            Instruction::Copy { x, out }
            | Instruction::Map { x, out, .. }
            | Instruction::Reduce { x, out, .. }
            | Instruction::Move { x, out, .. } => Accesses::new(&[*x], *out),
            Instruction::MapGrad { dy, from, out, .. } => Accesses::new(&[*dy, *from], *out),
            Instruction::Arithmetic { operands, out, .. }
            | Instruction::Pair { operands, out, .. } => Accesses::new(operands, *out),
            Instruction::Softmax { operands, out, .. } => Accesses::new(operands, *out),
            Instruction::ColumnSums(sums) => Accesses {
                reads: vec![Region::rectangle(
                    sums.x,
                    sums.stride,
                    0..sums.rows,
                    sums.columns.clone(),
                )],
                writes: vec![Region::rectangle(sums.out, sums.stride, 0..1, sums.columns.clone())],
            },
            Instruction::Normalize { dy, x, out, .. } => {
                Accesses::new(&[*dy, Some(*x)].into_iter().flatten().collect::<Vec<_>>(), *out)
            }
            Instruction::Mask { out, .. } => Accesses::new(&[], *out),
            Instruction::Embedding { weight, index, out, .. } => {
                Accesses::new(&[*weight, *index], *out)
            }
            Instruction::EmbeddingGrad { dy, index, out, .. } => {
                Accesses::new(&[*dy, *index], *out)
            }
            Instruction::TinyEntropy(tiny) => tiny.accesses(),
            Instruction::CrossEntropy(entropy) => {
                let reads = [
                    Some(entropy.scores),
                    Some(entropy.target),
                    entropy.weights,
                    entropy.derivative.map(|(dy, _)| dy),
                ];
                let writes = [entropy.value, entropy.derivative.map(|(_, out)| out)];
                Accesses {
                    reads: reads.into_iter().flatten().map(Region::from).collect(),
                    writes: writes.into_iter().flatten().map(Region::from).collect(),
                }
            }
            Instruction::PairGrad { dy, operands, out, .. } => {
                Accesses::new(&[&[*dy], operands.as_slice()].concat(), *out)
            }
            Instruction::Tiny(tiny) => tiny.accesses(),
            Instruction::Feed(feed) => feed.accesses(),
            Instruction::Update(update) => {
                Accesses::new(&[update.gradient, update.parameters], update.parameters)
            }
            Instruction::TableStep(step) => {
                let TableStep { dy, index, update, last, visited, .. } = *step;
                let writes = [update.parameters, update.gradient, last, visited];
                Accesses {
                    reads: [dy, index, update.parameters].map(Region::from).to_vec(),
                    writes: writes.map(Region::from).to_vec(),
                }
            }
            Instruction::StopUnlessFinite { loss } => {
                Accesses { reads: vec![(*loss).into()], writes: vec![] }
            }
            Instruction::Wait => Accesses::default(),
        }
    }
}

impl Product {
    fn accesses(&self) -> Accesses {
        let (m, n, k) = (self.m, self.n, self.k);
        let (rows, columns) = (self.rows.clone(), self.columns.clone());
        let a = if self.transpose_a {
            Region::rectangle(self.a, m, 0..k, rows.clone())
        } else {
            Region::rectangle(self.a, k, rows.clone(), 0..k)
        };
        let b = if self.shape.b == Right::Panels {
            self.b.into()
        } else if self.transpose_b {
            Region::rectangle(self.b, k, columns.clone(), 0..k)
        } else {
            Region::rectangle(self.b, n, 0..k, columns.clone())
        };
        let mut reads = vec![a, b];
        if let Some(bias) = self.bias {
            reads.push(Region::rectangle(bias, n, 0..1, columns.clone()));
        }
        if let After::Derive(_, from) = self.after {
            reads.push(Region::rectangle(from, n, rows.clone(), columns.clone()));
        }
        Accesses { reads, writes: vec![Region::rectangle(self.out, n, rows, columns)] }
    }
}

impl Feed {
    /// The rows at home, which readers know as those of the input.
    fn accesses(&self) -> Accesses {
        let read = Slot { space: Space::Input(self.input), offset: 0, len: self.out.len };
        let rows = |slot| Region::rectangle(slot, self.width, self.rows.clone(), 0..self.width);
        Accesses { reads: vec![], writes: vec![rows(self.out), rows(read)] }
    }
}

#[cfg(test)]
mod tests;
