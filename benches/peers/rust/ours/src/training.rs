//! A training with an observer that reads the clock.

use glassnet::engine::Pool;
use glassnet::nn::Network;
use glassnet::train::{Config, Control, Dataset, EpochRecord, Observer, Session, StepEvent};
use worker::{Case, Loaded, Result, STEPS_PER_START, Sampler, Times, said};

pub(crate) struct Training {
    network: Network,
    data: Dataset,
    config: Config,
}

impl Training {
    pub(crate) fn new(mut case: Case, pool: Pool) -> Result<Self> {
        let network = crate::network(&case, 0)?;
        let mut config = crate::config(&case, STEPS_PER_START.div_ceil(case.batches))?;
        config.engine.pool = Some(pool);
        Ok(Training { network, data: crate::dataset(&mut case)?, config })
    }

    fn session(&self) -> Result<Session<'_>> {
        Session::new(self.network.clone(), &self.data, None, &self.config).map_err(said)
    }
}

impl Loaded for Training {
    fn measure(&mut self, seconds: f64) -> Result<Times> {
        let batch_size = self.config.batch_size;
        let mut clock = Clock { sampler: Sampler::new(seconds), batch_size };
        while !clock.sampler.is_over() {
            let mut session = self.session()?;
            clock.sampler.restart();
            while session.epoch(&mut clock).map_err(said)?.is_some() {}
        }
        clock.sampler.times().ok_or_else(|| "nothing was measured".to_owned())
    }

    fn losses(&mut self, steps: usize) -> Result<Vec<f32>> {
        let mut losses = Losses { steps, losses: vec![] };
        let mut session = self.session()?;
        while session.epoch(&mut losses).map_err(said)?.is_some() {}
        Ok(losses.losses)
    }

    fn outputs(&mut self, _: usize) -> Result<Vec<f32>> {
        Err("this case trains".to_owned())
    }
}

/// The steps after which the observer of `glassnet train` looks for a signal at the latest.
const STRIDE: usize = 64;

/// Reads the clock after steps.
struct Clock {
    sampler: Sampler,
    batch_size: usize,
}

impl Observer for Clock {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.sampler.tick_many(event.rows.len() / self.batch_size);
        if self.sampler.is_over() { Control::Stop } else { Control::Continue }
    }

    fn stride(&self) -> usize {
        STRIDE
    }

    fn epoch(&mut self, _: &EpochRecord) -> Control {
        Control::Continue
    }
}

/// Keeps the losses of the first steps.
struct Losses {
    steps: usize,
    losses: Vec<f32>,
}

impl Observer for Losses {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.losses.push(event.loss);
        if self.losses.len() >= self.steps { Control::Stop } else { Control::Continue }
    }

    fn epoch(&mut self, _: &EpochRecord) -> Control {
        Control::Continue
    }
}
