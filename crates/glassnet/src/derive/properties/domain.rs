//! Where a formula has a value.

use super::limit::Limit;
use super::ratio::{Ratio, Shape, ratio};
use super::univariate::End;
use super::zeros::{Spot, Zeros, zeros};
use super::{How, Interval, Known, Quantity};
use crate::formula::{Constant, Expression, Function, Sign, Term};
use num_rational::BigRational;
use num_traits::{Signed, ToPrimitive};

/// What a part of the formula must be for the formula to have a value.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Need {
    NotZero,
    Positive,
    NotNegative,
}

/// The value at a number with every part on the way finite; `None` where one is not. In floating point tanh(1/0) is 1,
/// in mathematics it is nothing. Of a piecewise formula only the case that holds counts.
pub(super) fn strictly(tree: &Expression, variable: &str, z: f64) -> Option<f64> {
    let part = |tree: &Expression| strictly(tree, variable, z);
    if let Expression::Piecewise(cases, otherwise) = tree {
        for case in cases {
            let (left, right) = (part(&case.condition.left)?, part(&case.condition.right)?);
            if case.condition.relation.holds(left, right) {
                return part(&case.value);
            }
        }
        return part(otherwise);
    }
    tree.children().into_iter().map(part).collect::<Option<Vec<f64>>>()?;
    tree.evaluate(&[(variable, z)]).ok().filter(|value| value.is_finite())
}

/// The intervals on which the formula has a value, and their finite ends.
pub(super) fn domain(
    tree: &Expression,
    variable: &str,
) -> (Known<Vec<Interval>>, Vec<BigRational>) {
    if is_total(tree, variable) {
        let all = Interval {
            low: Limit::MinusInfinity,
            low_closed: false,
            high: Limit::Infinity,
            high_closed: false,
        };
        return (Known { what: vec![all], how: How::Exact }, vec![]);
    }
    let mut list = vec![];
    let regular = needs(tree, variable, &mut list);
    let mut ends = Zeros { places: vec![], how: How::Exact };
    let mut barred: Vec<BigRational> = vec![];
    for (part, need) in &list {
        let own = zeros(part, variable);
        if *need != Need::NotNegative {
            barred.extend(own.places.iter().map(|spot| spot.at.clone()));
        }
        ends = ends.and(own);
    }
    let guarded = has_cases(tree);
    let value = |z: f64| tree.evaluate(&[(variable, z)]).unwrap_or(f64::NAN);
    let allowed = |z: f64| {
        list.iter().all(|(part, need)| {
            let own = part.evaluate(&[(variable, z)]).unwrap_or(f64::NAN);
            match need {
                Need::NotZero => own != 0.0 && !own.is_nan(),
                Need::Positive => own > 0.0,
                Need::NotNegative => own >= 0.0,
            }
        })
    };
    // Where the value overflows there is one, if every part is as it must be.
    let inside = |z: f64| value(z).is_finite() || !guarded && allowed(z);
    let at_end = |spot: &Spot| {
        let z = spot.at.to_f64().unwrap_or(f64::NAN);
        let close = |own: &BigRational| own == &spot.at;
        let is_barred = barred.iter().any(close);
        match (is_barred, guarded) {
            (true, false) => false,
            (true, true) => spot.exact && strictly(tree, variable, z).is_some(),
            (false, _) => !value(z).is_nan() || !spot.exact,
        }
    };
    let limit = |spot: &Spot| {
        let nearest = spot.at.to_f64().unwrap_or(f64::NAN);
        Limit::Finite(Quantity::of(nearest, spot.exact.then(|| spot.at.clone())))
    };
    let mut intervals: Vec<Interval> = vec![];
    let spots = &ends.places;
    for i in 0..=spots.len() {
        let (low, high) = (i.checked_sub(1).map(|i| &spots[i]), spots.get(i));
        let middle = super::survey::inside(&low.map(|s| s.at.clone()), &high.map(|s| s.at.clone()));
        let joined = low.is_some_and(at_end);
        if !inside(middle.to_f64().unwrap_or(f64::NAN)) {
            continue;
        }
        let before = low.map_or(Limit::MinusInfinity, limit);
        let after = high.map_or(Limit::Infinity, limit);
        let closed = high.is_some_and(at_end);
        match intervals.last_mut() {
            Some(last) if joined && last.high == before => {
                (last.high, last.high_closed) = (after, closed);
            }
            _ => intervals.push(Interval {
                low: before,
                low_closed: joined,
                high: after,
                high_closed: closed,
            }),
        }
    }
    let how = if regular { ends.how } else { How::Undetermined };
    let guarded_how = if guarded { how.max(How::Numeric) } else { how };
    let places = ends.places.into_iter().map(|spot| spot.at).collect();
    (Known { what: intervals, how: guarded_how }, places)
}

/// The parts that must not be 0, or be positive; false if the formula has powers with a base of either sign and an
/// exponent that varies, which have values at single places.
fn needs(tree: &Expression, variable: &str, list: &mut Vec<(Expression, Need)>) -> bool {
    let mut add = |part: Expression, need: Need| {
        if part.contains(variable) && sign_of(&part, variable) != Some(true) {
            list.push((part, need));
        }
    };
    let one = || Expression::integer(1);
    let sum = |left: Expression, right: Expression, sign: Sign| {
        Expression::Sum(vec![Term { sign: Sign::Plus, value: left }, Term { sign, value: right }])
    };
    let mut regular = true;
    match tree {
        Expression::Quotient(_, below) => add(below.as_ref().clone(), Need::NotZero),
        Expression::Call(function, value) => {
            let value = value.as_ref().clone();
            match function {
                Function::Log | Function::Log2 | Function::Log10 => add(value, Need::Positive),
                Function::Log1p => add(sum(one(), value, Sign::Plus), Need::Positive),
                Function::Sqrt => add(value, Need::NotNegative),
                Function::Tan => add(Expression::call(Function::Cos, value), Need::NotZero),
                Function::Asin | Function::Acos => {
                    let square = Expression::power(value, Expression::integer(2));
                    add(sum(one(), square, Sign::Minus), Need::NotNegative);
                }
                Function::Exp
                | Function::Expm1
                | Function::Sin
                | Function::Cos
                | Function::Atan
                | Function::Sinh
                | Function::Cosh
                | Function::Tanh
                | Function::Sigmoid
                | Function::Softplus
                | Function::Relu
                | Function::Abs
                | Function::Sign
                | Function::Erf
                | Function::Silu
                | Function::Gelu
                | Function::Mish
                | Function::LogSigmoid
                | Function::Softsign => {}
            }
        }
        Expression::Power(base, exponent) => {
            let base = base.as_ref().clone();
            match exponent.tidy().rational() {
                Some(own) if own.denominator() == 1 => {
                    if own.numerator() < 0 {
                        add(base, Need::NotZero);
                    }
                }
                Some(own) => {
                    let need = if own.numerator() > 0 { Need::NotNegative } else { Need::Positive };
                    add(base, need);
                }
                None => {
                    regular = sign_of(&base, variable) == Some(true);
                    add(base, Need::Positive);
                }
            }
        }
        Expression::Number(_)
        | Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Negative(_)
        | Expression::Sum(_)
        | Expression::Product(_)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Piecewise(..) => {}
    }
    tree.children().into_iter().fold(regular, |all, child| needs(child, variable, list) && all)
}

/// True if some part has a value only in some cases, so that what it lacks may not matter.
fn has_cases(tree: &Expression) -> bool {
    matches!(tree, Expression::Piecewise(..)) || tree.children().into_iter().any(has_cases)
}

/// True if the formula has a value for every number, by the rules of its parts.
fn is_total(tree: &Expression, variable: &str) -> bool {
    let own = match tree {
        Expression::Quotient(_, below) => sign_of(below, variable).is_some(),
        Expression::Call(Function::Log | Function::Log2 | Function::Log10, value) => {
            sign_of(value, variable) == Some(true)
        }
        Expression::Call(Function::Log1p, value) => {
            sign_of(value, variable) == Some(true) || is_never_negative(value)
        }
        Expression::Call(Function::Sqrt, value) => {
            sign_of(value, variable) == Some(true) || is_never_negative(value)
        }
        Expression::Call(Function::Tan | Function::Asin | Function::Acos, value) => {
            value.variables().is_empty()
        }
        Expression::Power(base, exponent) => {
            let whole = exponent.rational().filter(|exponent| exponent.denominator() == 1);
            match whole {
                Some(exponent) if exponent.numerator() >= 0 => true,
                Some(_) => sign_of(base, variable).is_some(),
                None => sign_of(base, variable) == Some(true),
            }
        }
        Expression::Number(_)
        | Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Negative(_)
        | Expression::Sum(_)
        | Expression::Product(_)
        | Expression::Call(..)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Piecewise(..) => true,
    };
    own && tree.children().into_iter().all(|child| is_total(child, variable))
}

/// True for a formula that is positive everywhere, false for one that is negative everywhere.
pub(super) fn sign_of(tree: &Expression, variable: &str) -> Option<bool> {
    let by_rules = match tree {
        Expression::Number(number) => (number.to_f64() > 0.0).then_some(true),
        Expression::Constant(_) => Some(true),
        Expression::Variable(_) | Expression::Max(_) | Expression::Min(_) => None,
        Expression::Piecewise(..) => None,
        Expression::Negative(value) => sign_of(value, variable).map(|sign| !sign),
        Expression::Sum(terms) => {
            let plus = terms.iter().all(|term| {
                term.sign == Sign::Plus
                    && (is_never_negative(&term.value)
                        || sign_of(&term.value, variable) == Some(true))
            });
            let strict = terms.iter().any(|term| sign_of(&term.value, variable) == Some(true));
            (plus && strict).then_some(true)
        }
        Expression::Product(parts) => {
            parts.iter().try_fold(true, |sign, part| Some(sign == sign_of(part, variable)?))
        }
        Expression::Quotient(left, right) => {
            Some(sign_of(left, variable)? == sign_of(right, variable)?)
        }
        Expression::Power(base, _) => (**base == Expression::Constant(Constant::E)
            || sign_of(base, variable) == Some(true))
        .then_some(true),
        Expression::Call(
            Function::Exp | Function::Cosh | Function::Sigmoid | Function::Softplus,
            _,
        ) => Some(true),
        Expression::Call(Function::Sqrt, value) => sign_of(value, variable).filter(|sign| *sign),
        Expression::Call(Function::Abs, value) => sign_of(value, variable).map(|_| true),
        Expression::Call(..) => None,
    };
    by_rules.or_else(|| by_roots(&ratio(tree, variable)?))
}

fn by_roots(ratio: &Ratio) -> Option<bool> {
    let (top, bottom, from): (_, _, End) = match ratio.shape() {
        Shape::Constant(value) => {
            return (value.is_positive() || value.is_negative()).then(|| value.is_positive());
        }
        Shape::InZ(top, bottom) => (top, bottom, None),
        Shape::InU(top, bottom) => (top, bottom, Some(super::univariate::integer(0))),
        Shape::Mixed => return None,
    };
    if !top.roots(&from, &None)?.is_empty() || !bottom.roots(&from, &None)?.is_empty() {
        return None;
    }
    let place = super::univariate::integer(1);
    Some(top.at(&place).is_positive() == bottom.at(&place).is_positive())
}

fn is_never_negative(tree: &Expression) -> bool {
    match tree {
        Expression::Number(_) | Expression::Constant(_) => true,
        Expression::Call(
            Function::Abs
            | Function::Relu
            | Function::Exp
            | Function::Cosh
            | Function::Sigmoid
            | Function::Softplus
            | Function::Sqrt,
            _,
        ) => true,
        Expression::Power(base, exponent) => {
            let exponent = exponent.rational();
            let even = exponent.is_some_and(|e| e.denominator() == 1 && e.numerator() % 2 == 0);
            // A fraction of a negative number has no value, but an odd power of one has.
            even || exponent.is_some_and(|e| e.denominator() != 1) || is_never_negative(base)
        }
        Expression::Product(parts) | Expression::Max(parts) | Expression::Min(parts) => {
            parts.iter().all(is_never_negative)
        }
        Expression::Quotient(left, right) => is_never_negative(left) && is_never_negative(right),
        Expression::Sum(terms) => {
            terms.iter().all(|term| term.sign == Sign::Plus && is_never_negative(&term.value))
        }
        Expression::Variable(_)
        | Expression::Negative(_)
        | Expression::Call(..)
        | Expression::Piecewise(..) => false,
    }
}
