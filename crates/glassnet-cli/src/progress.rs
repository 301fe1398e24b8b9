//! How a training is going, on stderr.

mod many;

use std::time::{Duration, Instant};

use glassnet::train::{Control, EpochRecord, Observer, StepEvent};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::interrupt::{Interrupt, STRIDE};
use crate::terminal::Terminal;

pub(crate) use many::Many;

/// A bar over the epochs with rate, losses and time left; it also listens for Ctrl-C.
pub(crate) struct Progress<'a> {
    bar: ProgressBar,
    interrupt: &'a Interrupt,
    rows: usize,
    started: Instant,
    rows_done: u64,
    best: Option<(usize, f64)>,
    last: String,
    drawn: Instant,
    /// The step at which the clock was read last.
    looked: u64,
}

/// How often a bar inside a long epoch is drawn anew.
const REDRAW: Duration = Duration::from_millis(100);

/// A bar of so many steps, drawn where somebody watches.
fn bar(terminal: &Terminal, steps: u64, template: &str) -> ProgressBar {
    let target = if terminal.shows_progress() {
        ProgressDrawTarget::stderr_with_hz(10)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(steps), target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

impl<'a> Progress<'a> {
    pub(crate) fn new(
        terminal: &Terminal,
        interrupt: &'a Interrupt,
        epochs: usize,
        rows: usize,
    ) -> Self {
        let template = "epoch {pos:>4}/{len} {bar:20} {msg}  {eta} left";
        let bar = bar(terminal, epochs as u64, template);
        let now = Instant::now();
        Progress {
            bar,
            interrupt,
            rows,
            started: now,
            rows_done: 0,
            best: None,
            last: String::new(),
            drawn: now,
            looked: 0,
        }
    }

    /// Takes the bar away.
    pub(crate) fn finish(self) {
        self.bar.finish_and_clear();
    }

    fn control(&self) -> Control {
        if self.interrupt.status().is_some() { Control::Stop } else { Control::Continue }
    }

    fn rate(&self) -> f64 {
        self.rows_done as f64 / self.started.elapsed().as_secs_f64().max(1e-9)
    }
}

impl Observer for Progress<'_> {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.rows_done += event.rows.len() as u64;
        // The clock is read once in a while only: tiny networks take less time for a step than for that.
        if event.step - self.looked >= 256 && !self.bar.is_hidden() {
            self.looked = event.step;
            if self.drawn.elapsed() <= REDRAW {
                return self.control();
            }
            self.drawn = Instant::now();
            let part = (self.rows_done % self.rows as u64) * 100 / self.rows as u64;
            self.bar.set_message(format!(
                "{}  {part} % of the next  {:.0} rows/s",
                self.last,
                self.rate()
            ));
        }
        self.control()
    }

    fn stride(&self) -> usize {
        STRIDE
    }

    fn epoch(&mut self, record: &EpochRecord) -> Control {
        let mut message = format!("loss {:.4}", record.train_loss);
        if let Some(loss) = record.validation.as_ref().and_then(|metrics| metrics.loss) {
            if record.improved {
                self.best = Some((record.epoch, loss));
            }
            message += &format!("  validation {loss:.4}");
            if let Some(accuracy) = record.validation.as_ref().and_then(|metrics| metrics.accuracy)
            {
                message += &format!(" ({:.1} %)", accuracy * 100.0);
            }
            if let Some((epoch, best)) = self.best {
                message += &format!("  best {best:.4} at {epoch}");
            }
        }
        self.last = message;
        if !self.bar.is_hidden() {
            self.bar.set_message(format!("{}  {:.0} rows/s", self.last, self.rate()));
        }
        self.bar.set_position(record.epoch as u64);
        self.control()
    }
}
