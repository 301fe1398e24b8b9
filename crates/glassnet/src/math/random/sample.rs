//! Words become numbers, orders and masks.

use super::Stream;
use crate::error::{Error, Result};

/// Words drawn at once: a kilobyte of stack.
const CHUNK: usize = 256;

impl Stream {
    /// Uniform over [0, 1): the high 24 bits of a word, times 2⁻²⁴.
    pub fn uniform_f32(&mut self) -> f32 {
        unit_f32(self.next_u32())
    }

    /// Uniform over [0, 1): the high 53 bits of two words, times 2⁻⁵³.
    pub fn uniform_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// A normal deviate of mean 0 and deviation 1: `√(−2 ln(1 − u₁))·cos 2πu₂` in f64 from two
    /// [`uniform_f64`](Self::uniform_f64).
    ///
    /// # Source
    /// G. E. P. Box and M. E. Muller, *A note on the generation of random normal deviates*, Ann. Math. Statist. 29
    /// (1958). The sine of the pair is not used, so that each deviate takes exactly four words.
    pub fn normal(&mut self) -> f64 {
        let height = self.uniform_f64();
        let turn = self.uniform_f64();
        (-2.0 * libm::log1p(-height)).sqrt() * libm::cos(std::f64::consts::TAU * turn)
    }

    /// Fills `out` with deviates uniform over [0, 1), as by [`uniform_f32`](Self::uniform_f32).
    pub fn fill_uniform(&mut self, out: &mut [f32]) {
        self.fill_with(out, unit_f32);
    }

    /// Fills `out` with `mean + std·`[`normal`](Self::normal), rounded once from f64.
    pub fn fill_normal(&mut self, out: &mut [f32], mean: f64, std: f64) {
        for value in out {
            *value = (mean + std * self.normal()) as f32;
        }
    }

    /// An integer uniform over `0..bound`, without the bias of `%`; 0 for a bound of 0.
    ///
    /// The high half of `word·bound`, drawn again while the low half falls below `2ᵏ mod bound`; words of k = 32
    /// bits for bounds below 2³², else of 64.
    ///
    /// # Source
    /// D. Lemire, *Fast random integer generation in an interval*, ACM TOMACS 29 (2019), algorithm 5.
    pub fn below(&mut self, bound: u64) -> u64 {
        if bound <= 1 {
            return 0;
        }
        if let Ok(bound) = u32::try_from(bound) {
            u64::from(self.below_u32(bound))
        } else {
            self.below_u64(bound)
        }
    }

    fn below_u32(&mut self, bound: u32) -> u32 {
        let mut product = u64::from(self.next_u32()) * u64::from(bound);
        if (product as u32) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u32) < threshold {
                product = u64::from(self.next_u32()) * u64::from(bound);
            }
        }
        (product >> 32) as u32
    }

    fn below_u64(&mut self, bound: u64) -> u64 {
        let mut product = u128::from(self.next_u64()) * u128::from(bound);
        if (product as u64) < bound {
            let threshold = bound.wrapping_neg() % bound;
            while (product as u64) < threshold {
                product = u128::from(self.next_u64()) * u128::from(bound);
            }
        }
        (product >> 64) as u64
    }

    /// Shuffles `items` so that every order is equally likely.
    ///
    /// # Source
    /// D. E. Knuth, *The Art of Computer Programming* 2, section 3.4.2, algorithm P (Fisher and Yates): from the
    /// last place down, each place swaps with one [`below`](Self::below) or at it.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let chosen = self.below(last as u64 + 1) as usize;
            items.swap(last, chosen);
        }
    }

    /// The numbers `0..n`, shuffled.
    pub fn permutation(&mut self, n: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..n).collect();
        self.shuffle(&mut order);
        order
    }

    /// Fills `out` with a dropout mask: 0 with probability `p`, else `1/(1 − p)`, so that the mean is 1.
    ///
    /// Element `i` takes word `position + i` and is kept when the word is at least `p·2³²`, rounded: after
    /// [`seek`](Self::seek) any part of a mask can be made alone, on any thread. `p = 1` drops everything.
    ///
    /// # Errors
    /// When `p` is not between 0 and 1; `out` is unchanged then.
    ///
    /// # Source
    /// <https://pytorch.org/docs/stable/generated/torch.nn.Dropout.html> (the mask's meaning; the numbers are ours).
    ///
    /// # Example
    /// ```
    /// use glassnet::math::random::{DROPOUT, Stream};
    /// let mut mask = [0.0; 6];
    /// Stream::at(0, DROPOUT, 17).fill_keep_mask(&mut mask, 0.5)?;
    /// assert!(mask.iter().all(|&factor| factor == 0.0 || factor == 2.0));
    /// # Ok::<(), glassnet::Error>(())
    /// ```
    pub fn fill_keep_mask(&mut self, out: &mut [f32], p: f64) -> Result<()> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::usage(format!(
                "dropout probability has to be between 0 and 1, but got {p}"
            )));
        }
        let dropped_below = (p * 4_294_967_296.0).round() as u64;
        let Ok(dropped_below) = u32::try_from(dropped_below) else {
            // Probability 1 within 2⁻³³. The words count all the same, so that positions do not depend on `p`.
            out.fill(0.0);
            self.seek(self.position().wrapping_add(out.len() as u64));
            return Ok(());
        };
        let kept = 1.0 / (1.0 - p) as f32;
        self.fill_with(out, |word| if word >= dropped_below { kept } else { 0.0 });
        Ok(())
    }

    fn fill_with(&mut self, out: &mut [f32], convert: impl Fn(u32) -> f32) {
        let mut words = [[0; 4]; CHUNK];
        for part in out.chunks_mut(CHUNK) {
            let words = &mut words[..part.len()];
            self.fill_words(words);
            for (value, word) in part.iter_mut().zip(words) {
                *value = convert(u32::from_le_bytes(*word));
            }
        }
    }
}

fn unit_f32(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / 16_777_216.0)
}
