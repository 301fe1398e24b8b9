//! `glassnet prove`: verdicts, their JSON and status, whole folders, and what is refused.

use glassnet::nn::Network;
use glassnet_formats::{Card, ModelFile};
use serde_json::json;

use crate::folder::{Folder, table, words};

/// y = relu(x) − relu(−x) + 0 is x itself: between −1 and 1 on the box below.
const NET: &str = "Sequential(Linear(1, 2), ReLU(), Linear(2, 1))";
const WEIGHTS: &str =
    r#"{"0.weight": [[1], [-1]], "0.bias": [0, 0], "2.weight": [[1, -1]], "2.bias": [0]}"#;

fn property(assertion: &str) -> String {
    format!(
        "(declare-const X_0 Real)\n(declare-const Y_0 Real)\n(assert (>= X_0 -1.0))\n(assert (<= X_0 1.0))\n{assertion}\n"
    )
}

fn ask<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["prove", NET, file, "--weights", WEIGHTS], more].concat()
}

#[test]
fn verdicts_have_a_first_line_and_a_status() {
    let folder = Folder::new();
    folder.write("holds.vnnlib", property("(assert (>= Y_0 1.001))"));
    folder.write("violated.vnnlib", property("(assert (>= Y_0 0.5))"));
    let holds = folder.run(&ask("holds.vnnlib", &[]));
    assert_eq!((holds.status, holds.stdout.lines().next()), (0, Some("holds")), "{}", holds.stderr);
    let violated = folder.run(&ask("violated.vnnlib", &[]));
    assert_eq!((violated.status, violated.stdout.lines().next()), (1, Some("violated")));
    assert!(violated.stdout.contains("X_0 = "), "{}", violated.stdout);

    let json = folder.run(&ask("violated.vnnlib", &["--json"])).json();
    assert_eq!(json["schema"], "glassnet.prove/1");
    assert_eq!(json["verdict"], "violated");
    assert_eq!(json["semantics"], "f32-any-order");
    let x = json["witness"]["input"][0].as_f64().unwrap();
    assert!((0.5..=1.0).contains(&x) && f64::from(x as f32) == x, "{x}");
    assert_eq!(json["witness"]["output"], json!([x]));
}

/// y is x on [−1, 1], so that bounds are reached in one point.
#[test]
fn the_second_version_of_properties_is_read_and_less_is_less() {
    let folder = Folder::new();
    let second = |assertion: &str| {
        format!(
            "(vnnlib-version <2.0>)\n(declare-network f\n  (declare-input X Real [1, 1])\n  (declare-output Y float32 [1, 1]))\n\
             (assert (>= X[0,0] -1.0))\n(assert (<= X[0,0] 1.0))\n{assertion}\n"
        )
    };
    folder.write("holds.vnnlib", second("(assert (> Y[0,0] 1.001))"));
    folder.write("violated.vnnlib", second("(assert (!= Y[0,0] 0.5))"));
    folder.write("border.vnnlib", second("(assert (> Y[0,0] 1.0))"));
    folder.write(
        "two.vnnlib",
        second("").replace(
            "(assert (>=",
            "(declare-network g (declare-input A Real []) (declare-output B Real []))\n(assert (>=",
        ),
    );
    assert_eq!(folder.run(&ask("holds.vnnlib", &[])).status, 0);
    assert_eq!(folder.run(&ask("violated.vnnlib", &[])).status, 1);
    // Only x = 1 comes near, and there y is not greater than 1.
    let border = folder.run(&ask("border.vnnlib", &["--timeout", "2"]));
    assert_ne!(border.status, 1, "{}", border.stdout);
    let two = folder.refused(&ask("two.vnnlib", &[]), 4, "unsupported");
    assert!(two.first_line().contains("several networks"), "{}", two.stderr);
}

#[test]
fn probabilities_add_up_to_1() {
    let folder = Folder::new();
    let ask = |statement: &str, more: &[&str]| {
        let net = "Sequential(Linear(2, 4), ReLU(), Linear(4, 3))";
        let fixed = ["prove", net, "--domain", "-1..1", "--output", statement, "--timeout", "5"];
        folder.run(&[&fixed[..], more].concat())
    };
    assert_eq!(ask("p0 + p1 + p2 <= 1.001", &[]).status, 0);
    assert_eq!(ask("0.999 <= p0 + p1 + p2", &[]).status, 0);
    assert_eq!(ask("p0 + p1 <= 1.001", &[]).status, 0);
    assert_eq!(ask("p0 + p1 + p2 = 1", &["--semantics", "real"]).status, 0);
    let exactly = ask("p0 + p1 + p2 = 1", &[]);
    assert_eq!(exactly.status, 6);
    assert!(exactly.stdout.contains("in f32 their sum may differ from 1 by"), "{}", exactly.stdout);
    assert_eq!(ask("p0 + p1 + p2 <= 0.99", &[]).status, 1);
}

/// Over the reals the bound is reached exactly, and no rounding may be taken for a violation or a proof.
#[test]
fn what_is_not_decided_within_the_time_is_unknown() {
    let folder = Folder::new();
    let inputs: String = (0..12)
        .map(|at| {
            format!("(declare-const X_{at} Real)(assert (>= X_{at} -1))(assert (<= X_{at} 1))\n")
        })
        .collect();
    folder.write("p.vnnlib", format!("{inputs}(declare-const Y_0 Real)(assert (>= Y_0 0.9))"));
    let answer = folder.run(&words("prove 12-64-64-64-1 p.vnnlib --timeout 0.2 --json"));
    let verdict = answer.json()["verdict"].as_str().unwrap().to_owned();
    // A quick machine may decide it; whatever it says, the status says the same.
    let status = match verdict.as_str() {
        "holds" => 0,
        "violated" => 1,
        _ => 6,
    };
    assert_eq!(answer.status, status);
}

#[test]
fn properties_that_do_not_fit_are_refused() {
    let folder = Folder::new();
    folder.write("p.vnnlib", property("(assert (>= Y_0 1.001))"));
    let wide = folder.refused(&words("prove 2-3-1 p.vnnlib"), 4, "model");
    assert!(wide.first_line().contains("declares 1 inputs, the network has 2"), "{}", wide.stderr);
    folder.write("empty.vnnlib", property("(assert (>= X_0 2.0)) (assert (>= Y_0 0))"));
    let empty = folder.refused(&ask("empty.vnnlib", &[]), 4, "model");
    assert!(empty.first_line().contains("empty.vnnlib:5:9"), "{}", empty.stderr);
    folder.write("nan.vnnlib", property("(assert (>= Y_0 nan))"));
    folder.refused(&ask("nan.vnnlib", &[]), 4, "model");
    let bent = folder.refused(
        &["prove", "Sequential(Linear(1, 2), Formula('z^z'), Linear(2, 1))", "p.vnnlib"],
        4,
        "unsupported",
    );
    assert!(bent.first_line().contains("layer \"1\" (Formula)"), "{}", bent.stderr);
    folder.refused(&ask("p.vnnlib", &["--timeout", "-1"]), 2, "usage");
}

#[test]
fn a_folder_of_instances_is_a_table() {
    let folder = Folder::new();
    let net = Network::new(glassnet::nn::parse("1-2-1").unwrap(), 0).unwrap();
    let card = Some(Card::new(net.module().notation()));
    let file = ModelFile { state: net.state_dict().clone(), card };
    folder.write("net.safetensors", file.write().unwrap());
    folder.write("p.vnnlib", property("(assert (>= Y_0 30.0))"));
    let expected = |verdict: &str| {
        format!("set,network,property,verdict\n.,net.safetensors,p.vnnlib,{verdict}\n")
    };
    folder.write("expected.csv", expected("unsat"));
    let json = folder.run(&words("prove --benchmark . --json")).success().json();
    assert_eq!(json["schema"], "glassnet.prove-benchmark/1");
    assert_eq!(json["instances"].as_array().unwrap().len(), 1);
    assert_eq!(json["instances"][0]["verdict"], "holds");
    assert_eq!(json["instances"][0]["result"], "unsat");
    assert_eq!(json["instances"][0]["witness"], json!(null));
    assert_eq!(json["instances"][0]["expected"], "holds");
    assert_eq!(json["contradictions"], 0);
    folder.write("expected.csv", expected("sat"));
    let answer = folder.run(&words("prove --benchmark ."));
    assert_eq!(answer.status, 1);
    assert!(answer.stdout.contains("holds (!)"), "{}", answer.stdout);
    folder.refused(&words("prove --benchmark nowhere"), 3, "data");
}

#[test]
fn a_folder_in_which_something_is_wrong_has_a_status_that_says_so() {
    let folder = Folder::new();
    folder.write("instances.csv", "missing.onnx,p.vnnlib,10\n");
    folder.write("p.vnnlib", property("(assert (>= Y_0 2))"));
    let answer = folder.run(&words("prove --benchmark ."));
    assert_eq!(answer.status, 1, "{answer:?}");
    assert!(answer.stdout.contains("1 errors"), "{}", answer.stdout);
    // What it names compressed may be there unpacked, the other way round, or from the folder itself.
    let net = Network::new(glassnet::nn::parse("1-2-1").unwrap(), 0).unwrap();
    let card = Some(Card::new(net.module().notation()));
    let file = ModelFile { state: net.state_dict().clone(), card };
    folder.write("net.safetensors", file.write().unwrap());
    folder.write("p.vnnlib", property("(assert (>= Y_0 30.0))"));
    let lines = ["./net.safetensors,./p.vnnlib,116.0", "net.safetensors.gz, p.vnnlib.gz ,1e1"];
    folder.write("instances.csv", lines.join("\r\n"));
    let answer = folder.run(&words("prove --benchmark .")).success();
    assert!(answer.stdout.contains("2 instances: 2 hold"), "{}", answer.stdout);
    folder.write("instances.csv", "");
    folder.refused(&words("prove --benchmark ."), 2, "usage").names(&["names no instance"]);
}

#[test]
fn of_an_input_without_end_no_share_is_told() {
    let folder = Folder::new();
    let text =
        "(declare-const X_0 Real)(declare-const Y_0 Real)(assert (>= X_0 0))(assert (<= Y_0 -1))";
    folder.write("p.vnnlib", text);
    let answer = folder.run(&ask("p.vnnlib", &["--timeout", "0.2", "--json"])).json();
    // Whatever is found: a share of a half-line means nothing.
    if answer["verdict"] == "unknown" {
        assert!(answer["proven"].is_null() && answer["bound"].is_null(), "{answer}");
    }
    assert_ne!(answer["verdict"], "violated");
}

/// A model of the penguins, trained for a moment.
fn penguins(folder: &Folder) -> String {
    let data = table("penguins.csv");
    folder.train(&format!("{data} --target species --hidden 8 --epochs 30 --output p.safetensors"));
    data
}

#[test]
fn a_class_stays_within_a_distance_in_the_columns_units() {
    let folder = Folder::new();
    let data = penguins(&folder);
    let ask = |more: &str| {
        let line = format!("prove p.safetensors --data {data} --row 17 {more} --json");
        folder.run(&words(&line))
    };
    let near = ask("--within bill_length_mm=0.2,body_mass_g=20 --class-stays").success().json();
    assert_eq!(near["verdict"], "holds", "{near}");
    let mass = near["columns"].as_array().unwrap().iter().find(|c| c["name"] == "body_mass_g");
    let (least, most) = (&mass.unwrap()["least"], &mass.unwrap()["most"]);
    assert_eq!((least, most), (&json!(3430.0), &json!(3470.0)));

    // A counterexample is a row of the table's kind, and the model predicts another class for it.
    let far = ask("--within-scaled 4 --class-stays");
    assert_eq!(far.status, 1, "{}", far.stderr);
    let far = far.json();
    let columns = far["witness"]["columns"].as_array().unwrap();
    let cell = |c: &serde_json::Value| match &c["value"] {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let header: Vec<&str> = columns.iter().map(|c| c["name"].as_str().unwrap()).collect();
    let cells: Vec<String> = columns.iter().map(cell).collect();
    folder.write("witness.csv", format!("{}\n{}\n", header.join(","), cells.join(",")));
    let predicted = folder.run(&words("predict p.safetensors witness.csv")).success().stdout;
    let class = predicted.lines().nth(1).unwrap().split(',').next().unwrap();
    let kept = far["statement"].as_str().unwrap();
    assert!(!kept.contains(class), "{kept}: {predicted}");

    let radius = ask("--class-stays --timeout 20").success().json();
    let certified = radius["radius"]["certified"].as_f64().unwrap();
    let violated = radius["radius"]["violated"].as_f64().unwrap();
    assert!(0.0 < certified && certified < violated && violated < 4.0, "{radius}");

    folder.refused(&words("prove p.safetensors --class-stays"), 2, "usage");
    let line = format!("prove p.safetensors --data {data} --row 17 --class-stays --within");
    let unknown = folder.refused(&words(&format!("{line} wings=1")), 2, "usage");
    assert!(unknown.stderr.contains("bill_length_mm"), "{}", unknown.stderr);
    folder.refused(&words(&format!("{line} -1")), 2, "usage");
    folder.refused(&words(&format!("{line} island=Atlantis")), 2, "usage");
    let beyond = format!("prove p.safetensors --data {data} --row 9999 --class-stays");
    folder.refused(&words(&beyond), 2, "usage");
}

#[test]
fn statements_about_outputs_say_what_must_hold() {
    let folder = Folder::new();
    let ask = |statement: &str| {
        let line = ["prove", NET, "--weights", WEIGHTS, "--domain=-1..1", "--output", statement];
        folder.run(&line)
    };
    // y = x.
    for (statement, status) in [
        ("y0 <= 1.001", 0),
        ("y0 > -1.001 and y0 < 1.001", 0),
        ("y0 <= 0.5", 1),
        ("y0 - x0 <= 0.001", 0),
        ("y0 - x0 <= -0.001", 1),
        ("y0 >= 0.5 or y0 <= 0.6", 0),
    ] {
        let answer = ask(statement);
        assert_eq!(answer.status, status, "{statement}: {answer:?}");
    }
    // A ReLU reaches 0 and is not below it.
    let relu = "Sequential(Linear(2, 4), ReLU(), Linear(4, 1), ReLU())";
    let floor = folder.run(&["prove", relu, "--domain=-5..5", "--output", "y0 >= 0"]);
    assert_eq!(floor.status, 0, "{floor:?}");
    let caret = ask("y0 <= 1 and y7 > 2");
    caret.check_error(2, "usage");
    assert!(caret.stderr.contains("character 13"), "{}", caret.stderr);
    let line = ["prove", NET, "--weights", WEIGHTS, "--output", "y0 <= 2"];
    folder.refused(&line, 2, "usage");
    let html = [&line[..], &["--domain=-1..1", "--format", "html"]].concat();
    assert!(folder.run(&html).stdout.contains("<h1"), "a document");
}

#[test]
fn an_output_rises_with_a_column_or_does_not() {
    let folder = Folder::new();
    let ask = |column: &str| {
        let line =
            ["prove", NET, "--weights", WEIGHTS, "--domain=-1..1", "--monotone", column, "--json"];
        folder.run(&line)
    };
    let rises = ask("x0");
    assert_eq!((rises.status, &rises.json()["verdict"]), (0, &json!("holds")));
    let falls = ask("-x0");
    assert_eq!(falls.status, 1);
    let fall = &falls.json()["fall"];
    assert!(fall["before"].as_f64() < fall["after"].as_f64(), "{fall}");
    ask("x9").check_error(2, "usage");
}

#[test]
fn compressed_files_are_read_as_what_they_hold() {
    let folder = Folder::new();
    folder.write("p.vnnlib", property("(assert (>= Y_0 1.001))"));
    let gzip = std::process::Command::new("gzip").arg(folder.path("p.vnnlib")).status();
    if !gzip.is_ok_and(|status| status.success()) {
        return;
    }
    for name in ["p.vnnlib.gz", "p.vnnlib"] {
        let answer = folder.run(&ask(name, &[]));
        assert_eq!(answer.status, 0, "{name}: {}", answer.stderr);
    }
    folder.write("cut.vnnlib.gz", &folder.read("p.vnnlib.gz")[..40]);
    folder.refused(&ask("cut.vnnlib.gz", &[]), 3, "data");
}
