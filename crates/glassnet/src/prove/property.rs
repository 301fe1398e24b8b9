//! What is asked of a network: is there an input in one of these boxes whose outputs meet one of these sets of constraints?

use super::exact::{self, Dyadic, Enclosure};
use super::{Interval, Network, Witness};
use crate::error::{Error, Result};

/// A property as the description of its counterexamples, as VNN-LIB does: it holds when no case has a solution.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Property {
    /// Any of these is a counterexample.
    pub cases: Vec<Case>,
}

/// Inputs in a box whose inputs and outputs meet all constraints.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// The box, an interval for each input.
    pub domain: Vec<Interval>,
    /// What a counterexample meets.
    pub constraints: Vec<Constraint>,
}

/// `Σ aᵢ·xᵢ + Σ bⱼ·yⱼ + c ≤ 0`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Constraint {
    /// The inputs with their factors.
    pub inputs: Vec<(usize, f64)>,
    /// The outputs with their factors.
    pub outputs: Vec<(usize, f64)>,
    /// The constant.
    pub constant: f64,
}

impl Constraint {
    /// The exact value of the left side, or its enclosure.
    pub(super) fn evaluate(&self, x: &[f64], y: &[Enclosure]) -> Option<Enclosure> {
        let constant = Dyadic::from_f64(self.constant)?;
        let mut sum = Enclosure { lo: constant.clone(), hi: constant };
        for &(input, factor) in &self.inputs {
            let product = Dyadic::from_f64(factor)?.times(&Dyadic::from_f64(x[input])?);
            sum = Enclosure { lo: sum.lo.plus(&product), hi: sum.hi.plus(&product) };
        }
        for &(output, factor) in &self.outputs {
            let factor = Dyadic::from_f64(factor)?;
            let (a, b) = (factor.times(&y[output].lo), factor.times(&y[output].hi));
            let (a, b) = if a <= b { (a, b) } else { (b, a) };
            sum = Enclosure { lo: sum.lo.plus(&a), hi: sum.hi.plus(&b) };
        }
        Some(sum)
    }
}

impl Case {
    /// Whether `input`, which lies in the box, certainly meets all constraints: the exact values of the outputs there if it
    /// does.
    ///
    /// # Errors
    /// As [`exact::evaluate`].
    pub fn solved_by(&self, network: &Network, input: &[f64]) -> Result<Option<Vec<Enclosure>>> {
        let outputs = exact::evaluate(network, input)?;
        let inside = self.domain.iter().zip(input).all(|(range, &x)| range.contains(x));
        let met = self.constraints.iter().all(|constraint| {
            let value = constraint.evaluate(input, &outputs);
            value.is_some_and(|value| value.hi.is_negative() || value.hi.is_zero())
        });
        Ok((inside && met).then_some(outputs))
    }
}

impl Constraint {
    /// Whether a counterexample misses the constraint's bound: the left side is certainly below 0 there, not only 0.
    pub fn is_strict_at(&self, witness: &Witness) -> bool {
        let value = self.evaluate(&witness.input, &witness.outputs);
        value.is_some_and(|value| value.hi.is_negative())
    }
}

impl Property {
    /// Checks that the property speaks of inputs and outputs that `network` has, in finite numbers.
    ///
    /// # Errors
    /// [`ErrorKind::Model`](crate::ErrorKind::Model), with both sides' numbers.
    pub fn check(&self, network: &Network) -> Result<()> {
        for case in &self.cases {
            if case.domain.len() != network.inputs() {
                return Err(Error::model(format!(
                    "the property has {} inputs, the network {}",
                    case.domain.len(),
                    network.inputs()
                )));
            }
            for constraint in &case.constraints {
                if let Some(&(output, _)) =
                    constraint.outputs.iter().find(|(output, _)| *output >= network.outputs())
                {
                    return Err(Error::model(format!(
                        "the property speaks of output {output}, the network has {} outputs",
                        network.outputs()
                    )));
                }
                let inside = constraint.inputs.iter().all(|(input, _)| *input < network.inputs());
                let mut numbers = constraint.inputs.iter().chain(&constraint.outputs);
                if !inside
                    || !constraint.constant.is_finite()
                    || !numbers.all(|(_, factor)| factor.is_finite())
                {
                    return Err(Error::model("a constraint has a number that is not finite"));
                }
            }
        }
        Ok(())
    }
}
