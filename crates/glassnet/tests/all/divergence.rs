//! A training that leaves the finite numbers says where: step, epoch, layer or weight, rows.

use glassnet::nn::Network;
use glassnet::train::{Config, Dataset, Features, Session, Shuffle, Target};
use glassnet::{Error, ErrorKind, Result, Tensor};

use crate::tables::{classes, config, features, network, values};

/// The error of a training that must fail.
fn failure(notation: &str, data: &Dataset, config: &Config) -> Result<Error> {
    let session = Session::new(network(notation)?, data, None, config)?;
    Ok(session.run(&mut ()).expect_err("the training leaves the finite numbers"))
}

fn in_order(loss: &str, optimizer: &str) -> Result<Config> {
    Ok(Config { shuffle: Shuffle::None, batch_size: 8, epochs: 10, ..config(loss, optimizer)? })
}

#[test]
fn a_huge_learning_rate_names_step_epoch_and_place() -> Result<()> {
    let regression = values(1, 20);
    for notation in ["2-8-2", "2-8t-2", "Sequential(Linear(2, 4), BatchNorm1d(4), Linear(4, 2))"] {
        for lr in ["1e30", "1e38", "3.4e38"] {
            let config = in_order("MSELoss()", &format!("SGD(lr={lr})"))?;
            let error = failure(notation, &regression, &config)?;
            let message = error.to_string();
            assert_eq!(error.kind(), ErrorKind::Numeric, "{message}");
            assert!(message.contains("the training diverged: "), "{message}");
            assert!(message.contains("step ") && message.contains("(epoch 1)"), "{message}");
            let place = message.contains("layer ") || message.contains("weight ");
            assert!(place || message.contains("loss (MSELoss)"), "{message}");
            assert!(message.contains("try a smaller learning rate"), "{message}");
        }
    }
    Ok(())
}

#[test]
fn a_layer_that_overflows_is_named_with_its_rows() -> Result<()> {
    let config = in_order("MSELoss()", "SGD(lr=1e20)")?;
    let error = failure("2-8-2", &values(1, 8), &config)?;
    let message = error.to_string();
    // The first step makes weights of about 1e20; their products overflow in the second layer.
    assert!(message.starts_with("the training diverged: the loss is "), "{message}");
    assert!(message.contains("at step 2 (epoch 2)"), "{message}");
    assert!(
        message.contains("layer \"2\" (Linear) gives") || message.contains("loss"),
        "{message}"
    );
    assert!(message.contains("training row"), "{message}");
    Ok(())
}

#[test]
fn an_infinite_feature_names_its_row() -> Result<()> {
    for (value, shown) in [(f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf"), (f32::NAN, "NaN")] {
        let mut x = features(1, 20, 4);
        x.data_mut()[13 * 4 + 2] = value;
        let target = Target::Classes((0..20).map(|row| row % 3).collect());
        let data = Dataset::new(Features::Floats(x), target)?;
        let config = in_order("CrossEntropyLoss()", "Adam()")?;
        let error = failure("4-8-3", &data, &config)?;
        assert_eq!(error.kind(), ErrorKind::Numeric, "{error}");
        let expected = format!("the features hold {shown} in training row 13 (counted from 0)");
        assert_eq!(error.place(), Some(expected.as_str()));
        assert!(error.what().ends_with("at step 2 (epoch 1)"), "{error}");
        let shuffled = Config { shuffle: Shuffle::Own, ..config };
        let error = failure("4-8-3", &data, &shuffled)?;
        assert_eq!(error.place(), Some(expected.as_str()), "whatever the order");
    }
    Ok(())
}

#[test]
fn a_target_that_is_no_number_names_its_row() -> Result<()> {
    let mut y = features(2, 20, 2);
    y.data_mut()[5 * 2] = f32::NAN;
    let data = Dataset::new(Features::Floats(features(1, 20, 2)), Target::Values(y))?;
    let error = failure("2-8-2", &data, &in_order("MSELoss()", "Adam()")?)?;
    assert_eq!(error.place(), Some("the targets hold NaN in training row 5 (counted from 0)"));
    Ok(())
}

#[test]
fn a_row_that_is_too_large_for_one_layer_names_the_layer() -> Result<()> {
    let mut x = features(1, 20, 4);
    for row in [2, 17] {
        x.data_mut()[row * 4..(row + 1) * 4].fill(3e38);
    }
    let target = Target::Classes((0..20).map(|row| row % 3).collect());
    let data = Dataset::new(Features::Floats(x), target)?;
    let config = Config { batch_size: 20, ..in_order("CrossEntropyLoss()", "Adam()")? };
    let error = failure("Sequential(Linear(4, 64), ReLU(), Linear(64, 3))", &data, &config)?;
    let place = error.place().unwrap_or_default();
    assert!(place.contains("layer \"0\" (Linear) gives"), "{error}");
    assert!(place.contains("in training rows 2, 17 (counted from 0)"), "{error}");
    Ok(())
}

#[test]
fn weights_that_break_unseen_are_found_after_the_epoch() -> Result<()> {
    // The step's gradient times the rate is infinite, and there is no second step to notice it.
    let mut config = in_order("MSELoss()", "SGD(lr=3.4e38)")?;
    config.epochs = 1;
    let mut y = features(2, 8, 2);
    y.data_mut().iter_mut().for_each(|y| *y *= 1e3);
    let data = Dataset::new(Features::Floats(features(1, 8, 2)), Target::Values(y))?;
    let error = failure("2-8-2", &data, &config)?;
    assert_eq!(error.kind(), ErrorKind::Numeric);
    assert!(error.what().contains("weight 0.weight is"), "{error}");
    assert!(error.what().ends_with("after step 1 (epoch 1)"), "{error}");
    Ok(())
}

#[test]
fn weights_that_were_broken_before_are_not_blamed_on_a_step() -> Result<()> {
    let (module, mut state) = network("4-8-3")?.into_parts();
    state.insert("2.bias", Tensor::new([3], vec![0.0, f32::NAN, 0.0])?);
    let broken = Network::with_state(module, &state)?;
    let (data, config) = (classes(1, 20, 4, 3), in_order("CrossEntropyLoss()", "Adam()")?);
    let error = Session::new(broken, &data, None, &config)?.run(&mut ()).unwrap_err();
    assert_eq!(error.place(), Some("weight 2.bias is NaN from the start"));
    Ok(())
}

#[test]
fn an_infinite_validation_row_is_named() -> Result<()> {
    let mut x = features(3, 30, 4);
    x.data_mut()[29 * 4] = f32::INFINITY;
    let target = Target::Classes((0..30).map(|row| row % 3).collect());
    let validation = Dataset::new(Features::Floats(x), target)?;
    let (data, config) = (classes(1, 20, 4, 3), in_order("CrossEntropyLoss()", "Adam()")?);
    let session = Session::new(network("4-8-3")?, &data, Some(&validation), &config)?;
    let error = session.run(&mut ()).expect_err("the validation loss is not finite");
    assert_eq!(error.kind(), ErrorKind::Numeric);
    assert!(error.to_string().contains("in validation row 29 (counted from 0)"), "{error}");
    Ok(())
}

#[test]
fn a_batch_in_which_nothing_counts_is_not_called_divergence() -> Result<()> {
    let config = in_order("CrossEntropyLoss()", "Adam()")?;
    let mut weights = vec![1.0; 20];
    weights[8..16].fill(0.0);
    let data = classes(1, 20, 4, 3).with_weights(weights)?;
    let error = failure("4-8-3", &data, &config)?;
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.what().starts_with("all rows of a batch have weight 0"), "{error}");
    assert!(error.to_string().contains("rows 8, 9, 10, 11, 12 and 3 more"), "{error}");

    let target = (0..20).map(|row| if row < 8 { -100 } else { row % 3 }).collect();
    let data = Dataset::new(Features::Floats(features(1, 20, 4)), Target::Classes(target))?;
    let error = failure("4-8-3", &data, &config)?;
    assert_eq!(error.kind(), ErrorKind::Data);
    assert!(error.what().contains("ignore_index"), "{error}");
    Ok(())
}

#[test]
fn divergence_in_an_embedding_network_is_an_error_not_a_panic() -> Result<()> {
    let x = Tensor::new([6, 2], vec![0_i64, 1, 2, 3, 0, 2, 1, 1, 3, 0, 2, 2])?;
    let data = Dataset::new(Features::Indices(x), Target::Classes(vec![0, 1, 0, 1, 1, 0]))?;
    let config = in_order("CrossEntropyLoss()", "SGD(lr=1e38)")?;
    let notation = "Sequential(Embedding(4, 3), Flatten(), Linear(6, 2))";
    let error = failure(notation, &data, &config)?;
    assert_eq!(error.kind(), ErrorKind::Numeric, "{error}");
    Ok(())
}
