//! The one integration test binary of the core: every operation and random networks through every evaluator.

mod bench;
mod cases;
mod check;
mod contract;
mod counting;
mod coverage;
mod derivations;
mod determinism;
mod differences;
mod divergence;
mod exercise;
mod extremes;
mod generate;
mod golden;
mod goldens_engine;
mod goldens_layers;
mod goldens_training;
mod kinks;
mod learning;
mod memory;
mod metrics;
mod report;
mod resume;
mod settings;
mod stopping;
mod tables;
