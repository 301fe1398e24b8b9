//! One network, many threads: the same bits for any number of rows at once and any number of threads.

// The caller's own threads are what is tested.
#![allow(clippy::disallowed_methods)]

use std::thread;

use glassnet::engine::{Config, Level, Pool};
use glassnet::math::random::Stream;
use glassnet::nn::{self, Network};
use glassnet::train::{Features, Inference, Predictor};
use glassnet::{ErrorKind, Result, Tensor};

/// Wide enough that many rows are divided among threads; with all that depends on rows and must not.
const NETWORK: &str = "Sequential(Linear(6, 48), BatchNorm1d(48), GELU(), Dropout(), Linear(48, 40), Tanh(), \
                       Linear(40, 4), Softmax(dim=1))";

fn network(notation: &str) -> Network {
    Network::new(nn::parse(notation).unwrap(), 7).unwrap()
}

fn numbers(seed: u64, len: usize) -> Vec<f32> {
    let mut numbers = vec![0.0; len];
    Stream::at(seed, 0, 0).fill_normal(&mut numbers, 0.0, 1.0);
    numbers
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

/// The outputs of rows that are predicted one by one.
fn one_by_one(network: &Network, x: &[f32]) -> Vec<f32> {
    let inference = Inference::new(network, &[6], &Config::default()).unwrap();
    let mut workspace = inference.workspace();
    let mut y = vec![0.0; x.len() / 6 * 4];
    for (x, y) in x.chunks(6).zip(y.chunks_mut(4)) {
        inference.run(&mut workspace, x, y).unwrap();
    }
    y
}

#[test]
fn any_number_of_rows_and_threads_gives_the_same_bits() {
    let network = network(NETWORK);
    let x = numbers(1, 6 * 1300);
    let expected = one_by_one(&network, &x);
    assert!(expected.iter().all(|value| value.is_finite()) && expected[0] != expected[4]);
    for threads in [1, 2, 3, 5, 8] {
        let pool = Some(Pool::new(threads).unwrap());
        let level = if threads == 3 { Level::PORTABLE } else { Level::detect() };
        let inference =
            Inference::new(&network, &[6], &Config { pool, level, ..Config::default() }).unwrap();
        assert_eq!(inference.threads(1300), threads);
        let mut workspace = inference.workspace();
        for rows in (0..36).chain([63, 64, 65, 100, 255, 256, 257, 513, 700, 1300]) {
            let mut y = vec![f32::NAN; 4 * rows];
            inference.run(&mut workspace, &x[..6 * rows], &mut y).unwrap();
            let expected = &expected[..4 * rows];
            assert_eq!(bits(&y), bits(expected), "{rows} rows, {threads} threads, {level}");
        }
    }
}

#[test]
fn one_row_through_large_weights_has_the_same_bits_on_several_threads() {
    let network =
        network("Sequential(Linear(300, 700), ReLU(), Linear(700, 301), Tanh(), Linear(301, 7))");
    let x = numbers(4, 300 * 4);
    let alone = Inference::new(&network, &[300], &Config::default()).unwrap();
    let mut workspace = alone.workspace();
    let mut expected = [0.0; 7 * 4];
    for (x, y) in x.chunks(300).zip(expected.chunks_mut(7)) {
        alone.run(&mut workspace, x, y).unwrap();
    }
    for threads in [2, 3, 5, 8] {
        let pool = Pool::new(threads).unwrap();
        let level = if threads == 3 { Level::PORTABLE } else { Level::detect() };
        // By itself where that is worth while, and by force.
        for divide_always in [false, true] {
            let pool = Some(pool.clone());
            let config = Config { pool, level, divide_always, ..Config::default() };
            let inference = Inference::new(&network, &[300], &config).unwrap();
            assert!(inference.threads(1) > 1);
            let mut workspace = inference.workspace();
            for round in 0..40 {
                let rows = 1 + round % 4;
                let mut y = vec![f32::NAN; 7 * rows];
                inference.run(&mut workspace, &x[..300 * rows], &mut y).unwrap();
                assert_eq!(bits(&y), bits(&expected[..7 * rows]), "{rows} rows, {threads} threads");
            }
        }
    }
}

#[test]
fn four_threads_share_a_network() {
    let network = network(NETWORK);
    let x = numbers(2, 6 * 600);
    let expected = one_by_one(&network, &x);
    // With and without threads of its own, which only one of the four can have at a time.
    for pool in [None, Some(Pool::new(2).unwrap())] {
        let config = Config { pool, ..Config::default() };
        let inference = Inference::new(&network, &[6], &config).unwrap();
        thread::scope(|scope| {
            for seed in 0..4 {
                let (inference, x, expected) = (&inference, &x, &expected);
                scope.spawn(move || {
                    let mut workspace = inference.workspace();
                    let mut random = Stream::at(seed, 1, 1);
                    for _ in 0..60 {
                        let start = random.below(600) as usize;
                        let rows = random.below(601 - start as u64) as usize;
                        let mut y = vec![0.0; 4 * rows];
                        let x = &x[6 * start..6 * (start + rows)];
                        inference.run(&mut workspace, x, &mut y).unwrap();
                        assert_eq!(bits(&y), bits(&expected[4 * start..4 * (start + rows)]));
                    }
                });
            }
        });
    }
}

#[test]
fn a_predictor_predicts_as_its_inference_does() -> Result<()> {
    let network = network(NETWORK);
    let x = numbers(3, 6 * 300);
    let expected = one_by_one(&network, &x);
    let config = Config { pool: Some(Pool::new(2)?), ..Config::default() };
    let found = Predictor::new(&network, &[6], &config)?
        .predict(&Features::Floats(Tensor::new([300, 6], x)?))?;
    assert_eq!(found.shape(), [300, 4]);
    assert_eq!(bits(found.data()), bits(&expected));
    Ok(())
}

#[test]
fn what_does_not_fit_is_refused() -> Result<()> {
    let network = network(NETWORK);
    let inference = Inference::new(&network, &[6], &Config::default())?;
    let mut workspace = inference.workspace();
    for (x, y) in [(6, 5), (5, 4), (0, 4), (6, 0), (12, 4), (6, 8), (7, 4), (18, 13), (1, 0)] {
        let (x, mut y) = (vec![0.0; x], vec![0.0; y]);
        let error = inference.run(&mut workspace, &x, &mut y).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data);
        assert!(error.to_string().contains("a row has 6 features and 4 outputs"), "{error}");
    }
    let error = inference.run_indices(&mut workspace, &[0; 6], &mut [0.0; 4]).unwrap_err();
    assert!(error.to_string().contains("the features are i64, the network takes f32"), "{error}");
    let other = Inference::new(&network, &[6], &Config::default())?;
    for rows in [1, 2] {
        let (x, mut y) = (vec![0.0; 6 * rows], vec![0.0; 4 * rows]);
        let error = inference.run(&mut other.workspace(), &x, &mut y).unwrap_err();
        assert!(error.to_string().contains("made for another network"), "{error}");
        let mut used = other.workspace();
        other.run(&mut used, &x, &mut y)?;
        assert!(inference.run(&mut used, &x, &mut y).is_err());
        inference.run(&mut workspace, &x, &mut y)?;
    }
    // A copy is the same network.
    inference.clone().run(&mut workspace, &[0.0; 6], &mut [0.0; 4])
}

#[test]
fn the_first_bad_index_is_told_by_its_row() -> Result<()> {
    let notation =
        "Sequential(Embedding(50, 64), Flatten(), Linear(128, 64), ReLU(), Linear(64, 2))";
    let network = network(notation);
    let mut x: Vec<i64> = (0..2 * 3000).map(|index| index % 50).collect();
    x[2 * 2900] = 50;
    x[2 * 700 + 1] = -1;
    for threads in [1, 4] {
        let config = Config { pool: Some(Pool::new(threads)?), ..Config::default() };
        let inference = Inference::new(&network, &[2], &config)?;
        let mut workspace = inference.workspace();
        let mut y = vec![0.0; 2 * 3000];
        let error = inference.run_indices(&mut workspace, &x, &mut y).unwrap_err();
        assert!(error.to_string().contains("index -1"), "{error}");
        inference.run_indices(&mut workspace, &x[..2 * 700], &mut y[..2 * 700])?;
        let expected = y[..2].to_vec();
        inference.run_indices(&mut workspace, &x[..2], &mut y[..2])?;
        assert_eq!(bits(&y[..2]), bits(&expected));
    }
    let table = Features::Indices(Tensor::new([3000, 2], x)?);
    let mut predictor = Predictor::new(&network, &[2], &Config::default())?;
    let error = predictor.predict_rows(&table, 650..750, &mut [0.0; 200]).unwrap_err();
    assert!(error.to_string().contains("which begins at row 650"), "{error}");
    Ok(())
}

#[test]
fn a_network_without_rows_of_output_is_refused() {
    let network = network("Sequential(Linear(2, 2))");
    let error = Inference::new(&network, &[3], &Config::default()).unwrap_err();
    assert_ne!(error.kind(), ErrorKind::Usage);
}
