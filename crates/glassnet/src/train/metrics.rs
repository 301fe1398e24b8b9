//! How good predictions are, beside what a trivial predictor reaches.
//!
//! All metrics are computed in f64 from f32 predictions. Names and definitions are scikit-learn's.

use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Metrics of one table. Those that do not apply are absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Metrics {
    /// The mean of the training loss over the rows; `None` for trivial predictors.
    pub loss: Option<f64>,
    /// The part of the rows whose class is right.
    pub accuracy: Option<f64>,
    /// The mean over classes of `2·precision·recall/(precision + recall)`; a class never predicted and never true is
    /// left out, an undefined F1 counts as 0.
    pub macro_f1: Option<f64>,
    /// `−mean(ln p[true class])`, probabilities cut at 2.2e-16.
    pub log_loss: Option<f64>,
    /// The area under the receiver operating characteristic, for two classes: the probability that a row of the second
    /// class gets a higher score than one of the first, ties counting half.
    pub roc_auc: Option<f64>,
    /// The mean absolute error, in the target's units.
    pub mae: Option<f64>,
    /// The root of the mean squared error, in the target's units.
    pub rmse: Option<f64>,
    /// `1 − Σ(y − ŷ)²/Σ(y − ȳ)²`, the mean over targets.
    pub r2: Option<f64>,
}

impl Metrics {
    /// The metrics that apply, by name, in a fixed order.
    pub fn entries(&self) -> Vec<(&'static str, f64)> {
        [
            ("loss", self.loss),
            ("accuracy", self.accuracy),
            ("macro_f1", self.macro_f1),
            ("log_loss", self.log_loss),
            ("roc_auc", self.roc_auc),
            ("mae", self.mae),
            ("rmse", self.rmse),
            ("r2", self.r2),
        ]
        .into_iter()
        .filter_map(|(name, value)| value.map(|value| (name, value)))
        .collect()
    }
}

/// How often each true class (row) was predicted as each class (column).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Confusion {
    /// `counts[true][predicted]`.
    pub counts: Vec<Vec<u64>>,
}

impl Confusion {
    /// Counts `predicted` against `truth`, both class indices below `classes`.
    pub fn count(truth: &[i64], predicted: &[usize], classes: usize) -> Self {
        let mut counts = vec![vec![0; classes]; classes];
        for (&truth, &predicted) in truth.iter().zip(predicted) {
            if let Some(cell) = usize::try_from(truth)
                .ok()
                .and_then(|truth| counts.get_mut(truth))
                .and_then(|row| row.get_mut(predicted))
            {
                *cell += 1;
            }
        }
        Confusion { counts }
    }

    fn accuracy(&self) -> f64 {
        let right: u64 = (0..self.counts.len()).map(|class| self.counts[class][class]).sum();
        let all: u64 = self.counts.iter().flatten().sum();
        right as f64 / all as f64
    }

    fn macro_f1(&self) -> f64 {
        let scores: Vec<f64> = self.per_class().iter().filter_map(|class| class.f1).collect();
        scores.iter().sum::<f64>() / scores.len() as f64
    }

    /// How well each class is found, in the order of the classes.
    ///
    /// ```
    /// use glassnet::train::metrics::Confusion;
    /// let confusion = Confusion { counts: vec![vec![3, 1], vec![0, 4]] };
    /// let first = &confusion.per_class()[0];
    /// assert_eq!((first.rows, first.precision, first.recall), (4, Some(1.0), Some(0.75)));
    /// ```
    pub fn per_class(&self) -> Vec<ClassScores> {
        let scores = |class: usize| {
            let right = self.counts[class][class];
            let rows: u64 = self.counts[class].iter().sum();
            let predicted: u64 = self.counts.iter().map(|row| row[class]).sum();
            let part = |part: u64, of: u64| (of > 0).then(|| part as f64 / of as f64);
            ClassScores {
                rows,
                precision: part(right, predicted),
                recall: part(right, rows),
                f1: part(2 * right, rows + predicted),
            }
        };
        (0..self.counts.len()).map(scores).collect()
    }
}

/// How well one class is found. What would divide by no rows is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct ClassScores {
    /// The rows whose true class it is.
    pub rows: u64,
    /// The part of the rows predicted as this class whose class it is.
    pub precision: Option<f64>,
    /// The part of the rows of this class that are predicted as it.
    pub recall: Option<f64>,
    /// `2·precision·recall/(precision + recall)`, 0 if no row is predicted rightly; `None` for a class never predicted and never true.
    pub f1: Option<f64>,
}

/// The index of the largest score of each row; the first of equals.
pub fn argmax_rows(scores: &Tensor<f32>) -> Vec<usize> {
    let rows = scores.shape().first().copied().unwrap_or(0);
    (0..rows)
        .map(|row| {
            let scores = scores.row(row);
            (0..scores.len()).fold(0, |best, at| if scores[at] > scores[best] { at } else { best })
        })
        .collect()
}

/// Metrics of class scores (logits) against class indices; the loss is left to the caller.
///
/// # Shapes
/// logits `[rows, classes]`, truth `[rows]`.
///
/// # Errors
/// When the numbers of rows differ, there are none, or a row's class has no score.
///
/// ```
/// use glassnet::{Tensor, train::metrics};
/// let logits = Tensor::from_rows(&[[2.0_f32, 0.0], [0.0, 1.0], [1.0, 0.0]])?;
/// let (metrics, confusion) = metrics::classification(&logits, &[0, 1, 1])?;
/// assert_eq!(metrics.accuracy, Some(2.0 / 3.0));
/// assert_eq!(confusion.counts, [[1, 0], [1, 1]]);
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn classification(logits: &Tensor<f32>, truth: &[i64]) -> Result<(Metrics, Confusion)> {
    let &[rows, classes] = logits.shape() else {
        return Err(Error::data(format!(
            "class scores have shape {:?}, expected [rows, classes]",
            logits.shape()
        )));
    };
    if rows != truth.len() {
        return Err(Error::data(format!(
            "{rows} rows of scores for {} rows of classes",
            truth.len()
        )));
    }
    if rows == 0 {
        return Err(Error::data("there are no rows to measure"));
    }
    let outside = |class: &i64| usize::try_from(*class).map_or(true, |class| class >= classes);
    if let Some(row) = truth.iter().position(outside) {
        return Err(Error::data(format!("class {} has no score among {classes}", truth[row]))
            .at(format!("row {row} (counted from 0)")));
    }
    let confusion = Confusion::count(truth, &argmax_rows(logits), classes);
    let log_loss = (0..rows).map(|row| -log_probability(logits.row(row), truth[row])).sum::<f64>()
        / rows as f64;
    let second = |row: usize| f64::from(logits.row(row)[1]) - f64::from(logits.row(row)[0]);
    let roc_auc = if classes == 2 {
        let scores: Vec<f64> = (0..rows).map(second).collect();
        area_under_roc(&scores, truth)
    } else {
        None
    };
    let metrics = Metrics {
        accuracy: Some(confusion.accuracy()),
        macro_f1: Some(confusion.macro_f1()),
        log_loss: Some(log_loss),
        roc_auc,
        ..Metrics::default()
    };
    Ok((metrics, confusion))
}

fn log_probability(logits: &[f32], class: i64) -> f64 {
    let largest = logits.iter().fold(f64::NEG_INFINITY, |m, &z| m.max(f64::from(z)));
    let sum: f64 = logits.iter().map(|&z| libm::exp(f64::from(z) - largest)).sum();
    let own = usize::try_from(class).ok().and_then(|class| logits.get(class));
    let logarithm = own.map_or(f64::NEG_INFINITY, |&z| f64::from(z) - largest - libm::log(sum));
    logarithm.max(libm::log(f64::EPSILON))
}

/// The area under the ROC curve of `scores` for class 1 against class 0, by ranks; `None` unless both occur.
fn area_under_roc(scores: &[f64], truth: &[i64]) -> Option<f64> {
    let mut order: Vec<usize> = (0..scores.len()).collect();
    order.sort_by(|&a, &b| scores[a].total_cmp(&scores[b]));
    let positives = truth.iter().filter(|&&class| class == 1).count() as f64;
    let negatives = truth.len() as f64 - positives;
    let mut rank_sum = 0.0;
    let mut start = 0;
    while start < order.len() {
        let mut end = start;
        while end < order.len() && scores[order[end]] == scores[order[start]] {
            end += 1;
        }
        // Ties share the mean of their ranks, which count from 1.
        let rank = (start + 1 + end) as f64 / 2.0;
        let hits = order[start..end].iter().filter(|&&row| truth[row] == 1).count();
        rank_sum += rank * hits as f64;
        start = end.max(start + 1);
    }
    let defined = positives > 0.0 && negatives > 0.0;
    defined.then(|| (rank_sum - positives * (positives + 1.0) / 2.0) / (positives * negatives))
}

/// Metrics of estimates against values, both in the target's units; the loss is left to the caller.
///
/// # Shapes
/// Both `[rows, targets]`.
///
/// # Errors
/// When the shapes differ, or there are no rows.
pub fn regression(estimates: &Tensor<f32>, truth: &Tensor<f32>) -> Result<Metrics> {
    if estimates.shape() != truth.shape() {
        return Err(Error::data(format!(
            "estimates of shape {:?} for values of shape {:?}",
            estimates.shape(),
            truth.shape()
        )));
    }
    if truth.is_empty() {
        return Err(Error::data("there are no rows to measure"));
    }
    let count = truth.len() as f64;
    let differences =
        || estimates.data().iter().zip(truth.data()).map(|(&p, &t)| f64::from(p) - f64::from(t));
    let absolute: f64 = differences().map(f64::abs).sum();
    let squares: f64 = differences().map(|d| d * d).sum();
    Ok(Metrics {
        mae: Some(absolute / count),
        rmse: Some((squares / count).sqrt()),
        r2: r2(estimates, truth),
        ..Metrics::default()
    })
}

/// `None` where a target does not vary.
fn r2(estimates: &Tensor<f32>, truth: &Tensor<f32>) -> Option<f64> {
    let rows = truth.shape().first().copied().unwrap_or(0);
    let targets = truth.len().checked_div(rows)?;
    let mut total = 0.0;
    for target in 0..targets {
        let column =
            |tensor: &Tensor<f32>, row: usize| f64::from(tensor.data()[row * targets + target]);
        let mean = (0..rows).map(|row| column(truth, row)).sum::<f64>() / rows as f64;
        let spread: f64 = (0..rows).map(|row| (column(truth, row) - mean).powi(2)).sum();
        let error: f64 =
            (0..rows).map(|row| (column(truth, row) - column(estimates, row)).powi(2)).sum();
        if spread == 0.0 {
            return None;
        }
        total += 1.0 - error / spread;
    }
    (targets > 0).then(|| total / targets as f64)
}

/// What always answering the training rows' most frequent class, with their class frequencies as probabilities,
/// reaches on `truth`.
pub fn majority_baseline(training: &[i64], truth: &[i64], classes: usize) -> Metrics {
    let mut counts = vec![0_u64; classes];
    for &class in training {
        if let Some(count) = usize::try_from(class).ok().and_then(|class| counts.get_mut(class)) {
            *count += 1;
        }
    }
    let total: u64 = counts.iter().sum();
    let majority =
        (0..classes).fold(0, |best, at| if counts[at] > counts[best] { at } else { best });
    let confusion = Confusion::count(truth, &vec![majority; truth.len()], classes);
    let log_loss = truth.iter().map(|&class| {
        let count =
            usize::try_from(class).ok().and_then(|class| counts.get(class)).copied().unwrap_or(0);
        -libm::log((count as f64 / total as f64).max(f64::EPSILON))
    });
    Metrics {
        accuracy: Some(confusion.accuracy()),
        macro_f1: Some(confusion.macro_f1()),
        log_loss: Some(log_loss.sum::<f64>() / truth.len() as f64),
        roc_auc: (classes == 2 && [0, 1].iter().all(|class| truth.contains(class))).then_some(0.5),
        ..Metrics::default()
    }
}

/// What always answering the training rows' mean reaches on `truth`.
///
/// # Errors
/// When the numbers of targets differ, or there are no rows.
pub fn mean_baseline(training: &Tensor<f32>, truth: &Tensor<f32>) -> Result<Metrics> {
    if training.is_empty() || training.shape().get(1..) != truth.shape().get(1..) {
        return Err(Error::data(format!(
            "training values of shape {:?} give no mean for values of shape {:?}",
            training.shape(),
            truth.shape()
        )));
    }
    let rows = training.shape().first().copied().unwrap_or(0);
    let targets = training.len().checked_div(rows).unwrap_or(0);
    let means: Vec<f32> = (0..targets)
        .map(|target| {
            let column = training.data().iter().skip(target).step_by(targets);
            (column.map(|&value| f64::from(value)).sum::<f64>() / rows as f64) as f32
        })
        .collect();
    let repeated = means.iter().copied().cycle().take(truth.len()).collect();
    regression(&Tensor::new(truth.shape(), repeated)?, truth)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_agree_with_scikit_learn() -> Result<()> {
        // sklearn.metrics 1.9 on the same numbers: f1_score(average="macro"), log_loss, roc_auc_score, r2_score.
        let logits =
            Tensor::from_rows(&[[1.0_f32, 0.0], [0.0, 0.5], [2.0, 2.0], [0.0, 1.0], [0.3, 0.1]])?;
        let (metrics, _) = classification(&logits, &[0, 1, 1, 0, 1])?;
        let close = |found: Option<f64>, expected: f64| {
            assert!((found.unwrap_or(f64::NAN) - expected).abs() < 1e-7, "{found:?} {expected}");
        };
        close(metrics.accuracy, 0.4);
        close(metrics.macro_f1, 0.4);
        close(metrics.log_loss, 0.718_377_28);
        close(metrics.roc_auc, 0.5);
        let truth = Tensor::new([4, 1], vec![3.0_f32, -0.5, 2.0, 7.0])?;
        let estimates = Tensor::new([4, 1], vec![2.5_f32, 0.0, 2.0, 8.0])?;
        let metrics = regression(&estimates, &truth)?;
        close(metrics.mae, 0.5);
        close(metrics.rmse, 0.612_372_44);
        close(metrics.r2, 0.948_608_137_044_967_9);
        Ok(())
    }

    #[test]
    fn a_classs_scores_agree_with_scikit_learn() {
        // sklearn.metrics.precision_recall_fscore_support([0, 0, 0, 1, 1, 2], [0, 1, 0, 1, 1, 0]).
        let confusion = Confusion::count(&[0, 0, 0, 1, 1, 2], &[0, 1, 0, 1, 1, 0], 3);
        let scores = confusion.per_class();
        let rows: Vec<u64> = scores.iter().map(|class| class.rows).collect();
        assert_eq!(rows, [3, 2, 1]);
        for class in &scores[..2] {
            assert_eq!(class.precision, Some(2.0 / 3.0));
        }
        assert_eq!((scores[0].recall, scores[0].f1), (Some(2.0 / 3.0), Some(2.0 / 3.0)));
        assert_eq!((scores[1].recall, scores[1].f1), (Some(1.0), Some(0.8)));
        // scikit-learn says 0 for the precision, with a warning that it is undefined.
        let never = ClassScores { rows: 1, precision: None, recall: Some(0.0), f1: Some(0.0) };
        assert_eq!(scores[2], never);
    }

    #[test]
    fn ties_share_their_ranks() {
        assert_eq!(area_under_roc(&[1.0, 1.0, 1.0, 1.0], &[0, 1, 0, 1]), Some(0.5));
        assert_eq!(area_under_roc(&[0.0, 1.0, 2.0, 3.0], &[0, 0, 1, 1]), Some(1.0));
        assert_eq!(area_under_roc(&[0.0, 1.0], &[1, 1]), None);
    }

    #[test]
    fn a_class_that_never_occurs_does_not_count_for_f1() {
        let confusion = Confusion::count(&[0, 1], &[0, 1], 3);
        assert_eq!((confusion.accuracy(), confusion.macro_f1()), (1.0, 1.0));
    }
}
