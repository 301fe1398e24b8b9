//! The codecs of pages: the unpacked length is declared, checked before memory is taken, and must come out.

use std::io::Read;

use flate2::bufread::MultiGzDecoder;
use parquet::basic::Compression;
use parquet::errors::{ParquetError, Result};
use ruzstd::decoding::StreamingDecoder;

/// So much any page may become.
const FREE: usize = 16 << 20;
/// Beyond that, so many bytes of each packed one; deflate makes 1032 at most.
const MOST_RATIO: usize = 1100;

/// `packed` unpacked, which gives `length` bytes.
pub(super) fn unpack(codec: Compression, packed: &[u8], length: usize) -> Result<Vec<u8>> {
    if length > FREE.saturating_add(MOST_RATIO.saturating_mul(packed.len())) {
        return Err(general(format!(
            "a page of {} bytes claims to unpack into {length}",
            packed.len()
        )));
    }
    let unpacked = match codec {
        Compression::UNCOMPRESSED => packed.to_vec(),
        Compression::SNAPPY => {
            let found = snap::raw::decompress_len(packed).map_err(damaged)?;
            if found != length {
                return Err(general(format!("a page has {found} bytes, its header says {length}")));
            }
            snap::raw::Decoder::new().decompress_vec(packed).map_err(damaged)?
        }
        Compression::GZIP(_) => read(MultiGzDecoder::new(packed), length)?,
        Compression::ZSTD(_) => read(StreamingDecoder::new(packed).map_err(damaged)?, length)?,
        Compression::LZ4_RAW => lz4(packed, length)?,
        Compression::LZ4 => hadoop(packed, length).or_else(|_| lz4(packed, length))?,
        Compression::LZO | Compression::BROTLI(_) => {
            return Err(general(format!(
                "it is compressed with {codec}, which glassnet does not read (snappy, gzip, zstd, lz4 are read)"
            )));
        }
    };
    match unpacked.len() == length {
        true => Ok(unpacked),
        false => {
            Err(general(format!("a page has {} bytes, its header says {length}", unpacked.len())))
        }
    }
}

fn read(reader: impl Read, length: usize) -> Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    // One more tells a page that is too long.
    reader.take(length as u64 + 1).read_to_end(&mut bytes).map_err(damaged)?;
    Ok(bytes)
}

fn lz4(packed: &[u8], length: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let written = lz4_flex::block::decompress_into(packed, &mut bytes).map_err(damaged)?;
    bytes.truncate(written);
    Ok(bytes)
}

/// Blocks of LZ4 as Hadoop writes them: the unpacked and the packed length in four bytes each, then the block.
fn hadoop(packed: &[u8], length: usize) -> Result<Vec<u8>> {
    let short = || general("an LZ4 block is cut short".to_owned());
    let mut bytes = Vec::new();
    let mut rest = packed;
    while !rest.is_empty() {
        let (head, after) = rest.split_first_chunk::<8>().ok_or_else(short)?;
        let number = |at: usize| {
            u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize
        };
        let (unpacked, taken) = (number(0), number(4));
        if unpacked > length - bytes.len() {
            return Err(general("an LZ4 block is longer than its page".to_owned()));
        }
        let (block, after) = after.split_at_checked(taken).ok_or_else(short)?;
        bytes.extend(lz4(block, unpacked)?);
        rest = after;
    }
    Ok(bytes)
}

fn damaged(error: impl std::fmt::Display) -> ParquetError {
    general(format!("a page is damaged: {error}"))
}

fn general(what: String) -> ParquetError {
    ParquetError::General(what)
}
