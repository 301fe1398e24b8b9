//! How a CSV file is to be read.

use std::collections::{BTreeMap, BTreeSet};

use glassnet::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::encoding::TextEncoding;

/// What a column holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// Finite decimal numbers.
    Number,
    /// `true` and `false`, in any case.
    Boolean,
    /// Text that is compared as a whole, kept as it stands in the file (`007` keeps its zeros).
    Category,
    /// Text that names days or months (`2012-01`, `2012/01/31`, `2012-01-31T12:00`): a split may go by it,
    /// but it is no feature unless declared a category.
    Date,
}

impl ColumnType {
    /// The word that flags and messages use.
    pub fn name(self) -> &'static str {
        match self {
            ColumnType::Number => "number",
            ColumnType::Boolean => "boolean",
            ColumnType::Category => "category",
            ColumnType::Date => "date",
        }
    }

    /// The type of that [name](ColumnType::name), if there is one.
    pub fn from_name(name: &str) -> Option<Self> {
        [ColumnType::Number, ColumnType::Boolean, ColumnType::Category, ColumnType::Date]
            .into_iter()
            .find(|kind| kind.name() == name)
    }
}

/// How a CSV file is to be read. The default is RFC 4180 with a header.
///
/// ```
/// use glassnet_data::{CsvOptions, read_csv};
/// let options = CsvOptions { delimiter: b';', decimal_comma: true, ..CsvOptions::default() };
/// let table = read_csv("a;b\n1,5;x\n2,5;y\n".as_bytes(), "t.csv", &options)?;
/// assert_eq!(table.require("a")?.numbers(), Some(&[1.5, 2.5][..]));
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct CsvOptions {
    /// The byte between cells: `,` by default.
    pub delimiter: u8,
    /// The byte around cells that hold delimiters or line ends: `"` by default; doubled inside, it stands for itself.
    pub quote: u8,
    /// Whether `1,5` means one and a half (`1.5` is then no number).
    pub decimal_comma: bool,
    /// Whether the first line holds the columns' names; without it they are `x0`, `x1`, ….
    pub has_header: bool,
    /// Cells that count as missing. The empty cell always does; `NA` stays text unless it stands here.
    pub missing: Vec<String>,
    /// Whether `NaN` and `inf` are accepted: in a [`Table`](crate::Table) such cells then count as missing, in a
    /// [matrix](crate::read_matrix) they keep their value. `1e999` is refused in any case.
    pub allow_non_finite: bool,
    /// Types that are declared instead of decided from the cells.
    pub column_types: BTreeMap<String, ColumnType>,
    /// Columns to leave out; each must exist.
    pub drop: BTreeSet<String>,
    /// In which encoding the file is; `None` is UTF-8, perhaps with a byte order mark.
    pub encoding: Option<TextEncoding>,
    /// Which arrays of an archive (`.npz`) make the table: the name of the columns, and the array's key. All if it is empty.
    pub arrays: Vec<(String, String)>,
    /// The only columns to keep; the others are checked as text and counted in the fingerprint, but not typed. `None` keeps all.
    pub keep: Option<BTreeSet<String>>,
    /// Columns that something is asked of (targets, groups, weights): where a table's memory can't hold their texts, it is
    /// refused, instead of their being forgotten.
    pub needed: BTreeSet<String>,
}

impl CsvOptions {
    /// Whether a column is left out.
    pub(crate) fn leaves_out(&self, column: &str) -> bool {
        self.drop.contains(column) || self.keep.as_ref().is_some_and(|keep| !keep.contains(column))
    }

    /// Refuses delimiters and quotes that cannot tell cells apart.
    ///
    /// # Errors
    /// Kind `usage`.
    pub(crate) fn check(&self) -> Result<()> {
        let shown = |byte: u8| format!("'{}'", char::from(byte).escape_default());
        for (byte, flag) in [(self.delimiter, "--delimiter"), (self.quote, "--quote")] {
            let ambiguous =
                byte.is_ascii_alphanumeric() || b"\r\n\0.-+".contains(&byte) || !byte.is_ascii();
            if ambiguous {
                return Err(Error::usage(format!(
                    "{} cannot be a delimiter or quote",
                    shown(byte)
                ))
                .at(flag)
                .help("use a byte that no number or line end holds: , ; | or a tab"));
            }
        }
        if self.delimiter == self.quote {
            return Err(Error::usage("the delimiter and the quote are the same")
                .at(format!("--delimiter {}", shown(self.delimiter)))
                .help("use two different bytes"));
        }
        Ok(())
    }
}

impl Default for CsvOptions {
    fn default() -> Self {
        CsvOptions {
            delimiter: b',',
            quote: b'"',
            decimal_comma: false,
            has_header: true,
            missing: vec![],
            allow_non_finite: false,
            column_types: BTreeMap::new(),
            drop: BTreeSet::new(),
            encoding: None,
            arrays: vec![],
            keep: None,
            needed: BTreeSet::new(),
        }
    }
}
