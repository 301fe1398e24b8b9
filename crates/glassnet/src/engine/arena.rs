//! Slots as slices: the one place where a plan's fixed addresses become references.
#![allow(unsafe_code)]

use super::place::{Slot, Space};

/// The arrays of one run. Operands are read and one output is written at a time.
pub(super) struct Arena<'a> {
    state: &'a [f32],
    work: *mut f32,
    work_len: usize,
    index: &'a [i64],
}

impl<'a> Arena<'a> {
    pub(super) fn new(state: &'a [f32], work: &'a mut [f32], index: &'a [i64]) -> Self {
        Arena { state, work: work.as_mut_ptr(), work_len: work.len(), index }
    }

    /// The floats of an operand.
    pub(super) fn read(&self, slot: Slot) -> &[f32] {
        match slot.space {
            Space::State => &self.state[slot.range()],
            Space::Work => {
                assert!(slot.offset + slot.len <= self.work_len, "the slot lies within the arena");
                // SAFETY: in bounds by the assertion, and `work` is borrowed for `'a`. No reference to the
                // same elements is mutable: the only one is what `write` gave out for the instruction's output,
                // and compilation asserts that outputs overlap no operand of their instruction.
                unsafe { std::slice::from_raw_parts(self.work.add(slot.offset), slot.len) }
            }
            Space::Index => &[],
        }
    }

    /// The integers of an operand.
    pub(super) fn indices(&self, slot: Slot) -> &[i64] {
        match slot.space {
            Space::Index => &self.index[slot.range()],
            Space::State | Space::Work => &[],
        }
    }

    /// The elements of an instruction's output.
    ///
    /// # Safety
    /// At most one output may be alive at a time, and no slot overlapping it may be read meanwhile: callers take
    /// it once per instruction, and compilation asserts that it overlaps no operand.
    #[allow(clippy::mut_from_ref)]
    pub(super) unsafe fn write(&self, slot: Slot) -> &mut [f32] {
        assert!(
            slot.space == Space::Work && slot.offset + slot.len <= self.work_len,
            "the slot lies within the arena"
        );
        // SAFETY: in bounds by the assertion; unique by the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.work.add(slot.offset), slot.len) }
    }
}
