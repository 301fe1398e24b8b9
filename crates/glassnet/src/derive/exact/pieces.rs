//! Formulas with kinks, piece by piece of a variable's line: on a piece every |u|, max and case is decided.

use super::evaluate::{holds, number, rational};
use crate::formula::{Case, Expression, Function, Sign, Term};
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::cmp::Ordering;

/// Where on a variable's line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    /// Between two ends, which do not belong to it; `None` is infinite.
    Between(Option<BigRational>, Option<BigRational>),
    /// At a number.
    At(BigRational),
}

impl Place {
    /// A number of the place.
    pub(crate) fn inside(&self) -> BigRational {
        let one = || super::field::integer(1);
        match self {
            Place::At(value) => value.clone(),
            Place::Between(None, None) => one(),
            Place::Between(Some(low), None) => low + one(),
            Place::Between(None, Some(high)) => high - one(),
            Place::Between(Some(low), Some(high)) => (low + high) / (one() + one()),
        }
    }

    fn contains(&self, value: &BigRational) -> bool {
        match self {
            Place::Between(low, high) => {
                low.as_ref().is_none_or(|low| low < value)
                    && high.as_ref().is_none_or(|high| value < high)
            }
            Place::At(own) => own == value,
        }
    }
}

/// Coefficients from the constant up, if the formula is a polynomial of degree 8 at most in the variable alone.
pub(super) fn polynomial(tree: &Expression, variable: &str) -> Option<Vec<BigRational>> {
    const DEGREE: usize = 8;
    let at = |tree: &Expression| polynomial(tree, variable);
    let zero = BigRational::zero;
    let product = |a: &[BigRational], b: &[BigRational]| {
        let mut all = vec![zero(); a.len() + b.len() - 1];
        for (i, x) in a.iter().enumerate() {
            for (j, y) in b.iter().enumerate() {
                all[i + j] += x * y;
            }
        }
        (all.len() <= DEGREE + 1).then_some(all)
    };
    let found = match tree {
        Expression::Number(own) => Some(vec![number(own.as_str())]),
        Expression::Variable(name) if name == variable => {
            Some(vec![zero(), super::field::integer(1)])
        }
        Expression::Negative(value) => at(value).map(|own| own.iter().map(|c| -c).collect()),
        Expression::Sum(terms) => terms.iter().try_fold(vec![zero()], |mut sum, term| {
            let own = at(&term.value)?;
            sum.resize(sum.len().max(own.len()), zero());
            for (total, value) in sum.iter_mut().zip(own) {
                *total += if term.sign == Sign::Plus { value } else { -value };
            }
            Some(sum)
        }),
        Expression::Product(parts) => parts
            .iter()
            .try_fold(vec![super::field::integer(1)], |all, part| product(&all, &at(part)?)),
        Expression::Quotient(left, right) => {
            let divisor = rational(right).filter(|divisor| !divisor.is_zero())?;
            Some(at(left)?.iter().map(|c| c / &divisor).collect())
        }
        Expression::Power(base, exponent) => {
            let count = rational(exponent).filter(BigRational::is_integer)?;
            let count = count.to_integer().to_usize().filter(|count| *count <= DEGREE)?;
            let base = at(base)?;
            (0..count).try_fold(vec![super::field::integer(1)], |all, _| product(&all, &base))
        }
        Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Call(..)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Piecewise(..) => None,
    };
    let mut found = found?;
    while found.len() > 1 && found.last().is_some_and(Zero::is_zero) {
        found.pop();
    }
    Some(found)
}

fn value_of(polynomial: &[BigRational], at: &BigRational) -> BigRational {
    polynomial.iter().rev().fold(BigRational::zero(), |value, c| value * at + c)
}

/// All real zeros, if all are rational and small enough to be found; otherwise `None`.
fn zeros(polynomial: &[BigRational]) -> Option<Vec<BigRational>> {
    let mut rest = polynomial.to_vec();
    let mut found = vec![];
    while rest.len() > 1 {
        if rest.len() == 2 {
            found.push(-&rest[0] / &rest[1]);
            break;
        }
        let scale = rest.iter().fold(BigInt::one(), |scale, c| scale.lcm(c.denom()));
        let whole: Vec<BigInt> = rest
            .iter()
            .map(|c| (c * BigRational::from_integer(scale.clone())).to_integer())
            .collect();
        let zero = match whole[0].is_zero() {
            true => Some(BigRational::zero()),
            // A zero p/q has p dividing the first and q the last coefficient.
            false => candidates(&whole[0])?.into_iter().find_map(|p| {
                candidates(whole.last()?)?.into_iter().find_map(|q| {
                    let size = BigRational::new(p.clone(), q);
                    [size.clone(), -size].into_iter().find(|at| value_of(&rest, at).is_zero())
                })
            }),
        };
        let Some(zero) = zero else {
            // A quadratic without real zeros, or all even powers with one sign, ends the search.
            let square = |n: usize| &rest[n] * &rest[n];
            let quadratic =
                rest.len() == 3 && square(1) < super::field::integer(4) * &rest[0] * &rest[2];
            let even = rest.iter().skip(1).step_by(2).all(Zero::is_zero)
                && rest.iter().step_by(2).all(|c| !(c * &rest[0]).is_negative());
            return (quadratic || even).then_some(found);
        };
        // Horner's scheme divides by z − zero.
        let mut quotient = vec![BigRational::zero(); rest.len() - 1];
        let mut carry = BigRational::zero();
        for i in (1..rest.len()).rev() {
            carry = carry * &zero + &rest[i];
            quotient[i - 1] = carry.clone();
        }
        rest = quotient;
        if !found.contains(&zero) {
            found.push(zero);
        }
    }
    found.sort();
    found.dedup();
    Some(found)
}

/// The positive divisors of a small number.
fn candidates(value: &BigInt) -> Option<Vec<BigInt>> {
    let size = value.abs().to_u32().filter(|size| *size <= 100_000)?;
    Some((1..=size).filter(|n| size % n == 0).map(BigInt::from).collect())
}

fn difference(left: &Expression, right: &Expression) -> Expression {
    let term = |sign, value: &Expression| Term { sign, value: value.clone() };
    Expression::Sum(vec![term(Sign::Plus, left), term(Sign::Minus, right)])
}

/// The numbers at which something in the formula that is a polynomial in the variable changes its sign.
pub(crate) fn joints(tree: &Expression, variable: &str, found: &mut Vec<BigRational>) {
    let mut add = |switch: &Expression| {
        let own = polynomial(switch, variable).filter(|own| own.len() > 1);
        for joint in own.and_then(|own| zeros(&own)).unwrap_or_default() {
            if !found.contains(&joint) {
                found.push(joint);
            }
        }
    };
    match tree {
        Expression::Call(
            Function::Abs | Function::Relu | Function::Sign | Function::Softsign,
            value,
        ) => add(value),
        Expression::Max(parts) | Expression::Min(parts) => {
            for (i, left) in parts.iter().enumerate().take(20) {
                parts[i + 1..].iter().take(20).for_each(|right| add(&difference(left, right)));
            }
        }
        Expression::Piecewise(cases, _) => {
            for case in cases {
                add(&difference(&case.condition.left, &case.condition.right));
            }
        }
        Expression::Number(_)
        | Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Negative(_)
        | Expression::Sum(_)
        | Expression::Product(_)
        | Expression::Quotient(..)
        | Expression::Power(..)
        | Expression::Call(..) => {}
    }
    tree.children().into_iter().for_each(|child| joints(child, variable, found));
}

/// The sign of the formula at every number of the place, if it is a polynomial whose zeros are known and outside.
fn sign(tree: &Expression, variable: &str, place: &Place) -> Option<Ordering> {
    let own = polynomial(tree, variable)?;
    let zero = BigRational::zero();
    let inside = match place {
        Place::At(value) => value.clone(),
        Place::Between(low, high) => {
            if own.len() > 1 && zeros(&own)?.iter().any(|joint| place.contains(joint)) {
                return None;
            }
            let one = super::field::integer(1);
            match (low, high) {
                (None, None) => zero.clone(),
                (Some(low), None) => low + one,
                (None, Some(high)) => high - one,
                (Some(low), Some(high)) => (low + high) / super::field::integer(2),
            }
        }
    };
    Some(value_of(&own, &inside).cmp(&zero))
}

/// The formula with every |u|, max, min, case … that the place decides replaced by its value there.
pub(crate) fn resolve(tree: &Expression, variable: &str, place: &Place) -> Expression {
    let resolved = |tree: &Expression| resolve(tree, variable, place);
    let sign = |tree: &Expression| sign(tree, variable, place);
    let whole = Expression::integer;
    match tree {
        Expression::Piecewise(cases, otherwise) => {
            let mut open: Vec<Case> = vec![];
            let mut last = None;
            for case in cases {
                let mut condition = case.condition.clone();
                condition.left = resolved(&condition.left);
                condition.right = resolved(&condition.right);
                match sign(&difference(&condition.left, &condition.right)) {
                    Some(order) if !holds(condition.relation, order) => {}
                    Some(_) => {
                        last = Some(resolved(&case.value));
                        break;
                    }
                    None => open.push(Case { condition, value: resolved(&case.value) }),
                }
            }
            let last = last.unwrap_or_else(|| resolved(otherwise));
            if open.is_empty() { last } else { Expression::Piecewise(open, Box::new(last)) }
        }
        Expression::Call(function, argument) => {
            let argument = resolved(argument);
            let order = sign(&argument);
            let negative = |value: Expression| Expression::negative(value);
            match (function, order) {
                (Function::Sign, Some(order)) => whole(order as i64),
                (Function::Abs | Function::Relu, Some(Ordering::Greater)) => argument,
                (Function::Abs, Some(Ordering::Less)) => negative(argument),
                (Function::Abs, Some(Ordering::Equal)) => whole(0),
                (Function::Relu, Some(Ordering::Less | Ordering::Equal)) => whole(0),
                (Function::Softsign, Some(order)) => {
                    let size = match order {
                        Ordering::Less => negative(argument.clone()),
                        Ordering::Equal | Ordering::Greater => argument.clone(),
                    };
                    let term = |value| Term { sign: Sign::Plus, value };
                    Expression::quotient(
                        argument,
                        Expression::Sum(vec![term(whole(1)), term(size)]),
                    )
                }
                (function, _) => Expression::call(*function, argument),
            }
        }
        Expression::Max(parts) | Expression::Min(parts) => {
            let least = matches!(tree, Expression::Min(_));
            let mut kept: Vec<Expression> = vec![];
            for part in parts {
                let part = resolved(part);
                let mut beaten = false;
                kept.retain(|other| {
                    let order = sign(&difference(other, &part));
                    let order = if least { order.map(Ordering::reverse) } else { order };
                    beaten |= matches!(order, Some(Ordering::Greater | Ordering::Equal));
                    order != Some(Ordering::Less)
                });
                if !beaten {
                    kept.push(part);
                }
            }
            match kept.len() {
                1 => kept.remove(0),
                _ if least => Expression::Min(kept),
                _ => Expression::Max(kept),
            }
        }
        Expression::Variable(name) => match place {
            Place::At(value) if name == variable => constant(value),
            Place::At(_) | Place::Between(..) => tree.clone(),
        },
        Expression::Number(_)
        | Expression::Constant(_)
        | Expression::Negative(_)
        | Expression::Sum(_)
        | Expression::Product(_)
        | Expression::Quotient(..)
        | Expression::Power(..) => tree.map_children(resolved),
    }
}

/// A rational number as a formula.
pub(crate) fn constant(value: &BigRational) -> Expression {
    let whole = |digits: String| {
        crate::formula::Number::parse(&digits)
            .map_or_else(|| Expression::integer(0), Expression::Number)
    };
    let top = whole(value.numer().abs().to_string());
    let size = match value.is_integer() {
        true => top,
        false => Expression::quotient(top, whole(value.denom().to_string())),
    };
    if value.is_negative() { Expression::negative(size) } else { size }
}

/// The places of the line on which both formulas are decided, with what they are there.
pub(crate) fn split(
    left: &Expression,
    right: &Expression,
    variable: &str,
    place: &Place,
    depth: usize,
    found: &mut Vec<(Place, Expression, Expression)>,
) {
    let (left, right) = (resolve(left, variable, place), resolve(right, variable, place));
    let mut inside = vec![];
    if let Place::Between(..) = place {
        joints(&left, variable, &mut inside);
        joints(&right, variable, &mut inside);
        inside.retain(|joint| place.contains(joint));
        inside.sort();
    }
    let Place::Between(low, high) = place else {
        found.push((place.clone(), left, right));
        return;
    };
    if inside.is_empty() || depth == 0 || inside.len() > 64 {
        found.push((place.clone(), left, right));
        return;
    }
    let mut start = low.clone();
    for joint in inside {
        let before = Place::Between(start, Some(joint.clone()));
        split(&left, &right, variable, &before, depth - 1, found);
        split(&left, &right, variable, &Place::At(joint.clone()), depth - 1, found);
        start = Some(joint);
    }
    split(&left, &right, variable, &Place::Between(start, high.clone()), depth - 1, found);
}
