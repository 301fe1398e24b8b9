//! The deep answers within an explanation: the other convention, the loss along the weight, the sharpness.

use super::affine::{Attribution, AttributionConfig, attribute};
use super::along::{Along, AlongConfig, loss_along};
use super::convention::{OtherConvention, Side, other_convention};
use super::explanation::{Config, Labels, omitted};
use super::setting::{Setting, Weight};
use super::sharpness::{Sharpness, sharpness};
use super::why_zero::{WhyZero, ZeroGradients, why_zero, zero_gradients};
use crate::document::{Document, Text};
use crate::error::Result;
use crate::nn::Network;
use crate::nn::loss::Criterion;
use crate::trace::Trace;
use crate::train::{Dataset, Features};

/// The most weights, and weights times rows, for which these answers are worked out: each costs many passes.
const MOST_WEIGHTS: usize = 2000;
const MOST_WORK: usize = 20_000;

/// Rows whose outputs are attributed to their inputs.
const ATTRIBUTED: usize = 4;

/// What is known beyond the gradient.
#[derive(Clone, Debug, Default)]
pub struct Deep {
    /// What each input adds to the output that was asked for, at the first rows.
    pub attributions: Vec<Attribution>,
    /// The weights whose gradient is 0 in every row, by reason.
    pub zeros: Option<ZeroGradients>,
    /// Why the gradient of the weight that was asked for is 0, if it is.
    pub why_zero: Option<WhyZero>,
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
    // These two refuse networks that are too large for them, which is no reason to tell nothing.
    let why_zero = weight.and_then(|weight| why_zero(&setting, weight).ok());
    let zeros = if config.backward { zero_gradients(&setting).ok() } else { None };
    Ok(Deep {
        attributions: vec![],
        zeros: zeros.filter(|zeros| zeros.count() > 0),
        why_zero: why_zero.filter(|found| found.gradient == 0.0),
        convention: (!convention.on_kinks.is_empty()).then_some(convention),
        along: along.transpose()?,
        // What has no second derivative (a layer without one) has no sharpness to show.
        sharpness: if config.backward { sharpness(&setting).ok() } else { None },
        too_large,
    })
}

/// What each input adds to output `output`, at the first rows.
pub(super) fn attributions(
    network: &Network,
    features: &Features,
    output: usize,
) -> Result<Vec<Attribution>> {
    let ask = |row: usize| {
        let config = AttributionConfig { row, output, numbers: Default::default() };
        attribute(network, features, &config)
    };
    (0..features.rows().min(ATTRIBUTED)).map(ask).collect()
}

/// What goes with the forward pass.
pub(super) fn write_attributions(deep: &Deep, labels: &Labels, document: &mut Document) {
    if deep.attributions.is_empty() {
        return;
    }
    document.section("What each input adds");
    for attribution in &deep.attributions {
        document.blocks.extend(attribution.blocks(&labels.features));
    }
}

/// What goes with the gradients of all parameters.
pub(super) fn write_convention(deep: &Deep, document: &mut Document) {
    if let Some(zeros) = &deep.zeros {
        document.section("Why gradients are zero");
        document.blocks.extend(zeros.blocks());
    }
    if let Some(convention) = &deep.convention {
        document.section("The other convention");
        document.blocks.extend(convention.blocks());
    }
}

/// What goes with a weight.
pub(super) fn write_along(deep: &Deep, weight: &Weight, document: &mut Document) {
    if let Some(why) = &deep.why_zero {
        document
            .section(Text::from("Why the gradient of ").code(weight.to_string()).plain(" is zero"));
        document.blocks.extend(why.blocks());
    }
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
