//! Asks every reader of the graph about every operation and prints the answers as the README's table.
//!
//! `cargo xtask docs` runs it. Each operation stands in a tiny graph of its own, which is printed and parsed,
//! differentiated towards each operand, evaluated in f64 and compiled by the engine: what the table says is what they
//! answered.
#![allow(clippy::print_stdout, missing_docs, reason = "a command, not the library")]

use glassnet::engine::{Config, Plan};
use glassnet::grad::grad;
use glassnet::graph::op::{
    Activation, ActivationGrad, Arithmetic, CrossEntropy, Gather, Layout, Linear, Loss, Normalize,
    PairLoss, Random, Reduce, Reduction, Scores, Softmax, Source,
};
use glassnet::graph::{Builder, Checked, DType, NodeId, Op, Shape, parse};
use glassnet::reference::{Feeds, evaluate};
use glassnet::{Error, Result, Tensor};

const BATCH: usize = 2;

/// An operation over operands that are inputs of these names, types and shapes.
struct Specimen {
    op: Op,
    operands: Vec<(&'static str, DType, Shape)>,
}

/// What stands in the table for operations that are answered alike.
struct Row {
    family: &'static str,
    names: Vec<String>,
    answers: [String; 4],
}

fn main() -> Result<()> {
    let mut rows: Vec<Row> = vec![];
    for specimen in specimens() {
        let (family, name) = (family(&specimen.op), label(&specimen.op));
        let answers = ask(&specimen)?;
        match rows.iter_mut().find(|row| row.family == family && row.answers == answers) {
            Some(row) if row.names.contains(&name) => {}
            Some(row) => row.names.push(name),
            None => rows.push(Row { family, names: vec![name], answers }),
        }
    }
    println!("| family | operations | text form | `grad` | `reference` | `engine` |");
    println!("|---|---|---|---|---|---|");
    for row in rows {
        println!("| {} | {} | {} |", row.family, row.names.join(", "), row.answers.join(" | "));
    }
    Ok(())
}

/// The answers of text form, gradient, reference and engine.
fn ask(specimen: &Specimen) -> Result<[String; 4]> {
    let mut builder = Builder::new();
    let mut feeds = Feeds::new();
    let mut operands = vec![];
    for (name, dtype, shape) in &specimen.operands {
        operands.push(builder.input(name, *dtype, shape.clone())?);
        feeds = fed(feeds, name, *dtype, shape);
    }
    if let Op::Source(source) = &specimen.op {
        feeds = fed_source(feeds, source);
    }
    if let Op::Random(Random::DropoutMask { stream, shape, .. }) = &specimen.op {
        feeds.set_mask(*stream, Tensor::full(shape.at(BATCH), 1.0_f64));
    }
    let result = builder.push(specimen.op.clone(), operands.clone())?;
    let gradients = gradient(&builder, specimen, &operands, result)?;
    let checked = builder.finish_checked();
    let graph = checked.graph();
    let read = parse(&graph.to_string());
    let text = if read.as_ref() == Ok(graph) { "yes".into() } else { "no".into() };
    let reference = evaluate(&checked, &feeds, BATCH).map(drop);
    Ok([text, gradients, answer(reference), answer(compile(&checked, result))])
}

/// Towards which operands the operation is differentiated.
fn gradient(
    builder: &Builder,
    specimen: &Specimen,
    operands: &[NodeId],
    result: NodeId,
) -> Result<String> {
    let mut builder = builder.clone();
    let floats = |id: &NodeId| builder.type_of(*id).dtype.is_float();
    if operands.is_empty() {
        return Ok("no operands".into());
    }
    let chosen: Vec<bool> = operands.iter().map(floats).collect();
    let loss = builder.reduce_all(Reduction::Sum, result)?;
    let checked = builder.finish_checked();
    let (mut known, mut refused) = (vec![], None);
    for ((&operand, (name, ..)), is_float) in operands.iter().zip(&specimen.operands).zip(chosen) {
        match grad(&checked, loss, &[operand]) {
            Ok(_) if is_float => known.push(*name),
            Ok(_) => {}
            Err(error) if is_float => refused = Some(error),
            Err(_) => {}
        }
    }
    Ok(match refused {
        None => "yes".into(),
        Some(error) if known.is_empty() => format!("no: {}", reason(&error)),
        Some(error) => format!("towards {}; {}", known.join(", "), reason(&error)),
    })
}

fn compile(graph: &Checked, node: NodeId) -> Result<()> {
    // Only floats can be results; whatever else there is can be looked at.
    if graph.type_of(node).dtype.is_float() {
        return Plan::compile(graph, &[node], BATCH, &Config::default()).map(drop);
    }
    let config = Config { observe: vec![node], ..Config::default() };
    Plan::compile(graph, &[], BATCH, &config).map(drop)
}

fn answer(outcome: Result<()>) -> String {
    outcome.map_or_else(|error| format!("no: {}", reason(&error)), |()| "yes".into())
}

/// The last part of `READER does not support OPERATION: REASON`.
fn reason(error: &Error) -> String {
    error.what().rsplit(": ").next().unwrap_or_default().to_owned()
}

fn fed(feeds: Feeds, name: &str, dtype: DType, shape: &Shape) -> Feeds {
    match dtype {
        DType::F32 | DType::F64 => feeds.input(name, Tensor::full(shape.at(BATCH), 0.5_f64)),
        DType::I64 | DType::Bool => feeds.input(name, Tensor::full(shape.at(BATCH), 0_i64)),
    }
}

fn fed_source(feeds: Feeds, source: &Source) -> Feeds {
    match source {
        Source::Input { name, dtype, shape } => fed(feeds, name, *dtype, shape),
        Source::Parameter { name, shape } | Source::Buffer { name, shape } => {
            feeds.state(name.clone(), Tensor::full(shape.at(BATCH), 0.5_f64))
        }
        Source::Constant(_) | Source::Count(_) => feeds,
    }
}

/// How the table calls an operation: its name in the text form, and the element type of an input.
fn label(op: &Op) -> String {
    if let Op::Source(Source::Input { dtype, .. }) = op {
        return format!("`input` of {}", dtype.name());
    }
    format!("`{}`", op.name())
}

/// The row's family. Variants are named one by one, so that a new one is a compile error: give it a specimen below.
fn family(op: &Op) -> &'static str {
    match op {
        Op::Source(
            Source::Input { .. }
            | Source::Parameter { .. }
            | Source::Buffer { .. }
            | Source::Constant(_)
            | Source::Count(_),
        ) => "source",
        Op::Linear(Linear::Affine | Linear::MatMul { .. }) => "linear",
        Op::Arithmetic(_) => "arithmetic",
        Op::Activation(_) | Op::ActivationGrad(ActivationGrad(_)) => "activation",
        Op::Softmax(
            Softmax::Probabilities { .. }
            | Softmax::Logarithms { .. }
            | Softmax::ProbabilitiesGrad { .. }
            | Softmax::LogarithmsGrad { .. },
        ) => "softmax",
        Op::Reduce(Reduce { kind, .. }) => match kind {
            Reduction::Sum
            | Reduction::Mean
            | Reduction::Max
            | Reduction::Min
            | Reduction::Variance { .. } => "reduce",
        },
        Op::Normalize(_) => "normalize",
        Op::Random(Random::DropoutMask { .. }) => "random",
        Op::Gather(Gather::Embedding { .. } | Gather::EmbeddingGrad { .. }) => "gather",
        Op::Layout(
            Layout::Reshape { .. }
            | Layout::Permute { .. }
            | Layout::Concat { .. }
            | Layout::Slice { .. }
            | Layout::Pad { .. }
            | Layout::Broadcast { .. },
        ) => "layout",
        Op::Loss(Loss::Pair(loss) | Loss::PairGrad { loss, .. }) => match loss {
            PairLoss::Mse
            | PairLoss::L1
            | PairLoss::SmoothL1 { .. }
            | PairLoss::Huber { .. }
            | PairLoss::Bce
            | PairLoss::BceWithLogits
            | PairLoss::KlDiv { .. }
            | PairLoss::PoissonNll { .. }
            | PairLoss::GaussianNll { .. } => "loss",
        },
        Op::Loss(Loss::CrossEntropy(loss) | Loss::CrossEntropyGrad(loss)) => match loss.scores {
            Scores::Logits | Scores::LogProbabilities => "loss",
        },
    }
}

fn specimens() -> Vec<Specimen> {
    [sources(), rows(), elementwise(), layouts(), cross_entropies(), pair_losses()]
        .into_iter()
        .flatten()
        .collect()
}

fn matrix() -> Shape {
    Shape::batch([3])
}

/// An operation over floats of these names and shapes.
fn over(op: Op, operands: &[(&'static str, Shape)]) -> Specimen {
    let float = |(name, shape): &(&'static str, Shape)| (*name, DType::F32, shape.clone());
    Specimen { op, operands: operands.iter().map(float).collect() }
}

fn sources() -> Vec<Specimen> {
    let input = |dtype| Source::Input { name: "x".into(), dtype, shape: matrix() };
    [
        input(DType::F32),
        input(DType::I64),
        input(DType::F64),
        input(DType::Bool),
        Source::Parameter { name: "weight".into(), shape: Shape::from([3]) },
        Source::Buffer { name: "mean".into(), shape: Shape::from([3]) },
        Source::Constant(0.5),
        Source::Count(matrix()),
    ]
    .map(|source| over(Op::Source(source), &[]))
    .into_iter()
    .chain([over(Op::Random(Random::DropoutMask { p: 0.5, stream: 0, shape: matrix() }), &[])])
    .collect()
}

fn elementwise() -> Vec<Specimen> {
    let arithmetic = Arithmetic::ALL.map(|op| {
        let names: &[&str] = match op {
            Arithmetic::Select => &["condition", "b", "c"],
            Arithmetic::Add
            | Arithmetic::Sub
            | Arithmetic::Mul
            | Arithmetic::Div
            | Arithmetic::Maximum
            | Arithmetic::Minimum
            | Arithmetic::Power => &["a", "b"],
        };
        let operands: Vec<_> = names.iter().map(|name| (*name, matrix())).collect();
        over(Op::Arithmetic(op), &operands)
    });
    let values = Activation::ALL.map(|f| over(Op::Activation(f), &[("z", matrix())]));
    let derivatives = Activation::ALL.map(|f| {
        over(Op::ActivationGrad(ActivationGrad(f)), &[("dy", matrix()), ("point", matrix())])
    });
    arithmetic.into_iter().chain(values).chain(derivatives).collect()
}

fn rows() -> Vec<Specimen> {
    let (weight, bias) = (Shape::from([4, 3]), Shape::from([4]));
    let reduce = |kind| {
        let op = Op::Reduce(Reduce { kind, axes: vec![1], keep: false });
        over(op, &[("x", matrix())])
    };
    let softmax = |op| over(Op::Softmax(op), &[("z", matrix())]);
    let softmax_grad = |op| over(Op::Softmax(op), &[("dy", matrix()), ("y", matrix())]);
    let normalize = |grad| Op::Normalize(Normalize { axes: vec![0], eps: 1e-5, grad });
    let index = ("index", DType::I64, Shape::batch([]));
    let looked_up = Shape::batch([4]);
    let matmul = Linear::MatMul { transpose_a: false, transpose_b: true };
    vec![
        over(
            Op::Linear(Linear::Affine),
            &[("x", matrix()), ("weight", weight.clone()), ("bias", bias)],
        ),
        over(Op::Linear(matmul), &[("a", matrix()), ("b", weight)]),
        softmax(Softmax::Probabilities { axis: 1 }),
        softmax(Softmax::Logarithms { axis: 1 }),
        softmax_grad(Softmax::ProbabilitiesGrad { axis: 1 }),
        softmax_grad(Softmax::LogarithmsGrad { axis: 1 }),
        reduce(Reduction::Sum),
        reduce(Reduction::Mean),
        reduce(Reduction::Max),
        reduce(Reduction::Min),
        reduce(Reduction::Variance { correction: 1 }),
        over(normalize(false), &[("x", matrix())]),
        over(normalize(true), &[("dy", matrix()), ("x", matrix())]),
        Specimen {
            op: Op::Gather(Gather::Embedding { padding_idx: None }),
            operands: vec![("weight", DType::F32, Shape::from([5, 4])), index.clone()],
        },
        Specimen {
            op: Op::Gather(Gather::EmbeddingGrad { rows: 5, padding_idx: None }),
            operands: vec![("dy", DType::F32, looked_up), index],
        },
    ]
}

fn layouts() -> Vec<Specimen> {
    let x = || ("x", matrix());
    let layout = |op, operands: &[(&'static str, Shape)]| over(Op::Layout(op), operands);
    vec![
        layout(Layout::Reshape { shape: Shape::batch([1, 3]) }, &[x()]),
        layout(Layout::Permute { axes: vec![1, 0] }, &[x()]),
        layout(Layout::Concat { axis: 1 }, &[x(), ("y", matrix())]),
        layout(Layout::Slice { axis: 1, start: 0, end: 2 }, &[x()]),
        layout(Layout::Pad { axis: 1, before: 1, after: 0 }, &[x()]),
        layout(Layout::Broadcast { shape: matrix() }, &[("x", Shape::from([3]))]),
    ]
}

/// With class indices and with probabilities, of logits and of log-probabilities.
fn cross_entropies() -> Vec<Specimen> {
    let targets = [("target", DType::I64, Shape::batch([])), ("target", DType::F32, matrix())];
    let mut found = vec![];
    for scores in [Scores::Logits, Scores::LogProbabilities] {
        for target in &targets {
            let loss = CrossEntropy { scores, ..CrossEntropy::default() };
            let operands = vec![
                ("scores", DType::F32, matrix()),
                target.clone(),
                ("class weights", DType::F32, Shape::from([3])),
            ];
            let dy = [("dy", DType::F32, Shape::scalar())];
            let with_dy = dy.into_iter().chain(operands.clone()).collect();
            found.push(Specimen { op: Op::Loss(Loss::CrossEntropy(loss)), operands });
            found.push(Specimen { op: Op::Loss(Loss::CrossEntropyGrad(loss)), operands: with_dy });
        }
    }
    found
}

fn pair_losses() -> Vec<Specimen> {
    let (estimate, target) = (("estimate", matrix()), ("target", matrix()));
    let two = vec![estimate.clone(), target.clone()];
    let with = |third| vec![estimate.clone(), target.clone(), (third, matrix())];
    let losses = [
        (PairLoss::Mse, two.clone()),
        (PairLoss::L1, two.clone()),
        (PairLoss::SmoothL1 { beta: 1.0 }, two.clone()),
        (PairLoss::Huber { delta: 1.0 }, two.clone()),
        (PairLoss::GaussianNll { full: false, eps: 1e-6 }, with("variance")),
        (PairLoss::Bce, two.clone()),
        (PairLoss::BceWithLogits, with("positive weight")),
        (PairLoss::KlDiv { log_target: false }, two.clone()),
        (PairLoss::PoissonNll { log_input: true, full: false, eps: 1e-8 }, two),
    ];
    let mut found = vec![];
    for (loss, operands) in &losses {
        found.push(over(Op::Loss(Loss::Pair(*loss)), operands));
    }
    for (loss, operands) in losses {
        let with_dy: Vec<_> = [("dy", matrix())].into_iter().chain(operands).collect();
        found.push(over(Op::Loss(Loss::PairGrad { loss, operand: 0 }), &with_dy));
    }
    found
}
