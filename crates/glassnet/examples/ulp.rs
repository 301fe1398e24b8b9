//! Measures the elementary functions against true values and prints the table of `src/math/ULP.md`.
//!
//! `cargo run --release --example ulp` takes all 2³² inputs (about a quarter of an hour on two cores);
//! `… --example ulp 64` every 64th, which is what ci does; `… --example ulp 1 exp log` all inputs of two functions. It
//! fails where an error is beyond the function's stated bound.
//!
//! Not run by ci: with all inputs it takes a quarter of an hour; ci takes every 64th in a step of its own.
#![allow(
    clippy::print_stdout,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a command, not the library"
)]

#[path = "../src/math/elementary/truth.rs"]
mod truth;

use glassnet::engine::kernels::{Level, Map, map};
use glassnet::math::elementary;
use truth::{DERIVATIVE_BOUND, ENTRIES, Entry, error};

struct Worst {
    ulps: (f64, f32),
    absolute: (f64, f32),
    inexact: u64,
    count: u64,
}

type Apply = fn(Level, &[f32], &mut [f32]);

macro_rules! apply {
    ($function:ident) => {{
        #[derive(Clone, Copy)]
        struct Body;
        impl Map<1> for Body {
            #[inline(always)]
            fn at(&self, [x]: [f32; 1]) -> f32 {
                elementary::$function(x)
            }
        }
        |level, x, y| map(level, &Body, [x], y)
    }};
}

fn apply_of(name: &str) -> Apply {
    match name {
        "exp" => apply!(exp),
        "expm1" => apply!(expm1),
        "log" => apply!(log),
        "log1p" => apply!(log1p),
        "tanh" => apply!(tanh),
        "sigmoid" => apply!(sigmoid),
        "softplus" => apply!(softplus),
        "logsigmoid" => apply!(logsigmoid),
        "sin" => apply!(sin),
        "cos" => apply!(cos),
        "erf" => apply!(erf),
        "gelu" => apply!(gelu),
        "gelu_tanh" => apply!(gelu_tanh),
        "silu" => apply!(silu),
        "mish" => apply!(mish),
        "gelu_derivative" => apply!(gelu_derivative),
        "gelu_tanh_derivative" => apply!(gelu_tanh_derivative),
        "silu_derivative" => apply!(silu_derivative),
        "mish_derivative" => apply!(mish_derivative),
        other => panic!("no function {other}"),
    }
}

/// Every `stride`-th input from `first`, in pieces that the vector loops take whole.
fn measure(entry: &Entry, first: u64, stride: u64) -> Worst {
    let (level, apply) = (Level::detect(), apply_of(entry.name));
    let mut worst = Worst { ulps: (0.0, 0.0), absolute: (0.0, 0.0), inexact: 0, count: 0 };
    let mut bits = first;
    let (mut x, mut y) = (Vec::with_capacity(4096), vec![0.0; 4096]);
    while bits < 1 << 32 {
        x.clear();
        while bits < 1 << 32 && x.len() < 4096 {
            let value = f32::from_bits(bits as u32);
            if value.is_finite() {
                x.push(value);
            }
            bits += stride;
        }
        let y = &mut y[..x.len()];
        apply(level, &x, y);
        for (&x, &y) in x.iter().zip(&*y) {
            let truth = (entry.truth)(f64::from(x));
            let (ulps, absolute) = error(y, truth);
            worst.inexact += u64::from(y != truth as f32 && !y.is_nan());
            if ulps > worst.ulps.0 {
                worst.ulps = (ulps, x);
            }
            if absolute > worst.absolute.0 {
                worst.absolute = (absolute, x);
            }
        }
        worst.count += x.len() as u64;
    }
    worst
}

fn join(a: Worst, b: Worst) -> Worst {
    let larger = |a: (f64, f32), b: (f64, f32)| if a.0 >= b.0 { a } else { b };
    Worst {
        ulps: larger(a.ulps, b.ulps),
        absolute: larger(a.absolute, b.absolute),
        inexact: a.inexact + b.inexact,
        count: a.count + b.count,
    }
}

fn main() -> std::process::ExitCode {
    let mut beyond = vec![];
    let mut arguments = std::env::args().skip(1);
    let stride = arguments.next().map_or(1, |text| text.parse().expect("a stride"));
    let names: Vec<String> = arguments.collect();
    println!(
        "| function | largest error (ulp) | at | beyond rounding (absolute) | not correctly rounded | inputs |"
    );
    println!("|---|---|---|---|---|---|");
    for entry in ENTRIES {
        if !names.is_empty() && !names.iter().any(|name| name == entry.name) {
            continue;
        }
        let worst = std::thread::scope(|scope| {
            let threads = std::thread::available_parallelism().map_or(1, usize::from) as u64;
            let parts: Vec<_> = (0..threads)
                .map(|part| {
                    scope.spawn({
                        let entry = &entry;
                        move || measure(entry, part * stride, stride * threads)
                    })
                })
                .collect();
            parts
                .into_iter()
                .map(|part| part.join().expect("no panic"))
                .reduce(join)
                .expect("a thread")
        });
        let absolute = match entry.ulps {
            Some(_) => String::new(),
            None => format!("{:.1e} at {:?}", worst.absolute.0, worst.absolute.1),
        };
        println!(
            "| {} | {:.4} | {:?} | {absolute} | {:.3} % | {} |",
            entry.name,
            worst.ulps.0,
            worst.ulps.1,
            100.0 * worst.inexact as f64 / worst.count as f64,
            worst.count
        );
        let within = match entry.ulps {
            Some(bound) => worst.ulps.0 <= bound,
            None => worst.absolute.0 <= DERIVATIVE_BOUND,
        };
        if !within {
            beyond.push(entry.name);
        }
    }
    if beyond.is_empty() {
        return std::process::ExitCode::SUCCESS;
    }
    println!("\nbeyond their bounds: {}", beyond.join(", "));
    std::process::ExitCode::FAILURE
}
