//! Optimisers and schedules: the library's, on tensors.

use glassnet::engine::Level;
use glassnet::train::clip::{clip_grad_norm_, clip_grad_value_};
use glassnet::train::optimizer::{Optimizer, SavedState, State};
use glassnet::train::schedule::{Schedule, ScheduleState};
use numpy::{PyArray1, PyArrayDyn, PyArrayMethods, PyUntypedArrayMethods};
use pyo3::exceptions::{PyRuntimeError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors::OrException;
use crate::tensor::{Tensor, with_floats};

/// An optimiser's rule with its options, but for the learning rate.
#[pyclass(frozen, module = "glassnet._glassnet")]
pub(crate) struct Rule(Optimizer);

/// What a rule remembers of one parameter.
#[pyclass(module = "glassnet._glassnet")]
pub(crate) struct Remembered(State);

#[pymethods]
impl Rule {
    /// The rule written in PyTorch's notation.
    #[new]
    fn new(notation: &str) -> PyResult<Self> {
        Optimizer::parse(notation).or_exception().map(Rule)
    }

    /// What is remembered before the first step of a parameter with `len` elements.
    fn start(&self, len: usize) -> PyResult<Remembered> {
        self.0.state(len).or_exception().map(Remembered)
    }

    /// What `Remembered.save()` gave.
    fn restore(
        &self,
        len: usize,
        step: u64,
        mu_product: Option<f32>,
        slots: Vec<(String, Vec<f32>)>,
    ) -> PyResult<Remembered> {
        let optimizer = self.0.name().to_owned();
        let saved = SavedState { optimizer, step, mu_product, slots };
        self.0.restore(len, saved).or_exception().map(Remembered)
    }

    /// Changes each parameter by one step along its gradient.
    fn step(
        &self,
        py: Python<'_>,
        lr: f64,
        parameters: Vec<Bound<'_, Tensor>>,
        remembered: Vec<Bound<'_, Remembered>>,
    ) -> PyResult<()> {
        let level = Level::detect();
        for (tensor, remembered) in parameters.iter().zip(&remembered) {
            let Some(grad) = tensor.borrow().grad_of(py) else { continue };
            let parameter = tensor.borrow();
            let array = parameter.array(py).cast::<PyArrayDyn<f32>>().map_err(|_| {
                PyTypeError::new_err(
                    "optimizers change float32 tensors only; convert with .float()",
                )
            })?;
            let grad = grad.bind(py).cast::<Tensor>()?.borrow().array(py).clone();
            let mut state = remembered.borrow_mut();
            self.fit(&mut state.0)?;
            with_floats(&grad, |grad: &[f32]| -> PyResult<()> {
                let mut values = array.try_readwrite()?;
                if state.0.len() != grad.len() || values.as_array().len() != grad.len() {
                    return Err(PyRuntimeError::new_err(
                        "a parameter has another number of elements than its gradient or the optimizer's state",
                    ));
                }
                if array.is_c_contiguous()
                    && let Ok(values) = values.as_slice_mut()
                {
                    self.0.step(level, lr, values, grad, &mut state.0);
                    return Ok(());
                }
                let mut copy: Vec<f32> = values.as_array().iter().copied().collect();
                self.0.step(level, lr, &mut copy, grad, &mut state.0);
                for (to, value) in values.as_array_mut().iter_mut().zip(copy) {
                    *to = value;
                }
                Ok(())
            })??;
            parameter.store().count_a_change();
        }
        Ok(())
    }
}

impl Rule {
    /// Gives a state the slots of this rule, where an option that decides on them was changed after the first step: slots
    /// that are new begin at 0.
    fn fit(&self, state: &mut State) -> PyResult<()> {
        let names = self.0.slot_names();
        if state.slots().map(|(name, _)| name).eq(names.iter().copied()) {
            return Ok(());
        }
        let has_more = names.iter().all(|name| state.slots().any(|(known, _)| known == *name));
        if has_more && matches!(self.0, Optimizer::Sgd(_) | Optimizer::RmsProp(_)) {
            // A momentum of 0 lets the buffer rest.
            return Ok(());
        }
        let mut saved = state.save();
        saved.slots.retain(|(name, _)| names.contains(&name.as_str()));
        for name in names {
            if saved.slots.iter().all(|(known, _)| known != name) {
                saved.slots.push(((*name).to_owned(), vec![0.0; state.len()]));
            }
        }
        *state = self.0.restore(state.len(), saved).or_exception()?;
        Ok(())
    }
}

#[pymethods]
impl Remembered {
    /// The number of steps, `NAdam`'s product of momenta, and the slots by PyTorch's names as new arrays.
    fn save<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let saved = self.0.save();
        let found = PyDict::new(py);
        found.set_item("step", saved.step)?;
        found.set_item("mu_product", saved.mu_product)?;
        let slots = PyDict::new(py);
        for (name, values) in saved.slots {
            slots.set_item(name, PyArray1::from_vec(py, values))?;
        }
        found.set_item("slots", slots)?;
        Ok(found)
    }
}

/// Where a schedule of the learning rate stands.
#[pyclass(module = "glassnet._glassnet")]
pub(crate) struct Scheduled {
    schedule: Schedule,
    state: ScheduleState,
}

#[pymethods]
impl Scheduled {
    /// The schedule written in PyTorch's notation, from the optimiser's learning rate.
    #[new]
    fn new(notation: &str, lr: f64) -> PyResult<Self> {
        let schedule = Schedule::parse(notation).or_exception()?;
        let state = schedule.start(lr).or_exception()?;
        Ok(Scheduled { schedule, state })
    }

    /// Goes on by one epoch or step.
    #[pyo3(signature = (metric=0.0))]
    fn advance(&mut self, metric: f64) {
        self.state.advance(&self.schedule, metric);
    }

    /// Takes a rate that something else has set.
    fn set_lr(&mut self, lr: f64) {
        self.state.rate.lr = lr;
    }

    /// The learning rate in force.
    #[getter]
    fn lr(&self) -> f64 {
        self.state.lr()
    }

    /// The momentum (or β₁) in force, where the schedule sets one.
    #[getter]
    fn momentum(&self) -> Option<f64> {
        self.state.momentum()
    }

    /// How often it was advanced.
    #[getter]
    fn count(&self) -> u64 {
        self.state.count
    }

    /// All that continuing needs: base rate, count, rate, momentum, best metric, bad epochs, cooldown.
    fn save(&self) -> (f64, u64, f64, Option<f64>, f64, u64, u64) {
        let s = &self.state;
        (s.base_lr, s.count, s.rate.lr, s.rate.momentum, s.best, s.bad_epochs, s.cooldown)
    }

    /// Continues from what `save()` gave.
    fn load(&mut self, saved: (f64, u64, f64, Option<f64>, f64, u64, u64)) {
        let state = &mut self.state;
        (state.base_lr, state.count) = (saved.0, saved.1);
        (state.rate.lr, state.rate.momentum) = (saved.2, saved.3);
        (state.best, state.bad_epochs, state.cooldown) = (saved.4, saved.5, saved.6);
    }
}

/// Scales gradients so that their common norm is at most `max_norm`; returns the norm before.
#[pyfunction]
pub(crate) fn clip_norm(
    py: Python<'_>,
    gradients: Vec<Bound<'_, Tensor>>,
    max_norm: f64,
    norm_type: f64,
) -> PyResult<f32> {
    if norm_type.is_nan() {
        return Err(PyValueError::new_err("norm_type is not a number"));
    }
    change(py, &gradients, |all, tensors| clip_grad_norm_(all, tensors, max_norm, norm_type))
}

/// Cuts every gradient's elements to `[-clip_value, clip_value]`.
#[pyfunction]
pub(crate) fn clip_value(
    py: Python<'_>,
    gradients: Vec<Bound<'_, Tensor>>,
    clip_value: f64,
) -> PyResult<()> {
    change(py, &gradients, |all, _| clip_grad_value_(all, clip_value))
}

/// Changes tensors as one block.
fn change<R>(
    py: Python<'_>,
    tensors: &[Bound<'_, Tensor>],
    change: impl FnOnce(&mut [f32], &[std::ops::Range<usize>]) -> R,
) -> PyResult<R> {
    let mut all = vec![];
    let mut ranges = vec![];
    for tensor in tensors {
        let start = all.len();
        with_floats(tensor.borrow().array(py), |values: &[f32]| all.extend_from_slice(values))?;
        ranges.push(start..all.len());
    }
    let found = change(&mut all, &ranges);
    for (tensor, range) in tensors.iter().zip(ranges) {
        let tensor = tensor.borrow();
        let array = tensor.array(py).cast::<PyArrayDyn<f32>>()?;
        for (to, value) in array.try_readwrite()?.as_array_mut().iter_mut().zip(&all[range]) {
            *to = *value;
        }
        tensor.store().count_a_change();
    }
    Ok(found)
}
