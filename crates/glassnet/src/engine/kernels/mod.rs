//! The engine's inner loops: one scalar body each, compiled for three instruction sets.
//!
//! A kernel is written once, as plain arithmetic with explicit fused multiply-adds and selects. It is instantiated for
//! AVX-512, for AVX2 with FMA and portably; the compiler vectorises each copy. The arithmetic is the same, so the bits
//! are the same (DESIGN, 'One float semantics'); tests compare them. The [`Level`] is found once and handed down as an
//! argument: there is no global state.

mod dispatch;
mod few;
mod map;
mod pack;
mod product;
mod quads;
mod shape;
mod sums;
mod tile;
mod vector;

#[cfg(test)]
mod tests;

pub use dispatch::Level;
pub use map::{Map, Sweep, map, sweep};
pub use pack::pack_right;
pub use product::{Operands, product};
pub use shape::{Epilogue, KC, Left, Product, Right};
pub use sums::sum_rows;

#[allow(unused_imports, reason = "the executor's way in")]
pub(in crate::engine) use dispatch::{Kernel, VectorKernel, dispatch, dispatch_vector};
#[allow(unused_imports, reason = "as above")]
pub(in crate::engine) use pack::pack_right_part;
#[allow(unused_imports, reason = "as above")]
pub(in crate::engine) use product::{Pointers, product_part, product_part_in};
#[allow(unused_imports, reason = "as above")]
pub(in crate::engine) use sums::sum_rows_in;
#[allow(unused_imports, reason = "as above")]
pub(in crate::engine) use vector::Vector;
