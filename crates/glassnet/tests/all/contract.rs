//! The contract suite: every operation with every attribute that changes what it does, one suite for all.
//!
//! For each case of [`crate::cases`]: the engine in f32 is the reference in f64 within 2e-5 of the array's largest entry,
//! for the value and for all gradients; the gradient is the slope of the reference's loss within 1e-6; the graph's
//! text form reads back; and the engine's bits are the same on every instruction set, fused or not, with
//! everything observed or nothing. [`crate::coverage`] makes sure that no operation is missing.

use crate::cases;
use crate::check::check_all;

#[test]
fn products() {
    check_all(cases::linear::all().unwrap());
}

#[test]
fn arithmetic() {
    check_all(cases::arithmetic::all().unwrap());
}

#[test]
fn activations() {
    check_all(cases::activation::all().unwrap());
}

#[test]
fn softmax() {
    check_all(cases::softmax::all().unwrap());
}

#[test]
fn reductions() {
    check_all(cases::reduce::all().unwrap());
}

#[test]
fn standardisation() {
    check_all(cases::normalize::all().unwrap());
}

#[test]
fn sources_masks_and_tables() {
    check_all(cases::source::all().unwrap());
}

#[test]
fn layouts() {
    check_all(cases::layout::all().unwrap());
}

#[test]
fn cross_entropy() {
    check_all(cases::cross_entropy::all().unwrap());
}

#[test]
fn elementwise_losses() {
    check_all(cases::pair::all().unwrap());
}
