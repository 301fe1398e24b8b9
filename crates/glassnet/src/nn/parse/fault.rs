//! Errors that point into a network's text: line, column, carets.

use crate::error::Error;
use std::ops::Range;

/// The most characters of what is wrong: it may repeat a name of any length.
const MOST: usize = 300;

/// A usage error about the bytes `range` of `source`.
pub(super) fn fault(source: &str, range: Range<usize>, what: impl Into<String>) -> Error {
    let start = range.start.min(source.len());
    let line_start = source[..start].rfind('\n').map_or(0, |at| at + 1);
    let line_end = source[start..].find('\n').map_or(source.len(), |at| start + at);
    let line = source[line_start..line_end].trim_end();
    let column = source[line_start..start].chars().count();
    let marked = source[start..range.end.clamp(start, line_end)].chars().count();
    let place = if source.trim_end().contains('\n') {
        let number = source[..start].matches('\n').count() + 1;
        format!("line {number}, column {} of the network", column + 1)
    } else {
        format!("column {} of the network", column + 1)
    };
    let mut what: String = what.into();
    if let Some((end, _)) = what.char_indices().nth(MOST) {
        what.truncate(end);
        what.push('…');
    }
    Error::usage(what).at(place).pointing(line, column, marked)
}

/// The name nearest to `name` among `known`, if it is near enough to be a slip.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = match name.chars().count() {
        // Long names are no slip, and comparing them takes time.
        0 | 1 | 41.. => return None,
        2..=5 => 2,
        _ => 3,
    };
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|candidate| (strsim::osa_distance(&lower, &candidate.to_lowercase()), candidate))
        .filter(|(distance, candidate)| *distance <= reach && *distance < candidate.len())
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
