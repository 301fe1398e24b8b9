//! Tables that some columns of the rows look up, beside columns of numbers.

use super::layer::Embedding;

/// Some columns of a row hold whole numbers, which look up a trained row of a table each; it takes the number's
/// place. The other columns stay as they are, and all keep their order.
///
/// A table of data becomes such rows where a column of many categories is a code instead of a feature for each: it
/// takes one float instead of one per category.
///
/// # Shapes
/// f32 `[…, width]` → `[…, width − tables + Σ embedding_dim]`; the arrays are those of an
/// [`Embedding`](super::Embedding) under the column's number: `2.weight` of shape `[num_embeddings, embedding_dim]`.
///
/// # Derivative
/// That of the embeddings towards their tables; codes have none.
///
/// # Errors
/// A column beyond the row when lowering; a number that is no whole one, or beyond its table, when computing.
///
/// # Source
/// Guo & Berkhahn, 'Entity Embeddings of Categorical Variables', arXiv 1604.06737. PyTorch has no such module; as one
/// of its own with the same keys and `repr` it is
///
/// ```python
/// class EmbedColumns(torch.nn.ModuleDict):
///     def forward(self, x):
///         parts = [self[str(c)](x[..., c].long()) if str(c) in self else x[..., c:c + 1] for c in range(x.shape[-1])]
///         return torch.cat(parts, -1)
/// ```
///
/// # Example
/// ```
/// use glassnet::nn;
/// let net = nn::parse("Sequential(EmbedColumns({'1': Embedding(12, 4)}), Linear(6, 3))")?;
/// assert_eq!(net.in_features(), Some(3)); // a number, a code, a number
/// assert_eq!(net.state_shapes()[0].key, "0.1.weight");
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbedColumns {
    /// The columns, counted from 0, and their tables, in the order of their weights in the state dict.
    pub tables: Vec<(usize, Embedding)>,
}

impl EmbedColumns {
    /// The columns and their tables.
    pub fn new(tables: impl IntoIterator<Item = (usize, Embedding)>) -> Self {
        EmbedColumns { tables: tables.into_iter().collect() }
    }

    /// How much longer a row becomes.
    pub fn widening(&self) -> usize {
        let longer = self.tables.iter().map(|(_, table)| table.embedding_dim.saturating_sub(1));
        longer.fold(0, usize::saturating_add)
    }

    /// A row's pieces in order: runs of columns that stay, and columns with their tables. `None` where a column is
    /// beyond the row.
    pub fn pieces(&self, width: usize) -> Option<Vec<ColumnPiece>> {
        let mut tables = self.tables.clone();
        tables.sort_by_key(|&(column, _)| column);
        let mut pieces = vec![];
        let mut from = 0;
        for (column, table) in tables {
            if column >= width {
                return None;
            }
            if from < column {
                pieces.push(ColumnPiece::Numbers(from, column));
            }
            pieces.push(ColumnPiece::Codes(column, table));
            from = column + 1;
        }
        if from < width {
            pieces.push(ColumnPiece::Numbers(from, width));
        }
        Some(pieces)
    }
}

/// Neighbouring columns of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ColumnPiece {
    /// From one column up to before another one.
    Numbers(usize, usize),
    /// A column of codes.
    Codes(usize, Embedding),
}
