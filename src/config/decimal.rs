//! Exact decimals: from the text as it was written to whole micro-points or milliseconds, without floating point.
//!
//! ```text
//! text = [-+]digits[.digits][e[-+]digits]          scaled(text, 6) = text × 10^6, if that is a whole number
//! ```
//! Underscores between digits are allowed (`1_000`), so are exponents (`1e-3`).

/// Why a text is not a whole number after scaling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalError {
    /// It is not a decimal number.
    NotANumber,
    /// It has more than 18 digits before the point.
    TooLarge {
        /// Is it below zero?
        negative: bool,
    },
    /// It is finer than one step.
    NotWhole {
        /// The nearest whole number, halves away from zero.
        nearest: i64,
    },
}

/// The longest number read, in bytes.
const MAX_BYTES: usize = 100;
/// Digits that always fit an `i64`.
const MAX_DIGITS: i64 = 18;

/// `text × 10^scale`.
pub(super) fn scaled(text: &str, scale: u32) -> Result<i64, DecimalError> {
    let (negative, digits, exponent) = parts(text).ok_or(DecimalError::NotANumber)?;
    if digits.is_empty() {
        return Ok(0);
    }
    let sign = if negative { -1 } else { 1 };
    let exponent = exponent + i64::from(scale);
    let whole_digits = i64::try_from(digits.len()).unwrap_or(i64::MAX) + exponent;
    if whole_digits > MAX_DIGITS {
        return Err(DecimalError::TooLarge { negative });
    }
    let Ok(zeros) = u32::try_from(exponent) else {
        // Trailing zeros are gone, so what stands behind the point is not nothing.
        let kept = usize::try_from(whole_digits).unwrap_or(0);
        let half_or_more = whole_digits >= 0 && digits.as_bytes().get(kept).is_some_and(|d| *d >= b'5');
        let nearest = whole(&digits[..kept]) + i64::from(half_or_more);
        return Err(DecimalError::NotWhole { nearest: sign * nearest });
    };
    Ok(sign * whole(&digits) * 10_i64.pow(zeros))
}

/// `scaled / 10^scale` in the shortest decimal form.
pub(super) fn rendered(scaled: i64, scale: u32) -> String {
    let sign = if scaled < 0 { "-" } else { "" };
    let (step, value) = (10_u64.pow(scale), scaled.unsigned_abs());
    let (whole, fraction) = (value / step, value % step);
    if fraction == 0 {
        return format!("{sign}{whole}");
    }
    let width = usize::try_from(scale).unwrap_or(0);
    let fraction = format!("{fraction:0width$}");
    format!("{sign}{whole}.{}", fraction.trim_end_matches('0'))
}

/// Sign, significant digits without leading and trailing zeros, and the power of ten of the last one.
fn parts(text: &str) -> Option<(bool, String, i64)> {
    if text.len() > MAX_BYTES {
        return None;
    }
    let (negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, parse_exponent(exponent)?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let mut digits = plain_digits(whole)?;
    let fraction = plain_digits(fraction)?;
    if digits.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut exponent = exponent - i64::try_from(fraction.len()).ok()?;
    digits.push_str(&fraction);
    let trimmed = digits.trim_end_matches('0');
    exponent += i64::try_from(digits.len() - trimmed.len()).ok()?;
    Some((negative, trimmed.trim_start_matches('0').to_owned(), exponent))
}

/// The digits without the underscores between them.
fn plain_digits(text: &str) -> Option<String> {
    let allowed = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    if !allowed || text.starts_with('_') || text.ends_with('_') || text.contains("__") {
        return None;
    }
    Some(text.replace('_', ""))
}

fn parse_exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    if digits.is_empty() || digits.len() > 6 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn whole(digits: &str) -> i64 {
    digits.bytes().fold(0, |value, digit| value * 10 + i64::from(digit - b'0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_taken_as_they_are_written() {
        for (text, micros) in [
            ("0.1", 100_000),
            ("0.3", 300_000),
            ("100", 100_000_000),
            ("1e-6", 1),
            ("1E-3", 1_000),
            ("1.5e3", 1_500_000_000),
            ("1_000", 1_000_000_000),
            ("0.000_001", 1),
            ("+2", 2_000_000),
            ("-2.5", -2_500_000),
            (".5", 500_000),
            ("5.", 5_000_000),
            ("0", 0),
            ("-0.000", 0),
            ("0e99999", 0),
            ("0.10000000", 100_000),
            ("999999999999.999999", 999_999_999_999_999_999),
        ] {
            assert_eq!(scaled(text, 6), Ok(micros), "{text}");
        }
    }

    #[test]
    fn what_is_finer_than_a_step_names_the_nearest_step() {
        for (text, nearest) in [
            ("0.0000001", 0),
            ("0.0000005", 1),
            ("0.0000004999999999999999999999999999", 0),
            ("100.0000005", 100_000_001),
            ("100.0000004", 100_000_000),
            ("-0.0000015", -2),
            ("1e-999999", 0),
        ] {
            assert_eq!(scaled(text, 6), Err(DecimalError::NotWhole { nearest }), "{text}");
        }
    }

    #[test]
    fn what_is_not_a_decimal_number_is_refused() {
        for text in [
            "", "-", ".", "e5", "1e", "1e+", "NaN", ".inf", "inf", "0x10", "1 000", "1,5", "_1", "1_", "1__0",
        ] {
            assert_eq!(scaled(text, 6), Err(DecimalError::NotANumber), "{text}");
        }
        assert_eq!(scaled(&"1".repeat(101), 6), Err(DecimalError::NotANumber));
    }

    #[test]
    fn what_does_not_fit_is_too_large_and_never_wraps() {
        for text in ["1e18", "9999999999999.5", "1e999999"] {
            assert_eq!(scaled(text, 6), Err(DecimalError::TooLarge { negative: false }), "{text}");
        }
        assert_eq!(scaled("-1e30", 6), Err(DecimalError::TooLarge { negative: true }));
    }

    #[test]
    fn a_rendered_number_reads_back_as_itself() {
        for (value, scale, text) in
            [(100_000, 6, "0.1"), (1, 6, "0.000001"), (500, 3, "0.5"), (-1_500, 3, "-1.5"), (30, 0, "30")]
        {
            assert_eq!(rendered(value, scale), text);
            assert_eq!(scaled(text, scale), Ok(value));
        }
    }
}
