//! A hash that tells whether two tables hold the same cells.

use crate::word;

/// A hash of 64 bits over cells, eight bytes at a time: each word is mixed in by an exclusive or and an odd factor, as in FNV-1a,
/// and the high half folded onto the low one. The end of a cell is a word of its own sort that holds the bytes left over and
/// how many they are, so that `ab,c` and `a,bc` differ.
///
/// # Source
/// G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, 'The FNV Non-Cryptographic Hash Algorithm', IETF draft, for the factor and the
/// beginning; the folding is that of A. Appleby's MurmurHash3.
pub(crate) struct Fingerprint(u64);

const PRIME: u64 = 0x0000_0100_0000_01B3;
/// The factor within cells.
const WITHIN: u64 = 0x9E37_79B9_7F4A_7C15;

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Fingerprint(0xCBF2_9CE4_8422_2325)
    }

    pub(crate) fn push(&mut self, cell: &[u8]) {
        self.push_word(cell, word::first(word::load(cell, 0), cell.len()));
    }

    /// As [`Fingerprint::push`], with the cell's first bytes, up to eight, as a word.
    #[inline]
    pub(crate) fn push_word(&mut self, cell: &[u8], first: u64) {
        let (mut last, mut length) = (first, cell.len());
        let mut at = 0;
        while length >= word::BYTES {
            self.mix(last, WITHIN);
            (at, length) = (at + word::BYTES, length - word::BYTES);
            last = word::load(cell, at);
        }
        self.mix(last | (length as u64) << 56, PRIME);
    }

    #[inline]
    fn mix(&mut self, word: u64, factor: u64) {
        let mixed = (self.0 ^ word).wrapping_mul(factor);
        self.0 = mixed ^ mixed >> 32;
    }

    /// Adds bytes that no border closes.
    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(PRIME);
        self.0 = bytes.iter().fold(self.0, mix);
    }

    pub(crate) fn finish(self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hash(cells: &[&str]) -> u64 {
        let mut fingerprint = Fingerprint::new();
        cells.iter().for_each(|cell| fingerprint.push(cell.as_bytes()));
        fingerprint.finish()
    }

    #[test]
    fn cells_have_borders() {
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["", "a"]), hash(&["a", ""]));
        assert_ne!(hash(&["12345678"]), hash(&["12345678", ""]));
        assert_ne!(hash(&["12345678", "9"]), hash(&["123456789"]));
    }

    #[test]
    fn it_is_the_same_for_ever() {
        // Model files and checkpoints hold it.
        assert_eq!(hash(&["number", "12.5", "a longer cell of text", ""]), GOLDEN);
    }

    /// Computed by a few lines of Python.
    const GOLDEN: u64 = 6_495_135_081_480_876_292;

    proptest! {
        #[test]
        fn one_byte_changes_it(text in "[a-z0-9,.]{1,30}", at in 0..30_usize, byte in b'A'..=b'Z') {
            let mut other = text.clone().into_bytes();
            let at = at % other.len();
            other[at] = byte;
            let other = String::from_utf8(other).expect("ASCII");
            prop_assert_ne!(hash(&["x", &text, "y"]), hash(&["x", &other, "y"]));
            prop_assert_ne!(hash(&["x", &text, "y"]), hash(&["x", &text, "y", ""]));
        }
    }
}
