//! What is open in a search and what it has come to: tasks in rounds, results taken in their order.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};
use std::ops::Range;

use super::part::{Part, Problem};
use super::record::{Recorded, Recording, Records};
use super::{Config, Outcome, Progress, Verdict, Witness};

/// A round has so many tasks at most, whatever the number of threads: their order is that of the tasks, not of the threads.
const ROUND: usize = 32;
/// A case is attacked from so many points before its box is examined, the others only if that didn't prove it.
const FIRST_TRIES: usize = 4;
/// So many starting points are one task.
const TRIES_AT_ONCE: usize = 4;

/// While many parts are open, every so many rounds further starting points are tried.
const ROUNDS_BETWEEN_TRIES: usize = 6;

/// Something that one thread does.
pub(super) enum Task {
    /// Look for counterexamples of a case from these starting points.
    Attack { case: usize, tries: Range<usize> },
    /// Bound a part.
    Examine(Part),
}

/// What a task came to.
pub(super) enum Done {
    /// This is a counterexample.
    Found(Witness),
    /// No counterexample was found.
    Nothing,
    /// The part has none.
    Free(Recorded),
    /// The part's halves are to be examined.
    Split(Box<[Part; 2]>, Recorded),
    /// Neither was shown and nothing is left to split.
    Open(f64),
}

/// One place of a round.
enum Place {
    Waiting(Task),
    Taken,
    Over(Task, Box<Done>),
}

/// The state of a search.
pub(super) struct State {
    /// Attacks that are to be tried before parts.
    attacks: VecDeque<(usize, Range<usize>)>,
    queue: BinaryHeap<Queued>,
    /// The bytes that the parts of the queue keep.
    bytes: usize,
    round: Vec<Place>,
    /// The next place of the round to be given out; none after a witness was found.
    next: usize,
    /// How many rounds were made, and the next starting point that no case was attacked from.
    rounds: usize,
    fresh: usize,
    /// How many places are given out and not over.
    busy: usize,
    over: bool,
    config: Config,
    verdict: Verdict,
    bound: f64,
    parts: u64,
    proven: f64,
    records: Records,
    cases: usize,
}

impl State {
    pub(super) fn new(problems: &[Problem<'_>], config: &Config) -> Self {
        let share = 1.0 / problems.len().max(1) as f64;
        let first = FIRST_TRIES.min(config.attacks);
        let mut state = State {
            attacks: if first > 0 {
                (0..problems.len()).map(|case| (case, 0..first)).collect()
            } else {
                VecDeque::new()
            },
            queue: BinaryHeap::new(),
            bytes: 0,
            round: vec![],
            next: 0,
            rounds: 0,
            fresh: config.attacks.max(FIRST_TRIES),
            busy: 0,
            over: false,
            config: *config,
            verdict: Verdict::Holds,
            bound: f64::INFINITY,
            parts: 0,
            proven: 0.0,
            records: Records::default(),
            cases: problems.len(),
        };
        for problem in problems {
            if config.records {
                state.records.number();
            }
            state.push(Part::whole(problem, share));
        }
        state.fill();
        state
    }

    pub(super) fn is_over(&self) -> bool {
        self.over
    }

    pub(super) fn progress(&self) -> Progress {
        let left = self
            .round
            .iter()
            .filter(|place| matches!(place, Place::Taken | Place::Waiting(Task::Examine(_))));
        Progress { parts: self.parts, open: self.queue.len() + left.count(), proven: self.proven }
    }

    /// The next task with its place in the round; none while others are busy with the last ones.
    pub(super) fn take(&mut self) -> Option<(usize, Task)> {
        let at = self.next;
        let place = self.round.get_mut(at)?;
        match std::mem::replace(place, Place::Taken) {
            Place::Waiting(task) => {
                self.next += 1;
                self.busy += 1;
                Some((at, task))
            }
            other @ (Place::Taken | Place::Over(..)) => {
                *place = other;
                None
            }
        }
    }

    /// Leaves a task undone.
    pub(super) fn give_back(&mut self, at: usize, task: Task) {
        self.round[at] = Place::Waiting(task);
        self.busy -= 1;
    }

    /// Notes what a task came to; whether there are new tasks, or none any more.
    pub(super) fn put(&mut self, at: usize, task: Task, done: Done) -> bool {
        if matches!(done, Done::Found(_)) {
            // Those before this one are done or under way; the first of the round's witnesses counts.
            self.next = self.round.len();
        }
        self.round[at] = Place::Over(task, Box::new(done));
        self.busy -= 1;
        if self.busy > 0 || self.next < self.round.len() {
            return false;
        }
        self.settle();
        true
    }

    /// Takes the results of a round in its order, and makes the next one.
    fn settle(&mut self) {
        let mut found = None;
        for place in std::mem::take(&mut self.round) {
            let Place::Over(task, done) = place else { continue };
            self.parts += u64::from(matches!(task, Task::Examine(_)));
            match (*done, task) {
                (Done::Found(witness), _) => {
                    found = Some(witness);
                    break;
                }
                (Done::Nothing, _) | (_, Task::Attack { .. }) => {}
                (Done::Free(recorded), Task::Examine(part)) => {
                    self.proven += part.share;
                    if self.config.records {
                        self.records.note(part.number, recorded, 0);
                    }
                }
                (Done::Split(mut halves, recorded), Task::Examine(part)) => {
                    if self.config.records {
                        halves.iter_mut().for_each(|half| half.number = self.records.number());
                        self.records.note(part.number, recorded, halves[0].number);
                    }
                    if part.is_whole {
                        self.attack_further(part.case);
                    }
                    for half in *halves {
                        self.push(half);
                    }
                }
                // The rest of the search can still find a counterexample.
                (Done::Open(bound), Task::Examine(part)) => {
                    if part.is_whole {
                        self.attack_further(part.case);
                    }
                    self.verdict = Verdict::Unknown;
                    self.bound = self.bound.min(bound);
                }
            }
        }
        if let Some(witness) = found {
            self.verdict = Verdict::Violated(witness);
            self.over = true;
            return;
        }
        let too_many = self.queue.len() > self.config.most_parts;
        if too_many || self.bytes + self.records.bytes > self.config.most_bytes {
            self.over = true;
            return;
        }
        self.fill();
    }

    fn attack_further(&mut self, case: usize) {
        let mut from = FIRST_TRIES;
        while from < self.config.attacks {
            let to = (from + TRIES_AT_ONCE).min(self.config.attacks);
            self.attacks.push_back((case, from..to));
            from = to;
        }
    }

    fn push(&mut self, mut part: Part) {
        if self.bytes + part.bytes() > self.config.most_bytes / 2 {
            part.forget();
        }
        self.bytes += part.bytes();
        self.queue.push(Queued(part));
    }

    fn fill(&mut self) {
        self.next = 0;
        while self.round.len() < ROUND {
            let task = if let Some((case, tries)) = self.attacks.pop_front() {
                Task::Attack { case, tries }
            } else if let Some(Queued(part)) = self.queue.pop() {
                self.bytes -= part.bytes();
                Task::Examine(part)
            } else {
                break;
            };
            self.round.push(Place::Waiting(task));
        }
        self.over = self.round.is_empty();
        self.rounds += 1;
        self.attack_on();
    }

    /// In a search that has grown, tries further starting points for a case that has open parts.
    fn attack_on(&mut self) {
        let grown = self.round.len() == ROUND && self.config.attacks > 0;
        if !grown || !self.rounds.is_multiple_of(ROUNDS_BETWEEN_TRIES) {
            return;
        }
        if let Place::Waiting(Task::Examine(part)) = &self.round[self.rounds % ROUND] {
            let (case, from) = (part.case, self.fresh);
            self.fresh += TRIES_AT_ONCE;
            self.round.push(Place::Waiting(Task::Attack { case, tries: from..self.fresh }));
        }
    }

    /// How each case was decided, where that was recorded and the property holds.
    pub(super) fn recording(&mut self) -> Option<Recording> {
        let holds = self.over && self.config.records && self.verdict == Verdict::Holds;
        if holds { std::mem::take(&mut self.records).trees(self.cases) } else { None }
    }

    pub(super) fn outcome(self) -> Outcome {
        let mut outcome = Outcome {
            verdict: self.verdict,
            bound: self.bound,
            parts: self.parts,
            proven: self.proven,
        };
        let mut open = false;
        for place in &self.round {
            match place {
                Place::Over(task, done) => match (&**done, task) {
                    (Done::Found(witness), _) => {
                        // A search that was stopped has it all the same.
                        outcome.verdict = Verdict::Violated(witness.clone());
                        return outcome;
                    }
                    (Done::Free(_), Task::Examine(part)) => outcome.proven += part.share,
                    (_, Task::Examine(part)) => {
                        open = true;
                        outcome.bound = outcome.bound.min(part.bound);
                    }
                    (_, Task::Attack { .. }) => {}
                },
                Place::Waiting(Task::Examine(part)) => {
                    open = true;
                    outcome.bound = outcome.bound.min(part.bound);
                }
                Place::Waiting(Task::Attack { .. }) => {}
                Place::Taken => {
                    open = true;
                    outcome.bound = f64::NEG_INFINITY;
                }
            }
        }
        for Queued(part) in &self.queue {
            open = true;
            outcome.bound = outcome.bound.min(part.bound);
        }
        if open && outcome.verdict == Verdict::Holds {
            outcome.verdict = Verdict::Unknown;
        }
        if outcome.verdict == Verdict::Holds {
            outcome.proven = 1.0;
            outcome.bound = f64::INFINITY;
        }
        outcome
    }
}

/// Parts in the order in which they are examined: the worst bound first.
struct Queued(Part);

impl PartialEq for Queued {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Queued {}

impl PartialOrd for Queued {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Queued {
    fn cmp(&self, other: &Self) -> Ordering {
        other.0.bound.total_cmp(&self.0.bound)
    }
}
