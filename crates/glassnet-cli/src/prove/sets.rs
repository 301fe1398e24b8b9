//! `--row`, `--within`, `--domain`, `--data`: for which values of the columns something is to hold.

use std::path::{Path, PathBuf};

use glassnet::prove::Interval;
use glassnet::{Error, Result, Tensor};
use glassnet_data::{Cells, CsvOptions, Preprocessing, Table};

use super::Prove;
use super::network::Subject;
use super::space::{Cell, Column, Kind, Set, Space};
use crate::args::{Gaps, Unseen};
use crate::terminal::Terminal;
use crate::{predict, reading};

/// The row that `--row` or `--input` names, a cell for each column; `None` without them.
///
/// # Errors
/// When there is no such row, or the table doesn't fit the model.
pub(super) fn row(
    args: &Prove,
    subject: &Subject,
    space: &Space,
    terminal: &Terminal,
) -> Result<Option<Vec<Cell>>> {
    if let Some(text) = &args.input {
        if subject.preprocessing().is_some() {
            return Err(Error::usage("a model with columns takes its row from a table")
                .at("--input")
                .help("give --data TABLE --row N"));
        }
        let numbers: Vec<f32> =
            text.split(',').map(|part| finite(part.trim(), "--input")).collect::<Result<_>>()?;
        return plain_row(&numbers, space, "--input").map(Some);
    }
    let Some(number) = args.row else { return Ok(None) };
    if args.data.is_empty() {
        return Err(Error::usage("there is no table to take the row from")
            .at("--row")
            .help("give --data FILE"));
    }
    let outside = |rows: usize| {
        Error::usage(format!("{number} is no row of a table of {rows} rows"))
            .at("--row")
            .help(format!("give a number from 1 to {rows}"))
    };
    match subject.preprocessing() {
        Some(preprocessing) => {
            let table = columns(args, &args.data, preprocessing, terminal)?;
            if !(1..=table.rows()).contains(&number) {
                return Err(outside(table.rows()));
            }
            cells(&table, number - 1, preprocessing, space, terminal).map(Some)
        }
        None => {
            let values = numbers(args, &args.data, terminal)?;
            let (rows, width) = (values.shape()[0], values.shape()[1]);
            if !(1..=rows).contains(&number) {
                return Err(outside(rows));
            }
            let row = &values.data()[(number - 1) * width..number * width];
            plain_row(row, space, "--data").map(Some)
        }
    }
}

fn plain_row(numbers: &[f32], space: &Space, flag: &str) -> Result<Vec<Cell>> {
    if numbers.len() != space.columns.len() {
        return Err(Error::usage(format!(
            "the row has {} numbers, the network takes {}",
            numbers.len(),
            space.columns.len()
        ))
        .at(flag.to_owned())
        .help("give as many; --target COLUMN leaves a column of a table out"));
    }
    let cell = |&x: &f32| Cell {
        features: vec![x],
        number: Some(f64::from(x)),
        text: glassnet_data::shortest(x),
    };
    Ok(numbers.iter().map(cell).collect())
}

fn finite(text: &str, flag: &str) -> Result<f32> {
    text.parse::<f32>().ok().filter(|x| x.is_finite()).ok_or_else(|| {
        Error::usage(format!("{text:?} is not a finite number"))
            .at(flag.to_owned())
            .help("give numbers parted by commas, such as 0,-1.5")
    })
}

fn columns(
    args: &Prove,
    files: &[PathBuf],
    preprocessing: &Preprocessing,
    terminal: &Terminal,
) -> Result<Table> {
    let options = preprocessing.csv_options(&reading::options(&args.reading)?, false);
    reading::table(files, &options, terminal)
}

/// A table of numbers, without the target's column.
fn numbers(args: &Prove, files: &[PathBuf], terminal: &Terminal) -> Result<Tensor<f32>> {
    let base = reading::options(&args.reading)?;
    let options = CsvOptions { has_header: !args.no_header, ..base };
    let matrix = reading::matrix(files, &options, terminal)?;
    let Some(target) = &args.target else { return Ok(matrix.values) };
    let Some(left_out) = matrix.names.iter().position(|name| name == target) else {
        return Err(Error::usage(format!("there is no column {target:?}"))
            .at("--target")
            .help("name one of the table's columns")
            .detail(format!("it has {}", matrix.names.join(", "))));
    };
    let (rows, width) = (matrix.values.shape()[0], matrix.names.len());
    let kept = matrix.values.data().iter().enumerate().filter(|(at, _)| at % width != left_out);
    Tensor::new([rows, width - 1], kept.map(|(_, &x)| x).collect::<Vec<f32>>())
}

/// A row's cells with their features.
fn cells(
    table: &Table,
    row: usize,
    preprocessing: &Preprocessing,
    space: &Space,
    terminal: &Terminal,
) -> Result<Vec<Cell>> {
    let policies = predict::policies(Unseen::Error, Gaps::Error, false);
    let encoded = preprocessing.encode(table, &[row], &policies)?;
    reading::notes(&encoded.notes, terminal);
    let features = encoded.features.data();
    let cell = |column: &Column| {
        let found = table.require(&column.name)?;
        let (number, text) = match found.cells() {
            _ if found.is_missing(row) => (None, "missing".to_owned()), // not operations: a gap
            Cells::Number(values) => (Some(values[row]), values[row].to_string()),
            Cells::Boolean { values, .. } => {
                (None, if values[row] == Some(true) { "true" } else { "false" }.to_owned())
            }
            Cells::Category(texts) | Cells::Date(texts) => {
                (None, texts.get(row).unwrap_or("missing").to_owned())
            }
        };
        let features = features[column.at..column.at + column.width].to_vec();
        Ok(Cell { features, number, text })
    };
    space.columns.iter().map(cell).collect()
}

/// `COLUMN=VALUE` and values without a column, as they stand with commas between. A column's name may hold anything.
fn assignments<'a>(
    text: &'a str,
    space: &Space,
    flag: &str,
) -> Result<Vec<(Option<usize>, &'a str)>> {
    let named = |text: &str| {
        let fits = |at: &usize| {
            let name = &space.columns[*at].name;
            text.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with('='))
        };
        (0..space.columns.len()).filter(fits).max_by_key(|at| space.columns[*at].name.len())
    };
    let mut found = vec![];
    let mut rest = text.trim_start();
    loop {
        let column = named(rest);
        let start = column.map_or(0, |at| space.columns[at].name.len() + 1);
        let separators = rest[start..].match_indices(',').map(|(at, _)| start + at);
        // A category may have commas; numbers without a column have none.
        let mut ends = separators.filter(|end| {
            column.is_none()
                || rest[end + 1..].contains('=') && named(rest[end + 1..].trim_start()).is_some()
        });
        let end = ends.next();
        let value = rest[start..end.unwrap_or(rest.len())].trim();
        if column.is_none()
            && let Some((name, _)) = value.split_once('=')
        {
            space.find(name.trim(), flag)?;
        }
        found.push((column, value));
        match end {
            Some(end) => rest = rest[end + 1..].trim_start(),
            None => return Ok(found),
        }
    }
}

/// How far each column may be from the row: radii in the columns' units, and values of categories.
///
/// # Errors
/// Kind `usage` for text that says neither.
pub(super) fn within(text: &str, scaled: bool, space: &Space, row: &[Cell]) -> Result<Vec<Set>> {
    let flag = if scaled { "--within-scaled" } else { "--within" };
    let mut sets: Vec<Set> = row.iter().map(|cell| Set::Fixed(cell.features.clone())).collect();
    for (named, value) in assignments(text, space, flag)? {
        if let Some(at) = named.filter(|at| !space.columns[*at].is_number()) {
            sets[at] = levels(&space.columns[at], value, flag)?;
            continue;
        }
        let radius = value.parse::<f64>().ok().filter(|r| *r >= 0.0 && r.is_finite());
        let radius = radius.ok_or_else(|| {
            Error::usage(format!("{value:?} is no distance of at least 0"))
                .at(flag)
                .help("give a number for all columns, such as 0.03, or COLUMN=NUMBER,…")
        })?;
        let all: Vec<usize> = match named {
            Some(at) => vec![at],
            None => (0..space.columns.len()).collect(),
        };
        for at in all {
            let column = &space.columns[at];
            let Some(number) = row[at].number.filter(|_| column.is_number()) else {
                if named.is_some() {
                    return Err(Error::usage(format!(
                        "column {:?} is {} in that row, from which nothing is a distance away",
                        column.name, row[at].text
                    ))
                    .at(flag)
                    .help("leave it out"));
                }
                continue;
            };
            let unit = if scaled { column.scale().0 } else { 1.0 };
            sets[at] = Set::Range(around(number, radius, unit)?);
        }
    }
    Ok(sets)
}

/// The columns of categories whose values around the row are not that of the row, and the row's.
pub(super) fn left_out<'a>(
    space: &'a Space,
    row: Option<&'a [Cell]>,
    near: Option<&[Set]>,
) -> Vec<(&'a str, &'a str)> {
    let (Some(row), Some(near)) = (row, near) else { return vec![] };
    let columns = space.columns.iter().zip(row).zip(near);
    columns
        .filter(|((column, cell), set)| match (&column.kind, set) {
            (Kind::Levels { names, .. }, Set::Levels(levels)) => {
                !levels.iter().any(|&level| names[level] == cell.text)
            }
            (Kind::Levels { .. } | Kind::Plain | Kind::Number(_) | Kind::Other, _) => false,
        })
        .map(|((column, cell), _)| (column.name.as_str(), cell.text.as_str()))
        .collect()
}

/// The numbers at most `radius·unit` from `number`, rounded outward.
pub(super) fn around(number: f64, radius: f64, unit: f64) -> Result<Interval> {
    let reach = Interval::point(radius).times(Interval::point(unit));
    let reach = Interval::new(-reach.hi(), reach.hi())?;
    Ok(Interval::point(number).plus(reach))
}

/// Values of a column of categories: `a|b`, or `*` for each that the training had.
fn levels(column: &Column, text: &str, flag: &str) -> Result<Set> {
    let Kind::Levels { names, .. } = &column.kind else {
        return Err(Error::usage(format!("column {:?} can't be varied", column.name))
            .at(flag.to_owned())
            .help("dates and codes that are looked up in a table stay as a row has them"));
    };
    if text == "*" {
        return Ok(Set::Levels((0..names.len()).collect()));
    }
    let level = |part: &str| {
        names.iter().position(|name| name == part).ok_or_else(|| {
            Error::usage(format!("column {:?} has no value {part:?}", column.name))
                .at(flag.to_owned())
                .help(match part.contains(',') {
                    true => "what is meant for all columns stands first: '0.1,COLUMN=a|b'",
                    false => "give one that the training had, several with | between, or * for all",
                })
                .detail(format!(
                    "it has {}",
                    names.iter().take(30).cloned().collect::<Vec<_>>().join(", ")
                ))
        })
    };
    // A value may itself have a bar.
    if let Some(whole) = names.iter().position(|name| name == text) {
        return Ok(Set::Levels(vec![whole]));
    }
    let mut found = text.split('|').map(|part| level(part.trim())).collect::<Result<Vec<_>>>()?;
    found.sort_unstable();
    found.dedup();
    Ok(Set::Levels(found))
}

/// `lo..hi`, or one number.
fn range(text: &str) -> Result<Interval> {
    let bad = || {
        Error::usage(format!("{text:?} is no interval, and no file is called so"))
            .at("--domain")
            .help("write lo..hi for all inputs, COLUMN=lo..hi,… for some, or a table for the box of its rows")
    };
    let (lo, hi) = text.split_once("..").unwrap_or((text, text));
    let end = |text: &str| text.trim().parse::<f64>().map_err(|_| bad());
    let (lo, hi) = (end(lo)?, end(hi)?);
    Interval::new(lo, hi).map_err(|error| {
        Error::usage(error.what().to_owned()).at("--domain").help("give the lower end first")
    })
}

/// What `--domain` and `--data` allow each column, where they say something: `lo..hi` (of a model with columns in standard
/// deviations from the mean), a comma list of these, `COLUMN=lo..hi` and `COLUMN=a|b` in the columns' units, or a table.
///
/// # Errors
/// When the text is none of these, or a table doesn't fit.
pub(super) fn domain(
    args: &Prove,
    subject: &Subject,
    space: &Space,
    terminal: &Terminal,
) -> Result<Vec<Option<Set>>> {
    let mut sets: Vec<Option<Set>> = vec![None; space.columns.len()];
    if !args.data.is_empty() && args.row.is_none() {
        sets = of_data(args, &args.data, subject, space, terminal)?;
    }
    for text in &args.domain {
        let path = Path::new(text.strip_prefix('@').unwrap_or(text));
        if text.starts_with('@') || path.is_file() {
            sets = of_data(args, &[path.to_owned()], subject, space, terminal)?;
            continue;
        }
        let parts = assignments(text, space, "--domain")?;
        let nameless: Vec<Interval> = parts
            .iter()
            .filter(|(column, _)| column.is_none())
            .map(|(_, value)| range(value))
            .collect::<Result<_>>()?;
        match &nameless[..] {
            [] => {}
            [one] => {
                for (set, column) in sets.iter_mut().zip(&space.columns) {
                    match &column.kind {
                        Kind::Plain | Kind::Number(_) => {
                            let (unit, middle) = column.scale();
                            let end = |x: f64| {
                                if unit == 1.0 && middle == 0.0 { x } else { x * unit + middle }
                            };
                            *set = Some(Set::Range(Interval::new(end(one.lo()), end(one.hi()))?));
                        }
                        Kind::Levels { .. } => *set = Some(levels(column, "*", "--domain")?),
                        Kind::Other => {}
                    }
                }
            }
            several
                if several.len() == space.columns.len() && subject.preprocessing().is_none() =>
            {
                sets = several.iter().map(|range| Some(Set::Range(*range))).collect();
            }
            several => {
                return Err(Error::usage(format!(
                    "there are {} intervals for {} inputs",
                    several.len(),
                    space.columns.len()
                ))
                .at("--domain")
                .help("give one interval for all, or COLUMN=lo..hi for each"));
            }
        }
        for (column, value) in parts {
            let Some(at) = column else { continue };
            let column = &space.columns[at];
            sets[at] = Some(match column.is_number() {
                true => Set::Range(range(value)?),
                false => levels(column, value, "--domain")?,
            });
        }
    }
    Ok(sets)
}

/// The box of a table's rows that have no gaps.
fn of_data(
    args: &Prove,
    files: &[PathBuf],
    subject: &Subject,
    space: &Space,
    terminal: &Terminal,
) -> Result<Vec<Option<Set>>> {
    if !(0.0..=1e6).contains(&args.margin) {
        return Err(Error::usage("the margin is no share of at least 0")
            .at("--margin")
            .help("give a number such as 0.1"));
    }
    let hull = |values: &mut dyn Iterator<Item = f64>| -> Result<Interval> {
        let ends = values
            .filter(|x| !x.is_nan())
            .fold((f64::INFINITY, f64::NEG_INFINITY), |(lo, hi), x| (lo.min(x), hi.max(x)));
        let more = args.margin * (ends.1 - ends.0);
        Interval::new(ends.0 - more, ends.1 + more)
            .map_err(|_| Error::data("a column has no values").at(reading::title(files)))
    };
    let Some(preprocessing) = subject.preprocessing() else {
        let values = numbers(args, files, terminal)?;
        let width = values.shape()[1];
        if width != space.columns.len() {
            return Err(Error::data(format!(
                "the table has {width} columns, the network takes {}",
                space.columns.len()
            ))
            .at(reading::title(files))
            .help("--target COLUMN leaves one out"));
        }
        return (0..width)
            .map(|at| {
                let mut column =
                    values.data().iter().skip(at).step_by(width).map(|&x| f64::from(x));
                hull(&mut column).map(|range| Some(Set::Range(range)))
            })
            .collect();
    };
    let table = columns(args, files, preprocessing, terminal)?;
    let rows: Vec<usize> = (0..table.rows()).collect();
    let policies = predict::policies(Unseen::Ignore, Gaps::Fill, false);
    let encoded = preprocessing.encode(&table, &rows, &policies)?.features;
    let mut gaps = false;
    let sets = space.columns.iter().map(|column| {
        let found = table.require(&column.name)?;
        gaps |= rows.iter().any(|&row| found.is_missing(row));
        let feature = |at: usize| {
            let values = encoded.data().iter().skip(column.at + at);
            values.step_by(preprocessing.width()).copied()
        };
        Ok(Some(match (&column.kind, found.numbers()) {
            (Kind::Number(_), Some(values)) => Set::Range(hull(&mut values.iter().copied())?),
            (Kind::Levels { names, one_hot }, _) => {
                let occurs = |&level: &usize| match one_hot {
                    true => feature(level).any(|x| x == 1.0),
                    false => feature(0).any(|x| x == level as f32),
                };
                Set::Levels((0..names.len()).filter(occurs).collect())
            }
            (Kind::Plain | Kind::Number(_) | Kind::Other, _) => {
                let ends = |at: usize| hull(&mut feature(at).map(f64::from));
                Set::Features((0..column.width).map(ends).collect::<Result<_>>()?)
            }
        }))
    });
    let sets: Vec<Option<Set>> = sets.collect::<Result<_>>()?;
    if gaps {
        terminal.note("rows with gaps are not meant: the columns of the box all have values");
    }
    Ok(sets)
}

/// The sets of all columns: around the row within `near`, or the row itself, or the domain alone.
///
/// # Errors
/// When a column has no set; when a row and the domain have nothing in common.
pub(super) fn together(
    space: &Space,
    row: Option<&[Cell]>,
    near: Option<Vec<Set>>,
    domain: Vec<Option<Set>>,
) -> Result<Vec<Set>> {
    let is_near = near.is_some();
    // A domain of some columns names them; one of all limits what is near.
    let named = domain.iter().any(Option::is_none);
    let columns = space.columns.iter().enumerate().zip(domain);
    columns
        .map(|((at, column), limit)| {
            let own = match (&near, row) {
                (Some(near), _) => Some(near[at].clone()),
                (None, Some(row)) => Some(Set::Fixed(row[at].features.clone())),
                (None, None) => None,
            };
            match (own, limit) {
                (Some(Set::Range(own)), Some(Set::Range(limit))) => {
                    own.meet(limit).map(Set::Range).ok_or_else(|| {
                        Error::usage(format!("column {:?} of the row is not in the domain", column.name))
                            .at("--domain")
                            .help("give a domain around the row")
                    })
                }
                (Some(Set::Fixed(_)), Some(_)) if is_near && named => Err(Error::usage(format!(
                    "column {:?} has a domain, but no distance: near the row it stays as it is",
                    column.name
                ))
                .at("--domain")
                .help("give it a distance too, or leave it out of --domain")),
                // Within a distance of the row only numbers are limited; else the domain says what varies.
                (Some(own), Some(_)) if is_near => Ok(own),
                (_, Some(limit)) => Ok(limit),
                (Some(own), None) => Ok(own),
                (None, None) => Err(Error::usage(format!("nothing says which values column {:?} has", column.name))
                    .at("--domain")
                    .help("give its range as COLUMN=lo..hi, its values as COLUMN=a|b, or --data TABLE for the box of a table's rows")),
            }
        })
        .collect()
}
