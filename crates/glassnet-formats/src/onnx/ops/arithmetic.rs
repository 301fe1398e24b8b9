//! Elementwise arithmetic with broadcasting.

use glassnet::graph::op::{Activation, Arithmetic};
use glassnet::{Error, Result};

use crate::onnx::constant::{Constant, Data, Whole};
use crate::onnx::element::Class;
use crate::onnx::emit::{Emitter, shortest};
use crate::onnx::fold;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value};

/// Of floats as a node, of known whole numbers at once.
pub(super) fn binary(emitter: &mut Emitter, op: Arithmetic, a: &Value, b: &Value) -> Result<Value> {
    match (a.class(), b.class()) {
        (Class::Float, Class::Float) => emitter.arithmetic(op, &[a, b]),
        (Class::Whole, Class::Whole) => whole(emitter, op, a, b),
        _ => Err(Error::model(format!(
            "the operands are {} and {}: they must be of one type",
            a.element(),
            b.element()
        ))),
    }
}

fn whole(emitter: &mut Emitter, op: Arithmetic, a: &Value, b: &Value) -> Result<Value> {
    if let (Value::Known(left), Value::Known(right)) = (a, b) {
        let shape = fold::broadcast(&left.constant.shape, &right.constant.shape)?;
        emitter.spend(fold::elements(&shape)?)?;
        let result = fold::wholes(op, &left.constant, &right.constant)?;
        return Ok(emitter.known(result, left.trained || right.trained));
    }
    match op {
        // Exact in f32 as long as the numbers are: no new number arises.
        Arithmetic::Maximum | Arithmetic::Minimum => {
            let element = a.element();
            Ok(emitter.arithmetic(op, &[a, b])?.with_element(element))
        }
        Arithmetic::Add
        | Arithmetic::Sub
        | Arithmetic::Mul
        | Arithmetic::Div
        | Arithmetic::Power
        | Arithmetic::Select => Err(Error::unsupported(
            &format!("arithmetic with {} that are inputs", a.element()),
            "the ONNX reader",
            "a network computes with floats",
        )),
    }
}

fn two(emitter: &mut Emitter, op: Arithmetic, operands: &Operands<'_>) -> Result<Vec<Value>> {
    Ok(vec![binary(emitter, op, operands.need(0)?, operands.need(1)?)?])
}

/// A bias that follows a product without one becomes part of it.
pub(super) fn add(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (a, b) = (operands.need(0)?, operands.need(1)?);
    for (product, bias) in [(a, b), (b, a)] {
        if let Some(sum) = super::product::with_bias(emitter, product, bias)? {
            return Ok(vec![sum]);
        }
    }
    two(emitter, Arithmetic::Add, operands)
}

pub(super) fn sub(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    two(emitter, Arithmetic::Sub, operands)
}

pub(super) fn mul(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    two(emitter, Arithmetic::Mul, operands)
}

pub(super) fn div(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    two(emitter, Arithmetic::Div, operands)
}

/// The remainder of known whole numbers: with the divisor's sign, or with `fmod` the dividend's.
pub(super) fn modulo(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (Value::Known(a), Value::Known(b)) = (operands.need(0)?, operands.need(1)?) else {
        return Err(node.unsupported("a network has no remainder of what it computes"));
    };
    let (a, b) = (&a.constant, &b.constant);
    let shape = fold::broadcast(&a.shape, &b.shape)?;
    emitter.spend(fold::elements(&shape)?)?;
    let (left, right) = (a.numbers()?, b.numbers()?);
    let (from_a, from_b) =
        (fold::broadcast_places(&a.shape, &shape), fold::broadcast_places(&b.shape, &shape));
    let fmod = node.flag("fmod", false)?;
    let data = from_a.into_iter().zip(from_b).map(|(at, bt)| {
        let (a, b) = (left[at], right[bt]);
        let rest = a.checked_rem(b).ok_or_else(|| Error::model("a remainder by 0"))?;
        Ok(Whole::Number(if !fmod && rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }))
    });
    let data = Data::Wholes(data.collect::<Result<Vec<Whole>>>()?);
    Ok(vec![emitter.known(Constant { element: a.element, shape, data }, false)])
}

fn chain(emitter: &mut Emitter, op: Arithmetic, operands: &Operands<'_>) -> Result<Value> {
    let mut result = operands.need(0)?.clone();
    for index in 1..operands.len() {
        result = binary(emitter, op, &result, operands.need(index)?)?;
    }
    Ok(result)
}

pub(super) fn max(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    Ok(vec![chain(emitter, Arithmetic::Maximum, operands)?])
}

pub(super) fn min(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    Ok(vec![chain(emitter, Arithmetic::Minimum, operands)?])
}

pub(super) fn sum(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    Ok(vec![chain(emitter, Arithmetic::Add, operands)?])
}

pub(super) fn mean(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    operands.float(0)?;
    let sum = chain(emitter, Arithmetic::Add, operands)?;
    Ok(vec![emitter.scale(&sum, 1.0 / operands.len() as f64)?])
}

/// Powers with a known exponent become products and roots where these are exact to the last bits.
pub(super) fn pow(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (base, exponent) = (operands.need(0)?, operands.need(1)?);
    if base.class() == Class::Whole && exponent.class() == Class::Whole {
        return two(emitter, Arithmetic::Power, operands);
    }
    if base.class() != Class::Float {
        return Err(node.unsupported(&format!("its base is {}", base.element())));
    }
    let known = match exponent {
        Value::Known(known) => known,
        Value::Node { .. } if exponent.class() == Class::Float => {
            return two(emitter, Arithmetic::Power, operands);
        }
        Value::Node { .. } => {
            return Err(node.unsupported("its exponent is a whole number that the inputs decide"));
        }
    };
    let floats = known.constant.to_floats()?;
    let same_shape =
        emitter.shape(base).broadcast(&emitter.shape(exponent)) == Some(emitter.shape(base));
    let special = match floats[..] {
        [1.0] if same_shape => Some(base.clone()),
        [2.0] if same_shape => Some(emitter.activation(Activation::Square, base)?),
        [0.5] if same_shape => Some(emitter.activation(Activation::Sqrt, base)?),
        [-1.0] if same_shape => Some(emitter.activation(Activation::Reciprocal, base)?),
        [3.0] if same_shape => {
            let square = emitter.activation(Activation::Square, base)?;
            Some(emitter.mul(&square, base)?)
        }
        _ => None,
    };
    match special {
        Some(value) => Ok(vec![value]),
        None => {
            let constant = Constant::floats(known.constant.shape.clone(), floats);
            let exponent = emitter.known(constant, known.trained);
            Ok(vec![emitter.arithmetic(Arithmetic::Power, &[base, &exponent])?])
        }
    }
}

/// `min(max(x, least), greatest)`: where the least is above the greatest, the greatest.
pub(super) fn clip(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let (mut least, mut greatest) = (operands.get(1).cloned(), operands.get(2).cloned());
    if node.opset < 11 {
        least = node.optional_float("min")?.map(|least| emitter.number(least));
        greatest = node.optional_float("max")?.map(|greatest| emitter.number(greatest));
    }
    if let Some(cut) = known_cut(emitter, x, least.as_ref(), greatest.as_ref())? {
        return Ok(vec![cut]);
    }
    let mut y = x.clone();
    if let Some(least) = &least {
        y = binary(emitter, Arithmetic::Maximum, &y, least)?;
    }
    if let Some(greatest) = &greatest {
        y = binary(emitter, Arithmetic::Minimum, &y, greatest)?;
    }
    Ok(vec![y])
}

/// Known bounds make one of the activations.
fn known_cut(
    emitter: &mut Emitter,
    x: &Value,
    least: Option<&Value>,
    greatest: Option<&Value>,
) -> Result<Option<Value>> {
    let bound = |value: Option<&Value>, default: f64| match value.map(Value::known) {
        None => Some(default),
        Some(Some(constant)) => match constant.data {
            Data::Floats(ref floats) if floats.len() == 1 => Some(shortest(floats[0])),
            Data::Floats(_) | Data::Wholes(_) | Data::Truths(_) => None,
        },
        Some(None) => None,
    };
    if x.class() != Class::Float {
        return Ok(None);
    }
    let (lowest, highest) = (shortest(f64::from(f32::MIN)), shortest(f64::from(f32::MAX)));
    let activation = match (bound(least, lowest), bound(greatest, highest)) {
        (Some(0.0), Some(6.0)) => Activation::Relu6,
        (Some(0.0), Some(max)) if max >= highest => Activation::Relu,
        (Some(min), Some(max)) if min < max && min > lowest && max < highest => {
            Activation::Hardtanh { min, max }
        }
        _ => return Ok(None),
    };
    emitter.activation(activation, x).map(Some)
}
