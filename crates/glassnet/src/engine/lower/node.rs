//! The kernels of one node, by family.

use std::sync::Arc;

use super::Lowering;
use super::extent::{axes_path, broadcast, broadcast_path, extent, permuted_lengths, row_major};
use crate::engine::instruction::{After, ColumnSums, Entropy, Extent, Instruction, Path, Product};
use crate::engine::place::Slot;
use crate::error::{Error, Result};
use crate::graph::op::{
    ActivationGrad, Arithmetic, Gather, Layout, Linear, Loss, Normalize, Random, Reduce, Reduction,
    Softmax,
};
use crate::graph::{NodeId, Op};

impl Lowering<'_> {
    /// Appends the instructions that compute `id` into `out`.
    pub(super) fn emit(&mut self, id: NodeId, out: Slot) -> Result<()> {
        let graph = self.graph;
        let node = graph.graph().node(id);
        if let Some((product, after)) = self.folded_product(id) {
            self.product(product, out, after);
            return Ok(());
        }
        let slots: Vec<Slot> = node.operands().iter().map(|&operand| self.slots[operand]).collect();
        match node.op() {
            Op::Source(_) => Err(Error::network("a source is not computed")),
            Op::Linear(_) => {
                self.product(id, out, After::Nothing);
                Ok(())
            }
            Op::Arithmetic(op) => {
                self.arithmetic(id, *op, slots, out);
                Ok(())
            }
            Op::Activation(activation) => {
                self.push(Instruction::Map { activation: *activation, x: slots[0], out })
            }
            Op::ActivationGrad(ActivationGrad(activation)) => self.push(Instruction::MapGrad {
                activation: *activation,
                dy: slots[0],
                from: slots[1],
                out,
            }),
            Op::Softmax(op) => self.softmax(id, *op, &slots, out),
            Op::Reduce(op) => self.reduce(id, op, slots[0], out),
            Op::Normalize(op) => self.normalize(id, op, &slots, out),
            Op::Random(Random::DropoutMask { p, stream, .. }) => {
                self.push(Instruction::Mask { p: *p, stream: *stream, out })
            }
            Op::Gather(op) => self.gather(id, *op, &slots, out),
            Op::Layout(op) => self.layout(id, op, &slots, out),
            Op::Loss(op) => self.loss(id, *op, slots, out),
        }
    }

    fn push(&mut self, instruction: Instruction) -> Result<()> {
        self.instructions.push(instruction);
        Ok(())
    }

    fn lengths(&self, id: NodeId) -> Vec<usize> {
        self.graph.shape(id).at(self.batch)
    }

    fn operand_lengths(&self, id: NodeId, index: usize) -> Vec<usize> {
        self.lengths(self.graph.graph().node(id).operands()[index])
    }

    fn product(&mut self, id: NodeId, out: Slot, after: After) {
        let node = self.graph.graph().node(id);
        let last_and_rows = |lengths: Vec<usize>| {
            let last = lengths.last().copied().unwrap_or(1);
            (last, lengths.iter().rev().skip(1).product::<usize>())
        };
        let (a_last, a_rows) = last_and_rows(self.operand_lengths(id, 0));
        let (b_last, b_rows) = last_and_rows(self.operand_lengths(id, 1));
        let (transpose_a, transpose_b) = match node.op() {
            Op::Linear(Linear::MatMul { transpose_a, transpose_b }) => (*transpose_a, *transpose_b),
            _ => (false, true), // not operations: an affine map's weight is stored as (out, in)
        };
        let (m, k) = if transpose_a { (a_last, a_rows) } else { (a_rows, a_last) };
        let n = if transpose_b { b_rows } else { b_last };
        let operands = node.operands();
        self.instructions.push(Instruction::Product(Product {
            a: self.slots[operands[0]],
            b: self.slots[operands[1]],
            bias: operands.get(2).map(|&bias| self.slots[bias]),
            out,
            m,
            n,
            k,
            transpose_a,
            transpose_b,
            after,
            shape: Product::shape([m, k, n], transpose_a, transpose_b, after),
            rows: 0..m,
            columns: 0..n,
        }));
    }

    fn arithmetic(&mut self, id: NodeId, op: Arithmetic, slots: Vec<Slot>, out: Slot) {
        let operands: Vec<Vec<usize>> =
            (0..slots.len()).map(|index| self.operand_lengths(id, index)).collect();
        let reads = Arc::new(broadcast(&self.lengths(id), &operands));
        self.instructions.push(Instruction::Arithmetic { op, operands: slots, out, reads });
    }

    fn softmax(&mut self, id: NodeId, softmax: Softmax, slots: &[Slot], out: Slot) -> Result<()> {
        let axis = softmax.axis();
        let extent = extent(&self.lengths(id), &[axis]);
        let operands = [slots[0], slots.get(1).copied().unwrap_or(slots[0])];
        self.push(Instruction::Softmax { softmax, operands, out, extent })
    }

    fn reduce(&mut self, id: NodeId, op: &Reduce, x: Slot, out: Slot) -> Result<()> {
        let lengths = self.operand_lengths(id, 0);
        let kind = op.kind;
        if is_run(&op.axes) {
            let extent = extent(&lengths, &op.axes);
            if kind == Reduction::Sum && extent.outer == 1 {
                let (rows, stride) = (extent.length, extent.inner);
                let sums = ColumnSums { x, out, rows, stride, columns: 0..stride };
                return self.push(Instruction::ColumnSums(sums));
            }
            return self.push(Instruction::Reduce { kind, x, out, extent });
        }
        let (gathered, extent) = self.axes_last(x, &lengths, &op.axes);
        self.instructions.push(Instruction::Reduce { kind, x: gathered, out, extent });
        self.allocator.give_back(gathered);
        Ok(())
    }

    /// Copies a value so that `axes` are its last ones.
    fn axes_last(&mut self, x: Slot, lengths: &[usize], axes: &[usize]) -> (Slot, Extent) {
        let out = self.temporary(x.len);
        let path = Arc::new(axes_path(lengths, axes));
        self.instructions.push(Instruction::Move { x, out, path });
        let length = axes.iter().map(|&axis| lengths[axis]).product();
        let outer = x.len.checked_div(length).unwrap_or(0);
        (out, Extent { outer, length, inner: 1 })
    }

    fn normalize(&mut self, id: NodeId, op: &Normalize, slots: &[Slot], out: Slot) -> Result<()> {
        let lengths = self.lengths(id);
        let (dy, x) = if op.grad { (Some(slots[0]), slots[1]) } else { (None, slots[0]) };
        if is_run(&op.axes) {
            let extent = extent(&lengths, &op.axes);
            return self.push(Instruction::Normalize { eps: op.eps, dy, x, out, extent });
        }
        let (x, extent) = self.axes_last(x, &lengths, &op.axes);
        let dy = dy.map(|dy| self.axes_last(dy, &lengths, &op.axes).0);
        let result = self.temporary(out.len);
        self.instructions.push(Instruction::Normalize { eps: op.eps, dy, x, out: result, extent });
        let there = axes_path(&lengths, &op.axes);
        let back = Path { from: there.to, to: there.from, ..there };
        self.instructions.push(Instruction::Move { x: result, out, path: Arc::new(back) });
        for slot in [Some(x), dy, Some(result)].into_iter().flatten() {
            self.allocator.give_back(slot);
        }
        Ok(())
    }

    fn gather(&mut self, id: NodeId, op: Gather, slots: &[Slot], out: Slot) -> Result<()> {
        let width = self.lengths(id).last().copied().unwrap_or(1);
        match op {
            Gather::Embedding { .. } => {
                self.push(Instruction::Embedding { weight: slots[0], index: slots[1], out, width })
            }
            Gather::EmbeddingGrad { padding_idx, .. } => self.push(Instruction::EmbeddingGrad {
                dy: slots[0],
                index: slots[1],
                out,
                width,
                padding_idx,
            }),
        }
    }

    fn layout(&mut self, id: NodeId, op: &Layout, slots: &[Slot], out: Slot) -> Result<()> {
        let (lengths, from) = (self.lengths(id), self.operand_lengths(id, 0));
        let (strides, from_strides) = (row_major(&lengths), row_major(&from));
        let path =
            |dims: &[usize], from: &[usize], from_start: usize, to_start: usize, clear: bool| {
                Arc::new(Path {
                    dims: dims.to_vec(),
                    from: from.to_vec(),
                    from_start,
                    to: strides.clone(),
                    to_start,
                    clear,
                })
            };
        let path = match op {
            Layout::Reshape { .. } => return self.push(Instruction::Copy { x: slots[0], out }),
            Layout::Permute { axes } => {
                path(&lengths, &permuted_lengths(&from_strides, axes), 0, 0, false)
            }
            Layout::Slice { axis, start, .. } => {
                path(&lengths, &from_strides, start * from_strides[*axis], 0, false)
            }
            Layout::Pad { axis, before, .. } => {
                path(&from, &from_strides, 0, before * strides[*axis], true)
            }
            Layout::Broadcast { .. } => Arc::new(broadcast_path(&lengths, &from)),
            Layout::Concat { axis } => {
                let mut start = 0;
                for (index, &x) in slots.iter().enumerate() {
                    let from = self.operand_lengths(id, index);
                    let path = path(&from, &row_major(&from), 0, start * strides[*axis], false);
                    self.instructions.push(Instruction::Move { x, out, path });
                    start += from[*axis];
                }
                return Ok(());
            }
        };
        self.push(Instruction::Move { x: slots[0], out, path })
    }

    fn loss(&mut self, id: NodeId, op: Loss, mut slots: Vec<Slot>, out: Slot) -> Result<()> {
        let instruction = match op {
            Loss::CrossEntropy(loss) => Instruction::CrossEntropy(Entropy {
                loss,
                scores: slots[0],
                target: slots[1],
                weights: slots.get(2).copied(),
                classes: self.operand_lengths(id, 0).last().copied().unwrap_or(1),
                value: Some(out),
                derivative: None,
            }),
            Loss::CrossEntropyGrad(loss) => Instruction::CrossEntropy(Entropy {
                loss,
                scores: slots[1],
                target: slots[2],
                weights: slots.get(3).copied(),
                classes: self.lengths(id).last().copied().unwrap_or(1),
                value: None,
                derivative: Some((slots[0], out)),
            }),
            Loss::Pair(loss) => Instruction::Pair { loss, operands: slots, out },
            Loss::PairGrad { loss, operand } => {
                let dy = slots.remove(0);
                Instruction::PairGrad { loss, operand, dy, operands: slots, out }
            }
        };
        self.push(instruction)
    }

    /// A cross-entropy into `value` together with its derivative `id` into `out`.
    pub(super) fn emit_pair(&mut self, id: NodeId, value: Slot, out: Slot) {
        let node = self.graph.graph().node(id);
        let Op::Loss(Loss::CrossEntropyGrad(loss)) = node.op() else { return };
        let slots: Vec<Slot> = node.operands().iter().map(|&operand| self.slots[operand]).collect();
        self.instructions.push(Instruction::CrossEntropy(Entropy {
            loss: *loss,
            scores: slots[1],
            target: slots[2],
            weights: slots.get(3).copied(),
            classes: self.lengths(id).last().copied().unwrap_or(1),
            value: Some(value),
            derivative: Some((slots[0], out)),
        }));
    }
}

/// Whether axes follow each other without a gap.
fn is_run(axes: &[usize]) -> bool {
    axes.windows(2).all(|pair| pair[0] + 1 == pair[1])
}
