//! From the cells of a column as text to typed cells: the type is decided from all rows.
//!
//! Cells are typed as they come, and no text is kept that is not needed. What a column's first cell looks like says how they
//! are taken: as numbers, or as texts, each distinct one kept once, from which numbers can still be had. Numbers
//! can't be turned back: a column that begins with them and is a category in the end has to be read again.

use std::sync::Arc;

use glassnet::{Error, ErrorKind, Result};

use crate::batch::Batch;
use crate::cell::{Decimal, Reading, is_code, is_date, plain_decimal, read_number, trim};
use crate::interned::{Interned, Level};
use crate::lines::Lines;
use crate::long::Spill;
use crate::note::{Note, NoteKind};
use crate::options::{ColumnType, CsvOptions};
use crate::packed::Staged;
use crate::survey::{Plain, Survey};
use crate::table::Kind;
use crate::verdict::Verdict;
use crate::word;
use crate::words::{quoted, shell};

/// What typing a column needs to know of the file around it.
pub(crate) struct Context<'a> {
    pub(crate) file: &'a str,
    pub(crate) options: &'a CsvOptions,
    point: u8,
    /// The most bytes of a column's different texts.
    pub(crate) most_text: usize,
}

impl<'a> Context<'a> {
    pub(crate) fn new(file: &'a str, options: &'a CsvOptions) -> Self {
        let point = if options.decimal_comma { b',' } else { b'.' };
        Context { file, options, point, most_text: usize::MAX }
    }

    /// In the memory that a table may take, the texts of a column may have an eighth, and 4 MB in any case.
    pub(crate) fn within(self, spill: Option<&Spill>) -> Self {
        const LEAST: usize = 4 << 20;
        let most_text = spill.map_or(usize::MAX, |spill| (spill.memory / 8).max(LEAST));
        Context { most_text, ..self }
    }

    /// Whether a column that has too much text may do without it: one that would be left out, as every row has another text or
    /// all are dates, and that nobody asked for.
    pub(crate) fn may_forget(&self, texts: &Interned, needed: bool) -> bool {
        let asked_for = needed || self.options.keep.is_some();
        let alone = || texts.levels().all(|level| level.count == 1);
        !asked_for && (alone() || texts.levels().all(|level| is_date(level.text)))
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

/// How the cells of a column are taken.
enum Reader {
    /// All cells so far are missing.
    Open,
    Numbers,
    Texts(Box<Interned>),
    /// Too many different texts, which were forgotten.
    Overflown,
    /// Too many different texts, which can't be done without.
    Refused,
}

/// A column that is being read. Next to each other stands what nearly every cell needs, so that the processor's nearest
/// memory holds it for many columns.
pub(crate) struct Typing {
    reader: Reader,
    plain: Plain,
    staged: Staged,
    declared: Option<ColumnType>,
    /// Whether its texts may not be forgotten.
    needed: bool,
    survey: Box<Survey>,
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
            needed: declared.is_some(),
            survey: Box::default(),
        }
    }

    /// The same of a column that something is asked of, if it is one.
    pub(crate) fn needed_by(mut self, options: &CsvOptions, name: &str) -> Self {
        self.needed |= options.needed.contains(name);
        self
    }

    /// A column whose texts are kept, whatever its first cell is.
    pub(crate) fn of_texts(declared: Option<ColumnType>) -> Self {
        Typing { reader: Reader::Texts(Box::new(Interned::new())), ..Typing::new(declared) }
    }

    /// Whether an error was about its texts.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.reader, Reader::Refused)
    }

    /// The cells that were read and not yet packed.
    pub(crate) fn staged(&mut self) -> &mut Staged {
        &mut self.staged
    }

    /// Takes cell `cell` of each of some records: of each the table's row, and the first of its cells.
    ///
    /// # Errors
    /// As [`Typing::push`], with the row.
    pub(crate) fn push_all(
        &mut self,
        batch: &Batch,
        records: &[(usize, usize)],
        cell: usize,
        context: &Context<'_>,
    ) -> std::result::Result<(), (usize, Error)> {
        let mut rest = records;
        while !rest.is_empty() {
            if matches!(self.reader, Reader::Numbers) {
                let done = self.push_plain(batch, rest, cell, context);
                rest = &rest[done..];
            }
            if let [(row, first), after @ ..] = rest {
                self.push(batch.cell(first + cell), *row, context)
                    .map_err(|error| (*row, error))?;
                rest = after;
            }
        }
        Ok(())
    }

    /// As [`Typing::push_all`] for a column of numbers, up to the first cell that needs a closer look: how many were taken.
    fn push_plain(
        &mut self,
        batch: &Batch,
        records: &[(usize, usize)],
        cell: usize,
        context: &Context<'_>,
    ) -> usize {
        let marks = !context.options.missing.is_empty();
        let (mut width, mut ragged) = (self.plain.width, self.plain.ragged);
        let started = self.plain.count > 0;
        let mut done = 0;
        for &(_, first) in records {
            let (text, word) = batch.cell(first + cell);
            let plain = match word::few_digits(word, text.len()) {
                Some(integer) => Some((Decimal { integer, decimals: 0 }, true)),
                None if text.len() <= word::BYTES => {
                    word::short_decimal(word, text.len(), context.point)
                }
                None => None,
            };
            let Some((decimal, digits)) = plain else { break };
            // A code is left to the long way, which keeps the first.
            let code = digits && word as u8 == b'0' && text.len() > 1;
            if code || (marks && context.is_marked(text)) {
                break;
            }
            if done == 0 && !started {
                width = text.len();
            }
            ragged |= width != text.len() || !digits;
            self.staged.decimal(decimal);
            done += 1;
        }
        self.plain.count += done;
        (self.plain.width, self.plain.ragged) = (width, ragged);
        done
    }

    /// Takes the cell of row `row`, whose first bytes are `word`.
    ///
    /// # Errors
    /// Kind `data` for more distinct texts than can be counted.
    #[inline]
    pub(crate) fn push(
        &mut self,
        (cell, word): (&[u8], u64),
        row: usize,
        context: &Context<'_>,
    ) -> Result<()> {
        if !matches!(self.reader, Reader::Numbers) {
            return self.push_any(cell, row, context, false);
        }
        let short = match cell.len() {
            1..=word::BYTES => word::short_decimal(word, cell.len(), context.point),
            _ => None,
        };
        let plain = short.or_else(|| {
            let digits = || cell.iter().all(u8::is_ascii_digit);
            plain_decimal(cell, context.point).map(|decimal| (decimal, digits()))
        });
        if let Some((decimal, digits)) = plain
            && !context.is_marked(cell)
            // A code is left to the long way, which keeps the first.
            && !(digits && word as u8 == b'0' && cell.len() > 1)
        {
            let plain = &mut self.plain;
            if plain.count == 0 {
                plain.width = cell.len();
            }
            plain.count += 1;
            plain.ragged |= plain.width != cell.len() || !digits;
            self.staged.decimal(decimal);
            return Ok(());
        }
        self.push_any(cell, row, context, plain.is_none())
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
                let code = texts.push(text, row).ok_or_else(|| too_many_texts(context))?;
                self.staged.code(code);
                if texts.size() > context.most_text {
                    if !context.may_forget(texts, self.needed) {
                        self.reader = Reader::Refused;
                        return Err(too_many_texts(context));
                    }
                    self.reader = Reader::Overflown;
                }
            }
            Reader::Overflown | Reader::Refused => self.staged.missing(),
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
            Reader::Overflown | Reader::Refused => return Ok(forgotten(name)),
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

pub(crate) fn too_many_texts(context: &Context<'_>) -> Error {
    Error::data("the column has more distinct texts than can be counted").at(context.file)
}

/// Texts that can't be kept, of a column that can't do without them.
pub(crate) fn too_much_text(name: &str, context: &Context<'_>) -> Error {
    let megabytes = context.most_text.div_ceil(1_000_000);
    let what = format!(
        "the different texts of column {} take more than {megabytes} MB, which is their part of the memory for the table",
        quoted(name)
    );
    Error::new(ErrorKind::Limit, what).at(context.file).help(format!(
        "give the table more with --memory, or leave the column out with --drop {}",
        shell(name)
    ))
}

/// A column whose texts are too many to be kept.
pub(crate) fn forgotten(name: &str) -> Typed {
    let note = Note::new(
        NoteKind::Dropped,
        format!(
            "column {} has more different texts than the memory for the table holds: they are forgotten",
            quoted(name)
        ),
    );
    Typed::Column(Kind::Category(Arc::default()), vec![note])
}

fn levels(texts: &Interned) -> Arc<Vec<String>> {
    Arc::new(texts.levels().map(|level| level.text.to_string()).collect())
}
