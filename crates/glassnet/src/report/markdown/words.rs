//! Sentences as Markdown: what Markdown, HTML or GitHub's dollar signs would read as theirs is escaped.

use crate::document::{Inline, Text};
use crate::formula::Math;

/// Words as they stand; a line end within them is one on the page too.
pub(super) fn escape(words: &str) -> String {
    let mut text = String::new();
    for character in words.chars() {
        match character {
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '$' => {
                text.extend(['\\', character]);
            }
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '\n' => text.push_str("  \n"),
            control if control.is_control() => text.push(' '),
            other => text.push(other),
        }
    }
    text
}

/// A line whose first characters would make it a list's item, a rule or a heading's underline.
pub(super) fn opening(line: &str) -> String {
    let start = line.trim_start();
    let digits = start.trim_start_matches(|c: char| c.is_ascii_digit());
    let number = digits.len() < start.len() && digits.starts_with(['.', ')']);
    if number {
        let count = start.len() - digits.len();
        return format!("{}\\{}", &start[..count], digits);
    }
    match start.starts_with(['-', '+', '=']) {
        true => format!("\\{start}"),
        false => start.to_owned(),
    }
}

/// The text as Markdown in a line.
pub(super) fn inline(text: &Text) -> String {
    text.0
        .iter()
        .map(|piece| match piece {
            Inline::Plain(words) => escape(words),
            Inline::Emphasis(words) => marked("*", words),
            Inline::Strong(words) => marked("**", words),
            Inline::Code(words) => code(words),
            Inline::Math(math) => format!("${}$", in_line(math)),
        })
        .collect()
}

/// Stressed words; spaces at their ends stand outside the marks, where Markdown wants them.
fn marked(mark: &str, words: &str) -> String {
    let inner = words.trim();
    if inner.is_empty() {
        return words.to_owned();
    }
    let before = &words[..words.len() - words.trim_start().len()];
    let after = &words[words.trim_end().len()..];
    format!("{before}{mark}{}{mark}{after}", escape(inner))
}

/// A name between more backticks than it has itself.
fn code(words: &str) -> String {
    let words = words.replace(['\n', '\r'], " ");
    let longest = words.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    match words.starts_with('`') || words.ends_with('`') {
        true => format!("{fence} {words} {fence}"),
        false => format!("{fence}{words}{fence}"),
    }
}

/// The text as a table's cell: one line, no bare pipe.
pub(super) fn cell(text: &Text) -> String {
    let mut all = String::new();
    for piece in &text.0 {
        let one = Text(vec![piece.clone()]);
        match piece {
            // GitHub takes a backslash away before a pipe within code, too.
            Inline::Code(_) => all.push_str(&inline(&one).replace('|', "\\|")),
            Inline::Plain(_) | Inline::Emphasis(_) | Inline::Strong(_) | Inline::Math(_) => {
                all.push_str(&inline(&one));
            }
        }
    }
    all.replace("  \n", " ").replace('\n', " ")
}

/// LaTeX on lines of its own.
pub(super) fn display(math: &Math) -> String {
    harmless(&math.latex()).trim_end().to_owned()
}

/// LaTeX within a line, where Markdown would take a backslash before a sign away.
fn in_line(math: &Math) -> String {
    harmless(&math.latex()).replace(r"\\", r"\cr").replace(r"\,", r"\thinspace ")
}

/// LaTeX without the signs that Markdown or HTML would read as theirs.
fn harmless(latex: &str) -> String {
    latex
        .replace(r"\textless{}", r"\lt ")
        .replace(" < ", r" \lt ")
        .replace(" > ", r" \gt ")
        .replace(r"\|", r"\Vert ")
        .replace('|', r"\vert ")
        .replace(r"\{", r"\lbrace ")
        .replace(r"\}", r"\rbrace ")
}

/// A rule's name within mathematics.
pub(super) fn in_mathematics(text: &Text) -> String {
    text.0
        .iter()
        .map(|piece| match piece {
            Inline::Plain(words)
            | Inline::Emphasis(words)
            | Inline::Strong(words)
            | Inline::Code(words) => upright(words),
            Inline::Math(math) => display(math),
        })
        .collect()
}

/// Words within mathematics, in what both MathJax and KaTeX read: special characters stand outside of `\text`.
fn upright(words: &str) -> String {
    let mut text = String::new();
    let mut run = String::new();
    let close = |run: &mut String, text: &mut String| {
        if !run.is_empty() {
            text.push_str(&format!(r"\text{{{}}}", std::mem::take(run)));
        }
    };
    for character in words.chars() {
        let sign = match character {
            '_' | '%' | '&' | '#' | '$' | '{' | '}' => format!("\\{character}"),
            '\\' => r"\backslash ".into(),
            '^' => r"\wedge ".into(),
            '~' => r"\sim ".into(),
            '<' => r"\lt ".into(),
            '>' => r"\gt ".into(),
            '|' => r"\vert ".into(),
            '`' | '"' => {
                run.push('’');
                continue;
            }
            control if control.is_control() => {
                run.push(' ');
                continue;
            }
            other => {
                run.push(other);
                continue;
            }
        };
        close(&mut run, &mut text);
        text.push_str(&sign);
    }
    close(&mut run, &mut text);
    text
}
