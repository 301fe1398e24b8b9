//! Exact affine functions of the inputs.

use std::sync::Arc;

use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::One;

use crate::error::{Error, Result};
use crate::prove::exact::Dyadic;
use crate::prove::network::{Affine, Network, Step};

/// An affine function of the inputs, `Σ slopes·x + constant`, with exact numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Form {
    /// The derivative by each input.
    pub slopes: Vec<Dyadic>,
    /// The value where all inputs are 0.
    pub constant: Dyadic,
}

impl Form {
    /// The number `value` whatever the inputs are.
    pub fn constant(value: Dyadic, inputs: usize) -> Self {
        Form { slopes: vec![Dyadic::zero(); inputs], constant: value }
    }

    /// The value at a point.
    pub fn at(&self, point: &[BigRational]) -> BigRational {
        let terms = self.slopes.iter().zip(point).map(|(slope, x)| rational(slope) * x);
        terms.fold(rational(&self.constant), |sum, term| sum + term)
    }

    /// `self − other`.
    pub fn minus(&self, other: &Form) -> Form {
        let pairs = self.slopes.iter().zip(&other.slopes);
        Form {
            slopes: pairs.map(|(a, b)| a.minus(b)).collect(),
            constant: self.constant.minus(&other.constant),
        }
    }

    /// Whether it is 0 everywhere.
    pub fn is_zero(&self) -> bool {
        self.constant.is_zero() && self.is_constant()
    }

    /// Whether it is the same everywhere.
    pub fn is_constant(&self) -> bool {
        self.slopes.iter().all(Dyadic::is_zero)
    }

    fn times(&self, factor: &Dyadic) -> Form {
        Form {
            slopes: self.slopes.iter().map(|slope| slope.times(factor)).collect(),
            constant: self.constant.times(factor),
        }
    }

    fn add(&mut self, other: &Form, factor: &Dyadic) {
        for (slope, other) in self.slopes.iter_mut().zip(&other.slopes) {
            if !other.is_zero() {
                *slope = slope.plus(&other.times(factor));
            }
        }
        if !other.constant.is_zero() {
            self.constant = self.constant.plus(&other.constant.times(factor));
        }
    }
}

/// A dyadic number as a fraction.
pub(super) fn rational(value: &Dyadic) -> BigRational {
    let (mantissa, exponent) = value.parts();
    let power = BigInt::one() << exponent.unsigned_abs();
    match exponent >= 0 {
        true => BigRational::from_integer(mantissa * power),
        // The mantissa is odd, so this is in lowest terms.
        false => BigRational::new_raw(mantissa, power),
    }
}

/// What the units of each layer are on a piece; layers before a cut are shared by the pieces behind it.
#[derive(Clone)]
pub(super) struct Forms(Vec<Arc<Vec<Form>>>);

impl Forms {
    /// The forms of a network's inputs.
    pub(super) fn inputs(count: usize) -> Self {
        let one = Dyadic::from_f64(1.0).unwrap_or_else(Dyadic::zero);
        let input = |at: usize| {
            let mut form = Form::constant(Dyadic::zero(), count);
            form.slopes[at] = one.clone();
            form
        };
        Forms(vec![Arc::new((0..count).map(input).collect())])
    }

    /// The forms of a layer.
    pub(super) fn layer(&self, layer: usize) -> &[Form] {
        &self.0[layer]
    }

    pub(super) fn push(&mut self, layer: Vec<Form>) {
        self.0.push(Arc::new(layer));
    }

    /// The forms of an affine layer of so many units.
    pub(super) fn affine(&self, affine: &Affine, units: usize) -> Result<Vec<Form>> {
        let inputs = self.0[0].len();
        let mut forms = Vec::with_capacity(units);
        for unit in 0..units {
            let mut form = Form::constant(exact(affine.bias[unit].lo())?, inputs);
            for term in &affine.terms {
                for (column, weight) in term.matrix.row(unit).filter(|(_, weight)| *weight != 0.0) {
                    form.add(&self.0[term.layer][column], &exact(weight)?);
                }
            }
            forms.push(form);
        }
        Ok(forms)
    }

    /// The forms behind a kink, given for each unit whether its argument is not negative.
    pub(super) fn kink(
        &self,
        of: usize,
        (below, above): (f64, f64),
        sides: &[bool],
    ) -> Result<Vec<Form>> {
        let slopes = [exact(below)?, exact(above)?];
        let units = self.0[of].iter().zip(sides);
        Ok(units.map(|(form, &side)| form.times(&slopes[usize::from(side)])).collect())
    }

    /// The forms of the network's outputs.
    pub(super) fn outputs(&self, network: &Network) -> Vec<Form> {
        self.0[network.output()].to_vec()
    }
}

fn exact(value: f64) -> Result<Dyadic> {
    Dyadic::from_f64(value).ok_or_else(|| Error::data("a weight is not finite"))
}

/// Whether a kink bends at all.
pub(super) fn bends(step: &Step) -> bool {
    matches!(step, Step::Kink { below, above, .. } if below != above)
}
