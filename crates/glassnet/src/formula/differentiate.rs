//! The derivative of a formula, as a formula.

use super::expression::{Case, Comparison, Constant, Expression, Relation, Sign};
use super::function::Function;
use super::tidy::{is_one, is_zero, negative, one, piecewise, power, product, quotient, sum, zero};
use crate::error::{Error, ErrorKind, Result};

/// Derivatives with more nodes are refused: a product of n factors has a derivative of about n² nodes.
pub const MAX_DERIVATIVE_NODES: usize = 1_000_000;
/// Formulas deeper than this are refused; [`parse`](super::parse()) gives at most
/// [`MAX_DEPTH`](super::MAX_DEPTH), and each derivative is a little deeper than what it is of.
const MAX_DEPTH: usize = 1500;

impl Expression {
    /// The derivative by `variable`; every other variable is a constant.
    ///
    /// What is new in it is lightly tidied (no `+ 0`, `·1`, exact constants folded); what stood in the formula is
    /// kept as written. Derivatives of named functions are stored: see [`Function::derivative`].
    ///
    /// # Conventions
    /// Where there is no derivative, PyTorch's choice: relu'(0) = 0, abs'(0) = sign(0) = 0, sign' = 0; where
    /// arguments of `max` and `min` tie, the mean of their derivatives, half each as `torch.maximum` does, with
    /// three or more taken as `max(max(a, b), c)`; a piecewise formula has the derivative of the case that holds,
    /// as `torch.where` does. So max(z, 0) has slope 1/2 at 0 while relu(z) has 0.
    /// [`kinks`](Expression::kinks) tells where these places are.
    ///
    /// # Errors
    /// Kind `Limit` beyond [`MAX_DERIVATIVE_NODES`], or for trees deeper than any that is read from text.
    ///
    /// ```
    /// let formula = glassnet::formula::parse("exp(2z)*sin(z^2)")?;
    /// let first = formula.differentiate("z")?;
    /// assert_eq!(first.to_string(), "2*exp(2*z)*sin(z^2) + 2*exp(2*z)*z*cos(z^2)");
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn differentiate(&self, variable: &str) -> Result<Expression> {
        if self.depth() > MAX_DEPTH {
            return Err(too_large("deep"));
        }
        Differentiator { variable, left: MAX_DERIVATIVE_NODES }.tree(self)
    }
}

fn too_large(how: &str) -> Error {
    Error::new(ErrorKind::Limit, format!("the derivative is too {how} to write down"))
        .at(format!("limit of {MAX_DERIVATIVE_NODES} nodes"))
        .help("differentiate a shorter formula")
}

struct Differentiator<'a> {
    variable: &'a str,
    /// How many nodes may still be written.
    left: usize,
}

impl Differentiator<'_> {
    /// A copy, paid for.
    fn copy(&mut self, tree: &Expression) -> Result<Expression> {
        self.pay(tree.nodes())?;
        Ok(tree.clone())
    }

    fn pay(&mut self, nodes: usize) -> Result<()> {
        self.left = self.left.checked_sub(nodes).ok_or_else(|| too_large("large"))?;
        Ok(())
    }

    fn tree(&mut self, tree: &Expression) -> Result<Expression> {
        self.pay(1)?;
        match tree {
            Expression::Number(_) | Expression::Constant(_) => Ok(zero()),
            Expression::Variable(name) => Ok(if name == self.variable { one() } else { zero() }),
            Expression::Negative(value) => Ok(negative(self.tree(value)?)),
            Expression::Sum(terms) => {
                let mut slopes = vec![];
                for term in terms {
                    slopes.push((term.sign, self.tree(&term.value)?));
                }
                Ok(sum(slopes))
            }
            Expression::Product(factors) => self.product(factors),
            Expression::Quotient(numerator, denominator) => self.quotient(numerator, denominator),
            Expression::Power(base, exponent) => self.power(base, exponent),
            Expression::Call(function, argument) => self.call(*function, argument),
            Expression::Max(values) => self.extremum(values, Relation::Greater),
            Expression::Min(values) => self.extremum(values, Relation::Less),
            Expression::Piecewise(cases, otherwise) => {
                let mut slopes = vec![];
                for case in cases {
                    let value = self.tree(&case.value)?;
                    self.pay(case.condition.left.nodes() + case.condition.right.nodes())?;
                    slopes.push(Case { condition: case.condition.clone(), value });
                }
                Ok(piecewise(slopes, self.tree(otherwise)?))
            }
        }
    }

    /// (abc)' = a'bc + ab'c + abc'
    fn product(&mut self, factors: &[Expression]) -> Result<Expression> {
        let mut terms = vec![];
        for (i, factor) in factors.iter().enumerate() {
            let slope = self.tree(factor)?;
            if is_zero(&slope) {
                continue;
            }
            let mut parts = vec![];
            for (j, other) in factors.iter().enumerate() {
                parts.push(if i == j { slope.clone() } else { self.copy(other)? });
            }
            terms.push((Sign::Plus, product(parts)));
        }
        Ok(sum(terms))
    }

    /// (a/b)' = a'/b if b is constant, −ab'/b² if a is, else (a'b − ab')/b²
    fn quotient(&mut self, a: &Expression, b: &Expression) -> Result<Expression> {
        let (a_slope, b_slope) = (self.tree(a)?, self.tree(b)?);
        if is_zero(&b_slope) {
            return Ok(quotient(a_slope, self.copy(b)?));
        }
        let square = power(self.copy(b)?, Expression::integer(2));
        let right = product(vec![self.copy(a)?, b_slope]);
        if is_zero(&a_slope) {
            return Ok(negative(quotient(right, square)));
        }
        let left = product(vec![a_slope, self.copy(b)?]);
        Ok(quotient(sum(vec![(Sign::Plus, left), (Sign::Minus, right)]), square))
    }

    fn power(&mut self, base: &Expression, exponent: &Expression) -> Result<Expression> {
        let (base_slope, exponent_slope) = (self.tree(base)?, self.tree(exponent)?);
        match (is_zero(&base_slope), is_zero(&exponent_slope)) {
            (true, true) => Ok(zero()),
            // (uⁿ)' = n uⁿ⁻¹ u'
            (false, true) => {
                let n = self.copy(exponent)?;
                let less = sum(vec![(Sign::Plus, self.copy(exponent)?), (Sign::Minus, one())]);
                let lower = power(self.copy(base)?, less);
                Ok(product(vec![n, lower, base_slope]))
            }
            // (aᵛ)' = v' aᵛ ln a
            (true, false) => {
                let own = power(self.copy(base)?, self.copy(exponent)?);
                let mut parts = vec![exponent_slope, own];
                if *base != Expression::Constant(Constant::E) {
                    parts.push(Expression::call(Function::Log, self.copy(base)?));
                }
                Ok(product(parts))
            }
            // (uᵛ)' = uᵛ (v' ln u + v u'/u)
            (false, false) => {
                let own = power(self.copy(base)?, self.copy(exponent)?);
                let log = Expression::call(Function::Log, self.copy(base)?);
                let by_base = product(vec![self.copy(exponent)?, base_slope]);
                let inner = sum(vec![
                    (Sign::Plus, product(vec![exponent_slope, log])),
                    (Sign::Plus, quotient(by_base, self.copy(base)?)),
                ]);
                Ok(product(vec![own, inner]))
            }
        }
    }

    /// f(u)' = u' f'(u), and u'/d where f' is 1/d
    fn call(&mut self, function: Function, argument: &Expression) -> Result<Expression> {
        let slope = self.tree(argument)?;
        if is_zero(&slope) {
            return Ok(zero());
        }
        let outer = self.insert(function.derivative(), argument)?;
        Ok(match outer {
            Expression::Quotient(numerator, denominator) if is_one(&numerator) => {
                quotient(slope, *denominator)
            }
            outer => product(vec![slope, outer]),
        })
    }

    /// The stored formula in `z` with `argument` in its place.
    fn insert(&mut self, stored: &Expression, argument: &Expression) -> Result<Expression> {
        fn uses(tree: &Expression) -> usize {
            match tree {
                Expression::Variable(_) => 1,
                tree => tree.children().into_iter().map(uses).sum(),
            }
        }
        self.pay(stored.nodes() + uses(stored) * argument.nodes())?;
        Ok(stored.substitute("z", argument))
    }

    /// The slope of the greatest (or least) value, taken two at a time from the left; half each on a tie.
    fn extremum(&mut self, values: &[Expression], relation: Relation) -> Result<Expression> {
        let Some((first, rest)) = values.split_first() else { return Ok(zero()) };
        let mut slope = self.tree(first)?;
        for (i, value) in rest.iter().enumerate() {
            let own = self.tree(value)?;
            if own == slope {
                continue;
            }
            let mut before = vec![];
            for value in &values[..=i] {
                before.push(self.copy(value)?);
            }
            let best = match (before.len(), relation) {
                (1, _) => before.remove(0),
                (_, Relation::Greater | Relation::GreaterEqual) => Expression::Max(before),
                (_, Relation::Less | Relation::LessEqual) => Expression::Min(before),
            };
            slope = self.choice(best, slope, value, own, relation)?;
        }
        Ok(slope)
    }

    fn choice(
        &mut self,
        best: Expression,
        best_slope: Expression,
        value: &Expression,
        slope: Expression,
        relation: Relation,
    ) -> Result<Expression> {
        let (left, right) = (self.copy(value)?, self.copy(value)?);
        self.pay(best.nodes())?;
        let tie =
            sum(vec![(Sign::Plus, self.copy(&best_slope)?), (Sign::Plus, self.copy(&slope)?)]);
        let cases = vec![
            Case {
                condition: Comparison { left: best.clone(), relation, right },
                value: best_slope,
            },
            Case { condition: Comparison { left, relation, right: best }, value: slope },
        ];
        Ok(piecewise(cases, quotient(tie, Expression::integer(2))))
    }
}
