//! Formulas in named variables: an expression tree that is parsed, printed, evaluated and differentiated.
//!
//! The tree keeps what was written: sums have as many signed terms as the writer gave them, `(a + b) + c`
//! stays a sum within a sum, `0.1` stays the decimal 0.1, and `e^z` and `exp(z)` are different trees of the
//! same value. Only [`Expression::tidy`] and the derivative's own new parts are shortened (`+ 0`, `·1`, exact
//! constants); nothing is simplified behind the reader's back. Brackets are kept where they carry structure;
//! those that carry none, as in `(z) + (2*z)`, are not.
//!
//! ```
//! use glassnet::formula::Expression;
//! let tanh: Expression = "(exp(2z) - 1)/(exp(2z) + 1)".parse()?;
//! assert_eq!(tanh.to_string(), "(exp(2*z) - 1)/(exp(2*z) + 1)");
//! assert_eq!(tanh.latex(), r"\frac{e^{2 z} - 1}{e^{2 z} + 1}");
//! assert!((tanh.evaluate(&[("z", 0.5)])? - 0.5f64.tanh()).abs() < 1e-15);
//! let slope = tanh.differentiate("z")?;
//! assert!((slope.evaluate(&[("z", 0.0)])? - 1.0).abs() < 1e-15);
//! # Ok::<(), glassnet::Error>(())
//! ```

mod accent;
mod complain;
mod compose;
mod differentiate;
mod evaluate;
mod expression;
mod fault;
mod function;
mod kinks;
mod latex;
mod latex_words;
mod layout;
mod line;
mod math;
mod mathml;
mod number;
mod parse;
mod print;
mod read_latex;
mod tidy;
mod token;
mod zero;

#[cfg(test)]
mod tests;

pub use differentiate::MAX_DERIVATIVE_NODES;
pub use expression::{Case, Comparison, Constant, Expression, Relation, Sign, Term};
pub use function::Function;
pub use latex_words::escape as escape_latex;
pub(crate) use layout::{Panel, columns, padded, rows, wrapped};
pub use math::{BigOperator, Fence, Math, Operator};
pub use number::{Number, Rational};
pub use parse::{MAX_BYTES, MAX_DEPTH, MAX_NESTING, parse, parse_activation, parse_in};
