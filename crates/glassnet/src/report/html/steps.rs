//! A derivation as a list of lines, each with its rule at the right, or below it where the page is narrow.

use super::words::inline;
use crate::document::{Check, Step, Steps};
use crate::formula::{Math, rows};

/// A left side up to this wide stands before the first line.
const SHORT: usize = 16;
/// A line wider than this many columns of text is broken at its signs.
const WIDE: usize = 64;

/// The derivation, with what its signs mean below.
pub(super) fn set(steps: &Steps) -> String {
    let mut text = String::from("<ol class=\"steps\">\n");
    let beside = steps.start.columns() <= SHORT && !steps.steps.is_empty();
    if !beside {
        let start = lines(&rows(&steps.start, super::blocks::PAGE));
        text.push_str(&format!("<li class=\"start\">{start}</li>\n"));
    }
    for (i, step) in steps.steps.iter().enumerate() {
        let mut broken = rows(&step.value, WIDE);
        if let Some(first) = broken.first_mut() {
            let relation = Math::Operator(step.relation);
            *first = Math::row([Math::Row(vec![]), relation, first.clone()]);
        }
        let mut value = lines(&broken);
        if beside {
            value = value.replacen("<mrow>", &format!("<mrow>{}", left(&steps.start, i)), 1);
        }
        text.push_str(&format!("<li><div class=\"value\">{value}</div>"));
        text.push_str(&rule(step));
        text.push_str("</li>\n");
    }
    text.push_str("</ol>\n");
    text.push_str(&legend(steps));
    text
}

/// The left side before the first line, and as much empty space before the others.
fn left(start: &Math, number: usize) -> String {
    let math = start.mathml(false);
    let inner = math.split_once('>').map_or("", |(_, rest)| rest);
    let inner = inner.strip_suffix("</math>").unwrap_or(inner);
    match number {
        0 => inner.to_owned(),
        _ => format!("<mpadded height=\"0\" depth=\"0\"><mphantom>{inner}</mphantom></mpadded>"),
    }
}

/// Rows of a formula below each other, all but the first set in.
pub(super) fn lines(rows: &[Math]) -> String {
    let mut text = String::new();
    for (i, row) in rows.iter().enumerate() {
        let class = if i == 0 { "" } else { " class=\"continued\"" };
        // An empty piece before a row's sign gives it the space of a sign between two things.
        let row = if i == 0 { row.clone() } else { Math::row([Math::Row(vec![]), row.clone()]) };
        let math = row.mathml(false).replacen("<math ", "<math displaystyle=\"true\" ", 1);
        text.push_str(&format!("<div{class}>{math}</div>"));
    }
    text
}

fn rule(step: &Step) -> String {
    let mut text = String::new();
    if let Some(check) = step.check {
        let class = if check == Check::Wrong { "sign wrong" } else { "sign" };
        text.push_str(&format!(
            "<span class=\"{class}\" role=\"img\" aria-label=\"{}\">{}</span>",
            check.word(),
            check.sign()
        ));
    }
    text.push_str(&inline(&step.label));
    match text.is_empty() {
        true => String::new(),
        false => format!("<div class=\"rule\">{text}</div>"),
    }
}

/// What the signs beside the lines mean.
fn legend(steps: &Steps) -> String {
    let used = [Check::Exact, Check::Numeric, Check::Wrong]
        .into_iter()
        .filter(|check| steps.steps.iter().any(|step| step.check == Some(*check)));
    let words: Vec<String> =
        used.map(|check| format!("{} {}", check.sign(), check.word())).collect();
    match words.is_empty() {
        true => String::new(),
        false => format!("<p class=\"legend\">{}</p>\n", words.join(", ")),
    }
}
