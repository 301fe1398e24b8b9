//! What a run costs besides arithmetic: no allocation, and memory that is used again.

use glassnet::engine::{Block, Config, Draw, Plan};
use glassnet::grad::grad;
use glassnet::graph::op::{Activation, Reduction};
use glassnet::graph::{Builder, DType, Shape};

use crate::counting::allocations;
use crate::{cases, generate};

#[test]
fn the_counter_counts() {
    assert_eq!(allocations(|| vec![0_u8; 100]), (1, 100));
    assert_eq!(allocations(|| 1 + 1), (0, 0));
}

#[test]
fn a_run_allocates_nothing() {
    let networks = (0..10).map(|seed| generate::network(seed).unwrap());
    for case in cases::all().unwrap().into_iter().chain(networks) {
        let gradient = grad(&case.graph, case.loss, &case.towards).unwrap();
        let plan =
            Plan::compile(&gradient.graph, &gradient.gradients, case.batch, &Config::default());
        let plan = plan.unwrap();
        let block = Block::for_graph(&gradient.graph);
        let mut memory = plan.memory();
        // Zeros are valid everywhere: as numbers, as classes, as rows of a table.
        let made = allocations(|| plan.run(&block, &mut memory, Draw::default()).unwrap());
        assert_eq!(made, (0, 0), "{}", case.name);
    }
}

#[test]
fn memory_is_used_again() {
    const DEPTH: usize = 60;
    let mut builder = Builder::new();
    let mut z = builder.input("x", DType::F32, Shape::batch([32])).unwrap();
    for layer in 0..DEPTH {
        let weight = builder.parameter(&format!("{layer}.weight"), Shape::from([32, 32])).unwrap();
        z = builder.affine(z, weight, None).unwrap();
        z = builder.activation(Activation::Tanh, z).unwrap();
        let mean = builder.reduce_all(Reduction::Mean, z).unwrap();
        z = builder.sub(z, mean).unwrap();
    }
    let graph = builder.finish_checked();
    let one_value = 80 * 32 * size_of::<f32>();
    for fuse in [true, false] {
        let config = Config { fuse, ..Config::default() };
        let plan = Plan::compile(&graph, &[z], 80, &config).unwrap();
        let (_, bytes) = allocations(|| plan.memory());
        // The input, the result, and two or three values that live together.
        assert!(bytes < 7 * one_value, "{} values of {}", bytes / one_value, 3 * DEPTH);
    }
    let observe = graph.graph().ids().collect();
    let plan = Plan::compile(&graph, &[z], 80, &Config { observe, ..Config::default() }).unwrap();
    let (_, bytes) = allocations(|| plan.memory());
    assert!(bytes > 3 * DEPTH * one_value, "observed values have places of their own");
}
