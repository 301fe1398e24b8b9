//! The joints of a graph: the nodes that every path from its input to its output passes.

use std::collections::HashMap;

use glassnet::graph::op::Source;
use glassnet::graph::{Checked, NodeId, Op};

/// The input of a graph and the joints behind it, the output last.
pub(super) struct Joints {
    pub(super) input: NodeId,
    pub(super) joints: Vec<NodeId>,
}

/// The joints of a graph with one input and one output that depends on it.
pub(super) fn joints(checked: &Checked) -> Option<Joints> {
    let graph = checked.graph();
    let mut inputs =
        graph.ids().filter(|&id| matches!(graph.node(id).op(), Op::Source(Source::Input { .. })));
    let (input, None) = (inputs.next()?, inputs.next()) else { return None };
    let &[(_, output)] = graph.outputs() else { return None };
    if input == output {
        return Some(Joints { input, joints: vec![] });
    }
    let ids: Vec<NodeId> = graph.ids().filter(|&id| id > input && id <= output).collect();
    Some(Joints { input, joints: between(checked, &ids, input, None)? })
}

/// The joints from `from` to the last of `ids`, the nodes behind it, where the edge from `from` to `but` does not count.
pub(super) fn joints_between(
    checked: &Checked,
    ids: &[NodeId],
    from: NodeId,
    but: NodeId,
) -> Option<Vec<NodeId>> {
    between(checked, ids, from, Some(but))
}

fn between(
    checked: &Checked,
    ids: &[NodeId],
    from: NodeId,
    but: Option<NodeId>,
) -> Option<Vec<NodeId>> {
    let graph = checked.graph();
    let to = *ids.last()?;
    // The last user of every node that depends on `from`.
    let mut last: HashMap<NodeId, NodeId> = HashMap::from([(from, from)]);
    for &id in ids {
        let mut depends = false;
        for operand in graph.node(id).operands() {
            if but == Some(id) && *operand == from {
                continue;
            }
            if let Some(last) = last.get_mut(operand) {
                *last = id;
                depends = true;
            }
        }
        if depends {
            last.insert(id, id);
        }
    }
    if !last.contains_key(&to) {
        return None;
    }
    let mut dependents: Vec<NodeId> = last.keys().copied().collect();
    dependents.sort_unstable();
    let mut joints = vec![];
    let mut reach = from;
    for id in dependents {
        // Whatever began before this node ends in it.
        if id != from && reach <= id {
            joints.push(id);
        }
        reach = reach.max(last[&id]);
    }
    (joints.last() == Some(&to)).then_some(joints)
}
