//! Tables: CSV to typed columns to batches.
//!
//! Bytes come in, arrays and messages go out: nothing is opened or printed here. The way of a table:
//!
//! 1. [`read_csv`] types the columns from all rows ([`Table`]); [`read_csv_file`] needs not hold the whole file.
//! 2. [`Target::choose`] says what is to be predicted: classes or numbers.
//! 3. [`split`] divides the rows into training and validation, by class or by whole groups; [`folds`] into the parts of
//!    a cross-validation.
//! 4. [`Preprocessing::fit`] learns means, categories and gaps from the training rows only; it is saved as JSON.
//! 5. [`Preprocessing::encode`] makes the dense arrays that a network reads, by column name;
//!    [`Preprocessing::encode_parts`] gives the table's memory back meanwhile.
//!
//! ```
//! use glassnet_data::*;
//! let text = "wind,weather,season\n1,rain,Winter\n2,sun,Summer\n3,rain,Winter\n4,sun,Summer\n";
//! let table = read_csv(text.as_bytes(), "weather.csv", &CsvOptions::default())?;
//! let target = Target::choose(&table, "season", Task::Auto)?;
//! let parts = split(&table, &target, &SplitOptions { fraction: 0.5, ..SplitOptions::default() })?;
//! let (preprocessing, _notes) = Preprocessing::fit(&table, &target, &parts.training, &FitOptions::default())?;
//! let encoded = preprocessing.encode(&table, &parts.training, &EncodeOptions::default())?;
//! assert_eq!(encoded.features.shape(), [2, 3]);
//! assert_eq!(encoded.feature_names, ["wind", "weather=rain", "weather=sun"]);
//! # Ok::<(), glassnet::Error>(())
//! ```

mod array_files;
mod arrays;
mod batch;
mod bytes;
mod calendar;
mod cell;
mod columns;
mod content;
mod dates;
mod embedding;
mod encode;
mod encoding;
mod fingerprint;
mod fit;
mod folds;
mod gathered;
mod half;
mod header;
mod input;
mod interned;
mod labels;
mod lines;
mod long;
mod matrix;
mod note;
mod observed;
mod options;
mod packed;
#[cfg(feature = "parquet")]
mod parquet;
mod part;
mod preprocessing;
mod ragged;
mod read;
mod read_any;
mod records;
mod shares;
mod split;
mod survey;
mod table;
mod target;
mod typed;
mod unpack;
mod verdict;
mod word;
mod words;
mod write;

pub use bytes::read_error;
pub use dates::{DateOrder, DateParts};
pub use embedding::{EMBED_ABOVE, EmbedOptions, EmbedRule, embedding_dim};
pub use encode::{EncodeOptions, Encoded, EncodedTarget, GapPolicy, UnseenPolicy};
pub use encoding::TextEncoding;
pub use fit::FitOptions;
pub use folds::{FoldOptions, Folds, folds};
pub use input::Input;
pub use long::{Fitted, Loaded, LongRows, LongTable, LongTarget, RowSet, Scratch, Sides, Spill};
pub use matrix::{Matrix, read_matrix};
pub use note::{Note, NoteKind};
pub use options::{ColumnType, CsvOptions};
#[cfg(feature = "parquet")]
pub use parquet::is_guarded;
pub use preprocessing::{
    Encoding, FORMAT_VERSION, Feature, NumberTarget, Preprocessing, TargetEncoding,
};
pub use read::{read_csv, read_csv_file};
pub use read_any::{read_numbers, read_table, read_table_within};
pub use split::{Split, SplitOptions, split};
pub use table::{Cells, Column, Table, Texts};
pub use target::{Target, TargetValues, Task};
pub use unpack::decompressed;
pub use write::{CsvWriter, WriteOptions, shortest};
