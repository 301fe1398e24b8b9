//! Reductions, standardisation and softmax along an axis: a line has the bits that it has alone, wherever its elements lie.

use super::super::instruction::Extent;
use super::super::{Level, rows};
use super::{bits, numbers, unwritten};
use crate::graph::op::{Reduction, Softmax};

/// Lines before, elements of a line, lines side by side.
const EXTENTS: [(usize, usize, usize); 18] = [
    (1, 1, 1),
    (3, 2, 1),
    (1, 300, 1),
    (15, 7, 1),
    (16, 16, 1),
    (17, 17, 1),
    (40, 33, 1),
    (3, 513, 1),
    (1, 5, 2),
    (1, 3, 15),
    (2, 4, 16),
    (1, 9, 17),
    (3, 2, 33),
    (1, 300, 20),
    (5, 1, 3),
    (2, 256, 7),
    (1, 257, 16),
    (0, 4, 1),
];

/// Positions of a line's elements in an array.
fn line(extent: Extent, number: usize) -> impl Iterator<Item = usize> {
    let (outer, inner) = (number / extent.inner, number % extent.inner);
    (0..extent.length).map(move |i| (outer * extent.length + i) * extent.inner + inner)
}

/// `kernel(level, operands, out, extent)` on whole arrays against its lines one by one; `reduced`: a number for each.
fn check(what: &str, reduced: bool, kernel: impl Fn(Level, [&[f32]; 2], &mut [f32], Extent)) {
    for (outer, length, inner) in EXTENTS {
        let extent = Extent { outer, length, inner };
        let operands = [numbers(1, outer * length * inner), numbers(2, outer * length * inner)];
        let mut expected = unwritten(outer * inner * if reduced { 1 } else { length });
        for number in 0..outer * inner {
            let own = |operand: &[f32]| -> Box<[f32]> {
                line(extent, number).map(|place| operand[place]).collect()
            };
            let (first, second) = (own(&operands[0]), own(&operands[1]));
            let mut out = unwritten(if reduced { 1 } else { length });
            let alone = Extent { outer: 1, length, inner: 1 };
            kernel(Level::PORTABLE, [&first, &second], &mut out, alone);
            if reduced {
                expected[number] = out[0];
            } else {
                line(extent, number).zip(&out).for_each(|(place, &value)| expected[place] = value);
            }
        }
        for level in Level::supported() {
            let mut out = unwritten(expected.len());
            kernel(level, [&operands[0], &operands[1]], &mut out, extent);
            assert_eq!(bits(&out), bits(&expected), "{what}, {extent:?} on {level}");
        }
    }
}

#[test]
fn reductions_take_each_line_alone() {
    for kind in [
        Reduction::Sum,
        Reduction::Mean,
        Reduction::Max,
        Reduction::Min,
        Reduction::Variance { correction: 0 },
        Reduction::Variance { correction: 1 },
    ] {
        check(&format!("{kind:?}"), true, |level, [x, _], out, extent| {
            rows::reduce(level, kind, x, out, extent);
        });
    }
}

#[test]
fn standardisation_takes_each_line_alone() {
    check("normalize", false, |level, [x, _], out, extent| {
        rows::normalize(level, 1e-5, None, x, out, extent);
    });
    check("derivative of normalize", false, |level, [x, dy], out, extent| {
        rows::normalize(level, 1e-5, Some(dy), x, out, extent);
    });
}

#[test]
fn softmax_takes_each_line_alone() {
    for softmax in [
        Softmax::Probabilities { axis: 0 },
        Softmax::Logarithms { axis: 0 },
        Softmax::ProbabilitiesGrad { axis: 0 },
        Softmax::LogarithmsGrad { axis: 0 },
    ] {
        check(&format!("{softmax:?}"), false, |level, operands, out, extent| {
            rows::softmax(level, softmax, operands, out, extent);
        });
    }
}
