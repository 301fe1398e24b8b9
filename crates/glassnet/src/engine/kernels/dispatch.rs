//! Which instruction set the kernels use.

use std::fmt;
use std::marker::PhantomData;

use super::vector::{Lanes8, Vector};

/// An instruction set that this processor has.
///
/// There is no other way to get one than [`Level::detect`] and [`Level::supported`], so a `Level` is a proof that
/// its instructions may be executed.
///
/// ```
/// use glassnet::engine::kernels::Level;
/// let level = Level::detect();
/// assert_eq!(Level::supported().last(), Some(level));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(Set);

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(in crate::engine) enum Set {
    Portable,
    #[cfg(target_arch = "x86_64")]
    Avx2,
    #[cfg(target_arch = "x86_64")]
    Avx512,
}

impl Level {
    /// The level that every processor has. Its fused multiply-adds may be library calls: right, but slow.
    pub const PORTABLE: Level = Level(Set::Portable);

    /// The best level of this processor.
    pub fn detect() -> Level {
        Level::supported().last().unwrap_or(Level::PORTABLE)
    }

    /// All levels of this processor, from the plainest to the best.
    pub fn supported() -> impl Iterator<Item = Level> {
        #[cfg(target_arch = "x86_64")]
        let vector = [(Set::Avx2, has_avx2()), (Set::Avx512, has_avx2() && has_avx512())];
        #[cfg(not(target_arch = "x86_64"))]
        let vector: [(Set, bool); 0] = [];
        let vector = vector.into_iter().filter(|&(_, present)| present).map(|(set, _)| Level(set));
        std::iter::once(Level::PORTABLE).chain(vector)
    }

    /// `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self.0 {
            Set::Portable => "portable",
            #[cfg(target_arch = "x86_64")]
            Set::Avx2 => "avx2",
            #[cfg(target_arch = "x86_64")]
            Set::Avx512 => "avx512",
        }
    }

    #[inline(always)]
    pub(in crate::engine) fn set(self) -> Set {
        self.0
    }
}

#[cfg(target_arch = "x86_64")]
fn has_avx2() -> bool {
    std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma")
}

#[cfg(target_arch = "x86_64")]
fn has_avx512() -> bool {
    std::arch::is_x86_feature_detected!("avx512f")
        && std::arch::is_x86_feature_detected!("avx512vl")
        && std::arch::is_x86_feature_detected!("avx512dq")
        && std::arch::is_x86_feature_detected!("avx512bw")
}

impl fmt::Debug for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A computation that can be compiled for each instruction set: the one place where the copies are made.
///
/// `run` must be `#[inline(always)]`, and so must what it calls in its inner loops; else it is compiled without the
/// vector instructions: still right, but slow.
pub(in crate::engine) trait Kernel {
    /// What the computation gives.
    type Output;
    /// Computes it.
    fn run(self) -> Self::Output;
}

/// A computation that is written for any register width: [`dispatch_vector`] chooses the width and compiles it for the
/// instruction set, [`Vector::enter`] runs kernels of the same set without choosing again.
///
/// `run` must be `#[inline(always)]`, as [`Kernel::run`].
pub(in crate::engine) trait VectorKernel {
    /// What the computation gives.
    type Output;
    /// Computes it.
    ///
    /// # Safety
    /// The processor has the instructions of `V`.
    #[allow(unsafe_code)]
    unsafe fn run<V: Vector>(self) -> Self::Output;
}

/// Runs the copy of `kernel` that was compiled for `level`, with that level's registers.
#[inline(always)]
pub(in crate::engine) fn dispatch_vector<K: VectorKernel>(level: Level, kernel: K) -> K::Output {
    struct With<V, K>(K, PhantomData<V>);
    impl<V: Vector, K: VectorKernel> Kernel for With<V, K> {
        type Output = K::Output;
        #[inline(always)]
        #[allow(unsafe_code)]
        fn run(self) -> K::Output {
            // SAFETY: constructed below only, for a level that the processor has.
            unsafe { self.0.run::<V>() }
        }
    }
    match level.set() {
        Set::Portable => portable(With::<Lanes8, K>(kernel, PhantomData)),
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        // SAFETY: a `Level` of this set exists only where the processor was found to have these features.
        Set::Avx2 => unsafe { avx2(With::<std::arch::x86_64::__m256, K>(kernel, PhantomData)) },
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        // SAFETY: as above.
        Set::Avx512 => unsafe { avx512(With::<std::arch::x86_64::__m512, K>(kernel, PhantomData)) },
    }
}

/// Runs the copy of `kernel` that was compiled for `level`.
#[inline(always)]
pub(in crate::engine) fn dispatch<K: Kernel>(level: Level, kernel: K) -> K::Output {
    match level.set() {
        Set::Portable => portable(kernel),
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        // SAFETY: a `Level` of this set exists only where the processor was found to have these features.
        Set::Avx2 => unsafe { avx2(kernel) },
        #[cfg(target_arch = "x86_64")]
        #[allow(unsafe_code)]
        // SAFETY: as above.
        Set::Avx512 => unsafe { avx512(kernel) },
    }
}

#[inline(never)]
pub(super) fn portable<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx2,fma")]
pub(super) fn avx2<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

#[cfg(target_arch = "x86_64")]
#[inline(never)]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx512bw,avx2,fma")]
pub(super) fn avx512<K: Kernel>(kernel: K) -> K::Output {
    kernel.run()
}

impl Level {
    /// Runs `body` as compiled for this level: the closure, and what it calls in its inner loops, must be
    /// `#[inline(always)]` to profit.
    #[inline(always)]
    pub(crate) fn run<R>(self, body: impl FnOnce() -> R) -> R {
        struct Closure<F>(F);
        impl<R, F: FnOnce() -> R> Kernel for Closure<F> {
            type Output = R;
            #[inline(always)]
            fn run(self) -> R {
                (self.0)()
            }
        }
        dispatch(self, Closure(body))
    }
}
