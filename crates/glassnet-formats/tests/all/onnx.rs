//! ONNX files as PyTorch exports them: the numbers are ONNX Runtime's, the layers and keys PyTorch's.

use std::path::{Path, PathBuf};

use glassnet::engine::Config;
use glassnet::nn::{self, Network};
use glassnet::train::{Features, Predictor};
use glassnet::{Tensor, Value};
use glassnet_formats::{OnnxExport, OnnxModel, read_onnx, write_onnx};
use serde::Deserialize;

#[derive(Deserialize)]
struct Fixtures {
    cases: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    name: String,
    inputs: Vec<Array>,
    outputs: Vec<Array>,
}

#[derive(Deserialize)]
struct Array {
    name: String,
    shape: Vec<usize>,
    data: Vec<f64>,
}

impl Array {
    /// Whole numbers are indices: no row of the fixtures' floats is made of them.
    fn value(&self) -> Value {
        let whole = self.data.iter().all(|number| number.fract() == 0.0);
        if whole {
            Tensor::new(self.shape.clone(), self.data.iter().map(|&x| x as i64).collect())
                .unwrap()
                .into()
        } else {
            Tensor::new(self.shape.clone(), self.data.iter().map(|&x| x as f32).collect())
                .unwrap()
                .into()
        }
    }
}

pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/onnx")
}

fn fixtures() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("fixtures/fixtures.json")).unwrap();
    serde_json::from_str::<Fixtures>(&text).unwrap().cases
}

pub(crate) fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(folder().join(format!("fixtures/{name}.onnx"))).unwrap()
}

fn model(name: &str) -> OnnxModel {
    read_onnx(&bytes(name), name).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Two f32 evaluations in different orders; the largest output of the fixtures is about 3.
fn near(found: &Tensor, wanted: &Array, what: &str) {
    assert_eq!(found.shape(), wanted.shape, "{what}");
    let largest = wanted.data.iter().fold(0.0_f64, |largest, x| largest.max(x.abs()));
    for (found, wanted) in found.data().iter().zip(&wanted.data) {
        let difference = (f64::from(*found) - wanted).abs();
        assert!(difference <= 1e-6 * largest, "{what}: {found}, expected {wanted}");
    }
}

#[test]
fn exported_networks_predict_what_onnx_runtime_does() {
    for case in fixtures() {
        let model = model(&case.name);
        let inputs: Vec<(&str, Value)> =
            case.inputs.iter().map(|input| (input.name.as_str(), input.value())).collect();
        let outputs = model.predict(&inputs, &Config::default()).unwrap();
        assert_eq!(outputs.len(), case.outputs.len(), "{}", case.name);
        for ((name, found), wanted) in outputs.iter().zip(&case.outputs) {
            assert_eq!(*name, wanted.name);
            near(found, wanted, &case.name);
        }
    }
}

#[test]
fn columns_of_codes_that_pytorch_casts_are_looked_up_and_broken_ones_refused() {
    let model = model("codes");
    assert!(model.network.is_none());
    let predict = |code: f32| {
        let x = Tensor::new([1, 4], vec![0.5, code, -1.0, 8.0])?;
        model.predict(&[("x", x.into())], &Config::default())
    };
    assert!(predict(6.0).is_ok());
    for (code, words) in [(7.0, "code 7 is outside"), (0.5, "0.5 is no whole number")] {
        let error = predict(code).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn columns_of_codes_are_written_and_read_back() {
    let notation = "Sequential(EmbedColumns({'1': Embedding(7, 3, padding_idx=0), '3': Embedding(9, 2)}), Linear(7, 2))";
    let network = Network::new(nn::parse(notation).unwrap(), 0).unwrap();
    let model = read_onnx(&write_onnx(&network, &OnnxExport::default()).unwrap(), "m").unwrap();
    let x = Tensor::new([2, 4], vec![0.5, 6.0, -1.0, 8.0, 0.25, 0.0, 2.0, 3.0]).unwrap();
    let mut own = Predictor::new(&network, &[4], &Config::default()).unwrap();
    let expected = own.predict(&Features::Floats(x.clone())).unwrap();
    let found = model.predict(&[("x", x.into())], &Config::default()).unwrap();
    assert_eq!(found[0].1, expected);
}

#[test]
fn chains_are_networks_with_pytorchs_layers_and_keys() {
    let mlp = "Sequential(OrderedDict([('0', Linear(6, 32)), ('1', ReLU()), ('3', Linear(32, 4)), \
               ('4', Softmax(dim=1))]))";
    let named = "Sequential(OrderedDict([('fc1', Linear(6, 12)), ('norm', LayerNorm(12)), ('relu1', ReLU()), \
                 ('fc2', Linear(12, 3)), ('logsoftmax1', LogSoftmax(dim=1))]))";
    let expected = [
        // The dropout between is gone, as exporters leave it out.
        ("mlp", mlp),
        ("mlp_opset_9", mlp),
        ("one_row", mlp),
        ("named", named),
        (
            "norm",
            "Sequential(Linear(4, 8), BatchNorm1d(8), PReLU(num_parameters=8), Linear(8, 8), PReLU(), Linear(8, 2))",
        ),
        (
            "skip",
            "Sequential(Linear(5, 8), Tanh(), Residual(Linear(8, 8), GELU(), Linear(8, 8)), Linear(8, 2))",
        ),
        ("table", "Sequential(Embedding(10, 4), Flatten(), Linear(12, 2))"),
        (
            "shaped",
            "Sequential(OrderedDict([('flatten1', Flatten()), ('formula1', Formula('z*2.0')), \
             ('fc', Linear(12, 3)), ('formula2', Formula('max(z, -1.0)'))]))",
        ),
        ("image", "Sequential(Flatten(), Linear(8, 3))"),
        ("image_of_4", "Sequential(Flatten(), Linear(5, 3), ReLU())"),
    ];
    for (name, notation) in expected {
        let network = model(name).network.unwrap_or_else(|| panic!("{name} is no chain"));
        assert_eq!(network.module().notation(), notation, "{name}");
    }
}

#[test]
fn chains_predict_as_networks_what_they_predict_as_graphs() {
    let mut chains = vec![];
    for case in fixtures() {
        let model = model(&case.name);
        let Some(network) = &model.network else { continue };
        chains.push(case.name.clone());
        let x = &case.inputs[0];
        let features = match x.value() {
            Value::F32(x) => Features::Floats(x),
            Value::I64(x) => Features::Indices(x),
        };
        let mut predictor = Predictor::new(network, &x.shape[1..], &Config::default()).unwrap();
        near(&predictor.predict(&features).unwrap(), &case.outputs[0], &case.name);
    }
    assert_eq!(chains.len(), 13, "{chains:?}");
}

#[test]
fn a_file_that_is_no_chain_says_so_as_a_network() {
    let model = model("two_heads");
    let error = model.into_network("two_heads.onnx").unwrap_err();
    assert_eq!(error.kind(), glassnet::ErrorKind::Unsupported);
    assert!(error.to_string().contains("no chain of layers"), "{error}");
}

#[test]
fn a_file_for_one_row_is_read_for_any_unless_it_is_to_be_kept() {
    let rows = |options: &glassnet_formats::OnnxOptions| {
        let model = glassnet_formats::read_onnx_with(&bytes("one_row"), "a", options).unwrap();
        let (id, _) = model.graph.graph().sources().next().unwrap();
        model.graph.shape(id).to_string()
    };
    let kept = glassnet_formats::OnnxOptions { keep_fixed_rows: true, ..Default::default() };
    assert_eq!(rows(&Default::default()), "[B, 6]");
    assert_eq!(rows(&kept), "[1, 6]");
}

#[test]
fn nodes_remember_where_they_came_from() {
    let model = model("mlp");
    let origins: Vec<String> =
        model.graph.graph().nodes().iter().map(|node| node.origin().to_string()).collect();
    assert!(origins.contains(&"layer \"/0/Gemm\" (Gemm)".to_owned()), "{origins:?}");
}

#[test]
fn activations_are_told_by_what_they_compute() {
    for name in ["activations", "activations_opset_20"] {
        let network = model(name).network.unwrap_or_else(|| panic!("{name} is no chain"));
        let layers = network.module().layers();
        let found: Vec<String> =
            layers.iter().skip(1).step_by(2).map(|(_, layer)| layer.notation()).collect();
        let expected = [
            "ReLU()",
            "LeakyReLU(negative_slope=0.2)",
            "ELU()",
            "CELU(alpha=1.5)",
            "SELU()",
            "GELU()",
            "GELU(approximate='tanh')",
            "SiLU()",
            "Mish()",
            "Softplus(beta=1, threshold=20)",
            "Softsign()",
            "Sigmoid()",
            "LogSigmoid()",
            "Tanh()",
            "Hardtanh(min_val=-0.5, max_val=0.7)",
            "ReLU6()",
            "Hardsigmoid()",
            "Hardswish()",
        ];
        assert_eq!(found, expected, "{name}");
    }
}
