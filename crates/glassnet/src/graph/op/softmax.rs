//! Softmax, its logarithm, and their derivatives.

use super::attribute::{Attribute, Attributes};
use crate::error::{Error, Result};
use crate::graph::Type;

/// Softmax along one axis.
///
/// # Source
/// `torch.nn.Softmax`, `torch.nn.LogSoftmax`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Softmax {
    /// `yᵢ = e^(zᵢ − m) · (1 / Σⱼ e^(zⱼ − m))`, `m = max z`.
    Probabilities {
        /// The axis that sums to 1.
        axis: usize,
    },
    /// `yᵢ = (zᵢ − m) − log Σⱼ e^(zⱼ − m)`: stable where a probability underflows.
    Logarithms {
        /// The axis whose exponentials sum to 1.
        axis: usize,
    },
    /// The derivative of [`Softmax::Probabilities`]; operands `dy, y`: `dzᵢ = yᵢ·(dyᵢ − Σⱼ dyⱼ·yⱼ)`.
    ProbabilitiesGrad {
        /// The axis.
        axis: usize,
    },
    /// The derivative of [`Softmax::Logarithms`]; operands `dy, y`: `dzᵢ = dyᵢ − e^yᵢ · Σⱼ dyⱼ`.
    LogarithmsGrad {
        /// The axis.
        axis: usize,
    },
}

impl Softmax {
    /// The axis along which it works.
    pub fn axis(self) -> usize {
        match self {
            Softmax::Probabilities { axis }
            | Softmax::Logarithms { axis }
            | Softmax::ProbabilitiesGrad { axis }
            | Softmax::LogarithmsGrad { axis } => axis,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Softmax::Probabilities { .. } => "softmax",
            Softmax::Logarithms { .. } => "log_softmax",
            Softmax::ProbabilitiesGrad { .. } => "softmax_grad",
            Softmax::LogarithmsGrad { .. } => "log_softmax_grad",
        }
    }

    pub(super) fn attributes(self) -> Attributes {
        Attributes::default().with("axis", Attribute::Integer(self.axis() as i64))
    }

    pub(super) fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        Ok(Some(match name {
            "softmax" => Softmax::Probabilities { axis: a.length("axis")? },
            "log_softmax" => Softmax::Logarithms { axis: a.length("axis")? },
            "softmax_grad" => Softmax::ProbabilitiesGrad { axis: a.length("axis")? },
            "log_softmax_grad" => Softmax::LogarithmsGrad { axis: a.length("axis")? },
            _ => return Ok(None), // not operations: names of other families
        }))
    }

    pub(super) fn arity(self) -> usize {
        match self {
            Softmax::Probabilities { .. } | Softmax::Logarithms { .. } => 1,
            Softmax::ProbabilitiesGrad { .. } | Softmax::LogarithmsGrad { .. } => 2,
        }
    }

    pub(super) fn infer(self, types: &[&Type]) -> Result<Type> {
        let operand = super::float(self.name(), types[0])?;
        super::axes_exist(self.name(), &[self.axis()], &operand.shape)?;
        if types.iter().any(|other| other.shape != operand.shape) {
            return Err(Error::network(format!("{} wants operands of one shape", self.name())));
        }
        Ok(operand.clone())
    }
}
