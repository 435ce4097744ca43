//! How good probabilities are.

use super::{MetricError, validate};
use ndarray::{Array1, ArrayView1};

/// The mean negative log-likelihood, `−(1/n) Σ [yᵢ ln pᵢ + (1 − yᵢ) ln(1 − pᵢ)]`.
///
/// Lower is better; it is lowest in expectation for the true probabilities. Infinite if something happened that was
/// given probability 0.
///
/// # Arguments
/// - `labels`: 0 or 1, shape `(n_samples,)`.
/// - `probabilities`: of label 1, shape `(n_samples,)`.
///
/// # Returns
/// A number in nats, 0 or greater.
///
/// # Errors
/// [`MetricError::LengthMismatch`], [`MetricError::Empty`], [`MetricError::NotFinite`],
/// [`MetricError::NotALabel`], [`MetricError::NotAProbability`].
///
/// # Complexity
/// `O(n_samples)` time, no allocation.
///
/// # Examples
/// ```
/// use foundations::metrics::log_loss;
/// use ndarray::array;
///
/// let loss = log_loss(array![1.0, 0.0].view(), array![0.5, 0.5].view())?;
/// assert!((loss - 2.0_f64.ln()).abs() < 1e-15);
/// # Ok::<(), foundations::metrics::MetricError>(())
/// ```
///
/// # References
/// Agrees with scikit-learn's `log_loss` to a relative 1e-12 (`tests/golden_classification.rs`), which keeps
/// probabilities away from 0 and 1 by a rounding error.
pub fn log_loss(
    labels: ArrayView1<'_, f64>,
    probabilities: ArrayView1<'_, f64>,
) -> Result<f64, MetricError> {
    validate::probable("log_loss", labels, probabilities)?;
    let sum: f64 = (labels.iter().zip(probabilities))
        .map(|(&y, &p)| if y == 1.0 { p.ln() } else { (-p).ln_1p() })
        .sum();
    Ok(-sum / labels.len() as f64)
}

/// The mean squared error of probabilities, `(1/n) Σ (yᵢ − pᵢ)²`.
///
/// Lower is better; like [`log_loss`] it is lowest in expectation for the true probabilities, but it forgives
/// certainty that was wrong.
///
/// # Arguments
/// - `labels`: 0 or 1, shape `(n_samples,)`.
/// - `probabilities`: of label 1, shape `(n_samples,)`.
///
/// # Returns
/// A number from 0 to 1, without unit.
///
/// # Errors
/// As [`log_loss`].
///
/// # Complexity
/// `O(n_samples)` time, no allocation.
///
/// # Examples
/// ```
/// use foundations::metrics::brier_score;
/// use ndarray::array;
///
/// assert_eq!(brier_score(array![1.0, 0.0].view(), array![0.5, 0.0].view())?, 0.125);
/// # Ok::<(), foundations::metrics::MetricError>(())
/// ```
///
/// # References
/// Brier, *Monthly Weather Review* 78 (1950), 1–3. Agrees with scikit-learn's `brier_score_loss` to a relative 1e-12.
pub fn brier_score(
    labels: ArrayView1<'_, f64>,
    probabilities: ArrayView1<'_, f64>,
) -> Result<f64, MetricError> {
    validate::probable("brier_score", labels, probabilities)?;
    let sum: f64 = (labels.iter().zip(probabilities))
        .map(|(y, p)| (y - p).powi(2))
        .sum();
    Ok(sum / labels.len() as f64)
}

/// What was observed beside what was predicted, in bins of samples with like predictions.
#[derive(Debug, Clone, PartialEq)]
pub struct CalibrationCurve {
    /// The mean predicted probability of each bin, rising, shape `(bins,)`.
    pub predicted: Array1<f64>,
    /// The share of label 1 in each bin, shape `(bins,)`.
    pub observed: Array1<f64>,
    /// The number of samples in each bin.
    pub counts: Vec<usize>,
}

impl CalibrationCurve {
    /// Sorts the samples by their prediction and cuts them into `bins` of equal number, give or take one.
    ///
    /// # Arguments
    /// - `labels`: 0 or 1, shape `(n_samples,)`.
    /// - `probabilities`: of label 1, shape `(n_samples,)`.
    /// - `bins`: from 1 to `n_samples`.
    ///
    /// # Errors
    /// As [`log_loss`], and [`MetricError::InvalidParameter`] for fewer than 1 bin, or more than samples.
    ///
    /// # Complexity
    /// `O(n_samples log n_samples)` time.
    ///
    /// # Examples
    /// ```
    /// use foundations::metrics::CalibrationCurve;
    /// use ndarray::array;
    ///
    /// let labels = array![0.0, 1.0, 1.0, 1.0];
    /// let curve = CalibrationCurve::new(labels.view(), array![0.1, 0.3, 0.8, 0.9].view(), 2)?;
    /// assert_eq!(curve.observed, array![0.5, 1.0]);
    /// assert!((curve.predicted[0] - 0.2).abs() < 1e-15);
    /// # Ok::<(), foundations::metrics::MetricError>(())
    /// ```
    ///
    /// # References
    /// Agrees with numpy's means over `array_split` of the sorted samples to a relative 1e-12.
    pub fn new(
        labels: ArrayView1<'_, f64>,
        probabilities: ArrayView1<'_, f64>,
        bins: usize,
    ) -> Result<Self, MetricError> {
        let op = "CalibrationCurve::new";
        validate::probable(op, labels, probabilities)?;
        let n = labels.len();
        if !(1..=n).contains(&bins) {
            return Err(MetricError::InvalidParameter {
                op,
                name: "bins",
                value: bins as f64,
                expected: "at least 1, and at most one for each sample",
            });
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.sort_by(|&a, &b| probabilities[a].total_cmp(&probabilities[b]));
        // The first `n % bins` bins hold one sample more.
        let (size, longer) = (n / bins, n % bins);
        let mut rest = order.as_slice();
        let mut curve = CalibrationCurve {
            predicted: Array1::zeros(bins),
            observed: Array1::zeros(bins),
            counts: Vec::with_capacity(bins),
        };
        for bin in 0..bins {
            let (these, others) = rest.split_at(size + usize::from(bin < longer));
            let mean = |of: ArrayView1<'_, f64>| {
                these.iter().map(|&i| of[i]).sum::<f64>() / these.len() as f64
            };
            curve.predicted[bin] = mean(probabilities);
            curve.observed[bin] = mean(labels);
            curve.counts.push(these.len());
            rest = others;
        }
        Ok(curve)
    }

    /// The expected calibration error: the mean distance of observed from predicted, weighted by the bins' counts.
    ///
    /// It is above 0 by chance even for true probabilities, the more so the smaller the bins.
    pub fn expected_error(&self) -> f64 {
        let n: usize = self.counts.iter().sum();
        let sum: f64 = (self.counts.iter())
            .zip(self.observed.iter().zip(&self.predicted))
            .map(|(&count, (observed, predicted))| count as f64 * (observed - predicted).abs())
            .sum();
        sum / n as f64
    }
}
