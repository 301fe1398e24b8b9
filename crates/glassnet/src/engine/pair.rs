//! Elementwise losses and their derivatives: see [`PairLoss`] for the mathematics.

use super::elementwise::sign;
use super::kernels::{Level, Map, map};
use crate::graph::op::PairLoss;
use crate::math::elementary::{exp, log, sigmoid, softplus};

/// Half the logarithm of 2π.
const HALF_LOG_2PI: f32 = 0.918_938_5;

/// The loss of every element.
pub(super) fn value(
    level: Level,
    loss: PairLoss,
    p: &[f32],
    t: &[f32],
    third: Option<&[f32]>,
    out: &mut [f32],
) {
    let run = Elements { level, p, t, third: third.unwrap_or(p), out };
    match loss {
        PairLoss::Mse => run.each(
            #[inline(always)]
            move |p, t, _| (p - t) * (p - t),
        ),
        PairLoss::L1 => run.each(
            #[inline(always)]
            move |p, t, _| (p - t).abs(),
        ),
        PairLoss::SmoothL1 { beta } => {
            let beta = beta as f32;
            run.each(
                #[inline(always)]
                move |p, t, _| {
                    let distance = (p - t).abs();
                    if distance < beta {
                        0.5 * distance * distance / beta
                    } else {
                        distance - 0.5 * beta
                    }
                },
            );
        }
        PairLoss::Huber { delta } => {
            let delta = delta as f32;
            run.each(
                #[inline(always)]
                move |p, t, _| {
                    let distance = (p - t).abs();
                    if distance <= delta {
                        0.5 * distance * distance
                    } else {
                        delta * (distance - 0.5 * delta)
                    }
                },
            );
        }
        PairLoss::Bce => run.each(
            #[inline(always)]
            move |p, t, _| (t - 1.0) * cut(log(1.0 - p)) - t * cut(log(p)),
        ),
        PairLoss::BceWithLogits => match third {
            None => run.each(
                #[inline(always)]
                move |z, t, _| (1.0 - t).mul_add(z, softplus(-z)),
            ),
            Some(_) => run.each(
                #[inline(always)]
                move |z, t, weight| {
                    let scale = (weight - 1.0).mul_add(t, 1.0);
                    (1.0 - t).mul_add(z, scale * softplus(-z))
                },
            ),
        },
        PairLoss::KlDiv { log_target: true } => run.each(
            #[inline(always)]
            move |p, t, _| exp(t) * (t - p),
        ),
        PairLoss::KlDiv { log_target: false } => run.each(
            #[inline(always)]
            move |p, t, _| if t == 0.0 { -t * p } else { t * log(t) - t * p },
        ),
        PairLoss::PoissonNll { log_input, full, eps } => {
            let eps = eps as f32;
            run.each(
                #[inline(always)]
                move |p, t, _| {
                    let plain = if log_input { exp(p) - t * p } else { p - t * log(p + eps) };
                    let stirling = t * log(t) - t + 0.5 * log(std::f32::consts::TAU * t);
                    if full && t > 1.0 { plain + stirling } else { plain }
                },
            );
        }
        PairLoss::GaussianNll { full, eps } => {
            let (eps, constant) = (eps as f32, if full { HALF_LOG_2PI } else { 0.0 });
            run.each(
                #[inline(always)]
                move |p, t, variance| {
                    let variance = if variance < eps { eps } else { variance };
                    0.5 * (log(variance) + (p - t) * (p - t) / variance) + constant
                },
            );
        }
    }
}

/// A logarithm as `BCELoss` takes it.
#[inline(always)]
fn cut(logarithm: f32) -> f32 {
    if logarithm < -100.0 { -100.0 } else { logarithm }
}

/// `dy · ∂loss/∂operand` of every element.
pub(super) fn derivative(
    level: Level,
    loss: PairLoss,
    operand: usize,
    dy: &[f32],
    [p, t]: [&[f32]; 2],
    third: Option<&[f32]>,
    out: &mut [f32],
) {
    // Symmetric losses: towards the target it is the same with the other sign.
    let side = if operand == 1 { -1.0 } else { 1.0 };
    let run = Elements { level, p, t, third: third.unwrap_or(p), out };
    match loss {
        PairLoss::Mse => run.each_times(
            dy,
            #[inline(always)]
            move |p, t, _| side * 2.0 * (p - t),
        ),
        PairLoss::L1 => run.each_times(
            dy,
            #[inline(always)]
            move |p, t, _| side * sign(p - t),
        ),
        PairLoss::SmoothL1 { beta } => {
            let beta = beta as f32;
            run.each_times(
                dy,
                #[inline(always)]
                move |p, t, _| {
                    let d = p - t;
                    side * if d.abs() < beta { d / beta } else { sign(d) }
                },
            );
        }
        PairLoss::Huber { delta } => {
            let delta = delta as f32;
            run.each_times(
                dy,
                #[inline(always)]
                move |p, t, _| {
                    let d = p - t;
                    side * if d.abs() <= delta { d } else { delta * sign(d) }
                },
            );
        }
        PairLoss::Bce => run.each_times(
            dy,
            #[inline(always)]
            move |p, t, _| {
                let spread = (1.0 - p) * p;
                (p - t) / if spread < 1e-12 { 1e-12 } else { spread }
            },
        ),
        PairLoss::BceWithLogits => match third {
            None => run.each_times(
                dy,
                #[inline(always)]
                move |z, t, _| sigmoid(z) - t,
            ),
            Some(_) => run.each_times(
                dy,
                #[inline(always)]
                move |z, t, weight| {
                    let scale = (weight - 1.0).mul_add(t, 1.0);
                    (1.0 - t) - scale * sigmoid(-z)
                },
            ),
        },
        PairLoss::KlDiv { log_target } => run.each_times(
            dy,
            #[inline(always)]
            move |_, t, _| if log_target { -exp(t) } else { -t },
        ),
        PairLoss::PoissonNll { log_input, eps, .. } => {
            let eps = eps as f32;
            run.each_times(
                dy,
                #[inline(always)]
                move |p, t, _| if log_input { exp(p) - t } else { 1.0 - t / (p + eps) },
            );
        }
        PairLoss::GaussianNll { eps, .. } => {
            let eps = eps as f32;
            run.each_times(
                dy,
                #[inline(always)]
                move |p, t, variance| {
                    let variance = if variance < eps { eps } else { variance };
                    let ratio = (p - t) / variance;
                    if operand == 2 { 0.5 * (1.0 / variance - ratio * ratio) } else { side * ratio }
                },
            );
        }
    }
}

struct Elements<'a> {
    level: Level,
    p: &'a [f32],
    t: &'a [f32],
    third: &'a [f32],
    out: &'a mut [f32],
}

impl Elements<'_> {
    #[inline(always)]
    fn each(self, f: impl Fn(f32, f32, f32) -> f32 + Copy) {
        map(self.level, &Body(f), [self.p, self.t, self.third], self.out);
    }

    #[inline(always)]
    fn each_times(self, dy: &[f32], f: impl Fn(f32, f32, f32) -> f32 + Copy) {
        map(self.level, &Body(f), [self.p, self.t, self.third, dy], self.out);
    }
}

/// A function of estimate, target and third operand; times what comes from above, where there is such.
#[derive(Clone, Copy)]
struct Body<F>(F);

impl<F: Fn(f32, f32, f32) -> f32 + Copy> Map<3> for Body<F> {
    #[inline(always)]
    fn at(&self, [p, t, third]: [f32; 3]) -> f32 {
        (self.0)(p, t, third)
    }
}

impl<F: Fn(f32, f32, f32) -> f32 + Copy> Map<4> for Body<F> {
    #[inline(always)]
    fn at(&self, [p, t, third, dy]: [f32; 4]) -> f32 {
        dy * (self.0)(p, t, third)
    }
}
