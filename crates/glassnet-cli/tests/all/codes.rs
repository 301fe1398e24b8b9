//! Columns of many categories, from `train` to every verb that takes the model.

use crate::folder::{Folder, words};

/// 600 rows: what is sold hangs on the shop, of which there are 80, and a little on a number; some shops aren't named.
fn shops() -> String {
    let row = |at: usize| {
        let shop = at * 37 % 80;
        let name = if at % 41 == 7 { String::new() } else { format!("shop {shop}") };
        let size = at * 13 % 29;
        let sold = 3 * (shop * shop % 17) + size;
        format!("{size},{name},{sold}.25\n")
    };
    "size,shop,sold\n".to_owned() + &(0..600).map(row).collect::<String>()
}

fn trained(flags: &str) -> (Folder, serde_json::Value) {
    let folder = Folder::with(&[("t.csv", shops().as_bytes())]);
    let line = format!("t.csv --target sold --lr 0.01 --output model --json {flags}");
    let document = folder.train(&line).json();
    (folder, document)
}

#[test]
fn a_column_of_many_categories_looks_rows_up_and_learns() {
    let folder = Folder::with(&[("t.csv", shops().as_bytes())]);
    let answer = folder.train("t.csv --target sold --lr 0.01 --epochs 60 --output model --json");
    answer.names(&["\"shop\" (82 × 19)", "--embedding never"]);
    let document = answer.json();
    let network = document["network"].as_str().unwrap();
    let begin = "Sequential(EmbedColumns({'1': Embedding(82, 19, padding_idx=0)}), Linear(20, 32)";
    assert!(network.starts_with(begin), "{network}");
    assert!(document["validation"]["r2"].as_f64().unwrap() > 0.9, "{document}");

    let summary = folder.run(&["summary", "model"]).success().stdout;
    assert!(summary.contains("= 82·19"), "{summary}");
    assert!(summary.contains("shop: a code from 1 to 80 for shop 0, shop 1, shop 10"), "{summary}");
    assert!(summary.contains("81 where there is a gap, 0 for others"), "{summary}");
    let explained = folder.run(&words("explain model --data t.csv --row 2")).success().stdout;
    assert!(explained.contains("of 0.1.weight (from 0) is taken"), "{explained}");
    let measured = folder.run(&words("evaluate model t.csv --importance --json")).success().json();
    let lost = |column: &str| measured["importance"][column].as_f64().unwrap();
    assert!(lost("shop") > 2.0 * lost("size"), "{measured}");

    // A gap has a row of its own; a shop that nobody has seen has the row of zeros.
    folder.write("new.csv", "shop,size\nshop 3,5\n,5\nshop 3000,5\n");
    folder.refused(&words("predict model new.csv"), 3, "data").names(&["\"shop 3000\""]);
    let found = folder.run(&words("predict model new.csv --unseen ignore")).success().stdout;
    let numbers: Vec<&str> = found.lines().skip(1).collect();
    assert_eq!(numbers.len(), 3);
    assert!(numbers[0] != numbers[1] && numbers[1] != numbers[2], "{found}");

    for (from, to) in [("model", "m.onnx"), ("m.onnx", "again.safetensors")] {
        folder.run(&["convert", from, to]).success();
    }
    let again = folder.run(&words("predict again.safetensors new.csv --unseen ignore")).success();
    assert_eq!(again.stdout, found);
    folder.run(&words("convert model raw.onnx --with-preprocessing")).success();
}

#[test]
fn one_feature_per_category_and_chosen_lengths_are_a_flag_away() {
    let (_, document) = trained("--epochs 1 --embedding never");
    assert!(document["network"].as_str().unwrap().starts_with("Sequential(Linear(82, 32)"));
    let (_, document) = trained("--epochs 1 --embedding shop=3");
    let begin = "Sequential(EmbedColumns({'1': Embedding(82, 3, padding_idx=0)}), Linear(4, 32)";
    assert!(document["network"].as_str().unwrap().starts_with(begin), "{document}");
    let folder = Folder::with(&[("t.csv", shops().as_bytes())]);
    for (flags, status, kind, named) in [
        ("--embedding auto,never", 2, "usage", "exclude each other"),
        ("--embedding shop=0", 2, "usage", "rows of 0 numbers"),
        ("--embedding size", 3, "data", "--column-type size=category"),
        ("--embedding shpo", 3, "data", "\"shpo\""),
        ("--net 2-8-1", 2, "usage", "the table gives 20"),
        (
            "--net Sequential(EmbedColumns({'1':Embedding(80,3)}),Linear(4,1))",
            2,
            "usage",
            "82 are needed",
        ),
    ] {
        let line = format!("train t.csv --target sold --output model {flags}");
        folder.refused(&words(&line), status, kind).names(&[named]);
    }
}

#[test]
fn a_network_of_ones_own_comes_behind_the_look_up_or_brings_it() {
    let (_, document) = trained("--epochs 1 --embedding shop=3 --net 4-8t-1");
    assert_eq!(
        document["network"],
        "Sequential(EmbedColumns({'1': Embedding(82, 3, padding_idx=0)}), Linear(4, 8), Tanh(), Linear(8, 1))"
    );
    let own = "Sequential(EmbedColumns({'1':Embedding(100,5)}),Linear(6,1))";
    let (_, document) = trained(&format!("--epochs 1 --net {own}"));
    assert_eq!(
        document["network"],
        "Sequential(EmbedColumns({'1': Embedding(100, 5)}), Linear(6, 1))"
    );
}

#[test]
fn many_networks_folds_and_resumed_trainings_have_tables_too() {
    let (folder, document) = trained("--epochs 2 --ensemble 2 --folds 3");
    assert!(document["folds"].is_object() || document["folds"].is_array(), "{document}");
    assert_eq!(folder.run(&words("predict model#1 t.csv")).success().stdout.lines().count(), 601);

    let folder = Folder::with(&[("t.csv", shops().as_bytes())]);
    let line = "t.csv --target sold --optimizer sgd --lr 0.05 --patience 0";
    folder.train(&format!("{line} --epochs 6 --output whole"));
    folder.train(&format!("{line} --epochs 3 --output half --checkpoint state"));
    folder.train(&format!("{line} --epochs 6 --output resumed --resume state"));
    assert!(folder.read("whole") == folder.read("resumed"));
    let other = format!("train {line} --epochs 6 --output x --resume state --embedding shop=4");
    folder.refused(&words(&other), 4, "model").names(&["network", "embedding"]);
}
