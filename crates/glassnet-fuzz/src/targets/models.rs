//! Model files of every format.

use glassnet::engine::Config;
use glassnet::graph::op::Source;
use glassnet::graph::{Checked, DType};
use glassnet::nn::{self, Network};
use glassnet::{Error, ErrorKind, Tensor, Value};
use glassnet_formats::convert::{Options, convert};
use glassnet_formats::{
    Format, OnnxExport, OnnxModel, Opened, ReadOptions, chain, open, read_checkpoint, read_onnx,
    write_onnx,
};

use crate::seeds::{stored, zip};

/// The most elements of a graph's values that are computed: larger ones take memory that their files ask for rightly.
const COMPUTED: usize = 1 << 20;

pub(super) fn safetensors(bytes: &[u8]) -> bool {
    if let Err(error) = read_checkpoint(bytes, "fuzz.safetensors") {
        check_error(&error);
    }
    whole(bytes, "fuzz.safetensors")
}

pub(super) fn torch(bytes: &[u8]) -> bool {
    whole(bytes, "fuzz.pt")
}

/// The bytes as the program of an archive that is right otherwise: a changed archive rarely gets beyond its checksums.
/// Before the program stand the number of its storages and their lengths, two bytes each.
pub(super) fn pickle(bytes: &[u8]) -> bool {
    let Some((&count, rest)) = bytes.split_first() else { return false };
    let Some((lengths, program)) = rest.split_at_checked(2 * usize::from(count)) else {
        return false;
    };
    let mut members = vec![stored("a/data.pkl", program)];
    for (at, length) in lengths.as_chunks::<2>().0.iter().enumerate() {
        let numbers: Vec<u8> =
            (0..u16::from_le_bytes(*length)).map(|place| (place % 61) as u8).collect();
        members.push(stored(&format!("a/data/{at}"), &numbers));
    }
    whole(&zip(&members), "fuzz.pt")
}

/// The bytes as an archive or an array, and as an array in an archive that is right otherwise.
pub(super) fn npz(bytes: &[u8]) -> bool {
    let direct = whole(bytes, "fuzz.npz");
    let within = whole(&zip(&[stored("w.npy", bytes)]), "fuzz.npz");
    direct || within
}

pub(super) fn onnx(bytes: &[u8]) -> bool {
    match read_onnx(bytes, "fuzz.onnx") {
        Ok(model) => computed(&model),
        Err(error) => check_error(&error),
    }
    whole(bytes, "fuzz.onnx")
}

/// Opens a file and, where that succeeds, what is done with it next.
fn whole(bytes: &[u8], name: &str) -> bool {
    let opened = match open(bytes, name, ReadOptions::default()) {
        Ok(opened) => opened,
        Err(error) => {
            check_error(&error);
            return false;
        }
    };
    for note in &opened.notes {
        let text = note.to_string();
        assert!(!text.is_empty() && text.len() < 20_000, "a note of {} bytes", text.len());
    }
    opened.model.state.check_finite().unwrap_or_else(|error| panic!("{error}"));
    if let Err(error) = opened.model.members(name) {
        check_error(&error);
    }
    match chain::infer(&opened.model.state) {
        Ok(found) => assert!(!found.notation().is_empty()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
    network(&opened);
    for (format, converted) in [(Format::Safetensors, "a.safetensors"), (Format::Npz, "a.npz")] {
        kept(&opened, format, (name, converted));
    }
    true
}

/// The network that a file describes is one or is refused.
fn network(opened: &Opened) {
    let Some(card) = &opened.model.card else { return };
    let Ok(module) = nn::parse(&card.network) else { return };
    if let Ok(network) = Network::with_state(module, &opened.model.state) {
        let Ok(bytes) = write_onnx(&network, &OnnxExport::default()) else { return };
        read_onnx(&bytes, "a.onnx").unwrap_or_else(|error| panic!("what was written: {error}"));
    }
}

/// What one format writes of a file, it reads with the same numbers.
fn kept(opened: &Opened, format: Format, (name, converted): (&str, &str)) {
    let options = Options { keep_keys: true, ..Options::default() };
    let Ok(made) = convert(opened.clone(), format, &options, name) else { return };
    let again = open(&made.bytes, converted, ReadOptions::default())
        .unwrap_or_else(|error| panic!("what was written as {}: {error}", format.name()));
    let entries = |opened: &Opened| -> Vec<(String, Value)> {
        let state = opened.model.state.iter();
        state.map(|(key, value)| (key.to_owned(), value.clone())).collect()
    };
    assert_eq!(entries(&again), entries(opened), "through {}", format.name());
}

/// Whatever is read has small or large values; small ones are computed.
fn computed(model: &OnnxModel) {
    let graph = &model.graph;
    let elements = |id| graph.shape(id).at(2).iter().product::<usize>();
    let all = graph.graph().ids().try_fold(0_usize, |all, id| all.checked_add(elements(id)));
    if all.is_none_or(|all| all > COMPUTED) {
        return;
    }
    let inputs = inputs(graph);
    let named: Vec<(&str, Value)> =
        inputs.iter().map(|(name, value)| (name.as_str(), value.clone())).collect();
    match model.predict(&named, &Config::default()) {
        Ok(outputs) => assert_eq!(outputs.len(), graph.graph().outputs().len()),
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

fn inputs(graph: &Checked) -> Vec<(String, Value)> {
    let inputs = graph.graph().sources().filter_map(|(id, source)| {
        let Source::Input { name, dtype, .. } = source else { return None };
        let shape = graph.shape(id).at(2);
        let value: Value = match dtype {
            DType::I64 => Tensor::full(shape, 0_i64).into(),
            DType::F32 | DType::F64 | DType::Bool => Tensor::full(shape, 0.5_f32).into(),
        };
        Some((name.clone(), value))
    });
    inputs.collect()
}

/// An error about a model file says what and where, and stays readable.
fn check_error(error: &Error) {
    let kinds = [ErrorKind::Model, ErrorKind::Unsupported, ErrorKind::Limit];
    assert!(kinds.contains(&error.kind()), "{:?}: {error}", error.kind());
    assert!(error.place().is_some(), "no place: {error}");
    let text = error.to_string();
    assert!(text.len() < 20_000, "{} bytes of message", text.len());
}
