//! What the tests of the prover check a little of, at length: networks whose sums cancel, and samples within bounds.
//! Not run by ci: it takes minutes; the tests do a part of it.
//!
//!     cargo run --release -p glassnet --example prove_checks
//!
//! prints a table. A false proof, or a sample outside its bounds, ends it with status 1.
#![allow(clippy::print_stdout, clippy::expect_used, reason = "a command, not the library")]

#[path = "../tests/all/prove/networks.rs"]
mod networks;

use std::process::ExitCode;

use glassnet::Tensor;
use glassnet::nn;
use glassnet::prove::{Config, Semantics, Verdict, bounds, prove};
use glassnet::train::{Features, Predictor};

use networks::{Draws, NOTATIONS, cancelling, network, small_box, state};

const NETWORKS: u64 = 10_000;
const SAMPLES: usize = 10_000_000;
const BOXES: usize = 25;

fn main() -> ExitCode {
    println!(
        "| what | semantics | tried | proven | refuted | open | wrong |\n|---|---|---|---|---|---|---|"
    );
    let mut wrong = 0;
    for further in [0, 20] {
        for semantics in [Semantics::Real, Semantics::F32AnyOrder] {
            wrong += cancellations(further, semantics);
        }
    }
    wrong += samples();
    if wrong == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Every one of these properties is violated: a proof is a false one.
fn cancellations(further: usize, semantics: Semantics) -> usize {
    let (mut proven, mut refuted, mut open) = (0, 0, 0);
    for seed in 0..NETWORKS {
        let (network, property) = cancelling(seed, further);
        // Without attacks, which would refute it before any bound is asked.
        let config = Config { semantics, attacks: 0, ..Config::default() };
        let outcome = prove(&network, &property, &config, &mut |at| at.parts <= 40);
        match outcome.expect("the property fits").verdict {
            Verdict::Holds => proven += 1,
            Verdict::Violated(_) => refuted += 1,
            Verdict::Unknown => open += 1,
        }
    }
    let inputs = if further == 0 { "1 to 3 inputs" } else { "21 to 23 inputs" };
    println!(
        "| networks that cancel, {inputs} | {} | {NETWORKS} | {proven} | {refuted} | {open} | {proven} |",
        semantics.name()
    );
    proven
}

/// The engine's outputs at random inputs of random boxes, beside the bounds for f32.
fn samples() -> usize {
    let each = SAMPLES / (NOTATIONS.len() * BOXES);
    let mut outside = 0;
    for (at, notation) in NOTATIONS.iter().enumerate() {
        let state = state(notation, at as u64);
        let proven = network(notation, &state);
        let module = nn::parse(notation).expect("the notation is right");
        let net = nn::Network::with_state(module, &state).expect("the weights fit");
        let mut predictor = Predictor::new(&net, &[3], &Default::default()).expect("it predicts");
        let mut draws = Draws::new(1000 + at as u64);
        let mut lost = 0;
        for box_at in 0..BOXES {
            let domain = small_box(&mut draws, 3, box_at as i32 % 5);
            let found = bounds(&proven, &domain, Semantics::F32AnyOrder).expect("it fits");
            let found = &found[proven.output()];
            let inputs: Vec<f32> = (0..each)
                .flat_map(|_| {
                    domain
                        .iter()
                        .map(|x| {
                            let share = f64::from((draws.signed() + 1.0) / 2.0);
                            let inside = (x.lo() + share * (x.hi() - x.lo())) as f32;
                            // The nearest f32 may lie outside; its neighbour towards the middle doesn't.
                            if f64::from(inside) < x.lo() {
                                inside.next_up()
                            } else if f64::from(inside) > x.hi() {
                                inside.next_down()
                            } else {
                                inside
                            }
                        })
                        .collect::<Vec<f32>>()
                })
                .collect();
            let x = Features::Floats(Tensor::new([each, 3], inputs).expect("it fits"));
            let values = predictor.predict(&x).expect("it predicts");
            for row in values.data().chunks_exact(found.len()) {
                let inside = row.iter().zip(found).all(|(y, bound)| bound.contains(f64::from(*y)));
                lost += usize::from(!inside);
            }
        }
        println!(
            "| samples of {notation} | f32 of the engine | {} |  |  |  | {lost} |",
            each * BOXES
        );
        outside += lost;
    }
    outside
}
