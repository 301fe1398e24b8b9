//! ONNX files that are wrong in every way we could think of: an error that names the place, never a panic.

use std::time::{Duration, Instant};

use glassnet::ErrorKind;
use glassnet_formats::{OnnxModel, read_onnx};

use crate::onnx::{bytes, folder};
use crate::onnx_file::{
    array, field, file, floats, input, int, node, number, open_input, output, wholes,
};
use crate::support::Numbers;

fn check(bytes: &[u8], kind: ErrorKind, words: &[&str]) {
    let begun = Instant::now();
    let error = read_onnx(bytes, "bad.onnx").map(|_| ()).expect_err(words[0]);
    assert!(begun.elapsed() < Duration::from_secs(20), "{error}");
    let text = error.to_string();
    assert_eq!(error.kind(), kind, "{text}");
    assert!(error.place().is_some_and(|place| place.contains("bad.onnx")), "{text}");
    assert!(text.len() < 2000, "{} bytes of message", text.len());
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}

#[test]
fn a_file_made_by_hand_is_read() {
    let model = read_onnx(
        &file(&[
            input("x", &[4, 2]),
            output("y"),
            floats("w", &[3, 2], &[1.0; 6]),
            node("Gemm", &["x", "w"], &["y"], &[int("transB", 1)]),
        ]),
        "a.onnx",
    );
    assert_eq!(
        model.unwrap().network.unwrap().module().notation(),
        "Sequential(Linear(2, 3, bias=False))"
    );
}

#[test]
fn data_in_other_files_are_refused_wherever_they_point() {
    for location in ["weights.bin", "../weights.bin", "/etc/passwd", "a/../../b", "link"] {
        let entry = [field(1, b"location"), field(2, location.as_bytes())].concat();
        let rest = [field(13, &entry), number(14, 1)].concat();
        let bytes = file(&[
            input("x", &[1, 2]),
            output("y"),
            array("w", &[3, 2], 1, rest),
            node("MatMul", &["x", "w"], &["y"], &[]),
        ]);
        check(&bytes, ErrorKind::Model, &["another file", location, "\"w\"", "onnx.save"]);
    }
}

#[test]
fn nodes_that_do_not_follow_each_other_are_refused_by_name() {
    let circle = [node("Relu", &["b"], &["a"], &[]), node("Tanh", &["a"], &["b"], &[])].concat();
    check(
        &file(&[input("x", &[1, 2]), output("b"), circle]),
        ErrorKind::Model,
        &["circle", "\"b\"", "Relu"],
    );
    let dangling = node("Relu", &["nowhere"], &["y"], &[]);
    check(
        &file(&[input("x", &[1, 2]), output("y"), dangling]),
        ErrorKind::Model,
        &["nowhere", "the Relu"],
    );
    let twice = [node("Relu", &["x"], &["y"], &[]), node("Tanh", &["x"], &["y"], &[])].concat();
    check(
        &file(&[input("x", &[1, 2]), output("y"), twice]),
        ErrorKind::Model,
        &["two nodes", "\"y\""],
    );
    let missing = file(&[input("x", &[1, 2]), output("y")]);
    check(&missing, ErrorKind::Model, &["nothing computes \"y\""]);
}

/// Found by random input: what the graph's builder refuses is the file's mistake.
#[test]
fn two_inputs_of_one_name_are_refused() {
    let relu = node("Relu", &["x"], &["y"], &[]);
    let bytes = file(&[input("x", &[1, 2]), input("x", &[1, 3]), output("y"), relu]);
    check(&bytes, ErrorKind::Model, &["two inputs are called \"x\"", "export"]);
}

#[test]
fn what_is_not_supported_is_named_with_its_node() {
    let conv = node("GridSample", &["x", "w"], &["y"], &[]);
    let bytes = file(&[input("x", &[1, 2]), output("y"), floats("w", &[2], &[1.0; 2]), conv]);
    check(&bytes, ErrorKind::Unsupported, &["GridSample", "the GridSample"]);
    // Another output is still computed.
    let both =
        [node("GridSample", &["x", "w"], &["y"], &[]), node("Relu", &["x"], &["z"], &[])].concat();
    let bytes =
        file(&[input("x", &[1, 2]), output("y"), output("z"), floats("w", &[2], &[1.0; 2]), both]);
    let model = read_onnx(&bytes, "a.onnx").unwrap();
    assert_eq!(model.graph.graph().outputs().len(), 1);
    assert!(
        model
            .notes
            .iter()
            .map(ToString::to_string)
            .any(|note| note.contains("\"y\" was left out") && note.contains("the GridSample"))
    );
}

#[test]
fn attributes_out_of_range_are_refused() {
    let cases = [
        ("Gemm", int("transB", 823), "transB is 823"),
        ("Softmax", int("axis", 7), "axis 7"),
        ("Flatten", int("axis", u64::MAX / 2), "axis 9223372036854775807"),
        ("Gemm", [field(1, b"transB"), number(20, 2)].concat(), "transB is not a whole number"),
    ];
    for (kind, attribute, words) in cases {
        let bytes = file(&[
            input("x", &[1, 2]),
            output("y"),
            floats("w", &[2, 2], &[1.0; 4]),
            node(kind, &["x", "w"][..if kind == "Gemm" { 2 } else { 1 }], &["y"], &[attribute]),
        ]);
        check(&bytes, ErrorKind::Model, &[words, &format!("the {kind}")]);
    }
}

#[test]
fn sizes_without_data_cost_nothing() {
    const LARGE: u64 = 1 << 40;
    let product = node("MatMul", &["x", "w"], &["y"], &[]);
    for dims in [&[LARGE, 2][..], &[LARGE, LARGE, LARGE], &[0, LARGE, LARGE], &[u64::MAX, 2]] {
        let bytes =
            file(&[input("x", &[1, 2]), output("y"), array("w", dims, 1, vec![]), product.clone()]);
        check(&bytes, ErrorKind::Model, &["\"w\""]);
    }
    let expand = [
        wholes("shape", &[1 << 40, 1 << 40]),
        floats("one", &[1, 1], &[1.0]),
        node("Expand", &["one", "shape"], &["large"], &[]),
        node("Add", &["x", "large"], &["y"], &[]),
    ]
    .concat();
    check(
        &file(&[input("x", &[1, 2]), output("y"), expand]),
        ErrorKind::Model,
        &["too many elements"],
    );
    let expand = [
        wholes("shape", &[1 << 20, 1 << 20]),
        floats("one", &[1, 1], &[1.0]),
        node("Expand", &["one", "shape"], &["large"], &[]),
        node("Add", &["x", "large"], &["y"], &[]),
    ]
    .concat();
    check(&file(&[input("x", &[1, 1]), output("y"), expand]), ErrorKind::Limit, &["the Expand"]);
    let repeated =
        [wholes("shape", &[1, 1 << 40]), node("Expand", &["x", "shape"], &["y"], &[])].concat();
    check(&file(&[input("x", &[1, 1]), output("y"), repeated]), ErrorKind::Limit, &["the Expand"]);
}

#[test]
fn products_of_constants_have_a_budget() {
    let side = 1000;
    let mut parts = vec![
        input("x", &[1, side]),
        output("y"),
        floats("w0", &[side, side], &vec![0.001; (side * side) as usize]),
    ];
    for step in 0..50 {
        let (from, to) = (format!("w{step}"), format!("w{}", step + 1));
        parts.push(node("MatMul", &[&from, &from], &[&to], &[]));
    }
    parts.push(node("MatMul", &["x", "w50"], &["y"], &[]));
    check(&file(&parts), ErrorKind::Limit, &["constants alone"]);
}

#[test]
fn deep_messages_end_in_an_error() {
    let mut deep = vec![];
    for _ in 0..10_000 {
        deep = field(6, &field(1, &field(5, &deep)));
    }
    let bytes =
        file(&[input("x", &[1, 2]), output("y"), node("If", &["x"], &["y"], &[deep.clone()])]);
    check(&bytes, ErrorKind::Unsupported, &["the If"]);
    let unknown = [number(1, 8), field(7, &deep)].concat();
    assert!(read_onnx(&unknown, "bad.onnx").is_err());
    let mut groups = number(1, 8);
    groups.extend([0x73].repeat(10_000));
    check(&groups, ErrorKind::Model, &["no ONNX model"]);
}

#[test]
fn long_chains_and_deep_sums_are_no_danger() {
    // A sum whose inner part is 20,000 nodes deep.
    let mut parts = vec![input("x", &[1, 2]), output("y")];
    for step in 0..20_000 {
        let from = if step == 0 { "x".to_owned() } else { format!("v{step}") };
        parts.push(node("Neg", &[&from], &[&format!("v{}", step + 1)], &[]));
    }
    parts.push(node("Add", &["x", "v20000"], &["y"], &[]));
    let model = read_onnx(&file(&parts), "a.onnx").unwrap();
    assert_eq!(model.graph.graph().nodes().len(), 20_002);
    // Sums of sums: a formula of it would be 2^40 letters long.
    let mut parts = vec![input("x", &[1, 2]), output("v40")];
    for step in 0..40 {
        let from = if step == 0 { "x".to_owned() } else { format!("v{step}") };
        let double = format!("d{step}");
        parts.push(node("Tanh", &[&from], &[&double], &[]));
        parts.push(node("Add", &[&double, &from], &[&format!("v{}", step + 1)], &[]));
    }
    read_onnx(&file(&parts), "a.onnx").unwrap();
}

#[test]
fn other_files_and_versions_are_told_apart() {
    check(b"", ErrorKind::Model, &["empty"]);
    check(b"PK\x03\x04", ErrorKind::Model, &["zip"]);
    check(b"layers: 3\n", ErrorKind::Model, &["text"]);
    for (version, words) in [(6, "version_converter"), (1000, "lower opset_version")] {
        let opset = field(8, &number(2, version));
        let bytes = [number(1, 8), field(7, &output("y")), opset].concat();
        check(&bytes, ErrorKind::Unsupported, &[words, "7 to"]);
    }
    let other = [
        number(1, 8),
        field(7, &output("y")),
        field(8, &[field(1, b"ai.onnx.ml"), number(2, 3)].concat()),
    ];
    check(&other.concat(), ErrorKind::Unsupported, &["ai.onnx.ml"]);
}

/// A network with a NaN among its weights needs permission, as in every format.
#[test]
fn weights_that_are_not_finite_are_refused() {
    let bytes = file(&[
        input("x", &[1, 2]),
        output("y"),
        floats("w", &[2, 1], &[1.0, f32::NAN]),
        node("MatMul", &["x", "w"], &["y"], &[]),
    ]);
    check(&bytes, ErrorKind::Model, &["NaN", "\"w\""]);
    let options = glassnet_formats::OnnxOptions { allow_non_finite: true, ..Default::default() };
    assert!(glassnet_formats::read_onnx_with(&bytes, "a.onnx", &options).is_ok());
}

fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> =
        ["mlp", "named_opset_13", "norm", "table", "two_heads", "shaped", "image"]
            .into_iter()
            .map(bytes)
            .collect();
    let mut nodes: Vec<_> = std::fs::read_dir(folder().join("nodes"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    nodes.sort();
    seeds.extend(nodes.iter().map(|path| std::fs::read(path.join("model.onnx")).unwrap()));
    seeds
}

/// Whatever is still read has types throughout and prints itself.
fn look_at(model: &OnnxModel) {
    assert!(model.graph.graph().nodes().len() < 100_000);
    if let Some(network) = &model.network {
        assert!(!network.module().notation().is_empty());
    }
}

#[test]
fn shortened_files_are_refused_or_read() {
    for seed in seeds() {
        for end in (0..seed.len()).step_by(if seed.len() > 600 { 7 } else { 1 }) {
            if let Ok(model) = read_onnx(&seed[..end], "a.onnx") {
                look_at(&model);
            }
        }
    }
}

#[test]
fn changed_files_are_refused_or_read() {
    let mut numbers = Numbers(0x2545_f491_4f6c_dd1d);
    let mut read = 0;
    for seed in seeds() {
        for _ in 0..250 {
            let mut bytes = seed.clone();
            for _ in 0..=numbers.below(3) {
                let at = numbers.below(bytes.len());
                match numbers.below(5) {
                    0 => bytes[at] = numbers.next() as u8,
                    1 => bytes[at] ^= 1 << numbers.below(8),
                    2 => drop(bytes.remove(at)),
                    3 => bytes.insert(at, numbers.next() as u8),
                    _ => {
                        let end = (at + numbers.below(24)).min(bytes.len());
                        let piece = bytes[at..end].to_vec();
                        bytes.splice(at..at, piece);
                    }
                }
            }
            if let Ok(model) = read_onnx(&bytes, "a.onnx") {
                look_at(&model);
                read += 1;
            }
        }
    }
    assert!(read > 200, "{read} were read");
}

#[test]
fn one_axis_may_be_open() {
    let relu = node("Relu", &["x"], &["y"], &[]);
    for symbols in [&["", ""][..], &["a", "b"], &["", "3", "b"]] {
        let bytes = file(&[open_input("x", symbols), output("y"), relu.clone()]);
        check(&bytes, ErrorKind::Unsupported, &["several open lengths", "input \"x\""]);
    }
    for (symbols, shape) in
        [(&["batch", "3"][..], "[B, 3]"), (&["", "3"], "[B, 3]"), (&["4", "n"], "[4, B]")]
    {
        let model =
            read_onnx(&file(&[open_input("x", symbols), output("y"), relu.clone()]), "a.onnx")
                .unwrap();
        let (id, _) = model.graph.graph().sources().next().unwrap();
        assert_eq!(model.graph.shape(id).to_string(), shape);
    }
}

/// Files for some fixed number of rows, in which the rows meet: they are read as they stand.
#[test]
fn rows_that_meet_stay_as_many_as_the_file_says() {
    let sum = node("ReduceSum", &["x", "axes"], &["y"], &[]);
    let count = [
        node("Shape", &["x"], &["shape"], &[]),
        node("Cast", &["shape"], &["floats"], &[int("to", 1)]),
        wholes("first", &[0]),
        node("Gather", &["floats", "first"], &["rows"], &[]),
        node("Div", &["x", "rows"], &["y"], &[]),
    ]
    .concat();
    let product = [
        node("Transpose", &["x"], &["turned"], &[]),
        node("MatMul", &["x", "turned"], &["y"], &[]),
    ]
    .concat();
    let turned = node("Reshape", &["x", "two"], &["y"], &[]);
    let cases = [
        [wholes("axes", &[0]), sum].concat(),
        count,
        product,
        [wholes("two", &[3, 2]), turned].concat(),
    ];
    for nodes in cases {
        let model = read_onnx(&file(&[input("x", &[2, 3]), output("y"), nodes]), "a.onnx").unwrap();
        let (id, _) = model.graph.graph().sources().next().unwrap();
        assert_eq!(model.graph.shape(id).to_string(), "[2, 3]");
    }
    let relu = node("Relu", &["x"], &["y"], &[]);
    let model = read_onnx(&file(&[input("x", &[2, 3]), output("y"), relu]), "a.onnx").unwrap();
    let (id, _) = model.graph.graph().sources().next().unwrap();
    assert_eq!(model.graph.shape(id).to_string(), "[B, 3]");
}
