//! `book/json.md` names every key that the verbs print.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use glassnet::nn::Network;
use glassnet_formats::{Card, ModelFile};
use serde_json::Value;

use crate::folder::{Folder, table};

/// Objects whose keys are the user's: parameters, columns, classes.
const MAPS: &[&str] = &["importance", "probabilities", "logits"];

#[test]
fn every_key_is_documented() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book/json.md");
    let text = fs::read_to_string(path).unwrap();
    let folder = Folder::with(&[("xor.csv", b"x0,x1,y\n0,0,0\n0,1,1\n1,0,1\n1,1,0\n")]);
    let property = "(declare-const X_0 Real) (declare-const X_1 Real) (declare-const Y_0 Real)
        (assert (>= X_0 0)) (assert (<= X_0 1)) (assert (>= X_1 0)) (assert (<= X_1 1)) (assert (>= Y_0 9))";
    folder.write("property.vnnlib", property);
    folder.write("instances.csv", "net.safetensors,property.vnnlib,60\n");
    let net = Network::new(glassnet::nn::parse("2-3-1").unwrap(), 0).unwrap();
    let card = Some(Card::new(net.module().notation()));
    let file = ModelFile { state: net.state_dict().clone(), card };
    folder.write("net.safetensors", file.write().unwrap());
    folder.write("checkpoint.pt", crate::formats::golden("lightning.ckpt"));
    let mut commands = 0;
    for section in text.split("\n## ").skip(1) {
        // What a section says before its first command holds for all of them.
        let mut parts = section.split("```sh\nglassnet ");
        let head = parts.next().unwrap_or_default();
        for part in parts {
            let (line, below) = part.split_once("\n```").unwrap();
            let words: Vec<String> = shlex::split(line)
                .unwrap()
                .into_iter()
                .map(|word| word.strip_prefix("data/").map(table).unwrap_or(word))
                .collect();
            let answer = folder.run(&words).success().json();
            let mut keys = BTreeSet::new();
            collect(&answer, &mut keys);
            let missing: Vec<&String> = keys
                .iter()
                .filter(|key| ![head, below].iter().any(|text| text.contains(&format!("`{key}`"))))
                .collect();
            assert!(missing.is_empty(), "not in book/json.md: {missing:?}; glassnet {line}");
            commands += 1;
        }
    }
    assert!(commands >= 12, "{commands}");
}

fn collect(value: &Value, keys: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                // Keys of the state dict have a dot; a chain rule's factors are named by their signs.
                if key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_') {
                    keys.insert(key.clone());
                }
                // A solution's result is another verb's document.
                if !MAPS.contains(&key.as_str()) && key != "result" && key != "numbers" {
                    collect(value, keys);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| collect(item, keys)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
