//! Texts of a file within messages: a line is for reading, however long a hostile name is.

/// The most characters of a text that a message repeats.
const MAX: usize = 200;

/// `text`, cut where it is too long to be read.
pub(crate) fn short(text: &str) -> String {
    match text.char_indices().nth(MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// [`short`] in quotation marks, with escapes for what cannot be printed.
pub(crate) fn quoted(text: &str) -> String {
    format!("{:?}", short(text))
}
