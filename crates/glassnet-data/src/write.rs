//! Writing answers as CSV.

use std::io::{Result, Write};

/// How CSV is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriteOptions {
    /// The byte between cells: `,` by default.
    pub delimiter: u8,
    /// Whether text cells that a spreadsheet would run as a formula (they begin with `=`, `+`, `-`, `@`, a tab or a
    /// carriage return) get an apostrophe in front (`--spreadsheet-safe`). Off by default: text is kept as it is.
    pub spreadsheet_safe: bool,
}

impl Default for WriteOptions {
    fn default() -> Self {
        WriteOptions { delimiter: b',', spreadsheet_safe: false }
    }
}

/// A writer of CSV rows that quotes where RFC 4180 asks for it. Lines end with `\n`.
///
/// Errors are the output's own ([`std::io::Error`]), so that a caller can tell a closed pipe from a full disk.
///
/// ```
/// use glassnet_data::{CsvWriter, WriteOptions, shortest};
/// let mut out = Vec::new();
/// let mut writer = CsvWriter::new(&mut out, &WriteOptions { spreadsheet_safe: true, ..Default::default() });
/// writer.text("a, b")?;
/// writer.text("=1+1")?;
/// writer.number(-0.25)?;
/// writer.end_row()?;
/// writer.finish()?;
/// assert_eq!(String::from_utf8_lossy(&out), "\"a, b\",'=1+1,-0.25\n");
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Source
/// The characters are those of OWASP's page 'CSV Injection'.
#[derive(Debug)]
pub struct CsvWriter<W: Write> {
    inner: csv::Writer<W>,
    safe: bool,
}

impl<W: Write> CsvWriter<W> {
    /// A writer to `out`, which it buffers.
    pub fn new(out: W, options: &WriteOptions) -> Self {
        let inner = csv::WriterBuilder::new()
            .delimiter(options.delimiter)
            .flexible(true)
            .terminator(csv::Terminator::Any(b'\n'))
            .from_writer(out);
        CsvWriter { inner, safe: options.spreadsheet_safe }
    }

    /// Adds a text cell to the row.
    pub fn text(&mut self, cell: &str) -> Result<()> {
        if self.safe && cell.starts_with(['=', '+', '-', '@', '\t', '\r']) {
            return Ok(self.inner.write_field(format!("'{cell}"))?);
        }
        Ok(self.inner.write_field(cell)?)
    }

    /// Adds a number to the row, as [`shortest`] writes it.
    pub fn number(&mut self, value: f32) -> Result<()> {
        Ok(self.inner.write_field(shortest(value))?)
    }

    /// Ends the row.
    pub fn end_row(&mut self) -> Result<()> {
        Ok(self.inner.write_record(None::<&[u8]>)?)
    }

    /// Writes what is still buffered. Without this call an error at the end would go unseen.
    pub fn finish(mut self) -> Result<()> {
        self.inner.flush()
    }
}

/// The shortest decimal that reads back as `value`; with an exponent where it would have many zeros (`1e-30`).
pub fn shortest(value: f32) -> String {
    let plain = value == 0.0 || (1e-5..1e16).contains(&value.abs()) || !value.is_finite();
    if plain { value.to_string() } else { format!("{value:e}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_read_back_as_they_were() {
        for value in
            [0.1_f32, -1e-30, 3.4e38, 1.0 / 3.0, 0.0, -0.0, 1e-5, 9.999e15, f32::MIN_POSITIVE]
        {
            assert_eq!(shortest(value).parse::<f32>().map(f32::to_bits), Ok(value.to_bits()));
        }
        assert_eq!(shortest(1e-30), "1e-30");
        assert_eq!(shortest(2.0), "2");
    }

    #[test]
    fn text_is_kept_unless_safety_is_asked_for() {
        let write = |spreadsheet_safe| {
            let mut out = Vec::new();
            let options = WriteOptions { spreadsheet_safe, ..WriteOptions::default() };
            let mut writer = CsvWriter::new(&mut out, &options);
            for cell in ["=1", "+1", "-1", "@x", "plain", "with \"quotes\"", "two\nlines", ""] {
                writer.text(cell).expect("a vector takes all");
            }
            writer.number(-1.5).expect("a vector takes all");
            writer.end_row().expect("a vector takes all");
            writer.finish().expect("a vector takes all");
            String::from_utf8(out).expect("text")
        };
        assert_eq!(
            write(false),
            "=1,+1,-1,@x,plain,\"with \"\"quotes\"\"\",\"two\nlines\",,-1.5\n"
        );
        assert_eq!(
            write(true),
            "'=1,'+1,'-1,'@x,plain,\"with \"\"quotes\"\"\",\"two\nlines\",,-1.5\n"
        );
    }
}
