//! Labels judged: does the name beside a line fit the step?
//!
//! People write a step's name beside the line that it gives, or beside the line that it is applied to. Which of
//! the two a file does is decided by where more of its labels fit.

use super::{Judgement, MarkedLine, shape};
use crate::derive::script::cases::UNDEFINED;
use crate::derive::script::{Label, Role};
use crate::derive::{Rule, Verdict, validate};
use crate::formula::Expression;

/// Where a file's labels stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Convention {
    /// Beside the line that the step gives.
    OnResult,
    /// Beside the line that the step is applied to.
    OnSource,
}

/// A label with what was found of it.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkedLabel {
    /// The label as it was read.
    pub label: Label,
    /// Whether it fits.
    pub judgement: LabelJudgement,
}

/// What was found of a label.
#[derive(Clone, Debug, PartialEq)]
pub enum LabelJudgement {
    /// It names what was done.
    Fits(Rule),
    /// It names something else.
    Wrong {
        /// What it names.
        rule: Rule,
        /// Why it does not fit, in a sentence without a final stop.
        why: String,
        /// The rules whose names would fit.
        really: Vec<Rule>,
    },
    /// It names no rule that is known here; nothing is said of it.
    NoRule,
    /// There is no step beside it, or none that is right.
    NoStep,
}

impl LabelJudgement {
    /// True for a name that does not fit.
    pub fn is_wrong(&self) -> bool {
        match self {
            LabelJudgement::Wrong { .. } => true,
            LabelJudgement::Fits(_) | LabelJudgement::NoRule | LabelJudgement::NoStep => false,
        }
    }
}

impl MarkedLabel {
    /// What is wrong with the label, in a sentence; `None` if nothing is.
    pub fn complaint(&self) -> Option<String> {
        let LabelJudgement::Wrong { why, really, .. } = &self.judgement else { return None };
        let words = &self.label.words;
        let names: Vec<&str> = really.iter().take(3).map(|rule| rule.label()).collect();
        Some(match names.as_slice() {
            [] => format!("'{words}' does not name the step: {why}."),
            names => format!(
                "'{words}' does not name the step: {why}. A fitting name is: {}.",
                names.join(", or ")
            ),
        })
    }
}

/// A step from one line to another.
struct Step {
    from: Expression,
    under: Option<String>,
    to: Expression,
    /// The line that it gives.
    target: usize,
}

/// Judges the labels where they fit better, and attaches them to the lines.
pub(super) fn judge(lines: &mut [MarkedLine], labels: &[Label], variable: &str) -> Convention {
    let judged = |convention| -> Vec<(usize, LabelJudgement)> {
        labels.iter().map(|label| judged(lines, label, variable, convention)).collect()
    };
    let (on_result, on_source) = (judged(Convention::OnResult), judged(Convention::OnSource));
    let fits = |judged: &[(usize, LabelJudgement)]| {
        judged.iter().filter(|(_, own)| matches!(own, LabelJudgement::Fits(_))).count()
    };
    let source = fits(&on_source) > fits(&on_result);
    for (label, (line, judgement)) in labels.iter().zip(if source { on_source } else { on_result })
    {
        if let Some(line) = lines.get_mut(line) {
            line.label = Some(MarkedLabel { label: label.clone(), judgement });
        }
    }
    if source { Convention::OnSource } else { Convention::OnResult }
}

/// The line that the label stands with, and what was found.
fn judged(
    lines: &[MarkedLine],
    label: &Label,
    variable: &str,
    convention: Convention,
) -> (usize, LabelJudgement) {
    let Some(last) = lines.iter().rposition(|line| line.line.row == label.row) else {
        return (lines.len(), LabelJudgement::NoStep);
    };
    let named = names(&label.words);
    if named.is_empty() {
        return (last, LabelJudgement::NoRule);
    }
    let steps: Vec<Step> = match convention {
        Convention::OnResult => (0..lines.len())
            .filter(|target| lines[*target].line.row == label.row)
            .filter_map(|target| step(lines, target, variable))
            .collect(),
        Convention::OnSource => step(lines, last + 1, variable).into_iter().collect(),
    };
    if steps.is_empty() {
        return (last, LabelJudgement::NoStep);
    }
    let mut refused = None;
    for rule in &named {
        for step in &steps {
            match fits(*rule, step) {
                Verdict::Fits => {
                    let beside = match convention {
                        Convention::OnResult => step.target,
                        Convention::OnSource => last,
                    };
                    return (beside, LabelJudgement::Fits(*rule));
                }
                Verdict::DoesNotFit { why } => refused = refused.or(Some((*rule, why))),
            }
        }
    }
    let fitting = |rule: &Rule| {
        steps.iter().any(|step| validate(*rule, &step.from, step.under.as_deref(), &step.to).fits())
    };
    match refused {
        Some((rule, why)) => {
            let really = Rule::all().filter(fitting).collect();
            (last, LabelJudgement::Wrong { rule, why, really })
        }
        None => (last, LabelJudgement::NoStep),
    }
}

/// Whether a rule's name fits a step.
fn fits(rule: Rule, step: &Step) -> Verdict {
    let verdict = validate(rule, &step.from, step.under.as_deref(), &step.to);
    match (&verdict, shape::second_look(rule, &step.from, step.under.as_deref(), &step.to)) {
        (Verdict::DoesNotFit { .. }, Some(None)) => Verdict::Fits,
        (Verdict::Fits, Some(Some(why))) => Verdict::DoesNotFit { why: why.into() },
        (Verdict::Fits | Verdict::DoesNotFit { .. }, _) => verdict,
    }
}

/// The step that gives line `target`, if that is right.
fn step(lines: &[MarkedLine], target: usize, variable: &str) -> Option<Step> {
    let (from, to) = (lines.get(target.checked_sub(1)?)?, lines.get(target)?);
    let right = match to.judgement {
        Judgement::Exact | Judgement::Numeric => to.line.role == Role::Next,
        Judgement::Given
        | Judgement::Near
        | Judgement::Wrong { .. }
        | Judgement::OtherFunction { .. }
        | Judgement::Unexplained { .. }
        | Judgement::NoValue
        | Judgement::Undecided { .. } => false,
    };
    let known = |tree: &Expression| !tree.contains(UNDEFINED);
    // A line that is right again behind a wrong one does not follow from it.
    let follows = !from.judgement.is_wrong() || to.after_wrong;
    if !right || !follows || !known(&from.line.value) || !known(&to.line.value) {
        return None;
    }
    let (from, under, to) = match (&from.line.unevaluated, &to.line.unevaluated) {
        // What is derived is rewritten first.
        (Some(from), Some(to)) if from.order == to.order => (from.of.clone(), None, to.of.clone()),
        (Some(slope), _) => {
            let inner = super::derived_before(&slope.of, slope.order, variable);
            (inner, Some(variable.to_string()), to.line.value.clone())
        }
        (None, _) => (from.line.value.clone(), None, to.line.value.clone()),
    };
    Some(Step { from, under, to, target })
}

/// The rules that a label names: the whole of it, or its parts.
fn names(words: &str) -> Vec<Rule> {
    if let Some(rule) = Rule::parse(words) {
        return vec![rule];
    }
    let mut parts: Vec<String> = vec![words.to_string()];
    for separator in [";", " and then ", " then ", " and ", ",", " & ", " + "] {
        parts = parts.iter().flat_map(|part| part.split(separator).map(str::to_string)).collect();
        // The fewest cuts under which every part is a name, or some part at least.
        if parts.len() > 1 && parts.iter().all(|part| Rule::parse(part.trim()).is_some()) {
            break;
        }
    }
    parts.iter().filter_map(|part| Rule::parse(part.trim())).collect()
}
