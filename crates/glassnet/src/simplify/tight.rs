//! What units are given on a bounded domain, more tightly than by intervals: by substituting backwards (CROWN), and for
//! small networks by splitting inputs and kinks.

use super::bounds::Domain;
use super::chain::Chain;
use super::proof::node;
use crate::checker::proof::Node;
use crate::error::Result;
use crate::graph::Place;
use crate::nn::{Mode, Network};
use crate::prove::{
    self, Case, Config, Constraint, Interval, Property, Search, Semantics, Step, Verdict, Weight,
};

/// Products that splitting may cost in all, and the most parts that one question is split into.
const MOST_WORK: f64 = 4e9;
const MOST_PARTS: u64 = 400;
const LEAST_PARTS: u64 = 16;

/// A network in the prover's form, and intervals of all units.
pub(super) struct Tight {
    network: prove::Network,
    domain: Vec<Interval>,
    units: Vec<Vec<Interval>>,
}

/// What the sides of a kink are known to do.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Sides {
    /// z is below 0 everywhere; so many parts showed it, by this tree where one was asked for.
    Negative(u64, Vec<Node>),
    /// z is above 0 everywhere.
    Positive(u64, Vec<Node>),
    /// z is above 0 for one input and below 0 for another, exactly evaluated.
    Both,
    /// Not decided within the budget.
    Unknown,
}

/// Where a sign holds that so many parts showed, in words.
pub(super) fn in_parts(parts: u64) -> String {
    match parts {
        0 | 1 => "everywhere on the domain, bounded in one part".to_owned(),
        _ => format!("in each of {parts} parts of the domain"), // not operations: a count
    }
}

/// A network in the prover's form.
pub(super) fn proved(network: &Network) -> Result<prove::Network> {
    let shape = network.module().input_shape().ok_or_else(|| {
        crate::Error::unsupported("a network of unknown width", "units", "its input has no size")
    })?;
    let graph = network.module().graph(shape, Mode::Eval)?;
    let state = network.state_dict();
    prove::lower(&graph, "x", "y", &|key| state.floats(key).map(Weight::Fixed))
}

/// For each layer of the chain the prover's layer that gives the input of its kink.
pub(super) fn places(chain: &Chain, network: &prove::Network) -> Vec<Option<usize>> {
    let place = |name: &String, width: usize| {
        network.layers().iter().find_map(|layer| match &layer.step {
            Step::Kink { of, .. } => {
                let own = matches!(&layer.origin.place, Place::Layer(path) if path == name);
                (own && network.layers()[*of].size == width).then_some(*of)
            }
            Step::Input | Step::Affine(_) | Step::Smooth { .. } | Step::Product { .. } => None,
        })
    };
    (0..chain.layers.len())
        .map(|at| chain.slopes(at).and_then(|slopes| place(&chain.layers[at].name, slopes.len())))
        .collect()
}

impl Tight {
    /// Of what is given at `places`; `None` where the domain is unbounded, or there are no places.
    pub(super) fn new(whole: &prove::Network, places: &[usize], domain: &Domain) -> Option<Self> {
        if !domain.is_bounded() {
            return None;
        }
        let domain: Vec<Interval> = domain
            .ends()
            .iter()
            .map(|(lo, hi)| Interval::new(*lo, *hi))
            .collect::<Result<_>>()
            .ok()?;
        // What stands behind the last kink that is asked about is not needed.
        let network = whole.up_to(*places.iter().max()?);
        let units = prove::bounds(&network, &domain, Semantics::Real).ok()?;
        Some(Tight { network, domain, units })
    }

    /// The interval of what a unit at a place is given.
    pub(super) fn given(&self, place: usize, unit: usize) -> Option<Interval> {
        self.units.get(place)?.get(unit).copied()
    }

    /// Splits for each of `open` (place, unit), within a budget for all of them, and notes how if `records` says so.
    pub(super) fn split(&self, open: &[(usize, usize)], records: bool) -> Vec<Sides> {
        let mut work = 1.0_f64;
        let mut products = 0.0;
        for layer in self.network.layers() {
            match &layer.step {
                Step::Affine(affine) => {
                    let own: f64 = affine
                        .terms
                        .iter()
                        .map(|term| (self.network.layers()[term.layer].size * layer.size) as f64)
                        .sum();
                    products += own;
                    work += own + 2.0 * layer.size as f64 * products;
                }
                Step::Input | Step::Kink { .. } | Step::Smooth { .. } | Step::Product { .. } => {}
            }
        }
        let parts = MOST_WORK / (4.0 * work * open.len().max(1) as f64);
        let parts = if parts >= MOST_PARTS as f64 { MOST_PARTS } else { parts as u64 };
        if parts < LEAST_PARTS {
            return vec![Sides::Unknown; open.len()];
        }
        let mut cut: Option<(usize, prove::Network)> = None;
        let mut found = vec![];
        for &(place, unit) in open {
            if cut.as_ref().is_none_or(|(at, _)| *at != place) {
                cut = Some((place, self.network.up_to(place)));
            }
            let Some((_, network)) = &cut else { continue };
            found.push(self.sides(network, unit, parts, records).unwrap_or(Sides::Unknown));
        }
        found
    }

    fn sides(
        &self,
        network: &prove::Network,
        unit: usize,
        most: u64,
        records: bool,
    ) -> Result<Sides> {
        let config =
            Config { semantics: Semantics::Real, attacks: 2, records, ..Config::default() };
        let mut seen = [false; 2];
        for (side, factor) in [-1.0, 1.0].into_iter().enumerate() {
            // An input that contradicts 'always below 0' has z ≥ 0, hence −z ≤ 0.
            let constraint = Constraint { outputs: vec![(unit, factor)], ..Constraint::default() };
            let case = Case { domain: self.domain.clone(), constraints: vec![constraint] };
            let property = Property { cases: vec![case] };
            let search = Search::new(network, &property, &config)?;
            search.work(&mut |progress| progress.parts < most);
            let (outcome, recording) = search.finish();
            match outcome.verdict {
                Verdict::Holds => {
                    let parts = outcome.parts.max(1);
                    let trees = recording.map(|recording| recording.cases).unwrap_or_default();
                    let tree = trees.into_iter().flatten().map(node).collect();
                    return Ok(match factor < 0.0 {
                        true => Sides::Negative(parts, tree),
                        false => Sides::Positive(parts, tree),
                    });
                }
                Verdict::Violated(witness) => {
                    let z = &witness.outputs[unit];
                    seen[side] = if factor < 0.0 { z.lo.is_positive() } else { z.hi.is_negative() };
                }
                Verdict::Unknown => {}
            }
        }
        Ok(if seen == [true, true] { Sides::Both } else { Sides::Unknown })
    }
}
