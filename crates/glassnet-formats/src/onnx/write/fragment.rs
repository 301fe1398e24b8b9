//! Layers that have no operator of their own: the nodes of their graph, one by one.

use std::collections::HashMap;

use glassnet::graph::op::{
    Activation, Arithmetic, Layout, Normalize, Op, Reduce, Reduction, Source,
};
use glassnet::graph::{Dim, NodeId, Shape};
use glassnet::{Error, Result};

use super::Writer;
use super::nodes::{float, int, ints};

impl Writer<'_> {
    /// Appends the nodes between a layer's input, the value called `x`, and its output.
    pub(super) fn fragment(&mut self, path: &str, x: &str) -> Result<String> {
        let (input, output) = self.ends(path)?;
        let mut names: HashMap<NodeId, String> = HashMap::from([(input, x.to_owned())]);
        let graph = self.builder.graph();
        let mut needed = vec![output];
        let mut order = vec![];
        while let Some(id) = needed.pop() {
            if id != input && !order.contains(&id) {
                order.push(id);
                needed.extend(graph.node(id).operands());
            }
        }
        order.sort_unstable();
        for id in order {
            let node = graph.node(id);
            let operands: Vec<&str> = node
                .operands()
                .iter()
                .filter_map(|operand| names.get(operand).map(String::as_str))
                .collect();
            let shape = self.builder.shape(id).clone();
            let name = self.node(path, node.op(), &operands, &shape, x)?;
            names.insert(id, name);
        }
        names.remove(&output).ok_or_else(|| Error::network(format!("layer {path:?} has no result")))
    }

    fn node(
        &mut self,
        path: &str,
        op: &Op,
        operands: &[&str],
        shape: &Shape,
        x: &str,
    ) -> Result<String> {
        let unsupported = || {
            Error::unsupported(op.name(), "ONNX export", "no layer is written with it")
                .at(format!("layer {path:?}"))
        };
        match op {
            Op::Source(Source::Constant(number)) => Ok(self.nodes.number(path, *number)),
            Op::Source(Source::Parameter { name, .. } | Source::Buffer { name, .. }) => {
                self.stored(name)
            }
            Op::Arithmetic(op) => Ok(self.arithmetic(path, *op, operands)),
            Op::Activation(activation) => Ok(self.function(path, *activation, operands[0])),
            Op::Normalize(Normalize { axes, eps, grad: false }) => {
                Ok(self.normalize(path, axes, *eps, operands[0]))
            }
            Op::Reduce(Reduce { kind: Reduction::Mean, axes, keep }) => {
                Ok(self.mean(path, axes, *keep, operands[0]))
            }
            Op::Layout(Layout::Reshape { shape }) => {
                let lengths = lengths(shape).ok_or_else(unsupported)?;
                let lengths = self.nodes.list(path, &lengths);
                Ok(self.two(path, "Reshape", operands[0], &lengths))
            }
            // Repetition to the shape of the layer's input.
            Op::Layout(Layout::Broadcast { .. }) if lengths(shape).is_some() => {
                let like = self.one(path, "Shape", x);
                Ok(self.two(path, "Expand", operands[0], &like))
            }
            Op::Source(Source::Input { .. } | Source::Count(_))
            | Op::Linear(_)
            | Op::ActivationGrad(_)
            | Op::Softmax(_)
            | Op::Reduce(_)
            | Op::Normalize(_)
            | Op::Random(_)
            | Op::Gather(_)
            | Op::Layout(_)
            | Op::Loss(_) => Err(unsupported()),
        }
    }

    fn arithmetic(&mut self, path: &str, op: Arithmetic, operands: &[&str]) -> String {
        let kind = match op {
            Arithmetic::Add => "Add",
            Arithmetic::Sub => "Sub",
            Arithmetic::Mul => "Mul",
            Arithmetic::Div => "Div",
            Arithmetic::Maximum => "Max",
            Arithmetic::Minimum => "Min",
            Arithmetic::Power => "Pow",
            Arithmetic::Select => {
                let chosen = self.with(path, "Greater", operands[0], 0.0);
                return self.nodes.push(
                    path,
                    "Where",
                    &[&chosen, operands[1], operands[2]],
                    vec![],
                );
            }
        };
        self.nodes.push(path, kind, operands, vec![])
    }

    fn mean(&mut self, path: &str, axes: &[usize], keep: bool, x: &str) -> String {
        let axes: Vec<i64> = axes.iter().map(|&axis| axis as i64).collect();
        let attributes = vec![ints("axes", &axes), int("keepdims", i64::from(keep))];
        self.nodes.push(path, "ReduceMean", &[x], attributes)
    }

    /// `(x − mean)/√(variance + eps)`.
    fn normalize(&mut self, path: &str, axes: &[usize], eps: f64, x: &str) -> String {
        let mean = self.mean(path, axes, true, x);
        let centred = self.two(path, "Sub", x, &mean);
        let square = self.two(path, "Mul", &centred, &centred);
        let variance = self.mean(path, axes, true, &square);
        let shifted = self.with(path, "Add", &variance, eps);
        let deviation = self.one(path, "Sqrt", &shifted);
        self.two(path, "Div", &centred, &deviation)
    }

    /// An elementwise function: the operator of its name, or those of its definition.
    pub(super) fn function(&mut self, path: &str, function: Activation, z: &str) -> String {
        let plain = match function {
            Activation::Relu => "Relu",
            Activation::Softsign => "Softsign",
            Activation::Sigmoid => "Sigmoid",
            Activation::Tanh => "Tanh",
            Activation::Hardswish => "HardSwish",
            Activation::Negate => "Neg",
            Activation::Abs => "Abs",
            Activation::Sign => "Sign",
            Activation::Sqrt => "Sqrt",
            Activation::Reciprocal => "Reciprocal",
            Activation::Exp => "Exp",
            Activation::Log => "Log",
            Activation::Sin => "Sin",
            Activation::Cos => "Cos",
            Activation::Tan => "Tan",
            Activation::Asin => "Asin",
            Activation::Acos => "Acos",
            Activation::Atan => "Atan",
            Activation::Sinh => "Sinh",
            Activation::Cosh => "Cosh",
            Activation::Erf => "Erf",
            Activation::LeakyRelu { negative_slope } => {
                let slope = vec![float("alpha", negative_slope)];
                return self.nodes.push(path, "LeakyRelu", &[z], slope);
            }
            Activation::Elu { alpha } => {
                return self.nodes.push(path, "Elu", &[z], vec![float("alpha", alpha)]);
            }
            Activation::Celu { alpha } => {
                return self.nodes.push(path, "Celu", &[z], vec![float("alpha", alpha)]);
            }
            Activation::Selu => return self.one(path, "Selu", z),
            Activation::Gelu => return self.gelu(path, z),
            Activation::GeluTanh => return self.gelu_tanh(path, z),
            Activation::Silu => {
                let gate = self.one(path, "Sigmoid", z);
                return self.two(path, "Mul", z, &gate);
            }
            Activation::Mish => {
                let inner = self.one(path, "Softplus", z);
                let gate = self.one(path, "Tanh", &inner);
                return self.two(path, "Mul", z, &gate);
            }
            Activation::Softplus { beta, threshold } => {
                return self.softplus(path, beta, threshold, z);
            }
            // The logarithm of the sigmoid would be infinite far left.
            Activation::LogSigmoid => {
                let minus = self.one(path, "Neg", z);
                let inner = self.one(path, "Softplus", &minus);
                return self.one(path, "Neg", &inner);
            }
            Activation::Hardtanh { min, max } => return self.clip(path, z, min, max),
            Activation::Relu6 => return self.clip(path, z, 0.0, 6.0),
            Activation::Hardsigmoid => {
                let attributes = vec![float("alpha", 1.0 / 6.0), float("beta", 0.5)];
                return self.nodes.push(path, "HardSigmoid", &[z], attributes);
            }
            Activation::NegativePart => return self.with(path, "Min", z, 0.0),
            Activation::Square => return self.two(path, "Mul", z, z),
            Activation::Expm1 => {
                let power = self.one(path, "Exp", z);
                return self.with(path, "Sub", &power, 1.0);
            }
            Activation::Log1p => {
                let above = self.with(path, "Add", z, 1.0);
                return self.one(path, "Log", &above);
            }
        };
        self.one(path, plain, z)
    }
}

/// A shape as `Reshape` takes it; the batch, which may be there once, is what is left.
fn lengths(shape: &Shape) -> Option<Vec<i64>> {
    let rows = shape.dims().iter().filter(|dim| **dim == Dim::Batch).count();
    let length = |dim: &Dim| match dim {
        Dim::Batch => -1,
        Dim::Fixed(length) => *length as i64,
    };
    (rows <= 1).then(|| shape.dims().iter().map(length).collect())
}
