//! Every operation's local derivatives, against the gradient graph's, element by element.

use super::local::{Question, Values};
use crate::error::Result;
use crate::grad::grad;
use crate::graph::op::{
    Activation, Arithmetic, CrossEntropy, Gather, Layout, Linear, Loss, LossReduction, Normalize,
    PairLoss, Reduce, Reduction, Scores, Softmax,
};
use crate::graph::{Builder, DType, NodeId, Op, Shape};
use crate::math::random::Stream;
use crate::reference::{Array, Feeds, evaluate};
use crate::tensor::Tensor;

/// An operand: floats between two numbers, or indices.
#[derive(Clone)]
enum Given {
    Floats(Vec<usize>, f64, f64),
    Indices(Vec<usize>, Vec<i64>),
}

fn floats(shape: &[usize]) -> Given {
    Given::Floats(shape.to_vec(), -2.0, 2.0)
}

fn positive(shape: &[usize]) -> Given {
    Given::Floats(shape.to_vec(), 0.1, 0.9)
}

/// Compares the edges of `op` with the gradients of each of its elements.
fn check(op: &Op, operands: &[Given]) -> Result<()> {
    let mut stream = Stream::at(7, 0, 0);
    let mut builder = Builder::new();
    let mut feeds = Feeds::new();
    let (mut nodes, mut arrays, mut trained): (Vec<NodeId>, Vec<Array>, Vec<usize>) =
        (vec![], vec![], vec![]);
    for (at, given) in operands.iter().enumerate() {
        let name = format!("p{at}");
        let (node, array): (NodeId, Array) = match given {
            Given::Floats(shape, low, high) => {
                let count = shape.iter().product();
                let values =
                    (0..count).map(|_| low + (high - low) * stream.uniform_f64()).collect();
                let array = Array::from(Tensor::new(shape.clone(), values)?);
                feeds.set_state(name.as_str(), array.clone());
                trained.push(at);
                (builder.parameter(&name, Shape::from(shape.as_slice()))?, array)
            }
            Given::Indices(shape, values) => {
                let array = Array::from(Tensor::new(shape.clone(), values.clone())?);
                feeds.set_input(name.as_str(), array.clone());
                (builder.input(&name, DType::I64, Shape::from(shape.as_slice()))?, array)
            }
        };
        nodes.push(node);
        arrays.push(array);
    }
    let value = builder.push(op.clone(), nodes.clone())?;
    let shape = builder.shape(value).clone();
    let seed = builder.input("seed", DType::F32, shape.clone())?;
    let seeded = builder.mul(value, seed)?;
    let loss = builder.reduce_all(Reduction::Sum, seeded)?;
    // What has no derivative (class indices, a loss's target) is not asked for.
    let wanted: Vec<usize> = trained
        .iter()
        .copied()
        .filter(|&at| grad(&builder.clone().finish_checked(), loss, &[nodes[at]]).is_ok())
        .collect();
    assert!(!wanted.is_empty(), "{op:?}");
    let towards: Vec<NodeId> = wanted.iter().map(|&at| nodes[at]).collect();
    let gradient = grad(&builder.finish_checked(), loss, &towards)?;
    let count = shape.elements(1).unwrap_or(0);
    for element in 0..count {
        let mut one_hot = vec![0.0; count];
        one_hot[element] = 1.0;
        let fed = feeds.clone().input("seed", Tensor::new(shape.at(1), one_hot)?);
        let values = evaluate(&gradient.graph, &fed, 1)?;
        let own = values[value].floats()?.data();
        let question = Question {
            op,
            values: arrays
                .iter()
                .map(|array| match array {
                    Array::Float(tensor) => Values::F64(tensor.data()),
                    Array::Index(tensor) => Values::I64(tensor.data()),
                })
                .collect(),
            shapes: arrays.iter().map(|array| array.shape().to_vec()).collect(),
            own: Values::F64(own),
            shape: shape.at(1),
            element,
            only: None,
        };
        let mut found: Vec<Vec<f64>> =
            arrays.iter().map(|array| vec![0.0; array.shape().iter().product()]).collect();
        question.answer(&mut |edge| {
            if let Some(slope) = edge.derivative {
                found[edge.operand][edge.element] += slope;
            }
        });
        for (at, id) in wanted.iter().zip(&gradient.gradients) {
            for (found, wanted) in found[*at].iter().zip(values[*id].floats()?.data()) {
                assert!(
                    (found - wanted).abs() <= 1e-12 * (1.0 + wanted.abs()),
                    "{op:?} element {element} operand {at}: {found} {wanted}"
                );
            }
        }
    }
    Ok(())
}

#[test]
fn products_and_arithmetic() -> Result<()> {
    check(&Op::Linear(Linear::Affine), &[floats(&[2, 3]), floats(&[4, 3]), floats(&[4])])?;
    for (transpose_a, a) in [(false, [2, 3]), (true, [3, 2])] {
        for (transpose_b, b) in [(false, [3, 4]), (true, [4, 3])] {
            let op = Op::Linear(Linear::MatMul { transpose_a, transpose_b });
            check(&op, &[floats(&a), floats(&b)])?;
        }
    }
    for op in Arithmetic::ALL {
        let shapes: &[&[usize]] = &[&[2, 3], &[3], &[2, 1]];
        let operands: Vec<Given> =
            shapes[..op.arity()].iter().map(|shape| positive(shape)).collect();
        check(&Op::Arithmetic(op), &operands)?;
        let operands: Vec<Given> = match op {
            Arithmetic::Power => vec![positive(&[3]), floats(&[2, 3])],
            _ => shapes[..op.arity()].iter().map(|shape| floats(shape)).collect(), // not operations: the same for all others
        };
        check(&Op::Arithmetic(op), &operands)?;
    }
    Ok(())
}

#[test]
fn elementwise_functions() -> Result<()> {
    for activation in Activation::ALL {
        check(&Op::Activation(activation), &[positive(&[2, 3])])?;
        if !matches!(
            activation,
            Activation::Sqrt
                | Activation::Log
                | Activation::Log1p
                | Activation::Asin
                | Activation::Acos
        ) {
            check(&Op::Activation(activation), &[floats(&[5])])?;
        }
    }
    Ok(())
}

#[test]
fn groups_and_layouts() -> Result<()> {
    for axis in [0, 1] {
        check(&Op::Softmax(Softmax::Probabilities { axis }), &[floats(&[2, 3])])?;
        check(&Op::Softmax(Softmax::Logarithms { axis }), &[floats(&[2, 3])])?;
        for keep in [false, true] {
            for kind in [
                Reduction::Sum,
                Reduction::Mean,
                Reduction::Max,
                Reduction::Min,
                Reduction::Variance { correction: 1 },
            ] {
                let op = Op::Reduce(Reduce { kind, axes: vec![axis], keep });
                check(&op, &[floats(&[2, 3, 2])])?;
                let op = Op::Reduce(Reduce { kind, axes: vec![axis, 2], keep });
                check(&op, &[floats(&[2, 3, 2])])?;
            }
        }
        let op = Op::Normalize(Normalize { axes: vec![axis], eps: 1e-5, grad: false });
        check(&op, &[floats(&[3, 4])])?;
    }
    for layout in [
        Layout::Reshape { shape: Shape::from([3, 2]) },
        Layout::Permute { axes: vec![1, 0] },
        Layout::Slice { axis: 1, start: 1, end: 3 },
        Layout::Pad { axis: 1, before: 1, after: 2 },
        Layout::Broadcast { shape: Shape::from([2, 2, 3]) },
    ] {
        check(&Op::Layout(layout), &[floats(&[2, 3])])?;
    }
    let concat = Op::Layout(Layout::Concat { axis: 1 });
    check(&concat, &[floats(&[2, 3]), floats(&[2, 1]), floats(&[2, 2])])?;
    let indices = Given::Indices(vec![3], vec![1, 0, 1]);
    for padding_idx in [None, Some(1)] {
        let op = Op::Gather(Gather::Embedding { padding_idx });
        check(&op, &[floats(&[2, 3]), indices.clone()])?;
    }
    Ok(())
}

#[test]
fn losses() -> Result<()> {
    for scores in [Scores::Logits, Scores::LogProbabilities] {
        for reduction in [LossReduction::Mean, LossReduction::Sum, LossReduction::None] {
            let loss = CrossEntropy { scores, reduction, ..CrossEntropy::default() };
            let classes = Given::Indices(vec![3], vec![1, 0, -100]);
            let op = Op::Loss(Loss::CrossEntropy(loss));
            check(&op, &[floats(&[3, 2]), classes.clone()])?;
            check(&op, &[floats(&[3, 2]), classes, positive(&[2])])?;
        }
    }
    for loss in [
        PairLoss::Mse,
        PairLoss::L1,
        PairLoss::SmoothL1 { beta: 0.5 },
        PairLoss::Huber { delta: 0.5 },
        PairLoss::Bce,
        PairLoss::BceWithLogits,
        PairLoss::KlDiv { log_target: false },
        PairLoss::KlDiv { log_target: true },
        PairLoss::PoissonNll { log_input: true, full: false, eps: 1e-8 },
        PairLoss::PoissonNll { log_input: false, full: true, eps: 1e-8 },
    ] {
        check(&Op::Loss(Loss::Pair(loss)), &[positive(&[2, 3]), positive(&[2, 3])])?;
    }
    let gaussian = Op::Loss(Loss::Pair(PairLoss::GaussianNll { full: false, eps: 1e-6 }));
    check(&gaussian, &[floats(&[2, 3]), floats(&[2, 3]), positive(&[2, 3])])?;
    Ok(())
}
