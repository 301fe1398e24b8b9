//! A derivation as a document: the lines with the names of their rules, and what is to be said of them.

use super::derivation::{Derivation, DerivationStep, JointKind, PieceDerivation};
use super::exact::Piece;
use crate::document::{Block, Check, Document, NoteKind, Step, Steps, Text};
use crate::formula::{Expression, Math, Operator, Relation};

impl Derivation {
    /// The derivation for people. Every line carries its rule's name and how it was checked.
    pub fn document(&self) -> Document {
        let title = Text::from(match self.order() {
            1 => "The derivative of ",
            2 => "The second derivative of ",
            3 => "The third derivative of ",
            _ => "A higher derivative of ",
        });
        let mut document = Document::new(title.math(self.original().math()));
        self.write(&mut document);
        document
    }

    /// Which derivative this is.
    pub fn order(&self) -> u32 {
        1 + self.previous.as_ref().map_or(0, |previous| previous.order())
    }

    /// What the first of all derivatives was taken of.
    pub fn original(&self) -> &Expression {
        self.previous.as_ref().map_or(&self.formula, |previous| previous.original())
    }

    fn write(&self, document: &mut Document) {
        if let Some(previous) = &self.previous {
            previous.write(document);
            document.say("And the derivative of that:");
        }
        if let Some(definition) = &self.definition {
            document.formula(self.formula.math().equals(definition.math()));
        }
        self.write_parts(document, &self.parts);
        if let Some(steps) = self.lines(&self.steps) {
            document.push(Block::Steps(steps));
        }
        for piece in &self.pieces {
            self.write_piece(document, piece);
        }
        self.write_joints(document);
        if self.steps.is_empty() || !self.pieces.is_empty() {
            document.say(if self.pieces.is_empty() { "The derivative:" } else { "Together:" });
            document.formula(self.sign(&self.formula).equals(self.derivative.math()));
        }
        for convention in &self.conventions {
            document.note(NoteKind::Convention, convention.as_str());
        }
        for remark in &self.remarks {
            document.note(NoteKind::Remark, remark.as_str());
        }
        document.say(self.assurance());
    }

    /// How far the lines are certain, in a sentence.
    fn assurance(&self) -> String {
        let all = self.all_steps().count();
        let numeric = self.all_steps().filter(|step| step.checked == Check::Numeric).count();
        match (all, numeric) {
            (0, _) => "No line was to be checked.".to_string(),
            (_, 0) => "Every line was checked exactly.".to_string(),
            (1, _) => "The line was checked numerically only.".to_string(),
            (all, numeric) => format!(
                "{} of {all} lines were checked exactly, {numeric} numerically only (≈).",
                all - numeric
            ),
        }
    }

    /// d/dz of a formula, ∂/∂z if it has other variables.
    fn sign(&self, formula: &Expression) -> Math {
        let d = || match formula.variables().len() {
            0 | 1 => Math::Operator(Operator::Differential),
            _ => Math::Operator(Operator::Partial),
        };
        let below = Math::row([d(), Math::name(&self.variable)]);
        let operand = match formula {
            Expression::Sum(_) | Expression::Negative(_) | Expression::Product(_) => {
                formula.math().fenced()
            }
            formula => formula.math(),
        };
        Math::row([Math::fraction(d(), below), Math::text(" "), operand])
    }

    fn lines(&self, steps: &[DerivationStep]) -> Option<Steps> {
        let mut lines = Steps::new(self.sign(&steps.first()?.from));
        for step in steps {
            lines.steps.push(Step {
                relation: Operator::Equals,
                value: step.to.math(),
                label: step.label.as_str().into(),
                check: Some(step.checked),
            });
        }
        Some(lines)
    }

    fn write_parts(&self, document: &mut Document, parts: &[DerivationStep]) {
        if parts.is_empty() {
            return;
        }
        document.say(if parts.len() == 1 { "First a part:" } else { "First the parts:" });
        for part in parts {
            if let Some(steps) = self.lines(std::slice::from_ref(part)) {
                document.push(Block::Steps(steps));
            }
        }
    }

    fn write_piece(&self, document: &mut Document, piece: &PieceDerivation) {
        let text = Text::from("For ").math(range(&piece.piece)).plain(" it is ");
        document.say(text.math(piece.formula.math()).plain(":"));
        self.write_parts(document, &piece.parts);
        if let Some(steps) = self.lines(&piece.steps) {
            document.push(Block::Steps(steps));
        }
    }

    fn write_joints(&self, document: &mut Document) {
        for joint in self.joints.iter().filter(|joint| joint.kind == JointKind::Smooth) {
            let at = Math::name(&self.variable).equals(joint.at.math());
            let mut text = Text::from("At ").math(at);
            text = text.plain(" the one-sided derivatives are equal");
            if let Some(slope) = &joint.left {
                text = text.plain(" (").math(slope.math()).plain(")");
            }
            document.say(text.plain(": it is differentiable there."));
        }
    }
}

/// z < 0, 0 < z < 1, z > 1
fn range(piece: &Piece) -> Math {
    let name = Math::name(&piece.variable);
    let end = |end| Expression::from_rational(end).math();
    let less = || Math::Operator(Operator::Relation(Relation::Less));
    match (piece.low, piece.high) {
        (None, None) => Math::row([Math::text("every "), name]),
        (Some(low), None) => {
            Math::row([name, Math::Operator(Operator::Relation(Relation::Greater)), end(low)])
        }
        (None, Some(high)) => Math::row([name, less(), end(high)]),
        (Some(low), Some(high)) => Math::row([end(low), less(), name, less(), end(high)]),
    }
}
