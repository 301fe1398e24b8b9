//! A network on rows, as it is and collapsed.

use super::run::{Affine, Run};
use crate::error::{Error, Result};
use crate::graph::{Checked, NodeId, Shape};
use crate::nn::{self, Linear, Mode, Module, Network, StateDict};
use crate::reference::{self, Array, Feeds};
use crate::tensor::{Tensor, Value};
use crate::trace::written;
use crate::train::Target;
use crate::worked::digits::count;

/// The outputs of the last linear layer per row, in f64, and how good they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// The rows.
    pub inputs: Vec<Vec<f64>>,
    /// With the network's activations.
    pub with: Vec<Vec<f64>>,
    /// Layer by layer without the activations between the linear layers.
    pub without: Vec<Vec<f64>>,
    /// `W' x + b'`.
    pub collapsed: Vec<Vec<f64>>,
    /// The largest difference between `without` and `collapsed`, relative to the largest output.
    pub difference: f64,
    /// What was to be predicted, and how well it was.
    pub score: Option<Score>,
}

/// How well the network predicts with and without its activations.
#[derive(Clone, Debug, PartialEq)]
pub enum Score {
    /// Of class indices: the class with the highest output (with one output, 1 where it is above 0).
    Classes {
        /// The true ones.
        truth: Vec<i64>,
        /// With activations.
        with: Vec<i64>,
        /// Without.
        without: Vec<i64>,
    },
    /// Of numbers: the mean squared error.
    Values {
        /// With activations.
        with: f64,
        /// Without.
        without: f64,
    },
}

pub(super) fn compare(
    network: &Network,
    run: &Run,
    whole: &Affine,
    inputs: &Tensor<f32>,
    target: Option<&Target>,
) -> Result<Comparison> {
    let last = run.layers.last().map_or("", |layer| layer.name.as_str());
    let kept: Vec<&str> = run.layers.iter().map(|layer| layer.name.as_str()).collect();
    let with = outputs(&network_up_to(network.module(), last), network.state_dict(), inputs)?;
    let stripped = stripped(network.module(), "", &kept);
    let without = outputs(&stripped, network.state_dict(), inputs)?;
    let collapsed = collapsed(whole, inputs)?;
    let largest = collapsed.iter().flatten().fold(0.0f64, |most, value| most.max(value.abs()));
    let apart = without
        .iter()
        .flatten()
        .zip(collapsed.iter().flatten())
        .fold(0.0f64, |most, (a, b)| most.max((a - b).abs()));
    let score = target.map(|target| score(target, &with, &without)).transpose()?;
    Ok(Comparison {
        inputs: rows(&inputs.map(written)),
        with,
        without,
        collapsed,
        difference: if largest > 0.0 { apart / largest } else { apart },
        score,
    })
}

/// Whether the rows fit the run.
pub(super) fn check(run: &Run, inputs: &Tensor<f32>) -> Result<()> {
    let width = run.inputs();
    let given: usize = inputs.shape().iter().skip(1).product();
    if given != width || inputs.shape().len() < 2 {
        return Err(Error::data(format!(
            "the rows have {given} values, the network takes {width}"
        ))
        .at("the rows")
        .help(format!("give {width} per row")));
    }
    Ok(())
}

/// The network up to the layer `last`: what follows it is the output's affair.
fn network_up_to(module: &Module, last: &str) -> Module {
    fn cut(module: &Module, path: &str, last: &str) -> (Module, bool) {
        let Module::Sequential(sequential) = module else { return (module.clone(), path == last) };
        let mut children = vec![];
        for (name, child) in sequential.children() {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let (child, done) = cut(child, &path, last);
            children.push((name.clone(), child));
            if done {
                return (nn::named(children), true);
            }
        }
        (nn::named(children), false)
    }
    cut(module, "", last).0
}

/// The layers named in `kept`, under their names.
fn stripped(module: &Module, path: &str, kept: &[&str]) -> Module {
    let Module::Sequential(sequential) = module else { return module.clone() };
    let mut children = vec![];
    for (name, child) in sequential.children() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        let within = kept.iter().any(|kept| {
            *kept == path || kept.strip_prefix(&path).is_some_and(|rest| rest.starts_with('.'))
        });
        if within {
            children.push((name.clone(), stripped(child, &path, kept)));
        }
    }
    nn::named(children)
}

/// The module's outputs by the oracle.
fn outputs(module: &Module, state: &StateDict, inputs: &Tensor<f32>) -> Result<Vec<Vec<f64>>> {
    let graph = module.graph(Shape::batch(inputs.shape().iter().skip(1).copied()), Mode::Eval)?;
    let mut feeds = Feeds::new().input("x", inputs.map(written));
    for (key, value) in state.iter() {
        match value {
            Value::F32(tensor) => feeds.set_state(key, tensor.map(written)),
            Value::I64(tensor) => feeds.set_state(key, tensor.clone()),
        };
    }
    evaluate(&graph, &feeds, inputs.shape()[0])
}

fn collapsed(affine: &Affine, inputs: &Tensor<f32>) -> Result<Vec<Vec<f64>>> {
    let module: Module = Linear::new(affine.inputs(), affine.weight.len()).into();
    let graph = module.graph(Shape::batch([affine.inputs()]), Mode::Eval)?;
    let flat = inputs.map(written).reshape([inputs.shape()[0], affine.inputs()])?;
    let feeds = Feeds::new()
        .input("x", flat)
        .state("weight", Tensor::from_rows(&affine.weight)?)
        .state("bias", Tensor::new([affine.bias.len()], affine.bias.clone())?);
    evaluate(&graph, &feeds, inputs.shape()[0])
}

fn evaluate(graph: &Checked, feeds: &Feeds, batch: usize) -> Result<Vec<Vec<f64>>> {
    let output: NodeId =
        graph.graph().output("y").ok_or_else(|| Error::network("the network has no output"))?;
    let values = reference::evaluate(graph, feeds, batch)?;
    match &values[output] {
        Array::Float(tensor) => Ok(rows(tensor)),
        Array::Index(_) => Err(Error::network("the network's output is no number")),
    }
}

fn rows(tensor: &Tensor<f64>) -> Vec<Vec<f64>> {
    (0..tensor.shape()[0]).map(|row| tensor.row(row).to_vec()).collect()
}

fn score(target: &Target, with: &[Vec<f64>], without: &[Vec<f64>]) -> Result<Score> {
    let outputs = with.first().map_or(0, Vec::len);
    match target {
        Target::Classes(truth) => {
            if truth.len() != with.len() {
                return Err(misfit(truth.len(), with.len()));
            }
            let classes = outputs.max(2) as i64;
            if let Some(row) = truth.iter().position(|class| !(0..classes).contains(class)) {
                return Err(Error::data(format!("row {row} has class {}", truth[row]))
                    .at("the targets")
                    .help(format!("the network tells the classes 0 to {} apart", classes - 1)));
            }
            Ok(Score::Classes {
                truth: truth.clone(),
                with: with.iter().map(|row| class_of(row)).collect(),
                without: without.iter().map(|row| class_of(row)).collect(),
            })
        }
        Target::Values(values) => {
            if values.len() != with.len() * outputs {
                return Err(misfit(values.len(), with.len() * outputs));
            }
            let error = |rows: &[Vec<f64>]| {
                let squares = rows.iter().flatten().zip(values.data());
                let sum: f64 = squares.map(|(y, &t)| (y - written(t)).powi(2)).sum();
                sum / values.len() as f64
            };
            Ok(Score::Values { with: error(with), without: error(without) })
        }
    }
}

fn misfit(targets: usize, outputs: usize) -> Error {
    Error::data(format!("{} for {}", count(targets, "target"), count(outputs, "output")))
        .at("the targets")
        .help("give one per row and output")
}

fn class_of(row: &[f64]) -> i64 {
    match row {
        [only] => i64::from(*only > 0.0),
        row => {
            (0..row.len()).fold(0, |best, at| if row[at] > row[best] { at } else { best }) as i64
        }
    }
}
