//! The training loop.

mod many;
mod resume;
mod steer;
mod step;
#[cfg(test)]
mod tests;
mod training;

use std::ops::Range;
use std::sync::Arc;

use super::batch::Batch;
use super::dataset::Dataset;
use super::diverged;
use super::forward::{features_fit, load};
use super::observer::{Control, Observer};
use super::optimizer::{Optimizer, State};
use super::plans::Plans;
use super::program::Program;
use super::record::{BestWeights, EpochRecord, Record, Stopped};
use super::schedule::{ScheduleState, Unit};
use super::source::{Source, Streaming};
use super::validation::Validation;
use super::{Config, Shuffle};
use crate::engine::Block;
#[cfg(test)]
use crate::engine::Plan;
use crate::error::{Error, Result};
use crate::math::torch_random::TorchGenerator;
use crate::nn::{Network, StateDict};
use crate::tensor::{Tensor, Value};
use many::Many;
use training::{Parts, Training};

/// A training under way: weights, optimiser state, history.
///
/// ```
/// use glassnet::{Tensor, nn::{self, loss::Criterion}};
/// use glassnet::train::{Config, Dataset, Features, Session, Target, optimizer::Optimizer};
/// let x = Tensor::from_rows(&[[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])?;
/// let data = Dataset::new(Features::Floats(x), Target::Classes(vec![0, 1, 1, 0]))?;
/// let network = nn::Network::new(nn::parse("2-8t-2")?, 0)?;
/// let config = Config { epochs: 300, ..Config::new(Criterion::parse("cross_entropy")?, Optimizer::parse("Adam(lr=0.05)")?) };
/// let record = Session::new(network, &data, None, &config)?.run(&mut ())?;
/// assert!(record.history.last().unwrap().train_loss < 0.05);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub struct Session<'a> {
    network: Network,
    training: Training<'a>,
    /// The rows of `training` that train, in their order; `None` for all.
    chosen: Option<&'a [usize]>,
    config: &'a Config,
    program: Arc<Program>,
    full: Batch,
    ragged: Option<Batch>,
    /// Each parameter's range within the gradients, the same in both plans.
    tensors: Vec<Range<usize>>,
    /// Those of two or more axes, within the block.
    matrices: Vec<Range<usize>>,
    block: Block,
    optimizer: Optimizer,
    optimizer_state: State,
    schedule: Option<ScheduleState>,
    torch: Option<TorchGenerator>,
    validation: Option<Validation<'a>>,
    order: Vec<usize>,
    /// Whether the caller has set the order.
    reordered: bool,
    epoch: usize,
    step: u64,
    history: Vec<EpochRecord>,
    best: Option<BestWeights>,
    stopped: Option<Stopped>,
    many: Many,
}

impl<'a> Session<'a> {
    /// Prepares the training of `network` on `training`; with `validation`, the weights at its lowest loss win.
    ///
    /// # Errors
    /// When the data do not fit the network or the loss, or a setting is out of range.
    pub fn new(
        network: Network,
        training: &'a Dataset,
        validation: Option<&'a Dataset>,
        config: &'a Config,
    ) -> Result<Self> {
        Session::sharing(network, training, None, validation, config, &mut Plans::default())
    }

    /// Like [`Session::new`], training on the rows `chosen` of `training` alone, a row as often as it is named: bit for
    /// bit as on a table that holds those rows in that order, without a copy of them.
    ///
    /// # Errors
    /// Also when no row is chosen, or there is no such row.
    pub fn on_rows(
        network: Network,
        training: &'a Dataset,
        chosen: &'a [usize],
        validation: Option<&'a Dataset>,
        config: &'a Config,
    ) -> Result<Self> {
        let plans = &mut Plans::default();
        Session::sharing(network, training, Some(chosen), validation, config, plans)
    }

    /// Like [`Session::new`] on a table larger than memory, of which a part at a time is held, as `streaming` says.
    ///
    /// # Errors
    /// Also when the source cannot be read, and with [`Shuffle::Torch`], whose order of rows is one of the whole table.
    pub fn streaming(
        network: Network,
        source: Box<dyn Source + Send + 'a>,
        streaming: Streaming,
        validation: Option<&'a Dataset>,
        config: &'a Config,
    ) -> Result<Self> {
        config.check()?;
        let training = Training::Parts(Box::new(Parts::new(source, streaming, config)?));
        Session::prepare(network, training, None, validation, config, &mut Plans::default())
    }

    /// A session that takes its plans from `plans`, where others have left theirs.
    pub(super) fn sharing(
        network: Network,
        training: &'a Dataset,
        chosen: Option<&'a [usize]>,
        validation: Option<&'a Dataset>,
        config: &'a Config,
        plans: &mut Plans<'a>,
    ) -> Result<Self> {
        config.check()?;
        Session::prepare(network, Training::Whole(training), chosen, validation, config, plans)
    }

    fn prepare(
        network: Network,
        mut training: Training<'a>,
        chosen: Option<&'a [usize]>,
        validation: Option<&'a Dataset>,
        config: &'a Config,
        plans: &mut Plans<'a>,
    ) -> Result<Self> {
        // Of a table in parts these are the first rows, which tell sorts and shapes.
        let known = training.data();
        let order: Vec<usize> = match (chosen, &training) {
            (Some(chosen), _) => known.check_rows(chosen)?.to_vec(),
            (None, Training::Whole(data)) => (0..data.rows()).collect(),
            // Filled by each part.
            (None, Training::Parts(_)) => vec![],
        };
        let rows = chosen.map_or(training.rows(), <[usize]>::len);
        let program = plans.program(network.module(), known, config)?;
        features_fit(program.graph(), known.features())?;
        for data in [Some(known), validation].into_iter().flatten() {
            program.check_indices(data.features())?;
            program.check_classes(data.target(), &config.criterion)?;
        }
        let mut block = Block::for_graph(program.graph());
        load(&mut block, network.state_dict())?;
        program.load_constants(&mut block, &config.criterion)?;
        let full_rows = config.batch_size.min(rows);
        let rest = rows % full_rows;
        check_batches(&program, rows, full_rows)?;
        let mut compile = |rows: usize| -> Result<Batch> {
            let plan = plans.plan(&program, rows, config)?;
            Ok(Batch::new(plan, known, program.loss_index()))
        };
        let (full, ragged) =
            (compile(full_rows)?, if rest > 0 { Some(compile(rest)?) } else { None });
        let each_step =
            config.schedule.as_ref().is_some_and(|schedule| schedule.unit() == Unit::Step);
        let may_take_many = config.fuses_optimizer()
            && config.alpha == 0.0
            && !config.epsilon_hat
            && !each_step
            && full.plan.may_be_resident();
        let validation = validation
            .map(|data| plans.validation(&program, &network, known, data, config))
            .transpose()?;
        // Several steps at once read a table of floats.
        if !may_take_many
            && [Some(&full), ragged.as_ref()].into_iter().flatten().all(Batch::takes_kept)
        {
            training.leave_features();
        }
        let torch = match config.shuffle {
            Shuffle::Torch => {
                // The generator as it stands after it made the initial weights of this architecture.
                let mut generator = TorchGenerator::new(config.seed);
                network.module().init(&mut generator)?;
                Some(generator)
            }
            Shuffle::Own | Shuffle::None => None,
        };
        let schedule = match &config.schedule {
            Some(schedule) => {
                schedule.check_optimizer(&config.optimizer)?;
                Some(schedule.start(config.optimizer.lr())?)
            }
            None => None,
        };
        Ok(Session {
            validation,
            optimizer: config.optimizer,
            optimizer_state: with_slots(config, schedule.as_ref())?
                .state(block.parameters().len())?,
            order,
            reordered: false,
            tensors: program.tensors(&full.plan),
            matrices: block.matrices(),
            network,
            training,
            chosen,
            config,
            program,
            full,
            ragged,
            block,
            schedule,
            torch,
            epoch: 0,
            step: 0,
            history: vec![],
            best: None,
            stopped: None,
            many: Many::new(may_take_many),
        })
    }

    /// How many batches an epoch has.
    pub fn steps_per_epoch(&self) -> usize {
        self.rows().div_ceil(self.full.plan.batch())
    }

    /// How many threads a step on a full batch takes, if the pool is free.
    pub fn threads(&self) -> usize {
        self.full.plan.threads()
    }

    /// Where the plan of full batches lies: the same for sessions that share it.
    #[cfg(test)]
    pub(super) fn plan_address(&self) -> *const Plan {
        Arc::as_ptr(&self.full.plan)
    }

    /// How many rows train in an epoch.
    fn rows(&self) -> usize {
        self.chosen.map_or(self.training.rows(), <[usize]>::len)
    }

    /// The epochs done so far.
    pub fn history(&self) -> &[EpochRecord] {
        &self.history
    }

    /// Trains one epoch and measures it; `None` when the training is over: all epochs done, patience at an end, or
    /// the observer asked to stop.
    ///
    /// # Errors
    /// When the loss is no longer finite: the message names the step, the layer and the rows.
    pub fn epoch(&mut self, observer: &mut dyn Observer) -> Result<Option<&EpochRecord>> {
        if self.stopped.is_none() && self.epoch >= self.config.epochs {
            self.stopped = Some(Stopped::Finished);
        }
        if self.stopped.is_some() {
            return Ok(None);
        }
        let (rows, mut total, mut lr) = (self.rows(), 0.0, self.optimizer.lr());
        for part in 0..self.training.parts() {
            self.shuffle(part)?;
            let order = std::mem::take(&mut self.order);
            let outcome = self.train_part(&order, &mut total, &mut lr, observer);
            self.order = order;
            if outcome? == Control::Stop {
                self.stopped = Some(Stopped::Interrupted);
                return Ok(None);
            }
        }
        self.epoch += 1;
        self.finish_epoch(total / rows as f64, lr, observer).map(Some)
    }

    /// Trains on the rows `order` of what is in memory, batch by batch; the losses are added to `total`.
    fn train_part(
        &mut self,
        order: &[usize],
        total: &mut f64,
        lr: &mut f64,
        observer: &mut dyn Observer,
    ) -> Result<Control> {
        let batch = self.full.plan.batch();
        let mut start = 0;
        while start < order.len() {
            *lr = self.begin_step();
            let mut done = self.train_many(&order[start..], *lr, observer.stride(), total);
            if done == 0 {
                done = batch.min(order.len() - start);
                let loss = self.train_on(&order[start..start + done], *lr)?;
                *total += loss * done as f64;
            }
            let control = self.tell(&order[start..start + done], *lr, observer);
            start += done;
            if control == Control::Stop {
                return Ok(control);
            }
        }
        Ok(Control::Continue)
    }

    /// Trains until the training is over.
    ///
    /// # Errors
    /// As [`Session::epoch`].
    pub fn run(mut self, observer: &mut dyn Observer) -> Result<Record> {
        while self.epoch(observer)?.is_some() {}
        self.finish()
    }

    /// The record of what was done so far, with the best weights.
    ///
    /// # Errors
    /// When a weight is not finite.
    pub fn finish(mut self) -> Result<Record> {
        let (best_epoch, steps) = match &self.best {
            Some(best) => {
                self.block.data_mut().copy_from_slice(&best.block);
                (best.epoch, best.step)
            }
            None => (self.epoch, self.step),
        };
        if let Some(error) = diverged::weights(&self.block, steps, best_epoch) {
            return Err(error);
        }
        let state = self.state_dict(steps)?;
        self.network.load_state_dict(&state, true)?;
        Ok(Record {
            network: self.network,
            best_epoch,
            history: self.history,
            stopped: self.stopped.unwrap_or(Stopped::Interrupted),
        })
    }

    /// The network's state dict with the block's values, counters advanced by `steps`.
    fn state_dict(&self, steps: u64) -> Result<StateDict> {
        let mut state = StateDict::new();
        for (key, value) in self.network.state_dict().iter() {
            let value = match (value, self.block.get(key)) {
                (Value::F32(tensor), Some(values)) => {
                    Tensor::new(tensor.shape(), values.to_vec())?.into()
                }
                (Value::I64(tensor), _) if self.program.has_updates() => {
                    tensor.map(|count| count.saturating_add_unsigned(steps)).into()
                }
                (value, _) => value.clone(),
            };
            state.insert(key, value);
        }
        Ok(state)
    }

    fn finish_epoch(
        &mut self,
        train_loss: f64,
        lr: f64,
        observer: &mut dyn Observer,
    ) -> Result<&EpochRecord> {
        if let Some(error) = diverged::weights(&self.block, self.step, self.epoch) {
            return Err(error);
        }
        let (validation, judged) = match &self.validation {
            Some(validation) => {
                let judge = &mut |outputs: &Tensor<f32>| observer.judge(outputs);
                let (metrics, judged) =
                    validation.measure(&self.network, &self.block, self.config, judge)?;
                (Some(metrics), judged)
            }
            None => (None, None),
        };
        let loss = validation.as_ref().and_then(|metrics| metrics.loss);
        let judged = judged.or(loss);
        let improved = judged.is_some_and(|judged| {
            self.best.as_ref().is_none_or(|best| judged < best.loss - self.config.min_delta)
        });
        if let (true, Some(loss)) = (improved, judged) {
            let (epoch, step, block) = (self.epoch, self.step, self.block.data().to_vec());
            self.best = Some(BestWeights { epoch, loss, step, block });
        }
        if let (Some(schedule), Some(state)) = (&self.config.schedule, &mut self.schedule)
            && schedule.unit() == Unit::Epoch
        {
            state.advance(schedule, loss.unwrap_or(train_loss));
        }
        let record = EpochRecord { epoch: self.epoch, train_loss, validation, lr, improved };
        let control = observer.epoch(&record);
        self.history.push(record);
        if control == Control::Stop {
            self.stopped = Some(Stopped::Interrupted);
        }
        self.check_patience();
        self.history.last().ok_or_else(|| Error::data("no epoch was done"))
    }

    fn check_patience(&mut self) {
        if let (Some(patience), Some(best)) = (self.config.patience, &self.best)
            && self.stopped.is_none()
            && self.epoch >= best.epoch.saturating_add(patience)
        {
            self.stopped = Some(Stopped::Patience);
        }
    }
}

/// The optimiser that makes and reads the state: where the schedule sets the momentum, a state needs room for it even
/// when the optimiser's own is 0.
fn with_slots(config: &Config, schedule: Option<&ScheduleState>) -> Result<Optimizer> {
    config.optimizer.validate()?;
    let cycled = schedule.is_some_and(|schedule| schedule.momentum().is_some());
    Ok(if cycled { config.optimizer.with_momentum(0.5) } else { config.optimizer })
}

/// Checks both sizes of batches, and says which setting makes the one that is refused.
fn check_batches(program: &Program, rows: usize, full: usize) -> Result<()> {
    let rest = rows % full;
    program.check_batch(full).map_err(|error| error.help("train on larger batches"))?;
    if rest == 0 {
        return Ok(());
    }
    program.check_batch(rest).map_err(|error| {
        error.help(format!(
            "choose another batch size: {rows} rows in batches of {full} leave {rest} for the last"
        ))
    })
}
