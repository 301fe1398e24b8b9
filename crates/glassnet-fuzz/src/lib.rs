//! What every reader of foreign bytes must hold, whatever they are: an answer or an error that says where, never a panic,
//! an abort, or a value that is wrong without a word.
//!
//! A [`Target`] is a function of bytes that panics where that is broken. Two programs call it: cargo-fuzz through the thin
//! shells of `fuzz/`, which needs a nightly toolchain and looks for new paths by coverage; and the binary of this crate,
//! which changes committed files at random by a [seed](mutate), on stable Rust. The tests run a few hundred of
//! the same changes.

pub mod mutate;
pub mod runner;
pub mod seeds;
mod targets;

/// Has the panic hook of now, which under cargo-fuzz ends the program, left aside where a panic becomes an error: the decoders
/// of Parquet are called so.
pub fn pass_over_guarded_panics() {
    let told = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !glassnet_data::is_guarded() {
            told(panic);
        }
    }));
}

pub use targets::{TARGETS, Target, find};
