//! Mathematics on lines of its own, broken where it is wider than the page.

use crate::formula::{Math, Operator, rows};

/// As many columns of text as the page is wide.
pub(super) const PAGE: usize = 84;

/// The formula on a line of its own, or on several.
pub(super) fn display(math: &Math) -> String {
    let lines = rows(math, PAGE);
    match lines.as_slice() {
        [only] => format!("\\[\n{}\n\\]\n", fitted(&only.latex(), "\\linewidth")),
        lines => {
            let lines: Vec<String> = lines
                .iter()
                .enumerate()
                .map(|(i, line)| {
                    let indent = if i == 0 { "" } else { "\\qquad " };
                    format!("& {indent}{}", fitted(&continued(line, i), "0.9\\linewidth"))
                })
                .collect();
            format!("\\begin{{align*}}\n{}\n\\end{{align*}}\n", lines.join(" \\\\\n"))
        }
    }
}

/// Mathematics in a box that is scaled down to `width` if it is wider.
pub(super) fn fitted(latex: &str, width: &str) -> String {
    format!("\\fit{{{width}}}{{$\\displaystyle {latex}$}}")
}

/// A row's LaTeX: where it begins with a sign, that sign stands between two things all the same.
pub(super) fn continued(line: &Math, number: usize) -> String {
    let latex = line.latex();
    let sign = matches!(line, Math::Row(parts) if matches!(parts.first(), Some(Math::Operator(operator))
        if *operator != Operator::Sign));
    if number > 0 && sign { format!("{{}}{latex}") } else { latex }
}
