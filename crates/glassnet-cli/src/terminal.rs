//! stdout for results, stderr for everything else.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use glassnet::{Error, Result};

use crate::args::{Color, Common};

/// Where results and notes go.
pub(crate) struct Terminal {
    json: bool,
    quiet: bool,
    color: bool,
    stdout: io::BufWriter<io::Stdout>,
    /// Whoever read stdout has gone away: nothing more is written, and that is no error.
    closed: bool,
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
        Terminal {
            json: common.json,
            quiet: common.quiet,
            color,
            stdout: io::BufWriter::new(io::stdout()),
            closed: false,
        }
    }

    /// Whether results are one JSON document.
    pub(crate) fn json(&self) -> bool {
        self.json
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

    /// Writes out what is still buffered.
    pub(crate) fn finish(&mut self) -> Result<()> {
        if self.closed {
            return Ok(());
        }
        let outcome = self.stdout.flush();
        self.judge(outcome)
    }

    fn judge(&mut self, outcome: io::Result<()>) -> Result<()> {
        match outcome {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
                self.closed = true;
                Ok(())
            }
            Err(error) => Err(Error::io(format!("stdout cannot be written: {error}"))
                .help("free some space, or write to another place")),
        }
    }

    /// Tells something that is not the result, on stderr.
    pub(crate) fn note(&self, text: &str) {
        if !self.quiet {
            let (on, off) = if self.color { ("\u{1b}[36m", "\u{1b}[0m") } else { ("", "") };
            // Notes are a courtesy: a stderr that cannot be written is no reason to stop.
            let _ = writeln!(io::stderr(), "{on}note:{off} {text}");
        }
    }
}

/// Prints an error and gives its exit status.
pub(crate) fn fail(error: &Error) -> ExitCode {
    let _ = writeln!(io::stderr(), "error[{}]: {error}", error.kind().name());
    ExitCode::from(error.kind().exit_status())
}

/// Prints what the command line parser has to say: help on stdout, mistakes in the house's form on stderr.
pub(crate) fn usage(error: &clap::Error) -> ExitCode {
    use clap::error::ErrorKind;
    if matches!(
        error.kind(),
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    ) {
        let outcome = error.print();
        return if outcome.is_ok() && error.kind() == ErrorKind::DisplayHelp {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(2)
        };
    }
    let text = error.to_string();
    let text = text.strip_prefix("error: ").unwrap_or(&text);
    let mut lines = text.lines();
    let first = lines.next().unwrap_or("the command line cannot be understood");
    let mut message = format!("error[usage]: {first}");
    for line in lines.map(str::trim_end).filter(|line| !line.is_empty()) {
        message += &format!("\n  {}", line.trim_start());
    }
    let _ = writeln!(io::stderr(), "{message}");
    ExitCode::from(2)
}
