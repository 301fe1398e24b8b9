//! The names of a CSV file's columns, from its first line.

use glassnet::{Error, Result};

use crate::cell::{Reading, read_number};
use crate::note::{Note, NoteKind};
use crate::options::CsvOptions;
use crate::table::unknown_column;
use crate::words::{list, quoted};

/// The columns' names, and whether each was made up because the header had none.
pub(crate) fn header(
    first: &[Vec<u8>],
    file: &str,
    options: &CsvOptions,
    notes: &mut Vec<Note>,
) -> Result<Vec<(String, bool)>> {
    refuse_other_delimiter(first, file, options)?;
    if !options.has_header {
        return Ok((0..first.len()).map(|index| (format!("x{index}"), false)).collect());
    }
    let mut names: Vec<(String, bool)> = Vec::with_capacity(first.len());
    for (index, cell) in first.iter().enumerate() {
        let text = String::from_utf8_lossy(cell);
        let trimmed = text.trim();
        if trimmed.is_empty() {
            names.push((format!("column {}", index + 1), true));
            notes.push(Note::new(
                NoteKind::Header,
                format!("column {} has no name in the header of {file}", index + 1),
            ));
        } else {
            names.push((trimmed.to_string(), false));
        }
    }
    let numbers = all_numbers(first, options);
    refuse_equal_names(&names, numbers, file)?;
    let counts_on = |start: usize| {
        names.iter().enumerate().all(|(index, (name, _))| *name == (index + start).to_string())
    };
    if numbers && !counts_on(0) && !counts_on(1) {
        notes.push(Note::new(NoteKind::Header, format!(
            "the first line of {file} holds numbers only and was taken as the header; --no-header if it is a row"
        )));
    }
    Ok(names)
}

/// Whether every cell of the header is a number, as if it were a row.
pub(crate) fn all_numbers(first: &[Vec<u8>], options: &CsvOptions) -> bool {
    first.iter().all(|cell| {
        let text = String::from_utf8_lossy(cell);
        matches!(read_number(&text, options.decimal_comma), Reading::Finite(_))
    })
}

fn refuse_other_delimiter(first: &[Vec<u8>], file: &str, options: &CsvOptions) -> Result<()> {
    let Some(only) = first.first().filter(|_| first.len() == 1) else {
        return Ok(());
    };
    let candidates = [(b';', "';'"), (b'\t', "tab"), (b'|', "'|'"), (b',', "','")];
    let other =
        candidates.into_iter().find(|(byte, _)| *byte != options.delimiter && only.contains(byte));
    match other {
        None => Ok(()),
        Some((byte, shown)) => Err(Error::data(format!(
            "the first line has one cell, {}, that seems to be separated by {}",
            quoted(&String::from_utf8_lossy(only)),
            if byte == b'\t' { "tabs".to_string() } else { shown.to_string() },
        ))
        .at(format!("{file}:1"))
        .help(match byte {
            b';' => {
                "add --delimiter ';', and --decimal-comma if its numbers look like 1,5".to_string()
            }
            _ => format!("add --delimiter {shown}"),
        })),
    }
}

fn refuse_equal_names(names: &[(String, bool)], numbers: bool, file: &str) -> Result<()> {
    let mut at: std::collections::HashMap<&str, Vec<usize>> = std::collections::HashMap::new();
    for (index, (name, _)) in names.iter().enumerate() {
        at.entry(name).or_default().push(index + 1);
    }
    let mut equal: Vec<(&str, Vec<usize>)> =
        at.into_iter().filter(|(_, places)| places.len() > 1).collect();
    equal.sort_by_key(|(_, places)| places[0]);
    if equal.is_empty() {
        return Ok(());
    }
    let mut error = Error::data(format!(
        "the header has equal names: {}",
        list(equal.iter().map(|(name, _)| name), 10)
    ))
    .at(format!("{file}:1"))
    .help(if numbers {
        "if the first line is a row, add --no-header"
    } else {
        "rename the columns so that every name is there once"
    });
    for (name, places) in equal.iter().take(10) {
        let places: Vec<String> = places.iter().take(10).map(usize::to_string).collect();
        error = error.detail(format!("{}: columns {}", quoted(name), places.join(", ")));
    }
    Err(error)
}

/// Refuses flags that name columns which the file does not have.
///
/// # Errors
/// Kind `data`.
pub(crate) fn check_named_columns(
    header: &[(String, bool)],
    file: &str,
    options: &CsvOptions,
) -> Result<()> {
    let has = |name: &String| header.iter().any(|(column, _)| column == name);
    let declared =
        options.keep.is_none().then(|| options.column_types.keys()).into_iter().flatten();
    match options.drop.iter().chain(declared).find(|name| !has(name)) {
        None => Ok(()),
        Some(name) => {
            let names: Vec<String> = header.iter().map(|(column, _)| column.clone()).collect();
            Err(unknown_column(name, file, &names))
        }
    }
}

/// Which cell of a further file's rows is each column of the first file; `None` where the order is the same.
///
/// # Errors
/// Kind `data` for a file with other columns, both sets of which are listed.
pub(crate) fn order_of(
    first: &[(String, bool)],
    other: &[(String, bool)],
    (first_file, file): (&str, &str),
) -> Result<Option<Vec<usize>>> {
    if first.iter().zip(other).all(|((a, _), (b, _))| a == b) && first.len() == other.len() {
        return Ok(None);
    }
    let lacking = |of: &[(String, bool)], among: &[(String, bool)]| -> Vec<String> {
        let known: std::collections::HashSet<&str> =
            among.iter().map(|(name, _)| name.as_str()).collect();
        let lacking = of.iter().filter(|(name, _)| !known.contains(name.as_str()));
        lacking.map(|(name, _)| name.clone()).collect()
    };
    let (missing, more) = (lacking(first, other), lacking(other, first));
    if missing.is_empty() && more.is_empty() {
        let at: std::collections::HashMap<&str, usize> =
            other.iter().enumerate().map(|(at, (name, _))| (name.as_str(), at)).collect();
        return Ok(Some(first.iter().map(|(name, _)| at[name.as_str()]).collect()));
    }
    let mut error = Error::data(format!("the file has other columns than {}", quoted(first_file)))
        .at(format!("{file}:1"))
        .help("give files with the same columns, in any order");
    for (what, names) in [("missing", missing), ("only here", more)] {
        if !names.is_empty() {
            error = error.detail(format!("{what}: {}", list(&names, 30)));
        }
    }
    Err(error)
}
