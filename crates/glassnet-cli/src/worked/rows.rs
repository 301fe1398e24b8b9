//! Rows that a topic is worked out on: a table, a few samples as they are typed, or a set known by name.
//!
//! Typed samples are parted by commas. A sample is its inputs, a colon, its target; several inputs or targets are
//! parted by spaces or semicolons: `1:0,2:0.3,10:1`, `0 0:0,0 1:1`, `-1;2:0.5`. The target may be left out where
//! none is needed.

use clap::Args;
use glassnet::{Error, Result};
use glassnet_data::{Cells, Column, Table};

use super::numbers;
use crate::args::Reading;
use crate::reading;
use crate::terminal::Terminal;

/// The most rows that a topic takes: each is worked on in f64.
const MOST_ROWS: usize = 200_000;

/// Which rows.
#[derive(Clone, Debug, Args)]
pub(crate) struct Rows {
    /// A CSV file (- for stdin); samples such as '1:0,2:0.3,10:1' (inputs, a colon, the target; several inputs with
    /// spaces or semicolons between: '0 0:0,0 1:1'); or xor, and, or.
    #[arg(long, value_name = "FILE|SAMPLES|xor", allow_hyphen_values = true)]
    pub(crate) data: Option<std::ffi::OsString>,
    /// The table's column to predict (its last one unless given).
    #[arg(long, value_name = "COLUMN")]
    pub(crate) target: Option<String>,
    /// The table's columns that are inputs (all but the target unless given).
    #[arg(long, value_delimiter = ',', value_name = "COLUMN,…")]
    pub(crate) features: Vec<String>,
    #[command(flatten)]
    pub(crate) reading: Reading,
}

/// Rows of numbers with what is to be predicted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Samples {
    /// What the rows are called in messages.
    pub(crate) label: String,
    /// The inputs' names.
    pub(crate) names: Vec<String>,
    /// The inputs, row by row.
    pub(crate) inputs: Vec<Vec<f64>>,
    /// What is to be predicted, if it was given.
    pub(crate) target: Option<Answer>,
}

/// What is to be predicted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    /// Its name.
    pub(crate) name: String,
    /// Its values.
    pub(crate) values: Answers,
}

/// The values of what is to be predicted, row by row.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Answers {
    /// Numbers, one or more per row.
    Numbers(Vec<Vec<f64>>),
    /// Words.
    Words(Vec<String>),
}

fn no_rows() -> Error {
    Error::usage("there are no rows")
        .at("--data")
        .help("give a CSV file, samples such as 1:0,2:0.3,10:1, or xor")
}

impl Rows {
    /// The samples, if there are any.
    pub(super) fn read(&self, terminal: &Terminal) -> Result<Option<Samples>> {
        let Some(data) = &self.data else { return Ok(None) };
        let text = data.to_str().unwrap_or_default();
        if data.is_empty() {
            return Err(no_rows());
        }
        if let Some(samples) = known(text) {
            return Ok(Some(samples));
        }
        if is_typed(text) {
            if let Some(flag) =
                [("--target", self.target.is_some()), ("--features", !self.features.is_empty())]
                    .into_iter()
                    .find_map(|(flag, given)| given.then_some(flag))
            {
                return Err(Error::usage("typed samples have no columns")
                    .at(flag)
                    .help("leave the flag out: the target stands behind the colon"));
            }
            return typed(text).map(Some);
        }
        let table = reading::table(&[data.into()], &reading::options(&self.reading)?, terminal)?;
        self.of_table(&table, terminal).map(Some)
    }

    /// The samples, which must be there.
    pub(super) fn require(&self, terminal: &Terminal) -> Result<Samples> {
        self.read(terminal)?.ok_or_else(no_rows)
    }

    fn of_table(&self, table: &Table, terminal: &Terminal) -> Result<Samples> {
        if table.rows() > MOST_ROWS {
            return Err(Error::new(
                glassnet::ErrorKind::Limit,
                format!("{} rows are more than {MOST_ROWS}", table.rows()),
            )
            .at(table.name().to_owned())
            .help("give a sample of them"));
        }
        let target = match &self.target {
            Some(name) => table.require(name).map_err(|error| error.at("--target"))?,
            None => table.columns().last().ok_or_else(|| {
                Error::data("the table has no column").at(table.name().to_owned())
            })?,
        };
        let columns: Vec<Column> = match self.features.as_slice() {
            [] => table.columns().filter(|column| column.name() != target.name()).collect(),
            names => names
                .iter()
                .map(|name| table.require(name).map_err(|error| error.at("--features")))
                .collect::<Result<_>>()?,
        };
        if columns.iter().any(|column| column.name() == target.name()) {
            return Err(Error::usage(format!("{:?} is both input and target", target.name()))
                .at("--features")
                .help("leave it out of one of them"));
        }
        let used = || columns.iter().chain([&target]);
        let whole: Vec<usize> =
            (0..table.rows()).filter(|&row| used().all(|column| !column.is_missing(row))).collect();
        let gaps = table.rows() - whole.len();
        if whole.is_empty() {
            let emptiest = used().max_by_key(|column| {
                (0..table.rows()).filter(|&row| column.is_missing(row)).count()
            });
            let name = emptiest.map_or("", |column| column.name());
            return Err(Error::data(format!("every row has a gap, most of them in {name:?}"))
                .at(table.name().to_owned())
                .help("name other columns with --features"));
        }
        if gaps > 0 {
            terminal.note(&format!("{gaps} of {} rows have a gap and are left out", table.rows()));
        }
        let mut names = vec![];
        let mut inputs = vec![vec![]; whole.len()];
        for column in &columns {
            add_column(table, column, &whole, &mut names, &mut inputs)?;
        }
        Ok(Samples {
            label: table.name().to_owned(),
            names,
            inputs,
            target: Some(Answer {
                name: target.name().to_owned(),
                values: answers(&target, &whole),
            }),
        })
    }
}

/// One of the sets that are known by name.
fn known(text: &str) -> Option<Samples> {
    let table = match text {
        "xor" => [0.0, 1.0, 1.0, 0.0],
        "and" => [0.0, 0.0, 0.0, 1.0],
        "or" => [0.0, 1.0, 1.0, 1.0],
        _ => return None, // not operations: every other text
    };
    let inputs = [[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]];
    Some(Samples {
        label: text.into(),
        names: vec!["x1".into(), "x2".into()],
        inputs: inputs.iter().map(|row| row.to_vec()).collect(),
        target: Some(Answer {
            name: "y".into(),
            values: Answers::Numbers(table.iter().map(|&value| vec![value]).collect()),
        }),
    })
}

/// Whether the text is samples rather than a path: nothing but numbers and what parts them. `./1` forces a path.
fn is_typed(text: &str) -> bool {
    let is_number = |part: &str| part.trim().parse::<f64>().is_ok();
    let looks_like_numbers = text.contains([':', ','])
        && text.chars().all(|c| c.is_ascii_digit() || ":,; .+-eE".contains(c));
    looks_like_numbers || text.split([':', ',', ';', ' ']).all(is_number)
}

fn typed(text: &str) -> Result<Samples> {
    let mut inputs: Vec<Vec<f64>> = vec![];
    let mut targets: Vec<Vec<f64>> = vec![];
    let samples: Vec<&str> = text.split(',').map(str::trim).collect();
    for (at, sample) in samples.iter().enumerate() {
        let place = format!("--data, sample {}", at + 1);
        let mut parts = sample.split(':');
        let (left, right) = (parts.next().unwrap_or_default(), parts.next());
        if parts.next().is_some() {
            return Err(Error::usage(format!("{sample:?} has more than one colon"))
                .at(place)
                .help("write inputs:target, samples parted by commas"));
        }
        let row = numbers::list(left, &place)?;
        if row.is_empty() {
            return Err(Error::usage(format!("{sample:?} has no input"))
                .at(place)
                .help("write inputs:target, samples parted by commas"));
        }
        let target = right.map_or(Ok(vec![]), |right| numbers::list(right, &place))?;
        let first = (
            inputs.first().map_or(row.len(), Vec::len),
            targets.first().map_or(target.len(), Vec::len),
        );
        for (given, wanted, what) in
            [(row.len(), first.0, "input"), (target.len(), first.1, "target")]
        {
            if given != wanted {
                return Err(Error::usage(format!(
                    "{sample:?} has {given} {what}{}, the first sample has {wanted}",
                    if given == 1 { "" } else { "s" }
                ))
                .at(place)
                .help("give every sample as many; inputs of one sample are parted by spaces or semicolons"));
            }
        }
        inputs.push(row);
        targets.push(target);
    }
    let names = match inputs[0].len() {
        1 => vec!["x".into()],
        width => (1..=width).map(|at| format!("x{at}")).collect(),
    };
    let target = (!targets[0].is_empty())
        .then(|| Answer { name: "y".into(), values: Answers::Numbers(targets) });
    Ok(Samples { label: "the samples".into(), names, inputs, target })
}

/// Adds a column's numbers to the inputs; a text column becomes 0 or 1 for each of its words but the first.
fn add_column(
    table: &Table,
    column: &Column,
    rows: &[usize],
    names: &mut Vec<String>,
    inputs: &mut [Vec<f64>],
) -> Result<()> {
    let mut add = |name: String, number: &dyn Fn(usize) -> f64| {
        names.push(name);
        inputs.iter_mut().zip(rows).for_each(|(input, &row)| input.push(number(row)));
    };
    match column.cells() {
        Cells::Number(values) => add(column.name().to_owned(), &|row| values[row]),
        Cells::Boolean { values, .. } => {
            add(column.name().to_owned(), &|row| f64::from(u8::from(values[row] == Some(true))));
        }
        Cells::Category(texts) if texts.levels().len() <= 50 => {
            for (level, word) in texts.levels().iter().enumerate().skip(1) {
                add(format!("{}={word}", column.name()), &|row| {
                    f64::from(u8::from(texts.codes()[row] as usize == level))
                });
            }
        }
        Cells::Category(_) | Cells::Date(_) => {
            return Err(Error::data(format!("column {:?} is no input", column.name()))
                .at(table.name().to_owned())
                .help("name the inputs with --features; they are numbers, or words of at most 50 kinds"));
        }
    }
    Ok(())
}

fn answers(column: &Column, rows: &[usize]) -> Answers {
    match column.cells() {
        Cells::Number(values) => {
            Answers::Numbers(rows.iter().map(|&row| vec![values[row]]).collect())
        }
        Cells::Boolean { values, words } => Answers::Words(
            rows.iter().map(|&row| words[usize::from(values[row] == Some(true))].clone()).collect(),
        ),
        Cells::Category(texts) | Cells::Date(texts) => Answers::Words(
            rows.iter().map(|&row| texts.get(row).unwrap_or_default().to_owned()).collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_read_as_they_are_typed() -> Result<()> {
        for (text, inputs, targets) in [
            (
                "1:0,2:0.3,10:1",
                vec![vec![1.0], vec![2.0], vec![10.0]],
                vec![vec![0.0], vec![0.3], vec![1.0]],
            ),
            ("-1:0, 2:-3e2", vec![vec![-1.0], vec![2.0]], vec![vec![0.0], vec![-300.0]]),
            ("0 0:0,0 1:1", vec![vec![0.0, 0.0], vec![0.0, 1.0]], vec![vec![0.0], vec![1.0]]),
            (
                "0;0:0;1,0;1:1;0",
                vec![vec![0.0, 0.0], vec![0.0, 1.0]],
                vec![vec![0.0, 1.0], vec![1.0, 0.0]],
            ),
        ] {
            assert!(is_typed(text), "{text}");
            let samples = typed(text)?;
            assert_eq!(samples.inputs, inputs, "{text}");
            assert_eq!(samples.target.unwrap().values, Answers::Numbers(targets), "{text}");
        }
        assert_eq!(typed("1,2,3")?.target, None);
        for path in ["data.csv", "./1", "a:b", "-", "C:1", "", "e.csv"] {
            assert!(!is_typed(path), "{path}");
        }
        Ok(())
    }

    #[test]
    fn bad_samples_are_named() {
        for (text, piece) in [
            ("1:0,2", "sample 2"),
            ("1 2:0,3:0", "has 1 input, the first sample has 2"),
            ("1:0:2", "more than one colon"),
            (":1", "has no input"),
            ("1:0,,2:0", "sample 2"),
            ("nan:0", "is NaN"),
            ("1:inf", "is inf"),
            ("1-2:0", "is no number"),
        ] {
            assert!(is_typed(text), "{text}");
            let error = typed(text).unwrap_err().to_string();
            assert!(error.contains(piece), "{text}: {error}");
        }
    }
}
