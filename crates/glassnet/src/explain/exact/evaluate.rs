//! Node by node through the graph.

use std::sync::Arc;

use super::function::Function;
use super::number::{Numbers, Rational, rational, uncancelled};
use super::place::Place;
use super::{activation, arithmetic, loss, product, single};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::{Gather, Linear, Op, Source};
use crate::graph::{Checked, NodeId, NodeMap};
use crate::reference::{Array, Feeds};
use crate::tensor::Tensor;

/// How many products of numbers an evaluation may take.
pub const MAX_PRODUCTS: usize = 1_000_000;

/// How many places all values of a node may change at together.
pub const MAX_JUMPS: usize = 50_000;

/// What is to be evaluated.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// The graph.
    pub graph: &'a Checked,
    /// The values of its sources.
    pub feeds: &'a Feeds,
    /// The number of rows.
    pub batch: usize,
    /// What its floats stand for.
    pub numbers: Numbers,
    /// The source and the element of it that is the variable.
    pub moving: Option<(NodeId, usize)>,
}

/// The value of a node.
#[derive(Clone, Debug)]
pub enum Value {
    /// Its elements as functions of the moving element.
    Exact(Vec<Function>),
    /// Analytic functions between these places, and continuous.
    Smooth(Vec<Arc<Place>>),
    /// Nothing is known, and why.
    Unknown(String),
    /// Whole numbers.
    Index(Tensor<i64>),
}

/// The values of all nodes.
#[derive(Clone, Debug)]
pub struct Values {
    /// By node.
    pub values: NodeMap<Value>,
    /// Where constants were taken at their nearest f64 because they are no fractions: `layer "1" (Tanh): tanh`.
    pub rounded: Vec<String>,
}

impl Values {
    /// The fractions of a node.
    ///
    /// # Errors
    /// When its value is not known exactly, or moves.
    pub fn constants(&self, id: NodeId) -> Result<Vec<Rational>> {
        let moves = || Error::new(ErrorKind::Unsupported, "the value is not known exactly");
        match self.values.get(id) {
            Some(Value::Exact(elements)) => {
                let constant =
                    |element: &Function| element.as_constant().map(|value| value.reduced());
                elements.iter().map(|element| constant(element).ok_or_else(moves)).collect()
            }
            Some(Value::Smooth(_) | Value::Index(_)) | None => Err(moves()),
            Some(Value::Unknown(why)) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("the value is not known exactly: {why}"),
            )),
        }
    }
}

/// The value of every node of the graph.
///
/// # Errors
/// A source that is not fed, or not with finite numbers; more than [`MAX_PRODUCTS`] products or [`MAX_JUMPS`]
/// places (kind `Limit`).
///
/// ```
/// use glassnet::Tensor;
/// use glassnet::explain::exact::{Given, Numbers, Value, evaluate};
/// use glassnet::graph::{Builder, Shape, op::Activation};
/// use glassnet::reference::Feeds;
/// let mut builder = Builder::new();
/// let w = builder.parameter("w", Shape::from([1]))?;
/// let y = builder.activation(Activation::Relu, w)?;
/// let graph = builder.finish_checked();
/// let feeds = Feeds::new().state("w", Tensor::new([1], vec![0.5_f32])?);
/// let moving = Some((w, 0));
/// let found = evaluate(&Given { graph: &graph, feeds: &feeds, batch: 1, numbers: Numbers::Printed, moving })?;
/// let Value::Exact(elements) = &found.values[y] else { unreachable!() };
/// assert_eq!(elements[0].pieces().len(), 2);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn evaluate(given: &Given<'_>) -> Result<Values> {
    let graph = given.graph.graph();
    let mut found = Values { values: NodeMap::for_graph(graph), rounded: vec![] };
    let mut products = 0_usize;
    for id in graph.ids() {
        let node = graph.node(id);
        let operands: Vec<&Value> = node.operands().iter().map(|&id| &found.values[id]).collect();
        let step = Step { given, id, operands: &operands };
        products = products.saturating_add(step.products());
        if products > MAX_PRODUCTS {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("exact arithmetic stops at {MAX_PRODUCTS} products, the network with these rows needs more"),
            )
            .help("give fewer rows or a smaller network"));
        }
        let (value, rounded) = step.evaluate()?;
        if let Value::Exact(elements) = &value
            && elements.iter().map(|element| element.places().count()).sum::<usize>() > MAX_JUMPS
        {
            return Err(Error::new(
                ErrorKind::Limit,
                format!("exact arithmetic stops at {MAX_JUMPS} kinks, the network with these rows has more"),
            )
            .help("give fewer rows or a smaller network"));
        }
        if rounded {
            let note = format!("{}: {}", node.origin(), function_name(node.op()));
            if !found.rounded.contains(&note) {
                found.rounded.push(note);
            }
        }
        found.values.insert(id, value);
    }
    Ok(found)
}

fn function_name(op: &Op) -> &'static str {
    op.name()
}

/// One node with its operands' values.
pub(super) struct Step<'a> {
    pub(super) given: &'a Given<'a>,
    pub(super) id: NodeId,
    pub(super) operands: &'a [&'a Value],
}

/// A value, and whether something in it was rounded to f64.
pub(super) type Found = Result<(Value, bool)>;

impl Step<'_> {
    /// How many products the node takes, roughly.
    fn products(&self) -> usize {
        let graph = self.given.graph;
        let node = graph.graph().node(self.id);
        let elements =
            |id: NodeId| graph.shape(id).elements(self.given.batch).unwrap_or(usize::MAX);
        match node.op() {
            Op::Linear(Linear::Affine | Linear::MatMul { .. }) => {
                let result = elements(self.id);
                let first = elements(node.operands()[0]);
                let rows = graph
                    .shape(self.id)
                    .last()
                    .map_or(1, |last| result / last.at(self.given.batch).max(1));
                result.saturating_mul(first / rows.max(1))
            }
            Op::Source(_)
            | Op::Arithmetic(_)
            | Op::Activation(_)
            | Op::ActivationGrad(_)
            | Op::Softmax(_)
            | Op::Reduce(_)
            | Op::Normalize(_)
            | Op::Random(_)
            | Op::Gather(_)
            | Op::Layout(_)
            | Op::Loss(_) => elements(self.id),
        }
    }

    /// The type's shape for the given rows.
    pub(super) fn shape(&self, id: NodeId) -> Vec<usize> {
        self.given.graph.shape(id).at(self.given.batch)
    }

    /// The node of operand `index`.
    pub(super) fn operand(&self, index: usize) -> NodeId {
        self.given.graph.graph().node(self.id).operands()[index]
    }

    /// The elements of all operands, if all are known exactly.
    pub(super) fn exact(&self) -> Option<Vec<&[Function]>> {
        self.operands
            .iter()
            .map(|value| match value {
                Value::Exact(elements) => Some(elements.as_slice()),
                Value::Smooth(_) | Value::Unknown(_) | Value::Index(_) => None,
            })
            .collect()
    }

    /// Whether no operand moves.
    pub(super) fn stands_still(&self) -> bool {
        self.operands.iter().all(|value| match value {
            Value::Exact(elements) => elements.iter().all(Function::is_constant),
            Value::Index(_) => true,
            Value::Smooth(_) | Value::Unknown(_) => false,
        })
    }

    /// What an analytic operation makes of its operands: constants at the nearest f64, or kinks passed on.
    pub(super) fn analytic(&self) -> Found {
        if self.stands_still() {
            return single::rounded(self).map(|value| (value, true));
        }
        Ok((self.passed_on(), false))
    }

    /// The kinks of all operands, or why nothing is known.
    pub(super) fn passed_on(&self) -> Value {
        let mut places: Vec<Arc<Place>> = vec![];
        for value in self.operands {
            match value {
                Value::Exact(elements) => {
                    places.extend(elements.iter().flat_map(Function::places).cloned());
                }
                Value::Smooth(known) => places.extend(known.iter().cloned()),
                Value::Unknown(why) => return Value::Unknown(why.clone()),
                Value::Index(_) => {}
            }
        }
        places.sort();
        places.dedup();
        Value::Smooth(places)
    }

    /// Nothing is known, with the node's origin.
    pub(super) fn unknown(&self, why: &str) -> Value {
        let known = self.operands.iter().find_map(|value| match value {
            Value::Unknown(earlier) => Some(earlier.clone()),
            Value::Exact(_) | Value::Smooth(_) | Value::Index(_) => None,
        });
        Value::Unknown(known.unwrap_or_else(|| {
            format!("{}: {why}", self.given.graph.graph().node(self.id).origin())
        }))
    }

    /// An operation that is exact on exact operands and analytic on smooth ones.
    pub(super) fn polynomial(
        &self,
        compute: impl FnOnce(&[&[Function]]) -> Vec<Function>,
    ) -> Found {
        Ok(match self.exact() {
            Some(operands) => (Value::Exact(compute(&operands)), false),
            None => (self.passed_on(), false),
        })
    }

    /// An operation whose result is known only where nothing moves.
    pub(super) fn constant_only(&self, why: &str) -> Found {
        if self.stands_still() {
            return single::rounded(self).map(|value| (value, true));
        }
        Ok((self.unknown(why), false))
    }

    fn evaluate(&self) -> Found {
        let node = self.given.graph.graph().node(self.id);
        match node.op() {
            Op::Source(source) => self.source(source).map(|value| (value, false)),
            Op::Linear(op) => product::evaluate(self, *op),
            Op::Arithmetic(op) => arithmetic::evaluate(self, *op),
            Op::Activation(op) => activation::evaluate(self, *op),
            Op::ActivationGrad(op) => activation::gradient(self, op.0),
            Op::Softmax(_) => self.analytic(),
            Op::Reduce(op) => arithmetic::reduce(self, op),
            Op::Normalize(op) if op.eps > 0.0 => self.analytic(),
            Op::Normalize(_) => self.constant_only("divides by a deviation that may be 0"),
            Op::Random(_) => self.fed_mask().map(|value| (value, false)),
            Op::Gather(Gather::Embedding { .. }) => single::looked_up(self),
            Op::Gather(Gather::EmbeddingGrad { .. }) => {
                self.constant_only("a look-up's derivative is not followed")
            }
            Op::Layout(_) => single::moved(self),
            Op::Loss(op) => loss::evaluate(self, *op),
        }
    }

    fn source(&self, source: &Source) -> Result<Value> {
        let array = match source {
            Source::Constant(value) => {
                return Ok(Value::Exact(vec![Function::constant(rational(
                    *value,
                    self.given.numbers,
                )?)]));
            }
            Source::Input { .. }
            | Source::Parameter { .. }
            | Source::Buffer { .. }
            | Source::Count(_) => single::source(self)?,
        };
        match array {
            Array::Index(indices) => Ok(Value::Index(indices)),
            Array::Float(tensor) => self.elements(&tensor, source.name().unwrap_or("a count")),
        }
    }

    fn elements(&self, tensor: &Tensor<f64>, name: &str) -> Result<Value> {
        let moving = self.given.moving.filter(|(id, _)| *id == self.id).map(|(_, element)| element);
        let element = |(index, &value): (usize, &f64)| {
            if moving == Some(index) {
                return Ok(Function::variable());
            }
            let value = uncancelled(value, self.given.numbers)
                .map_err(|error| error.at(format!("element {index} of {name:?}")))?;
            Ok(Function::constant(value))
        };
        tensor.data().iter().enumerate().map(element).collect::<Result<_>>().map(Value::Exact)
    }

    fn fed_mask(&self) -> Result<Value> {
        match single::source(self)? {
            Array::Float(mask) => self.elements(&mask, "the dropout mask"),
            Array::Index(_) => Ok(self.unknown("a mask of whole numbers")),
        }
    }
}
