//! Reading the JSON goldens, and the tolerance that they set.

use glassnet::Tensor;
use glassnet::nn::StateDict;
use serde_json::Value as Json;

/// The numbers of a flat list; `"inf"`, `"-inf"` and `"nan"` stand for themselves.
pub(crate) fn numbers(json: &Json) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(number).collect()
}

fn number(json: &Json) -> f64 {
    match json {
        Json::String(word) => word.parse().expect("inf, -inf or nan"),
        json => json.as_f64().expect("a number"),
    }
}

/// Integers of a flat list.
pub(crate) fn integers(json: &Json) -> Vec<i64> {
    json.as_array().expect("a list").iter().map(|n| n.as_i64().expect("an integer")).collect()
}

/// The shape of a tensor.
pub(crate) fn shape(json: &Json) -> Vec<usize> {
    integers(&json["shape"]).into_iter().map(|n| usize::try_from(n).expect("a length")).collect()
}

/// A tensor, each number the nearest f32.
pub(crate) fn tensor(json: &Json) -> Tensor<f32> {
    let data = numbers(&json["data"]).into_iter().map(|value| value as f32).collect();
    Tensor::new(shape(json), data).expect("the shape fits")
}

/// A tensor of integers.
pub(crate) fn indices(json: &Json) -> Tensor<i64> {
    Tensor::new(shape(json), integers(&json["data"])).expect("the shape fits")
}

/// A named set of tensors as a state dict.
pub(crate) fn state(json: &Json) -> StateDict {
    let entries = json.as_object().expect("names and tensors").iter();
    entries
        .map(|(key, json)| match json["dtype"].as_str() {
            Some("i64") => (key.clone(), indices(json).into()),
            _ => (key.clone(), tensor(json).into()),
        })
        .collect()
}

/// A text.
pub(crate) fn text(json: &Json) -> &str {
    json.as_str().expect("a text")
}

/// The first number that is further from PyTorch's f64 than 1e-5 relative, or ten times as far as PyTorch's own f32.
pub(crate) fn strays(found: &[f32], double: &[f64], single: &[f64]) -> Option<String> {
    let gaps: Vec<f64> = double.iter().zip(single).map(|(d, s)| (s - d).abs()).collect();
    first_stray(found, double, &gaps)
}

/// As [`strays`], for a tensor: PyTorch's f32 is as far from its f64 as it is at its worst element. A weight that
/// passes 0 would else be judged by the luck of its last digit.
pub(crate) fn tensor_strays(found: &[f32], double: &[f64], single: &[f64]) -> Option<String> {
    let gaps = double.iter().zip(single).map(|(d, s)| (s - d).abs());
    let worst = gaps.fold(0.0, f64::max);
    first_stray(found, double, &vec![worst; double.len()])
}

fn first_stray(found: &[f32], double: &[f64], gaps: &[f64]) -> Option<String> {
    assert_eq!(found.len(), double.len(), "as many numbers as the golden");
    found.iter().zip(double.iter().zip(gaps)).enumerate().find_map(|(at, (found, (d, gap)))| {
        let allowed = (1e-5 * d.abs()).max(10.0 * gap);
        let off = (f64::from(*found) - d).abs();
        (off > allowed || off.is_nan())
            .then(|| format!("number {at} is {found:e}, not {d:e}: off by {off:e} > {allowed:e}"))
    })
}
