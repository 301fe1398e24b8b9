//! Formulas with kinks, piece by piece of a variable's line: on a piece every |u|, max and case is decided.

use super::evaluate::{holds, number, rational};
use crate::formula::{Case, Expression, Function, Sign, Term};
use num_rational::BigRational;
use num_traits::{Signed, Zero};
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

/// (a, b) if the formula is a·variable + b with rational a and b.
pub(super) fn affine(tree: &Expression, variable: &str) -> Option<(BigRational, BigRational)> {
    let at = |tree: &Expression| affine(tree, variable);
    match tree {
        Expression::Number(own) => Some((BigRational::zero(), number(own.as_str()))),
        Expression::Variable(name) if name == variable => {
            Some((super::field::integer(1), BigRational::zero()))
        }
        Expression::Negative(value) => at(value).map(|(a, b)| (-a, -b)),
        Expression::Sum(terms) => {
            let start = (BigRational::zero(), BigRational::zero());
            terms.iter().try_fold(start, |(a, b), term| {
                let (c, d) = at(&term.value)?;
                Some(if term.sign == Sign::Plus { (a + c, b + d) } else { (a - c, b - d) })
            })
        }
        Expression::Product(parts) => {
            let start = (BigRational::zero(), super::field::integer(1));
            parts.iter().try_fold(start, |(a, b), part| {
                let (c, d) = at(part)?;
                (a.is_zero() || c.is_zero()).then(|| (&a * &d + &c * &b, b * d))
            })
        }
        Expression::Quotient(left, right) => {
            let ((a, b), (c, d)) = (at(left)?, at(right)?);
            (c.is_zero() && !d.is_zero()).then(|| (a / &d, b / d))
        }
        Expression::Power(..) => rational(tree).map(|value| (BigRational::zero(), value)),
        Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Call(..)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Piecewise(..) => None,
    }
}

fn difference(left: &Expression, right: &Expression) -> Expression {
    let term = |sign, value: &Expression| Term { sign, value: value.clone() };
    Expression::Sum(vec![term(Sign::Plus, left), term(Sign::Minus, right)])
}

/// The numbers at which something in the formula that is affine in the variable changes its sign.
pub(crate) fn joints(tree: &Expression, variable: &str, found: &mut Vec<BigRational>) {
    let mut add = |switch: &Expression| {
        if let Some((a, b)) = affine(switch, variable).filter(|(a, _)| !a.is_zero()) {
            let joint = -b / a;
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

/// The sign of the formula at every number of the place, if it is affine and has one sign there.
fn sign(tree: &Expression, variable: &str, place: &Place) -> Option<Ordering> {
    let (a, b) = affine(tree, variable)?;
    let zero = BigRational::zero();
    match place {
        Place::At(value) => Some((a * value + b).cmp(&zero)),
        Place::Between(..) if a.is_zero() => Some(b.cmp(&zero)),
        Place::Between(low, high) => {
            let joint = -b / &a;
            let up = if a.is_positive() { Ordering::Greater } else { Ordering::Less };
            if low.as_ref().is_some_and(|low| *low >= joint) {
                Some(up)
            } else if high.as_ref().is_some_and(|high| *high <= joint) {
                Some(up.reverse())
            } else {
                None
            }
        }
    }
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
