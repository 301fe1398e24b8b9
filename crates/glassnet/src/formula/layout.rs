//! How a formula is set on a page: fractions, raised exponents, fences. LaTeX and MathML are written from this,
//! so that brackets are decided once.

use super::expression::{Case, Constant, Expression, Relation, Sign};
use super::function::Function;

/// A piece of set mathematics.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Layout {
    Row(Vec<Layout>),
    Number(String),
    /// A variable: its letter or word, and its index.
    Name(String, Option<String>),
    Pi,
    /// A function's name, with what is set below and raised beside it (`log₂`, `sin²`).
    Function(String, Option<&'static str>, Option<Box<Layout>>),
    /// A function's name and its argument are parted by nothing but this.
    Apply,
    Operator(Operator),
    Fraction(Box<Layout>, Box<Layout>),
    Raised(Box<Layout>, Box<Layout>),
    Root(Box<Layout>),
    Fence(Fence, Box<Layout>),
    /// Values with their conditions; the last has none.
    Cases(Vec<(Layout, Option<Layout>)>),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Operator {
    Plus,
    Minus,
    /// A minus that belongs to what follows it.
    Sign,
    Dot,
    /// A product without a sign.
    Beside,
    Comma,
    Relation(Relation),
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fence {
    Round,
    Bars,
}

impl Layout {
    /// True if the piece is higher than a line of text.
    pub(super) fn is_tall(&self) -> bool {
        match self {
            Layout::Fraction(..) | Layout::Cases(_) | Layout::Root(_) => true,
            Layout::Row(parts) => parts.iter().any(Layout::is_tall),
            Layout::Raised(base, exponent) => base.is_tall() || exponent.is_tall(),
            Layout::Fence(_, inner) => inner.is_tall(),
            Layout::Number(_)
            | Layout::Name(..)
            | Layout::Pi
            | Layout::Function(..)
            | Layout::Apply
            | Layout::Operator(_) => false,
        }
    }
}

fn fenced(inner: Layout) -> Layout {
    Layout::Fence(Fence::Round, Box::new(inner))
}

/// A sum, a signed value or cases: what needs brackets in any longer row.
fn is_loose(tree: &Expression) -> bool {
    matches!(tree, Expression::Sum(_) | Expression::Negative(_) | Expression::Piecewise(..))
}

fn term(tree: &Expression) -> Layout {
    let set = layout(tree);
    if is_loose(tree) { fenced(set) } else { set }
}

fn factor(tree: &Expression) -> Layout {
    let set = layout(tree);
    let brackets = is_loose(tree) || matches!(tree, Expression::Product(_));
    if brackets { fenced(set) } else { set }
}

pub(super) fn layout(tree: &Expression) -> Layout {
    match tree {
        Expression::Number(number) => set_number(number.as_str()),
        Expression::Constant(Constant::Pi) => Layout::Pi,
        Expression::Constant(Constant::E) => Layout::Name("e".into(), None),
        Expression::Variable(name) => set_name(name),
        Expression::Negative(value) => {
            Layout::Row(vec![Layout::Operator(Operator::Sign), term(value)])
        }
        Expression::Sum(terms) => {
            let mut row = vec![];
            for (i, signed) in terms.iter().enumerate() {
                match (i, signed.sign) {
                    (0, Sign::Plus) => {}
                    (0, Sign::Minus) => row.push(Layout::Operator(Operator::Sign)),
                    (_, Sign::Plus) => row.push(Layout::Operator(Operator::Plus)),
                    (_, Sign::Minus) => row.push(Layout::Operator(Operator::Minus)),
                }
                row.push(term(&signed.value));
            }
            Layout::Row(row)
        }
        Expression::Product(factors) => set_product(factors),
        Expression::Quotient(numerator, denominator) => {
            Layout::Fraction(Box::new(layout(numerator)), Box::new(layout(denominator)))
        }
        Expression::Power(base, exponent) => set_power(base, exponent),
        Expression::Call(function, argument) => set_call(*function, argument),
        Expression::Max(values) => set_list("max", values),
        Expression::Min(values) => set_list("min", values),
        Expression::Piecewise(cases, otherwise) => set_cases(cases, otherwise),
    }
}

/// `1.5e-3` is set as 1.5 · 10⁻³.
fn set_number(text: &str) -> Layout {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Layout::Number(text.into());
    };
    let digits = Layout::Number(exponent.trim_start_matches(['+', '-']).into());
    let exponent = match exponent.starts_with('-') {
        true => Layout::Row(vec![Layout::Operator(Operator::Sign), digits]),
        false => digits,
    };
    let ten = Layout::Raised(Box::new(Layout::Number("10".into())), Box::new(exponent));
    Layout::Row(vec![Layout::Number(mantissa.into()), Layout::Operator(Operator::Dot), ten])
}

fn set_name(name: &str) -> Layout {
    if let Some((letter, index)) =
        name.split_once('_').filter(|(a, b)| !a.is_empty() && !b.is_empty())
    {
        return Layout::Name(letter.into(), Some(index.into()));
    }
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let index = &name[letters.len()..];
    Layout::Name(letters.into(), (!index.is_empty()).then(|| index.into()))
}

/// Factors stand beside each other; a dot parts those that would run together.
fn set_product(factors: &[Expression]) -> Layout {
    let mut row = vec![];
    for (i, tree) in factors.iter().enumerate() {
        if i > 0 {
            let dot = starts_with_digit(tree)
                || matches!(tree, Expression::Quotient(..))
                || matches!(factors[i - 1], Expression::Quotient(..) if starts_with_digit(tree));
            row.push(Layout::Operator(if dot { Operator::Dot } else { Operator::Beside }));
        }
        row.push(factor(tree));
    }
    Layout::Row(row)
}

fn starts_with_digit(tree: &Expression) -> bool {
    match tree {
        Expression::Number(_) => true,
        Expression::Power(base, _) => starts_with_digit(base),
        Expression::Constant(_)
        | Expression::Variable(_)
        | Expression::Negative(_)
        | Expression::Sum(_)
        | Expression::Product(_)
        | Expression::Quotient(..)
        | Expression::Call(..)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Piecewise(..) => false,
    }
}

/// True if the function's powers are written sin², as people do; not σ², which is a variance.
fn takes_power_on_name(function: Function) -> bool {
    matches!(
        function,
        Function::Sin
            | Function::Cos
            | Function::Tan
            | Function::Sinh
            | Function::Cosh
            | Function::Tanh
            | Function::Log
    )
}

fn set_power(base: &Expression, exponent: &Expression) -> Layout {
    let raised = Box::new(layout(exponent));
    // sin⁻¹ would read as the inverse function: only whole powers from 2 on stand on the name.
    let whole =
        matches!(exponent, Expression::Number(n) if n.is_integer_text() && n.to_f64() >= 2.0);
    if let Expression::Call(function, argument) = base
        && whole
        && takes_power_on_name(*function)
    {
        return applied(set_function(*function, Some(raised)), layout(argument));
    }
    let set = layout(base);
    let bare = match base {
        Expression::Number(_) => matches!(set, Layout::Number(_)),
        Expression::Constant(_) | Expression::Variable(_) => true,
        Expression::Call(Function::Abs, _) => true,
        Expression::Call(..)
        | Expression::Max(_)
        | Expression::Min(_)
        | Expression::Negative(_)
        | Expression::Sum(_)
        | Expression::Product(_)
        | Expression::Quotient(..)
        | Expression::Power(..)
        | Expression::Piecewise(..) => false,
    };
    Layout::Raised(Box::new(if bare { set } else { fenced(set) }), raised)
}

fn applied(function: Layout, argument: Layout) -> Layout {
    Layout::Row(vec![function, Layout::Apply, fenced(argument)])
}

fn set_function(function: Function, raised: Option<Box<Layout>>) -> Layout {
    let (name, below) = match function {
        Function::Log => ("ln", None),
        Function::Log2 => ("log", Some("2")),
        Function::Log10 => ("log", Some("10")),
        Function::Asin => ("arcsin", None),
        Function::Acos => ("arccos", None),
        Function::Atan => ("arctan", None),
        Function::Sigmoid => ("σ", None),
        Function::Relu => ("ReLU", None),
        Function::Silu => ("SiLU", None),
        Function::Gelu => ("GELU", None),
        other => (other.name(), None),
    };
    Layout::Function(name.into(), below, raised)
}

fn set_call(function: Function, argument: &Expression) -> Layout {
    let set = layout(argument);
    match function {
        // A tall or doubly raised exponent is hard to read.
        Function::Exp if !set.is_tall() && !has_raised(&set) => {
            Layout::Raised(Box::new(Layout::Name("e".into(), None)), Box::new(set))
        }
        Function::Sqrt => Layout::Root(Box::new(set)),
        Function::Abs => Layout::Fence(Fence::Bars, Box::new(set)),
        other => applied(set_function(other, None), set),
    }
}

/// True if an exponent within has an exponent itself; `e^(-z^2)` may still be raised.
fn has_raised(set: &Layout) -> bool {
    match set {
        Layout::Row(parts) => parts.iter().any(has_raised),
        Layout::Raised(base, exponent) => {
            has_raised(base) || !matches!(exponent.as_ref(), Layout::Number(_))
        }
        Layout::Fence(_, inner) => has_raised(inner),
        Layout::Fraction(..) | Layout::Root(_) | Layout::Cases(_) => true,
        Layout::Number(_)
        | Layout::Name(..)
        | Layout::Pi
        | Layout::Function(..)
        | Layout::Apply
        | Layout::Operator(_) => false,
    }
}

fn set_list(name: &str, values: &[Expression]) -> Layout {
    let mut row = vec![];
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            row.push(Layout::Operator(Operator::Comma));
        }
        row.push(layout(value));
    }
    applied(Layout::Function(name.into(), None, None), Layout::Row(row))
}

fn set_cases(cases: &[Case], otherwise: &Expression) -> Layout {
    let mut rows: Vec<(Layout, Option<Layout>)> = cases
        .iter()
        .map(|case| {
            let relation = Layout::Operator(Operator::Relation(case.condition.relation));
            let sides = [&case.condition.left, &case.condition.right].map(layout);
            let [left, right] = sides;
            (layout(&case.value), Some(Layout::Row(vec![left, relation, right])))
        })
        .collect();
    rows.push((layout(otherwise), None));
    Layout::Cases(rows)
}
