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
mod description;
mod element;
mod emit;
mod fold;
mod limits;
mod node;
mod ops;
mod predict;
mod proto;
mod pruned;
mod read;
mod tensor;
mod value;
mod write;

#[cfg(doc)]
use glassnet::ErrorKind;
use glassnet::graph::Checked;
use glassnet::nn::{Network, StateDict};
use glassnet::{Error, Result, Tensor, Value};
use prost::Message;

use crate::message::short;
use crate::model::Card;
use crate::{Content, Format, ModelFile, Note, Opened};
use constant::Data;
use description::Described;
use read::{Imported, Rows};
pub use write::{
    OnnxAnswer, OnnxColumn, OnnxDate, OnnxEncoding, OnnxExport, OnnxNumber, OnnxTable,
    WRITTEN_OPSET, write_onnx, write_onnx_table,
};

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
    pub notes: Vec<Note>,
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

/// Reads a file as [`open`](crate::open) gives it: as the model of its description, as the chain of layers that it is, or as a
/// graph.
/// Weights may be NaN or infinite: the door judges them, as those of every format.
pub(crate) fn open(bytes: &[u8], name: &str) -> Result<Opened> {
    let model = decode(bytes).map_err(|error| in_file(error, name))?;
    let metadata = description::others(&model);
    let mut notes = vec![];
    match description::read(&model, name)? {
        Described::Nothing => {}
        Described::Foreign(note) => notes.push(note),
        Described::Model(described) => {
            let (card, state) = *described;
            let model = ModelFile { state, card: Some(card) };
            return Ok(Opened { format: Format::Onnx, model, metadata, notes, graph: None });
        }
    }
    let options = OnnxOptions { allow_non_finite: true, ..OnnxOptions::default() };
    let mut read = of(&model, bytes.len(), &options).map_err(|error| in_file(error, name))?;
    notes.append(&mut read.notes);
    let format = Format::Onnx;
    // A chain that doesn't say how many inputs it has is of less use than the graph, which does.
    let sized = |network: &Network| network.module().input_shape().is_some();
    Ok(match read.network.take().filter(sized) {
        Some(network) => {
            let card = Some(Card::new(network.module().notation()));
            let model = ModelFile { state: network.state_dict().clone(), card };
            Opened { format, model, metadata, notes, graph: None }
        }
        None => {
            let model = ModelFile { state: read.state.clone(), card: None };
            Opened { format, model, metadata, notes, graph: Some(Box::new(read)) }
        }
    })
}

fn read(bytes: &[u8], options: &OnnxOptions) -> Result<OnnxModel> {
    of(&decode(bytes)?, bytes.len(), options)
}

/// The messages of a file.
fn decode(bytes: &[u8]) -> Result<proto::Model> {
    match Content::of(bytes) {
        Content::Onnx | Content::Unknown => {}
        other => {
            return Err(Error::model(format!("expected an ONNX model, the content is {other}"))
                .help("give a .onnx file"));
        }
    }
    limits::check_parts(bytes)?;
    proto::Model::decode(prost::bytes::Bytes::copy_from_slice(bytes)).map_err(|error| {
        Error::model(format!(
            "the file is no ONNX model, or damaged: {}",
            short(&error.to_string())
        ))
        .help("export or download it again")
    })
}

/// The model of a file of so many bytes.
fn of(model: &proto::Model, size: usize, options: &OnnxOptions) -> Result<OnnxModel> {
    let opset = opset(model)?;
    let graph = model
        .graph
        .as_ref()
        .ok_or_else(|| Error::model("the file has no graph").help("export or download it again"))?;
    let declared = || read::import(graph, opset, size, Rows::Declared, options);
    let imported = if options.keep_fixed_rows {
        declared()?
    } else {
        match read::import(graph, opset, size, Rows::Any, options) {
            Ok(imported) => imported,
            // What is wrong in either way is told as the file stands.
            Err(_) => declared()?,
        }
    };
    let Imported { graph, state, mut notes } = imported;
    if !options.allow_non_finite {
        state.check_finite()?;
    }
    let producer = [&model.producer_name, &model.producer_version];
    let producer: Vec<String> = producer
        .into_iter()
        .flatten()
        .filter(|text| !text.is_empty())
        .map(|text| short(text))
        .collect();
    let network = chain::network(&graph, &state).map(|(network, renamed)| {
        if !renamed.is_empty() {
            notes.push(Note::Keys(renamed));
        }
        network
    });
    Ok(OnnxModel { graph, state, network, producer: producer.join(" "), opset, notes })
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

/// The error where layers are needed and the graph of the file `name` is no chain of them.
pub fn no_chain(name: &str) -> Error {
    let why = "its nodes are no chain of layers that glassnet has";
    Error::unsupported("the graph as a network", "the ONNX reader", why)
        .at(name.to_owned())
        .help("predict, evaluate and summary take it as it is")
}

fn in_file(error: Error, name: &str) -> Error {
    let error = read::of_the_file(error);
    match error.place() {
        Some(place) => {
            let place = format!("{name}, {place}");
            error.at(place)
        }
        None => error.at(name.to_owned()),
    }
}

impl OnnxModel {
    /// The chain of layers that the file is, for what works on layers; `name` stands in messages.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] when the file is no chain of layers.
    pub fn into_network(self, name: &str) -> Result<Network> {
        self.network.ok_or_else(|| no_chain(name))
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
