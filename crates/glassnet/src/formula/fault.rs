//! Errors that point into a formula: the column, and carets under the source.

use crate::error::Error;
use std::ops::Range;

/// A usage error about the bytes `range` of `source`.
pub(super) fn fault(source: &str, range: Range<usize>, what: impl Into<String>) -> Error {
    let column = source[..range.start].chars().count();
    let marked = source[range].chars().count();
    Error::usage(what)
        .at(format!("column {} of the formula", column + 1))
        .pointing(source, column, marked)
}

/// The name nearest to `name` among `known`, if it is near enough to be a slip.
pub(super) fn nearest<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let reach = match name.chars().count() {
        0 | 1 => return None,
        2..=5 => 1,
        6..=8 => 2,
        _ => 3,
    };
    let lower = name.to_lowercase();
    known
        .into_iter()
        // A name of one or two letters is near to everything short, and so tells nothing.
        .filter(|candidate| candidate.chars().count() > 2)
        .map(|candidate| (strsim::osa_distance(&lower, candidate), candidate))
        .filter(|(distance, _)| *distance <= reach)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}
