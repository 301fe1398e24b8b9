//! Every layer's arguments as data: names, order, defaults.

use super::Scalar;
use std::fmt;

/// A Python value among a layer's arguments.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Literal {
    /// `None`
    None,
    /// `True`, `False`
    Bool(bool),
    /// `2`, `1e-5`
    Number(Scalar),
    /// `'tanh'`
    Text(String),
    /// `(3, 4)`, `[3, 4]`
    List(Vec<Literal>),
}

impl fmt::Display for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Literal::None => f.write_str("None"),
            Literal::Bool(true) => f.write_str("True"),
            Literal::Bool(false) => f.write_str("False"),
            Literal::Number(number) => write!(f, "{number}"),
            Literal::Text(text) => f.write_str(&quoted(text)),
            Literal::List(items) => {
                let items: Vec<String> = items.iter().map(Literal::to_string).collect();
                // Python writes a tuple of one with a comma.
                let comma = if items.len() == 1 { "," } else { "" };
                write!(f, "({}{comma})", items.join(", "))
            }
        }
    }
}

/// `text` as a Python string literal.
pub(super) fn quoted(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut literal = String::from(quote);
    for character in text.chars() {
        match character {
            '\\' => literal.push_str("\\\\"),
            '\n' => literal.push_str("\\n"),
            '\r' => literal.push_str("\\r"),
            '\t' => literal.push_str("\\t"),
            own if own == quote => {
                literal.push('\\');
                literal.push(own);
            }
            control if control.is_control() => {
                literal.push_str(&format!("\\u{:04x}", u32::from(control)));
            }
            plain => literal.push(plain),
        }
    }
    literal.push(quote);
    literal
}

/// What an argument is when it is not given.
#[derive(Clone, Copy, Debug)]
pub(super) enum Default {
    Required,
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(&'static str),
}

impl Default {
    /// The value; `None` for a required argument.
    pub(super) fn literal(self) -> Option<Literal> {
        match self {
            Default::Required => None,
            Default::None => Some(Literal::None),
            Default::Bool(value) => Some(Literal::Bool(value)),
            Default::Int(value) => Some(Literal::Number(Scalar::Int(value))),
            Default::Float(value) => Some(Literal::Number(Scalar::Float(value))),
            Default::Text(value) => Some(Literal::Text(value.into())),
        }
    }
}

/// A layer's arguments in PyTorch's order. Of those, the first `positional` may be given without a name.
#[derive(Debug)]
pub(super) struct Signature {
    pub(super) kind: &'static str,
    pub(super) arguments: &'static [(&'static str, Default)],
    pub(super) positional: usize,
}

const fn row(kind: &'static str, arguments: &'static [(&'static str, Default)]) -> Signature {
    Signature { kind, arguments, positional: arguments.len() }
}

const INPLACE: (&str, Default) = ("inplace", Default::Bool(false));
const NORM_BIAS: (&str, Default) = ("bias", Default::Bool(true));
const EPS: (&str, Default) = ("eps", Default::Float(1e-5));

/// One row per layer. `device` and `dtype` are left out: everything here is f32 on the processor.
#[rustfmt::skip]
static SIGNATURES: [Signature; 28] = [
    row("Linear",      &[("in_features", Default::Required), ("out_features", Default::Required), ("bias", Default::Bool(true))]),
    row("ReLU",        &[INPLACE]),
    row("LeakyReLU",   &[("negative_slope", Default::Float(0.01)), INPLACE]),
    row("PReLU",       &[("num_parameters", Default::Int(1)), ("init", Default::Float(0.25))]),
    row("ELU",         &[("alpha", Default::Float(1.0)), INPLACE]),
    row("CELU",        &[("alpha", Default::Float(1.0)), INPLACE]),
    row("SELU",        &[INPLACE]),
    row("GELU",        &[("approximate", Default::Text("none"))]),
    row("SiLU",        &[INPLACE]),
    row("Mish",        &[INPLACE]),
    row("Softplus",    &[("beta", Default::Float(1.0)), ("threshold", Default::Float(20.0))]),
    row("Softsign",    &[]),
    row("Sigmoid",     &[]),
    row("LogSigmoid",  &[]),
    row("Tanh",        &[]),
    row("Hardtanh",    &[("min_val", Default::Float(-1.0)), ("max_val", Default::Float(1.0)), INPLACE]),
    row("ReLU6",       &[INPLACE]),
    row("Hardsigmoid", &[INPLACE]),
    row("Hardswish",   &[INPLACE]),
    row("Softmax",     &[("dim", Default::None)]),
    row("LogSoftmax",  &[("dim", Default::None)]),
    row("Identity",    &[]),
    row("Flatten",     &[("start_dim", Default::Int(1)), ("end_dim", Default::Int(-1))]),
    row("Dropout",     &[("p", Default::Float(0.5)), INPLACE]),
    Signature {
        kind: "BatchNorm1d",
        arguments: &[
            ("num_features", Default::Required), EPS, ("momentum", Default::Float(0.1)), ("affine", Default::Bool(true)),
            ("track_running_stats", Default::Bool(true)), NORM_BIAS,
        ],
        positional: 5,
    },
    row("LayerNorm",   &[("normalized_shape", Default::Required), EPS, ("elementwise_affine", Default::Bool(true)), NORM_BIAS]),
    row("Embedding",   &[
        ("num_embeddings", Default::Required), ("embedding_dim", Default::Required), ("padding_idx", Default::None),
        ("max_norm", Default::None), ("norm_type", Default::Float(2.0)), ("scale_grad_by_freq", Default::Bool(false)),
        ("sparse", Default::Bool(false)),
    ]),
    row("Formula",     &[("formula", Default::Required)]),
];

/// The signature of the layer called `kind`.
pub(super) fn signature(kind: &str) -> Option<&'static Signature> {
    SIGNATURES.iter().find(|signature| signature.kind == kind)
}

/// Every layer's name, containers included.
pub(super) fn kinds() -> impl Iterator<Item = &'static str> {
    SIGNATURES.iter().map(|signature| signature.kind).chain([
        "Sequential",
        "Residual",
        "EmbedColumns",
    ])
}
