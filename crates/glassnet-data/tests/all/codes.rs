//! Columns of many categories as codes.

use glassnet::nn;
use glassnet_data::{
    EmbedOptions, EmbedRule, EncodeOptions, FitOptions, GapPolicy, NoteKind, Preprocessing, Target,
    Task, UnseenPolicy,
};

use crate::table;

/// 120 rows: a number, a shop of which there are 60, a day of which there are 3, and a class.
fn rows() -> String {
    let row = |at: usize| {
        format!("{at}.5,shop {:02},{},{}\n", at % 60, ["a", "b", "c"][at % 3], ["p", "q"][at % 2])
    };
    "x,shop,day,y\n".to_owned() + &(0..120).map(row).collect::<String>()
}

fn fitted(text: &str, words: &[&str]) -> glassnet::Result<(Preprocessing, Vec<String>)> {
    let table = table(text);
    let target = Target::choose(&table, "y", Task::Auto)?;
    let embed = EmbedOptions::parse(words.iter().copied())?;
    let options = FitOptions { embed, ..FitOptions::default() };
    let (preprocessing, notes) = Preprocessing::fit(&table, &target, target.rows(), &options)?;
    let notes = notes.into_iter().filter(|note| note.kind == NoteKind::Codes);
    Ok((preprocessing, notes.map(|note| note.text).collect()))
}

/// How many codes each column has.
fn codes(preprocessing: &Preprocessing) -> Vec<Option<usize>> {
    preprocessing.features().iter().map(|feature| feature.codes()).collect()
}

#[test]
fn the_rule_and_the_names_decide_which_columns_are_codes() {
    let text = rows();
    for (words, wanted) in [
        (&["auto"][..], [None, Some(61), None]),
        (&["never"], [None, None, None]),
        (&["always"], [None, Some(61), Some(4)]),
        (&["day"], [None, Some(61), Some(4)]),
        (&["never", "day=2"], [None, None, Some(4)]),
    ] {
        let (preprocessing, notes) = fitted(&text, words).expect("a fit");
        assert_eq!(codes(&preprocessing), wanted, "{words:?}");
        assert_eq!(notes.is_empty(), wanted == [None; 3], "{notes:?}");
    }
    let (_, notes) = fitted(&text, &["day=2"]).expect("a fit");
    assert_eq!(
        notes,
        [
            "columns of categories become codes, which look up rows of trained tables: \"shop\" (61 × 16), \
          \"day\" (4 × 2); --embedding never gives each category a feature of its own"
        ]
    );
    let default = FitOptions::default().embed;
    assert_eq!((default.rule, default.columns.len()), (EmbedRule::Never, 0));
}

#[test]
fn names_of_other_columns_are_refused() {
    let text = rows();
    let refused = |words: &[&str]| fitted(&text, words).expect_err("a refusal").to_string();
    let error = refused(&["x"]);
    assert!(error.contains("\"x\" is to be embedded, but it holds the type number"), "{error}");
    assert!(error.contains("--column-type x=category"), "{error}");
    assert!(refused(&["shp"]).contains("\"shp\" is to be embedded, but it is no feature"));
    assert!(refused(&["y"]).contains("is no feature"));
}

#[test]
fn codes_count_from_1_gaps_come_last_and_others_are_0() {
    let text = "x,c,y\n1,b,p\n2,a,q\n3,,p\n4,d,q\n5,b,p\n";
    let (preprocessing, _) = fitted(text, &["c"]).expect("a fit");
    assert_eq!(preprocessing.feature_names(), ["x", "c"]);
    let column = |text: &str, options: &EncodeOptions| {
        let table = table(text);
        let rows: Vec<usize> = (0..table.rows()).collect();
        let encoded = preprocessing.encode(&table, &rows, options)?;
        Ok((0..rows.len()).map(|row| encoded.features.row(row)[1]).collect::<Vec<f32>>())
    };
    let found: glassnet::Result<Vec<f32>> = column(text, &EncodeOptions::default());
    assert_eq!(found.expect("codes"), [2.0, 1.0, 4.0, 3.0, 2.0]);
    let other = "x,c,y\n1,e,p\n2,a,q\n3,,p\n";
    let error = column(other, &EncodeOptions::default()).expect_err("an unseen category");
    assert!(error.to_string().contains("\"e\""), "{error}");
    let ignoring = EncodeOptions { unseen: UnseenPolicy::Ignore, ..EncodeOptions::default() };
    assert_eq!(column(other, &ignoring).expect("codes"), [0.0, 1.0, 4.0]);

    // Without gaps in the training rows a gap is refused, or none of the categories.
    let (preprocessing, _) = fitted("x,c,y\n1,b,p\n2,a,q\n3,b,p\n", &["c"]).expect("a fit");
    let table = table(other);
    assert!(preprocessing.encode(&table, &[2], &EncodeOptions::default()).is_err());
    let filling = EncodeOptions { gaps: GapPolicy::Fill, ..EncodeOptions::default() };
    let encoded = preprocessing.encode(&table, &[2], &filling).expect("a row");
    assert_eq!(encoded.features.row(0)[1], 0.0);
}

#[test]
fn the_layer_has_a_table_for_each_column_of_codes() -> glassnet::Result<()> {
    let (preprocessing, _) = fitted(&rows(), &["day=2"])?;
    let options = EmbedOptions::parse(["day=2"])?;
    let layer = preprocessing.embed_columns(&options);
    let wanted = "EmbedColumns({'1': Embedding(61, 16, padding_idx=0), '2': Embedding(4, 2, padding_idx=0)})";
    assert_eq!(nn::Module::from(layer.clone()).notation(), wanted);
    preprocessing.check_embed_columns(&layer)?;
    for (notation, words) in [
        ("EmbedColumns({'1': Embedding(61, 3)})", "feature 2 (from 0), \"day\", is a code"),
        (
            "EmbedColumns({'1': Embedding(60, 3), '2': Embedding(9, 1)})",
            "\"shop\", has 60 rows, 61 are needed",
        ),
        (
            "EmbedColumns({'0': Embedding(9, 1), '1': Embedding(61, 3), '2': Embedding(9, 1)})",
            "feature 0 (from 0) is no code",
        ),
    ] {
        let nn::Module::EmbedColumns(layer) = nn::parse(notation)? else { panic!("{notation}") };
        let error = preprocessing.check_embed_columns(&layer).expect_err(notation).to_string();
        assert!(
            error.contains(words) && error.contains("EmbedColumns({'1': Embedding(61"),
            "{error}"
        );
    }
    Ok(())
}

#[test]
fn they_are_saved_as_version_3_and_read_back() {
    let (preprocessing, _) = fitted(&rows(), &["auto"]).expect("a fit");
    let saved = preprocessing.to_json();
    assert_eq!((&saved["version"], &saved["features"][1]["kind"]), (&3.into(), &"code".into()));
    assert_eq!(Preprocessing::from_json(&saved).expect("the same"), preprocessing);
    let mut damaged = saved;
    damaged["features"][1]["levels"] = vec!["b", "a"].into();
    let error = Preprocessing::from_json(&damaged).expect_err("out of order").to_string();
    assert!(error.contains("\"shop\" has categories out of order"), "{error}");
}

#[test]
fn a_column_of_too_many_categories_is_told_what_would_take_it() {
    let row = |at: usize| format!("{at}.5,id{},{}\n", at % 1500, ["p", "q"][at % 2]);
    let text = "x,shop,y\n".to_owned() + &(0..1600).map(row).collect::<String>();
    let error = fitted(&text, &["never"]).expect_err("too many").to_string();
    assert!(error.contains("--embedding shop"), "{error}");
    let (preprocessing, _) = fitted(&text, &["auto"]).expect("a fit");
    assert_eq!((codes(&preprocessing)[1], preprocessing.width()), (Some(1501), 2));
}
