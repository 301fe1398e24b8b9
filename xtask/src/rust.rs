//! Rust source as far as the house rules need it: code without comments, literals and tests, and the
//! paths it names.
//!
//! This is a lexer, not a parser: it knows where comments and literals end and how braces nest, which
//! is enough for rules about names and lines, and needs no dependency.

use crate::tree::{File, Tree};

/// One Rust file, prepared for the rules.
#[derive(Debug)]
pub struct Source<'a> {
    /// The file as it is.
    pub file: &'a File,
    /// The same text, where comments, literals and items under `#[cfg(test)]` are blanks. Line numbers
    /// and columns agree with the file's.
    pub code: String,
    /// Whether the whole file belongs to tests.
    pub is_test: bool,
    /// Which lines belong to tests, from line 1 at index 0.
    pub test_lines: Vec<bool>,
}

/// A path that begins with `crate`, `self` or `super`, written from the crate's root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// The line, from 1.
    pub line: usize,
    /// The segments below the crate's root; `*` for a glob.
    pub path: Vec<String>,
}

/// Every Rust file of the tree, prepared.
pub fn sources(tree: &Tree) -> Vec<Source<'_>> {
    let masked: Vec<(&File, String)> =
        tree.with_extension("rs").map(|file| (file, mask(&file.text))).collect();
    let mut test_modules = Vec::new();
    for (file, code) in &masked {
        test_modules.extend(declared_test_modules(&file.path, code));
    }
    masked
        .into_iter()
        .map(|(file, mut code)| {
            let is_test = is_test_path(&file.path)
                || test_modules.iter().any(|module| is_module_file(&file.path, module));
            let test_lines = blank_tests(&mut code, is_test);
            Source { file, code, is_test, test_lines }
        })
        .collect()
}

/// The module path of a file below its crate's `src` (`src/graph/op/mod.rs` gives `graph`, `op`), or
/// `None` outside a `src` folder.
pub fn module_path(path: &str) -> Option<Vec<String>> {
    let below = path.rsplit_once("/src/").map(|(_, below)| below)?;
    let mut parts: Vec<String> =
        below.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib" | "main")) {
        parts.pop();
    }
    Some(parts)
}

/// Replaces comments and literals by blanks, keeping every newline.
pub fn mask(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut output = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = trivia_end(bytes, at).unwrap_or(at);
        blank(&mut output, at, end);
        at = end.max(at + 1);
    }
    String::from_utf8_lossy(&output).into_owned()
}

fn blank(bytes: &mut [u8], start: usize, end: usize) {
    for byte in &mut bytes[start..end] {
        if *byte != b'\n' {
            *byte = b' ';
        }
    }
}

/// Where the comment or literal that begins at `at` ends, if one does.
fn trivia_end(bytes: &[u8], at: usize) -> Option<usize> {
    match (bytes[at], bytes.get(at + 1)) {
        (b'/', Some(b'/')) => Some(find(bytes, at, b'\n').unwrap_or(bytes.len())),
        (b'/', Some(b'*')) => Some(block_comment_end(bytes, at)),
        (b'"', _) => Some(string_end(bytes, at)),
        (b'r', Some(b'"' | b'#')) if !follows_name(bytes, at) => raw_string_end(bytes, at),
        (b'\'', Some(next)) => character_end(bytes, at, *next),
        _ => None,
    }
}

fn find(bytes: &[u8], from: usize, wanted: u8) -> Option<usize> {
    bytes[from..].iter().position(|byte| *byte == wanted).map(|offset| from + offset)
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_' || byte >= 0x80
}

/// Whether the `r` at `at` ends a longer name; `br` and `cr` are prefixes of literals, not names.
fn follows_name(bytes: &[u8], at: usize) -> bool {
    let name_before = |at: usize| at > 0 && is_name_byte(bytes[at - 1]);
    match at.checked_sub(1).map(|before| bytes[before]) {
        Some(b'b' | b'c') => name_before(at - 1),
        _ => name_before(at),
    }
}

fn block_comment_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0usize;
    let mut at = start;
    while at < bytes.len() {
        match (bytes[at], bytes.get(at + 1)) {
            (b'/', Some(b'*')) => {
                depth += 1;
                at += 2;
            }
            (b'*', Some(b'/')) => {
                depth -= 1;
                at += 2;
                if depth == 0 {
                    return at;
                }
            }
            _ => at += 1,
        }
    }
    bytes.len()
}

fn string_end(bytes: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    bytes.len()
}

fn raw_string_end(bytes: &[u8], start: usize) -> Option<usize> {
    let hashes = bytes[start + 1..].iter().take_while(|byte| **byte == b'#').count();
    let mut at = start + 1 + hashes;
    if bytes.get(at) != Some(&b'"') {
        return None;
    }
    while let Some(quote) = find(bytes, at + 1, b'"') {
        let closing = bytes[quote + 1..].iter().take(hashes).take_while(|b| **b == b'#').count();
        if closing == hashes {
            return Some(quote + 1 + hashes);
        }
        at = quote;
    }
    Some(bytes.len())
}

/// The end of a character literal, or `None` for a lifetime.
fn character_end(bytes: &[u8], start: usize, next: u8) -> Option<usize> {
    if next == b'\\' {
        let after_escape = (start + 3).min(bytes.len());
        return Some(find(bytes, after_escape, b'\'').map_or(bytes.len(), |end| end + 1));
    }
    let width = match next {
        0..0x80 => 1,
        0x80..0xe0 => 2,
        0xe0..0xf0 => 3,
        0xf0.. => 4,
    };
    (bytes.get(start + 1 + width) == Some(&b'\'')).then_some(start + 2 + width)
}

const TEST_ATTRIBUTE: &str = "#[cfg(test)]";

/// Blanks the items under `#[cfg(test)]` and tells which lines they cover.
fn blank_tests(code: &mut String, whole_file: bool) -> Vec<bool> {
    let line_count = code.lines().count();
    if whole_file {
        return vec![true; line_count];
    }
    let mut bytes = std::mem::take(code).into_bytes();
    let mut test_lines = vec![false; line_count];
    let mut from = 0;
    while let Some(start) = find_text(&bytes, from, TEST_ATTRIBUTE.as_bytes()) {
        let end = item_end(&bytes, start + TEST_ATTRIBUTE.len());
        let first = line_of(&bytes, start);
        let last = line_of(&bytes, end.saturating_sub(1).max(start));
        for line in first..=last.min(line_count) {
            test_lines[line - 1] = true;
        }
        blank(&mut bytes, start, end);
        from = end;
    }
    *code = String::from_utf8_lossy(&bytes).into_owned();
    test_lines
}

fn find_text(bytes: &[u8], from: usize, wanted: &[u8]) -> Option<usize> {
    let from = from.min(bytes.len());
    bytes[from..].windows(wanted.len()).position(|window| window == wanted).map(|at| at + from)
}

fn line_of(bytes: &[u8], at: usize) -> usize {
    1 + bytes[..at.min(bytes.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// The end of the item that begins at or after `start`, further attributes included.
fn item_end(bytes: &[u8], start: usize) -> usize {
    let mut depth = 0usize;
    let mut at = start;
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'[' | b'{' => depth += 1,
            b')' | b']' if depth > 0 => depth -= 1,
            b'}' if depth > 1 => depth -= 1,
            b'}' if depth == 1 => return after_semicolon(bytes, at + 1),
            b'}' => return at,
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// `use a::{b};` ends after its semicolon, `mod a {}` after its brace.
fn after_semicolon(bytes: &[u8], at: usize) -> usize {
    let blanks = bytes[at..].iter().take_while(|byte| byte.is_ascii_whitespace()).count();
    if bytes.get(at + blanks) == Some(&b';') { at + blanks + 1 } else { at }
}

fn is_test_path(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    path.split('/').any(|part| part == "tests") || name == "tests.rs" || name.ends_with("_tests.rs")
}

/// Modules that `file` declares as `#[cfg(test)] mod name;`, as paths without `.rs`.
fn declared_test_modules(path: &str, code: &str) -> Vec<String> {
    let folder = match path.rsplit_once('/') {
        Some((folder, "mod.rs" | "lib.rs" | "main.rs")) => folder.to_owned(),
        _ => path.trim_end_matches(".rs").to_owned(),
    };
    let mut modules = Vec::new();
    let mut rest = code;
    while let Some(at) = rest.find(TEST_ATTRIBUTE) {
        rest = &rest[at + TEST_ATTRIBUTE.len()..];
        let item = rest.split([';', '{']).next().unwrap_or("");
        let declares = rest.as_bytes().get(item.len()) == Some(&b';');
        let words: Vec<&str> = item.split_whitespace().collect();
        if let ([.., "mod", name], true) = (words.as_slice(), declares) {
            modules.push(format!("{folder}/{name}"));
        }
    }
    modules
}

fn is_module_file(path: &str, module: &str) -> bool {
    path.strip_prefix(module).is_some_and(|rest| rest == ".rs" || rest.starts_with('/'))
}

/// A word or sign of masked code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The line, from 1.
    pub line: usize,
    /// A name, `::`, or a single sign.
    pub text: String,
}

/// Splits masked code into names and signs.
pub fn tokens(code: &str) -> Vec<Token> {
    let mut output = Vec::new();
    for (index, line) in code.lines().enumerate() {
        let mut rest = line.trim_start();
        while let Some(first) = rest.chars().next() {
            let is_name = |c: char| c.is_alphanumeric() || c == '_';
            let length = if is_name(first) {
                rest.find(|c| !is_name(c)).unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            output.push(Token { line: index + 1, text: rest[..length].to_owned() });
            rest = rest[length..].trim_start();
        }
    }
    output
}

/// The paths of masked code that begin with `crate`, `self` or `super`, in a module at `module`.
pub fn references(code: &str, module: &[String]) -> Vec<Reference> {
    let tokens = tokens(code);
    let mut walk = Walk { tokens: &tokens, found: Vec::new() };
    let mut here = module.to_vec();
    let mut depth = 0usize;
    let mut opened = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        match walk.text(at) {
            "{" => depth += 1,
            "}" => {
                if opened.last() == Some(&depth) {
                    opened.pop();
                    here.pop();
                }
                depth = depth.saturating_sub(1);
            }
            "mod" if walk.text(at + 2) == "{" => {
                here.push(walk.text(at + 1).to_owned());
                opened.push(depth + 1);
            }
            "crate" | "self" | "super" if at == 0 || walk.text(at - 1) != "::" => {
                at = walk.path(at, &here);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    walk.found
}

struct Walk<'a> {
    tokens: &'a [Token],
    found: Vec<Reference>,
}

impl Walk<'_> {
    fn text(&self, at: usize) -> &str {
        self.tokens.get(at).map_or("", |token| token.text.as_str())
    }

    /// Reads the path that begins with a keyword at `at`; the answer is the index after it.
    fn path(&mut self, at: usize, here: &[String]) -> usize {
        let base = match self.text(at) {
            "crate" => Vec::new(),
            "super" => here[..here.len().saturating_sub(1)].to_vec(),
            _ => here.to_vec(),
        };
        self.rest(at + 1, base, self.tokens[at].line)
    }

    /// Reads `::name`, `::super`, `::*` and `::{…}` after `base`.
    fn rest(&mut self, mut at: usize, mut base: Vec<String>, mut line: usize) -> usize {
        while self.text(at) == "::" {
            let next = self.text(at + 1).to_owned();
            if next == "{" {
                return self.group(at + 2, &base);
            }
            if next == "super" {
                base.pop();
            } else if next == "*" || next.starts_with(|c: char| c.is_alphabetic() || c == '_') {
                line = self.tokens[at + 1].line;
                base.push(next);
            } else {
                break;
            }
            at += 2;
        }
        self.found.push(Reference { line, path: base });
        at
    }

    /// Reads the branches of a `{…}` group whose brace was just passed.
    fn group(&mut self, mut at: usize, base: &[String]) -> usize {
        while at < self.tokens.len() && self.text(at) != "}" {
            let line = self.tokens[at].line;
            at = match self.text(at).to_owned().as_str() {
                "," => at + 1,
                "self" => self.rest(at + 1, base.to_vec(), line),
                "super" => self.rest(at + 1, base[..base.len().saturating_sub(1)].to_vec(), line),
                name => {
                    let path = [base, &[name.to_owned()]].concat();
                    self.rest(at + 1, path, line)
                }
            };
            if self.text(at) == "as" {
                at += 2;
            }
        }
        at + 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_mask(text: &str, expected: &str) {
        let masked = mask(text);
        assert_eq!(masked.len(), text.len());
        let words: Vec<_> = masked.split_whitespace().collect();
        assert_eq!(words.join(" "), expected);
    }

    #[test]
    fn comments_and_literals_are_blank() {
        check_mask("a // b\nc /* d /* e */ f */ g", "a c g");
        check_mask(r##"a("b \" c", 'd', '\'', b'e', "f")"##, "a( , , , b , )");
        check_mask("r#\"a \" b\"# c br\"d\" e r#type", "c b e r#type");
        check_mask("fn a<'b>(c: &'b str) {}", "fn a<'b>(c: &'b str) {}");
        check_mask("'é' '→' 'x", "'x");
        check_mask("var\"s\"", "var");
        check_mask("\"open", "");
    }

    fn one_source(text: &str, check: impl Fn(&Source<'_>)) {
        let file = File { path: "crates/glassnet/src/graph/mod.rs".into(), text: text.into() };
        let tree = Tree { files: vec![file] };
        check(&sources(&tree)[0]);
    }

    #[test]
    fn test_items_are_blank_and_their_lines_known() {
        let text = "a!();\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n  fn b() {}\n}\nc!();\n\
                    #[cfg(test)]\nuse d::{e};\nf!();\n";
        one_source(text, |source| {
            assert_eq!(source.code.split_whitespace().collect::<String>(), "a!();c!();f!();");
            let lines: Vec<usize> = (1..=10).filter(|line| source.test_lines[line - 1]).collect();
            assert_eq!(lines, [2, 3, 4, 5, 6, 8, 9]);
        });
    }

    #[test]
    fn files_of_declared_test_modules_are_tests() {
        let files = [
            ("crates/a/src/b.rs", "#[cfg(test)]\nmod checks;\n#[cfg(test)]\nmod inline { }\n"),
            ("crates/a/src/b/checks.rs", ""),
            ("crates/a/src/b/checks_not.rs", ""),
            ("crates/a/tests/all.rs", ""),
        ];
        let files = files.map(|(path, text)| File { path: path.into(), text: text.into() });
        let tree = Tree { files: files.to_vec() };
        let found: Vec<bool> = sources(&tree).iter().map(|source| source.is_test).collect();
        assert_eq!(found, [false, true, false, true]);
    }

    fn check_references(code: &str, expected: &[&str]) {
        let module = ["graph".to_owned(), "op".to_owned()];
        let found: Vec<String> = references(code, &module)
            .iter()
            .map(|found| format!("{}:{}", found.line, found.path.join("::")))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn paths_are_written_from_the_root() {
        check_references("use crate::a::B;\ncrate::c()", &["1:a::B", "2:c"]);
        check_references(
            "use crate::{a::{B, C as D},\n e, self};",
            &["1:a::B", "1:a::C", "2:e", "2:"],
        );
        check_references("use super::x; use super::super::y;", &["1:graph::x", "1:y"]);
        check_references("use super::{super::z, *};", &["1:z", "1:graph::*"]);
        check_references("mod inner { use super::super::super::w; }", &["1:w"]);
        check_references("self.value; self::f()", &["1:graph::op", "1:graph::op::f"]);
        check_references("crate::t::T::<f32>::new()", &["1:t::T"]);
        check_references("pub(crate) fn f() {}", &["1:"]);
    }
}
