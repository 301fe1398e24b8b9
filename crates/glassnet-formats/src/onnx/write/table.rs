//! Networks as ONNX files that take the columns of a table as they are.
//!
//! A server gives one input per column and gets a class with the probabilities, or a number: what `glassnet predict`
//! makes of the same rows stands in the graph. Columns are standardised in float64, as they are for training.

use std::collections::HashSet;

use glassnet::graph::{Dim, Shape};
use glassnet::nn::Network;
use glassnet::{Error, Result};

use super::categories::{category, code};
use super::dates::{OnnxDate, date};
use super::nodes::{Nodes, int, ints, strings};
use super::{OnnxExport, WRITTEN_OPSET, append, file, info, operators};
use crate::members;
use crate::message::quoted;
use crate::onnx::element::{Element, STRING};
use crate::onnx::proto;

/// The operators that know texts.
pub(super) const ML: &str = "ai.onnx.ml";

/// Their version, which belongs to [`WRITTEN_OPSET`].
const ML_VERSION: i64 = 3;

/// How the columns of a table become a network's input, and its output an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxTable {
    /// The columns in the order of the features.
    pub columns: Vec<OnnxColumn>,
    /// What the output means.
    pub answer: OnnxAnswer,
}

/// A column, which becomes an input of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct OnnxColumn {
    /// Its name, which the input has.
    pub name: String,
    /// How its cells become features.
    pub encoding: OnnxEncoding,
}

/// How a column's cells become features. With `gaps` a further feature is 1 where the cell is missing, else 0.
#[derive(Clone, Debug, PartialEq)]
pub enum OnnxEncoding {
    /// An input of float32, NaN where the cell is missing: `(x − mean)/std`, a missing cell being the median.
    Number {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
        /// The median.
        median: f64,
        /// Whether missing cells have a feature of their own.
        gaps: bool,
    },
    /// An input of float32, 0 for false, NaN where the cell is missing, else true.
    Boolean {
        /// What a missing cell is taken for.
        most: bool,
        /// Whether missing cells have a feature of their own.
        gaps: bool,
    },
    /// An input of texts, empty where the cell is missing: one feature per category, all 0 for other texts.
    Category {
        /// The categories.
        levels: Vec<String>,
        /// Further texts that stand for a missing cell.
        missing: Vec<String>,
        /// Whether missing cells have a feature of their own.
        gaps: bool,
    },
    /// An input of texts, empty where the cell is missing: one feature, the category's number from 1 on, 0 for other texts.
    Code {
        /// The categories.
        levels: Vec<String>,
        /// Further texts that stand for a missing cell.
        missing: Vec<String>,
        /// Whether missing cells have a number of their own, the one behind the categories'.
        gaps: bool,
    },
    /// An input of float64, the seconds since 1970-01-01 00:00, NaN where the cell is missing: the date's parts.
    Date {
        /// Which parts.
        parts: OnnxDate,
        /// Whether missing cells have a feature of their own.
        gaps: bool,
    },
}

/// What a network's outputs mean.
#[derive(Clone, Debug, PartialEq)]
pub enum OnnxAnswer {
    /// A score per class: the outputs are `label`, the class with the highest one, and `probabilities`, their softmax.
    Classes(Vec<String>),
    /// A number, or one for each of several targets: the output is `prediction`, `y·std + mean` in the order of the targets.
    Numbers(Vec<OnnxNumber>),
}

/// The unit of a number that is predicted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OnnxNumber {
    /// The mean.
    pub mean: f64,
    /// The standard deviation.
    pub std: f64,
}

/// The bytes of an ONNX file of `networks` in evaluation mode, whose inputs are the columns of `table`. The answers of
/// several networks are averaged: the probabilities of classes, or the numbers.
///
/// # Shapes
/// An input `[batch, 1]` for each column, of float32, texts or, for dates, float64. For classes the outputs are `label`, texts of shape `[batch]`, and
/// `probabilities`, `[batch, classes]`; for numbers `prediction`, `[batch, targets]`. If a column has such a name, the output's
/// ends in `_2`.
///
/// # Errors
/// [`ErrorKind::Usage`](glassnet::ErrorKind::Usage) when there is no network or no column, a column has no name, that of
/// another one or of a weight, or a network's input or output is not that of the table.
///
/// # Source
/// <https://onnx.ai/onnx/operators/> (`OneHotEncoder` and `LabelEncoder` of `ai.onnx.ml`).
///
/// # Example
/// ```
/// use glassnet::nn::{self, Network};
/// use glassnet_formats::{OnnxAnswer, OnnxColumn, OnnxEncoding, OnnxTable, write_onnx_table};
/// let network = Network::new(nn::parse("3-8-2")?, 0)?;
/// let size = OnnxEncoding::Number { mean: 4.0, std: 1.5, median: 3.9, gaps: false };
/// let levels = vec!["green".to_owned(), "red".to_owned()];
/// let colour = OnnxEncoding::Category { levels, missing: vec![], gaps: false };
/// let table = OnnxTable {
///     columns: vec![
///         OnnxColumn { name: "size".to_owned(), encoding: size },
///         OnnxColumn { name: "colour".to_owned(), encoding: colour },
///     ],
///     answer: OnnxAnswer::Classes(vec!["apple".to_owned(), "pear".to_owned()]),
/// };
/// let bytes = write_onnx_table(&[network], &table, &Default::default())?;
/// assert!(bytes.windows(13).any(|part| part == b"OneHotEncoder"));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn write_onnx_table(
    networks: &[Network],
    table: &OnnxTable,
    export: &OnnxExport,
) -> Result<Vec<u8>> {
    check(networks, table)?;
    let mut nodes = Nodes::new(table.columns.iter().map(|column| column.name.as_str()));
    let outputs: Vec<String> = match &table.answer {
        OnnxAnswer::Classes(_) => vec![nodes.free("label"), nodes.free("probabilities")],
        OnnxAnswer::Numbers(_) => vec![nodes.free("prediction")],
    };
    let features = features(&table.columns, &mut nodes);
    let width = table.columns.iter().map(OnnxColumn::width).sum::<usize>();
    let mut results = vec![];
    for (number, network) in networks.iter().enumerate() {
        let prefix = if networks.len() == 1 { String::new() } else { members::key(number, "") };
        let written = append(network, Some(&[width]), (&features, &prefix), &mut nodes)?;
        let wanted = Shape::batch([table.answer.outputs()]);
        if written.shape != wanted {
            return Err(Error::usage(format!(
                "the network gives {}, the table's target needs {wanted}",
                written.shape
            )));
        }
        results.push(written.output);
    }
    answer(&table.answer, &results, &outputs, &mut nodes);
    let inputs = table.columns.iter().map(|column| {
        let one = Shape::batch([1]);
        match column.encoding {
            OnnxEncoding::Number { .. } | OnnxEncoding::Boolean { .. } => {
                info(&column.name, Element::F32.code(), &one)
            }
            OnnxEncoding::Category { .. } | OnnxEncoding::Code { .. } => {
                info(&column.name, STRING, &one)
            }
            OnnxEncoding::Date { .. } => info(&column.name, Element::F64.code(), &one),
        }
    });
    let numbers = |name: &str, width| info(name, Element::F32.code(), &Shape::batch([width]));
    let declared: Vec<proto::ValueInfo> = match &table.answer {
        OnnxAnswer::Classes(classes) => vec![
            info(&outputs[0], STRING, &Shape::from([Dim::Batch])),
            numbers(&outputs[1], classes.len()),
        ],
        OnnxAnswer::Numbers(targets) => vec![numbers(&outputs[0], targets.len())],
    };
    let sets = [operators("", WRITTEN_OPSET), operators(ML, ML_VERSION)];
    file(nodes, inputs.collect(), declared, &sets, export)
}

impl OnnxTable {
    /// The inputs and the outputs in a line each, for people.
    pub fn interface(&self) -> (Vec<String>, Vec<String>) {
        let input = |column: &OnnxColumn| match column.encoding {
            OnnxEncoding::Number { .. } | OnnxEncoding::Boolean { .. } => {
                format!("{} float32 [N, 1]", quoted(&column.name))
            }
            OnnxEncoding::Category { .. } | OnnxEncoding::Code { .. } => {
                format!("{} string [N, 1]", quoted(&column.name))
            }
            OnnxEncoding::Date { .. } => {
                format!("{} float64 [N, 1] (seconds since 1970-01-01 00:00)", quoted(&column.name))
            }
        };
        let outputs = match &self.answer {
            OnnxAnswer::Classes(classes) => vec![
                "\"label\" string [N]".to_owned(),
                format!("\"probabilities\" float32 [N, {}]", classes.len()),
            ],
            OnnxAnswer::Numbers(targets) => {
                vec![format!("\"prediction\" float32 [N, {}]", targets.len())]
            }
        };
        (self.columns.iter().map(input).collect(), outputs)
    }
}

impl OnnxColumn {
    /// How many features it becomes.
    fn width(&self) -> usize {
        match &self.encoding {
            OnnxEncoding::Number { gaps, .. } | OnnxEncoding::Boolean { gaps, .. } => {
                1 + usize::from(*gaps)
            }
            OnnxEncoding::Category { levels, gaps, .. } => levels.len() + usize::from(*gaps),
            OnnxEncoding::Code { .. } => 1,
            OnnxEncoding::Date { parts, gaps } => parts.width() + usize::from(*gaps),
        }
    }
}

impl OnnxAnswer {
    fn outputs(&self) -> usize {
        match self {
            OnnxAnswer::Classes(classes) => classes.len(),
            OnnxAnswer::Numbers(targets) => targets.len(),
        }
    }
}

fn check(networks: &[Network], table: &OnnxTable) -> Result<()> {
    let refuse = |what: String| Err(Error::usage(what).help("rename the column and train again"));
    if networks.is_empty() || table.columns.is_empty() {
        return Err(Error::usage("an ONNX file needs a network and a column"));
    }
    let mut seen = HashSet::new();
    for (place, column) in table.columns.iter().enumerate() {
        let name = &column.name;
        if name.is_empty() {
            return refuse(format!("column {place} (from 0) has no name, which an input needs"));
        }
        if !seen.insert(name) {
            return refuse(format!("two columns are called {}", quoted(name)));
        }
        let own = |(number, network): (usize, &Network)| {
            let prefix = if networks.len() == 1 { String::new() } else { members::key(number, "") };
            let key = name.strip_prefix(&prefix);
            key.is_some_and(|key| network.state_dict().get(key).is_some())
        };
        if networks.iter().enumerate().any(own) {
            return refuse(format!("the column {} is called like a weight", quoted(name)));
        }
    }
    Ok(())
}

/// Appends what makes features of the columns and returns their name.
fn features(columns: &[OnnxColumn], nodes: &mut Nodes) -> String {
    let mut parts = vec![];
    let mut rest = columns;
    while let [first, behind @ ..] = rest {
        match &first.encoding {
            OnnxEncoding::Number { gaps, .. } => {
                // Neighbours without a feature for missing cells go through the same few nodes.
                let run = if *gaps { 1 } else { plain_run(rest) };
                parts.extend(numbers(&rest[..run], *gaps, nodes));
                rest = &rest[run..];
            }
            OnnxEncoding::Boolean { most, gaps } => {
                parts.extend(boolean(&first.name, *most, *gaps, nodes));
                rest = behind;
            }
            OnnxEncoding::Category { levels, missing, gaps } => {
                parts.extend(category(&first.name, levels, gaps.then_some(missing), nodes));
                rest = behind;
            }
            OnnxEncoding::Code { levels, missing, gaps } => {
                parts.push(code(&first.name, levels, gaps.then_some(missing), nodes));
                rest = behind;
            }
            OnnxEncoding::Date { parts: own, gaps } => {
                parts.extend(date(&first.name, own, *gaps, nodes));
                rest = behind;
            }
        }
    }
    joined("features", &parts, nodes)
}

/// How many columns from the first on are numbers without a feature for missing cells.
fn plain_run(columns: &[OnnxColumn]) -> usize {
    let plain =
        |column: &&OnnxColumn| matches!(column.encoding, OnnxEncoding::Number { gaps: false, .. });
    columns.iter().take_while(plain).count()
}

/// Arrays side by side.
pub(super) fn joined(path: &str, parts: &[String], nodes: &mut Nodes) -> String {
    match parts {
        [one] => one.clone(),
        parts => {
            let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
            nodes.push(path, "Concat", &parts, vec![int("axis", 1)])
        }
    }
}

pub(super) fn cast(path: &str, x: &str, to: Element, nodes: &mut Nodes) -> String {
    nodes.push(path, "Cast", &[x], vec![int("to", i64::from(to.code()))])
}

fn numbers(columns: &[OnnxColumn], gaps: bool, nodes: &mut Nodes) -> Vec<String> {
    let path = match columns {
        [one] => one.name.clone(),
        columns => format!("{} to {}", columns[0].name, columns[columns.len() - 1].name),
    };
    let names: Vec<String> = columns.iter().map(|column| column.name.clone()).collect();
    let raw = joined(&path, &names, nodes);
    let mut fitted: [Vec<f64>; 3] = Default::default();
    for column in columns {
        if let OnnxEncoding::Number { mean, std, median, .. } = column.encoding {
            for (all, number) in fitted.iter_mut().zip([mean, std, median]) {
                all.push(number);
            }
        }
    }
    let [mean, std, median] = ["mean", "std", "median"].map(|name| format!("/{path}/{name}"));
    let mean = nodes.wide(&mean, &fitted[0]);
    let std = nodes.wide(&std, &fitted[1]);
    let median = nodes.wide(&median, &fitted[2]);
    let wide = cast(&path, &raw, Element::F64, nodes);
    let missing = nodes.push(&path, "IsNaN", &[&wide], vec![]);
    let filled = nodes.push(&path, "Where", &[&missing, &median, &wide], vec![]);
    let centred = nodes.push(&path, "Sub", &[&filled, &mean], vec![]);
    let scaled = nodes.push(&path, "Div", &[&centred, &std], vec![]);
    let mut parts = vec![cast(&path, &scaled, Element::F32, nodes)];
    if gaps {
        parts.push(cast(&path, &missing, Element::F32, nodes));
    }
    parts
}

fn boolean(name: &str, most: bool, gaps: bool, nodes: &mut Nodes) -> Vec<String> {
    let missing = nodes.push(name, "IsNaN", &[name], vec![]);
    let most = nodes.number(name, f64::from(u8::from(most)));
    let filled = nodes.push(name, "Where", &[&missing, &most, name], vec![]);
    let truth = cast(name, &filled, Element::Bool, nodes);
    let mut parts = vec![cast(name, &truth, Element::F32, nodes)];
    if gaps {
        parts.push(cast(name, &missing, Element::F32, nodes));
    }
    parts
}

/// Appends what makes an answer of the networks' `results`, under the names `outputs`.
fn answer(answer: &OnnxAnswer, results: &[String], outputs: &[String], nodes: &mut Nodes) {
    match answer {
        OnnxAnswer::Classes(classes) => {
            let softmax = |x: &String, nodes: &mut Nodes| {
                nodes.push("answer", "Softmax", &[x], vec![int("axis", 1)])
            };
            let each: Vec<String> = results.iter().map(|result| softmax(result, nodes)).collect();
            let each: Vec<&str> = each.iter().map(String::as_str).collect();
            let kind = if each.len() == 1 { "Identity" } else { "Mean" };
            nodes.push_named("answer", kind, "", (&each, &outputs[1]), vec![]);
            // Of one network the highest score decides, also where two probabilities are the same float.
            let scores = if let [one] = results { one } else { &outputs[1] };
            let attributes = vec![int("axis", 1), int("keepdims", 0)];
            let class = nodes.push("answer", "ArgMax", &[scores], attributes);
            let numbers: Vec<i64> = (0..classes.len() as i64).collect();
            let attributes =
                vec![ints("keys_int64s", &numbers), strings("values_strings", classes)];
            nodes.push_named("answer", "LabelEncoder", ML, (&[&class], &outputs[0]), attributes);
        }
        OnnxAnswer::Numbers(targets) => {
            let each: Vec<&str> = results.iter().map(String::as_str).collect();
            let one = match each[..] {
                [one] => one.to_owned(),
                _ => nodes.push("answer", "Mean", &each, vec![]), // not operations: an ensemble
            };
            let wide = cast("answer", &one, Element::F64, nodes);
            let std: Vec<f64> = targets.iter().map(|target| target.std).collect();
            let mean: Vec<f64> = targets.iter().map(|target| target.mean).collect();
            let std = nodes.wide("/answer/std", &std);
            let mean = nodes.wide("/answer/mean", &mean);
            let scaled = nodes.push("answer", "Mul", &[&wide, &std], vec![]);
            let shifted = nodes.push("answer", "Add", &[&scaled, &mean], vec![]);
            let to = vec![int("to", i64::from(Element::F32.code()))];
            nodes.push_named("answer", "Cast", "", (&[&shifted], &outputs[0]), to);
        }
    }
}

#[cfg(test)]
mod tests {
    use glassnet::nn;
    use prost::Message;

    use super::*;
    use crate::onnx::proto;
    use crate::{Card, Format, open, read_onnx};

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn column(name: &str, encoding: OnnxEncoding) -> OnnxColumn {
        OnnxColumn { name: name.to_owned(), encoding }
    }

    /// A column of each sort: nine features.
    fn table() -> OnnxTable {
        let number = |gaps| OnnxEncoding::Number { mean: 2012.5, std: 0.5, median: 2012.0, gaps };
        let levels = texts(&["a", "b, c"]);
        let missing = texts(&["NA", ""]);
        OnnxTable {
            columns: vec![
                column("year", number(false)),
                column("label", number(false)),
                column("size", number(true)),
                column("open", OnnxEncoding::Boolean { most: true, gaps: true }),
                column("kind", OnnxEncoding::Category { levels, missing, gaps: true }),
            ],
            answer: OnnxAnswer::Classes(texts(&["no", "yes"])),
        }
    }

    fn written(table: &OnnxTable, networks: &[Network]) -> Result<proto::Model> {
        let card = Some(Card::new(networks[0].module().notation()));
        let bytes = write_onnx_table(networks, table, &OnnxExport { card, ..Default::default() })?;
        Ok(proto::Model::decode(&bytes[..]).unwrap())
    }

    fn network(notation: &str, seed: u64) -> Network {
        Network::new(nn::parse(notation).unwrap(), seed).unwrap()
    }

    #[test]
    fn the_graph_has_an_input_per_column_and_the_nodes_that_encode_it() -> Result<()> {
        let graph = written(&table(), &[network("9-4-2", 0)])?.graph.unwrap();
        let declared = |infos: &[proto::ValueInfo]| -> Vec<(String, i32, usize)> {
            let one = |info: &proto::ValueInfo| {
                let array = info.value_type.clone().unwrap().tensor.unwrap();
                let dims = array.shape.unwrap().dim;
                (info.name.clone().unwrap(), array.elem_type.unwrap(), dims.len())
            };
            infos.iter().map(one).collect()
        };
        let f32 = Element::F32.code();
        let named = |name: &str, code, rank| (name.to_owned(), code, rank);
        assert_eq!(
            declared(&graph.input),
            [
                named("year", f32, 2),
                named("label", f32, 2),
                named("size", f32, 2),
                named("open", f32, 2),
                named("kind", STRING, 2)
            ]
        );
        // A column is called `label` already.
        assert_eq!(
            declared(&graph.output),
            [named("label_2", STRING, 1), named("probabilities", f32, 2)]
        );
        let kinds: Vec<&str> =
            graph.node.iter().map(|node| node.op_type.as_deref().unwrap()).collect();
        let number = ["Cast", "IsNaN", "Where", "Sub", "Div", "Cast"];
        let wanted = [
            &["Concat"][..],
            &number,
            &number,
            &["Cast"],
            &["IsNaN", "Constant", "Where", "Cast", "Cast", "Cast"],
            &["OneHotEncoder", "Flatten", "LabelEncoder"],
            &["Concat", "Gemm", "Relu", "Gemm"],
            &["Softmax", "Identity", "ArgMax", "LabelEncoder"],
        ];
        assert_eq!(kinds, wanted.concat());
        let one_hot =
            graph.node.iter().find(|node| node.op_type.as_deref() == Some("OneHotEncoder"));
        let one_hot = one_hot.unwrap();
        assert_eq!(one_hot.domain.as_deref(), Some(ML));
        assert_eq!(one_hot.attribute[0].strings, ["a", "b, c"]);
        let gap = graph.node.iter().find(|node| node.op_type.as_deref() == Some("LabelEncoder"));
        assert_eq!(gap.unwrap().attribute[0].strings, ["", "NA"]);
        // The statistics stay in float64, in which 2012.5 − 2012 loses nothing.
        let mean =
            graph.initializer.iter().find(|array| array.data_type == Some(Element::F64.code()));
        assert_eq!(
            mean.unwrap().raw_data.as_deref(),
            Some(&[2012.5_f64.to_le_bytes(); 2].concat()[..])
        );
        Ok(())
    }

    #[test]
    fn codes_are_labels_and_dates_are_numbers() -> Result<()> {
        let parts = OnnxDate { year: Some((2000.0, 9.0)), month: true, weekday: true, time: true };
        let (levels, missing) = (texts(&["a", "b"]), texts(&["NA"]));
        let table = OnnxTable {
            columns: vec![
                column("shop", OnnxEncoding::Code { levels, missing, gaps: true }),
                column("day", OnnxEncoding::Date { parts, gaps: true }),
            ],
            answer: OnnxAnswer::Numbers(vec![OnnxNumber { mean: 0.0, std: 1.0 }]),
        };
        let network = network(
            "Sequential(EmbedColumns({'0': Embedding(4, 2, padding_idx=0)}), Linear(10, 1))",
            0,
        );
        let graph = written(&table, &[network])?.graph.unwrap();
        let label = &graph.node[0];
        assert_eq!(label.op_type.as_deref(), Some("LabelEncoder"));
        assert_eq!(label.attribute[0].strings, ["a", "b", "", "NA"]);
        assert_eq!(label.attribute[1].floats, [1.0, 2.0, 3.0, 3.0]);
        let day = graph.input[1].value_type.clone().unwrap().tensor.unwrap();
        assert_eq!(day.elem_type, Some(Element::F64.code()));
        let circles = graph.initializer.iter().filter_map(|array| array.name.as_deref());
        let circles: Vec<&str> = circles.filter(|name| name.contains("circle")).collect();
        assert_eq!(circles, ["/day/circle of 12", "/day/circle of 7"]);
        let lines = table.interface().0;
        assert_eq!(lines[0], "\"shop\" string [N, 1]");
        assert_eq!(lines[1], "\"day\" float64 [N, 1] (seconds since 1970-01-01 00:00)");
        Ok(())
    }

    #[test]
    fn several_networks_are_averaged_and_keep_their_own_weights() -> Result<()> {
        let networks = [network("9-2", 0), network("9-2", 1)];
        let graph = written(&table(), &networks)?.graph.unwrap();
        let keys: Vec<&str> =
            graph.initializer.iter().filter_map(|array| array.name.as_deref()).collect();
        for key in ["members.0.0.weight", "members.1.0.weight", "members.1.0.bias"] {
            assert!(keys.contains(&key), "{key} is not in {keys:?}");
        }
        let kinds = graph.node.iter().filter_map(|node| node.op_type.as_deref());
        assert_eq!(kinds.clone().filter(|kind| *kind == "Mean").count(), 1);
        assert_eq!(kinds.filter(|kind| *kind == "Softmax").count(), 2);
        let number = OnnxNumber { mean: 23.0, std: 7.0 };
        let answer = OnnxAnswer::Numbers(vec![number; 3]);
        let graph = written(&OnnxTable { answer, ..table() }, &[network("9-3", 0)])?.graph.unwrap();
        assert_eq!(graph.output[0].name.as_deref(), Some("prediction"));
        let shape = graph.output[0].value_type.clone().unwrap().tensor.unwrap().shape.unwrap();
        assert_eq!(shape.dim[1].value, Some(3));
        Ok(())
    }

    #[test]
    fn such_a_file_is_read_back_by_its_description_only() -> Result<()> {
        let network = network("9-4-2", 0);
        let model = written(&table(), std::slice::from_ref(&network))?;
        let bytes = model.encode_to_vec();
        let opened = open(&bytes, "m.onnx", Default::default())?;
        assert_eq!((opened.format, &opened.model.state), (Format::Onnx, network.state_dict()));
        assert_eq!(opened.model.card, Some(Card::new(network.module().notation())));
        let error = read_onnx(&bytes, "m.onnx").unwrap_err().to_string();
        assert!(error.contains("\"kind\"") && error.contains("raw columns"), "{error}");
        Ok(())
    }

    #[test]
    fn tables_that_do_not_fit_are_refused() {
        let refused = |table: OnnxTable, notation: &str, words: &str| {
            let error = written(&table, &[network(notation, 0)]).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        };
        let renamed = |name: &str| {
            let mut table = table();
            table.columns[0].name = name.to_owned();
            table
        };
        refused(renamed(""), "9-2", "has no name");
        refused(renamed("size"), "9-2", "two columns are called \"size\"");
        refused(renamed("0.weight"), "9-2", "called like a weight");
        refused(table(), "9-3", "[B, 3]");
        refused(table(), "8-2", "8");
        refused(OnnxTable { columns: vec![], ..table() }, "9-2", "a column");
    }
}
