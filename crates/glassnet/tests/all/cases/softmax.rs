//! Softmax and its logarithm along every axis.

use glassnet::Result;
use glassnet::graph::Op;
use glassnet::graph::op::Softmax;

use super::shape;
use crate::bench::{Bench, Case};

type Along = fn(usize) -> Softmax;

const SORTS: [Along; 2] =
    [|axis| Softmax::Probabilities { axis }, |axis| Softmax::Logarithms { axis }];
const DERIVATIVES: [Along; 2] =
    [|axis| Softmax::ProbabilitiesGrad { axis }, |axis| Softmax::LogarithmsGrad { axis }];

pub(crate) fn all() -> Result<Vec<Case>> {
    let shapes: [&[usize]; 6] = [&[4], &[0, 4], &[0, 3, 4], &[0, 1], &[0, 2, 19], &[0, 300]];
    let mut cases = vec![];
    for along in SORTS {
        for lengths in shapes {
            for axis in 0..lengths.len() {
                // A probability near 1 leaves a derivative of what 1 − p rounds to.
                for (range, floor) in [((-2.0, 2.0), 0.0), ((-40.0, 40.0), 1e-6)] {
                    let name = format!("{:?} of {lengths:?} over {range:?}", along(axis));
                    let mut bench = Bench::new(name, 3).floor(floor);
                    let z = bench.input(shape(lengths), range)?;
                    let y = bench.builder.softmax(along(axis), z)?;
                    cases.push(bench.finish(y)?);
                }
            }
        }
    }
    for along in DERIVATIVES {
        for axis in 0..3 {
            let mut bench = Bench::new(format!("{:?}", along(axis)), 3).on_kinks();
            let dy = bench.held(shape(&[0, 3, 4]), (-2.0, 2.0))?;
            let y = bench.held(shape(&[0, 3, 4]), (-1.0, 1.0))?;
            let dz = bench.builder.push(Op::Softmax(along(axis)), vec![dy, y])?;
            cases.push(bench.finish(dz)?);
        }
    }
    Ok(cases)
}
