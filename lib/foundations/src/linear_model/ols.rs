//! Ordinary least squares and what can be inferred from it.

use super::distributions::{f_upper, t_quantile_two_sided, t_two_sided};
use super::{FitError, Term, validate};
use crate::linalg::{Qr, solve_upper};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, s};
use std::f64::consts::PI;

/// Ordinary least squares: the hyperparameters of a fit that minimises `Σ (yᵢ − b − xᵢᵀw)²`.
///
/// # Examples
/// ```
/// use foundations::linear_model::LinearRegression;
/// use ndarray::array;
///
/// let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
/// let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
/// let fit = LinearRegression::new().fit(x.view(), y.view())?;
/// assert!((fit.coef()[0] - 0.9).abs() < 1e-12);
/// assert!((fit.intercept() - 1.3).abs() < 1e-12);
/// assert!((fit.predict(array![[6.0]].view())?[0] - 6.7).abs() < 1e-12);
/// # Ok::<(), foundations::linear_model::FitError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinearRegression {
    fit_intercept: bool,
}

impl Default for LinearRegression {
    fn default() -> Self {
        Self::new()
    }
}

impl LinearRegression {
    /// Least squares with an intercept.
    pub fn new() -> Self {
        LinearRegression {
            fit_intercept: true,
        }
    }

    /// Sets whether an intercept is estimated (the default) or held at 0.
    pub fn fit_intercept(mut self, fit_intercept: bool) -> Self {
        self.fit_intercept = fit_intercept;
        self
    }

    /// Estimates the parameters: `β = argmin ‖y − Aβ‖²`, from `A = QR` as `Rβ = Qᵀy`.
    ///
    /// # Arguments
    /// - `x`: features, shape `(n_samples, n_features)`, each column in a unit of its own.
    /// - `y`: targets, shape `(n_samples,)`.
    ///
    /// # Returns
    /// The fitted model. A coefficient is in units of `y` per unit of its feature.
    ///
    /// # Errors
    /// - [`FitError::ShapeMismatch`] if `x` and `y` differ in rows.
    /// - [`FitError::NotFiniteFeature`], [`FitError::NotFiniteTarget`] on NaN or infinity.
    /// - [`FitError::NoFeatures`] if there is neither a feature nor an intercept.
    /// - [`FitError::TooFewSamples`] unless there are more samples than parameters: the variance
    ///   of the errors is estimated from what is left over.
    /// - [`FitError::RankDeficient`] if a column is a linear combination of those before it. The
    ///   test is relative to the length of that column, so units do not matter.
    ///
    /// # Complexity
    /// `O(n_samples p²)` time, `O(n_samples p)` memory, with `p` parameters.
    ///
    /// # Examples
    /// ```
    /// use foundations::linear_model::{FitError, LinearRegression, Term};
    /// use ndarray::array;
    ///
    /// let twice = array![[1.0, 2.0], [2.0, 4.0], [4.0, 8.0], [5.0, 10.0]];
    /// let got = LinearRegression::new().fit(twice.view(), array![1.0, 2.0, 3.0, 5.0].view());
    /// assert_eq!(
    ///     got.unwrap_err(),
    ///     FitError::RankDeficient { feature: 1, depends_on: vec![Term::Feature(0)] }
    /// );
    /// ```
    ///
    /// # References
    /// Golub and Van Loan, *Matrix Computations*, 4th ed., section 5.3. Chapter *Linear
    /// regression*, section "From scratch". Agrees with statsmodels' `OLS` to a relative 1e-9
    /// (`tests/golden_linear_model.rs`).
    pub fn fit(
        &self,
        x: ArrayView2<'_, f64>,
        y: ArrayView1<'_, f64>,
    ) -> Result<FittedLinearRegression, FitError> {
        let op = "LinearRegression::fit";
        let (n_samples, n_features) = x.dim();
        validate::matching_target(op, n_samples, y)?;
        validate::finite_features(op, x)?;
        let n_params = n_features + usize::from(self.fit_intercept);
        if n_params == 0 {
            return Err(FitError::NoFeatures { op });
        }
        if n_samples <= n_params {
            return Err(FitError::TooFewSamples {
                op,
                parameters: n_params,
                needed: n_params + 1,
                got: n_samples,
            });
        }

        let design = design(x, self.fit_intercept);
        let qr = Qr::new(design.view())?;
        refuse_dependent_columns(&qr, n_samples, self.fit_intercept)?;
        let r_inverse = invert_upper(qr.r().view())?;

        let rotated = qr.transpose_apply(y)?; // shape (n_samples,): the first p are Qᵀy
        let params = solve_upper(qr.r().view(), rotated.slice(s![..n_params]))?;
        let fitted = design.dot(&params);
        let residuals = &y - &fitted;

        // Qᵀy holds the explained sum of squares; its first entry is the intercept's share.
        let first = usize::from(self.fit_intercept);
        let explained = rotated.slice(s![first..n_params]).mapv(|v| v * v).sum();
        let centre = if self.fit_intercept {
            y.sum() / n_samples as f64
        } else {
            0.0
        };
        let constant = y.iter().all(|&v| v == y[0]);
        let total = if self.fit_intercept && constant {
            0.0
        } else {
            y.iter().map(|v| (v - centre).powi(2)).sum()
        };
        Ok(FittedLinearRegression {
            fit_intercept: self.fit_intercept,
            sum_of_squares: residuals.mapv(|v| v * v).sum(),
            explained,
            total,
            qr,
            r_inverse,
            params,
            fitted,
            residuals,
        })
    }
}

/// A least-squares fit, with what can be inferred from it.
///
/// Made by [`LinearRegression::fit`]. What is said of each parameter (standard error, t, p,
/// interval) is ordered as [`params`](Self::params): the intercept first, if there is one.
#[derive(Debug, Clone)]
pub struct FittedLinearRegression {
    pub(super) fit_intercept: bool,
    pub(super) qr: Qr,
    /// `R⁻¹`, shape `(p, p)`: `(AᵀA)⁻¹ = R⁻¹R⁻ᵀ`.
    pub(super) r_inverse: Array2<f64>,
    pub(super) params: Array1<f64>,
    pub(super) fitted: Array1<f64>,
    pub(super) residuals: Array1<f64>,
    /// `Σ eᵢ²`
    pub(super) sum_of_squares: f64,
    /// `Σ (ŷᵢ − ȳ)²`, or `Σ ŷᵢ²` without an intercept.
    pub(super) explained: f64,
    /// `Σ (yᵢ − ȳ)²`, or `Σ yᵢ²` without an intercept.
    pub(super) total: f64,
}

/// Estimates with an interval about each.
#[derive(Debug, Clone, PartialEq)]
pub struct Intervals {
    /// The confidence level, between 0 and 1.
    pub level: f64,
    /// The estimates.
    pub estimate: Array1<f64>,
    /// The lower ends.
    pub lower: Array1<f64>,
    /// The upper ends.
    pub upper: Array1<f64>,
}

impl Intervals {
    pub(super) fn around(estimate: Array1<f64>, half_width: Array1<f64>, level: f64) -> Self {
        Intervals {
            level,
            lower: &estimate - &half_width,
            upper: &estimate + &half_width,
            estimate,
        }
    }
}

impl FittedLinearRegression {
    /// The number of samples of the fit.
    pub fn n_samples(&self) -> usize {
        self.residuals.len()
    }

    /// The number of features of the fit.
    pub fn n_features(&self) -> usize {
        self.params.len() - usize::from(self.fit_intercept)
    }

    /// Whether an intercept was estimated.
    pub fn has_intercept(&self) -> bool {
        self.fit_intercept
    }

    /// All parameters, shape `(p,)`: the intercept first, if there is one, then [`coef`](Self::coef).
    pub fn params(&self) -> ArrayView1<'_, f64> {
        self.params.view()
    }

    /// The coefficients `w`, shape `(n_features,)`, in units of `y` per unit of the feature.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.coef()[0] - 0.9).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn coef(&self) -> ArrayView1<'_, f64> {
        self.params.slice(s![usize::from(self.fit_intercept)..])
    }

    /// The intercept `b`, in units of `y`; 0 where none was estimated.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.intercept() - 1.3).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn intercept(&self) -> f64 {
        if self.fit_intercept {
            self.params[0]
        } else {
            0.0
        }
    }

    /// The fitted values `ŷ = Aβ`, shape `(n_samples,)`, in units of `y`.
    pub fn fitted_values(&self) -> ArrayView1<'_, f64> {
        self.fitted.view()
    }

    /// The residuals `e = y − ŷ`, shape `(n_samples,)`, in units of `y`.
    ///
    /// They are orthogonal to every column of the design.
    pub fn residuals(&self) -> ArrayView1<'_, f64> {
        self.residuals.view()
    }

    /// The residual degrees of freedom, `n_samples − p`.
    pub fn df_residual(&self) -> usize {
        self.n_samples() - self.params.len()
    }

    /// The residual sum of squares `Σ eᵢ²`, in squared units of `y`.
    pub fn residual_sum_of_squares(&self) -> f64 {
        self.sum_of_squares
    }

    /// The estimate of the errors' standard deviation, `s = √(Σ eᵢ² / (n − p))`, in units of `y`.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.residual_std_error() - (1.9_f64 / 3.0).sqrt()).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn residual_std_error(&self) -> f64 {
        (self.sum_of_squares / self.df_residual() as f64).sqrt()
    }

    /// The estimated covariance of the parameters, `s² (AᵀA)⁻¹ = s² R⁻¹R⁻ᵀ`, shape `(p, p)`.
    ///
    /// # Complexity
    /// `O(p³)` time.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// let covariance = fit.covariance();
    /// assert!((covariance[[0, 1]] + 0.19).abs() < 1e-12);
    /// assert!((covariance[[1, 1]].sqrt() - fit.std_errors()[1]).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn covariance(&self) -> Array2<f64> {
        self.r_inverse.dot(&self.r_inverse.t()) * self.residual_std_error().powi(2)
    }

    /// The standard errors of the parameters, `s √[(AᵀA)⁻¹]ⱼⱼ`, shape `(p,)`, in units of the
    /// parameter.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.std_errors()[1] - 0.251_661_147_842_358).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Chapter *Linear regression*, section "Inference". Agrees with statsmodels' `bse` to a
    /// relative 1e-9.
    pub fn std_errors(&self) -> Array1<f64> {
        let s = self.residual_std_error();
        self.r_inverse
            .rows()
            .into_iter()
            .map(|row| s * row.dot(&row).sqrt())
            .collect()
    }

    /// The t statistics `βⱼ / se(βⱼ)`, shape `(p,)`: how many standard errors a parameter is from 0.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.t_values()[1] - 3.576_237_364_368_77).abs() < 1e-9);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn t_values(&self) -> Array1<f64> {
        &self.params / &self.std_errors()
    }

    /// The two-sided p-values of the t statistics, shape `(p,)`.
    ///
    /// The probability that Student's t with `n − p` degrees of freedom is at least as far from 0,
    /// were the parameter 0 and the errors normal.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.p_values()[1] - 0.037_386_07).abs() < 1e-8);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Agrees with statsmodels' `pvalues` to a relative 1e-8, down to 1e-80.
    pub fn p_values(&self) -> Array1<f64> {
        let df = self.df_residual() as f64;
        self.t_values().mapv(|t| t_two_sided(t, df))
    }

    /// Confidence intervals of the parameters, `βⱼ ± t* se(βⱼ)`.
    ///
    /// `t*` is the quantile of Student's t with `n − p` degrees of freedom that leaves `1 − level`
    /// outside, half on either side.
    ///
    /// # Arguments
    /// - `level`: the confidence level, such as 0.95.
    ///
    /// # Returns
    /// Estimates and ends, each of shape `(p,)`.
    ///
    /// # Errors
    /// [`FitError::InvalidParameter`] unless `0 < level < 1`.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// let slope = fit.confidence_intervals(0.95)?;
    /// assert!((slope.lower[1] - 0.099_101_91).abs() < 1e-8);
    /// assert!((slope.upper[1] - 1.700_898_09).abs() < 1e-8);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn confidence_intervals(&self, level: f64) -> Result<Intervals, FitError> {
        let quantile = self.quantile(level)?;
        Ok(Intervals::around(
            self.params.clone(),
            self.std_errors() * quantile,
            level,
        ))
    }

    /// The coefficient of determination `R² = 1 − Σ eᵢ² / Σ (yᵢ − ȳ)²`.
    ///
    /// Without an intercept the total is taken about 0 rather than about the mean, as statsmodels
    /// does, and the two are not comparable. NaN if every `y` is the same.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.r_squared() - 0.81).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn r_squared(&self) -> f64 {
        if self.total == 0.0 {
            return f64::NAN;
        }
        1.0 - self.sum_of_squares / self.total
    }

    /// `R²` with variances in place of sums of squares: `1 − (1 − R²) (n − 1) / (n − p)`.
    ///
    /// Without an intercept `n` stands in place of `n − 1`.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.adjusted_r_squared() - (1.0 - 0.19 * 4.0 / 3.0)).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn adjusted_r_squared(&self) -> f64 {
        let df_total = self.n_samples() - usize::from(self.fit_intercept);
        1.0 - (1.0 - self.r_squared()) * df_total as f64 / self.df_residual() as f64
    }

    /// The F statistic of the hypothesis that every coefficient but the intercept is 0.
    ///
    /// `F = (Σ (ŷᵢ − ȳ)² / k) / s²` with `k` features. NaN without features, or if every `y` is the
    /// same.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.f_statistic() - 12.789_473_684_210_5).abs() < 1e-9);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn f_statistic(&self) -> f64 {
        if self.total == 0.0 || self.n_features() == 0 {
            return f64::NAN;
        }
        self.explained / self.n_features() as f64 / self.residual_std_error().powi(2)
    }

    /// The p-value of [`f_statistic`](Self::f_statistic): `P(F(k, n − p) ≥ F)`.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// // With one feature, F is the square of t, and the two p-values are one.
    /// assert!((fit.f_p_value() - fit.p_values()[1]).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn f_p_value(&self) -> f64 {
        f_upper(
            self.f_statistic(),
            self.n_features() as f64,
            self.df_residual() as f64,
        )
    }

    /// The greatest log-likelihood under normal errors, `−(n/2) (ln 2π + ln(Σ eᵢ² / n) + 1)`.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.log_likelihood() + 4.675_732_600_369_1).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn log_likelihood(&self) -> f64 {
        let n = self.n_samples() as f64;
        -n / 2.0 * ((2.0 * PI).ln() + (self.sum_of_squares / n).ln() + 1.0)
    }

    /// Akaike's information criterion, `2p − 2 ln L`; smaller is better.
    ///
    /// As in statsmodels, `p` does not count the variance of the errors.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.aic() - 13.351_465_200_738_2).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn aic(&self) -> f64 {
        2.0 * self.params.len() as f64 - 2.0 * self.log_likelihood()
    }

    /// The Bayesian information criterion, `p ln n − 2 ln L`; smaller is better.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.bic() - 12.570_341_025_606_4).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn bic(&self) -> f64 {
        self.params.len() as f64 * (self.n_samples() as f64).ln() - 2.0 * self.log_likelihood()
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
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.predict(array![[6.0]].view())?[0] - 6.7).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn predict(&self, x: ArrayView2<'_, f64>) -> Result<Array1<f64>, FitError> {
        validate::features_of_fit("FittedLinearRegression::predict", self.n_features(), x)?;
        Ok(x.dot(&self.coef()) + self.intercept())
    }

    /// Confidence intervals for the *mean* of `y` at each row `x₀` of `x`, `ŷ₀ ± t* s √h₀`.
    ///
    /// `h₀ = a₀ᵀ(AᵀA)⁻¹a₀` for the row `a₀ = (1, x₀)` of the design. The interval is about where the
    /// line runs, not about where a new observation falls.
    ///
    /// # Arguments
    /// - `x`: features, shape `(n, n_features)`.
    /// - `level`: the confidence level, such as 0.95.
    ///
    /// # Returns
    /// Predictions and ends, each of shape `(n,)`, in units of `y`.
    ///
    /// # Errors
    /// As [`predict`](Self::predict), and [`FitError::InvalidParameter`] unless `0 < level < 1`.
    ///
    /// # Complexity
    /// `O(n p²)` time.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// let mean = fit.confidence_interval_mean(array![[3.0]].view(), 0.95)?;
    /// assert!((mean.lower[0] - 2.867_359).abs() < 1e-6);
    /// assert!((mean.upper[0] - 5.132_641).abs() < 1e-6);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Agrees with the `mean_ci` of statsmodels' `get_prediction` to a relative 1e-9.
    pub fn confidence_interval_mean(
        &self,
        x: ArrayView2<'_, f64>,
        level: f64,
    ) -> Result<Intervals, FitError> {
        self.interval(x, level, 0.0)
    }

    /// Prediction intervals for a *new observation* at each row `x₀` of `x`, `ŷ₀ ± t* s √(1 + h₀)`.
    ///
    /// To the doubt about the mean it adds the scatter of one observation about it, and so rests on
    /// the errors being normal even for many samples.
    ///
    /// # Arguments
    /// - `x`: features, shape `(n, n_features)`.
    /// - `level`: the confidence level, such as 0.95.
    ///
    /// # Returns
    /// Predictions and ends, each of shape `(n,)`, in units of `y`.
    ///
    /// # Errors
    /// As [`confidence_interval_mean`](Self::confidence_interval_mean).
    ///
    /// # Complexity
    /// `O(n p²)` time.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// let new = fit.prediction_interval(array![[3.0]].view(), 0.95)?;
    /// assert!((new.lower[0] - 1.225_608).abs() < 1e-6);
    /// assert!((new.upper[0] - 6.774_392).abs() < 1e-6);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Agrees with the `obs_ci` of statsmodels' `get_prediction` to a relative 1e-9.
    pub fn prediction_interval(
        &self,
        x: ArrayView2<'_, f64>,
        level: f64,
    ) -> Result<Intervals, FitError> {
        self.interval(x, level, 1.0)
    }

    /// `ŷ₀ ± t* s √(scatter + h₀)`
    fn interval(
        &self,
        x: ArrayView2<'_, f64>,
        level: f64,
        scatter: f64,
    ) -> Result<Intervals, FitError> {
        let quantile = self.quantile(level)?;
        let estimate = self.predict(x)?;
        // h₀ = ‖R⁻ᵀa₀‖², row by row of A₀R⁻¹.
        let rotated = design(x, self.fit_intercept).dot(&self.r_inverse);
        let s = self.residual_std_error();
        let half_width = rotated
            .rows()
            .into_iter()
            .map(|row| quantile * s * (scatter + row.dot(&row)).sqrt())
            .collect();
        Ok(Intervals::around(estimate, half_width, level))
    }

    fn quantile(&self, level: f64) -> Result<f64, FitError> {
        let level = validate::level(level)?;
        Ok(t_quantile_two_sided(level, self.df_residual() as f64))
    }
}

/// The design: a column of ones, if there is an intercept, then the features.
pub(super) fn design(x: ArrayView2<'_, f64>, intercept: bool) -> Array2<f64> {
    if intercept {
        let mut design = Array2::ones((x.nrows(), x.ncols() + 1));
        design.slice_mut(s![.., 1..]).assign(&x);
        design
    } else {
        x.to_owned()
    }
}

/// Refuses a design with a column that the columns before it span.
///
/// `|Rⱼⱼ|` is the length of what is left of column `j` after its projection onto those before it.
/// It is compared with the length of the column, so that the unit of a feature does not matter.
pub(super) fn refuse_dependent_columns(
    qr: &Qr,
    n_rows: usize,
    intercept: bool,
) -> Result<(), FitError> {
    let r = qr.r();
    let p = r.ncols();
    // Q keeps lengths: column j of R is as long as column j of the design.
    let lengths: Vec<f64> = r
        .columns()
        .into_iter()
        .map(|column| column.dot(&column).sqrt())
        .collect();
    let term = |j: usize| match (intercept, j) {
        (true, 0) => Term::Intercept,
        (true, j) => Term::Feature(j - 1),
        (false, j) => Term::Feature(j),
    };
    // What rounding leaves of a dependent column grows like √n ε.
    let tolerance = 16.0 * f64::EPSILON * p as f64 * (n_rows as f64).sqrt();
    for j in 0..p {
        if r[[j, j]].abs() > tolerance * lengths[j] {
            continue;
        }
        let depends_on = if j == 0 || lengths[j] == 0.0 {
            Vec::new()
        } else {
            let weights = solve_upper(r.slice(s![..j, ..j]), r.slice(s![..j, j]))?;
            (0..j)
                .filter(|&i| weights[i].abs() * lengths[i] > 1e-8 * lengths[j])
                .map(term)
                .collect()
        };
        return Err(FitError::RankDeficient {
            feature: j - usize::from(intercept),
            depends_on,
        });
    }
    Ok(())
}

/// The inverse of an upper triangular matrix with a non-zero diagonal.
fn invert_upper(r: ArrayView2<'_, f64>) -> Result<Array2<f64>, FitError> {
    let p = r.nrows();
    let mut inverse = Array2::eye(p);
    for j in 0..p {
        let column = solve_upper(r.slice(s![..=j, ..=j]), inverse.slice(s![..=j, j]))?;
        inverse.slice_mut(s![..=j, j]).assign(&column);
    }
    Ok(inverse)
}
