//! Sentences broken into lines at words.

use crate::document::{Inline, Text};
use crate::formula::{columns, wrapped};

/// The text in one run. Names from programs stand as they are; mathematics stands in its one-line form, whose
/// products and brackets are not torn apart at line ends.
pub(in crate::report) fn plain(text: &Text) -> String {
    let mut all = String::new();
    for piece in &text.0 {
        match piece {
            Inline::Plain(words) | Inline::Emphasis(words) | Inline::Strong(words) => {
                all.push_str(&clean(words));
            }
            Inline::Code(words) => all.push_str(&clean(words)),
            Inline::Math(math) => all.push_str(&math.to_string()),
        }
    }
    all
}

/// Characters that would move the cursor, or write over what stands there, become spaces.
pub(super) fn clean(words: &str) -> String {
    words.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// The text as lines of at most `width` columns; a line end within the words is kept.
pub(super) fn paragraph(text: &Text, width: usize) -> Vec<String> {
    let mut pieces = vec![Text::default()];
    for piece in &text.0 {
        match piece {
            Inline::Plain(words) => {
                for (i, part) in words.split('\n').enumerate() {
                    if i > 0 {
                        pieces.push(Text::default());
                    }
                    if let Some(last) = pieces.last_mut() {
                        last.0.push(Inline::Plain(part.into()));
                    }
                }
            }
            other => {
                if let Some(last) = pieces.last_mut() {
                    last.0.push(other.clone());
                }
            }
        }
    }
    pieces.iter().flat_map(|text| wrapped(&plain(text), width, 0)).collect()
}

/// A line that must be kept as it is, over as many lines as it needs.
pub(in crate::report) fn cut(line: &str, width: usize) -> Vec<String> {
    let line = clean(line);
    let mut lines = vec![];
    let mut current = String::new();
    for character in line.chars() {
        let mut bytes = [0; 4];
        if columns(&current) + columns(character.encode_utf8(&mut bytes)) > width {
            lines.push(std::mem::take(&mut current));
        }
        current.push(character);
    }
    lines.push(current);
    lines.iter().map(|line| line.trim_end().to_owned()).collect()
}
