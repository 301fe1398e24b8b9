//! How many threads compute, said once for calls, gradients, trainings and estimators, and the threads themselves.
//!
//! The number changes no bit of a result. What was compiled with other threads is compiled again when it is next used. A
//! process that was forked has none of its parent's threads: it starts its own.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use glassnet::engine::{Config, Pool};
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::errors::OrException;

/// What `set_num_threads` was given; 0 where nobody chose.
static CHOSEN: AtomicUsize = AtomicUsize::new(0);

/// What calls are compiled with; 0 until it is [`settle`]d.
static OF_CALLS: AtomicUsize = AtomicUsize::new(0);

/// How often the threads were changed.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// The pools, each for a number of threads; kept until the process ends. Locked with the interpreter held, so that a fork
/// never finds it locked.
static POOLS: Mutex<Vec<Pool>> = Mutex::new(vec![]);

/// How often the threads were changed: what was compiled at another count is out of date.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// Finds out how many threads calls compute with, where nobody chose: asked before anything is locked, since it asks Python.
pub(crate) fn settle(py: Python<'_>) -> PyResult<()> {
    if OF_CALLS.load(Ordering::Relaxed) == 0 {
        let found = py.import("glassnet._threads")?.getattr("threads_of_process")?.call0()?;
        OF_CALLS.store(found.extract()?, Ordering::Relaxed);
    }
    Ok(())
}

/// How calls are compiled now.
pub(crate) fn config() -> glassnet::Result<Config> {
    pool(OF_CALLS.load(Ordering::Relaxed).max(1))
}

/// How the engine computes with `threads` threads.
pub(crate) fn engine(threads: usize) -> PyResult<Config> {
    pool(threads).or_exception()
}

fn pool(threads: usize) -> glassnet::Result<Config> {
    if threads == 1 {
        return Ok(Config::default());
    }
    let mut pools = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    let pool = match pools.iter().find(|pool| pool.threads() == threads) {
        Some(pool) => pool.clone(),
        None => {
            let pool = Pool::new(threads)?;
            pools.push(pool.clone());
            pool
        }
    };
    Ok(Config { pool: Some(pool), ..Config::default() })
}

/// Chooses the number of threads; `None` leaves it to the environment and the machine again.
#[pyfunction]
#[pyo3(signature = (threads))]
pub(crate) fn choose_threads(threads: Option<usize>) -> PyResult<()> {
    if threads == Some(0) {
        return Err(PyRuntimeError::new_err("set_num_threads expects a positive integer"));
    }
    let threads = threads.unwrap_or(0);
    if threads > 0 {
        // A number that can't be had is an error here, not in a later call.
        engine(threads)?;
    }
    CHOSEN.store(threads, Ordering::Relaxed);
    OF_CALLS.store(threads, Ordering::Relaxed);
    GENERATION.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// The number that was chosen, or `None`.
#[pyfunction]
pub(crate) fn chosen_threads() -> Option<usize> {
    Some(CHOSEN.load(Ordering::Relaxed)).filter(|&threads| threads > 0)
}

/// Lets go of the parent's threads in a process that was forked; what was chosen stays.
#[pyfunction]
pub(crate) fn after_fork() {
    let pools = std::mem::take(&mut *POOLS.lock().unwrap_or_else(PoisonError::into_inner));
    // Dropped, the last handle would wait for the end of threads which do not exist here.
    std::mem::forget(pools);
    OF_CALLS.store(CHOSEN.load(Ordering::Relaxed), Ordering::Relaxed);
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
