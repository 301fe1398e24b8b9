//! B in panels: as many columns as a tile has, one panel after the other, each line by line.
//!
//! A panel is two registers wide; the last one is a single register wide where that is enough. A is packed the same way,
//! in panels as high as a tile.
//!
//! # Safety
//! Every function here demands of its caller that the matrix has the lines and columns that the product's shape says, that
//! `to` has room for its panels, and that the processor has the instructions of `V`.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;

use super::dispatch::{Kernel, Level, VectorKernel, dispatch_vector};
use super::shape::{KC, Left, NC, Product, Right};
use super::tile::next_height;
use super::vector::{COLUMNS, Vector};

/// Packs `b`, which lies as `shape` says, for all products with [`Product::with_panels`] on the same level.
///
/// ```
/// use glassnet::engine::kernels::{Level, Operands, Product, Right, pack_right, product};
/// let shape = Product::new(1, 2, 3, Right::Transposed);
/// let level = Level::detect();
/// let mut panels = vec![0.0; shape.panels_len(level)];
/// pack_right(level, &shape, &[3.0, 4.0, 5.0, 6.0, 7.0, 8.0], &mut panels);
/// let mut y = [0.0; 3];
/// product(level, &shape.with_panels(), &Operands::new(&[1.0, 2.0], &panels), &mut y, &mut []);
/// assert_eq!(y, [11.0, 17.0, 23.0]);
/// ```
///
/// # Panics
/// When `b` is shorter than k·n or `panels` than [`Product::panels_len`], or when `b` is packed already.
pub fn pack_right(level: Level, shape: &Product, b: &[f32], panels: &mut [f32]) {
    assert!(shape.b != Right::Panels, "pack_right: b is packed already");
    assert!(b.len() >= shape.k.saturating_mul(shape.n), "pack_right: b is too short");
    assert!(panels.len() >= shape.panels_len(level), "pack_right: the panels are too short");
    // SAFETY: the lengths have been checked.
    unsafe {
        pack_right_part(level, shape, 0..shape.n, b.as_ptr(), panels.as_mut_ptr());
    }
}

/// Packs some columns, which begin at a multiple of [`Product::grain`]'s second number and end at one or at n.
///
/// # Safety
/// As [`pack_right`] demands. Parts of disjoint columns write disjoint memory and may run at the same time.
pub(in crate::engine) unsafe fn pack_right_part(
    level: Level,
    shape: &Product,
    columns: Range<usize>,
    b: *const f32,
    panels: *mut f32,
) {
    struct Part<'a>(&'a Product, Range<usize>, *const f32, *mut f32);
    impl VectorKernel for Part<'_> {
        type Output = ();
        #[inline(always)]
        unsafe fn run<V: Vector>(self) {
            let Part(shape, columns, b, panels) = self;
            let start = columns.start * shape.k;
            // SAFETY: the promise of `pack_right_part`.
            unsafe { pack::<V>(shape, b, columns, 0..shape.k, panels.add(start)) };
        }
    }
    debug_assert!(columns.start.is_multiple_of(Product::grain(level).1) && columns.end <= shape.n);
    dispatch_vector(level, Part(shape, columns, b, panels));
}

/// How far the panel that begins at column `j` reaches, and how long its lines are.
#[inline(always)]
pub(super) fn panel_columns<V: Vector>(j: usize, end: usize) -> (usize, usize) {
    let columns = (end - j).min(2 * V::LANES);
    (columns, if columns <= V::LANES { V::LANES } else { 2 * V::LANES })
}

/// The floats that one block of a B of so many columns and terms takes.
#[inline(always)]
pub(super) fn packed_len<V: Vector>(columns: usize, terms: usize) -> usize {
    columns.min(NC).next_multiple_of(V::LANES) * terms.min(KC)
}

/// Packs the terms `terms` of `columns` into panels that follow each other in `to`. What is beyond the last column keeps
/// its values or not, and is not used.
///
/// # Safety
/// `b` holds B as the shape says, `to` has room for the columns, rounded up to a register, times the terms; the processor
/// has the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn pack<V: Vector>(
    shape: &Product,
    b: *const f32,
    columns: Range<usize>,
    terms: Range<usize>,
    to: *mut f32,
) {
    // SAFETY: the caller's promise.
    unsafe { V::enter(Pack::<V> { shape, b, columns, terms, to, vector: PhantomData }) }
}

struct Pack<'a, V> {
    shape: &'a Product,
    b: *const f32,
    columns: Range<usize>,
    terms: Range<usize>,
    to: *mut f32,
    vector: PhantomData<V>,
}

impl<V: Vector> Kernel for Pack<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let Pack { shape, b, columns, terms, mut to, .. } = self;
        let mut j = columns.start;
        while j < columns.end {
            let (filled, width) = panel_columns::<V>(j, columns.end);
            // SAFETY: the promise of `pack`.
            unsafe {
                match shape.b {
                    Right::Plain => {
                        let from = b.add(terms.start * shape.n + j);
                        copy::<V>(from, shape.n, filled, terms.len(), to, width);
                    }
                    Right::Transposed | Right::Panels => {
                        let mut v = 0;
                        while v < filled {
                            let from = b.add((j + v) * shape.k + terms.start);
                            let rows = (filled - v).min(V::LANES);
                            let (to, terms) = (to.add(v), terms.len());
                            // Constants, so that the compiler knows where the lines lie.
                            if width == V::LANES {
                                transpose::<V>(from, shape.k, rows, terms, to, V::LANES);
                            } else {
                                transpose::<V>(from, shape.k, rows, terms, to, 2 * V::LANES);
                            }
                            v += V::LANES;
                        }
                    }
                }
                to = to.add(width * terms.len());
            }
            j += filled;
        }
    }
}

/// `to[p · width + j] = from[p · stride + j]` for `j < columns`, `p < terms`, in whole registers.
#[inline(always)]
unsafe fn copy<V: Vector>(
    from: *const f32,
    stride: usize,
    columns: usize,
    terms: usize,
    to: *mut f32,
    width: usize,
) {
    for p in 0..terms {
        let mut v = 0;
        while v < columns {
            // SAFETY: the promise of `pack`; a whole register fits the panel.
            unsafe {
                let line = V::load_part(from.add(p * stride + v), (columns - v).min(V::LANES));
                line.store(to.add(p * width + v));
            }
            v += V::LANES;
        }
    }
}

/// `to[p · width + j] = from[j · stride + p]` for `j < rows`, `p < terms`, in whole registers, lines in order.
#[inline(always)]
unsafe fn transpose<V: Vector>(
    from: *const f32,
    stride: usize,
    rows: usize,
    terms: usize,
    to: *mut f32,
    width: usize,
) {
    let (mut from, mut to, mut left) = (from, to, terms);
    // SAFETY: the promise of `pack`.
    unsafe {
        while left >= COLUMNS {
            let lines = V::columns(from, stride, rows, COLUMNS);
            for u in 0..COLUMNS {
                lines[u].store(to.add(u * width));
            }
            from = V::opaque(from.add(COLUMNS));
            to = to.add(COLUMNS * width);
            left -= COLUMNS;
        }
        if left > 0 {
            let lines = V::columns(from, stride, rows, left);
            for u in 0..COLUMNS {
                if u < left {
                    lines[u].store(to.add(u * width));
                }
            }
        }
    }
}

/// Packs `rows` rows of A for tiles of [`next_height`](super::tile::next_height): each tile's terms one after the other, its
/// rows side by side.
///
/// # Safety
/// `a` points to the first row and term, with the strides of the shape; `to` has room for the rows times the terms and a
/// register more; the processor has the instructions of `V`.
#[inline(always)]
pub(super) unsafe fn pack_left<V: Vector>(
    shape: &Product,
    a: *const f32,
    rows: usize,
    terms: usize,
    to: *mut f32,
) {
    // SAFETY: the caller's promise.
    unsafe { V::enter(PackLeft::<V> { shape, a, rows, terms, to, vector: PhantomData }) }
}

struct PackLeft<'a, V> {
    shape: &'a Product,
    a: *const f32,
    rows: usize,
    terms: usize,
    to: *mut f32,
    vector: PhantomData<V>,
}

impl<V: Vector> Kernel for PackLeft<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let PackLeft { shape, a, rows, terms, to, .. } = self;
        let mut row = 0;
        while row < rows {
            let height = next_height::<V>(rows - row);
            // SAFETY: the promise of `pack_left`. What a store puts beyond a line, the next one replaces.
            unsafe {
                let to = to.add(row * terms);
                match shape.a {
                    Left::Plain => {
                        transpose::<V>(a.add(row * shape.k), shape.k, height, terms, to, height);
                    }
                    Left::Transposed => copy::<V>(a.add(row), shape.m, height, terms, to, height),
                }
            }
            row += height;
        }
    }
}
