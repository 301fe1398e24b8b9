//! PyTorch's goldens through the engine, in f32.

use glassnet::engine::functional::{cross_entropy, softmax};
use glassnet::engine::{Block, Config, Draw, Plan};
use glassnet::grad::grad;
use glassnet::graph::op::{CrossEntropy, Loss, LossReduction, Reduction, Scores};
use glassnet::graph::{Builder, DType, NodeId, Shape};
use glassnet::nn::{self, Lowering, Mode};
use glassnet::{Result, Tensor};
use serde_json::Value as Json;

/// Further than 4 units in the last place of the true value, nothing is.
const VALUE_ULPS: f64 = 4.0;
/// PyTorch's own f64 cancels in the far left tail of GELU, where ours does not.
const VALUE_FLOOR: f64 = 1e-14;
/// Derivatives have zeros, and some come from a rounded output: 8 units, or this far absolutely.
const SLOPE_ULPS: f64 = 8.0;
const SLOPE_FLOOR: f64 = 3e-7;

#[test]
fn activations_are_within_4_ulp() {
    let golden: Json = serde_json::from_str(include_str!("../goldens/activations.json")).unwrap();
    let points: Vec<f32> = numbers(&golden["z"]).into_iter().map(|z| z as f32).collect();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 25);
    for case in cases {
        let expression = case["expression"].as_str().unwrap();
        let (values, slopes) = value_and_slope(expression, &points).unwrap();
        let (y, dy) = (numbers(&case["y"]), numbers(&case["dy"]));
        for (at, z) in points.iter().enumerate() {
            let off = ulps(values[at], y[at]);
            let near = (f64::from(values[at]) - y[at]).abs() <= VALUE_FLOOR;
            let what = format!("{expression} at {z}: {:e}", values[at]);
            assert!(off <= VALUE_ULPS || near, "{what} is {off} ulp from {:e}", y[at]);
            let off = ulps(slopes[at], dy[at]);
            let near = (f64::from(slopes[at]) - dy[at]).abs() <= SLOPE_FLOOR;
            assert!(
                off <= SLOPE_ULPS || near,
                "{expression}' at {z}: {:e} is {off} ulp from {:e}",
                slopes[at],
                dy[at]
            );
        }
    }
}

/// A module over a vector of points, and the slope of each.
fn value_and_slope(expression: &str, points: &[f32]) -> Result<(Vec<f32>, Vec<f32>)> {
    let module = nn::parse(expression)?;
    let mut builder = Builder::new();
    let z = builder.input("x", DType::F32, Shape::batch([1]))?;
    let y = module.lower(&mut builder, z, &mut Lowering::new(Mode::Eval))?;
    let sum = builder.reduce_all(Reduction::Sum, y)?;
    let gradient = grad(&builder.finish_checked(), sum, &[z])?;
    let results = [y, gradient.gradients[0]];
    let plan = Plan::compile(&gradient.graph, &results, points.len(), &Config::default())?;
    let mut block = Block::for_graph(&gradient.graph);
    // PReLU's slope is the only weight among the activations.
    block.parameters_mut().fill(0.25);
    let mut memory = plan.memory();
    if let Some(place) = plan.input("x") {
        memory.floats_mut(place).copy_from_slice(points);
    }
    plan.run(&block, &mut memory, Draw::default())?;
    let (values, slopes) = plan.results(&memory).split_at(points.len());
    Ok((values.to_vec(), slopes.to_vec()))
}

#[test]
fn the_exercise_has_pytorchs_digits() {
    let golden: Json = serde_json::from_str(include_str!("../goldens/exercise.json")).unwrap();
    let labels: Vec<i64> = numbers(&golden["labels"]["data"]).iter().map(|&n| n as i64).collect();
    let x = tensor(&golden["x"]);
    for case in golden["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let exercise = exercise(case, &x, &labels).unwrap();
        let (found, expected) = (&exercise.logits, tensor(&case["f32"]["logits"]));
        assert_eq!(bits(found), bits(&expected), "{name}: logits");
        let printed = &case["printed"];
        assert_eq!(Some(found.to_string().as_str()), printed["logits"].as_str(), "{name}");
        let p = softmax(found, 1).unwrap();
        assert_eq!(
            bits(&p),
            bits(&tensor(&case["f32"]["softmax"])),
            "{name}: softmax {:?}",
            p.data()
        );
        assert_eq!(Some(p.to_string().as_str()), printed["softmax"].as_str(), "{name}");
        let loss = cross_entropy(found, &labels).unwrap();
        assert_eq!(Some(loss.to_string().as_str()), printed["loss"].as_str(), "{name}");
        assert_eq!(loss.to_bits(), exercise.loss.to_bits(), "{name}: the loss within the network");
        for (key, gradient) in exercise.gradients {
            let double = numbers(&case["f64"]["gradients"][&key]["data"]);
            let single = numbers(&case["f32"]["gradients"][&key]["data"]);
            // p − 1 has lost its digits where p is near 1, in PyTorch as here.
            let pairs = || single.iter().zip(&double);
            let lost = pairs().fold(0.0_f64, |most, (a, b)| most.max((a - b).abs()));
            let largest = double.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
            let allowed = (1e-5 * largest).max(10.0 * lost);
            for (found, expected) in gradient.iter().zip(&double) {
                let off = (f64::from(*found) - expected).abs();
                assert!(off <= allowed, "{name}: {key} {found:e}, not {expected:e}");
            }
        }
    }
}

/// Sums over rows are PyTorch's to the last bit, whatever their number.
#[test]
fn rows_are_added_in_pytorchs_order() {
    // n and the bits of, in Python with torch 2.15:
    // x = ((torch.arange(n) * 37 % 101).float() / -7).reshape(n, 1)
    // F.nll_loss(x, torch.zeros(n, dtype=torch.long), reduction="sum").view(torch.int32).item()
    const SUMS: [(usize, u32); 8] = [
        (1, 0),
        (4, 1_099_581_732),
        (16, 1_120_459_630),
        (17, 1_122_088_668),
        (40, 1_133_407_671),
        (300, 1_157_997_714),
        (5000, 1_191_935_964),
        (100_000, 1_227_776_624),
    ];
    for (rows, expected) in SUMS {
        let scores: Vec<f32> = (0..rows).map(|row| (row * 37 % 101) as f32 / -7.0).collect();
        let sum = sum_of_log_probabilities(&scores).unwrap();
        assert_eq!(sum.to_bits(), expected, "{rows} rows: {sum}");
    }
}

/// The negative log-likelihood of rows of one class each.
fn sum_of_log_probabilities(scores: &[f32]) -> Result<f32> {
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([1]))?;
    let target = builder.input("target", DType::I64, Shape::batch([]))?;
    let loss = CrossEntropy {
        scores: Scores::LogProbabilities,
        reduction: LossReduction::Sum,
        ..CrossEntropy::default()
    };
    let loss = builder.loss(Loss::CrossEntropy(loss), &[x, target])?;
    let graph = builder.finish_checked();
    let plan = Plan::compile(&graph, &[loss], scores.len(), &Config::default())?;
    let mut memory = plan.memory();
    if let Some(place) = plan.input("x") {
        memory.floats_mut(place).copy_from_slice(scores);
    }
    plan.run(&Block::for_graph(&graph), &mut memory, Draw::default())?;
    Ok(plan.results(&memory)[0])
}

struct Exercise {
    logits: Tensor<f32>,
    loss: f32,
    gradients: Vec<(String, Vec<f32>)>,
}

/// One of the exercise's networks with its mean cross-entropy and all gradients.
fn exercise(case: &Json, x: &Tensor<f32>, labels: &[i64]) -> Result<Exercise> {
    let module = nn::parse(case["expression"].as_str().unwrap_or_default())?;
    let mut builder = Builder::new();
    let input = builder.input("x", DType::F32, Shape::batch([2]))?;
    let target = builder.input("target", DType::I64, Shape::batch([]))?;
    let logits = module.lower(&mut builder, input, &mut Lowering::new(Mode::Train))?;
    let loss = builder.loss(Loss::CrossEntropy(CrossEntropy::default()), &[logits, target])?;
    let graph = builder.finish_checked();
    let (keys, weights): (Vec<String>, Vec<NodeId>) = graph
        .graph()
        .sources()
        .filter(|(_, source)| matches!(source, glassnet::graph::op::Source::Parameter { .. }))
        .map(|(id, source)| (source.name().unwrap_or_default().to_owned(), id))
        .unzip();
    let gradient = grad(&graph, loss, &weights)?;
    let results: Vec<NodeId> =
        [logits, loss].into_iter().chain(gradient.gradients.iter().copied()).collect();
    let plan = Plan::compile(&gradient.graph, &results, labels.len(), &Config::default())?;
    let mut block = Block::for_graph(&gradient.graph);
    for key in &keys {
        let weights = tensor(&case["parameters"][key]);
        block.get_mut(key).unwrap().copy_from_slice(weights.data());
    }
    let mut memory = plan.memory();
    memory.floats_mut(plan.input("x").unwrap()).copy_from_slice(x.data());
    memory.indices_mut(plan.input("target").unwrap()).copy_from_slice(labels);
    plan.run(&block, &mut memory, Draw::default())?;
    let result = |index: usize| plan.results(&memory)[plan.result_range(index)].to_vec();
    Ok(Exercise {
        logits: Tensor::new([labels.len(), 2], result(0))?,
        loss: result(1)[0],
        gradients: keys.into_iter().enumerate().map(|(at, key)| (key, result(at + 2))).collect(),
    })
}

fn bits(tensor: &Tensor<f32>) -> Vec<u32> {
    tensor.data().iter().map(|value| value.to_bits()).collect()
}

/// The distance in units in the last place of f32 at the true value.
fn ulps(found: f32, expected: f64) -> f64 {
    if f64::from(found) == expected {
        return 0.0;
    }
    let near = (expected as f32).abs().max(f32::MIN_POSITIVE);
    let unit = f64::from(near.next_up()) - f64::from(near);
    (f64::from(found) - expected).abs() / unit
}

fn number(json: &Json) -> f64 {
    match json {
        Json::String(word) => word.parse().expect("inf, -inf or nan"),
        json => json.as_f64().expect("a number"),
    }
}

fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(number).collect()
}

/// A tensor of a golden, each number the nearest f32.
fn tensor(json: &Json) -> Tensor<f32> {
    let shape: Vec<usize> = numbers(&json["shape"]).into_iter().map(|n| n as usize).collect();
    let data = numbers(&json["data"]).into_iter().map(|value| value as f32).collect();
    Tensor::new(shape, data).expect("the shape fits")
}
