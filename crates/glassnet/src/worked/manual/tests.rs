//! Gradients by hand against independent chains.

use super::*;
use crate::math::random::Stream;
use crate::nn::{self, Module};
use crate::tensor::Tensor;
use crate::train::Features;

/// Task 2.3 of the exercise with the given weights.
fn sheet(w1: f32, w2: f32) -> (Network, Dataset) {
    let module =
        nn::parse("Sequential(Linear(1, 1, bias=False), ReLU(), Linear(1, 1, bias=False), ReLU())")
            .unwrap();
    let state = StateDict::from_iter([
        ("0.weight", Tensor::new([1, 1], vec![w1]).unwrap().into()),
        ("2.weight", Tensor::new([1, 1], vec![w2]).unwrap().into()),
    ]);
    let data = Dataset::new(
        Features::Floats(Tensor::new([3, 1], vec![1.0, 2.0, 10.0]).unwrap()),
        Target::Values(Tensor::new([3, 1], vec![0.0, 0.3, 1.0]).unwrap()),
    )
    .unwrap();
    (Network::with_state(module, &state).unwrap(), data)
}

fn weight(text: &str) -> Weight {
    Weight::parse(text).unwrap()
}

#[test]
fn the_sheets_table() {
    let (network, data) = sheet(-0.1, 0.1);
    let config =
        ManualConfig { tries: vec![1.0], rates: vec![0.01, 0.05], ..ManualConfig::default() };
    let found = manual(&network, &data, &weight("0.weight[0,0]"), &config).unwrap();
    assert_eq!(found.symbol, "w1");
    let names: Vec<String> = found.chain.units.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["a₁", "h₁", "a₂"]);
    let rows: Vec<(f64, Vec<f64>, f64, f64)> = found
        .rows
        .iter()
        .map(|row| {
            let rounded = row.units.iter().map(|v| (v * 1e9).round() / 1e9).collect();
            (row.input[0], rounded, row.output[0], row.slope)
        })
        .collect();
    assert_eq!(
        rows,
        [
            (1.0, vec![-0.1, 0.0, 0.0], 0.0, 0.0),
            (2.0, vec![-0.2, 0.0, 0.0], 0.0, 0.0),
            (10.0, vec![-1.0, 0.0, 0.0], 0.0, 0.0)
        ]
    );
    let slopes: Vec<String> =
        found.rows.iter().map(|row| format!("{:.5}", row.output_slope[0] + 0.0)).collect();
    assert_eq!(slopes, ["0.00000", "-0.20000", "-0.66667"]);
    let own = found.chain.own_activation.unwrap();
    assert!(found.rows.iter().all(|row| row.factors[own] == 0.0));
    assert_eq!(found.exact_loss.as_ref().unwrap().to_string(), "109/300");
    assert_eq!(found.tries[0].exact.as_ref().unwrap().to_string(), "1/150");
    assert!((found.tries[0].sum.unwrap() - 0.02).abs() < 1e-15);
    assert_eq!(
        found.along.lines("w1"),
        ["w1 ≤ 0: J = 109/300", "w1 > 0: J = 7/20*w1^2 - 53/75*w1 + 109/300"]
    );
    let links: Vec<String> = found.chain.links.iter().map(|link| link.math().to_string()).collect();
    assert_eq!(links, ["∂J/∂ŷ", "∂ŷ/∂a₂", "∂a₂/∂h₁", "∂h₁/∂a₁", "∂a₁/∂w₁"]);
    let sharpness = found.sharpness.as_ref().unwrap();
    assert_eq!(format!("{:.2}", sharpness.largest), "70.69");
    assert_eq!(format!("{:.4}", sharpness.highest_rate.unwrap()), "0.0283");
    assert_eq!(found.descents[1].first_step(1, |w2| w2 < 0.0), Some(6));
    let shown = found.document().plain();
    for piece in [
        "109/300",
        "0.36333",
        "0.0066667",
        "−0.66667",
        "106/105",
        "209/31500",
        "the unit is dead on these samples",
        "Proven for every data set whose inputs are not negative",
        "Had 2.weight[0, 0] been negative, a₂ would be dead",
        "lies exactly on a kink in 3 of 3 samples",
        "it does not matter",
        "zero for every sample",
        "J divides the sum by 3",
        "0.006635",
        "2.weight[0, 0] becomes negative at step 6",
        "70.69",
        "0.0283",
    ] {
        assert!(shown.contains(piece), "{piece}: {shown}");
    }
}

/// Derivatives by hand for a path of one unit per layer, in plain f64, on weights that are alive.
#[test]
fn other_numbers_by_an_independent_chain() {
    for seed in 1..4 {
        let mut stream = Stream::new(seed, 31);
        let mut draw = |scale: f64| ((stream.normal() * scale * 64.0).round() / 64.0) as f32;
        let [w1, w2, b1, b2] = [draw(1.0).abs() + 0.5, draw(1.0), draw(0.5), draw(0.5)];
        let module = nn::parse("Sequential(Linear(1, 1), ReLU(), Linear(1, 1), Tanh())").unwrap();
        let one = |value: f32, shape: &[usize]| Tensor::new(shape, vec![value]).unwrap().into();
        let state = StateDict::from_iter([
            ("0.weight", one(w1, &[1, 1])),
            ("0.bias", one(b1, &[1])),
            ("2.weight", one(w2, &[1, 1])),
            ("2.bias", one(b2, &[1])),
        ]);
        let network = Network::with_state(module, &state).unwrap();
        let xs: Vec<f32> = (0..5).map(|_| draw(2.0)).collect();
        let ys: Vec<f32> = (0..5).map(|_| draw(1.0)).collect();
        let data = Dataset::new(
            Features::Floats(Tensor::new([5, 1], xs.clone()).unwrap()),
            Target::Values(Tensor::new([5, 1], ys.clone()).unwrap()),
        )
        .unwrap();
        let config = ManualConfig { tries: vec![0.25], ..ManualConfig::default() };
        let found = manual(&network, &data, &weight("0.weight[0,0]"), &config).unwrap();
        let bias = manual(&network, &data, &weight("0.bias[0]"), &config).unwrap();
        let (w1, w2, b1, b2) = (f64::from(w1), f64::from(w2), f64::from(b1), f64::from(b2));
        for (row, own) in found.rows.iter().enumerate() {
            let (x, y) = (f64::from(xs[row]), f64::from(ys[row]));
            let a1 = w1 * x + b1;
            let h1 = a1.max(0.0);
            let out = (w2 * h1 + b2).tanh();
            let up = 2.0 * (out - y) / 5.0 * (1.0 - out * out) * w2 * f64::from(u8::from(a1 > 0.0));
            assert!((own.slope - up * x).abs() < 1e-12, "{} {}", own.slope, up * x);
            let product: f64 = own.factors.iter().product();
            assert!((own.slope - product).abs() < 1e-12);
            assert!((bias.rows[row].slope - up).abs() < 1e-12);
        }
        let loss = |w1: f64| {
            let squares = xs.iter().zip(&ys).map(|(&x, &y)| {
                let h1 = (w1 * f64::from(x) + b1).max(0.0);
                ((w2 * h1 + b2).tanh() - f64::from(y)).powi(2)
            });
            squares.sum::<f64>() / 5.0
        };
        assert!((found.loss - loss(w1)).abs() < 1e-12);
        assert!((found.tries[0].loss - loss(0.25)).abs() < 1e-12);
        let slope = (loss(w1 + 1e-6) - loss(w1 - 1e-6)) / 2e-6;
        assert!((found.gradient - slope).abs() < 1e-6, "{} {slope}", found.gradient);
        let _ = found.document();
    }
}

/// Many paths: the gradient is the trace's, sample by sample.
#[test]
fn wide_networks_go_through_the_weights_unit() {
    let module: Module =
        nn::parse("Sequential(Linear(3, 4), ReLU(), Linear(4, 3), Tanh(), Linear(3, 2))").unwrap();
    let network = Network::new(module, 3).unwrap();
    let mut stream = Stream::new(5, 32);
    let mut floats =
        |count: usize| (0..count).map(|_| stream.normal() as f32).collect::<Vec<f32>>();
    let data = Dataset::new(
        Features::Floats(Tensor::new([20, 3], floats(60)).unwrap()),
        Target::Values(Tensor::new([20, 2], floats(40)).unwrap()),
    )
    .unwrap();
    let config = ManualConfig::default();
    for (text, key, element) in [
        ("0.weight[2,1]", "0.weight", 7),
        ("2.weight[0,3]", "2.weight", 3),
        ("4.weight[1,2]", "4.weight", 5),
        ("2.bias[1]", "2.bias", 1),
    ] {
        let found = manual(&network, &data, &weight(text), &config).unwrap();
        let setting = Setting::new(&network, &data, &config.criterion).unwrap();
        let gradient = setting.trace().exact_gradient(key).unwrap()[element];
        assert!((found.gradient - gradient).abs() < 1e-14, "{text}: {} {gradient}", found.gradient);
        for row in &found.rows {
            let product: f64 = row.factors.iter().product();
            assert!((row.slope - product).abs() < 1e-15);
        }
        let shown = found.document().plain();
        assert!(
            shown.contains("8 samples, whose derivatives are smaller and add up to"),
            "{shown}"
        );
    }
}

#[test]
fn other_losses_have_a_chain_too() {
    let network = Network::new(nn::parse("2-3-2").unwrap(), 1).unwrap();
    let x = Tensor::from_rows(&[[0.0_f32, 1.0], [1.0, 0.5]]).unwrap();
    let data = Dataset::new(Features::Floats(x), Target::Classes(vec![1, 0])).unwrap();
    let config = ManualConfig {
        criterion: Criterion::parse("cross_entropy").unwrap(),
        tries: vec![0.0],
        rates: vec![0.1],
        steps: 3,
    };
    let found = manual(&network, &data, &weight("2.weight[1,0]"), &config).unwrap();
    assert_eq!(found.squares, None);
    assert!(found.tries[0].loss.is_finite());
    assert!(found.document().plain().contains("Gradient descent"));
}

#[test]
fn what_cannot_be_worked_out_is_told() {
    let (network, data) = sheet(-0.1, 0.1);
    let check = |text: &str, config: ManualConfig, piece: &str| {
        let error = manual(&network, &data, &weight(text), &config).unwrap_err().to_string();
        assert!(error.contains(piece), "{error}");
    };
    check("1.weight[0,0]", ManualConfig::default(), "0.weight, 2.weight");
    check("0.weight[1,0]", ManualConfig::default(), "is no element");
    let config = ManualConfig { rates: vec![-0.1], ..ManualConfig::default() };
    check("0.weight[0,0]", config, "the learning rate is -0.1");
    let config = ManualConfig { tries: vec![f64::NAN], ..ManualConfig::default() };
    check("0.weight[0,0]", config, "NaN is not tried");
    let norm =
        Network::new(nn::parse("Sequential(LayerNorm(2), Linear(2, 1))").unwrap(), 0).unwrap();
    let x = Tensor::from_rows(&[[0.0_f32, 1.0]]).unwrap();
    let y = Target::Values(Tensor::new([1, 1], vec![0.0]).unwrap());
    let data = Dataset::new(Features::Floats(x), y).unwrap();
    let error = manual(&norm, &data, &weight("0.weight[0]"), &ManualConfig::default()).unwrap_err();
    assert!(error.to_string().contains("Linear layers"), "{error}");
}
