//! Metrics and trivial predictors have scikit-learn's numbers.

use glassnet::train::metrics::{
    Metrics, classification, majority_baseline, mean_baseline, regression,
};
use glassnet::{Result, Tensor};
use serde_json::Value as Json;

use crate::golden::{integers, numbers, text};

fn golden() -> Json {
    serde_json::from_str(include_str!("../goldens/metrics/metrics.json")).expect("JSON")
}

fn table(json: &Json) -> Tensor<f32> {
    let rows: Vec<Vec<f32>> = json.as_array().expect("rows").iter().map(floats).collect();
    let width = rows[0].len();
    Tensor::new([rows.len(), width], rows.concat()).expect("the shape fits")
}

fn floats(json: &Json) -> Vec<f32> {
    numbers(json).into_iter().map(|value| value as f32).collect()
}

/// All that scikit-learn has, and nothing that it has not.
fn check(name: &str, found: &Metrics, expected: &Json, tolerance: f64) {
    let expected = expected.as_object().expect("metrics by name");
    let entries = found.entries();
    assert_eq!(entries.len(), expected.len(), "{name}: {entries:?}");
    for (metric, value) in entries {
        let wanted = expected[metric].as_f64().expect("a number");
        let allowed = tolerance * wanted.abs().max(1.0);
        assert!((value - wanted).abs() <= allowed, "{name}: {metric} is {value}, not {wanted}");
    }
}

#[test]
fn classes_are_measured_as_scikit_learn_does() -> Result<()> {
    for case in golden()["classification"].as_array().expect("cases") {
        let (name, logits) = (text(&case["name"]), table(&case["logits"]));
        let (truth, training) = (integers(&case["truth"]), integers(&case["training"]));
        let (metrics, confusion) = classification(&logits, &truth)?;
        check(name, &metrics, &case["metrics"], 1e-12);
        let counts: Vec<Vec<u64>> = case["confusion"]
            .as_array()
            .expect("rows")
            .iter()
            .map(|row| integers(row).into_iter().map(|count| count as u64).collect())
            .collect();
        assert_eq!(confusion.counts, counts, "{name}");
        let baseline = majority_baseline(&training, &truth, logits.shape()[1]);
        check(&format!("{name}, baseline"), &baseline, &case["baseline"], 1e-12);
    }
    Ok(())
}

#[test]
fn numbers_are_measured_as_scikit_learn_does() -> Result<()> {
    for case in golden()["regression"].as_array().expect("cases") {
        let (name, truth) = (text(&case["name"]), table(&case["truth"]));
        let metrics = regression(&table(&case["estimates"]), &truth)?;
        check(name, &metrics, &case["metrics"], 1e-12);
        let baseline = mean_baseline(&table(&case["training"]), &truth)?;
        // The trivial estimate is an f32, scikit-learn's an f64.
        check(&format!("{name}, baseline"), &baseline, &case["baseline"], 1e-6);
    }
    Ok(())
}

#[test]
fn what_is_not_defined_is_absent() -> Result<()> {
    let constant = Tensor::new([3, 1], vec![2.0_f32; 3])?;
    let metrics = regression(&Tensor::new([3, 1], vec![1.0, 2.0, 4.0])?, &constant)?;
    assert_eq!((metrics.r2, metrics.mae), (None, Some(1.0)));
    assert!(regression(&constant, &Tensor::new([3], vec![2.0; 3])?).is_err());
    assert!(classification(&constant, &[0, 0]).is_err());
    assert!(classification(&Tensor::new([3], vec![2.0; 3])?, &[0, 0, 0]).is_err());
    let (three, _) = classification(&Tensor::new([1, 3], vec![2.0, 1.0, 0.0])?, &[0])?;
    assert_eq!(three.roc_auc, None);
    for class in [3, -1] {
        let error =
            classification(&Tensor::new([1, 3], vec![2.0, 1.0, 0.0])?, &[class]).unwrap_err();
        assert!(error.to_string().contains("has no score among 3; row 0"), "{error}");
    }
    let (none, pairs) = (Tensor::new([0, 1], vec![])?, Tensor::new([3, 2], vec![0.0; 6])?);
    for result in [
        classification(&Tensor::new([0, 3], vec![])?, &[]).map(|(metrics, _)| metrics),
        regression(&none, &none),
        mean_baseline(&none, &constant),
        mean_baseline(&pairs, &constant),
    ] {
        assert!(result.is_err(), "{result:?}");
    }
    Ok(())
}
