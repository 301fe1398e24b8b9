//! What a surveyed column is, and what is wrong with it.

use glassnet::{Error, Result};

use crate::cell::{Reading, read_boolean, read_number, trim};
use crate::columns::Context;
use crate::interned::Interned;
use crate::lines::Lines;
use crate::note::{Note, NoteKind};
use crate::options::ColumnType;
use crate::survey::{LISTED, Sort, Survey};
use crate::table::Kind;
use crate::words::{count, quoted, shell};

/// A surveyed column, to be judged.
pub(crate) struct Verdict<'a> {
    pub(crate) survey: &'a Survey,
    pub(crate) name: &'a str,
    pub(crate) context: &'a Context<'a>,
    pub(crate) lines: &'a Lines,
    pub(crate) notes: Vec<Note>,
}

impl Verdict<'_> {
    /// What a column is that was not declared.
    ///
    /// # Errors
    /// Kind `data`: some text in a column of numbers, and numbers with a decimal comma or a separator of thousands.
    pub(crate) fn decide(&mut self) -> Result<ColumnType> {
        let survey = self.survey;
        let numeric = survey.numbers + survey.non_finite.count + survey.overflow.count;
        let is_code_column = survey.codes.count > 0 && !survey.ragged;
        if numeric == survey.present {
            if is_code_column && survey.numbers == numeric {
                self.notes.push(Note::new(NoteKind::Interpreted, format!(
                    "column {} holds codes with leading zeros ({}): taken as a category; --column-type {}=number makes them numbers",
                    quoted(self.name), self.example(&survey.codes), shell(self.name),
                )));
                return Ok(ColumnType::Category);
            }
            return Ok(ColumnType::Number);
        }
        if survey.booleans == survey.present {
            return Ok(ColumnType::Boolean);
        }
        if survey.dates == survey.present {
            return Ok(ColumnType::Date);
        }
        if survey.codes.count == 0 {
            if survey.comma_numbers.count > 0
                && 2 * (survey.comma_numbers.count + numeric) > survey.present
            {
                return Err(self.decimal_comma_error());
            }
            // Mostly numbers: the rest are slips or marks of gaps, and a category would hide them.
            if 2 * numeric > survey.present {
                return Err(self.text_error());
            }
        }
        if numeric > 0 {
            self.notes.push(Note::new(
                NoteKind::Interpreted,
                format!(
                    "column {} mixes {} with {} of text ({}): taken as a category",
                    quoted(self.name),
                    count(numeric, "number"),
                    count(survey.others.count, "cell"),
                    self.example(&survey.others),
                ),
            ));
        }
        Ok(ColumnType::Category)
    }

    /// Refuses what keeps a column from being one of numbers, and tells what its numbers lose.
    ///
    /// # Errors
    /// Kind `data`: text, NaN and infinity, numbers beyond 64-bit floats.
    pub(crate) fn refuse_no_numbers(&mut self) -> Result<()> {
        let survey = self.survey;
        if survey.others.count > 0 {
            return Err(self.text_error());
        }
        if survey.overflow.count > 0 {
            return Err(Error::data(format!(
                "{} is beyond the largest 64-bit float (1.8e308)",
                quoted(&survey.overflow.cell)
            ))
            .at(self.place(survey.overflow.row))
            .help("correct the cell"));
        }
        if survey.non_finite.count > 0 && !self.context.options.allow_non_finite {
            let cell = &survey.non_finite.cell;
            return Err(Error::data(format!("{} is not a finite number", quoted(cell)))
                .at(self.place(survey.non_finite.row))
                .help(format!(
                    "correct the cell, or take such cells as missing with --missing {}",
                    shell(trim(cell))
                )));
        }
        if survey.codes.count > 0 {
            self.notes.push(Note::new(NoteKind::Interpreted, format!(
                "column {} has {} with leading zeros ({}), which numbers lose; --column-type {}=category keeps them",
                quoted(self.name), count(survey.codes.count, "number"),
                self.example(&survey.codes), shell(self.name),
            )));
        }
        if survey.lost.count > 0 {
            let value = match read_number(&survey.lost.cell, self.context.options.decimal_comma) {
                Reading::Finite(value) => value,
                Reading::NonFinite(_) | Reading::Overflow | Reading::Text => f64::NAN,
            };
            self.notes.push(Note::new(NoteKind::LostDigits, format!(
                "column {} has {} above 2^53, which lose digits: {} is read as {}; --column-type {}=category keeps them as text",
                quoted(self.name), count(survey.lost.count, "integer"),
                self.example(&survey.lost), value, shell(self.name),
            )));
        }
        Ok(())
    }

    /// The truth values of a column's texts.
    ///
    /// # Errors
    /// Kind `data` for the first that is none.
    pub(crate) fn booleans(&self, texts: &Interned) -> Result<Kind> {
        let mut values = Vec::with_capacity(texts.levels().len());
        let mut words = [None, None];
        for level in texts.levels() {
            let value = read_boolean(level.text).ok_or_else(|| {
                Error::data(format!("{} is neither true nor false", quoted(level.text)))
                    .at(self.place(level.first))
                    .help("correct the cell, or leave it empty")
            })?;
            words[usize::from(value)].get_or_insert_with(|| trim(level.text).to_string());
            values.push(value);
        }
        let [no, yes] = words;
        let words = [no.unwrap_or_else(|| "false".into()), yes.unwrap_or_else(|| "true".into())];
        Ok(Kind::Boolean { values, words })
    }

    fn place(&self, row: usize) -> String {
        format!("{}, column {}", self.lines.place(row), quoted(self.name))
    }

    /// The first cell of a sort with its line: `"007" at line 2`.
    fn example(&self, sort: &Sort) -> String {
        format!("{} at {}", quoted(&sort.cell), self.lines.origin(sort.row))
    }

    fn text_error(&self) -> Error {
        let survey = self.survey;
        let cell = &survey.others.cell;
        let mut error = Error::data(format!("{} is text in a column of numbers", quoted(cell)))
            .at(self.place(survey.others.row))
            .help(format!(
                "correct the cell, or take it as missing with --missing {}, or make the column a category with --column-type {}=category",
                shell(trim(cell)), shell(self.name),
            ));
        if survey.others.count > 1 {
            error = error.detail(format!(
                "{} of {} are text:",
                survey.others.count,
                count(survey.present, "cell")
            ));
            for (cell, times) in survey.texts.iter().take(LISTED - 1) {
                error = error.detail(format!("  {} ({})", quoted(cell), count(*times, "time")));
            }
            if survey.texts.len() == LISTED {
                error = error.detail("  …");
            }
        }
        error
    }

    fn decimal_comma_error(&self) -> Error {
        let first = &self.survey.comma_numbers;
        if is_grouped(&first.cell) {
            return Error::data(format!("{} has a thousands separator", quoted(&first.cell)))
                .at(self.place(first.row))
                .help(format!(
                    "write numbers without it, or add --decimal-comma if the comma is the decimal one, or \
                     --column-type {}=category if it is text",
                    shell(self.name)
                ));
        }
        Error::data(format!("{} looks like a number with a decimal comma", quoted(&first.cell)))
            .at(self.place(first.row))
            .help(format!(
                "add --decimal-comma, or --column-type {}=category if it is text",
                shell(self.name)
            ))
    }
}

/// Whether a cell is like `1,696` or `-12,345,678`: digits in groups of three, as thousands are written.
fn is_grouped(cell: &str) -> bool {
    let mut groups = cell.trim_start_matches(['-', '+']).split(',');
    let digits = |group: &str| !group.is_empty() && group.bytes().all(|byte| byte.is_ascii_digit());
    let first = groups.next().is_some_and(|group| digits(group) && group.len() <= 3);
    let rest: Vec<&str> = groups.collect();
    first && !rest.is_empty() && rest.iter().all(|group| digits(group) && group.len() == 3)
}
