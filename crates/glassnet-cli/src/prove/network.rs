//! The prover's network of a model argument, and what its inputs and outputs are called.

use std::ffi::OsStr;
use std::path::Path;

use glassnet::graph::Checked;
use glassnet::graph::op::Source;
use glassnet::nn::{Mode, Network, StateDict};
use glassnet::prove::{self, Weight};
use glassnet::{Error, ErrorKind, Result};
use glassnet_data::{Preprocessing, TargetEncoding};
use glassnet_formats::OnnxModel;

use super::space::Space;
use crate::args::Weights;
use crate::model::{self, Model, Whole};
use crate::terminal::Terminal;

/// A network as the prover and as the checker read it.
pub(crate) struct Loaded {
    pub(crate) network: prove::Network,
    pub(crate) graph: Checked,
    pub(crate) state: StateDict,
}

/// Tensors' names with their numbers of elements.
pub(super) type Sizes<'a> = Vec<(&'a str, usize)>;

impl Loaded {
    /// Names and sizes of the graph's inputs and outputs.
    pub(super) fn tensors(&self) -> (Sizes<'_>, Sizes<'_>) {
        let size = |id| self.graph.shape(id).elements(1).unwrap_or(0);
        let graph = self.graph.graph();
        let inputs = graph.sources().filter_map(|(id, source)| match source {
            Source::Input { name, .. } => Some((name.as_str(), size(id))),
            Source::Parameter { .. }
            | Source::Buffer { .. }
            | Source::Constant(_)
            | Source::Count(_) => None,
        });
        let outputs = graph.outputs().iter().map(|(name, id)| (name.as_str(), size(*id)));
        (inputs.collect(), outputs.collect())
    }
}

/// What a property is about.
pub(crate) struct Subject {
    whole: Whole,
}

impl Subject {
    /// The network that `argument` names.
    pub(crate) fn read(argument: &OsStr, weights: &Weights, terminal: &Terminal) -> Result<Self> {
        let whole = model::load_whole(argument, weights, terminal)?;
        if let Whole::Model(Model::Trained(trained)) = &whole
            && !trained.others.is_empty()
        {
            let shown = Path::new(argument).display();
            return Err(Error::usage("a property is about one network, this is an ensemble")
                .at("the network")
                .help(format!("name one of them: '{shown}#0'")));
        }
        Ok(Subject { whole })
    }

    /// The preprocessing, of a model that has one.
    pub(super) fn preprocessing(&self) -> Option<&Preprocessing> {
        match &self.whole {
            Whole::Model(Model::Trained(trained)) => Some(&trained.preprocessing),
            Whole::Model(Model::Bare(_)) | Whole::Graph(_) => None,
        }
    }

    /// The network from encoded columns to outputs.
    pub(crate) fn network(&self) -> Result<prove::Network> {
        self.lowered(&|graph, inputs, outputs, state| {
            between(graph, inputs, outputs, &|key| state.floats(key).map(Weight::Fixed))
        })
    }

    /// The same with what the checker reads.
    pub(crate) fn loaded(&self) -> Result<Loaded> {
        self.lowered(&|graph, inputs, outputs, state| {
            let weights = |key: &str| state.floats(key).map(Weight::Fixed);
            let network = between(graph, inputs, outputs, &weights)?;
            Ok(Loaded { network, graph: graph.clone(), state: state.clone() })
        })
    }

    /// As [`Subject::network`], of the first output alone, with the scores before a softmax as outputs; and whether there is
    /// one.
    pub(super) fn scores(&self) -> Result<(prove::Network, bool)> {
        self.lowered(&|graph, inputs, outputs, state| {
            let weights = |key: &str| state.floats(key).map(Weight::Fixed);
            match inputs {
                [input] => prove::lower_scores(graph, input, outputs[0], &weights),
                several => {
                    Ok((prove::lower_between(graph, several, &outputs[..1], &weights)?, false))
                }
            }
        })
    }

    fn lowered<T>(&self, lower: &Lower<'_, T>) -> Result<T> {
        match &self.whole {
            Whole::Model(Model::Bare(network)) => of_network(network, lower),
            Whole::Model(Model::Trained(trained)) => of_network(&trained.network, lower),
            Whole::Graph(graph) => of_graph(graph, lower),
        }
    }

    /// The inputs: columns, or the network's own.
    pub(super) fn space(&self, network: &prove::Network) -> Result<Space> {
        match self.preprocessing() {
            Some(preprocessing) if preprocessing.width() != network.inputs() => {
                Err(Error::model(format!(
                    "the preprocessing gives {} features, the network reads {}",
                    preprocessing.width(),
                    network.inputs()
                )))
            }
            Some(preprocessing) => Ok(Space::of(preprocessing)),
            None => Ok(Space::plain(network.inputs())),
        }
    }

    /// The names of classes or of targets; none of a network without preprocessing.
    pub(super) fn output_names(&self) -> Vec<String> {
        let Some(target) = self.preprocessing().map(Preprocessing::target) else { return vec![] };
        match target.classes() {
            Some(classes) => classes.to_vec(),
            None => target.columns().into_iter().map(str::to_owned).collect(),
        }
    }

    /// Whether the outputs are scores of classes with names.
    pub(super) fn has_classes(&self) -> bool {
        self.preprocessing().is_some_and(|it| it.target().classes().is_some())
    }

    /// Factor and constant that bring each output into its target's unit; `None` where they are as they are.
    pub(super) fn output_scales(&self) -> Option<Vec<(f64, f64)>> {
        match self.preprocessing()?.target() {
            TargetEncoding::Classes { .. } => None,
            TargetEncoding::Number { mean, std, .. } => Some(vec![(*std, *mean)]),
            TargetEncoding::Numbers { targets } => {
                Some(targets.iter().map(|target| (target.std, target.mean)).collect())
            }
        }
    }
}

/// What is made of a graph from these inputs to these outputs, of which there is at least one, with its weights.
type Lower<'a, T> = dyn Fn(&Checked, &[&str], &[&str], &StateDict) -> Result<T> + 'a;

/// The network to all outputs; where one of several can't be bounded, to the first.
fn between<'a>(
    graph: &Checked,
    inputs: &[&str],
    outputs: &[&str],
    weights: &dyn Fn(&str) -> Result<Weight<'a>>,
) -> Result<prove::Network> {
    match prove::lower_between(graph, inputs, outputs, weights) {
        Err(error) if error.kind() == ErrorKind::Unsupported && outputs.len() > 1 => {
            prove::lower_between(graph, inputs, &outputs[..1], weights).map_err(|_| error)
        }
        lowered => lowered,
    }
}

fn of_network<T>(network: &Network, lower: &Lower<'_, T>) -> Result<T> {
    let shape = network.module().input_shape().ok_or_else(|| {
        Error::usage("the network doesn't say how many inputs it has").at("the network")
    })?;
    let graph = network.module().graph(shape, Mode::Eval)?;
    lower(&graph, &["x"], &["y"], network.state_dict())
}

fn of_graph<T>(model: &OnnxModel, lower: &Lower<'_, T>) -> Result<T> {
    let graph = model.graph.graph();
    let inputs: Vec<&str> = graph
        .sources()
        .filter_map(|(_, source)| match source {
            Source::Input { name, .. } => Some(name.as_str()),
            Source::Parameter { .. }
            | Source::Buffer { .. }
            | Source::Constant(_)
            | Source::Count(_) => None,
        })
        .collect();
    let outputs: Vec<&str> = graph.outputs().iter().map(|(name, _)| name.as_str()).collect();
    if inputs.is_empty() || outputs.is_empty() {
        return Err(Error::model("the graph has no input or no output"));
    }
    lower(&model.graph, &inputs, &outputs, &model.state)
}
