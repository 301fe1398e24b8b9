//! Initialisers of `torch.nn.init`: PyTorch's names, arguments, defaults and, from the same seed, its numbers.
//!
//! Uniform-based initialisers give the bits of PyTorch's AVX2 and AVX-512 builds; normal-based ones agree to 1e-4 of
//! the standard deviation, `orthogonal_` to about 1e-5 (see [`TorchGenerator`]). Every function fills a tensor in
//! place and leaves it unchanged when it returns an error.
//!
//! `sparse_` and `dirac_` are not here: nothing in a feed-forward network uses them.

mod defaults;
mod fan;
mod fill;
mod orthogonal;
#[cfg(test)]
mod tests;
mod text;
mod truncated;

pub use defaults::{embedding_default, linear_default};
pub use fan::{
    FanMode, Nonlinearity, calculate_gain, fan_in_and_fan_out, kaiming_normal_, kaiming_uniform_,
    xavier_normal_, xavier_uniform_,
};
pub use fill::{constant_, eye_, normal_, ones_, uniform_, zeros_};
pub use orthogonal::orthogonal_;
pub use truncated::trunc_normal_;

use crate::error::Result;
use crate::math::torch_random::TorchGenerator;
use crate::tensor::Tensor;

/// An initialiser as data, so that a configuration can name it.
///
/// Reads and prints PyTorch's call without its tensor; arguments may be named or in order, and those left out take
/// PyTorch's defaults.
///
/// # Example
/// ```
/// use glassnet::Tensor;
/// use glassnet::math::torch_random::TorchGenerator;
/// use glassnet::nn::init::Init;
/// let init: Init = "kaiming_uniform_(nonlinearity='relu')".parse()?;
/// assert_eq!(init.to_string(), "kaiming_uniform_(a=0, mode='fan_in', nonlinearity='relu')");
/// let mut weight = Tensor::full([4, 3], 0.0_f32);
/// init.apply(&mut weight, &mut TorchGenerator::new(0))?;
/// assert!(weight.data().iter().all(|w| w.abs() <= (6.0_f32 / 3.0).sqrt()));
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Init {
    /// [`uniform_`].
    Uniform {
        /// The lower bound.
        a: f64,
        /// The upper bound.
        b: f64,
    },
    /// [`normal_`].
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// [`trunc_normal_`].
    TruncNormal {
        /// The mean before cutting off.
        mean: f64,
        /// The standard deviation before cutting off.
        std: f64,
        /// The least value kept.
        a: f64,
        /// The greatest value kept.
        b: f64,
    },
    /// [`constant_`].
    Constant(f64),
    /// [`zeros_`].
    Zeros,
    /// [`ones_`].
    Ones,
    /// [`eye_`].
    Eye,
    /// [`kaiming_uniform_`].
    KaimingUniform {
        /// The negative slope, used with [`Nonlinearity::LeakyRelu`] only.
        a: f64,
        /// Which fan sets the scale.
        mode: FanMode,
        /// The activation that follows.
        nonlinearity: Nonlinearity,
    },
    /// [`kaiming_normal_`].
    KaimingNormal {
        /// The negative slope, used with [`Nonlinearity::LeakyRelu`] only.
        a: f64,
        /// Which fan sets the scale.
        mode: FanMode,
        /// The activation that follows.
        nonlinearity: Nonlinearity,
    },
    /// [`xavier_uniform_`].
    XavierUniform {
        /// The scaling factor.
        gain: f64,
    },
    /// [`xavier_normal_`].
    XavierNormal {
        /// The scaling factor.
        gain: f64,
    },
    /// [`orthogonal_`].
    Orthogonal {
        /// The scaling factor.
        gain: f64,
    },
}

impl Init {
    /// Fills `tensor`; constants draw nothing from `generator`.
    ///
    /// # Errors
    /// Those of the function that the variant names.
    pub fn apply(&self, tensor: &mut Tensor<f32>, generator: &mut TorchGenerator) -> Result<()> {
        match *self {
            Init::Uniform { a, b } => uniform_(tensor, a, b, generator),
            Init::Normal { mean, std } => normal_(tensor, mean, std, generator),
            Init::TruncNormal { mean, std, a, b } => {
                trunc_normal_(tensor, mean, std, a, b, generator)
            }
            Init::Constant(val) => {
                constant_(tensor, val);
                Ok(())
            }
            Init::Zeros => {
                zeros_(tensor);
                Ok(())
            }
            Init::Ones => {
                ones_(tensor);
                Ok(())
            }
            Init::Eye => eye_(tensor),
            Init::KaimingUniform { a, mode, nonlinearity } => {
                kaiming_uniform_(tensor, a, mode, nonlinearity, generator)
            }
            Init::KaimingNormal { a, mode, nonlinearity } => {
                kaiming_normal_(tensor, a, mode, nonlinearity, generator)
            }
            Init::XavierUniform { gain } => xavier_uniform_(tensor, gain, generator),
            Init::XavierNormal { gain } => xavier_normal_(tensor, gain, generator),
            Init::Orthogonal { gain } => orthogonal_(tensor, gain, generator),
        }
    }
}
