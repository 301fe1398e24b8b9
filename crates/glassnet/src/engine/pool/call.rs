//! How a job reaches the workers.
//!
//! The job lies beside one word, the **ticket**: the number of the job, its kind, its number of parts, and a flag.
//! Workers wait for the ticket to change. Worker `i` is asked to take part in jobs of more than `i` parts. There are two
//! kinds:
//! - a **closed** job needs all its parts. It does not end without them, so no worker misses one that asks for it.
//! - an **open** job goes on with whoever comes. A worker enters by counting itself in a second word, the **entry**, as
//!   long as that has the job's number and is not shut; the caller shuts it when it finds nothing left to do, and waits
//!   for those who entered. A worker that was asleep and comes too late finds it shut and goes back.
//!
//! # Why nobody sleeps for ever
//! A worker that has waited long enough says in its own place that it sleeps, then changes the ticket from the value
//! that it knows to the same with [`ASLEEP`]; only if that succeeds does it sleep. A caller replaces the ticket by an
//! exchange. If the worker's change came first, the exchange returns the flag, and the caller looks who sleeps and wakes
//! those who have a part (a wake-up that comes before the sleep cancels it: `std::thread::park` keeps a token). If the
//! exchange came first, the worker's change fails and it looks at the new ticket. If sleepers remain that have no part,
//! the caller puts the flag back, for the next caller.
//!
//! # Why the job is read whole
//! It is written by the caller before the exchange (release) and read by those that take part after they saw the new
//! ticket (acquire): in a closed job all that it asks for, in an open job those who entered. The next caller writes it
//! again only after all of them have arrived at the job's finish. No other worker touches it. A worker that is about to
//! enter an open job while that ends either gets in before the entry is shut, and is waited for, or not at all: both are
//! changes of one word, which names the job, so a later job's entry is never taken for it.
//!
//! # Safety
//! That is also why `body` may be borrowed: it is used by workers only between the exchange and their arrival at the
//! finish, for which the caller waits before it returns, in any case.

// A job borrows from its caller's stack, which the workers' threads cannot be shown to outlive.
#![allow(unsafe_code)]

use std::cell::UnsafeCell;
use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{JoinHandle, park, yield_now};

use super::aside::Core;
use super::shared::Line;
use super::{Member, offers};

/// Somebody sleeps until the ticket changes.
const ASLEEP: u64 = 1;
/// The number of parts lies above the flag; 0 ends the workers.
const PARTS_SHIFT: u32 = 1;
const PARTS_MASK: u64 = 0x7fff;
/// The job is open.
const OPEN: u64 = 1 << 16;
/// The number of the job lies above these.
const NEXT_JOB: u64 = 1 << 17;

/// The entry holds the number of the job as the ticket does, below it how many entered, and whether it is shut.
const SHUT: u64 = 1;
const ENTERED: u64 = 2;

/// What every part of a job does.
pub(super) type Body<'a> = dyn Fn(&Member<'_>) + Sync + 'a;

/// See the module.
pub(super) struct Call {
    ticket: AtomicU64,
    entry: AtomicU64,
    job: UnsafeCell<Option<Posted>>,
    /// Whether each worker sleeps.
    asleep: Box<[Line<AtomicBool>]>,
}

/// A job as it lies there for the workers: a pointer, since what it points to is gone after the job.
#[derive(Clone, Copy)]
struct Posted {
    body: *const Body<'static>,
    met: u32,
    finished: u32,
    caller: Core,
}

/// What is to be done, and where the two gates' counts stand.
pub(super) struct Job<'a> {
    pub(super) body: &'a Body<'a>,
    /// The count of the meeting before the job.
    pub(super) met: u32,
    /// The count of the finish after it.
    pub(super) finished: u32,
    /// Where its caller runs, if workers had better know it.
    pub(super) caller: Core,
}

/// Whether a job needs all its parts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It does: they meet.
    Closed,
    /// Whoever comes helps.
    Open,
}

/// What a new ticket means to a worker.
pub(super) enum Order<'a> {
    /// It has no part.
    Skip,
    /// To take part.
    Run { parts: usize, job: Job<'a> },
    /// To end.
    End,
}

// SAFETY: the tickets and places are atomic. `job` is written by the caller of a job alone, who has taken the pool, when no worker reads it, and read by
// workers only between the exchange of the ticket and their arrival at the finish (see the module). What it points to
// is `Sync`.
unsafe impl Sync for Call {}
// SAFETY: as above: the thread that owns it is no exception.
unsafe impl Send for Call {}

impl Call {
    /// The ticket before the first job.
    pub(super) const FIRST: u64 = 0;

    pub(super) fn new(workers: usize) -> Self {
        Call {
            ticket: AtomicU64::new(Self::FIRST),
            entry: AtomicU64::new(SHUT),
            job: UnsafeCell::new(None),
            asleep: (0..workers).map(|_| Line(AtomicBool::new(false))).collect(),
        }
    }

    pub(super) fn workers(&self) -> usize {
        self.asleep.len()
    }

    /// Hands a job of `parts` parts to the workers. Only the caller that has taken the pool may do so, when the job before
    /// is finished. It must not return before all who take part have arrived at the finish: in an open job those that
    /// [`Call::shut`] tells of.
    pub(super) fn publish(
        &self,
        handles: &[JoinHandle<()>],
        parts: usize,
        kind: Kind,
        job: &Job<'_>,
    ) {
        let body: *const Body<'_> = job.body;
        // SAFETY: only the lifetime in the pointer's type changes, and that promises nothing until it is read.
        let body = unsafe { std::mem::transmute::<*const Body<'_>, *const Body<'static>>(body) };
        // SAFETY: nobody reads or writes the job now: see the implementation of `Sync`.
        unsafe {
            *self.job.get() =
                Some(Posted { body, met: job.met, finished: job.finished, caller: job.caller })
        };
        let number = self.next_number();
        let kind = match kind {
            Kind::Closed => 0,
            Kind::Open => {
                // The entry of the job before is shut, so nobody changes it meanwhile.
                self.entry.store(number, Ordering::Relaxed);
                OPEN
            }
        };
        let ticket = number | kind | (parts as u64) << PARTS_SHIFT;
        let before = self.ticket.swap(ticket, Ordering::AcqRel);
        if before & ASLEEP != 0 {
            self.wake(handles, parts);
        }
    }

    /// The number of the last job.
    #[cfg(test)]
    pub(super) fn jobs(&self) -> u64 {
        self.ticket.load(Ordering::Relaxed) / NEXT_JOB
    }

    fn next_number(&self) -> u64 {
        (self.ticket.load(Ordering::Relaxed) & !(NEXT_JOB - 1)).wrapping_add(NEXT_JOB)
    }

    /// Lets nobody enter the open job any more, and returns how many workers did.
    pub(super) fn shut(&self) -> usize {
        let before = self.entry.fetch_or(SHUT, Ordering::AcqRel);
        ((before & (NEXT_JOB - 1)) / ENTERED) as usize
    }

    /// Whether this worker takes part in the open job of `ticket`.
    fn enter(&self, ticket: u64) -> bool {
        let number = ticket & !(NEXT_JOB - 1);
        let entered = |entry: u64| {
            (entry & !(NEXT_JOB - 1) == number && entry & SHUT == 0).then_some(entry + ENTERED)
        };
        self.entry.fetch_update(Ordering::AcqRel, Ordering::Acquire, entered).is_ok()
    }

    #[cold]
    fn wake(&self, handles: &[JoinHandle<()>], parts: usize) {
        let mut others_sleep = false;
        for (worker, (asleep, handle)) in self.asleep.iter().zip(handles).enumerate() {
            if asleep.load(Ordering::Relaxed) {
                if worker + 1 < parts {
                    handle.thread().unpark();
                } else {
                    others_sleep = true;
                }
            }
        }
        if others_sleep {
            self.ticket.fetch_or(ASLEEP, Ordering::Relaxed);
        }
    }

    /// Whether any worker sleeps, as far as can be said without stopping it.
    pub(super) fn any_sleeps(&self) -> bool {
        self.ticket.load(Ordering::Relaxed) & ASLEEP != 0
    }

    /// Whether a worker that has a part in jobs of `parts` parts sleeps, as far as can be said without stopping it.
    pub(super) fn sleeps(&self, parts: usize) -> bool {
        self.ticket.load(Ordering::Relaxed) & ASLEEP != 0
            && self.asleep.iter().take(parts - 1).any(|asleep| asleep.load(Ordering::Relaxed))
    }

    /// Lets all workers end, once they are woken. There must be no job.
    pub(super) fn end(&self) {
        self.ticket.swap(self.next_number(), Ordering::AcqRel);
    }

    /// Waits, as worker `index` (from 1), for another ticket than `seen`, and returns it with what it means.
    pub(super) fn next(&self, index: usize, seen: u64, patience: u32) -> (u64, Order<'_>) {
        let ticket = self.wait(index, seen, patience);
        let parts = (ticket >> PARTS_SHIFT & PARTS_MASK) as usize;
        let order = match parts {
            0 => Order::End,
            parts if parts <= index => Order::Skip,
            1.. if ticket & OPEN != 0 && !self.enter(ticket) => Order::Skip,
            1.. => {
                // SAFETY: this worker takes part, so nobody writes the job before it has arrived at the finish.
                match unsafe { *self.job.get() } {
                    Some(Posted { body, met, finished, caller }) => {
                        // SAFETY: it lives until this worker has arrived at the finish, which is the last thing that
                        // the worker does with the order (see the module).
                        let body = unsafe { &*body };
                        Order::Run { parts, job: Job { body, met, finished, caller } }
                    }
                    None => Order::Skip,
                }
            }
        };
        (ticket, order)
    }

    fn wait(&self, index: usize, seen: u64, patience: u32) -> u64 {
        let look = || Some(self.ticket.load(Ordering::Acquire) & !ASLEEP).filter(|&t| t != seen);
        for _ in 0..patience {
            if let Some(ticket) = look() {
                return ticket;
            }
            spin_loop();
        }
        let (offers, looks) = offers(patience);
        for _ in 0..offers {
            yield_now();
            for _ in 0..looks {
                if let Some(ticket) = look() {
                    return ticket;
                }
                spin_loop();
            }
        }
        self.sleep(index, seen)
    }

    fn sleep(&self, index: usize, seen: u64) -> u64 {
        let asleep = &self.asleep[index - 1];
        asleep.store(true, Ordering::Relaxed);
        let mut registered = false;
        let ticket = loop {
            let ticket = self.ticket.load(Ordering::Acquire);
            if ticket & !ASLEEP != seen {
                break ticket & !ASLEEP;
            }
            if registered {
                park();
            } else {
                // Release: who finds the flag finds this worker's place set.
                registered = self
                    .ticket
                    .compare_exchange(ticket, seen | ASLEEP, Ordering::AcqRel, Ordering::Relaxed)
                    .is_ok();
            }
        };
        asleep.store(false, Ordering::Relaxed);
        ticket
    }
}
