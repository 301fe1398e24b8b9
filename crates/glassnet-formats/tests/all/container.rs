//! The container: what is written is read, by this crate, by the safetensors crate, and PyTorch's files too.


use glassnet::{ErrorKind, Tensor, Value};
use glassnet_formats::safetensors::{self, Contents};
use proptest::prelude::*;

use crate::support::Numbers;

fn write(contents: &Contents) -> glassnet::Result<Vec<u8>> {
    let tensors = contents.tensors.iter().map(|(name, value)| (name.as_str(), value));
    safetensors::write(tensors, &contents.metadata)
}

fn bits(value: &Value) -> Vec<u64> {
    match value {
        Value::F32(tensor) => tensor.data().iter().map(|number| number.to_bits().into()).collect(),
        Value::I64(tensor) => tensor.data().iter().map(|number| number.cast_unsigned()).collect(),
    }
}

/// The same names, texts, order, types, shapes and bits; `==` would hold NaN for different from itself.
fn assert_same(left: &Contents, right: &Contents) {
    assert_eq!(left.metadata, right.metadata);
    assert_eq!(left.tensors.len(), right.tensors.len());
    for ((name, value), (other_name, other)) in left.tensors.iter().zip(&right.tensors) {
        assert_eq!((name, value.shape()), (other_name, other.shape()));
        assert_eq!(value.as_f32().is_some(), other.as_f32().is_some());
        assert_eq!(bits(value), bits(other));
    }
}

fn values() -> impl Strategy<Value = Value> {
    prop::collection::vec(0_usize..4, 0..4).prop_flat_map(|shape| {
        let len = shape.iter().product::<usize>();
        let floats = (Just(shape.clone()), prop::collection::vec(any::<u32>(), len)).prop_map(
            |(shape, bits)| {
                let data = bits.into_iter().map(f32::from_bits).collect();
                Value::F32(Tensor::new(shape, data).unwrap())
            },
        );
        let integers = (Just(shape), prop::collection::vec(any::<i64>(), len))
            .prop_map(|(shape, data)| Value::I64(Tensor::new(shape, data).unwrap()));
        prop_oneof![floats, integers]
    })
}

fn contents() -> impl Strategy<Value = Contents> {
    // Distinct keys in no particular order: what a hash map gives, its order being another one each time.
    let tensors = prop::collection::hash_map(".{0,8}", values(), 0..8);
    let metadata = prop::collection::hash_map(".{0,8}", ".{0,20}", 0..4);
    (tensors, metadata).prop_map(|(tensors, metadata)| Contents {
        notes: vec![],
        tensors: tensors.into_iter().collect(),
        metadata: metadata.into_iter().collect(),
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(contents in contents()) {
        let bytes = write(&contents).unwrap();
        assert_same(&safetensors::read(&bytes, "a.safetensors").unwrap(), &contents);
        assert_eq!(write(&contents).unwrap(), bytes);
    }

    #[test]
    fn what_is_written_is_what_the_format_says(contents in contents()) {
        let bytes = write(&contents).unwrap();
        let file = ::safetensors::SafeTensors::deserialize(&bytes).unwrap();
        prop_assert_eq!(file.len(), contents.tensors.len());
        for (name, value) in &contents.tensors {
            let view = file.tensor(name).unwrap();
            prop_assert_eq!(view.shape(), value.shape());
            let data: Vec<u8> = match value {
                Value::F32(tensor) => tensor.data().iter().flat_map(|x| x.to_le_bytes()).collect(),
                Value::I64(tensor) => tensor.data().iter().flat_map(|x| x.to_le_bytes()).collect(),
            };
            prop_assert_eq!(view.data(), data);
            // PyTorch's reader views the file's bytes as numbers, which needs each array aligned.
            let offset = view.data().as_ptr() as usize - bytes.as_ptr() as usize;
            let width = if value.as_f32().is_some() { 4 } else { 8 };
            prop_assert!(view.data().is_empty() || offset.is_multiple_of(width), "{} at {}", name, offset);
        }
    }

    #[test]
    fn random_bytes_are_refused_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let error = safetensors::read(&bytes, "a.safetensors").unwrap_err();
        prop_assert_eq!(error.kind(), ErrorKind::Model);
    }
}

#[test]
fn order_is_that_of_the_state_dict() {
    let value = Value::from(Tensor::new([1], vec![1.0_f32]).unwrap());
    let count = Value::from(Tensor::scalar(3_i64));
    let names = ["0.weight", "0.bias", "2.weight", "10.weight", "11.num_batches_tracked", "1.last"];
    let tensors = names.map(|name| (name, if name.contains("num") { &count } else { &value }));
    let bytes = safetensors::write(tensors, &[]).unwrap();
    let contents = safetensors::read(&bytes, "a.safetensors").unwrap();
    assert_eq!(contents.tensors.iter().map(|(name, _)| name).collect::<Vec<_>>(), names);
}

#[test]
fn names_that_cannot_be_written() {
    let value = Value::from(Tensor::scalar(1.0_f32));
    let error = safetensors::write([("a", &value), ("b", &value), ("a", &value)], &[]).unwrap_err();
    assert!(error.to_string().contains("two tensors are called \"a\""), "{error}");
    let error = safetensors::write([("__metadata__", &value)], &[]).unwrap_err();
    assert!(error.to_string().contains("__metadata__"), "{error}");
    let texts = [("k".to_owned(), String::new()), ("k".to_owned(), String::new())];
    let error = safetensors::write([("a", &value)], &texts).unwrap_err();
    assert!(error.to_string().contains("two texts are called \"k\""), "{error}");
}

/// `../goldens/make_goldens.py` says how the files were made.
#[test]
fn pytorch_s_file_is_read_to_the_last_bit() {
    let bytes = include_bytes!("../goldens/torch.safetensors");
    let contents = safetensors::read(bytes, "torch.safetensors").unwrap();
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("../goldens/torch.json")).unwrap();
    let golden = golden.as_object().unwrap();
    assert_eq!(contents.text("format"), Some("pt"));
    assert_eq!(contents.tensors.len(), golden.len());
    for (name, value) in &contents.tensors {
        let entry = &golden[name];
        let shape: Vec<u64> = value.shape().iter().map(|&length| length as u64).collect();
        assert_eq!(entry["shape"], serde_json::json!(shape), "{name}");
        let data: Vec<f64> = serde_json::from_value(entry["data"].clone()).unwrap();
        let read: Vec<f64> = match value {
            Value::F32(tensor) => tensor.data().iter().map(|&number| number.into()).collect(),
            Value::I64(tensor) => tensor.data().iter().map(|&number| number as f64).collect(),
        };
        assert_eq!(read, data, "{name}");
    }
}

#[test]
fn a_hundred_megabytes_come_back() {
    let mut numbers = Numbers(7);
    let data: Vec<f32> = (0..25_000_000).map(|_| numbers.next() as f32).collect();
    let value = Value::from(Tensor::new([5000, 5000], data).unwrap());
    let bytes = safetensors::write([("0.weight", &value)], &[]).unwrap();
    let model = glassnet_formats::ModelFile::read(&bytes, "a.safetensors").unwrap();
    assert_eq!(model.state.get("0.weight"), Some(&value));
}
