//! What is asserted: linear comparisons joined by `and` and `or`, and their disjunctive form.

use std::collections::BTreeMap;
use std::rc::Rc;

use glassnet::{Error, ErrorKind, Result};

use super::declare::Declared;
use super::tree::{Place, Tree};

/// The greatest number of conjunctions that a disjunction may become.
const MOST_CASES: usize = 1 << 16;
/// The greatest number of comparisons in all of them; the cases share those that they have in common.
const MOST_COMPARISONS: usize = 1 << 24;

/// An input or output by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Variable {
    Input(usize),
    Output(usize),
}

/// `Σ factors·variables + constant ≤ 0`.
#[derive(Clone, Debug)]
pub(super) struct Comparison {
    pub(super) factors: BTreeMap<Variable, f64>,
    pub(super) constant: f64,
    /// Whether it is `< 0`.
    pub(super) strict: bool,
    pub(super) place: Place,
}

/// Reads assertions about what is declared.
pub(super) struct Reader<'r> {
    pub(super) name: &'r str,
    pub(super) declared: &'r Declared,
}

impl Reader<'_> {
    /// The disjunction of conjunctions that `tree` is.
    pub(super) fn cases(&self, tree: &Tree<'_>) -> Result<Vec<Vec<Rc<Comparison>>>> {
        let Some((word, parts)) = tree.call() else {
            return Err(tree
                .place()
                .error(self.name, "a comparison, 'and' or 'or' is missing here"));
        };
        match word {
            // Nothing at all would hold by itself; who writes it has lost something.
            "and" | "or" if parts.is_empty() => {
                Err(tree.place().error(self.name, format!("{word} has no parts")))
            }
            "and" => {
                let mut cases = vec![vec![]];
                for part in parts {
                    cases = self.both(cases, self.cases(part)?, tree.place())?;
                }
                Ok(cases)
            }
            "or" => {
                let (mut cases, mut comparisons) = (vec![], 0);
                for part in parts {
                    let more = self.cases(part)?;
                    comparisons += more.iter().map(Vec::len).sum::<usize>();
                    cases.extend(more);
                    if cases.len() > MOST_CASES || comparisons > MOST_COMPARISONS {
                        return Err(self.too_many(tree.place()));
                    }
                }
                Ok(cases)
            }
            "<=" | ">=" | "=" | "==" | "<" | ">" | "!=" => {
                let [left, right] = parts else {
                    let what = format!("{word} compares two values, not {}", parts.len());
                    return Err(tree.place().error(self.name, what));
                };
                let strict = matches!(word, "<" | ">" | "!=");
                let less = |a: &Tree<'_>, b: &Tree<'_>| -> Result<Rc<Comparison>> {
                    let mut sum = self.linear(a)?;
                    sum.add(&self.linear(b)?, -1.0);
                    Ok(Rc::new(Comparison {
                        factors: sum.factors,
                        constant: sum.constant,
                        strict,
                        place: tree.place(),
                    }))
                };
                Ok(match word {
                    "<=" | "<" => vec![vec![less(left, right)?]],
                    ">=" | ">" => vec![vec![less(right, left)?]],
                    "!=" => vec![vec![less(left, right)?], vec![less(right, left)?]],
                    _ => vec![vec![less(left, right)?, less(right, left)?]], // not operations: equality
                })
            }
            other => Err(tree
                .place()
                .error(self.name, format!("{other:?} is no comparison, 'and' or 'or'"))
                .help("VNN-LIB has <=, >=, =, <, >, and, or")),
        }
    }

    /// Every pair of a case of `a` with one of `b`.
    pub(super) fn both(
        &self,
        mut a: Vec<Vec<Rc<Comparison>>>,
        mut b: Vec<Vec<Rc<Comparison>>>,
        place: Place,
    ) -> Result<Vec<Vec<Rc<Comparison>>>> {
        if let [only] = b.as_mut_slice() {
            // The usual case, in which nothing is copied.
            if let [own] = a.as_mut_slice() {
                own.append(only);
            } else {
                a.iter_mut().for_each(|own| own.extend(only.iter().cloned()));
            }
            self.within_limits(&a, place)?;
            return Ok(a);
        }
        let size = |cases: &[Vec<Rc<Comparison>>]| cases.iter().map(Vec::len).sum::<usize>();
        let comparisons =
            size(&a).saturating_mul(b.len()).saturating_add(size(&b).saturating_mul(a.len()));
        if a.len().saturating_mul(b.len()) > MOST_CASES || comparisons > MOST_COMPARISONS {
            return Err(self.too_many(place));
        }
        Ok(a.iter().flat_map(|a| b.iter().map(move |b| [a.as_slice(), b].concat())).collect())
    }

    fn within_limits(&self, cases: &[Vec<Rc<Comparison>>], place: Place) -> Result<()> {
        let comparisons: usize = cases.iter().map(Vec::len).sum();
        if cases.len() > MOST_CASES || comparisons > MOST_COMPARISONS {
            return Err(self.too_many(place));
        }
        Ok(())
    }

    fn too_many(&self, place: Place) -> Error {
        Error::new(
            ErrorKind::Limit,
            "the assertions have more than 65536 cases, or too many comparisons",
        )
        .at(format!("{}:{}:{}", self.name, place.line, place.column))
    }

    /// The linear expression that `tree` is.
    fn linear(&self, tree: &Tree<'_>) -> Result<Linear> {
        if let Tree::Word(word, place) = tree {
            return self.word(word, *place);
        }
        let Some((word, parts)) = tree.call() else {
            return Err(tree
                .place()
                .error(self.name, "a number, a variable, +, - or * is missing here"));
        };
        let mut values = Vec::with_capacity(parts.len());
        for part in parts {
            values.push(self.linear(part)?);
        }
        let Some((first, rest)) = values.split_first() else {
            return Err(tree.place().error(self.name, format!("{word:?} has no operands")));
        };
        let mut sum = first.clone();
        match word {
            "+" => rest.iter().for_each(|value| sum.add(value, 1.0)),
            "-" if rest.is_empty() => sum.scale(-1.0),
            "-" => rest.iter().for_each(|value| sum.add(value, -1.0)),
            "*" => {
                for value in rest {
                    if value.factors.is_empty() {
                        sum.scale(value.constant);
                    } else if sum.factors.is_empty() {
                        let factor = sum.constant;
                        sum = value.clone();
                        sum.scale(factor);
                    } else {
                        return Err(tree
                            .place()
                            .error(self.name, "a product of two variables is not linear"));
                    }
                }
            }
            other => {
                return Err(tree.place().error(self.name, format!("{other:?} is no +, - or *")));
            }
        }
        if sum.constant.is_nan() || sum.factors.values().any(|factor| !factor.is_finite()) {
            return Err(tree.place().error(self.name, "the expression is not finite"));
        }
        Ok(sum)
    }

    fn word(&self, word: &str, place: Place) -> Result<Linear> {
        if let Some(variable) = self.declared.variable(word, place, self.name)? {
            return Ok(Linear { factors: BTreeMap::from([(variable, 1.0)]), constant: 0.0 });
        }
        let lower = word.to_ascii_lowercase();
        let constant = match lower.trim_start_matches(['+', '-']) {
            "inf" | "infinity" if lower.starts_with('-') => f64::NEG_INFINITY,
            "inf" | "infinity" => f64::INFINITY,
            "nan" => return Err(place.error(self.name, "a bound is NaN")),
            _ => match word.parse::<f64>() {
                Ok(number) if number.is_finite() => number,
                Ok(_) => {
                    return Err(place.error(self.name, format!("{word} is too large for a float")));
                }
                Err(_) => {
                    return Err(place.error(
                        self.name,
                        format!(
                            "{word:?} is no number and no variable {}",
                            self.declared.such_as()
                        ),
                    ));
                }
            },
        };
        Ok(Linear { factors: BTreeMap::new(), constant })
    }
}

/// A sum of variables with factors and a constant.
#[derive(Clone, Debug)]
struct Linear {
    factors: BTreeMap<Variable, f64>,
    constant: f64,
}

impl Linear {
    fn add(&mut self, other: &Linear, sign: f64) {
        for (variable, factor) in &other.factors {
            *self.factors.entry(*variable).or_insert(0.0) += sign * factor;
        }
        self.factors.retain(|_, factor| *factor != 0.0);
        self.constant += sign * other.constant;
    }

    fn scale(&mut self, by: f64) {
        self.factors.values_mut().for_each(|factor| *factor *= by);
        self.factors.retain(|_, factor| *factor != 0.0);
        self.constant *= by;
    }
}
