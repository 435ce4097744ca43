//! The tail probabilities and quantiles that inference needs, on top of statrs.

use statrs::distribution::{ChiSquared, Continuous, ContinuousCDF, StudentsT};
use statrs::function::beta::beta_reg;

/// `P(|T| > |t|)` for Student's t with `df` degrees of freedom.
pub(super) fn t_two_sided(t: f64, df: f64) -> f64 {
    if t.is_nan() {
        return f64::NAN;
    }
    // The tail is an incomplete beta function of df / (df + t²): no difference from 1 is taken,
    // so a p-value of 1e-80 keeps its digits.
    beta_reg(df / 2.0, 0.5, df / (df + t * t))
}

/// The `t` with `P(|T| <= t) = level`.
pub(super) fn t_quantile_two_sided(level: f64, df: f64) -> f64 {
    let student = StudentsT::new(0.0, 1.0, df).expect("df is positive by construction");
    let mut t = student.inverse_cdf(0.5 + level / 2.0);
    // statrs stops at about 1e-9; Newton on the two-sided tail takes the rest.
    let tail = 1.0 - level;
    for _ in 0..4 {
        let step = (t_two_sided(t, df) - tail) / (2.0 * student.pdf(t));
        t += step;
        if step.abs() <= f64::EPSILON * t.abs() {
            break;
        }
    }
    t
}

/// `P(F > f)` for the F distribution with `df_model` and `df_residual` degrees of freedom.
pub(super) fn f_upper(f: f64, df_model: f64, df_residual: f64) -> f64 {
    if f.is_nan() {
        return f64::NAN;
    }
    beta_reg(
        df_residual / 2.0,
        df_model / 2.0,
        df_residual / (df_residual + df_model * f),
    )
}

/// `P(C > c)` for chi-squared with `df` degrees of freedom.
pub(super) fn chi_squared_upper(c: f64, df: f64) -> f64 {
    ChiSquared::new(df)
        .expect("df is positive by construction")
        .sf(c)
}
