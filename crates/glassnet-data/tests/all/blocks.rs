//! Tables of more rows than are packed at a time: nothing depends on where a block ends.

use std::io::{Cursor, Read, Result, Seek, SeekFrom};

use glassnet::ErrorKind;
use glassnet_data::{
    CsvOptions, EncodeOptions, FitOptions, GapPolicy, Preprocessing, SplitOptions, Table, Target,
    Task, UnseenPolicy, read_csv_file, split,
};

use crate::{read, table};

/// Enough rows for several blocks.
const ROWS: usize = 20_000;

fn column(cells: impl Iterator<Item = String>) -> Table {
    let text: String = cells.map(|cell| format!("{cell},1\n")).collect();
    table(&format!("a,b\n{text}"))
}

#[test]
fn numbers_come_back_bit_for_bit() {
    let cell = |row: usize| match row % 5 {
        0 => format!("{:.7}", (row as f64 * 0.37).sin()),
        1 => format!("{:e}", row as f32 * 1e-9),
        2 => format!("{}", (row as f64).sqrt()),
        3 => format!("-{}", row / 7),
        _ => String::new(),
    };
    let found = column((0..ROWS).map(cell));
    let a = found.require("a").expect("a");
    let values = a.numbers().expect("numbers");
    assert_eq!(values.len(), ROWS);
    for (row, value) in values.iter().enumerate() {
        match cell(row).parse::<f64>() {
            Ok(wanted) => assert_eq!(value.to_bits(), wanted.to_bits(), "row {row}"),
            Err(_) => assert!(value.is_nan(), "row {row}"),
        }
    }
}

#[test]
fn one_text_in_the_last_row_is_found() {
    let text: String = (0..ROWS).map(|row| format!("{row}.5,1\n")).collect();
    let error = read(&format!("a,b\n{text}oops,1\n"), &CsvOptions::default()).unwrap_err();
    assert_eq!(error.place(), Some("t.csv:20002, column \"a\""));
    assert!(error.what().contains("\"oops\" is text in a column of numbers"), "{error}");
}

#[test]
fn a_column_that_begins_with_numbers_keeps_its_texts() {
    // As many texts as numbers: a category, of which "1.50" and "1.5" are two.
    let numbers = ["1.50", "1.5", "01e0", " 7", ""];
    let cell = |row: usize| match row {
        0..ROWS => numbers[row % 5].to_string(),
        _ => format!("room {}", row % 9),
    };
    let found = column((0..2 * ROWS).map(cell));
    let a = found.require("a").expect("a");
    let texts = a.texts().expect("texts");
    for row in 0..2 * ROWS {
        let cell = cell(row);
        assert_eq!(texts.get(row), (!cell.is_empty()).then_some(cell.as_str()), "row {row}");
    }
    assert_eq!(found.notes().len(), 1, "{:?}", found.notes());
    assert!(found.notes()[0].text.contains("mixes"), "{:?}", found.notes());
}

#[test]
fn codes_may_come_late() {
    let found = column((0..ROWS).map(|row| format!("{:05}", ROWS - 1 - row)));
    let a = found.require("a").expect("a");
    let texts = a.texts().expect("texts");
    assert_eq!((texts.get(0), texts.get(ROWS - 7)), (Some("19999"), Some("00006")));
    assert!(found.notes()[0].text.contains("\"09999\" at line 10002"), "{:?}", found.notes());
}

#[test]
fn codes_that_are_none_become_numbers_again() {
    let found = column((0..ROWS).map(|row| if row == 0 { "007".into() } else { row.to_string() }));
    let a = found.require("a").expect("a");
    let values = a.numbers().expect("numbers");
    assert_eq!((values[0], values[ROWS - 1]), (7.0, (ROWS - 1) as f64));
    assert!(found.notes()[0].text.contains("leading zeros"), "{:?}", found.notes());
}

#[test]
fn marks_of_missing_values_may_be_numbers() {
    let text: String =
        (0..ROWS).map(|row| format!("{},1\n", [" -9", "-9", "3", "NA"][row % 4])).collect();
    let missing = vec!["-9".to_string(), "NA".to_string()];
    let options = CsvOptions { missing, ..CsvOptions::default() };
    let found = read(&format!("a,b\n{text}"), &options).expect("a table");
    let a = found.require("a").expect("a");
    assert!((0..ROWS).all(|row| a.is_missing(row) == (row % 4 != 2)));
}

/// A file that has other bytes when it is read again, from where it was opened on.
struct Changing {
    now: Cursor<Vec<u8>>,
    then: Vec<u8>,
}

impl Read for Changing {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        self.now.read(buffer)
    }
}

impl Seek for Changing {
    fn seek(&mut self, to: SeekFrom) -> Result<u64> {
        if matches!(to, SeekFrom::Start(_)) {
            self.now = Cursor::new(std::mem::take(&mut self.then));
        }
        self.now.seek(to)
    }
}

#[test]
fn a_file_is_read_again_from_where_it_was_opened() {
    let text = "skipped\na\n1\nx\ny\n";
    let mut file = Cursor::new(text);
    file.set_position(8);
    let found = read_csv_file(file, "t.csv", &CsvOptions::default()).expect("a table");
    assert_eq!(found.require("a").expect("a").texts().expect("texts").levels(), ["1", "x", "y"]);
    let changing = |then: &str| Changing {
        now: Cursor::new(b"a\n1\nx\ny\n".to_vec()),
        then: then.as_bytes().to_vec(),
    };
    let read = |then| read_csv_file(changing(then), "t.csv", &CsvOptions::default());
    assert!(read("a\n1\nx\ny\n").is_ok());
    for then in ["a\n1\nx\nz\n", "a\nw\nx\ny\n", "a,b\n1,2\nx,y\nx,y\n"] {
        let error = read(then).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{then:?}: {error}");
        assert!(error.what().contains("changed while it was read"), "{error}");
    }
}

/// Numbers with gaps, words, truth values and a target over several blocks; some things only late rows have.
fn mixed() -> Table {
    let mut text = String::from("n,w,t,late,y\n");
    for row in 0..ROWS {
        let number = if row % 7 == 3 { String::new() } else { format!("{}.25", row % 50) };
        let word = ["red", "green", ""][row % 3];
        let late = if row >= ROWS - 3 { String::new() } else { format!("{}", row % 4) };
        let unheard = if row >= ROWS - 2 { "unheard" } else { word };
        text += &format!("{number},{unheard},{},{late},{}\n", row % 2 == 0, row * 29 % 71);
    }
    table(&text)
}

fn fitted(table: &Table, rows: &[usize]) -> Preprocessing {
    let target = Target::choose(table, "y", Task::Regression).expect("a target");
    Preprocessing::fit(table, &target, rows, &FitOptions::default()).expect("a fit").0
}

#[test]
fn rows_in_any_order_are_what_each_is_alone() {
    let table = mixed();
    let preprocessing = fitted(&table, &(0..ROWS - 10).collect::<Vec<_>>());
    let rows = [ROWS - 1, 3, 8191, 8192, 3, 0, 16_384, ROWS - 11];
    let options = EncodeOptions::lenient();
    let together = preprocessing.encode(&table, &rows, &options).expect("rows");
    assert_eq!(together.notes.len(), 2, "{:?}", together.notes);
    for (place, &row) in rows.iter().enumerate() {
        let alone = preprocessing.encode(&table, &[row], &options).expect("a row");
        assert_eq!(together.features.row(place), alone.features.data(), "row {row}");
    }
}

#[test]
fn a_table_that_is_given_away_is_encoded_the_same() {
    let table = mixed();
    let target = Target::choose(&table, "y", Task::Regression).expect("a target");
    let parts = split(&table, &target, &SplitOptions::default()).expect("a split");
    let preprocessing = fitted(&table, &parts.training);
    let lists = [
        (&parts.training[..], EncodeOptions::lenient()),
        (&parts.validation[..], EncodeOptions { with_target: false, ..EncodeOptions::lenient() }),
        (&[][..], EncodeOptions::default()),
    ];
    let wanted: Vec<_> = lists
        .iter()
        .map(|(rows, options)| preprocessing.encode(&table, rows, options).expect("rows"))
        .collect();
    let owned = preprocessing.encode_owned(table.clone(), lists[0].0, &lists[0].1);
    assert_eq!(owned.as_ref(), Ok(&wanted[0]));
    assert_eq!(preprocessing.encode_parts(table, &lists), Ok(wanted));
}

#[test]
fn the_first_column_with_an_error_is_named_whatever_its_row() {
    let table = mixed();
    let preprocessing = fitted(&table, &(0..ROWS - 10).collect::<Vec<_>>());
    let all: Vec<usize> = (0..ROWS).rev().collect();
    let strict = EncodeOptions::default();
    let error = preprocessing.encode(&table, &all, &strict).unwrap_err();
    // Of the rows as they are asked for, the first.
    assert_eq!(error.place(), Some("t.csv:20001, column \"late\""), "{error}");
    let filled = EncodeOptions { gaps: GapPolicy::Fill, unseen: UnseenPolicy::Error, ..strict };
    let error = preprocessing.encode(&table, &all, &filled).unwrap_err();
    assert!(error.what().contains("\"unheard\""), "{error}");
    assert_eq!(error.place(), Some("t.csv:20001, column \"w\""), "{error}");
}
