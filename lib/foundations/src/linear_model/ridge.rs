//! Ridge regression: least squares that pays for large coefficients.

use super::ols::refuse_dependent_columns;
use super::{FitError, validate};
use crate::linalg::{Qr, Svd};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};

/// Ridge regression: the hyperparameters of a fit that minimises `‖y − b − Xw‖² + α‖w‖²`.
///
/// The intercept `b` is not penalised. The penalty compares coefficients of different units, so
/// features are usually brought to one scale first.
///
/// # Examples
/// ```
/// use foundations::linear_model::Ridge;
/// use ndarray::array;
///
/// let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
/// let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
/// let fit = Ridge::new(1.0).fit(x.view(), y.view())?;
/// // Σ(x − x̄)(y − ȳ) / (Σ(x − x̄)² + α) = 9 / (10 + 1)
/// assert!((fit.coef()[0] - 9.0 / 11.0).abs() < 1e-12);
/// # Ok::<(), foundations::linear_model::FitError>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Ridge {
    alpha: f64,
    fit_intercept: bool,
}

impl Ridge {
    /// Ridge with penalty `alpha`, in squared units of the features, and an intercept.
    ///
    /// `alpha` is checked by [`fit`](Self::fit).
    pub fn new(alpha: f64) -> Self {
        Ridge {
            alpha,
            fit_intercept: true,
        }
    }

    /// Sets whether an intercept is estimated (the default) or held at 0.
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.fit_intercept = fit_intercept;
        self
    }

    /// Estimates the coefficients: `w = V diag(dₖ / (dₖ² + α)) Uᵀ y`, with the centred `X = U D Vᵀ`.
    ///
    /// # Arguments
    /// - `x`: features, shape `(n_samples, n_features)`. There may be more features than samples.
    /// - `y`: targets, shape `(n_samples,)`.
    ///
    /// # Returns
    /// The fitted model. A coefficient is in units of `y` per unit of its feature.
    ///
    /// # Errors
    /// - [`FitError::InvalidParameter`] if `alpha` is negative, NaN or infinite.
    /// - [`FitError::ShapeMismatch`], [`FitError::NotFiniteFeature`],
    ///   [`FitError::NotFiniteTarget`], [`FitError::NoFeatures`] (there must be a feature).
    /// - [`FitError::TooFewSamples`] without samples; with `alpha` 0, also if there are fewer
    ///   samples than parameters.
    /// - [`FitError::RankDeficient`] with `alpha` 0, as for least squares.
    ///
    /// # Complexity
    /// `O(n_samples n_features²)` time for `n_samples ≥ n_features`.
    ///
    /// # Examples
    /// ```
    /// use foundations::linear_model::Ridge;
    /// use ndarray::array;
    ///
    /// // Two copies of one feature: least squares has no answer, ridge shares the weight.
    /// let x = array![[1.0, 1.0], [2.0, 2.0], [3.0, 3.0]];
    /// let fit = Ridge::new(1.0).fit(x.view(), array![1.0, 2.0, 3.0].view())?;
    /// assert!((fit.coef()[0] - 0.4).abs() < 1e-12);
    /// assert!((fit.coef()[1] - 0.4).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Hoerl and Kennard, *Technometrics* 12 (1970), 55–67; Hastie, Tibshirani and Friedman, *The
    /// Elements of Statistical Learning*, 2nd ed., section 3.4.1. Chapter *Linear regression*,
    /// section "Ridge". Agrees with scikit-learn's `Ridge` to a relative 1e-9
    /// (`tests/golden_linear_model.rs`).
    pub fn fit(
        &self,
        x: ArrayView2<'_, f64>,
        y: ArrayView1<'_, f64>,
    ) -> Result<FittedRidge, FitError> {
        let problem = Problem::new("Ridge::fit", x, y, self.fit_intercept)?;
        problem.solve(self.alpha)
    }

    /// Fits one model for each penalty, from one factorisation.
    ///
    /// # Arguments
    /// - `x`: features, shape `(n_samples, n_features)`.
    /// - `y`: targets, shape `(n_samples,)`.
    /// - `alphas`: penalties, in any order; the model's own `alpha` is not used.
    ///
    /// # Returns
    /// A fitted model for each of `alphas`, in their order.
    ///
    /// # Errors
    /// As [`fit`](Self::fit).
    ///
    /// # Complexity
    /// That of one fit, and `O(n_features²)` for each penalty.
    ///
    /// # Examples
    /// ```
    /// use foundations::linear_model::Ridge;
    /// use ndarray::array;
    ///
    /// let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// let path = Ridge::new(0.0).path(x.view(), y.view(), &[0.0, 10.0])?;
    /// assert!((path[0].coef()[0] - 0.9).abs() < 1e-12);
    /// assert!((path[1].coef()[0] - 0.45).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn path(
        &self,
        x: ArrayView2<'_, f64>,
        y: ArrayView1<'_, f64>,
        alphas: &[f64],
    ) -> Result<Vec<FittedRidge>, FitError> {
        let problem = Problem::new("Ridge::path", x, y, self.fit_intercept)?;
        alphas.iter().map(|&alpha| problem.solve(alpha)).collect()
    }
}

/// A centred design, factorised once for all penalties.
struct Problem {
    op: &'static str,
    fit_intercept: bool,
    n_samples: usize,
    centred: Array2<f64>,
    x_mean: Array1<f64>,
    y_mean: f64,
    svd: Svd,
    /// `Uᵀ(y − ȳ)`, shape `(k,)` with `k = min(n_samples, n_features)`.
    rotated: Array1<f64>,
}

impl Problem {
    fn new(
        op: &'static str,
        x: ArrayView2<'_, f64>,
        y: ArrayView1<'_, f64>,
        fit_intercept: bool,
    ) -> Result<Self, FitError> {
        let (n_samples, n_features) = x.dim();
        validate::matching_target(op, n_samples, y)?;
        validate::finite_features(op, x)?;
        if n_features == 0 {
            return Err(FitError::NoFeatures { op });
        }
        if n_samples == 0 {
            return Err(FitError::TooFewSamples {
                op,
                parameters: n_features + usize::from(fit_intercept),
                needed: 1,
                got: 0,
            });
        }
        let (x_mean, y_mean) = if fit_intercept {
            let n = n_samples as f64;
            (x.sum_axis(Axis(0)) / n, y.sum() / n)
        } else {
            (Array1::zeros(n_features), 0.0)
        };
        let centred = &x - &x_mean;
        let svd = Svd::new(centred.view())?;
        let rotated = svd.u().t().dot(&(&y - y_mean));
        Ok(Problem {
            op,
            fit_intercept,
            n_samples,
            centred,
            x_mean,
            y_mean,
            svd,
            rotated,
        })
    }

    fn solve(&self, alpha: f64) -> Result<FittedRidge, FitError> {
        if !(alpha >= 0.0 && alpha.is_finite()) {
            return Err(FitError::InvalidParameter {
                name: "alpha",
                value: alpha,
                expected: "a finite number, 0 or greater",
            });
        }
        if alpha == 0.0 {
            self.refuse_what_least_squares_refuses()?;
        }
        // A direction without variance has no say in the fit, whatever the penalty.
        let shrunk: Array1<f64> = (self.svd.singular_values().iter())
            .zip(&self.rotated)
            .map(|(&d, &c)| if d == 0.0 { 0.0 } else { c / (d + alpha / d) })
            .collect();
        let coef = self.svd.vt().t().dot(&shrunk);
        let kept: f64 = (self.svd.singular_values().iter())
            .filter(|&&d| d > 0.0)
            .map(|&d| d / (d + alpha / d))
            .sum();
        Ok(FittedRidge {
            alpha,
            intercept: self.y_mean - self.x_mean.dot(&coef),
            coef,
            effective_df: kept + f64::from(u8::from(self.fit_intercept)),
        })
    }

    fn refuse_what_least_squares_refuses(&self) -> Result<(), FitError> {
        let n_features = self.x_mean.len();
        let parameters = n_features + usize::from(self.fit_intercept);
        if self.n_samples < parameters {
            return Err(FitError::TooFewSamples {
                op: self.op,
                parameters,
                needed: parameters,
                got: self.n_samples,
            });
        }
        let qr = Qr::new(self.centred.view())?;
        refuse_dependent_columns(&qr, self.n_samples, false)
    }
}

/// A ridge fit, made by [`Ridge::fit`] or [`Ridge::path`].
#[derive(Debug, Clone, PartialEq)]
pub struct FittedRidge {
    alpha: f64,
    intercept: f64,
    coef: Array1<f64>,
    effective_df: f64,
}

impl FittedRidge {
    /// The penalty of the fit.
    pub fn alpha(&self) -> f64 {
        self.alpha
    }

    /// The coefficients `w`, shape `(n_features,)`, in units of `y` per unit of the feature.
    pub fn coef(&self) -> ArrayView1<'_, f64> {
        self.coef.view()
    }

    /// The intercept `b = ȳ − x̄ᵀw`, in units of `y`; 0 where none was estimated.
    pub fn intercept(&self) -> f64 {
        self.intercept
    }

    /// The effective degrees of freedom, `Σ dₖ² / (dₖ² + α)`, and 1 more for an intercept.
    ///
    /// The trace of the matrix that takes `y` to `ŷ`: `p` for `α = 0`, and less as `α` grows.
    ///
    /// # Examples
    /// ```
    /// use foundations::linear_model::Ridge;
    /// use ndarray::array;
    ///
    /// let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// let fit = Ridge::new(10.0).fit(x.view(), array![2.0, 3.0, 5.0, 4.0, 6.0].view())?;
    /// assert!((fit.effective_df() - 1.5).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Hastie, Tibshirani and Friedman, 2nd ed., equation 3.50.
    pub fn effective_df(&self) -> f64 {
        self.effective_df
    }

    /// Predicts the mean of `y` at each row of `x`: `ŷ = b + Xw`.
    ///
    /// # Arguments
    /// - `x`: features in the order and units of the fit, shape `(n, n_features)`.
    ///
    /// # Returns
    /// Shape `(n,)`, in units of `y`.
    ///
    /// # Errors
    /// [`FitError::ShapeMismatch`] if the columns are not those of the fit,
    /// [`FitError::NotFiniteFeature`] on NaN or infinity.
    ///
    /// # Complexity
    /// `O(n n_features)` time.
    ///
    /// # Examples
    /// ```
    /// use foundations::linear_model::Ridge;
    /// use ndarray::array;
    ///
    /// let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// let fit = Ridge::new(10.0).fit(x.view(), array![2.0, 3.0, 5.0, 4.0, 6.0].view())?;
    /// assert!((fit.predict(array![[3.0]].view())?[0] - 4.0).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>, FitError> {
        validate::features_of_fit("FittedRidge::predict", self.coef.len(), x)?;
        Ok(x.dot(&self.coef) + self.intercept)
    }
}
