//! 2.5: networks evaluated and differentiated.

use super::*;

const TWO_UNITS: &str = "Sequential(Linear(2, 2), ReLU(), Linear(2, 2))";
const TWO_WEIGHTS: &str = r#"{"0.weight": [[3.21, 3.21], [-2.34, -2.34]], "0.bias": [-3.21, 2.34],
    "2.weight": [[3.19, 4.64], [-2.68, -3.44]], "2.bias": [-4.08, 4.42]}"#;
const THREE_UNITS: &str = "Sequential(Linear(2, 3), ReLU(), Linear(3, 2))";
const THREE_WEIGHTS: &str = r#"{"0.weight": [[3.21, 3.21], [-2.34, -2.34], [0, 0]], "0.bias": [-3.21, 2.34, 0],
    "2.weight": [[3.19, 4.64, 0], [-2.68, -3.44, 0]], "2.bias": [-4.08, 4.42]}"#;
const PRINTED: &str = "\
Raw prediction logits:
[[ 6.7775993 -3.6295996]
 [-4.08       4.42     ]
 [-4.08       4.42     ]
 [ 6.1599007 -4.1828003]]
Prediction after softmax:
[[9.9996984e-01 3.0213278e-05]
 [2.0342699e-04 9.9979657e-01]
 [2.0342699e-04 9.9979657e-01]
 [9.9996781e-01 3.2226122e-05]]
True labels, one-hot encoded:
[[1. 0.]
 [0. 1.]
 [0. 1.]
 [1. 0.]]
Loss: 0.00011732114";

fn xor<'a>(network: &'a str, weights: &'a str) -> Vec<&'a str> {
    let rows = ["--input", "0,0; 0,1; 1,0; 1,1", "--true", "0; 1; 1; 0", "--backward"];
    [&["explain", network, "--weights", weights][..], &rows].concat()
}

#[test]
fn both_networks_print_the_sheet_s_text() {
    for (network, weights) in [(TWO_UNITS, TWO_WEIGHTS), (THREE_UNITS, THREE_WEIGHTS)] {
        let text = text(&xor(network, weights));
        let indented: Vec<String> = PRINTED.lines().map(|line| format!("    {line}")).collect();
        assert!(text.contains(&indented.join("\n")), "{text}");
        // The slip of the sheet: f32's loss, and the true one beside it.
        assert!(text.contains("0.000117333929"), "{text}");
    }
}

#[test]
fn two_rows_lie_on_both_kinks() {
    let answer = json(&xor(TWO_UNITS, TWO_WEIGHTS));
    let kinks: Vec<&Value> =
        answer["rows"].as_array().unwrap().iter().map(|row| &row["layers"][1]["kink"]).collect();
    let (none, both) = (serde_json::json!([]), serde_json::json!([0, 1]));
    assert_eq!(kinks, [&none, &both, &both, &none]);
    // With the convention ReLU'(0) = 0 the first row of the gradient is -4.73e-5.
    for gradient in &rows(&answer["gradients_mean"]["0.weight"])[0] {
        assert_eq!(format!("{gradient:.2e}"), "-4.73e-5");
    }
    // With the other convention it would be 2.51e-4.
    let text = text(&xor(TWO_UNITS, TWO_WEIGHTS));
    assert!(text.contains("0.000251") && text.contains("other convention"), "{text}");
    close(number(&answer["loss_f64"]), 0.000117333929, 1e-12);
    assert_eq!(answer["loss"].to_string(), "0.00011732114");
}

#[test]
fn the_third_unit_has_no_gradient() {
    let answer = json(&xor(THREE_UNITS, THREE_WEIGHTS));
    let mean = &answer["gradients_mean"];
    assert_eq!(rows(&mean["0.weight"])[2], [0.0, 0.0]);
    assert_eq!(numbers(&mean["0.bias"])[2], 0.0);
    for row in rows(&mean["2.weight"]) {
        assert_eq!(row[2], 0.0);
    }
    let two = json(&xor(TWO_UNITS, TWO_WEIGHTS));
    for (three, two) in
        answer["rows"].as_array().unwrap().iter().zip(two["rows"].as_array().unwrap())
    {
        assert_eq!(three["output"], two["output"]);
    }
}

#[test]
fn other_networks_against_a_backward_pass_in_f64() {
    for round in 0..3 {
        let stream = &mut stream(25, round);
        let (inputs, units, classes) = (2, 2 + round as usize, 2 + stream.below(2) as usize);
        let mut matrix = |rows: usize, columns: usize| -> Vec<Vec<f64>> {
            (0..rows).map(|_| (0..columns).map(|_| hundredths(stream, 3)).collect()).collect()
        };
        let (w1, b1) = (matrix(units, inputs), matrix(1, units).remove(0));
        let (w2, b2) = (matrix(classes, units), matrix(1, classes).remove(0));
        let x = matrix(3, inputs);
        let truth: Vec<usize> = (0..3).map(|row| (row + round as usize) % classes).collect();
        let weights =
            serde_json::json!({"0.weight": w1, "0.bias": b1, "2.weight": w2, "2.bias": b2});
        let row_text: Vec<String> = x.iter().map(|row| format!("{},{}", row[0], row[1])).collect();
        let truth_text: Vec<String> = truth.iter().map(usize::to_string).collect();
        let answer = json(&[
            "explain",
            &format!("Sequential(Linear({inputs}, {units}), ReLU(), Linear({units}, {classes}))"),
            "--weights",
            &weights.to_string(),
            "--input",
            &row_text.join(";"),
            "--true",
            &truth_text.join(";"),
            "--backward",
        ]);

        let mut gradient = vec![vec![0.0; inputs]; units];
        let mut loss = 0.0;
        for ((x, truth), row) in x.iter().zip(&truth).zip(answer["rows"].as_array().unwrap()) {
            let dot = |w: &[f64], x: &[f64]| -> f64 { w.iter().zip(x).map(|(w, x)| w * x).sum() };
            let a: Vec<f64> = w1.iter().zip(&b1).map(|(w, b)| dot(w, x) + b).collect();
            let h: Vec<f64> = a.iter().map(|a| a.max(0.0)).collect();
            let z: Vec<f64> = w2.iter().zip(&b2).map(|(w, b)| dot(w, &h) + b).collect();
            all_close(&numbers(&row["output"]), &z, 1e-5);
            let sum: f64 = z.iter().map(|z| z.exp()).sum();
            loss -= (z[*truth].exp() / sum).ln() / 3.0;
            for (unit, gradient) in
                gradient.iter_mut().enumerate().filter(|(unit, _)| a[*unit] > 0.0)
            {
                let upstream: f64 = (0..classes)
                    .map(|class| {
                        let p = z[class].exp() / sum;
                        (p - f64::from(u8::from(class == *truth))) * w2[class][unit] / 3.0
                    })
                    .sum();
                gradient.iter_mut().zip(x).for_each(|(gradient, x)| *gradient += upstream * x);
            }
        }
        close(number(&answer["loss"]), loss, 1e-5);
        all_close(&rows(&answer["gradients_mean"]["0.weight"]).concat(), &gradient.concat(), 1e-5);
    }
}
