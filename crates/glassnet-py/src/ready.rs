//! A compiled graph with the memory of its runs.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use glassnet::engine::{Block, Draw, Memory, Plan, ValuePlace};
use glassnet::graph::{Checked, DType, NodeId};
use numpy::{PyUntypedArray, PyUntypedArrayMethods};
use pyo3::exceptions::{PyRuntimeError, PyTypeError};
use pyo3::prelude::*;

use crate::errors::run_exception as failed;
use crate::tensor::with_floats;
use crate::threads;

/// Runs that touch fewer numbers hold the interpreter: letting it go and taking it back would cost more.
const SHORT: usize = 1 << 14;

/// How many numbers the memory that is kept for later runs may hold: 256 MB. Beyond, all of it is let go, so that a
/// program with ever new shapes keeps a bounded part of it.
const MOST_KEPT: usize = 1 << 26;

static KEPT: AtomicUsize = AtomicUsize::new(0);
static KNOWN: Mutex<Vec<Weak<Ready>>> = Mutex::new(vec![]);

/// The seed and the number of the next run that draws at random.
static SEED: AtomicU64 = AtomicU64::new(0);
static STEP: AtomicU64 = AtomicU64::new(0);

/// Begins the stream of dropout masks again from `seed`.
pub(crate) fn seed_masks(seed: u64) {
    SEED.store(seed, Ordering::Relaxed);
    STEP.store(0, Ordering::Relaxed);
}

/// Lets go of the memory that is kept for later runs.
fn forget_memories() {
    let known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
    for ready in known.iter().filter_map(Weak::upgrade) {
        ready.memories.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
    KEPT.store(0, Ordering::Relaxed);
}

fn no_longer_kept(numbers: usize) {
    // Saturating: `forget_memories` may have begun to count anew.
    let less = |all: usize| Some(all.saturating_sub(numbers));
    let _ = KEPT.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less);
}

/// Copies what has the right length.
fn copy<T: Copy>(from: &[T], to: &mut [T]) -> PyResult<()> {
    if from.len() != to.len() {
        return Err(PyRuntimeError::new_err(format!(
            "an array of {} elements became one of {} since it was looked at",
            to.len(),
            from.len()
        )));
    }
    to.copy_from_slice(from);
    Ok(())
}

/// A graph that the engine can run, with the memory of earlier runs.
#[derive(Debug)]
pub(crate) struct Ready {
    /// Of the threads with which it was compiled.
    generation: u64,
    plan: Plan,
    block: Block,
    inputs: Vec<Option<(ValuePlace, DType)>>,
    memories: Mutex<Vec<Memory>>,
    /// How many numbers a run touches at most.
    numbers: usize,
}

impl Ready {
    /// What `place` has, made by `compile` where it has nothing or the threads have changed since.
    pub(crate) fn known(
        place: &Mutex<Option<Arc<Ready>>>,
        compile: impl FnOnce() -> glassnet::Result<Ready>,
    ) -> glassnet::Result<Arc<Ready>> {
        // Locked with the interpreter held, so that a fork never finds it locked.
        let mut place = place.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(ready) = place.as_ref()
            && ready.generation == threads::generation()
        {
            return Ok(Arc::clone(ready));
        }
        let ready = Arc::new(compile()?);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() == known.capacity() {
            known.retain(|ready| ready.strong_count() > 0);
        }
        known.push(Arc::downgrade(&ready));
        Ok(Arc::clone(place.insert(ready)))
    }

    /// Compiles `graph` for its inputs `names`, in this order.
    pub(crate) fn compile(
        graph: &Checked,
        results: &[NodeId],
        names: Vec<(String, DType)>,
    ) -> glassnet::Result<Self> {
        let generation = threads::generation();
        let plan = Plan::compile(graph, results, 1, &threads::config()?)?;
        let inputs = names.iter().map(|(name, dtype)| plan.input(name).map(|at| (at, *dtype)));
        let ids = graph.graph().ids();
        let numbers = ids.map(|id| graph.shape(id).elements(1).unwrap_or(usize::MAX));
        let numbers = numbers.fold(0_usize, usize::saturating_add);
        let inputs = inputs.collect();
        let block = Block::for_graph(graph);
        Ok(Ready { generation, plan, block, inputs, memories: Mutex::default(), numbers })
    }

    /// Runs it on operands that `fill` copies in, and gives what `read` makes of the results.
    pub(crate) fn run<R>(
        &self,
        py: Python<'_>,
        fill: impl FnOnce(&mut Feeder<'_>) -> PyResult<()>,
        read: impl FnOnce(&Plan, &Memory) -> PyResult<R>,
    ) -> PyResult<R> {
        // Locked for an instant and with the interpreter held, so that a fork never finds it locked.
        let kept = || self.memories.lock().unwrap_or_else(PoisonError::into_inner);
        let mut memory = match kept().pop() {
            Some(memory) => {
                no_longer_kept(self.numbers);
                memory
            }
            None => self.plan.memory(),
        };
        fill(&mut Feeder { inputs: &self.inputs, memory: &mut memory })?;
        let draw =
            Draw { seed: SEED.load(Ordering::Relaxed), step: STEP.fetch_add(1, Ordering::Relaxed) };
        let run = |memory: &mut Memory| self.plan.run(&self.block, memory, draw);
        if self.numbers < SHORT {
            run(&mut memory).map_err(failed)?;
        } else {
            py.detach(|| run(&mut memory)).map_err(failed)?;
        }
        let found = read(&self.plan, &memory);
        if KEPT.load(Ordering::Relaxed).saturating_add(self.numbers) > MOST_KEPT {
            forget_memories();
        }
        if self.numbers <= MOST_KEPT {
            KEPT.fetch_add(self.numbers, Ordering::Relaxed);
            kept().push(memory);
        }
        found
    }
}

/// Copies operands to where a plan reads them.
pub(crate) struct Feeder<'a> {
    inputs: &'a [Option<(ValuePlace, DType)>],
    memory: &'a mut Memory,
}

impl Feeder<'_> {
    /// Copies `array` to input `index`, if the plan reads it.
    pub(crate) fn feed(&mut self, index: usize, array: &Bound<'_, PyUntypedArray>) -> PyResult<()> {
        match self.inputs[index] {
            None => Ok(()),
            Some((place, DType::I64)) => {
                let to = self.memory.indices_mut(place);
                with_floats(array, |from: &[i64]| copy(from, to))
                    .map_err(|_| wrong_type(array, "int64"))?
            }
            Some((place, DType::F32 | DType::F64 | DType::Bool)) => {
                let to = self.memory.floats_mut(place);
                with_floats(array, |from: &[f32]| copy(from, to))
                    .map_err(|_| wrong_type(array, "float32"))?
            }
        }
    }

    /// Copies floats to input `index`, if the plan reads it.
    pub(crate) fn feed_floats(&mut self, index: usize, from: &[f32]) {
        if let Some((place, _)) = self.inputs[index] {
            self.memory.floats_mut(place).copy_from_slice(from);
        }
    }
}

pub(crate) fn wrong_type(array: &Bound<'_, PyUntypedArray>, wanted: &str) -> PyErr {
    let found = array.dtype();
    let mend = if wanted == "int64" { "" } else { "; convert with .float()" };
    PyTypeError::new_err(format!("expected {wanted} elements, found {found}{mend}"))
}

impl Drop for Ready {
    fn drop(&mut self) {
        let kept = self.memories.get_mut().unwrap_or_else(PoisonError::into_inner).len();
        let numbers = kept.saturating_mul(self.numbers);
        no_longer_kept(numbers);
    }
}
