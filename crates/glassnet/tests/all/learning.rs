//! What weights of rows and classes, penalties, smoothing, batches and sorts of networks do to a training.

use glassnet::train::{
    Config, Dataset, Features, Record, Session, Shuffle, Target, optimizer::Optimizer,
};
use glassnet::{Result, Tensor};

use crate::tables::{Watcher, bits, classes, config, features, floats, network, noise, values};

fn train(notation: &str, data: &Dataset, config: &Config) -> Result<Record> {
    Session::new(network(notation)?, data, None, config)?.run(&mut ())
}

/// One batch of all rows, in the table's order.
fn full(rows: usize, config: Config) -> Config {
    Config { shuffle: Shuffle::None, batch_size: rows, epochs: 30, ..config }
}

/// All weights, within rounding.
fn near(what: &str, a: &Record, b: &Record) {
    for (key, value) in a.network.state_dict().iter() {
        let Some(value) = value.as_f32() else { continue };
        for (a, b) in value.data().iter().zip(floats(&b.network, key)) {
            assert!((a - b).abs() <= 1e-5 * a.abs().max(1.0), "{what}: {key}: {a} and {b}");
        }
    }
}

/// The rows of `data` in `order`, some of them twice.
fn take(data: &Dataset, order: &[usize]) -> Result<Dataset> {
    let rows = |tensor: &Tensor<f32>| {
        let picked = order.iter().flat_map(|&row| tensor.row(row).to_vec()).collect();
        Tensor::new([order.len(), tensor.shape()[1]], picked)
    };
    let features = match data.features() {
        Features::Floats(x) => Features::Floats(rows(x)?),
        Features::Indices(_) => unreachable!("these tables hold floats"),
    };
    let target = match data.target() {
        Target::Classes(classes) => {
            Target::Classes(order.iter().map(|&row| classes[row]).collect())
        }
        Target::Values(y) => Target::Values(rows(y)?),
    };
    Dataset::new(features, target)
}

#[test]
fn a_row_of_weight_two_is_that_row_twice() -> Result<()> {
    let order = [0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 9];
    let weights = || vec![1.0, 1.0, 2.0, 1.0, 1.0, 2.0, 1.0, 1.0, 1.0, 1.0];
    for (data, notation, loss) in [
        (classes(1, 10, 4, 3), "4-8t-3", "CrossEntropyLoss()"),
        (classes(1, 10, 4, 3), "4-8t-3", "CrossEntropyLoss(weight=[1, 2, 0.5])"),
        (classes(1, 10, 4, 3), "4-8t-3", "CrossEntropyLoss(label_smoothing=0.1)"),
        (classes(1, 10, 4, 3), "4-8t-3", "CrossEntropyLoss(reduction='sum')"),
        (values(1, 10), "2-8t-2", "MSELoss()"),
        (values(1, 10), "2-8t-2", "HuberLoss()"),
    ] {
        let settings = config(loss, "SGD(lr=0.05, momentum=0.5)")?;
        let doubled = train(notation, &take(&data, &order)?, &full(12, settings.clone()))?;
        let weighed = data.clone().with_weights(weights())?;
        let weighed = train(notation, &weighed, &full(10, settings.clone()))?;
        near(loss, &weighed, &doubled);
        let plain = train(notation, &data, &full(10, settings))?;
        assert_ne!(bits(plain.network.state_dict()), bits(weighed.network.state_dict()), "{loss}");
        if loss.contains("sum") {
            continue;
        }
        for (a, b) in weighed.history.iter().zip(&doubled.history) {
            assert!((a.train_loss - b.train_loss).abs() < 1e-6, "{loss}: the mean over weights");
        }
    }
    Ok(())
}

#[test]
fn a_row_of_weight_zero_is_not_there() -> Result<()> {
    let data = classes(1, 10, 4, 3);
    let settings = config("CrossEntropyLoss()", "SGD(lr=0.05)")?;
    let mut weights = vec![1.0; 10];
    weights[3] = 0.0;
    let without = take(&data, &[0, 1, 2, 4, 5, 6, 7, 8, 9])?;
    let without = train("4-8t-3", &without, &full(9, settings.clone()))?;
    near(
        "weight 0",
        &train("4-8t-3", &data.with_weights(weights)?, &full(10, settings))?,
        &without,
    );
    Ok(())
}

#[test]
fn class_weights_are_weights_of_the_rows_of_a_class() -> Result<()> {
    let data = classes(1, 30, 4, 3);
    let of = [1.0, 2.0, 0.25];
    let Target::Classes(target) = data.target() else { unreachable!("classes") };
    let weights = target.iter().map(|&class| of[class as usize]).collect();
    let by_class = config("CrossEntropyLoss(weight=[1, 2, 0.25])", "Adam(lr=0.01)")?;
    let by_row = config("CrossEntropyLoss()", "Adam(lr=0.01)")?;
    let by_class = train("4-8t-3", &data, &full(30, by_class))?;
    near(
        "class weights",
        &by_class,
        &train("4-8t-3", &data.with_weights(weights)?, &full(30, by_row))?,
    );
    Ok(())
}

#[test]
fn l2_is_weight_decay_to_the_bit() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    for (plain, decayed) in [
        ("SGD(lr=0.1)", "SGD(lr=0.1, weight_decay=0.03)"),
        (
            "SGD(lr=0.1, momentum=0.9, nesterov=True)",
            "SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.03)",
        ),
        ("Adam(lr=0.01)", "Adam(lr=0.01, weight_decay=0.03)"),
        ("NAdam(lr=0.01)", "NAdam(lr=0.01, weight_decay=0.03)"),
        ("RMSprop(lr=0.01)", "RMSprop(lr=0.01, weight_decay=0.03)"),
    ] {
        let l2 = Config { l2: 0.03, epochs: 20, ..config("CrossEntropyLoss()", plain)? };
        let decay = Config { epochs: 20, ..config("CrossEntropyLoss()", decayed)? };
        let (l2, decay) = (train("4-8-3", &data, &l2)?, train("4-8-3", &data, &decay)?);
        assert_eq!(bits(l2.network.state_dict()), bits(decay.network.state_dict()), "{decayed}");
    }
    Ok(())
}

#[test]
fn penalties_are_added_to_the_gradient() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    let first = |l1: f64, l2: f64| -> Result<Vec<f32>> {
        let config = Config { l1, l2, epochs: 1, ..config("CrossEntropyLoss()", "SGD(lr=0.1)")? };
        let mut watcher = Watcher::default();
        Session::new(network("4-8-3")?, &data, None, &config)?.run(&mut watcher)?;
        Ok(watcher.steps[0].gradients.clone())
    };
    let (plain, l1, l2) = (first(0.0, 0.0)?, first(0.25, 0.0)?, first(0.0, 0.5)?);
    let start = network("4-8-3")?;
    let weights = start.state_dict().iter().flat_map(|(_, value)| value.as_f32().unwrap().data());
    for (at, &weight) in weights.enumerate() {
        assert_eq!(l1[at], plain[at] + 0.25 * weight.signum());
        assert_eq!(l2[at], weight.mul_add(0.5, plain[at]));
    }
    Ok(())
}

#[test]
fn label_smoothing_is_training_on_smoothed_probabilities() -> Result<()> {
    let data = classes(1, 40, 4, 3);
    let Target::Classes(target) = data.target() else { unreachable!("classes") };
    let smoothed: Vec<f32> = target
        .iter()
        .flat_map(|&class| (0..3).map(move |at| if at == class { 0.8 } else { 0.1 }))
        .collect();
    let smoothed = Target::Values(Tensor::new([40, 3], smoothed)?);
    let smoothed = Dataset::new(data.features().clone(), smoothed)?;
    let by_option = config("CrossEntropyLoss(label_smoothing=0.3)", "SGD(lr=0.1)")?;
    let by_target = config("CrossEntropyLoss()", "SGD(lr=0.1)")?;
    let by_option = train("4-8t-3", &data, &full(40, by_option))?;
    near("smoothing", &by_option, &train("4-8t-3", &smoothed, &full(40, by_target))?);
    Ok(())
}

#[test]
fn batches_may_be_larger_than_the_table_and_tables_one_row() -> Result<()> {
    let data = classes(1, 10, 4, 3);
    let settings = config("CrossEntropyLoss()", "Adam(lr=0.01)")?;
    let of = |batch_size| Config { batch_size, epochs: 5, ..settings.clone() };
    let exact = train("4-8-3", &data, &of(10))?;
    let larger = train("4-8-3", &data, &of(usize::MAX))?;
    assert_eq!(bits(exact.network.state_dict()), bits(larger.network.state_dict()));
    let one = take(&data, &[4])?;
    let record = train("4-8-3", &one, &Config { epochs: 200, ..of(32) })?;
    let loss = record.history.last().map(|epoch| epoch.train_loss);
    assert!(loss.is_some_and(|loss| loss < 0.05), "one row is learnt by heart: {loss:?}");
    Ok(())
}

#[test]
fn a_smaller_last_batch_is_a_batch_like_any_other() -> Result<()> {
    // 7 rows in batches of 4 in the table's order are the batches 0..4 and 4..7: as two trainings in turn.
    let data = classes(1, 7, 4, 3);
    let settings = Config {
        shuffle: Shuffle::None,
        batch_size: 4,
        epochs: 1,
        ..config("CrossEntropyLoss()", "SGD(lr=0.1)")?
    };
    let whole = train("4-8-3", &data, &settings)?;
    let first = train("4-8-3", &take(&data, &[0, 1, 2, 3])?, &settings)?;
    let rest = take(&data, &[4, 5, 6])?;
    let both = Session::new(first.network, &rest, None, &settings)?.run(&mut ())?;
    assert_eq!(bits(whole.network.state_dict()), bits(both.network.state_dict()));
    Ok(())
}

#[test]
fn every_loss_for_numbers_finds_a_straight_line() -> Result<()> {
    let x = features(1, 60, 2);
    let y: Vec<f32> = (0..60).map(|row| 2.0 * x.row(row)[0] - 0.5 * x.row(row)[1] + 1.0).collect();
    let target = Target::Values(Tensor::new([60, 1], y)?);
    let data = Dataset::new(Features::Floats(x), target)?;
    for loss in ["MSELoss()", "L1Loss()", "SmoothL1Loss()", "HuberLoss()"] {
        let schedule = glassnet::train::schedule::Schedule::parse("CosineAnnealingLR(T_max=200)")?;
        let settings = config(loss, "Adam(lr=0.05)")?;
        let settings = Config { epochs: 200, schedule: Some(schedule), ..settings };
        let record = train("Linear(2, 1)", &data, &settings)?;
        let found = [floats(&record.network, "weight"), floats(&record.network, "bias")].concat();
        for (found, expected) in found.iter().zip([2.0, -0.5, 1.0]) {
            assert!((found - expected).abs() < 0.01, "{loss}: {found} for {expected}");
        }
    }
    Ok(())
}

#[test]
fn weights_of_the_loss_and_of_rows_do_not_clash_with_a_layers() -> Result<()> {
    // The keys of a bare Linear are `weight` and `bias`.
    let weights = vec![1.0, 2.0, 1.0, 1.0, 0.5, 1.0, 1.0, 3.0, 1.0, 1.0];
    let data = classes(1, 10, 4, 3).with_weights(weights)?;
    let settings = config("CrossEntropyLoss(weight=[1, 2, 3])", "SGD(lr=0.1)")?;
    let record = train("Linear(4, 3)", &data, &settings)?;
    assert_eq!(record.network.state_dict().keys().collect::<Vec<_>>(), ["weight", "bias"]);
    Ok(())
}

/// Trains and wants the loss to fall below `part` of the first epoch's.
fn learns(notation: &str, data: &Dataset, settings: &Config, part: f64) -> Result<Record> {
    let record = train(notation, data, &Config { epochs: 150, ..settings.clone() })?;
    let (first, last) = (record.history[0].train_loss, record.history[149].train_loss);
    assert!(last < part * first, "{notation} does not learn: {first} to {last}");
    Ok(record)
}

#[test]
fn every_sort_of_network_learns() -> Result<()> {
    let (data, adam) = (classes(1, 60, 4, 3), config("CrossEntropyLoss()", "Adam(lr=0.02)")?);
    for notation in [
        "Sequential(Sequential(Linear(4, 8), ReLU()), Sequential(Linear(8, 8), Sequential(Tanh(), Linear(8, 3))))",
        "Sequential(Linear(4, 8), Residual(Linear(8, 8), ReLU(), Linear(8, 8)), Linear(8, 3))",
        "Sequential(Linear(4, 8), Formula('z/(1+exp(-z))'), Linear(8, 3))",
        "Sequential(Linear(4, 8), PReLU(8), LayerNorm(8), Linear(8, 3))",
        "Sequential(Linear(4, 8), BatchNorm1d(8), GELU(), Linear(8, 3))",
        "Sequential(Linear(4, 8, bias=False), Mish(), Linear(8, 3))",
        "Sequential(Linear(4, 3), LogSoftmax(dim=1))",
    ] {
        learns(notation, &data, &adam, 0.3)?;
    }
    let dropout = "Sequential(Linear(4, 32), ReLU(), Dropout(p=0.2), Linear(32, 3))";
    learns(dropout, &data, &adam, 0.4)?;
    let tanh = "Sequential(Linear(2, 16), Tanh(), Linear(16, 2))";
    learns(tanh, &values(1, 60), &config("MSELoss()", "Adam(lr=0.02)")?, 0.1)?;
    Ok(())
}

#[test]
fn a_formula_trains_as_the_activation_that_it_spells() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    let settings = Config { epochs: 20, ..config("CrossEntropyLoss()", "SGD(lr=0.1)")? };
    for (layer, formula) in [
        ("Tanh()", "Formula('tanh(z)')"),
        ("SiLU()", "Formula('z*sigmoid(z)')"),
        ("Softsign()", "Formula('z/(1+abs(z))')"),
    ] {
        let of = |middle: &str| format!("Sequential(Linear(4, 8), {middle}, Linear(8, 3))");
        let built_in = train(&of(layer), &data, &settings)?;
        near(formula, &built_in, &train(&of(formula), &data, &settings)?);
    }
    Ok(())
}

#[test]
fn indices_are_learnt_through_an_embedding() -> Result<()> {
    // The class is the parity of the two tokens' sum.
    let pairs: Vec<i64> = (0..36).flat_map(|at| [at / 6, at % 6]).collect();
    let target = (0..36).map(|at| (at / 6 + at % 6) % 2).collect();
    let x = Features::Indices(Tensor::new([36, 2], pairs)?);
    let data = Dataset::new(x, Target::Classes(target))?;
    let notation = "Sequential(Embedding(6, 4), Flatten(), Linear(8, 16), ReLU(), Linear(16, 2))";
    let record = learns(notation, &data, &config("CrossEntropyLoss()", "Adam(lr=0.02)")?, 0.2)?;
    let padded = "Sequential(Embedding(6, 4, padding_idx=0), Flatten(), Linear(8, 16), ReLU(), Linear(16, 2))";
    let padded = train(padded, &data, &config("CrossEntropyLoss()", "Adam(lr=0.02)")?)?;
    assert_eq!(floats(&padded.network, "0.weight")[..4], [0.0; 4], "padding stays 0");
    assert_ne!(floats(&record.network, "0.weight")[..4], [0.0; 4]);
    Ok(())
}

#[test]
fn the_losses_for_probabilities_and_counts_learn() -> Result<()> {
    let x = features(1, 60, 2);
    let sums: Vec<f32> = (0..60).map(|row| x.row(row).iter().sum()).collect();
    let of = |y: Vec<f32>| {
        let target = Target::Values(Tensor::new([60, 1], y).expect("the shape fits"));
        Dataset::new(Features::Floats(x.clone()), target)
    };
    let truth = of(sums.iter().map(|&sum| if sum > 0.0 { 1.0 } else { 0.0 }).collect())?;
    let counts = of(sums.iter().map(|&sum| (0.5 * sum).exp().round()).collect())?;
    for (loss, notation, data, part) in [
        ("BCEWithLogitsLoss()", "2-8-1", &truth, 0.2),
        ("BCEWithLogitsLoss(pos_weight=[3.0])", "2-8-1", &truth, 0.2),
        ("BCELoss()", "Sequential(Linear(2, 8), ReLU(), Linear(8, 1), Sigmoid())", &truth, 0.2),
        ("PoissonNLLLoss()", "2-8-1", &counts, 0.5),
    ] {
        learns(notation, data, &config(loss, "Adam(lr=0.02)")?, part)?;
    }
    let mut soft = noise(4, 180);
    for row in soft.chunks_mut(3) {
        let sum: f32 = row.iter().map(|z| z.exp()).sum();
        row.iter_mut().for_each(|z| *z = z.exp() / sum);
    }
    let soft = Target::Values(Tensor::new([60, 3], soft)?);
    let soft = Dataset::new(Features::Floats(features(1, 60, 2)), soft)?;
    let notation = "Sequential(Linear(2, 32), Tanh(), Linear(32, 3), LogSoftmax(dim=1))";
    learns(notation, &soft, &config("KLDivLoss(reduction='batchmean')", "Adam(lr=0.02)")?, 0.8)?;
    Ok(())
}

#[test]
fn climbing_makes_the_loss_larger() -> Result<()> {
    let data = classes(1, 50, 4, 3);
    let settings = config("CrossEntropyLoss()", "SGD()")?;
    let optimizer = Optimizer::parse("SGD(lr=0.01, maximize=True)")?;
    let record = train("4-8-3", &data, &Config { optimizer, epochs: 5, ..settings })?;
    assert!(record.history[4].train_loss > record.history[0].train_loss);
    Ok(())
}
