//! What trainings of networks alike share: the step's graph and its plans.

use std::sync::Arc;

use super::dataset::{Dataset, Features, Target};
use super::program::Program;
use super::{Config, Shuffle};
use crate::engine::{self, Plan};
use crate::error::Result;
use crate::nn::Module;

/// The steps compiled so far, to be used again by every session whose step is the same.
#[derive(Debug, Default)]
pub(super) struct Plans {
    steps: Vec<Steps>,
}

#[derive(Debug)]
struct Steps {
    key: Key,
    program: Arc<Program>,
    plans: Vec<Arc<Plan>>,
}

/// All that a step's graph and plans may depend on, but for the number of rows.
#[derive(Debug, PartialEq)]
struct Key {
    module: Module,
    /// The settings; those that a step is given when it runs, or never sees, are as in every other key.
    config: Config,
    indices: bool,
    row: Vec<usize>,
    target: Option<Vec<usize>>,
    weighted: bool,
}

impl Key {
    fn of(module: &Module, data: &Dataset, config: &Config) -> Self {
        let row = |shape: &[usize]| shape.iter().skip(1).copied().collect();
        Key {
            module: module.clone(),
            config: Config {
                optimizer: config.optimizer.with_lr(0.0),
                epochs: 0,
                batch_size: 0,
                shuffle: Shuffle::None,
                seed: 0,
                patience: None,
                min_delta: 0.0,
                ..config.clone()
            },
            indices: matches!(data.features(), Features::Indices(_)),
            row: row(data.features().shape()),
            target: match data.target() {
                Target::Classes(_) => None,
                Target::Values(values) => Some(row(values.shape())),
            },
            weighted: data.weights().is_some(),
        }
    }
}

impl Plans {
    /// The graph of the step of `module` on `data`.
    pub(super) fn program(
        &mut self,
        module: &Module,
        data: &Dataset,
        config: &Config,
    ) -> Result<Arc<Program>> {
        let key = Key::of(module, data, config);
        if let Some(steps) = self.steps.iter().find(|steps| steps.key == key) {
            return Ok(Arc::clone(&steps.program));
        }
        let program = Arc::new(Program::build(module, data, config)?);
        self.steps.push(Steps { key, program: Arc::clone(&program), plans: vec![] });
        Ok(program)
    }

    /// The plan of `program`, which [`Plans::program`] gave, for batches of `rows`.
    pub(super) fn plan(
        &mut self,
        program: &Arc<Program>,
        rows: usize,
        config: &engine::Config,
    ) -> Result<Arc<Plan>> {
        let steps = self.steps.iter_mut().find(|steps| Arc::ptr_eq(&steps.program, program));
        let Some(steps) = steps else { return Ok(Arc::new(program.compile(rows, config)?)) };
        if let Some(plan) = steps.plans.iter().find(|plan| plan.batch() == rows) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(program.compile(rows, config)?);
        steps.plans.push(Arc::clone(&plan));
        Ok(plan)
    }
}
