//! Sentences as HTML; everything that came from a user is escaped here.

use crate::document::{Inline, Text};

/// Characters that HTML would read as its own are written as references; control characters become spaces.
pub(super) fn escape(words: &str) -> String {
    let mut text = String::new();
    for character in words.chars() {
        match character {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&#39;"),
            '\n' | '\t' => text.push(character),
            control if control.is_control() => text.push(' '),
            other => text.push(other),
        }
    }
    text
}

/// The text as HTML within a line.
pub(super) fn inline(text: &Text) -> String {
    text.0
        .iter()
        .map(|piece| match piece {
            Inline::Plain(words) => escape(words).replace('\n', "<br>\n"),
            Inline::Emphasis(words) => format!("<em>{}</em>", escape(words)),
            Inline::Strong(words) => format!("<strong>{}</strong>", escape(words)),
            Inline::Code(words) => format!("<code>{}</code>", escape(words)),
            Inline::Math(math) => math.mathml(false),
        })
        .collect()
}

/// The text without any marks, not escaped.
pub(super) fn plain(text: &Text) -> String {
    text.to_string()
}
