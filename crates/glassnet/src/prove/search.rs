//! Branch and bound: boxes and sides of kinks are split until every part is shown to have no counterexample, one is found,
//! or the caller has waited long enough.

mod attack;
mod kinks;
mod part;
mod record;
mod state;

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use self::part::{Examined, Problem};
pub use self::record::{Recorded, Recording, Sum, Then};
use self::state::{Done, State, Task};
use super::exact::Enclosure;
use super::{Network, Property, Semantics};
use crate::error::Result;

/// How a property is to be proven.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Config {
    /// Which execution the proof is about.
    pub semantics: Semantics,
    /// How many starting points the search for counterexamples takes before anything is split.
    pub attacks: usize,
    /// The greatest number of parts that are open at a time; at more the answer is unknown.
    pub most_parts: usize,
    /// The bytes that open parts may keep. Above half of them parts forget what they inherit, above all the answer is
    /// unknown.
    pub most_bytes: usize,
    /// Whether what shows the property is recorded, for [`Search::finish`].
    pub records: bool,
}

impl Default for Config {
    fn default() -> Self {
        Config {
            semantics: Semantics::default(),
            attacks: 24,
            most_parts: 1 << 20,
            most_bytes: 2 << 30,
            records: false,
        }
    }
}

/// The answer to a property.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// No input in the box is a counterexample.
    Holds,
    /// This is a counterexample, by exact evaluation over the reals.
    Violated(Witness),
    /// Neither was shown.
    Unknown,
}

/// A counterexample.
#[derive(Clone, Debug, PartialEq)]
pub struct Witness {
    /// The input, inside the box.
    pub input: Vec<f64>,
    /// Whether each number of it is an f32; a box may hold none.
    pub is_f32: bool,
    /// The network's outputs, exactly.
    pub outputs: Vec<Enclosure>,
    /// Which case of the property it solves.
    pub case: usize,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    /// The answer.
    pub verdict: Verdict,
    /// Of all parts that were not shown to be free of counterexamples, the least amount by which any input in them is known
    /// to miss the constraints: negative or 0 while it is unknown. Infinite when nothing is open.
    pub bound: f64,
    /// How many parts were examined.
    pub parts: u64,
    /// The share of the boxes' volume that is proven, by halves.
    pub proven: f64,
}

/// Where a search stands.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Progress {
    /// How many parts were examined.
    pub parts: u64,
    /// How many parts are open.
    pub open: usize,
    /// The share of the whole that is proven, by halves.
    pub proven: f64,
}

/// Whether `property` holds of `network`, found on the thread that asks. `go_on` is asked after every part; when it says no,
/// the answer is unknown. [`Search`] is the same for several threads.
///
/// # Errors
/// When the property speaks of inputs or outputs that the network doesn't have ([`Property::check`]).
///
/// ```
/// use glassnet::graph::Shape;
/// use glassnet::nn::{self, Mode, Network};
/// use glassnet::prove::{self, Case, Config, Constraint, Interval, Property, Verdict, Weight};
/// let net = Network::new(nn::parse("2-8-1")?, 0)?;
/// let graph = net.module().graph(Shape::batch([2]), Mode::Eval)?;
/// let net = prove::lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))?;
/// // A counterexample would be an input in [-1, 1]² with an output of at least 10: 10 − y ≤ 0.
/// let constraint = Constraint { outputs: vec![(0, -1.0)], constant: 10.0, ..Constraint::default() };
/// let domain = vec![Interval::new(-1.0, 1.0)?; 2];
/// let property = Property { cases: vec![Case { domain, constraints: vec![constraint] }] };
/// let outcome = prove::prove(&net, &property, &Config::default(), &mut |_| true)?;
/// assert_eq!(outcome.verdict, Verdict::Holds);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn prove(
    network: &Network,
    property: &Property,
    config: &Config,
    go_on: &mut dyn FnMut(&Progress) -> bool,
) -> Result<Outcome> {
    let search = Search::new(network, property, config)?;
    search.work(go_on);
    Ok(search.outcome())
}

/// A search that any number of threads work on.
///
/// Tasks are given out in rounds that don't depend on the number of threads, and a round's results are taken in its order:
/// a search that isn't stopped comes to the same verdict, witness and number of parts on one thread as on many.
///
/// ```
/// # use glassnet::graph::Shape;
/// # use glassnet::nn::{self, Mode, Network};
/// # use glassnet::prove::{self, Case, Config, Constraint, Interval, Property, Verdict, Weight};
/// # let net = Network::new(nn::parse("2-8-1")?, 0)?;
/// # let graph = net.module().graph(Shape::batch([2]), Mode::Eval)?;
/// # let net = prove::lower(&graph, "x", "y", &|key| net.state_dict().floats(key).map(Weight::Fixed))?;
/// # let constraint = Constraint { outputs: vec![(0, -1.0)], constant: 10.0, ..Constraint::default() };
/// # let domain = vec![Interval::new(-1.0, 1.0)?; 2];
/// # let property = Property { cases: vec![Case { domain, constraints: vec![constraint] }] };
/// let search = prove::Search::new(&net, &property, &Config::default())?;
/// std::thread::scope(|scope| {
///     for _ in 0..2 {
///         scope.spawn(|| search.work(&mut |_| true));
///     }
/// });
/// assert_eq!(search.outcome().verdict, Verdict::Holds);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub struct Search<'a> {
    problems: Vec<Problem<'a>>,
    state: Mutex<State>,
    /// Told when tasks are there, or the search is over.
    changed: Condvar,
    stopped: AtomicBool,
}

impl<'a> Search<'a> {
    /// A search for counterexamples of `property`, before any work on it.
    ///
    /// # Errors
    /// When the property speaks of inputs or outputs that the network doesn't have ([`Property::check`]).
    pub fn new(network: &'a Network, property: &'a Property, config: &Config) -> Result<Self> {
        property.check(network)?;
        let problems = Problem::all(network, &property.cases, config);
        let state = Mutex::new(State::new(&problems, config));
        Ok(Search { problems, state, changed: Condvar::new(), stopped: AtomicBool::new(false) })
    }

    /// Works until the search is over. `go_on` is asked before every task; when it says no, the search is stopped for
    /// all who work on it.
    pub fn work(&self, go_on: &mut dyn FnMut(&Progress) -> bool) {
        // Nobody waits for a task that a panic has taken along.
        let _guard = StopOnPanic(self);
        let mut state = self.locked();
        loop {
            if self.stopped.load(Relaxed) || state.is_over() {
                self.changed.notify_all();
                return;
            }
            if !go_on(&state.progress()) {
                self.stopped.store(true, Relaxed);
                continue;
            }
            let Some((at, task)) = state.take() else {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(state);
            let done = self.perform(&task);
            state = self.locked();
            // What was found while the search was stopped is not to be relied on: the task is open.
            if self.stopped.load(Relaxed) && !matches!(done, Done::Found(_)) {
                state.give_back(at, task);
            } else if state.put(at, task, done) {
                self.changed.notify_all();
            }
        }
    }

    fn perform(&self, task: &Task) -> Done {
        match task {
            Task::Attack { case, tries } => {
                match self.problems[*case].attack(tries.clone(), &self.stopped) {
                    Some(witness) => Done::Found(witness),
                    None => Done::Nothing,
                }
            }
            Task::Examine(part) => match self.problems[part.case].examine(part, &self.stopped) {
                Examined::Free(recorded) => Done::Free(recorded),
                Examined::Witness(witness) => Done::Found(witness),
                Examined::Split(halves, recorded) => Done::Split(halves, recorded),
                Examined::Open(bound) => Done::Open(bound),
            },
        }
    }

    /// Ends the search as soon as everybody notices, which is within a part.
    pub fn stop(&self) {
        self.stopped.store(true, Relaxed);
        // Whoever has looked at the flag and not yet begun to wait holds the state.
        drop(self.locked());
        self.changed.notify_all();
    }

    /// Where the search stands.
    pub fn progress(&self) -> Progress {
        self.locked().progress()
    }

    /// What it came to: unknown unless it is over. Call it when nobody works on it any more.
    pub fn outcome(self) -> Outcome {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner).outcome()
    }

    /// What it came to, and how each case was decided where the property holds and [`Config::records`] was set.
    pub fn finish(self) -> (Outcome, Option<Recording>) {
        let mut state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        let recording = state.recording();
        (state.outcome(), recording)
    }

    fn locked(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Search<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Search").field("progress", &self.progress()).finish_non_exhaustive()
    }
}

struct StopOnPanic<'a, 'b>(&'a Search<'b>);

impl Drop for StopOnPanic<'_, '_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.stop();
        }
    }
}
