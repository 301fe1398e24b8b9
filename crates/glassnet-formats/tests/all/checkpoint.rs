//! Checkpoints: a training goes on bit for bit, and files that contradict themselves are refused.

use glassnet::nn::{self, Network, loss::Criterion};
use glassnet::train::metrics::Metrics;
use glassnet::train::optimizer::{Optimizer, SavedState};
use glassnet::train::schedule::{Rate, Schedule, ScheduleState};
use glassnet::train::{
    BestWeights, Checkpoint, Config, Dataset, EpochRecord, Features, Session, Target,
};
use glassnet::{Tensor, Value};
use glassnet_formats::checkpoint::CheckpointContext;
use glassnet_formats::{ModelFile, differences, read_checkpoint, safetensors, write_checkpoint};
use proptest::prelude::*;
use serde_json::json;

use crate::support::check_error;

const NAME: &str = "bad.safetensors";

pub(crate) fn context() -> CheckpointContext {
    CheckpointContext {
        settings: json!({
            "lr": 0.1, "epochs": 10, "patience": 5, "schedule": { "name": "ExponentialLR", "gamma": 0.95 },
        }),
        data_fingerprint: "a1b2".to_owned(),
        network: "Sequential(Linear(2, 1))".to_owned(),
    }
}

fn checkpoint() -> Checkpoint {
    let record = |epoch, train_loss, validation| EpochRecord {
        epoch,
        train_loss,
        validation,
        lr: 0.1 + 0.2,
        improved: epoch == 1,
    };
    let metrics =
        Metrics { loss: Some(1.0 / 3.0), r2: Some(f64::NEG_INFINITY), ..Metrics::default() };
    Checkpoint {
        epoch: 2,
        step: 14,
        block: vec![0.1, -0.0, 3.4e38, 1e-45],
        optimizer: SavedState {
            optimizer: "NAdam".to_owned(),
            step: 14,
            mu_product: Some(0.1),
            slots: vec![
                ("exp_avg_sq".to_owned(), vec![1e-40, f32::INFINITY, 2.0]),
                ("exp_avg".to_owned(), vec![0.0, 1.0, 2.0]),
            ],
        },
        schedule: Some(ScheduleState {
            base_lr: 0.1,
            count: 2,
            rate: Rate { lr: 0.09, momentum: Some(0.85) },
            best: f64::INFINITY,
            bad_epochs: 2,
            cooldown: 3,
        }),
        history: vec![record(1, 1e300, Some(metrics)), record(2, 5e-324, None)],
        best: Some(BestWeights { epoch: 1, loss: 1.0 / 3.0, step: 7, block: vec![1.0; 4] }),
    }
}

pub(crate) fn bytes() -> Vec<u8> {
    write_checkpoint(&checkpoint(), &context()).unwrap()
}

#[test]
fn a_checkpoint_is_read_as_it_was_written() {
    let (read, read_context) = read_checkpoint(&bytes(), "run.ckpt").unwrap();
    assert_eq!(read, checkpoint());
    assert_eq!(read_context, context());
    assert!(read.block[1].is_sign_negative());
    assert_eq!(write_checkpoint(&read, &read_context).unwrap(), bytes());
}

#[test]
fn a_loss_that_is_no_number_is_kept() {
    let mut checkpoint = checkpoint();
    checkpoint.history[1].train_loss = f64::NAN;
    checkpoint.history[1].validation = Some(Metrics { loss: Some(f64::NAN), ..Metrics::default() });
    let bytes = write_checkpoint(&checkpoint, &context()).unwrap();
    let (read, _) = read_checkpoint(&bytes, "run.ckpt").unwrap();
    assert!(read.history[1].train_loss.is_nan());
    let validation = read.history[1].validation.as_ref().unwrap();
    assert!(validation.loss.unwrap().is_nan());
    assert_eq!(validation.accuracy, None);
}

#[test]
fn numbers_without_a_point_are_numbers() {
    let mut contents = safetensors::read(&bytes(), NAME).unwrap();
    let (_, text) = &mut contents.metadata[1];
    let mut json: serde_json::Value = serde_json::from_str(text).unwrap();
    json["history"][0]["train_loss"] = json!(3);
    json["history"][1]["train_loss"] = json!(-3);
    *text = json.to_string();
    let tensors = contents.tensors.iter().map(|(name, value)| (name.as_str(), value));
    let bytes = safetensors::write(tensors, &contents.metadata).unwrap();
    let (read, _) = read_checkpoint(&bytes, NAME).unwrap();
    assert_eq!((read.history[0].train_loss, read.history[1].train_loss), (3.0, -3.0));
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_loss_and_slot_keeps_its_bits(
        losses in prop::collection::vec(any::<f64>(), 2),
        slot in prop::collection::vec(any::<u32>(), 4),
        block in prop::collection::vec(any::<f32>().prop_filter("finite", |x| x.is_finite()), 4),
    ) {
        let mut checkpoint = checkpoint();
        checkpoint.history[0].train_loss = losses[0];
        checkpoint.history[1].lr = losses[1];
        checkpoint.optimizer.slots[0].1 = slot.iter().map(|&bits| f32::from_bits(bits)).collect();
        checkpoint.block = block.clone();
        let bytes = write_checkpoint(&checkpoint, &context()).unwrap();
        let (read, _) = read_checkpoint(&bytes, "run.ckpt").unwrap();
        let same = |a: f64, b: f64| a.to_bits() == b.to_bits() || (a.is_nan() && b.is_nan());
        prop_assert!(same(read.history[0].train_loss, losses[0]));
        prop_assert!(same(read.history[1].lr, losses[1]));
        let bits: Vec<u32> = read.optimizer.slots[0].1.iter().map(|x| x.to_bits()).collect();
        prop_assert_eq!(bits, slot);
        let bits = |block: &[f32]| block.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        prop_assert_eq!(bits(&read.block), bits(&block));
    }
}

#[test]
fn a_training_goes_on_bit_for_bit() {
    let x = Tensor::from_rows(&[[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0], [0.5, 0.5]])
        .unwrap();
    let data = Dataset::new(Features::Floats(x), Target::Classes(vec![0, 1, 1, 0, 1])).unwrap();
    let network = || Network::new(nn::parse("2-8t-2").unwrap(), 0).unwrap();
    for (optimizer, schedule) in [
        ("Adam(lr=0.05)", "ReduceLROnPlateau(patience=1)"),
        ("NAdam(lr=0.05)", "StepLR(step_size=2)"),
        ("SGD(lr=0.1, momentum=0.9)", "CosineAnnealingLR(T_max=6)"),
    ] {
        let config = Config {
            epochs: 6,
            batch_size: 2,
            schedule: Some(Schedule::parse(schedule).unwrap()),
            ..Config::new(
                Criterion::parse("cross_entropy").unwrap(),
                Optimizer::parse(optimizer).unwrap(),
            )
        };
        let whole =
            Session::new(network(), &data, Some(&data), &config).unwrap().run(&mut ()).unwrap();
        let mut session = Session::new(network(), &data, Some(&data), &config).unwrap();
        for _ in 0..3 {
            session.epoch(&mut ()).unwrap();
        }
        let bytes = write_checkpoint(&session.checkpoint(), &context()).unwrap();
        let (checkpoint, _) = read_checkpoint(&bytes, "run.ckpt").unwrap();
        let resumed = Session::resume(network(), &data, Some(&data), &config, checkpoint).unwrap();
        let resumed = resumed.run(&mut ()).unwrap();
        assert_eq!(resumed.history, whole.history, "{optimizer}");
        assert_eq!(resumed.network.state_dict(), whole.network.state_dict(), "{optimizer}");
    }
}

#[test]
fn weights_that_are_not_finite_are_neither_written_nor_read() {
    let mut checkpoint = checkpoint();
    checkpoint.block[2] = f32::NAN;
    let error = write_checkpoint(&checkpoint, &context()).unwrap_err();
    assert!(error.to_string().contains("block[2] is NaN"), "{error}");
    let at = bytes().len();
    let (contents, mut damaged) = (safetensors::read(&bytes(), NAME).unwrap(), bytes());
    assert_eq!(contents.tensors[0].0, "block");
    let data: usize = contents.tensors.iter().map(|(_, value)| 4 * value.shape()[0]).sum();
    damaged[at - data..at - data + 4].copy_from_slice(&f32::INFINITY.to_le_bytes());
    check_error(&read_checkpoint(&damaged, NAME).unwrap_err(), &["block[0] is inf"]);
}

#[test]
fn checkpoints_that_contradict_themselves() {
    let check = |change: fn(&mut Checkpoint), words: &str| {
        let mut checkpoint = checkpoint();
        change(&mut checkpoint);
        let error = write_checkpoint(&checkpoint, &context()).unwrap_err();
        assert!(error.to_string().contains(words), "no {words:?} in: {error}");
    };
    check(|c| c.epoch = 3, "3 epochs are done, its history has 2");
    check(|c| c.history[1].epoch = 7, "its history");
    check(|c| c.step = u64::MAX, "steps");
    check(|c| c.optimizer.step = 15, "did 15 steps of 14");
    check(|c| c.optimizer.slots[0].1 = vec![0.0; 5], "\"exp_avg_sq\" has 5 numbers for 4 weights");
    check(|c| c.best.as_mut().unwrap().epoch = 3, "best epoch is 3, 2 are done");
    check(|c| c.best.as_mut().unwrap().block.push(0.0), "5 best weights, 4 weights");
    check(|c| c.schedule.as_mut().unwrap().count = 15, "schedule is at 15");
    check(|c| c.optimizer.slots[1].0 = "exp_avg_sq".to_owned(), "two tensors are called");
}

/// What `change` makes of a checkpoint's JSON and tensors is refused with `words`.
fn check_file(
    change: impl FnOnce(&mut serde_json::Value, &mut Vec<(String, Value)>),
    words: &[&str],
) {
    let mut contents = safetensors::read(&bytes(), NAME).unwrap();
    let place = contents.metadata.iter().position(|(key, _)| key == "glassnet.checkpoint").unwrap();
    let mut text = serde_json::from_str(&contents.metadata[place].1).unwrap();
    change(&mut text, &mut contents.tensors);
    contents.metadata[place].1 = text.to_string();
    let tensors = contents.tensors.iter().map(|(name, value)| (name.as_str(), value));
    let bytes = safetensors::write(tensors, &contents.metadata).unwrap();
    check_error(&read_checkpoint(&bytes, NAME).unwrap_err(), words);
}

#[test]
fn files_that_are_no_checkpoints() {
    check_file(
        |text, _| text["version"] = 2.into(),
        &["format version 2", "reads up to 1", "glassnet"],
    );
    check_file(|text, _| text["epoch"] = json!(1e18 as u64), &["its history has 2"]);
    check_file(
        |text, _| text["history"][0]["train_loss"] = json!("much"),
        &["\"much\"", "\"inf\""],
    );
    check_file(|text, _| text["best"] = json!(null), &["unexpected tensor \"best.block\""]);
    check_file(|_, tensors| drop(tensors.remove(1)), &["missing tensor \"best.block\""]);
    check_file(|_, tensors| drop(tensors.remove(0)), &["missing tensor \"block\""]);
    check_file(|_, tensors| tensors[0].0 = "blocks".to_owned(), &["unexpected tensor \"blocks\""]);
    check_file(
        |_, tensors| tensors[0].1 = Tensor::new([4], vec![1_i64; 4]).unwrap().into(),
        &["integers"],
    );
    check_file(|_, tensors| tensors[0].1 = Tensor::scalar(1.0_f32).into(), &["shape []"]);
    check_file(
        |text, _| text["history"] = json!(vec![0; 10_000_001]),
        &["more than 10000000 values", "metadata \"glassnet.checkpoint\""],
    );
    let model =
        ModelFile { state: Default::default(), card: Some(glassnet_formats::Card::new("2-2")) };
    let error = read_checkpoint(&model.write().unwrap(), NAME).unwrap_err();
    check_error(&error, &["a model, not the checkpoint"]);
    let error = read_checkpoint(&safetensors::write([], &[]).unwrap(), NAME).unwrap_err();
    check_error(&error, &["no checkpoint", "only tensors"]);
    check_error(&read_checkpoint(b"a,b\n1,2\n", NAME).unwrap_err(), &["text", "content decides"]);
}

#[test]
fn equal_numbers_and_absent_settings_are_no_differences() {
    let mut now = context();
    now.settings["epochs"] = json!(10.0);
    now.settings["clip"] = json!(null);
    assert_eq!(differences(&context(), &now), [""; 0]);
    now.settings["seed"] = json!(u64::MAX);
    let mut then = now.clone();
    then.settings["seed"] = json!(u64::MAX - 1);
    assert_eq!(
        differences(&then, &now),
        ["seed: 18446744073709551614 in the checkpoint, 18446744073709551615 now"]
    );
    now.settings = json!("none");
    assert_eq!(differences(&context(), &now).len(), 1);
}
