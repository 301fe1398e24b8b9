//! Elementwise functions of one variable, recognised by their values.
//!
//! Exporters write GELU, SiLU or Mish as up to a dozen nodes, each in its own way. So what stands between two joints is
//! evaluated in f64 at many points and compared with the functions of `torch.nn`; what is none of them becomes a
//! formula.

use std::collections::HashMap;

use glassnet::Tensor;
use glassnet::graph::op::{self, Arithmetic, Source};
use glassnet::graph::{Checked, NodeId, Op};
use glassnet::nn::{self, Activation, Approximate, Formula, Module, StateDict};
use glassnet::reference::{self, Array, activation};

/// The longest formula that is written.
const LONGEST: usize = 400;

/// The most nodes of a function.
const MOST_NODES: usize = 64;

/// How far values may differ, relative to the larger of 1 and the value: constants are written in single precision.
const NEAR: f64 = 2e-6;

/// The layer of one operation; `None` for functions that `torch.nn` has no layer for.
fn layer(activation: op::Activation) -> Option<Module> {
    use op::Activation as A;
    let inplace = false;
    let layer = match activation {
        A::Relu => Activation::Relu { inplace },
        A::LeakyRelu { negative_slope } => {
            Activation::LeakyRelu { negative_slope: negative_slope.into(), inplace }
        }
        A::Elu { alpha } => Activation::Elu { alpha: alpha.into(), inplace },
        A::Celu { alpha } => Activation::Celu { alpha: alpha.into(), inplace },
        A::Selu => Activation::Selu { inplace },
        A::Gelu => Activation::Gelu { approximate: Approximate::None },
        A::GeluTanh => Activation::Gelu { approximate: Approximate::Tanh },
        A::Silu => Activation::Silu { inplace },
        A::Mish => Activation::Mish { inplace },
        A::Softplus { beta, threshold } => {
            Activation::Softplus { beta: number(beta), threshold: number(threshold) }
        }
        A::Softsign => Activation::Softsign,
        A::Sigmoid => Activation::Sigmoid,
        A::LogSigmoid => Activation::LogSigmoid,
        A::Tanh => Activation::Tanh,
        A::Hardtanh { min, max } => {
            Activation::Hardtanh { min_val: min.into(), max_val: max.into(), inplace }
        }
        A::Relu6 => Activation::Relu6 { inplace },
        A::Hardsigmoid => Activation::Hardsigmoid { inplace },
        A::Hardswish => Activation::Hardswish { inplace },
        A::NegativePart
        | A::Negate
        | A::Abs
        | A::Sign
        | A::Square
        | A::Sqrt
        | A::Reciprocal
        | A::Exp
        | A::Expm1
        | A::Log
        | A::Log1p
        | A::Sin
        | A::Cos
        | A::Tan
        | A::Asin
        | A::Acos
        | A::Atan
        | A::Sinh
        | A::Cosh
        | A::Erf => return None,
    };
    Some(Module::Activation(layer))
}

/// As PyTorch prints its defaults: whole numbers without a point.
fn number(value: f64) -> nn::Scalar {
    if value == value.trunc() && value.abs() < 1e15 {
        nn::Scalar::Int(value as i64)
    } else {
        nn::Scalar::Float(value)
    }
}

/// Nodes between two joints, which may compute a number of each element.
pub(super) struct Segment<'a> {
    pub(super) graph: &'a Checked,
    pub(super) state: &'a StateDict,
    /// The nodes behind the first joint, up to the second.
    pub(super) ids: &'a [NodeId],
    pub(super) from: NodeId,
    pub(super) to: NodeId,
}

/// The layer of `torch.nn` that a segment is.
pub(super) fn known(segment: &Segment<'_>) -> Option<Module> {
    let nodes = segment.nodes()?;
    if let [one] = nodes[..]
        && let Op::Activation(activation) = segment.graph.graph().node(one).op()
    {
        return layer(*activation);
    }
    let points = points();
    let values = segment.evaluated(&nodes, &points)?;
    let same = |candidate: &op::Activation| {
        points.iter().zip(&values).all(|(&z, &value)| near(activation::value(*candidate, z), value))
    };
    op::Activation::ALL.into_iter().filter(same).find_map(layer)
}

/// A segment as a formula.
pub(super) fn formula(segment: &Segment<'_>) -> Option<Module> {
    segment.nodes()?;
    Formula::new(&segment.written(segment.to)?).ok().map(Module::Formula)
}

/// Points on both sides, near 0 and far from it.
fn points() -> Vec<f64> {
    let small = (-40..=40).map(|place| f64::from(place) * 0.25 + 0.013);
    // Farther out, what exporters make of a logarithm of a sigmoid is no longer finite.
    small.chain([-80.0, -50.0, -1e-3, 1e-3, 50.0, 80.0]).collect()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= NEAR * a.abs().max(1.0)
}

impl Segment<'_> {
    /// The nodes that depend on `from`, up to `to`, if all are elementwise and otherwise read numbers only.
    fn nodes(&self) -> Option<Vec<NodeId>> {
        if self.graph.shape(self.from) != self.graph.shape(self.to) {
            return None;
        }
        let mut found = vec![];
        for &id in self.ids {
            let node = self.graph.graph().node(id);
            let inner = |operand: &NodeId| *operand == self.from || found.contains(operand);
            if !node.operands().iter().any(inner) {
                continue;
            }
            let elementwise = matches!(node.op(), Op::Activation(_) | Op::Arithmetic(_));
            let number = |operand: &NodeId| inner(operand) || self.number(*operand).is_some();
            if !elementwise || found.len() == MOST_NODES || !node.operands().iter().all(number) {
                return None;
            }
            found.push(id);
        }
        (found.last() == Some(&self.to)).then_some(found)
    }

    /// The value of a number, also of one that the file keeps as an array of one element.
    fn number(&self, id: NodeId) -> Option<f64> {
        match self.graph.graph().node(id).op() {
            Op::Source(Source::Constant(value)) => Some(*value),
            Op::Source(Source::Buffer { name, shape } | Source::Parameter { name, shape }) => {
                let same_rank = shape.rank() <= self.graph.shape(self.from).rank();
                match self.state.get(name)?.as_f32()?.data() {
                    [number] if same_rank => Some(f64::from(*number)),
                    _ => None,
                }
            }
            _ => None, // not operations: whatever else is no number
        }
    }

    fn evaluated(&self, nodes: &[NodeId], points: &[f64]) -> Option<Vec<f64>> {
        let z = Tensor::new([points.len()], points.to_vec()).ok()?;
        let mut values: HashMap<NodeId, Array> = HashMap::from([(self.from, Array::Float(z))]);
        for &id in nodes {
            let node = self.graph.graph().node(id);
            for &operand in node.operands() {
                if let Some(value) = self.number(operand) {
                    values.insert(operand, Array::Float(Tensor::scalar(value)));
                }
            }
            let operands = node.operands().iter().map(|operand| values.get(operand));
            let operands = operands.collect::<Option<Vec<_>>>()?;
            let value = reference::operation(node.op(), &operands, vec![points.len()]).ok()?;
            values.insert(id, value);
        }
        Some(values.get(&self.to)?.floats().ok()?.data().to_vec())
    }

    /// The formula in z.
    fn written(&self, id: NodeId) -> Option<String> {
        if id == self.from {
            return Some("z".to_owned());
        }
        if let Some(value) = self.number(id) {
            return value.is_finite().then(|| format!("({value:?})"));
        }
        let node = self.graph.graph().node(id);
        let parts = node.operands().iter().map(|&operand| self.written(operand));
        let parts = parts.collect::<Option<Vec<String>>>()?;
        let text = match node.op() {
            Op::Activation(activation) => called(*activation, &parts[0])?,
            Op::Arithmetic(op) => arithmetic(*op, &parts),
            Op::Source(_)
            | Op::Linear(_)
            | Op::ActivationGrad(_)
            | Op::Softmax(_)
            | Op::Reduce(_)
            | Op::Normalize(_)
            | Op::Random(_)
            | Op::Gather(_)
            | Op::Layout(_)
            | Op::Loss(_) => return None,
        };
        (text.len() <= LONGEST).then_some(text)
    }
}

fn arithmetic(op: Arithmetic, parts: &[String]) -> String {
    match op {
        Arithmetic::Add => format!("({} + {})", parts[0], parts[1]),
        Arithmetic::Sub => format!("({} - {})", parts[0], parts[1]),
        Arithmetic::Mul => format!("({} * {})", parts[0], parts[1]),
        Arithmetic::Div => format!("({} / {})", parts[0], parts[1]),
        Arithmetic::Maximum => format!("max({}, {})", parts[0], parts[1]),
        Arithmetic::Minimum => format!("min({}, {})", parts[0], parts[1]),
        Arithmetic::Power => format!("({} ^ {})", parts[0], parts[1]),
        Arithmetic::Select => format!("piecewise({} > 0, {}, {})", parts[0], parts[1], parts[2]),
    }
}

fn called(activation: op::Activation, z: &str) -> Option<String> {
    use op::Activation as A;
    let call = |name: &str| Some(format!("{name}({z})"));
    match activation {
        A::Relu => call("relu"),
        A::Gelu => call("gelu"),
        A::Silu => call("silu"),
        A::Mish => call("mish"),
        A::Softsign => call("softsign"),
        A::Sigmoid => call("sigmoid"),
        A::LogSigmoid => call("logsigmoid"),
        A::Tanh => call("tanh"),
        A::Softplus { beta: 1.0, .. } => call("softplus"),
        A::Abs => call("abs"),
        A::Sign => call("sign"),
        A::Sqrt => call("sqrt"),
        A::Exp => call("exp"),
        A::Expm1 => call("expm1"),
        A::Log => call("log"),
        A::Log1p => call("log1p"),
        A::Sin => call("sin"),
        A::Cos => call("cos"),
        A::Tan => call("tan"),
        A::Asin => call("asin"),
        A::Acos => call("acos"),
        A::Atan => call("atan"),
        A::Sinh => call("sinh"),
        A::Cosh => call("cosh"),
        A::Erf => call("erf"),
        A::Negate => Some(format!("(-{z})")),
        A::Square => Some(format!("({z})^2")),
        A::Reciprocal => Some(format!("(1/{z})")),
        A::NegativePart => Some(format!("min({z}, 0)")),
        A::Relu6 => Some(format!("min(max({z}, 0), 6)")),
        A::Hardtanh { min, max } => Some(format!("min(max({z}, ({min:?})), ({max:?}))")),
        A::LeakyRelu { negative_slope } => {
            Some(format!("piecewise({z} > 0, {z}, ({negative_slope:?})*{z})"))
        }
        A::Elu { alpha } => Some(format!("piecewise({z} > 0, {z}, ({alpha:?})*expm1({z}))")),
        A::Celu { .. }
        | A::Selu
        | A::GeluTanh
        | A::Softplus { .. }
        | A::Hardsigmoid
        | A::Hardswish => None,
    }
}
