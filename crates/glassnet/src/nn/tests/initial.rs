//! Initial weights against `torch.manual_seed`.

use super::goldens::{goldens, lengths, list, text};
use crate::math::torch_random::TorchGenerator;
use crate::nn::{Network, StateDict, parse};
use crate::tensor::{Tensor, Value};

/// FNV-1a over the little-endian bytes, as the goldens' script computes it.
fn hash(numbers: &[f32]) -> String {
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    format!("{hash:016x}")
}

#[test]
fn architectures_start_from_pytorch_s_weights() {
    let goldens = goldens(include_str!("../../../tests/goldens/init/architectures.json"));
    let cases = list(&goldens["architectures"]);
    assert!(cases.len() >= 40);
    for case in cases {
        let expression = text(&case["expression"]);
        let seed = case["seed"].as_u64().expect("a seed");
        let mut generator = TorchGenerator::new(seed);
        let state = parse(expression)
            .and_then(|module| module.init(&mut generator))
            .unwrap_or_else(|error| panic!("{expression}: {error}"));
        let expected = list(&case["tensors"]);
        let keys: Vec<&str> = expected.iter().map(|array| text(&array["key"])).collect();
        assert_eq!(state.keys().collect::<Vec<_>>(), keys, "{expression}");
        for array in expected {
            let key = text(&array["key"]);
            let value = state.get(key).expect("the key");
            assert_eq!(value.shape(), lengths(&array["shape"]), "{expression} {key}");
            let Value::F32(tensor) = value else {
                assert_eq!(key.rsplit('.').next(), Some("num_batches_tracked"));
                continue;
            };
            // Normal draws differ in the last places from one build of PyTorch to the next.
            let normal = expression.contains("Embedding") && key == "0.weight";
            if !normal {
                assert_eq!(hash(tensor.data()), text(&array["hash"]), "{expression} {key} {seed}");
            }
            let near = |found: f32, expected: f64| {
                (f64::from(found) - expected).abs() <= 1e-4 * expected.abs().max(1e-3)
            };
            for (end, found) in [("first", tensor.data().first()), ("last", tensor.data().last())] {
                let expected = array[end].as_f64().expect("a number");
                assert!(near(*found.expect("elements"), expected), "{expression} {key} {end}");
            }
        }
        let mut next = [0.0_f32];
        generator.uniform_(&mut next, 0.0, 1.0).expect("a draw");
        let expected = case["next_uniform"].as_f64().expect("a number") as f32;
        assert_eq!(next, [expected], "{expression}: as many draws as PyTorch");
    }
}

#[test]
fn networks_take_and_give_state_dicts() {
    let module =
        parse("Sequential(Linear(2, 3), BatchNorm1d(3), PReLU(3, 0.5))").expect("a network");
    let net = Network::new(module.clone(), 7).expect("weights");
    let mut state = net.state_dict().clone();
    assert_eq!(state.floats("2.weight").expect("slopes").data(), [0.5; 3]);
    assert_eq!(state.floats("1.running_var").expect("variances").data(), [1.0; 3]);
    assert_eq!(Network::with_state(module.clone(), &state).as_ref(), Ok(&net));

    // The order of a given state dict does not matter.
    let reversed: StateDict = state
        .iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect::<Vec<_>>()
        .into_iter()
        .rev()
        .collect();
    assert_eq!(Network::with_state(module.clone(), &reversed).as_ref(), Ok(&net));

    let mut other = Network::new(module.clone(), 8).expect("weights");
    assert_ne!(other, net);
    other.load_state_dict(&state, true).expect("its own keys");
    assert_eq!(other, net);

    state.insert("0.weight", Tensor::full([2, 2], 0.0_f32));
    state.insert("0.bias", Tensor::full([3], 9.0_f32));
    other.load_state_dict(&state, false).expect_err("a misshapen weight");
    assert_eq!(other, net, "a refused state dict changes nothing");
}
