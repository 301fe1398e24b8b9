//! Look-ups by index, and indices of the largest.

use glassnet::graph::op::{Activation, Gather, Linear, Reduction};
use glassnet::graph::{DType, Dim, Op};
use glassnet::{Error, Result};

use super::{axis, joined, length, shape_of};
use crate::onnx::constant::{Constant, Data, Whole};
use crate::onnx::element::{Class, Element};
use crate::onnx::emit::Emitter;
use crate::onnx::fold;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value, of_class};

/// The longest axis along which the first of the largest is found: it takes a matrix of its square.
const LONGEST: usize = 2048;

/// The most pieces that a computed value is cut into.
const MOST_PIECES: usize = 4096;

/// `data` at `indices` along an axis.
pub(super) fn gather(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (data, indices) = (operands.need(0)?, operands.need(1)?);
    let shape = emitter.shape(data);
    let at = axis(node.int("axis", 0)?, shape.rank())?;
    of_class(indices, Class::Whole, 1)?;
    match (data, indices) {
        (Value::Known(known), Value::Known(index)) => {
            let places = positions(&index.constant.numbers()?, known.constant.shape[at])?;
            let result =
                gather_known(emitter, &known.constant, at, &index.constant.shape, &places)?;
            Ok(vec![emitter.known(result, known.trained)])
        }
        (Value::Node { .. }, Value::Known(index)) => {
            let places = positions(&index.constant.numbers()?, length(&shape, at, "a look-up")?)?;
            pieces(emitter, node, data, at, &index.constant.shape, &places)
        }
        (_, Value::Node { .. }) => embedding(emitter, node, data, indices, at),
    }
}

/// `GatherND` with indices that are known: tuples along the first axes, which become one.
pub(super) fn gather_tuples(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let data = operands.need(0)?;
    let index = operands.known(1, "indices")?.clone();
    if node.int("batch_dims", 0)? != 0 {
        return Err(node.unsupported("it looks up row by row (batch_dims)"));
    }
    let shape = emitter.shape(data);
    let Some((&tuple, outer)) = index.shape.split_last() else {
        return Err(Error::model("its indices have no axis"));
    };
    if tuple == 0 || tuple > shape.rank() {
        return Err(Error::model(format!("indices of {tuple} axes in an operand {shape}")));
    }
    let lengths: Vec<usize> =
        (0..tuple).map(|axis| length(&shape, axis, "a look-up")).collect::<Result<_>>()?;
    let joined = lengths.iter().try_fold(1_usize, |all, one| all.checked_mul(*one));
    let joined = joined.ok_or_else(|| Error::model("its operand is too large"))?;
    let places = index.numbers()?;
    let places = places.chunks(tuple).map(|tuple| {
        let each = tuple.iter().zip(&lengths);
        each.map(|(&one, &length)| Ok((positions(&[one], length)?[0], length)))
            .try_fold(0, |flat, one: Result<(usize, usize)>| {
                one.map(|(at, length)| flat * length + at)
            })
    });
    let places = places.collect::<Result<Vec<usize>>>()?;
    let flat = super::shape_of(&[&[Dim::Fixed(joined)], &shape.dims()[tuple..]]);
    match emitter.reshape(data, flat)? {
        Value::Known(known) => {
            let result = gather_known(emitter, &known.constant, 0, outer, &places)?;
            Ok(vec![emitter.known(result, known.trained)])
        }
        node_value @ Value::Node { .. } => pieces(emitter, node, &node_value, 0, outer, &places),
    }
}

/// Indices below the length; negative ones count from the end.
fn positions(indices: &[i64], length: usize) -> Result<Vec<usize>> {
    let found = indices.iter().map(|&index| {
        let place = if index < 0 { index.checked_add(length as i64) } else { Some(index) };
        let place = place.and_then(|place| usize::try_from(place).ok());
        place.filter(|&place| place < length).ok_or_else(|| {
            Error::model(format!("index {index} of an axis of length {length}"))
                .help("export the model again")
        })
    });
    found.collect()
}

fn gather_known(
    emitter: &mut Emitter,
    data: &Constant,
    at: usize,
    index_shape: &[usize],
    places: &[usize],
) -> Result<Constant> {
    let shape = [&data.shape[..at], index_shape, &data.shape[at + 1..]].concat();
    let count = fold::elements(&shape)?;
    emitter.spend(count)?;
    let inner = fold::elements(&data.shape[at + 1..])?;
    let outer = if count == 0 { 0 } else { fold::elements(&data.shape[..at])? };
    let mut elements = Vec::with_capacity(count);
    for row in 0..outer {
        for place in places {
            let start = (row * data.shape[at] + place) * inner;
            elements.extend(start..start + inner);
        }
    }
    Ok(data.taken(shape, &elements))
}

/// A computed value cut at known places and joined again.
fn pieces(
    emitter: &mut Emitter,
    node: &Node<'_>,
    data: &Value,
    at: usize,
    index_shape: &[usize],
    places: &[usize],
) -> Result<Vec<Value>> {
    let dims = emitter.shape(data).dims().to_vec();
    let mut runs: Vec<(usize, usize)> = vec![];
    for &place in places {
        match runs.last_mut() {
            Some((start, count)) if *start + *count == place => *count += 1,
            Some(_) | None => runs.push((place, 1)),
        }
    }
    if runs.len() > MOST_PIECES {
        return Err(
            node.unsupported(&format!("it takes {} pieces of what is computed", runs.len()))
        );
    }
    let parts = if runs.is_empty() {
        vec![emitter.slice(data, at, 0, 1, 0)?]
    } else {
        let parts = runs.iter().map(|&(start, count)| emitter.slice(data, at, start, 1, count));
        parts.collect::<Result<Vec<Value>>>()?
    };
    let taken = emitter.concat(&parts.iter().collect::<Vec<_>>(), at)?;
    let index: Vec<Dim> = index_shape.iter().copied().map(Dim::Fixed).collect();
    let shape = shape_of(&[&dims[..at], &index, &dims[at + 1..]]);
    Ok(vec![emitter.reshape(&taken, shape)?])
}

/// Indices that are an input look up rows of a table: `Embedding`.
fn embedding(
    emitter: &mut Emitter,
    node: &Node<'_>,
    data: &Value,
    indices: &Value,
    at: usize,
) -> Result<Vec<Value>> {
    let id = emitter.node(indices)?;
    if emitter.builder.type_of(id).dtype != DType::I64 && !emitter.is_cut(indices) {
        return Err(node.unsupported("its indices are computed"));
    }
    of_class(data, Class::Float, 0)?;
    let rank = emitter.rank(data);
    let mut order: Vec<usize> = (0..rank).collect();
    order.remove(at);
    order.insert(0, at);
    let data = emitter.permute(data, order)?;
    let dims = emitter.shape(&data).dims().to_vec();
    let width = joined(&dims[1..])?;
    let table = emitter.reshape(&data, [dims[0], width].into())?;
    let table = emitter.node(&table)?;
    let looked_up =
        emitter.push(Op::Gather(Gather::Embedding { padding_idx: None }), vec![table, id])?;
    let looked_up = Value::Node { id: looked_up, element: Element::F32 };
    let index = emitter.shape(indices).dims().to_vec();
    let whole = emitter.reshape(&looked_up, shape_of(&[&index, &dims[1..]]))?;
    // The looked-up rows stand first; the axes that stood before the one looked up along go before them.
    let mut order: Vec<usize> = (index.len()..index.len() + at).collect();
    order.extend(0..index.len());
    order.extend(index.len() + at..index.len() + dims.len() - 1);
    Ok(vec![emitter.permute(&whole, order)?])
}

/// 1 at the first of the extreme elements along an axis, 0 elsewhere.
pub(super) fn first_extreme(
    emitter: &mut Emitter,
    x: &Value,
    axis: usize,
    kind: Reduction,
) -> Result<Value> {
    one_extreme(emitter, x, axis, kind, false)
}

fn one_extreme(
    emitter: &mut Emitter,
    x: &Value,
    axis: usize,
    kind: Reduction,
    last: bool,
) -> Result<Value> {
    let shape = emitter.shape(x);
    let length = length(&shape, axis, "the place of the largest")?;
    if length == 0 || length > LONGEST {
        return Err(Error::unsupported(
            &format!("the place of the largest of {length}"),
            "the ONNX reader",
            &format!("1 to {LONGEST} elements are looked through"),
        ));
    }
    let (one, zero) = (emitter.number(1.0), emitter.number(0.0));
    let extreme = emitter.reduce(kind, vec![axis], true, x)?;
    let difference = emitter.sub(&extreme, x)?;
    let distance = emitter.activation(Activation::Abs, &difference)?;
    let ties = emitter.select(&distance, &zero, &one)?;
    // How many ties stand before (or behind) each element: a product with a triangle of ones.
    let counted = |row: usize, column: usize| if last { row > column } else { row < column };
    let triangle = (0..length * length)
        .map(|place| f64::from(u8::from(counted(place / length, place % length))))
        .collect();
    emitter.spend(length * length)?;
    let triangle = emitter.known(Constant::floats(vec![length, length], triangle), false);
    let mut order: Vec<usize> = (0..shape.rank()).collect();
    order.remove(axis);
    order.push(axis);
    let moved = emitter.permute(&ties, order.clone())?;
    let flat = emitter.shape(&moved);
    let rows = if flat.rank() == 1 { emitter.reshape(&moved, [1, length].into())? } else { moved };
    let product = Op::Linear(Linear::MatMul { transpose_a: false, transpose_b: false });
    let before = emitter.emit(product, &[&rows, &triangle])?;
    let before = emitter.reshape(&before, flat)?;
    let mut back: Vec<usize> = (0..shape.rank()).collect();
    for (place, &axis) in order.iter().enumerate() {
        back[axis] = place;
    }
    let before = emitter.permute(&before, back)?;
    emitter.select(&before, &zero, &ties)
}

fn place_of_extreme(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
    kind: Reduction,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let shape = emitter.shape(x);
    let at = axis(node.int("axis", 0)?, shape.rank())?;
    let last = node.flag("select_last_index", false)?;
    let chosen = one_extreme(emitter, x, at, kind, last)?;
    let length = length(&shape, at, "the place of the largest")?;
    let mut along = vec![1; shape.rank()];
    along[at] = length;
    let numbers =
        emitter.known(Constant::floats(along, (0..length).map(|n| n as f64).collect()), false);
    let weighted = emitter.mul(&chosen, &numbers)?;
    let place =
        emitter.reduce(Reduction::Sum, vec![at], node.flag("keepdims", true)?, &weighted)?;
    let place = emitter.entered(&place)?;
    Ok(vec![place.with_element(Element::I64)])
}

pub(super) fn arg_max(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    place_of_extreme(emitter, node, operands, Reduction::Max)
}

pub(super) fn arg_min(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    place_of_extreme(emitter, node, operands, Reduction::Min)
}

/// `on` where an index is, `off` elsewhere.
pub(super) fn one_hot(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let depth = match operands.known(1, "a depth")?.to_floats()?[..] {
        [depth] if depth >= 1.0 && depth <= LONGEST as f64 => depth as usize,
        _ => {
            return Err(
                node.unsupported(&format!("its depth is not one number from 1 to {LONGEST}"))
            );
        }
    };
    let values = operands.known(2, "values")?.to_floats()?;
    let [off, on] = values[..] else {
        return Err(Error::model("its values are not two numbers"));
    };
    let indices = operands.need(0)?;
    if let Value::Node { id, .. } = indices
        && emitter.builder.type_of(*id).dtype != DType::I64
    {
        return Err(node.unsupported("its indices are computed"));
    }
    emitter.spend(depth * depth)?;
    let at_diagonal = |place: usize| if place / depth == place % depth { on } else { off };
    let rows = Constant::floats(vec![depth, depth], (0..depth * depth).map(at_diagonal).collect());
    let rows = emitter.known(rows, false);
    let rank = emitter.rank(indices);
    let hot = match indices {
        Value::Known(known) => {
            let places = positions(&known.constant.numbers()?, depth)?;
            let Value::Known(table) = &rows else { return Err(node.unsupported("its values")) };
            let result = gather_known(emitter, &table.constant, 0, &known.constant.shape, &places)?;
            emitter.known(result, false)
        }
        Value::Node { .. } => match embedding(emitter, node, &rows, indices, 0)?.pop() {
            Some(hot) => hot,
            None => return Err(node.unsupported("nothing is looked up")),
        },
    };
    let at = axis(node.int("axis", -1)?, rank + 1)?;
    let mut order: Vec<usize> = (0..rank).collect();
    order.insert(at, rank);
    let hot = emitter.permute(&hot, order)?;
    let class = operands.need(2)?.class();
    Ok(vec![match class {
        Class::Float => hot,
        Class::Whole | Class::Truth => {
            let element = operands.need(2)?.element();
            emitter.entered(&hot)?.with_element(element)
        }
    }])
}

/// The upper or lower triangle of matrices; 0 elsewhere.
pub(super) fn trilu(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let upper = node.flag("upper", true)?;
    let k = match operands
        .optional_known(1, "a diagonal")?
        .map(Constant::numbers)
        .transpose()?
        .as_deref()
    {
        None => 0,
        Some([k]) => *k,
        Some(_) => return Err(Error::model("the diagonal is not one number")),
    };
    let shape = emitter.shape(x);
    if shape.rank() < 2 {
        return Err(Error::model(format!("an array of shape {shape} is no matrix")));
    }
    let rows = length(&shape, shape.rank() - 2, "a triangle")?;
    let columns = length(&shape, shape.rank() - 1, "a triangle")?;
    emitter.spend(fold::elements(&[rows, columns])?)?;
    let kept = |place: usize| {
        let beyond = (place % columns) as i128 - (place / columns) as i128 - i128::from(k);
        if upper { beyond >= 0 } else { beyond <= 0 }
    };
    let kept: Vec<f64> =
        (0..rows * columns).map(|place| f64::from(u8::from(kept(place)))).collect();
    if let Some(constant) = x.known() {
        let all = constant.len();
        let truths = (0..all).map(|place| kept[place % kept.len()] > 0.0).collect::<Vec<_>>();
        let zero = zeros_like(constant);
        let constant = mixed(constant, &zero, &truths);
        return Ok(vec![emitter.known(constant, false)]);
    }
    let mask = emitter.known(Constant::floats(vec![rows, columns], kept), false);
    let zero = emitter.number(0.0);
    let element = x.element();
    Ok(vec![emitter.select(&mask, x, &zero)?.with_element(element)])
}

fn zeros_like(constant: &Constant) -> Constant {
    let data = match &constant.data {
        Data::Floats(data) => Data::Floats(vec![0.0; data.len()]),
        Data::Wholes(data) => Data::Wholes(vec![Whole::Number(0); data.len()]),
        Data::Truths(data) => Data::Truths(vec![false; data.len()]),
    };
    Constant { data, ..constant.clone() }
}

/// `a` where true, else `b`.
fn mixed(a: &Constant, b: &Constant, truths: &[bool]) -> Constant {
    let data = match (&a.data, &b.data) {
        (Data::Floats(a), Data::Floats(b)) => Data::Floats(pick(a, b, truths)),
        (Data::Wholes(a), Data::Wholes(b)) => Data::Wholes(pick(a, b, truths)),
        (Data::Truths(a), Data::Truths(b)) => Data::Truths(pick(a, b, truths)),
        _ => a.data.clone(),
    };
    Constant { data, ..a.clone() }
}

fn pick<T: Copy>(a: &[T], b: &[T], truths: &[bool]) -> Vec<T> {
    truths.iter().enumerate().map(|(at, &truth)| if truth { a[at] } else { b[at] }).collect()
}
