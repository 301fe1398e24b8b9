//! Polynomials in one unknown with rational coefficients: their roots on an interval, counted exactly.
//!
//! # Source
//! Sturm's theorem: D. E. Knuth, *The Art of Computer Programming*, volume 2, section 4.6.1, exercise 22.

use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// Coefficients from the constant up; the last is not zero.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Univariate(pub(super) Vec<BigRational>);

/// An open interval's end; `None` is infinite.
pub(super) type End = Option<BigRational>;

/// A root: exact, or enclosed.
#[derive(Clone, Debug)]
pub(super) enum Root {
    Exact(BigRational),
    Near(f64),
}

impl Univariate {
    pub(super) fn new(mut coefficients: Vec<BigRational>) -> Univariate {
        while coefficients.last().is_some_and(Zero::is_zero) {
            coefficients.pop();
        }
        Univariate(coefficients)
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn at(&self, place: &BigRational) -> BigRational {
        self.0.iter().rev().fold(BigRational::zero(), |sum, next| sum * place + next)
    }

    fn derivative(&self) -> Univariate {
        let slopes = self.0.iter().enumerate().skip(1);
        let scaled = |(i, coefficient): (usize, &BigRational)| coefficient * integer(i as i64);
        Univariate::new(slopes.map(scaled).collect())
    }

    /// The remainder of a division, scaled by a positive number so that it stays small.
    fn remainder(&self, divisor: &Univariate) -> Univariate {
        let mut rest = self.0.clone();
        let Some(leading) = divisor.0.last() else { return Univariate(vec![]) };
        while rest.len() >= divisor.0.len() {
            let Some(top) = rest.pop() else { break };
            let factor = top / leading;
            let shift = rest.len() + 1 - divisor.0.len();
            for (i, coefficient) in divisor.0.iter().enumerate().take(divisor.0.len() - 1) {
                rest[i + shift] -= &factor * coefficient;
            }
            while rest.last().is_some_and(Zero::is_zero) {
                rest.pop();
            }
        }
        Univariate(rest).primitive()
    }

    /// A positive multiple with whole coefficients that have no common factor.
    fn primitive(self) -> Univariate {
        let bottom = self.0.iter().fold(BigInt::one(), |all, own| all.lcm(own.denom()));
        let tops = self.0.iter().map(|own| own.numer() * (&bottom / own.denom()));
        let tops: Vec<BigInt> = tops.collect();
        let common = tops.iter().fold(BigInt::zero(), |all, own| all.gcd(own));
        if common.is_zero() {
            return Univariate(vec![]);
        }
        let whole = |top: BigInt| BigRational::from_integer(top / &common);
        Univariate(tops.into_iter().map(whole).collect())
    }

    /// Top and bottom without their common factor.
    pub(super) fn reduced(top: &Univariate, bottom: &Univariate) -> (Univariate, Univariate) {
        let (mut a, mut b) = (top.clone(), bottom.clone());
        while !b.is_zero() {
            (a, b) = (b.clone(), a.remainder(&b));
        }
        if a.0.len() < 2 {
            return (top.clone(), bottom.clone());
        }
        (top.quotient(&a), bottom.quotient(&a))
    }

    /// The quotient by a divisor without remainder.
    fn quotient(&self, divisor: &Univariate) -> Univariate {
        let mut rest = self.0.clone();
        let mut found = vec![];
        let Some(leading) = divisor.0.last() else { return self.clone() };
        while rest.len() >= divisor.0.len() {
            let Some(top) = rest.pop() else { break };
            let factor = top / leading;
            let shift = rest.len() + 1 - divisor.0.len();
            for (i, coefficient) in divisor.0.iter().enumerate().take(divisor.0.len() - 1) {
                rest[i + shift] -= &factor * coefficient;
            }
            found.push(factor);
        }
        found.reverse();
        Univariate::new(found)
    }

    fn chain(&self) -> Vec<Univariate> {
        let mut chain = vec![self.clone().primitive(), self.derivative().primitive()];
        while let [.., before, last] = chain.as_slice()
            && !last.is_zero()
        {
            let rest = before.remainder(last);
            chain.push(Univariate(rest.0.into_iter().map(|coefficient| -coefficient).collect()));
        }
        chain.pop();
        chain
    }

    /// The polynomial without its zeros at an end of the interval.
    fn without_end(&self, end: &End) -> Univariate {
        let Some(end) = end else { return self.clone() };
        let mut own = self.clone();
        while !own.is_zero() && own.at(end).is_zero() {
            // Synthetic division by (t − end).
            let mut quotient = vec![];
            let mut carry = BigRational::zero();
            for coefficient in own.0.iter().rev() {
                carry = carry * end + coefficient;
                quotient.push(carry.clone());
            }
            quotient.pop();
            quotient.reverse();
            own = Univariate::new(quotient);
        }
        own
    }

    /// The distinct roots between two ends, in order; `None` for the zero polynomial.
    pub(super) fn roots(&self, low: &End, high: &End) -> Option<Vec<Root>> {
        if self.is_zero() {
            return None;
        }
        let own = self.without_end(low).without_end(high);
        // Sturm's theorem counts between places that are no multiple roots: there are none without them.
        let (own, _) = Univariate::reduced(&own, &own.derivative());
        let chain = own.chain();
        let bound = own.bound();
        let low = low.clone().unwrap_or_else(|| -bound.clone());
        let high = high.clone().unwrap_or(bound);
        let mut found = vec![];
        isolate(&own, &chain, low, high, &mut found, 0);
        Some(found)
    }

    /// All roots are smaller in size than this (Cauchy).
    fn bound(&self) -> BigRational {
        let Some(leading) = self.0.last() else { return BigRational::one() };
        let sizes = self.0.iter().map(|coefficient| (coefficient / leading).abs());
        BigRational::one() + sizes.max().unwrap_or_else(BigRational::one)
    }
}

pub(super) fn integer(value: i64) -> BigRational {
    BigRational::from_integer(BigInt::from(value))
}

pub(super) fn sign(value: &BigRational) -> i32 {
    if value.is_positive() {
        1
    } else if value.is_negative() {
        -1
    } else {
        0
    }
}

fn changes(chain: &[Univariate], at: &BigRational) -> usize {
    let signs = chain.iter().map(|part| sign(&part.at(at))).filter(|sign| *sign != 0);
    let signs: Vec<i32> = signs.collect();
    signs.windows(2).filter(|pair| pair[0] != pair[1]).count()
}

/// Roots in (low, high]; the ends given from outside are none themselves.
fn isolate(
    own: &Univariate,
    chain: &[Univariate],
    low: BigRational,
    high: BigRational,
    found: &mut Vec<Root>,
    depth: usize,
) {
    let count = changes(chain, &low).saturating_sub(changes(chain, &high));
    match count {
        0 => {}
        1 => found.push(refined(own, chain, low, high)),
        _ if depth > 200 => {}
        _ => {
            let middle = (&low + &high) / integer(2);
            isolate(own, chain, low, middle.clone(), found, depth + 1);
            isolate(own, chain, middle, high, found, depth + 1);
        }
    }
}

fn refined(own: &Univariate, chain: &[Univariate], low: BigRational, high: BigRational) -> Root {
    let (mut low, mut high) = (low, high);
    for _ in 0..200 {
        if own.at(&high).is_zero() {
            return Root::Exact(high);
        }
        if let Some(simple) = simplest(&low, &high)
            && simple != low
            && own.at(&simple).is_zero()
        {
            return Root::Exact(simple);
        }
        let width = &high - &low;
        if width < (low.abs() + high.abs() + BigRational::one()) * small() {
            break;
        }
        let middle = (&low + &high) / integer(2);
        // A change of sign tells where a root is; only a root without one needs the whole chain.
        let (left, here, right) =
            (sign(&own.at(&low)), sign(&own.at(&middle)), sign(&own.at(&high)));
        let below = match left * right {
            -1 => here != left,
            _ => changes(chain, &low) > changes(chain, &middle),
        };
        if below {
            high = middle;
        } else {
            low = middle;
        }
    }
    let middle = (low + high) / integer(2);
    Root::Near(middle.to_f64().unwrap_or(f64::NAN))
}

fn small() -> BigRational {
    BigRational::new(BigInt::one(), BigInt::one() << 64)
}

/// The fraction of the smallest denominator in [low, high].
fn simplest(low: &BigRational, high: &BigRational) -> Option<BigRational> {
    let (mut low, mut high) = (low.clone(), high.clone());
    let mut whole = vec![];
    for _ in 0..60 {
        let floor = low.ceil();
        if floor <= high {
            let mut value = floor;
            for part in whole.into_iter().rev() {
                if value.is_zero() {
                    return None;
                }
                value = part + value.recip();
            }
            return Some(value);
        }
        let part = low.floor();
        (low, high) = ((high - &part).recip(), (low - &part).recip());
        whole.push(part);
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roots(coefficients: &[i64], low: Option<i64>, high: Option<i64>) -> Vec<f64> {
        let own = Univariate::new(coefficients.iter().map(|own| integer(*own)).collect());
        let found = own.roots(&low.map(integer), &high.map(integer)).expect("not zero");
        found
            .iter()
            .map(|root| match root {
                Root::Exact(root) => root.to_f64().expect("a number"),
                Root::Near(root) => *root,
            })
            .collect()
    }

    #[test]
    fn roots_are_counted_and_found() {
        assert_eq!(roots(&[-2, 0, 1], None, None), [-2f64.sqrt(), 2f64.sqrt()]);
        // Multiple roots, also where an interval is halved; ends do not belong to the interval.
        assert_eq!(roots(&[0, 0, -1, 0, 0, 1], None, None), [0.0, 1.0]);
        assert_eq!(roots(&[0, 0, 1], Some(-1), Some(1)), [0.0]);
        assert_eq!(roots(&[-1, 0, 1], Some(-1), Some(1)), Vec::<f64>::new());
        assert_eq!(roots(&[1, 0, 1], None, None), Vec::<f64>::new());
        // (t − 1/3)(t − 2)(t² + 1), as whole coefficients
        assert_eq!(roots(&[2, -7, 5, -7, 3], Some(0), None), [1.0 / 3.0, 2.0]);
    }
}
