//! How fast many networks train at once.

use std::time::{Duration, Instant};

use glassnet::Result;
use glassnet::engine::{Config as Engine, Pool};
use glassnet::nn::Network;
use glassnet::train::{Config, Control, Ensemble, EnsembleObserver, Member, Shuffle, StepEvent};

use super::case::Case;
use super::interrupted;
use super::sampler::Times;
use crate::interrupt::{Interrupt, STRIDE};

/// How long a sample takes at least, so that preparing and ending the trainings does not count, and the most epochs that
/// it is made of.
const LEAST: f64 = 0.02;
const MOST_EPOCHS: usize = 256;

/// Stops the training when a signal came.
struct Watch<'a>(&'a Interrupt);

impl EnsembleObserver for Watch<'_> {
    fn step(&self, _: usize, _: &StepEvent<'_>) -> Control {
        if self.0.status().is_some() { Control::Stop } else { Control::Continue }
    }

    fn stride(&self) -> usize {
        STRIDE
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
    let members = |epochs: usize| -> Result<Vec<Member<'_>>> {
        // Threads take members: a step has one thread.
        let engine = Engine { pool: None, ..config.engine.clone() };
        let (batch_size, shuffle) = (case.batch, Shuffle::None);
        let alone = Config { epochs, batch_size, shuffle, engine, ..config.clone() };
        let member = |seed| {
            let network = Network::new(case.network.module().clone(), seed)?;
            let config = Config { seed, ..alone.clone() };
            Ok(Member { network, config, training: &case.data, rows: None, validation: None })
        };
        (0..count as u64).map(member).collect()
    };
    let sample = |members: &[Member<'_>]| -> Result<f64> {
        let ensemble = Ensemble::new(members)?;
        let started = Instant::now();
        let records = ensemble.run(pool, &Watch(interrupt));
        let elapsed = started.elapsed().as_secs_f64();
        if interrupt.status().is_some() {
            return Err(interrupted());
        }
        records.into_iter().collect::<Result<Vec<_>>>()?;
        Ok(elapsed)
    };
    let begun = Instant::now();
    let short = sample(&members(1)?)?;
    let epochs = ((LEAST / short.max(1e-9)).ceil() as usize).clamp(1, MOST_EPOCHS);
    let members = members(epochs)?;
    let steps = (count * epochs * case.batches) as f64;
    let limit = Duration::from_secs_f64(seconds);
    let mut samples = vec![];
    while samples.is_empty() || begun.elapsed() < limit {
        samples.push(sample(&members)? / steps * 1e6);
    }
    samples.sort_by(f64::total_cmp);
    let min = samples.first().copied().unwrap_or(0.0);
    Ok(Times { min, median: samples.get(samples.len() / 2).copied().unwrap_or(min) })
}
