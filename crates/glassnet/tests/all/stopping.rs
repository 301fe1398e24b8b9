//! When a training ends, which weights are left, and what an observer sees on the way.

use glassnet::Result;
use glassnet::train::{
    Config, Dataset, Features, Predictor, Record, Scorer, Session, Shuffle, Stopped, Target,
    clip::Clip, schedule::Schedule,
};

use crate::counting::allocations;
use crate::tables::{Watcher, bits, classes, config, features, network};

fn settings() -> Result<Config> {
    Ok(Config { epochs: 40, batch_size: 16, ..config("CrossEntropyLoss()", "Adam(lr=0.05)")? })
}

/// Rows whose classes are noise: what is learnt from others hurts here, soon or late.
fn contrary() -> Result<Dataset> {
    let target = (0..20).map(|row| row * 7 % 3).collect();
    Dataset::new(Features::Floats(features(5, 20, 4)), Target::Classes(target))
}

/// The validation losses of a record.
fn losses(record: &Record) -> Vec<f64> {
    record.history.iter().filter_map(|epoch| epoch.validation.as_ref()?.loss).collect()
}

#[test]
fn the_weights_of_the_lowest_validation_loss_win() -> Result<()> {
    let (data, validation, config) = (classes(1, 50, 4, 3), contrary()?, settings()?);
    let record = Session::new(network("4-8-3")?, &data, Some(&validation), &config)?.run(&mut ())?;
    let losses = losses(&record);
    assert_eq!((record.stopped, losses.len()), (Stopped::Finished, 40));
    let lowest = losses.iter().copied().fold(f64::INFINITY, f64::min);
    assert_eq!(losses[record.best_epoch - 1], lowest);
    assert!(record.best_epoch < 40, "the last weights are worse: {losses:?}");
    let outputs = record.network.forward(&features(5, 20, 4))?;
    let mut scorer = Scorer::new(&config.criterion, &[3], &validation, &config.engine)?;
    assert_eq!(scorer.loss(&outputs)?, lowest, "the weights are those of that epoch");

    let short = Config { epochs: record.best_epoch, ..config };
    let stopped_there = Session::new(network("4-8-3")?, &data, None, &short)?.run(&mut ())?;
    assert_eq!(bits(record.network.state_dict()), bits(stopped_there.network.state_dict()));
    assert_eq!(stopped_there.best_epoch, short.epochs, "without validation, the last weights");
    Ok(())
}

#[test]
fn patience_counts_epochs_without_improvement() -> Result<()> {
    let (data, plain) = (classes(1, 50, 4, 3), settings()?);
    let mut ends = vec![];
    for validation in [contrary()?, classes(2, 30, 4, 3)] {
        let run = |config: &Config| {
            Session::new(network("4-8-3")?, &data, Some(&validation), config)?.run(&mut ())
        };
        let endless = losses(&run(&plain)?);
        for (patience, min_delta) in [(1, 0.0), (2, 0.0), (5, 0.0), (1, 0.02), (3, 0.1), (5, 0.4)] {
            let config = Config { patience: Some(patience), min_delta, ..plain.clone() };
            let record = run(&config)?;
            let (best, end) = stop(&endless, patience, min_delta);
            assert_eq!(losses(&record), endless[..end], "patience {patience}, {min_delta}");
            assert_eq!(record.best_epoch, best, "patience {patience}, {min_delta}");
            let why = if end < endless.len() { Stopped::Patience } else { Stopped::Finished };
            assert_eq!(record.stopped, why);
            let improved = record.history.iter().rposition(|epoch| epoch.improved);
            assert_eq!(improved, Some(best - 1));
            ends.push((end, stop(&endless, patience, 0.0).1));
        }
        let patient = run(&Config { patience: Some(usize::MAX), ..plain.clone() })?;
        assert_eq!(patient.stopped, Stopped::Finished);
    }
    assert!(ends.iter().any(|(end, without)| end < without), "min_delta matters: {ends:?}");
    assert!(ends.iter().any(|&(end, _)| (6..40).contains(&end)), "patience runs out: {ends:?}");
    Ok(())
}

/// The best epoch, from 1, and the number of epochs done.
fn stop(losses: &[f64], patience: usize, min_delta: f64) -> (usize, usize) {
    let (mut best, mut at) = (f64::INFINITY, 0);
    for (index, &loss) in losses.iter().enumerate() {
        if loss < best - min_delta {
            (best, at) = (loss, index + 1);
        } else if index + 1 - at == patience {
            return (at, index + 1);
        }
    }
    (at, losses.len())
}

#[test]
fn an_interrupted_training_keeps_the_best_weights() -> Result<()> {
    let (data, validation, config) = (classes(1, 50, 4, 3), contrary()?, settings()?);
    let mut watcher = Watcher { stop_at_step: Some(4 * 20 + 2), ..Watcher::default() };
    let session = Session::new(network("4-8-3")?, &data, Some(&validation), &config)?;
    let record = session.run(&mut watcher)?;
    assert_eq!((record.stopped, record.history.len()), (Stopped::Interrupted, 20));
    assert_eq!(watcher.steps.len(), 4 * 20 + 2, "no step after the one that was stopped at");
    let short = Config { epochs: 20, ..config.clone() };
    let whole = Session::new(network("4-8-3")?, &data, Some(&validation), &short)?.run(&mut ())?;
    assert_eq!(bits(record.network.state_dict()), bits(whole.network.state_dict()));
    assert_eq!(record.best_epoch, whole.best_epoch);

    let mut watcher = Watcher { stop_at_step: Some(6), ..Watcher::default() };
    let record = Session::new(network("4-8-3")?, &data, None, &config)?.run(&mut watcher)?;
    assert_eq!((record.stopped, record.best_epoch), (Stopped::Interrupted, 1));
    let current: Vec<f32> = record
        .network
        .state_dict()
        .iter()
        .flat_map(|(_, value)| value.as_f32().unwrap().data().to_vec())
        .collect();
    assert_eq!(current, watcher.steps[5].parameters, "the weights after the last step");

    let mut watcher = Watcher { stop_at_epoch: Some(3), ..Watcher::default() };
    let record = Session::new(network("4-8-3")?, &data, None, &config)?.run(&mut watcher)?;
    assert_eq!((record.stopped, record.best_epoch), (Stopped::Interrupted, 3));
    assert_eq!(watcher.steps.len(), 12);
    Ok(())
}

#[test]
fn an_observer_sees_every_step_as_it_was() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    let config = Config {
        epochs: 3,
        schedule: Some(Schedule::parse("StepLR(step_size=1, gamma=0.5)")?),
        ..config("CrossEntropyLoss()", "SGD(lr=0.5)")?
    };
    let config = Config { batch_size: 16, seed: 5, ..config };
    let mut watcher = Watcher::default();
    let record = Session::new(network("4-8-3")?, &data, None, &config)?.run(&mut watcher)?;
    assert_eq!(watcher.epochs, record.history);
    assert_eq!(watcher.steps.len(), 12);
    for (at, seen) in watcher.steps.iter().enumerate() {
        assert_eq!((seen.step, seen.epoch), (at as u64 + 1, at / 4 + 1));
        assert_eq!((seen.steps_per_epoch, seen.rows.len()), (4, [16, 16, 16, 2][at % 4]));
        assert_eq!(seen.lr, [0.5, 0.25, 0.125][at / 4]);
        let Some(next) = watcher.steps.get(at + 1) else { break };
        let moved = seen.parameters.iter().zip(&next.gradients);
        let expected: Vec<f32> = moved.map(|(w, g)| g.mul_add(-(next.lr as f32), *w)).collect();
        assert_eq!(next.parameters, expected, "SGD's rule, from what was seen");
    }
    for (epoch, record) in watcher.steps.chunks(4).zip(&record.history) {
        let mut rows: Vec<usize> = epoch.iter().flat_map(|seen| seen.rows.clone()).collect();
        rows.sort_unstable();
        assert_eq!(rows, (0..50).collect::<Vec<_>>(), "every row once");
        let sum: f64 = epoch.iter().map(|seen| f64::from(seen.loss) * seen.rows.len() as f64).sum();
        assert_eq!((record.train_loss, record.lr), (sum / 50.0, epoch[3].lr));
    }
    assert_ne!(watcher.steps[0].rows, watcher.steps[4].rows, "each epoch has its own order");

    let unwatched = Session::new(network("4-8-3")?, &data, None, &config)?.run(&mut ())?;
    assert_eq!(unwatched.history, record.history);
    assert_eq!(bits(unwatched.network.state_dict()), bits(record.network.state_dict()));
    Ok(())
}

#[test]
fn a_step_that_nobody_watches_allocates_nothing() -> Result<()> {
    let notation = "Sequential(Linear(4, 8), BatchNorm1d(8), ReLU(), Dropout(p=0.2), Linear(8, 3))";
    let data = classes(1, 64, 4, 3);
    for optimizer in ["SGD(lr=0.01, momentum=0.9)", "Adam()", "NAdam()"] {
        let of_an_epoch = |batch_size: usize| -> Result<usize> {
            let config = Config {
                epochs: 3,
                batch_size,
                clip: Some(Clip::parse("clip_grad_norm_(max_norm=1.0)")?),
                schedule: Some(Schedule::parse("OneCycleLR(max_lr=0.1, total_steps=96)")?),
                l1: 1e-3,
                ..config("CrossEntropyLoss()", optimizer)?
            };
            let mut session = Session::new(network(notation)?, &data, None, &config)?;
            session.epoch(&mut ())?;
            let mut done = false;
            let (count, _) = allocations(|| done = matches!(session.epoch(&mut ()), Ok(Some(_))));
            assert!(done, "the second epoch is counted");
            Ok(count)
        };
        assert_eq!(of_an_epoch(2)?, of_an_epoch(64)?, "{optimizer}: 32 steps and 1");
    }
    Ok(())
}

#[test]
fn no_epoch_leaves_the_initial_weights() -> Result<()> {
    let (data, validation) = (classes(1, 50, 4, 3), contrary()?);
    let config = Config { epochs: 0, shuffle: Shuffle::Torch, ..settings()? };
    let record = Session::new(network("4-8-3")?, &data, Some(&validation), &config)?.run(&mut ())?;
    assert_eq!((record.stopped, record.best_epoch), (Stopped::Finished, 0));
    assert!(record.history.is_empty());
    assert_eq!(bits(record.network.state_dict()), bits(network("4-8-3")?.state_dict()));
    Ok(())
}

#[test]
fn a_prediction_does_not_depend_on_its_batch() -> Result<()> {
    let notation =
        "Sequential(Linear(4, 8), BatchNorm1d(8), GELU(), Dropout(), Linear(8, 3), Softmax(dim=1))";
    let data = classes(1, 50, 4, 3);
    let config = Config { epochs: 3, ..config("NLLLoss()", "Adam(lr=0.01)")? };
    let record = Session::new(network(notation)?, &data, None, &config)?.run(&mut ())?;
    let x = features(9, 700, 4);
    let mut predictor = Predictor::new(&record.network, &[4], &config.engine)?;
    let all = predictor.predict(&Features::Floats(x.clone()))?;
    assert_eq!(all.shape(), [700, 3]);
    for (start, len) in [(0, 1), (255, 2), (699, 1), (3, 300), (512, 188)] {
        let part = x.data()[4 * start..4 * (start + len)].to_vec();
        let part = Features::Floats(glassnet::Tensor::new([len, 4], part)?);
        let found = predictor.predict(&part)?;
        let expected = &all.data()[3 * start..3 * (start + len)];
        let bits = |values: &[f32]| values.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        assert_eq!(bits(found.data()), bits(expected), "rows {start}..{}", start + len);
    }
    Ok(())
}
