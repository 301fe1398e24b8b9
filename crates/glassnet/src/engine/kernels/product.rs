//! Products of matrices, with one meaning on every instruction set, and parts of them for threads.
//!
//! Every element of C is a sum over `k` in blocks of [`KC`]: within a block one chain of fused multiply-adds from +0 in
//! increasing order; the first block is stored as it is (or added to C, when accumulating), each later one is added to C,
//! in order. Then the bias is added and the epilogue applied. How rows and columns are cut into tiles or parts does not
//! touch this.
//!
//! The loops are those of Goto and van de Geijn (Anatomy of High-Performance Matrix Multiplication, 2008): a tile of C in
//! registers, a panel of B in the first cache, a block of A in the second. B is packed into panels only when it pays
//! (transposed, or read by many rows); A is read where it stands.

use std::marker::PhantomData;
use std::ops::Range;
use std::ptr;

use super::dispatch::{Kernel, Level, VectorKernel, dispatch_vector};
use super::pack::{pack, panel_columns};
use super::shape::{Epilogue, KC, MC, NC, Product, Right};
use super::tile::{Finish, Tile, rows};
use super::vector::Vector;

/// What a product reads.
#[derive(Clone, Copy, Debug)]
pub struct Operands<'a> {
    a: &'a [f32],
    b: &'a [f32],
    bias: Option<&'a [f32]>,
    from: Option<&'a [f32]>,
}

impl<'a> Operands<'a> {
    /// The two factors.
    pub fn new(a: &'a [f32], b: &'a [f32]) -> Self {
        Operands { a, b, bias: None, from: None }
    }

    /// A number for each column, added to it.
    pub fn with_bias(self, bias: &'a [f32]) -> Self {
        Operands { bias: Some(bias), ..self }
    }

    /// The ReLU's output that [`Epilogue::Stop`] needs: as large as C.
    pub fn with_from(self, from: &'a [f32]) -> Self {
        Operands { from: Some(from), ..self }
    }
}

/// Where a product's operands lie, for parts of it.
#[derive(Clone, Copy, Debug)]
pub(in crate::engine) struct Pointers {
    pub(in crate::engine) a: *const f32,
    pub(in crate::engine) b: *const f32,
    /// Null: none.
    pub(in crate::engine) bias: *const f32,
    /// Read for [`Epilogue::Stop`] only.
    pub(in crate::engine) from: *const f32,
    pub(in crate::engine) c: *mut f32,
}

/// Computes `shape` into `c`: the sums, then the bias, then the epilogue.
///
/// # Numerics
/// As the module says: the same bits on every level and for every way to cut the rows or columns.
///
/// # Panics
/// When a slice is shorter than the shape needs: `a` m·k, `b` k·n or [`Product::panels_len`], the bias n, `c` and `from` m·n,
/// `scratch` [`Product::scratch_len`]; when [`Epilogue::Stop`] has no `from`.
#[inline]
pub fn product(
    level: Level,
    shape: &Product,
    operands: &Operands<'_>,
    c: &mut [f32],
    scratch: &mut [f32],
) {
    let Operands { a, b, bias, from } = *operands;
    let Product { m, k, n, .. } = *shape;
    let b_len = match shape.b {
        Right::Plain | Right::Transposed => k.saturating_mul(n),
        Right::Panels => shape.panels_len(level),
    };
    let c_len = m.saturating_mul(n);
    assert!(a.len() >= m.saturating_mul(k), "product: a is too short");
    assert!(b.len() >= b_len, "product: b is too short");
    assert!(c.len() >= c_len, "product: c is too short");
    assert!(bias.is_none_or(|bias| bias.len() >= n), "product: the bias is too short");
    assert!(
        shape.epilogue != Epilogue::Stop || from.is_some_and(|from| from.len() >= c_len),
        "product: the output that stops the gradient is missing or too short"
    );
    assert!(scratch.len() >= shape.scratch_len(level), "product: scratch is too short");
    let pointers = Pointers {
        a: a.as_ptr(),
        b: b.as_ptr(),
        bias: bias.map_or(ptr::null(), <[f32]>::as_ptr),
        from: from.map_or(ptr::null(), <[f32]>::as_ptr),
        c: c.as_mut_ptr(),
    };
    // SAFETY: the lengths have been checked, and the borrows keep c and scratch apart from all else.
    #[allow(unsafe_code)]
    unsafe {
        product_part(level, shape, 0..m, 0..n, &pointers, scratch.as_mut_ptr());
    }
}

/// Computes the rectangle `rows` × `columns` of C; the rest of C is neither read nor written.
///
/// Its elements have the bits that the whole product would give them. Any rectangle is right; [`Product::grain`] says
/// which are fast.
///
/// # Safety
/// - The rectangle lies within C. The pointers are valid for the whole operands, as [`product`] demands of its slices
///   (`b` may be null where k = 0), `scratch` for [`Product::part_scratch_len`] floats.
/// - The rectangle of C and the scratch overlap nothing else that is used meanwhile. `from` may be C itself.
/// - Parts whose rectangles are disjoint may run at the same time on several threads, each with a scratch of its own.
#[inline]
#[allow(unsafe_code)]
pub(in crate::engine) unsafe fn product_part(
    level: Level,
    shape: &Product,
    rows: Range<usize>,
    columns: Range<usize>,
    pointers: &Pointers,
    scratch: *mut f32,
) {
    dispatch_vector(level, Part { shape, rows, columns, pointers, scratch });
}

/// [`product_part`] for code that is compiled for the level of `V` already: nothing is chosen at run time.
///
/// # Safety
/// As [`product_part`], and the processor has the instructions of `V`.
#[inline(always)]
#[allow(unsafe_code)]
#[allow(dead_code, reason = "the executor's way in")]
pub(in crate::engine) unsafe fn product_part_in<V: Vector>(
    shape: &Product,
    rows: Range<usize>,
    columns: Range<usize>,
    pointers: &Pointers,
    scratch: *mut f32,
) {
    // SAFETY: the caller's promise.
    unsafe {
        V::enter(Within::<V>(Part { shape, rows, columns, pointers, scratch }, PhantomData));
    }
}

struct Part<'a> {
    shape: &'a Product,
    rows: Range<usize>,
    columns: Range<usize>,
    pointers: &'a Pointers,
    scratch: *mut f32,
}

#[allow(dead_code, reason = "as above")]
struct Within<'a, V>(Part<'a>, PhantomData<V>);

impl<V: Vector> Kernel for Within<'_, V> {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    fn run(self) {
        // SAFETY: the promise of `product_part_in`.
        unsafe { self.0.run::<V>() }
    }
}

impl VectorKernel for Part<'_> {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn run<V: Vector>(self) {
        debug_assert!(self.shape.contains(&self.rows, &self.columns));
        if self.rows.is_empty() || self.columns.is_empty() {
            return;
        }
        // SAFETY: the promise of `product_part`.
        unsafe {
            if self.shape.k == 0 {
                self.without_terms();
            } else if self.shape.is_flat(self.rows.len()) {
                self.blocks::<V, 8>();
            } else {
                self.blocks::<V, 2>();
            }
        }
    }
}

impl Part<'_> {
    /// The product over no terms: +0, or C as it was.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn without_terms(&self) {
        let Pointers { bias, from, c, .. } = *self.pointers;
        for i in self.rows.clone() {
            for j in self.columns.clone() {
                let place = i * self.shape.n + j;
                // SAFETY: the promise of `product_part`.
                unsafe {
                    let mut value = if self.shape.accumulate { *c.add(place) } else { 0.0 };
                    if !bias.is_null() {
                        value += *bias.add(j);
                    }
                    let stopped = match self.shape.epilogue {
                        Epilogue::None => false,
                        Epilogue::Relu => value <= 0.0,
                        Epilogue::Stop => *from.add(place) <= 0.0,
                    };
                    *c.add(place) = if stopped { 0.0 } else { value };
                }
            }
        }
    }

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn blocks<V: Vector, const NV: usize>(&self) {
        let (shape, end) = (self.shape, self.columns.end);
        let packs = shape.packs(self.rows.len(), self.columns.len(), V::LANES);
        for column in self.columns.clone().step_by(NC) {
            let columns = column..end.min(column + NC);
            for block in (0..shape.k).step_by(KC) {
                let terms = block..shape.k.min(block + KC);
                if packs {
                    // SAFETY: the promise of `product_part`.
                    unsafe {
                        pack::<V>(
                            shape,
                            self.pointers.b,
                            columns.clone(),
                            terms.clone(),
                            self.scratch,
                        );
                    }
                }
                for row in self.rows.clone().step_by(MC) {
                    let rows = row..self.rows.end.min(row + MC);
                    let mut j = columns.start;
                    while j < columns.end {
                        // SAFETY: the promise of `product_part`.
                        j += unsafe {
                            self.panel::<V, NV>(
                                rows.clone(),
                                columns.clone(),
                                j,
                                terms.clone(),
                                packs,
                            )
                        };
                    }
                }
            }
        }
    }

    /// The columns of one tile from `j` on, for some rows and one block of the sum. Gives how many columns that was.
    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn panel<V: Vector, const NV: usize>(
        &self,
        rows_range: Range<usize>,
        columns: Range<usize>,
        j: usize,
        terms: Range<usize>,
        packed: bool,
    ) -> usize {
        let (shape, n) = (self.shape, self.shape.n);
        let (a_row_stride, a_column_stride) = shape.a_strides();
        let Pointers { a, b, bias, from, c } = *self.pointers;
        // SAFETY: the promise of `product_part`: all of these lie inside the operands.
        unsafe {
            let (b, b_stride, width) = if packed {
                let (filled, stride) = panel_columns::<V>(j, columns.end);
                let before = (j - columns.start) * terms.len();
                (self.scratch.add(before).cast_const(), stride, filled)
            } else {
                match shape.b {
                    Right::Plain => {
                        (b.add(terms.start * n + j), n, (NV * V::LANES).min(columns.end - j))
                    }
                    Right::Transposed => unreachable!("a transposed B is packed"),
                    Right::Panels => {
                        // The part may begin or end within a panel.
                        let start = j - j % (2 * V::LANES);
                        let (filled, stride) = panel_columns::<V>(start, n);
                        let line = b.add(start * shape.k + terms.start * stride);
                        (line.add(j - start), stride, (start + filled).min(columns.end) - j)
                    }
                }
            };
            let place = rows_range.start * n + j;
            let finish = if terms.end == shape.k {
                Finish {
                    bias: if bias.is_null() { bias } else { bias.add(j) },
                    relu: shape.epilogue == Epilogue::Relu,
                    from: if shape.epilogue == Epilogue::Stop {
                        from.add(place)
                    } else {
                        ptr::null()
                    },
                }
            } else {
                Finish::NOTHING
            };
            let tile = Tile {
                a: a.add(rows_range.start * a_row_stride + terms.start * a_column_stride),
                a_row_stride,
                a_column_stride,
                b,
                b_stride,
                terms: terms.len(),
                width,
                c: c.add(place),
                c_stride: n,
                add: shape.accumulate || terms.start > 0,
                finish,
            };
            if width <= V::LANES {
                rows::<V, 1>(&tile, rows_range.len());
            } else {
                rows::<V, NV>(&tile, rows_range.len());
            }
            width
        }
    }
}
