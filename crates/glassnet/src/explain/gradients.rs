//! Gradients of all parameters: small ones whole, large ones in a line.

use super::explanation::Explanation;
use super::number::{number_f32, shown_f32};
use super::symbols::numbered;
use crate::document::{Block, Column, Document, Table, Text};
use crate::formula::{Math, Operator};

/// Gradients of up to so many elements are shown whole.
const WHOLE: usize = 12;
/// Parameters that the table lists.
const PARAMETERS: usize = 30;

pub(super) fn write(all: &Explanation, document: &mut Document) {
    document.section("Backward: the gradient of every parameter");
    if all.trace.rows() > 1 {
        document.say(
            Text::from("The gradient of ")
                .math(Math::name("J"))
                .plain(", the loss of all rows together."),
        );
    }
    document.say("These gradients are the engine's, in f32.");
    let mut table = Table::new([
        Column::words("parameter"),
        Column::words("shape"),
        Column::words("largest"),
        Column::numbers("norm"),
        Column::numbers("zeros"),
    ]);
    for parameter in all.trace.parameters().iter().take(PARAMETERS) {
        let Some(gradient) = all.trace.gradient_values(&parameter.key) else { continue };
        let zeros = gradient.iter().filter(|value| **value == 0.0).count();
        let norm = gradient.iter().map(|&value| f64::from(value).powi(2)).sum::<f64>().sqrt();
        let largest = (0..gradient.len())
            .max_by(|&a, &b| gradient[a].abs().total_cmp(&gradient[b].abs()))
            .unwrap_or(0);
        let coordinates: Vec<String> =
            all.trace.coordinates(parameter.node, largest).iter().map(usize::to_string).collect();
        let place = format!(" at [{}]", coordinates.join(","));
        table.row([
            Text::default().code(parameter.key.clone()),
            format!("{:?}", parameter.shape).into(),
            match gradient.get(largest) {
                Some(&value) => shown_f32(value).text().plain(place),
                None => Text::default(),
            },
            number_f32(norm as f32).into(),
            format!("{zeros} of {}", gradient.len()).into(),
        ]);
    }
    document.push(Block::Table(table));
    let left = all.trace.parameters().len().saturating_sub(PARAMETERS);
    if left > 0 {
        super::explanation::omitted(document, format!("{left} more parameters."));
    }
    let small: Vec<_> = all
        .trace
        .parameters()
        .iter()
        .filter(|p| p.shape.iter().product::<usize>() <= WHOLE && p.shape.len() <= 2)
        .take(8)
        .collect();
    for parameter in small {
        let Some(gradient) = all.trace.gradient_values(&parameter.key) else { continue };
        let columns = if parameter.shape.len() == 2 { parameter.shape[1] } else { gradient.len() };
        let rows = gradient.chunks(columns.max(1));
        let cells = rows.map(|row| row.iter().map(|&value| number_f32(value)).collect());
        let value = match gradient {
            [only] => number_f32(*only),
            _ => Math::Matrix(cells.collect()),
        };
        let slope = Math::partial(Math::name("J"), whole(all, &parameter.key));
        document.formula(Math::row([slope, Math::Operator(Operator::Equals), value]));
    }
}

/// A parameter's name in formulas: W⁽¹⁾, b⁽¹⁾; others in words.
fn whole(all: &Explanation, key: &str) -> Math {
    let (prefix, name) = key.rsplit_once('.').unwrap_or(("", key));
    match (name, all.symbols.number(prefix)) {
        ("weight", Some(number)) => numbered(Math::name("W"), number),
        ("bias", Some(number)) => numbered(Math::name("b"), number),
        _ => Math::text(key),
    }
}
