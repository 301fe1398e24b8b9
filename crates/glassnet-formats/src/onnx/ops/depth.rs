//! Channels laid out over places and back, and running sums.

use glassnet::graph::Dim;
use glassnet::graph::op::Reduction;
use glassnet::{Error, Result};

use super::{axis, length};
use crate::onnx::emit::Emitter;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value};

/// The most elements of which each has a running sum.
const MOST_SUMS: usize = 512;

/// Rows, channels, height, width, and the block's side.
fn block(emitter: &Emitter, node: &Node<'_>, x: &Value) -> Result<(Dim, [usize; 3], usize)> {
    let shape = emitter.shape(x);
    let side = usize::try_from(node.int("blocksize", 0)?).unwrap_or(0);
    if shape.rank() != 4 || side == 0 {
        return Err(Error::model(format!("blocks of {side} in an operand {shape}")));
    }
    let of = |axis: usize| length(&shape, axis, "a block");
    Ok((shape.dims()[0], [of(1)?, of(2)?, of(3)?], side))
}

fn bad(lengths: [usize; 3], side: usize) -> Error {
    Error::model(format!("blocks of {side} don't divide {lengths:?}"))
}

/// `DepthToSpace`: each group of channels becomes a block of places.
pub(super) fn depth_to_space(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let (rows, lengths, side) = block(emitter, node, x)?;
    let [channels, height, width] = lengths;
    let area = side.checked_mul(side).ok_or_else(|| bad(lengths, side))?;
    if !channels.is_multiple_of(area) {
        return Err(bad(lengths, side));
    }
    let kept = channels / area;
    let fixed = |lengths: &[usize]| -> Vec<Dim> {
        std::iter::once(rows).chain(lengths.iter().map(|&length| Dim::Fixed(length))).collect()
    };
    let (split, axes) = match node.word("mode", "DCR")? {
        "DCR" => (fixed(&[side, side, kept, height, width]), vec![0, 3, 4, 1, 5, 2]),
        "CRD" => (fixed(&[kept, side, side, height, width]), vec![0, 1, 4, 2, 5, 3]),
        mode => return Err(Error::model(format!("mode is {mode:?}"))),
    };
    let x = emitter.reshape(x, split.into())?;
    let x = emitter.permute(&x, axes)?;
    Ok(vec![emitter.reshape(&x, fixed(&[kept, height * side, width * side]).into())?])
}

/// `SpaceToDepth`: each block of places becomes channels.
pub(super) fn space_to_depth(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let (rows, lengths, side) = block(emitter, node, x)?;
    let [channels, height, width] = lengths;
    if !height.is_multiple_of(side) || !width.is_multiple_of(side) {
        return Err(bad(lengths, side));
    }
    let fixed = |lengths: &[usize]| -> Vec<Dim> {
        std::iter::once(rows).chain(lengths.iter().map(|&length| Dim::Fixed(length))).collect()
    };
    let (down, across) = (height / side, width / side);
    let x = emitter.reshape(x, fixed(&[channels, down, side, across, side]).into())?;
    let x = emitter.permute(&x, vec![0, 3, 5, 1, 2, 4])?;
    let area = side.checked_mul(side);
    let deeper = area.and_then(|area| channels.checked_mul(area));
    let deeper = deeper.ok_or_else(|| bad(lengths, side))?;
    Ok(vec![emitter.reshape(&x, fixed(&[deeper, down, across]).into())?])
}

/// `CumSum`: at each element the sum of those up to it.
pub(super) fn cumulative_sum(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let shape = emitter.shape(x);
    let along = operands.known(1, "an axis")?.numbers()?;
    let [along] = along[..] else {
        return Err(Error::model(format!("{} axes of a running sum", along.len())));
    };
    let along = axis(along, shape.rank())?;
    let count = length(&shape, along, "a running sum")?;
    if count == 0 || count > MOST_SUMS {
        return Err(node.unsupported(&format!("{count} running sums, 1 to {MOST_SUMS} are read")));
    }
    let (reverse, exclusive) = (node.flag("reverse", false)?, node.flag("exclusive", false)?);
    let mut sums = Vec::with_capacity(count);
    for at in 0..count {
        let (start, end) = match (reverse, exclusive) {
            (false, false) => (0, at + 1),
            (false, true) => (0, at),
            (true, false) => (at, count),
            (true, true) => (at + 1, count),
        };
        sums.push(if start == end {
            let one = emitter.slice(x, along, 0, 1, 1)?;
            emitter.scale(&one, 0.0)?
        } else {
            let some = emitter.slice(x, along, start, 1, end - start)?;
            emitter.reduce(Reduction::Sum, vec![along], true, &some)?
        });
    }
    Ok(vec![emitter.concat(&sums.iter().collect::<Vec<_>>(), along)?])
}
