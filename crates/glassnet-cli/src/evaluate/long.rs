//! Measuring on all rows of a table that is larger than memory.

use glassnet::nn::loss::Criterion;
use glassnet::train::{Dataset, Features, Target};
use glassnet::{Error, ErrorKind, Result, Tensor};
use glassnet_data::{EncodeOptions, LongTable, Spill};

use crate::args;
use crate::measured::{self, Measured};
use crate::model::Trained;
use crate::reading;
use crate::scores::Scores;
use crate::terminal::Terminal;

/// The rows that are predicted at once take this part of the memory for the table, as a network reads them.
const SHARE: usize = 8;

/// The most bytes that a row takes beside its answers: its class, its weight.
const ROW: usize = 16;

/// Predicts all rows that have a target, a part at a time, and measures them together. The rows are without their features.
pub(super) fn measure(
    table: &LongTable,
    (trained, criterion, policies): (&Trained, &Criterion, &EncodeOptions),
    scores: &mut Scores,
    (spill, terminal): (&Spill, &Terminal),
) -> Result<(Dataset, Measured)> {
    let preprocessing = &trained.preprocessing;
    let (rows, notes) = table.labelled_rows(preprocessing)?;
    reading::notes(&notes, terminal);
    let shape = scores.output_shape();
    let width: usize = shape.iter().product();
    // The answers, and what the loss makes of them.
    let answers = rows.count().saturating_mul(12 * width + ROW);
    if answers > spill.memory {
        let needed = answers.div_ceil(1_000_000);
        let what = format!("what the model answers for {} rows takes {needed} MB", rows.count());
        return Err(Error::new(ErrorKind::Limit, what)
            .at("--memory")
            .help(format!("give {needed}MB or more, or evaluate a part of the rows")));
    }
    let mut outputs = Vec::with_capacity(rows.count() * width);
    let (mut target, mut weights): (Option<Target>, Option<Vec<f32>>) = (None, None);
    let most = (spill.memory / SHARE / (4 * preprocessing.width().max(1))).max(1);
    for part in rows.parts(most) {
        let encoded = table.encode(preprocessing, &part, policies)?;
        reading::notes(&encoded.notes, terminal);
        let data = measured::dataset(encoded)?;
        outputs.extend_from_slice(scores.predict(data.features())?.data());
        if let Some(more) = data.weights() {
            weights.get_or_insert_default().extend_from_slice(more);
        }
        target = Some(appended(target, data.target())?);
    }
    let target = target.ok_or_else(|| Error::data("there are no rows"))?;
    let all: Vec<usize> = [rows.count()].into_iter().chain(shape).collect();
    let outputs = Tensor::new(all, outputs)?;
    let features = Features::Floats(Tensor::new([rows.count(), 0], vec![])?);
    let data = Dataset::new(features, target)?;
    let data = match weights {
        Some(weights) => data.with_weights(weights)?,
        None => data,
    };
    let target = preprocessing.target();
    let found = measured::measure_outputs(&outputs, scores, criterion, &data, target)?;
    Ok((data, found))
}

fn appended(before: Option<Target>, more: &Target) -> Result<Target> {
    Ok(match (before, more) {
        (Some(Target::Classes(mut all)), Target::Classes(more)) => {
            all.extend_from_slice(more);
            Target::Classes(all)
        }
        (Some(Target::Values(all)), Target::Values(more)) => {
            let rows = all.shape().first().copied().unwrap_or(0);
            let shape = more.shape().iter().enumerate();
            let shape: Vec<usize> =
                shape.map(|(at, &size)| if at == 0 { rows + size } else { size }).collect();
            let mut values = all.into_data();
            values.extend_from_slice(more.data());
            Target::Values(Tensor::new(shape, values)?)
        }
        (Some(Target::Classes(_)), Target::Values(_))
        | (Some(Target::Values(_)), Target::Classes(_)) => {
            return Err(Error::data("the rows have targets of two kinds"));
        }
        (None, more) => more.clone(),
    })
}

/// Refuses what shuffles columns of a table in memory.
pub(super) fn refuse_importance(args: &args::Evaluate, spill: &Spill) -> Result<()> {
    if !args.importance {
        return Ok(());
    }
    let memory = spill.memory / 1_000_000;
    Err(Error::usage(format!(
        "the table is larger than the memory for it ({memory} MB), and a column is shuffled among all rows"
    ))
    .at("--importance")
    .help("give the table more with --memory, or evaluate a part of the rows"))
}
