//! A network with rows, their targets and a loss, as one graph with all its derivatives: what the deep answers read.

use super::exact::Numbers;
use crate::engine::Draw;
use crate::error::{Error, Result};
use crate::grad::grad;
use crate::graph::op::{Random, Source};
use crate::graph::{Builder, Checked, DType, NodeId, NodeMap, Op, Shape};
use crate::math::random::{DROPOUT, Stream};
use crate::nn::loss::{Criterion, LossOperands};
use crate::nn::{LoweredLayer, Lowering, Mode, Network};
use crate::reference::{self, Array, Feeds};
use crate::tensor::{Tensor, Value};
use crate::train::{Dataset, Features, Target};

/// How a [`Setting`] is made.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct SettingConfig {
    /// Whether dropout draws masks and batch normalisation takes the batch's statistics.
    pub mode: Mode,
    /// What weights and rows stand for.
    pub numbers: Numbers,
    /// Which masks dropout draws in [`Mode::Train`]: those of this step of a training.
    pub draw: Draw,
}

/// One network, some rows, one loss: the graph that trains, its derivatives, and what is fed to it.
#[derive(Clone, Debug)]
pub struct Setting {
    network: Network,
    data: Dataset,
    criterion: Criterion,
    config: SettingConfig,
    graph: Checked,
    forward: Checked,
    input: NodeId,
    output: NodeId,
    loss: NodeId,
    parameters: Vec<Parameter>,
    derivatives: NodeMap<NodeId>,
    layers: Vec<LoweredLayer>,
    feeds: Feeds,
}

/// A trainable array of the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    /// Its state-dict key.
    pub key: String,
    /// Its node.
    pub node: NodeId,
    /// The node of the loss's derivative towards it.
    pub gradient: NodeId,
}

/// One element of a trainable array.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Weight {
    /// The array's state-dict key.
    pub key: String,
    /// The index along every axis.
    pub index: Vec<usize>,
}

impl std::fmt::Display for Weight {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.key)?;
        if self.index.is_empty() {
            return Ok(());
        }
        let index: Vec<String> = self.index.iter().map(usize::to_string).collect();
        write!(f, "[{}]", index.join(", "))
    }
}

impl Weight {
    /// The weight that `text` names: `0.weight[0, 1]`, `0.bias[2]`.
    ///
    /// # Errors
    /// When the text is no key with an index behind it.
    pub fn parse(text: &str) -> Result<Weight> {
        let wrong = || {
            Error::usage(format!("{text:?} names no weight"))
                .help("write a key and an index, as in 0.weight[0,1]")
        };
        let text = text.trim();
        let Some((key, rest)) = text.split_once('[') else {
            return Ok(Weight { key: text.to_owned(), index: vec![] });
        };
        let inner = rest.trim_end().strip_suffix(']').ok_or_else(wrong)?;
        let index = inner.replace("][", ",");
        let index = index.split(',').map(|part| part.trim().parse().map_err(|_| wrong()));
        Ok(Weight { key: key.trim().to_owned(), index: index.collect::<Result<_>>()? })
    }
}

impl Setting {
    /// The graph of `network` with `criterion` over the rows of `data`, in evaluation mode, numbers as printed.
    ///
    /// # Errors
    /// When rows, targets, network and loss do not fit each other, a number is not finite, or the loss has no single
    /// value.
    pub fn new(network: &Network, data: &Dataset, criterion: &Criterion) -> Result<Setting> {
        Setting::with_config(network, data, criterion, SettingConfig::default())
    }

    /// As [`Setting::new`], with the mode and the meaning of numbers chosen.
    ///
    /// # Errors
    /// As [`Setting::new`].
    pub fn with_config(
        network: &Network,
        data: &Dataset,
        criterion: &Criterion,
        config: SettingConfig,
    ) -> Result<Setting> {
        network.module().validate()?;
        network.state_dict().check_finite()?;
        let mut builder = Builder::new();
        let row = |shape: &[usize]| Shape::batch(shape.iter().skip(1).copied());
        let dtype = match data.features() {
            Features::Floats(_) => DType::F32,
            Features::Indices(_) => DType::I64,
        };
        let x = builder.input("x", dtype, row(data.features().shape()))?;
        let mut context = Lowering::new(config.mode);
        let output = network.module().lower(&mut builder, x, &mut context)?;
        let target = match data.target() {
            Target::Classes(_) => builder.input("y", DType::I64, Shape::batch([]))?,
            Target::Values(values) => builder.input("y", DType::F32, row(values.shape()))?,
        };
        let sample_weight = match data.weights() {
            Some(_) => Some(builder.input("weight", DType::F32, Shape::batch([]))?),
            None => None,
        };
        let operands = LossOperands { variance: None, sample_weight };
        let loss = criterion.lower(&mut builder, output, target, &operands)?;
        if builder.shape(loss).rank() != 0 {
            return Err(Error::usage(format!("{criterion} gives no single number"))
                .help("use reduction='mean' or 'sum'"));
        }
        let forward = builder.finish_checked();
        let towards = towards(&forward, loss);
        let gradient = grad(&forward, loss, &towards)?;
        let mut derivatives = NodeMap::for_graph(gradient.graph.graph());
        for (&node, &derivative) in towards.iter().zip(&gradient.gradients) {
            derivatives.insert(node, derivative);
        }
        let parameters = forward
            .graph()
            .sources()
            .filter_map(|(node, source)| match source {
                Source::Parameter { name, .. } => {
                    Some(Parameter { key: name.clone(), node, gradient: *derivatives.get(node)? })
                }
                Source::Input { .. }
                | Source::Buffer { .. }
                | Source::Constant(_)
                | Source::Count(_) => None,
            })
            .collect();
        let feeds = feeds(network, data, criterion, &forward, &config)?;
        let setting = Setting {
            network: network.clone(),
            data: data.clone(),
            criterion: criterion.clone(),
            config,
            forward,
            graph: gradient.graph,
            input: x,
            output,
            loss,
            parameters,
            derivatives,
            layers: context.layers,
            feeds,
        };
        Ok(setting)
    }

    /// The network.
    pub fn network(&self) -> &Network {
        &self.network
    }

    /// The rows.
    pub fn data(&self) -> &Dataset {
        &self.data
    }

    /// The loss.
    pub fn criterion(&self) -> &Criterion {
        &self.criterion
    }

    /// How the setting was made.
    pub fn config(&self) -> SettingConfig {
        self.config
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.data.rows()
    }

    /// Network, loss and derivatives.
    pub fn graph(&self) -> &Checked {
        &self.graph
    }

    /// Network and loss without derivatives; its nodes have the ids that they have in [`Setting::graph`].
    pub fn forward(&self) -> &Checked {
        &self.forward
    }

    /// The node of the rows' features.
    pub fn input(&self) -> NodeId {
        self.input
    }

    /// The node of what the network returns.
    pub fn output(&self) -> NodeId {
        self.output
    }

    /// The node of the loss.
    pub fn loss(&self) -> NodeId {
        self.loss
    }

    /// The trainable arrays in order of the network.
    pub fn parameters(&self) -> &[Parameter] {
        &self.parameters
    }

    /// The node of the loss's derivative towards `node`, for every node that depends on a parameter.
    pub fn derivative(&self, node: NodeId) -> Option<NodeId> {
        self.derivatives.get(node).copied()
    }

    /// The layers in order of evaluation.
    pub fn layers(&self) -> &[LoweredLayer] {
        &self.layers
    }

    /// What is fed to the graph.
    pub fn feeds(&self) -> &Feeds {
        &self.feeds
    }

    /// All values and derivatives in f64.
    ///
    /// # Errors
    /// As [`reference::evaluate`].
    pub fn evaluate(&self) -> Result<NodeMap<Array>> {
        reference::evaluate(&self.graph, &self.feeds, self.rows())
    }

    /// The parameter that `weight` lies in, and the position of its element.
    ///
    /// # Errors
    /// An unknown key, with the list of keys; an index outside the array's shape, with the shape.
    pub fn find(&self, weight: &Weight) -> Result<(&Parameter, usize)> {
        let Some(parameter) = self.parameters.iter().find(|p| p.key == weight.key) else {
            let keys: Vec<String> = self.parameters.iter().map(|p| p.key.clone()).collect();
            let error = Error::usage(format!("the network has no weight {:?}", weight.key));
            return Err(if keys.is_empty() {
                error.help("it has no weights at all")
            } else {
                error.help(format!("give one of {}", keys.join(", ")))
            });
        };
        let shape = self.graph.shape(parameter.node).at(self.rows());
        let fits = weight.index.len() == shape.len()
            && weight.index.iter().zip(&shape).all(|(index, length)| index < length);
        if !fits {
            return Err(Error::usage(format!(
                "{weight} is no element of {:?}, whose shape is {shape:?}",
                weight.key
            ))
            .help("give an index for every axis, counted from 0"));
        }
        let place = weight
            .index
            .iter()
            .zip(&shape)
            .fold(0, |place, (index, length)| place * length + index);
        Ok((parameter, place))
    }

    /// The name of element `element` of the parameter at `parameter`.
    pub fn weight(&self, parameter: &Parameter, element: usize) -> Weight {
        let shape = self.graph.shape(parameter.node).at(self.rows());
        Weight { key: parameter.key.clone(), index: unravel(element, &shape) }
    }
}

/// The index along every axis of element `element` of a row-major array.
pub(super) fn unravel(mut element: usize, shape: &[usize]) -> Vec<usize> {
    let mut index = vec![0; shape.len()];
    for (place, &length) in index.iter_mut().zip(shape).rev() {
        *place = element % length.max(1);
        element /= length.max(1);
    }
    index
}

/// Parameters, and all floats between them and the loss.
fn towards(graph: &Checked, loss: NodeId) -> Vec<NodeId> {
    let nodes = graph.graph();
    let mut depends = vec![false; nodes.nodes().len()];
    for id in nodes.ids() {
        let node = nodes.node(id);
        depends[id.index()] = matches!(node.op(), Op::Source(Source::Parameter { .. }))
            || node.operands().iter().any(|operand| depends[operand.index()]);
    }
    let mut reaches = vec![false; nodes.nodes().len()];
    reaches[loss.index()] = true;
    for id in nodes.ids().rev() {
        if reaches[id.index()] {
            for operand in nodes.node(id).operands() {
                reaches[operand.index()] = true;
            }
        }
    }
    let wanted = |id: &NodeId| {
        let parameter = matches!(nodes.node(*id).op(), Op::Source(Source::Parameter { .. }));
        parameter || (depends[id.index()] && reaches[id.index()])
    };
    nodes.ids().filter(wanted).collect()
}

fn feeds(
    network: &Network,
    data: &Dataset,
    criterion: &Criterion,
    graph: &Checked,
    config: &SettingConfig,
) -> Result<Feeds> {
    let mut feeds = Feeds::new();
    match data.features() {
        Features::Floats(x) => {
            finite("row", x)?;
            feeds.set_input("x", read(x, config.numbers));
        }
        Features::Indices(x) => {
            feeds.set_input("x", x.clone());
        }
    }
    match data.target() {
        Target::Classes(classes) => {
            feeds.set_input("y", Tensor::new([classes.len()], classes.clone())?);
        }
        Target::Values(values) => {
            finite("target of row", values)?;
            feeds.set_input("y", read(values, config.numbers));
        }
    }
    if let Some(weights) = data.weights() {
        let weights = Tensor::new([weights.len()], weights.to_vec())?;
        feeds.set_input("weight", read(&weights, config.numbers));
    }
    for (key, value) in network.state_dict().iter() {
        if let Value::F32(tensor) = value {
            feeds.set_state(key, read(tensor, config.numbers));
        }
    }
    for (key, values) in criterion.buffers() {
        feeds.set_state(key, values.clone());
    }
    for node in graph.graph().nodes() {
        if let Op::Random(Random::DropoutMask { p, stream, shape }) = node.op() {
            let shape = shape.at(data.rows());
            let mut mask = vec![0.0_f32; shape.iter().product()];
            Stream::at(config.draw.seed, DROPOUT + *stream as u64, config.draw.step)
                .fill_keep_mask(&mut mask, *p)?;
            feeds.set_mask(*stream, Tensor::new(shape, mask)?.map(f64::from));
        }
    }
    Ok(feeds)
}

fn finite(what: &str, values: &Tensor<f32>) -> Result<()> {
    let Some(at) = values.data().iter().position(|value| !value.is_finite()) else { return Ok(()) };
    let width = (values.len() / values.shape().first().copied().unwrap_or(1).max(1)).max(1);
    Err(Error::data(format!("the value is {}", values.data()[at]))
        .at(format!("{what} {}, column {} (counted from 0)", at / width, at % width))
        .help("give finite numbers"))
}

/// The numbers that f32 values stand for, in f64.
fn read(values: &Tensor<f32>, numbers: Numbers) -> Tensor<f64> {
    values.map(|value| match numbers {
        Numbers::Stored => f64::from(value),
        Numbers::Printed => printed(value),
    })
}

/// The f64 nearest to the shortest decimal of `value`.
pub(super) fn printed(value: f32) -> f64 {
    format!("{value:e}").parse().unwrap_or_else(|_| f64::from(value))
}
