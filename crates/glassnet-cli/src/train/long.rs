//! Rows of a table that is larger than memory.

use glassnet::nn::Network;
use glassnet::train::{Config, Dataset, Session, Streaming, Target};
use glassnet::{Error, Result, Tensor};
use glassnet_data::{
    CsvOptions, EncodeOptions, FitOptions, LongRows, LongTable, LongTarget, Preprocessing, RowSet,
    Sides, Spill, SplitOptions,
};

use super::rows::{Rows, other_table, with_test};
use super::settings;
use crate::args;
use crate::measured::dataset;
use crate::reading;
use crate::terminal::Terminal;

/// A table in a temporary file, and what of it is predicted.
pub(super) struct LongSource<'a> {
    pub(super) args: &'a args::Train,
    pub(super) base: CsvOptions,
    pub(super) table: LongTable,
    pub(super) target: LongTarget,
    pub(super) fingerprint: u64,
    pub(super) spill: Spill,
}

/// Training rows that are read from a temporary file while they are learned from.
pub(super) struct Streamed {
    rows: LongRows,
    streaming: Streaming,
}

/// Of the memory that a table may take the rows that are learned from have an eighth, and so have those that are measured.
const SHARE: usize = 8;

/// The bytes of a piece that is read at once, about.
const PIECE: usize = 1 << 16;

impl LongSource<'_> {
    /// Splits the labelled rows, learns from those that train how columns become features, and encodes all.
    pub(super) fn into_rows(mut self, terminal: &Terminal) -> Result<Rows> {
        let sides = self.split(terminal)?;
        let fit = FitOptions {
            exclude: self.args.split_by.iter().cloned().collect(),
            weights: self.args.weight.clone(),
            embed: settings::embedding(self.args)?,
            ..FitOptions::default()
        };
        let fitted = self.table.fit(&self.target, &sides.training, &fit)?;
        reading::notes(&fitted.notes, terminal);
        let preprocessing = fitted.preprocessing.clone();
        let most = (self.spill.memory / SHARE / (4 * preprocessing.width())).max(1);
        let measured = sides.validation.sample(most);
        if measured.count() < sides.validation.count() {
            terminal.note(&format!(
                "{} of the {} validation rows are measured: as many as the memory for the table holds",
                measured.count(),
                sides.validation.count()
            ));
        }
        let validation = match measured.count() {
            0 => None,
            _ => Some(self.validation(&preprocessing, &measured, terminal)?), // not operations: some rows
        };
        let mut rows = self.table.pack(&fitted, &sides.training, (self.spill.open)()?)?;
        let sizes = self.table.class_sizes(&self.target, &sides.training)?;
        let measured = sides.training.count().min(most);
        let sample = rows.sample(measured)?;
        let block = self.args.batch_size.max(PIECE / rows.record_bytes());
        let part = self.spill.memory / SHARE / rows.row_bytes();
        terminal.note(&format!(
            "the table is larger than the memory for it ({}): its {} training rows are read from a temporary file of {} \
             in parts of {}{}",
            size(self.spill.memory as u64),
            sides.training.count(),
            size(rows.bytes()),
            part.clamp(block.min(sides.training.count()), sides.training.count()),
            match measured < sides.training.count() {
                true => format!(", and {measured} of them are measured"),
                false => String::new(),
            },
        ));
        let streaming = Streaming { rows: part, block };
        let trivial = trivial(&preprocessing, &sizes)?;
        let mut found = Rows {
            fingerprint: self.fingerprint,
            trained: sides.training.count(),
            class_sizes: sizes,
            training: sample,
            streamed: Some(Streamed { rows, streaming }),
            trivial: Some(trivial),
            validation,
            test: None,
            preprocessing,
        };
        if let Some(path) = settings::validation_file(self.args)? {
            let files = (path, self.args.validation_labels.as_slice());
            let (rows, other) = other_table(files, &found.preprocessing, &self.base, terminal)?;
            found.validation = Some(rows);
            // Which epoch is best hangs on these rows too.
            found.fingerprint ^= other.rotate_left(1);
        }
        with_test(found, (self.args, &self.base), terminal)
    }

    /// The rows of each side; no more validate than memory holds.
    fn split(&self, terminal: &Terminal) -> Result<Sides> {
        let (args, table, target) = (self.args, &self.table, &self.target);
        let part = settings::validation_part(args)?.unwrap_or(0.0);
        let columns = table.columns().max(1);
        let most = self.spill.memory / SHARE / (4 * columns);
        let fraction = part.min(most as f64 / target.rows().max(1) as f64);
        if fraction < part {
            terminal.note(&format!(
                "{:.3} % of the rows validate instead of {:.3} %: as many as the memory for the table holds; the others train",
                100.0 * fraction,
                100.0 * part
            ));
        }
        let options = SplitOptions { fraction, seed: args.seed, group_by: args.split_by.clone() };
        let sides = table.split(target, &options)?;
        reading::notes(&sides.notes, terminal);
        Ok(sides)
    }

    fn validation(
        &self,
        preprocessing: &Preprocessing,
        rows: &RowSet,
        terminal: &Terminal,
    ) -> Result<Dataset> {
        let encoded = self.table.encode(preprocessing, rows, &EncodeOptions::lenient())?;
        reading::notes(&encoded.notes, terminal);
        dataset(encoded)
    }
}

/// From which the trivial predictor learns what it learns from all training rows: as many of each class, or the means.
fn trivial(preprocessing: &Preprocessing, sizes: &[usize]) -> Result<Target> {
    if preprocessing.target().classes().is_some() {
        let each = |(class, &size)| std::iter::repeat_n(class as i64, size);
        return Ok(Target::Classes(sizes.iter().enumerate().flat_map(each).collect()));
    }
    // Standardised numbers have the mean 0.
    let outputs = preprocessing.target().outputs();
    Ok(Target::Values(Tensor::new([1, outputs], vec![0.0; outputs])?))
}

impl Streamed {
    /// A training on the rows.
    pub(super) fn session<'a>(
        self,
        network: Network,
        validation: Option<&'a Dataset>,
        config: &'a Config,
    ) -> Result<Session<'a>> {
        Session::streaming(network, Box::new(self.rows), self.streaming, validation, config)
    }

    /// How many rows are in memory at once.
    pub(super) fn rows_at_once(&self) -> usize {
        self.streaming.rows.max(self.streaming.block)
    }
}

/// Refuses what needs all rows in memory.
pub(super) fn refuse_many(args: &args::Train, spill: &Spill) -> Result<()> {
    let flag = match (args.ensemble, args.folds, args.lr.len() > 1) {
        (Some(_), _, _) => "--ensemble",
        (None, Some(_), _) => "--folds",
        (None, None, true) => "--lr",
        (None, None, false) => return Ok(()),
    };
    Err(Error::usage(format!(
        "the table is larger than the memory for it ({}), and {flag} trains many networks on a table in memory",
        size(spill.memory as u64)
    ))
    .at(flag)
    .help("give the table more with --memory, or train one network"))
}

/// A number of bytes in words.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000_000 => format!("{} kB", bytes / 1000),
        10_000_000..10_000_000_000 => format!("{} MB", bytes / 1_000_000),
        _ => format!("{} GB", bytes / 1_000_000_000), // not operations: a size
    }
}
