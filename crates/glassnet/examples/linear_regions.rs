//! The exact linear regions of a network of two inputs: how many there are, that their areas add up, and how long it took.
//!
//!     cargo run --release -p glassnet --example linear_regions -- 2-32-32-1 0
#![allow(clippy::print_stdout, clippy::disallowed_methods, reason = "a command, not the library")]

use std::time::Instant;

use glassnet::graph::Shape;
use glassnet::nn::{self, Mode, Network};
use glassnet::prove::{Weight, lower, regions};
use num_rational::BigRational;

fn main() -> glassnet::Result<()> {
    let mut words = std::env::args().skip(1);
    let notation = words.next().unwrap_or("2-32-32-1".to_owned());
    let seed = words.next().and_then(|seed| seed.parse().ok()).unwrap_or(0);
    let net = Network::new(nn::parse(&notation)?, seed)?;
    let graph = net.module().graph(Shape::batch([2]), Mode::Eval)?;
    let weights = |key: &str| net.state_dict().floats(key).map(Weight::Fixed);
    let network = lower(&graph, "x", "y", &weights)?;
    let started = Instant::now();
    let plane = regions::plane(&network, [-4.0; 2], [4.0; 2], 1_000_000)?;
    let seconds = started.elapsed().as_secs_f64();
    println!(
        "{notation}, seed {seed}: {} regions on [-4, 4]² in {seconds:.3} s",
        plane.regions.len()
    );
    let whole = plane.area() == BigRational::from_integer(64.into());
    println!("their areas add up to 64 {}", if whole { "exactly" } else { "not quite" });
    Ok(())
}
