//! What is to be predicted, decided of a table whose cells are not in memory.

use std::collections::BTreeMap;

use glassnet::{Error, Result};

use super::row_set::{Collecting, RowSet};
use super::{ColumnCells, LongTable};
use crate::note::Note;
use crate::options::ColumnType;
use crate::preprocessing::Preprocessing;
use crate::table::{Described, Kind};
use crate::target::{
    MOST_AUTO, MOST_CLASSES, Target, TargetValues, Task, always_the_same, check_classes,
    check_labelled, check_together, no_numbers, number_name, taken_as_classes, together_note,
    too_many_classes,
};

/// What is to be predicted of a [`LongTable`].
pub struct LongTarget {
    /// Columns, type, classes; the values of single rows are not in it.
    pub(super) target: Target,
    pub(super) labelled: RowSet,
    /// How many rows each class has.
    pub(super) sizes: Vec<usize>,
    /// Which class each value of the column is.
    pub(super) classes: Classes,
}

/// Which class a value of the target's column is.
pub(super) enum Classes {
    /// Numbers that are predicted as such.
    None,
    /// By the code of a text or truth value.
    Codes(Vec<u32>),
    /// By place in this ascending list.
    Numbers(Vec<f64>),
}

impl LongTarget {
    /// The columns' names.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.target.columns()
    }

    /// The classes' names, `None` for numbers.
    pub fn classes(&self) -> Option<&[String]> {
        self.target.classes()
    }

    /// How many rows have a target.
    pub fn rows(&self) -> usize {
        self.labelled.count()
    }

    /// The rows that have a target.
    pub fn labelled(&self) -> &RowSet {
        &self.labelled
    }

    /// What is worth telling about the choice.
    pub fn notes(&self) -> &[Note] {
        &self.target.notes
    }

    /// The class of a cell that is not missing.
    pub(super) fn class(&self, value: f64) -> u32 {
        match &self.classes {
            Classes::None => 0,
            Classes::Codes(classes) => classes.get(value as usize).copied().unwrap_or(0),
            Classes::Numbers(numbers) => {
                let value = value + 0.0;
                numbers.partition_point(|other| other.total_cmp(&value).is_lt()) as u32
            }
        }
    }
}

/// What was seen of a target's column.
struct Seen {
    labelled: Collecting,
    rows: usize,
    first: Option<usize>,
    values: Values,
}

enum Values {
    /// The different numbers with their counts, unless they are too many; the first, and whether all are the same.
    Numbers { counted: Option<BTreeMap<u64, usize>>, value: f64, same: bool },
    /// How often each code is there.
    Codes(Vec<usize>),
}

impl LongTable {
    /// The target in these columns: as [`Target::choose_several`] of a table in memory.
    ///
    /// # Errors
    /// As [`Target::choose_several`]; kind `io` when the scratch can't be read.
    pub fn choose(&self, columns: &[String], task: Task) -> Result<LongTarget> {
        let [first, others @ ..] = columns else {
            return Err(Error::usage("no target is named").at("--target").help("name a column"));
        };
        if !others.is_empty() {
            return self.choose_together(columns, task);
        }
        let (described, seen) = self.look(first)?;
        let labelled = seen.labelled.finish();
        let mut notes = check_labelled(&self.head, first, labelled.count())?;
        let classify = match (task, &seen.values) {
            (Task::Classification, _) => true,
            (Task::Regression, _) => false,
            (Task::Auto, Values::Codes(_)) => true,
            (Task::Auto, Values::Numbers { counted, .. }) => {
                let few = counted.as_ref().filter(|counted| counted.len() <= MOST_AUTO);
                let few: Option<Vec<(f64, usize)>> = few.map(in_order);
                taken_as_classes(first, few.as_deref(), labelled.count(), &mut notes)
            }
        };
        let of_numbers = |values| Target {
            column: first.clone(),
            others: vec![],
            column_type: described.column_type(),
            rows: vec![],
            values,
            notes: vec![],
        };
        let numbers = of_numbers(TargetValues::Numbers(vec![]));
        let (target, sizes, classes) = match (classify, seen.values) {
            (false, Values::Codes(_)) => {
                let row = seen.first.unwrap_or(0);
                return Err(no_numbers(&self.head, first, described.column_type(), row));
            }
            (false, Values::Numbers { value, same: true, .. }) => {
                return Err(always_the_same(&self.head, first, value, labelled.count()));
            }
            (false, Values::Numbers { .. }) => (numbers, vec![labelled.count()], Classes::None),
            (true, values) => {
                let (names, sizes, classes) = self.classes(first, described, values)?;
                check_classes(&self.head, first, (&names, &sizes), &mut notes)?;
                (of_numbers(TargetValues::Classes { names, of_row: vec![] }), sizes, classes)
            }
        };
        Ok(LongTarget { target: Target { notes, ..target }, labelled, sizes, classes })
    }

    /// The rows that have all targets of a model, and a note of how many have none: as [`Preprocessing::labelled_rows`].
    ///
    /// # Errors
    /// As [`Preprocessing::labelled_rows`]; kind `io` when the scratch can't be read.
    pub fn labelled_rows(&self, preprocessing: &Preprocessing) -> Result<(RowSet, Vec<Note>)> {
        let (mut all, mut notes): (Option<RowSet>, _) = (None, vec![]);
        for name in preprocessing.target().columns() {
            let labelled = self.look(name)?.1.labelled.finish();
            notes.extend(check_labelled(&self.head, name, labelled.count())?);
            all = Some(self.in_both(all, labelled));
        }
        let labelled = all.unwrap_or_default();
        if labelled.count() < 2 {
            return Err(crate::target::too_few_together(&self.head, labelled.count()));
        }
        Ok((labelled, notes))
    }

    fn in_both(&self, before: Option<RowSet>, rows: RowSet) -> RowSet {
        match before {
            None => rows,
            Some(before) => {
                RowSet::of(self.rows(), |row| before.contains(row) && rows.contains(row))
            }
        }
    }

    fn choose_together(&self, columns: &[String], task: Task) -> Result<LongTarget> {
        check_together(&self.head, columns, task, |name| {
            Ok(self.head.columns[self.place(name)?].column_type() == ColumnType::Number)
        })?;
        let (mut all, mut notes): (Option<RowSet>, _) = (None, vec![]);
        for name in columns {
            let (_, seen) = self.look(name)?;
            let labelled = seen.labelled.finish();
            notes.extend(check_labelled(&self.head, name, labelled.count())?);
            if let Values::Numbers { value, same: true, .. } = seen.values {
                return Err(always_the_same(&self.head, name, value, labelled.count()));
            }
            all = Some(self.in_both(all, labelled));
        }
        let labelled = all.unwrap_or_default();
        if labelled.count() < 2 {
            return Err(crate::target::too_few_together(&self.head, labelled.count()));
        }
        notes.push(together_note(columns));
        let target = Target {
            column: columns[0].clone(),
            others: columns[1..].to_vec(),
            column_type: ColumnType::Number,
            rows: vec![],
            values: TargetValues::Numbers(vec![]),
            notes,
        };
        Ok(LongTarget { target, sizes: vec![labelled.count()], labelled, classes: Classes::None })
    }

    /// Goes through a target's column.
    fn look(&self, name: &str) -> Result<(&Described, Seen)> {
        let place = self.place(name)?;
        let described = &self.head.columns[place];
        let values = match &described.kind {
            Kind::Number | Kind::CodedNumber(_) => {
                Values::Numbers { counted: Some(BTreeMap::new()), value: f64::NAN, same: true }
            }
            Kind::Boolean { values, .. } => Values::Codes(vec![0; values.len()]),
            Kind::Category(levels) | Kind::Date(levels) => Values::Codes(vec![0; levels.len()]),
        };
        let labelled = RowSet::collect(self.rows());
        let mut seen = [Seen { labelled, rows: 0, first: None, values }];
        let nothing = |_| ();
        let see = |seen: &mut Seen, cells: &mut ColumnCells<'_>, (): &()| {
            let rows = cells.rows.clone();
            let values = cells.values();
            described.decode(values);
            values.iter().zip(rows).for_each(|(&value, row)| seen.see(value, row));
        };
        self.each_column(&[place], &mut seen, nothing, see, |_, _, ()| ())?;
        let [seen] = seen;
        Ok((described, seen))
    }

    /// The classes of a column: names, sizes, and which each value is.
    fn classes(
        &self,
        column: &str,
        described: &Described,
        values: Values,
    ) -> Result<(Vec<String>, Vec<usize>, Classes)> {
        let too_many = || too_many_classes(&self.head, column);
        let counts = match values {
            Values::Numbers { counted, .. } => {
                let counted = counted.as_ref().map(in_order).ok_or_else(too_many)?;
                let names = counted.iter().map(|(value, _)| number_name(*value)).collect();
                let (numbers, sizes) = counted.into_iter().unzip();
                return Ok((names, sizes, Classes::Numbers(numbers)));
            }
            Values::Codes(counts) => counts,
        };
        let mut used: Vec<(String, usize)> = match &described.kind {
            Kind::Number | Kind::CodedNumber(_) => vec![],
            Kind::Boolean { values, words } => {
                // Several codes may be one value.
                let of = |wanted: bool| -> usize {
                    let all = values.iter().zip(&counts);
                    all.filter(|(value, _)| **value == wanted).map(|(_, count)| count).sum()
                };
                let there: Vec<bool> = [false, true].into_iter().filter(|&v| of(v) > 0).collect();
                let class = |value: &bool| u32::from(*value && there.len() == 2);
                let codes = values.iter().map(class).collect();
                let names = there.iter().map(|&value| words[usize::from(value)].clone()).collect();
                return Ok((names, there.into_iter().map(of).collect(), Classes::Codes(codes)));
            }
            Kind::Category(levels) | Kind::Date(levels) => {
                let all = levels.iter().cloned().zip(counts.iter().copied());
                all.filter(|(_, count)| *count > 0).collect()
            }
        };
        if used.len() > MOST_CLASSES {
            return Err(too_many());
        }
        used.sort_unstable();
        let (names, sizes): (Vec<String>, Vec<usize>) = used.into_iter().unzip();
        let levels = match &described.kind {
            Kind::Category(levels) | Kind::Date(levels) => levels.as_slice(),
            Kind::Number | Kind::CodedNumber(_) | Kind::Boolean { .. } => &[],
        };
        let class = |level: &String| names.binary_search(level).unwrap_or(0) as u32;
        let codes = levels.iter().map(class).collect();
        Ok((names, sizes, Classes::Codes(codes)))
    }
}

impl Seen {
    fn see(&mut self, value: f64, row: usize) {
        if value.is_nan() {
            return;
        }
        self.labelled.insert(row);
        self.rows += 1;
        self.first.get_or_insert(row);
        match &mut self.values {
            Values::Codes(counts) => {
                if let Some(count) = counts.get_mut(value as usize) {
                    *count += 1;
                }
            }
            Values::Numbers { counted, value: first, same } => {
                if self.rows == 1 {
                    *first = value;
                }
                *same &= *first == value;
                if let Some(all) = counted {
                    // Adding zero turns -0 into 0, so that both are one value.
                    *all.entry((value + 0.0).to_bits()).or_insert(0) += 1;
                    if all.len() > MOST_CLASSES {
                        *counted = None;
                    }
                }
            }
        }
    }
}

/// The numbers in ascending order.
fn in_order(counted: &BTreeMap<u64, usize>) -> Vec<(f64, usize)> {
    let mut all: Vec<(f64, usize)> =
        counted.iter().map(|(bits, count)| (f64::from_bits(*bits), *count)).collect();
    all.sort_unstable_by(|(a, _), (b, _)| a.total_cmp(b));
    all
}
