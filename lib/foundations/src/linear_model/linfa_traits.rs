//! linfa's `Fit` and `Predict` for the estimators, behind the feature `linfa`.
//!
//! `fit` answers with the same errors as the estimator's own. linfa's `Predict` has no place for
//! an error and panics instead, as linfa's own models do.

use super::{FitError, FittedLinearRegression, FittedRidge, LinearRegression, Ridge};
use linfa::dataset::{AsSingleTargets, DatasetBase};
use linfa::traits::{Fit, PredictInplace};
use ndarray::{Array1, ArrayBase, Data, Ix2};

impl From<linfa::Error> for FitError {
    fn from(error: linfa::Error) -> Self {
        FitError::Linfa(error.to_string())
    }
}

macro_rules! linfa_estimator {
    ($estimator:ty => $fitted:ty) => {
        impl<D, T> Fit<ArrayBase<D, Ix2>, T, FitError> for $estimator
        where
            D: Data<Elem = f64>,
            T: AsSingleTargets<Elem = f64>,
        {
            type Object = $fitted;

            fn fit(&self, data: &DatasetBase<ArrayBase<D, Ix2>, T>) -> Result<$fitted, FitError> {
                <$estimator>::fit(self, data.records().view(), data.as_single_targets())
            }
        }

        impl<D: Data<Elem = f64>> PredictInplace<ArrayBase<D, Ix2>, Array1<f64>> for $fitted {
            fn predict_inplace(&self, x: &ArrayBase<D, Ix2>, y: &mut Array1<f64>) {
                match <$fitted>::predict(self, x.view()) {
                    Ok(predicted) => *y = predicted,
                    Err(error) => panic!("{error}"),
                }
            }

            fn default_target(&self, x: &ArrayBase<D, Ix2>) -> Array1<f64> {
                Array1::zeros(x.nrows())
            }
        }
    };
}

linfa_estimator!(LinearRegression => FittedLinearRegression);
linfa_estimator!(Ridge => FittedRidge);
