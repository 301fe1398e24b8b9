//! Exact intervals of units, and how far two chains of one structure lie apart.
//!
//! Lemma (intervals): where `x[i] ∈ [lo, hi]`, `w·x[i]` lies between `w·lo` and `w·hi`, and a sum between the sums of
//! the ends; elementwise functions keep their known range.
//!
//! Lemma (distance): for `y = W·h + b` and `y' = W'·h' + b'` with `|h[i] − h'[i]| ≤ d[i]` and `|h'[i]| ≤ m[i]`,
//! `|y − y'| ≤ Σ |W|·d + Σ |W − W'|·m + |b − b'|`. A function with Lipschitz constant L multiplies a distance by at
//! most L. Magnitudes and distances are kept as `constant + slope·M`, M the largest `|x|` of an input, so that the
//! bound is finite also where the domain isn't. The differential view is that of Paulsen, Wang & Wang, 'ReluDiff',
//! arXiv 2001.03662.

use super::chain::{Affine, Chain, Element, Layer, Scale};
use super::number::Number;
use crate::error::{Error, Result};
use crate::graph::op::{Activation, Softmax};

/// An interval of which an end may be infinite (`None`).
#[derive(Clone, Debug)]
pub(super) struct Extent {
    pub(super) lo: Option<Number>,
    pub(super) hi: Option<Number>,
}

/// `constant + slope·M`.
#[derive(Clone, Debug)]
pub(super) struct Growth {
    pub(super) constant: Number,
    pub(super) slope: Number,
}

impl Growth {
    fn zero() -> Self {
        Growth { constant: Number::zero(), slope: Number::zero() }
    }

    pub(super) fn plus(&self, other: &Self) -> Self {
        Growth {
            constant: self.constant.plus(&other.constant),
            slope: self.slope.plus(&other.slope),
        }
    }

    fn times(&self, factor: &Number) -> Self {
        Growth { constant: self.constant.times(factor), slope: self.slope.times(factor) }
    }

    /// A growth that is above both.
    fn max(self, other: Self) -> Self {
        Growth { constant: self.constant.max(other.constant), slope: self.slope.max(other.slope) }
    }

    fn is_zero(&self) -> bool {
        self.constant.is_zero() && self.slope.is_zero()
    }
}

impl Extent {
    pub(super) fn is_nonpositive(&self) -> bool {
        self.hi.as_ref().is_some_and(|hi| !hi.is_positive())
    }

    pub(super) fn is_nonnegative(&self) -> bool {
        self.lo.as_ref().is_some_and(|lo| !lo.is_negative())
    }

    fn scaled(&self, factor: &Number) -> Self {
        if factor.is_zero() {
            return Extent { lo: Some(Number::zero()), hi: Some(Number::zero()) };
        }
        let times = |end: &Option<Number>| end.as_ref().map(|end| end.times(factor));
        if factor.is_negative() {
            Extent { lo: times(&self.hi), hi: times(&self.lo) }
        } else {
            Extent { lo: times(&self.lo), hi: times(&self.hi) }
        }
    }

    fn plus(&self, other: &Self) -> Self {
        let add = |a: &Option<Number>, b: &Option<Number>| Some(a.as_ref()?.plus(b.as_ref()?));
        Extent { lo: add(&self.lo, &other.lo), hi: add(&self.hi, &other.hi) }
    }

    fn magnitude(&self) -> Option<Number> {
        Some(self.lo.as_ref()?.abs().max(self.hi.as_ref()?.abs()))
    }

    fn point(number: &Number) -> Self {
        Extent { lo: Some(number.clone()), hi: Some(number.clone()) }
    }
}

/// The intervals of every layer's input, and of the output last.
pub(super) fn extents(chain: &Chain, domain: &[Extent]) -> Vec<Vec<Extent>> {
    let mut all = vec![domain.to_vec()];
    let mut kept: Vec<usize> = vec![];
    for layer in &chain.layers {
        let input = &all[all.len() - 1];
        let output = match layer {
            Layer::Affine(affine) => {
                (0..affine.bias.len()).map(|row| of_row(affine, row, input)).collect()
            }
            Layer::Scale(scale) => scaled(scale, input),
            Layer::Kinked(slopes) => {
                input.iter().zip(slopes).map(|(extent, slope)| kinked(extent, slope)).collect()
            }
            Layer::Function(activation) => {
                input.iter().map(|extent| range(*activation, extent)).collect()
            }
            Layer::Softmax(softmax) => vec![
                match softmax {
                    Softmax::Probabilities { .. } => between(Some(0), Some(1)),
                    Softmax::Logarithms { .. } => between(None, Some(0)),
                    Softmax::ProbabilitiesGrad { .. } | Softmax::LogarithmsGrad { .. } => {
                        between(None, None)
                    }
                };
                input.len()
            ],
            Layer::Normalize(_, scale) => {
                let most = largest_normalized(input.len());
                let extent = Extent { lo: Some(most.negated()), hi: Some(most) };
                scaled(scale, &vec![extent; input.len()])
            }
            Layer::Front(row) => row.iter().map(|element| of_element(element, input)).collect(),
            Layer::Fork => {
                kept.push(all.len() - 1);
                input.clone()
            }
            Layer::Join => match kept.pop() {
                Some(other) => input.iter().zip(&all[other]).map(|(a, b)| a.plus(b)).collect(),
                None => vec![between(None, None); input.len()],
            },
        };
        all.push(output);
    }
    all
}

fn of_row(affine: &Affine, row: usize, input: &[Extent]) -> Extent {
    let mut sum = Extent::point(&affine.bias[row]);
    for (weight, extent) in affine.weight[row].iter().zip(input) {
        if !weight.is_zero() {
            sum = sum.plus(&extent.scaled(weight));
            if sum.lo.is_none() && sum.hi.is_none() {
                return sum;
            }
        }
    }
    sum
}

fn scaled(scale: &Scale, input: &[Extent]) -> Vec<Extent> {
    let units = input.iter().zip(scale.factor.iter().zip(&scale.shift));
    units.map(|(x, (factor, shift))| x.scaled(factor).plus(&Extent::point(shift))).collect()
}

/// What no number of a normalised row is greater than: `Σ x̂² ≤ n`.
fn largest_normalized(units: usize) -> Number {
    size_of(units.isqrt() as u32).plus(&Number::one())
}

fn of_element(element: &Element, input: &[Extent]) -> Extent {
    match element {
        Element::Input(at) => input[*at].clone(),
        Element::Looked(_, column) => {
            let most = column.iter().cloned().reduce(Number::max);
            let least = column.iter().map(Number::negated).reduce(Number::max);
            Extent { lo: least.map(|least| least.negated()), hi: most }
        }
    }
}

fn kinked(extent: &Extent, slope: &Number) -> Extent {
    let end = |end: &Number| if end.is_positive() { end.clone() } else { end.times(slope) };
    if slope.is_negative() {
        // The function falls and rises: it is nowhere below 0, and its greatest value is at an end.
        let (lo, hi) = (extent.lo.as_ref().map(end), extent.hi.as_ref().map(end));
        let high = lo.zip(hi).map(|(lo, hi)| lo.max(hi));
        return Extent { lo: Some(Number::zero()), hi: high };
    }
    let below = if slope.is_zero() { Some(Number::zero()) } else { None };
    Extent { lo: extent.lo.as_ref().map(end).or(below), hi: extent.hi.as_ref().map(end) }
}

/// What is known of a function's values without computing it.
fn range(activation: Activation, input: &Extent) -> Extent {
    let (lo, hi) = match activation {
        Activation::Sigmoid | Activation::Hardsigmoid => (Some(0), Some(1)),
        Activation::Tanh | Activation::Softsign | Activation::Erf => (Some(-1), Some(1)),
        Activation::Sin | Activation::Cos | Activation::Sign => (Some(-1), Some(1)),
        Activation::Relu6 => (Some(0), Some(6)),
        Activation::Softplus { beta, .. } if beta > 0.0 => (Some(0), None),
        Activation::Exp | Activation::Square | Activation::Sqrt | Activation::Abs => {
            (Some(0), None)
        }
        Activation::Expm1 => (Some(-1), None),
        Activation::LogSigmoid => (None, Some(0)),
        Activation::Hardtanh { min, max } => {
            return Extent { lo: Number::from_f64(min), hi: Number::from_f64(max) };
        }
        Activation::Negate => return input.scaled(&Number::one().negated()),
        Activation::Relu => return kinked(input, &Number::zero()),
        // Each lies above −1 and below the positive part of its input.
        Activation::Gelu
        | Activation::GeluTanh
        | Activation::Silu
        | Activation::Mish
        | Activation::Hardswish => {
            let hi = kinked(input, &Number::zero()).hi;
            return Extent { lo: Some(Number::one().negated()), hi };
        }
        Activation::LeakyRelu { .. }
        | Activation::Elu { .. }
        | Activation::Celu { .. }
        | Activation::Selu
        | Activation::Softplus { .. }
        | Activation::NegativePart
        | Activation::Reciprocal
        | Activation::Log
        | Activation::Log1p
        | Activation::Tan
        | Activation::Asin
        | Activation::Acos
        | Activation::Atan
        | Activation::Sinh
        | Activation::Cosh => (None, None),
    };
    between(lo, hi)
}

fn between(lo: Option<i32>, hi: Option<i32>) -> Extent {
    let whole = |end: Option<i32>| end.and_then(|end| Number::from_f64(f64::from(end)));
    Extent { lo: whole(lo), hi: whole(hi) }
}

/// A Lipschitz constant of a function, where one is known.
fn lipschitz(activation: Activation) -> Option<u32> {
    match activation {
        Activation::Relu
        | Activation::NegativePart
        | Activation::Negate
        | Activation::Abs
        | Activation::Sigmoid
        | Activation::Tanh
        | Activation::Softsign
        | Activation::LogSigmoid
        | Activation::Hardtanh { .. }
        | Activation::Relu6
        | Activation::Hardsigmoid
        | Activation::Sin
        | Activation::Cos
        | Activation::Atan => Some(1),
        // The derivatives' largest values are 1.13, 1.13, 1.10, 1.09, 1.5, 1.76, 1.13.
        Activation::Gelu
        | Activation::GeluTanh
        | Activation::Silu
        | Activation::Mish
        | Activation::Hardswish
        | Activation::Selu
        | Activation::Erf => Some(2),
        Activation::Elu { alpha } if (0.0..=1.0).contains(&alpha) => Some(1),
        Activation::Celu { alpha } if alpha > 0.0 => Some(1),
        Activation::Softplus { .. }
        | Activation::LeakyRelu { .. }
        | Activation::Elu { .. }
        | Activation::Celu { .. }
        | Activation::Sign
        | Activation::Square
        | Activation::Sqrt
        | Activation::Reciprocal
        | Activation::Exp
        | Activation::Expm1
        | Activation::Log
        | Activation::Log1p
        | Activation::Tan
        | Activation::Asin
        | Activation::Acos
        | Activation::Sinh
        | Activation::Cosh => None,
    }
}

/// A bound of every output's distance between two chains of one structure, over the domain.
pub(super) fn distance(a: &Chain, b: &Chain, domain: &[Extent]) -> Result<Vec<Growth>> {
    if a.inputs != b.inputs || a.layers.len() != b.layers.len() {
        return Err(differ("they have different numbers of inputs or layers"));
    }
    let bounded = domain.iter().all(|extent| extent.magnitude().is_some());
    let extents = extents(b, domain);
    let input = Growth { constant: Number::zero(), slope: Number::one() };
    let mut sizes = vec![Some(input); b.inputs];
    let mut apart = vec![Growth::zero(); a.inputs];
    let mut kept: Vec<(Vec<Size>, Vec<Growth>)> = vec![];
    for (at, (left, right)) in a.layers.iter().zip(&b.layers).enumerate() {
        for (size, extent) in sizes.iter_mut().zip(&extents[at]) {
            let grows = size.as_ref().is_none_or(|size| size.slope.is_positive());
            if let (true, Some(constant)) = (bounded || grows, extent.magnitude()) {
                *size = Some(Growth { constant, slope: Number::zero() });
            }
        }
        let at_layer = |error: Error| error.detail(format!("at layer {at} of the chain"));
        match (left, right) {
            (Layer::Fork, Layer::Fork) => kept.push((sizes.clone(), apart.clone())),
            (Layer::Join, Layer::Join) => {
                let (others, distances) = kept.pop().ok_or_else(|| differ("nothing was kept"))?;
                let sum = |(a, b): (&Size, &Size)| Some(a.as_ref()?.plus(b.as_ref()?));
                sizes = sizes.iter().zip(&others).map(sum).collect();
                apart = apart.iter().zip(&distances).map(|(a, b)| a.plus(b)).collect();
            }
            _ => (sizes, apart) = through(left, right, &sizes, &apart).map_err(at_layer)?, // not operations: pairs
        }
    }
    Ok(apart)
}

fn differ(why: &str) -> Error {
    Error::model("the two networks are not of one structure after the steps").detail(why.to_owned())
}

/// How large values are, where that is known.
type Size = Option<Growth>;

/// A size that a change is multiplied by.
fn known(size: &Size) -> Result<&Growth> {
    size.as_ref().ok_or_else(|| {
        Error::model("a weight was changed behind a function whose values no bound is known of")
    })
}

/// Sizes of b's values and distances behind one layer.
fn through(
    a: &Layer,
    b: &Layer,
    sizes: &[Size],
    apart: &[Growth],
) -> Result<(Vec<Size>, Vec<Growth>)> {
    match (a, b) {
        (Layer::Affine(a), Layer::Affine(b)) => affine_apart(a, b, sizes, apart),
        (Layer::Scale(a), Layer::Scale(b)) if a.factor.len() == b.factor.len() => {
            scale_apart(a, b, sizes, apart)
        }
        (Layer::Normalize(a, x), Layer::Normalize(b, y))
            if a == b && x.factor.len() == y.factor.len() =>
        {
            // The Jacobian is (P − x̂·x̂ᵀ/n)/√(variance + eps), P a projection and x̂ in its image: its norm is at most
            // 1/√eps, and the Euclidean norm of what differs at most the sum of the parts.
            let sum = apart.iter().fold(Growth::zero(), |sum, distance| sum.plus(distance));
            let mut distance = sum.clone();
            if !sum.is_zero() {
                let root = Number::from_f64(*a).filter(Number::is_positive).map(|eps| eps.root(60));
                let steepest = root.and_then(|root| root.reciprocal()).ok_or_else(|| {
                    Error::unsupported("layer_norm", "the checker", "its eps is not above 0")
                })?;
                distance = sum.times(&steepest);
            }
            let most = Growth { constant: largest_normalized(apart.len()), slope: Number::zero() };
            scale_apart(x, y, &vec![Some(most); apart.len()], &vec![distance; apart.len()])
        }
        (Layer::Front(a), Layer::Front(b))
            if a.len() == b.len() && a.iter().zip(b).all(|(a, b)| a.is(b)) =>
        {
            // The first layer: what it reads is the same.
            let size = |element: &Element| match element {
                Element::Input(at) => sizes[*at].clone(),
                Element::Looked(..) => {
                    let constant = of_element(element, &[]).magnitude()?;
                    Some(Growth { constant, slope: Number::zero() })
                }
            };
            Ok((a.iter().map(size).collect(), vec![Growth::zero(); a.len()]))
        }
        (Layer::Kinked(a), Layer::Kinked(b)) if a.len() == b.len() => {
            let both = |at: usize| {
                let steepest = |slope: &Number| slope.abs().max(Number::one());
                let change = a[at].minus(&b[at]).abs();
                let mut distance = apart[at].times(&steepest(&a[at]));
                if !change.is_zero() {
                    distance = distance.plus(&known(&sizes[at])?.times(&change));
                }
                Ok((sizes[at].as_ref().map(|size| size.times(&steepest(&b[at]))), distance))
            };
            (0..a.len()).map(both).collect()
        }
        (Layer::Function(a), Layer::Function(b)) if a == b => {
            let constant = lipschitz(*a).map(size_of);
            // |f(z)| ≤ |f(0)| + L·|z|, and |f(0)| ≤ 1 for every function whose L is known, but for one with limits.
            let at_0 = match a {
                Activation::Hardtanh { min, max } => Number::from_f64(min.abs().max(max.abs())),
                _ => Some(Number::one()), // not operations: 0, ½, 1 or −ln 2
            };
            let at_0 = at_0.map(|constant| Growth { constant, slope: Number::zero() });
            let grown =
                |size: &Size| Some(size.as_ref()?.times(constant.as_ref()?).plus(at_0.as_ref()?));
            let further = sizes.iter().map(grown).collect();
            if apart.iter().all(Growth::is_zero) {
                return Ok((further, apart.to_vec()));
            }
            let constant = constant.as_ref().ok_or_else(|| {
                Error::unsupported(a.name(), "the checker", "no bound of its slope is known")
            })?;
            Ok((further, apart.iter().map(|distance| distance.times(constant)).collect()))
        }
        (Layer::Softmax(a), Layer::Softmax(b)) if a == b => {
            // Row sums of |∂y/∂z|: 2p(1 − p) for softmax, 2(1 − p) for its logarithm.
            let most = apart.iter().cloned().fold(Growth::zero(), Growth::max).times(&size_of(2));
            // Nothing is multiplied by its values: it is the last layer of what is written.
            Ok((vec![None; apart.len()], vec![most; apart.len()]))
        }
        (
            Layer::Affine(_)
            | Layer::Scale(_)
            | Layer::Kinked(_)
            | Layer::Function(_)
            | Layer::Softmax(_)
            | Layer::Normalize(..)
            | Layer::Front(_)
            | Layer::Fork
            | Layer::Join,
            _,
        ) => Err(differ("layers of different sorts or widths meet")),
    }
}

fn size_of(whole: u32) -> Number {
    Number::from_f64(f64::from(whole)).unwrap_or_else(Number::zero)
}

fn scale_apart(
    a: &Scale,
    b: &Scale,
    sizes: &[Size],
    apart: &[Growth],
) -> Result<(Vec<Size>, Vec<Growth>)> {
    let both = |at: usize| {
        let change = a.factor[at].minus(&b.factor[at]).abs();
        let mut distance = apart[at].times(&a.factor[at].abs());
        if !change.is_zero() {
            distance = distance.plus(&known(&sizes[at])?.times(&change));
        }
        distance.constant = distance.constant.plus(&a.shift[at].minus(&b.shift[at]).abs());
        let size = sizes[at].as_ref().map(|size| {
            let mut size = size.times(&b.factor[at].abs());
            size.constant = size.constant.plus(&b.shift[at].abs());
            size
        });
        Ok((size, distance))
    };
    (0..a.factor.len()).map(both).collect()
}

fn affine_apart(
    a: &Affine,
    b: &Affine,
    sizes: &[Size],
    apart: &[Growth],
) -> Result<(Vec<Size>, Vec<Growth>)> {
    let width = |affine: &Affine| affine.weight.first().map_or(0, Vec::len);
    if a.bias.len() != b.bias.len() || width(a) != sizes.len() || width(b) != sizes.len() {
        return Err(differ("layers of different widths meet"));
    }
    let constant = |constant: Number| Growth { constant, slope: Number::zero() };
    let row = |row: usize| {
        let mut distance = constant(a.bias[row].minus(&b.bias[row]).abs());
        let mut size = Some(constant(b.bias[row].abs()));
        for column in 0..sizes.len() {
            let (x, y) = (&a.weight[row][column], &b.weight[row][column]);
            let change = x.minus(y).abs();
            if !change.is_zero() {
                distance = distance.plus(&known(&sizes[column])?.times(&change));
            }
            if !apart[column].is_zero() {
                distance = distance.plus(&apart[column].times(&x.abs()));
            }
            if !y.is_zero() {
                let term = sizes[column].as_ref().map(|size| size.times(&y.abs()));
                size = size.zip(term).map(|(size, term)| size.plus(&term));
            }
        }
        Ok((size, distance))
    };
    (0..a.bias.len()).map(row).collect()
}
