//! Linear regression: ordinary least squares with inference, and ridge. Logistic regression, for two classes.
//!
//! The model is `y = b + X w + e`: a target `y` of shape `(n_samples,)`, features `X` of shape
//! `(n_samples, n_features)`, an intercept `b`, one coefficient a feature in `w`, and errors `e`
//! that are independent, with mean 0 and one variance `σ²`. The intercept and the coefficients
//! together are the *parameters*; there are `p` of them, the intercept first.
//!
//! | symbol | here | shape |
//! |---|---|---|
//! | `X` | features | `(n_samples, n_features)` |
//! | `A` | design: a column of ones, if there is an intercept, then `X` | `(n_samples, p)` |
//! | `β` | [`params`](FittedLinearRegression::params) | `(p,)` |
//! | `ŷ` | [`fitted_values`](FittedLinearRegression::fitted_values) | `(n_samples,)` |
//! | `e` | [`residuals`](FittedLinearRegression::residuals) | `(n_samples,)` |
//! | `s` | [`residual_std_error`](FittedLinearRegression::residual_std_error) | number |
//! | `h` | [`leverage`](FittedLinearRegression::leverage) | `(n_samples,)` |
//!
//! Everything is computed from a Householder factorisation `A = QR`, never from `AᵀA`, whose
//! condition number is the square of that of `A`.
//!
//! An estimator holds its hyperparameters alone; `fit` gives another type that can predict. So an
//! unfitted model that is asked to predict does not compile:
//!
//! ```compile_fail,E0599
//! use foundations::linear_model::LinearRegression;
//! use ndarray::array;
//!
//! let x = array![[1.0], [2.0]];
//! let y = LinearRegression::new().predict(x.view());
//! ```
//!
//! The chapter *Linear regression* (`chapters/foundations/linear-regression.md`) derives what
//! stands here. Logistic regression belongs to the chapter *Churn pipeline*
//! (`chapters/frameworks/churn-pipeline.md`): there `y` is 0 or 1, and `b + Xw` is the log-odds of 1.

mod diagnostics;
mod distributions;
mod error;
#[cfg(feature = "linfa")]
mod linfa_traits;
mod logistic;
mod ols;
mod ridge;
mod summary;
mod validate;

pub use diagnostics::BreuschPagan;
pub use error::{FitError, Term};
pub use logistic::{FittedLogisticRegression, LogisticRegression, sigmoid};
pub use ols::{FittedLinearRegression, Intervals, LinearRegression};
pub use ridge::{FittedRidge, Ridge};
pub use summary::{CoefficientRow, Summary};
