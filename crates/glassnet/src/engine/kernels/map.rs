//! Elementwise loops over slices.

use std::array::from_fn;
use std::hint::black_box;

use super::dispatch::{Kernel, Level, dispatch};

/// Elements that are computed together: a whole AVX-512 register.
const LANES: usize = 16;

/// One element of an elementwise function of `N` slices.
///
/// `at` must be `#[inline(always)]`, branch-free (selects are fine) and made of exact operations, `mul_add` and the
/// functions of [`math::elementary`](crate::math::elementary); then [`map`] vectorises it.
///
/// ```
/// use glassnet::engine::kernels::{Level, Map, map};
///
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
pub trait Map<const N: usize> {
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
pub trait Sweep<const S: usize, const M: usize> {
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
    dispatch(level, MapKernel { body, inputs, out });
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
    dispatch(level, SweepKernel { body, shared, own });
}

struct MapKernel<'a, const N: usize, B> {
    body: &'a B,
    inputs: [&'a [f32]; N],
    out: &'a mut [f32],
}

impl<const N: usize, B: Map<N>> Kernel for MapKernel<'_, N, B> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let len = self.out.len();
        let inputs = self.inputs.map(|input| &input[..len]);
        let whole = len - len % LANES;
        // A bounds check in the loop would keep the compiler from vectorising it.
        for i in 0..whole {
            // SAFETY: i < whole ≤ len, the length of every slice.
            #[allow(unsafe_code)]
            unsafe {
                let fresh = self.body.at(from_fn(|n| *inputs[n].get_unchecked(i)));
                *self.out.get_unchecked_mut(i) = fresh;
            }
        }
        let rest = &mut self.out[whole..];
        if !rest.is_empty() {
            let block = map_block(self.body, from_fn(|n| padded(&inputs[n][whole..])));
            rest.copy_from_slice(&block[..rest.len()]);
        }
    }
}

struct SweepKernel<'a, const S: usize, const M: usize, B> {
    body: &'a B,
    shared: [&'a [f32]; S],
    own: [&'a mut [f32]; M],
}

impl<const S: usize, const M: usize, B: Sweep<S, M>> Kernel for SweepKernel<'_, S, M, B> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let len = self.own.first().map_or(0, |slice| slice.len());
        let whole = len - len % LANES;
        let (body, shared) = (self.body, self.shared.map(|slice| &slice[..len]));
        let mut own = self.own.map(|slice| &mut slice[..len]);
        // The compiler proves by comparing addresses that slices don't overlap; beyond 8 comparisons it gives up, and
        // copying through blocks helps it.
        if M * M.saturating_sub(1) / 2 + M * S <= 8 {
            for i in 0..whole {
                // SAFETY: i < whole ≤ len, the length of every slice.
                #[allow(unsafe_code)]
                unsafe {
                    let read = from_fn(|s| *shared[s].get_unchecked(i));
                    let fresh = body.at(read, from_fn(|m| *own[m].get_unchecked(i)));
                    for m in 0..M {
                        *own[m].get_unchecked_mut(i) = fresh[m];
                    }
                }
            }
        } else {
            for start in (0..whole).step_by(LANES) {
                // Hides the index: vectorise within blocks, not (with gathers) across them.
                let start = black_box(start);
                sweep_block(body, shared, &mut own, start, LANES);
            }
        }
        if whole < len {
            sweep_block(body, shared, &mut own, whole, len - whole);
        }
    }
}

#[inline(always)]
fn map_block<const N: usize, B: Map<N>>(body: &B, inputs: [[f32; LANES]; N]) -> [f32; LANES] {
    let mut out = [0.0; LANES];
    for lane in 0..LANES {
        out[lane] = body.at(from_fn(|n| inputs[n][lane]));
    }
    out
}

/// The elements `start .. start + count` through local arrays; `count` is at most [`LANES`].
#[inline(always)]
fn sweep_block<const S: usize, const M: usize, B: Sweep<S, M>>(
    body: &B,
    shared: [&[f32]; S],
    own: &mut [&mut [f32]; M],
    start: usize,
    count: usize,
) {
    let inputs: [_; S] = from_fn(|s| padded(&shared[s][start..start + count]));
    let old: [_; M] = from_fn(|m| padded(&own[m][start..start + count]));
    let mut new = [[0.0; LANES]; M];
    for lane in 0..LANES {
        let fresh = body.at(from_fn(|s| inputs[s][lane]), from_fn(|m| old[m][lane]));
        for m in 0..M {
            new[m][lane] = fresh[m];
        }
    }
    for m in 0..M {
        own[m][start..start + count].copy_from_slice(&new[m][..count]);
    }
}

/// Fewer than [`LANES`] elements, filled up with zeros, so that the end of a slice takes the same code.
#[inline(always)]
fn padded(rest: &[f32]) -> [f32; LANES] {
    let mut block = [0.0; LANES];
    block[..rest.len()].copy_from_slice(rest);
    block
}
