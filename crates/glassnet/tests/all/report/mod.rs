//! Documents in every format, against committed files, and laws that hold for any mathematics.
//!
//! When a renderer is changed on purpose, the files are written anew by
//! `GLASSNET_REFRESH=1 cargo test -p glassnet --test all report`, and the difference is read before it is committed.

#![allow(clippy::disallowed_methods)]

mod fixture;
mod latex;
mod laws;

use glassnet::report::{Config, Format, embed, render};
use std::path::Path;

/// The fixture in a format is the committed file.
fn check(format: Format, width: usize, name: &str) {
    let rendered = render(&fixture::document(), format, &Config { width });
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/all/report/snapshots").join(name);
    if std::env::var_os("GLASSNET_REFRESH").is_some() {
        std::fs::write(&path, &rendered).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = rendered.lines().zip(expected.lines()).position(|(new, old)| new != old);
    if let Some(line) = difference {
        let (new, old) = (rendered.lines().nth(line), expected.lines().nth(line));
        panic!("{name}:{}: is\n  {new:?}\nwas\n  {old:?}", line + 1);
    }
    assert_eq!(
        rendered.lines().count(),
        expected.lines().count(),
        "{name} has more or fewer lines"
    );
}

#[test]
fn text_is_as_committed() {
    check(Format::Text, 80, "text.txt");
}

#[test]
fn narrow_text_is_as_committed() {
    check(Format::Text, 44, "narrow.txt");
}

#[test]
fn markdown_is_as_committed() {
    check(Format::Markdown, 80, "document.md");
}

#[test]
fn latex_is_as_committed() {
    check(Format::Latex, 80, "document.tex");
}

#[test]
fn a_part_of_a_page_says_the_same_and_styles_nothing_else() {
    let config = Config::default();
    let main = |html: &str| {
        let (_, rest) = html.split_once("<main>").unwrap();
        rest.split_once("</main>").unwrap().0.to_owned()
    };
    let part = embed(&fixture::document(), Format::Html, &config);
    assert_eq!(main(&part), main(&render(&fixture::document(), Format::Html, &config)));
    let style = part.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let mut depth = 0;
    let mut outside = String::new();
    for character in style.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ if depth == 0 => outside.push(character),
            _ => {}
        }
    }
    assert_eq!((depth, outside.trim()), (0, ".glassnet"));
    for whole_page in [":root", "html {", "body {", "<html", "<head"] {
        assert!(!part.contains(whole_page), "{whole_page}");
    }
}

#[test]
fn html_is_as_committed() {
    check(Format::Html, 80, "document.html");
}

#[test]
fn json_is_as_committed() {
    check(Format::Json, 80, "document.json");
}

#[test]
fn json_keeps_its_schema_and_has_no_number_that_is_not_finite() {
    let text = render(&fixture::document(), Format::Json, &Config::default());
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["schema"], "glassnet.document/1");
    let kinds: Vec<&str> =
        value["blocks"].as_array().unwrap().iter().map(|b| b["kind"].as_str().unwrap()).collect();
    for kind in
        ["heading", "paragraph", "list", "formula", "steps", "table", "figure", "code", "note"]
    {
        assert!(kinds.contains(&kind), "{kind}");
    }
    assert!(text.contains("null"), "the point that is not a number is null");
}

#[test]
fn html_runs_and_loads_nothing() {
    let page = render(&fixture::document(), Format::Html, &Config::default());
    assert!(!page.contains("<script"), "a name became an element");
    assert!(!page.contains("<b>"));
    for forbidden in [" style=", " onload", "http-equiv=\"refresh\"", "src=", "@import", "url("] {
        assert!(!page.contains(forbidden), "{forbidden}");
    }
    let links = page.matches("http").count();
    let names = page.matches("http://www.w3.org/").count() + page.matches("http-equiv").count();
    assert_eq!(links, names, "nothing is named but the namespaces of MathML and SVG");
}

#[test]
fn the_policy_names_the_style_sheet_that_is_there() {
    use sha2::{Digest, Sha256};
    let page = render(&fixture::document(), Format::Html, &Config::default());
    let style = page.split_once("<style>").unwrap().1.split_once("</style>").unwrap().0;
    let hash = base64(&Sha256::digest(style.as_bytes()));
    assert!(
        page.contains(&format!("style-src 'sha256-{hash}'")),
        "the style sheet was changed: set STYLE_HASH in report/html/mod.rs to {hash}"
    );
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let wide = chunk.iter().fold(0u32, |wide, byte| wide << 8 | u32::from(*byte));
        let wide = wide << (8 * (3 - chunk.len()));
        for i in 0..4 {
            let letter = LETTERS[(wide >> (18 - 6 * i)) as usize & 63];
            text.push(if i <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

/// Elements that are opened are closed, in order; what has no content closes itself.
fn is_balanced(html: &str) -> Result<(), String> {
    let mut open: Vec<&str> = vec![];
    for tag in html.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').ok_or("a tag is not closed")?;
        if tag.starts_with('!') || tag.ends_with('/') {
            continue;
        }
        let name = tag.split_whitespace().next().unwrap_or("");
        match name.strip_prefix('/') {
            Some(name) => match open.pop() {
                Some(last) if last == name => {}
                other => return Err(format!("{other:?} is closed by {name}")),
            },
            None if matches!(name, "meta" | "br") => {}
            None => open.push(name),
        }
    }
    if open.is_empty() { Ok(()) } else { Err(format!("{open:?} stay open")) }
}

#[test]
fn html_closes_what_it_opens() {
    let page = render(&fixture::document(), Format::Html, &Config::default());
    is_balanced(&page).unwrap();
}

#[test]
fn an_empty_document_is_a_document() {
    let empty = glassnet::document::Document::default();
    for format in [Format::Text, Format::Markdown, Format::Latex, Format::Html, Format::Json] {
        assert!(render(&empty, format, &Config::default()).ends_with('\n'));
    }
    assert_eq!(render(&empty, Format::Text, &Config { width: 0 }), "\n");
}
