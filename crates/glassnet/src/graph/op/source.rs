//! Values from outside the graph.

use super::attribute::{Attribute, Attributes};
use crate::error::Result;
use crate::graph::{DType, Shape, Type};

/// A value that is given, not computed. A source has no operands.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// Given at every execution: features, targets, row weights.
    Input {
        /// The name by which the caller gives it.
        name: String,
        /// The elements' type.
        dtype: DType,
        /// The shape, usually beginning with the batch.
        shape: Shape,
    },
    /// A trainable array of floats.
    Parameter {
        /// The state-dict key, such as `0.weight`.
        name: String,
        /// The shape.
        shape: Shape,
    },
    /// An array of floats in the state dict that is not trained.
    Buffer {
        /// The state-dict key, such as `1.running_mean`.
        name: String,
        /// The shape.
        shape: Shape,
    },
    /// A scalar that belongs to the formula; in f32 it is the nearest f32.
    Constant(f64),
    /// The number of elements of a shape, as a scalar: it depends on the batch.
    Count(Shape),
}

impl Source {
    /// The name, for sources that have one.
    pub fn name(&self) -> Option<&str> {
        match self {
            Source::Input { name, .. }
            | Source::Parameter { name, .. }
            | Source::Buffer { name, .. } => Some(name),
            Source::Constant(_) | Source::Count(_) => None,
        }
    }

    /// Names are unique within their sort; parameters and buffers share one, as in a state dict.
    pub(in crate::graph) fn sort(&self) -> u8 {
        u8::from(matches!(self, Source::Input { .. }))
    }

    pub(super) fn op_name(&self) -> &'static str {
        match self {
            Source::Input { .. } => "input",
            Source::Parameter { .. } => "parameter",
            Source::Buffer { .. } => "buffer",
            Source::Constant(_) => "constant",
            Source::Count(_) => "count",
        }
    }

    pub(super) fn attributes(&self) -> Attributes {
        let named = |name: &str| Attributes::default().with("name", Attribute::Text(name.into()));
        match self {
            Source::Input { name, dtype, shape } => named(name)
                .with("dtype", Attribute::Word(dtype.name().into()))
                .with("shape", Attribute::Shape(shape.clone())),
            Source::Parameter { name, shape } | Source::Buffer { name, shape } => {
                named(name).with("shape", Attribute::Shape(shape.clone()))
            }
            Source::Constant(value) => {
                Attributes::default().with("value", Attribute::Number(*value))
            }
            Source::Count(shape) => {
                Attributes::default().with("shape", Attribute::Shape(shape.clone()))
            }
        }
    }

    pub(super) fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        Ok(Some(match name {
            "input" => Source::Input {
                name: a.text("name")?,
                dtype: a.dtype("dtype")?,
                shape: a.shape("shape")?,
            },
            "parameter" => Source::Parameter { name: a.text("name")?, shape: a.shape("shape")? },
            "buffer" => Source::Buffer { name: a.text("name")?, shape: a.shape("shape")? },
            "constant" => Source::Constant(a.number("value")?),
            "count" => Source::Count(a.shape("shape")?),
            _ => return Ok(None), // not operations: names of other families
        }))
    }

    pub(super) fn infer(&self) -> Type {
        let (dtype, shape) = match self {
            Source::Input { dtype, shape, .. } => (*dtype, shape.clone()),
            Source::Parameter { shape, .. } | Source::Buffer { shape, .. } => {
                (DType::F32, shape.clone())
            }
            Source::Constant(_) | Source::Count(_) => (DType::F32, Shape::scalar()),
        };
        Type { dtype, shape }
    }
}
