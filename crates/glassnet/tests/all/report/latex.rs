//! pdflatex compiles what is written, where it is installed.

use super::fixture;
use glassnet::document::{Block, Document};
use glassnet::report::{Config, Format, embed, render};
use std::path::PathBuf;
use std::process::Command;

/// The log of a compilation without errors; `None`, with the reason printed, where there is no pdflatex.
fn compile(document: &Document, name: &str) -> Option<String> {
    compile_source(&render(document, Format::Latex, &Config::default()), name)
}

// Whoever runs the tests is told why nothing was compiled.
#[allow(clippy::print_stderr)]
fn compile_source(source: &str, name: &str) -> Option<String> {
    if Command::new("pdflatex").arg("--version").output().is_err() {
        eprintln!("skipped: pdflatex is not installed");
        return None;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("document.tex"), source).unwrap();
    let output = Command::new("pdflatex")
        .args(["-interaction=nonstopmode", "-halt-on-error", "document.tex"])
        .current_dir(&folder)
        .output()
        .unwrap();
    let log = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{log}");
    assert!(!log.contains("Missing character"), "{log}");
    Some(log)
}

#[test]
fn the_fixture_compiles_and_stays_within_the_page() {
    if let Some(log) = compile(&fixture::document(), "fixture") {
        assert!(!log.contains("Overfull \\hbox"), "{log}");
    }
}

#[test]
fn a_part_compiles_within_another_document() {
    let part = embed(&fixture::document(), Format::Latex, &Config::default());
    // As a notebook's converter loads them; nothing of ours is defined there.
    let packages = "amsmath,amssymb,booktabs,longtable,array,graphicx,xcolor,tikz";
    let source = format!(
        "\\documentclass{{article}}\n\\usepackage[utf8]{{inputenc}}\n\\usepackage[T1]{{fontenc}}\n\
         \\usepackage{{{packages}}}\n\\begin{{document}}\n{part}\n{part}\n\\end{{document}}\n"
    );
    compile_source(&source, "part");
}

#[test]
fn any_character_compiles() {
    let mut document = Document::new("Characters");
    let all = (0x20..0x2500u32).step_by(1).filter_map(char::from_u32);
    let others = "✓✗⏟⎛𝑥中日本\u{1f600}\u{202e}\u{feff}\u{10ffff}".chars();
    let letters: Vec<char> = all.chain(others).collect();
    for chunk in letters.chunks(60) {
        let words: String = chunk.iter().flat_map(|c| [*c, ' ']).collect();
        document.say(words.clone());
        document.push(Block::Code { language: None, text: words });
    }
    compile(&document, "characters");
}

#[test]
fn lists_nest_as_deep_as_they_are() {
    let mut inner = vec![Block::sentence("[the bottom]")];
    for depth in 0..9 {
        inner = vec![
            Block::sentence("[a level]"),
            Block::List { ordered: depth % 2 == 0, items: vec![inner, vec![]] },
        ];
    }
    let mut document = Document::new("Nested");
    document.blocks = inner;
    compile(&document, "nested");
}

#[test]
fn long_vectors_wrap_within_their_columns() {
    use glassnet::document::{Column, Table, Text};
    use glassnet::formula::{Math, Operator};
    let vector = || {
        let numbers = [-1.23456, 2.34567, -3.45678, 4.56789, -5.6789];
        let parts = numbers.iter().enumerate().flat_map(|(at, number)| {
            let comma = (at > 0).then_some(Math::Operator(Operator::Comma));
            comma.into_iter().chain([Math::f64(*number)])
        });
        Text::from(Math::row(parts).fenced())
    };
    let mut table = Table::new(["row", "x", "y", "z"].map(Column::words));
    for _ in 0..3 {
        table.row([Text::from("row 1"), vector(), vector(), vector()]);
    }
    let mut document = Document::new("Vectors");
    document.push(Block::Table(table));
    if let Some(log) = compile(&document, "vectors") {
        assert!(!log.contains("Overfull"), "{log}");
    }
    let latex = render(&document, Format::Latex, &Config::default());
    assert!(latex.contains(r",\allowbreak -3.45678"), "{latex}");
}
