//! A linear layer: matrices where they are small, and each unit's sum with its terms.

use super::explanation::omitted;
use super::forward::{View, largest};
use super::number::{precise, related, shown, shown_f32};
use super::symbols::numbered;
use crate::document::{Document, NoteKind, Text};
use crate::formula::{Math, Operator};
use crate::trace::Basis;

/// Matrices up to so many rows and columns are shown whole.
const MATRIX: usize = 3;
/// Up to so many units are shown each.
const UNITS: usize = 6;
/// Of more units, so many.
const LARGEST_UNITS: usize = 3;
/// Up to so many terms are shown each.
const TERMS: usize = 6;
/// Of more terms, so many.
const LARGEST_TERMS: usize = 3;
/// Units in the last place from which on a unit's f64 value is shown beside it.
const LOST: f64 = 32.0;

pub(super) fn write(view: &View<'_>, document: &mut Document) {
    let output = view.output();
    let bias = view.all.trace.block().get(&view.key("bias")).is_some();
    if view.row == 0 {
        document.formula(symbolic(view, bias));
    }
    if let Some(matrices) = matrices(view, bias) {
        document.formula(matrices);
    }
    let most = if output.len() <= UNITS { UNITS } else { LARGEST_UNITS };
    let units = largest(&output, most);
    let shortened = output.len() > units.len();
    for &unit in &units {
        document.formula(sum(view, unit));
    }
    lost_digits(view, &units, document);
    if shortened {
        let left = output.len() - most;
        let zero = output.iter().filter(|value| **value > 0.0).count();
        omitted(
            document,
            format!(
                "{left} more units; of all {} {zero} are above 0. Shown are the {most} largest in size.",
                output.len()
            ),
        );
    }
}

/// Where terms cancelled so far that f32 and f64 differ in the digits that are shown.
fn lost_digits(view: &View<'_>, units: &[usize], document: &mut Document) {
    for &unit in units {
        let element = view.range(view.layer.output).start + unit;
        let Ok(found) = view.all.trace.element(view.layer.output, element) else { continue };
        if found.precision.ulps < LOST {
            continue;
        }
        let digits = found.precision.digits_lost();
        let cost = match digits.is_finite() {
            true => format!(": its terms cancel, which costs {digits:.1} decimal digits."),
            false => ": its terms cancel entirely, and only their rounding is left.".to_owned(),
        };
        document.note(
            NoteKind::Warning,
            Text::from("In f64 ")
                .math(view.unit(view.layer.output, unit).equals(precise(found.exact)))
                .plain(cost),
        );
    }
}

/// `a⁽¹⁾ = W⁽¹⁾ x + b⁽¹⁾`.
fn symbolic(view: &View<'_>, bias: bool) -> Math {
    let number = view.all.symbols.number(&view.layer.name);
    let named = |letter: &str| match number {
        Some(number) => numbered(Math::name(letter), number),
        None => Math::name(letter),
    };
    let product = Math::product([named("W"), view.whole(view.layer.input)]);
    let sum = if bias { Math::sum([product, named("b")]) } else { product };
    view.whole(view.layer.output).equals(sum)
}

/// The same with all numbers, for small layers of rows.
fn matrices(view: &View<'_>, bias: bool) -> Option<Math> {
    let (x, y) = (view.input(), view.output());
    let weight = view.all.trace.block().get(&view.key("weight"))?;
    let small = x.len() <= MATRIX && y.len() <= MATRIX && weight.len() == x.len() * y.len();
    if !small || (x.len() == 1 && y.len() == 1) {
        return None;
    }
    let column = |values: &[f32]| {
        Math::Matrix(values.iter().map(|&value| vec![shown_f32(value).math()]).collect())
    };
    let rows = weight.chunks(x.len()).map(|row| row.iter().map(|&w| shown_f32(w).math()).collect());
    let mut parts = vec![
        view.whole(view.layer.output),
        Math::Operator(Operator::Equals),
        Math::Matrix(rows.collect()),
        Math::Operator(Operator::Dot),
        column(&x),
    ];
    if bias {
        let bias = view.all.trace.block().get(&view.key("bias"))?;
        parts.extend([Math::Operator(Operator::Plus), column(bias)]);
    }
    let all = x.iter().chain(&y).chain(weight);
    let exact = all.clone().all(|&value| shown_f32(value).exact);
    parts.extend([Math::Operator(super::number::relation(exact)), column(&y)]);
    Some(Math::row(parts))
}

/// `a₁ = 3.21·0 + 3.21·1 − 3.21 = 0`, from the trace's provenance; of many terms the largest, and what the rest adds.
fn sum(view: &View<'_>, unit: usize) -> Math {
    let (trace, node) = (&view.all.trace, view.layer.output);
    let element = view.range(node).start + unit;
    let operands = trace.graph().graph().node(node).operands().to_vec();
    let mut terms: Vec<(f32, f32)> = vec![];
    let values = trace.floats(operands[0]).unwrap_or_default();
    trace.edges(node, element, Basis::Engine, Some(0), &mut |edge| {
        terms.push((edge.derivative.unwrap_or(0.0) as f32, values[edge.element]));
    });
    let mut bias = None;
    trace.edges(node, element, Basis::Engine, Some(2), &mut |edge| {
        bias = trace.floats(operands[2]).map(|values| values[edge.element]);
    });
    let result = trace.floats(node).map_or(0.0, |values| values[element]);
    let product = |&(weight, x): &(f32, f32)| f64::from(weight) * f64::from(x);
    let count = terms.len();
    let total: f64 = terms.iter().map(product).sum();
    let mut pieces = vec![];
    let mut exact = shown_f32(result).exact;
    if count > TERMS {
        terms.sort_by(|a, b| product(b).abs().total_cmp(&product(a).abs()));
        terms.truncate(LARGEST_TERMS);
    }
    for (weight, x) in &terms {
        let (weight, x) = (shown_f32(*weight), shown_f32(*x));
        exact &= weight.exact && x.exact;
        pieces.push(Math::product([weight.math(), x.math()]));
    }
    if count > TERMS {
        let rest = total - terms.iter().map(product).sum::<f64>();
        exact = false;
        let words = Math::text(format!("{} more terms", count - LARGEST_TERMS));
        pieces.push(Math::Under(Box::new(shown(rest).math().fenced()), Box::new(words)));
    }
    if let Some(bias) = bias {
        let bias = shown_f32(bias);
        exact &= bias.exact;
        pieces.push(bias.math());
    }
    let left = view.unit(node, unit).equals(Math::sum(pieces));
    related(left, exact, shown_f32(result).math())
}
