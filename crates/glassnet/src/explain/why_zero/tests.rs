//! A constructed case for every cause.

use super::*;
use crate::document::{Document, Text};
use crate::explain::samples::{Sample, manual, random, sample, two_units, values};
use crate::explain::{RowNames, SettingConfig};
use crate::nn::Mode;
use crate::train::Target;

fn ask(sample: &Sample, weight: &str) -> WhyZero {
    why_zero(&sample.setting(), &Weight::parse(weight).unwrap()).unwrap()
}

fn words(found: &WhyZero) -> String {
    Document { title: Text::default(), blocks: found.blocks(RowNames::default()) }.plain()
}

/// A network of two Linear(1, 1) with an activation between, on one-input rows.
fn chain(activation: &str, first: f32, second: f32, rows: &[(f32, f32)]) -> Sample {
    let inputs: Vec<[f32; 1]> = rows.iter().map(|row| [row.0]).collect();
    let inputs: Vec<&[f32]> = inputs.iter().map(|row| row.as_slice()).collect();
    let targets: Vec<f32> = rows.iter().map(|row| row.1).collect();
    sample(
        &format!("Sequential(Linear(1, 1, bias=False), {activation}, Linear(1, 1, bias=False))"),
        &[("0.weight", &[1, 1], &[first]), ("2.weight", &[1, 1], &[second])],
        &inputs,
        values(&targets),
        "mse",
    )
}

#[test]
fn the_exercise_s_gradient() {
    let found = ask(&manual(-0.1, 0.1), "0.weight[0,0]");
    assert_eq!(found.verdict, Verdict::EveryRow);
    assert_eq!(found.rows.len(), 3);
    for row in &found.rows {
        assert_eq!(row.share, 0.0);
        assert!(
            row.causes.iter().any(|cause| matches!(cause, Cause::Dead { .. })),
            "{:?}",
            row.causes
        );
        assert!(row.causes.iter().any(|cause| matches!(cause, Cause::OnKink { .. })));
    }
    // Row 0 is fitted besides: dJ/dŷ = 0.
    let fits = |row: usize| {
        let flat = |cause: &Cause| matches!(cause, Cause::LossFlat { why: cause::Flat::Fits, .. });
        found.rows[row].causes.iter().any(flat)
    };
    assert_eq!([fits(0), fits(1), fits(2)], [true, false, false]);
    let words = words(&found);
    for part in [
        "zero in every row",
        "layer \"0\" unit 1 (ReLU after it) is dead",
        "In all 3 rows",
        "All given inputs are ≥ 0, and no weight into layer \"0\" unit 1 (ReLU after it) is above 0",
        "Proven for every x ≥ 0",
        "Convention",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    // The second weight: its factor h1 is 0.
    let second = ask(&manual(-0.1, 0.1), "2.weight[0,0]");
    assert_eq!(second.verdict, Verdict::EveryRow);
    assert!(
        second.rows[1].causes.iter().any(|c| matches!(c, Cause::InputZero { feature: false, .. }))
    );
}

#[test]
fn a_negative_second_weight_kills_the_output() {
    let found = ask(&manual(1.0, -0.1), "0.weight[0,0]");
    assert_eq!(found.verdict, Verdict::EveryRow);
    assert!(found.seen[0].contains("come from a ReLU and are never below 0"), "{:?}", found.seen);
}

#[test]
fn an_open_path_is_no_zero() {
    let found = ask(&manual(1.0, 0.1), "0.weight[0,0]");
    assert_eq!(found.verdict, Verdict::NotZero);
    let sum: f64 = found.rows.iter().map(|row| row.share).sum();
    assert!((sum - found.exact).abs() < 1e-6, "{sum} against {}", found.exact);
}

#[test]
fn saturation_states_the_slope() {
    let found = ask(&chain("Tanh()", 10.0, 1.0, &[(1.0, 0.5), (2.0, 0.5)]), "0.weight[0,0]");
    assert_eq!(found.verdict, Verdict::EveryRow);
    let Cause::Saturated { slope, .. } = found.rows[0].causes[0] else {
        panic!("{:?}", found.rows[0].causes)
    };
    assert!((slope - 8.244614512949812e-9).abs() < 1e-15, "tanh'(10) = {slope}");
    assert!(words(&found).contains("8.2e-9"), "{}", words(&found));
    // sigmoid'(10) = 4.5e-5 is small, but no zero.
    let open = ask(&chain("Sigmoid()", 10.0, 1.0, &[(1.0, 0.5)]), "0.weight[0,0]");
    assert_eq!(open.verdict, Verdict::NotZero);
}

#[test]
fn a_kink_alone_is_a_convention() {
    let found = ask(&chain("ReLU()", 0.0, 1.0, &[(1.0, 0.5)]), "0.weight[0,0]");
    assert_eq!(found.verdict, Verdict::EveryRow);
    assert!(matches!(found.rows[0].causes[..], [Cause::OnKink { sides: (0.0, 1.0), .. }]));
    assert!(words(&found).contains("is a choice"), "{}", words(&found));
}

#[test]
fn zero_inputs_and_zero_weights() {
    let found = ask(&chain("ReLU()", 1.0, 1.0, &[(0.0, 0.5)]), "0.weight[0,0]");
    let input = |cause: &Cause| matches!(cause, Cause::InputZero { feature: true, .. });
    assert!(found.rows[0].causes.iter().any(input), "{:?}", found.rows);
    let found = ask(&chain("ReLU()", 1.0, 0.0, &[(1.0, 0.5), (2.0, 0.5)]), "0.weight[0,0]");
    assert_eq!(found.verdict, Verdict::EveryRow);
    let Cause::WeightZero { weight } = &found.rows[0].causes[0] else { panic!("{found:?}") };
    assert_eq!(weight.to_string(), "2.weight[0, 0]");
    // The third unit of the exercise's second network: nothing leads out of it, and it is on its kink.
    let three = sample(
        "Sequential(Linear(2, 3), ReLU(), Linear(3, 2))",
        &[
            ("0.weight", &[3, 2], &[3.21, 3.21, -2.34, -2.34, 0.0, 0.0]),
            ("0.bias", &[3], &[-3.21, 2.34, 0.0]),
            ("2.weight", &[2, 3], &[3.19, 4.64, 0.0, -2.68, -3.44, 0.0]),
            ("2.bias", &[2], &[-4.08, 4.42]),
        ],
        &[&[0.0, 0.0], &[0.0, 1.0], &[1.0, 0.0], &[1.0, 1.0]],
        Target::Classes(vec![0, 1, 1, 0]),
        "cross_entropy",
    );
    let found = ask(&three, "0.bias[2]");
    assert_eq!(found.verdict, Verdict::EveryRow);
    let weights = found.rows[0].causes.iter().filter(|c| matches!(c, Cause::WeightZero { .. }));
    assert_eq!(weights.count(), 2, "{:?}", found.rows[0].causes);
}

#[test]
fn a_perfect_fit_and_a_cut() {
    let found = ask(&chain("ReLU()", 1.0, 1.0, &[(1.0, 1.0), (2.0, 2.0)]), "2.weight[0,0]");
    assert_eq!(found.verdict, Verdict::EveryRow);
    assert!(words(&found).contains("the output is the target"), "{}", words(&found));
    let certain = sample(
        "Sequential(Linear(1, 2))",
        &[("0.weight", &[2, 1], &[500.0, -500.0]), ("0.bias", &[2], &[0.0, 0.0])],
        &[&[1.0]],
        Target::Classes(vec![0]),
        "cross_entropy",
    );
    let found = ask(&certain, "0.weight[0,0]");
    assert!(words(&found).contains("probability 1"), "{}", words(&found));
    let ignored = sample(
        "Sequential(Linear(1, 2))",
        &[("0.weight", &[2, 1], &[0.5, -0.5]), ("0.bias", &[2], &[0.0, 0.0])],
        &[&[1.0], &[2.0]],
        Target::Classes(vec![0, 1]),
        "CrossEntropyLoss(ignore_index=1)",
    );
    let found = ask(&ignored, "0.weight[0,0]");
    assert_eq!(found.verdict, Verdict::NotZero);
    assert_eq!([found.rows[0].closed, found.rows[1].closed], [false, true]);
    assert!(words(&found).contains("does not count the row"), "{}", words(&found));
}

#[test]
fn dropout_is_named() {
    let sample = random("Sequential(Linear(2, 6), Dropout(0.9), Linear(6, 1))", 1, "mse", 3);
    let config = SettingConfig { mode: Mode::Train, ..SettingConfig::default() };
    let setting = sample.with(config);
    let dropped = (0..6)
        .map(|unit| {
            let weight = Weight { key: "0.bias".into(), index: vec![unit] };
            why_zero(&setting, &weight).unwrap()
        })
        .filter(|found| found.rows[0].causes.iter().any(|c| matches!(c, Cause::Dropped { .. })));
    assert!(dropped.count() >= 3);
}

#[test]
fn shares_that_cancel_are_told_apart() {
    // y = w·x with rows (1, 1) and (−1, 1) at w = 0: shares −1 and 1.
    let found = ask(
        &sample(
            "Sequential(Linear(1, 1, bias=False))",
            &[("0.weight", &[1, 1], &[0.0])],
            &[&[1.0], &[-1.0]],
            values(&[1.0, 1.0]),
            "mse",
        ),
        "0.weight[0,0]",
    );
    assert_eq!(found.verdict, Verdict::Cancels);
    assert_eq!((found.rows[0].share, found.rows[1].share), (-1.0, 1.0));
    assert!(words(&found).contains("they cancel in the sum"), "{}", words(&found));
}

#[test]
fn a_slope_parameter_has_rows_too() {
    let positive = sample(
        "Sequential(PReLU(), Linear(1, 1))",
        &[("0.weight", &[1], &[0.25]), ("1.weight", &[1, 1], &[1.0]), ("1.bias", &[1], &[0.0])],
        &[&[1.0], &[2.0]],
        values(&[0.0, 0.0]),
        "mse",
    );
    let found = ask(&positive, "0.weight[0]");
    assert_eq!(found.verdict, Verdict::EveryRow, "{found:?}");
    assert!(matches!(found.rows[1].causes[0], Cause::Factor { .. }));
}

#[test]
fn verdicts_agree_with_the_gradients() {
    for seed in 0..12 {
        let notation = ["2-6-4-2", "3-5-5-1", "2-4t-4r-2"][seed as usize % 3];
        let sample = random(notation, 4, "mse", seed);
        let setting = sample.setting();
        let mut zero = 0;
        for parameter in setting.parameters() {
            for element in 0..parameter.shape.iter().product() {
                let weight = setting.weight(parameter, element);
                let found = why_zero(&setting, &weight).unwrap();
                let sum: f64 = found.rows.iter().map(|row| row.share).sum();
                let gradient = f64::from(found.gradient);
                assert!((sum - gradient).abs() <= 1e-4 * gradient.abs().max(1e-2), "{weight}");
                match found.verdict {
                    Verdict::EveryRow => {
                        zero += 1;
                        assert!(gradient.abs() < 1e-5, "{weight} {gradient}");
                        assert!(found.rows.iter().all(|row| !row.causes.is_empty()));
                    }
                    Verdict::NotZero => assert_ne!(gradient, 0.0),
                    Verdict::Cancels | Verdict::Unused => {}
                }
            }
        }
        let all = zero_gradients(&setting).unwrap();
        assert_eq!(all.count(), zero, "{notation} {seed}");
        assert_eq!(all.weights, sample.network.parameter_count());
    }
}

#[test]
fn all_weights_are_grouped() {
    let found = zero_gradients(&manual(-0.1, 0.1).setting()).unwrap();
    assert_eq!((found.count(), found.weights, found.rows), (2, 2, 3));
    let words =
        Document { title: Text::default(), blocks: found.blocks(RowNames::default()) }.plain();
    assert!(words.contains("2 of 2 weights"), "{words}");
    // Two dead units of a layer are said in one sentence.
    let dead = sample(
        "Sequential(Linear(1, 3), ReLU(), Linear(3, 1))",
        &[
            ("0.weight", &[3, 1], &[-1.0, -2.0, 1.0]),
            ("0.bias", &[3], &[0.0, 0.0, 0.0]),
            ("2.weight", &[1, 3], &[1.0, 1.0, 1.0]),
            ("2.bias", &[1], &[0.0]),
        ],
        &[&[1.0], &[2.0]],
        values(&[0.0, 0.0]),
        "mse",
    );
    let found = zero_gradients(&dead.setting()).unwrap();
    let words =
        Document { title: Text::default(), blocks: found.blocks(RowNames::default()) }.plain();
    for part in [
        "6 of 10 weights",
        "units 1, 2 of layer \"0\" (ReLU after it) are dead in every row",
        "units 1, 2 of layer \"1\" (ReLU) are 0 in every row",
    ] {
        assert!(words.contains(part), "{part}\n{words}");
    }
    // The exercise's second unit is on at (0, 0) only, where both inputs are 0.
    let found = zero_gradients(&two_units().setting()).unwrap();
    let names: Vec<String> = found.groups[0].weights.iter().map(ToString::to_string).collect();
    assert_eq!(names.len() + found.groups[1].weights.len(), found.count());
    assert_eq!(names, ["0.weight[1, 0]"]);
    assert_eq!(found.count(), 2);
}

#[test]
fn a_saturated_unit_is_not_said_to_be_exactly_zero() {
    // tanh' (190) is about 1e-165 in f64 and 0 in f32.
    let found = ask(&chain("Tanh()", 1.0, 1.0, &[(190.0, 0.0)]), "0.weight[0,0]");
    assert_eq!(found.verdict, Verdict::EveryRow);
    let words = words(&found);
    assert!(words.contains("f32") && words.contains("saturated"), "{words}");
    assert!(!words.contains("a factor is zero.") && !words.contains("every row"), "{words}");
    let dead = ask(&chain("ReLU()", -1.0, 1.0, &[(1.0, 2.0)]), "0.weight[0,0]");
    assert!(
        dead.answer().ends_with("zero in this row: on each path to the loss a factor is zero.")
    );
}
