//! Values by cases: `\begin{cases} … \end{cases}`, `piecewise(…)`, and `1 for z > 0, 0 for z < 0`.

use super::parse::{Parser, Part};
use super::token::Word;
use crate::error::Result;
use crate::formula::{Case, Comparison, Expression, Rational, Relation};

/// The variable that stands where a line gives no value. No line can name it.
pub(crate) const UNDEFINED: &str = "?";

/// A value and the comparisons that must all hold; none for 'otherwise'.
struct Row {
    value: Expression,
    conditions: Vec<Comparison>,
}

/// True for a word that opens a condition.
pub(super) fn is_condition_word(name: &str) -> bool {
    matches!(name, "for" | "if" | "when" | "where" | "otherwise" | "else" | "falls" | "sonst")
}

fn is_otherwise(words: &str) -> bool {
    matches!(words.trim().trim_end_matches('.'), "otherwise" | "else" | "sonst")
}

fn is_undefined(words: &str) -> bool {
    words.trim().starts_with("undef") || words.trim().starts_with("not defined")
}

impl Parser<'_> {
    pub(super) fn cases(&mut self) -> Result<Part> {
        let range = self.range();
        self.enter()?;
        self.advance();
        let mut rows = vec![];
        loop {
            if matches!(self.word(), Word::EndCases) {
                break;
            }
            rows.push(self.case_row()?);
            if matches!(self.word(), Word::Break) {
                self.advance();
                continue;
            }
            if !matches!(self.word(), Word::EndCases) {
                return Err(self.leftover());
            }
        }
        self.advance();
        self.nesting -= 1;
        self.joined(rows, range.start)
    }

    fn case_row(&mut self) -> Result<Row> {
        let value = match self.word().clone() {
            Word::Text(words) if is_undefined(&words) => {
                self.advance();
                Expression::variable(UNDEFINED)
            }
            _ => self.sum()?.tree,
        };
        self.accept(',');
        self.accept('&');
        self.accept(',');
        if let Word::Text(words) = self.word().clone() {
            self.advance();
            if is_otherwise(&words) {
                return Ok(Row { value, conditions: vec![] });
            }
        }
        self.condition_words(value)
    }

    /// The condition behind a value, with the words that open it.
    fn condition_words(&mut self, value: Expression) -> Result<Row> {
        while let Word::Name(name) = self.word().clone()
            && is_condition_word(&name)
        {
            self.advance();
            if is_otherwise(&name) {
                return Ok(Row { value, conditions: vec![] });
            }
        }
        if matches!(self.word(), Word::Break | Word::EndCases) {
            return Ok(Row { value, conditions: vec![] });
        }
        let conditions = self.conditions()?;
        Ok(Row { value, conditions })
    }

    /// `a < b`, `a < b <= c`, `a = b`.
    fn conditions(&mut self) -> Result<Vec<Comparison>> {
        let mut left = self.sum()?.tree;
        let mut found = vec![];
        loop {
            let relations = match *self.word() {
                Word::Relation(relation) => vec![relation],
                Word::Mark('=') => vec![Relation::LessEqual, Relation::GreaterEqual],
                _ if found.is_empty() => {
                    return Err(self
                        .fault(self.range(), "a condition such as z > 0 was expected")
                        .help("write the value, then & and its condition"));
                }
                _ => return Ok(found),
            };
            self.advance();
            let right = self.sum()?.tree;
            for relation in relations {
                found.push(Comparison { left: left.clone(), relation, right: right.clone() });
            }
            left = right;
        }
    }

    /// `value for condition, value for condition`: what `first` is, if such words follow it.
    pub(super) fn worded_cases(&mut self, first: Part) -> Result<Part> {
        let opens = |word: &Word| matches!(word, Word::Name(name) if is_condition_word(name));
        if !opens(self.word()) {
            return Ok(first);
        }
        let mut rows = vec![self.condition_words(first.tree)?];
        while self.accept(',') || self.accept(';') {
            if let Word::Name(name) = self.word().clone()
                && is_undefined(&name)
            {
                self.advance();
                rows.push(self.condition_words(Expression::variable(UNDEFINED))?);
                continue;
            }
            let value = self.sum()?.tree;
            rows.push(self.condition_words(value)?);
        }
        self.joined(rows, first.range.start)
    }

    /// `piecewise(z < 0, a, z > 3, b, otherwise)` as formulas write it.
    pub(super) fn piecewise(&mut self) -> Result<Part> {
        let range = self.range();
        self.advance();
        let rows = self.bracketed('(', |parser| {
            let mut rows = vec![];
            loop {
                let before = parser.next;
                let value = parser.sum()?;
                if !matches!(parser.word(), Word::Relation(_)) {
                    rows.push(Row { value: value.tree, conditions: vec![] });
                    return Ok(rows);
                }
                parser.next = before;
                let conditions = parser.conditions()?;
                if !parser.accept(',') {
                    return Err(parser.leftover());
                }
                rows.push(Row { value: parser.sum()?.tree, conditions });
                if !parser.accept(',') {
                    return Ok(rows);
                }
            }
        })?;
        self.joined(rows, range.start)
    }

    fn joined(&mut self, rows: Vec<Row>, start: usize) -> Result<Part> {
        let range = start..self.end();
        if rows.is_empty() {
            return Err(self
                .fault(range, "these cases are empty")
                .help("give values with conditions"));
        }
        let open = rows.last().is_some_and(|row| !row.conditions.is_empty());
        let bounds: Vec<Rational> = rows
            .iter()
            .flat_map(|row| &row.conditions)
            .flat_map(|condition| [&condition.left, &condition.right])
            .filter_map(Expression::rational)
            .collect();
        let otherwise = Expression::variable(UNDEFINED);
        let mut rows = rows;
        let complete = !open || self.covers(&rows, &bounds);
        if complete && let Some(last) = rows.last_mut() {
            last.conditions.clear();
        }
        let tree = rows.into_iter().rev().fold(otherwise, chosen);
        if !complete && let Some(gap) = self.gap(&tree, &bounds) {
            let what = format!("the cases say nothing where {gap}");
            return Err(self.fault(range, what).help("add the missing case"));
        }
        let depth = tree.depth();
        self.part(tree, depth, range)
    }

    /// True if the conditions hold for every value: tried at their bounds, between and beyond them.
    fn covers(&self, rows: &[Row], bounds: &[Rational]) -> bool {
        places(bounds).into_iter().all(|(place, _)| {
            let at = [(self.names.variable.as_str(), place)];
            rows.iter().any(|row| row.conditions.iter().all(|condition| holds(condition, &at)))
        })
    }

    /// Words for a stretch on which no case gives a value.
    fn gap(&self, tree: &Expression, bounds: &[Rational]) -> Option<String> {
        let name = self.names.variable.as_str();
        let lost = places(bounds).into_iter().find(|(place, single)| {
            let with = |other: f64| tree.evaluate(&[(name, *place), (UNDEFINED, other)]).ok();
            !single
                && matches!((with(1.25), with(-7.5)), (Some(a), Some(b)) if a == 1.25 && b == -7.5)
        });
        lost.map(|(place, _)| format!("{name} = {place}"))
    }
}

fn holds(condition: &Comparison, at: &[(&str, f64)]) -> bool {
    match (condition.left.evaluate(at), condition.right.evaluate(at)) {
        (Ok(left), Ok(right)) => condition.relation.holds(left, right),
        _ => false,
    }
}

/// The bounds, and places between and beyond them; whether each is a bound itself.
fn places(bounds: &[Rational]) -> Vec<(f64, bool)> {
    let mut ends: Vec<f64> = bounds.iter().map(|bound| bound.to_f64()).collect();
    ends.sort_by(f64::total_cmp);
    ends.dedup();
    let (Some(first), Some(last)) = (ends.first(), ends.last()) else {
        return (-40..=40).map(|i| (f64::from(i) * 0.37 + 0.011, false)).collect();
    };
    let mut places = vec![(first - 1.5, false), (last + 1.5, false)];
    places.extend(ends.iter().map(|end| (*end, true)));
    places.extend(ends.windows(2).map(|pair| ((pair[0] + pair[1]) / 2.0, false)));
    places
}

/// `row.value` where all of its conditions hold, else `rest`.
fn chosen(rest: Expression, row: Row) -> Expression {
    let mut conditions = row.conditions;
    if conditions.is_empty() {
        return row.value;
    }
    if conditions.len() == 1 {
        let case = Case { condition: conditions.remove(0), value: row.value };
        return match rest {
            Expression::Piecewise(mut cases, otherwise) => {
                cases.insert(0, case);
                Expression::Piecewise(cases, otherwise)
            }
            rest => Expression::Piecewise(vec![case], Box::new(rest)),
        };
    }
    // All of several conditions: the value where none of their opposites holds.
    let cases = conditions
        .into_iter()
        .map(|condition| {
            let relation = match condition.relation {
                Relation::Less => Relation::GreaterEqual,
                Relation::LessEqual => Relation::Greater,
                Relation::Greater => Relation::LessEqual,
                Relation::GreaterEqual => Relation::Less,
            };
            Case { condition: Comparison { relation, ..condition }, value: rest.clone() }
        })
        .collect();
    Expression::Piecewise(cases, Box::new(row.value))
}
