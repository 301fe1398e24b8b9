//! LaTeX (with amsmath) for a formula.

use super::accent;
use super::compose::{is_between_fractions, needs_brackets};
use super::expression::{Expression, Relation};
use super::latex_words::{SIGNS, escape};
use super::math::{BigOperator, Fence, Math, Operator};

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
pub(super) const COMMANDS: [&str; 14] = [
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
        self.math().latex()
    }
}

impl Math {
    /// LaTeX mathematics (amsmath for `cases`, matrices and words), without dollar signs.
    pub fn latex(&self) -> String {
        let mut text = String::new();
        write(self, &mut text);
        text.trim().to_owned()
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

fn group(inner: &Math, text: &mut String) {
    text.push('{');
    write(inner, text);
    text.push('}');
}

fn name(letters: &str) -> String {
    if let Some((_, command)) = GREEK.iter().find(|(letter, _)| *letter == letters) {
        return format!(r"\{command}");
    }
    if let Some((base, mark)) = accent::decompose(letters) {
        return format!(r"{mark}{{{}}}", name(&base));
    }
    let mut own = SIGNS.iter().filter(|(sign, _)| letters.starts_with(*sign));
    if let Some((sign, command)) = own.next()
        && letters.len() == sign.len_utf8()
    {
        return (*command).into();
    }
    let plain = letters.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    match letters.chars().count() {
        1 if plain && letters != "_" => letters.to_string(),
        1 if letters == "*" => "*".into(),
        1 if letters == "ℓ" => r"\ell".into(),
        _ if plain => format!(r"\mathrm{{{}}}", letters.replace('_', r"\_")),
        _ => format!(r"\text{{{}}}", escape(letters)),
    }
}

/// A variable's index: digits and single letters as they are, words upright.
fn index(letters: &str) -> String {
    let parts = letters.split(',').map(|part| match part.bytes().all(|b| b.is_ascii_digit()) {
        true => part.to_owned(),
        false => name(part),
    });
    parts.collect::<Vec<_>>().join(",")
}

fn write(piece: &Math, text: &mut String) {
    match piece {
        Math::Row(parts) => {
            for (i, part) in parts.iter().enumerate() {
                match is_between_fractions(parts, i) {
                    true => text.push_str(r"\, "),
                    false => write(part, text),
                }
            }
        }
        Math::Number(digits) => push(text, digits),
        Math::Name(letters, subscript) => {
            push(text, &name(letters));
            if let Some(letters) = subscript {
                text.push_str(&format!("_{{{}}}", index(letters)));
            }
        }
        Math::Text(words) => {
            push(text, r"\text{");
            text.push_str(&escape(words));
            text.push('}');
        }
        Math::Pi => push(text, r"\pi"),
        Math::Function(name, below, raised) => {
            push(text, &function(name));
            if let Some(below) = below {
                text.push_str(&format!("_{{{below}}}"));
            }
            if let Some(raised) = raised {
                text.push('^');
                group(raised, text);
            }
        }
        Math::Apply => {}
        Math::Operator(operator) => text.push_str(sign(*operator)),
        Math::Fraction(numerator, denominator) => {
            push(text, r"\frac");
            group(numerator, text);
            group(denominator, text);
        }
        Math::Raised(base, exponent) if is_prime(exponent) => {
            let again = matches!(base.as_ref(), Math::Raised(_, inner) if is_prime(inner));
            match again {
                true => write(base, text),
                false => write_base(base, Script::Above, text),
            }
            text.push('\'');
        }
        Math::Raised(base, exponent) => {
            write_base(base, Script::Above, text);
            text.push('^');
            group(exponent, text);
        }
        Math::Lowered(base, index) => {
            write_base(base, Script::Below, text);
            text.push('_');
            group(index, text);
        }
        Math::Matrix(rows) => {
            push(text, r"\begin{bmatrix}");
            for (i, row) in rows.iter().enumerate() {
                text.push_str(if i == 0 { " " } else { r" \\ " });
                for (j, cell) in row.iter().enumerate() {
                    text.push_str(if j == 0 { "" } else { " & " });
                    write(cell, text);
                }
            }
            text.push_str(r" \end{bmatrix}");
        }
        Math::Big(operator, below, above) => {
            push(
                text,
                match operator {
                    BigOperator::Sum => r"\sum",
                    BigOperator::Product => r"\prod",
                    BigOperator::Max => r"\max",
                    BigOperator::Min => r"\min",
                },
            );
            for (mark, limit) in [('_', below), ('^', above)] {
                if let Some(limit) = limit {
                    text.push(mark);
                    group(limit, text);
                }
            }
            text.push(' ');
        }
        Math::Under(inner, below) => {
            push(text, r"\underbrace");
            group(inner, text);
            text.push('_');
            group(below, text);
        }
        Math::Root(inner) => {
            push(text, r"\sqrt");
            group(inner, text);
        }
        Math::Fence(fence, inner) => write_fence(*fence, inner, text),
        Math::Cases(rows) => {
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

/// Where an exponent or an index stands.
#[derive(Clone, Copy, PartialEq)]
enum Script {
    Above,
    Below,
}

/// What an exponent or index stands beside: in brackets if that would seem to belong to its last part only, and in
/// braces if it ends with one of its own, of which TeX takes no second.
fn write_base(base: &Math, script: Script, text: &mut String) {
    match (needs_brackets(base), ends_with(base, script)) {
        (true, _) => write_fence(Fence::Round, base, text),
        (false, true) => group(base, text),
        (false, false) => write(base, text),
    }
}

/// Whether what is written for `piece` ends with an exponent, or an index, that a next one would stand beside.
fn ends_with(piece: &Math, script: Script) -> bool {
    match piece {
        Math::Name(_, subscript) => script == Script::Below && subscript.is_some(),
        Math::Function(_, below, raised) => match script {
            Script::Above => raised.is_some(),
            Script::Below => below.is_some(),
        },
        Math::Raised(base, _) => script == Script::Above || ends_with(base, script),
        Math::Lowered(base, _) => script == Script::Below || ends_with(base, script),
        Math::Under(..) => script == Script::Below,
        Math::Big(_, below, above) => match script {
            Script::Above => above.is_some(),
            Script::Below => below.is_some(),
        },
        Math::Row(parts) => parts.last().is_some_and(|last| ends_with(last, script)),
        Math::Number(_)
        | Math::Text(_)
        | Math::Pi
        | Math::Apply
        | Math::Operator(_)
        | Math::Fraction(..)
        | Math::Root(_)
        | Math::Fence(..)
        | Math::Matrix(_)
        | Math::Cases(_) => false,
    }
}

fn is_prime(exponent: &Math) -> bool {
    matches!(exponent, Math::Text(sign) if sign == "′")
}

fn function(name: &str) -> String {
    match name {
        "σ" => r"\sigma".into(),
        letter if letter.len() == 1 && letter != "_" => letter.into(),
        name if COMMANDS.contains(&name) => format!(r"\{name}"),
        name if name.chars().all(|c| c.is_ascii_alphanumeric()) => {
            format!(r"\operatorname{{{name}}}")
        }
        name => format!(r"\operatorname{{\text{{{}}}}}", escape(name)),
    }
}

fn sign(operator: Operator) -> &'static str {
    match operator {
        Operator::Plus => " + ",
        Operator::Minus => " - ",
        Operator::Sign => "-",
        Operator::Dot => r" \cdot ",
        Operator::Beside => " ",
        Operator::Times => r" \times ",
        Operator::Comma => ", ",
        Operator::Equals => " = ",
        Operator::NotEqual => r" \ne ",
        Operator::Approximately => r" \approx ",
        Operator::Defined => " := ",
        Operator::Becomes => r" \leftarrow ",
        Operator::To => r" \to ",
        Operator::Implies => r" \Rightarrow ",
        Operator::Element => r" \in ",
        Operator::Partial => r"\partial ",
        Operator::Differential => r"\mathrm{d}",
        Operator::Infinity => r"\infty ",
        Operator::Dots => r" \cdots ",
        Operator::Transposed => r"\top ",
        Operator::Elementwise => r" \odot ",
        Operator::Space => r" \quad ",
        Operator::Relation(Relation::Less) => " < ",
        Operator::Relation(Relation::LessEqual) => r" \le ",
        Operator::Relation(Relation::Greater) => " > ",
        Operator::Relation(Relation::GreaterEqual) => r" \ge ",
    }
}

fn write_fence(fence: Fence, inner: &Math, text: &mut String) {
    // Bars always grow from \left and \right: a bare | does not say which side it closes.
    let (open, close) = match (fence, inner.is_tall()) {
        (Fence::Round, false) => ("(", ")"),
        (Fence::Round, true) => (r"\left(", r"\right)"),
        (Fence::Square, false) => ("[", "]"),
        (Fence::Square, true) => (r"\left[", r"\right]"),
        (Fence::Curly, false) => (r"\{", r"\}"),
        (Fence::Curly, true) => (r"\left\{", r"\right\}"),
        (Fence::Bars, _) => (r"\left|", r"\right|"),
        (Fence::DoubleBars, _) => (r"\left\|", r"\right\|"),
    };
    text.push_str(open);
    write(inner, text);
    text.push_str(close);
}
