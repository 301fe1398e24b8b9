//! What an optimiser remembers from step to step.

use super::Optimizer;
use crate::engine::rule::{Rule, SLOTS};
use crate::error::{Error, Result};

/// What an optimiser remembers: the number of steps taken, and one number per parameter in each slot.
///
/// Slots have PyTorch's names (`momentum_buffer`, `exp_avg`, `exp_avg_sq`, `max_exp_avg_sq`, `square_avg`,
/// `grad_avg`, `acc_delta`, `sum`). [`State::save`] and [`Optimizer::restore`] keep every bit.
#[derive(Clone, Debug, PartialEq)]
pub struct State {
    /// The name of the optimiser: Adam and RAdam have the same slots, but not the same meaning of them.
    pub(super) optimizer: &'static str,
    pub(super) len: usize,
    pub(super) step: u64,
    /// The product of all momenta so far (`NAdam` only), in f32 as PyTorch keeps it.
    pub(super) mu_product: f32,
    pub(super) names: &'static [&'static str],
    pub(super) slots: Vec<Vec<f32>>,
}

/// A [`State`] as plain data, for a checkpoint.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SavedState {
    /// PyTorch's name of the optimiser, such as `Adam`.
    pub optimizer: String,
    /// The number of steps taken.
    pub step: u64,
    /// `NAdam`'s product of momenta; `None` for every other optimiser.
    pub mu_product: Option<f32>,
    /// Slots by PyTorch's names, each with one number per parameter.
    pub slots: Vec<(String, Vec<f32>)>,
}

impl Optimizer {
    /// The state before the first step, for a block of `len` parameters.
    ///
    /// # Errors
    /// When an option cannot be used: see [`Optimizer::validate`].
    pub fn state(&self, len: usize) -> Result<State> {
        self.validate()?;
        let names = self.slot_names();
        let start = match self {
            Optimizer::Adagrad(options) => options.initial_accumulator_value as f32,
            Optimizer::Sgd(_)
            | Optimizer::Adam(_)
            | Optimizer::AdamW(_)
            | Optimizer::NAdam(_)
            | Optimizer::RAdam(_)
            | Optimizer::RmsProp(_)
            | Optimizer::Adadelta(_) => 0.0,
        };
        let slots = names.iter().map(|_| vec![start; len]).collect();
        Ok(State { optimizer: self.name(), len, step: 0, mu_product: 1.0, names, slots })
    }

    /// The state that [`State::save`] gave, for the same optimiser and a block of `len` parameters.
    ///
    /// # Errors
    /// [`ErrorKind::Model`](crate::ErrorKind::Model) when it belongs to another optimiser, when a slot is missing,
    /// unknown, double or of another length, or when `mu_product` is missing or given without need; also what [`Optimizer::validate`] finds.
    pub fn restore(&self, len: usize, saved: SavedState) -> Result<State> {
        self.validate()?;
        let names = self.slot_names();
        let refuse = |what: String| Error::model(what).at(format!("state of {}", self.name()));
        if saved.optimizer != self.name() {
            return Err(refuse(format!("the state belongs to {}", saved.optimizer)));
        }
        let mut slots: Vec<Option<Vec<f32>>> = vec![None; names.len()];
        for (name, values) in saved.slots {
            let Some(index) = names.iter().position(|known| *known == name) else {
                return Err(refuse(format!("unexpected key '{name}'")));
            };
            if values.len() != len {
                let given = values.len();
                return Err(refuse(format!("'{name}' has {given} numbers, the network has {len}")));
            }
            if slots[index].replace(values).is_some() {
                return Err(refuse(format!("'{name}' stands there twice")));
            }
        }
        if let Some(index) = slots.iter().position(Option::is_none) {
            return Err(refuse(format!("missing key '{}'", names[index])));
        }
        let mu_product = match (matches!(self, Optimizer::NAdam(_)), saved.mu_product) {
            (true, Some(product)) => product,
            (true, None) => return Err(refuse("missing key 'mu_product'".to_owned())),
            (false, None) => 1.0,
            (false, Some(_)) => return Err(refuse("unexpected key 'mu_product'".to_owned())),
        };
        let slots = slots.into_iter().flatten().collect();
        Ok(State { optimizer: self.name(), len, step: saved.step, mu_product, names, slots })
    }

    /// The names of the slots that this optimiser's state has.
    pub fn slot_names(&self) -> &'static [&'static str] {
        match self {
            Optimizer::Sgd(options) if options.momentum == 0.0 => &[],
            Optimizer::Sgd(_) => &["momentum_buffer"],
            Optimizer::Adam(options) => adam_slots(options.amsgrad),
            Optimizer::AdamW(options) => adam_slots(options.amsgrad),
            Optimizer::NAdam(_) | Optimizer::RAdam(_) => adam_slots(false),
            Optimizer::RmsProp(options) => match (options.momentum > 0.0, options.centered) {
                (false, false) => &["square_avg"],
                (true, false) => &["square_avg", "momentum_buffer"],
                (false, true) => &["square_avg", "grad_avg"],
                (true, true) => &["square_avg", "momentum_buffer", "grad_avg"],
            },
            Optimizer::Adagrad(_) => &["sum"],
            Optimizer::Adadelta(_) => &["square_avg", "acc_delta"],
        }
    }
}

fn adam_slots(amsgrad: bool) -> &'static [&'static str] {
    if amsgrad { &["exp_avg", "exp_avg_sq", "max_exp_avg_sq"] } else { &["exp_avg", "exp_avg_sq"] }
}

impl State {
    /// The number of steps taken.
    pub fn step(&self) -> u64 {
        self.step
    }

    /// The number of parameters that the state belongs to.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the block has no parameters.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Each slot's name and numbers, one per parameter.
    pub fn slots(&self) -> impl Iterator<Item = (&'static str, &[f32])> {
        self.names.iter().copied().zip(self.slots.iter().map(Vec::as_slice))
    }

    /// The slots that `rule` works on, in its order; empty where it has fewer.
    ///
    /// A schedule may set the momentum to 0 for a step: then its buffer rests, and the others are those that the rule has.
    ///
    /// # Panics
    /// When the state has fewer slots than the rule.
    pub(crate) fn slots_of(&mut self, rule: &Rule) -> [&mut [f32]; SLOTS] {
        let (own, has) = (self.slots.len(), rule.slots());
        assert!(own >= has, "the state belongs to an optimiser with other slots");
        let rests = matches!(rule, Rule::Centered(_)) && own > has;
        let mut slots: [&mut [f32]; SLOTS] = std::array::from_fn(|_| &mut [][..]);
        // Of mean square, momentum buffer and mean, the buffer is the second.
        let used = self.slots.iter_mut().enumerate().filter(|(index, _)| !(rests && *index == 1));
        for (slot, (_, values)) in slots.iter_mut().zip(used).take(has) {
            *slot = values;
        }
        slots
    }

    /// Multiplies everything that is remembered.
    pub(crate) fn scale(&mut self, factor: f64) {
        let factor = factor as f32;
        self.slots.iter_mut().flatten().for_each(|value| *value *= factor);
    }

    /// How many steps were taken, and what counts with them.
    pub(crate) fn count(&self) -> (u64, f32) {
        (self.step, self.mu_product)
    }

    /// Takes back a step that changed nothing else.
    pub(crate) fn go_back(&mut self, (step, mu_product): (u64, f32)) {
        (self.step, self.mu_product) = (step, mu_product);
    }

    /// The state as plain data.
    pub fn save(&self) -> SavedState {
        let has_product = self.optimizer == "NAdam";
        SavedState {
            optimizer: self.optimizer.to_owned(),
            step: self.step,
            mu_product: has_product.then_some(self.mu_product),
            slots: self.slots().map(|(name, values)| (name.to_owned(), values.to_vec())).collect(),
        }
    }
}
