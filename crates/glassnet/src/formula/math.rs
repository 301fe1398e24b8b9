//! How mathematics is set on a page: fractions, raised exponents, matrices, fences. LaTeX, MathML and text are
//! written from this, so that brackets are decided once.

use super::expression::{Case, Constant, Expression, Relation, Sign};
use super::function::Function;

/// A piece of set mathematics: what a page shows, not what it means.
///
/// An [`Expression`] becomes one by [`Expression::math`]; explanations build others from the constructors here
/// (`∂J/∂w`, `W x + b`, a matrix of numbers). Every piece is written as LaTeX ([`Math::latex`]) and as
/// presentation MathML ([`Math::mathml`]).
///
/// ```
/// use glassnet::formula::{Math, Operator};
/// let weight = Math::name("w").lowered(Math::number("1,1")).raised(Math::name("l").fenced());
/// let line = Math::row([weight, Math::Operator(Operator::Equals), Math::f64(-0.1)]);
/// assert_eq!(line.latex(), r"w_{1,1}^{(l)} = -0.1");
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Math {
    /// Pieces side by side.
    Row(Vec<Math>),
    /// Digits as they are shown, without a sign.
    Number(String),
    /// A variable: its letter or word, and its index.
    Name(String, Option<String>),
    /// Upright words within mathematics.
    Text(String),
    /// π
    Pi,
    /// A function's name, with what is set below and raised beside it (`log₂`, `sin²`).
    Function(String, Option<&'static str>, Option<Box<Math>>),
    /// A function's name and its argument are parted by nothing but this.
    Apply,
    /// A sign between or before pieces.
    Operator(Operator),
    /// Numerator over denominator.
    Fraction(Box<Math>, Box<Math>),
    /// A piece with an exponent or upper index.
    Raised(Box<Math>, Box<Math>),
    /// A piece with a lower index. For both indices: `Raised(Lowered(base, lower), upper)`.
    Lowered(Box<Math>, Box<Math>),
    /// A square root.
    Root(Box<Math>),
    /// A piece between fences.
    Fence(Fence, Box<Math>),
    /// Rows of cells between square brackets.
    Matrix(Vec<Vec<Math>>),
    /// A sum or product over an index: the sign, what stands below and above it. What is summed follows in the row.
    Big(BigOperator, Option<Box<Math>>, Option<Box<Math>>),
    /// A piece with a brace under it and words or a value under the brace.
    Under(Box<Math>, Box<Math>),
    /// Values with their conditions; the last may have none.
    Cases(Vec<(Math, Option<Math>)>),
}

/// A sign between or before pieces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operator {
    /// +
    Plus,
    /// −
    Minus,
    /// A minus that belongs to what follows it.
    Sign,
    /// ·
    Dot,
    /// ×
    Times,
    /// A product without a sign.
    Beside,
    /// A comma with a space.
    Comma,
    /// <, ≤, >, ≥
    Relation(Relation),
    /// =
    Equals,
    /// ≠
    NotEqual,
    /// ≈
    Approximately,
    /// :=
    Defined,
    /// ← (an update)
    Becomes,
    /// →
    To,
    /// ⇒
    Implies,
    /// ∈
    Element,
    /// ∂
    Partial,
    /// d, upright, of a derivative
    Differential,
    /// ∞
    Infinity,
    /// ⋯
    Dots,
    /// ⊤, a transposed matrix's raised sign
    Transposed,
    /// ⊙, the elementwise product
    Elementwise,
    /// A wide space between formulas of one line.
    Space,
}

/// What encloses a piece.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fence {
    /// ( )
    Round,
    /// [ ]
    Square,
    /// { }
    Curly,
    /// | |
    Bars,
    /// ‖ ‖
    DoubleBars,
}

/// A sign that runs over an index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BigOperator {
    /// Σ
    Sum,
    /// Π
    Product,
    /// max
    Max,
    /// min
    Min,
}

/// Constructors.
impl Math {
    /// Pieces side by side.
    pub fn row(parts: impl IntoIterator<Item = Math>) -> Math {
        Math::Row(parts.into_iter().collect())
    }

    /// Digits as they are shown; a leading `-` becomes a sign, and `1.5e-3` is set as 1.5·10⁻³.
    ///
    /// ```
    /// assert_eq!(glassnet::formula::Math::number("-1.5e-3").latex(), r"-1.5 \cdot 10^{-3}");
    /// ```
    pub fn number(text: &str) -> Math {
        match text.strip_prefix('-') {
            Some(size) => Math::row([Math::Operator(Operator::Sign), set_number(size)]),
            None => set_number(text),
        }
    }

    /// The shortest decimal that reads back as `value`: −0.1, 3, 1.5·10⁻⁷, −∞; NaN as a word.
    pub fn f64(value: f64) -> Math {
        let infinity = Math::Operator(Operator::Infinity);
        match value {
            value if value.is_nan() => Math::Text("NaN".into()),
            f64::INFINITY => infinity,
            f64::NEG_INFINITY => Math::row([Math::Operator(Operator::Sign), infinity]),
            value => {
                let text = format!("{value:?}");
                Math::number(text.strip_suffix(".0").unwrap_or(&text))
            }
        }
    }

    /// As [`Math::f64`], with the digits that f32 needs.
    pub fn f32(value: f32) -> Math {
        match value.is_finite() {
            true => {
                let text = format!("{value:?}");
                Math::number(text.strip_suffix(".0").unwrap_or(&text))
            }
            false => Math::f64(value.into()),
        }
    }

    /// A variable; `w_1` and `w1` have the index 1.
    pub fn name(name: &str) -> Math {
        set_name(name)
    }

    /// Upright words.
    pub fn text(words: impl Into<String>) -> Math {
        Math::Text(words.into())
    }

    /// `numerator` over `denominator`.
    pub fn fraction(numerator: Math, denominator: Math) -> Math {
        Math::Fraction(Box::new(numerator), Box::new(denominator))
    }

    /// The named function of an argument: ReLU(z), tanh(z).
    pub fn apply(function: &str, argument: Math) -> Math {
        applied(Math::Function(function.into(), None, None), argument)
    }

    /// The piece with an exponent or upper index.
    pub fn raised(self, exponent: Math) -> Math {
        Math::Raised(Box::new(self), Box::new(exponent))
    }

    /// The piece with a lower index.
    pub fn lowered(self, index: Math) -> Math {
        Math::Lowered(Box::new(self), Box::new(index))
    }

    /// The piece between round brackets.
    pub fn fenced(self) -> Math {
        fenced(self)
    }

    /// `left = right`.
    pub fn equals(self, right: Math) -> Math {
        Math::row([self, Math::Operator(Operator::Equals), right])
    }
}

impl From<&Expression> for Math {
    fn from(formula: &Expression) -> Math {
        set(formula)
    }
}

impl Expression {
    /// The formula as it is set on a page.
    pub fn math(&self) -> Math {
        set(self)
    }
}

impl Math {
    /// True if the piece is higher than a line of text.
    pub fn is_tall(&self) -> bool {
        match self {
            Math::Fraction(..)
            | Math::Cases(_)
            | Math::Root(_)
            | Math::Matrix(_)
            | Math::Big(..)
            | Math::Under(..) => true,
            Math::Row(parts) => parts.iter().any(Math::is_tall),
            Math::Raised(base, index) | Math::Lowered(base, index) => {
                base.is_tall() || index.is_tall()
            }
            Math::Fence(_, inner) => inner.is_tall(),
            Math::Number(_)
            | Math::Name(..)
            | Math::Text(_)
            | Math::Pi
            | Math::Function(..)
            | Math::Apply
            | Math::Operator(_) => false,
        }
    }
}

fn fenced(inner: Math) -> Math {
    Math::Fence(Fence::Round, Box::new(inner))
}

/// A sum, a signed value or cases: what needs brackets in any longer row.
fn is_loose(tree: &Expression) -> bool {
    matches!(tree, Expression::Sum(_) | Expression::Negative(_) | Expression::Piecewise(..))
}

fn term(tree: &Expression) -> Math {
    let piece = set(tree);
    if is_loose(tree) { fenced(piece) } else { piece }
}

fn factor(tree: &Expression) -> Math {
    let piece = set(tree);
    let brackets = is_loose(tree) || matches!(tree, Expression::Product(_));
    if brackets { fenced(piece) } else { piece }
}

fn set(tree: &Expression) -> Math {
    match tree {
        Expression::Number(number) => set_number(number.as_str()),
        Expression::Constant(Constant::Pi) => Math::Pi,
        Expression::Constant(Constant::E) => Math::Name("e".into(), None),
        Expression::Variable(name) => set_name(name),
        Expression::Negative(value) => Math::Row(vec![Math::Operator(Operator::Sign), term(value)]),
        Expression::Sum(terms) => {
            let mut row = vec![];
            for (i, signed) in terms.iter().enumerate() {
                match (i, signed.sign) {
                    (0, Sign::Plus) => {}
                    (0, Sign::Minus) => row.push(Math::Operator(Operator::Sign)),
                    (_, Sign::Plus) => row.push(Math::Operator(Operator::Plus)),
                    (_, Sign::Minus) => row.push(Math::Operator(Operator::Minus)),
                }
                row.push(term(&signed.value));
            }
            Math::Row(row)
        }
        Expression::Product(factors) => set_product(factors),
        Expression::Quotient(numerator, denominator) => {
            Math::Fraction(Box::new(set(numerator)), Box::new(set(denominator)))
        }
        Expression::Power(base, exponent) => set_power(base, exponent),
        Expression::Call(function, argument) => set_call(*function, argument),
        Expression::Max(values) => set_list("max", values),
        Expression::Min(values) => set_list("min", values),
        Expression::Piecewise(cases, otherwise) => set_cases(cases, otherwise),
    }
}

/// `1.5e-3` is set as 1.5 · 10⁻³.
fn set_number(text: &str) -> Math {
    let Some((mantissa, exponent)) = text.split_once(['e', 'E']) else {
        return Math::Number(text.into());
    };
    let digits = Math::Number(exponent.trim_start_matches(['+', '-']).into());
    let exponent = match exponent.starts_with('-') {
        true => Math::Row(vec![Math::Operator(Operator::Sign), digits]),
        false => digits,
    };
    let ten = Math::Raised(Box::new(Math::Number("10".into())), Box::new(exponent));
    Math::Row(vec![Math::Number(mantissa.into()), Math::Operator(Operator::Dot), ten])
}

fn set_name(name: &str) -> Math {
    if let Some((letter, index)) =
        name.split_once('_').filter(|(a, b)| !a.is_empty() && !b.is_empty())
    {
        return Math::Name(letter.into(), Some(index.into()));
    }
    let letters = name.trim_end_matches(|c: char| c.is_ascii_digit());
    let index = &name[letters.len()..];
    Math::Name(letters.into(), (!index.is_empty()).then(|| index.into()))
}

/// Factors stand beside each other; a dot parts those that would run together.
fn set_product(factors: &[Expression]) -> Math {
    let mut row = vec![];
    for (i, tree) in factors.iter().enumerate() {
        if i > 0 {
            let dot = starts_with_digit(tree)
                || matches!(tree, Expression::Quotient(..))
                || matches!(factors[i - 1], Expression::Quotient(..) if starts_with_digit(tree));
            row.push(Math::Operator(if dot { Operator::Dot } else { Operator::Beside }));
        }
        row.push(factor(tree));
    }
    Math::Row(row)
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

fn set_power(base: &Expression, exponent: &Expression) -> Math {
    let raised = Box::new(set(exponent));
    // sin⁻¹ would read as the inverse function: only whole powers from 2 on stand on the name.
    let whole =
        matches!(exponent, Expression::Number(n) if n.is_integer_text() && n.to_f64() >= 2.0);
    if let Expression::Call(function, argument) = base
        && whole
        && takes_power_on_name(*function)
    {
        return applied(set_function(*function, Some(raised)), set(argument));
    }
    let piece = set(base);
    let bare = match base {
        Expression::Number(_) => matches!(piece, Math::Number(_)),
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
    Math::Raised(Box::new(if bare { piece } else { fenced(piece) }), raised)
}

fn applied(function: Math, argument: Math) -> Math {
    Math::Row(vec![function, Math::Apply, fenced(argument)])
}

fn set_function(function: Function, raised: Option<Box<Math>>) -> Math {
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
    Math::Function(name.into(), below, raised)
}

fn set_call(function: Function, argument: &Expression) -> Math {
    let piece = set(argument);
    match function {
        // A tall or doubly raised exponent is hard to read.
        Function::Exp if !piece.is_tall() && !has_raised(&piece) => {
            Math::Raised(Box::new(Math::Name("e".into(), None)), Box::new(piece))
        }
        Function::Sqrt => Math::Root(Box::new(piece)),
        Function::Abs => Math::Fence(Fence::Bars, Box::new(piece)),
        other => applied(set_function(other, None), piece),
    }
}

/// True if an exponent within has an exponent itself; `e^(-z^2)` may still be raised.
fn has_raised(piece: &Math) -> bool {
    match piece {
        Math::Row(parts) => parts.iter().any(has_raised),
        Math::Raised(base, exponent) => {
            has_raised(base) || !matches!(exponent.as_ref(), Math::Number(_))
        }
        Math::Fence(_, inner) => has_raised(inner),
        Math::Lowered(base, _) => has_raised(base),
        Math::Fraction(..)
        | Math::Root(_)
        | Math::Cases(_)
        | Math::Matrix(_)
        | Math::Big(..)
        | Math::Under(..) => true,
        Math::Number(_)
        | Math::Name(..)
        | Math::Text(_)
        | Math::Pi
        | Math::Function(..)
        | Math::Apply
        | Math::Operator(_) => false,
    }
}

fn set_list(name: &str, values: &[Expression]) -> Math {
    let mut row = vec![];
    for (i, value) in values.iter().enumerate() {
        if i > 0 {
            row.push(Math::Operator(Operator::Comma));
        }
        row.push(set(value));
    }
    applied(Math::Function(name.into(), None, None), Math::Row(row))
}

fn set_cases(cases: &[Case], otherwise: &Expression) -> Math {
    let mut rows: Vec<(Math, Option<Math>)> = cases
        .iter()
        .map(|case| {
            let relation = Math::Operator(Operator::Relation(case.condition.relation));
            let sides = [&case.condition.left, &case.condition.right].map(set);
            let [left, right] = sides;
            (set(&case.value), Some(Math::Row(vec![left, relation, right])))
        })
        .collect();
    rows.push((set(otherwise), None));
    Math::Cases(rows)
}
