//! Whole trainings follow PyTorch's: order, losses, weights.

use glassnet::Result;
use glassnet::nn::{self, Network, loss::Criterion};
use glassnet::train::{
    Config, Control, Dataset, Features, Observer, Record, Session, Shuffle, StepEvent, Target,
    clip::Clip, optimizer::Optimizer,
};
use serde_json::Value as Json;

use crate::golden::{integers, numbers, state, strays, tensor, tensor_strays, text};

/// Keeps what every step showed.
#[derive(Default)]
struct Steps {
    losses: Vec<f32>,
    rows: Vec<Vec<usize>>,
}

impl Observer for Steps {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.losses.push(event.loss);
        self.rows.push(event.rows.to_vec());
        Control::Continue
    }
}

#[test]
fn a_run_in_torchs_order_is_torchs_run() -> Result<()> {
    let golden: Json = serde_json::from_str(include_str!("../goldens/training.json")).unwrap();
    let features = Features::Floats(tensor(&golden["x"]));
    let data = Dataset::new(features, Target::Classes(integers(&golden["labels"]["data"])))?;
    let count = |name: &str| golden[name].as_u64().unwrap();
    let config = Config {
        epochs: count("epochs") as usize,
        batch_size: count("batch_size") as usize,
        shuffle: Shuffle::Torch,
        seed: count("seed"),
        ..Config::new(
            Criterion::parse(text(&golden["loss"]))?,
            Optimizer::parse(text(&golden["optimizer"]))?,
        )
    };
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 2);
    for case in cases {
        let expression = text(&case["expression"]);
        let network = Network::new(nn::parse(expression)?, config.seed)?;
        for (key, value) in state(&case["initial"]).iter() {
            let (found, expected) = (network.state_dict().get(key), value.as_f32().unwrap());
            let found = found.and_then(|value| value.as_f32()).unwrap();
            assert_eq!(bits(found.data()), bits(expected.data()), "{expression}: initial {key}");
        }
        let mut steps = Steps::default();
        let record = Session::new(network, &data, None, &config)?.run(&mut steps)?;
        let orders: Vec<i64> =
            case["orders"].as_array().unwrap().iter().flat_map(integers).collect();
        let found: Vec<i64> = steps.rows.iter().flatten().map(|&row| row as i64).collect();
        assert_eq!(found, orders, "{expression}: the rows in order");
        assert_eq!(steps.rows[6].len(), 4, "the last batch of an epoch is smaller");
        check(expression, &steps, &record, case);
    }
    Ok(())
}

#[test]
fn every_optimiser_follows_torch_for_50_steps() -> Result<()> {
    let golden: Json = serde_json::from_str(include_str!("../goldens/optimizers.json")).unwrap();
    let features = Features::Floats(tensor(&golden["x"]));
    let data = Dataset::new(features, Target::Values(tensor(&golden["y"])))?;
    let module = nn::parse(text(&golden["net"]))?;
    let initial = state(&golden["initial"]);
    let steps_wanted = golden["steps"].as_u64().unwrap() as usize;
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 47, "{} cases", cases.len());
    for case in cases {
        let clip = case["clip_expression"].as_str().map(Clip::parse).transpose()?;
        let config = Config {
            epochs: steps_wanted / 2,
            batch_size: 4,
            shuffle: Shuffle::None,
            clip,
            ..Config::new(
                Criterion::parse(text(&golden["loss"]))?,
                Optimizer::parse(text(&case["expression"]))?,
            )
        };
        let name = match case["clip_expression"].as_str() {
            Some(clip) => format!("{}, {clip}", text(&case["expression"])),
            None => text(&case["expression"]).to_owned(),
        };
        let network = Network::with_state(module.clone(), &initial)?;
        let mut steps = Steps::default();
        let record = Session::new(network, &data, None, &config)?.run(&mut steps)?;
        assert_eq!(steps.losses.len(), steps_wanted);
        check(&name, &steps, &record, case);
    }
    Ok(())
}

/// Columns of codes with tables: PyTorch's keys, `repr`, losses and weights, whether the optimiser visits the rows that were
/// looked up (plain SGD) or all of them.
#[test]
fn tables_of_codes_are_trained_as_torch_trains_them() -> Result<()> {
    let golden: Json = serde_json::from_str(include_str!("../goldens/codes.json")).unwrap();
    let features = Features::Floats(tensor(&golden["x"]));
    let data = Dataset::new(features, Target::Classes(integers(&golden["labels"]["data"])))?;
    let module = nn::parse(text(&golden["expression"]))?;
    assert_eq!(module.to_string(), text(&golden["repr"]));
    let keys: Vec<String> = module.state_shapes().into_iter().map(|array| array.key).collect();
    let expected = golden["state_dict"].as_array().unwrap().iter();
    assert_eq!(keys, expected.map(|array| text(&array["key"])).collect::<Vec<_>>());
    let initial = state(&golden["initial"]);
    let cases = golden["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let name = text(&case["optimizer"]);
        let config = Config {
            epochs: golden["epochs"].as_u64().unwrap() as usize,
            batch_size: golden["batch_size"].as_u64().unwrap() as usize,
            shuffle: Shuffle::None,
            ..Config::new(Criterion::parse(text(&golden["loss"]))?, Optimizer::parse(name)?)
        };
        let network = Network::with_state(module.clone(), &initial)?;
        let mut steps = Steps::default();
        let record = Session::new(network, &data, None, &config)?.run(&mut steps)?;
        check(name, &steps, &record, case);
        let padding = &record.network.state_dict().floats("0.1.weight")?.data()[..3];
        assert_eq!(padding, [0.0; 3], "{name}: the padding row");
    }
    Ok(())
}

/// Every step's gradients and weights are those of an optimiser that sweeps over all parameters behind the plan.
#[test]
fn visiting_only_the_rows_that_were_looked_up_changes_no_bit() -> Result<()> {
    let golden: Json = serde_json::from_str(include_str!("../goldens/codes.json")).unwrap();
    let features = Features::Floats(tensor(&golden["x"]));
    let data = Dataset::new(features, Target::Classes(integers(&golden["labels"]["data"])))?;
    let module = nn::parse(text(&golden["expression"]))?;
    let initial = state(&golden["initial"]);
    let run = |optimizer: &str, clip: Option<Clip>| -> Result<Vec<(Vec<u32>, Vec<u32>)>> {
        let config = Config {
            epochs: 3,
            batch_size: 16,
            clip,
            ..Config::new(Criterion::parse("CrossEntropyLoss()")?, Optimizer::parse(optimizer)?)
        };
        let mut all = Values::default();
        let network = Network::with_state(module.clone(), &initial)?;
        Session::new(network, &data, None, &config)?.run(&mut all)?;
        Ok(all.0)
    };
    for optimizer in ["SGD(lr=0.1)", "SGD(lr=0.1, momentum=0.9)", "Adam(lr=0.01)"] {
        let fused = run(optimizer, None)?;
        assert_eq!(fused.len(), 21);
        let behind = run(optimizer, Some(Clip::Value { clip_value: 1e30 }))?;
        assert!(fused == behind, "{optimizer}");
    }
    Ok(())
}

/// Keeps the gradients and the weights after every step.
#[derive(Default)]
struct Values(Vec<(Vec<u32>, Vec<u32>)>);

impl Observer for Values {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.0.push((bits(event.gradients), bits(event.block.parameters())));
        Control::Continue
    }
}

/// Compares the losses of all steps and the weights at the end.
fn check(name: &str, steps: &Steps, record: &Record, case: &Json) {
    let both = |path: &dyn Fn(&Json) -> Vec<f64>| (path(&case["f64"]), path(&case["f32"]));
    let (double, single) = both(&|run| numbers(&run["losses"]));
    let problem = strays(&steps.losses, &double, &single);
    assert_eq!(problem, None, "{name}: losses");
    for (key, value) in record.network.state_dict().iter() {
        let (double, single) = both(&|run| numbers(&run["weights"][key]["data"]));
        let problem = tensor_strays(value.as_f32().unwrap().data(), &double, &single);
        assert_eq!(problem, None, "{name}: {key}");
    }
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}
