//! Where a function has kinks and jumps.

use super::domain::sign_of;
use super::limit::Limit;
use super::survey::Stretch;
use super::zeros::{Spot, Zeros, minus, zeros};
use super::{How, Interval, Known, OneSided, Quantity};
use crate::derive::exact::digits;
use crate::formula::{Expression, Function};
use num_bigint::BigInt;
use num_traits::{One, ToPrimitive};

/// The places where the formula may have a kink or a jump, and how it is known that there are no others.
pub(super) fn candidates(tree: &Expression, variable: &str) -> Zeros {
    let Ok(mut parts) = tree.kinks() else {
        return Zeros { places: vec![], how: How::Undetermined };
    };
    roots(tree, variable, &mut parts);
    let none = Zeros { places: vec![], how: How::Exact };
    parts.iter().fold(none, |all, part| all.and(zeros(part, variable)))
}

/// What stands under roots, and what makes an arcsine's argument 1 or −1: √(g²) is |g|.
fn roots(tree: &Expression, variable: &str, parts: &mut Vec<Expression>) {
    let mut add = |part: Expression| {
        if part.contains(variable) && sign_of(&part, variable).is_none() && !parts.contains(&part) {
            parts.push(part);
        }
    };
    match tree {
        Expression::Call(Function::Sqrt, value) => add(value.as_ref().clone()),
        Expression::Call(Function::Asin | Function::Acos, value) => {
            let square = Expression::power(value.as_ref().clone(), Expression::integer(2));
            add(minus(&Expression::integer(1), square));
        }
        Expression::Power(base, exponent) => {
            let whole = exponent.tidy().rational().is_some_and(|own| own.denominator() == 1);
            if !whole {
                add(base.as_ref().clone());
            }
        }
        Expression::Number(_)
        | Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Negative(_)
        | Expression::Sum(_)
        | Expression::Product(_)
        | Expression::Quotient(..)
        | Expression::Call(..)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Piecewise(..) => {}
    }
    tree.children().into_iter().for_each(|child| roots(child, variable, parts));
}

/// The kinks among the candidates.
pub(super) fn kinks(
    derivative: &Expression,
    variable: &str,
    candidates: &Zeros,
    domain: &Known<Vec<Interval>>,
    own: &[Stretch],
    slopes: &[Stretch],
) -> Known<Vec<OneSided>> {
    let mut how = candidates.how.max(domain.how);
    let mut found = vec![];
    for spot in &candidates.places {
        let place = spot.at.to_f64().unwrap_or(f64::NAN);
        let inner = |part: &Interval| part.low.to_f64() < place && place < part.high.to_f64();
        if !domain.what.iter().any(inner) {
            continue;
        }
        match one_sided(derivative, variable, spot, own, slopes) {
            Kink::Yes(kink, known) => {
                how = how.max(known);
                found.push(kink);
            }
            Kink::No(known) => how = how.max(known),
            Kink::Unclear => how = How::Undetermined,
        }
    }
    Known { what: found, how }
}

enum Kink {
    Yes(OneSided, How),
    No(How),
    Unclear,
}

fn one_sided(
    derivative: &Expression,
    variable: &str,
    spot: &Spot,
    own: &[Stretch],
    slopes: &[Stretch],
) -> Kink {
    let sides = |stretches: &[Stretch]| {
        let left = stretches.iter().find(|stretch| stretch.high.as_ref() == Some(&spot.at));
        let right = stretches.iter().find(|stretch| stretch.low.as_ref() == Some(&spot.at));
        let (left, right) = (left?, right?);
        let how = left.ends_how[1].max(right.ends_how[0]);
        Some((left.ends[1].clone(), right.ends[0].clone(), how))
    };
    let (Some((left, right, slope_how)), Some((below, above, value_how))) =
        (sides(slopes), sides(own))
    else {
        return Kink::Unclear;
    };
    let exact_place = if spot.exact { How::Exact } else { How::Numeric };
    let how = slope_how.max(value_how).max(exact_place);
    if [&left, &right, &below, &above].iter().any(|side| **side == Limit::None) {
        return Kink::Unclear;
    }
    // Values near an end are right to so many digits; exact ones to all.
    let near = if how == How::Exact { 1e-12 } else { 1e-5 };
    let step = above.to_f64() - below.to_f64();
    let jump = step.abs() > near * (1.0 + below.to_f64().abs());
    let (a, b) = (left.to_f64(), right.to_f64());
    let finite = a.is_finite() && b.is_finite();
    let bent = a != b && !(finite && (a - b).abs() <= near * (1.0 + a.abs()));
    if !jump && !bent {
        return Kink::No(how);
    }
    let convention = spot.exact.then(|| {
        digits(derivative, variable, &spot.at)
            .or_else(|| derivative.evaluate(&[(variable, spot.at.to_f64()?)]).ok())
            .filter(|value| value.is_finite())
    });
    let short = spot.exact || spot.at.denom() <= &(BigInt::one() << 24usize);
    let nearest = spot.at.to_f64().unwrap_or(f64::NAN);
    let at = Quantity::of(nearest, (spot.exact && short).then(|| spot.at.clone()));
    Kink::Yes(
        OneSided { at, left, right, jump: jump.then_some(step), convention: convention.flatten() },
        how,
    )
}
