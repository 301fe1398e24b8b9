//! Ctrl-C and termination as a flag that the training loop looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use glassnet::{Error, Result};
use signal_hook::consts::{SIGINT, SIGTERM};

/// Which signal came, if any.
#[derive(Clone, Debug, Default)]
pub(crate) struct Interrupt(Arc<AtomicUsize>);

impl Interrupt {
    /// From now on, the first SIGINT or SIGTERM sets the flag; a second one of either ends the process at once.
    pub(crate) fn watch() -> Result<Self> {
        let flag = Arc::new(AtomicUsize::new(0));
        let second = Arc::new(AtomicBool::new(false));
        for (signal, status) in [(SIGINT, 130), (SIGTERM, 143)] {
            let armed = Arc::clone(&flag);
            signal_hook::flag::register_conditional_shutdown(signal, status, Arc::clone(&second))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&second)))
                .and_then(|_| signal_hook::flag::register_usize(signal, armed, status as usize))
                .map_err(|error| Error::io(format!("cannot watch for Ctrl-C: {error}")))?;
        }
        Ok(Interrupt(flag))
    }

    /// The exit status of the signal that came: 130 or 143.
    pub(crate) fn status(&self) -> Option<u8> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            status => u8::try_from(status).ok(),
        }
    }
}
