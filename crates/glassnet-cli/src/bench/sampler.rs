//! Times of steps that may be shorter than the clock takes to read.

use std::time::{Duration, Instant};

/// The fastest and the middle time of a step, in microseconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Times {
    pub(super) min: f64,
    pub(super) median: f64,
}

/// Reads the clock once per group of steps that together take at least [`LEAST`].
#[derive(Debug)]
pub(super) struct Sampler {
    begun: Instant,
    limit: Duration,
    /// When the present group began.
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
    /// Begins to measure; it is over after `seconds` (at most an hour), and not before there is a sample.
    pub(super) fn new(seconds: f64) -> Self {
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
    pub(super) fn restart(&mut self) {
        self.done = 0;
        self.group_begun = Instant::now();
    }

    /// Some steps were done.
    #[inline]
    pub(super) fn tick(&mut self, steps: usize) {
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
    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    /// What was measured; `None` before the first sample.
    pub(super) fn times(mut self) -> Option<Times> {
        self.samples.sort_by(f64::total_cmp);
        let min = self.samples.first()? * 1e6;
        Some(Times { min, median: self.samples[self.samples.len() / 2] * 1e6 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_steps_are_measured_in_groups_and_the_time_is_kept() {
        let mut sampler = Sampler::new(0.01);
        let begun = Instant::now();
        while !sampler.is_over() {
            sampler.tick(1);
        }
        assert!(begun.elapsed() >= Duration::from_millis(10));
        assert!(sampler.group > 1);
        let times = sampler.times().expect("a sample at least");
        assert!(times.min > 0.0 && times.min <= times.median && times.median < 1000.0, "{times:?}");
    }

    #[test]
    fn a_step_longer_than_the_time_is_measured_once() {
        let mut sampler = Sampler::new(1e-9);
        assert!(!sampler.is_over());
        std::thread::sleep(Duration::from_millis(2));
        sampler.tick(1);
        assert!(sampler.is_over());
        assert!(sampler.times().is_some_and(|times| times.min >= 2000.0));
    }
}
