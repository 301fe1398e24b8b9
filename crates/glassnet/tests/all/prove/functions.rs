//! Random graphs of products, quotients, powers, choices and functions: the f64 reference and the engine's f32 lie within the
//! bounds.

use glassnet::engine::{Block, Draw, Plan};
use glassnet::graph::op::{Activation, Arithmetic};
use glassnet::graph::{Builder, Checked, DType, NodeId, Shape};
use glassnet::prove::exact::evaluate as exactly;
use glassnet::prove::{Interval, Network, Semantics, Weight, bounds, interval_bounds, lower};
use glassnet::reference::{Feeds, evaluate};
use glassnet::{Result, Tensor};

use super::networks::{Draws, small_box};

const INPUTS: usize = 3;
const WIDTH: usize = 4;

type State = Vec<(String, Tensor<f32>)>;

/// A graph with its weights: two linear layers, then some operations on the values before.
fn graph(seed: u64) -> Result<(Checked, State, NodeId)> {
    let mut draws = Draws::new(seed);
    let mut builder = Builder::new();
    let mut state = vec![];
    let x = builder.input("x", DType::F32, Shape::batch([INPUTS]))?;
    let mut values: Vec<NodeId> = vec![];
    for (at, from) in [x, x].into_iter().enumerate() {
        let name = format!("{at}.weight");
        let weight = builder.parameter(&name, [WIDTH, INPUTS].into())?;
        let data = (0..WIDTH * INPUTS).map(|_| draws.signed() * 1.5).collect();
        state.push((name, Tensor::new([WIDTH, INPUTS], data)?));
        values.push(builder.affine(from, weight, None)?);
    }
    for _ in 0..5 {
        let some = |draws: &mut Draws| values[draws.below(values.len())];
        let (a, b, c) = (some(&mut draws), some(&mut draws), some(&mut draws));
        let next = match draws.below(10) {
            0 => builder.mul(a, b)?,
            1 => {
                // A denominator that is positive.
                let positive = Activation::Softplus { beta: 1.0, threshold: 20.0 };
                let positive = builder.activation(positive, b)?;
                let tenth = builder.constant(0.125)?;
                let positive = builder.add(positive, tenth)?;
                builder.div(a, positive)?
            }
            2 => builder.arithmetic(Arithmetic::Select, &[a, b, c])?,
            3 => {
                let powers = [2.0, 3.0, 4.0, 5.0];
                let power = builder.constant(powers[draws.below(powers.len())])?;
                builder.arithmetic(Arithmetic::Power, &[a, power])?
            }
            4 => {
                let square = builder.mul(a, a)?;
                let little = builder.constant(0.015625)?;
                let square = builder.add(square, little)?;
                let powers = [0.5, 1.5, -0.5, -1.0, 2.5];
                let power = builder.constant(powers[draws.below(powers.len())])?;
                builder.arithmetic(Arithmetic::Power, &[square, power])?
            }
            5 => builder.arithmetic(Arithmetic::Maximum, &[a, b])?,
            6 => builder.arithmetic(Arithmetic::Minimum, &[a, b])?,
            _ => {
                let functions = [
                    Activation::Sign,
                    Activation::Hardswish,
                    Activation::Atan,
                    Activation::Sin,
                    Activation::Cos,
                    Activation::Abs,
                    Activation::Sinh,
                    Activation::Cosh,
                    Activation::Sigmoid,
                ];
                builder.activation(functions[draws.below(functions.len())], a)?
            }
        };
        // What grows without end tells nothing.
        let kept = builder.activation(Activation::Hardtanh { min: -3.0, max: 3.0 }, next)?;
        values.push(kept);
    }
    let last = values[values.len() - 1];
    let before = values[values.len() - 2];
    let y = builder.sub(last, before)?;
    builder.output("y", y);
    Ok((builder.finish_checked(), state, y))
}

fn lowered(graph: &Checked, state: &[(String, Tensor<f32>)]) -> Result<Network> {
    lower(graph, "x", "y", &|key| {
        let found = state.iter().find(|(name, _)| name == key);
        Ok(Weight::Fixed(&found.expect("every weight is there").1))
    })
}

#[test]
fn values_of_random_graphs_lie_within_their_bounds() {
    const ROWS: usize = 32;
    let mut compared = 0;
    for seed in 0..250 {
        let (graph, state, y) = graph(seed).unwrap();
        let network = lowered(&graph, &state).unwrap();
        let plan = Plan::compile(&graph, &[y], ROWS, &Default::default()).unwrap();
        let mut block = Block::for_graph(&graph);
        for (key, tensor) in &state {
            if let Some(place) = block.get_mut(key) {
                place.copy_from_slice(tensor.data());
            }
        }
        let mut draws = Draws::new(5000 + seed);
        for size in 0..4 {
            let domain = small_box(&mut draws, INPUTS, size);
            let inside = |x: &Interval, share: f32| {
                let x32 = (x.lo() + f64::from(share) * (x.hi() - x.lo())) as f32;
                if x.contains(f64::from(x32)) { x32 } else { x32.next_up() }
            };
            let mut rows = vec![];
            for _ in 0..ROWS {
                rows.extend(domain.iter().map(|x| inside(x, (draws.signed() + 1.0) / 2.0)));
            }
            let mut memory = plan.memory();
            if let Some(place) = plan.input("x") {
                memory.floats_mut(place).copy_from_slice(&rows);
            }
            plan.run(&block, &mut memory, Draw::default()).unwrap();
            let engine = plan.results(&memory)[plan.result_range(0)].to_vec();
            let x = Tensor::new([ROWS, INPUTS], rows.clone()).unwrap();
            let mut feeds = Feeds::new().input("x", x);
            for (key, tensor) in &state {
                feeds = feeds.state(key, tensor.clone());
            }
            let values = evaluate(&graph, &feeds, ROWS).unwrap();
            let reference = values[y].floats().unwrap().data();
            for semantics in [Semantics::Real, Semantics::F32AnyOrder] {
                let found = [
                    interval_bounds(&network, &domain, semantics).unwrap(),
                    bounds(&network, &domain, semantics).unwrap(),
                ];
                for (row, x) in rows.chunks(INPUTS).enumerate() {
                    if !x.iter().zip(&domain).all(|(&x, range)| range.contains(f64::from(x))) {
                        continue;
                    }
                    for unit in 0..WIDTH {
                        let at = row * WIDTH + unit;
                        let value = match semantics {
                            Semantics::Real => reference[at],
                            Semantics::F32AnyOrder => f64::from(engine[at]),
                        };
                        for bounds in &found {
                            let bound = bounds[network.output()][unit];
                            // The reference itself rounds.
                            let slack = 1e-11 * (1.0 + value.abs());
                            assert!(
                                bound.lo() - slack <= value && value <= bound.hi() + slack,
                                "seed {seed}, {semantics:?}: {value} is not in {bound}\n{}",
                                graph.graph()
                            );
                            compared += 1;
                        }
                    }
                }
            }
            let first: Vec<f64> = rows[..INPUTS].iter().map(|&x| f64::from(x)).collect();
            for (unit, value) in exactly(&network, &first).unwrap().iter().enumerate() {
                let (lo, hi) = (value.lo.floor_f64(), value.hi.ceil_f64());
                let reference = reference[unit];
                let slack = 1e-9 * (1.0 + reference.abs());
                assert!(lo - slack <= reference && reference <= hi + slack, "seed {seed}");
            }
        }
    }
    assert!(compared > 100_000, "{compared}");
}

#[test]
fn products_of_factors_of_very_different_size_are_bounded_closely() -> Result<()> {
    let mut builder = Builder::new();
    let x = builder.input("x", DType::F32, Shape::batch([2]))?;
    let mut state = vec![];
    let mut affine = |builder: &mut Builder, name: &str, weights: [f32; 2]| -> Result<NodeId> {
        state.push((name.to_owned(), Tensor::new([1, 2], weights.to_vec())?));
        let weight = builder.parameter(name, [1, 2].into())?;
        builder.affine(x, weight, None)
    };
    let large = affine(&mut builder, "large", [1e4, 0.0])?;
    let small = affine(&mut builder, "small", [0.0, 1e-4])?;
    let y = builder.mul(large, small)?;
    builder.output("y", y);
    let network = lowered(&builder.finish_checked(), &state)?;
    let domain = [Interval::new(1.0, 2.0)?, Interval::new(0.5, 1.0)?];
    let found = bounds(&network, &domain, Semantics::F32AnyOrder)?[network.output()][0];
    assert!(found.lo() > 0.4999 && found.hi() < 2.0001, "{found}");
    Ok(())
}
