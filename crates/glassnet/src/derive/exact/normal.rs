//! A formula in lowest terms, as a product of factors: what collecting, factoring and cancelling can reach.

use super::convert::Converter;
use super::field::{Field, Generator, integer};
use super::pieces::constant;
use super::polynomial::{Monomial, Polynomial};
use crate::formula::{Constant, Expression, Function, Sign, Term};
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, Zero};
use std::collections::HashMap;

/// Functions stand for themselves while the formula is put into lowest terms.
#[derive(Default)]
struct Names {
    atoms: Vec<Expression>,
    power_of_e: bool,
}

impl Names {
    /// The formula with a variable in place of every function but exp.
    fn hidden(&mut self, tree: &Expression) -> Expression {
        match tree {
            Expression::Call(Function::Exp, _) => tree.map_children(|child| self.hidden(child)),
            Expression::Power(base, _) if **base == Expression::Constant(Constant::E) => {
                self.power_of_e = true;
                tree.map_children(|child| self.hidden(child))
            }
            Expression::Power(_, exponent)
                if exponent.rational().is_some_and(|n| n.denominator() == 1) =>
            {
                tree.map_children(|child| self.hidden(child))
            }
            Expression::Call(..)
            | Expression::Power(..)
            | Expression::Max(_)
            | Expression::Min(_)
            | Expression::Piecewise(..) => {
                let number = self.atoms.iter().position(|atom| atom == tree).unwrap_or_else(|| {
                    self.atoms.push(tree.clone());
                    self.atoms.len() - 1
                });
                Expression::variable(format!("@{number}"))
            }
            Expression::Number(_)
            | Expression::Constant(_)
            | Expression::Variable(_)
            | Expression::Negative(_)
            | Expression::Sum(_)
            | Expression::Product(_)
            | Expression::Quotient(..) => tree.map_children(|child| self.hidden(child)),
        }
    }

    fn shown(&self, name: &str) -> Expression {
        let number = name.strip_prefix('@').and_then(|digits| digits.parse::<usize>().ok());
        number
            .and_then(|number| self.atoms.get(number).cloned())
            .unwrap_or_else(|| Expression::variable(name))
    }
}

/// The formula as coefficient · generators · factors over the same, in lowest terms as far as known factors go.
pub(crate) fn factored(tree: &Expression) -> Option<Expression> {
    let mut names = Names::default();
    let hidden = names.hidden(tree);
    let mut converter = Converter::default();
    for _ in 0..8 {
        // Factors by which derivatives of tanh and σ can be divided are known beforehand.
        for (number, atom) in names.atoms.iter().enumerate() {
            let own = converter.field.number(Generator::Variable(format!("@{number}")));
            let own = Polynomial::generator(own);
            let squared = match atom {
                Expression::Call(Function::Tanh, _) => own.times(&own)?,
                Expression::Call(Function::Sigmoid, _) => own,
                _ => continue,
            };
            let factor = squared.plus(&Polynomial::constant(integer(-1)));
            converter.field.polynomial_parts(&factor).ok()?;
        }
        converter.field.learnt = false;
        let fraction = converter.convert(&hidden, None);
        if converter.field.outdated {
            converter.field.restart();
            continue;
        }
        let fraction = fraction.ok()?;
        if fraction.is_zero() {
            return Some(Expression::integer(0));
        }
        let parts = converter.field.parts(&fraction).ok()?;
        let writer = Writer { names: &names, field: &converter.field, written: sums(tree) };
        return writer.product(&parts.coefficient, &parts.generators, &parts.factors);
    }
    None
}

/// The sums in a formula, to be written again as they were.
fn sums(tree: &Expression) -> Vec<Expression> {
    let mut found: Vec<Expression> = tree.children().into_iter().flat_map(sums).collect();
    if matches!(tree, Expression::Sum(_)) {
        found.push(tree.clone());
    }
    found
}

struct Writer<'a> {
    names: &'a Names,
    field: &'a Field,
    written: Vec<Expression>,
}

impl Writer<'_> {
    fn product(
        &self,
        coefficient: &BigRational,
        generators: &[(usize, i32)],
        factors: &std::collections::BTreeMap<usize, i32>,
    ) -> Option<Expression> {
        let (mut top, mut bottom) = (vec![], vec![]);
        let mut coefficient = coefficient.clone();
        let mut exponentials = vec![];
        for (number, exponent) in generators {
            match self.field.generator(*number) {
                Generator::Exponential(_) => exponentials.push((*number, *exponent)),
                _ => place(self.atom(*number)?, *exponent, &mut top, &mut bottom),
            }
        }
        for (number, exponent) in factors {
            let factor = self.field.factor(*number);
            // 2·(1/2 − σ) is written 1 − 2σ.
            let scale = factor
                .0
                .values()
                .fold(num_bigint::BigInt::one(), |scale, own| scale.lcm(own.denom()));
            let scale = BigRational::from_integer(scale);
            let (sum, flipped) = self.sum(&factor.scaled(&scale))?;
            coefficient /= scale.pow(*exponent);
            if flipped && exponent % 2 != 0 {
                coefficient = -coefficient;
            }
            place(sum, *exponent, &mut top, &mut bottom);
        }
        if !exponentials.is_empty() {
            let term = self.exponential(&exponentials)?;
            // e^(−z) stands above the line unless there is nothing else above.
            top.push(term);
        }
        let size = coefficient.abs();
        let (numerator, denominator) = (
            BigRational::from_integer(size.numer().clone()),
            BigRational::from_integer(size.denom().clone()),
        );
        if !numerator.is_one() || top.is_empty() {
            top.insert(0, constant(&numerator));
        }
        if !denominator.is_one() {
            bottom.insert(0, constant(&denominator));
        }
        let joined = |mut parts: Vec<Expression>| match parts.len() {
            1 => parts.remove(0),
            _ => Expression::Product(parts),
        };
        let value = match bottom.is_empty() {
            true => joined(top),
            false => Expression::quotient(joined(top), joined(bottom)),
        };
        Some(if coefficient.is_negative() { Expression::negative(value) } else { value })
    }

    fn atom(&self, number: usize) -> Option<Expression> {
        match self.field.generator(number) {
            Generator::Variable(name) => Some(self.names.shown(name)),
            Generator::Pi => Some(Expression::Constant(Constant::Pi)),
            _ => None,
        }
    }

    /// e to the sum of the terms that the generators stand for.
    fn exponential(&self, powers: &[(usize, i32)]) -> Option<Expression> {
        let mut terms: HashMap<Monomial, BigRational> = HashMap::new();
        let mut order = vec![];
        for (number, exponent) in powers {
            let generator = self.field.generator(*number);
            let Generator::Exponential(term) = generator else { return None };
            if !term.bottom.is_empty() {
                return None;
            }
            let (monomial, coefficient) = term.top.single()?;
            let share = BigRational::new((*exponent).into(), self.field.unit(generator));
            order.push(monomial.clone());
            *terms.entry(monomial.clone()).or_insert_with(BigRational::zero) += coefficient * share;
        }
        let mut sum = vec![];
        for monomial in order {
            sum.push(self.term(&monomial, &terms[&monomial])?);
        }
        let argument = joined_sum(sum);
        Some(match self.names.power_of_e {
            true => Expression::power(Expression::Constant(Constant::E), argument),
            false => Expression::call(Function::Exp, argument),
        })
    }

    fn term(&self, monomial: &Monomial, coefficient: &BigRational) -> Option<Term> {
        let sign = if coefficient.is_negative() { Sign::Minus } else { Sign::Plus };
        let none = std::collections::BTreeMap::new();
        let value = self.product(&coefficient.abs(), &monomial.0, &none)?;
        Some(Term { sign, value })
    }

    /// A factor as a sum: as it stands in the formula if it does, else positive terms first; true if it was written
    /// with the opposite sign.
    fn sum(&self, factor: &Polynomial) -> Option<(Expression, bool)> {
        let mut terms = vec![];
        for (monomial, coefficient) in &factor.0 {
            terms.push(self.term(monomial, coefficient)?);
        }
        let key = |terms: &[Term]| {
            let mut keys: Vec<String> =
                terms.iter().map(|term| format!("{:?} {}", term.sign, term.value)).collect();
            keys.sort();
            keys
        };
        let flipped: Vec<Term> = terms
            .iter()
            .map(|term| Term { sign: term.sign.flipped(), value: term.value.clone() })
            .collect();
        for written in &self.written {
            let Expression::Sum(own) = written else { continue };
            if key(own) == key(&terms) {
                return Some((written.clone(), false));
            }
            if key(own) == key(&flipped) {
                return Some((written.clone(), true));
            }
        }
        // A constant term is positive: 1 − σ rather than σ − 1.
        let minus = terms.first().is_some_and(|term| term.sign == Sign::Minus);
        let mut terms = if minus { flipped } else { terms };
        terms.sort_by_key(|term| term.sign as u8);
        Some((Expression::Sum(terms), minus))
    }
}

fn joined_sum(mut terms: Vec<Term>) -> Expression {
    match terms.len() {
        1 => {
            let Term { sign, value } = terms.remove(0);
            if sign == Sign::Plus { value } else { Expression::negative(value) }
        }
        _ => Expression::Sum(terms),
    }
}

fn place(base: Expression, exponent: i32, top: &mut Vec<Expression>, bottom: &mut Vec<Expression>) {
    let size = i64::from(exponent.unsigned_abs());
    let power = match size {
        1 => base,
        size => Expression::power(base, Expression::integer(size)),
    };
    if exponent < 0 { bottom.push(power) } else { top.push(power) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formula::parse;

    #[test]
    fn lowest_terms_are_found() {
        let check = |formula: &str, expected: &str| {
            assert_eq!(factored(&parse(formula).unwrap()).unwrap().to_string(), expected);
        };
        check("(z^2 - 1)/(z - 1)", "1 + z");
        check("((1+z) - z)/(1+z)^2", "1/(1 + z)^2");
        check(
            "sigmoid(z)*(1-sigmoid(z))*sigmoid(2z) + sigmoid(z)*2*sigmoid(2z)*(1-sigmoid(2z))",
            "sigmoid(z)*sigmoid(2*z)*(3 - 2*sigmoid(2*z) - sigmoid(z))",
        );
        check("-2*tanh(z) + 2*tanh(z)^3", "-2*tanh(z)*(1 - tanh(z)^2)");
        check(
            "(2exp(2z)(exp(2z)+1) - (exp(2z)-1)*2exp(2z))/(exp(2z)+1)^2",
            "4*exp(2*z)/(exp(2*z) + 1)^2",
        );
    }
}
