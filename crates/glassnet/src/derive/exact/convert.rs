//! Formulas as fractions of generators.

use super::evaluate::{number, rational};
use super::field::{Field, Fraction, Generator, Obstacle, integer};
use super::polynomial::{Monomial, Polynomial};
use crate::formula::{Constant, Expression, Function, Relation, Sign};
use num_bigint::BigInt;
use num_integer::Integer;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive, Zero};

/// A conversion in a field; formulas converted by the same one can be compared.
#[derive(Default)]
pub(super) struct Converter {
    pub(super) field: Field,
    /// The fraction holds but on the zeros of something whose sign it contains: a piecewise formula or a sign.
    pub(super) but_for_joints: bool,
}

/// `z` or −z, whichever has a positive leading coefficient, and whether it was −z.
fn upright(z: &Fraction) -> (Fraction, bool) {
    let minus = z.top.leading().is_some_and(|(_, coefficient)| coefficient.is_negative());
    if minus { (z.negative(), true) } else { (z.clone(), false) }
}

fn half() -> BigRational {
    BigRational::new(BigInt::one(), BigInt::from(2))
}

impl Converter {
    /// The fraction of `tree`. In a function's definition `z` stands for `argument`.
    pub(super) fn convert(
        &mut self,
        tree: &Expression,
        argument: Option<&Fraction>,
    ) -> Result<Fraction, Obstacle> {
        match tree {
            Expression::Number(own) => Ok(Fraction::constant(number(own.as_str()))),
            Expression::Constant(Constant::Pi) => Ok(self.field.single(Generator::Pi)),
            Expression::Constant(Constant::E) => self.exponential(&Fraction::integer(1)),
            Expression::Variable(name) => Ok(match argument {
                Some(argument) => argument.clone(),
                None => self.field.single(Generator::Variable(name.clone())),
            }),
            Expression::Negative(value) => Ok(self.convert(value, argument)?.negative()),
            Expression::Sum(terms) => {
                let mut sum = Fraction::integer(0);
                for term in terms {
                    let value = self.convert(&term.value, argument)?;
                    sum = match term.sign {
                        Sign::Plus => self.field.plus(&sum, &value)?,
                        Sign::Minus => self.field.minus(&sum, &value)?,
                    };
                }
                Ok(sum)
            }
            Expression::Product(parts) => {
                let mut product = Fraction::integer(1);
                for part in parts {
                    let value = self.convert(part, argument)?;
                    product = self.field.times(&product, &value)?;
                }
                Ok(product)
            }
            Expression::Quotient(left, right) => {
                let (left, right) = (self.convert(left, argument)?, self.convert(right, argument)?);
                self.field.over(&left, &right)
            }
            Expression::Power(base, exponent) => self.power(base, exponent, argument),
            Expression::Call(function, inner) => self.call(*function, inner, argument),
            Expression::Max(parts) => self.extremum(parts, argument, 1),
            Expression::Min(parts) => self.extremum(parts, argument, -1),
            Expression::Piecewise(cases, otherwise) => {
                let mut value = self.convert(otherwise, argument)?;
                for case in cases.iter().rev() {
                    let left = self.convert(&case.condition.left, argument)?;
                    let right = self.convert(&case.condition.right, argument)?;
                    let own = self.convert(&case.value, argument)?;
                    let difference = self.field.minus(&left, &right)?;
                    if difference.is_zero() {
                        value = match case.condition.relation {
                            Relation::LessEqual | Relation::GreaterEqual => own,
                            Relation::Less | Relation::Greater => value,
                        };
                        continue;
                    }
                    let sign = self.sign(&difference)?;
                    let sign = match case.condition.relation {
                        Relation::Greater | Relation::GreaterEqual => sign,
                        Relation::Less | Relation::LessEqual => sign.negative(),
                    };
                    self.but_for_joints = true;
                    // (1 + s)/2 own + (1 − s)/2 value
                    let sum = self.field.plus(&own, &value)?;
                    let step = self.field.minus(&own, &value)?;
                    let step = self.field.times(&step, &sign)?;
                    value = self.field.plus(&sum, &step)?.scaled(&half());
                }
                Ok(value)
            }
        }
    }

    /// max = (a + b + |a − b|)/2, min with −|a − b|
    fn extremum(
        &mut self,
        parts: &[Expression],
        argument: Option<&Fraction>,
        direction: i64,
    ) -> Result<Fraction, Obstacle> {
        let mut best: Option<Fraction> = None;
        for part in parts {
            let value = self.convert(part, argument)?;
            best = Some(match best {
                None => value,
                Some(best) => {
                    let difference = self.field.minus(&best, &value)?;
                    let size = self.absolute(&difference)?.scaled(&integer(direction));
                    let sum = self.field.plus(&best, &value)?;
                    self.field.plus(&sum, &size)?.scaled(&half())
                }
            });
        }
        best.ok_or(Obstacle::Undefined)
    }

    fn power(
        &mut self,
        base: &Expression,
        exponent: &Expression,
        argument: Option<&Fraction>,
    ) -> Result<Fraction, Obstacle> {
        let exponent = match rational(exponent) {
            Some(exact) => Fraction::constant(exact),
            None => self.convert(exponent, argument)?,
        };
        if *base == Expression::Constant(Constant::E) {
            return self.exponential(&exponent);
        }
        match exponent.value() {
            Some(exact) if exact.is_integer() => {
                let base = self.convert(base, argument)?;
                let whole = exact.to_integer().to_i32().ok_or(Obstacle::TooLarge)?;
                self.field.power(&base, whole)
            }
            Some(exact) => {
                let base = self.convert(base, argument)?;
                self.positive_power(&base, &exact)
            }
            None => {
                let log = self.logarithm(base, argument)?;
                let exponent = self.field.times(&exponent, &log)?;
                self.exponential(&exponent)
            }
        }
    }

    fn call(
        &mut self,
        function: Function,
        inner: &Expression,
        argument: Option<&Fraction>,
    ) -> Result<Fraction, Obstacle> {
        if function == Function::Log {
            return self.logarithm(inner, argument);
        }
        let z = self.convert(inner, argument)?;
        match function {
            Function::Exp => self.exponential(&z),
            Function::Sqrt => self.positive_power(&z, &half()),
            Function::Sin | Function::Cos => {
                let i = self.field.single(Generator::Imaginary);
                let turned = self.field.times(&i, &z)?;
                let (there, back) =
                    (self.exponential(&turned)?, self.exponential(&turned.negative())?);
                if function == Function::Cos {
                    return Ok(self.field.plus(&there, &back)?.scaled(&half()));
                }
                let difference = self.field.minus(&there, &back)?.scaled(&half());
                self.field.over(&difference, &i)
            }
            Function::Acos => {
                let right = self.field.single(Generator::Pi).scaled(&half());
                let arcsine = self.odd(Function::Asin, &z)?;
                self.field.minus(&right, &arcsine)
            }
            Function::Asin | Function::Atan | Function::Erf => self.odd(function, &z),
            Function::Abs => self.absolute(&z),
            Function::Sign => {
                self.but_for_joints = true;
                if z.is_zero() { Ok(z) } else { self.sign(&z) }
            }
            Function::Relu => {
                let size = self.absolute(&z)?;
                Ok(self.field.plus(&z, &size)?.scaled(&half()))
            }
            Function::Log
            | Function::Log2
            | Function::Log10
            | Function::Log1p
            | Function::Expm1
            | Function::Tan
            | Function::Sinh
            | Function::Cosh
            | Function::Tanh
            | Function::Sigmoid
            | Function::Softplus
            | Function::Silu
            | Function::Gelu
            | Function::Mish
            | Function::LogSigmoid
            | Function::Softsign => {
                let definition = function.definition().ok_or(Obstacle::Undefined)?;
                self.convert(definition, Some(&z))
            }
        }
    }

    /// f(−z) = −f(z): the argument's leading coefficient is made positive.
    fn odd(&mut self, function: Function, z: &Fraction) -> Result<Fraction, Obstacle> {
        if z.is_zero() {
            return Ok(Fraction::integer(0));
        }
        let (key, minus) = upright(z);
        let value = self.field.single(Generator::Other(function, key));
        Ok(if minus { value.negative() } else { value })
    }

    /// The sign of a fraction that is not zero: a product of the signs of its parts.
    fn sign(&mut self, z: &Fraction) -> Result<Fraction, Obstacle> {
        if self.field.has_complex(z) {
            let (key, minus) = upright(z);
            let sign = self.field.real_sign(&key);
            return Ok(if minus { sign.negative() } else { sign });
        }
        let parts = self.field.parts(z)?;
        let mut sign = Fraction::integer(if parts.coefficient.is_negative() { -1 } else { 1 });
        for part in self.odd_parts(&parts.generators, &parts.factors) {
            let own = self.field.part_sign(&part);
            sign = self.field.times(&sign, &own)?;
        }
        Ok(sign)
    }

    fn odd_parts(
        &self,
        generators: &[(usize, i32)],
        factors: &std::collections::BTreeMap<usize, i32>,
    ) -> Vec<Polynomial> {
        let odd = |exponent: &i32| exponent % 2 != 0;
        let generators = generators.iter().filter(|(_, exponent)| odd(exponent));
        let factors = factors.iter().filter(|(_, exponent)| odd(exponent));
        generators
            .map(|(number, _)| Polynomial::generator(*number))
            .chain(factors.map(|(number, _)| self.field.factor(*number).clone()))
            .collect()
    }

    fn absolute(&mut self, z: &Fraction) -> Result<Fraction, Obstacle> {
        if z.is_zero() {
            return Ok(z.clone());
        }
        let sign = self.sign(z)?;
        self.field.times(&sign, z)
    }

    /// The formula has values only where `z` is positive: what that says of its parts.
    fn assume_positive(&mut self, z: &Fraction) -> Result<(), Obstacle> {
        if z.is_zero() {
            return Err(Obstacle::Undefined);
        }
        if self.field.has_complex(z) {
            let (key, minus) = upright(z);
            self.field.learn_real(&key, !minus);
            return Ok(());
        }
        let parts = self.field.parts(z)?;
        let mut positive = parts.coefficient.is_positive();
        let mut unknown = vec![];
        for part in self.odd_parts(&parts.generators, &parts.factors) {
            match self.field.sign(&part) {
                Some(own) => positive ^= !own,
                None => unknown.push(part),
            }
        }
        match unknown.as_slice() {
            [] if !positive => Err(Obstacle::Undefined),
            [part] => {
                let part = part.clone();
                self.field.learn(&part, positive);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// e^z, as a product over the terms of `z`.
    fn exponential(&mut self, z: &Fraction) -> Result<Fraction, Obstacle> {
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
    fn logarithm(
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
    fn positive_power(
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
