//! Work in pieces that threads take in turn.

// Each thread writes its own state and its own pieces of one array, which the compiler cannot see.
#![allow(unsafe_code)]

use std::sync::atomic::{AtomicUsize, Ordering};

use super::Pool;
use super::call::Kind;

impl Pool {
    /// Runs `body` for every index below `count`, on as many threads as there are indices and threads, each taking the
    /// next index when it is done with one: for jobs that are unlike, such as the trainings of an ensemble.
    ///
    /// If the pool is in use, all run on the calling thread. Nobody waits for a worker that sleeps: it takes what is left
    /// when it is awake, and if that is nothing, the calling thread has returned by then.
    ///
    /// # Panics
    /// When `body` panics for an index; indices that nobody has begun by then are left out.
    pub fn for_each(&self, count: usize, body: &(dyn Fn(usize) + Sync)) {
        self.divide(count, self.threads(), &|_, index| body(index));
    }

    /// Cuts `data` into chunks of `chunk` elements, of which the last may be shorter, and runs `body` for each with its
    /// number. Threads take them in turn, as in [`Pool::for_each`]; each has one of the `states` to itself, so at most as
    /// many threads take part as there are states.
    ///
    /// # Panics
    /// When `body` panics, `chunk` is 0, or there is no state.
    ///
    /// ```
    /// use glassnet::engine::Pool;
    /// let pool = Pool::new(2)?;
    /// let (mut states, mut data) = ([0; 2], [1, 2, 3, 4, 5]);
    /// pool.for_each_chunk(&mut states, &mut data, 2, &|sum, number, chunk| {
    ///     *sum += chunk.iter().sum::<i32>();
    ///     chunk.fill(number as i32);
    /// });
    /// assert_eq!((states.iter().sum::<i32>(), data), (15, [0, 0, 1, 1, 2]));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn for_each_chunk<S: Send, T: Send>(
        &self,
        states: &mut [S],
        data: &mut [T],
        chunk: usize,
        body: &(dyn Fn(&mut S, usize, &mut [T]) + Sync),
    ) {
        assert!(chunk > 0 && !states.is_empty(), "chunks have elements and threads a state");
        let (len, threads) = (data.len(), states.len());
        let (states, data) = (Start(states.as_mut_ptr()), Start(data.as_mut_ptr()));
        self.divide(len.div_ceil(chunk), threads, &|member, index| {
            let start = index * chunk;
            // SAFETY: `member` is below the number of states, and each member is one thread, for as long as the job
            // lasts; the states are borrowed for longer.
            let state = unsafe { &mut *states.add(member) };
            // SAFETY: each index below the number of chunks is handed out once, so that nobody else has this chunk; it
            // lies within the data, which are borrowed for longer than the job lasts.
            let chunk =
                unsafe { std::slice::from_raw_parts_mut(data.add(start), chunk.min(len - start)) };
            body(state, index, chunk);
        });
    }

    /// Runs `body` with the member's number, below `threads`, and the index, for every index below `count`, once.
    fn divide(&self, count: usize, threads: usize, body: &(dyn Fn(usize, usize) + Sync)) {
        let next = AtomicUsize::new(0);
        let work = |member: usize| {
            let rest = LeaveOut { next: &next, count };
            loop {
                let index = next.fetch_add(1, Ordering::Relaxed);
                if index >= count {
                    break;
                }
                body(member, index);
            }
            drop(rest);
        };
        let parts = count.min(threads).min(self.threads());
        if !self.run(parts, Kind::Open, &|member| work(member.index())) {
            work(0);
        }
    }
}

/// Where an array begins that threads divide among them.
struct Start<T>(*mut T);

// SAFETY: it is used to give each thread exclusive access to elements of its own, which may be sent to it.
unsafe impl<T: Send> Sync for Start<T> {}

impl<T> Start<T> {
    /// The address of an element.
    ///
    /// # Safety
    /// The array must have that many elements.
    unsafe fn add(&self, offset: usize) -> *mut T {
        // SAFETY: the caller's promise is passed on.
        unsafe { self.0.add(offset) }
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
