//! The weights that PyTorch's layers start from.

use super::{FanMode, Nonlinearity, kaiming_uniform_};
use crate::error::{Error, ErrorKind, Result};
use crate::math::torch_random::TorchGenerator;
use crate::tensor::Tensor;

/// Weight of shape `(out_features, in_features)` and bias of shape `(out_features)` as `torch.nn.Linear` makes them:
/// both uniform over `±1/√in_features`, the weight first.
///
/// # Numerics
/// Bit for bit PyTorch's. The weight's bound is `√3·(√(2/(1 + √5²))/√in)` evaluated in f64 in this order, then
/// rounded to f32, the bias's `1/√in`: the two may differ in the last place.
///
/// # Errors
/// When the weight does not fit into memory.
///
/// # Source
/// `torch.nn.Linear.reset_parameters`, <https://pytorch.org/docs/stable/generated/torch.nn.Linear.html>
///
/// # Example
/// ```
/// use glassnet::{math::torch_random::TorchGenerator, nn::init::linear_default};
/// let (weight, bias) = linear_default(2, 2, true, &mut TorchGenerator::new(0))?;
/// // torch.manual_seed(0); nn.Linear(2, 2)
/// assert_eq!(weight.data(), [-0.005293981, 0.3793229, -0.58198076, -0.5203875]);
/// assert_eq!(bias.unwrap().data(), [-0.27234524, 0.18961589]);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn linear_default(
    out_features: usize,
    in_features: usize,
    bias: bool,
    generator: &mut TorchGenerator,
) -> Result<(Tensor<f32>, Option<Tensor<f32>>)> {
    let mut weight = zeros(&[out_features, in_features])?;
    let slope = 5.0_f64.sqrt();
    kaiming_uniform_(&mut weight, slope, FanMode::FanIn, Nonlinearity::LeakyRelu, generator)?;
    if !bias {
        return Ok((weight, None));
    }
    let bound = if in_features > 0 { 1.0 / (in_features as f64).sqrt() } else { 0.0 };
    let mut bias = zeros(&[out_features])?;
    generator.uniform_(bias.data_mut(), -bound, bound)?;
    Ok((weight, Some(bias)))
}

/// Weight of shape `(num_embeddings, embedding_dim)` as `torch.nn.Embedding` makes it: standard normal, the row
/// `padding_idx` (from the end if negative) 0.
///
/// # Errors
/// When `padding_idx` is not a row, or the weight does not fit into memory.
///
/// # Source
/// `torch.nn.Embedding.reset_parameters`,
/// <https://pytorch.org/docs/stable/generated/torch.nn.Embedding.html>
pub fn embedding_default(
    num_embeddings: usize,
    embedding_dim: usize,
    padding_idx: Option<i64>,
    generator: &mut TorchGenerator,
) -> Result<Tensor<f32>> {
    let padding = padding_idx.map(|index| padding_row(index, num_embeddings)).transpose()?;
    let mut weight = zeros(&[num_embeddings, embedding_dim])?;
    generator.normal_(weight.data_mut(), 0.0, 1.0)?;
    if let Some(row) = padding {
        weight.data_mut()[row * embedding_dim..(row + 1) * embedding_dim].fill(0.0);
    }
    Ok(weight)
}

fn padding_row(index: i64, num_embeddings: usize) -> Result<usize> {
    let from_start =
        if index < 0 { index.checked_add_unsigned(num_embeddings as u64) } else { Some(index) };
    from_start
        .and_then(|row| usize::try_from(row).ok())
        .filter(|&row| row < num_embeddings)
        .ok_or_else(|| {
            Error::usage("Padding_idx must be within num_embeddings")
                .at(format!("padding_idx={index}, num_embeddings={num_embeddings}"))
                .help("count rows from 0, or from -1 backwards")
        })
}

/// Zeros of `shape`, or an error where a plain allocation would abort the process.
fn zeros(shape: &[usize]) -> Result<Tensor<f32>> {
    let mut data = Vec::new();
    shape
        .iter()
        .try_fold(1_usize, |product, &dim| product.checked_mul(dim))
        .filter(|&len| data.try_reserve_exact(len).is_ok())
        .map(|len| data.resize(len, 0.0))
        .ok_or_else(|| {
            Error::new(
                ErrorKind::Limit,
                format!("weights of shape {shape:?} do not fit into memory"),
            )
            .help("make the layer smaller")
        })?;
    Tensor::new(shape, data)
}
