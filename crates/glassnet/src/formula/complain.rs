//! What the parser says about words that it cannot use.

use super::fault::{fault, nearest};
use super::function::names;
use super::parse::{Parser, is_short_name};
use super::token::Word;
use crate::error::Error;

impl Parser<'_> {
    pub(super) fn unknown(&self, name: &str, called: bool, is_value: bool) -> Error {
        let range = self.range();
        if is_value {
            let what = format!("'{name}' is no function, but a bracket follows it");
            return fault(self.source, range, what).help(format!("write {name}*(…) for a product"));
        }
        let kind = if called { "function" } else { "name" };
        let error = fault(self.source, range, format!("unknown {kind} '{name}'"));
        let others = ["max", "min", "piecewise", "where", "pi"];
        let variables = self.variables.unwrap_or(&[]).iter().copied();
        let known = names().chain(others).map(|known| -> &str { known }).chain(variables);
        if let Some(near) = nearest(name, known) {
            return error.help(format!("did you mean '{near}'?"));
        }
        let letters: Vec<String> = name.chars().map(String::from).collect();
        let is_variable = |letter: &String| match self.variables {
            Some(known) => known.contains(&letter.as_str()) || letter == "e",
            None => is_short_name(letter) || letter == "e",
        };
        if !called && letters.len() == 2 && letters.iter().all(is_variable) {
            return error.help(format!("write {} for a product", letters.join("*")));
        }
        match self.variables {
            Some([only]) => error.help(format!("the variable is {only}")),
            Some(["z", "x"]) => error.help("the variable is z (or x)"),
            Some(known) => error.help(format!("the variables are {}", known.join(", "))),
            None if called => error.help("see the list of functions"),
            None => error.help("variables have one letter, perhaps with an index: z, b, w1"),
        }
    }

    pub(super) fn operand_missing(&self) -> Error {
        let range = self.range();
        let (what, help) = match self.word() {
            Word::End => ("the formula ends where a value was expected", "add it"),
            Word::Mark('{' | '}') => ("braces are not used in formulas", "use ( and )"),
            Word::Mark(')' | ']') => ("a value was expected before this bracket", "add it"),
            _ => ("a value was expected here", "add a number, a variable or a function"),
        };
        fault(self.source, range, what).help(help)
    }

    /// The error for a word that cannot follow a complete formula.
    pub(super) fn leftover(&self) -> Error {
        let range = self.range();
        let text = &self.source[range.clone()];
        let (what, help) = match self.word() {
            Word::Mark(')' | ']') => (format!("this '{text}' closes no bracket"), "remove it"),
            Word::Mark(',') => {
                ("a comma separates only a function's arguments".into(), "write 0.5, not 0,5")
            }
            Word::Mark('{' | '}') => ("braces are not used in formulas".into(), "use ( and )"),
            Word::Mark('=') => ("a formula has no equals sign".into(), "give its right side only"),
            Word::Relation(_) => (
                "a comparison stands only in a condition, once".into(),
                "write piecewise(z < 0, value, otherwise)",
            ),
            _ => (format!("'{text}' cannot stand here"), "write an operator before it"),
        };
        fault(self.source, range, what).help(help)
    }
}
