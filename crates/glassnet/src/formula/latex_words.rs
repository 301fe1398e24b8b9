//! Plain words as LaTeX text that pdflatex sets: special characters made harmless, other alphabets' letters and signs
//! as commands, and characters that it has no letter for named by their number.

use super::latex::GREEK;
use super::line::{unlowered, unraised};

/// Signs that are written in words, with how mathematics writes them.
pub(super) const SIGNS: [(char, &str); 61] = [
    ('−', "-"),
    ('·', r"\cdot"),
    ('⋅', r"\cdot"),
    ('×', r"\times"),
    ('÷', r"\div"),
    ('±', r"\pm"),
    ('→', r"\to"),
    ('←', r"\leftarrow"),
    ('↔', r"\leftrightarrow"),
    ('↑', r"\uparrow"),
    ('↓', r"\downarrow"),
    ('⇒', r"\Rightarrow"),
    ('⇐', r"\Leftarrow"),
    ('⇔', r"\Leftrightarrow"),
    ('≈', r"\approx"),
    ('≠', r"\ne"),
    ('≤', r"\le"),
    ('≥', r"\ge"),
    ('≡', r"\equiv"),
    ('∝', r"\propto"),
    ('∼', r"\sim"),
    ('≪', r"\ll"),
    ('≫', r"\gg"),
    ('∂', r"\partial"),
    ('∇', r"\nabla"),
    ('∞', r"\infty"),
    ('∈', r"\in"),
    ('∉', r"\notin"),
    ('∅', r"\emptyset"),
    ('∪', r"\cup"),
    ('∩', r"\cap"),
    ('⊂', r"\subset"),
    ('⊆', r"\subseteq"),
    ('∀', r"\forall"),
    ('∃', r"\exists"),
    ('¬', r"\neg"),
    ('∧', r"\wedge"),
    ('∨', r"\vee"),
    ('∑', r"\sum"),
    ('∏', r"\prod"),
    ('∫', r"\int"),
    ('√', r"\surd"),
    ('∘', r"\circ"),
    ('⊙', r"\odot"),
    ('⊕', r"\oplus"),
    ('⊗', r"\otimes"),
    ('⊤', r"\top"),
    ('⊥', r"\bot"),
    ('⋯', r"\cdots"),
    ('′', r"\prime"),
    ('ℝ', r"\mathbb{R}"),
    ('ℤ', r"\mathbb{Z}"),
    ('ℕ', r"\mathbb{N}"),
    ('✓', r"\checkmark"),
    ('✗', r"\times"),
    ('✔', r"\checkmark"),
    ('✘', r"\times"),
    ('‖', r"\|"),
    ('π', r"\pi"),
    ('ϕ', r"\phi"),
    ('™', r"^{\mathrm{TM}}"),
];

/// The letters of Latin Extended-A that T1 fonts have.
const SET_UP: &str = "ĂăĄąĆćČčĎďĐđĘęĚěĞğĹĺĽľŁłŃńŇňŊŋŐőŔŕŘřŚśŞşŠšŢţŤťŮůŰűŸŹźŻżŽž";

/// Words as LaTeX text (with amsmath and amssymb): what is special is escaped, signs such as → and σ become
/// mathematics, and a character that pdflatex cannot set is named, as in U+4E2D.
///
/// ```
/// use glassnet::formula::escape_latex;
/// assert_eq!(escape_latex("50 % of a_b"), r"50 \% of a\_b");
/// assert_eq!(escape_latex("σ → −1"), r"$\sigma$ $\to$ $-$1");
/// assert_eq!(escape_latex("中"), "U+4E2D");
/// ```
pub fn escape(words: &str) -> String {
    let mut text = String::new();
    for character in words.chars() {
        // -- and '' would become one character.
        if matches!(character, '-' | '\'' | ',') && text.ends_with(character) {
            text.push_str("{}");
        }
        match character {
            '#' | '$' | '%' | '&' | '_' | '{' | '}' => text.extend(['\\', character]),
            '\\' => text.push_str(r"\textbackslash{}"),
            '^' => text.push_str(r"\textasciicircum{}"),
            '~' => text.push_str(r"\textasciitilde{}"),
            '<' => text.push_str(r"\textless{}"),
            '>' => text.push_str(r"\textgreater{}"),
            '|' => text.push_str(r"\textbar{}"),
            '`' => text.push_str(r"\textasciigrave{}"),
            '"' => text.push_str(r"\textquotedbl{}"),
            '\u{a0}' | '\u{202f}' => text.push('~'),
            ' '..='~' => text.push(character),
            control if control.is_control() => text.push(' '),
            other => push_sign(other, &mut text),
        }
    }
    text
}

fn push_sign(character: char, text: &mut String) {
    let mut bytes = [0; 4];
    let letter: &str = character.encode_utf8(&mut bytes);
    if let Some((_, command)) = SIGNS.iter().find(|(sign, _)| *sign == character) {
        text.push_str(&format!("${command}$"));
    } else if let Some((_, command)) = GREEK.iter().find(|(greek, _)| *greek == letter) {
        text.push_str(&format!(r"$\{command}$"));
    } else if let Some(raised) = unraised(character) {
        push_index('^', raised, text);
    } else if let Some(lowered) = unlowered(character) {
        push_index('_', lowered, text);
    } else if is_set_up(character) {
        text.push(character);
    } else if let Some((base, mark)) = super::accent::decompose(letter) {
        text.push_str(&format!("${mark}{{{base}}}$"));
    } else {
        text.push_str(&format!("U+{:04X}", u32::from(character)));
    }
}

/// Neighbouring raised characters are one exponent: `$^{10}$`.
fn push_index(mark: char, character: char, text: &mut String) {
    let mut bytes = [0; 4];
    let index = match character {
        '−' => "-",
        '⊤' => r"\top ",
        other => &*other.encode_utf8(&mut bytes),
    };
    match text.strip_suffix("}$").filter(|start| {
        start.rfind('$').is_some_and(|at| start[at + 1..].starts_with(&format!("{mark}{{")))
    }) {
        Some(start) => *text = format!("{start}{index}}}$"),
        None => text.push_str(&format!("${mark}{{{index}}}$")),
    }
}

/// Letters and signs that LaTeX's UTF-8 input and T1 fonts know.
fn is_set_up(character: char) -> bool {
    match character {
        '\u{a1}'..='\u{ff}' => true,
        '\u{100}'..='\u{17f}' => SET_UP.contains(character),
        '–' | '—' | '‘' | '’' | '“' | '”' | '„' | '…' | '•' | '€' | '†' => {
            true
        }
        _ => false,
    }
}
