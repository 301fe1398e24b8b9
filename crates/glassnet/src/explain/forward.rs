//! The forward pass: every layer's formula with its numbers put in.

use super::elementwise::{self, OnKink};
use super::explanation::{Explanation, omitted};
use super::number::{full, precise, shown, shown_f32};
use super::{linear, normalization};
use crate::document::{Block, Column, Document, NoteKind, Table, Text};
use crate::formula::{Math, Operator};
use crate::graph::{Dim, NodeId};
use crate::nn::{EmbedColumns, LoweredLayer, Mode, Module};
use crate::trace::Precision;

/// Rows that are shown in full.
const ROWS: usize = 4;
/// Layers that are shown in full.
const LAYERS: usize = 12;
/// Rows of a table.
const TABLE_ROWS: usize = 20;
/// From so many units in the last place on, a difference shows in the six digits.
const VISIBLE: f64 = 8.0;
/// Up to so many numbers stand in a table's cell.
const CELL: usize = 4;
/// Up to so many numbers stand in a line.
const LINE: usize = 8;

/// One layer at one row.
pub(super) struct View<'a> {
    pub(super) all: &'a Explanation,
    pub(super) layer: &'a LoweredLayer,
    pub(super) row: usize,
}

impl View<'_> {
    /// Where the row's elements of a node begin, and how many it has; all of a node without rows.
    pub(super) fn range(&self, node: NodeId) -> std::ops::Range<usize> {
        row_range(self.all, node, self.row)
    }

    pub(super) fn values(&self, node: NodeId) -> Vec<f32> {
        row_values(self.all, node, self.row)
    }

    pub(super) fn input(&self) -> Vec<f32> {
        self.values(self.layer.input)
    }

    pub(super) fn output(&self) -> Vec<f32> {
        self.values(self.layer.output)
    }

    /// The name of a unit of a node that is a layer's output.
    pub(super) fn unit(&self, node: NodeId, unit: usize) -> Math {
        match self.all.symbols.get(node) {
            Some(symbol) => symbol.unit(unit),
            None => Math::name("x").lowered(Math::number(&(unit + 1).to_string())),
        }
    }

    pub(super) fn whole(&self, node: NodeId) -> Math {
        self.all.symbols.get(node).map_or(Math::name("x"), |symbol| symbol.whole())
    }

    /// The state-dict key of the layer's array `name`.
    pub(super) fn key(&self, name: &str) -> String {
        match self.layer.name.as_str() {
            "" => name.to_owned(),
            prefix => format!("{prefix}.{name}"),
        }
    }
}

pub(super) fn row_range(all: &Explanation, node: NodeId, row: usize) -> std::ops::Range<usize> {
    let length: usize = all.trace.shape(node).iter().product();
    match all.trace.graph().shape(node).dims().first() {
        Some(Dim::Batch) => {
            let width = length / all.trace.rows().max(1);
            row * width..(row + 1) * width
        }
        Some(Dim::Fixed(_)) | None => 0..length,
    }
}

pub(super) fn row_values(all: &Explanation, node: NodeId, row: usize) -> Vec<f32> {
    let range = row_range(all, node, row);
    match (all.trace.floats(node), all.trace.indices(node)) {
        (Some(values), _) => values[range].to_vec(),
        (None, Some(indices)) => indices[range].iter().map(|&index| index as f32).collect(),
        (None, None) => vec![],
    }
}

/// Writes the rows' forward passes.
pub(super) fn write(all: &Explanation, document: &mut Document) {
    introduce(all, document);
    let rows = all.trace.rows();
    let widest = all.trace.layers().iter().map(|l| row_range(all, l.output, 0).len()).max();
    let most = if widest.unwrap_or(0) > LINE { 1 } else { ROWS };
    let mut kinks = vec![];
    for row in 0..rows.min(most) {
        kinks.extend(write_row(all, row, document));
    }
    for note in elementwise::convention(all, &kinks) {
        document.note(NoteKind::Convention, note);
    }
    if rows > 1 {
        document.section("All rows");
        document.push(Block::Table(rows_table(all)));
    }
    let left = rows.saturating_sub(most);
    if left > 0 {
        omitted(
            document,
            format!("the layers of {left} more rows; ask for a row by itself to see them."),
        );
    }
}

fn introduce(all: &Explanation, document: &mut Document) {
    let mode = match all.config.mode {
        Mode::Eval => {
            "Values are those of evaluation: dropout does nothing, batch normalisation takes its running statistics."
        }
        Mode::Train => {
            "Values are those of training: dropout is drawn, batch normalisation takes the mean and variance of these rows."
        }
    };
    let special = |module: &Module| matches!(module, Module::Dropout(_) | Module::BatchNorm1d(_));
    if all.network.module().layers().iter().any(|(_, module)| special(module)) {
        document.say(mode);
    }
    document.say(
        "Numbers are the engine's (f32), steps on the way rounded to 6 digits. Rows, units and \
         weights count from 1, in keys such as 0.weight[0,1] from 0.",
    );
}

fn write_row(all: &Explanation, row: usize, document: &mut Document) -> Vec<OnKink> {
    let title = match all.trace.input() {
        Some(input) => {
            let mut name = all.row_name(row);
            if let Some(first) = name.get_mut(0..1) {
                first.make_ascii_uppercase();
            }
            Text::from(format!("{name}: ")).math(vector_line(all, input, row))
        }
        None => Text::from(all.row_name(row)),
    };
    document.section(title);
    features(all, row, document);
    let layers = all.trace.layers();
    let mut kinks = vec![];
    let quiet =
        |at: usize| layers.len() > LAYERS && at >= LAYERS / 2 && at < layers.len() - LAYERS / 2;
    for (at, layer) in layers.iter().enumerate() {
        let view = View { all, layer, row };
        kinks.extend(elementwise::kinks(&view));
        if !quiet(at) {
            write_layer(&view, document);
        } else if at == LAYERS / 2 {
            omitted(document, format!("{} layers in the middle.", layers.len() - LAYERS));
        }
    }
    precision(all, row, document);
    scale(all, row, document);
    kinks
}

/// `x = (0, 1)`, shortened.
fn vector_line(all: &Explanation, node: NodeId, row: usize) -> Math {
    let values = row_values(all, node, row);
    let symbol = all.symbols.get(node).map_or(Math::name("x"), |symbol| symbol.whole());
    symbol.equals(vector(&values))
}

/// `(0, 1)`; of many numbers the first.
pub(super) fn vector(values: &[f32]) -> Math {
    first(values, LINE)
}

/// `(0, 1, ⋯)`: at most so many of the numbers.
fn first(values: &[f32], most: usize) -> Math {
    if let [only] = values {
        return shown_f32(*only).math();
    }
    let mut parts = vec![];
    for (at, &value) in values.iter().take(most).enumerate() {
        if at > 0 {
            parts.push(Math::Operator(Operator::Comma));
        }
        parts.push(shown_f32(value).math());
    }
    if values.len() > most {
        parts.extend([Math::Operator(Operator::Comma), Math::Operator(Operator::Dots)]);
    }
    Math::row(parts).fenced()
}

/// The features by name, where they have one.
fn features(all: &Explanation, row: usize, document: &mut Document) {
    let names = &all.labels.features;
    let Some(input) = all.trace.input().filter(|_| !names.is_empty()) else { return };
    let values = row_values(all, input, row);
    document.say("The features as the network is given them:");
    let mut table = Table::new([Column::words("feature"), Column::numbers("value")]);
    for (at, (name, &value)) in names.iter().zip(&values).enumerate().take(TABLE_ROWS) {
        let symbol = all.symbols.get(input).map_or(Math::name("x"), |symbol| symbol.unit(at));
        table.row([Text::default().math(symbol).plain(" ").code(name), shown_f32(value).text()]);
    }
    document.push(Block::Table(table));
    if values.len() > TABLE_ROWS {
        omitted(document, format!("{} more features.", values.len() - TABLE_ROWS));
    }
}

fn write_layer(view: &View<'_>, document: &mut Document) {
    let modules = view.all.network.module().layers();
    let own = modules
        .iter()
        .find(|(name, module)| *name == view.layer.name && module.kind() == view.layer.kind)
        .map(|(_, module)| *module);
    let what = match own {
        Some(module) => module.notation(),
        None => view.layer.kind.to_owned(),
    };
    let place = if view.layer.name.is_empty() {
        String::new()
    } else {
        format!("Layer {}: ", view.layer.name)
    };
    document.push(Block::Heading(3, Text::from(place).code(what)));
    match own {
        Some(Module::Linear(_)) => linear::write(view, document),
        Some(Module::Activation(_) | Module::Prelu(_) | Module::Formula(_)) => {
            elementwise::write(view, own, document);
        }
        Some(Module::BatchNorm1d(norm)) => normalization::batch(view, norm, document),
        Some(Module::LayerNorm(norm)) => normalization::layer(view, norm, document),
        Some(Module::Softmax { .. } | Module::LogSoftmax { .. }) => {
            super::loss::write_softmax(view, document);
        }
        Some(Module::Dropout(_)) => dropout(view, document),
        Some(Module::Embedding(_)) => embedding(view, document),
        Some(Module::EmbedColumns(columns)) => embed_columns(view, columns, document),
        Some(Module::Identity | Module::Flatten(_)) => {
            document.say(
                Text::from("The numbers stay the same: ")
                    .math(view.whole(view.layer.output).equals(vector(&view.output()))),
            );
        }
        Some(Module::Residual(_) | Module::Sequential(_)) | None => residual(view, document),
    }
}

fn dropout(view: &View<'_>, document: &mut Document) {
    if view.layer.output == view.layer.input {
        document.say("In evaluation dropout changes nothing.");
        return;
    }
    let (x, y) = (view.input(), view.output());
    let dropped = x.iter().zip(&y).filter(|(x, y)| **x != 0.0 && **y == 0.0).count();
    document.say(format!(
        "Of {} numbers {dropped} were set to 0 by the draw; the others were enlarged so that the mean stays.",
        x.len()
    ));
    values_line(view, document);
}

fn embedding(view: &View<'_>, document: &mut Document) {
    let index: Vec<String> = view.input().iter().take(LINE).map(|at| at.to_string()).collect();
    document.say(
        Text::from(format!("Row {} of ", index.join(", ")))
            .code(view.key("weight"))
            .plain(" (from 0) is taken:"),
    );
    values_line(view, document);
}

/// What every code looks up, and the whole row.
fn embed_columns(view: &View<'_>, columns: &EmbedColumns, document: &mut Document) {
    let x = view.input();
    for (column, _) in columns.tables.iter().take(LINE) {
        let code = x.get(*column).map_or(String::new(), |code| code.to_string());
        document.say(
            Text::from(format!(
                "In place of number {}, which is {code}, row {code} of ",
                column + 1
            ))
            .code(view.key(&format!("{column}.weight")))
            .plain(" (from 0) is taken."),
        );
    }
    left_out(columns.tables.len(), LINE, document);
    document.say("The other numbers stay as they are:");
    values_line(view, document);
}

/// `x + f(x)`.
fn residual(view: &View<'_>, document: &mut Document) {
    let (x, y) = (view.input(), view.output());
    let whole = view.whole(view.layer.output);
    document.formula(whole.equals(Math::sum([
        view.whole(view.layer.input),
        Math::apply("f", view.whole(view.layer.input)),
    ])));
    for unit in largest(&y, LINE.min(6)) {
        let own = y[unit] - x[unit];
        let sum = Math::sum([shown_f32(x[unit]).math(), shown_f32(own).math()]);
        document.formula(
            view.unit(view.layer.output, unit).equals(sum).equals(shown_f32(y[unit]).math()),
        );
    }
    left_out(y.len(), LINE.min(6), document);
}

/// The output as a line of numbers.
pub(super) fn values_line(view: &View<'_>, document: &mut Document) {
    document.formula(view.whole(view.layer.output).equals(vector(&view.output())));
    left_out(view.output().len(), LINE, document);
}

pub(super) fn left_out(units: usize, shown: usize, document: &mut Document) {
    if units > shown {
        omitted(document, format!("{} more units.", units - shown));
    }
}

/// The units to show: all in order where there are few, else the largest in size.
pub(super) fn largest(values: &[f32], most: usize) -> Vec<usize> {
    let mut units: Vec<usize> = (0..values.len()).collect();
    if units.len() > most {
        units.sort_by(|&a, &b| values[b].abs().total_cmp(&values[a].abs()));
        units.truncate(most);
        units.sort_unstable();
    }
    units
}

/// What the f64 values beside the engine's begin with.
const WRITTEN: &str = "The f64 values start from the decimals as given (0.1, not the f32 nearest to it), so the error \
                       holds the rounding of those too.";

/// Where f32 and f64 differ visibly, the output stands in both.
fn precision(all: &Explanation, row: usize, document: &mut Document) {
    let output = all.trace.output();
    let range = row_range(all, output, row);
    let (Some(values), Some(exact)) = (all.trace.floats(output), all.trace.exact(output)) else {
        return;
    };
    let mut table = Table::new([
        Column::words("output"),
        Column::numbers("f32, as computed"),
        Column::numbers("f64, beside it"),
        Column::numbers("error in ulps"),
    ]);
    let few = range.len() <= LINE;
    for (unit, at) in range.enumerate().take(LINE) {
        let precision = Precision::of(values[at], exact[at], None);
        if precision.ulps < 1.0 {
            continue;
        }
        let name = all.symbols.get(output).map_or(Math::name("y"), |symbol| symbol.unit(unit));
        table.row([
            name.into(),
            full(values[at]).into(),
            precise(exact[at]).into(),
            shown((precision.ulps * 10.0).round() / 10.0).text(),
        ]);
    }
    table.caption = WRITTEN.into();
    if few && !table.rows.is_empty() {
        document.push(Block::Table(table));
    }
}

/// The prediction in its own unit, where the network learned it standardised.
fn scale(all: &Explanation, row: usize, document: &mut Document) {
    let Some(scale) = &all.labels.scale else { return };
    let [output] = row_values(all, all.trace.output(), row)[..] else { return };
    let value = f64::from(output) * scale.deviation + scale.mean;
    let product = Math::product([shown_f32(output).math(), shown(scale.deviation).math()]);
    document.say(
        Text::from("In its own unit the prediction of ").code(scale.name.clone()).plain(" is ").math(
            Math::sum([product, shown(scale.mean).math()]).approximately(shown(value).math()),
        ).plain(": the network learned it with the mean of the training rows taken off, divided by their deviation."),
    );
}

/// Inputs, outputs and losses of all rows.
fn rows_table(all: &Explanation) -> Table {
    let mut columns = vec![Column::words("row")];
    let input = all.trace.input();
    columns.push(Column::words(input.map_or(Text::default(), |node| symbol(all, node))));
    if all.target.is_some() {
        columns.push(Column::words("true"));
    }
    columns.push(Column::words(symbol(all, all.trace.output())));
    let lossy = |row: &super::explanation::RowResult| {
        Precision::of(row.loss, row.exact_loss, None).ulps > VISIBLE
    };
    let both = all.rows.iter().any(lossy);
    if !all.rows.is_empty() {
        columns.push(Column::numbers(if both { "loss (f32)" } else { "loss" }));
    }
    if both {
        columns.push(Column::numbers("loss (f64)"));
    }
    let mut table = Table::new(columns);
    for row in 0..all.trace.rows().min(TABLE_ROWS) {
        let mut cells = vec![Text::from(all.row_name(row))];
        cells.push(input.map_or(Text::default(), |node| cell(all, node, row)));
        if all.target.is_some() {
            cells.push(true_text(all, row));
        }
        cells.push(cell(all, all.trace.output(), row));
        if let Some(result) = all.rows.get(row) {
            cells.push(shown_f32(result.loss).text());
            if both {
                cells.push(shown(result.exact_loss).text());
            }
        }
        table.row(cells);
    }
    if all.trace.rows() > TABLE_ROWS {
        table.caption = format!("The first {TABLE_ROWS} of {} rows.", all.trace.rows()).into();
    }
    table
}

fn symbol(all: &Explanation, node: NodeId) -> Text {
    all.symbols.get(node).map_or(Text::default(), |symbol| symbol.whole().into())
}

fn cell(all: &Explanation, node: NodeId, row: usize) -> Text {
    first(&row_values(all, node, row), CELL).into()
}

/// What is true of a row.
pub(super) fn true_text(all: &Explanation, row: usize) -> Text {
    use crate::train::Target;
    match &all.target {
        Some(Target::Classes(classes)) => match usize::try_from(classes[row]) {
            Ok(class) => all.class_name(class).into(),
            Err(_) => classes[row].to_string().into(),
        },
        Some(Target::Values(values)) => vector(values.row(row)).into(),
        None => Text::default(),
    }
}
