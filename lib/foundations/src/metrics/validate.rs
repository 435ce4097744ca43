//! Checks at the boundary, shared by the metrics.

use super::MetricError;
use ndarray::ArrayView1;

/// Refuses pairs of unlike length, none at all, and numbers that are not finite.
pub(super) fn checked(
    op: &'static str,
    targets: ArrayView1<'_, f64>,
    predictions: ArrayView1<'_, f64>,
) -> Result<(), MetricError> {
    if targets.len() != predictions.len() {
        return Err(MetricError::LengthMismatch {
            op,
            targets: targets.len(),
            predictions: predictions.len(),
        });
    }
    if targets.is_empty() {
        return Err(MetricError::Empty { op });
    }
    for (argument, values) in [
        ("targets", targets.view()),
        ("predictions", predictions.view()),
    ] {
        if let Some((index, &value)) = values.iter().enumerate().find(|(_, v)| !v.is_finite()) {
            return Err(MetricError::NotFinite {
                op,
                argument,
                index,
                value,
            });
        }
    }
    Ok(())
}

/// Refuses what [`checked`] refuses, and labels that are neither 0 nor 1.
pub(super) fn labelled(
    op: &'static str,
    labels: ArrayView1<'_, f64>,
    scores: ArrayView1<'_, f64>,
) -> Result<(), MetricError> {
    checked(op, labels, scores)?;
    match labels
        .iter()
        .enumerate()
        .find(|(_, v)| **v != 0.0 && **v != 1.0)
    {
        None => Ok(()),
        Some((index, &value)) => Err(MetricError::NotALabel { op, index, value }),
    }
}

/// Refuses what [`labelled`] refuses, and probabilities below 0 or above 1.
pub(super) fn probable(
    op: &'static str,
    labels: ArrayView1<'_, f64>,
    probabilities: ArrayView1<'_, f64>,
) -> Result<(), MetricError> {
    labelled(op, labels, probabilities)?;
    let outside = |p: &f64| !(0.0..=1.0).contains(p);
    match probabilities.iter().enumerate().find(|(_, p)| outside(p)) {
        None => Ok(()),
        Some((index, &value)) => Err(MetricError::NotAProbability { op, index, value }),
    }
}

/// Refuses labels that are all equal.
pub(super) fn two_classes(
    op: &'static str,
    labels: ArrayView1<'_, f64>,
) -> Result<(), MetricError> {
    let value = labels[0];
    if labels.iter().all(|&label| label == value) {
        return Err(MetricError::OneClass { op, value });
    }
    Ok(())
}
