//! What lowered networks compute, by the f64 reference: PyTorch's numbers, and each formula's own.

use super::goldens::{goldens, lengths, list, text};
use crate::error::ErrorKind;
use crate::graph::{Builder, Checked, Dim, NodeMap, Shape};
use crate::nn::{Formula, Lowering, Mode, Module, parse};
use crate::reference::{Array, Feeds, evaluate};
use crate::tensor::Tensor;
use serde_json::Value as Json;

fn tensor(json: &Json) -> Tensor<f64> {
    let numbers = list(&json["data"]).iter().map(|number| match number {
        Json::String(word) => word.parse().expect("inf or nan"),
        number => number.as_f64().expect("a number"),
    });
    Tensor::new(lengths(&json["shape"]), numbers.collect()).expect("a tensor")
}

fn input(json: &Json) -> Array {
    if text(&json["dtype"]) == "i64" {
        return tensor(json).map(|index| index as i64).into();
    }
    tensor(json).into()
}

/// Feeds and values of a case whose network is `module`, whose first axis is the batch.
fn run(
    case: &Json,
    module: &Module,
    mode: Mode,
) -> crate::Result<(Checked, NodeMap<Array>, Lowering)> {
    let input = input(&case["input"]);
    let mut feeds = Feeds::new();
    for group in ["parameters", "buffers"] {
        for (key, value) in case[group].as_object().expect("named arrays") {
            if !key.ends_with("num_batches_tracked") {
                feeds.set_state(key.clone(), tensor(value));
            }
        }
    }
    // Layers that join or index the first axis are given a fixed one.
    let fixed =
        text(&case["expression"]).starts_with("Flatten(start_dim=0") || input.shape().len() == 1;
    let batch = input.shape()[0];
    let first = if fixed { Dim::Fixed(batch) } else { Dim::Batch };
    let rest = input.shape()[1..].iter().copied().map(Dim::Fixed);
    let shape: Shape = [first].into_iter().chain(rest).collect::<Vec<Dim>>().into();
    let mask = Tensor::full(input.shape(), 0.0_f64); // of p = 1, the only random case
    feeds.set_mask(0, mask);
    feeds.set_input("x", input);
    let mut builder = Builder::new();
    let mut context = Lowering::new(mode);
    let x = builder.input("x", module.input_dtype(), shape)?;
    let y = module.lower(&mut builder, x, &mut context)?;
    builder.output("y", y);
    let checked = builder.finish_checked();
    let values = evaluate(&checked, &feeds, batch)?;
    Ok((checked, values, context))
}

fn assert_near(found: &Array, expected: &Tensor<f64>, what: &str) {
    let found = found.floats().expect("floats");
    assert_eq!(found.shape(), expected.shape(), "{what}");
    for (found, expected) in found.data().iter().zip(expected.data()) {
        let near = (found - expected).abs() <= 1e-12 * expected.abs().max(1.0);
        assert!(near || found == expected, "{what}: {found} instead of {expected}");
    }
}

#[test]
fn layers_compute_what_pytorch_computes() {
    let goldens = goldens(include_str!("../../../tests/goldens/layers.json"));
    let mut compared = 0;
    for case in list(&goldens["cases"]) {
        let name = text(&case["name"]);
        let mode = if text(&case["mode"]) == "train" { Mode::Train } else { Mode::Eval };
        let module = parse(text(&case["expression"])).expect("a network");
        let (checked, values, context) = match run(case, &module, mode) {
            Ok(found) => found,
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::Unsupported, "{name}: {error}");
                continue;
            }
        };
        let y = checked.graph().output("y").expect("an output");
        assert_near(&values[y], &tensor(&case["output"]), name);
        let after = &case["buffers_after"];
        for update in &context.buffer_updates {
            assert_near(&values[update.value], &tensor(&after[&update.key]), &update.key);
        }
        compared += 1;
    }
    assert!(compared >= 45, "only {compared} cases were compared");
}

#[test]
fn activations_compute_what_pytorch_computes() {
    let goldens = goldens(include_str!("../../../tests/goldens/activations.json"));
    let numbers = |json: &Json| -> Tensor<f64> {
        let values = list(json).iter().map(|number| number.as_f64().expect("a number"));
        let values: Vec<f64> = values.collect();
        Tensor::new([values.len()], values).expect("a vector")
    };
    let z = numbers(&goldens["z"]);
    for case in list(&goldens["cases"]) {
        let expression = text(&case["expression"]);
        let module = parse(expression).expect("a layer");
        let checked = module.graph(Shape::batch([]), Mode::Eval).expect("a graph");
        let feeds = Feeds::new().input("x", z.clone()).state("weight", Tensor::full([1], 0.25));
        let values = evaluate(&checked, &feeds, z.len()).expect("values");
        let y = checked.graph().output("y").expect("an output");
        assert_near(&values[y], &numbers(&case["y"]), expression);
    }
}

#[test]
fn formulas_compute_what_they_say() {
    let formulas = [
        "z",
        "3",
        "-z",
        "z*tanh(z)",
        "1 - z + z^2 - z^3 + z^4",
        "z^-1",
        "1/z",
        "2/z",
        "abs(z)^0.5",
        "2^z",
        "e^z",
        "exp(-z^2)",
        "log2(1 + z^2)",
        "log10(2 + z)",
        "max(0, z, z^2)",
        "min(1, z)",
        "sqrt(abs(z))",
        "piecewise(z < -1, -1, z >= 1, 1, z)",
        "where(z <= 0, 5, z)",
        "piecewise(z > 0.5, 1, z <= -0.5, 2, 3)",
        "softplus(30*z)",
        "erf(z) + sin(z)*cos(z)",
        "tan(z/2) + asin(z/4) - acos(z/4) + atan(z)",
        "sinh(z) - cosh(z)",
        "log1p(z^2) - expm1(z)",
        "relu(z) + sign(z)",
        "silu(z) + gelu(z)*mish(z)",
        "logsigmoid(z)*softsign(z)*sigmoid(z)",
        "x*pi - e",
        "z/(1 + abs(z))",
        "-(z - 1)^2",
    ];
    let points = [-2.0, -1.0, -0.5, -0.25, 0.25, 0.5, 1.0, 1.5, 3.0];
    for written in formulas {
        let formula = Formula::new(written).expect("a formula");
        let checked =
            Module::from(formula.clone()).graph(Shape::batch([]), Mode::Eval).expect("a graph");
        let x = Tensor::new([points.len()], points.to_vec()).expect("a vector");
        let values = evaluate(&checked, &Feeds::new().input("x", x), points.len()).expect("values");
        let y = &values[checked.graph().output("y").expect("an output")];
        let name = if written.contains('x') && !written.contains('z') { "x" } else { "z" };
        let expected =
            points.map(|z| formula.expression().evaluate(&[(name, z)]).expect("a value"));
        let expected = Tensor::new([points.len()], expected.to_vec()).expect("a vector");
        assert_near(y, &expected, written);
    }
}
