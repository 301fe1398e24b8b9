//! A sample of ONNX's node tests; all of them are run by the example `onnx_node_tests`.

use crate::onnx::folder;
use crate::onnx_runner::{Outcome, run};

/// Cases whose shapes, axes or indices are inputs, which are given for good.
const GIVEN: &[&str] = &[
    "test_div_int32_trunc",
    "test_gather_negative_indices",
    "test_reduce_l2_negative_axes_keep_dims_example",
    "test_reduce_log_sum_exp_keepdims_random",
    "test_reshape_negative_extended_dims",
    "test_slice_neg_steps",
    "test_split_variable_parts_2d_opset18",
];

#[test]
fn onnx_own_tests_pass_or_are_refused_by_name() {
    let mut cases: Vec<_> = std::fs::read_dir(folder().join("nodes"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert_eq!(cases.len(), 32);
    for case in cases {
        let name = case.file_name().unwrap().to_str().unwrap();
        let outcome = run(&case);
        match name {
            name if GIVEN.contains(&name) => {
                assert_eq!(outcome, Outcome::PassedWithGiven, "{name}")
            }
            name => assert_eq!(outcome, Outcome::Passed, "{name}"),
        }
    }
}
