//! The reasons in sentences.

use super::{Cause, Verdict, WhyZero, ZeroGradients};
use crate::document::{Block, Column, Document, NoteKind, Table, Text};
use crate::explain::units::rows_in_words;
use crate::formula::Math;

/// How many rows a table of shares has.
const SHOWN_ROWS: usize = 12;
/// How many groups are told.
const SHOWN_GROUPS: usize = 12;
/// How many weights of a group are named.
const SHOWN_WEIGHTS: usize = 4;

impl WhyZero {
    /// The answer in one sentence.
    pub fn answer(&self) -> String {
        let weight = &self.weight;
        match self.verdict {
            Verdict::NotZero => {
                format!("The gradient towards {weight} is not zero: it is {:?}.", self.gradient)
            }
            Verdict::EveryRow if self.gradient != 0.0 => format!(
                "The gradient towards {weight} is as good as zero ({:?}): in every row a factor on each path to the loss is.",
                self.gradient
            ),
            Verdict::EveryRow => format!(
                "The gradient towards {weight} is zero in every row: on each path to the loss a factor is zero."
            ),
            Verdict::Cancels => format!(
                "The gradient towards {weight} is zero although rows have shares: they cancel in the sum."
            ),
            Verdict::Unused => {
                format!("The gradient towards {weight} is zero: the loss is not computed from it.")
            }
        }
    }

    /// The causes with the rows in which each holds, in order of appearance.
    pub fn causes(&self) -> Vec<(&Cause, Vec<usize>)> {
        let mut causes: Vec<(&Cause, Vec<usize>)> = vec![];
        for row in &self.rows {
            for cause in &row.causes {
                match causes.iter_mut().find(|(known, _)| *known == cause) {
                    Some((_, rows)) => rows.push(row.row),
                    None => causes.push((cause, vec![row.row])),
                }
            }
        }
        causes
    }

    /// Answer, reasons with their rows, shares, and what is not proven.
    pub fn blocks(&self) -> Vec<Block> {
        let mut document = Document::default();
        document.say(Text::default().strong(self.answer()));
        let causes = self.causes();
        if !causes.is_empty() {
            if self.verdict != Verdict::EveryRow {
                let closed: Vec<usize> =
                    self.rows.iter().filter(|row| row.closed).map(|row| row.row).collect();
                document.say(format!(
                    "In {} no path is open:",
                    rows_in_words(&closed, self.rows.len())
                ));
            }
            document.push(list(&causes, self.rows.len()));
        }
        if matches!(self.verdict, Verdict::Cancels | Verdict::NotZero) {
            self.say_shares(&mut document);
        }
        conventions(&causes, &mut document);
        for sentence in &self.seen {
            document.say(sentence.clone());
        }
        if self.verdict == Verdict::EveryRow {
            document.note(
                NoteKind::NotProven,
                "This holds for the given rows and these weights; whether it holds for every data set is another question.",
            );
        }
        document.blocks
    }

    fn say_shares(&self, document: &mut Document) {
        let mut order: Vec<usize> =
            (0..self.rows.len()).filter(|&row| self.rows[row].share != 0.0).collect();
        order.sort_by(|&a, &b| self.rows[b].share.abs().total_cmp(&self.rows[a].share.abs()));
        if order.is_empty() {
            return;
        }
        let number = |value: f64| {
            let short: f64 = format!("{value:.5e}").parse().unwrap_or(value);
            Text::default().math(Math::f64(short))
        };
        let mut table =
            Table::new([Column::words("row"), Column::numbers("share of the gradient")]);
        for &row in order.iter().take(SHOWN_ROWS) {
            table.row([Text::from((row + 1).to_string()), number(self.rows[row].share)]);
        }
        let others = &order[order.len().min(SHOWN_ROWS)..];
        if !others.is_empty() {
            let sum = others.iter().map(|&row| self.rows[row].share).sum();
            table.row([Text::from(format!("{} other rows together", others.len())), number(sum)]);
        }
        table.row([Text::from("sum"), number(self.exact)]);
        document.push(Block::Table(table));
    }
}

fn list(causes: &[(&Cause, Vec<usize>)], rows: usize) -> Block {
    let item = |(cause, own): &(&Cause, Vec<usize>)| {
        vec![Block::sentence(format!("In {}: {}.", rows_in_words(own, rows), cause.sentence()))]
    };
    Block::List { ordered: false, items: causes.iter().map(item).collect() }
}

/// Says where a convention, not mathematics, makes a factor 0.
fn conventions(causes: &[(&Cause, Vec<usize>)], document: &mut Document) {
    let on_kink = |(cause, _): &&(&Cause, Vec<usize>)| matches!(cause, Cause::OnKink { .. });
    let count = causes.iter().filter(on_kink).count();
    if count == 0 {
        return;
    }
    let only = count == causes.len();
    let words = if only {
        "The derivative at a kink is a choice: with the one from the other side this gradient could be another."
    } else {
        "Where a value lies on a kink, the factor 0 is a choice; other factors above are 0 whatever is chosen there."
    };
    document.note(NoteKind::Convention, words);
}

impl ZeroGradients {
    /// How many weights have a gradient that is zero in every row.
    pub fn count(&self) -> usize {
        self.groups.iter().map(|group| group.weights.len()).sum()
    }

    /// The groups in sentences, the largest first.
    pub fn blocks(&self) -> Vec<Block> {
        let mut document = Document::default();
        let count = self.count();
        if count == 0 {
            document.say(format!(
                "None of the {} weights has a gradient that is zero in every row.",
                self.weights
            ));
            return document.blocks;
        }
        document.say(format!(
            "{count} of {} weights have a gradient that is zero in every row:",
            self.weights
        ));
        let mut order: Vec<&super::ZeroGroup> = self.groups.iter().collect();
        order.sort_by_key(|group| std::cmp::Reverse(group.weights.len()));
        let mut items = vec![];
        for group in order.iter().take(SHOWN_GROUPS) {
            let names: Vec<String> =
                group.weights.iter().take(SHOWN_WEIGHTS).map(ToString::to_string).collect();
            let more = group.weights.len().saturating_sub(SHOWN_WEIGHTS);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let reasons: Vec<String> = group
                .causes
                .iter()
                .take(SHOWN_WEIGHTS)
                .map(|(cause, rows)| {
                    format!("in {} {}", rows_in_words(rows, self.rows), cause.sentence())
                })
                .collect();
            let reasons = if reasons.is_empty() {
                "the loss is not computed from them".to_owned()
            } else {
                reasons.join("; ")
            };
            items.push(vec![Block::sentence(format!("{}{more}: {reasons}.", names.join(", ")))]);
        }
        document.push(Block::List { ordered: false, items });
        if order.len() > SHOWN_GROUPS {
            document.note(
                NoteKind::Omitted,
                format!("{} more groups of weights.", order.len() - SHOWN_GROUPS),
            );
        }
        document.note(
            NoteKind::NotProven,
            "This holds for the given rows and these weights; whether it holds for every data set is another question.",
        );
        document.blocks
    }
}
