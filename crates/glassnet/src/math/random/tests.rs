//! Streams against a second implementation, and the properties that training relies on.

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Case {
    seed: u64,
    stream: u64,
    step: u64,
    words: Vec<u32>,
    words_at_2_40_plus_13: Vec<u32>,
    uniform_f32: Vec<f32>,
    uniform_f64: Vec<f64>,
    normal: Vec<f64>,
    below: Vec<(u64, u64)>,
    below_position: u64,
    permutation: Vec<usize>,
    kept_at_p_0_3: Vec<u8>,
}

#[derive(Deserialize)]
struct Goldens {
    cases: Vec<Case>,
}

fn cases() -> Vec<Case> {
    let text = include_str!("../../../tests/goldens/random/streams.json");
    serde_json::from_str::<Goldens>(text).unwrap().cases
}

fn collect<T>(len: usize, mut draw: impl FnMut() -> T) -> Vec<T> {
    (0..len).map(|_| draw()).collect()
}

#[test]
fn numbers_never_change() {
    let cases = cases();
    assert_eq!(cases.len(), 5);
    for case in cases {
        let fresh = || Stream::at(case.seed, case.stream, case.step);
        let mut stream = fresh();
        assert_eq!(collect(20, || stream.next_u32()), case.words);
        stream.seek((1 << 40) + 13);
        assert_eq!(collect(5, || stream.next_u32()), case.words_at_2_40_plus_13);
        let mut stream = fresh();
        assert_eq!(collect(5, || stream.uniform_f32()), case.uniform_f32);
        let mut stream = fresh();
        assert_eq!(collect(5, || stream.uniform_f64()), case.uniform_f64);
        let mut stream = fresh();
        for expected in case.normal {
            // Python's logarithm and cosine are the system's.
            assert!((stream.normal() - expected).abs() <= 1e-15 * expected.abs().max(1.0));
        }
        let mut stream = fresh();
        for (bound, expected) in case.below {
            assert_eq!(stream.below(bound), expected, "below {bound}");
        }
        assert_eq!(stream.position(), case.below_position);
        assert_eq!(fresh().permutation(50), case.permutation);
        let mut mask = [0.0; 40];
        fresh().fill_keep_mask(&mut mask, 0.3).unwrap();
        let kept: Vec<f32> = case.kept_at_p_0_3.iter().map(|&k| f32::from(k) / 0.7).collect();
        assert_eq!(mask[..], kept);
    }
}

/// The one conversion that the second implementation cannot hold to the last bit.
#[test]
fn normals_never_change() {
    let mut stream = Stream::new(0, 0);
    let bits = (0..1000).fold(0_u64, |sum, _| sum.rotate_left(5) ^ stream.normal().to_bits());
    assert_eq!(bits, 18_086_409_563_650_245_704);
}

#[test]
fn filling_equals_drawing_one_by_one() {
    for len in [0, 1, 255, 256, 257, 1000] {
        let (mut filled, mut drawn) = (Stream::new(1, 2), Stream::new(1, 2));
        filled.next_u32();
        drawn.next_u32();
        let mut out = vec![0.0; len];
        filled.fill_uniform(&mut out);
        assert_eq!(out, collect(len, || drawn.uniform_f32()));
        filled.fill_normal(&mut out, 3.0, 0.5);
        assert_eq!(out, collect(len, || (3.0 + 0.5 * drawn.normal()) as f32));
        assert_eq!(filled.position(), drawn.position());
        assert_eq!(filled.next_u64(), drawn.next_u64());
    }
}

#[test]
fn seeking_finds_the_same_words() {
    let mut stream = Stream::at(9, 8, 7);
    let words = collect(300, || stream.next_u32());
    for position in [0, 1, 15, 16, 63, 64, 65, 255, 299] {
        stream.seek(position);
        assert_eq!(stream.position(), position);
        assert_eq!(stream.next_u32(), words[position as usize]);
    }
}

#[test]
fn a_mask_can_be_made_in_parts() {
    let mut whole = vec![0.0; 1000];
    Stream::at(3, DROPOUT, 5).fill_keep_mask(&mut whole, 0.25).unwrap();
    let mut part = vec![0.0; 400];
    let mut stream = Stream::at(3, DROPOUT, 5);
    stream.seek(600);
    stream.fill_keep_mask(&mut part, 0.25).unwrap();
    assert_eq!(part, whole[600..]);
}

#[test]
fn masks_drop_their_share() {
    let mut mask = vec![0.0; 100_000];
    for p in [0.0, 0.1, 0.5, 0.9, 1.0] {
        let mut stream = Stream::new(0, DROPOUT);
        stream.fill_keep_mask(&mut mask, p).unwrap();
        let dropped = mask.iter().filter(|&&factor| factor == 0.0).count() as f64 / 1e5;
        // Five standard deviations.
        assert!((dropped - p).abs() <= 5.0 * (p * (1.0 - p) / 1e5).sqrt(), "p {p}: {dropped}");
        let kept = 1.0 / (1.0 - p) as f32;
        assert!(mask.iter().all(|&factor| factor == 0.0 || factor == kept));
        assert_eq!(stream.position(), 100_000);
    }
}

#[test]
fn probabilities_outside_are_refused() {
    for p in [-0.1, 1.1, f64::NAN] {
        let mut mask = [7.0; 3];
        let error = Stream::new(0, 0).fill_keep_mask(&mut mask, p).unwrap_err();
        assert!(error.what().starts_with("dropout probability has to be between 0 and 1"));
        assert_eq!(mask, [7.0; 3]);
    }
}

#[test]
fn bounded_integers_are_uniform() {
    // A bound of 3·2³⁰ lets `%` give the lowest third twice as often.
    let bound = 3 << 30;
    let mut stream = Stream::new(4, 0);
    let mut counts = [0_u32; 3];
    (0..30_000).for_each(|_| counts[(stream.below(bound) >> 30) as usize] += 1);
    assert!(counts.iter().all(|&count| count.abs_diff(10_000) < 500), "{counts:?}");
    assert_eq!((stream.below(0), stream.below(1)), (0, 0));
}

#[test]
fn every_order_is_equally_likely() {
    let mut counts = std::collections::BTreeMap::new();
    let mut stream = Stream::new(6, SHUFFLE);
    for _ in 0..24_000 {
        *counts.entry(stream.permutation(4)).or_insert(0_u32) += 1;
    }
    assert_eq!(counts.len(), 24);
    assert!(counts.values().all(|&count| count.abs_diff(1000) < 160), "{counts:?}");
}

#[test]
fn normals_have_their_moments() {
    let mut values = vec![0.0; 100_000];
    Stream::new(8, 0).fill_normal(&mut values, 2.0, 3.0);
    let mean = values.iter().map(|&x| f64::from(x)).sum::<f64>() / 1e5;
    let moment =
        |power| values.iter().map(|&x| ((f64::from(x) - 2.0) / 3.0).powi(power)).sum::<f64>() / 1e5;
    assert!((mean - 2.0).abs() < 0.05, "{mean}");
    assert!((moment(2) - 1.0).abs() < 0.025, "{}", moment(2));
    assert!((moment(4) - 3.0).abs() < 0.2, "{}", moment(4));
}
