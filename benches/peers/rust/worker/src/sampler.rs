//! Times of steps that may be shorter than the clock takes to read, as `glassnet bench` takes them.

use std::time::{Duration, Instant};

use serde::Serialize;

/// The fastest and the middle time of a step, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Times {
    pub min: f64,
    pub median: f64,
    /// How many groups of steps were timed.
    pub samples: usize,
}

/// Reads the clock once per group of steps that together take at least [`LEAST`].
#[derive(Debug)]
pub struct Sampler {
    begun: Instant,
    limit: Duration,
    group_begun: Instant,
    group: usize,
    done: usize,
    over: bool,
    /// Seconds per step.
    samples: Vec<f64>,
}

/// A thousand times what reading the clock takes.
const LEAST: Duration = Duration::from_micros(25);

impl Sampler {
    /// Begins to measure; it is over after `seconds`, and not before there is a sample.
    pub fn new(seconds: f64) -> Self {
        let now = Instant::now();
        Sampler {
            begun: now,
            limit: Duration::from_secs_f64(seconds),
            group_begun: now,
            group: 1,
            done: 0,
            over: false,
            samples: vec![],
        }
    }

    /// Leaves out what happened since the last step.
    pub fn restart(&mut self) {
        self.done = 0;
        self.group_begun = Instant::now();
    }

    /// A step was done.
    #[inline]
    pub fn tick(&mut self) {
        self.tick_many(1);
    }

    /// Some steps were done.
    #[inline]
    pub fn tick_many(&mut self, steps: usize) {
        self.done += steps;
        if self.done >= self.group {
            self.read();
        }
    }

    fn read(&mut self) {
        let now = Instant::now();
        let elapsed = now - self.group_begun;
        if elapsed < LEAST && self.group < 1 << 20 {
            self.group *= 2;
            self.samples.clear();
        } else {
            self.samples.push(elapsed.as_secs_f64() / self.done as f64);
        }
        self.over = now - self.begun >= self.limit && !self.samples.is_empty();
        self.done = 0;
        // Not `now`: growing the list is no part of a step.
        self.group_begun = Instant::now();
    }

    /// Whether the time is up.
    pub fn is_over(&self) -> bool {
        self.over
    }

    /// What was measured; `None` before the first sample.
    pub fn times(mut self) -> Option<Times> {
        self.samples.sort_by(f64::total_cmp);
        let samples = self.samples.len();
        let min = self.samples.first()? * 1e6;
        Some(Times { min, median: self.samples[samples / 2] * 1e6, samples })
    }
}
