//! Decisions at one threshold.

use super::{MetricError, validate};
use ndarray::ArrayView1;

/// How decisions at one threshold turned out: the four counts of the confusion matrix.
///
/// # Examples
/// ```
/// use foundations::metrics::Confusion;
/// use ndarray::array;
///
/// let labels = array![1.0, 1.0, 1.0, 0.0, 0.0];
/// let scores = array![0.9, 0.6, 0.2, 0.7, 0.1];
/// let at = Confusion::at(labels.view(), scores.view(), 0.5)?;
/// assert_eq!((at.true_positives, at.false_positives), (2, 1));
/// assert_eq!((at.false_negatives, at.true_negatives), (1, 1));
/// assert_eq!((at.accuracy(), at.recall()), (0.6, 2.0 / 3.0));
/// # Ok::<(), foundations::metrics::MetricError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Confusion {
    /// Positives called positive.
    pub true_positives: usize,
    /// Negatives called positive.
    pub false_positives: usize,
    /// Positives called negative.
    pub false_negatives: usize,
    /// Negatives called negative.
    pub true_negatives: usize,
}

impl Confusion {
    /// Calls a sample positive if its score is `threshold` or greater, and counts.
    ///
    /// # Arguments
    /// - `labels`: 0 or 1, shape `(n_samples,)`.
    /// - `scores`: finite, greater for what is more likely positive, shape `(n_samples,)`.
    ///
    /// # Errors
    /// [`MetricError::LengthMismatch`], [`MetricError::Empty`], [`MetricError::NotFinite`],
    /// [`MetricError::NotALabel`], and [`MetricError::InvalidParameter`] for a threshold of NaN.
    ///
    /// # References
    /// Agrees with scikit-learn's `confusion_matrix` exactly (`tests/golden_classification.rs`).
    pub fn at(
        labels: ArrayView1<'_, f64>,
        scores: ArrayView1<'_, f64>,
        threshold: f64,
    ) -> Result<Self, MetricError> {
        let op = "Confusion::at";
        validate::labelled(op, labels, scores)?;
        if threshold.is_nan() {
            return Err(MetricError::InvalidParameter {
                op,
                name: "threshold",
                value: threshold,
                expected: "a number",
            });
        }
        let mut counts = Confusion {
            true_positives: 0,
            false_positives: 0,
            false_negatives: 0,
            true_negatives: 0,
        };
        for (&label, &score) in labels.iter().zip(scores) {
            let count = match (label == 1.0, score >= threshold) {
                (true, true) => &mut counts.true_positives,
                (false, true) => &mut counts.false_positives,
                (true, false) => &mut counts.false_negatives,
                (false, false) => &mut counts.true_negatives,
            };
            *count += 1;
        }
        Ok(counts)
    }

    /// The number of samples.
    pub fn samples(&self) -> usize {
        self.true_positives + self.false_positives + self.false_negatives + self.true_negatives
    }

    /// The share of samples that were called what they are.
    pub fn accuracy(&self) -> f64 {
        ratio(self.true_positives + self.true_negatives, self.samples())
    }

    /// The share of positives among those called positive; NaN if there are none.
    pub fn precision(&self) -> f64 {
        ratio(
            self.true_positives,
            self.true_positives + self.false_positives,
        )
    }

    /// The share of the positives that were found, also called sensitivity; NaN if there are none.
    pub fn recall(&self) -> f64 {
        ratio(
            self.true_positives,
            self.true_positives + self.false_negatives,
        )
    }

    /// The share of the negatives that were left alone; NaN if there are none.
    pub fn specificity(&self) -> f64 {
        ratio(
            self.true_negatives,
            self.true_negatives + self.false_positives,
        )
    }

    /// The harmonic mean of precision and recall, `2TP / (2TP + FP + FN)`; NaN without positives of either kind.
    pub fn f1(&self) -> f64 {
        let twice = 2 * self.true_positives;
        ratio(twice, twice + self.false_positives + self.false_negatives)
    }
}

fn ratio(part: usize, whole: usize) -> f64 {
    part as f64 / whole as f64
}
