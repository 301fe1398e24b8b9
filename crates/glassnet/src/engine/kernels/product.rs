//! Products of matrices on one thread, with one meaning on every instruction set.
//!
//! Every element of C is a sum over `k` in blocks of [`KC`]: within a block one chain of fused multiply-adds from +0 in
//! increasing order; the first block is stored as it is (or added to C, when accumulating), each later one is added to C,
//! in order. Then the bias is added and the epilogue applied. How rows and columns are cut into tiles does not touch this.
//!
//! The loops are those of Goto and van de Geijn (Anatomy of High-Performance Matrix Multiplication, 2008): a tile of C in
//! registers, a panel of B in the first cache, a block of A in the second. B is packed into panels only when it pays
//! (transposed, or read by many rows); A is read where it stands.

use super::dispatch::{Kernel, Level, Set, dispatch};
use super::map::Map;
use super::tile::{Tile, rows};
use super::vector::{Lanes8, Vector};

/// The length of a block of the sum.
pub const KC: usize = 256;
/// Columns of B that are packed at a time: `KC · NC` floats stay in the second cache.
const NC: usize = 1024;
/// Rows of A that are used at a time, with the same thought.
const MC: usize = 240;
/// Rows from which packing a row-major B pays.
const PACK_ROWS: usize = 24;
/// Rows up to which a tile is one row high and eight registers wide.
const FLAT_ROWS: usize = 3;

/// How the elements of B (k × n) lie in memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Right {
    /// Row-major (k, n).
    Plain,
    /// Row-major (n, k), as PyTorch stores the weight of `Linear`.
    Transposed,
}

/// A product C = A · B of an m × k and a k × n matrix; C is row-major and contiguous.
///
/// ```
/// use glassnet::engine::kernels::{Identity, Level, Product, Right, product};
///
/// // y = x Wᵀ + b with one row x = (1, 2), W = ((3, 4), (5, 6), (7, 8)), b = (1, 1, 1)
/// let shape = Product::new(1, 2, 3, Right::Transposed);
/// let level = Level::detect();
/// let mut y = [0.0; 3];
/// let mut scratch = vec![0.0; shape.scratch_len(level)];
/// let (x, w, b) = ([1.0, 2.0], [3.0, 4.0, 5.0, 6.0, 7.0, 8.0], [1.0; 3]);
/// product(level, &shape, &x, &w, Some(&b), &Identity, &mut y, &mut scratch);
/// assert_eq!(y, [12.0, 18.0, 24.0]);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Product {
    /// Rows of A and C.
    pub m: usize,
    /// Columns of A, rows of B: the length of the sums.
    pub k: usize,
    /// Columns of B and C.
    pub n: usize,
    /// From an element of A to the one below it.
    pub a_row_stride: usize,
    /// From an element of A to the one right of it.
    pub a_column_stride: usize,
    /// How B lies.
    pub b: Right,
    /// C ← C + A·B instead of C ← A·B.
    pub accumulate: bool,
}

impl Product {
    /// C = A · B with A row-major (m, k).
    pub fn new(m: usize, k: usize, n: usize, b: Right) -> Product {
        Product { m, k, n, a_row_stride: k, a_column_stride: 1, b, accumulate: false }
    }

    /// C = A · B with A stored as its transpose, row-major (k, m): weight gradients.
    pub fn with_a_transposed(m: usize, k: usize, n: usize, b: Right) -> Product {
        Product { a_row_stride: 1, a_column_stride: m, ..Product::new(m, k, n, b) }
    }

    /// The same, added to what C holds.
    pub fn accumulating(self) -> Product {
        Product { accumulate: true, ..self }
    }

    /// The floats of scratch that [`product`] needs. What they hold before doesn't matter.
    pub fn scratch_len(&self, level: Level) -> usize {
        let width = tile_width(level, self);
        if self.packs(width) { self.n.min(NC).next_multiple_of(width) * self.k.min(KC) } else { 0 }
    }

    /// Whether tiles are one row high and wide. (Transposing into wide panels would read too many lines at once.)
    fn is_flat(&self) -> bool {
        self.m <= FLAT_ROWS && self.b == Right::Plain
    }

    /// Whether B goes through packed panels of `width` columns.
    fn packs(&self, width: usize) -> bool {
        self.b == Right::Transposed || (self.m >= PACK_ROWS && self.n > width)
    }

    /// The elements of A from the first to the last used.
    fn a_len(&self) -> usize {
        if self.m == 0 || self.k == 0 {
            return 0;
        }
        let down = (self.m - 1).saturating_mul(self.a_row_stride);
        let right = (self.k - 1).saturating_mul(self.a_column_stride);
        down.saturating_add(right).saturating_add(1)
    }
}

/// No epilogue: the value itself.
#[derive(Clone, Copy, Debug)]
pub struct Identity;

impl Map<1> for Identity {
    #[inline(always)]
    fn at(&self, [x]: [f32; 1]) -> f32 {
        x
    }
}

/// Computes `shape` on `a` and `b` into `c`: then adds `bias[column]`, then applies `epilogue` to every element.
///
/// # Numerics
/// As the module says: the same bits on every level and for every way to cut the rows or columns.
///
/// # Panics
/// When a slice is shorter than the shape needs: `a` by its strides, `b` k·n, `bias` n, `c` m·n, `scratch`
/// [`Product::scratch_len`].
#[inline]
pub fn product<E: Map<1>>(
    level: Level,
    shape: &Product,
    a: &[f32],
    b: &[f32],
    bias: Option<&[f32]>,
    epilogue: &E,
    c: &mut [f32],
    scratch: &mut [f32],
) {
    assert!(
        a.len() >= shape.a_len(),
        "product: a has {} elements, needs {}",
        a.len(),
        shape.a_len()
    );
    assert!(b.len() >= shape.k.saturating_mul(shape.n), "product: b is too short");
    assert!(c.len() >= shape.m.saturating_mul(shape.n), "product: c is too short");
    assert!(bias.is_none_or(|bias| bias.len() >= shape.n), "product: the bias is too short");
    assert!(scratch.len() >= shape.scratch_len(level), "product: scratch is too short");
    let job = Job { shape, a, b, bias, epilogue, c, scratch };
    match level.set() {
        Set::Portable => dispatch(level, Tiled::<Lanes8, E, 2, 4>(job, std::marker::PhantomData)),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => {
            dispatch(
                level,
                Tiled::<std::arch::x86_64::__m256, E, 2, 8>(job, std::marker::PhantomData),
            );
        }
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => {
            dispatch(
                level,
                Tiled::<std::arch::x86_64::__m512, E, 2, 8>(job, std::marker::PhantomData),
            );
        }
    }
}

/// The columns of a tile: what [`product`] instantiates above.
fn tile_width(level: Level, shape: &Product) -> usize {
    let (lanes, flat) = match level.set() {
        Set::Portable => (8, 4),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => (8, 8),
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => (16, 8),
    };
    lanes * if shape.is_flat() { flat } else { 2 }
}

struct Job<'a, E> {
    shape: &'a Product,
    a: &'a [f32],
    b: &'a [f32],
    bias: Option<&'a [f32]>,
    epilogue: &'a E,
    c: &'a mut [f32],
    scratch: &'a mut [f32],
}

/// A job on registers `V`, with tiles `WIDE` registers wide, or `FLAT` when there are few rows.
struct Tiled<'a, V, E, const WIDE: usize, const FLAT: usize>(
    Job<'a, E>,
    std::marker::PhantomData<V>,
);

impl<V: Vector, E: Map<1>, const WIDE: usize, const FLAT: usize> Kernel
    for Tiled<'_, V, E, WIDE, FLAT>
{
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let mut job = self.0;
        if job.shape.k == 0 {
            without_terms(&mut job);
        } else if job.shape.is_flat() {
            blocks::<V, E, FLAT>(&mut job);
        } else {
            blocks::<V, E, WIDE>(&mut job);
        }
    }
}

/// The product over no terms: +0, or C as it was.
#[inline(always)]
fn without_terms<E: Map<1>>(job: &mut Job<'_, E>) {
    let Product { m, n, accumulate, .. } = *job.shape;
    for i in 0..m {
        for j in 0..n {
            let sum = if accumulate { job.c[i * n + j] } else { 0.0 };
            let sum = job.bias.map_or(sum, |bias| sum + bias[j]);
            job.c[i * n + j] = job.epilogue.at([sum]);
        }
    }
}

#[inline(always)]
fn blocks<V: Vector, E: Map<1>, const NV: usize>(job: &mut Job<'_, E>) {
    let Product { m, k, n, .. } = *job.shape;
    let width = NV * V::LANES;
    for column in (0..n).step_by(NC) {
        let columns = NC.min(n - column);
        for block in (0..k).step_by(KC) {
            let terms = KC.min(k - block);
            pack::<V>(job.shape, job.b, column, columns, block, terms, width, job.scratch);
            for row in (0..m).step_by(MC) {
                for j in (column..column + columns).step_by(width) {
                    panel::<V, E, NV>(job, row, MC.min(m - row), column, j, block, terms);
                }
            }
        }
    }
}

/// The columns `j ..` of one tile's width for the rows `row .. row + count` and one block of the sum.
#[inline(always)]
fn panel<V: Vector, E: Map<1>, const NV: usize>(
    job: &mut Job<'_, E>,
    row: usize,
    count: usize,
    column: usize,
    j: usize,
    block: usize,
    terms: usize,
) {
    let shape = job.shape;
    let tile_columns = NV * V::LANES;
    let width = tile_columns.min(shape.n - j);
    let last = block + terms == shape.k;
    let (b, b_stride) = if shape.packs(tile_columns) {
        (&job.scratch[(j - column) * terms..], tile_columns)
    } else {
        (&job.b[block * shape.n + j..], shape.n)
    };
    let tile = Tile {
        a: &job.a[row * shape.a_row_stride + block * shape.a_column_stride..],
        a_row_stride: shape.a_row_stride,
        a_column_stride: shape.a_column_stride,
        b,
        b_stride,
        terms,
        width,
        c_stride: shape.n,
        add: shape.accumulate || block > 0,
        bias: if last { job.bias.map(|bias| &bias[j..j + width]) } else { None },
    };
    let c = &mut job.c[row * shape.n + j..];
    if width <= V::LANES {
        rows::<V, 1>(&tile, count, c);
    } else {
        rows::<V, NV>(&tile, count, c);
    }
    if last {
        for i in 0..count {
            for value in &mut c[i * shape.n..i * shape.n + width] {
                *value = job.epilogue.at([*value]);
            }
        }
    }
}

/// Copies the block's rows `block ..` into panels of `width` columns. The end of the last panel keeps old values, unused.
#[inline(always)]
fn pack<V: Vector>(
    shape: &Product,
    b: &[f32],
    column: usize,
    columns: usize,
    block: usize,
    terms: usize,
    width: usize,
    scratch: &mut [f32],
) {
    if !shape.packs(width) {
        return;
    }
    let end = column + columns;
    for (panel, j) in (column..end).step_by(width).enumerate() {
        let filled = width.min(end - j);
        let panel = &mut scratch[panel * terms * width..][..terms * width];
        match shape.b {
            Right::Plain => {
                for (p, line) in panel.chunks_exact_mut(width).enumerate() {
                    let from = (block + p) * shape.n + j;
                    line[..filled].copy_from_slice(&b[from..from + filled]);
                }
            }
            Right::Transposed => {
                transpose::<V>(&b[j * shape.k + block..], shape.k, filled, terms, panel, width);
            }
        }
    }
}

/// `to[p · width + j] = from[j · stride + p]` for `j < columns`, `p < terms`, in squares that stay in the cache.
#[inline(always)]
fn transpose<V: Vector>(
    from: &[f32],
    stride: usize,
    columns: usize,
    terms: usize,
    to: &mut [f32],
    width: usize,
) {
    const SIDE: usize = 8;
    let (square_columns, square_terms) = (columns - columns % SIDE, terms - terms % SIDE);
    for p in (0..square_terms).step_by(SIDE) {
        for j in (0..square_columns).step_by(SIDE) {
            let (first, end) = (j * stride + p, (j + SIDE - 1) * stride + p + SIDE);
            let source = &from[first..end];
            let target = &mut to[p * width + j..(p + SIDE - 1) * width + j + SIDE];
            // SAFETY: both slices end with the last element of the square; instructions: inlined into `dispatch` for `V`.
            #[allow(unsafe_code)]
            unsafe {
                V::transpose_square(source.as_ptr(), stride, target.as_mut_ptr(), width);
            }
        }
        for j in square_columns..columns {
            for term in p..p + SIDE {
                to[term * width + j] = from[j * stride + term];
            }
        }
    }
    for term in square_terms..terms {
        for j in 0..columns {
            to[term * width + j] = from[j * stride + term];
        }
    }
}

/// `out[column] = Σ rows[..][column]` of n columns of a row-major matrix of m rows, `stride` apart: the gradient of a bias.
///
/// # Numerics
/// The bits of the product of a row of ones with the matrix: chains over blocks of [`KC`] rows.
///
/// # Panics
/// When `rows` is shorter than m·n or `out` than n.
#[inline]
pub fn sum_rows(level: Level, m: usize, n: usize, stride: usize, rows: &[f32], out: &mut [f32]) {
    let end = m.checked_sub(1).map_or(0, |last| last.saturating_mul(stride).saturating_add(n));
    assert!(rows.len() >= end, "sum_rows: the matrix is too short");
    assert!(out.len() >= n, "sum_rows: the output is too short");
    dispatch(level, SumRows { m, n, stride, rows, out });
}

struct SumRows<'a> {
    m: usize,
    n: usize,
    stride: usize,
    rows: &'a [f32],
    out: &'a mut [f32],
}

impl Kernel for SumRows<'_> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        const WIDTH: usize = 32;
        let (m, n, stride) = (self.m, self.n, self.stride);
        let whole = n - n % WIDTH;
        for j in (0..whole).step_by(WIDTH) {
            let sums = column_sums::<WIDTH>(m, stride, self.rows, j);
            self.out[j..j + WIDTH].copy_from_slice(&sums);
        }
        let mut j = whole;
        while j + 4 <= n {
            self.out[j..j + 4].copy_from_slice(&column_sums::<4>(m, stride, self.rows, j));
            j += 4;
        }
        for j in j..n {
            self.out[j] = column_sums::<1>(m, stride, self.rows, j)[0];
        }
    }
}

#[inline(always)]
fn column_sums<const W: usize>(m: usize, stride: usize, rows: &[f32], j: usize) -> [f32; W] {
    let mut total = [0.0; W];
    for block in (0..m).step_by(KC) {
        let mut sums = [0.0; W];
        for i in block..m.min(block + KC) {
            let row = &rows[i * stride + j..i * stride + j + W];
            for lane in 0..W {
                sums[lane] += row[lane];
            }
        }
        for lane in 0..W {
            total[lane] = if block == 0 { sums[lane] } else { total[lane] + sums[lane] };
        }
    }
    total
}
