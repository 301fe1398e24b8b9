//! The compiled training loop on NumPy's arrays.

mod record;
mod watch;

use glassnet::nn::loss::Criterion;
use glassnet::train::clip::Clip;
use glassnet::train::optimizer::{Optimizer, SavedState};
use glassnet::train::schedule::Schedule;
use glassnet::train::{Config, Record, Session, Shuffle};
use numpy::PyReadonlyArray1;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::arrays::read_dataset;
use crate::errors::OrException;
use crate::predict::network;
use crate::state::{read_state, write_state};
use crate::threads;
use watch::Watch;

/// The settings of a training, from a `dict` with these keys.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Settings {
    loss: String,
    optimizer: String,
    schedule: Option<String>,
    epochs: usize,
    batch_size: usize,
    shuffle: String,
    seed: u64,
    threads: usize,
    patience: Option<usize>,
    min_delta: f64,
    l1: f64,
    l2: f64,
    alpha: f64,
    epsilon_hat: bool,
    velocity: bool,
    clip_norm: Option<f64>,
    clip_value: Option<f64>,
    rows: Option<Py<PyAny>>,
    order: Option<Py<PyAny>>,
    on_epoch: Option<Py<PyAny>>,
    judge: Option<Py<PyAny>>,
}

impl Settings {
    fn config(&self) -> PyResult<Config> {
        let clip = match (self.clip_norm, self.clip_value) {
            (Some(max_norm), None) => Some(Clip::Norm { max_norm, norm_type: 2.0 }),
            (None, Some(clip_value)) => Some(Clip::Value { clip_value }),
            (None, None) => None,
            (Some(_), Some(_)) => {
                return Err(PyValueError::new_err("give clip_norm or clip_value, not both"));
            }
        };
        let schedule = self.schedule.as_deref().map(Schedule::parse).transpose().or_exception()?;
        Ok(Config {
            schedule,
            clip,
            l1: self.l1,
            l2: self.l2,
            alpha: self.alpha,
            epsilon_hat: self.epsilon_hat,
            epochs: self.epochs,
            batch_size: self.batch_size,
            shuffle: shuffle(&self.shuffle, self.order.is_some())?,
            seed: self.seed,
            patience: self.patience,
            min_delta: self.min_delta,
            engine: threads::engine(self.threads)?,
            ..Config::new(
                Criterion::parse(&self.loss).or_exception()?,
                Optimizer::parse(&self.optimizer).or_exception()?,
            )
        })
    }
}

fn shuffle(name: &str, ordered: bool) -> PyResult<Shuffle> {
    match name {
        "own" if !ordered => Ok(Shuffle::Own),
        "torch" if !ordered => Ok(Shuffle::Torch),
        "none" => Ok(Shuffle::None),
        "own" | "torch" => {
            Err(PyValueError::new_err("give an order or a way to shuffle, not both"))
        }
        _ => Err(PyValueError::new_err(format!("there is no order '{name}': own, torch or none"))),
    }
}

/// Trains the network of `notation` from the weights of `state` on the table `(x, y, weights)`, and gives a `dict` with
/// what is left: see `_glassnet.pyi`.
#[pyfunction]
#[pyo3(signature = (notation, state, training, validation, settings, optimizer_state=None))]
pub(crate) fn fit<'py>(
    py: Python<'py>,
    notation: &str,
    state: &Bound<'py, PyDict>,
    training: &Bound<'py, PyTuple>,
    validation: Option<&Bound<'py, PyTuple>>,
    settings: Settings,
    optimizer_state: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyDict>> {
    let network = network(notation, read_state(state)?)?;
    let training = read_dataset(training)?;
    let validation = validation.map(read_dataset).transpose()?;
    let config = settings.config()?;
    let remembered = optimizer_state.map(record::read_optimizer).transpose()?;
    let chosen = settings.rows.as_ref().map(|rows| chosen(rows.bind(py))).transpose()?;
    let mut watch = Watch::new(settings.on_epoch, settings.judge);
    let (order, velocity) = (settings.order, settings.velocity);
    let outcome = py.detach(|| {
        let validation = validation.as_ref();
        let mut session = match &chosen {
            Some(chosen) => Session::on_rows(network, &training, chosen, validation, &config)?,
            None => Session::new(network, &training, validation, &config)?,
        };
        if let Some(remembered) = remembered {
            session.restore_optimizer(remembered)?;
        }
        let rows = training.rows();
        run(session, &mut watch, order.as_ref(), rows, velocity)
    });
    if let Some(failure) = watch.failure() {
        return Err(failure);
    }
    let (finished, remembered) = outcome.or_exception()?;
    let result = PyDict::new(py);
    result.set_item("state", write_state(py, finished.network.state_dict())?)?;
    result.set_item("best_epoch", finished.best_epoch)?;
    result.set_item("stopped", watch.reason(finished.stopped))?;
    result.set_item("history", record::history(py, &finished.history, watch.scores())?)?;
    result.set_item("optimizer_state", record::write_optimizer(py, remembered)?)?;
    Ok(result)
}

/// The rows that train, by their numbers.
fn chosen(rows: &Bound<'_, PyAny>) -> PyResult<Vec<usize>> {
    let rows: PyReadonlyArray1<'_, i64> = rows.extract()?;
    let numbers: Result<Vec<usize>, _> =
        rows.as_array().iter().map(|&row| row.try_into()).collect();
    numbers.map_err(|_| PyValueError::new_err("a row that trains has a negative number"))
}

/// Trains until the training is over or the watch has enough.
fn run(
    mut session: Session<'_>,
    watch: &mut Watch,
    order: Option<&Py<PyAny>>,
    rows: usize,
    velocity: bool,
) -> glassnet::Result<(Record, SavedState)> {
    while !watch.stopped() {
        if let Some(order) = order {
            match watch.ask_order(order, session.history().len() + 1, rows) {
                Some(order) => session.set_order(&order)?,
                None => break,
            }
        }
        if session.epoch(watch)?.is_none() {
            break;
        }
        if let Some(lr) = watch.take_lr() {
            let before = session.set_lr(lr)?;
            if velocity && lr > 0.0 {
                session.scale_momentum(before / lr);
            }
        }
    }
    let remembered = session.optimizer_state();
    Ok((session.finish()?, remembered))
}
