//! Tables.

use super::Text;

/// Rows under a header.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// What the table shows; may be empty.
    pub caption: Text,
    /// The columns, from left to right.
    pub columns: Vec<Column>,
    /// The rows, with a cell per column.
    pub rows: Vec<Vec<Text>>,
}

/// A column's head.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name.
    pub head: Text,
    /// Where its cells stand.
    pub align: Align,
}

/// Where a cell's text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Align {
    /// At the left: words.
    Left,
    /// At the right: numbers.
    Right,
}

impl Column {
    /// A column of words.
    pub fn words(head: impl Into<Text>) -> Column {
        Column { head: head.into(), align: Align::Left }
    }

    /// A column of numbers.
    pub fn numbers(head: impl Into<Text>) -> Column {
        Column { head: head.into(), align: Align::Right }
    }
}

impl Table {
    /// A table without rows.
    pub fn new(columns: impl IntoIterator<Item = Column>) -> Table {
        Table { caption: Text::default(), columns: columns.into_iter().collect(), rows: vec![] }
    }

    /// Appends a row; missing cells are empty.
    ///
    /// # Panics
    /// When there are more cells than columns: that is the caller's mistake.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Text>) {
        let mut cells: Vec<Text> = cells.into_iter().collect();
        assert!(cells.len() <= self.columns.len(), "a table's row has a cell per column");
        cells.resize(self.columns.len(), Text::default());
        self.rows.push(cells);
    }
}
