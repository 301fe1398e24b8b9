//! `glassnet derive`: derivations, properties, lines checked, and what is refused.

use crate::folder::{Answer, Folder, table, words};

fn derive(args: &[&str]) -> Answer {
    let mut all = vec!["derive"];
    all.extend(args);
    Folder::new().run(&all)
}

/// The sheet's lines for tanh, as the typed answer has them: from, rule, to.
#[test]
fn tanh_has_the_sheets_lines() {
    let json = derive(&["tanh(z)", "--json"]).success().json();
    assert_eq!(json["schema"], "glassnet.derive/1");
    assert_eq!(json["derivative"], "1 - tanh(z)^2");
    let steps = json["steps"].as_array().unwrap();
    let rules: Vec<&str> = steps.iter().map(|step| step["rule"].as_str().unwrap()).collect();
    assert_eq!(
        rules,
        [
            "quotient rule",
            "multiply out",
            "subtract e^4z and expand by +1 -1",
            "separate",
            "square rule",
            "divide",
            "definition",
        ],
    );
    assert!(steps.iter().all(|step| step["checked"] == "exact"));
    assert_eq!(steps[0]["under"], "z");
    assert_eq!(json["properties"]["lipschitz"]["exact"], "1");
    assert_eq!(json["properties"]["saturates"]["left"], true);
}

/// Every formula of the answer is one that `derive` reads.
#[test]
fn formulas_of_the_answer_read_back() {
    for formula in
        ["tanh(z)", "softplus(z)", "relu(z)", "LeakyReLU(0.1)", "z/(1+|z|)", "Hardswish()"]
    {
        let json = derive(&[formula, "--json"]).success().json();
        let pieces = json["pieces"].as_array().unwrap();
        let mut formulas = vec![json["formula"].clone(), json["derivative"].clone()];
        for part in [&json].into_iter().chain(pieces) {
            let steps =
                ["parts", "steps"].map(|key| part[key].as_array().unwrap().clone()).concat();
            formulas
                .extend(steps.iter().flat_map(|step| [step["from"].clone(), step["to"].clone()]));
        }
        assert!(formulas.len() >= 4, "{json}");
        for text in formulas {
            glassnet::formula::parse(text.as_str().unwrap())
                .unwrap_or_else(|error| panic!("{error}"));
        }
    }
}

#[test]
fn layers_are_derived_by_name() {
    let answer = derive(&["nn.LeakyReLU(negative_slope=0.1)"]).success();
    for piece in ["LeakyReLU", "0.1", "kink"] {
        assert!(answer.stdout.contains(piece), "{piece}: {answer:?}");
    }
    let json = derive(&["Hardtanh()", "--json"]).success().json();
    let kinks: Vec<f64> = json["properties"]["kinks"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kink| kink["at"].as_f64().unwrap())
        .collect();
    assert_eq!(kinks, [-1.0, 1.0]);
    assert_eq!(json["properties"]["range"]["value"]["low_closed"], true);
}

#[test]
fn the_second_derivative_follows_from_the_first() {
    let json = derive(&["z^3", "--order", "2", "--json"]).success().json();
    assert_eq!(json["order"], 2);
    assert_eq!(json["previous"]["derivative"], "3*z^2");
    assert_eq!(json["derivative"], "6*z");
}

/// 1 − tanh²(10) is 0 in f32 and 8.24e-9 in truth.
#[test]
fn properties_show_what_f32_loses() {
    let json = derive(&["tanh", "--properties", "--json"]).success().json();
    let last = json["properties"]["samples"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["z"], 10.0);
    let slope = last["slope"].as_f64().unwrap();
    let truth = 1.0 / (10f64.cosh() * 10f64.cosh());
    assert!((slope / truth - 1.0).abs() < 1e-14, "{slope}");
    assert_eq!(last["slope_f32"], 0.0);
    let text = derive(&["tanh", "--properties"]).success().stdout;
    assert!(text.contains("odd, so zero-centred"), "{text}");
}

const RIGHT: &str = "d/dz (e^2z - 1)/(e^2z + 1)
 = [2e^2z(e^2z+1) - (e^2z-1)2e^2z]/(e^2z+1)^2    quotient rule
 = 4e^2z/(e^2z+1)^2
 = 1 - tanh^2(z)
";

#[test]
fn right_lines_are_told_so() {
    let folder = Folder::with(&[("lines.txt", RIGHT.as_bytes())]);
    for args in
        [vec!["derive", "--check", "lines.txt"], vec!["derive", "tanh(z)", "--check", "lines.txt"]]
    {
        let answer = folder.run(&args).success();
        assert!(answer.stdout.contains("All lines are right: 3 checked exactly."), "{answer:?}");
    }
    let answer = folder.run_with_stdin(&["derive", "--check", "-", "--json"], RIGHT.as_bytes());
    let json = answer.success().json();
    assert_eq!(json["check"]["right"], true);
    assert!(json["check"]["first_wrong"].is_null());
    assert_eq!(json["check"]["lines"][1]["label"]["rule"], "quotient rule");
    assert_eq!(json["notes"][0]["note"], "e^2z is read as e^(2z)");
}

#[test]
fn the_first_wrong_line_is_shown_with_a_point() {
    let wrong = RIGHT.replace("4e^2z/", "4e^4z/");
    let folder = Folder::with(&[("lines.txt", wrong.as_bytes())]);
    let answer = folder.run(&["derive", "--check", "lines.txt"]);
    assert_eq!(answer.status, 1, "{answer:?}");
    assert!(answer.stdout.contains("The first wrong line is line 3."), "{answer:?}");
    let json = folder.run(&["derive", "--check", "lines.txt", "--json"]).json();
    let line = &json["check"]["lines"][2];
    assert_eq!(json["check"]["first_wrong"], 3);
    assert_eq!(line["value"], "wrong");
    // The point is one where the two lines differ, and the values are theirs.
    let z = line["at"]["z"].as_f64().unwrap();
    let u = (2.0 * z).exp();
    for (key, value) in [("expected", 4.0 * u), ("found", 4.0 * u * u)] {
        let value = value / ((u + 1.0) * (u + 1.0));
        assert!((line[key].as_f64().unwrap() - value).abs() < 1e-12, "{line}");
    }
}

#[test]
fn a_false_name_is_a_wrong_line() {
    let wrong = RIGHT.replace("quotient rule", "product rule");
    let folder = Folder::with(&[("lines.txt", wrong.as_bytes())]);
    let answer = folder.run(&["derive", "--check", "lines.txt", "--json"]);
    assert_eq!(answer.status, 1);
    let json = answer.json();
    assert_eq!(json["check"]["first_wrong"], 2);
    assert_eq!(json["check"]["lines"][1]["value"], "exact");
    assert_eq!(json["check"]["lines"][1]["label"]["fits"], false);
    assert!(json["check"]["lines"][1]["label"]["fitting"].to_string().contains("quotient rule"));
}

#[test]
fn other_functions_than_the_one_asked_about_are_told() {
    let folder = Folder::with(&[("lines.txt", RIGHT.as_bytes())]);
    let answer = folder.run(&["derive", "sigmoid(z)", "--check", "lines.txt"]);
    assert_eq!(answer.status, 1);
    assert!(answer.stdout.contains("is not the function"), "{answer:?}");
}

#[test]
fn bad_input_is_refused_with_its_place() {
    let nested = format!("{}z{}", "(".repeat(40_000), ")".repeat(40_000));
    let nested_short = format!("{}z{}", "(".repeat(30_000), ")".repeat(30_000));
    let many = "z+".repeat(20_000) + "z";
    for (args, pieces) in [
        (vec!["x*sigmoidd(x)"], vec!["sigmoidd", "did you mean 'sigmoid'", "^^^^^^^^"]),
        (vec!["1/(x-x)"], vec!["zero", "^"]),
        (vec!["z*(z"], vec!["never closed", "^"]),
        (vec!["z)"], vec!["closes no bracket", "^"]),
        (vec![""], vec!["empty"]),
        (vec![nested.as_str()], vec!["bytes"]),
        (vec![nested_short.as_str()], vec!["deeper than 200"]),
        (vec![many.as_str()], vec!["parts"]),
        (vec!["a*b"], vec!["several variables", "a, b"]),
        (vec!["z^2", "--variable", "q"], vec!["no variable 'q'"]),
        (vec!["Linear(2, 3)"], vec!["no function of one number"]),
        (vec!["Relu()"], vec!["did you mean ReLU"]),
        (vec!["--check", "lines.txt"], vec!["lines.txt:2:5", "closes no bracket", "^"]),
        (vec!["--check", "prose.txt"], vec!["prose.txt"]),
        (vec!["--check", "latin.txt"], vec!["latin.txt, byte 2", "UTF-8"]),
        (vec!["--check", "empty.txt"], vec!["empty.txt", "no line"]),
    ] {
        let folder = Folder::with(&[
            ("lines.txt", b"d/dz z^2\n= 2z)\n"),
            ("prose.txt", b"My homework is lost.\nThe dog has eaten it.\n"),
            ("latin.txt", b"z \xe4 2"),
            ("empty.txt", b"\n\n"),
        ]);
        let mut all = vec!["derive"];
        all.extend(&args);
        folder.refused(&all, 2, "usage").names(&pieces);
    }
    let folder = Folder::new();
    folder.refused(&["derive", "--check", "none.txt"], 5, "io");
    for args in
        [vec!["derive"], vec!["derive", "z", "--order", "0"], vec!["derive", "z", "--order", "x"]]
    {
        assert_eq!(folder.run(&args).status, 2);
    }
}

/// A line without a value is wrong; where none is wrong but one cannot be compared the answer is neither yes nor no.
#[test]
fn lines_that_cannot_be_compared_are_not_called_right() {
    for (text, right, status) in [
        ("d/dz 1/z\n= -1/z^2", serde_json::json!(true), 0),
        ("d/dz 1/z\n= -1/z^2 + 1/(z-z)", serde_json::json!(false), 1),
        ("1/(z-z)\n= 1", serde_json::Value::Null, 6),
    ] {
        let folder = Folder::new();
        folder.write("lines.txt", text);
        let answer = folder.run(&["derive", "--check", "lines.txt", "--json"]);
        assert_eq!(answer.status, status, "{text}: {answer:?}");
        let json = answer.json();
        assert_eq!(json["check"]["right"], right, "{text}");
        assert_eq!(json.as_object().unwrap().keys().next().unwrap(), "schema");
    }
}

#[test]
fn every_format_shows_the_derivation() {
    for format in ["text", "markdown", "latex", "html"] {
        let answer = derive(&["sigmoid(z)", "--format", format]).success();
        assert!(answer.stdout.contains("chain rule"), "{format}: {answer:?}");
    }
}

/// What `derive` says at its end works: the formula trains a network, which differentiates it by itself.
#[test]
fn a_network_trains_with_a_formula_that_was_derived() {
    let json = derive(&["z*tanh(softplus(z))", "--json"]).success().json();
    let formula = json["formula"].as_str().unwrap().to_string();
    let folder = Folder::new();
    let table = table("seattle-weather.csv");
    let mut args = words(
        "--target weather --hidden 16 --epochs 6 --seed 1 --output m.safetensors --json --activation",
    );
    args.insert(0, "train");
    args.insert(1, &table);
    args.push(&formula);
    let trained = folder.run(&args).success().json();
    // Its gradients are those of the layer of that formula: the same run with Mish() comes out the same.
    let mut layer = args.clone();
    layer.pop();
    layer.extend(["mish", "--force"]);
    let same = folder.run(&layer).success().json();
    let loss = |json: &serde_json::Value| json["train"]["loss"].as_f64().unwrap();
    assert!((loss(&trained) - loss(&same)).abs() < 2e-3, "{} {}", loss(&trained), loss(&same));
    assert!(trained["train"]["accuracy"].as_f64().unwrap() > 0.5, "{trained}");
}
