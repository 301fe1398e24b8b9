//! Whether an output never falls where one input grows, on a whole box.
//!
//! # The lemma
//! Along a line parallel to the input's axis a network of affine layers, kinks and differentiable functions is continuous and
//! differentiable but for places where the argument of a kink changes its sign. Where such an argument is 0 on a whole
//! stretch, its own derivative along the line is 0 there, and any slope of the kink gives the same product. So the
//! derivative is, almost everywhere, a sum of products in which every kink has one of its two slopes, and one that its side
//! allows. If no such sum is negative on any part of the box, the output is the integral of what isn't negative: it never
//! falls. A softplus with a threshold jumps there, so its slope counts as unknown where the threshold is within reach.
//!
//! The statement is about exact arithmetic: rounding may make any f32 sum fall by its last bit.
//!
//! # Method
//! Intervals of slopes, forward from the input and backward from the output; parts are halved along the input whose width
//! times slope is greatest, or, with many inputs, at the kink that leaves most open.

use std::collections::VecDeque;

use super::crown::{Bounds, Split};
use super::exact::{self, Enclosure};
use super::{Interval, Network, Progress, Semantics, Step, float, smooth};
use crate::error::{Error, Result};
use crate::graph::op::Activation;

/// With more inputs than this, kinks are split before inputs are.
const FEW_INPUTS: usize = 20;

/// What is to be shown: in this box, `Σ weights·outputs` never falls where the input `input` grows.
#[derive(Clone, Debug, PartialEq)]
pub struct Monotone {
    /// The box, an interval for each input.
    pub domain: Vec<Interval>,
    /// The input that grows.
    pub input: usize,
    /// The outputs with their factors.
    pub outputs: Vec<(usize, f64)>,
}

/// The answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Direction {
    /// It never falls.
    Holds,
    /// It falls from the first of these points to the second, which differ in that input only.
    Falls(Box<Fall>),
    /// Neither was shown.
    Unknown,
}

/// Two points between which the sum falls, by exact evaluation.
#[derive(Clone, Debug, PartialEq)]
pub struct Fall {
    /// Where the input is less.
    pub from: Vec<f64>,
    /// Where it is greater.
    pub to: Vec<f64>,
    /// The sum there.
    pub before: Enclosure,
    /// The sum here.
    pub after: Enclosure,
}

/// The answer and what it took.
#[derive(Clone, Debug, PartialEq)]
pub struct Rise {
    /// The answer.
    pub direction: Direction,
    /// How many parts were examined.
    pub parts: u64,
    /// The share of the box that is proven, by halves.
    pub proven: f64,
}

struct Part {
    domain: Vec<Interval>,
    splits: Vec<Split>,
    share: f64,
}

/// Whether the statement holds. `go_on` is asked after every part; when it says no, the answer is unknown.
///
/// # Errors
/// When the statement speaks of inputs or outputs that the network doesn't have.
///
/// ```
/// use glassnet::graph::Shape;
/// use glassnet::nn::{self, Mode, Network};
/// use glassnet::prove::{self, Direction, Interval, Monotone, Weight};
/// let net = Network::new(nn::parse("Sequential(Linear(1, 1, bias=False), ReLU())")?, 0)?;
/// let graph = net.module().graph(Shape::batch([1]), Mode::Eval)?;
/// let net = prove::lower(&graph, "x", "y", &|_| Ok(Weight::Within(Interval::new(0.5, 2.0)?)))?;
/// let domain = vec![Interval::new(-1.0, 1.0)?];
/// let statement = Monotone { domain, input: 0, outputs: vec![(0, 1.0)] };
/// // Whatever the weight is between 0.5 and 2, the output never falls.
/// assert_eq!(prove::monotone(&net, &statement, &mut |_| true)?.direction, Direction::Holds);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn monotone(
    network: &Network,
    statement: &Monotone,
    go_on: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Rise> {
    let fits = statement.domain.len() == network.inputs()
        && statement.input < network.inputs()
        && statement.outputs.iter().all(|&(at, w)| at < network.outputs() && w.is_finite());
    if !fits {
        return Err(Error::usage(
            "the statement speaks of inputs or outputs that the network lacks",
        ));
    }
    let mut weights = vec![0.0; network.outputs()];
    statement.outputs.iter().for_each(|&(at, factor)| weights[at] += factor);
    let problem = Problem { network, statement, weights };
    let mut rise = Rise { direction: Direction::Holds, parts: 0, proven: 0.0 };
    if let Some(fall) = problem.attack() {
        return Ok(Rise { direction: Direction::Falls(Box::new(fall)), ..rise });
    }
    let whole = Part { domain: statement.domain.clone(), splits: vec![], share: 1.0 };
    let mut open = VecDeque::from([whole]);
    while let Some(part) = open.pop_front() {
        rise.parts += 1;
        let progress = Progress { parts: rise.parts, open: open.len(), proven: rise.proven };
        if !go_on(&progress) || open.len() > 1 << 18 {
            rise.direction = Direction::Unknown;
            return Ok(rise);
        }
        match problem.examine(&part) {
            Examined::Proven => rise.proven += part.share,
            Examined::Falls(fall) => {
                rise.direction = Direction::Falls(Box::new(fall));
                return Ok(rise);
            }
            Examined::Halves(halves) => open.extend(halves),
            Examined::Open => rise.direction = Direction::Unknown,
        }
    }
    if rise.direction == Direction::Holds {
        rise.proven = 1.0;
    }
    Ok(rise)
}

enum Examined {
    Proven,
    Falls(Fall),
    Halves([Part; 2]),
    Open,
}

struct Problem<'a> {
    network: &'a Network,
    statement: &'a Monotone,
    weights: Vec<f64>,
}

/// The slopes that each unit of a function's layer may have.
type Slopes = Vec<Vec<Interval>>;

impl Problem<'_> {
    fn examine(&self, part: &Part) -> Examined {
        let network = self.network;
        let Some(bounds) = Bounds::new(network, &part.domain, &part.splits, None, Semantics::Real)
        else {
            return Examined::Proven;
        };
        let slopes = self.slopes(&bounds);
        let forward = self.forward(&slopes, &bounds);
        let backward = self.backward(&slopes, &bounds);
        let summed = |values: &[Interval]| {
            let terms = values.iter().zip(&self.weights).filter(|(_, w)| **w != 0.0);
            terms.fold(Interval::point(0.0), |sum, (x, &w)| sum.plus(x.times(Interval::point(w))))
        };
        let ends = [summed(&forward[network.output()]), backward[0][self.statement.input]];
        let least = ends[0].lo().max(ends[1].lo());
        if least >= 0.0 {
            return Examined::Proven;
        }
        let middle: Vec<f64> = part.domain.iter().map(|x| x.middle()).collect();
        if let Some(fall) = self.fall(&middle) {
            return Examined::Falls(fall);
        }
        if part.domain.len() > FEW_INPUTS
            && let Some((layer, unit)) = self.widest_unit(&bounds, &slopes, &forward, &backward)
        {
            let half = |positive| Part {
                domain: part.domain.clone(),
                splits: part
                    .splits
                    .iter()
                    .copied()
                    .chain([Split { layer, unit, positive }])
                    .collect(),
                share: part.share / 2.0,
            };
            return Examined::Halves([half(true), half(false)]);
        }
        let Some(input) = self.widest_input(part, &bounds, &slopes, &forward, &backward) else {
            return Examined::Open;
        };
        let x = part.domain[input];
        let cut = match (x.lo().is_finite(), x.hi().is_finite()) {
            (true, true) => x.middle(),
            (true, false) => (x.lo() + 1.0).max(2.0 * x.lo()),
            (false, true) => (x.hi() - 1.0).min(2.0 * x.hi()),
            (false, false) => 0.0,
        };
        let half = |side: Interval| {
            let mut domain = part.domain.clone();
            domain[input] = side;
            Part { domain, splits: part.splits.clone(), share: part.share / 2.0 }
        };
        Examined::Halves([half(Interval::of(x.lo(), cut)), half(Interval::of(cut, x.hi()))])
    }

    fn slopes(&self, bounds: &Bounds) -> Slopes {
        let of_layer = |layer: &super::Layer| match &layer.step {
            Step::Input | Step::Affine(_) => vec![],
            Step::Kink { of, below, above } => bounds.units[*of]
                .iter()
                .map(|z| {
                    let (below, above) = (Interval::point(*below), Interval::point(*above));
                    if z.lo() >= 0.0 {
                        above
                    } else if z.hi() <= 0.0 {
                        below
                    } else {
                        below.hull(above)
                    }
                })
                .collect(),
            Step::Smooth { of, function } => {
                bounds.units[*of].iter().map(|&z| slope(*function, z)).collect()
            }
            // Towards the first factors; towards the second these are the slopes of the first.
            Step::Product { right, .. } => bounds.units[*right].clone(),
        };
        self.network.layers.iter().map(of_layer).collect()
    }

    /// Of each unit the derivative towards the input.
    fn forward(&self, slopes: &Slopes, bounds: &Bounds) -> Vec<Vec<Interval>> {
        let zero = Interval::point(0.0);
        let mut found: Vec<Vec<Interval>> = vec![];
        for (at, layer) in self.network.layers.iter().enumerate() {
            let next = match &layer.step {
                Step::Input => (0..layer.size)
                    .map(|at| if at == self.statement.input { Interval::point(1.0) } else { zero })
                    .collect(),
                Step::Affine(affine) => (0..layer.size)
                    .map(|row| {
                        let mut sum = zero;
                        for term in &affine.terms {
                            for (column, weight) in term.weights(row) {
                                let unit = found[term.layer][column];
                                if unit != zero {
                                    sum = sum.plus(weight.times(unit));
                                }
                            }
                        }
                        sum
                    })
                    .collect(),
                Step::Kink { of, .. } | Step::Smooth { of, .. } => found[*of]
                    .iter()
                    .zip(&slopes[at])
                    .map(|(unit, slope)| if *unit == zero { zero } else { unit.times(*slope) })
                    .collect(),
                Step::Product { left, right } => (0..layer.size)
                    .map(|unit| {
                        let first = found[*left][unit].times(slopes[at][unit]);
                        first.plus(found[*right][unit].times(bounds.units[*left][unit]))
                    })
                    .collect(),
            };
            found.push(next);
        }
        found
    }

    /// Of the sum the derivative towards each unit.
    fn backward(&self, slopes: &Slopes, bounds: &Bounds) -> Vec<Vec<Interval>> {
        let zero = Interval::point(0.0);
        let layers = &self.network.layers;
        let mut found: Vec<Vec<Interval>> =
            layers.iter().map(|layer| vec![zero; layer.size]).collect();
        found[self.network.output] = self.weights.iter().map(|&w| Interval::point(w)).collect();
        for at in (1..=self.network.output).rev() {
            let own = found[at].clone();
            match &layers[at].step {
                Step::Input => {}
                Step::Affine(affine) => {
                    for (row, unit) in own.iter().enumerate().filter(|(_, unit)| **unit != zero) {
                        for term in &affine.terms {
                            for (column, weight) in term.weights(row) {
                                let sum = &mut found[term.layer][column];
                                *sum = sum.plus(weight.times(*unit));
                            }
                        }
                    }
                }
                Step::Kink { of, .. } | Step::Smooth { of, .. } => {
                    for (unit, (own, slope)) in own.iter().zip(&slopes[at]).enumerate() {
                        if *own != zero {
                            let sum = &mut found[*of][unit];
                            *sum = sum.plus(own.times(*slope));
                        }
                    }
                }
                Step::Product { left, right } => {
                    for (unit, own) in own.iter().enumerate().filter(|(_, own)| **own != zero) {
                        for (of, slope) in [(*left, *right), (*right, *left)] {
                            let more = own.times(bounds.units[slope][unit]);
                            found[of][unit] = found[of][unit].plus(more);
                        }
                    }
                }
            }
        }
        found
    }

    /// What an open function costs: how far its slope is open, times what comes into it and what it goes on to.
    fn cost(
        &self,
        at: usize,
        unit: usize,
        slopes: &Slopes,
        forward: &[Vec<Interval>],
        backward: &[Vec<Interval>],
    ) -> f64 {
        let (Step::Kink { of, .. } | Step::Smooth { of, .. }) = &self.network.layers[at].step
        else {
            return 0.0;
        };
        let slope = slopes[at][unit];
        let open = if slope.is_finite() { slope.hi() - slope.lo() } else { 1e9 };
        let cost = open * forward[*of][unit].magnitude() * backward[at][unit].magnitude();
        if cost.is_finite() { cost } else { 1e30 }
    }

    fn widest_unit(
        &self,
        bounds: &Bounds,
        slopes: &Slopes,
        forward: &[Vec<Interval>],
        backward: &[Vec<Interval>],
    ) -> Option<(usize, usize)> {
        let mut best: Option<(f64, (usize, usize))> = None;
        for (at, layer) in self.network.layers.iter().enumerate() {
            let Step::Kink { of, .. } = &layer.step else { continue };
            for (unit, z) in bounds.units[*of].iter().enumerate() {
                if z.lo() >= 0.0 || z.hi() <= 0.0 {
                    continue;
                }
                let cost = self.cost(at, unit, slopes, forward, backward);
                if cost > 0.0 && best.is_none_or(|(most, _)| cost > most) {
                    best = Some((cost, (*of, unit)));
                }
            }
        }
        best.map(|(_, unit)| unit)
    }

    /// The input that moves the arguments of costly functions most.
    fn widest_input(
        &self,
        part: &Part,
        bounds: &Bounds,
        slopes: &Slopes,
        forward: &[Vec<Interval>],
        backward: &[Vec<Interval>],
    ) -> Option<usize> {
        let layers = &self.network.layers;
        // How much each unit matters: its function's cost as a share of how wide its argument is, spread backwards.
        let mut weight: Vec<Vec<f64>> = layers.iter().map(|layer| vec![0.0; layer.size]).collect();
        for at in (1..layers.len()).rev() {
            match &layers[at].step {
                Step::Input => {}
                Step::Affine(affine) => {
                    let own = std::mem::take(&mut weight[at]);
                    for (row, own) in own.iter().enumerate().filter(|(_, own)| **own > 0.0) {
                        for term in &affine.terms {
                            for (column, w) in term.matrix.row(row) {
                                weight[term.layer][column] += own * w.abs();
                            }
                        }
                    }
                }
                Step::Kink { of, .. } | Step::Smooth { of, .. } => {
                    for unit in 0..layers[at].size {
                        let z = bounds.units[*of][unit];
                        let width = (z.hi() - z.lo()).max(f64::MIN_POSITIVE);
                        let cost = self.cost(at, unit, slopes, forward, backward);
                        let steep = slopes[at][unit].magnitude().min(1e9);
                        weight[*of][unit] += cost / width + weight[at][unit] * steep;
                    }
                }
                Step::Product { left, right } => {
                    for unit in 0..layers[at].size {
                        for (of, other) in [(*left, *right), (*right, *left)] {
                            // The slope towards one factor is the other, which is what is to be made narrow.
                            weight[other][unit] += forward[of][unit].magnitude().min(1e9)
                                * backward[at][unit].magnitude().min(1e9);
                            let slope = bounds.units[other][unit].magnitude().min(1e9);
                            weight[of][unit] += weight[at][unit] * slope;
                        }
                    }
                }
            }
        }
        let width = |x: Interval| if x.is_finite() { x.hi() - x.lo() } else { 1e30 };
        let whole = &self.statement.domain;
        let inputs = 0..part.domain.len();
        let total: f64 = inputs.clone().map(|at| width(part.domain[at]) * weight[0][at]).sum();
        let score = |at: usize| {
            let own = width(part.domain[at]);
            let relative = own / width(whole[at]).max(f64::MIN_POSITIVE);
            let smear =
                if total > 0.0 && total.is_finite() { own * weight[0][at] / total } else { 0.0 };
            smear + 0.02 * relative
        };
        inputs
            .filter(|&at| {
                let x = part.domain[at];
                !x.is_finite() || (x.middle() > x.lo() && x.middle() < x.hi())
            })
            .max_by(|&a, &b| score(a).total_cmp(&score(b)))
    }

    /// Looks for a fall at points of the box from a fixed stream.
    fn attack(&self) -> Option<Fall> {
        const TRIES: usize = 400;
        let domain = &self.statement.domain;
        let mut state = 0x2545_f491_4f6c_dd1d_u64;
        (0..TRIES).find_map(|attempt| {
            let x: Vec<f64> = domain
                .iter()
                .map(|x| {
                    state ^= state << 13;
                    state ^= state >> 7;
                    state ^= state << 17;
                    let share = (state >> 11) as f64 / (1_u64 << 53) as f64;
                    if attempt == 0 || !x.is_finite() {
                        return x.middle();
                    }
                    (x.lo() + share * (x.hi() - x.lo())).clamp(x.lo(), x.hi())
                })
                .collect();
            self.fall(&x)
        })
    }

    /// Two points around `x` between which the sum falls exactly, where it seems to.
    fn fall(&self, x: &[f64]) -> Option<Fall> {
        let values = float::values(self.network, x);
        let slope = float::gradient(self.network, &values, &self.weights)[self.statement.input];
        if slope.is_nan() || slope >= 0.0 {
            return None;
        }
        let range = self.statement.domain[self.statement.input];
        let at = x[self.statement.input];
        let wide = if range.is_finite() { range.hi() - range.lo() } else { 1.0 + at.abs() };
        [1e-1, 1e-2, 1e-3, 1e-4, 1e-5].into_iter().find_map(|share| {
            let near = |to: f64| {
                let mut point: Vec<f64> = x
                    .iter()
                    .zip(&self.statement.domain)
                    .map(|(&x, range)| narrow(x, *range))
                    .collect();
                point[self.statement.input] = narrow(to.clamp(range.lo(), range.hi()), range);
                point
            };
            let (from, to) = (near(at - share * wide), near(at + share * wide));
            self.check(from, to)
        })
    }

    fn check(&self, from: Vec<f64>, to: Vec<f64>) -> Option<Fall> {
        fall_between(self.network, &self.statement.outputs, from, to)
    }
}

/// The fall of `Σ factors·outputs` from one point to another, if exact evaluation shows it.
pub fn fall_between(
    network: &Network,
    outputs: &[(usize, f64)],
    from: Vec<f64>,
    to: Vec<f64>,
) -> Option<Fall> {
    let sum = |x: &[f64]| {
        let y = exact::evaluate(network, x).ok()?;
        let zero = exact::Dyadic::zero();
        let mut sum = Enclosure { lo: zero.clone(), hi: zero };
        for &(at, factor) in outputs {
            let factor = exact::Dyadic::from_f64(factor)?;
            let (a, b) = (factor.times(&y.get(at)?.lo), factor.times(&y.get(at)?.hi));
            let (a, b) = if a <= b { (a, b) } else { (b, a) };
            sum = Enclosure { lo: sum.lo.plus(&a), hi: sum.hi.plus(&b) };
        }
        Some(sum)
    };
    let (before, after) = (sum(&from)?, sum(&to)?);
    (after.hi < before.lo).then_some(Fall { from, to, before, after })
}

/// The f32 near `x` in a range, or `x` itself.
fn narrow(x: f64, range: Interval) -> f64 {
    let near = f64::from(x as f32);
    if near.is_finite() && range.contains(near) { near } else { x }
}

/// All derivatives of a function over `z`.
fn slope(function: Activation, z: Interval) -> Interval {
    if smooth::jump(function, z) > 0.0 { Interval::ALL } else { smooth::derivative(function, z) }
}
