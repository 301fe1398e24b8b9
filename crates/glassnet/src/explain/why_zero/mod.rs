//! Why is this gradient zero?
//!
//! A weight's gradient is a sum over rows, and over all paths from the weight to the loss, of products of local
//! derivatives. It is zero because every product has a factor that is zero, or because the products cancel. Going
//! backwards from the loss, every value of the graph is told whether some path from it is open, and else by what all
//! are closed: a dead unit, a saturated one, a kink, an input of 0, a weight of 0, dropout, a loss that is flat.

mod cause;
mod document;
mod flow;
#[cfg(test)]
mod tests;

pub use cause::{Cause, Flat, SMALLEST_SLOPE};

use super::setting::{Setting, Weight};
use super::units::row_axis;
use crate::error::Result;
use crate::graph::op::{Activation, Linear, Source};
use crate::graph::{NodeId, Op};
use crate::simplify::{self, Domain, Free, Scope, State};
use flow::Flow;

/// Why a weight's gradient is what it is.
#[derive(Clone, Debug, PartialEq)]
pub struct WhyZero {
    /// The weight.
    pub weight: Weight,
    /// Its value.
    pub value: f32,
    /// The gradient as training has it.
    pub gradient: f32,
    /// The gradient in f64.
    pub exact: f64,
    /// The answer.
    pub verdict: Verdict,
    /// Row by row.
    pub rows: Vec<RowReason>,
    /// What can be seen in the given rows and weights, in sentences: no proofs for other rows.
    pub seen: Vec<String>,
    /// What is proven for other rows too: a sentence, where the gradient is zero in every given row.
    pub proven: Option<String>,
}

/// Whether and how a gradient is zero.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is not zero.
    NotZero,
    /// Every row's share is zero: on every path a factor is.
    EveryRow,
    /// Rows have shares, which add up to zero.
    Cancels,
    /// The weight acts on nothing that the loss sees.
    Unused,
}

/// A row's share of a gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct RowReason {
    /// The row, from 0.
    pub row: usize,
    /// What the row adds to the gradient, in f64.
    pub share: f64,
    /// Whether all paths of this row are closed.
    pub closed: bool,
    /// The factors that close them; empty where a path is open.
    pub causes: Vec<Cause>,
}

/// Weights whose gradients are zero for the same reasons.
#[derive(Clone, Debug, PartialEq)]
pub struct ZeroGroup {
    /// The reasons, with the rows in which each holds; where some hold in all rows, only one of these: a dead unit if
    /// there is one. [`why_zero`] gives all of them for a weight.
    pub causes: Vec<(Cause, Vec<usize>)>,
    /// The weights.
    pub weights: Vec<Weight>,
}

/// All weights whose gradients are zero in every row, by reason.
#[derive(Clone, Debug, PartialEq)]
pub struct ZeroGradients {
    /// Weights with the same reasons together, in order of the network.
    pub groups: Vec<ZeroGroup>,
    /// How many weights there are.
    pub weights: usize,
    /// How many rows.
    pub rows: usize,
}

/// Why the gradient of `weight` is zero, or that it is not.
///
/// # Errors
/// An unknown weight; a network that is too large to look at every path's factors (kind `Limit`).
///
/// ```
/// use glassnet::explain::{Setting, Weight, why_zero::{Cause, Verdict, why_zero}};
/// use glassnet::nn::{self, Network, StateDict, loss::Criterion};
/// use glassnet::train::{Dataset, Features, Target};
/// use glassnet::Tensor;
/// let state = StateDict::from_iter([("0.weight", Tensor::new([1, 1], vec![-0.1_f32])?.into())]);
/// let network = Network::with_state(nn::parse("Sequential(Linear(1, 1, bias=False), ReLU())")?, &state)?;
/// let data = Dataset::new(
///     Features::Floats(Tensor::new([2, 1], vec![1.0, 2.0])?),
///     Target::Values(Tensor::new([2, 1], vec![1.0, 1.0])?),
/// )?;
/// let setting = Setting::new(&network, &data, &Criterion::parse("mse")?)?;
/// let found = why_zero(&setting, &Weight::parse("0.weight[0,0]")?)?;
/// assert_eq!(found.verdict, Verdict::EveryRow);
/// assert!(matches!(found.rows[0].causes[0], Cause::Dead { .. }));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn why_zero(setting: &Setting, weight: &Weight) -> Result<WhyZero> {
    let (parameter, element) = setting.find(weight)?;
    let mut flow = Flow::new(setting)?;
    let cells = flow.of_element(parameter.node, element);
    let gradient = setting.trace().gradient_values(&parameter.key).map_or(0.0, |g| g[element]);
    let exact = setting.trace().exact_gradient(&parameter.key).map_or(0.0, |g| g[element]);
    let rows: Vec<RowReason> = cells
        .iter()
        .enumerate()
        .map(|(row, cell)| RowReason {
            row,
            share: cell.delta,
            closed: !cell.open,
            causes: if cell.open { vec![] } else { flow.causes(&cell.causes) },
        })
        .collect();
    let used = cells.iter().any(|cell| cell.reached);
    let verdict = if !used {
        Verdict::Unused
    } else if rows.iter().all(|row| row.closed) {
        Verdict::EveryRow
    } else if gradient == 0.0 || cancels(&rows, gradient) {
        Verdict::Cancels
    } else {
        Verdict::NotZero
    };
    let value = setting.trace().floats(parameter.node).map_or(0.0, |values| values[element]);
    Ok(WhyZero {
        weight: weight.clone(),
        value,
        gradient,
        exact,
        verdict,
        seen: seen(setting, &rows),
        proven: if verdict == Verdict::EveryRow { proven(setting, weight) } else { None },
        rows,
    })
}

/// Causes by number, with the rows in which each holds.
type Reasons = Vec<(u32, Vec<usize>)>;

/// Whether shares leave no more than f32's rounding of them.
fn cancels(rows: &[RowReason], gradient: f32) -> bool {
    let size: f64 = rows.iter().map(|row| row.share.abs()).sum();
    f64::from(gradient.abs()) <= 4.0 * f64::from(f32::EPSILON) * size
}

/// All weights whose gradients are zero in every row, by reason.
///
/// # Errors
/// As [`why_zero`].
pub fn zero_gradients(setting: &Setting) -> Result<ZeroGradients> {
    let mut flow = Flow::new(setting)?;
    let mut groups: Vec<(Reasons, Vec<Weight>)> = vec![];
    let mut weights = 0;
    for parameter in setting.parameters() {
        let all = flow.of_parameter(parameter.node);
        let rows = setting.rows().max(1);
        for (element, cells) in all.chunks(rows).enumerate() {
            weights += 1;
            if cells.iter().any(|cell| cell.open) {
                continue;
            }
            let mut causes: Reasons = vec![];
            for (row, cell) in cells.iter().enumerate() {
                for &cause in &cell.causes {
                    match causes.iter_mut().find(|(known, _)| *known == cause) {
                        Some((_, rows)) => rows.push(row),
                        None => causes.push((cause, vec![row])),
                    }
                }
            }
            // What closes every row by itself is reason enough; of several such, a dead unit before an input of 0,
            // so that a unit's weights stay together.
            let whole = |(_, own): &&(u32, Vec<usize>)| own.len() == rows;
            let dead = |(cause, _): &&(u32, Vec<usize>)| flow.is_dead(*cause);
            let main = causes.iter().filter(whole).find(dead);
            if let Some(main) = main.or_else(|| causes.iter().find(whole)).cloned() {
                causes = vec![main];
            }
            let weight = setting.weight(parameter, element);
            match groups.iter_mut().find(|(known, _)| *known == causes) {
                Some((_, weights)) => weights.push(weight),
                None => groups.push((causes, vec![weight])),
            }
        }
    }
    let groups = groups
        .into_iter()
        .map(|(causes, weights)| ZeroGroup {
            causes: causes
                .into_iter()
                .flat_map(|(cause, rows)| {
                    flow.causes(&[cause]).into_iter().map(move |cause| (cause, rows.clone()))
                })
                .collect(),
            weights,
        })
        .collect();
    Ok(ZeroGradients { groups, weights, rows: setting.rows() })
}

/// Why the gradient is zero for every data set, or for every one without negative inputs, where a dead unit stands on
/// all its paths: the weight's own unit, the one whose output it multiplies, or a whole layer behind it.
fn proven(setting: &Setting, weight: &Weight) -> Option<String> {
    let network = setting.network();
    let inputs = network.module().in_features()?;
    let domain = Domain::of(vec![(0.0, f64::INFINITY); inputs]).ok()?;
    let layers = simplify::units(network, &domain, &Free::default(), None).ok()?;
    let names = network.module().layers();
    let is_relu =
        |name: &str| names.iter().any(|(own, module)| own == name && module.kind() == "ReLU");
    let place = |name: &str| names.iter().position(|(own, _)| own == name);
    let (layer, part) = weight.key.rsplit_once('.').unwrap_or(("", &weight.key));
    let own = place(layer)?;
    let dead = |unit: &simplify::Unit| matches!(unit.state, State::Dead | State::Kink);
    for found in layers.iter().filter(|found| is_relu(&found.name)) {
        let at = place(&found.name)?;
        let given = &found.given_by;
        let unit = match (part, &weight.index[..]) {
            ("weight", [row, _]) | ("bias", [row]) if found.given_by == layer => {
                found.units.get(*row).map(|unit| (*row, unit))
            }
            ("weight", [_, column]) if at + 1 == own => {
                found.units.get(*column).map(|unit| (*column, unit))
            }
            _ => None, // not operations: weights of other layers
        };
        if let Some((number, unit)) = unit.filter(|(_, unit)| dead(unit)) {
            return Some(format!(
                "Proven {}: layer {given:?} unit {number} gives 0 ({}), so this gradient is 0 for every loss",
                unit.scope.words(),
                unit.proof
            ));
        }
        if at > own && found.given_by != layer && found.units.iter().all(dead) {
            let worst = found.units.iter().find(|unit| unit.scope == Scope::Nonnegative);
            let scope = worst.or(found.units.first())?.scope.words();
            return Some(format!(
                "Proven {scope}: every unit of layer {given:?} gives 0, so this gradient is 0 for every loss"
            ));
        }
    }
    None
}

/// What can be said about dead units by looking at signs.
fn seen(setting: &Setting, rows: &[RowReason]) -> Vec<String> {
    let mut told: Vec<NodeId> = vec![];
    let mut sentences = vec![];
    let causes = rows.iter().flat_map(|row| &row.causes);
    for cause in causes {
        let Cause::Dead { unit, argument, .. } = cause else { continue };
        let [index] = unit.index.as_slice() else { continue };
        if told.contains(argument) {
            continue;
        }
        if let Some(sentence) = signs(setting, *argument, *index, &cause.unit_name()) {
            told.push(*argument);
            sentences.push(sentence);
        }
    }
    sentences
}

/// `Σ wᵢxᵢ + b ≤ 0` because no product is above 0, if that is so.
fn signs(setting: &Setting, argument: NodeId, unit: usize, name: &str) -> Option<String> {
    let graph = setting.graph();
    let node = graph.graph().node(argument);
    let Op::Linear(Linear::Affine) = node.op() else { return None };
    let (x, weight) = (node.operands()[0], node.operands()[1]);
    row_axis(graph, x)?;
    let weights = setting.trace().floats(weight)?;
    let inputs = *setting.trace().shape(weight).last()?;
    let own = weights.get(unit * inputs..(unit + 1) * inputs)?;
    let bias = match node.operands().get(2) {
        Some(&bias) => *setting.trace().floats(bias)?.get(unit)?,
        None => 0.0,
    };
    let values = setting.trace().floats(x)?;
    let below = own.iter().all(|weight| *weight <= 0.0) && bias <= 0.0;
    if !below || !values.iter().all(|value| *value >= 0.0) {
        return None;
    }
    let what = match graph.graph().node(x).op() {
        Op::Source(Source::Input { .. }) => "All given inputs are ≥ 0",
        Op::Activation(Activation::Relu | Activation::Relu6) => {
            "Its inputs come from a ReLU and are never below 0"
        }
        Op::Source(_)
        | Op::Activation(_)
        | Op::Linear(_)
        | Op::Arithmetic(_)
        | Op::ActivationGrad(_)
        | Op::Softmax(_)
        | Op::Reduce(_)
        | Op::Normalize(_)
        | Op::Random(_)
        | Op::Gather(_)
        | Op::Layout(_)
        | Op::Loss(_) => "All its inputs are ≥ 0 in the given rows",
    };
    let bias = if node.operands().len() > 2 { ", nor is its bias" } else { "" };
    Some(format!(
        "{what}, and no weight into {name} is above 0{bias}: its pre-activation cannot be above 0 there."
    ))
}
