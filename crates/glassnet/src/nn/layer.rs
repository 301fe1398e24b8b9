//! The layers that have parameters, and the containers.

use super::{Module, Scalar};
use crate::error::Result;
use crate::formula::{Expression, parse_activation};

/// `y = x·Wᵀ + b`: every output is a weighted sum of all inputs.
///
/// # Shapes
/// `[…, in_features]` → `[…, out_features]`; `weight` is `[out_features, in_features]`, `bias` `[out_features]`.
///
/// # Source
/// `torch.nn.Linear`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Linear {
    /// The length of the input's last axis.
    pub in_features: usize,
    /// The length of the output's last axis.
    pub out_features: usize,
    /// Whether a bias is added.
    pub bias: bool,
}

impl Linear {
    /// A layer with a bias.
    pub fn new(in_features: usize, out_features: usize) -> Self {
        Linear { in_features, out_features, bias: true }
    }
}

/// `y = max(z, 0) + w·min(z, 0)` with a trained slope `w`.
///
/// # Shapes
/// Any; `weight` is `[num_parameters]`, one slope for all or one per channel (axis 1).
///
/// # Source
/// `torch.nn.PReLU`; He et al., arXiv 1502.01852.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Prelu {
    /// 1, or the length of axis 1.
    pub num_parameters: usize,
    /// The slopes' initial value.
    pub init: Scalar,
}

impl Default for Prelu {
    fn default() -> Self {
        Prelu { num_parameters: 1, init: Scalar::Float(0.25) }
    }
}

/// Joins the axes `start_dim..=end_dim` into one; negative axes count from the end.
///
/// # Source
/// `torch.nn.Flatten`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flatten {
    /// The first axis joined.
    pub start_dim: i64,
    /// The last axis joined.
    pub end_dim: i64,
}

impl Default for Flatten {
    fn default() -> Self {
        Flatten { start_dim: 1, end_dim: -1 }
    }
}

/// In training, every element becomes 0 with probability `p` and is otherwise multiplied by `1/(1 − p)`; in
/// evaluation nothing happens.
///
/// # Source
/// `torch.nn.Dropout`; Srivastava et al., JMLR 15 (2014). The draws are glassnet's own.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Dropout {
    /// The probability of 0, in [0, 1].
    pub p: Scalar,
    /// Kept for `repr`.
    pub inplace: bool,
}

impl Dropout {
    /// Dropout with probability `p`.
    pub fn new(p: impl Into<Scalar>) -> Self {
        Dropout { p: p.into(), inplace: false }
    }
}

/// `y = (x − mean)/√(variance + eps)·w + b` per channel (axis 1): with the batch's statistics in training, with
/// the running ones in evaluation.
///
/// # Shapes
/// `[N, C]` or `[N, C, L]`, unchanged; `weight`, `bias`, `running_mean`, `running_var` are `[C]`.
///
/// # Numerics
/// In training the batch's mean and variance are computed in two passes; the running variance follows the unbiased
/// estimate, `running ← (1 − momentum)·running + momentum·batch`.
///
/// # Errors
/// With `momentum=None` (a cumulative average) training answers `Unsupported`.
///
/// # Source
/// `torch.nn.BatchNorm1d`; Ioffe & Szegedy, arXiv 1502.03167.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BatchNorm1d {
    /// The number of channels, C.
    pub num_features: usize,
    /// Added to the variance.
    pub eps: Scalar,
    /// How far the running statistics move towards the batch's; `None` for a cumulative average.
    pub momentum: Option<Scalar>,
    /// Whether there is a trained `weight` (and `bias`).
    pub affine: bool,
    /// Whether there are running statistics; without them evaluation takes the batch's, too.
    pub track_running_stats: bool,
    /// Whether there is a trained `bias`; without `affine` there is none.
    pub bias: bool,
}

impl BatchNorm1d {
    /// A layer with PyTorch's default arguments.
    pub fn new(num_features: usize) -> Self {
        BatchNorm1d {
            num_features,
            eps: Scalar::Float(1e-5),
            momentum: Some(Scalar::Float(0.1)),
            affine: true,
            track_running_stats: true,
            bias: true,
        }
    }
}

/// `y = (x − mean)/√(variance + eps)·w + b` per row, over the last axes.
///
/// # Shapes
/// `[…, normalized_shape]`, unchanged; `weight` and `bias` are `normalized_shape`.
///
/// # Source
/// `torch.nn.LayerNorm`; Ba, Kiros & Hinton, arXiv 1607.06450.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerNorm {
    /// The lengths of the last axes.
    pub normalized_shape: Vec<usize>,
    /// Added to the variance.
    pub eps: Scalar,
    /// Whether there is a trained `weight` (and `bias`).
    pub elementwise_affine: bool,
    /// Whether there is a trained `bias`; without `elementwise_affine` there is none.
    pub bias: bool,
}

impl LayerNorm {
    /// A layer with PyTorch's default arguments.
    pub fn new(normalized_shape: impl Into<Vec<usize>>) -> Self {
        LayerNorm {
            normalized_shape: normalized_shape.into(),
            eps: Scalar::Float(1e-5),
            elementwise_affine: true,
            bias: true,
        }
    }
}

/// `y[…, d] = weight[index[…], d]`: a trained row per index.
///
/// # Shapes
/// i64 indices `[…]` → `[…, embedding_dim]`; `weight` is `[num_embeddings, embedding_dim]`.
///
/// # Errors
/// `max_norm`, and `scale_grad_by_freq` in training, are read and printed; lowering answers `Unsupported`.
///
/// # Source
/// `torch.nn.Embedding`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Embedding {
    /// The number of rows.
    pub num_embeddings: usize,
    /// The length of a row.
    pub embedding_dim: usize,
    /// The row that is initially 0 and never trained; negative counts from the end.
    pub padding_idx: Option<i64>,
    /// PyTorch's renormalisation at look-up.
    pub max_norm: Option<Scalar>,
    /// The norm that `max_norm` means.
    pub norm_type: Scalar,
    /// PyTorch's scaling of gradients by the frequency of indices.
    pub scale_grad_by_freq: bool,
    /// Kept for `repr`; gradients are dense here, their values the same.
    pub sparse: bool,
}

impl Embedding {
    /// A table with PyTorch's default arguments.
    pub fn new(num_embeddings: usize, embedding_dim: usize) -> Self {
        Embedding {
            num_embeddings,
            embedding_dim,
            padding_idx: None,
            max_norm: None,
            norm_type: Scalar::Float(2.0),
            scale_grad_by_freq: false,
            sparse: false,
        }
    }

    /// The padding row counted from the start.
    pub fn padding_row(&self) -> Option<usize> {
        let index = self.padding_idx?;
        let from_end = |below: i64| self.num_embeddings.checked_sub(below.unsigned_abs() as usize);
        if index < 0 { from_end(index) } else { usize::try_from(index).ok() }
    }
}

/// An activation given by a formula in one variable, applied to every element.
///
/// It becomes elementwise operations of the graph, so it is trained, explained and drawn like any other.
///
/// ```
/// use glassnet::nn::Formula;
/// let swish = Formula::new("z*sigmoid(z)")?;
/// assert_eq!(swish.text(), "z*sigmoid(z)");
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Formula {
    expression: Expression,
}

impl Formula {
    /// The activation written in `text`, in z (or x).
    ///
    /// # Errors
    /// When the text is no formula in one variable; the message points at the place.
    pub fn new(text: &str) -> Result<Self> {
        Ok(Formula { expression: parse_activation(text)? })
    }

    /// The formula.
    pub fn expression(&self) -> &Expression {
        &self.expression
    }

    /// The formula as text that reads back.
    pub fn text(&self) -> String {
        self.expression.to_string()
    }
}

/// Layers one after the other. Children are named by their position, or by names of your own.
///
/// # Source
/// `torch.nn.Sequential`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sequential {
    children: Vec<(String, Module)>,
}

impl Sequential {
    /// Children named `0`, `1`, ….
    pub fn new(children: impl IntoIterator<Item = Module>) -> Self {
        let children = children.into_iter().enumerate();
        Sequential { children: children.map(|(at, child)| (at.to_string(), child)).collect() }
    }

    /// Children with names, as PyTorch's `Sequential(OrderedDict([…]))`. [`Module::validate`] refuses names
    /// that are empty, contain a dot, or stand twice.
    pub fn named<N: Into<String>>(children: impl IntoIterator<Item = (N, Module)>) -> Self {
        let children = children.into_iter();
        Sequential { children: children.map(|(name, child)| (name.into(), child)).collect() }
    }

    /// The children with their names.
    pub fn children(&self) -> &[(String, Module)] {
        &self.children
    }

    /// Whether the names are the positions.
    pub fn is_positional(&self) -> bool {
        self.children.iter().enumerate().all(|(at, (name, _))| *name == at.to_string())
    }
}

/// `y = x + f(x)`, where f is a [`Sequential`]: a skip connection. PyTorch has no such module; ours has the keys
/// of a `Sequential` in its place (`0.weight` of `Residual(Linear(4, 4))`).
///
/// # Shapes
/// f must give back the shape of its input.
///
/// # Source
/// He et al., arXiv 1512.03385.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Residual {
    /// f.
    pub inner: Sequential,
}
