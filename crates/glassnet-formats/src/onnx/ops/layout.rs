//! Other shapes for the same elements, other orders, repetition.

use glassnet::graph::{Dim, Shape};
use glassnet::{Error, Result};

use super::{axes, axis, joined, length};
use crate::onnx::constant::{Constant, Whole};
use crate::onnx::element::Class;
use crate::onnx::emit::Emitter;
use crate::onnx::fold::MOST_AXES;
use crate::onnx::node::Node;
use crate::onnx::value::{Known, Operands, Value};

/// The most times that a computed value is repeated along an axis.
const MOST_REPEATS: usize = 4096;

pub(super) fn reshape(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let wanted = operands.known(1, "a shape")?.wholes()?.to_vec();
    let zeros = node.flag("allowzero", false)?;
    let from = emitter.shape(x);
    let shape = target(&from, &wanted, zeros, emitter.lifted)?;
    Ok(vec![emitter.reshape(x, shape)?])
}

/// The shape that `wanted` means: 0 is the input's axis, −1 whatever is left.
fn target(from: &Shape, wanted: &[Whole], zeros: bool, lifted: Option<usize>) -> Result<Shape> {
    if wanted.len() > MOST_AXES {
        return Err(Error::model(format!("the shape has {} axes", wanted.len())));
    }
    let mut dims: Vec<Option<Dim>> = vec![];
    for (at, whole) in wanted.iter().enumerate() {
        dims.push(match *whole {
            Whole::Number(0) if !zeros => Some(*from.dims().get(at).ok_or_else(|| {
                Error::model(format!("0 stands at axis {at} of the shape, the input has {from}"))
            })?),
            Whole::Number(-1) => None,
            Whole::Number(length) => {
                Some(Dim::Fixed(usize::try_from(length).map_err(|_| {
                    Error::model(format!("the shape has an axis of length {length}"))
                })?))
            }
            Whole::Batches(1) => Some(Dim::Batch),
            Whole::Batches(factor) => {
                return Err(Error::unsupported(
                    "a reshape",
                    "the ONNX reader",
                    &format!("an axis would have {factor} times the number of rows"),
                ));
            }
        });
    }
    let batches =
        |dims: &[Option<Dim>]| dims.iter().filter(|dim| **dim == Some(Dim::Batch)).count();
    let own = from.dims().iter().filter(|dim| **dim == Dim::Batch).count();
    // A file for one row, or some fixed number, read as one for any: its first axis is the batch.
    if let (Some(rows), Some(first)) = (lifted, dims.first_mut())
        && *first == Some(Dim::Fixed(rows))
        && from.dims().first() == Some(&Dim::Batch)
        && own == 1
    {
        *first = Some(Dim::Batch);
    }
    if dims.iter().filter(|dim| dim.is_none()).count() > 1 {
        return Err(Error::model("the shape has more than one -1"));
    }
    let known =
        dims.iter().flatten().try_fold(1_usize, |product, dim| product.checked_mul(dim.at(1)));
    let whole = from.elements(1);
    let (Some(known), Some(whole)) = (known, whole) else {
        return Err(Error::model("the shape has more elements than memory has bytes"));
    };
    let rest = match (own.checked_sub(batches(&dims)), whole.checked_div(known)) {
        (Some(0), Some(rest)) if rest * known == whole => Some(Dim::Fixed(rest)),
        (Some(1), Some(1)) if known == whole => Some(Dim::Batch),
        (Some(0), None) => Some(Dim::Fixed(0)),
        _ => None,
    };
    let misfit = || {
        let listed: Vec<String> = wanted
            .iter()
            .map(|whole| match whole {
                Whole::Number(number) => number.to_string(),
                Whole::Batches(factor) => format!("{factor}·B"),
            })
            .collect();
        let what = format!("an array of shape {from} does not become [{}]", listed.join(", "));
        if own > 0 {
            return Error::unsupported(
                "a reshape",
                "the ONNX reader",
                &format!("{what} for every number of rows B"),
            );
        }
        Error::model(what)
    };
    let dims = dims.into_iter().map(|dim| dim.or(rest).ok_or_else(misfit));
    let shape = Shape::from(dims.collect::<Result<Vec<Dim>>>()?);
    let fits = shape.elements(1) == Some(whole)
        && shape.dims().iter().filter(|dim| **dim == Dim::Batch).count() == own;
    if fits { Ok(shape) } else { Err(misfit()) }
}

/// Two axes: those before one, and those from it on.
pub(super) fn flatten(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let shape = emitter.shape(x);
    let rank = shape.rank();
    let given = node.int("axis", 1)?;
    let first = if given == rank as i64 { rank } else { axis(given, rank)? };
    let (before, behind) = shape.dims().split_at(first);
    let shape = Shape::from([joined(before)?, joined(behind)?]);
    Ok(vec![emitter.reshape(x, shape)?])
}

pub(super) fn transpose(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let rank = emitter.rank(x);
    let order = match node.ints("perm")? {
        None => (0..rank).rev().collect(),
        Some(order) => {
            if axes(order, rank)?.len() != rank {
                return Err(Error::model(format!("{order:?} is no order of {rank} axes")));
            }
            order.iter().map(|&one| axis(one, rank)).collect::<Result<Vec<usize>>>()?
        }
    };
    Ok(vec![emitter.permute(x, order)?])
}

pub(super) fn concat(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let parts = operands.all()?;
    let Some(first) = parts.first() else {
        return Err(Error::model("nothing is joined"));
    };
    let Some(given) = node.optional_int("axis")? else {
        return Err(Error::model("attribute axis is missing"));
    };
    let along = axis(given, emitter.rank(first))?;
    if let Some(other) = parts.iter().find(|part| part.class() != first.class()) {
        return Err(Error::model(format!(
            "{} and {} are joined",
            first.element(),
            other.element()
        )));
    }
    Ok(vec![emitter.concat(&parts, along)?])
}

/// Axes from an attribute, or from version 13 on from an operand.
fn given_axes(node: &Node<'_>, operands: &Operands<'_>) -> Result<Option<Vec<i64>>> {
    if node.opset >= 13 {
        return operands.optional_known(1, "axes")?.map(Constant::numbers).transpose();
    }
    Ok(node.ints("axes")?.map(<[i64]>::to_vec))
}

pub(super) fn squeeze(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let shape = emitter.shape(x);
    let taken = match given_axes(node, operands)? {
        Some(given) => axes(&given, shape.rank())?,
        None => (0..shape.rank()).filter(|&at| shape.dims()[at] == Dim::Fixed(1)).collect(),
    };
    for &at in &taken {
        let length = length(&shape, at, "taking an axis away")?;
        if length != 1 {
            return Err(Error::model(format!(
                "axis {at} has length {length}, only 1 can be taken away"
            )));
        }
    }
    let kept = shape.dims().iter().enumerate().filter(|(at, _)| !taken.contains(at));
    let shape = Shape::from(kept.map(|(_, &dim)| dim).collect::<Vec<Dim>>());
    Ok(vec![emitter.reshape(x, shape)?])
}

pub(super) fn unsqueeze(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let shape = emitter.shape(x);
    let Some(given) = given_axes(node, operands)? else {
        return Err(Error::model("its axes are missing"));
    };
    let new = axes(&given, shape.rank() + given.len())?;
    let mut dims = shape.dims().to_vec();
    for at in new {
        dims.insert(at.min(dims.len()), Dim::Fixed(1));
    }
    Ok(vec![emitter.reshape(x, dims.into())?])
}

/// Repetition to a shape by NumPy's rules, in both directions.
pub(super) fn expand(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let wanted = known_shape(operands.known(1, "a shape")?)?;
    let own = emitter.shape(x);
    let shape = own.broadcast(&wanted).ok_or_else(|| {
        Error::model(format!("an array of shape {own} does not broadcast to {wanted}"))
    })?;
    Ok(vec![emitter.broadcast(x, shape)?])
}

/// A known list as a shape.
pub(super) fn known_shape(constant: &Constant) -> Result<Shape> {
    if constant.len() > MOST_AXES {
        return Err(Error::model(format!("the shape has {} axes", constant.len())));
    }
    let dims = constant.wholes()?.iter().map(|&whole| match whole {
        Whole::Number(length) => usize::try_from(length)
            .map(Dim::Fixed)
            .map_err(|_| Error::model(format!("the shape has an axis of length {length}"))),
        Whole::Batches(1) => Ok(Dim::Batch),
        Whole::Batches(factor) => Err(Error::unsupported(
            &format!("an axis of {factor} times the number of rows"),
            "the ONNX reader",
            "rows must stay apart",
        )),
    });
    Ok(Shape::from(dims.collect::<Result<Vec<Dim>>>()?))
}

pub(super) fn tile(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let mut y = operands.need(0)?.clone();
    let repeats = operands.known(1, "repeats")?.numbers()?;
    if repeats.len() != emitter.rank(&y) {
        return Err(Error::model(format!(
            "{} repeats of {} axes",
            repeats.len(),
            emitter.rank(&y)
        )));
    }
    for (at, &repeats) in repeats.iter().enumerate() {
        let times = usize::try_from(repeats).ok().filter(|&times| times <= MOST_REPEATS);
        let Some(times) = times else {
            return Err(node.unsupported(&format!("{repeats} repetitions, at most {MOST_REPEATS}")));
        };
        y = match times {
            1 => y,
            0 => emitter.slice(&y, at, 0, 1, 0)?,
            times => emitter.concat(&vec![&y; times], at)?,
        };
    }
    Ok(vec![y])
}

/// A constant before and after axes; negative amounts take elements away.
pub(super) fn pad(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let mode = node.word("mode", "constant")?;
    if mode != "constant" {
        return Err(node.unsupported(&format!("mode is {mode:?}")));
    }
    let rank = emitter.rank(x);
    let (pads, fill) = if node.opset >= 11 {
        (operands.known(1, "paddings")?.numbers()?, operands.get(2).cloned())
    } else {
        let fill = node.float("value", 0.0)?;
        (node.ints("pads")?.unwrap_or(&[]).to_vec(), Some(emitter.number(fill)))
    };
    let over = match operands.optional_known(3, "axes")?.map(Constant::numbers).transpose()? {
        Some(given) => given.iter().map(|&one| axis(one, rank)).collect::<Result<Vec<usize>>>()?,
        None => (0..rank).collect(),
    };
    if pads.len() != 2 * over.len() {
        return Err(Error::model(format!("{} paddings of {} axes", pads.len(), over.len())));
    }
    if x.class() != Class::Float {
        return Err(node.unsupported(&format!("it pads {}", x.element())));
    }
    let fill = match fill.as_ref().map(|fill| fill.known().map(Constant::to_floats)) {
        None => 0.0,
        Some(Some(floats)) => match floats?[..] {
            [fill] => fill,
            _ => return Err(Error::model("the value to pad with is not one number")),
        },
        Some(None) => return Err(node.unsupported("the inputs decide what it pads with")),
    };
    let mut y = x.clone();
    for (place, &at) in over.iter().enumerate() {
        let (before, after) = (pads[place], pads[over.len() + place]);
        if (before, after) == (0, 0) {
            continue;
        }
        y = pad_axis(emitter, &y, at, [before, after], fill)?;
    }
    Ok(vec![y])
}

fn pad_axis(
    emitter: &mut Emitter,
    x: &Value,
    at: usize,
    pads: [i64; 2],
    fill: f64,
) -> Result<Value> {
    let shape = emitter.shape(x);
    let own = length(&shape, at, "padding")?;
    let cut = pads.map(|pad| usize::try_from(-pad.min(0)).unwrap_or(usize::MAX));
    let added = pads.map(|pad| usize::try_from(pad.max(0)).unwrap_or(usize::MAX));
    let kept = own.checked_sub(cut[0]).and_then(|rest| rest.checked_sub(cut[1]));
    let kept =
        kept.ok_or_else(|| Error::model(format!("more is cut than the axis of length {own} has")))?;
    let middle = emitter.slice(x, at, cut[0], 1, kept)?;
    if added == [0, 0] {
        return Ok(middle);
    }
    if fill == 0.0 && middle.known().is_none() {
        return emitter.pad(&middle, at, added[0], added[1]);
    }
    let fill = emitter.number(fill);
    let mut parts = vec![];
    for (place, length) in added.into_iter().enumerate() {
        if place == 1 {
            parts.push(middle.clone());
        }
        if length > 0 {
            let mut dims = shape.dims().to_vec();
            dims[at] = Dim::Fixed(length);
            parts.push(emitter.broadcast(&fill, dims.into())?);
        }
    }
    emitter.concat(&parts.iter().collect::<Vec<_>>(), at)
}

/// An array of one number everywhere.
pub(super) fn filled(emitter: &mut Emitter, element: Constant, shape: Shape) -> Result<Value> {
    let one = element.reshaped(vec![])?;
    let value =
        Value::Known(Known { constant: one.into(), key: emitter.result.clone(), trained: false });
    // Truth values and whole numbers that fill a row per sample are floats in the graph.
    let kind = value.element();
    let spread = match (&shape.dims().contains(&Dim::Batch), value.class()) {
        (true, Class::Whole | Class::Truth) => {
            let number = value.known().map_or(Ok(vec![]), Constant::to_floats)?;
            let number = emitter.number(number.first().copied().unwrap_or(0.0));
            emitter.broadcast(&number, shape)?.with_element(kind)
        }
        _ => emitter.broadcast(&value, shape)?,
    };
    Ok(spread)
}

/// The number of elements of a shape, as a known whole number.
pub(super) fn size(shape: &Shape) -> Result<Whole> {
    let fixed = shape.elements(1).and_then(|count| i64::try_from(count).ok());
    let fixed = fixed.ok_or_else(|| Error::model(format!("{shape} has too many elements")))?;
    match shape.dims().iter().filter(|dim| **dim == Dim::Batch).count() {
        0 => Ok(Whole::Number(fixed)),
        1 => Ok(Whole::Batches(fixed)),
        _ => Err(Error::unsupported(
            "the size of an array",
            "the ONNX reader",
            "the batch is in it twice",
        )),
    }
}
