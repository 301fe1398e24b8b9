//! Wider and deeper networks that compute the same, for going on with training.
//!
//! # Source
//! Chen, Goodfellow & Shlens, 'Net2Net: Accelerating Learning via Knowledge Transfer', arXiv 1511.05641.

use num_bigint::BigInt;

use super::bounds::Domain;
use super::chain::Chain;
use super::exact::{Ratio, one};
use super::rewrite::{Simplified, finish};
use super::rewriter::Rewriter;
use crate::error::{Error, Result};
use crate::nn::Network;

/// Gives hidden layers more units without changing what the network computes: each new unit is a copy of one that is
/// there, in turn, and takes over a part of its outgoing weights, a power of two that keeps them exact in f32.
///
/// `widths` has a width for each hidden layer, at least its present one.
///
/// # Errors
/// `Unsupported` where the network is no chain; when there is no width for each hidden layer, or one is smaller.
///
/// ```
/// use glassnet::{nn::{self, Network}, simplify};
/// let network = Network::new(nn::parse("2-2-2")?, 0)?;
/// let wider = simplify::widen(&network, &[5])?;
/// assert_eq!(wider.network.module().notation(), "Sequential(Linear(2, 5), ReLU(), Linear(5, 2))");
/// assert!(wider.checked.exact);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn widen(network: &Network, widths: &[usize]) -> Result<Simplified> {
    let chain = Chain::read(network)?;
    let before = chain.parameters();
    let hidden = chain.hidden();
    if hidden.is_empty() {
        return Err(Error::usage("the network has no layer that can be widened")
            .at("the widths")
            .help("a layer can be where a Linear, an activation and a Linear follow each other; simplify takes batch normalisation into them"));
    }
    if widths.len() != hidden.len() {
        let named = |&at: &usize| format!("{:?}", chain.layers[at - 1].name);
        let layers: Vec<String> = hidden.iter().map(named).collect();
        return Err(Error::usage(format!(
            "{} given for the hidden layers {}",
            if widths.len() == 1 {
                "1 width is".to_owned()
            } else {
                format!("{} widths are", widths.len())
            },
            layers.join(", ")
        ))
        .at("the widths")
        .help("give a width for each of them, in this order"));
    }
    let domain = Domain::all(chain.inputs);
    let mut rewriter = Rewriter::new(chain);
    for (&layer, &width) in hidden.iter().zip(widths) {
        let present = rewriter.chain.affine(layer - 1).map_or(0, |affine| affine.bias.len());
        let name = rewriter.chain.layers[layer - 1].name.clone();
        if width < present {
            return Err(Error::usage(format!(
                "layer {name:?} has {present} units, more than {width}"
            ))
            .at("the widths")
            .help(format!("give at least {present}, or use simplify")));
        }
        for unit in present..width {
            // The copies of one unit halve what is left of its outgoing weights.
            let half = Ratio::new(BigInt::from(1), BigInt::from(2));
            let source = (unit - present) % present;
            let outgoing = rewriter
                .chain
                .affine(layer + 1)
                .map(|after| after.weight.iter().map(|row| &row[source] * &half).collect())
                .unwrap_or_default();
            rewriter.split(layer, source, &one(), outgoing)?;
        }
    }
    finish(network, rewriter, &domain, before, None)
}

/// Adds a layer behind the ReLU of `layer` (its name in the network) that computes nothing new: an identity and a ReLU.
///
/// # Errors
/// `Unsupported` where the network is no chain; when `layer` is no ReLU of it.
///
/// ```
/// use glassnet::{nn::{self, Network}, simplify};
/// let network = Network::new(nn::parse("2-3-2")?, 0)?;
/// let deeper = simplify::deepen(&network, "1")?;
/// let notation = "Sequential(Linear(2, 3), ReLU(), Linear(3, 3), ReLU(), Linear(3, 2))";
/// assert_eq!(deeper.network.module().notation(), notation);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn deepen(network: &Network, layer: &str) -> Result<Simplified> {
    let chain = Chain::read(network)?;
    let before = chain.parameters();
    let place = chain.layers.iter().position(|other| other.name == layer);
    let relu = |at: &usize| {
        chain
            .slopes(*at)
            .is_some_and(|slopes| slopes.iter().all(|slope| *slope == super::exact::zero()))
    };
    let Some(place) = place.filter(relu) else {
        let names: Vec<&str> =
            (0..chain.layers.len()).filter(relu).map(|at| chain.layers[at].name.as_str()).collect();
        return Err(Error::usage(format!("layer {layer:?} is no ReLU of the network"))
            .at("the layer")
            .help(match names.is_empty() {
                true => "it has none: only behind a ReLU an identity can be put in".to_owned(),
                false => format!("its ReLUs are {}", names.join(", ")),
            }));
    };
    let domain = Domain::all(chain.inputs);
    let mut rewriter = Rewriter::new(chain);
    rewriter.insert_identity(place);
    finish(network, rewriter, &domain, before, None)
}
