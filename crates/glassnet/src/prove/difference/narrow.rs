//! Branch and bound: boxes are split until their differences are within a tolerance, an input shows more, or the bound is
//! near what an input shows.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::{Difference, Joined, Pair, have_one_structure};
use crate::error::{Error, Result};
use crate::prove::{Interval, Network, float};

/// A search goes on for so many boxes, and half as many again as it had, without a gain of a tenth, or of a hundredth where
/// more boxes may still decide. With many inputs halving them one after the other tells little, which shows soon.
const PATIENCE: u64 = 64;
const PATIENCE_OF_MANY: u64 = 16;
const MANY_INPUTS: usize = 24;
/// A bound that exceeds a difference that an input shows by no more than this share is near enough.
const NEAR: f64 = 1.02;

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Narrowed {
    /// No input of the box has outputs that differ by more.
    pub bound: f64,
    /// The input with the greatest difference that was seen, not yet evaluated exactly.
    pub seen: Vec<f64>,
    /// Roughly the difference there.
    pub least: f64,
    /// How many boxes were bounded.
    pub parts: u64,
}

/// Bounds the difference of two networks of one structure on `domain` ever more tightly, until it is within `tolerance`, an
/// input is seen that differs by more, or nothing is gained by going on. `go_on` is asked before every further box with
/// how many there were.
///
/// # Errors
/// As [`difference`](super::difference).
pub fn narrow(
    a: &Network,
    b: &Network,
    domain: &[Interval],
    tolerance: Option<f64>,
    go_on: &mut dyn FnMut(u64) -> bool,
) -> Result<Narrowed> {
    if !have_one_structure(a, b) {
        return Err(Error::model("the networks are not of one structure"));
    }
    let joined = Joined::of(a, b);
    let examine = |domain: &[Interval]| Pair::new(a, b, &joined, domain)?.difference();
    let mut found = Narrowed { bound: 0.0, seen: vec![], least: -1.0, parts: 1 };
    let first = examine(domain)?;
    climb(a, b, domain, &first.corner, &mut found);
    let mut queue =
        BinaryHeap::from([Part { bound: first.bound(), domain: domain.to_vec(), found: first }]);
    // What can't be split any further keeps its bound.
    let mut settled = 0.0_f64;
    // The bound at the last gain, and how many boxes there were.
    let mut gained = (f64::INFINITY, 0);
    let patience = if domain.len() > MANY_INPUTS { PATIENCE_OF_MANY } else { PATIENCE };
    while let Some(part) = queue.pop() {
        let within = tolerance.is_some_and(|tolerance| part.bound <= tolerance);
        let beyond = tolerance.is_some_and(|tolerance| found.least > tolerance);
        let near = part.bound <= found.least * NEAR && tolerance.is_none_or(|t| found.least > t);
        let share = if tolerance.is_none() { 0.9 } else { 0.99 };
        if part.bound < share * gained.0 {
            gained = (part.bound, found.parts);
        }
        // With few inputs and a tolerance more boxes may still decide.
        let stalls = found.parts > gained.1 + gained.1 / 2 + patience
            && (tolerance.is_none() || domain.len() > MANY_INPUTS);
        if within || beyond || near || stalls || !go_on(found.parts) {
            settled = settled.max(part.bound);
            break;
        }
        let Some(input) = widest(&part, domain) else {
            settled = settled.max(part.bound);
            continue;
        };
        let x = part.domain[input];
        let middle = x.middle();
        for side in [Interval::of(x.lo(), middle), Interval::of(middle, x.hi())] {
            let mut half = part.domain.clone();
            half[input] = side;
            let difference = examine(&half)?;
            found.parts += 1;
            look(a, b, &difference.corner, &mut found);
            let bound = difference.bound().min(part.bound);
            queue.push(Part { bound, domain: half, found: difference });
        }
    }
    found.bound = settled.max(queue.peek().map_or(0.0, |part| part.bound));
    Ok(found)
}

struct Part {
    bound: f64,
    domain: Vec<Interval>,
    found: Difference,
}

impl PartialEq for Part {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Part {}

impl PartialOrd for Part {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Part {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bound.total_cmp(&other.bound)
    }
}

/// The input along which the bound falls most over its interval; a share goes by width alone, so that none starves.
fn widest(part: &Part, whole: &[Interval]) -> Option<usize> {
    let width = |x: Interval| x.hi() - x.lo();
    let total: f64 =
        part.found.slopes.iter().zip(&part.domain).map(|(slope, x)| slope * width(*x)).sum();
    let score = |at: usize| {
        let x = part.domain[at];
        let share = if total > 0.0 { part.found.slopes[at] * width(x) / total } else { 0.0 };
        share + 0.25 * width(x) / width(whole[at]).max(f64::MIN_POSITIVE)
    };
    (0..part.domain.len())
        .filter(|&at| {
            let x = part.domain[at];
            x.middle() > x.lo() && x.middle() < x.hi()
        })
        .max_by(|&a, &b| score(a).total_cmp(&score(b)))
}

/// Roughly the differences of all outputs at `x`; keeps `x` where one is the greatest so far.
fn look(a: &Network, b: &Network, x: &[f64], found: &mut Narrowed) -> (usize, f64) {
    let (y, z) = (float::values(a, x), float::values(b, x));
    let mut worst = (0, 0.0_f64);
    for (output, (y, z)) in y[a.output].iter().zip(&z[b.output]).enumerate() {
        if (z - y).abs() > worst.1.abs() {
            worst = (output, z - y);
        }
    }
    if worst.1.abs() > found.least {
        found.least = worst.1.abs();
        found.seen = x.to_vec();
    }
    worst
}

/// Follows the gradient of the greatest difference from a few starting points, to the corners it points to.
fn climb(a: &Network, b: &Network, domain: &[Interval], corner: &[f64], found: &mut Narrowed) {
    let middle: Vec<f64> = domain.iter().map(|x| x.middle()).collect();
    for start in [corner.to_vec(), middle] {
        let mut x = start;
        let mut step = 1.0;
        for _ in 0..12 {
            let (output, change) = look(a, b, &x, found);
            let (y, z) = (float::values(a, &x), float::values(b, &x));
            let mut weights = vec![0.0; a.outputs()];
            weights[output] = if change < 0.0 { -1.0 } else { 1.0 };
            let (down, up) = (float::gradient(a, &y, &weights), float::gradient(b, &z, &weights));
            for (((x, range), down), up) in x.iter_mut().zip(domain).zip(&down).zip(&up) {
                let move_by = step * (range.hi() - range.lo());
                let slope = up - down;
                if slope != 0.0 && move_by.is_finite() {
                    *x = (*x + move_by * slope.signum()).clamp(range.lo(), range.hi());
                }
            }
            step *= 0.7;
        }
        look(a, b, &x, found);
    }
}
