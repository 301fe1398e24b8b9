//! What a trace holds, by node, by layer and by name.

use super::{Parameter, Trace, position};
use crate::engine::Block;
use crate::error::{Error, Result};
use crate::graph::op::Source;
use crate::graph::{Checked, NodeId, NodeMap, Op, Place};
use crate::nn::{LoweredLayer, Mode};
use crate::reference::{self, Array, Feeds};

impl Trace {
    /// The graph: network, loss, and the gradient behind them.
    pub fn graph(&self) -> &Checked {
        &self.graph
    }

    /// Network and loss without the gradient; nodes have the ids that they have in [`Trace::graph`].
    pub fn forward_graph(&self) -> &Checked {
        &self.forward
    }

    /// What the f64 values were computed from.
    pub fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    /// Whether a node belongs to network and loss rather than to the gradient.
    pub fn is_forward(&self, node: NodeId) -> bool {
        node.index() < self.forward.graph().nodes().len()
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.batch
    }

    /// Whether it is a pass of training or of evaluation.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// The rows' features, if the network looks at them.
    pub fn input(&self) -> Option<NodeId> {
        self.input
    }

    /// What the network returns.
    pub fn output(&self) -> NodeId {
        self.output
    }

    /// The loss, if there is one: a scalar.
    pub fn loss(&self) -> Option<NodeId> {
        self.loss
    }

    /// The layers in order of evaluation: see [`crate::nn::Lowering::layers`].
    pub fn layers(&self) -> &[LoweredLayer] {
        &self.layers
    }

    /// The layer with state-dict prefix `name`.
    pub fn layer(&self, name: &str) -> Option<&LoweredLayer> {
        self.layers.iter().find(|layer| layer.name == name)
    }

    /// The parameters in the order of the state dict.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The parameter with state-dict key `key`.
    ///
    /// # Errors
    /// When there is none: the message lists the keys and guesses.
    pub fn parameter(&self, key: &str) -> Result<&Parameter> {
        self.parameters.iter().find(|parameter| parameter.key == key).ok_or_else(|| {
            let keys: Vec<&str> = self.parameters.iter().map(|p| p.key.as_str()).collect();
            let near = keys
                .iter()
                .map(|known| (strsim::damerau_levenshtein(key, known), known))
                .filter(|(distance, _)| *distance <= 3)
                .min();
            let error = Error::usage(format!("the network has no weight {key:?}"));
            let error = match near {
                Some((_, known)) => error.help(format!("did you mean {known}?")),
                None => error.help("name one of the network's weights"),
            };
            let more = keys.len().saturating_sub(40);
            let listed = keys.iter().take(40).copied().collect::<Vec<_>>().join(", ");
            let tail = if more > 0 { format!(", and {more} more") } else { String::new() };
            error.detail(format!("it has {listed}{tail}"))
        })
    }

    /// All weights and buffers, as the engine held them.
    pub fn block(&self) -> &Block {
        &self.block
    }

    /// The node of the derivative of the loss towards `node`: what flows backwards through it. None where nothing
    /// that is trained depends on the node, or there is no loss.
    pub fn derivative(&self, node: NodeId) -> Option<NodeId> {
        self.derivatives.get(node).copied()
    }

    /// The lengths of a node's axes.
    pub fn shape(&self, node: NodeId) -> Vec<usize> {
        self.graph.shape(node).at(self.batch)
    }

    /// A node's values in row-major order, as the engine computed them; `None` for integers.
    pub fn floats(&self, node: NodeId) -> Option<&[f32]> {
        match self.graph.graph().node(node).op() {
            Op::Source(Source::Parameter { name, .. } | Source::Buffer { name, .. }) => {
                self.block.get(name)
            }
            Op::Source(Source::Input { .. } | Source::Constant(_) | Source::Count(_))
            | Op::Linear(_)
            | Op::Arithmetic(_)
            | Op::Activation(_)
            | Op::ActivationGrad(_)
            | Op::Softmax(_)
            | Op::Reduce(_)
            | Op::Normalize(_)
            | Op::Random(_)
            | Op::Gather(_)
            | Op::Layout(_)
            | Op::Loss(_) => self.plan.place(node).map(|place| self.memory.floats(place)),
        }
    }

    /// A node's values in f64, from the same weights and rows; `None` for integers.
    pub fn exact(&self, node: NodeId) -> Option<&[f64]> {
        match self.exact.get(node) {
            Some(Array::Float(tensor)) => Some(tensor.data()),
            Some(Array::Index(_)) | None => None,
        }
    }

    /// A node's integers: classes, indices; `None` for floats.
    pub fn indices(&self, node: NodeId) -> Option<&[i64]> {
        match self.exact.get(node) {
            Some(Array::Index(tensor)) => Some(tensor.data()),
            Some(Array::Float(_)) | None => None,
        }
    }

    /// All nodes' values in f64.
    pub fn exact_values(&self) -> &NodeMap<Array> {
        &self.exact
    }

    /// The loss as the engine computed it.
    pub fn loss_value(&self) -> Option<f32> {
        self.floats(self.loss?).and_then(|values| values.first().copied())
    }

    /// The loss in f64.
    pub fn exact_loss(&self) -> Option<f64> {
        self.exact(self.loss?).and_then(|values| values.first().copied())
    }

    /// The gradient of the loss towards the parameter `key`, as the engine computed it.
    pub fn gradient_values(&self, key: &str) -> Option<&[f32]> {
        let parameter = self.parameters.iter().find(|parameter| parameter.key == key)?;
        self.floats(parameter.gradient?)
    }

    /// The gradient of the loss towards the parameter `key` in f64.
    pub fn exact_gradient(&self, key: &str) -> Option<&[f64]> {
        let parameter = self.parameters.iter().find(|parameter| parameter.key == key)?;
        self.exact(parameter.gradient?)
    }

    /// All values of network and loss in f64 where one element of a parameter has another value.
    ///
    /// # Errors
    /// When there is no such parameter or element.
    pub fn exact_with(&self, key: &str, index: usize, value: f64) -> Result<NodeMap<Array>> {
        let parameter = self.parameter(key)?;
        let mut tensor = self.exact[parameter.node].floats()?.clone();
        let length = tensor.len();
        *tensor.data_mut().get_mut(index).ok_or_else(|| {
            Error::usage(format!("{key} has {length} elements, there is no element {index}"))
        })? = value;
        let mut feeds = self.feeds.clone();
        feeds.set_state(key, tensor);
        reference::evaluate(&self.forward, &feeds, self.batch)
    }

    /// The loss in f64 where one element of a parameter has another value.
    ///
    /// # Errors
    /// Also when there is no loss.
    pub fn exact_loss_with(&self, key: &str, index: usize, value: f64) -> Result<f64> {
        let loss = self.loss.ok_or_else(|| Error::usage("the trace has no loss"))?;
        let values = self.exact_with(key, index, value)?;
        Ok(values[loss].floats()?.data()[0])
    }

    /// What a node is called: a weight's key, an input's name, a layer's output.
    pub fn name(&self, node: NodeId) -> String {
        let entry = self.graph.graph().node(node);
        if let Op::Source(source) = entry.op() {
            return match source {
                Source::Input { name, .. }
                | Source::Parameter { name, .. }
                | Source::Buffer { name, .. } => name.clone(),
                Source::Constant(value) => value.to_string(),
                Source::Count(_) => "count".into(),
            };
        }
        if let Some(parameter) = self.parameters.iter().find(|p| p.gradient == Some(node)) {
            return format!("gradient of {}", parameter.key);
        }
        if self.loss == Some(node) {
            return "loss".into();
        }
        let origin = entry.origin();
        let what = match &origin.place {
            Place::Layer(path) if path.is_empty() => origin.kind.clone(),
            Place::Layer(path) => path.clone(),
            Place::Line(line) => format!("line {line}"),
            Place::Loss => "loss".into(),
            Place::Own => "graph".into(),
        };
        let gradient = if origin.gradient { "gradient of " } else { "" };
        match self.layers.iter().any(|layer| layer.output == node) {
            true => format!("{gradient}{what}"),
            false => format!("{gradient}{what}.{}", entry.op().name()),
        }
    }

    /// An element's index along each axis.
    pub fn coordinates(&self, node: NodeId, element: usize) -> Vec<usize> {
        position::coordinates(&self.shape(node), element)
    }
}
