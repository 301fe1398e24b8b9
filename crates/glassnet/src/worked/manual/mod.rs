//! A gradient by hand: every number of one weight's derivative per sample, and what to do with the weight.

mod chain;
mod document;
mod states;

pub use chain::{Chain, Link, ManualRow};
pub use states::{BySign, UnitState};

use crate::error::{Error, Result};
use crate::explain::along::{self, Along, AlongConfig, Piece};
use crate::explain::descend::{Descent, descend};
use crate::explain::exact::{Place, Rational, nearest, rational};
use crate::explain::sharpness::{Sharpness, sharpness};
use crate::explain::{Setting, Weight};
use crate::nn::loss::{Criterion, MSELoss};
use crate::nn::{Network, StateDict};
use crate::train::{Dataset, Target};

/// Learning rates whose runs are shown at most, and steps of each.
const MOST_RATES: usize = 10;
const MOST_STEPS: usize = 100_000;

/// What [`manual`] does besides the table.
#[derive(Clone, Debug, PartialEq)]
pub struct ManualConfig {
    /// The loss.
    pub criterion: Criterion,
    /// Values of the weight to try.
    pub tries: Vec<f64>,
    /// Learning rates of gradient descent; it begins with the weight at the first of `tries`, else where it stands.
    pub rates: Vec<f64>,
    /// Steps of each descent.
    pub steps: usize,
}

impl Default for ManualConfig {
    /// The mean square, nothing tried, 300 steps.
    fn default() -> Self {
        ManualConfig {
            criterion: Criterion::MSELoss(MSELoss::default()),
            tries: vec![],
            rates: vec![],
            steps: 300,
        }
    }
}

/// The loss with the weight at another value.
#[derive(Clone, Debug, PartialEq)]
pub struct Try {
    /// The value.
    pub weight: f64,
    /// The loss there.
    pub loss: f64,
    /// The loss as a fraction, where it is known.
    pub exact: Option<Rational>,
    /// For a mean square: the sum that it is the mean of.
    pub sum: Option<f64>,
}

/// What [`manual`] finds.
#[derive(Clone, Debug)]
pub struct Manual {
    /// The network's notation.
    pub network: String,
    /// The weight.
    pub weight: Weight,
    /// What the weight is called in formulas.
    pub symbol: String,
    /// What it is.
    pub value: f64,
    /// The loss.
    pub criterion: Criterion,
    /// The chain rule's factors.
    pub chain: Chain,
    /// Every sample.
    pub rows: Vec<ManualRow>,
    /// How many numbers the loss is the mean of, if it is a mean square.
    pub squares: Option<usize>,
    /// The loss.
    pub loss: f64,
    /// The loss as a fraction, where it is known.
    pub exact_loss: Option<Rational>,
    /// `∂J/∂w`: the sum over the samples.
    pub gradient: f64,
    /// What can be said of the units on the way.
    pub states: Vec<UnitState>,
    /// The loss along the weight.
    pub along: Along,
    /// Other values of the weight.
    pub tries: Vec<Try>,
    /// The weight's value where descent and sharpness begin.
    pub start: f64,
    /// How strongly the loss bends there, and the rate that is safe.
    pub sharpness: Option<Sharpness>,
    /// Why that cannot be had, if so.
    pub no_sharpness: Option<String>,
    /// Gradient descent from there.
    pub descents: Vec<Descent>,
    /// The names of the weights in the order of a descent's steps.
    pub places: Vec<String>,
}

/// Works out the derivative of the loss towards `weight` sample by sample, says why it is what it is, follows the loss
/// along the weight, tries values, and descends.
///
/// All numbers are those of the trace ([`Setting`]): the graph that trains, in f64 from the numbers as printed.
///
/// # Errors
/// A weight that does not exist or is none of a `Linear` layer; rows or targets that do not fit; rates that are not
/// positive.
///
/// ```
/// use glassnet::explain::Weight;
/// use glassnet::nn::{self, Network, StateDict};
/// use glassnet::train::{Dataset, Features, Target};
/// use glassnet::worked::{ManualConfig, manual};
/// use glassnet::Tensor;
/// let module = nn::parse("Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())")?;
/// let state = StateDict::from_iter([
///     ("0.weight", Tensor::new([1, 1], vec![-0.1_f32])?.into()),
///     ("2.weight", Tensor::new([1, 1], vec![0.1_f32])?.into()),
/// ]);
/// let network = Network::with_state(module, &state)?;
/// let data = Dataset::new(
///     Features::Floats(Tensor::new([3, 1], vec![1.0, 2.0, 10.0])?),
///     Target::Values(Tensor::new([3, 1], vec![0.0, 0.3, 1.0])?),
/// )?;
/// let found = manual(&network, &data, &Weight::parse("0.weight[0,0]")?, &ManualConfig::default())?;
/// assert_eq!(found.exact_loss.unwrap().to_string(), "109/300");
/// assert_eq!(found.gradient, 0.0);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn manual(
    network: &Network,
    data: &Dataset,
    weight: &Weight,
    config: &ManualConfig,
) -> Result<Manual> {
    check(config)?;
    let setting = Setting::new(network, data, &config.criterion)?;
    let (chain, rows) = chain::chain(&setting, weight)?;
    let states = states::states(&setting, &chain, &rows)?;
    let along = along::loss_along(&setting, weight, &AlongConfig::default())?;
    let squares = squares(&config.criterion, data.target());
    let tries = config
        .tries
        .iter()
        .map(|&value| attempt(&setting, &along, weight, value, squares))
        .collect::<Result<_>>()?;
    let value = nearest(&along.now.weight);
    let start = config.tries.first().copied().unwrap_or(value);
    let moved = moved(&setting, weight, start)?;
    let descents = config
        .rates
        .iter()
        .map(|&rate| descend(&moved, rate, config.steps))
        .collect::<Result<Vec<_>>>()?;
    // The curvature tells which rate is safe; where it cannot be had the rest still stands.
    let (sharpness, no_sharpness) = match sharpness(&moved) {
        Ok(found) => (Some(found), None),
        Err(error) => (None, Some(error.to_string())),
    };
    let places = moved
        .parameters()
        .iter()
        .flat_map(|parameter| {
            let count = parameter.shape.iter().product::<usize>();
            (0..count).map(|element| setting.weight(parameter, element).to_string())
        })
        .collect();
    Ok(Manual {
        network: network.module().notation(),
        weight: weight.clone(),
        symbol: chain.symbol.clone(),
        value,
        criterion: config.criterion.clone(),
        loss: setting.trace().exact_loss().unwrap_or(f64::NAN),
        exact_loss: along.now.loss.exact.clone(),
        gradient: rows.iter().map(|row| row.slope).sum(),
        chain,
        rows,
        squares,
        states,
        along,
        tries,
        start,
        sharpness,
        no_sharpness,
        descents,
        places,
    })
}

fn check(config: &ManualConfig) -> Result<()> {
    if let Some(bad) = config.tries.iter().find(|value| !value.is_finite()) {
        return Err(Error::usage(format!("the value {bad} is not tried"))
            .at("the values to try")
            .help("give finite numbers"));
    }
    if let Some(bad) = config.rates.iter().find(|rate| !(rate.is_finite() && **rate > 0.0)) {
        return Err(Error::usage(format!("the learning rate is {bad}"))
            .at("the learning rates")
            .help("give finite numbers above 0"));
    }
    if config.rates.len() > MOST_RATES || config.steps > MOST_STEPS {
        return Err(Error::usage("that is too much to descend")
            .at("the learning rates")
            .help(format!("give at most {MOST_RATES} rates and {MOST_STEPS} steps")));
    }
    Ok(())
}

/// How many squares a mean square is the mean of.
fn squares(criterion: &Criterion, target: &Target) -> Option<usize> {
    match (criterion, target) {
        (Criterion::MSELoss(loss), Target::Values(values))
            if loss.reduction == crate::nn::loss::LossReduction::Mean =>
        {
            Some(values.len())
        }
        _ => None, // not operations: other losses
    }
}

/// The loss with the weight at `value`: from the exact curve, or by the oracle.
fn attempt(
    setting: &Setting,
    along: &Along,
    weight: &Weight,
    value: f64,
    squares: Option<usize>,
) -> Result<Try> {
    let at = rational(value, along.numbers)?;
    let exact = piece_at(&along.pieces, &at)
        .and_then(|piece| piece.polynomial.as_ref())
        .map(|polynomial| polynomial.at(&at));
    let loss = match &exact {
        Some(loss) => nearest(loss),
        None => {
            let (parameter, element) = setting.find(weight)?;
            setting.trace().exact_loss_with(&parameter.key, element, value)?
        }
    };
    Ok(Try { weight: value, loss, exact, sum: squares.map(|count| loss * count as f64) })
}

fn piece_at<'a>(pieces: &'a [Piece], weight: &Rational) -> Option<&'a Piece> {
    let place = Place::Fraction(weight.clone());
    pieces.iter().find(|piece| {
        piece.from.as_ref().is_none_or(|from| **from <= place)
            && piece.to.as_ref().is_none_or(|to| place <= **to)
    })
}

/// The setting with the weight at `value`.
fn moved(setting: &Setting, weight: &Weight, value: f64) -> Result<Setting> {
    let (parameter, element) = setting.find(weight)?;
    let mut tensor = setting.network().state_dict().floats(&parameter.key)?.clone();
    tensor.data_mut()[element] = value as f32;
    let mut network = setting.network().clone();
    let change = StateDict::from_iter([(parameter.key.clone(), tensor.into())]);
    network.load_state_dict(&change, false)?;
    Setting::with_config(&network, setting.data(), setting.criterion(), setting.config())
}

#[cfg(test)]
mod tests;
