//! Arrays that begin with a cache line.

use std::ops::{Deref, DerefMut};

/// Floats whose first one begins a cache line: a register of the widest kind that is loaded from a multiple of sixteen
/// elements touches one line, not two.
#[derive(Debug)]
pub(super) struct Aligned {
    /// Longer than needed by less than a line.
    data: Vec<f32>,
    start: usize,
    len: usize,
}

/// The bytes of a cache line.
const LINE: usize = 64;

impl Aligned {
    /// `len` zeros.
    pub(super) fn zeros(len: usize) -> Self {
        // A sanitizer sees where an allocation ends: there the array ends with it, at the cost of its beginning.
        let spare = if cfg!(sanitized) { 0 } else { LINE / size_of::<f32>() - 1 };
        let data = vec![0.0; len + spare];
        // Where the address cannot be told, the array is merely slower.
        let start = data.as_ptr().align_offset(LINE).min(spare);
        Aligned { data, start, len }
    }
}

impl Deref for Aligned {
    type Target = [f32];

    #[inline]
    fn deref(&self) -> &[f32] {
        &self.data[self.start..self.start + self.len]
    }
}

impl DerefMut for Aligned {
    #[inline]
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.data[self.start..self.start + self.len]
    }
}

impl Clone for Aligned {
    fn clone(&self) -> Self {
        // The copy lies elsewhere, so its line begins elsewhere.
        let mut copy = Aligned::zeros(self.len);
        copy.copy_from_slice(self);
        copy
    }
}

impl PartialEq for Aligned {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

#[cfg(all(test, not(sanitized)))]
mod tests {
    use super::*;

    #[test]
    fn arrays_and_their_copies_begin_a_line() {
        for len in [0, 1, 15, 16, 1000, 100_000] {
            let mut array = Aligned::zeros(len);
            array.iter_mut().enumerate().for_each(|(i, value)| *value = i as f32);
            let copy = array.clone();
            for array in [&array, &copy] {
                assert_eq!(array.len(), len);
                assert_eq!(array.as_ptr() as usize % LINE, 0);
            }
            assert_eq!(array, copy);
        }
    }
}
