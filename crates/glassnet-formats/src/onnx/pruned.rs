//! A file's graph when all of it is read: only what the outputs need, and whether rows stay apart in it.

use glassnet::graph::op::Source;
use glassnet::graph::{Builder, Checked, Dim, Graph, NodeId, NodeMap, Op};
use glassnet::nn::StateDict;
use glassnet::{Error, Result};

/// The nodes that the outputs need, all inputs, and the arrays that they read.
pub(super) fn pruned(
    graph: &Graph,
    outputs: &[(&str, NodeId)],
    state: &StateDict,
) -> Result<(Checked, StateDict)> {
    let mut needed: NodeMap<()> = NodeMap::for_graph(graph);
    for &(_, id) in outputs {
        needed.insert(id, ());
    }
    for id in graph.ids().rev() {
        if needed.contains(id) {
            for &operand in graph.node(id).operands() {
                needed.insert(operand, ());
            }
        }
    }
    let mut builder = Builder::new();
    let mut kept_state = StateDict::new();
    let mut moved: NodeMap<NodeId> = NodeMap::for_graph(graph);
    for id in graph.ids() {
        let node = graph.node(id);
        let is_input = matches!(node.op(), Op::Source(Source::Input { .. }));
        if !needed.contains(id) && !is_input {
            continue;
        }
        builder.restore_origin(node.origin().clone());
        let operands = node.operands().iter().map(|&operand| moved[operand]).collect();
        moved.insert(id, builder.push(node.op().clone(), operands)?);
        if let Op::Source(Source::Parameter { name, .. } | Source::Buffer { name, .. }) = node.op()
            && let Some(array) = state.get(name)
        {
            kept_state.insert(name.clone(), array.clone());
        }
    }
    for &(name, id) in outputs {
        builder.output(name, moved[id]);
    }
    Ok((builder.finish_checked(), kept_state))
}

/// Checks a graph for any number of rows that a file declares for some: no operation may mix them, and every output
/// must have them along its first axis.
pub(super) fn rows_stay_apart(checked: &Checked) -> Result<()> {
    let mixed = || {
        Error::unsupported(
            "rows that meet",
            "the ONNX reader",
            "the file is for a fixed number of rows",
        )
    };
    let graph = checked.graph();
    let batch = |id: NodeId, axis: usize| checked.shape(id).dims().get(axis) == Some(&Dim::Batch);
    for id in graph.ids() {
        let node = graph.node(id);
        let first = node.operands().first().copied();
        let axes: Vec<usize> = match node.op() {
            Op::Softmax(softmax) => vec![softmax.axis()],
            Op::Reduce(reduce) => reduce.axes.clone(),
            Op::Normalize(normalize) => normalize.axes.clone(),
            // A loss over rows is one number of all of them, and their number is what it is in the file; products sum over what the shapes below show.
            Op::Loss(_) | Op::Source(Source::Count(_)) => return Err(mixed()),
            Op::Linear(_)
            | Op::Source(
                Source::Input { .. }
                | Source::Parameter { .. }
                | Source::Buffer { .. }
                | Source::Constant(_),
            )
            | Op::Arithmetic(_)
            | Op::Activation(_)
            | Op::ActivationGrad(_)
            | Op::Random(_)
            | Op::Gather(_)
            | Op::Layout(_) => vec![],
        };
        let sums_rows = first.is_some_and(|first| axes.iter().any(|&axis| batch(first, axis)));
        let rows =
            |id: NodeId| checked.shape(id).dims().iter().filter(|dim| **dim == Dim::Batch).count();
        let own = rows(id);
        let given = node.operands().iter().map(|&operand| rows(operand)).max().unwrap_or(own);
        if sums_rows || own < given || own > 1 {
            return Err(mixed());
        }
    }
    match graph.outputs().iter().all(|&(_, id)| batch(id, 0)) {
        true => Ok(()),
        false => Err(mixed()),
    }
}
