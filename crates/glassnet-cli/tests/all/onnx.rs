//! ONNX files through every verb, and from and to the other formats.

use std::path::Path;

use serde_json::{Value, json};

use crate::folder::{Folder, words};
use crate::formats::golden;

/// One of the files that PyTorch exported for the formats' tests, and what ONNX Runtime computes for its rows.
fn exported(name: &str) -> (Vec<u8>, Value) {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../glassnet-formats/tests/onnx/fixtures");
    let text = std::fs::read_to_string(folder.join("fixtures.json")).unwrap();
    let fixtures: Value = serde_json::from_str(&text).unwrap();
    let cases = fixtures["cases"].as_array().unwrap();
    let case = cases.iter().find(|case| case["name"] == name).unwrap().clone();
    (std::fs::read(folder.join(format!("{name}.onnx"))).unwrap(), case)
}

/// Arrays with a row each per sample, side by side.
fn beside(arrays: &Value) -> Vec<Vec<f64>> {
    let mut rows: Vec<Vec<f64>> = vec![];
    for array in arrays.as_array().unwrap() {
        let data: Vec<f64> = serde_json::from_value(array["data"].clone()).unwrap();
        let count = array["shape"][0].as_u64().unwrap() as usize;
        rows.resize(count, vec![]);
        for (row, part) in rows.iter_mut().zip(data.chunks(data.len() / count)) {
            row.extend(part);
        }
    }
    rows
}

fn csv(rows: &[Vec<f64>]) -> String {
    let line = |row: &Vec<f64>| row.iter().map(f64::to_string).collect::<Vec<_>>().join(",");
    let header: Vec<String> = (0..rows[0].len()).map(|at| format!("x{at}")).collect();
    let lines: Vec<String> = rows.iter().map(line).collect();
    format!("{}\n{}\n", header.join(","), lines.join("\n"))
}

fn numbers(stdout: &str) -> Vec<Vec<f64>> {
    let cells = |line: &str| line.split(',').map(|cell| cell.parse().unwrap()).collect();
    stdout.lines().skip(1).map(cells).collect()
}

#[track_caller]
fn near(found: &[Vec<f64>], wanted: &[Vec<f64>], what: &str) {
    let largest = wanted.iter().flatten().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    assert_eq!(found.len(), wanted.len(), "{what}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert_eq!(found.len(), wanted.len(), "{what}");
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() <= 1e-6 * largest, "{what}: {found}, not {wanted}");
        }
    }
}

/// Chains of layers, graphs that are none, images, indices, one fixed row: all predict what ONNX Runtime does.
#[test]
fn exported_files_predict_what_onnx_runtime_does() {
    let folder = Folder::new();
    for name in ["mlp", "mlp_opset_9", "named", "skip", "norm", "table", "two_heads", "shaped"]
        .into_iter()
        .chain(["one_row", "image", "image_of_4", "weights_as_inputs", "activations"])
    {
        let (bytes, case) = exported(name);
        folder.write("a.onnx", bytes);
        folder.write("x.csv", csv(&beside(&case["inputs"])));
        let answer = folder.run(&words("predict a.onnx x.csv")).success();
        near(&numbers(&answer.stdout), &beside(&case["outputs"]), name);
        folder.run(&words("summary a.onnx")).success();
    }
}

#[test]
fn a_graph_that_is_no_chain_is_computed_and_shown() {
    let (bytes, case) = exported("two_heads");
    let folder = Folder::with(&[("two.onnx", &bytes)]);
    let x = csv(&beside(&case["inputs"]));
    folder.write("x.csv", &x);
    let answer = folder.run(&words("predict two.onnx x.csv")).success();
    let names: Vec<&str> =
        case["outputs"].as_array().unwrap().iter().map(|o| o["name"].as_str().unwrap()).collect();
    let header = format!("{},{s}[0],{s}[1],{s}[2]", names[0], s = names[1]);
    assert_eq!(answer.stdout.lines().next(), Some(header.as_str()));
    let lines = folder.run(&words("predict two.onnx x.csv --json")).success().stdout;
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["prediction"].as_array().unwrap().len(), 4);

    let shown = folder.run(&words("summary two.onnx")).success().stdout;
    for piece in ["no chain of layers", "/a/Gemm", "Concat", "outputs: ", "total: 64 parameters"] {
        assert!(shown.contains(piece), "no {piece:?} in {shown}");
    }
    let json = folder.run(&words("summary two.onnx --json")).success().json();
    assert_eq!(json["network"], Value::Null);
    // Two products of 3 and 2 numbers with 4 units, two of 8 with 1 and 3.
    assert_eq!(json["macs_per_sample"], 3 * 4 + 2 * 4 + 8 + 8 * 3);
    let concat = json["layers"].as_array().unwrap().iter().find(|l| l["kind"] == "Concat").unwrap();
    assert_eq!(concat["output"], json!([8]));
    assert_eq!(concat["reads"].as_array().unwrap().len(), 2);

    // The last column is the target; the first output is measured.
    let mut with_target = String::new();
    for (at, line) in x.lines().enumerate() {
        let cell = if at == 0 { "y".to_owned() } else { at.to_string() };
        with_target += &format!("{line},{cell}\n");
    }
    folder.write("t.csv", with_target);
    let measured = folder.run(&words("evaluate two.onnx t.csv --loss mse --json")).success();
    assert!(measured.stderr.contains("1 more are not"), "{measured:?}");
    let outputs = numbers(&answer.stdout);
    let squares = outputs.iter().zip(1..).map(|(row, y)| (row[0] - f64::from(y)).powi(2));
    let mse = squares.sum::<f64>() / outputs.len() as f64;
    let loss = measured.json()["metrics"]["loss"].as_f64().unwrap();
    assert!((loss - mse).abs() < 1e-5 * mse, "{loss}, not {mse}");

    for line in [
        "explain two.onnx --input 1,2,3,4,5",
        "summary two.onnx --explain",
        "bench two.onnx",
        "worked collapse two.onnx",
        "convert two.onnx again.onnx",
    ] {
        folder.refused(
            &words(line),
            4,
            if line.starts_with("convert") { "model" } else { "unsupported" },
        );
    }
    folder.refused(&words("explain two.onnx --input 1,2,3,4,5"), 4, "unsupported").names(&[
        "two.onnx",
        "no chain of layers",
        "predict, evaluate and summary",
    ]);
    let wrong = folder.refused(&words("predict two.onnx t.csv"), 3, "data");
    wrong.names(&["6 columns, 5 are wanted", "t.csv", "\"x0\" of [B, 3]"]);
    let flag = folder.refused(&words("predict two.onnx x.csv --activation relu"), 2, "usage");
    flag.names(&["--activation", "leave"]);
    let weights = folder.run(&words("convert two.onnx arrays.npz")).success();
    assert!(weights.stdout.contains("left out: the graph"), "{weights:?}");
}

/// A model's way to ONNX and back keeps every byte of it; what it predicts from raw columns stays the same.
#[test]
fn a_trained_model_comes_back_from_onnx_whole() {
    let rows: String =
        (0..60).map(|at| format!("{},{},{}\n", at, ["u", "v", ""][at % 3], at / 3 % 2)).collect();
    let folder = Folder::with(&[("t.csv", format!("a,b,y\n{rows}").as_bytes())]);
    folder.train("t.csv --target y --epochs 2 --hidden 4 --output m.safetensors -q");
    let told = folder.run(&words("convert m.safetensors m.onnx")).success();
    assert!(told.stdout.starts_with("m.safetensors (safetensors) → m.onnx (ONNX)\n"), "{told:?}");
    let wanted = folder.run(&words("predict m.safetensors t.csv")).success().stdout;
    let found = folder.run(&words("predict m.onnx t.csv")).success().stdout;
    assert_eq!(found, wanted);
    for verb in ["evaluate FILE t.csv", "summary FILE", "explain FILE --data t.csv --row 2"] {
        let answer = |file| folder.run(&words(&verb.replace("FILE", file))).success().stdout;
        assert_eq!(answer("m.onnx"), answer("m.safetensors"), "{verb}");
    }
    folder.run(&words("convert m.onnx again.safetensors")).success();
    assert_eq!(folder.read("again.safetensors"), folder.read("m.safetensors"));
    folder.run(&words("convert m.onnx weights.npz")).success();
    folder.run(&words("convert m.onnx copy.onnx")).success();
    assert_eq!(folder.read("copy.onnx"), folder.read("m.onnx"));

    // Where somebody has changed the graph since, it decides.
    let mut changed = folder.read("m.onnx");
    let weights = folder.read("m.safetensors");
    let last = &weights[weights.len() - 8..];
    let at = changed.windows(8).position(|window| window == last).unwrap();
    changed[at..at + 4].copy_from_slice(&2.5_f32.to_le_bytes());
    folder.write("changed.onnx", changed);
    let shown = folder.run(&words("summary changed.onnx")).success();
    assert!(shown.stderr.contains("the graph decides"), "{shown:?}");
    assert!(!shown.stdout.contains("predicts y"), "{shown:?}");
    let bits = folder.run(&words("explain changed.onnx --input 0,0,0,0 --json"));
    assert_eq!(bits.status, 0, "{bits:?}");
}

/// `tests/onnx/COLUMNS.md` says what ONNX Runtime makes of such files.
#[test]
fn a_file_with_preprocessing_names_its_interface_and_comes_back_whole() {
    let rows: String = (0..60)
        .map(|at| format!("{},{},{}\n", at, ["u", "v", ""][at % 3], ["k", "l"][at / 3 % 2]))
        .collect();
    let folder = Folder::with(&[("t.csv", format!("a,b,y\n{rows}").as_bytes())]);
    for (flags, classes) in [("--hidden 4", "k"), ("--hidden 4 --ensemble 2", "k")] {
        folder.train(&format!(
            "t.csv --target y --epochs 2 --output m.safetensors --force -q {flags}"
        ));
        let told = folder
            .run(&words("convert m.safetensors m.onnx --with-preprocessing --force"))
            .success();
        for line in [
            "interface: inputs \"a\" float32 [N, 1], \"b\" string [N, 1]\n",
            "interface: outputs \"label\" string [N], \"probabilities\" float32 [N, 2]\n",
        ] {
            assert!(told.stdout.contains(line), "no {line:?} in {told:?}");
        }
        let predict = |file| folder.run(&["predict", file, "t.csv"]).success().stdout;
        assert_eq!(predict("m.onnx"), predict("m.safetensors"));
        assert!(predict("m.onnx").starts_with(&format!("prediction,p({classes})")));
        folder.run(&words("convert m.onnx again.safetensors --force")).success();
        assert_eq!(folder.read("again.safetensors"), folder.read("m.safetensors"));
    }
    let whole = folder.refused(&words("convert m.safetensors n.onnx"), 2, "usage");
    whole.names(&["ensemble of 2", "--with-preprocessing"]);
    // A bit of a weight: the description no longer belongs to the graph, which nobody but a runtime with texts computes.
    let mut changed = folder.read("m.onnx");
    let weights = folder.read("m.safetensors");
    let last = &weights[weights.len() - 8..];
    let at = changed.windows(8).position(|window| window == last).unwrap();
    changed[at] ^= 1;
    folder.write("changed.onnx", changed);
    let refused = folder.refused(&words("predict changed.onnx t.csv"), 4, "unsupported");
    refused.names(&["changed.onnx", "\"b\"", "string", "raw columns"]);

    folder.write("same.pt", golden("same.pt"));
    for (line, named) in [
        ("convert m.safetensors m.npz --with-preprocessing", ".onnx"),
        ("convert same.pt s.onnx --with-preprocessing", "same.pt doesn't say"),
        ("convert same.pt s.onnx --with-preprocessing --activation relu", "--activation"),
    ] {
        folder.refused(&words(line), 2, "usage").names(&["--with-preprocessing", named]);
    }
}

#[test]
fn weights_alone_become_onnx_with_their_network() {
    let folder = Folder::with(&[("x.csv", b"a,b,c,d\n0.5,-1,2,0.25\n1.5,0.25,-0.75,1\n")]);
    folder.write("same.pt", golden("same.pt"));
    let refused = folder.refused(&words("convert same.pt m.onnx"), 4, "model");
    refused.names(&["same.pt", "--net or --activation"]);
    folder.run(&words("convert same.pt m.onnx --activation relu")).success();
    let wanted = folder.run(&words("predict same.pt x.csv --activation relu")).success().stdout;
    assert_eq!(folder.run(&words("predict m.onnx x.csv")).success().stdout, wanted);
    let weights = folder.run(&words("predict 4-3-2 x.csv --weights m.onnx")).success().stdout;
    assert_eq!(weights, wanted);
    let open = words("convert same.pt n.onnx --net Sequential(ReLU(),Flatten(),Linear(4,2))");
    folder.refused(&open, 4, "model").names(&["size mismatch"]);
    let arrays = words("convert same.pt n.npz --input-shape 4");
    folder.refused(&arrays, 2, "usage").names(&["--input-shape", "write .onnx"]);
}

#[test]
fn a_training_writes_what_its_output_is_called() {
    let rows: String = (0..40).map(|at| format!("{at},{}\n", at % 2)).collect();
    let folder = Folder::with(&[("t.csv", format!("a,y\n{rows}").as_bytes())]);
    for (ending, help) in
        [("onnx", "glassnet convert"), ("pt", "safetensors"), ("npz", "glassnet convert")]
    {
        let line = format!("train t.csv --target y --epochs 1 --output m.{ending}");
        folder.refused(&words(&line), 2, "usage").names(&["--output", "safetensors", help]);
    }
}

#[test]
fn content_decides_about_onnx_too() {
    let (bytes, _) = exported("mlp");
    let folder = Folder::with(&[("m.safetensors", &bytes)]);
    let shown = folder.run(&words("summary m.safetensors")).success();
    assert!(shown.stderr.contains("its content is an ONNX model"), "{shown:?}");
    folder.write("m.onnx", golden("same.pt"));
    let shown = folder.run(&words("summary m.onnx")).success();
    assert!(shown.stderr.contains("its name ends in .onnx"), "{shown:?}");
    folder.write("text.onnx", "no model");
    folder
        .refused(&words("summary text.onnx"), 4, "model")
        .names(&["not an ONNX model", "its content is text"]);
}
