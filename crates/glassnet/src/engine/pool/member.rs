//! A thread's view of the job that it takes part in.

use std::cell::Cell;
use std::panic::resume_unwind;

use super::gate::{self, Gate};

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
pub(super) struct OtherPanicked;

impl<'a> Member<'a> {
    /// Part `index` of `parts`, who meet where the count is `met` before the job.
    pub(super) fn new(
        index: usize,
        parts: usize,
        meeting: &'a Gate,
        met: u32,
        patience: u32,
    ) -> Self {
        Member { index, parts, meeting: Some(meeting), met: Cell::new(met), patience }
    }

    /// The count of the last meeting.
    pub(super) fn met(&self) -> u32 {
        self.met.get()
    }

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
