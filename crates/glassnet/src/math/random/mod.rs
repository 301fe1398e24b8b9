//! Seeded random streams with random access: dropout, shuffling and splitting can be resumed at any step.
//!
//! # How the numbers come about
//! A stream is the ChaCha8 keystream with
//!
//! | input | bytes, little-endian |
//! |---|---|
//! | key | `seed` (8), `step` (8), the letters `glassnet stream1` (16) |
//! | nonce | `stream` (8) |
//! | block counter | from 0; position `n` is the `n`-th 32-bit word |
//!
//! so each (seed, stream, step) names a sequence of its own that needs no replaying. Every conversion below is
//! written out and held by goldens: a seed gives the same numbers in every version and on every machine. Another
//! derivation would get another letter sequence.

mod sample;
#[cfg(test)]
mod tests;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

const DOMAIN: &[u8; 16] = b"glassnet stream1";

/// The stream that orders the rows of an epoch; its step is the epoch.
pub const SHUFFLE: u64 = 1;
/// The stream that splits off validation rows.
pub const SPLIT: u64 = 2;
/// The stream of the first dropout layer; layer `n` in order uses `DROPOUT + n`. Its step is the training step.
pub const DROPOUT: u64 = 1 << 32;

/// A seeded sequence of random words, addressed by seed, stream and step.
///
/// # Example
/// ```
/// use glassnet::math::random::{SHUFFLE, Stream};
/// let epoch = 3;
/// let order = Stream::at(0, SHUFFLE, epoch).permutation(1000);
/// // Resuming in epoch 3 needs nothing of epochs 0 to 2.
/// assert_eq!(order, Stream::at(0, SHUFFLE, epoch).permutation(1000));
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    words: ChaCha8Rng,
    position: u64,
}

impl Stream {
    /// The sequence `stream` of `seed` at step 0.
    pub fn new(seed: u64, stream: u64) -> Self {
        Stream::at(seed, stream, 0)
    }

    /// The sequence `stream` of `seed` at `step` (an epoch, a training step): independent of every other step's.
    pub fn at(seed: u64, stream: u64, step: u64) -> Self {
        let mut key = [0; 32];
        key[..8].copy_from_slice(&seed.to_le_bytes());
        key[8..16].copy_from_slice(&step.to_le_bytes());
        key[16..].copy_from_slice(DOMAIN);
        let mut words = ChaCha8Rng::from_seed(key);
        words.set_stream(stream);
        Stream { words, position: 0 }
    }

    /// How many 32-bit words were drawn.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Continues at the 32-bit word `position`, without replaying.
    pub fn seek(&mut self, position: u64) {
        self.words.set_word_pos(u128::from(position));
        self.position = position;
    }

    /// The next 32 bits.
    pub fn next_u32(&mut self) -> u32 {
        self.position = self.position.wrapping_add(1);
        self.words.next_u32()
    }

    /// The next 64 bits: the first word is the low half.
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        low | u64::from(self.next_u32()) << 32
    }

    /// The next words in bulk; the fast way to many of them. Each element takes one.
    fn fill_words(&mut self, bytes: &mut [[u8; 4]]) {
        self.position = self.position.wrapping_add(bytes.len() as u64);
        self.words.fill_bytes(bytes.as_flattened_mut());
    }
}
