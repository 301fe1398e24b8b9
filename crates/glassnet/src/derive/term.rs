//! Sums of products: what multiplying out gives, term by term, without adding anything up.

use super::exact::{big_number, constant};
use crate::formula::{Constant, Expression, Function, Number, Sign, Term};
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// Sums with more terms are not written.
const MAX_TERMS: usize = 200;

/// A product: coefficient · factors with exponents · e^exponent.
#[derive(Clone, Debug)]
pub(super) struct Monomial {
    pub(super) coefficient: BigRational,
    /// Bases that are no numbers, with exponents that are not zero, in the order of their writing.
    pub(super) factors: Vec<(Expression, BigRational)>,
    /// The terms of e's exponent: what is multiplied by what number.
    pub(super) exponent: Vec<(Expression, BigRational)>,
    /// e^z rather than exp(z) was written.
    power_of_e: bool,
    /// A number was written with a point.
    decimal: bool,
}

impl Monomial {
    pub(super) fn number(coefficient: BigRational) -> Monomial {
        Monomial {
            coefficient,
            factors: vec![],
            exponent: vec![],
            power_of_e: false,
            decimal: false,
        }
    }

    fn atom(base: Expression, exponent: BigRational) -> Monomial {
        let mut own = Monomial::number(BigRational::one());
        if !exponent.is_zero() {
            own.factors.push((base, exponent));
        }
        own
    }

    fn times(&self, other: &Monomial) -> Monomial {
        let mut product = self.clone();
        product.coefficient *= &other.coefficient;
        product.power_of_e |= other.power_of_e;
        product.decimal |= other.decimal;
        for (base, exponent) in &other.factors {
            add(&mut product.factors, base, exponent);
        }
        for (core, multiple) in &other.exponent {
            add(&mut product.exponent, core, multiple);
        }
        product.without_whole_numbers()
    }

    /// Whole powers of numbers, which roots of numbers become when multiplied, go into the coefficient.
    fn without_whole_numbers(mut self) -> Monomial {
        for (base, exponent) in &mut self.factors {
            let Some(value) = big_number(base).filter(|value| value.is_positive()) else {
                continue;
            };
            if let Some(count) = exponent.floor().to_integer().to_i32() {
                self.coefficient *= value.pow(count);
                *exponent -= BigRational::from_integer(count.into());
            }
        }
        self.factors.retain(|(_, exponent)| !exponent.is_zero());
        self
    }

    fn power(&self, exponent: i32) -> Option<Monomial> {
        let scale = BigRational::from_integer(exponent.into());
        if self.coefficient.is_zero() && exponent <= 0 {
            return None;
        }
        let scaled = |list: &[(Expression, BigRational)]| -> Vec<(Expression, BigRational)> {
            let scaled = list.iter().map(|(base, own)| (base.clone(), own * &scale));
            scaled.filter(|(_, own)| !own.is_zero()).collect()
        };
        Some(
            Monomial {
                coefficient: self.coefficient.pow(exponent),
                factors: scaled(&self.factors),
                exponent: scaled(&self.exponent),
                power_of_e: self.power_of_e,
                decimal: self.decimal,
            }
            .without_whole_numbers(),
        )
    }

    /// What makes terms alike: everything but the coefficient, in a fixed order.
    pub(super) fn key(&self) -> String {
        let mut parts: Vec<String> =
            self.factors.iter().map(|(base, exponent)| format!("{base}^{exponent}")).collect();
        parts.sort();
        let mut cores: Vec<String> =
            self.exponent.iter().map(|(core, multiple)| format!("{multiple}*{core}")).collect();
        cores.sort();
        format!("{} e^ {}", parts.join("*"), cores.join("+"))
    }

    /// The product without its coefficient; `None` for 1.
    pub(super) fn body(&self) -> Option<Expression> {
        let mut top = vec![];
        let mut bottom = vec![];
        let half = BigRational::new(1.into(), 2.into());
        let (mut roots_above, mut roots_below) = (vec![], vec![]);
        for (base, exponent) in &self.factors {
            if matches!(base, Expression::Number(_) | Expression::Constant(_))
                && exponent.abs() == half
            {
                let roots =
                    if exponent.is_negative() { &mut roots_below } else { &mut roots_above };
                roots.push(base.clone());
                continue;
            }
            let power = |size: BigRational| match size.is_one() {
                true => base.clone(),
                false if size == half => Expression::call(Function::Sqrt, base.clone()),
                false => Expression::power(base.clone(), constant(&size)),
            };
            match exponent.is_negative() {
                true => bottom.push(power(-exponent)),
                false => top.push(power(exponent.clone())),
            }
        }
        if !self.exponent.is_empty() {
            let terms: Vec<Monomial> = self
                .exponent
                .iter()
                .map(|(core, multiple)| {
                    let mut own = Monomial::number(multiple.clone());
                    if *core != Expression::integer(1) {
                        own.factors.push((core.clone(), BigRational::one()));
                    }
                    own
                })
                .collect();
            top.push(exponential(write(&terms), self.power_of_e));
        }
        for (roots, side) in [(roots_above, &mut top), (roots_below, &mut bottom)] {
            let mut roots = roots;
            roots.sort_by_key(|root| !matches!(root, Expression::Number(_)));
            side.extend(joined(roots).map(|inner| Expression::call(Function::Sqrt, inner)));
        }
        let top = joined(top);
        match (top, joined(bottom)) {
            (top, None) => top,
            (top, Some(bottom)) => {
                Some(Expression::quotient(top.unwrap_or(Expression::integer(1)), bottom))
            }
        }
    }

    /// 1/2·√2 as 1/√2.
    fn with_roots_below(&self) -> Monomial {
        let mut own = self.clone();
        for (base, exponent) in &mut own.factors {
            let Some(value) = big_number(base).filter(BigRational::is_integer) else { continue };
            let finer = &own.coefficient * &value;
            if finer.denom() < own.coefficient.denom() && exponent.is_positive() {
                own.coefficient = finer;
                *exponent -= BigRational::one();
            }
        }
        // √2/√π as 2/√(2π)
        let is_constant =
            |base: &Expression| matches!(base, Expression::Number(_) | Expression::Constant(_));
        let below = own.factors.iter().any(|(base, n)| is_constant(base) && n.is_negative());
        for (base, exponent) in own.factors.iter_mut().filter(|_| below) {
            if let Some(value) = big_number(base).filter(|_| exponent.is_positive()) {
                own.coefficient *= value;
                *exponent -= BigRational::one();
            }
        }
        own
    }

    /// The product's size, with the sign apart.
    fn written(&self) -> (Sign, Expression) {
        self.with_roots_below().written_as_it_is()
    }

    fn written_as_it_is(&self) -> (Sign, Expression) {
        let sign = if self.coefficient.is_negative() { Sign::Minus } else { Sign::Plus };
        let size = self.coefficient.abs();
        if let Some(decimal) = decimal(&size).filter(|_| self.decimal && !size.is_integer()) {
            let parts = self.body().map(flat).unwrap_or_default();
            let parts = [decimal].into_iter().chain(parts).collect();
            return (sign, joined(parts).unwrap_or(Expression::integer(0)));
        }
        let body = match self.body() {
            None => return (sign, constant(&size)),
            Some(body) => body,
        };
        if size.is_one() {
            return (sign, body);
        }
        let (top, bottom) = match body {
            Expression::Quotient(top, bottom) => (*top, Some(*bottom)),
            body => (body, None),
        };
        let number = constant(&BigRational::from_integer(size.numer().clone()));
        let mut over = vec![];
        if !size.denom().is_one() {
            over.push(constant(&BigRational::from_integer(size.denom().clone())));
        }
        over.extend(bottom.map(flat).unwrap_or_default());
        let mut parts = if size.numer().is_one() { vec![] } else { vec![number] };
        if top != Expression::integer(1) || parts.is_empty() {
            parts.extend(flat(top));
        }
        let top = joined(parts).unwrap_or(Expression::integer(1));
        (
            sign,
            match joined(over) {
                None => top,
                Some(bottom) => Expression::quotient(top, bottom),
            },
        )
    }
}

/// A finite decimal.
fn decimal(size: &BigRational) -> Option<Expression> {
    let mut places = 0;
    let mut scaled = size.clone();
    while !scaled.is_integer() && places < 20 {
        scaled *= BigRational::from_integer(10.into());
        places += 1;
    }
    let digits = scaled
        .is_integer()
        .then(|| format!("{:0>width$}", scaled.to_integer(), width = places + 1))?;
    let (whole, rest) = digits.split_at(digits.len() - places);
    Number::parse(&format!("{whole}.{rest}")).map(Expression::Number)
}

fn flat(tree: Expression) -> Vec<Expression> {
    match tree {
        Expression::Product(parts) => parts,
        tree => vec![tree],
    }
}

fn joined(mut parts: Vec<Expression>) -> Option<Expression> {
    match parts.len() {
        0 => None,
        1 => Some(parts.remove(0)),
        _ => Some(Expression::Product(parts)),
    }
}

fn add(list: &mut Vec<(Expression, BigRational)>, base: &Expression, exponent: &BigRational) {
    match list.iter_mut().find(|(own, _)| own == base) {
        Some((_, own)) => *own += exponent,
        None => list.push((base.clone(), exponent.clone())),
    }
    list.retain(|(_, own)| !own.is_zero());
}

/// e^argument as the formula writes it.
pub(super) fn exponential(argument: Expression, power_of_e: bool) -> Expression {
    match power_of_e {
        true => Expression::power(Expression::Constant(Constant::E), argument),
        false => Expression::call(Function::Exp, argument),
    }
}

/// The terms of the formula with every product of sums multiplied out; nothing is added up. `None` if there are
/// too many.
pub(super) fn terms(tree: &Expression) -> Option<Vec<Monomial>> {
    match tree {
        Expression::Sum(parts) => {
            let mut all = vec![];
            for part in parts {
                let own = terms(&part.value)?;
                all.extend(match part.sign {
                    Sign::Plus => own,
                    Sign::Minus => negative(own),
                });
            }
            (all.len() <= MAX_TERMS).then_some(all)
        }
        Expression::Negative(value) => Some(negative(terms(value)?)),
        Expression::Product(parts) => {
            let mut all = vec![Monomial::number(BigRational::one())];
            for part in parts {
                all = crossed(&all, &terms(part)?)?;
            }
            Some(all)
        }
        Expression::Quotient(top, bottom) => crossed(&terms(top)?, &[divisor(bottom)?]),
        Expression::Power(base, exponent) if **base == Expression::Constant(Constant::E) => {
            exponent_terms(exponent, true)
        }
        Expression::Call(Function::Exp, argument) => exponent_terms(argument, false),
        Expression::Power(base, exponent) => match big_number(exponent) {
            Some(exponent) if exponent.is_integer() => {
                let count = exponent.to_integer().to_i32()?;
                let own = terms(base)?;
                match own.as_slice() {
                    [single] => opened(single.power(count)?),
                    _ if (0..=6).contains(&count) => {
                        let mut all = vec![Monomial::number(BigRational::one())];
                        for _ in 0..count {
                            all = crossed(&all, &own)?;
                        }
                        Some(all)
                    }
                    _ => Some(vec![Monomial::atom(base.as_ref().clone(), exponent)]),
                }
            }
            Some(exponent) => Some(vec![Monomial::atom(base.as_ref().clone(), exponent)]),
            None => Some(vec![Monomial::atom(tree.clone(), BigRational::one())]),
        },
        Expression::Number(own) => {
            let mut number = Monomial::number(big_number(tree)?);
            number.decimal = !own.is_integer_text();
            Some(vec![number])
        }
        Expression::Call(Function::Sqrt, value) => Some(vec![root(value)]),
        Expression::Variable(_)
        | Expression::Constant(_)
        | Expression::Call(..)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Piecewise(..) => Some(vec![Monomial::atom(tree.clone(), BigRational::one())]),
    }
}

/// A square root; that of a number, π, or a product of such falls into roots of its factors.
fn root(value: &Expression) -> Monomial {
    let half = BigRational::new(1.into(), 2.into());
    let own = match value {
        Expression::Product(parts) => parts.clone(),
        value => vec![value.clone()],
    };
    let positive =
        |part: &Expression| matches!(part, Expression::Number(_) | Expression::Constant(_));
    if !own.iter().all(positive) {
        return Monomial::atom(value.clone(), half);
    }
    own.into_iter().fold(Monomial::number(BigRational::one()), |all, part| {
        all.times(&Monomial::atom(part, half.clone()))
    })
}

fn negative(mut terms: Vec<Monomial>) -> Vec<Monomial> {
    for term in &mut terms {
        term.coefficient = -term.coefficient.clone();
    }
    terms
}

fn crossed(left: &[Monomial], right: &[Monomial]) -> Option<Vec<Monomial>> {
    if left.len() * right.len() > MAX_TERMS {
        return None;
    }
    let mut all = vec![];
    for (a, b) in left.iter().flat_map(|a| right.iter().map(move |b| (a, b))) {
        all.extend(opened(a.times(b))?);
    }
    (all.len() <= MAX_TERMS).then_some(all)
}

/// A product in which roots of sums became whole powers, multiplied out: √(1 + z²)·√(1 + z²) is 1 + z².
fn opened(mut product: Monomial) -> Option<Vec<Monomial>> {
    let whole = |(base, exponent): &(Expression, BigRational)| {
        let count = exponent.is_integer().then(|| exponent.to_integer().to_i32()).flatten();
        matches!(base, Expression::Sum(_)) && count.is_some_and(|count| (1..=6).contains(&count))
    };
    let Some(place) = product.factors.iter().position(whole) else { return Some(vec![product]) };
    let (base, exponent) = product.factors.remove(place);
    let own = terms(&base)?;
    let mut all = vec![product];
    for _ in 0..exponent.to_integer().to_i32()? {
        all = crossed(&all, &own)?;
    }
    Some(all)
}

/// 1/bottom as one product: sums in it stay factors.
fn divisor(bottom: &Expression) -> Option<Monomial> {
    match bottom {
        Expression::Product(parts) => {
            let mut all = Monomial::number(BigRational::one());
            for part in parts {
                all = all.times(&divisor(part)?);
            }
            Some(all)
        }
        Expression::Power(base, exponent) if **base != Expression::Constant(Constant::E) => {
            match big_number(exponent) {
                Some(own) if own.is_integer() => divisor(base)?.power(own.to_integer().to_i32()?),
                Some(own) => Some(Monomial::atom(base.as_ref().clone(), -own)),
                None => Some(Monomial::atom(bottom.clone(), -BigRational::one())),
            }
        }
        Expression::Sum(_) => Some(Monomial::atom(bottom.clone(), -BigRational::one())),
        other => terms(other)?.first()?.power(-1),
    }
}

fn exponent_terms(exponent: &Expression, power_of_e: bool) -> Option<Vec<Monomial>> {
    let mut own = Monomial::number(BigRational::one());
    own.power_of_e = power_of_e;
    for term in terms(exponent)? {
        let core = term.body().unwrap_or(Expression::integer(1));
        add(&mut own.exponent, &core, &term.coefficient);
    }
    Some(vec![own])
}

/// The formula as one product in which sums are factors; `None` where a number divides by zero.
pub(super) fn one_product(tree: &Expression) -> Option<Monomial> {
    match tree {
        Expression::Negative(value) => {
            let mut own = one_product(value)?;
            own.coefficient = -own.coefficient;
            Some(own)
        }
        Expression::Product(parts) => {
            let mut all = Monomial::number(BigRational::one());
            for part in parts {
                all = all.times(&one_product(part)?);
            }
            Some(all)
        }
        Expression::Quotient(top, bottom) => {
            Some(one_product(top)?.times(&one_product(bottom)?.power(-1)?))
        }
        Expression::Power(base, exponent) if **base != Expression::Constant(Constant::E) => {
            match big_number(exponent) {
                Some(own) if own.is_integer() => {
                    one_product(base)?.power(own.to_integer().to_i32()?)
                }
                Some(own) => Some(Monomial::atom(base.as_ref().clone(), own)),
                None => Some(Monomial::atom(tree.clone(), BigRational::one())),
            }
        }
        Expression::Sum(_) => Some(Monomial::atom(tree.clone(), BigRational::one())),
        tree => terms(tree)?.pop(),
    }
}

/// The line with numbers put together, signs and factors of one gone, and every product a fraction of powers;
/// sums in products stay as they are.
pub(super) fn neat(tree: &Expression) -> Expression {
    let tree = tree.map_children(neat);
    let whole = match &tree {
        Expression::Product(_) | Expression::Quotient(..) | Expression::Negative(_) => {
            one_product(&tree).map(|own| write(&[own]))
        }
        Expression::Power(base, _) if **base != Expression::Constant(Constant::E) => {
            one_product(&tree).map(|own| write(&[own]))
        }
        Expression::Sum(_) => Some(tree.tidy()),
        _ => None,
    };
    whole.unwrap_or(tree)
}

/// Terms alike added into the place of the first; zeros go.
pub(super) fn collected(terms: &[Monomial]) -> Vec<Monomial> {
    let mut all: Vec<(String, Monomial)> = vec![];
    for term in terms {
        let key = term.key();
        match all.iter_mut().find(|(own, _)| *own == key) {
            Some((_, own)) => own.coefficient += &term.coefficient,
            None => all.push((key, term.clone())),
        }
    }
    all.retain(|(_, term)| !term.coefficient.is_zero());
    all.into_iter().map(|(_, term)| term).collect()
}

/// The terms as a sum.
pub(super) fn write(terms: &[Monomial]) -> Expression {
    let mut parts: Vec<Term> = terms
        .iter()
        .map(|term| {
            let (sign, value) = term.written();
            Term { sign, value }
        })
        .collect();
    match parts.len() {
        0 => Expression::integer(0),
        1 => {
            let Term { sign, value } = parts.remove(0);
            if sign == Sign::Plus { value } else { Expression::negative(value) }
        }
        _ => Expression::Sum(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::formula::parse;

    #[test]
    fn products_are_multiplied_out_and_terms_added_up() {
        let check = |formula: &str, out: &str, added: &str| {
            let all = terms(&parse(formula).unwrap()).unwrap();
            assert_eq!(write(&all).to_string(), out);
            assert_eq!(write(&collected(&all)).to_string(), added);
        };
        check(
            "2exp(2z)(exp(2z)+1) - (exp(2z)-1)*2exp(2z)",
            "2*exp(4*z) + 2*exp(2*z) - 2*exp(4*z) + 2*exp(2*z)",
            "4*exp(2*z)",
        );
        check("(z+1)^2", "z^2 + z + z + 1", "z^2 + 2*z + 1");
        check("e^z*e^(-z)*b/2", "b/2", "b/2");
        check(
            "z*sin(z)/(2*(1+z)^2) - 1/3",
            "z*sin(z)/(2*(1 + z)^2) - 1/3",
            "z*sin(z)/(2*(1 + z)^2) - 1/3",
        );
        check("(z - b)*(z + b)", "z^2 + z*b - b*z - b^2", "z^2 - b^2");
        check("-z/(-2)", "z/2", "z/2");
    }

    #[test]
    fn products_become_fractions_of_powers() {
        let check = |formula: &str, expected: &str| {
            assert_eq!(neat(&parse(formula).unwrap()).to_string(), expected);
        };
        check("2/sqrt(pi)*exp(-(z/sqrt(2))^2)*(1/sqrt(2))", "2*exp(-z^2/2)/sqrt(2*pi)");
        check("(-1)*(1+exp(-z))^(-2)*(-exp(-z))", "exp(-z)/(1 + exp(-z))^2");
        check("1*(z+1) - z*0.5*2", "(z + 1) - z");
        check("0.1*z*1", "0.1*z");
    }
}
