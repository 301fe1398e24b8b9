//! The gradient towards one weight, taken apart: the chain rule along each path, by rows, and a check.

use super::explanation::{Explanation, WeightResult, omitted};
use super::forward::row_values;
use super::number::{full, number, number_f32, precise, related, shown, shown_f32};
use super::paths::{Path, RowPaths, Step};
use crate::document::{Block, Column, Document, NoteKind, Table, Text};
use crate::formula::{Math, Operator};
use crate::graph::{NodeId, Op};
use crate::train::Target;

/// Rows that are listed each.
const ROWS: usize = 12;
/// Rows whose paths are listed each.
const PATH_ROWS: usize = 4;
/// Factors that a line of numbers holds.
const FACTORS: usize = 9;
/// Factors that a table's cell holds.
const COLUMN: usize = 6;

pub(super) fn write(all: &Explanation, result: &WeightResult, document: &mut Document) {
    let weight = symbol(all, result);
    document.section(Text::from("The gradient of ").code(result.index.to_string()));
    document.say(
        Text::from("The weight ")
            .math(weight.clone().equals(number_f32(result.value)))
            .plain(" acts on the loss through ")
            .plain(ways(result))
            .plain(
                ". By the chain rule each adds the product of its local derivatives, here in f64.",
            ),
    );
    let single = result.paths.rows.iter().all(|row| row.count == 1.0);
    match (result.paths.complete, single) {
        (true, true) => chain(all, result, &weight, document),
        (true, false) => many(all, result, &weight, document),
        (false, _) => document.say("There are too many paths to look at one by one."),
    }
    sum(result, &weight, document);
    check(result, &weight, document);
}

/// The weight's name in formulas.
pub(super) fn symbol(all: &Explanation, result: &WeightResult) -> Math {
    let size = all.trace.parameter(&result.index.key).map_or(1, |p| p.shape.iter().product());
    all.symbols.weight(&result.index.key, &result.index.index, size)
}

fn ways(result: &WeightResult) -> String {
    let rows = result.paths.rows.iter().filter(|row| row.row.is_some()).count();
    let each = result.paths.rows.first().map_or(0.0, |row| row.count);
    let same = result.paths.rows.iter().all(|row| row.count == each);
    let paths = |count: f64| match count {
        0.0 => "no path".into(),
        1.0 => "one path".into(),
        count if count < 1e15 => format!("{count} paths"),
        count => format!("about {count:.1e} paths"),
    };
    match (rows, same) {
        _ if !result.paths.complete => "very many paths".into(),
        (0 | 1, _) => paths(result.paths.count),
        (_, true) => format!("{} for each of {rows} rows", paths(each)),
        (_, false) => format!("{} in {rows} rows", paths(result.paths.count)),
    }
}

/// The name of an element on a path.
fn element(all: &Explanation, node: NodeId, element: usize) -> Math {
    if Some(node) == all.trace.loss() {
        return Math::name("J");
    }
    let length: usize = all.trace.shape(node).iter().product();
    let width = (length / all.trace.rows().max(1)).max(1);
    match all.symbols.get(node) {
        Some(symbol) => symbol.unit(element % width),
        None => Math::text(all.trace.name(node)),
    }
}

/// `∂J/∂ŷ, ∂ŷ/∂h, …, ∂a/∂w`: from the loss back to the weight.
fn factors(all: &Explanation, path: &Path, weight: &Math) -> Vec<(Math, f64)> {
    let mut below = weight.clone();
    let mut found = vec![];
    for step in &path.steps {
        let own = element(all, step.node, step.element);
        found.push((Math::partial(own.clone(), below), step.factor));
        below = own;
    }
    found.reverse();
    found
}

/// Why a factor is 0.
fn reason(all: &Explanation, path: &Path, at: usize) -> String {
    let step = path.steps[path.steps.len() - 1 - at];
    if Some(step.node) == all.trace.loss() {
        let classes = matches!(all.target, Some(Target::Classes(_)));
        return if classes { "not the true class" } else { "no error" }.into();
    }
    let layer = all.trace.layers().iter().find(|layer| layer.output == step.node);
    let kind = layer.map_or("", |layer| layer.kind);
    if at + 1 == path.steps.len() {
        return "the input is 0".into();
    }
    if kind == "Linear" {
        return "the weight is 0".into();
    }
    match all.trace.element(step.node, step.element) {
        Ok(element) if element.kink.is_some() => "on the kink: convention".into(),
        Ok(_) | Err(_) => format!("{kind} is flat"),
    }
}

/// One path per row: the chain once in symbols, then a table with every value and factor, as on paper.
fn chain(all: &Explanation, result: &WeightResult, weight: &Math, document: &mut Document) {
    let Some(first) = result.paths.rows.iter().find_map(|row| row.paths.first()) else {
        document.say("Nothing that the loss depends on is computed from it.");
        return;
    };
    let slope = Math::partial(Math::name("J"), weight.clone());
    let symbols = factors(all, first, weight);
    document
        .formula(slope.clone().equals(Math::product(symbols.iter().map(|(math, _)| math.clone()))));
    table(all, result, weight, &symbols, document);
    let rows: Vec<&RowPaths> = result.paths.rows.iter().take(PATH_ROWS).collect();
    for row in &rows {
        let Some(path) = row.paths.first().filter(|path| path.steps.len() <= FACTORS) else {
            continue;
        };
        document.formula(numbers(
            all,
            row,
            path,
            &slope,
            rows.len() > 1 || row.row.is_some_and(|r| r > 0),
        ));
    }
    if result.paths.rows.len() > rows.len() {
        omitted(
            document,
            format!("the products of {} more rows.", result.paths.rows.len() - rows.len()),
        );
    }
}

/// `∂J/∂w = 0.2·0·0.1 = 0`, the zeros with their reasons.
fn numbers(all: &Explanation, row: &RowPaths, path: &Path, slope: &Math, named: bool) -> Math {
    let count = path.steps.len();
    let zero = path.product == 0.0;
    let mut exact = shown(path.product).exact;
    let mut pieces = vec![];
    for at in 0..count {
        let factor = path.steps[count - 1 - at].factor;
        exact &= shown(factor).exact;
        let mut piece = if at == 0 { number(factor) } else { bracketed(factor) };
        if factor == 0.0 {
            piece = Math::Under(Box::new(piece), Box::new(Math::text(reason(all, path, at))));
        }
        pieces.push(piece);
    }
    let left = match row.row.filter(|_| named) {
        Some(at) => Math::row([Math::text(format!("{}: ", all.row_name(at))), slope.clone()]),
        None => slope.clone(),
    };
    // A product with a factor of 0 is 0, however the others are rounded.
    related(left.equals(dotted(pieces)), exact || zero, number(path.product))
}

fn bracketed(value: f64) -> Math {
    if value < 0.0 { number(value).fenced() } else { number(value) }
}

fn dotted(pieces: Vec<Math>) -> Math {
    let mut row = vec![];
    for (at, piece) in pieces.into_iter().enumerate() {
        if at > 0 {
            row.push(Math::Operator(Operator::Dot));
        }
        row.push(piece);
    }
    Math::row(row)
}

/// Rows against the values on the way and the factors.
fn table(
    all: &Explanation,
    result: &WeightResult,
    weight: &Math,
    symbols: &[(Math, f64)],
    document: &mut Document,
) {
    let Some(first) = result.paths.rows.iter().find_map(|row| row.paths.first()) else { return };
    if first.steps.len() > FACTORS {
        return;
    }
    let mut columns = vec![Column::words("row")];
    let input = all
        .trace
        .input()
        .filter(|&input| all.trace.shape(input).iter().skip(1).product::<usize>() == 1);
    if input.is_some() {
        columns.push(Column::numbers(Math::name("x")));
    }
    let values: Vec<NodeId> = first
        .steps
        .iter()
        .map(|step| step.node)
        .filter(|node| Some(*node) != all.trace.loss())
        .collect();
    columns.extend(
        first
            .steps
            .iter()
            .filter(|step| Some(step.node) != all.trace.loss())
            .map(|step| Column::numbers(element(all, step.node, step.element))),
    );
    let mut values_table = Table::new(columns);
    let heads = symbols.iter().map(|(math, _)| Column::numbers(math.clone()));
    let total = Column::numbers(Math::partial(Math::name("J"), weight.clone()));
    let mut factor_table =
        Table::new(std::iter::once(Column::words("row")).chain(heads).chain([total]));
    for row in result.paths.rows.iter().take(ROWS) {
        let Some(path) = row.paths.first() else { continue };
        let name = row.row.map_or("all".into(), |at| all.row_name(at));
        let mut cells = vec![Text::from(name.clone())];
        if let Some(input) = input {
            let value = row.row.and_then(|at| row_values(all, input, at).first().copied());
            cells.push(value.map_or(Text::default(), |value| shown_f32(value).text()));
        }
        for step in path.steps.iter().filter(|step| values.contains(&step.node)) {
            let value = all.trace.floats(step.node).map(|values| values[step.element]);
            cells.push(value.map_or(Text::default(), |value| shown_f32(value).text()));
        }
        values_table.row(cells);
        let mut cells = vec![Text::from(name)];
        cells.extend(path.steps.iter().rev().map(|step| shown(step.factor).text()));
        cells.push(shown(row.total).text());
        factor_table.row(cells);
    }
    values_table.caption = "The values on the way.".into();
    factor_table.caption =
        "The factors, from the loss back to the weight, and their product.".into();
    document.push(Block::Table(values_table));
    document.push(Block::Table(factor_table));
    if result.paths.rows.len() > ROWS {
        omitted(document, format!("{} more rows.", result.paths.rows.len() - ROWS));
    }
}

/// Several paths per row: the largest, and the sum of the rest.
fn many(all: &Explanation, result: &WeightResult, weight: &Math, document: &mut Document) {
    let Some(longest) = result.paths.rows.iter().find_map(|row| row.paths.first()) else { return };
    let slope = Math::partial(Math::name("J"), weight.clone());
    let symbols = factors(all, longest, weight);
    if symbols.len() <= FACTORS {
        let product = Math::product(symbols.iter().map(|(math, _)| math.clone()));
        document.say("A path is a choice of one unit in every layer on the way, such as");
        document.formula(product);
    }
    let mut table = Table::new([
        Column::words("row"),
        Column::words("path"),
        Column::words("factors"),
        Column::numbers(slope),
    ]);
    let zeros = result.paths.rows.iter().flat_map(|row| &row.paths).any(|path| path.product == 0.0);
    if zeros {
        table.columns.push(Column::words("why 0"));
    }
    let mut rows: Vec<&RowPaths> = result.paths.rows.iter().collect();
    let shortened = rows.len() > PATH_ROWS;
    if shortened {
        rows.sort_by(|a, b| b.total.abs().total_cmp(&a.total.abs()));
        rows.truncate(PATH_ROWS);
    }
    for row in rows {
        if let Some(why) = common_zero(all, row, weight) {
            let name = row.row.map_or(String::new(), |at| all.row_name(at));
            let paths = if row.count < 1e15 {
                format!("all {} paths", row.count)
            } else {
                "all paths".into()
            };
            table.row([name.into(), paths.into(), Text::default(), shown(0.0).text(), why]);
            continue;
        }
        for (at, path) in row.paths.iter().enumerate() {
            let name = match row.row.filter(|_| at == 0) {
                Some(at) => all.row_name(at),
                None => String::new(),
            };
            let mut cells =
                vec![name.into(), way(all, path), product(path), shown(path.product).text()];
            if path.product == 0.0 {
                cells.push(why(all, path, &symbols_of(all, path, weight)));
            }
            table.row(cells);
        }
        let left = row.count - row.paths.len() as f64;
        if left > 0.0 {
            let words =
                if left < 1e15 { format!("{left} more paths") } else { "all others".into() };
            table.row([Text::default(), words.into(), Text::default(), shown(row.rest()).text()]);
        }
        table.row([Text::default(), "sum".into(), Text::default(), shown(row.total).text()]);
    }
    table.caption = "The paths with the largest products, and what the others add.".into();
    document.push(Block::Table(table));
    if shortened {
        omitted(
            document,
            format!(
                "{} more rows; shown are those that add most.",
                result.paths.rows.len() - PATH_ROWS
            ),
        );
    }
}

/// The factors' names, from the loss back.
fn symbols_of(all: &Explanation, path: &Path, weight: &Math) -> Vec<Math> {
    factors(all, path, weight).into_iter().map(|(symbol, _)| symbol).collect()
}

/// The factor that is 0 on all of a row's paths, if they all begin with the same.
fn common_zero(all: &Explanation, row: &RowPaths, weight: &Math) -> Option<Text> {
    if row.paths.len() < 2 || row.total != 0.0 {
        return None;
    }
    let first = row.paths.first()?;
    let at = first.steps.iter().position(|step| step.factor == 0.0)?;
    // Every path leaves the weight through the same units up to there, listed or not.
    let same = |path: &Path| path.steps.get(..=at) == first.steps.get(..=at);
    let only = at == 0 || all.symbols.get(first.steps[at].node).is_some();
    let elementwise = first.steps[1..=at]
        .iter()
        .all(|step| matches!(all.trace.graph().graph().node(step.node).op(), Op::Activation(_)));
    (row.paths.iter().all(same) && only && elementwise)
        .then(|| why(all, first, &symbols_of(all, first, weight)))
}

/// Which factor of a path is 0, and why.
fn why(all: &Explanation, path: &Path, symbols: &[Math]) -> Text {
    let count = path.steps.len();
    let zero = |at: &usize| path.steps[count - 1 - at].factor == 0.0;
    let Some(at) = (0..count).rev().find(zero) else { return Text::default() };
    Text::from(symbols[at].clone()).plain(format!(": {}", reason(all, path, at)))
}

/// `h₁ → z₂`: the units on the way; what an activation is given is left out beside what it makes of it.
fn way(all: &Explanation, path: &Path) -> Text {
    let elementwise = |node: NodeId| {
        let graph = all.trace.graph().graph();
        matches!(graph.node(node).op(), Op::Activation(_))
    };
    let steps: Vec<&Step> = path
        .steps
        .iter()
        .enumerate()
        .filter(|(at, step)| {
            let next = path.steps.get(at + 1);
            Some(step.node) != all.trace.loss() && !next.is_some_and(|next| elementwise(next.node))
        })
        .map(|(_, step)| step)
        .collect();
    let mut row = vec![];
    let count = steps.len();
    for (at, step) in steps.into_iter().enumerate() {
        if count > FACTORS && at == FACTORS / 2 {
            row.extend([Math::Operator(Operator::To), Math::Operator(Operator::Dots)]);
        }
        if count > FACTORS && at >= FACTORS / 2 && at + FACTORS / 2 < count {
            continue;
        }
        if at > 0 {
            row.push(Math::Operator(Operator::To));
        }
        row.push(element(all, step.node, step.element));
    }
    Math::row(row).into()
}

fn product(path: &Path) -> Text {
    if path.steps.len() > COLUMN {
        return format!("{} factors", path.steps.len()).into();
    }
    let factors = path.steps.iter().rev().enumerate();
    let pieces = factors.map(
        |(at, step)| {
            if at == 0 { number(step.factor) } else { bracketed(step.factor) }
        },
    );
    dotted(pieces.collect()).into()
}

/// The sum over rows, beside what the engine computed.
fn sum(result: &WeightResult, weight: &Math, document: &mut Document) {
    let slope = Math::partial(Math::name("J"), weight.clone());
    let rows = &result.paths.rows;
    if (2..=6).contains(&rows.len()) {
        let terms = Math::sum(rows.iter().map(|row| number(row.total)));
        let exact =
            rows.iter().all(|row| shown(row.total).exact) && shown(result.paths.total).exact;
        document.formula(related(slope.clone().equals(terms), exact, number(result.paths.total)));
    }
    let off = result.paths.total - result.exact_gradient;
    let mut text = Text::from("The gradient is ")
        .math(full(result.gradient))
        .plain(" in f32, as training computes it, and ")
        .math(precise(result.exact_gradient + 0.0))
        .plain(" in f64");
    if result.paths.complete {
        text = match off == 0.0 {
            true => text.plain(", which is also the sum over all paths"),
            false => text.plain("; the sum over all paths agrees to ").math(number(sig(off))),
        };
    }
    document.say(text.plain("."));
    let (single, double) = (f64::from(result.gradient), result.exact_gradient);
    if (single - double).abs() > 0.01 * double.abs().max(1e-30) {
        document.note(
            NoteKind::Warning,
            "f32 and f64 differ visibly: digits cancelled on the way, or a unit lies on another side of a kink.",
        );
    }
}

/// An error in one digit.
fn sig(value: f64) -> f64 {
    format!("{:.0e}", value.abs()).parse().unwrap_or(value)
}

/// The slope by differences beside the gradient.
fn check(result: &WeightResult, weight: &Math, document: &mut Document) {
    let difference = &result.difference;
    let shifted = |sign: f64| {
        let step = Math::name("h");
        let at = Math::sum([weight.clone(), if sign < 0.0 { step.negative() } else { step }]);
        Math::row([Math::name("J"), at.fenced()])
    };
    let quotient = Math::fraction(
        Math::sum([shifted(1.0), shifted(-1.0).negative()]),
        Math::product([Math::f64(2.0), Math::name("h")]),
    );
    document.say(
        Text::from("Check by differences, in f64 with ")
            .math(Math::name("h").equals(number(difference.step)))
            .plain(": ")
            .math(quotient.approximately(number(difference.slope)))
            .plain(", right to about ")
            .math(number(sig(difference.error)))
            .plain(if difference.kinks == 0 {
                ". No unit crosses a kink within that step."
            } else {
                "."
            }),
    );
    if difference.kinks > 0 {
        document.note(
            NoteKind::Convention,
            Text::from(format!(
                "within that step {} unit{} a kink, so the loss has no one slope there: to the left it is ",
                difference.kinks,
                if difference.kinks == 1 { " meets" } else { "s meet" }
            ))
            .math(number(difference.below))
            .plain(", to the right ")
            .math(number(difference.above))
            .plain("; the gradient above follows the convention."),
        );
    }
}
