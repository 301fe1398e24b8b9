//! What several tests need: files made by hand, and one way to look at an error.

use glassnet::{Error, ErrorKind};

/// A safetensors file of any header and data, right or wrong.
pub(crate) fn file(header: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.as_bytes());
    bytes.extend(data);
    bytes
}

/// The error is one of a model file, its first line names the file, and all of it has the `words`.
pub(crate) fn check_error(error: &Error, words: &[&str]) {
    let text = error.to_string();
    assert_eq!(error.kind(), ErrorKind::Model, "{text}");
    assert!(error.place().is_some_and(|place| place.contains("bad.safetensors")), "{text}");
    assert!(error.help_text().is_some(), "no help: {text}");
    assert!(text.len() < 2000, "{} bytes of message", text.len());
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}

/// Numbers without a pattern, the same every time.
pub(crate) struct Numbers(pub(crate) u64);

impl Numbers {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`, which is above 0.
    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap()
    }
}
