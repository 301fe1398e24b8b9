//! Second derivatives: a derivative that is one operation, differentiated towards the point where it is taken.
//!
//! What comes out is built of operations that are differentiated in turn, so third derivatives follow. Where a function is
//! straight between kinks its curvature is 0, also at the kink, as in PyTorch.

use super::loss::no_gradient_towards;
use super::{Contributions, Step, no_second_derivative};
use crate::error::Result;
use crate::graph::op::{
    Activation, ActivationGrad, CrossEntropy, Loss, Normalize, PairLoss, Reduce, Reduction,
    SELU_ALPHA, SELU_SCALE, Scores, Softmax,
};
use crate::graph::{Builder, NodeId, Op};

/// `dz = dy·f′(p)`: towards dy it is linear, towards p it is `dy·f″(p)`, where p is the point the slope is computed from.
pub(super) fn activation(
    b: &mut Builder,
    op: ActivationGrad,
    step: &Step<'_>,
) -> Result<Contributions> {
    let (dy, point) = (step.operands[0], step.operands[1]);
    let towards_dy = b.push(Op::ActivationGrad(op), vec![step.dy, point])?;
    let mut towards_point = None;
    if step.wanted[1]
        && let Some(curvature) = curvature(b, op.0, point)?
    {
        let both = b.mul(step.dy, dy)?;
        towards_point = Some(b.mul(both, curvature)?);
    }
    Ok(vec![Some(towards_dy), towards_point])
}

/// The derivative of the slope towards the point that it is computed from: the output y where the activation's
/// [`DerivativeForm`](crate::graph::op::DerivativeForm) says so, else the input z. `None` where it is 0 everywhere.
fn curvature(b: &mut Builder, activation: Activation, p: NodeId) -> Result<Option<NodeId>> {
    use Activation as A;
    let found = match activation {
        A::Relu
        | A::LeakyRelu { .. }
        | A::Hardtanh { .. }
        | A::Relu6
        | A::Hardsigmoid
        | A::NegativePart
        | A::Negate
        | A::Abs
        | A::Sign => return Ok(None),
        // From the output: 1 − y², y·(1 − y), y, 1/(2y), −y².
        A::Tanh | A::Reciprocal => b.scale(p, -2.0)?,
        A::Sigmoid => {
            let twice = b.scale(p, -2.0)?;
            plus(b, twice, 1.0)?
        }
        A::Exp => constant_like(b, p, 1.0)?,
        A::Sqrt => {
            let square = b.activation(A::Square, p)?;
            let reciprocal = b.activation(A::Reciprocal, square)?;
            b.scale(reciprocal, -0.5)?
        }
        // From the input, for all others.
        A::Elu { alpha } => below_zero(b, p, alpha, 1.0)?,
        A::Celu { alpha } => below_zero(b, p, 1.0 / alpha, 1.0 / alpha)?,
        A::Selu => below_zero(b, p, SELU_SCALE * SELU_ALPHA, 1.0)?,
        A::Gelu => {
            // φ(z)·(2 − z²), φ the normal density.
            let square = b.activation(A::Square, p)?;
            let density = exp_of(b, square, -0.5, (2.0 * std::f64::consts::PI).sqrt().recip())?;
            let less = b.scale(square, -1.0)?;
            let rest = plus(b, less, 2.0)?;
            b.mul(density, rest)?
        }
        A::GeluTanh => gelu_tanh(b, p)?,
        A::Silu => {
            // s·(1 − s)·(2 + z·(1 − 2s)).
            let s = b.activation(A::Sigmoid, p)?;
            let slope = sigmoid_slope(b, s)?;
            let twice = b.scale(s, -2.0)?;
            let skew = plus(b, twice, 1.0)?;
            let bent = b.mul(p, skew)?;
            let rest = plus(b, bent, 2.0)?;
            b.mul(slope, rest)?
        }
        A::Mish => mish(b, p)?,
        A::Softplus { beta, threshold } => {
            let scaled = b.scale(p, beta)?;
            let s = b.activation(A::Sigmoid, scaled)?;
            let slope = sigmoid_slope(b, s)?;
            // Beyond the threshold the function is straight.
            let beyond = A::Hardtanh { min: -f64::from(f32::MAX), max: threshold };
            let one = constant_like(b, scaled, beta)?;
            let within = b.push(Op::ActivationGrad(ActivationGrad(beyond)), vec![one, scaled])?;
            b.mul(slope, within)?
        }
        A::Softsign => {
            // −2·sign(z)/(1 + |z|)³.
            let size = b.activation(A::Abs, p)?;
            let more = plus(b, size, 1.0)?;
            let square = b.activation(A::Square, more)?;
            let cube = b.mul(square, more)?;
            let sign = b.activation(A::Sign, p)?;
            let twice = b.scale(sign, -2.0)?;
            b.div(twice, cube)?
        }
        A::LogSigmoid => {
            let s = b.activation(A::Sigmoid, p)?;
            let slope = sigmoid_slope(b, s)?;
            b.scale(slope, -1.0)?
        }
        A::Hardswish => {
            // The slope is (2z + 3)/6 between −3 and 3: twice the slope of hardsigmoid.
            let two = constant_like(b, p, 2.0)?;
            b.push(Op::ActivationGrad(ActivationGrad(A::Hardsigmoid)), vec![two, p])?
        }
        A::Square => constant_like(b, p, 2.0)?,
        A::Expm1 => b.activation(A::Exp, p)?,
        A::Log => {
            let square = b.activation(A::Square, p)?;
            let reciprocal = b.activation(A::Reciprocal, square)?;
            b.scale(reciprocal, -1.0)?
        }
        A::Log1p => {
            let more = plus(b, p, 1.0)?;
            let square = b.activation(A::Square, more)?;
            let reciprocal = b.activation(A::Reciprocal, square)?;
            b.scale(reciprocal, -1.0)?
        }
        A::Sin => {
            let sine = b.activation(A::Sin, p)?;
            b.scale(sine, -1.0)?
        }
        A::Cos => {
            let cosine = b.activation(A::Cos, p)?;
            b.scale(cosine, -1.0)?
        }
        A::Tan => {
            // 2·tan·(1 + tan²).
            let tangent = b.activation(A::Tan, p)?;
            let square = b.activation(A::Square, tangent)?;
            let slope = plus(b, square, 1.0)?;
            let twice = b.scale(tangent, 2.0)?;
            b.mul(twice, slope)?
        }
        A::Asin => arc(b, p, 1.0)?,
        A::Acos => arc(b, p, -1.0)?,
        A::Atan => {
            // −2z/(1 + z²)².
            let square = b.activation(A::Square, p)?;
            let more = plus(b, square, 1.0)?;
            let below = b.activation(A::Square, more)?;
            let twice = b.scale(p, -2.0)?;
            b.div(twice, below)?
        }
        A::Sinh => b.activation(A::Sinh, p)?,
        A::Cosh => b.activation(A::Cosh, p)?,
        A::Erf => {
            // −4z/√π·e^(−z²).
            let square = b.activation(A::Square, p)?;
            let factor = -4.0 / std::f64::consts::PI.sqrt();
            let bell = exp_of(b, square, -1.0, factor)?;
            b.mul(p, bell)?
        }
    };
    Ok(Some(found))
}

/// `factor·e^(rate·z)` where z < 0, else 0.
fn below_zero(b: &mut Builder, z: NodeId, factor: f64, rate: f64) -> Result<NodeId> {
    // Cut first: e^z overflows where it is not wanted.
    let negative = b.activation(Activation::NegativePart, z)?;
    let bent = exp_of(b, negative, rate, factor)?;
    let one = constant_like(b, z, 1.0)?;
    let positive = b.activation(Activation::Relu, z)?;
    let above =
        b.push(Op::ActivationGrad(ActivationGrad(Activation::Relu)), vec![one, positive])?;
    let below = b.sub(one, above)?;
    b.mul(bent, below)
}

/// `½(1 + t)·z`, `t = tanh u`: `t′ + ½z·t″` with `t′ = (1 − t²)·u′`, `t″ = (1 − t²)·(u″ − 2t·u′²)`.
fn gelu_tanh(b: &mut Builder, z: NodeId) -> Result<NodeId> {
    let scale = (2.0 / std::f64::consts::PI).sqrt();
    let cubic = 0.044_715;
    let square = b.activation(Activation::Square, z)?;
    let bent = b.scale(square, cubic)?;
    let factor = plus(b, bent, 1.0)?;
    let scaled = b.scale(z, scale)?;
    let inner = b.mul(scaled, factor)?;
    let t = b.activation(Activation::Tanh, inner)?;
    let slope = one_minus_square(b, t)?;
    let bent = b.scale(square, 3.0 * cubic * scale)?;
    let u1 = plus(b, bent, scale)?;
    let u2 = b.scale(z, 6.0 * cubic * scale)?;
    let first = b.mul(slope, u1)?;
    let second = chained_tanh(b, t, slope, u1, u2)?;
    let half = b.scale(z, 0.5)?;
    let rest = b.mul(half, second)?;
    b.add(first, rest)
}

/// `z·t`, `t = tanh u`, `u = ln(1 + e^z)`: `2t′ + z·t″`.
fn mish(b: &mut Builder, z: NodeId) -> Result<NodeId> {
    let u = b.activation(Activation::Softplus { beta: 1.0, threshold: 20.0 }, z)?;
    let t = b.activation(Activation::Tanh, u)?;
    let slope = one_minus_square(b, t)?;
    let u1 = b.activation(Activation::Sigmoid, z)?;
    let u2 = sigmoid_slope(b, u1)?;
    let first = b.mul(slope, u1)?;
    let second = chained_tanh(b, t, slope, u1, u2)?;
    let twice = b.scale(first, 2.0)?;
    let rest = b.mul(z, second)?;
    b.add(twice, rest)
}

/// The second derivative of `tanh u(z)`.
fn chained_tanh(
    b: &mut Builder,
    t: NodeId,
    slope: NodeId,
    u1: NodeId,
    u2: NodeId,
) -> Result<NodeId> {
    let square = b.activation(Activation::Square, u1)?;
    let twice = b.scale(t, -2.0)?;
    let bent = b.mul(twice, square)?;
    let inner = b.add(u2, bent)?;
    b.mul(slope, inner)
}

/// `sign·z/(1 − z²)^(3/2)`.
fn arc(b: &mut Builder, z: NodeId, sign: f64) -> Result<NodeId> {
    let rest = one_minus_square(b, z)?;
    let root = b.activation(Activation::Sqrt, rest)?;
    let below = b.mul(rest, root)?;
    let signed = b.scale(z, sign)?;
    b.div(signed, below)
}

/// `s·(1 − s)`.
fn sigmoid_slope(b: &mut Builder, s: NodeId) -> Result<NodeId> {
    let negated = b.scale(s, -1.0)?;
    let rest = plus(b, negated, 1.0)?;
    b.mul(s, rest)
}

fn one_minus_square(b: &mut Builder, x: NodeId) -> Result<NodeId> {
    let square = b.activation(Activation::Square, x)?;
    let negated = b.scale(square, -1.0)?;
    plus(b, negated, 1.0)
}

/// `factor·e^(rate·x)`.
fn exp_of(b: &mut Builder, x: NodeId, rate: f64, factor: f64) -> Result<NodeId> {
    let scaled = b.scale(x, rate)?;
    let power = b.activation(Activation::Exp, scaled)?;
    b.scale(power, factor)
}

fn plus(b: &mut Builder, x: NodeId, constant: f64) -> Result<NodeId> {
    let constant = b.constant(constant)?;
    b.add(x, constant)
}

fn constant_like(b: &mut Builder, like: NodeId, value: f64) -> Result<NodeId> {
    let shape = b.shape(like).clone();
    let constant = b.constant(value)?;
    b.broadcast(constant, shape)
}

/// The derivatives of `dz = y·(dy − Σ dy·y)` and `dz = dy − e^y·Σ dy` towards dy and y, from above with g.
pub(super) fn softmax(b: &mut Builder, op: Softmax, step: &Step<'_>) -> Result<Contributions> {
    let (g, dy, y) = (step.dy, step.operands[0], step.operands[1]);
    let axis = op.axis();
    let sum = |b: &mut Builder, x: NodeId| {
        let kept = b.reduce(Reduce { kind: Reduction::Sum, axes: vec![axis], keep: true }, x)?;
        let shape = b.shape(x).clone();
        b.broadcast(kept, shape)
    };
    match op {
        Softmax::Probabilities { .. } | Softmax::ProbabilitiesGrad { .. } => {
            let weighted = b.mul(g, y)?;
            let of_g = sum(b, weighted)?;
            let weighted = b.mul(dy, y)?;
            let of_dy = sum(b, weighted)?;
            let spread = b.sub(g, of_g)?;
            let towards_dy = b.mul(y, spread)?;
            let spread = b.sub(dy, of_dy)?;
            let first = b.mul(g, spread)?;
            let second = b.mul(of_g, dy)?;
            Ok(vec![Some(towards_dy), Some(b.sub(first, second)?)])
        }
        Softmax::Logarithms { .. } | Softmax::LogarithmsGrad { .. } => {
            let probabilities = b.activation(Activation::Exp, y)?;
            let weighted = b.mul(g, probabilities)?;
            let of_g = sum(b, weighted)?;
            let of_dy = sum(b, dy)?;
            let towards_dy = b.sub(g, of_g)?;
            let bent = b.mul(weighted, of_dy)?;
            Ok(vec![Some(towards_dy), Some(b.scale(bent, -1.0)?)])
        }
    }
}

/// The derivatives of `dx = (dy − mean(dy) − y·mean(dy·y))/s`, with `s² = variance + eps` and y the normalised x, towards dy and x, from
/// above with g. As a matrix, J, it is symmetric: towards dy it is Jg. Towards x, with `∂s/∂x = y/n` and `∂y/∂x = J`, it is
/// `−y·C/s² − (mean(dy·y)·Jg + mean(g·y)·J dy)/s`, `C = mean(g·dy) − mean(g)·mean(dy) − mean(g·y)·mean(dy·y)`.
pub(super) fn normalize(b: &mut Builder, op: &Normalize, step: &Step<'_>) -> Result<Contributions> {
    let (g, dy, x) = (step.dy, step.operands[0], step.operands[1]);
    let of_g = b.normalize(op.clone(), &[g, x])?;
    if !step.wanted[1] {
        return Ok(vec![Some(of_g), None]);
    }
    let mean = |b: &mut Builder, x: NodeId| {
        let axes = op.axes.clone();
        let kept = b.reduce(Reduce { kind: Reduction::Mean, axes, keep: true }, x)?;
        let shape = b.shape(x).clone();
        b.broadcast(kept, shape)
    };
    let mean_of_product = |b: &mut Builder, p: NodeId, q: NodeId| {
        let product = b.mul(p, q)?;
        mean(b, product)
    };
    let of_dy = b.normalize(op.clone(), &[dy, x])?;
    let y = b.normalize(Normalize { grad: false, ..op.clone() }, &[x])?;
    let middle = mean(b, x)?;
    let centred = b.sub(x, middle)?;
    let variance = mean_of_product(b, centred, centred)?;
    let square = plus(b, variance, op.eps)?;
    let s = b.activation(Activation::Sqrt, square)?;
    let (g_y, dy_y) = (mean_of_product(b, g, y)?, mean_of_product(b, dy, y)?);
    // mean(g·dy) − mean(g)·mean(dy), without the difference of two large numbers.
    let middle = mean(b, dy)?;
    let centred = b.sub(dy, middle)?;
    let covariance = mean_of_product(b, g, centred)?;
    let along = b.mul(g_y, dy_y)?;
    let rest = b.sub(covariance, along)?;
    let bent = b.mul(y, rest)?;
    let first = b.div(bent, square)?;
    let (left, right) = (b.mul(dy_y, of_g)?, b.mul(g_y, of_dy)?);
    let both = b.add(left, right)?;
    let second = b.div(both, s)?;
    let towards_x = b.add(first, second)?;
    Ok(vec![Some(of_g), Some(b.scale(towards_x, -1.0)?)])
}

/// The derivatives of `dz = softmax(z)·a − q`, where q are the targets with their weights, dy and the reduction in them, and a their
/// sum over the classes; of log-probabilities `dz = −q`.
pub(super) fn cross_entropy(
    b: &mut Builder,
    loss: CrossEntropy,
    step: &Step<'_>,
) -> Result<Contributions> {
    let (g, rest) = (step.dy, &step.operands[1..]);
    if step.wanted[2..].contains(&true) {
        return Err(no_gradient_towards("cross_entropy", "its target or class weights"));
    }
    let mut contributions = vec![None; step.operands.len()];
    if step.wanted[0] {
        // It is linear in dy: a factor for all rows, or one for each.
        let dy = step.operands[0];
        let one = constant_like(b, dy, 1.0)?;
        let slope = b.loss(Loss::CrossEntropyGrad(loss), &[&[one], rest].concat())?;
        let both = b.mul(g, slope)?;
        let rank = b.shape(both).rank();
        let first = if b.shape(dy).rank() == 0 { 0 } else { rank - 1 };
        let axes = (first..rank).collect();
        contributions[0] =
            Some(b.reduce(Reduce { kind: Reduction::Sum, axes, keep: false }, both)?);
    }
    if step.wanted[1] && loss.scores == Scores::Logits {
        let z = step.operands[1];
        let axis = b.shape(z).rank() - 1;
        let of_logarithms = CrossEntropy { scores: Scores::LogProbabilities, ..loss };
        let negative = b.loss(Loss::CrossEntropyGrad(of_logarithms), step.operands)?;
        let sum = Reduce { kind: Reduction::Sum, axes: vec![axis], keep: true };
        let sum = b.reduce(sum, negative)?;
        let shape = b.shape(z).clone();
        let sum = b.broadcast(sum, shape)?;
        let weighted = b.mul(g, sum)?;
        let p = b.softmax(Softmax::Probabilities { axis }, z)?;
        let bent = b.push(Op::Softmax(Softmax::ProbabilitiesGrad { axis }), vec![weighted, p])?;
        contributions[1] = Some(b.scale(bent, -1.0)?);
    }
    Ok(contributions)
}

/// The derivatives of `dp = dy·ℓ′`, or of the derivative towards t, towards dy, p and t.
pub(super) fn pair(
    b: &mut Builder,
    loss: PairLoss,
    operand: usize,
    step: &Step<'_>,
) -> Result<Contributions> {
    let (g, dy, p, t) = (step.dy, step.operands[0], step.operands[1], step.operands[2]);
    let mut contributions = vec![None; step.operands.len()];
    let towards_dy = [&[g], &step.operands[1..]].concat();
    contributions[0] = Some(b.loss(Loss::PairGrad { loss, operand }, &towards_dy)?);
    if !step.wanted[1..].contains(&true) {
        return Ok(contributions);
    }
    let both = b.mul(g, dy)?;
    // The curvature, times both; of a function of p − t the same towards t, with the other sign.
    let bent = match loss {
        PairLoss::Mse => b.scale(both, 2.0)?,
        PairLoss::L1 => return Ok(contributions),
        PairLoss::SmoothL1 { beta: 0.0 } => return Ok(contributions),
        PairLoss::SmoothL1 { beta } => {
            let within = within(b, both, (p, t), beta)?;
            b.scale(within, beta.recip())?
        }
        PairLoss::Huber { delta } => within(b, both, (p, t), delta)?,
        PairLoss::BceWithLogits => {
            if step.wanted[2..].contains(&true) {
                return Err(no_gradient_towards("bce_with_logits", "its target"));
            }
            let s = b.activation(Activation::Sigmoid, p)?;
            let slope = sigmoid_slope(b, s)?;
            let bent = b.mul(both, slope)?;
            let Some(&weight) = step.operands.get(3) else {
                contributions[1] = Some(bent);
                return Ok(contributions);
            };
            // 1 + (w − 1)·t.
            let more = plus(b, weight, -1.0)?;
            let more = b.mul(t, more)?;
            let factor = plus(b, more, 1.0)?;
            contributions[1] = Some(b.mul(bent, factor)?);
            return Ok(contributions);
        }
        PairLoss::Bce
        | PairLoss::KlDiv { .. }
        | PairLoss::PoissonNll { .. }
        | PairLoss::GaussianNll { .. } => {
            return Err(no_second_derivative("an elementwise loss")
                .help("write the loss as arithmetic, which is differentiated as often as wanted"));
        }
    };
    let signed = |b: &mut Builder, sign: f64| b.scale(bent, sign);
    let sign = if operand == 0 { 1.0 } else { -1.0 };
    contributions[1] = Some(signed(b, sign)?);
    contributions[2] = Some(signed(b, -sign)?);
    Ok(contributions)
}

/// `value` where `|p − t|` is less than `most`, else 0.
fn within(b: &mut Builder, value: NodeId, (p, t): (NodeId, NodeId), most: f64) -> Result<NodeId> {
    let difference = b.sub(p, t)?;
    let inside = ActivationGrad(Activation::Hardtanh { min: -most, max: most });
    b.push(Op::ActivationGrad(inside), vec![value, difference])
}

#[cfg(test)]
mod tests {
    use crate::Tensor;
    use crate::grad::grad;
    use crate::graph::op::{
        Activation, CrossEntropy, Loss, LossReduction, Normalize, PairLoss, Reduction, Scores,
        Softmax,
    };
    use crate::graph::{Builder, Checked, DType, NodeId, Shape};
    use crate::reference::{Feeds, evaluate};

    /// Points within every function's domain and off every kink, none of them alike.
    const POINTS: [f64; 6] = [0.13, 0.42, 0.57, 0.71, 0.86, 0.94];
    const WEIGHTS: [f64; 6] = [0.7, -1.1, 0.4, 1.9, -0.6, 1.3];

    /// `Σ wᵢ·∂/∂zᵢ Σ f(z)·wⱼ²` as a graph with its derivative towards z, and the value's and the derivative's nodes.
    fn twice(f: impl Fn(&mut Builder, NodeId) -> NodeId) -> (Checked, NodeId, NodeId) {
        let mut b = Builder::new();
        let z = b.input("z", DType::F32, Shape::from([6])).expect("an input");
        let w = b.input("w", DType::F32, Shape::from([6])).expect("an input");
        let y = f(&mut b, z);
        let square = b.activation(Activation::Square, w).expect("a square");
        let weighted = b.mul(y, square).expect("a product");
        let loss = b.reduce_all(Reduction::Sum, weighted).expect("a sum");
        let first = grad(&b.finish_checked(), loss, &[z]).expect("a gradient");
        let mut b = Builder::extend(first.graph.graph().clone()).expect("a graph");
        let weighted = b.mul(first.gradients[0], w).expect("a product");
        let slope = b.reduce_all(Reduction::Sum, weighted).expect("a sum");
        let second = grad(&b.finish_checked(), slope, &[z]).expect("a second gradient");
        (second.graph, slope, second.gradients[0])
    }

    /// Compares with central differences of the first gradient.
    fn check(name: &str, points: &[f64; 6], f: impl Fn(&mut Builder, NodeId) -> NodeId) {
        let (graph, slope, second) = twice(f);
        let at = |points: &[f64]| {
            let mut feeds = Feeds::new();
            for (input, values) in [("z", points), ("w", &WEIGHTS)] {
                feeds.set_input(input, Tensor::new([6], values.to_vec()).expect("six numbers"));
            }
            let values = evaluate(&graph, &feeds, 1).expect("values");
            let of = |id| values[id].floats().expect("floats").data().to_vec();
            (of(slope)[0], of(second))
        };
        let (_, found) = at(points);
        let step = 1e-5;
        for (index, &found) in found.iter().enumerate() {
            let moved = |by: f64| {
                let mut points = points.to_vec();
                points[index] += by;
                at(&points).0
            };
            let expected = (moved(step) - moved(-step)) / (2.0 * step);
            let scale = expected.abs().max(1.0);
            assert!(
                (found - expected).abs() < 1e-7 * scale,
                "{name}[{index}]: {found}, not {expected}"
            );
        }
    }

    #[test]
    fn curvatures_agree_with_differences_on_both_sides_of_zero() {
        for activation in Activation::ALL {
            check(activation.name(), &POINTS, |b, z| b.activation(activation, z).expect("f(z)"));
            let positive = matches!(activation, Activation::Sqrt | Activation::Log);
            if !positive {
                let below = POINTS.map(|point| -point);
                check(activation.name(), &below, |b, z| b.activation(activation, z).expect("f(z)"));
            }
            let narrow = matches!(
                activation,
                Activation::Sqrt
                    | Activation::Log
                    | Activation::Log1p
                    | Activation::Asin
                    | Activation::Acos
            );
            if !narrow {
                let wide = [-4.2, -2.3, -1.2, 1.7, 2.6, 7.1];
                check(activation.name(), &wide, |b, z| b.activation(activation, z).expect("f(z)"));
            }
        }
        for (alpha, beta) in [(0.3, 2.0), (1.7, 0.5)] {
            let bent = [
                Activation::Elu { alpha },
                Activation::Celu { alpha },
                Activation::Softplus { beta, threshold: 3.0 },
            ];
            for activation in bent {
                let wide = [-4.2, -2.3, -1.2, 1.7, 2.6, 7.1];
                check(activation.name(), &wide, |b, z| b.activation(activation, z).expect("f(z)"));
            }
        }
    }

    #[test]
    fn softmax_and_squared_errors_agree_with_differences() {
        let in_rows = |softmax: fn(usize) -> Softmax| {
            move |b: &mut Builder, z: NodeId| {
                let rows = b.reshape(z, Shape::from([2, 3])).expect("two rows");
                let y = b.softmax(softmax(1), rows).expect("a softmax");
                b.reshape(y, Shape::from([6])).expect("six numbers")
            }
        };
        check("softmax", &POINTS, in_rows(|axis| Softmax::Probabilities { axis }));
        check("log_softmax", &POINTS, in_rows(|axis| Softmax::Logarithms { axis }));
        check("mse", &POINTS, |b, z| {
            let square = b.activation(Activation::Sin, z).expect("a sine");
            b.loss(Loss::Pair(PairLoss::Mse), &[square, z]).expect("a loss")
        });
    }

    #[test]
    fn normalisations_agree_with_differences() {
        for (axes, eps) in [(vec![1], 1e-5), (vec![0], 0.3), (vec![0, 1], 1e-5)] {
            let op = Normalize { axes, eps, grad: false };
            check("normalize", &[0.13, -0.42, 0.57, 1.71, -0.86, 0.94], |b, z| {
                let rows = b.reshape(z, Shape::from([2, 3])).expect("two rows");
                let y = b.normalize(op.clone(), &[rows]).expect("a normalisation");
                b.reshape(y, Shape::from([6])).expect("six numbers")
            });
        }
    }

    #[test]
    fn losses_agree_with_differences() {
        let cross_entropy = |loss: CrossEntropy, weighted: bool| {
            move |b: &mut Builder, z: NodeId| {
                let rows = b.reshape(z, Shape::from([2, 3])).expect("two rows");
                // Probabilities that depend on nothing.
                let third = b.constant(0.2).expect("a constant");
                let target = b.broadcast(third, Shape::from([2, 3])).expect("a target");
                let weights = b.constant(1.7).expect("a constant");
                let weights = b.broadcast(weights, Shape::from([3])).expect("weights");
                let all = [rows, target, weights];
                let operands = if weighted { &all[..] } else { &all[..2] };
                let y = b.loss(Loss::CrossEntropy(loss), operands).expect("a loss");
                let squared = b.activation(Activation::Square, z).expect("a square");
                let shape = b.shape(y).clone();
                let y = if shape.rank() == 1 {
                    b.reduce_all(Reduction::Mean, y).expect("a mean")
                } else {
                    y
                };
                let y = b.broadcast(y, Shape::from([6])).expect("six numbers");
                // What comes from above hangs on z, too.
                b.mul(y, squared).expect("a product")
            }
        };
        for scores in [Scores::Logits, Scores::LogProbabilities] {
            for reduction in [LossReduction::Mean, LossReduction::Sum, LossReduction::None] {
                for label_smoothing in [0.0, 0.3] {
                    let loss =
                        CrossEntropy { scores, reduction, label_smoothing, ..Default::default() };
                    check("cross_entropy", &POINTS, cross_entropy(loss, false));
                    check("cross_entropy", &POINTS, cross_entropy(loss, true));
                }
            }
        }
        for loss in [
            PairLoss::L1,
            PairLoss::SmoothL1 { beta: 0.0 },
            PairLoss::SmoothL1 { beta: 0.4 },
            PairLoss::Huber { delta: 0.4 },
        ] {
            check("a loss of differences", &POINTS, |b, z| {
                let cosine = b.activation(Activation::Cos, z).expect("a cosine");
                b.loss(Loss::Pair(loss), &[cosine, z]).expect("a loss")
            });
        }
        for weighted in [false, true] {
            check("bce_with_logits", &POINTS, |b, z| {
                let part = b.constant(0.3).expect("a constant");
                let target = b.broadcast(part, Shape::from([6])).expect("a target");
                let all = [z, target, target];
                let operands = if weighted { &all[..] } else { &all[..2] };
                b.loss(Loss::Pair(PairLoss::BceWithLogits), operands).expect("a loss")
            });
        }
    }

    #[test]
    fn third_derivatives_follow() {
        check("tanh′", &POINTS, |b, z| {
            let y = b.activation(Activation::Tanh, z).expect("a tanh");
            let sum = b.reduce_all(Reduction::Sum, y).expect("a sum");
            let graph = std::mem::take(b).finish_checked();
            let found = grad(&graph, sum, &[z]).expect("a gradient");
            *b = Builder::extend(found.graph.graph().clone()).expect("a graph");
            found.gradients[0]
        });
    }
}
