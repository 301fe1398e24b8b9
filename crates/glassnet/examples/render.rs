//! Renders the document that the report's tests are measured on: `cargo run -p glassnet --example render -- html > page.html`.
//! Formats: text (with a width, if one follows), markdown, latex, html, json.

#![allow(missing_docs, unreachable_pub, clippy::print_stdout, clippy::disallowed_methods)]

#[path = "../tests/all/report/fixture.rs"]
mod fixture;

use glassnet::report::{Config, Format, render};

fn main() {
    let mut words = std::env::args().skip(1);
    let format = match words.next().as_deref() {
        Some("markdown") => Format::Markdown,
        Some("latex") => Format::Latex,
        Some("html") => Format::Html,
        Some("json") => Format::Json,
        Some(_) | None => Format::Text,
    };
    let width = words.next().and_then(|word| word.parse().ok()).unwrap_or(80);
    print!("{}", render(&fixture::document(), format, &Config { width }));
}
