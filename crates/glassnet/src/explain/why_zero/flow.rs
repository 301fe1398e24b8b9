//! Backwards through the graph: which values have an open path to the loss, and what closes the others.

use super::super::setting::{Setting, unravel};
use super::super::units::row_axis;
use super::cause::{Cause, of_edge};
use crate::error::{Error, ErrorKind, Result};
use crate::graph::op::Source;
use crate::graph::{NodeId, NodeMap, Op};
use crate::trace::{Basis, Edge};

/// How many local derivatives are looked at.
const MAX_EDGES: usize = 20_000_000;
/// How many causes are kept for one value.
const KEPT: usize = 6;

/// What is known about one value in one row.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    /// Whether the loss is computed from it at all.
    pub(super) reached: bool,
    /// Whether some path from it to the loss has no factor of 0.
    pub(super) open: bool,
    /// The derivative of the loss towards it, by this row.
    pub(super) delta: f64,
    /// What closes its paths, as numbers of causes.
    pub(super) causes: Vec<u32>,
}

impl Cell {
    /// Adds what a user of the value is to it, with the derivative of the user towards it.
    fn take(&mut self, user: &Cell, derivative: f64, cause: Option<u32>) {
        self.reached |= user.reached;
        self.delta += derivative * user.delta;
        if user.open && cause.is_none() {
            self.open = true;
        }
        let closing = cause.iter().chain(if user.open { &[] } else { user.causes.as_slice() });
        for &number in closing {
            if self.causes.len() < KEPT && !self.causes.contains(&number) {
                self.causes.push(number);
            }
        }
    }
}

/// All cells of the values between parameters and loss.
pub(super) struct Flow<'a> {
    setting: &'a Setting,
    /// For values with rows a cell for each element; for others one for each element and row.
    cells: NodeMap<Vec<Cell>>,
    causes: Causes,
}

/// Causes, each once.
#[derive(Default)]
struct Causes(Vec<Cause>);

impl Causes {
    fn number(&mut self, cause: Cause) -> u32 {
        let known = self.0.iter_mut().position(|known| known.joins(&cause));
        let at = known.unwrap_or_else(|| {
            self.0.push(cause);
            self.0.len() - 1
        });
        at as u32
    }
}

/// A node as a user of one of its operands.
#[derive(Clone, Copy)]
struct Use<'a> {
    setting: &'a Setting,
    user: NodeId,
    operand: usize,
    source: NodeId,
    /// The only element of the operand that is asked about, if it is one.
    only: Option<usize>,
}

impl<'a> Flow<'a> {
    pub(super) fn new(setting: &'a Setting) -> Result<Self> {
        let graph = setting.forward().graph();
        let inner = inner_nodes(setting);
        let mut flow =
            Flow { setting, cells: NodeMap::for_graph(graph), causes: Causes::default() };
        for id in graph.ids().filter(|id| inner[id.index()]) {
            flow.cells.insert(id, vec![Cell::default(); count(setting, id)]);
        }
        if let Some(cells) = flow.cells.get_mut(setting.loss()) {
            cells.fill(Cell { reached: true, open: true, delta: 1.0, causes: vec![] });
        }
        let mut edges = 0_usize;
        for id in graph.ids().rev() {
            let Some(own) = flow.cells.remove(id) else { continue };
            for (operand, &source) in graph.node(id).operands().iter().enumerate() {
                if let Some(cells) = flow.cells.get_mut(source) {
                    let used = Use { setting, user: id, operand, source, only: None };
                    edges = edges.saturating_add(used.pull(&mut flow.causes, &own, cells));
                }
            }
            flow.cells.insert(id, own);
            if edges > MAX_EDGES {
                return Err(Error::new(
                    ErrorKind::Limit,
                    format!(
                        "reasons are looked for among at most {MAX_EDGES} local derivatives, the network with these rows has more"
                    ),
                )
                .help("give fewer rows"));
            }
        }
        Ok(flow)
    }

    /// The causes of these numbers.
    pub(super) fn causes(&self, numbers: &[u32]) -> Vec<Cause> {
        numbers.iter().filter_map(|&number| self.causes.0.get(number as usize).cloned()).collect()
    }

    /// Whether a cause is a dead unit.
    pub(super) fn is_dead(&self, number: u32) -> bool {
        matches!(self.causes.0.get(number as usize), Some(Cause::Dead { .. }))
    }

    /// The cells of one element of a parameter, a cell for each row.
    pub(super) fn of_element(&mut self, parameter: NodeId, element: usize) -> Vec<Cell> {
        self.of(parameter, self.setting.rows(), Some(element))
    }

    /// The cells of all elements of a parameter: for each element, a cell for each row.
    pub(super) fn of_parameter(&mut self, parameter: NodeId) -> Vec<Cell> {
        self.of(parameter, count(self.setting, parameter), None)
    }

    fn of(&mut self, source: NodeId, count: usize, only: Option<usize>) -> Vec<Cell> {
        let setting = self.setting;
        let graph = setting.forward().graph();
        let mut cells = vec![Cell::default(); count];
        for user in graph.ids() {
            let Some(own) = self.cells.get(user) else { continue };
            for (operand, &used) in graph.node(user).operands().iter().enumerate() {
                if used == source {
                    let used = Use { setting, user, operand, source, only };
                    used.pull(&mut self.causes, own, &mut cells);
                }
            }
        }
        cells
    }
}

/// How many cells a node has.
fn count(setting: &Setting, node: NodeId) -> usize {
    let elements: usize = setting.trace().shape(node).iter().product();
    match row_axis(setting.graph(), node) {
        Some(_) => elements,
        None => elements * setting.rows(),
    }
}

/// The row in which an element stands.
fn row(setting: &Setting, node: NodeId, element: usize) -> Option<usize> {
    let axis = row_axis(setting.graph(), node)?;
    Some(unravel(element, &setting.trace().shape(node))[axis])
}

impl Use<'_> {
    /// Tells the operand's `cells` what the user, whose cells are `own`, is to them; returns how many local derivatives
    /// were looked at.
    fn pull(&self, causes: &mut Causes, own: &[Cell], cells: &mut [Cell]) -> usize {
        let trace = self.setting.trace();
        let elements: usize = trace.shape(self.user).iter().product();
        let mut looked_at = 0;
        for element in 0..elements {
            let mut edges: Vec<Edge> = vec![];
            trace.edges(self.user, element, Basis::Engine, Some(self.operand), &mut |edge| {
                looked_at += 1;
                if self.only.is_none_or(|only| only == edge.element) {
                    edges.push(edge);
                }
            });
            for edge in edges {
                let Some(derivative) = edge.derivative else { continue };
                let cause = of_edge(self.setting, self.user, element, &edge);
                let cause = cause.map(|cause| causes.number(cause));
                for (from, to) in self.pairs(element, edge.element) {
                    cells[to].take(&own[from], derivative, cause);
                }
            }
        }
        looked_at
    }

    /// Which cells of the user belong to which cells of the operand: those of one row.
    fn pairs(&self, element: usize, operand_element: usize) -> Vec<(usize, usize)> {
        let rows = self.setting.rows();
        let user_row = row(self.setting, self.user, element);
        let operand_row = row(self.setting, self.source, operand_element);
        // One element that is asked about alone has its cells at the beginning.
        let place = if self.only.is_some() { 0 } else { operand_element };
        let pair = |row: usize| {
            let from = if user_row.is_some() { element } else { element * rows + row };
            let to = if operand_row.is_some() { place } else { place * rows + row };
            (from, to)
        };
        match operand_row.or(user_row) {
            Some(row) => vec![pair(row)],
            None => (0..rows).map(pair).collect(),
        }
    }
}

/// The nodes between parameters and loss, the parameters themselves left out.
fn inner_nodes(setting: &Setting) -> Vec<bool> {
    let graph = setting.forward().graph();
    let mut depends = vec![false; graph.nodes().len()];
    for id in graph.ids() {
        let node = graph.node(id);
        let above = |operand: &NodeId| {
            depends[operand.index()]
                || matches!(graph.node(*operand).op(), Op::Source(Source::Parameter { .. }))
        };
        depends[id.index()] = node.operands().iter().any(above);
    }
    let mut reaches = vec![false; graph.nodes().len()];
    reaches[setting.loss().index()] = true;
    for id in graph.ids().rev().filter(|id| id.index() <= setting.loss().index()) {
        if reaches[id.index()] {
            for operand in graph.node(id).operands() {
                reaches[operand.index()] = true;
            }
        }
    }
    depends.iter().zip(reaches).map(|(depends, reaches)| *depends && reaches).collect()
}
