//! A pipeline from a table.

use crate::{Pipeline, Preprocessor, Provenance, Table, models};
use foundations::linear_model::FitError;
use foundations::metrics::MetricError;
use foundations::resampling::ResamplingError;
use ndarray::Array2;

/// Why nothing was fitted or scored, with the values that went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// The logistic regression of `foundations` refused the data.
    #[error(transparent)]
    Fit(#[from] FitError),
    /// It stopped before the optimum.
    #[error("logistic regression with alpha {alpha}: no convergence after {steps} steps")]
    NotConverged {
        /// The penalty.
        alpha: f64,
        /// The steps that were taken.
        steps: usize,
    },
    /// A score has no value.
    #[error(transparent)]
    Metric(#[from] MetricError),
    /// There is no such split.
    #[error(transparent)]
    Resampling(#[from] ResamplingError),
    /// linfa refused the data or the hyperparameters.
    #[error("linfa: {0}")]
    Linfa(String),
    /// A cost is out of range.
    #[error("{name} is {value}, expected {expected}")]
    Costs {
        /// The argument.
        name: &'static str,
        /// What was given.
        value: f64,
        /// What is allowed, in words.
        expected: &'static str,
    },
}

/// Fits a pipeline on the customers of a table, and learns from nothing else.
///
/// Preprocessing is fitted on these customers, then the logistic regression of `foundations` on what it gives.
///
/// # Arguments
/// - `train`: the training customers, such as [`Table::take`] gives them.
/// - `alpha`: the penalty.
/// - `threshold`: the probability from which an offer is made, from 0 to 1.
/// - `seed`: of the split, for the record.
///
/// # Errors
/// [`TrainError::Fit`], [`TrainError::NotConverged`], and [`TrainError::Costs`] for a threshold out of range.
///
/// # Examples
/// ```
/// # #[cfg(feature = "train")] {
/// let table = tabular::Table::read(datasets::churn()?.path)?;
/// let pipeline = tabular::fit(&table, 1.0, 0.25, 0)?;
/// let p = pipeline.predict_proba(&table.customers)?;
/// // With an intercept, the mean probability is the share of leavers.
/// assert!((p.iter().sum::<f64>() - 1327.0).abs() < 1e-6);
/// # }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn fit(train: &Table, alpha: f64, threshold: f64, seed: u64) -> Result<Pipeline, TrainError> {
    if !(0.0..=1.0).contains(&threshold) {
        return Err(TrainError::Costs {
            name: "threshold",
            value: threshold,
            expected: "a probability, from 0 to 1",
        });
    }
    let preprocessor = Preprocessor::fit(&train.customers);
    let z = standardised(&preprocessor, train);
    let model = models::ours(z.view(), train.left.view(), alpha)?;
    let provenance = Provenance {
        customers: train.len(),
        left: train.left.iter().filter(|&&left| left == 1.0).count(),
        data_sha256: train.sha256.clone(),
        seed,
    };
    let parameters = (model.intercept, model.coef.to_vec());
    Ok(Pipeline::new(
        preprocessor,
        parameters,
        alpha,
        threshold,
        provenance,
        &train.customers,
    ))
}

/// The standardised columns of a table's customers, shape `(n, 23)`.
pub fn standardised(preprocessor: &Preprocessor, table: &Table) -> Array2<f64> {
    let mut z = Array2::zeros(table.x.raw_dim());
    for (mut row, customer) in z.rows_mut().into_iter().zip(&table.customers) {
        let values = preprocessor.transform(customer).values;
        row.iter_mut().zip(values).for_each(|(z, value)| *z = value);
    }
    z
}
