//! Ctrl-C and termination as a flag that the training loop looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use glassnet::{Error, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

/// After so many steps of training at most, it is looked for a signal: a small part of a second also where several steps
/// are done at once, since only the shortest are.
pub(crate) const STRIDE: usize = 64;

/// Which signal came, if any; or what a caller of the library says instead, by [`Interrupt::stop`].
#[derive(Clone, Debug, Default)]
pub struct Interrupt {
    /// The exit status of the first signal; 0 before it.
    first: Arc<AtomicUsize>,
    /// Whether the next signal ends the process at once.
    armed: Arc<AtomicBool>,
}

impl Interrupt {
    /// From now on, the first SIGINT or SIGTERM sets the flag; a second one of either ends the process at once.
    pub(crate) fn watch() -> Result<Self> {
        let interrupt = Interrupt::default();
        for (signal, status) in [(SIGINT, 130), (SIGTERM, 143)] {
            let (first, armed) = (Arc::clone(&interrupt.first), &interrupt.armed);
            signal_hook::flag::register_conditional_shutdown(signal, status, Arc::clone(armed))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(armed)))
                .and_then(|_| signal_hook::flag::register_usize(signal, first, status as usize))
                .map_err(|error| Error::io(format!("cannot watch for Ctrl-C: {error}")))?;
        }
        Ok(interrupt)
    }

    /// Stops the work that looks at it, as a first Ctrl-C does.
    pub fn stop(&self) {
        self.first.store(130, Ordering::SeqCst);
    }

    /// The exit status of the signal that came: 130 or 143.
    pub(crate) fn status(&self) -> Option<u8> {
        match self.first.load(Ordering::SeqCst) {
            0 => None,
            status => u8::try_from(status).ok(),
        }
    }

    /// Runs `write` to its end even if a second signal comes meanwhile, so that no staged file is left behind; the
    /// process then ends right after it.
    pub(crate) fn shielded<T>(&self, write: impl FnOnce() -> T) -> T {
        let armed = self.armed.swap(false, Ordering::SeqCst);
        let outcome = write();
        // The handler arms again with every signal.
        let came = self.armed.swap(armed, Ordering::SeqCst);
        if came && armed {
            std::process::exit(self.status().map_or(130, i32::from));
        }
        if came {
            self.armed.store(true, Ordering::SeqCst);
        }
        outcome
    }
}
