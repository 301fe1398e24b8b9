//! Sums, means, extremes, norms over axes.

use glassnet::graph::op::{Activation, Reduction};
use glassnet::graph::{Dim, Shape};
use glassnet::{Error, Result};

use super::axes;
use crate::onnx::constant::{Constant, Data, Whole};
use crate::onnx::element::Class;
use crate::onnx::emit::Emitter;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value};

/// Over which axes, and whether they stay.
struct Over {
    axes: Vec<usize>,
    keep: bool,
}

/// Axes are an attribute, or from some version on an operand. `None`: nothing is reduced at all.
fn over(
    emitter: &Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
    operand_from: i64,
) -> Result<Option<Over>> {
    let rank = emitter.rank(operands.need(0)?);
    let keep = node.flag("keepdims", true)?;
    let given = if node.opset >= operand_from {
        operands.optional_known(1, "axes")?.map(Constant::numbers).transpose()?
    } else {
        node.ints("axes")?.map(<[i64]>::to_vec)
    };
    let given = given.unwrap_or_default();
    if given.is_empty() {
        if node.flag("noop_with_empty_axes", false)? {
            return Ok(None);
        }
        return Ok(Some(Over { axes: (0..rank).collect(), keep }));
    }
    Ok(Some(Over { axes: axes(&given, rank)?, keep }))
}

/// `reduce` of `before(x)`, then `after`.
fn reduced(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
    operand_from: i64,
    kind: Reduction,
    before: Option<Activation>,
    after: Option<Activation>,
) -> Result<Vec<Value>> {
    let mut x = operands.float(0)?.clone();
    let over = over(emitter, node, operands, operand_from)?;
    if let Some(before) = before {
        x = emitter.activation(before, &x)?;
    }
    if let Some(Over { axes, keep }) = over {
        x = along(emitter, node, kind, axes, keep, &x)?;
    }
    if let Some(after) = after {
        x = emitter.activation(after, &x)?;
    }
    Ok(vec![x])
}

/// A reduction; extremes over nothing are infinite in ONNX.
fn along(
    emitter: &mut Emitter,
    node: &Node<'_>,
    kind: Reduction,
    axes: Vec<usize>,
    keep: bool,
    x: &Value,
) -> Result<Value> {
    let shape = emitter.shape(x);
    let nothing = axes.iter().any(|&axis| shape.dims()[axis] == Dim::Fixed(0));
    match kind {
        Reduction::Max | Reduction::Min if nothing => {
            Err(node.unsupported("an extreme over no elements does not exist"))
        }
        Reduction::Sum
        | Reduction::Mean
        | Reduction::Max
        | Reduction::Min
        | Reduction::Variance { .. } => {
            if axes.is_empty() {
                return Ok(x.clone());
            }
            emitter.reduce(kind, axes, keep, x)
        }
    }
}

pub(super) fn sum(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    if let Some(value) = whole(emitter, node, operands, 13, |a, b| a.checked_add(b))? {
        return Ok(vec![value]);
    }
    reduced(emitter, node, operands, 13, Reduction::Sum, None, None)
}

pub(super) fn mean(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    reduced(emitter, node, operands, 18, Reduction::Mean, None, None)
}

pub(super) fn max(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    extreme(emitter, node, operands, Reduction::Max)
}

pub(super) fn min(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    extreme(emitter, node, operands, Reduction::Min)
}

/// Of whole numbers and truth values, too: no new number arises.
fn extreme(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
    kind: Reduction,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let element = x.element();
    let Some(Over { axes, keep }) = over(emitter, node, operands, 18)? else {
        return Ok(vec![x.clone()]);
    };
    if element.class() != Class::Float && x.known().is_some() {
        return Err(node.unsupported(&format!("a known array of {element}")));
    }
    Ok(vec![along(emitter, node, kind, axes, keep, x)?.with_element(element)])
}

pub(super) fn l1(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    reduced(emitter, node, operands, 18, Reduction::Sum, Some(Activation::Abs), None)
}

pub(super) fn l2(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let after = Some(Activation::Sqrt);
    reduced(emitter, node, operands, 18, Reduction::Sum, Some(Activation::Square), after)
}

pub(super) fn sum_of_squares(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    reduced(emitter, node, operands, 18, Reduction::Sum, Some(Activation::Square), None)
}

pub(super) fn log_sum(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    reduced(emitter, node, operands, 18, Reduction::Sum, None, Some(Activation::Log))
}

/// `m + ln Σ e^(x − m)`, m the largest, so that nothing overflows.
pub(super) fn log_sum_exp(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let shape = emitter.shape(x);
    let Some(Over { axes, keep }) = over(emitter, node, operands, 18)? else {
        return Ok(vec![x.clone()]);
    };
    if axes.iter().any(|&axis| shape.dims()[axis] == Dim::Fixed(0)) {
        let (before, after) = (Some(Activation::Exp), Some(Activation::Log));
        return reduced(emitter, node, operands, 18, Reduction::Sum, before, after);
    }
    let largest = along(emitter, node, Reduction::Max, axes.clone(), true, x)?;
    let shifted = emitter.sub(x, &largest)?;
    let powers = emitter.activation(Activation::Exp, &shifted)?;
    let sum = along(emitter, node, Reduction::Sum, axes.clone(), true, &powers)?;
    let logarithm = emitter.activation(Activation::Log, &sum)?;
    let value = emitter.add(&largest, &logarithm)?;
    if keep {
        return Ok(vec![value]);
    }
    let kept = shape.dims().iter().enumerate().filter(|(axis, _)| !axes.contains(axis));
    let shape = Shape::from(kept.map(|(_, &dim)| dim).collect::<Vec<_>>());
    Ok(vec![emitter.reshape(&value, shape)?])
}

/// The product, of known numbers or along an axis of few elements.
pub(super) fn product(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    const MOST: usize = 64;
    if let Some(value) = whole(emitter, node, operands, 18, |a, b| a.checked_mul(b))? {
        return Ok(vec![value]);
    }
    let x = operands.float(0)?;
    let Some(Over { axes, keep }) = over(emitter, node, operands, 18)? else {
        return Ok(vec![x.clone()]);
    };
    let mut y = x.clone();
    for axis in axes.into_iter().rev() {
        let shape = emitter.shape(&y);
        let length = super::length(&shape, axis, "a product")?;
        if length > MOST {
            return Err(node.unsupported(&format!("a product of {length} elements")));
        }
        let mut product = None;
        for index in 0..length {
            let factor = emitter.slice(&y, axis, index, 1, 1)?;
            product = Some(match product {
                None => factor,
                Some(before) => emitter.mul(&before, &factor)?,
            });
        }
        let product = match product {
            Some(product) => product,
            None => {
                let one = emitter.number(1.0);
                let mut dims = shape.dims().to_vec();
                dims[axis] = Dim::Fixed(1);
                emitter.broadcast(&one, dims.into())?
            }
        };
        let mut dims = shape.dims().to_vec();
        if keep {
            dims[axis] = Dim::Fixed(1);
        } else {
            dims.remove(axis);
        }
        y = emitter.reshape(&product, dims.into())?;
    }
    Ok(vec![y])
}

/// A reduction of known whole numbers, which is how exporters compute sizes; `None` for anything else.
fn whole(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
    operand_from: i64,
    f: impl Fn(i64, i64) -> Option<i64>,
) -> Result<Option<Value>> {
    let x = operands.need(0)?;
    let (Some(constant), Class::Whole) = (x.known(), x.class()) else { return Ok(None) };
    let Some(Over { axes, keep }) = over(emitter, node, operands, operand_from)? else {
        return Ok(Some(x.clone()));
    };
    if axes.len() != constant.shape.len() {
        return Err(node.unsupported("a reduction of whole numbers along some of the axes"));
    }
    let too_large = || Error::model("a whole number is too large for 64 bits");
    let value = match constant.wholes()? {
        [one] => *one,
        _ => {
            let mut numbers = constant.numbers()?.into_iter();
            let first = numbers.next();
            let Some(first) = first else { return Err(node.unsupported("there are no numbers")) };
            Whole::Number(numbers.try_fold(first, &f).ok_or_else(too_large)?)
        }
    };
    let shape = if keep { vec![1; axes.len()] } else { vec![] };
    let element = constant.element;
    let constant = Constant { element, shape, data: Data::Wholes(vec![value]) };
    Ok(Some(emitter.known(constant, false)))
}

fn global_pool(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
    kind: Reduction,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let axes = (2..emitter.rank(x)).collect();
    Ok(vec![along(emitter, node, kind, axes, true, x)?])
}

/// The mean over all axes behind the channels.
pub(super) fn global_average_pool(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    global_pool(emitter, node, operands, Reduction::Mean)
}

/// The largest over all axes behind the channels.
pub(super) fn global_max_pool(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    global_pool(emitter, node, operands, Reduction::Max)
}
