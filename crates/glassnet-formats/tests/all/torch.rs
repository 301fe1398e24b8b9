//! PyTorch's and NumPy's files: read to the last bit, or refused by what is wrong.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use glassnet::{Error, Value};
use glassnet_formats::{Content, Note, numpy, safetensors, torch};
use serde_json::Value as Json;

pub(crate) fn golden(name: &str) -> Vec<u8> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/torch"));
    std::fs::read(folder.join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

pub(crate) type Read = (Vec<(String, Value)>, Vec<Note>);

/// Reads a file as what it is.
pub(crate) fn read(bytes: &[u8], name: &str) -> Result<Read, Error> {
    match Content::of(bytes) {
        Content::Safetensors => {
            safetensors::read(bytes, name).map(|file| (file.tensors, file.notes))
        }
        Content::Npz | Content::Npy => {
            numpy::read(bytes, name).map(|file| (file.tensors, file.notes))
        }
        _ => torch::read(bytes, name).map(|file| (file.tensors, file.notes)),
    }
}

fn assert_holds(tensors: &[(String, Value)], wanted: &Json, name: &str) {
    let wanted = wanted.as_object().unwrap();
    let keys: Vec<&str> = tensors.iter().map(|(key, _)| key.as_str()).collect();
    let mut sorted: (Vec<&str>, Vec<&str>) =
        (keys.clone(), wanted.keys().map(String::as_str).collect());
    // safetensors' own writer sorts; everywhere else the order is the state dict's.
    if name.ends_with(".safetensors") {
        sorted.0.sort_unstable();
        sorted.1.sort_unstable();
    }
    assert_eq!(sorted.0, sorted.1, "{name}");
    for (key, value) in tensors {
        let entry = &wanted[key];
        assert_eq!(Json::from(value.shape().to_vec()), entry["shape"], "{name}, {key}");
        match value {
            Value::F32(tensor) => {
                assert_eq!(entry["type"], "float32", "{name}, {key}");
                let data: Vec<f64> = serde_json::from_value(entry["data"].clone()).unwrap();
                let data: Vec<u32> = data.iter().map(|&number| (number as f32).to_bits()).collect();
                let read: Vec<u32> = tensor.data().iter().map(|number| number.to_bits()).collect();
                assert_eq!(read, data, "{name}, {key}");
            }
            Value::I64(tensor) => {
                assert_eq!(entry["type"], "int64", "{name}, {key}");
                assert_eq!(Json::from(tensor.data().to_vec()), entry["data"], "{name}, {key}");
            }
        }
    }
}

/// `../goldens/torch/make_torch.py` says how the files were made.
#[test]
fn files_are_read_to_the_last_bit() {
    let expected: Json = serde_json::from_slice(&golden("expected.json")).unwrap();
    let expected = expected.as_object().unwrap();
    assert!(expected.len() >= 25, "{}", expected.len());
    for (name, wanted) in expected {
        let (tensors, _) =
            read(&golden(name), name).unwrap_or_else(|error| panic!("{name}: {error}"));
        assert_holds(&tensors, wanted, name);
    }
}

fn notes(name: &str) -> String {
    let (_, notes) = read(&golden(name), name).unwrap();
    notes.iter().map(|note| format!("{note}\n")).collect()
}

#[test]
fn what_was_converted_is_told() {
    for name in ["types.pt", "types.safetensors"] {
        let told = notes(name);
        for line in [
            "float64 became float32, with the same values: float64\n",
            "float64 became float32, rounded to the nearest: float64_rounded\n",
            "bfloat16 became float32, with the same values: bfloat16\n",
            "bool became int64, with the same values: bool\n",
            "uint16 became int64, with the same values: uint16\n",
        ] {
            assert!(told.contains(line), "{name}: no {line:?} in {told}");
        }
        let unchanged = |line: &str| line.starts_with("float32") || line.starts_with("int64");
        assert!(!told.lines().any(unchanged), "{told}");
    }
    assert_eq!(notes("same.pt"), "");
    assert!(notes("arrays.npz").contains("float16 became float32, with the same values: f2\n"));
}

#[test]
fn where_the_weights_were_is_told() {
    let told = notes("checkpoint.pt");
    assert!(
        told.starts_with("the weights are those under \"model_state_dict\"; beside them"),
        "{told}"
    );
    assert!(told.contains("\"epoch\", \"optimizer_state_dict\""), "{told}");
    assert!(notes("lightning.ckpt").contains("under \"state_dict\""));
    assert_eq!(notes("mixed.pt"), "\"epoch\", \"note\" was left out: it is no tensor\n");
    assert_eq!(notes("nested.pt"), "");
}

fn refused(name: &str, words: &[&str]) {
    let start = Instant::now();
    let error = torch::read(&golden(name), name).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(1));
    let text = error.to_string();
    assert!(error.place().is_some_and(|place| place.starts_with(name)), "{text}");
    assert!(error.help_text().is_some(), "{text}");
    for word in words {
        assert!(text.contains(word), "{name}: no {word:?} in: {text}");
    }
}

#[test]
fn other_forms_are_told_apart_with_their_mend() {
    refused(
        "legacy.pt",
        &[
            "before version 1.6",
            "torch.save(torch.load(\"legacy.pt\", weights_only=True), \"weights.pt\")",
        ],
    );
    refused(
        "whole.pt",
        &[
            "torch.nn.modules.container.Sequential",
            "torch.save(torch.load(\"whole.pt\", weights_only=False).state_dict(), \"weights.pt\")",
        ],
    );
    refused("own_class.pt", &["__main__.Net", "if you trust", ".state_dict(), \"weights.pt\")"]);
    refused("script.pt", &["TorchScript", "torch.jit.load(\"script.pt\").state_dict()"]);
    refused("tensor.pt", &["no state dict", "single tensor"]);
    refused("list.pt", &["no state dict"]);
    refused("no_tensors.pt", &["no state dict", "\"epoch\", \"note\""]);
    refused("sparse.pt", &["torch._utils._rebuild_sparse_tensor", "to_dense()"]);
    refused("complex.pt", &["\"weight\"", "complex64"]);
    refused("float64_beyond.pt", &["\"a.weight\"", "element 1 is 1e39"]);
    refused("same.npz", &["not a PyTorch zip", "NumPy archive"]);
}

#[test]
fn case_29_a_global_that_is_no_data_is_named_and_never_called() {
    refused("evil.pt", &["posix.system", "no part of a state dict", "don't open it in Python"]);
    assert!(!std::path::Path::new("glassnet-must-not-run-this").exists());
}

/// `../goldens/inert/make_inert.py`: hyper-parameters that are objects. Known settings are passed over by their names; a class
/// of somebody's own is refused by its name, whatever stands beside it.
#[test]
fn objects_of_settings_are_passed_over_and_named() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/inert"));
    let bytes = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let read = torch::read(&bytes("settings.ckpt"), "settings.ckpt").unwrap();
    let keys: Vec<&str> = read.tensors.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["model.0.weight", "model.0.bias", "model.2.weight", "model.2.bias"]);
    let told: String = read.notes.iter().map(|note| format!("{note}\n")).collect();
    for class in ["argparse.Namespace", "pathlib.PurePosixPath", "omegaconf.dictconfig.DictConfig"]
    {
        assert!(told.contains(class), "no {class} in {told}");
    }
    assert!(told.contains("objects of settings are not built"), "{told}");
    let error = torch::read(&bytes("own_class.ckpt"), "own_class.ckpt").unwrap_err();
    let text = error.to_string();
    assert!(text.contains("\"__main__.Settings\"") && text.contains("[\"state_dict\"]"), "{text}");
}
