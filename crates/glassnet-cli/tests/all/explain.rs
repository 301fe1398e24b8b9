//! `glassnet explain`: the exercise's numbers, a model file's rows, bounds, and what bad input gets.

use serde_json::{Value, json};

use crate::folder::{Answer, Folder, table};

const CHAIN: &str =
    "Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())";
const CHAIN_WEIGHTS: &str = r#"{"0.weight": [[-0.1]], "2.weight": [[0.1]]}"#;
const TWO_UNITS: &str = r#"{"0.weight": [[3.21, 3.21], [-2.34, -2.34]], "0.bias": [-3.21, 2.34],
    "2.weight": [[3.19, 4.64], [-2.68, -3.44]], "2.bias": [-4.08, 4.42]}"#;

fn explain(args: &[&str]) -> Answer {
    Folder::new().run(&[&["explain"], args].concat())
}

fn document(args: &[&str]) -> Value {
    let answer = explain(&[args, &["--json"]].concat());
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    serde_json::from_str(&answer.stdout).unwrap()
}

#[test]
fn the_dead_relu_is_told_by_its_factors() {
    let args = [
        CHAIN,
        "--weights",
        CHAIN_WEIGHTS,
        "--input",
        "1;2;10",
        "--true",
        "0;0.3;1",
        "--backward",
        "--weight",
        "0.weight[0,0]",
        "--optimizer",
        "SGD(lr=0.1)",
    ];
    let answer = explain(&args);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    for line in [
        "row 2       −0.2         0          0.1            0            2         0",
        "row 3  −0.666667         0          0.1            0           10         0",
        "on the kink: convention",
        "0.36333334",
        "The engine's step gives −0.1.",
    ] {
        assert!(answer.stdout.contains(line), "{line}\n{}", answer.stdout);
    }
    let data = document(&args);
    assert_eq!(data["schema"], "glassnet.explain/1");
    assert_eq!(data["network"], CHAIN);
    assert_eq!(data["rows"][1]["layers"][3]["kink"], json!([0]));
    assert_eq!(data["rows"][1]["loss"], json!(0.09));
    assert_eq!(data["gradients_mean"]["0.weight"], json!([[0.0]]));
    assert_eq!(data["rows"][2]["gradients"]["2.weight"], json!([[0.0]]));
    assert_eq!(data["update"]["parameters"]["0.weight"], json!([[-0.1]]));
    assert_eq!(data["loss"], json!(0.36333334));
    let keys: Vec<&str> =
        data["rows"][0]["layers"][0].as_object().unwrap().keys().map(String::as_str).collect();
    for key in ["name", "kind", "input", "output", "kink"] {
        assert!(keys.contains(&key), "{key}");
    }
}

#[test]
fn minus_signs_and_repeated_flags_are_taken() {
    let args = |more: &[&str]| document(&[&["2-2-2", "--weights", TWO_UNITS], more].concat());
    let together = args(&["--input", "-1,2;0,1", "--true", "1;0"]);
    let apart = args(&["--input", "-1,2", "--input", "0,1", "--true", "1", "--true", "0"]);
    assert_eq!(together, apart);
    assert_eq!(together["rows"][0]["input"], json!([-1.0, 2.0]));
    assert_eq!(together["criterion"], "CrossEntropyLoss()");
    // Without a true value there is a forward pass only.
    let forward = args(&["--input", "0,0"]);
    assert_eq!(forward["rows"][0]["output"], json!([6.7775993, -3.6295996]));
    assert_eq!(forward["loss"], Value::Null);
    assert_eq!(forward["gradients_mean"], Value::Null);
}

#[test]
fn every_format_is_written() {
    for format in ["text", "markdown", "latex", "html", "json"] {
        let answer = explain(&[
            "2-2-2",
            "--weights",
            TWO_UNITS,
            "--input",
            "0,1",
            "--true",
            "1",
            "--backward",
            "--weight",
            "0.weight[0,1]",
            "--format",
            format,
        ]);
        assert_eq!(answer.status, 0, "{format}: {}", answer.stderr);
        assert!(answer.stdout.len() > 1000, "{format}");
    }
}

#[test]
fn a_large_network_is_explained_shortly() {
    let input: Vec<String> =
        (0..784).map(|at| format!("{}", (at * 7 % 13) as f32 / 13.0)).collect();
    let args = [
        "784-128-64-10",
        "--input",
        &input.join(","),
        "--true",
        "3",
        "--backward",
        "--weight",
        "0.weight[2,7]",
        "--optimizer",
        "adam",
    ];
    let answer = explain(&args);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    let lines = answer.stdout.lines().count();
    assert!(lines <= 250, "{lines} lines");
    assert!(answer.stdout.contains("781 more terms"));
    let data = document(&args);
    assert_eq!(data["gradients_mean"]["0.weight"].as_array().unwrap().len(), 128);
    assert_eq!(data["gradients_mean"]["0.weight"][0].as_array().unwrap().len(), 784);
}

#[test]
fn a_model_file_names_features_and_classes() {
    let folder = Folder::new();
    let weather = table("seattle-weather.csv");
    let trained =
        folder.run(&["train", &weather, "--target", "season", "--epochs", "1", "--hidden", "4"]);
    assert_eq!(trained.status, 0, "{}", trained.stderr);
    let args =
        ["explain", "model.safetensors", "--data", &weather, "--row", "17,20-21", "--backward"];
    let answer = folder.run(&args);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    for word in ["weather=snow", "row 17 (line 18)", "CrossEntropyLoss", "Fall", "Winter"] {
        assert!(answer.stdout.contains(word), "{word}\n{}", answer.stdout);
    }
    let data: Value =
        serde_json::from_str(&folder.run(&[&args[..], &["--json"]].concat()).stdout).unwrap();
    assert_eq!(data["rows"].as_array().unwrap().len(), 3);
    // The loss is that of evaluate on these rows.
    let lines: Vec<String> =
        std::fs::read_to_string(&weather).unwrap().lines().map(String::from).collect();
    let few = [&lines[0], &lines[17], &lines[20], &lines[21]].map(String::as_str).join("\n");
    folder.write("few.csv", few);
    let measured = folder.run(&["evaluate", "model.safetensors", "few.csv", "--json"]);
    let measured: Value = serde_json::from_str(&measured.stdout).unwrap();
    assert_eq!(measured["metrics"]["loss"], data["loss"]);
    let unknown = folder.run(&[
        "explain",
        "model.safetensors",
        "--data",
        &weather,
        "--row",
        "17",
        "--true",
        "Sumer",
    ]);
    assert_eq!(unknown.status, 2);
    assert!(unknown.stderr.contains("Summer"), "{}", unknown.stderr);
}

#[test]
fn rows_of_numbers_come_from_a_table() {
    let folder = Folder::with(&[("xy.csv", b"x0,x1,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")]);
    let args = [
        "explain",
        "2-2-2",
        "--weights",
        TWO_UNITS,
        "--data",
        "xy.csv",
        "--target",
        "y",
        "--row",
        "1-4",
        "--backward",
        "--json",
    ];
    let answer = folder.run(&args);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    let data: Value = serde_json::from_str(&answer.stdout).unwrap();
    assert_eq!(data["loss"], json!(0.00011732114));
    assert_eq!(data["rows"][3]["target"], json!(0.0));
}

#[test]
fn what_is_added_says_which_rows_are_left_out() {
    let answer = explain(&["2-2-2", "--input", "0,1;1,0;1,1;2,1;3,1;0,3", "--attribute", "0"]);
    assert_eq!(answer.status, 0, "{}", answer.stderr);
    assert!(answer.stdout.contains("what each input adds in 2 more rows"), "{}", answer.stdout);
    assert!(!answer.stdout.contains("−0 "), "{}", answer.stdout);
    let wide = explain(&["6-2", "--input", "1,2,3,4,5,6;6,5,4,3,2,1"]);
    assert!(wide.stdout.contains("(1, 2, 3, 4, ⋯)"), "{}", wide.stdout);
    let latex = explain(&["2-2-2", "--input", "0,1", "--attribute", "0", "--format", "latex"]);
    assert!(latex.stdout.contains(r"W_{\text{eff}, i}"), "{}", latex.stdout);
}

#[test]
fn what_cannot_be_explained_is_told() {
    for (args, status, words) in [
        (&["2-2-2", "--input", "0,1,2"][..], 2, "the network takes 2"),
        (&["2-2-2", "--input", "nan,1"], 3, "not a finite number"),
        (&["2-2-2", "--input", "0,1e999"], 3, "not a finite number"),
        (&["2-2-2", "--input", "0,1e39"], 3, "1e39 is too large for f32"),
        (&["2-2-2", "--input", "0,x"], 2, "is not a number"),
        (&["2-2-2", "--input", "0,1", "--true", "Foo"], 2, "there is no class \"Foo\""),
        (&["2-2-2", "--input", "0,1", "--true", "-1"], 2, "scores 2 classes: 0 to 1"),
        (&["2-2-2", "--input", "0,1", "--true", "0.3"], 2, "scores 2 classes: 0 to 1"),
        (&["60000-60000", "--input", "0,1"], 2, "the network takes 60000"),
        (&["2-2-2"], 2, "there is no row to explain"),
        (&["2-2-2", "--input", "0,1", "--true", "7"], 2, "0 to 1"),
        (&["2-2-2", "--input", "0,1", "--backward"], 2, "--true"),
        (
            &["2-2-2", "--input", "0,1", "--true", "1", "--weight", "0.wieght[0,0]"],
            2,
            "did you mean 0.weight?",
        ),
        (
            &["2-2-2", "--input", "0,1", "--true", "1", "--weight", "4.weight[0,0]"],
            2,
            "0.weight, 0.bias, 2.weight, 2.bias",
        ),
        (
            &["2-2-2", "--input", "0,1", "--true", "1", "--weight", "0.weight[2,0]"],
            2,
            "0.weight[1, 1]",
        ),
        (
            &["2-2-2", "--input", "0,1", "--true", "1", "--weight", "0.weight[0"],
            2,
            "names no weight",
        ),
        (&["2-2-2", "--input", "0,1", "--true", "1;0"], 2, "2 true values for 1 rows"),
        (
            &["2-2-2", "--input", "0,1", "--true", "1", "--optimizer", "adamx"],
            2,
            "did you mean 'Adam'?",
        ),
        (
            &["2-2-2", "--input", "0,1", "--true", "1", "--loss", "mse"],
            2,
            "1 true value for 2 outputs",
        ),
        (&["2-2-2", "--data", "nothing.csv"], 5, "nothing.csv"),
        (&["3-2", "--row", "3", "--input", "1,2,3"], 2, "--data"),
        (
            &["Sequential(Embedding(4, 2), Flatten(), Linear(4, 2))", "--input", "1,9"],
            3,
            "is outside the embedding's 4 rows",
        ),
    ] {
        let answer = explain(args);
        assert_eq!(answer.status, status, "{args:?}: {}", answer.stderr);
        assert!(answer.stderr.starts_with("error["), "{args:?}: {}", answer.stderr);
        assert!(answer.stderr.contains(words), "{args:?}: {}", answer.stderr);
        assert!(answer.stdout.is_empty(), "{args:?}");
    }
}
