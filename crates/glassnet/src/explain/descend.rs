//! Gradient descent from here, step by step, by the training loop itself.

use super::setting::Setting;
use crate::error::{Error, ErrorKind, Result};
use crate::nn::Network;
use crate::train::optimizer::Optimizer;
use crate::train::{Config, Control, Observer, Session, Shuffle, StepEvent};

/// Up to so many parameters the weights of every step are kept.
pub const KEPT_PARAMETERS: usize = 64;

/// A run of plain gradient descent over all rows at once.
#[derive(Clone, Debug, PartialEq)]
pub struct Descent {
    /// The learning rate.
    pub lr: f64,
    /// What each step did.
    pub steps: Vec<DescentStep>,
    /// The loss after the last step; `None` where the run diverged.
    pub loss: Option<f32>,
    /// The first step after which every gradient was exactly 0 until the end, though the loss was not: nothing moves
    /// any more.
    pub stuck_after: Option<usize>,
    /// Why the run ended early, if the loss left the finite numbers.
    pub diverged: Option<String>,
    /// The network after the last step; the one before where the run diverged.
    pub network: Network,
    /// The parameters' keys with the ranges of their elements among a step's weights.
    pub places: Vec<(String, std::ops::Range<usize>)>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub struct DescentStep {
    /// Its number, from 1.
    pub step: usize,
    /// The loss before it.
    pub loss: f32,
    /// The largest size of a gradient's element.
    pub largest_gradient: f32,
    /// All weights after it, for networks of at most [`KEPT_PARAMETERS`] parameters; else empty.
    pub weights: Vec<f32>,
}

impl Descent {
    /// The first step after which the weight at `place` (see [`Descent::places`]) has `property`.
    pub fn first_step(&self, place: usize, property: impl Fn(f32) -> bool) -> Option<usize> {
        let holds = |step: &&DescentStep| step.weights.get(place).copied().is_some_and(&property);
        self.steps.iter().find(holds).map(|step| step.step)
    }
}

/// `steps` steps of gradient descent with rate `lr` from the weights of `setting`, over all its rows at once, by the
/// engine and the loop that train.
///
/// # Errors
/// What [`Session::new`] refuses; a rate that is not a positive number. Divergence is no error: the result says so.
///
/// ```
/// use glassnet::explain::{Setting, descend::descend};
/// use glassnet::nn::{self, Network, StateDict, loss::Criterion};
/// use glassnet::train::{Dataset, Features, Target};
/// use glassnet::Tensor;
/// let state = StateDict::from_iter([("weight", Tensor::new([1, 1], vec![0.0_f32])?.into())]);
/// let network = Network::with_state(nn::parse("Linear(1, 1, bias=False)")?, &state)?;
/// let data = Dataset::new(
///     Features::Floats(Tensor::new([1, 1], vec![1.0])?),
///     Target::Values(Tensor::new([1, 1], vec![1.0])?),
/// )?;
/// let setting = Setting::new(&network, &data, &Criterion::parse("mse")?)?;
/// let run = descend(&setting, 0.25, 2)?; // w ← w − 0.25·2(w − 1)
/// assert_eq!(run.steps[0].weights, [0.5]);
/// assert_eq!(run.steps[1].weights, [0.75]);
/// assert_eq!(run.loss, Some(0.0625));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn descend(setting: &Setting, lr: f64, steps: usize) -> Result<Descent> {
    if !(lr.is_finite() && lr > 0.0) {
        return Err(
            Error::usage(format!("the learning rate is {lr}")).help("give a finite number above 0")
        );
    }
    let optimizer = Optimizer::parse(&format!("SGD(lr={lr:?})"))?;
    let config = Config {
        epochs: steps,
        batch_size: setting.rows(),
        shuffle: Shuffle::None,
        ..Config::new(setting.criterion().clone(), optimizer)
    };
    let mut places = vec![];
    let mut start = 0;
    for parameter in setting.parameters() {
        let length: usize = parameter.shape.iter().product();
        places.push((parameter.key.clone(), start..start + length));
        start += length;
    }
    let keys = places.iter().map(|(key, _)| key.clone()).collect();
    let mut watch = Watch { keys, kept: start <= KEPT_PARAMETERS, steps: vec![] };
    let mut session = Session::new(setting.network().clone(), setting.data(), None, &config)?;
    let mut diverged = None;
    loop {
        match session.epoch(&mut watch) {
            Ok(Some(_)) => {}
            Ok(None) => break,
            Err(error) if error.kind() == ErrorKind::Numeric => {
                diverged = Some(error.what().to_owned());
                break;
            }
            Err(error) => return Err(error),
        }
    }
    let network = match session.finish() {
        Ok(record) => record.network,
        Err(error) if error.kind() == ErrorKind::Numeric => {
            diverged.get_or_insert_with(|| error.what().to_owned());
            setting.network().clone()
        }
        Err(error) => return Err(error),
    };
    let loss = match diverged {
        Some(_) => None,
        None => {
            let after = Setting::with_config(
                &network,
                setting.data(),
                setting.criterion(),
                setting.config(),
            )?;
            after.trace().loss_value()
        }
    };
    Ok(Descent {
        lr,
        stuck_after: stuck(&watch.steps, loss),
        steps: watch.steps,
        loss,
        diverged,
        network,
        places,
    })
}

/// The step after which no gradient moved anything, if the last steps were such.
fn stuck(steps: &[DescentStep], loss: Option<f32>) -> Option<usize> {
    let moving = steps.iter().rposition(|step| step.largest_gradient != 0.0);
    let still = moving.map_or(0, |at| at + 1);
    (still < steps.len() && loss.is_some_and(|loss| loss != 0.0)).then_some(still)
}

struct Watch {
    keys: Vec<String>,
    kept: bool,
    steps: Vec<DescentStep>,
}

impl Observer for Watch {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        let largest = event.gradients.iter().fold(0.0_f32, |most, slope| most.max(slope.abs()));
        let mut weights = vec![];
        if self.kept {
            for key in &self.keys {
                weights.extend_from_slice(event.block.get(key).unwrap_or(&[]));
            }
        }
        self.steps.push(DescentStep {
            step: self.steps.len() + 1,
            loss: event.loss,
            largest_gradient: largest,
            weights,
        });
        Control::Continue
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::explain::samples::manual;

    #[test]
    fn the_exercise_s_runs() {
        let setting = manual(1.0, 0.1).setting();
        let slow = descend(&setting, 0.01, 300).unwrap();
        assert_eq!(slow.steps.len(), 300);
        assert_eq!(format!("{:.6}", slow.loss.unwrap()), "0.006635");
        assert_eq!(slow.stuck_after, None);
        let fast = descend(&setting, 0.05, 300).unwrap();
        assert_eq!(fast.places[1].0, "2.weight");
        assert_eq!(fast.first_step(1, |w2| w2 < 0.0), Some(6));
        assert_eq!(fast.stuck_after, Some(6));
        assert!((fast.loss.unwrap() - 109.0 / 300.0).abs() < 1e-6);
        assert_eq!(fast.diverged, None);
    }

    #[test]
    fn from_the_dead_start_nothing_moves() {
        let run = descend(&manual(-0.1, 0.1).setting(), 0.01, 5).unwrap();
        assert_eq!(run.stuck_after, Some(0));
        assert_eq!(run.steps[4].weights, [-0.1, 0.1]);
    }

    #[test]
    fn divergence_is_a_result() {
        let run = descend(&manual(1.0, 10.0).setting(), 1e30, 50).unwrap();
        assert!(run.diverged.is_some() || run.stuck_after.is_some(), "{run:?}");
        for lr in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(descend(&manual(1.0, 0.1).setting(), lr, 5).is_err());
        }
    }
}
