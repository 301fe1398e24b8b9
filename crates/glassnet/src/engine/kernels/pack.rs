//! B in panels: as many columns as a tile has, one panel after the other, each line by line.
//!
//! A panel is two registers wide; the last one is a single register wide where that is enough.

use std::marker::PhantomData;
use std::ops::Range;

use super::dispatch::{Kernel, Level, VectorKernel, dispatch_vector};
use super::shape::{Product, Right};
use super::vector::Vector;

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
    #[allow(unsafe_code)]
    unsafe {
        pack_right_part(level, shape, 0..shape.n, b.as_ptr(), panels.as_mut_ptr());
    }
}

/// Packs some columns, which begin at a multiple of [`Product::grain`]'s second number and end at one or at n.
///
/// # Safety
/// As [`pack_right`] demands. Parts of disjoint columns write disjoint memory and may run at the same time.
#[allow(unsafe_code)]
pub(in crate::engine) unsafe fn pack_right_part(
    level: Level,
    shape: &Product,
    columns: Range<usize>,
    b: *const f32,
    panels: *mut f32,
) {
    struct Pack<'a>(&'a Product, Range<usize>, *const f32, *mut f32);
    impl VectorKernel for Pack<'_> {
        type Output = ();
        #[inline(always)]
        unsafe fn run<V: Vector>(self) {
            let Pack(shape, columns, b, panels) = self;
            let start = columns.start * shape.k;
            // SAFETY: the promise of `pack_right_part`.
            unsafe { pack::<V>(shape, b, columns, 0..shape.k, panels.add(start)) };
        }
    }
    debug_assert!(columns.start.is_multiple_of(Product::grain(level).1) && columns.end <= shape.n);
    dispatch_vector(level, Pack(shape, columns, b, panels));
}

/// How far the panel that begins at column `j` reaches, and how long its lines are.
#[inline(always)]
pub(super) fn panel_columns<V: Vector>(j: usize, end: usize) -> (usize, usize) {
    let columns = (end - j).min(2 * V::LANES);
    (columns, if columns <= V::LANES { V::LANES } else { 2 * V::LANES })
}

/// Packs the terms `terms` of `columns` into panels that follow each other in `to`. What is beyond the last column keeps
/// its values or not, and is not used.
///
/// # Safety
/// `b` holds B as the shape says, `to` has room for the columns, rounded up to a register, times the terms.
#[inline(always)]
#[allow(unsafe_code)]
pub(super) unsafe fn pack<V: Vector>(
    shape: &Product,
    b: *const f32,
    columns: Range<usize>,
    terms: Range<usize>,
    to: *mut f32,
) {
    struct Panels<'a, V>(
        &'a Product,
        *const f32,
        Range<usize>,
        Range<usize>,
        *mut f32,
        PhantomData<V>,
    );
    impl<V: Vector> Kernel for Panels<'_, V> {
        type Output = ();
        #[inline(always)]
        fn run(self) {
            let Panels(shape, b, columns, terms, mut to, _) = self;
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
                            let from = b.add(j * shape.k + terms.start);
                            transpose::<V>(from, shape.k, filled, terms.len(), to, width);
                        }
                    }
                    to = to.add(width * terms.len());
                }
                j += filled;
            }
        }
    }
    // SAFETY: this is compiled for the level of `V`.
    unsafe { V::enter(Panels::<V>(shape, b, columns, terms, to, PhantomData)) }
}

/// `to[p · width + j] = from[p · stride + j]` for `j < columns`, `p < terms`.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn copy<V: Vector>(
    from: *const f32,
    stride: usize,
    columns: usize,
    terms: usize,
    to: *mut f32,
    width: usize,
) {
    for p in 0..terms {
        for v in (0..columns).step_by(V::LANES) {
            // SAFETY: the promise of `pack`; a whole register fits the panel.
            unsafe {
                let line = V::load_part(from.add(p * stride + v), (columns - v).min(V::LANES));
                line.store(to.add(p * width + v));
            }
        }
    }
}

/// `to[p · width + j] = from[j · stride + p]` for `j < columns`, `p < terms`, in squares that stay in the cache.
#[inline(always)]
#[allow(unsafe_code)]
unsafe fn transpose<V: Vector>(
    from: *const f32,
    stride: usize,
    columns: usize,
    terms: usize,
    to: *mut f32,
    width: usize,
) {
    const SIDE: usize = 8;
    let (square_columns, square_terms) = (columns - columns % SIDE, terms - terms % SIDE);
    // SAFETY: the promise of `pack`, here and below.
    let single = |j: usize, p: usize| unsafe {
        *to.add(p * width + j) = *from.add(j * stride + p);
    };
    for p in (0..square_terms).step_by(SIDE) {
        for j in (0..square_columns).step_by(SIDE) {
            // SAFETY: as above.
            unsafe {
                V::transpose_square(from.add(j * stride + p), stride, to.add(p * width + j), width);
            }
        }
        for j in square_columns..columns {
            (p..p + SIDE).for_each(|p| single(j, p));
        }
    }
    for p in square_terms..terms {
        (0..columns).for_each(|j| single(j, p));
    }
}
