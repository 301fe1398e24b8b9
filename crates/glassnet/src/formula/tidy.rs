//! Light tidying: exact constants, `+ 0`, `·0`, `·1`, `/1`, `^1`, `^0`, and signs. Like terms are not collected, common
//! factors not cancelled, brackets not multiplied out: those are steps, and steps are shown.

use super::expression::{Expression, Sign, Term};
use super::number::{Number, Rational};

impl Expression {
    /// The formula with exact constants folded, and with no zero terms, unit factors or doubled signs.
    ///
    /// Factors of a product move only so far that its constants become one, in front. `0·a` is taken as 0 and
    /// `a^0` as 1 for every `a`.
    ///
    /// ```
    /// let formula = glassnet::formula::parse("0 + 1*z^(3-1)*2*0.1 - (-1)*0*z")?;
    /// assert_eq!(formula.tidy().to_string(), "0.2*z^2");
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn tidy(&self) -> Expression {
        let tidied = self.map_children(Expression::tidy);
        match tidied {
            Expression::Negative(value) => negative(*value),
            Expression::Sum(terms) => {
                sum(terms.into_iter().map(|term| (term.sign, term.value)).collect())
            }
            Expression::Product(factors) => product(factors),
            Expression::Quotient(numerator, denominator) => quotient(*numerator, *denominator),
            Expression::Power(base, exponent) => power(*base, *exponent),
            Expression::Piecewise(cases, otherwise) => piecewise(cases, *otherwise),
            Expression::Number(_)
            | Expression::Constant(_)
            | Expression::Variable(_)
            | Expression::Call(..)
            | Expression::Max(_)
            | Expression::Min(_) => tidied,
        }
    }
}

pub(super) fn zero() -> Expression {
    Expression::integer(0)
}

pub(super) fn one() -> Expression {
    Expression::integer(1)
}

pub(super) fn is_zero(tree: &Expression) -> bool {
    tree.rational() == Some(Rational::ZERO)
}

pub(super) fn is_one(tree: &Expression) -> bool {
    tree.rational() == Some(Rational::ONE)
}

/// True if a constant is written with a point or exponent; its results are then written so too.
fn is_decimal(tree: &Expression) -> bool {
    match tree {
        Expression::Number(number) => !number.is_integer_text(),
        Expression::Negative(value) => is_decimal(value),
        Expression::Quotient(left, right) => is_decimal(left) || is_decimal(right),
        Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Sum(_)
        | Expression::Product(_)
        | Expression::Power(..)
        | Expression::Call(..)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Piecewise(..) => false,
    }
}

fn constant(value: Rational, decimal: bool) -> Expression {
    let size = value.decimal().filter(|_| decimal).and_then(|text| Number::parse(&text));
    match size.map(Expression::Number) {
        Some(size) if value.numerator() < 0 => Expression::negative(size),
        Some(size) => size,
        None => Expression::from_rational(value),
    }
}

pub(super) fn negative(value: Expression) -> Expression {
    match value {
        Expression::Negative(inner) => *inner,
        value if is_zero(&value) => value,
        value => Expression::negative(value),
    }
}

/// Constants are added into the place of the first; zero terms go; a negative value flips its sign.
pub(super) fn sum(terms: Vec<(Sign, Expression)>) -> Expression {
    let mut kept: Vec<Term> = vec![];
    let mut folded: Option<(usize, Rational, bool)> = None;
    for (sign, value) in terms {
        if let Some(exact) = value.rational() {
            let exact = if sign == Sign::Plus { exact } else { exact.negative() };
            let decimal = is_decimal(&value);
            match folded {
                None => {
                    folded = Some((kept.len(), exact, decimal));
                    kept.push(Term { sign, value });
                    continue;
                }
                Some((place, total, decimals)) => {
                    if let Some(total) = total.plus(exact) {
                        let decimal = decimal || decimals;
                        folded = Some((place, total, decimal));
                        kept[place].value = constant(total, decimal);
                        kept[place].sign = Sign::Plus;
                        continue;
                    }
                }
            }
        }
        kept.push(Term { sign, value });
    }
    kept.retain(|term| !is_zero(&term.value));
    for term in &mut kept {
        if let Expression::Negative(inner) = &term.value {
            *term = Term { sign: term.sign.flipped(), value: inner.as_ref().clone() };
        }
    }
    match <[Term; 1]>::try_from(kept) {
        Err(kept) if kept.is_empty() => zero(),
        Err(kept) => Expression::Sum(kept),
        Ok([Term { sign: Sign::Plus, value }]) => value,
        Ok([Term { sign: Sign::Minus, value }]) => negative(value),
    }
}

/// Products within the product become its factors, constants become one in front, signs one before it.
pub(super) fn product(factors: Vec<Expression>) -> Expression {
    let mut flat = vec![];
    let mut minus = false;
    for factor in factors {
        let factor = match factor {
            Expression::Negative(inner) => {
                minus = !minus;
                *inner
            }
            factor => factor,
        };
        match factor {
            Expression::Product(inner) => flat.extend(inner),
            factor => flat.push(factor),
        }
    }
    let mut total = Rational::ONE;
    let mut decimal = false;
    let mut kept = vec![];
    for factor in flat {
        match factor.rational().and_then(|exact| total.times(exact)) {
            Some(next) => {
                decimal |= is_decimal(&factor);
                total = next;
            }
            None => kept.push(factor),
        }
    }
    if total.is_zero() {
        return zero();
    }
    if total.numerator() < 0 {
        minus = !minus;
        total = total.negative();
    }
    if total != Rational::ONE || kept.is_empty() {
        kept.insert(0, constant(total, decimal));
    }
    let size = if kept.len() == 1 { kept.remove(0) } else { Expression::Product(kept) };
    if minus { negative(size) } else { size }
}

pub(super) fn quotient(numerator: Expression, denominator: Expression) -> Expression {
    if is_one(&denominator) {
        return numerator;
    }
    if is_zero(&numerator) && !is_zero(&denominator) {
        return zero();
    }
    let exact = |tree: &Expression| tree.rational();
    let folded = exact(&numerator).zip(exact(&denominator)).and_then(|(a, b)| a.over(b));
    if let Some(value) = folded {
        return constant(value, is_decimal(&numerator) || is_decimal(&denominator));
    }
    match (numerator, denominator) {
        (Expression::Negative(a), Expression::Negative(b)) => Expression::Quotient(a, b),
        (Expression::Negative(a), b) => negative(Expression::quotient(*a, b)),
        (a, Expression::Negative(b)) => negative(Expression::quotient(a, *b)),
        (a, b) => Expression::quotient(a, b),
    }
}

pub(super) fn power(base: Expression, exponent: Expression) -> Expression {
    if is_one(&exponent) {
        return base;
    }
    if is_zero(&exponent) || is_one(&base) {
        return one();
    }
    Expression::power(base, exponent)
}

pub(super) fn piecewise(cases: Vec<super::expression::Case>, otherwise: Expression) -> Expression {
    match cases.iter().all(|case| case.value == otherwise) {
        true => otherwise,
        false => Expression::Piecewise(cases, Box::new(otherwise)),
    }
}
