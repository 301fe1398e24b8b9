//! Losses and their derivatives.

use super::attribute::{Attribute, Attributes};
use crate::error::{Error, Result};
use crate::graph::{DType, Dim, Shape, Type};

/// How the rows' losses become one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum LossReduction {
    /// The mean; with class weights, the weighted mean.
    #[default]
    Mean,
    /// The sum.
    Sum,
    /// No reduction: a loss per row.
    None,
}

impl LossReduction {
    /// PyTorch's word for it.
    pub fn name(self) -> &'static str {
        match self {
            LossReduction::Mean => "mean",
            LossReduction::Sum => "sum",
            LossReduction::None => "none",
        }
    }

    /// The reduction that PyTorch calls `name`.
    pub fn parse(name: &str) -> Option<Self> {
        [LossReduction::Mean, LossReduction::Sum, LossReduction::None]
            .into_iter()
            .find(|reduction| reduction.name() == name)
    }
}

/// What the scores of a [`CrossEntropy`] are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Scores {
    /// Logits: log-softmax is part of the loss (`torch.nn.CrossEntropyLoss`).
    Logits,
    /// Log-probabilities (`torch.nn.NLLLoss`).
    LogProbabilities,
}

/// `−Σ_c t[c]·w[c]·log p[c]` per row, with classes along the last axis.
///
/// # Shapes
/// scores `[…, C]`; target: indices `[…]` (i64) or probabilities `[…, C]` (floats); class weights `[C]`, optional
/// → a scalar, or `[…]` without reduction.
///
/// # Derivative
/// For one row and logits: `dz = p·Σ(t·w) − t·w`, scaled by the reduction. None towards targets and weights.
///
/// # Numerics
/// Log-softmax and the loss are one operation: `log p = (z − m) − log Σ e^(z − m)`. Over indices the mean divides
/// by the sum of the rows' class weights; over probabilities by the number of rows.
///
/// # Source
/// `torch.nn.CrossEntropyLoss`, `torch.nn.NLLLoss`; label smoothing: Szegedy et al., arXiv 1512.00567.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CrossEntropy {
    /// What the scores are.
    pub scores: Scores,
    /// How rows are reduced.
    pub reduction: LossReduction,
    /// The part of each target that is spread over all classes, in [0, 1].
    pub label_smoothing: f64,
    /// Rows with this class index do not count.
    pub ignore_index: i64,
}

impl Default for CrossEntropy {
    fn default() -> Self {
        CrossEntropy {
            scores: Scores::Logits,
            reduction: LossReduction::Mean,
            label_smoothing: 0.0,
            ignore_index: -100,
        }
    }
}

/// Elementwise losses of an estimate `p` and a target `t` of one shape.
///
/// # Source
/// The `torch.nn` loss of the same name, constants included.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum PairLoss {
    /// `(p − t)²`.
    Mse,
    /// `|p − t|`; derivative 0 at 0.
    L1,
    /// `½d²/β` where `|d| < β`, else `|d| − ½β`.
    SmoothL1 {
        /// Where the square ends; 0 makes it L1.
        beta: f64,
    },
    /// `½d²` where `|d| ≤ δ`, else `δ(|d| − ½δ)`.
    Huber {
        /// Where the square ends.
        delta: f64,
    },
    /// `−t·ln p − (1 − t)·ln(1 − p)`, logarithms cut at −100.
    Bce,
    /// `(1 − t)·z + (1 + (w − 1)·t)·ln(1 + e^(−z))`; w, the positive weight, is an optional third operand.
    BceWithLogits,
    /// `t·(ln t − p)`, p a log-probability; with `log_target`, `e^t·(t − p)`.
    KlDiv {
        /// Whether targets are log-probabilities too.
        log_target: bool,
    },
    /// `e^p − t·p`, or `p − t·ln(p + eps)` without `log_input`.
    PoissonNll {
        /// Whether the estimate is the logarithm of the rate.
        log_input: bool,
        /// Whether Stirling's term `t·ln t − t + ½·ln(2πt)` is added where t > 1.
        full: bool,
        /// Keeps the logarithm finite without `log_input`.
        eps: f64,
    },
    /// `½(ln v + (p − t)²/v)`, v the variance (third operand), at least `eps`.
    GaussianNll {
        /// Whether `½·ln 2π` is added.
        full: bool,
        /// The least variance; the derivative passes through the cut, as in PyTorch.
        eps: f64,
    },
}

/// A loss or the derivative of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Loss {
    /// Cross-entropy or negative log-likelihood; operands `scores, target[, class weights]`.
    CrossEntropy(CrossEntropy),
    /// Its derivative towards the scores; operands `dy, scores, target[, class weights]`.
    CrossEntropyGrad(CrossEntropy),
    /// An elementwise loss; operands `p, t[, third]`.
    Pair(PairLoss),
    /// `dy · ∂loss/∂operand`; operands `dy, p, t[, third]`.
    PairGrad {
        /// The loss.
        loss: PairLoss,
        /// Which operand of the loss: 0 the estimate, 1 the target, 2 the third.
        operand: usize,
    },
}

impl PairLoss {
    fn name(self) -> &'static str {
        match self {
            PairLoss::Mse => "mse",
            PairLoss::L1 => "l1",
            PairLoss::SmoothL1 { .. } => "smooth_l1",
            PairLoss::Huber { .. } => "huber",
            PairLoss::Bce => "bce",
            PairLoss::BceWithLogits => "bce_with_logits",
            PairLoss::KlDiv { .. } => "kl_div",
            PairLoss::PoissonNll { .. } => "poisson_nll",
            PairLoss::GaussianNll { .. } => "gaussian_nll",
        }
    }

    fn attributes(self) -> Attributes {
        let a = Attributes::default();
        match self {
            PairLoss::Mse | PairLoss::L1 | PairLoss::Bce | PairLoss::BceWithLogits => a,
            PairLoss::SmoothL1 { beta } => a.with("beta", Attribute::Number(beta)),
            PairLoss::Huber { delta } => a.with("delta", Attribute::Number(delta)),
            PairLoss::KlDiv { log_target } => a.with("log_target", Attribute::Flag(log_target)),
            PairLoss::PoissonNll { log_input, full, eps } => a
                .with("log_input", Attribute::Flag(log_input))
                .with("full", Attribute::Flag(full))
                .with("eps", Attribute::Number(eps)),
            PairLoss::GaussianNll { full, eps } => {
                a.with("full", Attribute::Flag(full)).with("eps", Attribute::Number(eps))
            }
        }
    }

    fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        Ok(Some(match name {
            "mse" => PairLoss::Mse,
            "l1" => PairLoss::L1,
            "smooth_l1" => PairLoss::SmoothL1 { beta: a.number("beta")? },
            "huber" => PairLoss::Huber { delta: a.number("delta")? },
            "bce" => PairLoss::Bce,
            "bce_with_logits" => PairLoss::BceWithLogits,
            "kl_div" => PairLoss::KlDiv { log_target: a.flag("log_target")? },
            "poisson_nll" => PairLoss::PoissonNll {
                log_input: a.flag("log_input")?,
                full: a.flag("full")?,
                eps: a.number("eps")?,
            },
            "gaussian_nll" => {
                PairLoss::GaussianNll { full: a.flag("full")?, eps: a.number("eps")? }
            }
            _ => return Ok(None), // not operations: names of other families
        }))
    }

    fn arity(self) -> (usize, usize) {
        match self {
            PairLoss::GaussianNll { .. } => (3, 3),
            PairLoss::BceWithLogits => (2, 3),
            PairLoss::Mse
            | PairLoss::L1
            | PairLoss::SmoothL1 { .. }
            | PairLoss::Huber { .. }
            | PairLoss::Bce
            | PairLoss::KlDiv { .. }
            | PairLoss::PoissonNll { .. } => (2, 2),
        }
    }
}

impl CrossEntropy {
    fn attributes(self) -> Attributes {
        let scores = match self.scores {
            Scores::Logits => "logits",
            Scores::LogProbabilities => "log_probabilities",
        };
        Attributes::default()
            .with("scores", Attribute::Word(scores.into()))
            .with("reduction", Attribute::Word(self.reduction.name().into()))
            .with("label_smoothing", Attribute::Number(self.label_smoothing))
            .with("ignore_index", Attribute::Integer(self.ignore_index))
    }

    fn from_attributes(a: &mut Attributes) -> Result<Self> {
        let (scores, reduction) = (a.word("scores")?, a.word("reduction")?);
        Ok(CrossEntropy {
            scores: match scores.as_str() {
                "logits" => Scores::Logits,
                "log_probabilities" => Scores::LogProbabilities,
                other => return Err(Error::usage(format!("scores={other}"))),
            },
            reduction: LossReduction::parse(&reduction)
                .ok_or_else(|| Error::usage(format!("there is no reduction {reduction:?}")))?,
            label_smoothing: a.number("label_smoothing")?,
            ignore_index: a.integer("ignore_index")?,
        })
    }

    /// The loss's type for operands `scores, target[, class weights]`.
    fn infer(self, types: &[&Type]) -> Result<Type> {
        let (scores, target) = (super::float("cross_entropy", types[0])?, types[1]);
        let Some((&Dim::Fixed(classes), rows)) = scores.shape.dims().split_last() else {
            return Err(Error::network(format!(
                "the scores have shape {}, expected [rows, classes]",
                scores.shape
            )));
        };
        let rows = Shape::from(rows.to_vec());
        let wanted = if target.dtype == DType::I64 { &rows } else { &scores.shape };
        if target.dtype == DType::Bool || target.shape != *wanted {
            return Err(Error::network(format!(
                "scores of shape {} want class indices i64{rows} or probabilities {}, found {target}",
                scores.shape, scores
            )));
        }
        if let Some(weights) = types.get(2)
            && weights.shape != Shape::from([classes])
        {
            return Err(Error::network(format!(
                "the class weights have shape {}, expected [{classes}]",
                weights.shape
            )));
        }
        let shape = if self.reduction == LossReduction::None { rows } else { Shape::scalar() };
        Ok(Type { dtype: scores.dtype, shape })
    }
}

impl Loss {
    pub(super) fn name(self) -> &'static str {
        match self {
            Loss::CrossEntropy(_) => "cross_entropy",
            Loss::CrossEntropyGrad(_) => "cross_entropy_grad",
            Loss::Pair(loss) => loss.name(),
            Loss::PairGrad { .. } => "pair_grad",
        }
    }

    pub(super) fn attributes(self) -> Attributes {
        match self {
            Loss::CrossEntropy(loss) | Loss::CrossEntropyGrad(loss) => loss.attributes(),
            Loss::Pair(loss) => loss.attributes(),
            Loss::PairGrad { loss, operand } => loss
                .attributes()
                .with("loss", Attribute::Word(loss.name().into()))
                .with("operand", Attribute::Integer(operand as i64)),
        }
    }

    pub(super) fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        if let Some(loss) = PairLoss::from_text(name, a)? {
            return Ok(Some(Loss::Pair(loss)));
        }
        Ok(Some(match name {
            "cross_entropy" => Loss::CrossEntropy(CrossEntropy::from_attributes(a)?),
            "cross_entropy_grad" => Loss::CrossEntropyGrad(CrossEntropy::from_attributes(a)?),
            "pair_grad" => {
                let (operand, loss) = (a.length("operand")?, a.word("loss")?);
                let loss = PairLoss::from_text(&loss, a)?.ok_or_else(|| {
                    Error::usage(format!("there is no elementwise loss {loss:?}"))
                })?;
                Loss::PairGrad { loss, operand }
            }
            _ => return Ok(None), // not operations: names of other families
        }))
    }

    pub(super) fn arity(self) -> (usize, usize) {
        match self {
            Loss::CrossEntropy(_) => (2, 3),
            Loss::CrossEntropyGrad(_) => (3, 4),
            Loss::Pair(loss) => loss.arity(),
            Loss::PairGrad { loss, .. } => (loss.arity().0 + 1, loss.arity().1 + 1),
        }
    }

    pub(super) fn infer(self, types: &[&Type]) -> Result<Type> {
        match self {
            Loss::CrossEntropy(loss) => loss.infer(types),
            Loss::CrossEntropyGrad(loss) => {
                let value = loss.infer(&types[1..])?;
                if types[0].shape != value.shape {
                    return Err(Error::network("cross_entropy_grad: dy has not the loss's shape"));
                }
                Ok(types[1].clone())
            }
            Loss::Pair(loss) => infer_pair(loss.name(), types),
            Loss::PairGrad { loss, operand } => {
                if operand + 1 >= types.len() {
                    return Err(Error::network(format!(
                        "{} has no operand {operand}",
                        loss.name()
                    )));
                }
                infer_pair("pair_grad", types)
            }
        }
    }
}

fn infer_pair(name: &str, types: &[&Type]) -> Result<Type> {
    let first = super::float(name, types[0])?;
    for (index, other) in types.iter().enumerate().skip(1) {
        if super::float(name, other)?.shape != first.shape {
            return Err(Error::network(format!(
                "{name}: the estimate has shape {}, operand {index} has {}",
                first.shape, other.shape
            ))
            .help("give both the same shape"));
        }
    }
    Ok(first.clone())
}
