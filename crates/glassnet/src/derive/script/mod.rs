//! A student's lines: a derivation as it is written, in plain text or LaTeX, read into formulas.
//!
//! Read are chains of equations, a step per line or several on one, with labels behind two spaces, a tab, `#`,
//! `%`, `//`, `&&`, `\text{…}` or `(by …)`; derivatives as `d/dz (…)`, `f'(z)`, `\frac{\partial}{\partial z}`,
//! `(…)'`; definitions as `f(z) = …` and `u = …`. Within a page of LaTeX or Markdown only displayed mathematics
//! counts. Readings that others might not share are told in [`Lines::notes`].

mod calls;
pub(crate) mod cases;
mod names;
mod parse;
mod powers;
mod rows;
mod slopes;
mod source;
mod statements;
mod token;

#[cfg(test)]
mod tests;

use crate::error::{Error, ErrorKind, Result};
use crate::formula::{Expression, MAX_BYTES};
use parse::{Names, Parser};
use rows::Row;
use source::Source;
use statements::{Side, joined, sides, statements, variable_of, without_cells};
use std::ops::Range;
use token::{Token, Word};

/// Longer files are refused.
pub const MAX_FILE_BYTES: usize = 1 << 20;
/// Files with more formulas are refused.
pub const MAX_LINES: usize = 2_000;

/// How lines are read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What errors call the file.
    pub name: String,
    /// The formula that the lines derive, if it is not in the file: what `f'(z)` is about.
    pub formula: Option<Expression>,
    /// The variable of the derivatives, if the file does not tell.
    pub variable: Option<String>,
}

impl Default for Reading {
    fn default() -> Self {
        Reading { name: "lines".into(), formula: None, variable: None }
    }
}

/// A file's lines, in order.
#[derive(Clone, Debug, PartialEq)]
pub struct Lines {
    /// The formulas, from top to bottom.
    pub lines: Vec<Line>,
    /// The labels, each of a row.
    pub labels: Vec<Label>,
    /// Readings that were chosen, each with the file's line; see [`Lines::told`].
    pub notes: Vec<(usize, String)>,
    /// The variable of the derivatives.
    pub variable: String,
}

impl Lines {
    /// The notes with all the lines that they are about, each note once.
    pub fn told(&self) -> Vec<(Vec<usize>, &str)> {
        let mut found: Vec<(Vec<usize>, &str)> = vec![];
        for (line, note) in &self.notes {
            match found.iter_mut().find(|(_, own)| own == note) {
                Some((lines, _)) => lines.push(*line),
                None => found.push((vec![*line], note)),
            }
        }
        found
    }
}

/// A formula of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// The file's line, counted from 1.
    pub number: usize,
    /// The column, counted from 1.
    pub column: usize,
    /// Which row it stands in; several formulas of one row have the same.
    pub row: usize,
    /// The formula as it is written.
    pub text: String,
    /// Its value, with derivatives worked out and definitions put in.
    pub value: Expression,
    /// The derivative that it names without working it out: `d/dz (…)`.
    pub unevaluated: Option<Slope>,
    /// The name to which it gives a meaning, where it is a definition.
    pub defines: Option<Defined>,
    /// What it is in the chain.
    pub role: Role,
    /// Written behind ≈ instead of =.
    pub approximate: bool,
}

/// A name that the file itself defines: `y = …`, `f(z) = …`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Defined {
    /// The name.
    pub name: String,
    /// The variable in brackets behind it, which is the file's.
    pub of: Option<String>,
}

/// A derivative that is named.
#[derive(Clone, Debug, PartialEq)]
pub struct Slope {
    /// What is derived.
    pub of: Expression,
    /// How often.
    pub order: usize,
}

/// What a formula is in its chain of equations.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The left side that a chain begins with.
    Begin,
    /// `= …`: equal to the formula before.
    Next,
    /// The meaning that the file gives to a name; true by itself.
    Definition,
}

/// Words beside a row.
#[derive(Clone, Debug, PartialEq)]
pub struct Label {
    /// The row.
    pub row: usize,
    /// The words.
    pub words: String,
    /// The file's line, counted from 1.
    pub number: usize,
    /// The column, counted from 1.
    pub column: usize,
}

/// Reads a file of lines.
///
/// # Errors
/// Usage errors with the place `name:line:column` and carets: what is no formula, names that nothing defines,
/// files beyond [`MAX_FILE_BYTES`] or [`MAX_LINES`], formulas beyond the limits of [`parse`](crate::formula::parse()).
///
/// ```
/// use glassnet::derive::{Reading, read_lines};
/// let text = "d/dz (e^2z - 1)/(e^2z + 1)\n= [2e^2z(e^2z+1) - (e^2z-1)2e^2z]/(e^2z+1)²   quotient rule";
/// let read = read_lines(text, &Reading::default())?;
/// assert_eq!(read.lines[1].value.to_string(),
///     "(2*e^(2*z)*(e^(2*z) + 1) - (e^(2*z) - 1)*2*e^(2*z))/(e^(2*z) + 1)^2");
/// assert_eq!(read.labels[0].words, "quotient rule");
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn read_lines(text: &str, reading: &Reading) -> Result<Lines> {
    if text.len() > MAX_FILE_BYTES {
        let what = format!("the file has {} bytes, at most {MAX_FILE_BYTES} are read", text.len());
        return Err(Error::new(ErrorKind::Usage, what).at(&*reading.name).help("give fewer lines"));
    }
    let (rows, blanked) = rows::rows(text);
    let source = Source { text: &blanked, name: &reading.name };
    let mut tokens = vec![];
    for row in &rows {
        if row.range.len() > MAX_BYTES {
            let what = format!("this row has more than {MAX_BYTES} bytes");
            return Err(source
                .fault(row.range.start..row.range.start, what)
                .help("give a shorter formula"));
        }
        tokens.push(token::tokens(&source, row.range.clone())?);
    }
    let variable = reading
        .variable
        .clone()
        .or_else(|| tokens.iter().find_map(|row| variable_of(row)))
        .or_else(|| {
            let names = reading.formula.as_ref()?.variables();
            names.iter().find(|name| ["z", "x"].contains(&name.as_str())).or(names.first()).cloned()
        })
        .unwrap_or_else(|| "z".into());
    let names = Names { variable, ..Names::default() };
    let mut reader = Reader { source, reading, names, lines: vec![], notes: vec![] };
    for (row, tokens) in joined(&rows, tokens) {
        reader.row(row, &rows[row], &tokens)?;
    }
    let Reader { lines, notes, names, .. } = reader;
    if lines.is_empty() {
        return Err(Error::usage("there is no line to read")
            .at(&*reading.name)
            .help("write d/dz (…) on the first line, then '= …' on each"));
    }
    let labels = rows
        .iter()
        .enumerate()
        .filter_map(|(row, read)| {
            let (words, at) = read.label.clone()?;
            let (number, column) = source.place(at);
            Some(Label { row, words, number, column })
        })
        .collect();
    Ok(Lines { lines, labels, notes, variable: names.variable })
}

struct Reader<'a> {
    source: Source<'a>,
    reading: &'a Reading,
    names: Names,
    lines: Vec<Line>,
    notes: Vec<(usize, String)>,
}

impl Reader<'_> {
    fn row(&mut self, row: usize, read: &Row, tokens: &[Token]) -> Result<()> {
        let tokens: Vec<Token> =
            tokens.iter().filter(|token| token.word != Word::End).cloned().collect();
        for statement in statements(&tokens) {
            self.statement(row, read, statement)?;
        }
        Ok(())
    }

    fn statement(&mut self, row: usize, read: &Row, tokens: &[Token]) -> Result<()> {
        let tokens: Vec<Token> = without_cells(tokens);
        if tokens.is_empty() {
            return Ok(());
        }
        let sides = sides(&tokens);
        let (first, rest) = match sides.split_first() {
            Some((first, rest)) if first.tokens.is_empty() && !rest.is_empty() => (None, rest),
            Some((first, rest)) => (Some(first), rest),
            None => return Ok(()),
        };
        let continues = first.is_none();
        if continues && self.lines.is_empty() && self.reading.formula.is_none() {
            let range = tokens[0].range.clone();
            return Err(self
                .source
                .fault(range, "the first line begins with '=' and nothing stands before it")
                .help("write d/dz (…) above it, or give the formula beside the file"));
        }
        let mut skip = 0;
        if let Some(first) = first {
            match self.begin(row, read, first, rest) {
                Ok(used) => skip = used,
                Err(_) if rest.is_empty() && !read.latex && self.is_prose(first.tokens) => {
                    let (number, _) = self.source.place(first.tokens[0].range.start);
                    self.notes.push((number, "this line has no '=' and is taken as words".into()));
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
        for side in &rest[skip..] {
            self.push(row, read, side, Role::Next, false)?;
        }
        Ok(())
    }

    /// True for a line of words: two or more, one of them no name, and no operator or bracket.
    fn is_prose(&self, tokens: &[Token]) -> bool {
        let words = tokens.iter().filter_map(|token| match &token.word {
            Word::Name(name) if name.chars().count() >= 2 => Some(name),
            _ => None,
        });
        let strange =
            |name: &&String| name.chars().count() >= 3 && names::function_name(name).is_none();
        let plain = tokens.iter().all(|token| {
            matches!(
                token.word,
                Word::Name(_) | Word::Number(_) | Word::Mark('.' | ',' | ':' | ';' | '\'')
            )
        });
        plain && words.clone().count() >= 2 && words.clone().any(|name| strange(&name))
    }

    /// Reads the left side that a chain begins with, and what it defines; how many of `rest` that used up.
    fn begin(&mut self, row: usize, read: &Row, left: &Side, rest: &[Side]) -> Result<usize> {
        if let Some((name, variable)) = self.defined_function(left.tokens)
            && let Some(side) = rest.first()
        {
            let outer = std::mem::replace(&mut self.names.variable, variable.clone());
            let outcome = self.push(row, read, side, Role::Definition, false);
            self.names.variable = outer;
            outcome?;
            if let Some(line) = self.lines.last_mut() {
                let of = Some(self.names.variable.clone());
                line.defines = Some(Defined { name: name.clone(), of });
                self.names.functions.insert(name, (variable.clone(), line.value.clone()));
                // Lines that follow compare with it in the variable of the file.
                let own = Expression::variable(self.names.variable.clone());
                line.value = line.value.substitute(&variable, &own);
            }
            return Ok(1);
        }
        if let Some(name) = self.defined_symbol(left.tokens)
            && let Some(side) = rest.first()
        {
            self.push(row, read, side, Role::Definition, false)?;
            if let Some(line) = self.lines.last_mut() {
                line.defines = Some(Defined { name: name.clone(), of: None });
                if line.value.contains(&name) {
                    let range = side.tokens[0].range.clone();
                    return Err(self
                        .source
                        .fault(range, format!("'{name}' is defined by itself"))
                        .help("define it by what stands above"));
                }
                self.names.symbols.insert(name, line.value.clone());
            }
            return Ok(1);
        }
        let mut parser = Parser::new(&self.source, &self.names, read.latex, true, left.tokens);
        let outcome = parser.side();
        let missing = parser.missing.clone();
        match (outcome, missing) {
            (Err(error), Some(name)) => {
                // What is derived: the formula given beside the file, or what the right side derives.
                let of = match (&self.reading.formula, rest.first()) {
                    (Some(formula), _) => formula.clone(),
                    (None, Some(side)) => {
                        let mut parser =
                            Parser::new(&self.source, &self.names, read.latex, false, side.tokens);
                        match (parser.side(), parser.slope) {
                            (Ok(part), Some((range, slope))) if range == part.range => slope.of,
                            _ => return Err(error),
                        }
                    }
                    (None, None) => return Err(error),
                };
                let variable = self.names.variable.clone();
                self.names.functions.insert(name, (variable, of));
            }
            (Err(error), None) => return Err(error),
            (Ok(_), _) => {}
        }
        self.push(row, read, left, Role::Begin, true)?;
        Ok(0)
    }

    /// `f(z)` with a name that nothing defines yet.
    fn defined_function(&self, tokens: &[Token]) -> Option<(String, String)> {
        let [name, open, variable, close] = tokens else { return None };
        let (Word::Name(name), Word::Name(variable)) = (&name.word, &variable.word) else {
            return None;
        };
        let called = open.word == Word::Mark('(') && close.word == Word::Mark(')');
        let known = names::function_name(name).is_some()
            || self.names.functions.contains_key(name)
            || ["max", "min", "Φ", "φ", "Phi", "phi", "e", "d"].contains(&name.as_str());
        (called && !known && calls::is_letter(variable)).then(|| (name.clone(), variable.clone()))
    }

    /// A letter that nothing defines yet.
    fn defined_symbol(&self, tokens: &[Token]) -> Option<String> {
        let [Token { word: Word::Name(name), .. }] = tokens else { return None };
        let known = names::function_name(name).is_some()
            || self.names.functions.contains_key(name)
            || self.names.symbols.contains_key(name)
            || *name == self.names.variable
            || self.reading.formula.as_ref().is_some_and(|formula| formula.contains(name))
            || ["e", "π"].contains(&name.as_str());
        (!known && calls::is_letter(name)).then(|| name.clone())
    }

    fn push(&mut self, row: usize, read: &Row, side: &Side, role: Role, left: bool) -> Result<()> {
        let Some((first, last)) = side.tokens.first().zip(side.tokens.last()) else {
            let at = self.lines.last().map_or(read.range.start, |_| read.range.end);
            return Err(self
                .source
                .fault(at..at, "a formula was expected behind the '='")
                .help("add it"));
        };
        let range: Range<usize> = first.range.start..last.range.end;
        let mut parser = Parser::new(&self.source, &self.names, read.latex, left, side.tokens);
        let part = parser.side()?;
        let unevaluated = match parser.slope.take() {
            Some((own, slope)) if own == part.range => {
                Some(Slope { of: slope.of, order: slope.order })
            }
            _ => None,
        };
        let notes = std::mem::take(&mut parser.notes);
        let (number, column) = self.source.place(range.start);
        for note in notes {
            if !self.notes.contains(&(number, note.clone())) {
                self.notes.push((number, note));
            }
        }
        if self.lines.len() >= MAX_LINES {
            return Err(self
                .source
                .fault(
                    range,
                    format!("this is formula {}, at most {MAX_LINES} are read", MAX_LINES + 1),
                )
                .help("give fewer lines"));
        }
        self.lines.push(Line {
            number,
            column,
            row,
            text: self.source.text[range].split_whitespace().collect::<Vec<_>>().join(" "),
            value: part.tree,
            unevaluated,
            defines: None,
            role,
            approximate: side.approximate,
        });
        Ok(())
    }
}
