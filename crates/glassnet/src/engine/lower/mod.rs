//! From a graph to a schedule: which nodes are computed, where their values lie, which kernel computes them.

mod extent;
mod fold;
mod node;
mod packs;
mod updates;

use super::arena::{Lengths, check_accesses};
use super::feed::Input;
use super::instruction::Instruction;
use super::place::{ALIGNMENT, Allocator, Slot, Space};
use super::schedule::Schedule;
use super::{Block, Config, LONG, Pack, Plan};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Layout, Source};
use crate::graph::{Checked, NodeId, NodeMap, Op};

/// What a plan is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Use {
    /// To compute the results.
    Run,
    /// The same with weights that never change.
    Packed,
    /// Also to take the optimiser's step: the first so many results are the gradients of the block's parameters in order,
    /// the next one is the loss.
    Step { parameters: usize },
}

/// Compiles.
pub(super) fn compile(
    graph: &Checked,
    results: &[NodeId],
    batch: usize,
    config: &Config,
    purpose: Use,
) -> Result<Plan> {
    let mut lowering = Lowering::new(graph, results, batch, config)?;
    lowering.place_results()?;
    lowering.place_sources()?;
    lowering.allocator = Allocator::starting_at(lowering.persistent_end);
    let trained = match purpose {
        Use::Step { parameters } => parameters,
        Use::Run | Use::Packed => 0,
    };
    for id in lowering.order(trained) {
        lowering.lower(id)?;
    }
    lowering.copy_results();
    if let Use::Step { parameters } = purpose {
        lowering.append_updates(parameters)?;
    }
    let packs = if purpose == Use::Packed { lowering.pack_weights()? } else { vec![] };
    lowering.finish(purpose, packs)
}

/// How many inputs of floats can be read where the caller keeps them.
pub(super) const INPUTS: u8 = 4;

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
    inputs: Vec<Input>,
    /// For a cross-entropy the node of its derivative, and the other way round, where one kernel computes both.
    partners: Vec<Option<NodeId>>,
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
            partners: vec![None; nodes.len()],
            allocator: Allocator::default(),
            instructions: vec![],
        };
        lowering.fold_products();
        lowering.pair_losses();
        lowering.count_uses();
        Ok(lowering)
    }

    /// The nodes to be computed, operands first. Gradients of parameters come as late as the last reader of their
    /// parameter, so that the optimiser can change it while the gradient is still in the cache.
    fn order(&self, trained: usize) -> Vec<NodeId> {
        let graph = self.graph.graph();
        let mut place: Vec<usize> = graph.ids().map(|id| 2 * id.index()).collect();
        let mut users = vec![0_usize; place.len()];
        let mut last_reader = vec![0_usize; place.len()];
        for id in graph.ids().filter(|id| self.needed[id.index()] && !self.folded[id.index()]) {
            for read in self.reads(id) {
                users[read.index()] += 1;
                last_reader[read.index()] = last_reader[read.index()].max(2 * id.index());
            }
        }
        let parameters = graph
            .sources()
            .filter(|(_, source)| matches!(source, Source::Parameter { .. }))
            .map(|(id, _)| id);
        for (parameter, &gradient) in parameters.zip(&self.results[..trained]) {
            let at = &mut place[gradient.index()];
            let alone = users[gradient.index()] == 0
                && self.results.iter().filter(|&&id| id == gradient).count() == 1;
            if alone && *at < last_reader[parameter.index()] {
                *at = last_reader[parameter.index()] + 1;
            }
        }
        let mut order: Vec<NodeId> =
            graph.ids().filter(|id| self.needed[id.index()] && !self.folded[id.index()]).collect();
        order.sort_by_key(|id| place[id.index()]);
        order
    }

    /// Whether somebody reads the node's value after the run.
    fn is_kept(&self, id: NodeId) -> bool {
        self.results.contains(&id) || self.config.observe.contains(&id)
    }

    /// The nodes whose values the node's instructions read.
    fn reads(&self, id: NodeId) -> Vec<NodeId> {
        let operands = self.graph.graph().node(id).operands();
        match operands {
            [first, rest @ ..] if self.folded[first.index()] => {
                [self.graph.graph().node(*first).operands(), rest].concat()
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
                    let home = match dtype {
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
                    let number = self.inputs.len();
                    self.inputs.push(Input { name: name.clone(), home });
                    match (home.space, u8::try_from(number)) {
                        (Space::Work, Ok(number)) if number < INPUTS => {
                            Slot { space: Space::Input(number), offset: 0, len }
                        }
                        (Space::Work, _) => home,
                        (Space::Index | Space::State | Space::Packed | Space::Input(_), _) => home,
                    }
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
        let out = self.output(id)?;
        match self.partners[id.index()] {
            // Both are computed where the first one stands.
            Some(partner) if partner.index() < id.index() => {}
            Some(partner) => {
                let derivative = self.output(partner)?;
                self.emit_pair(partner, out, derivative);
            }
            None => self.emit(id, out)?,
        }
        for read in reads {
            self.release(self.roots[read.index()]);
        }
        Ok(())
    }

    /// The place of a node's value, taken now if it has none yet.
    fn output(&mut self, id: NodeId) -> Result<Slot> {
        if let Some(&slot) = self.slots.get(id) {
            return Ok(slot);
        }
        let len = self.elements(id)?;
        let slot = self.allocator.take(len);
        self.slots.insert(id, slot);
        Ok(slot)
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

    /// Results that no instruction writes in place: sources, and nodes asked for twice.
    fn copy_results(&mut self) {
        for (index, &id) in self.results.iter().enumerate() {
            let (slot, out) = (self.slots[id], self.result_slots[index]);
            if slot != out {
                self.instructions.push(Instruction::Copy { x: slot, out });
            }
        }
    }

    fn finish(mut self, purpose: Use, packs: Vec<Pack>) -> Result<Plan> {
        let mut places = NodeMap::for_graph(self.graph.graph());
        for &id in self.results.iter().chain(&self.config.observe) {
            match self.slots.get(id) {
                Some(&slot) if slot.space == Space::Work => {
                    places.insert(id, slot);
                }
                Some(&Slot { space: Space::Input(number), .. }) => {
                    places.insert(id, self.inputs[usize::from(number)].home);
                }
                Some(_) | None => {}
            }
        }
        let instructions = std::mem::take(&mut self.instructions);
        let inputs = std::array::from_fn(|number| match self.inputs.get(number) {
            Some(input) if input.home.space == Space::Work => input.home.len,
            Some(_) | None => 0,
        });
        let lengths = Lengths {
            state: self.block.data().len(),
            work: self.allocator.end().max(self.persistent_end).next_multiple_of(ALIGNMENT),
            index: self.index_len,
            packed: packs.last().map_or(0, |pack| pack.to.range().end.next_multiple_of(ALIGNMENT)),
            inputs,
        };
        let trained = match purpose {
            Use::Step { .. } => Some(self.block.parameters().len()),
            Use::Run | Use::Packed => None,
        };
        let schedule = Schedule::new(
            instructions,
            self.batch,
            &self.inputs,
            self.result_len,
            trained,
            self.config,
        );
        for program in schedule.programs() {
            // The kernels' soundness rests on this.
            check_accesses(program, &lengths);
        }
        let scratch_lens = schedule.scratch_lens(self.config.level);
        Ok(Plan {
            level: self.config.level,
            batch: self.batch,
            lengths,
            scratch_lens,
            pool: self.config.pool.clone(),
            smooth: schedule.time < LONG && !self.config.divide_always,
            schedule,
            places,
            homes: std::array::from_fn(|number| match self.inputs.get(number) {
                Some(Input { home: Slot { space: Space::Work, offset, .. }, .. }) => *offset,
                Some(_) | None => 0,
            }),
            inputs: self.inputs,
            results: self.result_slots,
            result_len: self.result_len,
            constants: self.constants,
            trained: trained.is_some(),
            packs,
        })
    }
}
