//! What is raised in a line: exponents, raised digits, primes, roots.

use super::parse::{Parser, Part};
use super::token::Word;
use crate::error::Result;
use crate::formula::{Constant, Expression, Function, Number, Sign};
use std::ops::Range;

impl Parser<'_> {
    pub(super) fn power(&mut self) -> Result<Part> {
        let start = self.next;
        let base = self.atom()?;
        self.raised_on(base, start)
    }

    /// What is raised on `base`: exponents and primes.
    pub(super) fn raised_on(&mut self, mut base: Part, start: usize) -> Result<Part> {
        loop {
            match self.word().clone() {
                Word::Raised(digits, negative) => {
                    let range = self.range();
                    self.advance();
                    let exponent = self.raised_digits(&digits, negative, range)?;
                    base = self.raised(base, exponent)?;
                }
                Word::Mark('^') => {
                    self.advance();
                    let exponent = self.exponent(&base.tree)?;
                    base = self.raised(base, exponent)?;
                }
                Word::Mark('\'' | '"') => base = self.primed(base, start)?,
                _ => return Ok(base),
            }
        }
    }

    pub(super) fn raised_digits(
        &self,
        digits: &str,
        negative: bool,
        range: Range<usize>,
    ) -> Result<Part> {
        let Some(size) = Number::parse(digits).map(Expression::Number) else {
            return Err(self.fault(range, "this exponent is too large").help("give a smaller one"));
        };
        let tree = if negative { Expression::negative(size) } else { size };
        self.part(tree, usize::from(negative), range)
    }

    fn raised(&self, base: Part, exponent: Part) -> Result<Part> {
        let below = base.depth.max(exponent.depth);
        let range = base.range.start..exponent.range.end;
        self.part(Expression::power(base.tree, exponent.tree), below, range)
    }

    /// The exponent behind `^`: a group, or one word with its sign.
    fn exponent(&mut self, base: &Expression) -> Result<Part> {
        self.enter()?;
        let start = self.range().start;
        let negative = match self.accept_sign() {
            Some(Sign::Minus) => true,
            Some(Sign::Plus) | None => false,
        };
        let plain_number = matches!(self.word(), Word::Number(_));
        let mut part = if plain_number { self.atom()? } else { self.power()? };
        let beside = self.range().start == part.range.end;
        let is_e = *base == Expression::Constant(Constant::E);
        if plain_number && beside && matches!(self.word(), Word::Name(_)) {
            let range = self.range();
            let shown = self.source.text[start..range.end].to_string();
            if !is_e {
                let what = "a product without * in or behind an exponent can be read in two ways";
                return Err(self
                    .fault(range, what)
                    .help("write z^(2*k) or z^2*k, whichever is meant"));
            }
            if self.latex {
                self.note(format!(
                    "e^{shown} is set as a power of e times a letter: write e^{{{shown}}}"
                ));
            } else {
                let letter = self.power()?;
                self.note(format!("e^{shown} is read as e^({shown})"));
                part = self.multiplied(vec![part, letter])?;
            }
        } else if plain_number && self.at('^') {
            self.advance();
            let upper = self.exponent(&Expression::integer(1))?;
            part = self.raised(part, upper)?;
        }
        self.nesting -= 1;
        match negative {
            true => self.part(Expression::negative(part.tree), part.depth, start..part.range.end),
            false => Ok(part),
        }
    }

    pub(super) fn root(&mut self) -> Result<Part> {
        let start = self.range().start;
        self.advance();
        self.enter()?;
        if self.at('[') && matches!(self.tokens[self.next - 1].word, Word::Root) {
            let index = self.bracketed('[', Parser::sum)?;
            let inner = self.group()?;
            self.nesting -= 1;
            let below = index.depth.max(inner.depth) + 1;
            let exponent = Expression::quotient(Expression::integer(1), index.tree);
            return self.part(Expression::power(inner.tree, exponent), below, start..self.end());
        }
        let inner = self.group()?;
        self.nesting -= 1;
        self.part(Expression::call(Function::Sqrt, inner.tree), inner.depth, start..self.end())
    }
}
