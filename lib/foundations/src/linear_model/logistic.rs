//! Logistic regression: the probability of one of two classes.

mod newton;

use super::ols::{Intervals, design, refuse_dependent_columns};
use super::{FitError, distributions, validate};
use crate::linalg::Qr;
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, s};

/// The logistic function `σ(z) = 1 / (1 + e⁻ᶻ)`: a log-odds as a probability.
///
/// # Examples
/// ```
/// use foundations::linear_model::sigmoid;
///
/// assert_eq!(sigmoid(0.0), 0.5);
/// assert!((sigmoid(3.0_f64.ln()) - 0.75).abs() < 1e-15); // odds of 3 to 1
/// assert_eq!(sigmoid(-1e4), 0.0);
/// ```
pub fn sigmoid(z: f64) -> f64 {
    // Neither branch takes the exponential of a large number.
    if z >= 0.0 {
        1.0 / (1.0 + (-z).exp())
    } else {
        let e = z.exp();
        e / (1.0 + e)
    }
}

/// Logistic regression: the hyperparameters of a fit that minimises
/// `−Σ [yᵢ ln pᵢ + (1 − yᵢ) ln(1 − pᵢ)] + (α/2)‖w‖²`, with `pᵢ = σ(b + xᵢᵀw)`.
///
/// The intercept `b` is not penalised. `α` is linfa's `alpha` and one over scikit-learn's `C`. The penalty
/// compares coefficients of different units, so features are usually brought to one scale first.
///
/// # Examples
/// ```
/// use foundations::linear_model::LogisticRegression;
/// use ndarray::array;
///
/// // 1 of 4 is in class 1 where x = 0, and 3 of 4 where x = 1.
/// let x = array![[0.0], [0.0], [0.0], [0.0], [1.0], [1.0], [1.0], [1.0]];
/// let y = array![0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0];
/// let fit = LogisticRegression::new(0.0).fit(x.view(), y.view())?;
/// assert!((fit.coef()[0] - 9.0_f64.ln()).abs() < 1e-9); // the odds go from 1/3 to 3
/// assert!((fit.predict_proba(array![[1.0]].view())?[0] - 0.75).abs() < 1e-9);
/// # Ok::<(), foundations::linear_model::FitError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LogisticRegression {
    alpha: f64,
    fit_intercept: bool,
    max_iter: usize,
    tol: f64,
}

impl LogisticRegression {
    /// Logistic regression with penalty `alpha`, in squared units of the features, and an intercept.
    ///
    /// 0 is maximum likelihood without a penalty. `alpha` is checked by [`fit`](Self::fit).
    pub fn new(alpha: f64) -> Self {
        LogisticRegression {
            alpha,
            fit_intercept: true,
            max_iter: 50,
            tol: 1e-10,
        }
    }

    /// Sets whether an intercept is estimated (the default) or held at 0.
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.fit_intercept = fit_intercept;
        self
    }

    /// Sets the largest number of Newton steps; 50 unless set. A fit takes about 6.
    pub fn max_iter(mut self, max_iter: usize) -> Self {
        self.max_iter = max_iter;
        self
    }

    /// Sets when to stop: when the next step promises to lower the objective by less than `tol`; 1e-10 unless set.
    ///
    /// Newton's method squares the error with each step, so the parameters are then exact to rounding.
    pub fn tol(mut self, tol: f64) -> Self {
        self.tol = tol;
        self
    }

    /// Estimates the parameters by Newton's method, which here is iteratively reweighted least squares.
    ///
    /// Each step solves `H δ = −g`, with the gradient `g = Aᵀ(p − y) + αw` and the Hessian
    /// `H = Aᵀ diag(pᵢ(1 − pᵢ)) A + αI` (no `α` for the intercept), and is halved until the objective falls.
    ///
    /// # Arguments
    /// - `x`: features, shape `(n_samples, n_features)`.
    /// - `y`: classes, each 0 or 1, shape `(n_samples,)`; both must occur.
    ///
    /// # Returns
    /// The fitted model. Without a penalty, classes that a plane separates have no finite optimum: the fit is
    /// returned where it stopped, and [`converged`](FittedLogisticRegression::converged) is false.
    ///
    /// # Errors
    /// - [`FitError::InvalidParameter`] if `alpha` is negative or not finite, or `tol` is not positive.
    /// - [`FitError::ShapeMismatch`] if `y` does not match `x`.
    /// - [`FitError::NotFiniteFeature`], [`FitError::NotFiniteTarget`] on NaN or infinity.
    /// - [`FitError::NotBinary`] if an entry of `y` is neither 0 nor 1, [`FitError::OneClass`] if all are equal.
    /// - [`FitError::NoFeatures`] without columns and without an intercept, [`FitError::TooFewSamples`] without
    ///   rows.
    /// - [`FitError::RankDeficient`] if `alpha` is 0 and a column is a combination of others.
    ///
    /// # Complexity
    /// `O(n_samples p²)` time and `O(n_samples p)` memory for each step.
    ///
    /// # References
    /// Hastie, Tibshirani and Friedman, *The Elements of Statistical Learning*, 2nd ed., section 4.4.1. Chapter
    /// *Churn pipeline*. Agrees with scikit-learn's `LogisticRegression` and statsmodels' `Logit` to a relative
    /// 1e-8 (`tests/golden_classification.rs`).
    pub fn fit(
        &self,
        x: ArrayView2<'_, f64>,
        y: ArrayView1<'_, f64>,
    ) -> Result<FittedLogisticRegression, FitError> {
        let op = "LogisticRegression::fit";
        self.check_parameters()?;
        check_problem(op, x, y, self.fit_intercept)?;
        let a = design(x, self.fit_intercept);
        if self.alpha == 0.0 {
            let parameters = a.ncols();
            if x.nrows() < parameters {
                return Err(FitError::TooFewSamples {
                    op,
                    parameters,
                    needed: parameters,
                    got: x.nrows(),
                });
            }
            refuse_dependent_columns(&Qr::new(a.view())?, x.nrows(), self.fit_intercept)?;
        }
        let mut penalty = Array1::from_elem(a.ncols(), self.alpha);
        if self.fit_intercept {
            penalty[0] = 0.0;
        }
        let problem = newton::Problem { a, y, penalty };
        let solution = problem.solve(self.max_iter, self.tol);
        Ok(FittedLogisticRegression {
            alpha: self.alpha,
            fit_intercept: self.fit_intercept,
            log_likelihood: solution.log_likelihood,
            covariance: solution.inverse_hessian,
            params: solution.params,
            converged: solution.converged,
            n_iter: solution.n_iter,
        })
    }

    fn check_parameters(&self) -> Result<(), FitError> {
        if !(self.alpha >= 0.0 && self.alpha.is_finite()) {
            return Err(FitError::InvalidParameter {
                name: "alpha",
                value: self.alpha,
                expected: "a finite number, 0 or greater",
            });
        }
        if !(self.tol > 0.0 && self.tol.is_finite()) {
            return Err(FitError::InvalidParameter {
                name: "tol",
                value: self.tol,
                expected: "a finite number above 0",
            });
        }
        Ok(())
    }
}

fn check_problem(
    op: &'static str,
    x: ArrayView2<'_, f64>,
    y: ArrayView1<'_, f64>,
    fit_intercept: bool,
) -> Result<(), FitError> {
    validate::matching_target(op, x.nrows(), y)?;
    validate::finite_features(op, x)?;
    if x.ncols() == 0 && !fit_intercept {
        return Err(FitError::NoFeatures { op });
    }
    let Some(&first) = y.first() else {
        return Err(FitError::TooFewSamples {
            op,
            parameters: x.ncols() + usize::from(fit_intercept),
            needed: 2,
            got: 0,
        });
    };
    if let Some((row, &value)) = y.iter().enumerate().find(|(_, v)| **v != 0.0 && **v != 1.0) {
        return Err(FitError::NotBinary { op, row, value });
    }
    if y.iter().all(|&value| value == first) {
        return Err(FitError::OneClass { op, value: first });
    }
    Ok(())
}

/// A fitted logistic regression, made by [`LogisticRegression::fit`].
#[derive(Debug, Clone, PartialEq)]
pub struct FittedLogisticRegression {
    alpha: f64,
    fit_intercept: bool,
    /// The intercept first, if there is one.
    params: Array1<f64>,
    covariance: Option<Array2<f64>>,
    log_likelihood: f64,
    converged: bool,
    n_iter: usize,
}

impl FittedLogisticRegression {
    /// The penalty of the fit.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// Whether the last step promised less than the tolerance.
    pub fn converged(&self) -> bool {
        self.converged
    }

    /// The number of Newton steps taken.
    pub fn n_iter(&self) -> usize {
        self.n_iter
    }

    /// The parameters, the intercept first if there is one, shape `(p,)`, in units of log-odds.
    pub fn params(&self) -> ArrayView1<'_, f64> {
        self.params.view()
    }

    /// The coefficients `w`, shape `(n_features,)`: log-odds per unit of the feature.
    ///
    /// `exp(w)` is the odds ratio: what a unit more multiplies the odds by, all else equal.
    pub fn coef(&self) -> ArrayView1<'_, f64> {
        self.params.slice(s![usize::from(self.fit_intercept)..])
    }

    /// The intercept `b`, a log-odds; 0 where none was estimated.
    pub fn intercept(&self) -> f64 {
        if self.fit_intercept {
            self.params[0]
        } else {
            0.0
        }
    }

    /// The log-likelihood of the data, `Σ [yᵢ ln pᵢ + (1 − yᵢ) ln(1 − pᵢ)]`, without the penalty.
    pub fn log_likelihood(&self) -> f64 {
        self.log_likelihood
    }

    /// Standard errors of the parameters, the intercept first, shape `(p,)`: `√diag(H⁻¹)`.
    ///
    /// For `α = 0` those of maximum likelihood. With a penalty they are the spread of the normal approximation
    /// to the posterior, under a normal prior of variance `1/α` for each coefficient. NaN where the Hessian had no
    /// inverse, as for separated classes.
    ///
    /// # Examples
    /// ```
    /// use foundations::linear_model::LogisticRegression;
    /// use ndarray::array;
    ///
    /// let x = array![[0.0], [0.0], [0.0], [0.0], [1.0], [1.0], [1.0], [1.0]];
    /// let y = array![0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0];
    /// let fit = LogisticRegression::new(0.0).fit(x.view(), y.view())?;
    /// // Of a log odds ratio: the root of the sum of one over each of the four counts.
    /// let want = (1.0 / 3.0 + 1.0 + 1.0 + 1.0_f64 / 3.0).sqrt();
    /// assert!((fit.std_errors()[1] - want).abs() < 1e-9);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Agrees with the `bse` of statsmodels' `Logit` to a relative 1e-8.
    pub fn std_errors(&self) -> Array1<f64> {
        match &self.covariance {
            Some(covariance) => covariance.diag().mapv(f64::sqrt),
            None => Array1::from_elem(self.params.len(), f64::NAN),
        }
    }

    /// `z = β̂ / se(β̂)`, the intercept first, shape `(p,)`.
    pub fn z_values(&self) -> Array1<f64> {
        &self.params / &self.std_errors()
    }

    /// `P(|Z| > |z|)` for a standard normal `Z`, the intercept first, shape `(p,)`; for a fit without a penalty.
    ///
    /// # References
    /// Agrees with the `pvalues` of statsmodels' `Logit` to a relative 1e-7.
    pub fn p_values(&self) -> Array1<f64> {
        self.z_values().mapv(distributions::normal_two_sided)
    }

    /// Confidence intervals of the parameters, `β̂ ± z* se(β̂)`, the intercept first.
    ///
    /// # Errors
    /// [`FitError::InvalidParameter`] unless `0 < level < 1`.
    ///
    /// # References
    /// Agrees with the `conf_int` of statsmodels' `Logit` to a relative 1e-8.
    pub fn confidence_intervals(&self, level: f64) -> Result<Intervals, FitError> {
        let level = validate::level(level)?;
        let quantile = distributions::normal_quantile_two_sided(level);
        let half_width = self.std_errors() * quantile;
        Ok(Intervals::around(self.params.clone(), half_width, level))
    }

    /// The log-odds of class 1 at each row of `x`, `z = b + Xw`, shape `(n,)`.
    ///
    /// # Errors
    /// [`FitError::ShapeMismatch`] if the columns are not those of the fit,
    /// [`FitError::NotFiniteFeature`] on NaN or infinity.
    pub fn decision_function(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>, FitError> {
        let op = "FittedLogisticRegression::decision_function";
        validate::features_of_fit(op, self.coef().len(), x)?;
        Ok(x.dot(&self.coef()) + self.intercept())
    }

    /// The probability of class 1 at each row of `x`, `σ(b + Xw)`, shape `(n,)`.
    ///
    /// # Errors
    /// As [`decision_function`](Self::decision_function).
    ///
    /// # Complexity
    /// `O(n n_features)` time.
    pub fn predict_proba(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>, FitError> {
        Ok(self.decision_function(x)?.mapv_into(sigmoid))
    }
}
