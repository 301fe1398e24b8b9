//! Places on the real line that are known exactly: fractions, and roots of polynomials in brackets.

use std::cmp::Ordering;
use std::fmt;

use num_traits::{Signed, Zero};

use super::number::{Rational, Short, math, nearest, ratio};
use super::polynomial::{Polynomial, sign_changes};
use crate::formula::{Math, Operator};

/// A real number that is known exactly.
#[derive(Clone, Debug)]
pub enum Place {
    /// A fraction.
    Fraction(Rational),
    /// A root of a polynomial that is no fraction, as far as could be told.
    Root(Root),
}

/// The one root of a polynomial within a bracket.
#[derive(Clone, Debug)]
pub struct Root {
    /// A polynomial that has each of its roots once.
    polynomial: Polynomial,
    /// Below the root.
    low: Rational,
    /// Above the root.
    high: Rational,
}

/// How narrow brackets are made before a root is shown or searched for a fraction.
const BRACKET_BITS: u32 = 80;

impl Place {
    /// The f64 nearest to the place, up to rounding of a bracket's middle.
    pub fn to_f64(&self) -> f64 {
        match self {
            Place::Fraction(value) => nearest(value),
            Place::Root(root) => nearest(&root.middle()),
        }
    }

    /// The fraction, if it is one.
    pub fn fraction(&self) -> Option<&Rational> {
        match self {
            Place::Fraction(value) => Some(value),
            Place::Root(_) => None,
        }
    }

    /// Fractions between which the place lies; both are the place itself if it is a fraction.
    pub fn bracket(&self) -> (Rational, Rational) {
        match self {
            Place::Fraction(value) => (value.clone(), value.clone()),
            Place::Root(root) => (root.low.clone(), root.high.clone()),
        }
    }

    /// The place as it is set on a page.
    pub fn math(&self) -> Math {
        match self {
            Place::Fraction(value) => math(value),
            Place::Root(_) => {
                Math::row([Math::Operator(Operator::Approximately), Math::f64(self.to_f64())])
            }
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Fraction(value) => write!(f, "{}", Short(value)),
            Place::Root(_) => write!(f, "≈ {:?}", self.to_f64()),
        }
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Place {}

impl PartialOrd for Place {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Place {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            // Denominators are positive.
            (Place::Fraction(a), Place::Fraction(b)) => {
                (a.numer() * b.denom()).cmp(&(b.numer() * a.denom()))
            }
            (Place::Root(root), Place::Fraction(value)) => root.compare(value),
            (Place::Fraction(value), Place::Root(root)) => root.compare(value).reverse(),
            (Place::Root(a), Place::Root(b)) => a.compare_root(b),
        }
    }
}

impl Root {
    fn middle(&self) -> Rational {
        (&self.low + &self.high) / ratio(2, 1)
    }

    fn compare(&self, value: &Rational) -> Ordering {
        if *value <= self.low {
            return Ordering::Greater;
        }
        if *value >= self.high {
            return Ordering::Less;
        }
        let at = self.polynomial.at(value);
        if at.is_zero() {
            Ordering::Equal
        } else if at.is_positive() == self.polynomial.at(&self.low).is_positive() {
            Ordering::Greater
        } else {
            Ordering::Less
        }
    }

    fn compare_root(&self, other: &Root) -> Ordering {
        let (mut a, mut b) = (self.clone(), other.clone());
        let mut common = None;
        loop {
            if a.high <= b.low {
                return Ordering::Less;
            }
            if b.high <= a.low {
                return Ordering::Greater;
            }
            let divisor: &Vec<Polynomial> = common.get_or_insert_with(|| {
                a.polynomial.common_divisor(&b.polynomial).square_free().sturm()
            });
            let (low, high) = ((&a.low).max(&b.low), (&a.high).min(&b.high));
            // A common root within both brackets is the root of both.
            if sign_changes(divisor, low) != sign_changes(divisor, high) {
                return Ordering::Equal;
            }
            a.halve();
            b.halve();
        }
    }

    /// Halves the bracket.
    fn halve(&mut self) {
        let middle = self.middle();
        let at = self.polynomial.at(&middle);
        if at.is_zero() {
            // The root itself: a bracket around it that is a quarter as wide.
            let quarter = (&self.high - &self.low) / ratio(8, 1);
            self.low = &middle - &quarter;
            self.high = middle + quarter;
        } else if at.is_positive() == self.polynomial.at(&self.low).is_positive() {
            self.low = middle;
        } else {
            self.high = middle;
        }
    }
}

/// A fraction strictly between two places, `None` standing for the infinities.
pub fn between(low: Option<&Place>, high: Option<&Place>) -> Rational {
    match (low, high) {
        (None, None) => Rational::zero(),
        (Some(low), None) => low.bracket().1 + ratio(1, 1),
        (None, Some(high)) => high.bracket().0 - ratio(1, 1),
        (Some(low), Some(high)) => {
            let (mut low, mut high) = (low.clone(), high.clone());
            loop {
                let (below, above) = (low.bracket().1, high.bracket().0);
                let middle = (&below + &above) / ratio(2, 1);
                if below < above {
                    return simplest(&below, &above).unwrap_or(middle);
                }
                for place in [&mut low, &mut high] {
                    if let Place::Root(root) = place {
                        root.halve();
                    }
                }
            }
        }
    }
}

/// The fraction with the least denominator strictly between `low` and `high` (by the Stern–Brocot tree's path).
fn simplest(low: &Rational, high: &Rational) -> Option<Rational> {
    if low.is_negative() && high.is_positive() {
        return Some(Rational::zero());
    }
    if low.is_negative() {
        return simplest(&-high.clone(), &-low.clone()).map(|value| -value);
    }
    // Continued fractions: 0 ≤ low < high.
    let mut terms = vec![];
    let (mut low, mut high) = (low.clone(), Some(high.clone()));
    for _ in 0..400 {
        let whole = low.floor();
        let next = &whole + ratio(1, 1);
        if high.as_ref().is_none_or(|high| next < *high) {
            let mut value = next;
            for term in terms.into_iter().rev() {
                value = Rational::recip(&value) + term;
            }
            return Some(value);
        }
        let upper = high.map(|high| high - &whole);
        let lower = low - &whole;
        terms.push(whole);
        low = upper.filter(|upper| !upper.is_zero())?.recip();
        high = if lower.is_zero() { None } else { Some(lower.recip()) };
    }
    None
}

/// The real roots of `polynomial` strictly between `low` and `high` (`None` for the infinities), ascending, each
/// once. The zero polynomial has none that could be listed.
pub fn roots(polynomial: &Polynomial, low: Option<&Place>, high: Option<&Place>) -> Vec<Place> {
    let inside =
        |place: &Place| low.is_none_or(|low| low < place) && high.is_none_or(|high| place < high);
    match polynomial.coefficients() {
        [] | [_] => vec![],
        [constant, slope] => {
            let root = Place::Fraction(-(constant / slope));
            if inside(&root) { vec![root] } else { vec![] }
        }
        [_, _, ..] => {
            let square_free = polynomial.square_free();
            let bound = square_free.root_bound();
            let sequence = square_free.sturm();
            let mut found = vec![];
            isolate(&square_free, &sequence, -bound.clone(), bound, &mut found);
            found.retain(inside);
            found
        }
    }
}

/// Bisects `low..high`, at whose ends there is no root, until each root is alone.
fn isolate(
    polynomial: &Polynomial,
    sequence: &[Polynomial],
    low: Rational,
    high: Rational,
    found: &mut Vec<Place>,
) {
    match sign_changes(sequence, &low) - sign_changes(sequence, &high) {
        0 => {}
        1 => {
            let root = Root { polynomial: polynomial.clone(), low, high };
            found.push(sharpen(root));
        }
        _ => {
            let mut middle = (&low + &high) / ratio(2, 1);
            // A root must not become a bracket's end: step aside until the middle is none.
            let mut step = (&high - &low) / ratio(8, 1);
            while polynomial.at(&middle).is_zero() {
                middle += &step;
                step /= ratio(2, 1);
            }
            isolate(polynomial, sequence, low, middle.clone(), found);
            isolate(polynomial, sequence, middle, high, found);
        }
    }
}

/// Narrows the bracket, and finds the root if it is a fraction with a small denominator.
fn sharpen(mut root: Root) -> Place {
    let goal = ratio(1, 1) / Rational::from_integer(num_bigint::BigInt::from(2).pow(BRACKET_BITS));
    while &root.high - &root.low > goal {
        root.halve();
    }
    match simplest(&root.low, &root.high) {
        Some(value) if root.polynomial.at(&value).is_zero() => Place::Fraction(value),
        Some(_) | None => Place::Root(root),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polynomial(coefficients: &[i64]) -> Polynomial {
        Polynomial::new(coefficients.iter().map(|&c| ratio(c, 1)).collect())
    }

    #[test]
    fn roots_are_isolated_and_fractions_recognised() {
        // (3w − 2)(w² − 2)
        let p = polynomial(&[-2, 3]).times(&polynomial(&[-2, 0, 1]));
        let found = roots(&p, None, None);
        assert_eq!(found.len(), 3);
        assert_eq!(found[1], Place::Fraction(ratio(2, 3)));
        assert!((found[0].to_f64() + 2_f64.sqrt()).abs() < 1e-15);
        assert!((found[2].to_f64() - 2_f64.sqrt()).abs() < 1e-15);
        assert_eq!(roots(&p, Some(&found[0]), Some(&found[2])).len(), 1);
        // A double root is found once.
        assert_eq!(roots(&polynomial(&[1, -2, 1]), None, None), [Place::Fraction(ratio(1, 1))]);
        assert!(roots(&polynomial(&[1, 0, 1]), None, None).is_empty());
    }

    #[test]
    fn roots_of_different_polynomials_compare_exactly() {
        let root_two = roots(&polynomial(&[-2, 0, 1]), None, None).remove(1);
        let same =
            roots(&polynomial(&[-2, 0, 1]).times(&polynomial(&[-5, 1])), None, None).remove(1);
        assert_eq!(root_two, same);
        // √2 against a root of 10^12·(w² − 2) + 1: they differ by 3.5e-13.
        let near = roots(&polynomial(&[1 - 2_000_000_000_000, 0, 1_000_000_000_000]), None, None)
            .remove(1);
        assert!(near < root_two);
        assert!(root_two > Place::Fraction(ratio(141_421_356, 100_000_000)));
        let middle = between(Some(&near), Some(&root_two));
        assert!(Place::Fraction(middle.clone()) < root_two && near < Place::Fraction(middle));
    }

    #[test]
    fn the_simplest_fraction_lies_between() {
        let simple = |a: Rational, b: Rational| simplest(&a, &b).unwrap();
        assert_eq!(simple(ratio(1, 3), ratio(1, 2)), ratio(2, 5));
        assert_eq!(simple(ratio(-5, 2), ratio(-1, 7)), ratio(-1, 1));
        assert_eq!(simple(ratio(0, 1), ratio(1, 1)), ratio(1, 2));
        assert_eq!(simple(ratio(314, 100), ratio(315, 100)), ratio(22, 7));
    }
}
