//! Fitting, encoding, and the saved form.

use glassnet::ErrorKind;
use glassnet_data::{
    ColumnType, CsvOptions, DateOrder, EncodeOptions, Encoded, EncodedTarget, Encoding, FitOptions,
    GapPolicy, NoteKind, Preprocessing, Table, Target, Task, read_csv,
};
use serde_json::{Value, json};

use crate::{file, read, table};

fn fit(table: &Table, target: &str, options: &FitOptions) -> Preprocessing {
    let target = Target::choose(table, target, Task::Auto).expect("a target");
    Preprocessing::fit(table, &target, target.rows(), options).expect("a fit").0
}

fn encode(preprocessing: &Preprocessing, table: &Table, options: &EncodeOptions) -> Encoded {
    let rows: Vec<usize> = (0..table.rows()).collect();
    preprocessing.encode(table, &rows, options).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn penguins_are_encoded_as_scikit_learn_does() {
    let golden: Value = serde_json::from_slice(&file("tests/golden/penguins.json")).expect("JSON");
    let bytes = file("../../data/penguins.csv");
    let table = read_csv(&bytes[..], "penguins.csv", &CsvOptions::default()).expect("a table");
    let target = Target::choose(&table, "species", Task::Auto).expect("a target");
    let training: Vec<usize> = (0..344).filter(|row| row % 5 != 0).collect();
    let (preprocessing, _) =
        Preprocessing::fit(&table, &target, &training, &FitOptions::default()).expect("a fit");
    let encoded = encode(&preprocessing, &table, &EncodeOptions::lenient());

    assert_eq!(json!(encoded.feature_names), golden["feature_names"]);
    for (row, values) in golden["rows"].as_object().expect("rows") {
        let found = encoded.features.row(row.parse().expect("a number"));
        let values = values.as_array().expect("values");
        for ((found, value), name) in found.iter().zip(values).zip(&encoded.feature_names) {
            let value = value.as_f64().expect("a number");
            let difference = (f64::from(*found) - value).abs();
            assert!(
                difference <= 1e-7 * value.abs().max(1.0),
                "row {row}, {name}: {found} {value}"
            );
        }
    }
    let width = encoded.feature_names.len();
    for (at, sum) in golden["column_sums"].as_array().expect("sums").iter().enumerate() {
        let found: f64 =
            encoded.features.data().iter().skip(at).step_by(width).map(|v| f64::from(*v)).sum();
        assert!((found - sum.as_f64().expect("a number")).abs() < 1e-4);
    }
}

#[test]
fn only_training_rows_are_learned_from() {
    let table = table("x,c,y\n1,a,p\n3,b,q\n1000,z,p\n,a,q\n");
    let target = Target::choose(&table, "y", Task::Auto).expect("a target");
    let (preprocessing, _) =
        Preprocessing::fit(&table, &target, &[0, 1], &FitOptions::default()).expect("a fit");
    assert_eq!(
        preprocessing.features()[0].encoding,
        Encoding::Number { mean: 2.0, std: 1.0, median: 2.0, gaps: false }
    );
    assert_eq!(preprocessing.feature_names(), ["x", "c=a", "c=b"]);
}

#[test]
fn gaps_become_the_median_and_an_indicator() {
    let table = table("x,b,c,y\n1,true,u,p\n,,,q\n3,true,v,p\n8,false,u,q\n");
    let preprocessing = fit(&table, "y", &FitOptions::default());
    let encoded = encode(&preprocessing, &table, &EncodeOptions::default());
    assert_eq!(
        encoded.feature_names,
        ["x", "x missing", "b", "b missing", "c=u", "c=v", "c missing"]
    );
    let std = (26.0_f64 / 3.0).sqrt();
    assert_eq!(encoded.features.row(1), [(-1.0 / std) as f32, 1.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
    assert_eq!(encoded.features.row(3), [(4.0 / std) as f32, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    assert_eq!(encoded.target, Some(EncodedTarget::Classes(vec![0, 1, 0, 1])));
}

#[test]
fn a_new_gap_is_refused_or_filled() {
    let training = table("x,c,y\n1,u,p\n3,v,q\n4,u,p\n6,v,q\n");
    let preprocessing = fit(&training, "y", &FitOptions::default());
    let options = preprocessing.csv_options(&CsvOptions::default(), false);
    let gap = read("c,x\nu,\n", &options).expect("a table");
    let predict = EncodeOptions { with_target: false, ..EncodeOptions::default() };
    let error = preprocessing.encode(&gap, &[0], &predict).unwrap_err().to_string();
    assert!(error.contains("t.csv:2") && error.contains("--gaps fill"), "{error}");
    let fill = EncodeOptions { gaps: GapPolicy::Fill, ..predict };
    let encoded = encode(&preprocessing, &gap, &fill);
    assert_eq!(encoded.features.row(0), [0.0, 1.0, 0.0]);
    assert_eq!(encoded.notes[0].kind, NoteKind::Unseen);
}

#[test]
fn a_target_of_numbers_is_standardised_and_restored() {
    let table = table("x,y\n1,10.5\n2,20.5\n3,30.5\n");
    let preprocessing = fit(&table, "y", &FitOptions::default());
    let encoded = encode(&preprocessing, &table, &EncodeOptions::default());
    let Some(EncodedTarget::Values(values)) = encoded.target else { panic!("numbers expected") };
    assert_eq!(values.shape(), [3, 1]);
    assert_eq!(values.data()[1], 0.0);
    for (value, wanted) in values.data().iter().zip([10.5, 20.5, 30.5]) {
        assert!((preprocessing.target().restore(*value) - wanted).abs() < 1e-5);
    }
    let plain =
        fit(&table, "y", &FitOptions { standardise_target: false, ..FitOptions::default() });
    assert_eq!(plain.target().restore(2.5), 2.5);
}

#[test]
fn weights_are_no_features() {
    let weighted = table("x,w,y\n1,1,p\n2,0.5,q\n4,0,p\n");
    let options = FitOptions { weights: Some("w".into()), ..FitOptions::default() };
    let preprocessing = fit(&weighted, "y", &options);
    let encoded = encode(&preprocessing, &weighted, &EncodeOptions::default());
    assert_eq!(encoded.feature_names, ["x"]);
    assert_eq!(encoded.row_weights, Some(vec![1.0, 0.5, 0.0]));
    let negative = table("x,w,y\n1,1,p\n2,-1,q\n");
    let error = preprocessing.encode(&negative, &[0, 1], &EncodeOptions::default()).unwrap_err();
    assert!(error.to_string().contains("t.csv:3"), "{error}");
}

#[test]
fn the_saved_form_gives_the_same_back() {
    let table = table("x,b,c,y\n0.1,true,u,1.5\n,,,2\n0.3,false,v,3\n");
    let preprocessing = fit(&table, "y", &FitOptions::default());
    let text = preprocessing.to_json().to_string();
    let value: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(Preprocessing::from_json(&value), Ok(preprocessing.clone()));
    assert_eq!(value["version"], 1);
    assert_eq!(
        value["features"][2],
        json!({"column": "c", "kind": "category", "levels": ["u", "v"], "gaps": true})
    );
    assert_eq!(serde_json::from_str::<Preprocessing>(&text).ok(), Some(preprocessing));
}

#[test]
fn a_damaged_or_newer_form_is_refused() {
    let good = fit(&table("x,c,y\n1,u,p\n2,v,q\n4,u,p\n"), "y", &FitOptions::default()).to_json();
    let check = |change: &dyn Fn(&mut Value), word: &str| {
        let mut value = good.clone();
        change(&mut value);
        let error = Preprocessing::from_json(&value).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Model);
        assert!(error.to_string().contains(word), "{error}");
    };
    check(&|v| v["version"] = json!(7), "version 7");
    check(&|v| v["features"] = json!([]), "no features");
    check(&|v| v["features"][0]["std"] = json!(0.0), "\"x\"");
    check(&|v| v["features"][0]["mean"] = json!("one"), "damaged");
    check(&|v| v["features"][1]["levels"] = json!(["v", "u"]), "out of order");
    check(&|v| v["features"][1]["column"] = json!("x"), "twice");
    check(&|v| v["target"]["names"] = json!(["p"]), "classes");
    check(&|v| *v = json!(null), "damaged");
}

#[test]
fn a_model_reads_its_columns_with_its_own_types() {
    // In the new file, code looks like numbers and flag like text: the model's types decide.
    let training = "code,size,y\n7a,1,p\n12,2,q\nb,3,p\nb,5,q\n";
    let preprocessing = fit(&table(training), "y", &FitOptions::default());
    let options = preprocessing.csv_options(&CsvOptions::default(), true);
    let new = read("y,notes,size,code\np,1,2,12\nq,x,4,12\n", &options).expect("a table");
    let encoded = encode(&preprocessing, &new, &EncodeOptions::default());
    assert_eq!(encoded.features.row(0)[..3], [1.0, 0.0, 0.0]);
    let error = read("y,size,code\np,two,12\n", &options).unwrap_err().to_string();
    assert!(error.contains("\"two\"") && error.contains("t.csv:2"), "{error}");
}

#[test]
fn classes_of_numbers_and_booleans_are_compared_by_value() {
    let numbers = fit(&table("x,y\n1,0\n2,1\n3,1\n"), "y", &FitOptions::default());
    let new = table("x,y\n1,1.0\n2,0\n");
    let encoded = encode(&numbers, &new, &EncodeOptions::default());
    assert_eq!(encoded.target, Some(EncodedTarget::Classes(vec![1, 0])));
    let booleans = fit(&table("x,y\n1,True\n2,False\n3,True\n"), "y", &FitOptions::default());
    assert_eq!(booleans.target().classes(), Some(&["False".to_string(), "True".to_string()][..]));
    let encoded = encode(&booleans, &table("x,y\n1,true\n2,FALSE\n"), &EncodeOptions::default());
    assert_eq!(encoded.target, Some(EncodedTarget::Classes(vec![1, 0])));

    let unknown = numbers.encode(&table("x,y\n1,5\n2,0\n"), &[0, 1], &EncodeOptions::default());
    let error = unknown.unwrap_err().to_string();
    assert!(error.contains("no class \"5\"") && error.contains("t.csv:2"), "{error}");
}

#[test]
fn numbers_that_leave_32_bits_are_refused() {
    let preprocessing = fit(&table("x,y\n1,p\n2,q\n3,p\n"), "y", &FitOptions::default());
    let far = table("x,y\n1e300,p\n1,q\n");
    let error = preprocessing.encode(&far, &[0, 1], &EncodeOptions::default()).unwrap_err();
    assert!(error.to_string().contains("t.csv:2"), "{error}");
    let huge = table("x,y\n1e308,p\n-1e308,q\n1e308,p\n");
    let target = Target::choose(&huge, "y", Task::Auto).expect("a target");
    let error = Preprocessing::fit(&huge, &target, &[0, 1, 2], &FitOptions::default()).unwrap_err();
    assert!(error.to_string().contains("too large"), "{error}");
}

#[test]
fn a_nameless_running_number_is_left_out() {
    let table = table(",x,y\n0,5,p\n1,7,q\n2,6,p\n");
    assert_eq!(table.notes()[0].kind, NoteKind::Header);
    let preprocessing = fit(&table, "y", &FitOptions::default());
    assert_eq!(preprocessing.feature_names(), ["x"]);
}

/// Rows of moments, with gaps, and a target.
fn moments() -> Table {
    let mut text = String::from("when,x,y\n");
    for row in 0..48 {
        let (month, day, hour) = (row % 12 + 1, row % 28 + 1, row * 5 % 24);
        let when = format!("{}-{month:02}-{day:02}T{hour:02}:30", 2020 + row / 24);
        let when = if row == 7 { String::new() } else { when };
        text += &format!("{when},{},{}\n", row % 5, ["a", "b"][row % 2]);
    }
    let options = CsvOptions {
        column_types: [("when".to_owned(), ColumnType::Date)].into(),
        ..CsvOptions::default()
    };
    read(&text, &options).expect("a table")
}

#[test]
fn declared_dates_become_years_and_circles() {
    let table = moments();
    let target = Target::choose(&table, "y", Task::Auto).expect("a target");
    let (preprocessing, _) =
        Preprocessing::fit(&table, &target, target.rows(), &FitOptions::default()).expect("a fit");
    assert_eq!(
        preprocessing.feature_names(),
        [
            "when year",
            "when month sin",
            "when month cos",
            "when weekday sin",
            "when weekday cos",
            "when time sin",
            "when time cos",
            "when missing",
            "x"
        ]
    );
    let encoded =
        preprocessing.encode(&table, &[0, 3, 7, 24], &EncodeOptions::default()).expect("rows");
    let circle = |part: f64| {
        let angle = std::f64::consts::TAU * part;
        [angle.sin() as f32, angle.cos() as f32]
    };
    // 1 January 2020 was a Wednesday, 0:30; 4 April a Saturday, 15:30.
    let close = |found: &[f32], wanted: [[f32; 2]; 3]| {
        found.iter().zip(wanted.concat()).all(|(a, b)| (a - b).abs() < 1e-6)
    };
    let first = encoded.features.row(0);
    assert!(close(&first[1..7], [circle(0.0), circle(2.0 / 7.0), circle(0.5 / 24.0)]), "{first:?}");
    let fourth = encoded.features.row(1);
    assert!(close(&fourth[1..7], [circle(0.25), circle(5.0 / 7.0), circle(15.5 / 24.0)]));
    assert_eq!(encoded.features.row(2)[..8], [0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0]);
    let years = [encoded.features.row(0)[0], encoded.features.row(3)[0]];
    assert!(years[0] < -0.9 && years[1] > 0.9, "{years:?}");

    let json = preprocessing.to_json();
    assert_eq!(json["version"], 2);
    assert_eq!(Preprocessing::from_json(&json).expect("its own form"), preprocessing);
    let options = preprocessing.csv_options(&CsvOptions::default(), false);
    let policies = EncodeOptions { with_target: false, ..EncodeOptions::default() };
    let encode = |text: &str| {
        let table = read(text, &options).expect("a table");
        let rows: Vec<usize> = (0..table.rows()).collect();
        preprocessing.encode(&table, &rows, &policies)
    };
    let again = encode("x,when\n0,2020-01-01 00:30\n").expect("a row");
    assert_eq!(again.features.row(0), encoded.features.row(0));
    for bad in ["2020-02-30T00:30", "2020-01-01", "1.1.2020 00:30", "soon"] {
        let error = encode(&format!("x,when\n0,2020-01-01 00:30\n1,{bad}\n")).expect_err(bad);
        assert!(error.to_string().contains(bad), "{error}");
        assert_eq!(error.place(), Some("t.csv:3, column \"when\""));
    }
}

#[test]
fn the_order_of_day_and_month_is_told_by_all_rows() {
    let options = CsvOptions {
        column_types: [("when".to_owned(), ColumnType::Date)].into(),
        ..CsvOptions::default()
    };
    let fit = |dates: [&str; 4]| {
        let rows = dates.iter().enumerate().map(|(row, date)| format!("{date},{}\n", row % 2));
        let table = read(&("when,y\n".to_owned() + &rows.collect::<String>()), &options)?;
        let target = Target::choose(&table, "y", Task::Auto)?;
        Preprocessing::fit(&table, &target, target.rows(), &FitOptions::default())
    };
    let order = |dates| match &fit(dates).expect("a fit").0.features()[0].encoding {
        Encoding::Date { parts, .. } => parts.order,
        other => panic!("{other:?}"),
    };
    assert_eq!(order(["1/2/2020", "2/3/2020", "3/4/2020", "31/5/2020"]), DateOrder::DayFirst);
    assert_eq!(order(["1/2/2020", "2/3/2020", "3/4/2020", "5/31/2020"]), DateOrder::MonthFirst);
    assert_eq!(order(["1.2.2020", "2.3.2020", "3.4.2020", "4.5.2020"]), DateOrder::DayFirst);
    let unclear = fit(["1/2/2020", "2/3/2020", "3/4/2020", "4/5/2020"]).expect_err("unclear");
    assert!(unclear.to_string().contains("day or the month"), "{unclear}");
    let mixed = fit(["31/2/2020", "2/3/2020", "3/4/2020", "5/31/2020"]).expect_err("no day");
    assert!(mixed.to_string().contains("31/2/2020"), "{mixed}");
}
