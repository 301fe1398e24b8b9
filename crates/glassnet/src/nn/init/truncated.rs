//! Normal deviates cut off at two bounds.

use crate::error::{Error, ErrorKind, Result};
use crate::math::torch_random::TorchGenerator;
use crate::tensor::Tensor;

/// Rounds of redrawing after which the bounds are taken to be hopeless. With a third of all draws accepted, 10⁶
/// elements need about 35 rounds.
const MAX_ROUNDS: usize = 10_000;

/// Fills `tensor` with normal deviates, drawn again until each lies in `[a, b]`. PyTorch's defaults are mean 0,
/// std 1, a −2, b 2.
///
/// As PyTorch 2.15 does: where more than 0.3 of the distribution lies between the bounds, whole tensors of normal
/// deviates are drawn and fill the places still outside; else uniform candidates over `[a, b]` are accepted with
/// probability density over peak density. Best used with the mean between the bounds.
///
/// # Errors
/// When `std` is not positive, `a > b`, or the bounds lie so far out that 10 000 rounds accept too little.
///
/// # Source
/// <https://pytorch.org/docs/stable/nn.init.html#torch.nn.init.trunc_normal_>
pub fn trunc_normal_(
    tensor: &mut Tensor<f32>,
    mean: f64,
    std: f64,
    a: f64,
    b: f64,
    generator: &mut TorchGenerator,
) -> Result<()> {
    if std.is_nan() || std <= 0.0 {
        return Err(Error::usage(format!("trunc_normal_ expects std > 0.0, but found std {std}")));
    }
    let drawn = if normal_cdf((b - mean) / std) - normal_cdf((a - mean) / std) > 0.3 {
        reject_normals(tensor.len(), mean, std, a, b, generator)?
    } else {
        reject_uniforms(tensor.len(), mean, std, a, b, generator)?
    };
    tensor.data_mut().copy_from_slice(&drawn);
    Ok(())
}

fn normal_cdf(x: f64) -> f64 {
    (1.0 + libm::erf(x / 2.0_f64.sqrt())) / 2.0
}

fn reject_normals(
    len: usize,
    mean: f64,
    std: f64,
    a: f64,
    b: f64,
    generator: &mut TorchGenerator,
) -> Result<Vec<f32>> {
    let (low, high) = (a as f32, b as f32);
    let outside = |value: f32| value < low || value > high;
    let mut accepted = vec![0.0_f32; len];
    generator.normal_(&mut accepted, mean, std)?;
    let mut candidates = vec![0.0_f32; len];
    for _ in 0..MAX_ROUNDS {
        if !accepted.iter().any(|&value| outside(value)) {
            return Ok(accepted);
        }
        generator.normal_(&mut candidates, mean, std)?;
        for (value, &candidate) in accepted.iter_mut().zip(&candidates) {
            if outside(*value) {
                *value = candidate;
            }
        }
    }
    Err(hopeless(mean, std, a, b))
}

fn reject_uniforms(
    len: usize,
    mean: f64,
    std: f64,
    a: f64,
    b: f64,
    generator: &mut TorchGenerator,
) -> Result<Vec<f32>> {
    let mode = a.max(b.min(mean));
    let log_peak = (-0.5 * ((mode - mean) / std).powi(2)) as f32;
    let log_density = |value: f32| {
        let distance = (value - mean as f32) / std as f32;
        distance * distance * -0.5 - log_peak
    };
    let mut accepted = vec![0.0_f32; len];
    let mut candidates = vec![0.0_f32; len];
    let mut chances = vec![0.0_f32; len];
    let mut pending = vec![true; len];
    for _ in 0..MAX_ROUNDS {
        generator.uniform_(&mut candidates, a, b)?;
        generator.uniform_(&mut chances, 0.0, 1.0)?;
        for index in 0..len {
            if pending[index] {
                accepted[index] = candidates[index];
                pending[index] = libm::logf(chances[index]) > log_density(candidates[index]);
            }
        }
        if !pending.contains(&true) {
            return Ok(accepted);
        }
    }
    Err(hopeless(mean, std, a, b))
}

fn hopeless(mean: f64, std: f64, a: f64, b: f64) -> Error {
    Error::new(
        ErrorKind::Limit,
        format!("trunc_normal_ found too few values after {MAX_ROUNDS} rounds of drawing"),
    )
    .at(format!("mean {mean}, std {std}, bounds [{a}, {b}]"))
    .help("move the bounds towards the mean, or widen std")
}
