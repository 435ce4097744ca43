//! Scores on unseen customers, with bootstrap intervals.

use crate::TrainError;
use crate::threshold::Costs;
use foundations::metrics::{
    CalibrationCurve, MetricError, average_precision, brier_score, log_loss, roc_auc,
};
use foundations::resampling::{Bootstrap, Interval, quantile};
use ndarray::{Array1, ArrayView1, Axis};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

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
    saving_over(costs, left, p, [threshold, f64::INFINITY], bootstrap)
}

/// How much more offers from the first threshold save than offers from the second, in US dollars for each customer, on
/// the same resampled customers.
///
/// # Errors
/// As [`interval`].
///
/// # Panics
/// If `p` is shorter than `left`.
///
/// # Examples
/// ```
/// use foundations::resampling::Bootstrap;
/// use ndarray::array;
/// use tabular::{judge, threshold::Costs};
///
/// let (left, p) = (array![1.0, 0.0, 0.0, 1.0], array![0.9, 0.4, 0.1, 0.3]);
/// let costs = Costs::new(800.0, 60.0, 0.5)?;
/// // From 0.3: one leaver more is made an offer, worth 0.5 · 800 dollars, and one stayer more; two offers of 60.
/// let draws = Bootstrap::new(100, 0.9, 1);
/// let more = judge::saving_over(costs, left.view(), p.view(), [0.3, 0.5], draws)?;
/// assert!((more.estimate - (400.0 - 2.0 * 60.0) / 4.0).abs() < 1e-12);
/// # Ok::<(), tabular::TrainError>(())
/// ```
pub fn saving_over(
    costs: Costs,
    left: ArrayView1<'_, f64>,
    p: ArrayView1<'_, f64>,
    [threshold, other]: [f64; 2],
    bootstrap: Bootstrap,
) -> Result<Interval, TrainError> {
    bootstrap.interval(left.len(), |rows| {
        let (left, p) = (pick(left, rows), pick(p, rows));
        let cost = |threshold| {
            costs
                .bill(left.view(), p.view(), threshold)
                .map(|bill| bill.per_customer)
        };
        Ok(cost(other)? - cost(threshold)?)
    })
}

/// The expected calibration error of probabilities that are right: what chance alone makes of it.
///
/// Customers leave with exactly the probabilities `p`, `draws` times over. The estimate is the mean of the errors, and
/// 95 % of them lie in the interval.
///
/// # Arguments
/// - `p`: probabilities of leaving, shape `(n,)`.
/// - `bins`: as [`CalibrationCurve::new`] takes them.
/// - `draws`: at least 1.
/// - `seed`: of the draws.
///
/// # Errors
/// [`TrainError::Metric`] as of [`CalibrationCurve::new`].
///
/// # Panics
/// Without draws.
///
/// # Examples
/// ```
/// use ndarray::Array1;
///
/// let p = Array1::from_elem(100, 0.5);
/// let chance = tabular::judge::calibration_by_chance(p.view(), 1, 2000, 1)?;
/// // The mean distance of a share of 100 from one half is about 0.5 · √(2 / (100 π)).
/// assert!((chance.estimate - 0.0399).abs() < 2e-3);
/// assert!(chance.lower < 0.005 && (chance.upper - 0.098).abs() < 0.02);
/// # Ok::<(), tabular::TrainError>(())
/// ```
pub fn calibration_by_chance(
    p: ArrayView1<'_, f64>,
    bins: usize,
    draws: usize,
    seed: u64,
) -> Result<Interval, TrainError> {
    assert!(draws > 0, "calibration_by_chance: no draws");
    let mut rng = StdRng::seed_from_u64(seed);
    let mut errors = Vec::with_capacity(draws);
    for _ in 0..draws {
        let left = p.mapv(|p| f64::from(rng.gen_range(0.0..1.0) < p));
        errors.push(CalibrationCurve::new(left.view(), p, bins)?.expected_error());
    }
    errors.sort_by(f64::total_cmp);
    Ok(Interval {
        estimate: errors.iter().sum::<f64>() / draws as f64,
        lower: quantile(&errors, 0.025),
        upper: quantile(&errors, 0.975),
        level: 0.95,
    })
}

fn pick(values: ArrayView1<'_, f64>, rows: &[usize]) -> Array1<f64> {
    values.select(Axis(0), rows)
}
