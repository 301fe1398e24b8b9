//! Table look-ups.

use super::attribute::{Attribute, Attributes};
use crate::error::{Error, Result};
use crate::graph::{DType, Dim, Shape, Type};

/// Rows of a table by index.
///
/// # Errors
/// An index outside the table stops the execution with the row and the index, as does a float that is no whole number.
///
/// # Shapes
/// Indices are i64, or floats that hold whole numbers: codes that stand among the other columns of a table's rows.
///
/// # Source
/// `torch.nn.Embedding`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gather {
    /// `y[…, d] = weight[index[…], d]`; operands `weight, index`.
    Embedding {
        /// The row whose gradient is always 0, if any.
        padding_idx: Option<usize>,
    },
    /// The derivative towards the table: `dweight[v, d] = Σ over the places where index = v of dy[…, d]`; operands
    /// `dy, index`.
    EmbeddingGrad {
        /// The number of rows of the table.
        rows: usize,
        /// The row whose gradient is always 0, if any.
        padding_idx: Option<usize>,
    },
}

impl Gather {
    pub(super) fn name(self) -> &'static str {
        match self {
            Gather::Embedding { .. } => "embedding",
            Gather::EmbeddingGrad { .. } => "embedding_grad",
        }
    }

    pub(super) fn attributes(self) -> Attributes {
        let (rows, padding_idx) = match self {
            Gather::Embedding { padding_idx } => (None, padding_idx),
            Gather::EmbeddingGrad { rows, padding_idx } => (Some(rows), padding_idx),
        };
        let mut a = Attributes::default();
        for (name, value) in [("rows", rows), ("padding_idx", padding_idx)] {
            if let Some(value) = value {
                a = a.with(name, Attribute::Integer(value as i64));
            }
        }
        a
    }

    pub(super) fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        let mut padding = || -> Result<Option<usize>> {
            let value = a.optional_integer("padding_idx")?;
            value
                .map(|value| {
                    usize::try_from(value).map_err(|_| Error::usage("padding_idx is negative"))
                })
                .transpose()
        };
        Ok(Some(match name {
            "embedding" => Gather::Embedding { padding_idx: padding()? },
            "embedding_grad" => {
                let padding_idx = padding()?;
                Gather::EmbeddingGrad { rows: a.length("rows")?, padding_idx }
            }
            _ => return Ok(None), // not operations: names of other families
        }))
    }

    pub(super) fn infer(self, types: &[&Type]) -> Result<Type> {
        let (floats, index) = (super::float(self.name(), types[0])?, types[1]);
        if index.dtype != DType::I64 && !index.dtype.is_float() {
            return Err(Error::network(format!(
                "{} wants i64 or whole f32 indices, found {index}",
                self.name()
            )));
        }
        match self {
            Gather::Embedding { .. } => {
                let &[_, width] = floats.shape.dims() else {
                    return Err(Error::network(format!(
                        "the table has shape {}, expected [num_embeddings, embedding_dim]",
                        floats.shape
                    )));
                };
                let dims: Vec<Dim> = index.shape.dims().iter().copied().chain([width]).collect();
                Ok(Type { dtype: floats.dtype, shape: dims.into() })
            }
            Gather::EmbeddingGrad { rows, .. } => match floats.shape.dims().split_last() {
                Some((&width, leading)) if leading == index.shape.dims() => {
                    Ok(Type { dtype: floats.dtype, shape: Shape::from([Dim::Fixed(rows), width]) })
                }
                Some(_) | None => Err(Error::network(format!(
                    "the gradient has shape {}, the indices {}",
                    floats.shape, index.shape
                ))),
            },
        }
    }
}
