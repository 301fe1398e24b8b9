//! Sixteen numbers side by side: one for each of sixteen rows, so that a chain over a row's elements is a chain of whole
//! registers, and sixteen rows turned into columns and back.
//!
//! Arithmetic is spelled out in registers because the compiler, left to vectorise loops over arrays, sometimes chooses
//! to gather across them. Functions of [`math::elementary`](crate::math::elementary) keep their one scalar body: see
//! [`Lanes::map`].
//!
//! # Safety
//! As in [`vector`](super::vector), the instructions are those of one level. A value of the type is the proof of being
//! inside [`dispatch`](super::dispatch) of that level: what makes one from nothing is `unsafe`, what needs one is not.

use super::dispatch::{Kernel, Level, Set, dispatch};
use super::vector::Lanes8;

/// How many numbers stand side by side.
pub(in crate::engine) const LANES: usize = 16;

/// A number for each of [`LANES`] rows, in the registers of one instruction set.
#[allow(unsafe_code)]
pub(in crate::engine) trait Lanes: Copy {
    /// The same number in every lane.
    unsafe fn splat(value: f32) -> Self;
    /// [`LANES`] numbers.
    unsafe fn load(from: *const f32) -> Self;
    /// The first `count` numbers (at most [`LANES`]), zeros after them; touches no others.
    unsafe fn load_part(from: *const f32, count: usize) -> Self;
    /// Stores [`LANES`] numbers.
    unsafe fn store(self, to: *mut f32);
    /// Stores the first `count` numbers (at most [`LANES`]); touches no others.
    unsafe fn store_part(self, to: *mut f32, count: usize);

    /// As [`Lanes::load_part`], in pieces of 8, 4, 2 and 1 numbers. A processor hands on what [`Lanes::store_pieces`]
    /// has just stored to a load of the same pieces, but neither from a masked store nor to a load that reaches further.
    unsafe fn load_pieces(from: *const f32, count: usize) -> Self;
    /// As [`Lanes::store_part`], in pieces of 8, 4, 2 and 1 numbers.
    unsafe fn store_pieces(self, to: *mut f32, count: usize);

    /// [`LANES`] class numbers, which fit an `i32`, as floats; −1 where a number is `ignored`.
    unsafe fn load_classes(from: *const i64, ignored: i64) -> Self;

    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    fn times(self, other: Self) -> Self;
    fn over(self, other: Self) -> Self;
    /// `self · factor + term`, rounded once.
    fn mul_add(self, factor: Self, term: Self) -> Self;
    /// The other sign, also of NaN and zeros.
    fn negative(self) -> Self;
    /// 0 where it is below the normal numbers.
    #[inline(always)]
    fn flushed(self) -> Self {
        self.map(
            #[inline(always)]
            |value| if value.abs() < f32::MIN_POSITIVE { 0.0 } else { value },
        )
    }
    /// The square root, correctly rounded.
    #[inline(always)]
    fn root(self) -> Self {
        self.map(f32::sqrt)
    }
    /// The larger; NaN if either is.
    fn larger(self, other: Self) -> Self;
    /// `equal` where `self` equals `other`, else `unequal`; NaN equals nothing.
    fn select_equal(self, other: Self, equal: Self, unequal: Self) -> Self;
    /// +0 in the lanes where `gate <= 0`, else `self`: also where the gate is NaN.
    fn gated(self, gate: Self) -> Self;
    /// The lanes whose bit is set, those of `other` elsewhere.
    fn choose(self, bits: u16, other: Self) -> Self;

    /// The number of a lane for each lane.
    type Places: Copy;
    unsafe fn places(numbers: &[u32; LANES]) -> Self::Places;
    /// Every number increased by `step`.
    unsafe fn further(places: Self::Places, step: u32) -> Self::Places;
    /// In each lane the one that it names; numbers count modulo [`LANES`].
    fn permute(self, places: Self::Places) -> Self;

    /// Turns 16 rows into the 16 columns of their square, or back.
    fn transpose(square: &[Self; LANES]) -> [Self; LANES];
    /// Turns 16 rows of two numbers that follow each other into two columns.
    fn split2(flat: [Self; 2]) -> [Self; 2];
    /// Undoes [`Lanes::split2`].
    fn join2(columns: [Self; 2]) -> [Self; 2];
    /// Turns 16 rows of four numbers that follow each other into four columns.
    fn split4(flat: [Self; 4]) -> [Self; 4];
    /// Undoes [`Lanes::split4`].
    fn join4(columns: [Self; 4]) -> [Self; 4];

    #[inline(always)]
    fn array(self) -> [f32; LANES] {
        let mut array = [0.0; LANES];
        // SAFETY: the array has 16 elements.
        unsafe { self.store(array.as_mut_ptr()) };
        array
    }

    /// `f` of every lane: a loop of fixed length, which the compiler makes one pass over a register. `f` must be
    /// `#[inline(always)]` and without branches, as the functions of `math::elementary` are.
    #[inline(always)]
    fn map(self, f: impl Fn(f32) -> f32) -> Self {
        let (from, mut to) = (self.array(), [0.0; LANES]);
        for lane in 0..LANES {
            to[lane] = f(from[lane]);
        }
        // SAFETY: `self` is the proof of the level.
        unsafe { Self::load(to.as_ptr()) }
    }
}

/// A computation that is compiled for each instruction set with its [`Lanes`].
pub(in crate::engine) trait LanesKernel {
    type Output;
    /// Must be `#[inline(always)]`, as [`Kernel::run`].
    ///
    /// # Safety
    /// To be called inside the level of `L`.
    #[allow(unsafe_code)]
    unsafe fn run<L: Lanes>(self) -> Self::Output;
}

/// The lanes that go with an instruction set's register: for code that is compiled with registers `V` already.
pub(in crate::engine) trait Sixteen {
    /// Them.
    type Lanes: Lanes;
    /// The register's lanes, and zeros where it has fewer.
    #[allow(unsafe_code)]
    unsafe fn widen(self) -> Self::Lanes;
    /// As many of the lanes as the register has.
    #[allow(unsafe_code)]
    unsafe fn narrow(lanes: Self::Lanes) -> Self;
}

#[allow(unsafe_code)]
impl Sixteen for Lanes8 {
    type Lanes = Plain;

    #[inline(always)]
    unsafe fn widen(self) -> Plain {
        let own = self.to_array();
        Plain(std::array::from_fn(|lane| if lane < 8 { own[lane] } else { 0.0 }))
    }

    #[inline(always)]
    unsafe fn narrow(lanes: Plain) -> Self {
        Lanes8::from_array(std::array::from_fn(|lane| lanes.0[lane]))
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
impl Sixteen for std::arch::x86_64::__m256 {
    type Lanes = pair::Pair;

    #[inline(always)]
    unsafe fn widen(self) -> pair::Pair {
        // SAFETY: the caller's promise.
        pair::Pair(self, unsafe { std::arch::x86_64::_mm256_setzero_ps() })
    }

    #[inline(always)]
    unsafe fn narrow(lanes: pair::Pair) -> Self {
        lanes.0
    }
}

#[cfg(target_arch = "x86_64")]
#[allow(unsafe_code)]
impl Sixteen for std::arch::x86_64::__m512 {
    type Lanes = wide::Wide;

    #[inline(always)]
    unsafe fn widen(self) -> wide::Wide {
        wide::Wide(self)
    }

    #[inline(always)]
    unsafe fn narrow(lanes: wide::Wide) -> Self {
        lanes.0
    }
}

/// Runs the copy of `kernel` that was compiled for `level`.
#[inline(always)]
pub(in crate::engine) fn dispatch_lanes<K: LanesKernel>(level: Level, kernel: K) -> K::Output {
    match level.set() {
        Set::Portable => dispatch(level, With::<K, Plain>(kernel, std::marker::PhantomData)),
        #[cfg(target_arch = "x86_64")]
        Set::Avx2 => dispatch(level, With::<K, pair::Pair>(kernel, std::marker::PhantomData)),
        #[cfg(target_arch = "x86_64")]
        Set::Avx512 => dispatch(level, With::<K, wide::Wide>(kernel, std::marker::PhantomData)),
    }
}

struct With<K, L>(K, std::marker::PhantomData<L>);

impl<K: LanesKernel, L: Lanes> Kernel for With<K, L> {
    type Output = K::Output;

    #[inline(always)]
    fn run(self) -> K::Output {
        // SAFETY: `dispatch_lanes` pairs each level with its lanes.
        #[allow(unsafe_code)]
        unsafe {
            self.0.run::<L>()
        }
    }
}

/// The portable lanes.
#[derive(Clone, Copy)]
pub(in crate::engine) struct Plain([f32; LANES]);

impl Plain {
    #[inline(always)]
    fn zip(self, other: Self, f: impl Fn(f32, f32) -> f32) -> Self {
        Plain(std::array::from_fn(|lane| f(self.0[lane], other.0[lane])))
    }
}

fn split<const N: usize>(flat: &[Plain; N]) -> [Plain; N] {
    let mut columns = [Plain([0.0; LANES]); N];
    for at in 0..LANES * N {
        columns[at % N].0[at / N] = flat[at / LANES].0[at % LANES];
    }
    columns
}

fn join<const N: usize>(columns: &[Plain; N]) -> [Plain; N] {
    let mut flat = [Plain([0.0; LANES]); N];
    for at in 0..LANES * N {
        flat[at / LANES].0[at % LANES] = columns[at % N].0[at / N];
    }
    flat
}

#[allow(unsafe_code)]
impl Lanes for Plain {
    unsafe fn splat(value: f32) -> Self {
        Plain([value; LANES])
    }

    unsafe fn load(from: *const f32) -> Self {
        // SAFETY: the caller's promise, here and below.
        Plain(unsafe { from.cast::<[f32; LANES]>().read_unaligned() })
    }

    unsafe fn load_part(from: *const f32, count: usize) -> Self {
        let mut lanes = [0.0; LANES];
        for lane in 0..count.min(LANES) {
            // SAFETY: as above.
            lanes[lane] = unsafe { *from.add(lane) };
        }
        Plain(lanes)
    }

    unsafe fn store(self, to: *mut f32) {
        // SAFETY: as above.
        unsafe { to.cast::<[f32; LANES]>().write_unaligned(self.0) };
    }

    unsafe fn store_part(self, to: *mut f32, count: usize) {
        for lane in 0..count.min(LANES) {
            // SAFETY: as above.
            unsafe { *to.add(lane) = self.0[lane] };
        }
    }

    unsafe fn load_pieces(from: *const f32, count: usize) -> Self {
        // SAFETY: as above.
        unsafe { Self::load_part(from, count) }
    }

    unsafe fn store_pieces(self, to: *mut f32, count: usize) {
        // SAFETY: as above.
        unsafe { self.store_part(to, count) };
    }

    unsafe fn load_classes(from: *const i64, ignored: i64) -> Self {
        // SAFETY: as above.
        let classes = unsafe { from.cast::<[i64; LANES]>().read_unaligned() };
        Plain(classes.map(|class| if class == ignored { -1.0 } else { class as i32 as f32 }))
    }

    fn plus(self, other: Self) -> Self {
        self.zip(other, |a, b| a + b)
    }

    fn minus(self, other: Self) -> Self {
        self.zip(other, |a, b| a - b)
    }

    fn times(self, other: Self) -> Self {
        self.zip(other, |a, b| a * b)
    }

    fn over(self, other: Self) -> Self {
        self.zip(other, |a, b| a / b)
    }

    fn mul_add(self, factor: Self, term: Self) -> Self {
        Plain(std::array::from_fn(|lane| self.0[lane].mul_add(factor.0[lane], term.0[lane])))
    }

    fn negative(self) -> Self {
        Plain(self.0.map(|x| -x))
    }

    fn larger(self, other: Self) -> Self {
        self.zip(other, |a, b| if a > b || a.is_nan() { a } else { b })
    }

    fn select_equal(self, other: Self, equal: Self, unequal: Self) -> Self {
        Plain(std::array::from_fn(|lane| {
            if self.0[lane] == other.0[lane] { equal.0[lane] } else { unequal.0[lane] }
        }))
    }

    fn gated(self, gate: Self) -> Self {
        self.zip(gate, |value, gate| if gate <= 0.0 { 0.0 } else { value })
    }

    fn choose(self, bits: u16, other: Self) -> Self {
        let own = |lane: usize| bits >> lane & 1 == 1;
        Plain(std::array::from_fn(|lane| if own(lane) { self.0[lane] } else { other.0[lane] }))
    }

    type Places = [u32; LANES];

    unsafe fn places(numbers: &[u32; LANES]) -> [u32; LANES] {
        *numbers
    }

    unsafe fn further(places: [u32; LANES], step: u32) -> [u32; LANES] {
        places.map(|number| number.wrapping_add(step))
    }

    fn permute(self, places: [u32; LANES]) -> Self {
        Plain(places.map(|number| self.0[number as usize % LANES]))
    }

    fn transpose(square: &[Self; LANES]) -> [Self; LANES] {
        split(square)
    }

    fn split2(flat: [Self; 2]) -> [Self; 2] {
        split(&flat)
    }

    fn join2(columns: [Self; 2]) -> [Self; 2] {
        join(&columns)
    }

    fn split4(flat: [Self; 4]) -> [Self; 4] {
        split(&flat)
    }

    fn join4(columns: [Self; 4]) -> [Self; 4] {
        join(&columns)
    }
}

#[cfg(target_arch = "x86_64")]
mod pair;
#[cfg(target_arch = "x86_64")]
mod pieces;
#[cfg(target_arch = "x86_64")]
mod wide;

#[cfg(test)]
mod tests;
