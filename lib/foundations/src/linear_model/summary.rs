//! A fit as rows of a table.

use super::{FitError, FittedLinearRegression};
use std::fmt;

/// One parameter of a [`Summary`].
#[derive(Debug, Clone, PartialEq)]
pub struct CoefficientRow {
    /// `"intercept"`, or the name of the feature.
    pub term: String,
    /// The parameter, in units of `y` per unit of the feature.
    pub estimate: f64,
    /// Its standard error, in the same unit.
    pub std_error: f64,
    /// `estimate / std_error`.
    pub t_value: f64,
    /// The two-sided p-value of `t_value`.
    pub p_value: f64,
    /// The lower end of its confidence interval.
    pub lower: f64,
    /// The upper end of its confidence interval.
    pub upper: f64,
}

/// A fit as rows of a table, made by [`FittedLinearRegression::summary`].
///
/// Its `Display` is a table in plain text.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// A row a parameter, the intercept first.
    pub coefficients: Vec<CoefficientRow>,
    /// The level of the confidence intervals.
    pub level: f64,
    /// The number of samples.
    pub n_samples: usize,
    /// The residual degrees of freedom.
    pub df_residual: usize,
    /// See [`FittedLinearRegression::residual_std_error`].
    pub residual_std_error: f64,
    /// See [`FittedLinearRegression::r_squared`].
    pub r_squared: f64,
    /// See [`FittedLinearRegression::adjusted_r_squared`].
    pub adjusted_r_squared: f64,
    /// See [`FittedLinearRegression::f_statistic`].
    pub f_statistic: f64,
    /// See [`FittedLinearRegression::f_p_value`].
    pub f_p_value: f64,
}

impl FittedLinearRegression {
    /// The fit as rows of a table.
    ///
    /// # Arguments
    /// - `names`: a name a feature, in the order of the columns of `x`.
    /// - `level`: the level of the confidence intervals, such as 0.95.
    ///
    /// # Errors
    /// [`FitError::ShapeMismatch`] if there is not one name a feature, and
    /// [`FitError::InvalidParameter`] unless `0 < level < 1`.
    ///
    /// # Examples
    /// ```
    /// # use foundations::linear_model::LinearRegression;
    /// # use ndarray::array;
    /// # let x = array![[1.0], [2.0], [3.0], [4.0], [5.0]];
    /// # let y = array![2.0, 3.0, 5.0, 4.0, 6.0];
    /// # let fit = LinearRegression::new().fit(x.view(), y.view())?;
    /// let summary = fit.summary(&["hours"], 0.95)?;
    /// assert_eq!(summary.coefficients[1].term, "hours");
    /// assert!((summary.coefficients[1].estimate - 0.9).abs() < 1e-12);
    /// assert!(summary.to_string().contains("R² 0.8100"));
    /// # Ok::<(), foundations::linear_model::FitError>(())
    /// ```
    pub fn summary(&self, names: &[&str], level: f64) -> Result<Summary, FitError> {
        if names.len() != self.n_features() {
            return Err(FitError::ShapeMismatch {
                op: "FittedLinearRegression::summary",
                expected: vec![self.n_features()],
                got: vec![names.len()],
            });
        }
        let intervals = self.confidence_intervals(level)?;
        let (std_errors, t_values, p_values) =
            (self.std_errors(), self.t_values(), self.p_values());
        let coefficients = self
            .fit_intercept
            .then_some("intercept")
            .into_iter()
            .chain(names.iter().copied())
            .enumerate()
            .map(|(j, term)| CoefficientRow {
                term: term.to_owned(),
                estimate: self.params[j],
                std_error: std_errors[j],
                t_value: t_values[j],
                p_value: p_values[j],
                lower: intervals.lower[j],
                upper: intervals.upper[j],
            })
            .collect();
        Ok(Summary {
            coefficients,
            level,
            n_samples: self.n_samples(),
            df_residual: self.df_residual(),
            residual_std_error: self.residual_std_error(),
            r_squared: self.r_squared(),
            adjusted_r_squared: self.adjusted_r_squared(),
            f_statistic: self.f_statistic(),
            f_p_value: self.f_p_value(),
        })
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .coefficients
            .iter()
            .map(|row| row.term.chars().count())
            .fold(4, usize::max);
        let interval = format!("{} % interval", self.level * 100.0);
        writeln!(
            f,
            "{:width$} {:>12} {:>12} {:>9} {:>10} {interval:>25}",
            "term", "estimate", "std. error", "t", "p"
        )?;
        for row in &self.coefficients {
            writeln!(
                f,
                "{:width$} {:>12.5} {:>12.5} {:>9.3} {:>10.2e} {:>12.5} {:>12.5}",
                row.term,
                row.estimate,
                row.std_error,
                row.t_value,
                row.p_value,
                row.lower,
                row.upper
            )?;
        }
        writeln!(
            f,
            "{} samples, {} degrees of freedom, residual standard error {:.4}",
            self.n_samples, self.df_residual, self.residual_std_error
        )?;
        write!(
            f,
            "R² {:.4}, adjusted {:.4}, F {:.2}, p {:.2e}",
            self.r_squared, self.adjusted_r_squared, self.f_statistic, self.f_p_value
        )
    }
}
