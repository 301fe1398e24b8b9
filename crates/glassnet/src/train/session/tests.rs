//! Many steps at once against the same steps one by one.

use super::*;
use crate::engine::Level;
use crate::math::random::Stream;
use crate::nn;
use crate::nn::loss::Criterion;
use crate::train::observer::StepEvent;
use crate::train::{Features, Target};

/// Rows of random numbers in ±1 with one of `classes` classes; `ignored` of them have the class that does not count.
fn table(rows: usize, width: usize, classes: u64, ignored: usize, stream: u64) -> Dataset {
    let mut random = Stream::new(11, stream);
    let mut x = vec![0.0; rows * width];
    random.fill_uniform(&mut x);
    x.iter_mut().for_each(|value| *value = *value * 2.0 - 1.0);
    let mut y: Vec<i64> = (0..rows).map(|_| random.below(classes) as i64).collect();
    for at in 0..ignored {
        y[at * 7 % rows] = -100;
    }
    let x = Tensor::new([rows, width], x).expect("a matrix");
    Dataset::new(Features::Floats(x), Target::Classes(y)).expect("a table")
}

/// Writes down what it is told, at most every `stride` steps.
struct Listener {
    stride: usize,
    rows: usize,
    heard: Vec<Heard>,
}

/// What an observer is told, in bits.
#[derive(Debug, PartialEq)]
struct Heard {
    step: u64,
    /// How many rows there were so far.
    rows: usize,
    loss: u32,
    gradients: Vec<u32>,
    weights: Vec<u32>,
}

impl Listener {
    fn new(stride: usize) -> Self {
        Listener { stride, rows: 0, heard: vec![] }
    }
}

fn bits(numbers: &[f32]) -> Vec<u32> {
    numbers.iter().map(|number| number.to_bits()).collect()
}

impl Observer for Listener {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.rows += event.rows.len();
        let (gradients, weights) = (bits(event.gradients), bits(event.block.parameters()));
        let (step, rows, loss) = (event.step, self.rows, event.loss.to_bits());
        self.heard.push(Heard { step, rows, loss, gradients, weights });
        Control::Continue
    }

    fn stride(&self) -> usize {
        self.stride
    }
}

/// What a listener hears, and the record or the error that the training leaves.
fn train(
    network: &Network,
    data: &Dataset,
    chosen: Option<&[usize]>,
    config: &Config,
    stride: usize,
) -> Result<(Listener, Result<Record>)> {
    let mut listener = Listener::new(stride);
    let session = match chosen {
        Some(chosen) => Session::on_rows(network.clone(), data, chosen, None, config)?,
        None => Session::new(network.clone(), data, None, config)?,
    };
    let record = session.run(&mut listener);
    Ok((listener, record))
}

/// The same on the general kernels, one step after the other.
fn plainly(
    network: &Network,
    data: &Dataset,
    chosen: Option<&[usize]>,
    config: &Config,
) -> Result<(Listener, Result<Record>)> {
    let mut config = config.clone();
    config.engine.fuse = false;
    train(network, data, chosen, &config, 1)
}

/// Everything that was heard with a stride was heard without one too, and the record is the same.
fn same(
    what: &str,
    (found, record): &(Listener, Result<Record>),
    (expected, plain): &(Listener, Result<Record>),
) {
    for heard in &found.heard {
        assert!(expected.heard.contains(heard), "{what}: step {}", heard.step);
    }
    assert_eq!(found.heard.last(), expected.heard.last(), "{what}");
    match (record, plain) {
        (Ok(record), Ok(plain)) => {
            assert_eq!(record.network.state_dict(), plain.network.state_dict(), "{what}");
            assert_eq!(record.history, plain.history, "{what}");
        }
        (Err(error), Err(plain)) => assert_eq!(error.to_string(), plain.to_string(), "{what}"),
        (found, plain) => panic!("{what}: {found:?} instead of {plain:?}"),
    }
}

/// Small networks with what the data need: notation, inputs, classes.
const SMALL: [(&str, usize, u64); 9] = [
    ("2-2-2", 2, 2),
    ("2-2t-2", 2, 2),
    ("Sequential(Linear(2,2),Sigmoid(),Linear(2,2))", 2, 2),
    ("1-3-2", 1, 2),
    ("3-2-2", 3, 2),
    ("2-1-1-3", 2, 3),
    ("4-3", 4, 3),
    ("Sequential(Linear(2,2,bias=False),ReLU(),Linear(2,3))", 2, 3),
    ("Sequential(Linear(2,2),ReLU(),Linear(2,2),Tanh(),Linear(2,1))", 2, 1),
];

#[test]
fn many_steps_at_once_are_the_steps() -> Result<()> {
    for (number, (notation, width, classes)) in SMALL.into_iter().enumerate() {
        let data = table(26, width, classes, 0, number as u64);
        let network = Network::new(nn::parse(notation)?, number as u64)?;
        let chosen: Vec<usize> = (0..19).map(|at| at * 5 % 26).collect();
        let optimizers = [
            "SGD(lr=0.1)",
            "SGD(lr=0.1, momentum=0.9, weight_decay=0.01)",
            "Adam(lr=0.03)",
            "AdamW(lr=0.03)",
            "SGD(lr=0.1, momentum=0.9, nesterov=True)",
        ];
        for (at, optimizer) in optimizers.into_iter().enumerate() {
            let batch_size = [4, 3, 1, 2, 4][(at + number) % 5];
            let shuffle = [Shuffle::None, Shuffle::Own, Shuffle::Torch][(at + number) % 3];
            let chosen = [None, Some(&chosen[..])][at % 2];
            let config =
                Config::new(Criterion::parse("CrossEntropyLoss()")?, Optimizer::parse(optimizer)?);
            let config = Config { epochs: 6, batch_size, shuffle, seed: 3, ..config };
            let expected = plainly(&network, &data, chosen, &config)?;
            assert_eq!(expected.0.heard.len() as u64, expected.0.heard.last().expect("steps").step);
            for level in Level::supported() {
                let mut config = config.clone();
                config.engine.level = level;
                for stride in [usize::MAX, 1, 3, 0] {
                    let what = format!("{notation} by {optimizer} on {level}, stride {stride}");
                    let found = train(&network, &data, chosen, &config, stride)?;
                    assert_eq!(found.0.rows, expected.0.rows, "{what}");
                    let fewer = found.0.heard.len() < expected.0.heard.len();
                    assert_eq!(fewer, stride > 1 && at != 4, "{what}");
                    same(&what, &found, &expected);
                }
            }
        }
    }
    Ok(())
}

#[test]
fn rows_that_do_not_count_are_left_to_the_general_kernels() -> Result<()> {
    let data = table(40, 2, 2, 5, 1);
    let network = Network::new(nn::parse("2-2-2")?, 1)?;
    for optimizer in ["SGD(lr=0.1, momentum=0.9)", "Adam(lr=0.03)"] {
        let config =
            Config::new(Criterion::parse("CrossEntropyLoss()")?, Optimizer::parse(optimizer)?);
        let config = Config { epochs: 5, batch_size: 4, ..config };
        let expected = plainly(&network, &data, None, &config)?;
        same(optimizer, &train(&network, &data, None, &config, usize::MAX)?, &expected);
    }
    Ok(())
}

#[test]
fn a_loss_that_is_not_finite_ends_the_training_where_it_would_have_ended() -> Result<()> {
    let mut ended = 0;
    for (seed, lr) in [(0, 1e30), (1, 1e20), (2, 1e38), (3, 3e8)] {
        let data = table(64, 2, 2, 0, seed);
        let network = Network::new(nn::parse("2-2-2")?, seed)?;
        let optimizer = Optimizer::parse("SGD(lr=0.1, momentum=0.9)")?.with_lr(lr);
        let config = Config::new(Criterion::parse("CrossEntropyLoss()")?, optimizer);
        let config = Config { epochs: 3, batch_size: 4, shuffle: Shuffle::None, ..config };
        let expected = plainly(&network, &data, None, &config)?;
        ended += usize::from(expected.1.is_err() && expected.0.heard.len() > 1);
        same(&format!("lr {lr}"), &train(&network, &data, None, &config, 64)?, &expected);
    }
    assert!(ended > 0, "some training ends in the middle");
    Ok(())
}

#[test]
fn what_registers_do_not_hold_is_trained_step_by_step() -> Result<()> {
    for (notation, batch, width, possible) in [
        ("2-2-2", 4, 2, true),
        ("2-2-2", 8, 2, true),
        ("2-2-2", 9, 2, false),
        ("2-3-2", 4, 2, false),
        ("Sequential(Linear(2,2),GELU(),Linear(2,2))", 4, 2, false),
        ("Sequential(Linear(2,2),Dropout(p=0.5),Linear(2,2))", 4, 2, false),
    ] {
        let data = table(batch * 3, width, 2, 0, 0);
        let network = Network::new(nn::parse(notation)?, 0)?;
        let config =
            Config::new(Criterion::parse("CrossEntropyLoss()")?, Optimizer::parse("Adam()")?);
        let config = Config { batch_size: batch, ..config };
        let session = Session::new(network, &data, None, &config)?;
        assert_eq!(session.many.possible, possible, "{notation}, batches of {batch}");
    }
    Ok(())
}
