//! The engine's inner loops: one scalar body each, compiled for three instruction sets.
//!
//! A kernel is written once, as plain arithmetic with explicit fused multiply-adds and selects. It is instantiated for
//! AVX-512, for AVX2 with FMA and portably; the compiler vectorises each copy. The arithmetic is the same, so the bits
//! are the same (DESIGN, 'One float semantics'); tests compare them. The [`Level`] is found once and handed down as an
//! argument: there is no global state.

mod dispatch;
mod lanes;
mod map;
mod product;
mod tile;
mod vector;

#[cfg(test)]
mod tests;

pub use dispatch::Level;
pub(super) use lanes::{LANES, Lanes, LanesKernel, dispatch_lanes};
pub(super) use lanes::{Pair, Plain, Wide};
pub use map::{Map, Sweep, map, sweep};
pub use product::{Identity, KC, Product, Right, product, sum_rows};
