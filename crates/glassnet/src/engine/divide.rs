//! Ways to cut an instruction into parts for several threads.

use std::ops::Range;
use std::sync::Arc;

use super::instruction::{
    Broadcast, ColumnSums, Entropy, Extent, Feed, Instruction, Product, Update,
};
use super::place::Slot;

/// What each thread does: nothing, one instruction, or several.
pub(super) type Parts = Vec<Option<Instruction>>;

/// Rows are cut at multiples of this.
const ROWS: usize = 4;
/// Columns are cut at multiples of this: whole cache lines.
const COLUMNS: usize = 16;

/// Cuts `0..len` into `count` ranges that begin at multiples of `step`; the last ones may be empty.
pub(super) fn cut(len: usize, count: usize, step: usize) -> Vec<Range<usize>> {
    let each = len.div_ceil(count).next_multiple_of(step);
    (0..count).map(|part| (part * each).min(len)..((part + 1) * each).min(len)).collect()
}

/// The ways to cut `instruction` into `count` parts of disjoint outputs; none where it has to be done whole.
pub(super) fn divide(instruction: &Instruction, count: usize, batch: usize) -> Vec<Parts> {
    let elements = |len: usize| element_cuts(len, count, batch);
    match instruction {
        Instruction::Product(product) => of_product(product, count),
        Instruction::ColumnSums(sums) => vec![of_column_sums(sums, count)],
        Instruction::Feed(feed) => vec![
            cut(feed.rows.len(), count, ROWS)
                .into_iter()
                .map(|rows| some(rows, |rows| Instruction::Feed(Feed { rows, ..feed.clone() })))
                .collect(),
        ],
        Instruction::Copy { x, out } => {
            by_elements(elements(out.len), |part| Instruction::Copy { x: part(x), out: part(out) })
        }
        Instruction::Map { activation, x, out } => by_elements(elements(out.len), |part| {
            Instruction::Map { activation: *activation, x: part(x), out: part(out) }
        }),
        Instruction::MapGrad { activation, dy, from, out } => {
            by_elements(elements(out.len), |part| Instruction::MapGrad {
                activation: *activation,
                dy: part(dy),
                from: part(from),
                out: part(out),
            })
        }
        Instruction::Pair { loss, operands, out } if same_length(operands, out) => {
            by_elements(elements(out.len), |part| Instruction::Pair {
                loss: *loss,
                operands: operands.iter().map(part).collect(),
                out: part(out),
            })
        }
        Instruction::PairGrad { loss, operand, dy, operands, out }
            if same_length(operands, out) && dy.len == out.len =>
        {
            by_elements(elements(out.len), |part| Instruction::PairGrad {
                loss: *loss,
                operand: *operand,
                dy: part(dy),
                operands: operands.iter().map(part).collect(),
                out: part(out),
            })
        }
        Instruction::Arithmetic { op, operands, out, reads } => {
            cut_broadcast(reads, out, operands, count, batch)
                .map(|parts| {
                    let make = |(operands, out, reads)| Instruction::Arithmetic {
                        op: *op,
                        operands,
                        out,
                        reads: Arc::new(reads),
                    };
                    parts.into_iter().map(|part| part.map(make)).collect()
                })
                .into_iter()
                .collect()
        }
        Instruction::Softmax { softmax, operands, out, extent } => {
            by_outer(*extent, count, |lines, extent| Instruction::Softmax {
                softmax: *softmax,
                operands: operands.map(|operand| operand.part(lines(extent.length))),
                out: out.part(lines(extent.length)),
                extent,
            })
        }
        Instruction::Reduce { kind, x, out, extent } => {
            by_outer(*extent, count, |lines, extent| Instruction::Reduce {
                kind: *kind,
                x: x.part(lines(extent.length)),
                out: out.part(lines(1)),
                extent,
            })
        }
        Instruction::Normalize { eps, dy, x, out, extent } => {
            by_outer(*extent, count, |lines, extent| Instruction::Normalize {
                eps: *eps,
                dy: dy.map(|dy| dy.part(lines(extent.length))),
                x: x.part(lines(extent.length)),
                out: out.part(lines(extent.length)),
                extent,
            })
        }
        Instruction::CrossEntropy(entropy) => of_entropy(entropy, count).into_iter().collect(),
        Instruction::Update(update) => {
            vec![of_update(update, &cut(update.parameters.len, count, COLUMNS))]
        }
        Instruction::Pair { .. }
        | Instruction::PairGrad { .. }
        | Instruction::Mask { .. }
        | Instruction::Embedding { .. }
        | Instruction::EmbeddingGrad { .. }
        | Instruction::TableStep(_)
        | Instruction::Move { .. }
        | Instruction::Tiny(_)
        | Instruction::TinyEntropy(_)
        | Instruction::StopUnlessFinite { .. }
        | Instruction::Wait => vec![],
    }
}

/// An update in the parts in which its gradient was computed.
pub(super) fn of_update(update: &Update, ranges: &[Range<usize>]) -> Parts {
    let part = |range: Range<usize>| {
        Instruction::Update(Update {
            parameters: update.parameters.part(range.clone()),
            gradient: update.gradient.part(range),
            matrix: update.matrix,
        })
    };
    ranges.iter().cloned().map(|range| some(range, part)).collect()
}

fn some(range: Range<usize>, make: impl Fn(Range<usize>) -> Instruction) -> Option<Instruction> {
    if range.is_empty() { None } else { Some(make(range)) }
}

fn same_length(operands: &[Slot], out: &Slot) -> bool {
    operands.iter().all(|operand| operand.len == out.len)
}

/// Whole rows of the batch where there are such, so that a row stays with its thread.
fn element_cuts(len: usize, count: usize, batch: usize) -> Vec<Range<usize>> {
    if batch >= ROWS * count && len.is_multiple_of(batch) {
        let width = len / batch;
        return cut(batch, count, ROWS)
            .into_iter()
            .map(|rows| rows.start * width..rows.end * width)
            .collect();
    }
    cut(len, count, COLUMNS)
}

fn by_elements(
    cuts: Vec<Range<usize>>,
    make: impl Fn(&dyn Fn(&Slot) -> Slot) -> Instruction,
) -> Vec<Parts> {
    let part = |range: Range<usize>| make(&|slot: &Slot| slot.part(range.clone()));
    vec![cuts.into_iter().map(|range| some(range, part)).collect()]
}

/// Cuts `[outer, length, inner]` between lines; `lines(length)` gives the elements of a slot with so long lines.
fn by_outer(
    extent: Extent,
    count: usize,
    make: impl Fn(&dyn Fn(usize) -> Range<usize>, Extent) -> Instruction,
) -> Vec<Parts> {
    if extent.outer < ROWS * count {
        return vec![];
    }
    let part = |outer: Range<usize>| {
        let elements =
            |length: usize| outer.start * length * extent.inner..outer.end * length * extent.inner;
        make(&elements, Extent { outer: outer.len(), ..extent })
    };
    vec![cut(extent.outer, count, ROWS).into_iter().map(|outer| some(outer, part)).collect()]
}

fn of_product(product: &Product, count: usize) -> Vec<Parts> {
    let rows = || {
        let part = |rows| Instruction::Product(Product { rows, ..product.clone() });
        cut(product.m, count, ROWS).into_iter().map(|range| some(range, part)).collect::<Parts>()
    };
    let columns = || {
        let part = |columns| Instruction::Product(Product { columns, ..product.clone() });
        cut(product.n, count, COLUMNS).into_iter().map(|range| some(range, part)).collect::<Parts>()
    };
    let (by_rows, by_columns) = (product.m >= ROWS * count, product.n >= COLUMNS * count);
    match (by_rows, by_columns) {
        (true, true) => vec![rows(), columns()],
        (true, false) => vec![rows()],
        (false, true) => vec![columns()],
        (false, false) => vec![],
    }
}

fn of_column_sums(sums: &ColumnSums, count: usize) -> Parts {
    let part = |columns| Instruction::ColumnSums(ColumnSums { columns, ..sums.clone() });
    cut(sums.stride, count, COLUMNS).into_iter().map(|range| some(range, part)).collect()
}

/// The value on one thread and its derivative on another: both need all rows' classes for the mean.
fn of_entropy(entropy: &Entropy, count: usize) -> Option<Parts> {
    if entropy.value.is_none() || entropy.derivative.is_none() {
        return None;
    }
    let value = Instruction::CrossEntropy(Entropy { derivative: None, ..*entropy });
    let derivative = Instruction::CrossEntropy(Entropy { value: None, ..*entropy });
    let mut parts = vec![None; count];
    parts[0] = Some(value);
    parts[1] = Some(derivative);
    Some(parts)
}

/// Operands, output, and how the operands are read.
type BroadcastPart = (Vec<Slot>, Slot, Broadcast);

/// Elementwise arithmetic cut along its first axis.
fn cut_broadcast(
    reads: &Broadcast,
    out: &Slot,
    operands: &[Slot],
    count: usize,
    batch: usize,
) -> Option<Vec<Option<BroadcastPart>>> {
    let (&first, rest) = reads.dims.split_first()?;
    let width: usize = rest.iter().product();
    let cuts = if rest.is_empty() {
        element_cuts(first, count, batch)
    } else if first >= ROWS * count {
        cut(first, count, ROWS)
    } else {
        return None;
    };
    let part = |range: Range<usize>| {
        if range.is_empty() {
            return None;
        }
        let operands =
            operands.iter().zip(&reads.strides).map(|(operand, strides)| match strides[0] {
                0 => *operand,
                stride => operand.part(
                    (range.start * stride).min(operand.len)..(range.end * stride).min(operand.len),
                ),
            });
        let dims = [&[range.len()], rest].concat();
        let reads = Broadcast { dims, strides: reads.strides.clone() };
        Some((operands.collect(), out.part(range.start * width..range.end * width), reads))
    };
    Some(cuts.into_iter().map(part).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_cover_everything_once() {
        for len in [0, 1, 3, 4, 16, 17, 100, 1000] {
            for count in 1..9 {
                for step in [1, 4, 16] {
                    let cuts = cut(len, count, step);
                    assert_eq!(cuts.len(), count);
                    assert_eq!(
                        cuts.iter().flat_map(Clone::clone).collect::<Vec<_>>(),
                        (0..len).collect::<Vec<_>>()
                    );
                }
            }
        }
    }
}
