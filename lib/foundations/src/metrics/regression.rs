//! Measures for predicted numbers.

use super::{MetricError, validate::checked};
use ndarray::ArrayView1;

/// The mean squared error, `(1/n) Σ (yᵢ − ŷᵢ)²`.
///
/// # Arguments
/// - `targets`: observed values, shape `(n_samples,)`.
/// - `predictions`: predicted values in the same unit, shape `(n_samples,)`.
///
/// # Returns
/// A number in the square of the target's unit.
///
/// # Errors
/// [`MetricError::LengthMismatch`], [`MetricError::Empty`], [`MetricError::NotFinite`].
///
/// # Complexity
/// `O(n_samples)` time, no allocation.
///
/// # Examples
/// ```
/// use foundations::metrics::mse;
/// use ndarray::array;
///
/// let error = mse(array![3.0, 5.0].view(), array![2.0, 8.0].view())?;
/// assert_eq!(error, 5.0);
/// # Ok::<(), foundations::metrics::MetricError>(())
/// ```
///
/// # References
/// Agrees with scikit-learn's `mean_squared_error` to a relative 1e-12 (`tests/golden_linear_model.rs`).
pub fn mse(
    targets: ArrayView1<'_, f64>,
    predictions: ArrayView1<'_, f64>,
) -> Result<f64, MetricError> {
    checked("mse", targets, predictions)?;
    Ok(sum_of_squares(targets, predictions) / targets.len() as f64)
}

/// The root of the mean squared error, `√((1/n) Σ (yᵢ − ŷᵢ)²)`.
///
/// # Arguments
/// - `targets`: observed values, shape `(n_samples,)`.
/// - `predictions`: predicted values in the same unit, shape `(n_samples,)`.
///
/// # Returns
/// A number in the target's unit.
///
/// # Errors
/// As [`mse`].
///
/// # Complexity
/// `O(n_samples)` time, no allocation.
///
/// # Examples
/// ```
/// use foundations::metrics::rmse;
/// use ndarray::array;
///
/// let error = rmse(array![1.0, 1.0].view(), array![4.0, 5.0].view())?;
/// assert_eq!(error, 12.5_f64.sqrt());
/// # Ok::<(), foundations::metrics::MetricError>(())
/// ```
///
/// # References
/// Agrees with scikit-learn's `root_mean_squared_error` to a relative 1e-12 (`tests/golden_linear_model.rs`).
pub fn rmse(
    targets: ArrayView1<'_, f64>,
    predictions: ArrayView1<'_, f64>,
) -> Result<f64, MetricError> {
    checked("rmse", targets, predictions)?;
    Ok((sum_of_squares(targets, predictions) / targets.len() as f64).sqrt())
}

/// The mean absolute error, `(1/n) Σ |yᵢ − ŷᵢ|`.
///
/// # Arguments
/// - `targets`: observed values, shape `(n_samples,)`.
/// - `predictions`: predicted values in the same unit, shape `(n_samples,)`.
///
/// # Returns
/// A number in the target's unit.
///
/// # Errors
/// As [`mse`].
///
/// # Complexity
/// `O(n_samples)` time, no allocation.
///
/// # Examples
/// ```
/// use foundations::metrics::mae;
/// use ndarray::array;
///
/// let error = mae(array![3.0, 5.0].view(), array![2.0, 8.0].view())?;
/// assert_eq!(error, 2.0);
/// # Ok::<(), foundations::metrics::MetricError>(())
/// ```
///
/// # References
/// Agrees with scikit-learn's `mean_absolute_error` to a relative 1e-12 (`tests/golden_linear_model.rs`).
pub fn mae(
    targets: ArrayView1<'_, f64>,
    predictions: ArrayView1<'_, f64>,
) -> Result<f64, MetricError> {
    checked("mae", targets, predictions)?;
    let sum: f64 = targets
        .iter()
        .zip(predictions)
        .map(|(y, p)| (y - p).abs())
        .sum();
    Ok(sum / targets.len() as f64)
}

/// The share of the variance that the predictions explain, `1 − Σ (yᵢ − ŷᵢ)² / Σ (yᵢ − ȳ)²`.
///
/// 1 for a perfect prediction, 0 for one no better than the mean of these targets, negative for a
/// worse one.
///
/// # Arguments
/// - `targets`: observed values, shape `(n_samples,)`.
/// - `predictions`: predicted values in the same unit, shape `(n_samples,)`.
///
/// # Returns
/// A number without unit, at most 1.
///
/// # Errors
/// As [`mse`], and [`MetricError::ConstantTarget`] when all targets are equal.
///
/// # Complexity
/// `O(n_samples)` time, no allocation.
///
/// # Examples
/// ```
/// use foundations::metrics::r2;
/// use ndarray::array;
///
/// let targets = array![1.0, 2.0, 3.0];
/// assert_eq!(r2(targets.view(), array![1.0, 2.0, 4.0].view())?, 0.5);
/// assert_eq!(r2(targets.view(), array![2.0, 2.0, 2.0].view())?, 0.0);
/// # Ok::<(), foundations::metrics::MetricError>(())
/// ```
///
/// # References
/// Agrees with scikit-learn's `r2_score` to a relative 1e-12 (`tests/golden_linear_model.rs`), but for
/// constant targets, where scikit-learn answers 0 or 1.
pub fn r2(
    targets: ArrayView1<'_, f64>,
    predictions: ArrayView1<'_, f64>,
) -> Result<f64, MetricError> {
    checked("r2", targets, predictions)?;
    let first = targets[0];
    if targets.iter().all(|&y| y == first) {
        return Err(MetricError::ConstantTarget {
            op: "r2",
            value: first,
        });
    }
    let mean = targets.sum() / targets.len() as f64;
    let total: f64 = targets.iter().map(|y| (y - mean).powi(2)).sum();
    Ok(1.0 - sum_of_squares(targets, predictions) / total)
}

fn sum_of_squares(targets: ArrayView1<'_, f64>, predictions: ArrayView1<'_, f64>) -> f64 {
    targets
        .iter()
        .zip(predictions)
        .map(|(y, p)| (y - p).powi(2))
        .sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{Array1, array};

    type Metric = fn(ArrayView1<'_, f64>, ArrayView1<'_, f64>) -> Result<f64, MetricError>;
    const ALL: [(&str, Metric); 4] = [("mse", mse), ("rmse", rmse), ("mae", mae), ("r2", r2)];

    #[test]
    fn lengths_must_match() {
        for (op, metric) in ALL {
            let got = metric(array![1.0, 2.0].view(), array![1.0].view());
            assert_eq!(
                got,
                Err(MetricError::LengthMismatch {
                    op,
                    targets: 2,
                    predictions: 1
                })
            );
        }
    }

    #[test]
    fn no_samples_is_an_error() {
        let none: Array1<f64> = array![];
        for (op, metric) in ALL {
            assert_eq!(
                metric(none.view(), none.view()),
                Err(MetricError::Empty { op })
            );
        }
    }

    #[test]
    fn a_number_that_is_not_finite_is_named_with_its_place() {
        for (op, metric) in ALL {
            let got = metric(array![1.0, 2.0].view(), array![1.0, f64::INFINITY].view());
            assert_eq!(
                got,
                Err(MetricError::NotFinite {
                    op,
                    argument: "predictions",
                    index: 1,
                    value: f64::INFINITY
                })
            );
            let message = metric(array![f64::NAN, 2.0].view(), array![1.0, 2.0].view())
                .unwrap_err()
                .to_string();
            assert_eq!(
                message,
                format!("{op}: targets[0] is NaN, expected a finite number")
            );
        }
    }

    #[test]
    fn r2_of_constant_targets_is_an_error() {
        let got = r2(array![3.0, 3.0].view(), array![3.0, 4.0].view());
        assert_eq!(
            got,
            Err(MetricError::ConstantTarget {
                op: "r2",
                value: 3.0
            })
        );
    }
}
