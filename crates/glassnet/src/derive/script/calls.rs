//! Names in a line: functions with their arguments, constants, variables, and what the file itself defines.

use super::names;
use super::parse::{Parser, Part};
use super::slopes::is_differential;
use super::token::{Token, Word};
use crate::error::{Error, Result};
use crate::formula::{Constant, Expression, Function};
use std::ops::Range;
use std::sync::LazyLock;

/// A file's definitions may make formulas of at most so many nodes.
const MAX_NODES: usize = 20_000;

/// The normal distribution's Φ and its density φ, as formulas in `z`.
static NORMAL: LazyLock<[Expression; 2]> = LazyLock::new(|| {
    ["(1 + erf(z/sqrt(2)))/2", "exp(-z^2/2)/sqrt(2*pi)"]
        .map(|text| crate::formula::parse(text).expect("these formulas are valid"))
});

/// What a name in front of an argument stands for.
#[derive(Clone)]
enum Meaning {
    Known(Function),
    /// A function without a name of its own, by its formula in `z`.
    Reciprocal(Expression),
    /// A formula in the variable named first.
    Formula(String, Expression),
}

impl Parser<'_> {
    pub(super) fn named(&mut self, name: &str) -> Result<Part> {
        if let Some(part) = self.slope_of_name(name)? {
            return Ok(part);
        }
        let range = self.range();
        if let Some((variable, formula)) = self.names.functions.get(name) {
            let meaning = Meaning::Formula(variable.clone(), formula.clone());
            return self.applied(name, meaning);
        }
        if let Some(formula) = self.names.symbols.get(name).cloned() {
            self.advance();
            self.afford(&formula, &range)?;
            let below = formula.depth();
            return self.part(formula, below, range);
        }
        if let "max" | "min" | "Max" | "Min" = name {
            return self.extremum(&name.to_lowercase());
        }
        if let "Φ" | "φ" | "Phi" | "phi" = name {
            let which = usize::from(name.to_lowercase() == name);
            let meaning = Meaning::Formula("z".into(), NORMAL[which].clone());
            return self.applied(name, meaning);
        }
        if let Some(function) = self.function(name) {
            return self.applied(name, Meaning::Known(function));
        }
        if let Some(formula) = names::reciprocal(name) {
            self.note(format!("{name}(z) is read as {formula}"));
            return self.applied(name, Meaning::Reciprocal(formula));
        }
        if let "piecewise" | "where" = name {
            return self.piecewise();
        }
        let tree = match name {
            "e" => Expression::Constant(Constant::E),
            "pi" | "π" => Expression::Constant(Constant::Pi),
            name if is_letter(name) => {
                let primed = matches!(self.peek(1), Word::Mark('\'' | '"'));
                if primed && name != self.names.variable {
                    self.missing = Some(name.into());
                    return Err(self.unknown(name));
                }
                if matches!(self.peek(1), Word::Mark('(')) && name != self.names.variable {
                    self.refuse_call(name)?;
                }
                Expression::variable(self.indexed(name))
            }
            name => {
                if self.split_letters(name) {
                    return self.atom();
                }
                return Err(self.unknown(name));
            }
        };
        self.advance();
        self.part(tree, 0, range)
    }

    /// The function named so; `\log_2` and `\log_{10}` are names with their base.
    fn function(&mut self, name: &str) -> Option<Function> {
        let function = names::function_name(name)?;
        if function != Function::Log || *self.peek(1) != Word::Mark('_') {
            return Some(function);
        }
        let braced = *self.peek(2) == Word::Mark('{');
        let base = self.peek(if braced { 3 } else { 2 }).clone();
        let (function, count) = match base {
            Word::Number(base) if base.as_str() == "2" => (Function::Log2, 2),
            Word::Number(base) if base.as_str() == "10" => (Function::Log10, 2),
            Word::Name(base) if base == "e" => (Function::Log, 2),
            _ => return Some(function),
        };
        self.next += count + if braced { 2 } else { 0 };
        Some(function)
    }

    /// `f(z)` with a letter that names no function: a product if the letter is used as a number elsewhere.
    fn refuse_call(&mut self, name: &str) -> Result<()> {
        // `f(z)` looks like a function; `a(1 + z)` like a product.
        let alone = matches!(
            (self.peek(2), self.peek(3)),
            (Word::Name(inner), Word::Mark(')')) if *inner == self.names.variable
        );
        if !alone || !["f", "g", "h", "F", "G", "H", "y"].contains(&name) {
            return Ok(());
        }
        self.missing = Some(name.into());
        Err(self.unknown(name))
    }

    /// The name with the index behind it, which is consumed but for its last word.
    fn indexed(&mut self, name: &str) -> String {
        if *self.peek(1) != Word::Mark('_') {
            return name.into();
        }
        let (index, count) = match (self.peek(2), self.peek(3), self.peek(4)) {
            (Word::Mark('{'), Word::Number(n), Word::Mark('}')) => (n.as_str().to_string(), 4),
            (Word::Mark('{'), Word::Name(n), Word::Mark('}')) => (n.clone(), 4),
            (Word::Number(n), _, _) => (n.as_str().to_string(), 2),
            (Word::Name(n), _, _) => (n.clone(), 2),
            _ => return name.into(),
        };
        self.next += count;
        format!("{name}_{index}")
    }

    fn afford(&self, formula: &Expression, range: &Range<usize>) -> Result<()> {
        if formula.nodes() <= MAX_NODES {
            return Ok(());
        }
        let what = format!("with what it stands for put in, this has more than {MAX_NODES} parts");
        Err(self.fault(range.clone(), what).help("define shorter abbreviations"))
    }

    /// `ze` is z·e where both are known letters: the word becomes two.
    fn split_letters(&mut self, name: &str) -> bool {
        let known = |letter: &str| {
            letter == "e"
                || letter == self.names.variable
                || self.names.symbols.contains_key(letter)
        };
        let parts: Vec<String> = name.chars().map(String::from).collect();
        // Plain lines among which there are commands are written by somebody who writes LaTeX.
        let latex = self.latex || self.source.text.contains('\\');
        let latex_letters = latex && parts.iter().all(|part| is_letter(part));
        if parts.len() > 3 || !(latex_letters || parts.iter().all(|part| known(part))) {
            return false;
        }
        if !parts.iter().all(|part| known(part)) {
            self.note(format!("{name} is read as {}", parts.join("·")));
        }
        let mut start = self.range().start;
        let tokens: Vec<Token> = parts
            .into_iter()
            .map(|part| {
                let range = start..start + part.len();
                start = range.end;
                Token { word: Word::Name(part), range }
            })
            .collect();
        self.tokens.splice(self.next..=self.next, tokens);
        true
    }

    /// A function with what stands behind its name: primes, a power, its argument.
    fn applied(&mut self, name: &str, meaning: Meaning) -> Result<Part> {
        let start = self.range();
        self.advance();
        let mut primes = 0;
        while let Word::Mark(mark @ ('\'' | '"')) = *self.word() {
            primes += if mark == '"' { 2 } else { 1 };
            self.advance();
        }
        let exponent = self.exponent_on_name(name)?;
        let variable = Expression::variable(self.names.variable.clone());
        let (argument, below) = match self.argument(name, &meaning)? {
            Some(part) => (part.tree, part.depth),
            None => {
                if primes == 0 && !matches!(meaning, Meaning::Formula(..)) {
                    self.note(format!(
                        "{name} without an argument is {name}({})",
                        self.names.variable
                    ));
                }
                (variable, 0)
            }
        };
        let range = start.start..self.end();
        let (inner, formula) = match meaning {
            Meaning::Known(function) => {
                ("z".to_string(), Expression::call(function, Expression::variable("z")))
            }
            Meaning::Reciprocal(formula) => ("z".to_string(), formula),
            Meaning::Formula(variable, formula) => (variable, formula),
        };
        let mut tree = formula;
        for _ in 0..primes {
            tree = tree.differentiate(&inner).map_err(|error| self.placed(error, &range))?;
        }
        if primes > 0 && exponent.is_none() && argument == Expression::variable(inner.clone()) {
            self.named_slope(range.clone(), &inner, primes, name, &argument);
        }
        let uses = tree.nodes();
        if uses.saturating_mul(argument.nodes()) > MAX_NODES.saturating_mul(20) {
            self.afford(&tree, &range)?;
        }
        let tree = tree.substitute(&inner, &argument);
        self.afford(&tree, &range)?;
        let depth = tree.depth().max(below);
        let part = self.part(tree, depth, range.clone())?;
        match exponent {
            None => Ok(part),
            Some(exponent) => {
                let below = part.depth.max(exponent.depth);
                self.part(Expression::power(part.tree, exponent.tree), below, range)
            }
        }
    }

    /// Remembers that this derivative was named and not worked out.
    fn named_slope(
        &mut self,
        range: Range<usize>,
        inner: &str,
        primes: usize,
        name: &str,
        argument: &Expression,
    ) {
        let of = match self.names.functions.get(name) {
            Some((_, formula)) => formula.substitute(inner, argument),
            None => match names::function_name(name) {
                Some(function) => Expression::call(function, argument.clone()),
                None => return,
            },
        };
        self.slope = Some((range, super::parse::Unevaluated { of, order: primes }));
    }

    pub(super) fn placed(&self, error: Error, range: &Range<usize>) -> Error {
        let help = error.help_text().unwrap_or("write a simpler formula").to_string();
        self.fault(range.clone(), error.what()).help(help)
    }

    /// `tanh²(z)`, `\tanh^{2}(z)`: a power of the value.
    fn exponent_on_name(&mut self, name: &str) -> Result<Option<Part>> {
        let range = self.range();
        let part = match self.word().clone() {
            Word::Raised(digits, negative) => {
                self.advance();
                self.raised_digits(&digits, negative, range.clone())?
            }
            Word::Mark('^') => {
                self.advance();
                match self.word().clone() {
                    Word::Number(number) => {
                        let range = self.range();
                        self.advance();
                        self.part(Expression::Number(number), 0, range)?
                    }
                    Word::Mark(open @ ('{' | '(')) => self.bracketed(open, Parser::sum)?,
                    _ => self.atom()?,
                }
            }
            _ => return Ok(None),
        };
        if part.tree.rational().is_some_and(|value| value.numerator() < 0) {
            let what = format!("a negative power on the name {name} may mean the inverse function");
            return Err(self.fault(range, what).help(format!("write 1/{name}(z) for a power")));
        }
        Ok(Some(part))
    }

    /// The argument behind a name; `None` if there is none and the name stands for its value.
    fn argument(&mut self, name: &str, meaning: &Meaning) -> Result<Option<Part>> {
        match self.word() {
            Word::Mark(open @ ('(' | '[' | '{')) => {
                let open = *open;
                if self.is_multiplied(name) {
                    return Ok(None);
                }
                self.bracketed(open, Parser::sum).map(Some)
            }
            Word::Mark('|') if !self.at_operand() => Ok(None),
            _ if !self.at_operand() => Ok(None),
            _ => {
                // σ and functions of the file are often written for their value: σz is a product.
                let letter = name.chars().count() == 1 || matches!(meaning, Meaning::Formula(..));
                if letter { Ok(None) } else { self.bare_argument().map(Some) }
            }
        }
    }

    /// `σ(1 − σ)` is a product: its bracket has the same name without an argument.
    fn is_multiplied(&mut self, name: &str) -> bool {
        let mut depth = 0usize;
        let mut found = false;
        for (i, token) in self.tokens.iter().enumerate().skip(self.next) {
            match &token.word {
                Word::Mark('(' | '[' | '{') => depth += 1,
                Word::Mark(')' | ']' | '}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        break;
                    }
                }
                Word::Name(own) if own == name => {
                    let behind = self.behind_power(i + 1);
                    let next = self.tokens.get(behind).map(|token| &token.word);
                    found |= !matches!(next, Some(Word::Mark('(' | '{' | '[')));
                }
                _ => {}
            }
        }
        if found {
            self.note(format!("{name}(…) is read as a product, since {name} stands alone within"));
        }
        found
    }

    /// The token behind a power that begins at `start`, as in `sin^2(z)` and `\sin^{2}(z)`; `start` if none does.
    fn behind_power(&self, start: usize) -> usize {
        let word = |i: usize| self.tokens.get(i).map(|token| &token.word);
        match word(start) {
            Some(Word::Raised(..)) => return start + 1,
            Some(Word::Mark('^')) => {}
            _ => return start, // not operations: no power begins here
        }
        if !matches!(word(start + 1), Some(Word::Mark('(' | '{' | '['))) {
            return start + 2;
        }
        let mut depth = 0usize;
        for (i, token) in self.tokens.iter().enumerate().skip(start + 1) {
            match &token.word {
                Word::Mark('(' | '[' | '{') => depth += 1,
                Word::Mark(')' | ']' | '}') => {
                    depth = depth.saturating_sub(1);
                    if depth == 0 {
                        return i + 1;
                    }
                }
                _ => {} // not operations: within the exponent
            }
        }
        self.tokens.len()
    }

    /// `\sin 2z`, `\ln\cosh z`: the argument is the next factor, with a number before it.
    fn bare_argument(&mut self) -> Result<Part> {
        self.enter()?;
        let number = matches!(self.word(), Word::Number(_));
        let mut part = self.power()?;
        while number
            && let Word::Name(name) = self.word()
            && names::function_name(name).is_none()
            && !super::cases::is_condition_word(name)
        {
            let next = self.power()?;
            let below = part.depth.max(next.depth);
            let range = part.range.start..next.range.end;
            part = self.part(Expression::Product(vec![part.tree, next.tree]), below, range)?;
        }
        self.nesting -= 1;
        Ok(part)
    }

    fn extremum(&mut self, name: &str) -> Result<Part> {
        let range = self.range();
        self.advance();
        let open = match self.word() {
            Word::Mark(open @ ('(' | '[' | '{')) => *open,
            _ => {
                let what = format!("'{name}' needs its values in brackets");
                return Err(self.fault(range, what).help(format!("write {name}(0, z)")));
            }
        };
        let parts = self.bracketed(open, |parser| {
            let mut parts = vec![parser.sum()?];
            while parser.accept(',') || parser.accept(';') {
                parts.push(parser.sum()?);
            }
            Ok(parts)
        })?;
        if parts.len() < 2 {
            let what = format!("'{name}' takes two or more values");
            return Err(self.fault(range, what).help(format!("write {name}(0, z)")));
        }
        let below = parts.iter().map(|part| part.depth).max().unwrap_or(0);
        let values = parts.into_iter().map(|part| part.tree).collect();
        let tree = if name == "max" { Expression::Max(values) } else { Expression::Min(values) };
        self.part(tree, below, range.start..self.end())
    }

    /// Refuses a word that stands behind a value and means nothing: most likely it begins a label.
    pub(super) fn refuse_label(&self) -> Result<()> {
        let Word::Name(name) = self.word() else { return Ok(()) };
        let known = |name: &str| {
            names::function_name(name).is_some()
                || names::reciprocal(name).is_some()
                || self.names.functions.contains_key(name)
                || self.names.symbols.contains_key(name)
                || ["max", "min", "piecewise", "where", "Phi", "phi"]
                    .contains(&name.to_lowercase().as_str())
        };
        let blank = self.source.text[..self.range().start].ends_with(char::is_whitespace);
        let word = name.chars().count() >= 4 && name.chars().all(char::is_alphabetic);
        let called = matches!(self.peek(1), Word::Mark('('));
        if !blank || !word || called || known(name) {
            return Ok(());
        }
        let rest = &self.source.text[self.range().start..];
        let label = rest.lines().next().unwrap_or(name).trim_end();
        Err(self.fault(self.range(), format!("'{name}' is no name known here")).help(format!(
            "if '{label}' is a label, leave two spaces before it, or write '# {label}'"
        )))
    }

    fn unknown(&self, name: &str) -> Error {
        let range = self.range();
        let error = self.fault(range, format!("'{name}' is not known here"));
        let own = self.names.functions.keys().chain(self.names.symbols.keys()).map(String::as_str);
        let functions = Function::all().map(|function| -> &str { function.name() });
        let known: Vec<&str> = functions.chain(["max", "min", "relu", "ln"]).chain(own).collect();
        match names::nearest(name, known) {
            Some(near) => error.help(format!("did you mean '{near}'?")),
            None if self.missing.is_some() => error.help(format!(
                "define it in a line above: {name}(z) = …; or give the formula beside the file"
            )),
            None => error.help("write * for products, and labels behind two spaces or a '#'"),
        }
    }
}

/// True for one letter, perhaps with digits: `z`, `w1`, `α`.
pub(super) fn is_letter(name: &str) -> bool {
    let mut rest = name.chars();
    let first = rest.next().is_some_and(char::is_alphabetic);
    first && rest.all(|c| c.is_ascii_digit()) && !is_differential(name)
}
