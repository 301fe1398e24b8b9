//! Slots as addresses: the one place where a plan's fixed places become references.
//!
//! # Safety
//! A plan is checked once, when it is compiled (`check_accesses`): every slot lies within its array, and no instruction
//! writes what it also reads through another slot. What runs at the same time is apart (`schedule`). When a plan is run,
//! the arrays' lengths are compared with what it was compiled for. So addresses need no check while it runs.
#![allow(unsafe_code)]

use super::accesses::{Accesses, Region};
use super::instruction::Instruction;
use super::lower::INPUTS;
use super::place::{Slot, Space};

/// Where the arrays of one run begin.
#[derive(Clone, Copy)]
pub(super) struct Arena {
    /// By [`Space::number`]; what is only read is never written through its address.
    bases: [*mut f32; Space::COUNT],
    index: *const i64,
}

// SAFETY: an arena is shared by the threads of one run, whose schedule keeps them apart.
unsafe impl Send for Arena {}
// SAFETY: as above.
unsafe impl Sync for Arena {}

impl Arena {
    pub(super) fn new(
        state: *mut f32,
        work: *mut f32,
        index: *const i64,
        packed: *const f32,
        inputs: [*const f32; INPUTS as usize],
    ) -> Self {
        let nothing = std::ptr::NonNull::dangling().as_ptr();
        let mut bases = [nothing; Space::COUNT];
        bases[Space::State.number()] = state;
        bases[Space::Work.number()] = work;
        bases[Space::Packed.number()] = packed.cast_mut();
        for (base, input) in bases[Space::Input(0).number()..].iter_mut().zip(inputs) {
            *base = input.cast_mut();
        }
        Arena { bases, index }
    }

    /// The address of a slot's first element.
    ///
    /// # Safety
    /// The slot belongs to the plan that is run on these arrays, and does not hold integers.
    #[inline(always)]
    pub(super) unsafe fn read(&self, slot: Slot) -> *const f32 {
        // SAFETY: the caller's promise.
        unsafe { self.write(slot).cast_const() }
    }

    /// The address of a slot that is written: parameters by the optimiser alone, else values of the plan.
    ///
    /// # Safety
    /// As [`Arena::read`].
    #[inline(always)]
    pub(super) unsafe fn write(&self, slot: Slot) -> *mut f32 {
        // SAFETY: the caller's promise; every space has its number.
        unsafe { self.bases.get_unchecked(slot.space.number()).add(slot.offset) }
    }

    /// The elements of an operand.
    ///
    /// # Safety
    /// As [`Arena::read`]; nobody writes them meanwhile.
    #[inline(always)]
    pub(super) unsafe fn floats<'a>(&self, slot: Slot) -> &'a [f32] {
        if slot.space == Space::Index {
            return &[];
        }
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.read(slot), slot.len) }
    }

    /// The elements of an output.
    ///
    /// # Safety
    /// As [`Arena::read`]; nobody else reads or writes them meanwhile.
    #[inline(always)]
    pub(super) unsafe fn floats_mut<'a>(&self, slot: Slot) -> &'a mut [f32] {
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts_mut(self.write(slot), slot.len) }
    }

    /// The integers of an operand.
    ///
    /// # Safety
    /// As [`Arena::read`].
    #[inline(always)]
    pub(super) unsafe fn indices<'a>(&self, slot: Slot) -> &'a [i64] {
        if slot.space != Space::Index {
            return &[];
        }
        // SAFETY: the caller's promise.
        unsafe { std::slice::from_raw_parts(self.index.add(slot.offset), slot.len) }
    }
}

/// The lengths of a plan's arrays.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lengths {
    pub(super) state: usize,
    pub(super) work: usize,
    pub(super) index: usize,
    pub(super) packed: usize,
    pub(super) inputs: [usize; INPUTS as usize],
}

/// Checks what the arena relies on.
///
/// # Panics
/// When an instruction leaves its array, or writes what it reads elsewhere: a mistake of the engine's.
pub(super) fn check_accesses(instructions: &[Instruction], lengths: &Lengths) {
    for instruction in instructions {
        let Accesses { reads, writes } = instruction.accesses();
        for region in reads.iter().chain(&writes) {
            let len = match region.space {
                Space::State => lengths.state,
                Space::Work => lengths.work,
                Space::Index => lengths.index,
                Space::Packed => lengths.packed,
                Space::Input(number) => lengths.inputs[usize::from(number)],
            };
            assert!(region.end() <= len, "the slot lies within its array");
        }
        for (at, write) in writes.iter().enumerate() {
            let updates = match instruction {
                Instruction::Update(_) | Instruction::TableStep(_) => true,
                Instruction::Tiny(tiny) => tiny.out().1,
                _ => false, // not operations: whatever changes no parameter
            };
            let space_fits = match write.space {
                Space::Work => true,
                Space::State => updates,
                Space::Input(_) => matches!(instruction, Instruction::Feed(_)),
                Space::Index | Space::Packed => false,
            };
            assert!(space_fits, "a plan writes its own values only");
            let apart = |other: &Region| (updates && other == write) || !write.meets(other);
            assert!(reads.iter().all(apart), "an operand lies apart from the output");
            assert!(writes[..at].iter().all(|other| !write.meets(other)), "outputs lie apart");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LENGTHS: Lengths =
        Lengths { state: 4, work: 8, index: 0, packed: 0, inputs: [0; INPUTS as usize] };

    fn work(offset: usize, len: usize) -> Slot {
        Slot { space: Space::Work, offset, len }
    }

    #[test]
    fn apart_and_within_is_right() {
        check_accesses(&[Instruction::Copy { x: work(0, 4), out: work(4, 4) }], &LENGTHS);
    }

    #[test]
    #[should_panic(expected = "apart from the output")]
    fn an_output_is_not_read_while_it_is_written() {
        check_accesses(&[Instruction::Copy { x: work(0, 4), out: work(3, 4) }], &LENGTHS);
    }

    #[test]
    #[should_panic(expected = "within its array")]
    fn nothing_lies_outside() {
        check_accesses(&[Instruction::Copy { x: work(0, 4), out: work(5, 4) }], &LENGTHS);
    }

    #[test]
    #[should_panic(expected = "its own values only")]
    fn parameters_are_not_written_but_by_the_optimiser() {
        let parameter = Slot { space: Space::State, offset: 0, len: 4 };
        check_accesses(&[Instruction::Copy { x: work(0, 4), out: parameter }], &LENGTHS);
    }
}
