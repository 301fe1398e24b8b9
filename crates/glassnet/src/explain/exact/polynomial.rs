//! Polynomials in one variable over the fractions.

use num_traits::{One, Signed, Zero};

use super::number::{Rational, nearest, plus, ratio, times};

/// `c₀ + c₁·w + c₂·w² + …`; the highest coefficient is not 0, and the zero polynomial has none.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Polynomial(Vec<Rational>);

impl Polynomial {
    /// The polynomial with these coefficients, lowest power first.
    pub fn new(mut coefficients: Vec<Rational>) -> Self {
        while coefficients.last().is_some_and(Zero::is_zero) {
            coefficients.pop();
        }
        Polynomial(coefficients)
    }

    /// A constant.
    pub fn constant(value: Rational) -> Self {
        Polynomial::new(vec![value])
    }

    /// The variable itself.
    pub fn variable() -> Self {
        Polynomial(vec![Rational::zero(), Rational::one()])
    }

    /// The coefficients, lowest power first.
    pub fn coefficients(&self) -> &[Rational] {
        &self.0
    }

    /// The highest power with a coefficient; 0 for constants.
    pub fn degree(&self) -> usize {
        self.0.len().saturating_sub(1)
    }

    /// Whether it is 0 everywhere.
    pub fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// The value where the variable is 0.
    pub fn constant_term(&self) -> Rational {
        self.0.first().cloned().unwrap_or_default()
    }

    /// The value at `w`.
    pub fn at(&self, w: &Rational) -> Rational {
        self.uncancelled_at(w).reduced()
    }

    fn uncancelled_at(&self, w: &Rational) -> Rational {
        let next = |sum: Rational, coefficient: &Rational| plus(&times(&sum, w), coefficient);
        self.0.iter().rev().fold(Rational::zero(), next)
    }

    /// The sign of the value at `w`: −1, 0 or 1.
    pub fn sign_at(&self, w: &Rational) -> i8 {
        sign(&self.uncancelled_at(w))
    }

    /// The same polynomial with every coefficient in lowest terms.
    pub fn reduced(&self) -> Polynomial {
        Polynomial(self.0.iter().map(Rational::reduced).collect())
    }

    /// The value at `w` in f64, up to rounding.
    pub fn at_f64(&self, w: f64) -> f64 {
        self.0.iter().rev().fold(0.0, |sum, coefficient| sum * w + nearest(coefficient))
    }

    /// The sum.
    pub fn plus(&self, other: &Polynomial) -> Polynomial {
        let (long, short) =
            if self.0.len() >= other.0.len() { (self, other) } else { (other, self) };
        let mut sum = long.0.clone();
        for (place, coefficient) in sum.iter_mut().zip(&short.0) {
            *place = plus(place, coefficient);
        }
        Polynomial::new(sum)
    }

    /// The difference.
    pub fn minus(&self, other: &Polynomial) -> Polynomial {
        self.plus(&other.times_constant(&ratio(-1, 1)))
    }

    /// The product with a number.
    pub fn times_constant(&self, factor: &Rational) -> Polynomial {
        Polynomial::new(self.0.iter().map(|coefficient| times(coefficient, factor)).collect())
    }

    /// The product.
    pub fn times(&self, other: &Polynomial) -> Polynomial {
        if self.is_zero() || other.is_zero() {
            return Polynomial::default();
        }
        let mut product = vec![Rational::zero(); self.0.len() + other.0.len() - 1];
        for (i, a) in self.0.iter().enumerate() {
            for (j, b) in other.0.iter().enumerate() {
                product[i + j] = plus(&product[i + j], &times(a, b));
            }
        }
        Polynomial::new(product)
    }

    /// The derivative.
    pub fn derivative(&self) -> Polynomial {
        let powers = self.0.iter().enumerate().skip(1);
        Polynomial::new(powers.map(|(power, c)| c * ratio(power as i64, 1)).collect())
    }

    /// The sign of the value as the variable goes to +∞ (`upwards`) or −∞.
    pub fn sign_at_infinity(&self, upwards: bool) -> i8 {
        let Some(leading) = self.0.last() else { return 0 };
        let sign = if leading.is_positive() { 1 } else { -1 };
        if upwards || self.degree().is_multiple_of(2) { sign } else { -sign }
    }

    /// The remainder of the division by `divisor`, which is not 0.
    fn remainder(&self, divisor: &Polynomial) -> Polynomial {
        self.divide(divisor).1
    }

    /// Quotient and remainder of the division by `divisor`; the quotient is 0 when `divisor` is.
    fn divide(&self, divisor: &Polynomial) -> (Polynomial, Polynomial) {
        let Some(leading) = divisor.0.last() else { return (Polynomial::default(), self.clone()) };
        let mut rest = self.0.clone();
        let mut quotient = vec![];
        while rest.len() >= divisor.0.len() {
            let factor = &rest[rest.len() - 1] / leading;
            let shift = rest.len() - divisor.0.len();
            for (place, coefficient) in rest[shift..].iter_mut().zip(&divisor.0) {
                *place -= coefficient * &factor;
            }
            rest.pop();
            quotient.push(factor);
        }
        quotient.reverse();
        (Polynomial::new(quotient), Polynomial::new(rest))
    }

    /// The greatest common divisor, with leading coefficient 1.
    pub fn common_divisor(&self, other: &Polynomial) -> Polynomial {
        let (mut a, mut b) = (self.clone(), other.clone());
        while !b.is_zero() {
            let rest = a.remainder(&b).monic();
            a = b;
            b = rest;
        }
        a.monic()
    }

    fn monic(&self) -> Polynomial {
        match self.0.last() {
            Some(leading) => self.times_constant(&leading.recip()),
            None => Polynomial::default(),
        }
    }

    /// The polynomial with the same roots, each once.
    pub fn square_free(&self) -> Polynomial {
        self.divide(&self.common_divisor(&self.derivative())).0
    }

    /// Sturm's sequence of a square-free polynomial.
    pub fn sturm(&self) -> Vec<Polynomial> {
        let mut sequence = vec![self.clone(), self.derivative()];
        while let [.., before, last] = sequence.as_slice() {
            if last.is_zero() {
                sequence.pop();
                break;
            }
            let next = before.remainder(last).times_constant(&ratio(-1, 1));
            sequence.push(next);
        }
        sequence
    }

    /// A bound on the size of all roots (Cauchy's): every root lies strictly between its negative and it.
    pub fn root_bound(&self) -> Rational {
        let Some((leading, rest)) = self.0.split_last() else { return Rational::one() };
        let largest = rest.iter().map(|c| (c / leading).abs()).max().unwrap_or_default();
        largest + Rational::one()
    }
}

/// −1, 0 or 1.
pub(super) fn sign(value: &Rational) -> i8 {
    match value.numer().sign() {
        num_bigint::Sign::Minus => -1,
        num_bigint::Sign::NoSign => 0,
        num_bigint::Sign::Plus => 1,
    }
}

/// How many sign changes Sturm's sequence has at `w`.
pub(super) fn sign_changes(sequence: &[Polynomial], w: &Rational) -> usize {
    let signs: Vec<bool> = sequence
        .iter()
        .map(|polynomial| polynomial.at(w))
        .filter(|value| !value.is_zero())
        .map(|value| value.is_positive())
        .collect();
    signs.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polynomial(coefficients: &[i64]) -> Polynomial {
        Polynomial::new(coefficients.iter().map(|&c| ratio(c, 1)).collect())
    }

    #[test]
    fn products_divide_back() {
        let (a, b) = (polynomial(&[1, -3, 2]), polynomial(&[-5, 0, 0, 7]));
        let product = a.times(&b);
        assert_eq!(product.divide(&a), (b.clone(), Polynomial::default()));
        assert_eq!(product.common_divisor(&a.times(&polynomial(&[1, 1]))), a.monic());
        assert_eq!(a.times(&a).times(&b).square_free().monic(), product.monic());
        assert_eq!(product.at(&ratio(1, 2)), a.at(&ratio(1, 2)) * b.at(&ratio(1, 2)));
    }

    #[test]
    fn sturm_counts_roots() {
        // (w − 1)(w − 2)(w² + 1) has two real roots.
        let p = polynomial(&[2, -3, 1]).times(&polynomial(&[1, 0, 1]));
        let sequence = p.sturm();
        let count = |a: i64, b: i64| {
            sign_changes(&sequence, &ratio(a, 1)) - sign_changes(&sequence, &ratio(b, 1))
        };
        assert_eq!(count(-10, 10), 2);
        assert_eq!(count(-10, 1), 1); // half open: (a, b]
        assert_eq!(count(1, 10), 1);
        assert_eq!(count(3, 10), 0);
    }
}
