//! Where a formula may have a kink or jump.

use super::differentiate::MAX_DERIVATIVE_NODES;
use super::expression::{Expression, Sign};
use super::function::Function;
use super::tidy::sum;
use crate::error::{Error, ErrorKind, Result};
use std::collections::HashSet;

impl Expression {
    /// Formulas whose zeros are the places where this formula may have a kink or a jump, each once.
    ///
    /// These are the arguments of `relu`, `abs` and `sign`, differences of any two arguments of `max` and `min`,
    /// and of the two sides of each condition, as far as they depend on a variable. The list is complete, but not
    /// every zero is a kink: z·|z| has none at 0. Poles and ends of a domain (log, sqrt, 1/z) are not listed.
    /// `softsign` is smooth once: its derivative's kinks are those of
    /// [`differentiate`](Expression::differentiate)'s result.
    ///
    /// # Errors
    /// Kind `Limit` if the list would have more than [`MAX_DERIVATIVE_NODES`] nodes: n arguments of `max` have
    /// n(n − 1)/2 differences.
    ///
    /// ```
    /// let kinks = glassnet::formula::parse("relu(z - 1) + max(z^2, 1)")?.kinks()?;
    /// let kinks: Vec<String> = kinks.iter().map(ToString::to_string).collect();
    /// assert_eq!(kinks, ["z - 1", "z^2 - 1"]);
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn kinks(&self) -> Result<Vec<Expression>> {
        let mut list = List { places: vec![], known: HashSet::new(), left: MAX_DERIVATIVE_NODES };
        list.collect(self)?;
        Ok(list.places)
    }
}

struct List {
    places: Vec<Expression>,
    known: HashSet<Expression>,
    /// How many nodes may still be looked at.
    left: usize,
}

impl List {
    fn collect(&mut self, tree: &Expression) -> Result<()> {
        match tree {
            Expression::Call(Function::Relu | Function::Abs | Function::Sign, argument) => {
                self.pay(argument.nodes())?;
                self.add(argument.as_ref().clone());
            }
            Expression::Max(values) | Expression::Min(values) => {
                for (i, left) in values.iter().enumerate() {
                    for right in &values[i + 1..] {
                        self.difference(left, right)?;
                    }
                }
            }
            Expression::Piecewise(cases, _) => {
                for case in cases {
                    self.difference(&case.condition.left, &case.condition.right)?;
                }
            }
            Expression::Call(..)
            | Expression::Number(_)
            | Expression::Constant(_)
            | Expression::Variable(_)
            | Expression::Negative(_)
            | Expression::Sum(_)
            | Expression::Product(_)
            | Expression::Quotient(..)
            | Expression::Power(..) => {}
        }
        tree.children().into_iter().try_for_each(|child| self.collect(child))
    }

    fn difference(&mut self, left: &Expression, right: &Expression) -> Result<()> {
        self.pay(left.nodes() + right.nodes())?;
        self.add(sum(vec![(Sign::Plus, left.clone()), (Sign::Minus, right.clone())]));
        Ok(())
    }

    fn pay(&mut self, nodes: usize) -> Result<()> {
        self.left = self.left.checked_sub(nodes).ok_or_else(|| {
            Error::new(ErrorKind::Limit, "the formula has too many possible kinks to list")
                .at(format!("limit of {MAX_DERIVATIVE_NODES} nodes"))
                .help("give max and min fewer arguments")
        })?;
        Ok(())
    }

    fn add(&mut self, place: Expression) {
        if !place.variables().is_empty() && self.known.insert(place.clone()) {
            self.places.push(place);
        }
    }
}
