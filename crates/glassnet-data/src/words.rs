//! Wording that messages share.

/// The longest cell or name that a message quotes whole.
const SHOWN: usize = 40;

/// `text` in double quotes, control characters escaped, cut after 40 characters.
pub(crate) fn quoted(text: &str) -> String {
    let shown: String = text.chars().take(SHOWN).flat_map(char::escape_debug).collect();
    let rest = if text.chars().nth(SHOWN).is_some() { "…" } else { "" };
    format!("\"{shown}{rest}\"")
}

/// The names in double quotes with commas between, at most `limit` of them.
pub(crate) fn list<S: AsRef<str>>(names: impl IntoIterator<Item = S>, limit: usize) -> String {
    let mut names = names.into_iter();
    let mut shown: Vec<String> =
        names.by_ref().take(limit).map(|name| quoted(name.as_ref())).collect();
    let rest = names.count();
    if rest > 0 {
        shown.push(format!("… ({rest} more)"));
    }
    shown.join(", ")
}

/// `1 row`, `2 rows`.
pub(crate) fn count(number: usize, noun: &str) -> String {
    let plural = match noun {
        "class" => "classes",
        "category" => "categories",
        _ => "",
    };
    match (number, plural) {
        (1, _) => format!("1 {noun}"),
        (_, "") => format!("{number} {noun}s"),
        _ => format!("{number} {plural}"),
    }
}

/// A flag's argument as a shell takes it: quoted if it holds anything but plain characters.
pub(crate) fn shell(argument: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-./=+:@%".contains(c);
    if !argument.is_empty() && argument.chars().all(plain) {
        return argument.to_string();
    }
    format!("'{}'", argument.replace('\'', "'\\''"))
}

/// The candidate nearest to `name`, if it is near enough to be a slip of the hand.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted: Vec<char> = name.to_lowercase().chars().take(100).collect();
    candidates
        .into_iter()
        .map(|candidate| (distance(&wanted, candidate), candidate))
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 1 + wanted.len() / 4)
        .map(|(_, candidate)| candidate)
}

/// Levenshtein's distance, without regard to case.
fn distance(wanted: &[char], candidate: &str) -> usize {
    let mut row: Vec<usize> = (0..=wanted.len()).collect();
    for (i, letter) in candidate.to_lowercase().chars().take(100).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &other) in wanted.iter().enumerate() {
            let replaced = diagonal + usize::from(letter != other);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[wanted.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_quoted_and_cut() {
        assert_eq!(quoted("a\tb"), "\"a\\tb\"");
        assert_eq!(quoted(&"x".repeat(50)), format!("\"{}…\"", "x".repeat(40)));
        assert_eq!(list(["a", "b", "c"], 2), "\"a\", \"b\", … (1 more)");
        assert_eq!(count(1, "class"), "1 class");
        assert_eq!(count(2, "class"), "2 classes");
    }

    #[test]
    fn shell_arguments_survive_a_shell() {
        assert_eq!(shell("NA"), "NA");
        assert_eq!(shell("n/a, really"), "'n/a, really'");
        assert_eq!(shell("it's"), "'it'\\''s'");
        assert_eq!(shell(""), "''");
    }

    #[test]
    fn the_nearest_name_is_near() {
        assert_eq!(nearest("Wether", ["wind", "weather"]), Some("weather"));
        assert_eq!(nearest("species", ["wind", "weather"]), None);
        assert_eq!(nearest("x", []), None);
    }
}
