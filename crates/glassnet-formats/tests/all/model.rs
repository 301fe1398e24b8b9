//! Model files: the state dict and the card beside it.

use glassnet::nn::{self, Network, StateDict};
use glassnet::{Tensor, Value};
use glassnet_formats::{Card, ModelFile, Task, safetensors};
use proptest::prelude::*;

fn model() -> ModelFile {
    let notation = "Sequential(Linear(6, 32), BatchNorm1d(32), ReLU(), Linear(32, 4))";
    let network = Network::new(nn::parse(notation).unwrap(), 0).unwrap();
    let card = Card {
        task: Some(Task::Classification),
        target: Some("season".to_owned()),
        classes: Some(["Fall", "Spring", "Summer", "Winter"].map(str::to_owned).to_vec()),
        criterion: Some("CrossEntropyLoss()".to_owned()),
        preprocessing: Some(serde_json::json!({ "version": 1, "mean": [0.1, 1e-300, -0.0] })),
        training: Some(serde_json::json!({ "epochs": 30, "best_epoch": 21 })),
        data_fingerprint: Some("a1b2".to_owned()),
        ..Card::new(notation)
    };
    ModelFile { state: network.state_dict().clone(), card: Some(card) }
}

/// The file stays where it can be given to `check-model` of the engine's golden script, which loads it into torch.
#[test]
fn a_model_is_read_as_it_was_written() {
    let model = model();
    let bytes = model.write().unwrap();
    std::fs::write(concat!(env!("CARGO_TARGET_TMPDIR"), "/model.safetensors"), &bytes).unwrap();
    let read = ModelFile::read(&bytes, "model.safetensors").unwrap();
    assert_eq!(read, model);
    assert_eq!(read.state.keys().collect::<Vec<_>>(), model.state.keys().collect::<Vec<_>>());
    assert_eq!(read.write().unwrap(), bytes);
}

#[test]
fn the_notation_stands_where_python_finds_it() {
    let contents = safetensors::read(&model().write().unwrap(), "model.safetensors").unwrap();
    assert_eq!(contents.text("format"), Some("pt"));
    assert_eq!(contents.text("network"), Some(model().card.unwrap().network.as_str()));
}

#[test]
fn weights_alone_are_a_model_without_card() {
    let bytes = include_bytes!("../goldens/torch.safetensors");
    let model = ModelFile::read(bytes, "torch.safetensors").unwrap();
    assert_eq!(model.card, None);
    assert_eq!(model.state.len(), 9);
    let bytes = model.write().unwrap();
    assert_eq!(ModelFile::read(&bytes, "again.safetensors").unwrap(), model);
}

#[test]
fn fields_that_a_later_minor_version_adds_are_ignored() {
    let card = r#"{"version":1,"producer":"x","network":"2-2","mood":"good"}"#;
    let metadata = [("glassnet".to_owned(), card.to_owned())];
    let bytes = safetensors::write([], &metadata).unwrap();
    let read = ModelFile::read(&bytes, "a.safetensors").unwrap().card.unwrap();
    assert_eq!(read, Card { producer: "x".to_owned(), ..Card::new("2-2") });
}

#[test]
fn a_card_that_could_not_be_read_is_not_written() {
    let mut deep = serde_json::json!(0);
    for _ in 0..100 {
        deep = serde_json::json!([deep]);
    }
    let cards = [
        (Card { version: 2, ..Card::new("2-2") }, "version 2"),
        (Card { members: Some(2), ..Card::new("2-2") }, "version 1"),
        (Card { version: 2, members: Some(0), ..Card::new("2-2") }, "without networks"),
        (Card { preprocessing: Some(deep), ..Card::new("2-2") }, "nested deeper"),
        (Card { classes: Some(vec!["a".into(), "a".into()]), ..Card::new("2-2") }, "twice"),
    ];
    for (card, word) in cards {
        let error = ModelFile { state: StateDict::new(), card: Some(card) }.write().unwrap_err();
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn a_checkpoint_is_no_model() {
    let bytes = crate::checkpoint::bytes();
    let error = ModelFile::read(&bytes, "bad.safetensors").unwrap_err();
    crate::support::check_error(&error, &["checkpoint of a training", "--resume"]);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_card_is_read_as_it_was_written(
        network in ".*",
        target in prop::option::of(".*"),
        classes in prop::option::of(prop::collection::btree_set(".*", 2..5)),
        number in any::<f64>().prop_filter("JSON holds finite numbers", |x| x.is_finite()),
        weights in prop::collection::vec(-1e30_f32..1e30, 0..20),
    ) {
        let state = StateDict::from_iter([
            ("w", Value::from(Tensor::new([weights.len()], weights).unwrap())),
        ]);
        let card = Card {
            target,
            classes: classes.map(|classes| classes.into_iter().collect()),
            preprocessing: Some(serde_json::json!({ "number": number, "none": null })),
            ..Card::new(network)
        };
        let model = ModelFile { state, card: Some(card) };
        let bytes = model.write().unwrap();
        prop_assert_eq!(ModelFile::read(&bytes, "a.safetensors").unwrap(), model);
    }
}

#[test]
fn an_ensemble_whose_tensors_do_not_fit_its_description_is_refused() {
    let member =
        |value: f32| StateDict::from_iter([("weight", Tensor::full([1, 1], value).into())]);
    let file =
        ModelFile::ensemble(&[member(1.0), member(2.0)], Card::new("Linear(1, 1, bias=False)"));
    let with = |key: &str, members: usize| {
        let mut file = file.clone();
        file.state.insert(key, Tensor::full([1], 0.0_f32));
        file.card.as_mut().unwrap().members = Some(members);
        file.members("m.safetensors").unwrap_err().to_string()
    };
    for key in ["weight", "members.2.weight", "members.01.weight", "members.1", "members.x.weight"]
    {
        let error = with(key, 2);
        assert!(error.contains("belongs to none of the 2 networks"), "{key}: {error}");
    }
    assert!(with("members.0.bias", 3).contains("no tensor members.2."));
    assert!(with("members.0.bias", usize::MAX).contains("has 3 tensors"));
}

#[test]
fn a_file_of_one_network_is_of_version_1_and_says_nothing_of_members() {
    let single = ModelFile { state: StateDict::new(), card: Some(Card::new("2-2")) };
    let bytes = single.write().unwrap();
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.contains(r#"\"version\":1,"#) && !text.contains("members"), "{text}");
    assert_eq!(ModelFile::read(&bytes, "m").unwrap().members("m").unwrap(), None);
}
