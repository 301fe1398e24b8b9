//! Rational functions of generators: variables, π, exponentials, logarithms, roots, signs, and inverse functions.
//!
//! A [`Fraction`] is a polynomial over a product of known factors. The rules that relate generators are few, and
//! each is an identity of real (or complex) numbers wherever both sides exist:
//!
//! - e^{a+b} = e^a e^b and e^{n a} = (e^a)^n, so exponents are split into their terms, and each term is a whole
//!   multiple of the smallest that occurs. Sine and cosine are exponentials of i times their argument, i² = −1.
//! - ln|a b| = ln|a| + ln|b| and ln|e^a| = a; a logarithm that occurs makes its argument positive, because the
//!   formula has no value elsewhere.
//! - |a|^{1/n} to the power n is |a|; a sign s has s² = 1 and |a| = s a.
//!
//! So a fraction whose numerator cancels to nothing is zero wherever the formula has a value: that direction needs
//! no independence of the generators. For the other direction independence would be needed (by Ax's theorem,
//! exponentials and logarithms of a tower are algebraically independent unless their arguments are linearly or
//! multiplicatively dependent, which is what the splitting above removes; for `erf` of different arguments, for
//! inverse functions and for constants such as π and e together nothing is claimed). It is never relied on: a
//! numerator that does not cancel is only a reason to look for a point where the two sides provably differ.

use super::polynomial::{Monomial, Polynomial};
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};
use std::collections::{BTreeMap, HashMap};

/// Why a formula did not become a fraction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// The polynomials grew beyond the limits.
    TooLarge,
    /// The formula divides by something that is zero everywhere, or has no real value anywhere.
    Undefined,
}

/// A polynomial over a product of powers of the field's factors.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Fraction {
    pub(super) top: Polynomial,
    /// Factor number → exponent, at least 1.
    pub(super) bottom: BTreeMap<usize, u32>,
}

/// What a generator stands for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Generator {
    /// A variable.
    Variable(String),
    /// π
    Pi,
    /// i
    Imaginary,
    /// e^{term / unit}
    Exponential(Fraction),
    /// ln|part|
    Logarithm(Polynomial),
    /// ln of the size of a fraction with complex parts whose value is real
    LogarithmOf(Fraction),
    /// |part|^{1/unit}
    Root(Polynomial),
    /// The same of a fraction with complex parts whose value is positive
    RootOf(Fraction),
    /// −1 or 1: the sign of a part
    Sign(Polynomial),
    /// The sign of a fraction with complex parts whose value is real
    SignOf(Fraction),
    /// Another function of a fraction: erf, atan, asin
    Other(crate::formula::Function, Fraction),
}

/// The generators and factors met so far, and what is known of them.
#[derive(Default)]
pub(super) struct Field {
    generators: Vec<Generator>,
    numbers: HashMap<Generator, usize>,
    factors: Vec<Polynomial>,
    /// How finely exponentials and roots are divided.
    units: HashMap<Generator, BigInt>,
    /// Parts whose sign the domain decides: true for positive.
    signs: HashMap<Polynomial, bool>,
    /// The same of fractions with complex parts.
    real_signs: HashMap<Fraction, bool>,
    /// A unit became finer, so exponents made before mean something else.
    pub(super) outdated: bool,
    /// A sign was learnt that was unknown before.
    pub(super) learnt: bool,
}

pub(super) fn integer(value: i64) -> BigRational {
    BigRational::from_integer(BigInt::from(value))
}

impl Fraction {
    pub(super) fn constant(value: BigRational) -> Fraction {
        Fraction::polynomial(Polynomial::constant(value))
    }

    pub(super) fn integer(value: i64) -> Fraction {
        Fraction::constant(integer(value))
    }

    pub(super) fn polynomial(top: Polynomial) -> Fraction {
        Fraction { top, bottom: BTreeMap::new() }
    }

    pub(super) fn is_zero(&self) -> bool {
        self.top.is_zero()
    }

    pub(super) fn value(&self) -> Option<BigRational> {
        if self.bottom.is_empty() { self.top.value() } else { None }
    }

    pub(super) fn scaled(&self, factor: &BigRational) -> Fraction {
        if factor.is_zero() {
            return Fraction::integer(0);
        }
        Fraction { top: self.top.scaled(factor), bottom: self.bottom.clone() }
    }

    pub(super) fn negative(&self) -> Fraction {
        self.scaled(&integer(-1))
    }
}

/// A product taken apart: coefficient, generators with exponents, factors with exponents.
pub(super) struct Parts {
    pub(super) coefficient: BigRational,
    pub(super) generators: Vec<(usize, i32)>,
    pub(super) factors: BTreeMap<usize, i32>,
}

/// Generators.
impl Field {
    /// Forgets everything but the units: generators, factors and signs are named by exponents that changed.
    pub(super) fn restart(&mut self) {
        let units = std::mem::take(&mut self.units);
        *self = Field { units, ..Field::default() };
    }

    pub(super) fn number(&mut self, generator: Generator) -> usize {
        if let Some(number) = self.numbers.get(&generator) {
            return *number;
        }
        let number = self.generators.len();
        self.generators.push(generator.clone());
        self.numbers.insert(generator, number);
        number
    }

    pub(super) fn generator(&self, number: usize) -> &Generator {
        &self.generators[number]
    }

    pub(super) fn factor(&self, number: usize) -> &Polynomial {
        &self.factors[number]
    }

    pub(super) fn single(&mut self, generator: Generator) -> Fraction {
        Fraction::polynomial(Polynomial::generator(self.number(generator)))
    }

    /// The exponent that `generator` needs to stand for `multiple` of what it is named after.
    pub(super) fn share(
        &mut self,
        generator: &Generator,
        multiple: &BigRational,
    ) -> Result<i32, Obstacle> {
        let unit = self.units.get(generator).cloned().unwrap_or_else(BigInt::one);
        let unit = if unit.is_multiple_of(multiple.denom()) {
            unit
        } else {
            let finer = unit.lcm(multiple.denom());
            self.units.insert(generator.clone(), finer.clone());
            self.outdated |= self.numbers.contains_key(generator);
            finer
        };
        let share = (multiple * BigRational::from_integer(unit)).to_integer();
        share.to_i32().filter(|share| share.abs() < 1_000_000).ok_or(Obstacle::TooLarge)
    }

    pub(super) fn unit(&self, generator: &Generator) -> BigInt {
        self.units.get(generator).cloned().unwrap_or_else(BigInt::one)
    }

    /// True if a generator is i or a complex exponential.
    pub(super) fn is_complex(&self, number: usize) -> bool {
        match &self.generators[number] {
            Generator::Imaginary => true,
            Generator::Exponential(exponent) => self.has_complex(exponent),
            Generator::Variable(_)
            | Generator::Pi
            | Generator::Logarithm(_)
            | Generator::LogarithmOf(_)
            | Generator::Root(_)
            | Generator::RootOf(_)
            | Generator::Sign(_)
            | Generator::SignOf(_)
            | Generator::Other(..) => false,
        }
    }

    pub(super) fn has_complex(&self, fraction: &Fraction) -> bool {
        let bottom = fraction.bottom.keys().flat_map(|factor| self.factors[*factor].generators());
        fraction.top.generators().chain(bottom).any(|number| self.is_complex(number))
    }
}

/// Signs.
impl Field {
    /// Remembers that `part` is positive (or negative) wherever the formula has a value.
    pub(super) fn learn(&mut self, part: &Polynomial, positive: bool) {
        self.learnt |= self.signs.insert(part.clone(), positive) != Some(positive);
    }

    /// The same of a fraction whose value is real though it has complex parts.
    pub(super) fn learn_real(&mut self, value: &Fraction, positive: bool) {
        self.learnt |= self.real_signs.insert(value.clone(), positive) != Some(positive);
    }

    /// The sign of a fraction with complex parts.
    pub(super) fn real_sign(&mut self, value: &Fraction) -> Fraction {
        match self.real_signs.get(value) {
            Some(true) => Fraction::integer(1),
            Some(false) => Fraction::integer(-1),
            None => self.single(Generator::SignOf(value.clone())),
        }
    }

    /// True for positive, false for negative, `None` if it is not known or varies.
    pub(super) fn sign(&self, part: &Polynomial) -> Option<bool> {
        if let Some(known) = self.signs.get(part) {
            return Some(*known);
        }
        if part.single().is_some_and(|(m, c)| m.0.len() == 1 && m.0[0].1 == 1 && c.is_one()) {
            return self.generator_sign(part.generators().next()?);
        }
        let mut found = None;
        for (monomial, coefficient) in &part.0 {
            let mut positive = coefficient.is_positive();
            for (number, exponent) in &monomial.0 {
                if self.is_complex(*number) {
                    return None;
                }
                if exponent % 2 != 0 {
                    let own = self.sign(&Polynomial::generator(*number))?;
                    positive ^= !own;
                }
            }
            if found.is_some_and(|found| found != positive) {
                return None;
            }
            found = Some(positive);
        }
        found
    }

    fn generator_sign(&self, number: usize) -> Option<bool> {
        match &self.generators[number] {
            Generator::Pi | Generator::Root(_) | Generator::RootOf(_) => Some(true),
            Generator::Exponential(_) if !self.is_complex(number) => Some(true),
            Generator::Exponential(_)
            | Generator::Imaginary
            | Generator::Variable(_)
            | Generator::Logarithm(_)
            | Generator::LogarithmOf(_)
            | Generator::Sign(_)
            | Generator::SignOf(_)
            | Generator::Other(..) => None,
        }
    }

    /// The sign of a part: ±1 where it is known, else a generator.
    pub(super) fn part_sign(&mut self, part: &Polynomial) -> Fraction {
        match self.sign(part) {
            Some(true) => Fraction::integer(1),
            Some(false) => Fraction::integer(-1),
            None => self.single(Generator::Sign(part.clone())),
        }
    }
}

/// Arithmetic.
impl Field {
    pub(super) fn plus(&mut self, a: &Fraction, b: &Fraction) -> Result<Fraction, Obstacle> {
        if a.bottom == b.bottom {
            return self.tidied(Fraction { top: a.top.plus(&b.top), bottom: a.bottom.clone() });
        }
        let mut bottom = a.bottom.clone();
        for (factor, exponent) in &b.bottom {
            let own = bottom.entry(*factor).or_insert(0);
            *own = (*own).max(*exponent);
        }
        let top = self.widened(a, &bottom)?.plus(&self.widened(b, &bottom)?);
        self.tidied(Fraction { top, bottom })
    }

    pub(super) fn minus(&mut self, a: &Fraction, b: &Fraction) -> Result<Fraction, Obstacle> {
        self.plus(a, &b.negative())
    }

    fn widened(&self, a: &Fraction, bottom: &BTreeMap<usize, u32>) -> Result<Polynomial, Obstacle> {
        let mut top = a.top.clone();
        for (factor, exponent) in bottom {
            for _ in a.bottom.get(factor).copied().unwrap_or(0)..*exponent {
                top = top.times(&self.factors[*factor]).ok_or(Obstacle::TooLarge)?;
            }
        }
        Ok(top)
    }

    pub(super) fn times(&mut self, a: &Fraction, b: &Fraction) -> Result<Fraction, Obstacle> {
        let top = a.top.times(&b.top).ok_or(Obstacle::TooLarge)?;
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
                top = top.times(&self.factors[*factor]).ok_or(Obstacle::TooLarge)?;
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
                let whole = fraction.top.shifted(&content.power(-1));
                let Some(quotient) = whole.divided(&self.factors[factor]) else { break };
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
