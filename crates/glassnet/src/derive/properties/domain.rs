//! Where a formula has a value.

use super::limit::Limit;
use super::ratio::{Ratio, Shape, ratio};
use super::univariate::End;
use super::{How, Interval, Known, Quantity};
use crate::formula::{Constant, Expression, Function, Sign};
use num_rational::BigRational;
use num_traits::{FromPrimitive, Signed, ToPrimitive};

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
    let has_value = |z: f64| tree.evaluate(&[(variable, z)]).is_ok_and(f64::is_finite);
    let (mut intervals, mut ends) = (vec![], vec![]);
    let mut low: Option<Limit> = None;
    let places = (-4000..=4000).map(|i| f64::from(i) * 0.01);
    let mut before: Option<f64> = None;
    let mut gaps = vec![];
    for z in places {
        let holds = has_value(z);
        match (holds, &low) {
            (true, None) => {
                let end = before.map(|before| edge(&has_value, z, before));
                ends.extend(end.as_ref().and_then(rational));
                low = Some(end.map_or(Limit::MinusInfinity, finite));
            }
            (false, Some(_)) => {
                let end = edge(&has_value, before.unwrap_or(z), z);
                ends.extend(rational(&end));
                gaps.push(end);
                intervals.push(interval(low.take(), finite(end), &has_value));
            }
            (true, Some(_)) | (false, None) => {}
        }
        before = Some(z);
    }
    if low.is_some() {
        intervals.push(interval(low, Limit::Infinity, &has_value));
    }
    ends.sort();
    ends.dedup();
    (Known { what: intervals, how: How::Numeric }, ends)
}

fn finite(end: f64) -> Limit {
    let exact = rational(&end).filter(|exact| exact.to_f64() == Some(end));
    Limit::Finite(Quantity::of(end, exact))
}

fn interval(low: Option<Limit>, high: Limit, has_value: &impl Fn(f64) -> bool) -> Interval {
    let low = low.unwrap_or(Limit::MinusInfinity);
    let closed = |end: &Limit| end.to_f64().is_finite() && has_value(end.to_f64());
    Interval { low_closed: closed(&low), high_closed: closed(&high), low, high }
}

/// The place between `inside`, which has a value, and `outside`, which has none, where that changes; rounded to
/// a short decimal where one is near.
fn edge(has_value: &impl Fn(f64) -> bool, inside: f64, outside: f64) -> f64 {
    let (mut inside, mut outside) = (inside, outside);
    for _ in 0..200 {
        let middle = inside + (outside - inside) / 2.0;
        if middle == inside || middle == outside {
            break;
        }
        if has_value(middle) {
            inside = middle;
        } else {
            outside = middle;
        }
    }
    let short = (outside * 1e6).round() / 1e6;
    if (short - outside).abs() < 1e-9 { short + 0.0 } else { outside }
}

fn rational(value: &f64) -> Option<BigRational> {
    // A short decimal is meant, not the binary fraction nearest to it.
    let scaled = value * 1e6;
    if scaled.round() == scaled && scaled.abs() < 1e15 {
        return Some(BigRational::new((scaled as i64).into(), 1_000_000.into()));
    }
    BigRational::from_f64(*value)
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
fn sign_of(tree: &Expression, variable: &str) -> Option<bool> {
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
            even || is_never_negative(base)
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
