//! The report of a training as a document (`train --report`).
//!
//! It holds no time of day and no duration: the same run gives the same report.

mod course;
mod meaning;
mod setup;

use std::path::Path;

use glassnet::document::{Block, Column, Document, NoteKind, Table, Text};
use glassnet::report::Format;
use glassnet::train::Stopped;
use glassnet::train::metrics::Confusion;
use glassnet::{Error, Result};

use super::finish::{Outcome, Results, next_commands, shell};
use crate::measured::{metrics_rows, shown};

/// The most classes whose confusion is shown as a square.
const SQUARE: usize = 20;

/// The most mistakes that are named where there are more classes.
const MISTAKES: usize = 20;

/// How wide a line of a command may be.
const COMMAND_WIDTH: usize = 72;

/// What the file's ending asks for.
///
/// # Errors
/// Kind `usage` for another ending or none.
pub(super) fn format(path: &Path) -> Result<Format> {
    let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    match ending.as_str() {
        "html" => Ok(Format::Html),
        "md" => Ok(Format::Markdown),
        "tex" => Ok(Format::Latex),
        "json" => Ok(Format::Json),
        "txt" => Ok(Format::Text),
        _ => Err(Error::usage(format!("{} has no ending that a report has", path.display()))
            .at("--report")
            .help("end its name in .html, .md, .tex, .json or .txt")),
    }
}

/// The report.
///
/// # Errors
/// When the network's shapes cannot be told, which training would have found first.
pub(super) fn document(outcome: &Outcome<'_>, results: &Results, model: &str) -> Result<Document> {
    let target = outcome.rows.preprocessing.target().column();
    let mut document = Document::new(Text::from("Training to predict ").code(target));
    document.section("In short");
    let sentences = meaning::sentences(outcome, results);
    let items = sentences.into_iter().map(|sentence| vec![Block::Paragraph(sentence)]).collect();
    document.push(Block::List { ordered: false, items });
    scores(&mut document, results);
    if let (Some(confusion), Some(classes)) =
        (&results.judged().0.confusion, outcome.rows.preprocessing.target().classes())
    {
        classes_found(&mut document, confusion, classes, results.judged().1);
    }
    course::section(&mut document, outcome);
    setup::data(&mut document, outcome);
    setup::network(&mut document, outcome)?;
    setup::settings(&mut document, outcome);
    document.section("Next");
    document.say(if outcome.record.stopped == Stopped::Interrupted {
        "The command that made this report, until it was interrupted:"
    } else {
        "The command that made this report; with the same data it gives the same weights, bit for bit:"
    });
    document.push(shell_lines(&[this_command()]));
    document.say("Predictions, scores, and the saved network:");
    document.push(shell_lines(&next_commands(outcome.args, model)));
    document.say(format!("Made by glassnet {}.", env!("CARGO_PKG_VERSION")));
    Ok(document)
}

/// The metrics of every set of rows beside the baseline.
fn scores(document: &mut Document, results: &Results) {
    document.section("Scores");
    let columns = results.columns();
    let mut heads = vec![Column::words("")];
    heads.extend(columns.iter().map(|(name, _)| Column::numbers(*name)));
    let mut table = Table::new(heads);
    for row in metrics_rows(&columns) {
        table.row(row.into_iter().map(Text::from));
    }
    document.push(Block::Table(table));
    let answer = match results.trivial() {
        "mean" => "the training rows' mean",
        _ => "the training rows' most frequent class",
    };
    let of = results.judged().1;
    document.say(format!(
        "The last column is what always answering {answer} reaches on the {of} rows: the baseline."
    ));
    if results.train.confusion.is_none() {
        document
            .say("The loss is that of the standardised target; mae and rmse are in its own units.");
    }
}

/// Which classes are found and which are mistaken for which.
fn classes_found(document: &mut Document, confusion: &Confusion, classes: &[String], of: &str) {
    document.section("Classes");
    if classes.len() <= SQUARE {
        let mut heads = vec![Column::words("true \\ predicted")];
        heads.extend(classes.iter().map(|class| Column::numbers(class.as_str())));
        let mut table = Table::new(heads);
        table.caption =
            format!("How often each true class was predicted as each class, {of} rows").into();
        for (class, counts) in classes.iter().zip(&confusion.counts) {
            let cells = counts.iter().map(|count| Text::from(count.to_string()));
            table.row(std::iter::once(class.as_str().into()).chain(cells));
        }
        document.push(Block::Table(table));
    } else {
        mistakes(document, confusion, classes, of);
    }
    let heads = ["precision", "recall", "F1", "rows"].map(Column::numbers);
    let mut table = Table::new(std::iter::once(Column::words("class")).chain(heads));
    table.caption = format!("How well each class is found, {of} rows").into();
    for (class, found) in classes.iter().zip(confusion.per_class()) {
        let part = |part: Option<f64>| Text::from(part.map_or("none".into(), shown));
        table.row([
            class.as_str().into(),
            part(found.precision),
            part(found.recall),
            part(found.f1),
            found.rows.to_string().into(),
        ]);
    }
    document.push(Block::Table(table));
    document.say(
        "Precision is the part of the rows predicted as a class that are of it, recall the part of a \
         class's rows that are predicted as it, F1 their harmonic mean. Where there are no such rows \
         there is none.",
    );
}

/// The most frequent mistakes, where a square of all classes would be too wide to read.
fn mistakes(document: &mut Document, confusion: &Confusion, classes: &[String], of: &str) {
    let mut all: Vec<(usize, usize, u64)> = vec![];
    for (truth, counts) in confusion.counts.iter().enumerate() {
        let wrong =
            counts.iter().enumerate().filter(|(class, count)| *class != truth && **count > 0);
        all.extend(wrong.map(|(class, count)| (truth, class, *count)));
    }
    all.sort_by_key(|(.., count)| std::cmp::Reverse(*count));
    let heads = [Column::words("true"), Column::words("predicted"), Column::numbers("rows")];
    let mut table = Table::new(heads);
    table.caption = format!("The most frequent mistakes, {of} rows").into();
    for &(truth, class, count) in all.iter().take(MISTAKES) {
        let name = |class: usize| Text::from(classes[class].as_str());
        table.row([name(truth), name(class), count.to_string().into()]);
    }
    document.push(Block::Table(table));
    let left: u64 = all.iter().skip(MISTAKES).map(|(.., count)| count).sum();
    if left > 0 {
        let pairs = all.len() - MISTAKES;
        document.note(
            NoteKind::Omitted,
            format!("{left} more mistaken rows, in {pairs} more pairs of classes."),
        );
    }
}

fn shell_lines(lines: &[String]) -> Block {
    Block::Code { language: Some("sh".into()), text: lines.join("\n") }
}

/// The command line as a shell takes it, over lines that a page has room for.
fn this_command() -> String {
    let mut command = String::from("glassnet");
    let mut column = command.len();
    for word in std::env::args_os().skip(1) {
        let word = shell(&word.to_string_lossy());
        let width = word.chars().count();
        if column + 1 + width > COMMAND_WIDTH {
            command += " \\\n   ";
            column = 3;
        }
        command += &format!(" {word}");
        column += 1 + width;
    }
    command
}
