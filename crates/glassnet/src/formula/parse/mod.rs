//! Reading a formula.
//!
//! ```text
//! sum      = ["-" | "+"] term (("+" | "-") term)*
//! term     = ("-" | "+") term | product
//! product  = factor ("*" factor | "/" factor | power)*          a power alone: multiplied, as in 2z, 3(z+1)
//! factor   = ("-" | "+") factor | power
//! power    = atom raised* [("^" | "**") exponent]
//! exponent = ("-" | "+") exponent | power
//! atom     = number | constant | variable | name "(" arguments ")" | "(" sum ")" | "|" sum "|" | "√" atom
//! ```

mod call;

use super::expression::{Expression, Sign, Term};
use super::fault::fault;
use super::function::Function;
use super::token::{Token, Word, tokens};
use super::zero::is_zero_everywhere;
use crate::error::{Error, ErrorKind, Result};
use std::ops::Range;
use std::str::FromStr;

/// Longer texts are refused.
pub const MAX_BYTES: usize = 64 * 1024;
/// Brackets, signs and exponents nested deeper are refused.
pub const MAX_NESTING: usize = 200;
/// Trees deeper than this are refused: `1/z/z/z/…` grows deep without brackets.
pub const MAX_DEPTH: usize = 400;

/// The formula written in `text`, in any variables of one letter, perhaps with an index (`z`, `b`, `w1`, `x_2`).
///
/// Accepted are `+ - * / ^ **`, `·`, `−`, `²`, `π`, `√`, `|z|`, implicit products such as `2z` and `3(z+1)`,
/// every [`Function`] by name, `max`, `min`, `piecewise(z < 0, a, z > 3, b, otherwise)` and
/// `where(condition, a, b)`. `-z^2` is −(z²), and `a^b^c` is a^(b^c).
///
/// # Errors
/// Usage errors with the column and a caret: text that is no formula, unknown names (with the nearest known
/// one), readings that people disagree on (`1/2z`, `e^2z`), division by a formula that is zero wherever it is
/// tried, and texts beyond [`MAX_BYTES`], [`MAX_NESTING`] or [`MAX_DEPTH`].
///
/// ```
/// let error = glassnet::formula::parse("x*sigmoidd(x)").unwrap_err();
/// assert_eq!(
///     error.to_string(),
///     "unknown function 'sigmoidd'; column 3 of the formula; did you mean 'sigmoid'?\n\
///      \x20 x*sigmoidd(x)\n\
///      \x20   ^^^^^^^^",
/// );
/// ```
pub fn parse(text: &str) -> Result<Expression> {
    read(text, None)
}

/// As [`parse`], in the variables named only; their names may have several letters.
pub fn parse_in(text: &str, variables: &[&str]) -> Result<Expression> {
    read(text, Some(variables))
}

/// As [`parse`], for an activation: a formula in `z`, or in `x` as its only variable. What was written is kept:
/// see [`Expression::variables`].
pub fn parse_activation(text: &str) -> Result<Expression> {
    let formula = parse_in(text, &["z", "x"])?;
    if formula.contains("z") && formula.contains("x") {
        return Err(Error::usage("an activation has one variable, this formula has z and x")
            .at(format!("formula '{text}'"))
            .help("write it in z only"));
    }
    Ok(formula)
}

impl FromStr for Expression {
    type Err = Error;

    fn from_str(text: &str) -> Result<Expression> {
        parse(text)
    }
}

fn read(source: &str, variables: Option<&[&str]>) -> Result<Expression> {
    if source.len() > MAX_BYTES {
        let what = format!("the formula has {} bytes, at most {MAX_BYTES} are read", source.len());
        return Err(Error::new(ErrorKind::Usage, what).help("give a shorter formula"));
    }
    let mut parser =
        Parser { source, variables, tokens: tokens(source)?, next: 0, nesting: 0, bars: vec![] };
    if parser.word() == &Word::End {
        return Err(fault(source, 0..0, "the formula is empty").help("write one such as z^2"));
    }
    let formula = parser.sum()?;
    match parser.word() {
        Word::End => Ok(formula.tree),
        _ => Err(parser.leftover()),
    }
}

/// A part that was read: its tree, the tree's depth, and its bytes.
struct Part {
    tree: Expression,
    depth: usize,
    range: Range<usize>,
}

pub(super) struct Parser<'a> {
    pub(super) source: &'a str,
    pub(super) variables: Option<&'a [&'a str]>,
    tokens: Vec<Token>,
    next: usize,
    nesting: usize,
    /// For every open bracket, whether it is a bar: a `|` where an operand has ended then closes it.
    bars: Vec<bool>,
}

impl Parser<'_> {
    pub(super) fn word(&self) -> &Word {
        &self.tokens[self.next].word
    }

    pub(super) fn range(&self) -> Range<usize> {
        self.tokens[self.next].range.clone()
    }

    fn at(&self, mark: char) -> bool {
        *self.word() == Word::Mark(mark)
    }

    fn advance(&mut self) {
        self.next = (self.next + 1).min(self.tokens.len() - 1);
    }

    fn accept(&mut self, mark: char) -> bool {
        let found = self.at(mark);
        if found {
            self.advance();
        }
        found
    }

    /// Whether a sign stands here, and which; it is consumed.
    fn accept_sign(&mut self) -> Option<Sign> {
        let sign = match self.word() {
            Word::Mark('+') => Sign::Plus,
            Word::Mark('-') => Sign::Minus,
            _ => return None,
        };
        self.advance();
        Some(sign)
    }

    fn enter(&mut self) -> Result<()> {
        self.nesting += 1;
        if self.nesting <= MAX_NESTING {
            return Ok(());
        }
        let what = format!("the formula is nested deeper than {MAX_NESTING}");
        Err(fault(self.source, self.range(), what).help("write it with fewer brackets"))
    }

    /// A node over parts whose greatest depth is `below`.
    fn part(&self, tree: Expression, below: usize, range: Range<usize>) -> Result<Part> {
        if below < MAX_DEPTH {
            return Ok(Part { tree, depth: below + 1, range });
        }
        let what = format!("the formula's tree is deeper than {MAX_DEPTH}");
        Err(fault(self.source, range.end..range.end, what).help("split the formula"))
    }

    fn wrap(&self, part: Part, start: usize, node: fn(Expression) -> Expression) -> Result<Part> {
        self.part(node(part.tree), part.depth, start..part.range.end)
    }

    fn sum(&mut self) -> Result<Part> {
        let start = self.range().start;
        let mut sign = self.accept_sign().unwrap_or(Sign::Plus);
        let mut terms = vec![];
        let (mut below, mut end);
        (below, end) = (0, start);
        loop {
            let part = self.term()?;
            below = part.depth.max(below);
            end = part.range.end.max(end);
            terms.push(Term { sign, value: part.tree });
            match self.accept_sign() {
                Some(next) => sign = next,
                None => break,
            }
        }
        match <[Term; 1]>::try_from(terms) {
            Err(terms) => self.part(Expression::Sum(terms), below, start..end),
            Ok([Term { sign: Sign::Minus, value }]) => {
                self.part(Expression::negative(value), below, start..end)
            }
            Ok([Term { sign: Sign::Plus, value }]) => {
                Ok(Part { tree: value, depth: below, range: start..end })
            }
        }
    }

    fn term(&mut self) -> Result<Part> {
        self.signed(Parser::product)
    }

    fn factor(&mut self) -> Result<Part> {
        self.signed(Parser::power)
    }

    fn exponent(&mut self) -> Result<Part> {
        self.enter()?;
        let part = self.signed(Parser::power)?;
        self.nesting -= 1;
        Ok(part)
    }

    /// Signs, then what `unsigned` reads.
    fn signed(&mut self, unsigned: fn(&mut Self) -> Result<Part>) -> Result<Part> {
        let start = self.range().start;
        let Some(sign) = self.accept_sign() else { return unsigned(self) };
        self.enter()?;
        let part = self.signed(unsigned)?;
        self.nesting -= 1;
        match sign {
            Sign::Plus => Ok(part),
            Sign::Minus => self.wrap(part, start, Expression::negative),
        }
    }

    fn product(&mut self) -> Result<Part> {
        let mut factors = vec![self.factor()?];
        let mut divided = false;
        loop {
            if self.accept('*') {
                factors.push(self.factor()?);
                divided = false;
            } else if self.accept('/') {
                let numerator = self.multiplied(factors)?;
                let denominator = self.factor()?;
                factors = vec![self.quotient(numerator, denominator)?];
                divided = true;
            } else if self.at_operand() {
                self.refuse_ambiguous(divided)?;
                factors.push(self.power()?);
            } else {
                return self.multiplied(factors);
            }
        }
    }

    fn multiplied(&self, mut factors: Vec<Part>) -> Result<Part> {
        if factors.len() == 1 {
            return Ok(factors.remove(0));
        }
        let start = factors.first().map_or(0, |part| part.range.start);
        let end = factors.last().map_or(0, |part| part.range.end);
        let below = factors.iter().map(|part| part.depth).max().unwrap_or(0);
        let factors = factors.into_iter().map(|part| part.tree).collect();
        self.part(Expression::Product(factors), below, start..end)
    }

    fn quotient(&self, numerator: Part, denominator: Part) -> Result<Part> {
        self.refuse_zero(&denominator)?;
        let below = numerator.depth.max(denominator.depth);
        let range = numerator.range.start..denominator.range.end;
        self.part(Expression::quotient(numerator.tree, denominator.tree), below, range)
    }

    fn refuse_zero(&self, divisor: &Part) -> Result<()> {
        if !is_zero_everywhere(&divisor.tree) {
            return Ok(());
        }
        let what = match divisor.tree.variables().is_empty() {
            true => "division by zero".to_string(),
            false => format!("division by zero: {} is 0 wherever it was tried", divisor.tree),
        };
        Err(fault(self.source, divisor.range.clone(), what).help("divide by something else"))
    }

    /// True where an operand begins without an operator before it.
    fn at_operand(&self) -> bool {
        match self.word() {
            Word::Number(_) | Word::Name(_) => true,
            Word::Mark('(' | '[' | '√') => true,
            Word::Mark('|') => self.bars.last() != Some(&true),
            Word::Raised(..) | Word::Mark(_) | Word::Relation(_) | Word::End => false,
        }
    }

    /// Refuses products without a sign whose reading people disagree on.
    fn refuse_ambiguous(&self, divided: bool) -> Result<()> {
        let range = self.range();
        let before = &self.tokens[self.next - 1];
        if let Word::Number(number) = self.word() {
            let what = format!("an operator is missing before {number}");
            return Err(fault(self.source, range, what).help("write * for a product"));
        }
        if divided {
            let what = "a product without * behind a division can be read in two ways";
            return Err(fault(self.source, range, what)
                .help("write (1/2)*z or 1/(2*z), whichever is meant"));
        }
        let raised = matches!(before.word, Word::Number(_))
            && self.next >= 2
            && self.tokens[self.next - 2].word == Word::Mark('^')
            && before.range.end == range.start;
        if raised && matches!(self.word(), Word::Name(_)) {
            let what = "a product without * in or behind an exponent can be read in two ways";
            return Err(
                fault(self.source, range, what).help("write e^(2*z) or e^2*z, whichever is meant")
            );
        }
        Ok(())
    }

    fn power(&mut self) -> Result<Part> {
        let mut base = self.atom()?;
        while let Word::Raised(size, negative) = self.word().clone() {
            let range = self.range();
            self.advance();
            let size = Expression::Number(size);
            let tree = if negative { Expression::negative(size) } else { size };
            base = self.raised(base, Part { tree, depth: 1 + usize::from(negative), range })?;
        }
        if self.accept('^') {
            let exponent = self.exponent()?;
            base = self.raised(base, exponent)?;
        }
        Ok(base)
    }

    fn raised(&self, base: Part, exponent: Part) -> Result<Part> {
        if matches!(exponent.tree, Expression::Negative(_)) && exponent.tree.rational().is_some() {
            self.refuse_zero(&base)?;
        }
        let below = base.depth.max(exponent.depth);
        let range = base.range.start..exponent.range.end;
        self.part(Expression::power(base.tree, exponent.tree), below, range)
    }

    fn atom(&mut self) -> Result<Part> {
        let range = self.range();
        match self.word().clone() {
            Word::Number(number) => {
                self.advance();
                self.part(Expression::Number(number), 0, range)
            }
            Word::Name(name) => self.named(&name),
            Word::Mark(open @ ('(' | '[')) => {
                let inner = self.bracketed(open, Parser::sum)?;
                Ok(Part { range: range.start..self.tokens[self.next - 1].range.end, ..inner })
            }
            Word::Mark('|') => {
                let inner = self.bracketed('|', Parser::sum)?;
                let end = self.tokens[self.next - 1].range.end;
                self.part(
                    Expression::call(Function::Abs, inner.tree),
                    inner.depth,
                    range.start..end,
                )
            }
            Word::Mark('√') => {
                self.advance();
                self.enter()?;
                let inner = self.atom()?;
                self.nesting -= 1;
                self.wrap(inner, range.start, |tree| Expression::call(Function::Sqrt, tree))
            }
            Word::Raised(..) | Word::Mark(_) | Word::Relation(_) | Word::End => {
                Err(self.operand_missing())
            }
        }
    }

    /// What `inside` reads between the opening bracket here and the one that closes it.
    fn bracketed<T>(&mut self, open: char, inside: fn(&mut Self) -> Result<T>) -> Result<T> {
        let opening = self.range();
        self.enter()?;
        self.advance();
        self.bars.push(open == '|');
        let inner = inside(self)?;
        self.bars.pop();
        self.nesting -= 1;
        let close = match open {
            '(' => ')',
            '[' => ']',
            _ => '|',
        };
        if self.accept(close) {
            return Ok(inner);
        }
        match self.word() {
            Word::End => {
                let what = format!("this '{open}' is never closed");
                Err(fault(self.source, opening, what).help(format!("add '{close}'")))
            }
            Word::Mark(')' | ']') => {
                let what = format!("this closes a '{open}', so '{close}' was expected");
                Err(fault(self.source, self.range(), what).help("pair the brackets"))
            }
            _ => Err(self.leftover()),
        }
    }
}

/// True for one letter, perhaps with an index: `z`, `β`, `w1`, `x_2`, `x_ab`.
pub(super) fn is_short_name(name: &str) -> bool {
    let mut rest = name.chars();
    let first = rest.next().is_some_and(char::is_alphabetic);
    let rest = rest.as_str();
    let index = rest.strip_prefix('_').map_or_else(
        || rest.bytes().all(|byte| byte.is_ascii_digit()),
        |index| !index.is_empty() && index.bytes().all(|byte| byte.is_ascii_alphanumeric()),
    );
    first && index
}
