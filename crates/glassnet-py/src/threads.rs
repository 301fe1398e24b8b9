//! How many threads the engine computes with: one, until `set_num_threads` gives it more.
//!
//! The number changes no bit of a result. What was compiled with other threads is compiled again when it is next used. A
//! process that was forked has none of its parent's threads: it begins with one again.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use glassnet::engine::{Config, Pool};
use pyo3::prelude::*;

use crate::errors::OrException;

static POOL: Mutex<Option<Pool>> = Mutex::new(None);

/// How often the threads were changed.
static GENERATION: AtomicU64 = AtomicU64::new(0);

/// How often the threads were changed: what was compiled at another count is out of date.
pub(crate) fn generation() -> u64 {
    GENERATION.load(Ordering::Relaxed)
}

/// How plans are compiled now.
pub(crate) fn config() -> Config {
    let pool = POOL.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Config { pool, ..Config::default() }
}

/// Gives the engine so many threads, where they make it faster.
#[pyfunction]
pub(crate) fn set_num_threads(threads: usize) -> PyResult<()> {
    let pool = match threads {
        1 => None,
        _ => Some(Pool::new(threads).or_exception()?),
    };
    *POOL.lock().unwrap_or_else(PoisonError::into_inner) = pool;
    GENERATION.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// The number of threads that the engine may use.
#[pyfunction]
pub(crate) fn get_num_threads() -> usize {
    POOL.lock().unwrap_or_else(PoisonError::into_inner).as_ref().map_or(1, Pool::threads)
}

/// Begins with one thread in a process that was forked.
#[pyfunction]
pub(crate) fn after_fork() {
    let pool = POOL.lock().unwrap_or_else(PoisonError::into_inner).take();
    // Its threads are the parent's: the last handle must never wait for their end.
    std::mem::forget(pool);
    GENERATION.fetch_add(1, Ordering::Relaxed);
}
