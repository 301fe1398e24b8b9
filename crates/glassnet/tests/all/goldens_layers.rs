//! PyTorch's layers through `nn`, `grad` and the engine: values, gradients and running statistics.

use glassnet::engine::{Block, Config, Draw, Memory, Plan};
use glassnet::grad::grad;
use glassnet::graph::op::{Reduction, Source};
use glassnet::graph::{Builder, Checked, DType, NodeId, Shape};
use glassnet::nn::{self, Lowering, Mode};
use glassnet::{ErrorKind, Result, Value};
use serde_json::Value as Json;

use crate::golden::{indices, numbers, shape, state, tensor, text};

/// Of the tensor's largest magnitude.
const TOLERANCE: f64 = 2e-6;

#[test]
fn layers_are_pytorchs() {
    let golden: Json = serde_json::from_str(include_str!("../goldens/layers.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() >= 47, "{} cases", cases.len());
    let problems: Vec<String> = cases
        .iter()
        .flat_map(|case| {
            let problems = check(case).unwrap_or_else(|error| vec![error.to_string()]);
            problems.into_iter().map(|p| format!("{}: {p}", text(&case["name"])))
        })
        .collect();
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_cumulative_average_is_refused_by_name() -> Result<()> {
    let module = nn::parse("BatchNorm1d(3, momentum=None)")?;
    let error = module.graph(Shape::batch([3]), Mode::Train).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("set momentum=0.1"), "{error}");
    Ok(())
}

/// One layer with the sum of its output times the cotangent, and that sum's derivatives.
struct Pass {
    graph: Checked,
    output: NodeId,
    gradients: Vec<(String, NodeId)>,
    updates: Vec<(String, NodeId)>,
}

fn pass(case: &Json) -> Result<Pass> {
    let module = nn::parse(text(&case["expression"]))?;
    let (mode, dtype) = (mode(case), dtype(&case["input"]));
    let mut builder = Builder::new();
    let x = builder.input("x", dtype, axes(case, "input"))?;
    let mut context = Lowering::new(mode);
    let output = module.lower(&mut builder, x, &mut context)?;
    let given = builder.shape(output).clone();
    let cotangent = builder.input("cotangent", DType::F32, given)?;
    let product = builder.mul(output, cotangent)?;
    let sum = builder.reduce_all(Reduction::Sum, product)?;
    let graph = builder.finish_checked();
    let parameters = graph.graph().sources().filter_map(|(id, source)| match source {
        Source::Parameter { name, .. } => Some((name.clone(), id)),
        Source::Input { .. } | Source::Buffer { .. } | Source::Constant(_) | Source::Count(_) => {
            None
        }
    });
    let towards: Vec<(String, NodeId)> =
        parameters.chain((dtype == DType::F32).then(|| ("the input".to_owned(), x))).collect();
    let ids: Vec<NodeId> = towards.iter().map(|(_, id)| *id).collect();
    let gradient = grad(&graph, sum, &ids)?;
    let names = towards.into_iter().map(|(name, _)| name);
    Ok(Pass {
        graph: gradient.graph,
        output,
        gradients: names.zip(gradient.gradients).collect(),
        updates: context.buffer_updates.into_iter().map(|up| (up.key, up.value)).collect(),
    })
}

fn check(case: &Json) -> Result<Vec<String>> {
    if text(&case["expression"]).contains("momentum=None") && mode(case) == Mode::Train {
        return Ok(vec![]); // refused: see the test of that name
    }
    let pass = pass(case)?;
    let gradients = pass.gradients.iter().map(|(_, id)| *id);
    let updates = pass.updates.iter().map(|(_, id)| *id);
    let results: Vec<NodeId> = [pass.output].into_iter().chain(gradients).chain(updates).collect();
    let batch = if batched(case) { shape(&case["input"])[0] } else { 1 };
    let plan = Plan::compile(&pass.graph, &results, batch, &Config::default())?;
    let mut memory = plan.memory();
    feed(&plan, &mut memory, case);
    plan.run(&block(&pass.graph, case), &mut memory, Draw::default())?;
    let found = |at: usize| &plan.results(&memory)[plan.result_range(at)];

    let mut problems: Vec<String> =
        far("the output", found(0), &case["output"]).into_iter().collect();
    let gradients = pass.gradients.iter().map(|(name, _)| match name.as_str() {
        "the input" => (name, &case["input_gradient"]),
        key => (name, &case["gradients"][key]),
    });
    let updates = pass.updates.iter().map(|(key, _)| (key, &case["buffers_after"][key]));
    for (at, (name, expected)) in gradients.chain(updates).enumerate() {
        problems.extend(far(name, found(at + 1), expected));
    }
    if mode(case) == Mode::Eval {
        assert!(pass.updates.is_empty(), "evaluation changes nothing");
    }
    let counted = case["buffers_after"].as_object().unwrap().keys();
    let averaged = counted.filter(|key| !key.contains("num_batches_tracked")).count();
    if mode(case) == Mode::Train && pass.updates.len() != averaged {
        problems.push(format!("{} buffers change, expected {averaged}", pass.updates.len()));
    }
    Ok(problems)
}

fn feed(plan: &Plan, memory: &mut Memory, case: &Json) {
    if let Some(place) = plan.input("x") {
        match dtype(&case["input"]) {
            DType::I64 => {
                memory.indices_mut(place).copy_from_slice(indices(&case["input"]).data());
            }
            _ => memory.floats_mut(place).copy_from_slice(tensor(&case["input"]).data()),
        }
    }
    if let Some(place) = plan.input("cotangent") {
        memory.floats_mut(place).copy_from_slice(tensor(&case["cotangent"]).data());
    }
}

fn block(graph: &Checked, case: &Json) -> Block {
    let mut block = Block::for_graph(graph);
    for named in ["parameters", "buffers"] {
        for (key, value) in state(&case[named]).iter() {
            if let (Some(place), Value::F32(value)) = (block.get_mut(key), value) {
                place.copy_from_slice(value.data());
            }
        }
    }
    block
}

/// How far the farthest element is from the golden, if that is too far.
fn far(what: &str, found: &[f32], expected: &Json) -> Option<String> {
    let expected = numbers(&expected["data"]);
    assert_eq!(found.len(), expected.len(), "{what}");
    let largest = expected.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    let off =
        |(a, b): (&f32, &f64)| if f64::from(*a) == *b { 0.0 } else { (f64::from(*a) - b).abs() };
    let most = found.iter().zip(&expected).map(off).fold(0.0, f64::max);
    // A gradient that is 0 in exact arithmetic is the rounding of its summands.
    let allowed = TOLERANCE * largest + 1e-6;
    (most > allowed || most.is_nan())
        .then(|| format!("{what} is off by {most:e} of {largest:e}: {found:?} {expected:?}"))
}

fn mode(case: &Json) -> Mode {
    if case["mode"] == "train" { Mode::Train } else { Mode::Eval }
}

fn dtype(json: &Json) -> DType {
    if json["dtype"] == "i64" { DType::I64 } else { DType::F32 }
}

/// Whether the first axis can be the batch: layers that see it as any other axis take fixed shapes.
fn batched(case: &Json) -> bool {
    let joined = text(&case["expression"]).contains("start_dim=0");
    shape(&case["input"]).len() > 1 && !joined
}

fn axes(case: &Json, what: &str) -> Shape {
    let dims = shape(&case[what]);
    if batched(case) {
        Shape::batch(dims[1..].iter().copied())
    } else {
        Shape::from(dims.as_slice())
    }
}
