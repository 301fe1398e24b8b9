//! Transposed convolutions: each element of the operand spreads the kernel over the result.
//!
//! With `stride − 1` zeros behind each element, and so many around them that every overlap of the kernel counts, it is a plain
//! convolution with the kernel turned around and its channels exchanged.

use glassnet::graph::Dim;
use glassnet::{Error, Result};

use super::window::{MOST_GROUPS, MOST_PLACES, Window, convolved};
use super::{length, shape_of};
use crate::onnx::emit::Emitter;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value};

/// How the kernel spreads along one axis.
struct Spread {
    length: usize,
    kernel: usize,
    stride: usize,
    dilation: usize,
    /// How many zeros stand on each side, the other way round where they are cut off.
    before: i64,
    after: i64,
}

impl Spread {
    /// How long the operand is with zeros between its elements and around them.
    fn padded(&self) -> Option<usize> {
        let inner = self.length.checked_sub(1)?.checked_mul(self.stride)?.checked_add(1)?;
        usize::try_from(
            i64::try_from(inner).ok()?.checked_add(self.before)?.checked_add(self.after)?,
        )
        .ok()
    }

    fn window(&self) -> Option<Window> {
        let length = self.padded()?;
        let reach = (self.kernel - 1).checked_mul(self.dilation)?;
        let count = length.checked_sub(reach).filter(|&count| count > 0)?;
        Some(Window {
            length,
            kernel: self.kernel,
            stride: 1,
            dilation: self.dilation,
            before: 0,
            after: 0,
            count,
        })
    }
}

/// What every element of the operand adds to the places that the kernel reaches from it.
pub(super) fn conv_transpose(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (x, weight) = (operands.float(0)?, operands.float(1)?);
    let bias = operands.get(2).map(|_| operands.float(2)).transpose()?;
    let kernel = emitter.shape(weight).at(1);
    let [inputs, per_group, places @ ..] = kernel.as_slice() else {
        return Err(Error::model(format!("its weight has shape {kernel:?}")));
    };
    let groups = usize::try_from(node.int("group", 1)?).unwrap_or(0);
    let channels = length(&emitter.shape(x), 1, "a convolution")?;
    if groups == 0 || *inputs != channels || !inputs.is_multiple_of(groups) {
        return Err(Error::model(format!(
            "a weight {kernel:?} of {groups} groups over {channels} channels"
        )));
    }
    if groups > MOST_GROUPS {
        return Err(node.unsupported(&format!("{groups} groups of channels")));
    }
    let all = places.iter().try_fold(1_usize, |all, one| all.checked_mul(*one));
    if all.is_none_or(|all| all == 0 || all > MOST_PLACES) {
        return Err(node.unsupported(&format!("its kernel has not 1 to {MOST_PLACES} places")));
    }
    let spreads = spreads(emitter, node, x, places)?;
    let windows: Option<Vec<Window>> = spreads.iter().map(Spread::window).collect();
    let windows = windows.ok_or_else(|| Error::model("its result has no elements, or too many"))?;
    let mut spread = x.clone();
    for (at, one) in spreads.iter().enumerate() {
        spread = spread_out(emitter, &spread, 2 + at, one)?;
    }
    let turned = turned(emitter, weight, (groups, inputs / groups, *per_group), places)?;
    convolved(emitter, &spread, (&turned, bias), &windows, groups)
}

/// The attributes along each axis behind the channels.
fn spreads(emitter: &Emitter, node: &Node<'_>, x: &Value, places: &[usize]) -> Result<Vec<Spread>> {
    let shape = emitter.shape(x);
    let axes = places.len();
    if axes == 0 || shape.rank() != axes + 2 {
        return Err(Error::model(format!("a kernel of {axes} axes over an operand {shape}")));
    }
    if node.ints("output_shape")?.is_some() {
        return Err(node
            .unsupported("its result's shape is given (output_shape)")
            .help("export it with pads instead"));
    }
    match node.word("auto_pad", "NOTSET")? {
        "NOTSET" | "VALID" => {}
        other => {
            return Err(node
                .unsupported(&format!("auto_pad is {other:?}"))
                .help("export it with pads instead"));
        }
    }
    let list = |name: &str, count: usize, usual: i64| -> Result<Vec<i64>> {
        let given = node.ints(name)?.map_or_else(|| vec![usual; count], <[i64]>::to_vec);
        let most = i64::from(i32::MAX);
        if given.len() != count || given.iter().any(|&one| one < usual.min(0) || one > most) {
            return Err(Error::model(format!("{name} {given:?} over {axes} axes")));
        }
        Ok(given)
    };
    let (strides, dilations) = (list("strides", axes, 1)?, list("dilations", axes, 1)?);
    let (pads, more) = (list("pads", 2 * axes, 0)?, list("output_padding", axes, 0)?);
    (0..axes)
        .map(|at| {
            let positive = |value: i64| {
                usize::try_from(value)
                    .ok()
                    .filter(|&value| value > 0)
                    .ok_or_else(|| Error::model(format!("a stride or dilation of {value}")))
            };
            let (stride, dilation) = (positive(strides[at])?, positive(dilations[at])?);
            let kernel = places[at];
            let reach = i64::try_from((kernel - 1).saturating_mul(dilation)).unwrap_or(i64::MAX);
            Ok(Spread {
                length: length(&shape, 2 + at, "a convolution")?,
                kernel,
                stride,
                dilation,
                before: reach - pads[at],
                after: reach.saturating_sub(pads[axes + at]).saturating_add(more[at]),
            })
        })
        .collect()
}

/// An axis with zeros between its elements and around them.
fn spread_out(emitter: &mut Emitter, x: &Value, axis: usize, spread: &Spread) -> Result<Value> {
    let mut x = x.clone();
    if spread.stride > 1 && spread.length > 1 {
        let dims = emitter.shape(&x).dims().to_vec();
        let (before, after) = (&dims[..axis], &dims[axis + 1..]);
        let long = spread
            .length
            .checked_mul(spread.stride)
            .ok_or_else(|| Error::model("its result is too long"))?;
        let apart = shape_of(&[before, &[Dim::Fixed(spread.length), Dim::Fixed(1)], after]);
        x = emitter.reshape(&x, apart)?;
        x = emitter.pad(&x, axis + 1, 0, spread.stride - 1)?;
        x = emitter.reshape(&x, shape_of(&[before, &[Dim::Fixed(long)], after]))?;
        x = emitter.slice(&x, axis, 0, 1, long - (spread.stride - 1))?;
    }
    let side = |zeros: i64| usize::try_from(zeros.max(0)).unwrap_or(0);
    let (before, after) = (side(spread.before), side(spread.after));
    if before > 0 || after > 0 {
        x = emitter.pad(&x, axis, before, after)?;
    }
    let cut = side(-spread.before);
    if (cut > 0 || spread.after < 0)
        && let Some(length) = spread.padded()
    {
        x = emitter.slice(&x, axis, cut, 1, length)?;
    }
    Ok(x)
}

/// The kernel from (inputs, outputs of a group, places …) to (outputs, inputs of a group, places …), turned around.
fn turned(
    emitter: &mut Emitter,
    weight: &Value,
    (groups, inputs, outputs): (usize, usize, usize),
    places: &[usize],
) -> Result<Value> {
    let mut kernel = weight.clone();
    for (at, &length) in places.iter().enumerate().filter(|(_, length)| **length > 1) {
        kernel = emitter.slice(&kernel, 2 + at, length - 1, -1, length)?;
    }
    let fixed = |lengths: &[usize]| -> Vec<Dim> {
        lengths.iter().chain(places).map(|&length| Dim::Fixed(length)).collect()
    };
    let kernel = emitter.reshape(&kernel, fixed(&[groups, inputs, outputs]).into())?;
    let axes: Vec<usize> = [0, 2, 1].into_iter().chain(3..3 + places.len()).collect();
    let kernel = emitter.permute(&kernel, axes)?;
    emitter.reshape(&kernel, fixed(&[groups * outputs, inputs]).into())
}
