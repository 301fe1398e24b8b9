//! Help, completions, colour and silence.

use crate::folder::{Folder, table, words};

const VERBS: [&str; 13] = [
    "train",
    "predict",
    "evaluate",
    "summary",
    "derive",
    "units",
    "simplify",
    "equal",
    "widen",
    "deepen",
    "verify-certificate",
    "bench",
    "completions",
];

#[test]
fn help_fits_a_hundred_columns_and_shows_an_example() {
    let folder = Folder::new();
    let mut pages = vec![vec!["--help"], vec!["-h"]];
    pages.extend(VERBS.iter().flat_map(|&verb| [vec![verb, "--help"], vec![verb, "-h"]]));
    for page in pages {
        let answer = folder.run(&page).success();
        assert_eq!(answer.stderr, "");
        let widest = answer.stdout.lines().max_by_key(|line| line.chars().count()).unwrap();
        assert!(widest.chars().count() <= 100, "{page:?}: {widest}");
        assert!(answer.stdout.contains("Example"), "{page:?}");
        assert!(answer.stdout.contains("  glassnet "), "{page:?}");
    }
}

#[test]
fn every_verb_is_in_the_help_and_in_the_completions() {
    let folder = Folder::new();
    let help = folder.run(&["--help"]).success().stdout;
    for shell in ["bash", "zsh", "fish"] {
        let script = folder.run(&["completions", shell]).success().stdout;
        for verb in VERBS {
            assert!(help.contains(&format!("\n  {verb}")), "{verb}");
            assert!(script.contains(verb), "{shell} {verb}");
        }
        assert!(script.contains("--split-by") || script.contains("split-by"), "{shell}");
    }
}

#[test]
fn without_a_verb_there_is_help() {
    let answer = Folder::new().run::<&str>(&[]);
    assert_eq!(answer.status, 2);
    assert!(answer.stdout.contains("Usage: glassnet"), "{answer:?}");
}

#[test]
fn the_version_is_one_line() {
    let folder = Folder::new();
    for flag in ["--version", "-V"] {
        let answer = folder.run(&[flag]).success();
        assert_eq!(answer.stdout, concat!("glassnet ", env!("CARGO_PKG_VERSION"), "\n"));
    }
}

/// A training that has something to note: a date column that is left out.
fn noting(extra: &str) -> Vec<String> {
    let line = format!(
        "train {} --target season --epochs 1 --output model --force {extra}",
        table("seattle-weather.csv")
    );
    words(&line).into_iter().map(str::to_owned).collect()
}

#[test]
fn nothing_but_results_is_on_stdout_and_notes_are_on_stderr() {
    let folder = Folder::new();
    let answer = folder.run(&noting("--json")).success();
    answer.json();
    assert!(answer.first_line().starts_with("note: column \"month\""), "{answer:?}");
    let answer = folder.run(&noting("")).success();
    assert!(!answer.stdout.contains("note:"), "{answer:?}");
    let quiet = folder.run(&noting("--quiet")).success();
    assert_eq!(quiet.stderr, "");
    assert!(quiet.stdout.contains("model: model ("), "quiet silences notes, not results");
}

#[test]
fn an_error_comes_before_the_notes_and_is_not_silenced() {
    let folder = Folder::new();
    let answer = folder.refused(&noting("--loss mse"), 2, "usage");
    assert!(answer.stderr.contains("\nnote: column \"month\""), "{answer:?}");
    let answer = folder.refused(&noting("--loss mse -q"), 2, "usage");
    assert_eq!(answer.stderr.lines().count(), 1);
}

#[test]
fn colour_comes_when_asked_for() {
    let folder = Folder::new();
    let coloured = |extra: &str, no_color: Option<&str>| {
        let mut command = folder.command(&noting(extra));
        no_color.map(|value| command.env("NO_COLOR", value));
        let output = command.output().unwrap();
        assert!(!output.stdout.contains(&0x1b), "results have no colour");
        output.stderr.contains(&0x1b)
    };
    assert!(coloured("--color always", None));
    assert!(!coloured("--color never", None));
    assert!(!coloured("", None), "a pipe is no terminal");
    assert!(!coloured("", Some("1")));
    assert!(coloured("--color always", Some("1")), "a flag outweighs the environment");
    let broken = folder.run(&["summary", "none.safetensors", "--color", "always"]);
    assert!(broken.stderr.starts_with("\u{1b}[31merror[io]:\u{1b}[0m "), "{broken:?}");
}

#[test]
fn training_ends_with_what_to_do_next() {
    let folder = Folder::new();
    let answer = folder.run(&noting("")).success();
    let commands: Vec<&str> =
        answer.stdout.lines().filter_map(|line| line.strip_prefix("  glassnet ")).collect();
    assert!(commands.len() >= 3, "{answer:?}");
    for command in commands {
        folder.run(&words(command)).success();
    }
    for piece in ["accuracy", "majority class", "true \\ predicted", "validation"] {
        assert!(answer.stdout.contains(piece), "{piece}: {answer:?}");
    }
}
