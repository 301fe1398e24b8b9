//! Modules as text: PyTorch's `repr`, and the one-line notation.

use super::arguments;
use super::layer::{BatchNorm1d, Embedding, LayerNorm, Linear};
use super::signature::{Literal, quoted, signature};
use super::{Activation, Module};
use std::fmt;

impl fmt::Display for Module {
    /// PyTorch's `repr` (of torch 2.15).
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_repr(self, 0, f)
    }
}

fn write_repr(module: &Module, depth: usize, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if let Module::EmbedColumns(columns) = module {
        let tables = columns.tables.iter();
        let tables = tables.map(|(column, table)| (column.to_string(), Module::Embedding(*table)));
        return write_container("EmbedColumns", &tables.collect::<Vec<_>>(), depth, f);
    }
    match module.children() {
        Some(children) => write_container(module.kind(), children, depth, f),
        None => write!(f, "{}({})", module.kind(), extra(module)),
    }
}

fn write_container(
    kind: &str,
    children: &[(String, Module)],
    depth: usize,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    if children.is_empty() {
        return write!(f, "{kind}()");
    }
    writeln!(f, "{kind}(")?;
    for (name, child) in children {
        write!(f, "{:1$}({name}): ", "", 2 * depth + 2)?;
        write_repr(child, depth + 1, f)?;
        writeln!(f)?;
    }
    write!(f, "{:1$})", "", 2 * depth)
}

/// What stands between the brackets of a layer's `repr`: PyTorch's `extra_repr`.
fn extra(module: &Module) -> String {
    let python = |flag: bool| Literal::Bool(flag);
    let optional = |name: &str, value: Option<String>| {
        value.map_or(String::new(), |value| format!(", {name}={value}"))
    };
    match module {
        Module::Linear(Linear { in_features, out_features, bias }) => {
            let bias = python(*bias);
            format!("in_features={in_features}, out_features={out_features}, bias={bias}")
        }
        Module::Activation(activation) => extra_activation(*activation),
        Module::Prelu(prelu) => format!("num_parameters={}", prelu.num_parameters),
        Module::Formula(formula) => quoted(&formula.text()),
        Module::Softmax { dim } | Module::LogSoftmax { dim } => {
            format!("dim={}", dim.map_or("None".into(), |dim| dim.to_string()))
        }
        Module::Identity
        | Module::EmbedColumns(_)
        | Module::Residual(_)
        | Module::Sequential(_) => String::new(),
        Module::Flatten(flatten) => {
            format!("start_dim={}, end_dim={}", flatten.start_dim, flatten.end_dim)
        }
        Module::Dropout(dropout) => format!("p={}, inplace={}", dropout.p, python(dropout.inplace)),
        Module::BatchNorm1d(norm) => {
            let BatchNorm1d { num_features, eps, momentum, affine, track_running_stats, bias } =
                *norm;
            let momentum = momentum.map_or("None".into(), |momentum| momentum.to_string());
            let (affine, bias) = (python(affine), python(affine && bias));
            format!(
                "{num_features}, eps={eps}, momentum={momentum}, affine={affine}, bias={bias}, \
                 track_running_stats={}",
                python(track_running_stats)
            )
        }
        Module::LayerNorm(LayerNorm { normalized_shape, eps, elementwise_affine, bias }) => {
            let lengths: Vec<String> = normalized_shape.iter().map(usize::to_string).collect();
            let comma = if lengths.len() == 1 { "," } else { "" };
            let (affine, bias) =
                (python(*elementwise_affine), python(*elementwise_affine && *bias));
            format!(
                "({}{comma}), eps={eps}, elementwise_affine={affine}, bias={bias}",
                lengths.join(", ")
            )
        }
        Module::Embedding(table) => {
            let Embedding { num_embeddings, embedding_dim, norm_type, .. } = *table;
            [
                format!("{num_embeddings}, {embedding_dim}"),
                optional("padding_idx", table.padding_row().map(|row| row.to_string())),
                optional("max_norm", table.max_norm.map(|norm| norm.to_string())),
                optional("norm_type", (norm_type.value() != 2.0).then(|| norm_type.to_string())),
                optional("scale_grad_by_freq", table.scale_grad_by_freq.then(|| "True".into())),
                optional("sparse", table.sparse.then(|| "True".into())),
            ]
            .concat()
        }
    }
}

fn extra_activation(activation: Activation) -> String {
    let after = |inplace: bool| if inplace { ", inplace=True" } else { "" };
    match activation {
        Activation::Relu { inplace }
        | Activation::Selu { inplace }
        | Activation::Silu { inplace }
        | Activation::Mish { inplace }
        | Activation::Relu6 { inplace } => {
            if inplace {
                "inplace=True".into()
            } else {
                String::new()
            }
        }
        Activation::LeakyRelu { negative_slope, inplace } => {
            format!("negative_slope={negative_slope}{}", after(inplace))
        }
        Activation::Elu { alpha, inplace } | Activation::Celu { alpha, inplace } => {
            format!("alpha={alpha}{}", after(inplace))
        }
        Activation::Gelu { approximate } => format!("approximate={}", quoted(approximate.name())),
        Activation::Softplus { beta, threshold } => format!("beta={beta}, threshold={threshold}"),
        Activation::Hardtanh { min_val, max_val, inplace } => {
            format!("min_val={min_val}, max_val={max_val}{}", after(inplace))
        }
        Activation::Softsign
        | Activation::Sigmoid
        | Activation::LogSigmoid
        | Activation::Tanh
        | Activation::Hardsigmoid { .. }
        | Activation::Hardswish { .. } => String::new(),
    }
}

impl Module {
    /// The module in one line, as PyTorch's constructor call; [`parse`](super::parse) reads it back to an equal
    /// module. Arguments with their default value are left out.
    pub fn notation(&self) -> String {
        let mut text = String::new();
        self.write_notation(&mut text);
        text
    }

    fn write_notation(&self, text: &mut String) {
        text.push_str(self.kind());
        text.push('(');
        match self {
            Module::Sequential(sequential) => {
                write_children(sequential.children(), sequential.is_positional(), text);
            }
            Module::Residual(residual) => {
                let inner = &residual.inner;
                write_children(inner.children(), inner.is_positional(), text);
            }
            Module::EmbedColumns(columns) => {
                for (at, (column, table)) in columns.tables.iter().enumerate() {
                    text.push_str(if at == 0 { "{" } else { ", " });
                    text.push_str(&format!("'{column}': "));
                    Module::Embedding(*table).write_notation(text);
                }
                text.push_str(if columns.tables.is_empty() { "" } else { "}" });
            }
            Module::Linear(_)
            | Module::Activation(_)
            | Module::Prelu(_)
            | Module::Formula(_)
            | Module::Softmax { .. }
            | Module::LogSoftmax { .. }
            | Module::Identity
            | Module::Flatten(_)
            | Module::Dropout(_)
            | Module::BatchNorm1d(_)
            | Module::LayerNorm(_)
            | Module::Embedding(_) => text.push_str(&given_arguments(self).join(", ")),
        }
        text.push(')');
    }
}

fn write_children(children: &[(String, Module)], positional: bool, text: &mut String) {
    if !positional {
        text.push_str("OrderedDict([");
    }
    for (at, (name, child)) in children.iter().enumerate() {
        if at > 0 {
            text.push_str(", ");
        }
        if positional {
            child.write_notation(text);
        } else {
            text.push_str(&format!("({}, ", quoted(name)));
            child.write_notation(text);
            text.push(')');
        }
    }
    if !positional {
        text.push_str("])");
    }
}

/// Required arguments by position, the others by name where they differ from their default.
fn given_arguments(module: &Module) -> Vec<String> {
    let declared = signature(module.kind()).map_or(&[][..], |signature| signature.arguments);
    let values = arguments::values(module);
    let given = declared.iter().zip(values).filter_map(|((name, default), value)| {
        match default.literal() {
            None => Some(value.to_string()),
            Some(default) if default == value => None,
            Some(_) => Some(format!("{name}={value}")),
        }
    });
    given.collect()
}
