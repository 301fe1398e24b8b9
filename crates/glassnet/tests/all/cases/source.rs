//! Constants, counts, buffers, dropout masks and table look-ups.

use glassnet::Result;
use glassnet::graph::op::{Gather, Layout, Random};

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
    cases.push(codes_among_numbers(None)?);
    cases.push(codes_among_numbers(Some(0))?);
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

/// Rows of numbers among which one is a code that looks up a row of a table.
fn codes_among_numbers(padding_idx: Option<usize>) -> Result<Case> {
    let mut bench = Bench::new(format!("codes among numbers, padding {padding_idx:?}"), 6);
    if padding_idx.is_some() {
        bench = bench.on_kinks();
    }
    let table = bench.parameter(shape(&[5, 3]), (-2.0, 2.0))?;
    let rows = (0..6).flat_map(|row| [0.5 * row as f32, ((row * 3) % 5) as f32, -1.25]).collect();
    let x = bench.fixed(shape(&[0, 3]), rows)?;
    let code = Layout::Slice { axis: 1, start: 1, end: 2 };
    let code = bench.builder.layout(code, &[x])?;
    let code = bench.builder.reshape(code, shape(&[0]))?;
    let found = bench.builder.gather(Gather::Embedding { padding_idx }, &[table, code])?;
    let number = Layout::Slice { axis: 1, start: 0, end: 1 };
    let number = bench.builder.layout(number, &[x])?;
    let y = bench.builder.layout(Layout::Concat { axis: 1 }, &[number, found])?;
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
