//! What can go wrong in [`linear_model`](crate::linear_model), with the values that went wrong.

use crate::linalg::LinalgError;
use std::fmt;

/// A column of the design: the column of ones, or a feature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Term {
    /// The column of ones.
    Intercept,
    /// The feature in this column of `x`, counted from 0.
    Feature(usize),
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Term::Intercept => write!(f, "the intercept"),
            Term::Feature(column) => write!(f, "feature {column}"),
        }
    }
}

/// Why a linear model could not be fitted, asked or compared.
///
/// Rows and columns are counted from 0, as in Rust.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum FitError {
    /// Two inputs do not fit together.
    #[error("{op}: expected shape {expected:?}, got {got:?}")]
    ShapeMismatch {
        /// The operation that was asked for, and the argument at fault.
        op: &'static str,
        /// The shape that the operation needs.
        expected: Vec<usize>,
        /// The shape that was given.
        got: Vec<usize>,
    },
    /// An entry of `x` is NaN or infinite.
    #[error("{op}: x[{row}, {column}] is {value}, expected a finite number")]
    NotFiniteFeature {
        /// The operation that was asked for.
        op: &'static str,
        /// Row of the first such entry.
        row: usize,
        /// Column of that entry.
        column: usize,
        /// The entry.
        value: f64,
    },
    /// An entry of `y` is NaN or infinite.
    #[error("{op}: y[{row}] is {value}, expected a finite number")]
    NotFiniteTarget {
        /// The operation that was asked for.
        op: &'static str,
        /// Place of the first such entry.
        row: usize,
        /// The entry.
        value: f64,
    },
    /// A class is neither 0 nor 1.
    #[error("{op}: y[{row}] is {value}, expected 0 or 1")]
    NotBinary {
        /// The operation that was asked for.
        op: &'static str,
        /// Place of the first such entry.
        row: usize,
        /// The entry.
        value: f64,
    },
    /// All samples are of one class, so that there is nothing to tell apart.
    #[error("{op}: y is {value} throughout, expected both 0 and 1")]
    OneClass {
        /// The operation that was asked for.
        op: &'static str,
        /// The class that all samples have.
        value: f64,
    },
    /// There are too few rows for the number of parameters.
    #[error("{op}: {got} samples, but {parameters} parameters need at least {needed}")]
    TooFewSamples {
        /// The operation that was asked for.
        op: &'static str,
        /// Parameters that were to be estimated.
        parameters: usize,
        /// The least number of samples.
        needed: usize,
        /// The number of samples that were given.
        got: usize,
    },
    /// The model has nothing to estimate: no feature and no intercept, or no feature to shrink.
    #[error("{op}: x has no columns, so there is nothing to estimate")]
    NoFeatures {
        /// The operation that was asked for.
        op: &'static str,
    },
    /// A column of the design is a linear combination of columns before it, so that its
    /// coefficient has no unique value.
    #[error(
        "fit: feature {feature} is, to rounding, {}, \
         so its coefficient has no unique value: leave one of them out, or use Ridge",
        describe(.depends_on)
    )]
    RankDeficient {
        /// The column of `x` that adds nothing.
        feature: usize,
        /// The columns that it is made of; empty if it is zero throughout.
        depends_on: Vec<Term>,
    },
    /// A parameter is outside its range.
    #[error("{name} is {value}, expected {expected}")]
    InvalidParameter {
        /// The parameter.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is allowed, in words.
        expected: &'static str,
    },
    /// The quantity is defined for a model with an intercept alone.
    #[error("{op} is defined for a model with an intercept: fit with fit_intercept(true)")]
    NeedsIntercept {
        /// The operation that was asked for.
        op: &'static str,
    },
    /// The factorisation failed.
    #[error(transparent)]
    Linalg(#[from] LinalgError),
    /// linfa refused the data set.
    #[cfg(feature = "linfa")]
    #[error("linfa: {0}")]
    Linfa(String),
}

/// Names the columns that a dependent column is made of.
fn describe(terms: &[Term]) -> String {
    match terms {
        [] => "zero throughout".to_owned(),
        [Term::Intercept] => "constant, as the intercept is".to_owned(),
        [one] => format!("a multiple of {one}"),
        [first @ .., last] => {
            let first: Vec<String> = first.iter().map(Term::to_string).collect();
            format!("a linear combination of {} and {last}", first.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rank_deficient_design_is_described_in_words() {
        let message = |depends_on: Vec<Term>| {
            FitError::RankDeficient {
                feature: 3,
                depends_on,
            }
            .to_string()
        };
        assert!(message(vec![]).contains("feature 3 is, to rounding, zero throughout"));
        assert!(message(vec![Term::Intercept]).contains("constant, as the intercept is"));
        assert!(message(vec![Term::Feature(1)]).contains("a multiple of feature 1"));
        assert!(
            message(vec![Term::Intercept, Term::Feature(0), Term::Feature(2)])
                .contains("a linear combination of the intercept, feature 0 and feature 2")
        );
    }
}
