//! What bad model files get, through the binary: the lines 26 to 42 of the list of bad input, each with its exit status,
//! and a message that names what is wrong, where, and how to mend it.
//!
//! | line | what is wrong | tested by |
//! |---|---|---|
//! | 26 | safetensors: lengths, names, overlaps, holes | `hostile_models.rs` `broken_files_are_refused` |
//! | 27 | NaN and infinite weights | `weights_that_are_not_finite_need_permission` |
//! | 28 | JSON nested 100,000 deep | `hostile_models.rs` `broken_files_are_refused` |
//! | 29 | globals outside the tensor rebuilders | `nothing_that_a_pickle_calls_is_executed` |
//! | 30 | memo bombs, nesting 200,000 deep | `files_that_ask_for_the_impossible_take_little_memory` |
//! | 31 | deflate bombs | `files_that_ask_for_the_impossible_take_little_memory` |
//! | 32 | storages shorter than declared, strides outside | `archives_that_contradict_themselves` |
//! | 33 | zips with two members of a name, bad checksums | `archives_that_contradict_themselves` |
//! | 34 | text renamed `.pt` | `archives_that_contradict_themselves` |
//! | 35 | ONNX: data in other files | `onnx_graphs_that_are_wrong` |
//! | 36 | ONNX: circles, dangling inputs, operators | `onnx_graphs_that_are_wrong` |
//! | 37 | ONNX: attributes out of range | `onnx_graphs_that_are_wrong` |
//! | 38 | ONNX: lengths of 2^40, messages 10,000 deep | `files_that_ask_for_the_impossible_take_little_memory` |
//! | 39 | names that promise another content | `the_content_decides_between_all_formats` |
//! | 40 | newer versions | `newer_versions_are_named_in_every_format` |
//! | 41 | keys that do not match | `keys_that_do_not_match_are_one_message_from_every_format` |
//! | 42 | a checkpoint of other data or settings | `reproducible.rs` `a_checkpoint_of_other_settings_or_data_is_refused_with_the_differences` |

#[allow(dead_code)]
#[path = "../../../glassnet-formats/tests/all/archive.rs"]
mod archive;
#[allow(dead_code)]
#[path = "../../../glassnet-formats/tests/all/onnx_file.rs"]
mod onnx_file;

use std::path::Path;
use std::process::Command;

use glassnet::nn::{self, Network, StateDict};
use glassnet::{Tensor, Value};
use glassnet_formats::{Card, ModelFile, OnnxExport, numpy, write_onnx};

use crate::folder::{Answer, Folder, GLASSNET, words};
use crate::formats::golden;
use archive::{Member, crc, deflated, stored, tensor_pickle, torch_file, zip};
use onnx_file::{array, field, file, floats, input, int, node, number, output, wholes};

const ROWS: &[u8] = b"a,b\n0.5,-1\n";

/// What is done with a bad file; each must refuse it.
const VERBS: [&str; 5] = [
    "predict FILE x.csv",
    "evaluate FILE x.csv --loss mse",
    "summary FILE",
    "explain FILE --input 1,2",
    "convert FILE out.safetensors",
];

/// Every verb refuses the file with the status and names all of `words`.
#[track_caller]
fn refused(name: &str, bytes: &[u8], (status, kind): (i32, &str), words_of: &[&str]) {
    let folder = Folder::with(&[("x.csv", ROWS), (name, bytes)]);
    for verb in VERBS {
        let line = verb.replace("FILE", name);
        let answer = folder.refused(&words(&line), status, kind);
        answer.names(&[name]).names(words_of);
        let mended = answer.first_line().matches("; ").count() >= 2;
        assert!(mended, "what; where; how to mend it: {answer:?}");
    }
}

/// A file's name and bytes, the status, what is named.
type Case<'a> = (&'a str, Vec<u8>, (i32, &'a str), &'a [&'a str]);

const MODEL: (i32, &str) = (4, "model");
const UNSUPPORTED: (i32, &str) = (4, "unsupported");
const LIMIT: (i32, &str) = (6, "limit");

#[test]
fn every_line_of_the_table_names_a_test() {
    let table = include_str!("bad_models.rs");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all");
    for line in 26..=42 {
        let row = table.lines().find(|row| row.starts_with(&format!("//! | {line} |")));
        let row = row.unwrap_or_else(|| panic!("line {line} is not in the table"));
        let names: Vec<&str> = row.split('`').collect();
        let test = names[names.len() - 2];
        let place = names.iter().find(|name| name.ends_with(".rs")).unwrap_or(&"bad_models.rs");
        let text = std::fs::read_to_string(folder.join(place)).unwrap();
        assert!(text.contains(&format!("#[test]\nfn {test}()")), "{test} is no test of {place}");
    }
}

#[test]
fn weights_that_are_not_finite_need_permission() {
    let bad = [0.5, f32::NEG_INFINITY];
    let weight = Value::from(Tensor::new([1, 2], bad.to_vec()).unwrap());
    let raw: Vec<u8> =
        [1.0, 2.0, f32::NAN, 4.0].iter().flat_map(|x: &f32| x.to_le_bytes()).collect();
    let pickle = tensor_pickle(4, 0, &[2, 2], &[2, 1]);
    let torch = zip(&[stored("a/data.pkl", &pickle), stored("a/data/0", &raw)]);
    let state = StateDict::from_iter([("weight", weight.clone())]);
    let safetensors = ModelFile { state, card: Some(Card::new("Linear(2, 1, bias=False)")) };
    let onnx = file(&[
        input("x", &[1, 2]),
        output("y"),
        floats("w", &[2, 1], &bad),
        node("MatMul", &["x", "w"], &["y"], &[]),
    ]);
    for (name, bytes, place) in [
        ("m.npz", numpy::write_npz([("weight", &weight)]).unwrap(), "weight[0, 1] is -inf"),
        ("m.pt", torch, "w[1, 0] is NaN"),
        ("m.safetensors", safetensors.write().unwrap(), "weight[0, 1] is -inf"),
        ("m.onnx", onnx, "[0, 1] is -inf"),
    ] {
        refused(name, &bytes, MODEL, &[place, "allow"]);
        let folder = Folder::with(&[(name, &bytes)]);
        let line = format!("convert {name} out.npz --allow-non-finite");
        folder.run(&words(&line)).success();
        assert!(folder.path("out.npz").exists());
    }
}

#[test]
fn nothing_that_a_pickle_calls_is_executed() {
    for (module, name) in
        [("os", "system"), ("builtins", "eval"), ("subprocess", "Popen"), ("__main__", "Net")]
    {
        // {"w": tensor, "x": module.name("touch ran")}
        let call = format!("X\u{1}\0\0\0xc{module}\n{name}\n(X\u{9}\0\0\0touch rantRs.");
        let mut pickle = tensor_pickle(4, 0, &[4], &[1]);
        pickle.pop();
        pickle.extend(call.as_bytes());
        let global = format!("{module}.{name}");
        refused("m.pt", &torch_file(&pickle), MODEL, &[&global, "data.pkl, byte"]);
    }
    for name in ["evil.pt", "whole.pt"] {
        refused(name, &golden(name), MODEL, &["data.pkl"]);
    }
}

#[test]
fn archives_that_contradict_themselves() {
    let pickle = tensor_pickle(4, 0, &[4], &[1]);
    let with = |change: &dyn Fn(&mut Member)| {
        let mut members = [stored("a/data.pkl", &pickle), stored("a/data/0", &[0; 16])];
        change(&mut members[1]);
        zip(&members)
    };
    let short = torch_file(&tensor_pickle(5, 0, &[4], &[1]));
    refused("m.pt", &short, MODEL, &["storage \"0\" claims 5 numbers"]);
    let outside = torch_file(&tensor_pickle(4, 0, &[2, 2], &[3, 1]));
    refused("m.pt", &outside, MODEL, &["strides [3, 1]", "beyond the 4 numbers"]);
    let offset = torch_file(&tensor_pickle(4, 1 << 40, &[1], &[1]));
    refused("m.pt", &offset, MODEL, &["beyond the 4 numbers"]);
    let twice = with(&|member| member.name = "a/data.pkl".to_owned());
    refused("m.pt", &twice, MODEL, &["two members", "data.pkl"]);
    refused("m.pt", &with(&|member| member.crc ^= 1), MODEL, &["checksum", "a/data/0"]);
    let differs = with(&|member| member.own_length = Some(15));
    refused("m.pt", &differs, MODEL, &["length", "differs"]);
    refused("m.pt", b"epoch,loss\n1,0.5\n", MODEL, &["not a PyTorch zip", "text"]);
    assert_eq!(crc(b"123456789"), 0xcbf4_3926);
}

#[test]
fn onnx_graphs_that_are_wrong() {
    let around =
        |parts: &[Vec<u8>]| file(&[&[input("x", &[1, 2]), output("y")][..], parts].concat());
    for location in ["weights.bin", "../../etc/passwd", "/etc/passwd", "link"] {
        let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
        let elsewhere = array("w", &[2, 2], 1, [field(13, &entry), number(14, 1)].concat());
        let bytes = around(&[elsewhere, node("MatMul", &["x", "w"], &["y"], &[])]);
        refused("m.onnx", &bytes, MODEL, &["another file", location, "\"w\"", "onnx.save"]);
    }
    let circle = [node("Relu", &["b"], &["y"], &[]), node("Tanh", &["y"], &["b"], &[])];
    refused("m.onnx", &around(&circle), MODEL, &["circle", "\"b\"", "the Relu"]);
    let dangling = [node("Relu", &["nowhere"], &["y"], &[])];
    refused("m.onnx", &around(&dangling), MODEL, &["\"nowhere\"", "the Relu"]);
    let turned = [floats("w", &[2], &[1.0; 2]), node("GridSample", &["x", "w"], &["y"], &[])];
    refused("m.onnx", &around(&turned), UNSUPPORTED, &["GridSample", "the GridSample"]);
    let weight = floats("w", &[2, 2], &[1.0; 4]);
    let gemm = node("Gemm", &["x", "w"], &["y"], &[int("transB", 823)]);
    refused("m.onnx", &around(&[weight, gemm]), MODEL, &["transB is 823", "the Gemm"]);
    let softmax = [node("Softmax", &["x"], &["y"], &[int("axis", 7)])];
    refused("m.onnx", &around(&softmax), MODEL, &["axis 7", "the Softmax"]);
}

/// Runs the command with at most 256 MB of addresses.
fn in_little_memory(folder: &Folder, line: &str) -> Answer {
    let mut command = Command::new("sh");
    command.arg("-c").arg(format!("ulimit -v 262144; exec {GLASSNET} {line}"));
    Answer::of(command.current_dir(folder.path("")).output().unwrap())
}

#[test]
fn files_that_ask_for_the_impossible_take_little_memory() {
    const LARGE: u64 = 1 << 40;
    let within =
        |inside: &[u8]| torch_file(&[&b"\x80\x02}X\x01\0\0\0x"[..], inside, b"s."].concat());
    let deep = [b"}X\x01\0\0\0a".repeat(200_000), b"}".to_vec(), b"s".repeat(200_000)].concat();
    let zeros = deflated("a/data.pkl", &vec![0; 20_000_000]);
    let around =
        |parts: &[Vec<u8>]| file(&[&[input("x", &[1, 2]), output("y")][..], parts].concat());
    let product = node("MatMul", &["x", "w"], &["y"], &[]);
    let expand = [
        wholes("shape", &[1 << 20, 1 << 20]),
        floats("w", &[1, 1], &[1.0]),
        node("Expand", &["w", "shape"], &["large"], &[]),
        node("Add", &["x", "large"], &["y"], &[]),
    ];
    let mut nested = vec![];
    for _ in 0..10_000 {
        nested = field(6, &field(1, &field(5, &nested)));
    }
    let control = node("If", &["x"], &["y"], &[nested.clone()]);
    let groups = [number(1, 8), field(3, b"x"), [0x73].repeat(10_000)].concat();
    let claims = Member { length: 4_000_000_000, ..zeros.clone() };
    let cases: [Case<'_>; 12] = [
        (
            "30.pt",
            within(&[&b"N"[..], &b"2\x86".repeat(100_000)].concat()),
            MODEL,
            &["no state dict"],
        ),
        (
            "30.pt",
            within(&[&b")"[..], &b"\x85".repeat(200_000)].concat()),
            MODEL,
            &["no state dict"],
        ),
        (
            "30.pt",
            torch_file(&[&b"\x80\x02"[..], &deep, b"."].concat()),
            MODEL,
            &["deeper than 16"],
        ),
        ("30.pt", torch_file(b"\x80\x02}q\0X\x01\0\0\0ah\0s."), MODEL, &["hold each other"]),
        ("31.pt", zip(&[claims]), MODEL, &["4000000000 bytes", "without compression"]),
        ("31.pt", zip(&[Member { length: 1000, ..zeros }]), MODEL, &["more than the 1000 bytes"]),
        (
            "32.pt",
            torch_file(&tensor_pickle(4, 0, &[LARGE, LARGE], &[0, 0])),
            MODEL,
            &["more memory"],
        ),
        (
            "38.onnx",
            around(&[array("w", &[LARGE, 2], 1, vec![]), product.clone()]),
            MODEL,
            &["\"w\""],
        ),
        ("38.onnx", around(&[array("w", &[LARGE; 3], 1, vec![]), product]), MODEL, &["\"w\""]),
        ("38.onnx", around(&expand), LIMIT, &["the Expand"]),
        ("38.onnx", around(&[control]), UNSUPPORTED, &["the If"]),
        ("38.onnx", groups, MODEL, &["no ONNX model"]),
    ];
    for (name, bytes, (status, kind), named) in cases {
        let folder = Folder::with(&[("x.csv", ROWS), (name, &bytes)]);
        for verb in [format!("summary {name}"), format!("predict {name} x.csv --threads 1")] {
            let answer = in_little_memory(&folder, &verb);
            answer.check_error(status, kind);
            answer.names(&[name]).names(named);
        }
    }
}

#[test]
fn the_content_decides_between_all_formats() {
    let network = Network::new(nn::parse("2-3-1").unwrap(), 0).unwrap();
    let onnx = write_onnx(&network, &OnnxExport::default()).unwrap();
    let card = Some(Card::new(network.module().notation()));
    let model = ModelFile { state: network.state_dict().clone(), card };
    let arrays = numpy::write_npz(network.state_dict().iter()).unwrap();
    for (bytes, content) in [
        (onnx, "an ONNX model"),
        (model.write().unwrap(), "safetensors"),
        (arrays, "a NumPy archive"),
        (golden("same.pt"), "a PyTorch zip archive"),
    ] {
        for ending in ["onnx", "safetensors", "npz", "pt"] {
            let name = format!("m.{ending}");
            let folder = Folder::with(&[(&name, &bytes)]);
            let answer = folder.run(&["summary", &name]).success();
            let told = answer.stderr.contains("the content decides");
            let right = content.contains(match ending {
                "onnx" => "ONNX",
                "npz" => "NumPy",
                "pt" => "PyTorch",
                other => other,
            });
            assert_eq!(told, !right, "{name} with {content}: {answer:?}");
            assert_eq!(answer.stderr.contains(content), !right, "{answer:?}");
        }
    }
}

#[test]
fn newer_versions_are_named_in_every_format() {
    let network = Network::new(nn::parse("2-3-1").unwrap(), 0).unwrap();
    let card = Card::new(network.module().notation());
    let export = OnnxExport { card: Some(card.clone()), ..OnnxExport::default() };
    let onnx = write_onnx(&network, &export).unwrap();
    let safetensors = ModelFile { state: network.state_dict().clone(), card: Some(card) };
    let newer = |bytes: &[u8], version: &[u8]| {
        let at = bytes.windows(version.len()).position(|window| window == version).unwrap();
        let mut changed = bytes.to_vec();
        changed[at + version.len() - 1] = b'9';
        changed
    };
    let named = ["version 9", "this glassnet reads up to", "or a newer one"];
    refused("m.onnx", &newer(&onnx, br#""version":1"#), MODEL, &named);
    let bytes = newer(&safetensors.write().unwrap(), br#"\"version\":1"#);
    refused("m.safetensors", &bytes, MODEL, &named);
    // An opset to come, and one from before.
    for (opset, help) in [(99, "lower opset_version"), (6, "version_converter")] {
        let set = field(8, &number(2, opset));
        let bytes = [number(1, 8), field(7, &output("y")), set].concat();
        refused("m.onnx", &bytes, UNSUPPORTED, &[&format!("opset {opset}"), "are read", help]);
    }
}

#[test]
fn keys_that_do_not_match_are_one_message_from_every_format() {
    let tensor = |shape: &[usize]| Value::from(Tensor::full(shape, 0.5_f32));
    let state = [("0.weight", tensor(&[3, 9])), ("0.bias", tensor(&[3])), ("7.bias", tensor(&[1]))];
    let npz = numpy::write_npz(state.iter().map(|(key, value)| (*key, value))).unwrap();
    let model = ModelFile { state: StateDict::from_iter(state.clone()), card: None };
    let misfit = Network::new(nn::parse("9-3-1").unwrap(), 0).unwrap();
    let onnx = write_onnx(&misfit, &OnnxExport::default()).unwrap();
    let folder = Folder::with(&[("x.csv", ROWS), ("w.npz", &npz), ("w.onnx", &onnx)]);
    folder.write("w.safetensors", model.write().unwrap());
    for (name, all) in [("w.npz", true), ("w.safetensors", true), ("w.onnx", false)] {
        let line = format!("predict 2-3-1 x.csv --weights {name}");
        let answer = folder.refused(&words(&line), 4, "model");
        answer.names(&["size mismatch for 0.weight", "[3, 9]", "[3, 2]"]);
        if all {
            answer.names(&["Missing key(s)", "2.weight", "Unexpected key(s)", "7.bias"]);
        }
    }
}
