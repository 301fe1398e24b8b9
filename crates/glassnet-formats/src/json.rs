//! JSON texts inside files: limits before parsing, and errors that point at bytes.

use glassnet::{Error, Result};
use serde::Serialize;

use crate::message::short;

/// How deep arrays and objects may lie in each other. What glassnet writes is far flatter.
const MAX_DEPTH: usize = 64;

/// How many values a text may hold. A parsed value takes many times the memory of its text, so that a file's length
/// alone is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct MaxValues(pub(crate) usize);

impl MaxValues {
    /// For a header (five and more for a tensor) and for descriptions.
    pub(crate) const USUAL: MaxValues = MaxValues(1_000_000);
    /// For a checkpoint's history (up to fourteen for an epoch).
    pub(crate) const HISTORY: MaxValues = MaxValues(10_000_000);
}

/// Refuses a text whose brackets lie deeper, or that has more values, than any honest one, before a parser sees it.
///
/// Brackets and commas within strings don't count; whether the text is JSON at all is for the parser to say.
pub(crate) fn refuse_huge(
    text: &[u8],
    most: MaxValues,
    place: impl Fn(usize) -> String,
) -> Result<()> {
    let (mut depth, mut commas, mut in_string, mut escaped) = (0_usize, 0_usize, false, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            b',' => commas += 1,
            _ => {}
        }
        let what = if depth > MAX_DEPTH {
            format!("the JSON is nested deeper than {MAX_DEPTH} levels")
        } else if commas >= most.0 {
            format!("the JSON has more than {} values", most.0)
        } else {
            continue;
        };
        return Err(Error::model(what).at(place(at)).help("save the file again"));
    }
    Ok(())
}

/// The JSON of `value`, which describes a model or a checkpoint (`kind`), once it is sure that it can be read again.
pub(crate) fn write(value: &impl Serialize, most: MaxValues, kind: &str) -> Result<String> {
    let text = serde_json::to_string(value).map_err(|error| {
        Error::model(format!("the {kind}'s description cannot be written: {error}"))
    })?;
    refuse_huge(text.as_bytes(), most, |_| format!("the {kind}'s description"))?;
    Ok(text)
}

/// Where in `text` a parser stopped, counted in bytes from 0.
pub(crate) fn byte_of(error: &serde_json::Error, text: &[u8]) -> usize {
    let before: usize = text
        .split_inclusive(|&byte| byte == b'\n')
        .take(error.line().saturating_sub(1))
        .map(<[u8]>::len)
        .sum();
    (before + error.column().saturating_sub(1)).min(text.len())
}

/// What a parser says, without its line and column.
pub(crate) fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    short(&text[..end])
}
