//! Sums, products, powers and derivatives put together from pieces, with the signs and brackets that they need.

use super::math::{Fence, Math, Operator};

/// How firmly a piece holds together beside others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hold {
    /// A relation or a list stands at its top: `a = b`.
    Statement,
    /// A sum, or a piece that begins with a sign.
    Sum,
    /// A product.
    Product,
    /// One piece: a name, a number, a bracket, a function's value.
    Whole,
}

/// Putting pieces together.
impl Math {
    /// A number as it stands within a product: a negative one in brackets.
    ///
    /// ```
    /// use glassnet::formula::Math;
    /// assert_eq!(Math::factor(-0.1).to_string(), "(−0.1)");
    /// assert_eq!(Math::factor(0.1).to_string(), "0.1");
    /// ```
    pub fn factor(value: f64) -> Math {
        as_factor(Math::f64(value))
    }

    /// Terms added up: one that begins with a minus is subtracted, one that is a sum stands in brackets. Without
    /// terms it is 0.
    ///
    /// ```
    /// use glassnet::formula::Math;
    /// let sum = Math::sum([Math::f64(1.0), Math::f64(-2.5), Math::name("b")]);
    /// assert_eq!(sum.to_string(), "1 − 2.5 + b");
    /// assert_eq!(Math::sum([Math::f64(-1.0), sum]).latex(), "-1 + (1 - 2.5 + b)");
    /// ```
    pub fn sum(terms: impl IntoIterator<Item = Math>) -> Math {
        let mut row = vec![];
        for term in terms {
            let term = unwrapped(term);
            let (minus, size) = match split_sign(&term) {
                // −a + b is a sum that begins with a sign: its minus isn't the whole sum's.
                Some(size) if hold(&size) > Hold::Sum => (true, size),
                Some(_) | None => (false, term),
            };
            match (row.is_empty(), minus) {
                (true, true) => row.push(Math::Operator(Operator::Sign)),
                (true, false) => {}
                (false, true) => row.push(Math::Operator(Operator::Minus)),
                (false, false) => row.push(Math::Operator(Operator::Plus)),
            }
            let first = row.is_empty();
            match hold(&size) {
                Hold::Sum if first => row.extend(parts(size)),
                Hold::Statement | Hold::Sum => row.push(size.fenced()),
                Hold::Product => row.extend(parts(size)),
                Hold::Whole => row.push(size),
            }
        }
        match row.len() {
            0 => Math::Number("0".into()),
            1 => row.swap_remove(0),
            _ => Math::Row(row),
        }
    }

    /// Factors with dots between them; sums, and negative factors after the first, stand in brackets. Without
    /// factors it is 1.
    ///
    /// ```
    /// use glassnet::formula::Math;
    /// let product = Math::product([Math::f64(3.0), Math::f64(-2.0), Math::name("x")]);
    /// assert_eq!(product.latex(), r"3 \cdot (-2) \cdot x");
    /// ```
    pub fn product(factors: impl IntoIterator<Item = Math>) -> Math {
        let mut row = vec![];
        for factor in factors {
            let factor = unwrapped(factor);
            if row.is_empty() {
                let signed = split_sign(&factor).is_some_and(|size| hold(&size) > Hold::Sum);
                match hold(&factor) {
                    Hold::Statement => row.push(factor.fenced()),
                    Hold::Sum if !signed => row.push(factor.fenced()),
                    Hold::Sum | Hold::Product => row.extend(parts(factor)),
                    Hold::Whole => row.push(factor),
                }
                continue;
            }
            row.push(Math::Operator(Operator::Dot));
            match hold(&factor) {
                Hold::Statement | Hold::Sum => row.push(factor.fenced()),
                Hold::Product => row.extend(parts(factor)),
                Hold::Whole => row.push(factor),
            }
        }
        match row.len() {
            0 => Math::Number("1".into()),
            1 => row.swap_remove(0),
            _ => Math::Row(row),
        }
    }

    /// The piece to a power, in brackets where the exponent would otherwise seem to belong to its last part only.
    ///
    /// ```
    /// use glassnet::formula::Math;
    /// assert_eq!(Math::f64(-0.3).power(Math::f64(2.0)).latex(), "(-0.3)^{2}");
    /// assert_eq!(Math::name("y").power(Math::f64(2.0)).latex(), "y^{2}");
    /// ```
    pub fn power(self, exponent: Math) -> Math {
        let base = unwrapped(self);
        let base = if needs_brackets(&base) { base.fenced() } else { base };
        base.raised(exponent)
    }

    /// The piece with a minus before it, or without the one that it has.
    pub fn negative(self) -> Math {
        let piece = unwrapped(self);
        match split_sign(&piece) {
            Some(size) if hold(&size) > Hold::Sum => size,
            Some(_) | None => {
                let size = if hold(&piece) > Hold::Sum { piece } else { piece.fenced() };
                let mut row = vec![Math::Operator(Operator::Sign)];
                row.extend(parts(size));
                Math::Row(row)
            }
        }
    }

    /// `∂of/∂by`.
    ///
    /// ```
    /// use glassnet::formula::Math;
    /// let slope = Math::partial(Math::name("J"), Math::name("w1"));
    /// assert_eq!(slope.latex(), r"\frac{\partial J}{\partial w_{1}}");
    /// ```
    pub fn partial(of: Math, by: Math) -> Math {
        let with = |piece: Math| Math::row([Math::Operator(Operator::Partial), as_factor(piece)]);
        Math::fraction(with(of), with(by))
    }

    /// `d/dby of`, the derivative that is to be found: a sum in brackets.
    pub fn derivative(of: Math, by: &str) -> Math {
        let d = Math::Operator(Operator::Differential);
        let by = Math::row([d.clone(), Math::name(by)]);
        let of = unwrapped(of);
        let of = if hold(&of) > Hold::Sum { of } else { of.fenced() };
        Math::row([Math::fraction(d, by), Math::Operator(Operator::Beside), of])
    }

    /// `left ≈ right`.
    pub fn approximately(self, right: Math) -> Math {
        Math::row([self, Math::Operator(Operator::Approximately), right])
    }

    /// The piece between square brackets.
    pub fn bracketed(self) -> Math {
        Math::Fence(Fence::Square, Box::new(self))
    }
}

/// The piece as it may stand after a dot or ∂.
fn as_factor(piece: Math) -> Math {
    if hold(&piece) > Hold::Sum { piece } else { piece.fenced() }
}

/// A row of one piece is that piece.
fn unwrapped(piece: Math) -> Math {
    match piece {
        Math::Row(mut parts) if parts.len() == 1 => unwrapped(parts.swap_remove(0)),
        piece => piece,
    }
}

fn parts(piece: Math) -> Vec<Math> {
    match piece {
        Math::Row(parts) => parts,
        piece => vec![piece],
    }
}

/// What follows the minus that the piece begins with.
fn split_sign(piece: &Math) -> Option<Math> {
    match piece {
        Math::Row(parts) => match parts.split_first()? {
            (Math::Operator(Operator::Sign), rest) => Some(unwrapped(Math::Row(rest.to_vec()))),
            (first @ Math::Row(_), rest) => {
                let mut row = vec![split_sign(first)?];
                row.extend_from_slice(rest);
                Some(unwrapped(Math::Row(row)))
            }
            _ => None,
        },
        _ => None,
    }
}

fn hold(piece: &Math) -> Hold {
    match piece {
        Math::Row(parts) => {
            let own = parts.iter().enumerate().map(|(i, part)| match part {
                Math::Operator(operator) => hold_of_sign(*operator),
                Math::Row(_) if i == 0 || parts.len() == 1 => hold(part),
                part => hold(part).max(Hold::Product),
            });
            own.min().unwrap_or(Hold::Whole)
        }
        Math::Big(..) => Hold::Sum,
        Math::Operator(operator) => hold_of_sign(*operator),
        Math::Number(_)
        | Math::Name(..)
        | Math::Text(_)
        | Math::Pi
        | Math::Function(..)
        | Math::Apply
        | Math::Fraction(..)
        | Math::Raised(..)
        | Math::Lowered(..)
        | Math::Root(_)
        | Math::Fence(..)
        | Math::Matrix(_)
        | Math::Under(..)
        | Math::Cases(_) => Hold::Whole,
    }
}

fn hold_of_sign(operator: Operator) -> Hold {
    match operator {
        Operator::Plus | Operator::Minus | Operator::Sign => Hold::Sum,
        Operator::Dot | Operator::Times | Operator::Beside | Operator::Elementwise => Hold::Product,
        Operator::Partial
        | Operator::Differential
        | Operator::Infinity
        | Operator::Dots
        | Operator::Transposed => Hold::Whole,
        Operator::Comma
        | Operator::Relation(_)
        | Operator::Equals
        | Operator::NotEqual
        | Operator::Approximately
        | Operator::Defined
        | Operator::Becomes
        | Operator::To
        | Operator::Implies
        | Operator::Element
        | Operator::Space => Hold::Statement,
    }
}

/// True if an exponent or index beside the bare piece would be read as its last part's only: rows, fractions,
/// powers of powers, signs.
pub(super) fn needs_brackets(base: &Math) -> bool {
    match base {
        Math::Row(parts) => match parts.as_slice() {
            [only] => needs_brackets(only),
            [] => false,
            _ => true,
        },
        Math::Fraction(..) | Math::Raised(..) | Math::Big(..) | Math::Under(..) => true,
        Math::Number(_)
        | Math::Name(..)
        | Math::Text(_)
        | Math::Pi
        | Math::Function(..)
        | Math::Apply
        | Math::Operator(_)
        | Math::Lowered(..)
        | Math::Root(_)
        | Math::Fence(..)
        | Math::Matrix(_)
        | Math::Cases(_) => false,
    }
}

/// True if part `i` of a row is a product's missing sign between two fractions, whose bars would touch.
pub(super) fn is_between_fractions(parts: &[Math], i: usize) -> bool {
    let fraction =
        |j: Option<usize>| matches!(j.and_then(|j| parts.get(j)), Some(Math::Fraction(..)));
    parts[i] == Math::Operator(Operator::Beside)
        && fraction(i.checked_sub(1))
        && fraction(Some(i + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn negative_numbers_stand_in_brackets_after_a_dot() {
        let text =
            |factors: &[f64]| Math::product(factors.iter().map(|f| Math::f64(*f))).to_string();
        assert_eq!(text(&[-0.1, -2.0, 3.0]), "−0.1·(−2)·3");
        assert_eq!(text(&[]), "1");
        assert_eq!(text(&[2e-7, -3e-7]), "2·10⁻⁷·(−3·10⁻⁷)");
    }

    #[test]
    fn sums_within_products_and_sums_are_told_apart() {
        let sum = Math::sum([Math::name("a"), Math::f64(-1.0)]);
        assert_eq!(Math::product([Math::f64(2.0), sum.clone()]).to_string(), "2·(a − 1)");
        assert_eq!(Math::product([sum.clone(), Math::f64(2.0)]).to_string(), "(a − 1)·2");
        assert_eq!(Math::sum([Math::name("b"), sum.clone()]).to_string(), "b + (a − 1)");
        assert_eq!(sum.clone().negative().to_string(), "−(a − 1)");
        assert_eq!(Math::name("a").negative().negative().to_string(), "a");
        let minus = Math::product([Math::f64(-2.0), Math::name("x")]);
        assert_eq!(Math::sum([Math::name("b"), minus.clone()]).to_string(), "b − 2·x");
        assert_eq!(Math::sum([minus.clone(), Math::name("b")]).to_string(), "−2·x + b");
        assert_eq!(Math::product([Math::name("c"), minus]).to_string(), "c·(−2·x)");
        assert_eq!(Math::sum([]).to_string(), "0");
        let starts = Math::sum([Math::name("a").negative(), Math::name("b")]);
        assert_eq!(Math::sum([Math::name("c"), starts]).to_string(), "c + (−a + b)");
    }

    #[test]
    fn powers_of_what_is_not_one_piece_are_bracketed() {
        let two = || Math::f64(2.0);
        let half = Math::fraction(Math::f64(1.0), two());
        assert_eq!(half.power(two()).latex(), r"\left(\frac{1}{2}\right)^{2}");
        assert_eq!(Math::f64(1e-3).power(two()).to_string(), "0.001²");
        assert_eq!(Math::name("x").power(two()).power(two()).latex(), "(x^{2})^{2}");
        let slope = Math::derivative(Math::sum([Math::name("z"), two()]), "z");
        assert_eq!(slope.to_string(), "d/dz (z + 2)");
    }
}
