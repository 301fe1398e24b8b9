//! What one cell's text means, on its own.

/// A cell read as a number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reading {
    /// A finite decimal number.
    Finite(f64),
    /// The words for infinity or not-a-number.
    NonFinite(f64),
    /// Digits whose value is beyond every 64-bit float: `1e999`.
    Overflow,
    /// No number.
    Text,
}

/// `cell` read as a number: optional sign, digits, a decimal point (or comma), an exponent; blanks around it are ignored.
pub(crate) fn read_number(cell: &str, decimal_comma: bool) -> Reading {
    let trimmed = trim(cell);
    let point = if decimal_comma { b',' } else { b'.' };
    if let Some(decimal) = plain_decimal(trimmed.as_bytes(), point) {
        return Reading::Finite(decimal.value());
    }
    match trimmed.as_bytes().first() {
        Some(b'0'..=b'9' | b'+' | b'-' | b'.' | b',' | b'i' | b'I' | b'n' | b'N') => {}
        _ => return Reading::Text,
    }
    let parsed = match (decimal_comma, trimmed.contains(',')) {
        (false, _) => trimmed.parse::<f64>(),
        (true, true) if !trimmed.contains('.') => trimmed.replacen(',', ".", 1).parse(),
        (true, false) if !trimmed.contains('.') => trimmed.parse(),
        (true, _) => return Reading::Text,
    };
    match parsed {
        Ok(value) if value.is_finite() => Reading::Finite(value),
        Ok(_) if trimmed.bytes().any(|byte| byte.is_ascii_digit()) => Reading::Overflow,
        Ok(value) => Reading::NonFinite(value),
        Err(_) => Reading::Text,
    }
}

/// `integer / 10^decimals`, of at most 15 digits and 22 decimals. Such an integer is a 64-bit float.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Decimal {
    pub(crate) integer: i64,
    pub(crate) decimals: u8,
}

/// 10^n up to the most decimals of a [`Decimal`], each of which is a 64-bit float.
pub(crate) const POWERS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

impl Decimal {
    /// An integer below 2^53 and a power of ten up to 10^22 are exact, so their quotient is rounded once, correctly.
    ///
    /// # Source
    /// W. Clinger, 'How to Read Floating Point Numbers Accurately', PLDI 1990.
    pub(crate) fn value(self) -> f64 {
        self.integer as f64 / POWERS[usize::from(self.decimals)]
    }
}

/// Up to 15 digits with an optional sign and point, and a negative exponent that leaves at most 22 decimals; `None` for
/// anything else: the usual cell, read in one pass. Negative zero is something else, as integers have none.
pub(crate) fn plain_decimal(bytes: &[u8], point: u8) -> Option<Decimal> {
    let (negative, digits) = match bytes.first()? {
        b'-' => (true, &bytes[1..]),
        b'+' => (false, &bytes[1..]),
        _ => (false, bytes),
    };
    // 15 digits, a point, an exponent.
    if digits.len() > 20 {
        return None;
    }
    let (mut integer, mut count, mut decimals, mut shift) = (0_i64, 0_u8, None, 0);
    for (at, &byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit < 10 {
            // More digits than fit are refused below.
            integer = integer.wrapping_mul(10).wrapping_add(i64::from(digit));
            count += 1;
        } else if byte == point && decimals.is_none() {
            decimals = Some(count);
        } else {
            shift = negative_exponent(&digits[at..])?;
            break;
        }
    }
    if count == 0 || count > 15 || (negative && integer == 0) {
        return None;
    }
    let decimals = decimals.map_or(0, |before| count - before) + shift;
    if usize::from(decimals) >= POWERS.len() {
        return None;
    }
    Some(Decimal { integer: if negative { -integer } else { integer }, decimals })
}

/// The n of `e-n`, two digits at most.
fn negative_exponent(text: &[u8]) -> Option<u8> {
    match text {
        [b'e' | b'E', b'-', digits @ ..] if (1..=2).contains(&digits.len()) => {
            digits.iter().try_fold(0, |exponent, byte| {
                let digit = byte.wrapping_sub(b'0');
                (digit < 10).then(|| exponent * 10 + digit)
            })
        }
        _ => None, // not operations: every other text
    }
}

/// `cell` read as a truth value, in any case.
pub(crate) fn read_boolean(cell: &str) -> Option<bool> {
    let trimmed = trim(cell);
    if trimmed.eq_ignore_ascii_case("true") {
        Some(true)
    } else if trimmed.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// Whether `cell` names a month or a day, perhaps with a time: `2012-01`, `2012/01/31`, `31.1.2012`,
/// `2012-01-31T12:00:00Z`.
pub(crate) fn is_date(cell: &str) -> bool {
    let (date, time) = match trim(cell).split_once(['T', ' ']) {
        Some((date, time)) => (date, Some(time)),
        None => (trim(cell), None),
    };
    let is_time = |text: &str| {
        text.contains(':')
            && text.bytes().all(|byte| byte.is_ascii_digit() || b":.+-Z APMapm".contains(&byte))
    };
    if !time.is_none_or(is_time) || date.len() > 10 {
        return false;
    }
    let Some(separator) = date.chars().find(|c| !c.is_ascii_digit()) else {
        return false;
    };
    if !"-/.".contains(separator) {
        return false;
    }
    let parts: Vec<&str> = date.split(separator).collect();
    let within = |part: &str, low: u32, high: u32| {
        (1..=2).contains(&part.len()) && part.parse().is_ok_and(|n| (low..=high).contains(&n))
    };
    let year = |part: &str| part.len() == 4 && part.bytes().all(|byte| byte.is_ascii_digit());
    match parts[..] {
        // 2012.01 is a number, 2012-01 and 2012/01 are months.
        [y, m] => separator != '.' && year(y) && m.len() == 2 && within(m, 1, 12),
        [y, m, d] if year(y) => within(m, 1, 12) && within(d, 1, 31),
        [a, b, y] if year(y) => {
            (within(a, 1, 12) && within(b, 1, 31)) || (within(a, 1, 31) && within(b, 1, 12))
        }
        _ => false,
    }
}

/// Whether `cell` is an integer with a zero in front, as codes have: `007`.
pub(crate) fn is_code(cell: &str) -> bool {
    let bytes = trim(cell).as_bytes();
    bytes.len() > 1 && bytes[0] == b'0' && bytes.iter().all(u8::is_ascii_digit)
}

/// Whether `value`, read from `cell`, is an integer that lost digits on the way into a 64-bit float.
pub(crate) fn lost_digits(cell: &str, value: f64) -> bool {
    let trimmed = trim(cell);
    // Shorter ones are below 2^53 ≈ 9.007e15.
    trimmed.len() >= 16
        && match trimmed.parse::<i128>() {
            Ok(integer) => value as i128 != integer,
            Err(_) => trimmed.bytes().all(|byte| byte.is_ascii_digit()),
        }
}

/// `cell` without blanks around it.
pub(crate) fn trim(cell: &str) -> &str {
    let blank = |byte: Option<&u8>| matches!(byte, Some(b' ' | b'\t'));
    let bytes = cell.as_bytes();
    // Nearly no cell has blanks around it, so the common way is kept short.
    if blank(bytes.first()) || blank(bytes.last()) {
        return cell.trim_matches([' ', '\t']);
    }
    cell
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_finite_decimals() {
        for (text, value) in
            [("1", 1.0), (" -2.5\t", -2.5), ("+.5", 0.5), ("1e3", 1000.0), ("5.", 5.0)]
        {
            assert_eq!(read_number(text, false), Reading::Finite(value), "{text}");
        }
        for text in ["", "-", "1_000", "1 000", "0x10", "1,5", "x", "nana", "ten"] {
            assert_eq!(read_number(text, false), Reading::Text, "{text}");
        }
        assert_eq!(read_number("1e999", false), Reading::Overflow);
        assert_eq!(read_number("-Inf", false), Reading::NonFinite(f64::NEG_INFINITY));
        assert!(matches!(read_number("NaN", false), Reading::NonFinite(_)));
    }

    #[test]
    fn a_decimal_comma_replaces_the_point() {
        assert_eq!(read_number("-1,5e2", true), Reading::Finite(-150.0));
        assert_eq!(read_number("15", true), Reading::Finite(15.0));
        for text in ["1.5", "1.000,5", "1,2,3"] {
            assert_eq!(read_number(text, true), Reading::Text, "{text}");
        }
    }

    #[test]
    fn the_short_way_rounds_as_the_standard_library_does() {
        let mut state = 7_u64;
        for _ in 0..20_000 {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            let digits = (state >> 14) % 10_u64.pow(1 + (state % 15) as u32);
            let mut text = digits.to_string();
            text.insert((state >> 60) as usize % (text.len() + 1), '.');
            let negative = state & 1024 != 0 && digits != 0;
            let text = if negative { format!("-{text}") } else { text };
            let expected: f64 = text.parse().expect("a number");
            assert_eq!(
                plain_decimal(text.as_bytes(), b'.').map(|decimal| decimal.value().to_bits()),
                Some(expected.to_bits()),
                "{text}"
            );
        }
        for text in
            ["", "-", ".", "+.", "1e5", "1..2", "1.2.3", "1234567890123456", "0x1", "--1", "-0.0"]
        {
            assert_eq!(plain_decimal(text.as_bytes(), b'.'), None, "{text}");
        }
        for text in ["1e-5", "-1.25E-07", "1.e-3", ".5e-1", "123456789.012345e-16", "0e-1"] {
            let expected: f64 = text.parse().expect("a number");
            let found = plain_decimal(text.as_bytes(), b'.').map(|decimal| decimal.value());
            assert_eq!(found.map(f64::to_bits), Some(expected.to_bits()), "{text}");
        }
        for text in [
            "e-5",
            "1e-",
            "1e-5.",
            "1e-005",
            "1e-+5",
            "1.5e-22",
            "1e5-",
            "1e-5e-5",
            "12345678901234567890",
        ] {
            assert_eq!(plain_decimal(text.as_bytes(), b'.'), None, "{text}");
        }
    }

    #[test]
    fn dates_are_days_and_months() {
        for text in [
            "2012-01",
            "2012/12",
            "2012-01-31",
            "2012/1/3",
            "31.12.2012",
            "12/31/2012",
            "2012-01-31T12:00:00Z",
            "2012-01-31 12:00",
        ] {
            assert!(is_date(text), "{text}");
        }
        for text in [
            "2012",
            "2012.01",
            "2012-13",
            "2012-00",
            "12-34",
            "555-1234",
            "2012-01-31x",
            "rain",
            "1-2-3",
            "",
        ] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn codes_and_long_integers_are_seen() {
        assert!(is_code("007") && !is_code("0") && !is_code("70") && !is_code("0.5"));
        assert!(lost_digits("9007199254740993", 9007199254740993_f64));
        assert!(!lost_digits("9007199254740992", 9007199254740992_f64));
        assert!(!lost_digits("0.1234567890123456", 0.1234567890123456));
    }
}
