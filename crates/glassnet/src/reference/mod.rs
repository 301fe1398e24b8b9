//! The oracle: a graph's values in f64, with plain loops.
//!
//! Every other evaluator is measured against this one, so it is written to be read against the documentation of
//! the operations ([`crate::graph::op`]), one file per family, and not to be fast. It has no state and draws no random numbers:
//! whatever is not computed is fed ([`Feeds`]). Elementary functions come from the `libm` crate, so that the
//! digits do not depend on the system.
//!
//! Element types f32 and f64 are both computed in f64; a constant is the f64 that the graph holds, not the nearest
//! f32.

pub mod activation;
mod arithmetic;
mod array;
mod feeds;
mod gather;
pub(crate) mod index;
mod layout;
mod linear;
mod loss;
mod normalize;
mod random;
mod reduce;
mod softmax;
mod source;

pub use array::Array;
pub use feeds::Feeds;

use crate::error::{Error, ErrorKind, Result};
use crate::graph::{Checked, NodeMap, Op, Shape};
use crate::tensor::Tensor;

/// The value of every node of `checked` for a batch of `batch` rows.
///
/// # Errors
/// A source that is not fed, or fed with another shape or element type than it declares, by its name; an index
/// outside its table or a class index outside its classes, by row and index; an extreme over no elements; arrays
/// that do not fit into memory's addresses.
///
/// # Example
/// ```
/// use glassnet::Tensor;
/// use glassnet::graph::op::Activation;
/// use glassnet::graph::{Builder, DType, Shape};
/// use glassnet::reference::{Feeds, evaluate};
/// let mut builder = Builder::new();
/// let x = builder.input("x", DType::F32, Shape::batch([2]))?;
/// let weight = builder.parameter("0.weight", Shape::from([1, 2]))?;
/// let z = builder.affine(x, weight, None)?;
/// let y = builder.activation(Activation::Relu, z)?;
/// let feeds = Feeds::new()
///     .input("x", Tensor::from_rows(&[[1.0, 2.0], [3.0, -4.0]])?)
///     .state("0.weight", Tensor::from_rows(&[[1.0, 0.5]])?);
/// let values = evaluate(&builder.finish_checked(), &feeds, 2)?;
/// assert_eq!(values[y].floats()?.data(), [2.0, 1.0]);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn evaluate(checked: &Checked, feeds: &Feeds, batch: usize) -> Result<NodeMap<Array>> {
    let graph = checked.graph();
    let mut values: NodeMap<Array> = NodeMap::for_graph(graph);
    for id in graph.ids() {
        let node = graph.node(id);
        let operands: Vec<&Array> = node.operands().iter().map(|&id| &values[id]).collect();
        let value = lengths(checked.shape(id), batch)
            .and_then(|shape| apply(node.op(), &operands, shape, feeds, batch))
            .map_err(|error| match error.place() {
                Some(_) => error,
                None => error.at(node.origin().to_string()),
            })?;
        values.insert(id, value);
    }
    Ok(values)
}

/// The lengths of a shape's axes, if an array of that shape can be addressed.
fn lengths(shape: &Shape, batch: usize) -> Result<Vec<usize>> {
    match shape.elements(batch) {
        Some(elements) if elements <= isize::MAX as usize / size_of::<f64>() => Ok(shape.at(batch)),
        Some(_) | None => Err(Error::new(
            ErrorKind::Limit,
            format!("an array of shape {shape} for a batch of {batch} does not fit into memory"),
        )),
    }
}

/// The value of one operation on `operands`, of `shape`: a piece of [`evaluate`], for who needs a single number.
///
/// # Errors
/// As [`evaluate`]; a source or a random mask has no operands and is refused.
///
/// ```
/// use glassnet::graph::{Op, op::Activation};
/// use glassnet::{Tensor, reference::{Array, operation}};
/// let z = Array::from(Tensor::new([2], vec![-1.0_f64, 2.0])?);
/// let y = operation(&Op::Activation(Activation::Relu), &[&z], vec![2])?;
/// assert_eq!(y.floats()?.data(), [0.0, 2.0]);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn operation(op: &Op, operands: &[&Array], shape: Vec<usize>) -> Result<Array> {
    apply(op, operands, shape, &Feeds::new(), 1)
}

fn apply(
    op: &Op,
    operands: &[&Array],
    shape: Vec<usize>,
    feeds: &Feeds,
    batch: usize,
) -> Result<Array> {
    let value = match op {
        Op::Source(op) => return source::evaluate(op, shape, feeds, batch),
        Op::Linear(op) => linear::evaluate(*op, &floats(operands)?, shape),
        Op::Arithmetic(op) => arithmetic::evaluate(*op, &floats(operands)?, shape),
        Op::Activation(op) => Ok(operands[0].floats()?.map(|z| activation::value(*op, z))),
        Op::ActivationGrad(op) => activation::gradient(*op, &floats(operands)?, shape),
        Op::Softmax(op) => softmax::evaluate(*op, &floats(operands)?, shape),
        Op::Reduce(op) => reduce::evaluate(op, operands[0].floats()?, shape),
        Op::Normalize(op) => normalize::evaluate(op, &floats(operands)?, shape),
        Op::Random(op) => random::evaluate(op, shape, feeds),
        Op::Gather(op) => gather::evaluate(*op, operands, shape),
        Op::Layout(op) => layout::evaluate(op, &floats(operands)?, shape),
        Op::Loss(op) => loss::evaluate(*op, operands, shape),
    };
    value.map(Array::Float)
}

fn floats<'a>(operands: &[&'a Array]) -> Result<Vec<&'a Tensor<f64>>> {
    operands.iter().map(|operand| operand.floats()).collect()
}

#[cfg(test)]
pub(crate) mod golden;
#[cfg(test)]
mod tests;
