//! Threads for computing: made by the caller, handed in, shared by all that compute with them.
//!
//! A training step of a small network takes a few microseconds, so handing a part of it to another thread must take
//! less than one. The workers of a [`Pool`] therefore wait on a word of memory, awake, for a moment after each job, and
//! only then ask the system to be put to sleep; a job is handed out by one write, its parts meet at a counter, and
//! nothing is allocated or locked on the way.
//!
//! - [`call`] is how a job reaches the workers, and how they sleep without missing one.
//! - [`gate`] is how threads wait for each other within a job: at [`Member::wait`], and at the job's end.
//!
//! # Bits
//! A pool decides when something is computed, never what: the engine's results have the same bits for any number of
//! threads, and when a pool is in use by somebody else and the caller computes alone.

// The one place in this crate that starts threads: a pool is an argument, as the crate's clippy.toml asks.
#![allow(clippy::disallowed_methods)]

mod call;
mod gate;
#[cfg(test)]
mod tests;

use std::any::Any;
use std::cell::Cell;
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::{Error, ErrorKind, Result};
use call::{Body, Call, Job, Kind, Order};
use gate::Gate;

/// The most threads that a pool has.
const MOST_THREADS: usize = 1024;

/// How often a word is looked at with a pause between before anything else is tried. A pause takes about 10 ns on AMD's
/// Zen and 40 ns on Intel's processors since Skylake, so this is 20 to 80 µs: longer than what a caller does between two
/// jobs, shorter than what sleeping and being woken costs both sides.
const PATIENT: u32 = 2048;

/// The same where there are more parts than cores: whoever is waited for may need this very core.
const IMPATIENT: u32 = 16;

/// How often a waiting thread then offers its core to others before it goes to sleep. An offer that nobody takes costs
/// 0.2 to 0.5 µs, so this is 50 to 130 µs.
const OFFERS: u32 = 256;

/// Threads that compute parts of one job at the same time.
///
/// A pool is a handle: clones share the threads, which end with the last handle. The thread that calls takes part, so
/// a pool of `n` has `n − 1` workers, and a pool of 1 none.
///
/// One job runs at a time. A second caller is not kept waiting: it is told that the pool is in use ([`Pool::try_run`])
/// and computes alone, so that a program whose own threads call at once never has more threads than it asked for.
///
/// Workers wait for the next job awake for at most about 0.2 ms, then sleep until they are needed.
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

/// What the threads share.
struct Shared {
    /// Whether a job runs. Everything that only the caller of a job may touch is handed from one to the next by it.
    busy: Line<Busy>,
    call: Line<Call>,
    /// Where the parts of a job meet.
    meeting: Line<Gate>,
    /// Where the workers say that they are done with a job.
    finish: Line<Gate>,
    /// What the first part that panicked said.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// How many threads can run at the same time.
    cores: usize,
}

/// The pool's occupation, and what its caller needs to know about the jobs before.
struct Busy {
    taken: AtomicBool,
    /// Where the two gates' counts stand between jobs.
    met: AtomicU32,
    finished: AtomicU32,
}

/// Something that has its cache lines for itself: two, since processors fetch them in pairs.
#[repr(align(128))]
struct Line<T>(T);

impl<T> Deref for Line<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

/// One of the threads that run a job.
#[derive(Debug)]
pub struct Member<'a> {
    index: usize,
    parts: usize,
    /// Where the parts meet; a part that is alone meets nobody.
    meeting: Option<&'a Gate>,
    /// The count of the last meeting.
    met: Cell<u32>,
    patience: u32,
}

/// What a part unwinds with when another one panicked.
struct OtherPanicked;

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

    /// Runs `body` for every index below `count`, on as many threads as there are indices and threads, each taking the
    /// next index when it is done with one: for jobs that are unlike, such as the trainings of an ensemble.
    ///
    /// If the pool is in use, all run on the calling thread. Nobody waits for a worker that sleeps: it takes what is left
    /// when it is awake, and if that is nothing, the calling thread has returned by then.
    ///
    /// # Panics
    /// When `body` panics for an index; indices that nobody has begun by then are left out.
    pub fn for_each(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let work = || {
            let rest = LeaveOut { next: &next, count };
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    break;
                }
                body(index);
            }
            drop(rest);
        };
        if !self.run(count.min(self.threads()), Kind::Open, &|_| work()) {
            work();
        }
    }

    /// Wakes the workers, if they sleep, for a job that will come soon.
    ///
    /// A worker needs tens of microseconds to wake up; who knows a little earlier that there will be work says so here,
    /// and does something else meanwhile.
    pub fn wake(&self) {
        self.run(self.threads(), Kind::Open, &|_| {});
    }
}

/// When a thread panics, the others begin nothing more.
struct LeaveOut<'a> {
    next: &'a AtomicUsize,
    count: usize,
}

impl Drop for LeaveOut<'_> {
    fn drop(&mut self) {
        self.next.store(self.count, Ordering::Relaxed);
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

impl Shared {
    fn new(workers: usize, cores: usize) -> Self {
        let zero = || AtomicU32::new(0);
        Shared {
            busy: Line(Busy { taken: AtomicBool::new(false), met: zero(), finished: zero() }),
            call: Line(Call::new(workers)),
            meeting: Line(Gate::new()),
            finish: Line(Gate::new()),
            panic: Mutex::new(None),
            cores,
        }
    }

    fn patience(&self, threads: usize) -> u32 {
        if threads > self.cores { IMPATIENT } else { PATIENT }
    }

    /// Runs a job as its caller, who has taken the pool, and returns what a part panicked with.
    fn run(
        &self,
        workers: &[JoinHandle<()>],
        parts: usize,
        kind: Kind,
        body: &Body<'_>,
    ) -> Option<Box<dyn Any + Send>> {
        let patience = self.patience(parts);
        let met = self.busy.met.load(Ordering::Relaxed);
        let before = self.busy.finished.load(Ordering::Relaxed);
        let finished = match kind {
            Kind::Closed => gate::after(before, parts - 1),
            // Nobody knows yet how many will come: each that leaves looks whether somebody waits.
            Kind::Open => before,
        };
        self.call.publish(workers, parts, kind, &Job { body, met, finished });
        let member =
            Member { index: 0, parts, meeting: Some(&self.meeting), met: Cell::new(met), patience };
        self.part(&member, body);
        let finished = match kind {
            Kind::Closed => finished,
            Kind::Open => gate::after(before, self.call.shut()),
        };
        // The workers' parts borrow `body`, so nothing, no panic either, may pass by here.
        let all_left = self.finish.wait(finished, patience);
        debug_assert!(all_left.is_ok(), "nobody poisons the finish");
        self.busy.finished.store(finished, Ordering::Relaxed);
        if self.meeting.is_poisoned() {
            self.busy.met.store(self.meeting.mend(), Ordering::Relaxed);
            self.lock_panic().take()
        } else {
            self.busy.met.store(member.met.get(), Ordering::Relaxed);
            None
        }
    }

    /// Runs one part; a panic is kept for the caller and makes the others leave.
    fn part(&self, member: &Member<'_>, body: &Body<'_>) {
        let Err(panic) = catch_unwind(AssertUnwindSafe(|| body(member))) else { return };
        if !panic.is::<OtherPanicked>() {
            self.lock_panic().get_or_insert(panic);
        }
        self.meeting.poison();
    }

    fn lock_panic(&self) -> std::sync::MutexGuard<'_, Option<Box<dyn Any + Send>>> {
        self.panic.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The life of worker `index`.
    fn work(&self, index: usize) {
        let idle_patience = self.patience(self.call.workers() + 1);
        let mut seen = Call::FIRST;
        loop {
            let order;
            (seen, order) = self.call.next(index, seen, idle_patience);
            match order {
                Order::Skip => {}
                Order::End => return,
                Order::Run { parts, job: Job { body, met, finished } } => {
                    let patience = self.patience(parts);
                    let meeting = Some(&*self.meeting);
                    let member = Member { index, parts, meeting, met: Cell::new(met), patience };
                    self.part(&member, body);
                    // Last: from here on the caller may return, and `body` be gone.
                    self.finish.arrive(finished);
                }
            }
        }
    }
}

impl Busy {
    #[inline]
    fn take(&self) -> bool {
        !self.taken.load(Ordering::Relaxed) && !self.taken.swap(true, Ordering::Acquire)
    }

    #[inline]
    fn give_back(&self) {
        self.taken.store(false, Ordering::Release);
    }
}

impl Member<'_> {
    /// The only part of a job that is not divided: for running alone what could run on a pool.
    pub fn alone() -> Self {
        Member { index: 0, parts: 1, meeting: None, met: Cell::new(0), patience: 0 }
    }

    /// Which part this is, from 0; the calling thread's is 0.
    #[inline]
    pub fn index(&self) -> usize {
        self.index
    }

    /// How many parts the job has.
    #[inline]
    pub fn parts(&self) -> usize {
        self.parts
    }

    /// Waits until all parts have called it as often as this one: what each wrote before, all may read after.
    ///
    /// # Panics
    /// When another part panicked, silently: the caller of the job hears what that one said.
    #[inline]
    pub fn wait(&self) {
        let Some(meeting) = self.meeting else { return };
        let all = gate::after(self.met.get(), self.parts);
        self.met.set(all);
        meeting.arrive(all);
        if meeting.wait(all, self.patience).is_err() {
            resume_unwind(Box::new(OtherPanicked));
        }
    }
}
