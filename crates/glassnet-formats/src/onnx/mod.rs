//! ONNX files: networks of other frameworks, read into the graph; networks of ours, written for other runtimes.
//!
//! [`read_onnx`] reads a file of opset 7 or newer. Every node of the graph remembers the node of the file that it came
//! from, and messages name it. What depends on no input is computed while reading; weights become the state dict
//! under the file's names. Where the file is a plain chain of layers, [`OnnxModel::network`] is that chain, and everything
//! that works on a network works on it.
//!
//! # The batch
//! An open first axis is the batch. A file that was exported for a fixed number of rows is read as one for any number,
//! if no operation mixes rows; else as it says.
//!
//! # What is bounded
//! Nothing is allocated that the file does not hold, but what is computed from constants, which has a budget that grows with
//! the file. Data in other files are refused; nothing in a file is executed.
//!
//! # Source
//! <https://onnx.ai/onnx/operators/>

mod chain;
mod constant;
mod element;
mod emit;
mod fold;
mod limits;
mod node;
mod ops;
mod proto;
mod pruned;
mod read;
mod tensor;
mod value;
mod write;

#[cfg(doc)]
use glassnet::ErrorKind;
use glassnet::engine::{Block, Config, Draw, Plan};
use glassnet::graph::op::Source;
use glassnet::graph::{Checked, DType, Dim};
use glassnet::nn::{Network, StateDict};
use glassnet::{Error, Result, Tensor, Value};
use prost::Message;

use crate::Content;
use crate::message::short;
use constant::Data;
use read::{Imported, Rows};
pub use write::{OnnxExport, WRITTEN_OPSET, write_onnx};

/// The oldest version of the operators that is read.
pub const OLDEST_OPSET: i64 = 7;

/// The newest version of the operators that is read.
pub const NEWEST_OPSET: i64 = 28;

/// How a file is read.
#[derive(Clone, Debug, Default)]
pub struct OnnxOptions {
    /// Take fixed numbers of rows as they stand in the file.
    pub keep_fixed_rows: bool,
    /// Weights that are NaN or infinite.
    pub allow_non_finite: bool,
    /// Inputs that get a value for good, by name: shapes, axes, indices that a file asks its caller for.
    pub fixed: Vec<(String, Value)>,
}

impl OnnxOptions {
    fn is_fixed(&self, name: &str) -> bool {
        self.fixed_value(name).is_some()
    }

    fn fixed_value(&self, name: &str) -> Option<&Value> {
        self.fixed.iter().find(|(fixed, _)| fixed == name).map(|(_, value)| value)
    }
}

/// A file's network.
#[derive(Clone, Debug)]
pub struct OnnxModel {
    /// What it computes, from inputs to outputs of the file's names; truth values and whole numbers that it computes are
    /// floats.
    pub graph: Checked,
    /// The arrays that the graph reads, under the file's names. A weight that the file stores transposed is
    /// stored as PyTorch does.
    pub state: StateDict,
    /// The chain of layers that the file is, with keys of its own, if it is one.
    pub network: Option<Network>,
    /// The program that wrote the file.
    pub producer: String,
    /// The version of the operators.
    pub opset: i64,
    /// What a person should know: types that changed, outputs that were left out.
    pub notes: Vec<String>,
}

/// Reads a file's bytes; `name` stands in messages. Weights must be finite.
///
/// # Errors
/// - [`ErrorKind::Model`] when the bytes are something else, are malformed, do not fit together, or have data in other
///   files: what, and in which node.
/// - [`ErrorKind::Unsupported`] when an operator, or a use of one, is not read, with its node, and no output can be
///   computed without it.
/// - [`ErrorKind::Limit`] when the file asks for more than a network needs.
pub fn read_onnx(bytes: &[u8], name: &str) -> Result<OnnxModel> {
    read_onnx_with(bytes, name, &OnnxOptions::default())
}

/// As [`read_onnx`], with options.
///
/// # Errors
/// As [`read_onnx`].
pub fn read_onnx_with(bytes: &[u8], name: &str, options: &OnnxOptions) -> Result<OnnxModel> {
    read(bytes, options).map_err(|error| in_file(error, name))
}

fn read(bytes: &[u8], options: &OnnxOptions) -> Result<OnnxModel> {
    match Content::of(bytes) {
        Content::Onnx | Content::Unknown => {}
        other => {
            return Err(Error::model(format!("expected an ONNX model, the content is {other}"))
                .help("give a .onnx file"));
        }
    }
    limits::check_parts(bytes)?;
    let model =
        proto::Model::decode(prost::bytes::Bytes::copy_from_slice(bytes)).map_err(|error| {
            Error::model(format!(
                "the file is no ONNX model, or damaged: {}",
                short(&error.to_string())
            ))
            .help("export or download it again")
        })?;
    let opset = opset(&model)?;
    let graph = model
        .graph
        .as_ref()
        .ok_or_else(|| Error::model("the file has no graph").help("export or download it again"))?;
    let declared = || read::import(graph, opset, bytes.len(), Rows::Declared, options);
    let imported = if options.keep_fixed_rows {
        declared()?
    } else {
        match read::import(graph, opset, bytes.len(), Rows::Any, options) {
            Ok(imported) => imported,
            // What is wrong in either way is told as the file stands.
            Err(_) => declared()?,
        }
    };
    let Imported { graph, state, mut notes } = imported;
    if !options.allow_non_finite {
        state.check_finite()?;
    }
    let producer = [model.producer_name, model.producer_version];
    let producer: Vec<String> = producer
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty())
        .map(|text| short(&text))
        .collect();
    let network = chain::network(&graph, &state).map(|(network, renamed)| {
        notes.extend(names_note(&renamed));
        network
    });
    Ok(OnnxModel { graph, state, network, producer: producer.join(" "), opset, notes })
}

/// What the network's keys were called in the file.
fn names_note(renamed: &[(String, String)]) -> Option<String> {
    const MOST: usize = 8;
    let mut pairs: Vec<String> =
        renamed.iter().take(MOST).map(|(own, key)| format!("{own} was {}", short(key))).collect();
    if renamed.len() > MOST {
        pairs.push(format!("and {} more", renamed.len() - MOST));
    }
    (!pairs.is_empty()).then(|| format!("keys renamed: {}", pairs.join(", ")))
}

/// The version of ONNX's own operators.
fn opset(model: &proto::Model) -> Result<i64> {
    let own = model
        .opset_import
        .iter()
        .find(|set| matches!(set.domain.as_deref().unwrap_or(""), "" | "ai.onnx"));
    let Some(version) = own.and_then(|set| set.version) else {
        if let Some(other) = model.opset_import.iter().find_map(|set| set.domain.as_deref()) {
            let why = format!("it uses operators of {} only", short(other));
            return Err(Error::unsupported("the file", "the ONNX reader", &why)
                .help("export the model with ONNX's own operators"));
        }
        return Err(Error::model(
            "the file does not say which version of ONNX's operators it uses",
        )
        .help("export or download it again"));
    };
    let help = match version {
        ..OLDEST_OPSET => {
            "convert it in Python with onnx.version_converter.convert_version(model, 17)"
        }
        OLDEST_OPSET..=NEWEST_OPSET => return Ok(version),
        _ => "export it with a lower opset_version, such as 17",
    };
    let why = format!("{OLDEST_OPSET} to {NEWEST_OPSET} are read");
    Err(Error::unsupported(&format!("opset {version}"), "the ONNX reader", &why).help(help))
}

fn in_file(error: Error, name: &str) -> Error {
    match error.place() {
        Some(place) => {
            let place = format!("{name}, {place}");
            error.at(place)
        }
        None => error.at(name.to_owned()),
    }
}

impl OnnxModel {
    /// The outputs by name, computed in f32 by the engine.
    ///
    /// # Shapes
    /// Inputs and outputs have the graph's shapes for one common number of rows.
    ///
    /// # Errors
    /// When an input is missing or has another shape, or an operation has no kernel.
    pub fn predict(
        &self,
        inputs: &[(&str, Value)],
        config: &Config,
    ) -> Result<Vec<(String, Tensor)>> {
        let rows = self.rows(inputs)?;
        let graph = self.graph.graph();
        let results: Vec<_> = graph.outputs().iter().map(|&(_, id)| id).collect();
        let plan = Plan::compile(&self.graph, &results, rows, config)?;
        let mut block = Block::for_graph(&self.graph);
        for (key, value) in self.state.iter() {
            if let (Some(place), Some(array)) = (block.get_mut(key), value.as_f32()) {
                place.copy_from_slice(array.data());
            }
        }
        let mut memory = plan.memory();
        for (name, value) in inputs {
            let Some(place) = plan.input(name) else { continue };
            match value {
                Value::F32(tensor) => memory.floats_mut(place).copy_from_slice(tensor.data()),
                Value::I64(tensor) => memory.indices_mut(place).copy_from_slice(tensor.data()),
            }
        }
        plan.run(&block, &mut memory, Draw::default())?;
        let outputs = graph.outputs().iter().enumerate().map(|(index, (name, id))| {
            let data = plan.results(&memory)[plan.result_range(index)].to_vec();
            Ok((name.clone(), Tensor::new(self.graph.shape(*id).at(rows), data)?))
        });
        outputs.collect()
    }

    /// The number of rows that all inputs agree on.
    fn rows(&self, inputs: &[(&str, Value)]) -> Result<usize> {
        let mut rows = None;
        for (id, source) in self.graph.graph().sources() {
            let Source::Input { name, dtype, .. } = source else { continue };
            let given = inputs.iter().find(|(given, _)| given == name);
            let wanted = self.graph.shape(id);
            let place = || format!("input {name:?}");
            let Some((_, value)) = given else {
                return Err(
                    Error::data(format!("no values for the input of shape {wanted}")).at(place())
                );
            };
            let found = value.shape();
            let batch = wanted.dims().iter().position(|dim| *dim == Dim::Batch);
            let own = batch.and_then(|axis| found.get(axis).copied());
            rows = rows.or(own);
            if wanted.at(rows.unwrap_or(1)) != found {
                return Err(Error::data(format!(
                    "the values have shape {found:?}, expected {wanted}"
                ))
                .at(place()));
            }
            let fits = match value {
                Value::F32(_) => *dtype != DType::I64,
                Value::I64(_) => *dtype == DType::I64,
            };
            if !fits {
                return Err(Error::data("the values have another element type").at(place()));
            }
        }
        Ok(rows.unwrap_or(1))
    }

    /// The chain of layers that the file is, for what works on layers; `name` stands in messages.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the file is no chain of layers.
    pub fn into_network(self, name: &str) -> Result<Network> {
        self.network.ok_or_else(|| {
            let why = "its nodes are no chain of layers that glassnet has";
            Error::unsupported("the graph as a network", "the ONNX reader", why)
                .at(name.to_owned())
                .help("it can be computed by OnnxModel::predict, from the library")
        })
    }

    /// The operators that are read, by ONNX's names.
    pub fn operators() -> impl Iterator<Item = &'static str> {
        ops::names()
    }
}

/// Reads an array by itself, as ONNX's tools write them (`.pb`): its name and its elements, floats as f32, whole numbers and
/// truth values as i64.
///
/// # Errors
/// [`ErrorKind::Model`] when the bytes are no array, and [`ErrorKind::Unsupported`] for an element type that is not read.
pub fn read_onnx_tensor(bytes: &[u8]) -> Result<(String, Value)> {
    let array = proto::Tensor::decode(bytes)
        .map_err(|error| Error::model(format!("no array: {}", short(&error.to_string()))))?;
    let constant = tensor::read(&array)?;
    let shape = constant.shape.clone();
    let value = match &constant.data {
        Data::Floats(data) => Tensor::new(shape, data.iter().map(|&x| x as f32).collect())?.into(),
        Data::Wholes(_) => Tensor::new(shape, constant.numbers()?)?.into(),
        Data::Truths(data) => {
            Tensor::new(shape, data.iter().map(|&x| i64::from(x)).collect())?.into()
        }
    };
    Ok((array.name.unwrap_or_default(), value))
}
