//! An activation's values and derivatives at places, by the graph: f64 by the oracle, f32 by the engine.

use super::Activation;
use crate::engine::{Block, Config, Draw, Plan};
use crate::error::Result;
use crate::grad::grad;
use crate::graph::op::Reduction;
use crate::graph::{Builder, Checked, DType, NodeId, Shape};
use crate::nn::{Lowering, Mode, Network, StateDict};
use crate::reference::{self, Feeds};
use crate::tensor::{Tensor, Value};

/// f(z) and f'(z) at one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Values {
    /// z
    pub z: f64,
    /// f(z)
    pub value: f64,
    /// f'(z), at a kink by the convention that trains.
    pub slope: f64,
    /// f(z) by the f32 engine.
    pub value_f32: f32,
    /// f'(z) by the f32 engine.
    pub slope_f32: f32,
}

/// `f(z)` elementwise and its derivative as a graph over `[batch, columns]`.
pub(super) struct Curve {
    pub(super) graph: Checked,
    pub(super) value: NodeId,
    pub(super) slope: NodeId,
    pub(super) state: StateDict,
}

impl Curve {
    pub(super) fn of(activation: &Activation, columns: usize) -> Result<Curve> {
        let state = Network::new(activation.module.clone(), 0)?.state_dict().clone();
        let mut builder = Builder::new();
        let z = builder.input("z", DType::F32, Shape::batch([columns]))?;
        let value = activation.module.lower(&mut builder, z, &mut Lowering::new(Mode::Train))?;
        let sum = builder.reduce_all(Reduction::Sum, value)?;
        let gradient = grad(&builder.finish_checked(), sum, &[z])?;
        Ok(Curve { graph: gradient.graph, value, slope: gradient.gradients[0], state })
    }

    /// The weights (a PReLU's slope) as the engine takes them.
    pub(super) fn block(&self) -> Block {
        let mut block = Block::for_graph(&self.graph);
        for (key, value) in self.state.iter() {
            if let (Some(tensor), Some(place)) = (value.as_f32(), block.get_mut(key)) {
                place.copy_from_slice(tensor.data());
            }
        }
        block
    }

    /// Values and slopes in f64.
    pub(super) fn exact(&self, places: &[f64]) -> Result<(Vec<f64>, Vec<f64>)> {
        let mut feeds = Feeds::new().input("z", Tensor::new([places.len(), 1], places.to_vec())?);
        for (key, value) in self.state.iter() {
            if let Value::F32(tensor) = value {
                feeds.set_state(key, tensor.clone());
            }
        }
        let values = reference::evaluate(&self.graph, &feeds, places.len())?;
        let list = |id: NodeId| -> Result<Vec<f64>> { Ok(values[id].floats()?.data().to_vec()) };
        Ok((list(self.value)?, list(self.slope)?))
    }
}

/// f and f' at each place.
pub(super) fn evaluate(activation: &Activation, places: &[f64]) -> Result<Vec<Values>> {
    let curve = Curve::of(activation, 1)?;
    let (values, slopes) = curve.exact(places)?;
    let plan =
        Plan::compile(&curve.graph, &[curve.value, curve.slope], places.len(), &Config::default())?;
    let mut memory = plan.memory();
    if let Some(place) = plan.input("z") {
        for (to, &z) in memory.floats_mut(place).iter_mut().zip(places) {
            *to = z as f32;
        }
    }
    plan.run(&curve.block(), &mut memory, Draw::default())?;
    let found = plan.results(&memory);
    let (value_range, slope_range) = (plan.result_range(0), plan.result_range(1));
    let (values_f32, slopes_f32) = (&found[value_range], &found[slope_range]);
    Ok((0..places.len())
        .map(|at| Values {
            z: places[at],
            value: values[at],
            slope: slopes[at],
            value_f32: values_f32[at],
            slope_f32: slopes_f32[at],
        })
        .collect())
}

/// f and f' at two places.
pub(super) fn two(activation: &Activation, first: f64, second: f64) -> Result<[Values; 2]> {
    let found = evaluate(activation, &[first, second])?;
    Ok([found[0], found[1]])
}
