//! A command within a lesson: its words, and what of its answer is shown.

use crate::document::{Block, Document, Text};
use crate::error::{Error, Result};

/// The fence's word that makes a block of code a command.
const LANGUAGE: &str = "glassnet";

/// How long a line of a command is at most, where its words allow it.
const WIDTH: usize = 72;

/// A command line of `glassnet` that stands in a lesson.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The words as a shell would part them; the first is `glassnet`.
    pub words: Vec<String>,
    /// The line as it is written, for those who want to type it.
    pub line: String,
}

/// What is shown of a command's answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Shown {
    /// Nothing is shown, not even the command: it must only succeed.
    hide: bool,
    /// Only the command is shown.
    command_only: bool,
    /// The command itself is not shown.
    silent: bool,
    /// Only the parts below these headings are shown, in this order.
    parts: Vec<String>,
    /// All but the parts below these headings.
    without: Vec<String>,
}

impl Command {
    /// Parts a command line into words. A backslash at a line's end goes on in the next line.
    ///
    /// # Errors
    /// When a quote is not closed or the first word is not `glassnet`.
    ///
    /// # Example
    /// ```
    /// use glassnet::lesson::Command;
    /// let command = Command::parse("glassnet derive 'tanh(z)'")?;
    /// assert_eq!(command.words, ["glassnet", "derive", "tanh(z)"]);
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn parse(line: &str) -> Result<Command> {
        let line = line.trim_end();
        let words = shlex::split(&line.replace("\\\n", " ")).ok_or_else(|| {
            Error::usage("the command line cannot be parted into words")
                .help("close every quote, and put nothing behind the last backslash")
        })?;
        match words.first().map(String::as_str) {
            Some(LANGUAGE) => Ok(Command { words, line: line.to_owned() }),
            Some(_) | None => Err(Error::usage("a command begins with the word glassnet")
                .help("write the whole command line, such as glassnet derive 'tanh(z)'")),
        }
    }

    /// A command of these words, written so that a shell reads them back, in lines that fit a terminal.
    pub fn of(words: &[&str]) -> Command {
        let words: Vec<String> =
            std::iter::once(LANGUAGE).chain(words.iter().copied()).map(str::to_owned).collect();
        // A flag and its value stay together.
        let mut groups: Vec<String> = vec![];
        for word in &words {
            match groups.last_mut() {
                Some(flag)
                    if flag.starts_with("--") && !flag.contains(' ') && !word.starts_with("--") =>
                {
                    *flag = format!("{flag} {}", quoted(word));
                }
                Some(_) | None => groups.push(quoted(word)),
            }
        }
        let line = filled(&groups);
        Command { words, line }
    }
}

/// The groups in lines that a backslash continues; a group may have lines of its own.
fn filled(groups: &[String]) -> String {
    let (mut text, mut width) = (String::new(), 0);
    for group in groups {
        let first = group.lines().next().map_or(0, |line| line.chars().count());
        if width > 0 && width + 1 + first > WIDTH {
            text.push_str(" \\\n  ");
            width = 2;
        } else if width > 0 {
            text.push(' ');
            width += 1;
        }
        text.push_str(group);
        width = match group.rsplit_once('\n') {
            Some((_, last)) => last.chars().count(),
            None => width + first,
        };
    }
    text
}

/// The word in single quotes where a shell needs them.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=.,:/+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    }
}

impl Shown {
    /// Reads a fence's words: `None` if the block is not a command.
    ///
    /// After `glassnet` may stand `hide`, `command` (show the command alone), `silent` (show the answer alone),
    /// `part="Heading"` and `without="Heading"`.
    pub(super) fn parse(info: &str) -> Result<Option<Shown>> {
        let unusable = || Error::usage(format!("{info:?} cannot be parted into words"));
        let words = shlex::split(info).ok_or_else(unusable)?;
        let Some((language, directives)) = words.split_first() else { return Ok(None) };
        if language != LANGUAGE {
            return Ok(None);
        }
        let mut shown = Shown::default();
        for directive in directives {
            match directive.split_once('=') {
                None if directive == "hide" => shown.hide = true,
                None if directive == "command" => shown.command_only = true,
                None if directive == "silent" => shown.silent = true,
                Some(("part", heading)) => shown.parts.push(heading.to_owned()),
                Some(("without", heading)) => shown.without.push(heading.to_owned()),
                None | Some(_) => {
                    return Err(Error::usage(format!("there is no directive {directive:?}")).help(
                        "use hide, command, silent, part=\"Heading\" or without=\"Heading\"",
                    ));
                }
            }
        }
        Ok(Some(shown))
    }

    /// The blocks that stand for the command in the lesson; headings begin at `level`.
    pub(super) fn blocks(
        &self,
        command: &Command,
        answer: Document,
        level: u8,
    ) -> Result<Vec<Block>> {
        if self.hide {
            return Ok(vec![]);
        }
        let mut document = Document::default();
        if !self.silent {
            let text = format!("$ {}", command.line);
            document.push(Block::Code { language: Some("console".into()), text });
        }
        if self.command_only {
            return Ok(document.blocks);
        }
        let mut answer = answer;
        for heading in &self.without {
            let (start, end) = find(&answer, heading)?;
            answer.blocks.drain(start..end);
        }
        if self.parts.is_empty() {
            // The command says what its answer is about: its title would say it twice.
            let title =
                if self.silent { std::mem::take(&mut answer.title) } else { Text::default() };
            let level = if title.is_empty() { level.saturating_sub(1).max(1) } else { level };
            document.include(Document { title, blocks: answer.blocks }, level);
            return Ok(document.blocks);
        }
        for heading in &self.parts {
            let (start, end) = find(&answer, heading)?;
            let blocks = answer.blocks[start + 1..end].to_vec();
            // One part follows from the text around it; several are told apart by their headings.
            let (title, level) = match self.parts.len() {
                1 => (Text::default(), level.saturating_sub(1).max(1)),
                _ => (Text::from(heading.as_str()), level),
            };
            document.include(Document { title, blocks }, level);
        }
        Ok(document.blocks)
    }
}

/// Where the part below a heading begins (at the heading) and ends.
fn find(document: &Document, wanted: &str) -> Result<(usize, usize)> {
    let level_of = |block: &Block| match block {
        Block::Heading(level, text) => Some((*level, text.to_string())),
        Block::Paragraph(_)
        | Block::List { .. }
        | Block::Formula(_)
        | Block::Steps(_)
        | Block::Table(_)
        | Block::Figure(_)
        | Block::Code { .. }
        | Block::Note(..) => None,
    };
    let mut headings = document.blocks.iter().enumerate().filter_map(|(at, block)| {
        let (level, text) = level_of(block)?;
        Some((at, level, text))
    });
    let Some((start, level, _)) = headings.clone().find(|(_, _, text)| text == wanted) else {
        let known: Vec<String> = headings.map(|(_, _, text)| format!("{text:?}")).collect();
        return Err(Error::usage(format!("the answer has no part {wanted:?}"))
            .help("name one of its headings")
            .detail(format!("it has {}", known.join(", "))));
    };
    let end = headings.find(|(at, other, _)| *at > start && *other <= level);
    Ok((start, end.map_or(document.blocks.len(), |(at, _, _)| at)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> Document {
        let mut document = Document::new("Answer");
        document.say("Before.");
        document.section("One");
        document.say("First.");
        document.push(Block::Heading(3, "Below".into()));
        document.say("Deeper.");
        document.section("Two");
        document.say("Second.");
        document
    }

    fn shown(info: &str) -> String {
        let command = Command::parse("glassnet worked x").unwrap();
        let shown = Shown::parse(info).unwrap().unwrap();
        let blocks = shown.blocks(&command, answer(), 3).unwrap();
        Document { title: Text::default(), blocks }.plain()
    }

    #[test]
    fn directives_choose_what_is_shown() {
        assert_eq!(
            shown("glassnet"),
            "$ glassnet worked x\n\nBefore.\n\nOne\n\nFirst.\n\nBelow\n\nDeeper.\n\nTwo\n\nSecond.\n"
        );
        assert_eq!(shown("glassnet hide"), "\n");
        assert_eq!(shown("glassnet command"), "$ glassnet worked x\n");
        assert_eq!(shown("glassnet silent part=One"), "First.\n\nBelow\n\nDeeper.\n");
        assert_eq!(shown("glassnet silent without=One"), "Answer\n\nBefore.\n\nTwo\n\nSecond.\n");
        assert_eq!(
            shown("glassnet part=Two part=Below"),
            "$ glassnet worked x\n\nTwo\n\nSecond.\n\nBelow\n\nDeeper.\n"
        );
    }

    #[test]
    fn other_code_is_no_command_and_slips_are_told() {
        assert_eq!(Shown::parse("python").unwrap(), None);
        assert_eq!(Shown::parse("").unwrap(), None);
        assert!(Shown::parse("glassnet hdie").unwrap_err().to_string().contains("\"hdie\""));
        let missing = Shown::parse("glassnet part=Three").unwrap().unwrap();
        let command = Command::parse("glassnet worked x").unwrap();
        let error = missing.blocks(&command, answer(), 3).unwrap_err().to_string();
        assert!(error.contains("no part \"Three\"") && error.contains("\"Below\""), "{error}");
    }

    #[test]
    fn command_lines_are_parted_as_a_shell_does() {
        let command =
            Command::parse("glassnet explain 'Linear(2, 2)' \\\n  --input -1,2\n").unwrap();
        assert_eq!(command.words, ["glassnet", "explain", "Linear(2, 2)", "--input", "-1,2"]);
        assert!(Command::parse("glassnet 'open").is_err());
        assert!(Command::parse("rm -r x").is_err());
        assert!(Command::parse("").is_err());
    }

    #[test]
    fn words_are_quoted_so_that_they_read_back() {
        let words = ["worked", "it's", "", "a b", "$HOME", "-1:0,2:0.3", "0.weight[0,0]"];
        let command = Command::of(&words);
        assert_eq!(Command::parse(&command.line).unwrap(), command);
        assert_eq!(command.words[1..], words);
        assert_eq!(command.line.lines().count(), 1);
        let long =
            Command::of(&["worked", &"a b ".repeat(15), "--x", &"c d ".repeat(15), "-1", "--y"]);
        assert_eq!(Command::parse(&long.line).unwrap(), long);
        assert_eq!(long.line.lines().count(), 4);
        assert!(long.line.lines().all(|line| line.len() <= WIDTH + 2), "{}", long.line);
    }
}
