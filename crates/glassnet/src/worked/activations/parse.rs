//! Activations by name, by PyTorch's expression, or by formula.

use super::Activation;
use crate::error::{Error, Result};
use crate::nn::{self, Module};
use std::str::FromStr;

impl FromStr for Activation {
    type Err = Error;

    /// `relu`, `leaky_relu`, `LeakyReLU(0.1)`, or a formula in z such as `z*sigmoid(z)`.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        if let Some(name) = nn::activation_name(text) {
            return Ok(Activation { name: name.into(), module: nn::parse(&format!("{name}()"))? });
        }
        let head = text.split('(').next().unwrap_or_default().trim();
        let head = head.strip_prefix("nn.").unwrap_or(head);
        if text.ends_with(')') && nn::activation_name(head) == Some(head) {
            let module = nn::parse(text)?;
            elementwise(&module, text)?;
            return Ok(Activation {
                name: text.strip_prefix("nn.").unwrap_or(text).into(),
                module,
            });
        }
        let module = nn::formula(text).map_err(|error| unknown(error, text))?;
        Ok(Activation { name: text.to_owned(), module })
    }
}

/// Refuses a layer that is not elementwise, or has a parameter per channel.
fn elementwise(module: &Module, text: &str) -> Result<()> {
    let refuse = |help: &str| {
        Err(Error::usage(format!("{text} is no function of one number"))
            .at("the activations")
            .help(help.to_owned()))
    };
    match module {
        Module::Activation(_) | Module::Formula(_) | Module::Identity => Ok(()),
        Module::Prelu(prelu) if prelu.num_parameters == 1 => Ok(()),
        Module::Prelu(_) => refuse("give it one slope"),
        Module::Linear(_)
        | Module::Softmax { .. }
        | Module::LogSoftmax { .. }
        | Module::Flatten(_)
        | Module::Dropout(_)
        | Module::BatchNorm1d(_)
        | Module::LayerNorm(_)
        | Module::Embedding(_)
        | Module::EmbedColumns(_)
        | Module::Residual(_)
        | Module::Sequential(_) => refuse("name elementwise layers, such as ReLU or Tanh"),
    }
}

/// A word that is no formula is most likely a misspelt name.
fn unknown(error: Error, text: &str) -> Error {
    if !text.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return error;
    }
    let near = nn::ACTIVATION_NAMES
        .iter()
        .map(|name| (strsim::osa_distance(&name.to_lowercase(), &text.to_lowercase()), name))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    let help = match near {
        Some((_, name)) => format!("did you mean {}?", name.to_lowercase()),
        None => "name a layer of torch.nn, or write a formula in z such as 'z*sigmoid(z)'".into(),
    };
    Error::usage(format!("there is no activation {text:?}"))
        .at("the activations")
        .help(help)
        .detail(format!("there are {}", nn::ACTIVATION_NAMES.map(str::to_lowercase).join(", ")))
}
