//! A derivation as `align*`: the lines below each other behind their signs, the rules as text beside them.

use super::math::{PAGE, continued, fitted};
use super::words::inline;
use crate::document::{Check, Step, Steps};
use crate::formula::{Math, rows};

/// A left side up to this wide stands before the first line, a wider one above it.
const SHORT: usize = 14;

/// The derivation, with what its signs mean below.
pub(super) fn set(steps: &Steps) -> String {
    let labelled = steps.steps.iter().any(|step| !step.label.is_empty() || step.check.is_some());
    let beside = steps.start.columns() <= SHORT;
    let (share, columns) = match (labelled, beside) {
        (true, true) => (0.52, PAGE * 52 / 100),
        (true, false) => (0.62, PAGE * 62 / 100),
        (false, true) => (0.78, PAGE * 78 / 100),
        (false, false) => (0.92, PAGE * 92 / 100),
    };
    let width = format!("{share}\\linewidth");
    let mut lines = vec![];
    let mut left = String::new();
    if beside {
        left = steps.start.latex();
    } else {
        for (i, row) in rows(&steps.start, PAGE).iter().enumerate() {
            lines.push(format!("& {}", fitted(&continued(row, i), "0.95\\linewidth")));
        }
    }
    for step in &steps.steps {
        let relation = Math::Operator(step.relation).latex();
        for (i, row) in rows(&step.value, columns).iter().enumerate() {
            let value = fitted(&continued(row, i), &width);
            let line = match i {
                0 => format!("{left} &{relation} {value}{}", label(step)),
                _ => format!("& \\qquad {value}"),
            };
            lines.push(line.trim_start().to_owned());
            left.clear();
        }
    }
    if lines.is_empty() {
        lines.push(format!("& {left}"));
    }
    format!("\\begin{{align*}}\n{}\n\\end{{align*}}\n{}", lines.join(" \\\\\n"), legend(steps))
}

fn label(step: &Step) -> String {
    let sign = step.check.map_or("", sign);
    let words = inline(&step.label);
    match (sign, words.as_str()) {
        ("", "") => String::new(),
        (sign, words) => format!(
            " && \\parbox[c]{{0.27\\linewidth}}{{\\raggedright {}}}",
            format!("{sign} {words}").trim()
        ),
    }
}

fn sign(check: Check) -> &'static str {
    match check {
        Check::Exact => "$\\checkmark$",
        Check::Numeric => "$\\approx$",
        Check::Wrong => "$\\times$",
    }
}

/// What the signs beside the lines mean.
fn legend(steps: &Steps) -> String {
    let used = [Check::Exact, Check::Numeric, Check::Wrong]
        .into_iter()
        .filter(|check| steps.steps.iter().any(|step| step.check == Some(*check)));
    let words: Vec<String> =
        used.map(|check| format!("{}~{}", sign(check), check.word())).collect();
    match words.is_empty() {
        true => String::new(),
        false => format!("{{\\small {}}}\n", words.join(", ")),
    }
}
