//! The compiled half of the Python package `glassnet`: the module `glassnet._glassnet`.
//!
//! Python's side (`python/glassnet/`) holds what is read more often than run: names, signatures, docstrings. Here is
//! what computes, and it computes nothing by itself: every number comes from the crate `glassnet`.

mod arrays;
mod backward;
mod documents;
mod errors;
mod files;
mod fit;
mod forward;
mod joined;
mod layers;
mod memory;
mod objective;
mod optim;
mod piece;
mod predict;
mod random;
mod ready;
mod state;
mod tape;
mod tensor;
mod threads;
mod walk;

use pyo3::prelude::*;

/// The compiled half of `glassnet`.
#[pymodule]
mod _glassnet {
    #[pymodule_export]
    use crate::backward::backward;
    #[pymodule_export]
    use crate::fit::fit;
    #[pymodule_export]
    use crate::forward::{Forward, changes, count_a_change};
    #[pymodule_export]
    use crate::layers::{criterion_piece, initial_state, layer_piece};
    #[pymodule_export]
    use crate::objective::Objective;
    #[pymodule_export]
    use crate::optim::{Remembered, Rule, Scheduled, clip_norm, clip_value};
    #[pymodule_export]
    use crate::piece::Piece;
    #[pymodule_export]
    use crate::predict::{Inference, network_state};
    #[pymodule_export]
    use crate::random::{
        Generator, initial_seed, initialize, integers, manual_seed, normal, permutation, uniform,
        whole,
    };
    #[pymodule_export]
    use crate::tensor::{Tensor, is_grad_enabled, set_grad_enabled};

    #[pymodule_export]
    use crate::threads::{after_fork, choose_threads, chosen_threads};

    #[pymodule_export]
    #[allow(non_upper_case_globals, reason = "Python's name for it")]
    const __version__: &str = env!("CARGO_PKG_VERSION");

    #[pymodule_export]
    use crate::documents::{Document, answer, explain, expression, main, takes_indices};
    #[pymodule_export]
    use crate::files::{ask_for_network, read_model, write_model};
}
