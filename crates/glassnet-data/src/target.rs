//! What is to be predicted: the classes or numbers of one column.

use std::collections::HashSet;

use glassnet::{Error, Result};

use crate::note::{Note, NoteKind};
use crate::options::ColumnType;
use crate::table::{Cells, Column, Table, Texts};
use crate::words::{count, list, quoted, shell};

/// The most classes that a target may have.
pub(crate) const MOST_CLASSES: usize = 1000;

/// Whether a target is a class or a number.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Task {
    /// By the column: text, dates and booleans are classes. Numbers are classes when they take exactly two values, or when
    /// they are integers of at most 20 different values, each in at least 1 % of the rows, with at least 5 rows
    /// per value on average; otherwise they are predicted as numbers.
    #[default]
    Auto,
    /// Classes, whatever the column holds.
    Classification,
    /// Numbers; the column must hold numbers.
    Regression,
}

/// The target's values in the labelled rows.
#[derive(Clone, Debug, PartialEq)]
pub enum TargetValues {
    /// Classes.
    Classes {
        /// The classes' names in the order of the network's outputs: text sorted, numbers ascending, false before true.
        names: Vec<String>,
        /// The class of each labelled row, parallel to [`Target::rows`].
        of_row: Vec<i64>,
    },
    /// The number of each labelled row, parallel to [`Target::rows`].
    Numbers(Vec<f64>),
}

/// What is to be predicted, decided from all rows of a table before they are split.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub(crate) column: String,
    /// Further columns of numbers that are predicted together with it.
    pub(crate) others: Vec<String>,
    pub(crate) column_type: ColumnType,
    pub(crate) rows: Vec<usize>,
    pub(crate) values: TargetValues,
    pub(crate) notes: Vec<Note>,
}

impl Target {
    /// The target in `column` of `table`, over all of its labelled rows.
    ///
    /// # Errors
    /// Kind `data`: no such column, fewer than two labelled rows, one class only or a constant number (there is nothing to
    /// learn), more than 1000 classes, a class of its own for every row, or text where numbers are asked for.
    pub fn choose(table: &Table, column: &str, task: Task) -> Result<Target> {
        let found = table.require(column)?;
        let (rows, mut notes) = labelled_rows(table, &found)?;
        let classify = match task {
            Task::Classification => true,
            Task::Regression => false,
            Task::Auto => auto_classifies(&found, &rows, &mut notes),
        };
        let values = if classify {
            classes(table, &found, &rows, &mut notes)?
        } else {
            numbers(table, &found, &rows)?
        };
        Ok(Target {
            column: column.to_string(),
            others: vec![],
            column_type: found.column_type(),
            rows,
            values,
            notes,
        })
    }

    /// Several columns of numbers that one network predicts, an output for each, over the rows that have all of them. One column
    /// is chosen as by [`Target::choose`].
    ///
    /// ```
    /// use glassnet_data::*;
    /// let table = read_csv("x,a,b\n1,2.5,7\n2,3.5,\n3,4,9\n".as_bytes(), "t.csv", &CsvOptions::default())?;
    /// let target = Target::choose_several(&table, &["a", "b"].map(str::to_owned), Task::Auto)?;
    /// assert_eq!((target.rows(), target.columns().count()), (&[0, 2][..], 2));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Target::choose`]; kind `data` also for columns of several that hold no numbers, and for one that is named twice; kind
    /// `usage` for classes.
    pub fn choose_several(table: &Table, columns: &[String], task: Task) -> Result<Target> {
        let [first, others @ ..] = columns else {
            return Err(Error::usage("no target is named").at("--target").help("name a column"));
        };
        if others.is_empty() {
            return Target::choose(table, first, task);
        }
        check_together(table, columns, task, |name| Ok(table.require(name)?.numbers().is_some()))?;
        let found = columns.iter().map(|name| table.require(name)).collect::<Result<Vec<_>>>()?;
        let (rows, mut notes) = rows_with_all(table, &found)?;
        let mut values = vec![];
        for column in &found {
            values.push(numbers(table, column, &rows)?);
        }
        notes.push(together_note(columns));
        Ok(Target {
            column: first.clone(),
            others: others.to_vec(),
            column_type: ColumnType::Number,
            rows,
            values: values.swap_remove(0),
            notes,
        })
    }

    /// The same target over those of its rows that are in `rows` alone; the classes stay as they are.
    pub fn among(&self, rows: &[usize]) -> Target {
        let wanted: HashSet<usize> = rows.iter().copied().collect();
        let kept: Vec<usize> =
            (0..self.rows.len()).filter(|&index| wanted.contains(&self.rows[index])).collect();
        let values = match &self.values {
            TargetValues::Classes { names, of_row } => TargetValues::Classes {
                names: names.clone(),
                of_row: kept.iter().map(|&index| of_row[index]).collect(),
            },
            TargetValues::Numbers(values) => {
                TargetValues::Numbers(kept.iter().map(|&index| values[index]).collect())
            }
        };
        Target {
            column: self.column.clone(),
            others: self.others.clone(),
            column_type: self.column_type,
            rows: kept.iter().map(|&index| self.rows[index]).collect(),
            values,
            notes: vec![],
        }
    }

    /// The column's name; of several the first one's.
    pub fn column(&self) -> &str {
        &self.column
    }

    /// All columns' names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.column).chain(&self.others).map(String::as_str)
    }

    /// The rows of the table that have a target.
    pub fn rows(&self) -> &[usize] {
        &self.rows
    }

    /// Their targets; of several columns the first one's.
    pub fn values(&self) -> &TargetValues {
        &self.values
    }

    /// The classes' names, `None` for numbers.
    pub fn classes(&self) -> Option<&[String]> {
        match &self.values {
            TargetValues::Classes { names, .. } => Some(names),
            TargetValues::Numbers(_) => None,
        }
    }

    /// What is worth telling about the choice.
    pub fn notes(&self) -> &[Note] {
        &self.notes
    }
}

/// Refuses several columns that can't be predicted together; `holds_numbers` tells of a column whether it holds numbers.
///
/// # Errors
/// Kind `usage` for classes and for a column that is named twice; kind `data` for a column that holds no numbers.
pub(crate) fn check_together(
    table: &Table,
    columns: &[String],
    task: Task,
    holds_numbers: impl Fn(&str) -> Result<bool>,
) -> Result<()> {
    let one_by_one = "train a model for each column of classes";
    if task == Task::Classification {
        return Err(Error::usage("several targets are predicted as numbers, not as classes")
            .at("--task")
            .help(one_by_one));
    }
    for (at, name) in columns.iter().enumerate() {
        if columns[..at].contains(name) {
            return Err(Error::usage(format!("the target {} is named twice", quoted(name)))
                .at("--target")
                .help("name each column once"));
        }
        if !holds_numbers(name)? {
            return Err(Error::data(format!(
                "the target {} holds no numbers, and several targets must",
                quoted(name)
            ))
            .at(table.name())
            .help(one_by_one));
        }
    }
    Ok(())
}

pub(crate) fn together_note(columns: &[String]) -> Note {
    let (targets, names) = (count(columns.len(), "target"), list(columns, 10));
    Note::new(
        NoteKind::Interpreted,
        format!("{targets} are predicted together, each as a number: {names}"),
    )
}

pub(crate) fn too_few_together(table: &Table, rows: usize) -> Error {
    Error::data(format!(
        "all targets together have a value in {}: at least 2 are needed",
        count(rows, "row")
    ))
    .at(table.name())
    .help("give more rows with every target")
}

/// The rows of which no cell in `columns` is missing, and notes of how many are left out.
pub(crate) fn rows_with_all(table: &Table, columns: &[Column]) -> Result<(Vec<usize>, Vec<Note>)> {
    let (mut rows, mut notes) = (None, vec![]);
    for column in columns {
        let (labelled, told) = labelled_rows(table, column)?;
        notes.extend(told);
        rows = Some(match rows {
            None => labelled,
            Some(before) => {
                let before: HashSet<usize> = HashSet::from_iter::<Vec<usize>>(before);
                labelled.into_iter().filter(|row| before.contains(row)).collect()
            }
        });
    }
    let rows = rows.unwrap_or_default();
    if rows.len() < 2 {
        return Err(too_few_together(table, rows.len()));
    }
    Ok((rows, notes))
}

/// The rows whose cell in `column` is not missing, and a note of how many are left out.
pub(crate) fn labelled_rows(table: &Table, column: &Column) -> Result<(Vec<usize>, Vec<Note>)> {
    let rows: Vec<usize> = (0..table.rows()).filter(|&row| !column.is_missing(row)).collect();
    let notes = check_labelled(table, column.name(), rows.len())?;
    Ok((rows, notes))
}

/// Refuses a target that so few of the table's rows have, and tells how many lack it.
///
/// # Errors
/// Kind `data`.
pub(crate) fn check_labelled(table: &Table, column: &str, rows: usize) -> Result<Vec<Note>> {
    let left_out = table.rows() - rows;
    if rows < 2 {
        return Err(Error::data(format!(
            "the target {} has a value in {}: at least 2 are needed",
            quoted(column),
            count(rows, "row"),
        ))
        .at(table.name())
        .help("give more rows with a target"));
    }
    let mut notes = Vec::new();
    if left_out > 0 {
        let verb = if left_out == 1 { "is" } else { "are" };
        notes.push(Note::new(
            NoteKind::Rows,
            format!(
                "{} without a value of the target {} {verb} left out",
                count(left_out, "row"),
                quoted(column),
            ),
        ));
    }
    Ok(notes)
}

fn auto_classifies(column: &Column, rows: &[usize], notes: &mut Vec<Note>) -> bool {
    let Some(values) = column.numbers() else {
        return true;
    };
    let counted = distinct_numbers(values, rows, MOST_AUTO);
    taken_as_classes(column.name(), counted.as_deref(), rows.len(), notes)
}

/// The most numbers that are taken as classes unasked.
pub(crate) const MOST_AUTO: usize = 20;

/// Whether a column of numbers in so many rows is one of classes: `counted` are its different numbers and how often each is
/// there, unless they are more than [`MOST_AUTO`].
pub(crate) fn taken_as_classes(
    column: &str,
    counted: Option<&[(f64, usize)]>,
    rows: usize,
    notes: &mut Vec<Note>,
) -> bool {
    let Some(counted) = counted else {
        return false;
    };
    let name = quoted(column);
    if counted.len() == 2 {
        let usual = counted.iter().all(|(value, _)| [-1.0, 0.0, 1.0].contains(value));
        if !usual {
            notes.push(Note::new(
                NoteKind::Interpreted,
                format!("target {name} holds 2 different numbers: taken as classes; --task regression predicts a number"),
            ));
        }
        return true;
    }
    if counted.len() < 2 || counted.iter().any(|(value, _)| value.fract() != 0.0) {
        return false;
    }
    let rarest = counted.iter().map(|(_, times)| *times).min().unwrap_or(0);
    let classify = rarest * 100 >= rows && counted.len() * 5 <= rows;
    let (taken, other) = if classify {
        ("classes", "regression predicts a number")
    } else {
        ("numbers", "classification makes each a class")
    };
    notes.push(Note::new(
        NoteKind::Interpreted,
        format!(
            "target {name} holds {} different integers: taken as {taken}; --task {other}",
            counted.len(),
        ),
    ));
    classify
}

/// The distinct values in ascending order with their counts, unless there are more than `limit`.
fn distinct_numbers(values: &[f64], rows: &[usize], limit: usize) -> Option<Vec<(f64, usize)>> {
    let mut counted: Vec<(f64, usize)> = Vec::new();
    for &row in rows {
        // Adding zero turns -0 into 0, so that both are one value.
        let value = values[row] + 0.0;
        match counted.binary_search_by(|(other, _)| other.total_cmp(&value)) {
            Ok(at) => counted[at].1 += 1,
            Err(_) if counted.len() == limit => return None,
            Err(at) => counted.insert(at, (value, 1)),
        }
    }
    Some(counted)
}

fn classes(
    table: &Table,
    column: &Column,
    rows: &[usize],
    notes: &mut Vec<Note>,
) -> Result<TargetValues> {
    let too_many = || too_many_classes(table, column.name());
    let (names, of_row) = match column.cells() {
        Cells::Number(values) => {
            let counted = distinct_numbers(values, rows, MOST_CLASSES).ok_or_else(too_many)?;
            let class = |row: usize| {
                counted.partition_point(|(other, _)| other.total_cmp(&(values[row] + 0.0)).is_lt())
            };
            let of_row = rows.iter().map(|&row| class(row) as i64).collect();
            (counted.iter().map(|(value, _)| number_name(*value)).collect(), of_row)
        }
        Cells::Boolean { values, words } => {
            let present: Vec<bool> = rows.iter().filter_map(|&row| values[row]).collect();
            let names: Vec<String> = [false, true]
                .into_iter()
                .filter(|value| present.contains(value))
                .map(|value| words[usize::from(value)].clone())
                .collect();
            let of_row =
                present.iter().map(|&value| i64::from(value && names.len() == 2)).collect();
            (names, of_row)
        }
        Cells::Category(texts) | Cells::Date(texts) => {
            text_classes(texts, rows).ok_or_else(too_many)?
        }
    };
    let mut sizes = vec![0_usize; names.len()];
    of_row.iter().for_each(|&class| sizes[class as usize] += 1);
    check_classes(table, column.name(), (&names, &sizes), notes)?;
    Ok(TargetValues::Classes { names, of_row })
}

/// The name of a class that is a number.
pub(crate) fn number_name(value: f64) -> String {
    value.to_string()
}

fn text_classes(texts: &Texts, rows: &[usize]) -> Option<(Vec<String>, Vec<i64>)> {
    let mut used = vec![false; texts.levels().len()];
    rows.iter().for_each(|&row| used[texts.codes()[row] as usize] = true);
    let mut levels: Vec<usize> = (0..used.len()).filter(|&level| used[level]).collect();
    if levels.len() > MOST_CLASSES {
        return None;
    }
    levels.sort_by_key(|&level| &texts.levels()[level]);
    let mut class_of = vec![-1; used.len()];
    levels.iter().enumerate().for_each(|(class, &level)| class_of[level] = class as i64);
    let names = levels.iter().map(|&level| texts.levels()[level].clone()).collect();
    let of_row = rows.iter().map(|&row| class_of[texts.codes()[row] as usize]).collect();
    Some((names, of_row))
}

pub(crate) fn too_many_classes(table: &Table, column: &str) -> Error {
    Error::data(format!("the target {} has more than {MOST_CLASSES} classes", quoted(column)))
        .at(table.name())
        .help("choose a target with fewer classes, or --task regression for numbers")
}

/// Refuses classes of which nothing can be learnt, and tells of those with a single row.
///
/// # Errors
/// Kind `data`.
pub(crate) fn check_classes(
    table: &Table,
    column: &str,
    (names, sizes): (&[String], &[usize]),
    notes: &mut Vec<Note>,
) -> Result<()> {
    let (name, rows) = (quoted(column), sizes.iter().sum::<usize>());
    if let [only] = names {
        return Err(Error::data(format!(
            "the target {name} has one class only, {}, in all {}: there is nothing to learn",
            quoted(only),
            count(rows, "row"),
        ))
        .at(table.name())
        .help("choose another target, or add rows of another class"));
    }
    if names.len() == rows && rows > 20 {
        return Err(Error::data(format!(
            "the target {name} has a class of its own for each of the {rows} rows: it names rows, no classes"
        ))
        .at(table.name())
        .help("choose a target whose values repeat, or --task regression for numbers"));
    }
    let single: Vec<&String> =
        names.iter().zip(sizes).filter(|(_, size)| **size == 1).map(|(name, _)| name).collect();
    if !single.is_empty() {
        notes.push(Note::new(
            NoteKind::SmallClass,
            format!(
                "target {name}: {} with one row only, kept for training: {}",
                count(single.len(), "class"),
                list(single, 10),
            ),
        ));
    }
    Ok(())
}

fn numbers(table: &Table, column: &Column, rows: &[usize]) -> Result<TargetValues> {
    let Some(values) = column.numbers() else {
        return Err(no_numbers(table, column.name(), column.column_type(), rows[0]));
    };
    let chosen: Vec<f64> = rows.iter().map(|&row| values[row]).collect();
    if chosen.iter().all(|&value| value == chosen[0]) {
        return Err(always_the_same(table, column.name(), chosen[0], rows.len()));
    }
    Ok(TargetValues::Numbers(chosen))
}

/// A target that holds no numbers, the first of them in that row.
pub(crate) fn no_numbers(table: &Table, column: &str, found: ColumnType, row: usize) -> Error {
    Error::data(format!(
        "the target {} holds {}, regression needs numbers",
        quoted(column),
        match found {
            ColumnType::Boolean => "truth values",
            ColumnType::Number | ColumnType::Category | ColumnType::Date => "text",
        }
    ))
    .at(table.place(row, column))
    .help(format!(
        "use --task classification, or --column-type {}=number to see which cells are no numbers",
        shell(column)
    ))
}

/// A target of one number only.
pub(crate) fn always_the_same(table: &Table, column: &str, value: f64, rows: usize) -> Error {
    Error::data(format!(
        "the target {} is {value} in all {}: there is nothing to learn",
        quoted(column),
        count(rows, "row"),
    ))
    .at(table.name())
    .help("choose another target, or add rows with other values")
}
