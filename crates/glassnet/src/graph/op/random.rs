//! Random masks.

use super::attribute::{Attribute, Attributes};
use crate::error::Result;
use crate::graph::{DType, Shape, Type};

/// A random array, drawn anew at every execution from the stream that the executor is given.
#[derive(Clone, Debug, PartialEq)]
pub enum Random {
    /// Every element is 0 with probability `p`, else `1/(1 − p)`: multiplied with a value, it is dropout.
    ///
    /// # Source
    /// Srivastava et al., JMLR 15 (2014); `torch.nn.Dropout`. The draws are our own stream, not PyTorch's.
    DropoutMask {
        /// The probability of 0, in [0, 1].
        p: f64,
        /// Which of the graph's masks this is; each has a stream of its own.
        stream: usize,
        /// The mask's shape.
        shape: Shape,
    },
}

impl Random {
    pub(super) fn name(&self) -> &'static str {
        match self {
            Random::DropoutMask { .. } => "dropout_mask",
        }
    }

    pub(super) fn attributes(&self) -> Attributes {
        match self {
            Random::DropoutMask { p, stream, shape } => Attributes::default()
                .with("p", Attribute::Number(*p))
                .with("stream", Attribute::Integer(*stream as i64))
                .with("shape", Attribute::Shape(shape.clone())),
        }
    }

    pub(super) fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        Ok(Some(match name {
            "dropout_mask" => Random::DropoutMask {
                p: a.number("p")?,
                stream: a.length("stream")?,
                shape: a.shape("shape")?,
            },
            _ => return Ok(None), // not operations: names of other families
        }))
    }

    pub(super) fn infer(&self) -> Type {
        match self {
            Random::DropoutMask { shape, .. } => Type { dtype: DType::F32, shape: shape.clone() },
        }
    }
}
