//! Every way of moving elements.

use glassnet::Result;
use glassnet::graph::op::{Activation, Layout};

use super::shape;
use crate::bench::{Bench, Case};

const RANGE: (f32, f32) = (-2.0, 2.0);

pub(crate) fn all() -> Result<Vec<Case>> {
    let mut cases = concats()?;
    let rank_3 = [0, 3, 4];
    for axes in
        [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]].map(|axes| axes.to_vec())
    {
        cases.extend(both(Layout::Permute { axes }, &rank_3)?);
    }
    for to in [&[0, 12][..], &[12, 0], &[0, 2, 6], &[3, 0, 4], &[0, 3, 4]] {
        cases.extend(both(Layout::Reshape { shape: shape(to) }, &rank_3)?);
    }
    for (axis, start, end) in [(1, 0, 2), (1, 1, 3), (2, 1, 3), (2, 0, 4), (1, 1, 2), (2, 2, 2)] {
        cases.extend(both(Layout::Slice { axis, start, end }, &rank_3)?);
    }
    for (axis, before, after) in [(1, 1, 0), (1, 0, 2), (2, 2, 1), (2, 0, 0)] {
        cases.extend(both(Layout::Pad { axis, before, after }, &rank_3)?);
    }
    let broadcasts: [(&[usize], &[usize]); 7] = [
        (&[], &[0, 3]),
        (&[3], &[0, 3]),
        (&[0, 1], &[0, 3]),
        (&[1, 3], &[0, 3]),
        (&[0, 1, 4], &[0, 3, 4]),
        (&[3, 1], &[0, 3, 4]),
        (&[1, 1, 4], &[2, 0, 4]),
    ];
    for (from, to) in broadcasts {
        cases.extend(both(Layout::Broadcast { shape: shape(to) }, from)?);
    }
    Ok(cases)
}

/// The layout of a source alone, and between computed values.
fn both(layout: Layout, from: &[usize]) -> Result<[Case; 2]> {
    let mut alone = Bench::new(format!("{layout:?} of {from:?}"), 2);
    if matches!(layout, Layout::Slice { start, end, .. } if start == end) {
        alone = alone.on_kinks();
    }
    let x = alone.input(shape(from), RANGE)?;
    let y = alone.builder.layout(layout.clone(), &[x])?;
    let mut between = Bench::new(format!("{layout:?} of computed {from:?}"), 2);
    let x = between.input(shape(from), RANGE)?;
    let square = between.builder.activation(Activation::Square, x)?;
    let moved = between.builder.layout(layout, &[square])?;
    let z = between.builder.activation(Activation::Tanh, moved)?;
    // The value before the layout is used once more, behind it.
    let sine = between.builder.activation(Activation::Sin, square)?;
    let sum = between.builder.reduce_all(glassnet::graph::op::Reduction::Mean, sine)?;
    let z = between.builder.add(z, sum)?;
    Ok([alone.finish(y)?, between.finish(z)?])
}

fn concats() -> Result<Vec<Case>> {
    // Shapes of the parts, the axis.
    let table: [(&[&[usize]], usize); 6] = [
        (&[&[0, 2], &[0, 3]], 1),
        (&[&[0, 2], &[0, 3], &[0, 1]], 1),
        (&[&[0, 2, 3], &[0, 1, 3], &[0, 4, 3]], 1),
        (&[&[0, 2, 3], &[0, 2, 1]], 2),
        (&[&[2, 0], &[1, 0]], 0),
        (&[&[0, 4]], 1),
    ];
    let mut cases = vec![];
    for (parts, axis) in table {
        let mut bench = Bench::new(format!("concat of {parts:?} along {axis}"), 3);
        let mut operands = vec![];
        for part in parts {
            operands.push(bench.input(shape(part), RANGE)?);
        }
        let y = bench.builder.layout(Layout::Concat { axis }, &operands)?;
        cases.push(bench.finish(y)?);
    }
    let mut bench = Bench::new("concat of a value with itself", 3);
    let x = bench.input(shape(&[0, 2]), RANGE)?;
    let y = bench.builder.layout(Layout::Concat { axis: 1 }, &[x, x, x])?;
    cases.push(bench.finish(y)?);
    Ok(cases)
}
