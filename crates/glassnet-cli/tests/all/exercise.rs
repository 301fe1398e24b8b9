//! The exercise's networks from the command line, to the last digit.

use glassnet::nn::StateDict;
use glassnet::{Tensor, Value};
use glassnet_formats::ModelFile;
use serde_json::json;

use crate::folder::{Folder, words};

const TWO_UNITS: &str = "Sequential(Linear(2, 2), ReLU(), Linear(2, 2))";
const THREE_UNITS: &str = "Sequential(Linear(2, 3), ReLU(), Linear(3, 2))";
const TWO_UNITS_JSON: &str = r#"{"0.weight": [[3.21, 3.21], [-2.34, -2.34]], "0.bias": [-3.21, 2.34],
    "2.weight": [[3.19, 4.64], [-2.68, -3.44]], "2.bias": [-4.08, 4.42]}"#;
const THREE_UNITS_JSON: &str = r#"{"0.weight": [[3.21, 3.21], [-2.34, -2.34], [0, 0]],
    "0.bias": [-3.21, 2.34, 0], "2.weight": [[3.19, 4.64, 0], [-2.68, -3.44, 0]], "2.bias": [-4.08, 4.42]}"#;

const LOGITS: &str = "y0,y1\n6.7775993,-3.6295996\n-4.08,4.42\n-4.08,4.42\n6.1599007,-4.1828003\n";
const SOFTMAX: &str = "y0,y1\n0.99996984,0.000030213278\n0.00020342699,0.99979657\n\
                       0.00020342699,0.99979657\n0.9999678,0.000032226122\n";

fn folder() -> Folder {
    let folder = Folder::with(&[
        ("x.csv", b"x0,x1\n0,0\n0,1\n1,0\n1,1\n"),
        ("xy.csv", b"x0,x1,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n"),
        ("two.json", TWO_UNITS_JSON.as_bytes()),
    ]);
    folder.write("two.safetensors", safetensors(TWO_UNITS_JSON));
    folder.write("three.safetensors", safetensors(THREE_UNITS_JSON));
    folder
}

/// The weights as `safetensors.torch.save_file` would write them: without anything of ours.
fn safetensors(json: &str) -> Vec<u8> {
    let weights: serde_json::Map<String, serde_json::Value> = serde_json::from_str(json).unwrap();
    let mut state = StateDict::new();
    for (key, value) in weights {
        let rows = value.as_array().unwrap();
        let mut shape = vec![rows.len()];
        shape.extend(rows[0].as_array().map(Vec::len));
        let numbers = rows.iter().flat_map(|row| match row.as_array() {
            Some(row) => row.clone(),
            None => vec![row.clone()],
        });
        let data: Vec<f32> = numbers.map(|number| number.as_f64().unwrap() as f32).collect();
        state.insert(key, Value::F32(Tensor::new(shape, data).unwrap()));
    }
    ModelFile { state, card: None }.write().unwrap()
}

#[test]
fn logits_and_probabilities_have_the_digits_of_the_sheet() {
    let folder = folder();
    let cases = [
        (TWO_UNITS, TWO_UNITS_JSON),
        (TWO_UNITS, "two.safetensors"),
        ("2-2-2", TWO_UNITS_JSON),
        (THREE_UNITS, THREE_UNITS_JSON),
        (THREE_UNITS, "three.safetensors"),
    ];
    for (network, weights) in cases {
        let predict = ["predict", network, "x.csv", "--weights", weights];
        assert_eq!(folder.run(&predict).success().stdout, LOGITS, "{network} {weights}");
        let softmax = [&predict[..], &["--softmax"]].concat();
        assert_eq!(folder.run(&softmax).success().stdout, SOFTMAX, "{network} {weights}");
        let answer = folder.run(&predict).success();
        assert_eq!(answer.stderr, "");
    }
}

#[test]
fn rows_come_without_a_header_and_from_stdin() {
    let folder = folder();
    let predict = ["predict", TWO_UNITS, "-", "--weights", TWO_UNITS_JSON, "--no-header"];
    let answer = folder.run_with_stdin(&predict, b"0,0\n0,1\n1,0\n1,1\n").success();
    assert_eq!(answer.stdout, LOGITS);
}

#[test]
fn json_lines_have_a_row_each() {
    let folder = folder();
    let predict = ["predict", TWO_UNITS, "x.csv", "--weights", TWO_UNITS_JSON, "--json"];
    let answer = folder.run(&predict).success();
    assert_eq!(answer.stdout.lines().next(), Some("{\"prediction\":[6.7775993,-3.6295996]}"));
    assert_eq!(answer.stdout.lines().count(), 4);
}

#[test]
fn the_loss_is_the_one_of_the_sheet() {
    let folder = folder();
    for (network, weights) in [(TWO_UNITS, "two.safetensors"), (THREE_UNITS, THREE_UNITS_JSON)] {
        let evaluate = ["evaluate", network, "xy.csv", "--weights", weights];
        let answer = folder.run(&evaluate).success();
        assert!(answer.stdout.contains("0.00011732114"), "{answer:?}");
        let answer = folder.run(&[&evaluate[..], &["--json"]].concat()).success();
        assert!(answer.stdout.contains("\"loss\": 0.00011732114,"), "{answer:?}");
        let document = answer.json();
        assert_eq!(document["schema"], "glassnet.evaluate/1");
        assert_eq!(document["rows"], 4);
        assert_eq!(document["metrics"]["accuracy"], 1.0);
        assert_eq!(
            document["confusion"],
            json!({"classes": ["0", "1"], "counts": [[2, 0], [0, 2]]})
        );
    }
}

#[test]
fn numbers_have_a_mean_squared_error() {
    let folder = Folder::with(&[("xy.csv", b"x,y\n1,0\n2,0.3\n10,1\n")]);
    let network = "Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())";
    let weights = r#"{"0.weight": [[-0.1]], "2.weight": [[0.1]]}"#;
    let evaluate = ["evaluate", network, "xy.csv", "--weights", weights, "--loss", "mse", "--json"];
    let document = folder.run(&evaluate).success().json();
    assert_eq!(document["metrics"]["loss"], 0.36333334);
    assert_eq!(document["confusion"], json!(null));
}

#[test]
fn the_weights_of_task_2_2_are_counted() {
    let folder = Folder::new();
    let answer = folder.run(&["summary", "6-32-32-32-4"]).success();
    let rows: Vec<Vec<&str>> = answer
        .stdout
        .lines()
        .skip_while(|line| !line.starts_with("layer"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(words)
        .collect();
    assert_eq!(
        rows,
        [
            vec!["0", "Linear", "[32]", "224", "=", "6·32+32"],
            vec!["1", "ReLU", "[32]", "0"],
            vec!["2", "Linear", "[32]", "1056", "=", "32·32+32"],
            vec!["3", "ReLU", "[32]", "0"],
            vec!["4", "Linear", "[32]", "1056", "=", "32·32+32"],
            vec!["5", "ReLU", "[32]", "0"],
            vec!["6", "Linear", "[4]", "132", "=", "32·4+4"],
        ]
    );
    assert!(answer.stdout.contains("\ntotal: 2468 parameters\n"), "{answer:?}");
}

#[test]
fn the_summary_is_one_document() {
    let folder = Folder::new();
    let layer = |name: &str, kind: &str, output: u64, parameters: u64, formula: Option<&str>| json!({"name": name, "kind": kind, "output": [output], "parameters": parameters, "formula": formula});
    assert_eq!(
        folder.run(&["summary", "6-32-32-32-4", "--json"]).success().json(),
        json!({
            "schema": "glassnet.summary/1",
            "network": "Sequential(Linear(6, 32), ReLU(), Linear(32, 32), ReLU(), Linear(32, 32), ReLU(), Linear(32, 4))",
            "layers": [
                layer("0", "Linear", 32, 224, Some("6*32+32")),
                layer("1", "ReLU", 32, 0, None),
                layer("2", "Linear", 32, 1056, Some("32*32+32")),
                layer("3", "ReLU", 32, 0, None),
                layer("4", "Linear", 32, 1056, Some("32*32+32")),
                layer("5", "ReLU", 32, 0, None),
                layer("6", "Linear", 4, 132, Some("32*4+4")),
            ],
            "parameters": 2468,
            "buffers": 0,
            "macs_per_sample": 2368,
        })
    );
}

#[test]
fn seeds_give_the_weights_of_a_bare_network() {
    let folder = folder();
    let run =
        |seed: &str| folder.run(&["predict", "2-2-2", "x.csv", "--seed", seed]).success().stdout;
    assert_eq!(run("3"), run("3"));
    assert_ne!(run("3"), run("4"));
}
