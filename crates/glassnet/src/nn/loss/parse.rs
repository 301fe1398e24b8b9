//! Reading the notation of losses.

use super::Criterion;
use super::arguments::Argument;
use crate::error::{Error, Result};
use crate::tensor::Tensor;

/// Lists of lists deeper than this are no weights of any loss.
const MAX_DEPTH: usize = 8;

impl Criterion {
    /// The loss that `text` names: a short name (`cross_entropy`, `mse`) or PyTorch's (`CrossEntropyLoss`, also after
    /// `nn.` or `torch.nn.`), with arguments by name in parentheses.
    ///
    /// Weights are lists of numbers: `weight=[1.0, 2.5]`, also inside `torch.tensor(…)`.
    ///
    /// # Errors
    /// A name, argument or value that there is not, pointed at by a caret; a value that [`Criterion::check`] refuses.
    ///
    /// ```
    /// use glassnet::nn::loss::Criterion;
    /// let loss = Criterion::parse("cross_entropy(weight=[1, 2.5], label_smoothing=0.1)")?;
    /// assert_eq!(
    ///     loss.to_string(),
    ///     "CrossEntropyLoss(weight=torch.tensor([1.0, 2.5]), label_smoothing=0.1)",
    /// );
    /// let error = Criterion::parse("HuberLoss(detla=2)").unwrap_err();
    /// assert_eq!(
    ///     error.to_string(),
    ///     "HuberLoss has no argument \"detla\"; column 11; it has reduction, delta\n  \
    ///      HuberLoss(detla=2)\n            ^^^^^",
    /// );
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn parse(text: &str) -> Result<Criterion> {
        let mut cursor = Cursor { text, at: 0 };
        let mut criterion = cursor.name()?;
        if cursor.eat("(") {
            let mut seen: Vec<&str> = vec![];
            while !cursor.eat(")") {
                if !seen.is_empty() {
                    cursor.expect(",")?;
                    if cursor.eat(")") {
                        break;
                    }
                }
                seen.push(cursor.argument(&mut criterion, &seen)?);
            }
        }
        cursor.skip_space();
        if cursor.at < text.len() {
            return Err(cursor.error(cursor.at, text.len(), "this does not belong to a loss"));
        }
        criterion.check()?;
        Ok(criterion)
    }
}

/// A position in the text, in bytes.
struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_space(&mut self) {
        self.at += self.rest().len() - self.rest().trim_start().len();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.skip_space();
        let found = self.rest().starts_with(token);
        if found {
            self.at += token.len();
        }
        found
    }

    fn expect(&mut self, token: &str) -> Result<()> {
        if self.eat(token) {
            return Ok(());
        }
        Err(self.error(self.at, self.at + 1, &format!("{token:?} is expected here")))
    }

    fn take_while(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        self.skip_space();
        let rest = self.rest();
        let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    fn word(&mut self) -> &'a str {
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_')
    }

    fn name(&mut self) -> Result<Criterion> {
        if !self.eat("torch.nn.") {
            self.eat("nn.");
        }
        self.skip_space();
        let start = self.at;
        let name = self.word();
        let known =
            Criterion::all().into_iter().find(|c| name == c.name() || name == c.short_name());
        known.ok_or_else(|| {
            let names: Vec<&str> = Criterion::all().iter().map(Criterion::short_name).collect();
            self.error(start, self.at, &format!("there is no loss {name:?}"))
                .help(format!("choose one of {}", names.join(", ")))
        })
    }

    /// Reads `name=value` into the criterion and returns the name.
    fn argument(&mut self, criterion: &mut Criterion, seen: &[&str]) -> Result<&'static str> {
        self.skip_space();
        let start = self.at;
        let name = self.word();
        let end = self.at;
        if name.is_empty() || !self.eat("=") {
            let end = if name.is_empty() { start + 1 } else { end };
            return Err(self
                .error(start, end, "a loss takes its arguments by name")
                .help("write name=value"));
        }
        let names: Vec<&'static str> =
            criterion.arguments().into_iter().map(|(name, _)| name).collect();
        let Some(&known) = names.iter().find(|known| **known == name) else {
            let what = format!("{} has no argument {name:?}", criterion.name());
            let error = self.error(start, end, &what);
            return Err(error.help(format!("it has {}", names.join(", "))));
        };
        if seen.contains(&known) {
            return Err(self.error(start, end, &format!("{name} is given twice")));
        }
        self.skip_space();
        let start = self.at;
        let value = self.value()?;
        criterion
            .set(known, value)
            .map_err(|error| self.error(start, self.at, &format!("{known}: {}", error.what())))?;
        Ok(known)
    }

    fn value(&mut self) -> Result<Argument> {
        self.skip_space();
        let start = self.at;
        match self.rest().chars().next() {
            Some(quote @ ('\'' | '"')) => {
                self.at += 1;
                let word = self.rest().split(quote).next().unwrap_or_default();
                self.at += word.len();
                if !self.rest().starts_with(quote) {
                    return Err(self.error(start, self.at, "the quoted text does not end"));
                }
                self.at += 1;
                Ok(Argument::Word(word.into()))
            }
            Some('[') => self.weights(),
            Some(c) if c.is_ascii_digit() || matches!(c, '-' | '+' | '.') => {
                let text = self.numeral();
                match text.parse() {
                    Ok(whole) => Ok(Argument::Integer(whole)),
                    Err(_) => self.finite(text, start).map(Argument::Number),
                }
            }
            Some(_) | None => {
                if self.eat("torch.tensor(") || self.eat("tensor(") {
                    let weights = self.weights()?;
                    self.expect(")")?;
                    return Ok(weights);
                }
                match self.word() {
                    "True" | "true" => Ok(Argument::Flag(true)),
                    "False" | "false" => Ok(Argument::Flag(false)),
                    "None" => Ok(Argument::Nothing),
                    "" => Err(self.error(start, start + 1, "a value is expected here")),
                    word => Ok(Argument::Word(word.into())),
                }
            }
        }
    }

    fn numeral(&mut self) -> &'a str {
        self.take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+'))
    }

    fn finite(&self, text: &str, start: usize) -> Result<f64> {
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.ok_or_else(|| self.error(start, self.at, &format!("{text:?} is no finite number")))
    }

    fn weights(&mut self) -> Result<Argument> {
        self.skip_space();
        let start = self.at;
        let mut values = vec![];
        let shape = self.list(&mut values, 0)?;
        let tensor =
            Tensor::new(shape, values).map_err(|error| self.error(start, self.at, error.what()))?;
        Ok(Argument::Numbers(tensor))
    }

    /// Reads a list or a number into `values` and returns its shape.
    fn list(&mut self, values: &mut Vec<f64>, depth: usize) -> Result<Vec<usize>> {
        self.skip_space();
        let start = self.at;
        if !self.eat("[") {
            let text = self.numeral();
            let end = self.at.max(start + 1);
            if text.is_empty() {
                return Err(self.error(start, end, "a number or a list is expected here"));
            }
            values.push(self.finite(text, start)?);
            return Ok(vec![]);
        }
        if depth == MAX_DEPTH {
            return Err(self.error(start, self.at, "lists are nested too deeply"));
        }
        let (mut length, mut inner) = (0, vec![]);
        while !self.eat("]") {
            if length > 0 {
                self.expect(",")?;
                if self.eat("]") {
                    break;
                }
            }
            self.skip_space();
            let item = self.at;
            let shape = self.list(values, depth + 1)?;
            if length > 0 && shape != inner {
                return Err(self.error(item, self.at, "the parts of a list differ in length"));
            }
            inner = shape;
            length += 1;
        }
        inner.insert(0, length);
        Ok(inner)
    }

    /// An error with a caret below `start..end`.
    fn error(&self, start: usize, end: usize, what: &str) -> Error {
        let before = self.text[..start].chars().count();
        let marked = self.text.get(start..end).map_or(1, |marked| marked.chars().count());
        Error::usage(what).at(format!("column {}", before + 1)).pointing(self.text, before, marked)
    }
}
