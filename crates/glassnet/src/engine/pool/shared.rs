//! What a pool's threads share, and what they do with it.

use std::any::Any;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use super::aside::{self, Core, UNKNOWN};
use super::call::{Body, Call, Job, Kind, Order};
use super::gate::{self, Gate};
use super::member::{Member, OtherPanicked};
use super::smooth::{Smooth, Waits};
use super::{IMPATIENT, PATIENT};

/// What the threads share.
pub(super) struct Shared {
    /// Whether a job runs. Everything that only the caller of a job may touch is handed from one to the next by it.
    pub(super) busy: Line<Busy>,
    pub(super) call: Line<Call>,
    /// Where the parts of a job meet.
    meeting: Line<Gate>,
    /// Where the workers say that they are done with a job.
    finish: Line<Gate>,
    /// What the first part that panicked said.
    panic: Mutex<Option<Box<dyn Any + Send>>>,
    /// How many threads can run at the same time.
    cores: usize,
    /// What is known about jobs that want to run smoothly.
    pub(super) smooth: Line<Smooth>,
}

/// The pool's occupation, and what its caller needs to know about the jobs before.
pub(super) struct Busy {
    taken: AtomicBool,
    /// Whether the job needs all its parts; else they may be calling from within it.
    closed: AtomicBool,
    /// Where the two gates' counts stand between jobs.
    met: AtomicU32,
    finished: AtomicU32,
    /// How many long waits there were before the last job.
    long: AtomicU32,
}

/// Something that has its cache lines for itself: two, since processors fetch them in pairs.
#[repr(align(128))]
pub(super) struct Line<T>(pub(super) T);

impl<T> Deref for Line<T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        &self.0
    }
}

impl Shared {
    /// How the waits of all jobs went so far: to be compared with what they were.
    #[inline]
    pub(super) fn waits(&self) -> Waits {
        Waits {
            long: self.meeting.long_waits().wrapping_add(self.finish.long_waits()),
            slept: self.meeting.sleeps().wrapping_add(self.finish.sleeps()),
        }
    }

    /// How many threads can run at the same time.
    pub(super) fn cores(&self) -> usize {
        self.cores
    }

    pub(super) fn new(workers: usize, cores: usize) -> Self {
        let zero = || AtomicU32::new(0);
        Shared {
            busy: Line(Busy {
                taken: AtomicBool::new(false),
                closed: AtomicBool::new(false),
                met: zero(),
                finished: zero(),
                long: zero(),
            }),
            call: Line(Call::new(workers)),
            meeting: Line(Gate::new()),
            finish: Line(Gate::new()),
            panic: Mutex::new(None),
            cores,
            smooth: Line(Smooth::default()),
        }
    }

    fn patience(&self, threads: usize) -> u32 {
        if threads > self.cores { IMPATIENT } else { PATIENT }
    }

    /// Where the caller of a job runs, if a worker may have come there: because it was woken, or because threads waited
    /// long for each other in the job before. Where there are more parts than cores, it doesn't matter.
    fn where_caller_is(&self, parts: usize) -> Core {
        let long = self.waits().long;
        let disturbed = self.busy.long.load(Ordering::Relaxed) != long;
        self.busy.long.store(long, Ordering::Relaxed);
        let crowded = parts > self.cores;
        if !crowded && (disturbed || self.call.any_sleeps()) { aside::core() } else { UNKNOWN }
    }

    /// Runs a job as its caller, who has taken the pool, and returns what a part panicked with.
    pub(super) fn run(
        &self,
        workers: &[JoinHandle<()>],
        parts: usize,
        kind: Kind,
        body: &Body<'_>,
    ) -> Option<Box<dyn Any + Send>> {
        let patience = self.patience(parts);
        let met = self.busy.met.load(Ordering::Relaxed);
        let before = self.busy.finished.load(Ordering::Relaxed);
        self.busy.closed.store(kind == Kind::Closed, Ordering::Relaxed);
        let finished = match kind {
            Kind::Closed => gate::after(before, parts - 1),
            // Nobody knows yet how many will come: each that leaves looks whether somebody waits.
            Kind::Open => before,
        };
        let caller = self.where_caller_is(parts);
        self.call.publish(workers, parts, kind, &Job { body, met, finished, caller });
        let member = Member::new(0, parts, &self.meeting, met, patience);
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
            self.busy.met.store(member.met(), Ordering::Relaxed);
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
    pub(super) fn work(&self, index: usize) {
        let idle_patience = self.patience(self.call.workers() + 1);
        let mut seen = Call::FIRST;
        loop {
            let order;
            (seen, order) = self.call.next(index, seen, idle_patience);
            match order {
                Order::Skip => {}
                Order::End => return,
                Order::Run { parts, job: Job { body, met, finished, caller } } => {
                    aside::leave(caller);
                    let patience = self.patience(parts);
                    let member = Member::new(index, parts, &self.meeting, met, patience);
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
    pub(super) fn take(&self) -> bool {
        !self.taken.load(Ordering::Relaxed) && !self.taken.swap(true, Ordering::Acquire)
    }

    /// Whether the pool is or was last in use for parts that wait for each other.
    pub(super) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Relaxed)
    }

    #[inline]
    pub(super) fn give_back(&self) {
        self.taken.store(false, Ordering::Release);
    }
}
