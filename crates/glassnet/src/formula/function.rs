//! The named functions of one argument: names, definitions, derivatives, conventions.

use super::expression::Expression;
use super::parse::parse_in;
use std::sync::LazyLock;

/// A named function of one argument.
///
/// [`definition`](Function::definition) gives its formula in simpler functions, where there is one, and
/// [`derivative`](Function::derivative) the stored derivative; both are formulas in `z`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Function {
    /// e^z
    Exp,
    /// The natural logarithm.
    Log,
    /// The logarithm to base 2.
    Log2,
    /// The logarithm to base 10.
    Log10,
    /// ln(1 + z), accurate near 0.
    Log1p,
    /// e^z − 1, accurate near 0.
    Expm1,
    /// The square root.
    Sqrt,
    /// The sine.
    Sin,
    /// The cosine.
    Cos,
    /// The tangent.
    Tan,
    /// The inverse of the sine on [−π/2, π/2].
    Asin,
    /// The inverse of the cosine on [0, π].
    Acos,
    /// The inverse of the tangent.
    Atan,
    /// The hyperbolic sine.
    Sinh,
    /// The hyperbolic cosine.
    Cosh,
    /// The hyperbolic tangent.
    Tanh,
    /// 1/(1 + e^−z)
    Sigmoid,
    /// ln(1 + e^z)
    Softplus,
    /// max(z, 0)
    Relu,
    /// The absolute value.
    Abs,
    /// −1, 0 or 1.
    Sign,
    /// The error function.
    Erf,
    /// z·σ(z), also named swish.
    Silu,
    /// z·Φ(z), with the normal distribution's Φ (PyTorch's `approximate='none'`).
    Gelu,
    /// z·tanh(softplus(z))
    Mish,
    /// ln σ(z)
    LogSigmoid,
    /// z/(1 + |z|)
    Softsign,
}

struct Row {
    function: Function,
    name: &'static str,
    aliases: &'static [&'static str],
    definition: &'static str,
    derivative: &'static str,
    convention: &'static str,
}

const fn row(
    function: Function,
    name: &'static str,
    aliases: &'static [&'static str],
    definition: &'static str,
    derivative: &'static str,
    convention: &'static str,
) -> Row {
    Row { function, name, aliases, definition, derivative, convention }
}

/// One row per function, in the order of the enum.
#[rustfmt::skip]
const TABLE: [Row; 27] = [
    //  function              name          other names     definition                        derivative                                                          convention
    row(Function::Exp,        "exp",        &[],            "e^z",                            "exp(z)",                                                           ""),
    row(Function::Log,        "log",        &["ln"],        "",                               "1/z",                                                              ""),
    row(Function::Log2,       "log2",       &[],            "log(z)/log(2)",                  "1/(z*log(2))",                                                     ""),
    row(Function::Log10,      "log10",      &[],            "log(z)/log(10)",                 "1/(z*log(10))",                                                    ""),
    row(Function::Log1p,      "log1p",      &[],            "log(1 + z)",                     "1/(1 + z)",                                                        ""),
    row(Function::Expm1,      "expm1",      &[],            "exp(z) - 1",                     "exp(z)",                                                           ""),
    row(Function::Sqrt,       "sqrt",       &[],            "z^(1/2)",                        "1/(2*sqrt(z))",                                                    ""),
    row(Function::Sin,        "sin",        &[],            "",                               "cos(z)",                                                           ""),
    row(Function::Cos,        "cos",        &[],            "",                               "-sin(z)",                                                          ""),
    row(Function::Tan,        "tan",        &[],            "sin(z)/cos(z)",                  "1 + tan(z)^2",                                                     ""),
    row(Function::Asin,       "asin",       &["arcsin"],    "",                               "1/sqrt(1 - z^2)",                                                  ""),
    row(Function::Acos,       "acos",       &["arccos"],    "",                               "-1/sqrt(1 - z^2)",                                                 ""),
    row(Function::Atan,       "atan",       &["arctan"],    "",                               "1/(1 + z^2)",                                                      ""),
    row(Function::Sinh,       "sinh",       &[],            "(exp(z) - exp(-z))/2",           "cosh(z)",                                                          ""),
    row(Function::Cosh,       "cosh",       &[],            "(exp(z) + exp(-z))/2",           "sinh(z)",                                                          ""),
    row(Function::Tanh,       "tanh",       &[],            "(exp(2*z) - 1)/(exp(2*z) + 1)",  "1 - tanh(z)^2",                                                    ""),
    row(Function::Sigmoid,    "sigmoid",    &["σ", "logistic"], "1/(1 + exp(-z))",            "sigmoid(z)*(1 - sigmoid(z))",                                      ""),
    row(Function::Softplus,   "softplus",   &[],            "log(1 + exp(z))",                "sigmoid(z)",                                                       ""),
    row(Function::Relu,       "relu",       &[],            "piecewise(z > 0, z, 0)",         "piecewise(z > 0, 1, 0)",                                           "relu'(0) = 0"),
    row(Function::Abs,        "abs",        &[],            "piecewise(z < 0, -z, z)",        "sign(z)",                                                          "abs'(0) = sign(0) = 0"),
    row(Function::Sign,       "sign",       &["sgn"],       "piecewise(z < 0, -1, z > 0, 1, 0)", "0",                                                             "sign(0) = 0 and sign'(0) = 0"),
    row(Function::Erf,        "erf",        &[],            "",                               "2/sqrt(pi)*exp(-z^2)",                                             ""),
    row(Function::Silu,       "silu",       &["swish"],     "z*sigmoid(z)",                   "sigmoid(z)*(1 + z*(1 - sigmoid(z)))",                              ""),
    row(Function::Gelu,       "gelu",       &[],            "z*(1 + erf(z/sqrt(2)))/2",       "(1 + erf(z/sqrt(2)))/2 + z*exp(-z^2/2)/sqrt(2*pi)",                ""),
    row(Function::Mish,       "mish",       &[],            "z*tanh(softplus(z))",            "tanh(softplus(z)) + z*(1 - tanh(softplus(z))^2)*sigmoid(z)",       ""),
    row(Function::LogSigmoid, "logsigmoid", &[],            "log(sigmoid(z))",                "sigmoid(-z)",                                                      ""),
    row(Function::Softsign,   "softsign",   &[],            "z/(1 + abs(z))",                 "1/(1 + abs(z))^2",                                                 ""),
];

/// Every name and alias.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    TABLE.iter().flat_map(|row| [row.name].into_iter().chain(row.aliases.iter().copied()))
}

struct Stored {
    definition: Option<Expression>,
    derivative: Expression,
}

/// The table's formulas, parsed once. A row that does not parse would be our own mistake; the tests read all.
static STORED: LazyLock<Vec<Stored>> = LazyLock::new(|| {
    let read = |text: &str| parse_in(text, &["z"]).expect("the table's formulas are valid");
    TABLE
        .iter()
        .map(|row| Stored {
            definition: (!row.definition.is_empty()).then(|| read(row.definition)),
            derivative: read(row.derivative),
        })
        .collect()
});

impl Function {
    fn row(self) -> &'static Row {
        &TABLE[self as usize]
    }

    /// Every function, in the order of the enum.
    pub fn all() -> impl Iterator<Item = Function> {
        TABLE.iter().map(|row| row.function)
    }

    /// The function named `name` (`log` and `ln`, `sigmoid` and `σ`, …).
    pub fn named(name: &str) -> Option<Function> {
        let found = TABLE.iter().find(|row| row.name == name || row.aliases.contains(&name));
        found.map(|row| row.function)
    }

    /// The name in plain text.
    pub fn name(self) -> &'static str {
        self.row().name
    }

    /// The formula in `z` that defines the function by simpler ones; `None` for functions taken as given.
    ///
    /// ```
    /// use glassnet::formula::Function;
    /// assert_eq!(Function::Silu.definition().unwrap().to_string(), "z*sigmoid(z)");
    /// assert_eq!(Function::Sin.definition(), None);
    /// ```
    pub fn definition(self) -> Option<&'static Expression> {
        STORED[self as usize].definition.as_ref()
    }

    /// The derivative as a formula in `z`, with the [`convention`](Function::convention) at kinks.
    pub fn derivative(self) -> &'static Expression {
        &STORED[self as usize].derivative
    }

    /// What is taken for the derivative where there is none, as PyTorch takes it; `None` for smooth functions.
    pub fn convention(self) -> Option<&'static str> {
        let text = self.row().convention;
        (!text.is_empty()).then_some(text)
    }
}
