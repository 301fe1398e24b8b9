//! Files of PyTorch and NumPy through every verb, and `convert` between formats.

use std::path::Path;

use crate::folder::{Folder, words};

/// One of the files that PyTorch and NumPy made for the formats' tests.
pub(crate) fn golden(name: &str) -> Vec<u8> {
    let folder =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../glassnet-formats/tests/goldens/torch");
    std::fs::read(folder.join(name)).unwrap()
}

const ROWS: &[u8] = b"a,b,c,d\n0.5,-1,2,0.25\n1.5,0.25,-0.75,1\n";

fn folder(names: &[&str]) -> Folder {
    let folder = Folder::with(&[("x.csv", ROWS)]);
    names.iter().for_each(|name| folder.write(name, golden(name)));
    folder
}

#[test]
fn a_state_dict_s_network_is_shown_and_its_activation_asked_for() {
    let folder = folder(&["chain_quickstart.pt", "chain_single.pt", "lightning.ckpt"]);
    let shown = folder.run(&words("summary chain_quickstart.pt")).success();
    assert!(
        shown.stdout.contains("(0): Linear(in_features=4, out_features=3, bias=True)"),
        "{shown:?}"
    );
    assert!(shown.stdout.contains("(1): ?"), "{shown:?}");
    assert!(shown.stdout.contains("total: 35 parameters"), "{shown:?}");
    assert!(shown.stderr.contains("--activation relu"), "{shown:?}");
    let known = folder.run(&words("summary chain_quickstart.pt --activation tanh")).success();
    assert!(known.stdout.contains("(1): Tanh()"), "{known:?}");
    assert!(known.stderr.contains("read from keys and shapes"), "{known:?}");
    let json = folder.run(&words("summary chain_quickstart.pt --json")).success().json();
    assert_eq!(json["layers"][1]["kind"], "?");
    assert!(json["network"].as_str().unwrap().contains("Linear(4, 3), ?, Linear(3, 3), ?"));
    // Nothing is asked where there is no place for an activation.
    let single = folder.run(&words("summary chain_single.pt")).success();
    assert!(single.stdout.starts_with("Linear(in_features=4"), "{single:?}");
    let lightning = folder.run(&words("summary lightning.ckpt")).success();
    assert!(lightning.stderr.contains("\"model.\" was left out"), "{lightning:?}");
    assert!(
        lightning.stderr.contains("the weights are those under \"state_dict\""),
        "{lightning:?}"
    );
    let args = words("predict chain_quickstart.pt x.csv");
    folder.refused(&args, 4, "model").names(&[
        "chain_quickstart.pt",
        "--activation relu",
        "Linear(4, 3), ?",
    ]);
    let args = words("summary chain_quickstart.pt --explain");
    folder.refused(&args, 4, "model").names(&["--activation"]);
    let args = words("predict chain_quickstart.pt x.csv --activation rellu(");
    folder.refused(&args, 2, "usage").names(&["--activation"]);
    for notation in ["predict 4-3-2 x.csv --activation relu", "summary 4-3-2 --activation relu"] {
        folder.refused(&words(notation), 2, "usage").names(&["--activation", "leave"]);
    }
}

/// What PyTorch gave for the rows of `ROWS`.
fn check_outputs(stdout: &str, name: &str) {
    let outputs: serde_json::Value = serde_json::from_slice(&golden("outputs.json")).unwrap();
    let wanted: Vec<Vec<f64>> = serde_json::from_value(outputs[name]["output"].clone()).unwrap();
    let found: Vec<Vec<f64>> = stdout
        .lines()
        .skip(1)
        .map(|line| line.split(',').map(|cell| cell.parse().unwrap()).collect())
        .collect();
    assert_eq!(found.len(), wanted.len(), "{name}");
    for (found, wanted) in found.iter().flatten().zip(wanted.iter().flatten()) {
        assert!((found - wanted).abs() < 1e-5, "{name}: {found} {wanted}");
    }
}

#[test]
fn state_dicts_predict_what_pytorch_predicts() {
    let names = [
        "chain_attributes.pt",
        "chain_quickstart.pt",
        "chain_single.pt",
        "chain_dropout.pt",
        "chain_flatten.pt",
    ];
    let folder = folder(&names);
    for name in names {
        let flag = if name == "chain_single.pt" { "" } else { "--activation relu" };
        let answer = folder.run(&words(&format!("predict {name} x.csv {flag}"))).success();
        check_outputs(&answer.stdout, name);
    }
    // The same through a network that is given, whose keys are others.
    let answer =
        folder.run(&words("predict 4-3-3-2 x.csv --weights chain_attributes.pt")).success();
    check_outputs(&answer.stdout, "chain_attributes.pt");
    assert!(
        answer.stderr.contains("\"fc1\" → \"0\", \"fc2\" → \"2\", \"out\" → \"4\""),
        "{answer:?}"
    );
    let explained =
        words("explain chain_quickstart.pt --activation relu --input 0.5,-1,2,0.25 --json");
    let answer = folder.run(&explained).success().json();
    assert!(
        answer.to_string().contains("linear_relu_stack.0.weight") || answer["schema"].is_string()
    );
}

#[test]
fn every_format_predicts_the_same_bits() {
    let names = ["same.pt", "same.safetensors", "same.npz", "deflated.pt", "big_endian.pt"];
    let folder = folder(&names);
    for (from, to) in
        [("same.pt", "a.safetensors"), ("same.safetensors", "b.npz"), ("same.npz", "c.safetensors")]
    {
        folder.run(&["convert", from, to]).success();
    }
    folder.run(&words("convert same.pt whole.safetensors --activation relu")).success();
    let wanted = folder.run(&words("predict same.pt x.csv --activation relu")).success().stdout;
    for name in names.into_iter().chain(["a.safetensors", "b.npz", "c.safetensors"]) {
        let answer =
            folder.run(&words(&format!("predict {name} x.csv --activation relu"))).success();
        assert_eq!(answer.stdout, wanted, "{name}");
        let answer = folder.run(&words(&format!("predict 4-3-2 x.csv --weights {name}"))).success();
        assert_eq!(answer.stdout, wanted, "{name}");
    }
    let answer = folder.run(&words("predict whole.safetensors x.csv")).success();
    assert_eq!(answer.stdout, wanted);
    folder
        .refused(&words("predict whole.safetensors x.csv --activation relu"), 2, "usage")
        .names(&["--activation"]);
}

#[test]
fn convert_reports_what_became_of_everything() {
    let folder =
        folder(&["lightning.ckpt", "types.pt", "same.safetensors", "float64_beyond.pt", "same.pt"]);
    let told = folder.run(&words("convert lightning.ckpt m.safetensors")).success();
    for line in [
        "lightning.ckpt (PyTorch) → m.safetensors (safetensors)\n",
        "kept: 4 tensors of 23 numbers\n",
        "part: the weights are those under \"state_dict\"; beside them",
        "renamed: \"model.\" was left out",
    ] {
        assert!(told.stdout.contains(line), "no {line:?} in {told:?}");
    }
    assert!(told.stderr.contains("--net or --activation"), "{told:?}");
    let told = folder.run(&words("convert types.pt t.npz")).success();
    assert!(
        told.stdout.contains("converted: bfloat16 became float32, with the same values"),
        "{told:?}"
    );
    assert!(told.stdout.contains("converted: float64 became float32, rounded"), "{told:?}");
    let json = folder.run(&words("convert same.safetensors s.npz --json")).success().json();
    assert_eq!(json["schema"], "glassnet.convert/1");
    assert_eq!(
        (&json["from"]["format"], &json["to"]["format"]),
        (&"safetensors".into(), &"npz".into())
    );
    assert_eq!(json["notes"][0]["sort"], "left out");
    let first = serde_json::json!({"key": "0.bias", "shape": [3], "type": "float32"});
    assert_eq!(json["tensors"][0], first);

    let refused = |line: &str, status: i32, kind: &str, named: &[&str]| {
        folder.refused(&words(line), status, kind).names(named);
    };
    refused(
        "convert same.pt out.pt",
        2,
        "usage",
        &["read, not written", "safetensors.torch.load_file"],
    );
    refused("convert same.pt out.onnxx", 2, "usage", &[".onnxx"]);
    refused("convert same.pt out", 2, "usage", &["no ending"]);
    refused("convert same.pt out.npy", 2, "usage", &["one array, the file has 4"]);
    refused("convert same.pt m.safetensors", 2, "usage", &["m.safetensors", "--force"]);
    refused("convert same.safetensors same.safetensors --force", 2, "usage", &["input"]);
    refused(
        "convert same.pt o.npz --activation relu",
        2,
        "usage",
        &["--activation", "arrays alone"],
    );
    refused("convert same.pt o.safetensors --net 4-9-2", 4, "model", &["size mismatch", "same.pt"]);
    refused("convert float64_beyond.pt o.npz", 4, "model", &["a.weight", "1e39"]);
    refused("convert none.pt o.npz", 5, "io", &["none.pt"]);
    folder.run(&words("convert same.pt m.safetensors --force --net 4-3-2")).success();
    folder.run(&words("predict m.safetensors x.csv")).success();
}

#[test]
fn bad_files_are_refused_by_what_is_wrong_with_them() {
    let names = [
        "evil.pt",
        "whole.pt",
        "own_class.pt",
        "legacy.pt",
        "script.pt",
        "conv.pt",
        "no_chain.pt",
        "sparse.pt",
        "objects.npz",
        "same.pt",
        "no_tensors.pt",
    ];
    let folder = folder(&names);
    folder.write("text.pt", "epoch,loss\n1,0.5\n");
    folder.write("cut.pt", &golden("same.pt")[..1000]);
    let mut damaged = golden("same.pt");
    let at = damaged.windows(4).position(|bytes| bytes == b"ZZZZ").unwrap() + 200;
    damaged[at] ^= 1;
    folder.write("damaged.pt", &damaged);
    let infinite = golden("same.npz");
    folder.write("same.npz", &infinite);
    for (case, name, named) in [
        ("29 a global that is no data", "evil.pt", &["posix.system", "byte", "don't open it"][..]),
        ("29 a whole module", "whole.pt", &["torch.nn.modules", ".state_dict(), \"weights.pt\")"]),
        ("29 a class of one's own", "own_class.pt", &["__main__.Net", ".state_dict()"]),
        ("before 1.6", "legacy.pt", &["torch.load(\"legacy.pt\", weights_only=True)"]),
        ("TorchScript", "script.pt", &["torch.jit.load"]),
        ("33 a bad checksum", "damaged.pt", &["damaged"]),
        ("33 cut short", "cut.pt", &["cut short", "table at the end"]),
        ("34 text", "text.pt", &["not a PyTorch zip", "text"]),
        ("no state dict", "no_tensors.pt", &["no state dict", "epoch"]),
        ("a convolution", "conv.pt", &["--weights", "convolution"]),
        ("no chain", "no_chain.pt", &["--weights", "no chain", "a.weight"]),
        ("sparse", "sparse.pt", &["to_dense()"]),
        ("objects", "objects.npz", &["Python objects", "\"a\""]),
    ] {
        for line in [
            "predict NAME x.csv --activation relu",
            "summary NAME",
            "convert NAME out.safetensors --activation relu",
        ] {
            let line = line.replace("NAME", name);
            let answer = folder.run(&words(&line));
            assert_eq!(answer.status, 4, "{case}: {answer:?}");
            folder.refused(&words(&line), 4, "model").names(&[name]);
            if !line.starts_with("convert") || !named.contains(&"--weights") {
                answer.names(named);
            }
        }
    }
    assert!(!folder.path("glassnet-must-not-run-this").exists());
}

#[test]
fn content_decides_and_says_so() {
    let folder = folder(&["same.pt"]);
    folder.write("m.safetensors", golden("same.pt"));
    let answer = folder.run(&words("predict m.safetensors x.csv --activation relu")).success();
    assert!(
        answer.stderr.contains("its name ends in .safetensors, its content is a PyTorch zip"),
        "{answer:?}"
    );
}

/// `book/model-files.md`: its commands run, and what stands below them is how their output begins.
#[test]
fn the_book_s_commands_print_what_it_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../book/model-files.md");
    let text = std::fs::read_to_string(path).unwrap();
    let folder = folder(&["lightning.ckpt"]);
    folder.write("quickstart.pt", golden("chain_quickstart.pt"));
    folder.write("attributes.pt", golden("chain_attributes.pt"));
    let (mut commands, mut shown) = (0, 0);
    for part in text.split("```sh\n").skip(1) {
        let (lines, below) = part.split_once("```\n").unwrap();
        let mut printed = String::new();
        for line in lines.lines() {
            let words = shlex::split(line).unwrap();
            printed = folder.run(&words[1..]).success().stdout;
            commands += 1;
        }
        if let Some(wanted) = below.strip_prefix("\n```text\n") {
            let wanted = wanted.split_once("```").unwrap().0;
            assert!(printed.starts_with(wanted), "{lines}{printed}");
            shown += 1;
        }
    }
    assert_eq!((commands, shown), (6, 2));
}
