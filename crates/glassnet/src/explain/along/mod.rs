//! The loss as a function of one weight: should it go up or down?
//!
//! While one weight moves and all others stand still, every pre-activation of a piecewise-linear network is
//! piecewise affine in it, and a squared error piecewise quadratic: kinks and minimum are fractions, and nothing is
//! rounded. With cross-entropy or another smooth loss the kinks are still exact and the loss between them is a smooth
//! curve. Networks with curved activations after the weight are curves as a whole; what cannot be told exactly is
//! sampled, and says so.

mod curve;
mod document;
mod least;
mod numbers;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use super::exact::{
    self, Function, Given, Numbers, Place, Polynomial, Rational, Value, nearest, rational,
};
use super::setting::{Setting, Weight};
use crate::error::{Error, ErrorKind, Result};

/// What is asked about a weight.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AlongConfig {
    /// Between which values the weight may move; everywhere if not given.
    pub range: Option<(f64, f64)>,
}

/// The loss along one weight, all else standing still.
#[derive(Clone, Debug, PartialEq)]
pub struct Along {
    /// The weight that moves.
    pub weight: Weight,
    /// What the given numbers were taken to be.
    pub numbers: Numbers,
    /// How well the curve is known.
    pub knowledge: Knowledge,
    /// The pieces from left to right; they cover the range, or the whole line.
    pub pieces: Vec<Piece>,
    /// Where the weight stands.
    pub now: Now,
    /// Where the loss is least.
    pub minimum: Minimum,
    /// Whether to move the weight, and which way.
    pub advice: Advice,
    /// Points of the curve for drawing, around everything of interest.
    pub curve: Vec<(f64, f64)>,
    /// Constants that are no fractions and were taken at their nearest f64, by layer.
    pub rounded: Vec<String>,
}

/// How well a loss along a weight is known.
#[derive(Clone, Debug, PartialEq)]
pub enum Knowledge {
    /// Every piece is a polynomial with exact coefficients.
    Exact,
    /// Kinks are exact; between them the loss is a smooth curve that is evaluated in f64.
    ExactKinks,
    /// The loss was computed in f64 at so many values of the weight, and what lies between was not looked at.
    Sampled {
        /// Why no more is known.
        why: String,
        /// How many values.
        points: usize,
    },
}

/// A stretch of the weight's range and what the loss is there.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// Where it begins; `None` for −∞.
    pub from: Option<Arc<Place>>,
    /// Where it ends; `None` for ∞.
    pub to: Option<Arc<Place>>,
    /// The loss as a polynomial in the weight; `None` for a smooth curve without closed form here.
    pub polynomial: Option<Polynomial>,
}

/// Where the weight stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Now {
    /// The weight.
    pub weight: Rational,
    /// The loss.
    pub loss: Level,
    /// The slope of the loss on the left of it; on a kink the two differ.
    pub slope_left: f64,
    /// The slope on the right of it.
    pub slope_right: f64,
}

/// A value of the loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Level {
    /// The value in f64.
    pub value: f64,
    /// The value itself, where it is known exactly.
    pub exact: Option<Rational>,
}

/// Where the loss is least.
#[derive(Clone, Debug, PartialEq)]
pub enum Minimum {
    /// At these places, ascending.
    At {
        /// The least loss.
        loss: Level,
        /// Single places or whole stretches.
        stretches: Vec<Stretch>,
    },
    /// The loss falls for ever as the weight goes there.
    Endless {
        /// Towards ∞ rather than −∞.
        upwards: bool,
    },
    /// The least loss of the part that was looked at lies at its end: it may fall on beyond.
    AtEnd {
        /// At the upper end rather than the lower.
        upwards: bool,
        /// The end.
        weight: f64,
        /// The loss there.
        loss: Level,
    },
}

/// Neighbouring values of a weight with one loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Stretch {
    /// The first; `None` for −∞.
    pub from: Option<Arc<Place>>,
    /// The last, the same as the first for a single value; `None` for ∞.
    pub to: Option<Arc<Place>>,
}

/// Which way to move a weight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Up.
    Increase,
    /// Down.
    Decrease,
    /// Not at all.
    Stay,
}

impl Direction {
    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Direction::Increase => "increase",
            Direction::Decrease => "decrease",
            Direction::Stay => "stay",
        }
    }
}

/// Which way to move a weight, and why.
#[derive(Clone, Debug, PartialEq)]
pub struct Advice {
    /// Which way.
    pub direction: Direction,
    /// The value to move to, if there is one: the nearest at which the loss is least.
    pub to: Option<Place>,
    /// Why.
    pub reason: Reason,
    /// Whether following the slope from here would go that way at all: false on a plateau, and where a hill lies
    /// between.
    pub gradient_leads_there: bool,
}

/// Why a weight should move or stay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The loss is lower there.
    Lower,
    /// The loss is least here.
    Least,
    /// The loss does not depend on the weight.
    Indifferent,
    /// The loss falls on and on that way, as far as was looked.
    Falling,
}

/// The loss of `setting` as a function of `weight`.
///
/// # Errors
/// An unknown weight or index; a range that is empty or not finite. What exact arithmetic cannot do is sampled, which
/// is no error.
///
/// # Example
/// The exercise's question: h₁ = ReLU(w₁x), ŷ = ReLU(w₂h₁), w₁ = −0.1, w₂ = 0.1, and three rows.
/// ```
/// use glassnet::Tensor;
/// use glassnet::explain::along::{AlongConfig, Direction, loss_along};
/// use glassnet::explain::{Setting, Weight};
/// use glassnet::nn::{self, Network, StateDict, loss::Criterion};
/// use glassnet::train::{Dataset, Features, Target};
/// let module = nn::parse("Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())")?;
/// let state = StateDict::from_iter([
///     ("0.weight", Tensor::new([1, 1], vec![-0.1_f32])?.into()),
///     ("2.weight", Tensor::new([1, 1], vec![0.1_f32])?.into()),
/// ]);
/// let network = Network::with_state(module, &state)?;
/// let x = Tensor::new([3, 1], vec![1.0_f32, 2.0, 10.0])?;
/// let y = Tensor::new([3, 1], vec![0.0_f32, 0.3, 1.0])?;
/// let data = Dataset::new(Features::Floats(x), Target::Values(y))?;
/// let setting = Setting::new(&network, &data, &Criterion::parse("mse")?)?;
/// let along = loss_along(&setting, &Weight::parse("0.weight[0,0]")?, &AlongConfig::default())?;
/// assert_eq!(along.lines("w"), ["w ≤ 0: J = 109/300", "w > 0: J = 7/20*w^2 - 53/75*w + 109/300"]);
/// assert_eq!(along.advice.direction, Direction::Increase);
/// assert_eq!(along.advice.to.unwrap().to_string(), "106/105");
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn loss_along(setting: &Setting, weight: &Weight, config: &AlongConfig) -> Result<Along> {
    let (parameter, element) = setting.find(weight)?;
    check_range(config)?;
    let given = Given {
        graph: setting.forward(),
        feeds: setting.feeds(),
        batch: setting.rows(),
        numbers: setting.config().numbers,
        moving: Some((parameter.node, element)),
    };
    let curve = curve::Curve::new(setting, parameter, element)?;
    let found = match exact::evaluate(&given) {
        Ok(found) => found,
        Err(error) if error.kind() == ErrorKind::Limit => {
            return curve.sampled(weight, error.what().to_owned(), config);
        }
        Err(error) => return Err(error),
    };
    let rounded = found.rounded;
    match found.values.get(setting.loss()) {
        Some(Value::Exact(elements)) if elements.len() == 1 => {
            exactly(setting, weight, &elements[0], curve.now(), rounded, config)
        }
        Some(Value::Smooth(places)) => {
            let mut along = curve.smooth(weight, places, config)?;
            along.rounded = rounded;
            Ok(along)
        }
        Some(Value::Unknown(why)) => curve.sampled(weight, why.clone(), config),
        Some(Value::Exact(_) | Value::Index(_)) | None => {
            Err(Error::network("the loss is no single number"))
        }
    }
}

fn check_range(config: &AlongConfig) -> Result<()> {
    match config.range {
        Some((low, high)) if !(low.is_finite() && high.is_finite() && low < high) => {
            Err(Error::usage(format!("the range {low} to {high} holds no values to look at"))
                .help("give two finite numbers, the smaller first"))
        }
        Some(_) | None => Ok(()),
    }
}

/// All of it from the exact function.
fn exactly(
    setting: &Setting,
    weight: &Weight,
    loss: &Function,
    now: f64,
    rounded: Vec<String>,
    config: &AlongConfig,
) -> Result<Along> {
    let numbers = setting.config().numbers;
    let now = rational(now, numbers)?;
    let range = match config.range {
        Some((low, high)) => Some((rational(low, numbers)?, rational(high, numbers)?)),
        None => None,
    };
    let pieces = clipped(loss, range.as_ref());
    let minimum = least::exactly(&pieces);
    let at = loss.at(&now);
    let (slope_left, slope_right) = slopes(loss, &now);
    let here = Now {
        loss: Level { value: nearest(&at), exact: Some(at) },
        weight: now,
        slope_left,
        slope_right,
    };
    let advice = advise(&here, &minimum, pieces.len() == 1 && is_flat(&pieces[0]));
    let curve = curve::drawn(&pieces, &here, &minimum, config.range);
    Ok(Along {
        weight: weight.clone(),
        numbers,
        knowledge: Knowledge::Exact,
        pieces,
        now: here,
        minimum,
        advice,
        curve,
        rounded,
    })
}

fn is_flat(piece: &Piece) -> bool {
    piece.polynomial.as_ref().is_some_and(|polynomial| polynomial.degree() == 0)
}

/// The pieces of a function within a range.
fn clipped(loss: &Function, range: Option<&(Rational, Rational)>) -> Vec<Piece> {
    let pieces = loss.pieces().into_iter().map(|piece| Piece {
        from: piece.from,
        to: piece.to,
        polynomial: Some(piece.polynomial.reduced()),
    });
    let Some((low, high)) = range else { return pieces.collect() };
    let (low, high) =
        (Arc::new(Place::Fraction(low.clone())), Arc::new(Place::Fraction(high.clone())));
    pieces
        .filter(|piece| {
            piece.to.as_ref().is_none_or(|to| *to > low)
                && piece.from.as_ref().is_none_or(|from| *from < high)
        })
        .map(|piece| Piece {
            from: Some(piece.from.filter(|from| *from > low).unwrap_or_else(|| Arc::clone(&low))),
            to: Some(piece.to.filter(|to| *to < high).unwrap_or_else(|| Arc::clone(&high))),
            polynomial: piece.polynomial,
        })
        .collect()
}

/// The derivatives on both sides.
fn slopes(loss: &Function, now: &Rational) -> (f64, f64) {
    let place = Place::Fraction(now.clone());
    let pieces = loss.pieces();
    let slope = |piece: Option<&exact::Piece>| {
        piece.map_or(f64::NAN, |piece| nearest(&piece.polynomial.derivative().at(now)))
    };
    let left = pieces.iter().find(|piece| piece.to.as_ref().is_none_or(|to| **to >= place));
    let right = pieces.iter().find(|piece| piece.to.as_ref().is_none_or(|to| **to > place));
    (slope(left), slope(right))
}

/// What to do with the weight.
fn advise(now: &Now, minimum: &Minimum, indifferent: bool) -> Advice {
    if indifferent {
        return Advice {
            direction: Direction::Stay,
            to: None,
            reason: Reason::Indifferent,
            gradient_leads_there: true,
        };
    }
    let (direction, to, reason) = match minimum {
        Minimum::Endless { upwards } => (towards(*upwards), None, Reason::Falling),
        Minimum::AtEnd { upwards, .. } => (towards(*upwards), None, Reason::Falling),
        Minimum::At { stretches, .. } => nearest_stretch(now, stretches),
    };
    let gradient_leads_there = match direction {
        Direction::Increase => now.slope_right < 0.0,
        Direction::Decrease => now.slope_left > 0.0,
        Direction::Stay => true,
    };
    Advice { direction, to, reason, gradient_leads_there }
}

fn towards(upwards: bool) -> Direction {
    if upwards { Direction::Increase } else { Direction::Decrease }
}

/// The way to the nearest of the places where the loss is least.
fn nearest_stretch(now: &Now, stretches: &[Stretch]) -> (Direction, Option<Place>, Reason) {
    let place = Place::Fraction(now.weight.clone());
    let mut best: Option<(f64, Direction, &Place)> = None;
    for stretch in stretches {
        let above = stretch.from.as_deref().filter(|from| **from > place);
        let below = stretch.to.as_deref().filter(|to| **to < place);
        let (direction, to) = match (above, below) {
            (Some(from), _) => (Direction::Increase, from),
            (None, Some(to)) => (Direction::Decrease, to),
            (None, None) => return (Direction::Stay, Some(place), Reason::Least),
        };
        let distance = (to.to_f64() - nearest(&now.weight)).abs();
        if best.is_none_or(|(least, _, _)| distance < least) {
            best = Some((distance, direction, to));
        }
    }
    match best {
        Some((_, direction, to)) => (direction, Some(to.clone()), Reason::Lower),
        None => (Direction::Stay, None, Reason::Least),
    }
}
