//! Sums, means, extremes and variances over axes.

use super::attribute::{Attribute, Attributes};
use crate::error::Result;
use crate::graph::{Dim, Type};

/// What a [`Reduce`] computes of the elements along its axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reduction {
    /// `Σ xᵢ`, a chain in order of the elements in blocks of 256.
    Sum,
    /// `Σ xᵢ·(1/N)`, fused multiply-adds in the same order; NaN over no elements.
    Mean,
    /// The largest; NaN if one is.
    Max,
    /// The smallest; NaN if one is.
    Min,
    /// `Σ (xᵢ − mean)² / (N − correction)`: 0 the population's variance, 1 the unbiased estimate.
    Variance {
        /// What is taken from the number of elements.
        correction: u8,
    },
}

/// A reduction over axes.
///
/// # Shapes
/// With `keep`, the axes stay with length 1; else they are removed.
///
/// # Derivative
/// Of the sum: repetition; of the mean: repetition by 1/N; of extremes: shared evenly among ties, as
/// `torch.amax`; of the variance: `2·(xᵢ − mean)/(N − correction)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reduce {
    /// What is computed.
    pub kind: Reduction,
    /// The axes, ascending.
    pub axes: Vec<usize>,
    /// Whether the axes stay with length 1.
    pub keep: bool,
}

impl Reduce {
    pub(super) fn name(&self) -> &'static str {
        match self.kind {
            Reduction::Sum => "sum",
            Reduction::Mean => "mean",
            Reduction::Max => "max",
            Reduction::Min => "min",
            Reduction::Variance { .. } => "variance",
        }
    }

    pub(super) fn attributes(&self) -> Attributes {
        let a =
            Attributes::default().with_axes(&self.axes).with("keep", Attribute::Flag(self.keep));
        match self.kind {
            Reduction::Variance { correction } => {
                a.with("correction", Attribute::Integer(correction.into()))
            }
            Reduction::Sum | Reduction::Mean | Reduction::Max | Reduction::Min => a,
        }
    }

    pub(super) fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        let kind = match name {
            "sum" => Reduction::Sum,
            "mean" => Reduction::Mean,
            "max" => Reduction::Max,
            "min" => Reduction::Min,
            "variance" => Reduction::Variance { correction: u8::from(a.length("correction")? > 0) },
            _ => return Ok(None), // not operations: names of other families
        };
        Ok(Some(Reduce { kind, axes: a.axes()?, keep: a.flag("keep")? }))
    }

    pub(super) fn infer(&self, types: &[&Type]) -> Result<Type> {
        let operand = super::float(self.name(), types[0])?;
        super::axes_exist(self.name(), &self.axes, &operand.shape)?;
        let reduced = |axis: usize| self.axes.contains(&axis);
        let dims: Vec<Dim> = operand
            .shape
            .dims()
            .iter()
            .enumerate()
            .filter_map(|(axis, &dim)| match (reduced(axis), self.keep) {
                (false, _) => Some(dim),
                (true, true) => Some(Dim::Fixed(1)),
                (true, false) => None,
            })
            .collect();
        Ok(Type { dtype: operand.dtype, shape: dims.into() })
    }
}
