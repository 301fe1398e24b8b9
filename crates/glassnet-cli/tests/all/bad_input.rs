//! The list of bad tables and bad command lines: which test holds each line of it, with its exit status.
//!
//! The numbers are those of the list that the tests' names quote. Lines 26 to 42, bad models, are in `bad_models.rs`.

/// Number, what is given, the exit status (0 where it is read), and the file and test that hold it.
const LINES: [(u32, &str, i32, &str, &str); 36] = [
    (1, "a byte order mark", 0, "hostile_data.rs", "allowed_oddities_are_read"),
    (2, "UTF-16 without a flag", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (3, "a byte of Latin-1", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (4, "a long or short row", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (5, "rows longer than the header", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (6, "equal names", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (7, "an empty file, or a header alone", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (8, "an unclosed quote", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (9, "text late in a column of numbers", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (10, "infinity, NaN, 1e999", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (10, "infinity and NaN with a flag", 0, "hostile_data.rs", "allowed_oddities_are_read"),
    (11, "integers above 2^53", 0, "hostile_data.rs", "what_would_be_lost_is_told"),
    (12, "a category NA", 0, "hostile_data.rs", "texts_of_a_category_stay_as_they_are"),
    (13, "a category 007", 0, "hostile_data.rs", "texts_of_a_category_stay_as_they_are"),
    (14, "semicolons and decimal commas", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (15, "lines that carriage returns end", 0, "hostile_data.rs", "allowed_oddities_are_read"),
    (16, "a NUL byte", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (17, "other columns at predict", 3, "tables.rs", "columns_are_found_by_name"),
    (
        18,
        "an unseen category",
        3,
        "tables.rs",
        "unseen_categories_and_gaps_are_refused_or_taken_as_told",
    ),
    (19, "a target of one class", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (19, "a constant target of numbers", 3, "hostile_data.rs", "bad_tables_are_refused"),
    (20, "a class of one row", 0, "hostile_data.rs", "what_would_be_lost_is_told"),
    (20, "fewer rows than classes want", 0, "hostile_data.rs", "allowed_oddities_are_read"),
    (21, "a column that names rows", 0, "hostile_data.rs", "what_would_be_lost_is_told"),
    (22, "cells like formulas", 0, "tables.rs", "cells_like_formulas_are_kept_unless_asked"),
    (23, "Parquet that claims a billion rows", 3, "files.rs", "parquet_that_lies_is_refused"),
    (24, "Parquet cut, encrypted, nested", 3, "files.rs", "parquet_that_lies_is_refused"),
    (25, "a directory, a pipe, no permission", 5, "hostile_data.rs", "what_is_no_file_is_told"),
    (
        43,
        "an unknown flag or verb",
        2,
        "hostile_flags.rs",
        "unknown_verbs_and_flags_have_a_suggestion",
    ),
    (
        44,
        "numbers out of range",
        2,
        "hostile_flags.rs",
        "numbers_that_cannot_be_used_name_their_flag",
    ),
    (45, "an output that exists", 2, "outputs.rs", "what_exists_is_replaced_only_when_asked"),
    (46, "an output that is an input", 2, "outputs.rs", "no_output_is_an_input_or_another_output"),
    (
        47,
        "an output that is a device or a link",
        5,
        "outputs.rs",
        "a_device_is_written_to_and_never_replaced",
    ),
    (48, "a folder that takes no files", 5, "outputs.rs", "folders_are_no_outputs"),
    (49, "a full disk", 5, "outputs.rs", "a_full_disk_leaves_the_old_file_as_it_was"),
    (
        50,
        "a full or closed stdout",
        5,
        "outputs.rs",
        "a_full_stdout_is_an_error_and_a_closed_one_is_not",
    ),
];

/// Line 51, a path that is not UTF-8: read and written (0).
const PATHS: (&str, &str) = ("outputs.rs", "paths_need_not_be_utf8");

#[test]
fn every_line_of_the_list_has_its_test() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all");
    let text = |file: &str| std::fs::read_to_string(folder.join(file)).unwrap();
    let has = |file: &str, test: &str| text(file).contains(&format!("#[test]\nfn {test}()"));
    for (number, what, status, file, test) in LINES {
        assert!(has(file, test), "{number} {what}: no test {test} in {file}");
        // What is refused is refused with its status in the test that is named.
        let body = text(file);
        let from = body.find(&format!("fn {test}()")).unwrap();
        let body = body[from + 3..].split("\n#[test]").next().unwrap();
        let held = match status {
            0 => [".success()", "status, 0", ".train("].iter().any(|word| body.contains(word)),
            2 => [" 2, \"", "check(", "check_error(2"].iter().any(|word| body.contains(word)),
            3 => [" 3, \"data\"", "status, 3"].iter().any(|word| body.contains(word)),
            _ => [" 5, \"io\"", "check_error(5"].iter().any(|word| body.contains(word)),
        };
        assert!(held, "{number} {what}: {test} does not look at the exit status {status}");
    }
    assert!(has(PATHS.0, PATHS.1));
    let numbers: Vec<u32> = LINES.iter().map(|line| line.0).collect();
    assert!((1..=25).chain(43..=50).all(|number| numbers.contains(&number)), "{numbers:?}");
}
