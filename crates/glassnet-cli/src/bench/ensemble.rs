//! How fast many networks train at once.

use std::time::{Duration, Instant};

use glassnet::Result;
use glassnet::engine::{Config as Engine, Pool};
use glassnet::nn::Network;
use glassnet::train::{Config, Control, Ensemble, EnsembleObserver, Member, Shuffle, StepEvent};

use super::case::Case;
use super::interrupted;
use super::sampler::Times;
use crate::interrupt::Interrupt;

/// How many steps each network is trained for in a sample at least.
const STEPS: usize = 32;

/// Stops the training when a signal came.
struct Watch<'a>(&'a Interrupt);

impl EnsembleObserver for Watch<'_> {
    fn step(&self, _: usize, _: &StepEvent<'_>) -> Control {
        if self.0.status().is_some() { Control::Stop } else { Control::Continue }
    }
}

/// The time of a step of one of `count` networks: that of whole trainings, over the steps of all networks.
pub(super) fn train(
    case: &Case,
    config: &Config,
    count: usize,
    seconds: f64,
    pool: &Pool,
    interrupt: &Interrupt,
) -> Result<Times> {
    let epochs = STEPS.div_ceil(case.batches);
    let mut members = vec![];
    for seed in 0..count as u64 {
        let network = Network::new(case.network.module().clone(), seed)?;
        let (batch_size, shuffle) = (case.batch, Shuffle::None);
        // Threads take members: a step has one thread.
        let engine = Engine { pool: None, ..config.engine.clone() };
        let config = Config { epochs, batch_size, shuffle, seed, engine, ..config.clone() };
        members.push(Member {
            network,
            config,
            training: &case.data,
            rows: None,
            validation: None,
        });
    }
    let limit = Duration::from_secs_f64(seconds);
    let steps = (count * epochs * case.batches) as f64;
    let begun = Instant::now();
    let mut samples = vec![];
    while samples.is_empty() || begun.elapsed() < limit {
        let ensemble = Ensemble::new(&members)?;
        let started = Instant::now();
        let records = ensemble.run(pool, &Watch(interrupt));
        let elapsed = started.elapsed().as_secs_f64();
        if interrupt.status().is_some() {
            return Err(interrupted());
        }
        records.into_iter().collect::<Result<Vec<_>>>()?;
        samples.push(elapsed / steps * 1e6);
    }
    samples.sort_by(f64::total_cmp);
    let min = samples.first().copied().unwrap_or(0.0);
    Ok(Times { min, median: samples.get(samples.len() / 2).copied().unwrap_or(min) })
}
