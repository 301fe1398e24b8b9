//! The JSON of a checkpoint: explicit structs of version 1, with numbers that keep every bit.

use std::fmt;

use glassnet::Result;
use glassnet::train::metrics::Metrics;
use glassnet::train::optimizer::SavedState;
use glassnet::train::schedule::{Rate, ScheduleState};
use glassnet::train::{BestWeights, Checkpoint, EpochRecord};
use serde::de::{Deserializer, Visitor};
use serde::ser::Serializer;
use serde::{Deserialize, Serialize};

use super::{BEST, CHECKPOINT_VERSION, Tensors, wrong};
use crate::model::PRODUCER;

/// A float as a JSON number, or as a text where JSON has none: `"nan"`, `"inf"`, `"-inf"`.
#[derive(Clone, Copy)]
struct Exact(f64);

impl Serialize for Exact {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            number if number.is_finite() => serializer.serialize_f64(number),
            number if number.is_nan() => serializer.serialize_str("nan"),
            number if number > 0.0 => serializer.serialize_str("inf"),
            _ => serializer.serialize_str("-inf"),
        }
    }
}

impl<'de> Deserialize<'de> for Exact {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Number;
        impl Visitor<'_> for Number {
            type Value = Exact;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a number, \"nan\", \"inf\" or \"-inf\"")
            }
            fn visit_f64<E>(self, number: f64) -> Result<Exact, E> {
                Ok(Exact(number))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Exact, E> {
                Ok(Exact(number as f64))
            }
            fn visit_i64<E>(self, number: i64) -> Result<Exact, E> {
                Ok(Exact(number as f64))
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Exact, E> {
                match text {
                    "nan" => Ok(Exact(f64::NAN)),
                    "inf" => Ok(Exact(f64::INFINITY)),
                    "-inf" => Ok(Exact(f64::NEG_INFINITY)),
                    _ => Err(E::invalid_value(serde::de::Unexpected::Str(text), &self)),
                }
            }
        }
        deserializer.deserialize_any(Number)
    }
}

/// Everything of a checkpoint that is no tensor.
#[derive(Serialize, Deserialize)]
pub(super) struct Text {
    version: u32,
    producer: String,
    epoch: usize,
    step: u64,
    optimizer: OptimizerText,
    schedule: Option<ScheduleText>,
    best: Option<BestText>,
    history: Vec<EpochText>,
}

#[derive(Serialize, Deserialize)]
struct OptimizerText {
    name: String,
    step: u64,
    mu_product: Option<Exact>,
}

#[derive(Serialize, Deserialize)]
struct ScheduleText {
    base_lr: Exact,
    count: u64,
    lr: Exact,
    momentum: Option<Exact>,
    best: Exact,
    bad_epochs: u64,
    cooldown: u64,
}

#[derive(Serialize, Deserialize)]
struct BestText {
    epoch: usize,
    loss: Exact,
    step: u64,
}

#[derive(Serialize, Deserialize)]
struct EpochText {
    epoch: usize,
    train_loss: Exact,
    validation: Option<MetricsText>,
    lr: Exact,
    improved: bool,
}

#[derive(Serialize, Deserialize)]
struct MetricsText {
    loss: Option<Exact>,
    accuracy: Option<Exact>,
    macro_f1: Option<Exact>,
    log_loss: Option<Exact>,
    roc_auc: Option<Exact>,
    mae: Option<Exact>,
    rmse: Option<Exact>,
    r2: Option<Exact>,
}

impl Text {
    pub(super) fn new(checkpoint: &Checkpoint) -> Self {
        Text {
            version: CHECKPOINT_VERSION,
            producer: PRODUCER.to_owned(),
            epoch: checkpoint.epoch,
            step: checkpoint.step,
            optimizer: OptimizerText {
                name: checkpoint.optimizer.optimizer.clone(),
                step: checkpoint.optimizer.step,
                mu_product: checkpoint.optimizer.mu_product.map(|product| Exact(product.into())),
            },
            schedule: checkpoint.schedule.as_ref().map(ScheduleText::new),
            best: checkpoint.best.as_ref().map(|best| BestText {
                epoch: best.epoch,
                loss: Exact(best.loss),
                step: best.step,
            }),
            history: checkpoint.history.iter().map(EpochText::new).collect(),
        }
    }

    /// The checkpoint of this text and the tensors of the file `name`.
    pub(super) fn with_tensors(self, tensors: Tensors, name: &str) -> Result<Checkpoint> {
        let best = match (self.best, tensors.best) {
            (None, None) => None,
            (Some(text), Some(block)) => {
                Some(BestWeights { epoch: text.epoch, loss: text.loss.0, step: text.step, block })
            }
            (Some(_), None) => return Err(wrong(format!("missing tensor {BEST:?}"), name)),
            (None, Some(_)) => return Err(wrong(format!("unexpected tensor {BEST:?}"), name)),
        };
        Ok(Checkpoint {
            epoch: self.epoch,
            step: self.step,
            block: tensors.block,
            optimizer: SavedState {
                optimizer: self.optimizer.name,
                step: self.optimizer.step,
                mu_product: self.optimizer.mu_product.map(|product| product.0 as f32),
                slots: tensors.slots,
            },
            schedule: self.schedule.map(ScheduleText::state),
            history: self.history.into_iter().map(EpochText::record).collect(),
            best,
        })
    }
}

impl ScheduleText {
    fn new(state: &ScheduleState) -> Self {
        let ScheduleState { base_lr, count, rate, best, bad_epochs, cooldown } = *state;
        let (lr, momentum) = (Exact(rate.lr), rate.momentum.map(Exact));
        let (base_lr, best) = (Exact(base_lr), Exact(best));
        ScheduleText { base_lr, count, lr, momentum, best, bad_epochs, cooldown }
    }

    fn state(self) -> ScheduleState {
        ScheduleState {
            base_lr: self.base_lr.0,
            count: self.count,
            rate: Rate { lr: self.lr.0, momentum: self.momentum.map(|momentum| momentum.0) },
            best: self.best.0,
            bad_epochs: self.bad_epochs,
            cooldown: self.cooldown,
        }
    }
}

impl EpochText {
    fn new(record: &EpochRecord) -> Self {
        EpochText {
            epoch: record.epoch,
            train_loss: Exact(record.train_loss),
            validation: record.validation.as_ref().map(MetricsText::new),
            lr: Exact(record.lr),
            improved: record.improved,
        }
    }

    fn record(self) -> EpochRecord {
        EpochRecord {
            epoch: self.epoch,
            train_loss: self.train_loss.0,
            validation: self.validation.map(MetricsText::metrics),
            lr: self.lr.0,
            improved: self.improved,
        }
    }
}

impl MetricsText {
    fn new(metrics: &Metrics) -> Self {
        let Metrics { loss, accuracy, macro_f1, log_loss, roc_auc, mae, rmse, r2 } = metrics;
        MetricsText {
            loss: loss.map(Exact),
            accuracy: accuracy.map(Exact),
            macro_f1: macro_f1.map(Exact),
            log_loss: log_loss.map(Exact),
            roc_auc: roc_auc.map(Exact),
            mae: mae.map(Exact),
            rmse: rmse.map(Exact),
            r2: r2.map(Exact),
        }
    }

    fn metrics(self) -> Metrics {
        let number = |exact: Option<Exact>| exact.map(|exact| exact.0);
        Metrics {
            loss: number(self.loss),
            accuracy: number(self.accuracy),
            macro_f1: number(self.macro_f1),
            log_loss: number(self.log_loss),
            roc_auc: number(self.roc_auc),
            mae: number(self.mae),
            rmse: number(self.rmse),
            r2: number(self.r2),
        }
    }
}
