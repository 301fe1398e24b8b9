//! From a table to a model to predictions, on every table of the repository.

use serde_json::Value;

use crate::folder::{Folder, table, words};

/// A table, its target, and the classes in the model's order (none for numbers).
const TABLES: [(&str, &str, &[&str]); 4] = [
    ("seattle-weather.csv", "season", &["Fall", "Spring", "Summer", "Winter"]),
    ("digits.csv", "digit", &["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]),
    ("penguins.csv", "species", &["Adelie", "Chinstrap", "Gentoo"]),
    ("autompg.csv", "mpg", &[]),
];

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// The metrics that a task of so many classes has, and that each is a finite number.
#[track_caller]
fn check_metrics(metrics: &Value, classes: usize, loss: bool) {
    let mut expected = if loss { vec!["loss"] } else { vec![] };
    expected.extend(match classes {
        0 => vec!["mae", "rmse", "r2"],
        2 => vec!["accuracy", "macro_f1", "log_loss", "roc_auc"],
        _ => vec!["accuracy", "macro_f1", "log_loss"],
    });
    assert_eq!(keys(metrics), expected);
    assert!(metrics.as_object().unwrap().values().all(Value::is_f64), "{metrics}");
}

#[test]
fn training_tells_in_json_what_the_design_promises() {
    for (name, target, classes) in TABLES {
        let folder = Folder::new();
        let data = table(name);
        let answer = folder.train(&format!(
            "{data} --target {target} --epochs 3 --test {data} --output model --history run.csv \
             --checkpoint state --json"
        ));
        let document = answer.json();
        assert_eq!(document["schema"], "glassnet.train/1");
        for key in ["epochs", "best_epoch", "rows", "seed"] {
            assert!(document[key].is_u64(), "{name} {key}: {document}");
        }
        for key in ["seconds", "samples_per_second"] {
            assert!(document[key].as_f64().unwrap() > 0.0, "{name} {key}: {document}");
        }
        for key in ["train", "validation", "test"] {
            check_metrics(&document[key], classes.len(), true);
        }
        check_metrics(&document["baseline"], classes.len(), false);
        assert_eq!(document["epochs"], 3);
        assert_eq!(document["seed"], 0);
        assert_eq!(document["model"], "model");
        assert_eq!(document["interrupted"], false);
        assert!(document["diagnosis"].is_null());
        assert_eq!(folder.names(), ["model", "run.csv", "state"]);
    }
}

#[test]
fn without_validation_there_is_none() {
    let folder = Folder::new();
    let data = table("penguins.csv");
    let line = format!("{data} --target species --epochs 2 --validation 0 --json");
    let document = folder.train(&line).json();
    assert!(document["validation"].is_null() && document["test"].is_null(), "{document}");
    assert_eq!(document["rows"], 344);
    assert_eq!(folder.names(), ["model.safetensors"]);
}

#[test]
fn predictions_follow_the_rows_and_the_models_classes() {
    for (name, target, classes) in TABLES {
        let folder = Folder::new();
        let data = table(name);
        folder.train(&format!("{data} --target {target} --epochs 3 --output model -q"));
        let answer = folder.run(&["predict", "model", &data]).success();
        let lines: Vec<&str> = answer.stdout.lines().collect();
        let header: Vec<String> = std::iter::once("prediction".to_owned())
            .chain(classes.iter().map(|class| format!("p({class})")))
            .collect();
        assert_eq!(lines[0], header.join(","), "{name}");
        let rows = std::fs::read_to_string(&data).unwrap().lines().count() - 1;
        assert_eq!(lines.len() - 1, rows, "{name}");

        let json = folder.run(&["predict", "model", &data, "--json"]).success();
        assert_eq!(json.stdout.lines().count(), rows);
        for (csv, json) in lines[1..].iter().zip(json.stdout.lines()) {
            check_row(csv, &serde_json::from_str(json).unwrap(), classes);
        }

        let one = format!("{}\n{}\n", first_lines(&data, 1), line_of(&data, 5));
        let one = folder.run_with_stdin(&["predict", "model", "-"], one.as_bytes()).success();
        assert_eq!(one.stdout.lines().nth(1), Some(lines[5]), "{name}: rows keep their place");

        folder.run(&["predict", "model", &data, "--output", "out.csv"]).success();
        assert_eq!(folder.text("out.csv"), answer.stdout);
    }
}

fn first_lines(path: &str, count: usize) -> String {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().take(count).collect::<Vec<_>>().join("\n")
}

fn line_of(path: &str, line: usize) -> String {
    std::fs::read_to_string(path).unwrap().lines().nth(line).unwrap().to_owned()
}

#[track_caller]
fn check_row(csv: &str, json: &Value, classes: &[&str]) {
    let cells: Vec<&str> = csv.split(',').collect();
    if classes.is_empty() {
        assert_eq!(keys(json), ["prediction"]);
        assert_eq!(json["prediction"].as_f64().unwrap(), cells[0].parse::<f64>().unwrap());
        return;
    }
    assert_eq!(keys(json), ["prediction", "probabilities"]);
    assert_eq!(json["prediction"], cells[0]);
    assert_eq!(keys(&json["probabilities"]), classes);
    let cells: Vec<f64> = cells[1..].iter().map(|cell| cell.parse().unwrap()).collect();
    let values = json["probabilities"].as_object().unwrap().values();
    assert_eq!(values.map(|value| value.as_f64().unwrap()).collect::<Vec<_>>(), cells);
    assert!((cells.iter().sum::<f64>() - 1.0).abs() < 1e-5);
    let best = (0..cells.len()).max_by(|&a, &b| cells[a].total_cmp(&cells[b])).unwrap();
    assert_eq!(json["prediction"], classes[best]);
}

#[test]
fn evaluation_agrees_with_what_the_training_told() {
    for (name, target, classes) in TABLES {
        let folder = Folder::new();
        let rows: Vec<String> =
            std::fs::read_to_string(table(name)).unwrap().lines().map(str::to_owned).collect();
        let part = |keep: fn(usize) -> bool| {
            let rows = rows.iter().enumerate().filter(|(at, _)| *at == 0 || keep(*at));
            rows.map(|(_, row)| row.as_str()).collect::<Vec<_>>().join("\n")
        };
        folder.write("train.csv", part(|at| at % 4 != 0));
        folder.write("valid.csv", part(|at| at % 4 == 0));
        let line =
            format!("train.csv --target {target} --epochs 3 --validation valid.csv --json -q");
        let told = folder.train(&line).json();
        let evaluate = ["evaluate", "model.safetensors", "valid.csv", "--json", "--gaps", "fill"];
        let found = folder.run(&evaluate).success().json();
        assert_eq!(found["metrics"], told["validation"], "{name}");
        assert_eq!(found["schema"], "glassnet.evaluate/1");
        assert_eq!(found["rows"].as_u64().unwrap() as usize, (rows.len() - 1) / 4);
        check_metrics(&found["baseline"], classes.len(), false);
        if classes.is_empty() {
            assert!(found["confusion"].is_null());
            continue;
        }
        let counts = found["confusion"]["counts"].as_array().unwrap();
        let names = found["confusion"]["classes"].as_array().unwrap();
        assert_eq!(names, classes);
        let sum =
            counts.iter().flat_map(|row| row.as_array().unwrap()).map(|n| n.as_u64().unwrap());
        assert_eq!(sum.sum::<u64>(), found["rows"].as_u64().unwrap());
        let hits = (0..counts.len()).map(|at| counts[at][at].as_u64().unwrap()).sum::<u64>();
        let accuracy = hits as f64 / found["rows"].as_f64().unwrap();
        assert!((accuracy - found["metrics"]["accuracy"].as_f64().unwrap()).abs() < 1e-12);
    }
}

#[test]
fn numbers_come_in_the_targets_own_units() {
    let folder = Folder::new();
    let data = table("autompg.csv");
    folder.train(&format!("{data} --target mpg --epochs 60 --output model -q"));
    let answer = folder.run(&["predict", "model", &data]).success();
    let predicted: Vec<f64> =
        answer.stdout.lines().skip(1).map(|cell| cell.parse().unwrap()).collect();
    let text = std::fs::read_to_string(&data).unwrap();
    let truth = text.lines().skip(1).map(|row| row.rsplit(',').next().unwrap().parse::<f64>());
    let off: Vec<f64> = truth
        .map(Result::unwrap)
        .zip(&predicted)
        .map(|(truth, found)| (truth - found).abs())
        .collect();
    let mae = off.iter().sum::<f64>() / off.len() as f64;
    assert!(mae < 3.0, "{mae} miles per gallon");
    let told = folder.run(&["evaluate", "model", &data, "--json"]).success().json();
    assert!((told["metrics"]["mae"].as_f64().unwrap() - mae).abs() < 1e-4);
}

#[test]
fn columns_are_found_by_name() {
    let folder = Folder::with(&[
        ("train.csv", colours(60, false).as_bytes()),
        ("turned.csv", colours(60, true).as_bytes()),
    ]);
    folder.train("train.csv --target y --epochs 3 --output model -q");
    let straight = folder.run(&["predict", "model", "train.csv"]).success();
    let turned = folder.run(&["predict", "model", "turned.csv"]).success();
    assert_eq!(straight.stdout, turned.stdout);
    folder.write("less.csv", "size\n1\n2\n");
    folder.refused(&["predict", "model", "less.csv"], 3, "data").names(&["colour", "size"]);
}

/// Rows of a size, a colour and a class, the columns perhaps in another order, with one more.
fn colours(rows: usize, turned: bool) -> String {
    let row = |at: usize| {
        let (size, colour, class) = (at % 7, ["red", "blue"][at % 2], ["no", "yes"][(at / 3) % 2]);
        if turned {
            format!("{class},extra,{colour},{size}\n")
        } else {
            format!("{size},{colour},{class}\n")
        }
    };
    let header = if turned { "y,more,colour,size\n" } else { "size,colour,y\n" };
    header.to_owned() + &(0..rows).map(row).collect::<String>()
}

#[test]
fn unseen_categories_and_gaps_are_refused_or_taken_as_told() {
    let folder = Folder::with(&[
        ("train.csv", colours(60, false).as_bytes()),
        ("unseen.csv", b"size,colour\n1,red\n2,green\n"),
        ("gap.csv", b"size,colour\n,red\n2,blue\n"),
    ]);
    folder.train("train.csv --target y --epochs 3 --output model -q");
    folder.refused(&["predict", "model", "unseen.csv"], 3, "data").names(&["green", "--unseen"]);
    let ignored = folder.run(&["predict", "model", "unseen.csv", "--unseen", "ignore"]).success();
    assert_eq!(ignored.stdout.lines().count(), 3);
    folder.refused(&["predict", "model", "gap.csv"], 3, "data").names(&["size", "--gaps"]);
    let filled = folder.run(&["predict", "model", "gap.csv", "--gaps", "fill"]).success();
    assert_eq!(filled.stdout.lines().count(), 3);
}

#[test]
fn a_threshold_moves_the_second_of_two_classes() {
    let folder = Folder::with(&[("train.csv", colours(60, false).as_bytes())]);
    let told = folder.train("train.csv --target y --epochs 3 --output model --json").json();
    check_metrics(&told["validation"], 2, true);
    let count = |threshold: &str| {
        let args = ["predict", "model", "train.csv", "--threshold", threshold];
        let answer = folder.run(&args).success();
        answer.stdout.lines().filter(|line| line.starts_with("yes,")).count()
    };
    assert_eq!((count("0"), count("1")), (60, 0));
    for bad in ["-0.1", "1.5", "NaN", "text"] {
        folder.refused(&["predict", "model", "train.csv", "--threshold", bad], 2, "usage");
    }
    let data = table("autompg.csv");
    folder.train(&format!("{data} --target mpg --epochs 1 --output numbers -q"));
    folder.refused(&["predict", "numbers", &data, "--threshold", "0.5"], 2, "usage");
}

#[test]
fn importance_finds_the_column_that_matters() {
    let rows = (0..200).map(|at| format!("{},{},{}\n", at % 2, (at * 7) % 13, ["a", "b"][at % 2]));
    let folder = Folder::with(&[(
        "t.csv",
        ("signal,noise,y\n".to_owned() + &rows.collect::<String>()).as_bytes(),
    )]);
    folder.train("t.csv --target y --epochs 40 --output model -q --column-type signal=number");
    let found =
        folder.run(&["evaluate", "model", "t.csv", "--importance", "--json"]).success().json();
    let of = |column: &str| found["importance"][column].as_f64().unwrap();
    assert!(of("signal") > 0.3 && of("noise").abs() < 0.1, "{found}");
}

#[test]
fn cells_like_formulas_are_kept_unless_asked() {
    let rows = (0..40).map(|at| format!("{},{}\n", at % 2, ["=1+1", "plain"][at % 2]));
    let folder =
        Folder::with(&[("t.csv", ("x,y\n".to_owned() + &rows.collect::<String>()).as_bytes())]);
    folder.train("t.csv --target y --epochs 1 --output model -q --column-type x=number");
    let plain = folder.run(&["predict", "model", "t.csv"]).success().stdout;
    assert!(plain.starts_with("prediction,p(=1+1),p(plain)\n"), "{plain}");
    let args = ["predict", "model", "t.csv", "--spreadsheet-safe", "--threshold", "1"];
    let safe = folder.run(&args).success().stdout;
    assert!(!safe.lines().any(|line| line.starts_with('=')), "{safe}");
}

#[test]
fn the_network_is_named_or_adapts() {
    let folder = Folder::new();
    let data = table("seattle-weather.csv");
    let network = |flags: &str| {
        let line = format!("{data} --target season --epochs 1 --force --json {flags}");
        folder.train(&line).json()["network"].as_str().unwrap().to_owned()
    };
    assert_eq!(network("--hidden 0"), "Sequential(Linear(10, 4))");
    assert_eq!(
        network("--hidden 8 --activation gelu --dropout 0.25"),
        "Sequential(Linear(10, 8), GELU(), Dropout(p=0.25), Linear(8, 4))"
    );
    assert_eq!(network("--net 10-6t-4"), "Sequential(Linear(10, 6), Tanh(), Linear(6, 4))");
    assert!(network("--hidden 8 --activation z*sigmoid(z)").contains("sigmoid"));
    for flags in ["--net 5-32-4", "--net 10-32-3", "--hidden 0,0"] {
        let line = format!("train {data} --target season --output new {flags}");
        let answer = folder.refused(&words(&line), 2, "usage");
        if flags.contains("5-32") {
            answer.names(&["write 10", "weather=sun"]);
        } else if flags.contains("32-3") {
            answer.names(&["write 4", "Winter"]);
        }
    }
}

#[test]
fn declared_dates_are_features_that_summary_shows_and_predict_replays() {
    let row = |at: usize| {
        let (month, day) = (at % 12 + 1, at * 5 % 28 + 1);
        let summer = ["no", "yes"][usize::from((5..10).contains(&month))];
        format!("{}-{month:02}-{day:02},{},{summer}\n", 2015 + at / 60, at * 7 % 11)
    };
    let rows: String = (0..240).map(row).collect();
    let folder = Folder::with(&[("t.csv", ("day,x,y\n".to_owned() + &rows).as_bytes())]);
    let told = folder.run(&words("train t.csv --target y --epochs 1 --output left-out")).success();
    told.names(&["\"day\" holds dates", "--column-type day=date"]);
    let line = "t.csv --target y --epochs 60 --output model --column-type day=date --json";
    let found = folder.train(line).json();
    assert!(found["validation"]["accuracy"].as_f64().unwrap() > 0.95, "{found}");
    let summary = folder.run(&["summary", "model"]).success().stdout;
    assert!(summary.contains("day: a date: year, month sin, month cos, weekday sin"), "{summary}");
    folder.write("new.csv", "x,day\n3,2017-07-04\n3,2017-01-04\n");
    let predicted = folder.run(&["predict", "model", "new.csv"]).success().stdout;
    let classes: Vec<&str> =
        predicted.lines().skip(1).map(|line| line.split(',').next().unwrap()).collect();
    assert_eq!(classes, ["yes", "no"]);
    folder.write("bad.csv", "x,day\n3,2031-02-30\n");
    folder.refused(&["predict", "model", "bad.csv"], 3, "data").names(&[
        "bad.csv:2",
        "\"2031-02-30\"",
        "\"day\"",
    ]);
    let onnx = folder.run(&words("convert model m.onnx --with-preprocessing")).success();
    let declared = "\"day\" float64 [N, 1] (seconds since 1970-01-01 00:00)";
    assert!(onnx.stdout.contains(declared), "{}", onnx.stdout);
}

#[test]
fn several_numbers_are_predicted_together() {
    let row = |at: usize| {
        let (a, b) = (at % 17, at * 7 % 13);
        let gap = if at % 29 == 5 { String::new() } else { format!("{}", 2000 + 30 * a + b) };
        format!("{a},{b},{}.5,{gap},{}\n", 3 * a + b, ["k", "l"][at % 2])
    };
    let text = "a,b,small,large,kind\n".to_owned() + &(0..200).map(row).collect::<String>();
    let folder =
        Folder::with(&[("t.csv", text.as_bytes()), ("c.csv", b"x,\"y,z\"\n1,k\n2,l\n3,k\n4,l\n")]);
    let line = "t.csv --target small,large --epochs 80 --output model --json";
    let answer = folder.train(line);
    answer.names(&["2 targets are predicted together", "without a value of the target \"large\""]);
    let found = answer.json();
    assert!(found["network"].as_str().unwrap().ends_with("Linear(32, 2))"), "{found}");
    assert!(found["validation"]["r2"].as_f64().unwrap() > 0.9, "{found}");
    let summary = folder.run(&["summary", "model"]).success().stdout;
    assert!(summary.contains("predicts small, large (regression)"), "{summary}");
    folder.write("new.csv", "b,a,kind\n3,4,k\n3,14,l\n");
    let predicted = folder.run(&["predict", "model", "new.csv"]).success().stdout;
    let lines: Vec<&str> = predicted.lines().collect();
    assert_eq!(lines[0], "small,large");
    let numbers: Vec<f64> = lines[1].split(',').map(|cell| cell.parse().unwrap()).collect();
    assert!((numbers[0] - 15.5).abs() < 8.0 && (numbers[1] - 2123.0).abs() < 100.0, "{predicted}");
    let told = folder.run(&words("evaluate model t.csv --json")).success().json();
    check_metrics(&told["metrics"], 0, true);
    assert!(told["metrics"]["r2"].as_f64().unwrap() > 0.9, "{told}");
    folder.run(&words("explain model --data t.csv --row 2 --backward")).success();
    folder.train("t.csv --target small,large --features a --folds 3 --epochs 2 --output folds -q");
    let report = "t.csv --target small,large --epochs 2 --output with-report --report r.md -q";
    folder.train(report);
    assert!(folder.text("r.md").contains("learned together"), "{}", folder.text("r.md"));
    // A name may have a comma.
    folder.train("c.csv --target y,z --epochs 1 --output comma -q");
    let check = |flags: &str, status: i32, kind: &str, named: &[&str]| {
        let line = format!("train t.csv --output new {flags}");
        folder.refused(&words(&line), status, kind).names(named);
    };
    check("--target small,kind", 3, "data", &["\"kind\"", "no numbers"]);
    check("--target small,small", 2, "usage", &["twice"]);
    check("--target small,none", 3, "data", &["\"none\""]);
    check("--target small,large --task classification", 2, "usage", &["--task"]);
    check("--target small,large --net 4-8-1", 2, "usage", &["write 2", "small, large"]);
}
