//! The same weights in every format and every type of floats that holds them predict the same bits.
//!
//! `../goldens/exact/make_exact.py` says how the files were made.

use std::path::PathBuf;

use glassnet::Tensor;
use glassnet::nn::{self, Network};
use glassnet::train::{Features, Predictor};
use glassnet_formats::convert::{Options, convert};
use glassnet_formats::{Format, ModelFile, Opened, open};

const TYPES: [&str; 4] = ["float64", "float32", "float16", "bfloat16"];
const ENDINGS: [&str; 4] = ["pt", "safetensors", "npz", "onnx"];

fn files() -> Vec<(String, Vec<u8>)> {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/goldens/exact"));
    let names = TYPES.iter().flat_map(|kind| ENDINGS.map(|ending| format!("{kind}.{ending}")));
    // NumPy has no bfloat16.
    let names = names.filter(|name| name != "bfloat16.npz");
    names.map(|name| (name.clone(), std::fs::read(folder.join(name)).unwrap())).collect()
}

fn opened(bytes: &[u8], name: &str) -> Opened {
    open(bytes, name, Default::default()).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The bits that a model predicts for some rows; a file of weights alone is that of 4-3-2.
fn bits(model: &ModelFile) -> Vec<u32> {
    let notation = model.card.as_ref().map_or("4-3-2", |card| &card.network);
    let network = Network::with_state(nn::parse(notation).unwrap(), &model.state).unwrap();
    let mut predictor = Predictor::new(&network, &[4], &Default::default()).unwrap();
    let numbers: Vec<f32> = (0..40).map(|at| (at as f32 * 0.7).sin() * 3.0).collect();
    let x = Features::Floats(Tensor::new([10, 4], numbers).unwrap());
    predictor.predict(&x).unwrap().data().iter().map(|number| number.to_bits()).collect()
}

#[test]
fn every_format_and_type_predicts_the_same_bits() {
    let files = files();
    assert_eq!(files.len(), 15);
    let wanted = bits(&opened(&files[0].1, &files[0].0).model);
    assert!(wanted.iter().any(|&bits| f32::from_bits(bits).fract() != 0.0));
    for (name, bytes) in &files {
        let read = opened(bytes, name);
        assert_eq!(bits(&read.model), wanted, "{name}");
        // Whoever converts is told, and the values are the same.
        let notes: String = read.notes.iter().map(|note| format!("{note}\n")).collect();
        let kind = name.split('.').next().unwrap();
        let told = notes.contains(&format!("{kind} became float32, with the same values"));
        assert_eq!(told, kind != "float32", "{name}: {notes}");
    }
}

/// From each file to each format that is written, and on to the next.
#[test]
fn conversions_change_no_bit() {
    let written =
        [(Format::Safetensors, "a.safetensors"), (Format::Npz, "a.npz"), (Format::Onnx, "a.onnx")];
    for (name, bytes) in &files() {
        let wanted = bits(&opened(bytes, name).model);
        for (first, first_name) in written {
            let options = |opened: &Opened, to: Format| Options {
                activation: (opened.model.card.is_none() && to == Format::Onnx).then(nn::relu),
                ..Options::default()
            };
            let read = opened(bytes, name);
            let asked = options(&read, first);
            let made = convert(read, first, &asked, name).unwrap();
            let read = opened(&made.bytes, first_name);
            assert_eq!((read.format, bits(&read.model)), (first, wanted.clone()), "{name}");
            for (second, second_name) in written {
                let read = opened(&made.bytes, first_name);
                let asked = options(&read, second);
                let again = convert(read, second, &asked, first_name).unwrap();
                let read = opened(&again.bytes, second_name);
                assert_eq!(bits(&read.model), wanted, "{name} → {first_name} → {second_name}");
            }
        }
    }
}
