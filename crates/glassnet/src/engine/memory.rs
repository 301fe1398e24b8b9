//! The arrays that plans run on.

use super::aligned::Aligned;
use super::place::{Slot, Space};
use super::{Plan, ValuePlace};
use crate::graph::{Checked, op::Source};

/// All parameters of a network in one contiguous array, its buffers behind them, by state-dict key.
#[derive(Clone, Debug, PartialEq)]
pub struct Block {
    entries: Vec<Entry>,
    parameters: usize,
    data: Aligned,
}

#[derive(Clone, Debug, PartialEq)]
struct Entry {
    key: String,
    shape: Vec<usize>,
    slot: Slot,
}

impl Block {
    /// Zeros for every parameter and buffer of `graph`, in the graph's order.
    pub fn for_graph(graph: &Checked) -> Self {
        let mut entries: Vec<Entry> = vec![];
        let mut end = 0;
        let mut parameters = 0;
        for buffers in [false, true] {
            for (id, source) in graph.graph().sources() {
                let key = match source {
                    Source::Parameter { name, .. } if !buffers => name,
                    Source::Buffer { name, .. } if buffers => name,
                    Source::Parameter { .. }
                    | Source::Buffer { .. }
                    | Source::Input { .. }
                    | Source::Constant(_)
                    | Source::Count(_) => continue,
                };
                let shape = graph.shape(id).at(1);
                let len = shape.iter().product();
                entries.push(Entry {
                    key: key.clone(),
                    shape,
                    slot: Slot { space: Space::State, offset: end, len },
                });
                end += len;
            }
            if !buffers {
                parameters = end;
            }
        }
        Block { entries, parameters, data: Aligned::zeros(end) }
    }

    /// The keys with their shapes, in order: parameters first.
    pub fn keys(&self) -> impl Iterator<Item = (&str, &[usize])> {
        self.entries.iter().map(|entry| (entry.key.as_str(), entry.shape.as_slice()))
    }

    /// The elements under `key`.
    pub fn get(&self, key: &str) -> Option<&[f32]> {
        self.range(key).map(|range| &self.data[range])
    }

    /// The elements under `key`, to be changed in place.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut [f32]> {
        self.range(key).map(|range| &mut self.data[range])
    }

    /// Where the elements under `key` lie within the block.
    pub fn range(&self, key: &str) -> Option<std::ops::Range<usize>> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| entry.slot.range())
    }

    /// Where the parameters of two or more axes lie within the block.
    pub(crate) fn matrices(&self) -> Vec<std::ops::Range<usize>> {
        let parameters =
            self.entries.iter().filter(|entry| entry.slot.range().end <= self.parameters);
        parameters.filter(|entry| entry.shape.len() > 1).map(|entry| entry.slot.range()).collect()
    }

    /// All trainable parameters, contiguous, in the order of [`Block::keys`].
    pub fn parameters(&self) -> &[f32] {
        &self.data[..self.parameters]
    }

    /// All trainable parameters, to be changed in place.
    pub fn parameters_mut(&mut self) -> &mut [f32] {
        &mut self.data[..self.parameters]
    }

    /// Parameters and buffers.
    pub fn data(&self) -> &[f32] {
        &self.data
    }

    /// Parameters and buffers, to be changed in place.
    pub fn data_mut(&mut self) -> &mut [f32] {
        &mut self.data
    }

    pub(super) fn address(&mut self) -> *mut f32 {
        self.data.as_mut_ptr()
    }

    pub(super) fn slot(&self, key: &str) -> Option<Slot> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| entry.slot)
    }
}

/// A network's weights in the order in which a plan's products read them, for weights that don't change.
///
/// Plans of one graph for different batch sizes share it.
#[derive(Clone, Debug)]
pub struct Packed {
    pub(super) data: Aligned,
}

impl Default for Packed {
    /// No weights.
    fn default() -> Self {
        Packed::zeros(0)
    }
}

impl Packed {
    pub(super) fn zeros(len: usize) -> Self {
        Packed { data: Aligned::zeros(len) }
    }
}

/// What one plan computes with: inputs, results, everything between.
#[derive(Clone, Debug)]
pub struct Memory {
    pub(super) work: Aligned,
    pub(super) index: Vec<i64>,
    /// A scratch for each thread.
    pub(super) scratch: Vec<Aligned>,
}

impl Memory {
    pub(super) fn new(plan: &Plan) -> Self {
        let mut work = Aligned::zeros(plan.lengths.work);
        for &(offset, value) in &plan.constants {
            work[offset] = value;
        }
        let scratch = plan.scratch_lens.iter().map(|&len| Aligned::zeros(len)).collect();
        Memory { work, index: vec![0; plan.lengths.index], scratch }
    }

    /// The floats at `place`.
    ///
    /// # Panics
    /// When the place holds integers or belongs to another plan.
    pub fn floats(&self, place: ValuePlace) -> &[f32] {
        assert_eq!(place.0.space, Space::Work, "the place holds floats of this memory");
        &self.work[place.0.range()]
    }

    /// The floats at `place`, to be filled.
    ///
    /// # Panics
    /// When the place holds integers or belongs to another plan.
    pub fn floats_mut(&mut self, place: ValuePlace) -> &mut [f32] {
        assert_eq!(place.0.space, Space::Work, "the place holds floats of this memory");
        &mut self.work[place.0.range()]
    }

    /// The integers at `place`, to be filled.
    ///
    /// # Panics
    /// When the place holds floats or belongs to another plan.
    pub fn indices_mut(&mut self, place: ValuePlace) -> &mut [i64] {
        assert_eq!(place.0.space, Space::Index, "the place holds integers");
        &mut self.index[place.0.range()]
    }

    pub(super) fn results(&self, len: usize) -> &[f32] {
        &self.work[..len]
    }

    pub(super) fn results_mut(&mut self, len: usize) -> &mut [f32] {
        &mut self.work[..len]
    }
}
