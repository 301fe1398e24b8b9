//! Initialisers that look at no fan: constants, the identity, uniform and normal deviates.

use crate::error::{Error, Result};
use crate::math::torch_random::TorchGenerator;
use crate::tensor::Tensor;

/// Fills `tensor` with deviates uniform over `[a, b)`; PyTorch's defaults are 0 and 1.
///
/// # Errors
/// Those of [`TorchGenerator::uniform_`].
///
/// # Source
/// <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.uniform_>
pub fn uniform_(
    tensor: &mut Tensor<f32>,
    a: f64,
    b: f64,
    generator: &mut TorchGenerator,
) -> Result<()> {
    generator.uniform_(tensor.data_mut(), a, b)
}

/// Fills `tensor` with normal deviates; PyTorch's defaults are mean 0 and std 1.
///
/// # Errors
/// Those of [`TorchGenerator::normal_`].
///
/// # Source
/// <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.normal_>
pub fn normal_(
    tensor: &mut Tensor<f32>,
    mean: f64,
    std: f64,
    generator: &mut TorchGenerator,
) -> Result<()> {
    generator.normal_(tensor.data_mut(), mean, std)
}

/// Fills `tensor` with `val`, rounded to f32.
///
/// # Source
/// <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.constant_>
pub fn constant_(tensor: &mut Tensor<f32>, val: f64) {
    tensor.data_mut().fill(val as f32);
}

/// Fills `tensor` with 0.
///
/// # Source
/// <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.zeros_>
pub fn zeros_(tensor: &mut Tensor<f32>) {
    tensor.data_mut().fill(0.0);
}

/// Fills `tensor` with 1.
///
/// # Source
/// <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.ones_>
pub fn ones_(tensor: &mut Tensor<f32>) {
    tensor.data_mut().fill(1.0);
}

/// Fills the matrix `tensor` with ones on the diagonal and zeros elsewhere.
///
/// # Errors
/// When `tensor` has not two dimensions.
///
/// # Source
/// <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.eye_>
pub fn eye_(tensor: &mut Tensor<f32>) -> Result<()> {
    let &[rows, cols] = tensor.shape() else {
        return Err(wrong_rank("eye_", "Only tensors with 2 dimensions are supported", tensor));
    };
    zeros_(tensor);
    for index in 0..rows.min(cols) {
        tensor.data_mut()[index * cols + index] = 1.0;
    }
    Ok(())
}

/// The error of `function` for a tensor of unsuitable rank; `what` is PyTorch's sentence.
pub(super) fn wrong_rank(function: &str, what: &str, tensor: &Tensor<f32>) -> Error {
    Error::usage(what)
        .at(format!("{function} of shape {:?}", tensor.shape()))
        .help("initialise biases and other vectors with uniform_, normal_, constant_ or zeros_")
}
