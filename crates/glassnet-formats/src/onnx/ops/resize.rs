//! Enlarging by whole factors: each element is repeated.

use glassnet::graph::Dim;
use glassnet::{Error, Result};

use super::{length, shape_of};
use crate::onnx::emit::Emitter;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value};

/// The most times that an element is repeated along an axis.
const MOST_REPEATS: usize = 4096;

/// `Resize`, where each element of the result is the nearest one of the operand and axes grow by whole factors.
pub(super) fn resize(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    if node.opset < 11 {
        is_nearest(node)?;
        let scales = operands.known(1, "scales")?.to_floats()?;
        return repeated(emitter, node, x, &scales);
    }
    is_nearest(node)?;
    // Which neighbour is the nearest: with these two pairs of rules each element has as many places as the factor says.
    let rule = (
        node.word("coordinate_transformation_mode", "half_pixel")?,
        node.word("nearest_mode", "round_prefer_floor")?,
    );
    let repeats = match rule {
        ("half_pixel" | "pytorch_half_pixel", nearest) => nearest.starts_with("round_prefer"),
        ("asymmetric", nearest) => nearest == "floor",
        _ => false, // not operations: other rules
    };
    if !repeats {
        return Err(node.unsupported(&format!("its rules are {rule:?}")).help(
            "export it with coordinate_transformation_mode asymmetric and nearest_mode floor",
        ));
    }
    if node.ints("axes")?.is_some() {
        return Err(node.unsupported("it names its axes").help("export it with opset 17"));
    }
    let scales = match operands.optional_known(2, "scales")? {
        Some(scales) if scales.len() > 0 => scales.to_floats()?,
        Some(_) | None => {
            let sizes = operands.known(3, "sizes")?.numbers()?;
            let shape = emitter.shape(x);
            let factor = |(at, &size): (usize, &i64)| match shape.dims().get(at) {
                Some(Dim::Fixed(length)) if *length > 0 => Ok(size as f64 / *length as f64),
                Some(Dim::Batch) if emitter.lifted == usize::try_from(size).ok() || size == 1 => {
                    Ok(1.0)
                }
                Some(Dim::Fixed(_) | Dim::Batch) | None => {
                    Err(Error::model(format!("a size {size} for axis {at} of {shape}")))
                }
            };
            sizes.iter().enumerate().map(factor).collect::<Result<_>>()?
        }
    };
    repeated(emitter, node, x, &scales)
}

/// `Upsample`, as opsets before 10 have it.
pub(super) fn upsample(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    is_nearest(node)?;
    let scales = match node.floats("scales")? {
        Some(scales) => scales.iter().map(|&scale| f64::from(scale)).collect(),
        None => operands.known(1, "scales")?.to_floats()?,
    };
    repeated(emitter, node, operands.need(0)?, &scales)
}

fn is_nearest(node: &Node<'_>) -> Result<()> {
    match node.word("mode", "nearest")? {
        "nearest" => Ok(()),
        mode => Err(node.unsupported(&format!("mode is {mode:?}")).help("nearest is read")),
    }
}

/// Every axis with each element so many times.
fn repeated(
    emitter: &mut Emitter,
    node: &Node<'_>,
    x: &Value,
    scales: &[f64],
) -> Result<Vec<Value>> {
    if scales.len() != emitter.rank(x) {
        return Err(Error::model(format!("{} scales of {} axes", scales.len(), emitter.rank(x))));
    }
    let mut x = x.clone();
    for (axis, &scale) in scales.iter().enumerate().filter(|(_, scale)| **scale != 1.0) {
        if !(scale.fract() == 0.0 && (1.0..=MOST_REPEATS as f64).contains(&scale)) {
            return Err(node.unsupported(&format!("an axis changes by {scale}, no whole factor")));
        }
        let times = scale as usize;
        let shape = emitter.shape(&x);
        let length = length(&shape, axis, "repeated elements")?;
        let longer = length.checked_mul(times);
        let longer = longer.ok_or_else(|| Error::model("its result is too long"))?;
        let dims = shape.dims();
        let (before, after) = (&dims[..axis], &dims[axis + 1..]);
        let of = |middle: &[Dim]| shape_of(&[before, middle, after]);
        x = emitter.reshape(&x, of(&[Dim::Fixed(length), Dim::Fixed(1)]))?;
        x = emitter.broadcast(&x, of(&[Dim::Fixed(length), Dim::Fixed(times)]))?;
        x = emitter.reshape(&x, of(&[Dim::Fixed(longer)]))?;
    }
    Ok(vec![x])
}
