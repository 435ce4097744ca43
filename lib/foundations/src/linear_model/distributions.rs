//! The tail probabilities and quantiles that inference needs, on top of statrs.

use statrs::distribution::{ChiSquared, ContinuousCDF, Normal, StudentsT};
use statrs::function::beta::beta_reg;
use statrs::function::erf::erfc;

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
    student.inverse_cdf(0.5 + level / 2.0)
}

/// `P(|Z| > |z|)` for a standard normal `Z`.
pub(super) fn normal_two_sided(z: f64) -> f64 {
    erfc(z.abs() / std::f64::consts::SQRT_2)
}

/// The `z` with `P(|Z| <= z) = level`.
pub(super) fn normal_quantile_two_sided(level: f64) -> f64 {
    Normal::standard().inverse_cdf(0.5 + level / 2.0)
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

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    /// scipy's own tails and quantiles are good to about 1e-13; ten thousand degrees of freedom
    /// cost an incomplete beta function two digits more.
    const RELATIVE: f64 = 1e-11;

    fn each(name: &str, check: impl Fn(&dyn Fn(&str) -> f64)) {
        let golden: Value =
            serde_json::from_str(include_str!("../../tests/golden/linear_model.json")).unwrap();
        let cases = golden[name].as_array().unwrap();
        assert!(cases.len() >= 16, "{name}: {} cases", cases.len());
        for case in cases {
            check(&|key| case[key].as_f64().unwrap());
        }
    }

    #[track_caller]
    fn close(got: f64, want: f64, what: String) {
        assert!(
            (got - want).abs() <= RELATIVE * want.abs(),
            "{what}: got {got:e}, want {want:e}"
        );
    }

    #[test]
    fn quantiles_of_t_agree_with_scipy() {
        each("t_quantiles", |at| {
            let (df, level) = (at("df"), at("level"));
            close(
                t_quantile_two_sided(level, df),
                at("t"),
                format!("t quantile, df {df}, level {level}"),
            );
        });
    }

    #[test]
    fn tails_of_t_agree_with_scipy() {
        each("t_tails", |at| {
            let (df, t) = (at("df"), at("t"));
            close(t_two_sided(t, df), at("p"), format!("t {t}, df {df}"));
            close(t_two_sided(-t, df), at("p"), format!("t -{t}, df {df}"));
        });
    }

    #[test]
    fn tails_of_f_agree_with_scipy() {
        each("f_tails", |at| {
            let (k, df, f) = (at("df_model"), at("df_residual"), at("f"));
            close(f_upper(f, k, df), at("p"), format!("F {f}, df {k}, {df}"));
        });
    }

    #[test]
    fn tails_of_chi_squared_agree_with_scipy() {
        each("chi_squared_tails", |at| {
            let (df, c) = (at("df"), at("c"));
            close(
                chi_squared_upper(c, df),
                at("p"),
                format!("χ² {c}, df {df}"),
            );
        });
    }
}
