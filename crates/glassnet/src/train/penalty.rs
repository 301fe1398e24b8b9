//! L1 and L2 penalties on parameters, added to their gradients before the optimiser's step.
//!
//! Callers choose the parameters by the slices that they pass: usually the weights of the layers, without biases and
//! without the scales of normalisation.

/// Adds the slope of the L1 penalty `λ·Σ|w|` to the gradients: `g ← g + λ·sign(w)`, with `sign(0) = 0`.
///
/// This drives small weights to exactly 0 only in the limit; subgradient steps make them hover about it.
///
/// # Panics
/// When the slices differ in length.
///
/// ```
/// use glassnet::train::penalty::add_l1;
/// let mut gradients = [0.0, 0.0, 1.0];
/// add_l1(&mut gradients, &[2.0, -3.0, 0.0], 0.5);
/// assert_eq!(gradients, [0.5, -0.5, 1.0]);
/// ```
pub fn add_l1(gradients: &mut [f32], parameters: &[f32], l1: f64) {
    assert_eq!(gradients.len(), parameters.len(), "parameters and gradients differ in number");
    let l1 = l1 as f32;
    for (gradient, &parameter) in gradients.iter_mut().zip(parameters) {
        *gradient += if parameter == 0.0 { 0.0 } else { l1.copysign(parameter) };
    }
}

/// Adds the slope of the L2 penalty `λ/2·Σw²` to the gradients: `g ← g + λ·w`.
///
/// The half makes `λ` the same number as PyTorch's (coupled) `weight_decay`: both give the same bits. A penalty
/// written `λ·Σw²` has twice this slope.
///
/// # Panics
/// When the slices differ in length.
pub fn add_l2(gradients: &mut [f32], parameters: &[f32], l2: f64) {
    assert_eq!(gradients.len(), parameters.len(), "parameters and gradients differ in number");
    let l2 = l2 as f32;
    for (gradient, &parameter) in gradients.iter_mut().zip(parameters) {
        *gradient = parameter.mul_add(l2, *gradient);
    }
}

/// The value `λ·Σ|w|` of the penalty whose slope [`add_l1`] adds.
pub fn l1_penalty(parameters: &[f32], l1: f64) -> f64 {
    l1 * parameters.iter().map(|&parameter| f64::from(parameter).abs()).sum::<f64>()
}

/// The value `λ/2·Σw²` of the penalty whose slope [`add_l2`] adds.
pub fn l2_penalty(parameters: &[f32], l2: f64) -> f64 {
    0.5 * l2 * squares(parameters)
}

/// `Σw²` in f64, in eight sums at a time: one alone would wait for itself.
fn squares(parameters: &[f32]) -> f64 {
    let mut sums = [0.0_f64; 8];
    let (eights, rest) = parameters.as_chunks::<8>();
    for eight in eights {
        for (sum, &parameter) in sums.iter_mut().zip(eight) {
            *sum += f64::from(parameter) * f64::from(parameter);
        }
    }
    for (sum, &parameter) in sums.iter_mut().zip(rest) {
        *sum += f64::from(parameter) * f64::from(parameter);
    }
    sums.iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Level;
    use crate::train::optimizer::{Optimizer, Sgd};

    #[test]
    fn slopes_are_those_of_the_values() {
        let parameters = [1.5, -0.25, 4.0];
        let (mut l1, mut l2) = ([0.0; 3], [0.0; 3]);
        add_l1(&mut l1, &parameters, 0.1);
        add_l2(&mut l2, &parameters, 0.1);
        for index in 0..3 {
            let value = |shift: f32, of: fn(&[f32], f64) -> f64| {
                let mut moved = parameters;
                moved[index] += shift;
                of(&moved, 0.1)
            };
            let slope = |of| (value(0.0625, of) - value(-0.0625, of)) / 0.125;
            assert!((slope(l1_penalty) - f64::from(l1[index])).abs() < 1e-6);
            assert!((slope(l2_penalty) - f64::from(l2[index])).abs() < 1e-6);
        }
    }

    #[test]
    fn l2_is_weight_decay() -> crate::Result<()> {
        let (mut decayed, mut penalised) = ([0.7_f32, -1.3], [0.7_f32, -1.3]);
        let mut gradients = [0.11, 0.23];
        let decay = Optimizer::Sgd(Sgd { weight_decay: 0.03, ..Sgd::default() });
        decay.step(Level::detect(), 0.1, &mut decayed, &gradients, &mut decay.state(2)?);
        let plain = Optimizer::Sgd(Sgd::default());
        add_l2(&mut gradients, &penalised, 0.03);
        plain.step(Level::detect(), 0.1, &mut penalised, &gradients, &mut plain.state(2)?);
        assert_eq!(decayed, penalised);
        Ok(())
    }
}
