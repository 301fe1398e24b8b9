//! Matrices and cases.

use super::super::math::{Fence, Math};
use super::{Reader, Word, gathered};
use crate::error::Result;

impl Reader<'_> {
    /// What stands between `\begin{…}` and `\end{…}`; the command has been read.
    pub(super) fn environment(&mut self, start: usize) -> Result<Math> {
        let name = self.raw()?;
        let known = ["bmatrix", "pmatrix", "matrix", "vmatrix", "Vmatrix", "smallmatrix", "cases"];
        if !known.contains(&name.as_str()) {
            let what = format!("the environment '{name}' is not read");
            return Err(self
                .fault_at(start, what)
                .help("read are bmatrix, pmatrix, matrix and cases"));
        }
        let rows = self.deeper(|reader| reader.cells(start))?;
        let end = self.position;
        self.advance();
        let closing = self.raw()?;
        if closing != name {
            let what = format!("\\begin{{{name}}} ends with \\end{{{closing}}}");
            return Err(self.fault_at(end, what).help(format!("write \\end{{{name}}}")));
        }
        match name.as_str() {
            "cases" => self.cases(rows, start),
            "vmatrix" => Ok(Math::Fence(Fence::Bars, Box::new(matrix(rows)))),
            "Vmatrix" => Ok(Math::Fence(Fence::DoubleBars, Box::new(matrix(rows)))),
            _ => Ok(matrix(rows)),
        }
    }

    fn cells(&mut self, start: usize) -> Result<Vec<Vec<Vec<Math>>>> {
        let mut rows = vec![vec![]];
        loop {
            let cell = self.row()?;
            if let Some(row) = rows.last_mut() {
                row.push(cell);
            }
            match self.word() {
                Word::Mark('&') => self.advance(),
                Word::NewLine => {
                    self.advance();
                    rows.push(vec![]);
                }
                Word::Command(name) if name == "end" => break,
                Word::End => {
                    let what = "this \\begin has no \\end";
                    return Err(self.fault_at(start, what).help("add it, within the same group"));
                }
                Word::Mark(_) | Word::Command(_) | Word::Space => return Err(self.leftover()),
            }
        }
        // A line end behind the last row begins none.
        if matches!(rows.last().map(Vec::as_slice), Some([only]) if only.is_empty())
            && rows.len() > 1
        {
            rows.pop();
        }
        Ok(rows)
    }

    fn cases(&self, rows: Vec<Vec<Vec<Math>>>, start: usize) -> Result<Math> {
        let mut cases = vec![];
        for row in rows {
            let mut cells = row.into_iter();
            let value = gathered(cells.next().unwrap_or_default());
            let condition = cells.next();
            if cells.next().is_some() {
                return Err(self.fault_at(start, "a case has a value and a condition, not more"));
            }
            cases.push((value, condition.and_then(condition_of)));
        }
        Ok(Math::Cases(cases))
    }
}

fn matrix(rows: Vec<Vec<Vec<Math>>>) -> Math {
    Math::Matrix(rows.into_iter().map(|row| row.into_iter().map(gathered).collect()).collect())
}

/// A condition without the word before it; `otherwise` is none.
fn condition_of(mut parts: Vec<Math>) -> Option<Math> {
    if let Some(Math::Text(words)) = parts.first() {
        let words = words.trim().to_lowercase();
        if matches!(words.as_str(), "otherwise" | "else") && parts.len() == 1 {
            return None;
        }
        if matches!(words.as_str(), "if" | "for" | "when") {
            parts.remove(0);
        }
    }
    (!parts.is_empty()).then(|| gathered(parts))
}
