//! Learning the preprocessing of a table whose cells are not in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use glassnet::{Error, Result};

use super::choose::LongTarget;
use super::coded::{Coded, Sum, add, count};
use super::numbers::{Numbers, Pass};
use super::row_set::RowSet;
use super::{ColumnCells, LongTable, Range};
use crate::fit::{FitOptions, check_named, is_apart, learn, number_target};
use crate::note::Note;
use crate::observed::{Observed, ObservedCells, ObservedTexts};
use crate::packed::Block;
use crate::preprocessing::{NumberTarget, Preprocessing, TargetEncoding};
use crate::table::{Described, Kind};
use crate::target::TargetValues;

/// What was learned from the training rows of a [`LongTable`].
pub struct Fitted {
    /// How columns become features.
    pub preprocessing: Preprocessing,
    /// What is worth telling about it.
    pub notes: Vec<Note>,
    /// The different numbers of those columns that have few of them.
    pub(super) distinct: BTreeMap<String, Vec<f64>>,
}

/// How many numbers all columns together count or gather at a time.
const COUNTED: usize = 1 << 22;

/// A column under observation.
struct State<'t> {
    described: &'t Described,
    training: &'t RowSet,
    seen: Seen,
    /// The training rows' cells of the block, where not all rows train.
    chosen: Vec<f64>,
    /// What the column's bytes mean, where it has had any.
    coded: Option<Box<Coded>>,
    /// Whether the bytes of the block at hand are to be added to the sum.
    adds: bool,
}

/// Which rows of a block train.
struct Training {
    rows: Vec<usize>,
    /// The same rows, those that follow each other together.
    runs: Vec<Range<usize>>,
    others: Vec<usize>,
}

impl Training {
    fn new(training: &RowSet, block: Range<usize>) -> Self {
        let (mut rows, mut runs, mut others): (Vec<usize>, Vec<Range<usize>>, _) =
            (vec![], vec![], vec![]);
        for row in 0..block.len() {
            if !training.contains(block.start + row) {
                others.push(row);
                continue;
            }
            rows.push(row);
            match runs.last_mut() {
                Some(run) if run.end == row => run.end += 1,
                Some(_) | None => runs.push(row..row + 1),
            }
        }
        Training { rows, runs, others }
    }
}

enum Seen {
    Numbers(Box<Numbers>),
    Codes(Codes),
}

/// Codes of texts or truth values.
struct Codes {
    /// For each code the first training row that has it, and how many have it.
    used: Vec<Option<(usize, usize)>>,
    /// How many rows of all have a value.
    all: usize,
    rows: usize,
    present: usize,
    first: Option<u64>,
    constant: bool,
}

impl LongTable {
    /// Learns from the rows `training` how the columns become features: as [`Preprocessing::fit`] of a table in memory.
    ///
    /// # Errors
    /// As [`Preprocessing::fit`]; kind `io` when the scratch can't be read.
    pub fn fit(
        &self,
        target: &LongTarget,
        training: &RowSet,
        options: &FitOptions,
    ) -> Result<Fitted> {
        if training.count() == 0 {
            return Err(Error::data("there is no training row")
                .at(self.head.name())
                .help("give more rows, or a smaller validation fraction"));
        }
        check_named(&self.head, options)?;
        let number_targets = matches!(target.target.values, TargetValues::Numbers(_));
        // A column that is apart is looked at only where it is a target of numbers.
        let wanted = |name: &str| {
            !is_apart(name, &target.target, options)
                || number_targets && target.columns().any(|target| target == name)
        };
        let names: Vec<&str> = self.head.names().collect();
        let columns: Vec<usize> = (0..names.len()).filter(|&at| wanted(names[at])).collect();
        let mut states: Vec<State<'_>> =
            columns.iter().map(|&at| State::new(&self.head.columns[at], training)).collect();
        let most = (COUNTED / columns.len().max(1)).clamp(64, 4096);
        let mut pass = Some(Pass::First);
        while let Some(now) = pass {
            self.observe(now, &columns, &mut states, most)?;
            let open = states.iter().any(State::is_open);
            pass = match now {
                Pass::First => Some(Pass::Second),
                Pass::Second => Some(Pass::Third),
                Pass::Third | Pass::More => open.then_some(Pass::More),
            };
        }
        let apart = |state: &&State<'_>| is_apart(&state.described.name, &target.target, options);
        let distinct = states.iter().filter(|state| !apart(state)).filter_map(State::distinct);
        let distinct = distinct.collect();
        let observed =
            states.iter().filter(|state| !apart(state)).map(|state| Ok(state.observed()));
        let encoding = || self.target_encoding(target, &states, options);
        let (preprocessing, notes) =
            learn(&self.head, &target.target, observed, encoding, options)?;
        Ok(Fitted { preprocessing, notes, distinct })
    }

    /// Goes through those columns that a pass is about.
    fn observe(
        &self,
        pass: Pass,
        columns: &[usize],
        states: &mut [State<'_>],
        most: usize,
    ) -> Result<()> {
        let about = |state: &State<'_>| match (pass, &state.seen) {
            (Pass::First, _) => true,
            (_, Seen::Codes(_)) => false, // not operations: the passes after the first
            (Pass::Second | Pass::Third, Seen::Numbers(numbers)) => !numbers.same,
            (Pass::More, Seen::Numbers(numbers)) => numbers.is_open(),
        };
        let (places, mut chosen): (Vec<usize>, Vec<&mut State<'_>>) =
            columns.iter().copied().zip(states).filter(|(_, state)| about(state)).unzip();
        let Some(training) = chosen.first().map(|state| state.training) else { return Ok(()) };
        let which = |rows: Range<usize>| Training::new(training, rows);
        let see = |state: &mut &mut State<'_>, cells: &mut ColumnCells<'_>, which: &Training| {
            state.see(pass, cells, which);
        };
        self.each_column(&places, &mut chosen, which, see, |states, cells, which| {
            add_up(pass, states, cells, which);
        })?;
        for state in chosen {
            if let Seen::Numbers(numbers) = &mut state.seen {
                numbers.end(pass, most);
            }
            if let Some(coded) = &mut state.coded {
                coded.forget_terms();
            }
        }
        Ok(())
    }

    fn target_encoding(
        &self,
        target: &LongTarget,
        states: &[State<'_>],
        options: &FitOptions,
    ) -> Result<TargetEncoding> {
        let chosen = &target.target;
        if let TargetValues::Classes { names, .. } = &chosen.values {
            let (column, names) = (chosen.column().to_string(), names.clone());
            return Ok(TargetEncoding::Classes { column, column_type: chosen.column_type, names });
        }
        let fitted = |name: &str| {
            let state = states.iter().find(|state| state.described.name == name);
            match state.map(|state| &state.seen) {
                Some(Seen::Numbers(numbers)) => {
                    let moments = || numbers.moments();
                    number_target(&self.head, name, numbers.same, moments, options)
                }
                Some(Seen::Codes(_)) | None => {
                    Err(Error::data(format!("the target {name} holds no numbers")))
                }
            }
        };
        let mut targets = chosen.columns().map(fitted).collect::<Result<Vec<NumberTarget>>>()?;
        if targets.len() > 1 {
            return Ok(TargetEncoding::Numbers { targets });
        }
        let NumberTarget { column, mean, std } = targets.swap_remove(0);
        Ok(TargetEncoding::Number { column, mean, std })
    }
}

/// Adds the bytes of a block to the sums of those columns that have any.
fn add_up(
    pass: Pass,
    states: &mut [&mut State<'_>],
    (block, places): (&Block, &[usize]),
    which: &Training,
) {
    let sum = |(state, &place): (_, &usize)| {
        let state: &mut &mut State<'_> = state;
        let State { seen, coded, adds: true, .. } = &mut **state else { return None };
        let (Seen::Numbers(numbers), Some(coded)) = (seen, coded) else { return None };
        let (_, codes) = block.small_codes(place)?;
        Some(Sum { codes, coded, sum: numbers.sum_mut(pass) })
    };
    let mut sums: Vec<Sum<'_>> = states.iter_mut().zip(places).filter_map(sum).collect();
    add(&mut sums, &which.runs);
}

impl<'t> State<'t> {
    fn new(described: &'t Described, training: &'t RowSet) -> Self {
        let codes = |count: usize| {
            Seen::Codes(Codes {
                used: vec![None; count],
                all: 0,
                rows: 0,
                present: 0,
                first: None,
                constant: true,
            })
        };
        let seen = match &described.kind {
            Kind::Number | Kind::CodedNumber(_) => Seen::Numbers(Box::new(Numbers::new())),
            Kind::Boolean { .. } => codes(2),
            Kind::Category(levels) | Kind::Date(levels) => codes(levels.len()),
        };
        State { described, training, seen, chosen: vec![], coded: None, adds: false }
    }

    /// Takes the cells of a block, of whose rows `which` train. Of bytes the sum is left to [`add_up`].
    fn see(&mut self, pass: Pass, cells: &mut ColumnCells<'_>, which: &Training) {
        self.adds = false;
        if let Seen::Numbers(numbers) = &mut self.seen
            && (pass != Pass::First || !numbers.counts_up())
            && !numbers.is_open()
            && let Some((packing, codes)) = cells.block.small_codes(cells.column)
        {
            self.coded.take_if(|coded| !coded.is_of(packing));
            let place = (cells.block, cells.column);
            let new = || Box::new(Coded::new(packing, place, self.described));
            let coded = self.coded.get_or_insert_with(new);
            self.adds = true;
            if pass == Pass::First {
                numbers.count_all(cells.rows.len());
                let counts = count(codes, &which.others);
                let in_order = which.rows.iter().map(|&row| codes[row]);
                self.adds = numbers.see_counts(in_order, coded, &counts);
            }
            if self.adds {
                coded.sum_of(numbers.term(pass));
            }
            return;
        }
        let range = cells.rows.clone();
        let values = cells.values();
        self.described.decode(values);
        // Several spellings are one truth value.
        if let Kind::Boolean { values: meanings, .. } = &self.described.kind {
            let mean = |code: f64| match meanings.get(code as usize) {
                Some(&value) if !code.is_nan() => f64::from(u8::from(value)),
                Some(_) | None => f64::NAN,
            };
            values.iter_mut().for_each(|value| *value = mean(*value));
        }
        match &mut self.seen {
            Seen::Codes(codes) => codes.see(values, range, self.training),
            Seen::Numbers(numbers) => {
                if pass == Pass::First {
                    numbers.see_all(values);
                }
                if which.others.is_empty() {
                    return numbers.see(pass, values);
                }
                self.chosen.clear();
                self.chosen.extend(which.rows.iter().map(|&row| values[row]));
                numbers.see(pass, &self.chosen);
            }
        }
    }

    fn is_open(&self) -> bool {
        match &self.seen {
            Seen::Numbers(numbers) => numbers.is_open(),
            Seen::Codes(_) => false,
        }
    }

    fn distinct(&self) -> Option<(String, Vec<f64>)> {
        match &self.seen {
            Seen::Numbers(numbers) => Some((self.described.name.clone(), numbers.distinct()?)),
            Seen::Codes(_) => None,
        }
    }

    fn observed(&self) -> Observed {
        let (rows, present, constant) = match &self.seen {
            Seen::Numbers(numbers) => (numbers.rows, numbers.present, numbers.constant),
            Seen::Codes(codes) => (codes.rows, codes.present, codes.constant),
        };
        let texts = |levels: &Arc<Vec<String>>, codes: &Codes, dates| {
            ObservedCells::Texts(ObservedTexts {
                levels: levels.clone(),
                used: codes.used.clone(),
                names_rows: codes.all > 2 && levels.len() == codes.all,
                dates,
            })
        };
        let cells = match (&self.described.kind, &self.seen) {
            (_, Seen::Numbers(numbers)) => ObservedCells::Number(numbers.observed()),
            (Kind::Boolean { .. }, Seen::Codes(codes)) => {
                let of = |value: usize| codes.used[value].map_or(0, |(_, count)| count);
                ObservedCells::Boolean { most: of(1) > of(0) }
            }
            (Kind::Category(levels), Seen::Codes(codes)) => texts(levels, codes, false),
            (Kind::Date(levels), Seen::Codes(codes)) => texts(levels, codes, true),
            // Numbers have no codes.
            (Kind::Number | Kind::CodedNumber(_), Seen::Codes(codes)) => {
                texts(&Arc::default(), codes, false)
            }
        };
        Observed {
            name: self.described.name.clone(),
            declared: self.described.declared,
            unnamed: self.described.unnamed,
            rows,
            present,
            constant,
            cells,
        }
    }
}

impl Codes {
    fn see(&mut self, codes: &[f64], range: Range<usize>, training: &RowSet) {
        for (&code, row) in codes.iter().zip(range) {
            let missing = code.is_nan() || code as usize >= self.used.len();
            self.all += usize::from(!missing);
            if !training.contains(row) {
                continue;
            }
            self.rows += 1;
            let key = if missing { u64::MAX } else { code as u64 };
            self.constant &= *self.first.get_or_insert(key) == key;
            if !missing {
                self.present += 1;
                self.used[code as usize].get_or_insert((row, 0)).1 += 1;
            }
        }
    }
}
