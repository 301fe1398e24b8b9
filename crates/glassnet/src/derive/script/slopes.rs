//! Derivatives within a line: `d/dz (…)`, `\frac{\partial f(z)}{\partial z}`, `f'(z)`, `(…)'`.

use super::parse::{Parser, Part, Unevaluated};
use super::token::Word;
use crate::error::Result;
use crate::formula::Expression;
use std::ops::Range;

/// Derivatives of a higher order are refused.
const MAX_ORDER: usize = 4;

/// True for the sign of a derivative by itself.
pub(super) fn is_differential(name: &str) -> bool {
    name == "∂"
}

fn is_d(word: &Word) -> bool {
    matches!(word, Word::Name(name) if name == "d" || name == "∂")
}

impl Parser<'_> {
    /// A derivative that begins with this name: `d/dz …`, `df/dz`, `d tanh(z)/dz`; `None` if it begins none.
    pub(super) fn slope_of_name(&mut self, name: &str) -> Result<Option<Part>> {
        let start = self.next;
        if name == "d" || name == "∂" {
            self.advance();
            let order = self.order();
            if self.at('/') {
                self.advance();
                if self.differential_of_variable() {
                    return self.operated(start, order).map(Some);
                }
            } else if self.at_operand()
                && let Ok(of) = self.power()
                && self.accept('/')
                && self.differential_of_variable()
            {
                return self.slope(of, order, start).map(Some);
            }
            self.next = start;
            return Ok(None);
        }
        let Some(inner) = name.strip_prefix('d').filter(|inner| !inner.is_empty()) else {
            return Ok(None);
        };
        if *self.peek(1) != Word::Mark('/') {
            return Ok(None);
        }
        self.next += 2;
        if !self.differential_of_variable() {
            self.next = start;
            return Ok(None);
        }
        // `df/dz`: what stands behind the d, by itself.
        let end = self.next;
        let range = self.tokens[start].range.clone();
        let word = Word::Name(inner.to_string());
        let inner_range = range.start + 1..range.end;
        let saved = std::mem::take(&mut self.tokens);
        self.tokens = vec![
            super::token::Token { word, range: inner_range.clone() },
            super::token::Token { word: Word::End, range: inner_range.end..inner_range.end },
        ];
        self.next = 0;
        let of = self.power();
        let unknown = match &of {
            Ok(part) => match &part.tree {
                Expression::Variable(own) => *own != self.names.variable,
                _ => false,
            },
            Err(_) => true,
        };
        if unknown {
            self.missing = Some(inner.to_string());
            let error =
                self.fault(inner_range, format!("'{inner}' is not known here")).help(format!(
                    "define it in a line above: {inner}(z) = …; or give the formula beside the file"
                ));
            self.tokens = saved;
            return Err(error);
        }
        self.tokens = saved;
        self.next = end;
        self.slope(of?, 1, start).map(Some)
    }

    /// `\frac{…}{…}`: a derivative, or a fraction.
    pub(super) fn fraction(&mut self) -> Result<Part> {
        let start = self.next;
        if let Some(part) = self.slope_fraction(start)? {
            return Ok(part);
        }
        self.next = start;
        let first = self.range().start;
        self.advance();
        self.enter()?;
        let numerator = self.group()?;
        let denominator = self.group()?;
        self.nesting -= 1;
        let part = self.quotient(numerator, denominator)?;
        Ok(Part { range: first..self.end(), ..part })
    }

    fn slope_fraction(&mut self, start: usize) -> Result<Option<Part>> {
        self.advance();
        if !self.accept('{') {
            return Ok(None);
        }
        let joined = match self.word() {
            Word::Name(name) if name.len() > 1 => name.strip_prefix('d').map(str::to_string),
            _ => None,
        };
        if !is_d(self.word()) && joined.is_none() {
            return Ok(None);
        }
        // The denominator decides: it must be dz or ∂z.
        let Some(close) = self.closing(self.next) else { return Ok(None) };
        let numerator = self.next;
        self.next = close + 1;
        if !self.accept('{') || !self.differential_of_variable() || !self.accept('}') {
            return Ok(None);
        }
        let after = self.next;
        self.next = numerator;
        if let Some(inner) = joined {
            let range = self.range();
            self.tokens[numerator].word = Word::Name(inner);
            self.tokens[numerator].range = range.start + 1..range.end;
            let of = self.product();
            let inner = std::mem::replace(&mut self.tokens[numerator].word, Word::End);
            if let Word::Name(inner) = inner {
                self.tokens[numerator].word = Word::Name(format!("d{inner}"));
            }
            self.tokens[numerator].range = range;
            let of = of?;
            self.refuse_unknown(&of)?;
            self.next = after;
            return self.slope(of, 1, start).map(Some);
        }
        self.advance();
        let order = self.order();
        if self.at('}') {
            self.next = after;
            return self.operated(start, order).map(Some);
        }
        let of = self.product()?;
        if !self.at('}') {
            return Err(self.leftover());
        }
        self.refuse_unknown(&of)?;
        self.next = after;
        self.slope(of, order, start).map(Some)
    }

    /// `\frac{\partial f}{\partial z}` of a name that nothing defines.
    fn refuse_unknown(&mut self, of: &Part) -> Result<()> {
        let Expression::Variable(name) = &of.tree else { return Ok(()) };
        if *name == self.names.variable {
            return Ok(());
        }
        self.missing = Some(name.clone());
        Err(self.fault(of.range.clone(), format!("'{name}' is not known here")).help(format!(
            "define it in a line above: {name}(z) = …; or give the formula beside the file"
        )))
    }

    /// The index of the brace that closes the group in which token `from` stands.
    fn closing(&self, from: usize) -> Option<usize> {
        let mut depth = 0usize;
        for (i, token) in self.tokens.iter().enumerate().skip(from) {
            match token.word {
                Word::Mark('{') => depth += 1,
                Word::Mark('}') if depth == 0 => return Some(i),
                Word::Mark('}') => depth -= 1,
                _ => {}
            }
        }
        None
    }

    /// The order raised on the `d`.
    fn order(&mut self) -> usize {
        let order = match self.word() {
            Word::Raised(digits, false) => digits.parse().ok(),
            Word::Mark('^') => match (self.peek(1), self.peek(2), self.peek(3)) {
                (Word::Number(order), _, _) => {
                    let order = order.as_str().parse().ok();
                    self.advance();
                    order
                }
                (Word::Mark('{'), Word::Number(order), Word::Mark('}')) => {
                    let order = order.as_str().parse().ok();
                    self.next += 3;
                    order
                }
                _ => None,
            },
            _ => return 1,
        };
        self.advance();
        order.unwrap_or(1)
    }

    /// Whether `dz` stands here, perhaps with an order; it is consumed.
    fn differential_of_variable(&mut self) -> bool {
        let variable = self.names.variable.clone();
        let braced =
            self.at('(') && matches!(self.peek(1), Word::Name(name) if name.starts_with('d'));
        if braced {
            self.advance();
        }
        let found = match self.word().clone() {
            Word::Name(name) if name.strip_prefix('d') == Some(&variable) => {
                self.advance();
                true
            }
            word if is_d(&word) => {
                let found = matches!(self.peek(1), Word::Name(name) if *name == variable);
                if found {
                    self.next += 2;
                }
                found
            }
            _ => false,
        };
        if found {
            self.order();
        }
        if braced {
            self.accept(')');
        }
        found
    }

    /// The derivative of what follows the operator that ended here.
    fn operated(&mut self, start: usize, order: usize) -> Result<Part> {
        self.enter()?;
        let at = self.next;
        let bracket = matches!(self.word(), Word::Mark('(' | '[' | '{'));
        let of = if self.left {
            self.left = false;
            self.sum()?
        } else if bracket {
            let part = self.power()?;
            // At the head of a side, `d/dz (a)/(b)` is about the whole fraction.
            if start == 0 && self.at('/') {
                self.next = at;
                self.product()?
            } else {
                part
            }
        } else if matches!(self.word(), Word::Fraction) {
            self.power()?
        } else {
            self.product()?
        };
        self.nesting -= 1;
        self.slope(of, order, start)
    }

    /// `(…)'`
    pub(super) fn primed(&mut self, base: Part, start: usize) -> Result<Part> {
        let mut order = 0;
        while let Word::Mark(mark @ ('\'' | '"')) = *self.word() {
            order += if mark == '"' { 2 } else { 1 };
            self.advance();
        }
        self.slope(base, order, start)
    }

    fn slope(&mut self, of: Part, order: usize, start: usize) -> Result<Part> {
        let range: Range<usize> = self.tokens[start].range.start..self.end();
        if order == 0 || order > MAX_ORDER {
            let what = format!("derivatives of order 1 to {MAX_ORDER} are read");
            return Err(self.fault(range, what).help("give a lower order"));
        }
        let mut tree = of.tree.clone();
        for _ in 0..order {
            let next = tree.differentiate(&self.names.variable);
            tree = next.map_err(|error| self.placed(error, &range))?;
        }
        self.slope = Some((range.clone(), Unevaluated { of: of.tree, order }));
        let depth = tree.depth();
        self.part(tree, depth, range)
    }
}
