//! How many trainings at once are going.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicUsize, Ordering};

use glassnet::Result;
use glassnet::train::{Control, EnsembleObserver, EpochRecord, Record, StepEvent};
use indicatif::ProgressBar;

use super::bar;
use crate::interrupt::{Interrupt, STRIDE};
use crate::terminal::Terminal;

/// A bar over the epochs of all networks; it also listens for Ctrl-C.
pub(crate) struct Many<'a> {
    bar: ProgressBar,
    interrupt: &'a Interrupt,
    networks: usize,
    epochs: usize,
    over: AtomicUsize,
    /// Per network the epochs done.
    done: Vec<AtomicUsize>,
    best: Mutex<Option<f64>>,
}

impl<'a> Many<'a> {
    pub(crate) fn new(
        terminal: &Terminal,
        interrupt: &'a Interrupt,
        networks: usize,
        epochs: usize,
    ) -> Self {
        let all = (networks as u64).saturating_mul(epochs as u64);
        Many {
            bar: bar(terminal, all, "{percent:>3} % {bar:20} {msg}  {eta} left"),
            interrupt,
            networks,
            epochs,
            over: AtomicUsize::new(0),
            done: (0..networks).map(|_| AtomicUsize::new(0)).collect(),
            best: Mutex::new(None),
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn control(&self) -> Control {
        if self.interrupt.status().is_some() { Control::Stop } else { Control::Continue }
    }

    fn tell(&self) {
        if self.bar.is_hidden() {
            return;
        }
        let over = self.over.load(Ordering::Relaxed);
        let best = *self.best.lock().unwrap_or_else(PoisonError::into_inner);
        let best = best.map_or(String::new(), |loss| format!("  best validation {loss:.4}"));
        self.bar.set_message(format!("{over} of {} networks done{best}", self.networks));
    }
}

impl EnsembleObserver for Many<'_> {
    fn step(&self, _: usize, _: &StepEvent<'_>) -> Control {
        self.control()
    }

    fn stride(&self) -> usize {
        STRIDE
    }

    fn epoch(&self, member: usize, record: &EpochRecord) -> Control {
        self.done[member].store(record.epoch, Ordering::Relaxed);
        self.bar.inc(1);
        if let Some(loss) = record.validation.as_ref().and_then(|metrics| metrics.loss) {
            let mut best = self.best.lock().unwrap_or_else(PoisonError::into_inner);
            if best.is_none_or(|best| loss < best) {
                *best = Some(loss);
            }
        }
        self.tell();
        self.control()
    }

    fn end(&self, member: usize, _: &Result<Record>) {
        // Epochs that patience spared are done as well.
        let done = self.done[member].load(Ordering::Relaxed);
        self.bar.inc(self.epochs.saturating_sub(done) as u64);
        self.over.fetch_add(1, Ordering::Relaxed);
        self.tell();
    }
}
