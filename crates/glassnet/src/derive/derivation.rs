//! A derivation as data: lines, rules, checks, pieces, joints.

use super::exact::Piece;
use super::rule::Rule;
use crate::document::Check;
use crate::formula::Expression;

/// The derivative of a formula, line by line.
///
/// Formulas are given as trees; `to_string()` of each reads back by [`parse_in`](crate::formula::parse_in).
#[derive(Clone, Debug, PartialEq)]
pub struct Derivation {
    /// What was to be differentiated, as given.
    pub formula: Expression,
    /// The formula by which the function is defined, if it was put in its place.
    pub definition: Option<Expression>,
    /// The variable; all others are constants.
    pub variable: String,
    /// Derivatives of parts that the lines use, each shown once, innermost first.
    pub parts: Vec<DerivationStep>,
    /// The lines; the first step is d/dz of the formula (or its definition). Empty if there are pieces.
    pub steps: Vec<DerivationStep>,
    /// For formulas with kinks or jumps: every piece of the line with its own lines, from left to right.
    pub pieces: Vec<PieceDerivation>,
    /// Where the pieces meet.
    pub joints: Vec<Joint>,
    /// The last right line: the derivative. With pieces, a formula for all of them, with the convention at joints.
    pub derivative: Expression,
    /// Choices that mathematics leaves open, and what could not be shown, in sentences.
    pub conventions: Vec<String>,
    /// What the derivative is in other names, in sentences.
    pub remarks: Vec<String>,
    /// For a higher derivative, the derivation of what this one differentiates.
    pub previous: Option<Box<Derivation>>,
}

/// `from` = `to` by a rule.
#[derive(Clone, Debug, PartialEq)]
pub struct DerivationStep {
    /// The line above; under d/dz if `under` names the variable.
    pub from: Expression,
    /// The variable by which `from` is still to be differentiated; `None` for a step between lines without d/dz.
    pub under: Option<String>,
    /// The line that the rule made.
    pub to: Expression,
    /// The rule; [`validate`](super::validate()) accepts it for this step.
    pub rule: Rule,
    /// The rule's name with what it did here: `subtract e^4z and expand by +1 -1`.
    pub label: String,
    /// How the equality was checked; never [`Check::Wrong`].
    pub checked: Check,
}

/// The derivative on one piece.
#[derive(Clone, Debug, PartialEq)]
pub struct PieceDerivation {
    /// The piece.
    pub piece: Piece,
    /// What the formula is there.
    pub formula: Expression,
    /// Derivatives of parts.
    pub parts: Vec<DerivationStep>,
    /// The lines.
    pub steps: Vec<DerivationStep>,
    /// The derivative there.
    pub derivative: Expression,
}

/// A number at which two pieces meet.
#[derive(Clone, Debug, PartialEq)]
pub struct Joint {
    /// The number.
    pub at: Expression,
    /// The slope from the left, where it exists.
    pub left: Option<Expression>,
    /// The slope from the right.
    pub right: Option<Expression>,
    /// What is the case there.
    pub kind: JointKind,
    /// The value that the engine takes for the derivative there.
    pub convention: Option<Expression>,
}

/// What is the case where two pieces meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JointKind {
    /// The one-sided derivatives are equal: it is differentiable there.
    Smooth,
    /// The one-sided derivatives differ: there is no derivative.
    Kink,
    /// The formula jumps: there is no derivative.
    Jump,
    /// Not decided.
    Unclear,
}

/// What to derive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// Which derivative: 1, 2, …
    pub order: u32,
    /// Begin with a function's definition, as the sheet does for tanh(z), rather than with its known derivative.
    pub from_definition: bool,
}

impl Default for Config {
    /// The first derivative, from the definition.
    fn default() -> Self {
        Config { order: 1, from_definition: true }
    }
}

impl Derivation {
    /// Every step in the order of reading: parts, lines, then those of the pieces.
    pub fn all_steps(&self) -> impl Iterator<Item = &DerivationStep> {
        let pieces =
            self.pieces.iter().flat_map(|piece| piece.parts.iter().chain(piece.steps.iter()));
        self.parts.iter().chain(self.steps.iter()).chain(pieces)
    }

    /// True if every step was decided exactly.
    pub fn is_exact(&self) -> bool {
        self.all_steps().all(|step| step.checked == Check::Exact)
    }
}
