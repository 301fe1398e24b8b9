//! Networks as ONNX files.
//!
//! Every layer becomes the operator of its name where opset 17 has one, else the few that its definition takes: files
//! that run in every ONNX Runtime from 1.12 on. Weights keep their keys and their layout, the batch is open. Dropout
//! and identities do nothing when a network is used, and leave no trace.

mod categories;
mod columns;
mod dates;
mod fragment;
mod layer;
mod nodes;
mod table;

use std::collections::HashMap;

use glassnet::graph::{Builder, DType, Dim, NodeId, Shape};
use glassnet::nn::{Lowering, Mode, Module, Network};
use glassnet::{Error, Result};
use prost::Message;

use super::element::Element;
use super::{description, proto};
use crate::model::Card;
pub use dates::OnnxDate;
use nodes::Nodes;
pub use table::{OnnxAnswer, OnnxColumn, OnnxEncoding, OnnxNumber, OnnxTable, write_onnx_table};

/// The version of the operators that is written.
pub const WRITTEN_OPSET: i64 = 17;

/// The version of the file format that belongs to it.
const IR_VERSION: i64 = 8;

/// The name of the open axis.
const BATCH: &str = "batch";

/// How a network is written.
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxExport {
    /// The shape of one row, where the layers do not tell it.
    pub row: Option<Vec<usize>>,
    /// The input's name.
    pub input: String,
    /// The output's name.
    pub output: String,
    /// What glassnet knows of the model beside the network, which [`open`](crate::open) reads again.
    pub card: Option<Card>,
    /// Further texts, by their keys.
    pub texts: Vec<(String, String)>,
}

impl Default for OnnxExport {
    /// The shape that the layers tell, from `x` to `y`.
    fn default() -> Self {
        OnnxExport {
            row: None,
            input: "x".to_owned(),
            output: "y".to_owned(),
            card: None,
            texts: vec![],
        }
    }
}

/// The bytes of an ONNX file of `network` in evaluation mode, of opset [`WRITTEN_OPSET`], for any number of rows.
///
/// # Shapes
/// One input `[batch, row…]` of float32, or int64 for a leading embedding; one output.
///
/// # Errors
/// [`ErrorKind::Usage`](glassnet::ErrorKind::Usage) when the layers do not tell the shape of a row and `export` does not,
/// or both names are one;
/// [`ErrorKind::Network`](glassnet::ErrorKind::Network) when the layers do not fit a row of that shape.
///
/// # Example
/// ```
/// use glassnet::nn::{self, Network};
/// use glassnet_formats::{OnnxExport, read_onnx, write_onnx};
/// let network = Network::new(nn::parse("6-32-4")?, 0)?;
/// let bytes = write_onnx(&network, &OnnxExport::default())?;
/// assert_eq!(read_onnx(&bytes, "model.onnx")?.network, Some(network));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn write_onnx(network: &Network, export: &OnnxExport) -> Result<Vec<u8>> {
    if export.input == export.output || export.input.is_empty() || export.output.is_empty() {
        return Err(Error::usage("the input and the output need two different names"));
    }
    let mut nodes = Nodes::new([export.input.as_str()]);
    let written = append(network, export.row.as_deref(), (&export.input, ""), &mut nodes)?;
    nodes.finish(written.output, &export.input, &export.output);
    let element = match network.module().input_dtype() {
        DType::I64 => Element::I64,
        DType::F32 | DType::F64 | DType::Bool => Element::F32,
    };
    let inputs = vec![info(&export.input, element.code(), &written.row)];
    let outputs = vec![info(&export.output, Element::F32.code(), &written.shape)];
    file(nodes, inputs, outputs, &[operators("", WRITTEN_OPSET)], export)
}

/// What became of a network.
struct Written {
    /// The name of its result.
    output: String,
    /// The shapes of its input and its result.
    row: Shape,
    shape: Shape,
}

/// Appends a network, applied to the value called `x`, whose arrays are called as in its state dict behind `prefix`.
fn append(
    network: &Network,
    row: Option<&[usize]>,
    (x, prefix): (&str, &str),
    nodes: &mut Nodes,
) -> Result<Written> {
    let module = network.module();
    let shape = match row {
        Some(row) => Shape::batch(row.iter().copied()),
        None => module.input_shape().ok_or_else(|| {
            Error::usage("the layers do not tell the shape of a row").help("give it")
        })?,
    };
    let mut builder = Builder::new();
    let input = builder.input("x", module.input_dtype(), shape.clone())?;
    let mut lowering = Lowering::new(Mode::Eval);
    let y = module.lower(&mut builder, input, &mut lowering)?;
    let lowered = lowering
        .layers
        .iter()
        .map(|layer| (layer.name.clone(), (layer.input, layer.output)))
        .collect::<HashMap<String, (NodeId, NodeId)>>();
    let mut writer = Writer { builder: &builder, lowered, network, prefix, nodes };
    let output = writer.module("", module, x.to_owned())?;
    Ok(Written { output, row: shape, shape: builder.shape(y).clone() })
}

/// The operators of `domain`, ONNX's own being the empty one, in a version.
fn operators(domain: &str, version: i64) -> proto::OperatorSet {
    proto::OperatorSet { domain: Some(domain.to_owned()), version: Some(version) }
}

/// The bytes of a file.
fn file(
    nodes: Nodes,
    input: Vec<proto::ValueInfo>,
    output: Vec<proto::ValueInfo>,
    opset_import: &[proto::OperatorSet],
    export: &OnnxExport,
) -> Result<Vec<u8>> {
    let graph = proto::Graph {
        name: Some("glassnet".to_owned()),
        node: nodes.nodes,
        initializer: nodes.arrays,
        input,
        output,
        doc_string: None,
        sparse_initializer: vec![],
    };
    let metadata = description::written(&graph, export.card.as_ref(), &export.texts)?;
    Ok(proto::Model {
        metadata,
        ir_version: Some(IR_VERSION),
        producer_name: Some("glassnet".to_owned()),
        producer_version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        graph: Some(graph),
        opset_import: opset_import.to_vec(),
        ..proto::Model::default()
    }
    .encode_to_vec())
}

/// A name with its type; the batch is open.
fn info(name: &str, element: i32, shape: &Shape) -> proto::ValueInfo {
    let dim = |dim: &Dim| match dim {
        Dim::Batch => proto::Dimension { value: None, symbol: Some(BATCH.to_owned()) },
        Dim::Fixed(length) => proto::Dimension { value: Some(*length as i64), symbol: None },
    };
    let shape = proto::TensorShape { dim: shape.dims().iter().map(dim).collect() };
    let array = proto::TensorType { elem_type: Some(element), shape: Some(shape) };
    proto::ValueInfo {
        name: Some(name.to_owned()),
        value_type: Some(proto::ValueType { tensor: Some(array) }),
    }
}

/// The file under construction, beside the graph that the layers become here.
struct Writer<'a> {
    builder: &'a Builder,
    /// The input and the output of every layer, by its state-dict prefix.
    lowered: HashMap<String, (NodeId, NodeId)>,
    network: &'a Network,
    /// What stands before the network's keys in the file.
    prefix: &'a str,
    nodes: &'a mut Nodes,
}

impl Writer<'_> {
    /// Appends a module at `path`, applied to the value called `x`, and returns the name of its result.
    fn module(&mut self, path: &str, module: &Module, x: String) -> Result<String> {
        let Some(children) = module.children() else { return self.layer(path, module, &x) };
        let mut y = x.clone();
        for (name, child) in children {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            y = self.module(&below, child, y)?;
        }
        match module {
            Module::Residual(_) => Ok(self.nodes.push(path, "Add", &[&x, &y], vec![])),
            Module::Sequential(_)
            | Module::Linear(_)
            | Module::Activation(_)
            | Module::Prelu(_)
            | Module::Formula(_)
            | Module::Softmax { .. }
            | Module::LogSoftmax { .. }
            | Module::Identity
            | Module::Flatten(_)
            | Module::Dropout(_)
            | Module::BatchNorm1d(_)
            | Module::LayerNorm(_)
            | Module::Embedding(_)
            | Module::EmbedColumns(_) => Ok(y),
        }
    }

    /// The layer's input and output in the graph.
    fn ends(&self, path: &str) -> Result<(NodeId, NodeId)> {
        self.lowered
            .get(path)
            .copied()
            .ok_or_else(|| Error::network(format!("layer {path:?} is not in the graph")))
    }

    /// The array of a layer, which enters the file under its key.
    fn array(&mut self, path: &str, name: &str) -> Result<String> {
        let key = if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
        self.stored(&key)
    }

    /// The array of a key, which enters the file under it.
    fn stored(&mut self, key: &str) -> Result<String> {
        let array = self.network.state_dict().floats(key)?;
        let name = format!("{}{key}", self.prefix);
        self.nodes.array(&name, array.shape(), array.data());
        Ok(name)
    }
}
