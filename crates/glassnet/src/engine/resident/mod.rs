//! Training steps of the smallest networks: parameters, optimiser state, every value and gradient in one register each.
//!
//! A step of a network of some dozen parameters takes a few hundred cycles, most of which are spent waiting for one
//! result before the next operation can begin. What else is done per step must fit into the gaps: so the parameters stay
//! in a register from step to step, nothing goes through memory that the next operation waits for, and many steps are
//! done in one call ([`Resident::run`]).
//!
//! The program is made from the plan's own instructions, if every one of them has a counterpart here; a network that is
//! too large, or has an operation that isn't here, keeps its instructions. Each element is computed by the same
//! operations in the same order, so the bits are the same.

mod read;
mod run;

use super::feed::InputPlace;
use super::kernels::LANES;
use super::memory::{Block, Memory};
use super::place::Slot;
use super::rule::{Rule, SLOTS};
use super::tiny::{Rows, has_rule};
use super::{Plan, ValuePlace};
use run::Job;

/// The most values that a step may have, the input included.
const MOST_VALUES: usize = 12;

/// A training step in registers of [`LANES`] numbers.
#[derive(Clone, Debug)]
pub(super) struct Resident {
    parameters: usize,
    /// The input that is fed, and the width of its rows.
    input: u8,
    width: usize,
    target: Slot,
    batch: usize,
    forward: Vec<Product>,
    entropy: Entropy,
    backward: Vec<Product>,
    gradients: Vec<Gradient>,
}

/// A value: a product of another one with parameters.
#[derive(Clone, Debug)]
struct Product {
    a: Lanes,
    b: Lanes,
    terms: usize,
    bias: Option<[u32; LANES]>,
    then: Then,
    /// The value's number.
    out: u8,
}

/// The elements that the lanes of a product take of an operand.
#[derive(Clone, Debug)]
struct Lanes {
    from: From,
    /// Each lane's in the sum's first term, and how much further in each later one.
    first: [u32; LANES],
    step: u32,
}

/// Where an operand is.
#[derive(Clone, Copy, Debug, PartialEq)]
enum From {
    /// What was computed just before.
    Previous,
    Value(u8),
    Parameters,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Then {
    Nothing,
    Relu,
    Tanh,
    Sigmoid,
    /// The backward mask of a ReLU from its output.
    Stop(u8),
    /// Times the derivative, from the output.
    TimesTanh(u8),
    TimesSigmoid(u8),
}

/// Cross-entropy of scores.
#[derive(Clone, Debug)]
struct Entropy {
    rows: Rows,
    scores: From,
    above: Slot,
    /// Where the loss goes in the plan's memory.
    value: Slot,
    out: u8,
}

/// The gradient of some parameters: sums over the batch's rows of products of two values.
#[derive(Clone, Debug)]
struct Gradient {
    a: Lanes,
    b: Lanes,
    terms: usize,
    /// The parameters whose gradient it gives, and those of them for which `b` is 1: biases.
    lanes: u16,
    ones: u16,
}

/// Batches to be trained on one after the other.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batches<'a> {
    /// The table: rows of numbers, and each row's class.
    pub(crate) features: &'a [f32],
    pub(crate) classes: &'a [i64],
    /// The numbers of the batches' rows within the table, batch by batch.
    pub(crate) rows: &'a [usize],
    /// Whether each row is the one after the row before it.
    pub(crate) in_order: bool,
}

impl Plan {
    /// Whether there are an input and a rule for which the plan [is resident](Plan::is_resident).
    pub(crate) fn may_be_resident(&self) -> bool {
        self.schedule.resident.is_some()
    }

    /// Whether [`Plan::steps`] can do many steps by `rule` at once, on batches of rows for `features` and `classes`.
    pub(crate) fn is_resident(
        &self,
        features: InputPlace,
        classes: ValuePlace,
        rule: &Rule,
    ) -> bool {
        self.schedule.resident.as_ref().is_some_and(|resident| {
            resident.input == features.number && resident.target == classes.0 && has_rule(rule)
        })
    }

    /// Does one step after the other as [`Plan::step`] does, by a rule each, and writes down their losses. Stops before a
    /// step whose loss is not finite, or whose batch has a class that is ignored or does not exist: [`Plan::step`] has to do
    /// it. Gives how many steps were done; the memory then holds the last one's gradients and loss.
    ///
    /// # Panics
    /// When the plan is not [resident](Plan::is_resident), or lengths don't fit.
    pub(crate) fn steps(
        &self,
        block: &mut Block,
        memory: &mut Memory,
        batches: &Batches<'_>,
        rules: &[Rule],
        slots: [&mut [f32]; SLOTS],
        losses: &mut [f32],
    ) -> usize {
        let Some(resident) = &self.schedule.resident else {
            unreachable!("the plan is resident");
        };
        assert_eq!(memory.work.len(), self.lengths.work, "the memory belongs to the plan");
        let (parameters, work) = (block.parameters_mut(), &mut memory.work[..]);
        let job = Job { batches, rules, parameters, slots, work, losses };
        resident.run(self.level, job)
    }
}
