//! Rows as statements, and statements as sides of equations, by their words alone.

use super::rows::Row;
use super::token::{Token, Word};
use super::{calls, cases};

/// A side of an equation, before it is parsed.
pub(super) struct Side<'a> {
    pub(super) tokens: &'a [Token],
    pub(super) approximate: bool,
}

/// Rows whose first word goes on with a sum or product belong to the row above.
pub(super) fn joined(rows: &[Row], tokens: Vec<Vec<Token>>) -> Vec<(usize, Vec<Token>)> {
    let mut found: Vec<(usize, Vec<Token>)> = vec![];
    for (row, tokens) in tokens.into_iter().enumerate() {
        let first = tokens.iter().find(|token| token.word != Word::Mark('&'));
        let goes_on = !rows[row].opens
            && matches!(first, Some(Token { word: Word::Mark('+' | '-' | '*' | '/'), .. }));
        match found.last_mut() {
            Some((_, before)) if goes_on => {
                before.pop();
                before.extend(tokens.into_iter().skip_while(|token| token.word == Word::Mark('&')));
            }
            _ => found.push((row, tokens)),
        }
    }
    found
}

/// The variable that a row's derivatives are taken by, if it has any.
pub(super) fn variable_of(tokens: &[Token]) -> Option<String> {
    let name = |i: usize| match tokens.get(i).map(|token| &token.word) {
        Some(Word::Name(name)) => Some(name.as_str()),
        _ => None,
    };
    let mark = |i: usize, wanted: &str| match tokens.get(i).map(|token| &token.word) {
        Some(Word::Mark(mark)) => wanted.contains(*mark),
        _ => false,
    };
    for i in 1..tokens.len() {
        let Some(own) = name(i) else { continue };
        // A brace opens a denominator only behind the one that closes the numerator.
        if mark(i - 1, "/") || (mark(i - 1, "{") && i >= 2 && mark(i - 2, "}")) {
            if own.chars().count() == 2
                && let Some(variable) = own.strip_prefix('d')
                && (mark(i - 1, "/") || mark(i + 1, "}^"))
            {
                return Some(variable.into());
            }
            let next = name(i + 1).filter(|next| calls::is_letter(next));
            let closed = mark(i - 1, "/") || mark(i + 2, "}^");
            if let (true, "d" | "∂", Some(variable)) = (closed, own, next) {
                return Some(variable.into());
            }
        }
        // f'(x)
        if calls::is_letter(own)
            && mark(i - 1, "(")
            && mark(i + 1, ")")
            && i >= 3
            && mark(i - 2, "'\"")
        {
            return Some(own.into());
        }
    }
    None
}

/// How much deeper a word makes what follows.
fn depth_change(word: &Word) -> i32 {
    match word {
        Word::Mark('(' | '[' | '{' | '⟨') | Word::BeginCases => 1,
        Word::Mark(')' | ']' | '}' | '⟩') | Word::EndCases => -1,
        Word::Number(_)
        | Word::Name(_)
        | Word::Raised(..)
        | Word::Mark(_)
        | Word::Relation(_)
        | Word::Fraction
        | Word::Root
        | Word::Break
        | Word::Quad
        | Word::Text(_)
        | Word::End => 0,
    }
}

/// A row's statements: parted by wide spaces, commas between equations, and cells that begin anew.
pub(super) fn statements(tokens: &[Token]) -> Vec<&[Token]> {
    let mut found = vec![];
    let (mut start, mut depth) = (0, 0i32);
    let is_equals = |token: Option<&Token>| {
        matches!(token.map(|token| &token.word), Some(Word::Mark('=' | '≈' | '&')))
    };
    for (i, token) in tokens.iter().enumerate() {
        depth += depth_change(&token.word);
        if depth > 0 {
            continue;
        }
        let next = tokens[i + 1..].iter().find(|token| token.word != Word::Mark('&'));
        let parts = match token.word {
            Word::Quad => !is_equals(next) && !is_joining(next),
            // A comma parts equations; behind a value with a condition it parts cases.
            Word::Mark(',' | ';') => {
                let rest = &tokens[i + 1..];
                let end = rest
                    .iter()
                    .position(|token| matches!(token.word, Word::Quad | Word::Mark(',' | ';')));
                let upcoming = &rest[..end.unwrap_or(rest.len())];
                let equals = upcoming.iter().position(|token| is_equals(Some(token)));
                let words = upcoming.iter().position(opens_condition);
                upcoming.is_empty()
                    || equals.is_some_and(|equals| words.is_none_or(|words| equals < words))
            }
            Word::Mark('&') => {
                let before = tokens[start..i].last();
                before.is_some()
                    && !is_equals(before)
                    && !is_equals(next)
                    && !is_joining(next)
                    && next.is_some()
            }
            _ => false,
        };
        if parts {
            found.push(&tokens[start..i]);
            start = i + 1;
        }
    }
    found.push(&tokens[start..]);
    found
}

/// True for a word that goes on with what stands before it.
fn is_joining(token: Option<&Token>) -> bool {
    matches!(token.map(|token| &token.word), Some(Word::Mark('+' | '-' | '*' | '/')))
}

/// True for a word such as 'for', behind which '=' belongs to a condition.
fn opens_condition(token: &Token) -> bool {
    matches!(&token.word, Word::Name(name) if cases::is_condition_word(name))
}

/// The statement without the marks of cells and wide spaces outside of cases.
pub(super) fn without_cells(tokens: &[Token]) -> Vec<Token> {
    let mut depth = 0i32;
    tokens
        .iter()
        .filter(|token| {
            depth += depth_change(&token.word);
            depth > 0 || !matches!(token.word, Word::Mark('&' | '.' | ':') | Word::Quad)
        })
        .cloned()
        .collect()
}

pub(super) fn sides(tokens: &[Token]) -> Vec<Side<'_>> {
    let mut found = vec![];
    let (mut start, mut depth, mut approximate) = (0, 0i32, false);
    let mut condition = false;
    for (i, token) in tokens.iter().enumerate() {
        depth += depth_change(&token.word);
        condition = match token.word {
            Word::Mark(',' | ';') => false,
            _ => condition || opens_condition(token),
        };
        if depth <= 0
            && !condition
            && let Word::Mark(sign @ ('=' | '≈')) = token.word
        {
            found.push(Side { tokens: &tokens[start..i], approximate });
            start = i + 1;
            approximate = sign == '≈';
        }
    }
    found.push(Side { tokens: &tokens[start..], approximate });
    found
}
