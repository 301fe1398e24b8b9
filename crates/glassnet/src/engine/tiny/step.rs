//! The optimiser's step on a gradient that is still in a register.
//!
//! # Safety
//! As [`Tiny::run`](super::Tiny::run): inside the level of the registers, on the arrays that the plan was compiled for.

use super::super::arena::Arena;
use super::super::execute::Updating;
use super::super::instruction::Update;
use super::super::kernels::{Few, Lanes, Reach};
use super::super::rule::{Adam, Entry, Momentum, Rule, SLOTS, Sgd};

/// The commonest rules: those that work on registers here.
enum Common<'a> {
    Sgd(&'a Sgd),
    Momentum(&'a Momentum),
    Adam(&'a Adam),
}

#[inline(always)]
fn common(rule: &Rule) -> Option<Common<'_>> {
    match rule {
        Rule::Sgd(rule) => Some(Common::Sgd(rule)),
        Rule::Momentum(rule) => Some(Common::Momentum(rule)),
        Rule::Adam(rule) => Some(Common::Adam(rule)),
        Rule::Nesterov(_)
        | Rule::AmsGrad(_)
        | Rule::NAdam(_)
        | Rule::RAdam(_)
        | Rule::Rectified(_)
        | Rule::RmsProp(_)
        | Rule::RmsPropMomentum(_)
        | Rule::Centered(_)
        | Rule::CenteredMomentum(_)
        | Rule::Adagrad(_)
        | Rule::Adadelta(_) => None,
    }
}

/// Whether [`next`] has the rule.
pub(in crate::engine) fn has(rule: &Rule) -> bool {
    common(rule).is_some()
}

/// The next parameters and what is remembered of them, from their gradient `g`; `None` for a rule that this doesn't have.
///
/// The operations are those of the [`Rule`]'s own loop, in its order.
///
/// # Safety
/// Inside the level of `L`.
#[inline(always)]
pub(in crate::engine) unsafe fn next<L: Lanes>(
    rule: &Rule,
    g: L,
    w: L,
    [a, b]: [L; 2],
) -> Option<(L, [L; 2])> {
    // SAFETY: the caller's promise.
    unsafe {
        Some(match common(rule)? {
            Common::Sgd(rule) => {
                (entered(&rule.entry, g, w).mul_add(L::splat(rule.rate), w), [a, b])
            }
            Common::Momentum(rule) => {
                let g = entered(&rule.entry, g, w);
                let buffer = g.mul_add(L::splat(rule.add), a.times(L::splat(rule.keep))).flushed();
                (buffer.mul_add(L::splat(rule.rate), w), [buffer, b])
            }
            Common::Adam(rule) => {
                let (next, mean, square) = adam(rule, g, [w, a, b]);
                (next, [mean, square])
            }
        })
    }
}

/// Changes the parameters of `update` by their gradient and gives true, or gives false if the rule is not one that [`next`] has:
/// then whoever calls applies it to the stored gradient.
///
/// # Safety
/// As [`Tiny::run`](super::Tiny::run).
#[inline(always)]
pub(super) unsafe fn step<V: Few>(
    updating: &Updating<'_>,
    arena: &Arena,
    update: &Update,
    reach: Reach,
    gradient: V,
) -> bool {
    // SAFETY: the caller's promise; slots are as long as the parameters.
    unsafe {
        let to = update.parameters;
        let place = arena.write(to);
        let rule = updating.rule_of(update);
        let [a, b, _]: [*mut f32; SLOTS] = updating.slots.map(|slot| slot.wrapping_add(to.offset));
        let slots = rule.slots();
        let first = if slots > 0 { V::load_reach(a, reach) } else { V::splat(0.0) };
        let second = if slots > 1 { V::load_reach(b, reach) } else { V::splat(0.0) };
        let remembered = [first.widen(), second.widen()];
        let w = V::load_reach(place, reach).widen();
        let Some((w, [first, second])) = next(rule, gradient.widen(), w, remembered) else {
            return false;
        };
        if slots > 0 {
            V::narrow(first).store_reach(a, reach);
        }
        if slots > 1 {
            V::narrow(second).store_reach(b, reach);
        }
        V::narrow(w).store_reach(place, reach);
    }
    true
}

/// The gradient as it enters a rule.
///
/// # Safety
/// Inside the level of `L`.
#[inline(always)]
unsafe fn entered<L: Lanes>(entry: &Entry, g: L, w: L) -> L {
    // SAFETY: the caller's promise.
    unsafe { w.mul_add(L::splat(entry.decay), g.times(L::splat(entry.sign))) }
}

/// The new parameter, mean and mean square.
///
/// # Safety
/// Inside the level of `L`.
#[inline(always)]
unsafe fn adam<L: Lanes>(rule: &Adam, g: L, [w, m, v]: [L; 3]) -> (L, L, L) {
    // SAFETY: the caller's promise.
    unsafe {
        let moments = &rule.moments;
        let g = entered(&moments.entry, g, w);
        let near = if moments.first.from_mean { m } else { g };
        let m = L::splat(moments.first.weight).mul_add(g.minus(m), near).flushed();
        let kept = L::splat(moments.second.keep).times(v);
        let v = L::splat(moments.second.add).times(g).mul_add(g, kept);
        let root = v.root().over(L::splat(rule.correction)).plus(L::splat(rule.eps));
        let move_ = L::splat(rule.size).times(m).over(root);
        (w.times(L::splat(moments.entry.keep)).plus(move_), m, v)
    }
}
