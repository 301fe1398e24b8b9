//! The flags that say how a table is read, which every verb that reads one has.

use clap::Args;

/// How to read a table.
#[derive(Clone, Debug, Args)]
pub(crate) struct Reading {
    /// The character between fields.
    #[arg(long, default_value = ",", value_name = "CHAR", help_heading = "Reading")]
    pub(crate) delimiter: String,
    /// Numbers are written 3,14.
    #[arg(long, help_heading = "Reading")]
    pub(crate) decimal_comma: bool,
    /// Texts that stand for a missing value, besides the empty cell.
    #[arg(long, value_delimiter = ',', value_name = "TEXT,…", help_heading = "Reading")]
    pub(crate) missing: Vec<String>,
    /// Take infinities and NaN as missing values instead of refusing them.
    #[arg(long, help_heading = "Reading")]
    pub(crate) allow_non_finite: bool,
    /// The character that encloses fields.
    #[arg(long, default_value = "\"", value_name = "CHAR", help_heading = "Reading")]
    pub(crate) quote: String,
    /// The encoding of a text that is not UTF-8: latin1, utf-16, windows-1250, shift_jis, …
    #[arg(long, value_name = "NAME", help_heading = "Reading")]
    pub(crate) encoding: Option<String>,
    /// Which arrays of a .npz make the table, and perhaps under which names: X,y or X=x_train,y=y_train.
    #[arg(long, value_delimiter = ',', value_name = "[NAME=]KEY,…", help_heading = "Reading")]
    pub(crate) arrays: Vec<String>,
    /// What a column holds, where its cells do not tell: number, boolean, category or date. May be repeated.
    #[arg(long, value_name = "COLUMN=TYPE", help_heading = "Reading")]
    pub(crate) column_type: Vec<String>,
}
