//! Ctrl-C and termination in the middle of a long training.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::folder::{Answer, Folder, table, words};

/// Starts a training that would not end today, waits until it learns, and sends it `signals`.
fn interrupted(folder: &Folder, extra: &str, signals: &[&str]) -> Answer {
    let data = table("seattle-weather.csv");
    let line = format!(
        "train {data} --target season --epochs 100000000 --patience 0 --checkpoint state --output model {extra}"
    );
    let child = folder.spawn(&words(&line), Stdio::null());
    wait_for(&folder.path("state"));
    for signal in signals {
        let status =
            Command::new("kill").args([*signal, &child.id().to_string()]).status().unwrap();
        // The first signal may have ended it already.
        assert!(status.success() || signals.len() > 1);
    }
    Answer::of(child.wait_with_output().unwrap())
}

fn wait_for(path: &std::path::Path) {
    let started = Instant::now();
    while !path.exists() {
        assert!(started.elapsed() < Duration::from_secs(30), "the training never got going");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn ctrl_c_keeps_the_best_model_and_still_tells_in_json() {
    let folder = Folder::new();
    let answer = interrupted(&folder, "--json", &["-INT"]);
    assert_eq!(answer.status, 130, "{answer:?}");
    let document = answer.json();
    assert_eq!(document["interrupted"], true);
    assert_eq!(document["schema"], "glassnet.train/1");
    assert!(document["epochs"].as_u64().unwrap() >= 1);
    assert_eq!(folder.names(), ["model", "state"]);
    let data = table("seattle-weather.csv");
    folder.run(&["predict", "model", &data]).success();
    let resume = format!(
        "train {data} --target season --epochs 1 --patience 0 --resume state --output later -q"
    );
    folder.run(&words(&resume)).success();
}

#[test]
fn ctrl_c_says_in_words_that_it_was_heard() {
    let folder = Folder::new();
    let answer = interrupted(&folder, "", &["-INT"]);
    assert_eq!(answer.status, 130, "{answer:?}");
    assert!(answer.stdout.contains("interrupted: the best weights so far are kept"), "{answer:?}");
    assert!(answer.stdout.contains("model: model ("), "{answer:?}");
}

#[test]
fn termination_ends_the_same_way_with_its_own_status() {
    let folder = Folder::new();
    let answer = interrupted(&folder, "--json", &["-TERM"]);
    assert_eq!(answer.status, 143, "{answer:?}");
    assert_eq!(answer.json()["interrupted"], true);
    assert_eq!(folder.names(), ["model", "state"]);
}

#[test]
fn a_second_signal_ends_at_once_and_leaves_nothing_half_written() {
    let folder = Folder::new();
    folder.write("model", "what stood before");
    let answer = interrupted(&folder, "--force", &["-INT", "-INT"]);
    assert_eq!(answer.status, 130, "{answer:?}");
    assert!(!answer.stderr.contains("panicked"), "{answer:?}");
    let whole = folder.read("model");
    if whole != b"what stood before" {
        folder.run(&["summary", "model"]).success();
    }
    assert_eq!(folder.names(), ["model", "state"], "{answer:?}");
}

#[test]
fn a_signal_is_heard_while_a_wide_network_trains() {
    let folder = Folder::new();
    let rows: String = (0..4000).map(|at| format!("{},{}\n", at, at % 2)).collect();
    folder.write("t.csv", "x,y\n".to_owned() + &rows);
    let line = "train t.csv --target y --hidden 1024,1024 --epochs 1000000 --patience 0 --batch-size 4 --output model --json";
    let child = folder.spawn(&words(line), Stdio::null());
    std::thread::sleep(Duration::from_millis(700));
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let answer = Answer::of(child.wait_with_output().unwrap());
    assert_eq!(answer.status, 130, "{answer:?}");
    assert_eq!(folder.names(), ["model", "t.csv"]);
}
