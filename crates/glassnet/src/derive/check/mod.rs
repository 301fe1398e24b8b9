//! A student's lines judged: each against the line above it, the first against the true derivative.
//!
//! A line is right if its value is the value of the line above, for every value of the variable: decided exactly
//! where that is possible ([`compare`]), else at points, which is said. A wrong line is shown
//! with a point where the two differ, or as one that has no value at all. The lines below a wrong one are still judged
//! against the line before them, or against the last right one: one slip is one wrong line, whether it is carried on
//! or not, and with which line each was compared is kept. A line that could not be compared is neither right nor
//! wrong. Where a function has a kink its derivative is a convention: lines that differ only there are right, and that
//! is said too.

mod document;
mod label;
mod shape;

pub use label::{Convention, LabelJudgement, MarkedLabel};

use super::exact::{Comparison, Piece, compare, compare_on, is_nowhere_defined};
use super::script::cases::UNDEFINED;
use super::script::{Line, Lines, Role};
use crate::error::{Error, Result};
use crate::formula::{Expression, Rational};

/// A file's lines, judged.
#[derive(Clone, Debug, PartialEq)]
pub struct Marked {
    /// Every formula with its judgement, in the file's order.
    pub lines: Vec<MarkedLine>,
    /// The index in `lines` of the first that is wrong.
    pub first_wrong: Option<usize>,
    /// Where the file's labels stand.
    pub convention: Convention,
    /// The variable of the derivatives.
    pub variable: String,
}

/// A formula with its judgement.
#[derive(Clone, Debug, PartialEq)]
pub struct MarkedLine {
    /// The formula as it was read.
    pub line: Line,
    /// Whether it is right.
    pub judgement: Judgement,
    /// Whether the line that it was compared with is wrong itself, or follows a wrong one.
    pub after_wrong: bool,
    /// The words beside it, judged; of a row with several formulas they stand with the one that they fit, or the last.
    pub label: Option<MarkedLabel>,
    /// Where it differs from the line above only by what is taken for the derivative at a kink.
    pub kinks: Vec<Kink>,
    /// The index in [`Marked::lines`] of the line with which it was compared; `None` where it was compared with none.
    pub compared_with: Option<usize>,
}

/// A place where a line and the line above take different derivatives, because there is none.
#[derive(Clone, Debug, PartialEq)]
pub struct Kink {
    /// The place.
    pub at: Rational,
    /// What the line above takes there; `None` if it gives no value.
    pub above: Option<f64>,
    /// What the line takes there; `None` if it gives no value.
    pub here: Option<f64>,
}

/// What was found of a line's value.
#[derive(Clone, Debug, PartialEq)]
pub enum Judgement {
    /// It begins a chain or defines a name: there is nothing to compare it with.
    Given,
    /// Equal to the line above wherever both have a value: decided exactly.
    Exact,
    /// Equal to the line above at many points to many digits; no proof.
    Numeric,
    /// Written behind ≈, and near the line above at every point tried.
    Near,
    /// Different from the line above.
    Wrong {
        /// A point where the two differ.
        at: Vec<(String, Rational)>,
        /// The value of the line above there.
        expected: f64,
        /// The value of this line there.
        found: f64,
    },
    /// It derives another function than the one that was asked about.
    OtherFunction {
        /// What it derives.
        of: Expression,
    },
    /// It has letters that nothing explains.
    Unexplained {
        /// The letters.
        names: Vec<String>,
    },
    /// It has no value, whatever the variables are: it divides by zero, or takes a logarithm of what is negative.
    NoValue,
    /// It could not be compared.
    Undecided {
        /// Why.
        why: String,
    },
}

impl Judgement {
    /// True if the line must be mended.
    pub fn is_wrong(&self) -> bool {
        match self {
            Judgement::Wrong { .. }
            | Judgement::OtherFunction { .. }
            | Judgement::Unexplained { .. }
            | Judgement::NoValue => true,
            Judgement::Given
            | Judgement::Exact
            | Judgement::Numeric
            | Judgement::Near
            | Judgement::Undecided { .. } => false,
        }
    }
}

impl MarkedLine {
    /// True if its value or its label must be mended.
    pub fn is_wrong(&self) -> bool {
        let label = self.label.as_ref().is_some_and(|own| own.judgement.is_wrong());
        self.judgement.is_wrong() || label
    }

    /// True if it could not be compared, so that nothing is said of it.
    pub fn is_undecided(&self) -> bool {
        matches!(self.judgement, Judgement::Undecided { .. })
    }

    fn agrees(&self) -> bool {
        !self.judgement.is_wrong() && !self.is_undecided() && self.judgement != Judgement::Given
    }
}

impl Marked {
    /// The lines that do not follow from the line above, which is wrong, but equal the last right line; with that.
    pub fn right_again(&self) -> impl Iterator<Item = (&MarkedLine, Option<&MarkedLine>)> {
        self.lines.iter().enumerate().filter_map(|(i, line)| {
            let above = i.checked_sub(1);
            let behind_wrong = above
                .and_then(|above| self.lines.get(above))
                .is_some_and(|above| above.judgement.is_wrong() || above.after_wrong);
            let again = behind_wrong && line.agrees() && line.compared_with != above;
            again.then(|| (line, line.compared_with.and_then(|with| self.lines.get(with))))
        })
    }

    /// Whether all lines are right: `None` if none was found wrong but some could not be compared.
    pub fn is_right(&self) -> Option<bool> {
        match self.first_wrong {
            Some(_) => Some(false),
            None if self.lines.iter().any(MarkedLine::is_undecided) => None,
            None => Some(true),
        }
    }
}

/// What the lines below go on from.
struct Above {
    value: Expression,
    /// The last value that was right; other than `value` only behind a wrong line.
    truth: Expression,
    /// What the chain derives, if it is about a derivative.
    of: Option<Expression>,
    wrong: bool,
    /// The indices of the lines of `value` and `truth`; `None` for the formula beside the file.
    lines: [Option<usize>; 2],
}

/// Judges every line. With `formula` the lines must derive that formula.
///
/// # Errors
/// A file in which nothing follows from anything; `formula` without a derivative.
///
/// ```
/// use glassnet::derive::{Reading, Judgement, check_lines, read_lines};
/// let lines = read_lines("d/dz z^3\n= 3z^2\n= 3z*2", &Reading::default())?;
/// let marked = check_lines(&lines, None)?;
/// assert_eq!(marked.lines[1].judgement, Judgement::Exact);
/// assert_eq!(marked.first_wrong, Some(2));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn check_lines(lines: &Lines, formula: Option<&Expression>) -> Result<Marked> {
    if !lines.lines.iter().any(|line| line.role == Role::Next) {
        return Err(Error::usage("no line begins with '=', so there is nothing to check")
            .help("write a step per line: '= …'"));
    }
    let variable = lines.variable.as_str();
    let mut above = match formula {
        Some(formula) => Some(Above {
            value: formula.differentiate(variable)?,
            truth: formula.differentiate(variable)?,
            of: Some(formula.clone()),
            wrong: false,
            lines: [None, None],
        }),
        None => None,
    };
    let mut known = formula.map_or(vec![], Expression::variables);
    known.push(variable.into());
    let mut marked = vec![];
    for line in &lines.lines {
        let next = judge(line, above.as_ref(), formula, &known, variable);
        let value = match &above {
            Some(above) => line.value.substitute(UNDEFINED, &above.value),
            None => line.value.clone(),
        };
        let of = match (line.role, &line.unevaluated, &above) {
            (_, Some(slope), _) => Some(derived_before(&slope.of, slope.order, variable)),
            (Role::Next, None, Some(above)) => above.of.clone(),
            (Role::Next, None, None) | (Role::Begin | Role::Definition, None, _) => None,
        };
        if line.role != Role::Next {
            known.extend(line.value.variables());
        }
        let follows = line.role == Role::Next;
        let wrong = follows && (next.judgement.is_wrong() || next.after_wrong);
        let own = Some(marked.len());
        let (truth, last_right) = match &above {
            Some(above) if wrong => (above.truth.clone(), above.lines[1]),
            Some(_) | None => (value.clone(), own),
        };
        above = Some(Above { value, truth, of, wrong, lines: [own, last_right] });
        marked.push(next);
    }
    let convention = label::judge(&mut marked, &lines.labels, variable);
    let first_wrong = marked.iter().position(MarkedLine::is_wrong);
    Ok(Marked { lines: marked, first_wrong, convention, variable: variable.into() })
}

/// What an `order`-th derivative of `of` is the derivative of; `of` itself if that cannot be had.
fn derived_before(of: &Expression, order: usize, variable: &str) -> Expression {
    (1..order).try_fold(of.clone(), |tree, _| tree.differentiate(variable)).unwrap_or(of.clone())
}

fn judge(
    line: &Line,
    above: Option<&Above>,
    formula: Option<&Expression>,
    known: &[String],
    variable: &str,
) -> MarkedLine {
    let mut marked = MarkedLine {
        line: line.clone(),
        judgement: Judgement::Given,
        after_wrong: false,
        label: None,
        kinks: vec![],
        compared_with: None,
    };
    match (line.role, above) {
        (Role::Definition, _) | (Role::Next, None) => {}
        (Role::Begin, _) => {
            if let (Some(slope), Some(formula)) = (&line.unevaluated, formula) {
                // Of a higher derivative, either the function itself or the one derived last may be meant.
                let last = derived_before(&slope.of, slope.order, variable);
                let other = |tree: &Expression| {
                    matches!(compare(tree, formula), Comparison::Different { .. })
                };
                if other(&slope.of) && other(&last) {
                    marked.judgement = Judgement::OtherFunction { of: slope.of.clone() };
                }
            }
        }
        (Role::Next, Some(above)) => {
            marked.after_wrong = above.wrong;
            let strange = |name: &String| name != UNDEFINED && !known.contains(name);
            let names: Vec<String> = line.value.variables().into_iter().filter(strange).collect();
            if !names.is_empty() {
                marked.judgement = Judgement::Unexplained { names };
            } else {
                (marked.judgement, marked.kinks) = compared(line, &above.value, above, variable);
                marked.compared_with = above.lines[0];
                if above.wrong && !marked.agrees() {
                    // The slip may not have been carried on; and where the wrong line has no value, nothing follows
                    // from it.
                    let nothing_follows = marked.is_undecided();
                    let again = compared(line, &above.truth, above, variable);
                    let right =
                        !again.0.is_wrong() && !matches!(again.0, Judgement::Undecided { .. });
                    if right || nothing_follows {
                        (marked.judgement, marked.kinks) = again;
                        marked.compared_with = above.lines[1];
                        marked.after_wrong = false;
                    }
                }
            }
        }
    }
    marked
}

/// The judgement on a line by the value `other` above it, and the kinks where the two take other conventions.
fn compared(
    line: &Line,
    other: &Expression,
    above: &Above,
    variable: &str,
) -> (Judgement, Vec<Kink>) {
    let value = line.value.substitute(UNDEFINED, other);
    if line.approximate {
        return (near(other, &value, variable), vec![]);
    }
    let kinks = above.of.as_ref().map_or(vec![], |of| kinks(of, variable));
    let silent = kinks.iter().filter(|at| is_silent(line, variable, **at));
    let silent: Vec<Kink> = silent
        .map(|at| Kink { at: *at, above: value_at(other, variable, *at), here: None })
        .collect();
    let comparison = compare(other, &value);
    if let Comparison::Different { at, .. } = &comparison
        && let [(_, place)] = at.as_slice()
        && kinks.contains(place)
        && let Some(judgement) = compared_between(other, &value, variable, &kinks)
    {
        let told = |at: Rational| Kink {
            at,
            above: value_at(other, variable, at),
            here: value_at(&value, variable, at),
        };
        let differing = kinks.into_iter().map(told).filter(|kink| kink.above != kink.here);
        return (judgement, differing.collect());
    }
    match judgement_of(comparison) {
        Judgement::Undecided { .. } if is_nowhere_defined(&value) && !is_nowhere_defined(other) => {
            (Judgement::NoValue, vec![])
        }
        judgement => (judgement, silent),
    }
}

fn judgement_of(comparison: Comparison) -> Judgement {
    match comparison {
        Comparison::Equal => Judgement::Exact,
        Comparison::NumericallyEqual => Judgement::Numeric,
        Comparison::Different { at, left, right } => {
            Judgement::Wrong { at, expected: left, found: right }
        }
        Comparison::Unknown { why } => Judgement::Undecided { why },
    }
}

fn value_at(tree: &Expression, variable: &str, at: Rational) -> Option<f64> {
    tree.evaluate(&[(variable, at.to_f64())]).ok().filter(|value| value.is_finite())
}

/// True if the line gives no value at a place.
fn is_silent(line: &Line, variable: &str, at: Rational) -> bool {
    let with =
        |other: f64| line.value.evaluate(&[(variable, at.to_f64()), (UNDEFINED, other)]).ok();
    with(1.25) == Some(1.25) && with(-7.5) == Some(-7.5)
}

/// The places where the function has a kink: there its derivative is a convention.
pub(super) fn kinks(of: &Expression, variable: &str) -> Vec<Rational> {
    let mut found: Vec<Rational> = of
        .kinks()
        .unwrap_or_default()
        .iter()
        .filter_map(|switch| affine_root(switch, variable))
        .filter(|at| is_kink(of, variable, *at))
        .collect();
    found.sort_by(|a, b| a.to_f64().total_cmp(&b.to_f64()));
    found.dedup();
    found
}

/// The zero of an affine formula.
pub(super) fn affine_root(switch: &Expression, variable: &str) -> Option<Rational> {
    let at =
        |value: i64| switch.substitute(variable, &Expression::integer(value)).tidy().rational();
    let (zero, one, two) = (at(0)?, at(1)?, at(2)?);
    let slope = one.minus(zero)?;
    (two.minus(one)? == slope && !slope.is_zero()).then(|| zero.negative().over(slope)).flatten()
}

/// True if the function's slopes on the two sides differ, or it jumps.
fn is_kink(of: &Expression, variable: &str, at: Rational) -> bool {
    let Ok(slope) = of.differentiate(variable) else { return false };
    let place = at.to_f64();
    let step = 1e-7 * place.abs().max(1.0);
    let differs = |tree: &Expression| {
        let side = |z: f64| tree.evaluate(&[(variable, z)]).unwrap_or(f64::NAN);
        let (left, right) = (side(place - step), side(place + step));
        (left - right).abs() > 1e-5 * (1.0 + left.abs())
    };
    differs(&slope) || differs(of)
}

/// The judgement on all pieces between the kinks; `None` if a piece differs.
fn compared_between(
    left: &Expression,
    right: &Expression,
    variable: &str,
    kinks: &[Rational],
) -> Option<Judgement> {
    let mut ends = vec![None];
    ends.extend(kinks.iter().copied().map(Some));
    ends.push(None);
    let mut judgement = Judgement::Exact;
    for pair in ends.windows(2) {
        let piece = Piece { variable: variable.into(), low: pair[0], high: pair[1] };
        match compare_on(left, right, &piece) {
            Comparison::Equal => {}
            Comparison::NumericallyEqual => judgement = Judgement::Numeric,
            Comparison::Different { .. } | Comparison::Unknown { .. } => return None,
        }
    }
    Some(judgement)
}

/// Whether two formulas are near each other where they were tried: what ≈ claims.
fn near(left: &Expression, right: &Expression, variable: &str) -> Judgement {
    const REACH: f64 = 0.05;
    let mut compared = 0;
    for i in -30..=30 {
        let Some(place) = Rational::new(i, 10) else { continue };
        let names = left.variables().into_iter().chain(right.variables());
        let at: Vec<(String, Rational)> = names
            .map(|name| if name == variable { (name, place) } else { (name, Rational::ONE) })
            .collect();
        let bound: Vec<(&str, f64)> =
            at.iter().map(|(name, value)| (name.as_str(), value.to_f64())).collect();
        let (Ok(expected), Ok(found)) = (left.evaluate(&bound), right.evaluate(&bound)) else {
            continue;
        };
        if !expected.is_finite() || !found.is_finite() {
            continue;
        }
        compared += 1;
        if (expected - found).abs() > REACH * (1.0 + expected.abs()) {
            let mut at = at;
            at.dedup();
            return Judgement::Wrong { at, expected, found };
        }
    }
    match compared {
        0 if is_nowhere_defined(right) && !is_nowhere_defined(left) => Judgement::NoValue,
        0 => Judgement::Undecided {
            why: "there is no point where both formulas have a value".into(),
        },
        _ => Judgement::Near,
    }
}

#[cfg(test)]
mod tests;
