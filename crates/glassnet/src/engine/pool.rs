//! Threads for computing: made by the caller, handed in, shared by all that compute with them.
//!
//! A training step of a small network takes a few microseconds, so handing a part of it to another thread must take
//! less than one. The workers of a [`Pool`] therefore wait on a word of memory, awake, for a moment after each job, and
//! only then ask the system to be put to sleep; a job is handed out by one write, its parts meet at a counter, and
//! nothing is allocated or locked on the way.
//!
//! - [`call`] is how a job reaches the workers, and how they sleep without missing one.
//! - [`gate`] is how threads wait for each other within a job: at [`Member::wait`], and at the job's end.
//! - [`smooth`] is when threads are left out of jobs so short that they would rather hold them up.
//! - [`aside`] is how a worker leaves its caller's core.
//! - [`divide`] is work in pieces that threads take in turn.
//!
//! # Bits
//! A pool decides when something is computed, never what: the engine's results have the same bits for any number of
//! threads, and when a pool is in use by somebody else and the caller computes alone.

// The one place in this crate that starts threads: a pool is an argument, as the crate's clippy.toml asks.
#![allow(clippy::disallowed_methods)]

mod aside;
mod call;
mod divide;
mod gate;
mod member;
mod shared;
mod smooth;
#[cfg(test)]
mod tests;

use std::fmt;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::error::{Error, ErrorKind, Result};
use call::{Body, Kind};
pub use member::Member;
use shared::Shared;
use smooth::Sleepers;

/// The most threads that a pool has.
const MOST_THREADS: usize = 1024;

/// How often a word is looked at, with the processor's pause between, before anything else is tried. A pause takes from 10
/// to 45 ns on processors of today (23 on AMD's Zen 5), so this is 20 to 90 µs: longer than what a caller does between two
/// jobs, about what sleeping and being woken costs both sides. It counts looks since this crate reads no clock.
const PATIENT: u32 = 2048;

/// The same where there are more parts than cores: whoever is waited for may need this very core.
const IMPATIENT: u32 = 16;

/// How often a word is looked at once more before the waiting thread goes to sleep, and how often the thread offers its core
/// to others meanwhile. These are 40 to 180 µs, so that an idle worker sleeps after about 0.1 to 0.3 ms. An offer that
/// somebody takes lasts as long as the system gives that one, milliseconds, and while it lasts the waiting thread still
/// counts as one that wants to run, for which the system takes time from others: so there are few.
const LAST_LOOKS: u32 = 4096;
const OFFERS: u32 = 2;

/// The offers of a thread that waits with so much patience, and the looks after each. Where there are more parts than cores,
/// there are many: to be woken would take longer.
fn offers(patience: u32) -> (u32, u32) {
    let looks = if patience < PATIENT { IMPATIENT } else { LAST_LOOKS / OFFERS };
    (LAST_LOOKS / looks, looks)
}

/// Threads that compute parts of one job at the same time.
///
/// A pool is a handle: clones share the threads, which end with the last handle. The thread that calls takes part, so
/// a pool of `n` has `n − 1` workers, and a pool of 1 none.
///
/// One job runs at a time. A second caller is not kept waiting: it is told that the pool is in use ([`Pool::try_run`])
/// and computes alone, so that a program whose own threads call at once never has more threads than it asked for.
///
/// Workers wait for the next job awake for at most about 0.3 ms, then sleep until they are needed.
///
/// ```
/// use glassnet::engine::Pool;
/// use std::sync::atomic::{AtomicUsize, Ordering};
/// let pool = Pool::new(2)?;
/// let sum = AtomicUsize::new(0);
/// pool.for_each(101, &|index| {
///     sum.fetch_add(index, Ordering::Relaxed);
/// });
/// assert_eq!(sum.into_inner(), 5050);
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone)]
pub struct Pool(Arc<Workers>);

/// What all handles share; dropping it ends the threads.
struct Workers {
    shared: Arc<Shared>,
    handles: Vec<JoinHandle<()>>,
}

impl Pool {
    /// Starts `threads − 1` workers; the thread that calls [`Pool::try_run`] is the remaining one.
    ///
    /// # Errors
    /// When `threads` is 0 or above 1024, or the system refuses to start so many.
    pub fn new(threads: usize) -> Result<Self> {
        if threads == 0 || threads > MOST_THREADS {
            return Err(Error::usage(format!("a pool of {threads} threads"))
                .help(format!("give a number of threads from 1 to {MOST_THREADS}")));
        }
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let shared = Arc::new(Shared::new(threads - 1, cores));
        let mut workers = Workers { shared, handles: Vec::with_capacity(threads - 1) };
        for index in 1..threads {
            let shared = Arc::clone(&workers.shared);
            let handle = std::thread::Builder::new()
                .name(format!("glassnet-{index}"))
                .spawn(move || shared.work(index))
                .map_err(|error| {
                    Error::new(
                        ErrorKind::Limit,
                        format!("the system refused to start thread {index} of {threads}: {error}"),
                    )
                    .help("use fewer threads")
                })?;
            workers.handles.push(handle);
        }
        Ok(Pool(Arc::new(workers)))
    }

    /// How many threads compute together at most, the calling one included.
    #[inline]
    pub fn threads(&self) -> usize {
        self.0.handles.len() + 1
    }

    /// Runs `body` on `parts` threads at once, of which the calling one is member 0, and returns true when all are done.
    ///
    /// Returns false, having run nothing, if the pool is in use (by another thread, or by the job that this is called
    /// from) or has not so many threads: then the caller does the work alone. One part needs no pool and always runs.
    ///
    /// Every part must call [`Member::wait`] equally often.
    ///
    /// # Panics
    /// When `body` panics in one of the parts, with what it said, after all have left; parts that wait for it panic too.
    /// The pool stays usable.
    ///
    /// ```
    /// use glassnet::engine::Pool;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// let pool = Pool::new(3)?;
    /// let halves = [const { AtomicU32::new(0) }; 3];
    /// let ran = pool.try_run(3, &|member| {
    ///     halves[member.index()].store(member.index() as u32 + 1, Ordering::Relaxed);
    ///     member.wait();
    ///     let seen: u32 = halves.iter().map(|half| half.load(Ordering::Relaxed)).sum();
    ///     assert_eq!(seen, 6);
    /// });
    /// assert!(ran);
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn try_run(&self, parts: usize, body: &(dyn Fn(&Member<'_>) + Sync)) -> bool {
        self.run(parts, Kind::Closed, body)
    }

    /// Like [`Pool::try_run`], for a job so short that waiting for a thread to wake up would cost more than it brings: if a
    /// worker that has a part sleeps, wakes it for the next job and returns false.
    ///
    /// A worker needs 20 to 60 µs to wake up, and longer where other programs use the cores.
    pub fn try_run_awake(&self, parts: usize, body: &(dyn Fn(&Member<'_>) + Sync)) -> bool {
        if parts > 1 && self.0.shared.call.sleeps(parts) {
            self.wake();
            return false;
        }
        self.try_run(parts, body)
    }

    /// Like [`Pool::try_run_awake`], for a job of about `micros` millionths of a second, less than about a thousand, that comes
    /// again and again. It also returns false, and the caller computes alone, which is then faster,
    /// - for the next jobs after parts waited long for each other because other programs have taken the cores: more of them
    ///   each time, until many jobs in a row went smoothly;
    /// - likewise after another thread had the pool for such a job, where there are no cores for both callers and the workers;
    /// - without waking anybody, if workers were woken before and the next job came only when they slept again.
    ///
    /// A job that takes as long as waking a worker does not leave those that it wakes to the next job, which might find them
    /// asleep again, but waits for them.
    pub fn try_run_smooth(
        &self,
        parts: usize,
        micros: u32,
        body: &(dyn Fn(&Member<'_>) + Sync),
    ) -> bool {
        let (shared, micros) = (&*self.0.shared, micros.max(1));
        if shared.smooth.skips(micros) {
            return false;
        }
        let asleep = parts > 1 && shared.call.sleeps(parts);
        if asleep {
            match shared.smooth.sleepers(micros) {
                Sleepers::Leave => return false,
                Sleepers::Wake => {
                    self.wake();
                    return false;
                }
                Sleepers::Await => {}
            }
        }
        let before = shared.waits();
        let ran = self.try_run(parts, body);
        if ran {
            let after = shared.waits();
            if asleep {
                shared.smooth.ran_with_sleepers(before, after);
            } else {
                shared.smooth.ran(micros, before, after);
            }
        } else if parts >= shared.cores() && shared.busy.is_closed() {
            shared.smooth.crowded();
        }
        ran
    }

    fn run(&self, parts: usize, kind: Kind, body: &Body<'_>) -> bool {
        if parts == 1 {
            body(&Member::alone());
            return true;
        }
        let shared = &*self.0.shared;
        if parts == 0 || parts > self.threads() || !shared.busy.take() {
            return false;
        }
        let panic = shared.run(&self.0.handles, parts, kind, body);
        shared.busy.give_back();
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
        true
    }

    /// Wakes the workers, if they sleep, for a job that will come soon.
    ///
    /// A worker needs tens of microseconds to wake up; who knows a little earlier that there will be work says so here,
    /// and does something else meanwhile.
    pub fn wake(&self) {
        self.run(self.threads(), Kind::Open, &|_| {});
    }
}

impl PartialEq for Pool {
    /// Whether they are handles of the same threads.
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Pool {}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool").field("threads", &self.threads()).finish_non_exhaustive()
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        // Nobody runs a job: whoever does so holds a handle.
        self.shared.call.end();
        for handle in self.handles.drain(..) {
            handle.thread().unpark();
            // A worker catches what a job says, and panics nowhere else.
            drop(handle.join());
        }
    }
}
