//! The rows that train: a table in memory, or parts of one that isn't.

use std::borrow::Cow;
use std::ops::Range;

use crate::engine::Rows;
use crate::error::{Error, Result};
use crate::math::random::{SHUFFLE, Stream};
use crate::nn::loss::Criterion;
use crate::train::dataset::{Dataset, Features};
use crate::train::program::Program;
use crate::train::source::{Source, Streaming};
use crate::train::{Config, Shuffle};

/// The rows that train.
pub(super) enum Training<'a> {
    /// All of them, in memory.
    Whole(&'a Dataset),
    /// One part after the other.
    Parts(Box<Parts<'a>>),
}

impl Training<'_> {
    /// The rows that can be learned from now.
    pub(super) fn data(&self) -> &Dataset {
        match self {
            Training::Whole(data) => data,
            Training::Parts(parts) => &parts.data,
        }
    }

    /// The number of all rows.
    pub(super) fn rows(&self) -> usize {
        match self {
            Training::Whole(data) => data.rows(),
            Training::Parts(parts) => parts.rows,
        }
    }

    /// The features of the rows in memory, where whoever gives the rows keeps them.
    pub(super) fn kept(&self) -> Option<&dyn Rows> {
        match self {
            Training::Whole(_) => None,
            Training::Parts(parts) => parts.kept(),
        }
    }

    /// Leaves the features to the source, if it likes: for plans that take them from there.
    pub(super) fn leave_features(&mut self) {
        match self {
            Training::Whole(_) => {}
            Training::Parts(parts) => {
                parts.keeps = matches!(parts.data.features(), Features::Floats(_));
            }
        }
    }

    /// A table in which the rows `rows` of those in memory can be looked at and named, and their numbers there.
    pub(super) fn look_at(&self, rows: &[usize]) -> Result<(Cow<'_, Dataset>, Vec<usize>)> {
        match self {
            Training::Whole(data) => Ok((Cow::Borrowed(data), rows.to_vec())),
            Training::Parts(parts) => {
                Ok((Cow::Owned(parts.select(rows)?), (0..rows.len()).collect()))
            }
        }
    }

    /// How many parts an epoch has.
    pub(super) fn parts(&self) -> usize {
        match self {
            Training::Whole(_) => 1,
            Training::Parts(parts) => parts.count(),
        }
    }
}

/// A source, and its part that is in memory.
pub(super) struct Parts<'a> {
    source: Box<dyn Source + Send + 'a>,
    data: Dataset,
    /// Whether the source keeps the features, so that `data` has only targets and weights.
    keeps: bool,
    /// The ranges of the source's rows that `data` holds; none before the first is read.
    held: Vec<Range<usize>>,
    rows: usize,
    /// Rows of a block.
    block: usize,
    /// Blocks of a part.
    together: usize,
    /// The order of the blocks in this epoch.
    order: Vec<usize>,
    stream: Stream,
}

impl<'a> Parts<'a> {
    /// Prepares going through `source` in batches as `config` says.
    pub(super) fn new(
        mut source: Box<dyn Source + Send + 'a>,
        streaming: Streaming,
        config: &Config,
    ) -> Result<Self> {
        if config.shuffle == Shuffle::Torch {
            return Err(Error::usage("PyTorch's order of rows needs the whole table in memory")
                .at("shuffle")
                .help("shuffle in glassnet's own way, or not at all"));
        }
        let rows = source.rows();
        if rows == 0 {
            return Err(Error::data("there are no rows").help("give at least one"));
        }
        let batch = config.batch_size.min(rows);
        let block = streaming.block.div_ceil(batch).max(1).saturating_mul(batch);
        Ok(Parts {
            data: source.first()?,
            source,
            keeps: false,
            held: vec![],
            rows,
            block,
            together: (streaming.rows / block).max(1),
            order: vec![],
            stream: Stream::new(config.seed, SHUFFLE),
        })
    }

    fn count(&self) -> usize {
        (self.rows / self.block).div_ceil(self.together).max(1)
    }

    /// The blocks' order in an epoch, and the stream that goes on with the order of rows.
    fn blocks(&self, config: &Config, epoch: usize) -> (Vec<usize>, Stream) {
        let mut order: Vec<usize> = (0..self.rows / self.block).collect();
        let mut stream = Stream::at(config.seed, SHUFFLE, epoch as u64);
        // Alone in memory, the rows come in the order of a table in memory.
        if config.shuffle == Shuffle::Own && self.count() > 1 {
            stream.shuffle(&mut order);
        }
        (order, stream)
    }

    /// The rows of part number `part`, given the blocks' order.
    fn ranges(&self, order: &[usize], part: usize) -> Vec<Range<usize>> {
        let first = part * self.together;
        let last = (first + self.together).min(order.len());
        let whole = order[first.min(last)..last].iter();
        let mut ranges: Vec<_> =
            whole.map(|block| block * self.block..(block + 1) * self.block).collect();
        let rest = self.rows / self.block * self.block;
        if part + 1 == self.count() && rest < self.rows {
            ranges.push(rest..self.rows);
        }
        ranges
    }

    /// Reads part number `part` of `epoch`, and writes the order of its rows to `order`.
    pub(super) fn load(
        &mut self,
        part: usize,
        epoch: usize,
        config: &Config,
        program: &Program,
        order: &mut Vec<usize>,
    ) -> Result<()> {
        if part == 0 {
            (self.order, self.stream) = self.blocks(config, epoch);
        }
        let ranges = self.ranges(&self.order, part);
        let rows: usize = ranges.iter().map(Range::len).sum();
        if ranges != self.held {
            // What a failed call left behind is nothing.
            self.held.clear();
            if self.keeps {
                self.data.resize_targets(rows);
                self.keeps = self.source.keep(&ranges, &mut self.data.part_of_targets())?;
            }
            if !self.keeps {
                self.data.resize(rows);
                self.source.read(&ranges, &mut self.data.part())?;
            }
            check(&self.data, program, &config.criterion)
                .map_err(|error| error.detail(format!("among the rows {}", named(&ranges))))?;
            self.held = ranges;
        }
        if self.count() > 1 {
            let next = if part + 1 < self.count() {
                self.ranges(&self.order, part + 1)
            } else {
                self.ranges(&self.blocks(config, epoch + 1).0, 0)
            };
            self.source.announce(&next);
        }
        order.clear();
        order.extend(0..rows);
        if config.shuffle == Shuffle::Own {
            self.stream.shuffle(order);
        }
        Ok(())
    }

    /// The features, if the source keeps them.
    pub(super) fn kept(&self) -> Option<&dyn Rows> {
        if self.keeps { self.source.kept() } else { None }
    }

    /// Some rows of the part that is in memory, named as the source does: for messages.
    fn select(&self, rows: &[usize]) -> Result<Dataset> {
        let mut data = match self.kept() {
            Some(keeper) => self.data.select_kept(keeper, rows)?,
            None => self.data.select(rows)?,
        };
        let all: Vec<usize> = self.held.iter().cloned().flatten().collect();
        data.set_lines(rows.iter().map(|&row| self.source.line(all[row])).collect());
        Ok(data)
    }
}

/// Checks what a table in memory is checked for before it is learned from.
fn check(data: &Dataset, program: &Program, criterion: &Criterion) -> Result<()> {
    program.check_indices(data.features())?;
    program.check_classes(data.target(), criterion)?;
    let wrong = |weight: &f32| !weight.is_finite() || *weight < 0.0;
    match data.weights().and_then(|weights| weights.iter().find(|weight| wrong(weight))) {
        Some(weight) => Err(Error::data(format!("a row has the weight {weight}"))
            .help("give finite weights of at least 0")),
        None => Ok(()),
    }
}

/// Ranges of rows in words, counted from 1, the first few of them.
fn named(ranges: &[Range<usize>]) -> String {
    let shown: Vec<String> =
        ranges.iter().take(3).map(|range| format!("{}–{}", range.start + 1, range.end)).collect();
    let more = if ranges.len() > 3 { ", …" } else { "" };
    format!("{}{more}", shown.join(", "))
}
