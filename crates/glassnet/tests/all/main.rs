//! The one integration test binary of the core: every operation and random networks through every evaluator.

mod bench;
mod cases;
mod check;
mod contract;
mod counting;
mod coverage;
mod differences;
mod extremes;
mod generate;
mod goldens_engine;
mod kinks;
mod memory;
