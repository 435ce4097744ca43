//! Checks at the boundary, shared by the estimators.

use super::FitError;
use ndarray::{ArrayView1, ArrayView2};

/// Refuses an `x` with an entry that is not finite.
pub(super) fn finite_features(op: &'static str, x: ArrayView2<'_, f64>) -> Result<(), FitError> {
    match x.indexed_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some(((row, column), &value)) => Err(FitError::NotFiniteFeature {
            op,
            row,
            column,
            value,
        }),
    }
}

/// Refuses a `y` that does not match `x` row by row, or has an entry that is not finite.
pub(super) fn matching_target(
    op: &'static str,
    n_samples: usize,
    y: ArrayView1<'_, f64>,
) -> Result<(), FitError> {
    if y.len() != n_samples {
        return Err(FitError::ShapeMismatch {
            op,
            expected: vec![n_samples],
            got: vec![y.len()],
        });
    }
    match y.iter().enumerate().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((row, &value)) => Err(FitError::NotFiniteTarget { op, row, value }),
    }
}

/// Refuses an `x` whose columns are not those of the fit, or with an entry that is not finite.
pub(super) fn features_of_fit(
    op: &'static str,
    n_features: usize,
    x: ArrayView2<'_, f64>,
) -> Result<(), FitError> {
    if x.ncols() != n_features {
        return Err(FitError::ShapeMismatch {
            op,
            expected: vec![x.nrows(), n_features],
            got: x.shape().to_vec(),
        });
    }
    finite_features(op, x)
}

/// Refuses a confidence level that is not strictly between 0 and 1.
pub(super) fn level(value: f64) -> Result<f64, FitError> {
    if value > 0.0 && value < 1.0 {
        Ok(value)
    } else {
        Err(FitError::InvalidParameter {
            name: "level",
            value,
            expected: "a number between 0 and 1, such as 0.95",
        })
    }
}
