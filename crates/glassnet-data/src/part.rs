//! The rows of an encoding under construction: a table's blocks are encoded one after the other.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use glassnet::{Error, ErrorKind, Result, Tensor};

use crate::dates::{DateParts, no_date};
use crate::encode::{
    EncodeOptions, Encoded, GapPolicy, Labels, UnseenPolicy, refuse_no_row, standardised, too_far,
};
use crate::note::{Note, NoteKind};
use crate::packed::Block;
use crate::preprocessing::{Encoding, Feature, Preprocessing};
use crate::table::{Cells, Described, Table, Texts};
use crate::words::{count, list, quoted};

/// The most elements that one call makes: 8 GiB.
const MOST_ELEMENTS: usize = 1 << 31;

/// Rows under construction, row by row in one piece of memory, of which the system gives what is written.
pub(crate) struct Part<'a> {
    preprocessing: &'a Preprocessing,
    table: &'a Table,
    rows: &'a [usize],
    /// The places of `rows` in the order of the table's rows, if that is another one.
    order: Option<Vec<usize>>,
    options: EncodeOptions,
    width: usize,
    data: Vec<f32>,
    features: Vec<Seen>,
    /// The first error as if the columns were encoded one after the other, and its rank in that order.
    error: Option<(Rank, Error)>,
}

/// A feature, whether it is about values rather than gaps, and the place in the list of rows.
type Rank = (usize, bool, usize);

/// What was seen of a feature beside its values.
#[derive(Default)]
struct Seen {
    /// Gaps where the training rows had none.
    gaps: usize,
    /// For each of the column's texts the category that it is.
    categories: Option<Vec<Option<usize>>>,
    /// For each of the column's dates, by its code, the features that it is.
    dates: Option<HashMap<u32, Option<Vec<f32>>>>,
    /// Which entry of `unseen` a code has.
    entries: HashMap<u32, usize>,
    unseen: Vec<Unseen>,
}

/// A category that the training rows did not have: its text, count, and its first place and row.
struct Unseen {
    text: String,
    times: usize,
    place: usize,
    row: usize,
}

/// Some of a part's rows in a block.
#[derive(Clone, Copy)]
struct Span {
    /// The table's row with which the block begins.
    start: usize,
    /// Which rows, in the table's order.
    from: usize,
    to: usize,
    /// Whether the block has these rows alone.
    picked: bool,
}

/// Encodes what `parts` have of a block that begins with that row of the table; `columns` are those of the features.
pub(crate) fn encode_block(
    preprocessing: &Preprocessing,
    columns: &[(usize, &Described)],
    (block, start): (&Block, usize),
    parts: &mut [Part<'_>],
) {
    let spans: Vec<Span> =
        parts.iter().map(|part| part.span(start, start + block.rows())).collect();
    encode_spans(preprocessing, columns, block, parts, &spans);
}

/// Encodes a block that has those rows of `part` alone which are among the table's rows `rows`; the part's rows are in ascending order.
pub(crate) fn encode_picked(
    preprocessing: &Preprocessing,
    columns: &[(usize, &Described)],
    (block, rows): (&Block, Range<usize>),
    part: &mut Part<'_>,
) {
    let span = Span { picked: true, ..part.span(rows.start, rows.end) };
    encode_spans(preprocessing, columns, block, std::slice::from_mut(part), &[span]);
}

fn encode_spans(
    preprocessing: &Preprocessing,
    columns: &[(usize, &Described)],
    block: &Block,
    parts: &mut [Part<'_>],
    spans: &[Span],
) {
    if spans.iter().all(|span| span.from == span.to) {
        return;
    }
    let mut at = 0;
    for (index, (feature, (column, described))) in
        preprocessing.features.iter().zip(columns).enumerate()
    {
        let mut values = Vec::with_capacity(block.rows());
        block.unpack(*column, &mut values);
        let cells = described.cells(values);
        for (part, &span) in parts.iter_mut().zip(spans) {
            part.encode_feature(feature, index, &cells, span, at);
        }
        at += feature.width();
    }
}

impl<'a> Part<'a> {
    /// # Errors
    /// Kind `data` for a row that is not there; kind `limit` above 8 GiB.
    pub(crate) fn new(
        preprocessing: &'a Preprocessing,
        table: &'a Table,
        rows: &'a [usize],
        options: EncodeOptions,
    ) -> Result<Self> {
        refuse_no_row(table, rows)?;
        let width = preprocessing.width();
        let elements = rows.len().checked_mul(width).filter(|&all| all <= MOST_ELEMENTS);
        let elements = elements.ok_or_else(|| {
            Error::new(
                ErrorKind::Limit,
                format!("{} of {width} features do not fit into 8 GiB", count(rows.len(), "row")),
            )
            .at(table.name())
            .help("encode fewer rows at a time, or leave columns with many categories out")
        })?;
        let order = (!rows.is_sorted()).then(|| {
            let mut order: Vec<usize> = (0..rows.len()).collect();
            order.sort_by_key(|&place| rows[place]);
            order
        });
        let features = preprocessing.features.iter().map(|_| Seen::default()).collect();
        let data = vec![0.0; elements];
        let error = None;
        Ok(Part { preprocessing, table, rows, order, options, width, data, features, error })
    }

    /// Whether targets are encoded too.
    pub(crate) fn has_target(&self) -> bool {
        self.options.with_target
    }

    /// Those rows that are among the table's rows from `start` to before `end`.
    fn span(&self, start: usize, end: usize) -> Span {
        let before = |row: usize| match &self.order {
            Some(order) => order.partition_point(|&place| self.rows[place] < row),
            None => self.rows.partition_point(|&other| other < row),
        };
        Span { start, from: before(start), to: before(end), picked: false }
    }

    /// The place of each row in `rows`, and which of the block's rows it is.
    fn places(&self, span: Span) -> impl Iterator<Item = (usize, usize)> + use<'a> {
        let rows = self.rows;
        let order = self.order.as_ref().map(|order| order[span.from..span.to].to_vec());
        (span.from..span.to).map(move |at| {
            let place = order.as_ref().map_or(at, |order| order[at - span.from]);
            (place, if span.picked { at - span.from } else { rows[place] - span.start })
        })
    }

    fn encode_feature(
        &mut self,
        feature: &Feature,
        index: usize,
        cells: &Cells,
        span: Span,
        at: usize,
    ) {
        if self.error.as_ref().is_some_and(|((first, ..), _)| *first < index) {
            return;
        }
        let missing_at = at + feature.width() - 1;
        match (&feature.encoding, cells) {
            (Encoding::Number { mean, std, median, gaps }, Cells::Number(values)) => {
                let missing = |row: usize| values[row].is_nan();
                self.handle_gaps(index, (*gaps, missing_at), span, missing);
                for (place, row) in self.places(span) {
                    let value = if values[row].is_nan() { *median } else { values[row] };
                    match standardised(value, *mean, *std) {
                        Some(value) => self.data[place * self.width + at] = value,
                        None => {
                            let row = self.rows[place];
                            let error = too_far(self.table, &feature.column, row, value);
                            self.refuse((index, true, place), error);
                        }
                    }
                }
            }
            (Encoding::Boolean { most, gaps }, Cells::Boolean { values, .. }) => {
                let missing = |row: usize| values[row].is_none();
                self.handle_gaps(index, (*gaps, missing_at), span, missing);
                for (place, row) in self.places(span) {
                    let value = values[row].unwrap_or(*most);
                    self.data[place * self.width + at] = f32::from(u8::from(value));
                }
            }
            (Encoding::Category { levels, gaps }, Cells::Category(texts) | Cells::Date(texts)) => {
                let missing = |row: usize| texts.codes()[row] == Texts::MISSING;
                self.handle_gaps(index, (*gaps, missing_at), span, missing);
                self.encode_texts(index, texts, levels, span, |data, category| {
                    data[at + category] = 1.0;
                });
            }
            (Encoding::Code { levels, gaps }, Cells::Category(texts) | Cells::Date(texts)) => {
                let missing = |row: usize| texts.codes()[row] == Texts::MISSING;
                let own = (levels.len() + 1) as f32;
                self.handle_gaps_as(index, gaps.then_some((at, own)), span, missing);
                self.encode_texts(index, texts, levels, span, |data, category| {
                    data[at] = (category + 1) as f32;
                });
            }
            (Encoding::Date { parts, gaps }, Cells::Date(texts)) => {
                let missing = |row: usize| texts.codes()[row] == Texts::MISSING;
                self.handle_gaps(index, (*gaps, missing_at), span, missing);
                self.encode_dates(index, texts, parts, span, at);
            }
            // `find_columns` refused every other pair.
            (
                Encoding::Number { .. }
                | Encoding::Boolean { .. }
                | Encoding::Date { .. }
                | Encoding::Category { .. }
                | Encoding::Code { .. },
                Cells::Number(_) | Cells::Boolean { .. } | Cells::Category(_) | Cells::Date(_),
            ) => {}
        }
    }

    /// Marks the missing cells of a feature at `missing_at` if the training rows had `gaps`, else goes by policy.
    fn handle_gaps(
        &mut self,
        index: usize,
        (gaps, missing_at): (bool, usize),
        span: Span,
        missing: impl Fn(usize) -> bool,
    ) {
        self.handle_gaps_as(index, gaps.then_some((missing_at, 1.0)), span, missing);
    }

    /// As [`Part::handle_gaps`], with the feature's place and the number that means a gap.
    fn handle_gaps_as(
        &mut self,
        index: usize,
        gaps: Option<(usize, f32)>,
        span: Span,
        missing: impl Fn(usize) -> bool,
    ) {
        for (place, row) in self.places(span) {
            if !missing(row) {
                continue;
            }
            match (gaps, self.options.gaps) {
                (Some((at, number)), _) => self.data[place * self.width + at] = number,
                (None, GapPolicy::Fill) => self.features[index].gaps += 1,
                (None, GapPolicy::Error) => {
                    let column = &self.preprocessing.features[index].column;
                    let error = Error::data(
                        "the cell is missing, and no training row had a gap there",
                    )
                    .at(self.table.place(self.rows[place], column))
                    .help(
                        "fill the cell, or add --gaps fill to take the training rows' middle value",
                    );
                    self.refuse((index, false, place), error);
                }
            }
        }
    }

    fn refuse(&mut self, rank: Rank, error: Error) {
        if self.error.as_ref().is_none_or(|(first, _)| rank < *first) {
            self.error = Some((rank, error));
        }
    }

    fn encode_dates(
        &mut self,
        index: usize,
        texts: &Texts,
        parts: &DateParts,
        span: Span,
        at: usize,
    ) {
        let places = self.places(span);
        let known = self.features[index].dates.get_or_insert_with(HashMap::new);
        let mut bad = vec![];
        for (place, row) in places {
            let code = texts.codes()[row];
            let Some(text) = texts.levels().get(code as usize) else {
                continue;
            };
            match known.entry(code).or_insert_with(|| parts.encode(text)) {
                Some(features) => {
                    let from = place * self.width + at;
                    self.data[from..from + features.len()].copy_from_slice(features);
                }
                None => bad.push((place, self.rows[place], text)),
            }
        }
        for (place, row, text) in bad {
            let error = no_date(self.table, &self.preprocessing.features[index].column, row, text);
            self.refuse((index, true, place), error);
        }
    }

    fn encode_texts(
        &mut self,
        index: usize,
        texts: &Texts,
        levels: &[String],
        span: Span,
        put: impl Fn(&mut [f32], usize),
    ) {
        let places = self.places(span);
        let (width, rows) = (self.width, self.rows);
        let Seen { categories, entries, unseen, .. } = &mut self.features[index];
        let categories = categories.get_or_insert_with(|| {
            texts.levels().iter().map(|text| levels.binary_search(text).ok()).collect()
        });
        for (place, row) in places {
            let code = texts.codes()[row];
            let Some(category) = categories.get(code as usize) else {
                continue;
            };
            if let Some(category) = category {
                put(&mut self.data[place * width..(place + 1) * width], *category);
                continue;
            }
            let row = rows[place];
            let entry = *entries.entry(code).or_insert_with(|| {
                let text = texts.levels()[code as usize].clone();
                unseen.push(Unseen { text, times: 0, place, row });
                unseen.len() - 1
            });
            let found = &mut unseen[entry];
            found.times += 1;
            if place < found.place {
                (found.place, found.row) = (place, row);
            }
        }
    }

    /// The rows with their labels, once all blocks were encoded.
    ///
    /// # Errors
    /// The first that there was; what is wrong with the features goes before what is wrong with the labels.
    pub(crate) fn finish(mut self, labels: Result<Labels>) -> Result<Encoded> {
        if let Some((_, error)) = self.error.take() {
            return Err(error);
        }
        let mut notes: Vec<Note> =
            self.preprocessing.note_extra_columns(self.table).into_iter().collect();
        for (feature, seen) in self.preprocessing.features.iter().zip(&mut self.features) {
            seen.unseen.sort_by_key(|unseen| unseen.place);
            if seen.gaps > 0 {
                notes.push(Note::new(
                    NoteKind::Unseen,
                    format!(
                        "column {} has {} where the training rows had none: filled",
                        quoted(&feature.column),
                        count(seen.gaps, "gap"),
                    ),
                ));
            }
        }
        notes.extend(self.report_unseen()?);
        let (target, row_weights) = labels?;
        Ok(Encoded {
            features: Tensor::new([self.rows.len(), self.width], self.data)?,
            feature_names: self.preprocessing.feature_names(),
            target,
            row_weights,
            notes,
        })
    }

    fn report_unseen(&self) -> Result<Vec<Note>> {
        let columns = self.preprocessing.features.iter().map(|feature| feature.column.as_str());
        let seen: Vec<(&str, &[Unseen])> = columns
            .zip(&self.features)
            .filter(|(_, seen)| !seen.unseen.is_empty())
            .map(|(column, seen)| (column, seen.unseen.as_slice()))
            .collect();
        match self.options.unseen {
            UnseenPolicy::Ignore => {
                let sorted: BTreeSet<&str> = seen.iter().map(|(column, _)| *column).collect();
                let of = |column: &str| seen.iter().find(|(other, _)| *other == column);
                let told = sorted.into_iter().filter_map(of).map(|(column, unseen)| {
                    let texts = unseen.iter().map(|unseen| unseen.text.as_str());
                    Note::new(NoteKind::Unseen, format!(
                        "column {}: {} that the training rows did not have, encoded as none: {}",
                        quoted(column), count(unseen.len(), "category"), list(texts, 10),
                    ))
                });
                Ok(told.collect())
            }
            UnseenPolicy::Error => {
                let all = || {
                    seen.iter()
                        .flat_map(|(column, unseen)| unseen.iter().map(move |one| (*column, one)))
                };
                let Some((column, first)) = all().next() else {
                    return Ok(vec![]);
                };
                let mut error = Error::data(format!(
                    "column {} has a category that the training rows did not have: {}",
                    quoted(column), quoted(&first.text)
                ))
                .at(self.table.place(first.row, column))
                .help("correct the cell, or add --unseen ignore to encode it as none of the categories");
                for (column, one) in all().take(10) {
                    error = error.detail(format!(
                        "{} = {}: {}, first at {}",
                        quoted(column),
                        quoted(&one.text),
                        count(one.times, "row"),
                        self.table.origin(one.row),
                    ));
                }
                let number = all().count();
                if number > 10 {
                    error = error.detail(format!("… {} in all", count(number, "category")));
                }
                Err(error)
            }
        }
    }
}
