//! One step of an optimiser: scalar coefficients in f64, then one pass over memory in f32.
//!
//! Coefficients are computed in f64 and rounded once, and the element rules multiply, add and round in the order of
//! PyTorch's single-tensor CPU code, whose kernels fuse a multiplication with the addition that follows it. Its bits
//! are met but for the square root: ours is correctly rounded, PyTorch's is one unit in the last place off for one
//! number in 160; and for running means of the gradient below the normal numbers, which become 0 here.
//!
//! An option that is off becomes a coefficient that changes nothing (a sign of 1, a decay of 0, a factor of 1),
//! so that a rule is one loop without branches.

use super::{Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RAdam, RmsProp, Sgd, State};
use crate::engine::Level;

impl Optimizer {
    /// Changes `parameters` by one step with learning rate `lr` (a schedule's, or [`Optimizer::lr`]).
    ///
    /// The block holds all parameters of a network back to back, and `gradients` their gradients in the same order.
    /// Nothing is allocated.
    ///
    /// # Panics
    /// When `parameters`, `gradients` and `state` differ in length, or `state` belongs to another optimiser or to one
    /// with other slots.
    pub fn step(
        &self,
        level: Level,
        lr: f64,
        parameters: &mut [f32],
        gradients: &[f32],
        state: &mut State,
    ) {
        assert_eq!(self.name(), state.optimizer, "the state belongs to another optimiser");
        assert_eq!(
            parameters.len(),
            state.len,
            "the state belongs to another number of parameters"
        );
        assert_eq!(gradients.len(), state.len, "parameters and gradients differ in number");
        state.step += 1;
        match self {
            Optimizer::Sgd(options) => sgd(level, options, lr, parameters, gradients, state),
            Optimizer::Adam(options) => adam(level, options, lr, parameters, gradients, state),
            Optimizer::AdamW(options) => {
                adam(level, &options.into(), lr, parameters, gradients, state)
            }
            Optimizer::NAdam(options) => nadam(level, options, lr, parameters, gradients, state),
            Optimizer::RAdam(options) => radam(level, options, lr, parameters, gradients, state),
            Optimizer::RmsProp(options) => {
                rmsprop(level, options, lr, parameters, gradients, state)
            }
            Optimizer::Adagrad(options) => {
                adagrad(level, options, lr, parameters, gradients, state)
            }
            Optimizer::Adadelta(options) => {
                adadelta(level, options, lr, parameters, gradients, state)
            }
        }
    }
}

impl From<&AdamW> for Adam {
    fn from(options: &AdamW) -> Self {
        Adam {
            lr: options.lr,
            betas: options.betas,
            eps: options.eps,
            weight_decay: options.weight_decay,
            amsgrad: options.amsgrad,
            maximize: options.maximize,
            decoupled_weight_decay: true,
        }
    }
}

/// `baseᵗ` for a whole number of steps.
fn power(base: f64, steps: u64) -> f64 {
    libm::pow(base, steps as f64)
}

#[cold]
fn foreign_state() -> ! {
    panic!("the state belongs to an optimiser with other slots")
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
#[derive(Clone, Copy)]
struct Entry {
    sign: f32,
    decay: f32,
    keep: f32,
}

impl Entry {
    fn new(maximize: bool, weight_decay: f64) -> Self {
        Entry { sign: if maximize { -1.0 } else { 1.0 }, decay: weight_decay as f32, keep: 1.0 }
    }

    fn decoupled(maximize: bool, weight_decay: f64, lr: f64) -> Self {
        Entry { keep: (1.0 - lr * weight_decay) as f32, ..Entry::new(maximize, 0.0) }
    }

    #[inline(always)]
    fn gradient(self, gradient: f32, weight: f32) -> f32 {
        weight.mul_add(self.decay, gradient * self.sign)
    }
}

/// `mean ← mean + weight·(value − mean)`, from the nearer end, as PyTorch's `lerp` does.
#[derive(Clone, Copy)]
struct Lerp {
    from_mean: bool,
    weight: f32,
}

impl Lerp {
    fn new(weight: f64) -> Self {
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
#[derive(Clone, Copy)]
struct MeanSquare {
    keep: f32,
    add: f32,
}

impl MeanSquare {
    fn new(keep: f64) -> Self {
        MeanSquare { keep: keep as f32, add: (1.0 - keep) as f32 }
    }

    #[inline(always)]
    fn apply(self, mean: f32, value: f32) -> f32 {
        (self.add * value).mul_add(value, self.keep * mean)
    }
}

fn sgd(
    level: Level,
    options: &Sgd,
    lr: f64,
    parameters: &mut [f32],
    gradients: &[f32],
    state: &mut State,
) {
    let entry = Entry::new(options.maximize, options.weight_decay);
    let rate = -lr as f32;
    if options.momentum == 0.0 {
        return level.run(
            #[inline(always)]
            || {
                for (w, &g) in parameters.iter_mut().zip(gradients) {
                    *w = entry.gradient(g, *w).mul_add(rate, *w);
                }
            },
        );
    }
    let [buffers] = &mut state.slots[..] else { foreign_state() };
    // The first direction is the gradient itself, without dampening.
    let first = state.step == 1;
    let momentum = options.momentum as f32;
    let keep = if first { 0.0 } else { momentum };
    let add = if first { 1.0 } else { (1.0 - options.dampening) as f32 };
    let block = parameters.iter_mut().zip(gradients).zip(buffers);
    if options.nesterov {
        level.run(
            #[inline(always)]
            || {
                for ((w, &g), b) in block {
                    let g = entry.gradient(g, *w);
                    *b = flushed(g.mul_add(add, *b * keep));
                    *w = b.mul_add(momentum, g).mul_add(rate, *w);
                }
            },
        );
    } else {
        level.run(
            #[inline(always)]
            || {
                for ((w, &g), b) in block {
                    *b = flushed(entry.gradient(g, *w).mul_add(add, *b * keep));
                    *w = b.mul_add(rate, *w);
                }
            },
        );
    }
}

fn adam(
    level: Level,
    options: &Adam,
    lr: f64,
    parameters: &mut [f32],
    gradients: &[f32],
    state: &mut State,
) {
    let entry = match options.decoupled_weight_decay {
        true => Entry::decoupled(options.maximize, options.weight_decay, lr),
        false => Entry::new(options.maximize, options.weight_decay),
    };
    let (beta1, beta2) = options.betas;
    let (first, second) = (Lerp::new(1.0 - beta1), MeanSquare::new(beta2));
    let size = -(lr / (1.0 - power(beta1, state.step))) as f32;
    let correction = (1.0 - power(beta2, state.step)).sqrt() as f32;
    let eps = options.eps as f32;
    let block = parameters.iter_mut().zip(gradients);
    match &mut state.slots[..] {
        [means, squares] => level.run(
            #[inline(always)]
            || {
                for (((w, &g), m), v) in block.zip(means).zip(squares) {
                    let g = entry.gradient(g, *w);
                    *m = flushed(first.apply(*m, g));
                    *v = second.apply(*v, g);
                    *w = *w * entry.keep + size * *m / (v.sqrt() / correction + eps);
                }
            },
        ),
        [means, squares, largest] => level.run(
            #[inline(always)]
            || {
                for ((((w, &g), m), v), top) in block.zip(means).zip(squares).zip(largest) {
                    let g = entry.gradient(g, *w);
                    *m = flushed(first.apply(*m, g));
                    *v = second.apply(*v, g);
                    *top = larger(*top, *v);
                    *w = *w * entry.keep + size * *m / (top.sqrt() / correction + eps);
                }
            },
        ),
        _ => foreign_state(),
    }
}

/// The larger of two numbers; not a number if either isn't, so that a divergence is never hidden.
#[inline(always)]
fn larger(top: f32, value: f32) -> f32 {
    if top >= value || top.is_nan() { top } else { value }
}

fn nadam(
    level: Level,
    options: &NAdam,
    lr: f64,
    parameters: &mut [f32],
    gradients: &[f32],
    state: &mut State,
) {
    let entry = match options.decoupled_weight_decay {
        true => Entry::decoupled(options.maximize, options.weight_decay, lr),
        false => Entry::new(options.maximize, options.weight_decay),
    };
    let (beta1, beta2) = options.betas;
    let (first, second) = (Lerp::new(1.0 - beta1), MeanSquare::new(beta2));
    let step = state.step as f64;
    let momentum_at =
        |step: f64| beta1 * (1.0 - 0.5 * libm::pow(0.96, step * options.momentum_decay));
    let (mu, mu_next) = (momentum_at(step), momentum_at(step + 1.0));
    state.mu_product *= mu as f32;
    let product = f64::from(state.mu_product);
    let of_gradient = (-lr * (1.0 - mu) / (1.0 - product)) as f32;
    let of_mean = (-lr * mu_next / (1.0 - product * mu_next)) as f32;
    let correction = (1.0 - power(beta2, state.step)) as f32;
    let eps = options.eps as f32;
    let [means, squares] = &mut state.slots[..] else { foreign_state() };
    let block = parameters.iter_mut().zip(gradients).zip(means).zip(squares);
    level.run(
        #[inline(always)]
        || {
            for (((w, &g), m), v) in block {
                let g = entry.gradient(g, *w);
                *m = flushed(first.apply(*m, g));
                *v = second.apply(*v, g);
                let root = (*v / correction).sqrt() + eps;
                *w = *w * entry.keep + of_gradient * g / root;
                *w += of_mean * *m / root;
            }
        },
    );
}

fn radam(
    level: Level,
    options: &RAdam,
    lr: f64,
    parameters: &mut [f32],
    gradients: &[f32],
    state: &mut State,
) {
    let entry = match options.decoupled_weight_decay {
        true => Entry::decoupled(options.maximize, options.weight_decay, lr),
        false => Entry::new(options.maximize, options.weight_decay),
    };
    let (beta1, beta2) = options.betas;
    let (first, second) = (Lerp::new(1.0 - beta1), MeanSquare::new(beta2));
    let correction1 = (1.0 - power(beta1, state.step)) as f32;
    let kept = power(beta2, state.step);
    let correction2 = 1.0 - kept;
    let longest = 2.0 / (1.0 - beta2) - 1.0;
    let length = longest - 2.0 * state.step as f64 * kept / correction2;
    let (rate, eps) = (lr as f32, options.eps as f32);
    let [means, squares] = &mut state.slots[..] else { foreign_state() };
    let block = parameters.iter_mut().zip(gradients).zip(means).zip(squares);
    if length > 5.0 {
        let rectified = ((length - 4.0) * (length - 2.0) * longest
            / ((longest - 4.0) * (longest - 2.0) * length))
            .sqrt() as f32;
        let adapted = correction2.sqrt() as f32;
        level.run(
            #[inline(always)]
            || {
                for (((w, &g), m), v) in block {
                    let g = entry.gradient(g, *w);
                    *m = flushed(first.apply(*m, g));
                    *v = second.apply(*v, g);
                    let scale = 1.0 / (v.sqrt() + eps) * adapted;
                    *w = *w * entry.keep - *m / correction1 * rate * scale * rectified;
                }
            },
        );
    } else {
        level.run(
            #[inline(always)]
            || {
                for (((w, &g), m), v) in block {
                    let g = entry.gradient(g, *w);
                    *m = flushed(first.apply(*m, g));
                    *v = second.apply(*v, g);
                    *w = *w * entry.keep - *m / correction1 * rate;
                }
            },
        );
    }
}

fn rmsprop(
    level: Level,
    options: &RmsProp,
    lr: f64,
    parameters: &mut [f32],
    gradients: &[f32],
    state: &mut State,
) {
    let entry = Entry::new(options.maximize, options.weight_decay);
    let (square, mean) = (MeanSquare::new(options.alpha), Lerp::new(1.0 - options.alpha));
    let (rate, momentum, eps) = (-lr as f32, options.momentum as f32, options.eps as f32);
    let moves = options.momentum > 0.0;
    let block = parameters.iter_mut().zip(gradients);
    match (&mut state.slots[..], options.centered) {
        ([squares, ..], false) if !moves => level.run(
            #[inline(always)]
            || {
                for ((w, &g), v) in block.zip(squares) {
                    let g = entry.gradient(g, *w);
                    *v = square.apply(*v, g);
                    *w += rate * g / (v.sqrt() + eps);
                }
            },
        ),
        ([squares, buffers], false) => level.run(
            #[inline(always)]
            || {
                for (((w, &g), v), b) in block.zip(squares).zip(buffers) {
                    let g = entry.gradient(g, *w);
                    *v = square.apply(*v, g);
                    *b = flushed(*b * momentum + g / (v.sqrt() + eps));
                    *w = b.mul_add(rate, *w);
                }
            },
        ),
        ([squares, .., means], true) if !moves => level.run(
            #[inline(always)]
            || {
                for (((w, &g), v), a) in block.zip(squares).zip(means) {
                    let g = entry.gradient(g, *w);
                    *v = square.apply(*v, g);
                    *a = mean.apply(*a, g);
                    *w += rate * g / ((-*a).mul_add(*a, *v).sqrt() + eps);
                }
            },
        ),
        ([squares, buffers, means], true) => level.run(
            #[inline(always)]
            || {
                for ((((w, &g), v), b), a) in block.zip(squares).zip(buffers).zip(means) {
                    let g = entry.gradient(g, *w);
                    *v = square.apply(*v, g);
                    *a = mean.apply(*a, g);
                    *b = flushed(*b * momentum + g / ((-*a).mul_add(*a, *v).sqrt() + eps));
                    *w = b.mul_add(rate, *w);
                }
            },
        ),
        _ => foreign_state(),
    }
}

fn adagrad(
    level: Level,
    options: &Adagrad,
    lr: f64,
    parameters: &mut [f32],
    gradients: &[f32],
    state: &mut State,
) {
    let entry = Entry::new(options.maximize, options.weight_decay);
    let rate = -(lr / (1.0 + (state.step as f64 - 1.0) * options.lr_decay)) as f32;
    let eps = options.eps as f32;
    let [sums] = &mut state.slots[..] else { foreign_state() };
    let block = parameters.iter_mut().zip(gradients).zip(sums);
    level.run(
        #[inline(always)]
        || {
            for ((w, &g), s) in block {
                let g = entry.gradient(g, *w);
                *s = g.mul_add(g, *s);
                *w += rate * g / (s.sqrt() + eps);
            }
        },
    );
}

fn adadelta(
    level: Level,
    options: &Adadelta,
    lr: f64,
    parameters: &mut [f32],
    gradients: &[f32],
    state: &mut State,
) {
    let entry = Entry::new(options.maximize, options.weight_decay);
    let mean = MeanSquare::new(options.rho);
    let (rate, eps) = (-lr as f32, options.eps as f32);
    let [squares, deltas] = &mut state.slots[..] else { foreign_state() };
    let block = parameters.iter_mut().zip(gradients).zip(squares).zip(deltas);
    level.run(
        #[inline(always)]
        || {
            for (((w, &g), v), u) in block {
                let g = entry.gradient(g, *w);
                *v = mean.apply(*v, g);
                let delta = (*u + eps).sqrt() / (*v + eps).sqrt() * g;
                *u = mean.apply(*u, delta);
                *w = delta.mul_add(rate, *w);
            }
        },
    );
}
