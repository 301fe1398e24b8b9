//! From the cells of a column as text to typed cells: the type is decided from all rows.

use std::collections::HashMap;

use glassnet::{Error, Result};

use crate::cell::{Reading, is_code, is_date, lost_digits, read_boolean, read_number, trim};
use crate::note::{Note, NoteKind};
use crate::options::{ColumnType, CsvOptions};
use crate::records::Lines;
use crate::table::{Cells, Texts};
use crate::words::{count, quoted, shell};

/// The cells of a column as they stand in the file: one text, and where each cell ends in it.
#[derive(Default)]
pub(crate) struct RawColumn {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl RawColumn {
    pub(crate) fn push(&mut self, cell: &[u8]) {
        self.bytes.extend_from_slice(cell);
        self.ends.push(self.bytes.len());
    }
}

/// What typing a column needs to know of the file around it.
pub(crate) struct Context<'a> {
    pub(crate) file: &'a str,
    pub(crate) lines: &'a Lines,
    pub(crate) options: &'a CsvOptions,
}

impl Context<'_> {
    /// Whether `cell` stands for a missing value.
    #[inline]
    pub(crate) fn is_missing(&self, cell: &str) -> bool {
        let trimmed = trim(cell);
        trimmed.is_empty() || self.options.missing.iter().any(|m| m == cell || m == trimmed)
    }

    fn place(&self, row: usize, column: &str) -> String {
        format!("{}:{}, column {}", self.file, self.lines.of(row), quoted(column))
    }
}

/// How many cells are of which sort, and the first row of each sort.
#[derive(Default)]
struct Survey {
    values: Vec<f64>,
    present: usize,
    numbers: usize,
    non_finite: Sort,
    overflow: Sort,
    codes: Sort,
    lost: Sort,
    booleans: usize,
    dates: usize,
    comma_numbers: Sort,
    others: Sort,
    width: Option<usize>,
    same_width_integers: bool,
}

#[derive(Default)]
struct Sort {
    count: usize,
    first: usize,
}

impl Sort {
    fn push(&mut self, row: usize) {
        if self.count == 0 {
            self.first = row;
        }
        self.count += 1;
    }
}

/// A column's text and name, to be typed.
struct Typing<'a> {
    text: &'a str,
    ends: &'a [usize],
    name: &'a str,
    context: &'a Context<'a>,
    survey: Survey,
    notes: Vec<Note>,
}

/// The typed cells of `raw`, and what is worth telling about them. `declared` goes before what the cells look like.
///
/// # Errors
/// Kind `data`: text in a column of numbers, NaN and infinity, numbers beyond 64-bit floats, numbers with a decimal
/// comma, or cells that are not of the declared type.
pub(crate) fn finish(
    raw: RawColumn,
    name: &str,
    declared: Option<ColumnType>,
    context: &Context<'_>,
) -> Result<(Cells, Vec<Note>)> {
    // The whole file was checked to be UTF-8, and cells are cut at ASCII bytes.
    let text = String::from_utf8(raw.bytes)
        .map_err(|_| Error::data("a cell is not UTF-8").at(context.file.to_string()))?;
    let survey = match declared {
        Some(ColumnType::Category | ColumnType::Date) => Survey::default(),
        Some(ColumnType::Number | ColumnType::Boolean) | None => {
            take_survey(&text, &raw.ends, context)
        }
    };
    let mut typing = Typing { text: &text, ends: &raw.ends, name, context, survey, notes: vec![] };
    let kind = match declared {
        Some(kind) => kind,
        None => typing.decide()?,
    };
    let cells = match kind {
        ColumnType::Number => typing.numbers()?,
        ColumnType::Boolean => typing.booleans()?,
        ColumnType::Category => Cells::Category(typing.texts()?),
        ColumnType::Date => Cells::Date(typing.texts()?),
    };
    Ok((cells, typing.notes))
}

fn take_survey(text: &str, ends: &[usize], context: &Context<'_>) -> Survey {
    let mut survey = Survey {
        values: Vec::with_capacity(ends.len()),
        same_width_integers: true,
        ..Survey::default()
    };
    let comma = context.options.decimal_comma;
    for (row, cell) in cells(text, ends).enumerate() {
        if context.is_missing(cell) {
            survey.values.push(f64::NAN);
            continue;
        }
        survey.present += 1;
        match read_number(cell, comma) {
            Reading::Finite(value) => {
                survey.numbers += 1;
                survey.values.push(value);
                survey.look_at_digits(row, cell, value);
            }
            Reading::NonFinite(_) => {
                survey.non_finite.push(row);
                survey.values.push(f64::NAN);
            }
            Reading::Overflow => survey.overflow.push(row),
            Reading::Text => {
                survey.others.push(row);
                survey.booleans += usize::from(read_boolean(cell).is_some());
                survey.dates += usize::from(is_date(cell));
                if !comma && matches!(read_number(cell, true), Reading::Finite(_)) {
                    survey.comma_numbers.push(row);
                }
            }
        }
    }
    survey
}

impl Survey {
    fn look_at_digits(&mut self, row: usize, cell: &str, value: f64) {
        if is_code(cell) {
            self.codes.push(row);
        }
        if lost_digits(cell, value) {
            self.lost.push(row);
        }
        if self.same_width_integers {
            let trimmed = trim(cell);
            self.same_width_integers = *self.width.get_or_insert(trimmed.len()) == trimmed.len()
                && trimmed.bytes().all(|byte| byte.is_ascii_digit());
        }
    }
}

impl Typing<'_> {
    fn decide(&mut self) -> Result<ColumnType> {
        let survey = &self.survey;
        let numeric = survey.numbers + survey.non_finite.count + survey.overflow.count;
        let is_code_column = survey.codes.count > 0 && survey.same_width_integers;
        if numeric == survey.present {
            if is_code_column && survey.numbers == numeric {
                self.notes.push(Note::new(NoteKind::Interpreted, format!(
                    "column {} holds codes with leading zeros ({}): taken as a category; --column-type {}=number makes them numbers",
                    quoted(self.name), self.example(self.survey.codes.first), shell(self.name),
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
                    self.example(survey.others.first),
                ),
            ));
        }
        Ok(ColumnType::Category)
    }

    fn numbers(&mut self) -> Result<Cells> {
        let survey = &self.survey;
        if survey.others.count > 0 {
            return Err(self.text_error());
        }
        if survey.overflow.count > 0 {
            return Err(Error::data(format!(
                "{} is beyond the largest 64-bit float (1.8e308)",
                quoted(self.cell(survey.overflow.first))
            ))
            .at(self.context.place(survey.overflow.first, self.name))
            .help("correct the cell"));
        }
        if survey.non_finite.count > 0 && !self.context.options.allow_non_finite {
            let cell = self.cell(survey.non_finite.first);
            return Err(Error::data(format!("{} is not a finite number", quoted(cell)))
                .at(self.context.place(survey.non_finite.first, self.name))
                .help(format!(
                    "correct the cell, or take such cells as missing with --missing {}",
                    shell(trim(cell))
                )));
        }
        if survey.codes.count > 0 {
            self.notes.push(Note::new(NoteKind::Interpreted, format!(
                "column {} has {} with leading zeros ({}), which numbers lose; --column-type {}=category keeps them",
                quoted(self.name), count(survey.codes.count, "number"),
                self.example(survey.codes.first), shell(self.name),
            )));
        }
        if survey.lost.count > 0 {
            let row = survey.lost.first;
            self.notes.push(Note::new(NoteKind::LostDigits, format!(
                "column {} has {} above 2^53, which lose digits: {} is read as {}; --column-type {}=category keeps them as text",
                quoted(self.name), count(survey.lost.count, "integer"),
                self.example(row), survey.values[row], shell(self.name),
            )));
        }
        Ok(Cells::Number(std::mem::take(&mut self.survey.values)))
    }

    fn booleans(&mut self) -> Result<Cells> {
        let mut values = Vec::with_capacity(self.ends.len());
        let mut words = [None, None];
        for (row, cell) in cells(self.text, self.ends).enumerate() {
            if self.context.is_missing(cell) {
                values.push(None);
                continue;
            }
            let value = read_boolean(cell).ok_or_else(|| {
                Error::data(format!("{} is neither true nor false", quoted(cell)))
                    .at(self.context.place(row, self.name))
                    .help("correct the cell, or leave it empty")
            })?;
            words[usize::from(value)].get_or_insert_with(|| trim(cell).to_string());
            values.push(Some(value));
        }
        let [no, yes] = words;
        let words = [no.unwrap_or_else(|| "false".into()), yes.unwrap_or_else(|| "true".into())];
        Ok(Cells::Boolean { values, words })
    }

    fn texts(&self) -> Result<Texts> {
        let mut index: HashMap<&str, u32> = HashMap::new();
        let mut levels = Vec::new();
        let mut codes = Vec::with_capacity(self.ends.len());
        for cell in cells(self.text, self.ends) {
            if self.context.is_missing(cell) {
                codes.push(Texts::MISSING);
                continue;
            }
            let code = *index.entry(cell).or_insert_with(|| {
                levels.push(cell.to_string());
                levels.len() as u32 - 1
            });
            codes.push(code);
        }
        if levels.len() >= Texts::MISSING as usize {
            return Err(Error::data("the column has more distinct texts than can be counted")
                .at(self.context.file));
        }
        Ok(Texts { levels, codes })
    }

    fn cell(&self, row: usize) -> &str {
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[row]]
    }

    /// The cell of `row` with its line: `"007" at line 2`.
    fn example(&self, row: usize) -> String {
        format!("{} at line {}", quoted(self.cell(row)), self.context.lines.of(row))
    }

    fn text_error(&self) -> Error {
        let first = self.survey.others.first;
        let mut found: Vec<(&str, usize)> = Vec::new();
        for cell in cells(self.text, self.ends) {
            let is_text = !self.context.is_missing(cell)
                && read_number(cell, self.context.options.decimal_comma) == Reading::Text;
            if !is_text {
                continue;
            }
            match found.iter().position(|(other, _)| *other == cell) {
                Some(at) => found[at].1 += 1,
                None if found.len() < 6 => found.push((cell, 1)),
                None => {}
            }
        }
        let cell = self.cell(first);
        let mut error = Error::data(format!("{} is text in a column of numbers", quoted(cell)))
            .at(self.context.place(first, self.name))
            .help(format!(
                "correct the cell, or take it as missing with --missing {}, or make the column a category with --column-type {}=category",
                shell(trim(cell)), shell(self.name),
            ));
        let survey = &self.survey;
        if survey.others.count > 1 {
            error = error.detail(format!(
                "{} of {} are text:",
                survey.others.count,
                count(survey.present, "cell")
            ));
            for (cell, times) in found.iter().take(5) {
                error = error.detail(format!("  {} ({})", quoted(cell), count(*times, "time")));
            }
            if found.len() > 5 {
                error = error.detail("  …");
            }
        }
        error
    }

    fn decimal_comma_error(&self) -> Error {
        let first = self.survey.comma_numbers.first;
        if is_grouped(self.cell(first)) {
            return Error::data(format!("{} has a thousands separator", quoted(self.cell(first))))
                .at(self.context.place(first, self.name))
                .help(format!(
                    "write numbers without it, or add --decimal-comma if the comma is the decimal one, or \
                     --column-type {}=category if it is text",
                    shell(self.name)
                ));
        }
        Error::data(format!(
            "{} looks like a number with a decimal comma",
            quoted(self.cell(first))
        ))
        .at(self.context.place(first, self.name))
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

fn cells<'a>(text: &'a str, ends: &'a [usize]) -> impl Iterator<Item = &'a str> {
    let mut start = 0;
    ends.iter().map(move |&end| {
        let cell = &text[start..end];
        start = end;
        cell
    })
}
