//! 2.3: optimisation by hand.

use super::*;

const NETWORK: &str =
    "Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())";

fn manual<'a>(weights: &'a str, data: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let args = ["worked", "manual", NETWORK, "--weights", weights, "--data", data];
    [&args[..], &["--weight", "0.weight[0,0]"], more].concat()
}

fn sheet() -> Vec<&'static str> {
    let weights = r#"{"0.weight": [[-0.1]], "2.weight": [[0.1]]}"#;
    manual(weights, "1:0,2:0.3,10:1", &["--try", "1", "--lr", "0.01,0.05"])
}

#[test]
fn the_table_of_the_dead_network() {
    let answer = json(&sheet());
    let rows = answer["rows"].as_array().unwrap();
    let column = |key: &str, name: &str| -> Vec<f64> {
        rows.iter().map(|row| number(&row[key][name])).collect()
    };
    assert_eq!(column("units", "a₁"), [-0.1, -0.2, -1.0]);
    assert_eq!(column("units", "h₁"), [0.0; 3]);
    assert_eq!(column("units", "a₂"), [0.0; 3]);
    let slopes: Vec<f64> = rows.iter().map(|row| numbers(&row["output_gradient"])[0]).collect();
    all_close(&slopes, &[0.0, -0.2, -2.0 / 3.0], 1e-15);
    assert_eq!(column("factors", "∂h₁/∂a₁"), [0.0; 3]);
    assert!(rows.iter().all(|row| row["gradient"] == 0.0 && row["output"][0] == 0.0));
    assert_eq!(answer["gradient"], 0.0);
    // a2 lies on the kink in every sample, by convention and irrelevant.
    assert!(rows.iter().all(|row| row["on_kink"] == serde_json::json!(["a₂"])));
}

#[test]
fn the_loss_is_exact_along_the_weight() {
    let answer = json(&sheet());
    assert_eq!(answer["exact_loss"], "109/300");
    prints(number(&answer["loss"]), "0.36333");
    assert_eq!(answer["advice"], "increase");
    assert_eq!(answer["minimum_at"], "106/105");
    let tried = &answer["tries"][0];
    prints(number(&tried["loss"]), "0.00667");
    prints(number(&tried["sum_of_squares"]), "0.02");
    let text = text(&sheet());
    for line in
        ["109/300", "7/20·w₁² − 53/75·w₁ + 109/300", "209/31500", "0.0066349", "dead", "Convention"]
    {
        assert!(text.contains(line), "{line}: {text}");
    }
    let flowing = text.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(flowing.contains("whatever the rows"), "{text}");
}

#[test]
fn explain_knows_the_same_parabola() {
    let answer = json(&[
        "explain",
        NETWORK,
        "--weights",
        r#"{"0.weight": [[-0.1]], "2.weight": [[0.1]]}"#,
        "--input",
        "1; 2; 10",
        "--true",
        "0; 0.3; 1",
        "--weight",
        "0.weight[0,0]",
    ]);
    let along = &answer["answers"]["along"];
    assert_eq!(along["knowledge"], "exact");
    let pieces = along["pieces"].as_array().unwrap();
    assert_eq!(pieces.len(), 2);
    assert_eq!(pieces[0]["coefficients"], serde_json::json!(["109/300"]));
    assert_eq!(pieces[1]["coefficients"], serde_json::json!(["109/300", "-53/75", "7/20"]));
    assert_eq!(along["least"]["exact"], "209/31500");
    assert_eq!((&along["advice"], &along["to"]), (&"increase".into(), &"106/105".into()));
    assert_eq!(along["gradient_leads_there"], false);
    assert_eq!(answer["answers"]["why_zero"]["verdict"], "every_row");
}

#[test]
fn three_hundred_steps_of_descent() {
    let answer = json(&sheet());
    let (slow, fast) = (&answer["descent"][0], &answer["descent"][1]);
    prints(number(&slow["loss"]), "0.006635");
    assert_eq!(fast["stuck_after"], 6);
    assert!(numbers(&fast["weights"])[1] < 0.0);
    prints(number(&answer["sharpness"]), "70.69");
    prints(number(&answer["highest_rate"]), "0.0283");
}

#[test]
fn other_data_against_the_chain_rule_in_f64() {
    for round in 0..3 {
        let stream = &mut stream(23, round);
        let data: Vec<(f64, f64)> =
            (0..4).map(|i| (f64::from(i) + 1.0, hundredths(stream, 2))).collect();
        // All alive, some samples alive, and dead.
        let first = [0.3 + hundredths(stream, 1).abs(), 0.5, -0.7][round as usize];
        let second = 0.1 + hundredths(stream, 1).abs();
        let samples: Vec<String> = data.iter().map(|(x, y)| format!("{x}:{y}")).collect();
        let weights = format!("{{\"0.weight\": [[{first}]], \"2.weight\": [[{second}]]}}");
        let samples = samples.join(",");
        let answer = json(&manual(&weights, &samples, &[]));
        let n = data.len() as f64;
        let out = |x: f64| (second * (first * x).max(0.0)).max(0.0);
        let loss: f64 = data.iter().map(|(x, y)| (out(*x) - y).powi(2) / n).sum();
        let slope = |x: f64, y: f64| {
            let alive = first * x > 0.0 && second > 0.0;
            if alive { 2.0 / n * (out(x) - y) * second * x } else { 0.0 }
        };
        close(number(&answer["loss"]), loss, 1e-6);
        for ((x, y), row) in data.iter().zip(answer["rows"].as_array().unwrap()) {
            close(number(&row["gradient"]), slope(*x, *y), 1e-6);
        }
        close(number(&answer["gradient"]), data.iter().map(|(x, y)| slope(*x, *y)).sum(), 1e-6);
        // For positive x the loss is a parabola where w1 > 0: its least value by calculus.
        let (xx, xy): (f64, f64) =
            data.iter().fold((0.0, 0.0), |(xx, xy), (x, y)| (xx + x * x, xy + x * y));
        let best = (xy / (second * xx)).max(0.0);
        let (top, bottom) = answer["minimum_at"]
            .as_str()
            .map(|text| text.split_once('/').unwrap_or((text, "1")))
            .unwrap();
        let found = top.parse::<f64>().unwrap() / bottom.parse::<f64>().unwrap();
        if best > 0.0 {
            close(found, best, 1e-6);
        } else {
            assert!(found <= 0.0, "the loss is flat where w1 is not positive: {found}");
        }
    }
}
