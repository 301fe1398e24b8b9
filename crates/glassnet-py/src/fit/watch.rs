//! What a training asks Python on its way: whether to go on, the order of rows, which weights are best.

use std::time::{Duration, Instant};

use glassnet::Tensor;
use glassnet::train::{Control, EpochRecord, Observer, StepEvent, Stopped};
use numpy::{PyReadonlyArray1, ToPyArray};
use pyo3::exceptions::{PyKeyboardInterrupt, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyBool;

use super::record::epoch_dict;

/// How long a training goes on before it looks whether somebody pressed Ctrl-C.
const PATIENCE: Duration = Duration::from_millis(30);

/// Watches a training for Python.
pub(super) struct Watch {
    on_epoch: Option<Py<PyAny>>,
    judge: Option<Py<PyAny>>,
    looked: Instant,
    /// What the judge said after each epoch.
    scores: Vec<Option<f64>>,
    lr: Option<f64>,
    end: Option<End>,
}

/// Why Python ended the training.
enum End {
    /// The callback said so.
    Callback,
    /// Somebody pressed Ctrl-C.
    Interrupt,
    /// A callback raised an exception.
    Failure(PyErr),
}

impl Watch {
    pub(super) fn new(on_epoch: Option<Py<PyAny>>, judge: Option<Py<PyAny>>) -> Self {
        let looked = Instant::now();
        Watch { on_epoch, judge, looked, scores: vec![], lr: None, end: None }
    }

    pub(super) fn stopped(&self) -> bool {
        self.end.is_some()
    }

    /// The exception that a callback raised.
    pub(super) fn failure(&mut self) -> Option<PyErr> {
        match self.end.take() {
            Some(End::Failure(error)) => Some(error),
            other => {
                self.end = other;
                None
            }
        }
    }

    /// Why the training ended, in a word.
    pub(super) fn reason(&self, stopped: Stopped) -> &'static str {
        match (&self.end, stopped) {
            (Some(End::Interrupt), _) => "interrupted",
            (Some(End::Callback | End::Failure(_)), _) => "callback",
            (None, Stopped::Finished) => "finished",
            (None, Stopped::Patience) => "patience",
            (None, Stopped::Interrupted) => "interrupted",
        }
    }

    /// What the judge said after each epoch.
    pub(super) fn scores(&self) -> &[Option<f64>] {
        &self.scores
    }

    /// The learning rate that the callback asked for.
    pub(super) fn take_lr(&mut self) -> Option<f64> {
        self.lr.take()
    }

    /// The order of the rows in `epoch` (from 1), or `None` where Python failed to give one.
    pub(super) fn ask_order(
        &mut self,
        order: &Py<PyAny>,
        epoch: usize,
        rows: usize,
    ) -> Option<Vec<usize>> {
        self.ask(|py| {
            let given = order.bind(py).call1((epoch,))?;
            let given: PyReadonlyArray1<'_, i64> = given.extract()?;
            let given = given.as_array();
            let numbers: Option<Vec<usize>> = given
                .iter()
                .map(|&row| usize::try_from(row).ok().filter(|&row| row < rows))
                .collect();
            numbers.ok_or_else(|| PyValueError::new_err("the order names rows that there are not"))
        })
    }

    /// Asks Python; an exception ends the training.
    fn ask<T>(&mut self, question: impl FnOnce(Python<'_>) -> PyResult<T>) -> Option<T> {
        if self.stopped() {
            return None;
        }
        let answer = Python::attach(|py| {
            question(py).map_err(|error| match error.is_instance_of::<PyKeyboardInterrupt>(py) {
                true => End::Interrupt,
                false => End::Failure(error),
            })
        });
        match answer {
            Ok(answer) => Some(answer),
            Err(end) => {
                self.end = Some(end);
                None
            }
        }
    }

    fn control(&self) -> Control {
        if self.stopped() { Control::Stop } else { Control::Continue }
    }
}

impl Observer for Watch {
    fn step(&mut self, _event: &StepEvent<'_>) -> Control {
        if self.looked.elapsed() >= PATIENCE {
            self.looked = Instant::now();
            self.ask(|py| py.check_signals());
        }
        self.control()
    }

    fn stride(&self) -> usize {
        usize::MAX
    }

    fn judge(&mut self, outputs: &Tensor<f32>) -> Option<f64> {
        let judge = self.judge.take()?;
        let score = self.ask(|py| {
            judge.bind(py).call1((outputs.view().to_pyarray(py),))?.extract::<Option<f64>>()
        });
        self.judge = Some(judge);
        self.scores.push(score.flatten());
        // A score that is no number is never the best.
        score.flatten().map(|score| if score.is_nan() { f64::INFINITY } else { -score })
    }

    fn epoch(&mut self, record: &EpochRecord) -> Control {
        let Some(on_epoch) = self.on_epoch.take() else { return self.control() };
        let score = self.scores.last().copied().flatten();
        let answer = self.ask(|py| {
            let answer = on_epoch.bind(py).call1((epoch_dict(py, record, score)?,))?;
            if answer.is_none() {
                return Ok(Answer::Nothing);
            }
            if let Ok(stop) = answer.cast::<PyBool>() {
                return Ok(if stop.is_true() { Answer::Stop } else { Answer::Nothing });
            }
            answer.extract().map(Answer::Rate)
        });
        self.on_epoch = Some(on_epoch);
        match answer {
            Some(Answer::Stop) => self.end = Some(End::Callback),
            Some(Answer::Rate(lr)) => self.lr = Some(lr),
            Some(Answer::Nothing) | None => {}
        }
        self.control()
    }
}

/// What the callback wants.
enum Answer {
    Nothing,
    Stop,
    Rate(f64),
}
