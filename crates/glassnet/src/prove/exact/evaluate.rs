//! A network's value at a point, exactly.

use super::Dyadic;
use crate::error::{Error, Result};
use crate::prove::{Affine, Interval, Network, Step};

/// A value between two exact numbers; they are the same where it is known exactly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enclosure {
    /// It is not below this.
    pub lo: Dyadic,
    /// It is not above this.
    pub hi: Dyadic,
}

impl Enclosure {
    /// The exact value, if there is one only.
    pub fn exact(&self) -> Option<&Dyadic> {
        (self.lo == self.hi).then_some(&self.lo)
    }

    fn point(value: Dyadic) -> Self {
        Enclosure { lo: value.clone(), hi: value }
    }

    /// The enclosure, or `None` when an end is infinite.
    pub(crate) fn of(interval: Interval) -> Option<Self> {
        Some(Enclosure {
            lo: Dyadic::from_f64(interval.lo())?,
            hi: Dyadic::from_f64(interval.hi())?,
        })
    }

    fn plus(&self, other: &Enclosure) -> Enclosure {
        if self.lo == self.hi && other.lo == other.hi {
            return Enclosure::point(self.lo.plus(&other.lo));
        }
        Enclosure { lo: self.lo.plus(&other.lo), hi: self.hi.plus(&other.hi) }
    }

    fn times(&self, other: &Enclosure) -> Enclosure {
        if self.lo == self.hi && other.lo == other.hi {
            return Enclosure::point(self.lo.times(&other.lo));
        }
        let products = [
            self.lo.times(&other.lo),
            self.lo.times(&other.hi),
            self.hi.times(&other.lo),
            self.hi.times(&other.hi),
        ];
        let lo = products.iter().min().cloned().unwrap_or_else(Dyadic::zero);
        let hi = products.iter().max().cloned().unwrap_or_else(Dyadic::zero);
        Enclosure { lo, hi }
    }
}

/// The values of all of a network's outputs at `input`, over the reals.
///
/// # Errors
/// When the input has another length or isn't finite, or a value isn't bounded (a free weight).
///
/// ```
/// use glassnet::nn::{self, Mode, Network};
/// use glassnet::graph::Shape;
/// use glassnet::prove::{self, Weight, exact};
/// let net = Network::new(nn::parse("2-3-1")?, 0)?;
/// let graph = net.module().graph(Shape::batch([2]), Mode::Eval)?;
/// let proved = prove::lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))?;
/// let y = exact::evaluate(&proved, &[0.5, -1.0])?;
/// assert!(y[0].exact().is_some());
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn evaluate(network: &Network, input: &[f64]) -> Result<Vec<Enclosure>> {
    if input.len() != network.inputs() {
        return Err(Error::data(format!(
            "the point has {} numbers, the network {} inputs",
            input.len(),
            network.inputs()
        )));
    }
    let mut values: Vec<Vec<Enclosure>> = Vec::with_capacity(network.layers().len());
    for layer in network.layers().iter().take(network.output() + 1) {
        let unbounded = || {
            Error::new(crate::ErrorKind::Numeric, "a value is not bounded")
                .at(layer.origin.to_string())
        };
        let value = match &layer.step {
            Step::Input => input
                .iter()
                .map(|&x| Dyadic::from_f64(x).map(Enclosure::point))
                .collect::<Option<_>>()
                .ok_or_else(|| Error::data("the point has a number that is not finite"))?,
            Step::Affine(affine) => {
                evaluate_affine(affine, layer.size, &values).ok_or_else(unbounded)?
            }
            Step::Kink { of, below, above } => {
                let slopes = (Dyadic::from_f64(*below), Dyadic::from_f64(*above));
                let (Some(below), Some(above)) = slopes else { return Err(unbounded()) };
                values[*of].iter().map(|z| kink(z, &below, &above)).collect()
            }
            Step::Smooth { of, function } => values[*of]
                .iter()
                .map(|z| {
                    let z = Interval::of(z.lo.floor_f64(), z.hi.ceil_f64());
                    Enclosure::of(crate::prove::smooth::range(*function, z))
                })
                .collect::<Option<_>>()
                .ok_or_else(unbounded)?,
            Step::Product { left, right } => {
                values[*left].iter().zip(&values[*right]).map(|(x, y)| x.times(y)).collect()
            }
        };
        values.push(value);
    }
    Ok(values.pop().unwrap_or_default())
}

fn evaluate_affine(
    affine: &Affine,
    size: usize,
    values: &[Vec<Enclosure>],
) -> Option<Vec<Enclosure>> {
    (0..size)
        .map(|row| {
            let mut sum = Enclosure::of(affine.bias[row])?;
            for term in &affine.terms {
                for (column, weight) in term.weights(row) {
                    if weight.lo() == 0.0 && weight.hi() == 0.0 {
                        continue;
                    }
                    let weight = Enclosure::of(weight)?;
                    sum = sum.plus(&weight.times(&values[term.layer][column]));
                }
            }
            Some(sum)
        })
        .collect()
}

/// `above·z` where `z ≥ 0`, else `below·z`, over an enclosure: its ends and 0 are where extremes can lie.
fn kink(z: &Enclosure, below: &Dyadic, above: &Dyadic) -> Enclosure {
    let at = |z: &Dyadic| z.times(if z.is_negative() { below } else { above });
    if z.lo == z.hi {
        return Enclosure::point(at(&z.lo));
    }
    let mut candidates = vec![at(&z.lo), at(&z.hi)];
    if z.lo.is_negative() && !z.hi.is_negative() {
        candidates.push(Dyadic::zero());
    }
    let lo = candidates.iter().min().cloned().unwrap_or_else(Dyadic::zero);
    let hi = candidates.iter().max().cloned().unwrap_or_else(Dyadic::zero);
    Enclosure { lo, hi }
}
