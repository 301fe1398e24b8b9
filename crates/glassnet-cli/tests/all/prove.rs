//! `glassnet prove`: verdicts, their JSON and status, whole folders, and what is refused.

use glassnet::nn::Network;
use glassnet_formats::{Card, ModelFile};
use serde_json::json;

use crate::folder::{Folder, words};

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
    let soft = folder.refused(
        &["prove", "Sequential(Linear(1, 2), LayerNorm(2), Linear(2, 1))", "p.vnnlib"],
        4,
        "unsupported",
    );
    assert!(soft.first_line().contains("layer \"1\" (LayerNorm)"), "{}", soft.stderr);
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
