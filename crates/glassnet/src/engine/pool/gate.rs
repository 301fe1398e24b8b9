//! A count that threads wait for.
//!
//! One word holds how many have arrived since the gate was made, and two flags. It only grows, by one per arrival, so
//! a meeting of `n` threads is the count's next `n`-th step: the last to arrive opens the gate by arriving, in a single
//! write, and nothing is set back between meetings.
//!
//! # Why nobody sleeps for ever
//! All decisions are made on the one word, whose changes have one order that all threads agree on.
//! - A thread sleeps only after it changed the word from a value that does not open its gate to the same with
//!   [`ASLEEP`], holding the lock from before that change until the condition variable has it.
//! - The arrival that opens the gate comes before that change or after it. Before: the change fails, because the word is
//!   another, and the thread looks again. After: the arrival finds the flag in the value that it replaces, takes the
//!   lock, which it gets only once the sleeper is registered, and wakes all.
//! - Whoever clears the flag wakes all after clearing it, so a sleeper whose flag was cleared on another's behalf looks
//!   again, and sets the flag again if it must.
//!
//! # Why what was written is seen
//! Every arrival is a read-modify-write with release and acquire order. Such changes of one word form one release
//! sequence, so who reads (with acquire order) a count that includes an arrival sees all that was written before it.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread::yield_now;

use super::offers;

/// Somebody sleeps until the count grows.
const ASLEEP: u32 = 1;
/// Somebody will never arrive.
const POISONED: u32 = 2;
/// One arrival; the flags lie below.
const ARRIVAL: u32 = 4;
const FLAGS: u32 = ARRIVAL - 1;

/// See the module.
#[derive(Debug)]
pub(super) struct Gate {
    word: AtomicU32,
    lock: Mutex<()>,
    changed: Condvar,
    /// How often somebody's patience came to an end, and how often somebody then slept.
    long: AtomicU32,
    slept: AtomicU32,
}

/// Somebody will never arrive.
#[derive(Debug)]
pub(super) struct Poisoned;

/// The count when `arrivals` more than at `count` have arrived.
#[inline]
pub(super) fn after(count: u32, arrivals: usize) -> u32 {
    // A pool has at most 1024 threads; the count itself may wrap around.
    count.wrapping_add(ARRIVAL * arrivals as u32)
}

/// Whether the count in `word` has reached `count`. It may wrap around: nobody is ever a quarter of the range ahead.
#[inline]
fn reached(word: u32, count: u32) -> bool {
    ((word & !FLAGS).wrapping_sub(count) as i32) >= 0
}

impl Gate {
    pub(super) fn new() -> Self {
        Gate {
            word: AtomicU32::new(0),
            lock: Mutex::new(()),
            changed: Condvar::new(),
            long: AtomicU32::new(0),
            slept: AtomicU32::new(0),
        }
    }

    /// Arrives, and wakes those who sleep if that makes the count `all`.
    #[inline]
    pub(super) fn arrive(&self, all: u32) {
        let before = self.word.fetch_add(ARRIVAL, Ordering::AcqRel);
        if before & ASLEEP != 0 && reached(before.wrapping_add(ARRIVAL), all) {
            self.wake();
        }
    }

    /// Waits until the count is `all`: looks again and again, `patience` times, then offers the core to others between
    /// looks, then sleeps.
    #[inline]
    pub(super) fn wait(&self, all: u32, patience: u32) -> Result<(), Poisoned> {
        for _ in 0..patience {
            if let Some(outcome) = self.look(all) {
                return outcome;
            }
            spin_loop();
        }
        self.wait_long(all, patience)
    }

    /// How often somebody has waited for longer than patience lasts. It may wrap around.
    #[inline]
    pub(super) fn long_waits(&self) -> u32 {
        self.long.load(Ordering::Relaxed)
    }

    /// How often somebody has waited for so long that it slept. It may wrap around.
    #[inline]
    pub(super) fn sleeps(&self) -> u32 {
        self.slept.load(Ordering::Relaxed)
    }

    #[cold]
    fn wait_long(&self, all: u32, patience: u32) -> Result<(), Poisoned> {
        self.long.fetch_add(1, Ordering::Relaxed);
        let (offers, looks) = offers(patience);
        for _ in 0..offers {
            yield_now();
            for _ in 0..looks {
                if let Some(outcome) = self.look(all) {
                    return outcome;
                }
                spin_loop();
            }
        }
        self.slept.fetch_add(1, Ordering::Relaxed);
        let mut guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let word = self.word.load(Ordering::Acquire);
            if let Some(outcome) = outcome(word, all) {
                return outcome;
            }
            let asleep = word | ASLEEP;
            let set = self.word.compare_exchange(word, asleep, Ordering::AcqRel, Ordering::Relaxed);
            if set.is_ok() {
                guard = self.changed.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
        }
    }

    #[inline]
    fn look(&self, all: u32) -> Option<Result<(), Poisoned>> {
        outcome(self.word.load(Ordering::Acquire), all)
    }

    #[cold]
    fn wake(&self) {
        let guard = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        self.word.fetch_and(!ASLEEP, Ordering::AcqRel);
        drop(guard);
        self.changed.notify_all();
    }

    /// Lets all who wait, now or later, leave with an error.
    #[cold]
    pub(super) fn poison(&self) {
        if self.word.fetch_or(POISONED, Ordering::AcqRel) & ASLEEP != 0 {
            self.wake();
        }
    }

    pub(super) fn is_poisoned(&self) -> bool {
        self.word.load(Ordering::Acquire) & POISONED != 0
    }

    /// Clears the flags, when nobody is there any more, and returns the count.
    pub(super) fn mend(&self) -> u32 {
        self.word.fetch_and(!FLAGS, Ordering::AcqRel) & !FLAGS
    }
}

/// Whether a wait for `all` is over. A gate that was poisoned opens for nobody, also if the count was reached: the part
/// that panicked may have arrived before it did so.
#[inline]
fn outcome(word: u32, all: u32) -> Option<Result<(), Poisoned>> {
    if word & POISONED != 0 { Some(Err(Poisoned)) } else { reached(word, all).then_some(Ok(())) }
}
