//! The optimiser's step on a gradient that is still in a register.

use super::super::arena::Arena;
use super::super::execute::Updating;
use super::super::kernels::{Few, Reach, Sweep};
use super::super::place::Slot;
use super::super::rule::{Rule, SLOTS};
use super::MOST;
use super::entropy::{array, register};

/// Changes the parameters at `to` by their gradient and gives true, or gives false if the rule is not one of the
/// commonest: then whoever calls applies it to the stored gradient.
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
        let w = arena.write(to);
        let [a, b, _]: [*mut f32; SLOTS] = updating.slots.map(|slot| slot.wrapping_add(to.offset));
        match updating.rule {
            Rule::Sgd(rule) => lanes::<V, 1, _>(rule, gradient, [w], reach),
            Rule::Momentum(rule) => lanes::<V, 2, _>(rule, gradient, [w, a], reach),
            Rule::Adam(rule) => lanes::<V, 3, _>(rule, gradient, [w, a, b], reach),
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

#[inline(always)]
unsafe fn lanes<V: Few, const M: usize, R: Sweep<1, M>>(
    rule: &R,
    gradient: V,
    places: [*mut f32; M],
    reach: Reach,
) {
    // SAFETY: the caller's promise.
    unsafe {
        let gradient = array(gradient);
        let old: [[f32; MOST]; M] = std::array::from_fn(|m| array(V::load_reach(places[m], reach)));
        let mut new = [[0.0; MOST]; M];
        for lane in 0..MOST {
            let fresh = rule.at([gradient[lane]], std::array::from_fn(|m| old[m][lane]));
            for m in 0..M {
                new[m][lane] = fresh[m];
            }
        }
        for m in 0..M {
            register::<V>(&new[m]).store_reach(places[m], reach);
        }
    }
}
