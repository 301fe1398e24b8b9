//! Formulas as fractions of generators.

use super::evaluate::{number, rational};
use super::field::{Field, Fraction, Generator, Obstacle, integer};
use super::polynomial::Polynomial;
use crate::formula::{Constant, Expression, Function, Relation, Sign};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed, ToPrimitive};

/// A conversion in a field; formulas converted by the same one can be compared.
#[derive(Default)]
pub(super) struct Converter {
    pub(super) field: Field,
    /// The fraction holds but on the zeros of something whose sign it contains: a piecewise formula or a sign.
    pub(super) but_for_joints: bool,
}

/// `z` or −z, whichever has a positive leading coefficient, and whether it was −z.
pub(super) fn upright(z: &Fraction) -> (Fraction, bool) {
    let minus = z.top.leading().is_some_and(|(_, coefficient)| coefficient.is_negative());
    if minus { (z.negative(), true) } else { (z.clone(), false) }
}

pub(super) fn half() -> BigRational {
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

    pub(super) fn absolute(&mut self, z: &Fraction) -> Result<Fraction, Obstacle> {
        if z.is_zero() {
            return Ok(z.clone());
        }
        let sign = self.sign(z)?;
        self.field.times(&sign, z)
    }

    /// The formula has values only where `z` is positive: what that says of its parts.
    pub(super) fn assume_positive(&mut self, z: &Fraction) -> Result<(), Obstacle> {
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
}
