//! Settings, tables and networks that cannot be trained are refused before the first step, in the user's terms.

use glassnet::nn::{Network, parse};
use glassnet::train::metrics::Metrics;
use glassnet::train::{Config, Dataset, Features, Predictor, Session, Target, clip::Clip};
use glassnet::train::{optimizer::Optimizer, schedule::Schedule};
use glassnet::{Error, ErrorKind, Result, Tensor};

use crate::tables::{classes, config, features, network, values};

/// Why a training cannot begin.
fn refusal(
    notation: &str,
    data: &Dataset,
    validation: Option<&Dataset>,
    config: &Config,
) -> Result<Error> {
    let session = Session::new(network(notation)?, data, validation, config);
    Ok(session.err().unwrap_or_else(|| panic!("{notation} is trained")))
}

fn plain() -> Result<Config> {
    config("CrossEntropyLoss()", "SGD(lr=0.1)")
}

#[test]
fn numbers_out_of_range_are_refused() -> Result<()> {
    let data = classes(1, 20, 4, 3);
    let sgd = |text: &str| Optimizer::parse(text);
    let with_lr = |lr: f64| sgd("SGD()").map(|optimizer| optimizer.with_lr(lr));
    for (config, expected) in [
        (Config { batch_size: 0, ..plain()? }, "the batch size is 0"),
        (Config { l1: -1.0, ..plain()? }, "l1 is -1"),
        (Config { l2: f64::NAN, ..plain()? }, "l2 is NaN"),
        (Config { min_delta: f64::INFINITY, ..plain()? }, "min_delta is inf"),
        (Config { patience: Some(0), ..plain()? }, "patience is 0"),
        (Config { optimizer: with_lr(f64::NAN)?, ..plain()? }, "Invalid learning rate: nan"),
        (Config { optimizer: with_lr(-0.1)?, ..plain()? }, "Invalid learning rate: -0.1"),
        (Config { optimizer: with_lr(f64::INFINITY)?, ..plain()? }, "Invalid learning rate: inf"),
        (
            Config { clip: Some(Clip::Value { clip_value: f64::NAN }), ..plain()? },
            "Invalid clip_value",
        ),
        (
            Config {
                schedule: Some(Schedule::StepLr { step_size: 1, gamma: f64::NAN }),
                ..plain()?
            },
            "gamma",
        ),
        (
            Config {
                schedule: Some(Schedule::parse("OneCycleLR(max_lr=0.1, total_steps=9)")?),
                optimizer: sgd("Adagrad()")?,
                ..plain()?
            },
            "must support momentum",
        ),
        (config("CrossEntropyLoss(reduction='none')", "SGD()")?, "gives no single number"),
    ] {
        let error = refusal("4-8-3", &data, None, &config)?;
        assert!(error.to_string().contains(expected), "{error}: expected {expected}");
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    }
    Ok(())
}

#[test]
fn widths_that_differ_name_the_layer_and_both_numbers() -> Result<()> {
    let data = classes(1, 20, 4, 3);
    let error = refusal("6-8-3", &data, None, &plain()?)?;
    assert_eq!(error.kind(), ErrorKind::Network);
    let message = error.to_string();
    assert!(message.contains("the input has 4 features, its weight expects 6"), "{message}");
    assert!(message.contains("layer \"0\" (Linear)"), "{message}");
    let error = refusal("Sequential(Linear(4, 8), Linear(9, 3))", &data, None, &plain()?)?;
    assert!(
        error.to_string().contains("the input has 8 features, its weight expects 9"),
        "{error}"
    );
    assert!(error.to_string().contains("layer \"1\" (Linear)"), "{error}");

    let wide = classes(2, 20, 5, 3);
    let error = refusal("4-8-3", &data, Some(&wide), &plain()?)?;
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.to_string().contains("width"), "{error}");
    let error = refusal("4-8-3", &data, Some(&values(1, 9)), &plain()?)?;
    assert!(error.to_string().contains("different sorts of targets"), "{error}");
    let tokens = Features::Indices(Tensor::full([20, 4], 0_i64));
    let tokens = Dataset::new(tokens, Target::Classes(vec![0; 20]))?;
    let error = refusal("4-8-3", &data, Some(&tokens), &plain()?)?;
    assert_eq!(error.kind(), ErrorKind::Data);
    let error = refusal("4-8-3", &tokens, None, &plain()?)?;
    assert!(error.to_string().contains("i64"), "{error}");
    Ok(())
}

#[test]
fn a_class_without_a_score_names_its_row() -> Result<()> {
    let with_class = |class: i64| {
        let mut target: Vec<i64> = (0..20).map(|row| row % 3).collect();
        target[17] = class;
        Dataset::new(Features::Floats(features(1, 20, 4)), Target::Classes(target))
    };
    for class in [3, -1, i64::MAX, i64::MIN] {
        let good = classes(1, 20, 4, 3);
        let bad = with_class(class)?;
        for (data, validation) in [(&bad, None), (&good, Some(&bad))] {
            let error = refusal("4-8-3", data, validation, &plain()?)?;
            assert_eq!(error.kind(), ErrorKind::Data);
            let expected = format!("Target {class} is out of bounds; row 17 (counted from 0)");
            assert!(error.to_string().starts_with(&expected), "{error}");
            assert!(error.to_string().contains("3 classes: 0 to 2"), "{error}");
        }
    }
    let ignored = with_class(-100)?;
    Session::new(network("4-8-3")?, &ignored, None, &plain()?)?.run(&mut ())?;
    Ok(())
}

#[test]
fn ignored_rows_count_neither_for_the_loss_nor_for_the_metrics() -> Result<()> {
    let data = classes(1, 20, 4, 3);
    let validation = |ignored: usize| -> Result<Dataset> {
        let x = features(2, 10, 4);
        let target = (0..10).map(|row| if row < ignored { -100 } else { row as i64 % 3 }).collect();
        Dataset::new(Features::Floats(x), Target::Classes(target))
    };
    let kept = Features::Floats(Tensor::new([6, 4], features(2, 10, 4).data()[16..].to_vec())?);
    let kept = Dataset::new(kept, Target::Classes((4..10).map(|row| row % 3).collect()))?;
    let config = Config { epochs: 3, ..plain()? };
    let measure = |validation: &Dataset| -> Result<_> {
        Ok(Session::new(network("4-8-3")?, &data, Some(validation), &config)?.run(&mut ())?.history)
    };
    let (ignoring, leaving_out) = (measure(&validation(4)?)?, measure(&kept)?);
    for (a, b) in ignoring.iter().zip(&leaving_out) {
        let (Some(a), Some(b)) = (&a.validation, &b.validation) else { panic!("measured") };
        let (x, y) = (a.loss.unwrap_or(f64::NAN), b.loss.unwrap_or(f64::NAN));
        assert!((x - y).abs() <= 1e-6 * y, "{x} and {y} differ in the order of a sum only");
        assert_eq!(Metrics { loss: None, ..a.clone() }, Metrics { loss: None, ..b.clone() });
    }
    let nothing = measure(&validation(10)?).unwrap_err();
    assert_eq!(nothing.kind(), ErrorKind::Numeric, "{nothing}");
    Ok(())
}

#[test]
fn an_index_outside_the_table_names_its_row() -> Result<()> {
    for index in [4, -1] {
        let mut x = vec![0_i64; 12];
        x[9] = index;
        let x = Features::Indices(Tensor::new([6, 2], x)?);
        let data = Dataset::new(x, Target::Classes(vec![0, 1, 0, 1, 0, 1]))?;
        let notation = "Sequential(Embedding(4, 3), Flatten(), Linear(6, 2))";
        let error = refusal(notation, &data, None, &plain()?)?;
        assert_eq!(error.kind(), ErrorKind::Data);
        let expected = format!("index {index} is outside the embedding's 4 rows; row 4, place 1");
        assert!(error.to_string().starts_with(&expected), "{error}");
        assert!(error.to_string().contains("layer \"0\" (Embedding)"), "{error}");
    }
    Ok(())
}

#[test]
fn targets_that_do_not_fit_the_loss_are_refused() -> Result<()> {
    let (labels, numbers) = (classes(1, 20, 2, 3), values(1, 20));
    let mse = config("MSELoss()", "SGD()")?;
    let error = refusal("2-8-3", &labels, None, &mse)?;
    assert!(error.to_string().contains("MSELoss wants floats as its target"), "{error}");
    let error = refusal("2-8-1", &numbers, None, &mse)?;
    assert!(error.to_string().contains("target size ([B, 2]) must be the same as"), "{error}");
    let error = refusal("2-8-3", &numbers, None, &plain()?)?;
    assert!(error.to_string().contains("probabilities"), "{error}");
    let flat = Target::Values(Tensor::new([20], vec![0.5; 20])?);
    let flat = Dataset::new(Features::Floats(features(1, 20, 2)), flat)?;
    let error = refusal("2-8-1", &flat, None, &mse)?;
    assert!(error.to_string().contains("target size ([B]) must be the same as"), "{error}");
    let weighted = config("CrossEntropyLoss(weight=[1, 2])", "SGD()")?;
    let error = refusal("2-8-3", &labels, None, &weighted)?;
    assert!(error.to_string().contains("all 3 classes or no classes"), "{error}");
    let error = refusal("2-8-2", &numbers, None, &config("GaussianNLLLoss()", "SGD()")?)?;
    assert!(error.to_string().contains("variance"), "{error}");
    Ok(())
}

#[test]
fn one_row_cannot_be_normalised_over_the_batch() -> Result<()> {
    let notation = "Sequential(Linear(4, 8), BatchNorm1d(8), ReLU(), Linear(8, 3))";
    let sized = |batch_size| plain().map(|plain| Config { batch_size, ..plain });
    let expected = "Expected more than 1 value per channel when training, got input size [1, 8]; \
                    layer \"1\" (BatchNorm1d)";
    let error = refusal(notation, &classes(1, 33, 4, 3), None, &sized(16)?)?;
    assert!(error.to_string().starts_with(expected), "{error}");
    assert!(error.to_string().contains("33 rows in batches of 16 leave 1"), "{error}");
    for (rows, batch) in [(1, 16), (20, 1)] {
        let error = refusal(notation, &classes(1, rows, 4, 3), None, &sized(batch)?)?;
        assert!(error.to_string().starts_with(expected), "{error}");
    }
    let (even, config) = (classes(1, 34, 4, 3), sized(16)?);
    Session::new(network(notation)?, &even, None, &config)?.run(&mut ())?;
    // Three values per channel are enough even in one row.
    let x = Features::Floats(Tensor::new([1, 2, 3], vec![1.0, 2.0, 4.0, 0.5, 0.0, -1.0])?);
    let data = Dataset::new(x, Target::Classes(vec![1]))?;
    let channels = "Sequential(BatchNorm1d(2), Flatten(), Linear(6, 2))";
    Session::new(network(channels)?, &data, None, &plain()?)?.run(&mut ())?;
    // And LayerNorm does not look at the batch.
    let layer_norm = network("Sequential(Linear(4, 8), LayerNorm(8), Linear(8, 3))")?;
    Session::new(layer_norm, &classes(1, 33, 4, 3), None, &sized(16)?)?.run(&mut ())?;
    Ok(())
}

#[test]
fn tables_that_are_no_tables_are_refused() -> Result<()> {
    let x = || Features::Floats(features(1, 3, 2));
    let error = Dataset::new(x(), Target::Classes(vec![0, 1])).unwrap_err();
    assert!(error.to_string().contains("3 rows of features for 2 targets"), "{error}");
    let empty = Features::Floats(Tensor::new([0, 2], vec![])?);
    let error = Dataset::new(empty, Target::Classes(vec![])).unwrap_err();
    assert!(error.to_string().contains("there are no rows"), "{error}");
    let data = Dataset::new(x(), Target::Classes(vec![0, 1, 1]))?;
    for (weights, expected) in [
        (vec![1.0, 2.0], "2 weights for 3 rows"),
        (vec![1.0, -2.0, 0.0], "the weight of row 1 is -2"),
        (vec![1.0, f32::NAN, 0.0], "the weight of row 1 is NaN"),
        (vec![0.0; 3], "all row weights are 0"),
    ] {
        let error = data.clone().with_weights(weights).unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
    let nothing = Network::new(parse("Sequential(Flatten(), ReLU())")?, 0)?;
    let error = Session::new(nothing, &data, None, &plain()?).err().expect("nothing to train");
    assert!(error.to_string().contains("no parameter to train"), "{error}");
    Ok(())
}

#[test]
fn rows_of_another_width_are_not_predicted() -> Result<()> {
    let network = network("4-8-3")?;
    let mut predictor = Predictor::new(&network, &[4], &plain()?.engine)?;
    for features in [
        Features::Floats(features(1, 5, 3)),
        Features::Floats(Tensor::new([4], vec![0.0; 4])?),
        Features::Indices(Tensor::full([5, 4], 0_i64)),
    ] {
        let error = predictor.predict(&features).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    }
    let none = predictor.predict(&Features::Floats(Tensor::new([0, 4], vec![])?))?;
    assert_eq!(none.shape(), [0, 3]);
    let mut tokens = Predictor::new(
        &Network::new(parse("Sequential(Embedding(4, 3), Flatten(), Linear(6, 2))")?, 0)?,
        &[2],
        &plain()?.engine,
    )?;
    let mut x = vec![0_i64; 600];
    x[517] = 9;
    let error = tokens.predict(&Features::Indices(Tensor::new([300, 2], x)?)).unwrap_err();
    assert!(error.to_string().contains("index 9"), "{error}");
    Ok(())
}
