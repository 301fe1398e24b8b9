//! The repository's habits: one test command ([`ci`]), the house rules ([`tidy`]) and the tables that
//! are generated into its documents ([`docs`]).
//!
//! Only the standard library is used, so that a machine with Rust and nothing else can run all of it.

pub mod ci;
pub mod docs;
pub mod rooms;
pub mod rust;
pub mod tidy;
pub mod tree;
