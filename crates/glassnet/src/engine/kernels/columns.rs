//! Sixteen rows of a matrix as columns: the rows stand side by side in lanes, so that a chain over a row's elements is
//! one chain of whole registers.
//!
//! # Safety
//! As in [`vector`](super::vector): a function of an instruction set's type may only be called inside
//! [`dispatch`](super::dispatch) of that level.

use super::dispatch::{Kernel, Level, Set, dispatch};
use super::vector::Lanes8;

/// How many rows stand side by side.
pub(in crate::engine) const LANES: usize = 16;

/// A number for each of [`LANES`] rows.
pub(in crate::engine) type Lanes = [f32; LANES];

/// Changes between rows and columns, in the registers of one instruction set.
#[allow(unsafe_code)]
pub(in crate::engine) trait Columns: Copy {
    /// The first `count` elements (at most [`LANES`]), zeros after them; touches no others.
    unsafe fn load_part(from: *const f32, count: usize) -> Lanes;
    /// Stores the first `count` elements (at most [`LANES`]); touches no others.
    unsafe fn store_part(lanes: &Lanes, to: *mut f32, count: usize);
    /// Turns a square of 16 rows into its 16 columns, or back.
    unsafe fn transpose(square: &[Lanes; LANES]) -> [Lanes; LANES];
    /// Turns 16 rows of two elements that follow each other in memory into two columns.
    unsafe fn split2(flat: &[Lanes; 2]) -> [Lanes; 2];
    /// Undoes [`Columns::split2`].
    unsafe fn join2(columns: &[Lanes; 2]) -> [Lanes; 2];
    /// Turns 16 rows of four elements that follow each other in memory into four columns.
    unsafe fn split4(flat: &[Lanes; 4]) -> [Lanes; 4];
    /// Undoes [`Columns::split4`].
    unsafe fn join4(columns: &[Lanes; 4]) -> [Lanes; 4];
}

/// A computation that is compiled for each instruction set with its [`Columns`].
pub(in crate::engine) trait ColumnKernel {
    type Output;
    /// Must be `#[inline(always)]`, as [`Kernel::run`]. The caller runs it inside the level of `C`.
    fn run<C: Columns>(self) -> Self::Output;
}

/// Runs the copy of `kernel` that was compiled for `level`.
#[inline(always)]
pub(in crate::engine) fn dispatch_columns<K: ColumnKernel>(level: Level, kernel: K) -> K::Output {
    match level.set() {
        Set::Portable => dispatch(level, With::<K, Lanes8>(kernel, std::marker::PhantomData)),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => {
            dispatch(level, With::<K, std::arch::x86_64::__m256>(kernel, std::marker::PhantomData))
        }
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => {
            dispatch(level, With::<K, std::arch::x86_64::__m512>(kernel, std::marker::PhantomData))
        }
    }
}

struct With<K, C>(K, std::marker::PhantomData<C>);

impl<K: ColumnKernel, C: Columns> Kernel for With<K, C> {
    type Output = K::Output;

    #[inline(always)]
    fn run(self) -> K::Output {
        self.0.run::<C>()
    }
}

#[inline(always)]
fn split<const N: usize>(flat: &[Lanes; N]) -> [Lanes; N] {
    let mut columns = [[0.0; LANES]; N];
    for row in 0..LANES {
        for column in 0..N {
            let at = row * N + column;
            columns[column][row] = flat[at / LANES][at % LANES];
        }
    }
    columns
}

#[inline(always)]
fn join<const N: usize>(columns: &[Lanes; N]) -> [Lanes; N] {
    let mut flat = [[0.0; LANES]; N];
    for row in 0..LANES {
        for column in 0..N {
            let at = row * N + column;
            flat[at / LANES][at % LANES] = columns[column][row];
        }
    }
    flat
}

#[allow(unsafe_code)]
impl Columns for Lanes8 {
    #[inline(always)]
    unsafe fn load_part(from: *const f32, count: usize) -> Lanes {
        let mut lanes = [0.0; LANES];
        for lane in 0..count.min(LANES) {
            // SAFETY: the caller's promise.
            lanes[lane] = unsafe { *from.add(lane) };
        }
        lanes
    }

    #[inline(always)]
    unsafe fn store_part(lanes: &Lanes, to: *mut f32, count: usize) {
        for lane in 0..count.min(LANES) {
            // SAFETY: the caller's promise.
            unsafe { *to.add(lane) = lanes[lane] };
        }
    }

    #[inline(always)]
    unsafe fn transpose(square: &[Lanes; LANES]) -> [Lanes; LANES] {
        split(square)
    }

    #[inline(always)]
    unsafe fn split2(flat: &[Lanes; 2]) -> [Lanes; 2] {
        split(flat)
    }

    #[inline(always)]
    unsafe fn join2(columns: &[Lanes; 2]) -> [Lanes; 2] {
        join(columns)
    }

    #[inline(always)]
    unsafe fn split4(flat: &[Lanes; 4]) -> [Lanes; 4] {
        split(flat)
    }

    #[inline(always)]
    unsafe fn join4(columns: &[Lanes; 4]) -> [Lanes; 4] {
        join(columns)
    }
}

#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod tests {
    use super::*;

    struct Case;

    impl ColumnKernel for Case {
        type Output = ();

        #[inline(always)]
        fn run<C: Columns>(self) {
            let flat: Vec<f32> = (0..LANES * LANES).map(|i| i as f32).collect();
            let rows = |n: usize| flat[n * LANES..(n + 1) * LANES].try_into().unwrap();
            let square: [Lanes; LANES] = std::array::from_fn(rows);
            let (two, four) = (std::array::from_fn(rows), std::array::from_fn(rows));
            // SAFETY: inside the level of `C`; the pointers are valid for what is asked.
            #[allow(unsafe_code)]
            unsafe {
                assert_eq!(C::transpose(&square), split(&square));
                assert_eq!(C::split2(&two), split(&two));
                assert_eq!(C::join2(&C::split2(&two)), two);
                assert_eq!(C::split4(&four), split(&four));
                assert_eq!(C::join4(&C::split4(&four)), four);
                for count in 0..=LANES {
                    let part = C::load_part(flat.as_ptr().add(1), count);
                    for lane in 0..LANES {
                        assert_eq!(part[lane], if lane < count { lane as f32 + 1.0 } else { 0.0 });
                    }
                    let mut to = [-1.0; LANES + 1];
                    C::store_part(&square[1], to.as_mut_ptr(), count);
                    for lane in 0..=LANES {
                        assert_eq!(to[lane], if lane < count { lane as f32 + 16.0 } else { -1.0 });
                    }
                }
            }
        }
    }

    #[test]
    fn rows_become_columns_and_back_on_every_level() {
        Level::supported().for_each(|level| dispatch_columns(level, Case));
    }
}
