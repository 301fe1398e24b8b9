//! LaTeX (with amsmath) for a formula.

use super::expression::{Expression, Relation};
use super::layout::{Fence, Layout, Operator, layout};

/// The Greek letters that LaTeX has commands for, with their names.
pub(super) const GREEK: [(&str, &str); 32] = [
    ("α", "alpha"),
    ("β", "beta"),
    ("γ", "gamma"),
    ("δ", "delta"),
    ("ε", "varepsilon"),
    ("ζ", "zeta"),
    ("η", "eta"),
    ("θ", "theta"),
    ("ι", "iota"),
    ("κ", "kappa"),
    ("λ", "lambda"),
    ("μ", "mu"),
    ("ν", "nu"),
    ("ξ", "xi"),
    ("ρ", "rho"),
    ("σ", "sigma"),
    ("τ", "tau"),
    ("υ", "upsilon"),
    ("φ", "varphi"),
    ("χ", "chi"),
    ("ψ", "psi"),
    ("ω", "omega"),
    ("Γ", "Gamma"),
    ("Δ", "Delta"),
    ("Θ", "Theta"),
    ("Λ", "Lambda"),
    ("Ξ", "Xi"),
    ("Π", "Pi"),
    ("Σ", "Sigma"),
    ("Φ", "Phi"),
    ("Ψ", "Psi"),
    ("Ω", "Omega"),
];

/// The functions that LaTeX has commands for.
const COMMANDS: [&str; 14] = [
    "exp", "ln", "log", "sin", "cos", "tan", "arcsin", "arccos", "arctan", "sinh", "cosh", "tanh",
    "max", "min",
];

impl Expression {
    /// The formula as LaTeX mathematics (amsmath for `cases`), without dollar signs.
    ///
    /// ```
    /// let formula = glassnet::formula::parse("((e^z - 1)/(e^z + 1))^2")?;
    /// assert_eq!(formula.latex(), r"\left(\frac{e^{z} - 1}{e^{z} + 1}\right)^{2}");
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn latex(&self) -> String {
        let mut text = String::new();
        write(&layout(self), &mut text);
        text
    }
}

/// Appends `next`, parted by a space where a command would swallow its first letter.
fn push(text: &mut String, next: &str) {
    let command = text.trim_end_matches(|c: char| c.is_ascii_alphabetic()).ends_with('\\');
    let letter = text.ends_with(|c: char| c.is_ascii_alphabetic());
    if letter && command && next.starts_with(|c: char| c.is_ascii_alphabetic()) {
        text.push(' ');
    }
    text.push_str(next);
}

fn group(inner: &Layout, text: &mut String) {
    text.push('{');
    write(inner, text);
    text.push('}');
}

fn name(letters: &str) -> String {
    match GREEK.iter().find(|(letter, _)| *letter == letters) {
        Some((_, command)) => format!(r"\{command}"),
        None if letters.chars().count() == 1 => letters.to_string(),
        None => format!(r"\mathrm{{{}}}", letters.replace('_', r"\_")),
    }
}

fn write(set: &Layout, text: &mut String) {
    match set {
        Layout::Row(parts) => parts.iter().for_each(|part| write(part, text)),
        Layout::Number(digits) => push(text, digits),
        Layout::Name(letters, index) => {
            push(text, &name(letters));
            if let Some(index) = index {
                let index = index.replace('_', r"\_");
                let letters =
                    index.bytes().any(|byte| byte.is_ascii_alphabetic()) && index.len() > 1;
                text.push_str(&match letters {
                    true => format!(r"_{{\mathrm{{{index}}}}}"),
                    false => format!("_{{{index}}}"),
                });
            }
        }
        Layout::Pi => push(text, r"\pi"),
        Layout::Function(name, below, raised) => {
            push(text, &function(name));
            if let Some(below) = below {
                text.push_str(&format!("_{{{below}}}"));
            }
            if let Some(raised) = raised {
                text.push('^');
                group(raised, text);
            }
        }
        Layout::Apply => {}
        Layout::Operator(operator) => text.push_str(sign(*operator)),
        Layout::Fraction(numerator, denominator) => {
            push(text, r"\frac");
            group(numerator, text);
            group(denominator, text);
        }
        Layout::Raised(base, exponent) => {
            write(base, text);
            text.push('^');
            group(exponent, text);
        }
        Layout::Root(inner) => {
            push(text, r"\sqrt");
            group(inner, text);
        }
        Layout::Fence(fence, inner) => write_fence(*fence, inner, text),
        Layout::Cases(rows) => {
            push(text, r"\begin{cases}");
            for (i, (value, condition)) in rows.iter().enumerate() {
                text.push_str(if i == 0 { " " } else { r" \\ " });
                write(value, text);
                match condition {
                    Some(condition) => {
                        text.push_str(r" & \text{if } ");
                        write(condition, text);
                    }
                    None => text.push_str(r" & \text{otherwise}"),
                }
            }
            text.push_str(r" \end{cases}");
        }
    }
}

fn function(name: &str) -> String {
    match name {
        "σ" => r"\sigma".into(),
        name if COMMANDS.contains(&name) => format!(r"\{name}"),
        name => format!(r"\operatorname{{{name}}}"),
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Plus => " + ",
        Operator::Minus => " - ",
        Operator::Sign => "-",
        Operator::Dot => r" \cdot ",
        Operator::Beside => " ",
        Operator::Comma => ", ",
        Operator::Relation(Relation::Less) => " < ",
        Operator::Relation(Relation::LessEqual) => r" \le ",
        Operator::Relation(Relation::Greater) => " > ",
        Operator::Relation(Relation::GreaterEqual) => r" \ge ",
    }
}

fn write_fence(fence: Fence, inner: &Layout, text: &mut String) {
    // Bars always grow from \left and \right: a bare | does not say which side it closes.
    let (open, close) = match (fence, inner.is_tall()) {
        (Fence::Round, false) => ("(", ")"),
        (Fence::Round, true) => (r"\left(", r"\right)"),
        (Fence::Bars, _) => (r"\left|", r"\right|"),
    };
    text.push_str(open);
    write(inner, text);
    text.push_str(close);
}
