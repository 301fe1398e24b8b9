//! The first line: the outermost rule applied, with the derivatives of the parts put in.

use super::rule::Rule;
use super::term::neat;
use crate::formula::{Constant, Expression, Function, Sign, Term};

/// What the outermost rule makes of d/dz of a formula.
pub(super) struct First {
    pub(super) rule: Rule,
    pub(super) line: Expression,
}

/// Derivatives of parts: `of` gives the derivative of a part, and remembers how it came about if that is worth a line.
pub(super) trait Slopes {
    fn of(&mut self, part: &Expression) -> Option<Expression>;
}

fn is_variable(tree: &Expression, variable: &str) -> bool {
    matches!(tree, Expression::Variable(name) if name == variable)
}

/// True if the derivative needs no line of its own: numbers, the variable, powers of it, e^(a·z + b), a named function
/// of the variable, and sums and multiples of such.
pub(super) fn is_elementary(tree: &Expression, variable: &str) -> bool {
    if !tree.contains(variable) {
        return true;
    }
    let elementary = |tree: &Expression| is_elementary(tree, variable);
    let constant = |tree: &Expression| !tree.contains(variable);
    match tree {
        Expression::Number(_) | Expression::Constant(_) | Expression::Variable(_) => true,
        Expression::Negative(value) => elementary(value),
        Expression::Sum(terms) => terms.iter().all(|term| elementary(&term.value)),
        Expression::Product(parts) => {
            let mut dependent = parts.iter().filter(|part| !constant(part));
            dependent.next().is_none_or(elementary) && dependent.next().is_none()
        }
        Expression::Quotient(top, bottom) => {
            elementary(top) && constant(bottom) || constant(top) && is_variable(bottom, variable)
        }
        Expression::Power(base, exponent) => {
            is_variable(base, variable) && constant(exponent)
                || **base == Expression::Constant(Constant::E) && is_linear(exponent, variable)
        }
        Expression::Call(Function::Exp, argument) => is_linear(argument, variable),
        Expression::Call(_, argument) => is_variable(argument, variable),
        Expression::Max(_) | Expression::Min(_) | Expression::Piecewise(..) => false,
    }
}

fn is_linear(tree: &Expression, variable: &str) -> bool {
    match tree {
        Expression::Negative(value) => is_linear(value, variable),
        Expression::Sum(terms) => terms.iter().all(|term| is_linear(&term.value, variable)),
        Expression::Product(parts) => {
            let mut dependent = parts.iter().filter(|part| part.contains(variable));
            dependent.next().is_none_or(|part| is_variable(part, variable))
                && dependent.next().is_none()
        }
        Expression::Quotient(top, bottom) => is_linear(top, variable) && !bottom.contains(variable),
        tree => is_variable(tree, variable) || !tree.contains(variable),
    }
}

/// Factors side by side, products within opened, factors of one left out.
fn product(parts: Vec<Expression>) -> Expression {
    let mut flat = vec![];
    for part in parts {
        match part {
            Expression::Product(inner) => flat.extend(inner),
            part => flat.push(part),
        }
    }
    if flat.len() > 1 {
        flat.retain(|part| *part != Expression::integer(1));
    }
    match flat.len() {
        0 => Expression::integer(1),
        1 => flat.remove(0),
        _ => Expression::Product(flat),
    }
}

/// Terms side by side without those that are zero.
pub(super) fn sum(terms: Vec<Term>) -> Expression {
    let zero = Expression::integer(0);
    let mut kept: Vec<Term> = terms.into_iter().filter(|term| term.value != zero).collect();
    for term in &mut kept {
        if let Expression::Negative(value) = &term.value {
            *term = Term { sign: term.sign.flipped(), value: value.as_ref().clone() };
        }
    }
    match kept.len() {
        0 => zero,
        1 => {
            let Term { sign, value } = kept.remove(0);
            if sign == Sign::Plus { value } else { Expression::negative(value) }
        }
        _ => Expression::Sum(kept),
    }
}

fn one_less(exponent: &Expression) -> Expression {
    let terms = vec![
        Term { sign: Sign::Plus, value: exponent.clone() },
        Term { sign: Sign::Minus, value: Expression::integer(1) },
    ];
    Expression::Sum(terms).tidy()
}

/// The first line of d/d`variable` of `tree`; `None` if it cannot be written down.
pub(super) fn first(tree: &Expression, variable: &str, slopes: &mut dyn Slopes) -> Option<First> {
    let made = |rule, line| Some(First { rule, line });
    if !tree.contains(variable) {
        return made(Rule::Constant, Expression::integer(0));
    }
    match tree {
        Expression::Variable(_) => made(Rule::Constant, Expression::integer(1)),
        Expression::Negative(value) => {
            let slope = slopes.of(value)?;
            made(Rule::ConstantFactor, Expression::negative(slope))
        }
        Expression::Sum(terms) => {
            let mut own = vec![];
            for term in terms {
                own.push(Term { sign: term.sign, value: slopes.of(&term.value)? });
            }
            made(Rule::Sum, sum(own))
        }
        Expression::Product(parts) => {
            let (dependent, constant): (Vec<_>, Vec<_>) =
                parts.iter().cloned().partition(|part| part.contains(variable));
            if !constant.is_empty() {
                let slope = slopes.of(&product(dependent))?;
                return made(
                    Rule::ConstantFactor,
                    product(constant.into_iter().chain([slope]).collect()),
                );
            }
            let mut terms = vec![];
            for (i, part) in dependent.iter().enumerate() {
                let slope = slopes.of(part)?;
                let factors = dependent.iter().enumerate();
                let factors =
                    factors.map(|(j, own)| if i == j { slope.clone() } else { own.clone() });
                terms.push(Term { sign: Sign::Plus, value: product(factors.collect()) });
            }
            made(Rule::Product, sum(terms))
        }
        Expression::Quotient(top, bottom) => quotient(top, bottom, variable, slopes),
        Expression::Power(base, exponent) => power(base, exponent, variable, slopes),
        Expression::Call(function, argument) => {
            let outer = neat(&function.derivative().substitute("z", argument));
            if is_variable(argument, variable) {
                let rule = match function {
                    Function::Exp => Rule::Exponential,
                    Function::Log | Function::Log2 | Function::Log10 => Rule::Logarithm,
                    _ => Rule::Known,
                };
                return made(rule, outer);
            }
            let slope = slopes.of(argument)?;
            let line = match function {
                Function::Exp => product(vec![slope, outer]),
                _ => product(vec![outer, slope]),
            };
            made(
                if *function == Function::Exp && is_linear(argument, variable) {
                    Rule::Exponential
                } else {
                    Rule::Chain
                },
                line,
            )
        }
        // The derivative of the case that holds.
        Expression::Max(_) | Expression::Min(_) | Expression::Piecewise(..) => {
            made(Rule::Known, tree.differentiate(variable).ok()?)
        }
        Expression::Number(_) | Expression::Constant(_) => None,
    }
}

fn quotient(
    top: &Expression,
    bottom: &Expression,
    variable: &str,
    slopes: &mut dyn Slopes,
) -> Option<First> {
    let made = |rule, line| Some(First { rule, line });
    if !bottom.contains(variable) {
        let slope = slopes.of(top)?;
        return made(Rule::ConstantFactor, Expression::quotient(slope, bottom.clone()));
    }
    if !top.contains(variable) {
        // c/q = c·q⁻¹, c/zⁿ = c·z⁻ⁿ, c/√q = c·q^(−1/2)
        let (base, exponent) = match bottom {
            Expression::Power(base, exponent)
                if !exponent.contains(variable) && exponent.rational().is_some() =>
            {
                (base.as_ref(), exponent.as_ref().clone())
            }
            Expression::Call(Function::Sqrt, base) => {
                let half = Expression::quotient(Expression::integer(1), Expression::integer(2));
                (base.as_ref(), half)
            }
            bottom => (bottom, Expression::integer(1)),
        };
        let minus = Expression::negative(exponent).tidy();
        let lower = Expression::power(base.clone(), one_less(&minus));
        let slope = slopes.of(base)?;
        let rule = if is_variable(base, variable) { Rule::Power } else { Rule::Chain };
        let line = match *top == Expression::integer(1) {
            true => vec![minus, lower, slope],
            false => vec![top.clone(), minus, lower, slope],
        };
        return made(rule, product(line));
    }
    let (top_slope, bottom_slope) = (slopes.of(top)?, slopes.of(bottom)?);
    let left = product(vec![top_slope, bottom.clone()]);
    let right = product(vec![top.clone(), bottom_slope]);
    let zero = |tree: &Expression| *tree == Expression::integer(0);
    let mut terms = vec![];
    if !zero(&left) {
        terms.push(Term { sign: Sign::Plus, value: left });
    }
    if !zero(&right) {
        terms.push(Term { sign: Sign::Minus, value: right });
    }
    let numerator = match terms.len() {
        2 => Expression::Sum(terms),
        _ => sum(terms),
    };
    let square = Expression::power(bottom.clone(), Expression::integer(2));
    made(Rule::Quotient, Expression::quotient(numerator, square))
}

fn power(
    base: &Expression,
    exponent: &Expression,
    variable: &str,
    slopes: &mut dyn Slopes,
) -> Option<First> {
    let made = |rule, line| Some(First { rule, line });
    let own = Expression::power(base.clone(), exponent.clone());
    match (base.contains(variable), exponent.contains(variable)) {
        (true, false) => {
            let less = one_less(exponent);
            let lower = match less.rational() {
                Some(one) if one == crate::formula::Rational::ONE => base.clone(),
                _ => Expression::power(base.clone(), less),
            };
            let rule = if is_variable(base, variable) { Rule::Power } else { Rule::Chain };
            let slope = slopes.of(base)?;
            made(rule, product(vec![exponent.clone(), lower, slope]))
        }
        (false, true) => {
            let slope = slopes.of(exponent)?;
            let mut parts = vec![slope, own];
            if *base != Expression::Constant(Constant::E) {
                parts.push(Expression::call(Function::Log, base.clone()));
            }
            made(Rule::Exponential, product(parts))
        }
        (true, true) => {
            // u^v = e^{v ln u}
            let log = Expression::call(Function::Log, base.clone());
            let slope = slopes.of(&Expression::Product(vec![exponent.clone(), log]))?;
            made(Rule::Exponential, product(vec![own, slope]))
        }
        (false, false) => made(Rule::Constant, Expression::integer(0)),
    }
}
