//! Comparisons, truth values, choices. In the graph a truth value is 0 or 1.

use glassnet::graph::op::{Activation, Arithmetic};
use glassnet::{Error, Result};

use crate::onnx::constant::{Constant, Data, Whole};
use crate::onnx::element::{Class, Element};
use crate::onnx::emit::Emitter;
use crate::onnx::fold;
use crate::onnx::node::Node;
use crate::onnx::value::{Known, Operands, Value};

#[derive(Clone, Copy)]
enum Comparison {
    Equal,
    Greater,
    GreaterOrEqual,
}

/// `a > b`, `a ≥ b` or `a = b`; false where either is NaN.
fn compare(emitter: &mut Emitter, comparison: Comparison, a: &Value, b: &Value) -> Result<Value> {
    if a.class() != b.class() {
        return Err(Error::model(format!(
            "the operands are {} and {}: they must be of one type",
            a.element(),
            b.element()
        )));
    }
    if let (Some(left), Some(right)) = (a.known(), b.known()) {
        let shape = fold::broadcast(&left.shape, &right.shape)?;
        emitter.spend(fold::elements(&shape)?)?;
        let truths = known(comparison, left, right, &shape)?;
        return Ok(emitter.known(truth(shape, truths), false));
    }
    let (one, zero) = (emitter.number(1.0), emitter.number(0.0));
    let difference = emitter.sub(a, b)?;
    let greater = |emitter: &mut Emitter, rest: &Value| emitter.select(&difference, &one, rest);
    let result = match comparison {
        Comparison::Greater => greater(emitter, &zero)?,
        Comparison::GreaterOrEqual | Comparison::Equal => {
            // Neither greater nor less: equal, unless one is NaN.
            let larger = emitter.arithmetic(Arithmetic::Maximum, &[a, b])?;
            let number = is_number(emitter, &larger)?;
            let reverse = emitter.sub(b, a)?;
            let not_less = emitter.select(&reverse, &zero, &number)?;
            match comparison {
                Comparison::Equal => emitter.select(&difference, &zero, &not_less)?,
                Comparison::Greater | Comparison::GreaterOrEqual => greater(emitter, &not_less)?,
            }
        }
    };
    Ok(result.with_element(Element::Bool))
}

/// Whether `a ≠ b`; NaN differs from everything.
pub(super) fn differs(emitter: &mut Emitter, a: &Value, b: &Value) -> Result<Value> {
    let one = emitter.number(1.0);
    // Whole numbers are floats in the graph, so both sides are compared as floats.
    let a = a.clone().with_element(Element::F32);
    let equal = compare(emitter, Comparison::Equal, &a, b)?;
    Ok(emitter.sub(&one, &equal)?.with_element(Element::Bool))
}

/// 1, or 0 where the value is NaN: `|x| + 1 > 0`.
fn is_number(emitter: &mut Emitter, x: &Value) -> Result<Value> {
    let (one, zero) = (emitter.number(1.0), emitter.number(0.0));
    let size = emitter.activation(Activation::Abs, x)?;
    let above = emitter.add(&size, &one)?;
    emitter.select(&above, &one, &zero)
}

fn known(comparison: Comparison, a: &Constant, b: &Constant, shape: &[usize]) -> Result<Vec<bool>> {
    let places = fold::broadcast_places(&a.shape, shape)
        .into_iter()
        .zip(fold::broadcast_places(&b.shape, shape));
    match (&a.data, &b.data) {
        (Data::Wholes(a), Data::Wholes(b)) => {
            places.map(|(at, bt)| whole(comparison, a[at], b[bt])).collect()
        }
        _ => {
            let (a, b) = (a.to_floats()?, b.to_floats()?);
            Ok(places
                .map(|(at, bt)| match comparison {
                    Comparison::Equal => a[at] == b[bt],
                    Comparison::Greater => a[at] > b[bt],
                    Comparison::GreaterOrEqual => a[at] >= b[bt],
                })
                .collect())
        }
    }
}

/// The number of rows is at least 1, so a multiple of it is above 0 or below.
fn whole(comparison: Comparison, a: Whole, b: Whole) -> Result<bool> {
    let (a, b) = match (a, b) {
        (Whole::Number(a), Whole::Number(b)) | (Whole::Batches(a), Whole::Batches(b)) => (a, b),
        (Whole::Batches(a), Whole::Number(b)) if b <= 0 && a > 0 => (1, b),
        (Whole::Number(a), Whole::Batches(b)) if a <= 0 && b > 0 => (a, 1),
        (Whole::Batches(_), Whole::Number(_)) | (Whole::Number(_), Whole::Batches(_)) => {
            return Err(Error::unsupported(
                "a comparison with the number of rows",
                "the ONNX reader",
                "it is not known when the file is read",
            ));
        }
    };
    Ok(match comparison {
        Comparison::Equal => a == b,
        Comparison::Greater => a > b,
        Comparison::GreaterOrEqual => a >= b,
    })
}

fn truth(shape: Vec<usize>, truths: Vec<bool>) -> Constant {
    Constant { element: Element::Bool, shape, data: Data::Truths(truths) }
}

pub(super) fn equal(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    Ok(vec![compare(emitter, Comparison::Equal, operands.need(0)?, operands.need(1)?)?])
}

pub(super) fn greater(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    Ok(vec![compare(emitter, Comparison::Greater, operands.need(0)?, operands.need(1)?)?])
}

pub(super) fn less(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    Ok(vec![compare(emitter, Comparison::Greater, operands.need(1)?, operands.need(0)?)?])
}

pub(super) fn greater_or_equal(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    Ok(vec![compare(emitter, Comparison::GreaterOrEqual, operands.need(0)?, operands.need(1)?)?])
}

pub(super) fn less_or_equal(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    Ok(vec![compare(emitter, Comparison::GreaterOrEqual, operands.need(1)?, operands.need(0)?)?])
}

/// `f` of known truth values at once; else `op` of the floats 0 and 1, then `then` of that.
fn combine(
    emitter: &mut Emitter,
    operands: &Operands<'_>,
    f: impl Fn(bool, bool) -> bool,
    op: Arithmetic,
    then: Option<Activation>,
) -> Result<Vec<Value>> {
    let (a, b) = (operands.need(0)?, operands.need(1)?);
    truths(a)?;
    truths(b)?;
    if let (Some(left), Some(right)) = (a.known(), b.known())
        && let (Data::Truths(l), Data::Truths(r)) = (&left.data, &right.data)
    {
        let shape = fold::broadcast(&left.shape, &right.shape)?;
        emitter.spend(fold::elements(&shape)?)?;
        let places = fold::broadcast_places(&left.shape, &shape)
            .into_iter()
            .zip(fold::broadcast_places(&right.shape, &shape));
        let data = places.map(|(at, bt)| f(l[at], r[bt])).collect();
        return Ok(vec![emitter.known(truth(shape, data), false)]);
    }
    let mut result = emitter.arithmetic(op, &[a, b])?;
    if let Some(then) = then {
        result = emitter.activation(then, &result)?;
    }
    Ok(vec![result.with_element(Element::Bool)])
}

fn truths(value: &Value) -> Result<()> {
    match value.class() {
        Class::Truth => Ok(()),
        Class::Float | Class::Whole => {
            Err(Error::model(format!("an operand is {}, expected bool", value.element())))
        }
    }
}

pub(super) fn and(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    combine(emitter, operands, |a, b| a && b, Arithmetic::Mul, None)
}

pub(super) fn or(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    combine(emitter, operands, |a, b| a || b, Arithmetic::Maximum, None)
}

pub(super) fn xor(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    combine(emitter, operands, |a, b| a != b, Arithmetic::Sub, Some(Activation::Abs))
}

pub(super) fn not(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    truths(x)?;
    if let Some(Constant { shape, data: Data::Truths(data), .. }) = x.known() {
        let constant = truth(shape.clone(), data.iter().map(|&truth| !truth).collect());
        return Ok(vec![emitter.known(constant, false)]);
    }
    let one = emitter.number(1.0);
    Ok(vec![emitter.sub(&one, x)?.with_element(Element::Bool)])
}

/// `Where`: the second operand where the first is true, else the third.
pub(super) fn choose(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (condition, a, b) = (operands.need(0)?, operands.need(1)?, operands.need(2)?);
    truths(condition)?;
    let element = a.element();
    if a.class() != b.class() {
        return Err(Error::model(format!("a choice between {element} and {}", b.element())));
    }
    if let (Some(condition), Some(left), Some(right)) = (condition.known(), a.known(), b.known()) {
        let shape =
            fold::broadcast(&fold::broadcast(&condition.shape, &left.shape)?, &right.shape)?;
        emitter.spend(fold::elements(&shape)?)?;
        let chosen = condition.to_floats()?;
        // Both behind each other: places of the second begin where the first ends.
        let both = fold::concat(
            &[&left.reshaped(vec![left.len()])?, &right.reshaped(vec![right.len()])?],
            0,
            vec![left.len() + right.len()],
        )?;
        let at = fold::broadcast_places(&condition.shape, &shape);
        let (l, r) = (
            fold::broadcast_places(&left.shape, &shape),
            fold::broadcast_places(&right.shape, &shape),
        );
        let places: Vec<usize> = (0..at.len())
            .map(|index| if chosen[at[index]] > 0.0 { l[index] } else { left.len() + r[index] })
            .collect();
        let constant = both.taken(shape, &places);
        return Ok(vec![emitter.known(constant, false)]);
    }
    if let Some(condition) = condition.known()
        && let [truth] = condition.to_floats()?[..]
    {
        let chosen = if truth > 0.0 { a } else { b };
        let shape = emitter.shape(a).broadcast(&emitter.shape(b));
        if condition.shape.is_empty() && shape == Some(emitter.shape(chosen)) {
            return Ok(vec![chosen.clone()]);
        }
    }
    Ok(vec![emitter.select(condition, a, b)?.with_element(element)])
}

pub(super) fn is_nan(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let number = is_number(emitter, operands.float(0)?)?;
    let one = emitter.number(1.0);
    let value = emitter.sub(&one, &number)?;
    Ok(vec![truth_of(value)?])
}

/// Floats 0 and 1 as truth values.
fn truth_of(value: Value) -> Result<Value> {
    Ok(match &value {
        Value::Node { .. } => value.with_element(Element::Bool),
        Value::Known(known) => {
            let truths =
                known.constant.to_floats()?.into_iter().map(|number| number > 0.0).collect();
            let constant = truth(known.constant.shape.clone(), truths);
            Value::Known(Known { constant: constant.into(), ..known.clone() })
        }
    })
}

pub(super) fn is_inf(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let (positive, negative) =
        (node.flag("detect_positive", true)?, node.flag("detect_negative", true)?);
    let size = match (positive, negative) {
        (true, true) => emitter.activation(Activation::Abs, x)?,
        (true, false) => x.clone(),
        (false, true) => emitter.activation(Activation::Negate, x)?,
        (false, false) => emitter.scale(x, 0.0)?,
    };
    let (one, zero) = (emitter.number(1.0), emitter.number(0.0));
    let largest = emitter.number(f64::from(f32::MAX));
    let above = emitter.sub(&size, &largest)?;
    let value = emitter.select(&above, &one, &zero)?;
    Ok(vec![truth_of(value)?])
}
