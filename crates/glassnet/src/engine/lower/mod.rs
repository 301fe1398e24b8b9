//! From a graph to a schedule: which nodes are computed, where their values lie, which kernel computes them.

mod extent;
mod node;

use super::instruction::Instruction;
use super::place::{ALIGNMENT, Allocator, Slot, Space};
use super::{Block, Config, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Activation, Layout, Linear, Source};
use crate::graph::{Checked, NodeId, NodeMap, Op};

pub(super) fn compile(
    graph: &Checked,
    results: &[NodeId],
    batch: usize,
    config: &Config,
) -> Result<Plan> {
    let mut lowering = Lowering::new(graph, results, batch, config)?;
    lowering.place_results()?;
    lowering.place_sources()?;
    lowering.allocator = Allocator::starting_at(lowering.persistent_end);
    for id in graph.graph().ids() {
        if lowering.needed[id.index()] && !lowering.folded[id.index()] {
            lowering.lower(id)?;
        }
    }
    lowering.copy_results();
    Ok(lowering.finish())
}

/// The state of one compilation.
struct Lowering<'a> {
    graph: &'a Checked,
    config: &'a Config,
    batch: usize,
    block: Block,
    results: &'a [NodeId],
    /// Whether a node's value is wanted by a result.
    needed: Vec<bool>,
    /// Whether a node is computed inside its only user's kernel.
    folded: Vec<bool>,
    /// How many instructions still read the memory that a node's value begins.
    uses: Vec<usize>,
    /// The node whose memory a node's value lies in: another's for reshapes.
    roots: Vec<NodeId>,
    slots: NodeMap<Slot>,
    result_slots: Vec<Slot>,
    result_len: usize,
    persistent_end: usize,
    index_len: usize,
    constants: Vec<(usize, f32)>,
    inputs: Vec<(String, Slot)>,
    allocator: Allocator,
    instructions: Vec<Instruction>,
}

impl<'a> Lowering<'a> {
    fn new(
        graph: &'a Checked,
        results: &'a [NodeId],
        batch: usize,
        config: &'a Config,
    ) -> Result<Self> {
        let nodes = graph.graph().nodes();
        let mut needed = vec![false; nodes.len()];
        for id in results.iter().chain(&config.observe) {
            needed[id.index()] = true;
        }
        for (index, node) in nodes.iter().enumerate().rev() {
            if needed[index] {
                for operand in node.operands() {
                    needed[operand.index()] = true;
                }
            }
        }
        let mut lowering = Lowering {
            graph,
            config,
            batch,
            block: Block::for_graph(graph),
            results,
            folded: vec![false; nodes.len()],
            uses: vec![0; nodes.len()],
            roots: graph.graph().ids().collect(),
            needed,
            slots: NodeMap::for_graph(graph.graph()),
            result_slots: vec![],
            result_len: 0,
            persistent_end: 0,
            index_len: 0,
            constants: vec![],
            inputs: vec![],
            allocator: Allocator::default(),
            instructions: vec![],
        };
        lowering.fold_products();
        lowering.count_uses();
        Ok(lowering)
    }

    /// Marks affine nodes whose only user is an activation that does not need them again: one kernel does both.
    fn fold_products(&mut self) {
        if !self.config.fuse {
            return;
        }
        let mut users = vec![0_usize; self.needed.len()];
        for id in self.graph.graph().ids().filter(|id| self.needed[id.index()]) {
            for operand in self.graph.graph().node(id).operands() {
                users[operand.index()] += 1;
            }
        }
        for id in self.graph.graph().ids().filter(|id| self.needed[id.index()]) {
            let node = self.graph.graph().node(id);
            if !matches!(node.op(), Op::Activation(_)) {
                continue;
            }
            let operand = node.operands()[0];
            let affine =
                matches!(self.graph.graph().node(operand).op(), Op::Linear(Linear::Affine));
            if affine && users[operand.index()] == 1 && !self.is_kept(operand) {
                self.folded[operand.index()] = true;
            }
        }
    }

    /// Whether somebody reads the node's value after the run.
    fn is_kept(&self, id: NodeId) -> bool {
        self.results.contains(&id) || self.config.observe.contains(&id)
    }

    /// The nodes whose values the node's instructions read.
    fn reads(&self, id: NodeId) -> Vec<NodeId> {
        let operands = self.graph.graph().node(id).operands();
        match operands {
            [only] if self.folded[only.index()] => {
                self.graph.graph().node(*only).operands().to_vec()
            }
            operands => operands.to_vec(),
        }
    }

    /// A reshape's value lies in its operand's memory, unless somebody asked for it as a result, or wants to see
    /// it and the operand's memory is the block's.
    fn is_alias(&self, id: NodeId) -> bool {
        let node = self.graph.graph().node(id);
        matches!(node.op(), Op::Layout(Layout::Reshape { .. }))
            && !self.results.contains(&id)
            && !(self.config.observe.contains(&id) && self.lies_in_block(node.operands()[0]))
    }

    /// Whether a node's value is a parameter or buffer, maybe under another shape.
    fn lies_in_block(&self, id: NodeId) -> bool {
        matches!(
            self.graph.graph().node(self.roots[id.index()]).op(),
            Op::Source(Source::Parameter { .. } | Source::Buffer { .. })
        )
    }

    fn count_uses(&mut self) {
        for id in self.graph.graph().ids() {
            if !self.needed[id.index()] || self.folded[id.index()] {
                continue;
            }
            let reads = self.reads(id);
            if self.is_alias(id) {
                self.roots[id.index()] = self.roots[reads[0].index()];
            } else {
                for read in reads {
                    self.uses[self.roots[read.index()].index()] += 1;
                }
            }
        }
        for &id in self.results.iter().chain(&self.config.observe) {
            // Never released: one use more than there are.
            self.uses[self.roots[id.index()].index()] += 1;
        }
    }

    fn elements(&self, id: NodeId) -> Result<usize> {
        // Half the address space, in bytes, bounds what any array can hold.
        let limit = usize::MAX / 16;
        let elements =
            self.graph.shape(id).elements(self.batch).filter(|&elements| elements <= limit);
        elements.ok_or_else(|| {
            Error::new(
                ErrorKind::Limit,
                format!(
                    "a value of shape {} for a batch of {} does not fit memory",
                    self.graph.shape(id),
                    self.batch
                ),
            )
            .at(self.graph.graph().node(id).origin().to_string())
        })
    }

    /// Results lie at the beginning of the work array without gaps, in the order asked for.
    fn place_results(&mut self) -> Result<()> {
        for &id in self.results {
            if !self.graph.type_of(id).dtype.is_float() {
                return Err(Error::unsupported(
                    "a result of integers",
                    "engine",
                    "results are f32",
                )
                .at(self.graph.graph().node(id).origin().to_string()));
            }
            let len = self.elements(id)?;
            let slot = Slot { space: Space::Work, offset: self.result_len, len };
            self.result_slots.push(slot);
            self.result_len += len;
            let computed = !matches!(self.graph.graph().node(id).op(), Op::Source(_));
            if computed && self.slots.get(id).is_none() {
                self.slots.insert(id, slot);
            }
        }
        self.persistent_end = self.result_len;
        Ok(())
    }

    fn place_sources(&mut self) -> Result<()> {
        let graph = self.graph.graph();
        for (id, source) in graph.sources() {
            if !self.needed[id.index()] {
                continue;
            }
            let len = self.elements(id)?;
            let slot = match source {
                Source::Parameter { name, .. } | Source::Buffer { name, .. } => self
                    .block
                    .slot(name)
                    .ok_or_else(|| Error::network(format!("no place for {name}")))?,
                Source::Input { name, dtype, .. } => {
                    let slot = match dtype {
                        crate::graph::DType::F32 => self.persistent(len),
                        crate::graph::DType::I64 => {
                            let offset = self.index_len;
                            self.index_len += len;
                            Slot { space: Space::Index, offset, len }
                        }
                        crate::graph::DType::F64 | crate::graph::DType::Bool => {
                            return Err(Error::unsupported(
                                "input",
                                "engine",
                                "it computes in f32",
                            )
                            .at(format!("input {name:?}")));
                        }
                    };
                    self.inputs.push((name.clone(), slot));
                    slot
                }
                Source::Constant(value) => self.constant(*value as f32),
                Source::Count(shape) => {
                    let count = shape
                        .elements(self.batch)
                        .ok_or_else(|| Error::network("count overflows"))?;
                    self.constant(count as f32)
                }
            };
            self.slots.insert(id, slot);
        }
        Ok(())
    }

    fn persistent(&mut self, len: usize) -> Slot {
        let offset = self.persistent_end.next_multiple_of(ALIGNMENT);
        let slot = Slot { space: Space::Work, offset, len };
        self.persistent_end = offset + len;
        slot
    }

    fn constant(&mut self, value: f32) -> Slot {
        let slot = self.persistent(1);
        self.constants.push((slot.offset, value));
        slot
    }

    fn lower(&mut self, id: NodeId) -> Result<()> {
        let node = self.graph.graph().node(id);
        if matches!(node.op(), Op::Source(_)) {
            return Ok(());
        }
        let reads = self.reads(id);
        if self.is_alias(id) {
            let slot = self.slots[reads[0]];
            self.slots.insert(id, slot);
            return Ok(());
        }
        let out = match self.slots.get(id) {
            Some(&slot) => slot,
            None => {
                let len = self.elements(id)?;
                self.allocator.take(len)
            }
        };
        self.slots.insert(id, out);
        self.emit(id, out)?;
        for read in reads {
            self.release(self.roots[read.index()]);
        }
        Ok(())
    }

    fn release(&mut self, root: NodeId) {
        let uses = &mut self.uses[root.index()];
        *uses -= 1;
        let slot = self.slots[root];
        let temporary = slot.space == Space::Work && slot.offset >= self.persistent_end;
        if *uses == 0 && temporary {
            self.allocator.give_back(slot);
        }
    }

    /// A place that is needed only while one node is computed.
    fn temporary(&mut self, len: usize) -> Slot {
        self.allocator.take(len)
    }

    /// The activation of a node that an affine node was folded into.
    fn folded_affine(&self, id: NodeId) -> Option<(NodeId, Activation)> {
        let node = self.graph.graph().node(id);
        match (node.op(), node.operands()) {
            (Op::Activation(activation), &[operand]) if self.folded[operand.index()] => {
                Some((operand, *activation))
            }
            _ => None, // not operations: a question about one of them
        }
    }

    /// Results that no instruction writes in place: sources, and nodes asked for twice.
    fn copy_results(&mut self) {
        for (index, &id) in self.results.iter().enumerate() {
            let (slot, out) = (self.slots[id], self.result_slots[index]);
            if slot != out {
                self.instructions.push(Instruction::Copy { x: slot, out });
            }
        }
    }

    fn finish(self) -> Plan {
        let mut places = NodeMap::for_graph(self.graph.graph());
        for &id in self.results.iter().chain(&self.config.observe) {
            if let Some(&slot) = self.slots.get(id)
                && slot.space == Space::Work
            {
                places.insert(id, slot);
            }
        }
        let mut scratch_len = 0;
        for instruction in &self.instructions {
            let out = instruction.out();
            // The kernels' soundness rests on this: an output is never read while it is written.
            assert!(
                out.space == Space::Work
                    && instruction.reads().iter().all(|read| !read.overlaps(out))
            );
            if let Instruction::Product(p) = instruction {
                scratch_len = scratch_len.max(p.shape().scratch_len(self.config.level));
            }
        }
        Plan {
            level: self.config.level,
            batch: self.batch,
            work_len: self.allocator.end().max(self.persistent_end),
            index_len: self.index_len,
            scratch_len,
            state_len: self.block.data().len(),
            instructions: self.instructions,
            places,
            inputs: self.inputs,
            results: self.result_slots,
            result_len: self.result_len,
            constants: self.constants,
        }
    }
}
