//! Random trees, and formulas that the other files share.

use crate::formula::{
    Case, Comparison, Constant, Expression, Function, Number, Relation, Sign, Term,
};
use proptest::prelude::*;

fn leaf(names: &'static [&'static str]) -> impl Strategy<Value = Expression> {
    let number = prop_oneof!["[0-9]{1,3}", "[0-9]{1,2}\\.[0-9]{1,3}", "[1-9]e-?[0-9]"];
    prop_oneof![
        3 => number.prop_map(|text| Expression::Number(Number::parse(&text).unwrap())),
        1 => Just(Expression::Constant(Constant::Pi)),
        1 => Just(Expression::Constant(Constant::E)),
        5 => prop::sample::select(names).prop_map(Expression::variable),
    ]
}

fn sign() -> impl Strategy<Value = Sign> {
    prop_oneof![Just(Sign::Plus), Just(Sign::Minus)]
}

fn relation() -> impl Strategy<Value = Relation> {
    prop::sample::select(vec![
        Relation::Less,
        Relation::LessEqual,
        Relation::Greater,
        Relation::GreaterEqual,
    ])
}

/// Any tree in the variables named.
pub(super) fn tree(names: &'static [&'static str]) -> impl Strategy<Value = Expression> {
    leaf(names).prop_recursive(5, 40, 4, |inner| {
        let list = || prop::collection::vec(inner.clone(), 2..4);
        let function = prop::sample::select(Function::all().collect::<Vec<_>>());
        let term = (sign(), inner.clone()).prop_map(|(sign, value)| Term { sign, value });
        let case = (inner.clone(), relation(), inner.clone(), inner.clone()).prop_map(
            |(left, relation, right, value)| Case {
                condition: Comparison { left, relation, right },
                value,
            },
        );
        prop_oneof![
            2 => inner.clone().prop_map(Expression::negative),
            3 => prop::collection::vec(term, 2..4).prop_map(Expression::Sum),
            3 => list().prop_map(Expression::Product),
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| Expression::quotient(a, b)),
            3 => (inner.clone(), inner.clone()).prop_map(|(a, b)| Expression::power(a, b)),
            4 => (function, inner.clone()).prop_map(|(f, a)| Expression::call(f, a)),
            1 => list().prop_map(Expression::Max),
            1 => list().prop_map(Expression::Min),
            1 => (prop::collection::vec(case, 1..3), inner.clone())
                .prop_map(|(cases, last)| Expression::Piecewise(cases, Box::new(last))),
        ]
    })
}

/// Formulas in z: every function, every operation, the exercise's and its harder kin.
pub(super) const FORMULAS: [&str; 70] = [
    "z",
    "-z^2",
    "z^3 - 2z + 1",
    "2^z",
    "z^-2",
    "(z^2 + 1)^0.5",
    "(z^2 + 1)^z",
    "e^(2z)",
    "exp(-z^2/2)/sqrt(2π)",
    "(e^(2z) - 1)/(e^(2z) + 1)",
    "(e^(3z) - 1)/(e^(3z) + 1)",
    "1/(1 + e^(-z))",
    "1.7*tanh(0.6*z)",
    "z/(1 + |z|)",
    "ln(cosh(z))",
    "z*tanh(z)",
    "σ(z)*σ(2z)",
    "log(z^2 + 2)",
    "log2(z^2 + 2)",
    "log10(z^2 + 2)",
    "log1p(z^2)",
    "expm1(z/3)",
    "sqrt(z^2 + 0.1)",
    "sin(z)*cos(z)",
    "cos(3z - 1)",
    "tan(z/9)",
    "asin(z/9)",
    "acos(z/9)",
    "atan(z)",
    "sinh(z/2)",
    "cosh(z/2)",
    "tanh(z)",
    "sigmoid(z)",
    "softplus(z)",
    "relu(z)",
    "relu(z - 1)^2",
    "abs(z)",
    "|z^2 - 2|",
    "sign(z)*z^2",
    "erf(z)",
    "silu(z)",
    "gelu(z)",
    "mish(z)",
    "logsigmoid(z)",
    "softsign(z)",
    "max(z, 0.1z)",
    "min(z^2, 2, 1 - z)",
    "max(sin(z), cos(z), z/3)",
    "piecewise(z < 0, z^2, z > 2, 4z, z^3)",
    "where(z >= 1, 3, z)",
    "piecewise(z > 0, z, 1.67*(exp(z) - 1))",
    "min(max(z, -1), 1)",
    "z*min(max(z + 3, 0), 6)/6",
    "0.5*z*(1 + tanh(sqrt(2/π)*(z + 0.044715*z^3)))",
    "exp(sin(exp(cos(z))))",
    "1/(1/(1/(z^2 + 1) + 1) + 1)",
    "(z + 1)(z - 1)(z + 2)",
    "z/2/3*4",
    "-(-z)",
    "2*-z",
    "sqrt(sqrt(z^2 + 1))",
    "tanh(softplus(sigmoid(z)))",
    "gelu(silu(mish(z)))",
    "π*z + e",
    "z^2^0.5",
    "(z^2)^1.5",
    "log(1 + exp(z)) - z",
    "erf(z)^2 - z^2",
    "5",
    "softsign(z)*softsign(2z)",
];
