//! Out of each other's way: a worker that finds itself on its caller's core moves to another one.
//!
//! A system may wake a worker on the core of the thread that woke it, though another core is idle, and leave both there for
//! milliseconds: then a job takes longer than on one thread, and while the two take turns they look too little busy to be
//! parted. So a caller says on which core it is, where the last job was disturbed or workers sleep, and a worker that finds
//! itself on the same one leaves it. It is allowed there again at once: nothing is bound to a core.

/// A processor's number, as the system counts them.
pub(super) type Core = u32;

/// No processor's.
pub(super) const UNKNOWN: Core = u32::MAX;

/// Where this thread runs, if the system says so cheaply.
pub(super) fn core() -> Core {
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    return rustix::thread::sched_getcpu() as Core;
    #[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
    return UNKNOWN;
}

/// Leaves `taken` for another core that this thread may use, if it runs there and there is one.
pub(super) fn leave(taken: Core) {
    if taken == UNKNOWN || core() != taken {
        return;
    }
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    {
        use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

        let taken = taken as usize;
        // What the system refuses leaves everything as it is, and costs time alone.
        let Ok(allowed) = sched_getaffinity(None) else { return };
        if taken >= CpuSet::MAX_CPU {
            return;
        }
        let mut others = allowed;
        others.unset(taken);
        if others.count() > 0 && sched_setaffinity(None, &others).is_ok() {
            let _ = sched_setaffinity(None, &allowed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[cfg(all(target_os = "linux", target_arch = "x86_64"))]
    fn a_thread_that_leaves_a_core_may_come_back() {
        use rustix::thread::sched_getaffinity;

        let allowed = |set: rustix::thread::CpuSet| -> Vec<bool> {
            (0..rustix::thread::CpuSet::MAX_CPU).map(|cpu| set.is_set(cpu)).collect()
        };
        let before = allowed(sched_getaffinity(None).expect("an affinity"));
        for _ in 0..100 {
            leave(core());
        }
        leave(UNKNOWN);
        assert_eq!(allowed(sched_getaffinity(None).expect("an affinity")), before);
    }
}
