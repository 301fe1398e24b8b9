//! Arrays as NumPy 2 prints them with its default options: 8 digits, 75 columns, long arrays summarised.
//!
//! # Source
//! `numpy.set_printoptions`, `numpy.array2string`: the rules were taken from the documentation and from NumPy 2.4's
//! output.

use std::fmt;

use super::Tensor;

/// Digits after the point at most.
const PRECISION: usize = 8;
/// Columns of a line.
const LINE_WIDTH: usize = 75;
/// Arrays of more elements are summarised…
const THRESHOLD: usize = 1000;
/// …to so many elements at each end of an axis.
const EDGE: usize = 3;

/// An element type that can be printed in NumPy's way.
pub trait Element: Copy {
    /// The texts of `values` as elements of one array, padded to one width.
    fn texts(values: &[Self]) -> Vec<String>;
}

/// What the two float types need to say about themselves.
trait Float: Copy {
    const EXPONENT_FROM: f64;
    fn wide(self) -> f64;
    fn is_negative(self) -> bool;
    /// Shortest digits that read back, `1.5e-7`, without sign.
    fn shortest(self) -> String;
    /// `places` digits after the point, exactly rounded, without sign.
    fn fixed(self, places: usize) -> String;
    /// The same with an exponent.
    fn scientific(self, places: usize) -> String;
}

impl Float for f32 {
    // Single precision turns to exponents from its sixth digit on.
    const EXPONENT_FROM: f64 = 1e6;

    fn wide(self) -> f64 {
        f64::from(self)
    }

    fn is_negative(self) -> bool {
        self.is_sign_negative()
    }

    fn shortest(self) -> String {
        format!("{:e}", self.abs())
    }

    fn fixed(self, places: usize) -> String {
        format!("{:.places$}", self.abs())
    }

    fn scientific(self, places: usize) -> String {
        format!("{:.places$e}", self.abs())
    }
}

impl Float for f64 {
    // Double precision turns to exponents where its eight printed digits end.
    const EXPONENT_FROM: f64 = 1e8;

    fn wide(self) -> f64 {
        self
    }

    fn is_negative(self) -> bool {
        self.is_sign_negative()
    }

    fn shortest(self) -> String {
        format!("{:e}", self.abs())
    }

    fn fixed(self, places: usize) -> String {
        format!("{:.places$}", self.abs())
    }

    fn scientific(self, places: usize) -> String {
        format!("{:.places$e}", self.abs())
    }
}

impl Element for f32 {
    fn texts(values: &[Self]) -> Vec<String> {
        float_texts(values)
    }
}

impl Element for f64 {
    fn texts(values: &[Self]) -> Vec<String> {
        float_texts(values)
    }
}

impl Element for i64 {
    fn texts(values: &[Self]) -> Vec<String> {
        let texts: Vec<String> = values.iter().map(i64::to_string).collect();
        let width = texts.iter().map(String::len).max().unwrap_or(0);
        texts.into_iter().map(|text| format!("{text:>width$}")).collect()
    }
}

/// Sign, digits before the point, digits after it, and the exponent if there is one.
struct Parts {
    whole: String,
    fraction: String,
    exponent: Option<i32>,
}

fn float_texts<T: Float>(values: &[T]) -> Vec<String> {
    let finite: Vec<T> = values.iter().copied().filter(|value| value.wide().is_finite()).collect();
    let sizes = || finite.iter().map(|value| value.wide().abs()).filter(|&size| size != 0.0);
    let (least, most) = (sizes().fold(f64::INFINITY, f64::min), sizes().fold(0.0, f64::max));
    let exponents =
        most >= T::EXPONENT_FROM || (most > 0.0 && (least < 1e-4 || most / least > 1000.0));
    let mut parts: Vec<Parts> = finite
        .iter()
        .map(|&value| if exponents { scientific(value) } else { positional(value) })
        .collect();
    let longest = |length: &dyn Fn(&Parts) -> usize| parts.iter().map(length).max().unwrap_or(0);
    if exponents {
        // Shorter numbers are not filled up with zeros: their next exact digits follow.
        let places = longest(&|part| part.fraction.len());
        for (part, &value) in parts.iter_mut().zip(&finite) {
            if part.fraction.len() < places {
                *part = exactly(value, places);
            }
        }
    }
    let longest = |length: &dyn Fn(&Parts) -> usize| parts.iter().map(length).max().unwrap_or(0);
    let mut left = longest(&|part| part.whole.len());
    let fraction = longest(&|part| part.fraction.len());
    let digits =
        longest(&|part| part.exponent.map_or(0, |e| e.unsigned_abs().to_string().len()).max(2));
    let right = if exponents { fraction + digits + 2 } else { fraction };
    if finite.len() < values.len() {
        let negative = values.iter().any(|value| value.wide() == f64::NEG_INFINITY);
        left = left.max((3 + usize::from(negative)).saturating_sub(right + 1));
    }
    let mut next = parts.drain(..);
    values
        .iter()
        .map(|value| {
            let wide = value.wide();
            if !wide.is_finite() {
                let name = if wide.is_nan() {
                    "nan"
                } else if wide > 0.0 {
                    "inf"
                } else {
                    "-inf"
                };
                return format!("{name:>0$}", left + right + 1);
            }
            let Some(part) = next.next() else { return String::new() };
            match part.exponent {
                Some(exponent) => format!(
                    "{:>left$}.{}e{}{:0>digits$}",
                    part.whole,
                    part.fraction,
                    if exponent < 0 { '-' } else { '+' },
                    exponent.unsigned_abs()
                ),
                None => format!("{:>left$}.{:<fraction$}", part.whole, part.fraction),
            }
        })
        .collect()
}

/// The number as `digits · 10^exponent` with one digit before the point.
fn scientific<T: Float>(value: T) -> Parts {
    let shortest = split(&value.shortest());
    let (mantissa, exponent) = if shortest.1.len() > PRECISION {
        let rounded = value.scientific(PRECISION);
        let (whole, fraction, exponent) = split(&rounded);
        ((whole, fraction.trim_end_matches('0').to_owned()), exponent)
    } else {
        ((shortest.0, shortest.1), shortest.2)
    };
    Parts { whole: signed(value, mantissa.0), fraction: mantissa.1, exponent: Some(exponent) }
}

/// The number with `places` exactly rounded digits after the point.
fn exactly<T: Float>(value: T, places: usize) -> Parts {
    let (whole, fraction, exponent) = split(&value.scientific(places));
    Parts { whole: signed(value, whole), fraction, exponent: Some(exponent) }
}

fn positional<T: Float>(value: T) -> Parts {
    let (whole, fraction, exponent) = split(&value.shortest());
    // A number d.ddd·10^e has as many digits after the point as its mantissa, less e.
    let places = (fraction.len() as i32 - exponent).max(0) as usize;
    let _ = whole;
    let text = value.fixed(places.min(PRECISION));
    let (whole, fraction) = text.split_once('.').unwrap_or((&text, ""));
    Parts {
        whole: signed(value, whole.to_owned()),
        fraction: fraction.trim_end_matches('0').to_owned(),
        exponent: None,
    }
}

/// `1.5e-7` as its three parts.
fn split(text: &str) -> (String, String, i32) {
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    (whole.to_owned(), fraction.to_owned(), exponent.parse().unwrap_or(0))
}

fn signed<T: Float>(value: T, digits: String) -> String {
    if value.is_negative() { format!("-{digits}") } else { digits }
}

impl<T: Element> fmt::Display for Tensor<T> {
    /// Prints as `numpy.ndarray.__str__` does.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let layout = Layout::of(self);
        if self.shape.is_empty() {
            return f.write_str(layout.texts.first().map_or("", |text| text.trim()));
        }
        if self.data.as_slice().is_empty() {
            return f.write_str("[]");
        }
        f.write_str(&layout.render(self.shape.len(), 0, LINE_WIDTH - 1, &mut 0))
    }
}

/// The shown elements in order, and which positions of each axis are shown.
struct Layout {
    texts: Vec<String>,
    shown: Vec<Vec<Option<usize>>>,
}

impl Layout {
    fn of<T: Element>(tensor: &Tensor<T>) -> Self {
        let summarised = tensor.data.as_slice().len() > THRESHOLD;
        let shown: Vec<Vec<Option<usize>>> = tensor
            .shape
            .iter()
            .map(|&length| {
                if summarised && length > 2 * EDGE {
                    let head = (0..EDGE).map(Some);
                    head.chain([None]).chain((length - EDGE..length).map(Some)).collect()
                } else {
                    (0..length).map(Some).collect()
                }
            })
            .collect();
        let mut offsets = vec![0_usize];
        for (axis, positions) in shown.iter().enumerate() {
            let length = tensor.shape[axis];
            offsets = offsets
                .iter()
                .flat_map(|&offset| positions.iter().flatten().map(move |&at| offset * length + at))
                .collect();
        }
        let values: Vec<T> = offsets
            .into_iter()
            .filter_map(|offset| tensor.data.as_slice().get(offset).copied())
            .collect();
        Layout { texts: T::texts(&values), shown }
    }

    /// The text of one sub-array `indent` columns in, whose lines may have `width` columns.
    fn render(&self, axes_left: usize, indent: usize, width: usize, next: &mut usize) -> String {
        let axis = self.shown.len() - axes_left;
        let margin = " ".repeat(indent + 1);
        if axes_left == 1 {
            return self.render_row(axis, &margin, width, next);
        }
        let separator = format!("{}{margin}", "\n".repeat(axes_left - 1));
        let parts: Vec<String> = self.shown[axis]
            .iter()
            .map(|position| match position {
                Some(_) => self.render(axes_left - 1, indent + 1, width - 1, next),
                None => "...".into(),
            })
            .collect();
        format!("[{}]", parts.join(&separator))
    }

    fn render_row(&self, axis: usize, margin: &str, width: usize, next: &mut usize) -> String {
        let mut text = String::new();
        let mut line = margin.to_owned();
        for position in &self.shown[axis] {
            let word = match position {
                Some(_) => {
                    *next += 1;
                    self.texts.get(*next - 1).map_or("", String::as_str)
                }
                None => "...",
            };
            let fresh = line.len() == margin.len();
            let space = usize::from(!fresh);
            if !fresh && line.len() + space + word.len() > width {
                text += &line;
                text.push('\n');
                line = margin.to_owned();
                line += word;
            } else {
                line += &" ".repeat(space);
                line += word;
            }
        }
        text += &line;
        format!("[{}]", &text[margin.len().min(text.len())..])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prints<T: Element>(shape: &[usize], data: Vec<T>, expected: &str) {
        assert_eq!(Tensor::new(shape, data).expect("a valid shape").to_string(), expected);
    }

    #[test]
    fn floats_as_numpy_prints_them() {
        prints(
            &[2, 2],
            vec![6.7775993_f32, -3.6295996, -4.08, 4.42],
            "[[ 6.7775993 -3.6295996]\n [-4.08       4.42     ]]",
        );
        prints(
            &[2, 2],
            vec![9.9996984e-01_f32, 3.0213278e-05, 2.0342699e-04, 9.9979657e-01],
            "[[9.9996984e-01 3.0213278e-05]\n [2.0342699e-04 9.9979657e-01]]",
        );
        prints(&[2], vec![0.9999678_f32, 3.2226122e-05], "[9.9996781e-01 3.2226122e-05]");
        prints(&[3], vec![1.0_f64, 0.1 + 0.2, 100.0], "[  1.    0.3 100. ]");
        prints(&[2], vec![1.0_f64 / 3.0, -2.0], "[ 0.33333333 -2.        ]");
        prints(&[3], vec![1.0_f32, f32::NAN, f32::NEG_INFINITY], "[  1.  nan -inf]");
        prints(&[2], vec![1e6_f32, 1.0], "[1.e+06 1.e+00]");
        prints(&[2], vec![1e-100_f64, 1.0], "[1.e-100 1.e+000]");
        prints(&[2], vec![0.0_f32, -0.0], "[ 0. -0.]");
        prints(&[], vec![0.5_f32], "0.5");
        prints(&[3], vec![10_i64, -2, 3], "[10 -2  3]");
    }

    #[test]
    fn long_arrays_break_or_are_summarised() {
        let row: Vec<f64> = (0..30).map(f64::from).collect();
        prints(
            &[30],
            row,
            "[ 0.  1.  2.  3.  4.  5.  6.  7.  8.  9. 10. 11. 12. 13. 14. 15. 16. 17.\n 18. 19. 20. 21. 22. 23. 24. 25. 26. 27. 28. 29.]",
        );
        let long: Vec<i64> = (0..2000).collect();
        prints(&[2000], long.clone(), "[   0    1    2 ... 1997 1998 1999]");
        prints(
            &[2, 2, 500],
            long,
            "[[[   0    1    2 ...  497  498  499]\n  [ 500  501  502 ...  997  998  999]]\n\n [[1000 1001 1002 ... 1497 1498 1499]\n  [1500 1501 1502 ... 1997 1998 1999]]]",
        );
    }
}
