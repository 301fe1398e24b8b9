//! Judged lines as a document: every line with its sign, and what is wrong with the first wrong one.

use super::Convention;
use super::{Judgement, LabelJudgement, Marked, MarkedLine};
use crate::derive::script::cases::UNDEFINED;
use crate::derive::script::{Defined, Line, Role};
use crate::document::{Block, Check, Document, NoteKind, Step, Steps, Text};
use crate::formula::{Math, Operator, Rational};

fn number(value: f64) -> Math {
    crate::derive::properties::rounded(value, 9)
}

/// Two numbers that differ, with as many digits as it takes to see that; `None` if they differ beyond what f64 holds.
fn differing(left: f64, right: f64) -> Option<[Math; 2]> {
    (9..=17).find_map(|digits| {
        let shown = [left, right].map(|value| crate::derive::properties::rounded(value, digits));
        (shown[0] != shown[1]).then_some(shown)
    })
}

fn places(at: &[(String, Rational)]) -> Text {
    let mut text = Text::default();
    for (i, (name, value)) in at.iter().enumerate() {
        let shown = crate::formula::Expression::from_rational(*value).math();
        text = if i > 0 { text.plain(", ") } else { text };
        text = text.math(Math::name(name).equals(shown));
    }
    text
}

impl MarkedLine {
    /// What is wrong with the line, in a sentence; `None` if nothing is.
    pub fn complaint(&self) -> Option<Text> {
        let place = Text::from(format!("line {}, column {}: ", self.line.number, self.line.column));
        let mut text = match &self.judgement {
            Judgement::Wrong { at, expected, found } => {
                let mut text = place;
                if !at.is_empty() {
                    text = text.plain("at ");
                    text.0.extend(places(at).0);
                    text = text.plain(" ");
                }
                let above = if self.after_wrong { "the line before" } else { "the line above" };
                match differing(*expected, *found) {
                    Some([expected, found]) => text
                        .plain(format!("{above} is "))
                        .math(expected)
                        .plain(", this one is ")
                        .math(found)
                        .plain("."),
                    None => text
                        .plain(format!("{above} and this one differ, but both round to "))
                        .math(number(*found))
                        .plain(": they agree to 17 digits."),
                }
            }
            Judgement::NoValue => place.plain(
                "this has no value anywhere: it divides by zero, or takes a root or logarithm of what is negative.",
            ),
            Judgement::OtherFunction { of } => place
                .plain("this derives ")
                .math(of.math())
                .plain(", which is not the function that was asked about."),
            Judgement::Unexplained { names } => place.plain(format!(
                "{} {} not explained above.",
                names.join(", "),
                if names.len() == 1 { "is" } else { "are" }
            )),
            Judgement::Given
            | Judgement::Exact
            | Judgement::Numeric
            | Judgement::Near
            | Judgement::Undecided { .. } => {
                let label = self.label.as_ref()?;
                let why = label.complaint()?;
                return Some(place.plain("the value is right, but ").plain(why));
            }
        };
        if let Some(why) = self.label.as_ref().and_then(|label| label.complaint()) {
            text = text.plain(format!(" Also: {why}"));
        }
        Some(text)
    }

    fn check(&self) -> Option<Check> {
        if self.is_wrong() {
            return Some(Check::Wrong);
        }
        match &self.judgement {
            Judgement::Exact => Some(Check::Exact),
            Judgement::Numeric | Judgement::Near => Some(Check::Numeric),
            Judgement::Given | Judgement::Undecided { .. } => None,
            Judgement::Wrong { .. }
            | Judgement::OtherFunction { .. }
            | Judgement::Unexplained { .. }
            | Judgement::NoValue => Some(Check::Wrong),
        }
    }
}

impl Marked {
    /// The lines with their signs, then what is wrong and what else is to be said.
    pub fn document(&self) -> Document {
        let mut document = Document::new("Lines checked");
        let wrong: Vec<&MarkedLine> = self.lines.iter().filter(|line| line.is_wrong()).collect();
        match wrong.first() {
            None => document.say(self.all_right()),
            Some(first) => {
                let head = format!("The first wrong line is line {}.", first.line.number);
                document.say(Text::default().strong(head));
            }
        }
        let mut steps: Option<Steps> = None;
        for marked in &self.lines {
            if marked.line.role != Role::Next {
                document.blocks.extend(steps.take().map(Block::Steps));
                steps = Some(Steps::new(self.shown(&marked.line)));
                continue;
            }
            let own = steps.get_or_insert_with(|| Steps::new(Math::text("…")));
            own.steps.push(Step {
                relation: if marked.line.approximate {
                    Operator::Approximately
                } else {
                    Operator::Equals
                },
                value: self.shown(&marked.line),
                label: marked
                    .label
                    .as_ref()
                    .map_or(Text::default(), |own| own.label.words.clone().into()),
                check: marked.check(),
            });
        }
        document.blocks.extend(steps.map(Block::Steps));
        for line in &wrong {
            document.blocks.extend(line.complaint().map(Block::Paragraph));
        }
        if self.lines.iter().any(|line| line.after_wrong) {
            document.note(
                NoteKind::Remark,
                "the lines below a wrong one are judged by the line before them, so that one slip counts once: ✓ says there that the step is right, not the value.",
            );
        }
        for (line, reference) in self.right_again() {
            let reference = match reference {
                Some(reference) => format!("the last right line, line {}", reference.line.number),
                None => "the derivative that was asked about".into(),
            };
            document.note(
                NoteKind::Remark,
                format!(
                    "line {} does not follow from the wrong line above it, but equals {reference}.",
                    line.line.number
                ),
            );
        }
        if self.convention == Convention::OnSource {
            document.note(
                NoteKind::Remark,
                "a label of this file names the step to the next line, as most of its labels fit that way.",
            );
        }
        self.remarks().into_iter().for_each(|block| document.push(block));
        document
    }

    /// A line as it was meant: derivatives that it only names are not worked out.
    fn shown(&self, line: &Line) -> Math {
        let value = match &line.unevaluated {
            Some(slope) => derivative(&self.variable, slope.order, &slope.of.math()),
            None => said(line.value.math()),
        };
        match &line.defines {
            Some(Defined { name, of: Some(of) }) => Math::apply(name, Math::name(of)).equals(value),
            Some(Defined { name, of: None }) => Math::name(name).equals(value),
            None => value,
        }
    }

    fn all_right(&self) -> String {
        let count =
            |wanted: &Judgement| self.lines.iter().filter(|line| line.judgement == *wanted).count();
        let (exact, numeric) = (count(&Judgement::Exact), count(&Judgement::Numeric));
        let undecided = |line: &&MarkedLine| matches!(line.judgement, Judgement::Undecided { .. });
        let open = self.lines.iter().filter(undecided).count();
        if open > 0 {
            let lines = if open == 1 { "line" } else { "lines" };
            return format!(
                "No line was found wrong: {exact} checked exactly, {numeric} numerically only; \
                 {open} {lines} could not be compared."
            );
        }
        match numeric {
            0 => format!("All lines are right: {exact} checked exactly."),
            _ => {
                format!("All lines are right: {exact} checked exactly, {numeric} numerically only.")
            }
        }
    }

    fn remarks(&self) -> Vec<Block> {
        let mut found = vec![];
        for line in &self.lines {
            for kink in &line.kinks {
                let take = |value: Option<f64>| match value {
                    Some(value) => Text::from("takes ").math(number(value)),
                    None => "says nothing".into(),
                };
                let mut text = Text::from(format!("line {} ", line.line.number));
                text.0.extend(take(kink.here).0);
                text = text
                    .plain(" at the kink ")
                    .math(crate::formula::Expression::from_rational(kink.at).math());
                text = text.plain(", where there is no derivative; PyTorch's convention is ");
                text = text.math(kink.above.map_or(Math::text("none"), number)).plain(".");
                found.push(Block::Note(NoteKind::Convention, vec![Block::Paragraph(text)]));
            }
            if let Some(own) = &line.label
                && own.judgement == LabelJudgement::NoRule
            {
                let text = format!(
                    "the label '{}' names no rule known here and was not judged.",
                    own.label.words
                );
                found.push(Block::Note(NoteKind::Remark, vec![Block::sentence(text)]));
            }
            if let Judgement::Undecided { why } = &line.judgement {
                let text = format!("line {} could not be compared: {why}.", line.line.number);
                found.push(Block::Note(NoteKind::NotProven, vec![Block::sentence(text)]));
            }
        }
        found
    }
}

/// Cases without the last one where that says nothing.
fn said(math: Math) -> Math {
    match math {
        Math::Cases(mut rows) => {
            let nothing = Math::name(UNDEFINED);
            if rows.last().is_some_and(|(value, _)| *value == nothing) {
                rows.pop();
            }
            Math::Cases(rows)
        }
        math => math,
    }
}

fn derivative(variable: &str, order: usize, of: &Math) -> Math {
    let raised = |math: Math| match order {
        1 => math,
        order => math.raised(Math::number(&order.to_string())),
    };
    let differential = || Math::Operator(Operator::Differential);
    let bottom = Math::row([differential(), raised(Math::name(variable))]);
    Math::row([
        Math::fraction(raised(differential()), bottom),
        Math::Operator(Operator::Beside),
        of.clone().fenced(),
    ])
}
