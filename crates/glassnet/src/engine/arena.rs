//! Slots as slices: the one place where a plan's fixed addresses become references.
#![allow(unsafe_code)]

use super::place::{Slot, Space};

/// The arrays of one run.
pub(super) struct Arena<'a> {
    state: &'a [f32],
    work: &'a mut [f32],
    index: &'a [i64],
}

impl<'a> Arena<'a> {
    pub(super) fn new(state: &'a [f32], work: &'a mut [f32], index: &'a [i64]) -> Self {
        Arena { state, work, index }
    }

    /// The elements of an instruction's output, and everything else to read from.
    pub(super) fn split(&mut self, out: Slot) -> (&mut [f32], Operands<'_>) {
        let work_len = self.work.len();
        assert!(
            out.space == Space::Work && out.offset + out.len <= work_len,
            "the slot lies within the arena"
        );
        let work = self.work.as_mut_ptr();
        let operands = Operands { state: self.state, work, work_len, out, index: self.index };
        // SAFETY: in bounds by the assertion. `self` stays borrowed as long as the slice and the operands live, so no
        // second output is given out, and the operands refuse to read what overlaps this one.
        let out = unsafe { std::slice::from_raw_parts_mut(work.add(out.offset), out.len) };
        (out, operands)
    }
}

/// What an instruction may read while its output is written.
pub(super) struct Operands<'a> {
    state: &'a [f32],
    work: *const f32,
    work_len: usize,
    /// The elements that are being written.
    out: Slot,
    index: &'a [i64],
}

impl Operands<'_> {
    /// The floats of an operand.
    pub(super) fn read(&self, slot: Slot) -> &[f32] {
        match slot.space {
            Space::State => &self.state[slot.range()],
            Space::Work => {
                assert!(slot.offset + slot.len <= self.work_len, "the slot lies within the arena");
                assert!(!slot.overlaps(self.out), "an operand lies apart from the output");
                // SAFETY: in bounds by the first assertion, and the arena stays borrowed meanwhile. The only mutable
                // reference into it is the output's, from which these elements are apart by the second.
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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slot(offset: usize, len: usize) -> Slot {
        Slot { space: Space::Work, offset, len }
    }

    #[test]
    fn an_output_is_written_beside_its_operands() {
        let mut work = [1.0, 2.0, 3.0];
        let mut arena = Arena::new(&[], &mut work, &[]);
        let (out, operands) = arena.split(slot(1, 1));
        out[0] = operands.read(slot(0, 1))[0] + operands.read(slot(2, 1))[0];
        assert_eq!(work, [1.0, 4.0, 3.0]);
    }

    #[test]
    #[should_panic(expected = "apart from the output")]
    fn an_output_is_not_read_while_it_is_written() {
        let mut work = [0.0; 3];
        let mut arena = Arena::new(&[], &mut work, &[]);
        let (_, operands) = arena.split(slot(1, 1));
        operands.read(slot(0, 2));
    }
}
