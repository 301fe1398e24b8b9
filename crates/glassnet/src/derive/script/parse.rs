//! One side of an equation as a formula, from words that are plain text or LaTeX.
//!
//! ```text
//! sum     = ["-" | "+"] product (("+" | "-") product)*
//! product = factor ("*" factor | "/" factor | power)*
//! factor  = ("-" | "+") factor | power
//! power   = atom (raised | "^" exponent | "'")*
//! ```
//! [`super::powers`] reads what is raised, [`super::calls`] functions, [`super::slopes`] derivatives, [`super::cases`] cases.

use super::source::Source;
use super::token::{Token, Word};
use crate::error::{Error, Result};
use crate::formula::{Expression, Function, MAX_DEPTH, MAX_NESTING, Number, Sign, Term};
use std::collections::HashMap;
use std::ops::Range;

/// What names mean in a file.
#[derive(Clone, Debug, Default)]
pub(super) struct Names {
    /// The variable that derivatives are taken by.
    pub(super) variable: String,
    /// Functions that the file defines: their variable and formula.
    pub(super) functions: HashMap<String, (String, Expression)>,
    /// Abbreviations that the file defines.
    pub(super) symbols: HashMap<String, Expression>,
}

/// A part that was read.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) tree: Expression,
    pub(super) depth: usize,
    pub(super) range: Range<usize>,
}

/// A derivative that a side names and does not work out: `d/dz (…)`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Unevaluated {
    pub(super) of: Expression,
    pub(super) order: usize,
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) names: &'a Names,
    pub(super) latex: bool,
    pub(super) tokens: Vec<Token>,
    pub(super) next: usize,
    pub(super) nesting: usize,
    bars: Vec<bool>,
    /// Readings that were chosen and are worth telling.
    pub(super) notes: Vec<String>,
    /// The name of a function whose derivative is asked for and that nothing defines.
    pub(super) missing: Option<String>,
    /// The derivative that the last operator named, as long as nothing was joined to it.
    pub(super) slope: Option<(Range<usize>, Unevaluated)>,
    /// Whether this is a left side, where `d/dz` is about all that follows.
    pub(super) left: bool,
}

impl<'a> Parser<'a> {
    pub(super) fn new(
        source: &'a Source<'a>,
        names: &'a Names,
        latex: bool,
        left: bool,
        tokens: &[Token],
    ) -> Parser<'a> {
        let mut tokens = tokens.to_vec();
        let end = tokens.last().map_or(0, |token| token.range.end);
        tokens.push(Token { word: Word::End, range: end..end });
        Parser {
            source,
            names,
            latex,
            tokens,
            next: 0,
            nesting: 0,
            bars: vec![],
            notes: vec![],
            missing: None,
            slope: None,
            left,
        }
    }

    /// The whole side.
    pub(super) fn side(&mut self) -> Result<Part> {
        if matches!(self.word(), Word::End) {
            return Err(self.fault(self.range(), "a formula was expected here").help("add it"));
        }
        let part = self.sum()?;
        let part = self.worded_cases(part)?;
        match self.word() {
            Word::End => Ok(part),
            _ => Err(self.leftover()),
        }
    }

    pub(super) fn fault(&self, range: Range<usize>, what: impl Into<String>) -> Error {
        self.source.fault(range, what)
    }

    pub(super) fn word(&self) -> &Word {
        &self.tokens[self.next].word
    }

    pub(super) fn peek(&self, ahead: usize) -> &Word {
        self.tokens.get(self.next + ahead).map_or(&Word::End, |token| &token.word)
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.tokens[self.next].range.clone()
    }

    pub(super) fn end(&self) -> usize {
        self.next.checked_sub(1).map_or(0, |before| self.tokens[before].range.end)
    }

    pub(super) fn at(&self, mark: char) -> bool {
        *self.word() == Word::Mark(mark)
    }

    pub(super) fn advance(&mut self) {
        self.next = (self.next + 1).min(self.tokens.len() - 1);
    }

    pub(super) fn accept(&mut self, mark: char) -> bool {
        let found = self.at(mark);
        if found {
            self.advance();
        }
        found
    }

    pub(super) fn enter(&mut self) -> Result<()> {
        self.nesting += 1;
        if self.nesting <= MAX_NESTING {
            return Ok(());
        }
        let what = format!("the formula is nested deeper than {MAX_NESTING}");
        Err(self.fault(self.range(), what).help("write it with fewer brackets"))
    }

    /// A node over parts whose greatest depth is `below`.
    pub(super) fn part(&self, tree: Expression, below: usize, range: Range<usize>) -> Result<Part> {
        if below < MAX_DEPTH {
            return Ok(Part { tree, depth: below + 1, range });
        }
        let what = format!("the formula's tree is deeper than {MAX_DEPTH}");
        Err(self.fault(range.end..range.end, what).help("split the formula"))
    }

    pub(super) fn accept_sign(&mut self) -> Option<Sign> {
        let sign = match self.word() {
            Word::Mark('+') => Sign::Plus,
            Word::Mark('-') => Sign::Minus,
            _ => return None,
        };
        self.advance();
        Some(sign)
    }

    pub(super) fn sum(&mut self) -> Result<Part> {
        let start = self.range().start;
        let mut sign = self.accept_sign().unwrap_or(Sign::Plus);
        let mut terms = vec![];
        let mut below = 0;
        loop {
            let part = self.signed(Parser::product)?;
            below = part.depth.max(below);
            terms.push(Term { sign, value: part.tree });
            match self.accept_sign() {
                Some(next) => sign = next,
                None => break,
            }
        }
        let range = start..self.end();
        match <[Term; 1]>::try_from(terms) {
            Err(terms) => self.part(Expression::Sum(terms), below, range),
            Ok([Term { sign: Sign::Minus, value }]) => {
                self.part(Expression::negative(value), below, range)
            }
            Ok([Term { sign: Sign::Plus, value }]) => Ok(Part { tree: value, depth: below, range }),
        }
    }

    fn signed(&mut self, unsigned: fn(&mut Self) -> Result<Part>) -> Result<Part> {
        let start = self.range().start;
        let Some(sign) = self.accept_sign() else { return unsigned(self) };
        self.enter()?;
        let part = self.signed(unsigned)?;
        self.nesting -= 1;
        match sign {
            Sign::Plus => Ok(part),
            Sign::Minus => {
                self.part(Expression::negative(part.tree), part.depth, start..part.range.end)
            }
        }
    }

    pub(super) fn product(&mut self) -> Result<Part> {
        let mut factors = vec![self.signed(Parser::power)?];
        let mut divided = false;
        loop {
            if self.accept('*') {
                factors.push(self.signed(Parser::power)?);
                divided = false;
            } else if self.accept('/') {
                let numerator = self.multiplied(factors)?;
                let denominator = self.signed(Parser::power)?;
                factors = vec![self.quotient(numerator, denominator)?];
                divided = true;
            } else if self.at_operand() {
                self.refuse_label()?;
                if divided {
                    let what = "a product without * behind a division can be read in two ways";
                    return Err(self
                        .fault(self.range(), what)
                        .help("write (1/2)*z or 1/(2*z), whichever is meant"));
                }
                if let Word::Number(number) = self.word() {
                    let before = &self.tokens[self.next - 1].word;
                    if !matches!(before, Word::Mark(')' | ']' | '}' | '⟩')) {
                        let what = format!("an operator is missing before {number}");
                        return Err(self.fault(self.range(), what).help("write * for a product"));
                    }
                }
                factors.push(self.power()?);
            } else {
                return self.multiplied(factors);
            }
        }
    }

    pub(super) fn multiplied(&self, mut factors: Vec<Part>) -> Result<Part> {
        if factors.len() == 1 {
            return Ok(factors.remove(0));
        }
        let start = factors.first().map_or(0, |part| part.range.start);
        let end = factors.last().map_or(0, |part| part.range.end);
        let below = factors.iter().map(|part| part.depth).max().unwrap_or(0);
        let factors = factors.into_iter().map(|part| part.tree).collect();
        self.part(Expression::Product(factors), below, start..end)
    }

    pub(super) fn quotient(&self, numerator: Part, denominator: Part) -> Result<Part> {
        let below = numerator.depth.max(denominator.depth);
        let range = numerator.range.start..denominator.range.end;
        self.part(Expression::quotient(numerator.tree, denominator.tree), below, range)
    }

    /// True where an operand begins without an operator before it.
    pub(super) fn at_operand(&self) -> bool {
        match self.word() {
            // Words such as 'for' open the conditions of cases.
            Word::Name(name) => !super::cases::is_condition_word(name),
            Word::Number(_) | Word::Fraction | Word::Root | Word::BeginCases => true,
            Word::Mark('(' | '[' | '{' | '√' | '⟨') => true,
            Word::Mark('|') => self.bars.last() != Some(&true),
            Word::Raised(..)
            | Word::Mark(_)
            | Word::Relation(_)
            | Word::EndCases
            | Word::Break
            | Word::Quad
            | Word::Text(_)
            | Word::End => false,
        }
    }

    pub(super) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    pub(super) fn atom(&mut self) -> Result<Part> {
        let range = self.range();
        match self.word().clone() {
            Word::Number(number) => {
                self.advance();
                self.part(Expression::Number(number), 0, range)
            }
            Word::Name(name) => self.named(&name),
            Word::Mark(open @ ('(' | '[' | '{' | '|' | '⟨')) => {
                let inner = self.bracketed(open, Parser::sum)?;
                let range = range.start..self.end();
                match open {
                    '|' | '⟨' => {
                        let tree = Expression::call(Function::Abs, inner.tree);
                        self.part(tree, inner.depth, range)
                    }
                    _ => Ok(Part { range, ..inner }),
                }
            }
            Word::Fraction => self.fraction(),
            Word::Root | Word::Mark('√') => self.root(),
            Word::BeginCases => self.cases(),
            Word::Text(words) => Err(self
                .fault(
                    range,
                    format!("the words '{}' stand where a value was expected", words.trim()),
                )
                .help("write labels behind the formula")),
            Word::Raised(..)
            | Word::Mark(_)
            | Word::Relation(_)
            | Word::EndCases
            | Word::Break
            | Word::Quad
            | Word::End => Err(self.operand_missing()),
        }
    }

    /// A command's argument: a group in braces, or the next atom.
    pub(super) fn group(&mut self) -> Result<Part> {
        self.split_digits();
        self.atom()
    }

    /// `\frac12` has the arguments 1 and 2, and `\frac z3` z and 3.
    fn split_digits(&mut self) {
        if let Word::Name(name) = self.word().clone()
            && super::names::function_name(&name).is_none()
            && let Some(first) = name.chars().next()
            && first.len_utf8() < name.len()
        {
            return self.split_name(&name, first.len_utf8());
        }
        let Word::Number(number) = self.word() else { return };
        let (text, range) = (number.as_str().to_string(), self.range());
        if !self.latex && !text.bytes().all(|byte| byte.is_ascii_digit()) || text.len() < 2 {
            return;
        }
        let (first, rest) = text.split_at(1);
        let (Some(first), Some(rest)) = (Number::parse(first), Number::parse(rest)) else { return };
        let middle = range.start + 1;
        let tokens = [
            Token { word: Word::Number(first), range: range.start..middle },
            Token { word: Word::Number(rest), range: middle..range.end },
        ];
        self.tokens.splice(self.next..=self.next, tokens);
    }

    fn split_name(&mut self, name: &str, at: usize) {
        let range = self.range();
        let (first, rest) = name.split_at(at);
        let rest = Number::parse(rest).map_or(Word::Name(rest.into()), Word::Number);
        let tokens = [
            Token { word: Word::Name(first.into()), range: range.start..range.start + at },
            Token { word: rest, range: range.start + at..range.end },
        ];
        self.tokens.splice(self.next..=self.next, tokens);
    }

    /// What `inside` reads between the opening bracket here and the one that closes it.
    pub(super) fn bracketed<T>(
        &mut self,
        open: char,
        inside: fn(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let opening = self.range();
        self.enter()?;
        self.advance();
        self.bars.push(open == '|');
        let left = std::mem::replace(&mut self.left, false);
        let inner = inside(self)?;
        self.left = left;
        self.bars.pop();
        self.nesting -= 1;
        let close = match open {
            '(' => ')',
            '[' => ']',
            '{' => '}',
            '⟨' => '⟩',
            _ => '|',
        };
        if self.accept(close) {
            return Ok(inner);
        }
        match self.word() {
            Word::End => Err(self
                .fault(opening, format!("this '{open}' is never closed"))
                .help(format!("add '{close}'"))),
            Word::Mark(')' | ']' | '}') => Err(self
                .fault(self.range(), format!("this closes a '{open}', so '{close}' was expected"))
                .help("pair the brackets")),
            _ => Err(self.leftover()),
        }
    }

    fn operand_missing(&self) -> Error {
        let (what, help) = match self.word() {
            Word::End => ("the formula ends where a value was expected", "add it"),
            Word::Mark(')' | ']' | '}') => ("a value was expected before this bracket", "add it"),
            _ => ("a value was expected here", "add a number, a variable or a function"),
        };
        self.fault(self.range(), what).help(help)
    }

    pub(super) fn leftover(&self) -> Error {
        let range = self.range();
        let text = &self.source.text[range.clone()];
        let (what, help) = match self.word() {
            Word::Mark(')' | ']' | '}') => {
                (format!("this '{text}' closes no bracket"), "remove it or add the opening one")
            }
            Word::Mark(',') => ("a comma cannot stand here".into(), "write 0.5, not 0,5"),
            Word::Mark('"') => ("a double prime cannot stand here".into(), "write f''(z)"),
            Word::Text(_) => {
                ("words stand here within the formula".into(), "write labels behind it")
            }
            Word::End => ("the formula ends too early".into(), "complete it"),
            _ => (format!("'{text}' cannot stand here"), "write an operator before it"),
        };
        self.fault(range, what).help(help)
    }
}
