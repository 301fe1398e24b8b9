//! Columns of codes: slices, look-ups, and all side by side again.

use super::{Lowering, look_up};
use crate::error::{Error, Result};
use crate::graph::op::Layout;
use crate::graph::{Builder, Dim, NodeId, Shape};
use crate::nn::embed_columns::{ColumnPiece, EmbedColumns};

pub(super) fn lower(
    columns: &EmbedColumns,
    builder: &mut Builder,
    x: NodeId,
    context: &Lowering,
) -> Result<NodeId> {
    let found = builder.type_of(x).clone();
    let (Some((&Dim::Fixed(width), before)), true) =
        (found.shape.dims().split_last(), found.dtype.is_float())
    else {
        return Err(Error::network(format!("the input is {found}, expected rows of floats"))
            .help("let the layer take the rows of a table"));
    };
    let Some(pieces) = columns.pieces(width) else {
        let last = columns.tables.iter().map(|(column, _)| *column).max().unwrap_or(0);
        return Err(Error::network(format!(
            "the input has {width} columns, column {last} (counted from 0) is to be looked up"
        ))
        .help("give it wider rows, or look up another column"));
    };
    let axis = before.len();
    let slice = |builder: &mut Builder, start: usize, end: usize| {
        if (start, end) == (0, width) {
            return Ok(x);
        }
        builder.layout(Layout::Slice { axis, start, end }, &[x])
    };
    let mut parts = vec![];
    for piece in pieces {
        parts.push(match piece {
            ColumnPiece::Numbers(from, to) => slice(builder, from, to)?,
            ColumnPiece::Codes(column, table) => {
                let codes = slice(builder, column, column + 1)?;
                let codes = builder.reshape(codes, Shape::from(before.to_vec()))?;
                look_up(table, &format!("{column}.weight"), builder, codes, context)?
            }
        });
    }
    match parts[..] {
        [one] => Ok(one),
        _ => builder.layout(Layout::Concat { axis }, &parts), // not operations: several pieces
    }
}
