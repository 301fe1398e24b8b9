//! Bad tables, a test per case of the project's list of bad input: each is refused by name, line and remedy.

use glassnet::{Error, ErrorKind};
use glassnet_data::{
    ColumnType, CsvOptions, CsvWriter, EncodeOptions, FitOptions, NoteKind, Preprocessing,
    SplitOptions, Table, Target, Task, UnseenPolicy, WriteOptions, read_csv, read_error,
    read_matrix, split,
};

use crate::{file, read, table};

fn hostile(name: &str) -> Vec<u8> {
    file(&format!("tests/hostile/{name}"))
}

fn accepted(name: &str) -> Table {
    let bytes = hostile(name);
    read_csv(&bytes[..], name, &CsvOptions::default()).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(name: &str) -> Error {
    let bytes = hostile(name);
    match read_csv(&bytes[..], name, &CsvOptions::default()) {
        Ok(_) => panic!("{name} was accepted"),
        Err(error) => error,
    }
}

/// The error must be of kind data and hold every one of `words`.
#[track_caller]
fn check(error: &Error, words: &[&str]) {
    assert_eq!(error.kind(), ErrorKind::Data, "{error}");
    check_words(&error.to_string(), words);
    assert!(error.place().is_some() && error.help_text().is_some(), "{error}");
    assert!(!error.what().contains('\n'));
}

#[track_caller]
fn check_words(text: &str, words: &[&str]) {
    for word in words {
        assert!(text.contains(word), "{word:?} is not in: {text}");
    }
}

#[track_caller]
fn check_note(notes: &[glassnet_data::Note], kind: NoteKind, words: &[&str]) {
    match notes.iter().find(|note| note.kind == kind) {
        Some(note) => check_words(&note.text, words),
        None => panic!("no note of kind {kind:?} in {notes:?}"),
    }
}

fn fit(table: &Table, target: &str) -> (Preprocessing, Vec<glassnet_data::Note>) {
    let target = Target::choose(table, target, Task::Auto).expect("a target");
    Preprocessing::fit(table, &target, target.rows(), &FitOptions::default()).expect("a fit")
}

fn read_for(preprocessing: &Preprocessing, name: &str) -> Table {
    let options = preprocessing.csv_options(&CsvOptions::default(), false);
    read_csv(&hostile(name)[..], name, &options).expect("a table")
}

const PREDICT: EncodeOptions = EncodeOptions {
    unseen: UnseenPolicy::Error,
    gaps: glassnet_data::GapPolicy::Error,
    with_target: false,
};

#[test]
fn case_01_a_byte_order_mark_is_skipped() {
    let table = accepted("01-byte-order-mark.csv");
    assert_eq!(table.header(), ["name", "size"]);
}

#[test]
fn case_02_utf16_is_refused_with_a_conversion() {
    check(&refused("02-utf16.csv"), &["UTF-16", "iconv", "UTF-8"]);
    check(&refused("02-utf16-without-mark.csv"), &["UTF-16LE", "iconv"]);
}

#[test]
fn case_03_a_latin1_byte_is_named_with_its_line() {
    check(&refused("03-latin1.csv"), &["0xE8", "03-latin1.csv:3:4", "ISO-8859-1"]);
}

#[test]
fn case_04_a_ragged_row_at_line_5002() {
    for (row, found) in [("1,2,3", "3 fields"), ("1", "1 field")] {
        let mut text = String::from("a,b\n");
        (0..5_000).for_each(|_| text.push_str("1,2\n"));
        text.push_str(row);
        text.push_str("\n1,2\n");
        check(
            &read(&text, &CsvOptions::default()).unwrap_err(),
            &[found, "expected 2", "t.csv:5002"],
        );
    }
}

#[test]
fn case_05_rows_longer_than_the_header() {
    let error = refused("05-rows-longer-than-header.csv");
    check(&error, &["every row has 3 fields", "header has 2", "csv:2", "name"]);
}

#[test]
fn case_06_equal_names_in_the_header() {
    let error = refused("06-equal-names.csv");
    check(&error, &["\"a\"", "\"b\"", "columns 1, 3", "columns 2, 5", "csv:1"]);
}

#[test]
fn case_07_nothing_or_a_header_only() {
    check(&refused("07-empty.csv"), &["empty"]);
    check(&refused("07-header-only.csv"), &["header and no rows"]);
    check(&read("\u{FEFF}\n \n", &CsvOptions::default()).unwrap_err(), &["empty"]);
}

#[test]
fn case_08_an_unclosed_quote_names_the_line_that_opened_it() {
    check(&refused("08-unclosed-quote.csv"), &["opened at line 3", "csv:3:3", "never closed"]);
    let error = refused("08-quote-closed-by-a-later-one.csv");
    check(&error, &["opened at line 3", "csv:3:3", "line 5"]);
}

#[test]
fn case_09_text_in_a_column_of_numbers() {
    let mut text = String::from("a,y\n");
    (0..20_000).for_each(|row| text.push_str(&format!("{row},{}\n", row % 3)));
    text.push_str("oops,1\n");
    let error = read(&text, &CsvOptions::default()).unwrap_err();
    check(
        &error,
        &["\"oops\"", "t.csv:20002", "\"a\"", "--missing oops", "--column-type a=category"],
    );
    let declared = CsvOptions {
        column_types: [("a".to_string(), ColumnType::Category)].into(),
        ..CsvOptions::default()
    };
    let table = read(&text, &declared).expect("declared");
    assert_eq!(table.column("a").map(|a| a.column_type()), Some(ColumnType::Category));
    let missing = CsvOptions { missing: vec!["oops".into()], ..CsvOptions::default() };
    assert!(read(&text, &missing).expect("missing").require("a").expect("a").is_missing(20_000));
}

#[test]
fn case_10_infinity_not_a_number_and_overflow() {
    check(&refused("10-infinity.csv"), &["\"inf\"", "csv:3", "--missing inf"]);
    check(&refused("10-not-a-number.csv"), &["\"NaN\"", "csv:3", "--missing NaN"]);
    check(&refused("10-overflow.csv"), &["\"1e999\"", "csv:3", "1.8e308"]);
    let allowed = CsvOptions { allow_non_finite: true, ..CsvOptions::default() };
    for name in ["10-infinity.csv", "10-not-a-number.csv"] {
        let table = read_csv(&hostile(name)[..], name, &allowed).expect(name);
        assert!(table.require("a").expect("a").is_missing(1));
    }
    let overflow = read_csv(&hostile("10-overflow.csv")[..], "10-overflow.csv", &allowed);
    check(&overflow.unwrap_err(), &["1e999"]);
}

#[test]
fn case_11_integers_above_2_to_the_53_name_their_loss() {
    let table = accepted("11-long-integers.csv");
    let words = ["1 integer above 2^53", "\"9007199254740993\"", "9007199254740992", "line 2"];
    check_note(table.notes(), NoteKind::LostDigits, &words);
}

#[test]
fn case_12_na_stays_text_unless_declared_missing() {
    let table = accepted("12-na-is-text.csv");
    assert_eq!(table.require("region").expect("region").texts().expect("text").get(0), Some("NA"));
    let options = CsvOptions { missing: vec!["NA".into()], ..CsvOptions::default() };
    let table = read_csv(&hostile("12-na-is-text.csv")[..], "t", &options).expect("a table");
    assert!(table.require("region").expect("region").is_missing(0));
}

#[test]
fn case_13_codes_keep_their_zeros() {
    for name in ["13-codes.csv", "13-codes-of-digits.csv"] {
        let table = accepted(name);
        let code = table.require("code").expect("code");
        assert_eq!(code.texts().expect(name).get(0), Some("007"));
        let (preprocessing, _) = fit(&table, "y");
        assert!(preprocessing.feature_names().contains(&"code=007".to_string()));
    }
    check_note(
        accepted("13-codes-of-digits.csv").notes(),
        NoteKind::Interpreted,
        &["leading zeros"],
    );
}

#[test]
fn case_14_semicolons_and_decimal_commas_suggest_their_flags() {
    let name = "14-semicolons-and-decimal-commas.csv";
    check(&refused(name), &["--delimiter ';'", "--decimal-comma"]);
    let semicolons = CsvOptions { delimiter: b';', ..CsvOptions::default() };
    let error = read_csv(&hostile(name)[..], name, &semicolons).unwrap_err();
    check(&error, &["\"1,5\"", "decimal comma", "--decimal-comma", "csv:2"]);
    let both = CsvOptions { decimal_comma: true, ..semicolons };
    let table = read_csv(&hostile(name)[..], name, &both).expect("a table");
    assert_eq!(table.require("b").expect("b").numbers(), Some(&[2.5, 4.5][..]));
}

#[test]
fn case_15_carriage_returns_end_lines() {
    let table = accepted("15-carriage-returns.csv");
    assert_eq!((table.rows(), table.line(1)), (2, 3));
    assert_eq!(table.require("a").expect("a").numbers(), Some(&[1.0, 3.0][..]));
}

#[test]
fn case_16_a_nul_byte_is_refused() {
    check(&refused("16-nul.csv"), &["NUL", "csv:3:3"]);
}

#[test]
fn case_17_columns_are_matched_by_name() {
    let training = accepted("17-training.csv");
    let (preprocessing, _) = fit(&training, "season");
    let reordered = read_for(&preprocessing, "17-reordered.csv");
    let encoded = preprocessing.encode(&reordered, &[0, 1], &PREDICT).expect("encoded");
    let expected =
        preprocessing.encode(&training, &[1, 0], &EncodeOptions::default()).expect("encoded");
    assert_eq!(encoded.features, expected.features);
    check_note(&encoded.notes, NoteKind::ExtraColumns, &["\"extra\""]);

    let missing = read_for(&preprocessing, "17-missing-columns.csv");
    let error = preprocessing.encode(&missing, &[0], &PREDICT).unwrap_err();
    check(
        &error,
        &["missing: \"wind\"", "needs: \"wind\", \"weather\"", "has: \"weather\", \"speed\""],
    );
}

#[test]
fn case_18_unseen_categories_are_listed() {
    let (preprocessing, _) = fit(&accepted("17-training.csv"), "season");
    let unseen = read_for(&preprocessing, "18-unseen-categories.csv");
    let rows = [0, 1, 2, 3];
    let error = preprocessing.encode(&unseen, &rows, &PREDICT).unwrap_err();
    check(&error, &["\"hail\"", "\"snow\"", "2 rows", "csv:3", "--unseen ignore"]);
    let ignore = EncodeOptions { unseen: UnseenPolicy::Ignore, ..PREDICT };
    let encoded = preprocessing.encode(&unseen, &rows, &ignore).expect("encoded");
    assert_eq!(encoded.features.row(1)[1..], [0.0, 0.0]);
    check_note(&encoded.notes, NoteKind::Unseen, &["hail", "snow"]);
}

#[test]
fn case_19_one_class_or_a_constant_is_refused() {
    let refused = |name: &str| Target::choose(&accepted(name), "y", Task::Auto).unwrap_err();
    check(&refused("19-one-class.csv"), &["one class only", "\"x\"", "nothing to learn"]);
    check(&refused("19-constant.csv"), &["2.5", "nothing to learn"]);
}

#[test]
fn case_20_small_classes_are_named_and_the_split_holds_every_class() {
    let table = accepted("20-small-classes.csv");
    let target = Target::choose(&table, "y", Task::Auto).expect("a target");
    check_note(target.notes(), NoteKind::SmallClass, &["1 class", "\"r\""]);
    for seed in 0..20 {
        let options = SplitOptions { fraction: 0.4, seed, group_by: None };
        let parts = split(&table, &target, &options).expect("a split");
        assert!(parts.training.contains(&5), "the only row of r trains");
        assert!(
            parts.validation.iter().any(|&row| row < 3)
                && parts.training.iter().any(|&row| row < 3)
        );
        assert!(parts.validation.contains(&3) != parts.validation.contains(&4));
    }
}

#[test]
fn case_21_an_identifier_is_left_out_with_a_message() {
    let table = accepted("21-identifiers.csv");
    let (preprocessing, notes) = fit(&table, "y");
    assert_eq!(preprocessing.feature_names(), ["size"]);
    check_note(&notes, NoteKind::Dropped, &["\"name\"", "every row", "left out"]);
}

#[test]
fn case_22_formulas_in_cells_are_kept_or_made_safe() {
    let write = |spreadsheet_safe| {
        let mut out = Vec::new();
        let options = WriteOptions { spreadsheet_safe, ..WriteOptions::default() };
        let mut writer = CsvWriter::new(&mut out, &options);
        writer.text("=HYPERLINK(1)").expect("written");
        writer.end_row().expect("written");
        writer.finish().expect("written");
        String::from_utf8_lossy(&out).into_owned()
    };
    assert_eq!(write(false), "=HYPERLINK(1)\n");
    assert_eq!(write(true), "'=HYPERLINK(1)\n");
}

#[test]
fn case_25_files_that_cannot_be_read_say_why() {
    use std::io;
    struct Broken(io::ErrorKind);
    impl io::Read for Broken {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            Err(io::Error::from(self.0))
        }
    }
    for (kind, word) in [
        (io::ErrorKind::IsADirectory, "is a directory"),
        (io::ErrorKind::PermissionDenied, "permission denied"),
        (io::ErrorKind::NotFound, "does not exist"),
    ] {
        let error = read_csv(Broken(kind), "data", &CsvOptions::default()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io);
        check_words(&error.to_string(), &[word, "data"]);
        assert_eq!(error, read_error("data", &io::Error::from(kind)));
    }
}

#[test]
fn other_formats_are_named() {
    for (bytes, word) in [
        (&b"\x1F\x8B\x08\0"[..], "gunzip"),
        (b"BZh91AY", "bzip2"),
        (b"\xFD7zXZ\0", "xz"),
        (b"PK\x03\x04\0\0", "zip"),
        (b"PAR1\x15\0", "Parquet"),
        (b"\x93NUMPY\x01", "NumPy"),
    ] {
        check(&read_csv(bytes, "t", &CsvOptions::default()).unwrap_err(), &[word]);
    }
}

#[test]
fn a_column_with_too_many_categories_is_refused_with_advice() {
    let mut text = String::from("tag,y\n");
    for row in 0..3000 {
        text.push_str(&format!("t{},{}\n", row % 1500, ["p", "q"][row % 2]));
    }
    let table = table(&text);
    let target = Target::choose(&table, "y", Task::Auto).expect("a target");
    let error =
        Preprocessing::fit(&table, &target, target.rows(), &FitOptions::default()).unwrap_err();
    check(&error, &["\"tag\"", "1500", "--drop tag"]);
}

#[test]
fn matrices_refuse_what_is_no_number() {
    let refuse =
        |text: &str| read_matrix(text.as_bytes(), "x.csv", &CsvOptions::default()).unwrap_err();
    check(&refuse("a,b\n1,2\n3,x\n"), &["\"x\"", "x.csv:3", "\"b\""]);
    check(&refuse("a,b\n1,\n"), &["empty", "x.csv:2"]);
    check(&refuse("a,b\n1,1e39\n"), &["1e39", "3.4e38"]);
    check(&refuse("a,b\n1,nan\n"), &["nan", "--allow-non-finite"]);
    check(&refuse("1,2\n3,4\n"), &["--no-header"]);
    check(&refuse("a,b\n1,2,3\n1,2\n"), &["3 fields", "x.csv:2"]);
    let options = CsvOptions { has_header: false, allow_non_finite: true, ..CsvOptions::default() };
    let matrix = read_matrix("1,inf\n3,4\n".as_bytes(), "x.csv", &options).expect("numbers");
    assert_eq!(matrix.values.data(), [1.0, f32::INFINITY, 3.0, 4.0]);
    assert_eq!(matrix.names, ["x0", "x1"]);
}

#[test]
fn names_that_do_not_exist_suggest_the_nearest() {
    let table = accepted("17-training.csv");
    check(&table.require("seasn").unwrap_err(), &["\"seasn\"", "did you mean \"season\"?"]);
    let options = CsvOptions { drop: ["Wind2".to_string()].into(), ..CsvOptions::default() };
    let error = read_csv(&hostile("17-training.csv")[..], "t", &options).unwrap_err();
    check(&error, &["\"Wind2\"", "did you mean \"wind\"?"]);
}

#[test]
fn delimiters_that_cannot_tell_cells_apart_are_refused() {
    for (delimiter, quote) in
        [(b'5', b'"'), (b'\n', b'"'), (b'"', b'"'), (b',', b'-'), (0xE9, b'"')]
    {
        let options = CsvOptions { delimiter, quote, ..CsvOptions::default() };
        let error = read("a,b\n1,2\n", &options).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Usage, "{error}");
    }
    let quoted = CsvOptions { decimal_comma: true, ..CsvOptions::default() };
    let table = read("a,b\n\"1,5\",2\n", &quoted).expect("a quoted decimal comma");
    assert_eq!(table.require("a").expect("a").numbers(), Some(&[1.5][..]));
}
