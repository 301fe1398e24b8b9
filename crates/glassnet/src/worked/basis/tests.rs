//! Bases on XOR and on random data, against closed forms.

use super::*;
use crate::math::random::Stream;
use crate::nn::{self, StateDict};
use crate::tensor::Tensor;

fn names(width: usize) -> Vec<String> {
    variables(width).into_iter().map(String::from).collect()
}

fn xor() -> (Vec<Vec<f64>>, Vec<f64>) {
    let x = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]].map(Vec::from).to_vec();
    (x, vec![0.0, 1.0, 1.0, 0.0])
}

/// The network of the sheet's task 2.5.
fn sheet() -> Network {
    let tensor = |shape: &[usize], data: &[f32]| Tensor::new(shape, data.to_vec()).unwrap().into();
    let state = StateDict::from_iter([
        ("0.weight", tensor(&[2, 2], &[3.21, 3.21, -2.34, -2.34])),
        ("0.bias", tensor(&[2], &[-3.21, 2.34])),
        ("2.weight", tensor(&[2, 2], &[3.19, 4.64, -2.68, -3.44])),
        ("2.bias", tensor(&[2], &[-4.08, 4.42])),
    ]);
    Network::with_state(nn::parse("2-2-2").unwrap(), &state).unwrap()
}

fn of_kind(found: &Basis, wanted: impl Fn(&BasisKind) -> bool) -> &FittedBasis {
    found.bases.iter().find(|basis| wanted(&basis.kind)).unwrap()
}

#[test]
fn the_sheets_comparison_on_xor() {
    let (x, y) = xor();
    let config = BasisConfig {
        centres: vec![vec![0.0, 0.0], vec![1.0, 1.0]],
        learning: Learning { given: Some(sheet()), ..Learning::default() },
        ..BasisConfig::default()
    };
    let found = basis(&names(2), "y", &x, &y, &config).unwrap();
    let linear = of_kind(&found, |kind| *kind == BasisKind::Polynomial(1));
    assert!((linear.mse - 0.25).abs() < 1e-15);
    let product = of_kind(&found, |kind| *kind == BasisKind::Product);
    let rounded = |basis: &FittedBasis, places: i32| -> Vec<f64> {
        let scale = 10f64.powi(places);
        basis.functions.iter().map(|f| (f.coefficient * scale).round() / scale + 0.0).collect()
    };
    assert!(product.mse < 1e-30);
    assert_eq!(rounded(product, 9), [0.0, 1.0, 1.0, -2.0]);
    let radial = of_kind(&found, |kind| matches!(kind, BasisKind::Radial { .. }));
    assert!(radial.mse < 1e-30);
    assert!(
        matches!(&radial.kind, BasisKind::Radial { width, .. } if (width - 0.5f64.sqrt()).abs() < 1e-15)
    );
    // e^(−‖x − c‖²/(2s²)) with s² = 1/2 at distances 0, 1, 1 and √2.
    for (value, wanted) in radial.functions[1].values.iter().zip([0.0f64, -1.0, -1.0, -2.0]) {
        assert!((value - wanted.exp()).abs() < 1e-15);
    }
    let learned = of_kind(&found, |kind| *kind == BasisKind::Learned);
    assert!(learned.mse < 1e-13);
    assert_eq!(rounded(learned, 5), [1.0, -0.31153, -0.42735]);
    let shown = found.document().plain();
    for piece in [
        "0.25",
        "y ≈ x₁ + x₂ − 2x₁x₂",
        "y ≈ 1 − 0.31153r₁ − 0.42735r₂",
        "r₁ = ReLU(3.21x₁ + 3.21x₂ − 3.21)",
    ] {
        assert!(shown.contains(piece), "{piece}: {shown}");
    }
}

/// The least error of a linear model by the normal equations, in plain f64, for 1, x.
fn line(x: &[f64], y: &[f64]) -> (f64, f64) {
    let n = x.len() as f64;
    let (mx, my) = (x.iter().sum::<f64>() / n, y.iter().sum::<f64>() / n);
    let sxy: f64 = x.iter().zip(y).map(|(x, y)| (x - mx) * (y - my)).sum();
    let sxx: f64 = x.iter().map(|x| (x - mx).powi(2)).sum();
    (my - sxy / sxx * mx, sxy / sxx)
}

#[test]
fn other_data_agree_with_the_closed_form() {
    for seed in 1..4 {
        let mut stream = Stream::new(seed, 11);
        let x: Vec<f64> = (0..30).map(|_| 50.0 + 10.0 * stream.normal()).collect();
        let y: Vec<f64> = x.iter().map(|x| (x / 8.0).sin() * 100.0 + stream.normal()).collect();
        let rows: Vec<Vec<f64>> = x.iter().map(|&x| vec![x]).collect();
        let config = BasisConfig {
            fourier: 3,
            centre_count: 4,
            formulas: vec!["1".parse().unwrap(), "sin(x/8)".parse().unwrap()],
            learning: Learning { epochs: 150, restarts: 1, ..Learning::default() },
            ..BasisConfig::default()
        };
        let found = basis(&names(1), "y", &rows, &y, &config).unwrap();
        let linear = of_kind(&found, |kind| *kind == BasisKind::Polynomial(1));
        let (a, b) = line(&x, &y);
        assert!((linear.functions[0].coefficient - a).abs() < 1e-8 * a.abs().max(1.0));
        assert!((linear.functions[1].coefficient - b).abs() < 1e-9);
        let mse = x.iter().zip(&y).map(|(x, y)| (a + b * x - y).powi(2)).sum::<f64>() / 30.0;
        assert!((linear.mse - mse).abs() < 1e-9 * mse);
        let waves = of_kind(&found, |kind| *kind == BasisKind::Fourier(3));
        let (low, high) =
            x.iter().fold((f64::MAX, f64::MIN), |(low, high), &x| (low.min(x), high.max(x)));
        for (row, x) in x.iter().enumerate() {
            let angle = std::f64::consts::PI * 3.0 * (x - low) / (high - low);
            assert!((waves.functions[5].values[row] - angle.cos()).abs() < 1e-12);
            assert!((waves.functions[6].values[row] - angle.sin()).abs() < 1e-12);
        }
        let cubic = of_kind(&found, |kind| *kind == BasisKind::Polynomial(3));
        assert!(cubic.mse <= linear.mse);
        let own = of_kind(&found, |kind| *kind == BasisKind::Own);
        assert!(own.mse < 3.0, "the very function: only the noise is left, {}", own.mse);
        let learned = found.bases.last().unwrap();
        assert!(learned.mse <= found.network_mse.unwrap() * (1.0 + 1e-6));
        assert!(learned.mse < linear.mse);
        assert_eq!(found.curves.len(), found.bases.len());
        assert!(
            found
                .document()
                .blocks
                .iter()
                .any(|block| matches!(block, crate::document::Block::Figure(_)))
        );
    }
}

#[test]
fn a_network_learns_xor_and_centres_are_selected() {
    let (x, y) = xor();
    let found = basis(&names(2), "y", &x, &y, &BasisConfig::default()).unwrap();
    let learned = found.bases.last().unwrap();
    assert!(learned.mse < 1e-8, "{}", learned.mse);
    assert!(found.network_mse.unwrap() < 1e-6);
    let radial = of_kind(&found, |kind| matches!(kind, BasisKind::Radial { .. }));
    assert!(radial.mse < 1e-20, "{radial:?}");
    assert!(found.document().plain().contains("say"), "as many functions as rows");
}

#[test]
fn misfits_are_told() {
    let (x, y) = xor();
    let check = |config: BasisConfig, piece: &str| {
        let error = basis(&names(2), "y", &x, &y, &config).unwrap_err().to_string();
        assert!(error.contains(piece), "{error}");
    };
    check(
        BasisConfig { centres: vec![vec![0.0]], ..BasisConfig::default() },
        "the centre [0.0] has 1 numbers, the rows have 2",
    );
    check(
        BasisConfig { formulas: vec!["x3".parse().unwrap()], ..BasisConfig::default() },
        "has the variable x3",
    );
    check(
        BasisConfig { formulas: vec!["1/x1".parse().unwrap()], ..BasisConfig::default() },
        "not finite",
    );
    check(BasisConfig { width: Some(0.0), ..BasisConfig::default() }, "not above 0");
    let learning = Learning { module: Some(nn::parse("3-2-1").unwrap()), ..Learning::default() };
    check(BasisConfig { learning, ..BasisConfig::default() }, "the data have 2 inputs");
    let learning =
        Learning { module: Some(nn::parse("Linear(2, 1)").unwrap()), ..Learning::default() };
    check(BasisConfig { learning, ..BasisConfig::default() }, "no hidden units");
    let three = vec![vec![1.0, 2.0, 3.0]; 4];
    let names: Vec<String> = ["a", "b", "c"].map(String::from).to_vec();
    assert!(basis(&names, "y", &three, &y, &BasisConfig::default()).is_err());
}
