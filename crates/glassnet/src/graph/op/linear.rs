//! Matrix products.

use super::attribute::{Attribute, Attributes};
use crate::error::{Error, Result};
use crate::graph::{Dim, Shape, Type};

/// Products of matrices. An operand of higher rank counts as a matrix whose rows are all its leading axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Linear {
    /// `y[…, o] = Σᵢ x[…, i] · weight[o, i] + bias[o]`: PyTorch's `Linear`; the bias is optional.
    ///
    /// # Shapes
    /// x `[…, in]`, weight `[out, in]`, bias `[out]` → `[…, out]`.
    ///
    /// # Derivative
    /// `dx = dy · weight`, `dweight = dyᵀ · x`, `dbias = Σ_rows dy`.
    ///
    /// # Numerics
    /// Each element is a chain of fused multiply-adds over `i` in blocks of 256; the bias is added last.
    Affine,
    /// `y[m, n] = Σ_k a[m, k] · b[k, n]`, each operand transposed on request.
    ///
    /// # Shapes
    /// a `[…, k]`, b `[k, n]` → `[…, n]`; with `transpose_a`, a `[…, m]` counts as rows `…` and the result is
    /// `[m, n]`; with `transpose_b`, b is `[n, k]`.
    ///
    /// # Derivative
    /// Again products: `da = dy · bᵀ`, `db = aᵀ · dy` (transposed where the operand is).
    MatMul {
        /// Whether the sum runs over a's rows instead of its last axis.
        transpose_a: bool,
        /// Whether the sum runs over b's last axis instead of its rows.
        transpose_b: bool,
    },
}

impl Linear {
    pub(super) fn name(self) -> &'static str {
        match self {
            Linear::Affine => "affine",
            Linear::MatMul { .. } => "matmul",
        }
    }

    pub(super) fn attributes(self) -> Attributes {
        match self {
            Linear::Affine => Attributes::default(),
            Linear::MatMul { transpose_a, transpose_b } => Attributes::default()
                .with("transpose_a", Attribute::Flag(transpose_a))
                .with("transpose_b", Attribute::Flag(transpose_b)),
        }
    }

    pub(super) fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        Ok(Some(match name {
            "affine" => Linear::Affine,
            "matmul" => Linear::MatMul {
                transpose_a: a.flag("transpose_a")?,
                transpose_b: a.flag("transpose_b")?,
            },
            _ => return Ok(None), // not operations: names of other families
        }))
    }

    pub(super) fn arity(self) -> (usize, usize) {
        match self {
            Linear::Affine => (2, 3),
            Linear::MatMul { .. } => (2, 2),
        }
    }

    pub(super) fn infer(self, types: &[&Type]) -> Result<Type> {
        for operand in types {
            super::float(self.name(), operand)?;
        }
        match self {
            Linear::Affine => infer_affine(types),
            Linear::MatMul { transpose_a, transpose_b } => {
                infer_matmul(types[0], types[1], transpose_a, transpose_b)
            }
        }
    }
}

fn infer_affine(types: &[&Type]) -> Result<Type> {
    let (x, weight) = (&types[0].shape, &types[1].shape);
    let &[Dim::Fixed(out), Dim::Fixed(inputs)] = weight.dims() else {
        return Err(Error::network(format!("the weight has shape {weight}, expected [out, in]")));
    };
    let Some(found) = x.last() else {
        return Err(Error::network("the input is a scalar, expected [rows, features]"));
    };
    if found != Dim::Fixed(inputs) {
        return Err(Error::network(format!(
            "the input has {found} features, its weight expects {inputs}"
        ))
        .help(format!("set in_features={found}")));
    }
    if let Some(bias) = types.get(2)
        && bias.shape != Shape::from([out])
    {
        return Err(Error::network(format!("the bias has shape {}, expected [{out}]", bias.shape)));
    }
    let mut dims = x.dims().to_vec();
    dims[x.rank() - 1] = Dim::Fixed(out);
    Ok(Type { dtype: types[0].dtype, shape: dims.into() })
}

fn infer_matmul(a: &Type, b: &Type, transpose_a: bool, transpose_b: bool) -> Result<Type> {
    let misfit = || {
        Error::network(format!(
            "the product of {}{} and {}{} does not exist",
            a.shape,
            if transpose_a { "ᵀ" } else { "" },
            b.shape,
            if transpose_b { "ᵀ" } else { "" }
        ))
    };
    let (a_rows, &[a_last]) = a.shape.dims().split_last_chunk::<1>().ok_or_else(misfit)?;
    let (b_rows, &[b_last]) = b.shape.dims().split_last_chunk::<1>().ok_or_else(misfit)?;
    if a_rows.is_empty() || b_rows.is_empty() || (transpose_b && b_rows.len() != 1) {
        return Err(misfit());
    }
    let b_inner: &[Dim] = if transpose_b { &[b_last] } else { b_rows };
    let b_outer: &[Dim] = if transpose_b { b_rows } else { &[b_last] };
    let a_inner: &[Dim] = if transpose_a { a_rows } else { &[a_last] };
    let a_outer: &[Dim] = if transpose_a { &[a_last] } else { a_rows };
    if a_inner != b_inner {
        return Err(misfit());
    }
    let shape: Vec<Dim> = a_outer.iter().chain(b_outer).copied().collect();
    Ok(Type { dtype: a.dtype, shape: shape.into() })
}
