//! What can be said of a file's bytes before it is cut into cells.

use glassnet::{Error, Result};

use crate::words::{quoted, shell};

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
    // Readers that unpack word their own errors.
    if let Some(worded) = error.get_ref().and_then(|inner| inner.downcast_ref::<Error>()) {
        return worded.clone();
    }
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

/// Refuses what begins like another encoding or format than text in UTF-8.
///
/// # Errors
/// Kind `data`.
pub(crate) fn refuse_other_formats(bytes: &[u8], name: &str) -> Result<()> {
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
        return Err(Error::data(format!("the file is {encoding}, not UTF-8")).at(name).help(
            match encoding {
                "UTF-32" => convert(encoding),
                _ => {
                    format!("add --encoding {}, or {}", encoding.to_lowercase(), convert(encoding))
                }
            },
        ));
    }
    let (format, help) = match bytes {
        [0x1F, 0x8B, ..] => ("compressed with gzip twice", "unpack it first: gunzip"),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => (
            "compressed with bzip2",
            "unpack it first: bunzip2 (gzip and zstd are read as they are)",
        ),
        [0xFD, b'7', b'z', b'X', b'Z', 0, ..] => {
            ("compressed with xz", "unpack it first: unxz (gzip and zstd are read as they are)")
        }
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

pub(crate) fn nul(place: &str) -> Error {
    Error::data("the file holds a NUL byte, so it is no text")
        .at(place)
        .help("remove the byte, or export the table again as UTF-8 text")
}

pub(crate) fn not_utf8(byte: u8, name: &str, place: &str) -> Error {
    Error::data(format!("byte 0x{byte:02X} is not UTF-8")).at(place).help(format!(
        "add --encoding latin1 if it is Latin-1, or convert it: iconv -f ISO-8859-1 -t UTF-8 {} > converted.csv",
        shell(name)
    ))
}

/// The error for a quote opened at `line` that is never closed, or closed at line `close` before the end of a cell. Every
/// opening quote must have its closing one, and a delimiter or line end must follow that: otherwise one forgotten
/// quote swallows rows, or the rest of the file, silently.
pub(crate) fn bad_quote(line: u64, close: Option<u64>, place: &str) -> Error {
    let Some(end) = close else {
        return Error::data(format!("the quote opened at line {line} is never closed"))
            .at(place)
            .help("close the quote; a quote inside a quoted cell is doubled");
    };
    Error::data(format!(
        "the quote opened at line {line} is closed at line {end} in the middle of a cell"
    ))
    .at(place)
    .help("close the quote before the delimiter; a quote inside a quoted cell is doubled")
}

/// The byte that ends each line, as the beginning of a file tells: carriage returns where there is no line feed at all (old
/// Macintosh files).
pub(crate) fn line_end(text: &[u8]) -> u8 {
    if !text.contains(&b'\n') && text.contains(&b'\r') { b'\r' } else { b'\n' }
}
