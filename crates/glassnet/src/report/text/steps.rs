//! A derivation: its lines below each other behind their signs, the rules in a column at the right.

use super::words;
use crate::document::{Check, Step, Steps};
use crate::formula::{Math, Panel, columns, wrapped};

/// The lines' indent.
const INDENT: usize = 2;
/// A left side up to this wide stands before the first line.
const SHORT: usize = 16;
/// Rules wrap before formulas do, down to a column of two or three words.
const LEAST: usize = 24;
/// Between a line and its rule.
const GAP: usize = 3;

/// The derivation as lines of at most `width` columns.
pub(super) fn set(steps: &Steps, width: usize) -> Vec<String> {
    let signs = steps.steps.iter().any(|step| step.check.is_some());
    let relation = steps.steps.iter().map(|step| columns(&sign(step))).max().unwrap_or(0) + 1;
    let start = steps.start.panel(width);
    let labels: Vec<String> = steps.steps.iter().map(|step| label(step, signs)).collect();
    let rule = labels.iter().map(|label| columns(label)).max().unwrap_or(0);
    // J = …, but a long left side, or one that leaves the lines no room, has a line of its own.
    let widest = steps.steps.iter().map(|step| step.value.columns()).max();
    let needed = widest.map(|widest| start.width() + relation + widest + GAP + rule.min(LEAST));
    let beside = start.width() <= SHORT && needed.is_some_and(|needed| needed < width);
    let left = if beside { start.width() + 1 } else { INDENT };
    let lead = left + relation;
    let room = value_room(steps, &labels, width - lead, rule);
    let mut lines = if beside { vec![] } else { start.trimmed() };
    let mut last_tall = lines.len() > 1;
    let values: Vec<Panel> =
        steps.steps.iter().map(|step| step.value.panel(width - lead)).collect();
    let column = lead
        + values.iter().map(Panel::width).filter(|wide| *wide <= room).max().unwrap_or(0)
        + GAP;
    for (i, ((step, label), value)) in steps.steps.iter().zip(&labels).zip(&values).enumerate() {
        let head = format!("{:<relation$}", sign(step));
        let front = if beside && i == 0 { start.clone() } else { Panel::line("") };
        let blank = Panel::line(" ".repeat(left - front.width()));
        let whole = Panel::beside([front, blank, Panel::line(head), value.clone()]);
        // Stacked fractions on neighbouring lines would run together.
        if (whole.height() > 1 || last_tall) && !lines.is_empty() {
            lines.push(String::new());
        }
        last_tall = whole.height() > 1;
        if label.is_empty() {
            lines.extend(whole.trimmed());
        } else if value.width() <= room {
            let gap = " ".repeat(column.saturating_sub(whole.width()));
            let hang = if signs { 2 } else { 0 };
            let rule = wrapped(label, width - column, hang);
            let rule = Panel::new(rule, 0);
            lines.extend(Panel::beside([whole, Panel::line(gap), rule]).trimmed());
        } else {
            lines.extend(whole.trimmed());
            let rule = wrapped(label, width - lead - 2, 2);
            let indent = " ".repeat(lead + 2);
            lines.extend(rule.iter().map(|line| format!("{indent}{line}")));
        }
    }
    lines.extend(legend(steps, width));
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}

/// How wide a value may be that still has its rule beside it.
fn value_room(steps: &Steps, labels: &[String], width: usize, rule: usize) -> usize {
    let widest = steps
        .steps
        .iter()
        .zip(labels)
        .filter(|(_, label)| !label.is_empty())
        .map(|(step, _)| step.value.panel(width).width())
        .max()
        .unwrap_or(0);
    let least = rule.min(LEAST);
    match widest + GAP + least <= width {
        true => widest,
        false => width.saturating_sub(GAP + least),
    }
}

fn sign(step: &Step) -> String {
    Math::Operator(step.relation).to_string().trim().to_owned()
}

fn label(step: &Step, signs: bool) -> String {
    let words = words::plain(&step.label);
    match (step.check, signs) {
        (Some(check), _) => format!("{} {words}", check.sign()).trim_end().to_owned(),
        (None, true) if !words.is_empty() => format!("  {words}"),
        (None, _) => words,
    }
}

/// What the signs beside the lines mean.
fn legend(steps: &Steps, width: usize) -> Vec<String> {
    let used = [Check::Exact, Check::Numeric, Check::Wrong]
        .into_iter()
        .filter(|check| steps.steps.iter().any(|step| step.check == Some(*check)));
    let words: Vec<String> =
        used.map(|check| format!("{}\u{a0}{}", check.sign(), check.word())).collect();
    if words.is_empty() {
        return vec![];
    }
    let mut lines = vec![String::new()];
    let set = wrapped(&words.join(", "), width - INDENT, 0);
    lines.extend(set.iter().map(|line| " ".repeat(INDENT) + &line.replace('\u{a0}', " ")));
    lines
}
