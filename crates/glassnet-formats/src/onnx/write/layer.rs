//! The layers of `nn` as ONNX's operators.

use glassnet::graph::op::{Op, Softmax};
use glassnet::graph::{Dim, Shape};
use glassnet::nn::{BatchNorm1d, LayerNorm, Linear, Module, Prelu};
use glassnet::{Error, Result};

use super::Writer;
use super::nodes::{float, int, ints};

impl Writer<'_> {
    /// Appends a layer, applied to the value called `x`, and returns the name of its result.
    pub(super) fn layer(&mut self, path: &str, layer: &Module, x: &str) -> Result<String> {
        match layer {
            Module::Linear(linear) => self.linear(path, *linear, x),
            Module::Activation(activation) => Ok(self.function(path, activation.operation(), x)),
            Module::Prelu(prelu) => self.prelu(path, *prelu, x),
            Module::Formula(_) => self.fragment(path, x),
            Module::Softmax { .. } | Module::LogSoftmax { .. } => self.softmax(path, x),
            Module::Identity | Module::Dropout(_) | Module::Sequential(_) | Module::Residual(_) => {
                Ok(x.to_owned())
            }
            Module::Flatten(_) => self.flatten(path, x),
            Module::BatchNorm1d(norm) => self.batch_norm(path, *norm, x),
            Module::LayerNorm(norm) => self.layer_norm(path, norm, x),
            Module::EmbedColumns(columns) => self.embed_columns(path, columns, x),
            Module::Embedding(_) => {
                let table = self.array(path, "weight")?;
                Ok(self.nodes.push(path, "Gather", &[&table, x], vec![int("axis", 0)]))
            }
        }
    }

    /// The shape of a layer's input.
    pub(super) fn given(&self, path: &str) -> Result<Shape> {
        Ok(self.builder.shape(self.ends(path)?.0).clone())
    }

    /// `Gemm` for rows, for stacks of rows a product with the transposed weight.
    fn linear(&mut self, path: &str, linear: Linear, x: &str) -> Result<String> {
        let weight = self.array(path, "weight")?;
        let bias = if linear.bias { Some(self.array(path, "bias")?) } else { None };
        if self.given(path)?.rank() == 2 {
            let mut inputs = vec![x, &weight];
            inputs.extend(bias.as_deref());
            return Ok(self.nodes.push(path, "Gemm", &inputs, vec![int("transB", 1)]));
        }
        let turned = self.nodes.push(path, "Transpose", &[&weight], vec![ints("perm", &[1, 0])]);
        let product = self.nodes.push(path, "MatMul", &[x, &turned], vec![]);
        Ok(match bias {
            Some(bias) => self.nodes.push(path, "Add", &[&product, &bias], vec![]),
            None => product,
        })
    }

    fn prelu(&mut self, path: &str, prelu: Prelu, x: &str) -> Result<String> {
        let mut slope = self.array(path, "weight")?;
        let behind = self.given(path)?.rank().saturating_sub(2);
        if prelu.num_parameters > 1 && behind > 0 {
            let mut shape = vec![prelu.num_parameters as i64];
            shape.extend(std::iter::repeat_n(1, behind));
            let shape = self.nodes.list(path, &shape);
            slope = self.nodes.push(path, "Reshape", &[&slope, &shape], vec![]);
        }
        Ok(self.nodes.push(path, "PRelu", &[x, &slope], vec![]))
    }

    fn softmax(&mut self, path: &str, x: &str) -> Result<String> {
        let (_, output) = self.ends(path)?;
        let Op::Softmax(softmax) = self.builder.graph().node(output).op() else {
            return Err(Error::network(format!("layer {path:?} is no softmax in the graph")));
        };
        let kind = match softmax {
            Softmax::Probabilities { .. } | Softmax::ProbabilitiesGrad { .. } => "Softmax",
            Softmax::Logarithms { .. } | Softmax::LogarithmsGrad { .. } => "LogSoftmax",
        };
        let axis = int("axis", softmax.axis() as i64);
        Ok(self.nodes.push(path, kind, &[x], vec![axis]))
    }

    fn flatten(&mut self, path: &str, x: &str) -> Result<String> {
        let (input, output) = self.ends(path)?;
        let (from, to) = (self.builder.shape(input), self.builder.shape(output));
        if from == to {
            return Ok(x.to_owned());
        }
        if let ([Dim::Batch, ..], [Dim::Batch, Dim::Fixed(_)]) = (from.dims(), to.dims()) {
            return Ok(self.nodes.push(path, "Flatten", &[x], vec![int("axis", 1)]));
        }
        let lengths: Vec<i64> = to
            .dims()
            .iter()
            .map(|dim| match dim {
                Dim::Batch => -1,
                Dim::Fixed(length) => *length as i64,
            })
            .collect();
        let shape = self.nodes.list(path, &lengths);
        Ok(self.nodes.push(path, "Reshape", &[x, &shape], vec![]))
    }

    fn batch_norm(&mut self, path: &str, norm: BatchNorm1d, x: &str) -> Result<String> {
        if !norm.track_running_stats {
            return self.fragment(path, x);
        }
        let channels = [norm.num_features];
        let scale = self.array_or(path, "weight", norm.affine, &channels, 1.0)?;
        let bias = self.array_or(path, "bias", norm.affine && norm.bias, &channels, 0.0)?;
        let mean = self.array(path, "running_mean")?;
        let variance = self.array(path, "running_var")?;
        let inputs = [x, &scale, &bias, &mean, &variance];
        let eps = float("epsilon", norm.eps.value());
        Ok(self.nodes.push(path, "BatchNormalization", &inputs, vec![eps]))
    }

    fn layer_norm(&mut self, path: &str, norm: &LayerNorm, x: &str) -> Result<String> {
        let shape = &norm.normalized_shape;
        let scale = self.array_or(path, "weight", norm.elementwise_affine, shape, 1.0)?;
        let mut inputs = vec![x.to_owned(), scale];
        if norm.elementwise_affine && norm.bias {
            inputs.push(self.array(path, "bias")?);
        }
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let attributes =
            vec![int("axis", -(shape.len() as i64)), float("epsilon", norm.eps.value())];
        Ok(self.nodes.push(path, "LayerNormalization", &inputs, attributes))
    }

    /// The layer's array, or where it has none, one number everywhere.
    fn array_or(
        &mut self,
        path: &str,
        name: &str,
        own: bool,
        shape: &[usize],
        number: f32,
    ) -> Result<String> {
        if own {
            return self.array(path, name);
        }
        let key = format!("/{}{path}/{name}", self.prefix);
        self.nodes.array(&key, shape, &vec![number; shape.iter().product()]);
        Ok(key)
    }

    pub(super) fn one(&mut self, path: &str, kind: &str, x: &str) -> String {
        self.nodes.push(path, kind, &[x], vec![])
    }

    pub(super) fn two(&mut self, path: &str, kind: &str, a: &str, b: &str) -> String {
        self.nodes.push(path, kind, &[a, b], vec![])
    }

    /// `kind` of the value and a number.
    pub(super) fn with(&mut self, path: &str, kind: &str, x: &str, number: f64) -> String {
        let number = self.nodes.number(path, number);
        self.two(path, kind, x, &number)
    }

    pub(super) fn clip(&mut self, path: &str, x: &str, least: f64, greatest: f64) -> String {
        let (least, greatest) = (self.nodes.number(path, least), self.nodes.number(path, greatest));
        self.nodes.push(path, "Clip", &[x, &least, &greatest], vec![])
    }

    /// `z·½(1 + erf(z/√2))`.
    pub(super) fn gelu(&mut self, path: &str, x: &str) -> String {
        let scaled = self.with(path, "Mul", x, std::f64::consts::FRAC_1_SQRT_2);
        let erf = self.one(path, "Erf", &scaled);
        self.gate(path, x, &erf)
    }

    /// `z·½(1 + gate)`.
    fn gate(&mut self, path: &str, x: &str, gate: &str) -> String {
        let above = self.with(path, "Add", gate, 1.0);
        let half = self.with(path, "Mul", &above, 0.5);
        self.two(path, "Mul", x, &half)
    }

    /// `z·½(1 + tanh(√(2/π)·(z + 0.044715·z³)))`.
    pub(super) fn gelu_tanh(&mut self, path: &str, x: &str) -> String {
        let square = self.two(path, "Mul", x, x);
        let cubic = self.with(path, "Mul", &square, 0.044_715);
        let factor = self.with(path, "Add", &cubic, 1.0);
        let inner = self.two(path, "Mul", x, &factor);
        let scaled = self.with(path, "Mul", &inner, (2.0 / std::f64::consts::PI).sqrt());
        let gate = self.one(path, "Tanh", &scaled);
        self.gate(path, x, &gate)
    }

    /// `ln(1 + e^(beta·z))/beta`, and z itself beyond a threshold where that is a difference.
    pub(super) fn softplus(&mut self, path: &str, beta: f64, threshold: f64, x: &str) -> String {
        let scaled = if beta == 1.0 { x.to_owned() } else { self.with(path, "Mul", x, beta) };
        let mut y = self.one(path, "Softplus", &scaled);
        if beta != 1.0 {
            y = self.with(path, "Div", &y, beta);
        }
        // From 20 on the two are the same f32.
        if threshold >= 20.0 {
            return y;
        }
        let beyond = self.with(path, "Greater", &scaled, threshold);
        self.nodes.push(path, "Where", &[&beyond, x, &y], vec![])
    }
}
