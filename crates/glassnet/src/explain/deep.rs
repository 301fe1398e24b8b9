//! The deep answers within an explanation: the other convention, the loss along the weight, the sharpness.

use super::along::{Along, AlongConfig, loss_along};
use super::convention::{OtherConvention, Side, other_convention};
use super::explanation::{Config, omitted};
use super::setting::{Setting, Weight};
use super::sharpness::{Sharpness, sharpness};
use crate::document::{Document, Text};
use crate::error::Result;
use crate::nn::Network;
use crate::nn::loss::Criterion;
use crate::trace::Trace;
use crate::train::Dataset;

/// The most weights, and weights times rows, for which these answers are worked out: each costs many passes.
const MOST_WEIGHTS: usize = 2000;
const MOST_WORK: usize = 20_000;

/// What is known beyond the gradient.
#[derive(Clone, Debug, Default)]
pub struct Deep {
    /// Gradients with the other derivative at kinks, where values lie on one.
    pub convention: Option<OtherConvention>,
    /// The loss as a function of the weight that was asked for.
    pub along: Option<Along>,
    /// How much the loss bends, and the learning rate that allows.
    pub sharpness: Option<Sharpness>,
    /// Whether the network was too large to be asked.
    pub too_large: bool,
}

/// Asks what `config` wants to know.
pub(super) fn find(
    network: &Network,
    trace: &Trace,
    rows: &Dataset,
    criterion: &Criterion,
    config: &Config,
    weight: Option<&Weight>,
) -> Result<Deep> {
    let weights = trace.block().parameters().len();
    let too_large = weights > MOST_WEIGHTS || weights * rows.rows() > MOST_WORK;
    if too_large || (weight.is_none() && !config.backward) {
        return Ok(Deep { too_large, ..Deep::default() });
    }
    let settings = super::SettingConfig { mode: config.mode, ..Default::default() };
    let setting = Setting::with_config(network, rows, criterion, settings)?;
    let convention = other_convention(&setting, Side::Above)?;
    let along = weight.map(|weight| loss_along(&setting, weight, &AlongConfig::default()));
    Ok(Deep {
        convention: (!convention.on_kinks.is_empty()).then_some(convention),
        along: along.transpose()?,
        // What has no second derivative (a layer without one) has no sharpness to show.
        sharpness: if config.backward { sharpness(&setting).ok() } else { None },
        too_large,
    })
}

/// What goes with the gradients of all parameters.
pub(super) fn write_convention(deep: &Deep, document: &mut Document) {
    if let Some(convention) = &deep.convention {
        document.section("The other convention");
        document.blocks.extend(convention.blocks());
    }
}

/// What goes with a weight.
pub(super) fn write_along(deep: &Deep, weight: &Weight, document: &mut Document) {
    if let Some(along) = &deep.along {
        document.section(Text::from("Which way should ").code(weight.to_string()).plain(" go?"));
        document.blocks.extend(along.blocks("w"));
    }
}

/// What goes with a step.
pub(super) fn write_sharpness(deep: &Deep, document: &mut Document) {
    if let Some(sharpness) = &deep.sharpness {
        document.section("How long a step may be");
        document.blocks.extend(sharpness.blocks());
    }
    if deep.too_large {
        omitted(
            document,
            "the loss along a weight and the sharpness, which are worked out for small networks and few rows only.",
        );
    }
}
