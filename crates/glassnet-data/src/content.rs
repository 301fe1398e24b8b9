//! What a table's bytes look like, whatever the file is called: the content decides, the name does not.

use std::fmt;

/// A kind of file that holds a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content {
    Gzip,
    Zstandard,
    Parquet,
    Npy,
    /// A zip archive, as NumPy writes several arrays.
    Zip,
    Idx,
    /// Whatever is none of these: CSV, or something that the reader of CSV refuses by name.
    Text,
}

/// So many bytes tell.
pub(crate) const HEAD: u64 = 16;

impl Content {
    /// What a file that begins with `head` is.
    pub(crate) fn of(head: &[u8]) -> Self {
        match head {
            [0x1F, 0x8B, ..] => Content::Gzip,
            [0x28, 0xB5, 0x2F, 0xFD, ..] | [0x50..=0x5F, 0x2A, 0x4D, 0x18, ..] => {
                Content::Zstandard
            }
            [b'P', b'A', b'R', b'1' | b'E', ..] => Content::Parquet,
            [0x93, b'N', b'U', b'M', b'P', b'Y', ..] => Content::Npy,
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] => Content::Zip,
            // Two zeros, an element type, the number of axes.
            [0, 0, 0x08 | 0x09 | 0x0B..=0x0E, 1..=8, ..] => Content::Idx,
            _ => Content::Text, // not operations: all other bytes
        }
    }

    pub(crate) fn is_compressed(self) -> bool {
        matches!(self, Content::Gzip | Content::Zstandard)
    }

    /// What a file's name says by its last ending, if it says anything.
    pub(crate) fn of_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        Some(match ending.to_ascii_lowercase().as_str() {
            "csv" | "tsv" | "txt" => Content::Text,
            "gz" => Content::Gzip,
            "zst" => Content::Zstandard,
            "parquet" | "pq" => Content::Parquet,
            "npy" => Content::Npy,
            "npz" => Content::Zip,
            _ => return None, // not operations: other endings
        })
    }
}

impl fmt::Display for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Content::Gzip => "compressed with gzip",
            Content::Zstandard => "compressed with zstd",
            Content::Parquet => "a Parquet file",
            Content::Npy => "a NumPy array",
            Content::Zip => "a zip archive",
            Content::Idx => "an IDX array",
            Content::Text => "text",
        })
    }
}
