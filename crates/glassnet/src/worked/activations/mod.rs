//! Activations compared: derivatives, shape, cost, vanishing gradients, each statement from a number.

mod cost;
mod curve;
mod document;
mod parse;
mod shape;
mod vanish;

pub use cost::Cost;
pub use curve::Values;
pub use shape::{Shape, ShapeKnown, Side};
pub use vanish::Depth;

use crate::error::{Error, ErrorKind, Result};
use crate::nn::Module;
use crate::worked::logistic::{TwoWays, two_ways};

/// The most weights of the random network.
const MOST_WEIGHTS: usize = 20_000_000;

/// An elementwise layer by the name that the user gave it.
#[derive(Clone, Debug, PartialEq)]
pub struct Activation {
    /// How it is called: `ReLU`, `LeakyReLU(0.1)`, or the formula.
    pub name: String,
    /// The layer.
    pub module: Module,
}

/// What [`activations`] does besides the table.
#[derive(Clone, Debug, PartialEq)]
pub struct ActivationsConfig {
    /// The places z whose derivatives are multiplied over a depth.
    pub places: Vec<f64>,
    /// The depth of the product and of the random network.
    pub depth: usize,
    /// The width of the random network's layers.
    pub width: usize,
    /// The rows that pass through the random network.
    pub rows: usize,
    /// The seed of the random network and its rows.
    pub seed: u64,
    /// The size of the arrays that the cost is measured on: rows and columns.
    pub cost_size: (usize, usize),
    /// How long the cost is measured, in seconds, for all activations together.
    pub cost_seconds: f64,
}

impl Default for ActivationsConfig {
    /// z = 1 and 3, depth 20, width 32, 64 rows; cost on 64 × 512 for half a second.
    fn default() -> Self {
        ActivationsConfig {
            places: vec![1.0, 3.0],
            depth: 20,
            width: 32,
            rows: 64,
            seed: 0,
            cost_size: (64, 512),
            cost_seconds: 0.5,
        }
    }
}

/// What is found out about one activation.
#[derive(Clone, Debug, PartialEq)]
pub struct Compared {
    /// The activation.
    pub activation: Activation,
    /// Its range, kinks, ends.
    pub shape: Shape,
    /// Its values and derivatives at 5 and 10, f64 and f32.
    pub tail: [Values; 2],
    /// Its values and derivatives at −1 and −5.
    pub below: [Values; 2],
    /// The derivatives at the places that the config names.
    pub slopes: Vec<f64>,
    /// What it costs beside ReLU, if there was a clock.
    pub cost: Option<Cost>,
    /// Gradients through a random network, one per variance of the weights: 1/(3n), 1/n, 2/n.
    pub depths: Vec<Depth>,
    /// z, f(z) and f'(z), to be drawn.
    pub curve: Vec<(f64, f64, f64)>,
}

/// What [`activations`] finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Activations {
    /// The activations in the order given.
    pub compared: Vec<Compared>,
    /// What was asked for.
    pub config: ActivationsConfig,
    /// LeakyReLU and PReLU at −1 and −5, where one of the activations can die: the cures.
    pub cures: Vec<(Activation, [Values; 2])>,
    /// Sigmoid at an output and two-class softmax on a few scores.
    pub output: Vec<TwoWays>,
}

/// Compares `activations`. With a `clock`, which tells seconds since any moment, it also measures what each costs.
///
/// Values and derivatives are those of the graph that trains: f64 by the oracle, f32 by the engine. The cost is the
/// least time of interleaved runs, so that a busy moment hurts none of them alone.
///
/// # Errors
/// No activation, a layer that is not elementwise, a formula without a finite value, a depth or size out of range.
///
/// ```
/// use glassnet::worked::{Activation, ActivationsConfig, activations};
/// let list = ["sigmoid", "tanh"].map(|name| name.parse::<Activation>().unwrap());
/// let found = activations(&list, &ActivationsConfig::default(), None)?;
/// assert_eq!(found.compared[0].shape.steepest, (0.0, 0.25));
/// assert!((found.compared[1].tail[1].slope - 8.2446e-9).abs() < 1e-13);
/// assert_eq!(found.compared[1].tail[1].slope_f32, 0.0); // 1 − tanh² in f32
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn activations(
    activations: &[Activation],
    config: &ActivationsConfig,
    clock: Option<&mut dyn FnMut() -> f64>,
) -> Result<Activations> {
    check(activations, config)?;
    let costs = match clock {
        Some(clock) => cost::measure(activations, config, clock)?.into_iter().map(Some).collect(),
        None => vec![None; activations.len()],
    };
    let compared: Vec<Compared> = activations
        .iter()
        .zip(costs)
        .map(|(activation, cost)| compare(activation, config, cost))
        .collect::<Result<_>>()?;
    let cures = if compared.iter().any(|one| one.shape.can_die()) {
        ["LeakyReLU(0.01)", "PReLU()"]
            .iter()
            .map(|text| {
                let activation: Activation = text.parse()?;
                let below = curve::two(&activation, -1.0, -5.0)?;
                Ok((activation, below))
            })
            .collect::<Result<_>>()?
    } else {
        vec![]
    };
    let output = two_ways(&[-2.0, 0.0, 3.0], &[false, true, true])?;
    Ok(Activations { compared, config: config.clone(), cures, output })
}

fn compare(
    activation: &Activation,
    config: &ActivationsConfig,
    cost: Option<Cost>,
) -> Result<Compared> {
    let places = curve::evaluate(activation, &config.places)?;
    let drawn: Vec<f64> = (-120..=120).map(|step| f64::from(step) / 20.0).collect();
    let curve = curve::evaluate(activation, &drawn)?;
    Ok(Compared {
        shape: shape::shape(activation)?,
        tail: curve::two(activation, 5.0, 10.0)?,
        below: curve::two(activation, -1.0, -5.0)?,
        slopes: places.iter().map(|values| values.slope).collect(),
        cost,
        depths: vanish::depths(activation, config)?,
        curve: curve.iter().map(|values| (values.z, values.value, values.slope)).collect(),
        activation: activation.clone(),
    })
}

fn check(activations: &[Activation], config: &ActivationsConfig) -> Result<()> {
    if activations.is_empty() {
        return Err(Error::usage("there is no activation")
            .at("the activations")
            .help("name some, such as relu sigmoid tanh"));
    }
    for (at, activation) in activations.iter().enumerate() {
        if activations[..at].iter().any(|other| other.name == activation.name) {
            return Err(Error::usage(format!("{} is there twice", activation.name))
                .at("the activations")
                .help("name each once"));
        }
    }
    if let Some(bad) = config.places.iter().find(|place| !place.is_finite()) {
        return Err(Error::usage(format!("the place {bad} is not finite"))
            .at("the places")
            .help("give finite numbers"));
    }
    let sizes = [config.width, config.rows, config.cost_size.0, config.cost_size.1];
    if config.depth == 0
        || config.depth > 1000
        || sizes.iter().any(|&size| size == 0 || size > 4096)
    {
        return Err(Error::usage("a depth or width is out of range")
            .at("the sizes")
            .help("give a depth of 1 to 1000 and widths of 1 to 4096"));
    }
    if config.depth.saturating_mul(config.width * config.width) > MOST_WEIGHTS {
        return Err(Error::new(
            ErrorKind::Limit,
            format!("a network of {} layers of {} units is too large", config.depth, config.width),
        )
        .at("the sizes")
        .help("give a smaller depth or width"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
