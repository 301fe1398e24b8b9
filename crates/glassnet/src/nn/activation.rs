//! Activations: layers without parameters that work element by element.

use super::Scalar;
use crate::graph::op;

/// An elementwise layer without trainable parameters. `inplace` changes nothing here: it is kept because PyTorch
/// prints it.
///
/// # Source
/// The `torch.nn` module of the same name; the functions themselves are [`op::Activation`]'s.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `max(z, 0)`.
    Relu {
        /// Kept for `repr`.
        inplace: bool,
    },
    /// `z` where `z > 0`, else `negative_slope·z`.
    LeakyRelu {
        /// The slope below 0, by default 0.01.
        negative_slope: Scalar,
        /// Kept for `repr`.
        inplace: bool,
    },
    /// `z` where `z > 0`, else `alpha·(e^z − 1)`.
    Elu {
        /// The limit at −∞, negated, by default 1.
        alpha: Scalar,
        /// Kept for `repr`.
        inplace: bool,
    },
    /// `max(0, z) + min(0, alpha·(e^(z/alpha) − 1))`.
    Celu {
        /// The limit at −∞, negated, by default 1.
        alpha: Scalar,
        /// Kept for `repr`.
        inplace: bool,
    },
    /// The self-normalising ELU.
    Selu {
        /// Kept for `repr`.
        inplace: bool,
    },
    /// `z·Φ(z)`, or its approximation by tanh.
    Gelu {
        /// Which of the two.
        approximate: Approximate,
    },
    /// `z·σ(z)`.
    Silu {
        /// Kept for `repr`.
        inplace: bool,
    },
    /// `z·tanh(softplus(z))`.
    Mish {
        /// Kept for `repr`.
        inplace: bool,
    },
    /// `ln(1 + e^(beta·z))/beta`, z itself where `beta·z > threshold`.
    Softplus {
        /// The sharpness, by default 1.
        beta: Scalar,
        /// Where the identity begins, by default 20.
        threshold: Scalar,
    },
    /// `z/(1 + |z|)`.
    Softsign,
    /// `1/(1 + e^−z)`.
    Sigmoid,
    /// `ln σ(z)`.
    LogSigmoid,
    /// `tanh z`.
    Tanh,
    /// z cut to `[min_val, max_val]`.
    Hardtanh {
        /// The least value, by default −1.
        min_val: Scalar,
        /// The greatest value, by default 1.
        max_val: Scalar,
        /// Kept for `repr`.
        inplace: bool,
    },
    /// z cut to [0, 6].
    Relu6 {
        /// Kept for `repr`.
        inplace: bool,
    },
    /// `relu6(z + 3)/6`.
    Hardsigmoid {
        /// Kept for the notation; PyTorch prints it not.
        inplace: bool,
    },
    /// `z·hardsigmoid(z)`.
    Hardswish {
        /// Kept for the notation; PyTorch prints it not.
        inplace: bool,
    },
}

/// How [`Activation::Gelu`] is computed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Approximate {
    /// Exactly, by the error function: `approximate='none'`.
    #[default]
    None,
    /// By tanh: `approximate='tanh'`.
    Tanh,
}

impl Approximate {
    pub(super) fn name(self) -> &'static str {
        match self {
            Approximate::None => "none",
            Approximate::Tanh => "tanh",
        }
    }
}

impl Activation {
    /// PyTorch's class name: `LeakyReLU`.
    pub fn kind(self) -> &'static str {
        match self {
            Activation::Relu { .. } => "ReLU",
            Activation::LeakyRelu { .. } => "LeakyReLU",
            Activation::Elu { .. } => "ELU",
            Activation::Celu { .. } => "CELU",
            Activation::Selu { .. } => "SELU",
            Activation::Gelu { .. } => "GELU",
            Activation::Silu { .. } => "SiLU",
            Activation::Mish { .. } => "Mish",
            Activation::Softplus { .. } => "Softplus",
            Activation::Softsign => "Softsign",
            Activation::Sigmoid => "Sigmoid",
            Activation::LogSigmoid => "LogSigmoid",
            Activation::Tanh => "Tanh",
            Activation::Hardtanh { .. } => "Hardtanh",
            Activation::Relu6 { .. } => "ReLU6",
            Activation::Hardsigmoid { .. } => "Hardsigmoid",
            Activation::Hardswish { .. } => "Hardswish",
        }
    }

    /// The graph's operation for it.
    pub fn operation(self) -> op::Activation {
        match self {
            Activation::Relu { .. } => op::Activation::Relu,
            Activation::LeakyRelu { negative_slope, .. } => {
                op::Activation::LeakyRelu { negative_slope: negative_slope.value() }
            }
            Activation::Elu { alpha, .. } => op::Activation::Elu { alpha: alpha.value() },
            Activation::Celu { alpha, .. } => op::Activation::Celu { alpha: alpha.value() },
            Activation::Selu { .. } => op::Activation::Selu,
            Activation::Gelu { approximate: Approximate::None } => op::Activation::Gelu,
            Activation::Gelu { approximate: Approximate::Tanh } => op::Activation::GeluTanh,
            Activation::Silu { .. } => op::Activation::Silu,
            Activation::Mish { .. } => op::Activation::Mish,
            Activation::Softplus { beta, threshold } => {
                op::Activation::Softplus { beta: beta.value(), threshold: threshold.value() }
            }
            Activation::Softsign => op::Activation::Softsign,
            Activation::Sigmoid => op::Activation::Sigmoid,
            Activation::LogSigmoid => op::Activation::LogSigmoid,
            Activation::Tanh => op::Activation::Tanh,
            Activation::Hardtanh { min_val, max_val, .. } => {
                op::Activation::Hardtanh { min: min_val.value(), max: max_val.value() }
            }
            Activation::Relu6 { .. } => op::Activation::Relu6,
            Activation::Hardsigmoid { .. } => op::Activation::Hardsigmoid,
            Activation::Hardswish { .. } => op::Activation::Hardswish,
        }
    }
}
