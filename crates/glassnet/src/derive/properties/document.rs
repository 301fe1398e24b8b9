//! Properties as a table to read.

use super::limit::Limit;
use super::{How, Interval, Known, OneSided, Properties, Quantity, Run, Symmetry, Trend};
use crate::document::{Block, Column, Document, NoteKind, Table, Text};
use crate::formula::{Math, Operator};

impl Quantity {
    /// The exact value as it is set, or the value to six digits.
    pub fn math(&self) -> Math {
        match &self.exact {
            Some(exact) => exact.math(),
            None => rounded(self.value, 6),
        }
    }
}

/// A value to so many significant digits, without zeros at its end.
pub(in crate::derive) fn rounded(value: f64, digits: usize) -> Math {
    if value == 0.0 || !value.is_finite() {
        return Math::f64(value + 0.0);
    }
    let scientific = format!("{value:.*e}", digits - 1);
    let short = scientific.parse().unwrap_or(value);
    Math::f64(short)
}

impl Limit {
    /// The limit as it is set; words if there is none.
    pub fn math(&self) -> Math {
        match self {
            Limit::Finite(value) => value.math(),
            Limit::Infinity => Math::f64(f64::INFINITY),
            Limit::MinusInfinity => Math::f64(f64::NEG_INFINITY),
            Limit::None => Math::text("not determined"),
        }
    }
}

fn interval(own: &Interval) -> Text {
    if own.low == own.high && own.low_closed {
        return Text::from("only ").math(own.low.math());
    }
    let (open, close) =
        (if own.low_closed { "[" } else { "(" }, if own.high_closed { "]" } else { ")" });
    Text::from(open).math(own.low.math()).plain(", ").math(own.high.math()).plain(close)
}

impl Properties {
    fn place(&self, at: &Quantity) -> Math {
        Math::name(&self.variable).equals(at.math())
    }

    fn domain_text(&self) -> Text {
        let all = |own: &Interval| own.low == Limit::MinusInfinity && own.high == Limit::Infinity;
        if self.domain.what.iter().any(all) {
            return "all numbers".into();
        }
        let mut text = Text::default();
        for (i, own) in self.domain.what.iter().enumerate().take(6) {
            text = if i > 0 { text.plain(" and ") } else { text };
            text.0.extend(interval(own).0);
        }
        let more = self.domain.what.len().saturating_sub(6);
        if more > 0 { text.plain(format!(" and {more} more")) } else { text }
    }

    fn runs_text(&self) -> Text {
        let word = |run: &Run| match run.trend {
            Trend::Rising => "rises",
            Trend::Falling => "falls",
            Trend::Constant => "is constant",
        };
        let mut text = Text::default();
        for (i, run) in self.runs.what.iter().enumerate().take(6) {
            let lead = if i > 0 { ", " } else { "" };
            text = text.plain(format!("{lead}{}", word(run)));
            text = self.stretch(text, &run.low, &run.high);
        }
        let more = self.runs.what.len().saturating_sub(6);
        if more > 0 { text.plain(format!(", and {more} more")) } else { text }
    }

    fn stretch(&self, text: Text, low: &Option<Quantity>, high: &Option<Quantity>) -> Text {
        let name = Math::name(&self.variable);
        let less = || Math::Operator(Operator::Relation(crate::formula::Relation::Less));
        match (low, high) {
            (None, None) => text.plain(" everywhere"),
            (Some(low), None) => {
                let more = Math::Operator(Operator::Relation(crate::formula::Relation::Greater));
                text.plain(" for ").math(Math::row([name, more, low.math()]))
            }
            (None, Some(high)) => text.plain(" for ").math(Math::row([name, less(), high.math()])),
            (Some(low), Some(high)) => {
                text.plain(" for ").math(Math::row([low.math(), less(), name, less(), high.math()]))
            }
        }
    }

    fn steepest_text(&self) -> Text {
        let own = &self.steepest.what;
        let mut text = Text::from(own.value.math());
        for (i, at) in own.at.iter().enumerate().take(4) {
            text = text.plain(if i == 0 { " at " } else { " and " }).math(self.place(at));
        }
        if own.at.len() > 4 {
            text = text.plain(format!(" and {} more places", own.at.len() - 4));
        }
        for (i, (low, high)) in own.along.iter().enumerate().take(2) {
            text = if i > 0 || !own.at.is_empty() { text.plain(" and") } else { text };
            text = self.stretch(text, low, high);
        }
        if own.at.is_empty() && own.along.is_empty() && matches!(own.value, Limit::Finite(_)) {
            text = text.plain(", neared and not reached");
        }
        text
    }

    fn saturation_text(&self) -> Text {
        let slopes = &self.slope_limits;
        let text = self.ends_text(slopes);
        if slopes.iter().any(|own| own.how == How::Undetermined) {
            return text;
        }
        text.plain(match self.saturates() {
            [true, true] => ": saturates on both sides",
            [true, false] => ": saturates to the left",
            [false, true] => ": saturates to the right",
            [false, false] => ": does not saturate",
        })
    }

    fn limits_text(&self) -> Text {
        self.ends_text(&self.limits)
    }

    fn ends_text(&self, ends: &[Known<Limit>; 2]) -> Text {
        let one = |own: &Known<Limit>| match (&own.what, own.how) {
            (Limit::None, How::Exact | How::Numeric) => Text::from("no value"),
            (_, How::Undetermined) => Text::from("not determined"),
            (what, _) => Text::from(what.math()),
        };
        let mut text = one(&ends[0]).plain(" at ").math(Math::f64(f64::NEG_INFINITY)).plain(", ");
        text.0.extend(one(&ends[1]).0);
        text.plain(" at ").math(Math::f64(f64::INFINITY))
    }

    /// Why something is not determined, as far as that can be said in a few words.
    fn why(&self) -> &'static str {
        if super::enclosure::oscillates(&self.formula) {
            "a sine, cosine or tangent may turn without end"
        } else {
            "the search did not decide it"
        }
    }

    /// The properties as a table.
    pub fn table(&self) -> Table {
        let mut table =
            Table::new([Column::words("property"), Column::words("value"), Column::words("known")]);
        let mut row = |name: &str, value: Text, how: How| {
            let value = if how == How::Undetermined { "not determined".into() } else { value };
            let known = match how {
                How::Undetermined => self.why(),
                How::Exact | How::Numeric | How::Looked => how.word(),
            };
            table.row([name.into(), value, known.into()]);
        };
        row("domain", self.domain_text(), self.domain.how);
        // Between the least and the greatest value some may be left out where the domain has gaps.
        let gaps = self.domain.what.len() > 1;
        let range = if gaps { "all values lie in" } else { "range" };
        row(range, interval(&self.range.what), self.range.how);
        let symmetry = match self.symmetry.what {
            Symmetry::Odd => "odd, so zero-centred",
            Symmetry::Even => "even, not zero-centred",
            Symmetry::None => "neither odd nor even, not zero-centred",
        };
        row("symmetry", symmetry.into(), self.symmetry.how);
        row("course", self.runs_text(), self.runs.how);
        row("limits", self.limits_text(), worst(&self.limits));
        row("greatest |f'|", self.steepest_text(), self.steepest.how);
        let lipschitz = match self.lipschitz() {
            Some(value) => value.math().into(),
            None if self.steepest.how == How::Looked => "not determined".into(),
            None => Text::from("none"),
        };
        row("Lipschitz constant", lipschitz, self.steepest.how);
        row("slope", self.saturation_text(), worst(&self.slope_limits));
        let (kinks, how) = (&self.kinks.what, self.kinks.how);
        if kinks.is_empty() {
            row("kinks", "none".into(), how);
        }
        for kink in kinks.iter().take(6) {
            let text = Text::from(self.place(&kink.at))
                .plain(": slope ")
                .math(kink.left.math())
                .plain(" from the left, ")
                .math(kink.right.math())
                .plain(" from the right");
            // A kink that was found is one; that there are no others is said below.
            row("kink", text, how.min(How::Numeric));
        }
        if kinks.len() > 6 {
            row("more kinks", (kinks.len() - 6).to_string().into(), how.min(How::Looked));
        }
        if !kinks.is_empty() && how > How::Numeric {
            row("other kinks", "not determined".into(), How::Undetermined);
        }
        table
    }

    fn convention(&self, kink: &OneSided) -> Option<Block> {
        let at = self.place(&kink.at);
        let own = kink.convention?;
        let text = Text::from("at ")
            .math(at)
            .plain(" there is no derivative; PyTorch takes ")
            .math(rounded(own, 6))
            .plain(", and so does glassnet.");
        Some(Block::Note(NoteKind::Convention, vec![Block::Paragraph(text)]))
    }

    /// Everything: the table, values at a few places in f64 and f32, the average output.
    pub fn document(&self) -> Document {
        let name = Math::apply("f", Math::name(&self.variable));
        let mut document = Document::new("Properties");
        document.formula(name.equals(self.formula.math()));
        document.push(Block::Table(self.table()));
        document
            .blocks
            .extend(self.kinks.what.iter().take(6).filter_map(|kink| self.convention(kink)));
        let mut table = Table::new([
            Column::numbers(Text::from(Math::name(&self.variable))),
            Column::numbers("f"),
            Column::numbers("f'"),
            Column::numbers("f' in f32"),
        ]);
        for sample in &self.samples {
            let cell = |value: Option<f64>| match value {
                Some(value) => Text::from(rounded(value, 9)),
                None => "none".into(),
            };
            table.row([
                rounded(sample.z, 6).into(),
                cell(sample.value),
                cell(sample.slope),
                Text::from(Math::f32(sample.slope_f32 + 0.0)),
            ]);
        }
        document.section("Values");
        document.push(Block::Table(table));
        document.note(
            NoteKind::Remark,
            "f' in f32 is the derivative's formula with every operation rounded to f32; the others are right to \
             the digits shown.",
        );
        if let Some(mean) = self.mean_output {
            document.say(
                Text::from("For inputs from the normal distribution the average output is ")
                    .math(rounded(mean, 5))
                    .plain("."),
            );
        }
        document
    }
}

fn worst<T>(parts: &[Known<T>; 2]) -> How {
    // One that is not determined is said to be so in its place.
    match [parts[0].how, parts[1].how] {
        [How::Undetermined, How::Undetermined] => How::Undetermined,
        [How::Undetermined, own] | [own, How::Undetermined] => own,
        [left, right] => left.max(right),
    }
}
