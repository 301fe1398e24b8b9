//! Kernels over arrays of every length and shape: an element's bits depend neither on how many there are nor on the
//! instruction set.
//!
//! Each operand is an allocation of its own, as long as the operand and no longer, so that under an address sanitizer (`cargo
//! xtask sanitize`) one element too many is an error, read or written. Products and cross-entropy have such tests beside
//! them.

mod lines;
mod products;

use super::broadcast::arithmetic;
use super::instruction::Broadcast;
use super::{Level, elementwise, pair};
use crate::graph::op::{Activation, Arithmetic, PairLoss};

/// Below, at and above the lengths of every register, and of several.
const LENGTHS: [usize; 20] =
    [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 24, 31, 32, 33, 63, 65, 100];

/// Numbers in ±4 and some special ones; exactly `len`.
fn numbers(seed: usize, len: usize) -> Box<[f32]> {
    let special = [0.0, -0.0, 1.0, f32::INFINITY, f32::NAN, 1e-40];
    let number = |i: usize| match (i * 7 + seed) % 29 {
        place if place < special.len() => special[place],
        _ => ((i * 7919 + seed * 104_729 + 13) % 10_007) as f32 / 1250.0 - 4.0, // not operations: places
    };
    (0..len).map(number).collect()
}

/// Exactly `len` numbers that a kernel must overwrite.
fn unwritten(len: usize) -> Box<[f32]> {
    vec![77.25; len].into_boxed_slice()
}

/// The bits; which NaN it is depends on the order of operands that the compiler chose.
fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|v| if v.is_nan() { f32::NAN.to_bits() } else { v.to_bits() }).collect()
}

/// `kernel(level, first, length, out)` for every level and length against elements computed one by one.
fn check_each(what: &str, kernel: impl Fn(Level, usize, usize, &mut [f32])) {
    let most = LENGTHS.into_iter().max().unwrap_or(0);
    let single = |i: usize| {
        let mut out = unwritten(1);
        kernel(Level::PORTABLE, i, 1, &mut out);
        out[0]
    };
    let expected: Vec<f32> = (0..most).map(single).collect();
    for level in Level::supported() {
        for len in LENGTHS {
            let mut out = unwritten(len);
            kernel(level, 0, len, &mut out);
            assert_eq!(bits(&out), bits(&expected[..len]), "{what} of {len} on {level}");
        }
    }
}

/// `len` elements from `first` on of a stream that is the same for all, in an allocation of their own.
fn part(seed: usize, first: usize, len: usize) -> Box<[f32]> {
    numbers(seed, first + len)[first..].into()
}

#[test]
fn functions_and_their_derivatives_take_each_element_alone() {
    for f in Activation::ALL {
        check_each(f.name(), |level, first, len, out| {
            elementwise::map(level, f, &part(1, first, len), out);
        });
        check_each(f.name(), |level, first, len, out| {
            out.copy_from_slice(&part(1, first, len));
            elementwise::map_in_place(level, f, out);
        });
        check_each(&format!("derivative of {}", f.name()), |level, first, len, out| {
            elementwise::map_grad(level, f, &part(1, first, len), &part(2, first, len), out);
        });
        check_each(&format!("derivative of {}", f.name()), |level, first, len, out| {
            out.copy_from_slice(&part(1, first, len));
            elementwise::map_grad_in_place(level, f, &part(2, first, len), out);
        });
    }
}

#[test]
fn losses_of_pairs_take_each_element_alone() {
    let losses = [
        PairLoss::Mse,
        PairLoss::L1,
        PairLoss::SmoothL1 { beta: 0.5 },
        PairLoss::Huber { delta: 1.5 },
        PairLoss::Bce,
        PairLoss::BceWithLogits,
        PairLoss::KlDiv { log_target: false },
        PairLoss::KlDiv { log_target: true },
        PairLoss::PoissonNll { log_input: true, full: true, eps: 1e-8 },
        PairLoss::PoissonNll { log_input: false, full: false, eps: 1e-8 },
        PairLoss::GaussianNll { full: true, eps: 1e-6 },
    ];
    for loss in losses {
        let has_third = matches!(loss, PairLoss::BceWithLogits | PairLoss::GaussianNll { .. });
        let what = format!("{loss:?}");
        check_each(&what, |level, first, len, out| {
            let [p, t, third] = [1, 2, 3].map(|seed| part(seed, first, len));
            pair::value(level, loss, &p, &t, has_third.then_some(&third), out);
        });
        check_each(&what, |level, first, len, out| {
            let [p, t, third, dy] = [1, 2, 3, 4].map(|seed| part(seed, first, len));
            let third = has_third.then_some(&third[..]);
            pair::derivative(level, loss, 0, &dy, [&p, &t], third, out);
        });
    }
}

#[test]
fn arithmetic_takes_each_element_alone_however_operands_repeat() {
    for op in Arithmetic::ALL {
        for [rows, columns] in [[1, 1], [1, 33], [3, 1], [2, 16], [5, 7], [4, 17], [3, 40]] {
            // A matrix, a row, a column, a number: how far apart its rows and its columns lie.
            let layouts = [[columns, 1], [0, 1], [1, 0], [0, 0]];
            for second in 0..layouts.len() {
                let chosen = [layouts[0], layouts[second], layouts[(second + 1) % layouts.len()]];
                let count = if op == Arithmetic::Select { 3 } else { 2 };
                let reads = Broadcast {
                    dims: vec![rows, columns],
                    strides: chosen[..count].iter().map(|strides| strides.to_vec()).collect(),
                };
                let operand = |at: usize| {
                    let [down, along] = chosen[at];
                    let last = (rows - 1) * down + (columns - 1) * along;
                    numbers(at + 1, if at < count { last + 1 } else { 0 })
                };
                let operands = [operand(0), operand(1), operand(2)];
                let value = |at: usize, row: usize, column: usize| -> &[f32] {
                    let place = row * chosen[at][0] + column * chosen[at][1];
                    if at < count { &operands[at][place..place + 1] } else { &[] }
                };
                let one = Broadcast { dims: vec![1], strides: vec![vec![1]; count] };
                let mut expected = unwritten(rows * columns);
                for (i, expected) in expected.chunks_mut(1).enumerate() {
                    let operands = [0, 1, 2].map(|at| value(at, i / columns, i % columns));
                    arithmetic(Level::PORTABLE, op, operands, expected, &one);
                }
                for level in Level::supported() {
                    let mut out = unwritten(rows * columns);
                    let operands = operands.each_ref().map(|operand| &operand[..]);
                    arithmetic(level, op, operands, &mut out, &reads);
                    let what = format!("{op:?} of {reads:?} on {level}");
                    assert_eq!(bits(&out), bits(&expected), "{what}");
                }
            }
        }
    }
}
