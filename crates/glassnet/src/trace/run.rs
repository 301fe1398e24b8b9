//! Computing a trace: the training step's graph, run once with every node observed.

use super::{Config, Parameter, Trace, written};
use crate::engine::{self, Block, Plan};
use crate::error::{Error, Result};
use crate::graph::op::{Random, Source};
use crate::graph::{Builder, Checked, DType, NodeId, NodeMap, Op, Shape};
use crate::nn::loss::Criterion;
use crate::nn::{LoweredLayer, Lowering, Mode, Network};
use crate::reference::{self, Array, Feeds};
use crate::tensor::{Tensor, Value};
use crate::train::{
    Dataset, Features, Forward, Target, check_indices, features_fit, fill, fill_targets, load,
};

/// What is run and what is known about it.
struct Pass {
    graph: Checked,
    forward: Checked,
    results: Vec<NodeId>,
    /// The nodes of the parameters' gradients, in the block's order; empty without a loss.
    gradients: Vec<NodeId>,
    derivatives: NodeMap<NodeId>,
    output: NodeId,
    loss: Option<NodeId>,
    layers: Vec<LoweredLayer>,
}

impl Trace {
    /// Traces forward pass, loss and backward pass of `rows`: what a training step of these rows as one batch computes.
    ///
    /// # Errors
    /// When rows, target and loss do not fit the network, a feature is not finite, or a class does not exist; when
    /// an operation has no derivative.
    pub fn new(
        network: &Network,
        rows: &Dataset,
        criterion: &Criterion,
        config: &Config,
    ) -> Result<Trace> {
        let lowered = Forward::build(network.module(), rows, criterion, config.mode)?;
        let (output, loss) = (lowered.output, lowered.loss);
        let (forward, layers) = (lowered.graph.clone(), lowered.layers.clone());
        let (program, derivatives) = lowered.program()?;
        if config.mode == Mode::Train {
            program.check_batch(rows.rows())?;
        }
        program.check_classes(rows.target(), criterion)?;
        let graph = program.graph().clone();
        let mut block = Block::for_graph(&graph);
        program.load_constants(&mut block, criterion)?;
        let results = program.results().to_vec();
        let loss_at = results.iter().position(|&id| id == loss).unwrap_or(0);
        let pass = Pass {
            gradients: results[..loss_at].to_vec(),
            results,
            graph,
            forward,
            derivatives,
            output,
            loss: Some(loss),
            layers,
        };
        trace(pass, block, network, rows.features(), Some((rows, criterion)), config)
    }

    /// Traces the forward pass alone.
    ///
    /// # Errors
    /// As [`Trace::new`].
    ///
    /// ```
    /// use glassnet::{Tensor, nn::{self, Network}, train::Features, trace::{Config, Trace}};
    /// let network = Network::new(nn::parse("2-3-1")?, 0)?;
    /// let x = Tensor::from_rows(&[[0.0, 1.0]])?;
    /// let trace = Trace::forward(&network, &Features::Floats(x.clone()), &Config::default())?;
    /// assert_eq!(trace.floats(trace.output()).unwrap(), network.forward(&x)?.data());
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn forward(network: &Network, features: &Features, config: &Config) -> Result<Trace> {
        let module = network.module();
        module.validate()?;
        let mut builder = Builder::new();
        let (dtype, shape) = match features {
            Features::Floats(x) => (DType::F32, x.shape()),
            Features::Indices(x) => (DType::I64, x.shape()),
        };
        let x = builder.input("x", dtype, Shape::batch(shape.iter().skip(1).copied()))?;
        let mut context = Lowering::new(config.mode);
        let output = module.lower(&mut builder, x, &mut context)?;
        let graph = builder.finish_checked();
        let block = Block::for_graph(&graph);
        let pass = Pass {
            forward: graph.clone(),
            derivatives: NodeMap::for_graph(graph.graph()),
            graph,
            results: vec![output],
            gradients: vec![],
            output,
            loss: None,
            layers: context.layers,
        };
        trace(pass, block, network, features, None, config)
    }
}

fn trace(
    pass: Pass,
    mut block: Block,
    network: &Network,
    features: &Features,
    target: Option<(&Dataset, &Criterion)>,
    config: &Config,
) -> Result<Trace> {
    features_fit(&pass.graph, features)?;
    check_indices(&pass.graph, features)?;
    check_finite(features, target.map(|(rows, _)| rows))?;
    load(&mut block, network.state_dict())?;
    let batch = features.rows();
    let observe: Vec<NodeId> =
        pass.graph.graph().ids().filter(|&id| is_float(&pass.graph, id)).collect();
    let settings = engine::Config { observe, ..config.engine.clone() };
    let plan = Plan::compile(&pass.graph, &pass.results, batch, &settings)?;
    let mut memory = plan.memory();
    let all: Vec<usize> = (0..batch).collect();
    fill(&plan, &mut memory, features, &all);
    if let Some((rows, _)) = target {
        fill_targets(&plan, &mut memory, rows, None);
    }
    plan.run(&block, &mut memory, config.draw)?;
    let mut feeds = feeds(network, features, target, config.as_written)?;
    feed_masks(&mut feeds, &pass.graph, &plan, &memory)?;
    let exact = reference::evaluate(&pass.graph, &feeds, batch)?;
    let parameters = parameters(&pass);
    let input = source(&pass.graph, "x");
    Ok(Trace {
        graph: pass.graph,
        forward: pass.forward,
        batch,
        mode: config.mode,
        plan,
        memory,
        block,
        feeds,
        exact,
        input,
        output: pass.output,
        loss: pass.loss,
        layers: pass.layers,
        parameters,
        derivatives: pass.derivatives,
        level: config.engine.level,
        as_written: config.as_written,
    })
}

fn is_float(graph: &Checked, id: NodeId) -> bool {
    graph.type_of(id).dtype.is_float()
}

fn source(graph: &Checked, wanted: &str) -> Option<NodeId> {
    let input = |source: &Source| matches!(source, Source::Input { name, .. } if name == wanted);
    graph.graph().sources().find(|(_, source)| input(source)).map(|(id, _)| id)
}

fn parameters(pass: &Pass) -> Vec<Parameter> {
    let mut gradients = pass.gradients.iter();
    let mut found = vec![];
    for (node, source) in pass.graph.graph().sources() {
        let Source::Parameter { name, .. } = source else { continue };
        let shape = pass.graph.shape(node).at(1);
        found.push(Parameter {
            key: name.clone(),
            node,
            shape,
            gradient: gradients.next().copied(),
        });
    }
    found
}

/// A NaN would spread over every number that is shown, so its place is told instead.
fn check_finite(features: &Features, rows: Option<&Dataset>) -> Result<()> {
    let tensors = [
        (
            "the input",
            match features {
                Features::Floats(x) => Some(x),
                Features::Indices(_) => None,
            },
        ),
        (
            "the target",
            match rows.map(Dataset::target) {
                Some(Target::Values(values)) => Some(values),
                Some(Target::Classes(_)) | None => None,
            },
        ),
    ];
    for (what, tensor) in tensors {
        let Some(tensor) = tensor else { continue };
        if let Some(at) = tensor.data().iter().position(|value| !value.is_finite()) {
            let width: usize = tensor.shape().iter().skip(1).product::<usize>().max(1);
            return Err(Error::data(format!("{what} is {}", tensor.data()[at]))
                .at(format!("row {}, value {} (counted from 0)", at / width, at % width))
                .help("give finite numbers"));
        }
    }
    Ok(())
}

/// What the f64 evaluation is given: the same rows and weights.
fn feeds(
    network: &Network,
    features: &Features,
    target: Option<(&Dataset, &Criterion)>,
    as_written: bool,
) -> Result<Feeds> {
    let mut feeds = Feeds::new();
    match features {
        Features::Floats(x) => feeds.set_input("x", written::tensor(x, as_written)),
        Features::Indices(x) => feeds.set_input("x", x.clone()),
    };
    for (key, value) in network.state_dict().iter() {
        if let Value::F32(tensor) = value {
            feeds.set_state(key, written::tensor(tensor, as_written));
        }
    }
    if let Some((rows, criterion)) = target {
        match rows.target() {
            Target::Classes(classes) => {
                feeds.set_input("y", Tensor::new([classes.len()], classes.clone())?)
            }
            Target::Values(values) => feeds.set_input("y", written::tensor(values, as_written)),
        };
        if let Some(weights) = rows.weights() {
            feeds.set_input("weight", Tensor::new([weights.len()], weights.to_vec())?);
        }
        for (key, values) in criterion.buffers() {
            let held = values.map(|value| value as f32); // as the engine holds them
            feeds.set_state(key, written::tensor(&held, as_written));
        }
    }
    Ok(feeds)
}

/// The engine drew the random masks; the f64 evaluation takes the same.
fn feed_masks(
    feeds: &mut Feeds,
    graph: &Checked,
    plan: &Plan,
    memory: &engine::Memory,
) -> Result<()> {
    for id in graph.graph().ids() {
        let Op::Random(Random::DropoutMask { stream, .. }) = graph.graph().node(id).op() else {
            continue;
        };
        if let Some(place) = plan.place(id) {
            let shape = graph.shape(id).at(plan.batch());
            let mask = Tensor::new(shape, memory.floats(place).to_vec())?;
            feeds.set_mask(*stream, Array::from(mask));
        }
    }
    Ok(())
}
