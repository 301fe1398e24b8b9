//! Traces as documents, and the deep answers: exact loss along a weight, attributions, reasons.

pub mod affine;
pub mod along;
pub mod convention;
pub mod descend;
pub mod exact;
mod frozen;
#[cfg(test)]
mod samples;
mod setting;
pub mod sharpness;
mod units;

pub use setting::{Setting, SettingConfig, Weight};
pub use units::Unit;
