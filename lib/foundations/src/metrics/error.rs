//! What can go wrong in [`metrics`](crate::metrics), with the values that went wrong.

/// Why a metric has no value, with the values that went wrong.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum MetricError {
    /// Targets and predictions differ in number.
    #[error("{op}: {targets} targets, but {predictions} predictions")]
    LengthMismatch {
        /// The metric.
        op: &'static str,
        /// Number of targets.
        targets: usize,
        /// Number of predictions.
        predictions: usize,
    },
    /// There is nothing to compare.
    #[error("{op}: no samples")]
    Empty {
        /// The metric.
        op: &'static str,
    },
    /// A target or a prediction is NaN or infinite.
    #[error("{op}: {argument}[{index}] is {value}, expected a finite number")]
    NotFinite {
        /// The metric.
        op: &'static str,
        /// `"targets"` or `"predictions"`.
        argument: &'static str,
        /// Place of the first such entry, from 0.
        index: usize,
        /// The entry.
        value: f64,
    },
    /// All targets are equal, so that there is no variance to explain.
    #[error("{op}: all targets are {value}, so there is no variance to explain")]
    ConstantTarget {
        /// The metric.
        op: &'static str,
        /// The value that all targets have.
        value: f64,
    },
    /// A label is neither 0 nor 1.
    #[error("{op}: labels[{index}] is {value}, expected 0 or 1")]
    NotALabel {
        /// The metric.
        op: &'static str,
        /// Place of the first such entry, from 0.
        index: usize,
        /// The entry.
        value: f64,
    },
    /// A probability is below 0 or above 1.
    #[error("{op}: probabilities[{index}] is {value}, expected a number from 0 to 1")]
    NotAProbability {
        /// The metric.
        op: &'static str,
        /// Place of the first such entry, from 0.
        index: usize,
        /// The entry.
        value: f64,
    },
    /// All labels are equal, so that there are no two classes to rank.
    #[error("{op}: all labels are {value}, expected both 0 and 1")]
    OneClass {
        /// The metric.
        op: &'static str,
        /// The label that all samples have.
        value: f64,
    },
    /// A parameter is outside its range.
    #[error("{op}: {name} is {value}, expected {expected}")]
    InvalidParameter {
        /// The metric.
        op: &'static str,
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is allowed, in words.
        expected: &'static str,
    },
}
