//! The slope of the loss along one weight by central differences, as a check that knows nothing of derivatives.

use serde::Serialize;

use crate::error::Result;
use crate::graph::{NodeId, NodeMap, Op};
use crate::reference::Array;
use crate::trace::Trace;

/// A slope by differences, in f64.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Difference {
    /// `(J(w + h) − J(w − h))/2h`, refined by a second difference of half the step.
    pub slope: f64,
    /// How far it may be off: what halving the step changed, and rounding.
    pub error: f64,
    /// The step h.
    pub step: f64,
    /// The slope to the left, `(J(w) − J(w − h))/h`.
    pub below: f64,
    /// The slope to the right.
    pub above: f64,
    /// How many units cross a kink, or leave one, within the step: then there is no one slope to compare with.
    pub kinks: usize,
}

/// The slope of the loss along element `place` of the parameter `key`.
///
/// # Errors
/// When there is no such element, or the trace has no loss.
pub fn difference(trace: &Trace, key: &str, place: usize) -> Result<Difference> {
    let parameter = trace.parameter(key)?.node;
    let weight = trace.exact(parameter).and_then(|values| values.get(place)).copied();
    let weight = weight.unwrap_or(0.0);
    let step = 1e-4 * weight.abs().max(1.0);
    let at = |shift: f64| trace.exact_loss_with(key, place, weight + shift);
    let (left, right) = (at(-step)?, at(step)?);
    let (near_left, near_right) = (at(-0.5 * step)?, at(0.5 * step)?);
    let here = trace.exact_loss().unwrap_or(f64::NAN);
    let wide = (right - left) / (2.0 * step);
    let narrow = (near_right - near_left) / step;
    let slope = (4.0 * narrow - wide) / 3.0;
    let size = here.abs().max(left.abs()).max(right.abs());
    let kinks = crossings(
        trace,
        &trace.exact_with(key, place, weight - step)?,
        &trace.exact_with(key, place, weight + step)?,
    );
    Ok(Difference {
        slope,
        error: (narrow - wide).abs() / 3.0 + 4.0 * f64::EPSILON * size / step,
        step,
        below: (here - near_left) / (0.5 * step),
        above: (near_right - here) / (0.5 * step),
        kinks,
    })
}

/// The elements of activations that stand on different sides of a kink, or on one side and on the kink.
fn crossings(trace: &Trace, left: &NodeMap<Array>, right: &NodeMap<Array>) -> usize {
    let graph = trace.graph().graph();
    let values = |map: &NodeMap<Array>, id: NodeId| match map.get(id) {
        Some(Array::Float(tensor)) => tensor.data().to_vec(),
        Some(Array::Index(_)) | None => vec![],
    };
    let mut count = 0;
    for id in graph.ids().filter(|&id| trace.is_forward(id)) {
        let node = graph.node(id);
        let Op::Activation(activation) = node.op() else { continue };
        let kinks = activation.kinks();
        if kinks.is_empty() {
            continue;
        }
        let (a, b) = (values(left, node.operands()[0]), values(right, node.operands()[0]));
        let crosses = |(a, b): &(&f64, &f64)| {
            kinks.iter().any(|kink| a.partial_cmp(&kink) != b.partial_cmp(&kink))
        };
        count += a.iter().zip(&b).filter(crosses).count();
    }
    count
}
