use std::fmt::Write;

use crate::number;

/// How far a result may differ when it is computed again.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Tolerance {
    /// Not at all. Default of integers, texts and truth values.
    Exact,
    /// By at most this share of the larger magnitude of the two. Default of floats, at 10⁻⁹.
    Relative(f64),
    /// By at most this much.
    Absolute(f64),
    /// By any amount: a time or a size, which differs from run to run. Only its kind must stay.
    Volatile,
}

/// The value of a named result.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A float. NaN and the infinities are kept, as texts in JSON.
    Number(f64),
    /// A whole number.
    Integer(i64),
    /// A text.
    Text(String),
    /// A truth value.
    Bool(bool),
}

impl Value {
    /// The tolerance of this kind of value where none is stated.
    pub fn default_tolerance(&self) -> Tolerance {
        match self {
            Value::Number(_) => Tolerance::Relative(1e-9),
            Value::Integer(_) | Value::Text(_) | Value::Bool(_) => Tolerance::Exact,
        }
    }
}

impl std::fmt::Display for Value {
    /// As the results table shows it: floats with up to six significant digits.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Number(x) => f.write_str(&number::trimmed(*x, 6)),
            Value::Integer(x) => f.write_str(&number::integer(*x)),
            Value::Text(text) => f.write_str(text),
            Value::Bool(truth) => write!(f, "{truth}"),
        }
    }
}

macro_rules! value_from {
    ($($from:ty => |$x:ident| $to:expr;)*) => {$(
        impl From<$from> for Value {
            fn from($x: $from) -> Self {
                $to
            }
        }
    )*};
}

value_from! {
    f64 => |x| Value::Number(x);
    f32 => |x| Value::Number(f64::from(x));
    i64 => |x| Value::Integer(x);
    i32 => |x| Value::Integer(x.into());
    u32 => |x| Value::Integer(x.into());
    u16 => |x| Value::Integer(x.into());
    u8 => |x| Value::Integer(x.into());
    &str => |x| Value::Text(x.to_owned());
    String => |x| Value::Text(x);
    bool => |x| Value::Bool(x);
}

impl From<u64> for Value {
    /// An integer; above `i64::MAX` a text of its digits, so that none is lost.
    fn from(x: u64) -> Self {
        i64::try_from(x).map_or_else(|_| Value::Text(x.to_string()), Value::Integer)
    }
}

impl From<usize> for Value {
    /// As from `u64`.
    fn from(x: usize) -> Self {
        Value::from(x as u64)
    }
}

/// One named result.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Named {
    pub(crate) name: String,
    pub(crate) value: Value,
    pub(crate) tolerance: Tolerance,
}

/// The results that a displayed value carries, in the order in which they were given.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct NamedResults(pub(crate) Vec<Named>);

impl NamedResults {
    /// Adds a result.
    ///
    /// Panics if the name cannot be used in prose or is given twice.
    pub(crate) fn add(&mut self, name: String, value: Value, tolerance: Tolerance) {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
        assert!(
            !name.is_empty() && name.chars().all(fits),
            "`{name}` cannot name a result: use letters, digits, `.`, `_` and `-`, as in `ols.slope`"
        );
        assert!(
            self.0.iter().all(|result| result.name != name),
            "the result `{name}` is given twice"
        );
        if let Tolerance::Relative(by) | Tolerance::Absolute(by) = tolerance {
            assert!(
                by.is_finite() && by >= 0.0,
                "the tolerance of `{name}` is {by}: it must be 0 or more"
            );
        }
        self.0.push(Named {
            name,
            value,
            tolerance,
        });
    }

    /// The content of the results MIME type, or `None` if there are no results.
    pub(crate) fn to_json(&self) -> Option<String> {
        if self.0.is_empty() {
            return None;
        }
        let mut json = String::from(r#"{"version":1,"results":{"#);
        for (
            i,
            Named {
                name,
                value,
                tolerance,
            },
        ) in self.0.iter().enumerate()
        {
            if i > 0 {
                json.push(',');
            }
            push_string(&mut json, name);
            json.push_str(r#":{"value":"#);
            match value {
                Value::Number(x) => push_number(&mut json, *x),
                Value::Integer(x) => {
                    let _ = write!(json, "{x}");
                }
                Value::Text(text) => push_string(&mut json, text),
                Value::Bool(truth) => {
                    let _ = write!(json, "{truth}");
                }
            }
            json.push_str(r#","tolerance":"#);
            match tolerance {
                Tolerance::Exact => json.push_str(r#""exact""#),
                Tolerance::Volatile => json.push_str(r#""volatile""#),
                Tolerance::Relative(by) => {
                    json.push_str(r#"{"relative":"#);
                    push_number(&mut json, *by);
                    json.push('}');
                }
                Tolerance::Absolute(by) => {
                    json.push_str(r#"{"absolute":"#);
                    push_number(&mut json, *by);
                    json.push('}');
                }
            }
            json.push('}');
        }
        json.push_str("}}");
        Some(json)
    }
}

/// The shortest digits that read back as the same float; NaN and infinities as texts.
fn push_number(json: &mut String, x: f64) {
    let _ = if x.is_nan() {
        write!(json, r#""NaN""#)
    } else if x.is_infinite() {
        write!(json, r#""{}Infinity""#, if x < 0.0 { "-" } else { "" })
    } else {
        write!(json, "{x:?}")
    };
}

fn push_string(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        let _ = match c {
            '"' => write!(json, "\\\""),
            '\\' => write!(json, "\\\\"),
            '\n' => write!(json, "\\n"),
            // Also the two line ends that JSON allows and JavaScript once did not.
            c if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') => {
                write!(json, "\\u{:04x}", c as u32)
            }
            c => write!(json, "{c}"),
        };
    }
    json.push('"');
}

/// Gives a displayable type the methods that name results.
macro_rules! names_results {
    ($type:ty) => {
        impl $type {
            /// Names a result, at the tolerance of its kind: floats 10⁻⁹ relative, all else exact.
            ///
            /// Prose refers to it as `{{result NAME}}`, and a test compares it with what the
            /// module computes.
            ///
            /// # Panics
            /// If `name` holds anything but letters, digits, `.`, `_` and `-`, or is given twice.
            #[must_use]
            pub fn result(self, name: impl Into<String>, value: impl Into<$crate::Value>) -> Self {
                let value = value.into();
                let tolerance = value.default_tolerance();
                self.result_within(name, value, tolerance)
            }

            /// Names a result and states how far it may differ when it is computed again.
            ///
            /// # Panics
            /// As [`result`](Self::result), and if the tolerance is negative or not finite.
            #[must_use]
            pub fn result_within(
                mut self,
                name: impl Into<String>,
                value: impl Into<$crate::Value>,
                tolerance: $crate::Tolerance,
            ) -> Self {
                self.results.add(name.into(), value.into(), tolerance);
                self
            }

            /// The named results as JSON, as the cell's output carries them; `None` if there are none.
            pub fn results_json(&self) -> Option<String> {
                self.results.to_json()
            }

            /// Shows itself in a notebook: the evcxr kernel calls this for the last value of a cell.
            pub fn evcxr_display(&self) {
                $crate::show::show(
                    &self.to_html(),
                    &self.to_string(),
                    self.results_json().as_deref(),
                );
            }
        }
    };
}
pub(crate) use names_results;
