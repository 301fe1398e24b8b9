//! Presentation MathML for a formula.

use super::expression::{Expression, Relation};
use super::layout::{Fence, Layout, Operator, layout};

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
        let mut text = String::from("<math xmlns=\"http://www.w3.org/1998/Math/MathML\">");
        write(&layout(self), &mut text);
        text.push_str("</math>");
        text
    }
}

fn element(tag: &str, parts: &[&Layout], text: &mut String) {
    text.push_str(&format!("<{tag}>"));
    parts.iter().for_each(|part| write(part, text));
    text.push_str(&format!("</{tag}>"));
}

fn leaf(tag: &str, inner: &str, text: &mut String) {
    let escaped = inner.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.push_str(&format!("<{tag}>{escaped}</{tag}>"));
}

fn operator(sign: &str, text: &mut String) {
    leaf("mo", sign, text);
}

fn write(set: &Layout, text: &mut String) {
    match set {
        Layout::Row(parts) => element("mrow", &parts.iter().collect::<Vec<_>>(), text),
        Layout::Number(digits) => leaf("mn", digits, text),
        Layout::Name(letters, None) => leaf("mi", letters, text),
        Layout::Name(letters, Some(index)) => {
            let digits = index.bytes().all(|byte| byte.is_ascii_digit());
            text.push_str("<msub>");
            leaf("mi", letters, text);
            leaf(if digits { "mn" } else { "mi" }, index, text);
            text.push_str("</msub>");
        }
        Layout::Pi => leaf("mi", "π", text),
        Layout::Function(name, below, raised) => write_function(name, *below, raised, text),
        Layout::Apply => operator("\u{2061}", text),
        Layout::Operator(sign) => write_operator(*sign, text),
        Layout::Fraction(numerator, denominator) => {
            element("mfrac", &[numerator, denominator], text);
        }
        Layout::Raised(base, exponent) => element("msup", &[base, exponent], text),
        Layout::Root(inner) => element("msqrt", &[inner], text),
        Layout::Fence(fence, inner) => {
            let (open, close) = match fence {
                Fence::Round => ("(", ")"),
                Fence::Bars => ("|", "|"),
            };
            text.push_str(&format!("<mrow><mo form=\"prefix\" fence=\"true\">{open}</mo>"));
            write(inner, text);
            text.push_str(&format!("<mo form=\"postfix\" fence=\"true\">{close}</mo></mrow>"));
        }
        Layout::Cases(rows) => write_cases(rows, text),
    }
}

fn write_function(
    name: &str,
    below: Option<&str>,
    raised: &Option<Box<Layout>>,
    text: &mut String,
) {
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
        Operator::Comma => ",",
        Operator::Relation(Relation::Less) => "<",
        Operator::Relation(Relation::LessEqual) => "≤",
        Operator::Relation(Relation::Greater) => ">",
        Operator::Relation(Relation::GreaterEqual) => "≥",
    };
    operator(sign, text);
}

fn write_cases(rows: &[(Layout, Option<Layout>)], text: &mut String) {
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
