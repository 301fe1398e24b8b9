//! Sentences, names and program text as LaTeX.

use super::super::text::cut;
use crate::document::{Inline, Text};
use crate::formula::escape_latex;

/// Inline mathematics wider than this is scaled to the line: TeX breaks at its signs, but not within its parts.
const WIDEST: usize = 70;

/// The text as LaTeX in a line.
pub(super) fn inline(text: &Text) -> String {
    text.0
        .iter()
        .map(|piece| match piece {
            Inline::Plain(words) => paragraph_words(words),
            Inline::Emphasis(words) => format!("\\emph{{{}}}", escape_latex(words)),
            Inline::Strong(words) => format!("\\textbf{{{}}}", escape_latex(words)),
            Inline::Code(words) => code(words),
            Inline::Math(math) if math.is_tall() && math.columns() > WIDEST => {
                format!("\\fit{{\\linewidth}}{{${}$}}", math.latex())
            }
            Inline::Math(math) => format!("${}$", math.latex()),
        })
        .collect()
}

/// A line end within a paragraph is one on the page too.
fn paragraph_words(words: &str) -> String {
    let lines: Vec<String> = words.split('\n').map(escape_latex).collect();
    lines.join("\\newline{}\n")
}

/// A name in typewriter letters, which may be broken behind its points, dashes and brackets.
fn code(words: &str) -> String {
    let mut text = String::from("\\texttt{");
    for character in words.chars() {
        text.push_str(&typed(character, &text));
        if matches!(character, '.' | ',' | '_' | '/' | '[' | '(' | '=' | '-') {
            text.push_str("\\allowbreak{}");
        }
    }
    text + "}"
}

/// A character of program text, which is never joined with its neighbours or turned into a quotation mark.
fn typed(character: char, before: &str) -> String {
    match character {
        '\'' => "\\textquotesingle{}".into(),
        '-' | ',' | '<' | '>' if before.ends_with(character) => {
            format!("{{}}{}", escape_latex(&character.to_string()))
        }
        other => escape_latex(&other.to_string()),
    }
}

/// Program text line by line, its spaces kept; lines that are too long go on in the next.
pub(super) fn listing(text: &str) -> String {
    let mut all = String::from("\\begin{flushleft}\\small\\ttfamily\n");
    for line in text.lines() {
        for part in cut(&shown(line), 84) {
            let mut set = String::new();
            for character in part.chars() {
                match character {
                    ' ' => set.push('~'),
                    other => set.push_str(&typed(other, &set.clone())),
                }
            }
            // An empty box stands for an empty line.
            all.push_str(&format!("\\mbox{{}}{set}\\\\*\n"));
        }
    }
    all + "\\end{flushleft}\n"
}

/// A line as wide as it will be: characters that are named by their number take that name's room.
fn shown(line: &str) -> String {
    let named = |character: char| {
        let set = escape_latex(&character.to_string());
        if set.starts_with("U+") { set } else { character.to_string() }
    };
    line.replace('\t', "    ").chars().map(named).collect()
}
