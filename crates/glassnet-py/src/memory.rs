//! An array's memory, read where it lies while the interpreter's lock is released.

use numpy::{PyArrayDyn, PyReadonlyArrayDyn};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

/// The elements of a NumPy array in row-major order, which live as long as this.
pub(crate) struct Memory<T> {
    /// Keeps the elements: NumPy neither frees nor moves what somebody refers to.
    _array: Py<PyArrayDyn<T>>,
    start: *const T,
    length: usize,
}

impl<T: numpy::Element> Memory<T> {
    /// The memory of `array`, of which it must be one piece.
    pub(crate) fn of(array: &PyReadonlyArrayDyn<'_, T>) -> PyResult<Self> {
        let slice = array.as_slice().map_err(|error| PyValueError::new_err(error.to_string()))?;
        let (start, length) = (slice.as_ptr(), slice.len());
        Ok(Memory { _array: (**array).clone().unbind(), start, length })
    }
}

// SAFETY: the pointer is only read from, and `Py` may be sent to any thread and dropped there.
#[allow(unsafe_code, reason = "memory of Python's, read while its lock is released")]
unsafe impl<T: Send> Send for Memory<T> {}

// SAFETY: as above.
#[allow(unsafe_code, reason = "memory of Python's, read while its lock is released")]
unsafe impl<T: Sync> Sync for Memory<T> {}

impl<T> AsRef<[T]> for Memory<T> {
    #[allow(unsafe_code, reason = "memory of Python's, read while its lock is released")]
    fn as_ref(&self) -> &[T] {
        // SAFETY: `start` and `length` are those of a slice of the array (aligned, in one piece), which `_array` keeps.
        // That nobody writes to it meanwhile is what the documentation of `fit` asks for, as NumPy itself does where it
        // computes without the lock.
        unsafe { std::slice::from_raw_parts(self.start, self.length) }
    }
}
