//! Markdown becomes documents, and what goes wrong says where.

use super::*;
use crate::document::{Align, Block, Inline, NoteKind};
use crate::error::Error;

fn answered(text: &str) -> Document {
    let mut run = |command: &Command| {
        let mut answer = Document::new("Answer");
        answer.section("Words");
        answer.say(command.words.join("|"));
        Ok(answer)
    };
    read("page.md", text, &mut run).unwrap_or_else(|error| panic!("{error}"))
}

fn refused(text: &str) -> Error {
    let mut run =
        |_: &Command| Err(Error::usage("no such verb").at("glassnet").help("try another"));
    read("page.md", text, &mut run).unwrap_err()
}

#[test]
fn sentences_keep_their_pieces() {
    let document = answered("# The *title*\n\nSome `code`, **loud** and\n*quiet $x^2$ words*.\n");
    assert_eq!(document.title.to_string(), "The title");
    let Block::Paragraph(text) = &document.blocks[0] else { panic!("{document:?}") };
    let kinds: Vec<&str> = text
        .0
        .iter()
        .map(|piece| match piece {
            Inline::Plain(_) => "plain",
            Inline::Emphasis(_) => "emphasis",
            Inline::Strong(_) => "strong",
            Inline::Code(_) => "code",
            Inline::Math(_) => "math",
        })
        .collect();
    let expected =
        ["plain", "code", "plain", "strong", "plain", "emphasis", "math", "emphasis", "plain"];
    assert_eq!(kinds, expected);
    assert_eq!(text.to_string(), "Some code, loud and quiet x² words.");
}

#[test]
fn formulas_stand_between_sentences() {
    let document = answered("Before\n$$a = b$$\nand after.\n");
    assert_eq!(document.plain(), "Before\n\na = b\n\nand after.\n");
    assert!(matches!(document.blocks[1], Block::Formula(_)));
}

#[test]
fn lists_tables_notes_and_code_are_read() {
    let document = answered(
        "1. one $x$ `a`\n2. two\n\n   more\n\n| a | b |\n|---|---:|\n| c | $d$ |\n\n\
         > **Convention:** it is so\n> at 0.\n\n```sh\nls\n```\n<!-- nothing -->\n",
    );
    let [Block::List { ordered: true, items }, Block::Table(table), note, code] =
        document.blocks.as_slice()
    else {
        panic!("{document:?}")
    };
    assert_eq!((items.len(), items[0].len(), items[1].len()), (2, 1, 2));
    assert_eq!((table.columns.len(), table.rows.len()), (2, 1));
    assert_eq!(table.columns[1].align, Align::Right);
    let Block::Note(NoteKind::Convention, inner) = note else { panic!("{note:?}") };
    assert_eq!(inner, &[Block::sentence("it is so at 0.")]);
    assert_eq!(code, &Block::Code { language: Some("sh".into()), text: "ls".into() });
}

#[test]
fn commands_are_answered_below_their_heading() {
    let document = answered("## One\n\n```glassnet silent\nglassnet derive 'a b' \\\n  --x\n```\n");
    let levels: Vec<(u8, String)> = document
        .blocks
        .iter()
        .filter_map(|block| match block {
            Block::Heading(level, text) => Some((*level, text.to_string())),
            _ => None,
        })
        .collect();
    assert_eq!(levels, [(2, "One".into()), (3, "Answer".into()), (4, "Words".into())]);
    assert!(document.plain().contains("glassnet|derive|a b|--x"));
}

#[test]
fn a_command_that_fails_is_named_with_file_and_line() {
    let error = refused("# A\n\ntext\n\n```glassnet\nglassnet nothing\n```\n");
    assert_eq!(error.place(), Some("page.md:5, glassnet"));
    assert_eq!((error.what(), error.help_text()), ("no such verb", Some("try another")));
    assert!(error.to_string().contains("the command: glassnet nothing"), "{error}");
}

#[test]
fn what_is_not_understood_is_refused_with_its_line() {
    for (text, line, what) in [
        ("one\n\n$\\fracc{1}{2}$\n", 3, "fracc"),
        ("one\n\n## two\n\n<b>three</b>\n", 5, "part of Markdown"),
        ("# one\n\n# two\n", 3, "second title"),
        ("one\n\n> just a quote\n", 3, "a quote is no note"),
        ("```glassnet shwo\nglassnet x\n```\n", 1, "\"shwo\""),
        ("a\n\n```glassnet\nrm x\n```\n", 3, "begins with the word glassnet"),
        ("a\n\n```glassnet\nglassnet 'x\n```\n", 3, "parted into words"),
        ("a\n\n![picture](x.png)\n", 3, "part of Markdown"),
        (&format!("{}deep\n", "> ".repeat(200)), 1, "deep"),
    ] {
        let error = refused(text);
        let place = error.place().unwrap_or_default();
        assert!(place.starts_with(&format!("page.md:{line}")), "{text:?}: {error}");
        assert!(error.to_string().contains(what), "{text:?}: {error}");
        assert_eq!(error.kind().exit_status(), 2, "{text:?}");
    }
}

#[test]
fn any_text_gets_a_document_or_an_error() {
    let pieces = [
        "# ",
        "> ",
        "- ",
        "1. ",
        "```glassnet\n",
        "```",
        "$",
        "$$",
        "|",
        "---|",
        "**",
        "*",
        "\n",
        "\n\n",
        "x",
        "[a](b)",
        "<",
        "`",
        "\\",
        "  ",
    ];
    let mut stream = crate::math::random::Stream::new(0, 99);
    for _ in 0..2000 {
        let count = stream.below(30);
        let text: String =
            (0..count).map(|_| pieces[stream.below(pieces.len() as u64) as usize]).collect();
        let _ = read("page.md", &text, &mut |_| Ok(Document::new("Answer")));
    }
}
