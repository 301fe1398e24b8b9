//! What several networks predict together.

use crate::engine::functional::softmax;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// The mean of the members' outputs, added in f64 in their order and rounded once: what an ensemble predicts for numbers.
///
/// # Shapes
/// Each `[rows, …]`, all alike → the same.
///
/// # Errors
/// When there is no member, or their shapes differ.
///
/// ```
/// use glassnet::{Tensor, train::mean_outputs};
/// let members = [Tensor::from_rows(&[[1.0_f32], [2.0]])?, Tensor::from_rows(&[[2.0], [4.0]])?];
/// assert_eq!(mean_outputs(&members)?.data(), [1.5, 3.0]);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn mean_outputs(members: &[Tensor<f32>]) -> Result<Tensor<f32>> {
    let first = alike(members)?;
    let count = members.len() as f64;
    let mean = |at: usize| {
        (members.iter().map(|member| f64::from(member.data()[at])).sum::<f64>() / count) as f32
    };
    Tensor::new(first.shape(), (0..first.len()).map(mean).collect())
}

/// The mean of the members' probabilities (softmax of their scores), and its logarithms: what an ensemble predicts for
/// classes. The logarithms are scores whose softmax is the mean, so every loss and metric of scores can be asked of them.
///
/// # Shapes
/// Each `[rows, classes]`, all alike → probabilities and logarithms, both the same.
///
/// # Numerics
/// Probabilities are added in f64 in the members' order and rounded once. The logarithms are
/// `m + ln(Σ e^(l − m)) − ln N` over the members' log-probabilities `l` in f64, so that they stay finite where
/// probabilities vanish.
///
/// # Errors
/// When there is no member, or their shapes differ or are not `[rows, classes]`.
///
/// ```
/// use glassnet::{Tensor, train::mean_probabilities};
/// let scores = |gap: f32| Tensor::from_rows(&[[0.0, gap]]);
/// let (probabilities, logarithms) = mean_probabilities(&[scores(3.0)?, scores(-3.0)?])?;
/// assert_eq!(probabilities.data(), [0.5, 0.5]);
/// assert!((logarithms.data()[0] - 0.5_f32.ln()).abs() < 1e-7);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn mean_probabilities(members: &[Tensor<f32>]) -> Result<(Tensor<f32>, Tensor<f32>)> {
    let first = alike(members)?;
    let &[rows, classes] = first.shape() else {
        return Err(Error::data(format!(
            "class scores have shape {:?}, expected [rows, classes]",
            first.shape()
        )));
    };
    let each: Vec<Tensor<f32>> =
        members.iter().map(|scores| softmax(scores, 1)).collect::<Result<_>>()?;
    let mut logarithms = Vec::with_capacity(first.len());
    let mut of_members = vec![0.0; members.len()];
    for row in 0..rows {
        let normalisers: Vec<f64> =
            members.iter().map(|scores| log_sum_exp(scores.row(row).iter().copied())).collect();
        for class in 0..classes {
            for ((place, scores), normaliser) in
                of_members.iter_mut().zip(members).zip(&normalisers)
            {
                *place = f64::from(scores.row(row)[class]) - normaliser;
            }
            let total = log_sum_exp(of_members.iter().copied());
            logarithms.push((total - libm::log(members.len() as f64)) as f32);
        }
    }
    Ok((mean_outputs(&each)?, Tensor::new(first.shape(), logarithms)?))
}

/// `ln Σ e^z` without overflow.
fn log_sum_exp<T: Into<f64> + Copy>(values: impl Iterator<Item = T> + Clone) -> f64 {
    let largest = values.clone().fold(f64::NEG_INFINITY, |most, value| most.max(value.into()));
    if largest == f64::NEG_INFINITY {
        return largest;
    }
    let sum: f64 = values.map(|value| libm::exp(value.into() - largest)).sum();
    largest + libm::log(sum)
}

/// The first member, whose shape all have.
fn alike(members: &[Tensor<f32>]) -> Result<&Tensor<f32>> {
    let first = members.first().ok_or_else(|| Error::data("an ensemble without members"))?;
    match members.iter().find(|member| member.shape() != first.shape()) {
        Some(other) => Err(Error::data(format!(
            "members give outputs of shapes {:?} and {:?}",
            first.shape(),
            other.shape()
        ))),
        None => Ok(first),
    }
}
