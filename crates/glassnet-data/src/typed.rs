//! Columns of files that know what their cells are: numbers stay numbers and texts texts, unless another type is declared.

use std::fmt::Write;
use std::sync::Arc;

use glassnet::{Error, Result};

use crate::cell::{Decimal, is_date};
use crate::columns::{Context, Typed, Typing, forgotten, too_many_texts, too_much_text};
use crate::interned::{Interned, Level};
use crate::lines::Lines;
use crate::options::ColumnType;
use crate::packed::Staged;
use crate::survey::Survey;
use crate::table::Kind;
use crate::verdict::Verdict;
use crate::word;

/// A cell whose meaning its file tells.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Arrays have no such cells.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    Missing,
    Integer(i128),
    Float(f64),
    /// `integer / 10^decimals`.
    #[cfg_attr(not(feature = "parquet"), allow(dead_code))]
    Decimal {
        integer: i128,
        decimals: u32,
    },
    Boolean(bool),
    Text(&'a str),
}

/// A column that is being read.
pub(crate) struct TypedColumn {
    /// What the file says that it holds.
    pub(crate) natural: ColumnType,
    name: String,
    declared: bool,
    cells: Cells,
    /// The marks of missing values that are numbers.
    marks: Vec<f64>,
    scratch: String,
}

enum Cells {
    Number {
        staged: Staged,
        survey: Box<Survey>,
    },
    Boolean(Staged),
    Text {
        staged: Staged,
        texts: Box<Interned>,
    },
    /// Too many different texts, which were forgotten.
    Forgotten(Staged),
    /// Declared to be something else than the file says: read as CSV would be.
    Declared(Box<Typing>),
}

impl TypedColumn {
    /// A column of the type `natural` that the user may have `declared` to be another.
    pub(crate) fn new(
        name: &str,
        natural: ColumnType,
        declared: Option<ColumnType>,
        context: &Context<'_>,
    ) -> Self {
        let text = |kind| matches!(kind, ColumnType::Category | ColumnType::Date);
        let same = |kind| kind == natural || (text(kind) && natural == ColumnType::Date);
        let cells = match declared.filter(|&kind| !same(kind)) {
            Some(kind) => Cells::Declared(Box::new(Typing::of_texts(Some(kind)))),
            None => match natural {
                ColumnType::Number => {
                    Cells::Number { staged: Staged::default(), survey: Box::default() }
                }
                ColumnType::Boolean => Cells::Boolean(Staged::default()),
                ColumnType::Category | ColumnType::Date => {
                    Cells::Text { staged: Staged::default(), texts: Box::new(Interned::new()) }
                }
            },
        };
        let marks = context.options.missing.iter().filter_map(|mark| mark.trim().parse().ok());
        let (name, declared) = (name.to_owned(), declared.is_some());
        TypedColumn {
            natural,
            name,
            declared,
            cells,
            marks: marks.collect(),
            scratch: String::new(),
        }
    }

    /// The cells that were read and not yet packed.
    pub(crate) fn staged(&mut self) -> &mut Staged {
        match &mut self.cells {
            Cells::Number { staged, .. }
            | Cells::Boolean(staged)
            | Cells::Text { staged, .. }
            | Cells::Forgotten(staged) => staged,
            Cells::Declared(typing) => typing.staged(),
        }
    }

    /// Takes the cell of row `row`.
    ///
    /// # Errors
    /// Kind `data` for a cell that is not of the column's type, and for too many texts.
    pub(crate) fn push(&mut self, cell: Cell<'_>, row: usize, context: &Context<'_>) -> Result<()> {
        match (&mut self.cells, cell) {
            (Cells::Declared(typing), cell) => {
                self.scratch.clear();
                write_cell(&mut self.scratch, cell);
                let cell = self.scratch.as_bytes();
                typing.push((cell, word::first(word::load(cell, 0), cell.len())), row, context)?;
            }
            (Cells::Number { staged, .. }, Cell::Missing) => staged.missing(),
            (Cells::Number { staged, survey }, Cell::Integer(integer)) => {
                push_decimal(staged, survey, (integer, 0), row, &self.marks);
            }
            (Cells::Number { staged, survey }, Cell::Decimal { integer, decimals }) => {
                push_decimal(staged, survey, (integer, decimals), row, &self.marks);
            }
            (Cells::Number { staged, survey }, Cell::Float(value)) => {
                let is_mark = |mark: &f64| *mark == value || (mark.is_nan() && value.is_nan());
                if self.marks.iter().any(is_mark) {
                    staged.missing();
                } else if value.is_finite() {
                    survey.present += 1;
                    push_float(staged, value);
                } else {
                    survey.present += 1;
                    let text = if value.is_nan() { "NaN" } else { "inf" };
                    let text = if value == f64::NEG_INFINITY { "-inf" } else { text };
                    survey.non_finite.push(&Level { text, count: 1, first: row });
                    staged.missing();
                }
            }
            (Cells::Boolean(staged), Cell::Missing) => staged.missing(),
            (Cells::Boolean(staged), Cell::Boolean(value)) => staged.code(u32::from(value)),
            (Cells::Text { staged, .. }, Cell::Missing) => staged.missing(),
            (Cells::Text { staged, .. }, Cell::Text(text)) if context.is_missing(text) => {
                staged.missing();
            }
            (Cells::Text { staged, texts }, Cell::Text(text)) => {
                let code = texts.push(text, row).ok_or_else(|| too_many_texts(context))?;
                staged.code(code);
                if texts.size() > context.most_text {
                    let needed = self.declared || context.options.needed.contains(&self.name);
                    if !context.may_forget(texts, needed) {
                        return Err(too_much_text(&self.name, context));
                    }
                    self.cells = Cells::Forgotten(std::mem::take(staged));
                }
            }
            (Cells::Forgotten(staged), _) => staged.missing(),
            (Cells::Number { .. } | Cells::Boolean(_) | Cells::Text { .. }, _) => {
                return Err(Error::data("a cell is not of its column's type").at(context.file));
            }
        }
        Ok(())
    }

    /// What the column is, and what is worth telling about it.
    ///
    /// # Errors
    /// Kind `data`: NaN and infinity, cells that are not of the declared type.
    pub(crate) fn finish(self, name: &str, context: &Context<'_>, lines: &Lines) -> Result<Typed> {
        Ok(match self.cells {
            Cells::Number { survey, .. } => {
                let mut verdict = Verdict { survey: &survey, name, context, lines, notes: vec![] };
                verdict.refuse_no_numbers()?;
                Typed::Column(Kind::Number, verdict.notes)
            }
            Cells::Boolean(_) => {
                let words = ["false", "true"].map(str::to_owned);
                Typed::Column(Kind::Boolean { values: vec![false, true], words }, vec![])
            }
            Cells::Text { texts, .. } => {
                let dates =
                    texts.levels().len() > 0 && texts.levels().all(|level| is_date(level.text));
                let levels = Arc::new(texts.levels().map(|level| level.text.to_owned()).collect());
                let declared = context.options.column_types.get(name);
                let kind = match declared {
                    Some(ColumnType::Category) => Kind::Category(levels),
                    Some(ColumnType::Date) => Kind::Date(levels),
                    Some(_) | None if dates => Kind::Date(levels),
                    Some(_) | None => Kind::Category(levels),
                };
                Typed::Column(kind, vec![])
            }
            Cells::Forgotten(_) => forgotten(name),
            Cells::Declared(typing) => typing.finish(name, context, lines)?,
        })
    }
}

/// The largest integer that a staged decimal holds: 15 digits.
const MOST: i128 = 999_999_999_999_999;

fn push_decimal(
    staged: &mut Staged,
    survey: &mut Survey,
    (integer, decimals): (i128, u32),
    row: usize,
    marks: &[f64],
) {
    let small = (-MOST..=MOST).contains(&integer) && decimals <= 22;
    let exact = Decimal { integer: integer as i64, decimals: decimals as u8 };
    let mut text = String::new();
    let value = if small {
        exact.value()
    } else {
        write_cell(&mut text, Cell::Decimal { integer, decimals });
        text.parse().unwrap_or(f64::NAN)
    };
    if marks.contains(&value) {
        staged.missing();
        return;
    }
    survey.present += 1;
    if small {
        staged.decimal(exact);
        return;
    }
    if decimals == 0 && value as i128 != integer {
        survey.lost.push(&Level { text: &text, count: 1, first: row });
    }
    staged.double(value);
}

/// Whole numbers are packed as such.
fn push_float(staged: &mut Staged, value: f64) {
    let whole = value.fract() == 0.0 && value.abs() <= MOST as f64;
    if whole && !(value == 0.0 && value.is_sign_negative()) {
        staged.decimal(Decimal { integer: value as i64, decimals: 0 });
    } else {
        staged.double(value);
    }
}

/// A cell as CSV has it.
fn write_cell(text: &mut String, cell: Cell<'_>) {
    // Writing to a String cannot fail.
    let _ = match cell {
        Cell::Missing => Ok(()),
        Cell::Integer(integer) => write!(text, "{integer}"),
        Cell::Float(value) => write!(text, "{value}"),
        Cell::Decimal { integer, decimals } => write_decimal(text, integer, decimals as usize),
        Cell::Boolean(value) => write!(text, "{value}"),
        Cell::Text(value) => {
            text.push_str(value);
            Ok(())
        }
    };
}

fn write_decimal(text: &mut String, integer: i128, decimals: usize) -> std::fmt::Result {
    if decimals == 0 {
        return write!(text, "{integer}");
    }
    let sign = if integer < 0 { "-" } else { "" };
    let digits = format!("{:0>width$}", integer.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    write!(text, "{sign}{whole}.{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_written_as_people_write_them() {
        for (integer, decimals, wanted) in
            [(5, 0, "5"), (5, 2, "0.05"), (-12345, 2, "-123.45"), (0, 1, "0.0")]
        {
            let mut text = String::new();
            write_cell(&mut text, Cell::Decimal { integer, decimals });
            assert_eq!(text, wanted);
        }
    }
}
