//! Elementwise loops over slices.
//!
//! # Safety
//! Each kernel is made from slices and run by [`dispatch_lanes`], inside the level of its lanes.

use std::array::from_fn;

use super::dispatch::Level;
use super::lanes::{LANES, Lanes, LanesKernel, dispatch_lanes};

/// One element of an elementwise function of `N` slices.
///
/// `at` must be `#[inline(always)]`, branch-free (selects are fine) and made of exact operations, `mul_add` and the
/// functions of [`math::elementary`](crate::math::elementary); then [`map`] vectorises it.
///
/// ```
/// use glassnet::engine::kernels::{Level, Map, map};
///
/// #[derive(Clone, Copy)]
/// struct LeakyRelu { slope: f32 }
/// impl Map<1> for LeakyRelu {
///     #[inline(always)]
///     fn at(&self, [x]: [f32; 1]) -> f32 {
///         if x > 0.0 { x } else { self.slope * x }
///     }
/// }
///
/// let mut y = [0.0; 3];
/// map(Level::detect(), &LeakyRelu { slope: 0.5 }, [&[-2.0, 0.0, 3.0]], &mut y);
/// assert_eq!(y, [-1.0, 0.0, 3.0]);
/// ```
pub trait Map<const N: usize>: Copy {
    /// The output's element from the inputs' elements at the same place.
    fn at(&self, inputs: [f32; N]) -> f32;
}

/// One element of a pass that reads `S` shared slices and rewrites `M` others, as an optimiser's step does.
///
/// The demands on `at` are those of [`Map`].
///
/// ```
/// use glassnet::engine::kernels::{Level, Sweep, sweep};
///
/// /// SGD with momentum: v ← µ v + g, w ← w − η v.
/// #[derive(Clone, Copy)]
/// struct Momentum { rate: f32, momentum: f32 }
/// impl Sweep<1, 2> for Momentum {
///     #[inline(always)]
///     fn at(&self, [g]: [f32; 1], [w, v]: [f32; 2]) -> [f32; 2] {
///         let v = self.momentum * v + g;
///         [w - self.rate * v, v]
///     }
/// }
///
/// let (mut w, mut v) = ([1.0], [0.0]);
/// sweep(Level::detect(), &Momentum { rate: 0.5, momentum: 0.9 }, [&[1.0]], [&mut w, &mut v]);
/// assert_eq!((w, v), ([0.5], [1.0]));
/// ```
pub trait Sweep<const S: usize, const M: usize>: Copy {
    /// The new elements of the rewritten slices from the shared and the old ones at the same place.
    fn at(&self, shared: [f32; S], own: [f32; M]) -> [f32; M];
}

/// `out[i] = body.at(inputs[..][i])`.
///
/// # Panics
/// When the slices differ in length.
#[inline]
pub fn map<const N: usize, B: Map<N>>(
    level: Level,
    body: &B,
    inputs: [&[f32]; N],
    out: &mut [f32],
) {
    for input in inputs {
        assert_eq!(input.len(), out.len(), "map: slices of different length");
    }
    let kernel = MapKernel {
        body,
        len: out.len(),
        inputs: inputs.map(<[f32]>::as_ptr),
        out: out.as_mut_ptr(),
    };
    dispatch_lanes(level, kernel);
}

/// `own[..][i] = body.at(shared[..][i], own[..][i])`; with one slice in `own`, an in-place map.
///
/// # Panics
/// When the slices differ in length.
#[inline]
pub fn sweep<const S: usize, const M: usize, B: Sweep<S, M>>(
    level: Level,
    body: &B,
    shared: [&[f32]; S],
    own: [&mut [f32]; M],
) {
    let len = own.first().map_or(0, |slice| slice.len());
    for other in shared.iter().map(|slice| slice.len()).chain(own.iter().map(|slice| slice.len())) {
        assert_eq!(other, len, "sweep: slices of different length");
    }
    let kernel = SweepKernel {
        body,
        len,
        shared: shared.map(<[f32]>::as_ptr),
        own: own.map(<[f32]>::as_mut_ptr),
    };
    dispatch_lanes(level, kernel);
}

/// The slices of a [`map`] as pointers, each valid for `len` elements.
struct MapKernel<'a, const N: usize, B> {
    body: &'a B,
    len: usize,
    inputs: [*const f32; N],
    out: *mut f32,
}

impl<const N: usize, B: Map<N>> LanesKernel for MapKernel<'_, N, B> {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: the caller's promise; the pointers come from slices of this length.
        unsafe { map_inner::<L, N, B>(self.body, self.len, self.inputs, self.out) };
    }
}

/// [`map`] without dispatch and over pointers.
///
/// # Safety
/// To be called inside the level of `L`; each pointer is valid for `len` elements, and `out` overlaps no other.
#[inline(always)]
#[allow(unsafe_code)]
pub(in crate::engine) unsafe fn map_inner<L: Lanes, const N: usize, B: Map<N>>(
    body: &B,
    len: usize,
    inputs: [*const f32; N],
    out: *mut f32,
) {
    // A copy of its own: behind a reference, its numbers might be changed by the loop, for all the compiler knows.
    let body = *body;
    let whole = len - len % LANES;
    for i in 0..whole {
        // SAFETY: i < whole ≤ len.
        unsafe { *out.add(i) = body.at(from_fn(|n| *inputs[n].add(i))) };
    }
    if whole < len {
        let count = len - whole;
        // Through registers: `count` elements follow `whole` ones.
        let (mut rest, mut block) = ([[0.0; LANES]; N], [0.0; LANES]);
        for n in 0..N {
            // SAFETY: the caller's promise.
            rest[n] = unsafe { L::load_pieces(inputs[n].add(whole), count).array() };
        }
        for lane in 0..LANES {
            block[lane] = body.at(from_fn(|n| rest[n][lane]));
        }
        // SAFETY: as above.
        unsafe { L::load(block.as_ptr()).store_pieces(out.add(whole), count) };
    }
}

struct SweepKernel<'a, const S: usize, const M: usize, B> {
    body: &'a B,
    len: usize,
    shared: [*const f32; S],
    own: [*mut f32; M],
}

impl<const S: usize, const M: usize, B: Sweep<S, M>> LanesKernel for SweepKernel<'_, S, M, B> {
    type Output = ();

    #[inline(always)]
    #[allow(unsafe_code)]
    unsafe fn run<L: Lanes>(self) {
        // SAFETY: the caller's promise; the pointers come from slices of this length.
        unsafe { sweep_inner::<L, S, M, B>(self.body, self.len, self.shared, self.own) };
    }
}

/// [`sweep`] without dispatch and over pointers.
///
/// # Safety
/// To be called inside the level of `L`; each pointer is valid for `len` elements, and those of `own` overlap no other.
#[inline(always)]
#[allow(unsafe_code)]
pub(in crate::engine) unsafe fn sweep_inner<L: Lanes, const S: usize, const M: usize, B>(
    body: &B,
    len: usize,
    shared: [*const f32; S],
    own: [*mut f32; M],
) where
    B: Sweep<S, M>,
{
    // A copy of its own, as in `map_inner`.
    let body = *body;
    let whole = len - len % LANES;
    for i in 0..whole {
        // SAFETY: i < whole ≤ len.
        unsafe {
            let read = from_fn(|s| *shared[s].add(i));
            let fresh = body.at(read, from_fn(|m| *own[m].add(i)));
            for m in 0..M {
                *own[m].add(i) = fresh[m];
            }
        }
    }
    if whole < len {
        let count = len - whole;
        // Through registers: `count` elements follow `whole` ones.
        let (mut inputs, mut old) = ([[0.0; LANES]; S], [[0.0; LANES]; M]);
        for s in 0..S {
            // SAFETY: the caller's promise.
            inputs[s] = unsafe { L::load_pieces(shared[s].add(whole), count).array() };
        }
        for m in 0..M {
            // SAFETY: as above.
            old[m] = unsafe { L::load_pieces(own[m].add(whole), count).array() };
        }
        for lane in 0..LANES {
            let fresh = body.at(from_fn(|s| inputs[s][lane]), from_fn(|m| old[m][lane]));
            for m in 0..M {
                old[m][lane] = fresh[m];
            }
        }
        for m in 0..M {
            // SAFETY: as above.
            unsafe { L::load(old[m].as_ptr()).store_pieces(own[m].add(whole), count) };
        }
    }
}
