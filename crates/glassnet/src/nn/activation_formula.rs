//! Activations as formulas in `z`, for derivations and typesetting.

use super::{Activation, Approximate, Scalar};
use crate::formula::{Expression, parse_in};
use crate::graph::op::{SELU_ALPHA, SELU_SCALE};

/// Softplus becomes the identity where β·z is above its threshold. From here on the two differ by less than f32
/// can tell (ln(1 + e^−20) is 2.1e-9), so the formula has no case for it.
const SMOOTH_THRESHOLD: f64 = 20.0;

impl Activation {
    /// The activation as a formula in `z`: what it computes, with the derivative that PyTorch takes at kinks.
    ///
    /// A Softplus whose threshold is 20 or more is written ln(1 + e^{βz})/β; that the identity is computed above
    /// the threshold is a matter of rounding.
    ///
    /// ```
    /// use glassnet::nn;
    /// let nn::Module::Activation(elu) = nn::elu(0.5) else { unreachable!() };
    /// assert_eq!(elu.formula().to_string(), "piecewise(z > 0, z, 0.5*(exp(z) - 1))");
    /// ```
    pub fn formula(self) -> Expression {
        match self {
            Activation::Relu { .. } => read("relu(z)", &[]),
            Activation::LeakyRelu { negative_slope, .. } => {
                read("piecewise(z > 0, z, a*z)", &[("a", negative_slope)])
            }
            Activation::Elu { alpha, .. } => elu(alpha),
            Activation::Celu { alpha, .. } if alpha.value() == 1.0 => elu(alpha),
            Activation::Celu { alpha, .. } => {
                read("piecewise(z > 0, z, a*(exp(z/a) - 1))", &[("a", alpha)])
            }
            Activation::Selu { .. } => read(
                "s*piecewise(z > 0, z, a*(exp(z) - 1))",
                &[("s", SELU_SCALE.into()), ("a", SELU_ALPHA.into())],
            ),
            Activation::Gelu { approximate: Approximate::None } => read("gelu(z)", &[]),
            Activation::Gelu { approximate: Approximate::Tanh } => {
                read("z*(1 + tanh(sqrt(2/pi)*(z + 0.044715*z^3)))/2", &[])
            }
            Activation::Silu { .. } => read("silu(z)", &[]),
            Activation::Mish { .. } => read("mish(z)", &[]),
            Activation::Softplus { beta, threshold } => softplus(beta, threshold),
            Activation::Softsign => read("softsign(z)", &[]),
            Activation::Sigmoid => read("sigmoid(z)", &[]),
            Activation::LogSigmoid => read("logsigmoid(z)", &[]),
            Activation::Tanh => read("tanh(z)", &[]),
            Activation::Hardtanh { min_val, max_val, .. } => {
                read("piecewise(z <= a, a, z >= b, b, z)", &[("a", min_val), ("b", max_val)])
            }
            Activation::Relu6 { .. } => read("piecewise(z <= 0, 0, z >= 6, 6, z)", &[]),
            Activation::Hardsigmoid { .. } => {
                read("piecewise(z <= -3, 0, z >= 3, 1, (z + 3)/6)", &[])
            }
            Activation::Hardswish { .. } => {
                read("piecewise(z <= -3, 0, z < 3, z*(z + 3)/6, z)", &[])
            }
        }
    }
}

/// α·(e^z − 1) below 0; a factor of 1 isn't written.
fn elu(alpha: Scalar) -> Expression {
    match alpha.value() {
        1.0 => read("piecewise(z > 0, z, exp(z) - 1)", &[]),
        _ => read("piecewise(z > 0, z, a*(exp(z) - 1))", &[("a", alpha)]),
    }
}

fn softplus(beta: Scalar, threshold: Scalar) -> Expression {
    match (beta.value() == 1.0, threshold.value() >= SMOOTH_THRESHOLD) {
        (true, true) => read("softplus(z)", &[]),
        (false, true) => read("softplus(b*z)/b", &[("b", beta)]),
        (_, false) => {
            read("piecewise(b*z > t, z, softplus(b*z)/b)", &[("b", beta), ("t", threshold)])
        }
    }
}

/// One of this file's formulas with the scalars in place of their letters.
fn read(text: &str, scalars: &[(&str, Scalar)]) -> Expression {
    let mut names = vec!["z"];
    names.extend(scalars.iter().map(|(name, _)| *name));
    let formula = parse_in(text, &names).expect("this file's formulas are valid");
    scalars.iter().fold(formula, |formula, (name, scalar)| {
        let value = match *scalar {
            Scalar::Int(value) => Some(Expression::integer(value)),
            // A whole float needs no point: 6.0 is 6.
            Scalar::Float(value) if value.fract() == 0.0 && value.abs() < 1e15 => {
                Some(Expression::integer(value as i64))
            }
            Scalar::Float(value) => Expression::from_f64(value),
        };
        // Layers are made with finite scalars only; an infinite bound is as far as f64 reaches.
        let value = value.or_else(|| Expression::from_f64(f64::MAX.copysign(scalar.value())));
        formula.substitute(name, &value.unwrap_or_else(|| Expression::integer(0)))
    })
}

#[cfg(test)]
mod tests {
    use crate::nn;
    use crate::reference::activation::{derivative, value};

    /// Every activation with default and other arguments: its formula has the values and slopes of the operation.
    #[test]
    fn formulas_are_what_the_layers_compute() {
        let layers = "ReLU() LeakyReLU() LeakyReLU(0.2) LeakyReLU(-1.5) ELU() ELU(0.5) CELU() CELU(2) CELU(0.3) SELU() GELU() \
            GELU(approximate='tanh') SiLU() Mish() Softplus() Softplus(2) Softplus(0.5,25) Softplus(beta=3,threshold=1) \
            Softsign() Sigmoid() LogSigmoid() Tanh() Hardtanh() Hardtanh(-2,0.5) ReLU6() Hardsigmoid() Hardswish()";
        let layers: Vec<&str> = layers.split_whitespace().collect();
        for layer in layers {
            let module = nn::parse(layer).unwrap_or_else(|error| panic!("{error}"));
            let nn::Module::Activation(activation) = module else { panic!("{layer}") };
            let (formula, op) = (activation.formula(), activation.operation());
            let slope = formula.differentiate("z").expect("a derivative");
            assert_eq!(crate::formula::parse(&formula.to_string()).expect("reads back"), formula);
            let points =
                (-600..=600).map(|i| f64::from(i) * 0.05).chain([1e-9, -1e-9, 300.0, -300.0]);
            for z in points {
                for (what, expected, formula) in
                    [("value", value(op, z), &formula), ("slope", derivative(op, z), &slope)]
                {
                    let found = formula.evaluate(&[("z", z)]).expect("a value");
                    // Softplus is the identity beyond its threshold, 2.1e-9 below the formula; beyond that,
                    // formulas cancel where the operation does not.
                    let near = (found - expected).abs() <= 3e-9 * (1.0 + expected.abs());
                    assert!(near, "{layer}: {what} at {z}: {found}, not {expected}");
                }
            }
        }
    }
}
