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
/// `NotImplementedError`, what the system refused an `OSError`; parts that do not fit together are a `RuntimeError` and a
/// `ValueError` at once, an axis that isn't there also an `IndexError`; all else is a `ValueError`, as in NumPy.
pub(crate) fn exception(error: glassnet::Error) -> PyErr {
    let is_axis = error.what().starts_with("Dimension out of range");
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
        ErrorKind::Usage | ErrorKind::Data | ErrorKind::Model => PyValueError::new_err(text),
        ErrorKind::Network => {
            let name = if is_axis { "DimensionError" } else { "NetworkError" };
            Python::attach(|py| named(py, name, text))
        }
        ErrorKind::Unsupported => PyNotImplementedError::new_err(text),
        ErrorKind::Io => PyOSError::new_err(text),
        ErrorKind::Limit => PyMemoryError::new_err(text),
        ErrorKind::Numeric => PyFloatingPointError::new_err(text),
        ErrorKind::Interrupted => PyKeyboardInterrupt::new_err(text),
        // A kind that is newer than this list.
        _ => PyRuntimeError::new_err(text),
    }
}

/// The exception of a run that failed: what is wrong with its data is an index outside its table or classes.
pub(crate) fn run_exception(error: glassnet::Error) -> PyErr {
    let is_index = error.kind() == ErrorKind::Data;
    let exception = exception(error);
    if !is_index {
        return exception;
    }
    Python::attach(|py| named(py, "OutOfRange", exception.value(py).to_string()))
}

/// One of the exceptions of `glassnet._errors`.
fn named(py: Python<'_>, name: &str, text: String) -> PyErr {
    let kind = py.import("glassnet._errors").and_then(|module| module.getattr(name));
    match kind.and_then(|kind| kind.call1((&text,))) {
        Ok(error) => PyErr::from_value(error),
        Err(_) => PyRuntimeError::new_err(text),
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
