//! stdout for results, stderr for everything else.

use std::cell::RefCell;
use std::io::{self, IsTerminal, Read, Write};

use glassnet::document::Document;
use glassnet::report::{self, Format};
use glassnet::{Error, Result};

use crate::args::{Color, Common, FormatChoice};
use crate::interrupt::Interrupt;
use crate::said::of_lines;

/// Where results and notes go.
pub(crate) struct Terminal {
    format: Format,
    quiet: bool,
    color: bool,
    stdout: io::BufWriter<io::Stdout>,
    /// Notes that wait for the end, so that an error is the first line that a script reads.
    held: RefCell<Vec<String>>,
    /// Lines that become a document, where one is asked for.
    lines: Vec<String>,
    /// Whoever read stdout has gone away: nothing more is written, and that is no error.
    closed: bool,
    /// What tells that work is to stop, where signals are somebody else's.
    interrupt: Option<Interrupt>,
}

impl Terminal {
    pub(crate) fn new(common: &Common) -> Self {
        let color = match common.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                io::stderr().is_terminal()
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
            }
        };
        let format = match common.format {
            FormatChoice::Text => Format::Text,
            FormatChoice::Markdown => Format::Markdown,
            FormatChoice::Latex => Format::Latex,
            FormatChoice::Html => Format::Html,
            FormatChoice::Json => Format::Json,
        };
        Terminal {
            format: if common.json { Format::Json } else { format },
            quiet: common.quiet,
            color,
            stdout: io::BufWriter::new(io::stdout()),
            held: RefCell::default(),
            lines: vec![],
            closed: false,
            interrupt: None,
        }
    }

    /// A terminal that tells no notes: where the same would be told again.
    pub(crate) fn silent() -> Self {
        Terminal {
            format: Format::Text,
            quiet: true,
            color: false,
            stdout: io::BufWriter::new(io::stdout()),
            held: RefCell::default(),
            lines: vec![],
            closed: false,
            interrupt: None,
        }
    }

    /// A silent terminal, whose work stops when `interrupt` says so; signals aren't watched.
    pub(crate) fn silent_until(interrupt: Interrupt) -> Self {
        Terminal { interrupt: Some(interrupt), ..Terminal::silent() }
    }

    /// What tells a verb that it is to stop: Ctrl-C and termination, or what [`Terminal::silent_until`] was given.
    pub(crate) fn interrupt(&self) -> Result<Interrupt> {
        self.interrupt.clone().map_or_else(Interrupt::watch, Ok)
    }

    /// Whether work is to stop that doesn't watch signals.
    pub(crate) fn is_stopped(&self) -> bool {
        self.interrupt.as_ref().is_some_and(|interrupt| interrupt.status().is_some())
    }

    /// Whether results are plain text.
    pub(crate) fn is_text(&self) -> bool {
        self.format == Format::Text
    }

    /// Whether results are one JSON document.
    pub(crate) fn json(&self) -> bool {
        self.format == Format::Json
    }

    /// Prints a document in the format asked for; as JSON `typed`, where the verb has a schema of its own.
    pub(crate) fn present(
        &mut self,
        document: &Document,
        typed: Option<&serde_json::Value>,
    ) -> Result<()> {
        match typed {
            Some(value) if self.json() => self.document(value),
            Some(_) | None => {
                let config = report::Config { width: self.width() };
                self.text(&report::render(document, self.format, &config))
            }
        }
    }

    /// 80 columns, or the terminal's if it is narrower.
    fn width(&self) -> usize {
        let most = report::Config::default().width;
        match terminal_size::terminal_size_of(io::stdout()) {
            Some((terminal_size::Width(columns), _)) => most.min(usize::from(columns)),
            None => most,
        }
    }

    /// Whether progress may be drawn: a terminal is watching and nobody asked for silence.
    pub(crate) fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }

    /// Writes a part of the result.
    pub(crate) fn text(&mut self, text: &str) -> Result<()> {
        self.bytes(text.as_bytes())
    }

    /// Writes a line of the result.
    pub(crate) fn line(&mut self, text: &str) -> Result<()> {
        if !matches!(self.format, Format::Text | Format::Json) {
            self.lines.push(text.to_owned());
            return Ok(());
        }
        self.bytes(text.as_bytes())?;
        self.bytes(b"\n")
    }

    /// Writes a JSON document: the whole result.
    pub(crate) fn document(&mut self, value: &serde_json::Value) -> Result<()> {
        let text = serde_json::to_string_pretty(value)
            .map_err(|error| Error::io(format!("the result cannot be written as JSON: {error}")))?;
        self.line(&text)
    }

    pub(crate) fn bytes(&mut self, bytes: &[u8]) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let outcome = self.stdout.write_all(bytes);
        self.judge(outcome)
    }

    /// Writes all bytes that `from` gives to stdout.
    pub(crate) fn copy(&mut self, from: &mut impl Read) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let outcome = io::copy(from, &mut self.stdout).map(|_| ());
        self.judge(outcome)
    }

    /// Writes out what is still buffered.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let lines = std::mem::take(&mut self.lines);
        if !lines.is_empty() {
            self.present(&of_lines(&lines), None)?;
        }
        let outcome = if self.closed { Ok(()) } else { self.stdout.flush() };
        self.judge(outcome)?;
        self.release();
        Ok(())
    }

    /// Prints an error, then the notes that were held back, and gives the exit status.
    pub(crate) fn fail(&self, error: &Error) -> u8 {
        let (on, off) = if self.color { ("\u{1b}[31m", "\u{1b}[0m") } else { ("", "") };
        let status = print_error(error, on, off);
        self.release();
        status
    }

    fn judge(&mut self, outcome: io::Result<()>) -> Result<()> {
        match outcome {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(stdout_failed(&error)),
        }
    }

    /// Tells something that is not the result, on stderr.
    pub(crate) fn note(&self, text: &str) {
        if self.quiet {
            return;
        }
        let (on, off) = if self.color { ("\u{1b}[36m", "\u{1b}[0m") } else { ("", "") };
        self.held.borrow_mut().push(format!("{on}note:{off} {text}"));
        // Whoever watches reads notes as they come.
        if io::stderr().is_terminal() {
            self.release();
        }
    }

    fn release(&self) {
        for note in self.held.borrow_mut().drain(..) {
            // Notes are a courtesy: a stderr that cannot be written is no reason to stop.
            let _ = writeln!(io::stderr(), "{note}");
        }
    }
}

/// Prints an error, its kind between `on` and `off`, and gives its exit status.
pub(crate) fn print_error(error: &Error, on: &str, off: &str) -> u8 {
    let _ = writeln!(io::stderr(), "{on}error[{}]:{off} {error}", error.kind().name());
    error.kind().exit_status()
}

pub(crate) fn stdout_failed(error: &io::Error) -> Error {
    Error::io(format!("the result cannot be written: {error}"))
        .at("stdout")
        .help("free some space, or write to another place")
}
