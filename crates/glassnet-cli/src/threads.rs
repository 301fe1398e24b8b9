//! `--threads`: the threads that the library is given.

use glassnet::engine::{Config, Pool};
use glassnet::{Error, Result};

use crate::args::Threads;

impl Threads {
    /// The number of threads; with `auto` as many as may run at the same time, which is what the system lets this process
    /// have of the processor.
    pub(crate) fn count(self) -> usize {
        match self {
            Threads::Auto => available(),
            Threads::Count(count) => count,
        }
    }

    /// How the engine computes: as it does by itself, with so many threads.
    pub(crate) fn engine(self) -> Result<Config> {
        let pool = match self.count() {
            1 => None,
            count => Some(Pool::new(count).map_err(|error| -> Error { error.at("--threads") })?),
        };
        Ok(Config { pool, ..Config::default() })
    }
}

/// How many threads may run at the same time; 1 where the system does not tell.
pub(crate) fn available() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
