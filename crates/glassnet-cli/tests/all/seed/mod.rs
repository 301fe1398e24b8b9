//! The exercise's tasks through the general verbs: the sheet's numbers to the printed digit, and other numbers
//! against a computation of the test's own.

mod activations;
mod basis;
mod collapse;
mod count;
mod derivative;
mod lessons;
mod manual;
mod network;
mod softmax;
mod theorems;
mod variants;

use glassnet::math::random::Stream;
use serde_json::Value;

use crate::folder::{Answer, Folder};

/// What the command answers as JSON.
#[track_caller]
fn json(args: &[&str]) -> Value {
    run(&[args, &["--json"]].concat()).json()
}

/// What the command prints.
#[track_caller]
fn text(args: &[&str]) -> String {
    run(args).stdout
}

#[track_caller]
fn run(args: &[&str]) -> Answer {
    Folder::new().run(args).success()
}

/// A number of a document.
#[track_caller]
fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_else(|| panic!("{value} is no number"))
}

#[track_caller]
fn numbers(value: &Value) -> Vec<f64> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no array")).iter().map(number).collect()
}

#[track_caller]
fn rows(value: &Value) -> Vec<Vec<f64>> {
    value.as_array().unwrap_or_else(|| panic!("{value} is no array")).iter().map(numbers).collect()
}

/// Checks that a number rounds to the digits that the sheet prints.
#[track_caller]
fn prints(value: f64, digits: &str) {
    let decimals = digits.split_once('.').map_or(0, |(_, decimals)| decimals.len());
    assert_eq!(format!("{value:.decimals$}"), digits);
}

#[track_caller]
fn all_print(values: &[f64], digits: &[&str]) {
    assert_eq!(values.len(), digits.len());
    values.iter().zip(digits).for_each(|(value, digits)| prints(*value, digits));
}

/// Checks that two numbers agree within rounding.
#[track_caller]
fn close(found: f64, expected: f64, tolerance: f64) {
    let error = (found - expected).abs();
    assert!(error <= tolerance * expected.abs().max(1.0), "{found} is not {expected}");
}

#[track_caller]
fn all_close(found: &[f64], expected: &[f64], tolerance: f64) {
    assert_eq!(found.len(), expected.len(), "{found:?} {expected:?}");
    found.iter().zip(expected).for_each(|(found, expected)| close(*found, *expected, tolerance));
}

/// The generator of inputs: a stream of its own per topic.
fn stream(topic: u64, round: u64) -> Stream {
    Stream::at(20_261_126, topic, round)
}

/// A number with two decimals.
fn hundredths(stream: &mut Stream, size: u64) -> f64 {
    (stream.below(200 * size + 1) as f64 - 100.0 * size as f64) / 100.0
}
