//! Scores on unseen customers, with bootstrap intervals.

use crate::TrainError;
use crate::threshold::Costs;
use foundations::metrics::{MetricError, average_precision, brier_score, log_loss, roc_auc};
use foundations::resampling::{Bootstrap, Interval};
use ndarray::{Array1, ArrayView1, Axis};

/// A measure of labels and probabilities, such as [`roc_auc`].
pub type Metric = fn(ArrayView1<'_, f64>, ArrayView1<'_, f64>) -> Result<f64, MetricError>;

/// The four scores of probabilities that [`scores`] gives, in its order.
pub const METRICS: [(&str, Metric); 4] = [
    ("area under ROC", roc_auc),
    ("average precision", average_precision),
    ("log-loss (nats)", log_loss),
    ("Brier score", brier_score),
];

/// Each of [`METRICS`] with its interval.
///
/// # Errors
/// As [`interval`].
///
/// # Panics
/// If `p` is shorter than `left`.
pub fn scores(
    left: ArrayView1<'_, f64>,
    p: ArrayView1<'_, f64>,
    bootstrap: Bootstrap,
) -> Result<Vec<Interval>, TrainError> {
    METRICS
        .iter()
        .map(|(_, metric)| interval(left, p, *metric, bootstrap))
        .collect()
}

/// A metric with its percentile interval over resampled customers.
///
/// # Arguments
/// - `left`: 1 for those who left, else 0, shape `(n,)`.
/// - `p`: probabilities of leaving, shape `(n,)`.
///
/// # Errors
/// [`TrainError::Metric`] and [`TrainError::Resampling`].
///
/// # Panics
/// If `p` is shorter than `left`.
///
/// # Examples
/// ```
/// use foundations::metrics::brier_score;
/// use foundations::resampling::Bootstrap;
/// use ndarray::array;
///
/// let (left, p) = (array![1.0, 0.0, 0.0, 1.0], array![0.9, 0.2, 0.1, 0.6]);
/// let brier = tabular::judge::interval(left.view(), p.view(), brier_score, Bootstrap::new(200, 0.9, 1))?;
/// assert!((brier.estimate - 0.055).abs() < 1e-12);
/// assert!(brier.lower < brier.estimate && brier.estimate < brier.upper);
/// # Ok::<(), tabular::TrainError>(())
/// ```
pub fn interval(
    left: ArrayView1<'_, f64>,
    p: ArrayView1<'_, f64>,
    metric: Metric,
    bootstrap: Bootstrap,
) -> Result<Interval, TrainError> {
    bootstrap.interval(left.len(), |rows| {
        Ok(metric(pick(left, rows).view(), pick(p, rows).view())?)
    })
}

/// How much greater a metric is for `a` than for `b`, on the same resampled customers.
///
/// # Errors
/// As [`interval`].
///
/// # Panics
/// If `a` or `b` is shorter than `left`.
pub fn difference(
    left: ArrayView1<'_, f64>,
    [a, b]: [ArrayView1<'_, f64>; 2],
    metric: Metric,
    bootstrap: Bootstrap,
) -> Result<Interval, TrainError> {
    bootstrap.interval(left.len(), |rows| {
        let left = pick(left, rows);
        let of = |p| metric(left.view(), pick(p, rows).view());
        Ok(of(a)? - of(b)?)
    })
}

/// What offers from a threshold save against no offers at all, in US dollars for each customer.
///
/// # Errors
/// As [`interval`].
///
/// # Panics
/// If `p` is shorter than `left`.
pub fn saving(
    costs: Costs,
    left: ArrayView1<'_, f64>,
    p: ArrayView1<'_, f64>,
    threshold: f64,
    bootstrap: Bootstrap,
) -> Result<Interval, TrainError> {
    bootstrap.interval(left.len(), |rows| {
        let (left, p) = (pick(left, rows), pick(p, rows));
        let cost = |threshold| {
            costs
                .bill(left.view(), p.view(), threshold)
                .map(|bill| bill.per_customer)
        };
        Ok(cost(f64::INFINITY)? - cost(threshold)?)
    })
}

fn pick(values: ArrayView1<'_, f64>, rows: &[usize]) -> Array1<f64> {
    values.select(Axis(0), rows)
}
