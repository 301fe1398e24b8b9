//! What can be seen of a line: its terms, brackets, squares, powers, functions, numbers.

use super::term::{Monomial, collected, terms};
use crate::formula::{Constant, Expression, Function, Sign, Term};
use num_rational::BigRational;
use num_traits::{Signed, Zero};
use std::collections::{BTreeMap, BTreeSet};

/// The features by which steps are told apart.
pub(super) struct Shape {
    /// Products with sums in them, and powers of sums.
    pub(super) products: usize,
    /// Sums that are factors or bases of powers.
    pub(super) brackets: BTreeSet<String>,
    /// Sums that stand as terms of sums.
    pub(super) groups: usize,
    /// Squares of sums.
    pub(super) squares: usize,
    /// Products (a + b)(a − b).
    pub(super) conjugates: usize,
    /// Fractions, anywhere.
    pub(super) fractions: usize,
    /// Fractions that are terms of a fraction's numerator.
    pub(super) nested: usize,
    /// Fractions that are terms of the outermost sum.
    pub(super) top_fractions: usize,
    /// Terms of the outermost sum (of a numerator, if the line is a fraction), brackets in it opened.
    pub(super) written_terms: usize,
    /// Terms of the outermost sum (of a numerator, if the line is a fraction).
    pub(super) outer_terms: usize,
    /// Bases with their exponents, as written.
    pub(super) powers: Vec<String>,
    /// Numbers and signs as written.
    pub(super) numbers: Vec<String>,
    /// Calls of functions other than exp.
    pub(super) names: BTreeSet<String>,
    /// The variables.
    pub(super) variables: Vec<String>,
    /// The terms after multiplying out, if there are not too many.
    pub(super) terms: Option<Terms>,
}

/// The terms of a line, multiplied out.
pub(super) struct Terms {
    /// All terms that are not zero: what they are made of and their coefficients, sorted.
    pub(super) listed: Vec<(String, BigRational)>,
    /// The same, like terms added up.
    pub(super) collected: Vec<(String, BigRational)>,
    /// How much of a term stands with both signs.
    pub(super) cancelling: BTreeMap<String, BigRational>,
}

/// A term's key whose bases are independent of the order in which they are written.
fn key(term: &Monomial) -> String {
    let mut sorted = term.clone();
    for (base, _) in &mut sorted.factors {
        *base = sorted_tree(base);
    }
    sorted.key()
}

impl Terms {
    fn of(tree: &Expression) -> Option<Terms> {
        let all = terms(tree)?;
        let pairs = |terms: &[Monomial]| {
            let mut pairs: Vec<(String, BigRational)> = terms
                .iter()
                .filter(|term| !term.coefficient.is_zero())
                .map(|term| (key(term), term.coefficient.clone()))
                .collect();
            pairs.sort();
            pairs
        };
        let listed = pairs(&all);
        let mut signed: BTreeMap<String, (BigRational, BigRational)> = BTreeMap::new();
        for (key, coefficient) in &listed {
            let zero = || (BigRational::zero(), BigRational::zero());
            let own = signed.entry(key.clone()).or_insert_with(zero);
            match coefficient.is_negative() {
                true => own.1 -= coefficient,
                false => own.0 += coefficient,
            }
        }
        let cancelling = signed.into_iter().map(|(key, (up, down))| (key, up.min(down)));
        let cancelling = cancelling.filter(|(_, size)| !size.is_zero()).collect();
        Some(Terms { listed, collected: pairs(&collected(&all)), cancelling })
    }
}

impl Shape {
    pub(super) fn of(tree: &Expression) -> Shape {
        let mut shape = Shape {
            products: 0,
            brackets: BTreeSet::new(),
            groups: 0,
            squares: 0,
            conjugates: 0,
            fractions: 0,
            nested: 0,
            top_fractions: 0,
            written_terms: written_terms(tree),
            outer_terms: match tree {
                Expression::Quotient(top, _) => outer_terms(top),
                tree => outer_terms(tree),
            },
            powers: vec![],
            numbers: vec![],
            names: BTreeSet::new(),
            variables: tree.variables(),
            terms: Terms::of(tree),
        };
        let fraction = |tree: &Expression| matches!(tree, Expression::Quotient(..));
        shape.top_fractions = match tree {
            Expression::Sum(terms) => terms.iter().filter(|term| fraction(&term.value)).count(),
            tree => usize::from(fraction(tree)),
        };
        shape.visit(tree);
        shape.powers.sort();
        shape.numbers.sort();
        shape
    }

    fn visit(&mut self, tree: &Expression) {
        let is_sum = |tree: &Expression| matches!(tree, Expression::Sum(_));
        match tree {
            Expression::Sum(terms) => {
                self.groups += terms.iter().filter(|term| is_sum(&term.value)).count();
                let minus = terms.iter().filter(|term| term.sign == Sign::Minus).count();
                self.numbers.extend(std::iter::repeat_n("-".to_string(), minus));
            }
            Expression::Negative(value) => {
                self.groups += usize::from(is_sum(value));
                self.numbers.push("-".into());
            }
            Expression::Product(parts) => {
                let sums: Vec<&Expression> = parts.iter().filter(|part| is_sum(part)).collect();
                self.products += sums.len();
                self.brackets.extend(sums.iter().map(|sum| canonical(sum)));
                for (i, left) in sums.iter().enumerate() {
                    self.conjugates +=
                        sums[i + 1..].iter().filter(|right| conjugate(left, right)).count();
                }
            }
            Expression::Quotient(top, _) => {
                self.fractions += 1;
                if let Expression::Sum(terms) = top.as_ref() {
                    let fraction = |term: &&Term| matches!(term.value, Expression::Quotient(..));
                    self.nested += terms.iter().filter(fraction).count();
                }
            }
            Expression::Power(base, exponent) => {
                let count = exponent.rational().filter(|n| n.denominator() == 1);
                if is_sum(base) {
                    self.brackets.insert(canonical(base));
                }
                if is_sum(base)
                    && let Some(count) = count.filter(|n| n.numerator().abs() >= 2)
                {
                    self.products += count.numerator().abs().min(9) as usize;
                    self.squares += usize::from(count.numerator().abs() == 2);
                }
                self.powers.push(format!("{base}^{exponent}"));
            }
            Expression::Call(Function::Exp, argument) => self.powers.push(format!("e^{argument}")),
            Expression::Call(Function::Sqrt, argument) => self.powers.push(format!("√{argument}")),
            Expression::Call(function, argument) => {
                self.names.insert(format!("{}({})", function.name(), sorted_tree(argument)));
            }
            Expression::Number(number) => self.numbers.push(number.as_str().into()),
            Expression::Constant(_)
            | Expression::Variable(_)
            | Expression::Max(_)
            | Expression::Min(_)
            | Expression::Piecewise(..) => {}
        }
        tree.children().into_iter().for_each(|child| self.visit(child));
    }
}

fn outer_terms(tree: &Expression) -> usize {
    match tree {
        Expression::Sum(terms) => terms.len(),
        _ => 1,
    }
}

/// Terms of the outermost sum, brackets in it opened, looking through signs, fractions and numbers in front.
fn written_terms(tree: &Expression) -> usize {
    match tree {
        Expression::Sum(terms) => terms.iter().map(|term| written_terms(&term.value)).sum(),
        Expression::Negative(value) => written_terms(value),
        Expression::Quotient(top, _) => written_terms(top),
        Expression::Product(parts) if parts.len() == 2 && parts[0].rational().is_some() => {
            written_terms(&parts[1])
        }
        _ => 1,
    }
}

/// (a + b) and (a − b)
fn conjugate(left: &Expression, right: &Expression) -> bool {
    let (Expression::Sum(left), Expression::Sum(right)) = (left, right) else { return false };
    let same = |a: &Term| right.iter().any(|b| a == b);
    let opposite = |a: &Term| right.iter().any(|b| a.value == b.value && a.sign != b.sign);
    left.len() == right.len()
        && left.iter().all(|term| same(term) || opposite(term))
        && left.iter().any(opposite)
        && left.iter().any(same)
}

/// The tree with terms and factors in a fixed order.
fn sorted_tree(tree: &Expression) -> Expression {
    match tree.map_children(sorted_tree) {
        Expression::Sum(mut terms) => {
            terms.sort_by_cached_key(|term| (term.value.to_string(), term.sign as u8));
            Expression::Sum(terms)
        }
        Expression::Product(mut parts) => {
            parts.sort_by_cached_key(ToString::to_string);
            Expression::Product(parts)
        }
        other => other,
    }
}

/// The line as text that does not depend on the order of terms and factors.
pub(super) fn canonical(tree: &Expression) -> String {
    sorted_tree(tree).to_string()
}

/// The factors of a line with whole exponents, each as written; sums are factors.
pub(super) fn listed(tree: &Expression) -> Vec<(String, i64)> {
    fn collect(tree: &Expression, exponent: i64, list: &mut Vec<(String, i64)>) {
        match tree {
            Expression::Product(parts) => {
                parts.iter().for_each(|part| collect(part, exponent, list));
            }
            Expression::Quotient(top, bottom) => {
                collect(top, exponent, list);
                collect(bottom, -exponent, list);
            }
            Expression::Negative(value) => collect(value, exponent, list),
            Expression::Power(base, own) if **base != Expression::Constant(Constant::E) => {
                let whole = own.rational().filter(|n| n.denominator() == 1);
                match whole.and_then(|n| i64::try_from(n.numerator()).ok()) {
                    Some(count) if count.abs() < 1000 => collect(base, exponent * count, list),
                    _ => list.push((canonical(tree), exponent)),
                }
            }
            Expression::Number(number) if number.as_str() == "1" => {}
            other => list.push((canonical(other), exponent)),
        }
    }
    let mut list = vec![];
    collect(tree, 1, &mut list);
    list
}

/// The smallest parts of two lines in which they differ, as far as they have the same build.
pub(super) fn focus(from: &Expression, to: &Expression) -> (Expression, Expression) {
    let narrowed = match (from, to) {
        (Expression::Sum(a), Expression::Sum(b)) => narrow(a, b).map(|(a, b)| (sum(a), sum(b))),
        (Expression::Product(a), Expression::Product(b)) => {
            narrow(a, b).map(|(a, b)| (product(a), product(b)))
        }
        (Expression::Negative(a), Expression::Negative(b)) => Some(((**a).clone(), (**b).clone())),
        (Expression::Quotient(a, c), Expression::Quotient(b, d)) if c == d => {
            Some(((**a).clone(), (**b).clone()))
        }
        (Expression::Quotient(a, c), Expression::Quotient(b, d)) if a == b => {
            Some(((**c).clone(), (**d).clone()))
        }
        (Expression::Power(a, m), Expression::Power(b, n)) if m == n => {
            Some(((**a).clone(), (**b).clone()))
        }
        (Expression::Power(a, m), Expression::Power(b, n)) if a == b => {
            Some(((**m).clone(), (**n).clone()))
        }
        (Expression::Call(f, a), Expression::Call(g, b)) if f == g => {
            Some(((**a).clone(), (**b).clone()))
        }
        _ => None,
    };
    match narrowed {
        Some((a, b)) if a != b => focus(&a, &b),
        _ => (from.clone(), to.clone()),
    }
}

/// What is left of two lists without what they share, if they share anything and both have something left.
fn narrow<T: Clone + PartialEq>(left: &[T], right: &[T]) -> Option<(Vec<T>, Vec<T>)> {
    let mut rest = right.to_vec();
    let mut own = vec![];
    for item in left {
        match rest.iter().position(|other| other == item) {
            Some(place) => {
                rest.remove(place);
            }
            None => own.push(item.clone()),
        }
    }
    let shared = own.len() < left.len();
    let single = left.len() == 1 && right.len() == 1;
    ((shared || single) && !own.is_empty() && !rest.is_empty()).then_some((own, rest))
}

fn sum(mut terms: Vec<Term>) -> Expression {
    match terms.len() {
        1 => {
            let Term { sign, value } = terms.remove(0);
            if sign == Sign::Plus { value } else { Expression::negative(value) }
        }
        _ => Expression::Sum(terms),
    }
}

fn product(mut parts: Vec<Expression>) -> Expression {
    if parts.len() == 1 { parts.remove(0) } else { Expression::Product(parts) }
}
