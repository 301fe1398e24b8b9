//! Many networks: ensembles, folds, several learning rates.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use glassnet::Tensor;
use glassnet_formats::ModelFile;
use serde_json::Value;

use crate::folder::{Answer, Folder, table, words};

fn cars(extra: &str) -> String {
    format!("{} --target mpg --epochs 6 --quiet --force {extra}", table("autompg.csv"))
}

fn seasons(extra: &str) -> String {
    format!(
        "{} --target season --split-by month --epochs 4 --quiet --force {extra}",
        table("seattle-weather.csv")
    )
}

fn model(folder: &Folder, name: &str) -> ModelFile {
    ModelFile::read(&folder.read(name), name).unwrap()
}

/// The columns of a CSV file of predictions, the first one as text.
fn predictions(folder: &Folder, model: &str, data: &str) -> Vec<(String, Vec<f32>)> {
    let answer = folder.run(&["predict", model, data, "--quiet"]).success();
    let mut lines = vec![];
    for line in answer.stdout.lines().skip(1) {
        let (first, rest) = line.split_once(',').unwrap_or((line, ""));
        let numbers = rest.split(',').filter(|cell| !cell.is_empty());
        lines.push((first.to_owned(), numbers.map(|cell| cell.parse().unwrap()).collect()));
    }
    lines
}

#[test]
fn members_are_the_networks_that_their_seeds_give_alone() {
    let folder = Folder::new();
    // Without validation rows nothing but the network hangs on the seed.
    let flags = "--validation 0 --dropout 0.1";
    folder.train(&cars(&format!("{flags} --seed 5 --ensemble 3 --output all")));
    let members = model(&folder, "all").members("all").unwrap().unwrap();
    assert_eq!(members.len(), 3);
    for (number, member) in members.iter().enumerate() {
        let seed = 5 + number;
        folder.train(&cars(&format!("{flags} --seed {seed} --output one")));
        assert_eq!(&model(&folder, "one").state, member, "seed {seed}");
    }
    let keys: Vec<String> = model(&folder, "all").state.keys().map(str::to_owned).collect();
    assert_eq!(keys[..2], ["members.0.0.weight", "members.0.0.bias"]);
    assert_eq!(keys.len(), 18);
}

#[test]
fn an_ensemble_predicts_the_mean_of_its_members() {
    let folder = Folder::new();
    let data = table("autompg.csv");
    folder.train(&cars("--ensemble 3 --output m"));
    let each: Vec<_> =
        (0..3).map(|number| predictions(&folder, &format!("m#{number}"), &data)).collect();
    for (row, (value, _)) in predictions(&folder, "m", &data).iter().enumerate() {
        let mean = each.iter().map(|rows| rows[row].0.parse::<f64>().unwrap()).sum::<f64>() / 3.0;
        let value: f64 = value.parse().unwrap();
        assert!((value - mean).abs() <= 1e-5 * mean.abs(), "{value} {mean}");
    }

    let data = table("seattle-weather.csv");
    folder.train(&seasons("--ensemble 2 --output s"));
    let each: Vec<_> =
        (0..2).map(|number| predictions(&folder, &format!("s#{number}"), &data)).collect();
    for (row, (class, probabilities)) in predictions(&folder, "s", &data).iter().enumerate() {
        for (class, &probability) in probabilities.iter().enumerate() {
            let mean = (f64::from(each[0][row].1[class]) + f64::from(each[1][row].1[class])) / 2.0;
            assert_eq!(probability, mean as f32);
        }
        let most = probabilities.iter().fold(0.0_f32, |most, &p| most.max(p));
        let names = ["Fall", "Spring", "Summer", "Winter"];
        let at = names.iter().position(|name| name == class).unwrap();
        assert!(most - probabilities[at] <= 1e-7, "{class} {probabilities:?}");
    }
}

#[test]
fn an_ensemble_s_scores_are_those_that_evaluate_measures() {
    let folder = Folder::new();
    let data = table("seattle-weather.csv");
    let line = seasons(&format!("--ensemble 3 --output m --test {data} --json"));
    let told = folder.train(&line).json();
    let measured = folder.run(&["evaluate", "m", &data, "--json", "-q"]).success().json();
    assert_eq!(told["test"], measured["metrics"]);
    let members = told["members"].as_array().unwrap();
    let seeds: Vec<&Value> = members.iter().map(|member| &member["seed"]).collect();
    assert_eq!(seeds, [0, 1, 2]);
    for (number, member) in members.iter().enumerate() {
        let name = format!("m#{number}");
        let alone = folder.run(&["evaluate", &name, &data, "--json", "-q"]).success().json();
        assert_eq!((&member["member"], &member["test"]), (&number.into(), &alone["metrics"]));
        assert!(member["validation"]["accuracy"].is_f64() && member["error"].is_null());
    }
    // Convexity: the loss of the mean is at most the mean of the losses.
    let loss = |value: &Value| value["validation"]["loss"].as_f64().unwrap();
    assert!(loss(&told) <= members.iter().map(loss).sum::<f64>() / 3.0);
    assert!(told["best_epoch"].is_null());
}

#[test]
fn what_looks_at_one_network_asks_which() {
    let folder = Folder::new();
    let data = table("autompg.csv");
    folder.train(&cars("--ensemble 2 --output m"));
    folder.train(&cars("--output one"));
    let explain = |model: &str| {
        let args = ["explain", model, "--data", &data, "--row", "1", "--quiet"];
        folder.run(&args.map(str::to_owned))
    };
    let answer = explain("m");
    answer.check_error(2, "usage");
    answer.names(&["m is an ensemble of 2 networks", "'m#0' to 'm#1'"]);
    assert!(explain("m#1").success().stdout.contains("Linear"));
    for (model, named) in [
        ("m#2", ["no network number 2", "#0 to #1"]),
        ("one#0", ["holds one network", "leave #0 out"]),
        ("none#0", ["\"none\"", "neither a network nor a file"]),
    ] {
        let answer = folder.run(&["predict", model, &data]);
        assert!([2, 5].contains(&answer.status), "{answer:?}");
        answer.names(&named);
    }
    // A file that is called so is itself.
    folder.write("one#7", folder.read("one"));
    folder.run(&["predict", "one#7", &data, "-q"]).success();
    let summary = folder.run(&["summary", "m"]).success();
    assert!(summary.stdout.contains("an ensemble of 2 such networks"), "{summary:?}");
    assert_eq!(folder.run(&["summary", "m", "--json"]).success().json()["members"], 2);
}

#[test]
fn folds_measure_every_row_once_and_leave_the_model_alone() {
    let folder = Folder::new();
    let told = folder.train(&cars("--folds 4 --output m --history h.csv --json")).json();
    let folds = told["folds"].as_array().unwrap();
    let number = |value: &Value, key: &str| value[key].as_f64().unwrap();
    assert_eq!(folds.iter().map(|fold| number(fold, "rows")).sum::<f64>(), 392.0);
    for fold in folds {
        let rows = ["rows", "rows_train", "rows_validation"].map(|key| number(fold, key));
        assert_eq!(rows.iter().sum::<f64>(), 392.0);
        assert_eq!(fold["best_epochs"].as_array().unwrap().len(), 1);
    }
    for key in ["loss", "mae", "rmse", "r2"] {
        let values: Vec<f64> = folds.iter().map(|fold| number(&fold["metrics"], key)).collect();
        let mean = values.iter().sum::<f64>() / 4.0;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 4.0;
        // A loss is printed as the f32 that it is.
        let close = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-7, "{key}");
        close(number(&told["folds_mean"], key), mean);
        close(number(&told["folds_std"], key), variance.sqrt());
    }
    let history = folder.text("h.csv");
    assert!(history.starts_with("fold,seed,epoch,lr,train_loss,"), "{history}");
    assert_eq!(history.lines().filter(|line| line.starts_with("3,0,")).count(), 6);
    assert_eq!(history.lines().filter(|line| line.starts_with("all,0,")).count(), 6);

    let alone = folder.train(&cars("--output one --json")).json();
    assert_eq!(model(&folder, "m").state, model(&folder, "one").state);
    for key in ["train", "validation", "epochs", "best_epoch", "rows", "network"] {
        assert_eq!(told[key], alone[key], "{key}");
    }
}

#[test]
fn the_threads_change_no_bit() {
    let folder = Folder::new();
    let mut first: Option<(Vec<u8>, Value)> = None;
    for threads in 1..=3 {
        let line =
            seasons(&format!("--folds 3 --ensemble 2 --output m --json --threads {threads}"));
        let mut told = folder.train(&line).json();
        for key in ["seconds", "samples_per_second"] {
            told[key] = Value::Null;
        }
        let found = (folder.read("m"), told);
        assert!(first.get_or_insert_with(|| found.clone()) == &found, "{threads} threads");
    }
}

#[test]
fn the_best_of_several_rates_is_what_that_rate_gives_alone() {
    let folder = Folder::new();
    let told = folder.train(&cars("--lr 0.00001,0.01,0.001 --output m --json")).json();
    assert_eq!(told["lr"], 0.01);
    let losses: Vec<f64> = told["rates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|rate| rate["validation"]["loss"].as_f64().unwrap())
        .collect();
    assert!(losses[1] < losses[2] && losses[2] < losses[0], "{losses:?}");
    folder.train(&cars("--lr 0.01 --output one"));
    assert!(folder.read("m") == folder.read("one"), "another file");
}

#[test]
fn a_network_that_diverges_is_left_out_and_told() {
    let folder = Folder::new();
    let data = table("autompg.csv");
    let line = |rate: &str| {
        format!(
            "{data} --target mpg --epochs 10 --optimizer sgd --lr {rate} --momentum 0.9 --ensemble 4 --output m --json"
        )
    };
    let answer = folder.train(&line("0.3"));
    let told = answer.json();
    let members = told["members"].as_array().unwrap();
    let failed: Vec<bool> = members.iter().map(|member| member["error"].is_string()).collect();
    let count = failed.iter().filter(|failed| **failed).count();
    assert!((1..=3).contains(&count), "another rate is needed for this test: {failed:?}");
    assert_eq!(answer.stderr.matches("is left out: ").count(), count, "{answer:?}");
    let numbers = members.iter().filter_map(|member| member["member"].as_u64());
    assert!(numbers.eq(0..4 - count as u64));
    let saved = model(&folder, "m").members("m").unwrap().unwrap();
    assert_eq!(saved.len(), 4 - count);
    folder.run(&["predict", "m", &data, "-q"]).success();

    let folder = Folder::new();
    let all = format!("train {}", line("1e30"));
    folder.refused(&words(&all), 7, "numeric");
}

#[test]
fn numbers_of_networks_that_cannot_be_are_refused() {
    let rows = b"x,g,y\n1,1,a\n2,1,b\n3,2,a\n4,2,b\n5,3,a\n6,3,b\n7,1,a\n8,2,b\n9,3,a\n10,1,b\n";
    let folder = Folder::with(&[("t.csv", rows)]);
    for (flags, kind, named) in [
        ("--ensemble 0", "usage", ["--ensemble", "at least 2"]),
        ("--ensemble 1", "usage", ["--ensemble", "leave it out"]),
        ("--ensemble 10001", "usage", ["--ensemble", "10000"]),
        ("--ensemble 99999999999999999999", "usage", ["--ensemble", "smaller"]),
        ("--ensemble -3", "usage", ["--ensemble", "whole number"]),
        ("--ensemble 3 --seed 18446744073709551614", "usage", ["--seed", "64 bits"]),
        ("--ensemble 2 --checkpoint c", "usage", ["--checkpoint", "--ensemble"]),
        ("--folds 2 --resume c", "usage", ["--resume", "--folds"]),
        ("--folds 2 --report r.html", "usage", ["--report", "--folds"]),
        ("--folds 0", "usage", ["--folds", "nothing is left"]),
        ("--folds 1", "usage", ["--folds", "at least 2"]),
        ("--folds 5000 --ensemble 3", "usage", ["--folds", "10000"]),
        ("--folds 11", "data", ["11 folds of 10 rows", "at most 10"]),
        ("--folds 4 --split-by g", "data", ["4 folds of 3 groups", "at most 3"]),
        ("--folds 2 --split-by y", "usage", ["--split-by", "target"]),
        ("--lr 0.1,0.01 --folds 2", "usage", ["--lr", "--folds"]),
        ("--lr 0.1,0.01 --ensemble 2", "usage", ["--lr", "--ensemble"]),
        ("--lr 0.1,0.01 --validation 0", "usage", ["--lr", "--validation"]),
        ("--lr 0.1,-1", "usage", ["--lr", "-1"]),
        ("--lr 0.1,,1", "usage", ["--lr", "number"]),
        ("--lr 0.1,0.2 --checkpoint c", "usage", ["--checkpoint", "learning rates"]),
    ] {
        let line = format!("train t.csv --target y {flags}");
        let status = if kind == "usage" { 2 } else { 3 };
        folder.refused(&words(&line), status, kind).names(&named);
    }
    // What would not fit memory is refused before it is made.
    let line = "train t.csv --target y --hidden 30000,30000 --ensemble 1000";
    folder.refused(&words(line), 6, "limit");
}

#[test]
fn a_fold_that_cannot_be_trained_says_which() {
    // Two groups, and without one of them no validation rows can be split off.
    let folder = Folder::with(&[(
        "t.csv",
        b"x,g,y\n1,1,a\n2,1,b\n3,2,a\n4,2,b\n5,1,a\n6,2,b\n7,1,a\n8,2,b\n".as_slice(),
    )]);
    let line = "train t.csv --target y --folds 2 --split-by g";
    let answer = folder.refused(&words(line), 3, "data");
    answer.names(&["in fold 1", "--validation 0"]);
    folder.train("t.csv --target y --folds 2 --split-by g --validation 0 --epochs 2");
}

#[test]
fn ctrl_c_keeps_the_best_of_every_network() {
    let folder = Folder::new();
    let line = format!(
        "train {} --target season --epochs 100000000 --patience 0 --ensemble 3 --folds 2 --output m --json",
        table("seattle-weather.csv")
    );
    let child = folder.spawn(&words(&line), Stdio::null());
    // From the moment at which the program has its own handler for the signal.
    let status = format!("/proc/{}/status", child.id());
    let started = Instant::now();
    let caught = || {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let mask = text.lines().find_map(|line| line.strip_prefix("SigCgt:"));
        let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
        mask.is_some_and(|mask| mask & 2 != 0)
    };
    while !caught() {
        assert!(started.elapsed() < Duration::from_secs(30), "the training never got going");
        std::thread::sleep(Duration::from_millis(5));
    }
    std::thread::sleep(Duration::from_millis(300));
    let id = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let answer = Answer::of(child.wait_with_output().unwrap());
    assert_eq!(answer.status, 130, "{answer:?}");
    let told = answer.json();
    assert_eq!(told["interrupted"], true);
    assert_eq!(told["folds"].as_array().unwrap().len(), 2);
    assert_eq!(folder.names(), ["m"]);
    assert_eq!(model(&folder, "m").members("m").unwrap().unwrap().len(), 3);
}

#[test]
fn a_file_whose_members_do_not_fit_is_refused() {
    let folder = Folder::new();
    folder.train(&cars("--ensemble 2 --output m"));
    let good = model(&folder, "m");
    let mut short = good.clone();
    short.state.insert("members.1.0.weight", Tensor::full([2, 2], 0.0_f32));
    folder.write("short", short.write().unwrap());
    let answer = folder.refused(&["predict", "short", &table("autompg.csv")], 4, "model");
    answer.names(&["in network number 1", "0.weight"]);
    let mut foreign = good;
    foreign.state.insert("0.weight", Tensor::full([2, 2], 0.0_f32));
    folder.write("foreign", foreign.write().unwrap());
    let answer = folder.refused(&["predict", "foreign", &table("autompg.csv")], 4, "model");
    answer.names(&["\"0.weight\"", "belongs to none"]);
}
