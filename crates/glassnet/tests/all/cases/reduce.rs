//! Reductions over every subset of axes, with and without keeping them.

use glassnet::Result;
use glassnet::graph::op::{Reduce, Reduction};

use super::{shape, subsets};
use crate::bench::{Bench, Case};

const KINDS: [Reduction; 6] = [
    Reduction::Sum,
    Reduction::Mean,
    Reduction::Max,
    Reduction::Min,
    Reduction::Variance { correction: 0 },
    Reduction::Variance { correction: 1 },
];

pub(crate) fn all() -> Result<Vec<Case>> {
    let mut cases = vec![];
    for kind in KINDS {
        for axes in subsets(3) {
            for keep in [true, false] {
                cases.push(case(kind, &[0, 3, 4], axes.clone(), keep, 2)?);
                if matches!(kind, Reduction::Max | Reduction::Min) {
                    cases.push(with_ties(kind, axes.clone(), keep)?);
                }
            }
        }
        // More than one block of a chain, more than one group of lanes, an odd rest.
        for (lengths, axes) in [
            (vec![0, 300], vec![1]),
            (vec![300, 0], vec![0]),
            (vec![0, 5, 35], vec![1]),
            (vec![0, 5, 35], vec![0, 2]),
            (vec![], vec![]),
        ] {
            cases.push(case(kind, &lengths, axes, false, 3)?);
        }
    }
    Ok(cases)
}

fn case(
    kind: Reduction,
    lengths: &[usize],
    axes: Vec<usize>,
    keep: bool,
    batch: usize,
) -> Result<Case> {
    let mut bench =
        Bench::new(format!("{kind:?} of {lengths:?} over {axes:?}, keep {keep}"), batch);
    // One element has no unbiased variance: NaN on both sides, and nothing to compare with differences.
    let one = axes.is_empty();
    if one && kind == (Reduction::Variance { correction: 1 }) {
        bench = bench.on_kinks();
    }
    let x = bench.input(shape(lengths), (-2.0, 2.0))?;
    let y = bench.builder.reduce(Reduce { kind, axes, keep }, x)?;
    bench.finish(y)
}

/// Few different values, so that the extreme is reached more than once.
fn with_ties(kind: Reduction, axes: Vec<usize>, keep: bool) -> Result<Case> {
    let mut bench =
        Bench::new(format!("{kind:?} with ties over {axes:?}, keep {keep}"), 2).on_kinks();
    let data = (0..24).map(|_| bench.numbers.choose(&[-1.5_f32, 0.0, 2.0])).collect();
    let x = bench.given(shape(&[0, 3, 4]), data)?;
    let y = bench.builder.reduce(Reduce { kind, axes, keep }, x)?;
    bench.finish(y)
}
