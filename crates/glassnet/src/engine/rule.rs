//! The optimisers' rules: what one step does to one parameter, and the pass over memory that does it to many.
//!
//! A [`Rule`] holds the numbers of one step, computed in f64 and rounded once (`train::optimizer` does that). Rules
//! multiply, add and round in the order of PyTorch's single-tensor CPU code, whose kernels fuse a multiplication with
//! the addition that follows it. They work element by element, so any part of the parameters can be changed apart from
//! the others, in any order, by any thread.
//!
//! An option that is off is a number that changes nothing (a sign of 1, a decay of 0, a factor of 1), so that a rule is
//! one loop without branches.
//!
//! # Safety
//! The kernel of a step relies on the promise of [`Rule::apply_raw`]: pointers are valid for the parameters that are changed,
//! nobody else touches these, and the processor has the instructions of the lanes.

use super::kernels::{Lanes, LanesKernel, Level, Sweep, dispatch_lanes, sweep_inner};

/// The most numbers that a rule remembers of a parameter.
pub(crate) const SLOTS: usize = 3;

/// One step of an optimiser, with its numbers.
///
/// What it remembers of each parameter lies in slots, in the order of the optimiser's slot names.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Rule {
    /// No slot.
    Sgd(Sgd),
    /// Slots: momentum buffer.
    Momentum(Momentum),
    /// Slots: momentum buffer.
    Nesterov(Nesterov),
    /// Slots: mean, mean square.
    Adam(Adam),
    /// Slots: mean, mean square, largest mean square.
    AmsGrad(AmsGrad),
    /// Slots: mean, mean square.
    NAdam(NAdam),
    /// Slots: mean, mean square.
    RAdam(RAdam),
    /// Slots: mean, mean square.
    Rectified(Rectified),
    /// Slots: mean square.
    RmsProp(RmsProp),
    /// Slots: mean square, momentum buffer.
    RmsPropMomentum(RmsPropMomentum),
    /// Slots: mean square, mean.
    Centered(Centered),
    /// Slots: mean square, momentum buffer, mean.
    CenteredMomentum(CenteredMomentum),
    /// Slots: sum of squares.
    Adagrad(Adagrad),
    /// Slots: mean square, mean square of the steps.
    Adadelta(Adadelta),
}

impl Rule {
    /// Changes `parameters` and what is remembered of them; slots that the rule doesn't have are not looked at.
    ///
    /// # Panics
    /// When slices differ in length.
    pub(crate) fn apply(
        &self,
        level: Level,
        parameters: &mut [f32],
        gradients: &[f32],
        slots: [&mut [f32]; SLOTS],
    ) {
        let len = parameters.len();
        assert_eq!(gradients.len(), len, "parameters and gradients differ in number");
        for slot in &slots[..self.slots()] {
            assert_eq!(slot.len(), len, "the state belongs to another number of parameters");
        }
        let slots = slots.map(<[f32]>::as_mut_ptr);
        // SAFETY: slices of this length; exclusive borrows don't overlap.
        #[allow(unsafe_code)]
        unsafe {
            self.apply_raw(level, len, parameters.as_mut_ptr(), gradients.as_ptr(), slots);
        }
    }

    /// As [`Rule::apply`], over pointers.
    ///
    /// # Safety
    /// Parameters, gradients and the slots that the rule has are valid for `len` elements and don't overlap.
    #[allow(unsafe_code)]
    pub(crate) unsafe fn apply_raw(
        &self,
        level: Level,
        len: usize,
        parameters: *mut f32,
        gradients: *const f32,
        slots: [*mut f32; SLOTS],
    ) {
        dispatch_lanes(level, Apply { rule: self, len, parameters, gradients, slots });
    }

    /// How many slots the rule has.
    pub(crate) fn slots(&self) -> usize {
        match self {
            Rule::Sgd(_) => 0,
            Rule::Momentum(_) | Rule::Nesterov(_) | Rule::RmsProp(_) | Rule::Adagrad(_) => 1,
            Rule::Adam(_) | Rule::NAdam(_) | Rule::RAdam(_) | Rule::Rectified(_) => 2,
            Rule::RmsPropMomentum(_) | Rule::Centered(_) | Rule::Adadelta(_) => 2,
            Rule::AmsGrad(_) | Rule::CenteredMomentum(_) => 3,
        }
    }

    /// Whether a parameter whose gradient is 0 stays as it is, and nothing is remembered of it.
    pub(super) fn leaves_where_no_gradient_is(&self) -> bool {
        matches!(self, Rule::Sgd(sgd) if sgd.entry.decay == 0.0 && sgd.entry.sign == 1.0)
    }

    /// As [`Rule::apply_raw`], to be inlined into code that is already compiled for the level of `L`.
    ///
    /// # Safety
    /// As [`Rule::apply_raw`]; to be called inside that level.
    #[inline(always)]
    #[allow(unsafe_code)]
    pub(super) unsafe fn apply_inner<L: Lanes>(
        &self,
        len: usize,
        w: *mut f32,
        g: *const f32,
        [a, b, c]: [*mut f32; SLOTS],
    ) {
        // SAFETY: the caller's promise.
        unsafe {
            match self {
                Rule::Sgd(rule) => sweep_inner::<L, 1, 1, _>(rule, len, [g], [w]),
                Rule::Momentum(rule) => sweep_inner::<L, 1, 2, _>(rule, len, [g], [w, a]),
                Rule::Nesterov(rule) => sweep_inner::<L, 1, 2, _>(rule, len, [g], [w, a]),
                Rule::Adam(rule) => sweep_inner::<L, 1, 3, _>(rule, len, [g], [w, a, b]),
                Rule::AmsGrad(rule) => sweep_inner::<L, 1, 4, _>(rule, len, [g], [w, a, b, c]),
                Rule::NAdam(rule) => sweep_inner::<L, 1, 3, _>(rule, len, [g], [w, a, b]),
                Rule::RAdam(rule) => sweep_inner::<L, 1, 3, _>(rule, len, [g], [w, a, b]),
                Rule::Rectified(rule) => sweep_inner::<L, 1, 3, _>(rule, len, [g], [w, a, b]),
                Rule::RmsProp(rule) => sweep_inner::<L, 1, 2, _>(rule, len, [g], [w, a]),
                Rule::RmsPropMomentum(rule) => {
                    sweep_inner::<L, 1, 3, _>(rule, len, [g], [w, a, b]);
                }
                Rule::Centered(rule) => sweep_inner::<L, 1, 3, _>(rule, len, [g], [w, a, b]),
                Rule::CenteredMomentum(rule) => {
                    sweep_inner::<L, 1, 4, _>(rule, len, [g], [w, a, b, c]);
                }
                Rule::Adagrad(rule) => sweep_inner::<L, 1, 2, _>(rule, len, [g], [w, a]),
                Rule::Adadelta(rule) => sweep_inner::<L, 1, 3, _>(rule, len, [g], [w, a, b]),
            }
        }
    }
}

struct Apply<'a> {
    rule: &'a Rule,
    len: usize,
    parameters: *mut f32,
    gradients: *const f32,
    slots: [*mut f32; SLOTS],
}

impl LanesKernel for Apply<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: the caller's promise.
        unsafe {
            self.rule.apply_inner::<L>(self.len, self.parameters, self.gradients, self.slots);
        }
    }
}

/// The value, or 0 where it is below the normal numbers.
///
/// The running mean of a gradient that has become 0 (a dead unit's) shrinks until rounding holds it at some units of the
/// smallest subnormal number, for ever, and processors take a hundred cycles for each of these. No weight can tell them
/// from 0. Means of squares are left as they are: they are divided by.
#[inline(always)]
fn flushed(value: f32) -> f32 {
    if value.abs() < f32::MIN_POSITIVE { 0.0 } else { value }
}

/// How a gradient enters every rule: `sign·g + decay·w`, and the factor that shrinks the weight first.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) sign: f32,
    pub(crate) decay: f32,
    pub(crate) keep: f32,
}

impl Entry {
    #[inline(always)]
    fn gradient(self, gradient: f32, weight: f32) -> f32 {
        weight.mul_add(self.decay, gradient * self.sign)
    }
}

/// `mean ← mean + weight·(value − mean)`, from the nearer end, as PyTorch's `lerp` does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Lerp {
    pub(super) from_mean: bool,
    pub(super) weight: f32,
}

impl Lerp {
    pub(crate) fn new(weight: f64) -> Self {
        let weight = weight as f32;
        let from_mean = weight.abs() < 0.5;
        Lerp { from_mean, weight: if from_mean { weight } else { weight - 1.0 } }
    }

    #[inline(always)]
    fn apply(self, mean: f32, value: f32) -> f32 {
        let near = if self.from_mean { mean } else { value };
        self.weight.mul_add(value - mean, near)
    }
}

/// `mean ← keep·mean + (1 − keep)·value²`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MeanSquare {
    pub(super) keep: f32,
    pub(super) add: f32,
}

impl MeanSquare {
    pub(crate) fn new(keep: f64) -> Self {
        MeanSquare { keep: keep as f32, add: (1.0 - keep) as f32 }
    }

    #[inline(always)]
    fn apply(self, mean: f32, value: f32) -> f32 {
        (self.add * value).mul_add(value, self.keep * mean)
    }
}

/// `w ← w + rate·g`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Sgd {
    pub(crate) entry: Entry,
    pub(crate) rate: f32,
}

impl Sweep<1, 1> for Sgd {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w]: [f32; 1]) -> [f32; 1] {
        [self.entry.gradient(g, w).mul_add(self.rate, w)]
    }
}

/// `b ← keep·b + add·g`, `w ← w + rate·b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Momentum {
    pub(crate) entry: Entry,
    pub(crate) keep: f32,
    pub(crate) add: f32,
    pub(crate) rate: f32,
}

impl Sweep<1, 2> for Momentum {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, b]: [f32; 2]) -> [f32; 2] {
        let b = flushed(self.entry.gradient(g, w).mul_add(self.add, b * self.keep));
        [b.mul_add(self.rate, w), b]
    }
}

/// [`Momentum`], then `w ← w + rate·(g + momentum·b)` instead.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Nesterov {
    pub(crate) buffer: Momentum,
    pub(crate) momentum: f32,
}

impl Sweep<1, 2> for Nesterov {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, b]: [f32; 2]) -> [f32; 2] {
        let g = self.buffer.entry.gradient(g, w);
        let b = flushed(g.mul_add(self.buffer.add, b * self.buffer.keep));
        [b.mul_add(self.momentum, g).mul_add(self.buffer.rate, w), b]
    }
}

/// The running means of the gradient and of its square.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Moments {
    pub(crate) entry: Entry,
    pub(crate) first: Lerp,
    pub(crate) second: MeanSquare,
}

impl Moments {
    /// The gradient as it enters, and the new means.
    #[inline(always)]
    fn next(&self, g: f32, w: f32, m: f32, v: f32) -> (f32, f32, f32) {
        let g = self.entry.gradient(g, w);
        (g, flushed(self.first.apply(m, g)), self.second.apply(v, g))
    }
}

/// `w ← keep·w + size·m/(√v/correction + eps)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Adam {
    pub(crate) moments: Moments,
    pub(crate) size: f32,
    pub(crate) correction: f32,
    pub(crate) eps: f32,
}

impl Sweep<1, 3> for Adam {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, m, v]: [f32; 3]) -> [f32; 3] {
        let (_, m, v) = self.moments.next(g, w, m, v);
        [self.moved(w, m, v), m, v]
    }
}

impl Adam {
    #[inline(always)]
    fn moved(&self, w: f32, m: f32, v: f32) -> f32 {
        w * self.moments.entry.keep + self.size * m / (v.sqrt() / self.correction + self.eps)
    }
}

/// [`Adam`] with the largest `v` so far.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct AmsGrad(pub(crate) Adam);

impl Sweep<1, 4> for AmsGrad {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, m, v, top]: [f32; 4]) -> [f32; 4] {
        let (_, m, v) = self.0.moments.next(g, w, m, v);
        // Not a number if either isn't, so that a divergence is never hidden.
        let top = if top >= v || top.is_nan() { top } else { v };
        [self.0.moved(w, m, top), m, v, top]
    }
}

/// `w ← keep·w + of_gradient·g/d + of_mean·m/d` with `d = √(v/correction) + eps`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct NAdam {
    pub(crate) moments: Moments,
    pub(crate) of_gradient: f32,
    pub(crate) of_mean: f32,
    pub(crate) correction: f32,
    pub(crate) eps: f32,
}

impl Sweep<1, 3> for NAdam {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, m, v]: [f32; 3]) -> [f32; 3] {
        let (g, m, v) = self.moments.next(g, w, m, v);
        let root = (v / self.correction).sqrt() + self.eps;
        let w = w * self.moments.entry.keep + self.of_gradient * g / root;
        [w + self.of_mean * m / root, m, v]
    }
}

/// `w ← keep·w − m/correction·rate`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RAdam {
    pub(crate) moments: Moments,
    pub(crate) correction: f32,
    pub(crate) rate: f32,
}

impl Sweep<1, 3> for RAdam {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, m, v]: [f32; 3]) -> [f32; 3] {
        let (_, m, v) = self.moments.next(g, w, m, v);
        [w * self.moments.entry.keep - m / self.correction * self.rate, m, v]
    }
}

/// `w ← keep·w − m/correction·rate · adapted/(√v + eps) · rectified`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rectified {
    pub(crate) plain: RAdam,
    pub(crate) adapted: f32,
    pub(crate) rectified: f32,
    pub(crate) eps: f32,
}

impl Sweep<1, 3> for Rectified {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, m, v]: [f32; 3]) -> [f32; 3] {
        let RAdam { moments, correction, rate } = self.plain;
        let (_, m, v) = moments.next(g, w, m, v);
        let scale = 1.0 / (v.sqrt() + self.eps) * self.adapted;
        [w * moments.entry.keep - m / correction * rate * scale * self.rectified, m, v]
    }
}

/// `v ← mean square of g`, `w ← w + rate·g/(√v + eps)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RmsProp {
    pub(crate) entry: Entry,
    pub(crate) square: MeanSquare,
    pub(crate) rate: f32,
    pub(crate) eps: f32,
}

impl Sweep<1, 2> for RmsProp {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, v]: [f32; 2]) -> [f32; 2] {
        let g = self.entry.gradient(g, w);
        let v = self.square.apply(v, g);
        [w + self.rate * g / (v.sqrt() + self.eps), v]
    }
}

/// [`RmsProp`] into a buffer: `b ← momentum·b + g/(√v + eps)`, `w ← w + rate·b`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct RmsPropMomentum {
    pub(crate) plain: RmsProp,
    pub(crate) momentum: f32,
}

impl Sweep<1, 3> for RmsPropMomentum {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, v, b]: [f32; 3]) -> [f32; 3] {
        let g = self.plain.entry.gradient(g, w);
        let v = self.plain.square.apply(v, g);
        let b = flushed(b * self.momentum + g / (v.sqrt() + self.plain.eps));
        [b.mul_add(self.plain.rate, w), v, b]
    }
}

/// [`RmsProp`] with the standard deviation `√(v − a²)`, `a` the mean of the gradient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Centered {
    pub(crate) plain: RmsProp,
    pub(crate) mean: Lerp,
}

impl Sweep<1, 3> for Centered {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, v, a]: [f32; 3]) -> [f32; 3] {
        let g = self.plain.entry.gradient(g, w);
        let (v, a) = (self.plain.square.apply(v, g), self.mean.apply(a, g));
        let root = (-a).mul_add(a, v).sqrt() + self.plain.eps;
        [w + self.plain.rate * g / root, v, a]
    }
}

/// [`Centered`] into a buffer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct CenteredMomentum {
    pub(crate) centered: Centered,
    pub(crate) momentum: f32,
}

impl Sweep<1, 4> for CenteredMomentum {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, v, b, a]: [f32; 4]) -> [f32; 4] {
        let Centered { plain, mean } = self.centered;
        let g = plain.entry.gradient(g, w);
        let (v, a) = (plain.square.apply(v, g), mean.apply(a, g));
        let root = (-a).mul_add(a, v).sqrt() + plain.eps;
        let b = flushed(b * self.momentum + g / root);
        [b.mul_add(plain.rate, w), v, b, a]
    }
}

/// `s ← s + g²`, `w ← w + rate·g/(√s + eps)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Adagrad {
    pub(crate) entry: Entry,
    pub(crate) rate: f32,
    pub(crate) eps: f32,
}

impl Sweep<1, 2> for Adagrad {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, s]: [f32; 2]) -> [f32; 2] {
        let g = self.entry.gradient(g, w);
        let s = g.mul_add(g, s);
        [w + self.rate * g / (s.sqrt() + self.eps), s]
    }
}

/// `v ← mean square of g`, `δ = √(u + eps)/√(v + eps)·g`, `u ← mean square of δ`, `w ← w + rate·δ`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Adadelta {
    pub(crate) entry: Entry,
    pub(crate) mean: MeanSquare,
    pub(crate) rate: f32,
    pub(crate) eps: f32,
}

impl Sweep<1, 3> for Adadelta {
    #[inline(always)]
    fn at(&self, [g]: [f32; 1], [w, v, u]: [f32; 3]) -> [f32; 3] {
        let g = self.entry.gradient(g, w);
        let v = self.mean.apply(v, g);
        let delta = (u + self.eps).sqrt() / (v + self.eps).sqrt() * g;
        [delta.mul_add(self.rate, w), v, self.mean.apply(u, delta)]
    }
}
