//! Initialisers that keep the scale of a signal from layer to layer: Kaiming He's and Xavier Glorot's.

use super::fill::wrong_rank;
use crate::error::{Error, Result};
use crate::math::torch_random::TorchGenerator;
use crate::tensor::Tensor;

/// Which number of connections sets the scale in [`kaiming_uniform_`] and [`kaiming_normal_`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FanMode {
    /// The inputs of a unit: keeps the variance in the forward pass.
    #[default]
    FanIn,
    /// The outputs that an input feeds: keeps the variance in the backward pass.
    FanOut,
}

/// The activation whose effect on the scale [`calculate_gain`] makes up for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Nonlinearity {
    /// None, the identity.
    Linear,
    /// The logistic function.
    Sigmoid,
    /// The hyperbolic tangent.
    Tanh,
    /// `max(0, z)`.
    Relu,
    /// `max(0, z) + slope·min(0, z)`; PyTorch's default.
    #[default]
    LeakyRelu,
    /// The scaled exponential linear unit.
    Selu,
}

/// The factor by which weights before `nonlinearity` are enlarged. `param` is the negative slope of
/// [`Nonlinearity::LeakyRelu`] (0.01 if absent) and unused otherwise.
///
/// | nonlinearity | gain |
/// |---|---|
/// | linear, sigmoid | 1 |
/// | tanh | 5/3 |
/// | relu | √2 |
/// | leaky_relu | √(2/(1 + slope²)) |
/// | selu | 3/4 |
///
/// # Source
/// <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.calculate_gain>
///
/// # Example
/// ```
/// use glassnet::nn::init::{Nonlinearity, calculate_gain};
/// assert_eq!(calculate_gain(Nonlinearity::LeakyRelu, Some(0.2)), (2.0_f64 / 1.04).sqrt());
/// ```
pub fn calculate_gain(nonlinearity: Nonlinearity, param: Option<f64>) -> f64 {
    match nonlinearity {
        Nonlinearity::Linear | Nonlinearity::Sigmoid => 1.0,
        Nonlinearity::Tanh => 5.0 / 3.0,
        Nonlinearity::Relu => 2.0_f64.sqrt(),
        Nonlinearity::LeakyRelu => {
            let slope = param.unwrap_or(0.01);
            (2.0 / (1.0 + slope * slope)).sqrt()
        }
        Nonlinearity::Selu => 0.75,
    }
}

/// The numbers of connections into and out of a unit: `shape[1]` and `shape[0]`, each times the product of the
/// remaining axes.
///
/// # Errors
/// When `tensor` has fewer than two dimensions.
///
/// # Source
/// `torch.nn.init._calculate_fan_in_and_fan_out`.
///
/// # Example
/// ```
/// use glassnet::{Tensor, nn::init::fan_in_and_fan_out};
/// assert_eq!(fan_in_and_fan_out(&Tensor::full([4, 3], 0.0))?, (3, 4));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn fan_in_and_fan_out(tensor: &Tensor<f32>) -> Result<(usize, usize)> {
    let &[outputs, inputs, ref field @ ..] = tensor.shape() else {
        return Err(wrong_rank(
            "fan_in_and_fan_out",
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions",
            tensor,
        ));
    };
    // Saturating: an empty tensor may have any lengths beside its 0.
    let field = field.iter().fold(1_usize, |product, &dim| product.saturating_mul(dim));
    Ok((inputs.saturating_mul(field), outputs.saturating_mul(field)))
}

/// Fills `tensor` with deviates uniform over `±gain·√(3/fan)`, with [`calculate_gain`]`(nonlinearity, a)`.
///
/// PyTorch's defaults are `a = 0`, `mode = FanIn`, `nonlinearity = LeakyRelu`. A tensor without elements is left
/// alone, as in PyTorch.
///
/// # Errors
/// When `tensor` has fewer than two dimensions, or `a` is not finite.
///
/// # Source
/// K. He et al., *Delving deep into rectifiers*, ICCV 2015;
/// <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.kaiming_uniform_>
pub fn kaiming_uniform_(
    tensor: &mut Tensor<f32>,
    a: f64,
    mode: FanMode,
    nonlinearity: Nonlinearity,
    generator: &mut TorchGenerator,
) -> Result<()> {
    if tensor.is_empty() {
        return Ok(());
    }
    let bound = 3.0_f64.sqrt() * kaiming_std(tensor, a, mode, nonlinearity)?;
    generator.uniform_(tensor.data_mut(), -bound, bound)
}

/// Fills `tensor` with normal deviates of mean 0 and standard deviation `gain/√fan`; arguments as for
/// [`kaiming_uniform_`].
///
/// # Errors
/// When `tensor` has fewer than two dimensions, or `a` is not finite.
///
/// # Source
/// K. He et al., *Delving deep into rectifiers*, ICCV 2015;
/// <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.kaiming_normal_>
pub fn kaiming_normal_(
    tensor: &mut Tensor<f32>,
    a: f64,
    mode: FanMode,
    nonlinearity: Nonlinearity,
    generator: &mut TorchGenerator,
) -> Result<()> {
    if tensor.is_empty() {
        return Ok(());
    }
    let std = kaiming_std(tensor, a, mode, nonlinearity)?;
    generator.normal_(tensor.data_mut(), 0.0, std)
}

fn kaiming_std(
    tensor: &Tensor<f32>,
    a: f64,
    mode: FanMode,
    nonlinearity: Nonlinearity,
) -> Result<f64> {
    let (fan_in, fan_out) = fan_in_and_fan_out(tensor)?;
    let fan = match mode {
        FanMode::FanIn => fan_in,
        FanMode::FanOut => fan_out,
    };
    Ok(calculate_gain(nonlinearity, Some(a)) / (fan as f64).sqrt())
}

/// Fills `tensor` with deviates uniform over `±gain·√(6/(fan_in + fan_out))`; PyTorch's default gain is 1.
///
/// # Errors
/// When `tensor` has fewer than two dimensions, both fans are 0, or `gain` is negative or not finite.
///
/// # Source
/// X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS
/// 2010; <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.xavier_uniform_>
pub fn xavier_uniform_(
    tensor: &mut Tensor<f32>,
    gain: f64,
    generator: &mut TorchGenerator,
) -> Result<()> {
    let bound = 3.0_f64.sqrt() * xavier_std(tensor, gain)?;
    generator.uniform_(tensor.data_mut(), -bound, bound)
}

/// Fills `tensor` with normal deviates of mean 0 and standard deviation `gain·√(2/(fan_in + fan_out))`; PyTorch's
/// default gain is 1.
///
/// # Errors
/// When `tensor` has fewer than two dimensions, both fans are 0, or `gain` is negative or not a number.
///
/// # Source
/// X. Glorot and Y. Bengio, *Understanding the difficulty of training deep feedforward neural networks*, AISTATS
/// 2010; <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.xavier_normal_>
pub fn xavier_normal_(
    tensor: &mut Tensor<f32>,
    gain: f64,
    generator: &mut TorchGenerator,
) -> Result<()> {
    let std = xavier_std(tensor, gain)?;
    generator.normal_(tensor.data_mut(), 0.0, std)
}

fn xavier_std(tensor: &Tensor<f32>, gain: f64) -> Result<f64> {
    let (fan_in, fan_out) = fan_in_and_fan_out(tensor)?;
    let fans = fan_in as f64 + fan_out as f64;
    if fans == 0.0 {
        return Err(Error::usage(
            "fan_in + fan_out is 0, so the scale of the weights is undefined",
        )
        .at(format!("shape {:?}", tensor.shape()))
        .help("give the layer at least one input or output"));
    }
    Ok(gain * (2.0 / fans).sqrt())
}
