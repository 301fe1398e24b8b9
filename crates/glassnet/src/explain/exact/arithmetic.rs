//! Elementwise arithmetic with broadcasting, and reductions.

use num_traits::{One, ToPrimitive, Zero};

use super::evaluate::{Found, Step, Value};
use super::function::Function;
use super::number::{Rational, ratio};
use super::polynomial::Polynomial;
use crate::graph::op::{Arithmetic, Reduce, Reduction};
use crate::reference::index::{broadcast_positions, groups};

pub(super) fn evaluate(step: &Step<'_>, op: Arithmetic) -> Found {
    let Some(operands) = step.exact() else {
        return Ok(match op {
            Arithmetic::Add | Arithmetic::Sub | Arithmetic::Mul => (step.passed_on(), false),
            Arithmetic::Div if fixed_divisor(step) => (step.passed_on(), false),
            Arithmetic::Div => (step.unknown("divides by a value that moves"), false),
            Arithmetic::Maximum | Arithmetic::Minimum | Arithmetic::Select => {
                (step.unknown("its kinks lie where curves cross"), false)
            }
            Arithmetic::Power => (step.unknown("a power of values that move"), false),
        });
    };
    let shape = step.shape(step.id);
    let places: Vec<Vec<usize>> = (0..operands.len())
        .map(|index| broadcast_positions(&step.shape(step.operand(index)), &shape))
        .collect();
    let count = shape.iter().product::<usize>();
    let at = |operand: usize, element: usize| &operands[operand][places[operand][element]];
    let mut elements = Vec::with_capacity(count);
    for element in 0..count {
        let (a, b) = (at(0, element), at(1, element));
        let computed = match op {
            Arithmetic::Add => Some(Function::sum([(Rational::one(), a), (Rational::one(), b)])),
            Arithmetic::Sub => Some(a.minus(b)),
            Arithmetic::Mul => Some(a.times(b)),
            Arithmetic::Div => b
                .as_constant()
                .filter(|divisor| !divisor.is_zero())
                .map(|divisor| a.times_constant(&divisor.recip())),
            Arithmetic::Maximum => Some(larger(a, b)),
            Arithmetic::Minimum => Some(smaller(a, b)),
            Arithmetic::Power => whole_power(a, b),
            Arithmetic::Select => Some(select(a, b, at(2, element))),
        };
        let Some(computed) = computed else {
            return match op {
                Arithmetic::Power => step.constant_only("a power that is no polynomial"),
                Arithmetic::Div
                | Arithmetic::Add
                | Arithmetic::Sub
                | Arithmetic::Mul
                | Arithmetic::Maximum
                | Arithmetic::Minimum
                | Arithmetic::Select => {
                    Ok((step.unknown("divides by 0 or by a value that moves"), false))
                }
            };
        };
        if op == Arithmetic::Select && !computed.is_continuous() {
            return Ok((step.unknown("the function leaps"), false));
        }
        elements.push(computed);
    }
    Ok((Value::Exact(elements), false))
}

/// Whether the divisor is known, stands still and is nowhere 0.
fn fixed_divisor(step: &Step<'_>) -> bool {
    match step.operands[1] {
        Value::Exact(elements) => elements
            .iter()
            .all(|element| element.as_constant().is_some_and(|value| !value.is_zero())),
        Value::Smooth(_) | Value::Unknown(_) | Value::Index(_) => false,
    }
}

fn larger(a: &Function, b: &Function) -> Function {
    let excess = a.minus(b).positive_part();
    Function::sum([(Rational::one(), b), (Rational::one(), &excess)])
}

fn smaller(a: &Function, b: &Function) -> Function {
    let excess = a.minus(b).positive_part();
    a.minus(&excess)
}

fn select(condition: &Function, b: &Function, c: &Function) -> Function {
    let holds = condition
        .split(&[Rational::zero()], |region, _| Polynomial::constant(ratio(region as i64, 1)));
    let fails = Function::constant(Rational::one()).minus(&holds);
    let (chosen, other) = (holds.times(b), fails.times(c));
    Function::sum([(Rational::one(), &chosen), (Rational::one(), &other)])
}

/// `a^b` where b is a small whole number.
fn whole_power(a: &Function, b: &Function) -> Option<Function> {
    let exponent = b.as_constant().filter(Rational::is_integer)?.to_integer().to_u32()?;
    if exponent > 16 {
        return None;
    }
    Some((0..exponent).fold(Function::constant(Rational::one()), |power, _| power.times(a)))
}

pub(super) fn reduce(step: &Step<'_>, op: &Reduce) -> Found {
    let Some(operands) = step.exact() else {
        return Ok(match op.kind {
            Reduction::Sum | Reduction::Mean | Reduction::Variance { .. } => {
                (step.passed_on(), false)
            }
            Reduction::Max | Reduction::Min => {
                (step.unknown("its kinks lie where curves cross"), false)
            }
        });
    };
    let group_of = groups(&step.shape(step.operand(0)), &op.axes);
    let count = step.shape(step.id).iter().product::<usize>();
    let mut members: Vec<Vec<&Function>> = vec![vec![]; count];
    for (element, &group) in operands[0].iter().zip(&group_of) {
        members[group].push(element);
    }
    let mut elements = Vec::with_capacity(count);
    for group in &members {
        let Some(reduced) = reduced(op.kind, group) else {
            return Ok((step.unknown("there is nothing to reduce"), false));
        };
        elements.push(reduced);
    }
    Ok((Value::Exact(elements), false))
}

fn reduced(kind: Reduction, members: &[&Function]) -> Option<Function> {
    let count = i64::try_from(members.len()).ok()?;
    let sum = |factor: Rational| Function::sum(members.iter().map(|&m| (factor.clone(), m)));
    match kind {
        Reduction::Sum => Some(sum(Rational::one())),
        Reduction::Mean => (count > 0).then(|| sum(ratio(1, count))),
        Reduction::Max => {
            let (first, rest) = members.split_first()?;
            Some(rest.iter().fold((*first).clone(), |most, member| larger(&most, member)))
        }
        Reduction::Min => {
            let (first, rest) = members.split_first()?;
            Some(rest.iter().fold((*first).clone(), |least, member| smaller(&least, member)))
        }
        Reduction::Variance { correction } => {
            let degrees = count - i64::from(correction);
            if degrees <= 0 {
                return None;
            }
            let mean = sum(ratio(1, count));
            let squares: Vec<Function> = members
                .iter()
                .map(|member| {
                    let centred = member.minus(&mean);
                    centred.times(&centred)
                })
                .collect();
            Some(Function::sum(squares.iter().map(|square| (ratio(1, degrees), square))))
        }
    }
}
