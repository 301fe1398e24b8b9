//! Polynomials in numbered generators with big rational coefficients; exponents may be negative.

use num_rational::BigRational;
use num_traits::{One, Zero};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// Products that would have more terms are given up.
pub(super) const MAX_TERMS: usize = 4000;

/// A product of generators: pairs of a generator's number and its exponent, by number, without zero exponents.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default)]
pub(super) struct Monomial(pub(super) Vec<(usize, i32)>);

impl Monomial {
    pub(super) fn times(&self, other: &Monomial) -> Monomial {
        let mut product = Vec::with_capacity(self.0.len() + other.0.len());
        let (mut i, mut j) = (0, 0);
        while i < self.0.len() || j < other.0.len() {
            match (self.0.get(i), other.0.get(j)) {
                (Some(&(a, m)), Some(&(b, n))) if a == b => {
                    if m + n != 0 {
                        product.push((a, m + n));
                    }
                    i += 1;
                    j += 1;
                }
                (Some(&left), Some(&(b, _))) if left.0 < b => {
                    product.push(left);
                    i += 1;
                }
                (_, Some(&right)) => {
                    product.push(right);
                    j += 1;
                }
                (Some(&left), None) => {
                    product.push(left);
                    i += 1;
                }
                (None, None) => break,
            }
        }
        Monomial(product)
    }

    pub(super) fn power(&self, exponent: i32) -> Monomial {
        match exponent {
            0 => Monomial::default(),
            n => Monomial(self.0.iter().map(|&(g, m)| (g, m * n)).collect()),
        }
    }

    pub(super) fn exponent(&self, generator: usize) -> i32 {
        self.0.iter().find(|(own, _)| *own == generator).map_or(0, |(_, exponent)| *exponent)
    }
}

/// The lexicographic order, which products keep: the first generator whose exponents differ decides.
impl Ord for Monomial {
    fn cmp(&self, other: &Monomial) -> Ordering {
        let (mut i, mut j) = (0, 0);
        loop {
            let (left, right) = (self.0.get(i), other.0.get(j));
            let order = match (left, right) {
                (None, None) => return Ordering::Equal,
                (Some(&(a, m)), Some(&(b, n))) if a == b => m.cmp(&n),
                (Some(&(a, m)), Some(&(b, _))) if a < b => m.cmp(&0),
                (_, Some(&(_, n))) => 0.cmp(&n),
                (Some(&(_, m)), None) => m.cmp(&0),
            };
            if order != Ordering::Equal {
                return order;
            }
            // Only equal exponents of one generator come here: others are not zero.
            i += 1;
            j += 1;
        }
    }
}

impl PartialOrd for Monomial {
    fn partial_cmp(&self, other: &Monomial) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// A sum of monomials with coefficients that are not zero.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Default, PartialOrd, Ord)]
pub(super) struct Polynomial(pub(super) BTreeMap<Monomial, BigRational>);

impl Polynomial {
    pub(super) fn constant(value: BigRational) -> Polynomial {
        Polynomial::term(value, Monomial::default())
    }

    pub(super) fn one() -> Polynomial {
        Polynomial::constant(BigRational::one())
    }

    pub(super) fn term(coefficient: BigRational, monomial: Monomial) -> Polynomial {
        let mut terms = BTreeMap::new();
        if !coefficient.is_zero() {
            terms.insert(monomial, coefficient);
        }
        Polynomial(terms)
    }

    pub(super) fn generator(number: usize) -> Polynomial {
        Polynomial::term(BigRational::one(), Monomial(vec![(number, 1)]))
    }

    pub(super) fn is_zero(&self) -> bool {
        self.0.is_empty()
    }

    /// The value, if no generator occurs.
    pub(super) fn value(&self) -> Option<BigRational> {
        match self.0.len() {
            0 => Some(BigRational::zero()),
            1 => self.0.get(&Monomial::default()).cloned(),
            _ => None,
        }
    }

    /// Coefficient and monomial, if there is one term.
    pub(super) fn single(&self) -> Option<(&Monomial, &BigRational)> {
        if self.0.len() == 1 { self.0.iter().next() } else { None }
    }

    pub(super) fn leading(&self) -> Option<(&Monomial, &BigRational)> {
        self.0.iter().next_back()
    }

    pub(super) fn add_term(&mut self, monomial: Monomial, coefficient: BigRational) {
        if coefficient.is_zero() {
            return;
        }
        match self.0.entry(monomial) {
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(coefficient);
            }
            std::collections::btree_map::Entry::Occupied(mut place) => {
                *place.get_mut() += coefficient;
                if place.get().is_zero() {
                    place.remove();
                }
            }
        }
    }

    pub(super) fn plus(&self, other: &Polynomial) -> Polynomial {
        let mut sum = self.clone();
        for (monomial, coefficient) in &other.0 {
            sum.add_term(monomial.clone(), coefficient.clone());
        }
        sum
    }

    pub(super) fn scaled(&self, factor: &BigRational) -> Polynomial {
        if factor.is_zero() {
            return Polynomial::default();
        }
        Polynomial(self.0.iter().map(|(m, c)| (m.clone(), c * factor)).collect())
    }

    pub(super) fn shifted(&self, by: &Monomial) -> Polynomial {
        Polynomial(self.0.iter().map(|(m, c)| (m.times(by), c.clone())).collect())
    }

    /// The product; `None` if it would be too large.
    pub(super) fn times(&self, other: &Polynomial) -> Option<Polynomial> {
        if self.0.len().saturating_mul(other.0.len()) > MAX_TERMS * 16 {
            return None;
        }
        let mut product = Polynomial::default();
        for (m, c) in &self.0 {
            for (n, d) in &other.0 {
                product.add_term(m.times(n), c * d);
            }
        }
        (product.0.len() <= MAX_TERMS).then_some(product)
    }

    /// The greatest monomial (with exponents of either sign) that divides every term.
    pub(super) fn content(&self) -> Monomial {
        let mut least: BTreeMap<usize, i32> = BTreeMap::new();
        for monomial in self.0.keys() {
            for (generator, _) in &monomial.0 {
                least.insert(*generator, i32::MAX);
            }
        }
        for monomial in self.0.keys() {
            for (generator, exponent) in &mut least {
                *exponent = (*exponent).min(monomial.exponent(*generator));
            }
        }
        Monomial(least.into_iter().filter(|(_, exponent)| *exponent != 0).collect())
    }

    /// `self / divisor`, if it is a polynomial. Both must have no negative exponents.
    pub(super) fn divided(&self, divisor: &Polynomial) -> Option<Polynomial> {
        let (lead, scale) = divisor.leading()?;
        let mut rest = self.clone();
        let mut quotient = Polynomial::default();
        for _ in 0..MAX_TERMS.min(20 + 20_000 / divisor.0.len()) {
            let Some((monomial, coefficient)) = rest.leading() else { return Some(quotient) };
            let monomial = monomial.times(&lead.power(-1));
            if monomial.0.iter().any(|(_, exponent)| *exponent < 0) {
                return None;
            }
            let coefficient = coefficient / scale;
            let minus = -coefficient.clone();
            for (m, c) in &divisor.0 {
                rest.add_term(m.times(&monomial), c * &minus);
            }
            quotient.add_term(monomial, coefficient);
            if rest.0.len() > MAX_TERMS {
                return None;
            }
        }
        None
    }

    pub(super) fn generators(&self) -> impl Iterator<Item = usize> + '_ {
        self.0.keys().flat_map(|monomial| monomial.0.iter().map(|(generator, _)| *generator))
    }
}
