//! Texts in other encodings than UTF-8, where the user says in which.

use std::io::{self, Read};

use encoding_rs::{Decoder, DecoderResult, Encoding};
use glassnet::Error;

/// The encoding of a text file.
///
/// ```
/// use glassnet_data::{CsvOptions, TextEncoding, read_csv};
/// let encoding = TextEncoding::from_label("latin1");
/// let options = CsvOptions { encoding, ..CsvOptions::default() };
/// let table = read_csv(&b"caf\xE9,y\n1,2\n"[..], "t.csv", &options)?;
/// assert_eq!(table.header()[0], "café");
/// # Ok::<(), glassnet::Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TextEncoding(&'static Encoding);

impl TextEncoding {
    /// The encoding of that label, if there is one: `utf-8`, `latin1`, `windows-1252`, `utf-16`, `shift_jis`, `gbk`, ….
    ///
    /// # Source
    /// WHATWG, 'Encoding Standard', 'Names and labels': as browsers do, it takes `latin1` for Windows-1252, which has
    /// signs where ISO 8859-1 has control characters, and `utf-16` for its little-endian form unless the file says otherwise.
    pub fn from_label(label: &str) -> Option<Self> {
        // The standard's replacement encoding decodes nothing.
        Encoding::for_label(label.as_bytes())
            .filter(|&encoding| encoding != encoding_rs::REPLACEMENT)
            .map(TextEncoding)
    }

    /// The standard's name.
    pub fn name(self) -> &'static str {
        self.0.name()
    }
}

/// `bytes` in UTF-8.
pub(crate) fn decoded<'a>(
    bytes: impl Read + 'a,
    encoding: Option<TextEncoding>,
    name: &str,
) -> Box<dyn Read + 'a> {
    match encoding {
        None => Box::new(bytes),
        Some(TextEncoding(encoding)) => Box::new(Decoded {
            bytes,
            decoder: encoding.new_decoder(),
            encoding,
            raw: vec![0; 1 << 15],
            raw_at: 0,
            raw_filled: 0,
            before: 0,
            text: String::with_capacity(1 << 16),
            text_at: 0,
            ended: false,
            name: name.to_owned(),
        }),
    }
}

struct Decoded<R> {
    bytes: R,
    decoder: Decoder,
    encoding: &'static Encoding,
    /// `raw[raw_at..raw_filled]` was read and not yet decoded.
    raw: Vec<u8>,
    raw_at: usize,
    raw_filled: usize,
    /// How many bytes were decoded.
    before: u64,
    /// `text[text_at..]` was decoded and not yet given.
    text: String,
    text_at: usize,
    ended: bool,
    name: String,
}

impl<R: Read> Decoded<R> {
    fn decode(&mut self) -> io::Result<()> {
        if self.raw_at == self.raw_filled {
            self.raw_at = 0;
            self.raw_filled = self.bytes.read(&mut self.raw)?;
        }
        let last = self.raw_filled == 0;
        let raw = &self.raw[self.raw_at..self.raw_filled];
        let (result, read) =
            self.decoder.decode_to_string_without_replacement(raw, &mut self.text, last);
        self.raw_at += read;
        self.before += read as u64;
        match result {
            DecoderResult::InputEmpty => self.ended = last,
            DecoderResult::OutputFull => {}
            DecoderResult::Malformed(bad, after) => {
                let at = self.before.saturating_sub(u64::from(bad) + u64::from(after));
                let what =
                    format!("the file is not {}: byte {at} cannot be read", self.encoding.name());
                let error = Error::data(what).at(self.name.clone()).help(
                    "give the encoding in which it was saved: --encoding utf-8, latin1, utf-16, …",
                );
                return Err(io::Error::other(error));
            }
        }
        Ok(())
    }
}

impl<R: Read> Read for Decoded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.text_at == self.text.len() && !self.ended {
            self.text.clear();
            self.text_at = 0;
            self.decode()?;
        }
        let rest = &self.text.as_bytes()[self.text_at..];
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        self.text_at += count;
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(text: &str, encoding: TextEncoding) -> Vec<u8> {
        let (bytes, _, lossy) = encoding.0.encode(text);
        assert!(!lossy);
        bytes.into_owned()
    }

    #[test]
    fn texts_come_out_as_they_went_in() {
        let text = "größe,Ж,日本\n".repeat(10_000);
        for label in ["utf-8", "shift_jis", "gb18030", "euc-jp"] {
            let encoding = TextEncoding::from_label(label).expect("an encoding");
            let text = if label == "utf-8" || label == "gb18030" {
                text.clone()
            } else {
                text.replace(['ö', 'ß'], "o")
            };
            let bytes = encoded(&text, encoding);
            let mut found = String::new();
            decoded(bytes.as_slice(), Some(encoding), "t")
                .read_to_string(&mut found)
                .expect("text");
            assert!(found == text, "{label}");
        }
        let utf16 = TextEncoding::from_label("utf-16");
        for order in [u16::to_le_bytes, u16::to_be_bytes] {
            let units = std::iter::once(0xFEFF).chain(text.encode_utf16());
            let bytes: Vec<u8> = units.flat_map(order).collect();
            let mut found = String::new();
            decoded(bytes.as_slice(), utf16, "t").read_to_string(&mut found).expect("text");
            assert!(found == text);
        }
    }

    #[test]
    fn what_is_not_in_the_encoding_is_refused() {
        let encoding = TextEncoding::from_label("shift_jis");
        let mut found = String::new();
        let error = decoded(&b"ab\xFFcd"[..], encoding, "t").read_to_string(&mut found);
        let error = crate::bytes::read_error("t", &error.expect_err("a bad byte"));
        assert!(error.what().contains("byte 2") && error.what().contains("Shift_JIS"), "{error}");
        assert_eq!(TextEncoding::from_label("iso-2022-kr"), None);
    }
}
