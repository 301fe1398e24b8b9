//! What a verb found, before it is printed: as a document, as JSON, and as the lines that a terminal shows.

use glassnet::Result;
use glassnet::document::Document;
use serde_json::Value;

use crate::answer::{Answer, printed};
use crate::terminal::Terminal;

/// What a verb found.
pub(crate) struct Said {
    pub(crate) answer: Answer,
    /// What a terminal shows instead of the document.
    lines: Option<Vec<String>>,
    /// The exit status.
    status: u8,
}

impl Said {
    /// What is said line by line.
    pub(crate) fn lines(lines: Vec<String>, json: Value, status: u8) -> Self {
        let answer = Answer { document: of_lines(&lines), json };
        Said { answer, lines: Some(lines), status }
    }

    /// What is said by a document.
    pub(crate) fn document(document: Document, json: Value, status: u8) -> Self {
        Said { answer: Answer { document, json }, lines: None, status }
    }

    /// The same with another exit status, where there is one.
    pub(crate) fn or_status(self, status: Option<u8>) -> Self {
        Said { status: status.unwrap_or(self.status), ..self }
    }

    /// Prints it, and gives the exit status.
    pub(crate) fn tell(&self, terminal: &mut Terminal) -> Result<u8> {
        match &self.lines {
            Some(lines) if terminal.is_text() => {
                lines.iter().try_for_each(|line| terminal.line(line))?;
            }
            Some(_) | None => terminal.present(&self.answer.document, Some(&self.answer.json))?,
        }
        Ok(self.status)
    }
}

/// Lines as a document: the first is its title.
pub(crate) fn of_lines(lines: &[String]) -> Document {
    let Some((first, rest)) = lines.split_first() else { return Document::default() };
    // What stands in columns keeps its places.
    if rest.iter().any(|line| line.trim().contains("  ")) {
        return printed(&lines.join("\n"));
    }
    let mut document = Document::new(first.clone());
    rest.iter().for_each(|line| document.say(line.trim().to_owned()));
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_title_unless_there_are_columns() {
        let lines =
            |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect::<Vec<_>>();
        let document = of_lines(&lines(&["holds", "  for every input"]));
        assert_eq!(document.title.to_string(), "holds");
        assert_eq!(of_lines(&lines(&["a", "x   1", "y   2"])), printed("a\nx   1\ny   2"));
        assert_eq!(of_lines(&[]), Document::default());
    }
}
