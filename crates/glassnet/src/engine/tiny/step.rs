//! The optimiser's step on a gradient that is still in a register.
//!
//! # Safety
//! As [`Tiny::run`](super::Tiny::run): inside the level of the registers, on the arrays that the plan was compiled for.

use super::super::arena::Arena;
use super::super::execute::Updating;
use super::super::kernels::{Few, Lanes, Reach};
use super::super::place::Slot;
use super::super::rule::{Adam, Entry, Rule, SLOTS};

/// Changes the parameters at `to` by their gradient and gives true, or gives false if the rule is not one of the
/// commonest: then whoever calls applies it to the stored gradient.
///
/// The operations are those of the [`Rule`]'s own loop, in its order.
///
/// # Safety
/// As [`Tiny::run`](super::Tiny::run).
#[inline(always)]
pub(super) unsafe fn step<V: Few>(
    updating: &Updating<'_>,
    arena: &Arena,
    to: Slot,
    reach: Reach,
    gradient: V,
) -> bool {
    // SAFETY: the caller's promise; slots are as long as the parameters.
    unsafe {
        let place = arena.write(to);
        let [a, b, _]: [*mut f32; SLOTS] = updating.slots.map(|slot| slot.wrapping_add(to.offset));
        let load = |from: *mut f32| V::load_reach(from, reach).widen();
        let store = |lanes: V::Lanes, to: *mut f32| V::narrow(lanes).store_reach(to, reach);
        let w = load(place);
        let g = gradient.widen();
        match updating.rule {
            Rule::Sgd(rule) => {
                store(entered(&rule.entry, g, w).mul_add(splat::<V>(rule.rate), w), place);
            }
            Rule::Momentum(rule) => {
                let g = entered(&rule.entry, g, w);
                let kept = load(a).times(splat::<V>(rule.keep));
                let buffer = g.mul_add(splat::<V>(rule.add), kept).flushed();
                store(buffer, a);
                store(buffer.mul_add(splat::<V>(rule.rate), w), place);
            }
            Rule::Adam(rule) => {
                let (next, mean, square) = adam::<V>(rule, g, [w, load(a), load(b)]);
                store(mean, a);
                store(square, b);
                store(next, place);
            }
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
            | Rule::Adadelta(_) => return false,
        }
    }
    true
}

/// # Safety
/// Inside the level of `V`.
#[inline(always)]
unsafe fn splat<V: Few>(value: f32) -> V::Lanes {
    // SAFETY: the caller's promise.
    unsafe { <V::Lanes as Lanes>::splat(value) }
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
/// Inside the level of `V`.
#[inline(always)]
unsafe fn adam<V: Few>(
    rule: &Adam,
    g: V::Lanes,
    [w, m, v]: [V::Lanes; 3],
) -> (V::Lanes, V::Lanes, V::Lanes) {
    // SAFETY: the caller's promise.
    unsafe {
        let moments = &rule.moments;
        let g = entered(&moments.entry, g, w);
        let near = if moments.first.from_mean { m } else { g };
        let m = splat::<V>(moments.first.weight).mul_add(g.minus(m), near).flushed();
        let kept = splat::<V>(moments.second.keep).times(v);
        let v = splat::<V>(moments.second.add).times(g).mul_add(g, kept);
        let root = v.root().over(splat::<V>(rule.correction)).plus(splat::<V>(rule.eps));
        let move_ = splat::<V>(rule.size).times(m).over(root);
        (w.times(splat::<V>(moments.entry.keep)).plus(move_), m, v)
    }
}
