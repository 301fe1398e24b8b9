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

use super::polynomial::Polynomial;
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

/// A field in which more products of terms would be formed gives up.
pub(super) const MAX_WORK: usize = 40_000;

/// The generators and factors met so far, and what is known of them.
#[derive(Default)]
pub(super) struct Field {
    pub(super) generators: Vec<Generator>,
    numbers: HashMap<Generator, usize>,
    pub(super) factors: Vec<Polynomial>,
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
    /// Products of terms so far: what is given up is decided by counting, since there is no clock.
    pub(super) work: usize,
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
        *self = Field { units, work: self.work, ..Field::default() };
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
