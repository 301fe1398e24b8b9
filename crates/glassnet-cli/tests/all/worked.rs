//! `glassnet worked` and `summary --explain`: the exercise's numbers, others, and what bad input gets.

use serde_json::Value;

use crate::folder::{Answer, Folder, table, words};

/// The weights of the exercise's task 2.5.
const NETWORK: &str = r#"{"0.weight": [[3.21, 3.21], [-2.34, -2.34]], "0.bias": [-3.21, 2.34],
    "2.weight": [[3.19, 4.64], [-2.68, -3.44]], "2.bias": [-4.08, 4.42]}"#;
/// The network of task 2.3.
const DEAD: &str = "Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())";

fn worked(args: &[&str]) -> Answer {
    let args: Vec<&str> = ["worked"].iter().chain(args).copied().collect();
    Folder::new().run(&args).success()
}

fn json(args: &[&str]) -> Value {
    let args: Vec<&str> = args.iter().chain(&["--json"]).copied().collect();
    let found = worked(&args).json();
    assert_eq!(found["schema"], "glassnet.worked/1");
    assert_eq!(found["topic"], args[0]);
    found
}

#[track_caller]
fn near(value: &Value, wanted: f64, tolerance: f64) {
    let found = value.as_f64().unwrap_or_else(|| panic!("{value} is no number"));
    assert!((found - wanted).abs() <= tolerance, "{found} {wanted}");
}

#[track_caller]
fn shows(answer: &Answer, pieces: &[&str]) {
    // A sentence may be broken anywhere.
    let words: Vec<&str> = answer.stdout.split_whitespace().filter(|word| *word != "│").collect();
    let text = words.join(" ");
    for piece in pieces {
        assert!(text.contains(piece), "{piece:?} is not in\n{}", answer.stdout);
    }
}

#[test]
fn softmax_has_the_sheets_numbers_however_they_are_given() {
    let ways = [
        words("softmax A=7 B=1 C=2.2 --true A"),
        words("softmax 7,1,2.2 --labels A,B,C --true A"),
        words("softmax --true A --labels A,B,C 7 1 2.2"),
    ];
    for way in ways {
        let found = json(&way);
        for (at, (e, p, g)) in [
            (1096.633, 0.989405, -0.010595),
            (1f64.exp(), 0.002452, 0.002452),
            (9.025, 0.008143, 0.008143),
        ]
        .into_iter()
        .enumerate()
        {
            near(&found["exp"][at], e, 6e-4);
            near(&found["p"][at], p, 6e-7);
            near(&found["gradient"][at], g, 6e-7);
        }
        near(&found["sum"], 1108.376, 6e-4);
        near(&found["loss"], 0.010652, 6e-7);
        near(&found["by_hand"]["loss"], 0.01106, 6e-6);
        assert_eq!(found["predicted"], "A");
        assert_eq!(found["labels"], serde_json::json!(["A", "B", "C"]));
    }
    let text = worked(&words("softmax A=7 B=1 C=2.2 --true A"));
    shows(
        &text,
        &["1096.633", "98.940 %", "0.245 %", "0.814 %", "0.010652", "0.01106", "predicts A"],
    );
}

#[test]
fn softmax_takes_negative_numbers_and_large_ones() {
    let found = json(&words("softmax -1,0.5"));
    near(&found["p"][0], 1.0 / (1.0 + 1.5f64.exp()), 1e-15);
    assert_eq!(found["predicted"], "1");
    assert_eq!(found["loss"], Value::Null);
    let found = json(&words("softmax a=1000 b=999 --true b"));
    assert_eq!(found["sum"], Value::Null, "infinite");
    near(&found["loss"], (1.0 + (-1.0f64).exp()).ln() + 1.0, 1e-12);
}

#[test]
fn weights_are_counted() {
    let folder = Folder::new();
    let line = "summary 6-32-32-32-4 --explain --examples 80";
    let text = folder.run(&words(line)).success();
    shows(&text, &["6·32 + 32 = 224", "1056", "132", "2468", "2368", "100", "80"]);
    let found = folder.run(&words(&format!("{line} --json"))).success().json();
    assert_eq!(found["schema"], "glassnet.summary/1");
    assert_eq!((&found["multiplicative"], &found["biases"]), (&2368.into(), &100.into()));
    let found = folder
        .run(&[
            "summary",
            "Sequential(Linear(4, 3, bias=False), BatchNorm1d(3), PReLU())",
            "--explain",
            "--json",
        ])
        .success()
        .json();
    assert_eq!(found["parameters"], 19);
    assert_eq!(found["layers"][1]["buffers"], 7);
    folder.refused(&words("summary 2-2 --examples 3"), 2, "usage");
    folder.refused(&words("summary 2-2 --explain --examples 0"), 2, "usage");
    folder.refused(&words("summary 2-2 --explain --examples -4"), 2, "usage");
}

#[test]
fn linear_layers_collapse() {
    let args = ["collapse", "2-2-2", "--weights", NETWORK, "--data", "xor"];
    let found = json(&args);
    let whole = &found["without_activations"]["collapsed"];
    for (row, value) in [(0, -0.6177), (1, -0.5532)] {
        for column in 0..2 {
            near(&whole["weight"][row][column], value, 1e-12);
        }
    }
    near(&whole["bias"][0], -3.4623, 1e-12);
    near(&whole["bias"][1], 4.9732, 1e-12);
    assert_eq!(found["score"]["with_activations"]["right"], 4);
    assert_eq!(found["score"]["collapsed"]["right"], 2);
    let text = worked(&args);
    shows(&text, &["−0.6177", "−3.4623", "4.9732", "class 1 everywhere", "4 of 4", "W′x + b′"]);
    let typed = worked(&["collapse", "1-2l-1", "--data", "0:1,-1:3,2:0.5"]);
    shows(&typed, &["mean squared error", "rank 1"]);
}

#[test]
fn activations_are_compared() {
    let args = words("activations relu sigmoid tanh --no-cost");
    let found = json(&args);
    let [relu, sigmoid, tanh] = [0, 1, 2].map(|at| &found["activations"][at]);
    near(&relu["max_slope"], 1.0, 0.0);
    near(&sigmoid["max_slope"], 0.25, 0.0);
    near(&sigmoid["slope_5"], 6.65e-3, 5e-6);
    near(&sigmoid["slope_10"], 4.54e-5, 5e-8);
    near(&tanh["slope_5"], 1.82e-4, 5e-7);
    near(&tanh["slope_10"], 8.24e-9, 5e-12);
    near(&tanh["slope_10_f32"], 0.0, 0.0);
    assert_eq!([relu, sigmoid, tanh].map(|one| one["zero_centred"] == true), [false, false, true]);
    assert_eq!([relu, sigmoid, tanh].map(|one| one["can_die"] == true), [true, false, false]);
    assert!(relu["cost"].is_null());
    assert_eq!(worked(&args).stdout, worked(&args).stdout, "without the clock nothing changes");
    let timed =
        json(&words("activations relu gelu LeakyReLU(0.1) z*tanh(z) --seconds 0 --depth 5"));
    assert_eq!(timed["activations"][0]["cost"]["both_relative"], 1.0);
    assert_eq!(timed["activations"][0]["cost"]["forward_relative"], 1.0);
    let text = worked(&words("activations relu tanh --seconds 0 --depth 5"));
    shows(
        &text,
        &["the reference for the others", "8.24·10⁻⁹, and |f'|", "Advantages:", "Disadvantages:"],
    );
    assert!(!text.stdout.contains("8.24e-9") && !text.stdout.contains("• -"), "{}", text.stdout);
    shows(&text, &["takes one of them: 0 for ReLU at 0."]);
    shows(&worked(&words("activations LeakyReLU(0.1) --no-cost")), &["takes one of them."]);
    for one in timed["activations"].as_array().unwrap() {
        assert!(one["cost"]["both_ns"].as_f64().unwrap() > 0.0);
        assert_eq!(one["gradients"][0]["norms"].as_array().unwrap().len(), 5);
    }
}

#[test]
fn basis_functions_are_compared_on_xor() {
    let args =
        ["basis", "--data", "xor", "--net", "2-2-2", "--weights", NETWORK, "--centres", "0 0,1 1"];
    let found = json(&args);
    let of = |name: &str| {
        let bases = found["bases"].as_array().unwrap();
        bases
            .iter()
            .find(|basis| basis["basis"] == name)
            .unwrap_or_else(|| panic!("{name}: {found}"))
    };
    near(&of("linear")["mse"], 0.25, 1e-15);
    near(&of("linear with product")["mse"], 0.0, 1e-28);
    near(&of("radial, 2 centres")["mse"], 0.0, 1e-28);
    let learned = of("learned units");
    near(&learned["mse"], 0.0, 1e-12);
    for (at, value) in [1.0, -0.31153, -0.42735].into_iter().enumerate() {
        near(&learned["functions"][at]["coefficient"], value, 6e-6);
    }
    shows(&worked(&args), &["0.25", "x₁ + x₂ − 2x₁x₂", "1 − 0.31153r₁ − 0.42735r₂"]);
    let own =
        json(&["basis", "--data", "xor", "--functions", "1; abs(x1 - x2)", "--restarts", "1"]);
    let bases = own["bases"].as_array().unwrap();
    let own = bases.iter().find(|basis| basis["basis"] == "own functions").unwrap();
    near(&own["mse"], 0.0, 1e-28);
}

#[test]
fn basis_functions_are_compared_on_a_table() {
    let file = table("autompg.csv");
    let args = [
        "basis",
        "--data",
        &file,
        "--features",
        "horsepower",
        "--target",
        "mpg",
        "--epochs",
        "60",
        "--restarts",
        "1",
    ];
    let found = json(&args);
    assert_eq!(found["inputs"][0], "horsepower");
    // The line through horsepower and miles per gallon that every textbook has.
    near(&found["bases"][0]["functions"][0]["coefficient"], 39.936, 1e-3);
    near(&found["bases"][0]["functions"][1]["coefficient"], -0.157845, 1e-6);
    let all = ["basis", "--data", &file, "--target", "mpg"];
    let folder = Folder::new();
    let args: Vec<&str> = ["worked"].iter().chain(&all).copied().collect();
    folder.refused(&args, 3, "data").names(&["--features", "horsepower"]);
}

#[test]
fn logistic_regression_reaches_the_optimum() {
    let file = table("penguins.csv");
    let args = [
        "logistic",
        "--data",
        &file,
        "--features",
        "bill_length_mm,body_mass_g",
        "--target",
        "sex",
    ];
    let found = json(&args);
    near(&found["difference"], 0.0, 1e-6);
    assert_eq!(found["rows"], 333);
    for row in found["sigmoid_and_softmax"].as_array().unwrap() {
        near(&row["sigmoid"], row["softmax"].as_f64().unwrap(), 1e-15);
    }
    let text = worked(&args);
    assert!(text.stderr.contains("11 of 344 rows have a gap"));
    shows(&text, &["Left out: 327 further rows"]);
    let small = worked(&words("logistic --data and --epochs 5"));
    let table = small.stdout.split("The same as softmax").nth(1).unwrap();
    let rows = table.lines().filter(|line| line.split_whitespace().count() == 7);
    let counted = rows.filter_map(|line| line.split_whitespace().next()?.parse().ok());
    assert_eq!(counted.collect::<Vec<usize>>(), [1, 2, 3, 4], "{table}");
    assert!(!small.stdout.contains("Left out"), "{}", small.stdout);
    let separable = json(&words("logistic --data and --epochs 50"));
    assert!(separable["optimum"].is_null());
    assert!(separable["separation"]["margin"].as_f64().unwrap() > 0.0);
    near(&json(&words("logistic --data and --l2 0.1"))["difference"], 0.0, 1e-6);
    let one = json(&[
        "logistic",
        "--data",
        &file,
        "--features",
        "bill_length_mm",
        "--target",
        "species",
        "--positive",
        "Gentoo",
    ]);
    assert_eq!(one["classes"], serde_json::json!(["not Gentoo", "Gentoo"]));
}

#[test]
fn the_gradient_by_hand() {
    let weights = r#"{"0.weight": [[-0.1]], "2.weight": [[0.1]]}"#;
    let args = [
        "manual",
        DEAD,
        "--weights",
        weights,
        "--data",
        "1:0,2:0.3,10:1",
        "--weight",
        "0.weight[0,0]",
        "--try",
        "1",
        "--lr",
        "0.01,0.05",
    ];
    let found = json(&args);
    assert_eq!(found["exact_loss"], "109/300");
    near(&found["gradient"], 0.0, 0.0);
    near(&found["rows"][2]["output_gradient"][0], -2.0 / 3.0, 1e-12);
    assert_eq!(found["minimum_at"], "106/105");
    assert_eq!(found["advice"], "increase");
    near(&found["tries"][0]["sum_of_squares"], 0.02, 1e-15);
    near(&found["descent"][0]["loss"], 0.006635, 5e-7);
    assert_eq!(found["descent"][1]["stuck_after"], 6);
    near(&found["sharpness"], 70.69, 5e-3);
    near(&found["highest_rate"], 0.0283, 5e-5);
    let plain = json(&args[..args.len() - 4]);
    near(&plain["sharpness"], 0.0, 1e-9);
    assert!(plain["no_sharpness"].is_null());
    let alive = worked(&["manual", "1-1", "--data", "1:2", "--weight", "0.weight[0,0]"]);
    shows(&alive, &["Which learning rate is safe?", "bends most strongly by 4", "2/4 = 0.5"]);
    let text = worked(&args);
    shows(
        &text,
        &[
            "109/300",
            "−0.66667",
            "106/105",
            "209/31500",
            "dead",
            "Proven for every data set whose inputs are not negative",
            "J divides the sum by 3",
        ],
    );
}

#[test]
fn every_topic_comes_in_every_format() {
    let topics: [&[&str]; 6] = [
        &["softmax", "A=1", "B=2", "--true", "B"],
        &["collapse", "2-3l-2", "--data", "xor"],
        &["activations", "relu", "tanh", "--no-cost", "--depth", "3"],
        &["basis", "--data", "0:0,1:1,2:4,3:9", "--epochs", "20", "--restarts", "1"],
        &["logistic", "--data", "0.5:0,1:0,1.5:1,2:0,2.5:1,3:1", "--epochs", "50"],
        &["manual", "1-2-1", "--data", "1:0,2:1", "--weight", "0.weight[0,0]"],
    ];
    for topic in topics {
        for format in ["text", "markdown", "latex", "html"] {
            let args: Vec<&str> = topic.iter().chain(&["--format", format]).copied().collect();
            let text = worked(&args).stdout;
            assert!(text.len() > 200, "{topic:?} {format}: {text}");
            if format == "text" {
                let widest = text.lines().map(|line| line.chars().count()).max().unwrap_or(0);
                assert!(widest <= 80, "{topic:?}: {widest} columns\n{text}");
            }
        }
    }
}

#[test]
fn bad_input_is_told() {
    let folder =
        Folder::with(&[("three.csv", b"a,b,y\n1,2,3\n1,x,4\n"), ("gaps.csv", b"a,y\n,1\n,2\n")]);
    let cases: &[(&[&str], i32, &str, &[&str])] = &[
        (&["foo"], 2, "usage", &["no topic", "softmax, collapse, activations", "manual"]),
        (&["manual", "1-1", "--data", "", "--weight", "0.weight[0,0]"], 2, "usage", &["no rows"]),
        (&["logistic", "--data", "xor", "--lr", "nan"], 2, "usage", &["rate is NaN", "--lr"]),
        (&["logistic", "--data", "xor", "--lr", "-1"], 2, "usage", &["rate is -1", "--lr"]),
        (&["softmx"], 2, "usage", &["no topic", "did you mean softmax?"]),
        (&[], 2, "usage", &["a topic is missing", "softmax", "manual"]),
        (&["softmax"], 2, "usage", &["missing"]),
        (&["softmax", "A=7", "B=1", "--true", "D"], 2, "usage", &["no class \"D\"", "A, B"]),
        (
            &["softmax", "spring=7", "summer=1", "--true", "sumer"],
            2,
            "usage",
            &["did you mean summer?"],
        ),
        (&["softmax", "A=nan"], 2, "usage", &["NaN", "score of A"]),
        (&["softmax", "A=x"], 2, "usage", &["\"x\" is no number"]),
        (&["softmax", "A=1", "2"], 2, "usage", &["\"2\" has no label"]),
        (&["softmax", "1,2", "--labels", "A"], 2, "usage", &["1 label for 2 scores"]),
        (&["softmax", "1,2", "--tru", "A"], 2, "usage", &["--tru"]),
        (&["activations", "reluu"], 2, "usage", &["did you mean relu?"]),
        (&["activations", "relu", "--at", "nan"], 2, "usage", &["NaN", "--at"]),
        (&["activations", "relu", "--depth", "1000", "--width", "4096"], 6, "limit", &["--depth"]),
        (&["basis", "--data", "xor", "--select", "1000"], 2, "usage", &["--select"]),
        (&["activations", "relu", "--seconds", "1e9"], 2, "usage", &["--seconds"]),
        (&["activations", "Softmax(1)"], 2, "usage", &["Softmax"]),
        (&["collapse", "Sequential(ReLU())"], 2, "network", &["no linear layer"]),
        (&["collapse", "2-2", "--data", "1 2 3:0"], 3, "data", &["3 values", "takes 2"]),
        (&["collapse", "2-2", "--data", "0 0:0,1:1"], 2, "usage", &["sample 2"]),
        (&["basis"], 2, "usage", &["--data"]),
        (&["basis", "--data", "nothing.csv"], 5, "io", &["nothing.csv"]),
        (&["basis", "--data", "1:nan,2:1"], 2, "usage", &["NaN"]),
        (&["basis", "--data", "xor", "--centres", "0"], 2, "usage", &["--centres"]),
        (&["basis", "--data", "xor", "--functions", "x1; x3"], 2, "usage", &["x3", "--functions"]),
        (&["basis", "--data", "xor", "--net", "3-2-1"], 2, "network", &["2 inputs", "--net"]),
        (&["basis", "--data", "three.csv", "--target", "z"], 3, "data", &["\"z\""]),
        (&["logistic", "--data", "gaps.csv"], 3, "data", &["every row has a gap"]),
        (&["logistic", "--data", "1:1,2:1"], 3, "data", &["same class"]),
        (&["logistic", "--data", "1:1,2:2,3:3"], 3, "data", &["3 classes", "--positive"]),
        (&["logistic", "--data", "xor", "--l2", "-1"], 2, "usage", &["--l2"]),
        (
            &["manual", "1-1", "--data", "1:0", "--weight", "9.weight[0,0]"],
            2,
            "usage",
            &["0.weight, 0.bias"],
        ),
        (&["manual", "1-1", "--data", "1:0", "--weight", "0.weight[0"], 2, "usage", &["--weight"]),
        (&["manual", "1-1", "--data", "1", "--weight", "0.weight[0,0]"], 3, "data", &["no target"]),
        (
            &["manual", "1-1", "--data", "1:0", "--weight", "0.weight[0,0]", "--lr", "0"],
            2,
            "usage",
            &["--lr"],
        ),
    ];
    for (args, status, kind, pieces) in cases {
        let args: Vec<&str> = ["worked"].iter().chain(*args).copied().collect();
        let answer = folder.run(&args);
        assert_eq!(answer.status, *status, "{args:?}: {answer:?}");
        answer.check_error(*status, kind);
        answer.names(pieces);
    }
}

#[test]
fn help_of_every_topic_fits_and_shows_an_example() {
    let folder = Folder::new();
    for topic in ["softmax", "collapse", "activations", "basis", "logistic", "manual"] {
        for flag in ["-h", "--help"] {
            let answer = folder.run(&["worked", topic, flag]).success();
            let widest = answer.stdout.lines().max_by_key(|line| line.chars().count()).unwrap();
            assert!(widest.chars().count() <= 100, "{topic}: {widest}");
            assert!(answer.stdout.contains("glassnet worked"), "{topic}");
        }
    }
}
