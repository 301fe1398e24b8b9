//! What the exercise says for every data set: 1.1 stacked linear layers are one, 2.3 a unit is dead whatever the data,
//! 2.5 three units are two. Each comes from `units`, `simplify` and `equal`, and other numbers do as well.

use super::*;

fn said(answer: &Answer) -> &str {
    answer.stdout.lines().next().unwrap_or_default()
}

const MANUAL: &str =
    "Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())";
const THREE: &str = r#"{"0.weight": [[3.21, 3.21], [-2.34, -2.34], [0, 0]], "0.bias": [-3.21, 2.34, 0],
    "2.weight": [[3.19, 4.64, 0], [-2.68, -3.44, 0]], "2.bias": [-4.08, 4.42]}"#;
const TWO: &str = r#"{"0.weight": [[3.21, 3.21], [-2.34, -2.34]], "0.bias": [-3.21, 2.34],
    "2.weight": [[3.19, 4.64], [-2.68, -3.44]], "2.bias": [-4.08, 4.42]}"#;

#[test]
fn a_negative_second_weight_is_dead_for_every_data_set() {
    let weights = r#"{"0.weight": [[0.3]], "2.weight": [[-0.1]]}"#;
    let args = ["units", MANUAL, "--weights", weights, "--free", "0.weight"];
    let layers = &json(&args)["layers"];
    assert_eq!(layers[0]["dead"], 0);
    assert_eq!(layers[1]["dead_units"], serde_json::json!([0]));
    assert_eq!(layers[1]["scope"], "for every data set, whatever the free weights are");
    let text = text(&args);
    assert!(text.contains("unit 0 is dead for every data set"), "{text}");
    // With a positive one it is not.
    let weights = r#"{"0.weight": [[0.3]], "2.weight": [[0.1]]}"#;
    let answer = json(&["units", MANUAL, "--weights", weights, "--free", "0.weight"]);
    assert_eq!(answer["layers"][1]["dead"], 0);
    assert_eq!(answer["layers"][1]["active"], 1);
}

#[test]
fn a_negative_first_weight_is_dead_where_no_input_is_negative() {
    let weights = r#"{"0.weight": [[-0.1]], "2.weight": [[0.1]]}"#;
    let of = |domain: &str| {
        let answer = json(&["units", MANUAL, "--weights", weights, "--domain", domain]);
        (answer["layers"][0]["dead"].clone(), answer["layers"][0]["scope"].clone())
    };
    assert_eq!(of("0..inf"), (1.into(), "for every x ≥ 0".into()));
    assert_eq!(of("-1..inf"), (0.into(), "".into()));
}

#[test]
fn three_units_are_two_with_a_certificate() {
    let folder = Folder::new();
    let args = ["simplify", "2-3-2", "--weights", THREE, "--output", "two.safetensors"];
    let answer = folder.run(&args).success();
    assert!(answer.stdout.contains("unit 2: all its incoming weights are 0"), "{}", answer.stdout);
    assert!(answer.stdout.contains("parameters: 17 before, 12 after"), "{}", answer.stdout);
    assert!(answer.stdout.contains("equal over the real numbers, for every input"));
    let certificate = "two.safetensors.certificate.json";
    let verify =
        ["verify-certificate", "2-3-2", "two.safetensors", certificate, "--weights", THREE];
    assert_eq!(said(&folder.run(&verify).success()), "valid");
    folder.write("weights.json", TWO);
    let equal = ["equal", "2-2-2", "two.safetensors", "--weights", TWO];
    assert_eq!(said(&folder.run(&equal).success()), "equal");
    // A network with another weight is different, and the certificate is not about it.
    let other = TWO.replace("4.64", "4.65");
    let equal = ["equal", "2-2-2", "two.safetensors", "--weights", &other, "--json"];
    let answer = folder.run(&equal);
    assert_eq!(answer.status, 1);
    let witness = &answer.json()["witness"];
    assert_eq!(answer.json()["verdict"], "different");
    assert!(number(&witness["difference"]) > 0.0);
    let verify =
        ["verify-certificate", "2-2-2", "two.safetensors", certificate, "--weights", &other];
    let answer = folder.run(&verify);
    assert_eq!((answer.status, said(&answer)), (1, "invalid"));
}

#[test]
fn stacked_linear_layers_are_one() {
    let weights = r#"{"0.weight": [[3.21, 3.21], [-2.34, -2.34]], "0.bias": [-3.21, 2.34],
        "1.weight": [[3.19, 4.64], [-2.68, -3.44]], "1.bias": [-4.08, 4.42]}"#;
    let net = "Sequential(Linear(2, 2), Linear(2, 2))";
    let folder = Folder::new();
    let args = [
        "simplify",
        net,
        "--weights",
        weights,
        "--domain",
        "0..1",
        "--output",
        "one.onnx",
        "--json",
    ];
    let answer = folder.run(&args).success().json();
    assert_eq!(answer["network"], "Sequential(Linear(2, 2))");
    assert_eq!(answer["steps"][0]["kind"], "composed");
    let bound = number(&answer["bound"]);
    assert!(bound > 0.0 && bound < 1e-6, "{bound}");
    // W' = W2·W1 and b' = W2·b1 + b2, as on the sheet.
    folder.write("x.csv", "x0,x1\n0,0\n1,0\n0,1\n");
    let predicted = folder.run(&["predict", "one.onnx", "x.csv"]).success().stdout;
    let rows: Vec<Vec<f64>> = predicted
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    all_print(&rows[0], &["-3.4623", "4.9732"]);
    all_print(&[rows[1][0] - rows[0][0], rows[1][1] - rows[0][1]], &["-0.6177", "-0.5532"]);
    all_print(&[rows[2][0] - rows[0][0], rows[2][1] - rows[0][1]], &["-0.6177", "-0.5532"]);
}

#[test]
fn wider_and_deeper_networks_are_equal() {
    let folder = Folder::new();
    let net = ["--weights", TWO];
    let widen =
        [&["widen", "2-2-2", "--hidden", "5", "--output", "wide.safetensors"], &net[..]].concat();
    folder.run(&widen).success();
    let deepen =
        [&["deepen", "2-2-2", "--behind", "1", "--output", "deep.safetensors"], &net[..]].concat();
    folder.run(&deepen).success();
    let answer = folder.run(&["equal", "wide.safetensors", "deep.safetensors"]).success();
    assert_eq!(said(&answer), "equal");
}

#[test]
fn a_rounded_copy_is_equal_within_a_tolerance() {
    let folder = Folder::new();
    let rounded = TWO.replace("3.21", "3.2109375").replace("2.34", "2.33984375");
    folder
        .run(&[
            "widen",
            "2-2-2",
            "--hidden",
            "2",
            "--weights",
            &rounded,
            "--output",
            "r.safetensors",
        ])
        .success();
    let base = ["equal", "2-2-2", "r.safetensors", "--weights", TWO, "--domain", "0..1"];
    let within = folder.run(&[&base[..], &["--tolerance", "0.1"]].concat());
    assert_eq!((within.status, said(&within)), (0, "equal"));
    let answer = folder.run(&base);
    assert_eq!((answer.status, said(&answer)), (1, "different"));
}

#[test]
fn a_claim_names_its_box_and_what_changed() {
    let folder = Folder::new();
    // Two units that differ by a ten-thousandth.
    let weights = r#"{"0.weight": [[1, 1], [1, 1.0001]], "0.bias": [0, 0], "2.weight": [[1, 1]], "2.bias": [0]}"#;
    let near =
        ["simplify", "2-2-1", "--weights", weights, "--domain", "-1..1", "--tolerance", "0.1"];
    let answer = folder.run(&[&near[..], &["--output", "s.safetensors"]].concat()).success();
    let claim = answer.stdout.lines().find(|line| line.starts_with("claim: ")).unwrap();
    assert!(claim.starts_with("claim: no output differs by more than "), "{claim}");
    assert!(claim.ends_with("for inputs in [-1, 1] × [-1, 1]"), "{claim}");
    let check = ["verify-certificate", "2-2-1", "s.safetensors", "s.safetensors.certificate.json"];
    let answer = folder.run(&[&check[..], &["--weights", weights]].concat()).success();
    assert!(answer.stdout.contains("for inputs in [-1, 1] × [-1, 1]"), "{}", answer.stdout);
}

#[test]
fn a_model_of_a_table_keeps_its_columns_when_it_is_simplified() {
    let folder = Folder::new();
    let row = |at: usize| format!("{at},{},{}\n", ["red", "blue"][at % 2], ["yes", "no"][at / 20]);
    folder.write("t.csv", "size,colour,kind\n".to_owned() + &(0..40).map(row).collect::<String>());
    let net = "Sequential(Linear(3, 6), ReLU(), Residual(Linear(6, 5), ReLU(), Linear(5, 6)), Linear(6, 2))";
    let train = ["train", "t.csv", "--target", "kind", "--net", net, "--epochs", "2", "--quiet"];
    folder.run(&[&train[..], &["--output", "m.safetensors"]].concat()).success();
    folder.run(&["convert", "m.safetensors", "x.onnx"]).success();
    folder.run(&["convert", "m.safetensors", "m.onnx", "--with-preprocessing"]).success();
    let before = folder.run(&["predict", "m.safetensors", "t.csv"]).success().stdout;
    let labels = |text: &str| -> Vec<String> {
        text.lines().map(|line| line.split(',').next().unwrap_or_default().to_owned()).collect()
    };
    for (from, to) in [
        ("m.safetensors", "s.safetensors"),
        ("m.safetensors", "s.onnx"),
        ("m.onnx", "t.onnx"),
        ("x.onnx", "u.onnx"),
    ] {
        let answer = folder.run(&["simplify", from, "--domain", "t.csv", "--output", to]).success();
        assert!(answer.stdout.contains("left as it is: layer \"1\""), "{}", answer.stdout);
        let after = folder.run(&["predict", to, "t.csv"]).success().stdout;
        assert_eq!(labels(&after), labels(&before), "{to}");
        let certificate = format!("{to}.certificate.json");
        let verify = folder.run(&["verify-certificate", from, to, &certificate]);
        assert_eq!(said(&verify), "valid", "{to}");
        // The graph of an ONNX file that takes columns gives a label and probabilities.
        let has_columns = String::from_utf8_lossy(&folder.read(to)).contains("probabilities");
        assert_eq!(has_columns, to.ends_with("onnx") && from != "x.onnx", "{to}");
    }
}

#[test]
fn bad_flags_are_refused() {
    let folder = Folder::new();
    for domain in ["1..0", "x", "0..1,0..1,0..1", "nan..1"] {
        folder.refused(&["units", "2-2-2", "--domain", domain], 2, "usage");
    }
    folder.refused(&["units", "2-2-2", "--free", "9.weight"], 2, "usage");
    folder.refused(&["units", "2-2-2", "--free", "0.weight[5,5]"], 2, "usage");
    folder.refused(&["simplify", "2-2-2", "--output", "x.npz"], 2, "usage");
    folder.refused(&["widen", "2-3-2", "--hidden", "2", "--output", "x.onnx"], 2, "usage");
    let widths = ["widen", "2-3-3-2", "--hidden", "4", "--output", "x.onnx"];
    folder.refused(&widths, 2, "usage").names(&["\"0\", \"2\""]);
    let none = ["widen", "2-2", "--hidden", "4", "--output", "x.onnx"];
    folder.refused(&none, 2, "usage").names(&["no layer that can be widened"]);
    let tanh = ["deepen", "2-3t-2", "--behind", "1", "--output", "x.onnx"];
    folder.refused(&tanh, 2, "usage").names(&["it has none"]);
    let far = ["simplify", "2-2-2", "--tolerance", "1", "--output", "x.onnx"];
    folder.refused(&far, 2, "usage").names(&["--tolerance", "--domain"]);
    folder.refused(&["equal", "2-2-2", "3-2-2"], 2, "usage");
    folder.write("broken.json", "{");
    folder.refused(&["verify-certificate", "2-2-2", "2-2-2", "broken.json"], 4, "model");
}
