//! What closes a path from a weight to the loss.

use super::super::setting::{Setting, Weight};
use super::super::units::{Unit, locate};
use crate::graph::op::{Arithmetic, Layout, Linear, Loss, PairLoss, Reduction, Source};
use crate::graph::{NodeId, Op};
use crate::trace::{Edge, of_activation};

/// A slope below this is lost beside 1 in f32 (2⁻²⁴): an activation with such a slope counts as saturated.
pub const SMALLEST_SLOPE: f64 = 5.960_464_477_539_063e-8;

/// A factor that is zero on the way from a weight to the loss.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// An activation is flat where its argument lies: a ReLU below 0.
    Dead {
        /// The unit, by the layer that computes the argument.
        unit: Unit,
        /// The activation's name, with the layer it stands in.
        activation: String,
        /// The node of the argument.
        argument: NodeId,
    },
    /// The argument lies exactly on a kink, where training takes 0 as the derivative.
    OnKink {
        /// The unit.
        unit: Unit,
        /// The activation's name.
        activation: String,
        /// Where the kink is.
        at: f64,
        /// The derivatives below and above.
        sides: (f64, f64),
    },
    /// The activation's slope is too small for f32.
    Saturated {
        /// The unit.
        unit: Unit,
        /// The activation's name.
        activation: String,
        /// The largest slope of this unit in any row.
        slope: f64,
    },
    /// What the weight is multiplied with is 0.
    InputZero {
        /// The unit whose output it is, or the input's column.
        unit: Unit,
        /// Whether it is an input of the network rather than a unit's output.
        feature: bool,
    },
    /// A weight on the way to the loss is 0.
    WeightZero {
        /// The weight.
        weight: Weight,
    },
    /// The loss does not change with this output.
    LossFlat {
        /// The output.
        unit: Unit,
        /// Why.
        why: Flat,
    },
    /// Dropout has switched the unit off.
    Dropped {
        /// The unit.
        unit: Unit,
    },
    /// A maximum, minimum or choice took another value.
    NotChosen {
        /// Where.
        unit: Unit,
    },
    /// Another factor is 0.
    Factor {
        /// Where.
        unit: Unit,
    },
}

/// Why a loss is flat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flat {
    /// The output is the target.
    Fits,
    /// The probabilities are 1 and 0 already.
    Certain,
    /// The loss is cut off there, or the row does not count.
    Cut,
}

impl Cause {
    /// Whether `other` says the same; of a saturated unit the larger slope is kept.
    pub(super) fn joins(&mut self, other: &Cause) -> bool {
        match (self, other) {
            (
                Cause::Saturated { unit, activation, slope },
                Cause::Saturated { unit: other_unit, activation: other_activation, slope: larger },
            ) if unit == other_unit && activation == other_activation => {
                *slope = slope.max(*larger);
                true
            }
            (own, other) => own == other,
        }
    }

    /// The unit's name as the sentences give it: `layer "0" unit 1 (ReLU after it)`.
    pub fn unit_name(&self) -> String {
        match self {
            Cause::Dead { unit, activation, .. }
            | Cause::OnKink { unit, activation, .. }
            | Cause::Saturated { unit, activation, .. } => named(unit, activation),
            Cause::LossFlat { unit, .. }
            | Cause::Dropped { unit }
            | Cause::NotChosen { unit }
            | Cause::Factor { unit } => unit.to_string(),
            Cause::InputZero { unit, feature: false } => unit.to_string(),
            Cause::InputZero { unit, feature: true } => match unit.index.as_slice() {
                [column] => format!("input {}", column + 1),
                index => {
                    let counted: Vec<usize> = index.iter().map(|place| place + 1).collect();
                    format!("input {counted:?}")
                }
            },
            Cause::WeightZero { weight } => weight.to_string(),
        }
    }

    /// The cause in a sentence without its stop.
    pub fn sentence(&self) -> String {
        let name = self.unit_name();
        match self {
            Cause::Dead { .. } => {
                format!(
                    "{name} is dead: its pre-activation lies where the activation is flat, and the derivative is 0"
                )
            }
            Cause::OnKink { at, sides: (below, above), .. } => format!(
                "{name} lies exactly on the kink at {at}, where the derivative is {below} from below and {above} from above; by convention 0 is taken"
            ),
            Cause::Saturated { slope, .. } => format!(
                "{name} is saturated: its slope is {slope:.1e} at most, below the {SMALLEST_SLOPE:.0e} that f32 resolves beside 1"
            ),
            Cause::InputZero { feature: true, .. } => {
                format!("{name}, with which the weight is multiplied, is 0")
            }
            Cause::InputZero { feature: false, .. } => {
                format!("the output of {name}, with which the weight is multiplied, is 0")
            }
            Cause::WeightZero { .. } => format!("the weight {name} on the way to the loss is 0"),
            Cause::LossFlat { why, .. } => match why {
                Flat::Fits => "the output is the target, so the loss is flat".to_owned(),
                Flat::Certain => {
                    "the true class has probability 1 as far as can be told, so the loss is flat"
                        .to_owned()
                }
                Flat::Cut => "the loss is cut off there, or does not count the row".to_owned(),
            },
            Cause::Dropped { .. } => format!("dropout has switched {name} off"),
            Cause::NotChosen { .. } => {
                format!("{name} takes another value, so this one makes no difference")
            }
            Cause::Factor { .. } => format!("a factor in {name} is 0"),
        }
    }
}

fn named(unit: &Unit, activation: &str) -> String {
    if activation.is_empty() { unit.to_string() } else { format!("{unit} ({activation} after it)") }
}

/// The cause that closes `edge` from `element` of `node`, if its derivative is 0 or too small.
pub(super) fn of_edge(
    setting: &Setting,
    node: NodeId,
    element: usize,
    edge: &Edge,
) -> Option<Cause> {
    let derivative = edge.derivative?;
    let graph = setting.graph();
    let entry = graph.graph().node(node);
    let small = match entry.op() {
        Op::Activation(_) => derivative.abs() < SMALLEST_SLOPE,
        Op::Source(_)
        | Op::Linear(_)
        | Op::Arithmetic(_)
        | Op::ActivationGrad(_)
        | Op::Softmax(_)
        | Op::Reduce(_)
        | Op::Normalize(_)
        | Op::Random(_)
        | Op::Gather(_)
        | Op::Layout(_)
        | Op::Loss(_) => derivative == 0.0,
    };
    if !small {
        return None;
    }
    let unit = || locate(graph, node, element, setting.rows()).0;
    Some(match entry.op() {
        Op::Activation(activation) => {
            let argument = entry.operands()[0];
            let (unit, activation_name) = before(setting, node, argument, edge.element);
            let z =
                setting.trace().floats(argument).map_or(f32::NAN, |values| values[edge.element]);
            match of_activation(*activation, z) {
                Some(kink) => Cause::OnKink {
                    unit,
                    activation: activation_name,
                    at: kink.at,
                    sides: (kink.below, kink.above),
                },
                None if derivative == 0.0 && !activation.kinks().is_empty() => {
                    Cause::Dead { unit, activation: activation_name, argument }
                }
                None => {
                    Cause::Saturated { unit, activation: activation_name, slope: derivative.abs() }
                }
            }
        }
        Op::Linear(Linear::Affine) => match edge.operand {
            0 => zero_weight(setting, entry.operands()[1], node, element, edge),
            _ => zero_input(setting, entry.operands()[0], node, element, edge),
        },
        Op::Arithmetic(Arithmetic::Mul) => {
            let other = entry.operands()[1 - edge.operand.min(1)];
            match graph.graph().node(other).op() {
                Op::Random(_) => Cause::Dropped { unit: unit() },
                Op::Source(_)
                | Op::Linear(_)
                | Op::Arithmetic(_)
                | Op::Activation(_)
                | Op::ActivationGrad(_)
                | Op::Softmax(_)
                | Op::Reduce(_)
                | Op::Normalize(_)
                | Op::Gather(_)
                | Op::Layout(_)
                | Op::Loss(_) => Cause::Factor { unit: unit() },
            }
        }
        Op::Arithmetic(Arithmetic::Maximum | Arithmetic::Minimum | Arithmetic::Select) => {
            Cause::NotChosen { unit: unit() }
        }
        Op::Reduce(reduce) => match reduce.kind {
            Reduction::Max | Reduction::Min => Cause::NotChosen { unit: unit() },
            Reduction::Sum | Reduction::Mean | Reduction::Variance { .. } => {
                Cause::Factor { unit: unit() }
            }
        },
        Op::Loss(loss) => {
            let estimate = entry.operands().get(edge.operand).copied().unwrap_or(node);
            let unit = locate(graph, estimate, edge.element, setting.rows()).0;
            Cause::LossFlat { unit, why: flat(setting, *loss, entry.operands(), edge) }
        }
        Op::Linear(Linear::MatMul { .. })
        | Op::Arithmetic(Arithmetic::Add | Arithmetic::Sub | Arithmetic::Div | Arithmetic::Power)
        | Op::Softmax(_)
        | Op::Normalize(_)
        | Op::Gather(_)
        | Op::Layout(
            Layout::Reshape { .. }
            | Layout::Permute { .. }
            | Layout::Concat { .. }
            | Layout::Slice { .. }
            | Layout::Pad { .. }
            | Layout::Broadcast { .. },
        )
        | Op::Source(_)
        | Op::Random(_)
        | Op::ActivationGrad(_) => Cause::Factor { unit: unit() },
    })
}

/// The unit before an activation, and the activation's kind if it is a layer of its own.
fn before(setting: &Setting, node: NodeId, argument: NodeId, element: usize) -> (Unit, String) {
    let graph = setting.graph();
    let (own, arguments) =
        (graph.graph().node(node).origin(), graph.graph().node(argument).origin());
    let source = matches!(graph.graph().node(argument).op(), Op::Source(_));
    if own.place == arguments.place || source {
        return (locate(graph, node, element, setting.rows()).0, String::new());
    }
    let mut unit = locate(graph, argument, element, setting.rows()).0;
    // `layer "0" unit 1`: the kind of what stands before adds nothing.
    if let Some((layer, _)) = unit.layer.split_once(" (") {
        unit.layer = layer.to_owned();
    }
    (unit, own.kind.clone())
}

fn zero_weight(
    setting: &Setting,
    weight: NodeId,
    node: NodeId,
    element: usize,
    edge: &Edge,
) -> Cause {
    let graph = setting.graph();
    let shape = setting.trace().shape(weight);
    let outputs = setting.trace().shape(node).last().copied().unwrap_or(1).max(1);
    let inputs = shape.last().copied().unwrap_or(1).max(1);
    let index = vec![element % outputs, edge.element % inputs];
    match graph.graph().node(weight).op() {
        Op::Source(source) => Cause::WeightZero {
            weight: Weight { key: source.name().unwrap_or("a weight").to_owned(), index },
        },
        Op::Linear(_)
        | Op::Arithmetic(_)
        | Op::Activation(_)
        | Op::ActivationGrad(_)
        | Op::Softmax(_)
        | Op::Reduce(_)
        | Op::Normalize(_)
        | Op::Random(_)
        | Op::Gather(_)
        | Op::Layout(_)
        | Op::Loss(_) => Cause::Factor { unit: locate(graph, node, element, setting.rows()).0 },
    }
}

fn zero_input(setting: &Setting, x: NodeId, node: NodeId, element: usize, edge: &Edge) -> Cause {
    let graph = setting.graph();
    let outputs = setting.trace().shape(node).last().copied().unwrap_or(1).max(1);
    let inputs = setting.trace().shape(x).last().copied().unwrap_or(1).max(1);
    let place = (element / outputs) * inputs + edge.element % inputs;
    let (unit, _) = locate(graph, x, place, setting.rows());
    let feature = matches!(graph.graph().node(x).op(), Op::Source(Source::Input { .. }));
    Cause::InputZero { unit, feature }
}

fn flat(setting: &Setting, loss: Loss, operands: &[NodeId], edge: &Edge) -> Flat {
    match loss {
        Loss::CrossEntropy(loss) | Loss::CrossEntropyGrad(loss) => {
            let trace = setting.trace();
            let classes = operands.first().and_then(|&scores| trace.shape(scores).last().copied());
            let target = operands.get(1).and_then(|&target| trace.indices(target));
            let class = target
                .zip(classes)
                .and_then(|(target, classes)| target.get(edge.element / classes.max(1)).copied());
            if class == Some(loss.ignore_index) { Flat::Cut } else { Flat::Certain }
        }
        Loss::Pair(
            PairLoss::Mse
            | PairLoss::L1
            | PairLoss::SmoothL1 { .. }
            | PairLoss::Huber { .. }
            | PairLoss::GaussianNll { .. }
            | PairLoss::BceWithLogits,
        ) => {
            let value = |operand: usize| {
                let node = operands.get(operand).copied()?;
                setting.trace().floats(node)?.get(edge.element).copied()
            };
            if value(0) == value(1) { Flat::Fits } else { Flat::Cut }
        }
        Loss::Pair(PairLoss::Bce | PairLoss::KlDiv { .. } | PairLoss::PoissonNll { .. })
        | Loss::PairGrad { .. } => Flat::Cut,
    }
}
