//! How a function goes on each piece of its line: where it rises and falls, where it turns, what it nears at
//! the ends.

use super::limit::{Limit, limit};
use super::ratio::{Ratio, Shape, ratio, small};
use super::univariate::{End, Root, Univariate, integer, sign};
use super::{How, Quantity};
use crate::derive::exact::{between, digits};
use crate::formula::{Expression, Function};
use num_rational::BigRational;
use num_traits::{FromPrimitive, One, ToPrimitive, Zero};

/// How far out and how densely a function is searched that has no exact form.
pub(super) const REACH: f64 = 40.0;
pub(super) const STEP: f64 = 0.01;

/// A piece: an open interval between joints.
#[derive(Clone, Debug)]
pub(super) struct Stretch {
    pub(super) low: End,
    pub(super) high: End,
    /// What the function nears at the lower and the upper end.
    pub(super) ends: [Limit; 2],
    /// Whether each of the two was decided by rules.
    pub(super) ends_how: [How; 2],
    /// Places where the slope changes its sign, in order.
    pub(super) turns: Vec<Turn>,
    /// The sign of the slope before, between and behind the turns.
    pub(super) trends: Vec<i32>,
    /// Whether the turns and trends are exact.
    pub(super) how: How,
}

/// A place where a function turns.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) at: Quantity,
    pub(super) value: Quantity,
}

/// The pieces of `tree`, whose derivative is `slope`, between the `joints`.
pub(super) fn survey(
    tree: &Expression,
    slope: &Expression,
    variable: &str,
    joints: &[BigRational],
) -> Vec<Stretch> {
    let mut ends: Vec<End> = vec![None];
    ends.extend(joints.iter().cloned().map(Some));
    ends.push(None);
    let pieces = ends.windows(2).filter_map(|pair| {
        let (low, high) = (pair[0].clone(), pair[1].clone());
        let tree = between(tree, variable, &low, &high);
        let slope = between(slope, variable, &low, &high);
        stretch(&tree, &slope, variable, low, high)
    });
    pieces.collect()
}

fn stretch(
    tree: &Expression,
    slope: &Expression,
    variable: &str,
    low: End,
    high: End,
) -> Option<Stretch> {
    let inner = inside(&low, &high).to_f64()?;
    if tree.evaluate(&[(variable, inner)]).ok()?.is_nan() {
        return None;
    }
    let (first, first_how) = end_limit(tree, variable, &low, &high, false);
    let (last, last_how) = end_limit(tree, variable, &low, &high, true);
    let exact = exact_turns(tree, slope, variable, &low, &high);
    let how = if exact.is_some() { How::Exact } else { How::Numeric };
    let (turns, trends) =
        exact.unwrap_or_else(|| searched_turns(tree, slope, variable, &low, &high));
    let ends_how = [first_how, last_how];
    Some(Stretch { low, high, ends: [first, last], ends_how, turns, trends, how })
}

/// A number between two ends.
pub(super) fn inside(low: &End, high: &End) -> BigRational {
    match (low, high) {
        (None, None) => BigRational::new(1.into(), 3.into()),
        (Some(low), None) => low + integer(1),
        (None, Some(high)) => high - integer(1),
        (Some(low), Some(high)) => (low + high) / integer(2),
    }
}

/// What the function nears at an end.
fn end_limit(
    tree: &Expression,
    variable: &str,
    low: &End,
    high: &End,
    upper: bool,
) -> (Limit, How) {
    let Some(end) = (if upper { high } else { low }) else { return limit(tree, variable, upper) };
    // What is still undecided on the piece, such as |tanh z|, has at its end the convention's value, not the limit.
    let decided = tree.kinks().is_ok_and(|switches| switches.is_empty());
    if decided && let Some(value) = value_at(tree, variable, end) {
        return (Limit::Finite(value), How::Exact);
    }
    // A pole, or the end of the domain: values ever nearer.
    let place = end.to_f64().unwrap_or(0.0);
    let side = if upper { -1.0 } else { 1.0 };
    let near =
        |distance: f64| tree.evaluate(&[(variable, place + side * distance)]).unwrap_or(f64::NAN);
    let (far, close) = (near(1e-6), near(1e-12));
    let found = match close {
        close if close.is_nan() => Limit::None,
        close if close > 10.0 && close > far => Limit::Infinity,
        close if close < -10.0 && close < far => Limit::MinusInfinity,
        close if (close - far).abs() < 1e-3 * (1.0 + close.abs()) => {
            Limit::Finite(Quantity::of(close, None))
        }
        _ => Limit::None,
    };
    (found, How::Numeric)
}

/// The value at a rational place, exact where it is rational.
pub(super) fn value_at(tree: &Expression, variable: &str, at: &BigRational) -> Option<Quantity> {
    if let Some(ratio) = ratio(tree, variable) {
        let place = match ratio.shape() {
            Shape::Constant(value) => return Some(Quantity::exact(value)),
            Shape::InZ(top, bottom) => Some((top, bottom, at.clone())),
            Shape::InU(top, bottom) if at.is_zero() => Some((top, bottom, BigRational::one())),
            Shape::InU(..) | Shape::Mixed => None,
        };
        if let Some((top, bottom, place)) = place {
            let below = bottom.at(&place);
            return (!below.is_zero()).then(|| Quantity::exact(top.at(&place) / below));
        }
    }
    let value = digits(tree, variable, at)?;
    value.is_finite().then(|| {
        // Where the value is a fraction of small numbers and the formula says so exactly, it is shown as one.
        let exact = simple_value(tree, variable, at);
        Quantity::of(value, exact)
    })
}

/// The rational value that the formula has at a place, if putting the place in leaves only rational numbers.
fn simple_value(tree: &Expression, variable: &str, at: &BigRational) -> Option<BigRational> {
    let place = Expression::from_rational(small(at)?);
    let value = folded(&tree.substitute(variable, &place)).tidy().rational()?;
    Some(BigRational::new(value.numerator().into(), value.denominator().into()))
}

/// The formula with functions of 0 (and logarithms of 1) replaced by their values.
fn folded(tree: &Expression) -> Expression {
    let tree = tree.map_children(folded);
    let Expression::Call(function, argument) = &tree else { return tree };
    let Some(value) = argument.tidy().rational() else { return tree };
    let result = function.evaluate(value.to_f64());
    let simple = match function {
        Function::Exp
        | Function::Sin
        | Function::Cos
        | Function::Tan
        | Function::Sinh
        | Function::Cosh
        | Function::Tanh
        | Function::Erf
        | Function::Atan
        | Function::Asin
        | Function::Log1p
        | Function::Expm1
        | Function::Sigmoid
        | Function::Silu
        | Function::Gelu
        | Function::Mish
        | Function::Softsign
        | Function::Sqrt => value.is_zero(),
        Function::Log | Function::Log2 | Function::Log10 => value.to_f64() == 1.0,
        Function::Relu | Function::Abs | Function::Sign => value.denominator() == 1,
        Function::Acos | Function::Softplus | Function::LogSigmoid => false,
    };
    match Expression::from_f64(result) {
        Some(shown) if simple && (result * 2.0).fract() == 0.0 => shown,
        _ => tree,
    }
}

type Turns = (Vec<Turn>, Vec<i32>);

/// The turns by algebra: the slope is a fraction of polynomials in z or in e^{κz} alone.
fn exact_turns(
    tree: &Expression,
    slope: &Expression,
    variable: &str,
    low: &End,
    high: &End,
) -> Option<Turns> {
    let slope = ratio(slope, variable)?;
    let (top, bottom, in_u) = match slope.shape() {
        Shape::Constant(value) => return Some((vec![], vec![sign(&value)])),
        Shape::InZ(top, bottom) => (top, bottom, false),
        Shape::InU(top, bottom) => (top, bottom, true),
        Shape::Mixed => return None,
    };
    let (from, to) = if in_u { Ratio::ends_in_u(low, high)? } else { (low.clone(), high.clone()) };
    if !bottom.roots(&from, &to)?.is_empty() {
        return None;
    }
    let roots = top.roots(&from, &to)?;
    let places: Vec<f64> = roots
        .iter()
        .map(|root| match root {
            Root::Exact(root) => root.to_f64().unwrap_or(f64::NAN),
            Root::Near(root) => *root,
        })
        .collect();
    let mut trends = vec![];
    for i in 0..=places.len() {
        let below = if i == 0 { from.clone() } else { BigRational::from_f64(places[i - 1]) };
        let above = places.get(i).map_or(to.clone(), |place| BigRational::from_f64(*place));
        let place = inside(&below, &above);
        trends.push(sign(&top.at(&place)) * sign(&bottom.at(&place)));
    }
    let own = ratio(tree, variable);
    let turns = roots
        .iter()
        .map(|root| turn(tree, own.as_ref(), root, in_u, &slope.kappa, variable))
        .collect::<Option<Vec<Turn>>>()?;
    Some((turns, trends))
}

fn turn(
    tree: &Expression,
    own: Option<&Ratio>,
    root: &Root,
    in_u: bool,
    kappa: &BigRational,
    variable: &str,
) -> Option<Turn> {
    let at = match (root, in_u) {
        (Root::Exact(root), false) => Quantity::exact(root.clone()),
        (Root::Near(root), false) => Quantity::of(*root, None),
        (Root::Exact(root), true) if root.is_one() => Quantity::exact(BigRational::zero()),
        (Root::Exact(root), true) => Quantity {
            value: libm::log(root.to_f64()?) / kappa.to_f64()?,
            exact: logarithm(root, kappa),
        },
        (Root::Near(root), true) => Quantity::of(libm::log(*root) / kappa.to_f64()?, None),
    };
    let inner = |top: &Univariate, bottom: &Univariate| match root {
        Root::Exact(root) => Some(top.at(root) / bottom.at(root)),
        Root::Near(_) => None,
    };
    let exact = match (own.map(|own| (own.shape(), &own.kappa)), in_u) {
        (Some((Shape::InZ(top, bottom), _)), false) => inner(&top, &bottom),
        // The same u: both are made of e^{κz} with the same κ.
        (Some((Shape::InU(top, bottom), own)), true) if own == kappa => inner(&top, &bottom),
        _ => None,
    };
    let value = match (exact, &at.exact) {
        (Some(exact), _) => Quantity::exact(exact),
        (None, Some(place)) if place.rational().is_some() => {
            let place = place.rational()?;
            let place = BigRational::new(place.numerator().into(), place.denominator().into());
            value_at(tree, variable, &place)?
        }
        (None, _) => Quantity::of(tree.evaluate(&[(variable, at.value)]).ok()?, None),
    };
    Some(Turn { at, value })
}

/// ln(root)/κ as a formula.
fn logarithm(root: &BigRational, kappa: &BigRational) -> Option<Expression> {
    let log = Expression::call(Function::Log, Expression::from_rational(small(root)?));
    Some(match kappa.is_one() {
        true => log,
        false => Expression::quotient(log, Expression::from_rational(small(kappa)?)),
    })
}

/// The turns by a dense search, each refined by bisection.
fn searched_turns(
    tree: &Expression,
    slope: &Expression,
    variable: &str,
    low: &End,
    high: &End,
) -> Turns {
    let at = |z: f64| slope.evaluate(&[(variable, z)]).unwrap_or(f64::NAN);
    let from = low.as_ref().and_then(ToPrimitive::to_f64).unwrap_or(-REACH).max(-REACH);
    let to = high.as_ref().and_then(ToPrimitive::to_f64).unwrap_or(REACH).min(REACH);
    let count = (((to - from) / STEP).ceil() as usize).clamp(64, 20_000);
    let (mut turns, mut trends) = (vec![], vec![]);
    let mut before: Option<(f64, i32)> = None;
    for i in 0..count {
        // Midpoints, so that ends and round numbers with slope 0 are never hit.
        let z = from + (to - from) * (i as f64 + 0.5) / count as f64;
        let value = at(z);
        let trend = if value > 0.0 {
            1
        } else if value < 0.0 {
            -1
        } else {
            continue;
        };
        match before {
            Some((_, own)) if own == trend => {}
            Some((last, own)) => {
                let z = bisected(&at, last, z, own);
                // A short decimal is the place itself where the slope is 0 there.
                let short = (z * 1e6).round() / 1e6 + 0.0;
                let z = if (short - z).abs() < 1e-8 && at(short) == 0.0 { short } else { z };
                if let Ok(value) = tree.evaluate(&[(variable, z)]) {
                    turns
                        .push(Turn { at: Quantity::of(z, None), value: Quantity::of(value, None) });
                    trends.push(trend);
                }
            }
            None => trends.push(trend),
        }
        before = Some((z, trend));
    }
    if trends.is_empty() {
        trends.push(0);
    }
    (turns, trends)
}

/// Places found by a search where something under |·|, max or a condition changes its sign and is not affine.
pub(super) fn searched_joints(tree: &Expression, variable: &str) -> Vec<BigRational> {
    let mut found = vec![];
    for switch in tree.kinks().unwrap_or_default() {
        if super::super::exact::affine(&switch, variable).is_some() {
            continue;
        }
        let at = |z: f64| switch.evaluate(&[(variable, z)]).unwrap_or(f64::NAN);
        let count = (2.0 * REACH / STEP) as usize;
        let places = (0..count).map(|i| -REACH + STEP * (i as f64 + 0.5));
        let mut before: Option<(f64, f64)> = None;
        for z in places {
            let value = at(z);
            if let Some((last, own)) = before
                && own * value < 0.0
            {
                let place = bisected(&at, last, z, if own > 0.0 { 1 } else { -1 });
                let short = (place * 1e6).round() / 1e6;
                let place = if (short - place).abs() < 1e-9 { short + 0.0 } else { place };
                found.extend(BigRational::from_f64(place));
            }
            if value != 0.0 && !value.is_nan() {
                before = Some((z, value));
            }
        }
    }
    found
}

fn bisected(at: &impl Fn(f64) -> f64, low: f64, high: f64, trend: i32) -> f64 {
    let (mut low, mut high) = (low, high);
    for _ in 0..200 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        let value = at(middle);
        if (value > 0.0) == (trend > 0) && value != 0.0 {
            low = middle;
        } else {
            high = middle;
        }
    }
    low + (high - low) / 2.0
}
