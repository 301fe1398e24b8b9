//! Arithmetic under every broadcasting pattern.

use glassnet::Result;
use glassnet::graph::op::Arithmetic;

use super::shape;
use crate::bench::{Bench, Case};

/// Pairs of shapes (0 is the batch): same, scalar, row, column, inner axis, both sides, …
const PATTERNS: [(&str, &[usize], &[usize]); 11] = [
    ("same", &[0, 4], &[0, 4]),
    ("scalar", &[0, 4], &[]),
    ("row", &[0, 4], &[4]),
    ("row of rank 2", &[0, 4], &[1, 4]),
    ("column", &[0, 4], &[0, 1]),
    ("inner axis", &[0, 3, 4], &[0, 1, 4]),
    ("outer axes", &[0, 3, 4], &[3, 1]),
    ("both sides", &[0, 1], &[4]),
    ("both sides of rank 3", &[0, 1, 4], &[3, 1]),
    ("scalars", &[], &[]),
    ("wide", &[0, 37], &[37]),
];

pub(crate) fn all() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for op in Arithmetic::ALL {
        for (pattern, a, b) in PATTERNS {
            for (a, b, side) in [(a, b, "right"), (b, a, "left")] {
                let name = format!("{op:?}, {pattern} on the {side}");
                cases.push(case(op, name, a, b)?);
            }
        }
    }
    for op in Arithmetic::ALL {
        cases.push(of_one_value(op)?);
    }
    cases.extend(at_ties()?);
    Ok(cases)
}

/// The operands' ranges keep away from poles; differences shrink their steps at ties.
fn range(op: Arithmetic, operand: usize) -> (f32, f32) {
    match (op, operand) {
        (Arithmetic::Power, 0) | (Arithmetic::Div, 1) => (0.5, 2.5),
        (Arithmetic::Power, _)
        | (Arithmetic::Div, _)
        | (
            Arithmetic::Add
            | Arithmetic::Sub
            | Arithmetic::Mul
            | Arithmetic::Maximum
            | Arithmetic::Minimum
            | Arithmetic::Select,
            _,
        ) => (-2.0, 2.0),
    }
}

fn case(op: Arithmetic, name: String, a: &[usize], b: &[usize]) -> Result<Case> {
    let mut bench = Bench::new(name, 3);
    let a_id = bench.input(shape(a), range(op, 0))?;
    let b_id = bench.input(shape(b), range(op, 1))?;
    let operands = match op {
        Arithmetic::Select => vec![a_id, b_id, bench.input(shape(a), range(op, 2))?],
        Arithmetic::Add
        | Arithmetic::Sub
        | Arithmetic::Mul
        | Arithmetic::Div
        | Arithmetic::Maximum
        | Arithmetic::Minimum
        | Arithmetic::Power => vec![a_id, b_id],
    };
    let y = bench.builder.arithmetic(op, &operands)?;
    bench.finish(y)
}

/// All operands are one node: its derivatives add up.
fn of_one_value(op: Arithmetic) -> Result<Case> {
    let ties = matches!(op, Arithmetic::Maximum | Arithmetic::Minimum);
    let mut bench = Bench::new(format!("{op:?} of a value with itself"), 3);
    if ties {
        bench = bench.on_kinks();
    }
    let a = bench.input(shape(&[0, 4]), (0.5, 2.5))?;
    let y = bench.builder.arithmetic(op, &vec![a; op.arity()])?;
    bench.finish(y)
}

fn at_ties() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for op in [Arithmetic::Maximum, Arithmetic::Minimum] {
        let mut bench = Bench::new(format!("{op:?} with ties, zeros and infinities"), 1).on_kinks();
        let a = [1.0, 2.0, 0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::INFINITY];
        let b = [1.0, 3.0, -0.0, 0.0, 1.0, f32::NEG_INFINITY, f32::INFINITY];
        let (a, b) = (bench.given([7], a.to_vec())?, bench.given([7], b.to_vec())?);
        let y = bench.builder.arithmetic(op, &[a, b])?;
        cases.push(bench.finish(y)?);
    }
    let mut bench = Bench::new("Select at 0", 1).on_kinks();
    let condition = bench.fixed([3], vec![0.0, -0.0, f32::NAN])?;
    let (a, b) = (bench.input([3], (1.0, 2.0))?, bench.input([3], (1.0, 2.0))?);
    let y = bench.builder.arithmetic(Arithmetic::Select, &[condition, a, b])?;
    cases.push(bench.finish(y)?);
    Ok(cases)
}
