//! A place in a line of text, shown with carets below it.

use super::Error;

/// At most so many characters of the line are shown, around the place.
const WINDOW: usize = 72;

impl Error {
    /// The same error with `line` and, below it, carets under the `marked` characters (at least one) from
    /// `column` on, counted from 0. Of a long line the part around the column is shown.
    pub(crate) fn pointing(self, line: &str, column: usize, marked: usize) -> Self {
        let total = line.chars().count();
        let from = if total <= WINDOW { 0 } else { column.saturating_sub(WINDOW / 2) };
        let shown: String = line
            .chars()
            .skip(from)
            .take(WINDOW)
            // A tab or line break would move the text away from its carets.
            .map(|character| if character.is_control() { ' ' } else { character })
            .collect();
        let lead = if from > 0 { "…" } else { "" };
        let tail = if from + WINDOW < total { "…" } else { "" };
        let blank = " ".repeat(column - from + lead.chars().count());
        let carets = marked.min((WINDOW + 1).saturating_sub(column - from)).max(1);
        self.detail(format!("{lead}{shown}{tail}")).detail(format!("{blank}{}", "^".repeat(carets)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn details(line: &str, column: usize, marked: usize) -> Vec<String> {
        Error::usage("a").pointing(line, column, marked).details().to_vec()
    }

    #[test]
    fn carets_stand_below_what_is_marked() {
        assert_eq!(details("a\tβ + c", 2, 1), ["a β + c", "  ^"]);
        assert_eq!(details("a", 1, 0), ["a", " ^"]);
    }

    #[test]
    fn of_a_long_line_the_part_around_the_place_is_shown() {
        let line = format!("{}!{}", "a".repeat(100), "b".repeat(100));
        let [shown, carets] = details(&line, 100, 500).try_into().expect("two lines");
        assert_eq!(shown, format!("…{}!{}…", "a".repeat(36), "b".repeat(35)));
        assert_eq!(carets, format!("{}{}", " ".repeat(37), "^".repeat(37)));
    }
}
