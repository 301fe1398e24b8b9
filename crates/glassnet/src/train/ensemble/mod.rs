//! Many trainings at once: ensembles, cross-validation, sweeps.
//!
//! Networks alike share their compiled step; each has weights, optimiser state and memory of its own. A thread takes a
//! member, trains it for some epochs while what it works on stays in the thread's cache, and takes the next: no
//! barrier, and no thread waits while a member is left. Nothing of a member depends on the others, so its result has
//! the bits of the same training alone.

mod average;
#[cfg(test)]
mod tests;

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use average::{mean_outputs, mean_probabilities};

use super::dataset::Dataset;
use super::observer::{Control, Observer, StepEvent};
use super::plans::Plans;
use super::record::{EpochRecord, Record};
use super::{Config, Session};
use crate::engine::Pool;
use crate::error::{Error, Result};
use crate::nn::Network;

/// A member is trained for at least so many steps before another one has its turn: enough that fetching its numbers
/// into the cache does not count.
const STEPS_PER_TURN: usize = 256;

/// One training of an [`Ensemble`]: what [`Session::new`] takes.
#[derive(Clone, Debug)]
pub struct Member<'a> {
    /// The network with its initial weights.
    pub network: Network,
    /// The settings, those that differ between members among them: seed, learning rate.
    pub config: Config,
    /// The table.
    pub training: &'a Dataset,
    /// The rows of `training` that train, as [`Session::on_rows`] takes them: a fold, a bootstrap sample; `None` for all.
    pub rows: Option<Vec<usize>>,
    /// The rows that judge the epochs.
    pub validation: Option<&'a Dataset>,
}

/// Watches an [`Ensemble`]: as [`Observer`], with the member's number (from 0). The calls come from several threads.
pub trait EnsembleObserver: Sync {
    /// After every step of a member. [`Control::Stop`] ends the training of all of them.
    fn step(&self, member: usize, event: &StepEvent<'_>) -> Control {
        let _ = (member, event);
        Control::Continue
    }

    /// After every epoch of a member, with its validation. [`Control::Stop`] ends the training of all of them.
    fn epoch(&self, member: usize, record: &EpochRecord) -> Control {
        let _ = (member, record);
        Control::Continue
    }

    /// The most steps of a member that may be done before the observer is told: as [`Observer::stride`].
    fn stride(&self) -> usize {
        1
    }

    /// When a member's training is over.
    fn end(&self, member: usize, outcome: &Result<Record>) {
        let _ = (member, outcome);
    }
}

impl EnsembleObserver for () {
    fn stride(&self) -> usize {
        usize::MAX
    }
}

/// Trainings that run at once, each as if it were alone.
///
/// ```
/// use glassnet::{Tensor, engine::Pool, nn::{self, loss::Criterion}};
/// use glassnet::train::{Config, Dataset, Ensemble, Features, Member, Target, optimizer::Optimizer};
/// let x = Tensor::from_rows(&[[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])?;
/// let data = Dataset::new(Features::Floats(x), Target::Classes(vec![0, 1, 1, 0]))?;
/// let alone = Config::new(Criterion::parse("cross_entropy")?, Optimizer::parse("Adam(lr=0.05)")?);
/// let member = |seed| -> glassnet::Result<Member<'_>> {
///     let network = nn::Network::new(nn::parse("2-8t-2")?, seed)?;
///     let config = Config { seed, ..alone.clone() };
///     Ok(Member { network, config, training: &data, rows: None, validation: None })
/// };
/// let members = [member(0)?, member(1)?, member(2)?];
/// let records = Ensemble::new(&members)?.run(&Pool::new(2)?, &());
/// assert!(records.iter().flatten().all(|record| record.history.len() == 100));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub struct Ensemble<'a> {
    sessions: Vec<Session<'a>>,
}

impl<'a> Ensemble<'a> {
    /// Prepares the trainings of `members`, which may differ in everything; those that differ in seed, learning rate,
    /// rows or weights alone share their compiled step.
    ///
    /// # Errors
    /// When the data or settings of a member do not fit: its number, from 0, is told.
    pub fn new(members: &'a [Member<'a>]) -> Result<Self> {
        let mut plans = Plans::default();
        let mut prepare = |member: &'a Member<'a>| {
            let (network, rows) = (member.network.clone(), member.rows.as_deref());
            let (training, validation) = (member.training, member.validation);
            Session::sharing(network, training, rows, validation, &member.config, &mut plans)
        };
        let numbered = |(number, member)| -> Result<Session<'a>> {
            let session = prepare(member);
            let named = |error: Error| error.detail(format!("in member {number} (from 0)"));
            session.map_err(named)
        };
        Ok(Ensemble { sessions: members.iter().enumerate().map(numbered).collect::<Result<_>>()? })
    }

    /// The number of members.
    pub fn len(&self) -> usize {
        self.sessions.len()
    }

    /// Whether there is no member.
    pub fn is_empty(&self) -> bool {
        self.sessions.is_empty()
    }

    /// Trains all members on the threads of `pool` until the training of each is over, and returns what each leaves behind,
    /// in their order.
    ///
    /// A member that fails, because its loss is no longer finite, leaves its error and does not disturb the others.
    /// When the observer stops the training, every member has its best weights so far.
    pub fn run(self, pool: &Pool, observer: &dyn EnsembleObserver) -> Vec<Result<Record>> {
        let threads = pool.threads().min(self.len());
        let run = Run::new(self.sessions, observer);
        pool.for_each(threads, &|_| run.work());
        run.outcomes()
    }
}

/// What the threads share.
struct Run<'a, 'o> {
    waiting: Mutex<VecDeque<(usize, Box<Session<'a>>)>>,
    outcomes: Mutex<Vec<Option<Result<Record>>>>,
    stop: AtomicBool,
    observer: &'o dyn EnsembleObserver,
}

impl<'a, 'o> Run<'a, 'o> {
    fn new(sessions: Vec<Session<'a>>, observer: &'o dyn EnsembleObserver) -> Self {
        Run {
            outcomes: Mutex::new(sessions.iter().map(|_| None).collect()),
            waiting: Mutex::new(sessions.into_iter().map(Box::new).enumerate().collect()),
            stop: AtomicBool::new(false),
            observer,
        }
    }

    /// Takes one member after the other until none is waiting. A member that another thread holds goes on there, so a
    /// thread that finds none has no more to do.
    fn work(&self) {
        loop {
            let next = lock(&self.waiting).pop_front();
            let Some((number, mut session)) = next else { return };
            match self.turn(number, &mut session) {
                Ok(true) => lock(&self.waiting).push_back((number, session)),
                Ok(false) => self.end(number, session.finish()),
                Err(error) => self.end(number, Err(error)),
            }
        }
    }

    /// Trains a member for a while; whether there is more to do.
    fn turn(&self, number: usize, session: &mut Session<'_>) -> Result<bool> {
        let mut watch = Watch { run: self, number };
        let epochs = STEPS_PER_TURN.div_ceil(session.steps_per_epoch());
        for _ in 0..epochs {
            if self.stop.load(Ordering::Relaxed) || session.epoch(&mut watch)?.is_none() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn end(&self, number: usize, outcome: Result<Record>) {
        self.observer.end(number, &outcome);
        lock(&self.outcomes)[number] = Some(outcome);
    }

    fn outcomes(self) -> Vec<Result<Record>> {
        let outcomes = self.outcomes.into_inner().unwrap_or_else(PoisonError::into_inner);
        let missing = || Err(Error::new(crate::ErrorKind::Interrupted, "the training was not run"));
        outcomes.into_iter().map(|outcome| outcome.unwrap_or_else(missing)).collect()
    }

    /// What a member does after `control`, its own observer's answer.
    fn control(&self, control: Control) -> Control {
        if control == Control::Stop {
            self.stop.store(true, Ordering::Relaxed);
        }
        if self.stop.load(Ordering::Relaxed) { Control::Stop } else { Control::Continue }
    }
}

/// Hands a member's events on with its number.
struct Watch<'r, 'a, 'o> {
    run: &'r Run<'a, 'o>,
    number: usize,
}

impl Observer for Watch<'_, '_, '_> {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.run.control(self.run.observer.step(self.number, event))
    }

    fn stride(&self) -> usize {
        self.run.observer.stride()
    }

    fn epoch(&mut self, record: &EpochRecord) -> Control {
        self.run.control(self.run.observer.epoch(self.number, record))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
