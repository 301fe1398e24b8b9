//! Chain under construction: every step is named by a rule that fits and checked before it is kept.

use super::derivation::DerivationStep;
use super::exact::{Comparison, Piece, compare, compare_on};
use super::first::{First, Slopes, first, is_elementary};
use super::rule::Rule;
use super::term::{Monomial, neat, terms};
use super::validate::validate;
use crate::document::Check;
use crate::formula::{Expression, Function, Sign};
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use std::collections::BTreeMap;

/// In which order names are tried for a step that several fit.
const PREFERENCE: [Rule; 15] = [
    Rule::Reorder,
    Rule::Expand,
    Rule::MultiplyOut,
    Rule::Square,
    Rule::Separate,
    Rule::Cancel,
    Rule::PowerLaw,
    Rule::Simplify,
    Rule::Collect,
    Rule::Factor,
    Rule::Divide,
    Rule::CommonDenominator,
    Rule::Definition,
    Rule::Identity,
    Rule::Substitute,
];

/// Derivations with more parts are not shown line by line.
const MAX_PARTS: usize = 16;
/// Lines with more nodes are not written.
const MAX_LINE: usize = 400;

/// A derivation in the making.
pub(super) struct Chain<'a> {
    variable: &'a str,
    piece: Option<&'a Piece>,
    pub(super) parts: Vec<DerivationStep>,
    pub(super) steps: Vec<DerivationStep>,
}

impl<'a> Chain<'a> {
    pub(super) fn new(variable: &'a str, piece: Option<&'a Piece>) -> Chain<'a> {
        Chain { variable, piece, parts: vec![], steps: vec![] }
    }

    /// How the two are equal, if they are.
    fn check(&self, left: &Expression, right: &Expression) -> Option<Check> {
        if right.nodes() > MAX_LINE {
            return None;
        }
        let found = match self.piece {
            Some(piece) => compare_on(left, right, piece),
            None => compare(left, right),
        };
        match found {
            Comparison::Equal => Some(Check::Exact),
            Comparison::NumericallyEqual => Some(Check::Numeric),
            Comparison::Different { .. } | Comparison::Unknown { .. } => None,
        }
    }

    /// The line that stands last.
    pub(super) fn last(&self) -> Option<&Expression> {
        self.steps.last().map(|step| &step.to)
    }

    /// Begins with the outermost rule; false if there is none.
    pub(super) fn begin(&mut self, formula: &Expression) -> bool {
        let variable = self.variable;
        let Some(First { rule, line }) = first(formula, variable, self) else { return false };
        let Some(step) = self.derived(formula, rule, line) else { return false };
        self.steps.push(step);
        true
    }

    fn derived(&self, from: &Expression, rule: Rule, to: Expression) -> Option<DerivationStep> {
        let slope = from.differentiate(self.variable).ok()?;
        let checked = self.check(&slope, &to)?;
        let under = Some(self.variable.to_string());
        validate(rule, from, under.as_deref(), &to).fits().then_some(())?;
        let label = match (rule, from) {
            (Rule::Known, Expression::Call(function, _)) => {
                format!("derivative of {}", function.name())
            }
            (Rule::Known, Expression::Max(_) | Expression::Min(_) | Expression::Piecewise(..)) => {
                "known derivative of the case that holds".to_string()
            }
            (Rule::Constant, Expression::Variable(name)) => format!("derivative of {name}"),
            _ => rule.label().to_string(),
        };
        Some(DerivationStep { from: from.clone(), under, to, rule, label, checked })
    }

    /// The step from the last line to `to`, if a rule's name fits it and it is right.
    fn step(&self, from: &Expression, to: &Expression) -> Option<DerivationStep> {
        let rule = PREFERENCE.into_iter().find(|rule| validate(*rule, from, None, to).fits())?;
        let checked = self.check(from, to)?;
        let label = label(rule, from, to);
        Some(DerivationStep {
            from: from.clone(),
            under: None,
            to: to.clone(),
            rule,
            label,
            checked,
        })
    }

    /// Appends a line; false (and nothing appended) if no name fits or it is not right. A line that is already
    /// the last one needs no step.
    pub(super) fn append(&mut self, to: &Expression) -> bool {
        let Some(from) = self.last().cloned() else { return false };
        if from == *to {
            return true;
        }
        match self.step(&from, to) {
            Some(step) => {
                self.steps.push(step);
                true
            }
            None => false,
        }
    }

    /// Appends a line that the given rule made.
    pub(super) fn append_by(&mut self, rule: Rule, label: Option<String>, to: &Expression) -> bool {
        let Some(from) = self.last().cloned() else { return false };
        if from == *to {
            return true;
        }
        let fits = validate(rule, &from, None, to).fits();
        let Some(checked) = self.check(&from, to).filter(|_| fits) else { return false };
        let label = label.unwrap_or_else(|| self::label(rule, &from, to));
        let step = DerivationStep { from, under: None, to: to.clone(), rule, label, checked };
        self.steps.push(step);
        true
    }

    /// Appends the last of the lines, through as many of those before it as are needed for every step to have a
    /// name; false (and nothing appended) if it can't be reached.
    pub(super) fn reach(&mut self, lines: &[Expression]) -> bool {
        let length = self.steps.len();
        let Some(goal) = lines.last() else { return true };
        for line in lines {
            self.append(line);
        }
        if self.last() == Some(goal) {
            return true;
        }
        self.steps.truncate(length);
        false
    }

    /// Appends all of the lines by their rules, or none.
    pub(super) fn follow(&mut self, lines: &[(Rule, Expression)]) -> bool {
        let length = self.steps.len();
        for (rule, line) in lines {
            if !self.append_by(*rule, None, line) {
                self.steps.truncate(length);
                return false;
            }
        }
        true
    }
}

impl Slopes for Chain<'_> {
    /// The derivative of a part in neat form. One that is not elementary gets a line of its own, once.
    fn of(&mut self, part: &Expression) -> Option<Expression> {
        if let Some(known) = self.parts.iter().rfind(|step| step.from == *part) {
            return Some(known.to.clone());
        }
        if is_elementary(part, self.variable) {
            return Some(neat(&part.differentiate(self.variable).ok()?));
        }
        if self.parts.len() >= MAX_PARTS {
            return None;
        }
        let variable = self.variable;
        let First { rule, line } = first(part, variable, self)?;
        let tidied = neat(&line);
        // The parts of a sum and of a multiple are worth a line, not the sum itself.
        if matches!(rule, Rule::Sum | Rule::ConstantFactor) {
            return Some(tidied);
        }
        // Numbers put together need no line of their own here.
        let step =
            self.derived(part, rule, tidied.clone()).or_else(|| self.derived(part, rule, line))?;
        let slope = step.to.clone();
        self.parts.push(step);
        Some(slope)
    }
}

/// The rule's name with what it did.
fn label(rule: Rule, from: &Expression, to: &Expression) -> String {
    let detail = match rule {
        Rule::Expand => expansion(from, to),
        Rule::Factor => factor(to),
        _ => None,
    };
    detail.unwrap_or_else(|| rule.label().to_string())
}

/// `subtract e^4z and expand by +1 -1`: what of each term was taken from, and what added to, both sides of the sum.
fn expansion(from: &Expression, to: &Expression) -> Option<String> {
    let (from, to) = super::shape::focus(from, to);
    let (before, after) = (terms(&from)?, terms(&to)?);
    let mut order = vec![];
    let mut positive: BTreeMap<String, (Monomial, BigRational)> = BTreeMap::new();
    for (list, sign) in [(&before, -1), (&after, 1)] {
        for term in list.iter().filter(|term| term.coefficient.is_positive()) {
            let key = term.key();
            let own = positive.entry(key.clone()).or_insert_with(|| {
                order.push(key);
                (term.clone(), BigRational::zero())
            });
            own.1 += &term.coefficient * BigRational::from_integer(sign.into());
        }
    }
    let (mut taken, mut added) = (vec![], vec![]);
    for key in order {
        let (mut term, change) = positive.remove(&key)?;
        term.coefficient = change.abs();
        let text = plain(&super::term::write(&[term]));
        if change.is_negative() {
            taken.push(text);
        } else if !change.is_zero() {
            added.push(format!("+{text} -{text}"));
        }
    }
    let parts = [("subtract ", taken.join(", ")), ("expand by ", added.join(", "))];
    let parts: Vec<String> = parts
        .into_iter()
        .filter(|(_, what)| !what.is_empty())
        .map(|(verb, what)| format!("{verb}{what}"))
        .collect();
    (!parts.is_empty()).then(|| parts.join(" and "))
}

fn factor(to: &Expression) -> Option<String> {
    let to = match to {
        Expression::Quotient(top, _) => top,
        to => to,
    };
    let Expression::Product(parts) = to else { return None };
    // All but the last bracket was in front.
    let last = parts.iter().rposition(|part| matches!(part, Expression::Sum(_)))?;
    let mut outside = parts.clone();
    outside.remove(last);
    match outside.len() {
        0 => None,
        1 => Some(format!("factor out {}", plain(&outside[0]))),
        _ => Some(format!("factor out {}", plain(&Expression::Product(outside)))),
    }
}

/// A formula within a label, short and without spaces: `e^4z`, `2e^2z`, `3/2`, `1+e^-z`, `σ` for σ(z).
pub(super) fn plain(tree: &Expression) -> String {
    let bracketed = |tree: &Expression| match tree {
        Expression::Sum(_) | Expression::Negative(_) => format!("({})", plain(tree)),
        tree => plain(tree),
    };
    match tree {
        Expression::Call(Function::Exp, argument) => exponent(argument),
        Expression::Call(Function::Sigmoid, argument)
            if matches!(argument.as_ref(), Expression::Variable(_)) =>
        {
            "σ".to_string()
        }
        Expression::Power(_, argument) if super::validate::is_power_of_e(tree) => {
            exponent(argument)
        }
        Expression::Product(parts) => {
            let texts: Vec<String> = parts.iter().map(bracketed).collect();
            let numbered = matches!(parts.first(), Some(Expression::Number(_)));
            match (numbered, texts.split_first()) {
                (true, Some((first, rest))) => first.clone() + &rest.join("·"),
                _ => texts.join("·"),
            }
        }
        Expression::Quotient(top, bottom) => format!(
            "{}/{}",
            bracketed(top),
            match bottom.as_ref() {
                Expression::Product(_) => format!("({})", plain(bottom)),
                bottom => bracketed(bottom),
            }
        ),
        Expression::Negative(value) => format!("-{}", bracketed(value)),
        Expression::Sum(terms) => {
            let mut text = String::new();
            for (i, term) in terms.iter().enumerate() {
                match (i, term.sign) {
                    (0, Sign::Plus) => {}
                    (_, Sign::Plus) => text.push('+'),
                    (_, Sign::Minus) => text.push('-'),
                }
                text += &bracketed(&term.value);
            }
            text
        }
        tree => tree.unicode(),
    }
}

fn exponent(argument: &Expression) -> String {
    let text = plain(argument);
    let size = match argument {
        Expression::Negative(value) => value.as_ref(),
        other => other,
    };
    let short =
        matches!(size, Expression::Variable(_) | Expression::Number(_) | Expression::Product(_));
    match !short {
        true => format!("e^({text})"),
        false => format!("e^{text}"),
    }
}

/// True for 1.
pub(super) fn is_one(value: &BigRational) -> bool {
    value.is_one()
}
