//! The losses of `torch.nn`, by PyTorch's names, arguments and defaults.
//!
//! A [`Criterion`] is read from its notation ([`Criterion::parse`]), prints as PyTorch's expression, and lowers to
//! nodes of a graph ([`Criterion::lower`]). Its weights are buffers of that graph; their values stay here
//! ([`Criterion::buffers`]).
//!
//! ```
//! use glassnet::Tensor;
//! use glassnet::graph::{Builder, DType, Shape};
//! use glassnet::nn::loss::{Criterion, LossOperands};
//! use glassnet::reference::{Feeds, evaluate};
//! let criterion = Criterion::parse("CrossEntropyLoss(label_smoothing=0.0)")?;
//! assert_eq!(criterion.to_string(), "CrossEntropyLoss()");
//! let mut builder = Builder::new();
//! let scores = builder.input("scores", DType::F32, Shape::batch([2]))?;
//! let target = builder.input("target", DType::I64, Shape::batch([]))?;
//! let loss = criterion.lower(&mut builder, scores, target, &LossOperands::default())?;
//! let feeds = Feeds::new()
//!     .input("scores", Tensor::from_rows(&[[0.0, 0.0]])?)
//!     .input("target", Tensor::new([1], vec![1_i64])?);
//! let values = evaluate(&builder.finish_checked(), &feeds, 1)?;
//! assert_eq!(values[loss].floats()?.data(), [2.0_f64.ln()]);
//! # Ok::<(), glassnet::Error>(())
//! ```

mod arguments;
mod lower;
mod parse;

pub use lower::LossOperands;

pub use crate::graph::op::LossReduction;

use crate::error::{Error, Result};
use crate::graph::{Builder, NodeId, Origin};
use crate::tensor::Tensor;

/// `torch.nn.CrossEntropyLoss`: `−Σ_c t[c]·w[c]·log softmax(z)[c]` per row.
///
/// # Shapes
/// Scores `[N, C]`, `[N, C, d₁, …]` or `[C]`: classes along axis 1, as in PyTorch. Target: class indices (i64) of the
/// scores' shape without the class axis, or probabilities of the scores' shape.
#[derive(Clone, Debug, PartialEq)]
pub struct CrossEntropyLoss {
    /// A weight for each class, `[C]`.
    pub weight: Option<Tensor<f64>>,
    /// Rows with this class index do not count.
    pub ignore_index: i64,
    /// How rows become one number; with class weights the mean over indices is the weighted one.
    pub reduction: LossReduction,
    /// The part of each target that is spread over all classes, in [0, 1].
    pub label_smoothing: f64,
}

/// `torch.nn.NLLLoss`: [`CrossEntropyLoss`] of log-probabilities and class indices.
#[derive(Clone, Debug, PartialEq)]
pub struct NLLLoss {
    /// A weight for each class, `[C]`.
    pub weight: Option<Tensor<f64>>,
    /// Rows with this class index do not count.
    pub ignore_index: i64,
    /// How rows become one number.
    pub reduction: LossReduction,
}

/// `torch.nn.MSELoss`: `(p − t)²`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct MSELoss {
    /// How elements become one number.
    pub reduction: LossReduction,
}

/// `torch.nn.L1Loss`: `|p − t|`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct L1Loss {
    /// How elements become one number.
    pub reduction: LossReduction,
}

/// `torch.nn.SmoothL1Loss`: `½d²/β` where `|d| < β`, else `|d| − ½β`.
#[derive(Clone, Debug, PartialEq)]
pub struct SmoothL1Loss {
    /// How elements become one number.
    pub reduction: LossReduction,
    /// Where the square ends, at least 0.
    pub beta: f64,
}

/// `torch.nn.HuberLoss`: `½d²` where `|d| ≤ δ`, else `δ(|d| − ½δ)`.
#[derive(Clone, Debug, PartialEq)]
pub struct HuberLoss {
    /// How elements become one number.
    pub reduction: LossReduction,
    /// Where the square ends, above 0.
    pub delta: f64,
}

/// `torch.nn.BCELoss`: `−w·(t·ln p + (1 − t)·ln(1 − p))` of probabilities p in [0, 1].
///
/// # Numerics
/// As in PyTorch: logarithms are at least −100, and the derivative is `w·(p − t)/max(p(1 − p), 1e-12)`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BCELoss {
    /// A factor for each element; broadcast to the loss.
    pub weight: Option<Tensor<f64>>,
    /// How elements become one number; the mean divides by their count, not by the sum of the weights.
    pub reduction: LossReduction,
}

/// `torch.nn.BCEWithLogitsLoss`: [`BCELoss`] of logits, stable, with a factor for the positive part.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BCEWithLogitsLoss {
    /// A factor for each element; broadcast to the loss.
    pub weight: Option<Tensor<f64>>,
    /// How elements become one number; the mean divides by their count, not by the sum of the weights.
    pub reduction: LossReduction,
    /// A factor for the positive part; broadcast to the target.
    pub pos_weight: Option<Tensor<f64>>,
}

/// `torch.nn.KLDivLoss`: `t·(ln t − p)` of log-probabilities p.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KLDivLoss {
    /// How elements become one number.
    pub reduction: KLDivReduction,
    /// Whether targets are log-probabilities too.
    pub log_target: bool,
}

/// The reductions of [`KLDivLoss`]: PyTorch's usual ones and `'batchmean'`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum KLDivReduction {
    /// The mean over all elements, which is not the divergence.
    #[default]
    Mean,
    /// The sum divided by the length of the first axis: the mean divergence of the rows.
    BatchMean,
    /// The sum.
    Sum,
    /// No reduction.
    None,
}

/// `torch.nn.PoissonNLLLoss`: `e^p − t·p`, or `p − t·ln(p + eps)` without `log_input`.
#[derive(Clone, Debug, PartialEq)]
pub struct PoissonNLLLoss {
    /// Whether the estimate is the logarithm of the rate.
    pub log_input: bool,
    /// Whether Stirling's term is added where t > 1.
    pub full: bool,
    /// Keeps the logarithm finite without `log_input`.
    pub eps: f64,
    /// How elements become one number.
    pub reduction: LossReduction,
}

/// `torch.nn.GaussianNLLLoss`: `½(ln v + (p − t)²/v)`, v the variance, which is a third operand
/// ([`LossOperands::variance`]).
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianNLLLoss {
    /// Whether `½·ln 2π` is added.
    pub full: bool,
    /// The least variance.
    pub eps: f64,
    /// How elements become one number.
    pub reduction: LossReduction,
}

impl Default for CrossEntropyLoss {
    fn default() -> Self {
        CrossEntropyLoss {
            weight: None,
            ignore_index: -100,
            reduction: LossReduction::Mean,
            label_smoothing: 0.0,
        }
    }
}

impl Default for NLLLoss {
    fn default() -> Self {
        NLLLoss { weight: None, ignore_index: -100, reduction: LossReduction::Mean }
    }
}

impl Default for SmoothL1Loss {
    fn default() -> Self {
        SmoothL1Loss { reduction: LossReduction::Mean, beta: 1.0 }
    }
}

impl Default for HuberLoss {
    fn default() -> Self {
        HuberLoss { reduction: LossReduction::Mean, delta: 1.0 }
    }
}

impl Default for PoissonNLLLoss {
    fn default() -> Self {
        PoissonNLLLoss { log_input: true, full: false, eps: 1e-8, reduction: LossReduction::Mean }
    }
}

impl Default for GaussianNLLLoss {
    fn default() -> Self {
        GaussianNLLLoss { full: false, eps: 1e-6, reduction: LossReduction::Mean }
    }
}

/// One of the losses.
///
/// Displays as PyTorch's expression with the arguments that are not PyTorch's defaults; [`Criterion::parse`] reads it
/// back.
#[derive(Clone, Debug, PartialEq)]
#[allow(missing_docs)] // each variant is the struct of its name
pub enum Criterion {
    CrossEntropyLoss(CrossEntropyLoss),
    NLLLoss(NLLLoss),
    MSELoss(MSELoss),
    L1Loss(L1Loss),
    SmoothL1Loss(SmoothL1Loss),
    HuberLoss(HuberLoss),
    BCELoss(BCELoss),
    BCEWithLogitsLoss(BCEWithLogitsLoss),
    KLDivLoss(KLDivLoss),
    PoissonNLLLoss(PoissonNLLLoss),
    GaussianNLLLoss(GaussianNLLLoss),
}

/// The state-dict key of a loss's class or element weights.
const WEIGHT: &str = "loss.weight";
/// The state-dict key of a loss's positive weights.
const POS_WEIGHT: &str = "loss.pos_weight";

impl Criterion {
    /// One of each, with PyTorch's defaults.
    pub fn all() -> [Criterion; 11] {
        [
            Criterion::CrossEntropyLoss(CrossEntropyLoss::default()),
            Criterion::NLLLoss(NLLLoss::default()),
            Criterion::MSELoss(MSELoss::default()),
            Criterion::L1Loss(L1Loss::default()),
            Criterion::SmoothL1Loss(SmoothL1Loss::default()),
            Criterion::HuberLoss(HuberLoss::default()),
            Criterion::BCELoss(BCELoss::default()),
            Criterion::BCEWithLogitsLoss(BCEWithLogitsLoss::default()),
            Criterion::KLDivLoss(KLDivLoss::default()),
            Criterion::PoissonNLLLoss(PoissonNLLLoss::default()),
            Criterion::GaussianNLLLoss(GaussianNLLLoss::default()),
        ]
    }

    /// The name of PyTorch's module.
    pub fn name(&self) -> &'static str {
        match self {
            Criterion::CrossEntropyLoss(_) => "CrossEntropyLoss",
            Criterion::NLLLoss(_) => "NLLLoss",
            Criterion::MSELoss(_) => "MSELoss",
            Criterion::L1Loss(_) => "L1Loss",
            Criterion::SmoothL1Loss(_) => "SmoothL1Loss",
            Criterion::HuberLoss(_) => "HuberLoss",
            Criterion::BCELoss(_) => "BCELoss",
            Criterion::BCEWithLogitsLoss(_) => "BCEWithLogitsLoss",
            Criterion::KLDivLoss(_) => "KLDivLoss",
            Criterion::PoissonNLLLoss(_) => "PoissonNLLLoss",
            Criterion::GaussianNLLLoss(_) => "GaussianNLLLoss",
        }
    }

    /// The short name of the command line: `cross_entropy`, `mse`.
    pub fn short_name(&self) -> &'static str {
        match self {
            Criterion::CrossEntropyLoss(_) => "cross_entropy",
            Criterion::NLLLoss(_) => "nll",
            Criterion::MSELoss(_) => "mse",
            Criterion::L1Loss(_) => "l1",
            Criterion::SmoothL1Loss(_) => "smooth_l1",
            Criterion::HuberLoss(_) => "huber",
            Criterion::BCELoss(_) => "bce",
            Criterion::BCEWithLogitsLoss(_) => "bce_with_logits",
            Criterion::KLDivLoss(_) => "kl_div",
            Criterion::PoissonNLLLoss(_) => "poisson_nll",
            Criterion::GaussianNLLLoss(_) => "gaussian_nll",
        }
    }

    /// Checks that every argument has a value that PyTorch accepts.
    ///
    /// # Errors
    /// The first that has not, in PyTorch's words.
    pub fn check(&self) -> Result<()> {
        let refuse = |what: String| Err(Error::usage(what).at(format!("loss ({})", self.name())));
        match self {
            Criterion::CrossEntropyLoss(loss) if !(0.0..=1.0).contains(&loss.label_smoothing) => {
                return refuse(format!(
                    "label_smoothing must be between 0.0 and 1.0. Got: {:?}",
                    loss.label_smoothing
                ));
            }
            Criterion::SmoothL1Loss(loss) if loss.beta.is_nan() || loss.beta < 0.0 => {
                return refuse("smooth_l1_loss does not support negative values for beta".into());
            }
            Criterion::HuberLoss(loss) if loss.delta.is_nan() || loss.delta <= 0.0 => {
                return refuse("huber_loss does not support non-positive values for delta".into());
            }
            Criterion::PoissonNLLLoss(PoissonNLLLoss { eps, .. })
            | Criterion::GaussianNLLLoss(GaussianNLLLoss { eps, .. })
                if eps.is_nan() || *eps < 0.0 =>
            {
                return refuse(format!("eps must not be negative. Got: {eps:?}"));
            }
            Criterion::CrossEntropyLoss(_)
            | Criterion::NLLLoss(_)
            | Criterion::MSELoss(_)
            | Criterion::L1Loss(_)
            | Criterion::SmoothL1Loss(_)
            | Criterion::HuberLoss(_)
            | Criterion::BCELoss(_)
            | Criterion::BCEWithLogitsLoss(_)
            | Criterion::KLDivLoss(_)
            | Criterion::PoissonNLLLoss(_)
            | Criterion::GaussianNLLLoss(_) => {}
        }
        for (key, weights) in self.buffers() {
            if let Some(at) = weights.data().iter().position(|weight| !weight.is_finite()) {
                return refuse(format!("element {at} of {key} is {}", weights.data()[at]));
            }
        }
        Ok(())
    }

    /// The values of the buffers that [`Criterion::lower`] declares: `loss.weight` and `loss.pos_weight`, where given.
    pub fn buffers(&self) -> Vec<(&'static str, &Tensor<f64>)> {
        let (weight, pos_weight) = match self {
            Criterion::CrossEntropyLoss(loss) => (&loss.weight, &None),
            Criterion::NLLLoss(loss) => (&loss.weight, &None),
            Criterion::BCELoss(loss) => (&loss.weight, &None),
            Criterion::BCEWithLogitsLoss(loss) => (&loss.weight, &loss.pos_weight),
            Criterion::MSELoss(_)
            | Criterion::L1Loss(_)
            | Criterion::SmoothL1Loss(_)
            | Criterion::HuberLoss(_)
            | Criterion::KLDivLoss(_)
            | Criterion::PoissonNLLLoss(_)
            | Criterion::GaussianNLLLoss(_) => (&None, &None),
        };
        [(WEIGHT, weight), (POS_WEIGHT, pos_weight)]
            .into_iter()
            .filter_map(|(key, weights)| weights.as_ref().map(|weights| (key, weights)))
            .collect()
    }

    /// Appends the loss of `estimate` (scores, logits, predictions) against `target` to a graph and returns its node: a
    /// scalar, or with `reduction='none'` a value per row (cross-entropy) or element.
    ///
    /// With [`LossOperands::sample_weight`] w, row i's losses are multiplied by wᵢ. The sum and `'none'` keep that; a
    /// mean becomes the weighted mean `Σ wᵢ·ℓᵢ / Σ wᵢ`, for class indices with class weights c
    /// `Σ wᵢ·c[yᵢ]·ℓᵢ / Σ wᵢ·c[yᵢ]` over the rows that count. Equal weights give the plain mean.
    ///
    /// # Errors
    /// What [`Criterion::check`] refuses; shapes or element types that do not fit, in PyTorch's words; a graph that
    /// already has a buffer called `loss.weight` or `loss.pos_weight`.
    pub fn lower(
        &self,
        builder: &mut Builder,
        estimate: NodeId,
        target: NodeId,
        operands: &LossOperands,
    ) -> Result<NodeId> {
        self.check()?;
        let origin = Origin::loss(self.name());
        let place = origin.to_string();
        let before = builder.set_origin(origin);
        let lowered = lower::lower(self, builder, estimate, target, operands);
        builder.restore_origin(before);
        lowered.map_err(|error| match error.place() {
            Some(_) => error,
            None => error.at(place),
        })
    }
}

#[cfg(test)]
pub(crate) mod golden;
#[cfg(test)]
mod tests;
