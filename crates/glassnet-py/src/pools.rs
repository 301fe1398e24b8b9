//! The threads that compute, shared by all trainings and predictions of a process.

use std::sync::{Mutex, PoisonError};

use glassnet::engine::{Config, Pool};
use pyo3::prelude::*;

use crate::errors::OrException;

/// The pools of one process, each for a number of threads.
struct Pools {
    process: u32,
    pools: Vec<Pool>,
}

static POOLS: Mutex<Pools> = Mutex::new(Pools { process: 0, pools: vec![] });

/// How the engine computes with `threads` threads.
///
/// Pools are kept until the process ends. A process that was forked has none of its parent's threads, so it starts its own;
/// the parent's handles are never dropped there, since that would wait for threads which do not exist.
pub(crate) fn engine(threads: usize) -> PyResult<Config> {
    if threads == 1 {
        return Ok(Config::default());
    }
    let process = std::process::id();
    let mut shared = POOLS.lock().unwrap_or_else(PoisonError::into_inner);
    if shared.process != process {
        std::mem::forget(std::mem::take(&mut shared.pools));
        shared.process = process;
    }
    let pool = match shared.pools.iter().find(|pool| pool.threads() == threads) {
        Some(pool) => pool.clone(),
        None => {
            let pool = Pool::new(threads).or_exception()?;
            shared.pools.push(pool.clone());
            pool
        }
    };
    Ok(Config { pool: Some(pool), ..Config::default() })
}
