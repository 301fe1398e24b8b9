//! The compiled half of the Python package `glassnet`: the module `glassnet._glassnet`.
//!
//! Python's side (`python/glassnet/`) holds what is read more often than run: names, signatures, docstrings. Here is
//! what computes, and it computes nothing by itself: every number comes from the crate `glassnet`.

mod documents;
mod errors;
mod files;
mod state;

use pyo3::prelude::*;

/// The compiled half of `glassnet`.
#[pymodule]
mod _glassnet {
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    use crate::documents::{Document, answer, explain, main, takes_indices};
    #[pymodule_export]
    use crate::files::{ask_for_network, read_model, write_model};
}
