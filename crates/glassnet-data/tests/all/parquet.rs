//! Parquet tables hold what their CSV holds; files that claim too much, are damaged or of other kinds are refused.

use std::io::Cursor;
use std::path::{Path, PathBuf};

use glassnet::{Error, ErrorKind, Result};
use glassnet_data::{
    Cells, ColumnType, CsvOptions, EncodeOptions, FitOptions, Input, Preprocessing, Table, Target,
    Task, is_guarded, read_table,
};

use crate::counting::measure;

fn path(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parquet").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(path(name)).expect("a committed file")
}

fn input(name: &str) -> Input<'static> {
    Input::new(name, Cursor::new(bytes(name)))
}

fn read(names: &[&str], options: &CsvOptions) -> Result<Table> {
    read_table(names.iter().map(|name| input(name)).collect(), options)
}

fn error(name: &str) -> Error {
    read(&[name], &CsvOptions::default()).expect_err(name)
}

fn names(error: &Error, pieces: &[&str]) {
    let text = format!("{error} {:?}", error.details());
    for piece in pieces {
        assert!(text.contains(piece), "{piece:?} is not in {text}");
    }
}

/// All that a network is given of a table: what was learnt, and every feature and target.
fn encoded(table: &Table) -> (serde_json::Value, Vec<u32>, Vec<String>) {
    let target = Target::choose(table, "y", Task::Auto).expect("a target");
    let (training, others) = target.rows().split_at(40);
    let (preprocessing, _) =
        Preprocessing::fit(table, &target, training, &FitOptions::default()).expect("a fit");
    let rows = [training, others].concat();
    let found = preprocessing.encode(table, &rows, &EncodeOptions::lenient()).expect("rows");
    let bits = found.features.data().iter().map(|value| value.to_bits()).collect();
    (preprocessing.to_json(), bits, found.feature_names)
}

#[test]
fn every_codec_encoding_and_version_holds_what_the_csv_holds() {
    let wanted = read(&["types.csv"], &CsvOptions::default()).expect("a table");
    let wanted_bits = encoded(&wanted);
    for files in [
        &["none.parquet"][..],
        &["snappy.parquet"],
        &["gzip.parquet"],
        &["zstd.parquet"],
        &["lz4.parquet"],
        &["version-2.parquet"],
        &["encodings.parquet"],
        &["part-1.parquet", "part-2.parquet"],
    ] {
        let found = read(files, &CsvOptions::default()).expect("a table");
        assert_eq!((found.rows(), found.header()), (60, wanted.header()), "{files:?}");
        for (found, wanted) in found.columns().zip(wanted.columns()) {
            assert_eq!(found.column_type(), wanted.column_type(), "{files:?} {}", found.name());
            match (found.cells(), wanted.cells()) {
                (Cells::Number(found), Cells::Number(wanted)) => {
                    let bits = |values: &[f64]| -> Vec<Option<u64>> {
                        let bits = |value: &f64| (!value.is_nan()).then(|| value.to_bits());
                        values.iter().map(bits).collect()
                    };
                    assert_eq!(bits(found), bits(wanted), "{files:?}");
                }
                // pyarrow writes a space where ISO has a T, and the fraction of every second.
                (Cells::Date(found), Cells::Date(wanted)) => {
                    for row in 0..60 {
                        let wanted = wanted.get(row).expect("a date").replace(' ', "T");
                        let wanted = wanted.trim_end_matches(".000000");
                        assert_eq!(found.get(row), Some(wanted));
                    }
                }
                (found, wanted) => assert_eq!(found, wanted, "{files:?}"),
            }
        }
        assert!(encoded(&found) == wanted_bits, "{files:?}");
    }
}

#[test]
fn what_a_user_declares_goes_before_what_the_file_says() {
    let options = |column: &str, kind| CsvOptions {
        column_types: [(column.to_owned(), kind)].into(),
        ..CsvOptions::default()
    };
    let kinds = [
        ("small", ColumnType::Category),
        ("truth", ColumnType::Category),
        ("day", ColumnType::Category),
        ("price", ColumnType::Category),
    ];
    let csv = |options: &CsvOptions| read(&["types.csv"], options).expect("a table");
    for (column, kind) in kinds {
        let options = options(column, kind);
        let found = read(&["zstd.parquet"], &options).expect("a table");
        let (found, wanted) = (found.require(column), csv(&options).require(column));
        assert_eq!(found.expect("a column").texts(), wanted.expect("a column").texts(), "{column}");
    }
    names(
        &read(&["zstd.parquet"], &options("room", ColumnType::Number)).expect_err("texts"),
        &["zstd.parquet, row 1", "\"red\"", "column \"room\""],
    );
    let missing = CsvOptions {
        missing: vec!["red".into(), "-50".into(), "-1.7".into()],
        ..CsvOptions::default()
    };
    let found = read(&["none.parquet"], &missing).expect("a table");
    for column in ["room", "small", "wide"] {
        assert!(found.require(column).expect("a column").is_missing(0), "{column}");
    }
}

#[test]
fn dates_of_every_form_are_dates() {
    let table = read(&["int96.parquet"], &CsvOptions::default()).expect("a table");
    let moments = table.require("moment").expect("a column");
    assert_eq!(moments.column_type(), ColumnType::Date);
    assert_eq!(moments.texts().expect("texts").get(1), Some("2012-01-31T05:15:30"));
}

#[test]
fn what_is_no_flat_column_is_named() {
    names(&error("nested.parquet"), &["\"tags\"", "nested (a list)", "--drop tags"]);
    let mut options = CsvOptions::default();
    options.drop.insert("tags".into());
    names(
        &read(&["nested.parquet"], &options).expect_err("a struct"),
        &["\"place\"", "a struct", "nested.parquet"],
    );
    options.drop.insert("place".into());
    assert_eq!(read(&["nested.parquet"], &options).expect("a table").rows(), 4);
    let keep = ["a", "y"].map(str::to_owned).into();
    let options = CsvOptions { keep: Some(keep), ..CsvOptions::default() };
    assert_eq!(read(&["nested.parquet"], &options).expect("a table").columns().len(), 2);

    names(&error("encrypted.parquet"), &["encrypted.parquet", "encrypted", "without encryption"]);
    names(&error("encrypted-column.parquet"), &["\"wide\"", "encrypted"]);
    names(&error("brotli.parquet"), &["\"small\"", "BROTLI", "snappy"]);
    names(&error("bytes.parquet"), &["\"a\"", "no text in UTF-8"]);
    names(&error("not-finite.parquet"), &["not-finite.parquet, row 2", "NaN", "--missing NaN"]);
    names(&error("no-rows.parquet"), &["no rows"]);
    let lost = read(&["long-integers.parquet"], &CsvOptions::default()).expect("a table");
    names(&Error::data(lost.notes()[0].to_string()), &["2^53", "9007199254740993"]);
    let mut options = CsvOptions::default();
    options.drop.insert("none".into());
    names(&read(&["none.parquet"], &options).expect_err("no column"), &["no column \"none\""]);
    names(
        &read(&["types.csv", "none.parquet"], &CsvOptions::default()).expect_err("two kinds"),
        &["none.parquet", "a Parquet file", "text"],
    );
    names(
        &read(&["int96.parquet", "none.parquet"], &CsvOptions::default()).expect_err("columns"),
        &["none.parquet", "other columns", "\"wide\""],
    );
}

#[test]
fn case_23_claims_are_refused_before_memory_is_taken() {
    let zeros = read(&["three-zeros.parquet"], &CsvOptions::default()).expect("three zeros");
    assert_eq!(zeros.require("a").expect("a").numbers(), Some(&[0.0, 0.0, 0.0][..]));
    for (name, pieces) in [
        ("claims-rows.parquet", &["1000000000 rows"][..]),
        ("claims-page.parquet", &["\"a\"", "2147483647"]),
        ("claims-dictionary.parquet", &["\"a\"", "1000000000 values"]),
    ] {
        assert!(bytes(name).len() < 300, "{name}");
        let (found, most, _) = measure(|| error(name));
        assert_eq!(found.kind(), ErrorKind::Data);
        names(&found, pieces);
        assert!(most < 1 << 20, "{name} took {most} bytes");
    }
}

#[test]
fn case_24_truncated_files_are_refused() {
    let whole = bytes("version-2.parquet");
    for length in (0..whole.len()).step_by(7).chain([whole.len() - 1]) {
        let input = Input::new("t.parquet", Cursor::new(whole[..length].to_vec()));
        let found = read_table(vec![input], &CsvOptions::default()).expect_err("a part");
        assert_eq!(found.kind(), ErrorKind::Data, "{length}: {found}");
        if length >= 4 {
            names(&found, &["t.parquet", "cut short"]);
        }
    }
}

/// Bytes of small files changed: no panic that a user would see, and no more memory than such a file may take.
#[test]
fn damage_never_panics() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !is_guarded() {
            told(panic);
        }
    }));
    for (name, step, changes) in [
        ("int96.parquet", 1, &[0x01, 0x80, 0xFF][..]),
        ("claims-dictionary.parquet", 1, &[0x01, 0x80, 0xFF]),
        ("encodings.parquet", 11, &[0x80]),
        ("version-2.parquet", 11, &[0x80]),
    ] {
        let whole = bytes(name);
        for at in (0..whole.len()).step_by(step) {
            for change in changes {
                let mut damaged = whole.clone();
                damaged[at] ^= change;
                let input = Input::new("t.parquet", Cursor::new(damaged));
                let read = || read_table(vec![input], &CsvOptions::default()).map(|_| ());
                let (_, most, _) = measure(read);
                assert!(most < 64 << 20, "{name} {at} {change}: {most} bytes");
            }
        }
    }
}
