//! What a question in words came to: a document, JSON, the terminal's lines.

use std::time::Duration;

use glassnet::document::{Align, Block, Column, Document, Table, Text};
use glassnet::prove::Verdict;
use serde_json::{Value, json};

use super::told::{self, exactly, meaning};
use super::words::{Found, Question, Told, shown, status};
use crate::said::Said;

/// What was found.
pub(super) fn said(question: &Question, found: &Found, semantics: &str, took: Duration) -> Said {
    let word = told::word(&found.verdict);
    let mut document = Document::new(word);
    document.say(format!("statement: {}", question.statement));
    document.say(
        "it says what must hold; a property in VNN-LIB would say the opposite, what a counterexample meets",
    );
    let varying = question.sets.len() - fixed(question);
    document.say(match (&found.verdict, varying) {
        (Verdict::Holds, _) => format!(
            "it holds for every input of the box, {}; {} parts, {:.2} s",
            meaning(semantics),
            found.outcome.parts,
            took.as_secs_f64()
        ),
        (Verdict::Violated(_), _) => {
            "this input of the box breaks it, evaluated exactly:".to_owned()
        }
        (Verdict::Unknown, _) => unknown(found),
    });
    if let Verdict::Violated(witness) = &found.verdict {
        document.push(Block::Table(counterexample(question, found)));
        let mut outputs = Table {
            columns: vec![column("output", Align::Left), column("value", Align::Left)],
            ..Table::default()
        };
        for (name, value) in question.outputs.iter().zip(&witness.outputs) {
            outputs.rows.push(vec![Text::from(name.clone()), Text::from(exactly(value))]);
        }
        document.push(Block::Table(outputs));
    }
    document.say("the box:");
    document.push(Block::Table(the_box(question)));
    // Where nothing varies all columns stand in the box.
    let left_out = if fixed(question) < question.sets.len() { fixed(question) } else { 0 };
    if left_out > 0 && question.row.is_some() {
        let (count, s) = (left_out, if left_out == 1 { "" } else { "s" });
        document.say(format!("{count} further column{s} as in the row"));
    }
    let json = json!({
        "schema": "glassnet.prove/1",
        "verdict": word,
        "statement": question.statement,
        "columns": columns(question),
        "witness": witness(found),
        "bound": found.outcome.bound.is_finite().then_some(found.outcome.bound),
        "proven": found.outcome.bound.is_finite().then_some(found.outcome.proven),
        "parts": found.outcome.parts,
        "seconds": took.as_secs_f64(),
        "semantics": semantics,
        "remark": found.remark,
    });
    Said::document(document, json, status(&found.verdict))
}

fn unknown(found: &Found) -> String {
    let outcome = &found.outcome;
    match &found.remark {
        Some(remark) => remark.clone(),
        None if !outcome.bound.is_finite() => {
            format!(
                "{} parts were examined; on some of them nothing bounds the outputs",
                outcome.parts
            )
        }
        None => format!(
            "{:.3} % of the box is proven, {} parts were examined; on the rest it is known to hold but for {:.6}",
            outcome.proven * 100.0,
            outcome.parts,
            (-outcome.bound).max(0.0)
        ),
    }
}

fn fixed(question: &Question) -> usize {
    (0..question.sets.len()).filter(|&at| !question.varies(at)).count()
}

pub(super) fn column(name: &str, align: Align) -> Column {
    Column { head: Text::from(name.to_owned()), align }
}

/// The columns that vary, or all where no row says what the others are.
pub(super) fn the_box(question: &Question) -> Table {
    let mut table = Table {
        columns: vec![column("column", Align::Left), column("values", Align::Left)],
        ..Table::default()
    };
    let all = question.row.is_none() || fixed(question) == question.sets.len();
    for (at, of) in question.space.columns.iter().enumerate() {
        if all || question.varies(at) {
            table.rows.push(vec![Text::from(of.name.clone()), Text::from(question.meant(at))]);
        }
    }
    table
}

/// A counterexample beside the row that it is near.
pub(super) fn counterexample(question: &Question, found: &Found) -> Table {
    let with_row = question.row.is_some();
    let mut columns = vec![column("column", Align::Left), column("value", Align::Left)];
    columns.extend(with_row.then(|| column("in the row", Align::Left)));
    let mut table = Table { columns, ..Table::default() };
    let varying = |at: &usize| !with_row || question.varies(*at);
    for at in (0..found.told.len()).filter(varying) {
        let told = &found.told[at];
        let mut cells = vec![Text::from(told.column.clone()), Text::from(told.text.clone())];
        cells.extend(with_row.then(|| Text::from(told.was.clone().unwrap_or("the same".into()))));
        table.rows.push(cells);
    }
    table
}

/// What of each column is meant.
pub(super) fn columns(question: &Question) -> Value {
    let of = |at: usize| {
        let meant = question.meant(at);
        let range = match &question.sets[at] {
            super::space::Set::Range(range) => {
                Some([range.lo(), range.hi()].map(|end| end.is_finite().then_some(end)))
            }
            super::space::Set::Levels(_)
            | super::space::Set::Fixed(_)
            | super::space::Set::Features(_) => None,
        };
        json!({
            "name": question.space.columns[at].name,
            "values": meant,
            "least": range.and_then(|range| range[0]),
            "most": range.and_then(|range| range[1]),
        })
    };
    (0..question.sets.len()).map(of).collect()
}

/// A counterexample: the features, and the columns that they stand for.
pub(super) fn witness(found: &Found) -> Value {
    let mut witness = told::witness(&found.verdict);
    if let Value::Object(map) = &mut witness {
        let of = |told: &Told| {
            let value = told.number.map_or(json!(told.text), |number| json!(number));
            json!({"name": told.column, "value": value, "row": told.was})
        };
        map.insert("columns".into(), found.told.iter().map(of).collect());
    }
    witness
}

/// `1.5`, with few digits.
pub(super) fn few(x: f64) -> String {
    let rounded: f64 = format!("{x:.4e}").parse().unwrap_or(x);
    shown(rounded)
}
