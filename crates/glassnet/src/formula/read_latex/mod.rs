//! Reading LaTeX mathematics: the part of it that lesson sources use between dollar signs.
//!
//! ```text
//! row    = item*                         operators, or operands with what is raised and lowered beside them
//! item   = operator | operand script*
//! script = "^" argument | "_" argument | "'"
//! operand = number | letter | "\alpha" | "\frac" group group | "\sqrt" group | "\text{…}" | "\sum" | fences | …
//! argument = "{" row "}" | one token
//! ```
//!
//! What is read means what is set: [`Math::latex`] of the result is set as the source is, apart from spaces.

mod command;
mod environment;
mod fence;
mod text;
mod token;

#[cfg(test)]
mod tests;

use super::expression::Relation;
use super::fault::fault;
use super::math::{Math, Operator};
use super::parse::MAX_BYTES;
use crate::error::{Error, ErrorKind, Result};
use token::{Token, Word, tokens};

/// Groups and fences nested deeper are refused.
const MAX_NESTING: usize = 100;

impl Math {
    /// The mathematics written in `text`, as LaTeX without dollar signs.
    ///
    /// Read are letters, numbers, `^ _ { }`, primes, `\frac`, `\sqrt`, Greek letters, `\hat` and the like over a
    /// letter, `\text`, `\mathrm`, `\operatorname`, the named functions (`\tanh`, `\log`, `\max`), `\sum` and `\prod`
    /// with limits, relations and arrows, `\partial`, `\infty`, `\underbrace`, brackets with and without `\left`
    /// and `\right`, matrices and `cases`. Spacing commands are read over.
    ///
    /// # Errors
    /// Usage errors with the column and a caret: unknown commands (with the nearest known one), groups and fences that
    /// don't close, and texts that are too long (64 KiB) or nested too deep (100).
    ///
    /// ```
    /// use glassnet::formula::Math;
    /// let slope = Math::parse_latex(r"\frac{\partial J}{\partial w_{1,1}^{(1)}} = 0")?;
    /// assert_eq!(slope.to_string(), "∂J/∂w₁,₁⁽¹⁾ = 0");
    /// let error = Math::parse_latex(r"\frac{1}{2").unwrap_err();
    /// assert!(error.to_string().starts_with("this '{' is not closed; column 9 of the formula"));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn parse_latex(text: &str) -> Result<Math> {
        if text.len() > MAX_BYTES {
            let what = format!("the formula has {} bytes, more than {MAX_BYTES}", text.len());
            return Err(Error::new(ErrorKind::Limit, what));
        }
        let tokens = tokens(text)?;
        let mut reader = Reader { source: text, tokens, position: 0, nesting: 0 };
        let parts = reader.row()?;
        match reader.word() {
            Word::End => Ok(gathered(parts)),
            _ => Err(reader.leftover()),
        }
    }
}

/// A row of one piece is that piece.
fn gathered(mut parts: Vec<Math>) -> Math {
    if parts.len() == 1 { parts.swap_remove(0) } else { Math::Row(parts) }
}

struct Reader<'a> {
    source: &'a str,
    tokens: Vec<Token>,
    position: usize,
    nesting: usize,
}

impl Reader<'_> {
    fn token(&self) -> &Token {
        // The last token is the end, and nothing advances over it.
        &self.tokens[self.position.min(self.tokens.len() - 1)]
    }

    fn word(&self) -> &Word {
        &self.token().word
    }

    fn advance(&mut self) {
        if *self.word() != Word::End {
            self.position += 1;
        }
    }

    fn is_mark(&self, mark: char) -> bool {
        *self.word() == Word::Mark(mark)
    }

    fn is_command(&self, name: &str) -> bool {
        matches!(self.word(), Word::Command(own) if own == name)
    }

    fn fault(&self, what: impl Into<String>) -> Error {
        self.fault_at(self.position, what)
    }

    fn fault_at(&self, position: usize, what: impl Into<String>) -> Error {
        let token = &self.tokens[position.min(self.tokens.len() - 1)];
        fault(self.source, token.range.clone(), what)
    }

    fn leftover(&self) -> Error {
        let token = self.token();
        let text = &self.source[token.range.clone()];
        let help = match self.word() {
            Word::Mark('}' | ')' | ']') => "remove it, or open the bracket that it closes",
            Word::Mark('&') | Word::NewLine => "rows and cells stand between \\begin and \\end",
            _ => "remove it",
        };
        self.fault(format!("'{text}' closes or parts nothing here")).help(help)
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T>) -> Result<T> {
        if self.nesting >= MAX_NESTING {
            let help = format!("at most {MAX_NESTING} groups and brackets stand within each other");
            return Err(self.fault("the formula is nested too deep").help(help));
        }
        self.nesting += 1;
        let result = read(self);
        self.nesting -= 1;
        result
    }

    /// Items up to what closes the row: a bracket, a cell's end, `\right`, `\end`, the text's end.
    fn row(&mut self) -> Result<Vec<Math>> {
        let mut row: Vec<Math> = vec![];
        loop {
            match self.word() {
                Word::End | Word::NewLine | Word::Mark('}' | ')' | ']' | '&') => break,
                Word::Command(name)
                    if matches!(name.as_str(), "right" | "end" | "}" | "rvert" | "rVert") =>
                {
                    break;
                }
                Word::Mark('|') if self.closes_bars() => break,
                Word::Command(name) if name == "|" && self.closes_bars() => break,
                Word::Space => self.advance(),
                _ => self.item(&mut row)?,
            }
        }
        Ok(row)
    }

    /// An item and what is raised and lowered beside it.
    fn item(&mut self, row: &mut Vec<Math>) -> Result<()> {
        if let Some(operator) = self.operator(row) {
            row.push(Math::Operator(operator));
            return self.operator_scripts(row);
        }
        let start = self.position;
        let piece = self.operand()?;
        let piece = self.scripts(piece, start)?;
        if needs_beside(row.last(), &piece) {
            row.push(Math::Operator(Operator::Beside));
        }
        let function = takes_argument(&piece);
        row.push(piece);
        if function {
            row.push(Math::Apply);
        }
        Ok(())
    }

    /// The operator that stands here, read over.
    fn operator(&mut self, row: &[Math]) -> Option<Operator> {
        let operator = match self.word() {
            Word::Mark('+') => Operator::Plus,
            Word::Mark('-' | '−') if is_sign_place(row) => Operator::Sign,
            Word::Mark('-' | '−') => Operator::Minus,
            Word::Mark('=') => Operator::Equals,
            Word::Mark('<') => Operator::Relation(Relation::Less),
            Word::Mark('>') => Operator::Relation(Relation::Greater),
            Word::Mark(',') => Operator::Comma,
            Word::Mark(':') if matches!(self.tokens.get(self.position + 1), Some(next) if next.word == Word::Mark('=')) =>
            {
                self.advance();
                Operator::Defined
            }
            Word::Command(name) => command::operator(name)?,
            _ => return None,
        };
        self.advance();
        Some(operator)
    }

    /// ∂² and the like.
    fn operator_scripts(&mut self, row: &mut Vec<Math>) -> Result<()> {
        while *self.word() == Word::Space {
            self.advance();
        }
        if !self.is_mark('^') && !self.is_mark('_') {
            return Ok(());
        }
        match row.pop() {
            Some(
                base @ Math::Operator(
                    Operator::Partial | Operator::Differential | Operator::Infinity,
                ),
            ) => {
                let start = self.position;
                let piece = self.scripts(base, start)?;
                row.push(piece);
                Ok(())
            }
            _ => {
                let text = &self.source[self.token().range.clone()];
                Err(self.fault(format!("nothing stands before this '{text}'")).help("write {}^…"))
            }
        }
    }

    /// The piece with its indices and primes.
    fn scripts(&mut self, base: Math, start: usize) -> Result<Math> {
        let (mut lower, mut upper, mut primes) = (None, None, 0);
        loop {
            let mark = match self.word() {
                Word::Mark(mark @ ('^' | '_' | '\'')) => *mark,
                Word::Space => {
                    // Spaces before an index are read over, others part nothing either.
                    self.advance();
                    continue;
                }
                _ => break,
            };
            let place = self.position;
            self.advance();
            let slot = match mark {
                '\'' => {
                    primes += 1;
                    continue;
                }
                '^' => &mut upper,
                _ => &mut lower,
            };
            if slot.is_some() {
                let which = if mark == '^' { "upper" } else { "lower" };
                return Err(self
                    .fault_at(place, format!("a second {which} index"))
                    .help("put the first into braces, or both into one index"));
            }
            *slot = Some(self.argument()?);
        }
        if primes > 0 {
            let mut marks = vec![Math::Name("′".into(), None); primes];
            match upper.take() {
                Some(Math::Row(parts)) => marks.extend(parts),
                other => marks.extend(other),
            }
            upper = Some(gathered(marks));
        }
        command::attach(base, lower, upper).map_err(|what| self.fault_at(start, what))
    }

    /// What stands in braces, or one token.
    fn argument(&mut self) -> Result<Math> {
        while *self.word() == Word::Space {
            self.advance();
        }
        match self.word() {
            Word::Mark('{') => self.group(),
            Word::Mark(digit) if digit.is_ascii_digit() => {
                let digit = digit.to_string();
                self.advance();
                Ok(Math::Number(digit))
            }
            Word::Mark('*') => {
                self.advance();
                Ok(Math::Name("*".into(), None))
            }
            Word::Mark(sign @ ('+' | '-' | '−')) => {
                let sign = if *sign == '+' { Operator::Plus } else { Operator::Sign };
                self.advance();
                Ok(Math::Operator(sign))
            }
            Word::Command(name) => match command::operator(name) {
                Some(operator) => {
                    self.advance();
                    Ok(Math::Operator(operator))
                }
                None => self.deeper(Self::operand),
            },
            Word::End | Word::NewLine | Word::Mark('}' | ')' | ']' | '&' | '^' | '_') => {
                Err(self.fault("an argument was expected here").help("write it in braces: {…}"))
            }
            Word::Mark(_) | Word::Space => self.deeper(Self::operand),
        }
    }

    /// A row in braces.
    fn group(&mut self) -> Result<Math> {
        let open = self.position;
        self.advance();
        let parts = self.deeper(Self::row)?;
        if !self.is_mark('}') {
            return Err(match self.word() {
                Word::End => self.fault_at(open, "this '{' is not closed").help("add a '}'"),
                _ => self.leftover(),
            });
        }
        self.advance();
        Ok(gathered(parts))
    }

    /// The braces that must follow a command, with mathematics.
    fn braces(&mut self) -> Result<Math> {
        self.argument()
    }

    fn operand(&mut self) -> Result<Math> {
        match self.word().clone() {
            Word::Mark('{') => self.group(),
            Word::Mark(open @ ('(' | '[')) => self.fence(open),
            Word::Mark('|') => self.bars(),
            Word::Mark(digit) if digit.is_ascii_digit() => Ok(self.number()),
            Word::Mark('.') if self.digit_follows() => Ok(self.number()),
            Word::Mark(mark @ ('.' | '!' | '?' | ';' | ':' | '/')) => {
                self.advance();
                Ok(Math::Text(mark.to_string()))
            }
            // An optimum's star stands alone in its index.
            Word::Mark('*') if self.is_alone() => {
                self.advance();
                Ok(Math::Name("*".into(), None))
            }
            Word::Mark('*') => {
                Err(self.fault("a '*' is no sign of multiplication here").help("write \\cdot"))
            }
            Word::Mark(letter) if letter.is_alphabetic() => {
                self.advance();
                Ok(self.letter(letter))
            }
            Word::Mark(mark @ ('^' | '_' | '\'')) => Err(self
                .fault(format!("nothing stands before this '{mark}'"))
                .help(format!("write {{}}{mark}…, or what it belongs to"))),
            Word::Mark('$') => {
                let help = "give what stands between the dollar signs";
                Err(self.fault("a dollar sign within mathematics").help(help))
            }
            Word::Mark(mark) => {
                let help = "write words in \\text{…}, and signs as commands";
                Err(self.fault(format!("'{mark}' is not read in formulas")).help(help))
            }
            Word::Command(name) => self.command(&name),
            Word::Space | Word::NewLine | Word::End => {
                Err(self.fault("a piece of mathematics was expected here"))
            }
        }
    }

    /// True if the word here is all that its braces hold.
    fn is_alone(&self) -> bool {
        let word = |i: Option<usize>| i.and_then(|i| self.tokens.get(i)).map(|token| &token.word);
        word(self.position.checked_sub(1)) == Some(&Word::Mark('{'))
            && word(Some(self.position + 1)) == Some(&Word::Mark('}'))
    }

    fn digit_follows(&self) -> bool {
        matches!(self.tokens.get(self.position + 1), Some(Token { word: Word::Mark(c), .. }) if c.is_ascii_digit())
    }

    fn number(&mut self) -> Math {
        let mut digits = String::new();
        let mut point = false;
        while let Word::Mark(mark) = *self.word() {
            if mark == '.' && (point || !self.digit_follows())
                || mark != '.' && !mark.is_ascii_digit()
            {
                break;
            }
            point |= mark == '.';
            digits.push(mark);
            self.advance();
        }
        Math::Number(digits)
    }

    /// A letter; a combining mark behind it belongs to it.
    fn letter(&mut self, letter: char) -> Math {
        let mut name = letter.to_string();
        if let Word::Mark(mark @ '\u{300}'..='\u{36f}') = *self.word() {
            name.push(mark);
            self.advance();
        }
        if name == "π" { Math::Pi } else { Math::Name(name, None) }
    }
}

/// A minus here belongs to what follows it: nothing, an opening or an operator stands before.
fn is_sign_place(row: &[Math]) -> bool {
    match row.last() {
        None | Some(Math::Apply) => true,
        Some(Math::Operator(operator)) => !matches!(
            operator,
            Operator::Infinity | Operator::Dots | Operator::Transposed | Operator::Partial
        ),
        Some(_) => false,
    }
}

/// True for `\tanh` and its kin, which an argument follows.
fn takes_argument(piece: &Math) -> bool {
    match piece {
        Math::Function(..) => true,
        Math::Raised(base, _) | Math::Lowered(base, _) => takes_argument(base),
        _ => false,
    }
}

/// True if two pieces are a product that has no sign.
fn needs_beside(before: Option<&Math>, piece: &Math) -> bool {
    match (before, piece) {
        (None | Some(Math::Operator(_) | Math::Apply | Math::Big(..) | Math::Text(_)), _) => false,
        (_, Math::Text(_)) => false,
        // J(w) may be a function's value.
        (Some(Math::Name(..) | Math::Raised(..) | Math::Lowered(..)), Math::Fence(..)) => false,
        (Some(_), _) => true,
    }
}
