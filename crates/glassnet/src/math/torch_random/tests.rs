//! The stream against PyTorch's goldens.

use serde::Deserialize;

use super::goldens::{self, Draw, hash_i64};
use super::*;

#[derive(Deserialize)]
struct Golden {
    seed: u64,
    calls: Vec<Draw>,
}

fn floats(generator: &mut TorchGenerator, draw: &Draw) -> Vec<f32> {
    let mut values = vec![f32::NAN; draw.count];
    match draw.call.as_str() {
        "uniform_" => generator.uniform_(&mut values, draw.low, draw.high).unwrap(),
        _ => generator.normal_(&mut values, draw.low, draw.high).unwrap(),
    }
    values
}

fn integers(generator: &mut TorchGenerator, draw: &Draw) -> Vec<i64> {
    match draw.call.as_str() {
        "randperm" => generator.randperm(draw.count).into_iter().map(|row| row as i64).collect(),
        "random_" => (0..draw.count).map(|_| generator.random_i64()).collect(),
        _ => {
            let mut values = vec![0; draw.count];
            generator.randint(&mut values, draw.low as i64, draw.high as i64).unwrap();
            values
        }
    }
}

#[test]
fn streams_follow_pytorch_call_by_call() {
    let file = include_str!("../../../tests/goldens/init/streams.json");
    let streams: Vec<Golden> = goldens::read(file, "streams");
    assert_eq!(streams.len(), 4);
    for Golden { seed, calls } in streams {
        let mut generator = TorchGenerator::new(seed);
        for (number, draw) in calls.iter().enumerate() {
            let Draw { call, low, high, count, tensor: golden } = draw;
            let context = format!("seed {seed}, call {number}: {call}({low}, {high}, {count})");
            match call.as_str() {
                "uniform_" => {
                    let values = floats(&mut generator, draw);
                    golden.assert_same_bits(&[*count], &values, &context);
                }
                "normal_" => {
                    let values = floats(&mut generator, draw);
                    golden.assert_close(&[*count], &values, 1e-5 * high, &context);
                }
                _ => {
                    let values = integers(&mut generator, draw);
                    for (index, expected) in golden.known() {
                        assert_eq!(values[index] as f64, expected, "{context}: element {index}");
                    }
                    assert_eq!(hash_i64(&values), golden.hash, "{context}");
                }
            }
        }
    }
}

#[test]
fn seeds_count_in_their_low_half() {
    assert_eq!(TorchGenerator::new(7).random(), TorchGenerator::new((1 << 40) + 7).random());
    let mut generator = TorchGenerator::new(7);
    let first = generator.random64();
    generator.manual_seed(7);
    assert_eq!(u64::from(generator.random()), first >> 32);
    assert_eq!(generator.initial_seed(), 7);
}

#[test]
fn the_wide_permutation_is_the_inside_out_shuffle() {
    let n = 1000;
    let order = TorchGenerator::new(5).randperm_wide(n);
    let mut seen = vec![false; n];
    order.iter().for_each(|&row| seen[row] = true);
    assert!(seen.iter().all(|&seen| seen));
    // Element n−1 was last put where its draw said.
    let mut generator = TorchGenerator::new(5);
    let last = (0..n as u64).map(|place| generator.random64() % (place + 1)).last().unwrap();
    assert_eq!(order[last as usize], n - 1);
}

/// The lengths around the change of method, compared with `torch.manual_seed(1); torch.randperm(n)` of 2.15: the
/// first elements, and the sum of (place + 1)·element modulo 2⁶⁴.
#[test]
#[ignore = "takes 1.7 GB and half a minute"]
fn the_longest_permutations_follow_pytorch() {
    let n = RANDPERM_WIDE_FROM as usize;
    for (n, first, checksum) in [
        (n - 1, [73108941, 202657262, 87293072], 8474490740187702483),
        (n, [81757386, 14531738, 31696440], 12602246504923793281),
    ] {
        let order = TorchGenerator::new(1).randperm(n);
        let sum = order
            .iter()
            .zip(1_u64..)
            .fold(0_u64, |sum, (&row, weight)| sum.wrapping_add((row as u64).wrapping_mul(weight)));
        assert_eq!((&order[..3], sum), (&first[..], checksum), "n = {n}");
    }
}

#[test]
fn a_state_continues_in_the_middle_of_a_pair() {
    let mut generator = TorchGenerator::new(11);
    let mut three = [0.0; 3];
    generator.normal_(&mut three, 0.0, 1.0).unwrap();
    let state = generator.state();
    assert!(state.next_normal.is_some());
    let mut resumed = TorchGenerator::from_state(&state).unwrap();
    let (mut left, mut right) = ([0.0; 5], [0.0; 5]);
    generator.normal_(&mut left, 0.0, 1.0).unwrap();
    resumed.normal_(&mut right, 0.0, 1.0).unwrap();
    assert_eq!(left, right);
    assert_eq!(generator.randperm(10), resumed.randperm(10));
}

#[test]
fn a_damaged_state_does_not_replay_for_ever() {
    let state = TorchGeneratorState { seed: 0, draws: u64::MAX, next_normal: None };
    assert_eq!(TorchGenerator::from_state(&state).unwrap_err().kind(), ErrorKind::Limit);
}

#[test]
fn bad_arguments_draw_nothing() {
    let mut generator = TorchGenerator::new(0);
    let mut out = [7.0; 20];
    for (from, to) in [
        (1.0, 0.0),
        (f64::NAN, 1.0),
        (0.0, f64::NAN),
        (0.0, f64::INFINITY),
        (0.0, 1e39),
        (-3e38, 3e38),
    ] {
        let error = generator.uniform_(&mut out, from, to).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage);
    }
    for std in [-1.0, f64::NAN] {
        assert!(generator.normal_(&mut out, 0.0, std).is_err());
    }
    assert!(generator.randint(&mut [0; 3], 3, 3).is_err());
    assert_eq!(out, [7.0; 20]);
    assert_eq!(generator.state().draws, 0);
}
