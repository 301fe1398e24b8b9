//! From the cells of a column as text to typed cells: the type is decided from all rows.
//!
//! Cells are typed as they come, and no text is kept that is not needed. What a column's first cell looks like says how they
//! are taken: as numbers, or as texts, each distinct one kept once, from which numbers can still be had. Numbers
//! can't be turned back: a column that begins with them and is a category in the end has to be read again.

use std::sync::Arc;

use glassnet::{Error, Result};

use crate::cell::{
    Reading, is_code, is_date, lost_digits, plain_decimal, read_boolean, read_number, trim,
};
use crate::interned::{Interned, Level};
use crate::note::{Note, NoteKind};
use crate::options::{ColumnType, CsvOptions};
use crate::packed::Staged;
use crate::records::Lines;
use crate::table::Kind;
use crate::words::{count, quoted, shell};

/// What typing a column needs to know of the file around it.
pub(crate) struct Context<'a> {
    file: &'a str,
    options: &'a CsvOptions,
    point: u8,
}

impl<'a> Context<'a> {
    pub(crate) fn new(file: &'a str, options: &'a CsvOptions) -> Self {
        let point = if options.decimal_comma { b',' } else { b'.' };
        Context { file, options, point }
    }

    /// Whether a cell without blanks around it stands among the marks of missing values.
    #[inline]
    fn is_marked(&self, cell: &[u8]) -> bool {
        self.options.missing.iter().any(|mark| mark.as_bytes() == cell)
    }

    /// Whether `cell` stands for a missing value.
    #[inline]
    pub(crate) fn is_missing(&self, cell: &str) -> bool {
        let trimmed = trim(cell);
        trimmed.is_empty() || self.options.missing.iter().any(|m| m == cell || m == trimmed)
    }
}

/// How many cells are of which sort, and the first of each sort.
#[derive(Default)]
struct Survey {
    present: usize,
    numbers: usize,
    /// The length of the first number, and whether all are digits of that length.
    width: usize,
    ragged: bool,
    non_finite: Sort,
    overflow: Sort,
    codes: Sort,
    lost: Sort,
    booleans: usize,
    dates: usize,
    comma_numbers: Sort,
    others: Sort,
    /// The first distinct texts among the others, and how often each is there.
    texts: Vec<(String, usize)>,
}

/// Cells of a sort: their number, the first, and its row.
#[derive(Default)]
struct Sort {
    count: usize,
    row: usize,
    cell: String,
}

impl Sort {
    fn push(&mut self, level: &Level<'_>) {
        if self.count == 0 {
            self.row = level.first;
            self.cell = level.text.to_string();
        }
        self.count += level.count;
    }
}

/// How many distinct texts a message needs to list five of them.
const LISTED: usize = 6;

impl Survey {
    /// Adds a cell that is not missing, as often as it is there, and gives its number.
    fn push(&mut self, level: &Level<'_>, comma: bool) -> Option<f64> {
        self.present += level.count;
        match read_number(level.text, comma) {
            Reading::Finite(value) => {
                self.numbers += level.count;
                self.look_at_digits(level, value);
                return Some(value);
            }
            Reading::NonFinite(_) => self.non_finite.push(level),
            Reading::Overflow => self.overflow.push(level),
            Reading::Text => self.push_text(level, comma),
        }
        None
    }

    fn push_text(&mut self, level: &Level<'_>, comma: bool) {
        self.others.push(level);
        match self.texts.iter().position(|(other, _)| other == level.text) {
            Some(at) => self.texts[at].1 += level.count,
            None if self.texts.len() < LISTED => {
                self.texts.push((level.text.to_string(), level.count));
            }
            None => {}
        }
        self.booleans += if read_boolean(level.text).is_some() { level.count } else { 0 };
        self.dates += if is_date(level.text) { level.count } else { 0 };
        if !comma && matches!(read_number(level.text, true), Reading::Finite(_)) {
            self.comma_numbers.push(level);
        }
    }

    fn look_at_digits(&mut self, level: &Level<'_>, value: f64) {
        if is_code(level.text) {
            self.codes.push(level);
        }
        if lost_digits(level.text, value) {
            self.lost.push(level);
        }
        let trimmed = trim(level.text);
        self.look_at_width(trimmed.len(), trimmed.bytes().all(|byte| byte.is_ascii_digit()));
    }

    fn look_at_width(&mut self, width: usize, digits: bool) {
        if self.width == 0 {
            self.width = width;
        }
        self.ragged |= self.width != width || !digits;
    }

    fn push_plain(&mut self, plain: &Plain) {
        if plain.count > 0 {
            self.present += plain.count;
            self.numbers += plain.count;
            self.look_at_width(plain.width, !plain.ragged);
        }
    }
}

/// How the cells of a column are taken.
enum Reader {
    /// All cells so far are missing.
    Open,
    Numbers,
    Texts(Box<Interned>),
}

/// A column that is being read. Next to each other stands what nearly every cell needs, so that the processor's nearest
/// memory holds it for many columns.
pub(crate) struct Typing {
    reader: Reader,
    plain: Plain,
    staged: Staged,
    declared: Option<ColumnType>,
    survey: Box<Survey>,
}

/// The numbers that are no codes, which need no closer look.
#[derive(Default)]
struct Plain {
    count: usize,
    /// The length of the first, and whether any is not so many digits.
    width: usize,
    ragged: bool,
}

/// What a column is.
pub(crate) enum Typed {
    Column(Kind, Vec<Note>),
    /// A column of texts, which were taken as numbers: to be read again as [`Typing::of_texts`].
    Again,
}

impl Typing {
    pub(crate) fn new(declared: Option<ColumnType>) -> Self {
        let reader = match declared {
            Some(ColumnType::Boolean | ColumnType::Category | ColumnType::Date) => {
                Reader::Texts(Box::new(Interned::new()))
            }
            Some(ColumnType::Number) => Reader::Numbers,
            None => Reader::Open,
        };
        Typing {
            reader,
            plain: Plain::default(),
            staged: Staged::default(),
            declared,
            survey: Box::default(),
        }
    }

    /// A column whose texts are kept, whatever its first cell is.
    pub(crate) fn of_texts(declared: Option<ColumnType>) -> Self {
        Typing { reader: Reader::Texts(Box::new(Interned::new())), ..Typing::new(declared) }
    }

    /// The cells that were read and not yet packed.
    pub(crate) fn staged(&mut self) -> &mut Staged {
        &mut self.staged
    }

    /// Takes the cell of row `row`.
    ///
    /// # Errors
    /// Kind `data` for more distinct texts than can be counted.
    #[inline]
    pub(crate) fn push(&mut self, cell: &[u8], row: usize, context: &Context<'_>) -> Result<()> {
        let numbers = matches!(self.reader, Reader::Numbers);
        let decimal = if numbers { plain_decimal(cell, context.point) } else { None };
        if let Some(decimal) = decimal
            && !context.is_marked(cell)
        {
            let digits = || cell.iter().all(u8::is_ascii_digit);
            // A code is left to the long way, which keeps the first.
            let code = cell[0] == b'0' && cell.len() > 1 && decimal.decimals == 0 && digits();
            if !code {
                let plain = &mut self.plain;
                if plain.count == 0 {
                    plain.width = cell.len();
                }
                plain.count += 1;
                plain.ragged = plain.ragged || plain.width != cell.len() || !digits();
                self.staged.decimal(decimal);
                return Ok(());
            }
        }
        self.push_any(cell, row, context, numbers && decimal.is_none())
    }

    /// Takes any cell; `long` says that it is no plain decimal as it stands.
    fn push_any(
        &mut self,
        cell: &[u8],
        row: usize,
        context: &Context<'_>,
        long: bool,
    ) -> Result<()> {
        // The whole file was checked to be UTF-8, and cells are cut at ASCII bytes.
        let text = std::str::from_utf8(cell)
            .map_err(|_| Error::data("a cell is not UTF-8").at(context.file))?;
        if context.is_missing(text) {
            self.staged.missing();
            return Ok(());
        }
        if let Reader::Open = self.reader {
            let texts =
                is_code(text) || read_number(text, context.options.decimal_comma) == Reading::Text;
            self.reader =
                if texts { Reader::Texts(Box::new(Interned::new())) } else { Reader::Numbers };
        }
        match &mut self.reader {
            Reader::Open => {}
            Reader::Numbers => {
                let level = Level { text, count: 1, first: row };
                let value = self.survey.push(&level, context.options.decimal_comma);
                let trimmed = trim(text).as_bytes();
                let decimal = match long && trimmed.len() == cell.len() {
                    true => None,
                    false => plain_decimal(trimmed, context.point),
                };
                match (value, decimal) {
                    (Some(_), Some(decimal)) => self.staged.decimal(decimal),
                    (Some(value), None) => self.staged.double(value),
                    (None, _) => self.staged.missing(),
                }
            }
            Reader::Texts(texts) => {
                let code = texts.push(text, row).ok_or_else(|| {
                    Error::data("the column has more distinct texts than can be counted")
                        .at(context.file)
                })?;
                self.staged.code(code);
            }
        }
        Ok(())
    }

    /// What the column is, and what is worth telling about it. What was declared goes before what the cells look like.
    ///
    /// # Errors
    /// Kind `data`: text in a column of numbers, NaN and infinity, numbers beyond 64-bit floats, numbers with a decimal
    /// comma, or cells that are not of the declared type.
    pub(crate) fn finish(self, name: &str, context: &Context<'_>, lines: &Lines) -> Result<Typed> {
        let Typing { reader, plain, mut survey, declared, .. } = self;
        survey.push_plain(&plain);
        let comma = context.options.decimal_comma;
        let texts = match &reader {
            Reader::Texts(texts) => Some(texts.as_ref()),
            Reader::Open | Reader::Numbers => None,
        };
        let surveyed = match declared {
            Some(ColumnType::Boolean | ColumnType::Category | ColumnType::Date) => None,
            Some(ColumnType::Number) | None => texts,
        };
        let number = |level: Level<'_>| survey.push(&level, comma).unwrap_or(f64::NAN);
        let numbers: Vec<f64> =
            surveyed.into_iter().flat_map(Interned::levels).map(number).collect();
        let mut verdict = Verdict { survey: &survey, name, context, lines, notes: vec![] };
        let kind = match declared {
            Some(kind) => kind,
            None => verdict.decide()?,
        };
        let kind = match (kind, texts) {
            (ColumnType::Number, texts) => {
                verdict.refuse_no_numbers()?;
                if texts.is_some() { Kind::CodedNumber(numbers) } else { Kind::Number }
            }
            (_, None) => return Ok(Typed::Again), // not operations: all but numbers need the texts
            (ColumnType::Boolean, Some(texts)) => verdict.booleans(texts)?,
            (ColumnType::Category, Some(texts)) => Kind::Category(levels(texts)),
            (ColumnType::Date, Some(texts)) => Kind::Date(levels(texts)),
        };
        Ok(Typed::Column(kind, verdict.notes))
    }
}

fn levels(texts: &Interned) -> Arc<Vec<String>> {
    Arc::new(texts.levels().map(|level| level.text.to_string()).collect())
}

/// A surveyed column, to be judged.
struct Verdict<'a> {
    survey: &'a Survey,
    name: &'a str,
    context: &'a Context<'a>,
    lines: &'a Lines,
    notes: Vec<Note>,
}

impl Verdict<'_> {
    fn decide(&mut self) -> Result<ColumnType> {
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

    fn refuse_no_numbers(&mut self) -> Result<()> {
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

    fn booleans(&self, texts: &Interned) -> Result<Kind> {
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
        format!("{}:{}, column {}", self.context.file, self.lines.of(row), quoted(self.name))
    }

    /// The first cell of a sort with its line: `"007" at line 2`.
    fn example(&self, sort: &Sort) -> String {
        format!("{} at line {}", quoted(&sort.cell), self.lines.of(sort.row))
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
