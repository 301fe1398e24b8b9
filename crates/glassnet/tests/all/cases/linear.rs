//! Products: ranks, transpositions, long sums, odd sizes.

use glassnet::Result;

use super::shape;
use crate::bench::{Bench, Case};

const RANGE: (f32, f32) = (-1.5, 1.5);

pub(crate) fn all() -> Result<Vec<Case>> {
    let mut cases = affine()?;
    cases.extend(matmul()?);
    Ok(cases)
}

fn affine() -> Result<Vec<Case>> {
    // Shapes of x (0 is the batch), the batch, the number of outputs.
    let table: [(&[usize], usize, usize); 8] = [
        (&[3], 1, 2),
        (&[0, 3], 4, 2),
        (&[0, 2, 3], 4, 5),
        (&[0, 1], 1, 1),
        (&[0, 17], 7, 33),
        (&[0, 300], 3, 2),
        (&[5, 3], 1, 4),
        (&[0, 2], 80, 2),
    ];
    let mut cases = vec![];
    for (x, batch, outputs) in table {
        for bias in [true, false] {
            let mut bench = Bench::new(format!("affine {x:?} to {outputs}, bias {bias}"), batch);
            let inputs = x[x.len() - 1];
            let x = bench.input(shape(x), RANGE)?;
            let weight = bench.parameter(shape(&[outputs, inputs]), RANGE)?;
            let bias = match bias {
                true => Some(bench.parameter(shape(&[outputs]), RANGE)?),
                false => None,
            };
            let y = bench.builder.affine(x, weight, bias)?;
            cases.push(bench.finish(y)?);
        }
    }
    Ok(cases)
}

/// The operands' shapes, whether each is transposed, and the batch.
type Product = (&'static [usize], &'static [usize], bool, bool, usize);

fn matmul() -> Result<Vec<Case>> {
    // a, b, transpose_a, transpose_b, batch.
    let table: [Product; 14] = [
        (&[0, 3], &[3, 4], false, false, 5),
        (&[3, 0], &[3, 4], true, false, 5),
        (&[0, 3], &[4, 3], false, true, 5),
        (&[3, 0], &[4, 3], true, true, 5),
        (&[0, 3], &[0, 4], true, false, 5),
        (&[0, 2, 3], &[3, 4], false, false, 5),
        (&[0, 2, 3], &[4, 3], false, true, 5),
        (&[0, 2, 3], &[0, 2, 4], true, false, 5),
        (&[1, 1], &[1, 1], false, false, 1),
        (&[2, 300], &[300, 3], false, false, 1),
        (&[300, 2], &[300, 3], true, false, 1),
        (&[2, 300], &[3, 300], false, true, 1),
        (&[300, 2], &[3, 300], true, true, 1),
        (&[17, 33], &[33, 19], false, false, 1),
    ];
    let mut cases = vec![];
    for (a, b, transpose_a, transpose_b, batch) in table {
        let name = format!("matmul {a:?} {b:?}, transposed {transpose_a} {transpose_b}");
        let mut bench = Bench::new(name, batch);
        let (a, b) = (bench.input(shape(a), RANGE)?, bench.input(shape(b), RANGE)?);
        let y = bench.builder.matmul(a, b, transpose_a, transpose_b)?;
        cases.push(bench.finish(y)?);
    }
    // A product of a value with itself.
    let mut bench = Bench::new("gram matrix", 6);
    let a = bench.input(shape(&[0, 3]), RANGE)?;
    let y = bench.builder.matmul(a, a, true, false)?;
    cases.push(bench.finish(y)?);
    Ok(cases)
}
