//! The repository's habits: one test command ([`ci`]), the house rules ([`tidy`]), the tables that
//! are generated into its documents ([`docs`]), and checks of the engine that need another tool than
//! Rust's: counted instructions ([`counts`]) and watched memory ([`sanitize`]); readers under random input
//! ([`fuzz`]); and the Python package's tests ([`python`]).
//!
//! Only the standard library is used, so that a machine with Rust and nothing else can run all of it.

pub mod ci;
pub mod counts;
pub mod docs;
pub mod fuzz;
pub mod python;
pub mod rooms;
pub mod rust;
pub mod sanitize;
pub mod tidy;
pub mod tree;
