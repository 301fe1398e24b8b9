//! From a checked graph and its weights to the prover's form of a network.

mod affine;
mod constant;
mod element;
mod product;

use std::sync::Arc;

use self::affine::Row;
use self::element::{Array, Element, MOST_ELEMENTS};
use super::{Interval, Layer, Network, Step};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{
    Activation, Gather, Layout, Linear, Normalize, Op, Random, Reduction, Softmax, Source,
};
use crate::graph::{Checked, DType, NodeId, Origin};
use crate::tensor::Tensor;

/// What is known of the numbers under a state-dict key.
#[derive(Clone, Copy, Debug)]
pub enum Weight<'a> {
    /// They are these.
    Fixed(&'a Tensor<f32>),
    /// Each of them lies in this interval: a statement then holds for all of their values.
    Within(Interval),
}

/// The prover's form of what `graph` computes for one row from the input called `input` to the output called `output`;
/// `weights` tells what stands under a key.
///
/// # Errors
/// - [`ErrorKind::Unsupported`] when an operation on the way isn't one that can be bounded, with its layer;
/// - [`ErrorKind::Model`] when a weight has another shape than the graph says, or isn't finite; and what `weights` says;
/// - [`ErrorKind::Usage`] when there is no such input or output;
/// - [`ErrorKind::Limit`] when a value has more than 2²⁴ elements.
pub fn lower<'a>(
    graph: &Checked,
    input: &str,
    output: &str,
    weights: &dyn Fn(&str) -> Result<Weight<'a>>,
) -> Result<Network> {
    lower_between(graph, &[input], &[output], weights)
}

/// As [`lower`], from several inputs to several outputs, each numbered one after the other: the network's inputs are the
/// elements of the first, then those of the second, and so on.
///
/// # Errors
/// As [`lower`].
pub fn lower_between<'a>(
    graph: &Checked,
    inputs: &[&str],
    outputs: &[&str],
    weights: &dyn Fn(&str) -> Result<Weight<'a>>,
) -> Result<Network> {
    let found = |name: &&str| graph.graph().output(name).ok_or_else(|| missing("output", name));
    let outputs: Vec<NodeId> = outputs.iter().map(found).collect::<Result<_>>()?;
    lower_nodes(graph, inputs, &outputs, weights)
}

fn missing(sort: &str, name: &str) -> Error {
    Error::usage(format!("the network has no {sort} called {name:?}"))
}

fn lower_nodes<'a>(
    graph: &Checked,
    inputs: &[&str],
    outputs: &[NodeId],
    weights: &dyn Fn(&str) -> Result<Weight<'a>>,
) -> Result<Network> {
    let inner = graph.graph();
    let named = |name: &&str| {
        let is_it =
            |source: &Source| matches!(source, Source::Input { .. }) && source.name() == Some(name);
        let found = inner.sources().find(|(_, source)| is_it(source));
        found.map(|(id, _)| id).ok_or_else(|| missing("input", name))
    };
    let inputs: Vec<NodeId> = inputs.iter().map(named).collect::<Result<_>>()?;
    let Some(&last) = outputs.iter().max_by_key(|output| output.index()) else {
        return Err(Error::usage("no output is named"));
    };
    let mut lowering = Lowering::new(graph, &inputs, outputs, weights)?;
    for id in inner.ids().take(last.index() + 1) {
        if lowering.needed[id.index()] {
            let value = lowering.node(id)?;
            lowering.values[id.index()] = Some(value);
        }
    }
    let values: Vec<Array> = outputs.iter().map(|&output| lowering.take(output)).collect();
    let value = match <[Array; 1]>::try_from(values) {
        Ok([value]) => value,
        Err(values) => {
            let elements: Vec<Element> = values.into_iter().flat_map(|it| it.elements).collect();
            Array { shape: vec![elements.len()], elements }
        }
    };
    let result = lowering.whole_layer(&value, id_origin(graph, last), last)?;
    Ok(Network::new(lowering.layers, result))
}

/// As [`lower`], but of an output that is a softmax or its logarithm the scores before it, which are in the same order; and
/// whether it is one.
///
/// # Errors
/// As [`lower`].
pub fn lower_scores<'a>(
    graph: &Checked,
    input: &str,
    output: &str,
    weights: &dyn Fn(&str) -> Result<Weight<'a>>,
) -> Result<(Network, bool)> {
    let inner = graph.graph();
    let node = inner.output(output).map(|id| inner.node(id));
    let scores = node.and_then(|node| match node.op() {
        Op::Softmax(Softmax::Probabilities { axis } | Softmax::Logarithms { axis }) => {
            let scores = node.operands()[0];
            // Along any other axis outputs are compared that were not normalised together.
            let rank = graph.shape(scores).dims().len();
            (rank == 2 && *axis == 1).then_some(scores)
        }
        _ => None, // not operations: everything else is its own score
    });
    let Some(scores) = scores else {
        return Ok((lower(graph, input, output, weights)?, false));
    };
    Ok((lower_nodes(graph, &[input], &[scores], weights)?, true))
}

fn id_origin(graph: &Checked, id: NodeId) -> Arc<Origin> {
    Arc::clone(graph.graph().node(id).origin())
}

struct Lowering<'g, 'a> {
    graph: &'g Checked,
    weights: &'g dyn Fn(&str) -> Result<Weight<'a>>,
    /// The inputs with the place of each one's first element among the network's.
    inputs: Vec<(NodeId, usize)>,
    layers: Vec<Layer>,
    values: Vec<Option<Array>>,
    /// Which nodes the output depends on.
    needed: Vec<bool>,
    /// How many needed nodes read each node.
    readers: Vec<usize>,
}

impl<'g, 'a> Lowering<'g, 'a> {
    fn new(
        graph: &'g Checked,
        inputs: &[NodeId],
        outputs: &[NodeId],
        weights: &'g dyn Fn(&str) -> Result<Weight<'a>>,
    ) -> Result<Self> {
        let nodes = graph.graph().nodes();
        let mut needed = vec![false; nodes.len()];
        let mut readers = vec![0; nodes.len()];
        for output in outputs {
            needed[output.index()] = true;
            readers[output.index()] += 1;
        }
        for id in graph.graph().ids().rev() {
            if needed[id.index()] {
                for operand in graph.graph().node(id).operands() {
                    needed[operand.index()] = true;
                    readers[operand.index()] += 1;
                }
            }
        }
        let values = nodes.iter().map(|_| None).collect();
        let Some(&first) = inputs.first() else {
            return Err(Error::usage("no input is named"));
        };
        let mut size = 0;
        let mut placed = Vec::with_capacity(inputs.len());
        for &input in inputs {
            placed.push((input, size));
            let own = graph.shape(input).elements(1).filter(|&own| own <= MOST_ELEMENTS - size);
            size += own.ok_or_else(|| too_large(&id_origin(graph, input)))?;
        }
        let step = Step::Input;
        let layers = vec![Layer { size, step, origin: id_origin(graph, first), node: first }];
        Ok(Lowering { graph, weights, inputs: placed, layers, values, needed, readers })
    }

    /// The value of a node for one of its readers, the last of which needs no copy.
    fn take(&mut self, id: NodeId) -> Array {
        self.readers[id.index()] -= 1;
        if self.readers[id.index()] == 0 {
            self.values[id.index()].take().unwrap_or_default()
        } else {
            self.values[id.index()].clone().unwrap_or_default()
        }
    }

    fn unsupported(&self, id: NodeId, why: &str) -> Error {
        let node = self.graph.graph().node(id);
        Error::unsupported(node.op().name(), "the prover", why).at(node.origin().to_string())
    }

    /// The elements of node `id`, whose operands have theirs.
    fn node(&mut self, id: NodeId) -> Result<Array> {
        let node = self.graph.graph().node(id);
        let shape = self.graph.shape(id).at(1);
        if self.graph.shape(id).elements(1).is_none_or(|size| size > MOST_ELEMENTS) {
            return Err(too_large(node.origin()));
        }
        let operands: Vec<Array> =
            node.operands().iter().map(|operand| self.take(*operand)).collect();
        let origin = Arc::clone(node.origin());
        match node.op() {
            Op::Source(source) => self.source(id, source, shape),
            Op::Linear(Linear::Affine) => self.affine(id, &operands, shape, &origin),
            Op::Linear(Linear::MatMul { transpose_a, transpose_b }) => {
                self.matmul(id, &operands, (*transpose_a, *transpose_b), shape, &origin)
            }
            Op::Arithmetic(op) => self.arithmetic(id, *op, &operands, shape, &origin),
            Op::Activation(activation) => self.activation(id, *activation, &operands[0], &origin),
            Op::Reduce(reduce) => {
                if let Reduction::Variance { correction } = reduce.kind {
                    let groups = operands[0].groups(&reduce.axes, &shape);
                    let divisor = groups.first().map_or(0, Vec::len) as f64 - correction as f64;
                    return self.variances(
                        id,
                        &operands[0],
                        &reduce.axes,
                        (divisor, shape),
                        &origin,
                    );
                }
                let groups = operands[0].groups(&reduce.axes, &shape);
                self.reduce(id, reduce.kind, groups, shape, &origin)
            }
            Op::Layout(layout) => match layout {
                Layout::Reshape { .. } => {
                    Ok(operands.into_iter().next().unwrap_or_default().reshaped(shape))
                }
                Layout::Permute { axes } => Ok(operands[0].permuted(axes, shape)),
                Layout::Concat { axis } => Ok(Array::concatenated(&operands, *axis, shape)),
                Layout::Slice { axis, start, .. } => Ok(operands[0].cut(*axis, *start, shape)),
                Layout::Pad { axis, before, .. } => Ok(operands[0].padded(*axis, *before, shape)),
                Layout::Broadcast { .. } => Ok(operands[0].broadcast(&shape)),
            },
            Op::ActivationGrad(_) => Err(self.unsupported(id, "derivatives are not bounded")),
            Op::Softmax(softmax) => match softmax {
                Softmax::Probabilities { axis } => {
                    self.softmax(id, *axis, false, &operands[0], &origin)
                }
                Softmax::Logarithms { axis } => {
                    self.softmax(id, *axis, true, &operands[0], &origin)
                }
                Softmax::ProbabilitiesGrad { .. } | Softmax::LogarithmsGrad { .. } => {
                    Err(self.unsupported(id, "derivatives are not bounded"))
                }
            },
            Op::Normalize(Normalize { grad: true, .. }) => {
                Err(self.unsupported(id, "derivatives are not bounded"))
            }
            Op::Normalize(Normalize { axes, eps, grad: false }) => {
                if axes.contains(&0) {
                    return Err(self.unsupported(id, "it mixes the rows of a batch"));
                }
                self.normalize(id, &operands[0], axes, *eps, &origin)
            }
            Op::Random(Random::DropoutMask { .. }) => {
                Err(self
                    .unsupported(id, "a random mask has no bounds; use the network as it predicts"))
            }
            Op::Gather(Gather::Embedding { .. } | Gather::EmbeddingGrad { .. }) => {
                Err(self.unsupported(id, "indices are no interval of reals"))
            }
            Op::Loss(_) => Err(self.unsupported(id, "losses are not bounded")),
        }
    }

    fn source(&mut self, id: NodeId, source: &Source, shape: Vec<usize>) -> Result<Array> {
        match source {
            Source::Input { name, dtype, .. } => {
                let place = self.inputs.iter().find(|(input, _)| *input == id);
                let Some(&(_, first)) = place else {
                    return Err(self.unsupported(id, &format!("{name:?} is a further input")));
                };
                match dtype {
                    DType::F32 | DType::F64 => Ok(Array::of_units(0, first, shape)),
                    DType::I64 | DType::Bool => {
                        Err(self.unsupported(id, "its elements are no floats"))
                    }
                }
            }
            Source::Parameter { name, .. } | Source::Buffer { name, .. } => {
                match (self.weights)(name)? {
                    Weight::Within(interval) => Ok(Array::full(shape, Element::Constant(interval))),
                    Weight::Fixed(tensor) => fixed(name, tensor, shape),
                }
            }
            Source::Constant(value) => {
                let value = f64::from(*value as f32);
                if !value.is_finite() {
                    return Err(self.unsupported(id, "the constant is not finite in f32"));
                }
                Ok(Array::full(shape, Element::Constant(Interval::point(value))))
            }
            Source::Count(of) => {
                let count = of.elements(1).unwrap_or(usize::MAX) as f64;
                Ok(Array::full(shape, Element::Constant(Interval::point(count))))
            }
        }
    }

    fn activation(
        &mut self,
        id: NodeId,
        activation: Activation,
        z: &Array,
        origin: &Arc<Origin>,
    ) -> Result<Array> {
        if let Some(constants) = z.constants() {
            let folded = constants.into_iter().map(|z| constant::activation(activation, z));
            let folded: Option<Vec<_>> = folded.collect();
            let folded = folded
                .ok_or_else(|| self.unsupported(id, "of a constant that it isn't known for"))?;
            return Ok(Array::of_constants(folded, z.shape.clone()));
        }
        let narrow = |slope: f64| f64::from(slope as f32);
        match activation {
            Activation::Relu => self.kink(z, 0.0, 1.0, origin, id),
            Activation::LeakyRelu { negative_slope } => {
                self.kink(z, narrow(negative_slope), 1.0, origin, id)
            }
            Activation::Abs => self.kink(z, -1.0, 1.0, origin, id),
            Activation::NegativePart => self.kink(z, 1.0, 0.0, origin, id),
            Activation::Negate => {
                let rows = z.elements.iter().map(|&z| Row::new().scaled(-1.0, z)).collect();
                self.push_rows(rows, false, z.shape.clone(), origin, id)
            }
            Activation::Hardtanh { min, max } => self.clip(z, narrow(min), narrow(max), origin, id),
            Activation::Relu6 => self.clip(z, 0.0, 6.0, origin, id),
            Activation::Hardsigmoid => {
                let three = Element::Constant(Interval::point(3.0));
                let rows = z.elements.iter().map(|&z| Row::new().scaled(1.0, z).scaled(1.0, three));
                let rows = rows.collect();
                let moved = self.push_rows(rows, true, z.shape.clone(), origin, id)?;
                let cut = self.clip(&moved, 0.0, 6.0, origin, id)?;
                let Some(sixth) = Interval::point(6.0).reciprocal() else { return Ok(cut) };
                let rows =
                    cut.elements.iter().map(|&y| Row::new().weighted(sixth.widened(1e-8), y));
                let rows = rows.collect();
                self.push_rows(rows, true, cut.shape.clone(), origin, id)
            }
            Activation::Gelu
            | Activation::GeluTanh
            | Activation::Silu
            | Activation::Softplus { .. }
            | Activation::Sigmoid
            | Activation::LogSigmoid
            | Activation::Tanh
            | Activation::Exp
            | Activation::Elu { .. }
            | Activation::Celu { .. }
            | Activation::Selu
            | Activation::Mish
            | Activation::Softsign
            | Activation::Square
            | Activation::Sqrt
            | Activation::Reciprocal
            | Activation::Expm1
            | Activation::Log
            | Activation::Log1p
            | Activation::Sin
            | Activation::Cos
            | Activation::Erf
            | Activation::Hardswish
            | Activation::Sign
            | Activation::Tan
            | Activation::Asin
            | Activation::Acos
            | Activation::Atan
            | Activation::Sinh
            | Activation::Cosh => {
                let of = self.whole_layer(z, Arc::clone(origin), id)?;
                self.push(Step::Smooth { of, function: activation }, z.shape.clone(), origin, id)
            }
        }
    }

    /// z cut to `[min, max]` as two kinks, exact over the reals: `max − relu(max − (min + relu(z − min)))`.
    fn clip(
        &mut self,
        z: &Array,
        min: f64,
        max: f64,
        origin: &Arc<Origin>,
        id: NodeId,
    ) -> Result<Array> {
        if !(min <= max && min.is_finite() && max.is_finite()) {
            return Err(self.unsupported(id, "its limits are not finite and in order"));
        }
        let constant = |value: f64| Element::Constant(Interval::point(value));
        let width = Interval::point(max).minus(Interval::point(min));
        let shape = z.shape.clone();
        let rows =
            z.elements.iter().map(|&z| Row::new().scaled(1.0, z).scaled(-1.0, constant(min)));
        let rows = rows.collect();
        let above_min = self.push_rows(rows, false, shape.clone(), origin, id)?;
        let lifted = self.kink(&above_min, 0.0, 1.0, origin, id)?;
        let rows = lifted.elements.iter();
        let rows = rows.map(|&y| Row::new().scaled(-1.0, y).scaled(1.0, Element::Constant(width)));
        let rows = rows.collect();
        let below_max = self.push_rows(rows, false, shape.clone(), origin, id)?;
        let cut = self.kink(&below_max, 0.0, 1.0, origin, id)?;
        let rows = cut.elements.iter();
        let rows = rows.map(|&y| Row::new().scaled(-1.0, y).scaled(1.0, constant(max)));
        let rows = rows.collect();
        self.push_rows(rows, false, shape, origin, id)
    }

    fn kink(
        &mut self,
        z: &Array,
        below: f64,
        above: f64,
        origin: &Arc<Origin>,
        id: NodeId,
    ) -> Result<Array> {
        if !below.is_finite() {
            return Err(self.unsupported(id, "its slope is not finite in f32"));
        }
        let of = self.whole_layer(z, Arc::clone(origin), id)?;
        self.push(Step::Kink { of, below, above }, z.shape.clone(), origin, id)
    }

    /// The layer whose units are exactly the elements of `value`, in their order; one that selects them if need be.
    fn whole_layer(&mut self, value: &Array, origin: Arc<Origin>, id: NodeId) -> Result<usize> {
        if let Some(layer) = value.is_layer(&self.layers) {
            return Ok(layer);
        }
        let rows = value.elements.iter().map(|&element| Row::new().scaled(1.0, element)).collect();
        self.push_rows(rows, false, value.shape.clone(), &origin, id)?;
        Ok(self.layers.len() - 1)
    }

    fn push(
        &mut self,
        step: Step,
        shape: Vec<usize>,
        origin: &Arc<Origin>,
        node: NodeId,
    ) -> Result<Array> {
        let size = shape.iter().product();
        self.layers.push(Layer { size, step, origin: Arc::clone(origin), node });
        Ok(Array::of_layer(self.layers.len() - 1, shape))
    }
}

fn too_large(origin: &Origin) -> Error {
    Error::new(ErrorKind::Limit, "a value has more than 2^24 elements for one row")
        .at(origin.to_string())
}

fn fixed(name: &str, tensor: &Tensor<f32>, shape: Vec<usize>) -> Result<Array> {
    if tensor.shape() != shape {
        return Err(Error::model(format!(
            "the array has shape {:?}, the network expects {shape:?}",
            tensor.shape()
        ))
        .at(format!("key {name:?}")));
    }
    let elements = tensor.data().iter().map(|&value| {
        value.is_finite().then(|| Element::Constant(Interval::point(f64::from(value))))
    });
    let elements: Option<Vec<_>> = elements.collect();
    let elements = elements
        .ok_or_else(|| Error::model("a weight is not finite").at(format!("key {name:?}")))?;
    Ok(Array { elements, shape })
}
