//! A network in evaluation mode, compiled once and computed by any number of threads at the same time.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use super::forward::load;
use crate::engine::{
    Block, Config, Draw, Feeds, InputPlace, Memory, Packed, Plan, Pool, ValuePlace,
};
use crate::error::{Error, Result};
use crate::graph::{Checked, DType, Dim, NodeId, Shape};
use crate::nn::{Mode, Network};

/// How many floats the values of the largest plan may take: 1 MB, what a core's second-level cache holds. More rows at
/// once read the weights less often, which gains more than the values lose that do not quite fit beside them.
const CACHED: usize = 1 << 18;

/// The most rows of the largest plan; beyond, nothing is gained.
const MOST: usize = 512;

/// The fewest rows of the largest plan, for a network of so many weights and buffers: with fewer, reading the weights, from
/// a cache or from memory, costs more than computing with them.
fn fewest(weights: usize) -> usize {
    // What a second-level and a third-level cache hold.
    const SECOND: usize = 1 << 18;
    const THIRD: usize = 1 << 22;
    match weights {
        0..SECOND => 64,
        SECOND..THIRD => 256,
        THIRD.. => 512,
    }
}

/// How many operations make it worth while to ask other threads: about 10 to 20 µs of one.
const WORTH_THREADS: usize = 1 << 20;

/// A network in evaluation mode, ready to predict any number of rows on any number of threads.
///
/// It is never changed by predicting, so that threads share it by reference, without a lock; what a prediction writes
/// lies in a [`Workspace`], of which every thread has its own. A row's prediction does not depend on the rows that are
/// predicted with it, nor on the number of threads.
///
/// Plans are compiled for 1, 2, 4, … rows when they are first needed, so any number of rows takes a few of them. After
/// the first call with a number of rows, calls with the same number allocate nothing. Many rows are divided among the
/// threads of [`Config::pool`], if it has one that is free; so is a single row where the weights are megabytes, each thread
/// reading its own part of them, if such calls follow each other closely.
///
/// ```
/// use glassnet::{nn, train::Inference};
/// let network = nn::Network::new(nn::parse("2-3-1")?, 0)?;
/// let inference = Inference::new(&network, &[2], &Default::default())?;
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| -> glassnet::Result<()> {
///             let mut workspace = inference.workspace();
///             let mut y = [0.0; 3];
///             inference.run(&mut workspace, &[0.0, 1.0, 1.0, 0.0, 1.0, 1.0], &mut y)?;
///             let mut last = [0.0];
///             inference.run(&mut workspace, &[1.0, 1.0], &mut last)?;
///             assert_eq!(last[0], y[2]);
///             Ok(())
///         });
///     }
/// });
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Inference {
    graph: Checked,
    output: NodeId,
    block: Block,
    /// The block's weights as the plans read them.
    packed: Packed,
    config: Config,
    /// The input's type and elements per row; a network may take none.
    input: Option<DType>,
    row: usize,
    width: usize,
    /// Operations per row, roughly.
    effort: usize,
    /// The fewest rows that a thread takes at a time.
    share: usize,
    /// Plans for 1, 2, 4, … rows.
    plans: Vec<OnceLock<Ready>>,
    /// What a workspace is known by.
    identity: Arc<()>,
}

/// A plan for some rows with all that a call needs to know.
#[derive(Clone, Debug)]
struct Ready {
    plan: Plan,
    /// The input, if it can be read where the caller keeps it.
    feed: Option<InputPlace>,
    /// The input's place in the plan's memory.
    input: Option<ValuePlace>,
}

/// What one thread predicts in: see [`Inference::workspace`].
#[derive(Clone, Debug)]
pub struct Workspace {
    identity: Arc<()>,
    /// One for the calling thread and each that may help it.
    lanes: Vec<Lane>,
}

/// The memory of each plan that was needed so far.
#[derive(Clone, Debug)]
struct Lane {
    memories: Vec<Option<Memory>>,
}

/// A failure with the row, of those that were given, at which its batch begins.
type Outcome = std::result::Result<(), (usize, Error)>;

/// Rows as they come.
#[derive(Clone, Copy)]
pub(super) enum Rows<'a> {
    Floats(&'a [f32]),
    Indices(&'a [i64]),
}

impl Inference {
    /// Compiles `network` for rows of shape `row` (without the batch).
    ///
    /// # Errors
    /// When the rows do not fit the network, or an operation has no kernel.
    pub fn new(network: &Network, row: &[usize], config: &Config) -> Result<Self> {
        let graph = network.module().graph(Shape::batch(row.iter().copied()), Mode::Eval)?;
        let output = graph
            .graph()
            .output("y")
            .filter(|&id| graph.shape(id).dims().first() == Some(&Dim::Batch))
            .ok_or_else(|| Error::network("the network's output has no row per input row"))?;
        let mut block = Block::for_graph(&graph);
        load(&mut block, network.state_dict())?;
        let input = graph.graph().sources().find(|(_, source)| source.name() == Some("x"));
        let input = input.map(|(id, _)| graph.type_of(id));
        let elements = |shape: &Shape| {
            shape.elements(1).ok_or_else(|| Error::network("a row is too long for this machine"))
        };
        let mut inference = Inference {
            row: input.map_or(Ok(0), |input| elements(&input.shape))?,
            input: input.map(|input| input.dtype),
            width: elements(graph.shape(output))?,
            effort: 0,
            share: 0,
            plans: vec![],
            graph,
            output,
            packed: Packed::default(),
            block,
            config: config.clone(),
            identity: Arc::new(()),
        };
        let one = inference.compile(1)?;
        inference.packed = one.plan.pack(&inference.block);
        let values = one.plan.values().max(1);
        let weights = inference.block.data().len();
        let fewest = fewest(weights);
        inference.share = fewest / 2;
        inference.effort = weights.saturating_add(values.saturating_mul(8));
        let most = (CACHED / values).clamp(fewest, MOST).ilog2() as usize;
        inference.plans = (0..=most).map(|_| OnceLock::new()).collect();
        inference.plans[0] = OnceLock::from(one);
        Ok(inference)
    }

    /// How the engine computes.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How many threads predict `rows` rows at once, if the pool is free and awake.
    pub fn threads(&self, rows: usize) -> usize {
        let (piece, threads) = self.division(rows);
        let whole = batches(rows.min(piece)).next().and_then(|(_, size)| self.plans[size].get());
        // A batch that one thread begins may be computed by several together.
        threads.max(whole.map_or(1, |ready| ready.plan.threads()))
    }

    /// How many rows are computed at a time, and by how many threads.
    fn division(&self, rows: usize) -> (usize, usize) {
        let mut piece = 1 << (self.plans.len() - 1);
        let threads = self.config.pool.as_ref().map_or(1, Pool::threads);
        if threads == 1 || rows < 2 * self.share || rows.saturating_mul(self.effort) < WORTH_THREADS
        {
            return (piece, 1);
        }
        // Two pieces a thread, so that one which comes late or is interrupted takes fewer.
        while piece > self.share && rows.div_ceil(piece) < 2 * threads {
            piece /= 2;
        }
        (piece, threads.min(rows.div_ceil(piece)))
    }

    /// What one thread needs to predict. Make one per thread and keep it.
    pub fn workspace(&self) -> Workspace {
        let lane = Lane { memories: vec![None; self.plans.len()] };
        let threads = self.config.pool.as_ref().map_or(1, |pool| pool.threads());
        Workspace { identity: Arc::clone(&self.identity), lanes: vec![lane; threads] }
    }

    /// The shape of one row's output.
    pub fn output_shape(&self) -> Vec<usize> {
        self.graph.shape(self.output).at(1).split_off(1)
    }

    /// The network's outputs for the rows in `x`, one after the other, into `y`: logits, or whatever its last layer
    /// computes.
    ///
    /// # Shapes
    /// x `[rows, row…]`, y `[rows, output…]`.
    ///
    /// # Errors
    /// When the lengths of `x` and `y` do not fit the network, it takes indices, or the workspace is another one's.
    #[inline]
    pub fn run(&self, workspace: &mut Workspace, x: &[f32], y: &mut [f32]) -> Result<()> {
        self.run_any(workspace, Rows::Floats(x), y)
    }

    /// Like [`Inference::run`], for a network that begins with an embedding.
    ///
    /// # Errors
    /// Also when an index is out of range.
    pub fn run_indices(&self, workspace: &mut Workspace, x: &[i64], y: &mut [f32]) -> Result<()> {
        self.run_any(workspace, Rows::Indices(x), y)
    }

    #[inline]
    fn run_any(&self, workspace: &mut Workspace, x: Rows<'_>, y: &mut [f32]) -> Result<()> {
        if y.len() == self.width
            && let (Some(Some(ready)), Some(Lane { memories })) =
                (self.plans.first().map(OnceLock::get), workspace.lanes.first_mut())
            && let Some(Some(memory)) = memories.first_mut()
        {
            self.check(&workspace.identity, x, y.len())?;
            return self.run_plan(ready, memory, x, y);
        }
        self.run_rows(workspace, x, y, 0)
    }

    /// Computes rows of a table, which begin at its row `first`.
    pub(super) fn run_rows(
        &self,
        workspace: &mut Workspace,
        x: Rows<'_>,
        y: &mut [f32],
        first: usize,
    ) -> Result<()> {
        self.check(&workspace.identity, x, y.len())?;
        self.run_many(workspace, x, y).map_err(|(start, error)| {
            let place = error.place().unwrap_or("the batch").to_owned();
            error.at(format!("{place}, which begins at row {}", first + start))
        })
    }

    #[inline]
    fn check(&self, identity: &Arc<()>, x: Rows<'_>, outputs: usize) -> Result<()> {
        let (dtype, len) = match x {
            Rows::Floats(x) => (DType::F32, x.len()),
            Rows::Indices(x) => (DType::I64, x.len()),
        };
        let is_one = outputs == self.width && len == self.row;
        let fits = is_one || {
            let rows = outputs.checked_div(self.width).unwrap_or(0);
            outputs == rows * self.width && Some(len) == rows.checked_mul(self.row)
        };
        if fits
            && self.input.is_none_or(|input| input == dtype)
            && Arc::ptr_eq(&self.identity, identity)
        {
            Ok(())
        } else {
            Err(self.misfit(identity, dtype, len, outputs))
        }
    }

    #[cold]
    fn misfit(&self, identity: &Arc<()>, dtype: DType, len: usize, outputs: usize) -> Error {
        if !Arc::ptr_eq(&self.identity, identity) {
            return Error::usage("the workspace was made for another network")
                .help("use one that this network's `workspace()` made");
        }
        match self.input {
            Some(input) if input != dtype => Error::data(format!(
                "the features are {}, the network takes {}",
                dtype.name(),
                input.name()
            )),
            Some(_) | None => Error::data(format!(
                "{len} features and places for {outputs} outputs; a row has {} features and {} outputs",
                self.row, self.width
            )),
        }
    }

    /// Cuts the rows into pieces, which several threads take in turn if that is worth while. A failure comes with the
    /// number of the first row of its batch.
    fn run_many(&self, workspace: &mut Workspace, x: Rows<'_>, y: &mut [f32]) -> Outcome {
        let rows = y.len().checked_div(self.width).unwrap_or(0);
        let (piece, threads) = self.division(rows);
        if let (Some(pool), 2..) = (&self.config.pool, threads) {
            // Nobody knows which thread takes which piece: all of them get the memory for any.
            for lane in &mut workspace.lanes {
                for (_, size) in batches(piece).chain(batches((rows - 1) % piece + 1)) {
                    self.memory(lane, size).map_err(|error| (0, error))?;
                }
            }
            let failure = Mutex::new(None);
            let lanes = &mut workspace.lanes;
            pool.for_each_chunk(lanes, y, piece * self.width, &|lane, index, y| {
                let start = index * piece;
                let x = x.part(start * self.row, y.len() / self.width * self.row);
                if let Err((at, error)) = self.run_piece(lane, x, y) {
                    let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
                    // The first row's failure is told, whoever meets one first.
                    if failure.as_ref().is_none_or(|&(first, _)| start + at < first) {
                        *failure = Some((start + at, error));
                    }
                }
            });
            let failure = failure.into_inner().unwrap_or_else(PoisonError::into_inner);
            return failure.map_or(Ok(()), Err);
        }
        let Some(lane) = workspace.lanes.first_mut() else { return Ok(()) };
        for start in (0..rows).step_by(piece) {
            let count = piece.min(rows - start);
            let x = x.part(start * self.row, count * self.row);
            let y = &mut y[start * self.width..(start + count) * self.width];
            self.run_piece(lane, x, y).map_err(|(at, error)| (start + at, error))?;
        }
        Ok(())
    }

    /// Computes some rows, at most as many as the largest plan has, with the plans that there are.
    fn run_piece(&self, lane: &mut Lane, x: Rows<'_>, y: &mut [f32]) -> Outcome {
        for (first, size) in batches(y.len() / self.width) {
            let count = 1 << size;
            let x = x.part(first * self.row, count * self.row);
            let y = &mut y[first * self.width..(first + count) * self.width];
            self.memory(lane, size)
                .and_then(|(ready, memory)| self.run_plan(ready, memory, x, y))
                .map_err(|error| (first, error))?;
        }
        Ok(())
    }

    /// The plan for 2^`size` rows and the lane's memory for it.
    fn memory<'a>(
        &'a self,
        lane: &'a mut Lane,
        size: usize,
    ) -> Result<(&'a Ready, &'a mut Memory)> {
        let ready = self.ready(size)?;
        Ok((ready, lane.memories[size].get_or_insert_with(|| ready.plan.memory())))
    }

    #[inline]
    fn run_plan(
        &self,
        ready: &Ready,
        memory: &mut Memory,
        x: Rows<'_>,
        y: &mut [f32],
    ) -> Result<()> {
        let mut feeds = Feeds::default();
        match (x, ready.feed, ready.input) {
            (Rows::Floats(x), Some(place), _) => feeds.set_in_place(place, x),
            (Rows::Floats(x), None, Some(place)) => memory.floats_mut(place).copy_from_slice(x),
            (Rows::Indices(x), _, Some(place)) => memory.indices_mut(place).copy_from_slice(x),
            (Rows::Floats(_) | Rows::Indices(_), _, None) => {}
        }
        ready.plan.run_packed(&self.block, &self.packed, memory, Draw::default(), &feeds)?;
        y.copy_from_slice(ready.plan.results(memory));
        Ok(())
    }

    /// The plan for 2^`size` rows.
    fn ready(&self, size: usize) -> Result<&Ready> {
        match self.plans[size].get() {
            Some(ready) => Ok(ready),
            None => {
                let ready = self.compile(1 << size)?;
                // Another thread may have been faster: its plan is the same.
                Ok(self.plans[size].get_or_init(|| ready))
            }
        }
    }

    fn compile(&self, rows: usize) -> Result<Ready> {
        let plan = Plan::compile_packed(&self.graph, &[self.output], rows, &self.config)?;
        let (feed, input) = (plan.feed("x"), plan.input("x"));
        Ok(Ready { plan, feed, input })
    }

    pub(super) fn graph(&self) -> &Checked {
        &self.graph
    }

    /// The elements of one row of features.
    pub(super) fn row(&self) -> usize {
        self.row
    }

    /// The elements of one row of outputs.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    /// Takes the weights and buffers of the same network under training.
    pub(super) fn take_weights(&mut self, from: &Block) {
        for (key, _) in from.keys() {
            if let (Some(place), Some(values)) = (self.block.get_mut(key), from.get(key)) {
                place.copy_from_slice(values);
            }
        }
        if let Some(ready) = self.plans[0].get() {
            ready.plan.pack_into(&self.block, &mut self.packed);
        }
    }
}

/// Cuts `rows` rows into batches of 2^`size` rows from row `first` on: `(first, size)`.
///
/// Where few rows are missing to a larger batch, that takes some of the rows before once more: the same bits, in one run
/// instead of several.
fn batches(rows: usize) -> impl Iterator<Item = (usize, usize)> {
    let mut done = 0;
    std::iter::from_fn(move || {
        let left = rows - done;
        let mut size = left.checked_ilog2()? as usize;
        if left > 2 && left >= 3 << size >> 1 && 2 << size <= rows {
            size += 1;
        }
        let first = (done + (1 << size)).min(rows) - (1 << size);
        done = first + (1 << size);
        Some((first, size))
    })
}

impl Rows<'_> {
    /// `len` elements from `start` on.
    #[inline]
    fn part(&self, start: usize, len: usize) -> Self {
        match self {
            Rows::Floats(x) => Rows::Floats(&x[start..start + len]),
            Rows::Indices(x) => Rows::Indices(&x[start..start + len]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::batches;

    #[test]
    fn batches_cover_all_rows_in_few_runs() {
        for rows in 0..2000_usize {
            let mut covered = 0;
            let mut computed = 0;
            for (first, size) in batches(rows) {
                assert!(first <= covered && first + (1 << size) <= rows, "{rows} rows");
                covered = first + (1 << size);
                computed += 1 << size;
            }
            assert_eq!(covered, rows);
            assert!(computed <= rows + rows / 3, "{computed} rows are computed for {rows}");
            assert!(batches(rows).count() <= 1 + rows.max(1).ilog2() as usize / 2 + 1);
        }
        assert!(batches(31).eq([(0, 4), (15, 4)]));
        assert!(batches(80).eq([(0, 6), (64, 4)]));
    }
}
