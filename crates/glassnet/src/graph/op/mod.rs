//! The operations: a closed set of few families.
//!
//! Every operation is one variant of one family. A family's file says what it computes, with indices, its shapes
//! and its derivative; each reader has a file of the same name. Matches over operations are exhaustive everywhere,
//! so a new operation is a list of compile errors, one per reader that owes it an answer.

mod activation;
mod arithmetic;
mod attribute;
mod gather;
mod layout;
mod linear;
mod loss;
mod normalize;
mod random;
mod reduce;
mod softmax;
mod source;

pub use activation::{Activation, ActivationGrad, DerivativeForm};
pub(crate) use activation::{SELU_ALPHA, SELU_SCALE};
pub use arithmetic::Arithmetic;
pub use attribute::{Attribute, Attributes};
pub use gather::Gather;
pub use layout::Layout;
pub use linear::Linear;
pub use loss::{CrossEntropy, Loss, LossReduction, PairLoss, Scores};
pub use normalize::Normalize;
pub use random::Random;
pub use reduce::{Reduce, Reduction};
pub use softmax::Softmax;
pub use source::Source;

use super::{Shape, Type};
use crate::error::{Error, Result};

/// One operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Op {
    /// A value from outside: input, parameter, buffer, constant.
    Source(Source),
    /// Matrix products.
    Linear(Linear),
    /// Elementwise arithmetic with broadcasting.
    Arithmetic(Arithmetic),
    /// An elementwise function of one variable.
    Activation(Activation),
    /// The derivative of an activation, times what comes from above.
    ActivationGrad(ActivationGrad),
    /// Softmax, log-softmax and their derivatives.
    Softmax(Softmax),
    /// Sums, means, extremes, variances over axes.
    Reduce(Reduce),
    /// Standardisation over axes.
    Normalize(Normalize),
    /// Random masks.
    Random(Random),
    /// Table look-ups.
    Gather(Gather),
    /// Reshapes, permutations, slices, concatenations, repetition.
    Layout(Layout),
    /// Losses and their derivatives.
    Loss(Loss),
}

impl Op {
    /// The name in the text form, unique among all operations.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Source(op) => op.op_name(),
            Op::Linear(op) => op.name(),
            Op::Arithmetic(op) => op.name(),
            Op::Activation(op) => op.name(),
            Op::ActivationGrad(_) => "activation_grad",
            Op::Softmax(op) => op.name(),
            Op::Reduce(op) => op.name(),
            Op::Normalize(op) => op.name(),
            Op::Random(op) => op.name(),
            Op::Gather(op) => op.name(),
            Op::Layout(op) => op.name(),
            Op::Loss(op) => op.name(),
        }
    }

    /// The attributes in the text form, in a fixed order.
    pub fn attributes(&self) -> Attributes {
        match self {
            Op::Source(op) => op.attributes(),
            Op::Linear(op) => op.attributes(),
            Op::Arithmetic(_) => Attributes::default(),
            Op::Activation(op) => op.attributes(),
            Op::ActivationGrad(op) => op.attributes(),
            Op::Softmax(op) => op.attributes(),
            Op::Reduce(op) => op.attributes(),
            Op::Normalize(op) => op.attributes(),
            Op::Random(op) => op.attributes(),
            Op::Gather(op) => op.attributes(),
            Op::Layout(op) => op.attributes(),
            Op::Loss(op) => op.attributes(),
        }
    }

    /// The operation called `name` with `attributes`.
    ///
    /// # Errors
    /// When there is no such operation, an attribute is missing or has the wrong type.
    pub fn from_text(name: &str, mut attributes: Attributes) -> Result<Op> {
        let a = &mut attributes;
        let op = if let Some(op) = Source::from_text(name, a)? {
            Op::Source(op)
        } else if let Some(op) = Linear::from_text(name, a)? {
            Op::Linear(op)
        } else if let Some(op) = Arithmetic::from_text(name) {
            Op::Arithmetic(op)
        } else if let Some(op) = Activation::from_text(name, a)? {
            Op::Activation(op)
        } else if let Some(op) = ActivationGrad::from_text(name, a)? {
            Op::ActivationGrad(op)
        } else if let Some(op) = Softmax::from_text(name, a)? {
            Op::Softmax(op)
        } else if let Some(op) = Reduce::from_text(name, a)? {
            Op::Reduce(op)
        } else if let Some(op) = Normalize::from_text(name, a)? {
            Op::Normalize(op)
        } else if let Some(op) = Random::from_text(name, a)? {
            Op::Random(op)
        } else if let Some(op) = Gather::from_text(name, a)? {
            Op::Gather(op)
        } else if let Some(op) = Layout::from_text(name, a)? {
            Op::Layout(op)
        } else if let Some(op) = Loss::from_text(name, a)? {
            Op::Loss(op)
        } else {
            return Err(Error::usage(format!("there is no operation {name:?}")));
        };
        attributes.finish()?;
        Ok(op)
    }

    /// The type of the result for operands of `types`.
    ///
    /// # Errors
    /// When the number of operands, their shapes or element types do not fit.
    pub fn infer(&self, types: &[&Type]) -> Result<Type> {
        let (least, most) = self.arity();
        if types.len() < least || types.len() > most {
            return Err(Error::network(format!(
                "{} takes {} operands, not {}",
                self.name(),
                if most == usize::MAX {
                    format!("at least {least}")
                } else if least == most {
                    least.to_string()
                } else {
                    format!("{least} to {most}")
                },
                types.len()
            )));
        }
        match self {
            Op::Source(op) => Ok(op.infer()),
            Op::Linear(op) => op.infer(types),
            Op::Arithmetic(op) => op.infer(types),
            Op::Activation(op) => op.infer(types),
            Op::ActivationGrad(op) => op.infer(types),
            Op::Softmax(op) => op.infer(types),
            Op::Reduce(op) => op.infer(types),
            Op::Normalize(op) => op.infer(types),
            Op::Random(op) => Ok(op.infer()),
            Op::Gather(op) => op.infer(types),
            Op::Layout(op) => op.infer(types),
            Op::Loss(op) => op.infer(types),
        }
    }

    /// The least and the greatest number of operands.
    fn arity(&self) -> (usize, usize) {
        match self {
            Op::Source(_) | Op::Random(_) => (0, 0),
            Op::Linear(op) => op.arity(),
            Op::Arithmetic(op) => (op.arity(), op.arity()),
            Op::Activation(_) | Op::Reduce(_) => (1, 1),
            Op::ActivationGrad(_) => (2, 2),
            Op::Softmax(op) => (op.arity(), op.arity()),
            Op::Normalize(op) => (op.arity(), op.arity()),
            Op::Gather(_) => (2, 2),
            Op::Layout(op) => op.arity(),
            Op::Loss(op) => op.arity(),
        }
    }
}

/// The operand's type, when its elements are floats.
fn float<'a>(name: &str, operand: &'a Type) -> Result<&'a Type> {
    if operand.dtype.is_float() {
        Ok(operand)
    } else {
        Err(Error::network(format!("{name} wants floats, its operand is {operand}")))
    }
}

/// Checks that every axis exists in `shape` and that they ascend.
fn axes_exist(name: &str, axes: &[usize], shape: &Shape) -> Result<()> {
    let ascending = axes.windows(2).all(|pair| pair[0] < pair[1]);
    if ascending && axes.last().is_none_or(|&axis| axis < shape.rank()) {
        return Ok(());
    }
    Err(Error::network(format!(
        "{name} over axes {axes:?} needs distinct axes below {}, the rank of {shape}",
        shape.rank()
    )))
}
