//! Which short jobs are left to their callers: those that other threads would rather hold up than help.
//!
//! Nothing here is exact, and nothing but time depends on it: callers at the same time may count one job twice. What is
//! left out is counted in the time that the jobs are expected to take, since no clock is read.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// A time in millionths of a second.
type Micros = u32;

/// How many jobs are left to their callers at least after a light disturbance: one that some looks more were enough for.
const LIGHT: u32 = 8;

/// For how long jobs are left to their callers after a heavy disturbance, at least: another program that has a core keeps it for
/// milliseconds, as much as hundreds of the shortest jobs gain.
const HEAVY: Micros = 1_500;

/// The same at most, after any.
const MOST: Micros = 400_000;

/// The time of smooth jobs that halves what comes after the next disturbance, if the last one was heavy. After a light one,
/// any smooth job does.
const CALM: Micros = 3_000;

/// From when on a job wakes workers for itself: about what waking one takes. Otherwise it leaves them to a later job, but they
/// might sleep again before a longer one is over.
const WORTH_WAKING: Micros = 50;

/// How many jobs sleepers are left alone for after they were woken in vain, at least and at most.
const ALONE: u32 = 8;
const MOST_ALONE: u32 = 512;

/// What is known about jobs that want to run smoothly.
#[derive(Debug, Default)]
pub(super) struct Smooth {
    /// For how much longer jobs are left to their callers, and for how long it was last.
    skip: AtomicU32,
    last_skip: AtomicU32,
    /// The time of smooth jobs that halves that, and what of it is missing.
    calm: AtomicU32,
    missing: AtomicU32,
    /// How many more jobs find sleepers left alone, and how many it were last.
    alone: AtomicU32,
    last_alone: AtomicU32,
}

/// How often threads have waited long for each other, and how often so long that they slept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Waits {
    pub(super) long: u32,
    pub(super) slept: u32,
}

/// What a job does about workers that sleep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sleepers {
    /// Lets them sleep.
    Leave,
    /// Wakes them for a later job.
    Wake,
    /// Wakes them for itself.
    Await,
}

impl Smooth {
    /// Whether a job is left to its caller because of disturbances.
    #[inline]
    pub(super) fn skips(&self, job: Micros) -> bool {
        count_down(&self.skip, job)
    }

    /// What a job does that found workers asleep. They were woken in vain if no job found them awake since: then the jobs
    /// come so rarely that waking costs their caller more than the threads bring.
    pub(super) fn sleepers(&self, job: Micros) -> Sleepers {
        if count_down(&self.alone, 1) {
            return Sleepers::Leave;
        }
        let next = (self.last_alone.load(Relaxed) * 2).clamp(ALONE, MOST_ALONE);
        self.last_alone.store(next, Relaxed);
        self.alone.store(next, Relaxed);
        if job < WORTH_WAKING { Sleepers::Wake } else { Sleepers::Await }
    }

    /// A job ran with workers that it had to wake, for which it may wait as long as that takes.
    pub(super) fn ran_with_sleepers(&self, before: Waits, after: Waits) {
        if before.slept != after.slept {
            self.back_off_long();
        }
    }

    /// A job ran with workers that were awake; so threads had waited before and after it.
    #[inline]
    pub(super) fn ran(&self, job: Micros, before: Waits, after: Waits) {
        if self.last_alone.load(Relaxed) > 0 {
            self.last_alone.store(0, Relaxed);
            self.alone.store(0, Relaxed);
        }
        if before == after {
            if self.last_skip.load(Relaxed) > 0 {
                self.went_smoothly(job);
            }
        } else if before.slept == after.slept {
            self.back_off(2, LIGHT.saturating_mul(job), 0);
        } else {
            self.back_off_long();
        }
    }

    /// The threads have something else to do, on the cores that the job wants.
    pub(super) fn crowded(&self) {
        self.back_off_long();
    }

    #[cold]
    fn back_off_long(&self) {
        self.back_off(4, HEAVY, CALM);
    }

    #[cold]
    fn back_off(&self, growth: u32, least: Micros, calm: Micros) {
        let last = self.last_skip.load(Relaxed);
        let next = last.saturating_mul(growth).max(least).min(MOST);
        self.last_skip.store(next, Relaxed);
        self.skip.store(next, Relaxed);
        self.calm.store(calm, Relaxed);
        self.missing.store(calm, Relaxed);
    }

    fn went_smoothly(&self, job: Micros) {
        if !count_down(&self.missing, job) {
            self.last_skip.store(self.last_skip.load(Relaxed) / 2, Relaxed);
            self.missing.store(self.calm.load(Relaxed), Relaxed);
        }
    }
}

/// Whether there was something to count down.
#[inline]
fn count_down(count: &AtomicU32, step: u32) -> bool {
    let left = count.load(Relaxed);
    if left > 0 {
        count.store(left.saturating_sub(step), Relaxed);
    }
    left > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Waits = Waits { long: 0, slept: 0 };
    const LONG: Waits = Waits { long: 1, slept: 0 };
    const SLEPT: Waits = Waits { long: 1, slept: 1 };

    /// How many jobs in a row are left to their callers.
    fn skipped(smooth: &Smooth, job: Micros) -> u32 {
        (0..).take_while(|_| smooth.skips(job)).count() as u32
    }

    fn run(smooth: &Smooth, jobs: u32, job: Micros) {
        for _ in 0..jobs {
            smooth.ran(job, NONE, NONE);
        }
    }

    #[test]
    fn after_light_disturbances_one_smooth_job_halves_what_is_skipped() {
        let smooth = Smooth::default();
        assert_eq!(skipped(&smooth, 10), 0);
        for expected in [8, 16, 32] {
            smooth.ran(10, NONE, LONG);
            assert_eq!(skipped(&smooth, 10), expected);
        }
        run(&smooth, 2, 10);
        smooth.ran(10, NONE, LONG);
        assert_eq!(skipped(&smooth, 10), 16);
        run(&smooth, 100, 10);
        smooth.ran(10, NONE, LONG);
        assert_eq!(skipped(&smooth, 10), 8);
        for _ in 0..30 {
            smooth.ran(10, NONE, LONG);
        }
        assert_eq!(skipped(&smooth, 10), 40_000);
    }

    #[test]
    fn after_heavy_disturbances_milliseconds_of_smooth_jobs_do() {
        for job in [10, 100] {
            let smooth = Smooth::default();
            smooth.ran(job, NONE, SLEPT);
            assert_eq!(skipped(&smooth, job), 1_500 / job);
            // Not enough of them.
            run(&smooth, 2_500 / job, job);
            smooth.ran(job, NONE, SLEPT);
            assert_eq!(skipped(&smooth, job), 6_000 / job);
            run(&smooth, 6_500 / job, job);
            smooth.ran(job, NONE, SLEPT);
            assert_eq!(skipped(&smooth, job), 6_000 / job);
            for _ in 0..20 {
                smooth.crowded();
            }
            assert_eq!(skipped(&smooth, job), 400_000 / job);
            run(&smooth, 70_000 / job, job);
            smooth.crowded();
            assert_eq!(skipped(&smooth, job), 1_500 / job);
        }
    }

    #[test]
    fn sleepers_are_woken_more_rarely_while_nobody_finds_them_awake() {
        for (job, what) in [(10, Sleepers::Wake), (100, Sleepers::Await)] {
            let smooth = Smooth::default();
            let left_alone = || {
                for jobs in 0.. {
                    match smooth.sleepers(job) {
                        Sleepers::Leave => {}
                        other => {
                            assert_eq!(other, what);
                            return jobs;
                        }
                    }
                }
                unreachable!("sooner or later they are woken")
            };
            assert_eq!(left_alone(), 0);
            for expected in [8, 16, 32, 64, 128, 256, 512, 512] {
                assert_eq!(left_alone(), expected);
            }
            run(&smooth, 1, job);
            assert_eq!(left_alone(), 0);
            assert_eq!(left_alone(), 8);
            // Who is woken for a job and takes part was not found awake.
            smooth.ran_with_sleepers(NONE, LONG);
            assert_eq!(skipped(&smooth, job), 0);
            assert_eq!(left_alone(), 16);
            smooth.ran_with_sleepers(NONE, SLEPT);
            assert_eq!(skipped(&smooth, job), 1_500 / job);
        }
    }
}
