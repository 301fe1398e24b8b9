//! `train --report`: what the report says, in every format, and when it is refused.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::folder::{Answer, Folder, table, words};

/// A column that would be code in a page, one that would be a command in LaTeX, and classes that can be told apart.
fn folder() -> Folder {
    let rows: String = (0..40)
        .map(|at| format!("{at},{},{}\n", at % 7, if at < 20 { "<b>low</b>" } else { "high" }))
        .collect();
    Folder::with(&[("t.csv", ("<script>,a_b%\\x,y\n".to_owned() + &rows).as_bytes())])
}

fn line(flags: &str) -> Vec<String> {
    words(&format!("train t.csv --target y --epochs 3 -q --output m {flags}"))
        .iter()
        .map(|&word| word.into())
        .collect()
}

#[test]
fn every_ending_gives_its_format() {
    let folder = folder();
    let begins = [
        ("r.html", "<!DOCTYPE html>"),
        ("r.md", "# Training to predict `y`"),
        ("r.tex", "\\documentclass"),
        ("r.json", "{"),
        ("r.txt", "Training to predict y\n"),
        ("R.HTML", "<!DOCTYPE html>"),
    ];
    for (name, head) in begins {
        let answer = folder.run(&line(&format!("--force --report {name}"))).success();
        assert!(answer.stdout.contains(&format!("report: {name}\n")), "{answer:?}");
        let text = folder.text(name);
        assert!(text.to_lowercase().starts_with(&head.to_lowercase()), "{name}: {text:.80}");
        for part in ["Scores", "Classes", "Course", "Data", "Network", "Settings", "Next"] {
            assert!(text.contains(part), "{part} is not in {name}");
        }
        assert!(text.contains("Linear"), "{name}");
    }
    let document: Value = serde_json::from_str(&folder.text("r.json")).unwrap();
    assert_eq!(document["schema"], "glassnet.document/1");
}

#[test]
fn names_of_columns_and_classes_are_words_in_a_page() {
    let folder = folder();
    folder.run(&line("--report r.html")).success();
    let page = folder.text("r.html");
    assert!(page.contains("&lt;script&gt;") && !page.contains("<script"), "{page}");
    assert!(page.contains("&lt;b&gt;low") && !page.contains("<b>low"), "{page}");
    for outside in ["http:", "https:", "src=", "@import"] {
        let found = page.matches(outside).count();
        let namespaces = page.matches("http://www.w3.org/").count();
        assert_eq!(found, if outside == "http:" { namespaces } else { 0 }, "{outside}");
    }
}

#[test]
fn another_ending_is_refused_before_anything_is_read() {
    let folder = folder();
    for name in ["r.pdf", "r", "html", ".html", "r.html.gz"] {
        folder
            .refused(&line(&format!("--report {name}")), 2, "usage")
            .names(&["--report", ".html, .md, .tex, .json or .txt"]);
    }
    folder.write("t.csv", "no table");
    folder.refused(&line("--report r.pdf"), 2, "usage").names(&["--report"]);
}

#[test]
fn what_exists_or_is_used_otherwise_is_not_written_over() {
    let folder = folder();
    folder.write("r.html", "what stood before");
    folder.refused(&line("--report r.html"), 2, "usage").names(&["--report", "--force"]);
    folder.write("v.txt", folder.read("t.csv"));
    for flags in [
        "--history r.txt --report r.txt",
        "--checkpoint r.txt --report ./r.txt",
        "--validation v.txt --report v.txt --force",
        "--test v.txt --report v.txt --force",
    ] {
        folder.refused(&line(flags), 2, "usage").names(&["--report", "name another file"]);
    }
    folder.refused(&line("--report none/r.html"), 5, "io").names(&["--report", "folder"]);
    folder.run(&line("--report r.html --force")).success();
    assert!(folder.text("r.html").contains("Training to predict"));
}

/// What is said in sentences about this run.
fn said(folder: &Folder, flags: &str) -> (String, Value) {
    let answer = folder.run(&words(&format!("train {flags} --report r.txt --force --json -q")));
    let json = answer.success().json();
    let text = folder.text("r.txt").split_whitespace().collect::<Vec<&str>>().join(" ");
    (text, json)
}

#[test]
fn sentences_follow_from_the_numbers() {
    let folder = folder();
    let penguins = table("penguins.csv");
    let (text, json) = said(&folder, &format!("{penguins} --target species --output m"));
    let number = |set: &str, metric: &str| json[set][metric].as_f64().unwrap();
    assert!(number("validation", "accuracy") > number("baseline", "accuracy") + 0.3);
    assert!(text.contains("better than the baseline, and by more than luck"), "{text}");
    let accuracy = format!("({:.1} %)", 100.0 * number("validation", "accuracy"));
    assert!(text.contains(&accuracy), "{accuracy}: {text}");
    let best = format!(
        "lowest after epoch {}, at {:.4}",
        json["best_epoch"],
        number("validation", "loss")
    );
    assert!(text.contains(&best), "{best}: {text}");

    let (text, json) = said(&folder, &format!("{penguins} --target species --epochs 0 --output m"));
    assert!(json["validation"]["accuracy"].as_f64() < json["baseline"]["accuracy"].as_f64());
    assert!(text.contains("worse than the baseline"), "{text}");
    assert!(text.contains("the weights are the initial ones"), "{text}");
    assert!(!text.contains("Course"), "{text}");

    let numbers = format!("{penguins} --target body_mass_g --validation 0 --epochs 2 --output m");
    let (text, json) = said(&folder, &numbers);
    assert!(text.contains("they don't tell how it does on others"), "{text}");
    let off = format!("off by {:.4} on average", json["train"]["mae"].as_f64().unwrap());
    assert!(text.contains(&off), "{off}: {text}");
    assert!(text.contains("early stopping none: no rows validate"), "{text}");
}

#[test]
fn losses_that_part_are_told() {
    let folder = Folder::new();
    // Targets that have nothing to do with the features can only be learned by heart.
    let rows: String = (0..60_u64)
        .map(|at| format!("{},{},{}\n", at * 37 % 101, at * 53 % 97, (at * at * 29 / 7) % 2))
        .collect();
    folder.write("t.csv", "a,b,y\n".to_owned() + &rows);
    let (text, json) = said(&folder, "t.csv --target y --hidden 64,64 --lr 0.01 --output m");
    assert!(json["best_epoch"].as_u64() < json["epochs"].as_u64(), "{json}");
    assert!(text.contains("went on falling") && text.contains("--dropout"), "{text}");
    assert!(text.contains("which ended the training"), "{text}");
}

#[test]
fn a_changing_learning_rate_has_its_own_curve_and_many_classes_a_list() {
    let folder = Folder::new();
    let rows: String = (0..120).map(|at| format!("{at},c{}\n", at % 24)).collect();
    folder.write("t.csv", "x,y\n".to_owned() + &rows);
    let flags = "t.csv --target y --epochs 4 --output m";
    let (text, _) = said(&folder, flags);
    assert!(text.contains("The most frequent mistakes"), "{text}");
    assert!(!text.contains("true \\ predicted"), "{text}");
    assert!(!text.contains("The learning rate of each epoch"), "{text}");
    let schedule = "--schedule StepLR(step_size=2)";
    let (text, _) = said(&folder, &format!("{flags} {schedule}"));
    assert!(text.contains("The learning rate of each epoch's last step"), "{text}");
    assert!(text.contains("StepLR(step_size=2"), "{text}");
}

#[test]
fn the_same_run_gives_the_same_report() {
    let (one, two) = (folder(), folder());
    one.run(&line("--report r.html")).success();
    two.run(&line("--report r.html")).success();
    assert!(one.read("r.html") == two.read("r.html"));
}

#[test]
fn an_interrupted_training_has_its_report() {
    let folder = Folder::new();
    let data = table("seattle-weather.csv");
    let line = format!(
        "train {data} --target season --epochs 100000000 --patience 0 --checkpoint state --output model \
         --report r.html --json"
    );
    let child = folder.spawn(&words(&line), Stdio::null());
    let started = Instant::now();
    while !folder.path("state").exists() {
        assert!(started.elapsed() < Duration::from_secs(30), "the training never got going");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(!folder.path("r.html").exists(), "a report before the end");
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let answer = Answer::of(child.wait_with_output().unwrap());
    assert_eq!(answer.status, 130, "{answer:?}");
    assert_eq!(folder.names(), ["model", "r.html", "state"]);
    let page = folder.text("r.html");
    assert!(page.contains("interrupted after") && page.trim_end().ends_with("</html>"), "{page}");
}
