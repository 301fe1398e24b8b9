//! The pieces of a function put together: its range, its runs, its steepest places.

use super::enclosure::{budget, outwards, shown};
use super::limit::Limit;
use super::survey::{REACH, Stretch};
use super::univariate::{End, integer};
use super::{How, Interval, Known, Quantity, Run, Sample, Steepest, Trend};
use crate::derive::exact::digits;
use crate::formula::{Expression, Sign};
use num_rational::BigRational;
use num_traits::{FromPrimitive, ToPrimitive};

/// The worst of how parts are known.
fn how(stretches: &[Stretch], ends: bool) -> How {
    let parts = stretches.iter().flat_map(|stretch| {
        let ends = if ends { stretch.ends_how.to_vec() } else { vec![] };
        ends.into_iter().chain([stretch.how])
    });
    parts.max().unwrap_or(How::Undetermined)
}

/// How extremes over all pieces are known: whether bounds show that nothing beyond [low, high] is out there.
///
/// Far out they must show it outright. Where a search looked they must show it but for a fiftieth, so that a narrow
/// peak between two looks does not go unnoticed.
fn judged(stretches: &[Stretch], tree: &Expression, variable: &str, low: f64, high: f64) -> How {
    let mut worst = how(stretches, true);
    if worst == How::Exact || stretches.is_empty() {
        return worst;
    }
    if low.is_nan() || high.is_nan() {
        return How::Undetermined;
    }
    worst = How::Numeric;
    let slack = |share: f64| {
        let size = |end: f64| if end.is_finite() { end.abs() } else { 0.0 };
        let span = if low.is_finite() && high.is_finite() {
            high - low
        } else {
            size(low).max(size(high))
        };
        share * span.max(f64::MIN_POSITIVE)
    };
    let within = |share: f64| {
        let slack = slack(share);
        move |own: (f64, f64)| own.0 >= low - slack && own.1 <= high + slack
    };
    let all = low == f64::NEG_INFINITY && high == f64::INFINITY;
    for stretch in stretches.iter().filter(|stretch| !all && stretch.how != How::Exact) {
        let (from, to) = stretch.window;
        let gap = 1e-3 * (to - from).min(1.0);
        let from_inner = if stretch.low.is_some() { from + gap } else { from };
        let to_inner = if stretch.high.is_some() { to - gap } else { to };
        let count = 256;
        let step = (to_inner - from_inner) / f64::from(count);
        let cells = (0..count)
            .map(|i| (from_inner + f64::from(i) * step, from_inner + f64::from(i + 1) * step))
            .collect();
        let looks = 4 * budget(tree) + 256;
        let share = if stretch.how == How::Undetermined { 1e-6 } else { 0.02 };
        if !shown(tree, variable, cells, looks, within(share)) {
            return How::Undetermined;
        }
        let lacks = |side: usize| stretch.ends[side] == Limit::None;
        if stretch.low.is_some() && lacks(0) || stretch.high.is_some() && lacks(1) {
            return How::Undetermined;
        }
    }
    for stretch in stretches {
        let beyond = stretch.how >= How::Looked;
        for (side, end) in [(0, &stretch.low), (1, &stretch.high)] {
            let open = end.is_none() && (beyond || stretch.ends[side] == Limit::None);
            let from = if side == 0 { stretch.window.0 } else { stretch.window.1 };
            let cells = outwards(from, side == 1);
            if open && !all && !shown(tree, variable, cells, budget(tree), within(1e-9)) {
                worst = How::Looked;
            }
        }
    }
    worst
}

/// The same pieces, cut off where nobody looked.
fn seen(stretches: &[Stretch], tree: &Expression, variable: &str) -> Vec<Stretch> {
    let at = |z: f64| {
        let value = tree.evaluate(&[(variable, z)]).ok().filter(|value| value.is_finite());
        value.map_or(Limit::None, |value| Limit::Finite(Quantity::of(value, None)))
    };
    let cut = stretches.iter().filter(|own| own.window.0 < REACH && own.window.1 > -REACH);
    cut.cloned()
        .map(|mut own| {
            if own.window.0 < -REACH || own.low.is_none() {
                own.low = BigRational::from_f64(-REACH);
                own.ends[0] = at(-REACH);
            }
            if own.window.1 > REACH || own.high.is_none() {
                own.high = BigRational::from_f64(REACH);
                own.ends[1] = at(REACH);
            }
            own.turns.retain(|turn| turn.at.value.abs() <= REACH);
            own
        })
        .collect()
}

/// A value that a function takes or nears.
struct Bound {
    value: Limit,
    reached: bool,
}

/// The values that decide a function's extremes: where it turns, and what it nears at the ends of its pieces.
fn bounds(stretches: &[Stretch], at_joint: impl Fn(&BigRational) -> Option<f64>) -> Vec<Bound> {
    let mut found = vec![];
    for stretch in stretches {
        let constant = stretch.trends.iter().all(|trend| *trend == 0);
        for (side, end) in [(0, &stretch.low), (1, &stretch.high)] {
            let value = stretch.ends[side].clone();
            let there = end.as_ref().and_then(&at_joint);
            let reached = constant || there.is_some_and(|there| there == value.to_f64());
            found.push(Bound { value, reached });
        }
        let turned = stretch.turns.iter();
        found.extend(
            turned.map(|turn| Bound { value: Limit::Finite(turn.value.clone()), reached: true }),
        );
    }
    found
}

/// The greatest (or least) of the bounds, and whether it is reached.
fn extreme(bounds: &[Bound], greatest: bool) -> (Limit, bool) {
    let mut best = (Limit::None, false);
    for bound in bounds {
        let (own, other) = (bound.value.to_f64(), best.0.to_f64());
        if own.is_nan() {
            continue;
        }
        if other.is_nan() || (own != other && (own > other) == greatest) {
            best = (bound.value.clone(), bound.reached);
        } else if own == other {
            let exact = |limit: &Limit| matches!(limit, Limit::Finite(q) if q.exact.is_some());
            let value = if exact(&best.0) { best.0 } else { bound.value.clone() };
            best = (value, best.1 || bound.reached);
        }
    }
    best
}

pub(super) fn range(
    stretches: &[Stretch],
    formula: &Expression,
    variable: &str,
) -> Known<Interval> {
    let at_joint = &|joint: &BigRational| {
        digits(formula, variable, joint)
            .or_else(|| formula.evaluate(&[(variable, joint.to_f64()?)]).ok())
    };
    let of = |stretches: &[Stretch]| {
        let bounds = bounds(stretches, at_joint);
        let (low, low_closed) = extreme(&bounds, false);
        let (high, high_closed) = extreme(&bounds, true);
        let closed = |limit: &Limit, reached: bool| reached && matches!(limit, Limit::Finite(_));
        Interval {
            low_closed: closed(&low, low_closed),
            high_closed: closed(&high, high_closed),
            low,
            high,
        }
    };
    let whole = of(stretches);
    let (low, high) = (whole.low.to_f64(), whole.high.to_f64());
    match judged(stretches, formula, variable, low, high) {
        How::Exact if low.is_nan() || high.is_nan() => {}
        how @ (How::Exact | How::Numeric) => return Known { what: whole, how },
        How::Looked => {
            let cut = seen(stretches, formula, variable);
            let lacking = |own: &Stretch| own.ends.contains(&Limit::None);
            if !cut.iter().any(lacking) && !cut.is_empty() {
                return Known { what: of(&cut), how: How::Looked };
            }
        }
        How::Undetermined => {}
    }
    let none =
        Interval { low: Limit::None, low_closed: false, high: Limit::None, high_closed: false };
    Known { what: none, how: How::Undetermined }
}

fn end(end: &End) -> Option<Quantity> {
    end.as_ref().map(|end| Quantity::exact(end.clone()))
}

pub(super) fn runs(stretches: &[Stretch], formula: &Expression, variable: &str) -> Known<Vec<Run>> {
    let mut runs: Vec<Run> = vec![];
    for stretch in stretches {
        for (i, trend) in stretch.trends.iter().enumerate() {
            let turn = |i: usize| stretch.turns.get(i).map(|turn| turn.at.clone());
            let low = if i == 0 { end(&stretch.low) } else { turn(i - 1) };
            let high = turn(i).or_else(|| end(&stretch.high));
            let trend = match trend {
                1 => Trend::Rising,
                -1 => Trend::Falling,
                _ => Trend::Constant,
            };
            // A piece that goes on as the one before is one run with it, if the function has no jump between.
            let joined = i > 0 || is_continued(stretches, stretch);
            match runs.last_mut() {
                Some(before) if before.trend == trend && joined => before.high = high,
                _ => runs.push(Run { low, high, trend }),
            }
        }
    }
    let mut how = how(stretches, false);
    // What a search found is tried once more at other places.
    if how != How::Exact && runs.iter().any(|run| is_contradicted(run, formula, variable)) {
        how = How::Undetermined;
    }
    match how {
        How::Exact | How::Numeric => {}
        How::Looked => cut_runs(&mut runs),
        How::Undetermined => runs.clear(),
    }
    Known { what: runs, how }
}

/// True if values on the run, as far as was looked, go another way.
fn is_contradicted(run: &Run, formula: &Expression, variable: &str) -> bool {
    let low = run.low.as_ref().map_or(-REACH, |end| end.value);
    let high = run.high.as_ref().map_or(REACH, |end| end.value);
    let places = (0..400).map(|i| low + (high - low) * (f64::from(i) + 0.29) / 400.0);
    let values: Vec<f64> = places
        .filter_map(|z| formula.evaluate(&[(variable, z)]).ok())
        .filter(|value| value.is_finite())
        .collect();
    values.windows(2).any(|pair| {
        let near = 1e-9 * (1.0 + pair[0].abs());
        match run.trend {
            Trend::Rising => pair[1] < pair[0] - near,
            Trend::Falling => pair[1] > pair[0] + near,
            Trend::Constant => (pair[1] - pair[0]).abs() > near,
        }
    })
}

/// The runs as far as was looked.
fn cut_runs(runs: &mut Vec<Run>) {
    let number = |end: &Option<Quantity>, none: f64| end.as_ref().map_or(none, |end| end.value);
    runs.retain(|run| {
        number(&run.low, f64::NEG_INFINITY) < REACH && number(&run.high, f64::INFINITY) > -REACH
    });
    for run in runs {
        if number(&run.low, f64::NEG_INFINITY) < -REACH {
            run.low = Some(Quantity::exact(integer(-40)));
        }
        if number(&run.high, f64::INFINITY) > REACH {
            run.high = Some(Quantity::exact(integer(40)));
        }
    }
}

/// True if the function goes on without a jump from the piece before this one.
fn is_continued(stretches: &[Stretch], stretch: &Stretch) -> bool {
    let before =
        stretches.iter().find(|before| before.high == stretch.low && before.high.is_some());
    before.is_some_and(|before| {
        let (left, right) = (before.ends[1].to_f64(), stretch.ends[0].to_f64());
        // Two infinite ends are the two sides of a pole.
        let finite = left.is_finite() && right.is_finite();
        finite && (left - right).abs() <= 1e-12 * left.abs().max(1.0)
    })
}

/// The greatest |f'| from the pieces of f'.
pub(super) fn steepest(
    slopes: &[Stretch],
    derivative: &Expression,
    variable: &str,
) -> Known<Steepest> {
    let unknown = || Known {
        what: Steepest { value: Limit::None, at: vec![], along: vec![] },
        how: How::Undetermined,
    };
    let whole = greatest(slopes);
    let most = whole.value.to_f64();
    match judged(slopes, derivative, variable, -most, most) {
        How::Exact if most.is_nan() => unknown(),
        how @ (How::Exact | How::Numeric) => Known { what: whole, how },
        How::Looked => {
            let cut = seen(slopes, derivative, variable);
            let lacking = cut.is_empty() || cut.iter().any(|own| own.ends.contains(&Limit::None));
            if lacking { unknown() } else { Known { what: greatest(&cut), how: How::Looked } }
        }
        How::Undetermined => unknown(),
    }
}

fn greatest(slopes: &[Stretch]) -> Steepest {
    let mut best = Limit::None;
    let mut at: Vec<Quantity> = vec![];
    let mut along = vec![];
    let size = |limit: &Limit| match limit {
        Limit::Finite(value) => Limit::Finite(absolute(value)),
        Limit::Infinity | Limit::MinusInfinity => Limit::Infinity,
        Limit::None => Limit::None,
    };
    // Digits of two places with the same exact value may differ in the last one.
    let same = |a: f64, b: f64| a == b || a.is_finite() && (a - b).abs() <= 1e-14 * a.abs();
    for stretch in slopes {
        let constant = stretch.trends.iter().all(|trend| *trend == 0);
        let turned = stretch
            .turns
            .iter()
            .map(|turn| (Limit::Finite(turn.value.clone()), Some(turn.at.clone())));
        let ends = stretch.ends.iter().map(|limit| (limit.clone(), None));
        for (value, place) in turned.chain(ends) {
            let value = size(&value);
            let (own, other) = (value.to_f64(), best.to_f64());
            if own.is_nan() {
                continue;
            }
            if other.is_nan() || (own > other && !same(own, other)) {
                best = value;
                at.clear();
                along.clear();
            } else if !same(own, other) {
                continue;
            }
            match place {
                Some(place) => at.push(place),
                None if constant => {
                    let piece = (end(&stretch.low), end(&stretch.high));
                    if !along.contains(&piece) {
                        along.push(piece);
                    }
                }
                None => {
                    // A smooth slope may be greatest where two pieces meet.
                    let meets = |end: &End, side: usize| {
                        end.is_some()
                            && same(stretch.ends[side].to_f64().abs(), own)
                            && slopes.iter().any(|other| {
                                let (ends, other_end) = if side == 1 {
                                    (&other.ends[0], &other.low)
                                } else {
                                    (&other.ends[1], &other.high)
                                };
                                other_end == end && ends.to_f64() == stretch.ends[side].to_f64()
                            })
                    };
                    for (side, place) in [(0, &stretch.low), (1, &stretch.high)] {
                        if meets(place, side) {
                            let place = end(place);
                            at.extend(place.filter(|place| !at.contains(place)));
                        }
                    }
                }
            }
        }
    }
    Steepest { value: best, at, along }
}

fn absolute(value: &Quantity) -> Quantity {
    let exact = value.exact.as_ref().map(|exact| match exact {
        Expression::Negative(size) => size.as_ref().clone(),
        exact => exact.clone(),
    });
    Quantity { value: value.value.abs(), exact }
}

/// The average of f over the normal distribution, by the trapezoidal rule, which converges fast there; `None` if
/// halving the step changes it, or if f grows so fast that what lies far out counts.
pub(super) fn mean_output(formula: &Expression, variable: &str) -> Option<f64> {
    let weighted = |z: f64| {
        let weight = libm::exp(-z * z / 2.0) / libm::sqrt(2.0 * std::f64::consts::PI);
        let value = formula.evaluate(&[(variable, z)]).ok()?;
        (value * weight).is_finite().then_some(value * weight)
    };
    let average = |step: f64| {
        let count = (10.0 / step) as i32;
        // Off the round numbers, where kinks lie.
        let places = (-count..=count).map(|i| (f64::from(i) + 0.37) * step);
        places.map(|z| weighted(z).map(|own| own * step)).sum::<Option<f64>>()
    };
    let (coarse, fine) = (average(0.01)?, average(0.004)?);
    let size = fine.abs().max(1e-3);
    for place in 10..=37 {
        let far = [1.0, -1.0].map(|side| weighted(side * f64::from(place)));
        let [Some(left), Some(right)] = far else { return None };
        if left.abs().max(right.abs()) > 1e-9 * size {
            return None;
        }
    }
    ((coarse - fine).abs() <= 3e-5 * size.max(0.1)).then_some(fine)
}

pub(super) fn samples(
    formula: &Expression,
    derivative: &Expression,
    variable: &str,
) -> Vec<Sample> {
    [-10.0, -5.0, -1.0, 0.0, 1.0, 5.0, 10.0]
        .into_iter()
        .map(|z| {
            let place = BigRational::from_f64(z);
            // Where the function has no value, its derivative has none either.
            let defined = super::domain::strictly(formula, variable, z).is_some();
            let value = |tree: &Expression| {
                let precise = place.as_ref().and_then(|place| digits(tree, variable, place));
                let value = precise.or_else(|| tree.evaluate(&[(variable, z)]).ok());
                value.filter(|value| value.is_finite()).map(|value| value + 0.0)
            };
            Sample {
                z,
                value: value(formula).filter(|_| defined),
                slope: value(derivative).filter(|_| defined),
                slope_f32: single(derivative, variable, z as f32),
            }
        })
        .collect()
}

/// The formula in f32: every operation rounded to f32, functions rightly rounded as far as f64 tells.
pub(super) fn single(tree: &Expression, variable: &str, z: f32) -> f32 {
    let at = |tree: &Expression| single(tree, variable, z);
    match tree {
        Expression::Number(number) => number.to_f64() as f32,
        Expression::Constant(constant) => constant.to_f64() as f32,
        Expression::Variable(name) => {
            if name == variable {
                z
            } else {
                f32::NAN
            }
        }
        Expression::Negative(value) => -at(value),
        Expression::Sum(terms) => {
            let mut terms = terms.iter().map(|term| match term.sign {
                Sign::Plus => at(&term.value),
                Sign::Minus => -at(&term.value),
            });
            let first = terms.next().unwrap_or(0.0);
            terms.fold(first, |sum, term| sum + term)
        }
        Expression::Product(parts) => parts.iter().fold(1.0, |product, part| product * at(part)),
        Expression::Quotient(left, right) => at(left) / at(right),
        Expression::Power(base, exponent) => {
            libm::pow(f64::from(at(base)), f64::from(at(exponent))) as f32
        }
        Expression::Call(function, argument) => function.evaluate(f64::from(at(argument))) as f32,
        Expression::Max(parts) => parts.iter().map(at).fold(f32::NEG_INFINITY, f32::max),
        Expression::Min(parts) => parts.iter().map(at).fold(f32::INFINITY, f32::min),
        Expression::Piecewise(cases, otherwise) => {
            let chosen = cases.iter().find(|case| {
                let condition = &case.condition;
                condition.relation.holds(at(&condition.left), at(&condition.right))
            });
            chosen.map_or_else(|| at(otherwise), |case| at(&case.value))
        }
    }
}
