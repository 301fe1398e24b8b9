//! Runs ONNX's node tests: each model is read, computed in f64 by the reference and in f32 by the engine, and compared
//! with the outputs that ONNX's own implementation gives.

use std::path::Path;

use glassnet::engine::Config;
use glassnet::graph::op::Source;
use glassnet::graph::{DType, Dim};
use glassnet::reference::{self, Feeds};
use glassnet::{ErrorKind, Tensor, Value};
use glassnet_formats::{Note, OnnxModel, OnnxOptions, read_onnx_tensor, read_onnx_with};

/// What became of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// Reference and engine give the outputs, as functions of all inputs.
    Passed,
    /// The same, after inputs of whole numbers and truth values and single numbers were given for good.
    PassedWithGiven,
    /// The reader says that it does not support it.
    Refused(String),
    /// Anything else.
    Failed(String),
}

/// One array of a case.
type Array = (String, Value);

struct Case {
    model: Vec<u8>,
    inputs: Vec<Option<Array>>,
    outputs: Vec<Option<Array>>,
    relative: f64,
    absolute: f64,
}

/// Runs the case in a folder.
pub(crate) fn run(folder: &Path) -> Outcome {
    let case = match read_case(folder) {
        Ok(case) => case,
        Err(outcome) => return outcome,
    };
    match attempt(&case, vec![]) {
        Outcome::Refused(why) => {
            let given = case.inputs.iter().flatten().filter(|(_, value)| {
                value.as_i64().is_some() || value.as_f32().is_some_and(|array| array.len() == 1)
            });
            match attempt(&case, given.cloned().collect()) {
                Outcome::Passed => Outcome::PassedWithGiven,
                Outcome::PassedWithGiven | Outcome::Refused(_) => Outcome::Refused(why),
                Outcome::Failed(why) => Outcome::Failed(why),
            }
        }
        outcome => outcome,
    }
}

fn read_case(folder: &Path) -> Result<Case, Outcome> {
    let bytes = |name: &str| std::fs::read(folder.join(name));
    let failed = |what: String| Outcome::Failed(what);
    let model = bytes("model.onnx").map_err(|error| failed(error.to_string()))?;
    let tolerance = bytes("tolerance.txt").map_err(|error| failed(error.to_string()))?;
    let tolerance = String::from_utf8_lossy(&tolerance).into_owned();
    let numbers: Vec<f64> =
        tolerance.split_whitespace().filter_map(|word| word.parse().ok()).collect();
    let [relative, absolute] = numbers[..] else { return Err(failed("no tolerance".to_owned())) };
    let arrays = |word: &str| -> Result<Vec<Option<Array>>, Outcome> {
        let count = std::fs::read_dir(folder).map_err(|error| failed(error.to_string()))?.count();
        let mut arrays = vec![];
        for number in 0..count {
            arrays.push(match bytes(&format!("{word}_{number}.pb")) {
                Err(_) => None,
                Ok(bytes) => match read_onnx_tensor(&bytes) {
                    Ok(array) => Some(array),
                    Err(error) if error.kind() == ErrorKind::Unsupported => None,
                    Err(error) => return Err(failed(error.to_string())),
                },
            });
        }
        Ok(arrays)
    };
    Ok(Case { model, inputs: arrays("input")?, outputs: arrays("output")?, relative, absolute })
}

fn attempt(case: &Case, given: Vec<Array>) -> Outcome {
    let options = OnnxOptions { keep_fixed_rows: true, allow_non_finite: true, fixed: given };
    let model = match read_onnx_with(&case.model, "model.onnx", &options) {
        Ok(model) => model,
        Err(error) if matches!(error.kind(), ErrorKind::Unsupported) => {
            return Outcome::Refused(error.to_string());
        }
        Err(error) => return Outcome::Failed(format!("{}: {error}", error.kind().name())),
    };
    if let Some(note) = model.notes.iter().find(|note| matches!(note, Note::LeftOut { .. })) {
        return Outcome::Refused(note.to_string());
    }
    match compare(case, &model) {
        Ok(()) => Outcome::Passed,
        // Negative indices, and those outside, are an error of the data here.
        Err(why) if options.fixed.is_empty() && why.starts_with("index") => Outcome::Refused(why),
        Err(why) => Outcome::Failed(why),
    }
}

fn compare(case: &Case, model: &OnnxModel) -> Result<(), String> {
    let mut inputs = vec![];
    let mut rows = 1;
    for (id, source) in model.graph.graph().sources() {
        let Source::Input { name, dtype, .. } = source else { continue };
        let value = case.inputs.iter().flatten().find(|(given, _)| given == name);
        let (_, value) = value.ok_or_else(|| format!("no value for input {name}"))?;
        let axis = model.graph.shape(id).dims().iter().position(|dim| *dim == Dim::Batch);
        rows = axis.map_or(rows, |axis| value.shape()[axis]);
        let value = match (value, dtype) {
            (Value::I64(array), DType::F32) => array.map(|number| number as f32).into(),
            (value, _) => value.clone(),
        };
        inputs.push((name.as_str(), value));
    }
    let mut feeds = Feeds::new();
    for (name, value) in &inputs {
        feeds.set_input(*name, value.clone());
    }
    for (key, value) in model.state.iter() {
        feeds.set_state(key, value.clone());
    }
    let index = |error: glassnet::Error| {
        let text = error.to_string();
        if text.contains("index") { format!("index: {text}") } else { text }
    };
    let values = reference::evaluate(&model.graph, &feeds, rows).map_err(index)?;
    let computed = model.predict(&inputs, &Config::default()).map_err(index)?;
    for (place, (name, id)) in model.graph.graph().outputs().iter().enumerate() {
        let wanted = case.outputs.iter().flatten().find(|(output, _)| output == name);
        let (_, wanted) = wanted.ok_or_else(|| format!("no expected value of output {name}"))?;
        let exact = values[*id].floats().map_err(|error| error.to_string())?;
        near(case, wanted, exact).map_err(|why| format!("reference: {why}"))?;
        near(case, wanted, &computed[place].1.map(f64::from))
            .map_err(|why| format!("engine: {why}"))?;
    }
    Ok(())
}

fn near(case: &Case, wanted: &Value, found: &Tensor<f64>) -> Result<(), String> {
    if wanted.shape() != found.shape() {
        return Err(format!("shape {:?}, expected {:?}", found.shape(), wanted.shape()));
    }
    let wanted: Vec<f64> = match wanted {
        Value::F32(array) => array.data().iter().map(|&number| f64::from(number)).collect(),
        Value::I64(array) => array.data().iter().map(|&number| number as f64).collect(),
    };
    for (at, (&found, &wanted)) in found.data().iter().zip(&wanted).enumerate() {
        let close = (found - wanted).abs() <= case.absolute + case.relative * wanted.abs();
        if !close && found != wanted && !(found.is_nan() && wanted.is_nan()) {
            return Err(format!("element {at} is {found}, expected {wanted}"));
        }
    }
    Ok(())
}
