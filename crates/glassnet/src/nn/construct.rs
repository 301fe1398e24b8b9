//! Constructors that read like PyTorch's, with PyTorch's default arguments.
//!
//! They never fail: an argument that no layer may have is refused where the network is used
//! ([`Module::validate`]). Other arguments than these are given through the layer's struct:
//!
//! ```
//! use glassnet::nn::{self, Linear, Module};
//! let without_bias: Module = Linear { bias: false, ..Linear::new(2, 3) }.into();
//! assert_eq!(without_bias, nn::parse("Linear(2, 3, bias=False)")?);
//! # Ok::<(), glassnet::Error>(())
//! ```

use super::{
    Activation, Approximate, BatchNorm1d, Dropout, EmbedColumns, Embedding, Flatten, Formula,
    LayerNorm, Linear, Module, Prelu, Residual, Scalar, Sequential,
};
use crate::error::Result;

/// `Sequential(…)`: layers one after the other.
///
/// ```
/// use glassnet::nn;
/// let net = nn::sequential([nn::linear(6, 32), nn::tanh(), nn::dropout(0.2), nn::linear(32, 4)]);
/// assert_eq!(net.parameter_count(), 356);
/// ```
pub fn sequential(children: impl IntoIterator<Item = Module>) -> Module {
    Sequential::new(children).into()
}

/// `Sequential(OrderedDict([…]))`: layers with names.
///
/// ```
/// use glassnet::nn;
/// let net = nn::named([("hidden", nn::linear(2, 3)), ("act", nn::relu()), ("out", nn::linear(3, 1))]);
/// assert_eq!(net.state_shapes()[0].key, "hidden.weight");
/// ```
pub fn named<N: Into<String>>(children: impl IntoIterator<Item = (N, Module)>) -> Module {
    Sequential::named(children).into()
}

/// `Residual(…)`: `x + f(x)`, f the layers one after the other.
pub fn residual(children: impl IntoIterator<Item = Module>) -> Module {
    Residual { inner: Sequential::new(children) }.into()
}

/// `Linear(in_features, out_features)`
pub fn linear(in_features: usize, out_features: usize) -> Module {
    Linear::new(in_features, out_features).into()
}

/// `ReLU()`
pub fn relu() -> Module {
    Activation::Relu { inplace: false }.into()
}

/// `LeakyReLU(negative_slope)`; PyTorch's default is 0.01.
pub fn leaky_relu(negative_slope: impl Into<Scalar>) -> Module {
    Activation::LeakyRelu { negative_slope: negative_slope.into(), inplace: false }.into()
}

/// `PReLU()`: one slope, initially 0.25.
pub fn prelu() -> Module {
    Prelu::default().into()
}

/// `ELU(alpha)`; PyTorch's default is 1.0.
pub fn elu(alpha: impl Into<Scalar>) -> Module {
    Activation::Elu { alpha: alpha.into(), inplace: false }.into()
}

/// `CELU(alpha)`; PyTorch's default is 1.0.
pub fn celu(alpha: impl Into<Scalar>) -> Module {
    Activation::Celu { alpha: alpha.into(), inplace: false }.into()
}

/// `SELU()`
pub fn selu() -> Module {
    Activation::Selu { inplace: false }.into()
}

/// `GELU()`, by the error function.
pub fn gelu() -> Module {
    Activation::Gelu { approximate: Approximate::None }.into()
}

/// `SiLU()`
pub fn silu() -> Module {
    Activation::Silu { inplace: false }.into()
}

/// `Mish()`
pub fn mish() -> Module {
    Activation::Mish { inplace: false }.into()
}

/// `Softplus()`: beta 1, threshold 20.
pub fn softplus() -> Module {
    Activation::Softplus { beta: Scalar::Float(1.0), threshold: Scalar::Float(20.0) }.into()
}

/// `Softsign()`
pub fn softsign() -> Module {
    Activation::Softsign.into()
}

/// `Sigmoid()`
pub fn sigmoid() -> Module {
    Activation::Sigmoid.into()
}

/// `LogSigmoid()`
pub fn log_sigmoid() -> Module {
    Activation::LogSigmoid.into()
}

/// `Tanh()`
pub fn tanh() -> Module {
    Activation::Tanh.into()
}

/// `Hardtanh(min_val, max_val)`; PyTorch's defaults are −1.0 and 1.0.
pub fn hardtanh(min_val: impl Into<Scalar>, max_val: impl Into<Scalar>) -> Module {
    let (min_val, max_val) = (min_val.into(), max_val.into());
    Activation::Hardtanh { min_val, max_val, inplace: false }.into()
}

/// `ReLU6()`
pub fn relu6() -> Module {
    Activation::Relu6 { inplace: false }.into()
}

/// `Hardsigmoid()`
pub fn hardsigmoid() -> Module {
    Activation::Hardsigmoid { inplace: false }.into()
}

/// `Hardswish()`
pub fn hardswish() -> Module {
    Activation::Hardswish { inplace: false }.into()
}

/// `Softmax(dim)`
pub fn softmax(dim: i64) -> Module {
    Module::Softmax { dim: Some(dim) }
}

/// `LogSoftmax(dim)`
pub fn log_softmax(dim: i64) -> Module {
    Module::LogSoftmax { dim: Some(dim) }
}

/// `Identity()`
pub fn identity() -> Module {
    Module::Identity
}

/// `Flatten()`: all axes but the first become one.
pub fn flatten() -> Module {
    Flatten::default().into()
}

/// `Dropout(p)`
pub fn dropout(p: impl Into<Scalar>) -> Module {
    Dropout::new(p).into()
}

/// `BatchNorm1d(num_features)`
pub fn batch_norm_1d(num_features: usize) -> Module {
    BatchNorm1d::new(num_features).into()
}

/// `LayerNorm(normalized_shape)`
pub fn layer_norm(normalized_shape: impl Into<Vec<usize>>) -> Module {
    LayerNorm::new(normalized_shape).into()
}

/// `Embedding(num_embeddings, embedding_dim)`
pub fn embedding(num_embeddings: usize, embedding_dim: usize) -> Module {
    Embedding::new(num_embeddings, embedding_dim).into()
}

/// `EmbedColumns({'2': Embedding(12, 6), …})`: columns of codes, counted from 0, with their tables.
pub fn embed_columns(tables: impl IntoIterator<Item = (usize, Embedding)>) -> Module {
    EmbedColumns::new(tables).into()
}

/// `Formula('z*tanh(z)')`: an activation by its formula.
///
/// # Errors
/// When the text is no formula in one variable.
///
/// ```
/// use glassnet::nn;
/// let net = nn::sequential([nn::linear(2, 3), nn::formula("z*tanh(z)")?, nn::linear(3, 1)]);
/// assert_eq!(net.notation(), "Sequential(Linear(2, 3), Formula('z*tanh(z)'), Linear(3, 1))");
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn formula(text: &str) -> Result<Module> {
    Ok(Formula::new(text)?.into())
}
