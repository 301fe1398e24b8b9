//! Building a graph, with shapes known as it grows.

use std::collections::HashSet;
use std::sync::Arc;

use super::op::{
    Activation, Arithmetic, Gather, Layout, Linear, Loss, Normalize, Op, Random, Reduce, Softmax,
    Source,
};
use super::{DType, Graph, Node, NodeId, NodeMap, Origin, Shape, Type};
use crate::error::{Error, Result};

/// Builds a [`Graph`] node by node. Every `push` infers the new node's type, so that a mistake is reported where
/// it is made, with the layer that is being built ([`Builder::set_origin`]).
#[derive(Clone, Debug, Default)]
pub struct Builder {
    graph: Graph,
    types: NodeMap<Type>,
    names: HashSet<(u8, String)>,
    origin: Arc<Origin>,
}

impl Builder {
    /// An empty graph.
    pub fn new() -> Self {
        Builder::default()
    }

    /// A builder that goes on where `graph` ends.
    ///
    /// # Errors
    /// When the graph does not check.
    pub fn extend(graph: Graph) -> Result<Self> {
        let mut builder = Builder::new();
        for node in graph.nodes {
            builder.origin = node.origin;
            builder.push(node.op, node.operands)?;
        }
        builder.graph.outputs = graph.outputs;
        builder.origin = Arc::default();
        Ok(builder)
    }

    /// The origin that following nodes get; the one that stood before is returned.
    pub fn set_origin(&mut self, origin: Origin) -> Arc<Origin> {
        std::mem::replace(&mut self.origin, Arc::new(origin))
    }

    /// Like [`Builder::set_origin`], with a shared origin.
    pub fn restore_origin(&mut self, origin: Arc<Origin>) {
        self.origin = origin;
    }

    /// Appends `op` over `operands` and returns its node.
    ///
    /// # Errors
    /// When an operand does not exist, a source's name is taken, or the operands' shapes or types do not fit;
    /// the message names the origin.
    pub fn push(&mut self, op: Op, operands: Vec<NodeId>) -> Result<NodeId> {
        let place = || self.origin.to_string();
        let mut types = Vec::with_capacity(operands.len());
        for &operand in &operands {
            types.push(self.types.get(operand).ok_or_else(|| {
                Error::network(format!(
                    "{} takes the value of a node that does not stand before it",
                    op.name()
                ))
                .at(place())
            })?);
        }
        let inferred = op.infer(&types).map_err(|error| match error.place() {
            Some(_) => error,
            None => error.at(place()),
        })?;
        if let Op::Source(source) = &op
            && let Some(name) = source.name()
            && !self.names.insert((source.sort(), name.to_owned()))
        {
            return Err(Error::network(format!("the name {name:?} is used twice")).at(place()));
        }
        let id = NodeId(u32::try_from(self.graph.nodes.len()).map_err(|_| {
            Error::new(crate::ErrorKind::Limit, "a graph holds at most 2^32 nodes")
        })?);
        self.types.insert(id, inferred);
        self.graph.nodes.push(Node { op, operands, origin: Arc::clone(&self.origin) });
        Ok(id)
    }

    /// Declares `id` as the output called `name`; a later output of that name replaces an earlier one.
    pub fn output(&mut self, name: impl Into<String>, id: NodeId) {
        let name = name.into();
        match self.graph.outputs.iter_mut().find(|(output, _)| *output == name) {
            Some(output) => output.1 = id,
            None => self.graph.outputs.push((name, id)),
        }
    }

    /// The graph as built so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The type of a node that was pushed here.
    pub fn type_of(&self, id: NodeId) -> &Type {
        &self.types[id]
    }

    /// The shape of a node that was pushed here.
    pub fn shape(&self, id: NodeId) -> &Shape {
        &self.types[id].shape
    }

    /// The finished graph.
    pub fn finish(self) -> Graph {
        self.graph
    }

    /// The finished graph with its types, which were inferred as it grew.
    pub fn finish_checked(self) -> super::Checked {
        super::Checked::from_parts(self.graph, self.types)
    }

    /// A value given at execution, such as the features of a batch.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn input(&mut self, name: &str, dtype: DType, shape: Shape) -> Result<NodeId> {
        self.push(Op::Source(Source::Input { name: name.into(), dtype, shape }), vec![])
    }

    /// A trainable array, named by its state-dict key.
    ///
    /// # Errors
    /// When the name is taken.
    pub fn parameter(&mut self, name: &str, shape: Shape) -> Result<NodeId> {
        self.push(Op::Source(Source::Parameter { name: name.into(), shape }), vec![])
    }

    /// A state-dict array that is not trained (running statistics).
    ///
    /// # Errors
    /// When the name is taken.
    pub fn buffer(&mut self, name: &str, shape: Shape) -> Result<NodeId> {
        self.push(Op::Source(Source::Buffer { name: name.into(), shape }), vec![])
    }

    /// The scalar `value`.
    pub fn constant(&mut self, value: f64) -> Result<NodeId> {
        self.push(Op::Source(Source::Constant(value)), vec![])
    }

    /// The number of elements of `shape` as a scalar.
    pub fn count(&mut self, shape: Shape) -> Result<NodeId> {
        self.push(Op::Source(Source::Count(shape)), vec![])
    }

    /// `x · weightᵀ + bias`: see [`Linear::Affine`].
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn affine(&mut self, x: NodeId, weight: NodeId, bias: Option<NodeId>) -> Result<NodeId> {
        let operands = [Some(x), Some(weight), bias].into_iter().flatten().collect();
        self.push(Op::Linear(Linear::Affine), operands)
    }

    /// A matrix product: see [`Linear::MatMul`].
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn matmul(
        &mut self,
        a: NodeId,
        b: NodeId,
        transpose_a: bool,
        transpose_b: bool,
    ) -> Result<NodeId> {
        self.push(Op::Linear(Linear::MatMul { transpose_a, transpose_b }), vec![a, b])
    }

    /// `a op b`, elementwise with broadcasting.
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn arithmetic(&mut self, op: Arithmetic, operands: &[NodeId]) -> Result<NodeId> {
        self.push(Op::Arithmetic(op), operands.to_vec())
    }

    /// `a + b`, elementwise with broadcasting.
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn add(&mut self, a: NodeId, b: NodeId) -> Result<NodeId> {
        self.arithmetic(Arithmetic::Add, &[a, b])
    }

    /// `a − b`, elementwise with broadcasting.
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn sub(&mut self, a: NodeId, b: NodeId) -> Result<NodeId> {
        self.arithmetic(Arithmetic::Sub, &[a, b])
    }

    /// `a · b`, elementwise with broadcasting.
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn mul(&mut self, a: NodeId, b: NodeId) -> Result<NodeId> {
        self.arithmetic(Arithmetic::Mul, &[a, b])
    }

    /// `a / b`, elementwise with broadcasting.
    ///
    /// # Errors
    /// When the shapes do not broadcast.
    pub fn div(&mut self, a: NodeId, b: NodeId) -> Result<NodeId> {
        self.arithmetic(Arithmetic::Div, &[a, b])
    }

    /// `a · factor`, elementwise; `a` itself when the factor is 1.
    pub fn scale(&mut self, a: NodeId, factor: f64) -> Result<NodeId> {
        if factor == 1.0 {
            return Ok(a);
        }
        let factor = self.constant(factor)?;
        self.mul(a, factor)
    }

    /// `f(z)`, elementwise.
    ///
    /// # Errors
    /// When the operand is not a float.
    pub fn activation(&mut self, activation: Activation, z: NodeId) -> Result<NodeId> {
        self.push(Op::Activation(activation), vec![z])
    }

    /// Softmax or its logarithm along an axis.
    ///
    /// # Errors
    /// When the axis does not exist.
    pub fn softmax(&mut self, softmax: Softmax, z: NodeId) -> Result<NodeId> {
        self.push(Op::Softmax(softmax), vec![z])
    }

    /// A reduction over axes.
    ///
    /// # Errors
    /// When an axis does not exist.
    pub fn reduce(&mut self, reduce: Reduce, x: NodeId) -> Result<NodeId> {
        self.push(Op::Reduce(reduce), vec![x])
    }

    /// The mean or sum over all axes, a scalar.
    pub fn reduce_all(&mut self, reduce: super::op::Reduction, x: NodeId) -> Result<NodeId> {
        let axes: Vec<usize> = (0..self.shape(x).rank()).collect();
        self.reduce(Reduce { kind: reduce, axes, keep: false }, x)
    }

    /// Standardises over axes: see [`Normalize`].
    ///
    /// # Errors
    /// When an axis does not exist.
    pub fn normalize(&mut self, normalize: Normalize, operands: &[NodeId]) -> Result<NodeId> {
        self.push(Op::Normalize(normalize), operands.to_vec())
    }

    /// A random source, such as a dropout mask.
    pub fn random(&mut self, random: Random) -> Result<NodeId> {
        self.push(Op::Random(random), vec![])
    }

    /// A table look-up: see [`Gather`].
    ///
    /// # Errors
    /// When the shapes or types do not fit.
    pub fn gather(&mut self, gather: Gather, operands: &[NodeId]) -> Result<NodeId> {
        self.push(Op::Gather(gather), operands.to_vec())
    }

    /// A change of layout: see [`Layout`].
    ///
    /// # Errors
    /// When the shapes do not fit.
    pub fn layout(&mut self, layout: Layout, operands: &[NodeId]) -> Result<NodeId> {
        self.push(Op::Layout(layout), operands.to_vec())
    }

    /// The same elements under another shape; the operand itself when the shape is its own.
    ///
    /// # Errors
    /// When the numbers of elements differ.
    pub fn reshape(&mut self, x: NodeId, shape: Shape) -> Result<NodeId> {
        if *self.shape(x) == shape {
            return Ok(x);
        }
        self.layout(Layout::Reshape { shape }, &[x])
    }

    /// The value repeated to `shape` by NumPy's rules; the operand itself when the shape is its own.
    ///
    /// # Errors
    /// When it does not broadcast to that shape.
    pub fn broadcast(&mut self, x: NodeId, shape: Shape) -> Result<NodeId> {
        if *self.shape(x) == shape {
            return Ok(x);
        }
        self.layout(Layout::Broadcast { shape }, &[x])
    }

    /// A loss operation: see [`Loss`].
    ///
    /// # Errors
    /// When the shapes or types do not fit.
    pub fn loss(&mut self, loss: Loss, operands: &[NodeId]) -> Result<NodeId> {
        self.push(Op::Loss(loss), operands.to_vec())
    }
}
