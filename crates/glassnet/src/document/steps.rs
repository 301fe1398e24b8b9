//! A derivation or calculation, line by line.

use super::Text;
use crate::formula::{Math, Operator};

/// `start = … = …`, a line each, with the names of the rules.
///
/// A step's label stands on the line that the rule gives: 'quotient rule' beside the line that the quotient rule
/// made from the line above.
#[derive(Clone, Debug, PartialEq)]
pub struct Steps {
    /// What the lines are about: the left side, as `d/dz tanh(z)`.
    pub start: Math,
    /// The lines.
    pub steps: Vec<Step>,
}

/// A line of a derivation.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// What stands between this line and the one above: `=`, `≈`, `⇒`.
    pub relation: Operator,
    /// The line.
    pub value: Math,
    /// The rule that made it from the line above; may be empty.
    pub label: Text,
    /// How it was checked, where it was.
    pub check: Option<Check>,
}

/// How a line was checked against the one above.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// Equal for every value, decided exactly.
    Exact,
    /// Equal at many points as far as the arithmetic tells; no proof.
    Numeric,
    /// Not equal.
    Wrong,
}

impl Check {
    /// The word that tells it.
    pub fn word(self) -> &'static str {
        match self {
            Check::Exact => "checked exactly",
            Check::Numeric => "checked numerically only",
            Check::Wrong => "wrong",
        }
    }

    /// The sign that tells it beside a line.
    pub fn sign(self) -> &'static str {
        match self {
            Check::Exact => "✓",
            Check::Numeric => "≈",
            Check::Wrong => "✗",
        }
    }
}

impl Steps {
    /// Lines about `start`, none yet.
    pub fn new(start: Math) -> Steps {
        Steps { start, steps: vec![] }
    }

    /// Appends the line `= value` with its rule.
    pub fn equals(&mut self, value: Math, label: impl Into<Text>) {
        self.steps.push(Step {
            relation: Operator::Equals,
            value,
            label: label.into(),
            check: None,
        });
    }
}
