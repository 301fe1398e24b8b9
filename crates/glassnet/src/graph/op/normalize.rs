//! Standardisation over axes: the core of batch and layer normalisation.

use super::attribute::{Attribute, Attributes};
use crate::error::{Error, Result};
use crate::graph::Type;

/// `y = (x − mean) / √(variance + eps)` with the mean and the population variance over `axes`.
///
/// BatchNorm1d in training takes every axis but the channels'; LayerNorm takes the last ones. Scale and shift are
/// ordinary arithmetic after it.
///
/// # Derivative
/// `dx = (dy − mean(dy) − y·mean(dy·y)) / √(variance + eps)`, with `grad` set and operands `dy, x`.
///
/// # Numerics
/// Two passes: the mean first, then the squares of the differences.
///
/// # Source
/// Ioffe & Szegedy, arXiv 1502.03167; Ba, Kiros & Hinton, arXiv 1607.06450; `torch.nn.BatchNorm1d`, `LayerNorm`.
#[derive(Clone, Debug, PartialEq)]
pub struct Normalize {
    /// The axes, ascending.
    pub axes: Vec<usize>,
    /// Added to the variance.
    pub eps: f64,
    /// Whether this is the derivative.
    pub grad: bool,
}

impl Normalize {
    pub(super) fn name(&self) -> &'static str {
        if self.grad { "normalize_grad" } else { "normalize" }
    }

    pub(super) fn attributes(&self) -> Attributes {
        Attributes::default().with_axes(&self.axes).with("eps", Attribute::Number(self.eps))
    }

    pub(super) fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        let grad = match name {
            "normalize" => false,
            "normalize_grad" => true,
            _ => return Ok(None), // not operations: names of other families
        };
        Ok(Some(Normalize { axes: a.axes()?, eps: a.number("eps")?, grad }))
    }

    pub(super) fn arity(&self) -> usize {
        if self.grad { 2 } else { 1 }
    }

    pub(super) fn infer(&self, types: &[&Type]) -> Result<Type> {
        let operand = super::float(self.name(), types[0])?;
        super::axes_exist(self.name(), &self.axes, &operand.shape)?;
        if types.iter().any(|other| other.shape != operand.shape) {
            return Err(Error::network(format!("{} wants operands of one shape", self.name())));
        }
        Ok(operand.clone())
    }
}
