//! Where a formula may have a kink or jump.

use super::expression::Expression;
use super::function::Function;

impl Expression {
    /// Formulas whose zeros are the places where this formula may have a kink or a jump, each once.
    ///
    /// These are the arguments of `relu`, `abs` and `sign`, differences of any two arguments of `max` and `min`,
    /// and of the two sides of each condition, as far as they depend on a variable. The list is complete, but not
    /// every zero is a kink: z·|z| has none at 0. Poles and ends of a domain (log, sqrt, 1/z) are not listed.
    /// `softsign` is smooth once: its derivative's kinks are those of
    /// [`differentiate`](Expression::differentiate)'s result.
    ///
    /// ```
    /// let kinks = glassnet::formula::parse("relu(z - 1) + max(z^2, 1)")?.kinks();
    /// let kinks: Vec<String> = kinks.iter().map(ToString::to_string).collect();
    /// assert_eq!(kinks, ["z - 1", "z^2 - 1"]);
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn kinks(&self) -> Vec<Expression> {
        let mut found = vec![];
        collect(self, &mut found);
        found
    }
}

fn collect(tree: &Expression, found: &mut Vec<Expression>) {
    match tree {
        Expression::Call(Function::Relu | Function::Abs | Function::Sign, argument) => {
            add(argument.as_ref().clone(), found);
        }
        Expression::Max(values) | Expression::Min(values) => {
            for (i, left) in values.iter().enumerate() {
                values[i + 1..].iter().for_each(|right| add(difference(left, right), found));
            }
        }
        Expression::Piecewise(cases, _) => {
            for case in cases {
                add(difference(&case.condition.left, &case.condition.right), found);
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
    tree.children().into_iter().for_each(|child| collect(child, found));
}

fn difference(left: &Expression, right: &Expression) -> Expression {
    use super::expression::Sign;
    super::tidy::sum(vec![(Sign::Plus, left.clone()), (Sign::Minus, right.clone())])
}

fn add(place: Expression, found: &mut Vec<Expression>) {
    if !place.variables().is_empty() && !found.contains(&place) {
        found.push(place);
    }
}
