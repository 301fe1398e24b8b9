//! Branch and bound: boxes and sides of kinks are split until every part is shown to have no counterexample, one is found,
//! or the caller has waited long enough.

mod attack;
mod part;

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use self::part::{Examined, Part, Problem};
use super::exact::Enclosure;
use super::{Network, Property, Semantics};
use crate::error::Result;

/// How a property is to be proven.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Which execution the proof is about.
    pub semantics: Semantics,
    /// How many starting points the search for counterexamples takes before anything is split.
    pub attacks: usize,
    /// The greatest number of parts that are open at a time; at more the answer is unknown.
    pub most_parts: usize,
}

impl Default for Config {
    fn default() -> Self {
        Config { semantics: Semantics::default(), attacks: 24, most_parts: 1 << 20 }
    }
}

/// The answer to a property.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// No input in the box is a counterexample.
    Holds,
    /// This is a counterexample, by exact evaluation over the reals.
    Violated(Witness),
    /// Neither was shown.
    Unknown,
}

/// A counterexample.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The input, inside the box.
    pub input: Vec<f64>,
    /// Whether each number of it is an f32; a box may hold none.
    pub is_f32: bool,
    /// The network's outputs, exactly.
    pub outputs: Vec<Enclosure>,
    /// Which case of the property it solves.
    pub case: usize,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The answer.
    pub verdict: Verdict,
    /// Of all parts that were not shown to be free of counterexamples, the least amount by which any input in them is known
    /// to miss the constraints: negative or 0 while it is unknown. Infinite when nothing is open.
    pub bound: f64,
    /// How many parts were examined.
    pub parts: u64,
    /// The share of the boxes' volume that is proven, by halves.
    pub proven: f64,
}

/// Where a search stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// How many parts were examined.
    pub parts: u64,
    /// How many parts are open.
    pub open: usize,
    /// The share of the whole that is proven, by halves.
    pub proven: f64,
}

/// Whether `property` holds of `network`. `go_on` is asked after every part; when it says no, the answer is unknown.
///
/// # Errors
/// When the property speaks of inputs or outputs that the network doesn't have ([`Property::check`]).
///
/// ```
/// use glassnet::graph::Shape;
/// use glassnet::nn::{self, Mode, Network};
/// use glassnet::prove::{self, Case, Config, Constraint, Interval, Property, Verdict, Weight};
/// let net = Network::new(nn::parse("2-8-1")?, 0)?;
/// let graph = net.module().graph(Shape::batch([2]), Mode::Eval)?;
/// let net = prove::lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))?;
/// // A counterexample would be an input in [-1, 1]² with an output of at least 10: 10 − y ≤ 0.
/// let constraint = Constraint { outputs: vec![(0, -1.0)], constant: 10.0, ..Constraint::default() };
/// let domain = vec![Interval::new(-1.0, 1.0)?; 2];
/// let property = Property { cases: vec![Case { domain, constraints: vec![constraint] }] };
/// let outcome = prove::prove(&net, &property, &Config::default(), &mut |_| true)?;
/// assert_eq!(outcome.verdict, Verdict::Holds);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn prove(
    network: &Network,
    property: &Property,
    config: &Config,
    go_on: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Outcome> {
    property.check(network)?;
    let mut outcome =
        Outcome { verdict: Verdict::Holds, bound: f64::INFINITY, parts: 0, proven: 1.0 };
    // Counterexamples are looked for in every case before any is proven.
    let problems: Vec<Problem<'_>> = property
        .cases
        .iter()
        .enumerate()
        .map(|(at, case)| Problem::new(network, case, at, config))
        .collect();
    for problem in &problems {
        if !go_on(&Progress { parts: 0, open: problems.len(), proven: 0.0 }) {
            break;
        }
        if let Some(witness) = problem.attack(config.attacks) {
            return Ok(Outcome { verdict: Verdict::Violated(witness), proven: 0.0, ..outcome });
        }
    }
    let share = 1.0 / problems.len().max(1) as f64;
    let mut proven = 0.0;
    for (done, problem) in problems.iter().enumerate() {
        let mut queue = BinaryHeap::from([Queued(Part::whole(problem, share))]);
        while let Some(Queued(part)) = queue.pop() {
            outcome.parts += 1;
            let progress = Progress {
                parts: outcome.parts,
                open: queue.len() + problems.len() - done,
                proven,
            };
            if !go_on(&progress) || queue.len() > config.most_parts {
                outcome.verdict = Verdict::Unknown;
                outcome.proven = proven;
                outcome.bound = outcome.bound.min(part.bound);
                return Ok(outcome);
            }
            match problem.examine(&part) {
                Examined::Free => proven += part.share,
                Examined::Witness(witness) => {
                    outcome.verdict = Verdict::Violated(witness);
                    outcome.proven = proven;
                    return Ok(outcome);
                }
                Examined::Split(halves) => queue.extend(halves.into_iter().map(Queued)),
                // Nothing is left to split: the rest of the search can still find a counterexample.
                Examined::Open(bound) => {
                    outcome.verdict = Verdict::Unknown;
                    outcome.bound = outcome.bound.min(bound);
                }
            }
        }
    }
    outcome.proven = if outcome.verdict == Verdict::Holds { 1.0 } else { proven };
    Ok(outcome)
}

/// Parts in the order in which they are examined: the worst bound first.
struct Queued(Part);

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.bound.total_cmp(&self.0.bound)
    }
}
