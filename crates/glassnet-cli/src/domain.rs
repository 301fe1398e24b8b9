//! `--domain`: intervals in words, or the box of a table's rows.

use std::path::{Path, PathBuf};

use glassnet::simplify::Domain;
use glassnet::{Error, Result, Tensor};

use crate::args::{Gaps, Reading, Unseen};
use crate::model::Model;
use crate::terminal::Terminal;
use crate::{predict, reading};

/// The domain that `text` gives for a model: `lo..hi` for all inputs, or one for each with commas between; `@FILE` or a
/// file's name for the box of its rows, wider on both sides by the share `margin` of its width.
///
/// # Errors
/// When the text is neither; when a table doesn't fit the model.
pub(crate) fn read(
    text: &str,
    inputs: usize,
    model: &Model,
    margin: f64,
    reading: &Reading,
    terminal: &Terminal,
) -> Result<Domain> {
    let path = Path::new(text.strip_prefix('@').unwrap_or(text));
    if text.starts_with('@') || path.is_file() {
        return of_data(path, model, margin, reading, terminal);
    }
    plain(text, inputs)
}

/// As [`read`], of intervals alone.
pub(crate) fn plain(text: &str, inputs: usize) -> Result<Domain> {
    let bad = |what: String| {
        Error::usage(what)
            .at("--domain")
            .help("write lo..hi for all inputs such as 0..inf, one for each with commas between, or @FILE")
    };
    let interval = |part: &str| {
        let ends = part.split_once("..").and_then(|(lo, hi)| {
            Some((lo.trim().parse::<f64>().ok()?, hi.trim().parse::<f64>().ok()?))
        });
        ends.ok_or_else(|| bad(format!("{part:?} is no interval, and no file is called so")))
    };
    let mut ends: Vec<(f64, f64)> = text.split(',').map(interval).collect::<Result<_>>()?;
    if let [one] = ends[..] {
        ends = vec![one; inputs];
    }
    if ends.len() != inputs {
        return Err(bad(format!("there are {} intervals for {inputs} inputs", ends.len())));
    }
    Domain::of(ends).map_err(|error| crate::usage::at_flag(error, "--domain"))
}

/// The box of a table's rows.
fn of_data(
    path: &Path,
    model: &Model,
    margin: f64,
    reading: &Reading,
    terminal: &Terminal,
) -> Result<Domain> {
    box_of(&rows(path, model, reading, terminal)?, path, margin)
}

/// The box of the rows that the table at `path` has, wider on both sides by the share `margin` of its width.
pub(crate) fn box_of(rows: &Tensor<f32>, path: &Path, margin: f64) -> Result<Domain> {
    if !(0.0..=1e6).contains(&margin) {
        return Err(Error::usage("the margin is no share of at least 0")
            .at("--margin")
            .help("give a number such as 0.1"));
    }
    let width: usize = rows.shape()[1..].iter().product();
    let mut ends = vec![(f64::INFINITY, f64::NEG_INFINITY); width];
    for row in rows.data().chunks(width.max(1)) {
        for (end, value) in ends.iter_mut().zip(row) {
            let value = f64::from(*value);
            *end = (end.0.min(value), end.1.max(value));
        }
    }
    let widen = |(lo, hi): (f64, f64)| (lo - margin * (hi - lo), hi + margin * (hi - lo));
    Domain::of(ends.into_iter().map(widen))
        .map_err(|_| Error::data("the table has no rows").at(path.display().to_string()))
}

/// A table's rows as the model's network takes them.
pub(crate) fn rows(
    path: &Path,
    model: &Model,
    reading: &Reading,
    terminal: &Terminal,
) -> Result<Tensor<f32>> {
    let files: [PathBuf; 1] = [path.to_owned()];
    let options = reading::options(reading)?;
    match model {
        Model::Bare(_) => predict::matrix(&files, &options, false, terminal),
        Model::Trained(trained) => {
            let preprocessing = &trained.preprocessing;
            let table =
                reading::table(&files, &preprocessing.csv_options(&options, false), terminal)?;
            let rows: Vec<usize> = (0..table.rows()).collect();
            let policies = predict::policies(Unseen::Ignore, Gaps::Fill, false);
            Ok(preprocessing.encode_owned(table, &rows, &policies)?.features)
        }
    }
}
