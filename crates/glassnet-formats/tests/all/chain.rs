//! Networks read from keys and shapes give PyTorch's outputs; and the same weights give the same bits in every format.

use glassnet::engine;
use glassnet::nn::{self, Module, Network, StateDict};
use glassnet::train::{Features, Predictor};
use glassnet::{Tensor, Value};
use glassnet_formats::{Format, ModelFile};
use glassnet_formats::{ReadOptions, chain, convert, fitted, open, unwrapped};

use crate::torch::golden;

fn state(name: &str) -> StateDict {
    open(&golden(name), name, ReadOptions::default()).unwrap().model.state
}

fn outputs(network: &Network, rows: &[Vec<f32>]) -> Vec<Vec<f32>> {
    let rows = Tensor::from_rows(rows).unwrap();
    let config = engine::Config::default();
    let mut predictor = Predictor::new(network, &rows.shape()[1..], &config).unwrap();
    let found = predictor.predict(&Features::Floats(rows)).unwrap();
    (0..found.shape()[0]).map(|row| found.row(row).to_vec()).collect()
}

/// The file's network is `notation`, and with `activation` it gives what PyTorch gave.
fn check(name: &str, notation: &str, activation: &Module) {
    let state = state(name);
    let found = chain::infer(&state).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(found.notation(), notation, "{name}");
    let network = Network::with_state(found.module(activation), &state).unwrap();
    let golden: serde_json::Value = serde_json::from_slice(&golden("outputs.json")).unwrap();
    let golden = &golden[name.replace(".safetensors", ".pt")];
    let rows: Vec<Vec<f32>> = serde_json::from_value(golden["input"].clone()).unwrap();
    let wanted: Vec<Vec<f32>> = serde_json::from_value(golden["output"].clone()).unwrap();
    for (row, wanted) in outputs(&network, &rows).iter().zip(&wanted) {
        assert_eq!(row.len(), wanted.len(), "{name}");
        for (found, wanted) in row.iter().zip(wanted) {
            assert!(
                (found - wanted).abs() <= 1e-5 * wanted.abs().max(1.0),
                "{name}: {found} {wanted}"
            );
        }
    }
}

#[test]
fn chains_give_pytorch_s_outputs() {
    check(
        "chain_attributes.pt",
        "Sequential(OrderedDict([('fc1', Linear(4, 3)), ('fc1_activation', ?), ('fc2', Linear(3, 3)), \
         ('fc2_activation', ?), ('out', Linear(3, 2))]))",
        &nn::relu(),
    );
    check(
        "chain_quickstart.pt",
        "Sequential(OrderedDict([('linear_relu_stack', Sequential(Linear(4, 3), ?, Linear(3, 3), ?, Linear(3, 2)))]))",
        &nn::relu(),
    );
    check("chain_single.pt", "Linear(4, 2)", &Module::Identity);
    check(
        "chain_dropout.pt",
        "Sequential(Linear(4, 3), BatchNorm1d(3), ?, Identity(), Linear(3, 3, bias=False), LayerNorm(3), ?, Linear(3, 2))",
        &nn::relu(),
    );
    check("chain_flatten.pt", "Sequential(Flatten(), Linear(4, 3), ?, Linear(3, 2))", &nn::relu());
    let deep = "Sequential(Linear(2, 2), ?, Linear(2, 2), ?, Linear(2, 2), ?, Linear(2, 2), ?, Linear(2, 2), ?, Linear(2, 2))";
    // The file's own last Tanh cannot be known.
    for name in ["deep.pt", "deep.safetensors"] {
        let found = chain::infer(&state(name)).unwrap();
        assert_eq!(found.notation(), deep, "{name}");
        assert_eq!(found.activations(), 5);
    }
}

#[test]
fn layers_sorted_by_name_are_taken_in_their_numbers_order() {
    let keys: Vec<String> = state("deep.safetensors").keys().map(str::to_owned).collect();
    assert_eq!(keys[..4], ["0.bias", "0.weight", "10.bias", "10.weight"]);
    let mut networks = ["deep.pt", "deep.safetensors"].map(|name| {
        let state = state(name);
        Network::with_state(chain::infer(&state).unwrap().module(&nn::tanh()), &state).unwrap()
    });
    let rows = [vec![0.5, -1.0], vec![2.0, 0.25]];
    let [left, right] = &mut networks;
    assert_eq!(outputs(left, &rows), outputs(right, &rows));
}

#[test]
fn an_embedding_is_told_by_what_follows_it() {
    let found = chain::infer(&state("embedding.pt")).unwrap();
    assert_eq!(
        found.notation(),
        "Sequential(Embedding(5, 2), Flatten(), Linear(6, 3), ?, Linear(3, 2))"
    );
    let notes: String = found.notes.iter().map(|note| format!("{note}; ")).collect();
    assert!(notes.contains("\"0\" is taken to be an Embedding"), "{notes}");
    assert!(notes.contains("\"2\" takes the 3 rows"), "{notes}");
}

fn shapes(arrays: &[(&str, &[usize])]) -> StateDict {
    let value = |shape: &[usize]| Value::from(Tensor::full(shape, 0.5_f32));
    arrays.iter().map(|(key, shape)| (*key, value(shape))).collect()
}

#[test]
fn what_is_no_chain_says_why() {
    for (state, words) in [
        (state("conv.pt"), &["\"0\"", "4 axes", "convolution"][..]),
        (state("no_chain.pt"), &["no chain", "\"b\" takes 4", "\"a\" before it gives 3"]),
        (shapes(&[("lstm.weight_ih_l0", &[8, 2])]), &["\"lstm\"", "recurrent"]),
        (shapes(&[("0.weight_g", &[2, 1]), ("0.weight_v", &[2, 2])]), &["weight_norm"]),
        (shapes(&[("a.parametrizations.weight.original0", &[2, 1])]), &["weight_norm"]),
        (shapes(&[("attn.in_proj_weight", &[6, 2])]), &["attention"]),
        (shapes(&[("0.weight", &[3, 2]), ("0.bias", &[2])]), &["none of a layer's"]),
        (shapes(&[("0.running_mean", &[2]), ("0.running_var", &[3])]), &["differ in length"]),
        (shapes(&[("scale", &[3])]), &["\"scale\""]),
        (shapes(&[("0.bias", &[3])]), &["none of a layer's"]),
        (shapes(&[]), &["no Linear layer"]),
        (shapes(&[("0.weight", &[2]), ("0.bias", &[2])]), &["no Linear layer"]),
    ] {
        let error = chain::infer(&state).unwrap_err().to_string();
        for word in words {
            assert!(error.contains(word), "no {word:?} in: {error}");
        }
    }
}

#[test]
fn the_activation_s_place_is_the_number_left_out() {
    for (arrays, notation) in [
        (
            &[
                ("0.weight", &[3, 2][..]),
                ("2.weight", &[3]),
                ("2.bias", &[3]),
                ("4.weight", &[1, 3]),
            ][..],
            "Sequential(Linear(2, 3, bias=False), ?, LayerNorm(3), Identity(), Linear(3, 1, bias=False))",
        ),
        (
            &[("0.weight", &[3, 2]), ("1.weight", &[1]), ("2.weight", &[1, 3])],
            "Sequential(Linear(2, 3, bias=False), PReLU(), Linear(3, 1, bias=False))",
        ),
        (
            &[("layers.0.weight", &[3, 2]), ("layers.1.weight", &[1, 3])],
            "Sequential(OrderedDict([('layers', Sequential(OrderedDict([('0', Linear(2, 3, bias=False)), \
             ('0_activation', ?), ('1', Linear(3, 1, bias=False))])))]))",
        ),
        (
            &[("0.0.weight", &[3, 2]), ("1.0.weight", &[3, 3]), ("2.weight", &[1, 3])],
            "Sequential(Sequential(Linear(2, 3, bias=False), ?), Sequential(Linear(3, 3, bias=False), ?), \
             Linear(3, 1, bias=False))",
        ),
        (
            &[("bn.running_mean", &[2]), ("bn.running_var", &[2]), ("fc.weight", &[1, 2])],
            "Sequential(OrderedDict([('bn', BatchNorm1d(2, affine=False)), ('fc', Linear(2, 1, bias=False))]))",
        ),
        (
            &[("fc10.weight", &[1, 2]), ("fc2.weight", &[2, 3])],
            "Sequential(OrderedDict([('fc2', Linear(3, 2, bias=False)), ('fc2_activation', ?), \
             ('fc10', Linear(2, 1, bias=False))]))",
        ),
        (
            &[("2000000000.weight", &[1, 2])],
            "Sequential(OrderedDict([('2000000000', Linear(2, 1, bias=False))]))",
        ),
    ] {
        let state = shapes(arrays);
        let found = chain::infer(&state).unwrap();
        assert_eq!(found.notation(), notation);
        // Its keys are the file's, and its notation reads back.
        let module = found.module(&nn::tanh());
        Network::with_state(module.clone(), &state).unwrap();
        assert_eq!(nn::parse(&module.notation()).unwrap(), module);
    }
}

#[test]
fn wrappers_are_taken_off_with_a_message() {
    let plain = state("checkpoint.pt");
    for (name, prefix) in [
        ("lightning.ckpt", "model."),
        ("data_parallel.pth", "module."),
        ("compiled.pt", "_orig_mod."),
    ] {
        let (found, notes) = unwrapped(&state(name)).unwrap();
        assert_eq!(found, plain, "{name}");
        assert_eq!(
            notes[0].to_string(),
            format!("\"{prefix}\" was left out, with which all 4 keys begin")
        );
    }
    assert!(unwrapped(&plain).is_none());
    let some = shapes(&[("model.0.weight", &[1, 2]), ("head.weight", &[1, 1])]);
    assert!(unwrapped(&some).is_none());
    let with_loss = shapes(&[("model.0.weight", &[1, 2]), ("criterion.weight", &[2])]);
    let (found, notes) = unwrapped(&with_loss).unwrap();
    assert!(found.keys().eq(["0.weight"]));
    assert!(notes[1].to_string().contains("criterion.weight was left out"), "{}", notes[1]);
}

#[test]
fn weights_fit_a_network_whose_keys_they_nearly_have() {
    let module = nn::parse("4-3-3-2").unwrap();
    for name in ["chain_attributes.pt", "chain_quickstart.pt"] {
        let (found, notes) = fitted(&state(name), &module).unwrap();
        assert!(!notes.is_empty(), "{name}");
        let network = Network::with_state(module.clone(), &found).unwrap();
        assert_eq!(network.parameter_count(), 15 + 12 + 8);
    }
    assert!(fitted(&state("same.pt"), &nn::parse("4-3-2").unwrap()).unwrap().1.is_empty());
    let error = fitted(&state("lightning.ckpt"), &nn::parse("4-5-2").unwrap()).unwrap_err();
    // The keys are those without the wrapper's name.
    assert!(error.to_string().contains("size mismatch for 0.weight"), "{error}");
    let other = nn::parse("Sequential(Linear(4, 3), ReLU(), LayerNorm(3), Linear(3, 2))").unwrap();
    assert!(fitted(&state("same.pt"), &other).is_err());
}

#[test]
fn the_same_weights_give_the_same_bits_through_every_format() {
    let rows = [vec![0.1, -0.7, 1e-3, 12.5], vec![3.0, 2.0, -1.0, 0.3]];
    let run = |state: &StateDict| {
        let network = Network::with_state(nn::parse("4-3-2").unwrap(), state).unwrap();
        let bits = |row: Vec<f32>| row.into_iter().map(f32::to_bits).collect::<Vec<_>>();
        outputs(&network, &rows).into_iter().map(bits).collect::<Vec<_>>()
    };
    let wanted = run(&state("same.pt"));
    for name in [
        "same.safetensors",
        "same.npz",
        "deflated.pt",
        "no_folder.pt",
        "big_endian.pt",
        "no_byteorder.pt",
    ] {
        assert_eq!(run(&state(name)), wanted, "{name}");
    }
    // And through what is written.
    for name in ["same.pt", "same.safetensors", "same.npz"] {
        for (format, written) in [(Format::Safetensors, "b.safetensors"), (Format::Npz, "b.npz")] {
            let opened = open(&golden(name), name, ReadOptions::default()).unwrap();
            let made =
                convert::convert(opened, format, &convert::Options::default(), name).unwrap();
            let again = open(&made.bytes, written, ReadOptions::default()).unwrap();
            assert_eq!(again.format, format);
            assert_eq!(run(&again.model.state), wanted, "{name} to {written}");
        }
    }
}

#[test]
fn conversion_keeps_texts_and_says_what_it_leaves_out() {
    let read = |bytes: &[u8], name: &str| open(bytes, name, ReadOptions::default()).unwrap();
    let bytes = golden("same.safetensors");
    let options = convert::Options { activation: Some(nn::relu()), ..Default::default() };
    let made = convert::convert(read(&bytes, "a.safetensors"), Format::Safetensors, &options, "a")
        .unwrap();
    let again = read(&made.bytes, "b.safetensors");
    let card = again.model.card.clone().unwrap();
    assert_eq!(card.network, "Sequential(Linear(4, 3), ReLU(), Linear(3, 2))");
    let text = |key: &str| {
        again.metadata.iter().find(|(known, _)| known == key).map(|(_, text)| text.as_str())
    };
    assert_eq!((text("author"), text("format")), (Some("somebody"), Some("pt")));
    // Its network is known now.
    let error = convert::convert(again.clone(), Format::Safetensors, &options, "b").unwrap_err();
    assert!(error.to_string().contains("leave the network"), "{error}");
    let npz = convert::convert(again, Format::Npz, &Default::default(), "b").unwrap();
    let notes: String = npz.notes.iter().map(|note| format!("{note}\n")).collect();
    assert!(
        notes.contains("the network Sequential(Linear(4, 3), ReLU(), Linear(3, 2)) was left out"),
        "{notes}"
    );
    assert!(notes.contains("the text \"author\" was left out"), "{notes}");
    assert_eq!(read(&npz.bytes, "c.npz").model, ModelFile { card: None, ..made.model });
}

#[test]
fn conversion_takes_wrappers_off_unless_told_not_to() {
    let opened = || open(&golden("lightning.ckpt"), "l.ckpt", ReadOptions::default()).unwrap();
    let keys = |options: &convert::Options| {
        let made = convert::convert(opened(), Format::Npz, options, "l.ckpt").unwrap();
        made.model.state.keys().next().unwrap().to_owned()
    };
    assert_eq!(keys(&Default::default()), "0.weight");
    assert_eq!(keys(&convert::Options { keep_keys: true, ..Default::default() }), "model.0.weight");
    let error = convert::convert(opened(), Format::Npy, &Default::default(), "l.ckpt").unwrap_err();
    assert!(error.to_string().contains("one array, the file has 4"), "{error}");
    let other =
        convert::Options { network: Some(nn::parse("4-9-2").unwrap()), ..Default::default() };
    let error = convert::convert(opened(), Format::Npz, &other, "l.ckpt").unwrap_err();
    assert!(error.to_string().contains("size mismatch"), "{error}");
}

#[test]
fn state_dicts_of_any_size_are_judged_at_once() {
    let start = std::time::Instant::now();
    let one = Value::from(Tensor::full([1, 1], 0.5_f32));
    let many = |count: usize| -> StateDict {
        (0..count).map(|at| (format!("{at}x.weight"), one.clone())).collect()
    };
    let chain = chain::infer(&many(10_000)).unwrap();
    assert_eq!(chain.activations(), 9999);
    assert!(chain.ask("a.pt").to_string().len() < 3000);
    let refused = |state: &StateDict, word: &str| {
        let error = chain::infer(state).unwrap_err().to_string();
        assert!(error.contains(word), "{error}");
        assert!(error.len() < 2000);
    };
    refused(&many(100_000), "up to 10000");
    let deep = StateDict::from_iter([("a.".repeat(1_000_000) + "weight", one.clone())]);
    refused(&deep, "deeper than 32 names");
    refused(&StateDict::from_iter([("a..b.weight", one.clone())]), "do not follow");
    refused(
        &StateDict::from_iter([
            ("a.0.weight", one.clone()),
            ("b.weight", one.clone()),
            ("a.1.weight", one.clone()),
        ]),
        "do not follow",
    );
    refused(
        &StateDict::from_iter([("a.weight", one.clone()), ("a.0.weight", one)]),
        "do not follow",
    );
    assert!(start.elapsed() < std::time::Duration::from_secs(10), "{:?}", start.elapsed());
}
