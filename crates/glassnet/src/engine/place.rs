//! Fixed places in memory.

use std::ops::Range;

use super::lower::INPUTS;

/// Which array a slot lies in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Space {
    /// Parameters and buffers: read only while a plan runs.
    State,
    /// Floats that a plan computes or is fed.
    Work,
    /// Integers that a plan is fed.
    Index,
    /// Weights in the order in which products read them: see [`Packed`](super::Packed).
    Packed,
    /// Floats that a plan is fed, by the input's number: they lie in the work array, or where the caller keeps them.
    Input(u8),
}

impl Space {
    /// How many arrays there are at most.
    pub(super) const COUNT: usize = 4 + INPUTS as usize;

    /// The array's number.
    #[inline(always)]
    pub(super) fn number(self) -> usize {
        match self {
            Space::State => 0,
            Space::Work => 1,
            Space::Index => 2,
            Space::Packed => 3,
            Space::Input(number) => 4 + usize::from(number),
        }
    }
}

/// A run of elements in one of the arrays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Slot {
    pub(super) space: Space,
    pub(super) offset: usize,
    pub(super) len: usize,
}

impl Slot {
    pub(super) fn range(self) -> Range<usize> {
        self.offset..self.offset + self.len
    }

    /// Some of its elements.
    pub(super) fn part(self, range: Range<usize>) -> Slot {
        debug_assert!(range.end <= self.len);
        Slot { offset: self.offset + range.start, len: range.len(), ..self }
    }
}

/// Hands out places in the work array and takes them back: first fit, in the order of the schedule.
#[derive(Debug, Default)]
pub(super) struct Allocator {
    free: Vec<Range<usize>>,
    end: usize,
}

/// Slots begin at multiples of this many floats, a cache line.
pub(super) const ALIGNMENT: usize = 16;

impl Allocator {
    /// Begins behind the first `end` floats, which are never handed out.
    pub(super) fn starting_at(end: usize) -> Self {
        Allocator { free: vec![], end: end.next_multiple_of(ALIGNMENT) }
    }

    /// A place behind all others, which holds nothing else, before or after.
    pub(super) fn append(&mut self, len: usize) -> Slot {
        let offset = self.end;
        self.end += len.next_multiple_of(ALIGNMENT);
        Slot { space: Space::Work, offset, len }
    }

    pub(super) fn take(&mut self, len: usize) -> Slot {
        let size = len.next_multiple_of(ALIGNMENT);
        let place = match self.free.iter().position(|range| range.len() >= size) {
            Some(at) => {
                let range = &mut self.free[at];
                let offset = range.start;
                range.start += size;
                if range.start == range.end {
                    self.free.remove(at);
                }
                offset
            }
            None => {
                let offset = self.end;
                self.end += size;
                offset
            }
        };
        Slot { space: Space::Work, offset: place, len }
    }

    pub(super) fn give_back(&mut self, slot: Slot) {
        let range = slot.offset..slot.offset + slot.len.next_multiple_of(ALIGNMENT);
        if range.is_empty() {
            return;
        }
        let at = self.free.partition_point(|free| free.start < range.start);
        self.free.insert(at, range);
        if at + 1 < self.free.len() && self.free[at].end == self.free[at + 1].start {
            self.free[at].end = self.free.remove(at + 1).end;
        }
        if at > 0 && self.free[at - 1].end == self.free[at].start {
            self.free[at - 1].end = self.free.remove(at).end;
        }
    }

    /// How many floats all slots together need.
    pub(super) fn end(&self) -> usize {
        self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_that_live_together_never_overlap_and_memory_is_used_again() {
        let mut allocator = Allocator::starting_at(3);
        let slots: Vec<Slot> =
            [1, 40, 16, 100].into_iter().map(|len| allocator.take(len)).collect();
        for (i, a) in slots.iter().enumerate() {
            assert!(a.offset >= 3);
            assert!(
                slots[..i].iter().all(|b| a.range().end <= b.offset || b.range().end <= a.offset)
            );
        }
        let end = allocator.end();
        allocator.give_back(slots[1]);
        allocator.give_back(slots[2]);
        assert_eq!(allocator.take(60).offset, slots[1].offset);
        assert_eq!(allocator.end(), end);
    }
}
