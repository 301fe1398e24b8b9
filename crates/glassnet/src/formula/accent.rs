//! Letters with a mark above them: ŷ, x̄, w̃.

/// Marks above a letter: the combining character, LaTeX's command, MathML's character.
const MARKS: [(char, &str, &str); 6] = [
    ('\u{302}', r"\hat", "^"),
    ('\u{304}', r"\bar", "¯"),
    ('\u{305}', r"\bar", "¯"),
    ('\u{303}', r"\tilde", "~"),
    ('\u{307}', r"\dot", "˙"),
    ('\u{20d7}', r"\vec", "→"),
];

/// Letters that have their mark in one character, with the letter and the mark.
const WHOLE: [(char, char, char); 28] = [
    ('ŷ', 'y', '\u{302}'),
    ('Ŷ', 'Y', '\u{302}'),
    ('ŵ', 'w', '\u{302}'),
    ('Ŵ', 'W', '\u{302}'),
    ('ĥ', 'h', '\u{302}'),
    ('Ĥ', 'H', '\u{302}'),
    ('ẑ', 'z', '\u{302}'),
    ('â', 'a', '\u{302}'),
    ('ĉ', 'c', '\u{302}'),
    ('ê', 'e', '\u{302}'),
    ('ĝ', 'g', '\u{302}'),
    ('î', 'i', '\u{302}'),
    ('ĵ', 'j', '\u{302}'),
    ('ô', 'o', '\u{302}'),
    ('ŝ', 's', '\u{302}'),
    ('û', 'u', '\u{302}'),
    ('ȳ', 'y', '\u{304}'),
    ('ā', 'a', '\u{304}'),
    ('ē', 'e', '\u{304}'),
    ('ū', 'u', '\u{304}'),
    ('ḡ', 'g', '\u{304}'),
    ('ỹ', 'y', '\u{303}'),
    ('ñ', 'n', '\u{303}'),
    ('ã', 'a', '\u{303}'),
    ('ṽ', 'v', '\u{303}'),
    ('ẋ', 'x', '\u{307}'),
    ('ẏ', 'y', '\u{307}'),
    ('ż', 'z', '\u{307}'),
];

/// The letter below its mark and the mark's LaTeX command, if `text` is one marked letter.
pub(super) fn decompose(text: &str) -> Option<(String, &'static str)> {
    let (base, mark) = split(text)?;
    let (_, command, _) = MARKS.iter().find(|(own, _, _)| *own == mark)?;
    Some((base.to_string(), *command))
}

/// The letter with the mark that a LaTeX command such as `\hat` sets above it.
pub(super) fn compose(base: &str, command: &str) -> Option<String> {
    let (mark, _, _) = MARKS.iter().find(|(_, own, _)| own[1..] == *command)?;
    let mut letters = base.chars();
    let letter = letters.next().filter(|_| letters.next().is_none())?;
    let whole = WHOLE.iter().find(|(_, own, above)| *own == letter && above == mark);
    Some(whole.map_or_else(|| format!("{letter}{mark}"), |(whole, _, _)| whole.to_string()))
}

/// The character that shows a command's mark above a letter.
pub(super) fn sign(command: &str) -> &'static str {
    MARKS.iter().find(|(_, own, _)| *own == command).map_or("^", |(_, _, sign)| *sign)
}

fn split(text: &str) -> Option<(char, char)> {
    let mut letters = text.chars();
    let first = letters.next()?;
    match (letters.next(), letters.next()) {
        (None, _) => WHOLE.iter().find(|(whole, _, _)| *whole == first).map(|(_, b, m)| (*b, *m)),
        (Some(mark), None) => MARKS.iter().any(|(own, _, _)| *own == mark).then_some((first, mark)),
        (Some(_), Some(_)) => None,
    }
}
