//! Reshapes, permutations, slices, concatenations and repetition: no arithmetic.

use super::attribute::{Attribute, Attributes};
use crate::error::{Error, Result};
use crate::graph::{Dim, Shape, Type};

/// Moves elements without changing them.
///
/// # Derivative
/// Each is another layout (reshape back, permute back, slice ↔ pad, concatenation → slices) or a sum (broadcast).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// The same elements in the same order under another shape.
    Reshape {
        /// The new shape; it has as many elements for every batch.
        shape: Shape,
    },
    /// `y`'s axis `i` is `x`'s axis `axes[i]`.
    Permute {
        /// A permutation of all axes.
        axes: Vec<usize>,
    },
    /// One or more operands behind each other along an axis.
    Concat {
        /// The axis.
        axis: usize,
    },
    /// Elements `start..end` of an axis.
    Slice {
        /// The axis.
        axis: usize,
        /// The first element kept.
        start: usize,
        /// One past the last element kept.
        end: usize,
    },
    /// Zeros before and after along an axis.
    Pad {
        /// The axis.
        axis: usize,
        /// How many before.
        before: usize,
        /// How many after.
        after: usize,
    },
    /// Repetition to a shape by NumPy's broadcasting rules.
    Broadcast {
        /// The new shape.
        shape: Shape,
    },
}

impl Layout {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Layout::Reshape { .. } => "reshape",
            Layout::Permute { .. } => "permute",
            Layout::Concat { .. } => "concat",
            Layout::Slice { .. } => "slice",
            Layout::Pad { .. } => "pad",
            Layout::Broadcast { .. } => "broadcast",
        }
    }

    pub(super) fn attributes(&self) -> Attributes {
        let integer = |value: usize| Attribute::Integer(value as i64);
        let a = Attributes::default();
        match self {
            Layout::Reshape { shape } | Layout::Broadcast { shape } => {
                a.with("shape", Attribute::Shape(shape.clone()))
            }
            Layout::Permute { axes } => a.with_axes(axes),
            Layout::Concat { axis } => a.with("axis", integer(*axis)),
            Layout::Slice { axis, start, end } => a
                .with("axis", integer(*axis))
                .with("start", integer(*start))
                .with("end", integer(*end)),
            Layout::Pad { axis, before, after } => a
                .with("axis", integer(*axis))
                .with("before", integer(*before))
                .with("after", integer(*after)),
        }
    }

    pub(super) fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        Ok(Some(match name {
            "reshape" => Layout::Reshape { shape: a.shape("shape")? },
            "permute" => Layout::Permute { axes: a.axes()? },
            "concat" => Layout::Concat { axis: a.length("axis")? },
            "slice" => Layout::Slice {
                axis: a.length("axis")?,
                start: a.length("start")?,
                end: a.length("end")?,
            },
            "pad" => Layout::Pad {
                axis: a.length("axis")?,
                before: a.length("before")?,
                after: a.length("after")?,
            },
            "broadcast" => Layout::Broadcast { shape: a.shape("shape")? },
            _ => return Ok(None), // not operations: names of other families
        }))
    }

    pub(super) fn arity(&self) -> (usize, usize) {
        match self {
            Layout::Concat { .. } => (1, usize::MAX),
            Layout::Reshape { .. }
            | Layout::Permute { .. }
            | Layout::Slice { .. }
            | Layout::Pad { .. }
            | Layout::Broadcast { .. } => (1, 1),
        }
    }

    pub(super) fn infer(&self, types: &[&Type]) -> Result<Type> {
        let operand = super::float(self.name(), types[0])?;
        let from = &operand.shape;
        let shape = match self {
            Layout::Reshape { shape } => reshaped(from, shape)?,
            Layout::Permute { axes } => permuted(from, axes)?,
            Layout::Concat { axis } => concatenated(types, *axis)?,
            Layout::Slice { axis, start, end } => {
                let length = fixed_axis(self.name(), from, *axis)?;
                if start > end || *end > length {
                    return Err(Error::network(format!(
                        "slice {start}..{end} of an axis of length {length}"
                    )));
                }
                with_axis(from, *axis, end - start)
            }
            Layout::Pad { axis, before, after } => {
                let length = fixed_axis(self.name(), from, *axis)?;
                let total = length.checked_add(*before).and_then(|sum| sum.checked_add(*after));
                with_axis(from, *axis, total.ok_or_else(|| Error::network("pad overflows"))?)
            }
            Layout::Broadcast { shape } => match from.broadcast(shape) {
                Some(common) if common == *shape => common,
                Some(_) | None => {
                    return Err(Error::network(format!("{from} does not broadcast to {shape}")));
                }
            },
        };
        Ok(Type { dtype: operand.dtype, shape })
    }
}

/// A shape has as many elements as another for every batch iff fixed products and numbers of batch axes agree.
fn reshaped(from: &Shape, to: &Shape) -> Result<Shape> {
    let batches = |shape: &Shape| shape.dims().iter().filter(|dim| **dim == Dim::Batch).count();
    if batches(from) == batches(to)
        && from.elements(1).is_some()
        && from.elements(1) == to.elements(1)
    {
        return Ok(to.clone());
    }
    Err(Error::network(format!(
        "{from} cannot be reshaped to {to}: the numbers of elements differ"
    )))
}

fn permuted(from: &Shape, axes: &[usize]) -> Result<Shape> {
    let mut sorted = axes.to_vec();
    sorted.sort_unstable();
    if !sorted.iter().copied().eq(0..from.rank()) {
        return Err(Error::network(format!("{axes:?} is no permutation of the axes of {from}")));
    }
    Ok(axes.iter().map(|&axis| from.dims()[axis]).collect::<Vec<Dim>>().into())
}

fn concatenated(types: &[&Type], axis: usize) -> Result<Shape> {
    let first = &types[0].shape;
    let mut total = 0_usize;
    for operand in types {
        let length = fixed_axis("concat", &operand.shape, axis)?;
        if super::float("concat", operand)?.shape.rank() != first.rank()
            || with_axis(&operand.shape, axis, 0) != with_axis(first, axis, 0)
        {
            return Err(Error::network(format!(
                "{first} and {} differ in more than axis {axis}",
                operand.shape
            )));
        }
        total = total.checked_add(length).ok_or_else(|| Error::network("concat overflows"))?;
    }
    Ok(with_axis(first, axis, total))
}

fn fixed_axis(name: &str, shape: &Shape, axis: usize) -> Result<usize> {
    match shape.dims().get(axis) {
        Some(Dim::Fixed(length)) => Ok(*length),
        Some(Dim::Batch) => Err(Error::network(format!("{name} cannot work along the batch"))),
        None => Err(Error::network(format!("{name} along axis {axis} of {shape}"))),
    }
}

fn with_axis(shape: &Shape, axis: usize, length: usize) -> Shape {
    let mut dims = shape.dims().to_vec();
    dims[axis] = Dim::Fixed(length);
    dims.into()
}
