//! Running a schedule: one match, one kernel call per instruction.

use super::arena::{Arena, Operands};
use super::instruction::{Instruction, Product};
use super::kernels::{Level, Operands as Factors, product, sum_rows};
use super::{Block, Draw, Memory, Plan};
use super::{broadcast, cross_entropy, elementwise, moves, pair, rows};
use crate::error::{Error, Result};
use crate::graph::op::Reduction;
use crate::math::random::{DROPOUT, Stream};

pub(super) fn run(plan: &Plan, block: &Block, memory: &mut Memory, draw: Draw) -> Result<()> {
    assert_eq!(block.data().len(), plan.state_len, "the block belongs to the plan's graph");
    assert_eq!(memory.work.len(), plan.work_len, "the memory belongs to the plan");
    let mut arena = Arena::new(block.data(), &mut memory.work, &memory.index);
    for instruction in &plan.instructions {
        let (out, operands) = arena.split(instruction.out());
        execute(plan.level, instruction, &operands, out, &mut memory.scratch, draw)?;
    }
    Ok(())
}

fn execute(
    level: Level,
    instruction: &Instruction,
    arena: &Operands<'_>,
    out: &mut [f32],
    scratch: &mut [f32],
    draw: Draw,
) -> Result<()> {
    match instruction {
        Instruction::Product(product) => multiply(level, product, arena, out, scratch),
        Instruction::Copy { x, .. } => out.copy_from_slice(arena.read(*x)),
        Instruction::Map { activation, x, .. } => {
            elementwise::map(level, *activation, arena.read(*x), out);
        }
        Instruction::MapGrad { activation, dy, from, .. } => {
            elementwise::map_grad(level, *activation, arena.read(*dy), arena.read(*from), out);
        }
        Instruction::Arithmetic { op, operands, reads, .. } => {
            let first = arena.read(operands[0]);
            let second = arena.read(operands[1]);
            let third = operands.get(2).map_or(&[][..], |&third| arena.read(third));
            broadcast::arithmetic(level, *op, [first, second, third], out, reads);
        }
        Instruction::Softmax { softmax, operands, extent, .. } => {
            let operands = operands.map(|operand| arena.read(operand));
            rows::softmax(level, *softmax, operands, out, *extent);
        }
        Instruction::Reduce { kind: Reduction::Sum, x, extent, .. } if extent.outer == 1 => {
            sum_rows(level, extent.length, extent.inner, arena.read(*x), out);
        }
        Instruction::Reduce { kind, x, extent, .. } => {
            rows::reduce(level, *kind, arena.read(*x), out, *extent);
        }
        Instruction::Normalize { eps, dy, x, extent, .. } => {
            let dy = dy.map(|dy| arena.read(dy));
            rows::normalize(level, *eps, dy, arena.read(*x), out, *extent);
        }
        Instruction::Mask { p, stream, .. } => {
            return Stream::at(draw.seed, DROPOUT + *stream as u64, draw.step)
                .fill_keep_mask(out, *p);
        }
        Instruction::Embedding { weight, index, width, .. } => {
            return embedding(arena.read(*weight), arena.indices(*index), *width, out);
        }
        Instruction::EmbeddingGrad { dy, index, width, padding_idx, .. } => {
            embedding_grad(arena.read(*dy), arena.indices(*index), *width, *padding_idx, out);
        }
        Instruction::Move { x, path, .. } => moves::strided(arena.read(*x), path, out),
        Instruction::CrossEntropy { loss, dy, scores, target, weights, classes, .. } => {
            let operands = cross_entropy::Operands {
                scores: arena.read(*scores),
                indices: arena.indices(*target),
                probabilities: arena.read(*target),
                weights: weights.map(|weights| arena.read(weights)),
                classes: *classes,
            };
            let dy = dy.map(|dy| arena.read(dy));
            return cross_entropy::run(level, *loss, dy, &operands, out);
        }
        Instruction::Pair { loss, operands, .. } => {
            let third = operands.get(2).map(|&third| arena.read(third));
            pair::value(level, *loss, arena.read(operands[0]), arena.read(operands[1]), third, out);
        }
        Instruction::PairGrad { loss, operand, dy, operands, .. } => {
            let third = operands.get(2).map(|&third| arena.read(third));
            let (first, second) = (arena.read(operands[0]), arena.read(operands[1]));
            pair::derivative(level, *loss, *operand, arena.read(*dy), [first, second], third, out);
        }
    }
    Ok(())
}

fn multiply(level: Level, p: &Product, arena: &Operands<'_>, out: &mut [f32], scratch: &mut [f32]) {
    let mut factors = Factors::new(arena.read(p.a), arena.read(p.b));
    if let Some(bias) = p.bias {
        factors = factors.with_bias(arena.read(bias));
    }
    product(level, &p.shape(), &factors, out, scratch);
    if let Some(activation) = p.epilogue {
        elementwise::map_in_place(level, activation, out);
    }
}

fn embedding(weight: &[f32], index: &[i64], width: usize, out: &mut [f32]) -> Result<()> {
    let rows = weight.len().checked_div(width).unwrap_or(0);
    for (place, &row) in index.iter().enumerate() {
        let Some(row) = usize::try_from(row).ok().filter(|&row| row < rows) else {
            return Err(Error::data(format!("index {row} is outside the embedding's {rows} rows"))
                .at(format!("element {place} of the batch")));
        };
        out[place * width..(place + 1) * width]
            .copy_from_slice(&weight[row * width..(row + 1) * width]);
    }
    Ok(())
}

/// Indices were checked by the forward look-up of the same plan.
fn embedding_grad(
    dy: &[f32],
    index: &[i64],
    width: usize,
    padding_idx: Option<usize>,
    out: &mut [f32],
) {
    out.fill(0.0);
    for (place, &row) in index.iter().enumerate() {
        let Ok(row) = usize::try_from(row) else { continue };
        if Some(row) == padding_idx || (row + 1) * width > out.len() {
            continue;
        }
        let from = &dy[place * width..(place + 1) * width];
        for (total, value) in out[row * width..(row + 1) * width].iter_mut().zip(from) {
            *total += value;
        }
    }
}
