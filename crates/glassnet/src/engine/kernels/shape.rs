//! What a product is: the sizes of its matrices, how they lie in memory, and what is done to the sums.
//!
//! # Safety
//! Its kernels touch no memory; they only ask for the sizes of a level's registers.

use std::ops::Range;

use super::dispatch::{Level, Set, VectorKernel, dispatch_vector};
use super::few::{dot_rows, wide_rows};
use super::pack::packed_len;
use super::quads::suits;
use super::vector::Vector;

/// The length of a block of the sum.
pub const KC: usize = 256;
/// Columns of B that are packed at a time: `KC · NC` floats stay in the second cache.
pub(super) const NC: usize = 1024;
/// Rows of A that are used at a time, with the same thought.
pub(super) const MC: usize = 240;
/// Rows from which packing a row-major B pays.
const PACK_ROWS: usize = 24;
/// Terms up to which a product is written row by row.
const SHORT: usize = 4;

/// How the elements of A (m × k) lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Row-major (m, k).
    Plain,
    /// Row-major (k, m): the gradient of a weight is `dZᵀ · X`.
    Transposed,
}

/// How the elements of B (k × n) lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Row-major (k, n).
    Plain,
    /// Row-major (n, k), as PyTorch stores the weight of `Linear`.
    Transposed,
    /// As [`pack_right`](super::pack_right) put them for this level: for a B that many products share.
    Panels,
}

/// What becomes of an element of C once its sum is whole and the bias is added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Epilogue {
    /// It stays.
    None,
    /// The ReLU: +0 where it is at most 0. NaN stays.
    Relu,
    /// The gradient through a ReLU: +0 where the ReLU's output, an array of C's shape, is at most 0. An infinite or NaN
    /// gradient is stopped too; a NaN output lets the gradient pass.
    Stop,
}

/// How a product is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// B is turned round in registers.
    Dots,
    /// Few rows at a time, in wide tiles, nothing packed.
    Wide,
    /// Tiles.
    Tiles {
        /// Whether A goes through scratch.
        pack_a: bool,
        /// Whether B does.
        pack_b: bool,
    },
}

/// A product C = A · B of an m × k and a k × n matrix; C is row-major and contiguous.
///
/// ```
/// use glassnet::engine::kernels::{Epilogue, Level, Operands, Product, Right, product};
///
/// // y = relu(x Wᵀ + b) with one row x = (1, 2), W = ((3, 4), (-5, 6), (-7, 2)), b = (1, 1, 1)
/// let shape = Product::new(1, 2, 3, Right::Transposed).with_epilogue(Epilogue::Relu);
/// let level = Level::detect();
/// let mut y = [0.0; 3];
/// let mut scratch = vec![0.0; shape.scratch_len(level)];
/// let (x, w, b) = ([1.0, 2.0], [3.0, 4.0, -5.0, 6.0, -7.0, 2.0], [1.0; 3]);
/// product(level, &shape, &Operands::new(&x, &w).with_bias(&b), &mut y, &mut scratch);
/// assert_eq!(y, [12.0, 8.0, 0.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Rows of A and C.
    pub m: usize,
    /// Columns of A, rows of B: the length of the sums.
    pub k: usize,
    /// Columns of B and C.
    pub n: usize,
    /// How A lies.
    pub a: Left,
    /// How B lies.
    pub b: Right,
    /// C ← C + A·B instead of C ← A·B.
    pub accumulate: bool,
    /// What is done to C at the end.
    pub epilogue: Epilogue,
}

impl Product {
    /// C = A · B with A row-major (m, k).
    pub fn new(m: usize, k: usize, n: usize, b: Right) -> Product {
        Product { m, k, n, a: Left::Plain, b, accumulate: false, epilogue: Epilogue::None }
    }

    /// C = A · B with A stored as its transpose, row-major (k, m): weight gradients.
    pub fn with_a_transposed(m: usize, k: usize, n: usize, b: Right) -> Product {
        Product { a: Left::Transposed, ..Product::new(m, k, n, b) }
    }

    /// The same, added to what C holds.
    pub fn accumulating(self) -> Product {
        Product { accumulate: true, ..self }
    }

    /// The same with another epilogue.
    pub fn with_epilogue(self, epilogue: Epilogue) -> Product {
        Product { epilogue, ..self }
    }

    /// The same with B as [`pack_right`](super::pack_right) packed it.
    pub fn with_panels(self) -> Product {
        Product { b: Right::Panels, ..self }
    }

    /// The floats of scratch that [`product`](super::product) and each of its parts need. What they hold before doesn't
    /// matter.
    pub fn scratch_len(&self, level: Level) -> usize {
        // A narrow part may be packed where the whole is not.
        let narrow = match self.b {
            Right::Plain => level.lanes() * self.k.min(KC),
            Right::Transposed | Right::Panels => 0,
        };
        self.part_scratch_len(level, self.m, self.n).max(narrow)
    }

    /// The floats of scratch that a part of so many rows and columns needs: never more than the whole.
    pub(in crate::engine) fn part_scratch_len(
        &self,
        level: Level,
        rows: usize,
        columns: usize,
    ) -> usize {
        struct Len<'a>(&'a Product, usize, usize);
        impl VectorKernel for Len<'_> {
            type Output = usize;
            #[inline(always)]
            #[allow(unsafe_code)]
            unsafe fn run<V: Vector>(self) -> usize {
                let Len(shape, rows, columns) = self;
                match shape.way::<V>(rows, columns) {
                    Way::Dots | Way::Wide => 0,
                    Way::Tiles { pack_a, pack_b, .. } => {
                        let b = if pack_b { packed_len::<V>(columns, shape.k) } else { 0 };
                        b + if pack_a { MC * shape.k.min(KC) + V::LANES } else { 0 }
                    }
                }
            }
        }
        dispatch_vector(level, Len(self, rows, columns))
    }

    /// The floats that [`pack_right`](super::pack_right) needs for B.
    pub fn panels_len(&self, level: Level) -> usize {
        self.n.next_multiple_of(level.lanes()).saturating_mul(self.k)
    }

    /// A part's rows and columns are best multiples of these, except for the last ones.
    pub(in crate::engine) fn grain(level: Level) -> (usize, usize) {
        (if level.lanes() > 8 { 12 } else { 6 }, 2 * level.lanes())
    }

    /// How a part of so many rows and columns is computed.
    #[inline(always)]
    pub(super) fn way<V: Vector>(&self, rows: usize, columns: usize) -> Way {
        // Outer products write more than they compute: row by row, as memory likes it.
        let flat = rows <= wide_rows::<V>() || (self.k <= SHORT && columns >= 8 * V::LANES);
        let pack_a = match self.a {
            Left::Plain => self.k >= 1024 && columns >= 256,
            Left::Transposed => self.m >= 1024 && columns >= 256,
        } && rows >= 2 * V::HEIGHT;
        match self.b {
            Right::Transposed if rows <= dot_rows::<V>() => Way::Dots,
            Right::Transposed => Way::Tiles { pack_a, pack_b: true },
            Right::Plain | Right::Panels if flat => Way::Wide,
            Right::Plain => {
                let pack_b = (rows >= PACK_ROWS && columns > 2 * V::LANES && self.k > SHORT)
                    || suits::<V>(rows, columns);
                Way::Tiles { pack_a, pack_b }
            }
            Right::Panels => Way::Tiles { pack_a, pack_b: false },
        }
    }

    pub(super) fn contains(&self, rows: &Range<usize>, columns: &Range<usize>) -> bool {
        rows.end <= self.m && columns.end <= self.n
    }
}

impl Level {
    /// The floats of a register.
    pub(in crate::engine) fn lanes(self) -> usize {
        match self.set() {
            Set::Portable => 8,
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => 8,
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => 16,
        }
    }
}
