//! Training on tables that are handed over in parts, against the same tables in memory.

use std::ops::Range;
use std::sync::{Arc, Mutex};

use glassnet::engine::Rows;
use glassnet::math::random::Stream;
use glassnet::nn::{self, Network, loss::Criterion};
use glassnet::train::optimizer::Optimizer;
use glassnet::train::{
    Config, Control, Dataset, Features, FeaturesMut, Observer, Part, Record, Session, Shuffle,
    Source, StepEvent, Streaming, Target, TargetMut,
};
use glassnet::{Error, Result, Tensor};

/// A table in memory that is handed over as if it were not, and what was asked of it.
struct InParts {
    data: Dataset,
    asked: Arc<Mutex<Asked>>,
    /// The call of `read`, from 1, that fails; 0 for none.
    failing: usize,
    /// Whether features are asked for a batch at a time, and the rows that are kept for it.
    keeping: bool,
    kept: Kept,
}

/// Features that are kept as bits, to be written out as floats.
#[derive(Debug, Default)]
struct Kept {
    width: usize,
    bits: Vec<u32>,
}

impl Rows for Kept {
    fn write(&self, rows: &[usize], out: &mut [f32]) {
        for (&row, out) in rows.iter().zip(out.chunks_exact_mut(self.width)) {
            let bits = &self.bits[row * self.width..];
            out.iter_mut().zip(bits).for_each(|(value, bits)| *value = f32::from_bits(*bits));
        }
    }
}

impl InParts {
    fn new(data: &Dataset, asked: &Arc<Mutex<Asked>>) -> Self {
        InParts {
            data: data.clone(),
            asked: Arc::clone(asked),
            failing: 0,
            keeping: false,
            kept: Kept::default(),
        }
    }
}

#[derive(Default)]
struct Asked {
    reads: Vec<Vec<Range<usize>>>,
    announced: Vec<Vec<Range<usize>>>,
    most: usize,
    /// How often features were kept.
    keeps: usize,
}

impl Source for InParts {
    fn rows(&self) -> usize {
        self.data.rows()
    }

    fn first(&mut self) -> Result<Dataset> {
        self.data.select(&[0])
    }

    fn read(&mut self, rows: &[Range<usize>], part: &mut Part<'_>) -> Result<()> {
        let mut asked = self.asked.lock().unwrap();
        asked.reads.push(rows.to_vec());
        if asked.reads.len() == self.failing {
            return Err(Error::io("the disk is gone"));
        }
        let rows: Vec<usize> = rows.iter().cloned().flatten().collect();
        asked.most = asked.most.max(rows.len());
        let data = self.data.select(&rows)?;
        match (&mut part.features, data.features()) {
            (FeaturesMut::Floats([]), Features::Floats(_)) => {}
            (FeaturesMut::Floats(room), Features::Floats(x)) => room.copy_from_slice(x.data()),
            (FeaturesMut::Indices(room), Features::Indices(x)) => room.copy_from_slice(x.data()),
            _ => panic!("features of another sort"),
        }
        match (&mut part.target, data.target()) {
            (TargetMut::Classes(room), Target::Classes(y)) => room.copy_from_slice(y),
            (TargetMut::Values(room), Target::Values(y)) => room.copy_from_slice(y.data()),
            _ => panic!("targets of another sort"),
        }
        if let (Some(room), Some(weights)) = (&mut part.weights, data.weights()) {
            room.copy_from_slice(weights);
        }
        Ok(())
    }

    fn keep(&mut self, rows: &[Range<usize>], part: &mut Part<'_>) -> Result<bool> {
        if !self.keeping {
            return Ok(false);
        }
        let FeaturesMut::Floats([]) = part.features else { panic!("there is room for features") };
        let numbers: Vec<usize> = rows.iter().cloned().flatten().collect();
        let Features::Floats(x) = self.data.select(&numbers)?.features().clone() else {
            panic!("features of another sort")
        };
        let bits = x.data().iter().map(|x| x.to_bits()).collect();
        self.kept = Kept { width: x.shape()[1], bits };
        self.asked.lock().unwrap().keeps += 1;
        self.read(rows, part)?;
        Ok(true)
    }

    fn kept(&self) -> Option<&dyn Rows> {
        Some(&self.kept)
    }

    fn announce(&mut self, rows: &[Range<usize>]) {
        self.asked.lock().unwrap().announced.push(rows.to_vec());
    }
}

/// Rows whose first feature is their number.
fn table(rows: usize) -> Dataset {
    let mut random = Stream::new(5, 9);
    let x = (0..rows).flat_map(|row| [row as f32 / rows as f32, random.uniform_f32(), 1.0]);
    let x = Tensor::new([rows, 3], x.collect()).unwrap();
    let y = (0..rows).map(|row| (row % 3) as i64).collect();
    let weights = (0..rows).map(|row| 0.5 + (row % 4) as f32).collect();
    let data = Dataset::new(Features::Floats(x), Target::Classes(y)).unwrap();
    data.with_weights(weights).unwrap()
}

fn settings(shuffle: Shuffle) -> Config {
    let loss = Criterion::parse("cross_entropy").unwrap();
    let optimizer = Optimizer::parse("Adam(lr=0.01)").unwrap();
    Config { epochs: 3, batch_size: 8, shuffle, seed: 4, ..Config::new(loss, optimizer) }
}

fn network() -> Network {
    Network::new(nn::parse("3-5-3").unwrap(), 1).unwrap()
}

/// Trains in parts of at most `rows` rows, and tells what was asked.
fn stream(
    data: &Dataset,
    rows: usize,
    config: &Config,
    observer: &mut dyn Observer,
) -> (Result<Record>, Arc<Mutex<Asked>>) {
    let asked = Arc::new(Mutex::new(Asked::default()));
    let source = InParts::new(data, &asked);
    let streaming = Streaming { rows, block: 10 };
    let record = Session::streaming(network(), Box::new(source), streaming, None, config)
        .and_then(|session| session.run(observer));
    (record, asked)
}

/// Losses and weights of a record in bits.
fn bits(record: &Record) -> (Vec<u64>, Vec<Vec<u32>>) {
    let losses = record.history.iter().map(|epoch| epoch.train_loss.to_bits()).collect();
    let state = record.network.state_dict();
    let weights = state.iter().filter_map(|(_, value)| value.as_f32());
    let weights = weights.map(|tensor| tensor.data().iter().map(|x| x.to_bits()).collect());
    (losses, weights.collect())
}

#[test]
fn a_table_within_one_part_trains_bit_for_bit_as_in_memory() {
    for rows in [1, 7, 8, 64, 100] {
        let data = table(rows);
        let config = settings(Shuffle::Own);
        let whole = Session::new(network(), &data, None, &config).unwrap().run(&mut ()).unwrap();
        let (parts, asked) = stream(&data, 200, &config, &mut ());
        assert_eq!(bits(&parts.unwrap()), bits(&whole), "{rows} rows");
        assert_eq!(asked.lock().unwrap().reads.len(), 1, "what is held is not read again");
    }
}

#[test]
fn without_shuffling_any_parts_train_bit_for_bit_as_in_memory() {
    for rows in [17, 96, 100, 119] {
        let data = table(rows);
        let config = settings(Shuffle::None);
        let whole = Session::new(network(), &data, None, &config).unwrap().run(&mut ()).unwrap();
        for most in [1, 16, 40] {
            let (parts, asked) = stream(&data, most, &config, &mut ());
            assert_eq!(bits(&parts.unwrap()), bits(&whole), "{rows} rows, at most {most} at once");
            let asked = asked.lock().unwrap();
            assert!(asked.most <= most.max(16) + 15, "{} rows at once", asked.most);
        }
    }
}

/// Notes the first weight's gradient, and how many rows each step had.
struct Sizes(Vec<usize>);

impl Observer for Sizes {
    fn step(&mut self, event: &StepEvent<'_>) -> Control {
        self.0.push(event.rows.len());
        Control::Continue
    }
}

#[test]
fn every_row_is_visited_once_per_epoch_and_what_was_announced_is_read() {
    let data = table(101);
    let config = settings(Shuffle::Own);
    let mut sizes = Sizes(vec![]);
    let (record, asked) = stream(&data, 32, &config, &mut sizes);
    record.unwrap();
    let asked = asked.lock().unwrap();
    // Blocks of 16 rows, two to a part; the last has the five rows that are left.
    assert_eq!(asked.reads.len(), 9);
    for epoch in asked.reads.chunks(3) {
        let mut rows: Vec<usize> = epoch.iter().flatten().cloned().flatten().collect();
        rows.sort_unstable();
        assert_eq!(rows, (0..101).collect::<Vec<_>>());
    }
    assert_ne!(asked.reads[..3], asked.reads[3..6], "epochs differ");
    assert_eq!(asked.announced[..8], asked.reads[1..]);
    let mut expected = vec![8; 12];
    expected.push(5);
    assert_eq!(sizes.0, expected.repeat(3));
}

#[test]
fn a_training_in_parts_goes_on_from_a_checkpoint() {
    let data = table(100);
    let config = settings(Shuffle::Own);
    let (whole, _) = stream(&data, 32, &config, &mut ());
    let begin = || {
        let source = InParts::new(&data, &Arc::default());
        let streaming = Streaming { rows: 32, block: 10 };
        Session::streaming(network(), Box::new(source), streaming, None, &config).unwrap()
    };
    let mut first = begin();
    first.epoch(&mut ()).unwrap();
    let rest = begin().going_on(first.checkpoint()).unwrap().run(&mut ()).unwrap();
    assert_eq!(bits(&rest), bits(&whole.unwrap()));
}

/// A network too wide for several steps at once, whose features a source may keep.
fn keeping(data: &Dataset, rows: usize, config: &Config) -> (Result<Record>, usize) {
    let asked = Arc::new(Mutex::new(Asked::default()));
    let source = InParts { keeping: true, ..InParts::new(data, &asked) };
    let streaming = Streaming { rows, block: 10 };
    let record = Session::streaming(wide(), Box::new(source), streaming, None, config)
        .and_then(|session| session.run(&mut ()));
    let keeps = asked.lock().unwrap().keeps;
    (record, keeps)
}

fn wide() -> Network {
    Network::new(nn::parse("3-300-3").unwrap(), 1).unwrap()
}

#[test]
fn features_that_the_source_keeps_train_bit_for_bit_as_in_memory() {
    for rows in [17, 96, 101] {
        for (most, shuffle) in [(200, Shuffle::Own), (1, Shuffle::None), (40, Shuffle::None)] {
            let data = table(rows);
            let config = settings(shuffle);
            let whole = Session::new(wide(), &data, None, &config).unwrap().run(&mut ()).unwrap();
            let (parts, keeps) = keeping(&data, most, &config);
            assert_eq!(bits(&parts.unwrap()), bits(&whole), "{rows} rows, at most {most} at once");
            assert!(keeps > 0, "the source was asked to keep them");
        }
    }
}

#[test]
fn what_goes_wrong_in_kept_features_says_where() {
    let data = table(100);
    let Features::Floats(x) = data.features() else { unreachable!() };
    let mut x = x.clone();
    x.data_mut()[3 * 70] = f32::INFINITY;
    let wrong = data.with_features(Features::Floats(x)).unwrap();
    for shuffle in [Shuffle::None, Shuffle::Own] {
        let (record, _) = keeping(&wrong, 32, &settings(shuffle));
        let error = record.unwrap_err().to_string();
        assert!(error.contains("the features hold inf in line 71"), "{error}");
    }
}

#[test]
fn what_goes_wrong_says_where() {
    let data = table(100);
    let config = settings(Shuffle::Own);
    let source = InParts { failing: 2, ..InParts::new(&data, &Arc::default()) };
    let streaming = Streaming { rows: 32, block: 10 };
    let session = Session::streaming(network(), Box::new(source), streaming, None, &config);
    let error = session.unwrap().run(&mut ()).unwrap_err();
    assert_eq!(error.what(), "the disk is gone");

    let (record, _) = stream(&data, 32, &settings(Shuffle::Torch), &mut ());
    assert!(record.unwrap_err().to_string().contains("whole table in memory"));

    // A class that doesn't exist, far from the first rows.
    let mut classes: Vec<i64> = (0..100).map(|row| row % 3).collect();
    classes[90] = 3;
    let wrong = Dataset::new(data.features().clone(), Target::Classes(classes)).unwrap();
    let (record, _) = stream(&wrong, 32, &settings(Shuffle::None), &mut ());
    let error = record.unwrap_err().to_string();
    assert!(error.contains("class") && error.contains("among the rows"), "{error}");

    // A feature that no training survives is named by its row in the table.
    let Features::Floats(x) = data.features() else { unreachable!() };
    let mut x = x.clone();
    x.data_mut()[3 * 70] = f32::INFINITY;
    let wrong = data.with_features(Features::Floats(x)).unwrap();
    let (record, _) = stream(&wrong, 32, &settings(Shuffle::None), &mut ());
    let error = record.unwrap_err().to_string();
    assert!(error.contains("the features hold inf in line 71"), "{error}");
}
