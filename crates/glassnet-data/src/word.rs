//! Eight bytes of text at once: where cells end, and what short numbers mean.
//!
//! A word holds the bytes of a text in its order, the first one lowest.

use crate::cell::Decimal;

/// The bytes of a word.
pub(crate) const BYTES: usize = 8;

const ONES: u64 = 0x0101_0101_0101_0101;
const LOW_BITS: u64 = 0x7F7F_7F7F_7F7F_7F7F;
const ZEROS: u64 = 0x3030_3030_3030_3030;

/// The eight bytes of `text` from `at` on; bytes behind its end are 0.
#[inline]
pub(crate) fn load(text: &[u8], at: usize) -> u64 {
    match text.get(at..at + BYTES) {
        Some(bytes) => u64::from_le_bytes(bytes.try_into().unwrap_or([0; BYTES])),
        None => {
            let mut bytes = [0; BYTES];
            let rest = text.get(at..).unwrap_or(&[]);
            bytes[..rest.len()].copy_from_slice(rest);
            u64::from_le_bytes(bytes)
        }
    }
}

/// The first `length` bytes of a word; the others are 0.
#[inline]
pub(crate) fn first(word: u64, length: usize) -> u64 {
    if length < BYTES { word & ((1 << (8 * length)) - 1) } else { word }
}

/// The highest bit of each byte of `word` that is `byte`; all other bits are 0.
#[inline]
pub(crate) fn matches(word: u64, byte: u8) -> u64 {
    let zero = word ^ (ONES * u64::from(byte));
    // No carry leaves its byte, so that every byte is judged by itself.
    !(((zero & LOW_BITS) + LOW_BITS) | zero | LOW_BITS)
}

/// The place of the first byte whose highest bit is set in `marks`, which is not 0.
#[inline]
pub(crate) fn place(marks: u64) -> usize {
    marks.trailing_zeros() as usize / 8
}

/// The number that a text of one to four digits is, whatever their number without a branch on it. `None` for anything else.
#[inline]
pub(crate) fn few_digits(word: u64, length: usize) -> Option<i64> {
    if length.wrapping_sub(1) >= 4 {
        return None;
    }
    // The digits move to the end, and zeros in front of them.
    let shift = 8 * (4 - length);
    let moved = ((word as u32) << shift) | (ZEROS as u32 & ((1 << shift) - 1));
    let digits = moved ^ ZEROS as u32;
    if (digits.wrapping_add(0x7676_7676) | digits) & 0x8080_8080 != 0 {
        return None;
    }
    let pairs = (digits.wrapping_mul(10) + (digits >> 8)) & 0x00FF_00FF;
    Some(i64::from((pairs & 0xFF) * 100 + (pairs >> 16)))
}

/// What [`plain_decimal`](crate::cell::plain_decimal) reads from a text of `length` bytes, if these are up to eight digits, up to
/// eight bytes in all, with a minus sign and a point perhaps; and whether they are digits alone. `word` has zeros behind the
/// text. `None` for anything else, whatever it is.
#[inline]
pub(crate) fn short_decimal(word: u64, length: usize, point: u8) -> Option<(Decimal, bool)> {
    let negative = word as u8 == b'-';
    let (mut word, mut length) = if negative { (word >> 8, length - 1) } else { (word, length) };
    let points = matches(word, point);
    let mut decimals = 0;
    if points != 0 {
        let before = place(points);
        // The point is taken out; a second one is no digit.
        let kept = (1 << (8 * before)) - 1;
        word = (word & kept) | ((word >> 8) & !kept);
        length -= 1;
        decimals = length - before;
    }
    if length.wrapping_sub(1) >= BYTES {
        return None;
    }
    // The digits move to the end, and zeros in front of them.
    let moved =
        (word << (8 * (BYTES - length))) | if length < BYTES { ZEROS >> (8 * length) } else { 0 };
    let high = 0xF0F0_F0F0_F0F0_F0F0;
    let digits = (moved & high) | (((moved + ONES * 6) & high) >> 4);
    if digits != ONES * 0x33 {
        return None;
    }
    // Neighbours are joined: digits to numbers of two, of four, of eight digits.
    let pairs = (moved & (ONES * 0x0F)).wrapping_mul(10 << 8 | 1) >> 8;
    let fours = (pairs & 0x00FF_00FF_00FF_00FF).wrapping_mul(100 << 16 | 1) >> 16;
    let all = (fours & 0x0000_FFFF_0000_FFFF).wrapping_mul(10_000 << 32 | 1) >> 32;
    let integer = all as i64;
    if negative && integer == 0 {
        return None;
    }
    let integer = if negative { -integer } else { integer };
    Some((Decimal { integer, decimals: decimals as u8 }, !negative && points == 0))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::cell::plain_decimal;

    fn short(text: &[u8], point: u8) -> Option<(Decimal, bool)> {
        short_decimal(first(load(text, 0), text.len()), text.len(), point)
    }

    #[test]
    fn what_is_short_and_plain_is_read() {
        for text in ["0", "7", "42", "255", "-1", "0.5", "-0.25", "3.", ".5", "12345678", "007"] {
            let digits = text.bytes().all(|byte| byte.is_ascii_digit());
            let plain = plain_decimal(text.as_bytes(), b'.').map(|decimal| (decimal, digits));
            assert!(plain.is_some(), "{text}");
            assert_eq!(short(text.as_bytes(), b'.'), plain, "{text}");
        }
        for text in ["", "-", ".", "-.", "-0", "-0.0", "1e5", "1-", "1..2", "1:", "1/", " 1", "+1"]
        {
            assert_eq!(short(text.as_bytes(), b'.'), None, "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(20_000))]

        #[test]
        fn short_decimals_are_plain_decimals(text in "[-+0-9.,eE:/ \u{0}é]{0,8}", comma: bool) {
            let bytes = &text.as_bytes()[..text.len().min(BYTES)];
            let point = if comma { b',' } else { b'.' };
            if let Some((decimal, digits)) = short(bytes, point) {
                prop_assert_eq!(plain_decimal(bytes, point), Some(decimal));
                prop_assert_eq!(digits, bytes.iter().all(u8::is_ascii_digit));
            } else if let Some(decimal) = plain_decimal(bytes, point) {
                let left_out = |byte: &u8| matches!(byte, b'+' | b'e' | b'E');
                prop_assert!(bytes.iter().any(left_out), "{:?} {:?}", text, decimal);
            }
        }

        #[test]
        fn few_digits_are_numbers(text in "[0-9]{0,6}|[-+0-9.:/]{0,4}|.{0,4}") {
            let bytes = &text.as_bytes()[..text.len().min(BYTES)];
            let digits = (1..=4).contains(&bytes.len()) && bytes.iter().all(u8::is_ascii_digit);
            let found = few_digits(first(load(bytes, 0), bytes.len()), bytes.len());
            prop_assert_eq!(found, if digits { text.parse().ok() } else { None });
        }

        #[test]
        fn every_byte_is_matched_by_itself(bytes: [u8; 8], byte: u8) {
            let marks = matches(u64::from_le_bytes(bytes), byte);
            for (at, &other) in bytes.iter().enumerate() {
                prop_assert_eq!(marks >> (8 * at) & 0xFF, if other == byte { 0x80 } else { 0 });
            }
        }
    }
}
