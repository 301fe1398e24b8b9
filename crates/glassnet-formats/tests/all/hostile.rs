//! The cases of bad model files, by their numbers in the list of bad input.

use std::time::{Duration, Instant};

use glassnet::nn::{self, Network};
use glassnet::{Tensor, Value};
use glassnet_formats::{ModelFile, ReadOptions, safetensors};

use crate::support::{check_error, file};

const NAME: &str = "bad.safetensors";

/// Reading `bytes` as a model ends in an error with all `words`, at once.
fn check(bytes: &[u8], words: &[&str]) {
    let start = Instant::now();
    let error = ModelFile::read(bytes, NAME).unwrap_err();
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    check_error(&error, words);
}

const TWO: &str = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;

#[test]
fn case_26_header_length_2_to_the_63() {
    let mut bytes = file(TWO, &[0; 8]);
    bytes[..8].copy_from_slice(&(1_u64 << 63).to_le_bytes());
    check(&bytes, &["header claims 9223372036854775808 bytes", "bytes 0 to 7"]);
    bytes[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    check(&bytes, &["header claims 18446744073709551615 bytes"]);
    bytes[..8].copy_from_slice(&1_000_u64.to_le_bytes());
    check(&bytes, &["cut short", "claims 1000 bytes, 62 follow"]);
}

#[test]
fn case_26_duplicate_name() {
    let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    check(&file(header, &[0; 8]), &["tensor \"a\"", "twice", "byte 6"]);
    let header = r#"{"\u0061":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    check(&file(header, &[0; 4]), &["tensor \"a\"", "twice"]);
    check(&file(r#"{"__metadata__":{},"__metadata__":{}}"#, &[]), &["__metadata__", "twice"]);
    check(&file(r#"{"__metadata__":{"k":"1","k":"2"}}"#, &[]), &["__metadata__", "\"k\"", "twice"]);
    let header = r#"{"a":{"dtype":"F32","shape":[1],"shape":[1],"data_offsets":[0,4]}}"#;
    check(&file(header, &[0; 4]), &["tensor \"a\"", "duplicate field `shape`"]);
}

#[test]
fn case_26_overlap() {
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}"#;
    check(&file(header, &[0; 12]), &["overlap", "tensor \"b\"", "byte 4", "end at 8"]);
    let header = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    check(&file(header, &[0; 8]), &["overlap", "tensor \"b\""]);
}

#[test]
fn case_26_hole() {
    let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}"#;
    check(&file(header, &[0; 12]), &["bytes 4 to 8", "no tensor", "tensor \"b\""]);
    let header = r#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}"#;
    check(&file(header, &[0; 8]), &["bytes 0 to 4", "no tensor", "tensor \"a\""]);
}

#[test]
fn case_26_trailing_data() {
    check(&file(TWO, &[0; 11]), &["3 bytes follow the last tensor"]);
    check(&file("{}", &[0; 1]), &["1 bytes follow the last tensor"]);
}

#[test]
fn case_26_short_data() {
    check(&file(TWO, &[0; 7]), &["cut short", "take 8 bytes, it has 7"]);
    let whole = file(TWO, &[0; 8]);
    for end in 1..whole.len() {
        check(&whole[..end], &[]);
    }
    check(&whole[..4], &["4 bytes are too few"]);
    check(&whole[..8], &["8 bytes are too few"]);
    check(&whole[..30], &["cut short", "22 follow"]);
}

#[test]
fn case_26_shape_product_overflow() {
    let shape = |shape: &str| {
        file(&format!(r#"{{"a":{{"dtype":"F32","shape":{shape},"data_offsets":[0,0]}}}}"#), &[])
    };
    check(&shape("[4294967296,4294967296]"), &["tensor \"a\"", "larger than any file"]);
    check(&shape("[4611686018427387904,4]"), &["larger than any file"]);
    check(&shape("[4294967296,4294967296,0]"), &["larger than any file"]);
    check(&shape("[0,4294967296,4294967296]"), &["larger than any file"]);
    check(&shape("[18446744073709551616]"), &["tensor \"a\"", "cannot be used"]);
    check(&shape("[-1]"), &["tensor \"a\"", "-1"]);
    check(&shape("[1.5]"), &["tensor \"a\"", "1.5"]);
    check(&shape("[1099511627776]"), &["needs 4398046511104 bytes"]);
    let many = format!("[{}0]", "1,".repeat(64));
    check(&shape(&many), &["tensor \"a\"", "more than 64 axes"]);
}

#[test]
fn case_26_offsets_that_do_not_match_the_shape() {
    let entry = |offsets: &str| {
        file(&format!(r#"{{"a":{{"dtype":"F32","shape":[2],"data_offsets":{offsets}}}}}"#), &[0; 8])
    };
    check(&entry("[0,4]"), &["tensor \"a\"", "needs 8 bytes", "from 0 to 4"]);
    check(&entry("[8,0]"), &["tensor \"a\""]);
    check(&entry("[0]"), &["tensor \"a\"", "invalid length 1"]);
    check(&entry("[0,18446744073709551615]"), &["needs 8 bytes"]);
}

#[test]
fn case_26_header_that_is_no_json() {
    check(&file("{\"a\":", &[]), &["not valid JSON", "byte 12"]);
    check(&file("{} x", &[]), &["not valid JSON", "trailing characters"]);
    check(&file("{\"a\":1}", &[]), &["tensor \"a\"", "integer `1`"]);
    check(&file("{\"__metadata__\":{\"k\":1}}", &[]), &["__metadata__", "expected a string"]);
    let mut bytes = file("{\"aa\":1}", &[]);
    bytes[10] = 0xff;
    check(&bytes, &["not valid JSON", "unicode"]);
    check(&[&[2, 0, 0, 0, 0, 0, 0, 0], "[]".as_bytes()].concat(), &["byte 8", "'{'"]);
}

#[test]
fn case_26_unsupported_element_types() {
    let entry = |dtype: &str, bytes: usize| {
        let header = format!(
            r#"{{"0.weight":{{"dtype":"{dtype}","shape":[2],"data_offsets":[0,{bytes}]}}}}"#
        );
        file(&header, &vec![0; bytes])
    };
    check(&entry("C64", 16), &["tensor \"0.weight\"", "C64", "torch.float32"]);
    check(&entry("F8_E4M3", 2), &["F8_E4M3"]);
    check(&entry("F12", 3), &["tensor \"0.weight\"", "F12"]);
}

#[test]
fn case_27_nan_and_infinite_weights() {
    for (number, word) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        let weight =
            Value::from(Tensor::new([2, 3], vec![0.0, 1.0, 2.0, 3.0, number, 5.0]).unwrap());
        let bytes = safetensors::write([("2.weight", &weight)], &[]).unwrap();
        check(&bytes, &["2.weight[1, 1]", word, "allow"]);
        let options = ReadOptions { allow_non_finite: true };
        let model = ModelFile::read_with(&bytes, NAME, options).unwrap();
        let read = model.state.floats("2.weight").unwrap().data()[4];
        assert_eq!(read.to_bits(), number.to_bits());
    }
}

#[test]
fn case_28_json_nested_100_000_deep() {
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(100_000), close.repeat(100_000));
    let words = ["nested deeper than 64 levels"];
    check(&file(&format!(r#"{{"a":{}}}"#, deep("[", "]")), &[]), &words);
    check(&file(&deep(r#"{"a":"#, "}"), &[]), &words);
    let unclosed = format!(r#"{{"a":{}"#, "[".repeat(100_000));
    check(&file(&unclosed, &[]), &words);
    let hidden = format!(
        r#"{{"a":{{"dtype":"F32","shape":[0],"data_offsets":[0,0],"x":{}}}}}"#,
        deep("[", "]")
    );
    check(&file(&hidden, &[]), &words);
    let card = serde_json::json!({ "__metadata__": { "glassnet": deep("[", "]") } });
    check(&file(&card.to_string(), &[]), &["metadata \"glassnet\"", words[0]]);
    for harmless in ["[".repeat(1000), format!("\"{}", "[".repeat(1000)), "\\".to_owned()] {
        let header = serde_json::json!({ "__metadata__": { "note": harmless, "more": "[[" } });
        assert!(ModelFile::read(&file(&header.to_string(), &[]), NAME).is_ok());
    }
}

#[test]
fn case_39_content_decides() {
    let hostile = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/all/hostile/");
    for (file, words) in [
        ("torch_zip", ["PyTorch zip", "glassnet convert"]),
        ("torch_legacy", ["pickle", "torch.load"]),
        ("numpy_zip", ["NumPy archive", "glassnet convert"]),
        ("numpy", ["NumPy array", "glassnet convert"]),
        ("gzip", ["gzip", "gunzip"]),
        ("onnx", ["ONNX", "glassnet convert"]),
    ] {
        let bytes = std::fs::read(format!("{hostile}{file}.safetensors")).unwrap();
        check(&bytes, &[&words[..], &["name ends in .safetensors", "content decides"]].concat());
    }
    // The door to all formats reads what can be read, and says what it is.
    for (file, note) in [
        ("torch_zip", "a PyTorch zip archive"),
        ("numpy_zip", "a NumPy archive (.npz)"),
        ("numpy", "a NumPy array (.npy)"),
    ] {
        let bytes = std::fs::read(format!("{hostile}{file}.safetensors")).unwrap();
        let opened = glassnet_formats::open(&bytes, NAME, ReadOptions::default()).unwrap();
        assert_eq!(opened.model.state.len(), 1);
        let told = opened.notes[0].to_string();
        assert!(told.contains(note) && told.contains("content decides"), "{told}");
    }
    check(b"a,b,c\n1,2,3\n", &["text", "content decides"]);
    check(b"{\"weights\": [1, 2, 3]}", &["text"]);
    check(
        b"version https://git-lfs.github.com/spec/v1\noid sha256:1\n",
        &["Git LFS", "git lfs pull"],
    );
    check(b"<!DOCTYPE html><title>Not found</title>", &["HTML", "download"]);
    check(&[0; 4096], &["zero bytes only"]);
    check(b"", &["empty"]);
}

#[test]
fn case_40_a_newer_version() {
    let with = |card: &str| {
        let header = serde_json::json!({ "__metadata__": { "glassnet": card } });
        file(&header.to_string(), &[])
    };
    let newer = r#"{"version":7,"producer":"glassnet 3.1.0","network":{"unknown":true}}"#;
    check(&with(newer), &["format version 7", "reads up to 2", "use glassnet 3.1.0"]);
    check(&with(r#"{"version":4294967296}"#), &["format version 4294967296"]);
    check(&with(r#"{"version":0}"#), &["format version 0"]);
    check(&with(r#"{"version":1,"producer":"x"}"#), &["missing field `network`", "line 1"]);
    check(&with(r#"{"version":-1}"#), &["-1"]);
    check(&with("{}"), &["missing field `version`"]);
    check(&with("no json"), &["metadata \"glassnet\""]);
    let card =
        |fields: &str| with(&format!(r#"{{"version":1,"producer":"x","network":"2-2",{fields}}}"#));
    check(&card(r#""task":"ranking""#), &["unknown variant `ranking`"]);
    check(&card(r#""classes":["a","b","a"]"#), &["class \"a\" stands twice"]);
    check(&card(r#""task":"classification","classes":["a"]"#), &["two classes"]);
    check(&card(r#""task":"regression","classes":["a","b"]"#), &["regression has no classes"]);
}

#[test]
fn long_names_give_short_messages() {
    let long = "name".repeat(100_000);
    let header = |dtype: &str, size: usize| {
        format!(r#"{{"{long}":{{"dtype":"{dtype}","shape":[2],"data_offsets":[0,{size}]}}}}"#)
    };
    check(&file(&header("C64", 16), &[0; 16]), &["tensor \"namename", "C64"]);
    check(&file(&header("F32", 4), &[0; 4]), &["tensor \"namename", "needs 8 bytes"]);
    check(&file(&header(&long, 8), &[0; 8]), &["tensor \"namename", "unknown variant"]);
    let card = serde_json::json!({ "version": 9, "producer": long }).to_string();
    let header = serde_json::json!({ "__metadata__": { "glassnet": card } });
    check(&file(&header.to_string(), &[]), &["format version 9"]);
}

/// The engine's crate compares; what the file says must reach it whole.
#[test]
fn case_41_keys_that_do_not_match_a_network() {
    let vector = Value::from(Tensor::new([2], vec![0.0_f32; 2]).unwrap());
    let tensors = [("0.weight", &vector), ("0.bias", &vector), ("9.bias", &vector)];
    let model = ModelFile::read(&safetensors::write(tensors, &[]).unwrap(), NAME).unwrap();
    let mut network = Network::new(nn::parse("2-2-3").unwrap(), 0).unwrap();
    let error = network.load_state_dict(&model.state, true).unwrap_err().to_string();
    for word in [
        "Missing key(s)",
        "2.weight",
        "2.bias",
        "Unexpected key(s)",
        "9.bias",
        "size mismatch",
        "0.weight",
    ] {
        assert!(error.contains(word), "no {word:?} in: {error}");
    }
}

#[test]
fn case_42_resume_with_other_data_or_settings() {
    let then = crate::checkpoint::context();
    let mut now = then.clone();
    assert!(then.refuse_other(&now, NAME).is_ok());
    now.settings["lr"] = 0.5.into();
    now.settings.as_object_mut().unwrap().shift_remove("patience");
    now.settings["schedule"]["gamma"] = 0.9.into();
    now.data_fingerprint = "other".to_owned();
    now.network = "6-4".to_owned();
    let error = then.refuse_other(&now, NAME).unwrap_err();
    check_error(&error, &["other data or settings", "--resume"]);
    assert_eq!(
        error.details(),
        [
            "network: Sequential(Linear(2, 1)) in the checkpoint, 6-4 now",
            "data: fingerprint a1b2 in the checkpoint, fingerprint other now",
            "lr: 0.1 in the checkpoint, 0.5 now",
            "patience: 5 in the checkpoint, not set now",
            "schedule.gamma: 0.95 in the checkpoint, 0.9 now",
        ]
    );
}

/// `{` and many times `entry`, in which `#` is a number, in 99 MB.
fn crowd(entry: &str) -> String {
    let mut text = String::with_capacity(100_000_000);
    text.push('{');
    for index in 0.. {
        if text.len() + entry.len() > 99_000_000 {
            break;
        }
        text.push_str(&entry.replace('#', &index.to_string()));
        text.push(',');
    }
    text.pop();
    text.push('}');
    text
}

#[test]
fn headers_of_99_mb() {
    let tensors = crowd(r##""#":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}"##);
    check(&file(&tensors, &[]), &["more than 1000000 values"]);
    let texts = format!(r#"{{"__metadata__":{}}}"#, crowd(r##""#":"""##));
    check(&file(&texts, &[]), &["more than 1000000 values"]);
    let zeros = format!("[{}0]", "0,".repeat(20_000_000));
    let card = serde_json::json!({ "version": 1, "producer": "x", "network": "2-2" }).to_string();
    let card = card.replace('}', &format!(",\"preprocessing\":{zeros}}}"));
    let header = serde_json::json!({ "__metadata__": { "glassnet": card } });
    check(&file(&header.to_string(), &[]), &["more than 1000000 values", "\"glassnet\""]);
    let note = serde_json::json!({ "__metadata__": { "note": "x".repeat(99_000_000) } });
    assert!(ModelFile::read(&file(&note.to_string(), &[]), NAME).is_ok());
}
