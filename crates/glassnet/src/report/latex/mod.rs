//! A LaTeX document that pdflatex compiles as it stands: article, amsmath, amssymb, booktabs, longtable, geometry,
//! graphicx, xcolor and TikZ, which every TeX distribution has.
//!
//! Nothing runs out of the page: wide formulas are broken at their signs, and what cannot be broken is scaled
//! (`\fit`, defined in the preamble); wide tables wrap or are shown in groups of columns.

mod math;
mod steps;
mod table;
mod words;

use crate::document::{Block, Document, Figure, NoteKind, Text};
use words::inline;

/// TeX nests lists four deep.
const DEEPEST: usize = 4;

const PREAMBLE: &str = r"\documentclass[11pt]{article}
\usepackage[utf8]{inputenc}
\usepackage[T1]{fontenc}
\IfFileExists{lmodern.sty}{\usepackage{lmodern}}{}
\usepackage[a4paper,margin=2.4cm]{geometry}
\usepackage{amsmath,amssymb}
\usepackage{booktabs,longtable,array}
\usepackage{graphicx}
\usepackage{tikz}
\setlength{\parindent}{0pt}
\setlength{\parskip}{6pt plus 2pt minus 1pt}
\setlength{\emergencystretch}{3em}
\allowdisplaybreaks
\sloppy
% What is wider than the given width is scaled down to it.
\newsavebox{\fitbox}
\newcommand{\fit}[2]{\sbox{\fitbox}{#2}\ifdim\wd\fitbox>#1\resizebox{#1}{!}{\usebox{\fitbox}}\else\usebox{\fitbox}\fi}
";

/// The document as a LaTeX file.
pub(super) fn render(document: &Document) -> String {
    let mut text = String::from(PREAMBLE);
    text.push_str("\\begin{document}\n");
    write_body(document, &mut text);
    text.push_str("\n\\end{document}\n");
    text
}

/// The document as a part of another one, which must load amsmath, amssymb, booktabs, longtable, array, graphicx, xcolor,
/// and TikZ where there are figures.
pub(super) fn embed(document: &Document) -> String {
    // What the preamble defines, unless the other document has it from there or from an earlier part.
    let mut text = String::from(
        "\\providecommand{\\fit}[2]{\\resizebox{\\ifdim\\width>#1 #1\\else\\width\\fi}{!}{#2}}\n",
    );
    write_body(document, &mut text);
    text
}

fn write_body(document: &Document, text: &mut String) {
    if !document.title.is_empty() {
        let title = inline(&document.title);
        text.push_str(&format!(
            "{{\\LARGE\\bfseries\\boldmath\\raggedright {title}\\par}}\\bigskip\n"
        ));
    }
    blocks(&document.blocks, 0, text);
}

fn blocks(blocks: &[Block], depth: usize, text: &mut String) {
    let is_display = |block: &Block| matches!(block, Block::Formula(_) | Block::Steps(_));
    for (i, block) in blocks.iter().enumerate() {
        let before = i.checked_sub(1).map(|before| &blocks[before]);
        let follows =
            before.is_some_and(|block| is_display(block) || matches!(block, Block::Paragraph(_)));
        // To TeX a formula is part of a paragraph: an empty line before it would be shown as one.
        if !(is_display(block) && follows) {
            text.push('\n');
        }
        write(block, depth, text);
    }
}

fn write(block: &Block, depth: usize, text: &mut String) {
    match block {
        Block::Heading(level, words) => {
            let command = match level {
                0..=2 => "section",
                3 => "subsection",
                _ => "subsubsection",
            };
            text.push_str(&format!("\\{command}*{{\\boldmath\\raggedright {}}}\n", inline(words)));
        }
        Block::Paragraph(words) => text.push_str(&(inline(words) + "\n")),
        Block::List { ordered, items } => list(*ordered, items, depth, text),
        Block::Formula(math) => text.push_str(&math::display(math)),
        Block::Steps(steps) => text.push_str(&steps::set(steps)),
        Block::Table(table) => text.push_str(&table::set(table)),
        Block::Figure(figure) => write_figure(figure, text),
        Block::Code { text: code, .. } => text.push_str(&words::listing(code)),
        Block::Note(kind, inner) => note(*kind, inner, depth, text),
    }
}

fn list(ordered: bool, items: &[Vec<Block>], depth: usize, text: &mut String) {
    if items.is_empty() {
        return;
    }
    if depth >= DEEPEST {
        for (i, item) in items.iter().enumerate() {
            let mark = if ordered { format!("{}.", i + 1) } else { "\\textbullet{}".into() };
            text.push_str(&format!("\n{mark} "));
            blocks(item, depth, text);
        }
        return;
    }
    let name = if ordered { "enumerate" } else { "itemize" };
    text.push_str(&format!("\\begin{{{name}}}\\setlength{{\\itemsep}}{{0pt}}\n"));
    for item in items {
        // The braces keep a bracket at the item's start from being read as an option.
        text.push_str("\\item{} ");
        blocks(item, depth + 1, text);
    }
    text.push_str(&format!("\\end{{{name}}}\n"));
}

fn note(kind: NoteKind, inner: &[Block], depth: usize, text: &mut String) {
    // A quote is a list to TeX; where it may not nest, the word alone introduces the note.
    let (open, close) = match depth >= DEEPEST {
        true => ("", ""),
        false => ("\\begin{quote}\n", "\\end{quote}\n"),
    };
    text.push_str(&format!("{open}\\textbf{{{}:}}\n", kind.word()));
    match inner.split_first() {
        Some((Block::Paragraph(words), rest)) => {
            text.push_str(&(inline(words) + "\n"));
            blocks(rest, depth + 1, text);
        }
        Some(_) | None => blocks(inner, depth + 1, text),
    }
    text.push_str(close);
}

fn write_figure(figure: &Figure, text: &mut String) {
    let picture = crate::draw::tikz(&figure.plot, &|words: &Text| inline(words));
    // A figure, its legend and its caption stay on one page.
    text.push_str(&format!(
        "\\begin{{center}}\\begin{{minipage}}{{\\linewidth}}\\centering\n{picture}"
    ));
    if !figure.caption.is_empty() {
        text.push_str(&format!("\n\\smallskip\n{{\\small {}}}\n", inline(&figure.caption)));
    }
    text.push_str("\\end{minipage}\\end{center}\n");
}
