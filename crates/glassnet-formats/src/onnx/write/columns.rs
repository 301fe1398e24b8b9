//! Columns of codes among columns of numbers: slices, look-ups, and all side by side again.

use glassnet::nn::{ColumnPiece, EmbedColumns};
use glassnet::{Error, Result};

use super::Writer;
use super::nodes::int;
use crate::onnx::element::Element;

impl Writer<'_> {
    /// `Gather` of the column, `Cast` to whole numbers and `Gather` of the table's rows, for each column of codes.
    pub(super) fn embed_columns(
        &mut self,
        path: &str,
        columns: &EmbedColumns,
        x: &str,
    ) -> Result<String> {
        let given = self.given(path)?;
        let (axis, width) = (given.rank().saturating_sub(1), given.at(1).last().copied());
        let pieces = width.and_then(|width| columns.pieces(width));
        let pieces = pieces.ok_or_else(|| Error::network("a column is beyond the row"))?;
        if columns.tables.is_empty() {
            return Ok(x.to_owned());
        }
        let mut parts = vec![];
        for piece in pieces {
            parts.push(match piece {
                ColumnPiece::Numbers(from, to) => {
                    let [start, end, axes] =
                        [from, to, axis].map(|number| self.nodes.list(path, &[number as i64]));
                    self.nodes.push(path, "Slice", &[x, &start, &end, &axes], vec![])
                }
                ColumnPiece::Codes(column, _) => {
                    let at = self.nodes.whole(path, column as i64);
                    let attributes = vec![int("axis", axis as i64)];
                    let code = self.nodes.push(path, "Gather", &[x, &at], attributes);
                    let to = vec![int("to", i64::from(Element::I64.code()))];
                    let code = self.nodes.push(path, "Cast", &[&code], to);
                    let table = self.array(path, &format!("{column}.weight"))?;
                    self.nodes.push(path, "Gather", &[&table, &code], vec![int("axis", 0)])
                }
            });
        }
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        Ok(match parts[..] {
            [one] => one.to_owned(),
            _ => self.nodes.push(path, "Concat", &parts, vec![int("axis", axis as i64)]), // not operations: several pieces
        })
    }
}
