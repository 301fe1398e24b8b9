//! The network against the convex optimum, and classes that a plane parts.

use super::*;
use crate::math::random::Stream;

fn names(width: usize) -> Vec<String> {
    (0..width).map(|at| format!("x{at}")).collect()
}

fn classes() -> [String; 2] {
    ["no", "yes"].map(String::from)
}

/// Noisy rows of a known model.
fn rows(seed: u64, count: usize, width: usize) -> (Vec<Vec<f64>>, Vec<bool>) {
    let mut stream = Stream::new(seed, 21);
    let slopes: Vec<f64> = (0..width).map(|_| stream.normal()).collect();
    let mut inputs = vec![];
    let mut positive = vec![];
    for _ in 0..count {
        let row: Vec<f64> = (0..width).map(|at| 5.0 + (1 + at) as f64 * stream.normal()).collect();
        let z: f64 = row.iter().zip(&slopes).map(|(x, w)| (x - 5.0) * w).sum();
        positive.push(stream.uniform_f64() < 1.0 / (1.0 + (-z).exp()));
        inputs.push(row);
    }
    (inputs, positive)
}

#[test]
fn the_network_reaches_the_convex_optimum() {
    for (seed, count, width, l2) in
        [(1, 60, 1, 0.0), (2, 200, 3, 0.0), (3, 90, 2, 0.1), (4, 40, 5, 0.01)]
    {
        let (inputs, positive) = rows(seed, count, width);
        let config = LogisticConfig { l2, ..LogisticConfig::default() };
        let found = logistic(&names(width), &classes(), &inputs, &positive, &config).unwrap();
        let optimum = found.optimum.as_ref().unwrap();
        let gap = found.loss - optimum.loss;
        assert!((-1e-12..1e-6).contains(&gap), "seed {seed}: {gap}");
        assert!(optimum.gradient < 1e-9, "{}", optimum.gradient);
        // The optimum is one: any step away from it costs.
        let problem = Problem {
            rows: inputs
                .iter()
                .map(|row| {
                    let scaled = row.iter().zip(&found.scaling);
                    scaled.map(|(x, (mean, std))| (x - mean) / std).chain([1.0]).collect()
                })
                .collect(),
            positive: positive.clone(),
            l2,
        };
        for at in 0..=width {
            for step in [-0.01, 0.01] {
                let mut other = optimum.weights.clone();
                other[at] += step;
                assert!(problem.loss(&other).unwrap() > optimum.loss);
            }
        }
        assert!(found.document().plain().contains("difference"));
    }
}

/// The loss by the textbook's formula.
#[test]
fn the_loss_is_the_mean_log_likelihood() {
    let (inputs, positive) = rows(7, 50, 2);
    let found =
        logistic(&names(2), &classes(), &inputs, &positive, &LogisticConfig::default()).unwrap();
    let weights = &found.optimum.as_ref().unwrap().weights;
    let mut sum = 0.0;
    for (row, &positive) in inputs.iter().zip(&positive) {
        let z: f64 = weights[2]
            + (0..2)
                .map(|at| (row[at] - found.scaling[at].0) / found.scaling[at].1 * weights[at])
                .sum::<f64>();
        let p = 1.0 / (1.0 + (-z).exp());
        sum -= if positive { p.ln() } else { (1.0 - p).ln() };
    }
    assert!((sum / 50.0 - found.optimum.as_ref().unwrap().loss).abs() < 1e-12);
    for row in &found.twice {
        assert!((row.sigmoid - row.softmax).abs() < 1e-15);
        assert!((row.binary_cross_entropy - row.cross_entropy).abs() < 1e-14);
    }
}

#[test]
fn separable_classes_have_no_optimum_unless_penalised() {
    let inputs: Vec<Vec<f64>> = [0.0, 1.0, 2.0, 5.0, 6.0].iter().map(|&x| vec![x]).collect();
    let positive = [false, false, false, true, true];
    let config = LogisticConfig { epochs: 100, ..LogisticConfig::default() };
    let found = logistic(&names(1), &classes(), &inputs, &positive, &config).unwrap();
    assert!(found.optimum.is_none());
    let separation = found.separation.as_ref().unwrap();
    assert!(separation.margin > 0.0);
    assert!(separation.losses.windows(2).all(|pair| pair[1].1 < pair[0].1));
    assert!(found.document().plain().contains("There is no optimum"));
    // One row of either class at the same place: a plane through it still parts the others.
    let inputs: Vec<Vec<f64>> = [0.0, 1.0, 2.0, 2.0, 6.0].iter().map(|&x| vec![x]).collect();
    let found = logistic(&names(1), &classes(), &inputs, &positive, &config).unwrap();
    assert_eq!(found.separation.as_ref().map(|separation| separation.margin), Some(0.0));
    let config = LogisticConfig { l2: 0.1, ..LogisticConfig::default() };
    let found = logistic(&names(1), &classes(), &inputs, &positive, &config).unwrap();
    assert!(found.loss - found.optimum.as_ref().unwrap().loss < 1e-6);
}

#[test]
fn inputs_that_depend_on_each_other_share_a_loss() {
    let (mut inputs, positive) = rows(9, 80, 2);
    inputs.iter_mut().for_each(|row| row.push(row[0] - row[1]));
    let config = LogisticConfig { l2: 0.0, ..LogisticConfig::default() };
    let found = logistic(&names(3), &classes(), &inputs, &positive, &config).unwrap();
    let optimum = found.optimum.as_ref().unwrap();
    assert!((found.loss - optimum.loss).abs() < 1e-6, "{} {}", found.loss, optimum.loss);
}

#[test]
fn bad_rows_are_told() {
    let check = |inputs: Vec<Vec<f64>>, positive: &[bool], piece: &str| {
        let config = LogisticConfig::default();
        let error = logistic(&names(1), &classes(), &inputs, positive, &config).unwrap_err();
        assert!(error.to_string().contains(piece), "{error}");
    };
    check(vec![vec![1.0], vec![2.0]], &[true, true], "same class");
    check(vec![vec![1.0], vec![f64::NAN]], &[true, false], "NaN");
    check(vec![vec![1.0], vec![2.0, 3.0]], &[true, false], "has 2 inputs");
    check(vec![vec![1.0]], &[true], "at least two rows");
}
