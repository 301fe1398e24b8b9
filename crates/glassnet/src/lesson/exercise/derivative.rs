//! Task 1.2: the derivative of an activation.

use super::draw::between;
use super::{Command, fenced};
use crate::formula;
use crate::math::random::Stream;

/// A formula to differentiate.
#[derive(Clone, Debug, PartialEq)]
pub struct Derivative {
    /// The formula in z.
    pub formula: String,
    /// Whether the formula has a kink, where its derivative is not defined.
    pub kinked: bool,
}

/// The sorts of activations that are varied.
#[derive(Clone, Copy, Debug)]
enum Sort {
    /// (e^kz − a)/(e^kz + a)
    Tanh,
    /// 1/(1 + e^−kz)
    Sigmoid,
    /// b·tanh(cz)
    ScaledTanh,
    /// ln(1 + e^kz)/k
    Softplus,
    /// z/(a + |z|)
    Softsign,
    /// z/(1 + e^−kz)
    Swish,
    /// z for z > 0, sz elsewhere
    Leaky,
    /// z for z > 0, a(e^z − 1) elsewhere
    Elu,
    /// k(z − c) for z > c, 0 elsewhere
    Shifted,
    /// 0, z, c: bounded below and above
    Clipped,
}

/// In the order of the seeds: whoever goes through them one by one meets every sort.
const SORTS: &[Sort] = &[
    Sort::Softplus,
    Sort::Swish,
    Sort::Leaky,
    Sort::ScaledTanh,
    Sort::Clipped,
    Sort::Tanh,
    Sort::Shifted,
    Sort::Sigmoid,
    Sort::Elu,
    Sort::Softsign,
];

impl Derivative {
    pub(super) fn draw(stream: &mut Stream, seed: u64) -> Derivative {
        let sort = SORTS[(seed % SORTS.len() as u64) as usize];
        let small = between(stream, 2, 5);
        let other = between(stream, 2, 9);
        let formula = match sort {
            // With a rate of 2 and 1 it would be the sheet's own.
            Sort::Tanh => {
                let one = between(stream, 1, 3);
                let rate = if small == 2 && one == 1 { 6 } else { small };
                format!("(exp({rate}*z) - {one})/(exp({rate}*z) + {one})")
            }
            Sort::Sigmoid => format!("1/(1 + exp(-{other}*z))"),
            Sort::ScaledTanh => format!("{other}*tanh({small}*z)"),
            Sort::Softplus => format!("log(1 + exp({small}*z))/{small}"),
            Sort::Softsign => format!("z/({small} + abs(z))"),
            Sort::Swish => format!("z/(1 + exp(-{other}*z))"),
            Sort::Elu => format!("piecewise(z > 0, z, {small}*(exp(z) - 1))"),
            Sort::Leaky => format!("piecewise(z > 0, z, 0.{}*z)", between(stream, 1, 4)),
            Sort::Shifted => {
                let kink = between(stream, 1, 4);
                format!("piecewise(z > {kink}, {small}*z - {}, 0)", small * kink)
            }
            Sort::Clipped => format!("piecewise(z <= 0, 0, z < {other}, z, {other})"),
        };
        let kinked = matches!(sort, Sort::Leaky | Sort::Elu | Sort::Shifted | Sort::Clipped);
        Derivative { formula, kinked }
    }

    pub(super) fn statement(&self) -> String {
        let shown = match formula::parse(&self.formula) {
            Ok(formula) => format!("$$f(z) = {}$$", formula.latex()),
            Err(_) => format!("`{}`", self.formula),
        };
        let question = match self.kinked {
            true => "Where is it not defined, and which value does a program take there?",
            false => {
                "Name the rule of each step, and express the result as simply as you can, by the function itself \
                      where that is possible."
            }
        };
        format!(
            "Consider the activation function\n\n{shown}\n\nCompute its derivative. {question}\n"
        )
    }

    pub(super) fn solution(&self) -> String {
        fenced(&self.command())
    }

    pub(super) fn command(&self) -> Command {
        Command::of(&["derive", &self.formula])
    }
}
