//! One HTML file that needs nothing else: mathematics as MathML, figures as SVG, no scripts; light and dark as the
//! reader's system asks, and printable.
//!
//! The content security policy forbids everything but the page's own style sheet, whose hash it names, so that even
//! an escape that failed could load or run nothing.

mod blocks;
mod steps;
mod words;

use crate::document::Document;
use words::{escape, plain};

const STYLE: &str = include_str!("style.css");

/// The SHA-256 of [`STYLE`] in base 64; a test computes it anew.
const STYLE_HASH: &str = "pAuqQu5zWS53aqVizs4ocVR8Xu96SKsREi/Es8phki0=";

/// The document as an HTML file.
pub(super) fn render(document: &Document) -> String {
    let title = plain(&document.title);
    let title = if title.trim().is_empty() { "glassnet".to_owned() } else { title };
    let mut text =
        String::from("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
    text.push_str(&format!(
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; \
         style-src 'sha256-{STYLE_HASH}'; base-uri 'none'; form-action 'none'\">\n"
    ));
    text.push_str("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n");
    text.push_str("<meta name=\"color-scheme\" content=\"light dark\">\n");
    text.push_str(&format!("<title>{}</title>\n<style>{STYLE}</style>\n</head>\n", escape(&title)));
    text.push_str("<body>\n");
    write_main(document, &mut text);
    text.push_str("</body>\n</html>\n");
    text
}

/// The document as a part of another page, with a style sheet that reaches nothing outside it.
pub(super) fn embed(document: &Document) -> String {
    // What the page's own sheet says of the whole page is said of the part's outermost element.
    let style = STYLE.replace(":root {", "& {").replace("html {", "& {").replace("body {", "& {");
    let mut text = format!("<div class=\"glassnet\">\n<style>.glassnet {{{style}}}</style>\n");
    write_main(document, &mut text);
    text.push_str("</div>\n");
    text
}

fn write_main(document: &Document, text: &mut String) {
    text.push_str("<main>\n");
    if !document.title.is_empty() {
        text.push_str(&format!("<h1>{}</h1>\n", words::inline(&document.title)));
    }
    let mut figures = 0;
    blocks::write_all(&document.blocks, &mut figures, text);
    text.push_str("</main>\n");
}
