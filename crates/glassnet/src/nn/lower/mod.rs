//! From modules to graph nodes.

mod columns;
mod normalization;

use super::layer::{Dropout, Embedding, Flatten, Linear, Prelu, Residual, Sequential};
use super::module::join;
use super::{Module, formula_lowering};
use crate::error::{Error, Result};
use crate::graph::op::{self, Activation, Gather, Random, Softmax};
use crate::graph::{Builder, Checked, DType, Dim, NodeId, Origin, Shape};

/// Whether a network is lowered for training or for evaluation: `module.train()`, `module.eval()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Mode {
    /// Dropout draws masks, batch normalisation takes the batch's statistics.
    Train,
    /// Dropout does nothing, batch normalisation takes the running statistics.
    #[default]
    Eval,
}

/// A buffer's next value, computed by the training graph. The training loop writes it back after the step, and adds
/// 1 to the `num_batches_tracked` beside every `running_mean`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BufferUpdate {
    /// The buffer's node.
    pub buffer: NodeId,
    /// Its state-dict key.
    pub key: String,
    /// The node that computes the next value.
    pub value: NodeId,
}

/// The nodes of one lowered layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoweredLayer {
    /// The state-dict prefix.
    pub name: String,
    /// PyTorch's class name.
    pub kind: &'static str,
    /// What the layer is given.
    pub input: NodeId,
    /// What it returns; the input's node for an identity.
    pub output: NodeId,
}

/// What lowering needs to know and what it finds out.
#[derive(Clone, Debug, Default)]
pub struct Lowering {
    /// Training or evaluation.
    pub mode: Mode,
    /// The buffers that a training step changes.
    pub buffer_updates: Vec<BufferUpdate>,
    /// The layers in order of evaluation (containers are not listed, except that a `Residual` stands behind its
    /// children).
    pub layers: Vec<LoweredLayer>,
    /// The number of dropout masks so far: each mask has a random stream of its own.
    pub dropout_masks: usize,
    path: String,
}

impl Lowering {
    /// A fresh context.
    pub fn new(mode: Mode) -> Self {
        Lowering { mode, ..Lowering::default() }
    }

    fn key(&self, name: &str) -> String {
        join(&self.path, name)
    }
}

impl Module {
    /// Appends the module's operations, applied to `x`, and returns the node of its output. Sources are named by
    /// their state-dict keys, and every node has the origin of its layer.
    ///
    /// # Errors
    /// When a layer does not fit its input: the message names the layer, both sizes, and where the input comes
    /// from. `Unsupported` for arguments that have no graph (`max_norm`, training with `momentum=None`).
    pub fn lower(
        &self,
        builder: &mut Builder,
        x: NodeId,
        context: &mut Lowering,
    ) -> Result<NodeId> {
        match self {
            Module::Sequential(sequential) => lower_children(sequential, builder, x, context),
            Module::Residual(residual) => lower_residual(residual, builder, x, context),
            Module::Linear(_)
            | Module::Activation(_)
            | Module::Prelu(_)
            | Module::Formula(_)
            | Module::Softmax { .. }
            | Module::LogSoftmax { .. }
            | Module::Identity
            | Module::Flatten(_)
            | Module::Dropout(_)
            | Module::BatchNorm1d(_)
            | Module::LayerNorm(_)
            | Module::Embedding(_)
            | Module::EmbedColumns(_) => {
                within(self.kind(), builder, x, context, |builder, context| {
                    lower_layer(self, builder, x, context)
                })
            }
        }
    }

    /// The module's graph: input `x` of shape `input` (f32, or i64 where an embedding comes first), output `y`.
    ///
    /// # Errors
    /// As [`Module::validate`] and [`Module::lower`].
    ///
    /// ```
    /// use glassnet::{graph::Shape, nn::{self, Mode}};
    /// let net = nn::parse("Sequential(Linear(2, 3), ReLU(), Linear(4, 2))")?;
    /// let error = net.graph(Shape::batch([2]), Mode::Eval).unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "the input has 3 features, its weight expects 4; layer \"2\" (Linear); set in_features=3
    ///   its input is the output of layer \"0\" (Linear), of shape [B, 3]",
    /// );
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn graph(&self, input: Shape, mode: Mode) -> Result<Checked> {
        self.validate()?;
        let mut builder = Builder::new();
        let x = builder.input("x", self.input_dtype(), input)?;
        let y = self.lower(&mut builder, x, &mut Lowering::new(mode))?;
        builder.output("y", y);
        Ok(builder.finish_checked())
    }
}

fn lower_children(
    sequential: &Sequential,
    builder: &mut Builder,
    mut x: NodeId,
    context: &mut Lowering,
) -> Result<NodeId> {
    for (name, child) in sequential.children() {
        let length = context.path.len();
        context.path = join(&context.path, name);
        let lowered = child.lower(builder, x, context);
        context.path.truncate(length);
        x = lowered?;
    }
    Ok(x)
}

fn lower_residual(
    residual: &Residual,
    builder: &mut Builder,
    x: NodeId,
    context: &mut Lowering,
) -> Result<NodeId> {
    let y = lower_children(&residual.inner, builder, x, context)?;
    within("Residual", builder, x, context, |builder, _| {
        let (given, returned) = (builder.shape(x), builder.shape(y));
        if given != returned {
            return Err(Error::network(format!(
                "the input has shape {given}, the inner layers return {returned}"
            ))
            .help("make the inner layers return the shape of their input"));
        }
        builder.add(x, y)
    })
}

/// Runs `lower` with the layer's origin, records the layer, and tells errors where the input comes from.
fn within(
    kind: &'static str,
    builder: &mut Builder,
    x: NodeId,
    context: &mut Lowering,
    lower: impl FnOnce(&mut Builder, &mut Lowering) -> Result<NodeId>,
) -> Result<NodeId> {
    let origin = Origin::layer(&context.path, kind);
    let place = origin.to_string();
    let before = builder.set_origin(origin);
    let lowered = lower(builder, context);
    builder.restore_origin(before);
    let output = lowered.map_err(|error| {
        let error = if error.place().is_some() { error } else { error.at(place) };
        error.detail(input_source(builder, x, context))
    })?;
    context.layers.push(LoweredLayer { name: context.path.clone(), kind, input: x, output });
    Ok(output)
}

/// The layer that gave `x` its width: elementwise layers between are passed over.
fn input_source(builder: &Builder, x: NodeId, context: &Lowering) -> String {
    let shape = builder.shape(x);
    let mut at = x;
    for layer in context.layers.iter().rev().filter(|layer| layer.output != layer.input) {
        if layer.output != at {
            continue;
        }
        let sets_width = matches!(layer.kind, "Linear" | "Embedding" | "EmbedColumns" | "Residual");
        if sets_width || builder.shape(layer.input) != shape {
            let origin = Origin::layer(&layer.name, layer.kind);
            return format!("its input is the output of {origin}, of shape {shape}");
        }
        at = layer.input;
    }
    format!("its input is the network's, of shape {shape}")
}

fn lower_layer(
    layer: &Module,
    builder: &mut Builder,
    x: NodeId,
    context: &mut Lowering,
) -> Result<NodeId> {
    match layer {
        Module::Linear(linear) => lower_linear(*linear, builder, x, context),
        Module::Activation(activation) => builder.activation(activation.operation(), x),
        Module::Prelu(prelu) => lower_prelu(*prelu, builder, x, context),
        Module::Formula(formula) => formula_lowering::lower(formula.expression(), builder, x),
        Module::Softmax { dim } => {
            let axis = softmax_axis(*dim, builder.shape(x))?;
            builder.softmax(Softmax::Probabilities { axis }, x)
        }
        Module::LogSoftmax { dim } => {
            let axis = softmax_axis(*dim, builder.shape(x))?;
            builder.softmax(Softmax::Logarithms { axis }, x)
        }
        Module::Identity | Module::Residual(_) | Module::Sequential(_) => Ok(x),
        Module::Flatten(flatten) => lower_flatten(*flatten, builder, x),
        Module::Dropout(dropout) => lower_dropout(*dropout, builder, x, context),
        Module::BatchNorm1d(norm) => normalization::lower_batch_norm(*norm, builder, x, context),
        Module::LayerNorm(norm) => normalization::lower_layer_norm(norm, builder, x, context),
        Module::Embedding(table) => lower_embedding(*table, builder, x, context),
        Module::EmbedColumns(columns) => columns::lower(columns, builder, x, context),
    }
}

fn lower_linear(
    Linear { in_features, out_features, bias }: Linear,
    builder: &mut Builder,
    x: NodeId,
    context: &Lowering,
) -> Result<NodeId> {
    let weight =
        builder.parameter(&context.key("weight"), Shape::from([out_features, in_features]))?;
    let bias = if bias {
        Some(builder.parameter(&context.key("bias"), Shape::from([out_features]))?)
    } else {
        None
    };
    builder.affine(x, weight, bias)
}

fn lower_prelu(
    Prelu { num_parameters, .. }: Prelu,
    builder: &mut Builder,
    x: NodeId,
    context: &Lowering,
) -> Result<NodeId> {
    let weight = builder.parameter(&context.key("weight"), Shape::from([num_parameters]))?;
    let weight = if num_parameters == 1 {
        let scalar = Shape::scalar();
        builder.reshape(weight, scalar)?
    } else {
        let channels = builder.shape(x).dims().get(1).copied().unwrap_or(Dim::Fixed(1));
        if channels != Dim::Fixed(num_parameters) {
            return Err(Error::network(format!(
                "the input has {channels} channels, the layer {num_parameters} slopes"
            ))
            .help(format!("set num_parameters={channels}")));
        }
        per_channel(builder, weight, num_parameters, x)?
    };
    let positive = builder.activation(Activation::Relu, x)?;
    let negative = builder.activation(Activation::NegativePart, x)?;
    let scaled = builder.mul(weight, negative)?;
    builder.add(positive, scaled)
}

/// An array `[channels]` in a shape that broadcasts along axis 1 of `x`.
fn per_channel(builder: &mut Builder, array: NodeId, channels: usize, x: NodeId) -> Result<NodeId> {
    let behind = builder.shape(x).rank().saturating_sub(2);
    let dims = [channels].into_iter().chain(std::iter::repeat_n(1, behind));
    let shape = Shape::from(dims.map(Dim::Fixed).collect::<Vec<Dim>>());
    builder.reshape(array, shape)
}

/// Axis `dim` of `rank`, counted from the end when negative, with PyTorch's words when there is none.
fn axis(dim: i64, rank: usize) -> Result<usize> {
    // PyTorch lets a scalar have one axis.
    let axes = rank.max(1) as i64;
    if dim < -axes || dim >= axes {
        return Err(Error::network(format!(
            "Dimension out of range (expected to be in range of [{}, {}], but got {dim})",
            -axes,
            axes - 1
        )));
    }
    Ok(dim.rem_euclid(axes) as usize)
}

fn softmax_axis(dim: Option<i64>, shape: &Shape) -> Result<usize> {
    let rank = shape.rank();
    let by_rank = if matches!(rank, 0 | 1 | 3) { 0 } else { 1 };
    axis(dim.unwrap_or(by_rank), rank)
}

fn lower_flatten(
    Flatten { start_dim, end_dim }: Flatten,
    builder: &mut Builder,
    x: NodeId,
) -> Result<NodeId> {
    let dims = builder.shape(x).dims().to_vec();
    let (start, end) = (axis(start_dim, dims.len())?, axis(end_dim, dims.len())?);
    if start > end {
        return Err(Error::network(
            "flatten() has invalid args: start_dim cannot come after end_dim",
        )
        .help("swap them"));
    }
    if dims.is_empty() {
        return builder.reshape(x, Shape::from([1]));
    }
    let joined = &dims[start..=end];
    let product = joined.iter().try_fold(1_usize, |product, dim| product.checked_mul(dim.at(1)));
    let product = product.ok_or_else(|| Error::network("the flattened axis is too long"))?;
    let one = match joined.iter().filter(|dim| **dim == Dim::Batch).count() {
        0 => Dim::Fixed(product),
        1 if product == 1 => Dim::Batch,
        _ => {
            let why = "the batch cannot be joined with other axes";
            return Err(Error::unsupported("Flatten", "lowering", why).help("use start_dim=1"));
        }
    };
    let flat = [&dims[..start], &[one], &dims[end + 1..]].concat();
    builder.reshape(x, flat.into())
}

fn lower_dropout(
    Dropout { p, .. }: Dropout,
    builder: &mut Builder,
    x: NodeId,
    context: &mut Lowering,
) -> Result<NodeId> {
    if context.mode == Mode::Eval || p.value() == 0.0 {
        return Ok(x);
    }
    let stream = context.dropout_masks;
    context.dropout_masks += 1;
    let shape = builder.shape(x).clone();
    let mask = builder.random(Random::DropoutMask { p: p.value(), stream, shape })?;
    builder.mul(x, mask)
}

fn lower_embedding(
    table: Embedding,
    builder: &mut Builder,
    x: NodeId,
    context: &Lowering,
) -> Result<NodeId> {
    let found = builder.type_of(x);
    if found.dtype != DType::I64 {
        return Err(Error::network(format!("the input is {found}, expected i64 indices")).help(
            "let the embedding come first, or EmbedColumns where only some columns are codes",
        ));
    }
    look_up(table, "weight", builder, x, context)
}

/// The rows of `table`, whose array is called `name` within the layer, that `x` names.
fn look_up(
    table: Embedding,
    name: &str,
    builder: &mut Builder,
    x: NodeId,
    context: &Lowering,
) -> Result<NodeId> {
    if table.max_norm.is_some() {
        let why = "max_norm changes the weights at every look-up";
        return Err(Error::unsupported("Embedding", "lowering", why).help("leave max_norm out"));
    }
    if table.scale_grad_by_freq && context.mode == Mode::Train {
        let why = "scale_grad_by_freq changes gradients by the batch's contents";
        return Err(
            Error::unsupported("Embedding", "training", why).help("leave scale_grad_by_freq out")
        );
    }
    let shape = Shape::from([table.num_embeddings, table.embedding_dim]);
    let weight = builder.parameter(&context.key(name), shape)?;
    let padding_idx = table.padding_row();
    builder.push(op::Op::Gather(Gather::Embedding { padding_idx }), vec![weight, x])
}
