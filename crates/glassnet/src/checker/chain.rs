//! A network as a chain of layers over exact numbers, read from its graph.
//!
//! What is read is a path from the one input to the one output: products with weights, elementwise functions, scalings
//! by statistics (batch normalisation as it predicts). Anything else is named and refused.

use sha2::{Digest, Sha256};

use super::number::Number;
use crate::error::{Error, Result};
use crate::graph::op::{Activation, Arithmetic, Layout, Linear, Op, Softmax, Source};
use crate::graph::{Checked, Dim, NodeId, NodeMap};
use crate::tensor::Tensor;

/// How exactly square roots are taken: the share of the root that is left out is at most `2^-ROOT_DIGITS`.
const ROOT_DIGITS: u64 = 200;
/// The relative error of a scaling that a root went into.
const DOUBT_EXPONENT: i64 = -190;

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
}

/// A matrix and a bias, each perhaps in doubt where a root went into it: the true weight differs by at most the share
/// `doubt` of itself, the true bias by at most `bias_doubt`.
#[derive(Clone, Debug)]
pub(super) struct Affine {
    pub(super) weight: Vec<Vec<Number>>,
    pub(super) bias: Vec<Number>,
    pub(super) doubt: Number,
    pub(super) bias_doubt: Vec<Number>,
}

impl Affine {
    pub(super) fn sure(weight: Vec<Vec<Number>>, bias: Vec<Number>) -> Self {
        let bias_doubt = vec![Number::zero(); bias.len()];
        Affine { weight, bias, doubt: Number::zero(), bias_doubt }
    }

    pub(super) fn is_sure(&self) -> bool {
        self.doubt.is_zero() && self.bias_doubt.iter().all(Number::is_zero)
    }
}

/// A factor and a shift for each unit; doubts as in [`Affine`].
#[derive(Clone, Debug)]
pub(super) struct Scale {
    pub(super) factor: Vec<Number>,
    pub(super) shift: Vec<Number>,
    pub(super) doubt: Number,
    pub(super) shift_doubt: Vec<Number>,
    /// How many operations of the graph it is; each rounds in an f32 execution.
    pub(super) operations: usize,
}

/// The layers in order, and how many inputs there are.
#[derive(Clone, Debug)]
pub(super) struct Chain {
    pub(super) inputs: usize,
    pub(super) layers: Vec<Layer>,
}

/// What a node is: the network's data so far, or numbers that don't depend on the input.
enum Known {
    /// The output of so many layers of the chain.
    Data(usize),
    /// The positive or negative part of the data before a PReLU adds them up.
    Part { of: usize, slopes: Option<Vec<Number>> },
    /// Numbers, and the relative error they may have.
    Numbers(Vec<Number>, Number),
    /// A matrix of weights.
    Matrix(Vec<Vec<Number>>),
}

/// Reads the chain of `graph`.
pub(super) fn read<'a>(graph: &'a Checked, parameters: Parameters<'a>) -> Result<Chain> {
    let mut reader = Reader {
        graph,
        parameters,
        known: NodeMap::for_graph(graph.graph()),
        chain: Chain { inputs: 0, layers: vec![] },
    };
    let [(_, output)] = graph.graph().outputs() else {
        return Err(Error::unsupported(
            "a network of several outputs",
            "the checker",
            "it has one",
        ));
    };
    for id in graph.graph().ids().take(output.index() + 1) {
        let known = reader.node(id)?;
        reader.known.insert(id, known);
    }
    match reader.known.get(*output) {
        Some(Known::Data(at)) if *at == reader.chain.layers.len() => Ok(reader.chain),
        Some(_) | None => Err(refused(graph, *output, "the output doesn't end a chain of layers")),
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
    known: NodeMap<Known>,
    chain: Chain,
}

impl Reader<'_> {
    fn node(&mut self, id: NodeId) -> Result<Known> {
        let node = self.graph.graph().node(id);
        let operands = node.operands();
        match node.op() {
            Op::Source(source) => self.source(source, id),
            Op::Linear(Linear::Affine) => self.affine(operands, id),
            Op::Activation(activation) => self.activation(*activation, operands[0], id),
            Op::Softmax(
                softmax @ (Softmax::Probabilities { axis } | Softmax::Logarithms { axis }),
            ) => {
                if *axis != 1 || self.graph.shape(id).rank() != 2 {
                    return Err(refused(self.graph, id, "it is read over the units of a row"));
                }
                self.data(operands[0], id)?;
                self.push(Layer::Softmax(*softmax))
            }
            Op::Layout(Layout::Reshape { .. }) => self.reshape(operands[0], id),
            Op::Arithmetic(arithmetic) => self.arithmetic(*arithmetic, operands, id),
            Op::Linear(Linear::MatMul { .. })
            | Op::Softmax(Softmax::ProbabilitiesGrad { .. } | Softmax::LogarithmsGrad { .. })
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
            | Op::Gather(_)
            | Op::Loss(_) => {
                Err(refused(self.graph, id, "certificates are about chains of layers"))
            }
        }
    }

    fn source(&mut self, source: &Source, id: NodeId) -> Result<Known> {
        match source {
            Source::Input { shape, .. } => {
                let width = shape.dims().iter().skip(1).try_fold(1_usize, |width, dim| match dim {
                    Dim::Fixed(size) => width.checked_mul(*size),
                    Dim::Batch => None,
                });
                let first = self.chain.inputs == 0 && shape.dims().first() == Some(&Dim::Batch);
                self.chain.inputs = width
                    .filter(|width| first && *width > 0)
                    .ok_or_else(|| refused(self.graph, id, "one input of rows is read"))?;
                Ok(Known::Data(0))
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
                    [_] | [] => Ok(Known::Numbers(numbers, Number::zero())),
                    // A row under a batch of one: the numbers of its units.
                    [1, ..] => Ok(Known::Numbers(numbers, Number::zero())),
                    _ => Err(refused(self.graph, id, "weights are matrices and vectors")), // not operations: shapes
                }
            }
            Source::Constant(value) => {
                // In f32 a constant is the nearest f32.
                let number = Number::from_f64(f64::from(*value as f32))
                    .ok_or_else(|| refused(self.graph, id, "it is not finite"))?;
                Ok(Known::Numbers(vec![number], Number::zero()))
            }
            Source::Count(_) => Err(refused(self.graph, id, "it depends on the batch")),
        }
    }

    /// Checks that `id` is the chain's end so far.
    fn data(&self, id: NodeId, user: NodeId) -> Result<()> {
        match self.known.get(id) {
            Some(Known::Data(at)) if *at == self.chain.layers.len() => Ok(()),
            Some(_) | None => {
                Err(refused(self.graph, user, "a value is used twice: the layers are no chain"))
            }
        }
    }

    fn push(&mut self, layer: Layer) -> Result<Known> {
        self.chain.layers.push(layer);
        Ok(Known::Data(self.chain.layers.len()))
    }

    fn affine(&mut self, operands: &[NodeId], id: NodeId) -> Result<Known> {
        if self.graph.shape(id).rank() != 2 {
            return Err(refused(self.graph, id, "rows of one axis are read"));
        }
        self.data(operands[0], id)?;
        let Some(Known::Matrix(weight)) = self.known.get(operands[1]) else {
            return Err(refused(self.graph, id, "its weight is computed"));
        };
        let weight = weight.clone();
        let bias = match operands.get(2).map(|bias| self.known.get(*bias)) {
            None => vec![Number::zero(); weight.len()],
            Some(Some(Known::Numbers(bias, doubt))) if doubt.is_zero() => bias.clone(),
            Some(_) => return Err(refused(self.graph, id, "its bias is computed")),
        };
        self.push(Layer::Affine(Affine::sure(weight, bias)))
    }

    fn activation(&mut self, activation: Activation, x: NodeId, id: NodeId) -> Result<Known> {
        if let Some(Known::Numbers(numbers, doubt)) = self.known.get(x) {
            let rooted = activation == Activation::Sqrt
                && doubt.is_zero()
                && numbers.iter().all(Number::is_positive);
            if !rooted {
                return Err(refused(self.graph, id, "roots of positive statistics are read"));
            }
            let roots = numbers.iter().map(|number| number.root(ROOT_DIGITS)).collect();
            return Ok(Known::Numbers(roots, Number::power_of_two(DOUBT_EXPONENT)));
        }
        self.data(x, id)?;
        let width = self.width(id)?;
        let end = self.chain.layers.len();
        let users = self.graph.graph().nodes().iter();
        let used = users.filter(|node| node.operands().contains(&x)).count();
        match activation {
            Activation::Relu if used == 2 => Ok(Known::Part { of: end, slopes: None }),
            Activation::NegativePart if used == 2 => {
                Ok(Known::Part { of: end, slopes: Some(vec![Number::one(); width]) })
            }
            Activation::Relu => self.push(Layer::Kinked(vec![Number::zero(); width])),
            Activation::LeakyRelu { negative_slope } => {
                let slope = Number::from_f64(f64::from(negative_slope as f32))
                    .ok_or_else(|| refused(self.graph, id, "its slope is not finite"))?;
                self.push(Layer::Kinked(vec![slope; width]))
            }
            other => self.push(Layer::Function(other)),
        }
    }

    fn reshape(&mut self, x: NodeId, id: NodeId) -> Result<Known> {
        match self.known.get(x) {
            Some(Known::Numbers(numbers, doubt)) => {
                Ok(Known::Numbers(numbers.clone(), doubt.clone()))
            }
            Some(Known::Data(_)) => {
                self.data(x, id)?;
                self.width(id)?;
                Ok(Known::Data(self.chain.layers.len()))
            }
            Some(Known::Part { .. } | Known::Matrix(_)) | None => {
                Err(refused(self.graph, id, "rows and vectors are reshaped"))
            }
        }
    }

    /// The number of units of a row.
    fn width(&self, id: NodeId) -> Result<usize> {
        let dims = self.graph.shape(id).dims();
        match dims {
            [Dim::Batch, rest @ ..] if !rest.is_empty() => rest
                .iter()
                .try_fold(1_usize, |width, dim| match dim {
                    Dim::Fixed(size) => width.checked_mul(*size),
                    Dim::Batch => None,
                })
                .ok_or_else(|| refused(self.graph, id, "the batch is the first axis")),
            _ => Err(refused(self.graph, id, "the batch is the first axis")), // not operations: shapes
        }
    }

    fn arithmetic(&mut self, op: Arithmetic, operands: &[NodeId], id: NodeId) -> Result<Known> {
        let [a, b] = operands else {
            return Err(refused(self.graph, id, "certificates are about chains of layers"));
        };
        let (left, right) = (self.known.get(*a), self.known.get(*b));
        match (op, left, right) {
            (Arithmetic::Add, Some(Known::Numbers(x, p)), Some(Known::Numbers(y, q)))
                if p.is_zero() && q.is_zero() =>
            {
                let sum = |at: usize| pick(x, at).plus(pick(y, at));
                let sums = (0..x.len().max(y.len())).map(sum).collect();
                Ok(Known::Numbers(sums, Number::zero()))
            }
            (
                Arithmetic::Mul,
                Some(Known::Numbers(slopes, doubt)),
                Some(Known::Part { of, slopes: Some(part) }),
            ) if doubt.is_zero() => {
                let slopes = (0..part.len()).map(|at| pick(slopes, at).clone()).collect();
                Ok(Known::Part { of: *of, slopes: Some(slopes) })
            }
            (
                Arithmetic::Add,
                Some(Known::Part { of, slopes: None }),
                Some(Known::Part { of: other, slopes: Some(slopes) }),
            ) if of == other && *of == self.chain.layers.len() => {
                let slopes = slopes.clone();
                self.push(Layer::Kinked(slopes))
            }
            (
                Arithmetic::Add | Arithmetic::Sub | Arithmetic::Mul | Arithmetic::Div,
                Some(Known::Data(_)),
                Some(Known::Numbers(numbers, doubt)),
            ) => {
                let (numbers, doubt) = (numbers.clone(), doubt.clone());
                self.data(*a, id)?;
                let width = self.width(id)?;
                if self.graph.shape(id).rank() != 2 && numbers.len() != width {
                    return Err(refused(self.graph, id, "rows of one axis are read"));
                }
                if numbers.len() != 1 && numbers.len() != width {
                    return Err(refused(self.graph, id, "it isn't a number for each unit"));
                }
                let numbers: Vec<Number> =
                    (0..width).map(|at| pick(&numbers, at).clone()).collect();
                self.scale(op, numbers, doubt, id)
            }
            _ => Err(refused(self.graph, id, "certificates are about chains of layers")), // not operations: what the operands are
        }
    }

    /// Appends `x op numbers`, joined with a scaling before it.
    fn scale(
        &mut self,
        op: Arithmetic,
        numbers: Vec<Number>,
        doubt: Number,
        id: NodeId,
    ) -> Result<Known> {
        let width = numbers.len();
        let mut scale = match self.chain.layers.pop() {
            Some(Layer::Scale(scale)) => scale,
            other => {
                self.chain.layers.extend(other);
                Scale {
                    factor: vec![Number::one(); width],
                    shift: vec![Number::zero(); width],
                    doubt: Number::zero(),
                    shift_doubt: vec![Number::zero(); width],
                    operations: 0,
                }
            }
        };
        for (at, number) in numbers.iter().enumerate() {
            match op {
                Arithmetic::Add => scale.shift[at] = scale.shift[at].plus(number),
                Arithmetic::Sub => scale.shift[at] = scale.shift[at].minus(number),
                Arithmetic::Mul | Arithmetic::Div => {
                    let number = if op == Arithmetic::Div {
                        number
                            .reciprocal()
                            .ok_or_else(|| refused(self.graph, id, "it divides by zero"))?
                    } else {
                        number.clone()
                    };
                    scale.factor[at] = scale.factor[at].times(&number);
                    scale.shift[at] = scale.shift[at].times(&number);
                    // Shares of a share are far below the room that the exponent of doubt leaves.
                    scale.shift_doubt[at] = scale.shift_doubt[at]
                        .times(&number.abs())
                        .plus(&scale.shift[at].abs().times(&doubt));
                }
                Arithmetic::Maximum
                | Arithmetic::Minimum
                | Arithmetic::Power
                | Arithmetic::Select => {
                    return Err(refused(self.graph, id, "certificates are about chains of layers"));
                }
            }
        }
        scale.doubt = scale.doubt.plus(&doubt);
        scale.operations += 1;
        self.chain.layers.push(Layer::Scale(scale));
        Ok(Known::Data(self.chain.layers.len()))
    }
}

/// The number at `at`, or the only one.
fn pick(numbers: &[Number], at: usize) -> &Number {
    if numbers.len() == 1 { &numbers[0] } else { &numbers[at] }
}
