//! Measures of how well a prediction fits.
//!
//! Each takes what was observed first and the predictions second, both of shape `(n_samples,)`, and answers with an
//! error where the number would mean nothing. Labels are 0 or 1; a *positive* is a sample with label 1.
//!
//! | question | measure |
//! |---|---|
//! | how far off is a predicted number? | [`rmse`], [`mae`], [`mse`], [`r2`] |
//! | how good is a probability? | [`log_loss`], [`brier_score`], [`CalibrationCurve`] |
//! | how well are positives ranked above the others? | [`RocCurve`], [`PrecisionRecallCurve`], [`roc_auc`], [`average_precision`] |
//! | how good is a decision at one threshold? | [`Confusion`] |

mod confusion;
mod error;
mod probability;
mod ranking;
mod regression;
mod validate;

pub use confusion::Confusion;
pub use error::MetricError;
pub use probability::{CalibrationCurve, brier_score, log_loss};
pub use ranking::{PrecisionRecallCurve, RocCurve, average_precision, roc_auc};
pub use regression::{mae, mse, r2, rmse};
