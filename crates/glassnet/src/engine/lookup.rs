//! Rows of a table by number, and their gradient.

use crate::error::{Error, Result};

/// The numbers of rows, as a plan has them: integers, or floats that hold whole numbers.
#[derive(Clone, Copy)]
pub(super) enum Codes<'a> {
    Integers(&'a [i64]),
    Floats(&'a [f32]),
}

impl Codes<'_> {
    pub(super) fn len(self) -> usize {
        match self {
            Codes::Integers(codes) => codes.len(),
            Codes::Floats(codes) => codes.len(),
        }
    }

    /// The row of a table of `rows` rows that the code at `place` names, if it names one.
    #[inline(always)]
    pub(super) fn row(self, place: usize, rows: usize) -> Option<usize> {
        let row = match self {
            Codes::Integers(codes) => usize::try_from(codes[place]).ok()?,
            Codes::Floats(codes) => {
                let code = codes[place];
                let row = code as usize;
                // NaN, negative and broken numbers become another one on the way.
                (row as f32 == code).then_some(row)?
            }
        };
        (row < rows).then_some(row)
    }

    fn refusal(self, place: usize, rows: usize) -> Error {
        let what = match self {
            Codes::Integers(codes) => {
                format!("index {} is outside the embedding's {rows} rows", codes[place])
            }
            Codes::Floats(codes) if codes[place].fract() != 0.0 => {
                format!("{} is no whole number, which names a row of an embedding", codes[place])
            }
            Codes::Floats(codes) => {
                format!("code {} is outside the embedding's {rows} rows", codes[place])
            }
        };
        Error::data(what).at(format!("element {place} of the batch"))
    }
}

/// `out[place] = weight[codes[place]]`, rows of `width` numbers.
///
/// # Errors
/// The first code that names no row.
pub(super) fn look_up(
    weight: &[f32],
    codes: Codes<'_>,
    width: usize,
    out: &mut [f32],
) -> Result<()> {
    let rows = weight.len().checked_div(width).unwrap_or(0);
    for place in 0..codes.len() {
        let row = codes.row(place, rows).ok_or_else(|| codes.refusal(place, rows))?;
        out[place * width..(place + 1) * width]
            .copy_from_slice(&weight[row * width..(row + 1) * width]);
    }
    Ok(())
}

/// The gradient of a table: 0, and for every code the rows of `dy` that it looked up, added in order. Codes were checked
/// by the look-up of the same plan.
pub(super) fn gradient(
    dy: &[f32],
    codes: Codes<'_>,
    width: usize,
    padding_idx: Option<usize>,
    out: &mut [f32],
) {
    out.fill(0.0);
    add(dy, codes, width, padding_idx, out);
}

/// As [`gradient`], on top of what is there.
pub(super) fn add(
    dy: &[f32],
    codes: Codes<'_>,
    width: usize,
    padding_idx: Option<usize>,
    out: &mut [f32],
) {
    let rows = out.len().checked_div(width).unwrap_or(0);
    for place in 0..codes.len() {
        let Some(row) = codes.row(place, rows).filter(|row| Some(*row) != padding_idx) else {
            continue;
        };
        let from = &dy[place * width..(place + 1) * width];
        for (total, value) in out[row * width..(row + 1) * width].iter_mut().zip(from) {
            *total += value;
        }
    }
}

/// Sets the rows of a table's gradient, and of its marks, to 0 that `codes` name.
pub(super) fn clear(codes: Codes<'_>, width: usize, gradient: &mut [f32], visited: &mut [f32]) {
    for place in 0..codes.len() {
        let Some(row) = codes.row(place, visited.len()) else { continue };
        gradient[row * width..(row + 1) * width].fill(0.0);
        visited[row] = 0.0;
    }
}

/// Writes codes as floats.
pub(super) fn keep(codes: Codes<'_>, to: &mut [f32]) {
    match codes {
        Codes::Integers(codes) => {
            to.iter_mut().zip(codes).for_each(|(to, &code)| *to = code as f32);
        }
        Codes::Floats(codes) => to.copy_from_slice(codes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_floats_are_the_integers_and_others_are_refused() -> Result<()> {
        let weight: Vec<f32> = (0..6).map(|at| at as f32).collect();
        let found = |codes: Codes<'_>| -> Result<Vec<f32>> {
            let mut out = vec![0.0; 2 * codes.len()];
            look_up(&weight, codes, 2, &mut out)?;
            Ok(out)
        };
        let rows = found(Codes::Integers(&[2, 0, 2]))?;
        assert_eq!(rows, [4.0, 5.0, 0.0, 1.0, 4.0, 5.0]);
        assert_eq!(found(Codes::Floats(&[2.0, -0.0, 2.0]))?, rows);
        for (code, words) in [
            (3.0, "code 3 is outside the embedding's 3 rows"),
            (-1.0, "code -1 is outside"),
            (f32::NAN, "NaN is no whole number"),
            (f32::INFINITY, "inf is no whole number"),
            (0.5, "0.5 is no whole number"),
        ] {
            let error = found(Codes::Floats(&[0.0, code])).unwrap_err().to_string();
            assert!(error.contains(words) && error.contains("element 1"), "{error}");
        }
        assert!(found(Codes::Integers(&[3])).is_err());
        Ok(())
    }

    #[test]
    fn a_gradient_adds_in_order_and_leaves_the_padding_row() {
        let (dy, mut out) = ([1.0, 2.0, 4.0, 8.0], [9.0; 3]);
        gradient(&dy, Codes::Floats(&[2.0, 0.0, 2.0, 1.0]), 1, Some(1), &mut out);
        assert_eq!(out, [2.0, 0.0, 5.0]);
        gradient(&dy, Codes::Integers(&[2, 0, 2, 1]), 1, None, &mut out);
        assert_eq!(out, [2.0, 8.0, 5.0]);
    }
}
