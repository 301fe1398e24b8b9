//! Measures what the elementwise functions cost: nanoseconds per number, forward and backward.
//!
//! `cargo run --release --example elementwise` prints a table of every activation at 1,000 and 100,000 numbers on every
//! instruction set of this processor, on one thread; `… --example elementwise gelu tanh` only those.
//!
//! Each figure is the least of many short samples and includes the call of a plan with one instruction. Inputs are in
//! ±4, so that functions in pieces take all of them.
//!
//! Not run by ci: it measures time.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    missing_docs,
    reason = "a command, not the library"
)]

use std::time::{Duration, Instant};

use glassnet::Result;
use glassnet::engine::kernels::Level;
use glassnet::engine::{Block, Config, Draw, Plan};
use glassnet::graph::op::{Activation, ActivationGrad};
use glassnet::graph::{Builder, DType, Op, Shape};

const LENGTHS: [usize; 2] = [1_000, 100_000];

fn main() -> Result<()> {
    let names: Vec<String> = std::env::args().skip(1).collect();
    println!("| function | numbers | level | forward (ns each) | backward (ns each) |");
    println!("|---|---|---|---|---|");
    for activation in Activation::ALL {
        let name = activation.name();
        if !names.is_empty() && !names.iter().any(|wanted| wanted == name) {
            continue;
        }
        for len in LENGTHS {
            for level in Level::supported() {
                let forward = measure(activation, level, len, false)?;
                let backward = measure(activation, level, len, true)?;
                println!("| {name} | {len} | {level} | {forward:.3} | {backward:.3} |");
            }
        }
    }
    Ok(())
}

/// Nanoseconds per number of a plan that holds the function, or its derivative, and nothing else.
fn measure(activation: Activation, level: Level, len: usize, backward: bool) -> Result<f64> {
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::from([len]))?;
    let y = if backward {
        let above = builder.input("above", DType::F32, Shape::from([len]))?;
        builder.push(Op::ActivationGrad(ActivationGrad(activation)), vec![above, x])?
    } else {
        builder.activation(activation, x)?
    };
    let graph = builder.finish_checked();
    let plan = Plan::compile(&graph, &[y], 1, &Config { level, ..Config::default() })?;
    let (block, mut memory) = (Block::for_graph(&graph), plan.memory());
    for name in ["x", "above"] {
        if let Some(place) = plan.input(name) {
            let mut bits = 1_u32;
            for value in memory.floats_mut(place) {
                bits = bits.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *value = (bits >> 8) as f32 / (1 << 21) as f32 - 4.0;
            }
        }
    }
    let (mut best, begin) = (Duration::MAX, Instant::now());
    let mut repetitions = 1;
    while begin.elapsed() < Duration::from_millis(20) {
        let start = Instant::now();
        for _ in 0..repetitions {
            plan.run(&block, &mut memory, Draw::default())?;
        }
        let took = start.elapsed();
        best = best.min(took / repetitions);
        if took < Duration::from_micros(10) {
            repetitions *= 2;
        }
    }
    Ok(best.as_nanos() as f64 / len as f64)
}
