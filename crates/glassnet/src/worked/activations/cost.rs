//! What an activation costs, measured.

use super::curve::Curve;
use super::{Activation, ActivationsConfig};
use crate::engine::{Block, Config, Draw, Memory, Plan};
use crate::error::Result;

/// Rounds at least, however slow.
const LEAST_ROUNDS: usize = 5;

/// The least time of many runs, in nanoseconds per element.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// f alone.
    pub forward: f64,
    /// f and its derivative.
    pub both: f64,
    /// `forward`, relative to ReLU's.
    pub forward_relative: f64,
    /// `both`, relative to ReLU's.
    pub both_relative: f64,
    /// Whether this is ReLU, which the others are relative to.
    pub reference: bool,
}

/// A plan with what it runs on.
struct Runner {
    plan: Plan,
    block: Block,
    memory: Memory,
    least: f64,
}

impl Runner {
    fn new(curve: &Curve, with_slope: bool, rows: usize) -> Result<Runner> {
        let results: &[_] = if with_slope { &[curve.value, curve.slope] } else { &[curve.value] };
        let plan = Plan::compile(&curve.graph, results, rows, &Config::default())?;
        let mut memory = plan.memory();
        if let Some(place) = plan.input("z") {
            let places = memory.floats_mut(place);
            let count = places.len() as f32;
            // Evenly from −4 to 4, in an order that leaves no branch to be guessed.
            for (at, to) in places.iter_mut().enumerate() {
                *to = ((at * 7919) as f32 % count) / count * 8.0 - 4.0;
            }
        }
        Ok(Runner { plan, block: curve.block(), memory, least: f64::INFINITY })
    }

    fn time(&mut self, clock: &mut dyn FnMut() -> f64) -> Result<()> {
        let begin = clock();
        self.plan.run(&self.block, &mut self.memory, Draw::default())?;
        self.least = self.least.min(clock() - begin);
        Ok(())
    }
}

/// Measures all activations and ReLU in turn, round by round, and keeps the least time of each.
pub(super) fn measure(
    activations: &[Activation],
    config: &ActivationsConfig,
    clock: &mut dyn FnMut() -> f64,
) -> Result<Vec<Cost>> {
    let (rows, columns) = config.cost_size;
    let relu: Activation = "relu".parse()?;
    let mut runners = vec![];
    // ReLU is measured once, whether it is asked for or not: it is 1 times itself.
    let others = activations.iter().filter(|activation| activation.module != relu.module);
    for activation in std::iter::once(&relu).chain(others) {
        let curve = Curve::of(activation, columns)?;
        runners.push([Runner::new(&curve, false, rows)?, Runner::new(&curve, true, rows)?]);
    }
    let begin = clock();
    let mut round = 0;
    while round < LEAST_ROUNDS || (clock() - begin < config.cost_seconds && round < 100_000) {
        for pair in &mut runners {
            for runner in pair {
                runner.time(clock)?;
            }
        }
        round += 1;
    }
    let elements = (rows * columns) as f64;
    let nanoseconds = |runner: &Runner| runner.least * 1e9 / elements;
    let [relu_forward, relu_both] = [nanoseconds(&runners[0][0]), nanoseconds(&runners[0][1])];
    let cost = |[forward, both]: &[Runner; 2], reference: bool| Cost {
        forward: nanoseconds(forward),
        both: nanoseconds(both),
        forward_relative: nanoseconds(forward) / relu_forward,
        both_relative: nanoseconds(both) / relu_both,
        reference,
    };
    let mut others = runners[1..].iter();
    Ok(activations
        .iter()
        .filter_map(|activation| match activation.module == relu.module {
            true => Some(cost(&runners[0], true)),
            false => others.next().map(|runner| cost(runner, false)),
        })
        .collect())
}
