//! Derivatives of elementwise arithmetic, summed back where operands were broadcast.

use super::{Contributions, Step, sum_to};
use crate::error::Result;
use crate::graph::op::{Activation, Arithmetic, Source};
use crate::graph::{Builder, NodeId, Op};

pub(super) fn differentiate(
    b: &mut Builder,
    op: Arithmetic,
    step: &Step<'_>,
) -> Result<Contributions> {
    let mut contributions = Vec::with_capacity(step.operands.len());
    for (index, (&operand, &wanted)) in step.operands.iter().zip(step.wanted).enumerate() {
        let gradient = if wanted { towards(b, op, index, step)? } else { None };
        contributions.push(match gradient {
            Some(gradient) => {
                let shape = b.shape(operand).clone();
                Some(sum_to(b, gradient, &shape)?)
            }
            None => None,
        });
    }
    Ok(contributions)
}

/// The derivative towards operand `index`, still of the result's shape.
fn towards(
    b: &mut Builder,
    op: Arithmetic,
    index: usize,
    step: &Step<'_>,
) -> Result<Option<NodeId>> {
    let dy = step.dy;
    let (first, second) = (step.operands[0], step.operands[1]);
    let gradient = match (op, index) {
        (Arithmetic::Add, _) | (Arithmetic::Sub, 0) => dy,
        (Arithmetic::Sub, _) => b.activation(Activation::Negate, dy)?,
        (Arithmetic::Mul, 0) => b.mul(dy, second)?,
        (Arithmetic::Mul, _) => b.mul(dy, first)?,
        (Arithmetic::Div, 0) => b.div(dy, second)?,
        (Arithmetic::Div, _) => {
            let scaled = b.mul(dy, step.id)?;
            let quotient = b.div(scaled, second)?;
            b.activation(Activation::Negate, quotient)?
        }
        (Arithmetic::Maximum, 0) | (Arithmetic::Minimum, 1) => to_larger(b, dy, first, second)?,
        (Arithmetic::Maximum, _) | (Arithmetic::Minimum, _) => to_larger(b, dy, second, first)?,
        (Arithmetic::Power, 0) => {
            let one = b.constant(1.0)?;
            let exponent = b.sub(second, one)?;
            let power = b.arithmetic(Arithmetic::Power, &[first, exponent])?;
            let slope = b.mul(second, power)?;
            let slope = zero_where_zero(b, second, slope)?;
            b.mul(dy, slope)?
        }
        (Arithmetic::Power, _) => {
            let logarithm = b.activation(Activation::Log, first)?;
            let slope = b.mul(step.id, logarithm)?;
            let slope = zero_where_zero(b, first, slope)?;
            b.mul(dy, slope)?
        }
        (Arithmetic::Select, 0) => return Ok(None),
        (Arithmetic::Select, index) => {
            let zero = b.constant(0.0)?;
            let [yes, no] = if index == 1 { [dy, zero] } else { [zero, dy] };
            b.arithmetic(Arithmetic::Select, &[first, yes, no])?
        }
    };
    Ok(Some(gradient))
}

/// `slope`, but 0 where `at` is 0: the derivatives of `a^0` and `0^b`, whose formulas are 0 times infinity there.
fn zero_where_zero(b: &mut Builder, at: NodeId, slope: NodeId) -> Result<NodeId> {
    if matches!(b.graph().node(at).op(), Op::Source(Source::Constant(value)) if *value != 0.0) {
        return Ok(slope);
    }
    let distance = b.activation(Activation::Abs, at)?;
    let zero = b.constant(0.0)?;
    b.arithmetic(Arithmetic::Select, &[distance, slope, zero])
}

/// `dy` where `a > b`, half of it where they are equal, else 0: PyTorch's rule for ties.
fn to_larger(b: &mut Builder, dy: NodeId, left: NodeId, right: NodeId) -> Result<NodeId> {
    let (above, below) = (b.sub(left, right)?, b.sub(right, left)?);
    let zero = b.constant(0.0)?;
    let half = b.scale(dy, 0.5)?;
    let not_larger = b.arithmetic(Arithmetic::Select, &[below, zero, half])?;
    b.arithmetic(Arithmetic::Select, &[above, dy, not_larger])
}
