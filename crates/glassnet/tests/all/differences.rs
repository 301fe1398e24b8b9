//! Gradients against central differences of the reference's loss, in f64.
//!
//! The five-point rule is exact to the fourth order on a smooth piece. So the step shrinks until all its points lie
//! on the piece of the point itself: for this every operation says which piece each of its elements lies on.

use glassnet::graph::op::{Activation, Arithmetic, Loss, PairLoss, Reduce, Reduction, Source};
use glassnet::graph::{Checked, NodeId, NodeMap, Op};
use glassnet::reference::{Array, Feeds, evaluate};
use glassnet::{Error, Result, Tensor};

use crate::bench::{Case, Numbers};
use crate::check::largest;

/// Relative to the largest entry of the gradient.
const TOLERANCE: f64 = 1e-6;
/// Steps from the coarsest to the finest.
const STEPS: [f64; 4] = [1.0 / 1024.0, 1.0 / 8192.0, 1.0 / 65536.0, 1.0 / 524_288.0];
/// What a loss rounds to, relatively.
const ROUNDING: f64 = 4e-15;

/// Where a gradient differs from the loss's slope.
pub(crate) fn compare(
    case: &Case,
    feeds: &Feeds,
    gradients: &[&Tensor<f64>],
) -> Result<Vec<String>> {
    let mut numbers = Numbers::named(&case.name);
    let (mut problems, mut compared) = (vec![], 0);
    let here = pieces(&case.graph, &evaluate(&case.graph, feeds, case.batch)?)?;
    for (&source, gradient) in case.towards.iter().zip(gradients) {
        let Op::Source(source) = case.graph.graph().node(source).op() else {
            return Err(Error::network("only sources are moved"));
        };
        for direction in directions(gradient.len(), case.moved_singly, &mut numbers) {
            let expected: f64 =
                direction.iter().map(|&(at, amount)| amount * gradient.data()[at]).sum();
            let tolerance = TOLERANCE * largest(gradient.data()).max(1e-3);
            match agreement(case, feeds, source, &direction, &here, expected, tolerance)? {
                Agreement::NoSmoothStep => {}
                Agreement::Yes => compared += 1,
                Agreement::No { slope } => problems.push(format!(
                    "the gradient towards {:?} moves by {expected:e} along {} elements from \
                     {:?}, the loss by {slope:e}",
                    source.name().unwrap_or_default(),
                    direction.len(),
                    direction.first(),
                )),
            }
        }
    }
    if compared == 0 && problems.is_empty() && !case.towards.is_empty() {
        problems.push("no element could be compared with differences".into());
    }
    Ok(problems)
}

/// Some single elements, and all of them at once.
fn directions(len: usize, singly: usize, numbers: &mut Numbers) -> Vec<Vec<(usize, f64)>> {
    let mut directions: Vec<Vec<(usize, f64)>> = match len {
        0 => vec![],
        len if len <= singly => (0..len).map(|at| vec![(at, 1.0)]).collect(),
        len => (0..singly).map(|_| vec![(numbers.below(len), 1.0)]).collect(),
    };
    if len > 1 {
        let length = (len as f64).sqrt().recip();
        directions.push((0..len).map(|at| (at, numbers.choose(&[-length, length]))).collect());
    }
    directions
}

/// Whether the loss's slope along a direction is the expected one.
enum Agreement {
    Yes,
    No {
        slope: f64,
    },
    /// Even the smallest step meets a kink.
    NoSmoothStep,
}

/// The first step that agrees decides: a wrong gradient agrees with none, a coarse step may miss a right one.
fn agreement(
    case: &Case,
    feeds: &Feeds,
    source: &Source,
    direction: &[(usize, f64)],
    here: &[i16],
    expected: f64,
    tolerance: f64,
) -> Result<Agreement> {
    let mut agreement = Agreement::NoSmoothStep;
    'steps: for step in STEPS {
        let mut losses = [0.0; 4];
        for (loss, times) in losses.iter_mut().zip([-2.0, -1.0, 1.0, 2.0]) {
            let moved = moved(feeds, source, direction, step * times)?;
            let values = evaluate(&case.graph, &moved, case.batch)?;
            if pieces(&case.graph, &values)? != here {
                continue 'steps;
            }
            *loss = values[case.loss].floats()?.data()[0];
        }
        let [far_below, below, above, far_above] = losses;
        let slope = (8.0 * (above - below) - (far_above - far_below)) / (12.0 * step);
        let rounding = ROUNDING * largest(&losses) / step;
        if (slope - expected).abs() <= tolerance + rounding {
            return Ok(Agreement::Yes);
        }
        agreement = Agreement::No { slope };
    }
    Ok(agreement)
}

fn moved(feeds: &Feeds, source: &Source, direction: &[(usize, f64)], by: f64) -> Result<Feeds> {
    let missing = || Error::network("only named sources are moved");
    let name = source.name().ok_or_else(missing)?;
    let is_input = matches!(source, Source::Input { .. });
    let array = if is_input { feeds.get_input(name) } else { feeds.get_state(name) };
    let mut tensor = array.ok_or_else(missing)?.floats()?.clone();
    for &(at, amount) in direction {
        tensor.data_mut()[at] += by * amount;
    }
    let mut feeds = feeds.clone();
    match is_input {
        true => feeds.set_input(name, tensor),
        false => feeds.set_state(name, tensor),
    };
    Ok(feeds)
}

/// For every element of every operation with kinks, which smooth piece it lies on.
fn pieces(graph: &Checked, values: &NodeMap<Array>) -> Result<Vec<i16>> {
    let mut pieces = vec![];
    for id in graph.graph().ids() {
        let operand = |index: usize| values[graph.graph().node(id).operands()[index]].floats();
        match graph.graph().node(id).op() {
            Op::Source(_)
            | Op::Linear(_)
            | Op::ActivationGrad(_)
            | Op::Softmax(_)
            | Op::Normalize(_)
            | Op::Random(_)
            | Op::Gather(_)
            | Op::Layout(_) => {}
            Op::Arithmetic(op) => pieces.extend(arithmetic(*op, id, graph, values)?),
            Op::Activation(op) => {
                let breaks = breaks(*op);
                pieces.extend(operand(0)?.data().iter().map(|&z| piece(z, &breaks)));
            }
            Op::Reduce(op) => pieces.extend(reduce(op, operand(0)?, values[id].floats()?)),
            Op::Loss(op) => pieces.extend(loss(*op, graph.graph().node(id).operands(), values)?),
        }
    }
    Ok(pieces)
}

fn piece(z: f64, breaks: &[f64]) -> i16 {
    breaks
        .iter()
        .map(|&at| {
            if z > at {
                1
            } else if z < at {
                0
            } else {
                64
            }
        })
        .sum()
}

/// The kinks, and 0, where the curvature of some activations jumps.
fn breaks(activation: Activation) -> Vec<f64> {
    let mut breaks = activation.kinks();
    breaks.push(0.0);
    breaks
}

fn arithmetic(
    op: Arithmetic,
    id: NodeId,
    graph: &Checked,
    values: &NodeMap<Array>,
) -> Result<Vec<i16>> {
    let operands = graph.graph().node(id).operands();
    let operand = |index: usize| -> Result<Vec<f64>> {
        Ok(repeated(values[operands[index]].floats()?, values[id].shape()))
    };
    Ok(match op {
        Arithmetic::Add
        | Arithmetic::Sub
        | Arithmetic::Mul
        | Arithmetic::Div
        | Arithmetic::Power => vec![],
        Arithmetic::Maximum | Arithmetic::Minimum => {
            operand(0)?.iter().zip(operand(1)?).map(|(a, b)| piece(a - b, &[0.0])).collect()
        }
        Arithmetic::Select => {
            operand(0)?.iter().map(|&condition| piece(condition, &[0.0])).collect()
        }
    })
}

/// The elements of `x`, repeated to `shape` by NumPy's rules.
fn repeated(x: &Tensor<f64>, shape: &[usize]) -> Vec<f64> {
    let added = shape.len() - x.shape().len();
    let count: usize = shape.iter().product();
    (0..count)
        .map(|element| {
            let (mut rest, mut at, mut stride) = (element, 0, 1);
            for axis in (0..shape.len()).rev() {
                let position = rest % shape[axis];
                rest /= shape[axis];
                if axis >= added {
                    let length = x.shape()[axis - added];
                    at += if length == 1 { 0 } else { position * stride };
                    stride *= length;
                }
            }
            x.data()[at]
        })
        .collect()
}

fn reduce(op: &Reduce, x: &Tensor<f64>, y: &Tensor<f64>) -> Vec<i16> {
    match op.kind {
        Reduction::Sum | Reduction::Mean | Reduction::Variance { .. } => vec![],
        Reduction::Max | Reduction::Min => {
            let mut kept = x.shape().to_vec();
            op.axes.iter().for_each(|&axis| kept[axis] = 1);
            let kept = y.clone().reshape(kept).expect("the kept shape has as many elements");
            let extremes = repeated(&kept, x.shape());
            x.data().iter().zip(extremes).map(|(&x, extreme)| i16::from(x == extreme)).collect()
        }
    }
}

fn loss(op: Loss, operands: &[NodeId], values: &NodeMap<Array>) -> Result<Vec<i16>> {
    let Loss::Pair(loss) = op else { return Ok(vec![]) };
    let data = |index: usize| -> Result<&[f64]> { Ok(values[operands[index]].floats()?.data()) };
    let differences = |bound: f64| -> Result<Vec<i16>> {
        let pairs = data(0)?.iter().zip(data(1)?);
        Ok(pairs.map(|(p, t)| piece(p - t, &[-bound, 0.0, bound])).collect())
    };
    match loss {
        PairLoss::L1 => differences(0.0),
        PairLoss::SmoothL1 { beta } => differences(beta),
        PairLoss::Huber { delta } => differences(delta),
        PairLoss::GaussianNll { eps, .. } => {
            Ok(data(2)?.iter().map(|&variance| piece(variance, &[eps])).collect())
        }
        PairLoss::PoissonNll { .. } => Ok(data(1)?.iter().map(|&t| piece(t, &[1.0])).collect()),
        PairLoss::Mse | PairLoss::Bce | PairLoss::BceWithLogits | PairLoss::KlDiv { .. } => {
            Ok(vec![])
        }
    }
}
