//! One operation evaluated by the f64 reference: sources, moved elements, constants that are no fractions.

use super::evaluate::{Found, Step, Value};
use super::function::Function;
use super::number::{Numbers, nearest, rational};
use crate::error::Result;
use crate::graph::Builder;
use crate::reference::{Array, evaluate, operation};
use crate::tensor::Tensor;

/// The value that was fed for the source at this step, checked as the reference checks it.
pub(super) fn source(step: &Step<'_>) -> Result<Array> {
    let node = step.given.graph.graph().node(step.id);
    let mut builder = Builder::new();
    let id = builder.push(node.op().clone(), vec![])?;
    let mut values = evaluate(&builder.finish_checked(), step.given.feeds, step.given.batch)?;
    values.remove(id).ok_or_else(|| crate::Error::network("the source has no value"))
}

/// The operation on constants, each result taken as the f64 that the reference computes.
pub(super) fn rounded(step: &Step<'_>) -> Result<Value> {
    let operands: Vec<Array> = step
        .operands
        .iter()
        .enumerate()
        .map(|(index, value)| match value {
            Value::Exact(elements) => {
                let data = elements
                    .iter()
                    .map(|element| nearest(&element.as_constant().unwrap_or_default()))
                    .collect();
                Tensor::new(step.shape(step.operand(index)), data).map(Array::Float)
            }
            Value::Index(indices) => Ok(Array::Index(indices.clone())),
            Value::Smooth(_) | Value::Unknown(_) => {
                Err(crate::Error::network("a value that moves is no constant"))
            }
        })
        .collect::<Result<_>>()?;
    let tensor = alone(step, &operands)?;
    let result = tensor.data().iter().map(|&value| rational(value, Numbers::Stored));
    match result.collect::<Result<Vec<_>>>() {
        Ok(values) => Ok(Value::Exact(values.into_iter().map(Function::constant).collect())),
        Err(_) => Ok(step.unknown("the value is not finite")),
    }
}

/// Rows of a table, whose elements may move; the codes stand still.
pub(super) fn looked_up(step: &Step<'_>) -> Found {
    let Some(Value::Exact(codes)) = step.operands.get(1) else { return moved(step) };
    let whole = |code: &Function| code.as_constant().map(|code| nearest(&code));
    let Some(codes) = codes.iter().map(whole).collect::<Option<Vec<f64>>>() else {
        return Ok((step.unknown("a code moves, which names a row or none"), false));
    };
    let codes = Array::Float(Tensor::new(step.shape(step.operand(1)), codes)?);
    moved_by(step, |index| (index == 1).then(|| codes.clone()))
}

/// An operation that only moves elements: done on the elements' numbers, then on the elements.
pub(super) fn moved(step: &Step<'_>) -> Found {
    moved_by(step, |_| None)
}

/// As [`moved`], where some operands are `given` rather than moved.
fn moved_by(step: &Step<'_>, given: impl Fn(usize) -> Option<Array>) -> Found {
    let mut next = 1_usize;
    let mut numbered = vec![];
    let mut elements: Vec<&Function> = vec![];
    for (index, value) in step.operands.iter().enumerate() {
        if let Some(array) = given(index) {
            numbered.push(array);
            continue;
        }
        match value {
            Value::Exact(own) => {
                let data = (next..next + own.len()).map(|number| number as f64).collect();
                next += own.len();
                elements.extend(own);
                numbered.push(Array::Float(Tensor::new(step.shape(step.operand(index)), data)?));
            }
            Value::Index(indices) => numbered.push(Array::Index(indices.clone())),
            Value::Smooth(_) | Value::Unknown(_) => return Ok((step.passed_on(), false)),
        }
    }
    let numbers = alone(step, &numbered)?;
    // The number 0 stands where zeros were padded.
    let pick = |&number: &f64| match (number as usize).checked_sub(1) {
        Some(at) => elements[at].clone(),
        None => Function::default(),
    };
    Ok((Value::Exact(numbers.data().iter().map(pick).collect()), false))
}

/// The step's operation over `operands`, evaluated alone.
fn alone(step: &Step<'_>, operands: &[Array]) -> Result<Tensor<f64>> {
    let node = step.given.graph.graph().node(step.id);
    let operands: Vec<&Array> = operands.iter().collect();
    operation(node.op(), &operands, step.shape(step.id))?.floats().cloned()
}
