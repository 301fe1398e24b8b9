//! `--output`: what must hold of the outputs, in words: `y0 <= 10`, `y[A] - y[B] > 0.5 and 0 <= y2`.

use glassnet::{Error, Result};

/// `Σ factors·terms + constant ≤ 0`, or `< 0`.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Atom {
    pub(super) terms: Vec<(Symbol, f64)>,
    pub(super) constant: f64,
    /// Whether it must be less than 0.
    pub(super) strict: bool,
}

/// What a term of a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Symbol {
    Output(usize),
    /// The probability of a class.
    Probability(usize),
    Input(usize),
}

/// A statement: any of these, of which each is all of its atoms.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    pub(super) any: Vec<Vec<Atom>>,
}

/// What names may be used.
pub(super) struct Names<'a> {
    pub(super) inputs: Vec<&'a str>,
    pub(super) outputs: &'a [String],
    /// How many outputs there are.
    pub(super) count: usize,
    /// Whether outputs are scores of classes.
    pub(super) classes: bool,
}

/// Reads a statement.
///
/// # Errors
/// Kind `usage`, with what is wrong and where.
pub(super) fn read(text: &str, names: &Names<'_>) -> Result<Statement> {
    let mut parser = Parser { text, at: 0, names };
    let mut any = vec![parser.all()?];
    while parser.word("or") {
        any.push(parser.all()?);
    }
    parser.space();
    match parser.rest() {
        "" => Ok(Statement { any }),
        _ => Err(parser.bad("this is not understood")),
    }
}

impl Statement {
    /// What a counterexample is: any of these, of which each is all of its atoms.
    ///
    /// # Errors
    /// Kind `limit` where there are too many.
    pub(super) fn negated(&self) -> Result<Vec<Vec<Atom>>> {
        const MOST: usize = 1000;
        let mut found: Vec<Vec<Atom>> = vec![vec![]];
        for all in &self.any {
            let next = |head: &Vec<Atom>| -> Vec<Vec<Atom>> {
                all.iter().map(|atom| [&head[..], &[atom.negated()]].concat()).collect()
            };
            found = found.iter().flat_map(next).collect();
            if found.len() > MOST {
                return Err(Error::new(
                    glassnet::ErrorKind::Limit,
                    format!("its opposite has more than {MOST} cases"),
                )
                .at("--output"));
            }
        }
        Ok(found)
    }
}

impl Atom {
    fn negated(&self) -> Atom {
        let terms = self.terms.iter().map(|&(symbol, factor)| (symbol, -factor)).collect();
        Atom { terms, constant: -self.constant, strict: !self.strict }
    }
}

/// A linear expression while it is read.
#[derive(Clone, Default)]
struct Sum {
    terms: Vec<(Symbol, f64)>,
    constant: f64,
}

impl Sum {
    fn add(&mut self, other: Sum, factor: f64) {
        self.constant += factor * other.constant;
        for (symbol, weight) in other.terms {
            match self.terms.iter_mut().find(|(known, _)| *known == symbol) {
                Some(term) => term.1 += factor * weight,
                None => self.terms.push((symbol, factor * weight)),
            }
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
    names: &'a Names<'a>,
}

impl<'a> Parser<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn space(&mut self) {
        self.at = self.text.len() - self.rest().trim_start().len();
    }

    fn bad(&self, what: &str) -> Error {
        let before = self.text[..self.at].chars().count();
        Error::usage(what.to_owned())
            .at(format!("--output, character {}", before + 1))
            .help("write such as 'y0 <= 10', 'y0 - y1 <= 0.5 and y1 >= 0', 'p[CLASS] >= 0.5'")
            .detail(self.text.to_owned())
            .detail(format!("{}^", " ".repeat(before)))
    }

    fn take(&mut self, token: &str) -> bool {
        self.space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn word(&mut self, word: &str) -> bool {
        self.space();
        let ends = |rest: &str| rest.chars().next().is_none_or(|c| !c.is_alphanumeric());
        let found = self.rest().strip_prefix(word).is_some_and(ends);
        if found {
            self.at += word.len();
        }
        found
    }

    fn all(&mut self) -> Result<Vec<Atom>> {
        let mut atoms = self.chain()?;
        while self.word("and") {
            atoms.extend(self.chain()?);
        }
        Ok(atoms)
    }

    /// `a <= b < c`: each comparison an atom.
    fn chain(&mut self) -> Result<Vec<Atom>> {
        let mut left = self.sum()?;
        let mut atoms = vec![];
        loop {
            let begin = self.at;
            let token = ["<=", ">=", "≤", "≥", "==", "<", ">", "="];
            let Some(token) = token.into_iter().find(|token| self.take(token)) else { break };
            let right = self.sum()?;
            let mut difference = left.clone();
            difference.add(right.clone(), -1.0);
            if difference.terms.iter().all(|(_, factor)| *factor == 0.0) {
                self.at = begin;
                return Err(self.bad("this comparison has no output"));
            }
            let (signs, strict): (&[f64], bool) = match token {
                "<=" | "≤" => (&[1.0], false),
                ">=" | "≥" => (&[-1.0], false),
                "<" => (&[1.0], true),
                ">" => (&[-1.0], true),
                _ => (&[1.0, -1.0], false), // not operations: equality is both
            };
            for sign in signs {
                let terms =
                    difference.terms.iter().map(|&(symbol, factor)| (symbol, sign * factor));
                let constant = sign * difference.constant;
                atoms.push(Atom { terms: terms.collect(), constant, strict });
            }
            left = right;
        }
        if atoms.is_empty() {
            return Err(self.bad("a comparison is missing: <=, >=, < or >"));
        }
        Ok(atoms)
    }

    fn sum(&mut self) -> Result<Sum> {
        let mut sum = Sum::default();
        let mut sign = if self.take("-") { -1.0 } else { 1.0 };
        loop {
            let product = self.product()?;
            sum.add(product, sign);
            sign = if self.take("+") {
                1.0
            } else if self.take("-") {
                -1.0
            } else {
                return Ok(sum);
            };
        }
    }

    fn product(&mut self) -> Result<Sum> {
        let mut product = self.factor()?;
        loop {
            self.space();
            let begin = self.at;
            let divides = self.take("/");
            if !divides && !self.take("*") {
                return Ok(product);
            }
            let other = self.factor()?;
            let (mut sum, factor) = match (product.terms.is_empty(), other.terms.is_empty()) {
                (_, true) if divides => (product, 1.0 / other.constant),
                (_, true) => (product, other.constant),
                (true, false) if !divides => (other, product.constant),
                (_, false) => {
                    self.at = begin;
                    return Err(self.bad("only sums of multiples are understood"));
                }
            };
            if !factor.is_finite() {
                self.at = begin;
                return Err(self.bad("this number is not finite"));
            }
            sum.constant *= factor;
            sum.terms.iter_mut().for_each(|term| term.1 *= factor);
            product = sum;
        }
    }

    fn factor(&mut self) -> Result<Sum> {
        self.space();
        if self.take("(") {
            let sum = self.sum()?;
            return if self.take(")") { Ok(sum) } else { Err(self.bad("a bracket is open")) };
        }
        if self.take("-") {
            let mut sum = Sum::default();
            sum.add(self.factor()?, -1.0);
            return Ok(sum);
        }
        if self.rest().starts_with(|c: char| c.is_ascii_digit() || c == '.') {
            return self.number();
        }
        let symbol = self.symbol()?;
        Ok(Sum { terms: vec![(symbol, 1.0)], constant: 0.0 })
    }

    fn number(&mut self) -> Result<Sum> {
        let rest = self.rest().as_bytes();
        let exponent = |at: usize| at > 0 && matches!(rest[at - 1], b'e' | b'E');
        let belongs = |at: &usize| {
            let byte = rest[*at];
            byte.is_ascii_digit()
                || matches!(byte, b'.' | b'e' | b'E')
                || (matches!(byte, b'+' | b'-') && exponent(*at))
        };
        let length = (0..rest.len()).take_while(belongs).count();
        let number = self.rest()[..length].parse::<f64>().ok().filter(|x| x.is_finite());
        let constant = number.ok_or_else(|| self.bad("this is no finite number"))?;
        self.at += length;
        Ok(Sum { terms: vec![], constant })
    }

    /// `y0`, `y[NAME]`, `p0`, `p[NAME]`, `x0`, `x[COLUMN]`, or a target's or a column's name where it is one word.
    fn symbol(&mut self) -> Result<Symbol> {
        self.space();
        let begin = self.at;
        let is_word = |c: char| c.is_alphanumeric() || c == '_';
        let length = self.rest().find(|c| !is_word(c)).unwrap_or(self.rest().len());
        let word = &self.rest()[..length];
        if word.is_empty() {
            return Err(self.bad("a number or a name such as y0 is missing"));
        }
        self.at += length;
        let names = self.names;
        let lower = word.to_ascii_lowercase();
        let (sort, digits) = lower.split_at(1.min(lower.len()));
        let digits = digits.strip_prefix('_').unwrap_or(digits);
        let inside = if matches!(word, "y" | "p" | "x" | "Y" | "X") && self.take("[") {
            let Some(end) = self.rest().find(']') else {
                return Err(self.bad("a bracket is open"));
            };
            let name = self.rest()[..end].trim();
            self.at += end + 1;
            Some(name)
        } else {
            None
        };
        let counted = inside.unwrap_or(digits).parse::<usize>().ok();
        let output = |name: &str| names.outputs.iter().position(|known| known == name);
        let input = |name: &str| names.inputs.iter().position(|known| *known == name);
        let found = match (sort, inside) {
            ("y", Some(name)) => output(name).or(counted).map(Symbol::Output),
            ("p", Some(name)) => output(name).or(counted).map(Symbol::Probability),
            ("x", Some(name)) => input(name).or(counted).map(Symbol::Input),
            (_, None) if output(word).is_some() && !names.classes => {
                output(word).map(Symbol::Output)
            }
            (_, None) if input(word).is_some() => input(word).map(Symbol::Input),
            ("y", None) => counted.map(Symbol::Output),
            ("p", None) => counted.map(Symbol::Probability),
            ("x", None) => counted.map(Symbol::Input),
            _ => None, // not operations: other words are no names
        };
        let there = match found {
            Some(Symbol::Output(at) | Symbol::Probability(at)) => at < names.count,
            Some(Symbol::Input(at)) => at < names.inputs.len(),
            None => false,
        };
        match found {
            Some(symbol) if there => Ok(symbol),
            Some(_) | None => {
                self.at = begin;
                let error = self.bad("there is no such output or input");
                let last = names.count.saturating_sub(1);
                Err(match names.outputs {
                    [] => error.detail(format!("the outputs are y0 to y{last}")),
                    outputs => {
                        error.detail(format!("the outputs are y[{}]", outputs.join("], y[")))
                    }
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(outputs: &[String]) -> Names<'_> {
        Names { inputs: vec!["age", "x1"], outputs, count: 3, classes: true }
    }

    #[test]
    fn statements_are_linear_comparisons() -> Result<()> {
        let classes = ["a".to_owned(), "b c".to_owned(), "d".to_owned()];
        let names = names(&classes);
        let read = |text: &str| read(text, &names);
        let atom = |terms: &[(Symbol, f64)], constant, strict| Atom {
            terms: terms.to_vec(),
            constant,
            strict,
        };
        let y = Symbol::Output;
        assert_eq!(read("y0 <= 10")?.any, [[atom(&[(y(0), 1.0)], -10.0, false)]]);
        assert_eq!(
            read("y[b c] > Y_0 - 1/2")?.any,
            [[atom(&[(y(1), -1.0), (y(0), 1.0)], -0.5, true)]]
        );
        let both = read("-1 <= y2 < 2*(age + 1)")?;
        let age = Symbol::Input(0);
        let second = atom(&[(y(2), 1.0), (age, -2.0)], -2.0, true);
        assert_eq!(both.any, [[atom(&[(y(2), -1.0)], -1.0, false), second]]);
        assert_eq!(read("p[a] >= 0.5 or y1 = 0")?.any.len(), 2);
        // Not (A or (B and C)) is not A, and not B or not C.
        assert_eq!(read("y0 <= 0 or y1 <= 0 and y2 <= 0")?.negated()?.len(), 2);
        assert!(read("y0 <= 0")?.negated()?[0][0].strict);
        for bad in [
            "",
            "y0",
            "y9 <= 1",
            "y0 <= ",
            "y0*y1 <= 1",
            "y0 <= 1e999",
            "y[z] > 0",
            "(y0 < 1",
            "1 < 2",
            "y0 < 1 y1",
            "y0/0 < 1",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
        Ok(())
    }
}
