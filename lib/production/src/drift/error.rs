use thiserror::Error;

/// Why two samples cannot be compared, with the values that went wrong.
#[derive(Debug, Clone, PartialEq, Error)]
#[non_exhaustive]
pub enum DriftError {
    /// Nothing to compare.
    #[error("{op}: {what} is empty")]
    Empty {
        /// The function.
        op: &'static str,
        /// Which argument, or which field.
        what: String,
    },
    /// Counts of the same bins that differ in number.
    #[error("{op}: {expected} bins in the reference, {got} in the sample")]
    Bins {
        /// The function.
        op: &'static str,
        /// Bins of the reference.
        expected: usize,
        /// Bins of the sample.
        got: usize,
    },
    /// NaN or infinity.
    #[error("{op}: value {index} of {what} is {value}, a finite number is needed")]
    NotFinite {
        /// The function.
        op: &'static str,
        /// Which argument, or which field.
        what: String,
        /// Its place, from 0.
        index: usize,
        /// The value.
        value: f64,
    },
    /// A setting out of its range.
    #[error("{op}: {name} is {value}, expected {expected}")]
    Setting {
        /// The function.
        op: &'static str,
        /// The setting.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is allowed.
        expected: &'static str,
    },
    /// A row with another number of fields, or a field of another kind.
    #[error("{op}: field {field:?}: {reason}")]
    Field {
        /// The function.
        op: &'static str,
        /// The field.
        field: String,
        /// What is wrong.
        reason: String,
    },
}

/// The place of the first value that is not finite, as an error.
pub(crate) fn finite(op: &'static str, what: &str, values: &[f64]) -> Result<(), DriftError> {
    match values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
        Some((index, &value)) => Err(DriftError::NotFinite {
            op,
            what: what.into(),
            index,
            value,
        }),
        None => Ok(()),
    }
}
