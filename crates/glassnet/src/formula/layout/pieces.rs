//! Each kind of piece as a rectangle of text.

use super::super::compose::needs_brackets;
use super::super::line::{self, runs_together};
use super::super::math::{BigOperator, Fence, Math, Operator};
use super::panel::{Panel, columns};

/// Pieces nested deeper than this are written in one line: nobody reads a tower of so many bars.
const DEEPEST: usize = 10;

/// The piece set as wide as it comes.
pub(super) fn set(piece: &Math) -> Panel {
    if is_flat(piece) || height(piece) > DEEPEST {
        return Panel::line(line::line(piece));
    }
    match piece {
        Math::Row(parts) => set_row(parts),
        Math::Fraction(numerator, denominator) => fraction_of(&set(numerator), &set(denominator)),
        Math::Raised(base, exponent) => set_raised(base, exponent),
        Math::Lowered(base, index) => set_lowered(base, index),
        Math::Root(inner) => set_root(&set(inner)),
        Math::Fence(fence, inner) => enclosed(&set(inner), *fence),
        Math::Matrix(rows) => matrix_of(rows),
        Math::Big(operator, below, above) => set_big(*operator, below.as_deref(), above.as_deref()),
        Math::Under(inner, words) => set_under(&set(inner), &set(words)),
        Math::Cases(rows) => set_cases(rows),
        Math::Number(_)
        | Math::Name(..)
        | Math::Text(_)
        | Math::Pi
        | Math::Function(..)
        | Math::Apply
        | Math::Operator(_) => Panel::line(line::line(piece)),
    }
}

/// How many fractions, roots, exponents and the like stand within each other.
fn height(piece: &Math) -> usize {
    let most = |pieces: &mut dyn Iterator<Item = &Math>| pieces.map(height).max().unwrap_or(0);
    match piece {
        Math::Row(parts) => most(&mut parts.iter()),
        Math::Fence(_, inner) => height(inner),
        Math::Root(inner) => 1 + height(inner),
        Math::Fraction(a, b) | Math::Raised(a, b) | Math::Lowered(a, b) | Math::Under(a, b) => {
            1 + height(a).max(height(b))
        }
        Math::Matrix(rows) => 1 + most(&mut rows.iter().flatten()),
        Math::Big(_, below, above) => {
            1 + most(&mut [below, above].into_iter().flatten().map(|limit| &**limit))
        }
        Math::Cases(rows) => {
            1 + most(&mut rows.iter().flat_map(|(value, when)| std::iter::once(value).chain(when)))
        }
        Math::Number(_)
        | Math::Name(..)
        | Math::Text(_)
        | Math::Pi
        | Math::Function(..)
        | Math::Apply
        | Math::Operator(_) => 0,
    }
}

/// True if one line is as readable as several.
pub(super) fn is_flat(piece: &Math) -> bool {
    match piece {
        Math::Row(parts) => parts.iter().all(is_flat),
        Math::Fraction(numerator, denominator) => {
            is_short(numerator)
                && matches!(&**denominator, Math::Number(digits) if digits.len() <= 4)
        }
        Math::Raised(base, exponent) => {
            is_flat(base) && is_flat(exponent) && line::raised(&line::line(exponent)).is_some()
        }
        Math::Lowered(base, _) => is_flat(base),
        Math::Root(inner) | Math::Fence(_, inner) => is_flat(inner),
        Math::Matrix(rows) => rows.len() == 1 && rows[0].iter().all(is_flat),
        Math::Big(_, below, above) => {
            let short = |limit: &Math| {
                let text = line::line(limit);
                columns(&text) <= 2 && line::lowered(&text).is_some()
            };
            above.is_none() && below.as_deref().is_none_or(short)
        }
        Math::Under(..) | Math::Cases(_) => false,
        Math::Number(_)
        | Math::Name(..)
        | Math::Text(_)
        | Math::Pi
        | Math::Function(..)
        | Math::Apply
        | Math::Operator(_) => true,
    }
}

/// What reads well over a number in one line: 1/4, z²/2.
fn is_short(numerator: &Math) -> bool {
    match numerator {
        Math::Number(digits) => digits.len() <= 4,
        Math::Name(..) | Math::Pi => columns(&line::line(numerator)) <= 3,
        Math::Raised(base, exponent) => {
            is_short(base) && is_flat(numerator) && columns(&line::line(exponent)) <= 1
        }
        Math::Row(parts) => matches!(parts.as_slice(), [only] if is_short(only)),
        Math::Text(_)
        | Math::Function(..)
        | Math::Apply
        | Math::Operator(_)
        | Math::Fraction(..)
        | Math::Lowered(..)
        | Math::Root(_)
        | Math::Fence(..)
        | Math::Matrix(_)
        | Math::Big(..)
        | Math::Under(..)
        | Math::Cases(_) => false,
    }
}

fn set_row(parts: &[Math]) -> Panel {
    let panels = parts.iter().enumerate().map(|(i, part)| {
        let before = i.checked_sub(1).and_then(|before| parts.get(before));
        let after = parts.get(i + 1);
        let beside_bar = before.is_some_and(ends_in_bar) || after.is_some_and(starts_with_bar);
        let beside_tall = [before, after].into_iter().flatten().any(|part| !is_flat(part));
        match part {
            // The signs would touch the fraction's bar.
            Math::Operator(Operator::Sign) if after.is_some_and(starts_with_bar) => {
                Panel::line("− ")
            }
            Math::Operator(Operator::Dot) if beside_tall => Panel::line(" · "),
            Math::Operator(Operator::Beside) if beside_bar => Panel::line(" "),
            // 1/2·z, as 1/2z would be read as 1/(2z).
            Math::Operator(Operator::Beside)
                if before.is_some_and(|before| is_flat(before) && line::needs_dot(before)) =>
            {
                Panel::line("·")
            }
            // z·tanh(z): in one typeface ztanh(z) would be one word.
            Math::Operator(Operator::Beside)
                if before.is_some_and(is_flat)
                    && runs_together(&before.map_or(String::new(), Math::to_string), after) =>
            {
                Panel::line("·")
            }
            // Brackets of matrices and limits of sums would touch what stands before them.
            Math::Matrix(_) if before.is_some_and(|before| matches!(before, Math::Matrix(_))) => {
                Panel::beside([Panel::line(" "), set(part)])
            }
            Math::Operator(_) => set(part),
            part if before.is_some_and(ends_in_bar) => Panel::beside([Panel::line(" "), set(part)]),
            part => set(part),
        }
    });
    Panel::beside(panels)
}

fn starts_with_bar(piece: &Math) -> bool {
    match piece {
        Math::Fraction(..) => !is_flat(piece),
        Math::Row(parts) => parts.first().is_some_and(starts_with_bar),
        _ => false,
    }
}

fn ends_in_bar(piece: &Math) -> bool {
    match piece {
        Math::Fraction(..) => !is_flat(piece),
        Math::Row(parts) => parts.last().is_some_and(ends_in_bar),
        _ => false,
    }
}

pub(super) fn fraction_of(numerator: &Panel, denominator: &Panel) -> Panel {
    let wide = numerator.width().max(denominator.width());
    // A bar within a fraction is shorter than the fraction's own.
    let nested = numerator.height() > 1 || denominator.height() > 1;
    let bar = Panel::line("─".repeat(if nested { wide + 2 } else { wide }));
    Panel::stacked(&[numerator.clone(), bar, denominator.clone()], numerator.height())
}

fn set_raised(base: &Math, exponent: &Math) -> Panel {
    let inner = set(base);
    let base = if needs_brackets(base) { enclosed(&inner, Fence::Round) } else { inner };
    let small = if is_flat(exponent) { line::raised(&line::line(exponent)) } else { None };
    match small {
        Some(small) => {
            let mut lines = base.lines().to_vec();
            lines[0].push_str(&small);
            Panel::new(lines, base.baseline())
        }
        None => {
            let exponent = set(exponent);
            let indent = " ".repeat(base.width());
            let mut lines: Vec<String> =
                exponent.lines().iter().map(|line| format!("{indent}{line}")).collect();
            lines.extend_from_slice(base.lines());
            Panel::new(lines, base.baseline() + exponent.height())
        }
    }
}

fn set_lowered(base: &Math, index: &Math) -> Panel {
    let inner = set(base);
    let base = if needs_brackets(base) { enclosed(&inner, Fence::Round) } else { inner };
    let mut lines = base.lines().to_vec();
    if let Some(last) = lines.last_mut() {
        last.push_str(&line::below(&line::line(index)));
    }
    Panel::new(lines, base.baseline())
}

fn set_root(inner: &Panel) -> Panel {
    let height = inner.height();
    let mut lines = vec![format!("{}{}", " ".repeat(height + 1), "_".repeat(inner.width() + 1))];
    for (i, text) in inner.lines().iter().enumerate() {
        let from_below = height - 1 - i;
        let mut head: Vec<char> = vec![' '; height + 1];
        head[height - from_below] = ' ';
        head[from_below + 1..].iter_mut().for_each(|c| *c = ' ');
        head[height - i] = '╱';
        if i == height - 1 {
            head[0] = '╲';
        }
        lines.push(format!("{} {text}", head.into_iter().collect::<String>()));
    }
    Panel::new(lines, inner.baseline() + 1)
}

/// What stands at the first, an inner and the last line of a tall fence, and in a fence of one line.
fn fence_parts(fence: Fence, opening: bool) -> [&'static str; 4] {
    match (fence, opening) {
        (Fence::Round, true) => ["⎛", "⎜", "⎝", "("],
        (Fence::Round, false) => ["⎞", "⎟", "⎠", ")"],
        (Fence::Square, true) => ["⎡", "⎢", "⎣", "["],
        (Fence::Square, false) => ["⎤", "⎥", "⎦", "]"],
        (Fence::Curly, true) => ["⎧", "⎪", "⎩", "{"],
        (Fence::Curly, false) => ["⎫", "⎪", "⎭", "}"],
        (Fence::Bars, _) => ["│", "│", "│", "|"],
        (Fence::DoubleBars, _) => ["║", "║", "║", "‖"],
    }
}

fn fence_side(fence: Fence, opening: bool, height: usize, baseline: usize) -> Panel {
    let [first, inner, last, single] = fence_parts(fence, opening);
    if height == 1 {
        return Panel::line(single);
    }
    let middle = (height - 1) / 2;
    let lines = (0..height).map(|i| match i {
        0 => first,
        i if i == height - 1 => last,
        i if i == middle && fence == Fence::Curly && opening => "⎨",
        i if i == middle && fence == Fence::Curly => "⎬",
        _ => inner,
    });
    Panel::new(lines.map(str::to_owned).collect(), baseline)
}

/// The panel between fences as tall as it is.
pub(super) fn enclosed(inner: &Panel, fence: Fence) -> Panel {
    // A curly fence of two lines has no room for its tip.
    let inner = match (fence, inner.height()) {
        (Fence::Curly, 2) => inner.spread(0, 1),
        _ => inner.clone(),
    };
    let side = |opening| fence_side(fence, opening, inner.height(), inner.baseline());
    Panel::beside([side(true), inner.clone(), side(false)])
}

fn is_number(piece: &Math) -> bool {
    match piece {
        Math::Number(_) => true,
        Math::Row(parts) => match parts.as_slice() {
            [only] | [Math::Operator(Operator::Sign), only] => is_number(only),
            _ => false,
        },
        _ => false,
    }
}

/// Rows of cells, each column as wide as its widest cell and `gap` columns from the next.
fn set_grid(rows: &[Vec<Panel>], right: &[bool], gap: usize) -> Panel {
    let widths: Vec<usize> = (0..right.len())
        .map(|j| rows.iter().filter_map(|row| row.get(j)).map(Panel::width).max().unwrap_or(0))
        .collect();
    let tall = rows.iter().flatten().any(|cell| cell.height() > 1);
    let mut lines = vec![];
    for (i, row) in rows.iter().enumerate() {
        if tall && i > 0 {
            lines.push(String::new());
        }
        let mut cells = vec![];
        for (j, cell) in row.iter().enumerate() {
            if j > 0 {
                cells.push(Panel::line(" ".repeat(gap)));
            }
            cells.push(if right[j] { cell.right(widths[j]) } else { cell.centred(widths[j]) });
        }
        lines.extend_from_slice(Panel::beside(cells).lines());
    }
    let middle = lines.len().saturating_sub(1) / 2;
    Panel::new(lines, middle)
}

/// Columns `start` to `end` of every row.
pub(super) fn columns_of(rows: &[Vec<Math>], start: usize, end: usize) -> Vec<Vec<Math>> {
    let part = |row: &Vec<Math>| row.iter().take(end).skip(start).cloned().collect();
    rows.iter().map(part).collect()
}

/// Rows of cells between square brackets.
pub(super) fn matrix_of(rows: &[Vec<Math>]) -> Panel {
    let count = rows.iter().map(Vec::len).max().unwrap_or(0);
    let right: Vec<bool> =
        (0..count).map(|j| rows.iter().filter_map(|row| row.get(j)).all(is_number)).collect();
    let cells: Vec<Vec<Panel>> = rows.iter().map(|row| row.iter().map(set).collect()).collect();
    enclosed(&set_grid(&cells, &right, 2), Fence::Square)
}

fn set_big(operator: BigOperator, below: Option<&Math>, above: Option<&Math>) -> Panel {
    let sign = Panel::line(line::big(operator));
    let limit = |piece: &Math| match is_flat(piece) {
        true => Panel::line(line::line(piece).replace(' ', "")),
        false => set(piece),
    };
    let mut panels = vec![];
    panels.extend(above.map(limit));
    let baseline = panels.first().map_or(0, Panel::height);
    panels.push(sign);
    panels.extend(below.map(limit));
    Panel::beside([Panel::stacked(&panels, baseline), Panel::line(" ")])
}

fn set_under(inner: &Panel, words: &Panel) -> Panel {
    let brace = match inner.width() {
        0 | 1 => "│".to_owned(),
        2 => "╰╯".to_owned(),
        width => {
            let left = (width - 3) / 2;
            format!("╰{}┬{}╯", "─".repeat(left), "─".repeat(width - 3 - left))
        }
    };
    let panels = [inner.clone(), Panel::line(brace), words.clone()];
    Panel::stacked(&panels, inner.baseline())
}

fn set_cases(rows: &[(Math, Option<Math>)]) -> Panel {
    let values: Vec<Panel> = rows.iter().map(|(value, _)| set(value)).collect();
    let width = values.iter().map(Panel::width).max().unwrap_or(0);
    let mut lines = vec![];
    let tall = values.iter().any(|value| value.height() > 1) || rows.len() == 2;
    for (i, (value, (_, condition))) in values.iter().zip(rows).enumerate() {
        if i > 0 && tall {
            lines.push(String::new());
        }
        let gap = " ".repeat(width - value.width() + 2);
        let condition = match condition {
            Some(condition) => Panel::beside([Panel::line("if "), set(condition)]),
            None => Panel::line("otherwise"),
        };
        let row = Panel::beside([value.clone(), Panel::line(gap), condition]);
        lines.extend_from_slice(row.lines());
    }
    let middle = lines.len().saturating_sub(1) / 2;
    let inner = Panel::new(lines, middle);
    braced(&inner)
}

/// The panel behind a brace, which needs three lines.
pub(super) fn braced(inner: &Panel) -> Panel {
    let inner = if inner.height() == 2 { inner.spread(0, 1) } else { inner.clone() };
    let brace = fence_side(Fence::Curly, true, inner.height(), inner.baseline());
    Panel::beside([brace, Panel::line(" "), inner])
}
