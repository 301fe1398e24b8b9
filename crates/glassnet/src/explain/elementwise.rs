//! Activations: what goes in, what comes out, the slope, and what is special about the place.

use super::explanation::{Explanation, omitted};
use super::forward::{View, largest};
use super::number::{number, related, shown, shown_f32};
use super::paths::slope_between;
use crate::document::{Block, Column, Document, Table, Text};
use crate::formula::{Math, Operator};
use crate::graph::Op;
use crate::graph::op::Activation;
use crate::nn::Module;
use crate::trace::{Kink, Saturation, of_activation, of_value};

/// Up to so many units are shown each.
const UNITS: usize = 8;
/// Of more units, so many.
const LARGEST: usize = 3;
/// Units that a note lists.
const LISTED: usize = 6;

pub(super) fn write(view: &View<'_>, module: Option<&Module>, document: &mut Document) {
    let (x, y) = (view.input(), view.output());
    let (from, to) = (view.layer.input, view.layer.output);
    let name = function(view, module);
    if view.row == 0 {
        document.formula(view.whole(to).equals(Math::apply(&name, view.whole(from))));
    }
    if let Some(Module::Formula(formula)) = module.filter(|_| view.row == 0) {
        let variable = formula.expression().variables().into_iter().next().unwrap_or_default();
        document
            .formula(Math::apply(&name, Math::name(&variable)).equals(formula.expression().math()));
    }
    if let ([z], [h]) = (x.as_slice(), y.as_slice()) {
        let exact = shown_f32(*z).exact && shown_f32(*h).exact;
        let applied = view.whole(to).equals(Math::apply(&name, shown_f32(*z).math()));
        let slope = shown(slope(view, 0));
        document.formula(Math::row([
            related(applied, exact, shown_f32(*h).math()),
            Math::Operator(Operator::Space),
            Math::text(match remark(view, 0, *z).as_str() {
                "" => "slope ".to_owned(),
                remark => format!("{remark}: slope "),
            }),
            slope.math(),
        ]));
        return;
    }
    let mut table = Table::new([
        Column::words("unit"),
        Column::numbers(view.whole(from)),
        Column::numbers(view.whole(to)),
        Column::numbers("slope"),
        Column::words(""),
    ]);
    let most = if y.len() <= UNITS { UNITS } else { LARGEST };
    for unit in largest(&y, most) {
        table.row([
            view.unit(to, unit).into(),
            shown_f32(x[unit]).text(),
            shown_f32(y[unit]).text(),
            shown(slope(view, unit)).text(),
            remark(view, unit, x[unit]).into(),
        ]);
    }
    document.push(Block::Table(table));
    if y.len() > most {
        let count = |saturation: Saturation| {
            x.iter().filter(|&&z| state(view, z) == Some(saturation)).count()
        };
        let (flat, saturated) = (count(Saturation::Flat), count(Saturation::Saturated));
        omitted(
            document,
            format!(
                "{} more units. Of all {}, {flat} are flat here (slope 0) and {saturated} saturated (slope below \
                 a hundredth of the steepest).",
                y.len() - most,
                y.len()
            ),
        );
    }
}

/// The function's name in formulas.
fn function(view: &View<'_>, module: Option<&Module>) -> String {
    match (module, activation(view)) {
        (Some(Module::Formula(_)), _) => "f".into(),
        (_, Some(Activation::Sigmoid)) => "σ".into(),
        (_, Some(Activation::Tanh)) => "tanh".into(),
        (_, _) => view.layer.kind.into(),
    }
}

/// The one activation that the layer consists of, if it does.
fn activation(view: &View<'_>) -> Option<Activation> {
    let node = view.all.trace.graph().graph().node(view.layer.output);
    match (node.op(), node.operands()) {
        (Op::Activation(activation), [operand]) if *operand == view.layer.input => {
            Some(*activation)
        }
        _ => None, // not operations: a question about one of them
    }
}

fn state(view: &View<'_>, z: f32) -> Option<Saturation> {
    activation(view).and_then(|activation| of_value(activation, z))
}

/// The layer's slope at a unit: the chain of its own operations' local derivatives.
fn slope(view: &View<'_>, unit: usize) -> f64 {
    let to = (view.layer.output, view.range(view.layer.output).start + unit);
    let from = (view.layer.input, view.range(view.layer.input).start + unit);
    slope_between(&view.all.trace, to, from)
}

fn remark(view: &View<'_>, unit: usize, z: f32) -> String {
    if kink_of(view, unit).is_some() {
        return "on the kink".into();
    }
    match state(view, z) {
        Some(Saturation::Flat) => "flat".into(),
        Some(Saturation::Saturated) => "saturated".into(),
        None => String::new(),
    }
}

/// The kink that a unit lies on, in any of the layer's operations.
fn kink_of(view: &View<'_>, unit: usize) -> Option<Kink> {
    let trace = &view.all.trace;
    if let Some(activation) = activation(view) {
        return of_activation(activation, *view.input().get(unit)?);
    }
    let graph = trace.graph().graph();
    let own = graph.node(view.layer.output).origin();
    let width = view.range(view.layer.output).len();
    graph
        .ids()
        .filter(|&id| trace.is_forward(id) && graph.node(id).origin() == own)
        .filter(|&id| matches!(graph.node(id).op(), Op::Activation(_) | Op::Arithmetic(_)))
        .filter(|&id| view.range(id).len() == width)
        .find_map(|id| trace.element(id, view.range(id).start + unit).ok()?.kink)
}

/// A unit that lies exactly on a kink.
pub(super) struct OnKink {
    unit: Math,
    row: usize,
    kind: &'static str,
    kink: Kink,
    /// The value in f64, where that lies beside the kink.
    beside: Option<f64>,
}

/// The units of a layer that lie exactly on a kink.
pub(super) fn kinks(view: &View<'_>) -> Vec<OnKink> {
    let elementwise = view.all.network.module().layers().into_iter().any(|(name, module)| {
        name == view.layer.name
            && matches!(module, Module::Activation(_) | Module::Prelu(_) | Module::Formula(_))
    });
    if !elementwise || view.layer.kind == "Residual" {
        return vec![];
    }
    let units = view.output().len();
    let direct = activation(view);
    let input = view.input();
    (0..units)
        .filter(|&unit| {
            direct.is_none_or(|activation| of_activation(activation, input[unit]).is_some())
        })
        .take(if direct.is_some() { units } else { 64 })
        .filter_map(|unit| {
            let kink = kink_of(view, unit)?;
            let place = view.range(view.layer.input).start + unit;
            let unit = view.unit(view.layer.output, unit);
            let exact = view.all.trace.exact(view.layer.input).map(|values| values.get(place));
            let exact =
                exact.flatten().copied().filter(|exact| direct.is_some() && *exact != kink.at);
            Some(OnKink { unit, row: view.row, kind: view.layer.kind, kink, beside: exact })
        })
        .collect()
}

/// What the convention is, once for each sort of kink.
pub(super) fn convention(all: &Explanation, kinks: &[OnKink]) -> Vec<Text> {
    let mut notes: Vec<Text> = vec![];
    let mut done: Vec<(&str, f64)> = vec![];
    for first in kinks {
        if done.contains(&(first.kind, first.kink.at)) {
            continue;
        }
        done.push((first.kind, first.kink.at));
        let same: Vec<&OnKink> =
            kinks.iter().filter(|k| k.kind == first.kind && k.kink.at == first.kink.at).collect();
        let mut units: Vec<&Math> = vec![];
        for kink in &same {
            if !units.contains(&&kink.unit) {
                units.push(&kink.unit);
            }
        }
        let mut text = Text::default();
        for (at, unit) in units.iter().take(LISTED).enumerate() {
            text = if at > 0 { text.plain(", ") } else { text };
            let rows: Vec<usize> =
                same.iter().filter(|kink| kink.unit == **unit).map(|kink| kink.row).collect();
            text = text.math((*unit).clone()).plain(in_rows(all, &rows));
        }
        let more = units.len().saturating_sub(LISTED);
        let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
        let verb = if units.len() == 1 { "lies" } else { "lie" };
        let beside = same.iter().find_map(|kink| kink.beside);
        let note = text
            .plain(format!("{tail} {verb} exactly on the kink of {} at ", first.kind))
            .math(Math::f64(first.kink.at))
            .plain(": its slope jumps from ")
            .math(Math::f64(first.kink.below))
            .plain(" to ")
            .math(Math::f64(first.kink.above))
            .plain(". Mathematics leaves the slope open there; training takes ")
            .math(Math::f64(first.kink.taken))
            .plain(", as PyTorch does.");
        notes.push(match beside {
            Some(exact) => note
                .plain(" In f64 it lies beside the kink, at ")
                .math(number(exact))
                .plain(": there the slope is another."),
            None => note,
        });
    }
    notes
}

/// ` (in rows 2, 3)`; nothing where there is but one row.
fn in_rows(all: &Explanation, rows: &[usize]) -> String {
    if all.trace.rows() == 1 {
        return String::new();
    }
    let names: Vec<String> = match all.labels.rows.is_empty() {
        true => rows.iter().take(4).map(|row| (row + 1).to_string()).collect(),
        false => rows.iter().take(4).map(|&row| all.row_name(row)).collect(),
    };
    let noun = match (all.labels.rows.is_empty(), rows.len()) {
        (true, 1) => "row ",
        (true, _) => "rows ",
        (false, _) => "",
    };
    let more = rows.len().saturating_sub(4);
    let tail = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(" (in {noun}{}{tail})", names.join(", "))
}
