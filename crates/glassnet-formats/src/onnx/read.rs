//! From a file's nodes to a graph.
//!
//! Only what the outputs need is looked at. Names are values ([`Value`]): what is known is computed at once, what
//! depends on an input becomes nodes of the graph. An output that needs something unsupported is left out where
//! another can be computed, and a note says so.

use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use glassnet::graph::{Checked, DType, Dim, NodeId, Origin, Shape};
use glassnet::nn::StateDict;
use glassnet::{Error, ErrorKind, Result};

use super::constant::Constant;
use super::element::{self, Class, Element};
use super::emit::Emitter;
use super::fold::{self, MOST_AXES};
use super::node::Node;
use super::pruned::{pruned, rows_stay_apart};
use super::value::{Known, Operands, Value};
use super::{OnnxOptions, ops, proto, tensor};
use crate::Note;
use crate::message::{quoted, short};

/// What folding may cost beside what the file's size allows, in elements computed.
const FOLDING: usize = 1 << 24;

/// The most inputs.
const MOST_INPUTS: usize = 1000;

/// What became of a name.
type Outcome = std::result::Result<Value, Error>;

/// A file's graph under one way to see its batch.
pub(super) struct Imported {
    pub(super) graph: Checked,
    pub(super) state: StateDict,
    pub(super) notes: Vec<Note>,
}

/// How fixed first axes are seen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rows {
    /// As the file says.
    Declared,
    /// As any number of rows.
    Any,
}

/// Reads the nodes that the outputs need.
///
/// # Errors
/// See [`read_onnx`](super::read_onnx); also, with [`Rows::Any`], when rows would not stay apart.
pub(super) fn import(
    graph: &proto::Graph,
    opset: i64,
    size: usize,
    rows: Rows,
    options: &OnnxOptions,
) -> Result<Imported> {
    let initializers: HashMap<&str, &proto::Tensor> = graph
        .initializer
        .iter()
        .filter_map(|tensor| Some((tensor.name.as_deref()?, tensor)))
        .collect();
    let inputs: Vec<&proto::ValueInfo> = graph
        .input
        .iter()
        .filter(|input| !initializers.contains_key(input.name.as_deref().unwrap_or("")))
        .collect();
    let lifted = if rows == Rows::Any { fixed_rows(&inputs, options)? } else { None };
    let mut reader = Reader {
        graph,
        opset,
        initializers,
        emitter: Emitter::new(FOLDING.saturating_add(size), lifted),
        values: HashMap::new(),
        notes: vec![],
    };
    let needed = reader.needed()?;
    let inputs: Vec<&proto::ValueInfo> = inputs
        .into_iter()
        .filter(|input| needed.names.contains(input.name.as_deref().unwrap_or("")))
        .collect();
    if inputs.len() > MOST_INPUTS {
        return Err(Error::new(ErrorKind::Limit, format!("the file has {} inputs", inputs.len()))
            .help(format!("at most {MOST_INPUTS} are read")));
    }
    let mut seen = HashSet::new();
    for input in inputs {
        let name = input.name.as_deref().unwrap_or("");
        if !seen.insert(name) {
            return Err(Error::model(format!("two inputs are called {}", quoted(name)))
                .help("export the model again"));
        }
        reader.input(input, &needed, options)?;
    }
    reader.nodes(&needed)?;
    reader.finish(lifted.is_some())
}

/// The number of rows that all inputs of two axes or more declare, where it is one fixed number.
fn fixed_rows(inputs: &[&proto::ValueInfo], options: &OnnxOptions) -> Result<Option<usize>> {
    let mut rows = None;
    for input in inputs {
        if options.is_fixed(input.name.as_deref().unwrap_or("")) {
            continue;
        }
        let shape = declared(input)?;
        let (Some(Some(first)), true) = (shape.first(), shape.len() >= 2) else { return Ok(None) };
        if rows.is_some_and(|rows| rows != *first) {
            return Ok(None);
        }
        rows = Some(*first);
    }
    Ok(rows)
}

/// The axes' lengths; `None` where the file leaves one open.
fn declared(input: &proto::ValueInfo) -> Result<Vec<Option<usize>>> {
    let place = || format!("input {}", quoted(input.name.as_deref().unwrap_or("")));
    let array = input.value_type.as_ref().and_then(|kind| kind.tensor.as_ref());
    let Some(array) = array else {
        return Err(Error::unsupported("an input", "the ONNX reader", "it is no array").at(place()));
    };
    let Some(shape) = &array.shape else {
        return Err(Error::model("the file does not say which shape the input has")
            .at(place())
            .help("export the model with input shapes"));
    };
    if shape.dim.len() > MOST_AXES {
        return Err(Error::model(format!("the input has {} axes", shape.dim.len())).at(place()));
    }
    let lengths = shape.dim.iter().enumerate().map(|(at, dim)| match dim.value {
        None | Some(-1) => Ok(None),
        // Some exporters write an open number of rows as 0.
        Some(0) if at == 0 => Ok(None),
        Some(length) => usize::try_from(length).map(Some).map_err(|_| {
            Error::model(format!("the input has an axis of length {length}")).at(place())
        }),
    });
    lengths.collect()
}

struct Reader<'a> {
    graph: &'a proto::Graph,
    opset: i64,
    initializers: HashMap<&'a str, &'a proto::Tensor>,
    emitter: Emitter,
    values: HashMap<&'a str, Outcome>,
    notes: Vec<Note>,
}

/// The nodes that the outputs need, and the names that those read.
struct Needed<'a> {
    nodes: Vec<bool>,
    names: HashSet<&'a str>,
}

impl<'a> Reader<'a> {
    /// Walks back from the outputs.
    fn needed(&self) -> Result<Needed<'a>> {
        let mut makers: HashMap<&str, usize> = HashMap::new();
        for (at, node) in self.graph.node.iter().enumerate() {
            for name in node.output.iter().filter(|name| !name.is_empty()) {
                if makers.insert(name, at).is_some() {
                    return Err(Error::model(format!("two nodes compute {}", quoted(name)))
                        .at(Node { proto: node, opset: self.opset }.place())
                        .help("export the model again"));
                }
            }
        }
        let mut needed =
            Needed { nodes: vec![false; self.graph.node.len()], names: HashSet::new() };
        let mut waiting: Vec<&str> =
            self.graph.output.iter().filter_map(|output| output.name.as_deref()).collect();
        while let Some(name) = waiting.pop() {
            if !needed.names.insert(name) {
                continue;
            }
            if let Some(&maker) = makers.get(name)
                && !std::mem::replace(&mut needed.nodes[maker], true)
            {
                waiting.extend(self.graph.node[maker].input.iter().map(String::as_str));
            }
        }
        Ok(needed)
    }

    fn input(
        &mut self,
        input: &'a proto::ValueInfo,
        needed: &Needed<'_>,
        options: &OnnxOptions,
    ) -> Result<()> {
        let name = input.name.as_deref().unwrap_or("");
        let place = || format!("input {}", quoted(name));
        let misplaced =
            |error: Error| if error.place().is_some() { error } else { error.at(place()) };
        let code = input
            .value_type
            .as_ref()
            .and_then(|kind| kind.tensor.as_ref())
            .and_then(|array| array.elem_type)
            .unwrap_or(0);
        let Some(element) = Element::of(code) else {
            // An input that nothing needs harms nobody.
            let why = format!("its elements are {}", element::name_of(code));
            let mut error = Error::unsupported("an input", "the ONNX reader", &why).at(place());
            if code == element::STRING {
                error = error.help("a graph of raw columns: give the model that it was made of");
            }
            self.values.insert(name, Err(error));
            return Ok(());
        };
        if let Some(fixed) = options.fixed_value(name) {
            let constant = Constant::given(fixed, element).map_err(misplaced)?;
            let known = Known { constant: Rc::new(constant), key: Rc::from(name), trained: false };
            self.values.insert(name, Ok(Value::Known(known)));
            return Ok(());
        }
        let shape = self.input_shape(input).map_err(misplaced)?;
        let dtype = match element.class() {
            Class::Whole if self.is_index(name, needed) => DType::I64,
            Class::Float | Class::Whole | Class::Truth => DType::F32,
        };
        self.note_type(name, element, dtype);
        self.emitter.builder.set_origin(Origin::layer(short(name), "input"));
        let id = self.emitter.builder.input(name, dtype, shape).map_err(misplaced)?;
        self.values.insert(name, Ok(Value::Node { id, element }));
        Ok(())
    }

    fn note_type(&mut self, name: &str, element: Element, dtype: DType) {
        let note = match (element.class(), dtype) {
            (Class::Float, _) if element == Element::F32 => return,
            (Class::Float, _) => format!("is {element} in the file and float32 here"),
            (Class::Truth, _) => "is bool in the file: give 0 and 1".to_owned(),
            (Class::Whole, DType::I64) => return,
            (Class::Whole, _) => {
                format!(
                    "is {element} in the file and float32 here: whole numbers up to 2^24 are exact"
                )
            }
        };
        self.notes.push(Note::Interface(format!("input {} {note}", quoted(name))));
    }

    /// The first open axis, or under [`Rows::Any`] the first one, is the batch.
    fn input_shape(&self, input: &proto::ValueInfo) -> Result<Shape> {
        let lengths = declared(input)?;
        let symbols = input
            .value_type
            .as_ref()
            .and_then(|kind| kind.tensor.as_ref())
            .and_then(|array| array.shape.as_ref())
            .map_or(&[][..], |shape| &shape.dim);
        let symbol =
            |at: usize| symbols.get(at).and_then(|dim: &proto::Dimension| dim.symbol.as_deref());
        let mut open: Vec<usize> = (0..lengths.len()).filter(|&at| lengths[at].is_none()).collect();
        // Two axes of one name are of one length, which is the batch's only once.
        open.dedup_by(|a, b| symbol(*a).is_some() && symbol(*a) == symbol(*b));
        if open.len() > 1 {
            let named: Vec<String> =
                open.iter().map(|&at| format!("{at} ({})", symbol(at).unwrap_or("?"))).collect();
            return Err(Error::unsupported(
                "an input with several open lengths",
                "the ONNX reader",
                &format!("axes {} are open, one may be: the number of rows", named.join(", ")),
            )
            .help("export the model with fixed lengths for all axes but the batch"));
        }
        let mut dims: Vec<Dim> =
            lengths.iter().map(|length| length.map_or(Dim::Batch, Dim::Fixed)).collect();
        if self.emitter.lifted.is_some()
            && let Some(first) = dims.first_mut()
        {
            *first = Dim::Batch;
        }
        let shape = Shape::from(dims);
        fold::elements(&shape.at(1))?;
        Ok(shape)
    }

    /// Whether a name's numbers are looked up or name classes, through nodes that keep them as they are.
    fn is_index(&self, name: &str, needed: &Needed<'_>) -> bool {
        let mut names = HashSet::from([name]);
        for (node, _) in self.graph.node.iter().zip(&needed.nodes).filter(|(_, needed)| **needed) {
            let kind = node.op_type.as_deref().unwrap_or("");
            let at = |index: usize| {
                node.input.get(index).is_some_and(|input| names.contains(input.as_str()))
            };
            match kind {
                "Gather" | "NegativeLogLikelihoodLoss" | "SoftmaxCrossEntropyLoss" if at(1) => {
                    return true;
                }
                "OneHot" if at(0) => return true,
                "Identity" | "Cast" if at(0) => {
                    names.extend(node.output.first().map(String::as_str))
                }
                _ => {} // not operations: kinds of a file's nodes
            }
        }
        false
    }

    fn nodes(&mut self, needed: &Needed<'a>) -> Result<()> {
        for (proto, _) in self.graph.node.iter().zip(&needed.nodes).filter(|(_, needed)| **needed) {
            let node = Node { proto, opset: self.opset };
            let outcome = self.node(&node).map_err(|error| in_node(error, &node));
            match outcome {
                Ok(values) => {
                    for (name, value) in proto.output.iter().zip(values) {
                        self.values.insert(name, Ok(value));
                    }
                }
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    for name in &proto.output {
                        self.values.insert(name, Err(error.clone()));
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn node(&mut self, node: &Node<'a>) -> Result<Vec<Value>> {
        let operands: Vec<Option<Value>> =
            node.proto.input.iter().map(|name| self.value(name)).collect::<Result<_>>()?;
        let result = node.proto.output.first().map_or("", String::as_str);
        self.emitter.result = Rc::from(result);
        self.emitter.builder.set_origin(Origin::layer(short(node.name()), short(node.kind())));
        ops::lower(&mut self.emitter, node, &Operands(&operands))
    }

    /// What a name stands for; an operand without a name is left out.
    fn value(&mut self, name: &'a str) -> Result<Option<Value>> {
        if name.is_empty() {
            return Ok(None);
        }
        if let Some(outcome) = self.values.get(name) {
            return outcome.clone().map(Some);
        }
        if let Some(tensor) = self.initializers.get(name) {
            let constant = Rc::new(tensor::read(tensor)?);
            let value = Value::Known(Known { constant, key: Rc::from(name), trained: true });
            self.values.insert(name, Ok(value.clone()));
            return Ok(Some(value));
        }
        if self
            .graph
            .sparse_initializer
            .iter()
            .any(|bytes| sparse_name(bytes).as_deref() == Some(name))
        {
            let why = format!("{} is one", quoted(name));
            let error = Error::unsupported("a sparse weight", "the ONNX reader", &why);
            self.values.insert(name, Err(error.clone()));
            return Err(error);
        }
        let later =
            self.graph.node.iter().any(|node| node.output.iter().any(|output| output == name));
        let what = if later {
            format!(
                "{} is used before it is computed: the nodes are out of order or in a circle",
                quoted(name)
            )
        } else {
            format!("nothing computes {}, and it is no input or weight", quoted(name))
        };
        Err(Error::model(what).help("export the model again"))
    }

    /// The graph of what the outputs need and nothing else.
    fn finish(mut self, lifted: bool) -> Result<Imported> {
        let mut outputs: Vec<(&str, NodeId)> = vec![];
        let mut refused: Vec<(&str, Error)> = vec![];
        for output in &self.graph.output {
            let name = output.name.as_deref().unwrap_or("");
            let value = match self.value(name) {
                Ok(Some(value)) => value,
                Ok(None) => return Err(Error::model("an output has no name")),
                Err(error) if error.kind() == ErrorKind::Unsupported => {
                    refused.push((name, error));
                    continue;
                }
                Err(error) => return Err(output_error(error, name)),
            };
            if self.emitter.is_cut(&value) {
                let why = "it is computed and then cut to whole numbers";
                let error = Error::unsupported("the output", "the ONNX reader", why);
                refused.push((name, error));
                continue;
            }
            self.emitter.builder.set_origin(Origin::layer(short(name), "output"));
            let id = self.emitter.node(&value).map_err(|error| output_error(error, name))?;
            match value.class() {
                Class::Float => {}
                Class::Whole | Class::Truth => self.notes.push(Note::Interface(format!(
                    "output {} is {} in the file and float32 here",
                    quoted(name),
                    value.element()
                ))),
            }
            outputs.push((name, id));
        }
        match refused.first() {
            Some((_, error)) if outputs.is_empty() => return Err(error.clone()),
            _ => {}
        }
        for (name, error) in refused {
            let what = format!("output {}", quoted(name));
            self.notes.push(Note::LeftOut { what, why: error.to_string() });
        }
        if outputs.is_empty() {
            return Err(Error::model("the file has no output").help("export the model again"));
        }
        self.notes.extend(self.emitter.conversions.notes());
        let (graph, state) = pruned(self.emitter.builder.graph(), &outputs, &self.emitter.state)?;
        if lifted {
            rows_stay_apart(&graph)?;
        }
        Ok(Imported { graph, state, notes: self.notes })
    }
}

/// The name of a sparse weight, from its bytes.
fn sparse_name(bytes: &prost::bytes::Bytes) -> Option<String> {
    #[derive(Clone, PartialEq, prost::Message)]
    struct Sparse {
        #[prost(message, optional, tag = "1")]
        values: Option<proto::Tensor>,
    }
    <Sparse as prost::Message>::decode(bytes.clone()).ok()?.values?.name
}

fn output_error(error: Error, name: &str) -> Error {
    if error.place().is_some() { error } else { error.at(format!("output {}", quoted(name))) }
}

/// What a node's lowering says, at the node.
fn in_node(error: Error, node: &Node<'_>) -> Error {
    let place = match error.place() {
        Some(place) if place.starts_with("node ") || place.starts_with("input ") => {
            place.to_owned()
        }
        Some(place) if place.starts_with("tensor ") => format!("{}, {place}", node.place()),
        Some(_) | None => node.place(),
    };
    of_the_file(error).at(place)
}

/// Shapes and names that do not fit are the mistake of the file, whoever noticed.
pub(super) fn of_the_file(error: Error) -> Error {
    let kind = match error.kind() {
        ErrorKind::Network | ErrorKind::Usage | ErrorKind::Data => ErrorKind::Model,
        _ => return error, // not operations: kinds of errors
    };
    let wrapped = Error::new(kind, error.what());
    let wrapped = match error.place() {
        Some(place) => wrapped.at(place),
        None => wrapped,
    };
    let wrapped = wrapped.help(error.help_text().unwrap_or("export the model again"));
    error.details().iter().fold(wrapped, |wrapped, line| wrapped.detail(line.clone()))
}
