//! Plans of one small product with what follows it: those that fit registers, and those that just don't.
//!
//! The weight or its bias is the last of the block, the rows are the caller's own, so that both end where their memory ends.

use super::super::{Block, Config, Draw, Feeds, Level, Plan};
use super::{bits, numbers};
use crate::graph::op::Activation;
use crate::graph::{Builder, DType, Shape};

/// `relu(x · Wᵀ + b)`, the bias and the function as they are wanted.
fn affine(
    [rows, inputs, outputs]: [usize; 3],
    bias: bool,
    relu: bool,
    config: &Config,
    x: &[f32],
) -> Vec<f32> {
    let mut builder = Builder::new();
    let from = builder.input("x", DType::F32, Shape::batch([inputs])).unwrap();
    let weight = builder.parameter("weight", Shape::from([outputs, inputs])).unwrap();
    let added = bias.then(|| builder.parameter("bias", Shape::from([outputs])).unwrap());
    let mut y = builder.affine(from, weight, added).unwrap();
    if relu {
        y = builder.activation(Activation::Relu, y).unwrap();
    }
    let graph = builder.finish_checked();
    let mut block = Block::for_graph(&graph);
    let weights = numbers(3, block.data().len());
    block.data_mut().copy_from_slice(&weights);
    let plan = Plan::compile(&graph, &[y], rows, config).unwrap();
    let mut memory = plan.memory();
    let mut feeds = Feeds::default();
    match plan.feed("x") {
        Some(place) => feeds.set_in_place(place, x),
        None => memory.floats_mut(plan.input("x").unwrap()).copy_from_slice(x),
    }
    plan.run_on(&block, &mut memory, Draw::default(), &feeds).unwrap();
    memory.floats(plan.place(y).unwrap()).to_vec()
}

#[test]
fn small_products_end_where_their_arrays_end() {
    let sides = [1, 2, 3, 4, 5, 7, 8, 9, 16, 17];
    for rows in sides {
        for inputs in sides {
            for outputs in sides {
                let shape = [rows, inputs, outputs];
                let bias = (rows + inputs + outputs) % 2 == 0;
                let relu = outputs % 2 == 0;
                let x = numbers(rows, rows * inputs);
                let plain = Config { level: Level::PORTABLE, fuse: false, ..Config::default() };
                let expected = affine(shape, bias, relu, &plain, &x);
                for level in Level::supported() {
                    let config = Config { level, ..Config::default() };
                    let y = affine(shape, bias, relu, &config, &x);
                    let what = format!("{shape:?}, bias {bias}, relu {relu} on {level}");
                    assert_eq!(bits(&y), bits(&expected), "{what}");
                }
            }
        }
    }
}
