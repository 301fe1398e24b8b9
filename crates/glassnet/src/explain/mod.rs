//! Traces as documents, and the deep answers: exact loss along a weight, attributions, reasons.
//!
//! [`explain`] traces rows through a network ([`crate::trace`]) and gives an [`Explanation`]: typed results
//! ([`Explanation::data`]) and the document that people read ([`Explanation::document`]): the forward pass with numbers
//! put in, softmax and loss, gradients, the chain rule along each path from a weight to the loss, one update, and a
//! check by differences. A document stays short whatever the network: of large layers it shows the few largest
//! contributions and says what the rest adds.
//!
//! The deep answers read a [`Setting`] (network, rows, loss): [`along`] the exact loss along a weight, [`sharpness`],
//! [`convention`] what another choice at kinks would give.

pub mod affine;
pub mod along;
mod answers;
pub mod convention;
mod data;
mod deep;
pub mod descend;
mod differences;
mod elementwise;
pub mod exact;
mod explanation;
mod forward;
mod frozen;
mod gradients;
mod linear;
mod loss;
mod normalization;
mod number;
mod paths;
mod printed;
#[cfg(test)]
mod samples;
mod setting;
pub mod sharpness;
mod symbols;
mod units;
mod update;
mod weight;
pub mod why_zero;

#[cfg(test)]
mod tests;

pub use answers::{
    AlongData, Answers, AttributionData, ComparedData, ConventionData, LevelData, NowData,
    OnKinkData, PieceData, ReasonData, SharpnessData, WhyZeroData, ZeroGroupData,
};
pub use data::{
    ByKey, Data, LayerData, NestedArray, PathData, PathsData, RowData, UpdateData, WeightData,
};
pub use deep::Deep;
pub use differences::{Difference, difference};
pub use explanation::{Config, Explanation, Labels, RowResult, Rows, Scale, WeightResult, explain};
pub use paths::{Path, Paths, RowPaths, Step, paths};
pub use setting::{Setting, SettingConfig, Weight};
pub use units::{RowNames, Unit};
