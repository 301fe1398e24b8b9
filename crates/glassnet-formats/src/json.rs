//! JSON texts inside files: limits before parsing, and errors that point at bytes.

use glassnet::{Error, Result};
use serde::Serialize;

/// How deep arrays and objects may lie in each other. What glassnet writes is far flatter.
const MAX_DEPTH: usize = 64;

/// Refuses a text whose brackets lie deeper than any honest one's, before a parser sees it.
///
/// Brackets within strings don't count; whether the text is JSON at all is for the parser to say.
pub(crate) fn refuse_deep(text: &[u8], place: impl Fn(usize) -> String) -> Result<()> {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    for (at, &byte) in text.iter().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            _ if in_string => {}
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(Error::model(format!("the JSON is nested deeper than {MAX_DEPTH} levels"))
                .at(place(at))
                .help("save the file again"));
        }
    }
    Ok(())
}

/// The JSON of `value`, which describes a model or a checkpoint (`kind`), once it is sure that it can be read again.
pub(crate) fn write(value: &impl Serialize, kind: &str) -> Result<String> {
    let text = serde_json::to_string(value).map_err(|error| {
        Error::model(format!("the {kind}'s description cannot be written: {error}"))
    })?;
    refuse_deep(text.as_bytes(), |_| format!("the {kind}'s description"))?;
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
    match text.rfind(" at line ") {
        Some(end) => text[..end].to_owned(),
        None => text,
    }
}
