//! What can be said of a file's bytes before it is cut into cells.

use std::io::Read;

use glassnet::{Error, Result};

use crate::options::CsvOptions;
use crate::words::{quoted, shell};

/// All bytes of `input`.
///
/// # Errors
/// Kind `io`, worded by [`read_error`], when reading fails.
pub(crate) fn read_all(mut input: impl Read, name: &str) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    input.read_to_end(&mut bytes).map_err(|error| read_error(name, &error))?;
    Ok(bytes)
}

/// The error for a file that could not be opened or read: what the system said, in words, with a way out.
///
/// ```
/// use std::io::{Error, ErrorKind};
/// let error = glassnet_data::read_error("data", &Error::from(ErrorKind::IsADirectory));
/// assert_eq!(error.to_string(), "\"data\" is a directory, not a file; data; name a file inside it");
/// assert_eq!(error.kind().exit_status(), 5);
/// ```
pub fn read_error(name: &str, error: &std::io::Error) -> Error {
    use std::io::ErrorKind;
    let shown = quoted(name);
    let (what, help) = match error.kind() {
        ErrorKind::NotFound => (format!("{shown} does not exist"), "check the path"),
        ErrorKind::PermissionDenied => {
            (format!("{shown} may not be read: permission denied"), "check the file's permissions")
        }
        ErrorKind::IsADirectory => {
            (format!("{shown} is a directory, not a file"), "name a file inside it")
        }
        _ => (format!("{shown} could not be read: {error}"), "check the file and the disk"),
    };
    Error::io(what).at(name).help(help)
}

/// The text of a CSV file without its byte order mark, or why it is none.
///
/// # Errors
/// Kind `data` for an empty file, another encoding or format, a NUL byte, bytes that are no UTF-8, and quotes that
/// do not match.
pub(crate) fn check<'a>(bytes: &'a [u8], name: &str, options: &CsvOptions) -> Result<&'a [u8]> {
    refuse_other_formats(bytes, name)?;
    let text = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(Error::data("the file is empty").at(name).help(if options.has_header {
            "give a header line and rows"
        } else {
            "give at least one row"
        }));
    }
    refuse_nul(text, name)?;
    refuse_bad_utf8(text, name)?;
    refuse_bad_quotes(text, name, options)?;
    Ok(text)
}

fn refuse_other_formats(bytes: &[u8], name: &str) -> Result<()> {
    let convert = |from: &str| {
        format!("convert it to UTF-8: iconv -f {from} -t UTF-8 {} > converted.csv", shell(name))
    };
    let utf16_without_mark = {
        let head = &bytes[..bytes.len().min(1024)];
        let zeros = |offset| head.iter().skip(offset).step_by(2).filter(|&&byte| byte == 0).count();
        // ASCII in UTF-16 has a zero in every second byte.
        match head.len() / 2 {
            0..4 => None,
            half if zeros(1) * 10 > half * 7 => Some("UTF-16LE"),
            half if zeros(0) * 10 > half * 7 => Some("UTF-16BE"),
            _ => None,
        }
    };
    let encoding = match bytes {
        [0xFF, 0xFE, 0, 0, ..] | [0, 0, 0xFE, 0xFF, ..] => Some("UTF-32"),
        [0xFF, 0xFE, ..] | [0xFE, 0xFF, ..] => Some("UTF-16"),
        _ => utf16_without_mark,
    };
    if let Some(encoding) = encoding {
        return Err(Error::data(format!("the file is {encoding}, not UTF-8"))
            .at(name)
            .help(convert(encoding)));
    }
    let (format, help) = match bytes {
        [0x1F, 0x8B, ..] => ("compressed with gzip", "unpack it first: gunzip"),
        [b'P', b'K', 3, 4, ..] => {
            ("a zip archive or a spreadsheet", "unpack it, or save the sheet as CSV")
        }
        [b'P', b'A', b'R', b'1', ..] => ("a Parquet file", "save the table as CSV"),
        [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => {
            ("a NumPy array", "save the array with numpy.savetxt")
        }
        _ => return Ok(()),
    };
    Err(Error::data(format!("the file is {format}, not CSV")).at(name).help(help))
}

fn refuse_nul(text: &[u8], name: &str) -> Result<()> {
    if !text.contains(&0) {
        return Ok(());
    }
    let offset = text.iter().position(|&byte| byte == 0).unwrap_or(0);
    Err(Error::data("the file holds a NUL byte, so it is no text")
        .at(place(text, offset, name))
        .help("remove the byte, or export the table again as UTF-8 text"))
}

fn refuse_bad_utf8(text: &[u8], name: &str) -> Result<()> {
    let Err(error) = std::str::from_utf8(text) else {
        return Ok(());
    };
    let offset = error.valid_up_to();
    let byte = text[offset];
    Err(Error::data(format!("byte 0x{byte:02X} is not UTF-8"))
        .at(place(text, offset, name))
        .help(format!(
            "convert the file to UTF-8, if it is Latin-1: iconv -f ISO-8859-1 -t UTF-8 {} > converted.csv",
            shell(name)
        )))
}

/// Every opening quote must have its closing one, and a delimiter or line end must follow that: otherwise one
/// forgotten quote swallows rows, or the rest of the file, silently.
fn refuse_bad_quotes(text: &[u8], name: &str, options: &CsvOptions) -> Result<()> {
    let quote = options.quote;
    if !text.contains(&quote) {
        return Ok(());
    }
    let find = |from: usize| text[from..].iter().position(|&b| b == quote).map(|at| from + at);
    let ends_cell = |byte: u8| byte == options.delimiter || byte == b'\n' || byte == b'\r';
    let mut next = find(0);
    while let Some(open) = next {
        if open > 0 && !ends_cell(text[open - 1]) {
            // A quote inside an unquoted cell stands for itself: 5" disks.
            next = find(open + 1);
            continue;
        }
        let mut close = find(open + 1);
        while let Some(at) = close {
            if text.get(at + 1) != Some(&quote) {
                break;
            }
            close = find(at + 2);
        }
        let Some(close) = close else {
            let (line, column) = line_and_column(text, open);
            return Err(Error::data(format!("the quote opened at line {line} is never closed"))
                .at(format!("{name}:{line}:{column}"))
                .help("close the quote; a quote inside a quoted cell is doubled"));
        };
        if text.get(close + 1).is_some_and(|&byte| !ends_cell(byte)) {
            let (line, column) = line_and_column(text, open);
            let (end, _) = line_and_column(text, close);
            return Err(Error::data(format!(
                "the quote opened at line {line} is closed at line {end} in the middle of a cell"
            ))
            .at(format!("{name}:{line}:{column}"))
            .help(
                "close the quote before the delimiter; a quote inside a quoted cell is doubled",
            ));
        }
        next = find(close + 1);
    }
    Ok(())
}

/// `file:line:column` of a byte, all counted from 1; the column counts bytes.
fn place(text: &[u8], offset: usize, name: &str) -> String {
    let (line, column) = line_and_column(text, offset);
    format!("{name}:{line}:{column}")
}

fn line_and_column(text: &[u8], offset: usize) -> (usize, usize) {
    let before = &text[..offset];
    let end = line_end(text);
    let line = 1 + before.iter().filter(|&&byte| byte == end).count();
    let start = before.iter().rposition(|&byte| byte == end).map_or(0, |at| at + 1);
    (line, offset - start + 1)
}

/// The byte that ends each line: carriage returns where there is no line feed at all (old Macintosh files).
pub(crate) fn line_end(text: &[u8]) -> u8 {
    if !text.contains(&b'\n') && text.contains(&b'\r') { b'\r' } else { b'\n' }
}
