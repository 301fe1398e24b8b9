//! The deep answers as data: what `explain --json` gives under `answers`. Fractions are text, rows count from 0.

use serde::Serialize;

use super::affine::{Attribution, AttributionKind};
use super::along::{Along, Knowledge, Level, Minimum};
use super::convention::OtherConvention;
use super::deep::Deep;
use super::exact::{Numbers, Place, Rational};
use super::sharpness::Sharpness;
use super::why_zero::{Verdict, WhyZero, ZeroGradients};

/// What is known beyond the gradient; null where it was not asked or does not apply.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Answers {
    /// What each input adds to an output, by row.
    pub attributions: Vec<AttributionData>,
    /// The loss as a function of the weight.
    pub along: Option<AlongData>,
    /// Why the weight's gradient is 0.
    pub why_zero: Option<WhyZeroData>,
    /// The weights whose gradients are 0 in every row, by reason.
    pub zero_gradients: Option<Vec<ZeroGroupData>>,
    /// What lies on kinks, and the gradients with the other derivative there.
    pub convention: Option<ConventionData>,
    /// How sharply the loss bends.
    pub sharpness: Option<SharpnessData>,
}

/// What each input adds to an output.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AttributionData {
    /// The row.
    pub row: usize,
    /// The element of the output.
    pub output: usize,
    /// Its value.
    pub value: f64,
    /// The value as a fraction.
    pub exact: Option<String>,
    /// `local_affine`, where parts and rest are the output, or `gradient`.
    pub kind: &'static str,
    /// For each input, what it adds: slope times value.
    pub contributions: Vec<f64>,
    /// The same as fractions.
    pub exact_contributions: Option<Vec<String>>,
    /// The slopes: a row of the effective weights.
    pub slopes: Vec<f64>,
    /// What the biases add, or the remainder.
    pub rest: f64,
    /// The same as a fraction.
    pub exact_rest: Option<String>,
    /// Integrated gradients from a row of zeros, for curved networks.
    pub integrated: Option<Vec<f64>>,
    /// By how much those miss the difference of the outputs.
    pub integrated_error: Option<f64>,
}

/// The loss along a weight.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct AlongData {
    /// The weight's name.
    pub weight: String,
    /// `printed` or `stored`: what numbers were taken to be.
    pub numbers: &'static str,
    /// `exact`, `exact_kinks` or `sampled`.
    pub knowledge: &'static str,
    /// The pieces from left to right.
    pub pieces: Vec<PieceData>,
    /// Where the weight stands.
    pub now: NowData,
    /// The least loss; null where it falls for ever.
    pub least: Option<LevelData>,
    /// Where it is least: first and last value of each stretch, null for infinite ends.
    pub least_at: Vec<[Option<String>; 2]>,
    /// `increase`, `decrease` or `stay`.
    pub advice: &'static str,
    /// The value to move to.
    pub to: Option<String>,
    /// Whether following the slope from here goes that way.
    pub gradient_leads_there: bool,
    /// Points of the curve.
    pub curve: Vec<(f64, f64)>,
}

/// A stretch of the weight and the loss there.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct PieceData {
    /// Where it begins; null for −∞.
    pub from: Option<String>,
    /// Where it ends; null for ∞.
    pub to: Option<String>,
    /// The coefficients of the loss in the weight, lowest power first, as fractions.
    pub coefficients: Option<Vec<String>>,
}

/// Where the weight stands.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct NowData {
    /// The weight.
    pub weight: String,
    /// The loss.
    pub loss: LevelData,
    /// The slope on its left.
    pub slope_left: f64,
    /// The slope on its right.
    pub slope_right: f64,
}

/// A loss.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct LevelData {
    /// In f64.
    pub value: f64,
    /// As a fraction.
    pub exact: Option<String>,
}

/// Why a weight's gradient is 0.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct WhyZeroData {
    /// The weight's name.
    pub weight: String,
    /// `not_zero`, `every_row`, `cancels` or `unused`.
    pub verdict: &'static str,
    /// For each row its share of the gradient.
    pub shares: Vec<f64>,
    /// The reasons.
    pub reasons: Vec<ReasonData>,
}

/// A reason and the rows in which it holds.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ReasonData {
    /// In words.
    pub reason: String,
    /// The rows.
    pub rows: Vec<usize>,
}

/// Weights whose gradients are 0 for the same reasons.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ZeroGroupData {
    /// The weights' names.
    pub weights: Vec<String>,
    /// The reasons.
    pub reasons: Vec<ReasonData>,
}

/// Gradients with another derivative at kinks.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ConventionData {
    /// What lies on a kink.
    pub on_kinks: Vec<OnKinkData>,
    /// The gradients, by parameter.
    pub gradients: Vec<ComparedData>,
}

/// A value on a kink.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct OnKinkData {
    /// The unit.
    pub unit: String,
    /// The row.
    pub row: Option<usize>,
    /// Where the kink is.
    pub at: f64,
    /// The derivative that training takes.
    pub taken: f64,
    /// The other one.
    pub other: f64,
}

/// A parameter's gradient with both, row-major.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ComparedData {
    /// The parameter's key.
    pub key: String,
    /// As training has it.
    pub taken: Vec<f64>,
    /// With the other derivative.
    pub other: Vec<f64>,
}

/// How sharply the loss bends.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct SharpnessData {
    /// The largest eigenvalue of the Hessian.
    pub largest: f64,
    /// The learning rate below which gradient descent does not diverge on the loss's quadratic here.
    pub highest_rate: Option<f64>,
    /// All eigenvalues, descending, where they were computed.
    pub eigenvalues: Option<Vec<f64>>,
    /// How many values lie on a kink.
    pub on_kinks: usize,
    /// How many values cross one within a step at that rate.
    pub crossed: usize,
}

impl Deep {
    /// The answers as data; `None` where nothing was asked.
    pub fn data(&self) -> Option<Answers> {
        let answers = Answers {
            attributions: self.attributions.iter().map(attribution).collect(),
            along: self.along.as_ref().map(along),
            why_zero: self.why_zero.as_ref().map(why_zero),
            zero_gradients: self.zeros.as_ref().map(zero_gradients),
            convention: self.convention.as_ref().map(convention),
            sharpness: self.sharpness.as_ref().map(sharpness),
        };
        let empty = answers.attributions.is_empty()
            && answers.along.is_none()
            && answers.why_zero.is_none()
            && answers.zero_gradients.is_none()
            && answers.convention.is_none()
            && answers.sharpness.is_none();
        (!empty).then_some(answers)
    }
}

fn attribution(found: &Attribution) -> AttributionData {
    let exact = |part: &super::affine::Part| part.exact.as_ref().map(|exact| exact.1.to_string());
    let (kind, integrated, error) = match &found.kind {
        AttributionKind::LocalAffine => ("local_affine", None, None),
        AttributionKind::Gradient { integrated, error, .. } => {
            ("gradient", Some(integrated.clone()), Some(*error))
        }
    };
    AttributionData {
        row: found.row,
        output: found.output,
        value: found.value,
        exact: found.exact.as_ref().map(Rational::to_string),
        kind,
        contributions: found.inputs.iter().map(|part| part.contribution).collect(),
        exact_contributions: found.inputs.iter().map(exact).collect(),
        slopes: found.inputs.iter().map(|part| part.slope).collect(),
        rest: found.rest,
        exact_rest: found.exact_rest.as_ref().map(Rational::to_string),
        integrated,
        integrated_error: error,
    }
}

/// The fraction, or the f64 where a place is none.
fn place(place: &Place) -> String {
    match place.fraction() {
        Some(exact) => exact.to_string(),
        None => format!("{:?}", place.to_f64()),
    }
}

fn level(level: &Level) -> LevelData {
    LevelData { value: level.value, exact: level.exact.as_ref().map(Rational::to_string) }
}

fn along(found: &Along) -> AlongData {
    let pieces = found.pieces.iter().map(|piece| PieceData {
        from: piece.from.as_deref().map(place),
        to: piece.to.as_deref().map(place),
        coefficients: piece
            .polynomial
            .as_ref()
            .map(|law| law.coefficients().iter().map(Rational::to_string).collect()),
    });
    let (least, least_at) = match &found.minimum {
        Minimum::At { loss, stretches } => {
            let ends = stretches
                .iter()
                .map(|stretch| [&stretch.from, &stretch.to].map(|end| end.as_deref().map(place)));
            (Some(level(loss)), ends.collect())
        }
        Minimum::AtEnd { loss, .. } => (Some(level(loss)), vec![]),
        Minimum::Endless { .. } => (None, vec![]),
    };
    AlongData {
        weight: found.weight.to_string(),
        numbers: match found.numbers {
            Numbers::Printed => "printed",
            Numbers::Stored => "stored",
        },
        knowledge: match found.knowledge {
            Knowledge::Exact => "exact",
            Knowledge::ExactKinks => "exact_kinks",
            Knowledge::Sampled { .. } => "sampled",
        },
        pieces: pieces.collect(),
        now: NowData {
            weight: found.now.weight.to_string(),
            loss: level(&found.now.loss),
            slope_left: found.now.slope_left,
            slope_right: found.now.slope_right,
        },
        least,
        least_at,
        advice: found.advice.direction.word(),
        to: found.advice.to.as_ref().map(place),
        gradient_leads_there: found.advice.gradient_leads_there,
        curve: found.curve.clone(),
    }
}

fn why_zero(found: &WhyZero) -> WhyZeroData {
    WhyZeroData {
        weight: found.weight.to_string(),
        verdict: match found.verdict {
            Verdict::NotZero => "not_zero",
            Verdict::EveryRow => "every_row",
            Verdict::Cancels => "cancels",
            Verdict::Unused => "unused",
        },
        shares: found.rows.iter().map(|row| row.share).collect(),
        reasons: found
            .causes()
            .into_iter()
            .map(|(cause, rows)| ReasonData { reason: cause.sentence(), rows })
            .collect(),
    }
}

fn zero_gradients(found: &ZeroGradients) -> Vec<ZeroGroupData> {
    let group = |group: &super::why_zero::ZeroGroup| ZeroGroupData {
        weights: group.weights.iter().map(ToString::to_string).collect(),
        reasons: group
            .causes
            .iter()
            .map(|(cause, rows)| ReasonData { reason: cause.sentence(), rows: rows.clone() })
            .collect(),
    };
    found.groups.iter().map(group).collect()
}

fn convention(found: &OtherConvention) -> ConventionData {
    ConventionData {
        on_kinks: found
            .on_kinks
            .iter()
            .map(|kink| OnKinkData {
                unit: kink.unit.to_string(),
                row: kink.row,
                at: kink.at,
                taken: kink.taken,
                other: kink.other,
            })
            .collect(),
        gradients: found
            .gradients
            .iter()
            .map(|compared| ComparedData {
                key: compared.key.clone(),
                taken: compared.taken.clone(),
                other: compared.other.clone(),
            })
            .collect(),
    }
}

fn sharpness(found: &Sharpness) -> SharpnessData {
    SharpnessData {
        largest: found.largest,
        highest_rate: found.highest_rate,
        eigenvalues: found.eigenvalues.clone(),
        on_kinks: found.on_kinks,
        crossed: found.crossed,
    }
}
