//! A hash that tells whether two tables hold the same cells.

/// FNV-1a of 64 bits over cells, each closed by the byte 255, which no UTF-8 text holds: `ab,c` and `a,bc` differ.
///
/// # Source
/// G. Fowler, L. C. Noll, K.-P. Vo, D. Eastlake, 'The FNV Non-Cryptographic Hash Algorithm', IETF draft.
pub(crate) struct Fingerprint(u64);

const PRIME: u64 = 0x0000_0100_0000_01B3;

impl Fingerprint {
    pub(crate) fn new() -> Self {
        Fingerprint(0xCBF2_9CE4_8422_2325)
    }

    pub(crate) fn push(&mut self, cell: &[u8]) {
        let mix = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(PRIME);
        let hash = cell.iter().fold(self.0, |hash, &byte| mix(hash, byte));
        self.0 = mix(hash, 0xFF);
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
    use super::*;

    #[test]
    fn cells_have_borders() {
        let hash = |cells: &[&str]| {
            let mut fingerprint = Fingerprint::new();
            cells.iter().for_each(|cell| fingerprint.push(cell.as_bytes()));
            fingerprint.finish()
        };
        assert_ne!(hash(&["ab", "c"]), hash(&["a", "bc"]));
        assert_ne!(hash(&["", "a"]), hash(&["a", ""]));
    }

    #[test]
    fn the_published_value_of_a_comes_out() {
        // FNV-1a("a") = 0xaf63dc4c8601ec8c, then the border byte.
        let mut fingerprint = Fingerprint::new();
        fingerprint.push(b"a");
        let expected = (0xAF63_DC4C_8601_EC8C_u64 ^ 0xFF).wrapping_mul(PRIME);
        assert_eq!(fingerprint.finish(), expected);
    }
}
