//! A derivation as a document: the definition, the derivatives of parts, the lines, the pieces and their joints.

use super::derivation::{Derivation, DerivationStep, Joint, JointKind, PieceDerivation};
use super::exact::Piece;
use crate::document::{Block, Check, Document, NoteKind, Step, Steps, Text};
use crate::formula::{Expression, Math, Operator, Relation};

/// d/dz (formula), or a higher derivative.
pub(super) fn derivative_sign(variable: &str, formula: Math, order: u32) -> Math {
    let d = || Math::Operator(Operator::Differential);
    let raised = |piece: Math| match order {
        0 | 1 => piece,
        order => piece.raised(Math::number(&order.to_string())),
    };
    let bottom = Math::row([d(), raised(Math::name(variable))]);
    let fraction = Math::fraction(raised(d()), bottom);
    Math::row([fraction, Math::Operator(Operator::Beside), formula])
}

impl Derivation {
    /// The derivation to read. The title names the formula; a higher derivative begins with the lower ones.
    ///
    /// ```
    /// use glassnet::derive::{Config, derive};
    /// let formula = glassnet::formula::parse("relu(z)")?;
    /// let text = derive(&formula, "z", &Config::default())?.document().plain();
    /// assert!(text.contains("from the left 0, from the right 1"));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn document(&self) -> Document {
        let first = self.first();
        let order = self.order();
        let what = match order {
            1 => "The derivative of ".to_string(),
            2 => "The second derivative of ".to_string(),
            order => format!("Derivative {order} of "),
        };
        let mut document = Document::new(Text::from(what).math(first.formula.math()));
        self.show(&mut document, order);
        document
    }

    /// Which derivative this is.
    pub fn order(&self) -> u32 {
        1 + self.previous.as_ref().map_or(0, |previous| previous.order())
    }

    /// The derivation of the first derivative.
    fn first(&self) -> &Derivation {
        self.previous.as_ref().map_or(self, |previous| previous.first())
    }

    fn show(&self, document: &mut Document, highest: u32) {
        if let Some(previous) = &self.previous {
            previous.show(document, highest);
        }
        let order = self.order();
        if highest > 1 {
            document.section(match order {
                1 => "The first derivative".to_string(),
                2 => "The second derivative".to_string(),
                order => format!("Derivative {order}"),
            });
        }
        if let Some(definition) = &self.definition {
            document.formula(self.formula.math().equals(definition.math()));
        }
        self.show_steps(document, &self.parts, &self.steps);
        for piece in &self.pieces {
            self.show_piece(document, piece);
        }
        if !self.pieces.is_empty() {
            document.say("Together:");
            let sign = derivative_sign(&self.variable, bracketed(&self.formula), 1);
            document.formula(sign.equals(self.derivative.math()));
        }
        for joint in &self.joints {
            document.push(self.joint(joint));
        }
        for convention in &self.conventions {
            document.note(NoteKind::Convention, convention.clone());
        }
        self.say_how_checked(document);
    }

    fn say_how_checked(&self, document: &mut Document) {
        let (mut exact, mut numeric) = (0, 0);
        for step in self.all_steps() {
            match step.checked {
                Check::Exact => exact += 1,
                Check::Numeric | Check::Wrong => numeric += 1,
            }
        }
        match (exact, numeric) {
            (0, 0) => {}
            (_, 0) => document.say("Every line was checked exactly against the one above."),
            _ => document.note(
                NoteKind::NotProven,
                format!("{exact} lines were checked exactly, {numeric} at points only (marked ≈)."),
            ),
        }
    }

    fn show_steps(
        &self,
        document: &mut Document,
        parts: &[DerivationStep],
        steps: &[DerivationStep],
    ) {
        if !parts.is_empty() {
            document.say("The parts:");
            let mut shown: Vec<Steps> = vec![];
            for part in parts {
                let start = start(part);
                match shown.last_mut() {
                    // A part's lines go on as long as each begins with the one before.
                    Some(last) if part.under.is_none() => last.steps.push(step(part)),
                    _ => shown.push(Steps { start, steps: vec![step(part)] }),
                }
            }
            shown.into_iter().for_each(|steps| document.push(Block::Steps(steps)));
            document.say("With them:");
        }
        if let Some(first) = steps.first() {
            let steps = Steps { start: start(first), steps: steps.iter().map(step).collect() };
            document.push(Block::Steps(steps));
        }
    }

    fn show_piece(&self, document: &mut Document, piece: &PieceDerivation) {
        let text = Text::from("For ")
            .math(stretch(&piece.piece))
            .plain(" the function is ")
            .math(piece.formula.math())
            .plain(if piece.steps.is_empty() { ", and its derivative " } else { ":" });
        if piece.steps.is_empty() {
            document.say(text.math(piece.derivative.math()).plain("."));
        } else {
            document.say(text);
            self.show_steps(document, &piece.parts, &piece.steps);
        }
    }

    fn joint(&self, joint: &Joint) -> Block {
        let place = Math::name(&self.variable).equals(joint.at.math());
        let mut text = Text::from("At ").math(place).plain(": ");
        let side = |slope: &Option<Expression>| match slope {
            Some(slope) => Text::from(slope.math()),
            None => "none".into(),
        };
        text = text.plain("from the left ");
        text.0.extend(side(&joint.left).0);
        text = text.plain(", from the right ");
        text.0.extend(side(&joint.right).0);
        text = text.plain(match joint.kind {
            JointKind::Smooth => ": differentiable there.",
            JointKind::Kink => ": the one-sided derivatives differ, so there is no derivative.",
            JointKind::Jump => ": the function jumps, so there is no derivative.",
            JointKind::Unclear => ": whether there is a derivative was not decided.",
        });
        Block::Paragraph(text)
    }
}

fn bracketed(formula: &Expression) -> Math {
    match formula {
        Expression::Call(..) | Expression::Number(_) | Expression::Variable(_) => formula.math(),
        formula => formula.math().fenced(),
    }
}

fn start(step: &DerivationStep) -> Math {
    match &step.under {
        Some(variable) => derivative_sign(variable, bracketed(&step.from), 1),
        None => step.from.math(),
    }
}

fn step(own: &DerivationStep) -> Step {
    Step {
        relation: Operator::Equals,
        value: own.to.math(),
        label: own.label.clone().into(),
        check: Some(own.checked),
    }
}

/// z < 0, 0 < z < 3, z > 3.
fn stretch(piece: &Piece) -> Math {
    let name = Math::name(&piece.variable);
    let number = |value: &crate::formula::Rational| Expression::from_rational(*value).math();
    let less = || Math::Operator(Operator::Relation(Relation::Less));
    let more = || Math::Operator(Operator::Relation(Relation::Greater));
    match (&piece.low, &piece.high) {
        (Some(low), Some(high)) => Math::row([number(low), less(), name, less(), number(high)]),
        (Some(low), None) => Math::row([name, more(), number(low)]),
        (None, Some(high)) => Math::row([name, less(), number(high)]),
        (None, None) => Math::row([Math::text("all "), name]),
    }
}
