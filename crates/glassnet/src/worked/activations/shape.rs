//! What an activation looks like: its range, where it is steepest, what happens far out, whether its outputs average 0.

use super::Activation;
use crate::derive::{How, Known, Limit, Properties, Run, Symmetry, Trend, properties};
use crate::error::{Error, ErrorKind, Result};
use crate::formula::{Expression, parse};
use crate::nn::{Module, Network};

/// A side of the axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Towards −∞.
    Left,
    /// Towards ∞.
    Right,
}

/// What an activation looks like: the answers of [`properties`] that matter for a layer.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// The infimum and supremum of f; infinite where it is unbounded.
    pub range: (f64, f64),
    /// Whether f takes its least and greatest values, or only comes near.
    pub attained: (bool, bool),
    /// A place where |f'| is greatest, and how great; on a stretch the end nearest to 0, NaN if it is only neared.
    pub steepest: (f64, f64),
    /// The stretch on which |f'| stays at its greatest, if there is one; infinite ends are open.
    pub steepest_along: Option<(f64, f64)>,
    /// The mean of f over normal inputs (mean 0, variance 1), if it has one.
    pub mean: Option<f64>,
    /// Whether f is odd, so that outputs average 0 where inputs lie evenly about 0.
    pub zero_centred: bool,
    /// The ends where f' is exactly 0 on a whole half-line, and where it begins: units that get there have no gradient.
    pub dead: Vec<(Side, f64)>,
    /// The ends where f' tends to 0 (or is 0).
    pub saturates: Vec<Side>,
    /// Whether f never falls, as far as that is determined.
    pub rising: bool,
    /// Places where f has a kink.
    pub kinks: Vec<f64>,
    /// Whether all of this is known exactly, rather than found by a search.
    pub exact: bool,
    /// How each of it is known: what is not determined is empty, infinite or NaN above and means nothing.
    pub known: ShapeKnown,
}

/// How the parts of a [`Shape`] are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShapeKnown {
    /// The range.
    pub range: How,
    /// The greatest |f'| and its place.
    pub steepest: How,
    /// Where it rises, falls and stays, and so where units die.
    pub course: How,
    /// What the slope tends to at either end.
    pub ends: How,
    /// That there are no other kinks.
    pub kinks: How,
}

impl ShapeKnown {
    /// Whether the property is one of the whole line, not of a part of it or of nothing.
    pub fn is_settled(how: How) -> bool {
        how <= How::Numeric
    }
}

impl Shape {
    /// Whether f' is exactly 0 on a half-line.
    pub fn can_die(&self) -> bool {
        !self.dead.is_empty()
    }
}

/// Looks at the activation.
pub(super) fn shape(activation: &Activation) -> Result<Shape> {
    let (formula, variable) = formula(activation)?;
    let found = properties(&formula, &variable).map_err(|error| {
        if error.place().is_some() { error } else { error.at("the activations") }
    })?;
    let everywhere = matches!(found.domain.what.as_slice(), [only]
        if only.low == Limit::MinusInfinity && only.high == Limit::Infinity);
    if !everywhere || !ShapeKnown::is_settled(found.domain.how) {
        return Err(Error::new(
            ErrorKind::Numeric,
            format!("{} has no value for some z", activation.name),
        )
        .at("the activations")
        .help("give a function that is finite for every z"));
    }
    Ok(of(&found))
}

/// The activation's formula and its variable; a PReLU has the slope that it begins with.
fn formula(activation: &Activation) -> Result<(Expression, String)> {
    let formula = match &activation.module {
        Module::Activation(named) => named.formula(),
        Module::Formula(own) => own.expression().clone(),
        Module::Identity => parse("z")?,
        Module::Prelu(_) => {
            let network = Network::new(activation.module.clone(), 0)?;
            let slope = network.state_dict().floats("weight")?.data().first().copied();
            parse(&format!("piecewise(z > 0, z, {}*z)", slope.unwrap_or(0.25)))?
        }
        Module::Linear(_)
        | Module::Softmax { .. }
        | Module::LogSoftmax { .. }
        | Module::Flatten(_)
        | Module::Dropout(_)
        | Module::BatchNorm1d(_)
        | Module::LayerNorm(_)
        | Module::Embedding(_)
        | Module::EmbedColumns(_)
        | Module::Residual(_)
        | Module::Sequential(_) => {
            return Err(Error::usage(format!("{} is no function of one number", activation.name))
                .at("the activations")
                .help("name elementwise layers, such as ReLU or Tanh"));
        }
    };
    let variable = formula.variables().into_iter().next().unwrap_or_else(|| "z".into());
    Ok((formula, variable))
}

fn of(found: &Properties) -> Shape {
    let range = &found.range.what;
    let runs = &found.runs.what;
    let mut dead = vec![];
    let settled = ShapeKnown::is_settled(found.runs.how);
    if settled
        && let Some(Run { low: None, high: Some(high), trend: Trend::Constant }) = runs.first()
    {
        dead.push((Side::Left, high.value));
    }
    if settled && let Some(Run { low: Some(low), high: None, trend: Trend::Constant }) = runs.last()
    {
        dead.push((Side::Right, low.value));
    }
    let [left, right] = found.saturates();
    let saturates = [(Side::Left, left), (Side::Right, right)];
    let exactly = |how: How| how == How::Exact;
    let [left_how, right_how] = [0, 1].map(|side| {
        let own: &Known<Limit> = &found.slope_limits[side];
        own.how
    });
    let known = ShapeKnown {
        range: found.range.how,
        steepest: found.steepest.how,
        course: found.runs.how,
        ends: left_how.max(right_how),
        kinks: found.kinks.how,
    };
    let all =
        [known.range, known.steepest, known.course, known.ends, known.kinks, found.symmetry.how];
    Shape {
        range: (range.low.to_f64(), range.high.to_f64()),
        attained: (range.low_closed, range.high_closed),
        steepest: steepest(found),
        steepest_along: along(found),
        mean: found.mean_output,
        zero_centred: found.symmetry.what == Symmetry::Odd
            && ShapeKnown::is_settled(found.symmetry.how),
        dead,
        saturates: saturates.into_iter().filter(|(_, does)| *does).map(|(side, _)| side).collect(),
        rising: settled && runs.iter().all(|run| run.trend != Trend::Falling),
        kinks: found.kinks.what.iter().map(|kink| kink.at.value).collect(),
        exact: all.into_iter().all(exactly),
        known,
    }
}

/// The stretch where |f'| stays at its greatest.
fn along(found: &Properties) -> Option<(f64, f64)> {
    let (low, high) = found.steepest.what.along.first()?;
    Some((
        low.as_ref().map_or(f64::NEG_INFINITY, |low| low.value),
        high.as_ref().map_or(f64::INFINITY, |high| high.value),
    ))
}

fn steepest(found: &Properties) -> (f64, f64) {
    let value = found.steepest.what.value.to_f64();
    let nearest = |a: &f64, b: &f64| a.abs().total_cmp(&b.abs());
    let reached = found.steepest.what.at.iter().map(|place| place.value).min_by(nearest);
    let ends = along(found).map(|(low, high)| [low, high]).into_iter().flatten();
    let end = ends.filter(|end| end.is_finite()).min_by(nearest);
    (reached.or(end).unwrap_or(f64::NAN), value)
}
