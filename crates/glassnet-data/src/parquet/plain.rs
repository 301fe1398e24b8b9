//! Pages of encodings whose decoders in the `parquet` crate believe what they read, rewritten as plain pages: every length is
//! checked here.
//!
//! # Source
//! Apache Parquet, 'Parquet encoding definitions': DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY,
//! BYTE_STREAM_SPLIT.

use parquet::basic::Encoding;
use parquet::errors::{ParquetError, Result};

/// The most bytes that the texts of a page may become: a text of one byte may repeat the one before.
const MOST: usize = 256 << 20;

/// How long a value is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Width {
    /// Each takes so many bytes.
    Fixed(usize),
    /// Each says its length before itself, in four bytes.
    Told,
}

/// `page` as it would be if its values were plain, if they are in one of these encodings; `levels` bytes of it are no values.
pub(super) fn plain(
    encoding: Encoding,
    page: &[u8],
    levels: usize,
    width: Width,
) -> Result<Option<Vec<u8>>> {
    let (before, values) = page.split_at(levels);
    let values = match encoding {
        Encoding::BYTE_STREAM_SPLIT => joined(values, width)?,
        Encoding::DELTA_LENGTH_BYTE_ARRAY => texts(values, width)?,
        Encoding::DELTA_BYTE_ARRAY => prefixed(values, width)?,
        Encoding::PLAIN => {
            if let Width::Told = width {
                check(values)?;
            }
            return Ok(None);
        }
        _ => return Ok(None), // not operations: encodings
    };
    Ok(Some([before, &values].concat()))
}

/// Checks that each text of plain values has its length before it and ends within the page.
pub(super) fn check(values: &[u8]) -> Result<()> {
    let mut rest = values;
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<4>().ok_or_else(short)?;
        rest = after.get(u32::from_le_bytes(*length) as usize..).ok_or_else(short)?;
    }
    Ok(())
}

/// Values whose first bytes stand together, then their second ones, and so on.
fn joined(streams: &[u8], width: Width) -> Result<Vec<u8>> {
    let Width::Fixed(width @ 1..) = width else {
        return Err(bad("takes texts apart into bytes"));
    };
    if !streams.len().is_multiple_of(width) {
        return Err(bad("does not hold whole values"));
    }
    let count = streams.len() / width;
    let mut joined = Vec::with_capacity(streams.len());
    for value in 0..count {
        joined.extend((0..width).map(|byte| streams[byte * count + value]));
    }
    Ok(joined)
}

/// All lengths, then all texts.
fn texts(values: &[u8], width: Width) -> Result<Vec<u8>> {
    let (lengths, mut rest) = lengths(values)?;
    let mut plain = Vec::with_capacity(values.len());
    for length in lengths {
        let (text, after) = rest.split_at_checked(length).ok_or_else(short)?;
        push(&mut plain, text, width)?;
        rest = after;
    }
    Ok(plain)
}

/// For each text how much of the one before it begins with, then the rests of all as [`texts`].
fn prefixed(values: &[u8], width: Width) -> Result<Vec<u8>> {
    let (prefixes, rest) = lengths(values)?;
    let (suffixes, mut rest) = lengths(rest)?;
    if prefixes.len() != suffixes.len() {
        return Err(bad("has another number of beginnings than of ends"));
    }
    let mut plain = Vec::with_capacity(values.len());
    let mut text: Vec<u8> = vec![];
    for (prefix, suffix) in prefixes.into_iter().zip(suffixes) {
        let (end, after) = rest.split_at_checked(suffix).ok_or_else(short)?;
        if prefix > text.len() {
            return Err(bad("repeats more of a text than there is"));
        }
        text.truncate(prefix);
        text.extend_from_slice(end);
        push(&mut plain, &text, width)?;
        rest = after;
    }
    Ok(plain)
}

fn push(plain: &mut Vec<u8>, text: &[u8], width: Width) -> Result<()> {
    if plain.len() + text.len() > MOST {
        return Err(bad("becomes longer than 256 MB"));
    }
    match width {
        // Below MOST it fits 32 bits.
        Width::Told => plain.extend_from_slice(&(text.len() as u32).to_le_bytes()),
        Width::Fixed(width) if width == text.len() => {}
        Width::Fixed(_) => return Err(bad("has a value of another length than its column")),
    }
    plain.extend_from_slice(text);
    Ok(())
}

/// Lengths as DELTA_BINARY_PACKED has them, and what follows.
fn lengths(bytes: &[u8]) -> Result<(Vec<usize>, &[u8])> {
    let mut rest = bytes;
    let block = varint(&mut rest)?;
    let miniblocks = varint(&mut rest)?;
    let count = varint(&mut rest)?;
    let mut value = zigzag(varint(&mut rest)?);
    let fits = miniblocks > 0 && miniblocks <= 512 && block <= 1 << 20 && block.is_multiple_of(32);
    let of_mini = if fits { block / miniblocks } else { 0 };
    // A length that takes no bits takes no bytes: a block of 128 takes some for its head.
    if of_mini == 0 || !of_mini.is_multiple_of(8) || count / block > bytes.len() as u64 {
        return Err(bad("has lengths in blocks of an impossible size"));
    }
    let mut found = vec![];
    let mut push = |value: i64| match usize::try_from(value).ok().filter(|&length| length <= MOST) {
        Some(length) => {
            found.push(length);
            Ok(())
        }
        None => Err(bad("has an impossible length")),
    };
    let mut left = count;
    if left > 0 {
        push(value)?;
        left -= 1;
    }
    while left > 0 {
        let least = zigzag(varint(&mut rest)?);
        let (widths, after) = rest.split_at_checked(miniblocks as usize).ok_or_else(short)?;
        rest = after;
        for &width in widths {
            if left == 0 {
                break;
            }
            if width > 64 {
                return Err(bad("has numbers of more than 64 bits"));
            }
            let size = of_mini as usize / 8 * usize::from(width);
            let (packed, after) = rest.split_at_checked(size).ok_or_else(short)?;
            rest = after;
            for at in 0..left.min(of_mini) as usize {
                let delta = bits(packed, at * usize::from(width), width);
                value = value.wrapping_add(least).wrapping_add(delta as i64);
                push(value)?;
            }
            left -= left.min(of_mini);
        }
    }
    Ok((found, rest))
}

/// `width` bits from bit `from` on, of which there must be so many; the lowest come first.
fn bits(packed: &[u8], from: usize, width: u8) -> u64 {
    (0..usize::from(width)).fold(0, |value, at| {
        let bit = packed[(from + at) / 8] >> ((from + at) % 8) & 1;
        value | u64::from(bit) << at
    })
}

fn varint(rest: &mut &[u8]) -> Result<u64> {
    let mut value = 0;
    for place in 0..10 {
        let (&byte, after) = rest.split_first().ok_or_else(short)?;
        *rest = after;
        value |= u64::from(byte & 0x7F) << (7 * place);
        if byte < 0x80 {
            return Ok(value);
        }
    }
    Err(bad("has numbers of more than 64 bits"))
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

fn short() -> ParquetError {
    bad("is cut short")
}

fn bad(what: &str) -> ParquetError {
    ParquetError::General(format!("a page {what}"))
}
