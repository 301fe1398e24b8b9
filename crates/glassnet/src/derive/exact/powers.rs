//! Exponentials, logarithms and powers with any exponent, taken apart by the rules that hold for them.

use super::convert::{Converter, half, upright};
use super::field::{Fraction, Generator, Obstacle, integer};
use super::polynomial::{Monomial, Polynomial};
use crate::formula::{Constant, Expression, Function};
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

impl Converter {
    /// e^z, as a product over the terms of `z`.
    pub(super) fn exponential(&mut self, z: &Fraction) -> Result<Fraction, Obstacle> {
        let mut product = Fraction::integer(1);
        for (monomial, coefficient) in &z.top.0 {
            let factor = self.exponential_term(monomial, coefficient, z)?;
            product = self.field.times(&product, &factor)?;
        }
        Ok(product)
    }

    fn exponential_term(
        &mut self,
        monomial: &Monomial,
        coefficient: &BigRational,
        whole: &Fraction,
    ) -> Result<Fraction, Obstacle> {
        let term = Fraction {
            top: Polynomial::term(BigRational::one(), monomial.clone()),
            bottom: whole.bottom.clone(),
        };
        if whole.bottom.is_empty() {
            let kinds: Vec<(Generator, i32)> =
                monomial.0.iter().map(|(g, e)| (self.field.generator(*g).clone(), *e)).collect();
            match kinds.as_slice() {
                // e^{c ln|part|} = |part|^c
                [(Generator::Logarithm(part), 1)] => return self.part_power(part, coefficient),
                [(Generator::LogarithmOf(value), 1)] if coefficient.is_integer() => {
                    let exponent = coefficient.to_integer().to_i32().ok_or(Obstacle::TooLarge)?;
                    let size = self.absolute(value)?;
                    return self.field.power(&size, exponent);
                }
                // e^{iπ/2} = i
                [(Generator::Imaginary, 1), (Generator::Pi, 1)]
                | [(Generator::Pi, 1), (Generator::Imaginary, 1)] => {
                    let quarters = coefficient * integer(2);
                    if quarters.is_integer() {
                        let turns = quarters.to_integer().mod_floor(&BigInt::from(4));
                        let i = self.field.single(Generator::Imaginary);
                        return self.field.power(&i, turns.to_i32().unwrap_or(0));
                    }
                }
                _ => {}
            }
        }
        let generator = Generator::Exponential(term);
        let share = self.field.share(&generator, coefficient)?;
        let number = self.field.number(generator);
        let power = Polynomial::term(BigRational::one(), Monomial(vec![(number, share)]));
        Ok(Fraction::polynomial(if share == 0 { Polynomial::one() } else { power }))
    }

    /// ln of a formula, with products, quotients and powers taken apart as they are written.
    pub(super) fn logarithm(
        &mut self,
        tree: &Expression,
        argument: Option<&Fraction>,
    ) -> Result<Fraction, Obstacle> {
        let value = self.convert(tree, argument)?;
        self.assume_positive(&value)?;
        self.log_size(tree, argument)
    }

    /// ln|tree|
    fn log_size(
        &mut self,
        tree: &Expression,
        argument: Option<&Fraction>,
    ) -> Result<Fraction, Obstacle> {
        match tree {
            Expression::Product(parts) => {
                let mut sum = Fraction::integer(0);
                for part in parts {
                    let own = self.log_size(part, argument)?;
                    sum = self.field.plus(&sum, &own)?;
                }
                Ok(sum)
            }
            Expression::Quotient(left, right) => {
                let (left, right) =
                    (self.log_size(left, argument)?, self.log_size(right, argument)?);
                self.field.minus(&left, &right)
            }
            Expression::Power(base, exponent) if **base == Expression::Constant(Constant::E) => {
                self.convert(exponent, argument)
            }
            Expression::Power(base, exponent) => {
                let exponent = self.convert(exponent, argument)?;
                let base = self.log_size(base, argument)?;
                self.field.times(&exponent, &base)
            }
            Expression::Negative(value) | Expression::Call(Function::Abs, value) => {
                self.log_size(value, argument)
            }
            Expression::Call(Function::Exp, value) => self.convert(value, argument),
            Expression::Call(Function::Sqrt, value) => {
                Ok(self.log_size(value, argument)?.scaled(&half()))
            }
            Expression::Number(_)
            | Expression::Constant(_)
            | Expression::Variable(_)
            | Expression::Sum(_)
            | Expression::Call(..)
            | Expression::Max(_)
            | Expression::Min(_)
            | Expression::Piecewise(..) => {
                let value = self.convert(tree, argument)?;
                self.log_fraction(&value)
            }
        }
    }

    fn log_fraction(&mut self, z: &Fraction) -> Result<Fraction, Obstacle> {
        if self.field.has_complex(z) {
            return Ok(self.field.single(Generator::LogarithmOf(upright(z).0)));
        }
        let parts = self.field.parts(z)?;
        let mut sum = Fraction::integer(0);
        for (prime, exponent) in primes(&parts.coefficient.abs())? {
            let part = Polynomial::constant(BigRational::from_integer(prime));
            let log =
                self.field.single(Generator::Logarithm(part)).scaled(&integer(exponent.into()));
            sum = self.field.plus(&sum, &log)?;
        }
        for (number, exponent) in parts.generators {
            let log = self.log_generator(number)?.scaled(&integer(exponent.into()));
            sum = self.field.plus(&sum, &log)?;
        }
        for (number, exponent) in parts.factors {
            let factor = self.field.factor(number).clone();
            let log = self.field.single(Generator::Logarithm(factor));
            sum = self.field.plus(&sum, &log.scaled(&integer(exponent.into())))?;
        }
        Ok(sum)
    }

    /// ln|g|
    fn log_generator(&mut self, number: usize) -> Result<Fraction, Obstacle> {
        let generator = self.field.generator(number).clone();
        let per_unit = BigRational::new(BigInt::one(), self.field.unit(&generator));
        match generator {
            Generator::Exponential(exponent) => Ok(exponent.scaled(&per_unit)),
            Generator::Root(part) => {
                let log = self.log_fraction(&Fraction::polynomial(part))?;
                Ok(log.scaled(&per_unit))
            }
            Generator::RootOf(value) => Ok(self.log_fraction(&value)?.scaled(&per_unit)),
            Generator::Sign(_) | Generator::SignOf(_) => Ok(Fraction::integer(0)),
            Generator::Imaginary
            | Generator::Variable(_)
            | Generator::Pi
            | Generator::Logarithm(_)
            | Generator::LogarithmOf(_)
            | Generator::Other(..) => {
                Ok(self.field.single(Generator::Logarithm(Polynomial::generator(number))))
            }
        }
    }

    /// z to a power that is not whole, which has a value where `z` is positive only.
    pub(super) fn positive_power(
        &mut self,
        z: &Fraction,
        exponent: &BigRational,
    ) -> Result<Fraction, Obstacle> {
        if z.is_zero() {
            return if exponent.is_positive() { Ok(z.clone()) } else { Err(Obstacle::Undefined) };
        }
        self.assume_positive(z)?;
        if self.field.has_complex(z) {
            return self.root(Generator::RootOf(z.clone()), exponent);
        }
        let parts = self.field.parts(z)?;
        let mut product = Fraction::integer(1);
        for (prime, count) in primes(&parts.coefficient.abs())? {
            let part = Polynomial::constant(BigRational::from_integer(prime));
            let own = self.part_power(&part, &(exponent * integer(count.into())))?;
            product = self.field.times(&product, &own)?;
        }
        for (number, count) in parts.generators {
            let part = Polynomial::generator(number);
            let own = self.part_power(&part, &(exponent * integer(count.into())))?;
            product = self.field.times(&product, &own)?;
        }
        for (number, count) in parts.factors {
            let part = self.field.factor(number).clone();
            let own = self.part_power(&part, &(exponent * integer(count.into())))?;
            product = self.field.times(&product, &own)?;
        }
        Ok(product)
    }

    /// |part|^exponent for a real part: a prime, a generator, or a factor.
    fn part_power(
        &mut self,
        part: &Polynomial,
        exponent: &BigRational,
    ) -> Result<Fraction, Obstacle> {
        if exponent.is_zero() {
            return Ok(Fraction::integer(1));
        }
        let alone = part.single().and_then(|(m, _)| match m.0.as_slice() {
            [(number, 1)] => Some(self.field.generator(*number).clone()),
            _ => None,
        });
        let per_unit = |unit: BigInt| exponent / BigRational::from_integer(unit);
        match alone {
            Some(generator @ Generator::Exponential(_)) => {
                let scale = per_unit(self.field.unit(&generator));
                let Generator::Exponential(term) = generator else {
                    return Err(Obstacle::Undefined);
                };
                return self.exponential(&term.scaled(&scale));
            }
            Some(generator @ Generator::Root(_)) => {
                let scale = per_unit(self.field.unit(&generator));
                let Generator::Root(part) = generator else { return Err(Obstacle::Undefined) };
                return self.part_power(&part, &scale);
            }
            Some(Generator::Sign(_) | Generator::SignOf(_)) => return Ok(Fraction::integer(1)),
            Some(
                Generator::Variable(_)
                | Generator::Pi
                | Generator::Imaginary
                | Generator::Logarithm(_)
                | Generator::LogarithmOf(_)
                | Generator::RootOf(_)
                | Generator::Other(..),
            )
            | None => {}
        }
        let whole = exponent.floor();
        let rest = exponent - &whole;
        let count = whole.to_integer().to_i32().ok_or(Obstacle::TooLarge)?;
        let mut product = self.field.power(&Fraction::polynomial(part.clone()), count)?;
        if count % 2 != 0 {
            let sign = self.field.part_sign(part);
            product = self.field.times(&product, &sign)?;
        }
        if !rest.is_zero() {
            let root = self.root(Generator::Root(part.clone()), &rest)?;
            product = self.field.times(&product, &root)?;
        }
        Ok(product)
    }

    fn root(&mut self, generator: Generator, exponent: &BigRational) -> Result<Fraction, Obstacle> {
        if exponent.denom().bits() > 8 {
            return Err(Obstacle::TooLarge);
        }
        let share = self.field.share(&generator, exponent)?;
        let root = self.field.single(generator);
        self.field.power(&root, share)
    }
}

/// The prime factors of a positive rational number with their exponents; what is left beyond small primes is
/// taken as one factor.
fn primes(value: &BigRational) -> Result<Vec<(BigInt, i32)>, Obstacle> {
    let mut found = vec![];
    for (mut rest, direction) in [(value.numer().clone(), 1), (value.denom().clone(), -1)] {
        if rest.bits() > 512 {
            return Err(Obstacle::TooLarge);
        }
        let mut prime = 2u32;
        while prime < 1000 && !rest.is_one() {
            let mut exponent = 0;
            while (&rest % prime).is_zero() {
                rest /= prime;
                exponent += direction;
            }
            if exponent != 0 {
                found.push((BigInt::from(prime), exponent));
            }
            prime += if prime == 2 { 1 } else { 2 };
        }
        if !rest.is_one() {
            found.push((rest, direction));
        }
    }
    Ok(found)
}
