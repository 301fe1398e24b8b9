//! The lessons that there are: the files of the folder `book`.

use super::{Run, read};
use crate::document::{Block, Column, Document, Inline, Table, Text};
use crate::error::{Error, Result};

/// How far a name may be from a lesson's to be taken for a slip, by Jaro and Winkler's likeness.
const LIKE: f64 = 0.6;

/// One task of the exercise, solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lesson {
    /// The task's number on the sheet.
    pub number: &'static str,
    /// The Markdown.
    source: &'static str,
}

const fn lesson(number: &'static str, source: &'static str) -> Lesson {
    Lesson { number, source }
}

/// Every lesson, in the sheet's order.
pub const LESSONS: &[Lesson] = &[
    lesson("1.1", include_str!("../../../../book/1.1.md")),
    lesson("1.2", include_str!("../../../../book/1.2.md")),
    lesson("1.3", include_str!("../../../../book/1.3.md")),
    lesson("1.4", include_str!("../../../../book/1.4.md")),
    lesson("2.1", include_str!("../../../../book/2.1.md")),
    lesson("2.2", include_str!("../../../../book/2.2.md")),
    lesson("2.3", include_str!("../../../../book/2.3.md")),
    lesson("2.4", include_str!("../../../../book/2.4.md")),
    lesson("2.5", include_str!("../../../../book/2.5.md")),
];

impl Lesson {
    /// The lesson's title, after its number.
    pub fn title(&self) -> &'static str {
        let title = self.source.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or("");
        title.split_once(": ").map_or(title, |(_, title)| title)
    }

    /// What the lesson shows: its first paragraph.
    pub fn shows(&self) -> String {
        let lines =
            self.source.lines().skip_while(|line| line.starts_with("# ") || line.is_empty());
        lines.take_while(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
    }

    /// The lesson, its commands answered by `run`.
    ///
    /// # Errors
    /// What `run` says, with the lesson's file, line and command.
    ///
    /// # Example
    /// ```
    /// use glassnet::{document::Document, lesson};
    /// let document = lesson::find("2.2")?.document(&mut |_| Ok(Document::new("an answer")))?;
    /// assert!(document.title.to_string().starts_with("Task 2.2"));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn document(&self, run: &mut Run<'_>) -> Result<Document> {
        read(&format!("book/{}.md", self.number), self.source, run)
    }
}

/// The lesson with this number, with or without the word `task` before it.
///
/// # Errors
/// When there is none, with the one that was probably meant, and all there are.
pub fn find(name: &str) -> Result<&'static Lesson> {
    let lower = name.trim().to_lowercase();
    let number = lower.strip_prefix("task").unwrap_or(&lower).trim();
    LESSONS.iter().find(|lesson| lesson.number == number).ok_or_else(|| {
        let numbers: Vec<&str> =
            LESSONS.iter().map(|lesson| lesson.number).chain(["all"]).collect();
        unknown("lesson", name, number, &numbers)
    })
}

/// There is no such lesson or task; the likeliest among those there are is proposed.
pub(super) fn unknown(what: &str, name: &str, meant: &str, known: &[&str]) -> Error {
    let like = |known: &&&str| strsim::jaro_winkler(meant, known);
    let best = known.iter().max_by(|a, b| like(a).total_cmp(&like(b)));
    let help = match best.filter(|best| like(best) >= LIKE) {
        Some(best) => format!("did you mean {best}?"),
        None => format!("choose one of {}", known.join(", ")),
    };
    let shown: String = name.chars().take(40).collect();
    Error::usage(format!("there is no {what} {shown:?}"))
        .at(format!("the {what}"))
        .help(help)
        .detail(format!("there are {}", known.join(", ")))
}

/// All lessons as one document.
///
/// # Errors
/// As [`Lesson::document`].
pub fn all(run: &mut Run<'_>) -> Result<Document> {
    let mut document = Document::new("The exercise, task by task");
    document.say(
        "Activation functions (1.1 to 1.4) and neural networks (2.1 to 2.5). Every number, table and derivation below \
         was computed by the command above it when this document was made.",
    );
    for lesson in LESSONS {
        document.include(lesson.document(run)?, 2);
    }
    Ok(document)
}

/// The table of contents: number, title, what it shows.
pub fn list() -> Document {
    let mut document = Document::new("Lessons");
    let mut table = Table::new([
        Column::words("lesson"),
        Column::words("title"),
        Column::words("what it shows"),
    ]);
    for lesson in LESSONS {
        table.row([lesson.number.into(), lesson.title().into(), lesson.shows().into()]);
    }
    document.push(Block::Table(table));
    document.push(Block::Paragraph(Text::from_iter([
        Inline::code("glassnet lesson 2.3"),
        Inline::plain(" prints one, "),
        Inline::code("glassnet lesson all --format html"),
        Inline::plain(" all of them as one page; "),
        Inline::code("glassnet exercise 2.3 --seed 7"),
        Inline::plain(" makes a fresh variant."),
    ])));
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lessons_are_found_by_their_number_and_slips_are_guessed() {
        assert_eq!(find("2.3").unwrap().number, "2.3");
        assert_eq!(find(" Task 1.4").unwrap().number, "1.4");
        for slip in ["2.9", "23", "1.22", "al"] {
            let error = find(slip).unwrap_err();
            assert!(error.help_text().unwrap().starts_with("did you mean "), "{slip}: {error}");
            assert_eq!(error.kind().exit_status(), 2);
        }
        let error = find("softmax").unwrap_err().to_string();
        assert!(error.contains("choose one of 1.1, 1.2"), "{error}");
    }

    #[test]
    fn every_lesson_has_a_title_and_says_what_it_shows() {
        for lesson in LESSONS {
            let head = format!("# Task {}: {}\n\n", lesson.number, lesson.title());
            assert!(lesson.source.starts_with(&head), "{}", lesson.number);
            assert!(
                lesson.shows().ends_with('.') && lesson.shows().len() < 160,
                "{}",
                lesson.number
            );
        }
    }

    #[test]
    fn every_lesson_reads_and_shows_commands() {
        for lesson in LESSONS {
            let mut count = 0;
            let document = lesson.document(&mut |_| {
                count += 1;
                Ok(parts_of_all())
            });
            let document = document.unwrap_or_else(|error| panic!("{error}"));
            assert!(document.blocks.len() > 4 && count > 0, "{}", lesson.number);
        }
    }

    /// An answer that has every part that a lesson of the book asks for.
    fn parts_of_all() -> Document {
        let mut document = Document::new("An answer");
        for lesson in LESSONS {
            for line in lesson.source.lines().filter(|line| line.starts_with("```glassnet")) {
                for part in line.split(['"']).skip(1).step_by(2) {
                    document.section(part);
                }
            }
        }
        document
    }
}
