//! What no layer may be: probabilities outside [0, 1], axes of length 0, more memory than a machine has.

use super::arguments::Refusal;
use super::embed_columns::EmbedColumns;
use super::layer::{BatchNorm1d, Dropout, Embedding, LayerNorm, Linear, Prelu};
use super::module::join;
use super::{Activation, Module, Scalar};
use crate::error::{Error, ErrorKind, Result};
use std::collections::HashSet;

/// Networks whose parameters need more bytes are refused: 16 GiB, four thousand million parameters.
pub const MAX_PARAMETER_BYTES: u64 = 1 << 34;

impl Module {
    /// Checks every argument. [`parse`](super::parse), [`Network::new`](super::Network::new) and
    /// [`Module::graph`] do it themselves.
    ///
    /// # Errors
    /// The first layer with an argument that no layer may have (a width of 0, a probability above 1, parameters
    /// beyond [`MAX_PARAMETER_BYTES`]), or a container with a name that a state dict cannot hold.
    ///
    /// ```
    /// use glassnet::nn;
    /// let error = nn::sequential([nn::linear(2, 3), nn::dropout(1.5)]).validate().unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "dropout probability has to be between 0 and 1, but got 1.5; layer \"1\" (Dropout), argument p; \
    ///      give a number from 0 to 1",
    /// );
    /// ```
    pub fn validate(&self) -> Result<()> {
        self.validate_below("")?;
        let bytes = self.parameter_bytes();
        if bytes > u128::from(MAX_PARAMETER_BYTES) {
            return Err(Error::new(ErrorKind::Usage, too_large("the network", bytes))
                .help("make its layers narrower"));
        }
        Ok(())
    }

    fn validate_below(&self, path: &str) -> Result<()> {
        if let Some(Refusal { argument, what, help, details }) = self.refusal() {
            let place = format!("layer {path:?} ({}), argument {argument}", self.kind());
            let error = Error::usage(what).at(place).help(help);
            return Err(details.into_iter().fold(error, Error::detail));
        }
        let children = self.children().unwrap_or(&[]);
        if let Some((name, why)) = bad_name(children.iter().map(|(name, _)| name.as_str())) {
            return Err(Error::usage(format!("the name {name:?} {why}"))
                .at(format!("layer {path:?} ({})", self.kind()))
                .help("rename it"));
        }
        children.iter().try_for_each(|(name, child)| child.validate_below(&join(path, name)))
    }

    /// The first argument of this layer itself that cannot be used.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        let refused = match self {
            Module::Linear(linear) => linear_refusal(*linear),
            Module::Activation(activation) => activation_refusal(*activation),
            Module::Prelu(Prelu { num_parameters, init }) => {
                size("num_parameters", *num_parameters).or_else(|| finite("init", *init))
            }
            Module::Dropout(Dropout { p, .. }) => probability(*p),
            Module::BatchNorm1d(norm) => batch_norm_refusal(*norm),
            Module::LayerNorm(norm) => layer_norm_refusal(norm),
            Module::Embedding(table) => embedding_refusal(*table),
            Module::EmbedColumns(columns) => embed_columns_refusal(columns),
            Module::Formula(_)
            | Module::Softmax { .. }
            | Module::LogSoftmax { .. }
            | Module::Identity
            | Module::Flatten(_)
            | Module::Residual(_)
            | Module::Sequential(_) => None,
        };
        refused.or_else(|| self.size_refusal())
    }

    fn size_refusal(&self) -> Option<Refusal> {
        let argument = match self {
            Module::Linear(Linear { in_features, out_features, .. }) => {
                if in_features > out_features { "in_features" } else { "out_features" }
            }
            Module::Prelu(_) => "num_parameters",
            Module::BatchNorm1d(_) => "num_features",
            Module::LayerNorm(_) => "normalized_shape",
            Module::Embedding(_) => "num_embeddings",
            Module::EmbedColumns(_) => "tables",
            Module::Activation(_)
            | Module::Formula(_)
            | Module::Softmax { .. }
            | Module::LogSoftmax { .. }
            | Module::Identity
            | Module::Flatten(_)
            | Module::Dropout(_)
            | Module::Residual(_)
            | Module::Sequential(_) => return None,
        };
        let bytes = self.parameter_bytes();
        let refused = bytes > u128::from(MAX_PARAMETER_BYTES);
        refused.then(|| Refusal::new(argument, too_large(self.kind(), bytes), "make it smaller"))
    }

    /// The bytes of all parameters and buffers, in f32 (and i64 for counters).
    pub fn parameter_bytes(&self) -> u128 {
        match self.children() {
            Some(children) => children
                .iter()
                .fold(0, |sum, (_, child)| child.parameter_bytes().saturating_add(sum)),
            None => self.own_arrays().iter().fold(0_u128, |sum, array| sum + array.bytes()),
        }
    }
}

fn too_large(what: &str, bytes: u128) -> String {
    format!(
        "{what} would need {bytes} bytes ({}), at most {MAX_PARAMETER_BYTES} (16 GiB) are allowed",
        binary_size(bytes)
    )
}

/// `3.6 TiB`
fn binary_size(bytes: u128) -> String {
    let units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB", "ZiB", "YiB"];
    let (mut size, mut unit) = (bytes as f64, 0);
    while size >= 1024.0 && unit + 1 < units.len() {
        (size, unit) = (size / 1024.0, unit + 1);
    }
    format!("{size:.1} {}", units[unit])
}

/// The first name that a state dict cannot hold, and why.
pub(super) fn bad_name<'a>(
    names: impl Iterator<Item = &'a str>,
) -> Option<(&'a str, &'static str)> {
    let mut seen = HashSet::new();
    names.into_iter().find_map(|name| {
        let why = if name.is_empty() {
            "is empty"
        } else if name.contains('.') {
            "contains a dot, which separates names in a state dict"
        } else if !seen.insert(name) {
            "stands twice"
        } else {
            return None;
        };
        Some((name, why))
    })
}

fn linear_refusal(Linear { in_features, out_features, .. }: Linear) -> Option<Refusal> {
    size("in_features", in_features).or_else(|| size("out_features", out_features))
}

fn activation_refusal(activation: Activation) -> Option<Refusal> {
    match activation {
        Activation::LeakyRelu { negative_slope, .. } => finite("negative_slope", negative_slope),
        Activation::Elu { alpha, .. } => finite("alpha", alpha),
        Activation::Celu { alpha, .. } => finite("alpha", alpha).or_else(|| {
            let zero = alpha.value() == 0.0;
            zero.then(|| Refusal::new("alpha", "alpha is 0: CELU divides by it", "give another"))
        }),
        Activation::Softplus { beta, threshold } => finite("beta", beta)
            .or_else(|| finite("threshold", threshold))
            .or_else(|| positive("beta", beta)),
        Activation::Hardtanh { min_val, max_val, .. } => {
            finite("min_val", min_val).or_else(|| finite("max_val", max_val)).or_else(|| {
                let ordered = max_val.value() > min_val.value();
                let what = format!("max_val ({max_val}) must be greater than min_val ({min_val})");
                (!ordered).then(|| Refusal::new("max_val", what, "swap them"))
            })
        }
        Activation::Relu { .. }
        | Activation::Selu { .. }
        | Activation::Gelu { .. }
        | Activation::Silu { .. }
        | Activation::Mish { .. }
        | Activation::Softsign
        | Activation::Sigmoid
        | Activation::LogSigmoid
        | Activation::Tanh
        | Activation::Relu6 { .. }
        | Activation::Hardsigmoid { .. }
        | Activation::Hardswish { .. } => None,
    }
}

fn batch_norm_refusal(norm: BatchNorm1d) -> Option<Refusal> {
    size("num_features", norm.num_features)
        .or_else(|| not_negative("eps", norm.eps))
        .or_else(|| norm.momentum.and_then(|momentum| finite("momentum", momentum)))
}

fn layer_norm_refusal(norm: &LayerNorm) -> Option<Refusal> {
    let argument = "normalized_shape";
    if norm.normalized_shape.is_empty() {
        return Some(Refusal::new(argument, "normalized_shape is empty", "give at least one axis"));
    }
    let sizes = norm.normalized_shape.iter().find_map(|&length| size(argument, length));
    sizes.or_else(|| not_negative("eps", norm.eps))
}

fn embedding_refusal(table: Embedding) -> Option<Refusal> {
    let rows = table.num_embeddings;
    let padding = || {
        let index = table.padding_idx?;
        let exists = table.padding_row().is_some_and(|row| row < rows);
        let what = format!("padding_idx is {index}, the table has {rows} rows");
        let help = format!("give a number from {} to {}", -(rows as i128), rows - 1);
        (!exists).then(|| Refusal::new("padding_idx", what, help))
    };
    size("num_embeddings", rows)
        .or_else(|| size("embedding_dim", table.embedding_dim))
        .or_else(padding)
        .or_else(|| table.max_norm.and_then(|norm| positive("max_norm", norm)))
        .or_else(|| positive("norm_type", table.norm_type))
}

fn embed_columns_refusal(columns: &EmbedColumns) -> Option<Refusal> {
    let mut seen = HashSet::new();
    let twice = columns.tables.iter().find(|(column, _)| !seen.insert(*column));
    if let Some((column, _)) = twice {
        let what = format!("column {column} has two tables");
        return Some(Refusal::new("tables", what, "give a column one table"));
    }
    columns.tables.iter().find_map(|(column, table)| {
        let inner = embedding_refusal(*table)?;
        let what = format!("{}, of the table of column {column}", inner.what);
        Some(Refusal { what, ..inner })
    })
}

fn size(argument: &'static str, length: usize) -> Option<Refusal> {
    (length == 0).then(|| Refusal::new(argument, format!("{argument} is 0"), "give at least 1"))
}

fn probability(p: Scalar) -> Option<Refusal> {
    let what = format!("dropout probability has to be between 0 and 1, but got {p}");
    (!(0.0..=1.0).contains(&p.value()))
        .then(|| Refusal::new("p", what, "give a number from 0 to 1"))
}

fn finite(argument: &'static str, value: Scalar) -> Option<Refusal> {
    let what = format!("{argument} is {value}");
    (!value.value().is_finite()).then(|| Refusal::new(argument, what, "give a finite number"))
}

fn positive(argument: &'static str, value: Scalar) -> Option<Refusal> {
    let fits = value.value() > 0.0 && value.value().is_finite();
    let what = format!("{argument} is {value}");
    (!fits).then(|| Refusal::new(argument, what, "give a finite number above 0"))
}

fn not_negative(argument: &'static str, value: Scalar) -> Option<Refusal> {
    let fits = value.value() >= 0.0 && value.value().is_finite();
    let what = format!("{argument} is {value}");
    (!fits).then(|| Refusal::new(argument, what, "give a finite number from 0 on"))
}
