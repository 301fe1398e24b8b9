//! A graph that is a plain chain of layers, as layers.
//!
//! The nodes that every path passes are the chain's joints; between two joints stands a layer, or a part of one.
//! Whatever a file calls it and makes it of, a layer is recognised by what it computes: products and normalisations by
//! their operations, activations of several nodes by their values ([`function`]).

mod function;
mod names;
mod walk;

use glassnet::Tensor;
use std::collections::HashSet;

use glassnet::graph::op::{
    Activation, Arithmetic, Gather, Layout, Linear, Normalize, Softmax, Source,
};
use glassnet::graph::{Checked, Dim, NodeId, Op};
use glassnet::nn::{self, Module, Network, Scalar, StateDict};

use function::Segment;
use walk::{Joints, joints};

/// A layer of the chain and the arrays that it reads: their key in the layer, their key in the file's graph, their shape in
/// the layer.
struct Link {
    module: Module,
    arrays: Vec<(String, String, Vec<usize>)>,
}

impl Link {
    fn plain(module: impl Into<Module>) -> Self {
        Link { module: module.into(), arrays: vec![] }
    }
}

/// The network that the graph is, and what its keys were called; `None` if it is no chain of layers.
pub(super) fn network(
    graph: &Checked,
    state: &StateDict,
) -> Option<(Network, Vec<(String, String)>)> {
    let Joints { input, joints } = joints(graph)?;
    let chain = Chain { graph, state, ids: graph.graph().ids().collect() };
    let links = chain.links(input, &joints, 0)?;
    let names = names::names(&links);
    let mut own = StateDict::new();
    let mut renamed = vec![];
    let mut children = vec![];
    let mut used = HashSet::new();
    for (link, name) in links.into_iter().zip(&names) {
        for (suffix, key, shape) in link.arrays {
            // An array that two layers share would be two in a module.
            if !used.insert(key.clone()) {
                return None;
            }
            let array = state.get(&key)?.as_f32()?.clone().reshape(shape).ok()?;
            let own_key = format!("{name}.{suffix}");
            if own_key != key {
                renamed.push((own_key.clone(), key));
            }
            own.insert(own_key, array);
        }
        children.push((name.clone(), link.module));
    }
    let positional = names.iter().enumerate().all(|(at, name)| *name == at.to_string());
    let module = if positional {
        nn::sequential(children.into_iter().map(|(_, child)| child))
    } else {
        nn::named(children)
    };
    let network = Network::with_state(module, &own).ok()?;
    Some((network, renamed))
}

/// An array of a layer: its key there, its key in the graph, its shape there.
fn own(suffix: &str, key: &str, shape: Vec<usize>) -> (String, String, Vec<usize>) {
    (suffix.to_owned(), key.to_owned(), shape)
}

struct Chain<'a> {
    graph: &'a Checked,
    state: &'a StateDict,
    /// All nodes, in order.
    ids: Vec<NodeId>,
}

/// How deep layers with a skip connection stand in one another.
const DEEPEST: usize = 8;

impl Chain<'_> {
    /// The layers from `input` through all joints.
    fn links(&self, input: NodeId, joints: &[NodeId], depth: usize) -> Option<Vec<Link>> {
        let mut links = vec![];
        let mut from = input;
        let mut rest = joints;
        while let [to, ..] = *rest {
            let (link, taken) = self
                .batch_norm(from, rest)
                .or_else(|| self.layer_norm(from, rest))
                .or_else(|| self.activation(from, rest))
                .or_else(|| Some((vec![self.link(from, to, depth)?], 1)))?;
            links.extend(link);
            from = rest[taken - 1];
            rest = &rest[taken..];
        }
        Some(links)
    }

    /// The nodes behind one, up to another.
    fn between(&self, from: NodeId, to: NodeId) -> &[NodeId] {
        &self.ids[from.index() + 1..=to.index().max(from.index())]
    }

    fn segment(&self, from: NodeId, to: NodeId) -> Segment<'_> {
        Segment { graph: self.graph, state: self.state, ids: self.between(from, to), from, to }
    }

    fn op(&self, id: NodeId) -> &Op {
        self.graph.graph().node(id).op()
    }

    fn operands(&self, id: NodeId) -> &[NodeId] {
        self.graph.graph().node(id).operands()
    }

    /// The key of a parameter or buffer, seen through changes of its shape.
    fn array(&self, id: NodeId) -> Option<&str> {
        match self.op(id) {
            Op::Source(Source::Parameter { name, .. } | Source::Buffer { name, .. }) => Some(name),
            Op::Layout(Layout::Reshape { .. }) => self.array(self.operands(id)[0]),
            _ => None, // not operations: whatever else is no array of the file
        }
    }

    fn constant(&self, id: NodeId) -> Option<f64> {
        match self.op(id) {
            Op::Source(Source::Constant(value)) => Some(*value),
            _ => None, // not operations: whatever else is no number
        }
    }

    fn length(&self, key: &str) -> Option<usize> {
        self.state.get(key)?.as_f32().map(Tensor::len)
    }

    /// The other operand of a node of two, one of which is `from`.
    fn other(&self, id: NodeId, from: NodeId) -> Option<NodeId> {
        match *self.operands(id) {
            [a, b] if a == from && b != from => Some(b),
            [a, b] if b == from && a != from => Some(a),
            _ => None, // not operations: other operands
        }
    }

    /// An activation that a file makes of several nodes, some of which are joints.
    fn activation(&self, from: NodeId, joints: &[NodeId]) -> Option<(Vec<Link>, usize)> {
        const MOST: usize = 6;
        (1..=joints.len().min(MOST)).rev().find_map(|taken| {
            let to = joints[taken - 1];
            let module = function::known(&self.segment(from, to))?;
            Some((vec![Link::plain(module)], taken))
        })
    }

    /// The layer between two neighbouring joints.
    fn link(&self, from: NodeId, to: NodeId, depth: usize) -> Option<Link> {
        let direct = self.operands(to).contains(&from);
        let single = match self.op(to) {
            _ if !direct => None, // not operations: the joint is reached through several nodes
            Op::Linear(Linear::Affine) => self.linear(from, to),
            Op::Softmax(Softmax::Probabilities { axis }) => {
                Some(Link::plain(nn::softmax(i64::try_from(*axis).ok()?)))
            }
            Op::Softmax(Softmax::Logarithms { axis }) => {
                Some(Link::plain(nn::log_softmax(i64::try_from(*axis).ok()?)))
            }
            Op::Normalize(normalize) => self.bare_norm(from, normalize),
            Op::Gather(Gather::Embedding { .. }) => self.embedding(from, to),
            Op::Layout(Layout::Reshape { .. }) => self.flatten(from, to),
            Op::Layout(
                Layout::Permute { .. }
                | Layout::Concat { .. }
                | Layout::Slice { .. }
                | Layout::Pad { .. }
                | Layout::Broadcast { .. },
            )
            | Op::Softmax(Softmax::ProbabilitiesGrad { .. } | Softmax::LogarithmsGrad { .. })
            | Op::Gather(Gather::EmbeddingGrad { .. })
            | Op::Linear(Linear::MatMul { .. })
            | Op::Source(_)
            | Op::Activation(_)
            | Op::Arithmetic(_)
            | Op::ActivationGrad(_)
            | Op::Reduce(_)
            | Op::Random(_)
            | Op::Loss(_) => None,
        };
        single
            .or_else(|| self.prelu(from, to))
            .or_else(|| function::formula(&self.segment(from, to)).map(Link::plain))
            .or_else(|| self.residual(from, to, depth))
    }

    fn linear(&self, from: NodeId, to: NodeId) -> Option<Link> {
        let operands = self.operands(to);
        let weight = self.array(operands[1]).filter(|_| operands[0] == from)?;
        let &[Dim::Fixed(out), Dim::Fixed(inputs)] = self.graph.shape(operands[1]).dims() else {
            return None;
        };
        let mut arrays = vec![own("weight", weight, vec![out, inputs])];
        if let Some(&bias) = operands.get(2) {
            arrays.push(own("bias", self.array(bias)?, vec![out]));
        }
        let bias = arrays.len() == 2;
        let module = nn::Linear { in_features: inputs, out_features: out, bias }.into();
        Some(Link { module, arrays })
    }

    fn embedding(&self, from: NodeId, to: NodeId) -> Option<Link> {
        let &[table, index] = self.operands(to) else { return None };
        let key = self.array(table).filter(|_| index == from)?;
        let &[Dim::Fixed(rows), Dim::Fixed(width)] = self.graph.shape(table).dims() else {
            return None;
        };
        Some(Link {
            module: nn::embedding(rows, width),
            arrays: vec![own("weight", key, vec![rows, width])],
        })
    }

    /// Axes behind the batch that are joined into one.
    fn flatten(&self, from: NodeId, to: NodeId) -> Option<Link> {
        match (self.graph.shape(from).dims(), self.graph.shape(to).dims()) {
            ([Dim::Batch, behind @ ..], [Dim::Batch, Dim::Fixed(_)]) if !behind.is_empty() => {
                Some(Link::plain(nn::flatten()))
            }
            _ => None, // not operations: other shapes
        }
    }

    /// Layer normalisation without scale and shift.
    fn bare_norm(&self, from: NodeId, normalize: &Normalize) -> Option<Link> {
        let norm = nn::LayerNorm { elementwise_affine: false, ..self.last_axes(from, normalize)? };
        Some(Link::plain(norm))
    }

    /// The layer's shape, if the axes are the last ones.
    fn last_axes(&self, from: NodeId, normalize: &Normalize) -> Option<nn::LayerNorm> {
        let dims = self.graph.shape(from).dims();
        let first = *normalize.axes.first()?;
        let last = normalize.axes.iter().copied().eq(first..dims.len()) && !normalize.grad;
        let lengths = dims.get(first..)?.iter().map(|dim| match dim {
            Dim::Fixed(length) => Some(*length),
            Dim::Batch => None,
        });
        let lengths = lengths.collect::<Option<Vec<usize>>>().filter(|_| last)?;
        Some(nn::LayerNorm { eps: Scalar::Float(normalize.eps), ..nn::LayerNorm::new(lengths) })
    }

    /// Standardisation, then scale, then perhaps shift.
    fn layer_norm(&self, from: NodeId, joints: &[NodeId]) -> Option<(Vec<Link>, usize)> {
        let &[normal, scaled, ..] = joints else { return None };
        let Op::Normalize(normalize) = self.op(normal) else { return None };
        let norm = self.last_axes(from, normalize)?;
        let shape = norm.normalized_shape.clone();
        let elements: usize = shape.iter().product();
        let array = |to: NodeId, from: NodeId, op: Arithmetic| {
            let key = self.array(self.other(to, from)?)?;
            let fits = *self.op(to) == Op::Arithmetic(op) && self.length(key) == Some(elements);
            fits.then(|| key.to_owned())
        };
        let weight = array(scaled, normal, Arithmetic::Mul)?;
        let bias = joints.get(2).and_then(|&shifted| array(shifted, scaled, Arithmetic::Add));
        let norm = nn::LayerNorm { bias: bias.is_some(), ..norm };
        let mut arrays = vec![own("weight", &weight, shape.clone())];
        arrays.extend(bias.map(|bias| own("bias", &bias, shape)));
        let taken = 1 + arrays.len();
        Some((vec![Link { module: norm.into(), arrays }], taken))
    }

    /// `(x − mean)/√(variance + eps)·w + b` per channel, with statistics of the file.
    fn batch_norm(&self, from: NodeId, joints: &[NodeId]) -> Option<(Vec<Link>, usize)> {
        let &[centred, standard, scaled, shifted, ..] = joints else { return None };
        let dims = self.graph.shape(from).dims();
        let Some(&Dim::Fixed(channels)) = dims.get(1).filter(|_| dims.len() <= 3) else {
            return None;
        };
        let per_channel = |id: NodeId| {
            let key = self.array(id)?;
            (self.length(key) == Some(channels)).then(|| key.to_owned())
        };
        let is = |id: NodeId, op: Arithmetic| *self.op(id) == Op::Arithmetic(op);
        let steps = is(centred, Arithmetic::Sub)
            && is(standard, Arithmetic::Div)
            && is(scaled, Arithmetic::Mul)
            && is(shifted, Arithmetic::Add)
            && self.operands(centred)[0] == from
            && self.operands(standard)[0] == centred;
        if !steps {
            return None;
        }
        let mean = per_channel(self.operands(centred)[1])?;
        let mut root = self.operands(standard)[1];
        if matches!(self.op(root), Op::Layout(Layout::Reshape { .. })) {
            root = self.operands(root)[0];
        }
        let Op::Activation(Activation::Sqrt) = self.op(root) else { return None };
        let inside = self.operands(root)[0];
        let &[variance, eps] = self.operands(inside) else { return None };
        let eps = self.constant(eps).filter(|_| is(inside, Arithmetic::Add))?;
        let variance = per_channel(variance)?;
        let weight = per_channel(self.other(scaled, standard)?)?;
        let bias = per_channel(self.other(shifted, scaled)?)?;
        let module = nn::BatchNorm1d { eps: Scalar::Float(eps), ..nn::BatchNorm1d::new(channels) };
        let arrays =
            [("weight", weight), ("bias", bias), ("running_mean", mean), ("running_var", variance)];
        let arrays =
            arrays.into_iter().map(|(name, key)| own(name, &key, vec![channels])).collect();
        Some((vec![Link { module: module.into(), arrays }], 4))
    }

    /// `max(z, 0) + w·min(z, 0)` with a slope for all or one per channel.
    fn prelu(&self, from: NodeId, to: NodeId) -> Option<Link> {
        let &[positive, scaled] = self.operands(to) else { return None };
        let &[slope, negative] = self.operands(scaled) else { return None };
        let steps = *self.op(to) == Op::Arithmetic(Arithmetic::Add)
            && *self.op(scaled) == Op::Arithmetic(Arithmetic::Mul)
            && *self.op(positive) == Op::Activation(Activation::Relu)
            && *self.op(negative) == Op::Activation(Activation::NegativePart)
            && self.operands(positive) == [from]
            && self.operands(negative) == [from];
        let key = self.array(slope).filter(|_| steps)?;
        let count = self.length(key)?;
        let dims = self.graph.shape(from).dims();
        // A slope per channel stands at axis 1 when it is broadcast from the end.
        let behind = dims.len().checked_sub(2)?;
        let slopes = self.graph.shape(slope).dims();
        let per_channel = dims[1] == Dim::Fixed(count)
            && slopes.len() == behind + 1
            && slopes[1..].iter().all(|&dim| dim == Dim::Fixed(1));
        if count != 1 && !per_channel {
            return None;
        }
        let module = nn::Prelu { num_parameters: count, ..nn::Prelu::default() }.into();
        Some(Link { module, arrays: vec![own("weight", key, vec![count])] })
    }

    /// `x + f(x)`, f a chain of layers named by their places.
    fn residual(&self, from: NodeId, to: NodeId, depth: usize) -> Option<Link> {
        let inner_end = self.other(to, from)?;
        if *self.op(to) != Op::Arithmetic(Arithmetic::Add) || depth == DEEPEST {
            return None;
        }
        let inner = walk::joints_between(self.graph, self.between(from, inner_end), from, to)?;
        let links = self.links(from, &inner, depth + 1)?;
        let mut arrays = vec![];
        let mut children = vec![];
        for (place, link) in links.into_iter().enumerate() {
            for (suffix, key, shape) in link.arrays {
                arrays.push((format!("{place}.{suffix}"), key, shape));
            }
            children.push(link.module);
        }
        Some(Link { module: nn::residual(children), arrays })
    }
}
