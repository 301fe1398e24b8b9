//! A training that goes on from a checkpoint has the bits of one that never stopped.

use glassnet::nn::Network;
use glassnet::train::{Checkpoint, Config, Dataset, Record, Session, Shuffle, schedule::Schedule};
use glassnet::{ErrorKind, Result};

use crate::tables::{bits, classes, config, network};

/// Everything that a step can depend on: dropout masks, running statistics, counters.
const NETWORK: &str =
    "Sequential(Linear(4, 8), BatchNorm1d(8), ReLU(), Dropout(p=0.3), Linear(8, 3))";
const EPOCHS: usize = 8;

/// Trains in two pieces, and in one; all that is left behind must be the same.
fn check(what: &str, config: &Config) -> Result<()> {
    let (data, validation) = (classes(1, 50, 4, 3), classes(2, 20, 4, 3));
    for validation in [Some(&validation), None] {
        let whole = Session::new(network(NETWORK)?, &data, validation, config)?.run(&mut ())?;
        for at in [0, 1, 5, EPOCHS] {
            let saved = train_until(at, &data, validation, config)?;
            let start = network(NETWORK)?;
            let session = Session::resume(start, &data, validation, config, saved)?;
            let resumed = session.run(&mut ())?;
            let what = format!("{what}, resumed after {at}, validation {}", validation.is_some());
            same(&what, &whole, &resumed);
        }
    }
    Ok(())
}

fn train_until(
    epochs: usize,
    data: &Dataset,
    validation: Option<&Dataset>,
    config: &Config,
) -> Result<Checkpoint> {
    let mut session = Session::new(network(NETWORK)?, data, validation, config)?;
    for _ in 0..epochs {
        session.epoch(&mut ())?;
    }
    Ok(session.checkpoint())
}

fn same(what: &str, whole: &Record, resumed: &Record) {
    assert_eq!(whole.history, resumed.history, "{what}");
    assert_eq!((whole.best_epoch, whole.stopped), (resumed.best_epoch, resumed.stopped), "{what}");
    assert_eq!(bits(whole.network.state_dict()), bits(resumed.network.state_dict()), "{what}");
}

fn settings(optimizer: &str) -> Result<Config> {
    Ok(Config {
        epochs: EPOCHS,
        batch_size: 16,
        seed: 3,
        ..config("CrossEntropyLoss()", optimizer)?
    })
}

#[test]
fn every_optimiser_goes_on_with_the_same_bits() -> Result<()> {
    for optimizer in [
        "SGD(lr=0.05, momentum=0.9)",
        "SGD(lr=0.05, momentum=0.9, dampening=0.5)",
        "Adam(lr=0.01)",
        "Adam(lr=0.01, amsgrad=True)",
        "AdamW(lr=0.01)",
        "NAdam(lr=0.01)",
        "RAdam(lr=0.01)",
        "RMSprop(lr=0.01, momentum=0.5, centered=True)",
        "Adagrad(lr=0.05)",
        "Adadelta()",
    ] {
        check(optimizer, &settings(optimizer)?)?;
    }
    Ok(())
}

#[test]
fn orders_and_schedules_go_on_with_the_same_bits() -> Result<()> {
    let plain = settings("SGD(lr=0.05, momentum=0.9)")?;
    for shuffle in [Shuffle::Own, Shuffle::Torch, Shuffle::None] {
        check(&format!("{shuffle:?}"), &Config { shuffle, ..plain.clone() })?;
    }
    for schedule in [
        "StepLR(step_size=2)",
        "CosineAnnealingLR(T_max=8)",
        "OneCycleLR(max_lr=0.1, total_steps=32)",
        "ReduceLROnPlateau(patience=0)",
    ] {
        let schedule = Some(Schedule::parse(schedule)?);
        check(&format!("{schedule:?}"), &Config { schedule, ..plain.clone() })?;
    }
    check("patience", &Config { patience: Some(2), min_delta: 0.05, ..plain.clone() })
}

#[test]
fn one_cycle_steers_an_optimiser_without_momentum_of_its_own() -> Result<()> {
    for optimizer in ["SGD(lr=0.05)", "RMSprop(lr=0.01)"] {
        let schedule = Some(Schedule::parse("OneCycleLR(max_lr=0.05, total_steps=32)")?);
        check(optimizer, &Config { schedule, ..settings(optimizer)? })?;
    }
    Ok(())
}

#[test]
fn batches_are_counted_and_the_best_weights_have_their_own_count() -> Result<()> {
    let (data, validation) = (classes(1, 50, 4, 3), classes(2, 20, 4, 3));
    let count = |network: &Network| {
        let value = network.state_dict().get("1.num_batches_tracked").cloned();
        value.and_then(|value| value.as_i64().map(|count| count.data()[0]))
    };
    let config = settings("Adam(lr=0.05)")?;
    let last = Session::new(network(NETWORK)?, &data, None, &config)?.run(&mut ())?;
    assert_eq!(count(&last.network), Some(32), "8 epochs of 4 batches");
    let best = Session::new(network(NETWORK)?, &data, Some(&validation), &config)?.run(&mut ())?;
    assert_eq!(count(&best.network), Some(4 * best.best_epoch as i64));
    Ok(())
}

#[test]
fn a_checkpoint_of_something_else_is_refused() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    let sgd = settings("SGD(lr=0.05, momentum=0.9)")?;
    let saved = train_until(2, &data, None, &sgd)?;
    let refuse = |notation: &str, config: &Config, saved: Checkpoint| -> Result<String> {
        let resumed = Session::resume(network(notation)?, &data, None, config, saved);
        let error = resumed.err().expect("the checkpoint is refused");
        assert_eq!(error.kind(), ErrorKind::Model, "{error}");
        Ok(error.to_string())
    };
    let message = refuse("4-5-3", &sgd, saved.clone())?;
    assert!(message.starts_with("the checkpoint has 99 weights, the network 43"), "{message}");
    let message = refuse(NETWORK, &settings("Adam()")?, saved.clone())?;
    assert!(message.contains("the state belongs to SGD"), "{message}");
    let scheduled =
        Config { schedule: Some(Schedule::parse("StepLR(step_size=2)")?), ..sgd.clone() };
    let message = refuse(NETWORK, &scheduled, saved.clone())?;
    assert!(message.contains("has a schedule"), "{message}");
    let message = refuse(NETWORK, &sgd, Checkpoint { epoch: usize::MAX, ..saved })?;
    assert!(message.contains("its history has 2"), "{message}");
    Ok(())
}
