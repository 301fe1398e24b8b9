//! What a run costs besides arithmetic: no allocation, and memory that is used again.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use glassnet::engine::{Block, Config, Draw, Plan};
use glassnet::grad::grad;
use glassnet::graph::op::{Activation, Reduction};
use glassnet::graph::{Builder, DType, Shape};

use crate::{cases, generate};

/// The system's allocator, counting what each thread asks for.
struct Counting;

thread_local! {
    static ALLOCATIONS: Cell<usize> = const { Cell::new(0) };
    static BYTES: Cell<usize> = const { Cell::new(0) };
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call is passed on to the system's allocator; counting touches only the thread's own cells, which
// need no allocation.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: the caller's promise is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        count(layout.size());
        // SAFETY: as above.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(size);
        // SAFETY: as above.
        unsafe { System.realloc(pointer, layout, size) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(pointer, layout) }
    }
}

fn count(bytes: usize) {
    ALLOCATIONS.with(|allocations| allocations.set(allocations.get() + 1));
    BYTES.with(|total| total.set(total.get() + bytes));
}

/// How many allocations, of how many bytes together, `body` makes.
fn allocations<R>(body: impl FnOnce() -> R) -> (usize, usize) {
    let before = (ALLOCATIONS.get(), BYTES.get());
    drop(body());
    (ALLOCATIONS.get() - before.0, BYTES.get() - before.1)
}

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
