//! Tests of the room: one file per topic, over one generator of trees.

mod differentiating;
mod errors;
mod evaluating;
mod printing;
mod trees;

use proptest::test_runner::{Config, RngSeed};

/// The same random cases in every run: a test that fails by chance helps nobody.
fn fixed(cases: u32) -> Config {
    Config { cases, rng_seed: RngSeed::Fixed(1), failure_persistence: None, ..Config::default() }
}
