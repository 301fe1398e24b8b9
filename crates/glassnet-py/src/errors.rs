//! Errors of the library as the exceptions that Python's users expect.

use glassnet::error::ErrorKind;
use pyo3::exceptions::{
    PyFloatingPointError, PyKeyboardInterrupt, PyMemoryError, PyNotImplementedError, PyOSError,
    PyRuntimeError, PyValueError,
};
use pyo3::prelude::*;

/// The exception for `error`: its text says what is wrong, where, and how to mend it.
///
/// A limit is a `MemoryError`, what diverged a `FloatingPointError`, an operation that a reader lacks a
/// `NotImplementedError`, what the system refused an `OSError`; all else is a `ValueError`, as in NumPy.
pub(crate) fn exception(error: glassnet::Error) -> PyErr {
    let mut text = error.what().to_owned();
    if let Some(place) = error.place() {
        text = format!("{place}: {text}");
    }
    if let Some(help) = error.help_text() {
        text = format!("{text}; {help}");
    }
    for line in error.details() {
        text.push_str("\n    ");
        text.push_str(line);
    }
    match error.kind() {
        ErrorKind::Usage | ErrorKind::Data | ErrorKind::Model | ErrorKind::Network => {
            PyValueError::new_err(text)
        }
        ErrorKind::Unsupported => PyNotImplementedError::new_err(text),
        ErrorKind::Io => PyOSError::new_err(text),
        ErrorKind::Limit => PyMemoryError::new_err(text),
        ErrorKind::Numeric => PyFloatingPointError::new_err(text),
        ErrorKind::Interrupted => PyKeyboardInterrupt::new_err(text),
        // The library may learn to fail in further ways.
        _ => PyRuntimeError::new_err(text),
    }
}

/// A result of the library as one of Python.
pub(crate) trait OrException<T> {
    /// The value, or the library's error as an exception.
    fn or_exception(self) -> PyResult<T>;
}

impl<T> OrException<T> for glassnet::Result<T> {
    fn or_exception(self) -> PyResult<T> {
        self.map_err(exception)
    }
}
