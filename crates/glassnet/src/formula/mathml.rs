//! Presentation MathML for a formula.

use super::accent;
use super::compose::{is_between_fractions, needs_brackets};
use super::expression::{Expression, Relation};
use super::line::fences;
use super::math::{BigOperator, Fence, Math, Operator};

impl Expression {
    /// The formula as a `<math>` element of presentation MathML, which browsers show without scripts.
    ///
    /// ```
    /// let formula = glassnet::formula::parse("z^2/2")?;
    /// assert_eq!(
    ///     formula.mathml(),
    ///     "<math xmlns=\"http://www.w3.org/1998/Math/MathML\">\
    ///      <mfrac><msup><mi>z</mi><mn>2</mn></msup><mn>2</mn></mfrac></math>",
    /// );
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn mathml(&self) -> String {
        self.math().mathml(false)
    }
}

impl Math {
    /// A `<math>` element of presentation MathML; `display` sets it as a line of its own.
    pub fn mathml(&self, display: bool) -> String {
        let mut text = String::from("<math xmlns=\"http://www.w3.org/1998/Math/MathML\"");
        text.push_str(if display { " display=\"block\">" } else { ">" });
        write(self, &mut text);
        text.push_str("</math>");
        text
    }
}

fn element(tag: &str, parts: &[&Math], text: &mut String) {
    text.push_str(&format!("<{tag}>"));
    parts.iter().for_each(|part| write(part, text));
    text.push_str(&format!("</{tag}>"));
}

/// A base with its indices: the base in brackets if they would seem to belong to its last part only.
fn scripts(tag: &str, parts: &[&Math], text: &mut String) {
    text.push_str(&format!("<{tag}>"));
    for (i, part) in parts.iter().enumerate() {
        match i == 0 && needs_brackets(part) {
            true => write_fence(Fence::Round, part, text),
            false => write(part, text),
        }
    }
    text.push_str(&format!("</{tag}>"));
}

fn leaf(tag: &str, inner: &str, text: &mut String) {
    let inner = inner.replace(char::is_control, " ");
    let escaped = inner.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.push_str(&format!("<{tag}>{escaped}</{tag}>"));
}

fn operator(sign: &str, text: &mut String) {
    leaf("mo", sign, text);
}

fn write(piece: &Math, text: &mut String) {
    match piece {
        Math::Row(parts) => {
            text.push_str("<mrow>");
            for (i, part) in parts.iter().enumerate() {
                // A function's argument without brackets would touch its name.
                let bare = *part == Math::Apply
                    && !matches!(parts.get(i + 1), None | Some(Math::Fence(..)));
                match bare || is_between_fractions(parts, i) {
                    true => text.push_str("<mspace width=\"0.17em\"/>"),
                    false => write(part, text),
                }
            }
            text.push_str("</mrow>");
        }
        Math::Number(digits) => leaf("mn", digits, text),
        Math::Name(letters, None) => write_name(letters, text),
        Math::Name(letters, Some(index)) => {
            text.push_str("<msub>");
            write_name(letters, text);
            write(&index_of(index), text);
            text.push_str("</msub>");
        }
        // White space between tags has no width: what stands beside each other here is a product or an application.
        Math::Text(words) if words.trim().is_empty() => {
            operator("\u{2062}", text);
            text.push_str("<mspace width=\"0.22em\"/>");
        }
        Math::Text(words) => leaf("mtext", words, text),
        Math::Pi => leaf("mi", "π", text),
        Math::Function(name, below, raised) => write_function(name, *below, raised, text),
        Math::Apply => operator("\u{2061}", text),
        Math::Operator(sign) => write_operator(*sign, text),
        Math::Fraction(numerator, denominator) => {
            element("mfrac", &[numerator, denominator], text);
        }
        Math::Raised(base, exponent) => match base.as_ref() {
            Math::Lowered(base, index) => scripts("msubsup", &[base, index, exponent], text),
            Math::Name(letters, Some(index)) => {
                let letters = Math::Name(letters.clone(), None);
                let index = index_of(index);
                scripts("msubsup", &[&letters, &index, exponent], text);
            }
            base => scripts("msup", &[base, exponent], text),
        },
        Math::Lowered(base, index) => scripts("msub", &[base, index], text),
        Math::Matrix(rows) => write_matrix(rows, text),
        Math::Big(sign, below, above) => write_big(*sign, below, above, text),
        Math::Under(inner, below) => {
            text.push_str("<munder><munder>");
            write(inner, text);
            text.push_str("<mo stretchy=\"true\">\u{23df}</mo></munder>");
            write(below, text);
            text.push_str("</munder>");
        }
        Math::Root(inner) => element("msqrt", &[inner], text),
        Math::Fence(fence, inner) => write_fence(*fence, inner, text),
        Math::Cases(rows) => write_cases(rows, text),
    }
}

/// A variable's index as a piece of its own.
fn index_of(index: &str) -> Math {
    match index.bytes().all(|byte| byte.is_ascii_digit()) {
        true => Math::Number(index.into()),
        false => Math::Name(index.into(), None),
    }
}

/// A variable's letters; a marked letter as a letter below its mark.
fn write_name(letters: &str, text: &mut String) {
    match accent::decompose(letters) {
        Some((base, mark)) => {
            text.push_str("<mover accent=\"true\">");
            leaf("mi", &base, text);
            text.push_str(&format!("<mo stretchy=\"false\">{}</mo></mover>", accent::sign(mark)));
        }
        None => leaf("mi", letters, text),
    }
}

fn write_fence(fence: Fence, inner: &Math, text: &mut String) {
    let (open, close) = fences(fence);
    // A fence that could stretch is set with space around it.
    let size = if inner.is_tall() { "" } else { " stretchy=\"false\"" };
    text.push_str(&format!("<mrow><mo form=\"prefix\" fence=\"true\"{size}>{open}</mo>"));
    write(inner, text);
    text.push_str(&format!("<mo form=\"postfix\" fence=\"true\"{size}>{close}</mo></mrow>"));
}

fn write_function(name: &str, below: Option<&str>, raised: &Option<Box<Math>>, text: &mut String) {
    let tag = match (below, raised) {
        (None, None) => None,
        (Some(_), None) => Some("msub"),
        (None, Some(_)) => Some("msup"),
        (Some(_), Some(_)) => Some("msubsup"),
    };
    tag.iter().for_each(|tag| text.push_str(&format!("<{tag}>")));
    leaf("mi", name, text);
    below.iter().for_each(|below| leaf("mn", below, text));
    raised.iter().for_each(|raised| write(raised, text));
    tag.iter().for_each(|tag| text.push_str(&format!("</{tag}>")));
}

fn write_operator(sign: Operator, text: &mut String) {
    let sign = match sign {
        Operator::Plus => "+",
        Operator::Minus => "−",
        Operator::Sign => {
            text.push_str("<mo form=\"prefix\">−</mo>");
            return;
        }
        Operator::Dot => "⋅",
        Operator::Beside => "\u{2062}",
        Operator::Times => "×",
        Operator::Comma => ",",
        Operator::Equals => "=",
        Operator::NotEqual => "≠",
        Operator::Approximately => "≈",
        Operator::Defined => "≔",
        Operator::Becomes => "←",
        Operator::To => "→",
        Operator::Implies => "⇒",
        Operator::Element => "∈",
        Operator::Partial => return leaf("mi", "∂", text),
        Operator::Differential => return leaf("mi", "d", text),
        Operator::Infinity => return leaf("mi", "∞", text),
        Operator::Dots => "⋯",
        Operator::Transposed => "⊤",
        Operator::Elementwise => "⊙",
        Operator::Space => {
            text.push_str("<mspace width=\"1em\"/>");
            return;
        }
        Operator::Relation(Relation::Less) => "<",
        Operator::Relation(Relation::LessEqual) => "≤",
        Operator::Relation(Relation::Greater) => ">",
        Operator::Relation(Relation::GreaterEqual) => "≥",
    };
    operator(sign, text);
}

fn write_matrix(rows: &[Vec<Math>], text: &mut String) {
    text.push_str("<mrow><mo form=\"prefix\" fence=\"true\">[</mo><mtable>");
    for row in rows {
        text.push_str("<mtr>");
        row.iter().for_each(|cell| element("mtd", &[cell], text));
        text.push_str("</mtr>");
    }
    text.push_str("</mtable><mo form=\"postfix\" fence=\"true\">]</mo></mrow>");
}

fn write_big(
    sign: BigOperator,
    below: &Option<Box<Math>>,
    above: &Option<Box<Math>>,
    text: &mut String,
) {
    let tag = match (below, above) {
        (None, None) => None,
        (Some(_), None) => Some("munder"),
        (None, Some(_)) => Some("mover"),
        (Some(_), Some(_)) => Some("munderover"),
    };
    tag.iter().for_each(|tag| text.push_str(&format!("<{tag}>")));
    match sign {
        BigOperator::Sum => operator("∑", text),
        BigOperator::Product => operator("∏", text),
        BigOperator::Max => operator("max", text),
        BigOperator::Min => operator("min", text),
    }
    [below, above].into_iter().flatten().for_each(|limit| write(limit, text));
    tag.iter().for_each(|tag| text.push_str(&format!("</{tag}>")));
}

fn write_cases(rows: &[(Math, Option<Math>)], text: &mut String) {
    text.push_str("<mrow><mo form=\"prefix\" fence=\"true\">{</mo><mtable columnalign=\"left\">");
    for (value, condition) in rows {
        text.push_str("<mtr><mtd>");
        write(value, text);
        text.push_str("</mtd><mtd>");
        match condition {
            Some(condition) => {
                text.push_str("<mtext>if\u{a0}</mtext>");
                write(condition, text);
            }
            None => text.push_str("<mtext>otherwise</mtext>"),
        }
        text.push_str("</mtd></mtr>");
    }
    text.push_str("</mtable></mrow>");
}
