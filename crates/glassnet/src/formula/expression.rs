//! The expression tree, its constructors, and walks over it.

use super::function::Function;
use super::number::{Number, Rational};
use std::collections::BTreeSet;

/// A formula. The enum is closed: every reader matches it exhaustively.
///
/// Any tree prints as text that parses back to it, if its sums, products, `Max` and `Min` have at least two
/// members, its `Piecewise` at least one case, its variables are names that the reader knows, and it is not
/// deeper than the parser's limits. Equality is equality of the written form, not of the value.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expression {
    /// A decimal number, never negative.
    Number(Number),
    /// π or e.
    Constant(Constant),
    /// A variable by name.
    Variable(String),
    /// `-a`, where it is no term of a sum.
    Negative(Box<Expression>),
    /// `a - b + c`: two or more signed terms, from left to right.
    Sum(Vec<Term>),
    /// `a*b*c`: two or more factors, from left to right.
    Product(Vec<Expression>),
    /// `a/b`: numerator and denominator.
    Quotient(Box<Expression>, Box<Expression>),
    /// `a^b`: base and exponent.
    Power(Box<Expression>, Box<Expression>),
    /// A named function of one argument.
    Call(Function, Box<Expression>),
    /// The greatest of two or more values.
    Max(Vec<Expression>),
    /// The least of two or more values.
    Min(Vec<Expression>),
    /// The value of the first case whose condition holds, else the last value.
    Piecewise(Vec<Case>, Box<Expression>),
}

/// A term of a sum with its sign.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Term {
    /// The sign before the term; the first term's `Plus` is not written.
    pub sign: Sign,
    /// What the sign stands before.
    pub value: Expression,
}

/// The sign of a term.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Sign {
    /// `+`
    Plus,
    /// `-`
    Minus,
}

impl Sign {
    /// The other sign.
    pub fn flipped(self) -> Sign {
        match self {
            Sign::Plus => Sign::Minus,
            Sign::Minus => Sign::Plus,
        }
    }
}

/// A named constant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Constant {
    /// π = 3.14159…
    Pi,
    /// e = 2.71828…
    E,
}

impl Constant {
    /// The nearest f64.
    pub fn to_f64(self) -> f64 {
        match self {
            Constant::Pi => std::f64::consts::PI,
            Constant::E => std::f64::consts::E,
        }
    }
}

/// One case of a piecewise formula.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Case {
    /// When the case applies.
    pub condition: Comparison,
    /// The value where it applies.
    pub value: Expression,
}

/// A comparison of two formulas; false where one of them is not a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Comparison {
    /// The left side.
    pub left: Expression,
    /// How the sides compare.
    pub relation: Relation,
    /// The right side.
    pub right: Expression,
}

/// `<`, `<=`, `>` or `>=`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Relation {
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
}

impl Relation {
    /// True if `left` stands in this relation to `right`.
    pub fn holds<T: PartialOrd>(self, left: T, right: T) -> bool {
        match self {
            Relation::Less => left < right,
            Relation::LessEqual => left <= right,
            Relation::Greater => left > right,
            Relation::GreaterEqual => left >= right,
        }
    }

    /// The relation in plain text.
    pub fn as_str(self) -> &'static str {
        match self {
            Relation::Less => "<",
            Relation::LessEqual => "<=",
            Relation::Greater => ">",
            Relation::GreaterEqual => ">=",
        }
    }
}

/// Constructors: the tree exactly as asked for, nothing shortened.
impl Expression {
    /// The whole number `value`; a negative one becomes the negative of a number.
    pub fn integer(value: i64) -> Expression {
        let size = Expression::Number(Number::integer(value.unsigned_abs()));
        if value < 0 { Expression::negative(size) } else { size }
    }

    /// The shortest decimal that f64 reads as `value`; `None` if it is not finite.
    pub fn from_f64(value: f64) -> Option<Expression> {
        let size = Expression::Number(Number::from_f64(value.abs())?);
        Some(if value < 0.0 { Expression::negative(size) } else { size })
    }

    /// The fraction: a whole number, or a quotient of two.
    ///
    /// ```
    /// use glassnet::formula::{Expression, Rational};
    /// assert_eq!(Expression::from_rational(Rational::new(-2, 6).unwrap()).to_string(), "-1/3");
    /// ```
    pub fn from_rational(value: Rational) -> Expression {
        let whole = |part: i128| {
            // The digits of a whole number below 2^127 are always a number.
            Expression::Number(
                Number::parse(&part.unsigned_abs().to_string()).unwrap_or(Number::integer(0)),
            )
        };
        let size = match value.denominator() {
            1 => whole(value.numerator()),
            denominator => Expression::quotient(whole(value.numerator()), whole(denominator)),
        };
        if value.numerator() < 0 { Expression::negative(size) } else { size }
    }

    /// The variable `name`.
    pub fn variable(name: impl Into<String>) -> Expression {
        Expression::Variable(name.into())
    }

    /// `-value`.
    pub fn negative(value: Expression) -> Expression {
        Expression::Negative(Box::new(value))
    }

    /// `numerator/denominator`.
    pub fn quotient(numerator: Expression, denominator: Expression) -> Expression {
        Expression::Quotient(Box::new(numerator), Box::new(denominator))
    }

    /// `base^exponent`.
    pub fn power(base: Expression, exponent: Expression) -> Expression {
        Expression::Power(Box::new(base), Box::new(exponent))
    }

    /// `function(argument)`.
    pub fn call(function: Function, argument: Expression) -> Expression {
        Expression::Call(function, Box::new(argument))
    }
}

/// Walks over the tree.
impl Expression {
    /// The parts directly below, from left to right as printed.
    pub fn children(&self) -> Vec<&Expression> {
        match self {
            Expression::Number(_) | Expression::Constant(_) | Expression::Variable(_) => vec![],
            Expression::Negative(value) | Expression::Call(_, value) => vec![value],
            Expression::Sum(terms) => terms.iter().map(|term| &term.value).collect(),
            Expression::Product(parts) | Expression::Max(parts) | Expression::Min(parts) => {
                parts.iter().collect()
            }
            Expression::Quotient(left, right) | Expression::Power(left, right) => vec![left, right],
            Expression::Piecewise(cases, otherwise) => cases
                .iter()
                .flat_map(|case| [&case.condition.left, &case.condition.right, &case.value])
                .chain([otherwise.as_ref()])
                .collect(),
        }
    }

    /// The same node with each part directly below replaced by `change` of it.
    pub fn map_children(&self, mut change: impl FnMut(&Expression) -> Expression) -> Expression {
        let mut boxed = |value: &Expression| Box::new(change(value));
        match self {
            Expression::Number(_) | Expression::Constant(_) | Expression::Variable(_) => {
                self.clone()
            }
            Expression::Negative(value) => Expression::Negative(boxed(value)),
            Expression::Call(function, value) => Expression::Call(*function, boxed(value)),
            Expression::Sum(terms) => Expression::Sum(
                terms
                    .iter()
                    .map(|term| Term { sign: term.sign, value: change(&term.value) })
                    .collect(),
            ),
            Expression::Product(parts) => Expression::Product(parts.iter().map(change).collect()),
            Expression::Max(parts) => Expression::Max(parts.iter().map(change).collect()),
            Expression::Min(parts) => Expression::Min(parts.iter().map(change).collect()),
            Expression::Quotient(left, right) => Expression::Quotient(boxed(left), boxed(right)),
            Expression::Power(left, right) => Expression::Power(boxed(left), boxed(right)),
            Expression::Piecewise(cases, otherwise) => {
                let cases = cases
                    .iter()
                    .map(|case| Case {
                        condition: Comparison {
                            left: change(&case.condition.left),
                            relation: case.condition.relation,
                            right: change(&case.condition.right),
                        },
                        value: change(&case.value),
                    })
                    .collect();
                Expression::Piecewise(cases, Box::new(change(otherwise)))
            }
        }
    }

    /// The names of the variables, sorted.
    ///
    /// ```
    /// let formula = glassnet::formula::parse("b*tanh(c*z)")?;
    /// assert_eq!(formula.variables(), ["b", "c", "z"]);
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn variables(&self) -> Vec<String> {
        fn collect(tree: &Expression, names: &mut BTreeSet<String>) {
            if let Expression::Variable(name) = tree {
                names.insert(name.clone());
            }
            tree.children().into_iter().for_each(|child| collect(child, names));
        }
        let mut names = BTreeSet::new();
        collect(self, &mut names);
        names.into_iter().collect()
    }

    /// True if the variable `name` occurs.
    pub fn contains(&self, name: &str) -> bool {
        match self {
            Expression::Variable(own) => own == name,
            tree => tree.children().into_iter().any(|child| child.contains(name)),
        }
    }

    /// The number of nodes.
    pub fn nodes(&self) -> usize {
        1 + self.children().into_iter().map(Expression::nodes).sum::<usize>()
    }

    /// The length of the longest path from the root: 1 for a number or variable.
    pub fn depth(&self) -> usize {
        1 + self.children().into_iter().map(Expression::depth).max().unwrap_or(0)
    }

    /// The formula with `value` in place of the variable `name`; nothing else changes.
    ///
    /// ```
    /// use glassnet::formula::{Expression, parse};
    /// let formula = parse("b*z^2")?.substitute("b", &Expression::integer(-3));
    /// assert_eq!(formula.to_string(), "(-3)*z^2");
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn substitute(&self, name: &str, value: &Expression) -> Expression {
        match self {
            Expression::Variable(own) if own == name => value.clone(),
            tree => tree.map_children(|child| child.substitute(name, value)),
        }
    }

    /// The exact value of a number, its negative, or a quotient of such; `None` for anything else.
    pub fn rational(&self) -> Option<Rational> {
        match self {
            Expression::Number(number) => number.rational(),
            Expression::Negative(value) => Some(value.rational()?.negative()),
            Expression::Quotient(left, right) => left.rational()?.over(right.rational()?),
            Expression::Constant(_)
            | Expression::Variable(_)
            | Expression::Sum(_)
            | Expression::Product(_)
            | Expression::Power(..)
            | Expression::Call(..)
            | Expression::Max(_)
            | Expression::Min(_)
            | Expression::Piecewise(..) => None,
        }
    }
}
