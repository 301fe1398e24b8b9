//! The table per sample, the chain rule, and what follows from it.

use super::chain::product;
use super::{BySign, Manual, Try, UnitState};
use crate::document::{Block, Column, Document, NoteKind, Step, Steps, Table, Text};
use crate::explain::exact;
use crate::formula::{Math, Operator};
use crate::worked::digits::{cell, count, math, shown};

/// Samples that are shown one by one.
const SHOWN: usize = 12;
/// The longest row of inputs or outputs that is written out.
const TUPLE: usize = 3;
/// Significant digits.
const DIGITS: usize = 5;

impl Manual {
    /// The table, the loss, the chain rule with numbers, why the gradient is what it is, the loss along the weight,
    /// values to try, and gradient descent.
    pub fn document(&self) -> Document {
        let mut document = Document::new(
            Text::from("The gradient towards ").code(self.weight.to_string()).plain(" by hand"),
        );
        document.say(
            Text::from("The network is ")
                .code(&self.network)
                .plain(", and ")
                .math(Math::name(&self.symbol).equals(math(self.value, 7)))
                .plain(" is ")
                .code(self.weight.to_string())
                .plain("."),
        );
        document.push(Block::Table(self.table()));
        self.say_left_out(&mut document);
        self.say_loss(&mut document);
        self.say_chain(&mut document);
        self.say_why(&mut document);
        document
            .section(Text::from("Should ").math(Math::name(&self.symbol)).plain(" go up or down?"));
        document.blocks.extend(self.along.blocks(&self.symbol));
        self.say_tries(&mut document);
        self.say_descent(&mut document);
        self.say_sharpness(&mut document);
        document
    }

    fn table(&self) -> Table {
        let wide = self.rows.first().is_some_and(|row| row.input.len() > TUPLE);
        let mut columns = vec![match wide {
            true => Column::numbers("sample"),
            false => Column::numbers(Math::name("x")),
        }];
        columns.extend(self.chain.units.iter().map(|unit| Column::numbers(unit.clone())));
        // Of many outputs each has a derivative, and what arrives at the unit is the sum of all their paths.
        let outputs = self.rows.first().is_some_and(|row| row.output.len() <= TUPLE);
        if outputs {
            let output = Math::name("ŷ");
            columns.push(Column::numbers(output.clone()));
            columns.push(Column::numbers(Math::partial(Math::name("J"), output)));
        }
        // The factors between are in the chain rule below; the weight's own activation is what decides.
        let shown: Vec<usize> = match (self.chain.single_path, self.chain.own_activation) {
            (true, Some(own)) => vec![own],
            (true, None) => vec![],
            (false, _) => (0..self.chain.links.len()).collect(),
        };
        columns.extend(shown.iter().map(|&link| Column::numbers(self.chain.links[link].math())));
        columns.push(Column::numbers(self.slope()));
        let mut table = Table::new(columns);
        for at in self.shown_rows() {
            let row = &self.rows[at];
            let mut cells = vec![sample(at, &row.input).into()];
            cells.extend(row.units.iter().map(|&value| cell(value, DIGITS)));
            if outputs {
                cells.push(tuple(&row.output));
                cells.push(tuple(&row.output_slope));
            }
            cells.extend(shown.iter().map(|&link| cell(row.factors[link], DIGITS)));
            cells.push(cell(row.slope, DIGITS));
            table.row(cells);
        }
        table
    }

    /// ∂J/∂w
    fn slope(&self) -> Math {
        Math::partial(Math::name("J"), Math::name(&self.symbol))
    }

    /// The samples that are shown, in order: of many those with the largest derivatives.
    fn shown_rows(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.rows.len()).collect();
        if order.len() > SHOWN {
            let size = |at: &usize| self.rows[*at].slope.abs();
            order.sort_by(|a, b| size(b).total_cmp(&size(a)));
            order.truncate(SHOWN);
            order.sort_unstable();
        }
        order
    }

    fn say_left_out(&self, document: &mut Document) {
        let shown = self.shown_rows();
        let left_out = self.rows.len() - shown.len();
        if left_out == 0 {
            return;
        }
        let sum: f64 = (0..self.rows.len())
            .filter(|at| !shown.contains(at))
            .map(|at| self.rows[at].slope)
            .sum();
        document.note(
            NoteKind::Omitted,
            Text::from(format!(
                "{}, whose derivatives are smaller and add up to ",
                count(left_out, "sample")
            ))
            .math(math(sum, DIGITS))
            .plain("."),
        );
    }

    fn say_loss(&self, document: &mut Document) {
        let mut steps = Steps::new(Math::name("J"));
        if let Some(squares) = self.squares {
            let residuals: Vec<f64> = self.residuals();
            if !residuals.is_empty() && residuals.len() <= 6 {
                let squared = residuals.iter().map(|&residual| {
                    let size = math(residual, DIGITS);
                    let base = if residual < 0.0 { size.fenced() } else { size };
                    base.raised(Math::number("2"))
                });
                let sum = Math::sum(squared);
                steps.equals(
                    Math::fraction(sum, Math::number(&squares.to_string())),
                    "the mean of the squared errors ŷ − y",
                );
            }
        }
        if let Some(exact) = self.exact_loss.as_ref().filter(|exact| is_short(exact)) {
            steps.equals(exact::math(exact), "exactly");
        }
        steps.steps.push(approximately(math(self.loss, DIGITS), ""));
        document.push(Block::Steps(steps));
    }

    /// The errors ŷ − y, row by row.
    fn residuals(&self) -> Vec<f64> {
        // dJ/dŷ = 2(ŷ − y)/N, for a mean of squares.
        let squares = self.squares.unwrap_or(1) as f64;
        self.rows
            .iter()
            .flat_map(|row| row.output_slope.iter().map(|slope| slope * squares / 2.0))
            .collect()
    }

    fn say_chain(&self, document: &mut Document) {
        document.section("The chain rule");
        let mut steps = Steps::new(self.slope());
        let links = self.chain.links.iter().map(super::Link::math);
        steps.equals(Math::product(links), "chain rule, for each sample");
        document.push(Block::Steps(steps));
        if self.chain.several_paths {
            document.say(
                Text::from("Several paths lead from the loss to the unit; ")
                    .math(self.chain.links[0].math())
                    .plain(" is what arrives over all of them."),
            );
        }
        let items = self.shown_rows().into_iter().map(|at| {
            let row = &self.rows[at];
            let name = if row.input.len() > TUPLE { "sample " } else { "x = " };
            let text = Text::from(name)
                .math(sample(at, &row.input))
                .plain(": ")
                .math(product(&row.factors, DIGITS).equals(math(row.slope, DIGITS)));
            vec![Block::Paragraph(text)]
        });
        document.push(Block::List { ordered: false, items: items.collect() });
        document.say(
            Text::from("Added up over the samples: ")
                .math(self.slope().equals(math(self.gradient, DIGITS)))
                .plain("."),
        );
    }

    fn say_why(&self, document: &mut Document) {
        document.section("Why");
        for (at, state) in self.states.iter().enumerate() {
            let own = at == 0 && self.chain.own_activation.is_some();
            document.say(self.activity(state, own));
            if state.on_kink > 0 {
                let irrelevant =
                    !own && self.states.first().is_some_and(|first| first.zero == first.rows);
                document.note(
                    NoteKind::Convention,
                    Text::default().math(state.name.clone()).plain(format!(
                        " lies exactly on a kink in {} of {}: there is no derivative there, and the convention \
                         (PyTorch's, 0 for ReLU) is taken.{}",
                        state.on_kink,
                        count(state.rows, "sample"),
                        if irrelevant {
                            " Here it does not matter: the factor before the weight is 0 anyway."
                        } else {
                            ""
                        }
                    )),
                );
            }
            if let Some(sentence) = state.not_proven() {
                document.note(
                    NoteKind::NotProven,
                    Text::from("The weights of ")
                        .math(state.name.clone())
                        .plain(format!(": {sentence}.")),
                );
            }
            if let Some(sentence) = state.remark() {
                document.note(NoteKind::Remark, format!("{}.", capitalised(&sentence)));
            }
        }
        self.say_gradient(document);
    }

    /// In how many samples the derivative at a unit is 0, and what that means for the weight.
    fn activity(&self, state: &UnitState, own: bool) -> Text {
        let text = Text::from("The derivative at ").math(state.name.clone());
        let samples = count(state.rows, "sample");
        let (zero, what) = match state.saturates {
            true => ("0 as far as can be told", "saturated"),
            false => ("exactly 0", "dead"),
        };
        if state.is_dead() {
            return text.plain(format!(
                " is {zero} in all {samples}: the unit is {what} on these samples{}.",
                if own { ", so no gradient reaches the weight" } else { "" }
            ));
        }
        let active = state.rows - state.zero;
        let despite = match state.by_sign {
            Some(BySign::DeadUnlessNegative) => {
                ", because inputs are negative there, as its weights are"
            }
            Some(BySign::Dead | BySign::DeadWereNegative(_)) | None => "",
        };
        text.plain(if state.zero == 0 {
            format!(" is not 0 in any of {samples}: the unit is active in all of them{despite}.")
        } else {
            format!(
                " is {zero} in {} of {samples}; in the other {active} the unit is active{despite}.",
                state.zero
            )
        })
    }

    /// What the samples' derivatives add up to, and where a step of descent goes.
    fn say_gradient(&self, document: &mut Document) {
        let moving = self.rows.iter().filter(|row| row.slope != 0.0).count();
        let symbol = || Math::name(&self.symbol);
        if moving == 0 {
            document.say(
                Text::from(
                    "The gradient is zero for every sample: no method that follows gradients changes ",
                )
                .math(symbol())
                .plain("."),
            );
            return;
        }
        let samples = count(self.rows.len(), "sample");
        let text = Text::from(if moving == self.rows.len() {
            format!("No factor is 0 in any of {samples}, so each adds its product")
        } else {
            format!(
                "In {moving} of {samples} no factor is 0, so {} product",
                if moving == 1 { "it adds its" } else { "each of them adds its" }
            )
        });
        let sum = text.plain(": the gradient is ").math(math(self.gradient, DIGITS));
        if self.gradient == 0.0 {
            document.say(
                sum.plain(", since they cancel; descent does not move ").math(symbol()).plain("."),
            );
            return;
        }
        let step = if self.gradient > 0.0 { "lowers" } else { "raises" };
        document.say(
            sum.plain(format!("; a small step of gradient descent {step} "))
                .math(symbol())
                .plain("."),
        );
    }

    fn say_tries(&self, document: &mut Document) {
        if self.tries.is_empty() {
            return;
        }
        document.section("Values to try");
        let mut columns =
            vec![Column::numbers(Math::name(&self.symbol)), Column::numbers(Math::name("J"))];
        let exact = self.tries.iter().any(|one| one.exact.as_ref().is_some_and(is_short));
        if exact {
            columns.push(Column::numbers("exactly"));
        }
        if self.squares.is_some() {
            columns.push(Column::numbers("sum of squares"));
        }
        let mut table = Table::new(columns);
        let now = Try {
            weight: self.value,
            loss: self.loss,
            exact: self.exact_loss.clone(),
            sum: self.squares.map(|squares| self.loss * squares as f64),
        };
        for one in std::iter::once(&now).chain(&self.tries) {
            let mut row = vec![cell(one.weight, 6), cell(one.loss, DIGITS)];
            if exact {
                row.push(
                    one.exact
                        .as_ref()
                        .map_or_else(Text::default, |exact| exact::math(exact).into()),
                );
            }
            row.extend(one.sum.map(|sum| cell(sum, DIGITS)));
            table.row(row);
        }
        document.push(Block::Table(table));
        if let Some(squares) = self.squares.filter(|&squares| squares > 1) {
            document.note(
                NoteKind::Warning,
                format!(
                    "The sum of squares and their mean are easily mixed up: J divides the sum by {squares}.",
                ),
            );
        }
    }

    fn say_descent(&self, document: &mut Document) {
        if self.descents.is_empty() {
            return;
        }
        document.section("Gradient descent");
        document.say(
            Text::from("From ")
                .math(Math::name(&self.symbol).equals(math(self.start, 6)))
                .plain(", all other weights as they are, over all samples at once, by the loop that trains:"),
        );
        let few = self.places.len() <= 6;
        let mut columns = vec![
            Column::numbers("learning rate"),
            Column::numbers("steps"),
            Column::numbers("J at first"),
            Column::numbers("J at last"),
        ];
        if few {
            columns.extend(
                self.places.iter().map(|place| Column::numbers(Text::default().code(place))),
            );
        }
        let mut table = Table::new(columns);
        for run in &self.descents {
            let first = run.steps.first().map_or(f64::NAN, |step| step.loss.into());
            let mut row = vec![
                cell(run.lr, 4),
                cell(run.steps.len() as f64, 6),
                cell(first, DIGITS),
                match run.loss {
                    Some(loss) => cell(loss.into(), 4),
                    None => "diverged".into(),
                },
            ];
            if let Some(last) = run.steps.last().filter(|_| few) {
                row.extend(last.weights.iter().map(|&weight| cell(weight.into(), DIGITS)));
            }
            table.row(row);
        }
        document.push(Block::Table(table));
        for run in &self.descents {
            self.say_run(document, run);
        }
    }

    /// How strongly the loss bends where descent begins, and which rates that allows.
    fn say_sharpness(&self, document: &mut Document) {
        if self.descents.is_empty() {
            document.section("Which learning rate is safe?");
        }
        let at = || Math::name(&self.symbol).equals(math(self.start, 6));
        if let Some(why) = &self.no_sharpness {
            let text = Text::from("how strongly the loss bends at ").math(at());
            document.note(NoteKind::Omitted, text.plain(format!(": {why}")));
        }
        let Some(sharpness) = &self.sharpness else { return };
        let bend = || math(sharpness.largest, 4);
        let text = Text::from("At ").math(at());
        document.say(match sharpness.highest_rate {
            Some(rate) => text
                .plain(", the other weights as they are, the loss bends most strongly by ")
                .math(bend())
                .plain(
                    " (the largest eigenvalue of its second derivatives towards all weights); descent on a parabola \
                     that bent does not diverge below the rate ",
                )
                .math(Math::fraction(Math::number("2"), bend()).equals(math(rate, 3)))
                .plain("."),
            None => text
                .plain(
                    ", the other weights as they are, the loss bends upwards in no direction (the largest eigenvalue of \
                     its second derivatives towards all weights is ",
                )
                .math(bend())
                .plain("): it sets no limit to the rate."),
        });
    }

    fn say_run(&self, document: &mut Document, run: &crate::explain::descend::Descent) {
        let rate = shown(run.lr, 4);
        if let Some(why) = &run.diverged {
            document.say(format!("At {rate} the run diverges: {why}."));
        }
        let Some(stuck) = run.stuck_after else { return };
        let turned: Vec<String> = self
            .places
            .iter()
            .enumerate()
            .filter_map(|(place, name)| {
                let first = run.steps.first()?.weights.get(place).copied()?;
                let step = run.first_step(place, |weight| weight < 0.0)?;
                let began_positive = step > 1 || first < 0.0 && self.start_of(place) >= 0.0;
                began_positive.then(|| format!("{name} becomes negative at step {step}"))
            })
            .collect();
        let turned =
            if turned.is_empty() { String::new() } else { format!("; {}", turned.join(", ")) };
        document.note(
            NoteKind::Warning,
            format!(
                "At {rate} every gradient is exactly 0 after step {stuck}{turned}: nothing moves any more, though the \
                 loss is {}.",
                run.loss.map_or("not finite".into(), |loss| shown(loss.into(), 4))
            ),
        );
    }

    /// A weight where descent begins; other than the weight in question as the network has it.
    fn start_of(&self, place: usize) -> f64 {
        if self.places.get(place) == Some(&self.weight.to_string()) { self.start } else { 0.0 }
    }
}

fn capitalised(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| {
        // A symbol such as a₂ keeps its letter.
        let symbol = letters.as_str().starts_with(|next: char| !next.is_ascii_alphabetic());
        let first = if symbol { first } else { first.to_ascii_uppercase() };
        format!("{first}{}", letters.as_str())
    })
}

/// Whether a fraction is short enough to say something.
fn is_short(fraction: &exact::Rational) -> bool {
    fraction.to_string().len() <= 24
}

fn approximately(value: Math, label: impl Into<Text>) -> Step {
    Step { relation: Operator::Approximately, value, label: label.into(), check: None }
}

/// A sample by its inputs, or by its number where they are many.
fn sample(at: usize, input: &[f64]) -> Math {
    if input.len() > TUPLE { Math::number(&at.to_string()) } else { tuple_math(input) }
}

fn tuple_math(values: &[f64]) -> Math {
    match values {
        [only] => math(*only, DIGITS),
        values => {
            let mut row = vec![];
            for &value in values {
                if !row.is_empty() {
                    row.push(Math::Operator(Operator::Comma));
                }
                row.push(math(value, DIGITS));
            }
            Math::Row(row).fenced()
        }
    }
}

fn tuple(values: &[f64]) -> Text {
    tuple_math(values).into()
}
