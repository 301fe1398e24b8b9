//! The course of a training: curves of loss and learning rate.

use glassnet::document::{
    Axis, Block, Document, Figure, Mark, NoteKind, Plot, Scale, Series, Style,
};
use glassnet::train::EpochRecord;

use glassnet_data::shortest;

use crate::measured::shown;
use crate::train::finish::Outcome;

/// The most epochs that are drawn one by one.
const DRAWN: usize = 500;

/// Losses this many times apart are drawn over powers of ten.
const WIDE: f64 = 20.0;

/// Appends the section, if there is a course to see.
pub(super) fn section(document: &mut Document, outcome: &Outcome<'_>) {
    let history = &outcome.record.history;
    if history.len() < 2 {
        return;
    }
    document.section("Course");
    document.push(Block::Figure(losses(history, outcome.record.best_epoch)));
    if history.iter().any(|record| record.lr != history[0].lr) {
        document.push(Block::Figure(learning_rate(history)));
    }
    if history.len() > DRAWN {
        let text = format!(
            "Of {} epochs, not all are drawn: of each run of {} the lowest and the highest value are. ",
            history.len(),
            width(history.len()),
        );
        let text = glassnet::document::Text::from(text).code("--history FILE");
        document.note(NoteKind::Omitted, text.plain(" writes all of them."));
    }
}

/// The validation loss of an epoch.
pub(super) fn validation_loss(record: &EpochRecord) -> Option<f64> {
    record.validation.as_ref().and_then(|metrics| metrics.loss)
}

fn losses(history: &[EpochRecord], best_epoch: usize) -> Figure {
    let at = |record: &EpochRecord| record.epoch as f64;
    let training: Vec<(f64, f64)> =
        history.iter().map(|record| (at(record), record.train_loss)).collect();
    let validation: Vec<(f64, f64)> = history
        .iter()
        .filter_map(|record| validation_loss(record).map(|loss| (at(record), loss)))
        .collect();
    let all = || training.iter().chain(&validation).map(|(_, loss)| *loss);
    let (low, high) = all()
        .filter(|loss| loss.is_finite())
        .fold((f64::INFINITY, 0.0f64), |(low, high), loss| (low.min(loss), high.max(loss)));
    let wide = low > 0.0 && high / low > WIDE;
    let best = validation.iter().find(|(epoch, _)| *epoch == best_epoch as f64).copied();
    let ends = |points: &[(f64, f64)]| {
        let end = |point: Option<&(f64, f64)>| point.map_or(f64::NAN, |(_, loss)| *loss);
        format!("goes from {} to {}", shown(end(points.first())), shown(end(points.last())))
    };
    let mut alternative =
        format!("Loss over {} epochs: the training loss {}", history.len(), ends(&training));
    let mut series = vec![Series::line("training", thinned(&training))];
    if !validation.is_empty() {
        alternative += &format!(", the validation loss {}", ends(&validation));
        let points = thinned(&validation);
        series.push(Series { name: "validation".into(), points, style: Style::Dashed });
    }
    if let Some((epoch, loss)) = best {
        alternative += &format!("; it is lowest after epoch {epoch}, at {}", shown(loss));
    }
    let mut caption = String::from(
        "The loss by epoch. That of training is the mean over the epoch's batches, each before its step",
    );
    caption += if validation.is_empty() {
        "."
    } else {
        " and with dropout if there is any; that of the validation rows is measured after the epoch, \
         so that it may be the lower one."
    };
    Figure {
        caption: caption.into(),
        alternative: alternative + ".",
        plot: Plot {
            x: Axis::new("epoch"),
            y: Axis {
                scale: if wide { Scale::Logarithmic } else { Scale::Linear },
                ..Axis::new("loss")
            },
            series,
            marks: best
                .map(|at| Mark { at, label: format!("best: epoch {}", at.0).into() })
                .into_iter()
                .collect(),
        },
    }
}

fn learning_rate(history: &[EpochRecord]) -> Figure {
    let points: Vec<(f64, f64)> =
        history.iter().map(|record| (record.epoch as f64, record.lr)).collect();
    let rates = || points.iter().map(|(_, rate)| *rate).filter(|rate| *rate > 0.0);
    let (low, high) = (rates().fold(f64::INFINITY, f64::min), rates().fold(0.0, f64::max));
    let scale = if high / low > WIDE { Scale::Logarithmic } else { Scale::Linear };
    Figure {
        caption: "The learning rate of each epoch's last step.".into(),
        alternative: format!(
            "The learning rate over {} epochs goes from {} to {}; it is {} at most.",
            history.len(),
            shortest(history[0].lr as f32),
            shortest(history[history.len() - 1].lr as f32),
            shortest(high as f32),
        ),
        plot: Plot {
            x: Axis::new("epoch"),
            y: Axis { scale, ..Axis::new("learning rate") },
            series: vec![Series::line("learning rate", thinned(&points))],
            marks: vec![],
        },
    }
}

/// How many epochs share two drawn points.
fn width(epochs: usize) -> usize {
    epochs.div_ceil(DRAWN / 2)
}

/// The points, or of each run of neighbours the lowest and the highest where there are too many: spikes stay to be seen.
fn thinned(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= DRAWN {
        return points.to_vec();
    }
    let mut kept = vec![];
    for run in points.chunks(width(points.len())) {
        let by_loss = |a: &&(f64, f64), b: &&(f64, f64)| a.1.total_cmp(&b.1);
        let mut ends: Vec<(f64, f64)> = [run.iter().min_by(by_loss), run.iter().max_by(by_loss)]
            .into_iter()
            .flatten()
            .copied()
            .collect();
        ends.sort_by(|a, b| a.0.total_cmp(&b.0));
        ends.dedup();
        kept.extend(ends);
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_course_keeps_its_spikes_and_order() {
        let mut points: Vec<(f64, f64)> = (1..=10_007).map(|at| (f64::from(at), 1.0)).collect();
        points[7_777].1 = 50.0;
        points[3].1 = -2.0;
        let kept = thinned(&points);
        assert!(kept.len() <= DRAWN, "{}", kept.len());
        assert!(kept.contains(&(7_778.0, 50.0)) && kept.contains(&(4.0, -2.0)));
        assert!(kept.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert_eq!(thinned(&points[..DRAWN]), points[..DRAWN]);
    }
}
