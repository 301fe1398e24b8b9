//! The closed set of modules, and walks over their tree.

use super::embed_columns::EmbedColumns;
use super::layer::{
    BatchNorm1d, Dropout, Embedding, Flatten, Formula, LayerNorm, Linear, Prelu, Residual,
    Sequential,
};
use super::{Activation, parse};
use crate::error::{Error, Result};

/// A layer or a container of layers, with PyTorch's arguments.
///
/// Displays as PyTorch's `repr`; [`Module::notation`] is the one-line form that [`parse`] reads.
///
/// ```
/// use glassnet::nn;
/// let net = nn::sequential([nn::linear(2, 3), nn::relu(), nn::linear(3, 1)]);
/// assert_eq!(net.notation(), "Sequential(Linear(2, 3), ReLU(), Linear(3, 1))");
/// assert_eq!(
///     net.to_string(),
///     "Sequential(
///   (0): Linear(in_features=2, out_features=3, bias=True)
///   (1): ReLU()
///   (2): Linear(in_features=3, out_features=1, bias=True)
/// )",
/// );
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Module {
    /// `x·Wᵀ + b`.
    Linear(Linear),
    /// An elementwise function without parameters.
    Activation(Activation),
    /// A ReLU whose slope below 0 is trained.
    Prelu(Prelu),
    /// An elementwise function given by a formula.
    Formula(Formula),
    /// Softmax along an axis.
    Softmax {
        /// The axis; negative counts from the end; `None` is PyTorch's old rule: 0 for rank 0, 1 and 3, else 1.
        dim: Option<i64>,
    },
    /// The logarithm of softmax along an axis.
    LogSoftmax {
        /// The axis, as for [`Module::Softmax`].
        dim: Option<i64>,
    },
    /// The input itself.
    Identity,
    /// Several axes become one.
    Flatten(Flatten),
    /// Random zeros in training.
    Dropout(Dropout),
    /// Standardisation over the batch.
    BatchNorm1d(BatchNorm1d),
    /// Standardisation over the last axes.
    LayerNorm(LayerNorm),
    /// A trained row per index.
    Embedding(Embedding),
    /// A trained row per code, beside columns that stay as they are.
    EmbedColumns(EmbedColumns),
    /// `x + f(x)`.
    Residual(Residual),
    /// Layers one after the other.
    Sequential(Sequential),
}

impl Module {
    /// PyTorch's class name: `Linear`.
    pub fn kind(&self) -> &'static str {
        match self {
            Module::Linear(_) => "Linear",
            Module::Activation(activation) => activation.kind(),
            Module::Prelu(_) => "PReLU",
            Module::Formula(_) => "Formula",
            Module::Softmax { .. } => "Softmax",
            Module::LogSoftmax { .. } => "LogSoftmax",
            Module::Identity => "Identity",
            Module::Flatten(_) => "Flatten",
            Module::Dropout(_) => "Dropout",
            Module::BatchNorm1d(_) => "BatchNorm1d",
            Module::LayerNorm(_) => "LayerNorm",
            Module::Embedding(_) => "Embedding",
            Module::EmbedColumns(_) => "EmbedColumns",
            Module::Residual(_) => "Residual",
            Module::Sequential(_) => "Sequential",
        }
    }

    /// The children with their names; `None` for a layer.
    pub fn children(&self) -> Option<&[(String, Module)]> {
        match self {
            Module::Sequential(sequential) => Some(sequential.children()),
            Module::Residual(residual) => Some(residual.inner.children()),
            Module::Linear(_)
            | Module::Activation(_)
            | Module::Prelu(_)
            | Module::Formula(_)
            | Module::Softmax { .. }
            | Module::LogSoftmax { .. }
            | Module::Identity
            | Module::Flatten(_)
            | Module::Dropout(_)
            | Module::BatchNorm1d(_)
            | Module::LayerNorm(_)
            | Module::Embedding(_)
            | Module::EmbedColumns(_) => None,
        }
    }

    /// The layers (not the containers) in order, each with its state-dict prefix: `""` for a lone layer, `"0"`,
    /// `"encoder.2"`.
    ///
    /// ```
    /// use glassnet::nn;
    /// let net = nn::parse("Sequential(Sequential(Linear(2, 3), ReLU()), Linear(3, 1))")?;
    /// let names: Vec<String> = net.layers().into_iter().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["0.0", "0.1", "1"]);
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn layers(&self) -> Vec<(String, &Module)> {
        let mut layers = vec![];
        self.collect_layers(String::new(), &mut layers);
        layers
    }

    fn collect_layers<'a>(&'a self, path: String, layers: &mut Vec<(String, &'a Module)>) {
        match self.children() {
            None => layers.push((path, self)),
            Some(children) => {
                for (name, child) in children {
                    child.collect_layers(join(&path, name), layers);
                }
            }
        }
    }
}

/// The state-dict path of `name` within `path`.
pub(super) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

impl std::str::FromStr for Module {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        parse(text)
    }
}

macro_rules! from_layer {
    ($($layer:ident => $variant:ident),* $(,)?) => {
        $(impl From<$layer> for Module {
            fn from(layer: $layer) -> Self {
                Module::$variant(layer)
            }
        })*
    };
}

from_layer! {
    Linear => Linear,
    Activation => Activation,
    Prelu => Prelu,
    Formula => Formula,
    Flatten => Flatten,
    Dropout => Dropout,
    BatchNorm1d => BatchNorm1d,
    LayerNorm => LayerNorm,
    Embedding => Embedding,
    EmbedColumns => EmbedColumns,
    Residual => Residual,
    Sequential => Sequential,
}
