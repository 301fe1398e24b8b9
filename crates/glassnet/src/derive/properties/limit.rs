//! Where a formula tends to as its variable goes to ∞ or −∞.

use super::enclosure::{enclose, oscillates};
use super::ratio::{self, Shape};
use super::univariate::integer;
use super::{How, Quantity};
use crate::formula::{Constant, Expression, Function, Sign};
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive, Zero};

/// What a formula tends to.
#[derive(Clone, Debug, PartialEq)]
pub enum Limit {
    /// A number.
    Finite(Quantity),
    /// ∞
    Infinity,
    /// −∞
    MinusInfinity,
    /// It has no limit, or none was found.
    None,
}

impl Limit {
    /// The limit as f64; NaN if there is none.
    pub fn to_f64(&self) -> f64 {
        match self {
            Limit::Finite(value) => value.value,
            Limit::Infinity => f64::INFINITY,
            Limit::MinusInfinity => f64::NEG_INFINITY,
            Limit::None => f64::NAN,
        }
    }

    /// True for a limit that is 0.
    pub fn is_zero(&self) -> bool {
        matches!(self, Limit::Finite(value) if value.value == 0.0)
    }
}

/// A value on the way: a number, exact where that is known, or an infinity.
#[derive(Clone, Debug)]
enum Way {
    Number(f64, Option<BigRational>),
    Infinite(bool),
}

/// The limit at ∞ (`upper`) or −∞, and whether it was decided by rules or found by values.
pub(super) fn limit(tree: &Expression, variable: &str, upper: bool) -> (Limit, How) {
    match (Rules { variable, upper }).of(tree) {
        Some(Way::Number(value, _)) if !value.is_finite() => (Limit::None, How::Undetermined),
        Some(Way::Number(value, exact)) => (Limit::Finite(Quantity::of(value, exact)), How::Exact),
        Some(Way::Infinite(true)) => (Limit::Infinity, How::Exact),
        Some(Way::Infinite(false)) => (Limit::MinusInfinity, How::Exact),
        None => {
            let found = by_values(tree, variable, upper);
            let how = if found == Limit::None { How::Undetermined } else { How::Numeric };
            (found, how)
        }
    }
}

struct Rules<'a> {
    variable: &'a str,
    upper: bool,
}

fn exact(value: BigRational) -> Way {
    Way::Number(value.to_f64().unwrap_or(f64::NAN), Some(value))
}

impl Way {
    fn is_zero(&self) -> bool {
        matches!(self, Way::Number(value, _) if *value == 0.0)
    }

    fn negative(self) -> Way {
        match self {
            Way::Number(value, exact) => Way::Number(-value, exact.map(|exact| -exact)),
            Way::Infinite(positive) => Way::Infinite(!positive),
        }
    }

    fn times(self, other: Way) -> Option<Way> {
        let positive = |way: &Way| match way {
            Way::Number(value, _) => *value > 0.0,
            Way::Infinite(positive) => *positive,
        };
        Some(match (&self, &other) {
            (Way::Number(a, c), Way::Number(b, d)) => {
                let exact = c.as_ref().zip(d.as_ref()).map(|(c, d)| c * d);
                let lost = !(a * b).is_finite() || a * b == 0.0 && *a != 0.0 && *b != 0.0;
                if lost {
                    return None;
                }
                Way::Number(a * b, exact)
            }
            _ if self.is_zero() || other.is_zero() => return None,
            _ => Way::Infinite(positive(&self) == positive(&other)),
        })
    }

    fn over(self, other: Way) -> Option<Way> {
        match (&self, &other) {
            (_, Way::Number(value, _)) if *value == 0.0 => None,
            (Way::Number(a, _), Way::Number(b, _))
                if !(a / b).is_finite() || a / b == 0.0 && *a != 0.0 =>
            {
                None
            }
            (Way::Number(a, c), Way::Number(b, d)) => {
                Some(Way::Number(a / b, c.as_ref().zip(d.as_ref()).map(|(c, d)| c / d)))
            }
            (Way::Number(..), Way::Infinite(_)) => Some(exact(BigRational::zero())),
            (Way::Infinite(_), Way::Number(..)) => self.times(other),
            (Way::Infinite(_), Way::Infinite(_)) => None,
        }
    }
}

impl Rules<'_> {
    fn of(&self, tree: &Expression) -> Option<Way> {
        if let Some(ratio) = ratio::ratio(tree, self.variable) {
            return Some(match ratio.limit(self.upper)? {
                ratio::Limit::Finite(value) => exact(value),
                ratio::Limit::Infinite(positive) => Way::Infinite(positive),
            });
        }
        match tree {
            Expression::Number(number) => {
                number.to_f64().is_finite().then(|| Way::Number(number.to_f64(), None))
            }
            Expression::Constant(constant) => Some(Way::Number(constant.to_f64(), None)),
            Expression::Variable(name) if name == self.variable => Some(Way::Infinite(self.upper)),
            Expression::Variable(_) | Expression::Piecewise(..) => None,
            Expression::Negative(value) => Some(self.of(value)?.negative()),
            Expression::Sum(terms) => {
                let mut sum = exact(BigRational::zero());
                for term in terms {
                    let way = self.of(&term.value)?;
                    let way = if term.sign == Sign::Minus { way.negative() } else { way };
                    sum = match (sum, way) {
                        (Way::Number(a, c), Way::Number(b, d)) => {
                            let exact = c.zip(d).map(|(c, d)| c + d);
                            // What cancels in f64 may be 0 or not: nothing is known of it.
                            let cancels = (a + b).abs() < 1e-9 * a.abs().max(b.abs());
                            if exact.is_none() && cancels || !(a + b).is_finite() {
                                return None;
                            }
                            Way::Number(a + b, exact)
                        }
                        (Way::Infinite(a), Way::Infinite(b)) if a != b => return None,
                        (Way::Infinite(a), _) | (_, Way::Infinite(a)) => Way::Infinite(a),
                    };
                }
                Some(sum)
            }
            Expression::Product(parts) => {
                if parts.iter().any(|part| self.vanishes(part))
                    && parts.iter().all(|part| self.vanishes(part) || self.is_tame(part))
                {
                    return Some(exact(BigRational::zero()));
                }
                parts
                    .iter()
                    .try_fold(exact(integer(1)), |product, part| product.times(self.of(part)?))
            }
            Expression::Quotient(left, right) => {
                let below = self.of(right)?;
                if self.vanishes(left) && !below.is_zero() {
                    return Some(exact(BigRational::zero()));
                }
                self.of(left)?.over(below)
            }
            Expression::Power(base, exponent) if **base == Expression::Constant(Constant::E) => {
                call(Function::Exp, self.of(exponent)?)
            }
            Expression::Power(base, exponent) => {
                let fixed = exponent.rational().is_some_and(|own| own.denominator() == 1);
                let exponent = self.of(exponent)?;
                match (self.of(base)?, exponent) {
                    // A negative base has powers with whole exponents only.
                    (Way::Infinite(false), _) if !fixed => None,
                    (Way::Number(base, _), _) if base <= 0.0 && !fixed => None,
                    (Way::Number(base, _), Way::Number(exponent, _)) if base != 0.0 => {
                        let value = libm::pow(base, exponent);
                        let unit = base == 1.0 && value == 1.0;
                        (value.is_finite() && value != 0.0)
                            .then(|| Way::Number(value, unit.then(|| integer(1))))
                    }
                    (Way::Number(..), Way::Number(exponent, _)) if exponent > 0.0 => {
                        Some(exact(BigRational::zero()))
                    }
                    (Way::Infinite(true), Way::Number(exponent, _)) if exponent > 0.0 => {
                        Some(Way::Infinite(true))
                    }
                    (Way::Infinite(_), Way::Number(exponent, _)) if exponent < 0.0 => {
                        Some(exact(BigRational::zero()))
                    }
                    (Way::Infinite(false), Way::Number(exponent, _)) if exponent % 2.0 == 0.0 => {
                        Some(Way::Infinite(true))
                    }
                    _ => None,
                }
            }
            Expression::Call(function, argument) => call(*function, self.of(argument)?),
            Expression::Max(parts) | Expression::Min(parts) => {
                let greatest = matches!(tree, Expression::Max(_));
                let mut best: Option<Way> = None;
                let size = |way: &Way| match way {
                    Way::Number(value, _) => *value,
                    Way::Infinite(true) => f64::INFINITY,
                    Way::Infinite(false) => f64::NEG_INFINITY,
                };
                for part in parts {
                    let way = self.of(part)?;
                    let better =
                        best.as_ref().is_none_or(|best| (size(&way) > size(best)) == greatest);
                    best = if better { Some(way) } else { best };
                }
                best
            }
        }
    }

    /// True for e to something that a polynomial carries to −∞: it vanishes faster than any power grows.
    fn vanishes(&self, tree: &Expression) -> bool {
        let to_minus_infinity = |exponent: &Expression| {
            let ratio = ratio::ratio(exponent, self.variable);
            ratio.is_some_and(|ratio| {
                matches!(ratio.shape(), Shape::InZ(..))
                    && ratio.limit(self.upper) == Some(ratio::Limit::Infinite(false))
            })
        };
        match tree {
            Expression::Call(Function::Exp, exponent) => to_minus_infinity(exponent),
            Expression::Power(base, exponent) if **base == Expression::Constant(Constant::E) => {
                to_minus_infinity(exponent)
            }
            Expression::Negative(value) => self.vanishes(value),
            Expression::Quotient(left, right) => {
                self.vanishes(left) && right.variables().is_empty()
            }
            Expression::Product(parts) => {
                parts.iter().any(|part| self.vanishes(part))
                    && parts.iter().all(|part| self.vanishes(part) || self.is_tame(part))
            }
            Expression::Number(_)
            | Expression::Constant(_)
            | Expression::Variable(_)
            | Expression::Sum(_)
            | Expression::Power(..)
            | Expression::Call(..)
            | Expression::Max(_)
            | Expression::Min(_)
            | Expression::Piecewise(..) => false,
        }
    }

    /// True for what grows no faster than a power.
    fn is_tame(&self, tree: &Expression) -> bool {
        let shape = ratio::ratio(tree, self.variable).map(|ratio| ratio.shape());
        matches!(shape, Some(Shape::InZ(..) | Shape::Constant(_)))
            || matches!(self.of(tree), Some(Way::Number(..)))
    }
}

fn call(function: Function, argument: Way) -> Option<Way> {
    let number = |value: i64| Some(exact(integer(value)));
    match argument {
        Way::Infinite(positive) => match (function, positive) {
            (Function::Exp | Function::Softplus | Function::Sigmoid, false) => number(0),
            (Function::Silu | Function::Gelu | Function::Mish | Function::Relu, false) => number(0),
            (Function::LogSigmoid, true) => number(0),
            (Function::Expm1, false) => number(-1),
            (Function::Tanh | Function::Erf | Function::Softsign | Function::Sign, positive) => {
                number(if positive { 1 } else { -1 })
            }
            (Function::Sigmoid, true) => number(1),
            (Function::Atan, positive) => {
                let half = std::f64::consts::FRAC_PI_2;
                Some(Way::Number(if positive { half } else { -half }, None))
            }
            (
                Function::Exp
                | Function::Expm1
                | Function::Log
                | Function::Log2
                | Function::Log10
                | Function::Log1p
                | Function::Sqrt
                | Function::Softplus
                | Function::Relu
                | Function::Silu
                | Function::Gelu
                | Function::Mish,
                true,
            ) => Some(Way::Infinite(true)),
            (Function::Abs | Function::Cosh, _) => Some(Way::Infinite(true)),
            (Function::Sinh, positive) => Some(Way::Infinite(positive)),
            (Function::LogSigmoid, false) => Some(Way::Infinite(false)),
            (
                Function::Log
                | Function::Log2
                | Function::Log10
                | Function::Log1p
                | Function::Sqrt
                | Function::Sin
                | Function::Cos
                | Function::Tan
                | Function::Asin
                | Function::Acos,
                _,
            ) => None,
        },
        Way::Number(value, own) => {
            // A jump, a pole or the end of a domain: the side from which the argument nears it decides.
            let unclear = match function {
                Function::Sign => value == 0.0,
                Function::Tan => libm::cos(value).abs() < 1e-9,
                Function::Log | Function::Log2 | Function::Log10 => value <= 0.0 && own.is_none(),
                Function::Log1p | Function::Asin | Function::Acos => value.abs() >= 1.0,
                Function::Exp | Function::Expm1 | Function::Sinh | Function::Cosh => {
                    value.abs() > 700.0
                }
                Function::Sigmoid
                | Function::LogSigmoid
                | Function::Softplus
                | Function::Silu
                | Function::Gelu
                | Function::Mish => value < -30.0,
                Function::Sqrt
                | Function::Sin
                | Function::Cos
                | Function::Atan
                | Function::Tanh
                | Function::Relu
                | Function::Abs
                | Function::Erf
                | Function::Softsign => false,
            };
            if unclear {
                return None;
            }
            let result = function.evaluate(value);
            let own = own.as_ref();
            let at = |place: i64| own.is_some_and(|own| *own == integer(place));
            let known = match function {
                Function::Exp | Function::Cos | Function::Cosh if at(0) => Some(integer(1)),
                Function::Log | Function::Log2 | Function::Log10 if at(1) => Some(integer(0)),
                Function::Abs => own.map(|own| own.abs()),
                Function::Relu => {
                    own.map(|own| if own.is_negative() { integer(0) } else { own.clone() })
                }
                Function::Sqrt if at(0) || at(1) => own.cloned(),
                Function::Log1p
                | Function::Expm1
                | Function::Sin
                | Function::Tan
                | Function::Asin
                | Function::Atan
                | Function::Sinh
                | Function::Tanh
                | Function::Erf
                | Function::Silu
                | Function::Gelu
                | Function::Mish
                | Function::Softsign
                    if at(0) =>
                {
                    Some(integer(0))
                }
                Function::Exp
                | Function::Log
                | Function::Log2
                | Function::Log10
                | Function::Log1p
                | Function::Expm1
                | Function::Sqrt
                | Function::Sin
                | Function::Cos
                | Function::Tan
                | Function::Asin
                | Function::Acos
                | Function::Atan
                | Function::Sinh
                | Function::Cosh
                | Function::Tanh
                | Function::Sigmoid
                | Function::Softplus
                | Function::Sign
                | Function::Erf
                | Function::Silu
                | Function::Gelu
                | Function::Mish
                | Function::LogSigmoid
                | Function::Softsign => None,
            };
            match result {
                result if result.is_finite() => Some(Way::Number(result, known)),
                // A logarithm's argument nears 0 from above, for below it has no value.
                f64::NEG_INFINITY => Some(Way::Infinite(false)),
                _ => None,
            }
        }
    }
}

/// The limit as values far out suggest it.
fn by_values(tree: &Expression, variable: &str, upper: bool) -> Limit {
    if oscillates(tree) {
        // Values say nothing of what goes up and down: only bounds do.
        let bounds = |low: f64, high: f64| {
            let cell = if upper { (low, high) } else { (-high, -low) };
            enclose(tree, variable, cell)
        };
        let (near, far) = (bounds(1e9, 1e18), bounds(1e18, 1e300));
        let small =
            |own: Option<(f64, f64)>| own.is_some_and(|(low, high)| low > -1e-8 && high < 1e-8);
        return match small(near) && small(far) {
            true => Limit::Finite(Quantity::of(0.0, None)),
            false => Limit::None,
        };
    }
    let side = if upper { 1.0 } else { -1.0 };
    let far = [12.0, 25.0, 50.0, 100.0, 200.0, 400.0, 1e3, 1e4, 1e5, 1e6];
    let values: Vec<f64> = far
        .iter()
        .filter_map(|size| tree.evaluate(&[(variable, side * size)]).ok())
        .take_while(|value| value.is_finite())
        .collect();
    let [.., first, before, last] = values.as_slice() else { return Limit::None };
    let settled = (last - before).abs() <= 1e-4 * last.abs().max(1e-3)
        && (before - first).abs() <= 1e-3 * last.abs().max(1e-3);
    let monotone = |up: bool| values.windows(2).all(|pair| (pair[1] > pair[0]) == up);
    match last {
        _ if values.len() < 5 => Limit::None,
        last if settled && last.abs() < 1e-9 => Limit::Finite(Quantity::of(0.0, None)),
        last if settled && values.len() == far.len() => Limit::Finite(Quantity::of(*last, None)),
        last if *last > 1e3 && *last > 1.5 * before && monotone(true) => Limit::Infinity,
        last if *last < -1e3 && *last < 1.5 * before && monotone(false) => Limit::MinusInfinity,
        last if last.abs() < 1e-4 && last.abs() < 0.5 * before.abs() => {
            Limit::Finite(Quantity::of(0.0, None))
        }
        _ => Limit::None,
    }
}
