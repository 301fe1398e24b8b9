//! What holds of a function of one variable: range, symmetry, where it rises, its steepest place, limits, kinks.
//!
//! Each property says how it is known. [`How::Exact`]: by algebra (the slope is a fraction of polynomials in z or in
//! e^{κz} on every piece, whose zeros Sturm's theorem counts), by rules for limits, by the exact comparison of
//! formulas. [`How::Numeric`]: by a search at steps of 0.01 from −40 to 40, refined by bisection, while bounds over
//! whole intervals show that nothing else is farther out. [`How::Looked`]: by that search, where the bounds do not
//! show it: said of −40 ≤ z ≤ 40 only. [`How::Undetermined`]: not at all. Digits are rounded either way.

mod document;
mod domain;
mod enclosure;
mod limit;
mod ratio;
mod smooth;
mod summary;
mod survey;
mod univariate;
mod zeros;

#[cfg(test)]
mod tests;

pub(in crate::derive) use document::rounded;
pub use limit::Limit;

use super::exact::{Comparison, compare, ordered_joints};
use crate::error::{Error, Result};
use crate::formula::Expression;
use num_rational::BigRational;
use num_traits::ToPrimitive;
use smooth::{candidates, kinks};
use survey::{Stretch, survey};

/// How a property is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// Decided exactly.
    Exact,
    /// Found by a search; no proof.
    Numeric,
    /// Found by a search from −40 to 40, and said of that part only.
    Looked,
    /// Not known: what is said beside it means nothing.
    Undetermined,
}

impl How {
    /// The word that tells it.
    pub fn word(self) -> &'static str {
        match self {
            How::Exact => "exactly",
            How::Numeric => "numerically",
            How::Looked => "for −40 ≤ z ≤ 40, as far as was looked",
            How::Undetermined => "not determined",
        }
    }
}

/// A property with how it is known.
#[derive(Clone, Debug, PartialEq)]
pub struct Known<T> {
    /// What holds.
    pub what: T,
    /// How that is known.
    pub how: How,
}

/// A number: its nearest f64, and its exact form where that is short.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity {
    /// The value.
    pub value: f64,
    /// The exact value as a formula.
    pub exact: Option<Expression>,
}

impl Quantity {
    fn exact(value: BigRational) -> Quantity {
        let nearest = value.to_f64().unwrap_or(f64::NAN);
        Quantity::of(nearest, Some(value))
    }

    fn of(value: f64, exact: Option<BigRational>) -> Quantity {
        // -0 is 0 to everyone who reads it.
        let value = if value == 0.0 { 0.0 } else { value };
        let exact = exact.and_then(|exact| ratio::small(&exact)).map(Expression::from_rational);
        Quantity { value, exact: exact.filter(|exact| exact.nodes() <= 4) }
    }
}

/// A set of numbers between two ends.
#[derive(Clone, Debug, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub low: Limit,
    /// Whether the lower end belongs to it.
    pub low_closed: bool,
    /// The upper end.
    pub high: Limit,
    /// Whether the upper end belongs to it.
    pub high_closed: bool,
}

/// Whether a function is odd, even or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Symmetry {
    /// f(−z) = −f(z)
    Odd,
    /// f(−z) = f(z)
    Even,
    /// Neither.
    None,
}

/// How a function goes on a part of its line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trend {
    /// Strictly up.
    Rising,
    /// Strictly down.
    Falling,
    /// Not at all.
    Constant,
}

/// A part of the line with how the function goes there.
#[derive(Clone, Debug, PartialEq)]
pub struct Run {
    /// The lower end; −∞ if none.
    pub low: Option<Quantity>,
    /// The upper end; ∞ if none.
    pub high: Option<Quantity>,
    /// How the function goes.
    pub trend: Trend,
}

/// The greatest size of the slope.
#[derive(Clone, Debug, PartialEq)]
pub struct Steepest {
    /// The least upper bound of |f'|; infinite if there is none.
    pub value: Limit,
    /// The places where it is reached; none if it is only neared, or reached on whole intervals.
    pub at: Vec<Quantity>,
    /// The intervals on which the slope is constant and of that size.
    pub along: Vec<(Option<Quantity>, Option<Quantity>)>,
}

/// A place without a derivative.
#[derive(Clone, Debug, PartialEq)]
pub struct OneSided {
    /// The place.
    pub at: Quantity,
    /// The derivative from the left.
    pub left: Limit,
    /// The derivative from the right.
    pub right: Limit,
    /// How far the value jumps, if it does.
    pub jump: Option<f64>,
    /// What PyTorch takes for the derivative there.
    pub convention: Option<f64>,
}

/// Values at a place, right to the last digit of each format.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The place.
    pub z: f64,
    /// f(z)
    pub value: Option<f64>,
    /// f'(z)
    pub slope: Option<f64>,
    /// f'(z) as its formula gives it in f32, each operation rounded.
    pub slope_f32: f32,
}

/// What holds of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct Properties {
    /// The function.
    pub formula: Expression,
    /// Its variable.
    pub variable: String,
    /// Its derivative, with the conventions at kinks.
    pub derivative: Expression,
    /// Where it has a value: all numbers, or these intervals.
    pub domain: Known<Vec<Interval>>,
    /// The least interval that holds every value.
    pub range: Known<Interval>,
    /// Odd, even or neither.
    pub symmetry: Known<Symmetry>,
    /// Whether inputs that lie evenly about 0 give outputs that average to 0: the function is odd.
    pub zero_centred: Known<bool>,
    /// The average output for inputs from the normal distribution, to about five digits; 0 for an odd function. `None`
    /// if there is none, or none that can be trusted.
    pub mean_output: Option<f64>,
    /// Where it rises, falls and stays, from left to right.
    pub runs: Known<Vec<Run>>,
    /// The greatest |f'|, which is the Lipschitz constant of a continuous function.
    pub steepest: Known<Steepest>,
    /// True if the function has jumps, and so no Lipschitz constant.
    pub jumps: bool,
    /// The limits at −∞ and ∞.
    pub limits: [Known<Limit>; 2],
    /// The limits of the slope at −∞ and ∞: 0 is called saturation.
    pub slope_limits: [Known<Limit>; 2],
    /// The kinks and jumps within the domain.
    pub kinks: Known<Vec<OneSided>>,
    /// Values at −10, −5, −1, 0, 1, 5, 10.
    pub samples: Vec<Sample>,
}

impl Properties {
    /// Whether the function saturates to the left and to the right: its slope nears 0.
    pub fn saturates(&self) -> [bool; 2] {
        [0, 1].map(|side| {
            let own = &self.slope_limits[side];
            own.how <= How::Numeric && own.what.is_zero()
        })
    }

    /// The Lipschitz constant: |f(a) − f(b)| ≤ L·|a − b|; `None` if there is none, or it is not determined.
    pub fn lipschitz(&self) -> Option<&Quantity> {
        if self.steepest.how > How::Numeric || self.domain.what.len() != 1 {
            return None;
        }
        match &self.steepest.what.value {
            Limit::Finite(value) if !self.jumps => Some(value),
            Limit::Finite(_) | Limit::Infinity | Limit::MinusInfinity | Limit::None => None,
        }
    }
}

/// A function with more kinks than this is not taken apart.
const MAX_JOINTS: usize = 100;

/// What holds of `formula` as a function of `variable`.
///
/// # Errors
/// Usage errors for a formula with other variables, and for one that has no value anywhere; the limits of
/// [`Expression::differentiate`].
///
/// ```
/// use glassnet::derive::properties;
/// let sigmoid = properties(&glassnet::formula::parse("sigmoid(z)")?, "z")?;
/// assert_eq!(sigmoid.lipschitz().unwrap().exact.as_ref().unwrap().to_string(), "1/4");
/// assert_eq!(sigmoid.saturates(), [true, true]);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn properties(formula: &Expression, variable: &str) -> Result<Properties> {
    let others: Vec<String> =
        formula.variables().into_iter().filter(|name| name != variable).collect();
    if !others.is_empty() {
        return Err(Error::usage(format!(
            "the properties of a formula with {} depend on what that is",
            others.join(", ")
        ))
        .at(format!("formula '{formula}'"))
        .help(format!("put numbers in for all but {variable}")));
    }
    let derivative = formula.differentiate(variable)?;
    let second = derivative.differentiate(variable)?;
    let (domain, ends) = domain::domain(formula, variable);
    if domain.what.is_empty() && domain.how <= How::Numeric {
        return Err(Error::usage("the formula has no value anywhere")
            .at(format!("formula '{formula}'"))
            .help("give a formula with values"));
    }
    let mut places = ordered_joints(formula, variable);
    places.extend(ordered_joints(&derivative, variable));
    let mut bends = candidates(formula, variable);
    let mut slope_bends = candidates(&derivative, variable);
    for bends in [&mut bends, &mut slope_bends] {
        if bends.places.len() > MAX_JOINTS {
            *bends = zeros::Zeros { places: vec![], how: How::Undetermined };
        }
    }
    let known = bends.clone().and(slope_bends);
    places.extend(known.places.iter().map(|spot| spot.at.clone()));
    places.extend(ends);
    places.sort();
    places.dedup_by(|b, a| (&*b - &*a).to_f64().is_some_and(|gap| gap < 1e-12));
    let joints = bends_how(known.how.max(domain.how));
    let mut own = survey(formula, &derivative, variable, &places, &domain.what);
    let mut slopes = survey(&derivative, &second, variable, &places, &domain.what);
    for stretch in own.iter_mut().chain(&mut slopes) {
        stretch.how = stretch.how.max(joints);
    }
    let kinks = kinks(&derivative, variable, &bends, &domain, &own, &slopes);
    let symmetry = symmetry(formula, variable);
    let ends = |stretches: &[Stretch]| {
        let known = |stretch: Option<&Stretch>, side: usize| {
            let outer = |stretch: &&Stretch| {
                (if side == 0 { &stretch.low } else { &stretch.high }).is_none()
            };
            match stretch.filter(outer) {
                // The domain ends before: there is no limit there.
                None => Known { what: Limit::None, how: domain.how },
                Some(_) if domain.how > How::Numeric => {
                    Known { what: Limit::None, how: How::Undetermined }
                }
                Some(stretch) => {
                    Known { what: stretch.ends[side].clone(), how: stretch.ends_how[side] }
                }
            }
        };
        [known(stretches.first(), 0), known(stretches.last(), 1)]
    };
    let limits = ends(&own);
    let slope_limits = ends(&slopes);
    let everywhere = domain.how <= How::Numeric
        && matches!(domain.what.as_slice(), [own] if own.low == Limit::MinusInfinity && own.high == Limit::Infinity);
    let mean = everywhere.then(|| summary::mean_output(formula, variable)).flatten();
    let odd = symmetry.what == Symmetry::Odd && symmetry.how <= How::Numeric;
    Ok(Properties {
        domain,
        range: summary::range(&own, formula, variable),
        zero_centred: Known { what: symmetry.what == Symmetry::Odd, how: symmetry.how },
        symmetry,
        mean_output: mean.map(|mean| if odd { 0.0 } else { mean }),
        runs: summary::runs(&own, formula, variable),
        steepest: summary::steepest(&slopes, &derivative, variable),
        jumps: kinks.what.iter().any(|kink| kink.jump.is_some()),
        limits,
        slope_limits,
        kinks,
        samples: summary::samples(formula, &derivative, variable),
        formula: formula.clone(),
        variable: variable.into(),
        derivative,
    })
}

fn symmetry(formula: &Expression, variable: &str) -> Known<Symmetry> {
    let minus = Expression::negative(Expression::variable(variable));
    let mirrored = formula.substitute(variable, &minus);
    for (what, other) in
        [(Symmetry::Odd, Expression::negative(mirrored.clone())), (Symmetry::Even, mirrored)]
    {
        match compare(formula, &other) {
            Comparison::Equal => return Known { what, how: How::Exact },
            Comparison::NumericallyEqual => return Known { what, how: How::Numeric },
            Comparison::Different { .. } => {}
            Comparison::Unknown { .. } => {
                return Known { what: Symmetry::None, how: How::Undetermined };
            }
        }
    }
    Known { what: Symmetry::None, how: How::Exact }
}

/// How pieces are known whose joints are known so: what is not known of a joint may hide on any piece.
fn bends_how(joints: How) -> How {
    match joints {
        How::Exact | How::Numeric => How::Exact,
        How::Looked => How::Looked,
        How::Undetermined => How::Undetermined,
    }
}
