//! Named results: what a cell hands to the prose and to the tests.

use std::collections::BTreeMap;

use jupyter_protocol::media::{Media, MediaType};
use nbformat::v4::{Cell, Notebook, Output};
use serde_json::Value;

/// The MIME type under which a cell's results travel in its output.
pub const MIME: &str = "application/vnd.ml-fullstack.results+json";

/// How closely a result must come out again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// The same value.
    Exact,
    /// Within this fraction of the value.
    Relative(f64),
    /// Within this distance.
    Absolute(f64),
    /// Differs from run to run: never compared.
    Volatile,
}

impl Tolerance {
    fn parse(value: &Value) -> Option<Tolerance> {
        match value {
            Value::String(s) if s == "exact" => Some(Tolerance::Exact),
            Value::String(s) if s == "volatile" => Some(Tolerance::Volatile),
            Value::Object(map) => {
                let number = |key: &str| map.get(key).and_then(Value::as_f64);
                number("relative")
                    .map(Tolerance::Relative)
                    .or_else(|| number("absolute").map(Tolerance::Absolute))
            }
            _ => None,
        }
    }

    /// Whether `new` may stand for `old`.
    pub fn allows(self, old: &Value, new: &Value) -> bool {
        match (self, old.as_f64(), new.as_f64()) {
            (Tolerance::Volatile, ..) => true,
            (Tolerance::Relative(by), Some(a), Some(b)) => {
                (a - b).abs() <= by * a.abs().max(b.abs())
            }
            (Tolerance::Absolute(by), Some(a), Some(b)) => (a - b).abs() <= by,
            _ => old == new,
        }
    }

    /// As JSON, the way cells write it.
    pub fn to_json(self) -> Value {
        match self {
            Tolerance::Exact => "exact".into(),
            Tolerance::Volatile => "volatile".into(),
            Tolerance::Relative(by) => serde_json::json!({ "relative": by }),
            Tolerance::Absolute(by) => serde_json::json!({ "absolute": by }),
        }
    }
}

/// A result as a cell gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// Its value: a number, a string or a truth value.
    pub value: Value,
    /// How closely it must come out again.
    pub tolerance: Tolerance,
    /// The notebook cell it comes from, counted over all cells from 0.
    pub cell: usize,
}

/// The results of a notebook, by name.
pub type Results = BTreeMap<String, Named>;

/// Collects the results that a notebook's outputs hold.
///
/// # Errors
/// A sentence when an output under our MIME type is not of its form, or a name comes twice.
pub fn of_notebook(notebook: &Notebook) -> Result<Results, String> {
    let mut results = Results::new();
    for (index, cell) in notebook.cells.iter().enumerate() {
        let Cell::Code { outputs, .. } = cell else {
            continue;
        };
        for output in outputs {
            let media = match output {
                Output::ExecuteResult(r) => &r.data,
                Output::DisplayData(d) => &d.data,
                _ => continue,
            };
            for (name, named) in of_media(media, index)? {
                if results.insert(name.clone(), named).is_some() {
                    return Err(format!("the result `{name}` is given by two cells"));
                }
            }
        }
    }
    Ok(results)
}

/// The results in one output.
///
/// # Errors
/// A sentence when the JSON is not of the form that `display` writes.
pub fn of_media(media: &Media, cell: usize) -> Result<Vec<(String, Named)>, String> {
    let mut found = Vec::new();
    for item in &media.content {
        let MediaType::Other((mime, json)) = item else {
            continue;
        };
        if mime != MIME {
            continue;
        }
        let map = json
            .get("results")
            .and_then(Value::as_object)
            .ok_or("a results output without its `results` object")?;
        for (name, entry) in map {
            let value = entry
                .get("value")
                .ok_or_else(|| format!("the result `{name}` has no value"))?;
            let tolerance = entry
                .get("tolerance")
                .and_then(Tolerance::parse)
                .ok_or_else(|| format!("the result `{name}` has no tolerance"))?;
            found.push((
                name.clone(),
                Named {
                    value: value.clone(),
                    tolerance,
                    cell,
                },
            ));
        }
    }
    Ok(found)
}

/// Writes a value as prose shows it. `format` is empty (as the value is), `.N` (N decimals), `.Ne`
/// (scientific), `%` or `.N%` (percent), `,` (thousands), or `.N,` (both). A real minus sign is used.
///
/// # Errors
/// A sentence when the format is unknown or asks a number of something else.
pub fn format_value(value: &Value, format: &str) -> Result<String, String> {
    if format.is_empty() {
        return Ok(match value {
            Value::String(s) => s.clone(),
            Value::Number(n) if n.is_f64() => minus(&shortest(n.as_f64().unwrap_or(f64::NAN))),
            other => minus(&other.to_string()),
        });
    }
    let x = value
        .as_f64()
        .ok_or_else(|| format!("the format `{format}` needs a number, the value is {value}"))?;
    let unknown = || format!("unknown format `{format}`: write .3, .3e, %, .1% or ,");
    let (digits, kind) = match format.strip_prefix('.') {
        Some(rest) => {
            let end = rest
                .find(|c: char| !c.is_ascii_digit())
                .unwrap_or(rest.len());
            let digits: usize = rest[..end].parse().map_err(|_| unknown())?;
            (Some(digits.min(17)), &rest[end..])
        }
        None => (None, format),
    };
    let text = match (kind, digits) {
        ("", Some(d)) => format!("{x:.d$}"),
        ("e", Some(d)) => return Ok(scientific(x, d)),
        ("%", d) => format!("{:.*} %", d.unwrap_or(0), 100.0 * x),
        (",", d) => thousands(&format!("{:.*}", d.unwrap_or(0), x)),
        _ => return Err(unknown()),
    };
    Ok(minus(&text))
}

fn minus(text: &str) -> String {
    match text.strip_prefix('-') {
        // -0.00 is no information
        Some(rest) if rest.chars().any(|c| ('1'..='9').contains(&c)) => format!("\u{2212}{rest}"),
        Some(rest) => rest.to_string(),
        None => text.to_string(),
    }
}

/// Six significant digits, without trailing zeros.
fn shortest(x: f64) -> String {
    if x == 0.0 || !x.is_finite() {
        return x.to_string();
    }
    let magnitude = x.abs().log10().floor() as i32;
    if !(-5..15).contains(&magnitude) {
        return scientific(x, 3);
    }
    let decimals = (5 - magnitude).max(0) as usize;
    let text = format!("{x:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        text
    }
}

/// `1.5 × 10⁻³`.
fn scientific(x: f64, digits: usize) -> String {
    let text = format!("{x:.digits$e}");
    let Some((mantissa, exponent)) = text.split_once('e') else {
        return text;
    };
    let raised: String = exponent
        .chars()
        .map(|c| match c {
            '-' => '⁻',
            '1' => '¹',
            '2' => '²',
            '3' => '³',
            '4'..='9' => char::from_u32('⁴' as u32 + (c as u32 - '4' as u32)).unwrap_or(c),
            _ => '⁰',
        })
        .collect();
    format!("{}\u{a0}×\u{a0}10{raised}", minus(mantissa))
}

fn thousands(text: &str) -> String {
    let (sign, rest) = match text.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", text),
    };
    let (whole, fraction) = match rest.split_once('.') {
        Some((w, f)) => (w, format!(".{f}")),
        None => (rest, String::new()),
    };
    let mut grouped = String::new();
    for (i, c) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(c);
    }
    format!("{sign}{grouped}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn formats() {
        for (value, format, want) in [
            (json!(2.71849), ".3", "2.718"),
            (json!(-0.1578), ".2", "\u{2212}0.16"),
            (json!(-0.0001), ".2", "0.00"),
            (json!(0.8234), ".1%", "82.3 %"),
            (json!(0.8234), "%", "82 %"),
            (json!(1234567), ",", "1,234,567"),
            (json!(0.00123), ".1e", "1.2\u{a0}×\u{a0}10⁻³"),
            (json!(39.93586102), "", "39.9359"),
            (json!(392), "", "392"),
            (json!("QR"), "", "QR"),
            (json!(4.0), "", "4"),
        ] {
            assert_eq!(
                format_value(&value, format).unwrap(),
                want,
                "{value} {format}"
            );
        }
        assert!(format_value(&json!(1.0), "x").is_err());
        assert!(format_value(&json!("a"), ".2").is_err());
    }

    #[test]
    fn tolerances() {
        let (a, b) = (json!(1.0), json!(1.0 + 1e-10));
        assert!(Tolerance::Relative(1e-9).allows(&a, &b));
        assert!(!Tolerance::Exact.allows(&a, &b));
        assert!(!Tolerance::Relative(1e-11).allows(&a, &b));
        assert!(Tolerance::Volatile.allows(&a, &json!(7)));
        assert!(!Tolerance::Relative(1e-9).allows(&json!("a"), &json!("b")));
    }
}
