//! Softmax against the textbook's formulas.

use super::*;

fn labels(names: &str) -> Vec<String> {
    names.split(',').map(str::to_owned).collect()
}

/// The same by the textbook's formulas, in plain f64.
fn check(names: &str, scores: &[f64], class: usize) {
    let labels = labels(names);
    let found = softmax(&labels, scores, Some(&labels[class])).unwrap();
    let near = |a: f64, b: f64| assert!((a - b).abs() <= 1e-13 * b.abs().max(1e-3), "{a} {b}");
    let exponentials: Vec<f64> = scores.iter().map(|z| z.exp()).collect();
    let sum: f64 = exponentials.iter().sum();
    let truth = found.truth.as_ref().unwrap();
    near(found.sum, sum);
    near(found.log_sum_exp, sum.ln());
    near(truth.loss, -(exponentials[class] / sum).ln());
    for at in 0..scores.len() {
        near(found.exponentials[at], exponentials[at]);
        near(found.probabilities[at], exponentials[at] / sum);
        near(truth.gradient[at], exponentials[at] / sum - f64::from(u8::from(at == class)));
        assert!((f64::from(found.probabilities_f32[at]) - exponentials[at] / sum).abs() < 1e-6);
        assert!(exponentials[at] <= exponentials[found.predicted]);
    }
    assert!((f64::from(truth.loss_f32) - truth.loss).abs() < 1e-5);
    assert!((truth.by_hand.loss - truth.loss).abs() < 6e-3);
}

#[test]
fn the_sheets_numbers_to_the_printed_digit() {
    let found = softmax(&labels("A,B,C"), &[7.0, 1.0, 2.2], Some("A")).unwrap();
    let text = |value: f64, places: usize| format!("{value:.places$}");
    let list = |values: &[f64], places| {
        values.iter().map(|&value| text(value, places)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list(&found.exponentials, 3), "1096.633 2.718 9.025");
    assert_eq!(text(found.sum, 3), "1108.376");
    let percent: Vec<f64> = found.probabilities.iter().map(|p| p * 100.0).collect();
    assert_eq!(list(&percent, 3), "98.940 0.245 0.814");
    let truth = found.truth.as_ref().unwrap();
    assert_eq!(text(truth.loss, 6), "0.010652");
    assert_eq!(list(&truth.gradient, 6), "-0.010595 0.002452 0.008143");
    assert_eq!(truth.by_hand.probability, 0.989);
    assert_eq!(text(truth.by_hand.loss, 5), "0.01106");
    let shown = found.document().plain();
    for piece in [
        "∂J/∂zᵢ = P(y = i | x) − yᵢ",
        "m + lnΣⱼ e^(zⱼ − m)",
        "1096.633",
        "1108.376",
        "98.940 %",
        "0.245 %",
        "0.814 %",
        "predicts A",
        "0.010652",
        "0.01106",
        "0.011",
        "1097",
        "2.72",
        "9.03",
        "98.9 %",
        "0.002452",
    ] {
        assert!(shown.contains(piece), "{piece}: {shown}");
    }
}

#[test]
fn other_numbers_are_right_too() {
    check("A,B,C", &[7.0, 1.0, 2.2], 0);
    check("cat,dog", &[-0.5, -2.25], 1);
    check("a,b,c,d,e", &[0.1, -3.0, 4.5, 4.25, 1.0], 3);
    check("0,1,2,3,4,5,6,7", &[-8.0, -7.5, -7.0, -9.0, -6.5, -6.0, -5.9, -10.0], 6);
    check("one", &[3.0], 0);
}

#[test]
fn large_scores_go_the_stable_way() {
    let found = softmax(&labels("a,b"), &[1000.0, 999.0], Some("b")).unwrap();
    assert_eq!(found.sum, f64::INFINITY);
    assert!((found.probabilities[0] - 1.0 / (1.0 + (-1.0f64).exp())).abs() < 1e-15);
    assert!((found.log_sum_exp - (1000.0 + (1.0 + (-1.0f64).exp()).ln())).abs() < 1e-12);
    assert!(found.document().plain().contains("larger than any f64"));
}

/// What cannot be computed is told; nothing is shown that is not so.
#[test]
fn scores_at_the_ends_of_floats() {
    let shown = |scores: &[f64], truth: Option<&str>| {
        let shown = softmax(&labels("A,B"), scores, truth).unwrap().document().plain();
        for wrong in ["NaN", "≈ ∞", "log(0) ≈", "log(0.000000)"] {
            assert!(!shown.contains(wrong), "{scores:?} {wrong}: {shown}");
        }
        shown
    };
    let both = shown(&[-1000.0, -2000.0], None);
    assert!(both.contains("as it stands for A, B;") && !both.contains("0/(0 + 0)"), "{both}");
    let second = shown(&[-700.0, -750.0], None);
    assert!(second.contains("as it stands for B;"), "{second}");
    let alike = shown(&[-800.0, -801.0], Some("A"));
    assert!(alike.contains("for A, B;") && alike.contains("0.313262"), "{alike}");
    let far = shown(&[1000.0, 0.0], Some("B"));
    assert!(far.contains("1000.000000") && far.contains("from P no loss can be computed"), "{far}");
    assert!(far.contains("computes J = 1000"), "{far}");
    let farthest = shown(&[1e308, -1e308], Some("B"));
    assert!(farthest.contains("larger than any f64 (1.8e308)"), "{farthest}");
    assert!(farthest.contains("cannot: the score 1·10³⁰⁸ is beyond the largest f32"), "{farthest}");
    let beyond = shown(&[3e38, -3e38], Some("B"));
    assert!(beyond.contains("cannot: J is beyond the largest f32"), "{beyond}");
    assert!(beyond.contains("6·10³⁸"), "{beyond}");
}

#[test]
fn many_classes_are_cut_with_their_rest() {
    let labels: Vec<String> = (0..1000).map(|class| format!("c{class}")).collect();
    let scores: Vec<f64> = (0..1000).map(|class| f64::from(class % 37) / 10.0).collect();
    let shown = softmax(&labels, &scores, Some("c500")).unwrap().document().plain();
    assert!(shown.contains("988 less probable classes"), "{shown}");
    assert!(shown.contains("c500"));
    assert!(shown.lines().count() < 120);
}

#[test]
fn bad_numbers_and_labels_are_told() {
    for (names, scores, truth, piece) in [
        ("A,B", vec![1.0], None, "2 labels for 1 score"),
        ("A,A", vec![1.0, 2.0], None, "twice"),
        ("A,B", vec![1.0, f64::NAN], None, "the score of B is NaN"),
        ("spring,summer", vec![1.0, 2.0], Some("sumer"), "did you mean summer?"),
        ("A,B", vec![1.0, 2.0], Some("C"), "there is no class \"C\""),
    ] {
        let error = softmax(&labels(names), &scores, truth).unwrap_err().to_string();
        assert!(error.contains(piece), "{error}");
    }
    assert!(softmax(&[], &[], None).is_err());
}
