//! A lesson's Markdown becomes a document; its commands are run on the way.

use std::ops::Range;
use std::vec::IntoIter;

use pulldown_cmark::{
    Alignment, CodeBlockKind, CowStr, Event, HeadingLevel, Options, Parser, Tag, TagEnd,
};

use super::Run;
use super::command::{Command, Shown};
use crate::document::{Align, Block, Column, Document, Inline, NoteKind, Table, Text};
use crate::error::{Error, Result};
use crate::formula::Math;

/// How deep lists and notes may stand in each other.
const DEEPEST: usize = 16;

/// Reads Markdown into a document, with the answers of its commands in place of them.
///
/// What is understood: headings (the first of level 1 is the title), paragraphs with stressed words, code, links and
/// `$mathematics$`, lists, tables, code, and notes: a quote that begins with the strong word of a [`NoteKind`], such as
/// `> **Convention:** …`. A fenced block whose word is `glassnet` holds a command line, which `run` answers.
///
/// # Errors
/// With the file, the line, and the command where one failed: what `run` says; mathematics or Markdown that is not
/// understood; an unknown directive.
///
/// # Example
/// ```
/// use glassnet::document::Document;
/// use glassnet::lesson;
/// let text = "# A title\n\nWith $x^2$ in it.\n\n```glassnet silent\nglassnet derive 'z^2'\n```\n";
/// let document = lesson::read("page.md", text, &mut |command| {
///     assert_eq!(command.words, ["glassnet", "derive", "z^2"]);
///     Ok(Document::new("The derivative"))
/// })?;
/// assert!(document.plain().starts_with("A title\n\nWith x"));
/// assert!(document.plain().ends_with("The derivative\n"));
/// # Ok::<(), glassnet::Error>(())
/// ```
pub fn read(name: &str, text: &str, run: &mut Run<'_>) -> Result<Document> {
    let options = Options::ENABLE_TABLES | Options::ENABLE_MATH;
    let events: Vec<(Event<'_>, Range<usize>)> =
        Parser::new_ext(text, options).into_offset_iter().collect();
    let mut reader = Reader { name, text, events: events.into_iter(), at: 0, level: 1, run };
    let mut document = Document::default();
    let mut blocks = vec![];
    while let Some(event) = reader.next() {
        match event {
            Event::Start(Tag::Heading { level: HeadingLevel::H1, .. }) => {
                let title = reader.inlines(TagEnd::Heading(HeadingLevel::H1))?;
                if !document.title.is_empty() {
                    return Err(reader.fault("a second title").help("begin sections with ##"));
                }
                document.title = title;
            }
            event => reader.block(event, 0, &mut blocks)?,
        }
    }
    document.blocks = blocks;
    Ok(document)
}

struct Reader<'a, 'r, 'f> {
    name: &'a str,
    text: &'a str,
    events: IntoIter<(Event<'a>, Range<usize>)>,
    /// The byte where the last event begins.
    at: usize,
    /// The level of the heading above.
    level: u8,
    run: &'r mut Run<'f>,
}

impl<'a> Reader<'a, '_, '_> {
    fn next(&mut self) -> Option<Event<'a>> {
        let (event, range) = self.events.next()?;
        self.at = range.start;
        Some(event)
    }

    fn place(&self) -> String {
        format!("{}:{}", self.name, 1 + self.text[..self.at].matches('\n').count())
    }

    fn fault(&self, what: impl Into<String>) -> Error {
        Error::usage(what).at(self.place())
    }

    /// The error with the line before its own place.
    fn here(&self, error: Error) -> Error {
        let place = match error.place() {
            Some(inner) => format!("{}, {inner}", self.place()),
            None => self.place(),
        };
        error.at(place)
    }

    /// Reads the block that `event` begins.
    fn block(&mut self, event: Event<'a>, depth: usize, blocks: &mut Vec<Block>) -> Result<()> {
        if depth > DEEPEST {
            return Err(self.fault(format!("lists and notes stand more than {DEEPEST} deep")));
        }
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                let text = self.inlines(TagEnd::Heading(level))?;
                self.level = (level as u8).clamp(2, 4);
                blocks.push(Block::Heading(self.level, text));
            }
            Event::Start(Tag::Paragraph) => self.paragraph(blocks)?,
            Event::Start(Tag::CodeBlock(kind)) => self.code(&kind, blocks)?,
            Event::Start(Tag::List(first)) => {
                let mut items = vec![];
                while let Some(event) = self.next() {
                    match event {
                        Event::Start(Tag::Item) => items.push(self.until(TagEnd::Item, depth)?),
                        _ => break,
                    }
                }
                blocks.push(Block::List { ordered: first.is_some(), items });
            }
            Event::Start(Tag::BlockQuote(kind)) => {
                let inner = self.until(TagEnd::BlockQuote(kind), depth)?;
                blocks.push(self.note(inner)?);
            }
            Event::Start(Tag::Table(alignments)) => {
                let table = self.table(&alignments)?;
                blocks.push(Block::Table(table));
            }
            Event::Html(text) | Event::InlineHtml(text) if is_comment(&text) => {}
            Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
            Event::DisplayMath(source) => blocks.push(Block::Formula(self.math(&source)?)),
            // In a tight list an item's words stand without a paragraph around them.
            event @ (Event::Text(_)
            | Event::Code(_)
            | Event::InlineMath(_)
            | Event::SoftBreak
            | Event::HardBreak
            | Event::Start(Tag::Emphasis | Tag::Strong | Tag::Link { .. })) => {
                let mut text = match blocks.pop() {
                    Some(Block::Paragraph(words)) => words,
                    other => {
                        blocks.extend(other);
                        Text::default()
                    }
                };
                self.inline(event, &mut text)?;
                blocks.push(Block::Paragraph(text));
            }
            event => return Err(self.not_understood(&event)),
        }
        Ok(())
    }

    /// Sentences, and the formulas that stand between them on lines of their own.
    fn paragraph(&mut self, blocks: &mut Vec<Block>) -> Result<()> {
        let mut text = Text::default();
        while let Some(event) = self.next() {
            match event {
                Event::End(TagEnd::Paragraph) => break,
                Event::DisplayMath(source) => {
                    push_sentences(blocks, std::mem::take(&mut text));
                    blocks.push(Block::Formula(self.math(&source)?));
                }
                event => self.inline(event, &mut text)?,
            }
        }
        push_sentences(blocks, text);
        Ok(())
    }

    /// The blocks up to an end.
    fn until(&mut self, end: TagEnd, depth: usize) -> Result<Vec<Block>> {
        let mut blocks = vec![];
        while let Some(event) = self.next() {
            if event == Event::End(end) {
                break;
            }
            self.block(event, depth + 1, &mut blocks)?;
        }
        Ok(blocks)
    }

    /// A block of code: a command's answer, or the code as it stands.
    fn code(&mut self, kind: &CodeBlockKind<'a>, blocks: &mut Vec<Block>) -> Result<()> {
        let (start, info) = match kind {
            CodeBlockKind::Fenced(info) => (self.at, info.to_string()),
            CodeBlockKind::Indented => (self.at, String::new()),
        };
        let mut text = String::new();
        while let Some(event) = self.next() {
            match event {
                Event::Text(piece) => text.push_str(&piece),
                _ => break,
            }
        }
        self.at = start;
        let shown = Shown::parse(&info).map_err(|error| self.here(error))?;
        let Some(shown) = shown else {
            let language = info.split_whitespace().next().map(str::to_owned);
            blocks.push(Block::Code { language, text: text.trim_end().to_owned() });
            return Ok(());
        };
        let command = Command::parse(&text).map_err(|error| self.here(error))?;
        let answer = (self.run)(&command).map_err(|error| self.of_command(error, &command))?;
        let answered = shown.blocks(&command, answer, (self.level + 1).clamp(2, 4));
        blocks.extend(answered.map_err(|error| self.of_command(error, &command))?);
        Ok(())
    }

    /// What a command said wrong, with the command.
    fn of_command(&self, error: Error, command: &Command) -> Error {
        self.here(error).detail(format!("the command: {}", command.line.replace('\n', " ")))
    }

    /// A quote that begins with a note's word in strong letters.
    fn note(&self, mut blocks: Vec<Block>) -> Result<Block> {
        let kinds = [
            NoteKind::Remark,
            NoteKind::Convention,
            NoteKind::Warning,
            NoteKind::NotProven,
            NoteKind::Omitted,
        ];
        if let Some(Block::Paragraph(text)) = blocks.first_mut()
            && let Some(Inline::Strong(word)) = text.0.first()
            && let Some(kind) =
                kinds.into_iter().find(|kind| kind.word() == word.trim_end_matches([':', '.']))
        {
            text.0.remove(0);
            if let Some(Inline::Plain(words)) = text.0.first_mut() {
                *words = words.trim_start().to_owned();
            }
            return Ok(Block::Note(kind, blocks));
        }
        let words: Vec<&str> = kinds.iter().map(|kind| kind.word()).collect();
        Err(self.fault("a quote is no note").help(format!(
            "begin it with a word in strong letters, such as **Note:**; there are {}",
            words.join(", ")
        )))
    }

    fn table(&mut self, alignments: &[Alignment]) -> Result<Table> {
        let mut rows: Vec<Vec<Text>> = vec![];
        while let Some(event) = self.next() {
            match event {
                Event::Start(Tag::TableHead | Tag::TableRow) => rows.push(vec![]),
                Event::Start(Tag::TableCell) => {
                    let cell = self.inlines(TagEnd::TableCell)?;
                    rows.last_mut().unwrap_or(&mut vec![]).push(cell);
                }
                Event::End(TagEnd::Table) => break,
                _ => {}
            }
        }
        let mut rows = rows.into_iter();
        let heads = rows.next().unwrap_or_default();
        let columns = heads.into_iter().zip(alignments).map(|(head, alignment)| {
            let align = match alignment {
                Alignment::Right => Align::Right,
                Alignment::None | Alignment::Left | Alignment::Center => Align::Left,
            };
            Column { head, align }
        });
        let mut table = Table::new(columns);
        // Markdown itself cuts rows to the width of the head.
        rows.for_each(|row| table.row(row));
        Ok(table)
    }

    /// The words up to an end.
    fn inlines(&mut self, end: TagEnd) -> Result<Text> {
        let mut text = Text::default();
        while let Some(event) = self.next() {
            if event == Event::End(end) {
                break;
            }
            self.inline(event, &mut text)?;
        }
        Ok(text)
    }

    fn inline(&mut self, event: Event<'a>, text: &mut Text) -> Result<()> {
        match event {
            Event::Text(words) => plain(text, &words),
            Event::SoftBreak | Event::HardBreak => plain(text, " "),
            Event::Code(name) => text.0.push(Inline::Code(name.to_string())),
            Event::InlineMath(source) => text.0.push(Inline::Math(self.math(&source)?)),
            Event::Start(Tag::Emphasis) => {
                self.stressed(TagEnd::Emphasis, Inline::Emphasis, text)?;
            }
            Event::Start(Tag::Strong) => self.stressed(TagEnd::Strong, Inline::Strong, text)?,
            Event::Start(Tag::Link { dest_url, .. }) => {
                let words = self.words(TagEnd::Link)?;
                plain(text, &words);
                if *words != *dest_url {
                    plain(text, " (");
                    text.0.push(Inline::Code(dest_url.to_string()));
                    plain(text, ")");
                }
            }
            Event::InlineHtml(words) if is_comment(&words) => {}
            event => return Err(self.not_understood(&event)),
        }
        Ok(())
    }

    /// Stressed words; mathematics and code between them stand as they are.
    fn stressed(
        &mut self,
        end: TagEnd,
        stress: fn(String) -> Inline,
        text: &mut Text,
    ) -> Result<()> {
        let inner = self.inlines(end)?;
        text.0.extend(inner.0.into_iter().map(|piece| match piece {
            Inline::Plain(words) => stress(words),
            other @ (Inline::Emphasis(_)
            | Inline::Strong(_)
            | Inline::Code(_)
            | Inline::Math(_)) => other,
        }));
        Ok(())
    }

    /// Words without any setting, up to an end.
    fn words(&mut self, end: TagEnd) -> Result<String> {
        let mut words = String::new();
        while let Some(event) = self.next() {
            match event {
                Event::Text(piece) | Event::Code(piece) => words.push_str(&piece),
                Event::SoftBreak | Event::HardBreak => words.push(' '),
                event if event == Event::End(end) => break,
                event => {
                    return Err(self.not_understood(&event).help("links hold words only"));
                }
            }
        }
        Ok(words)
    }

    fn math(&self, source: &CowStr<'a>) -> Result<Math> {
        Math::parse_latex(source).map_err(|error| self.here(error))
    }

    fn not_understood(&self, event: &Event<'a>) -> Error {
        let shown: String = format!("{event:?}").chars().take(60).collect();
        self.fault(format!("lessons do not have this part of Markdown: {shown}"))
            .help("use headings, paragraphs, lists, tables, code, notes and mathematics")
    }
}

fn is_comment(html: &str) -> bool {
    html.trim_start().starts_with("<!--")
}

/// Appends a paragraph, unless it has nothing but the blanks around a formula.
fn push_sentences(blocks: &mut Vec<Block>, mut text: Text) {
    if let Some(Inline::Plain(words)) = text.0.first_mut() {
        *words = words.trim_start().to_owned();
    }
    if let Some(Inline::Plain(words)) = text.0.last_mut() {
        *words = words.trim_end().to_owned();
    }
    text.0.retain(|piece| !matches!(piece, Inline::Plain(words) if words.is_empty()));
    if !text.is_empty() {
        blocks.push(Block::Paragraph(text));
    }
}

/// Appends words; pieces that Markdown parted become one again.
fn plain(text: &mut Text, words: &str) {
    match text.0.last_mut() {
        Some(Inline::Plain(before)) => before.push_str(words),
        Some(_) | None => text.0.push(Inline::plain(words)),
    }
}
