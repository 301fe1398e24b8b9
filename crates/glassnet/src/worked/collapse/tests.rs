//! Collapsed layers against layer-by-layer products.

use super::*;
use crate::math::random::Stream;
use crate::nn::{self, StateDict};
use crate::tensor::Value;

/// The sheet's network of task 2.5.
fn sheet(notation: &str) -> Network {
    let tensor =
        |shape: &[usize], data: &[f32]| Value::from(Tensor::new(shape, data.to_vec()).unwrap());
    let state = StateDict::from_iter([
        ("0.weight", tensor(&[2, 2], &[3.21, 3.21, -2.34, -2.34])),
        ("0.bias", tensor(&[2], &[-3.21, 2.34])),
        ("2.weight", tensor(&[2, 2], &[3.19, 4.64, -2.68, -3.44])),
        ("2.bias", tensor(&[2], &[-4.08, 4.42])),
    ]);
    Network::with_state(nn::parse(notation).unwrap(), &state).unwrap()
}

fn xor() -> (Tensor<f32>, Target) {
    let x = Tensor::from_rows(&[[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]]).unwrap();
    (x, Target::Classes(vec![0, 1, 1, 0]))
}

#[test]
fn the_sheets_network_without_relu() {
    let (x, y) = xor();
    let found =
        collapse(&sheet("Sequential(Linear(2, 2), ReLU(), Linear(2, 2))"), Some(&x), Some(&y))
            .unwrap();
    assert_eq!(found.runs.len(), 2);
    assert_eq!(found.barriers, [("1".to_owned(), "ReLU")]);
    let run = found.without.as_ref().unwrap();
    let printed = |values: &[f64]| {
        values.iter().map(|value| format!("{value:.4}")).collect::<Vec<_>>().join(" ")
    };
    let whole = run.collapsed.as_ref().unwrap();
    assert_eq!(printed(&whole.weight[0]), "-0.6177 -0.6177");
    assert_eq!(printed(&whole.weight[1]), "-0.5532 -0.5532");
    assert_eq!(printed(&whole.bias), "-3.4623 4.9732");
    assert_eq!(whole.rank(), 1);
    let comparison = found.comparison.as_ref().unwrap();
    assert!(comparison.difference < 1e-14);
    assert_eq!(
        comparison.score,
        Some(Score::Classes {
            truth: vec![0, 1, 1, 0],
            with: vec![0, 1, 1, 0],
            without: vec![1, 1, 1, 1]
        })
    );
    let shown = found.document().plain();
    for piece in [
        "−0.6177",
        "−0.5532",
        "−3.4623",
        "4.9732",
        "With the activations 4 of 4",
        "2 of 4 right: it predicts class 1 everywhere",
        "W′ has rank 1, where the least width on the way allows 2 (by elimination",
    ] {
        assert!(shown.contains(piece), "{piece}: {shown}");
    }
}

#[test]
fn the_sheets_symbolic_lines() {
    let network = Network::new(nn::parse("2-3l-2").unwrap(), 0).unwrap();
    let run = collapse(&network, None, None).unwrap().runs.remove(0);
    let shown = document_lines(&run);
    for line in [
        "h⁽²⁾",
        "(W⁽²⁾W⁽¹⁾)x + (W⁽²⁾b⁽¹⁾) + b⁽²⁾",
        "W⁽²⁾(W⁽¹⁾x + b⁽¹⁾) + b⁽²⁾",
        "W′x + b′",
        "multiply out",
        "one linear layer",
    ] {
        assert!(shown.contains(line), "{line}: {shown}");
    }
}

fn document_lines(run: &Run) -> String {
    Collapse {
        network: String::new(),
        runs: vec![run.clone()],
        barriers: vec![],
        without: None,
        comparison: None,
    }
    .document()
    .plain()
}

/// The outputs of linear layers, one after the other, in plain f64.
fn by_hand(network: &Network, names: &[&str], x: &[f64]) -> Vec<f64> {
    let mut h = x.to_vec();
    for name in names {
        let weight = network.state_dict().floats(&format!("{name}.weight")).unwrap();
        let bias = network.state_dict().floats(&format!("{name}.bias")).ok();
        h = (0..weight.shape()[0])
            .map(|row| {
                let printed = |value: f32| value.to_string().parse::<f64>().unwrap();
                let products = weight.row(row).iter().zip(&h).map(|(&w, &h)| printed(w) * h);
                products.sum::<f64>() + bias.map_or(0.0, |bias| printed(bias.data()[row]))
            })
            .collect();
    }
    h
}

#[test]
fn random_stacks_collapse_right() {
    for (seed, notation, names) in [
        (1, "Sequential(Linear(3, 4), Linear(4, 2), Linear(2, 5))", &["0", "1", "2"][..]),
        (2, "Sequential(Linear(2, 7, bias=False), Dropout(0.5), Linear(7, 1))", &["0", "2"]),
        (
            3,
            "Sequential(Linear(4, 3), Identity(), Linear(3, 3, bias=False), Linear(3, 2), Linear(2, 2), Linear(2, 2), Linear(2, 6))",
            &["0", "2", "3", "4", "5", "6"],
        ),
    ] {
        let network = Network::new(nn::parse(notation).unwrap(), seed).unwrap();
        let width = network.module().input_shape().unwrap().at(1)[1];
        let mut stream = Stream::new(seed, 7);
        let rows: Vec<Vec<f32>> =
            (0..5).map(|_| (0..width).map(|_| stream.normal() as f32).collect()).collect();
        let inputs = Tensor::from_rows(&rows).unwrap();
        let found = collapse(&network, Some(&inputs), None).unwrap();
        assert_eq!(found.runs.len(), 1);
        assert!(found.without.is_none());
        let comparison = found.comparison.as_ref().unwrap();
        assert!(comparison.difference < 1e-14);
        for (row, outputs) in comparison.inputs.iter().zip(&comparison.collapsed) {
            for (a, b) in by_hand(&network, names, row).iter().zip(outputs) {
                assert!((a - b).abs() < 1e-13, "{a} {b}");
            }
        }
        assert!(found.document().plain().contains("one linear layer"));
    }
}

#[test]
fn runs_end_where_something_is_not_linear() {
    let lengths = |notation: &str| {
        let network = Network::new(nn::parse(notation).unwrap(), 0).unwrap();
        let found = collapse(&network, None, None).unwrap();
        let _ = found.document().plain();
        let lengths: Vec<usize> = found.runs.iter().map(|run| run.layers.len()).collect();
        (lengths, found.without.map(|run| run.layers.len()))
    };
    assert_eq!(
        lengths("Sequential(Linear(2, 3), Linear(3, 3), Tanh(), Linear(3, 1))"),
        (vec![2, 1], Some(3))
    );
    assert_eq!(lengths("Sequential(Linear(2, 3), LayerNorm(3), Linear(3, 1))"), (vec![1, 1], None));
    assert_eq!(lengths("Sequential(Linear(2, 3), BatchNorm1d(3), Linear(3, 1))"), (vec![3], None));
    assert_eq!(
        lengths("Sequential(Linear(2, 2), Residual(Linear(2, 2)), Softmax(1))"),
        (vec![2], None)
    );
    assert_eq!(
        lengths("Sequential(Linear(2, 2), Residual(Linear(2, 2), ReLU()), Linear(2, 1))"),
        (vec![1, 1, 1], None)
    );
    assert_eq!(
        lengths("Sequential(Linear(2, 3), PReLU(), Linear(3, 1), Sigmoid())"),
        (vec![1, 1], Some(2))
    );
}

#[test]
fn batch_norm_and_residual_collapse_to_what_they_compute() {
    let mut network = Network::new(
        nn::parse("Sequential(Linear(2, 3), BatchNorm1d(3), Residual(Linear(3, 3)), Linear(3, 2))")
            .unwrap(),
        5,
    )
    .unwrap();
    let statistics = StateDict::from_iter([
        ("1.running_mean", Tensor::new([3], vec![0.5_f32, -1.0, 2.0]).unwrap().into()),
        ("1.running_var", Tensor::new([3], vec![0.25_f32, 4.0, 1.5]).unwrap().into()),
    ]);
    network.load_state_dict(&statistics, false).unwrap();
    let x = Tensor::from_rows(&[[0.3_f32, -1.2], [2.0, 0.7]]).unwrap();
    let found = collapse(&network, Some(&x), None).unwrap();
    assert_eq!(found.runs.len(), 1);
    assert!(found.comparison.as_ref().unwrap().difference < 1e-14);
    let engine = network.forward(&x).unwrap();
    for (row, outputs) in found.comparison.unwrap().collapsed.iter().enumerate() {
        for (&a, &b) in engine.row(row).iter().zip(outputs) {
            assert!((f64::from(a) - b).abs() < 1e-5, "{a} {b}");
        }
    }
}

#[test]
fn misfits_are_told() {
    let network = sheet("Sequential(Linear(2, 2), ReLU(), Linear(2, 2))");
    let wide = Tensor::from_rows(&[[1.0_f32, 2.0, 3.0]]).unwrap();
    let error = collapse(&network, Some(&wide), None).unwrap_err().to_string();
    assert!(error.contains("the rows have 3 values, the network takes 2"), "{error}");
    let (x, _) = xor();
    let error = collapse(&network, Some(&x), Some(&Target::Classes(vec![0, 1, 2, 0]))).unwrap_err();
    assert!(error.to_string().contains("row 2 has class 2"), "{error}");
    let none = Network::new(nn::parse("Sequential(ReLU())").unwrap(), 0).unwrap();
    assert!(collapse(&none, None, None).is_err());
}

#[test]
fn ranks_are_those_of_the_numbers() {
    let rank = |rows: &[&[f64]]| {
        let weight: Vec<Vec<f64>> = rows.iter().map(|row| row.to_vec()).collect();
        Affine { bias: vec![0.0; weight.len()], weight }.rank()
    };
    assert_eq!(rank(&[&[0.0, 0.0], &[0.0, 0.0]]), 0);
    assert_eq!(rank(&[&[1.0, 2.0], &[2.0, 4.0], &[-3.0, -6.0]]), 1);
    assert_eq!(rank(&[&[1.0, 2.0], &[2.0, 4.0 + 1e-9]]), 2);
    assert_eq!(rank(&[&[0.1, 0.2, 0.3], &[0.4, 0.5, 0.6], &[0.7, 0.8, 0.9]]), 2);
    assert_eq!(rank(&[&[0.0, 0.0, 1e-30], &[0.0, 1e-30, 0.0]]), 2);
}

#[test]
fn large_products_are_left_out() {
    let network = Network::new(nn::parse("1200-1200l-1200").unwrap(), 0).unwrap();
    let found =
        collapse(&network, Some(&Tensor::new([1, 1200], vec![0.0; 1200]).unwrap()), None).unwrap();
    let run = &found.runs[0];
    assert_eq!(run.products(), 1200 * 1200 * 1200);
    assert!(run.collapsed.is_none() && found.comparison.is_none());
    assert_eq!(run.collapsed_parameters(), 1200 * 1200 + 1200);
    let shown = found.document().plain();
    assert!(shown.contains("1.73·10⁹ multiplications, so it is not computed"), "{shown}");
    assert!(collapse(&network, Some(&Tensor::new([1, 3], vec![0.0; 3]).unwrap()), None).is_err());
}
