//! Matrix products.
//!
//! A product with known weights becomes PyTorch's `Linear`, whatever the exporter made of it: its weight is stored
//! transposed where needed, and a bias that is added behind becomes part of it. It then has the bits of the layer.

use glassnet::graph::op::{Linear, Reduction};
use glassnet::graph::{Dim, Op, Shape};
use glassnet::{Error, Result};

use super::shape_of;
use crate::onnx::element::Class;
use crate::onnx::emit::Emitter;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value, of_class};

/// The most matrices that are multiplied one by one.
const MOST_APART: usize = 64;

/// `alpha·A·B + beta·C`, A and B transposed on request.
pub(super) fn gemm(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (a, b) = (operands.float(0)?, operands.float(1)?);
    let (transpose_a, transpose_b) = (node.flag("transA", false)?, node.flag("transB", false)?);
    let (alpha, beta) = (node.float("alpha", 1.0)?, node.float("beta", 1.0)?);
    for operand in [a, b] {
        let shape = emitter.shape(operand);
        if shape.rank() != 2 {
            return Err(Error::model(format!("an operand has shape {shape}, expected a matrix")));
        }
    }
    let mut y = if transpose_a {
        matmul_op(emitter, a, b, true, transpose_b)?
    } else {
        matrix(emitter, a, b, transpose_b)?
    };
    y = emitter.scale(&y, alpha)?;
    let Some(c) = operands.get(2) else { return Ok(vec![y]) };
    of_class(c, Class::Float, 2)?;
    let c = emitter.scale(c, beta)?;
    if let Some(sum) = with_bias(emitter, &y, &c)? {
        return Ok(vec![sum]);
    }
    Ok(vec![emitter.add(&y, &c)?])
}

/// `a·b`, or `a·bᵀ`, for a matrix b: an affine map without bias where b is known.
fn matrix(emitter: &mut Emitter, a: &Value, b: &Value, transposed: bool) -> Result<Value> {
    if matches!(b, Value::Node { .. }) {
        return matmul_op(emitter, a, b, false, transposed);
    }
    let weight = if transposed { b.clone() } else { emitter.permute(b, vec![1, 0])? };
    emitter.emit(Op::Linear(Linear::Affine), &[a, &weight])
}

fn matmul_op(
    emitter: &mut Emitter,
    a: &Value,
    b: &Value,
    transpose_a: bool,
    transpose_b: bool,
) -> Result<Value> {
    emitter.emit(Op::Linear(Linear::MatMul { transpose_a, transpose_b }), &[a, b])
}

/// `product + bias` as one affine map, if `product` is one without a bias and `bias` a known row of its width.
pub(super) fn with_bias(
    emitter: &mut Emitter,
    product: &Value,
    bias: &Value,
) -> Result<Option<Value>> {
    let &Value::Node { id, element } = product else { return Ok(None) };
    if bias.known().is_none() || bias.class() != Class::Float {
        return Ok(None);
    }
    let node = emitter.builder.graph().node(id);
    let (Op::Linear(Linear::Affine), &[x, weight]) = (node.op(), node.operands()) else {
        return Ok(None);
    };
    let Some(Dim::Fixed(width)) = emitter.builder.shape(id).last() else { return Ok(None) };
    let shape = emitter.shape(bias);
    let row = shape.last() == Some(Dim::Fixed(width))
        && shape.dims().iter().rev().skip(1).all(|&dim| dim == Dim::Fixed(1))
        && shape.rank() <= emitter.builder.shape(id).rank();
    if !row {
        return Ok(None);
    }
    let bias = emitter.reshape(bias, Shape::from([width]))?;
    let bias = emitter.node(&bias)?;
    let id = emitter.push(Op::Linear(Linear::Affine), vec![x, weight, bias])?;
    Ok(Some(Value::Node { id, element }))
}

/// NumPy's `matmul`: the last two axes are matrices, the others broadcast.
pub(super) fn matmul(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (a, b) = (operands.float(0)?, operands.float(1)?);
    let (left, right) = (emitter.shape(a), emitter.shape(b));
    if left.rank() == 0 || right.rank() == 0 {
        return Err(Error::model("a product with a scalar: its operands are matrices"));
    }
    // A vector is a matrix of one row, or of one column, whose axis is taken out again.
    let a = if left.rank() == 1 {
        emitter.reshape(a, shape_of(&[&[Dim::Fixed(1)], left.dims()]))?
    } else {
        a.clone()
    };
    let b = if right.rank() == 1 {
        emitter.reshape(b, shape_of(&[right.dims(), &[Dim::Fixed(1)]]))?
    } else {
        b.clone()
    };
    let y = matrices(emitter, &a, &b)?;
    let mut dims = emitter.shape(&y).dims().to_vec();
    if right.rank() == 1 {
        dims.pop();
    }
    if left.rank() == 1 {
        dims.remove(dims.len() - if right.rank() == 1 { 1 } else { 2 });
    }
    Ok(vec![emitter.reshape(&y, dims.into())?])
}

/// The product of stacks of matrices.
fn matrices(emitter: &mut Emitter, a: &Value, b: &Value) -> Result<Value> {
    let (left, right) = (emitter.shape(a), emitter.shape(b));
    let (left_stack, right_stack) = (stack(&left), stack(&right));
    let misfit = || Error::model(format!("the product of {left} and {right} does not exist"));
    let inner = left.last().ok_or_else(misfit)?;
    if inner != right.dims()[right.rank() - 2] {
        return Err(misfit());
    }
    let whole = left_stack.broadcast(&right_stack).ok_or_else(misfit)?;
    let ones = |shape: &Shape| shape.dims().iter().all(|&dim| dim == Dim::Fixed(1));
    if ones(&right_stack) {
        let (rows, columns) = (right.dims()[right.rank() - 2], right.dims()[right.rank() - 1]);
        let b = emitter.reshape(b, [rows, columns].into())?;
        let y = matrix(emitter, a, &b, false)?;
        let ends = emitter.shape(&y);
        return emitter.reshape(&y, shape_of(&[whole.dims(), &ends.dims()[ends.rank() - 2..]]));
    }
    if ones(&left_stack)
        && matches!(inner, Dim::Fixed(_))
        && right.dims().last() != Some(&Dim::Batch)
    {
        // (bᵀ·aᵀ)ᵀ: the stack of b counts as rows.
        let (rows, columns) = (left.dims()[left.rank() - 2], inner);
        let a = emitter.reshape(a, [rows, columns].into())?;
        let turned = emitter.permute(b, swapped(right.rank()))?;
        let y = matrix(emitter, &turned, &a, true)?;
        return emitter.permute(&y, swapped(right.rank()));
    }
    match whole
        .elements(1)
        .filter(|&count| count <= MOST_APART && !whole.dims().contains(&Dim::Batch))
    {
        Some(count) => one_by_one(emitter, a, b, &whole, count),
        None => summed(emitter, a, b),
    }
}

fn stack(shape: &Shape) -> Shape {
    shape.dims()[..shape.rank() - 2].to_vec().into()
}

/// The last two axes swapped.
fn swapped(rank: usize) -> Vec<usize> {
    let mut axes: Vec<usize> = (0..rank).collect();
    axes.swap(rank - 2, rank - 1);
    axes
}

/// Each matrix of the stacks by itself.
fn one_by_one(
    emitter: &mut Emitter,
    a: &Value,
    b: &Value,
    whole: &Shape,
    count: usize,
) -> Result<Value> {
    let mut flat = |x: &Value| -> Result<(Value, [Dim; 2])> {
        let shape = emitter.shape(x);
        let ends = [shape.dims()[shape.rank() - 2], shape.dims()[shape.rank() - 1]];
        let x = emitter.broadcast(x, shape_of(&[whole.dims(), &ends]))?;
        Ok((emitter.reshape(&x, [Dim::Fixed(count), ends[0], ends[1]].into())?, ends))
    };
    let ((a, [m, k]), (b, [_, n])) = (flat(a)?, flat(b)?);
    let mut products = vec![];
    for index in 0..count {
        let left = emitter.slice(&a, 0, index, 1, 1)?;
        let left = emitter.reshape(&left, [m, k].into())?;
        let right = emitter.slice(&b, 0, index, 1, 1)?;
        let right = emitter.reshape(&right, [k, n].into())?;
        let product = matmul_op(emitter, &left, &right, false, false)?;
        products.push(emitter.reshape(&product, [Dim::Fixed(1), m, n].into())?);
    }
    if products.is_empty() {
        return Err(Error::unsupported(
            "MatMul",
            "the ONNX reader",
            "there are no matrices in the stack",
        ));
    }
    let y = emitter.concat(&products.iter().collect::<Vec<_>>(), 0)?;
    emitter.reshape(&y, shape_of(&[whole.dims(), &[m, n]]))
}

/// A matrix per row of the batch: all products of elements, then their sums.
fn summed(emitter: &mut Emitter, a: &Value, b: &Value) -> Result<Value> {
    let left = emitter.shape(a);
    let a = emitter.reshape(a, shape_of(&[left.dims(), &[Dim::Fixed(1)]]))?;
    let right = emitter.shape(b);
    let (stack, ends) = right.dims().split_at(right.rank() - 2);
    let b = emitter.reshape(b, shape_of(&[stack, &[Dim::Fixed(1)], ends]))?;
    let products = emitter.mul(&a, &b)?;
    let axis = emitter.rank(&products) - 2;
    emitter.reduce(Reduction::Sum, vec![axis], false, &products)
}
