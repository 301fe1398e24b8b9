//! A training that its caller steers: order, learning rate, what is best; and scikit-learn's penalty.

use glassnet::Result;
use glassnet::nn::Network;
use glassnet::tensor::{Tensor, Value};
use glassnet::train::{
    Config, Control, Dataset, EpochRecord, Features, Observer, Session, Shuffle, Target,
    clip::Clip, penalty::l2_penalty,
};

use crate::tables::{bits, classes, config, network};

fn in_order(optimizer: &str) -> Result<Config> {
    let config = config("CrossEntropyLoss()", optimizer)?;
    Ok(Config { epochs: 3, batch_size: 16, shuffle: Shuffle::None, ..config })
}

/// The weights as f64, by key.
fn floats(value: &Value) -> Vec<f64> {
    value.as_f32().unwrap().data().iter().map(|&number| f64::from(number)).collect()
}

#[test]
fn alpha_shrinks_weights_by_the_batches_rows_and_leaves_biases_alone() -> Result<()> {
    let (plain, weighted) = (
        classes(1, 20, 4, 3),
        classes(1, 20, 4, 3).with_weights((0..20).map(|row| 0.25 + (row % 3) as f32).collect())?,
    );
    for data in [&plain, &weighted] {
        for clip in [None, Some(Clip::Value { clip_value: 1e6 })] {
            let before = network("4-8-3")?;
            // One step on all rows, so that the gradient of the loss is the same with alpha and without.
            let step = |alpha: f64| {
                let config = in_order("SGD(lr=0.5, momentum=0.9)")?;
                let config = Config { alpha, epochs: 1, batch_size: 20, clip, ..config };
                Session::new(before.clone(), data, None, &config)?.run(&mut ())
            };
            let (without, with) = (step(0.0)?, step(2.0)?);
            let rows: f64 = match data.weights() {
                Some(weights) => weights.iter().map(|&weight| f64::from(weight)).sum(),
                None => 20.0,
            };
            let mut penalty = 0.0;
            for (key, start) in before.state_dict().iter() {
                let one = floats(without.network.state_dict().get(key).unwrap());
                let other = floats(with.network.state_dict().get(key).unwrap());
                if key.ends_with("bias") {
                    assert_eq!(one, other, "{key}");
                    continue;
                }
                penalty += l2_penalty(start.as_f32().unwrap().data(), 2.0 / rows);
                for ((one, other), start) in one.iter().zip(&other).zip(floats(start)) {
                    let expected = one - 0.5 * 2.0 / rows * start;
                    assert!((other - expected).abs() < 1e-6, "{key}: {other} for {expected}");
                }
            }
            let (one, other) = (without.history[0].train_loss, with.history[0].train_loss);
            assert!((other - one - penalty).abs() < 1e-9, "{other} − {one} for {penalty}");
            assert!(penalty > 0.01, "the penalty can be seen: {penalty}");
        }
    }
    Ok(())
}

#[test]
fn alpha_is_the_same_fused_and_apart_in_ragged_batches() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    let run = |clip: Option<Clip>, optimizer: &str| {
        let config = Config { alpha: 0.5, clip, ..in_order(optimizer)? };
        Session::new(network("4-8-3")?, &data, None, &config)?.run(&mut ())
    };
    for optimizer in ["SGD(lr=0.1)", "Adam(lr=0.01)", "RMSprop(lr=0.01)", "NAdam(lr=0.01)"] {
        let (fused, apart) =
            (run(None, optimizer)?, run(Some(Clip::Value { clip_value: 1e6 }), optimizer)?);
        for (key, value) in fused.network.state_dict().iter() {
            let other = floats(apart.network.state_dict().get(key).unwrap());
            for (one, other) in floats(value).iter().zip(other) {
                assert!((one - other).abs() < 2e-5, "{optimizer}, {key}: {one} and {other}");
            }
        }
    }
    let error = run(None, "AdamW(lr=0.01)").unwrap_err();
    assert!(error.to_string().contains("use its weight_decay instead"), "{error}");
    Ok(())
}

/// One weight without bias, whose gradient is 1 at every step.
fn one_weight(optimizer: &str) -> Result<(Dataset, Config)> {
    let (x, y) = (Tensor::new([1, 1], vec![1.0])?, Tensor::new([1, 1], vec![-1e6])?);
    let data = Dataset::new(Features::Floats(x), Target::Values(y))?;
    Ok((data, Config { epochs: 3, ..config("L1Loss()", optimizer)? }))
}

#[test]
fn epsilon_hat_stands_before_the_bias_correction() -> Result<()> {
    for clip in [None, Some(Clip::Value { clip_value: 1e6 })] {
        let (data, config) = one_weight("Adam(lr=0.1, eps=0.01)")?;
        let config = Config { epsilon_hat: true, clip, ..config };
        let before = network("Linear(1, 1, bias=False)")?;
        let after = Session::new(before.clone(), &data, None, &config)?.run(&mut ())?.network;
        let weight = |network: &Network| floats(network.state_dict().get("weight").unwrap())[0];
        let (mut w, mut m, mut v) = (weight(&before), 0.0, 0.0);
        for step in 1..=3 {
            (m, v) = (0.9 * m + 0.1, 0.999 * v + 0.001);
            let rate = 0.1 * (1.0 - 0.999_f64.powi(step)).sqrt() / (1.0 - 0.9_f64.powi(step));
            w -= rate * m / (f64::sqrt(v) + 0.01);
        }
        let found = weight(&after);
        assert!((found - w).abs() < 1e-6, "{found} for {w}");
    }
    Ok(())
}

#[test]
fn a_momentum_that_is_scaled_keeps_the_length_of_steps() -> Result<()> {
    let (data, config) = one_weight("SGD(lr=0.1, momentum=0.5)")?;
    let before = network("Linear(1, 1, bias=False)")?;
    let mut session = Session::new(before.clone(), &data, None, &config)?;
    session.epoch(&mut ())?;
    assert_eq!(session.set_lr(0.2)?, 0.1);
    session.scale_momentum(0.5);
    session.epoch(&mut ())?;
    let after = session.finish()?.network;
    let weight = |network: &Network| floats(network.state_dict().get("weight").unwrap())[0];
    // A step of 0.1, then half of that and 0.2.
    assert!((weight(&before) - weight(&after) - 0.35).abs() < 1e-6);
    Ok(())
}

#[test]
fn an_order_that_is_set_is_the_table_in_that_order() -> Result<()> {
    let (data, config) = (classes(1, 50, 4, 3), in_order("Adam(lr=0.01)")?);
    let order: Vec<usize> = (0..50).map(|row| row * 7 % 50).collect();
    let sorted = data.select(&order)?;
    let expected = Session::new(network("4-8-3")?, &sorted, None, &config)?.run(&mut ())?;
    let mut session = Session::new(network("4-8-3")?, &data, None, &config)?;
    session.set_order(&order)?;
    while session.epoch(&mut ())?.is_some() {}
    let found = session.finish()?;
    assert_eq!(bits(found.network.state_dict()), bits(expected.network.state_dict()));

    let mut session = Session::new(network("4-8-3")?, &data, None, &config)?;
    assert!(session.set_order(&order[1..]).is_err(), "a row is missing");
    assert!(session.set_order(&[50; 50]).is_err(), "there is no row 50");
    let shuffled = Config { shuffle: Shuffle::Own, ..config.clone() };
    let mut session = Session::new(network("4-8-3")?, &data, None, &shuffled)?;
    assert!(session.set_order(&order).is_err(), "it shuffles by itself");
    Ok(())
}

#[test]
fn a_learning_rate_that_is_set_holds_from_the_next_step() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    let run = |lr: f64, then: f64| {
        let config = in_order(&format!("SGD(lr={lr})"))?;
        let mut session = Session::new(network("4-8-3")?, &data, None, &config)?;
        while let Some(epoch) = session.epoch(&mut ())? {
            assert_eq!(epoch.lr, if epoch.epoch == 1 { lr } else { then });
            session.set_lr(then)?;
        }
        session.finish()
    };
    let (constant, falling, still) = (run(0.1, 0.1)?, run(0.1, 0.05)?, run(0.1, 0.0)?);
    assert_eq!(constant.history[0].train_loss, falling.history[0].train_loss);
    assert_ne!(constant.history[1].train_loss, falling.history[1].train_loss);
    assert_eq!(still.history[1].train_loss, still.history[2].train_loss);
    let config = in_order("SGD(lr=0.1)")?;
    let mut session = Session::new(network("4-8-3")?, &data, None, &config)?;
    assert!(session.set_lr(f64::NAN).is_err());
    Ok(())
}

#[test]
fn an_optimiser_goes_on_with_what_it_remembers() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    for optimizer in ["Adam(lr=0.05)", "SGD(lr=0.1, momentum=0.9)", "NAdam(lr=0.05)"] {
        let config = in_order(optimizer)?;
        let whole = Session::new(network("4-8-3")?, &data, None, &config)?.run(&mut ())?;
        let once = Config { epochs: 1, ..config };
        let (mut network, mut state) = (network("4-8-3")?, None);
        for _ in 0..3 {
            let mut session = Session::new(network, &data, None, &once)?;
            if let Some(state) = state.take() {
                session.restore_optimizer(state)?;
            }
            session.epoch(&mut ())?;
            state = Some(session.optimizer_state());
            network = session.finish()?.network;
        }
        assert_eq!(bits(network.state_dict()), bits(whole.network.state_dict()), "{optimizer}");
        let mut other = Session::new(network.clone(), &data, None, &once)?;
        let mut state = state.unwrap();
        state.slots.pop();
        assert!(other.restore_optimizer(state).is_err());
    }
    Ok(())
}

/// Prefers the outputs whose first number is the largest.
#[derive(Default)]
struct Judge {
    judged: Vec<f64>,
    losses: Vec<f64>,
}

impl Observer for Judge {
    fn judge(&mut self, outputs: &Tensor<f32>) -> Option<f64> {
        assert_eq!(outputs.shape(), [30, 3]);
        self.judged.push(-f64::from(outputs.data()[0]));
        self.judged.last().copied()
    }

    fn epoch(&mut self, record: &EpochRecord) -> Control {
        self.losses.extend(record.validation.as_ref().and_then(|metrics| metrics.loss));
        Control::Continue
    }
}

#[test]
fn an_observer_judges_which_weights_are_best() -> Result<()> {
    let (data, validation) = (classes(1, 50, 4, 3), classes(2, 30, 4, 3));
    let config = Config { epochs: 12, ..in_order("Adam(lr=0.05)")? };
    let mut judge = Judge::default();
    let record =
        Session::new(network("4-8-3")?, &data, Some(&validation), &config)?.run(&mut judge)?;
    let lowest = |numbers: &[f64]| {
        let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
        numbers.iter().position(|&number| number == least).unwrap() + 1
    };
    assert_eq!(judge.judged.len(), 12);
    assert_eq!(record.best_epoch, lowest(&judge.judged));
    assert_ne!(record.best_epoch, lowest(&judge.losses), "the loss would choose another epoch");
    Ok(())
}
