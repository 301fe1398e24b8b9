//! Tests of derivations.

mod sheet;
