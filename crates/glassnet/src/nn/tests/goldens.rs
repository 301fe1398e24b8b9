//! `repr`, state-dict keys and loading errors, as PyTorch gives them.

use crate::graph::DType;
use crate::nn::{StateDict, parse};
use crate::tensor::{Tensor, Value};
use serde_json::Value as Json;

pub(super) fn goldens(text: &str) -> Json {
    serde_json::from_str(text).expect("the goldens are valid JSON")
}

pub(super) fn modules() -> Json {
    goldens(include_str!("../../../tests/goldens/modules.json"))
}

pub(super) fn list(json: &Json) -> &[Json] {
    json.as_array().expect("a list")
}

pub(super) fn text(json: &Json) -> &str {
    json.as_str().expect("a text")
}

pub(super) fn lengths(json: &Json) -> Vec<usize> {
    list(json).iter().map(|length| length.as_u64().expect("a length") as usize).collect()
}

#[test]
fn repr_keys_shapes_and_counts_are_those_of_pytorch() {
    let goldens = modules();
    let cases = list(&goldens["cases"]);
    assert!(cases.len() >= 27);
    for case in cases {
        let expression = text(&case["expression"]);
        let module = parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert_eq!(module.to_string(), text(&case["repr"]), "{expression}");
        let expected: Vec<(String, Vec<usize>, &str)> = list(&case["state_dict"])
            .iter()
            .map(|array| {
                (text(&array["key"]).to_owned(), lengths(&array["shape"]), text(&array["dtype"]))
            })
            .collect();
        let found: Vec<(String, Vec<usize>, &str)> = module
            .state_shapes()
            .into_iter()
            .map(|array| (array.key, array.shape, array.dtype.name()))
            .collect();
        assert_eq!(found, expected, "{expression}");
        let parameters = case["parameters"].as_u64().expect("a count") as usize;
        assert_eq!(module.parameter_count(), parameters, "{expression}");
        assert_eq!(parse(&module.notation()).as_ref(), Ok(&module), "{expression}");
    }
}

#[test]
fn activations_print_as_in_pytorch() {
    let goldens = goldens(include_str!("../../../tests/goldens/activations.json"));
    for case in list(&goldens["cases"]) {
        let expression = text(&case["expression"]);
        let module = parse(expression).unwrap_or_else(|error| panic!("{expression}: {error}"));
        assert_eq!(module.to_string(), text(&case["repr"]));
    }
}

/// PyTorch's lines end in a blank and begin with a tab; ours are indented detail lines.
#[test]
fn strict_loading_errors_are_worded_as_in_pytorch() {
    let goldens = modules();
    for case in list(&goldens["load_errors"]) {
        let module = parse(text(&case["expression"])).expect("a network");
        let counters: Vec<String> = module
            .state_shapes()
            .into_iter()
            .filter(|array| array.dtype == DType::I64)
            .map(|array| array.key)
            .collect();
        let state: StateDict = list(&case["given"])
            .iter()
            .map(|array| {
                let (key, shape) = (text(&array["key"]), lengths(&array["shape"]));
                let value: Value = if counters.iter().any(|counter| counter == key) {
                    Tensor::full(shape, 0_i64).into()
                } else {
                    Tensor::full(shape, 0.0_f32).into()
                };
                (key, value)
            })
            .collect();
        let error = module.check_state_dict(&state, true).expect_err("an error");
        let mut lines = text(&case["message"]).lines().map(str::trim);
        assert_eq!(error.what(), lines.next().expect("a first line"));
        assert_eq!(error.details(), lines.collect::<Vec<_>>());
        assert_eq!(error.kind(), crate::ErrorKind::Model);
    }
}

#[test]
fn loading_without_strict_tells_what_did_not_match() {
    let module = parse("Sequential(Linear(1, 1), BatchNorm1d(1))").expect("a network");
    let vector = || Value::from(Tensor::full([1], 0.5_f32));
    let mut state = StateDict::from_iter([("0.weight", Tensor::full([1, 1], 2.0_f32).into())]);
    state.insert("1.weight", vector());
    state.insert("1.bias", vector());
    state.insert("1.running_mean", vector());
    state.insert("1.running_var", vector());
    state.insert("other", vector());
    let incompatible = module.check_state_dict(&state, false).expect("not strict");
    // As in PyTorch, a missing counter is no error.
    assert_eq!(incompatible.missing, ["0.bias"]);
    assert_eq!(incompatible.unexpected, ["other"]);
    state.insert("1.num_batches_tracked", vector());
    let error = module.check_state_dict(&state, false).expect_err("a misshapen counter");
    assert!(error.to_string().contains("size mismatch for 1.num_batches_tracked"), "{error}");
    state.insert("1.num_batches_tracked", Tensor::scalar(3.0_f32));
    let error = module.check_state_dict(&state, false).expect_err("a counter of floats");
    assert!(error.to_string().contains("dtype mismatch for 1.num_batches_tracked"), "{error}");
}

#[test]
fn long_lists_of_keys_are_cut() {
    let module = parse("Linear(1, 1)").expect("a network");
    let many = (0..1000).map(|at| (format!("k{at}"), Value::from(Tensor::scalar(0.0_f32))));
    let error = module.check_state_dict(&many.collect(), true).expect_err("unexpected keys");
    assert!(error.to_string().contains("\"k49\", and 950 more."), "{error}");
    assert!(error.to_string().len() < 1000);
}
