//! Elementwise functions of one variable.

use super::attribute::{Attribute, Attributes};
use crate::error::{Error, Result};
use crate::graph::Type;

/// An elementwise function `y = f(z)`: the activations of `torch.nn`, and the elementary functions that formulas
/// and losses are made of.
///
/// # Derivative
/// `f'`, as in PyTorch also where `f` has a kink: each variant says what holds there. Which of z and y it is computed
/// from is [`Activation::derivative_form`].
///
/// # Numerics
/// In f32 at most 2 ulp from the true value, unless the variant says otherwise.
///
/// # Source
/// The `torch.nn` module of the same name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `max(z, 0)`; derivative 0 at 0, PyTorch's convention.
    Relu,
    /// `z` where `z > 0`, else `negative_slope·z`; derivative `negative_slope` at 0.
    LeakyRelu {
        /// The slope below 0.
        negative_slope: f64,
    },
    /// `z` where `z > 0`, else `alpha·(e^z − 1)`.
    Elu {
        /// The limit at −∞, negated.
        alpha: f64,
    },
    /// `max(0, z) + min(0, alpha·(e^(z/alpha) − 1))`.
    Celu {
        /// The limit at −∞, negated, and the scale.
        alpha: f64,
    },
    /// `scale·(max(0, z) + min(0, alpha·(e^z − 1)))`, alpha 1.67326…, scale 1.05070… (arXiv 1706.02515).
    Selu,
    /// `z·Φ(z)`, Φ the normal distribution function (arXiv 1606.08415).
    Gelu,
    /// `½z·(1 + tanh(√(2/π)·(z + 0.044715·z³)))`.
    GeluTanh,
    /// `z·σ(z)`.
    Silu,
    /// `z·tanh(ln(1 + e^z))` (arXiv 1908.08681).
    Mish,
    /// `ln(1 + e^(beta·z))/beta`; z itself where `beta·z > threshold`.
    Softplus {
        /// The sharpness.
        beta: f64,
        /// Beyond it the function is the identity, and its derivative 1.
        threshold: f64,
    },
    /// `z/(1 + |z|)`.
    Softsign,
    /// `1/(1 + e^−z)`.
    Sigmoid,
    /// `ln σ(z)`.
    LogSigmoid,
    /// `tanh z`.
    Tanh,
    /// z cut to `[min, max]`; derivative 0 at both ends.
    Hardtanh {
        /// The least value.
        min: f64,
        /// The greatest value.
        max: f64,
    },
    /// z cut to [0, 6]; derivative 0 at both ends.
    Relu6,
    /// `min(max(z + 3, 0), 6)/6`; derivative 0 at ±3.
    Hardsigmoid,
    /// `z·hardsigmoid(z)`; derivative 0 at −3 and 1 at 3.
    Hardswish,
    /// `min(z, 0)`; derivative 1 at 0: with [`Activation::Relu`] it makes PReLU.
    NegativePart,
    /// `−z`.
    Negate,
    /// `|z|`; derivative 0 at 0.
    Abs,
    /// −1, 0 or 1; derivative 0.
    Sign,
    /// `z²`.
    Square,
    /// `√z`.
    Sqrt,
    /// `1/z`.
    Reciprocal,
    /// `e^z`.
    Exp,
    /// `e^z − 1`.
    Expm1,
    /// `ln z`.
    Log,
    /// `ln(1 + z)`.
    Log1p,
    /// `sin z`.
    Sin,
    /// `cos z`.
    Cos,
    /// `tan z`.
    Tan,
    /// `arcsin z`.
    Asin,
    /// `arccos z`.
    Acos,
    /// `arctan z`.
    Atan,
    /// `sinh z`.
    Sinh,
    /// `cosh z`.
    Cosh,
    /// The error function `2/√π·∫₀^z e^(−t²) dt`.
    Erf,
}

/// What an activation's derivative is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DerivativeForm {
    /// From the input z.
    Input,
    /// From the output y, so that z need not be kept.
    Output,
}

/// The alpha of [`Activation::Selu`].
pub(crate) const SELU_ALPHA: f64 = 1.673_263_242_354_377_2;
/// The scale of [`Activation::Selu`].
pub(crate) const SELU_SCALE: f64 = 1.050_700_987_355_480_5;

impl Activation {
    /// One of every sort, with PyTorch's default parameters.
    pub const ALL: [Activation; 38] = [
        Activation::Relu,
        Activation::LeakyRelu { negative_slope: 0.01 },
        Activation::Elu { alpha: 1.0 },
        Activation::Celu { alpha: 1.0 },
        Activation::Selu,
        Activation::Gelu,
        Activation::GeluTanh,
        Activation::Silu,
        Activation::Mish,
        Activation::Softplus { beta: 1.0, threshold: 20.0 },
        Activation::Softsign,
        Activation::Sigmoid,
        Activation::LogSigmoid,
        Activation::Tanh,
        Activation::Hardtanh { min: -1.0, max: 1.0 },
        Activation::Relu6,
        Activation::Hardsigmoid,
        Activation::Hardswish,
        Activation::NegativePart,
        Activation::Negate,
        Activation::Abs,
        Activation::Sign,
        Activation::Square,
        Activation::Sqrt,
        Activation::Reciprocal,
        Activation::Exp,
        Activation::Expm1,
        Activation::Log,
        Activation::Log1p,
        Activation::Sin,
        Activation::Cos,
        Activation::Tan,
        Activation::Asin,
        Activation::Acos,
        Activation::Atan,
        Activation::Sinh,
        Activation::Cosh,
        Activation::Erf,
    ];

    /// Whether the derivative is computed from the input or from the output.
    pub fn derivative_form(self) -> DerivativeForm {
        match self {
            Activation::Relu
            | Activation::Sigmoid
            | Activation::Tanh
            | Activation::Hardtanh { .. }
            | Activation::Relu6
            | Activation::Sqrt
            | Activation::Reciprocal
            | Activation::Exp => DerivativeForm::Output,
            // With a negative slope the output's sign no longer tells the input's.
            Activation::LeakyRelu { negative_slope } if negative_slope >= 0.0 => {
                DerivativeForm::Output
            }
            Activation::LeakyRelu { .. }
            | Activation::Elu { .. }
            | Activation::Celu { .. }
            | Activation::Selu
            | Activation::Gelu
            | Activation::GeluTanh
            | Activation::Silu
            | Activation::Mish
            | Activation::Softplus { .. }
            | Activation::Softsign
            | Activation::LogSigmoid
            | Activation::Hardsigmoid
            | Activation::Hardswish
            | Activation::NegativePart
            | Activation::Negate
            | Activation::Abs
            | Activation::Sign
            | Activation::Square
            | Activation::Expm1
            | Activation::Log
            | Activation::Log1p
            | Activation::Sin
            | Activation::Cos
            | Activation::Tan
            | Activation::Asin
            | Activation::Acos
            | Activation::Atan
            | Activation::Sinh
            | Activation::Cosh
            | Activation::Erf => DerivativeForm::Input,
        }
    }

    /// The points where the derivative jumps (or the function does), where one-sided derivatives differ.
    pub fn kinks(self) -> Vec<f64> {
        match self {
            Activation::Relu
            | Activation::LeakyRelu { .. }
            | Activation::Selu
            | Activation::NegativePart
            | Activation::Abs
            | Activation::Sign => vec![0.0],
            Activation::Elu { alpha } if alpha != 1.0 => vec![0.0],
            Activation::Hardtanh { min, max } => vec![min, max],
            Activation::Relu6 => vec![0.0, 6.0],
            Activation::Hardsigmoid | Activation::Hardswish => vec![-3.0, 3.0],
            Activation::Softplus { beta, threshold } => vec![threshold / beta],
            Activation::Elu { .. }
            | Activation::Celu { .. }
            | Activation::Gelu
            | Activation::GeluTanh
            | Activation::Silu
            | Activation::Mish
            | Activation::Softsign
            | Activation::Sigmoid
            | Activation::LogSigmoid
            | Activation::Tanh
            | Activation::Negate
            | Activation::Square
            | Activation::Sqrt
            | Activation::Reciprocal
            | Activation::Exp
            | Activation::Expm1
            | Activation::Log
            | Activation::Log1p
            | Activation::Sin
            | Activation::Cos
            | Activation::Tan
            | Activation::Asin
            | Activation::Acos
            | Activation::Atan
            | Activation::Sinh
            | Activation::Cosh
            | Activation::Erf => vec![],
        }
    }

    /// The name in the text form.
    pub fn name(self) -> &'static str {
        match self {
            Activation::Relu => "relu",
            Activation::LeakyRelu { .. } => "leaky_relu",
            Activation::Elu { .. } => "elu",
            Activation::Celu { .. } => "celu",
            Activation::Selu => "selu",
            Activation::Gelu => "gelu",
            Activation::GeluTanh => "gelu_tanh",
            Activation::Silu => "silu",
            Activation::Mish => "mish",
            Activation::Softplus { .. } => "softplus",
            Activation::Softsign => "softsign",
            Activation::Sigmoid => "sigmoid",
            Activation::LogSigmoid => "log_sigmoid",
            Activation::Tanh => "tanh",
            Activation::Hardtanh { .. } => "hardtanh",
            Activation::Relu6 => "relu6",
            Activation::Hardsigmoid => "hardsigmoid",
            Activation::Hardswish => "hardswish",
            Activation::NegativePart => "negative_part",
            Activation::Negate => "negate",
            Activation::Abs => "abs",
            Activation::Sign => "sign",
            Activation::Square => "square",
            Activation::Sqrt => "sqrt",
            Activation::Reciprocal => "reciprocal",
            Activation::Exp => "exp",
            Activation::Expm1 => "expm1",
            Activation::Log => "log",
            Activation::Log1p => "log1p",
            Activation::Sin => "sin",
            Activation::Cos => "cos",
            Activation::Tan => "tan",
            Activation::Asin => "asin",
            Activation::Acos => "acos",
            Activation::Atan => "atan",
            Activation::Sinh => "sinh",
            Activation::Cosh => "cosh",
            Activation::Erf => "erf",
        }
    }

    /// The parameters with their names, in order; empty for most.
    pub fn parameters(self) -> Vec<(&'static str, f64)> {
        match self {
            Activation::LeakyRelu { negative_slope } => vec![("negative_slope", negative_slope)],
            Activation::Elu { alpha } | Activation::Celu { alpha } => vec![("alpha", alpha)],
            Activation::Softplus { beta, threshold } => {
                vec![("beta", beta), ("threshold", threshold)]
            }
            Activation::Hardtanh { min, max } => vec![("min", min), ("max", max)],
            Activation::Relu
            | Activation::Selu
            | Activation::Gelu
            | Activation::GeluTanh
            | Activation::Silu
            | Activation::Mish
            | Activation::Softsign
            | Activation::Sigmoid
            | Activation::LogSigmoid
            | Activation::Tanh
            | Activation::Relu6
            | Activation::Hardsigmoid
            | Activation::Hardswish
            | Activation::NegativePart
            | Activation::Negate
            | Activation::Abs
            | Activation::Sign
            | Activation::Square
            | Activation::Sqrt
            | Activation::Reciprocal
            | Activation::Exp
            | Activation::Expm1
            | Activation::Log
            | Activation::Log1p
            | Activation::Sin
            | Activation::Cos
            | Activation::Tan
            | Activation::Asin
            | Activation::Acos
            | Activation::Atan
            | Activation::Sinh
            | Activation::Cosh
            | Activation::Erf => vec![],
        }
    }

    /// The same sort of activation with other parameters, read by name.
    fn with_parameters(self, mut read: impl FnMut(&str) -> Result<f64>) -> Result<Self> {
        Ok(match self {
            Activation::LeakyRelu { .. } => {
                Activation::LeakyRelu { negative_slope: read("negative_slope")? }
            }
            Activation::Elu { .. } => Activation::Elu { alpha: read("alpha")? },
            Activation::Celu { .. } => Activation::Celu { alpha: read("alpha")? },
            Activation::Softplus { .. } => {
                Activation::Softplus { beta: read("beta")?, threshold: read("threshold")? }
            }
            Activation::Hardtanh { .. } => {
                Activation::Hardtanh { min: read("min")?, max: read("max")? }
            }
            Activation::Relu
            | Activation::Selu
            | Activation::Gelu
            | Activation::GeluTanh
            | Activation::Silu
            | Activation::Mish
            | Activation::Softsign
            | Activation::Sigmoid
            | Activation::LogSigmoid
            | Activation::Tanh
            | Activation::Relu6
            | Activation::Hardsigmoid
            | Activation::Hardswish
            | Activation::NegativePart
            | Activation::Negate
            | Activation::Abs
            | Activation::Sign
            | Activation::Square
            | Activation::Sqrt
            | Activation::Reciprocal
            | Activation::Exp
            | Activation::Expm1
            | Activation::Log
            | Activation::Log1p
            | Activation::Sin
            | Activation::Cos
            | Activation::Tan
            | Activation::Asin
            | Activation::Acos
            | Activation::Atan
            | Activation::Sinh
            | Activation::Cosh
            | Activation::Erf => self,
        })
    }

    pub(super) fn attributes(self) -> Attributes {
        self.parameters()
            .into_iter()
            .fold(Attributes::default(), |a, (name, value)| a.with(name, Attribute::Number(value)))
    }

    pub(super) fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        Activation::ALL
            .into_iter()
            .find(|activation| activation.name() == name)
            .map(|activation| activation.with_parameters(|parameter| a.number(parameter)))
            .transpose()
    }

    pub(super) fn infer(self, types: &[&Type]) -> Result<Type> {
        super::float(self.name(), types[0]).cloned()
    }
}

/// `dz = dy · f'`; operands `dy` and z or y, as [`Activation::derivative_form`] says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ActivationGrad(pub Activation);

impl ActivationGrad {
    pub(super) fn attributes(self) -> Attributes {
        self.0.attributes().with("of", Attribute::Word(self.0.name().into()))
    }

    pub(super) fn from_text(name: &str, a: &mut Attributes) -> Result<Option<Self>> {
        if name != "activation_grad" {
            return Ok(None);
        }
        let of = a.word("of")?;
        Activation::from_text(&of, a)?
            .map(ActivationGrad)
            .ok_or_else(|| Error::usage(format!("there is no activation {of:?}")))
            .map(Some)
    }

    pub(super) fn infer(self, types: &[&Type]) -> Result<Type> {
        let dy = super::float("activation_grad", types[0])?;
        if types[1].shape != dy.shape {
            return Err(Error::network("activation_grad wants operands of one shape"));
        }
        Ok(dy.clone())
    }
}
