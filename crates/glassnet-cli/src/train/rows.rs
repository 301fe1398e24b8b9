//! From a table to the rows of a training, its validation and its test.

use std::path::PathBuf;

use glassnet::train::{self, Dataset};
use glassnet::{Error, Result};
use glassnet_data::{
    CsvOptions, EncodeOptions, Encoded, FitOptions, Loaded, Note, Preprocessing, SplitOptions,
    Table, Target, Task, read_table_within, split,
};

use super::long::{self, LongSource, Streamed};
use super::settings;
use crate::args::{self, TaskChoice};
use crate::measured::dataset;
use crate::reading;
use crate::scratch;
use crate::terminal::Terminal;

/// The table that was named: in memory, or in a temporary file.
pub(super) enum Given<'a> {
    Whole(Box<Source<'a>>),
    Long(Box<LongSource<'a>>),
}

/// The table that was named, and what of it is predicted.
pub(super) struct Source<'a> {
    args: &'a args::Train,
    base: CsvOptions,
    pub(super) table: Table,
    pub(super) target: Target,
}

/// The encoded rows and how they came about.
pub(super) struct Rows {
    pub(super) fingerprint: u64,
    pub(super) preprocessing: Preprocessing,
    /// How many rows train, and of each class.
    pub(super) trained: usize,
    pub(super) class_sizes: Vec<usize>,
    /// The rows that train, with their lines in the file, by which messages name them; some of them if the others are `streamed`.
    pub(super) training: Dataset,
    pub(super) streamed: Option<Streamed>,
    /// From which the trivial predictor learns, unless from the `training` rows.
    pub(super) trivial: Option<train::Target>,
    pub(super) validation: Option<Dataset>,
    pub(super) test: Option<Dataset>,
}

/// What was learnt of a table before its rows are encoded.
struct Learnt {
    preprocessing: Preprocessing,
    training: Vec<usize>,
    validation: Option<Vec<usize>>,
    fingerprint: u64,
    training_lines: Vec<u64>,
}

impl<'a> Given<'a> {
    /// Reads the table, with so many threads where it is longer than memory.
    pub(super) fn read(args: &'a args::Train, threads: usize, terminal: &Terminal) -> Result<Self> {
        let mut base = reading::options(&args.reading)?;
        base.drop = args.drop.iter().cloned().collect();
        let others = [Some(&args.target), args.split_by.as_ref(), args.weight.as_ref()];
        base.needed = others.into_iter().flatten().cloned().collect();
        // Several targets have commas between them, and a number may name a column of an array.
        for part in args.target.split(',').map(str::trim) {
            base.needed.extend([part.to_owned(), format!("x{part}")]);
        }
        if !args.features.is_empty() {
            base.keep = Some(args.features.iter().chain(&base.needed).cloned().collect());
        }
        let mut spill = scratch::spill(args.memory, &args.data, threads)?;
        let inputs = reading::labelled_inputs(&args.data, &args.labels, &args.target)?;
        let loaded = read_table_within(inputs, &base, &mut spill)?;
        let table = loaded.head();
        reading::notes(table.notes(), terminal);
        if let Some(unknown) =
            args.features.iter().find(|name| table.names().all(|column| column != name.as_str()))
        {
            let known = reading::title(&args.data);
            return Err(Error::data(format!("there is no column {unknown:?} in {known}"))
                .at("--features")
                .help("name columns that its header has"));
        }
        let task = match args.task {
            TaskChoice::Auto => Task::Auto,
            TaskChoice::Classification => Task::Classification,
            TaskChoice::Regression => Task::Regression,
        };
        let targets = targets(&args.target, table);
        let fingerprint = table.fingerprint();
        match loaded {
            Loaded::Whole(table) => {
                let target = Target::choose_several(&table, &targets, task)?;
                reading::notes(target.notes(), terminal);
                Ok(Given::Whole(Box::new(Source { args, base, table, target })))
            }
            Loaded::Long(table) => {
                long::refuse_many(args, &spill)?;
                let target = table.choose(&targets, task)?;
                reading::notes(target.notes(), terminal);
                Ok(Given::Long(Box::new(LongSource {
                    args,
                    base,
                    table,
                    target,
                    fingerprint,
                    spill,
                })))
            }
        }
    }

    /// Splits the labelled rows, learns from those that train how columns become features, and encodes all.
    pub(super) fn into_rows(self, terminal: &Terminal) -> Result<Rows> {
        match self {
            Given::Whole(source) => source.into_rows(terminal),
            Given::Long(source) => source.into_rows(terminal),
        }
    }
}

impl<'a> Source<'a> {
    /// Splits the labelled rows, learns from those that train how columns become features, and encodes all.
    pub(super) fn rows(&self, terminal: &Terminal) -> Result<Rows> {
        let learnt = self.learn(&self.target, terminal)?;
        let encoded = learnt.encode(&self.table)?;
        with_files(learnt, encoded, (self.args, &self.base), terminal)
    }

    /// As [`Source::rows`], giving the table's memory back as it is encoded.
    pub(super) fn into_rows(self, terminal: &Terminal) -> Result<Rows> {
        let learnt = self.learn(&self.target, terminal)?;
        let encoded = learnt.preprocessing.encode_parts(self.table, &learnt.lists())?;
        with_files(learnt, encoded, (self.args, &self.base), terminal)
    }

    /// As [`Source::rows`], as if the table had not the rows `measured`; they are the test.
    pub(super) fn rows_without(&self, measured: &[usize], terminal: &Terminal) -> Result<Rows> {
        let held: std::collections::HashSet<usize> = measured.iter().copied().collect();
        let labelled = self.target.rows().iter().copied();
        let kept: Vec<usize> = labelled.filter(|row| !held.contains(row)).collect();
        let learnt = self.learn(&self.target.among(&kept), terminal)?;
        let encoded = learnt.encode(&self.table)?;
        let mut rows = with_validation(learnt, encoded, (self.args, &self.base), terminal)?;
        let encoded =
            rows.preprocessing.encode(&self.table, measured, &EncodeOptions::lenient())?;
        rows.test = Some(dataset(encoded)?);
        Ok(rows)
    }

    fn learn(&self, target: &Target, terminal: &Terminal) -> Result<Learnt> {
        let (args, table) = (self.args, &self.table);
        let tell = |notes: &[Note]| reading::notes(notes, terminal);
        let (training, validation) = match settings::validation_part(args)? {
            Some(fraction) if fraction > 0.0 => {
                let options =
                    SplitOptions { fraction, seed: args.seed, group_by: args.split_by.clone() };
                let parts = split(table, target, &options)?;
                tell(&parts.notes);
                (parts.training, Some(parts.validation))
            }
            Some(_) | None => (target.rows().to_vec(), None),
        };
        let fit = FitOptions {
            exclude: args.split_by.iter().cloned().collect(),
            weights: args.weight.clone(),
            embed: settings::embedding(args)?,
            ..FitOptions::default()
        };
        let (preprocessing, notes) = Preprocessing::fit(table, target, &training, &fit)?;
        tell(&notes);
        let training_lines = training.iter().map(|&row| table.line(row)).collect();
        let fingerprint = table.fingerprint();
        Ok(Learnt { preprocessing, training, validation, fingerprint, training_lines })
    }
}

impl Learnt {
    fn lists(&self) -> Vec<(&[usize], EncodeOptions)> {
        let mut lists = vec![(self.training.as_slice(), EncodeOptions::default())];
        let validation = self.validation.as_deref();
        lists.extend(validation.map(|rows| (rows, EncodeOptions::lenient())));
        lists
    }

    fn encode(&self, table: &Table) -> Result<Vec<Encoded>> {
        let encode = |(rows, options): (&[usize], EncodeOptions)| {
            self.preprocessing.encode(table, rows, &options)
        };
        self.lists().into_iter().map(encode).collect()
    }
}

/// The columns that `--target` names: one, or several with commas between; a column's own name may have a comma.
fn targets(given: &str, table: &Table) -> Vec<String> {
    let whole = table.header().iter().any(|name| name == given);
    let parts: Vec<&str> = if whole { vec![given] } else { given.split(',').collect() };
    parts.iter().map(|part| reading::column(part.trim(), table)).collect()
}

/// What came from the command line.
type Flags<'a> = (&'a args::Train, &'a CsvOptions);

/// The encoded rows of the table, with those of the files to validate and to test on.
fn with_files(
    learnt: Learnt,
    encoded: Vec<Encoded>,
    given: Flags<'_>,
    terminal: &Terminal,
) -> Result<Rows> {
    with_test(with_validation(learnt, encoded, given, terminal)?, given, terminal)
}

/// The rows with those of the file to test on.
pub(super) fn with_test(mut rows: Rows, given: Flags<'_>, terminal: &Terminal) -> Result<Rows> {
    if let Some(path) = &given.0.test {
        let files = (path.clone(), given.0.test_labels.as_slice());
        rows.test = Some(other_table(files, &rows.preprocessing, given.1, terminal)?.0);
    }
    Ok(rows)
}

fn with_validation(
    learnt: Learnt,
    encoded: Vec<Encoded>,
    (args, base): Flags<'_>,
    terminal: &Terminal,
) -> Result<Rows> {
    let Learnt { preprocessing, mut fingerprint, training_lines, .. } = learnt;
    let mut encoded = encoded.into_iter().map(|encoded| {
        reading::notes(&encoded.notes, terminal);
        dataset(encoded)
    });
    let training = encoded.next().unwrap_or_else(|| Err(Error::data("no row trains")))?;
    let mut validation = encoded.next().transpose()?;
    if let Some(path) = settings::validation_file(args)? {
        let files = (path, args.validation_labels.as_slice());
        let (rows, found) = other_table(files, &preprocessing, base, terminal)?;
        validation = Some(rows);
        // Which epoch is best hangs on these rows too.
        fingerprint ^= found.rotate_left(1);
    }
    let training = training.with_lines(training_lines)?;
    Ok(Rows {
        fingerprint,
        trained: training.rows(),
        class_sizes: class_sizes(&training, &preprocessing),
        training,
        streamed: None,
        trivial: None,
        validation,
        test: None,
        preprocessing,
    })
}

/// How many rows each class has.
fn class_sizes(data: &Dataset, preprocessing: &Preprocessing) -> Vec<usize> {
    let mut sizes = vec![0; preprocessing.target().classes().map_or(0, <[String]>::len)];
    if let train::Target::Classes(classes) = data.target() {
        classes.iter().for_each(|&class| sizes[class as usize] += 1);
    }
    sizes
}

/// Another table with the same columns and targets, whose labels may stand in files of their own, encoded as the training rows were, and its fingerprint.
pub(super) fn other_table(
    (path, labels): (PathBuf, &[PathBuf]),
    preprocessing: &Preprocessing,
    base: &CsvOptions,
    terminal: &Terminal,
) -> Result<(Dataset, u64)> {
    let options = preprocessing.csv_options(base, true);
    let (files, target) = (std::slice::from_ref(&path), preprocessing.target().column());
    let table = reading::labelled_table(files, labels, target, &options, terminal)?;
    let (rows, notes) = preprocessing.labelled_rows(&table)?;
    reading::notes(&notes, terminal);
    if rows.is_empty() {
        return Err(reading::no_target(&[path]));
    }
    let fingerprint = table.fingerprint();
    let encoded = preprocessing.encode_owned(table, &rows, &EncodeOptions::lenient())?;
    reading::notes(&encoded.notes, terminal);
    Ok((dataset(encoded)?, fingerprint))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use clap::Parser;
    use glassnet::train::Features;
    use glassnet_data::{FoldOptions, folds};

    use super::*;
    use crate::args::{Cli, Verb};

    /// 60 rows of a number with gaps, a category of which some values are rare, a group, and a target.
    fn lines() -> Vec<String> {
        let row = |at: usize| {
            let number = if at % 13 == 4 { String::new() } else { format!("{}.5", at * 37 % 50) };
            let category = ["a", "b", "c", "rare"][if at % 17 == 3 { 3 } else { at % 3 }];
            format!("{number},{category},g{},{}.25", at % 8, at * 29 % 71)
        };
        (0..60).map(row).collect()
    }

    /// What `--folds` would learn from a table of these lines, without those that `measured` holds.
    fn with_rows<T>(
        lines: &[String],
        flags: &str,
        measure: impl Fn(&Source<'_>, &Terminal) -> T,
    ) -> T {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("t.csv");
        let text = format!("number,category,group,y\n{}\n", lines.join("\n"));
        fs::write(&path, text).expect("a file");
        let path = path.display().to_string();
        let line = ["glassnet", "train", &path, "--target", "y", "--task", "regression"];
        let words = line.into_iter().chain(flags.split_whitespace());
        let Some(Verb::Train(args)) = Cli::try_parse_from(words).expect("a command line").verb
        else {
            panic!("another verb")
        };
        let terminal = Terminal::silent();
        let Given::Whole(source) = Given::read(&args, 1, &terminal).expect("a table") else {
            panic!("a long table")
        };
        measure(&source, &terminal)
    }

    /// All that training depends on.
    fn learned(rows: &Rows) -> (serde_json::Value, Vec<(Features, train::Target)>, Vec<u64>) {
        let sets = [Some(&rows.training), rows.validation.as_ref()].into_iter().flatten();
        let sets = sets.map(|set| (set.features().clone(), set.target().clone())).collect();
        let lines = rows.training.lines().expect("lines").to_vec();
        (rows.preprocessing.to_json(), sets, lines)
    }

    #[test]
    fn nothing_of_the_rows_that_a_fold_measures_is_learnt_from() {
        let lines = lines();
        for flags in ["", "--validation 0", "--split-by group --seed 3"] {
            let parts = with_rows(&lines, flags, |source, _| {
                let group_by = flags.contains("split-by").then(|| "group".to_owned());
                let options = FoldOptions { count: 4, seed: 3, group_by };
                folds(&source.table, &source.target, &options).expect("folds").rows
            });
            assert_eq!(parts.len(), 4);
            for measured in parts {
                let without = |lines: &[String]| {
                    with_rows(lines, flags, |source, terminal| {
                        learned(&source.rows_without(&measured, terminal).expect("rows"))
                    })
                };
                let found = without(&lines);
                // Whatever stands in those rows is the same to what is learnt.
                let mut others = lines.clone();
                for &row in &measured {
                    let group = lines[row].split(',').nth(2).expect("a group").to_owned();
                    others[row] = format!("1e9,unheard,{group},-1e9");
                }
                assert!(without(&others) == found, "{flags}: {measured:?}");
                // It is also what a table without them gives, but for the numbers of the lines.
                let kept = (0..lines.len()).filter(|row| !measured.contains(row));
                let kept: Vec<String> = kept.map(|row| lines[row].clone()).collect();
                let alone = with_rows(&kept, flags, |source, terminal| {
                    learned(&source.rows(terminal).expect("rows"))
                });
                assert!((&alone.0, &alone.1) == (&found.0, &found.1), "{flags}: {measured:?}");
                assert_ne!(found.2, (2..62).collect::<Vec<u64>>());
            }
        }
    }
}
