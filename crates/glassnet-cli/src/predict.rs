//! `glassnet predict`.

use std::fs::File;
use std::io::{self, Seek, Write};
use std::path::{Path, PathBuf};

use glassnet::engine::functional::softmax;
use glassnet::graph::DType;
use glassnet::nn::Network;
use glassnet::train::{Features, Predictor};
use glassnet::{Error, Result, Tensor};
use glassnet_data::{
    CsvWriter, EncodeOptions, GapPolicy, Loaded, Preprocessing, TargetEncoding, UnseenPolicy,
    WriteOptions, read_table_within, shortest,
};
use glassnet_formats::OnnxModel;
use serde_json::{Map, Value, json};

use crate::args::{self, Gaps, Unseen};
use crate::model::{self, Model, Trained, Whole};
use crate::output::{Output, Replace};
use crate::reading;
use crate::scores::Scores;
use crate::scratch;
use crate::terminal::Terminal;

pub(crate) fn run(
    args: &args::Predict,
    threads: args::Threads,
    terminal: &mut Terminal,
) -> Result<u8> {
    if let Some(threshold) = args.threshold.filter(|threshold| !(0.0..=1.0).contains(threshold)) {
        return Err(Error::usage(format!("the threshold {threshold} is not in [0, 1]"))
            .at("--threshold")
            .help("give a probability such as 0.5"));
    }
    let model_path = Path::new(&args.model);
    let data = reading::files(&args.data)?;
    let inputs: Vec<&Path> = data.iter().map(PathBuf::as_path).chain([model_path]).collect();
    let replace = if args.force { Replace::Always } else { Replace::Never };
    let output = args
        .output
        .as_deref()
        .map(|path| Output::prepare(path, "--output", replace, &inputs))
        .transpose()?;
    let answers = match model::load_whole(&args.model, &args.weights, terminal)? {
        Whole::Model(Model::Bare(network)) => bare(args, &network, threads, terminal)?,
        Whole::Model(Model::Trained(trained)) => {
            match columns(args, &trained, threads, terminal)? {
                Predicted::Whole(answers) => answers,
                Predicted::Long(mut text) => {
                    match output {
                        Some(output) => output.copy(&mut text)?,
                        None => terminal.copy(&mut text)?,
                    }
                    return Ok(0);
                }
            }
        }
        Whole::Graph(graph) => graph_outputs(args, &graph, threads, terminal)?,
    };
    let bytes = answers.text(args, terminal, true)?;
    match output {
        Some(output) => output.write(&bytes)?,
        None => terminal.bytes(&bytes)?,
    }
    Ok(0)
}

/// What a model with columns predicts.
enum Predicted {
    Whole(Answers),
    /// For a table larger than memory: the text, in a temporary file that is read from its beginning.
    Long(File),
}

/// Predictions in the order of the rows.
enum Answers {
    /// A class and the probability of each.
    Classes { names: Vec<String>, predicted: Vec<usize>, probabilities: Tensor<f32> },
    /// A number in the target's units.
    Values(Vec<f32>),
    /// A bare network's outputs, or several targets, by their columns' names.
    Outputs { names: Vec<String>, values: Tensor<f32> },
}

fn columns(
    args: &args::Predict,
    trained: &Trained,
    threads: args::Threads,
    terminal: &Terminal,
) -> Result<Predicted> {
    let ignored = [("--softmax", args.softmax), ("--no-header", args.no_header)];
    if let Some((flag, _)) = ignored.into_iter().find(|(_, given)| *given) {
        return Err(Error::usage("a model file knows its columns and what its outputs mean")
            .at(flag)
            .help("leave the flag out: it is for bare networks"));
    }
    let preprocessing = &trained.preprocessing;
    let options = preprocessing.csv_options(&reading::options(&args.reading)?, false);
    let inputs = reading::labelled_inputs(&args.data, &[], "")?;
    let mut spill = scratch::spill(args.memory, &args.data, threads.count())?;
    let loaded = read_table_within(inputs, &options, &mut spill)?;
    reading::notes(loaded.head().notes(), terminal);
    let policies = policies(args.unseen, args.gaps, false);
    let mut scores = Scores::new(trained.networks(), preprocessing, &threads.engine()?)?;
    match loaded {
        Loaded::Whole(table) => {
            let rows: Vec<usize> = (0..table.rows()).collect();
            let encoded = preprocessing.encode_owned(table, &rows, &policies)?;
            reading::notes(&encoded.notes, terminal);
            answer(args, preprocessing, &mut scores, encoded.features).map(Predicted::Whole)
        }
        Loaded::Long(table) => {
            let mut file = scratch::temporary()?;
            let most = spill.memory / 8 / (4 * preprocessing.width());
            for rows in table.chunks(most) {
                let encoded = table.encode(preprocessing, &rows, &policies)?;
                reading::notes(&encoded.notes, terminal);
                let answers = answer(args, preprocessing, &mut scores, encoded.features)?;
                let first = file.stream_position().is_ok_and(|at| at == 0);
                let text = answers.text(args, terminal, first)?;
                file.write_all(&text).map_err(|error| not_kept(&error))?;
            }
            file.rewind().map_err(|error| not_kept(&error))?;
            Ok(Predicted::Long(file))
        }
    }
}

fn not_kept(error: &io::Error) -> Error {
    Error::io(format!("the predictions cannot be kept in a temporary file: {error}"))
        .help("free some space, or set TMPDIR to a folder that has more")
}

/// What the networks say of encoded rows.
fn answer(
    args: &args::Predict,
    preprocessing: &Preprocessing,
    scores: &mut Scores,
    features: Tensor<f32>,
) -> Result<Answers> {
    let features = Features::Floats(features);
    match preprocessing.target() {
        target @ (TargetEncoding::Number { .. } | TargetEncoding::Numbers { .. }) => {
            if args.threshold.is_some() {
                return Err(Error::usage("a model of numbers has no threshold")
                    .at("--threshold")
                    .help("leave it out"));
            }
            let outputs = scores.predict(&features)?;
            if let TargetEncoding::Numbers { .. } = target {
                let names = target.columns().into_iter().map(str::to_owned).collect();
                return Ok(Answers::Outputs { names, values: target.restore_all(&outputs) });
            }
            Ok(Answers::Values(
                outputs.data().iter().map(|&output| target.restore(output)).collect(),
            ))
        }
        TargetEncoding::Classes { names, .. } => {
            let (probabilities, outputs) = scores.probabilities(&features)?;
            let predicted = classes(&probabilities, &outputs, names, args.threshold)?;
            Ok(Answers::Classes { names: names.clone(), predicted, probabilities })
        }
    }
}

/// How rows are encoded under the flags.
pub(crate) fn policies(unseen: Unseen, gaps: Gaps, with_target: bool) -> EncodeOptions {
    EncodeOptions {
        unseen: match unseen {
            Unseen::Error => UnseenPolicy::Error,
            Unseen::Ignore => UnseenPolicy::Ignore,
        },
        gaps: match gaps {
            Gaps::Error => GapPolicy::Error,
            Gaps::Fill => GapPolicy::Fill,
        },
        with_target,
    }
}

/// The class with the highest score; with a threshold, the second of two from that probability on.
fn classes(
    probabilities: &Tensor<f32>,
    outputs: &Tensor<f32>,
    names: &[String],
    threshold: Option<f64>,
) -> Result<Vec<usize>> {
    let Some(threshold) = threshold else {
        return Ok(glassnet::train::metrics::argmax_rows(outputs));
    };
    if names.len() != 2 {
        return Err(Error::usage(format!(
            "a threshold needs two classes, the model has {}",
            names.len()
        ))
        .at("--threshold")
        .help("leave it out: the most probable class is predicted"));
    }
    let rows = probabilities.shape()[0];
    Ok((0..rows)
        .map(|row| usize::from(f64::from(probabilities.row(row)[1]) >= threshold))
        .collect())
}

fn bare(
    args: &args::Predict,
    network: &Network,
    threads: args::Threads,
    terminal: &Terminal,
) -> Result<Answers> {
    if args.threshold.is_some() {
        return Err(Error::usage("a bare network knows no classes")
            .at("--threshold")
            .help("leave it out"));
    }
    let x = matrix(&args.data, &reading::options(&args.reading)?, args.no_header, terminal)?;
    let row = x.shape()[1..].to_vec();
    let features = features(network, x).map_err(|error| reading::in_table(error, &args.data))?;
    let outputs = Predictor::new(network, &row, &threads.engine()?)?.predict(&features)?;
    if outputs.shape().len() != 2 {
        return Err(Error::network(format!(
            "the network's output has shape {:?}, not rows of numbers",
            outputs.shape()
        )));
    }
    let values = if args.softmax { softmax(&outputs, 1)? } else { outputs };
    let names = (0..values.shape()[1]).map(|at| format!("y{at}")).collect();
    Ok(Answers::Outputs { names, values })
}

/// The outputs of a graph that is no network: of one output its elements, of several each by the output's name.
fn graph_outputs(
    args: &args::Predict,
    graph: &OnnxModel,
    threads: args::Threads,
    terminal: &Terminal,
) -> Result<Answers> {
    if args.threshold.is_some() {
        return Err(Error::usage("a bare network knows no classes")
            .at("--threshold")
            .help("leave it out"));
    }
    let x = matrix(&args.data, &reading::options(&args.reading)?, args.no_header, terminal)?;
    let mut outputs = graph
        .predict_table(&x, &threads.engine()?)
        .map_err(|error| reading::in_table(error, &args.data))?;
    if outputs.len() == 1 {
        let (_, values) = outputs.swap_remove(0);
        let values = if args.softmax { softmax(&values, 1)? } else { values };
        let names = (0..values.shape()[1]).map(|at| format!("y{at}")).collect();
        return Ok(Answers::Outputs { names, values });
    }
    if args.softmax {
        return Err(Error::usage(format!("the file has {} outputs", outputs.len()))
            .at("--softmax")
            .help("leave it out: which of them are logits is not known"));
    }
    let mut names = vec![];
    let mut data = vec![];
    for row in 0..x.shape()[0] {
        outputs.iter().for_each(|(_, values)| data.extend_from_slice(values.row(row)));
    }
    for (name, values) in &outputs {
        match values.shape()[1] {
            1 => names.push(name.clone()),
            width => names.extend((0..width).map(|at| format!("{name}[{at}]"))),
        }
    }
    let values = Tensor::new([x.shape()[0], names.len()], data)?;
    Ok(Answers::Outputs { names, values })
}

/// A table's numbers as `network` takes them: as they are, or as indices of rows of an embedding.
pub(crate) fn features(network: &Network, x: Tensor<f32>) -> Result<Features> {
    match network.module().input_dtype() {
        DType::F32 | DType::F64 | DType::Bool => Ok(Features::Floats(x)),
        DType::I64 => {
            let index = |&cell: &f32| {
                // Beyond 2^24, single precision skips whole numbers.
                if cell.fract() == 0.0 && (0.0..16_777_216.0).contains(&cell) {
                    return Ok(cell as i64);
                }
                Err(Error::data(format!("{cell} is no index of a row of an embedding"))
                    .help("give whole numbers from 0"))
            };
            let indices = x.data().iter().map(index).collect::<Result<_>>()?;
            Ok(Features::Indices(Tensor::new(x.shape().to_vec(), indices)?))
        }
    }
}

/// A table of numbers alone.
pub(crate) fn matrix(
    paths: &[PathBuf],
    base: &glassnet_data::CsvOptions,
    no_header: bool,
    terminal: &Terminal,
) -> Result<Tensor<f32>> {
    let options = glassnet_data::CsvOptions { has_header: !no_header, ..base.clone() };
    Ok(reading::matrix(paths, &options, terminal)?.values)
}

impl Answers {
    fn rows(&self) -> usize {
        match self {
            Answers::Classes { predicted, .. } => predicted.len(),
            Answers::Values(values) => values.len(),
            Answers::Outputs { values, .. } => values.shape()[0],
        }
    }

    fn header(&self) -> Vec<String> {
        match self {
            Answers::Classes { names, .. } => {
                let probabilities = names.iter().map(|name| format!("p({name})"));
                std::iter::once("prediction".to_owned()).chain(probabilities).collect()
            }
            Answers::Values(_) => vec!["prediction".into()],
            Answers::Outputs { names, .. } => names.clone(),
        }
    }

    /// The predictions as text, after a header if these are the first ones.
    fn text(&self, args: &args::Predict, terminal: &Terminal, first: bool) -> Result<Vec<u8>> {
        if terminal.json() {
            return Ok(self.json_lines());
        }
        self.write_csv(args.spreadsheet_safe, first)
            .map_err(|error| Error::io(format!("the predictions cannot be written: {error}")))
    }

    fn write_csv(&self, spreadsheet_safe: bool, with_header: bool) -> io::Result<Vec<u8>> {
        let options = WriteOptions { spreadsheet_safe, ..WriteOptions::default() };
        let mut bytes = vec![];
        let mut writer = CsvWriter::new(&mut bytes, &options);
        if with_header {
            for cell in self.header() {
                writer.text(&cell)?;
            }
            writer.end_row()?;
        }
        for row in 0..self.rows() {
            match self {
                Answers::Classes { names, predicted, probabilities } => {
                    writer.text(&names[predicted[row]])?;
                    for &probability in probabilities.row(row) {
                        writer.number(probability)?;
                    }
                }
                Answers::Values(values) => writer.number(values[row])?,
                Answers::Outputs { values, .. } => {
                    for &output in values.row(row) {
                        writer.number(output)?;
                    }
                }
            }
            writer.end_row()?;
        }
        writer.finish()?;
        Ok(bytes)
    }

    /// One JSON document a line: the exception to 'one document', so that long tables can be streamed.
    fn json_lines(&self) -> Vec<u8> {
        let mut text = String::new();
        for row in 0..self.rows() {
            let line = match self {
                Answers::Classes { names, predicted, probabilities } => {
                    let map: Map<String, Value> = names
                        .iter()
                        .zip(probabilities.row(row))
                        .map(|(name, &probability)| (name.clone(), number(probability)))
                        .collect();
                    json!({"prediction": names[predicted[row]], "probabilities": map})
                }
                Answers::Values(values) => json!({"prediction": number(values[row])}),
                Answers::Outputs { values, .. } => {
                    let values: Vec<Value> =
                        values.row(row).iter().map(|&output| number(output)).collect();
                    json!({"prediction": values})
                }
            };
            text += &line.to_string();
            text.push('\n');
        }
        text.into_bytes()
    }
}

/// An f32 with its own shortest digits, not those of the f64 beside it; null if it is not finite.
fn number(value: f32) -> Value {
    if !value.is_finite() {
        return Value::Null;
    }
    shortest(value).parse::<f64>().map_or(Value::Null, |value| json!(value))
}
