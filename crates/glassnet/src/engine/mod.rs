//! The f32 engine: a graph compiled for one batch size into a static schedule over one arena.
//!
//! [`Plan::compile`] turns a checked graph (with its gradient) into a list of kernel calls whose operands are fixed
//! places in memory. [`Plan::run`] executes it: no allocation, no lookup by name, no branching on shapes. Weights
//! and buffers lie in one contiguous [`Block`] which all plans of a network share; the values asked for (gradients)
//! lie contiguously at the beginning of the plan's [`Memory`], in the order in which they were asked for, so that an
//! optimiser sweeps over both in step.
//!
//! # From a graph to threads
//! 1. `lower` orders the nodes, merges those that share a kernel, finds a place for every value: a list of
//!    instructions. A plan of a training step also has the optimiser's steps among them, after a check that the loss is
//!    finite; a plan made by [`Plan::compile_packed`] reads weights that were packed before.
//! 2. `schedule` makes programs of it: one for the calling thread alone, in which products, losses and updates of a few numbers become `tiny`
//!    ones, and, where a [`Pool`] makes it faster, one for each of several threads. Instructions are cut (`divide`) into
//!    parts that touch different elements (`accesses`); where a part touches what another thread has touched since the
//!    last wait, and one of them writes, all threads wait first. What it is worth is estimated (`cost`).
//!    A training step of the smallest networks also becomes a program on registers (`resident`), which does many steps in
//!    one call.
//! 3. `execute` runs a program, in a copy for each instruction set. Inputs lie in the plan's memory, or where the
//!    caller keeps them ([`Feeds`]).
//!
//! # One float semantics
//! - An element of a product is a sum over `k` in blocks of 256: within a block one chain of fused multiply-adds from
//!   0 in order, then blocks are added in order; a bias is added last. Sums over rows follow the same rule.
//! - softmax is `e^(z − m)·(1/Σ)`, log-softmax `(z − m) − ln Σ`, a mean a chain of fused multiply-adds by 1/N.
//!   Cross-entropy adds its rows as PyTorch does, in a cascade, and divides once.
//! - Elementary functions are [`crate::math::elementary`]'s polynomials, never the system's.
//! - Fusion only omits stores: every value has the same bits whether it is observed or not.
//!
//! So results have the same bits on AVX-512, AVX2 and portable code, for any number of threads.

mod accesses;
mod aligned;
mod arena;
mod broadcast;
mod chains;
mod cost;
mod cross_entropy;
mod divide;
mod elementwise;
mod execute;
mod feed;
pub mod functional;
mod instruction;
pub mod kernels;
mod lookup;
mod lower;
mod memory;
mod moves;
mod normalize;
mod pair;
mod place;
mod pool;
mod resident;
mod rows;
pub(crate) mod rule;
mod schedule;
mod self_test;
mod tiny;

#[cfg(test)]
mod tests;

pub use kernels::Level;
pub use memory::{Block, Memory, Packed};
pub use pool::{Member, Pool};
pub(crate) use resident::Batches;
pub use self_test::{SelfTest, self_test};

use std::sync::{Mutex, PoisonError};

use crate::error::{Error, Result};
use crate::graph::{Checked, NodeId, NodeMap};
use arena::{Arena, Lengths};
use execute::{Run, Updating};
use feed::Input;
pub use feed::{Feeds, InputPlace, Rows};
use lower::{INPUTS, Use};
use place::Slot;
use rule::{Rule, SLOTS};
use schedule::Schedule;

/// How a plan is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// The instruction set that kernels use; it changes the speed, never a bit of a result.
    pub level: Level,
    /// Whether operations may be merged into one kernel.
    pub fuse: bool,
    /// Nodes whose values are kept until the next run, besides the results.
    pub observe: Vec<NodeId>,
    /// The threads that compute with the calling one, where they make it faster; without them it computes alone. They
    /// change no bit of a result.
    pub pool: Option<Pool>,
    /// Whether the work is divided among the threads wherever it can be, rather than where it pays: for tests of the
    /// division, which must not change a bit either.
    pub divide_always: bool,
}

impl Default for Config {
    /// The best instruction set of this processor, fused, nothing observed, on the calling thread alone.
    fn default() -> Self {
        Config {
            level: Level::detect(),
            fuse: true,
            observe: vec![],
            pool: None,
            divide_always: false,
        }
    }
}

/// Where the randomness of one run comes from: dropout masks are a function of these and of nothing else.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Draw {
    /// The seed of the whole training.
    pub seed: u64,
    /// The number of the step, so that a resumed training goes on with the same masks.
    pub step: u64,
}

/// A graph compiled for one batch size.
///
/// ```
/// use glassnet::engine::{Block, Config, Draw, Plan};
/// use glassnet::graph::{Builder, DType, Shape, op::Activation};
/// let mut builder = Builder::new();
/// let x = builder.input("x", DType::F32, Shape::batch([2]))?;
/// let weight = builder.parameter("0.weight", Shape::from([1, 2]))?;
/// let z = builder.affine(x, weight, None)?;
/// let y = builder.activation(Activation::Relu, z)?;
/// let graph = builder.finish_checked();
///
/// let mut block = Block::for_graph(&graph);
/// block.get_mut("0.weight").unwrap().copy_from_slice(&[1.0, -1.0]);
/// let plan = Plan::compile(&graph, &[y], 2, &Config::default())?;
/// let mut memory = plan.memory();
/// memory.floats_mut(plan.input("x").unwrap()).copy_from_slice(&[3.0, 1.0, 1.0, 3.0]);
/// plan.run(&block, &mut memory, Draw::default())?;
/// assert_eq!(memory.floats(plan.place(y).unwrap()), [2.0, 0.0]);
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Plan {
    level: Level,
    batch: usize,
    schedule: Schedule,
    places: NodeMap<Slot>,
    inputs: Vec<Input>,
    /// Where the inputs that can lie elsewhere begin in the work array; 0 for others.
    homes: [usize; INPUTS as usize],
    results: Vec<Slot>,
    result_len: usize,
    constants: Vec<(usize, f32)>,
    lengths: Lengths,
    /// The scratch of each thread.
    scratch_lens: Vec<usize>,
    /// Weights that are packed before the plan is run.
    packs: Vec<Pack>,
    pool: Option<Pool>,
    /// Whether it is so short that disturbed threads make it slower.
    smooth: bool,
    /// Whether it also takes the optimiser's step.
    trained: bool,
}

/// From when on a run is long: some ten times what waking a thread takes.
const LONG: cost::Nanoseconds = 500_000.0;

/// A weight that products read packed.
#[derive(Clone, Debug, PartialEq)]
struct Pack {
    from: Slot,
    to: Slot,
    shape: kernels::Product,
}

/// What the members of one run share.
struct Team {
    scratch: *mut aligned::Aligned,
    error: Mutex<Option<Error>>,
}

#[allow(unsafe_code)]
// SAFETY: each member uses a scratch of its own.
unsafe impl Sync for Team {}

impl Team {
    fn scratch(&self, index: usize) -> *mut aligned::Aligned {
        self.scratch.wrapping_add(index)
    }
}

/// A value's place in a plan's memory: made by the plan, used on its [`Memory`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ValuePlace(Slot);

impl Plan {
    /// Compiles the part of `graph` that `results` (and the observed nodes) need, for batches of `batch` rows.
    ///
    /// # Errors
    /// When an operation has no kernel (`Unsupported`), or the arrays do not fit the address space.
    pub fn compile(
        graph: &Checked,
        results: &[NodeId],
        batch: usize,
        config: &Config,
    ) -> Result<Self> {
        lower::compile(graph, results, batch, config, Use::Run)
    }

    /// The number of rows that it was compiled for.
    pub fn batch(&self) -> usize {
        self.batch
    }

    /// How many floats its memory holds.
    pub(crate) fn values(&self) -> usize {
        self.lengths.work
    }

    /// How many threads compute it together, if the pool is free: 1 where more would not be faster.
    pub fn threads(&self) -> usize {
        self.schedule.together.len().max(1)
    }

    /// Memory for running this plan, zeroed.
    pub fn memory(&self) -> Memory {
        Memory::new(self)
    }

    /// The place of the input called `name`, if the results depend on it.
    pub fn input(&self, name: &str) -> Option<ValuePlace> {
        self.inputs.iter().find(|input| input.name == name).map(|input| ValuePlace(input.home))
    }

    /// The input of floats called `name`, if the results depend on it and it can be read where the caller keeps it.
    pub fn feed(&self, name: &str) -> Option<InputPlace> {
        let number = self.inputs.iter().position(|input| input.name == name)?;
        self.inputs[number].place(number, self.batch)
    }

    /// The place of a node's value after a run: results and observed nodes have one, others may share memory.
    pub fn place(&self, node: NodeId) -> Option<ValuePlace> {
        self.places.get(node).map(|&slot| ValuePlace(slot))
    }

    /// The results, contiguous, in the order in which they were asked for.
    pub fn results<'a>(&self, memory: &'a Memory) -> &'a [f32] {
        memory.results(self.result_len)
    }

    /// Like [`Plan::results`], to be changed in place (gradient clipping).
    pub fn results_mut<'a>(&self, memory: &'a mut Memory) -> &'a mut [f32] {
        memory.results_mut(self.result_len)
    }

    /// Where result number `index` lies within [`Plan::results`].
    ///
    /// # Panics
    /// When there is no such result.
    pub fn result_range(&self, index: usize) -> std::ops::Range<usize> {
        self.results[index].range()
    }

    /// Computes all results from the inputs in `memory` and the weights in `block`.
    ///
    /// # Errors
    /// When an index (a class, a row of an embedding) is out of range: the message names the batch's row.
    ///
    /// # Panics
    /// When `memory` or `block` were made for another graph.
    pub fn run(&self, block: &Block, memory: &mut Memory, draw: Draw) -> Result<()> {
        self.run_on(block, memory, draw, &Feeds::default())
    }

    /// As [`Plan::run`], with inputs that lie elsewhere than in `memory`.
    ///
    /// # Errors
    /// As [`Plan::run`].
    ///
    /// # Panics
    /// As [`Plan::run`], and when the plan takes the optimiser's step: then it changes the block.
    pub fn run_on(
        &self,
        block: &Block,
        memory: &mut Memory,
        draw: Draw,
        feeds: &Feeds<'_>,
    ) -> Result<()> {
        assert!(!self.trained, "a plan that trains changes its block");
        // Nothing writes through it: the plan has no update, and `check_accesses` has seen that nothing else writes there.
        let state = block.data().as_ptr().cast_mut();
        self.execute(state, block.data().len(), memory, draw, feeds, None, &[])
    }

    /// As [`Plan::compile`], for weights that stay as they are from run to run: products read them packed. To be run by
    /// [`Plan::run_packed`].
    ///
    /// # Errors
    /// As [`Plan::compile`].
    pub fn compile_packed(
        graph: &Checked,
        results: &[NodeId],
        batch: usize,
        config: &Config,
    ) -> Result<Self> {
        lower::compile(graph, results, batch, config, Use::Packed)
    }

    /// The block's weights as the plan reads them: for this plan, and for others of the same graph and results.
    ///
    /// # Panics
    /// When `block` was made for another graph.
    pub fn pack(&self, block: &Block) -> Packed {
        let mut packed = Packed::zeros(self.lengths.packed);
        self.pack_into(block, &mut packed);
        packed
    }

    /// As [`Plan::pack`], into what was made before.
    ///
    /// # Panics
    /// As [`Plan::pack`], and when `packed` was made for another plan.
    pub fn pack_into(&self, block: &Block, packed: &mut Packed) {
        assert_eq!(block.data().len(), self.lengths.state, "the block belongs to the plan's graph");
        for pack in &self.packs {
            let (from, to) = (&block.data()[pack.from.range()], pack.to.range());
            kernels::pack_right(self.level, &pack.shape, from, &mut packed.data[to]);
        }
    }

    /// As [`Plan::run_on`], with packed weights.
    ///
    /// # Errors
    /// As [`Plan::run`].
    ///
    /// # Panics
    /// As [`Plan::run`], and when `packed` was made for another graph.
    pub fn run_packed(
        &self,
        block: &Block,
        packed: &Packed,
        memory: &mut Memory,
        draw: Draw,
        feeds: &Feeds<'_>,
    ) -> Result<()> {
        assert!(!self.trained, "a plan that trains changes its block");
        let state = block.data().as_ptr().cast_mut();
        self.execute(state, block.data().len(), memory, draw, feeds, None, &packed.data)
    }

    /// Compiles a step of training: the first `parameters` of the `results` are the gradients of the block's parameters in
    /// order, the next one is the loss. [`Plan::step`] also takes the optimiser's step.
    pub(crate) fn compile_step(
        graph: &Checked,
        results: &[NodeId],
        parameters: usize,
        batch: usize,
        config: &Config,
    ) -> Result<Self> {
        lower::compile(graph, results, batch, config, Use::Step { parameters })
    }

    /// Computes all results, and changes the block's parameters, each as soon as its gradient is there and nothing reads it
    /// any more: those of two or more axes (the layers' weights) by the first rule, all others by the second. Where the loss
    /// is not finite, the parameters stay as they were.
    ///
    /// # Errors
    /// As [`Plan::run`]; the parameters stay as they were.
    ///
    /// # Panics
    /// When the plan is not a step of training, the rules have different slots or these are not as long as the block's
    /// parameters, or memory and block belong to another plan.
    pub(crate) fn step(
        &self,
        block: &mut Block,
        memory: &mut Memory,
        draw: Draw,
        feeds: &Feeds<'_>,
        [rule, others]: [&Rule; 2],
        slots: [&mut [f32]; SLOTS],
    ) -> Result<()> {
        assert!(self.trained, "a plan without updates changes nothing");
        assert_eq!(rule.slots(), others.slots(), "both rules remember the same");
        let parameters = block.parameters().len();
        let fits = slots[..rule.slots()].iter().all(|slot| slot.len() == parameters);
        assert!(fits, "the state belongs to another number of parameters");
        let slots = slots.map(<[f32]>::as_mut_ptr);
        let updating = Updating { rule, others, slots };
        let state_len = block.data().len();
        self.execute(block.address(), state_len, memory, draw, feeds, Some(updating), &[])
    }

    #[allow(unsafe_code)]
    fn execute(
        &self,
        state: *mut f32,
        state_len: usize,
        memory: &mut Memory,
        draw: Draw,
        feeds: &Feeds<'_>,
        update: Option<Updating<'_>>,
        packed: &[f32],
    ) -> Result<()> {
        assert_eq!(state_len, self.lengths.state, "the block belongs to the plan's graph");
        assert_eq!(memory.work.len(), self.lengths.work, "the memory belongs to the plan");
        assert_eq!(memory.index.len(), self.lengths.index, "the memory belongs to the plan");
        assert_eq!(memory.scratch.len(), self.scratch_lens.len(), "the memory belongs to the plan");
        assert_eq!(packed.len(), self.lengths.packed, "the packed weights belong to the plan");
        let work = memory.work.as_mut_ptr();
        let inputs = std::array::from_fn(|number| {
            feeds.address(number, work.wrapping_add(self.homes[number]))
        });
        let arena = Arena::new(state, work, memory.index.as_ptr(), packed.as_ptr(), inputs);
        let run = Run { level: self.level, arena, feeds, draw, update, failed: Default::default() };
        self.perform(&run, memory)
    }

    /// Executes the schedule, on several threads where it has programs for them and the pool is free.
    #[allow(unsafe_code)]
    fn perform(&self, run: &Run<'_>, memory: &mut Memory) -> Result<()> {
        let together = &self.schedule.together;
        if let (Some(pool), false) = (&self.pool, together.is_empty()) {
            let before = &self.schedule.before;
            if !before.is_empty() {
                // SAFETY: as below, alone.
                unsafe { execute::execute(run, before, &mut memory.scratch[0], &|| {}) }?;
            }
            let team = Team { scratch: memory.scratch.as_mut_ptr(), error: Mutex::new(None) };
            let body = |member: &Member<'_>| {
                let index = member.index();
                // SAFETY: a member's scratch is its own; the arrays are as long as was compiled for and exclusively
                // borrowed; the programs are made to run together.
                let outcome = unsafe {
                    let scratch = &mut *team.scratch(index);
                    execute::execute(run, &together[index], scratch, &|| member.wait())
                };
                if let Err(error) = outcome {
                    *team.error.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
                }
            };
            // A long run makes up for a thread that comes late, a short one doesn't.
            let ran = if self.smooth {
                pool.try_run_smooth(together.len(), (self.schedule.time / 1e3) as u32, &body)
            } else {
                pool.try_run(together.len(), &body)
            };
            if ran {
                let error = team.error.into_inner().unwrap_or_else(PoisonError::into_inner);
                return error.map_or(Ok(()), Err);
            }
        }
        // SAFETY: as above, alone.
        unsafe { execute::execute(run, &self.schedule.alone, &mut memory.scratch[0], &|| {}) }
    }
}
