//! What a search notes of its parts, for a proof that others can check.

use crate::prove::crown::Split;
use crate::prove::substitute::Form;
use crate::prove::{Interval, Network, Step};

/// Multipliers of linear forms, by their numbers: `choice·n + row` for constraint `row` of `n` with slopes `choice`
/// (longer, chord, shorter branch), `3·n + k` for the k-th kink that is held to a side on the way to the part.
pub type Sum = Vec<(usize, f64)>;

/// How each case of a property was decided.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Recording {
    /// For each case its parts, each before its halves, the lower or active half first.
    pub cases: Vec<Vec<Recorded>>,
}

/// What was done with one part.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    /// The sums that, with each form by itself, cut the part's box, one round after another.
    pub rounds: Vec<Sum>,
    /// What followed.
    pub then: Then,
}

impl Recorded {
    /// Of a search that notes nothing.
    pub(super) fn unnoted() -> Self {
        Recorded { rounds: vec![], then: Then::Free(vec![]) }
    }
}

/// What followed on the cuts of a part.
#[derive(Clone, Debug, PartialEq)]
pub enum Then {
    /// This sum shows that it has no counterexample; an empty one, that the cuts or the bounds leave no input.
    Free(Sum),
    /// It was cut at a value of an input.
    Input {
        /// The input.
        input: usize,
        /// The value.
        at: f64,
    },
    /// It was cut by the sign of what a unit of the kinks' k-th layer is given.
    Kink {
        /// k.
        kink: usize,
        /// The unit.
        unit: usize,
    },
}

/// The records of a search, by the numbers of its parts.
#[derive(Debug, Default)]
pub(super) struct Records {
    /// Each part's record, and the number of its first half; its second is the next.
    parts: Vec<Option<(Recorded, usize)>>,
    pub(super) bytes: usize,
}

impl Records {
    /// The number of a new part.
    pub(super) fn number(&mut self) -> usize {
        self.parts.push(None);
        self.bytes += size_of::<Option<(Recorded, usize)>>();
        self.parts.len() - 1
    }

    pub(super) fn note(&mut self, part: usize, recorded: Recorded, first_half: usize) {
        let last = if let Then::Free(last) = &recorded.then { last.len() } else { 0 };
        let numbers: usize = recorded.rounds.iter().map(Vec::len).sum::<usize>() + last;
        self.bytes +=
            numbers * size_of::<(usize, f64)>() + recorded.rounds.len() * size_of::<Sum>();
        self.parts[part] = Some((recorded, first_half));
    }

    /// The trees of the parts `0..cases`; `None` when a part was left open.
    pub(super) fn trees(mut self, cases: usize) -> Option<Recording> {
        let mut recording = Recording::default();
        for case in 0..cases {
            let (mut nodes, mut open) = (vec![], vec![case]);
            while let Some(part) = open.pop() {
                let (recorded, first) = self.parts.get_mut(part)?.take()?;
                if !matches!(recorded.then, Then::Free(_)) {
                    open.extend([first + 1, first]);
                }
                nodes.push(recorded);
            }
            recording.cases.push(nodes);
        }
        Some(recording)
    }
}

/// Which layer of kinks reads `layer`, counted among all.
pub(super) fn kink_of(network: &Network, layer: usize) -> usize {
    let mut read: Vec<usize> = network
        .layers()
        .iter()
        .filter_map(|layer| match layer.step {
            Step::Kink { of, .. } => Some(of),
            Step::Input | Step::Affine(_) | Step::Smooth { .. } | Step::Product { .. } => None,
        })
        .collect();
    read.sort_unstable();
    read.dedup();
    read.iter().position(|of| *of == layer).unwrap_or(usize::MAX)
}

/// The multipliers that aren't 0, of `all` forms of constraints and then those of `splits` in the order of their layers.
pub(super) fn sum(weights: &[f64], all: usize, splits: &[Split]) -> Sum {
    let mut order: Vec<usize> = (0..splits.len()).collect();
    order.sort_by_key(|&at| splits[at].layer);
    let number = |at: usize| if at < all { at } else { all + order[at - all] };
    let used = weights.iter().enumerate().filter(|(_, weight)| **weight > 0.0);
    used.map(|(at, &weight)| (number(at), weight)).collect()
}

/// Whether `form` is above 0 on the box by more than another's rounding.
pub(super) fn is_clear(form: &Form, domain: &[Interval]) -> bool {
    let terms = form.coefficients.iter().zip(domain);
    let size: f64 = terms.map(|(&a, x)| if a == 0.0 { 0.0 } else { a.abs() * x.magnitude() }).sum();
    form.least(domain) > 1e-10 * (size + form.constant.abs())
}
