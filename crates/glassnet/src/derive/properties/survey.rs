//! How a function goes on each piece of its line: where it rises and falls, where it turns, what it nears at
//! the ends.

use super::enclosure::{budget, oscillates, outwards, shown};
use super::limit::{Limit, limit};
use super::ratio::{Ratio, Shape, ratio, small};
use super::univariate::{End, Root, Univariate, integer, sign};
use super::{How, Interval, Quantity};
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
    /// From where to where was looked, if they are not exact.
    pub(super) window: (f64, f64),
}

/// A place where a function turns.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    pub(super) at: Quantity,
    pub(super) value: Quantity,
}

/// The pieces of `tree`, whose derivative is `slope`, between the `joints`, as far as they lie in the `domain`.
pub(super) fn survey(
    tree: &Expression,
    slope: &Expression,
    variable: &str,
    joints: &[BigRational],
    domain: &[Interval],
) -> Vec<Stretch> {
    let mut ends: Vec<End> = vec![None];
    ends.extend(joints.iter().cloned().map(Some));
    ends.push(None);
    let pieces = ends.windows(2).filter_map(|pair| {
        let (low, high) = (pair[0].clone(), pair[1].clone());
        let inner = inside(&low, &high).to_f64()?;
        let belongs = |own: &Interval| own.low.to_f64() <= inner && inner <= own.high.to_f64();
        domain.iter().any(belongs).then_some(())?;
        let tree = between(tree, variable, &low, &high);
        let slope = between(slope, variable, &low, &high);
        Some(stretch(&tree, &slope, variable, low, high))
    });
    pieces.collect()
}

fn stretch(tree: &Expression, slope: &Expression, variable: &str, low: End, high: End) -> Stretch {
    let (first, first_how) = end_limit(tree, variable, &low, &high, false);
    let (last, last_how) = end_limit(tree, variable, &low, &high, true);
    let exact = exact_turns(tree, slope, variable, &low, &high);
    let window = window(&low, &high);
    let ((turns, trends), how) = match exact {
        Some(exact) => (exact, How::Exact),
        None => searched_turns(tree, slope, variable, [&low, &high], window),
    };
    let ends_how = [first_how, last_how];
    Stretch { low, high, ends: [first, last], ends_how, turns, trends, how, window }
}

/// Where a piece is looked at: 40 to both sides of 0, or 40 from its end where that lies farther out.
fn window(low: &End, high: &End) -> (f64, f64) {
    let number = |end: &End| end.as_ref().and_then(ToPrimitive::to_f64);
    let from = number(low)
        .unwrap_or_else(|| number(high).map_or(-REACH, |high| (high - REACH).min(-REACH)));
    let to =
        number(high).unwrap_or_else(|| number(low).map_or(REACH, |low| (low + REACH).max(REACH)));
    (from, to)
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
    // A number of many digits is near a place that is none: a pole there would look like a great value.
    let is_short = small(end).is_some_and(|end| end.denominator() <= 1 << 40);
    if decided
        && is_short
        && let Some(value) = value_at(tree, variable, end)
    {
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
        close if (close - far).abs() < 1e-2 * (1.0 + close.abs()) => {
            let own = super::domain::strictly(tree, variable, place).unwrap_or(f64::NAN);
            let met = decided && (own - close).abs() < 1e-5 * (1.0 + close.abs());
            Limit::Finite(Quantity::of(if met { own } else { close }, None))
        }
        _ => Limit::None,
    };
    let how = if found == Limit::None { How::Undetermined } else { How::Numeric };
    (found, how)
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

/// What a search over a grid saw.
struct Pass {
    turns: Vec<Turn>,
    trends: Vec<i32>,
    /// Ranges where the slope was 0 or no number, and the trend that goes on there if bounds show it.
    lost: Vec<(f64, f64, i32)>,
    /// Something turned within a few steps, or on a range where the slope was lost.
    crowded: bool,
    scale: f64,
}

/// The turns by a dense search, each refined by bisection. What lies outside of the window must be shown by bounds:
/// first from 40 outwards, then, with a coarser search up to 1000, from there.
fn searched_turns(
    tree: &Expression,
    slope: &Expression,
    variable: &str,
    [low, high]: [&End; 2],
    (from, to): (f64, f64),
) -> (Turns, How) {
    let count = (((to - from) / STEP).ceil() as usize).clamp(64, 20_000);
    // Midpoints, so that ends and round numbers with slope 0 are never hit.
    let grid: Vec<f64> =
        (0..count).map(|i| from + (to - from) * (i as f64 + 0.5) / count as f64).collect();
    let waves = oscillates(slope);
    let goes_on = |sign: i32, scale: f64, (low, high): (f64, f64)| {
        let shown = match sign {
            1 => low > 0.0,
            -1 => high < 0.0,
            _ => low == 0.0 && high == 0.0,
        };
        // Far out a slope may be smaller than what is told apart.
        shown || sign != 0 && !waves && low.abs().max(high.abs()) <= 1e-11 * scale.min(1.0)
    };
    let is_shown = |cells: Vec<(f64, f64)>, sign: i32, scale: f64| {
        shown(slope, variable, cells, budget(slope), |own| goes_on(sign, scale, own))
    };
    let inner = |pass: &Pass| {
        !pass.crowded
            && pass.lost.iter().all(|&(a, b, sign)| is_shown(vec![(a, b)], sign, pass.scale))
    };
    let outer = |pass: &Pass, reach: (f64, f64)| {
        let sign = |own: Option<&i32>| own.copied().unwrap_or(0);
        let left = || is_shown(outwards(reach.0, false), sign(pass.trends.first()), pass.scale);
        let right = || is_shown(outwards(reach.1, true), sign(pass.trends.last()), pass.scale);
        (low.is_some() || left()) && (high.is_some() || right())
    };
    let first = search(tree, slope, variable, &grid);
    let seen = inner(&first);
    if seen && outer(&first, (from, to)) {
        return ((first.turns, first.trends), How::Numeric);
    }
    if !waves && (low.is_none() || high.is_none()) {
        let mut wide = grid;
        let mut reach = (from, to);
        while high.is_none() && reach.1 < 1000.0 {
            reach.1 += reach.1 * 1e-3;
            wide.push(reach.1);
        }
        let mut left = vec![];
        while low.is_none() && reach.0 > -1000.0 {
            reach.0 += reach.0 * 1e-3;
            left.push(reach.0);
        }
        left.reverse();
        left.extend(wide);
        let second = search(tree, slope, variable, &left);
        if inner(&second) && outer(&second, reach) {
            return ((second.turns, second.trends), How::Numeric);
        }
    }
    let how = if seen { How::Looked } else { How::Undetermined };
    ((first.turns, first.trends), how)
}

fn search(tree: &Expression, slope: &Expression, variable: &str, grid: &[f64]) -> Pass {
    let at = |z: f64| slope.evaluate(&[(variable, z)]).unwrap_or(f64::NAN);
    let mut pass = Pass { turns: vec![], trends: vec![], lost: vec![], crowded: false, scale: 0.0 };
    let mut before: Option<(f64, i32)> = None;
    let mut gone: Option<(f64, f64)> = None;
    for &z in grid {
        let value = at(z);
        if value.is_nan() || value == 0.0 {
            gone = Some(gone.map_or((z, z), |(low, _)| (low, z)));
            continue;
        }
        let trend = if value > 0.0 { 1 } else { -1 };
        if value.is_finite() {
            pass.scale = pass.scale.max(value.abs());
        }
        let lost = gone.take();
        if let Some((low, high)) = lost {
            pass.lost.push((low, high, trend));
        }
        match before {
            Some((_, own)) if own == trend => {}
            Some((last, own)) => {
                let place = bisected(&at, last, z, own);
                // A short decimal is the place itself where the slope is 0 there.
                let short = (place * 1e6).round() / 1e6 + 0.0;
                let is_short = (short - place).abs() < 1e-8 && at(short) == 0.0;
                let place = if is_short { short } else { place };
                let value = tree.evaluate(&[(variable, place)]).unwrap_or(f64::NAN);
                let close = |turn: &Turn| place - turn.at.value < 3.0 * (z - last);
                pass.crowded |=
                    lost.is_some() || !value.is_finite() || pass.turns.last().is_some_and(close);
                pass.turns
                    .push(Turn { at: Quantity::of(place, None), value: Quantity::of(value, None) });
                pass.trends.push(trend);
            }
            None => pass.trends.push(trend),
        }
        before = Some((z, trend));
    }
    if let Some((low, high)) = gone {
        pass.lost.push((low, high, before.map_or(0, |(_, own)| own)));
    }
    if pass.trends.is_empty() {
        pass.trends.push(0);
    }
    pass
}

pub(super) fn bisected(at: &impl Fn(f64) -> f64, low: f64, high: f64, trend: i32) -> f64 {
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
