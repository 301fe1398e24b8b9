//! Batch, layer, group, instance and root-mean-square normalisation.

use glassnet::graph::op::{Activation, Normalize, Reduction};
use glassnet::graph::{Dim, Op, Shape};
use glassnet::{Error, Result};

use super::{axes, axis, joined, length, shape_of};
use crate::onnx::emit::Emitter;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value};

/// An array `[channels]` in a shape that broadcasts along axis 1 of an array of that rank.
fn per_channel(emitter: &mut Emitter, array: &Value, rank: usize) -> Result<Value> {
    let own = emitter.shape(array);
    let behind = vec![Dim::Fixed(1); rank.saturating_sub(2)];
    emitter.reshape(array, shape_of(&[own.dims(), &behind]))
}

/// With the running statistics, in the operations of the layer `BatchNorm1d`; in training with the batch's.
pub(super) fn batch(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let eps = node.float("epsilon", 1e-5)?;
    let shape = emitter.shape(x);
    if shape.rank() < 2 {
        return Err(Error::model(format!("an array of shape {shape} has no channels")));
    }
    let channels = length(&shape, 1, "channels")?;
    for index in 1..5 {
        let found = emitter.shape(operands.float(index)?);
        if found != Shape::from([channels]) {
            return Err(Error::model(format!(
                "operand {index} has shape {found}, the input {channels} channels"
            )));
        }
    }
    if node.opset < 9 && !node.flag("spatial", true)? {
        return Err(node.unsupported("spatial=0 takes statistics per element"));
    }
    let further = node.proto.output.iter().skip(1).any(|name| !name.is_empty());
    let training = if node.opset >= 14 { node.flag("training_mode", false)? } else { further };
    if training && node.opset < 14 {
        return Err(node
            .unsupported("it is exported in training mode")
            .help("call model.eval() before exporting"));
    }
    let rank = shape.rank();
    let (mut mean, mut variance) =
        (emitter.buffer(operands.float(3)?)?, emitter.buffer(operands.float(4)?)?);
    let mut results = vec![];
    if training {
        let over: Vec<usize> = (0..rank).filter(|&axis| axis != 1).collect();
        let momentum = node.float("momentum", 0.9)?;
        let batch_mean = emitter.reduce(Reduction::Mean, over.clone(), false, x)?;
        let batch_variance =
            emitter.reduce(Reduction::Variance { correction: 0 }, over, false, x)?;
        for (running, batch) in [(&mut mean, batch_mean), (&mut variance, batch_variance)] {
            let (kept, moved) =
                (emitter.scale(running, momentum)?, emitter.scale(&batch, 1.0 - momentum)?);
            results.push(emitter.add(&kept, &moved)?);
            *running = batch;
        }
    }
    let mean = per_channel(emitter, &mean, rank)?;
    let eps = emitter.number(eps);
    let shifted = emitter.add(&variance, &eps)?;
    let deviation = emitter.activation(Activation::Sqrt, &shifted)?;
    let deviation = per_channel(emitter, &deviation, rank)?;
    let centred = emitter.sub(x, &mean)?;
    let y = emitter.div(&centred, &deviation)?;
    let scale = emitter.entered(operands.float(1)?)?;
    let scale = per_channel(emitter, &scale, rank)?;
    let y = emitter.mul(&y, &scale)?;
    let bias = emitter.entered(operands.float(2)?)?;
    let bias = per_channel(emitter, &bias, rank)?;
    results.insert(0, emitter.add(&y, &bias)?);
    Ok(results)
}

fn normalized(emitter: &mut Emitter, x: &Value, axes: Vec<usize>, eps: f64) -> Result<Value> {
    emitter.emit(Op::Normalize(Normalize { axes, eps, grad: false }), &[x])
}

/// Over the axes from one on, then scale and bias.
pub(super) fn layer(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (x, scale) = (operands.float(0)?, operands.float(1)?);
    let rank = emitter.rank(x);
    let first = axis(node.int("axis", -1)?, rank)?;
    let over: Vec<usize> = (first..rank).collect();
    let eps = node.float("epsilon", 1e-5)?;
    let y = normalized(emitter, x, over.clone(), eps)?;
    let mut y = emitter.mul(&y, scale)?;
    if operands.get(2).is_some() {
        y = emitter.add(&y, operands.float(2)?)?;
    }
    let mut results = vec![y];
    if node.proto.output.len() > 1 {
        results.push(emitter.reduce(Reduction::Mean, over.clone(), true, x)?);
        let variance = emitter.reduce(Reduction::Variance { correction: 0 }, over, true, x)?;
        let eps = emitter.number(eps);
        let shifted = emitter.add(&variance, &eps)?;
        let deviation = emitter.activation(Activation::Sqrt, &shifted)?;
        results.push(emitter.activation(Activation::Reciprocal, &deviation)?);
    }
    Ok(results)
}

/// `x / √(mean(x²) + eps) · scale` over the axes from one on.
pub(super) fn root_mean_square(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (x, scale) = (operands.float(0)?, operands.float(1)?);
    let rank = emitter.rank(x);
    let first = axis(node.int("axis", -1)?, rank)?;
    let square = emitter.activation(Activation::Square, x)?;
    let mean = emitter.reduce(Reduction::Mean, (first..rank).collect(), true, &square)?;
    let eps = emitter.number(node.float("epsilon", 1e-5)?);
    let shifted = emitter.add(&mean, &eps)?;
    let root = emitter.activation(Activation::Sqrt, &shifted)?;
    let y = emitter.div(x, &root)?;
    Ok(vec![emitter.mul(&y, scale)?])
}

/// Per sample and channel, over the axes behind them.
pub(super) fn instance(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let rank = emitter.rank(x);
    if rank < 3 {
        return Err(Error::model(format!(
            "an array of {rank} axes has nothing behind its channels"
        )));
    }
    let y = normalized(emitter, x, (2..rank).collect(), node.float("epsilon", 1e-5)?)?;
    scaled_per_channel(emitter, &y, operands)
}

fn scaled_per_channel(
    emitter: &mut Emitter,
    y: &Value,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let rank = emitter.rank(y);
    let scale = per_channel(emitter, operands.float(1)?, rank)?;
    let bias = per_channel(emitter, operands.float(2)?, rank)?;
    let y = emitter.mul(y, &scale)?;
    Ok(vec![emitter.add(&y, &bias)?])
}

/// Per sample and group of channels.
pub(super) fn group(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let shape = emitter.shape(x);
    if node.opset < 21 {
        return Err(node
            .unsupported("before version 21 its scale is per group, which the standard withdrew"));
    }
    let channels = length(&shape, 1, "groups of channels")?;
    let groups = node.optional_int("num_groups")?.and_then(|groups| usize::try_from(groups).ok());
    let Some(groups) = groups.filter(|&groups| groups > 0 && channels % groups == 0) else {
        return Err(Error::model(format!("{channels} channels are not divided into its groups")));
    };
    let members = [&[Dim::Fixed(channels / groups)], &shape.dims()[2..]].concat();
    let apart = shape_of(&[&shape.dims()[..1], &[Dim::Fixed(groups), joined(&members)?]]);
    let grouped = emitter.reshape(x, apart)?;
    let y = normalized(emitter, &grouped, vec![2], node.float("epsilon", 1e-5)?)?;
    let y = emitter.reshape(&y, shape)?;
    scaled_per_channel(emitter, &y, operands)
}

/// `x / ‖x‖` along an axis; 0 where the norm is 0.
pub(super) fn lp(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let along = axis(node.int("axis", -1)?, emitter.rank(x))?;
    let (before, after) = match node.int("p", 2)? {
        1 => (Activation::Abs, None),
        2 => (Activation::Square, Some(Activation::Sqrt)),
        other => return Err(Error::model(format!("p is {other}, it is 1 or 2"))),
    };
    let sizes = emitter.activation(before, x)?;
    let mut norm = emitter.reduce(Reduction::Sum, vec![along], true, &sizes)?;
    if let Some(after) = after {
        norm = emitter.activation(after, &norm)?;
    }
    let one = emitter.number(1.0);
    // A norm of NaN stays NaN.
    let otherwise = emitter.add(&norm, &one)?;
    let divisor = emitter.select(&norm, &norm, &otherwise)?;
    Ok(vec![emitter.div(x, &divisor)?])
}

/// Mean 0 and variance 1 over axes, by default all but the channels'.
pub(super) fn mean_variance(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let over = axes(node.ints("axes")?.unwrap_or(&[0, 2, 3]), emitter.rank(x))?;
    let mean = emitter.reduce(Reduction::Mean, over.clone(), true, x)?;
    let centred = emitter.sub(x, &mean)?;
    let variance = emitter.reduce(Reduction::Variance { correction: 0 }, over, true, x)?;
    let deviation = emitter.activation(Activation::Sqrt, &variance)?;
    let least = emitter.number(1e-9);
    let divisor = emitter.add(&deviation, &least)?;
    Ok(vec![emitter.div(&centred, &divisor)?])
}
