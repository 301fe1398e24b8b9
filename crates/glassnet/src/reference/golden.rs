//! Reading the goldens of PyTorch in tests, and comparing with them.

use serde_json::Value as Json;

use super::Array;
use crate::tensor::Tensor;

/// The text of a golden file.
pub(crate) fn read(text: &str) -> Json {
    serde_json::from_str(text).expect("a golden is JSON")
}

/// A number, or one of the words that JSON has no numbers for.
fn number(json: &Json) -> f64 {
    match json {
        Json::String(word) => word.parse().expect("inf, -inf or nan"),
        json => json.as_f64().expect("a number"),
    }
}

/// A list of numbers.
pub(crate) fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(number).collect()
}

fn lengths_of(json: &Json) -> Vec<usize> {
    numbers(json).into_iter().map(|length| length as usize).collect()
}

/// A tensor: floats in f64, or indices.
pub(crate) fn tensor(json: &Json) -> Array {
    let (shape, data) = (lengths_of(&json["shape"]), numbers(&json["data"]));
    let floats = Tensor::new(shape, data).expect("the shape fits");
    if json["dtype"] == "i64" { floats.map(|x| x as i64).into() } else { floats.into() }
}

/// Within `relative` of the expected value, or of the rounding of numbers near 1.
pub(crate) fn close(found: f64, expected: f64, relative: f64, what: &str) {
    let near = (found - expected).abs() <= relative * expected.abs() + 2e-15;
    let same = found == expected || (found.is_nan() && expected.is_nan());
    assert!(near || same, "{what}: found {found:e}, expected {expected:e}");
}

/// Every element within 1e-12 of the expected one, relatively.
pub(crate) fn all_close(found: &Array, expected: &Array, what: &str) {
    all_within(found, expected, 1e-12, what);
}

/// Every element within `relative` of the expected one.
pub(crate) fn all_within(found: &Array, expected: &Array, relative: f64, what: &str) {
    assert_eq!(found.shape(), expected.shape(), "{what}");
    let (found, expected) = (found.floats().unwrap(), expected.floats().unwrap());
    for (at, (&found, &expected)) in found.data().iter().zip(expected.data()).enumerate() {
        close(found, expected, relative, &format!("{what}, element {at}"));
    }
}
