//! A table of typed columns.

use std::sync::Arc;

use glassnet::{Error, Result};

use crate::lines::Lines;
use crate::note::Note;
use crate::options::ColumnType;
use crate::packed::Block;
use crate::words::{list, nearest, quoted};

/// Text cells, each distinct text kept once: cell `i` is `levels[codes[i]]`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Texts {
    pub(crate) levels: Arc<Vec<String>>,
    pub(crate) codes: Vec<u32>,
}

impl Texts {
    /// The code of a missing cell.
    pub const MISSING: u32 = u32::MAX;

    /// The distinct texts in the order of their first rows.
    pub fn levels(&self) -> &[String] {
        &self.levels
    }

    /// For each row the index of its text in [`levels`](Texts::levels), or [`Texts::MISSING`].
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// The text of row `row`, `None` where it is missing or there is no such row.
    pub fn get(&self, row: usize) -> Option<&str> {
        let code = *self.codes.get(row)?;
        self.levels.get(code as usize).map(String::as_str)
    }
}

/// The cells of a column.
#[derive(Clone, Debug, PartialEq)]
pub enum Cells {
    /// Numbers; NaN is a missing cell.
    Number(Vec<f64>),
    /// Truth values, and how the file first spelled `false` and `true`.
    Boolean {
        /// One per row; `None` is a missing cell.
        values: Vec<Option<bool>>,
        /// The file's words for false and true.
        words: [String; 2],
    },
    /// Text that is compared as a whole.
    Category(Texts),
    /// Text that names days or months.
    Date(Texts),
}

/// A named column of one type, unpacked from its table.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    pub(crate) name: String,
    pub(crate) cells: Cells,
    /// Whether the user, not the cells, decided the type.
    pub(crate) declared: bool,
    /// Whether the header gave no name.
    pub(crate) unnamed: bool,
}

impl Column {
    /// The name in the header.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The cells.
    pub fn cells(&self) -> &Cells {
        &self.cells
    }

    /// What the column holds.
    pub fn column_type(&self) -> ColumnType {
        match &self.cells {
            Cells::Number(_) => ColumnType::Number,
            Cells::Boolean { .. } => ColumnType::Boolean,
            Cells::Category(_) => ColumnType::Category,
            Cells::Date(_) => ColumnType::Date,
        }
    }

    /// The numbers of a number column (NaN where missing), else `None`.
    pub fn numbers(&self) -> Option<&[f64]> {
        match &self.cells {
            Cells::Number(values) => Some(values),
            Cells::Boolean { .. } | Cells::Category(_) | Cells::Date(_) => None,
        }
    }

    /// The texts of a category or date column, else `None`.
    pub fn texts(&self) -> Option<&Texts> {
        match &self.cells {
            Cells::Category(texts) | Cells::Date(texts) => Some(texts),
            Cells::Number(_) | Cells::Boolean { .. } => None,
        }
    }

    /// The truth values of a boolean column, else `None`.
    pub fn booleans(&self) -> Option<&[Option<bool>]> {
        match &self.cells {
            Cells::Boolean { values, .. } => Some(values),
            Cells::Number(_) | Cells::Category(_) | Cells::Date(_) => None,
        }
    }

    /// Whether the cell of `row` is missing.
    ///
    /// # Panics
    /// When there is no such row.
    pub fn is_missing(&self, row: usize) -> bool {
        match &self.cells {
            Cells::Number(values) => values[row].is_nan(),
            Cells::Boolean { values, .. } => values[row].is_none(),
            Cells::Category(texts) | Cells::Date(texts) => texts.codes[row] == Texts::MISSING,
        }
    }
}

/// What a table knows of a column beside its packed cells.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Described {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) declared: bool,
    pub(crate) unnamed: bool,
}

/// What the packed cells of a column are.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// Numbers.
    Number,
    /// Codes of these numbers.
    CodedNumber(Vec<f64>),
    /// Codes of these values.
    Boolean { values: Vec<bool>, words: [String; 2] },
    /// Codes of texts.
    Category(Arc<Vec<String>>),
    /// Codes of texts that name dates.
    Date(Arc<Vec<String>>),
}

impl Described {
    pub(crate) fn column_type(&self) -> ColumnType {
        match &self.kind {
            Kind::Number | Kind::CodedNumber(_) => ColumnType::Number,
            Kind::Boolean { .. } => ColumnType::Boolean,
            Kind::Category(_) => ColumnType::Category,
            Kind::Date(_) => ColumnType::Date,
        }
    }

    /// Makes numbers of what the column's `values` are if they are codes of numbers; codes of other things stay codes.
    pub(crate) fn decode(&self, values: &mut [f64]) {
        if let Kind::CodedNumber(numbers) = &self.kind {
            for value in values {
                let number = code_of(*value).and_then(|code| numbers.get(code as usize));
                *value = number.copied().unwrap_or(f64::NAN);
            }
        }
    }

    /// What the column's `values`, some or all of them, mean.
    pub(crate) fn cells(&self, mut values: Vec<f64>) -> Cells {
        let texts = |levels: &Arc<Vec<String>>, values: &[f64]| Texts {
            levels: levels.clone(),
            codes: values.iter().map(|&code| code_of(code).unwrap_or(Texts::MISSING)).collect(),
        };
        match &self.kind {
            Kind::Number => Cells::Number(values),
            Kind::CodedNumber(_) => {
                self.decode(&mut values);
                Cells::Number(values)
            }
            Kind::Boolean { values: meanings, words } => Cells::Boolean {
                values: values
                    .iter()
                    .map(|&code| code_of(code).map(|code| meanings[code as usize]))
                    .collect(),
                words: words.clone(),
            },
            Kind::Category(levels) => Cells::Category(texts(levels, &values)),
            Kind::Date(levels) => Cells::Date(texts(levels, &values)),
        }
    }
}

fn code_of(value: f64) -> Option<u32> {
    (!value.is_nan()).then_some(value as u32)
}

/// Columns of equal length, read from a file of that name. Their cells are packed: a table is about as large as the same
/// numbers in 32-bit floats, or smaller.
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    pub(crate) name: String,
    pub(crate) header: Vec<String>,
    pub(crate) columns: Vec<Described>,
    pub(crate) blocks: Vec<Block>,
    pub(crate) rows: usize,
    /// The cells that counted as missing beside the empty one.
    pub(crate) missing: Vec<String>,
    pub(crate) lines: Lines,
    pub(crate) fingerprint: u64,
    pub(crate) notes: Vec<Note>,
}

impl Table {
    /// The name that the reader was given, for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Every name of the file's header in order, also of columns that were left out.
    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The columns that were kept, in the file's order, each unpacked when it is asked for.
    pub fn columns(&self) -> impl DoubleEndedIterator<Item = Column> + ExactSizeIterator {
        (0..self.columns.len()).map(|index| self.unpack(index))
    }

    /// The columns' names, in the same order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// What is worth telling about the file.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }

    /// A stable hash of 64 bits over all names and cells of the file as text, dropped columns included;
    /// quoting, line ends and the delimiter do not matter.
    pub fn fingerprint(&self) -> u64 {
        self.fingerprint
    }

    /// The line of its file on which `row` (counted from 0, without the header) begins, counted from 1; the row's number
    /// in files without lines.
    pub fn line(&self, row: usize) -> u64 {
        self.lines.of(row)
    }

    /// Where `row` stands: `line 17`, with the file's name where there are several; `row 17` in files without lines.
    pub fn origin(&self, row: usize) -> String {
        self.lines.origin(row)
    }

    /// `file:line, column "name"`: where a cell stands; `file, row 17, column "name"` in files without lines.
    pub fn place(&self, row: usize, column: &str) -> String {
        format!("{}, column {}", self.lines.place(row), quoted(column))
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<Column> {
        self.names().position(|other| other == name).map(|index| self.unpack(index))
    }

    /// The column of that name, which the caller cannot do without.
    ///
    /// # Errors
    /// Kind `data`, with the columns that there are, and the nearest name.
    pub fn require(&self, name: &str) -> Result<Column> {
        self.column(name).ok_or_else(|| unknown_column(name, &self.name, &self.header))
    }

    fn unpack(&self, index: usize) -> Column {
        let described = &self.columns[index];
        let mut values = Vec::with_capacity(self.rows);
        self.blocks.iter().for_each(|block| block.unpack(index, &mut values));
        Column {
            name: described.name.clone(),
            cells: described.cells(values),
            declared: described.declared,
            unnamed: described.unnamed,
        }
    }
}

/// The error for a column that a flag names and the file does not have (or that was dropped).
pub(crate) fn unknown_column(name: &str, file: &str, header: &[String]) -> Error {
    if header.iter().any(|other| other == name) {
        return Error::data(format!("the column {} was dropped", quoted(name)))
            .at(file)
            .help("take it out of --drop");
    }
    let help = match nearest(name, header.iter().map(String::as_str)) {
        Some(near) => format!("did you mean {}?", quoted(near)),
        None => "name one of its columns".to_string(),
    };
    Error::data(format!("there is no column {}", quoted(name)))
        .at(file)
        .help(help)
        .detail(format!("columns: {}", list(header, 30)))
}
