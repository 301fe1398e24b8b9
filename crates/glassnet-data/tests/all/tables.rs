//! The tables in the repository, and how types are decided.

use glassnet_data::{
    ColumnType, CsvOptions, FitOptions, NoteKind, Preprocessing, Table, Target, Task, read_csv,
};

use crate::{file, table};

fn committed(name: &str) -> Table {
    let bytes = file(&format!("../../data/{name}"));
    let table = read_csv(&bytes[..], name, &CsvOptions::default()).expect(name);
    assert_eq!(table.notes(), [], "{name}");
    table
}

fn features(table: &Table, target: &str) -> (Target, Preprocessing, Vec<glassnet_data::Note>) {
    let target = Target::choose(table, target, Task::Auto).expect("a target");
    let (preprocessing, notes) =
        Preprocessing::fit(table, &target, target.rows(), &FitOptions::default()).expect("a fit");
    (target, preprocessing, notes)
}

#[test]
fn seattle_weather_leaves_the_month_out() {
    let table = committed("seattle-weather.csv");
    assert_eq!((table.rows(), table.header().len()), (1461, 8));
    let (target, preprocessing, notes) = features(&table, "season");
    assert_eq!(target.classes().expect("classes"), ["Fall", "Spring", "Summer", "Winter"]);
    assert_eq!(preprocessing.unused(), ["month"]);
    assert!(notes[0].kind == NoteKind::Dropped && notes[0].text.contains("--split-by month"));
    assert_eq!(
        preprocessing.feature_names(),
        [
            "precipitation",
            "temp_max",
            "temp_min",
            "wind",
            "weather=drizzle",
            "weather=fog",
            "weather=rain",
            "weather=snow",
            "weather=sun",
            "daily_range",
        ]
    );
}

#[test]
fn digits_are_ten_classes_of_64_pixels() {
    let table = committed("digits.csv");
    let (target, preprocessing, notes) = features(&table, "digit");
    assert_eq!((table.rows(), preprocessing.width()), (1797, 64));
    assert_eq!(target.classes().map(|names| names.join("")), Some("0123456789".into()));
    assert_eq!(target.notes()[0].kind, NoteKind::Interpreted);
    let constant = notes.iter().find(|note| note.kind == NoteKind::Constant).expect("a note");
    assert!(constant.text.contains("\"p0\", \"p32\", \"p39\""), "{constant}");
}

#[test]
fn penguins_have_gaps() {
    let table = committed("penguins.csv");
    let (_, preprocessing, _) = features(&table, "species");
    let missing: Vec<String> =
        preprocessing.feature_names().into_iter().filter(|n| n.ends_with(" missing")).collect();
    assert_eq!(
        missing,
        [
            "bill_length_mm missing",
            "bill_depth_mm missing",
            "flipper_length_mm missing",
            "body_mass_g missing",
            "sex missing",
        ]
    );
}

#[test]
fn autompg_is_a_regression() {
    let table = committed("autompg.csv");
    let (target, preprocessing, _) = features(&table, "mpg");
    assert_eq!((table.rows(), target.classes()), (392, None));
    assert_eq!(preprocessing.target().outputs(), 1);
    assert_eq!(preprocessing.width(), 9);
}

fn types(text: &str) -> Vec<ColumnType> {
    table(text).columns().map(|column| column.column_type()).collect()
}

#[test]
fn types_come_from_all_rows() {
    use ColumnType::{Boolean, Category, Date, Number};
    let text = "n,b,c,d\n1,true,x,2012-01\n ,,,\n-2e3,FALSE,y,2012-02\n";
    assert_eq!(types(text), [Number, Boolean, Category, Date]);
    // One late text turns a column that is not mostly numbers into a category.
    assert_eq!(types("c\n1\nx\ny\n"), [Category]);
    // Decimal zeros in front are numbers, a mark of codes only where all are integers of one width.
    assert_eq!(types("a,b\n0.5,07\n0.25,123\n"), [Number, Number]);
    assert_eq!(types("a,b,c\n123,12,1.5\n07,07,007\n"), [Number, Category, Number]);
}

#[test]
fn quoted_cells_keep_delimiters_quotes_and_line_ends() {
    let table = table("a,b\n\"x, \"\"y\"\"\nz\",1\nw,2\n");
    let a = table.column("a").expect("a column");
    assert_eq!(a.texts().and_then(|texts| texts.get(0)), Some("x, \"y\"\nz"));
    assert_eq!((table.line(0), table.line(1)), (2, 4));
}

#[test]
fn fingerprints_follow_the_cells_and_not_their_quoting() {
    let print = |text: &str| table(text).fingerprint();
    assert_eq!(print("a,b\n1,x\n"), print("\u{FEFF}\"a\",b\r\n\"1\",x\r\n"));
    assert_ne!(print("a,b\n1,x\n"), print("a,b\n1,y\n"));
    assert_ne!(print("a,b\n1,x\n"), print("a,c\n1,x\n"));
    assert_ne!(print("a,b\n1,x\n2,x\n"), print("a,b\n2,x\n1,x\n"));
    // Written down, so that a change of the hash cannot go unseen: it would refuse old checkpoints.
    assert_eq!(committed("seattle-weather.csv").fingerprint(), 14754852863235261174);
}

#[test]
fn tasks_are_chosen_by_documented_rules() {
    let classes = |values: &[&str], task| {
        let text =
            format!("x,y\n{}", values.iter().map(|v| format!("1,{v}\n")).collect::<String>());
        let names =
            Target::choose(&table(&text), "y", task).map(|t| t.classes().map(<[_]>::to_vec));
        names.map_err(|error| error.to_string())
    };
    let names = |names: &[&str]| Ok(Some(names.iter().map(|n| n.to_string()).collect::<Vec<_>>()));
    assert_eq!(classes(&["0", "1", "1"], Task::Auto), names(&["0", "1"]));
    assert_eq!(classes(&["1.5", "-1", "1.5"], Task::Auto), names(&["-1", "1.5"]));
    assert_eq!(classes(&["1", "2", "3"], Task::Auto), Ok(None));
    assert_eq!(classes(&["10", "9", "3"], Task::Classification), names(&["3", "9", "10"]));
    let three = ["1", "2", "3"].repeat(5);
    assert_eq!(classes(&three, Task::Auto), names(&["1", "2", "3"]));
    assert_eq!(classes(&three, Task::Regression), Ok(None));
    assert_eq!(classes(&["True", "False", "True"], Task::Auto), names(&["False", "True"]));
    assert_eq!(classes(&["b", "a", "b"], Task::Auto), names(&["a", "b"]));
    assert!(
        classes(&["b", "a", "b"], Task::Regression)
            .unwrap_err()
            .contains("regression needs numbers")
    );
    assert!(classes(&["", "a", ""], Task::Auto).unwrap_err().contains("at least 2"));
}
