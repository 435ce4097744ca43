//! What the residuals say about the model's assumptions.

use super::distributions::chi_squared_upper;
use super::{FitError, FittedLinearRegression};
use ndarray::{Array1, s};

/// The Breusch–Pagan test of constant error variance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct BreuschPagan {
    /// `n R²` of the regression of the squared residuals on the features.
    pub statistic: f64,
    /// The number of features.
    pub degrees_of_freedom: usize,
    /// `P(χ² ≥ statistic)`: small where the variance depends on the features.
    pub p_value: f64,
}

impl FittedLinearRegression {
    /// The leverages `hᵢ = [A(AᵀA)⁻¹Aᵀ]ᵢᵢ = ‖qᵢ‖²`, shape `(n_samples,)`, `qᵢ` being row `i` of `Q`.
    ///
    /// How far a sample's own target pulls its fitted value: `hᵢ = ∂ŷᵢ/∂yᵢ`, between 0 and 1
    /// (at least `1/n` with an intercept); they add up to `p`.
    ///
    /// # Complexity
    /// `O(n_samples p²)` time: `Q` is formed when it is asked for.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// let h = fit.leverage();
    /// assert!((h[0] - 0.6).abs() < 1e-12);
    /// assert!((h.sum() - 2.0).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Agrees with statsmodels' `hat_matrix_diag` to 1e-10.
    pub fn leverage(&self) -> Array1<f64> {
        self.qr
            .q()
            .rows()
            .into_iter()
            .map(|row| row.dot(&row))
            .collect()
    }

    /// Internally studentised residuals `rᵢ = eᵢ / (s √(1 − hᵢ))`, shape `(n_samples,)`, no unit.
    ///
    /// Residuals of high-leverage samples are small by construction; these have equal variance.
    /// NaN where the leverage is 1, or where the fit is exact.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.studentized_residuals()[2] - 1.404_878_717_4).abs() < 1e-9);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Cook and Weisberg, *Residuals and Influence in Regression*, 1982. Agrees with statsmodels'
    /// `resid_studentized_internal` to a relative 1e-8.
    pub fn studentized_residuals(&self) -> Array1<f64> {
        let s = self.residual_std_error();
        let mut studentized = self.leverage();
        studentized.zip_mut_with(&self.residuals, |h, e| *h = e / (s * (1.0 - *h).sqrt()));
        studentized
    }

    /// Externally studentised residuals `tᵢ = eᵢ / (s₍ᵢ₎ √(1 − hᵢ))`, shape `(n_samples,)`, no unit.
    ///
    /// `s₍ᵢ₎` is the residual standard error of the fit without sample `i`, so an outlier cannot
    /// hide behind the variance that it inflates. Each has Student's t distribution with
    /// `n − p − 1` degrees of freedom. Found without refitting, as `rᵢ √((n − p − 1)/(n − p − rᵢ²))`.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.externally_studentized_residuals()[2] - 1.961_161_351_4).abs() < 1e-9);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Agrees with statsmodels' `resid_studentized_external` to a relative 1e-8.
    pub fn externally_studentized_residuals(&self) -> Array1<f64> {
        let df = self.df_residual() as f64;
        self.studentized_residuals()
            .mapv(|r| r * ((df - 1.0) / (df - r * r)).sqrt())
    }

    /// Cook's distances `Dᵢ = rᵢ² hᵢ / (p (1 − hᵢ))`, shape `(n_samples,)`, no unit.
    ///
    /// How far all the fitted values move, in units of `p s²`, when sample `i` is left out:
    /// `‖ŷ − ŷ₍ᵢ₎‖² / (p s²)`.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// assert!((fit.cooks_distance()[3] - 0.391_514_5).abs() < 1e-7);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Cook, *Technometrics* 19 (1977), 15–18. Agrees with statsmodels' `cooks_distance` to a
    /// relative 1e-8.
    pub fn cooks_distance(&self) -> Array1<f64> {
        let p = self.params.len() as f64;
        let mut distance = self.studentized_residuals();
        distance.zip_mut_with(&self.leverage(), |r, h| {
            *r = *r * *r * h / (p * (1.0 - h));
        });
        distance
    }

    /// The variance inflation factors `1 / (1 − Rⱼ²)`, shape `(n_features,)`, no unit.
    ///
    /// `Rⱼ²` is that of feature `j` regressed on the other features. The variance of `wⱼ` is this
    /// many times what it would be, were feature `j` uncorrelated with the others. Found without
    /// those regressions, as `Σᵢ (xᵢⱼ − x̄ⱼ)² [(AᵀA)⁻¹]ⱼⱼ`.
    ///
    /// # Complexity
    /// `O(p²)` time, from `R` alone.
    ///
    /// # Examples
    /// ```
    /// use foundations::linear_model::LinearRegression;
    /// use ndarray::array;
    ///
    /// // Uncorrelated features inflate nothing.
    /// let x = array![[-1.0, -1.0], [1.0, -1.0], [-1.0, 1.0], [1.0, 1.0]];
    /// let fit = LinearRegression::new().fit(x.view(), array![1.0, 2.0, 3.0, 5.0].view())?;
    /// assert!((fit.vif()[0] - 1.0).abs() < 1e-12);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Agrees with statsmodels' `variance_inflation_factor` to a relative 1e-8.
    pub fn vif(&self) -> Array1<f64> {
        let first = usize::from(self.fit_intercept);
        let r = self.qr.r();
        (first..self.params.len())
            .map(|j| {
                // Column j of R without its first entry, which is √n times the mean.
                let spread = r.slice(s![first.., j]);
                let row = self.r_inverse.row(j);
                spread.dot(&spread) * row.dot(&row)
            })
            .collect()
    }

    /// The Breusch–Pagan test of constant error variance, in Koenker's form.
    ///
    /// Regresses `eᵢ²` on the features; under constant variance, `n R²` of that regression has
    /// approximately the χ² distribution with `n_features` degrees of freedom. Koenker's form does
    /// not rest on normal errors.
    ///
    /// # Errors
    /// [`FitError::NeedsIntercept`] for a model without one, [`FitError::NoFeatures`] for one
    /// without features. The statistic is NaN if all residuals are equal in size.
    ///
    /// # Complexity
    /// `O(n_samples p)` time: the factorisation of the fit is used again.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// let test = fit.breusch_pagan()?;
    /// assert!((test.statistic - 0.341_369_746_1).abs() < 1e-9);
    /// assert!((test.p_value - 0.559_039_643_6).abs() < 1e-9);
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    ///
    /// # References
    /// Breusch and Pagan, *Econometrica* 47 (1979), 1287–1294; Koenker, *Journal of Econometrics* 17
    /// (1981), 107–112. Agrees with statsmodels' `het_breuschpagan` to a relative 1e-8.
    pub fn breusch_pagan(&self) -> Result<BreuschPagan, FitError> {
        let op = "FittedLinearRegression::breusch_pagan";
        if !self.fit_intercept {
            return Err(FitError::NeedsIntercept { op });
        }
        if self.n_features() == 0 {
            return Err(FitError::NoFeatures { op });
        }
        let squares = self.residuals.mapv(|e| e * e);
        let n = self.n_samples() as f64;
        let mean = squares.sum() / n;
        let total: f64 = squares.iter().map(|g| (g - mean).powi(2)).sum();
        let explained: f64 = self
            .qr
            .transpose_apply(squares.view())?
            .iter()
            .take(self.params.len())
            .skip(1) // the intercept's share
            .map(|v| v * v)
            .sum();
        let statistic = n * explained / total;
        Ok(BreuschPagan {
            statistic,
            degrees_of_freedom: self.n_features(),
            p_value: chi_squared_upper(statistic, self.n_features() as f64),
        })
    }
}
