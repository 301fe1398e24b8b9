//! Laws over random input: nothing panics, and what is encoded is finite.

use glassnet_data::{
    CsvOptions, EncodeOptions, FitOptions, Preprocessing, SplitOptions, Target, Task, read_csv,
    read_matrix, split,
};
use proptest::prelude::*;

/// The whole way from bytes to batches, for each column as the target.
fn run(bytes: &[u8], options: &CsvOptions, seed: u64) {
    let _ = read_matrix(bytes, "t", options);
    let Ok(table) = read_csv(bytes, "t", options) else {
        return;
    };
    for name in table.header().iter().take(3) {
        let Ok(target) = Target::choose(&table, name, Task::Auto) else {
            continue;
        };
        let parts = split(&table, &target, &SplitOptions { seed, ..SplitOptions::default() });
        let parts = parts.expect("no groups were asked for");
        assert_eq!(parts.training.len() + parts.validation.len(), target.rows().len());
        let fitted = Preprocessing::fit(&table, &target, &parts.training, &FitOptions::default());
        let Ok((preprocessing, _)) = fitted else {
            continue;
        };
        let saved = Preprocessing::from_json(&preprocessing.to_json());
        assert_eq!(saved.as_ref(), Ok(&preprocessing));
        if let Ok(training) =
            preprocessing.encode(&table, &parts.training, &EncodeOptions::default())
        {
            assert!(training.features.data().iter().all(|value| value.is_finite()));
            assert_eq!(training.features.shape(), [parts.training.len(), preprocessing.width()]);
        }
        if let Ok(other) =
            preprocessing.encode(&table, &parts.validation, &EncodeOptions::lenient())
        {
            assert!(other.features.data().iter().all(|value| value.is_finite()));
        }
    }
}

/// Cells of every sort, so that random tables get past the reader.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => any::<f32>().prop_map(|value| value.to_string()),
        4 => (-20..20_i32).prop_map(|value| value.to_string()),
        2 => Just(String::new()),
        1 => "[a-c]{1,2}",
        1 => "(true|False|NaN|inf|1e999|007|2012-01|1,5)",
        1 => "\\PC{0,4}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn random_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), seed: u64) {
        run(&bytes, &CsvOptions::default(), seed);
    }

    #[test]
    fn bytes_that_look_like_csv_never_panic(text in "[a1,;\"\n\r. -]{0,80}", seed: u64) {
        run(text.as_bytes(), &CsvOptions::default(), seed);
        let options = CsvOptions { delimiter: b';', decimal_comma: true, has_header: false, ..CsvOptions::default() };
        run(text.as_bytes(), &options, seed);
    }

    #[test]
    fn random_tables_are_encoded_to_finite_numbers(
        kinds in proptest::collection::vec(0..3_usize, 3),
        rows in proptest::collection::vec(proptest::collection::vec(cell(), 3), 2..30),
        numbers in proptest::collection::vec(any::<f32>().prop_filter("finite", |v| v.is_finite()), 90),
        seed: u64,
    ) {
        let mut text = String::from("a,b,c\n");
        for (row, cells) in rows.iter().enumerate() {
            let cells: Vec<String> = cells.iter().zip(&kinds).enumerate().map(|(at, (cell, kind))| match kind {
                0 => numbers[row * 3 + at].to_string(),
                1 => ["x", "y", "", "z"][cell.len() % 4].to_string(),
                _ => format!("\"{}\"", cell.replace('"', "\"\"")),
            }).collect();
            text.push_str(&cells.join(","));
            text.push('\n');
        }
        run(text.as_bytes(), &CsvOptions::default(), seed);
    }

    #[test]
    fn what_is_written_reads_back(cells in proptest::collection::vec("\\PC{1,6}|[\",\n =]{1,4}x", 1..5)) {
        let mut out = Vec::new();
        let mut writer = glassnet_data::CsvWriter::new(&mut out, &Default::default());
        for (at, _) in cells.iter().enumerate() {
            writer.text(&format!("c{at}")).expect("written");
        }
        writer.end_row().expect("written");
        cells.iter().for_each(|cell| writer.text(cell).expect("written"));
        writer.end_row().expect("written");
        writer.finish().expect("written");
        let types = (0..cells.len()).map(|at| (format!("c{at}"), glassnet_data::ColumnType::Category));
        let options = CsvOptions { column_types: types.collect(), ..CsvOptions::default() };
        if let Ok(table) = read_csv(&out[..], "t", &options) {
            for (column, cell) in table.columns().zip(&cells) {
                let read = column.texts().and_then(|texts| texts.get(0));
                prop_assert!(read == Some(cell.as_str()) || (read.is_none() && cell.trim_matches([' ', '\t']).is_empty()));
            }
        } else {
            prop_assert!(cells.iter().any(|cell| cell.contains('\0')));
        }
    }
}
