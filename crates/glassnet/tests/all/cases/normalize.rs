//! Standardisation over axes that follow each other, and over axes that do not.

use glassnet::Result;
use glassnet::graph::op::Normalize;

use super::{shape, subsets};
use crate::bench::{Bench, Case};

pub(crate) fn all() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for axes in subsets(3) {
        for eps in [1e-5, 0.25] {
            cases.push(case(&[0, 3, 4], axes.clone(), eps, 5)?);
        }
    }
    for (lengths, axes) in [
        (vec![0, 35], vec![0]),
        (vec![0, 300], vec![1]),
        (vec![0, 2, 3, 2], vec![1, 3]),
        (vec![0, 2, 3, 2], vec![0, 2]),
    ] {
        cases.push(case(&lengths, axes, 1e-5, 6)?);
    }
    Ok(cases)
}

fn case(lengths: &[usize], axes: Vec<usize>, eps: f64, batch: usize) -> Result<Case> {
    let mut bench = Bench::new(format!("normalize {lengths:?} over {axes:?}, eps {eps}"), batch);
    if axes.is_empty() {
        // Every element is its own mean: 0/√eps on both sides, and a derivative of rounding errors.
        bench = bench.on_kinks();
    }
    let x = bench.input(shape(lengths), (-2.0, 3.0))?;
    let y = bench.builder.normalize(Normalize { axes, eps, grad: false }, &[x])?;
    bench.finish(y)
}
