//! The programs of task 2.5 print the sheet's text to the last digit.
#![allow(clippy::duplicate_mod, reason = "both programs have the same module")]

#[path = "../../../../examples/run_2unit_model.rs"]
mod run_2unit_model;
#[path = "../../../../examples/run_3unit_model.rs"]
mod run_3unit_model;

/// The sheet's text, with NumPy 2's spacing (the sheet's is an older NumPy's).
const TEXT: &str = "\
Raw prediction logits:

[[ 6.7775993 -3.6295996]
 [-4.08       4.42     ]
 [-4.08       4.42     ]
 [ 6.1599007 -4.1828003]]

Prediction after softmax:

[[9.9996984e-01 3.0213278e-05]
 [2.0342699e-04 9.9979657e-01]
 [2.0342699e-04 9.9979657e-01]
 [9.9996781e-01 3.2226122e-05]]

True labels, one-hot encoded:

[[1. 0.]
 [0. 1.]
 [0. 1.]
 [1. 0.]]

Loss: 0.00011732114
";

#[test]
fn two_hidden_units() -> glassnet::Result<()> {
    assert_eq!(run_2unit_model::text()?, TEXT);
    Ok(())
}

#[test]
fn three_hidden_units_compute_the_same() -> glassnet::Result<()> {
    assert_eq!(run_3unit_model::text()?, TEXT);
    Ok(())
}
