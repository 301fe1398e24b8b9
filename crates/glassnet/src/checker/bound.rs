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

use super::chain::{Affine, Chain, Layer};
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

    fn widened(&self, by: &Number) -> Self {
        let end = |end: &Option<Number>, by: Number| end.as_ref().map(|end| end.plus(&by));
        Extent { lo: end(&self.lo, by.negated()), hi: end(&self.hi, by.clone()) }
    }

    fn magnitude(&self) -> Option<Number> {
        Some(self.lo.as_ref()?.abs().max(self.hi.as_ref()?.abs()))
    }

    fn point(number: &Number) -> Self {
        Extent { lo: Some(number.clone()), hi: Some(number.clone()) }
    }
}

/// The intervals of every layer's input, and of the output last; layers in doubt are widened by it.
pub(super) fn extents(chain: &Chain, domain: &[Extent]) -> Vec<Vec<Extent>> {
    let mut all = vec![domain.to_vec()];
    for layer in &chain.layers {
        let input = &all[all.len() - 1];
        let output = match layer {
            Layer::Affine(affine) => {
                (0..affine.bias.len()).map(|row| of_row(affine, row, input)).collect()
            }
            Layer::Scale(scale) => (0..input.len())
                .map(|at| {
                    let product = input[at].scaled(&scale.factor[at]);
                    let slack = match product.magnitude() {
                        Some(magnitude) => magnitude.times(&scale.doubt),
                        // An infinite end has no room to err; a finite one beside it is given up.
                        None if !scale.doubt.is_zero() => return Extent { lo: None, hi: None },
                        None => Number::zero(),
                    };
                    product
                        .plus(&Extent::point(&scale.shift[at]))
                        .widened(&slack.plus(&scale.shift_doubt[at]))
                })
                .collect(),
            Layer::Kinked(slopes) => {
                input.iter().zip(slopes).map(|(extent, slope)| kinked(extent, slope)).collect()
            }
            Layer::Function(activation) => {
                input.iter().map(|extent| range(*activation, extent)).collect()
            }
            Layer::Softmax(softmax) => vec![
                match softmax {
                    Softmax::Probabilities { .. } => unit_interval(),
                    Softmax::Logarithms { .. } => Extent { lo: None, hi: Some(Number::zero()) },
                    Softmax::ProbabilitiesGrad { .. } | Softmax::LogarithmsGrad { .. } => {
                        Extent { lo: None, hi: None }
                    }
                };
                input.len()
            ],
        };
        all.push(output);
    }
    all
}

fn of_row(affine: &Affine, row: usize, input: &[Extent]) -> Extent {
    let mut sum = Extent::point(&affine.bias[row]);
    let mut slack = affine.bias_doubt[row].clone();
    for (weight, extent) in affine.weight[row].iter().zip(input) {
        if weight.is_zero() {
            continue;
        }
        let product = extent.scaled(weight);
        if !affine.doubt.is_zero() {
            match product.magnitude() {
                Some(magnitude) => slack = slack.plus(&magnitude.times(&affine.doubt)),
                None => return Extent { lo: None, hi: None },
            }
        }
        sum = sum.plus(&product);
        if sum.lo.is_none() && sum.hi.is_none() {
            return sum;
        }
    }
    sum.widened(&slack)
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

fn unit_interval() -> Extent {
    Extent { lo: Some(Number::zero()), hi: Some(Number::one()) }
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
    for (at, (left, right)) in a.layers.iter().zip(&b.layers).enumerate() {
        for (size, extent) in sizes.iter_mut().zip(&extents[at]) {
            let grows = size.as_ref().is_none_or(|size| size.slope.is_positive());
            if let (true, Some(constant)) = (bounded || grows, extent.magnitude()) {
                *size = Some(Growth { constant, slope: Number::zero() });
            }
        }
        (sizes, apart) = through(left, right, &sizes, &apart)
            .map_err(|error| error.detail(format!("at layer {at} of the chain")))?;
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
            let both = |at: usize| {
                let (x, y) = (&a.factor[at], &b.factor[at]);
                let slack = x.abs().times(&a.doubt).plus(&y.abs().times(&b.doubt));
                let change = x.minus(y).abs().plus(&slack);
                let shift = a.shift[at].minus(&b.shift[at]).abs();
                let shift = shift.plus(&a.shift_doubt[at]).plus(&b.shift_doubt[at]);
                let reach = x.abs().plus(&x.abs().times(&a.doubt));
                let mut distance = apart[at].times(&reach);
                if !change.is_zero() {
                    distance = distance.plus(&known(&sizes[at])?.times(&change));
                }
                distance.constant = distance.constant.plus(&shift);
                let size = sizes[at].as_ref().map(|size| {
                    let mut size = size.times(&y.abs().plus(&y.abs().times(&b.doubt)));
                    size.constant = size.constant.plus(&b.shift[at].abs()).plus(&b.shift_doubt[at]);
                    size
                });
                Ok((size, distance))
            };
            (0..a.factor.len()).map(both).collect()
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
            // |f(z)| ≤ |f(0)| + L·|z|, and |f(0)| ≤ 1 for every function whose L is known and range isn't.
            let one = Growth { constant: Number::one(), slope: Number::zero() };
            let grown = |size: &Size| Some(size.as_ref()?.times(constant.as_ref()?).plus(&one));
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
            | Layer::Softmax(_),
            _,
        ) => Err(differ("layers of different sorts or widths meet")),
    }
}

fn size_of(whole: u32) -> Number {
    Number::from_f64(f64::from(whole)).unwrap_or_else(Number::zero)
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
    let doubtful = |number: &Number, doubt: &Number| {
        if doubt.is_zero() { number.clone() } else { number.plus(&number.times(doubt)) }
    };
    let row = |row: usize| {
        let shift = a.bias[row].minus(&b.bias[row]).abs();
        let shift = shift.plus(&a.bias_doubt[row]).plus(&b.bias_doubt[row]);
        let mut distance = Growth { constant: shift, slope: Number::zero() };
        let mut size = Some(Growth {
            constant: b.bias[row].abs().plus(&b.bias_doubt[row]),
            slope: Number::zero(),
        });
        for column in 0..sizes.len() {
            let (x, y) = (a.weight[row][column].abs(), b.weight[row][column].abs());
            let mut change = a.weight[row][column].minus(&b.weight[row][column]).abs();
            if !a.doubt.is_zero() || !b.doubt.is_zero() {
                change = change.plus(&x.times(&a.doubt)).plus(&y.times(&b.doubt));
            }
            if !change.is_zero() {
                distance = distance.plus(&known(&sizes[column])?.times(&change));
            }
            if !apart[column].is_zero() {
                distance = distance.plus(&apart[column].times(&doubtful(&x, &a.doubt)));
            }
            if !y.is_zero() {
                let reach = doubtful(&y, &b.doubt);
                let term = sizes[column].as_ref().map(|size| size.times(&reach));
                size = size.zip(term).map(|(size, term)| size.plus(&term));
            }
        }
        Ok((size, distance))
    };
    (0..a.bias.len()).map(row).collect()
}
