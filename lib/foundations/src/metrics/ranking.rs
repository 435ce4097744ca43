//! How well scores rank the positives above the others.

use super::{MetricError, validate};
use ndarray::{Array1, ArrayView1};

/// Counts of samples with a score of at least a threshold, for each distinct score, from the highest down.
struct Sweep {
    thresholds: Vec<f64>,
    positives: Vec<f64>,
    negatives: Vec<f64>,
}

impl Sweep {
    fn new(
        op: &'static str,
        labels: ArrayView1<'_, f64>,
        scores: ArrayView1<'_, f64>,
    ) -> Result<Self, MetricError> {
        validate::labelled(op, labels, scores)?;
        validate::two_classes(op, labels)?;
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let mut sweep = Sweep {
            thresholds: Vec::new(),
            positives: Vec::new(),
            negatives: Vec::new(),
        };
        let (mut positives, mut negatives) = (0.0, 0.0);
        for (place, &i) in order.iter().enumerate() {
            positives += labels[i];
            negatives += 1.0 - labels[i];
            // Samples of one score cross the threshold together.
            let last = order
                .get(place + 1)
                .is_none_or(|&next| scores[next] != scores[i]);
            if last {
                sweep.thresholds.push(scores[i]);
                sweep.positives.push(positives);
                sweep.negatives.push(negatives);
            }
        }
        Ok(sweep)
    }
}

/// The ROC curve: true-positive rate against false-positive rate, as the threshold falls.
#[derive(Debug, Clone, PartialEq)]
pub struct RocCurve {
    /// The share of negatives called positive, from 0 to 1, shape `(m,)`.
    pub false_positive_rate: Array1<f64>,
    /// The share of positives called positive, from 0 to 1, shape `(m,)`.
    pub true_positive_rate: Array1<f64>,
    /// A score of at least this is called positive; the first is infinite, shape `(m,)`.
    pub thresholds: Array1<f64>,
}

impl RocCurve {
    /// One point for each distinct score, after the origin.
    ///
    /// # Arguments
    /// - `labels`: 0 or 1, both of which occur, shape `(n_samples,)`.
    /// - `scores`: finite, greater for what is more likely positive, shape `(n_samples,)`.
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`], [`MetricError::Empty`], [`MetricError::NotFinite`],
    /// [`MetricError::NotALabel`], [`MetricError::OneClass`].
    ///
    /// # Complexity
    /// `O(n_samples log n_samples)` time.
    ///
    /// # References
    /// Agrees with scikit-learn's `roc_curve` with `drop_intermediate=False` to a relative 1e-12
    /// (`tests/golden_classification.rs`).
    pub fn new(
        labels: ArrayView1<'_, f64>,
        scores: ArrayView1<'_, f64>,
    ) -> Result<Self, MetricError> {
        let sweep = Sweep::new("RocCurve::new", labels, scores)?;
        let positives = labels.sum();
        let negatives = labels.len() as f64 - positives;
        let after = |first: f64, rest: &[f64], whole: f64| -> Array1<f64> {
            std::iter::once(first)
                .chain(rest.iter().map(|v| v / whole))
                .collect()
        };
        Ok(RocCurve {
            false_positive_rate: after(0.0, &sweep.negatives, negatives),
            true_positive_rate: after(0.0, &sweep.positives, positives),
            thresholds: after(f64::INFINITY, &sweep.thresholds, 1.0),
        })
    }

    /// The area under the curve, by the trapezoidal rule; see [`roc_auc`].
    pub fn auc(&self) -> f64 {
        let (x, y) = (&self.false_positive_rate, &self.true_positive_rate);
        (1..x.len())
            .map(|i| (x[i] - x[i - 1]) * (y[i] + y[i - 1]) / 2.0)
            .sum()
    }
}

/// The area under the ROC curve: the probability that a random positive scores higher than a random negative.
///
/// Ties count half. 0.5 is what random scores get, 1 a perfect ranking. Only the order of the scores matters.
///
/// # Arguments
/// - `labels`: 0 or 1, both of which occur, shape `(n_samples,)`.
/// - `scores`: finite, greater for what is more likely positive, shape `(n_samples,)`.
///
/// # Errors
/// As [`RocCurve::new`].
///
/// # Complexity
/// `O(n_samples log n_samples)` time.
///
/// # Examples
/// ```
/// use foundations::metrics::roc_auc;
/// use ndarray::array;
///
/// // Of the four pairs of a positive and a negative, three are in order.
/// let labels = array![1.0, 0.0, 1.0, 0.0];
/// assert_eq!(roc_auc(labels.view(), array![0.9, 0.4, 0.3, 0.1].view())?, 0.75);
/// # Ok::<(), foundations::metrics::MetricError>(())
/// ```
///
/// # References
/// Hanley and McNeil, *Radiology* 143 (1982), 29–36. Agrees with scikit-learn's `roc_auc_score` to a relative 1e-12.
pub fn roc_auc(
    labels: ArrayView1<'_, f64>,
    scores: ArrayView1<'_, f64>,
) -> Result<f64, MetricError> {
    Ok(RocCurve::new(labels, scores)?.auc())
}

/// Precision against recall, as the threshold falls.
#[derive(Debug, Clone, PartialEq)]
pub struct PrecisionRecallCurve {
    /// The share of the positives that are called positive, rising to 1, shape `(m,)`.
    pub recall: Array1<f64>,
    /// The share of positives among those called positive, shape `(m,)`.
    pub precision: Array1<f64>,
    /// A score of at least this is called positive, shape `(m,)`.
    pub thresholds: Array1<f64>,
}

impl PrecisionRecallCurve {
    /// One point for each distinct score.
    ///
    /// # Arguments
    /// - `labels`: 0 or 1, both of which occur, shape `(n_samples,)`.
    /// - `scores`: finite, greater for what is more likely positive, shape `(n_samples,)`.
    ///
    /// # Errors
    /// As [`RocCurve::new`].
    ///
    /// # Complexity
    /// `O(n_samples log n_samples)` time.
    ///
    /// # References
    /// Agrees with scikit-learn's `precision_recall_curve` to a relative 1e-12, in opposite order and without the
    /// point (0, 1) that it adds.
    pub fn new(
        labels: ArrayView1<'_, f64>,
        scores: ArrayView1<'_, f64>,
    ) -> Result<Self, MetricError> {
        let sweep = Sweep::new("PrecisionRecallCurve::new", labels, scores)?;
        let positives = labels.sum();
        let precision = (sweep.positives.iter().zip(&sweep.negatives))
            .map(|(tp, fp)| tp / (tp + fp))
            .collect();
        Ok(PrecisionRecallCurve {
            recall: sweep.positives.iter().map(|tp| tp / positives).collect(),
            precision,
            thresholds: sweep.thresholds.into(),
        })
    }

    /// The area under the steps of the curve, `Σ (Rₖ − Rₖ₋₁) Pₖ`; see [`average_precision`].
    pub fn average_precision(&self) -> f64 {
        let mut reached = 0.0;
        let mut area = 0.0;
        for (&recall, precision) in self.recall.iter().zip(&self.precision) {
            area += (recall - reached) * precision;
            reached = recall;
        }
        area
    }
}

/// Average precision: the mean precision at the places of the positives, from the best-ranked down.
///
/// The share of positives is what random scores get, so it is read beside that share.
///
/// # Arguments
/// - `labels`: 0 or 1, both of which occur, shape `(n_samples,)`.
/// - `scores`: finite, greater for what is more likely positive, shape `(n_samples,)`.
///
/// # Errors
/// As [`RocCurve::new`].
///
/// # Complexity
/// `O(n_samples log n_samples)` time.
///
/// # Examples
/// ```
/// use foundations::metrics::average_precision;
/// use ndarray::array;
///
/// // The positives stand at places 1 and 3: (1/1 + 2/3) / 2.
/// let labels = array![1.0, 0.0, 1.0, 0.0];
/// let ap = average_precision(labels.view(), array![0.9, 0.4, 0.3, 0.1].view())?;
/// assert!((ap - 5.0 / 6.0).abs() < 1e-15);
/// # Ok::<(), foundations::metrics::MetricError>(())
/// ```
///
/// # References
/// Agrees with scikit-learn's `average_precision_score` to a relative 1e-12.
pub fn average_precision(
    labels: ArrayView1<'_, f64>,
    scores: ArrayView1<'_, f64>,
) -> Result<f64, MetricError> {
    Ok(PrecisionRecallCurve::new(labels, scores)?.average_precision())
}
