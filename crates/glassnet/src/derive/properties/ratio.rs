//! Formulas as fractions of polynomials in z and u = e^{κz}: what can be said of them is exact.

use super::univariate::{End, Univariate, integer};
use crate::formula::{Constant, Expression, Function, Sign};
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::collections::BTreeMap;

/// Larger polynomials are given up.
const MAX_TERMS: usize = 300;
const MAX_EXPONENT: i64 = 60;

/// (power of z, power of u) → coefficient, none of them zero.
type Polynomial = BTreeMap<(i64, i64), BigRational>;

/// top/bottom in z and u = e^{κz}.
#[derive(Clone, Debug)]
pub(super) struct Ratio {
    top: Polynomial,
    bottom: Polynomial,
    pub(super) kappa: BigRational,
}

/// What a ratio depends on.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Nothing: its value.
    Constant(BigRational),
    /// z only: top and bottom.
    InZ(Univariate, Univariate),
    /// u = e^{κz} only: top and bottom.
    InU(Univariate, Univariate),
    /// Both.
    Mixed,
}

/// A limit that is known exactly.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Limit {
    Finite(BigRational),
    /// ∞ or −∞.
    Infinite(bool),
}

/// The ratio that `tree` is; `None` if it is none, or a large one.
pub(super) fn ratio(tree: &Expression, variable: &str) -> Option<Ratio> {
    let mut slopes = vec![];
    exponents(tree, variable, &mut slopes)?;
    let kappa =
        slopes.into_iter().fold(BigRational::zero(), |kappa, slope| common(kappa, slope.abs()));
    let kappa = if kappa.is_zero() { BigRational::one() } else { kappa };
    let reader = Reader { variable, kappa: &kappa };
    let (top, bottom) = reader.read(tree)?;
    Some(Ratio { top, bottom, kappa })
}

/// The greatest number of which both are whole multiples.
fn common(a: BigRational, b: BigRational) -> BigRational {
    if a.is_zero() || b.is_zero() {
        return a + b;
    }
    let top = (a.numer() * b.denom()).gcd(&(b.numer() * a.denom()));
    BigRational::new(top, a.denom() * b.denom())
}

/// The argument of an exponential in the definition of a function that is made of exponentials.
fn defined(function: Function) -> bool {
    match function {
        Function::Tanh
        | Function::Sigmoid
        | Function::Sinh
        | Function::Cosh
        | Function::Expm1
        | Function::Silu => true,
        Function::Exp
        | Function::Log
        | Function::Log2
        | Function::Log10
        | Function::Log1p
        | Function::Sqrt
        | Function::Sin
        | Function::Cos
        | Function::Tan
        | Function::Asin
        | Function::Acos
        | Function::Atan
        | Function::Softplus
        | Function::Relu
        | Function::Abs
        | Function::Sign
        | Function::Erf
        | Function::Gelu
        | Function::Mish
        | Function::LogSigmoid
        | Function::Softsign => false,
    }
}

/// Collects κ of every e^{κz}; `None` where an exponent is not affine in the variable without a constant.
fn exponents(tree: &Expression, variable: &str, found: &mut Vec<BigRational>) -> Option<()> {
    match tree {
        Expression::Call(Function::Exp, argument) => {
            found.push(slope(argument, variable)?);
            Some(())
        }
        Expression::Power(base, argument) if **base == Expression::Constant(Constant::E) => {
            found.push(slope(argument, variable)?);
            Some(())
        }
        Expression::Call(function, argument) if defined(*function) => {
            let definition = function.definition()?.substitute("z", argument);
            exponents(&definition, variable, found)
        }
        tree => tree.children().into_iter().try_for_each(|child| exponents(child, variable, found)),
    }
}

/// a where the formula is a·z.
fn slope(tree: &Expression, variable: &str) -> Option<BigRational> {
    let (slope, rest) = super::super::exact::affine(tree, variable)?;
    rest.is_zero().then_some(slope)
}

fn constant(value: BigRational) -> Polynomial {
    let mut polynomial = Polynomial::new();
    if !value.is_zero() {
        polynomial.insert((0, 0), value);
    }
    polynomial
}

fn plus(a: &Polynomial, b: &Polynomial, minus: bool) -> Polynomial {
    let mut sum = a.clone();
    for (powers, coefficient) in b {
        let entry = sum.entry(*powers).or_insert_with(BigRational::zero);
        if minus {
            *entry -= coefficient;
        } else {
            *entry += coefficient;
        }
        if entry.is_zero() {
            sum.remove(powers);
        }
    }
    sum
}

fn times(a: &Polynomial, b: &Polynomial) -> Option<Polynomial> {
    if a.len() * b.len() > MAX_TERMS * 20 {
        return None;
    }
    let mut product = Polynomial::new();
    for ((z, u), left) in a {
        for ((y, v), right) in b {
            let powers = (z + y, u + v);
            if powers.0.abs() > MAX_EXPONENT || powers.1.abs() > MAX_EXPONENT {
                return None;
            }
            let entry = product.entry(powers).or_insert_with(BigRational::zero);
            *entry += left * right;
            if entry.is_zero() {
                product.remove(&powers);
            }
        }
    }
    (product.len() <= MAX_TERMS).then_some(product)
}

struct Reader<'a> {
    variable: &'a str,
    kappa: &'a BigRational,
}

type Pair = (Polynomial, Polynomial);

impl Reader<'_> {
    fn read(&self, tree: &Expression) -> Option<Pair> {
        let one = || constant(BigRational::one());
        match tree {
            Expression::Number(_) => {
                let (_, value) = super::super::exact::affine(tree, self.variable)?;
                Some((constant(value), one()))
            }
            Expression::Variable(name) if name == self.variable => {
                Some((Polynomial::from([((1, 0), BigRational::one())]), one()))
            }
            Expression::Constant(_) | Expression::Variable(_) => None,
            Expression::Negative(value) => {
                let (top, bottom) = self.read(value)?;
                Some((plus(&Polynomial::new(), &top, true), bottom))
            }
            Expression::Sum(terms) => {
                let mut sum: Pair = (Polynomial::new(), one());
                for term in terms {
                    let (top, bottom) = self.read(&term.value)?;
                    let minus = term.sign == Sign::Minus;
                    sum = if bottom == sum.1 {
                        (plus(&sum.0, &top, minus), bottom)
                    } else {
                        let left = times(&sum.0, &bottom)?;
                        (plus(&left, &times(&top, &sum.1)?, minus), times(&sum.1, &bottom)?)
                    };
                }
                Some(sum)
            }
            Expression::Product(parts) => parts.iter().try_fold((one(), one()), |product, part| {
                let (top, bottom) = self.read(part)?;
                Some((times(&product.0, &top)?, times(&product.1, &bottom)?))
            }),
            Expression::Quotient(left, right) => {
                let ((a, b), (c, d)) = (self.read(left)?, self.read(right)?);
                (!c.is_empty()).then_some(())?;
                Some((times(&a, &d)?, times(&b, &c)?))
            }
            Expression::Power(base, exponent) => {
                if **base == Expression::Constant(Constant::E) {
                    return self.exponential(exponent);
                }
                let (slope, exponent) = super::super::exact::affine(exponent, self.variable)?;
                let whole =
                    (slope.is_zero() && exponent.is_integer()).then(|| exponent.to_i64())??;
                let (top, bottom) = self.read(base)?;
                let (top, bottom) = if whole < 0 { (bottom, top) } else { (top, bottom) };
                (!bottom.is_empty() && whole.abs() <= MAX_EXPONENT).then_some(())?;
                (0..whole.abs()).try_fold((one(), one()), |power, _| {
                    Some((times(&power.0, &top)?, times(&power.1, &bottom)?))
                })
            }
            Expression::Call(Function::Exp, argument) => self.exponential(argument),
            Expression::Call(function, argument) if defined(*function) => {
                self.read(&function.definition()?.substitute("z", argument))
            }
            Expression::Call(..)
            | Expression::Max(_)
            | Expression::Min(_)
            | Expression::Piecewise(..) => None,
        }
    }

    fn exponential(&self, exponent: &Expression) -> Option<Pair> {
        let power = (slope(exponent, self.variable)? / self.kappa).to_i64()?;
        (power.abs() <= MAX_EXPONENT).then_some(())?;
        Some((Polynomial::from([((0, power), BigRational::one())]), constant(BigRational::one())))
    }
}

impl Ratio {
    pub(super) fn shape(&self) -> Shape {
        if self.top.is_empty() {
            return Shape::Constant(BigRational::zero());
        }
        let both = || self.top.keys().chain(self.bottom.keys());
        let lowest = both().map(|(_, u)| *u).min().unwrap_or(0);
        let highest = both().map(|(_, u)| *u).max().unwrap_or(0);
        let degree = both().map(|(z, _)| *z).max().unwrap_or(0);
        if lowest == highest {
            let list = |own: &Polynomial| {
                let mut list = vec![BigRational::zero(); degree as usize + 1];
                own.iter().for_each(|((z, _), value)| list[*z as usize] = value.clone());
                Univariate::new(list)
            };
            let (top, bottom) = (list(&self.top), list(&self.bottom));
            return match proportion(&top, &bottom) {
                Some(value) => Shape::Constant(value),
                None => {
                    let (top, bottom) = Univariate::reduced(&top, &bottom);
                    Shape::InZ(top, bottom)
                }
            };
        }
        if degree == 0 {
            // u is positive, so a power of it may be taken out of both.
            let list = |own: &Polynomial| {
                let mut list = vec![BigRational::zero(); (highest - lowest) as usize + 1];
                own.iter().for_each(|((_, u), value)| list[(u - lowest) as usize] = value.clone());
                Univariate::new(list)
            };
            let (top, bottom) = (list(&self.top), list(&self.bottom));
            return match proportion(&top, &bottom) {
                Some(value) => Shape::Constant(value),
                None => {
                    let (top, bottom) = Univariate::reduced(&top, &bottom);
                    Shape::InU(top, bottom)
                }
            };
        }
        Shape::Mixed
    }

    /// The limit at ∞ (`upper`) or −∞: the greatest powers decide, first of e^z, then of z.
    pub(super) fn limit(&self, upper: bool) -> Option<Limit> {
        let order = |(z, u): &(i64, i64)| (if upper { *u } else { -u }, *z);
        let leading = |own: &Polynomial| {
            let powers = own.keys().max_by_key(|powers| order(powers))?;
            Some((*powers, own[powers].clone()))
        };
        let Some((top, above)) = leading(&self.top) else {
            return Some(Limit::Finite(BigRational::zero()));
        };
        let (bottom, below) = leading(&self.bottom)?;
        let growth = {
            let (a, b) = (order(&top), order(&bottom));
            (a.0 - b.0, a.1 - b.1)
        };
        let factor = above / below;
        Some(match growth {
            (0, 0) => Limit::Finite(factor),
            growth if growth < (0, 0) => Limit::Finite(BigRational::zero()),
            (_, z) => {
                // At −∞ an odd power of z is negative.
                let flipped = !upper && (z.rem_euclid(2) == 1);
                Limit::Infinite(factor.is_positive() != flipped)
            }
        })
    }

    /// Where u lies while z lies between two ends; `None` where an end is no rational number in u.
    pub(super) fn ends_in_u(low: &End, high: &End) -> Option<(End, End)> {
        let image = |end: &End, infinite: End| match end {
            None => Some(infinite),
            Some(end) if end.is_zero() => Some(Some(integer(1))),
            Some(_) => None,
        };
        // κ is positive, so u rises from 0 to ∞ with z.
        Some((image(low, Some(integer(0)))?, image(high, None)?))
    }
}

/// c where top = c·bottom.
fn proportion(top: &Univariate, bottom: &Univariate) -> Option<BigRational> {
    if top.0.len() != bottom.0.len() {
        return None;
    }
    let factor = top.0.last()? / bottom.0.last()?;
    let same = top.0.iter().zip(&bottom.0).all(|(a, b)| *a == b * &factor);
    same.then_some(factor)
}

/// The fraction in 127 bits.
pub(super) fn small(value: &BigRational) -> Option<crate::formula::Rational> {
    let part = |part: &BigInt| part.to_i128();
    crate::formula::Rational::new(part(value.numer())?, part(value.denom())?)
}
