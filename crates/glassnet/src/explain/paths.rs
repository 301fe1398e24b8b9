//! The ways on which a weight acts on the loss, each a product of local derivatives.
//!
//! The chain rule sums over all paths through the network's units; their number is the product of the widths behind
//! the weight. The largest ones are found exactly by going backwards from the loss and keeping the best few at every
//! unit (a path's product only grows by a factor, so a best path consists of best paths). Paths with a factor of 0 are
//! kept, too, behind the others: they say why a gradient is 0.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::graph::op::Source;
use crate::graph::{Dim, NodeId, Op};
use crate::trace::{Basis, Trace};

/// Paths that are kept for every unit.
const KEPT: usize = 3;
/// The most local derivatives that are looked at; beyond, a gradient is only taken apart by rows.
const MOST_EDGES: usize = 40_000_000;

/// A weight's gradient as a sum over rows and paths, in f64.
#[derive(Clone, Debug, PartialEq)]
pub struct Paths {
    /// The sum over all paths: the gradient.
    pub total: f64,
    /// How many paths there are in all rows.
    pub count: f64,
    /// Row by row; one entry without a row where the weight acts on no row in particular.
    pub rows: Vec<RowPaths>,
    /// Whether the network was small enough to look at single paths.
    pub complete: bool,
}

/// What a row adds to a weight's gradient.
#[derive(Clone, Debug, PartialEq)]
pub struct RowPaths {
    /// The row, from 0.
    pub row: Option<usize>,
    /// The sum over all of the row's paths.
    pub total: f64,
    /// How many paths the row has.
    pub count: f64,
    /// The paths of the largest product, at most a few.
    pub paths: Vec<Path>,
}

impl RowPaths {
    /// What the paths that are not listed add.
    pub fn rest(&self) -> f64 {
        self.total - self.paths.iter().map(|path| path.product).sum::<f64>()
    }
}

/// One path from the weight to the loss.
#[derive(Clone, Debug, PartialEq)]
pub struct Path {
    /// The values on the way, from the first that depends on the weight to the loss: outputs of layers.
    pub steps: Vec<Step>,
    /// The product of all factors.
    pub product: f64,
}

/// A value on a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// The node.
    pub node: NodeId,
    /// The element of the node, row-major.
    pub element: usize,
    /// The derivative of this value towards the one before it; of the first, towards the weight.
    pub factor: f64,
}

/// The rest of a path from an element to the loss.
#[derive(Clone, Copy, Debug)]
struct Rest {
    zeros: u32,
    /// The product of the factors that are not 0.
    size: f64,
    /// The next element, which of its rests, and the factor on the way; none at the loss.
    next: Option<(NodeId, usize, usize, f64)>,
}

impl Rest {
    fn behind(&self, factor: f64, next: (NodeId, usize, usize)) -> Rest {
        let zero = factor == 0.0;
        Rest {
            zeros: self.zeros + u32::from(zero),
            size: if zero { self.size } else { self.size * factor },
            next: Some((next.0, next.1, next.2, factor)),
        }
    }

    fn product(&self) -> f64 {
        if self.zeros > 0 { 0.0 } else { self.size }
    }

    fn comes_before(&self, other: &Rest) -> bool {
        (self.zeros, -self.size.abs()) < (other.zeros, -other.size.abs())
    }
}

/// What is known about an element: its best rests, and how many there are.
#[derive(Clone, Debug, Default)]
struct Known {
    rests: Vec<Rest>,
    count: f64,
    /// The sum over all ways on to the loss.
    total: f64,
}

impl Known {
    fn add(&mut self, rest: Rest) {
        let at = self.rests.iter().position(|known| rest.comes_before(known));
        let at = at.unwrap_or(self.rests.len());
        if at < KEPT {
            self.rests.insert(at, rest);
            self.rests.truncate(KEPT);
        }
    }
}

/// Where a path begins: an element computed from the weight.
struct Start {
    node: NodeId,
    element: usize,
    factor: f64,
}

/// Takes the gradient of the loss towards one element of a parameter apart.
///
/// # Errors
/// When the trace has no loss, or there is no such parameter.
pub fn paths(trace: &Trace, key: &str, place: usize) -> Result<Paths> {
    let loss =
        trace.loss().ok_or_else(|| Error::usage("paths end at a loss, and there is none"))?;
    let parameter = trace.parameter(key)?.node;
    let between = between(trace, parameter, loss);
    let starts = starts(trace, parameter, place, &between);
    let complete = edges_to_visit(trace, &between) <= MOST_EDGES;
    let known = if complete { rests(trace, loss, &between) } else { BTreeMap::new() };
    let mut by_row: BTreeMap<Option<usize>, Vec<Start>> = BTreeMap::new();
    for start in starts {
        by_row.entry(row(trace, start.node, start.element)).or_default().push(start);
    }
    let layers: Vec<NodeId> = trace.layers().iter().map(|layer| layer.output).collect();
    let rows: Vec<RowPaths> = by_row
        .into_iter()
        .map(|(row, starts)| row_paths(trace, row, &starts, &known, &layers))
        .collect();
    Ok(Paths {
        total: rows.iter().map(|row| row.total).sum(),
        count: rows.iter().map(|row| row.count).sum(),
        rows,
        complete,
    })
}

/// For every node whether it lies between the parameter and the loss, both included.
fn between(trace: &Trace, parameter: NodeId, loss: NodeId) -> Vec<bool> {
    let graph = trace.graph().graph();
    let mut depends = vec![false; loss.index() + 1];
    for id in graph.ids().take(loss.index() + 1) {
        depends[id.index()] =
            id == parameter || graph.node(id).operands().iter().any(|o| depends[o.index()]);
    }
    let mut leads = vec![false; loss.index() + 1];
    leads[loss.index()] = true;
    for id in graph.ids().take(loss.index() + 1).collect::<Vec<_>>().into_iter().rev() {
        if leads[id.index()] {
            graph.node(id).operands().iter().for_each(|operand| leads[operand.index()] = true);
        }
    }
    depends.into_iter().zip(leads).map(|(depends, leads)| depends && leads).collect()
}

/// The elements computed directly from the weight; layouts of a parameter are passed through.
fn starts(trace: &Trace, parameter: NodeId, place: usize, between: &[bool]) -> Vec<Start> {
    let graph = trace.graph().graph();
    let mut sources = vec![(parameter, vec![place])];
    let mut found = vec![];
    for id in graph.ids().take(between.len()).filter(|id| between[id.index()]) {
        let node = graph.node(id);
        for (at, operand) in node.operands().iter().enumerate() {
            let Some((_, places)) = sources.iter().find(|(known, _)| known == operand) else {
                continue;
            };
            let places = places.clone();
            let moved = matches!(node.op(), Op::Layout(_));
            let mut reached = vec![];
            for element in 0..trace.shape(id).iter().product() {
                trace.edges(id, element, Basis::Exact, Some(at), &mut |edge| {
                    let Some(factor) = edge.derivative else { return };
                    if edge.operand == at && places.contains(&edge.element) {
                        reached.push(element);
                        if !moved {
                            found.push(Start { node: id, element, factor });
                        }
                    }
                });
            }
            if moved {
                sources.push((id, reached));
            }
        }
    }
    found
}

fn edges_to_visit(trace: &Trace, between: &[bool]) -> usize {
    let graph = trace.graph().graph();
    let nodes = graph.ids().take(between.len()).filter(|id| between[id.index()]);
    nodes
        .map(|id| {
            let elements: usize = trace.shape(id).iter().product();
            let each = match graph.node(id).op() {
                Op::Linear(_) | Op::Softmax(_) | Op::Normalize(_) | Op::Reduce(_) | Op::Loss(_) => {
                    let operands = graph.node(id).operands();
                    operands.first().and_then(|&o| trace.shape(o).last().copied()).unwrap_or(1)
                }
                Op::Source(_)
                | Op::Arithmetic(_)
                | Op::Activation(_)
                | Op::ActivationGrad(_)
                | Op::Random(_)
                | Op::Gather(_)
                | Op::Layout(_) => 1,
            };
            elements.saturating_mul(each)
        })
        .fold(0, usize::saturating_add)
}

/// For every element between weight and loss: the best ways on to the loss.
fn rests(trace: &Trace, loss: NodeId, between: &[bool]) -> BTreeMap<NodeId, Vec<Known>> {
    let graph = trace.graph().graph();
    let blank = |id: NodeId| vec![Known::default(); trace.shape(id).iter().product()];
    let mut known: BTreeMap<NodeId, Vec<Known>> = BTreeMap::new();
    let rest = Rest { zeros: 0, size: 1.0, next: None };
    let end = Known { rests: vec![rest], count: 1.0, total: 1.0 };
    known.insert(loss, vec![end]);
    let ids: Vec<NodeId> =
        graph.ids().take(between.len()).filter(|id| between[id.index()]).collect();
    for &id in ids.iter().rev() {
        let Some(own) = known.get(&id).cloned() else { continue };
        for (at, &operand) in graph.node(id).operands().iter().enumerate() {
            if !between[operand.index()] || is_source(graph.node(operand).op()) {
                continue;
            }
            let below = known.entry(operand).or_insert_with(|| blank(operand));
            for (element, own) in own.iter().enumerate().filter(|(_, own)| !own.rests.is_empty()) {
                trace.edges(id, element, Basis::Exact, Some(at), &mut |edge| {
                    let Some(factor) = edge.derivative else { return };
                    let place = &mut below[edge.element];
                    place.count += own.count;
                    place.total += factor * own.total;
                    for (rank, rest) in own.rests.iter().enumerate() {
                        place.add(rest.behind(factor, (id, element, rank)));
                    }
                });
            }
        }
    }
    known
}

fn is_source(op: &Op) -> bool {
    matches!(
        op,
        Op::Source(Source::Parameter { .. } | Source::Buffer { .. } | Source::Input { .. })
    )
}

fn row_paths(
    trace: &Trace,
    row: Option<usize>,
    starts: &[Start],
    known: &BTreeMap<NodeId, Vec<Known>>,
    layers: &[NodeId],
) -> RowPaths {
    let mut total = 0.0;
    let mut best = Known::default();
    for start in starts {
        let Some(known) = known.get(&start.node).map(|known| &known[start.element]) else {
            let above = trace.derivative(start.node).and_then(|node| trace.exact(node));
            total += start.factor * above.map_or(0.0, |slopes| slopes[start.element]);
            continue;
        };
        total += start.factor * known.total;
        best.count += known.count;
        for (rank, rest) in known.rests.iter().enumerate() {
            best.add(rest.behind(start.factor, (start.node, start.element, rank)));
        }
    }
    let paths = best.rests.iter().map(|rest| follow(rest, known, layers)).collect();
    RowPaths { row, total, count: best.count, paths }
}

/// The whole path; factors between two layers' outputs are multiplied together.
fn follow(first: &Rest, known: &BTreeMap<NodeId, Vec<Known>>, layers: &[NodeId]) -> Path {
    let mut steps: Vec<Step> = vec![];
    let mut factor = 1.0;
    let mut rest = *first;
    while let Some((node, element, rank, own)) = rest.next {
        factor *= own;
        rest = known[&node][element].rests[rank];
        if layers.contains(&node) || rest.next.is_none() {
            steps.push(Step { node, element, factor });
            factor = 1.0;
        }
    }
    Path { steps, product: first.product() }
}

/// The row that an element belongs to, if its node has rows.
pub(super) fn row(trace: &Trace, node: NodeId, element: usize) -> Option<usize> {
    let length: usize = trace.shape(node).iter().product();
    match trace.graph().shape(node).dims().first() {
        Some(Dim::Batch) => Some(element / (length / trace.rows().max(1)).max(1)),
        Some(Dim::Fixed(_)) | None => None,
    }
}

/// The derivative of one element towards another through the nodes between them, in f64.
pub(super) fn slope_between(
    trace: &Trace,
    (to, element): (NodeId, usize),
    (from, start): (NodeId, usize),
) -> f64 {
    let graph = trace.graph().graph();
    let mut slopes: BTreeMap<(NodeId, usize), f64> = BTreeMap::from([((to, element), 1.0)]);
    let mut found = 0.0;
    while let Some(((node, element), above)) = slopes.pop_last() {
        if node == from {
            found += if element == start { above } else { 0.0 };
            continue;
        }
        if node < from {
            continue;
        }
        trace.edges(node, element, Basis::Exact, None, &mut |edge| {
            if let Some(slope) = edge.derivative.filter(|slope| *slope != 0.0) {
                let operand = graph.node(node).operands()[edge.operand];
                *slopes.entry((operand, edge.element)).or_insert(0.0) += above * slope;
            }
        });
    }
    found
}
