//! Running a step in registers, again and again.
//!
//! # Safety
//! The kernel relies on [`Job`]'s promise: pointers are valid for the parameters, the table has the rows that are named.
#![allow(unsafe_code)]

use super::super::kernels::{LANES, Lanes, LanesKernel, Level, dispatch_lanes};
use super::super::rule::{Rule, SLOTS};
use super::super::tiny::{has_rule, next_step};
use super::{Batches, From, Gradient, MOST_VALUES, Product, Resident, Then};
use crate::math::elementary::{sigmoid, tanh};

/// Steps to be done, one batch after the other.
pub(super) struct Job<'a> {
    pub(super) batches: &'a Batches<'a>,
    /// The optimiser's rule for every step.
    pub(super) rules: &'a [Rule],
    pub(super) parameters: &'a mut [f32],
    /// What the optimiser remembers of the parameters.
    pub(super) slots: [&'a mut [f32]; SLOTS],
    /// The plan's work array: the constant at the head of the backward pass is read, the last step's gradients and loss
    /// are left there.
    pub(super) work: &'a mut [f32],
    /// Every step's loss.
    pub(super) losses: &'a mut [f32],
}

impl Resident {
    /// Does the steps, up to the first whose loss is not finite, or whose batch has a class that is ignored or does not
    /// exist. Gives how many were done.
    ///
    /// # Panics
    /// When lengths differ from what the job says, a row does not exist, or a rule is not one for registers.
    pub(super) fn run(&self, level: Level, job: Job<'_>) -> usize {
        let Job { batches, rules, parameters, slots, losses, .. } = &job;
        let used = rules.iter().map(Rule::slots).max().unwrap_or(0);
        assert!(rules.iter().all(has_rule), "a rule for registers");
        assert_eq!(batches.rows.len(), rules.len() * self.batch, "as many batches as rules");
        assert_eq!(losses.len(), rules.len(), "a loss for every step");
        assert_eq!(parameters.len(), self.parameters, "the parameters are there");
        let fits = slots[..used].iter().all(|slot| slot.len() == self.parameters);
        assert!(fits, "the state belongs to another number of parameters");
        let table = (batches.features.len() / self.width).min(batches.classes.len());
        let inside = if batches.in_order {
            // A batch is then read from its first row on.
            let mut firsts = batches.rows.iter().step_by(self.batch);
            table >= self.batch && firsts.all(|&first| first <= table - self.batch)
        } else {
            batches.rows.iter().all(|&row| row < table)
        };
        assert!(inside, "rows of the table");
        dispatch_lanes(level, Steps { resident: self, used, job })
    }
}

struct Steps<'a> {
    resident: &'a Resident,
    /// How many slots the rules have.
    used: usize,
    job: Job<'a>,
}

impl LanesKernel for Steps<'_> {
    type Output = usize;

    #[inline(always)]
    unsafe fn run<L: Lanes>(self) -> usize {
        let Steps { resident, used, job } = self;
        let Batches { features, classes, rows, in_order } = *job.batches;
        let parameters = resident.parameters;
        // SAFETY: inside the level of `L`; lengths and rows were checked by `run`.
        unsafe {
            let above = job.work[resident.entropy.above.offset];
            let mut w = L::load_part(job.parameters.as_ptr(), parameters);
            let mut remembered = [L::splat(0.0); 2];
            for slot in 0..used.min(2) {
                remembered[slot] = L::load_part(job.slots[slot].as_ptr(), parameters);
            }
            let mut gradient = L::splat(0.0);
            let mut loss = 0.0;
            let mut done = 0;
            let mut first = 0;
            while done < job.rules.len() {
                let rows = &rows[first..first + resident.batch];
                let x = lanes_of_rows::<L>(resident, rows, in_order, features);
                let found = resident.pass(
                    w,
                    x,
                    #[inline(always)]
                    |row| {
                        let in_table = if in_order { rows[0] + row } else { rows[row] };
                        *classes.get_unchecked(in_table)
                    },
                    above,
                );
                let Some((next_loss, next_gradient)) = found else { break };
                if !next_loss.is_finite() {
                    break;
                }
                let rule = job.rules.get_unchecked(done);
                let Some((next, state)) = next_step(rule, next_gradient, w, remembered) else {
                    break;
                };
                (w, remembered, gradient, loss) = (next, state, next_gradient, next_loss);
                *job.losses.get_unchecked_mut(done) = loss;
                done += 1;
                first += resident.batch;
            }
            if done > 0 {
                w.store_part(job.parameters.as_mut_ptr(), parameters);
                for slot in 0..used.min(2) {
                    remembered[slot].store_part(job.slots[slot].as_mut_ptr(), parameters);
                }
                gradient.store_part(job.work.as_mut_ptr(), parameters);
                job.work[resident.entropy.value.offset] = loss;
            }
            done
        }
    }
}

/// A batch's rows in the lanes of a register.
///
/// # Safety
/// Inside the level of `L`; the table has the rows.
#[inline(always)]
unsafe fn lanes_of_rows<L: Lanes>(
    resident: &Resident,
    rows: &[usize],
    in_order: bool,
    table: &[f32],
) -> L {
    let width = resident.width;
    // SAFETY: the caller's promise.
    unsafe {
        if in_order {
            let first = table.as_ptr().add(rows.get_unchecked(0) * width);
            return L::load_part(first, resident.batch * width);
        }
        let mut lanes = [0.0; LANES];
        for (at, lane) in lanes[..resident.batch * width].iter_mut().enumerate() {
            *lane = *table.get_unchecked(rows.get_unchecked(at / width) * width + at % width);
        }
        L::load(lanes.as_ptr())
    }
}

impl Resident {
    /// Forward and backward on one batch: the loss and the gradient of all parameters `w`.
    ///
    /// # Safety
    /// Inside the level of `L`.
    #[inline(always)]
    unsafe fn pass<L: Lanes>(
        &self,
        w: L,
        x: L,
        class_of: impl Fn(usize) -> i64,
        above: f32,
    ) -> Option<(f32, L)> {
        // SAFETY: the caller's promise; the program's value numbers are below `MOST_VALUES`.
        unsafe {
            let mut values = [x; MOST_VALUES];
            let mut last = x;
            for product in &self.forward {
                last = product.compute(w, last, &values);
                *values.get_unchecked_mut(usize::from(product.out)) = last;
            }
            let scores = from(self.entropy.scores, w, last, &values);
            let (loss, derivative) = self.entropy.rows.compute(scores, class_of, above)?;
            last = derivative;
            *values.get_unchecked_mut(usize::from(self.entropy.out)) = last;
            for product in &self.backward {
                last = product.compute(w, last, &values);
                *values.get_unchecked_mut(usize::from(product.out)) = last;
            }
            let mut gradient = L::splat(0.0);
            for part in &self.gradients {
                gradient = part.compute(w, last, &values).choose(part.lanes, gradient);
            }
            Some((loss, gradient))
        }
    }
}

/// An operand.
///
/// # Safety
/// Inside the level of `L`; the value's number is one of `values`.
#[inline(always)]
unsafe fn from<L: Lanes>(from: From, w: L, last: L, values: &[L]) -> L {
    match from {
        From::Previous => last,
        // SAFETY: the caller's promise.
        From::Value(number) => unsafe { *values.get_unchecked(usize::from(number)) },
        From::Parameters => w,
    }
}

impl Product {
    /// # Safety
    /// As [`from`].
    #[inline(always)]
    unsafe fn compute<L: Lanes>(&self, w: L, last: L, values: &[L]) -> L {
        // SAFETY: the caller's promise.
        unsafe {
            let a = from(self.a.from, w, last, values);
            let (mut a_places, mut b_places) = (L::places(&self.a.first), L::places(&self.b.first));
            let mut sum = L::splat(0.0);
            for _ in 0..self.terms {
                sum = a.permute(a_places).mul_add(w.permute(b_places), sum);
                a_places = L::further(a_places, self.a.step);
                b_places = L::further(b_places, self.b.step);
            }
            if let Some(bias) = &self.bias {
                sum = sum.plus(w.permute(L::places(bias)));
            }
            let value = |number: u8| *values.get_unchecked(usize::from(number));
            match self.then {
                Then::Nothing => sum,
                Then::Relu => sum.gated(sum),
                Then::Tanh => sum.map(tanh),
                Then::Sigmoid => sum.map(sigmoid),
                Then::Stop(number) => sum.gated(value(number)),
                Then::TimesTanh(number) => sum.times(value(number).map(
                    #[inline(always)]
                    |y| (-y).mul_add(y, 1.0),
                )),
                Then::TimesSigmoid(number) => sum.times(value(number).map(
                    #[inline(always)]
                    |y| (1.0 - y) * y,
                )),
            }
        }
    }
}

impl Gradient {
    /// # Safety
    /// As [`from`].
    #[inline(always)]
    unsafe fn compute<L: Lanes>(&self, w: L, last: L, values: &[L]) -> L {
        // SAFETY: the caller's promise.
        unsafe {
            let a = from(self.a.from, w, last, values);
            let b = from(self.b.from, w, last, values);
            let (mut a_places, mut b_places) = (L::places(&self.a.first), L::places(&self.b.first));
            let (one, mut sum) = (L::splat(1.0), L::splat(0.0));
            for _ in 0..self.terms {
                let factor = one.choose(self.ones, b.permute(b_places));
                sum = a.permute(a_places).mul_add(factor, sum);
                a_places = L::further(a_places, self.a.step);
                b_places = L::further(b_places, self.b.step);
            }
            sum
        }
    }
}
