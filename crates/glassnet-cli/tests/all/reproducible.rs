//! The same seed gives the same bytes, on any number of threads, stopped and resumed or not.

use serde_json::json;

use crate::folder::{Folder, table, words};

const SETTINGS: &str = "--target season --split-by month --dropout 0.1 --momentum 0.9 --optimizer sgd --lr 0.05 \
                        --schedule ExponentialLR(gamma=0.9) --patience 0 -q";

fn train(folder: &Folder, extra: &str) {
    folder.train(&format!("{} {SETTINGS} {extra}", table("seattle-weather.csv")));
}

#[test]
fn the_same_seed_gives_the_same_file_on_any_number_of_threads() {
    let folder = Folder::new();
    train(&folder, "--epochs 5 --output a");
    train(&folder, "--epochs 5 --output b");
    train(&folder, "--epochs 5 --output one --threads 1");
    train(&folder, "--epochs 5 --output two --threads 2 --json");
    train(&folder, "--epochs 5 --output other --seed 1");
    let a = folder.read("a");
    for name in ["b", "one", "two"] {
        assert!(a == folder.read(name), "{name} differs");
    }
    assert!(a != folder.read("other"));
}

#[test]
fn predictions_are_the_same_bytes_on_any_number_of_threads() {
    let folder = Folder::new();
    train(&folder, "--epochs 2 --output model");
    let data = table("seattle-weather.csv");
    for (verb, threads) in
        [("predict", ["1", "2", "3", "8"]), ("evaluate", ["1", "2", "5", "auto"])]
    {
        let answers = threads.map(|threads| {
            let line = format!("{verb} model {data} --json -q --threads {threads}");
            folder.run(&words(&line)).success().stdout
        });
        assert!(
            answers[0].len() > 100 && answers.iter().all(|answer| *answer == answers[0]),
            "{verb}"
        );
    }
}

#[test]
fn a_resumed_training_ends_where_an_unbroken_one_does() {
    let folder = Folder::new();
    train(&folder, "--epochs 8 --output whole --history whole.csv");
    train(&folder, "--epochs 3 --output part --checkpoint state");
    train(
        &folder,
        "--epochs 8 --output resumed --resume state --checkpoint state --history resumed.csv",
    );
    assert!(folder.read("whole") == folder.read("resumed"));
    assert_eq!(folder.text("whole.csv"), folder.text("resumed.csv"));
    assert!(folder.read("whole") != folder.read("part"));
    // The checkpoint went on too, so that a third run has nothing left to do.
    train(&folder, "--epochs 8 --output again --resume state");
    assert!(folder.read("whole") == folder.read("again"));
}

#[test]
fn patience_is_counted_on_across_the_break() {
    let folder = Folder::new();
    let data = table("penguins.csv");
    let run = |extra: &str| {
        folder.train(&format!("{data} --target species --lr 0.05 --patience 3 --json {extra}"))
    };
    let whole = run("--epochs 200 --output whole").json();
    let best = whole["best_epoch"].as_u64().unwrap();
    assert!(whole["epochs"].as_u64().unwrap() < 200, "{whole}");
    run(&format!("--epochs {} --output part --checkpoint state", best + 1));
    let resumed = run("--epochs 200 --output resumed --resume state").json();
    assert_eq!(
        (&whole["epochs"], &whole["best_epoch"]),
        (&resumed["epochs"], &resumed["best_epoch"])
    );
    assert!(folder.read("whole") == folder.read("resumed"));
}

#[test]
fn a_checkpoint_of_other_settings_or_data_is_refused_with_the_differences() {
    let folder = Folder::new();
    train(&folder, "--epochs 1 --output model --checkpoint state");
    let data = table("seattle-weather.csv");
    let base = format!("train {data} {SETTINGS} --resume state --output new");
    let cases = [
        ("--lr 0.1", vec!["lr", "0.05", "0.1"]),
        ("--seed 7", vec!["seed", "0", "7"]),
        ("--hidden 8", vec!["Linear(10, 32)", "Linear(10, 8)"]),
        ("--drop wind", vec!["drop", "wind"]),
        ("--batch-size 16", vec!["batch_size", "32", "16"]),
    ];
    for (flags, named) in cases {
        let replaced = flags.split_whitespace().next().unwrap();
        let mut line = words(&base);
        if let Some(at) = line.iter().position(|word| *word == replaced) {
            line.drain(at..at + 2);
        }
        line.extend(words(flags));
        folder.refused(&line, 4, "model").names(&named);
    }
    let mut rows = folder_rows(&data);
    rows.pop();
    folder.write("fewer.csv", rows.join("\n"));
    let other = base.replace(&data, "fewer.csv");
    folder.refused(&words(&other), 4, "model").names(&["data"]);
}

fn folder_rows(path: &str) -> Vec<String> {
    std::fs::read_to_string(path).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn another_validation_table_under_the_same_name_is_other_data() {
    let folder = Folder::new();
    let rows = folder_rows(&table("penguins.csv"));
    let part = |from: usize, to: usize| {
        std::iter::once(&rows[0]).chain(&rows[from..to]).cloned().collect::<Vec<_>>().join("\n")
    };
    folder.write("train.csv", part(60, 340));
    folder.write("valid.csv", part(1, 60));
    let line =
        "train.csv --target species --validation valid.csv -q --epochs 2 --output model --force";
    folder.train(&format!("{line} --checkpoint state"));
    folder.train(&format!("{line} --resume state"));
    folder.write("valid.csv", part(1, 50));
    folder.refused(&words(&format!("train {line} --resume state")), 4, "model").names(&["data"]);
}

#[test]
fn a_checkpoint_is_no_model_and_a_model_no_checkpoint() {
    let folder = Folder::new();
    let data = table("seattle-weather.csv");
    train(&folder, "--epochs 1 --output model --checkpoint state");
    folder.refused(&["predict", "state", &data], 4, "model").names(&["--resume"]);
    let resume = format!("train {data} {SETTINGS} --resume model --output new");
    folder.refused(&words(&resume), 4, "model").names(&["--checkpoint"]);
}

#[test]
fn the_record_says_what_was_trained() {
    let folder = Folder::new();
    train(&folder, "--epochs 4 --output model --history run.csv");
    let history = folder.text("run.csv");
    let lines: Vec<&str> = history.lines().collect();
    assert_eq!(lines.len(), 5);
    assert!(
        lines[0].starts_with("epoch,lr,train_loss,validation_loss,validation_accuracy"),
        "{history}"
    );
    let columns = lines[0].split(',').count();
    assert!(lines.iter().all(|line| line.split(',').count() == columns), "{history}");
    assert!(lines[1].starts_with("1,0.05,"), "{history}");
    let summary = folder.run(&["summary", "model", "--json"]).success().json();
    assert_eq!(summary["parameters"], json!(10 * 32 + 32 + 32 * 32 + 32 + 32 * 4 + 4));
}
