//! Names of layers and units, and where activations have their kinks in a graph.

use super::setting::unravel;
use crate::graph::op::Activation;
use crate::graph::{Checked, Dim, NodeId, NodeMap, Op, Place};
use crate::reference::Array;

/// Where a value stands: `layer "1" (ReLU) unit 1`. Its words count units from 1, as an explanation's formulas do;
/// its index from 0.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit {
    /// The layer's state-dict prefix and kind as messages name it: `layer "1" (ReLU)`, `loss (MSELoss)`.
    pub layer: String,
    /// The index along the axes behind the rows.
    pub index: Vec<usize>,
}

impl std::fmt::Display for Unit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.layer)?;
        match self.index.as_slice() {
            [] => Ok(()),
            [unit] => write!(f, " unit {}", unit + 1),
            index => {
                let counted: Vec<usize> = index.iter().map(|place| place + 1).collect();
                write!(f, " unit {counted:?}")
            }
        }
    }
}

/// The unit and the row of element `element` of `node`; the row of values without rows is `None`.
pub(super) fn locate(
    graph: &Checked,
    node: NodeId,
    element: usize,
    rows: usize,
) -> (Unit, Option<usize>) {
    let mut index = unravel(element, &graph.shape(node).at(rows));
    let row = row_axis(graph, node).map(|axis| index.remove(axis));
    (Unit { layer: layer(graph, node), index }, row)
}

/// The axis of a node's value along which rows lie.
pub(super) fn row_axis(graph: &Checked, node: NodeId) -> Option<usize> {
    graph.shape(node).dims().iter().position(|dim| *dim == Dim::Batch)
}

/// The layer of a node as messages name it.
pub(super) fn layer(graph: &Checked, node: NodeId) -> String {
    let origin = graph.graph().node(node).origin();
    match (&origin.place, origin.kind.is_empty()) {
        (Place::Layer(_) | Place::Loss | Place::Line(_), _) | (Place::Own, false) => {
            format!("{origin}")
        }
        (Place::Own, true) => "the network".to_owned(),
    }
}

/// What the rows of an explanation are called: by names of their own, or counted from 1.
///
/// ```
/// use glassnet::explain::RowNames;
/// let table = ["row 17 (line 18)".to_owned(), "row 20 (line 21)".to_owned()];
/// assert_eq!(RowNames(&table).words(&[1], 2), "row 20 (line 21)");
/// assert_eq!(RowNames::default().words(&[0, 2], 3), "rows 1 and 3");
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct RowNames<'a>(pub &'a [String]);

impl RowNames<'_> {
    /// One row.
    pub fn one(&self, row: usize) -> String {
        self.0.get(row).cloned().unwrap_or_else(|| format!("row {}", row + 1))
    }

    /// Rows in words: `row 1`, `rows 1, 2 and 3`, `all 3 rows`, `rows 1, 2, 3, 4, 5, … (17 of 40)`.
    pub fn words(&self, rows: &[usize], all: usize) -> String {
        let (noun, names): (&str, Vec<String>) = match self.0.is_empty() {
            true => ("rows ", rows.iter().map(|row| (row + 1).to_string()).collect()),
            false => ("", rows.iter().map(|row| self.one(*row)).collect()),
        };
        match names.as_slice() {
            [] => "no row".to_owned(),
            _ if rows.len() == all && all > 1 => format!("all {all} rows"),
            [_] => self.one(rows[0]),
            names if names.len() > 6 => {
                format!("{noun}{}, … ({} of {all})", names[..5].join(", "), names.len())
            }
            [first @ .., last] => format!("{noun}{} and {last}", first.join(", ")),
        }
    }
}

/// An activation whose derivative jumps somewhere, and the node of its argument.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kinked {
    pub(super) node: NodeId,
    pub(super) argument: NodeId,
    pub(super) activation: Activation,
}

/// All activations with kinks among the graph's first `forward` nodes.
pub(super) fn kinked(graph: &Checked) -> Vec<Kinked> {
    let activation = |node: NodeId| match graph.graph().node(node).op() {
        Op::Activation(activation) if !activation.kinks().is_empty() => {
            let argument = graph.graph().node(node).operands()[0];
            Some(Kinked { node, argument, activation: *activation })
        }
        _ => None, // not operations: a filter for one family
    };
    graph.graph().ids().filter_map(activation).collect()
}

/// Which side of its kinks every argument lies on: a pattern that stays the same while nothing crosses a kink.
pub(super) fn pattern(kinked: &[Kinked], values: &NodeMap<Array>) -> Vec<usize> {
    let mut sides = vec![];
    for place in kinked {
        let kinks = place.activation.kinks();
        let Some(Ok(z)) = values.get(place.argument).map(Array::floats) else { continue };
        sides.extend(z.data().iter().map(|z| kinks.iter().filter(|kink| *z > **kink).count()));
    }
    sides
}
