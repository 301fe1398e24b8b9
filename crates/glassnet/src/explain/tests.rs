//! Explanations add up: paths to gradients, steps to the engine's, numbers to those of the exercise.

use super::update::lines;
use super::{Config, Explanation, Labels, Rows, Weight, explain};
use crate::error::Result;
use crate::nn::loss::Criterion;
use crate::nn::{self, Network, StateDict};
use crate::tensor::{Tensor, Value};
use crate::train::optimizer::Optimizer;
use crate::train::{Features, Target};

fn rows(width: usize, count: usize, target: Target) -> Result<Rows> {
    let numbers = (0..width * count).map(|at| ((at * 7 + 3) % 11) as f32 * 0.2 - 0.9).collect();
    Ok(Rows {
        features: Features::Floats(Tensor::new([count, width], numbers)?),
        target: Some(target),
        labels: Labels::default(),
    })
}

fn asked(loss: &str, weight: Option<&str>) -> Result<Config> {
    Ok(Config {
        criterion: Some(Criterion::parse(loss)?),
        backward: true,
        weight: weight.map(Weight::parse).transpose()?,
        ..Config::default()
    })
}

fn network(notation: &str, weights: &[(&str, &[usize], &[f32])]) -> Result<Network> {
    let mut state = StateDict::new();
    for (key, shape, values) in weights {
        state.insert(*key, Value::F32(Tensor::new(shape.to_vec(), values.to_vec())?));
    }
    Network::with_state(nn::parse(notation)?, &state)
}

/// Task 2.3, with any weights and rows.
fn chain(w1: f32, w2: f32, x: &[f32], y: &[f32], weight: &str) -> Result<Explanation> {
    let notation = "Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())";
    let weights: [(&str, &[usize], &[f32]); 2] =
        [("0.weight", &[1, 1], &[w1]), ("2.weight", &[1, 1], &[w2])];
    let rows = Rows {
        features: Features::Floats(Tensor::new([x.len(), 1], x.to_vec())?),
        target: Some(Target::Values(Tensor::new([y.len(), 1], y.to_vec())?)),
        labels: Labels::default(),
    };
    explain(&network(notation, &weights)?, &rows, &asked("mse", Some(weight))?)
}

/// The columns of the sheet's table: ∂J/∂ŷ, ∂ŷ/∂a₂, ∂a₂/∂h₁, ∂h₁/∂a₁, ∂a₁/∂w₁ for each row.
fn table(explanation: &Explanation) -> Vec<Vec<f64>> {
    let rows = &explanation.weight.as_ref().unwrap().paths.rows;
    let factors =
        |row: &super::RowPaths| row.paths[0].steps.iter().rev().map(|step| step.factor).collect();
    rows.iter().map(factors).collect()
}

#[test]
fn the_dead_relu_of_task_2_3() -> Result<()> {
    let explanation = chain(-0.1, 0.1, &[1.0, 2.0, 10.0], &[0.0, 0.3, 1.0], "0.weight[0,0]")?;
    let wanted =
        [[0.0, 0.0, 0.1, 0.0, 1.0], [-0.2, 0.0, 0.1, 0.0, 2.0], [-2.0 / 3.0, 0.0, 0.1, 0.0, 10.0]];
    for (found, wanted) in table(&explanation).iter().zip(wanted) {
        for (found, wanted) in found.iter().zip(wanted) {
            assert!((found - wanted).abs() < 1e-15, "{found} {wanted}");
        }
    }
    assert_eq!(explanation.trace.exact_loss(), Some(109.0 / 300.0));
    let weight = explanation.weight.as_ref().unwrap();
    assert_eq!((weight.gradient, weight.exact_gradient, weight.paths.total), (0.0, 0.0, 0.0));
    assert_eq!(weight.difference.slope, 0.0);
    let text = explanation.document().plain();
    for line in [
        "∂J/∂w⁽¹⁾ = ∂J/∂ŷ·∂ŷ/∂a⁽²⁾·∂a⁽²⁾/∂h⁽¹⁾·∂h⁽¹⁾/∂a⁽¹⁾·∂a⁽¹⁾/∂w⁽¹⁾",
        "row 3 | −0.666667 | 0 | 0.1 | 0 | 10 | 0",
        "J = (0 + 0.09 + 1)/3 ≈ 0.363333",
        "a⁽¹⁾ = −0.1·10 = −1",
        "training takes 0, as PyTorch does",
        "on the kink: convention",
        "from −0.1 to 106/105: the loss goes from 109/300",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let data = serde_json::to_value(explanation.data()).unwrap();
    let path = &data["weight"]["rows"][1]["paths"][0];
    assert_eq!(path["through"], serde_json::json!([["0", 0], ["1", 0], ["2", 0], ["3", 0]]));
    for (factor, wanted) in
        path["factors"].as_array().unwrap().iter().zip([2.0, 0.0, 0.1, 0.0, -0.2])
    {
        assert!((factor.as_f64().unwrap() - wanted).abs() < 1e-15);
    }
    Ok(())
}

/// The same table on other numbers, against the formulas worked out here.
#[test]
fn the_table_of_task_2_3_on_other_numbers() -> Result<()> {
    for (w1, w2, x, y) in [
        (0.5_f32, 0.25_f32, [1.0_f32, -2.0, 4.0], [0.5_f32, 0.25, 1.5]),
        (-0.5, 2.0, [-1.0, 3.0, -0.5], [1.0, 0.0, 2.0]),
        (1.5, -0.75, [2.0, 0.5, -8.0], [0.0, 0.125, 1.0]),
    ] {
        let explanation = chain(w1, w2, &x, &y, "0.weight")?;
        let (w1, w2) = (f64::from(w1), f64::from(w2));
        let mut total = 0.0;
        for (row, found) in table(&explanation).iter().enumerate() {
            let (x, y) = (f64::from(x[row]), f64::from(y[row]));
            let a1 = w1 * x;
            let a2 = w2 * a1.max(0.0);
            let step = |value: f64| f64::from(u8::from(value > 0.0));
            let wanted = [2.0 / 3.0 * (a2.max(0.0) - y), step(a2), w2, step(a1), x];
            for (found, wanted) in found.iter().zip(wanted) {
                assert!((found - wanted).abs() < 1e-15, "row {row}: {found} {wanted}");
            }
            total += wanted.iter().product::<f64>();
        }
        let weight = explanation.weight.as_ref().unwrap();
        assert!((weight.paths.total - total).abs() < 1e-14);
        assert!((weight.exact_gradient - total).abs() < 1e-14);
    }
    Ok(())
}

#[test]
fn the_network_of_task_2_5_stands_on_two_kinks() -> Result<()> {
    let weights: [(&str, &[usize], &[f32]); 4] = [
        ("0.weight", &[2, 2], &[3.21, 3.21, -2.34, -2.34]),
        ("0.bias", &[2], &[-3.21, 2.34]),
        ("2.weight", &[2, 2], &[3.19, 4.64, -2.68, -3.44]),
        ("2.bias", &[2], &[-4.08, 4.42]),
    ];
    let x = Tensor::from_rows(&[[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0_f32]])?;
    let rows = Rows {
        features: Features::Floats(x),
        target: Some(Target::Classes(vec![0, 1, 1, 0])),
        labels: Labels::default(),
    };
    let explanation = explain(
        &network("2-2-2", &weights)?,
        &rows,
        &asked("cross_entropy", Some("0.weight[0,1]"))?,
    )?;
    assert_eq!(explanation.trace.loss_value(), Some(0.00011732114));
    assert!((explanation.trace.exact_loss().unwrap() - 0.000117333929).abs() < 5e-13);
    let weight = explanation.weight.as_ref().unwrap();
    assert!((weight.exact_gradient - -4.73e-5).abs() < 5e-8);
    assert!((weight.paths.total - weight.exact_gradient).abs() < 1e-18);
    // Beside the kink the slope is another: 2.51e-4 to the right.
    assert_eq!(weight.difference.kinks, 1);
    assert!((weight.difference.above - 2.51e-4).abs() < 1e-6, "{:?}", weight.difference);
    assert!((weight.difference.below - -4.73e-5).abs() < 1e-7);
    let text = explanation.document().plain();
    for line in [
        "a₁⁽¹⁾ = 3.21·0 + 3.21·1 − 3.21 = 0",
        "a₂⁽¹⁾ = −2.34·0 − 2.34·1 + 2.34 = 0",
        "h₁⁽¹⁾ (in rows 2, 3), h₂⁽¹⁾ (in rows 2, 3) lie exactly on the kink of ReLU at 0",
        "6.7775993",
        "0.00011732114",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let data = serde_json::to_value(explanation.data()).unwrap();
    assert_eq!(data["schema"], "glassnet.explain/1");
    assert_eq!(data["rows"][1]["layers"][1]["kink"], serde_json::json!([0, 1]));
    assert_eq!(data["rows"][0]["output"], serde_json::json!([6.7775993, -3.6295996]));
    assert_eq!(data["gradients_mean"]["0.weight"][1], serde_json::json!([0.0, 0.0]));
    Ok(())
}

/// Loss and gradients of 2-2-2 networks with other weights, against plain loops.
#[test]
fn the_networks_of_task_2_5_on_other_numbers() -> Result<()> {
    use crate::math::random::Stream;
    let x = [[0.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    for seed in 0..3 {
        let mut stream = Stream::at(seed, 0, 0);
        let mut eighths = |count: usize| -> Vec<f32> {
            (0..count).map(|_| (stream.uniform_f64() * 64.0).floor() as f32 / 8.0 - 4.0).collect()
        };
        let (w1, b1, w2, b2) = (eighths(4), eighths(2), eighths(4), eighths(2));
        let classes: Vec<i64> = eighths(4).iter().map(|v| i64::from(*v > 0.0)).collect();
        let weights: [(&str, &[usize], &[f32]); 4] = [
            ("0.weight", &[2, 2], &w1),
            ("0.bias", &[2], &b1),
            ("2.weight", &[2, 2], &w2),
            ("2.bias", &[2], &b2),
        ];
        let rows = Rows {
            features: Features::Floats(Tensor::from_rows(&x)?),
            target: Some(Target::Classes(classes.clone())),
            labels: Labels::default(),
        };
        let found = explain(
            &network("2-2-2", &weights)?,
            &rows,
            &asked("cross_entropy", Some("0.weight[1,0]"))?,
        )?;
        let at = |values: &[f32], i: usize| f64::from(values[i]);
        let (mut loss, mut slope) = (0.0, 0.0);
        for (x, &class) in x.iter().zip(&classes) {
            let a: Vec<f64> = (0..2)
                .map(|o| at(&w1, 2 * o) * at(x, 0) + at(&w1, 2 * o + 1) * at(x, 1) + at(&b1, o))
                .collect();
            let h: Vec<f64> = a.iter().map(|a| a.max(0.0)).collect();
            let z: Vec<f64> = (0..2)
                .map(|o| at(&w2, 2 * o) * h[0] + at(&w2, 2 * o + 1) * h[1] + at(&b2, o))
                .collect();
            let class = class as usize;
            loss += (z[1 - class] - z[class]).exp().ln_1p() / 4.0;
            let wrong = 1.0 / (1.0 + (z[class] - z[1 - class]).exp()) / 4.0;
            if a[1] > 0.0 {
                slope += wrong * (at(&w2, 2 * (1 - class) + 1) - at(&w2, 2 * class + 1)) * at(x, 0);
            }
        }
        assert!((found.trace.exact_loss().unwrap() - loss).abs() <= 1e-14 * loss.max(1.0));
        let weight = found.weight.as_ref().unwrap();
        assert!((weight.exact_gradient - slope).abs() < 1e-14, "{} {slope}", weight.exact_gradient);
        assert!((weight.paths.total - slope).abs() < 1e-14);
    }
    Ok(())
}

#[test]
fn paths_add_up_to_the_gradient_whatever_the_network() -> Result<()> {
    let mut alive = 0;
    for (notation, loss, weights) in [
        (
            "4-5-3",
            "cross_entropy",
            &["0.weight[2,1]", "0.bias[3]", "2.weight[1,4]", "2.bias[0]"][..],
        ),
        ("4-5t-4s-3", "mse", &["0.weight[2,1]", "2.weight[3,0]"]),
        (
            "Sequential(Linear(4, 5), LayerNorm(5), GELU(), Linear(5, 3))",
            "huber",
            &["0.weight[0,0]", "1.weight[2]", "1.bias[4]"],
        ),
        (
            "Sequential(Linear(4, 4), Residual(Linear(4, 4), ReLU()), Linear(4, 3))",
            "cross_entropy",
            &["0.weight[1,1]", "1.0.weight[2,3]"],
        ),
        (
            "Sequential(Linear(4, 5), BatchNorm1d(5), PReLU(), Linear(5, 3))",
            "l1",
            &["0.weight[1,2]", "1.weight[0]", "2.weight[0]"],
        ),
        (
            "Sequential(Linear(4, 5), SiLU(), Linear(5, 3), Softmax(dim=1))",
            "bce",
            &["0.weight[1,2]"],
        ),
    ] {
        let network = Network::new(nn::parse(notation)?, 1)?;
        let target = match loss {
            "cross_entropy" => Target::Classes(vec![0, 2]),
            _ => Target::Values(Tensor::new([2, 3], vec![0.1, 0.9, 0.4, 0.6, 0.2, 0.8])?),
        };
        for weight in weights {
            let found =
                explain(&network, &rows(4, 2, target.clone())?, &asked(loss, Some(weight))?)?;
            let result = found.weight.as_ref().unwrap();
            let name = format!("{notation} {weight}");
            assert!(result.paths.complete && result.paths.count >= 2.0, "{name}");
            assert!(
                (result.paths.total - result.exact_gradient).abs() < 1e-14,
                "{name}: {} {}",
                result.paths.total,
                result.exact_gradient
            );
            alive += usize::from(result.exact_gradient != 0.0);
            let slope = &result.difference;
            assert_eq!(slope.kinks, 0, "{name}");
            assert!(
                (slope.slope - result.exact_gradient).abs() <= 10.0 * slope.error + 1e-9,
                "{name}: {slope:?} {}",
                result.exact_gradient
            );
            for row in &result.paths.rows {
                for path in &row.paths {
                    let product: f64 = path.steps.iter().map(|step| step.factor).product();
                    assert!((product - path.product).abs() <= 1e-12 * product.abs(), "{name}");
                    assert_eq!(path.steps.last().map(|step| step.node), found.trace.loss());
                }
                let sizes: Vec<f64> = row.paths.iter().map(|path| path.product.abs()).collect();
                assert!(sizes.is_sorted_by(|a, b| a >= b), "{name}");
            }
        }
    }
    assert!(alive >= 10, "{alive}");
    Ok(())
}

/// All paths through a two-layer network by brute force: the listed ones are the largest.
#[test]
fn the_paths_that_are_listed_are_the_largest() -> Result<()> {
    let network = Network::new(nn::parse("2-4t-5t-1")?, 7)?;
    let rows = rows(2, 1, Target::Values(Tensor::new([1, 1], vec![0.5])?))?;
    let found = explain(&network, &rows, &asked("mse", Some("0.weight[1,0]"))?)?;
    let trace = &found.trace;
    let exact = |node| trace.exact(node).unwrap();
    let (h1, h2) =
        (exact(trace.layer("1").unwrap().output), exact(trace.layer("3").unwrap().output));
    let weights = |key: &str| exact(trace.parameter(key).unwrap().node);
    let (w2, w3) = (weights("2.weight"), weights("4.weight"));
    let above = 2.0 * (exact(trace.output())[0] - 0.5);
    let x = exact(trace.input().unwrap())[0];
    let mut products: Vec<f64> = (0..5)
        .map(|unit| {
            above
                * w3[unit]
                * (1.0 - h2[unit].powi(2))
                * w2[unit * 4 + 1]
                * (1.0 - h1[1].powi(2))
                * x
        })
        .collect();
    products.sort_by(|a, b| b.abs().total_cmp(&a.abs()));
    let row = &found.weight.as_ref().unwrap().paths.rows[0];
    assert_eq!(row.count, 5.0);
    for (path, wanted) in row.paths.iter().zip(&products) {
        assert!((path.product - wanted).abs() < 1e-15, "{} {wanted}", path.product);
    }
    assert!((row.rest() - products[3..].iter().sum::<f64>()).abs() < 1e-15);
    Ok(())
}

#[test]
fn every_step_is_the_engine_s() -> Result<()> {
    let network = Network::new(nn::parse("3-4-2")?, 5)?;
    for notation in [
        "SGD(lr=0.1)",
        "SGD(lr=0.1, momentum=0.9, weight_decay=0.1)",
        "SGD(lr=0.1, momentum=0.9, nesterov=True, maximize=True)",
        "Adam(lr=0.01)",
        "Adam(lr=0.01, weight_decay=0.1, amsgrad=True)",
        "AdamW(lr=0.01, weight_decay=0.5)",
        "NAdam(lr=0.01)",
        "NAdam(lr=0.01, weight_decay=0.1, decoupled_weight_decay=True)",
        "RAdam(lr=0.01)",
        "RMSprop(lr=0.01)",
        "RMSprop(lr=0.01, momentum=0.9, centered=True)",
        "Adagrad(lr=0.01, initial_accumulator_value=0.5)",
        "Adadelta(lr=0.5)",
    ] {
        let optimizer = Optimizer::parse(notation)?;
        let config =
            Config { optimizer: Some(optimizer), ..asked("cross_entropy", Some("0.weight[1,2]"))? };
        let found = explain(&network, &rows(3, 2, Target::Classes(vec![0, 1]))?, &config)?;
        let update = found.update.as_ref().unwrap();
        for at in 0..update.before.len() {
            let steps = lines(&optimizer, update.before[at].into(), update.gradients[at].into());
            let (last, after) = (steps.last().unwrap().value, f64::from(update.after[at]));
            assert!(
                (last - after).abs() <= 2e-6 * (1e-2 + after.abs()),
                "{notation}: {last} {after}"
            );
        }
        assert!(found.document().plain().contains("One step of"), "{notation}");
    }
    Ok(())
}

#[test]
fn documents_stay_short() -> Result<()> {
    let wide = Network::new(nn::parse("784-128-64-10")?, 0)?;
    let deep = Network::new(nn::parse(&format!("8{}-3", "-16t".repeat(40)))?, 0)?;
    for (network, width, weight) in [(&wide, 784, "0.weight[5,7]"), (&deep, 8, "0.weight[5,7]")] {
        for count in [1, 7] {
            let classes = (0..count).map(|row| row as i64 % 3).collect();
            let config = Config {
                optimizer: Some(Optimizer::parse("adam")?),
                ..asked("cross_entropy", Some(weight))?
            };
            let found = explain(network, &rows(width, count, Target::Classes(classes))?, &config)?;
            let text = found.document().plain();
            let lines = text.lines().filter(|line| !line.is_empty()).count();
            assert!(lines <= 250, "{lines} lines");
            assert!(text.contains("Left out"), "{text}");
        }
    }
    Ok(())
}

/// The terms of a unit that are shown and the rest add up to what the unit is.
#[test]
fn what_is_left_out_is_said() -> Result<()> {
    let network = Network::new(nn::parse("12-7-2")?, 3)?;
    let found =
        explain(&network, &rows(12, 1, Target::Classes(vec![1]))?, &asked("cross_entropy", None)?)?;
    let text = found.document().plain();
    assert!(text.contains("[9 more terms]"), "{text}");
    let line = text.lines().find(|line| line.contains("[9 more terms]")).unwrap();
    let value =
        |text: &str| text.replace('−', "-").replace(['(', ')'], "").trim().parse::<f64>().unwrap();
    let (_, right) = line.split_once(" = ").unwrap();
    let (sum, total) = right.split_once(" ≈ ").unwrap();
    let sum = sum.replace(" [9 more terms]", "").replace(" − ", " + −");
    let terms = sum.split(" + ").map(|term| term.split('·').map(value).product::<f64>());
    assert!((terms.sum::<f64>() - value(total)).abs() < 5e-6, "{line}");
    Ok(())
}

/// 0.1 + 0.2 − 0.3 is 0 in decimals and in f32's rounding is not; 1000.1 − 1000 loses digits.
#[test]
fn lost_digits_are_shown() -> Result<()> {
    let weights: [(&str, &[usize], &[f32]); 2] =
        [("weight", &[1, 2], &[1000.1, -1000.0]), ("bias", &[1], &[0.0])];
    let network = network("Linear(2, 1)", &weights)?;
    let rows = Rows {
        features: Features::Floats(Tensor::from_rows(&[[1.0_f32, 1.0]])?),
        target: None,
        labels: Labels::default(),
    };
    let text = explain(&network, &rows, &Config::default())?.document().plain();
    assert!(
        text.contains("In f64 ŷ = 0.1: its terms cancel, which costs 4.3 decimal digits."),
        "{text}"
    );
    Ok(())
}

#[test]
fn losses_of_every_sort_are_shown() -> Result<()> {
    let values = || Tensor::new([2, 3], vec![0.2, 0.5, 0.9, 0.4, 0.7, 0.1]);
    for loss in [
        "mse",
        "l1",
        "smooth_l1",
        "HuberLoss(delta=0.3)",
        "bce",
        "bce_with_logits",
        "kl_div",
        "poisson_nll",
        "CrossEntropyLoss(label_smoothing=0.1)",
        "MSELoss(reduction='sum')",
    ] {
        let notation = if loss == "bce" { "Sequential(Linear(4, 3), Sigmoid())" } else { "4-3" };
        let network = Network::new(nn::parse(notation)?, 2)?;
        let target = match loss.starts_with("Cross") {
            true => Target::Classes(vec![0, 2]),
            false => Target::Values(values()?),
        };
        let found = explain(&network, &rows(4, 2, target)?, &asked(loss, Some("0.weight[0,0]"))?)?;
        let text = found.document().plain();
        assert!(text.contains("The loss, the "), "{loss}: {text}");
        let weight = found.weight.as_ref().unwrap();
        assert!((weight.paths.total - weight.exact_gradient).abs() < 1e-14, "{loss}");
    }
    let network = Network::new(nn::parse("Sequential(Linear(4, 3), LogSoftmax(dim=1))")?, 2)?;
    let found = explain(&network, &rows(4, 2, Target::Classes(vec![0, 2]))?, &asked("nll", None)?)?;
    assert!(found.document().plain().contains("The loss, the mean over 2 rows"));
    Ok(())
}

#[test]
fn what_does_not_fit_is_told() -> Result<()> {
    let network = Network::new(nn::parse("3-4-2")?, 5)?;
    let target = || Target::Classes(vec![0, 1]);
    let fails =
        |rows: &Rows, config: &Config| explain(&network, rows, config).unwrap_err().to_string();
    let rows_ = rows(3, 2, target())?;
    let message = fails(&rows_, &asked("cross_entropy", Some("0.weihgt[0,0]"))?);
    assert!(message.contains("did you mean 0.weight?"), "{message}");
    let message = fails(&rows_, &asked("cross_entropy", Some("0.weight[4,0]"))?);
    assert!(message.contains("0.weight[3, 2]"), "{message}");
    let message = fails(&rows_, &asked("cross_entropy", Some("0.weight"))?);
    assert!(message.contains("0.weight[0, 0]"), "{message}");
    let message = fails(&Rows { target: None, ..rows_.clone() }, &asked("cross_entropy", None)?);
    assert!(message.contains("true value"), "{message}");
    let message = fails(&rows(3, 2, Target::Classes(vec![0, 2]))?, &asked("cross_entropy", None)?);
    assert!(message.contains("out of bounds"), "{message}");
    for bad in ["0.weight[", "0.weight[a]", "0.weight[1]x"] {
        assert!(Weight::parse(bad).is_err(), "{bad}");
    }
    Ok(())
}
