//! Optimisers: how a gradient changes the parameters.
//!
//! Names, arguments, defaults and rules are those of `torch.optim` (its single-tensor CPU code). All rules work
//! element by element, so the parameters of a whole network are one block and a step is one pass over memory.

mod notation;
mod state;
mod step;

pub use state::{SavedState, State};

/// An optimiser with its options.
///
/// `Display` prints PyTorch's expression without the options that have their defaults, and [`Optimizer::parse`]
/// reads it back.
///
/// # Source
/// PyTorch, `torch.optim`: <https://pytorch.org/docs/stable/optim.html>.
///
/// # Example
/// ```
/// use glassnet::train::optimizer::Optimizer;
/// use glassnet::engine::Level;
/// let optimizer = Optimizer::parse("SGD(lr=0.5, momentum=0.5)")?;
/// let (mut w, g) = ([1.0_f32, -2.0], [0.5_f32, 0.0]);
/// let mut state = optimizer.state(w.len())?;
/// optimizer.step(Level::detect(), optimizer.lr(), &mut w, &g, &mut state); // w ← w − 0.5·g
/// optimizer.step(Level::detect(), optimizer.lr(), &mut w, &g, &mut state); // w ← w − 0.5·(0.5·g + g)
/// assert_eq!(w, [0.375, -2.0]);
/// assert_eq!(optimizer.to_string(), "SGD(lr=0.5, momentum=0.5)");
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Optimizer {
    /// Stochastic gradient descent.
    Sgd(Sgd),
    /// Adam.
    Adam(Adam),
    /// Adam with decoupled weight decay.
    AdamW(AdamW),
    /// Adam with Nesterov's momentum.
    NAdam(NAdam),
    /// Adam whose step is rectified while its second moment is uncertain.
    RAdam(RAdam),
    /// Steps divided by a running root mean square of the gradient.
    RmsProp(RmsProp),
    /// Steps divided by the root of the sum of all squared gradients.
    Adagrad(Adagrad),
    /// Steps scaled by the ratio of two running root mean squares.
    Adadelta(Adadelta),
}

/// Stochastic gradient descent, with momentum on request.
///
/// With `g` the gradient (negated by `maximize`) plus `weight_decay·w`:
/// `b ← momentum·b + (1 − dampening)·g` (at the first step `b ← g`), then `w ← w − lr·b`; with `nesterov`
/// `w ← w − lr·(g + momentum·b)`; without momentum `w ← w − lr·g`.
///
/// # Source
/// PyTorch, `torch.optim.SGD`; Sutskever et al., *On the importance of initialization and momentum in deep
/// learning*, ICML 2013.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sgd {
    /// Learning rate.
    pub lr: f64,
    /// Share of the previous direction that is kept.
    pub momentum: f64,
    /// Share of the new gradient that momentum leaves out.
    pub dampening: f64,
    /// L2 penalty: adds `weight_decay·w` to the gradient.
    pub weight_decay: f64,
    /// Looks one momentum step ahead. Needs a momentum and zero dampening.
    pub nesterov: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
}

/// Adam.
///
/// With `g` the gradient (negated by `maximize`) plus `weight_decay·w`, at step `t` from 1:
/// `m ← m + (1 − β₁)(g − m)`, `v ← β₂·v + (1 − β₂)·g²`,
/// `w ← w − lr/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + eps)`; with `amsgrad` the largest `v` so far stands for `v`.
///
/// # Source
/// PyTorch, `torch.optim.Adam`; Kingma and Ba, *Adam: a method for stochastic optimization*, ICLR 2015; Reddi et
/// al., *On the convergence of Adam and beyond*, ICLR 2018.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adam {
    /// Learning rate.
    pub lr: f64,
    /// Decay rates β₁ and β₂ of the running means of the gradient and of its square.
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty: adds `weight_decay·w` to the gradient.
    pub weight_decay: f64,
    /// Divides by the largest second moment so far.
    pub amsgrad: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
    /// Shrinks the weights apart from the gradient, as [`AdamW`] does.
    pub decoupled_weight_decay: bool,
}

/// Adam with decoupled weight decay: first `w ← (1 − lr·weight_decay)·w`, then as [`Adam`] without decay.
///
/// # Source
/// PyTorch, `torch.optim.AdamW`; Loshchilov and Hutter, *Decoupled weight decay regularization*, ICLR 2019.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AdamW {
    /// Learning rate.
    pub lr: f64,
    /// Decay rates β₁ and β₂ of the running means of the gradient and of its square.
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// Shrinks every weight by the factor `1 − lr·weight_decay`.
    pub weight_decay: f64,
    /// Divides by the largest second moment so far.
    pub amsgrad: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
}

/// Adam with Nesterov's momentum.
///
/// Moments as in [`Adam`]; `μₜ = β₁(1 − ½·0.96^(t·momentum_decay))`, `Π = μ₁ ⋯ μₜ`,
/// `d = √(v/(1 − β₂ᵗ)) + eps`, and `w ← w − lr(1 − μₜ)/(1 − Π) · g/d − lr·μₜ₊₁/(1 − Π·μₜ₊₁) · m/d`.
///
/// # Source
/// PyTorch, `torch.optim.NAdam`; Dozat, *Incorporating Nesterov momentum into Adam*, ICLR workshop 2016.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NAdam {
    /// Learning rate.
    pub lr: f64,
    /// Decay rates β₁ and β₂ of the running means of the gradient and of its square.
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty, or the decoupled decay.
    pub weight_decay: f64,
    /// How fast the momentum grows towards β₁.
    pub momentum_decay: f64,
    /// Shrinks the weights apart from the gradient, as [`AdamW`] does.
    pub decoupled_weight_decay: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
}

/// Adam whose step is rectified while its second moment is uncertain.
///
/// Moments as in [`Adam`]; `ρ∞ = 2/(1 − β₂) − 1`, `ρₜ = ρ∞ − 2t·β₂ᵗ/(1 − β₂ᵗ)`. While `ρₜ ≤ 5`,
/// `w ← w − lr·m/(1 − β₁ᵗ)`; then that step times
/// `√((ρₜ − 4)(ρₜ − 2)ρ∞ / ((ρ∞ − 4)(ρ∞ − 2)ρₜ)) · √(1 − β₂ᵗ)/(√v + eps)`.
///
/// # Source
/// PyTorch, `torch.optim.RAdam`; Liu et al., *On the variance of the adaptive learning rate and beyond*, ICLR 2020.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RAdam {
    /// Learning rate.
    pub lr: f64,
    /// Decay rates β₁ and β₂ of the running means of the gradient and of its square.
    pub betas: (f64, f64),
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty, or the decoupled decay.
    pub weight_decay: f64,
    /// Shrinks the weights apart from the gradient, as [`AdamW`] does.
    pub decoupled_weight_decay: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
}

/// Steps divided by a running root mean square of the gradient.
///
/// With `g` the gradient plus `weight_decay·w`: `v ← alpha·v + (1 − alpha)·g²`, `d = √v + eps` (with `centered`
/// `√(v − a²) + eps`, `a` the running mean of `g`), then `w ← w − lr·g/d`, or with momentum
/// `b ← momentum·b + g/d`, `w ← w − lr·b`.
///
/// # Source
/// PyTorch, `torch.optim.RMSprop`; Hinton's course *Neural networks for machine learning*, lecture 6; Graves,
/// *Generating sequences with recurrent neural networks*, 2013 (centred).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RmsProp {
    /// Learning rate.
    pub lr: f64,
    /// Decay rate of the running mean square.
    pub alpha: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// L2 penalty: adds `weight_decay·w` to the gradient.
    pub weight_decay: f64,
    /// Share of the previous direction that is kept.
    pub momentum: f64,
    /// Divides by the standard deviation instead of the root mean square.
    pub centered: bool,
    /// Climbs instead of descending.
    pub maximize: bool,
}

/// Steps divided by the root of the sum of all squared gradients.
///
/// With `g` the gradient plus `weight_decay·w`, at step `t` from 1: `s ← s + g²` (from
/// `initial_accumulator_value`), `w ← w − lr/(1 + (t − 1)·lr_decay) · g/(√s + eps)`.
///
/// # Source
/// PyTorch, `torch.optim.Adagrad`; Duchi, Hazan and Singer, *Adaptive subgradient methods*, JMLR 12, 2011.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adagrad {
    /// Learning rate.
    pub lr: f64,
    /// How fast the learning rate falls.
    pub lr_decay: f64,
    /// L2 penalty: adds `weight_decay·w` to the gradient.
    pub weight_decay: f64,
    /// What the sum of squares starts from.
    pub initial_accumulator_value: f64,
    /// Added to the denominator.
    pub eps: f64,
    /// Climbs instead of descending.
    pub maximize: bool,
}

/// Steps scaled by the ratio of two running root mean squares.
///
/// With `g` the gradient plus `weight_decay·w`: `v ← rho·v + (1 − rho)·g²`, `δ = √(u + eps)/√(v + eps) · g`,
/// `u ← rho·u + (1 − rho)·δ²`, `w ← w − lr·δ`.
///
/// # Source
/// PyTorch, `torch.optim.Adadelta`; Zeiler, *ADADELTA: an adaptive learning rate method*, 2012.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adadelta {
    /// Factor of the step.
    pub lr: f64,
    /// Decay rate of both running means.
    pub rho: f64,
    /// Added below both roots.
    pub eps: f64,
    /// L2 penalty: adds `weight_decay·w` to the gradient.
    pub weight_decay: f64,
    /// Climbs instead of descending.
    pub maximize: bool,
}

impl Default for Sgd {
    fn default() -> Self {
        Sgd {
            lr: 1e-3,
            momentum: 0.0,
            dampening: 0.0,
            weight_decay: 0.0,
            nesterov: false,
            maximize: false,
        }
    }
}

impl Default for Adam {
    fn default() -> Self {
        Adam {
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            amsgrad: false,
            maximize: false,
            decoupled_weight_decay: false,
        }
    }
}

impl Default for AdamW {
    fn default() -> Self {
        AdamW {
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 1e-2,
            amsgrad: false,
            maximize: false,
        }
    }
}

impl Default for NAdam {
    fn default() -> Self {
        NAdam {
            lr: 2e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            momentum_decay: 4e-3,
            decoupled_weight_decay: false,
            maximize: false,
        }
    }
}

impl Default for RAdam {
    fn default() -> Self {
        RAdam {
            lr: 1e-3,
            betas: (0.9, 0.999),
            eps: 1e-8,
            weight_decay: 0.0,
            decoupled_weight_decay: false,
            maximize: false,
        }
    }
}

impl Default for RmsProp {
    fn default() -> Self {
        RmsProp {
            lr: 1e-2,
            alpha: 0.99,
            eps: 1e-8,
            weight_decay: 0.0,
            momentum: 0.0,
            centered: false,
            maximize: false,
        }
    }
}

impl Default for Adagrad {
    fn default() -> Self {
        Adagrad {
            lr: 1e-2,
            lr_decay: 0.0,
            weight_decay: 0.0,
            initial_accumulator_value: 0.0,
            eps: 1e-10,
            maximize: false,
        }
    }
}

impl Default for Adadelta {
    fn default() -> Self {
        Adadelta { lr: 1.0, rho: 0.9, eps: 1e-6, weight_decay: 0.0, maximize: false }
    }
}

impl Optimizer {
    /// PyTorch's name: `SGD`, `Adam`, `AdamW`, `NAdam`, `RAdam`, `RMSprop`, `Adagrad` or `Adadelta`.
    pub fn name(&self) -> &'static str {
        match self {
            Optimizer::Sgd(_) => "SGD",
            Optimizer::Adam(_) => "Adam",
            Optimizer::AdamW(_) => "AdamW",
            Optimizer::NAdam(_) => "NAdam",
            Optimizer::RAdam(_) => "RAdam",
            Optimizer::RmsProp(_) => "RMSprop",
            Optimizer::Adagrad(_) => "Adagrad",
            Optimizer::Adadelta(_) => "Adadelta",
        }
    }

    /// The learning rate that a schedule starts from.
    pub fn lr(&self) -> f64 {
        match self {
            Optimizer::Sgd(options) => options.lr,
            Optimizer::Adam(options) => options.lr,
            Optimizer::AdamW(options) => options.lr,
            Optimizer::NAdam(options) => options.lr,
            Optimizer::RAdam(options) => options.lr,
            Optimizer::RmsProp(options) => options.lr,
            Optimizer::Adagrad(options) => options.lr,
            Optimizer::Adadelta(options) => options.lr,
        }
    }

    /// The same optimiser with another learning rate.
    pub fn with_lr(mut self, lr: f64) -> Self {
        match &mut self {
            Optimizer::Sgd(options) => options.lr = lr,
            Optimizer::Adam(options) => options.lr = lr,
            Optimizer::AdamW(options) => options.lr = lr,
            Optimizer::NAdam(options) => options.lr = lr,
            Optimizer::RAdam(options) => options.lr = lr,
            Optimizer::RmsProp(options) => options.lr = lr,
            Optimizer::Adagrad(options) => options.lr = lr,
            Optimizer::Adadelta(options) => options.lr = lr,
        }
        self
    }

    /// The same with another weight decay.
    pub fn with_weight_decay(mut self, weight_decay: f64) -> Self {
        match &mut self {
            Optimizer::Sgd(options) => options.weight_decay = weight_decay,
            Optimizer::Adam(options) => options.weight_decay = weight_decay,
            Optimizer::AdamW(options) => options.weight_decay = weight_decay,
            Optimizer::NAdam(options) => options.weight_decay = weight_decay,
            Optimizer::RAdam(options) => options.weight_decay = weight_decay,
            Optimizer::RmsProp(options) => options.weight_decay = weight_decay,
            Optimizer::Adagrad(options) => options.weight_decay = weight_decay,
            Optimizer::Adadelta(options) => options.weight_decay = weight_decay,
        }
        self
    }

    /// The weight decay.
    pub fn weight_decay(&self) -> f64 {
        match self {
            Optimizer::Sgd(options) => options.weight_decay,
            Optimizer::Adam(options) => options.weight_decay,
            Optimizer::AdamW(options) => options.weight_decay,
            Optimizer::NAdam(options) => options.weight_decay,
            Optimizer::RAdam(options) => options.weight_decay,
            Optimizer::RmsProp(options) => options.weight_decay,
            Optimizer::Adagrad(options) => options.weight_decay,
            Optimizer::Adadelta(options) => options.weight_decay,
        }
    }

    /// Whether the weight decay shrinks the weights apart from the gradient, as [`AdamW`] does.
    pub fn decouples_weight_decay(&self) -> bool {
        match self {
            Optimizer::AdamW(_) => true,
            Optimizer::Adam(options) => options.decoupled_weight_decay,
            Optimizer::NAdam(options) => options.decoupled_weight_decay,
            Optimizer::RAdam(options) => options.decoupled_weight_decay,
            Optimizer::Sgd(_)
            | Optimizer::RmsProp(_)
            | Optimizer::Adagrad(_)
            | Optimizer::Adadelta(_) => false,
        }
    }

    /// The momentum, or β₁ where the optimiser has `betas`; `None` if it has neither.
    pub fn momentum(&self) -> Option<f64> {
        match self {
            Optimizer::Sgd(options) => Some(options.momentum),
            Optimizer::Adam(options) => Some(options.betas.0),
            Optimizer::AdamW(options) => Some(options.betas.0),
            Optimizer::NAdam(options) => Some(options.betas.0),
            Optimizer::RAdam(options) => Some(options.betas.0),
            Optimizer::RmsProp(options) => Some(options.momentum),
            Optimizer::Adagrad(_) | Optimizer::Adadelta(_) => None,
        }
    }

    /// The same optimiser with another momentum, or β₁ where it has `betas`: what `OneCycleLR` changes. An optimiser
    /// with neither stays as it is.
    ///
    /// A state must be made from an optimiser that has a momentum if a later step is to have one.
    pub fn with_momentum(mut self, momentum: f64) -> Self {
        match &mut self {
            Optimizer::Sgd(options) => options.momentum = momentum,
            Optimizer::Adam(options) => options.betas.0 = momentum,
            Optimizer::AdamW(options) => options.betas.0 = momentum,
            Optimizer::NAdam(options) => options.betas.0 = momentum,
            Optimizer::RAdam(options) => options.betas.0 = momentum,
            Optimizer::RmsProp(options) => options.momentum = momentum,
            Optimizer::Adagrad(_) | Optimizer::Adadelta(_) => {}
        }
        self
    }
}

#[cfg(test)]
mod tests;
