//! An array's header: a Python dict of three entries, written as text.

use glassnet::{Error, Result};

use crate::elements::{ByteOrder, ElementType};
use crate::message::quoted;

/// What every array begins with.
const MAGIC: &[u8; 6] = b"\x93NUMPY";

/// The longest header that is read; NumPy itself stops at 10,000 bytes.
const MAX: usize = 65_536;

/// More axes than NumPy 2 has.
const MAX_AXES: usize = 64;

/// What an array's elements are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Kind {
    /// Numbers.
    Number(ElementType),
    /// Texts of at most so many characters, four bytes each.
    Text(usize),
    /// Texts of at most so many bytes.
    Bytes(usize),
}

/// What the header says.
#[derive(Debug, PartialEq)]
pub(super) struct Header {
    pub(super) element: Kind,
    pub(super) order: ByteOrder,
    /// Whether the first axis counts fastest, as in Fortran.
    pub(super) by_columns: bool,
    pub(super) shape: Vec<usize>,
}

/// The header of `bytes`, and what follows it.
pub(super) fn read(bytes: &[u8]) -> Result<(Header, &[u8])> {
    let cut = || Error::model("the array is cut short within its header").help("copy it again");
    let rest = bytes.strip_prefix(MAGIC).ok_or_else(|| Error::model("not a NumPy array"))?;
    let [version, _, rest @ ..] = rest else { return Err(cut()) };
    let (length, rest) = match version {
        1 => {
            let (length, rest) = rest.split_first_chunk().ok_or_else(cut)?;
            (usize::from(u16::from_le_bytes(*length)), rest)
        }
        2 | 3 => {
            let (length, rest) = rest.split_first_chunk().ok_or_else(cut)?;
            (u32::from_le_bytes(*length) as usize, rest)
        }
        _ => {
            // not operations: numbers
            return Err(Error::model(format!(
                "the array has format version {version}, known are 1 to 3"
            ))
            .help("save it with numpy.save"));
        }
    };
    if length > MAX {
        return Err(Error::model(format!("the array's header claims {length} bytes")));
    }
    let (text, data) = rest.split_at_checked(length).ok_or_else(cut)?;
    let text = std::str::from_utf8(text).map_err(|_| malformed("it is not UTF-8"))?;
    Ok((parse(text)?, data))
}

/// A header of version 1, padded so that the numbers begin at a multiple of 64 bytes.
pub(super) fn write(element: ElementType, shape: &[usize]) -> Vec<u8> {
    let kind = if element == ElementType::I64 { "<i8" } else { "<f4" };
    let mut lengths = shape.iter().map(|length| format!("{length},")).collect::<Vec<_>>().join(" ");
    if shape.len() > 1 {
        lengths.pop();
    }
    let mut text = format!("{{'descr': '{kind}', 'fortran_order': False, 'shape': ({lengths}), }}");
    let before = MAGIC.len() + 4;
    let padded = (before + text.len() + 1).next_multiple_of(64) - before;
    text.extend(std::iter::repeat_n(' ', padded - 1 - text.len()));
    text.push('\n');
    let mut bytes = MAGIC.to_vec();
    bytes.extend([1, 0]);
    bytes.extend((text.len() as u16).to_le_bytes());
    bytes.extend(text.as_bytes());
    bytes
}

fn malformed(what: &str) -> Error {
    Error::model(format!("the array's header cannot be read: {what}"))
        .help("save it again with numpy.save or numpy.savez")
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }`
fn parse(text: &str) -> Result<Header> {
    let mut scanner = Scanner { rest: text };
    let (mut kind, mut by_columns, mut shape) = (None, None, None);
    scanner.expect("{")?;
    while !scanner.eat("}") {
        let key = scanner.text()?;
        scanner.expect(":")?;
        match key {
            "descr" => kind = Some(scanner.kind()?),
            "fortran_order" => by_columns = Some(scanner.truth()?),
            "shape" => shape = Some(scanner.lengths()?),
            other => return Err(malformed(&format!("it has a key {}", quoted(other)))),
        }
        if !scanner.eat(",") {
            scanner.expect("}")?;
            break;
        }
    }
    if !scanner.rest.trim().is_empty() {
        return Err(malformed("something follows its last bracket"));
    }
    match (kind, by_columns, shape) {
        (Some((element, order)), Some(by_columns), Some(shape)) => {
            Ok(Header { element, order, by_columns, shape })
        }
        (_, _, _) => Err(malformed("it lacks one of descr, fortran_order and shape")),
    }
}

struct Scanner<'a> {
    rest: &'a str,
}

impl<'a> Scanner<'a> {
    fn eat(&mut self, sign: &str) -> bool {
        let found = self.rest.trim_start().strip_prefix(sign);
        if let Some(rest) = found {
            self.rest = rest;
        }
        found.is_some()
    }

    fn expect(&mut self, sign: &str) -> Result<()> {
        if self.eat(sign) {
            return Ok(());
        }
        let found: String = self.rest.trim_start().chars().take(20).collect();
        Err(malformed(&format!("{sign} is expected where {} stands", quoted(&found))))
    }

    fn text(&mut self) -> Result<&'a str> {
        let quote = if self.eat("'") {
            '\''
        } else {
            self.expect("\"")?;
            '"'
        };
        let (text, rest) =
            self.rest.split_once(quote).ok_or_else(|| malformed("a text without an end"))?;
        self.rest = rest;
        Ok(text)
    }

    fn truth(&mut self) -> Result<bool> {
        if self.eat("True") {
            return Ok(true);
        }
        self.expect("False").map(|()| false)
    }

    fn lengths(&mut self) -> Result<Vec<usize>> {
        let mut lengths = vec![];
        self.expect("(")?;
        while !self.eat(")") {
            if lengths.len() == MAX_AXES {
                return Err(malformed(&format!("more than {MAX_AXES} axes")));
            }
            let rest = self.rest.trim_start();
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            let length = rest[..end].parse().map_err(|_| malformed("a length is no number"))?;
            // Python 2 marked its long integers.
            self.rest = rest[end..].strip_prefix('L').unwrap_or(&rest[end..]);
            lengths.push(length);
            if !self.eat(",") {
                self.expect(")")?;
                break;
            }
        }
        Ok(lengths)
    }

    fn kind(&mut self) -> Result<(Kind, ByteOrder)> {
        if self.rest.trim_start().starts_with('[') {
            return Err(Error::model("the array holds records").help("save each field by itself"));
        }
        let text = self.text()?;
        let (order, code) = match text.split_at_checked(1) {
            Some((">", code)) => (ByteOrder::Big, code),
            Some(("<" | "=" | "|", code)) => (ByteOrder::Little, code),
            Some(_) | None => (ByteOrder::Little, text),
        };
        let length = |code: &str| code.parse().ok().filter(|&length| length <= 1 << 20);
        let texts = match code.split_at_checked(1) {
            Some(("U", code)) => length(code).map(Kind::Text),
            Some(("S" | "a", code)) => length(code).map(Kind::Bytes),
            Some(_) | None => None,
        };
        let Some(element) = texts.or_else(|| ElementType::of_numpy(code).map(Kind::Number)) else {
            let (what, help) = match code.chars().next() {
                Some('O') => (
                    "Python objects",
                    "save the arrays themselves: numpy.savez(\"weights.npz\", **arrays)",
                ),
                Some('M' | 'm') => ("dates or durations", "save it with astype(str)"),
                Some('V') => ("records", "save each field by itself"),
                Some('c') => ("complex numbers", "save real and imaginary parts"),
                _ => ("no numbers that glassnet reads", "convert it with astype(numpy.float32)"), // not operations: letters
            };
            return Err(
                Error::model(format!("the array of type {} holds {what}", quoted(text))).help(help)
            );
        };
        Ok((element, order))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_read_as_numpy_means_them() {
        let header =
            parse("{'descr': '>f8', 'fortran_order': True, 'shape': (2, 3), }  \n").unwrap();
        let wanted = Header {
            element: Kind::Number(ElementType::F64),
            order: ByteOrder::Big,
            by_columns: true,
            shape: vec![2, 3],
        };
        assert_eq!(header, wanted);
        let texts = parse("{'descr': '<U7', 'fortran_order': False, 'shape': (3,)}").unwrap();
        assert_eq!(texts.element, Kind::Text(7));
        let scalar = parse("{\"shape\": (), 'fortran_order': False, 'descr': '|b1'}").unwrap();
        assert_eq!((scalar.element, scalar.shape), (Kind::Number(ElementType::Bool), vec![]));
        assert_eq!(
            parse("{'descr': '<i4', 'fortran_order': False, 'shape': (7L,)}").unwrap().shape,
            [7]
        );
    }

    #[test]
    fn other_headers_are_refused() {
        for text in [
            "",
            "{",
            "{}",
            "{'descr': '<f4', 'fortran_order': False}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,)}",
            "{'descr': '<f4', 'fortran_order': 1, 'shape': (1,)}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}",
            "{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '|O', 'fortran_order': False, 'shape': (1,)}",
            "{'descr': '<c8', 'fortran_order': False, 'shape': (1,)}",
            "{'descr",
        ] {
            assert!(parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        for shape in [&[][..], &[3], &[2, 0], &[1, 2, 3]] {
            let bytes = write(ElementType::F32, shape);
            assert_eq!(bytes.len() % 64, 0);
            let (header, rest) = read(&bytes).unwrap();
            assert_eq!((header.shape.as_slice(), rest.len()), (shape, 0));
        }
    }
}
