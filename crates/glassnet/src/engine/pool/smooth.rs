//! Which jobs of microseconds are left to their callers: those that other threads would rather hold up than help.
//!
//! Nothing here is exact, and nothing but time depends on it: callers at the same time may count one job twice.

use std::sync::atomic::{AtomicU32, Ordering::Relaxed};

/// How many jobs are left to their callers after a disturbance: at least after a light one, at least after a heavy one, at most.
const LIGHT: u32 = 8;
const HEAVY: u32 = 64;
const MOST: u32 = 4096;

/// How many smooth jobs halve what comes after the next disturbance, when the last one was heavy. Another program's time on a
/// core is milliseconds: as much as hundreds of such jobs gain.
const CALM: u32 = 256;

/// How many jobs sleepers are left alone for after they were woken in vain, at least and at most.
const ASLEEP: u32 = 8;
const MOST_ASLEEP: u32 = 512;

/// What is known about jobs that want to run smoothly.
#[derive(Debug, Default)]
pub(super) struct Smooth {
    /// How many more jobs are left to their callers, and how many it were last.
    skip: AtomicU32,
    last_skip: AtomicU32,
    /// How many smooth jobs halve that, and how many are missing.
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

impl Smooth {
    /// Whether the next job is left to its caller because of disturbances.
    #[inline]
    pub(super) fn skips(&self) -> bool {
        count_down(&self.skip)
    }

    /// Whether sleepers are to be woken, for a job that found them asleep. They were woken in vain if no job found them
    /// awake since: then its jobs come so rarely that waking costs their caller more than the threads bring.
    pub(super) fn wakes(&self) -> bool {
        if count_down(&self.alone) {
            return false;
        }
        let next = (self.last_alone.load(Relaxed) * 2).clamp(ASLEEP, MOST_ASLEEP);
        self.last_alone.store(next, Relaxed);
        self.alone.store(next, Relaxed);
        true
    }

    /// A job ran; so threads had waited before and after it.
    #[inline]
    pub(super) fn ran(&self, before: Waits, after: Waits) {
        if self.last_alone.load(Relaxed) > 0 {
            self.last_alone.store(0, Relaxed);
            self.alone.store(0, Relaxed);
        }
        if before == after {
            if self.last_skip.load(Relaxed) > 0 {
                self.went_smoothly();
            }
        } else if before.slept == after.slept {
            self.back_off(LIGHT, 1);
        } else {
            self.back_off(HEAVY, CALM);
        }
    }

    /// The threads have something else to do, on the cores that the job wants.
    #[cold]
    pub(super) fn crowded(&self) {
        self.back_off(HEAVY, CALM);
    }

    #[cold]
    fn back_off(&self, least: u32, calm: u32) {
        let next = (self.last_skip.load(Relaxed) * 2).clamp(least, MOST);
        self.last_skip.store(next, Relaxed);
        self.skip.store(next, Relaxed);
        self.calm.store(calm, Relaxed);
        self.missing.store(calm, Relaxed);
    }

    fn went_smoothly(&self) {
        let missing = self.missing.load(Relaxed);
        if missing > 1 {
            self.missing.store(missing - 1, Relaxed);
        } else {
            self.last_skip.store(self.last_skip.load(Relaxed) / 2, Relaxed);
            self.missing.store(self.calm.load(Relaxed), Relaxed);
        }
    }
}

/// Whether there was something to count down.
#[inline]
fn count_down(count: &AtomicU32) -> bool {
    let left = count.load(Relaxed);
    if left > 0 {
        count.store(left - 1, Relaxed);
    }
    left > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    const NONE: Waits = Waits { long: 0, slept: 0 };

    /// How many jobs in a row are left to their callers.
    fn skipped(smooth: &Smooth) -> u32 {
        (0..).take_while(|_| smooth.skips()).count() as u32
    }

    #[test]
    fn after_light_disturbances_one_smooth_job_halves_what_is_skipped() {
        let smooth = Smooth::default();
        assert_eq!(skipped(&smooth), 0);
        let long = Waits { long: 1, slept: 0 };
        for expected in [8, 16, 32] {
            smooth.ran(NONE, long);
            assert_eq!(skipped(&smooth), expected);
        }
        smooth.ran(NONE, NONE);
        smooth.ran(NONE, NONE);
        smooth.ran(NONE, long);
        assert_eq!(skipped(&smooth), 16);
        for _ in 0..100 {
            smooth.ran(NONE, NONE);
        }
        smooth.ran(NONE, long);
        assert_eq!(skipped(&smooth), 8);
    }

    #[test]
    fn after_heavy_disturbances_many_smooth_jobs_do() {
        let smooth = Smooth::default();
        let slept = Waits { long: 1, slept: 1 };
        smooth.ran(NONE, slept);
        assert_eq!(skipped(&smooth), 64);
        // Not enough of them.
        for _ in 1..CALM {
            smooth.ran(NONE, NONE);
        }
        smooth.ran(NONE, slept);
        assert_eq!(skipped(&smooth), 128);
        for _ in 0..CALM {
            smooth.ran(NONE, NONE);
        }
        smooth.ran(NONE, slept);
        assert_eq!(skipped(&smooth), 128);
        for _ in 0..20 {
            smooth.crowded();
        }
        assert_eq!(skipped(&smooth), 4096);
        for _ in 0..20 * CALM {
            smooth.ran(NONE, NONE);
        }
        smooth.crowded();
        assert_eq!(skipped(&smooth), 64);
    }

    #[test]
    fn sleepers_are_woken_more_rarely_while_nobody_finds_them_awake() {
        let smooth = Smooth::default();
        let left_alone = |smooth: &Smooth| (0..).take_while(|_| !smooth.wakes()).count();
        assert_eq!(left_alone(&smooth), 0);
        for expected in [8, 16, 32, 64, 128, 256, 512, 512] {
            assert_eq!(left_alone(&smooth), expected);
        }
        smooth.ran(NONE, NONE);
        assert_eq!(left_alone(&smooth), 0);
        assert_eq!(left_alone(&smooth), 8);
    }
}
