//! The deep answers within an explanation: the other convention, the loss along the weight, the sharpness.

use std::sync::Arc;

use super::affine::{Attribution, AttributionConfig, attribute};
use super::along::{Along, AlongConfig, loss_along};
use super::convention::{OtherConvention, Side, other_convention};
use super::explanation::{Config, Labels, omitted};
use super::setting::{Setting, Weight};
use super::sharpness::{Sharpness, sharpness};
use super::units::RowNames;
use super::why_zero::{WhyZero, ZeroGradients, why_zero, zero_gradients};
use crate::document::{Document, Text};
use crate::error::Result;
use crate::nn::Network;
use crate::nn::loss::Criterion;
use crate::trace::Trace;
use crate::train::{Dataset, Features};

/// The most weights, and weights times rows, for which the loss along a weight and the sharpness are worked out: each
/// costs many passes.
const MOST_WEIGHTS: usize = 2000;
const MOST_WORK: usize = 20_000;
/// The most weights, and weights times rows, for which every weight is asked why its gradient is 0: each is named.
const MOST_NAMED: usize = 20_000;
const MOST_ASKED: usize = 1_000_000;

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
    trace: &Arc<Trace>,
    rows: &Dataset,
    criterion: &Criterion,
    config: &Config,
    weight: Option<&Weight>,
) -> Result<Deep> {
    let weights = trace.block().parameters().len();
    let work = weights.saturating_mul(rows.rows());
    let too_large = weights > MOST_WEIGHTS || work > MOST_WORK;
    if weight.is_none() && !config.backward {
        return Ok(Deep { too_large, ..Deep::default() });
    }
    let settings = super::SettingConfig { mode: config.mode, ..Default::default() };
    let setting = Setting::of_trace(network, rows, criterion, settings, Arc::clone(trace))?;
    // These two refuse networks that are too large for them, which is no reason to tell nothing.
    let why_zero = weight.and_then(|weight| why_zero(&setting, weight).ok());
    let ask_all = config.backward && weights <= MOST_NAMED && work <= MOST_ASKED;
    let zeros = if ask_all { zero_gradients(&setting).ok() } else { None };
    if too_large {
        return Ok(Deep {
            zeros: zeros.filter(|zeros| zeros.count() > 0),
            why_zero: why_zero.filter(|found| found.gradient == 0.0),
            too_large,
            ..Deep::default()
        });
    }
    let convention = other_convention(&setting, Side::Above)?;
    let along = weight.map(|weight| loss_along(&setting, weight, &AlongConfig::default()));
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
pub(super) fn write_attributions(
    deep: &Deep,
    labels: &Labels,
    rows: usize,
    document: &mut Document,
) {
    if deep.attributions.is_empty() {
        return;
    }
    document.section("What each input adds");
    for attribution in &deep.attributions {
        document.blocks.extend(attribution.blocks(labels));
    }
    let left = rows.saturating_sub(deep.attributions.len());
    if left > 0 {
        omitted(
            document,
            format!("what each input adds in {left} more rows; ask for a row by itself to see it."),
        );
    }
}

/// What goes with the gradients of all parameters.
pub(super) fn write_convention(deep: &Deep, labels: &Labels, document: &mut Document) {
    if let Some(zeros) = &deep.zeros {
        document.section("Why gradients are zero");
        document.blocks.extend(zeros.blocks(RowNames(&labels.rows)));
    }
    if let Some(convention) = &deep.convention {
        document.section("The other convention");
        document.blocks.extend(convention.blocks(RowNames(&labels.rows)));
    }
}

/// What goes with a weight.
pub(super) fn write_along(deep: &Deep, weight: &Weight, labels: &Labels, document: &mut Document) {
    if let Some(why) = &deep.why_zero {
        document
            .section(Text::from("Why the gradient of ").code(weight.to_string()).plain(" is zero"));
        document.blocks.extend(why.blocks(RowNames(&labels.rows)));
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
            "the loss along a weight, the sharpness and the other convention at kinks, which are worked out for networks \
             of at most 2,000 weights and few rows.",
        );
    }
}
