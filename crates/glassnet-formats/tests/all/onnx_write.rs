//! Networks written as ONNX and read back.

#[path = "../onnx/networks.rs"]
mod networks;

use glassnet::Value;
use glassnet::engine::Config;
use glassnet::nn::{self, Network};
use glassnet::train::{Features, Predictor};
use glassnet_formats::{OnnxExport, read_onnx, write_onnx};

use networks::{NETWORKS, network, rows};

fn predicted(network: &Network, row: &[usize], x: &Value) -> Vec<f32> {
    let features = match x.clone() {
        Value::F32(x) => Features::Floats(x),
        Value::I64(x) => Features::Indices(x),
    };
    let mut predictor = Predictor::new(network, row, &Config::default()).unwrap();
    predictor.predict(&features).unwrap().into_data()
}

#[test]
fn written_networks_are_read_back_with_the_same_predictions() {
    for &(notation, row) in NETWORKS {
        let network = network(notation);
        let export = OnnxExport { row: Some(row.to_vec()), ..OnnxExport::default() };
        let bytes =
            write_onnx(&network, &export).unwrap_or_else(|error| panic!("{notation}: {error}"));
        let model =
            read_onnx(&bytes, "a.onnx").unwrap_or_else(|error| panic!("{notation}: {error}"));
        let x = rows(&network, row, 5);
        let wanted = predicted(&network, row, &x);
        let largest = wanted.iter().fold(0.0_f32, |largest, x| largest.max(x.abs()));
        let found = model.predict(&[("x", x.clone())], &Config::default()).unwrap();
        let near =
            |found: &[f32]| found.iter().zip(&wanted).all(|(a, b)| (a - b).abs() <= 1e-6 * largest);
        assert!(near(found[0].1.data()), "{notation}: {:?}, expected {wanted:?}", found[0].1);
        let again = model.network.unwrap_or_else(|| panic!("{notation}: no chain of layers"));
        assert!(near(&predicted(&again, row, &x)), "{notation} as {}", again.module().notation());
    }
}

/// Layers and keys that survive the way through a file exactly, and with them every bit of the predictions.
#[test]
fn layers_keys_and_bits_are_kept() {
    let kept = [0, 1, 2, 6, 7, 9, 10];
    for (notation, row) in kept.map(|at| NETWORKS[at]) {
        let network = network(notation);
        let export = OnnxExport { row: Some(row.to_vec()), ..OnnxExport::default() };
        let bytes = write_onnx(&network, &export).unwrap();
        let again = read_onnx(&bytes, "a.onnx").unwrap().network.unwrap();
        assert_eq!(again.module().notation(), nn::parse(notation).unwrap().notation());
        for (key, value) in
            network.state_dict().iter().filter(|(_, value)| value.as_f32().is_some())
        {
            assert_eq!(again.state_dict().get(key), Some(value), "{notation}, {key}");
        }
        let x = rows(&network, row, 5);
        let bits = |network: &Network| -> Vec<u32> {
            predicted(network, row, &x).into_iter().map(f32::to_bits).collect()
        };
        assert_eq!(bits(&again), bits(&network), "{notation}");
    }
}

#[test]
fn what_cannot_be_written_is_said() {
    let open = network("Sequential(ReLU(), Flatten())");
    let error = write_onnx(&open, &OnnxExport::default()).unwrap_err();
    assert_eq!(error.to_string(), "the layers do not tell the shape of a row; give it");
    let names = OnnxExport { output: "x".into(), ..OnnxExport::default() };
    assert!(write_onnx(&network("2-3"), &names).is_err());
    let misfit = OnnxExport { row: Some(vec![5]), ..OnnxExport::default() };
    let error = write_onnx(&network("2-3"), &misfit).unwrap_err();
    assert!(error.to_string().contains("5 features"), "{error}");
    let own =
        OnnxExport { input: "features".into(), output: "0.bias".into(), ..OnnxExport::default() };
    let model = read_onnx(&write_onnx(&network("2-3"), &own).unwrap(), "a.onnx").unwrap();
    assert_eq!(model.graph.graph().outputs()[0].0, "0.bias");
}
