//! One step of an optimiser: its numbers in f64, rounded once; then the [`Rule`]'s pass over memory in f32.
//!
//! PyTorch's bits are met but for the square root: ours is correctly rounded, PyTorch's is one unit in the last place off
//! for one number in 160; and for running means of the gradient below the normal numbers, which become 0 here.

use super::{Adadelta, Adagrad, Adam, AdamW, NAdam, Optimizer, RAdam, RmsProp, Sgd, State};
use crate::engine::Level;
use crate::engine::rule::{self, Entry, Lerp, MeanSquare, Moments, Rule};

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
        assert_eq!(
            parameters.len(),
            state.len,
            "the state belongs to another number of parameters"
        );
        assert_eq!(gradients.len(), state.len, "parameters and gradients differ in number");
        let rule = self.begin(lr, state);
        rule.apply(level, parameters, gradients, state.slots_of(&rule));
    }

    /// Counts a step with learning rate `lr` and gives its rule, to be applied once to every parameter, in any parts.
    ///
    /// # Panics
    /// When `state` belongs to another optimiser.
    pub(crate) fn begin(&self, lr: f64, state: &mut State) -> Rule {
        assert_eq!(self.name(), state.optimizer, "the state belongs to another optimiser");
        state.step += 1;
        match self {
            Optimizer::Sgd(options) => sgd(options, lr, state.step),
            Optimizer::Adam(options) => adam(options, lr, state.step),
            Optimizer::AdamW(options) => adam(&options.into(), lr, state.step),
            Optimizer::NAdam(options) => nadam(options, lr, state),
            Optimizer::RAdam(options) => radam(options, lr, state.step),
            Optimizer::RmsProp(options) => rmsprop(options, lr),
            Optimizer::Adagrad(options) => adagrad(options, lr, state.step),
            Optimizer::Adadelta(options) => adadelta(options, lr),
        }
    }
}

impl Optimizer {
    /// The same with the `eps` that has at this step, from 1, the effect of Adam's `ε̂`: see
    /// [`Config::epsilon_hat`](crate::train::Config::epsilon_hat).
    pub(crate) fn with_epsilon_hat(mut self, step: u64) -> Self {
        match &mut self {
            Optimizer::Adam(Adam { eps, betas, .. })
            | Optimizer::AdamW(AdamW { eps, betas, .. }) => {
                *eps /= without_power(betas.1, step).sqrt();
            }
            Optimizer::Sgd(_)
            | Optimizer::NAdam(_)
            | Optimizer::RAdam(_)
            | Optimizer::RmsProp(_)
            | Optimizer::Adagrad(_)
            | Optimizer::Adadelta(_) => {}
        }
        self
    }

    /// As [`Optimizer::begin`]: the rule of the weights, to whose gradients `alpha` times themselves is added, and the one of
    /// all other parameters.
    ///
    /// # Panics
    /// As [`Optimizer::begin`].
    pub(crate) fn begin_with(&self, alpha: f64, lr: f64, state: &mut State) -> [Rule; 2] {
        let before = state.count();
        let others = self.begin(lr, state);
        if alpha == 0.0 {
            return [others; 2];
        }
        state.go_back(before);
        let weights = self.with_weight_decay(self.weight_decay() + alpha).begin(lr, state);
        [weights, others]
    }

    /// As [`Optimizer::begin`] for the next `count` steps, one rule for each.
    ///
    /// # Panics
    /// As [`Optimizer::begin`].
    pub(crate) fn begin_many(
        &self,
        lr: f64,
        state: &mut State,
        count: usize,
        rules: &mut Vec<Rule>,
    ) {
        rules.clear();
        while rules.len() < count {
            let rule = self.begin(lr, state);
            // From the second step on, this one's rule stays the same.
            let alike = match self {
                Optimizer::Sgd(_) if state.step > 1 => count - rules.len(),
                Optimizer::Sgd(_)
                | Optimizer::Adam(_)
                | Optimizer::AdamW(_)
                | Optimizer::NAdam(_)
                | Optimizer::RAdam(_)
                | Optimizer::RmsProp(_)
                | Optimizer::Adagrad(_)
                | Optimizer::Adadelta(_) => 1,
            };
            rules.resize(rules.len() + alike, rule);
            state.step += alike as u64 - 1;
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

/// `1 − baseᵗ`.
fn without_power(base: f64, steps: u64) -> f64 {
    // baseᵗ ≤ e^(−t(1 − base)) is then below a quarter of the distance from 1 to the next number below it: the
    // difference is 1, and most of training needs no power.
    let far = (0.0..1.0).contains(&base) && steps as f64 * (1.0 - base) > 40.0;
    if far { 1.0 } else { 1.0 - power(base, steps) }
}

fn entry(maximize: bool, weight_decay: f64) -> Entry {
    Entry { sign: if maximize { -1.0 } else { 1.0 }, decay: weight_decay as f32, keep: 1.0 }
}

/// With the decay in the gradient or apart from it.
fn moments(
    maximize: bool,
    weight_decay: f64,
    decoupled: bool,
    lr: f64,
    (beta1, beta2): (f64, f64),
) -> Moments {
    let entry = match decoupled {
        true => Entry { keep: (1.0 - lr * weight_decay) as f32, ..entry(maximize, 0.0) },
        false => entry(maximize, weight_decay),
    };
    Moments { entry, first: Lerp::new(1.0 - beta1), second: MeanSquare::new(beta2) }
}

fn sgd(options: &Sgd, lr: f64, step: u64) -> Rule {
    let entry = entry(options.maximize, options.weight_decay);
    let rate = -lr as f32;
    if options.momentum == 0.0 {
        return Rule::Sgd(rule::Sgd { entry, rate });
    }
    // The first direction is the gradient itself, without dampening.
    let first = step == 1;
    let momentum = options.momentum as f32;
    let buffer = rule::Momentum {
        entry,
        keep: if first { 0.0 } else { momentum },
        add: if first { 1.0 } else { (1.0 - options.dampening) as f32 },
        rate,
    };
    if options.nesterov {
        Rule::Nesterov(rule::Nesterov { buffer, momentum })
    } else {
        Rule::Momentum(buffer)
    }
}

fn adam(options: &Adam, lr: f64, step: u64) -> Rule {
    let Adam { maximize, weight_decay, betas, decoupled_weight_decay, .. } = *options;
    let adam = rule::Adam {
        moments: moments(maximize, weight_decay, decoupled_weight_decay, lr, betas),
        size: -(lr / without_power(betas.0, step)) as f32,
        correction: without_power(betas.1, step).sqrt() as f32,
        eps: options.eps as f32,
    };
    if options.amsgrad { Rule::AmsGrad(rule::AmsGrad(adam)) } else { Rule::Adam(adam) }
}

fn nadam(options: &NAdam, lr: f64, state: &mut State) -> Rule {
    let NAdam { maximize, weight_decay, betas, decoupled_weight_decay, .. } = *options;
    let step = state.step as f64;
    let momentum_at =
        |step: f64| betas.0 * (1.0 - 0.5 * libm::pow(0.96, step * options.momentum_decay));
    let (mu, mu_next) = (momentum_at(step), momentum_at(step + 1.0));
    state.mu_product *= mu as f32;
    let product = f64::from(state.mu_product);
    Rule::NAdam(rule::NAdam {
        moments: moments(maximize, weight_decay, decoupled_weight_decay, lr, betas),
        of_gradient: (-lr * (1.0 - mu) / (1.0 - product)) as f32,
        of_mean: (-lr * mu_next / (1.0 - product * mu_next)) as f32,
        correction: without_power(betas.1, state.step) as f32,
        eps: options.eps as f32,
    })
}

fn radam(options: &RAdam, lr: f64, step: u64) -> Rule {
    let RAdam { maximize, weight_decay, betas, decoupled_weight_decay, .. } = *options;
    let plain = rule::RAdam {
        moments: moments(maximize, weight_decay, decoupled_weight_decay, lr, betas),
        correction: without_power(betas.0, step) as f32,
        rate: lr as f32,
    };
    let kept = power(betas.1, step);
    let correction2 = 1.0 - kept;
    let longest = 2.0 / (1.0 - betas.1) - 1.0;
    let length = longest - 2.0 * step as f64 * kept / correction2;
    // A comparison that also sends what is no number to the plain rule.
    if length > 5.0 {
        let rectified = (length - 4.0) * (length - 2.0) * longest
            / ((longest - 4.0) * (longest - 2.0) * length);
        Rule::Rectified(rule::Rectified {
            plain,
            adapted: correction2.sqrt() as f32,
            rectified: rectified.sqrt() as f32,
            eps: options.eps as f32,
        })
    } else {
        Rule::RAdam(plain)
    }
}

fn rmsprop(options: &RmsProp, lr: f64) -> Rule {
    let plain = rule::RmsProp {
        entry: entry(options.maximize, options.weight_decay),
        square: MeanSquare::new(options.alpha),
        rate: -lr as f32,
        eps: options.eps as f32,
    };
    let centered = rule::Centered { plain, mean: Lerp::new(1.0 - options.alpha) };
    let momentum = options.momentum as f32;
    match (options.momentum > 0.0, options.centered) {
        (false, false) => Rule::RmsProp(plain),
        (true, false) => Rule::RmsPropMomentum(rule::RmsPropMomentum { plain, momentum }),
        (false, true) => Rule::Centered(centered),
        (true, true) => Rule::CenteredMomentum(rule::CenteredMomentum { centered, momentum }),
    }
}

fn adagrad(options: &Adagrad, lr: f64, step: u64) -> Rule {
    Rule::Adagrad(rule::Adagrad {
        entry: entry(options.maximize, options.weight_decay),
        rate: -(lr / (1.0 + (step as f64 - 1.0) * options.lr_decay)) as f32,
        eps: options.eps as f32,
    })
}

fn adadelta(options: &Adadelta, lr: f64) -> Rule {
    Rule::Adadelta(rule::Adadelta {
        entry: entry(options.maximize, options.weight_decay),
        mean: MeanSquare::new(options.rho),
        rate: -lr as f32,
        eps: options.eps as f32,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn powers_that_are_left_out_change_nothing() {
        for base in [0.0, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0] {
            for steps in (1..3000).chain((1..500).map(|i| i * 997)) {
                let expected = 1.0 - power(base, steps);
                assert_eq!(without_power(base, steps), expected, "{base} {steps}");
            }
        }
    }
}
