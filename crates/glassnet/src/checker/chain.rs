//! A network as a chain of layers over exact numbers, read from its graph.
//!
//! What is read is a path from the one input to the one output: products with weights, elementwise functions, scalings
//! by statistics (batch normalisation as it predicts), layer normalisation, rows that are looked up first. Along the path
//! a value may be kept (`Fork`) and added to a later one (`Join`), the last kept first: residual networks are chains.
//! Anything else is named and refused.

use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::number::Number;
use crate::error::{Error, Result};
use crate::graph::op::{Activation, Arithmetic, Gather, Layout, Linear, Op, Softmax, Source};
use crate::graph::{Checked, Dim, NodeId};
use crate::tensor::Tensor;

/// How exactly square roots are taken: the share of a root that is left out is at most `2^-ROOT_DIGITS`.
const ROOT_DIGITS: u64 = 200;

/// Weights by the names that the graph gives its parameters and buffers.
pub type Parameters<'a> = &'a dyn Fn(&str) -> Option<&'a Tensor<f32>>;

/// One layer.
#[derive(Clone, Debug)]
pub(super) enum Layer {
    /// `y[o] = Σ weight[o][i]·x[i] + bias[o]`.
    Affine(Affine),
    /// `y[i] = factor[i]·x[i] + shift[i]`.
    Scale(Scale),
    /// `y[i] = x[i]` where it is positive, else `slopes[i]·x[i]`.
    Kinked(Vec<Number>),
    /// Another elementwise function.
    Function(Activation),
    /// Softmax or its logarithm over all units.
    Softmax(Softmax),
    /// `(x − mean)/√(variance + eps)` over all units, scaled.
    Normalize(f64, Scale),
    /// Inputs and what they look up.
    Front(Vec<Element>),
    /// The value itself, which is kept beside the chain.
    Fork,
    /// The value and the one that was kept last, added.
    Join,
}

/// A matrix and a bias.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    pub(super) weight: Vec<Vec<Number>>,
    pub(super) bias: Vec<Number>,
}

/// A factor and a shift for each unit.
#[derive(Clone, Debug)]
pub(super) struct Scale {
    pub(super) factor: Vec<Number>,
    pub(super) shift: Vec<Number>,
    /// How many operations of the graph it is; each rounds in an f32 execution.
    pub(super) operations: usize,
}

impl Scale {
    fn one(width: usize) -> Self {
        let (factor, shift) = (vec![Number::one(); width], vec![Number::zero(); width]);
        Scale { factor, shift, operations: 0 }
    }
}

/// A number of the row that the first layer reads.
#[derive(Clone, Debug)]
pub(super) enum Element {
    /// An input.
    Input(usize),
    /// What an input looks up in a column of a table.
    Looked(usize, Arc<Vec<Number>>),
}

impl Element {
    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Element::Input(a), Element::Input(b)) => a == b,
            (Element::Looked(a, x), Element::Looked(b, y)) => {
                a == b && x.len() == y.len() && x.iter().zip(y.iter()).all(|(x, y)| x.is(y))
            }
            (Element::Input(_) | Element::Looked(..), _) => false,
        }
    }
}

/// The layers in order, and how many inputs there are.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) inputs: usize,
    pub(super) layers: Vec<Layer>,
    /// Whether numbers stand for irrational ones that are greater by a share of `2^-ROOT_DIGITS` at most.
    pub(super) has_roots: bool,
}

/// What a node is: a value on the chain, or what doesn't depend on it.
#[derive(Clone)]
enum Known {
    /// Inputs and what they look up.
    Row(Vec<Element>),
    /// The value that this node gave.
    Data(NodeId),
    /// The positive or negative part of a value before a PReLU adds them up.
    Part { of: NodeId, slopes: Option<Vec<Number>> },
    /// Numbers.
    Numbers(Vec<Number>),
    /// A matrix of weights.
    Matrix(Vec<Vec<Number>>),
}

/// Reads the chain of `graph`. With `less` square roots are taken smaller by a share of `2^(1 − ROOT_DIGITS)`: lemma: what
/// has the network's true roots differs from the chain by no more than the chain that is read with `less`, weight by weight,
/// and has no greater weights than that one.
pub(super) fn read<'a>(
    graph: &'a Checked,
    parameters: Parameters<'a>,
    less: bool,
) -> Result<Chain> {
    let [(_, output)] = graph.graph().outputs() else {
        return Err(Error::unsupported(
            "a network of several outputs",
            "the checker",
            "it has one",
        ));
    };
    let mut readers = vec![vec![]; graph.graph().nodes().len()];
    let mut needed = vec![false; readers.len()];
    needed[output.index()] = true;
    for id in graph.graph().ids().rev() {
        if !needed[id.index()] {
            continue;
        }
        for operand in graph.graph().node(id).operands() {
            readers[operand.index()].push(id);
        }
        graph.graph().node(id).operands().iter().for_each(|from| needed[from.index()] = true);
    }
    let chain = Chain { inputs: 0, layers: vec![], has_roots: false };
    let known = vec![None; readers.len()];
    let output = *output;
    let mut reader =
        Reader { graph, parameters, less, output, readers, known, chain, end: None, kept: vec![] };
    for id in graph.graph().ids().take(output.index() + 1).filter(|id| needed[id.index()]) {
        let known = reader.node(id)?;
        reader.known[id.index()] = Some(known);
    }
    reader.take(output, output)?;
    if reader.kept.is_empty() {
        Ok(reader.chain)
    } else {
        Err(refused(graph, output, "the output doesn't end a chain of layers"))
    }
}

/// What tells networks apart: their operations and the bits of their weights, whatever the names.
pub(super) fn digest(graph: &Checked, parameters: Parameters<'_>) -> Result<String> {
    let mut hash = Sha256::new();
    for id in graph.graph().ids() {
        let node = graph.graph().node(id);
        match node.op() {
            Op::Source(Source::Parameter { name, .. } | Source::Buffer { name, .. }) => {
                let tensor = parameters(name).ok_or_else(|| missing(name))?;
                hash.update(format!("weights {:?}\n", tensor.shape()));
                tensor.data().iter().for_each(|value| hash.update(value.to_bits().to_le_bytes()));
            }
            Op::Source(Source::Input { shape, .. }) => hash.update(format!("input {shape}\n")),
            op @ (Op::Source(Source::Constant(_) | Source::Count(_))
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
            | Op::Loss(_)) => {
                hash.update(op.name());
                for (name, value) in op.attributes().iter() {
                    hash.update(format!(" {name}={value}"));
                }
                for operand in node.operands() {
                    hash.update(format!(" %{}", operand.index()));
                }
                hash.update("\n");
            }
        }
    }
    Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

fn missing(name: &str) -> Error {
    Error::model(format!("there are no weights for {name:?}")).at(format!("key {name:?}"))
}

fn refused(graph: &Checked, id: NodeId, why: &str) -> Error {
    let node = graph.graph().node(id);
    Error::unsupported(node.op().name(), "the checker", why).at(node.origin().to_string())
}

struct Reader<'a> {
    graph: &'a Checked,
    parameters: Parameters<'a>,
    less: bool,
    output: NodeId,
    /// Which nodes read each node, of those that the output needs.
    readers: Vec<Vec<NodeId>>,
    known: Vec<Option<Known>>,
    chain: Chain,
    /// The value at the chain's end, and those that are kept.
    end: Option<NodeId>,
    kept: Vec<NodeId>,
}

impl Reader<'_> {
    fn refuse<T>(&self, id: NodeId, why: &str) -> Result<T> {
        Err(refused(self.graph, id, why))
    }

    fn known(&self, id: NodeId) -> Option<&Known> {
        self.known[id.index()].as_ref()
    }

    fn node(&mut self, id: NodeId) -> Result<Known> {
        let node = self.graph.graph().node(id);
        let operands = node.operands();
        let rank = self.graph.shape(id).rank();
        match node.op() {
            Op::Source(source) => self.source(source, id),
            Op::Linear(Linear::Affine) => self.affine(operands, id),
            Op::Activation(activation) => self.activation(*activation, operands[0], id),
            Op::Softmax(
                softmax @ (Softmax::Probabilities { axis } | Softmax::Logarithms { axis }),
            ) if *axis == 1 && rank == 2 => self.push(Layer::Softmax(*softmax), operands[0], id),
            Op::Normalize(op) if !op.grad && op.axes.iter().copied().eq(1..rank) => {
                let scale = Scale::one(self.width(id)?);
                // In f32 a constant is the nearest f32.
                self.push(Layer::Normalize(f64::from(op.eps as f32), scale), operands[0], id)
            }
            Op::Layout(Layout::Reshape { .. }) => match self.known(operands[0]) {
                Some(known @ (Known::Numbers(_) | Known::Row(_))) => Ok(known.clone()),
                Some(Known::Data(value)) => {
                    let value = *value;
                    self.width(id).map(|_| Known::Data(value))
                }
                Some(Known::Part { .. } | Known::Matrix(_)) | None => {
                    self.refuse(id, "rows and vectors are reshaped")
                }
            },
            Op::Layout(Layout::Slice { axis: 1, start, end }) if rank == 2 => {
                let row = self.row(operands[0], id)?;
                Ok(Known::Row(row.get(*start..*end).unwrap_or_default().to_vec()))
            }
            Op::Layout(Layout::Concat { axis: 1 }) if rank == 2 => {
                let rows = operands.iter().map(|&operand| self.row(operand, id));
                Ok(Known::Row(rows.collect::<Result<Vec<_>>>()?.concat()))
            }
            Op::Gather(Gather::Embedding { .. }) => self.look_up(operands, id),
            Op::Arithmetic(arithmetic) => self.arithmetic(*arithmetic, operands, id),
            Op::Linear(Linear::MatMul { .. })
            | Op::Softmax(_)
            | Op::Layout(
                Layout::Permute { .. }
                | Layout::Concat { .. }
                | Layout::Slice { .. }
                | Layout::Pad { .. }
                | Layout::Broadcast { .. },
            )
            | Op::ActivationGrad(_)
            | Op::Reduce(_)
            | Op::Normalize(_)
            | Op::Random(_)
            | Op::Gather(Gather::EmbeddingGrad { .. })
            | Op::Loss(_) => self.refuse(id, "certificates are about chains of layers"),
        }
    }

    fn source(&mut self, source: &Source, id: NodeId) -> Result<Known> {
        match source {
            Source::Input { .. } => {
                if self.chain.inputs > 0 {
                    return self.refuse(id, "one input of rows is read");
                }
                self.chain.inputs = self.width(id)?;
                Ok(Known::Row((0..self.chain.inputs).map(Element::Input).collect()))
            }
            Source::Parameter { name, .. } | Source::Buffer { name, .. } => {
                let tensor = (self.parameters)(name).ok_or_else(|| missing(name))?;
                let number = |value: &f32| {
                    Number::from_f64(f64::from(*value)).ok_or_else(|| {
                        Error::model(format!("{name} has a weight that is {value}"))
                            .at(format!("key {name:?}"))
                    })
                };
                let numbers: Vec<Number> =
                    tensor.data().iter().map(number).collect::<Result<_>>()?;
                match *tensor.shape() {
                    [_, columns] if columns > 0 => {
                        Ok(Known::Matrix(numbers.chunks(columns).map(<[Number]>::to_vec).collect()))
                    }
                    // The last: a row under a batch of one, the numbers of its units.
                    [_] | [] | [1, ..] => Ok(Known::Numbers(numbers)),
                    _ => self.refuse(id, "weights are matrices and vectors"), // not operations: shapes
                }
            }
            Source::Constant(value) => match Number::from_f64(f64::from(*value as f32)) {
                Some(number) => Ok(Known::Numbers(vec![number])),
                None => self.refuse(id, "it is not finite"),
            },
            Source::Count(_) => self.refuse(id, "it depends on the batch"),
        }
    }

    /// The number of units of a row.
    fn width(&self, id: NodeId) -> Result<usize> {
        let dims = self.graph.shape(id).dims().split_first();
        let fixed = |width: usize, dim: &Dim| match dim {
            Dim::Fixed(size) => width.checked_mul(*size).filter(|width| *width > 0),
            Dim::Batch => None,
        };
        dims.filter(|(batch, _)| **batch == Dim::Batch)
            .and_then(|(_, rest)| rest.iter().try_fold(1, fixed))
            .ok_or_else(|| refused(self.graph, id, "the batch is the first axis"))
    }

    fn row(&self, id: NodeId, user: NodeId) -> Result<Vec<Element>> {
        match self.known(id) {
            Some(Known::Row(row)) => Ok(row.clone()),
            Some(Known::Data(_) | Known::Part { .. } | Known::Numbers(_) | Known::Matrix(_))
            | None => self.refuse(user, "only inputs are cut and joined"),
        }
    }

    /// `y[…, d] = table[x[…]][d]`.
    fn look_up(&self, operands: &[NodeId], id: NodeId) -> Result<Known> {
        let [table, index] = operands else { return self.refuse(id, "a table is looked up") };
        let row = self.row(*index, id)?;
        let Some(Known::Matrix(table)) = self.known(*table) else {
            return self.refuse(id, "its table is computed");
        };
        let column = |at: usize| Arc::new(table.iter().map(|row| row[at].clone()).collect());
        let columns: Vec<Arc<Vec<Number>>> =
            (0..table.first().map_or(0, Vec::len)).map(column).collect();
        let mut looked = vec![];
        for element in row {
            let Element::Input(input) = element else {
                return self.refuse(id, "an index is an input");
            };
            looked.extend(columns.iter().map(|column| Element::Looked(input, Arc::clone(column))));
        }
        Ok(Known::Row(looked))
    }

    /// Makes `id` the value at the chain's end, which `user` reads.
    fn take(&mut self, id: NodeId, user: NodeId) -> Result<()> {
        match self.known(id) {
            Some(Known::Row(row)) if self.end.is_none() => {
                let is_input = |(at, element): (usize, &Element)| matches!(element, Element::Input(i) if *i == at);
                let row = row.clone();
                if row.len() != self.chain.inputs || !row.iter().enumerate().all(is_input) {
                    self.chain.layers.push(Layer::Front(row));
                }
                self.known[id.index()] = Some(Known::Data(id));
                self.arrive(id);
                Ok(())
            }
            Some(Known::Data(value)) if self.end == Some(*value) => Ok(()),
            Some(_) | None => self.refuse(user, "a value is used twice: the layers are no chain"),
        }
    }

    /// Notes that `id` is at the chain's end, and keeps it for everyone but the first who reads it.
    fn arrive(&mut self, id: NodeId) {
        self.end = Some(id);
        for _ in 1..self.uses(id) {
            self.chain.layers.push(Layer::Fork);
            self.kept.push(id);
        }
    }

    /// How often a value is read: a PReLU, which reads it twice, counts once.
    fn uses(&self, id: NodeId) -> usize {
        let op = |node: &NodeId| self.graph.graph().node(*node).op();
        let (mut uses, mut same) = (0, vec![id]);
        while let Some(id) = same.pop() {
            let readers = &self.readers[id.index()];
            let relu = readers.iter().any(|node| *op(node) == Op::Activation(Activation::Relu));
            for node in readers {
                match op(node) {
                    Op::Layout(Layout::Reshape { .. }) => same.push(*node),
                    Op::Activation(Activation::NegativePart) if relu => {}
                    _ => uses += 1, // not operations: who reads a value
                }
            }
            uses += usize::from(id == self.output);
        }
        uses
    }

    fn push(&mut self, layer: Layer, x: NodeId, id: NodeId) -> Result<Known> {
        self.take(x, id)?;
        self.chain.layers.push(layer);
        self.arrive(id);
        Ok(Known::Data(id))
    }

    fn affine(&mut self, operands: &[NodeId], id: NodeId) -> Result<Known> {
        if self.graph.shape(id).rank() != 2 {
            return self.refuse(id, "rows of one axis are read");
        }
        let Some(Known::Matrix(weight)) = self.known(operands[1]) else {
            return self.refuse(id, "its weight is computed");
        };
        let weight = weight.clone();
        let bias = match operands.get(2).map(|bias| self.known(*bias)) {
            None => vec![Number::zero(); weight.len()],
            Some(Some(Known::Numbers(bias))) => bias.clone(),
            Some(_) => return self.refuse(id, "its bias is computed"),
        };
        self.push(Layer::Affine(Affine { weight, bias }), operands[0], id)
    }

    fn activation(&mut self, activation: Activation, x: NodeId, id: NodeId) -> Result<Known> {
        if let Some(Known::Numbers(numbers)) = self.known(x) {
            if activation != Activation::Sqrt || !numbers.iter().all(Number::is_positive) {
                return self.refuse(id, "roots of positive statistics are read");
            }
            let less = Number::one().minus(&Number::power_of_two(1 - ROOT_DIGITS as i64));
            let root = |number: &Number| {
                let root = number.root(ROOT_DIGITS);
                if self.less { root.times(&less) } else { root }
            };
            let roots = numbers.iter().map(root).collect();
            self.chain.has_roots = true;
            return Ok(Known::Numbers(roots));
        }
        let width = self.width(id)?;
        let pair = [Activation::Relu, Activation::NegativePart];
        let of = |part| {
            let reads =
                |node: &&NodeId| *self.graph.graph().node(**node).op() == Op::Activation(part);
            self.readers[x.index()].iter().filter(reads).count() == 1
        };
        match (activation, self.known(x)) {
            (Activation::Relu | Activation::NegativePart, Some(Known::Data(_) | Known::Row(_)))
                if pair.into_iter().all(of) =>
            {
                if matches!(self.known(x), Some(Known::Row(_))) {
                    self.take(x, id)?;
                }
                let negative = activation == Activation::NegativePart;
                let slopes = negative.then(|| vec![Number::one(); width]);
                Ok(Known::Part { of: x, slopes })
            }
            (Activation::Relu, _) => self.push(Layer::Kinked(vec![Number::zero(); width]), x, id),
            (Activation::LeakyRelu { negative_slope }, _) => {
                let Some(slope) = Number::from_f64(f64::from(negative_slope as f32)) else {
                    return self.refuse(id, "its slope is not finite");
                };
                self.push(Layer::Kinked(vec![slope; width]), x, id)
            }
            (other, _) => self.push(Layer::Function(other), x, id),
        }
    }

    fn arithmetic(&mut self, op: Arithmetic, operands: &[NodeId], id: NodeId) -> Result<Known> {
        let [a, b] = operands else {
            return self.refuse(id, "certificates are about chains of layers");
        };
        match (op, self.known(*a), self.known(*b)) {
            (Arithmetic::Add, Some(Known::Numbers(x)), Some(Known::Numbers(y))) => {
                let sum = |at: usize| pick(x, at).plus(pick(y, at));
                Ok(Known::Numbers((0..x.len().max(y.len())).map(sum).collect()))
            }
            (
                Arithmetic::Mul,
                Some(Known::Numbers(slopes)),
                Some(Known::Part { of, slopes: Some(part) }),
            ) => {
                let slopes = (0..part.len()).map(|at| pick(slopes, at).clone()).collect();
                Ok(Known::Part { of: *of, slopes: Some(slopes) })
            }
            (
                Arithmetic::Add,
                Some(Known::Part { of, slopes: None }),
                Some(Known::Part { of: other, slopes: Some(slopes) }),
            ) if of == other => {
                let (of, slopes) = (*of, slopes.clone());
                self.push(Layer::Kinked(slopes), of, id)
            }
            (Arithmetic::Add, Some(Known::Data(x)), Some(Known::Data(y))) => {
                let (x, y) = (*x, *y);
                let kept = self.kept.last().copied();
                let meet = |end, other| self.end == Some(end) && kept == Some(other);
                let width = self.width(id)?;
                let fits = self.width(*a)? == width && self.width(*b)? == width;
                if !fits || !meet(x, y) && !meet(y, x) {
                    return self.refuse(id, "it adds what was not kept last");
                }
                self.kept.pop();
                self.chain.layers.push(Layer::Join);
                self.arrive(id);
                Ok(Known::Data(id))
            }
            (
                Arithmetic::Add | Arithmetic::Sub | Arithmetic::Mul | Arithmetic::Div,
                Some(Known::Data(_) | Known::Row(_)),
                Some(Known::Numbers(numbers)),
            ) => {
                let width = self.width(id)?;
                let whole = numbers.len() == width;
                let one = numbers.len() == 1 && self.graph.shape(id).rank() == 2;
                // A row that is repeated for each number is no scaling.
                if self.width(*a)? != width || !whole && !one {
                    return self.refuse(id, "it isn't a number for each unit");
                }
                let numbers: Vec<Number> = (0..width).map(|at| pick(numbers, at).clone()).collect();
                self.scale(op, &numbers, *a, id)
            }
            _ => self.refuse(id, "certificates are about chains of layers"), // not operations: what the operands are
        }
    }

    /// Appends `x op numbers`, joined with a scaling before it.
    fn scale(
        &mut self,
        op: Arithmetic,
        numbers: &[Number],
        x: NodeId,
        id: NodeId,
    ) -> Result<Known> {
        self.take(x, id)?;
        let last = self.chain.layers.last();
        if !matches!(last, Some(Layer::Scale(_) | Layer::Normalize(..))) {
            self.chain.layers.push(Layer::Scale(Scale::one(numbers.len())));
        }
        let Some(Layer::Scale(scale) | Layer::Normalize(_, scale)) = self.chain.layers.last_mut()
        else {
            return self.refuse(id, "certificates are about chains of layers");
        };
        for ((number, factor), shift) in numbers.iter().zip(&mut scale.factor).zip(&mut scale.shift)
        {
            match op {
                Arithmetic::Add => *shift = shift.plus(number),
                Arithmetic::Sub => *shift = shift.minus(number),
                Arithmetic::Mul => (*factor, *shift) = (factor.times(number), shift.times(number)),
                Arithmetic::Div => {
                    let Some(inverse) = number.reciprocal() else {
                        return self.refuse(id, "it divides by zero");
                    };
                    (*factor, *shift) = (factor.times(&inverse), shift.times(&inverse));
                }
                Arithmetic::Maximum
                | Arithmetic::Minimum
                | Arithmetic::Power
                | Arithmetic::Select => {
                    return self.refuse(id, "certificates are about chains of layers");
                }
            }
        }
        scale.operations += 1;
        self.arrive(id);
        Ok(Known::Data(id))
    }
}

/// The number at `at`, or the only one.
fn pick(numbers: &[Number], at: usize) -> &Number {
    if numbers.len() == 1 { &numbers[0] } else { &numbers[at] }
}
