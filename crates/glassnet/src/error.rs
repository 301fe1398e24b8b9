//! The one error type: what is wrong, where, and how to mend it.

mod excerpt;

use std::fmt;

/// Shorthand for results with the crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What sort of thing went wrong. Each kind has an exit status of the command line (see [`ErrorKind::exit_status`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument, flag, notation or formula that cannot be used as given.
    Usage,
    /// A table or array of data that cannot be used.
    Data,
    /// A model file or state dict that cannot be used.
    Model,
    /// A network whose parts do not fit together (shapes, types).
    Network,
    /// An operation that a reader of the graph cannot handle.
    Unsupported,
    /// A file that could not be read or written.
    Io,
    /// A limit of memory, size or time was reached.
    Limit,
    /// A computation that left the finite numbers.
    Numeric,
    /// Somebody asked to stop.
    Interrupted,
}

impl ErrorKind {
    /// The word in brackets of the first line: `error[data]: …`.
    pub fn name(self) -> &'static str {
        match self {
            ErrorKind::Usage => "usage",
            ErrorKind::Data => "data",
            ErrorKind::Model => "model",
            ErrorKind::Network => "network",
            ErrorKind::Unsupported => "unsupported",
            ErrorKind::Io => "io",
            ErrorKind::Limit => "limit",
            ErrorKind::Numeric => "numeric",
            ErrorKind::Interrupted => "interrupted",
        }
    }

    /// The exit status that the command line gives for this kind.
    pub fn exit_status(self) -> u8 {
        match self {
            ErrorKind::Usage | ErrorKind::Network => 2,
            ErrorKind::Data => 3,
            ErrorKind::Model | ErrorKind::Unsupported => 4,
            ErrorKind::Io => 5,
            ErrorKind::Limit => 6,
            ErrorKind::Numeric => 7,
            ErrorKind::Interrupted => 130,
        }
    }
}

/// What went wrong, where, and how to mend it, in the user's terms.
///
/// Displays as one line, `what; where; help`, followed by indented detail lines. The command line puts
/// `error[kind]: ` before it.
///
/// ```
/// use glassnet::Error;
/// let error = Error::data("row has 5 fields, the header has 6")
///     .at("weather.csv:5002")
///     .help("add the missing field or remove the row");
/// assert_eq!(
///     error.to_string(),
///     "row has 5 fields, the header has 6; weather.csv:5002; add the missing field or remove the row",
/// );
/// assert_eq!(error.kind().exit_status(), 3);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error(Box<Parts>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Parts {
    kind: ErrorKind,
    what: String,
    place: Option<String>,
    help: Option<String>,
    details: Vec<String>,
}

impl Error {
    /// An error of `kind` that says `what` is wrong, in one line without a final stop.
    pub fn new(kind: ErrorKind, what: impl Into<String>) -> Self {
        Error(Box::new(Parts { kind, what: what.into(), place: None, help: None, details: vec![] }))
    }

    /// An error of kind [`ErrorKind::Usage`].
    pub fn usage(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Usage, what)
    }

    /// An error of kind [`ErrorKind::Data`].
    pub fn data(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Data, what)
    }

    /// An error of kind [`ErrorKind::Model`].
    pub fn model(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Model, what)
    }

    /// An error of kind [`ErrorKind::Network`].
    pub fn network(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Network, what)
    }

    /// An error of kind [`ErrorKind::Io`].
    pub fn io(what: impl Into<String>) -> Self {
        Error::new(ErrorKind::Io, what)
    }

    /// An error of kind [`ErrorKind::Unsupported`]: `reader` cannot handle operation `op`, because `why`.
    pub fn unsupported(op: &str, reader: &str, why: &str) -> Self {
        Error::new(ErrorKind::Unsupported, format!("{reader} does not support {op}: {why}"))
    }

    /// The same error with its place: `file:line:column`, a layer, a tensor's key, a flag.
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.0.place = Some(place.into());
        self
    }

    /// The same error with how to mend it.
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.0.help = Some(help.into());
        self
    }

    /// The same error with one more indented line below the first (a caret, a list of keys).
    pub fn detail(mut self, line: impl Into<String>) -> Self {
        self.0.details.push(line.into());
        self
    }

    /// The kind.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// What is wrong.
    pub fn what(&self) -> &str {
        &self.0.what
    }

    /// Where, if known.
    pub fn place(&self) -> Option<&str> {
        self.0.place.as_deref()
    }

    /// How to mend it, if known.
    pub fn help_text(&self) -> Option<&str> {
        self.0.help.as_deref()
    }

    /// The indented lines below the first.
    pub fn details(&self) -> &[String] {
        &self.0.details
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.what)?;
        for part in [&self.0.place, &self.0.help].into_iter().flatten() {
            write!(f, "; {part}")?;
        }
        for line in self.0.details.iter().flat_map(|detail| detail.lines()) {
            write!(f, "\n  {line}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {}
