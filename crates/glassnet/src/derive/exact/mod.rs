//! Are two formulas equal? Decided exactly where that is possible, and never wrongly.
//!
//! Two formulas are **equal** if they have the same value wherever both have one: `(z^2 - 1)/(z - 1)` and `z + 1`
//! are, though the first has no value at 1. A line of a derivation that loses or gains such a point is fine.
//!
//! # Method
//! 1. Both formulas are split at the numbers where something under |·|, max, min or a condition changes its sign
//!    (as far as it is a polynomial in one variable with rational zeros), and compared on every piece and at every joint.
//! 2. On a piece their difference becomes a fraction of polynomials with big rational coefficients in generators
//!    (variables, exponentials, logarithms, roots, …) by rules that hold wherever the formulas have values. If the
//!    numerator cancels to nothing, they are [`Comparison::Equal`]. This needs no independence of the generators.
//! 3. Otherwise points are tried with enclosures by big integers (about 96 digits, every rounding accounted for).
//!    Enclosures that do not meet are a proof of [`Comparison::Different`], and the point is shown. If the formulas
//!    agree at 20 points to at least 36 digits they are [`Comparison::NumericallyEqual`], which is no proof.
//!
//! So `Equal` rests on algebra, `Different` on a point; what neither can tell is said.
//!
//! ```
//! use glassnet::derive::{Comparison, compare};
//! use glassnet::formula::parse;
//! let tanh = parse("(exp(2z) - 1)/(exp(2z) + 1)")?;
//! assert_eq!(compare(&tanh, &parse("tanh(z)")?), Comparison::Equal);
//! let Comparison::Different { at, left, right } = compare(&tanh, &parse("exp(2z)/(exp(2z) + 1)")?) else {
//!     panic!("they differ");
//! };
//! assert_eq!((at[0].0.as_str(), at[0].1.to_f64()), ("z", 1.0));
//! assert!(left < 0.77 && right > 0.88);
//! # Ok::<(), glassnet::Error>(())
//! ```
//!
//! # Source
//! R. Risch, *Algebraic properties of the elementary functions of analysis* (1979), for which relations between
//! exponentials and logarithms there are; J. Ax, *On Schanuel's conjectures* (1971).

mod arithmetic;
mod convert;
mod evaluate;
mod field;
mod fixed;
mod linear;
mod normal;
mod outside;
mod pieces;
mod points;
mod polynomial;
mod powers;

#[cfg(test)]
mod tests;

pub(in crate::derive) use outside::{affine, between, digits, ordered_joints};

use crate::formula::{Expression, Rational};
pub(crate) use evaluate::rational as big_number;
pub(crate) use linear::combination;
pub(crate) use normal::factored;
pub(crate) use pieces::{Place, constant, joints, resolve, split};

use convert::Converter;
use evaluate::{Gap, evaluate};
use field::{Generator, Obstacle};
use fixed::Ball;
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};
use points::{TRIES, point};
use polynomial::Polynomial;

/// Formulas with more nodes are compared at points only.
const MAX_NODES: usize = 2000;
/// Formulas with more nodes are not compared.
const MAX_POINT_NODES: usize = 100_000;
/// Agreement at so many points is [`Comparison::NumericallyEqual`].
const AGREEMENTS: usize = 20;

/// What a comparison of two formulas found.
#[derive(Clone, Debug, PartialEq)]
pub enum Comparison {
    /// Equal wherever both have a value: decided exactly.
    Equal,
    /// Provably different at a point where both have a value.
    Different {
        /// The value of every variable at the point.
        at: Vec<(String, Rational)>,
        /// The left formula's value there, to f64's precision.
        left: f64,
        /// The right formula's value there.
        right: f64,
    },
    /// The same to at least 36 digits at 20 points; no proof.
    NumericallyEqual,
    /// Nothing can be said.
    Unknown {
        /// Why, in a sentence without a final stop.
        why: String,
    },
}

impl Comparison {
    /// True for `Equal` and `NumericallyEqual`.
    pub fn agrees(&self) -> bool {
        matches!(self, Comparison::Equal | Comparison::NumericallyEqual)
    }
}

/// A part of a variable's line: all numbers between two ends, which do not belong to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The variable.
    pub variable: String,
    /// The lower end; `None` is −∞.
    pub low: Option<Rational>,
    /// The upper end; `None` is ∞.
    pub high: Option<Rational>,
}

/// Whether two formulas are equal wherever both have a value. See the module's documentation for the method.
///
/// At joints, as 0 is for |z|, both are compared too: the formulas `sign(z)` and `piecewise(z > 0, 1, -1)`
/// differ at 0. [`compare_on`] leaves the ends of a piece out.
pub fn compare(left: &Expression, right: &Expression) -> Comparison {
    compare_within(left, right, None, &Place::Between(None, None))
}

/// Whether two formulas are equal on a piece of one variable's line, its ends left out.
///
/// ```
/// use glassnet::derive::{Comparison, Piece, compare_on};
/// use glassnet::formula::{Rational, parse};
/// let piece = Piece { variable: "z".into(), low: Some(Rational::ZERO), high: None };
/// assert_eq!(compare_on(&parse("relu(z)")?, &parse("z")?, &piece), Comparison::Equal);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn compare_on(left: &Expression, right: &Expression, piece: &Piece) -> Comparison {
    let end = |end: &Option<Rational>| end.map(big);
    let place = Place::Between(end(&piece.low), end(&piece.high));
    compare_within(left, right, Some(&piece.variable), &place)
}

pub(crate) fn big(value: Rational) -> BigRational {
    BigRational::new(value.numerator().into(), value.denominator().into())
}

fn names(left: &Expression, right: &Expression) -> Vec<String> {
    let mut names = left.variables();
    names.extend(right.variables());
    names.sort();
    names.dedup();
    names
}

fn compare_within(
    left: &Expression,
    right: &Expression,
    variable: Option<&str>,
    place: &Place,
) -> Comparison {
    if left.nodes() + right.nodes() > MAX_POINT_NODES {
        return Comparison::Unknown { why: "the formulas are too large to be compared".into() };
    }
    let names = names(left, right);
    let chosen = variable.map(str::to_string).or_else(|| {
        let has_joints = |name: &String| {
            let mut joints = vec![];
            pieces::joints(left, name, &mut joints);
            pieces::joints(right, name, &mut joints);
            !joints.is_empty()
        };
        names.iter().find(|name| has_joints(name)).cloned()
    });
    let Some(variable) = chosen else {
        return compare_smooth(left, right, None, place).unwrap_or_else(nowhere);
    };
    let mut parts = vec![];
    pieces::split(left, right, &variable, place, 6, &mut parts);
    let mut answer: Option<Comparison> = None;
    for (place, left, right) in parts {
        let found = match compare_smooth(&left, &right, Some(&variable), &place) {
            Some(Comparison::Different { mut at, left, right }) => {
                let missing = at.iter().all(|(name, _)| *name != variable);
                if let Some(value) = small(&place.inside()).filter(|_| missing) {
                    at.push((variable.clone(), value));
                    at.sort_by(|a, b| a.0.cmp(&b.0));
                }
                return Comparison::Different { at, left, right };
            }
            Some(found) => found,
            // A joint or piece on which one of the two has no value says nothing of the others.
            None => continue,
        };
        answer = Some(match (answer, found) {
            (None | Some(Comparison::Equal), found) => found,
            (Some(_), found @ Comparison::Unknown { .. }) => found,
            (Some(answer), _) => answer,
        });
    }
    answer.unwrap_or_else(nowhere)
}

/// True if it is certain that the formula has no value anywhere: it divides by what is zero, or asks for the logarithm
/// of what is negative, whatever the variables are. False says nothing.
///
/// Points at which it has no value are no proof, unless there is nothing to vary.
pub(in crate::derive) fn is_nowhere_defined(tree: &Expression) -> bool {
    if tree.nodes() > MAX_NODES {
        return false;
    }
    let names = tree.variables();
    let line = Place::Between(None, None);
    let without_value = |tree: &Expression, variable: Option<&str>, place: &Place| {
        let fixed = match place {
            Place::At(value) => vec![value.clone()],
            Place::Between(..) => vec![],
        };
        let point: Vec<(String, Ball)> = match (variable, fixed.first()) {
            (Some(name), Some(value)) => vec![(name.to_string(), Ball::rational(value))],
            (Some(_) | None, _) => vec![],
        };
        let names = tree.variables();
        if names.iter().all(|name| point.iter().any(|(own, _)| own == name)) {
            return evaluate(tree, &point) == Err(Gap::Undefined);
        }
        equal_exactly(tree, tree, &names, variable, place) == Err(Obstacle::Undefined)
    };
    let has_joints = |name: &&String| {
        let mut joints = vec![];
        pieces::joints(tree, name, &mut joints);
        !joints.is_empty()
    };
    let Some(variable) = names.iter().find(has_joints) else {
        return without_value(tree, None, &line);
    };
    let mut parts = vec![];
    pieces::split(tree, tree, variable, &line, 6, &mut parts);
    !parts.is_empty()
        && parts.iter().all(|(place, tree, _)| without_value(tree, Some(variable), place))
}

fn nowhere() -> Comparison {
    Comparison::Unknown { why: "there is no point where both formulas have a value".into() }
}

pub(crate) fn small(value: &BigRational) -> Option<Rational> {
    Rational::new(value.numer().to_i128()?, value.denom().to_i128()?)
}

/// Compares formulas on a place where, as far as can be told, nothing in them has a kink; `None` if one of them
/// has no value there.
fn compare_smooth(
    left: &Expression,
    right: &Expression,
    variable: Option<&str>,
    place: &Place,
) -> Option<Comparison> {
    let names = names(left, right);
    let decided = match left.nodes() + right.nodes() <= MAX_NODES {
        true => match equal_exactly(left, right, &names, variable, place) {
            Err(Obstacle::Undefined) => return None,
            Err(Obstacle::TooLarge) => false,
            Ok(equal) => equal,
        },
        false => false,
    };
    let rounds = if names.is_empty() { 1 } else { TRIES };
    // What is decided still must have a value somewhere, and a point that contradicts it would be a mistake of ours.
    let wanted = if decided { 1 } else { AGREEMENTS.min(rounds) };
    let (mut agreements, mut undefined) = (0, 0);
    for round in 0..rounds {
        let numbers = point(&names, variable, place, round);
        let balls: Vec<(String, Ball)> =
            numbers.iter().map(|(name, value)| (name.clone(), Ball::rational(value))).collect();
        let (a, b) = match (evaluate(left, &balls), evaluate(right, &balls)) {
            (Ok(a), Ok(b)) => (a, b),
            (Err(Gap::Undefined), _) | (_, Err(Gap::Undefined)) => {
                undefined += 1;
                continue;
            }
            (Err(Gap::Unclear), _) | (_, Err(Gap::Unclear)) => continue,
        };
        if a.order(&b).is_some_and(|order| order.is_ne()) {
            let at = numbers.iter().filter_map(|(name, value)| Some((name.clone(), small(value)?)));
            return Some(Comparison::Different {
                at: at.collect(),
                left: a.to_f64(),
                right: b.to_f64(),
            });
        }
        agreements += usize::from(a.is_precise() && b.is_precise());
        if agreements >= wanted {
            break;
        }
    }
    match (decided, agreements) {
        (true, 1..) => Some(Comparison::Equal),
        (false, agreements) if agreements >= wanted => Some(Comparison::NumericallyEqual),
        _ if undefined == rounds => None,
        _ => Some(Comparison::Unknown {
            why: format!(
                "only {agreements} of {rounds} points gave values of both formulas, {wanted} are needed"
            ),
        }),
    }
}

/// True if the difference cancels. Restarted while units become finer or signs are learnt.
fn equal_exactly(
    left: &Expression,
    right: &Expression,
    names: &[String],
    variable: Option<&str>,
    place: &Place,
) -> Result<bool, Obstacle> {
    let mut converter = Converter::default();
    for _ in 0..8 {
        for name in names {
            let number = converter.field.number(Generator::Variable(name.clone()));
            let positive = match place {
                Place::Between(Some(low), _) if !low.is_negative() => Some(true),
                Place::Between(_, Some(high)) if !high.is_positive() => Some(false),
                Place::Between(..) | Place::At(_) => None,
            };
            if let Some(positive) = positive.filter(|_| variable == Some(name)) {
                converter.field.learn(&Polynomial::generator(number), positive);
            }
        }
        converter.field.learnt = false;
        converter.but_for_joints = false;
        let (a, b) = (converter.convert(left, None), converter.convert(right, None));
        if converter.field.outdated {
            converter.field.restart();
            continue;
        }
        if converter.field.learnt {
            continue;
        }
        let (a, b) = (a?, b?);
        let difference = converter.field.minus(&a, &b)?;
        return Ok(difference.is_zero() && !converter.but_for_joints);
    }
    Ok(false)
}
