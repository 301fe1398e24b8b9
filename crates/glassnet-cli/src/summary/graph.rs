//! The graph of an ONNX file that is no chain of layers: its nodes in their order.

use std::collections::HashSet;

use glassnet::Result;
use glassnet::graph::op::{Linear, Source};
use glassnet::graph::{Checked, Dim, NodeId, Op, Place};
use glassnet_formats::OnnxModel;
use serde_json::json;

use super::shape_text;
use crate::table::Table;
use crate::terminal::Terminal;

/// How many of the values that a node takes are named.
const MOST_READ: usize = 16;

/// A node of the file: one or several operations here.
struct Row {
    name: String,
    kind: String,
    /// The inputs and nodes whose values it takes.
    reads: Vec<String>,
    output: NodeId,
    parameters: usize,
    buffers: usize,
    products: usize,
}

pub(super) fn show(model: &OnnxModel, terminal: &mut Terminal) -> Result<()> {
    let graph = &model.graph;
    let rows = rows(graph);
    let total = |count: fn(&Row) -> usize| rows.iter().map(count).sum::<usize>();
    let (parameters, buffers) = (total(|row| row.parameters), total(|row| row.buffers));
    let products = total(|row| row.products);
    if terminal.json() {
        let layer = |row: &Row| {
            json!({
                "name": row.name,
                "kind": row.kind,
                "reads": row.reads,
                "output": lengths(graph, row.output),
                "parameters": row.parameters,
                "formula": null,
            })
        };
        return terminal.document(&json!({
            "schema": "glassnet.summary/1",
            "network": null,
            "layers": rows.iter().map(layer).collect::<Vec<_>>(),
            "outputs": graph.graph().outputs().iter().map(|(name, _)| name).collect::<Vec<_>>(),
            "parameters": parameters,
            "buffers": buffers,
            "macs_per_sample": products,
        }));
    }
    let producer = if model.producer.is_empty() { "" } else { ", written by " };
    terminal.line(&format!(
        "a graph of ONNX operators (opset {}{producer}{}), no chain of layers",
        model.opset, model.producer
    ))?;
    terminal.line("")?;
    let mut table = Table::new(&["node", "operator", "output", "parameters", "reads"]);
    for row in &rows {
        table.row(vec![
            row.name.clone(),
            row.kind.clone(),
            shape_text(&lengths(graph, row.output)),
            row.parameters.to_string(),
            row.reads.join(", "),
        ]);
    }
    terminal.text(&table.render(&[3]))?;
    terminal.line("")?;
    let outputs: Vec<&str> =
        graph.graph().outputs().iter().map(|(name, _)| name.as_str()).collect();
    terminal.line(&format!("outputs: {}", outputs.join(", ")))?;
    terminal.line(&format!("total: {parameters} parameters"))?;
    if buffers > 0 {
        terminal.line(&format!("buffers: {buffers}"))?;
    }
    terminal.line(&format!("products per sample: {products}"))
}

/// The shape without the batch.
fn lengths(graph: &Checked, id: NodeId) -> Vec<usize> {
    let dims = graph.shape(id).dims().iter();
    dims.filter_map(|dim| match dim {
        Dim::Batch => None,
        Dim::Fixed(length) => Some(*length),
    })
    .collect()
}

/// What a node of the graph is to a reader of the file.
enum Part {
    Input(String),
    Parameter(usize),
    Buffer(usize),
    Number,
    Node(String, String),
}

fn part(graph: &Checked, id: NodeId) -> Part {
    let node = graph.graph().node(id);
    let elements = || graph.shape(id).at(1).iter().product();
    match node.op() {
        Op::Source(Source::Input { name, .. }) => Part::Input(name.clone()),
        Op::Source(Source::Parameter { .. }) => Part::Parameter(elements()),
        Op::Source(Source::Buffer { .. }) => Part::Buffer(elements()),
        Op::Source(Source::Constant(_) | Source::Count(_)) => Part::Number,
        op @ (Op::Linear(_)
        | Op::Activation(_)
        | Op::Arithmetic(_)
        | Op::ActivationGrad(_)
        | Op::Softmax(_)
        | Op::Reduce(_)
        | Op::Normalize(_)
        | Op::Random(_)
        | Op::Gather(_)
        | Op::Layout(_)
        | Op::Loss(_)) => match &node.origin().place {
            Place::Layer(name) => Part::Node(name.clone(), node.origin().kind.clone()),
            Place::Line(_) | Place::Loss | Place::Own => {
                Part::Node(String::new(), op.name().to_owned())
            }
        },
    }
}

fn rows(graph: &Checked) -> Vec<Row> {
    let mut rows: Vec<Row> = vec![];
    let mut counted: HashSet<NodeId> = HashSet::new();
    for id in graph.graph().ids() {
        let row = |name, kind| Row {
            name,
            kind,
            reads: vec![],
            output: id,
            parameters: 0,
            buffers: 0,
            products: 0,
        };
        let (name, kind) = match part(graph, id) {
            Part::Input(name) => {
                rows.push(row(name, "input".to_owned()));
                continue;
            }
            Part::Parameter(_) | Part::Buffer(_) | Part::Number => continue,
            Part::Node(name, kind) => (name, kind),
        };
        let same = rows.last().is_some_and(|last| last.name == name && last.kind == kind);
        if !same {
            rows.push(row(name.clone(), kind));
        }
        let Some(row) = rows.last_mut() else { continue };
        row.output = id;
        row.products += products(graph, id);
        for &operand in graph.graph().node(id).operands() {
            match part(graph, operand) {
                Part::Input(read) | Part::Node(read, _) => {
                    if read != name && row.reads.len() < MOST_READ && !row.reads.contains(&read) {
                        row.reads.push(read);
                    }
                }
                // An array that two nodes read is counted once.
                Part::Parameter(elements) if counted.insert(operand) => row.parameters += elements,
                Part::Buffer(elements) if counted.insert(operand) => row.buffers += elements,
                Part::Parameter(_) | Part::Buffer(_) | Part::Number => {}
            }
        }
    }
    rows
}

/// The products of a matrix product of one sample.
fn products(graph: &Checked, id: NodeId) -> usize {
    let node = graph.graph().node(id);
    let Op::Linear(linear) = node.op() else { return 0 };
    let Some(&left) = node.operands().first() else { return 0 };
    let left = graph.shape(left).at(1);
    let inner = match linear {
        Linear::MatMul { transpose_a: true, .. } => left.iter().rev().nth(1),
        Linear::MatMul { transpose_a: false, .. } | Linear::Affine => left.last(),
    };
    graph.shape(id).at(1).iter().product::<usize>() * inner.copied().unwrap_or(1)
}
