//! Products of a few numbers, in registers: an element of the output per lane.
//!
//! In a network of two or three units the arithmetic takes nanoseconds, and what counts is how soon one kernel's output
//! can be another's input. Here every operand fits a register. For each term of the sum, two permutations bring the
//! factors of all elements into their lanes, and one multiply-add goes on with all chains: the same chains as everywhere,
//! so the bits are the same. Which permutations depends on the shapes alone and is found when the plan is made.
//!
//! A processor hands a stored register on to a load of the same bytes (or some of them) at once, but not to a load that
//! reaches further, nor from a masked store. So values are stored and loaded whole, into the padding behind them, where
//! they have any ([`Reach::Whole`]), and else in exactly as many bytes as they have, where these are a power of two.
//!
//! # Safety
//! Operands are loaded with the promise of [`Tiny::run`], whose plan was checked with their padding.
#![allow(unsafe_code)]

mod entropy;
mod step;

use super::accesses::{Accesses, Region};
use super::arena::Arena;
use super::execute::Updating;
use super::instruction::{After, ColumnSums, Product, Update};
use super::kernels::{Few, Level, Reach, Right};
use super::place::{ALIGNMENT, Slot, Space};
use crate::graph::op::Activation;

pub(super) use entropy::{Rows, TinyEntropy};
pub(super) use step::{has as has_rule, next as next_step};

/// The lanes of the widest register, and the padding of values.
const MOST: usize = ALIGNMENT;

/// A product that fits registers.
#[derive(Clone, Debug)]
pub(super) struct Tiny {
    /// Ones where there is none: column sums.
    a: Option<Operand>,
    b: Operand,
    bias: Option<Operand>,
    after: Then,
    out: Operand,
    terms: u32,
    /// The parameters whose gradient this is, where the optimiser's step follows at once.
    updates: Option<(Update, Reach)>,
}

#[derive(Clone, Copy, Debug)]
enum Then {
    Nothing,
    Relu,
    /// 0 where these are not above 0: the backward mask of a ReLU from its output.
    Stop(Operand),
}

/// A value and how its lanes are used.
#[derive(Clone, Copy, Debug)]
struct Operand {
    slot: Slot,
    padded: bool,
    reach: Reach,
    /// The element that each lane takes in the sum's first term, and how much further in each later one.
    first: [u32; MOST],
    step: u32,
}

impl Tiny {
    /// The product as a tiny one, if it is one on registers of `level`. Work before `tight` has no padding.
    pub(super) fn new(p: &Product, level: Level, tight: usize) -> Option<Self> {
        let lanes = level.lanes();
        let (m, n, k) = (p.m, p.n, p.k);
        let fits = |rows: usize, columns: usize| {
            let len = rows.checked_mul(columns);
            len.is_some_and(|len| len > 0 && len <= lanes)
        };
        if p.shape.b == Right::Panels {
            return None;
        }
        if !fits(m, n) || !fits(m, k) || !fits(n, k) || p.rows != (0..m) || p.columns != (0..n) {
            return None;
        }
        let per_lane = |f: &dyn Fn(usize, usize) -> usize| {
            std::array::from_fn(|lane| if lane < m * n { f(lane / n, lane % n) as u32 } else { 0 })
        };
        let operand = |slot: Slot, f: &dyn Fn(usize, usize) -> usize, step: usize| {
            Operand::new(slot, lanes, tight, per_lane(f), step as u32)
        };
        let after = match p.after {
            After::Nothing => Then::Nothing,
            After::Activate(Activation::Relu) => Then::Relu,
            After::Derive(Activation::Relu, from) => Then::Stop(operand(from, &|_, _| 0, 0)),
            After::Activate(_) | After::Derive(..) => return None,
        };
        let (a_row, a_step) = if p.transpose_a { (1, m) } else { (k, 1) };
        let (b_column, b_step) = if p.transpose_b { (k, 1) } else { (1, n) };
        Some(Tiny {
            a: Some(operand(p.a, &|i, _| i * a_row, a_step)),
            b: operand(p.b, &|_, j| j * b_column, b_step),
            bias: p.bias.map(|bias| operand(bias, &|_, j| j, 0)),
            after,
            out: operand(p.out, &|_, _| 0, 0),
            terms: k as u32,
            updates: None,
        })
    }

    /// Sums of columns as a tiny product by ones.
    pub(super) fn sums(sums: &ColumnSums, level: Level, tight: usize) -> Option<Self> {
        let slot = Slot { len: 0, ..sums.x };
        let ones = Product {
            a: slot,
            b: sums.x,
            bias: None,
            out: sums.out,
            m: 1,
            n: sums.stride,
            k: sums.rows,
            transpose_a: false,
            transpose_b: false,
            after: After::Nothing,
            shape: Product::shape([1, sums.rows, sums.stride], false, false, After::Nothing),
            rows: 0..1,
            columns: sums.columns.clone(),
        };
        Tiny::new(&ones, level, tight).map(|tiny| Tiny { a: None, ..tiny })
    }

    /// The same with the optimiser's step on the parameters whose gradient this is.
    pub(super) fn with_update(self, update: Update, level: Level) -> Self {
        debug_assert_eq!(update.gradient, self.out.slot);
        let reach = Reach::exactly(update.parameters.len, level.lanes());
        Tiny { updates: Some((update, reach)), ..self }
    }

    /// Where the product goes, and whether the optimiser's step follows.
    pub(super) fn out(&self) -> (Slot, bool) {
        (self.out.slot, self.updates.is_some())
    }

    /// What it reads and writes, padding included.
    pub(super) fn accesses(&self) -> Accesses {
        let mask = match self.after {
            Then::Stop(from) => Some(from),
            Then::Nothing | Then::Relu => None,
        };
        let reads = [self.a, Some(self.b), self.bias, mask];
        let mut accesses = Accesses {
            reads: reads.into_iter().flatten().map(|operand| operand.region()).collect(),
            writes: vec![self.out.region()],
        };
        if let Some((update, _)) = &self.updates {
            accesses.writes.push(update.parameters.into());
        }
        accesses
    }

    /// Computes it. Gives the optimiser's step if it is still to be taken.
    ///
    /// # Safety
    /// Inside the level of `V`; the product belongs to the plan that runs on `arena`, alone.
    #[inline(always)]
    pub(super) unsafe fn run<V: Few>(
        &self,
        arena: &Arena,
        updating: Option<&Updating<'_>>,
    ) -> Option<&Update> {
        // SAFETY: the caller's promise; `check_accesses` has checked the padding too.
        unsafe {
            let b = self.b.load::<V>(arena);
            let mut b_lanes = V::lanes(&self.b.first);
            let mut sum = V::splat(0.0);
            match &self.a {
                Some(operand) => {
                    let a = operand.load::<V>(arena);
                    let mut a_lanes = V::lanes(&operand.first);
                    for _ in 0..self.terms {
                        sum = a.permute(a_lanes).mul_add(b.permute(b_lanes), sum);
                        a_lanes = V::further(a_lanes, operand.step);
                        b_lanes = V::further(b_lanes, self.b.step);
                    }
                }
                None => {
                    for _ in 0..self.terms {
                        sum = sum.add(b.permute(b_lanes));
                        b_lanes = V::further(b_lanes, self.b.step);
                    }
                }
            }
            if let Some(bias) = &self.bias {
                sum = sum.add(bias.load::<V>(arena).permute(V::lanes(&bias.first)));
            }
            match &self.after {
                Then::Nothing => {}
                Then::Relu => sum = sum.gated(sum),
                Then::Stop(from) => sum = sum.gated(from.load::<V>(arena)),
            }
            sum.store_reach(arena.write(self.out.slot), self.out.reach);
            let (update, reach) = self.updates.as_ref()?;
            let updating = updating?;
            let taken = step::step::<V>(updating, arena, update, *reach, sum);
            if taken { None } else { Some(update) }
        }
    }
}

impl Operand {
    fn new(slot: Slot, lanes: usize, tight: usize, first: [u32; MOST], step: u32) -> Self {
        let padded = slot.space == Space::Work && slot.offset >= tight;
        let reach = if padded { Reach::Whole } else { Reach::exactly(slot.len, lanes) };
        Operand { slot, padded, reach, first, step }
    }

    #[inline(always)]
    unsafe fn load<V: Few>(&self, arena: &Arena) -> V {
        // SAFETY: the caller's promise.
        unsafe { V::load_reach(arena.read(self.slot), self.reach) }
    }

    /// What is touched, the padding included: a slot's own up to the next multiple of [`MOST`].
    fn region(&self) -> Region {
        let len = if self.padded { MOST } else { self.slot.len };
        Slot { len, ..self.slot }.into()
    }
}
