//! Text that reads back as the same tree: plain (`exp(2*z)`, `z^2`) and Unicode (`2z`, `z²`, `√(z)`, `|z|`).

use super::expression::{Case, Constant, Expression, Relation, Sign};
use super::function::Function;
use super::token::raise;
use std::fmt;

/// Where a part stands, which decides whether it needs brackets.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    /// Alone, or between the brackets or commas of a function.
    Open,
    /// A term of a sum, or what a minus stands before.
    Term,
    /// The first factor of a product.
    FirstFactor,
    /// A later factor of a product, or a denominator.
    Factor,
    /// A numerator.
    Numerator,
    /// The base of a power.
    Base,
    /// An exponent.
    Exponent,
}

fn needs_brackets(tree: &Expression, place: Place) -> bool {
    match tree {
        Expression::Sum(_) | Expression::Negative(_) => place != Place::Open,
        Expression::Product(_) => !matches!(place, Place::Open | Place::Term | Place::Numerator),
        Expression::Quotient(..) => {
            matches!(place, Place::Factor | Place::Base | Place::Exponent)
        }
        Expression::Power(..) => place == Place::Base,
        Expression::Number(_)
        | Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Call(..)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Piecewise(..) => false,
    }
}

struct Writer {
    text: String,
    unicode: bool,
}

impl Writer {
    fn write(&mut self, plain: &str, unicode: &str) {
        self.text.push_str(if self.unicode { unicode } else { plain });
    }

    fn placed(&mut self, tree: &Expression, place: Place) {
        let brackets = needs_brackets(tree, place);
        if brackets {
            self.text.push('(');
        }
        self.tree(tree);
        if brackets {
            self.text.push(')');
        }
    }

    fn tree(&mut self, tree: &Expression) {
        match tree {
            Expression::Number(number) => self.text.push_str(number.as_str()),
            Expression::Constant(Constant::Pi) => self.write("pi", "π"),
            Expression::Constant(Constant::E) => self.text.push('e'),
            Expression::Variable(name) => self.text.push_str(name),
            Expression::Negative(value) => {
                self.write("-", "−");
                self.placed(value, Place::Term);
            }
            Expression::Sum(terms) => {
                for (i, term) in terms.iter().enumerate() {
                    match (i, term.sign) {
                        (0, Sign::Plus) => {}
                        (0, Sign::Minus) => self.write("-", "−"),
                        (_, Sign::Plus) => self.text.push_str(" + "),
                        (_, Sign::Minus) => self.write(" - ", " − "),
                    }
                    self.placed(&term.value, Place::Term);
                }
            }
            Expression::Product(factors) => self.product(factors),
            Expression::Quotient(numerator, denominator) => {
                self.placed(numerator, Place::Numerator);
                self.text.push('/');
                self.placed(denominator, Place::Factor);
            }
            Expression::Power(base, exponent) => {
                self.placed(base, Place::Base);
                match raised(exponent).filter(|_| self.unicode) {
                    Some(raised) => self.text.push_str(&raised),
                    None => {
                        self.text.push('^');
                        self.placed(exponent, Place::Exponent);
                    }
                }
            }
            Expression::Call(Function::Abs, argument) if self.unicode => {
                self.text.push('|');
                self.tree(argument);
                self.text.push('|');
            }
            Expression::Call(function, argument) => {
                let shown = match function {
                    Function::Sqrt => "√",
                    Function::Sigmoid => "σ",
                    Function::Log => "ln",
                    other => other.name(),
                };
                self.write(function.name(), shown);
                self.list([argument.as_ref()]);
            }
            Expression::Max(values) => {
                self.text.push_str("max");
                self.list(values);
            }
            Expression::Min(values) => {
                self.text.push_str("min");
                self.list(values);
            }
            Expression::Piecewise(cases, otherwise) => self.piecewise(cases, otherwise),
        }
    }

    fn list<'a>(&mut self, values: impl IntoIterator<Item = &'a Expression>) {
        let mut lead = "(";
        for value in values {
            self.text.push_str(lead);
            self.tree(value);
            lead = ", ";
        }
        self.text.push(')');
    }

    fn product(&mut self, factors: &[Expression]) {
        for (i, factor) in factors.iter().enumerate() {
            let implicit = self.unicode
                && i == 1
                && matches!(factors[0], Expression::Number(_))
                && stands_behind_number(factor);
            if i > 0 && !implicit {
                self.write("*", "·");
            }
            self.placed(factor, if i == 0 { Place::FirstFactor } else { Place::Factor });
        }
    }

    fn piecewise(&mut self, cases: &[Case], otherwise: &Expression) {
        self.text.push_str("piecewise(");
        for case in cases {
            let relation = case.condition.relation;
            let shown = match relation {
                Relation::LessEqual => "≤",
                Relation::GreaterEqual => "≥",
                Relation::Less | Relation::Greater => relation.as_str(),
            };
            self.tree(&case.condition.left);
            self.text.push(' ');
            self.write(relation.as_str(), shown);
            self.text.push(' ');
            self.tree(&case.condition.right);
            self.text.push_str(", ");
            self.tree(&case.value);
            self.text.push_str(", ");
        }
        self.tree(otherwise);
        self.text.push(')');
    }
}

/// The exponent in raised digits, if it is a whole number.
fn raised(exponent: &Expression) -> Option<String> {
    match exponent {
        Expression::Number(number) if number.is_integer_text() => Some(raise(number.as_str())),
        Expression::Negative(size) => match size.as_ref() {
            Expression::Number(number) if number.is_integer_text() => {
                Some(format!("⁻{}", raise(number.as_str())))
            }
            _ => None,
        },
        _ => None,
    }
}

/// True if a number may stand before the factor without a sign and both still read as they are.
fn stands_behind_number(factor: &Expression) -> bool {
    // `2e1` would read as twenty.
    let starts_exponent = |name: &str| name.starts_with(['e', 'E']);
    match factor {
        Expression::Variable(name) => !starts_exponent(name),
        Expression::Call(function, _) => *function != Function::Abs,
        Expression::Constant(_) | Expression::Sum(_) | Expression::Max(_) | Expression::Min(_) => {
            true
        }
        Expression::Power(base, _) => match base.as_ref() {
            Expression::Number(_) | Expression::Quotient(..) => false,
            base => stands_behind_number(base),
        },
        Expression::Number(_)
        | Expression::Negative(_)
        | Expression::Product(_)
        | Expression::Quotient(..)
        | Expression::Piecewise(..) => false,
    }
}

impl Expression {
    fn written(&self, unicode: bool) -> String {
        let mut writer = Writer { text: String::new(), unicode };
        writer.tree(self);
        writer.text
    }

    /// The formula for people: `2z`, `z²`, `−`, `π`, `√(z)`, `σ(z)`, `|z|`. Reads back as the same tree.
    ///
    /// ```
    /// let formula = glassnet::formula::parse("-2*z^2*exp(-abs(z))/sqrt(2*pi)")?;
    /// assert_eq!(formula.unicode(), "−2z²·exp(−|z|)/√(2π)");
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn unicode(&self) -> String {
        self.written(true)
    }
}

/// Plain text, which [`parse`](super::parse()) reads back as the same tree.
impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(false))
    }
}
