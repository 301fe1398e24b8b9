//! Tables with booktabs' rules; long ones go on over pages.

use super::super::columns::Grid;
use super::super::text::plain;
use super::words::inline;
use crate::document::{Align, Inline, Table, Text};

/// As many columns of text as the page is wide, at a table's size.
const PAGE: usize = 88;
/// Between two columns of cells, in columns of text.
const GAP: usize = 3;
/// A table with more rows goes on over pages.
const LONG: usize = 25;

/// The table, in groups of columns if they don't all fit beside each other.
pub(super) fn set(table: &Table) -> String {
    let grid = Grid::new(table, GAP, plain);
    let mut text = String::new();
    if !table.caption.is_empty() {
        text.push_str(&format!("{}\\nopagebreak\n\n", inline(&table.caption)));
    }
    for group in grid.groups(PAGE) {
        text.push_str(&set_group(table, &grid, &group));
    }
    text
}

fn set_group(table: &Table, grid: &Grid, group: &[usize]) -> String {
    let widths = grid.widths(group, PAGE);
    let specification: Vec<String> = group
        .iter()
        .zip(&widths)
        .map(|(column, width)| match grid.aligns[*column] {
            Align::Left if *width < grid.natural(*column) => {
                let share = *width as f64 / (PAGE as f64 * 1.06);
                format!(">{{\\raggedright\\arraybackslash}}p{{{share:.3}\\linewidth}}")
            }
            Align::Left => "l".into(),
            Align::Right => "r".into(),
        })
        .collect();
    let row = |cells: Vec<String>| format!("{} \\tabularnewline\n", cells.join(" & "));
    let head = row(group
        .iter()
        .map(|column| format!("\\textbf{{\\boldmath {}}}", inline(&table.columns[*column].head)))
        .collect());
    let body: String = table
        .rows
        .iter()
        .map(|cells| {
            row(group
                .iter()
                .zip(&widths)
                .map(|(column, width)| {
                    let wraps = *width < grid.natural(*column);
                    cells.get(*column).map_or(String::new(), |cell| match grid.aligns[*column] {
                        Align::Left if wraps => breakable(cell),
                        Align::Left | Align::Right => inline(cell),
                    })
                })
                .collect())
        })
        .collect();
    let specification = specification.join("");
    if table.rows.len() > LONG {
        return format!(
            "{{\\small\n\\begin{{longtable}}{{{specification}}}\n\\toprule\n{head}\\midrule\n\\endhead\n\
             \\bottomrule\n\\endfoot\n{body}\\end{{longtable}}\n}}\n"
        );
    }
    format!(
        "\\begin{{center}}\\small\n\\fit{{\\linewidth}}{{\\begin{{tabular}}{{{specification}}}\n\\toprule\n\
         {head}\\midrule\n{body}\\bottomrule\n\\end{{tabular}}}}\n\\end{{center}}\n"
    )
}

/// A cell that may be broken within its mathematics: TeX breaks behind a comma only where it is told that it may.
fn breakable(cell: &Text) -> String {
    let pieces = cell.0.iter().map(|piece| match piece {
        Inline::Math(math) => {
            let latex = math.latex();
            match latex.contains("\\text") {
                true => format!("${latex}$"),
                false => format!("${}$", latex.replace(", ", ",\\allowbreak ")),
            }
        }
        Inline::Plain(_) | Inline::Emphasis(_) | Inline::Strong(_) | Inline::Code(_) => {
            inline(&Text(vec![piece.clone()]))
        }
    });
    pieces.collect()
}
