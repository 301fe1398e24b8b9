//! Constants, counts, buffers, dropout masks and table look-ups.

use glassnet::Result;
use glassnet::graph::op::{Gather, Random};

use super::shape;
use crate::bench::{Bench, Case};

pub(crate) fn all() -> Result<Vec<Case>> {
    let mut cases = vec![constants()?, unused_source()?, parameter_as_value()?];
    for p in [0.0, 0.1, 0.5, 0.9, 1.0] {
        cases.push(dropout(p)?);
    }
    // Shape of the indices, padding row.
    let tables: [(&[usize], Option<usize>); 6] = [
        (&[0], None),
        (&[0], Some(2)),
        (&[0, 3], None),
        (&[0, 3], Some(0)),
        (&[0, 2, 2], Some(4)),
        (&[], None),
    ];
    for (lengths, padding_idx) in tables {
        cases.push(embedding(lengths, padding_idx)?);
    }
    Ok(cases)
}

fn constants() -> Result<Case> {
    let mut bench = Bench::new("constant, count and buffer", 7);
    let x = bench.input(shape(&[0, 3]), (-2.0, 2.0))?;
    let buffer = bench.buffer(shape(&[3]), (-2.0, 2.0))?;
    let third = bench.builder.constant(1.0 / 3.0)?;
    let count = bench.builder.count(shape(&[0, 3]))?;
    let shifted = bench.builder.sub(x, buffer)?;
    let scaled = bench.builder.mul(shifted, third)?;
    let y = bench.builder.div(scaled, count)?;
    bench.finish(y)
}

/// The loss does not depend on a source: its gradient is zeros of the source's shape.
fn unused_source() -> Result<Case> {
    let mut bench = Bench::new("a source that nothing uses", 3);
    let x = bench.input(shape(&[0, 3]), (-2.0, 2.0))?;
    bench.parameter(shape(&[2, 5]), (-2.0, 2.0))?;
    bench.finish(x)
}

fn parameter_as_value() -> Result<Case> {
    let mut bench = Bench::new("a parameter as the value, and seen under another shape", 3);
    let weight = bench.parameter(shape(&[2, 3]), (-2.0, 2.0))?;
    let flat = bench.builder.reshape(weight, shape(&[6]))?;
    let back = bench.builder.reshape(flat, shape(&[3, 2]))?;
    let gram = bench.builder.matmul(weight, back, false, false)?;
    bench.finish(gram)
}

fn dropout(p: f64) -> Result<Case> {
    let mut bench = Bench::new(format!("dropout {p}"), 7);
    let x = bench.input(shape(&[0, 9]), (-2.0, 2.0))?;
    let masks = [0, 1].map(|stream| Random::DropoutMask { p, stream, shape: shape(&[0, 9]) });
    let [first, second] = masks;
    let first = bench.builder.random(first)?;
    let second = bench.builder.random(second)?;
    let once = bench.builder.mul(x, first)?;
    let twice = bench.builder.mul(once, second)?;
    let y = bench.builder.add(once, twice)?;
    bench.finish(y)
}

fn embedding(lengths: &[usize], padding_idx: Option<usize>) -> Result<Case> {
    let mut bench = Bench::new(format!("embedding of {lengths:?}, padding {padding_idx:?}"), 6);
    if padding_idx.is_some() {
        // The padding row's gradient is 0 by agreement, not by calculus.
        bench = bench.on_kinks();
    }
    let table = bench.parameter(shape(&[5, 3]), (-2.0, 2.0))?;
    let index = bench.random_indices(shape(lengths), 5)?;
    let y = bench.builder.gather(Gather::Embedding { padding_idx }, &[table, index])?;
    bench.finish(y)
}
