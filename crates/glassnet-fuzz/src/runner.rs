//! Runs a target on changed files, one after the other, and keeps what went wrong.

use std::cell::RefCell;
use std::panic::{self, AssertUnwindSafe};
use std::time::{Duration, Instant};

use crate::seeds::Seed;
use crate::{Target, mutate};

/// How much is run.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// What the changes are drawn from.
    pub seed: u64,
    /// The number of the first input.
    pub from: u64,
    /// How many inputs at most.
    pub executions: u64,
    /// For how long at most.
    pub time: Option<Duration>,
}

/// An input that a target did not hold.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Its number.
    pub execution: u64,
    /// What was wrong.
    pub message: String,
    /// The input.
    pub bytes: Vec<u8>,
}

/// What came of a run.
#[derive(Clone, Debug, Default)]
pub struct Outcome {
    /// How many inputs were run.
    pub executions: u64,
    /// How many of them were accepted.
    pub accepted: u64,
    /// The slowest, and how long it took.
    pub slowest: (u64, Duration),
    /// What went wrong; the run ends at [`MOST_FINDINGS`].
    pub findings: Vec<Finding>,
}

/// After so many findings a run ends.
pub const MOST_FINDINGS: usize = 10;

thread_local! {
    static MESSAGE: RefCell<String> = const { RefCell::new(String::new()) };
}

/// Runs the target's inputs; `begun` hears the number of each before it runs, for what a panic cannot tell.
pub fn run(target: &Target, files: &[Seed], plan: Plan, begun: &mut dyn FnMut(u64)) -> Outcome {
    let before = panic::take_hook();
    panic::set_hook(Box::new(|info| {
        let place = info.location().map_or(String::new(), |place| format!(" at {place}"));
        let payload = info.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let text = text.unwrap_or("a panic without a text");
        MESSAGE.with(|message| *message.borrow_mut() = format!("{text}{place}"));
    }));
    let started = Instant::now();
    let mut outcome = Outcome::default();
    for execution in plan.from..plan.from.saturating_add(plan.executions) {
        if plan.time.is_some_and(|time| started.elapsed() >= time)
            || outcome.findings.len() == MOST_FINDINGS
        {
            break;
        }
        begun(execution);
        let bytes = mutate::input(target, files, plan.seed, execution);
        let start = Instant::now();
        match panic::catch_unwind(AssertUnwindSafe(|| (target.run)(&bytes))) {
            Ok(accepted) => outcome.accepted += u64::from(accepted),
            Err(_) => {
                let message = MESSAGE.with(RefCell::take);
                outcome.findings.push(Finding { execution, message, bytes });
            }
        }
        outcome.executions += 1;
        let taken = start.elapsed();
        if taken > outcome.slowest.1 {
            outcome.slowest = (execution, taken);
        }
    }
    panic::set_hook(before);
    outcome
}
