//! Which values units are given on a domain, by intervals with infinite ends: exactly for small networks, rounded
//! outwards for large ones.

use num_traits::{Signed, Zero};

use super::chain::{Affine, Chain, Given, Part};
use super::exact::{Ratio, exact, near};
use crate::error::{Error, Result};
use crate::prove::Interval;

/// Above so many weights intervals are computed in f64, rounded outwards.
const MOST_EXACT: usize = 20_000;

/// An interval for each input, an infinite end being infinite.
///
/// ```
/// use glassnet::simplify::Domain;
/// let domain = Domain::of([(0.0, f64::INFINITY), (-1.0, 1.0)])?;
/// assert_eq!(domain.ends().len(), 2);
/// assert!(Domain::of([(1.0, 0.0)]).is_err());
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Domain(Vec<(f64, f64)>);

impl Domain {
    /// Intervals `lo..hi`.
    ///
    /// # Errors
    /// When an end is NaN, a lower end is above its upper end, or an interval holds no number.
    pub fn of(ends: impl IntoIterator<Item = (f64, f64)>) -> Result<Self> {
        let ends: Vec<(f64, f64)> = ends.into_iter().collect();
        for (at, (lo, hi)) in ends.iter().enumerate() {
            let holds = lo <= hi && *lo < f64::INFINITY && *hi > f64::NEG_INFINITY;
            if !holds {
                return Err(Error::usage(format!(
                    "the interval {lo}..{hi} of input {at} holds no number"
                ))
                .at("the domain")
                .help("write the lower end first"));
            }
        }
        Ok(Domain(ends))
    }

    /// All of Rⁿ.
    pub fn all(inputs: usize) -> Self {
        Domain(vec![(f64::NEG_INFINITY, f64::INFINITY); inputs])
    }

    /// The ends.
    pub fn ends(&self) -> &[(f64, f64)] {
        &self.0
    }

    /// Whether no end is infinite.
    pub fn is_bounded(&self) -> bool {
        self.0.iter().all(|(lo, hi)| lo.is_finite() && hi.is_finite())
    }

    /// Whether it is all of Rⁿ.
    pub fn is_all(&self) -> bool {
        self.0.iter().all(|(lo, hi)| *lo == f64::NEG_INFINITY && *hi == f64::INFINITY)
    }

    /// Whether it is `x ≥ 0`.
    pub fn is_nonnegative(&self) -> bool {
        self.0.iter().all(|(lo, hi)| *lo == 0.0 && *hi == f64::INFINITY)
    }
}

/// What a unit may be given: ends rounded outwards, and what is known of the sign exactly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reach {
    pub(super) lo: f64,
    pub(super) hi: f64,
    pub(super) nonpositive: bool,
    pub(super) nonnegative: bool,
}

/// Whether a weight may have any value: layer of the chain, row, column (`None`: the bias).
pub(super) type IsFree<'a> = &'a dyn Fn(usize, usize, Option<usize>) -> bool;

/// What every layer's units may be given, and the outputs last.
pub(super) fn reaches(chain: &Chain, domain: &Domain, free: IsFree<'_>) -> Result<Vec<Vec<Reach>>> {
    if chain.parameters() <= MOST_EXACT {
        exactly(chain, domain, free)
    } else {
        Ok(outwards(chain, domain, free))
    }
}

/// An interval with ends that may be infinite (`None`).
#[derive(Clone, Debug)]
struct Extent {
    lo: Option<Ratio>,
    hi: Option<Ratio>,
}

impl Extent {
    fn all() -> Self {
        Extent { lo: None, hi: None }
    }

    fn reach(&self) -> Reach {
        let end = |end: &Option<Ratio>, infinite: f64| end.as_ref().map_or(infinite, near);
        let (lo, hi) = (end(&self.lo, f64::NEG_INFINITY), end(&self.hi, f64::INFINITY));
        let exact_end = |end: &Option<Ratio>, value: f64| {
            end.as_ref().is_none_or(|end| exact(value).is_ok_and(|value| value == *end))
        };
        Reach {
            lo: if exact_end(&self.lo, lo) { lo } else { lo.next_down() },
            hi: if exact_end(&self.hi, hi) { hi } else { hi.next_up() },
            nonpositive: self.hi.as_ref().is_some_and(|hi| !hi.is_positive()),
            nonnegative: self.lo.as_ref().is_some_and(|lo| !lo.is_negative()),
        }
    }

    fn times(&self, factor: &Ratio) -> Self {
        let end = |end: &Option<Ratio>| end.as_ref().map(|end| end * factor);
        if factor.is_negative() {
            Extent { lo: end(&self.hi), hi: end(&self.lo) }
        } else {
            Extent { lo: end(&self.lo), hi: end(&self.hi) }
        }
    }

    /// Times any number: only 0 and one-signed infinities are left.
    fn times_any(&self) -> Self {
        let zero = |end: &Option<Ratio>| end.as_ref().is_some_and(Zero::is_zero);
        if zero(&self.lo) && zero(&self.hi) { self.clone() } else { Extent::all() }
    }

    fn add(&mut self, other: &Self) {
        let sum = |a: &Option<Ratio>, b: &Option<Ratio>| Some(a.as_ref()? + b.as_ref()?);
        *self = Extent { lo: sum(&self.lo, &other.lo), hi: sum(&self.hi, &other.hi) };
    }
}

fn exactly(chain: &Chain, domain: &Domain, free: IsFree<'_>) -> Result<Vec<Vec<Reach>>> {
    let end = |value: f64| if value.is_finite() { exact(value).map(Some) } else { Ok(None) };
    let mut values: Vec<Extent> = domain
        .ends()
        .iter()
        .map(|(lo, hi)| Ok(Extent { lo: end(*lo)?, hi: end(*hi)? }))
        .collect::<Result<_>>()?;
    let inputs = values.clone();
    let mut kept: Vec<Vec<Extent>> = vec![];
    let mut all = vec![values.iter().map(Extent::reach).collect::<Vec<_>>()];
    for (at, layer) in chain.layers.iter().enumerate() {
        values = match &layer.part {
            Part::Affine(affine) => {
                (0..affine.bias.len()).map(|row| of_row(affine, at, row, &values, free)).collect()
            }
            Part::Activation { slopes: Some(slopes), .. } => {
                values.iter().zip(slopes).map(|(value, slope)| kinked(value, slope)).collect()
            }
            Part::Norm(_) | Part::Activation { slopes: None, .. } | Part::Softmax(_) => {
                outside(&layer.part, &values.iter().map(Extent::reach).collect::<Vec<_>>())
                    .into_iter()
                    .map(|reach| Ok(Extent { lo: end(reach.lo)?, hi: end(reach.hi)? }))
                    .collect::<Result<_>>()?
            }
            Part::Kept(kept) => kept
                .gives
                .iter()
                .map(|given| match given {
                    Given::Input(at) => inputs[*at].clone(),
                    Given::Between(lo, hi) => Extent { lo: Some(lo.clone()), hi: Some(hi.clone()) },
                })
                .collect(),
            Part::Fork => {
                kept.push(values.clone());
                values
            }
            Part::Join => {
                let others = kept.pop().unwrap_or_default();
                values.iter_mut().zip(&others).for_each(|(value, other)| value.add(other));
                values
            }
        };
        all.push(values.iter().map(Extent::reach).collect());
    }
    Ok(all)
}

fn of_row(
    affine: &Affine,
    layer: usize,
    row: usize,
    values: &[Extent],
    free: IsFree<'_>,
) -> Extent {
    if free(layer, row, None) {
        return Extent::all();
    }
    let bias = Some(affine.bias[row].clone());
    let mut sum = Extent { lo: bias.clone(), hi: bias };
    for (column, weight) in affine.weight[row].iter().enumerate() {
        if free(layer, row, Some(column)) {
            sum.add(&values[column].times_any());
        } else if !weight.is_zero() {
            sum.add(&values[column].times(weight));
        }
    }
    sum
}

fn kinked(value: &Extent, slope: &Ratio) -> Extent {
    let end = |end: &Ratio| if end.is_positive() { end.clone() } else { end * slope };
    if slope.is_negative() {
        return Extent { lo: Some(Ratio::zero()), hi: None };
    }
    let below = slope.is_zero().then(Ratio::zero);
    Extent { lo: value.lo.as_ref().map(end).or(below), hi: value.hi.as_ref().map(end) }
}

/// What is known behind a layer that isn't linear in pieces; normalisations are folded before bounds matter.
fn outside(part: &Part, values: &[Reach]) -> Vec<Reach> {
    use crate::nn::Activation::{Gelu, Mish, Sigmoid, Silu, Softplus, Tanh};
    let between =
        |lo: f64, hi: f64| Reach { lo, hi, nonpositive: hi <= 0.0, nonnegative: lo >= 0.0 };
    let unknown = between(f64::NEG_INFINITY, f64::INFINITY);
    let of = |value: &Reach| match part {
        Part::Activation { module: crate::nn::Module::Activation(activation), .. } => {
            if matches!(activation, Sigmoid) {
                between(0.0, 1.0)
            } else if matches!(activation, Tanh) {
                between(-1.0, 1.0)
            } else if matches!(activation, Softplus { .. }) {
                between(0.0, f64::INFINITY)
            } else if matches!(activation, Gelu { .. } | Silu { .. } | Mish { .. }) {
                between(-1.0, value.hi.max(0.0))
            } else {
                unknown
            }
        }
        _ => unknown, // not operations: parts of a chain of which nothing is known
    };
    values.iter().map(of).collect()
}

fn outwards(chain: &Chain, domain: &Domain, free: IsFree<'_>) -> Vec<Vec<Reach>> {
    let interval = |lo: f64, hi: f64| Interval::new(lo, hi).unwrap_or(Interval::ALL);
    let reach = |value: &Interval| Reach {
        lo: value.lo(),
        hi: value.hi(),
        nonpositive: value.hi() <= 0.0,
        nonnegative: value.lo() >= 0.0,
    };
    let around = |value: &Ratio| {
        let float = near(value);
        if exact(float).is_ok_and(|back| back == *value) {
            Interval::point(float)
        } else {
            interval(float.next_down(), float.next_up())
        }
    };
    let mut values: Vec<Interval> =
        domain.ends().iter().map(|(lo, hi)| interval(*lo, *hi)).collect();
    let inputs = values.clone();
    let mut kept: Vec<Vec<Interval>> = vec![];
    let mut all = vec![values.iter().map(reach).collect::<Vec<_>>()];
    for (at, layer) in chain.layers.iter().enumerate() {
        values = match &layer.part {
            Part::Affine(affine) => (0..affine.bias.len())
                .map(|row| {
                    if free(at, row, None) {
                        return Interval::ALL;
                    }
                    let mut sum = around(&affine.bias[row]);
                    for (column, weight) in affine.weight[row].iter().enumerate() {
                        let weight = if free(at, row, Some(column)) {
                            Interval::ALL
                        } else {
                            around(weight)
                        };
                        sum = sum.plus(values[column].times(weight));
                    }
                    sum
                })
                .collect(),
            Part::Activation { slopes: Some(slopes), .. } => values
                .iter()
                .zip(slopes)
                .map(|(value, slope)| {
                    if slope.is_negative() {
                        return interval(0.0, f64::INFINITY);
                    }
                    let slope = around(slope);
                    let part = |lo: f64, hi: f64| interval(lo, hi);
                    let above = part(value.lo().max(0.0), value.hi().max(0.0));
                    let below = part(value.lo().min(0.0), value.hi().min(0.0)).times(slope);
                    above.plus(below)
                })
                .collect(),
            Part::Norm(_) | Part::Activation { slopes: None, .. } | Part::Softmax(_) => {
                outside(&layer.part, &values.iter().map(reach).collect::<Vec<_>>())
                    .iter()
                    .map(|reach| interval(reach.lo, reach.hi))
                    .collect()
            }
            Part::Kept(kept) => kept
                .gives
                .iter()
                .map(|given| match given {
                    Given::Input(at) => inputs[*at],
                    Given::Between(lo, hi) => interval(around(lo).lo(), around(hi).hi()),
                })
                .collect(),
            Part::Fork => {
                kept.push(values.clone());
                values
            }
            Part::Join => {
                let others = kept.pop().unwrap_or_default();
                values.iter().zip(&others).map(|(value, other)| value.plus(*other)).collect()
            }
        };
        all.push(values.iter().map(reach).collect());
    }
    all
}
