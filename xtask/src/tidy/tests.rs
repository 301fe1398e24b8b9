//! Every rule finds what breaks it, on small trees, and the repository itself is tidy.

use std::path::Path;

use super::*;
use crate::tree::{self, File};

fn check_rule(rule: Rule, files: &[(&str, &str)], expected: &[&str]) {
    let files = files
        .iter()
        .map(|(path, text)| File { path: (*path).into(), text: (*text).into() })
        .collect();
    let findings = check_tree(&Tree { files }, Path::new("."), docs::GENERATORS, &[rule]);
    let found: Vec<String> = findings.iter().map(ToString::to_string).collect();
    assert_eq!(found, expected);
}

/// One file of the core crate.
fn check_core(rule: Rule, path: &str, text: &str, expected: &[&str]) {
    let path = format!("crates/glassnet/src/{path}");
    let expected: Vec<String> = expected.iter().map(|line| format!("{path}:{line}")).collect();
    let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
    check_rule(rule, &[(&path, text)], &expected);
}

#[test]
fn the_repository_is_tidy() {
    let findings = check(&tree::root()).unwrap();
    let errors: Vec<String> = findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .map(ToString::to_string)
        .collect();
    assert!(errors.is_empty(), "\n{}", errors.join("\n"));
}

#[test]
fn rooms_use_what_their_row_allows() {
    let rule = layers::rooms;
    check_core(rule, "grad/mod.rs", "use crate::graph::Op;\nuse crate::error::Error;\n", &[]);
    check_core(
        rule,
        "grad/linear.rs",
        "//! Text.\nuse crate::{graph::Op, engine};\n",
        &["2: room `grad` uses room `engine`; it may use only: error, graph"],
    );
    check_core(
        rule,
        "prove/bounds/mod.rs",
        "fn f() { super::super::math::exp(1.0); }\n",
        &["1: room `prove` uses room `math`; it may use only: error, graph, tensor"],
    );
    check_core(
        rule,
        "math/mod.rs",
        "use crate::*;\n",
        &["1: room `math` imports the whole crate; name the rooms it needs"],
    );
}

#[test]
fn comments_literals_and_tests_may_name_any_room() {
    let text = "/// See [`crate::train`].\nconst A: &str = \"crate::engine\";\n\
                #[cfg(test)]\nmod tests { use crate::engine::Plan; }\n";
    check_core(layers::rooms, "math/mod.rs", text, &[]);
    check_core(layers::rooms, "math/tests.rs", "use crate::engine::Plan;\n", &[]);
}

#[test]
fn names_of_the_root_count_as_their_rooms() {
    let root = ("crates/glassnet/src/lib.rs", "pub mod math;\npub use tensor::{Tensor, Value};\n");
    let path = "crates/glassnet/src/graph/mod.rs";
    check_rule(
        layers::rooms,
        &[root, (path, "use crate::Tensor;\nuse crate::Other;\n")],
        &[
            "crates/glassnet/src/graph/mod.rs:1: room `graph` uses room `tensor`; \
             it may use only: error",
            "crates/glassnet/src/graph/mod.rs:2: room `graph` uses `crate::Other`, which is no \
             room; use the item through its room",
        ],
    );
}

#[test]
fn a_room_that_the_table_lacks_is_found() {
    check_core(
        layers::rooms,
        "utils.rs",
        "",
        &["1: `utils` is no room; move the code into a room, or add the room to \
           xtask/src/rooms.rs and DESIGN.md"],
    );
}

#[test]
fn packages_depend_downwards() {
    let manifest = |name: &str, rest: &str| format!("[package]\nname = \"{name}\"\n{rest}");
    let core = manifest("glassnet", "[dependencies]\nglassnet-data.workspace = true\n");
    let data = manifest("glassnet-data", "[dependencies]\nglassnet.workspace = true\n");
    let tests = manifest("glassnet", "[dev-dependencies]\nglassnet-data.workspace = true\n");
    let stranger = manifest("glassnet-more", "");
    check_rule(
        layers::packages,
        &[
            ("crates/a/Cargo.toml", &core),
            ("crates/b/Cargo.toml", &data),
            ("crates/c/Cargo.toml", &tests),
            ("crates/d/Cargo.toml", &stranger),
        ],
        &[
            "crates/a/Cargo.toml:4: package `glassnet` depends on `glassnet-data`; \
             it may depend only on: nothing",
            "crates/d/Cargo.toml:1: `glassnet-more` is no package of the house; \
             add it to xtask/src/rooms.rs and DESIGN.md, or give its code to another",
        ],
    );
}

#[test]
fn files_say_what_they_are_for() {
    let mend = "the file doesn't say what it is for; begin it with a `//!` sentence";
    check_rule(
        modules::headed,
        &[("a.rs", "//! Purpose.\n"), ("b.rs", "use c;\n//! Late.\n"), ("d.rs", "")],
        &[&format!("b.rs:1: {mend}"), &format!("d.rs:1: {mend}")],
    );
}

#[test]
fn large_files_say_why() {
    let code = |count: usize| "fn f() {}\n".repeat(count);
    let tests = format!("{}#[cfg(test)]\nmod tests {{\n{}}}\n", code(500), code(400));
    let reasoned = format!("//! Size: one table.\n{}", code(900));
    let hollow = format!("//! Size: \n{}", code(900));
    let mend = "split it by what it is about, or say why not in a `//! Size: …` line at its head";
    check_rule(
        modules::sizes,
        &[
            ("fine.rs", &code(500)),
            ("hollow.rs", &hollow),
            ("large.rs", &code(501)),
            ("reasoned.rs", &reasoned),
            ("tested.rs", &tests),
            ("too_large.rs", &code(801)),
        ],
        &[
            &format!("hollow.rs:1: 901 lines without tests; {mend}"),
            &format!("large.rs:1: warning: 501 lines without tests; {mend}"),
            &format!("too_large.rs:1: 801 lines without tests; {mend}"),
        ],
    );
}

#[test]
fn readers_name_every_operation() {
    let found = "an arm catches the rest; name the operations, or say what it matches in a \
                 `// not operations: …` comment";
    let text = "\
match op {
  Op::Add => 1,
  _ => 2,
  other => 3,
  _ if a => 4,
  true => 5,
  // not operations: a length
  _ => 6,
  _ => 7, // not operations: a flag
  // not operations:
  _ => 8,
}
";
    let lines = [3, 4, 5, 11].map(|line| format!("{line}: {found}"));
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    check_core(matches::exhaustive, "grad/linear.rs", text, &lines);
    let lower = "match op {\n  A::B {\n    c,\n  }\n  | D => {\n    1\n  }\n  _ => 1,\n}\n";
    check_core(matches::exhaustive, "nn/lower.rs", lower, &[&format!("8: {found}")]);
    check_core(matches::exhaustive, "train/mod.rs", text, &[]);
    check_core(matches::exhaustive, "grad/tests.rs", text, &[]);
}

#[test]
fn matches_without_variants_are_free() {
    let text = "\
match a {
  \"B\" => 1,
  'C' => 2,
  [d] | [d, _] if e => 3,
  Some(7) => 4,

  other => 5,
}
match Op::F {
  1 => 6,
  _ => 7,
}
";
    check_core(matches::exhaustive, "grad/mod.rs", text, &[]);
}

#[test]
fn unsafe_says_why_it_is_sound() {
    let block = "`unsafe` without its reason; say above it why it is sound (`SAFETY:`)";
    let function = "`unsafe` without its reason; say above it why it is sound (`# Safety`)";
    let text = "fn a() {\n  unsafe { b() };\n  // SAFETY: c.\n  unsafe { b() };\n\
                // SAFETY: d.\n  let e =\n    unsafe { b() };\n}\n\
                unsafe fn f() {}\n/// # Safety\n/// g\n#[inline]\nunsafe fn h() {}\n\
                type I = unsafe fn(u8);\n// unsafe { }\n";
    check_rule(
        unsafety::argued,
        &[("a.rs", text)],
        &[&format!("a.rs:2: {block}"), &format!("a.rs:9: {function}")],
    );
    let shared = "//! A.\n//!\n//! # Safety\n//! b\n#[inline]\nunsafe fn a() {\n  unsafe { b() };\n}\n\
                  pub(super) unsafe fn c() {}\n";
    check_rule(
        unsafety::argued,
        &[("a.rs", shared)],
        &[&format!("a.rs:7: {block}"), &format!("a.rs:9: {function}")],
    );
    // Methods: with a section in the head, and without.
    let methods = "trait A {\n  unsafe fn b();\n}\nimpl A for C {\n  #[inline(always)]\n  unsafe fn b() {}\n}\n\
                   impl C {\n  pub(super) unsafe fn d() {}\n}\n";
    let covered = format!("//! # Safety\n//! e\n{methods}");
    check_rule(unsafety::argued, &[("a.rs", &covered)], &[&format!("a.rs:11: {function}")]);
    let refused = [2, 6, 9].map(|line| format!("a.rs:{line}: {function}"));
    check_rule(unsafety::argued, &[("a.rs", methods)], &refused.each_ref().map(String::as_str));
    // A section elsewhere is no head.
    let late = format!("use a::b;\n//! # Safety\n{methods}");
    let refused = [4, 8, 11].map(|line| format!("a.rs:{line}: {function}"));
    check_rule(unsafety::argued, &[("a.rs", &late)], &refused.each_ref().map(String::as_str));
}

#[test]
fn unsafe_is_allowed_in_the_engine() {
    let text = "//! A.\n#![allow(unsafe_code, reason = \"speed\")]\n";
    check_core(unsafety::confined, "engine/kernels/avx.rs", text, &[]);
    check_core(unsafety::confined, "engine/arena.rs", text, &[]);
    check_core(unsafety::confined, "engine/mod.rs", text, &[]);
    let found =
        "2: `unsafe` is allowed here; write it without, or move it to crates/glassnet/src/engine";
    for elsewhere in ["train/session.rs", "engineer.rs", "lib.rs"] {
        check_core(unsafety::confined, elsewhere, text, &[found]);
    }
    check_core(unsafety::confined, "lib.rs", "#![deny(unsafe_code)]\n", &[]);
}

#[test]
fn dependencies_have_their_row() {
    let manifest = "[package]\nname = \"a\"\n[dependencies]\nserde = \"1\"\nzip = \"9\"\n\
                    b.workspace = true\n";
    let ours = "[package]\nname = \"b\"\n";
    let design = "zip is good.\n\n| need | pick |\n|---|---|\n| files | `serde` 1.0, zip2 |\n";
    let files = [("Cargo.toml", manifest), ("b/Cargo.toml", ours), ("DESIGN.md", design)];
    check_rule(
        dependencies::listed,
        &files,
        &["Cargo.toml:5: `zip` is in no table of DESIGN.md; \
           add it to DESIGN.md's dependencies with its reason, or do without"],
    );
    check_rule(dependencies::listed, &files[..2], &[]);
}

#[test]
fn examples_belong_to_a_package() {
    let manifest = "[package]\nname = \"a\"\n[[example]]\nname = \"shown\"\n\
                    path = \"../../examples/shown.rs\"\n";
    check_rule(
        dependencies::examples_built,
        &[
            ("Cargo.toml", "[workspace]\n"),
            ("crates/a/Cargo.toml", manifest),
            ("examples/lost.rs", ""),
            ("examples/shown.rs", ""),
        ],
        &["examples/lost.rs:1: no package builds this example; \
           name it in an `[[example]]` table of the package it shows"],
    );
}

#[test]
fn leftovers_and_machine_paths_are_found() {
    let machine = |path: &str| {
        format!(
            "a path of one machine (`{path}`); take the folder as an argument, or a temporary \
             one from the system"
        )
    };
    check_rule(
        text::words,
        &[
            ("a.rs", "todo!()\nmy_todo!()\n// FIXME: later\nlet FIXMES = 1;\n"),
            ("b.py", "open('/home/me/x')\n# https://a.org/home/ and ./tmp/\n"),
            ("c.json", "{\"made\": \"/tmp/made\", \"word\": \"FIXME\"}\n"),
            ("data/d.md", "/tmp/ FIXME\n"),
        ],
        &[
            "a.rs:1: `todo!`; write the code, or answer with an error",
            "a.rs:3: `FIXME`; mend it, or open an issue",
            &format!("b.py:1: {}", machine("/home/")),
            &format!("c.json:1: {}", machine("/tmp/")),
        ],
    );
}

#[test]
fn whitespace_is_clean() {
    check_rule(
        text::whitespace,
        &[
            ("a.rs", "fine\n  two \nthree\t4\r\nend"),
            ("b.md", "text\n\n"),
            ("c.csv", "a\tb \r\n"),
            ("d.md", ""),
        ],
        &[
            "a.rs:2: blanks at the line's end; remove them",
            "a.rs:3: a carriage return; end lines with a newline alone",
            "a.rs:3: a tab; indent with spaces; write `\\t` in a literal",
            "a.rs:4: no newline at the end; add one",
            "b.md:2: empty lines at the end; remove them",
        ],
    );
}

#[test]
fn generated_tables_are_fresh() {
    let fresh =
        format!("<!-- generated: rooms -->\n{}<!-- end: rooms -->\n", crate::rooms::table());
    let stale = fresh.replace("`tensor`", "`tensors`");
    check_rule(
        generated_blocks_are_fresh,
        &[("ARCHITECTURE.md", &fresh), ("README.md", &stale)],
        &["README.md:1: the generated block `rooms` is out of date; run `cargo xtask docs`"],
    );
}
