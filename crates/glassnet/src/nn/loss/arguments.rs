//! The arguments of losses by PyTorch's names: read one by one, printed where they are not the default.

use std::fmt;

use super::{Criterion, KLDivReduction, LossReduction};
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The value of an argument.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Argument {
    /// A whole number, written without a point.
    Integer(i64),
    /// Any other finite number.
    Number(f64),
    /// `True` or `False`.
    Flag(bool),
    /// A quoted or bare word.
    Word(String),
    /// `None`.
    Nothing,
    /// A list of numbers, or of such lists.
    Numbers(Tensor<f64>),
}

impl Argument {
    fn number(self) -> Result<f64> {
        match self {
            Argument::Integer(value) => Ok(value as f64),
            Argument::Number(value) => Ok(value),
            other => Err(other.is_not("a number")),
        }
    }

    fn integer(self) -> Result<i64> {
        match self {
            Argument::Integer(value) => Ok(value),
            other => Err(other.is_not("a whole number")),
        }
    }

    fn flag(self) -> Result<bool> {
        match self {
            Argument::Flag(value) => Ok(value),
            other => Err(other.is_not("True or False")),
        }
    }

    fn weights(self) -> Result<Option<Tensor<f64>>> {
        match self {
            Argument::Nothing => Ok(None),
            Argument::Numbers(values) => Ok(Some(values)),
            other => Err(other.is_not("a list of numbers or None")),
        }
    }

    fn reduction(self) -> Result<LossReduction> {
        let wanted = "'mean', 'sum' or 'none'";
        match &self {
            Argument::Word(word) => LossReduction::parse(word).ok_or_else(|| self.is_not(wanted)),
            other => Err(other.is_not(wanted)),
        }
    }

    fn kl_div_reduction(self) -> Result<KLDivReduction> {
        let reductions = KLDivReduction::ALL.into_iter();
        match &self {
            Argument::Word(word) => reductions.clone().find(|r| r.name() == word),
            _ => None,
        }
        .ok_or_else(|| self.is_not("'mean', 'batchmean', 'sum' or 'none'"))
    }

    fn is_not(&self, wanted: &str) -> Error {
        Error::usage(format!("{self} is not {wanted}"))
    }
}

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Argument::Integer(value) => write!(f, "{value}"),
            Argument::Number(value) => write!(f, "{value:?}"),
            Argument::Flag(true) => f.write_str("True"),
            Argument::Flag(false) => f.write_str("False"),
            Argument::Word(word) => write!(f, "'{word}'"),
            Argument::Nothing => f.write_str("None"),
            Argument::Numbers(values) => {
                f.write_str("torch.tensor(")?;
                nested(f, values.shape(), values.data())?;
                f.write_str(")")
            }
        }
    }
}

/// Writes nested lists; `[]` where an axis is empty.
fn nested(f: &mut fmt::Formatter<'_>, shape: &[usize], values: &[f64]) -> fmt::Result {
    let Some((&length, inner)) = shape.split_first() else {
        return write!(f, "{:?}", values[0]);
    };
    let width: usize = inner.iter().product();
    f.write_str("[")?;
    for index in 0..length {
        if index > 0 {
            f.write_str(", ")?;
        }
        nested(f, inner, &values[index * width..(index + 1) * width])?;
    }
    f.write_str("]")
}

impl KLDivReduction {
    const ALL: [KLDivReduction; 4] = [
        KLDivReduction::Mean,
        KLDivReduction::BatchMean,
        KLDivReduction::Sum,
        KLDivReduction::None,
    ];

    /// PyTorch's word for it.
    pub fn name(self) -> &'static str {
        match self {
            KLDivReduction::Mean => "mean",
            KLDivReduction::BatchMean => "batchmean",
            KLDivReduction::Sum => "sum",
            KLDivReduction::None => "none",
        }
    }
}

impl Criterion {
    /// The arguments in PyTorch's order.
    pub(super) fn arguments(&self) -> Vec<(&'static str, Argument)> {
        let weights =
            |values: &Option<_>| values.clone().map_or(Argument::Nothing, Argument::Numbers);
        let reduction = |r: LossReduction| ("reduction", Argument::Word(r.name().into()));
        match self {
            Criterion::CrossEntropyLoss(loss) => vec![
                ("weight", weights(&loss.weight)),
                ("ignore_index", Argument::Integer(loss.ignore_index)),
                reduction(loss.reduction),
                ("label_smoothing", Argument::Number(loss.label_smoothing)),
            ],
            Criterion::NLLLoss(loss) => vec![
                ("weight", weights(&loss.weight)),
                ("ignore_index", Argument::Integer(loss.ignore_index)),
                reduction(loss.reduction),
            ],
            Criterion::MSELoss(loss) => vec![reduction(loss.reduction)],
            Criterion::L1Loss(loss) => vec![reduction(loss.reduction)],
            Criterion::SmoothL1Loss(loss) => {
                vec![reduction(loss.reduction), ("beta", Argument::Number(loss.beta))]
            }
            Criterion::HuberLoss(loss) => {
                vec![reduction(loss.reduction), ("delta", Argument::Number(loss.delta))]
            }
            Criterion::BCELoss(loss) => {
                vec![("weight", weights(&loss.weight)), reduction(loss.reduction)]
            }
            Criterion::BCEWithLogitsLoss(loss) => vec![
                ("weight", weights(&loss.weight)),
                reduction(loss.reduction),
                ("pos_weight", weights(&loss.pos_weight)),
            ],
            Criterion::KLDivLoss(loss) => vec![
                ("reduction", Argument::Word(loss.reduction.name().into())),
                ("log_target", Argument::Flag(loss.log_target)),
            ],
            Criterion::PoissonNLLLoss(loss) => vec![
                ("log_input", Argument::Flag(loss.log_input)),
                ("full", Argument::Flag(loss.full)),
                ("eps", Argument::Number(loss.eps)),
                reduction(loss.reduction),
            ],
            Criterion::GaussianNLLLoss(loss) => vec![
                ("full", Argument::Flag(loss.full)),
                ("eps", Argument::Number(loss.eps)),
                reduction(loss.reduction),
            ],
        }
    }

    /// Sets the argument called `name`, which is one of [`Criterion::arguments`].
    pub(super) fn set(&mut self, name: &str, value: Argument) -> Result<()> {
        match (self, name) {
            (Criterion::CrossEntropyLoss(loss), "weight") => loss.weight = value.weights()?,
            (Criterion::CrossEntropyLoss(loss), "ignore_index") => {
                loss.ignore_index = value.integer()?;
            }
            (Criterion::CrossEntropyLoss(loss), "label_smoothing") => {
                loss.label_smoothing = value.number()?;
            }
            (Criterion::CrossEntropyLoss(loss), _) => loss.reduction = value.reduction()?,
            (Criterion::NLLLoss(loss), "weight") => loss.weight = value.weights()?,
            (Criterion::NLLLoss(loss), "ignore_index") => loss.ignore_index = value.integer()?,
            (Criterion::NLLLoss(loss), _) => loss.reduction = value.reduction()?,
            (Criterion::MSELoss(loss), _) => loss.reduction = value.reduction()?,
            (Criterion::L1Loss(loss), _) => loss.reduction = value.reduction()?,
            (Criterion::SmoothL1Loss(loss), "beta") => loss.beta = value.number()?,
            (Criterion::SmoothL1Loss(loss), _) => loss.reduction = value.reduction()?,
            (Criterion::HuberLoss(loss), "delta") => loss.delta = value.number()?,
            (Criterion::HuberLoss(loss), _) => loss.reduction = value.reduction()?,
            (Criterion::BCELoss(loss), "weight") => loss.weight = value.weights()?,
            (Criterion::BCELoss(loss), _) => loss.reduction = value.reduction()?,
            (Criterion::BCEWithLogitsLoss(loss), "weight") => loss.weight = value.weights()?,
            (Criterion::BCEWithLogitsLoss(loss), "pos_weight") => {
                loss.pos_weight = value.weights()?;
            }
            (Criterion::BCEWithLogitsLoss(loss), _) => loss.reduction = value.reduction()?,
            (Criterion::KLDivLoss(loss), "log_target") => loss.log_target = value.flag()?,
            (Criterion::KLDivLoss(loss), _) => loss.reduction = value.kl_div_reduction()?,
            (Criterion::PoissonNLLLoss(loss), "log_input") => loss.log_input = value.flag()?,
            (Criterion::PoissonNLLLoss(loss), "full") => loss.full = value.flag()?,
            (Criterion::PoissonNLLLoss(loss), "eps") => loss.eps = value.number()?,
            (Criterion::PoissonNLLLoss(loss), _) => loss.reduction = value.reduction()?,
            (Criterion::GaussianNLLLoss(loss), "full") => loss.full = value.flag()?,
            (Criterion::GaussianNLLLoss(loss), "eps") => loss.eps = value.number()?,
            (Criterion::GaussianNLLLoss(loss), _) => loss.reduction = value.reduction()?,
        }
        Ok(())
    }
}

impl fmt::Display for Criterion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let usual = Criterion::all()
            .into_iter()
            .find(|other| other.name() == self.name())
            .map_or_else(Vec::new, |default| default.arguments());
        let arguments: Vec<String> = self
            .arguments()
            .into_iter()
            .filter(|argument| !usual.contains(argument))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        write!(f, "{}({})", self.name(), arguments.join(", "))
    }
}
