//! Elementwise functions of one variable.

use glassnet::Result;
use glassnet::graph::op::{Activation, Arithmetic};

use crate::onnx::constant::Whole;
use crate::onnx::constant::{Constant, Data};
use crate::onnx::element::Class;
use crate::onnx::emit::Emitter;
use crate::onnx::fold;
use crate::onnx::node::Node;
use crate::onnx::value::{Operands, Value};

fn one(emitter: &mut Emitter, operands: &Operands<'_>, f: Activation) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    Ok(vec![emitter.activation(f, x)?])
}

/// Functions that need no attribute.
macro_rules! plain {
    ($($name:ident => $activation:ident),* $(,)?) => {
        $(pub(super) fn $name(
            emitter: &mut Emitter,
            _: &Node<'_>,
            operands: &Operands<'_>,
        ) -> Result<Vec<Value>> {
            one(emitter, operands, Activation::$activation)
        })*
    };
}

plain! {
    acos => Acos,
    asin => Asin,
    atan => Atan,
    cos => Cos,
    cosh => Cosh,
    erf => Erf,
    exp => Exp,
    hard_swish => Hardswish,
    log => Log,
    mish => Mish,
    reciprocal => Reciprocal,
    relu => Relu,
    sigmoid => Sigmoid,
    sin => Sin,
    sinh => Sinh,
    softsign => Softsign,
    sqrt => Sqrt,
    tan => Tan,
    tanh => Tanh,
}

/// Of known whole numbers at once, of floats as a node.
fn signed(
    emitter: &mut Emitter,
    operands: &Operands<'_>,
    f: Activation,
    whole: impl Fn(i64) -> Option<i64>,
) -> Result<Vec<Value>> {
    let x = operands.need(0)?;
    let (Value::Known(known), Class::Whole) = (x, x.class()) else {
        return one(emitter, operands, f);
    };
    let numbers = known.constant.numbers()?;
    emitter.spend(numbers.len())?;
    let data = numbers.into_iter().map(|number| whole(number).map(Whole::Number));
    let data = data.collect::<Option<Vec<Whole>>>();
    let data =
        data.ok_or_else(|| glassnet::Error::model("a whole number is too large for 64 bits"))?;
    let (element, shape) = (known.constant.element, known.constant.shape.clone());
    let constant = Constant { element, shape, data: Data::Wholes(data) };
    fold::in_range(&constant)?;
    Ok(vec![emitter.known(constant, known.trained)])
}

pub(super) fn abs(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    signed(emitter, operands, Activation::Abs, i64::checked_abs)
}

pub(super) fn neg(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    signed(emitter, operands, Activation::Negate, i64::checked_neg)
}

pub(super) fn sign(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    signed(emitter, operands, Activation::Sign, |number| Some(number.signum()))
}

/// `ln(1 + e^z)` without the threshold beyond which PyTorch takes z itself.
pub(super) fn softplus(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    // Above 20, PyTorch's z differs from the formula by less than 2.1e-9, a thousandth of an ulp.
    one(emitter, operands, Activation::Softplus { beta: 1.0, threshold: 20.0 })
}

pub(super) fn leaky_relu(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let negative_slope = node.float("alpha", 0.01)?;
    one(emitter, operands, Activation::LeakyRelu { negative_slope })
}

pub(super) fn elu(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let alpha = node.float("alpha", 1.0)?;
    one(emitter, operands, Activation::Elu { alpha })
}

pub(super) fn celu(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let alpha = node.float("alpha", 1.0)?;
    one(emitter, operands, Activation::Celu { alpha })
}

/// The constants of ONNX, when they are those of the paper: the f32 nearest to them is written in the standard.
const SELU: (f64, f64) = (1.673_263_242_354_377_2, 1.050_700_987_355_480_5);

/// `gamma·z` where `z > 0`, else `gamma·(alpha·e^z − alpha)`.
pub(super) fn selu(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (alpha, gamma) = (node.float("alpha", SELU.0)?, node.float("gamma", SELU.1)?);
    if (alpha as f32, gamma as f32) == (SELU.0 as f32, SELU.1 as f32) {
        return one(emitter, operands, Activation::Selu);
    }
    let x = operands.float(0)?;
    let y = emitter.activation(Activation::Elu { alpha }, x)?;
    Ok(vec![emitter.scale(&y, gamma)?])
}

pub(super) fn gelu(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    match node.word("approximate", "none")? {
        "none" => one(emitter, operands, Activation::Gelu),
        "tanh" => one(emitter, operands, Activation::GeluTanh),
        other => Err(node.unsupported(&format!("approximate is {other:?}"))),
    }
}

/// `max(0, min(1, alpha·z + beta))`.
pub(super) fn hard_sigmoid(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (alpha, beta) = (node.float("alpha", 0.2)?, node.float("beta", 0.5)?);
    // PyTorch's Hardsigmoid; exporters round a sixth in their own ways.
    if (alpha - 1.0 / 6.0).abs() < 1e-6 && beta == 0.5 {
        return one(emitter, operands, Activation::Hardsigmoid);
    }
    let scaled = emitter.scale(operands.float(0)?, alpha)?;
    let beta = emitter.number(beta);
    let shifted = emitter.add(&scaled, &beta)?;
    Ok(vec![emitter.activation(Activation::Hardtanh { min: 0.0, max: 1.0 }, &shifted)?])
}

/// `z·σ(alpha·z)`.
pub(super) fn swish(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let alpha = node.float("alpha", 1.0)?;
    let x = operands.float(0)?;
    Ok(vec![swish_of(emitter, x, alpha)?])
}

fn swish_of(emitter: &mut Emitter, x: &Value, alpha: f64) -> Result<Value> {
    if alpha == 1.0 {
        return emitter.activation(Activation::Silu, x);
    }
    let inner = emitter.scale(x, alpha)?;
    let gate = emitter.activation(Activation::Sigmoid, &inner)?;
    emitter.mul(x, &gate)
}

/// `swish(a)·b`.
pub(super) fn swiglu(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let alpha = node.float("alpha", 1.0)?;
    let gate = swish_of(emitter, operands.float(0)?, alpha)?;
    Ok(vec![emitter.mul(&gate, operands.float(1)?)?])
}

/// z where `z > alpha`, else 0.
pub(super) fn thresholded_relu(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let alpha = emitter.number(node.float("alpha", 1.0)?);
    let above = emitter.sub(x, &alpha)?;
    let zero = emitter.number(0.0);
    Ok(vec![emitter.select(&above, x, &zero)?])
}

/// `z + bias` below `−lambd`, `z − bias` above `lambd`, 0 between.
pub(super) fn shrink(
    emitter: &mut Emitter,
    node: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let (lambd, bias) = (node.float("lambd", 0.5)?, node.float("bias", 0.0)?);
    let (limit, minus) = (emitter.number(lambd), emitter.number(-lambd));
    let (bias, zero) = (emitter.number(bias), emitter.number(0.0));
    let above = emitter.sub(x, &limit)?;
    let below = emitter.sub(&minus, x)?;
    let (low, high) = (emitter.add(x, &bias)?, emitter.sub(x, &bias)?);
    let rest = emitter.select(&above, &high, &zero)?;
    Ok(vec![emitter.select(&below, &low, &rest)?])
}

/// `max(z, 0) + slope·min(z, 0)`, in the operations of the layer `PReLU`.
pub(super) fn prelu(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let (x, slope) = (operands.float(0)?, operands.float(1)?);
    let positive = emitter.activation(Activation::Relu, x)?;
    let negative = emitter.activation(Activation::NegativePart, x)?;
    let scaled = emitter.mul(slope, &negative)?;
    Ok(vec![emitter.add(&positive, &scaled)?])
}

/// `ln(|z| + √(z² + 1))` with z's sign, so that nothing cancels.
pub(super) fn asinh(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let (size, sign) =
        (emitter.activation(Activation::Abs, x)?, emitter.activation(Activation::Sign, x)?);
    let one = emitter.number(1.0);
    // |z| + z²/(1 + √(z² + 1)) is √(z² + 1) + |z| − 1 without the loss at small z.
    let square = emitter.activation(Activation::Square, x)?;
    let inside = emitter.add(&square, &one)?;
    let root = emitter.activation(Activation::Sqrt, &inside)?;
    let below = emitter.add(&root, &one)?;
    let rest = emitter.div(&square, &below)?;
    let argument = emitter.add(&size, &rest)?;
    let value = emitter.activation(Activation::Log1p, &argument)?;
    Ok(vec![emitter.mul(&sign, &value)?])
}

/// `ln(z + √(z² − 1))`.
pub(super) fn acosh(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let one = emitter.number(1.0);
    // With t = z − 1: ln(1 + t + √(t·(t + 2))), which keeps its digits near 1.
    let two = emitter.number(2.0);
    let above = emitter.sub(x, &one)?;
    let sum = emitter.add(&above, &two)?;
    let product = emitter.mul(&above, &sum)?;
    let root = emitter.activation(Activation::Sqrt, &product)?;
    let argument = emitter.add(&above, &root)?;
    Ok(vec![emitter.activation(Activation::Log1p, &argument)?])
}

/// `½·(ln(1 + z) − ln(1 − z))`.
pub(super) fn atanh(
    emitter: &mut Emitter,
    _: &Node<'_>,
    operands: &Operands<'_>,
) -> Result<Vec<Value>> {
    let x = operands.float(0)?;
    let minus = emitter.activation(Activation::Negate, x)?;
    let (above, below) =
        (emitter.activation(Activation::Log1p, x)?, emitter.activation(Activation::Log1p, &minus)?);
    let difference = emitter.arithmetic(Arithmetic::Sub, &[&above, &below])?;
    Ok(vec![emitter.scale(&difference, 0.5)?])
}
