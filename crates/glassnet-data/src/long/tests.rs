//! A long table gives what a table in memory gives, bit for bit.

use std::fmt::Write;
use std::io::{self, Cursor};
use std::sync::Mutex;

use glassnet::train::{Features, Source, Target as Labels};

use super::*;
use crate::{
    ColumnType, CsvOptions, EmbedOptions, EmbedRule, FitOptions, Input, SplitOptions, Target, Task,
    read_table, read_table_within, split,
};

/// A temporary file, in memory.
#[derive(Default)]
struct Bytes(Mutex<Vec<u8>>);

impl Scratch for Bytes {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        let (mut all, at) = (self.0.lock().expect("a lock"), at as usize);
        let length = all.len().max(at + bytes.len());
        all.resize(length, 0);
        all[at..at + bytes.len()].copy_from_slice(bytes);
        Ok(())
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        let all = self.0.lock().expect("a lock");
        let from = all.get(at as usize..at as usize + bytes.len());
        bytes.copy_from_slice(from.ok_or(io::ErrorKind::UnexpectedEof)?);
        Ok(())
    }
}

/// A disk that is full after so many bytes.
struct Full(Bytes, u64);

impl Scratch for Full {
    fn write_at(&self, bytes: &[u8], at: u64) -> io::Result<()> {
        if at + bytes.len() as u64 > self.1 {
            return Err(io::ErrorKind::StorageFull.into());
        }
        self.0.write_at(bytes, at)
    }

    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        self.0.read_at(bytes, at)
    }
}

fn spill(memory: usize, threads: usize) -> Spill {
    Spill { memory, threads, open: Box::new(|| Ok(Box::new(Bytes::default()))) }
}

/// A table with a column of every kind, in which no row is like another.
fn text(rows: usize) -> String {
    let mut text = String::from(",pixel,real,wide,flag,word,code,day,group,w,y,class,z\n");
    for row in 0..rows {
        let r = row * 7919 % 10_007;
        let gap = |every: usize, cell: String| if r % every == 3 { String::new() } else { cell };
        let cells = [
            row.to_string(),
            gap(41, (r % 200).to_string()),
            gap(53, format!("{}.{:03}", r % 97, r)),
            format!("{:e}", (r as f64 - 5000.0).powi(7)),
            gap(67, ["true", "False", "TRUE"][r % 3].to_owned()),
            gap(29, ["red", "green", "a, b", "blue"][r % 4].to_owned()),
            format!("{:04}", r % 300),
            format!("20{:02}-{:02}-{:02}", r % 20, r % 12 + 1, r % 28 + 1),
            format!("g{}", r % 500),
            format!("{}.5", r % 4),
            gap(31, format!("{}.25", r % 1009)),
            gap(
                37,
                ["no", "yes", "perhaps"][usize::from(r % 5 == 0) + usize::from(r % 10 == 0)]
                    .to_owned(),
            ),
            format!("{}", r % 3),
        ];
        let cells: Vec<String> = cells
            .iter()
            .map(|c| if c.contains(',') { format!("\"{c}\"") } else { c.clone() })
            .collect();
        writeln!(text, "{}", cells.join(",")).expect("a string");
    }
    text
}

fn input(text: &str) -> Vec<Input<'static>> {
    vec![Input::new("t.csv", Cursor::new(text.to_owned()))]
}

fn long(text: &str, options: &CsvOptions, threads: usize) -> LongTable {
    match read_table_within(input(text), options, &mut spill(400_000, threads)).expect("a table") {
        Loaded::Long(table) => table,
        Loaded::Whole(_) => panic!("the table is in memory"),
    }
}

/// Everything that a training gets.
fn check(
    text: &str,
    targets: &[&str],
    split_options: &SplitOptions,
    fit_options: &FitOptions,
    threads: usize,
) {
    let mut options = CsvOptions::default();
    options.column_types.insert("day".to_owned(), ColumnType::Date);
    let targets: Vec<String> = targets.iter().map(|&name| name.to_owned()).collect();
    let whole = read_table(input(text), &options).expect("a table");
    let long = long(text, &options, threads);
    assert_eq!((long.rows(), long.notes()), (whole.rows(), whole.notes()));
    assert_eq!(long.head.fingerprint(), whole.fingerprint());

    let target = Target::choose_several(&whole, &targets, Task::Auto).expect("a target");
    let chosen = long.choose(&targets, Task::Auto).expect("a target");
    assert_eq!(chosen.classes(), target.classes());
    assert_eq!(chosen.notes(), target.notes());
    assert_eq!(chosen.labelled().within(0..long.rows()).collect::<Vec<_>>(), target.rows());

    let parts = split(&whole, &target, split_options).expect("a split");
    let sides = long.split(&chosen, split_options).expect("a split");
    let rows = |set: &RowSet| set.within(0..long.rows()).collect::<Vec<_>>();
    assert_eq!(
        (rows(&sides.training), rows(&sides.validation)),
        (parts.training.clone(), parts.validation.clone())
    );
    assert_eq!(sides.notes, parts.notes);

    let (preprocessing, notes) =
        Preprocessing::fit(&whole, &target, &parts.training, fit_options).expect("a fit");
    let fitted = long.fit(&chosen, &sides.training, fit_options).expect("a fit");
    assert_eq!(fitted.preprocessing, preprocessing);
    assert_eq!(fitted.notes, notes);

    let lenient = EncodeOptions::lenient();
    if !parts.validation.is_empty() {
        let wanted = preprocessing.encode(&whole, &parts.validation, &lenient).expect("rows");
        assert!(long.encode(&preprocessing, &sides.validation, &lenient).expect("rows") == wanted);
    }
    let wanted =
        preprocessing.encode(&whole, &parts.training, &EncodeOptions::default()).expect("rows");
    let mut packed = long.pack(&fitted, &sides.training, Box::new(Bytes::default())).expect("rows");
    assert_eq!(packed.rows(), parts.training.len());
    let (all, middle) = (packed.rows(), packed.rows() / 2);
    let turned = [middle..all, 0..middle];
    let unannounced = packed.dataset(&turned).expect("rows");
    packed.announce(std::slice::from_ref(&(0..1)));
    packed.announce(&turned);
    let found = packed.dataset(&turned).expect("rows");
    assert_eq!(found.features(), unannounced.features());
    assert_eq!(found.target(), unannounced.target());
    let Features::Floats(features) = found.features() else { panic!("floats") };
    let width = preprocessing.width();
    let turned =
        [&wanted.features.data()[middle * width..], &wanted.features.data()[..middle * width]]
            .concat();
    assert!(features.data() == turned);
    match (found.target(), wanted.target.expect("a target")) {
        (Labels::Classes(found), EncodedTarget::Classes(wanted)) => {
            assert_eq!(found, &[&wanted[middle..], &wanted[..middle]].concat());
        }
        (Labels::Values(found), EncodedTarget::Values(wanted)) => {
            let at = middle * wanted.shape()[1];
            assert_eq!(found.data(), [&wanted.data()[at..], &wanted.data()[..at]].concat());
        }
        (_, _) => panic!("another target"),
    }
    let weights = wanted.row_weights.map(|all| [&all[middle..], &all[..middle]].concat());
    assert_eq!(found.weights().map(<[f32]>::to_vec), weights);
    for row in [0, middle, all - 1] {
        assert_eq!(packed.line(row), whole.line(parts.training[row]));
    }
}

#[test]
fn everything_is_that_of_a_table_in_memory() {
    let text = text(20_011);
    let split = SplitOptions { seed: 3, ..SplitOptions::default() };
    let fit = FitOptions::default();
    let weighted = FitOptions { weights: Some("w".to_owned()), ..FitOptions::default() };
    let grouped = SplitOptions { group_by: Some("group".to_owned()), ..split.clone() };
    let apart = FitOptions { exclude: ["group".to_owned()].into(), ..weighted.clone() };
    check(&text, &["class"], &split, &weighted, 2);
    let rule = EmbedRule::Auto;
    let embed = EmbedOptions { rule, ..EmbedOptions::default() };
    check(&text, &["class"], &split, &FitOptions { embed, ..fit.clone() }, 2);
    check(&text, &["y"], &grouped, &apart, 3);
    check(&text, &["flag"], &SplitOptions { fraction: 0.0, ..split.clone() }, &fit, 1);
    check(&text, &["z"], &grouped, &fit, 2);
    check(&text, &["y", "real"], &split, &fit, 2);
}

#[test]
fn errors_are_those_of_a_table_in_memory() {
    let text = text(20_011);
    let options = CsvOptions::default();
    let (whole, long) =
        (read_table(input(&text), &options).expect("a table"), long(&text, &options, 2));
    for (targets, task) in [
        (vec!["code"], Task::Regression),
        (vec!["nowhere"], Task::Auto),
        (vec!["y", "word"], Task::Auto),
        (vec!["y", "y"], Task::Auto),
        (vec![], Task::Auto),
        (vec!["y"], Task::Classification),
        (vec![""], Task::Classification),
    ] {
        let targets: Vec<String> = targets.into_iter().map(str::to_owned).collect();
        let wanted = Target::choose_several(&whole, &targets, task).expect_err("an error");
        let found = long.choose(&targets, task).err().expect("an error");
        assert_eq!(found.to_string(), wanted.to_string());
    }
    let targets = ["class".to_owned()];
    let target = Target::choose_several(&whole, &targets, Task::Auto).expect("a target");
    let chosen = long.choose(&targets, Task::Auto).expect("a target");
    for fit in [
        FitOptions { most_levels: 2, ..FitOptions::default() },
        FitOptions { most_features: 10, ..FitOptions::default() },
        FitOptions { exclude: ["nothing".to_owned()].into(), ..FitOptions::default() },
    ] {
        let wanted =
            Preprocessing::fit(&whole, &target, target.rows(), &fit).expect_err("an error");
        let found = long.fit(&chosen, chosen.labelled(), &fit).err().expect("an error");
        assert_eq!(found.to_string(), wanted.to_string());
    }
}

#[test]
fn a_small_table_stays_in_memory() {
    let text = text(500);
    let found = read_table_within(input(&text), &CsvOptions::default(), &mut spill(1 << 20, 2));
    assert!(matches!(found.expect("a table"), Loaded::Whole(_)));
}

#[test]
fn a_full_disk_is_told() {
    let text = text(20_011);
    let open = || Ok(Box::new(Full(Bytes::default(), 200_000)) as Box<dyn Scratch>);
    let mut spill = Spill { memory: 100_000, threads: 2, open: Box::new(open) };
    let error = read_table_within(input(&text), &CsvOptions::default(), &mut spill);
    let error = error.err().expect("an error");
    assert_eq!(error.kind(), glassnet::ErrorKind::Io);
    assert!(error.to_string().contains("TMPDIR"), "{error}");
}

/// 90,000 rows whose texts take more than the 4 MB that a column may always have.
fn wordy(text: impl Fn(usize) -> String) -> String {
    let line = |row: usize| format!("{},{},{}\n", row % 9, text(row), row % 2);
    format!("x,name,y\n{}", (0..90_000).map(line).collect::<String>())
}

#[test]
fn texts_that_nobody_needs_are_forgotten_and_told() {
    let minute = |row: usize| {
        format!("{}-{:02}-{:02}", 1000 + row / 372, row / 31 % 12 + 1, row % 31 % 28 + 1)
    };
    for text in
        [wordy(|row| format!("name{row}")), wordy(|row| format!("{}T{row:06}", minute(row)))]
    {
        let long = long(&text, &CsvOptions::default(), 2);
        let told = |note: &Note| note.text.contains("\"name\" has more different texts");
        assert!(long.notes().iter().any(told));
        let target = long.choose(&["y".to_owned()], Task::Auto).expect("a target");
        let fitted = long.fit(&target, target.labelled(), &FitOptions::default()).expect("a fit");
        assert_eq!(fitted.preprocessing.feature_names(), ["x"]);
    }
}

#[test]
fn texts_that_are_needed_are_refused_where_they_are_too_many() {
    let mut declared = CsvOptions::default();
    declared.column_types.insert("name".to_owned(), ColumnType::Category);
    let keep = Some(["x", "name", "y"].map(str::to_owned).into());
    let kept = CsvOptions { keep, ..CsvOptions::default() };
    let needed = CsvOptions { needed: ["name".to_owned()].into(), ..CsvOptions::default() };
    let different = wordy(|row| format!("name{row}"));
    // One text comes again.
    let repeated = wordy(|row| format!("name{}", row.max(1)));
    for (text, options) in [
        (&different, &declared),
        (&different, &kept),
        (&different, &needed),
        (&repeated, &CsvOptions::default()),
    ] {
        let error = read_table_within(input(text), options, &mut spill(400_000, 2)).err();
        let error = error.expect("an error");
        assert_eq!(error.kind(), glassnet::ErrorKind::Limit);
        assert!(error.to_string().contains("\"name\" take more than 5 MB"), "{error}");
        assert!(error.to_string().contains("--memory"), "{error}");
    }
}

/// A Parquet file with row groups of so many rows.
#[cfg(feature = "parquet")]
fn parquet(groups: &[usize]) -> Vec<u8> {
    use std::sync::Arc;

    use parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int32Type};
    use parquet::file::properties::WriterProperties;
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    let schema = "message t { required int32 pixel; optional double real; required binary word (UTF8); required int32 y; }";
    let schema = Arc::new(parse_message_type(schema).expect("a schema"));
    let mut bytes = vec![];
    let properties = Arc::new(WriterProperties::builder().build());
    let mut writer = SerializedFileWriter::new(&mut bytes, schema, properties).expect("a writer");
    let mut first = 0;
    for &count in groups {
        let rows = first..first + count;
        first += count;
        let mut group = writer.next_row_group().expect("a group");
        let whole = |modulus: usize| {
            rows.clone().map(|row| (row * 31 % modulus) as i32).collect::<Vec<_>>()
        };
        let mut column = group.next_column().expect("a column").expect("one");
        column.typed::<Int32Type>().write_batch(&whole(251), None, None).expect("cells");
        column.close().expect("a column");
        let mut column = group.next_column().expect("a column").expect("one");
        let levels: Vec<i16> = rows.clone().map(|row| i16::from(row % 97 != 5)).collect();
        let real = rows
            .clone()
            .filter(|row| row % 97 != 5)
            .map(|row| (row as f64).sqrt())
            .collect::<Vec<_>>();
        column.typed::<DoubleType>().write_batch(&real, Some(&levels), None).expect("cells");
        column.close().expect("a column");
        let mut column = group.next_column().expect("a column").expect("one");
        let words: Vec<ByteArray> =
            rows.clone().map(|row| ByteArray::from(["a", "b", "c"][row % 3])).collect();
        column.typed::<ByteArrayType>().write_batch(&words, None, None).expect("cells");
        column.close().expect("a column");
        let mut column = group.next_column().expect("a column").expect("one");
        column.typed::<Int32Type>().write_batch(&whole(2), None, None).expect("cells");
        column.close().expect("a column");
        group.close().expect("a group");
    }
    writer.close().expect("a file");
    bytes
}

#[cfg(feature = "parquet")]
#[test]
fn row_groups_of_any_size_are_taken_column_by_column() {
    // The middle one has more rows than are taken at once.
    let bytes = parquet(&[3, 1_100_000, 20_000]);
    let inputs = || vec![Input::new("t.parquet", Cursor::new(bytes.clone()))];
    let options = CsvOptions::default();
    let whole = read_table(inputs(), &options).expect("a table");
    let found = read_table_within(inputs(), &options, &mut spill(1_000_000, 2)).expect("a table");
    let Loaded::Long(long) = found else { panic!("the table is in memory") };
    assert_eq!(long.head.fingerprint(), whole.fingerprint());
    let targets = ["y".to_owned()];
    let target = Target::choose_several(&whole, &targets, Task::Auto).expect("a target");
    let chosen = long.choose(&targets, Task::Auto).expect("a target");
    let all: Vec<usize> = (0..whole.rows()).collect();
    let (preprocessing, _) =
        Preprocessing::fit(&whole, &target, &all, &FitOptions::default()).expect("a fit");
    let fitted = long.fit(&chosen, chosen.labelled(), &FitOptions::default()).expect("a fit");
    assert_eq!(fitted.preprocessing, preprocessing);
    let wanted = preprocessing.encode(&whole, &all, &EncodeOptions::default()).expect("rows");
    let mut packed =
        long.pack(&fitted, chosen.labelled(), Box::new(Bytes::default())).expect("rows");
    let rows = packed.dataset(std::slice::from_ref(&(0..whole.rows()))).expect("rows");
    let Features::Floats(features) = rows.features() else { panic!("floats") };
    assert!(features == &wanted.features);
}
