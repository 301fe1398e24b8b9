//! The compiled half of the Python package `glassnet`: the module `glassnet._glassnet`.
//!
//! Python's side (`python/glassnet/`) holds what is read more often than run: names, signatures, docstrings. Here is
//! what computes, and it computes nothing by itself: every number comes from the crate `glassnet`.

mod arrays;
mod errors;
mod fit;
mod objective;
mod pools;
mod predict;
mod state;

use pyo3::prelude::*;

/// The compiled half of `glassnet`.
#[pymodule]
mod _glassnet {
    #[pymodule_export]
    #[allow(non_upper_case_globals)]
    const __version__: &str = env!("CARGO_PKG_VERSION");
    #[pymodule_export]
    use crate::fit::fit;
    #[pymodule_export]
    use crate::objective::Objective;
    #[pymodule_export]
    use crate::predict::{Forward, network_state};
}
