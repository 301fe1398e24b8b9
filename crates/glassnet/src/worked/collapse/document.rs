//! The collapse as people write it down: symbols, then numbers, then rows.

use super::run::RANK_TOLERANCE;
use super::{Collapse, Comparison, Run, Score};
use crate::document::{Block, Column, Document, NoteKind, Steps, Table, Text};
use crate::formula::{BigOperator, Math, Operator};
use crate::worked::digits::{cell, column, count, math, matrix};

/// The largest matrix that is shown, by rows and by columns.
const SMALL: usize = 6;
/// The most layers that are written out one by one.
const WRITTEN: usize = 5;
/// The most rows that are shown.
const ROWS: usize = 12;
/// Significant digits of weights.
const DIGITS: usize = 5;

impl Collapse {
    /// Which layers collapse and into what, in symbols and numbers; what the network would be without its activations;
    /// both on the rows.
    pub fn document(&self) -> Document {
        let mut document = Document::new("Linear layers collapse");
        document.say(Text::from("The network is ").code(&self.network).plain("."));
        for run in self.runs.iter().filter(|run| run.layers.len() > 1) {
            document.section(format!("Layers {} are one", names(run)));
            say_run(&mut document, run);
        }
        self.say_barriers(&mut document);
        if let Some(run) = &self.without {
            document.section("Without the activations");
            document.say(format!(
                "Left without what stands between them, layers {} would be one linear layer:",
                names(run)
            ));
            say_run(&mut document, run);
        }
        if let Some(comparison) = &self.comparison {
            document.section("On the rows");
            say_rows(&mut document, comparison, self.without.is_some());
        }
        document
    }

    fn say_barriers(&self, document: &mut Document) {
        let alone = self.runs.iter().filter(|run| run.layers.len() == 1).count();
        let between: Vec<String> =
            self.barriers.iter().map(|(name, kind)| format!("{name:?} ({kind})")).collect();
        if alone == self.runs.len() && alone > 1 {
            let parts = if between.len() == 1 { "parts" } else { "part" };
            document.say(format!(
                "No two linear layers follow each other, so as it stands nothing collapses: {} {parts} them. A \
                 function that is not linear is what makes a second layer worth having.",
                between.join(", ")
            ));
        } else if !between.is_empty() {
            document.say(format!(
                "What is not linear ends a run: {}. {} in this network {} no linear neighbour.",
                between.join(", "),
                count(alone, "linear layer"),
                if alone == 1 { "has" } else { "have" }
            ));
        } else if self.runs.len() == 1 && self.runs[0].layers.len() == 1 {
            document.say("There is one linear layer: nothing to collapse with.");
        }
    }
}

fn names(run: &Run) -> String {
    let names: Vec<String> = run.layers.iter().map(|layer| format!("{:?}", layer.name)).collect();
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        Some(_) | None => names.join(", "),
    }
}

/// Whether a matrix is shown.
fn small(rows: usize, columns: usize) -> bool {
    rows <= SMALL && columns <= SMALL
}

/// Symbols and numbers of one run.
fn say_run(document: &mut Document, run: &Run) {
    for at in 0..run.layers.len().min(WRITTEN) {
        document.formula(layer_line(run, at));
    }
    if run.layers.len() > WRITTEN {
        document.note(
            NoteKind::Omitted,
            format!("{} further layers alike", run.layers.len() - WRITTEN),
        );
    }
    document.push(Block::Steps(symbols(run)));
    say_numbers(document, run);
    let (before, after) = (run.parameters(), run.collapsed_parameters());
    let text = Text::from(format!(
        "{} with {} compute what one layer of {} computes. ",
        count(run.layers.len(), "layer"),
        count(before, "weight"),
        count(after, "weight"),
    ))
    .math(primed("W"));
    let widths = run.layers.iter().map(|layer| layer.affine.weight.len());
    let narrowest = widths.chain([run.inputs()]).min().unwrap_or(0);
    let shown = run.collapsed.as_ref().filter(|whole| small(whole.weight.len(), whole.inputs()));
    document.say(match shown {
        None => text.plain(format!(" has rank {narrowest} at most, the least width on the way.")),
        Some(whole) => {
            let rank = whole.rank();
            let text = text.plain(match rank == narrowest {
                true => format!(" has rank {rank}, the least width on the way"),
                false => {
                    format!(" has rank {rank}, where the least width on the way allows {narrowest}")
                }
            });
            text.plain(" (by elimination: what is below ")
                .math(math(RANK_TOLERANCE, 1))
                .plain(" of the largest element counts as 0).")
        }
    });
}

/// h^(2) = W^(2) h^(1) + b^(2)
fn layer_line(run: &Run, at: usize) -> Math {
    let input = if at == 0 { Math::name("x") } else { indexed("h", at) };
    let product = Math::row([indexed("W", at + 1), Math::Operator(Operator::Beside), input]);
    indexed("h", at + 1).equals(match run.layers[at].has_bias {
        true => Math::row([product, Math::Operator(Operator::Plus), indexed("b", at + 1)]),
        false => product,
    })
}

/// h^(2) = W^(2)(W^(1)x + b^(1)) + b^(2) = (W^(2)W^(1))x + (W^(2)b^(1)) + b^(2) = W'x + b'
fn symbols(run: &Run) -> Steps {
    let depth = run.layers.len();
    let mut steps = Steps::new(indexed("h", depth));
    if depth <= WRITTEN {
        let mut nested = Math::name("x");
        for (at, layer) in run.layers.iter().enumerate() {
            let inner =
                if at > 0 && run.layers[at - 1].has_bias { nested.fenced() } else { nested };
            nested = Math::row([indexed("W", at + 1), Math::Operator(Operator::Beside), inner]);
            if layer.has_bias {
                nested = Math::row([nested, Math::Operator(Operator::Plus), indexed("b", at + 1)]);
            }
        }
        steps.equals(nested, "put in");
        let mut terms = vec![
            weights_from(depth, 1).fenced(),
            Math::Operator(Operator::Beside),
            Math::name("x"),
        ];
        for (at, _) in run.layers.iter().enumerate().filter(|(_, layer)| layer.has_bias) {
            terms.push(Math::Operator(Operator::Plus));
            terms.push(bias_term(depth, at + 1));
        }
        steps.equals(Math::Row(terms), "multiply out");
    } else {
        let dots = Math::Operator(Operator::Dots);
        let beside = || Math::Operator(Operator::Beside);
        let product =
            |to: Math| Math::row([indexed("W", depth), beside(), dots.clone(), beside(), to]);
        let over = Math::Big(
            BigOperator::Sum,
            Some(Box::new(Math::name("k").equals(Math::number("1")))),
            Some(Box::new(Math::number(&depth.to_string()))),
        );
        let next = Math::row([Math::name("k"), Math::Operator(Operator::Plus), Math::number("1")]);
        steps.equals(
            Math::row([
                product(indexed("W", 1)).fenced(),
                beside(),
                Math::name("x"),
                Math::Operator(Operator::Plus),
                over,
                product(Math::name("W").raised(next.fenced())),
                beside(),
                Math::name("b").raised(Math::name("k").fenced()),
            ]),
            "multiply out",
        );
    }
    let mut last = vec![primed("W"), Math::Operator(Operator::Beside), Math::name("x")];
    if run.layers.iter().any(|layer| layer.has_bias) {
        last.extend([Math::Operator(Operator::Plus), primed("b")]);
    }
    steps.equals(Math::Row(last), "one linear layer");
    steps
}

/// W^(n) W^(n-1) … W^(first)
fn weights_from(depth: usize, first: usize) -> Math {
    let mut row = vec![];
    for at in (first..=depth).rev() {
        if !row.is_empty() {
            row.push(Math::Operator(Operator::Beside));
        }
        row.push(indexed("W", at));
    }
    Math::Row(row)
}

/// (W^(n) … W^(k+1) b^(k)), the last bias alone.
fn bias_term(depth: usize, layer: usize) -> Math {
    if layer == depth {
        return indexed("b", layer);
    }
    Math::row([
        weights_from(depth, layer + 1),
        Math::Operator(Operator::Beside),
        indexed("b", layer),
    ])
    .fenced()
}

fn say_numbers(document: &mut Document, run: &Run) {
    let fits =
        run.layers.iter().all(|layer| small(layer.affine.weight.len(), layer.affine.inputs()))
            && run.layers.len() <= WRITTEN;
    let bias = run.layers.iter().any(|layer| layer.has_bias);
    let omitted = || {
        Text::from("the numbers of ")
            .math(primed("W"))
            .plain(format!(" ({} by {}) and ", run.outputs(), run.inputs()))
            .math(primed("b"))
    };
    let Some(whole) = &run.collapsed else {
        let text =
            omitted().plain(": the product would take ").math(math(run.products() as f64, 3));
        document.note(
            NoteKind::Omitted,
            text.plain(" multiplications, so it is not computed, nor compared on rows"),
        );
        return;
    };
    if !fits && !small(whole.weight.len(), whole.inputs()) {
        document.note(NoteKind::Omitted, omitted().plain("; --json has them"));
        return;
    }
    let mut weight = Steps::new(primed("W"));
    if fits {
        weight.equals(weights_from(run.layers.len(), 1), "");
        if run.layers.len() > 1 {
            let factors = run.layers.iter().rev().map(|layer| matrix(&layer.affine.weight, DIGITS));
            weight.equals(Math::product(factors), "numbers put in");
        }
    }
    weight.equals(matrix(&whole.weight, DIGITS), "");
    document.push(Block::Steps(weight));
    if !bias {
        return;
    }
    let mut steps = Steps::new(primed("b"));
    if fits {
        let with_bias: Vec<usize> =
            (0..run.layers.len()).filter(|&at| run.layers[at].has_bias).collect();
        steps.equals(
            Math::Row(joined(
                with_bias.iter().map(|&at| bias_term(run.layers.len(), at + 1)),
                Operator::Plus,
            )),
            "",
        );
        if run.layers.len() > 1 {
            let term = |&at: &usize| {
                let matrices = run.layers[at + 1..].iter().rev();
                let factors = matrices.map(|layer| matrix(&layer.affine.weight, DIGITS));
                let bias = column(&run.layers[at].affine.bias, DIGITS);
                Math::product(factors.chain([bias]))
            };
            steps.equals(Math::sum(with_bias.iter().map(term)), "numbers put in");
        }
    }
    steps.equals(column(&whole.bias, DIGITS), "");
    document.push(Block::Steps(steps));
}

fn joined(parts: impl Iterator<Item = Math>, operator: Operator) -> Vec<Math> {
    let mut row = vec![];
    for part in parts {
        if !row.is_empty() {
            row.push(Math::Operator(operator));
        }
        row.push(part);
    }
    row
}

fn say_rows(document: &mut Document, comparison: &Comparison, activations: bool) {
    document.push(Block::Table(rows_table(comparison, activations)));
    if comparison.inputs.len() > ROWS {
        document.note(
            NoteKind::Omitted,
            format!("{} further rows; they are in the sums", comparison.inputs.len() - ROWS),
        );
    }
    let both = Text::from("Layer by layer and by ").math(collapsed_layer());
    document.say(match comparison.difference {
        0.0 => both.plain(" the outputs are the same to the last bit of f64."),
        difference => both
            .plain(" the outputs differ by ")
            .math(math(difference, 2))
            .plain(" of the largest output: the rounding of f64 and nothing else."),
    });
    let Some(score) = &comparison.score else { return };
    match score {
        Score::Classes { truth, with, without } => {
            let right = |found: &[i64]| found.iter().zip(truth).filter(|(a, b)| a == b).count();
            let all = truth.len();
            if activations {
                document.say(format!(
                    "With the activations {} of {all} {} right.",
                    right(with),
                    if right(with) == 1 { "is" } else { "are" }
                ));
            }
            let constant = without.iter().all(|class| Some(class) == without.first());
            let tail = match (constant && all > 1, without.first()) {
                (true, Some(class)) => format!(": it predicts class {class} everywhere"),
                (true, None) | (false, _) => String::new(),
            };
            document
                .say(format!("The collapsed network has {} of {all} right{tail}.", right(without)));
        }
        Score::Values { with, without } => {
            if activations {
                document.say(
                    Text::from("With the activations the mean squared error is ")
                        .math(math(*with, 6))
                        .plain("."),
                );
            }
            document.say(
                Text::from("The collapsed network's mean squared error is ")
                    .math(math(*without, 6))
                    .plain("."),
            );
        }
    }
}

fn rows_table(comparison: &Comparison, activations: bool) -> Table {
    let mut columns = vec![Column::words(Math::name("x"))];
    if activations {
        columns.push(Column::words("with activations"));
    }
    columns.push(Column::words(collapsed_layer()));
    let classes = match &comparison.score {
        Some(Score::Classes { truth, with, without }) => Some((truth, with, without)),
        Some(Score::Values { .. }) | None => None,
    };
    if classes.is_some() {
        columns.push(Column::numbers("true class"));
        if activations {
            columns.push(Column::numbers("with"));
        }
        columns.push(Column::numbers("collapsed"));
    }
    let mut table = Table::new(columns);
    for (at, input) in comparison.inputs.iter().enumerate().take(ROWS) {
        let mut row = vec![tuple(input)];
        if activations {
            row.push(tuple(&comparison.with[at]));
        }
        row.push(tuple(&comparison.collapsed[at]));
        if let Some((truth, with, without)) = classes {
            row.push(cell(truth[at] as f64, DIGITS));
            if activations {
                row.push(cell(with[at] as f64, DIGITS));
            }
            row.push(cell(without[at] as f64, DIGITS));
        }
        table.row(row);
    }
    table
}

/// (0, 1), at most six of the numbers.
fn tuple(values: &[f64]) -> Text {
    if let [only] = values {
        return cell(*only, 5);
    }
    let mut row = joined(values.iter().take(SMALL).map(|&value| math(value, 5)), Operator::Comma);
    if values.len() > SMALL {
        row.extend([Math::Operator(Operator::Comma), Math::Operator(Operator::Dots)]);
    }
    Math::Row(row).fenced().into()
}

/// W'x + b'
fn collapsed_layer() -> Math {
    let product = Math::row([primed("W"), Math::Operator(Operator::Beside), Math::name("x")]);
    Math::row([product, Math::Operator(Operator::Plus), primed("b")])
}

fn indexed(letter: &str, layer: usize) -> Math {
    Math::name(letter).raised(Math::number(&layer.to_string()).fenced())
}

fn primed(letter: &str) -> Math {
    Math::name(letter).raised(Math::text("′"))
}
