//! Tables larger than memory: rows that are handed over in pieces.

use std::ops::Range;

use super::dataset::Dataset;
#[cfg(doc)]
use super::dataset::{Features, Target};
use crate::engine::Rows;
use crate::error::Result;

/// A table that does not fit memory, or shall not: training asks for a part of its rows at a time.
///
/// The library opens no file; whoever has one implements this. What [`Source::read`] fills is used until the next call, so
/// that the memory is that of one part.
///
/// ```
/// use std::ops::Range;
/// use glassnet::{Result, Tensor, nn::{self, loss::Criterion}};
/// use glassnet::train::{
///     Config, Dataset, Features, FeaturesMut, Part, Session, Source, Streaming, Target, TargetMut, optimizer::Optimizer,
/// };
///
/// /// The numbers 0, 1, 2, … and whether they are large.
/// struct Counting;
///
/// impl Source for Counting {
///     fn rows(&self) -> usize {
///         1000
///     }
///     fn first(&mut self) -> Result<Dataset> {
///         Dataset::new(Features::Floats(Tensor::full([1, 1], 0.0)), Target::Classes(vec![0]))
///     }
///     fn read(&mut self, rows: &[Range<usize>], part: &mut Part<'_>) -> Result<()> {
///         let Part { features: FeaturesMut::Floats(x), target: TargetMut::Classes(y), .. } = part else {
///             unreachable!("the sorts are those of the first row")
///         };
///         for (place, row) in rows.iter().cloned().flatten().enumerate() {
///             (x[place], y[place]) = (row as f32 / 1000.0, i64::from(row >= 500));
///         }
///         Ok(())
///     }
/// }
///
/// let network = nn::Network::new(nn::parse("1-4-2")?, 0)?;
/// let config = Config { epochs: 20, ..Config::new(Criterion::parse("cross_entropy")?, Optimizer::parse("Adam(lr=0.01)")?) };
/// let streaming = Streaming { rows: 256, block: 64 };
/// let record = Session::streaming(network, Box::new(Counting), streaming, None, &config)?.run(&mut ())?;
/// assert!(record.history.last().unwrap().train_loss < 0.2);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub trait Source {
    /// How many rows there are: the same at every call, and at least one.
    fn rows(&self) -> usize;

    /// The first row, or the first few: they tell shapes and sorts of features, target and weights.
    ///
    /// # Errors
    /// When they can't be read.
    fn first(&mut self) -> Result<Dataset>;

    /// Writes the rows of the ranges, in their order, to `part`, which has room for exactly them.
    ///
    /// # Errors
    /// When they can't be read: the training ends with this error.
    fn read(&mut self, rows: &[Range<usize>], part: &mut Part<'_>) -> Result<()>;

    /// The line (or whatever number a person knows it by) of a row, for messages: its number counted from 1, unless the source
    /// knows better.
    fn line(&self, row: usize) -> u64 {
        row as u64 + 1
    }

    /// Fetches the rows of the ranges like [`Source::read`], but writes only their targets and weights to `part`, which has
    /// room for no features: these are asked for with [`Source::kept`], a batch at a time. It is for sources whose rows are
    /// smaller as they lie than as floats; a source that answers `false` is asked to read.
    ///
    /// # Errors
    /// When they can't be read: the training ends with this error.
    fn keep(&mut self, _rows: &[Range<usize>], _part: &mut Part<'_>) -> Result<bool> {
        Ok(false)
    }

    /// The features of the rows that were fetched last with [`Source::keep`], by their place among these.
    fn kept(&self) -> Option<&dyn Rows> {
        None
    }

    /// Says which rows the call of [`Source::read`] or [`Source::keep`] after the present one will ask for, so that they can be fetched while
    /// the present ones are learned from.
    fn announce(&mut self, _rows: &[Range<usize>]) {}
}

/// How a [`Source`] is gone through.
///
/// The table is parted into blocks of rows that lie together, all as long as each other but the last one, which is shorter
/// if the number of rows asks for it. Every epoch draws the blocks in a new order without replacement; as many of them as
/// fit the memory form a part (the shorter one always belongs to the last part), whose rows are then visited in an order
/// drawn from all orders of them alike. So each row is visited once per epoch, two rows of different blocks meet in a
/// batch nearly as often as in a table that is shuffled whole, and two of one block are at most a part's length away from
/// each other. Where the whole table fits one part, the order is that of a table in memory.
///
/// Without shuffling ([`Shuffle::None`](super::Shuffle::None)) the rows come in the table's order, and every weight is
/// bit for bit that of training in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streaming {
    /// The most rows in memory at once, to within a block; at least one block is.
    pub rows: usize,
    /// The rows of a block; they are made a multiple of the batch size.
    pub block: usize,
}

/// Room for rows, to be filled by a [`Source`]: row by row, as many as were asked for.
#[derive(Debug)]
pub struct Part<'a> {
    /// What rows are described by; of the sort that the first rows had.
    pub features: FeaturesMut<'a>,
    /// What is to be predicted; of the sort that the first rows had.
    pub target: TargetMut<'a>,
    /// The rows' weights, if the first rows had weights.
    pub weights: Option<&'a mut [f32]>,
}

/// Room for [`Features`].
#[derive(Debug)]
pub enum FeaturesMut<'a> {
    /// For [`Features::Floats`].
    Floats(&'a mut [f32]),
    /// For [`Features::Indices`].
    Indices(&'a mut [i64]),
}

/// Room for a [`Target`].
#[derive(Debug)]
pub enum TargetMut<'a> {
    /// For [`Target::Classes`].
    Classes(&'a mut [i64]),
    /// For [`Target::Values`].
    Values(&'a mut [f32]),
}
