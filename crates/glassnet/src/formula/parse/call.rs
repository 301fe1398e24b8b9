//! Names in a formula: constants, variables, and functions with their arguments and cases.

use std::ops::Range;

use super::super::expression::{Case, Comparison, Constant, Expression};
use super::super::fault::fault;
use super::super::function::Function;
use super::super::token::Word;
use super::{Parser, Part, is_short_name};
use crate::error::Result;

impl Parser<'_> {
    pub(super) fn named(&mut self, name: &str) -> Result<Part> {
        let range = self.range();
        let called = matches!(self.tokens[self.next + 1].word, Word::Mark('(' | '['));
        let special = matches!(name, "max" | "min" | "piecewise" | "where");
        if !special && Function::named(name).is_none() {
            let tree = self.symbol(name, called)?;
            self.advance();
            return self.part(tree, 0, range);
        }
        if !called {
            let what = format!("'{name}' is a function and needs its argument in brackets");
            let help = match self.tokens[self.next + 1].word {
                Word::Mark('^') | Word::Raised(..) => {
                    format!("write {name}(z)^2 for a power of its value")
                }
                _ => format!("write {name}(z)"),
            };
            return Err(fault(self.source, range, what).help(help));
        }
        self.advance();
        let open = if self.at('[') { '[' } else { '(' };
        let (tree, below) = match name {
            "piecewise" | "where" => self.piecewise(name, open, &range)?,
            _ => self.call(name, open, &range)?,
        };
        self.part(tree, below, range.start..self.tokens[self.next - 1].range.end)
    }

    fn call(
        &mut self,
        name: &str,
        open: char,
        range: &Range<usize>,
    ) -> Result<(Expression, usize)> {
        if let Word::Mark(')' | ']') = self.tokens[self.next + 1].word {
            let what = format!("'{name}' has no argument");
            return Err(fault(self.source, range.clone(), what).help(format!("write {name}(z)")));
        }
        let parts = self.bracketed(open, Parser::arguments)?;
        let below = parts.iter().map(|part| part.depth).max().unwrap_or(0);
        let mut values: Vec<Expression> = parts.into_iter().map(|part| part.tree).collect();
        let count = values.len();
        let tree = match (name, Function::named(name)) {
            ("max", _) if count > 1 => Expression::Max(values),
            ("min", _) if count > 1 => Expression::Min(values),
            (_, Some(function)) if count == 1 => Expression::call(function, values.remove(0)),
            (_, function) => {
                let takes = if function.is_some() { "one argument" } else { "two or more" };
                let what = format!("'{name}' takes {takes}, {count} given");
                let help = if function.is_some() && count == 2 {
                    "decimals are written with a point"
                } else {
                    "see the list of functions"
                };
                return Err(fault(self.source, range.clone(), what).help(help));
            }
        };
        Ok((tree, below))
    }

    fn arguments(&mut self) -> Result<Vec<Part>> {
        let mut parts = vec![self.sum()?];
        while self.accept(',') {
            parts.push(self.sum()?);
        }
        Ok(parts)
    }

    fn piecewise(
        &mut self,
        name: &str,
        open: char,
        range: &Range<usize>,
    ) -> Result<(Expression, usize)> {
        let (cases, otherwise, below) = self.bracketed(open, Parser::cases)?;
        if name == "where" && cases.len() != 1 {
            let what = "'where' takes a condition and two values";
            return Err(fault(self.source, range.clone(), what)
                .help("use piecewise(condition, value, condition, value, otherwise)"));
        }
        Ok((Expression::Piecewise(cases, Box::new(otherwise)), below))
    }

    fn cases(&mut self) -> Result<(Vec<Case>, Expression, usize)> {
        let mut cases = vec![];
        let mut below = 0;
        loop {
            let left = self.sum()?;
            below = below.max(left.depth);
            let Word::Relation(relation) = *self.word() else {
                if cases.is_empty() || self.at(',') {
                    let what = "a condition such as z < 0 was expected";
                    return Err(fault(self.source, left.range, what)
                        .help("write piecewise(z < 0, value, otherwise)"));
                }
                return Ok((cases, left.tree, below));
            };
            self.advance();
            let right = self.sum()?;
            if !self.accept(',') {
                let what = "a comma and the value for this condition were expected";
                let range = self.range();
                return Err(fault(self.source, range, what)
                    .help("write piecewise(z < 0, value, otherwise)"));
            }
            let value = self.sum()?;
            if !self.accept(',') {
                let what = "the value where no condition holds is missing";
                let range = self.range();
                return Err(fault(self.source, range, what)
                    .help("add it as the last argument: piecewise(z < 0, value, otherwise)"));
            }
            below = below.max(right.depth).max(value.depth);
            let condition = Comparison { left: left.tree, relation, right: right.tree };
            cases.push(Case { condition, value: value.tree });
        }
    }

    /// The constant or variable `name`; `called` if a bracket follows.
    fn symbol(&self, name: &str, called: bool) -> Result<Expression> {
        let constant = match name {
            "pi" | "π" => Some(Expression::Constant(Constant::Pi)),
            "e" => Some(Expression::Constant(Constant::E)),
            _ => None,
        };
        let variable = match self.variables {
            Some(known) => known.contains(&name),
            None => is_short_name(name),
        };
        let known = constant.or_else(|| variable.then(|| Expression::variable(name)));
        match known {
            Some(tree) if !called => Ok(tree),
            found => Err(self.unknown(name, called, found.is_some())),
        }
    }
}
