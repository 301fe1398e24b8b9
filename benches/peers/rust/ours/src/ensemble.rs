//! Many networks that train at once.

use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use glassnet::engine::Pool;
use glassnet::nn::Network;
use glassnet::train::{Config, Control, Dataset, Ensemble, EnsembleObserver, Member, StepEvent};
use worker::{Case, Loaded, Result, Times, said};

/// Steps of every network in a sample: several turns of all of them.
const STEPS: usize = 512;

pub(crate) struct Many {
    networks: Vec<Network>,
    data: Dataset,
    config: Config,
    batches: usize,
    pool: Pool,
}

impl Many {
    pub(crate) fn new(mut case: Case, pool: Pool) -> Result<Self> {
        let networks: Result<Vec<_>> =
            (0..case.members).map(|member| crate::network(&case, member)).collect();
        let (networks, config) = (networks?, crate::config(&case, 1)?);
        Ok(Many { networks, data: crate::dataset(&mut case)?, config, batches: case.batches, pool })
    }

    /// Trains all networks from the start for so many epochs; returns the seconds it took.
    fn train(&self, epochs: usize, observer: &dyn EnsembleObserver) -> Result<f64> {
        let member = |network: &Network| Member {
            network: network.clone(),
            config: Config { epochs, ..self.config.clone() },
            training: &self.data,
            rows: None,
            validation: None,
        };
        let members: Vec<_> = self.networks.iter().map(member).collect();
        let ensemble = Ensemble::new(&members).map_err(said)?;
        let begun = Instant::now();
        let records = ensemble.run(&self.pool, observer);
        let elapsed = begun.elapsed().as_secs_f64();
        records.into_iter().try_for_each(|record| record.map(drop)).map_err(said)?;
        Ok(elapsed)
    }
}

impl Loaded for Many {
    fn measure(&mut self, seconds: f64) -> Result<Times> {
        let epochs = STEPS.div_ceil(self.batches);
        let begun = Instant::now();
        let mut samples = vec![];
        while samples.is_empty() || begun.elapsed().as_secs_f64() < seconds {
            samples.push(self.train(epochs, &())? * 1e6 / (epochs * self.batches) as f64);
        }
        samples.sort_by(f64::total_cmp);
        let median = samples[samples.len() / 2];
        Ok(Times { min: samples[0], median, samples: samples.len() })
    }

    fn losses(&mut self, steps: usize) -> Result<Vec<f32>> {
        let sums = Sums(Mutex::new(vec![0.0; steps]));
        self.train(steps.div_ceil(self.batches), &sums)?;
        let sums = sums.0.into_inner().unwrap_or_else(PoisonError::into_inner);
        Ok(sums.iter().map(|sum| (sum / self.networks.len() as f64) as f32).collect())
    }

    fn outputs(&mut self, _: usize) -> Result<Vec<f32>> {
        Err("this case trains".to_owned())
    }
}

/// Adds up the losses of each of the first steps.
struct Sums(Mutex<Vec<f64>>);

impl EnsembleObserver for Sums {
    fn step(&self, _: usize, event: &StepEvent<'_>) -> Control {
        let mut sums = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(sum) = sums.get_mut(event.step as usize - 1) {
            *sum += f64::from(event.loss);
        }
        Control::Continue
    }
}
