//! Sums, products, powers of fractions, with the relations of generators applied and known factors cancelled.

use super::field::{Field, Fraction, Generator, MAX_WORK, Obstacle, Parts, integer};
use super::polynomial::{Monomial, Polynomial};
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::collections::BTreeMap;

/// Arithmetic.
impl Field {
    /// Counts products of terms; coefficients of many digits count more.
    fn labour(&mut self, a: &Polynomial, b: &Polynomial) -> Result<(), Obstacle> {
        let size = |polynomial: &Polynomial| {
            let bits = polynomial.leading().map_or(0, |(_, c)| c.numer().bits() + c.denom().bits());
            1 + bits as usize / 256
        };
        let products = a.0.len().saturating_mul(b.0.len());
        self.work = self.work.saturating_add(products.saturating_mul(size(a).max(size(b))));
        if self.work > MAX_WORK { Err(Obstacle::TooLarge) } else { Ok(()) }
    }

    fn product(&mut self, a: &Polynomial, b: &Polynomial) -> Result<Polynomial, Obstacle> {
        self.labour(a, b)?;
        a.times(b).ok_or(Obstacle::TooLarge)
    }

    pub(super) fn plus(&mut self, a: &Fraction, b: &Fraction) -> Result<Fraction, Obstacle> {
        if a.bottom == b.bottom {
            return self.tidied(Fraction { top: a.top.plus(&b.top), bottom: a.bottom.clone() });
        }
        let mut bottom = a.bottom.clone();
        for (factor, exponent) in &b.bottom {
            let own = bottom.entry(*factor).or_insert(0);
            *own = (*own).max(*exponent);
        }
        let (left, right) = (self.widened(a, &bottom)?, self.widened(b, &bottom)?);
        let top = left.plus(&right);
        self.tidied(Fraction { top, bottom })
    }

    pub(super) fn minus(&mut self, a: &Fraction, b: &Fraction) -> Result<Fraction, Obstacle> {
        self.plus(a, &b.negative())
    }

    fn widened(
        &mut self,
        a: &Fraction,
        bottom: &BTreeMap<usize, u32>,
    ) -> Result<Polynomial, Obstacle> {
        let mut top = a.top.clone();
        for (factor, exponent) in bottom {
            for _ in a.bottom.get(factor).copied().unwrap_or(0)..*exponent {
                let own = self.factors[*factor].clone();
                top = self.product(&top, &own)?;
            }
        }
        Ok(top)
    }

    pub(super) fn times(&mut self, a: &Fraction, b: &Fraction) -> Result<Fraction, Obstacle> {
        let top = self.product(&a.top, &b.top)?;
        let mut bottom = a.bottom.clone();
        for (factor, exponent) in &b.bottom {
            *bottom.entry(*factor).or_insert(0) += exponent;
        }
        self.tidied(Fraction { top, bottom })
    }

    pub(super) fn inverse(&mut self, a: &Fraction) -> Result<Fraction, Obstacle> {
        if a.is_zero() {
            return Err(Obstacle::Undefined);
        }
        let parts = self.polynomial_parts(&a.top)?;
        let content = Monomial(parts.generators).power(-1);
        let mut top = Polynomial::term(parts.coefficient.recip(), content);
        for (factor, exponent) in &a.bottom {
            for _ in 0..*exponent {
                let own = self.factors[*factor].clone();
                top = self.product(&top, &own)?;
            }
        }
        let bottom =
            parts.factors.into_iter().map(|(factor, exponent)| (factor, exponent as u32)).collect();
        self.tidied(Fraction { top, bottom })
    }

    pub(super) fn over(&mut self, a: &Fraction, b: &Fraction) -> Result<Fraction, Obstacle> {
        let inverse = self.inverse(b)?;
        self.times(a, &inverse)
    }

    pub(super) fn power(&mut self, a: &Fraction, exponent: i32) -> Result<Fraction, Obstacle> {
        if exponent < 0 {
            let inverse = self.inverse(a)?;
            return self.power(&inverse, -exponent);
        }
        if exponent > 64 && !(a.bottom.is_empty() && a.top.0.len() == 1) {
            return Err(Obstacle::TooLarge);
        }
        if exponent > 1_000_000 {
            return Err(Obstacle::TooLarge);
        }
        if let (Some((monomial, coefficient)), true) = (a.top.single(), a.bottom.is_empty()) {
            if exponent > 4096 && !coefficient.abs().is_one() {
                return Err(Obstacle::TooLarge);
            }
            let top = Polynomial::term(coefficient.pow(exponent), monomial.power(exponent));
            return self.tidied(Fraction::polynomial(top));
        }
        let mut result = Fraction::integer(1);
        for _ in 0..exponent {
            result = self.times(&result, a)?;
        }
        Ok(result)
    }

    /// Relations of generators applied, then factors cancelled that divide the numerator.
    fn tidied(&mut self, fraction: Fraction) -> Result<Fraction, Obstacle> {
        let mut fraction = self.related(fraction)?;
        if fraction.is_zero() {
            return Ok(Fraction::integer(0));
        }
        let factors: Vec<usize> = fraction.bottom.keys().copied().collect();
        for factor in factors {
            while fraction.bottom.contains_key(&factor) {
                let content = fraction.top.content();
                let divisor = self.factors[factor].clone();
                self.labour(&fraction.top, &divisor)?;
                let whole = fraction.top.shifted(&content.power(-1));
                let Some(quotient) = whole.divided(&divisor) else { break };
                fraction.top = quotient.shifted(&content);
                match fraction.bottom.get_mut(&factor) {
                    Some(exponent) if *exponent > 1 => *exponent -= 1,
                    _ => {
                        fraction.bottom.remove(&factor);
                    }
                }
            }
        }
        Ok(fraction)
    }

    /// Powers of i, signs and roots brought into their range.
    fn related(&mut self, fraction: Fraction) -> Result<Fraction, Obstacle> {
        let strange =
            fraction.top.0.keys().flat_map(|m| m.0.iter()).find_map(|(number, exponent)| {
                let degree = self.degree(*number)?;
                (*exponent < 0 || *exponent >= degree).then_some((*number, degree))
            });
        let Some((number, degree)) = strange else { return Ok(fraction) };
        // Terms by how often the relation applies: top = Σ part_k value^k
        let mut by_count: BTreeMap<i32, Polynomial> = BTreeMap::new();
        for (monomial, coefficient) in fraction.top.0 {
            let exponent = monomial.exponent(number);
            let count = exponent.div_euclid(degree);
            let shift = Monomial(vec![(number, -count * degree)]);
            let monomial = if count == 0 { monomial } else { monomial.times(&shift) };
            by_count.entry(count).or_default().add_term(monomial, coefficient);
        }
        let value = self.relation(number)?;
        let mut sum = Fraction::integer(0);
        for (count, part) in by_count {
            let scale = self.power(&value, count)?;
            let part = Fraction { top: part, bottom: fraction.bottom.clone() };
            let term = self.times(&part, &scale)?;
            sum = self.plus(&sum, &term)?;
        }
        Ok(sum)
    }

    /// n if the n-th power of a generator is expressed by earlier ones.
    fn degree(&self, number: usize) -> Option<i32> {
        let generator = &self.generators[number];
        match generator {
            Generator::Imaginary | Generator::Sign(_) | Generator::SignOf(_) => Some(2),
            Generator::Root(_) | Generator::RootOf(_) => self.unit(generator).to_i32(),
            Generator::Variable(_)
            | Generator::Pi
            | Generator::Exponential(_)
            | Generator::Logarithm(_)
            | Generator::LogarithmOf(_)
            | Generator::Other(..) => None,
        }
    }

    /// What that power is.
    fn relation(&mut self, number: usize) -> Result<Fraction, Obstacle> {
        Ok(match self.generators[number].clone() {
            Generator::Imaginary => Fraction::integer(-1),
            Generator::Root(part) => {
                let sign = self.part_sign(&part);
                self.times(&sign, &Fraction::polynomial(part))?
            }
            Generator::RootOf(value) => value,
            Generator::Sign(_)
            | Generator::SignOf(_)
            | Generator::Variable(_)
            | Generator::Pi
            | Generator::Exponential(_)
            | Generator::Logarithm(_)
            | Generator::LogarithmOf(_)
            | Generator::Other(..) => Fraction::integer(1),
        })
    }
}

/// Products taken apart.
impl Field {
    /// Coefficient, generators and factors of a polynomial that is not zero.
    pub(super) fn polynomial_parts(&mut self, polynomial: &Polynomial) -> Result<Parts, Obstacle> {
        let content = polynomial.content();
        let whole = polynomial.shifted(&content.power(-1));
        let coefficient = whole.leading().map_or_else(BigRational::zero, |(_, c)| c.clone());
        let mut rest = whole.scaled(&coefficient.recip());
        let mut factors = BTreeMap::new();
        self.work = self.work.saturating_add(rest.0.len() * self.factors.len());
        if self.work > MAX_WORK {
            return Err(Obstacle::TooLarge);
        }
        for (number, factor) in self.factors.iter().enumerate() {
            while rest.0.len() > 1 {
                let Some(quotient) = rest.divided(factor) else { break };
                rest = quotient;
                *factors.entry(number).or_insert(0) += 1;
            }
        }
        let mut exponent = 1;
        while let Some(root) = square_root(&rest).filter(|_| rest.0.len() > 1) {
            rest = root;
            exponent *= 2;
        }
        if rest.0.len() > 1 {
            self.factors.push(rest);
            *factors.entry(self.factors.len() - 1).or_insert(0) += exponent;
        }
        Ok(Parts { coefficient, generators: content.0, factors })
    }

    /// The same of a fraction: factors of the denominator have negative exponents.
    pub(super) fn parts(&mut self, fraction: &Fraction) -> Result<Parts, Obstacle> {
        if fraction.is_zero() {
            return Err(Obstacle::Undefined);
        }
        let mut parts = self.polynomial_parts(&fraction.top)?;
        for (factor, exponent) in &fraction.bottom {
            *parts.factors.entry(*factor).or_insert(0) -= *exponent as i32;
        }
        parts.factors.retain(|_, exponent| *exponent != 0);
        Ok(parts)
    }
}

/// The polynomial with leading coefficient 1 whose square this is.
fn square_root(square: &Polynomial) -> Option<Polynomial> {
    let half = |monomial: &Monomial| {
        let halves = monomial.0.iter().map(|&(g, e)| (e % 2 == 0).then_some((g, e / 2)));
        halves.collect::<Option<Vec<_>>>().map(Monomial)
    };
    let (lead, one) = square.leading()?;
    let lead = half(lead).filter(|_| one.is_one())?;
    let mut root = Polynomial::term(BigRational::one(), lead.clone());
    let mut rest = square.plus(&root.times(&root)?.scaled(&integer(-1)));
    for _ in 0..64 {
        let Some((monomial, coefficient)) = rest.leading() else { return Some(root) };
        let monomial = monomial.times(&lead.power(-1));
        if monomial.0.iter().any(|(_, exponent)| *exponent < 0) || monomial >= lead {
            return None;
        }
        let term = Polynomial::term(coefficient / integer(2), monomial);
        // (r + t)² = r² + t(2r + t)
        let change = term.times(&root.scaled(&integer(2)).plus(&term))?;
        rest = rest.plus(&change.scaled(&integer(-1)));
        root = root.plus(&term);
    }
    None
}
