//! What an activation looks like: its range, where it is steepest, what happens far out, whether its outputs average 0.
//!
//! Found numerically from the graph's own values and derivatives, in f64: statements hold as far as these places tell.

use super::Activation;
use super::curve::Curve;
use crate::error::{Error, ErrorKind, Result};
use crate::nn::Module;

/// How far the fine grid goes.
const REACH: f64 = 60.0;
/// Its places per unit.
const FINENESS: i32 = 100;
/// A derivative that is exactly 0 from here outwards is 0 by definition; one that only underflows is not 0 yet here.
const NEAR: f64 = 8.0;
/// Places beyond the grid, where limits are read.
const FAR: [f64; 3] = [1e8, 1e4, 1e2];

/// A side of the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Towards −∞.
    Left,
    /// Towards ∞.
    Right,
}

/// What an activation looks like.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The infimum and supremum of f; infinite where it is unbounded.
    pub range: (f64, f64),
    /// Whether f takes its least and greatest values, or only comes near.
    pub attained: (bool, bool),
    /// A place where |f'| is greatest, and how great.
    pub steepest: (f64, f64),
    /// The mean of f over normal inputs (mean 0, variance 1).
    pub mean: f64,
    /// The ends where f' is exactly 0 on a whole half-line: units that get there have no gradient.
    pub dead: Vec<(Side, f64)>,
    /// The ends where f' tends to 0 (or is 0).
    pub saturates: Vec<Side>,
    /// Whether f never falls.
    pub rising: bool,
    /// Places where f has a kink.
    pub kinks: Vec<f64>,
}

impl Shape {
    /// Whether outputs average 0 over normal inputs: true for odd functions.
    pub fn zero_centred(&self) -> bool {
        self.mean.abs() < 1e-12
    }

    /// Whether f' is exactly 0 on a half-line.
    pub fn can_die(&self) -> bool {
        !self.dead.is_empty()
    }
}

/// Looks at the activation.
pub(super) fn shape(activation: &Activation) -> Result<Shape> {
    let curve = Curve::of(activation, 1)?;
    let steps = (REACH as i32) * FINENESS;
    let grid: Vec<f64> =
        (-steps..=steps).map(|step| f64::from(step) / f64::from(FINENESS)).collect();
    let (values, slopes) = curve.exact(&grid)?;
    let near = |z: f64| z.abs() <= NEAR;
    if let Some(at) = (0..grid.len()).find(|&at| near(grid[at]) && !values[at].is_finite()) {
        return Err(Error::new(
            ErrorKind::Numeric,
            format!("{} is {} at z = {}", activation.name, values[at], grid[at]),
        )
        .at("the activations")
        .help("give a function that is finite for every z"));
    }
    let ends =
        [end(&curve, -1.0, &grid, &values, &slopes)?, end(&curve, 1.0, &grid, &values, &slopes)?];
    let steepest = steepest(&curve, &grid, &slopes)?;
    let (range, attained) = range(&curve, &grid, &values, &ends)?;
    let mut dead = vec![];
    let mut saturates = vec![];
    for (side, end) in [Side::Left, Side::Right].into_iter().zip(&ends) {
        if let Some(from) = dead_from(side, &grid, &slopes) {
            dead.push((side, from));
        }
        if end.slope.abs() <= 1e-6 * steepest.1 {
            saturates.push(side);
        }
    }
    let rising = slopes.iter().all(|&slope| slope >= 0.0 || slope.is_nan());
    let kinks = kinks(activation)?;
    Ok(Shape {
        range,
        attained,
        steepest,
        mean: mean(&grid, &values),
        dead,
        saturates,
        rising,
        kinks,
    })
}

/// What happens towards an end.
struct End {
    /// The value furthest out that is finite, or infinite where f is unbounded.
    value: f64,
    /// The derivative there.
    slope: f64,
}

fn end(curve: &Curve, sign: f64, grid: &[f64], values: &[f64], slopes: &[f64]) -> Result<End> {
    let places: Vec<f64> = FAR.iter().map(|place| sign * place).collect();
    let (far_values, far_slopes) = curve.exact(&places)?;
    let mut candidates: Vec<(f64, f64, f64)> =
        (0..FAR.len()).map(|at| (places[at], far_values[at], far_slopes[at])).collect();
    let outermost = if sign < 0.0 { 0 } else { grid.len() - 1 };
    candidates.push((grid[outermost], values[outermost], slopes[outermost]));
    let found =
        candidates.into_iter().find(|(_, value, slope)| value.is_finite() && slope.is_finite());
    let Some((z, value, slope)) = found else {
        return Ok(End { value: sign * f64::INFINITY, slope: f64::INFINITY });
    };
    // Where z·f'(z) does not fade, f grows like a logarithm at least.
    let unbounded = (z * slope).abs() > 1e-3;
    Ok(End {
        value: if unbounded { (slope * sign).signum() * f64::INFINITY } else { value },
        slope,
    })
}

/// The greatest |f'|: on the grid, then closer and closer.
fn steepest(curve: &Curve, grid: &[f64], slopes: &[f64]) -> Result<(f64, f64)> {
    let mut best = (0.0, 0.0);
    // From the middle outwards, so that of equal places the one nearest to 0 is told.
    let middle = grid.len() / 2;
    for at in (0..=middle).flat_map(|step| [middle + step, middle - step]) {
        if slopes[at].is_finite() && slopes[at].abs() > best.1 * (1.0 + 1e-12) {
            best = (grid[at], slopes[at].abs());
        }
    }
    let mut step = 1.0 / f64::from(FINENESS);
    for _ in 0..6 {
        let places: Vec<f64> = (-20..=20).map(|k| best.0 + step * f64::from(k) / 20.0).collect();
        let (_, slopes) = curve.exact(&places)?;
        for (&place, slope) in places.iter().zip(slopes) {
            if slope.is_finite() && slope.abs() > best.1 * (1.0 + 1e-14) {
                best = (place, slope.abs());
            }
        }
        step /= 20.0;
    }
    Ok(best)
}

/// Infimum and supremum, and whether they are taken.
#[allow(clippy::type_complexity)]
fn range(
    curve: &Curve,
    grid: &[f64],
    values: &[f64],
    ends: &[End; 2],
) -> Result<((f64, f64), (bool, bool))> {
    let mut sides = [(0.0, false); 2];
    for (side, sign) in sides.iter_mut().zip([-1.0, 1.0]) {
        let limit = ends.iter().map(|end| sign * end.value).fold(f64::NEG_INFINITY, f64::max);
        let mut best = (grid.len() / 2, f64::NEG_INFINITY);
        for (at, &value) in values.iter().enumerate() {
            if value.is_finite() && sign * value > best.1 {
                best = (at, sign * value);
            }
        }
        if limit >= best.1 {
            // Reached on the way only if the value stands there near the middle already: a flat piece.
            let near = grid.iter().zip(values).any(|(z, &v)| z.abs() <= NEAR && sign * v == limit);
            *side = (sign * limit, near && limit.is_finite());
            continue;
        }
        let mut centre = grid[best.0];
        let mut step = 1.0 / f64::from(FINENESS);
        let mut most = best.1;
        for _ in 0..6 {
            let places: Vec<f64> =
                (-20..=20).map(|k| centre + step * f64::from(k) / 20.0).collect();
            let (values, _) = curve.exact(&places)?;
            for (&place, value) in places.iter().zip(values) {
                if value.is_finite() && sign * value > most {
                    (centre, most) = (place, sign * value);
                }
            }
            step /= 20.0;
        }
        *side = (sign * most, true);
    }
    Ok(((sides[0].0, sides[1].0), (sides[0].1, sides[1].1)))
}

/// Where a half-line with f' = 0 begins, if there is one.
fn dead_from(side: Side, grid: &[f64], slopes: &[f64]) -> Option<f64> {
    let outwards: Vec<usize> = match side {
        Side::Left => (0..grid.len()).collect(),
        Side::Right => (0..grid.len()).rev().collect(),
    };
    let first_alive = outwards.iter().position(|&at| slopes[at] != 0.0)?;
    let last_dead = *outwards.get(first_alive.checked_sub(1)?)?;
    let z = grid[last_dead];
    let enough = match side {
        Side::Left => z >= -NEAR,
        Side::Right => z <= NEAR,
    };
    enough.then_some(z)
}

/// The mean over normal inputs, by the trapezoid rule over pairs ±z, so that an odd function gives exactly 0.
fn mean(grid: &[f64], values: &[f64]) -> f64 {
    let middle = grid.len() / 2;
    let density = |z: f64| libm::exp(-0.5 * z * z) / (2.0 * std::f64::consts::PI).sqrt();
    let mut sum = values[middle] * density(0.0);
    for step in 1..=(12 * FINENESS) as usize {
        let (left, right) = (values[middle - step], values[middle + step]);
        if left.is_finite() && right.is_finite() {
            sum += (left + right) * density(grid[middle + step]);
        }
    }
    sum / f64::from(FINENESS)
}

/// The places of kinks: the graph's for a named activation, the zeros on the grid for a formula.
fn kinks(activation: &Activation) -> Result<Vec<f64>> {
    match &activation.module {
        Module::Activation(named) => Ok(named.operation().kinks()),
        Module::Prelu(_) => Ok(vec![0.0]),
        Module::Formula(formula) => {
            let expression = formula.expression();
            let Some(variable) = expression.variables().into_iter().next() else {
                return Ok(vec![]);
            };
            let mut found: Vec<f64> = vec![];
            for place in expression.kinks()? {
                let at = |z: f64| place.evaluate(&[(variable.as_str(), z)]);
                for step in -1000..1000 {
                    let (low, high) = (f64::from(step) / 100.0, f64::from(step + 1) / 100.0);
                    let (left, right) = (at(low)?, at(high)?);
                    let zero = if left == 0.0 {
                        Some(low)
                    } else if left * right < 0.0 {
                        Some(low + (high - low) * left / (left - right))
                    } else {
                        None
                    };
                    found.extend(zero.filter(|zero| !found.contains(zero)));
                }
            }
            found.sort_by(f64::total_cmp);
            Ok(found)
        }
        Module::Linear(_)
        | Module::Softmax { .. }
        | Module::LogSoftmax { .. }
        | Module::Identity
        | Module::Flatten(_)
        | Module::Dropout(_)
        | Module::BatchNorm1d(_)
        | Module::LayerNorm(_)
        | Module::Embedding(_)
        | Module::Residual(_)
        | Module::Sequential(_) => Ok(vec![]),
    }
}
