//! The reasons in sentences.

use super::{Cause, Verdict, WhyZero, ZeroGradients, ZeroGroup};
use crate::document::{Block, Column, Document, NoteKind, Table, Text};
use crate::explain::setting::Weight;
use crate::explain::units::RowNames;
use crate::formula::Math;

/// How many rows a table of shares has.
const SHOWN_ROWS: usize = 12;
/// How many groups are told.
const SHOWN_GROUPS: usize = 12;
/// How many units of a layer are named.
const SHOWN_UNITS: usize = 12;
/// How many weights of a group are named.
const SHOWN_WEIGHTS: usize = 4;

impl WhyZero {
    /// The answer in one sentence.
    pub fn answer(&self) -> String {
        let weight = &self.weight;
        let rows = every_row(self.rows.len());
        match self.verdict {
            Verdict::NotZero => {
                format!("The gradient towards {weight} is not zero: it is {:?}.", self.gradient)
            }
            Verdict::EveryRow if self.gradient != 0.0 => format!(
                "The gradient towards {weight} is as good as zero ({:?}): in {rows} a factor on each path to the loss is.",
                self.gradient
            ),
            Verdict::EveryRow if self.exact != 0.0 => format!(
                "The gradient towards {weight} is zero in f32 in {rows}, though not exactly: in f64 it is {:.2e}. On \
                 each path to the loss a factor is too small.",
                self.exact
            ),
            Verdict::EveryRow if self.is_saturated() => format!(
                "The gradient towards {weight} is zero in {rows} as far as f32 and f64 can tell: on each path to the \
                 loss a factor is zero or too small for them."
            ),
            Verdict::EveryRow => format!(
                "The gradient towards {weight} is zero in {rows}: on each path to the loss a factor is zero."
            ),
            Verdict::Cancels => format!(
                "The gradient towards {weight} is zero although rows have shares: they cancel in the sum."
            ),
            Verdict::Unused => {
                format!("The gradient towards {weight} is zero: the loss is not computed from it.")
            }
        }
    }

    /// Whether a saturated unit is among the causes: its slope is no exact 0.
    fn is_saturated(&self) -> bool {
        let mut causes = self.rows.iter().flat_map(|row| &row.causes);
        causes.any(|cause| matches!(cause, Cause::Saturated { .. }))
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
    pub fn blocks(&self, names: RowNames<'_>) -> Vec<Block> {
        let mut document = Document::default();
        document.say(Text::default().strong(self.answer()));
        let causes = self.causes();
        if !causes.is_empty() {
            if self.verdict != Verdict::EveryRow {
                let closed: Vec<usize> =
                    self.rows.iter().filter(|row| row.closed).map(|row| row.row).collect();
                document
                    .say(format!("In {} no path is open:", names.words(&closed, self.rows.len())));
            }
            document.push(list(&causes, self.rows.len(), names));
        }
        if matches!(self.verdict, Verdict::Cancels | Verdict::NotZero) {
            self.say_shares(names, &mut document);
        }
        conventions(&causes, &mut document);
        for sentence in &self.seen {
            document.say(sentence.clone());
        }
        if self.verdict == Verdict::EveryRow {
            match &self.proven {
                Some(sentence) => document.note(
                    NoteKind::Remark,
                    format!("{sentence}, with the convention that ReLU's derivative at 0 is 0."),
                ),
                None => document.note(
                    NoteKind::NotProven,
                    "This holds for the given rows and these weights; whether it holds for every data set is another question.",
                ),
            }
        }
        document.blocks
    }

    fn say_shares(&self, names: RowNames<'_>, document: &mut Document) {
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
            table.row([Text::from(names.one(row)), number(self.rows[row].share)]);
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

fn every_row(rows: usize) -> &'static str {
    if rows == 1 { "this row" } else { "every row" }
}

fn list(causes: &[(&Cause, Vec<usize>)], rows: usize, names: RowNames<'_>) -> Block {
    let item = |(cause, own): &(&Cause, Vec<usize>)| {
        vec![Block::sentence(format!("In {}: {}.", names.words(own, rows), cause.sentence()))]
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
    pub fn blocks(&self, names: RowNames<'_>) -> Vec<Block> {
        let mut document = Document::default();
        let count = self.count();
        if count == 0 {
            document.say(format!(
                "None of the {} weights has a gradient that is zero in {}.",
                self.weights,
                every_row(self.rows)
            ));
            return document.blocks;
        }
        document.say(format!(
            "{count} of {} weights have a gradient that is zero in {}:",
            self.weights,
            every_row(self.rows)
        ));
        let mut items = self.items(names);
        items.sort_by_key(|item| std::cmp::Reverse(item.weights));
        let left_out = items.len().saturating_sub(SHOWN_GROUPS);
        items.truncate(SHOWN_GROUPS);
        let items = items.into_iter().map(|item| vec![Block::sentence(item.sentence)]).collect();
        document.push(Block::List { ordered: false, items });
        if left_out > 0 {
            document.note(NoteKind::Omitted, format!("{left_out} more groups of weights."));
        }
        document.note(
            NoteKind::NotProven,
            "This holds for the given rows and these weights; whether it holds for every data set is another question.",
        );
        document.blocks
    }

    /// A sentence for each group; groups that say the same of units of one layer become one.
    fn items(&self, names: RowNames<'_>) -> Vec<Item> {
        let mut items = vec![];
        let mut layers: Vec<(Layer<'_>, Vec<String>, Vec<&Weight>)> = vec![];
        for group in &self.groups {
            let Some((layer, unit)) = self.layer(group) else {
                items.push(Item {
                    weights: group.weights.len(),
                    sentence: self.sentence(group, names),
                });
                continue;
            };
            match layers.iter_mut().find(|(known, _, _)| *known == layer) {
                Some((_, units, weights)) => {
                    units.push(unit);
                    weights.extend(&group.weights);
                }
                None => layers.push((layer, vec![unit], group.weights.iter().collect())),
            }
        }
        for (layer, units, weights) in layers {
            let (noun, verb) = if units.len() == 1 { ("unit", "is") } else { ("units", "are") };
            let shown: Vec<String> = units.iter().take(SHOWN_UNITS).cloned().collect();
            let more = units.len().saturating_sub(SHOWN_UNITS);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let what = match layer.dead {
                true => format!("{verb} dead in {}", every_row(self.rows)),
                false => format!(
                    "{verb} 0 in {}, and the weights are multiplied with that",
                    every_row(self.rows)
                ),
            };
            let sentence = format!(
                "{}: {noun} {}{more} of {} {what}.",
                named(&weights),
                shown.join(", "),
                layer.name()
            );
            items.push(Item { weights: weights.len(), sentence });
        }
        items
    }

    fn sentence(&self, group: &ZeroGroup, names: RowNames<'_>) -> String {
        let reasons: Vec<String> = group
            .causes
            .iter()
            .take(SHOWN_WEIGHTS)
            .map(|(cause, rows)| {
                format!("in {} {}", names.words(rows, self.rows), cause.sentence())
            })
            .collect();
        let reasons = if reasons.is_empty() {
            "the loss is not computed from them".to_owned()
        } else {
            reasons.join("; ")
        };
        format!("{}: {reasons}.", named(&group.weights.iter().collect::<Vec<_>>()))
    }

    /// The layer and the unit, where one unit that is dead or 0 in all rows is the whole reason.
    fn layer<'a>(&self, group: &'a ZeroGroup) -> Option<(Layer<'a>, String)> {
        let [(cause, rows)] = group.causes.as_slice() else { return None };
        if rows.len() != self.rows {
            return None;
        }
        let (dead, unit, activation) = match cause {
            Cause::Dead { unit, activation, .. } => (true, unit, activation.as_str()),
            Cause::InputZero { unit, feature: false } => (false, unit, ""),
            Cause::OnKink { .. }
            | Cause::Saturated { .. }
            | Cause::InputZero { .. }
            | Cause::WeightZero { .. }
            | Cause::LossFlat { .. }
            | Cause::Dropped { .. }
            | Cause::NotChosen { .. }
            | Cause::Factor { .. } => return None,
        };
        let [index] = unit.index.as_slice() else { return None };
        Some((Layer { dead, layer: &unit.layer, activation }, (index + 1).to_string()))
    }
}

/// A group in words, and how many weights it is about.
struct Item {
    weights: usize,
    sentence: String,
}

/// What several units of a layer have in common.
#[derive(PartialEq)]
struct Layer<'a> {
    /// Dead, or else 0 as a factor.
    dead: bool,
    layer: &'a str,
    activation: &'a str,
}

impl Layer<'_> {
    fn name(&self) -> String {
        match self.activation {
            "" => self.layer.to_owned(),
            activation => format!("{} ({activation} after it)", self.layer),
        }
    }
}

/// The first few names, and how many more there are.
fn named(weights: &[&Weight]) -> String {
    let names: Vec<String> = weights.iter().take(SHOWN_WEIGHTS).map(ToString::to_string).collect();
    match weights.len().saturating_sub(SHOWN_WEIGHTS) {
        0 => names.join(", "),
        more => format!("{} and {more} more", names.join(", ")),
    }
}
