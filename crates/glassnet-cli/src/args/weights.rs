//! The flags that give a network its weights.

use std::ffi::OsString;

use clap::Args;

use super::whole;

/// A network or model with its weights.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct Weights {
    /// Weights of a bare network: a file, or JSON.
    // Not from the comment, in which brackets are links.
    #[arg(
        long,
        value_name = "FILE|JSON",
        help = r#"Weights of a bare network: a .safetensors, .pt, .onnx or .npz file, or JSON such as '{"0.weight": [[1, 2]], "0.bias": [0]}'; else they are initialised from --seed"#
    )]
    pub(crate) weights: Option<OsString>,
    /// The seed of a bare network's weights.
    #[arg(long, default_value_t = 0, value_parser = whole::<u64>, allow_negative_numbers = true, value_name = "N")]
    pub(crate) seed: u64,
    /// The activation between the layers of a file that holds weights alone (such as .pt): a torch.nn name such as relu,
    /// a layer such as 'LeakyReLU(0.1)', a formula in z, or identity.
    #[arg(long, allow_hyphen_values = true, value_name = "NAME")]
    pub(crate) activation: Option<String>,
}
