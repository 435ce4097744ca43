//! The penalty chosen by cross-validation with linfa, everything fitted anew in each fold.

use crate::{TrainError, models};
use foundations::metrics::{log_loss, roc_auc};
use foundations::resampling::stratified_folds;
use linfa::Dataset;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

/// How a penalty did on customers that its fits had not seen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Score {
    /// The penalty.
    pub alpha: f64,
    /// The mean log-loss over the folds, in nats; lower is better.
    pub log_loss: f64,
    /// The standard error of that mean, in nats.
    pub std_error: f64,
    /// The mean area under the ROC curve.
    pub auc: f64,
}

/// Means and standard deviations of columns, learnt from some rows and applied to others.
#[derive(Debug, Clone, PartialEq)]
pub struct Scaler {
    mean: Array1<f64>,
    sd: Array1<f64>,
}

impl Scaler {
    /// Learns the mean and the standard deviation (dividing by `n`) of each column of `x`, shape `(n, n_features)`.
    pub fn fit(x: ArrayView2<'_, f64>) -> Self {
        let n = x.nrows().max(1) as f64;
        let mean = x.sum_axis(Axis(0)) / n;
        let squares = (&x - &mean).mapv_into(|v| v * v).sum_axis(Axis(0));
        let sd = (squares / n).mapv_into(|v| if v > 0.0 { v.sqrt() } else { 1.0 });
        Scaler { mean, sd }
    }

    /// `(x − mean) / sd`, of the shape of `x`.
    pub fn transform(&self, x: ArrayView2<'_, f64>) -> Array2<f64> {
        (&x - &self.mean) / &self.sd
    }
}

/// Scores each penalty by `k`-fold cross-validation of linfa's logistic regression.
///
/// The rows are put in the order of stratified folds, linfa's `iter_fold` takes them one fold at a time, and the scaler
/// is learnt within each fit: a row that judges has taught nothing, its mean included. Where `k` does not divide the
/// number of rows, linfa leaves the last few out of all folds.
///
/// # Arguments
/// - `x`: columns before standardising, shape `(n, n_features)`.
/// - `left`: 1 for those who left, else 0, shape `(n,)`.
/// - `alphas`: penalties to try.
/// - `k`: folds, at least 2.
/// - `seed`: of the folds.
///
/// # Returns
/// A score for each penalty, in their order.
///
/// # Errors
/// [`TrainError`] of the folds, the fits or the scores.
///
/// # Complexity
/// `k` fits for each penalty.
///
/// # References
/// Chapter *Churn pipeline*, section "Choose the penalty". Agrees with scikit-learn's `LogisticRegression` in a
/// `Pipeline` with a `StandardScaler`, on the same folds, to 1e-6 (`tests/golden_churn.rs`).
pub fn cross_validate(
    x: ArrayView2<'_, f64>,
    left: ArrayView1<'_, f64>,
    alphas: &[f64],
    k: usize,
    seed: u64,
) -> Result<Vec<Score>, TrainError> {
    let mut data = in_folds(x, left, k, seed)?;
    let mut scores = Vec::with_capacity(alphas.len());
    for &alpha in alphas {
        let (losses, areas) = of_folds(&mut data, k, alpha)?;
        let (log_loss, std_error) = mean_and_error(&losses);
        let (auc, _) = mean_and_error(&areas);
        scores.push(Score {
            alpha,
            log_loss,
            std_error,
            auc,
        });
    }
    Ok(scores)
}

/// How much greater the log-loss is with the first penalty than with the second, on the same folds: the mean of the
/// folds' differences and its standard error, in nats.
///
/// The folds are easy or hard for both penalties alike, so the standard error is smaller than those of the two scores.
///
/// # Arguments
/// As [`cross_validate`].
///
/// # Errors
/// As [`cross_validate`].
///
/// # Complexity
/// `2 k` fits.
///
/// # References
/// Agrees with scikit-learn as [`cross_validate`] does, to 1e-6.
pub fn difference(
    x: ArrayView2<'_, f64>,
    left: ArrayView1<'_, f64>,
    [alpha, other]: [f64; 2],
    k: usize,
    seed: u64,
) -> Result<(f64, f64), TrainError> {
    let mut data = in_folds(x, left, k, seed)?;
    let (a, _) = of_folds(&mut data, k, alpha)?;
    let (b, _) = of_folds(&mut data, k, other)?;
    let apart: Vec<f64> = a.iter().zip(&b).map(|(a, b)| a - b).collect();
    Ok(mean_and_error(&apart))
}

type Rows = Dataset<f64, f64, ndarray::Ix1>;

/// The rows in the order of stratified folds.
fn in_folds(
    x: ArrayView2<'_, f64>,
    left: ArrayView1<'_, f64>,
    k: usize,
    seed: u64,
) -> Result<Rows, TrainError> {
    let folds = stratified_folds(left, k, seed)?;
    let order: Vec<usize> = folds.into_iter().flat_map(|fold| fold.test).collect();
    let records = x.select(Axis(0), &order);
    Ok(Dataset::new(records, left.select(Axis(0), &order)))
}

/// The log-loss and the area under ROC of each fold.
fn of_folds(data: &mut Rows, k: usize, alpha: f64) -> Result<(Vec<f64>, Vec<f64>), TrainError> {
    let fit = |train: &linfa::DatasetView<'_, f64, f64, ndarray::Ix1>| {
        let scaler = Scaler::fit(train.records.view());
        let z = scaler.transform(train.records.view());
        models::linfa(z.view(), train.targets.view(), alpha).map(|model| (scaler, model))
    };
    let (mut losses, mut areas) = (Vec::new(), Vec::new());
    for (fitted, judge) in data.iter_fold(k, fit) {
        let (scaler, model) = fitted?;
        let p = model.predict_proba(scaler.transform(judge.records.view()).view());
        losses.push(log_loss(judge.targets.view(), p.view())?);
        areas.push(roc_auc(judge.targets.view(), p.view())?);
    }
    Ok((losses, areas))
}

fn mean_and_error(values: &[f64]) -> (f64, f64) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (mean, (squares / (n - 1.0) / n).sqrt())
}

/// The score of the least mean log-loss; none of none.
pub fn best(scores: &[Score]) -> Option<Score> {
    scores
        .iter()
        .copied()
        .min_by(|a, b| a.log_loss.total_cmp(&b.log_loss))
}
