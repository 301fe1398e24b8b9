//! A derivation as a document: the lines with the names of their rules, and what is to be said of them.

use super::derivation::{Derivation, DerivationStep, JointKind, PieceDerivation};
use super::exact::Piece;
use crate::document::{Block, Check, Document, NoteKind, Step, Steps, Text};
use crate::formula::{self, Expression, Math, Operator, Relation};

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
                label: label(&step.label),
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

/// A rule's label, the formulas in it set as mathematics: `subtract e^4z and expand by +1 -1`. What is no formula, or
/// would read otherwise than it is written, stays as it is.
fn label(words: &str) -> Text {
    let mut text = Text::default();
    let mut plain = String::new();
    for word in words.split_inclusive(' ') {
        let bare = word.trim_end();
        let core = bare.trim_end_matches([',', ':', ';']);
        match formula(core) {
            Some(math) => {
                if !plain.is_empty() {
                    text = text.plain(std::mem::take(&mut plain));
                }
                text = text.math(math);
                plain.push_str(&word[core.len()..]);
            }
            None => plain.push_str(word),
        }
    }
    if plain.is_empty() { text } else { text.plain(plain) }
}

/// A word of a label as mathematics, if it has a sign of operation and is a formula or an equation of two.
fn formula(word: &str) -> Option<Math> {
    let is_formula = word.contains(['^', '=', '/', '*', '·']) || word.ends_with(')');
    if !is_formula || word.starts_with(['+', '-', '−']) || word.chars().all(char::is_alphabetic) {
        return None;
    }
    match word.split_once('=') {
        Some((left, right)) => Some(
            formula::parse(&with_brackets(left))
                .ok()?
                .math()
                .equals(formula::parse(&with_brackets(right)).ok()?.math()),
        ),
        None => Some(formula::parse(&with_brackets(word)).ok()?.math()),
    }
}

/// Labels write exponents short, `e^4z` for `e^(4z)`: here with their brackets.
fn with_brackets(word: &str) -> String {
    let mut parts = word.split('^');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let sign = usize::from(part.starts_with('-'));
        let length = part[sign..].find(|c: char| !c.is_alphanumeric()).unwrap_or(part.len() - sign);
        let (exponent, rest) = part.split_at(sign + length);
        match length {
            0 => text.push_str(&format!("^{part}")),
            _ => text.push_str(&format!("^({exponent}){rest}")),
        }
    }
    text
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Inline;

    #[test]
    fn formulas_in_labels_are_mathematics() {
        let text = label("subtract e^4z and expand by +1 -1");
        let Inline::Math(math) = &text.0[1] else { panic!("{text:?}") };
        assert_eq!(math.latex(), "e^{4 z}");
        assert_eq!(text.0.len(), 3);
        let equation = label("1+e^-2z = 1/σ(2z)");
        assert!(matches!(
            equation.0.as_slice(),
            [Inline::Math(_), Inline::Plain(_), Inline::Math(_)]
        ));
        for words in ["quotient rule", "", "a² − b²", "multiply out (brackets)"] {
            assert!(
                label(words).0.iter().all(|piece| matches!(piece, Inline::Plain(_))),
                "{words}"
            );
        }
    }
}
