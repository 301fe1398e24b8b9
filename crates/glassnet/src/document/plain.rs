//! The words of a document in one run, without any setting: for searching and for tests. `report` renders.

use super::{Block, Document, Inline, Text};
use std::fmt;

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in &self.0 {
            match piece {
                Inline::Plain(words)
                | Inline::Emphasis(words)
                | Inline::Strong(words)
                | Inline::Code(words) => f.write_str(words)?,
                Inline::Math(math) => write!(f, "{math}")?,
            }
        }
        Ok(())
    }
}

impl Document {
    /// All that there is to read, a paragraph per block.
    pub fn plain(&self) -> String {
        let mut parts = vec![];
        if !self.title.is_empty() {
            parts.push(self.title.to_string());
        }
        self.blocks.iter().for_each(|block| collect(block, &mut parts));
        parts.join("\n\n") + "\n"
    }
}

fn collect(block: &Block, parts: &mut Vec<String>) {
    match block {
        Block::Heading(_, text) | Block::Paragraph(text) => parts.push(text.to_string()),
        Block::List { items, .. } => {
            items.iter().flatten().for_each(|block| collect(block, parts));
        }
        Block::Formula(math) => parts.push(math.to_string()),
        Block::Steps(steps) => {
            let mut lines = vec![steps.start.to_string()];
            for step in &steps.steps {
                let relation = crate::formula::Math::Operator(step.relation);
                lines.push(format!("{relation}{}  {}", step.value, step.label).trim_end().into());
            }
            parts.push(lines.join("\n"));
        }
        Block::Table(table) => {
            let head: Vec<String> = table.columns.iter().map(|c| c.head.to_string()).collect();
            let mut lines = vec![head.join(" | ")];
            for row in &table.rows {
                let cells: Vec<String> = row.iter().map(Text::to_string).collect();
                lines.push(cells.join(" | "));
            }
            parts.push(lines.join("\n"));
        }
        Block::Figure(figure) => parts.push(figure.alternative.clone()),
        Block::Code { text, .. } => parts.push(text.clone()),
        Block::Note(kind, blocks) => {
            parts.push(format!("{}:", kind.word()));
            blocks.iter().for_each(|block| collect(block, parts));
        }
    }
}
