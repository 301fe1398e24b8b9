//! What the numbers of a training mean, in sentences that follow from them.

use glassnet::document::Text;
use glassnet::train::Stopped;
use glassnet::train::metrics::{Confusion, Metrics};

use super::course::validation_loss;
use crate::measured::shown;
use crate::train::finish::{Outcome, Results, epochs_text};

/// The sentences, the most important first.
pub(super) fn sentences(outcome: &Outcome<'_>, results: &Results) -> Vec<Text> {
    let (judged, of) = results.judged();
    let mut all = vec![];
    match &judged.confusion {
        Some(confusion) => {
            all.extend(against_majority(&judged.metrics, &results.baseline, confusion, of));
            let classes = outcome.rows.preprocessing.target().classes().unwrap_or(&[]);
            all.extend(commonest_mistake(confusion, classes));
        }
        None => all.extend(against_mean(&judged.metrics, &results.baseline, of)),
    }
    all.extend(how_far_to_trust(outcome, results));
    all.push(where_it_ended(outcome));
    all.extend(after_the_best(outcome));
    all.extend(gap(results));
    all
}

fn percent(part: f64) -> String {
    format!("{:.1} %", 100.0 * part)
}

/// Is the network better than always answering the most frequent class?
fn against_majority(
    found: &Metrics,
    baseline: &Metrics,
    confusion: &Confusion,
    of: &str,
) -> Vec<Text> {
    let (Some(own), Some(trivial)) = (found.accuracy, baseline.accuracy) else {
        return vec![];
    };
    let rows: u64 = confusion.counts.iter().flatten().sum();
    let right: u64 = (0..confusion.counts.len()).map(|class| confusion.counts[class][class]).sum();
    // Two standard errors of the difference of two independent shares of so many rows.
    let luck = 2.0 * ((own * (1.0 - own) + trivial * (1.0 - trivial)) / rows as f64).sqrt();
    let verdict = if own == trivial {
        "So it is no better than the baseline."
    } else if own < trivial {
        "So it is worse than the baseline."
    } else if own - trivial <= luck {
        "So it is better than the baseline, but by so little that it may be luck."
    } else {
        "So it is better than the baseline, and by more than luck."
    };
    let mut sentences = vec![Text::from(format!(
        "The network answers {right} of the {rows} {of} rows right ({}); always answering the training rows' most \
         frequent class would be right for {}. ",
        percent(own),
        percent(trivial)
    ))
    .strong(verdict)
    .plain(format!(
        " (Two standard errors of the difference are {:.1} percentage points, rows taken as independent.)",
        100.0 * luck
    ))];
    if let (Some(f1), Some(trivial_f1)) = (found.macro_f1, baseline.macro_f1)
        && own <= trivial
        && f1 > trivial_f1
    {
        sentences.push(Text::from(format!(
            "Yet its macro F1 is higher, {} against {}: it finds the rarer classes better than the baseline does.",
            shown(f1),
            shown(trivial_f1)
        )));
    }
    if let (Some(loss), Some(trivial_loss)) = (found.log_loss, baseline.log_loss)
        && loss > trivial_loss
    {
        sentences.push(Text::from(format!(
            "Its probabilities are worse than the training rows' class frequencies: log loss {} against {}.",
            shown(loss),
            shown(trivial_loss)
        )));
    }
    sentences
}

fn commonest_mistake(confusion: &Confusion, classes: &[String]) -> Option<Text> {
    let mut worst = (0, 0, 0);
    for (truth, counts) in confusion.counts.iter().enumerate() {
        for (class, &count) in counts.iter().enumerate() {
            if class != truth && count > worst.2 {
                worst = (truth, class, count);
            }
        }
    }
    let (truth, class, count) = worst;
    let rows: u64 = confusion.counts.get(truth)?.iter().sum();
    let (truth, class) = (classes.get(truth)?, classes.get(class)?);
    (count > 0).then(|| {
        Text::from(format!("Its commonest mistake: {count} of the {rows} rows of "))
            .code(truth.as_str())
            .plain(" are taken for ")
            .code(class.as_str())
            .plain(".")
    })
}

/// Is the network better than always answering the mean?
fn against_mean(found: &Metrics, baseline: &Metrics, of: &str) -> Vec<Text> {
    let (Some(mae), Some(trivial_mae), Some(rmse), Some(trivial_rmse)) =
        (found.mae, baseline.mae, found.rmse, baseline.rmse)
    else {
        return vec![];
    };
    let verdict = if rmse < trivial_rmse {
        format!(
            "So it is better than the baseline: the mean of its squared errors is {} smaller.",
            percent(1.0 - (rmse / trivial_rmse).powi(2))
        )
    } else {
        format!(
            "So it is no better than the baseline: the root of its mean squared error is {} against {}.",
            shown(rmse),
            shown(trivial_rmse)
        )
    };
    vec![Text::from(format!(
        "On the {of} rows the network's answers are off by {} on average; always answering the training rows' mean \
         would be off by {}. ",
        shown(mae),
        shown(trivial_mae)
    ))
    .strong(verdict)]
}

fn how_far_to_trust(outcome: &Outcome<'_>, results: &Results) -> Option<Text> {
    if outcome.record.history.is_empty() {
        return None;
    }
    match (&results.test, &results.validation) {
        (Some(_), _) => None,
        (None, Some(_)) => Some(
            Text::from(
                "The validation rows also decided which epoch's weights are kept, so their scores flatter a little; ",
            )
            .code("--test FILE")
            .plain(" measures rows that decided nothing."),
        ),
        (None, None) => Some(
            Text::from(
                "These rows are those that it learned from: they don't tell how it does on others. ",
            )
            .code("--validation 0.2")
            .plain(" keeps rows aside."),
        ),
    }
}

/// Why the training ended, and which weights are kept.
fn where_it_ended(outcome: &Outcome<'_>) -> Text {
    let record = outcome.record;
    let history = &record.history;
    let (Some(first), Some(last)) = (history.first(), history.last()) else {
        let why = match record.stopped {
            Stopped::Interrupted => "The training was interrupted in its first epoch",
            Stopped::Finished | Stopped::Patience => "No epoch was asked for",
        };
        return Text::from(format!("{why}: the weights are the initial ones."));
    };
    let done = epochs_text(history.len());
    let ended = match record.stopped {
        Stopped::Interrupted => format!("The training was interrupted after {done}. "),
        Stopped::Finished | Stopped::Patience => format!("It trained for {done}. "),
    };
    let best = history.iter().find(|epoch| epoch.epoch == record.best_epoch);
    let Some((best, loss)) = best.and_then(|best| Some((best, validation_loss(best)?))) else {
        let (from, to) = (shown(first.train_loss), shown(last.train_loss));
        let text = Text::from(ended);
        return if history.len() == 1 {
            text.plain(format!("Its training loss was {from}."))
        } else if last.train_loss < first.train_loss {
            text.plain(format!(
                "The training loss fell from {from} in the first epoch to {to} in the last."
            ))
        } else {
            text.plain(format!(
                "The training loss did not fall: it was {from} in the first epoch and {to} in the last. Another "
            ))
            .code("--lr")
            .plain(" may help.")
        };
    };
    let lowest =
        format!("The validation loss was lowest after epoch {}, at {}", best.epoch, shown(loss));
    let since = last.epoch.saturating_sub(best.epoch);
    if since == 0 {
        let text = Text::from(format!("{ended}{lowest}: the last one, so more "));
        return text.code("--epochs").plain(" may lower it further.");
    }
    let stopped = match record.stopped {
        Stopped::Patience => ", which ended the training",
        Stopped::Finished | Stopped::Interrupted => "",
    };
    Text::from(format!(
        "{ended}{lowest}, and did not improve in the {} after it{stopped}. The weights are those of epoch {}.",
        epochs_text(since),
        best.epoch
    ))
}

/// Whether the losses parted after the best epoch.
fn after_the_best(outcome: &Outcome<'_>) -> Option<Text> {
    let history = &outcome.record.history;
    let best = history.iter().find(|epoch| epoch.epoch == outcome.record.best_epoch)?;
    let last = history.last()?;
    let (lowest, end) = (validation_loss(best)?, validation_loss(last)?);
    let parted = end >= lowest && last.epoch > best.epoch && last.train_loss < best.train_loss;
    parted.then(|| {
        Text::from(format!(
            "After that epoch the training loss went on falling, from {} to {}, and the validation loss did not: it \
             ended at {}. What is learned in such epochs does not help on other rows; ",
            shown(best.train_loss),
            shown(last.train_loss),
            shown(end)
        ))
        .code("--dropout")
        .plain(", ")
        .code("--weight-decay")
        .plain(" or fewer ")
        .code("--hidden")
        .plain(" units may.")
    })
}

/// How much better the kept weights do on the rows that they were learned from.
fn gap(results: &Results) -> Option<Text> {
    let (judged, of) = results.judged();
    let (train, other) = (results.train.metrics.loss?, judged.metrics.loss?);
    if of == "training" {
        return None;
    }
    let head = format!(
        "With the weights that are kept the loss is {} on the training rows and {} on the {of} rows",
        shown(train),
        shown(other)
    );
    let compared = if other <= train {
        ": it does no worse on rows that it has not learned from.".into()
    } else if train > 0.0 {
        let times = other / train;
        let more = if times < 2.0 {
            format!("{} higher", percent(times - 1.0))
        } else {
            format!("{times:.1} times as high")
        };
        format!(", {more}: it does so much worse on rows that it has not learned from.")
    } else {
        ": it does worse on rows that it has not learned from.".into()
    };
    Some(Text::from(head + &compared))
}
