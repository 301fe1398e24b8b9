//! The comparison as tables, a plot, and statements that each name their number.

use super::vanish::SCALES;
use super::{Activations, Compared, ShapeKnown, Side};
use crate::derive::How;
use crate::document::{
    Axis, Block, Column, Document, Figure, NoteKind, Plot, Scale, Series, Table, Text,
};
use crate::formula::{BigOperator, Fence, Math, Operator};
use crate::worked::digits::{cell, count, math, shown};

/// Significant digits of derivatives.
const DIGITS: usize = 3;

impl Activations {
    /// Tables of derivatives, shape and cost; vanishing gradients; cures; advantages and disadvantages; a plot.
    pub fn document(&self) -> Document {
        let mut document = Document::new("Activations compared");
        document.section("Derivatives");
        document.push(Block::Table(self.derivatives()));
        let gone = self.compared.iter().find(|one| {
            let [_, far] = &one.tail;
            far.slope != 0.0 && far.slope_f32 == 0.0 && !one.shape.can_die()
        });
        if let Some(one) = gone {
            document.note(
                NoteKind::Remark,
                format!(
                    "{}'s derivative at 10 is {}, and in f32 exactly 0, because its value there is rounded to {}: the \
                     gradient does not fade slowly, it is gone.",
                    one.activation.name,
                    in_words(one.tail[1].slope),
                    shown(one.tail[1].value_f32.into(), 7),
                ),
            );
        }
        if self.compared.iter().any(|one| !one.shape.kinks.is_empty()) {
            let relu = self.compared.iter().any(|one| one.activation.module.kind() == "ReLU");
            document.note(
                NoteKind::Convention,
                format!(
                    "At a kink the one-sided derivatives differ and there is no derivative; the convention, PyTorch's, \
                     takes one of them{}.",
                    if relu { ": 0 for ReLU at 0" } else { "" }
                ),
            );
        }
        document.section("Shape");
        document.push(Block::Table(self.shapes()));
        let found: Vec<&str> = self
            .compared
            .iter()
            .filter(|one| !one.shape.exact)
            .map(|one| one.activation.name.as_str())
            .collect();
        document.say(if found.is_empty() {
            "All of this but the mean output is decided exactly, by algebra and by rules for limits.".into()
        } else {
            format!(
                "This is decided exactly, by algebra and by rules for limits, but for mean outputs and some of the \
                 properties of {}, which are found by a search or not determined, where it says so.",
                found.join(", ")
            )
        });
        document.say(
            "The mean output is that over normal inputs (mean 0, variance 1); it is 0 for a function that is odd. A \
             unit can die where the derivative is exactly 0 on a half-line: no gradient brings it back from there.",
        );
        if self.compared.iter().any(|one| one.cost.is_some()) {
            self.say_cost(&mut document);
        }
        document.push(Block::Figure(self.plot(false)));
        document.push(Block::Figure(self.plot(true)));
        self.say_vanishing(&mut document);
        self.say_cures(&mut document);
        self.say_sides(&mut document);
        self.say_output(&mut document);
        document
    }

    fn derivatives(&self) -> Table {
        let slope = |at: &str| Math::row([primed(), Math::number(at).fenced()]);
        let most = Math::row([
            Math::Big(BigOperator::Max, None, None),
            Math::Fence(Fence::Bars, Box::new(primed())),
        ]);
        let mut table = Table::new([
            Column::words("activation"),
            Column::numbers(most),
            Column::words("at z"),
            Column::numbers(slope("5")),
            Column::numbers(Text::from(slope("5")).plain(" in f32")),
            Column::numbers(slope("10")),
            Column::numbers(Text::from(slope("10")).plain(" in f32")),
        ]);
        for one in &self.compared {
            let most = one.shape.steepest.1;
            table.row([
                one.activation.name.clone().into(),
                if most.is_nan() { "not determined".into() } else { cell(most, 5) },
                steepest_place(one),
                cell(one.tail[0].slope, DIGITS),
                cell(one.tail[0].slope_f32.into(), DIGITS),
                cell(one.tail[1].slope, DIGITS),
                cell(one.tail[1].slope_f32.into(), DIGITS),
            ]);
        }
        table
    }

    fn shapes(&self) -> Table {
        let mut table = Table::new([
            Column::words("activation"),
            Column::words("range"),
            Column::numbers("mean output"),
            Column::words("zero-centred"),
            Column::words("can die"),
            Column::words("saturates"),
            Column::words("kinks"),
        ]);
        for one in &self.compared {
            let shape = &one.shape;
            let kinks: Vec<String> = shape.kinks.iter().map(|&kink| shown(kink, 4)).collect();
            table.row([
                one.activation.name.clone().into(),
                range_of(one),
                shape.mean.map_or("not determined".into(), |mean| {
                    cell(if shape.zero_centred { 0.0 } else { mean }, 4)
                }),
                if shape.zero_centred { "yes" } else { "no" }.into(),
                match ShapeKnown::is_settled(shape.known.course) {
                    true if shape.can_die() => dead_text(one),
                    true => "no".into(),
                    false => "not determined".into(),
                },
                saturation(&shape.saturates, shape.known.ends).into(),
                match (kinks.is_empty(), ShapeKnown::is_settled(shape.known.kinks)) {
                    (true, true) => "none: smooth".into(),
                    (true, false) => "not determined".into(),
                    (false, true) => kinks.join(", ").into(),
                    (false, false) => {
                        let some = kinks.iter().take(4).cloned().collect::<Vec<String>>();
                        format!("{}, perhaps more", some.join(", ")).into()
                    }
                },
            ]);
        }
        table
    }

    fn say_cost(&self, document: &mut Document) {
        document.section("Cost");
        let (rows, columns) = self.config.cost_size;
        document.say(format!(
            "Measured now, on this machine: the engine computes {rows} × {columns} numbers, all activations in turn, and \
             the least time of each is taken.",
        ));
        let mut table = Table::new([
            Column::words("activation"),
            Column::numbers("ns per number"),
            Column::numbers("times ReLU"),
            Column::numbers("with derivative, ns"),
            Column::numbers("times ReLU"),
        ]);
        for one in &self.compared {
            let Some(cost) = one.cost else { continue };
            table.row([
                one.activation.name.clone().into(),
                cell(cost.forward, DIGITS),
                cell(cost.forward_relative, DIGITS),
                cell(cost.both, DIGITS),
                cell(cost.both_relative, DIGITS),
            ]);
        }
        document.push(Block::Table(table));
    }

    /// The functions, or their derivatives.
    fn plot(&self, derivatives: bool) -> Figure {
        let series = self.compared.iter().map(|one| {
            let points = one
                .curve
                .iter()
                .map(|&(z, value, slope)| (z, if derivatives { slope } else { value }));
            Series::line(Text::from(one.activation.name.clone()), points.collect())
        });
        let names: Vec<&str> =
            self.compared.iter().map(|one| one.activation.name.as_str()).collect();
        let what = if derivatives { "derivatives of the activations" } else { "activations" };
        let mut y = Axis::new(if derivatives { primed() } else { Math::name("f") });
        y.range = Some(if derivatives { (-0.5, 1.5) } else { (-1.5, 3.0) });
        Figure {
            caption: format!("The {what}").into(),
            alternative: format!("the {what} {} from z = -6 to 6", names.join(", ")),
            plot: Plot {
                x: Axis::new(Math::name("z")),
                y,
                series: series.collect(),
                marks: vec![],
            },
        }
    }

    fn say_vanishing(&self, document: &mut Document) {
        document.section("Vanishing gradients");
        document.say(
            "The chain rule multiplies one derivative per layer. If all units stand at the same z, what is left of a \
             gradient after several layers is:",
        );
        let depths: Vec<usize> =
            [1, 2, 5, 10, 20].into_iter().filter(|&depth| depth <= self.config.depth).collect();
        let mut columns = vec![Column::words("activation"), Column::numbers(Math::name("z"))];
        columns.extend(depths.iter().map(|depth| Column::numbers(count(*depth, "layer"))));
        let mut table = Table::new(columns);
        for one in &self.compared {
            for (&z, &slope) in self.config.places.iter().zip(&one.slopes) {
                let mut row = vec![one.activation.name.clone().into(), cell(z, DIGITS)];
                row.extend(
                    depths.iter().map(|&depth| cell(libm::pow(slope, depth as f64), DIGITS)),
                );
                table.row(row);
            }
        }
        document.push(Block::Table(table));
        document.push(Block::Figure(self.product_plot()));
        document.say(format!(
            "Weights come between, so here is a real network: {} of {} with random weights, {}. The number is the norm \
             of the loss's gradient that arrives at the first layer's units (towards their biases), divided by that at \
             the last hidden layer's, by the graph that trains. Near 1 all layers get a gradient alike; at {} the \
             first one hardly learns.",
            count(self.config.depth, "hidden layer"),
            count(self.config.width, "unit"),
            count(self.config.rows, "row"),
            in_words(1e-6),
        ));
        let mut columns = vec![Column::words("activation")];
        columns.extend(SCALES.iter().map(|(_, name)| Column::numbers(format!("variance {name}"))));
        let mut table = Table::new(columns);
        for one in &self.compared {
            let mut row: Vec<Text> = vec![one.activation.name.clone().into()];
            row.extend(one.depths.iter().map(|depth| match depth.ratio() {
                Some(ratio) => cell(ratio, DIGITS),
                None => "not finite".into(),
            }));
            table.row(row);
        }
        document.push(Block::Table(table));
    }

    fn product_plot(&self) -> Figure {
        let place = self.config.places.first().copied().unwrap_or(1.0);
        let series = self
            .compared
            .iter()
            .map(|one| {
                let slope = one.slopes.first().copied().unwrap_or(0.0).abs();
                let points = (1..=self.config.depth.min(100))
                    .map(|depth| (depth as f64, libm::pow(slope, depth as f64)));
                Series::line(Text::from(one.activation.name.clone()), points.collect())
            })
            .collect();
        let mut y = Axis::new("product of |f'(z)|");
        y.scale = Scale::Logarithmic;
        Figure {
            caption: Text::from("What is left of a gradient over depth, every unit at z = ")
                .math(math(place, DIGITS)),
            alternative:
                "the product of derivatives against the number of layers, on a logarithmic axis"
                    .into(),
            plot: Plot { x: Axis::new("layers"), y, series, marks: vec![] },
        }
    }

    fn say_cures(&self, document: &mut Document) {
        if self.cures.is_empty() {
            return;
        }
        document.section("Cures for dead units");
        document.say(
            "A slope that is not 0 below 0 keeps a gradient: LeakyReLU has a small fixed one, PReLU a trained one \
             (0.25 at first).",
        );
        let mut table = Table::new([
            Column::words("activation"),
            Column::numbers(Math::row([primed(), Math::number("-1").fenced()])),
            Column::numbers(Math::row([primed(), Math::number("-5").fenced()])),
        ]);
        let dying = self.compared.iter().filter(|one| one.shape.can_die());
        for (name, below) in dying
            .map(|one| (&one.activation.name, &one.below))
            .chain(self.cures.iter().map(|(activation, below)| (&activation.name, below)))
        {
            table.row([
                name.clone().into(),
                cell(below[0].slope, DIGITS),
                cell(below[1].slope, DIGITS),
            ]);
        }
        document.push(Block::Table(table));
    }

    fn say_sides(&self, document: &mut Document) {
        document.section("Advantages and disadvantages");
        for one in &self.compared {
            document.push(Block::Heading(3, one.activation.name.clone().into()));
            for (wanted, words) in [(true, "Advantages:"), (false, "Disadvantages:")] {
                let sides = one.sides().into_iter().filter(|(good, _)| *good == wanted);
                let items: Vec<_> =
                    sides.map(|(_, text)| vec![Block::Paragraph(text.into())]).collect();
                if !items.is_empty() {
                    document.say(words);
                    document.push(Block::List { ordered: false, items });
                }
            }
        }
    }

    fn say_output(&self, document: &mut Document) {
        let has = |kind: &str| self.compared.iter().any(|one| one.activation.module.kind() == kind);
        if has("Sigmoid") {
            document.section("Sigmoid at the output");
            document.say(
                "A sigmoid at the output makes the score z a probability; a network that is one linear layer and a \
                 sigmoid is logistic regression ('worked logistic'). It equals softmax of the two scores 0 and z:",
            );
            let mut table = Table::new([
                Column::numbers(Math::name("z")),
                Column::numbers(Math::apply("σ", Math::name("z"))),
                Column::numbers("softmax(0, z)"),
                Column::numbers("binary cross-entropy"),
                Column::numbers("cross-entropy"),
            ]);
            for row in &self.output {
                table.row([
                    cell(row.z, 4),
                    cell(row.sigmoid, 7),
                    cell(row.softmax, 7),
                    cell(row.binary_cross_entropy, 7),
                    cell(row.cross_entropy, 7),
                ]);
            }
            document.push(Block::Table(table));
        }
        if has("Tanh") || has("Sigmoid") {
            document.note(
                NoteKind::Remark,
                "Recurrent networks (LSTM, GRU) take tanh for what they remember and the sigmoid for their gates; they \
                 are outside of what is computed here.",
            );
        }
    }
}

impl Compared {
    /// What speaks for (true) and against it, each with its number.
    pub fn sides(&self) -> Vec<(bool, String)> {
        let shape = &self.shape;
        let mut sides = vec![];
        let tail = self.tail[1].slope;
        if shape.saturates.contains(&Side::Right) {
            let most = match ShapeKnown::is_settled(shape.known.steepest) {
                true => {
                    format!(", and |f'| is at most {} per layer", in_words(shape.steepest.1))
                }
                false => String::new(),
            };
            sides.push((
                false,
                format!("suffers from vanishing gradients: f'(10) = {}{most}", in_words(tail)),
            ));
        } else if (tail - 1.0).abs() < 1e-3 && ShapeKnown::is_settled(shape.known.ends) {
            sides.push((
                true,
                format!("gradients do not vanish for large z: f'(10) = {}", in_words(tail)),
            ));
        }
        for (side, from) in &shape.dead {
            let (sign, beyond) = match side {
                Side::Left => ("<", "below"),
                Side::Right => (">", "above"),
            };
            let from = shown(*from, 4);
            sides.push((
                false,
                format!("can die: f' is exactly 0 for z {sign} {from}, so a unit {beyond} it in every row learns no more"),
            ));
        }
        if shape.dead.is_empty()
            && ShapeKnown::is_settled(shape.known.course)
            && ShapeKnown::is_settled(shape.known.ends)
            && self.below[1].slope != 0.0
            && !shape.saturates.contains(&Side::Left)
        {
            sides.push((true, format!("cannot die: f'(-5) = {}", in_words(self.below[1].slope))));
        }
        if shape.zero_centred {
            sides.push((true, "is zero-centred: the mean output is 0".into()));
        } else if let Some(mean) = shape.mean {
            sides.push((
                false,
                format!("is not zero-centred: the mean output is {}", in_words(mean)),
            ));
        }
        if shape.kinks.is_empty() {
            if ShapeKnown::is_settled(shape.known.kinks) {
                sides.push((true, "has a smooth gradient: no kink".into()));
            }
        } else if shape.kinks.len() > 4 {
            sides.push((false, format!("has many kinks, {} of them found", shape.kinks.len())));
        } else {
            let kinks: Vec<String> = shape.kinks.iter().map(|&kink| shown(kink, 4)).collect();
            sides.push((false, format!("has a kink at {}", kinks.join(" and "))));
        }
        if let Some(cost) = self.cost {
            let times = cost.both_relative;
            if cost.reference {
                sides.push((
                    true,
                    format!(
                        "computationally inexpensive: {} ns per number with its derivative, the reference for the \
                         others",
                        shown(cost.both, 2)
                    ),
                ));
            } else if times > 1.25 {
                sides.push((
                    false,
                    format!("computationally more expensive than ReLU: {} times", shown(times, 2)),
                ));
            } else {
                sides.push((
                    true,
                    format!("computationally inexpensive: {} times ReLU", shown(times, 2)),
                ));
            }
        }
        if shape.range == (0.0, 1.0) && shape.rising && ShapeKnown::is_settled(shape.known.range) {
            sides.push((
                true,
                "well-suited for binary classification on the output: its range is (0, 1), a probability".into(),
            ));
        }
        sides
    }
}

/// A number within a sentence: 8.24·10⁻⁹ as in the tables.
fn in_words(value: f64) -> String {
    math(value, DIGITS).to_string()
}

fn primed() -> Math {
    Math::name("f").raised(Math::text("′"))
}

/// Where |f'| is greatest: a place, a stretch, or only far out.
fn steepest_place(one: &Compared) -> Text {
    match (one.shape.steepest_along, one.shape.steepest.0) {
        (Some((low, high)), _) => match (low.is_finite(), high.is_finite()) {
            (true, true) => format!("{} < z < {}", shown(low, 4), shown(high, 4)).into(),
            (true, false) => format!("z > {}", shown(low, 4)).into(),
            (false, true) => format!("z < {}", shown(high, 4)).into(),
            (false, false) => "everywhere".into(),
        },
        (None, _) if one.shape.known.steepest == How::Undetermined => "not determined".into(),
        (None, place) if place.is_nan() => "neared far out".into(),
        (None, place) => cell(place, DIGITS),
    }
}

fn saturation(sides: &[Side], known: How) -> &'static str {
    match sides {
        [] if !ShapeKnown::is_settled(known) => "not determined",
        [] => "no",
        [Side::Left] => "for z → −∞",
        [Side::Right] => "for z → ∞",
        [_, ..] => "at both ends",
    }
}

fn dead_text(one: &Compared) -> Text {
    let parts: Vec<String> = one
        .shape
        .dead
        .iter()
        .map(|(side, from)| {
            let sign = if *side == Side::Left { "<" } else { ">" };
            format!("for z {sign} {}", shown(*from, 4))
        })
        .collect();
    parts.join(" and ").into()
}

/// [0, ∞), (−1, 1)
fn range_of(one: &Compared) -> Text {
    let ((low, high), (low_taken, high_taken)) = (one.shape.range, one.shape.attained);
    let part = match one.shape.known.range {
        How::Exact | How::Numeric => "",
        How::Looked => " for −40 ≤ z ≤ 40",
        How::Undetermined => return "not determined".into(),
    };
    Text::from(if low_taken { "[" } else { "(" })
        .math(math(low, 4))
        .math(Math::Operator(Operator::Comma))
        .math(math(high, 4))
        .plain(if high_taken { "]" } else { ")" })
        .plain(part)
}
