//! Linear layers without an activation between them are one linear layer.

mod compare;
mod document;
mod run;

pub use compare::{Comparison, Score};
pub use run::{Affine, Layer, Run};

use crate::error::{Error, Result};
use crate::nn::Network;
use crate::tensor::Tensor;
use crate::train::Target;

/// What [`collapse`] finds.
#[derive(Clone, Debug, PartialEq)]
pub struct Collapse {
    /// The network's notation.
    pub network: String,
    /// The maximal runs of linear layers, in order; a run of one layer has nothing to collapse with.
    pub runs: Vec<Run>,
    /// The layers that stand between runs, by name and kind.
    pub barriers: Vec<(String, &'static str)>,
    /// The network without the activations between its linear layers: one run, if nothing else parts them.
    pub without: Option<Run>,
    /// The network on rows, with and without its activations; `None` also where the product was not computed.
    pub comparison: Option<Comparison>,
}

/// Finds the runs of linear layers of `network` that collapse, and what the network would be without its activations;
/// compares both on `inputs`, if there are any, and with their `target`.
///
/// Linear are `Linear`, batch normalisation of features in evaluation, and a `Residual` of these; `Identity`, and
/// `Dropout` in evaluation, do nothing.
///
/// # Shapes
/// inputs `[rows, features]`.
///
/// # Errors
/// A network without a linear layer; rows that do not fit it; targets that do not fit its outputs.
///
/// ```
/// use glassnet::{nn::{self, Network}, worked};
/// let network = Network::new(nn::parse("Sequential(Linear(2, 3), Linear(3, 2), ReLU(), Linear(2, 1))")?, 0)?;
/// let found = worked::collapse(&network, None, None)?;
/// let lengths: Vec<usize> = found.runs.iter().map(|run| run.layers.len()).collect();
/// assert_eq!(lengths, [2, 1]);
/// assert_eq!(found.runs[0].collapsed.as_ref().unwrap().weight.len(), 2);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn collapse(
    network: &Network,
    inputs: Option<&Tensor<f32>>,
    target: Option<&Target>,
) -> Result<Collapse> {
    network.module().summary(None)?;
    let parts = run::parts(network.module(), network.state_dict())?;
    let (runs, barriers) = run::runs(&parts);
    if runs.is_empty() {
        return Err(Error::network("the network has no linear layer")
            .at("the network")
            .help("give one with Linear layers"));
    }
    let without = if runs.len() > 1 { run::without_activations(&parts) } else { None };
    let whole = without.as_ref().or((runs.len() == 1).then(|| &runs[0]));
    let comparison = match (inputs, whole) {
        (Some(inputs), Some(run)) => {
            compare::check(run, inputs)?;
            match &run.collapsed {
                Some(affine) => Some(compare::compare(network, run, affine, inputs, target)?),
                None => None,
            }
        }
        (Some(_), None) | (None, _) => None,
    };
    Ok(Collapse { network: network.module().notation(), runs, barriers, without, comparison })
}

#[cfg(test)]
mod tests;
