//! How fast products of matrices are on this processor, shape by shape: `cargo run --release --example products [filter]`.
//!
//! A line per shape: how the operands lie, rows × terms × columns, microseconds, GFLOP/s. The peak of a core is its
//! frequency times the floats of a register times twice its FMA units: 270 at 4.2 GHz with two units of AVX-512. Each time
//! is the least of many samples on one thread. A filter keeps the lines that contain it.
//!
//! Not run by ci: it measures, and asserts nothing.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the clock and prints"
)]

use std::time::{Duration, Instant};

use glassnet::engine::kernels::{Epilogue, Level, Operands, Product, Right, pack_right, product};

/// What is multiplied in a layer of `inputs` → `outputs` for a batch.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    /// The layer: X · Wᵀ, bias, ReLU.
    Forward,
    /// The same with W packed once.
    Packed,
    /// The gradient towards the input: dZ · W.
    Backward,
    /// The weight's gradient: dZᵀ · X.
    Gradient,
}

/// Batch, inputs, outputs: the layers of the networks that are measured elsewhere, then squares.
const LAYERS: [(usize, usize, usize); 24] = [
    (80, 6, 32),
    (80, 32, 32),
    (80, 32, 4),
    (16, 6, 32),
    (16, 32, 32),
    (16, 32, 4),
    (64, 784, 128),
    (64, 128, 64),
    (64, 64, 10),
    (128, 784, 512),
    (128, 512, 512),
    (128, 512, 10),
    (512, 1024, 4096),
    (512, 4096, 4096),
    (512, 4096, 1024),
    (1, 32, 32),
    (1, 784, 128),
    (1, 784, 512),
    (4, 784, 128),
    (64, 8, 8),
    (64, 16, 16),
    (64, 64, 64),
    (64, 256, 256),
    (64, 1024, 1024),
];

fn main() {
    let filter = std::env::args().nth(1).unwrap_or_default();
    let level = Level::detect();
    println!("{level}, one thread: rows × terms × columns, time, GFLOP/s");
    for (batch, inputs, outputs) in LAYERS {
        for kind in [Kind::Forward, Kind::Packed, Kind::Backward, Kind::Gradient] {
            measure(level, kind, batch, inputs, outputs, &filter);
        }
    }
}

fn measure(level: Level, kind: Kind, batch: usize, inputs: usize, outputs: usize, filter: &str) {
    let (name, mut shape) = match kind {
        Kind::Forward => ("forward ", Product::new(batch, inputs, outputs, Right::Transposed)),
        Kind::Packed => ("packed  ", Product::new(batch, inputs, outputs, Right::Transposed)),
        Kind::Backward => ("backward", Product::new(batch, outputs, inputs, Right::Plain)),
        Kind::Gradient => {
            ("gradient", Product::with_a_transposed(outputs, batch, inputs, Right::Plain))
        }
    };
    let Product { m, k, n, .. } = shape;
    let line = format!("{name} {m:5} × {k:4} × {n:4}");
    if !line.contains(filter) {
        return;
    }
    let (a, mut b, bias) = (numbers(m * k), numbers(k * n), numbers(n));
    let mut operands = Operands::new(&a, &b);
    if kind == Kind::Packed {
        let mut panels = vec![0.0; shape.panels_len(level)];
        pack_right(level, &shape, &b, &mut panels);
        (b, shape) = (panels, shape.with_panels());
        operands = Operands::new(&a, &b);
    }
    if kind == Kind::Forward || kind == Kind::Packed {
        shape = shape.with_epilogue(Epilogue::Relu);
        operands = operands.with_bias(&bias);
    }
    let mut c = vec![0.0; m * n];
    let mut scratch = vec![0.0; shape.scratch_len(level)];
    let seconds = least(|| product(level, &shape, &operands, &mut c, &mut scratch));
    let operations = 2.0 * (m * k * n) as f64;
    println!("{line}  {:10.3} µs  {:6.1}", seconds * 1e6, operations / seconds * 1e-9);
}

/// The least time of a call, over samples of some 20 µs for 50 ms, and at least five of them.
fn least(mut call: impl FnMut()) -> f64 {
    call();
    let start = Instant::now();
    call();
    let calls = (20e-6 / start.elapsed().as_secs_f64().max(1e-8)).clamp(1.0, 2000.0) as usize;
    let (start, mut least, mut samples) = (Instant::now(), f64::INFINITY, 0);
    while samples < 5 || start.elapsed() < Duration::from_millis(50) {
        let sample = Instant::now();
        (0..calls).for_each(|_| call());
        least = least.min(sample.elapsed().as_secs_f64() / calls as f64);
        samples += 1;
    }
    least
}

/// Numbers in ±1.
fn numbers(len: usize) -> Vec<f32> {
    (0..len).map(|i| (i as f32 * 0.618_034).fract() * 2.0 - 1.0).collect()
}
