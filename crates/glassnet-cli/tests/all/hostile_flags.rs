//! Bad flags, values, networks and formulas: status 2, the flag by name, a suggestion where one is near.

use std::time::{Duration, Instant};

use crate::folder::{Folder, table, words};

const ROWS: &[u8] = b"x,y\n1,a\n2,b\n3,a\n4,b\n5,a\n6,b\n7,a\n8,b\n9,a\n10,b\n";

#[track_caller]
fn check(folder: &Folder, args: &[&str], named: &[&str]) {
    let answer = folder.refused(args, 2, "usage");
    answer.names(named);
}

#[test]
fn unknown_verbs_and_flags_have_a_suggestion() {
    let folder = Folder::with(&[("t.csv", ROWS)]);
    for (line, named) in [
        ("trian t.csv", ["\"trian\"", "'train'?"]),
        ("sumary 2-2", ["\"sumary\"", "'summary'?"]),
        ("train t.csv --target y --epoch 3", ["--epoch", "--epochs?"]),
        ("train t.csv --target y --hiden 3", ["--hiden", "--hidden?"]),
        ("predict --thresold 1 2-2 t.csv", ["--thresold", "--threshold?"]),
        ("train t.csv --target y --zzyzx", ["--zzyzx", "glassnet train --help"]),
        ("train t.csv --target y --activation -zz", ["zz", "--activation"]),
        ("summary 2-2 3-3", ["\"3-3\"", "glassnet summary"]),
        ("train t.csv", ["--target", "missing"]),
        ("train --target y", ["<DATA>", "missing"]),
        ("train t.csv --target", ["--target", "value"]),
        ("completions bsh", ["\"bsh\"", "bash"]),
        ("train t.csv --target y --color pink", ["--color", "auto, always, never"]),
        ("train t.csv --target y --net 1-2 --hidden 3", ["--net", "--hidden"]),
        ("train t.csv --target y --seed 1 --seed 2", ["--seed", "twice"]),
    ] {
        let line: Vec<&str> = words(line);
        let named: Vec<String> = named.iter().map(|piece| piece.replace('\'', "")).collect();
        let answer = folder.refused(&line, 2, "usage");
        let plain = answer.stderr.replace('\'', "").replace("\"", "");
        for piece in named {
            assert!(plain.contains(&piece.replace('"', "")), "{piece}: {answer:?}");
        }
    }
}

#[test]
fn numbers_that_cannot_be_used_name_their_flag() {
    let folder = Folder::with(&[("t.csv", ROWS)]);
    for (flag, values) in [
        ("--epochs", &["-1", "1.5", "many", "99999999999999999999999", "10000000000000"][..]),
        ("--batch-size", &["0", "-3", "x"]),
        ("--lr", &["NaN", "inf", "1e400", "-1", "x"]),
        ("--momentum", &["NaN", "-0.5"]),
        ("--weight-decay", &["inf", "-1"]),
        ("--l1", &["NaN", "-1"]),
        ("--l2", &["1e999", "-1"]),
        ("--clip-norm", &["NaN", "-1"]),
        ("--clip-value", &["NaN", "-1"]),
        ("--dropout", &["1.5", "-0.1", "NaN"]),
        ("--patience", &["-1", "x"]),
        ("--seed", &["text", "-1", "99999999999999999999999"]),
        ("--threads", &["0", "1000000000", "-1", "many"]),
        ("--validation", &["1", "1.5", "-0.2", "NaN"]),
        ("--hidden", &["0,0", "8,0", "-1", "x", "99999999999999999999999", "1000000000000"]),
        ("--delimiter", &["ab", "é", ""]),
        ("--quote", &["ab"]),
        ("--column-type", &["x", "x=colour"]),
        ("--class-weight", &["1", "1,x", "1,2,3", "-1,1", "NaN,1"]),
        ("--task", &["clustering"]),
        ("--shuffle", &["yes"]),
    ] {
        for value in values {
            let args = ["train", "t.csv", "--target", "y", flag, value];
            let answer = folder.refused(&args, 2, "usage");
            answer.names(&[flag]);
            assert!(answer.first_line().matches("; ").count() >= 2, "how to mend it: {answer:?}");
        }
    }
    check(&folder, &["train", "t.csv", "--target", "y", "--hidden", "1000000000000"], &["bytes"]);
}

#[test]
fn settings_have_names_and_suggestions() {
    let folder = Folder::with(&[("t.csv", ROWS)]);
    for (flag, value, named) in [
        ("--optimizer", "adamm", &["adamm", "Adam"][..]),
        ("--optimizer", "SGD(lrr=1)", &["lrr"]),
        ("--optimizer", "SGD(lr=-1)", &["-1"]),
        ("--loss", "msee", &["msee", "mse"]),
        ("--loss", "mse", &["classes", "cross_entropy"]),
        ("--loss", "CrossEntropyLoss(label_smoothing=2)", &["2"]),
        ("--schedule", "StepLR(step=3)", &["step", "step_size"]),
        ("--schedule", "Sometimes()", &["Sometimes"]),
        ("--activation", "rleu", &["rleu", "relu"]),
        ("--activation", "z*sigmoidd(z)", &["sigmoidd", "sigmoid", "^"]),
        ("--activation", "1/(z-z)", &["zero", "^"]),
        ("--activation", "z*(z", &["never closed", "^"]),
        ("--activation", "Relu(", &["Relu"]),
        ("--activation", "", &[]),
        ("--net", "foo", &["foo"]),
        ("--net", "1-0-2", &["0"]),
        ("--net", "3-2", &["takes 3", "write 1"]),
        ("--net", "1-3", &["gives 3", "write 2"]),
        ("--momentum", "0.5", &["Adam"]),
    ] {
        let args = ["train", "t.csv", "--target", "y", flag, value];
        check(&folder, &args, named);
        check(&folder, &args, &[flag]);
    }
    let numbers = table("autompg.csv");
    for loss in
        ["cross_entropy", "nll", "bce", "bce_with_logits", "kl_div", "poisson_nll", "gaussian_nll"]
    {
        let args = ["train", &numbers, "--target", "mpg", "--loss", loss];
        check(&folder, &args, &["--loss", "mse"]);
    }
    check(
        &folder,
        &["train", &numbers, "--target", "mpg", "--class-weight", "balanced"],
        &["--class-weight"],
    );
}

#[test]
fn networks_that_do_not_fit_together_name_both_layers() {
    let folder = Folder::with(&[("t.csv", ROWS)]);
    let net = "Sequential(Linear(2, 3), ReLU(), Linear(4, 2))";
    for args in [&["summary", net][..], &["predict", net, "t.csv"], &["bench", net]] {
        folder.refused(args, 2, "network").names(&[
            "layer \"2\"",
            "layer \"0\"",
            "3",
            "4",
            "in_features=3",
        ]);
    }
}

#[test]
fn notation_that_cannot_be_read_has_a_caret() {
    let folder = Folder::new();
    for (net, named) in [
        ("Sequential(Linear(2, 3), Relu(), Linear(3, 2))", &["Relu", "ReLU", "column 26", "^"][..]),
        ("Sequential(Linear(2, 3, bais=False))", &["bais", "bias", "^"]),
        ("Sequential(Linear(2, 3)", &["^"]),
        ("Linear(0, 3)", &["at least 1", "^"]),
        ("Linear(-1, 3)", &["at least 1", "^"]),
        ("Linear(2, 3, 4, 5, 6)", &["^"]),
        ("Linear(1000000000000, 3)", &["bytes", "^"]),
        ("Linear(1000000000000, 1000000000000)", &["bytes", "^"]),
        ("6-0-4", &["at least 1", "^"]),
        ("6-1000000000000-4", &["bytes", "^"]),
        ("6-99999999999999999999999999-4", &["^"]),
        ("6-32x-4", &["'x'", "tanh", "^"]),
        ("(((", &["^"]),
        ("Sequential(ReLU(inplace=))", &["^"]),
        ("Linear(2, 3)\u{7f}\u{1b}[2J", &["^"]),
    ] {
        check(&folder, &["summary", net], named);
        assert!(!folder.run(&["summary", net]).stderr.contains('\u{1b}'), "no control characters");
    }
    folder.refused(&["summary", "nothing"], 2, "usage").names(&["\"nothing\"", "6-32-4"]);
}

#[test]
fn deep_nesting_is_refused_at_once() {
    let folder = Folder::with(&[("t.csv", ROWS)]);
    let started = Instant::now();
    let deep = |open: &str, inside: &str, close: &str| {
        format!("{}{inside}{}", open.repeat(10_000), close.repeat(10_000))
    };
    for net in [
        deep("(", "", ")"),
        deep("Sequential(", "", ""),
        deep("Sequential(", "ReLU()", ")")[..120_000].to_owned(),
    ] {
        check(&folder, &["summary", &net], &["nested deeper"]);
        let answer = folder.run(&["summary", &net]);
        assert!(answer.stderr.len() < 2_000, "the message is short");
    }
    for formula in
        [deep("(", "z", ")"), deep("exp(", "z", ")"), "-".repeat(60_000) + "z", "(".repeat(100_000)]
    {
        let args = ["train", "t.csv", "--target", "y", "--activation", &formula];
        let answer = folder.refused(&args, 2, "usage");
        answer.names(&["--activation"]);
        assert!(answer.stderr.len() < 2_000, "the message is short");
    }
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[test]
fn memory_that_is_not_there_is_a_limit() {
    let folder = Folder::with(&[("x.csv", b"x\n1\n")]);
    let shell = format!(
        "ulimit -v 1000000; exec {} predict 1-30000-30000-2 x.csv",
        crate::folder::GLASSNET
    );
    let mut command = std::process::Command::new("bash");
    command.args(["-c", &shell]).current_dir(folder.path("."));
    let answer = crate::folder::Answer::of(command.output().unwrap());
    assert_eq!(answer.status, 6, "{answer:?}");
    assert!(answer.first_line().starts_with("error[limit]: "), "{answer:?}");
}
