//! A file as rows: where mathematics stands in it, where a row ends, and the label beside it.
//!
//! A file with displayed mathematics (`$$ … $$`, `\[ … \]`, `\begin{align*} … \end{align*}`) is read within it
//! only, so that a page of LaTeX or Markdown can be handed in as it is; its rows end at `\\`. In any other file
//! every physical line is a row.

use super::names;
use std::ops::Range;

/// A row with its label.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// The bytes of its mathematics.
    pub(super) range: Range<usize>,
    /// The words beside it and the byte where they begin.
    pub(super) label: Option<(String, usize)>,
    /// Whether the row opens a region of its own, and so continues nothing.
    pub(super) opens: bool,
    /// Whether it is written in LaTeX, where `e^2z` is set as e²z.
    pub(super) latex: bool,
}

/// The rows of `text`, and the text with its comments blanked, byte for byte.
pub(super) fn rows(text: &str) -> (Vec<Row>, String) {
    let regions = regions(text);
    let latex = !regions.is_empty();
    let (blanked, comments) = without_comments(text, latex);
    let mut rows = vec![];
    for region in if latex { regions } else { physical_lines(&blanked) } {
        let mut opens = latex;
        for range in broken(&blanked, region) {
            let (range, label) = labelled(&blanked, range, latex);
            if blanked[range.clone()].trim().is_empty() && label.is_none() {
                continue;
            }
            rows.push(Row { range, label, opens, latex });
            opens = false;
        }
    }
    for (at, words) in comments {
        let start = text[..at].rfind('\n').map_or(0, |end| end + 1);
        // The last row that reaches into this line and begins before the comment.
        let beside = rows.iter_mut().rev().find(|row| {
            let written = row.range.start + leading_blank(&blanked[row.range.clone()]);
            written < at && row.range.end > start
        });
        if let Some(row) = beside.filter(|row| row.label.is_none()) {
            let written = blanked[row.range.start.max(start)..row.range.end.min(at)].trim();
            if !written.is_empty() {
                row.label = Some((words, at));
            }
        }
    }
    (rows, blanked)
}

const DISPLAYS: [&str; 12] = [
    "align",
    "align*",
    "aligned",
    "equation",
    "equation*",
    "gather",
    "gather*",
    "eqnarray",
    "eqnarray*",
    "split",
    "multline",
    "multline*",
];

/// Where displayed mathematics stands.
fn regions(text: &str) -> Vec<Range<usize>> {
    let mut found = vec![];
    let mut at = 0;
    while at < text.len() {
        let rest = &text[at..];
        let next = ["$$", "\\[", "\\begin{"]
            .iter()
            .filter_map(|open| Some((rest.find(open)?, *open)))
            .min();
        let Some((offset, open)) = next else { break };
        let start = at + offset + open.len();
        let (start, close) = match open {
            "$$" => (start, "$$".to_string()),
            // `\\[2pt]` is a line break, no display.
            "\\[" if text[..at + offset].ends_with('\\') => {
                at = start;
                continue;
            }
            "\\[" => (start, "\\]".to_string()),
            _ => {
                let name = text[start..].split('}').next().unwrap_or("");
                if !DISPLAYS.contains(&name) {
                    at = start;
                    continue;
                }
                (start + name.len() + 1, format!("\\end{{{name}}}"))
            }
        };
        let start = start.min(text.len());
        let end = text[start..].find(&close).map_or(text.len(), |end| start + end);
        found.push(start..end);
        at = (end + close.len()).min(text.len());
    }
    found
}

fn physical_lines(text: &str) -> Vec<Range<usize>> {
    let mut start = 0;
    let mut lines = vec![];
    for line in text.split_inclusive('\n') {
        let shown = line.trim();
        if !shown.starts_with("```") && !shown.starts_with("~~~") {
            lines.push(start..start + line.trim_end().len());
        }
        start += line.len();
    }
    lines
}

/// The comments (`# …`, `// …`, `% …`) with their bytes; LaTeX knows `%` only.
fn without_comments(text: &str, latex: bool) -> (String, Vec<(usize, String)>) {
    let mut blanked = String::with_capacity(text.len());
    let mut comments = vec![];
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let percent = line.match_indices('%').find(|(at, _)| !line[..*at].ends_with('\\'));
        let other = |sign: &str| line.find(sign).filter(|_| !latex);
        let sign = [percent.map(|(at, _)| at), other("#"), other("//"), other("←"), other("<-- ")]
            .into_iter()
            .flatten()
            .min();
        match sign {
            Some(at) => {
                let words =
                    line[at..].trim().trim_start_matches(['%', '#', '/', '←', '<', '-']).trim();
                if !words.is_empty() {
                    comments.push((start + at, words.to_string()));
                }
                blanked.push_str(&line[..at]);
                blanked
                    .extend(line[at..].bytes().map(|byte| if byte == b'\n' { '\n' } else { ' ' }));
            }
            None => blanked.push_str(line),
        }
        start += line.len();
    }
    (blanked, comments)
}

/// The region parted at `\\`, but not within `cases` or braces.
fn broken(text: &str, region: Range<usize>) -> Vec<Range<usize>> {
    let mut parts = vec![];
    let (mut start, mut at) = (region.start, region.start);
    let mut inside = 0i32;
    while at < region.end {
        let rest = &text[at..region.end];
        if rest.starts_with("\\begin{cases}") || rest.starts_with("\\begin{dcases}") {
            inside += 1;
        } else if rest.starts_with("\\end{cases}") || rest.starts_with("\\end{dcases}") {
            inside -= 1;
        } else if rest.starts_with("\\\\") {
            if inside <= 0 {
                parts.push(start..at);
                start = at + 2;
            }
            at += 2;
            continue;
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    parts.push(start..region.end);
    parts
}

/// The row without its label, and the label.
fn labelled(
    text: &str,
    range: Range<usize>,
    latex: bool,
) -> (Range<usize>, Option<(String, usize)>) {
    let row = &text[range.clone()];
    let found = latex_label(row).or_else(|| if latex { None } else { plain_label(row) });
    let Some(at) = found else { return (range, None) };
    let words = plain_words(&row[at..]);
    let end = range.start + at;
    (range.start..end, (!words.is_empty()).then(|| (words, end + leading_blank(&row[at..]))))
}

fn leading_blank(text: &str) -> usize {
    text.len() - text.trim_start().len()
}

/// Where a label begins that is set as text within mathematics.
fn latex_label(row: &str) -> Option<usize> {
    const OPENINGS: [&str; 7] =
        ["\\text{", "\\mbox{", "\\textit{", "\\textrm{", "\\tag{", "\\tag*{", "\\textbf{"];
    let mut cases = 0i32;
    let mut depth = 0i32;
    let mut at = 0;
    while at < row.len() {
        let rest = &row[at..];
        if rest.starts_with("\\begin{cases}") {
            cases += 1;
        } else if rest.starts_with("\\end{cases}") {
            cases -= 1;
        } else if cases == 0
            && depth == 0
            && let Some(open) = OPENINGS.iter().find(|open| rest.starts_with(**open))
        {
            let inner = rest[open.len()..].split('}').next().unwrap_or("");
            if names::function_name(inner.trim()).is_none() && !inner.trim().is_empty() {
                // A bracket around the words belongs to them.
                return Some(
                    row[..at].trim_end_matches([' ', '(', '[', '&', ',', '\t', '\n']).len(),
                );
            }
        }
        match rest.as_bytes()[0] {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        at += rest.chars().next().map_or(1, char::len_utf8);
    }
    None
}

/// Where a label begins in a plain line: behind a wide gap, in brackets at the end, or at `by`.
fn plain_label(row: &str) -> Option<usize> {
    let body = leading_blank(row);
    for gap in ["\t", "  ", "&&"] {
        for (at, _) in row.match_indices(gap) {
            let rest = row[at..].trim_start_matches([' ', '\t', '&']);
            if at > body && (starts_like_words(rest) || is_equation_beside(&row[..at], rest)) {
                return Some(at);
            }
        }
    }
    let trimmed = row.trim_end();
    let close = trimmed.chars().last().filter(|close| [')', ']', '}'].contains(close));
    if let Some(close) = close {
        let open = match close {
            ')' => " (",
            ']' => " [",
            _ => " {",
        };
        let found = trimmed
            .match_indices(open)
            .find(|(at, _)| *at > body && starts_like_words(&trimmed[at + 2..trimmed.len() - 1]));
        if let Some((at, _)) = found {
            return Some(at);
        }
    }
    row.find(" by ").filter(|at| *at > body)
}

/// True if `rest` is an equation beside a line that is one already: what was put in, `1+e^-z = 1/σ`.
fn is_equation_beside(line: &str, rest: &str) -> bool {
    let operand = |c: char| c.is_alphanumeric() || "()[]{}|'²³".contains(c);
    line.contains('=')
        && line.trim_end().ends_with(operand)
        && rest.starts_with(|c: char| operand(c) && c != ')' && c != ']')
        && rest.contains('=')
}

/// True if a label begins here, rather than more mathematics.
fn starts_like_words(text: &str) -> bool {
    let text = text.trim_start_matches(['(', '[', '{', '-', '–', '—', '|']).trim_start();
    let length = text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len());
    let (word, rest) = text.split_at(length);
    if ["for", "if", "when", "where", "otherwise", "else", "sonst"].contains(&word) {
        return false;
    }
    if ["by", "of"].contains(&word) {
        return true;
    }
    if word.chars().count() < 3 {
        return false;
    }
    if names::function_name(word).is_none() && !["max", "min", "piecewise"].contains(&word) {
        return !rest.starts_with('(');
    }
    // 'log rule' is a label, 'exp z' is none.
    let next: String = rest.trim_start().chars().take_while(|c| c.is_alphabetic()).collect();
    next.chars().count() >= 3 && names::function_name(&next).is_none()
}

/// A label without what only sets it.
fn plain_words(label: &str) -> String {
    let mut words = label.to_string();
    for (written, plain) in [
        ("\\textit", ""),
        ("\\textrm", ""),
        ("\\textbf", ""),
        ("\\text", ""),
        ("\\mbox", ""),
        ("\\tag*", ""),
        ("\\tag", ""),
        ("\\quad", " "),
        ("\\qquad", " "),
        ("\\,", " "),
        ("\\ ", " "),
        ("\\end", " "),
        ("{aligned}", " "),
        ("{align*}", " "),
        ("{align}", " "),
        ("\\cdot", "·"),
        ("\\sigma", "σ"),
        ("\\pm", "+/-"),
    ] {
        words = words.replace(written, plain);
    }
    let words: String = words.chars().filter(|c| !['{', '}', '&', '$', '\\'].contains(c)).collect();
    let words = words.split_whitespace().collect::<Vec<_>>().join(" ");
    let words = words.trim_matches(|c: char| [' ', '|', '—', '–', ',', '.'].contains(&c));
    let inner = [('(', ')'), ('[', ']')]
        .iter()
        .find_map(|(open, close)| words.strip_prefix(*open)?.strip_suffix(*close));
    inner.unwrap_or(words).trim().to_string()
}
