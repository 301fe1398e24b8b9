//! The loss along a weight in words, formulas and a drawing.

use super::numbers::{Significant, at, is_brief, is_short, level, place, set, signed, written};
use super::{Along, Direction, Knowledge, Minimum, Piece, Reason, Stretch};
use crate::document::{
    Axis, Block, Column, Document, Figure, Mark, NoteKind, Plot, Series, Style, Table, Text,
};
use crate::explain::exact::{Place, math, nearest};
use crate::formula::{Math, Operator, Relation};

/// How many pieces are written out; the others are counted.
const SHOWN_PIECES: usize = 12;
/// How many pieces are set as cases; more become a table.
const SHOWN_CASES: usize = 4;

impl Along {
    /// The pieces as lines of text: `w > 0: J = 7/20*w^2 - 53/75*w + 109/300`, with `symbol` for the weight.
    pub fn lines(&self, symbol: &str) -> Vec<String> {
        self.pieces
            .iter()
            .map(|piece| {
                let law = match &piece.polynomial {
                    Some(polynomial) => format!("J = {}", written(polynomial, symbol)),
                    None => "J is a smooth curve".to_owned(),
                };
                match condition_text(piece, symbol) {
                    Some(condition) => format!("{condition}: {law}"),
                    None => law,
                }
            })
            .collect()
    }

    /// The answer to 'should this weight go up or down?' in one sentence.
    pub fn answer(&self) -> String {
        let weight = &self.weight;
        let now = at(&Place::Fraction(self.now.weight.clone()));
        let here = level(&self.now.loss);
        let least = match &self.minimum {
            Minimum::At { loss, .. } | Minimum::AtEnd { loss, .. } => level(loss),
            Minimum::Endless { .. } => "ever lower".to_owned(),
        };
        match (self.advice.reason, self.advice.direction) {
            (Reason::Indifferent, _) if self.knowledge == Knowledge::Exact => {
                format!("The loss does not depend on {weight}: it is {here} for every value.")
            }
            (Reason::Indifferent, _) => {
                let end = |point: Option<&(f64, f64)>| {
                    signed(&format!("{:.6}", Significant(point.map_or(f64::NAN, |point| point.0))))
                };
                format!(
                    "The loss is flat along {weight} as far as was looked (from {} to {}): it is {here} at all values \
                     there. What it is elsewhere is not known.",
                    end(self.curve.first()),
                    end(self.curve.last())
                )
            }
            (Reason::Least, _) if self.knowledge == Knowledge::Exact => {
                format!("Leave {weight} at {now}: no other value of it gives a loss below {here}.")
            }
            (Reason::Least, _) => format!(
                "Leave {weight} at {now}: none of the values looked at gives a loss below {here}."
            ),
            (Reason::Falling, direction) => format!(
                "{} {weight}: the loss falls that way from {here} as far as was looked, to {least}.",
                verb(direction)
            ),
            (Reason::Lower, direction) => {
                let to = self
                    .advice
                    .to
                    .as_ref()
                    .map_or_else(String::new, |to| format!(" to {}", at(to)));
                let end = match self.knowledge {
                    Knowledge::Exact => "",
                    Knowledge::ExactKinks | Knowledge::Sampled { .. } => {
                        ", the least of the values looked at"
                    }
                };
                format!(
                    "{} {weight} from {now}{to}: the loss goes from {here} to {least}{end}.",
                    verb(direction)
                )
            }
        }
    }

    /// Answer, pieces, minimum, reasons and a drawing, with `symbol` for the weight in formulas.
    pub fn blocks(&self, symbol: &str) -> Vec<Block> {
        let mut document = Document::default();
        document.say(Text::default().strong(self.answer()));
        self.say_how(&mut document, symbol);
        self.say_pieces(&mut document, symbol);
        self.say_minimum(&mut document, symbol);
        self.say_gradient(&mut document);
        document.push(Block::Figure(self.figure(symbol)));
        document.blocks
    }

    /// The blocks under a title.
    pub fn document(&self, symbol: &str) -> Document {
        Document {
            title: Text::from("The loss along ").code(self.weight.to_string()),
            blocks: self.blocks(symbol),
        }
    }

    fn say_how(&self, document: &mut Document, symbol: &str) {
        let text = Text::from("With ")
            .math(Math::name(symbol))
            .plain(" for ")
            .code(self.weight.to_string());
        match &self.knowledge {
            Knowledge::Exact => document.say(text.plain(
                " and every other weight held still, each row's output is straight between kinks, and the loss J is:",
            )),
            Knowledge::ExactKinks if self.pieces.len() == 1 => document.say(
                text.plain(" and every other weight held still, the loss is a smooth curve without a kink."),
            ),
            Knowledge::ExactKinks => document.say(text.plain(
                " and every other weight held still, the loss is a smooth curve but for kinks, whose places are exact.",
            )),
            Knowledge::Sampled { why, points } => document.note(
                NoteKind::NotProven,
                text.plain(format!(
                    " the loss was computed in f64 at {points} values; what lies between them was not looked at. \
                     The exact curve is not available: {why}."
                )),
            ),
        }
    }

    fn say_pieces(&self, document: &mut Document, symbol: &str) {
        match &self.knowledge {
            Knowledge::Exact => {
                let shown = self.shown_pieces();
                let loss = Math::row([Math::name("J"), Math::name(symbol).fenced()]);
                match shown {
                    [only] => document.formula(loss.equals(law(only, symbol))),
                    few if few.len() <= SHOWN_CASES => {
                        let cases = few
                            .iter()
                            .map(|piece| (law(piece, symbol), condition(piece, symbol)))
                            .collect();
                        document.formula(loss.equals(Math::Cases(cases)));
                    }
                    many => document.push(Block::Table(table(many, symbol))),
                }
                let left_out = self.pieces.len() - shown.len();
                if left_out > 0 {
                    document.note(
                        NoteKind::Omitted,
                        format!(
                            "{left_out} of {} pieces, further away from where the weight stands; the JSON has all.",
                            self.pieces.len()
                        ),
                    );
                }
                document.say(self.numbers.sentence());
                if !self.rounded.is_empty() {
                    document.note(
                        NoteKind::Remark,
                        format!(
                            "Some constants are no fractions and were taken at their nearest f64: {}.",
                            self.rounded.join("; ")
                        ),
                    );
                }
            }
            Knowledge::ExactKinks => {
                let kinks: Vec<String> = self
                    .pieces
                    .iter()
                    .filter_map(|piece| piece.to.as_deref())
                    .take(SHOWN_PIECES)
                    .map(at)
                    .collect();
                let count = self.pieces.len() - 1;
                if count == 0 {
                    return;
                }
                let words = match count {
                    1 => format!("There is one kink, at {}.", kinks.join(", ")),
                    _ => format!("There are {count} kinks: {}{}.", kinks.join(", "), more(count)),
                };
                document.say(words);
            }
            Knowledge::Sampled { .. } => {}
        }
    }

    /// The pieces around where the weight stands and where the loss is least.
    fn shown_pieces(&self) -> &[Piece] {
        if self.pieces.len() <= SHOWN_PIECES {
            return &self.pieces;
        }
        let now = Place::Fraction(self.now.weight.clone());
        let at = self
            .pieces
            .iter()
            .position(|piece| piece.to.as_deref().is_none_or(|to| *to >= now))
            .unwrap_or(0);
        let start = at.saturating_sub(SHOWN_PIECES / 2).min(self.pieces.len() - SHOWN_PIECES);
        &self.pieces[start..start + SHOWN_PIECES]
    }

    fn say_minimum(&self, document: &mut Document, symbol: &str) {
        let Minimum::At { loss, stretches } = &self.minimum else { return };
        if self.advice.reason == Reason::Indifferent {
            return;
        }
        let mut text = Text::from("The loss is least where ");
        for (index, stretch) in stretches.iter().take(4).enumerate() {
            if index > 0 {
                text = text.plain(" or ");
            }
            text = text.math(stretch_math(stretch, symbol));
        }
        let approximately = || Math::Operator(Operator::Approximately);
        let rounded = || Math::number(&format!("{:.6}", Significant(loss.value)));
        let value = match &loss.exact {
            Some(exact) if exact.is_integer() => Math::name("J").equals(math(exact)),
            Some(exact) if is_brief(exact) => {
                Math::row([Math::name("J").equals(math(exact)), approximately(), rounded()])
            }
            Some(_) | None => Math::row([Math::name("J"), approximately(), rounded()]),
        };
        let end = match self.knowledge {
            Knowledge::Exact => ".",
            Knowledge::ExactKinks | Knowledge::Sampled { .. } => ", as far as was looked.",
        };
        document.say(text.plain("; there ").math(value).plain(end));
    }

    fn say_gradient(&self, document: &mut Document) {
        let (left, right) = (self.now.slope_left, self.now.slope_right);
        if self.advice.direction != Direction::Stay && !self.advice.gradient_leads_there {
            let words = if left == 0.0 && right == 0.0 {
                "The slope here is 0, so gradient descent does not move this weight at all, although the loss is lower elsewhere."
            } else {
                "The slope here does not lead there: following it, gradient descent goes the other way or stops before."
            };
            document.note(NoteKind::Warning, words);
        }
        if left != right && self.knowledge == Knowledge::Exact {
            document.note(
                NoteKind::Convention,
                format!(
                    "The weight stands on a kink: the slope is {left:?} on its left and {right:?} on its right; \
                     which of them a framework reports is its convention."
                ),
            );
        }
    }

    /// The curve with marks at the weight, the kinks and the minimum.
    pub fn figure(&self, symbol: &str) -> Figure {
        let (low, high) = match (self.curve.first(), self.curve.last()) {
            (Some(first), Some(last)) => (first.0, last.0),
            _ => (0.0, 0.0),
        };
        let mut marks = vec![Mark {
            at: (nearest(&self.now.weight), self.now.loss.value),
            label: "now".into(),
        }];
        let kinks = self.pieces.iter().filter_map(|piece| piece.to.as_deref()).map(Place::to_f64);
        let kinks: Vec<f64> = kinks.filter(|kink| *kink > low && *kink < high).collect();
        if kinks.len() <= SHOWN_PIECES {
            for kink in kinks {
                if let Some(point) = self.curve.iter().find(|point| point.0 == kink) {
                    marks.push(Mark { at: *point, label: "kink".into() });
                }
            }
        }
        if let (Minimum::At { loss, .. }, Some(to)) = (&self.minimum, &self.advice.to) {
            marks.push(Mark { at: (to.to_f64(), loss.value), label: "minimum".into() });
        }
        let weight = &self.weight;
        let how = match self.knowledge {
            Knowledge::Exact => "exact",
            Knowledge::ExactKinks if self.pieces.len() == 1 => "computed in f64",
            Knowledge::ExactKinks => "kinks exact, the curve in f64",
            Knowledge::Sampled { .. } => "sampled in f64",
        };
        Figure {
            caption: Text::from(format!("The loss along {weight} ({how}).")),
            alternative: format!(
                "Curve of the loss over {weight} from {low:.4} to {high:.4}. {}",
                self.answer()
            ),
            plot: Plot {
                x: Axis::new(Math::name(symbol)),
                y: Axis::new(Math::name("J")),
                series: vec![Series {
                    name: "J".into(),
                    points: self.curve.clone(),
                    style: Style::Line,
                }],
                marks,
            },
        }
    }
}

/// A piece's polynomial as it is set on a page.
fn law(piece: &Piece, symbol: &str) -> Math {
    piece.polynomial.as_ref().map_or_else(|| Math::text("a curve"), |law| set(law, symbol))
}

/// Many pieces, a row each.
fn table(pieces: &[Piece], symbol: &str) -> Table {
    let name = || Text::from(Math::name(symbol));
    let mut table = Table::new([
        Column::numbers(name().plain(" from")),
        Column::numbers("to"),
        Column::words(Math::name("J")),
    ]);
    let infinity = || Math::Operator(Operator::Infinity);
    for piece in pieces {
        let from = match &piece.from {
            Some(from) => place(from),
            None => Math::row([Math::Operator(Operator::Sign), infinity()]),
        };
        let to = piece.to.as_ref().map_or_else(infinity, |to| place(to));
        table.row([Text::from(from), Text::from(to), Text::from(law(piece, symbol))]);
    }
    table
}

fn more(count: usize) -> &'static str {
    if count > SHOWN_PIECES { ", …" } else { "" }
}

fn verb(direction: Direction) -> &'static str {
    match direction {
        Direction::Increase => "Increase",
        Direction::Decrease => "Decrease",
        Direction::Stay => "Leave",
    }
}

fn relation(relation: Relation) -> Math {
    Math::Operator(Operator::Relation(relation))
}

/// `w ≤ 0`, `0 < w ≤ 3`, `w > 3`; nothing for the whole line.
fn condition(piece: &Piece, symbol: &str) -> Option<Math> {
    let name = Math::name(symbol);
    match (&piece.from, &piece.to) {
        (None, None) => None,
        (None, Some(to)) => Some(Math::row([name, relation(Relation::LessEqual), place(to)])),
        (Some(from), None) => Some(Math::row([name, relation(Relation::Greater), place(from)])),
        (Some(from), Some(to)) => Some(Math::row([
            place(from),
            relation(Relation::Less),
            name,
            relation(Relation::LessEqual),
            place(to),
        ])),
    }
}

fn condition_text(piece: &Piece, symbol: &str) -> Option<String> {
    match (&piece.from, &piece.to) {
        (None, None) => None,
        (None, Some(to)) => Some(format!("{symbol} ≤ {to}")),
        (Some(from), None) => Some(format!("{symbol} > {from}")),
        (Some(from), Some(to)) => Some(format!("{from} < {symbol} ≤ {to}")),
    }
}

fn stretch_math(stretch: &Stretch, symbol: &str) -> Math {
    let name = Math::name(symbol);
    match (&stretch.from, &stretch.to) {
        (Some(from), Some(to)) if from == to && is_short(from) => name.equals(place(from)),
        (Some(from), Some(to)) if from == to => {
            Math::row([name, Math::Operator(Operator::Approximately), place(from)])
        }
        (Some(from), Some(to)) => Math::row([
            place(from),
            relation(Relation::LessEqual),
            name,
            relation(Relation::LessEqual),
            place(to),
        ]),
        (Some(from), None) => Math::row([name, relation(Relation::GreaterEqual), place(from)]),
        (None, Some(to)) => Math::row([name, relation(Relation::LessEqual), place(to)]),
        (None, None) => Math::row([name, Math::Operator(Operator::Element), Math::name("ℝ")]),
    }
}
