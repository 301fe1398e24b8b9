//! Elementwise layers called by their name alone, however it is written.

use super::Module;
use super::parse::parse;

/// The elementwise layers that need no arguments, by PyTorch's names.
pub const ACTIVATION_NAMES: [&str; 19] = [
    "ReLU",
    "LeakyReLU",
    "PReLU",
    "ELU",
    "CELU",
    "SELU",
    "GELU",
    "SiLU",
    "Mish",
    "Softplus",
    "Softsign",
    "Sigmoid",
    "LogSigmoid",
    "Tanh",
    "Hardtanh",
    "ReLU6",
    "Hardsigmoid",
    "Hardswish",
    "Identity",
];

/// PyTorch's name of the elementwise layer called `name`, in any case, with or without underscores, by the names
/// that other libraries have for it, too (`swish`); `None` if there is none.
///
/// ```
/// use glassnet::nn::activation_name;
/// assert_eq!(activation_name("leaky_relu"), Some("LeakyReLU"));
/// assert_eq!(activation_name("swish"), Some("SiLU"));
/// assert_eq!(activation_name("softmax"), None);
/// ```
pub fn activation_name(name: &str) -> Option<&'static str> {
    let wanted = name.trim().to_lowercase().replace('_', "");
    let wanted = match wanted.as_str() {
        "swish" => "silu",
        "leaky" => "leakyrelu",
        other => other, // not operations: names
    };
    ACTIVATION_NAMES.into_iter().find(|name| name.to_lowercase() == wanted)
}

/// The elementwise layer called `name`, with PyTorch's default arguments; see [`activation_name`].
pub fn activation_named(name: &str) -> Option<Module> {
    activation_name(name).and_then(|name| parse(&format!("{name}()")).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_layer() {
        for name in ACTIVATION_NAMES {
            let module = activation_named(&name.to_uppercase()).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(module.kind(), name);
        }
    }
}
