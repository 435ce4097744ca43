//! How numbers are written in figures and tables.

/// The real minus sign, as wide as the plus sign.
pub(crate) const MINUS: char = '\u{2212}';

const SUPERSCRIPTS: [char; 10] = ['⁰', '¹', '²', '³', '⁴', '⁵', '⁶', '⁷', '⁸', '⁹'];

/// `x` with `decimals` digits after the point, a real minus sign, and commas from 10,000 on.
///
/// # Examples
/// ```
/// assert_eq!(display::number::fixed(-1234.5678, 2), "−1234.57");
/// assert_eq!(display::number::fixed(1234567.0, 1), "1,234,567.0");
/// assert_eq!(display::number::fixed(-0.0001, 2), "0.00");
/// ```
pub fn fixed(x: f64, decimals: usize) -> String {
    if !x.is_finite() {
        return not_finite(x);
    }
    let digits = format!("{:.decimals$}", x.abs());
    let zero = digits.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    let sign = if x < 0.0 && !zero {
        MINUS.to_string()
    } else {
        String::new()
    };
    format!("{sign}{}{fraction}", grouped(whole))
}

/// `x` in scientific notation with `decimals` digits after the point.
///
/// # Examples
/// ```
/// assert_eq!(display::number::scientific(-0.00012345, 2), "−1.23×10⁻⁴");
/// ```
pub fn scientific(x: f64, decimals: usize) -> String {
    if !x.is_finite() {
        return not_finite(x);
    }
    let text = format!("{x:.decimals$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = mantissa
        .strip_prefix('-')
        .map_or(mantissa.to_owned(), |m| format!("{MINUS}{m}"));
    format!("{mantissa}×{}", power_of_ten(exponent.parse().unwrap_or(0)))
}

/// `x` with `digits` significant digits: whole numbers whole, very large and very small ones in
/// scientific notation.
///
/// # Examples
/// ```
/// use display::number::significant;
/// assert_eq!(significant(0.1 + 0.2, 4), "0.3000");
/// assert_eq!(significant(39.935861, 4), "39.94");
/// assert_eq!(significant(3504.0, 4), "3504");
/// assert_eq!(significant(1234.5678, 4), "1235");
/// assert_eq!(significant(7.03e-81, 4), "7.030×10⁻⁸¹");
/// ```
pub fn significant(x: f64, digits: usize) -> String {
    let digits = digits.max(1);
    let magnitude = x.abs();
    if !x.is_finite() {
        not_finite(x)
    } else if x == 0.0 || (x.fract() == 0.0 && magnitude < 1e7) {
        fixed(x, 0)
    } else {
        // The exponent once rounded: 0.99996 at four digits is 1.000.
        let text = format!("{magnitude:.*e}", digits - 1);
        let exponent = text
            .split_once('e')
            .and_then(|(_, e)| e.parse::<i32>().ok())
            .unwrap_or(0);
        if (-4..7).contains(&exponent) {
            fixed(x, (digits as i32 - 1 - exponent).max(0) as usize)
        } else {
            scientific(x, digits - 1)
        }
    }
}

/// As [`significant`], without zeros at the end of the decimals.
///
/// # Examples
/// ```
/// use display::number::trimmed;
/// assert_eq!(trimmed(0.8102, 6), "0.8102");
/// assert_eq!(trimmed(1.23e-5, 6), "1.23×10⁻⁵");
/// assert_eq!(trimmed(43274.99999, 6), "43,275");
/// ```
pub fn trimmed(x: f64, digits: usize) -> String {
    let text = significant(x, digits);
    let (mantissa, power) = text.split_at(text.find('×').unwrap_or(text.len()));
    if mantissa.contains('.') {
        format!(
            "{}{power}",
            mantissa.trim_end_matches('0').trim_end_matches('.')
        )
    } else {
        text
    }
}

/// `x` as a percentage with `decimals` digits after the point: 0.1234 is 12.3 %.
///
/// # Examples
/// ```
/// assert_eq!(display::number::percent(0.1234, 1), "12.3\u{a0}%");
/// ```
pub fn percent(x: f64, decimals: usize) -> String {
    format!("{}\u{a0}%", fixed(100.0 * x, decimals))
}

/// A whole number, with commas from 10,000 on.
///
/// # Examples
/// ```
/// assert_eq!(display::number::integer(-60000), "−60,000");
/// assert_eq!(display::number::integer(1970), "1970");
/// ```
pub fn integer(x: i64) -> String {
    let sign = if x < 0 {
        MINUS.to_string()
    } else {
        String::new()
    };
    format!("{sign}{}", grouped(&x.unsigned_abs().to_string()))
}

pub(crate) fn not_finite(x: f64) -> String {
    if x.is_nan() {
        "NaN".to_owned()
    } else if x > 0.0 {
        "∞".to_owned()
    } else {
        format!("{MINUS}∞")
    }
}

/// Ten to the power `exponent`, such as 10⁻³.
pub(crate) fn power_of_ten(exponent: i32) -> String {
    let mut text = String::from("10");
    if exponent < 0 {
        text.push('⁻');
    }
    text.extend(
        exponent
            .unsigned_abs()
            .to_string()
            .bytes()
            .map(|b| SUPERSCRIPTS[usize::from(b - b'0')]),
    );
    text
}

/// Digits in groups of three, if there are five or more.
fn grouped(digits: &str) -> String {
    if digits.len() < 5 {
        return digits.to_owned();
    }
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
