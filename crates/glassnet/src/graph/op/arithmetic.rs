//! Elementwise arithmetic with broadcasting.

use crate::error::{Error, Result};
use crate::graph::Type;

/// Elementwise arithmetic. Operands are broadcast to their common shape by NumPy's rules.
///
/// # Derivative
/// Of maximum and minimum at a tie: half to each operand, as in PyTorch. Of [`Arithmetic::Select`]: to the chosen
/// operand; none to the condition. Of a power: `b·a^(b−1)` to the base (0 where b is 0) and `y·ln a` to the
/// exponent (0 where a is 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arithmetic {
    /// `a + b`.
    Add,
    /// `a − b`.
    Sub,
    /// `a · b`.
    Mul,
    /// `a / b`.
    Div,
    /// The larger of `a` and `b`; NaN if either is.
    Maximum,
    /// The smaller of `a` and `b`; NaN if either is.
    Minimum,
    /// `a ^ b`.
    Power,
    /// `b` where `condition > 0`, else `c`; operands `condition, b, c`.
    Select,
}

impl Arithmetic {
    /// All of them.
    pub const ALL: [Arithmetic; 8] = [
        Arithmetic::Add,
        Arithmetic::Sub,
        Arithmetic::Mul,
        Arithmetic::Div,
        Arithmetic::Maximum,
        Arithmetic::Minimum,
        Arithmetic::Power,
        Arithmetic::Select,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Arithmetic::Add => "add",
            Arithmetic::Sub => "sub",
            Arithmetic::Mul => "mul",
            Arithmetic::Div => "div",
            Arithmetic::Maximum => "maximum",
            Arithmetic::Minimum => "minimum",
            Arithmetic::Power => "power",
            Arithmetic::Select => "select",
        }
    }

    pub(super) fn from_text(name: &str) -> Option<Self> {
        Arithmetic::ALL.into_iter().find(|op| op.name() == name)
    }

    /// The number of operands.
    pub fn arity(self) -> usize {
        if self == Arithmetic::Select { 3 } else { 2 }
    }

    pub(super) fn infer(self, types: &[&Type]) -> Result<Type> {
        let mut shape = super::float(self.name(), types[0])?.shape.clone();
        for operand in &types[1..] {
            super::float(self.name(), operand)?;
            shape = shape.broadcast(&operand.shape).ok_or_else(|| {
                Error::network(format!(
                    "{} of shapes {shape} and {}: they do not broadcast",
                    self.name(),
                    operand.shape
                ))
            })?;
        }
        Ok(Type { dtype: types[0].dtype, shape })
    }
}
