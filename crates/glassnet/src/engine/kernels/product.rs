//! Products of matrices, with one meaning on every instruction set, and parts of them for threads.
//!
//! Every element of C is a sum over `k` in blocks of [`KC`]: within a block one chain of fused multiply-adds from +0 in
//! increasing order; the first block is stored as it is (or added to C, when accumulating), each later one is added to C,
//! in order. Then the bias is added and the epilogue applied. How rows and columns are cut into tiles or parts does not
//! touch this.
//!
//! The loops are those of Goto and van de Geijn (Anatomy of High-Performance Matrix Multiplication, 2008): a tile of C in
//! registers, a panel of B in the first cache, a block of A in the second. Either factor is packed only when it pays
//! ([`Product::way`]).
//!
//! # Safety
//! Every method here relies on the promise of [`product_part`]: the pointers are valid for the matrices of the shape, nobody
//! else writes the rectangle or what it is computed from, and the processor has the instructions of `V`.
#![allow(unsafe_code)]

use std::marker::PhantomData;
use std::ops::Range;
use std::ptr;

use super::dispatch::{Kernel, Level, VectorKernel, dispatch_vector};
use super::few::{dots, wide, wide_rows};
use super::pack::{pack, pack_left, packed_len, panel_columns};
use super::quads::{quads, suits};
use super::shape::{Epilogue, KC, Left, MC, NC, Product, Right, Way};
use super::tile::{Finish, Tile, next_height, tile};
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

struct Within<'a, V>(Part<'a>, PhantomData<V>);

impl<V: Vector> Kernel for Within<'_, V> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        // SAFETY: the promise of `product_part_in`.
        unsafe { self.0.run::<V>() }
    }
}

impl VectorKernel for Part<'_> {
    type Output = ();

    #[inline(always)]
    unsafe fn run<V: Vector>(self) {
        debug_assert!(self.shape.contains(&self.rows, &self.columns));
        if self.rows.is_empty() || self.columns.is_empty() {
            return;
        }
        let way = self.shape.way::<V>(self.rows.len(), self.columns.len());
        // SAFETY: the promise of `product_part`.
        unsafe {
            if self.shape.k == 0 {
                self.without_terms();
            } else if way == Way::Dots {
                self.dots::<V>();
            } else {
                self.blocks::<V>(way);
            }
        }
    }
}

impl Part<'_> {
    /// The product over no terms: +0, or C as it was.
    #[inline(always)]
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

    /// A transposed B against few rows.
    #[inline(always)]
    unsafe fn dots<V: Vector>(&self) {
        let Product { k, .. } = *self.shape;
        let mut block = 0;
        while block < k {
            let terms = block..k.min(block + KC);
            // SAFETY: the promise of `product_part`.
            unsafe {
                let mut tile = self.tile(self.rows.start, self.columns.start, &terms);
                tile.b = self.pointers.b.add(self.columns.start * k + block);
                tile.b_stride = k;
                tile.width = self.columns.len();
                dots::<V>(&tile, self.rows.len());
            }
            block = terms.end;
        }
    }

    /// All else: blocks of columns, of terms, and of rows. (Loops are `while` because `step_by` divides.)
    #[inline(always)]
    unsafe fn blocks<V: Vector>(&self, way: Way) {
        let (shape, rows) = (self.shape, self.rows.len());
        let (pack_a, pack_b) = match way {
            Way::Tiles { pack_a, pack_b } => (pack_a, pack_b),
            Way::Dots | Way::Wide => (false, false),
        };
        let b_len = if pack_b { packed_len::<V>(self.columns.len(), shape.k) } else { 0 };
        // Blocks of equal size, in whole tiles.
        let most = if rows <= MC {
            rows
        } else {
            rows.div_ceil(rows.div_ceil(MC)).next_multiple_of(V::HEIGHT)
        };
        let mut column = self.columns.start;
        while column < self.columns.end {
            let columns = column..self.columns.end.min(column + NC);
            let mut block = 0;
            while block < shape.k {
                let terms = block..shape.k.min(block + KC);
                let mut row = self.rows.start;
                while row < self.rows.end {
                    let rows = row..self.rows.end.min(row + most);
                    // SAFETY: the promise of `product_part`; scratch has room for both factors.
                    unsafe {
                        let right = if pack_b {
                            Source::packed(self.scratch, &columns, &terms)
                        } else {
                            Source::standing(shape, self.pointers.b, &terms)
                        };
                        let left = if pack_a {
                            let tile = self.tile(row, column, &terms);
                            let to = self.scratch.add(b_len);
                            pack_left::<V>(shape, tile.a, rows.len(), terms.len(), to);
                            Some(to.cast_const())
                        } else {
                            None
                        };
                        // Each panel is packed when it is used first, and then is still in the first cache.
                        let pack_b = pack_b && row == self.rows.start;
                        let rows = rows.clone();
                        self.block::<V>(rows, columns.clone(), &terms, &right, way, pack_b, left);
                    }
                    row = rows.end;
                }
                block = terms.end;
            }
            column = columns.end;
        }
    }

    /// One block of rows, columns and terms.
    #[inline(always)]
    unsafe fn block<V: Vector>(
        &self,
        rows: Range<usize>,
        columns: Range<usize>,
        terms: &Range<usize>,
        right: &Source,
        way: Way,
        pack_b: bool,
        left: Option<*const f32>,
    ) {
        let mut j = columns.start;
        // SAFETY: the promise of `product_part`: all of these lie inside the operands.
        unsafe {
            while j < columns.end {
                let mut top = self.tile(rows.start, j, terms);
                let (until, start) = right.place::<V>(j, &mut top);
                top.width = columns.end - j;
                if way == Way::Wide && start {
                    let done = self.wide::<V>(&top, rows.len());
                    if done > 0 {
                        j += done;
                        continue;
                    }
                }
                top.width = until.min(columns.end) - j;
                if pack_b {
                    let columns = j..j + top.width;
                    pack::<V>(
                        self.shape,
                        self.pointers.b,
                        columns,
                        terms.clone(),
                        top.b.cast_mut(),
                    );
                }
                if right.panels && start && suits::<V>(rows.len(), top.width) && left.is_none() {
                    quads::<V>(&top, rows.len());
                } else {
                    self.tiles::<V>(&top, rows.len(), left);
                }
                j += top.width;
            }
        }
    }

    /// All rows of a column of tiles.
    #[inline(always)]
    unsafe fn tiles<V: Vector>(&self, top: &Tile, rows: usize, left: Option<*const f32>) {
        let mut row = 0;
        // SAFETY: the caller's promise.
        unsafe {
            while row < rows {
                let height = next_height::<V>(rows - row);
                let mut below = top.down(row);
                if let Some(left) = left {
                    below.a = left.add(row * below.terms);
                    below.a_stride = height;
                    below.a_transposed = true;
                }
                tile::<V>(&below, height);
                row += height;
            }
        }
    }

    /// As many columns as a wide tile has, for all rows. Gives how many.
    #[inline(always)]
    unsafe fn wide<V: Vector>(&self, top: &Tile, rows: usize) -> usize {
        let height = wide_rows::<V>();
        if rows > height && (top.add || ptr::eq(top.finish.from, top.c)) {
            return 0;
        }
        let mut row = 0;
        loop {
            // Every group of rows has the same height, and so the same width: the last one may do some rows once more,
            // which changes nothing where C is only written.
            let first = row.min(rows.saturating_sub(height));
            // SAFETY: the caller's promise.
            let done = unsafe { wide::<V>(&top.down(first), height.min(rows)) };
            row += height;
            if row >= rows || done == 0 {
                return done;
            }
        }
    }

    /// The tile whose first element is (`row`, `j`), without B.
    #[inline(always)]
    unsafe fn tile(&self, row: usize, j: usize, terms: &Range<usize>) -> Tile {
        let shape = self.shape;
        let Pointers { a, b, bias, from, c } = *self.pointers;
        let place = row * shape.n + j;
        // SAFETY: the promise of `product_part`.
        unsafe {
            let (a, a_stride, a_transposed) = match shape.a {
                Left::Plain => (a.add(row * shape.k + terms.start), shape.k, false),
                Left::Transposed => (a.add(terms.start * shape.m + row), shape.m, true),
            };
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
            Tile {
                a,
                a_stride,
                a_transposed,
                b,
                b_stride: 0,
                b_panel: 0,
                terms: terms.len(),
                width: 0,
                c: c.add(place),
                c_stride: shape.n,
                add: shape.accumulate || terms.start > 0,
                finish,
            }
        }
    }
}

/// Where the lines of one block of B lie.
struct Source {
    b: *const f32,
    panels: bool,
    /// The columns of all panels; without panels, `columns.start` is that of `b`.
    columns: Range<usize>,
    /// The lines of a panel, and how many of them come before the block.
    lines: usize,
    skip: usize,
    /// The length of a line, without panels.
    n: usize,
}

impl Source {
    #[inline(always)]
    fn packed(panels: *const f32, columns: &Range<usize>, terms: &Range<usize>) -> Source {
        let lines = terms.len();
        Source { b: panels, panels: true, columns: columns.clone(), lines, skip: 0, n: 0 }
    }

    #[inline(always)]
    unsafe fn standing(shape: &Product, b: *const f32, terms: &Range<usize>) -> Source {
        let Product { k, n, .. } = *shape;
        let panels = shape.b == Right::Panels;
        // SAFETY: the promise of `product_part`.
        let b = if panels { b } else { unsafe { b.add(terms.start * n) } };
        Source { b, panels, columns: 0..n, lines: k, skip: terms.start, n }
    }

    /// Lets `tile` begin at column `j`. Gives the column where the tile or its panel ends, and whether it begins there.
    #[inline(always)]
    unsafe fn place<V: Vector>(&self, j: usize, tile: &mut Tile) -> (usize, bool) {
        let wide = 2 * V::LANES;
        // SAFETY: the promise of `product_part`.
        unsafe {
            if !self.panels {
                tile.b = self.b.add(j);
                tile.b_stride = self.n;
                tile.b_panel = wide;
                return (j + wide, true);
            }
            let within = (j - self.columns.start) % wide;
            let start = j - within;
            let (filled, width) = panel_columns::<V>(start, self.columns.end);
            let before = (start - self.columns.start) * self.lines + self.skip * width;
            tile.b = self.b.add(before + within);
            tile.b_stride = width;
            tile.b_panel = wide * self.lines;
            (start + filled, within == 0)
        }
    }
}
