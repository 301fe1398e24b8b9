//! The prover's network of a model argument.

use std::ffi::OsStr;
use std::path::Path;

use glassnet::graph::Checked;
use glassnet::graph::op::Source;
use glassnet::nn::{Mode, Network, StateDict};
use glassnet::prove::{self, Weight};
use glassnet::{Error, Result};
use glassnet_formats::OnnxModel;

use crate::args::Weights;
use crate::model::{self, Model, Whole};
use crate::terminal::Terminal;

/// A network as the prover and as the checker read it.
pub(crate) struct Loaded {
    pub(crate) network: prove::Network,
    pub(crate) graph: Checked,
    pub(crate) state: StateDict,
}

/// The network that `argument` names, lowered for the prover.
pub(crate) fn read(argument: &OsStr, weights: &Weights, terminal: &Terminal) -> Result<Loaded> {
    match model::load_whole(argument, weights, terminal)? {
        Whole::Model(Model::Bare(network)) => of_network(&network),
        Whole::Model(Model::Trained(trained)) => {
            if !trained.others.is_empty() {
                let shown = Path::new(argument).display();
                return Err(Error::usage("a property is about one network, this is an ensemble")
                    .at("the network")
                    .help(format!("name one of them: '{shown}#0'")));
            }
            terminal
                .note("the property's inputs are the encoded columns, as the network gets them");
            of_network(&trained.network)
        }
        Whole::Graph(graph) => of_graph(*graph),
    }
}

fn of_network(network: &Network) -> Result<Loaded> {
    let shape = network.module().input_shape().ok_or_else(|| {
        Error::usage("the network doesn't say how many inputs it has").at("the network")
    })?;
    let graph = network.module().graph(shape, Mode::Eval)?;
    let state = network.state_dict().clone();
    let network = prove::lower(&graph, "x", "y", &|key| state.floats(key).map(Weight::Fixed))?;
    Ok(Loaded { network, graph, state })
}

fn of_graph(model: OnnxModel) -> Result<Loaded> {
    let OnnxModel { graph: checked, state, .. } = model;
    let graph = checked.graph();
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
    let [input] = inputs[..] else {
        return Err(Error::unsupported(
            "a graph with several inputs",
            "the prover",
            "a box is given for one",
        ));
    };
    let Some((output, _)) = graph.outputs().first() else {
        return Err(Error::model("the graph has no output"));
    };
    let weights = |key: &str| state.floats(key).map(Weight::Fixed);
    let network = prove::lower(&checked, input, output, &weights)?;
    Ok(Loaded { network, graph: checked, state })
}
