//! A document as data, for programs.
//!
//! # The schema `glassnet.document/1`
//!
//! The document is `{"schema": "glassnet.document/1", "title": TEXT, "blocks": [BLOCK…]}`.
//!
//! **TEXT** is a list of pieces, each with one key: `{"plain": "…"}`, `{"emphasis": "…"}`, `{"strong": "…"}`,
//! `{"code": "…"}` (a name from a program or file) or `{"math": MATH}`.
//!
//! **MATH** is `{"text": "…", "latex": "…"}`: the same formula as one line of Unicode text, and as LaTeX (amsmath)
//! without dollar signs.
//!
//! **BLOCK** has a `"kind"`:
//!
//! | kind | fields |
//! |---|---|
//! | `heading` | `level` (2 to 4), `text`: TEXT |
//! | `paragraph` | `text`: TEXT |
//! | `list` | `ordered`: boolean, `items`: a list of lists of BLOCK |
//! | `formula` | `math`: MATH |
//! | `steps` | `start`: MATH, `steps`: `{"relation", "math", "label": TEXT, "check"}` each; `relation` is a sign such as `=` or `≈`, `check` is `exact`, `numeric`, `wrong` or null |
//! | `table` | `caption`: TEXT, `columns`: `{"head": TEXT, "align": "left"` or `"right"}`, `rows`: lists of TEXT |
//! | `figure` | `caption`: TEXT, `alternative`: what there is to see, in a sentence, `plot`: PLOT |
//! | `code` | `language`: a word or null, `text` |
//! | `note` | `note`: `remark`, `convention`, `warning`, `not proven` or `omitted`, `blocks`: a list of BLOCK |
//!
//! **PLOT** is `{"x": AXIS, "y": AXIS, "series": [SERIES…], "marks": [MARK…]}`; **AXIS** is `{"label": TEXT, "range":
//! [low, high]` or null`, "scale": "linear"` or `"logarithmic"}`; **SERIES** is `{"name": TEXT, "style": "line"`,
//! `"dashed"` or `"points", "points": [[x, y]…]}`; **MARK** is `{"at": [x, y], "label": TEXT}`. Numbers that are not
//! finite are null.

use crate::document::{
    Align, Axis, Block, Check, Document, Inline, NoteKind, Plot, Scale, Series, Steps, Style,
    Table, Text,
};
use crate::formula::Math;
use serde_json::{Value, json};

/// The document as JSON text.
pub(super) fn render(document: &Document) -> String {
    // Alternate formatting of a value is indented, and cannot fail.
    format!("{:#}\n", value(document))
}

fn value(document: &Document) -> Value {
    json!({
        "schema": "glassnet.document/1",
        "title": text(&document.title),
        "blocks": blocks(&document.blocks),
    })
}

fn blocks(all: &[Block]) -> Value {
    all.iter().map(block).collect()
}

fn block(block: &Block) -> Value {
    match block {
        Block::Heading(level, words) => {
            json!({"kind": "heading", "level": (*level).clamp(2, 4), "text": text(words)})
        }
        Block::Paragraph(words) => json!({"kind": "paragraph", "text": text(words)}),
        Block::List { ordered, items } => {
            let items: Vec<Value> = items.iter().map(|item| blocks(item)).collect();
            json!({"kind": "list", "ordered": ordered, "items": items})
        }
        Block::Formula(formula) => json!({"kind": "formula", "math": math(formula)}),
        Block::Steps(lines) => steps(lines),
        Block::Table(cells) => table(cells),
        Block::Figure(figure) => json!({
            "kind": "figure",
            "caption": text(&figure.caption),
            "alternative": figure.alternative,
            "plot": plot(&figure.plot),
        }),
        Block::Code { language, text } => {
            json!({"kind": "code", "language": language, "text": text})
        }
        Block::Note(kind, inner) => {
            let name = match kind {
                NoteKind::Remark => "remark",
                NoteKind::Convention => "convention",
                NoteKind::Warning => "warning",
                NoteKind::NotProven => "not proven",
                NoteKind::Omitted => "omitted",
            };
            json!({"kind": "note", "note": name, "blocks": blocks(inner)})
        }
    }
}

fn text(text: &Text) -> Value {
    text.0
        .iter()
        .map(|piece| match piece {
            Inline::Plain(words) => json!({"plain": words}),
            Inline::Emphasis(words) => json!({"emphasis": words}),
            Inline::Strong(words) => json!({"strong": words}),
            Inline::Code(words) => json!({"code": words}),
            Inline::Math(formula) => json!({"math": math(formula)}),
        })
        .collect()
}

fn math(math: &Math) -> Value {
    json!({"text": math.to_string(), "latex": math.latex()})
}

fn steps(steps: &Steps) -> Value {
    let lines: Vec<Value> = steps
        .steps
        .iter()
        .map(|step| {
            let check = step.check.map(|check| match check {
                Check::Exact => "exact",
                Check::Numeric => "numeric",
                Check::Wrong => "wrong",
            });
            json!({
                "relation": Math::Operator(step.relation).to_string().trim(),
                "math": math(&step.value),
                "label": text(&step.label),
                "check": check,
            })
        })
        .collect();
    json!({"kind": "steps", "start": math(&steps.start), "steps": lines})
}

fn table(table: &Table) -> Value {
    let columns: Vec<Value> = table
        .columns
        .iter()
        .map(|column| {
            let align = match column.align {
                Align::Left => "left",
                Align::Right => "right",
            };
            json!({"head": text(&column.head), "align": align})
        })
        .collect();
    let rows: Vec<Value> = table.rows.iter().map(|row| row.iter().map(text).collect()).collect();
    json!({"kind": "table", "caption": text(&table.caption), "columns": columns, "rows": rows})
}

fn plot(plot: &Plot) -> Value {
    let marks: Vec<Value> = plot
        .marks
        .iter()
        .map(|mark| json!({"at": pair(mark.at), "label": text(&mark.label)}))
        .collect();
    let series: Vec<Value> = plot.series.iter().map(one_series).collect();
    json!({"x": axis(&plot.x), "y": axis(&plot.y), "series": series, "marks": marks})
}

fn axis(axis: &Axis) -> Value {
    let scale = match axis.scale {
        Scale::Linear => "linear",
        Scale::Logarithmic => "logarithmic",
    };
    json!({"label": text(&axis.label), "range": axis.range.map(pair), "scale": scale})
}

fn one_series(series: &Series) -> Value {
    let style = match series.style {
        Style::Line => "line",
        Style::Dashed => "dashed",
        Style::Points => "points",
    };
    let points: Vec<Value> = series.points.iter().map(|point| pair(*point)).collect();
    json!({"name": text(&series.name), "style": style, "points": points})
}

/// Two numbers; one that is not finite becomes null.
fn pair((x, y): (f64, f64)) -> Value {
    json!([x, y])
}
