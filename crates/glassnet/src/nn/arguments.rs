//! From arguments to a layer and back: the one place where the two meet.

use super::layer::{BatchNorm1d, Dropout, Embedding, Flatten, Formula, LayerNorm, Linear, Prelu};
use super::signature::Literal;
use super::{Activation, Approximate, Module, Scalar};
use crate::error::Error;

/// Why an argument's value cannot be used.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    pub(super) argument: &'static str,
    pub(super) what: String,
    pub(super) help: String,
    /// Lines that point into the argument's text.
    pub(super) details: Vec<String>,
}

impl Refusal {
    pub(super) fn new(
        argument: &'static str,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Refusal { argument, what: what.into(), help: help.into(), details: vec![] }
    }
}

/// The layer `kind` with a value for each of its signature's arguments, in that order.
pub(super) fn layer(kind: &str, values: Vec<Literal>) -> Result<Module, Refusal> {
    let mut a = Values(values.into_iter());
    Ok(match kind {
        "Linear" => Module::Linear(Linear {
            in_features: a.size("in_features")?,
            out_features: a.size("out_features")?,
            bias: a.flag("bias")?,
        }),
        "PReLU" => Module::Prelu(Prelu {
            num_parameters: a.size("num_parameters")?,
            init: a.number("init")?,
        }),
        "Softmax" => Module::Softmax { dim: a.optional_integer("dim")? },
        "LogSoftmax" => Module::LogSoftmax { dim: a.optional_integer("dim")? },
        "Identity" => Module::Identity,
        "Flatten" => Module::Flatten(Flatten {
            start_dim: a.integer("start_dim")?,
            end_dim: a.integer("end_dim")?,
        }),
        "Dropout" => Module::Dropout(Dropout { p: a.number("p")?, inplace: a.flag("inplace")? }),
        "BatchNorm1d" => Module::BatchNorm1d(BatchNorm1d {
            num_features: a.size("num_features")?,
            eps: a.number("eps")?,
            momentum: a.optional_number("momentum")?,
            affine: a.flag("affine")?,
            track_running_stats: a.flag("track_running_stats")?,
            bias: a.flag("bias")?,
        }),
        "LayerNorm" => Module::LayerNorm(LayerNorm {
            normalized_shape: a.sizes("normalized_shape")?,
            eps: a.number("eps")?,
            elementwise_affine: a.flag("elementwise_affine")?,
            bias: a.flag("bias")?,
        }),
        "Embedding" => Module::Embedding(Embedding {
            num_embeddings: a.size("num_embeddings")?,
            embedding_dim: a.size("embedding_dim")?,
            padding_idx: a.optional_integer("padding_idx")?,
            max_norm: a.optional_number("max_norm")?,
            norm_type: a.number("norm_type")?,
            scale_grad_by_freq: a.flag("scale_grad_by_freq")?,
            sparse: a.flag("sparse")?,
        }),
        "Formula" => Module::Formula(a.formula("formula")?),
        activation => Module::Activation(a.activation(activation)?),
    })
}

/// The values of a layer's arguments in its signature's order; none for containers.
pub(super) fn values(module: &Module) -> Vec<Literal> {
    use Literal::{Bool, Number};
    let size = |value: usize| Number(Scalar::Int(i64::try_from(value).unwrap_or(i64::MAX)));
    let integer =
        |value: Option<i64>| value.map_or(Literal::None, |value| Number(Scalar::Int(value)));
    let number = |value: Option<Scalar>| value.map_or(Literal::None, Number);
    match module {
        Module::Linear(Linear { in_features, out_features, bias }) => {
            vec![size(*in_features), size(*out_features), Bool(*bias)]
        }
        Module::Activation(activation) => activation_values(*activation),
        Module::Prelu(Prelu { num_parameters, init }) => {
            vec![size(*num_parameters), Number(*init)]
        }
        Module::Formula(formula) => vec![Literal::Text(formula.text())],
        Module::Softmax { dim } | Module::LogSoftmax { dim } => vec![integer(*dim)],
        Module::Identity
        | Module::EmbedColumns(_)
        | Module::Residual(_)
        | Module::Sequential(_) => vec![],
        Module::Flatten(Flatten { start_dim, end_dim }) => {
            vec![integer(Some(*start_dim)), integer(Some(*end_dim))]
        }
        Module::Dropout(Dropout { p, inplace }) => vec![Number(*p), Bool(*inplace)],
        Module::BatchNorm1d(norm) => vec![
            size(norm.num_features),
            Number(norm.eps),
            number(norm.momentum),
            Bool(norm.affine),
            Bool(norm.track_running_stats),
            Bool(norm.bias),
        ],
        Module::LayerNorm(norm) => vec![
            match norm.normalized_shape.as_slice() {
                [only] => size(*only),
                several => Literal::List(several.iter().map(|length| size(*length)).collect()),
            },
            Number(norm.eps),
            Bool(norm.elementwise_affine),
            Bool(norm.bias),
        ],
        Module::Embedding(table) => vec![
            size(table.num_embeddings),
            size(table.embedding_dim),
            integer(table.padding_idx),
            number(table.max_norm),
            Number(table.norm_type),
            Bool(table.scale_grad_by_freq),
            Bool(table.sparse),
        ],
    }
}

fn activation_values(activation: Activation) -> Vec<Literal> {
    use Literal::{Bool, Number};
    match activation {
        Activation::Relu { inplace }
        | Activation::Selu { inplace }
        | Activation::Silu { inplace }
        | Activation::Mish { inplace }
        | Activation::Relu6 { inplace }
        | Activation::Hardsigmoid { inplace }
        | Activation::Hardswish { inplace } => vec![Bool(inplace)],
        Activation::LeakyRelu { negative_slope, inplace } => {
            vec![Number(negative_slope), Bool(inplace)]
        }
        Activation::Elu { alpha, inplace } | Activation::Celu { alpha, inplace } => {
            vec![Number(alpha), Bool(inplace)]
        }
        Activation::Gelu { approximate } => vec![Literal::Text(approximate.name().into())],
        Activation::Softplus { beta, threshold } => vec![Number(beta), Number(threshold)],
        Activation::Hardtanh { min_val, max_val, inplace } => {
            vec![Number(min_val), Number(max_val), Bool(inplace)]
        }
        Activation::Softsign | Activation::Sigmoid | Activation::LogSigmoid | Activation::Tanh => {
            vec![]
        }
    }
}

/// Reads values one by one, checking their Python types.
struct Values(std::vec::IntoIter<Literal>);

impl Values {
    fn next(&mut self) -> Literal {
        self.0.next().unwrap_or(Literal::None)
    }

    fn flag(&mut self, argument: &'static str) -> Result<bool, Refusal> {
        match self.next() {
            Literal::Bool(value) => Ok(value),
            other => Err(wrong_type(argument, "True or False", &other)),
        }
    }

    fn number(&mut self, argument: &'static str) -> Result<Scalar, Refusal> {
        match self.next() {
            Literal::Number(value) => Ok(value),
            other => Err(wrong_type(argument, "a number", &other)),
        }
    }

    fn optional_number(&mut self, argument: &'static str) -> Result<Option<Scalar>, Refusal> {
        match self.next() {
            Literal::Number(value) => Ok(Some(value)),
            Literal::None => Ok(None),
            other => Err(wrong_type(argument, "a number or None", &other)),
        }
    }

    fn integer(&mut self, argument: &'static str) -> Result<i64, Refusal> {
        match self.next() {
            Literal::Number(Scalar::Int(value)) => Ok(value),
            other => Err(wrong_type(argument, "a whole number", &other)),
        }
    }

    fn optional_integer(&mut self, argument: &'static str) -> Result<Option<i64>, Refusal> {
        match self.next() {
            Literal::Number(Scalar::Int(value)) => Ok(Some(value)),
            Literal::None => Ok(None),
            other => Err(wrong_type(argument, "a whole number or None", &other)),
        }
    }

    fn size(&mut self, argument: &'static str) -> Result<usize, Refusal> {
        let literal = self.next();
        size(argument, &literal)
    }

    fn sizes(&mut self, argument: &'static str) -> Result<Vec<usize>, Refusal> {
        match self.next() {
            Literal::List(items) => items.iter().map(|item| size(argument, item)).collect(),
            one @ Literal::Number(_) => Ok(vec![size(argument, &one)?]),
            other => Err(wrong_type(argument, "a whole number or a tuple of them", &other)),
        }
    }

    fn formula(&mut self, argument: &'static str) -> Result<Formula, Refusal> {
        match self.next() {
            Literal::Text(text) => {
                Formula::new(&text).map_err(|error| formula_refusal(argument, &error))
            }
            other => Err(wrong_type(argument, "a formula in quotes", &other)),
        }
    }

    fn activation(&mut self, kind: &str) -> Result<Activation, Refusal> {
        Ok(match kind {
            "ReLU" => Activation::Relu { inplace: self.flag("inplace")? },
            "LeakyReLU" => Activation::LeakyRelu {
                negative_slope: self.number("negative_slope")?,
                inplace: self.flag("inplace")?,
            },
            "ELU" => {
                Activation::Elu { alpha: self.number("alpha")?, inplace: self.flag("inplace")? }
            }
            "CELU" => {
                Activation::Celu { alpha: self.number("alpha")?, inplace: self.flag("inplace")? }
            }
            "SELU" => Activation::Selu { inplace: self.flag("inplace")? },
            "GELU" => Activation::Gelu { approximate: self.approximate()? },
            "SiLU" => Activation::Silu { inplace: self.flag("inplace")? },
            "Mish" => Activation::Mish { inplace: self.flag("inplace")? },
            "Softplus" => Activation::Softplus {
                beta: self.number("beta")?,
                threshold: self.number("threshold")?,
            },
            "Softsign" => Activation::Softsign,
            "Sigmoid" => Activation::Sigmoid,
            "LogSigmoid" => Activation::LogSigmoid,
            "Tanh" => Activation::Tanh,
            "Hardtanh" => Activation::Hardtanh {
                min_val: self.number("min_val")?,
                max_val: self.number("max_val")?,
                inplace: self.flag("inplace")?,
            },
            "ReLU6" => Activation::Relu6 { inplace: self.flag("inplace")? },
            "Hardsigmoid" => Activation::Hardsigmoid { inplace: self.flag("inplace")? },
            "Hardswish" => Activation::Hardswish { inplace: self.flag("inplace")? },
            // The caller looks names up in the table of signatures; a row without a layer ends here.
            other => return Err(Refusal::new("", format!("there is no layer {other}"), "")),
        })
    }

    fn approximate(&mut self) -> Result<Approximate, Refusal> {
        match self.next() {
            Literal::Text(text) if text == "none" => Ok(Approximate::None),
            Literal::Text(text) if text == "tanh" => Ok(Approximate::Tanh),
            other => Err(wrong_type("approximate", "'none' or 'tanh'", &other)),
        }
    }
}

fn size(argument: &'static str, literal: &Literal) -> Result<usize, Refusal> {
    match literal {
        Literal::Number(Scalar::Int(value)) => usize::try_from(*value).map_err(|_| {
            Refusal::new(argument, format!("{argument} is {value}"), "give at least 1")
        }),
        other => Err(wrong_type(argument, "a whole number", other)),
    }
}

fn wrong_type(argument: &'static str, wanted: &str, found: &Literal) -> Refusal {
    Refusal::new(argument, format!("{argument} is {found}"), format!("give {wanted}"))
}

fn formula_refusal(argument: &'static str, error: &Error) -> Refusal {
    let place = error.place().map_or(String::new(), |place| format!(" ({place})"));
    Refusal {
        argument,
        what: format!("{}{place}", error.what()),
        help: error.help_text().unwrap_or("give a formula in z").to_owned(),
        details: error.details().to_vec(),
    }
}
