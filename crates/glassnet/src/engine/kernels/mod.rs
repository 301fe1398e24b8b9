//! The engine's inner loops: one scalar body each, compiled for three instruction sets.
//!
//! A kernel is written once, as plain arithmetic with explicit fused multiply-adds and selects, or on a register type
//! where the compiler is not left to choose. It is instantiated for AVX-512, for AVX2 with FMA and portably; the compiler
//! vectorises each copy. The arithmetic is the same, so the bits
//! are the same (DESIGN, 'One float semantics'); tests compare them. The [`Level`] is found once and handed down as an
//! argument: there is no global state.

mod dispatch;
mod few;
mod lanes;
mod map;
mod pack;
mod permute;
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

pub(in crate::engine) use dispatch::{Kernel, Set, dispatch};
pub(in crate::engine) use lanes::{LANES, Lanes, LanesKernel, Sixteen, dispatch_lanes};
pub(in crate::engine) use map::sweep_inner;
#[cfg(test)]
pub(in crate::engine) use pack::pack_right_part;
pub(in crate::engine) use permute::{Few, Reach};
#[cfg(test)]
pub(in crate::engine) use product::product_part;
pub(in crate::engine) use product::{Pointers, product_part_in};
pub(in crate::engine) use sums::sum_rows_in;
pub(in crate::engine) use vector::Lanes8;
