//! Elementwise arithmetic over broadcast operands.

use super::instruction::Broadcast;
use super::kernels::Level;
use super::moves::Counters;
use crate::graph::op::Arithmetic;

/// `out = op(operands)`, each operand read as `reads` says.
pub(super) fn arithmetic(
    level: Level,
    op: Arithmetic,
    operands: [&[f32]; 3],
    out: &mut [f32],
    reads: &Broadcast,
) {
    match op {
        Arithmetic::Add => binary(
            level,
            operands,
            out,
            reads,
            #[inline(always)]
            |a, b| a + b,
        ),
        Arithmetic::Sub => binary(
            level,
            operands,
            out,
            reads,
            #[inline(always)]
            |a, b| a - b,
        ),
        Arithmetic::Mul => binary(
            level,
            operands,
            out,
            reads,
            #[inline(always)]
            |a, b| a * b,
        ),
        Arithmetic::Div => binary(
            level,
            operands,
            out,
            reads,
            #[inline(always)]
            |a, b| a / b,
        ),
        Arithmetic::Maximum => binary(level, operands, out, reads, maximum),
        Arithmetic::Minimum => binary(level, operands, out, reads, minimum),
        Arithmetic::Power => binary(level, operands, out, reads, power),
        Arithmetic::Select => select(operands, out, reads),
    }
}

/// The larger; NaN if either is.
#[inline(always)]
pub(super) fn maximum(a: f32, b: f32) -> f32 {
    if a > b || a.is_nan() { a } else { b }
}

/// The smaller; NaN if either is.
#[inline(always)]
pub(super) fn minimum(a: f32, b: f32) -> f32 {
    if a < b || a.is_nan() { a } else { b }
}

/// Computed in f64 and rounded once.
#[inline(always)]
fn power(a: f32, b: f32) -> f32 {
    libm::pow(f64::from(a), f64::from(b)) as f32
}

fn binary(
    level: Level,
    [a, b, _]: [&[f32]; 3],
    out: &mut [f32],
    reads: &Broadcast,
    f: impl Fn(f32, f32) -> f32 + Copy,
) {
    if out.is_empty() {
        return;
    }
    level.run(
        #[inline(always)]
        || {
            let outer = reads.dims.len() - 1;
            let length = reads.dims[outer];
            let (a_step, b_step) = (reads.strides[0][outer], reads.strides[1][outer]);
            let mut counters = Counters::new(&reads.dims[..outer]);
            for row in out.chunks_exact_mut(length) {
                let a = &a[counters.offset(&reads.strides[0])..];
                let b = &b[counters.offset(&reads.strides[1])..];
                match (a_step, b_step) {
                    (1, 1) => {
                        for ((out, &a), &b) in row.iter_mut().zip(a).zip(b) {
                            *out = f(a, b);
                        }
                    }
                    (1, 0) => {
                        for (out, &a) in row.iter_mut().zip(a) {
                            *out = f(a, b[0]);
                        }
                    }
                    (0, 1) => {
                        for (out, &b) in row.iter_mut().zip(b) {
                            *out = f(a[0], b);
                        }
                    }
                    (a_step, b_step) => {
                        for (i, out) in row.iter_mut().enumerate() {
                            *out = f(a[i * a_step], b[i * b_step]);
                        }
                    }
                }
                counters.next();
            }
        },
    );
}

fn select(operands: [&[f32]; 3], out: &mut [f32], reads: &Broadcast) {
    if out.is_empty() {
        return;
    }
    let outer = reads.dims.len() - 1;
    let length = reads.dims[outer];
    let mut counters = Counters::new(&reads.dims[..outer]);
    for row in out.chunks_exact_mut(length) {
        let starts = [0, 1, 2].map(|operand| counters.offset(&reads.strides[operand]));
        for (i, out) in row.iter_mut().enumerate() {
            let at = |operand: usize| {
                operands[operand][starts[operand] + i * reads.strides[operand][outer]]
            };
            *out = if at(0) > 0.0 { at(1) } else { at(2) };
        }
        counters.next();
    }
}
