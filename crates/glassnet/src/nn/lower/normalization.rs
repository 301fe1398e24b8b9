//! Batch and layer normalisation.

use super::super::layer::{BatchNorm1d, LayerNorm};
use super::{BufferUpdate, Lowering, Mode, per_channel};
use crate::error::{Error, Result};
use crate::graph::op::{Activation, Normalize, Reduce, Reduction};
use crate::graph::{Builder, Dim, NodeId, Shape};

pub(super) fn lower_batch_norm(
    norm: BatchNorm1d,
    builder: &mut Builder,
    x: NodeId,
    context: &mut Lowering,
) -> Result<NodeId> {
    let shape = builder.shape(x).clone();
    let channels = match *shape.dims() {
        [_, channels] | [_, channels, _] => channels,
        _ => {
            let rank = shape.rank();
            return Err(Error::network(format!(
                "expected 2D or 3D input (got {rank}D input of shape {shape})"
            ))
            .help("flatten it first, or give one row per sample"));
        }
    };
    if channels != Dim::Fixed(norm.num_features) {
        let expected = norm.num_features;
        let what = format!("the input has {channels} channels, the layer expects {expected}");
        return Err(Error::network(what).help(format!("set num_features={channels}")));
    }
    let y = if context.mode == Mode::Train || !norm.track_running_stats {
        let axes: Vec<usize> = (0..shape.rank()).filter(|axis| *axis != 1).collect();
        if context.mode == Mode::Train && norm.track_running_stats {
            update_running_statistics(norm, builder, x, &axes, context)?;
        }
        builder.normalize(Normalize { axes, eps: norm.eps.value(), grad: false }, &[x])?
    } else {
        let (mean, variance) = running_statistics(norm, builder, context)?;
        let mean = per_channel(builder, mean, norm.num_features, x)?;
        let eps = builder.constant(norm.eps.value())?;
        let shifted = builder.add(variance, eps)?;
        let deviation = builder.activation(Activation::Sqrt, shifted)?;
        let deviation = per_channel(builder, deviation, norm.num_features, x)?;
        let centred = builder.sub(x, mean)?;
        builder.div(centred, deviation)?
    };
    if !norm.affine {
        return Ok(y);
    }
    let own = Shape::from([norm.num_features]);
    let weight = builder.parameter(&context.key("weight"), own.clone())?;
    let weight = per_channel(builder, weight, norm.num_features, x)?;
    let scaled = builder.mul(y, weight)?;
    if !norm.bias {
        return Ok(scaled);
    }
    let bias = builder.parameter(&context.key("bias"), own)?;
    let bias = per_channel(builder, bias, norm.num_features, x)?;
    builder.add(scaled, bias)
}

fn running_statistics(
    norm: BatchNorm1d,
    builder: &mut Builder,
    context: &Lowering,
) -> Result<(NodeId, NodeId)> {
    let shape = Shape::from([norm.num_features]);
    let mean = builder.buffer(&context.key("running_mean"), shape.clone())?;
    Ok((mean, builder.buffer(&context.key("running_var"), shape)?))
}

fn update_running_statistics(
    norm: BatchNorm1d,
    builder: &mut Builder,
    x: NodeId,
    axes: &[usize],
    context: &mut Lowering,
) -> Result<()> {
    let Some(momentum) = norm.momentum else {
        let why = "the cumulative average of momentum=None depends on the number of batches";
        return Err(Error::unsupported("BatchNorm1d", "training", why).help("set momentum=0.1"));
    };
    let momentum = momentum.value();
    let (mean, variance) = running_statistics(norm, builder, context)?;
    let statistics = [
        ("running_mean", mean, Reduction::Mean),
        ("running_var", variance, Reduction::Variance { correction: 1 }),
    ];
    for (name, buffer, kind) in statistics {
        let batch = builder.reduce(Reduce { kind, axes: axes.to_vec(), keep: false }, x)?;
        let kept = builder.scale(buffer, 1.0 - momentum)?;
        let moved = builder.scale(batch, momentum)?;
        let value = builder.add(kept, moved)?;
        context.buffer_updates.push(BufferUpdate { buffer, key: context.key(name), value });
    }
    Ok(())
}

pub(super) fn lower_layer_norm(
    norm: &LayerNorm,
    builder: &mut Builder,
    x: NodeId,
    context: &Lowering,
) -> Result<NodeId> {
    let shape = builder.shape(x).clone();
    let own = Shape::from(norm.normalized_shape.as_slice());
    let first = shape.rank().checked_sub(own.rank());
    let Some(first) = first.filter(|&first| shape.dims()[first..] == *own.dims()) else {
        return Err(Error::network(format!(
            "the input has shape {shape}, the layer normalizes last axes of shape {own}"
        ))
        .help(match shape.last() {
            Some(Dim::Fixed(last)) if own.rank() == 1 => format!("set normalized_shape={last}"),
            Some(Dim::Fixed(_) | Dim::Batch) | None => {
                "set normalized_shape to the input's last axes".into()
            }
        }));
    };
    let axes = (first..shape.rank()).collect();
    let y = builder.normalize(Normalize { axes, eps: norm.eps.value(), grad: false }, &[x])?;
    if !norm.elementwise_affine {
        return Ok(y);
    }
    let weight = builder.parameter(&context.key("weight"), own.clone())?;
    let scaled = builder.mul(y, weight)?;
    if !norm.bias {
        return Ok(scaled);
    }
    let bias = builder.parameter(&context.key("bias"), own)?;
    builder.add(scaled, bias)
}
