//! `linear_model`: errors, properties, and equality with linfa.

use foundations::linear_model::{FitError, FittedLinearRegression, LinearRegression, Ridge, Term};
use linfa::Dataset;
use linfa::traits::{Fit, Predict};
use ndarray::{Array1, Array2, Axis, array, concatenate};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn problem(seed: u64, n_samples: usize, n_features: usize) -> (Array2<f64>, Array1<f64>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let x = Array2::from_shape_simple_fn((n_samples, n_features), || rng.gen_range(-3.0..3.0));
    let y = Array1::from_shape_simple_fn(n_samples, || rng.gen_range(-5.0..5.0));
    (x, y)
}

fn ols(x: &Array2<f64>, y: &Array1<f64>) -> FittedLinearRegression {
    LinearRegression::new().fit(x.view(), y.view()).unwrap()
}

fn line() -> FittedLinearRegression {
    ols(
        &array![[1.0], [2.0], [3.0], [4.0], [5.0]],
        &array![2.0, 3.0, 5.0, 4.0, 6.0],
    )
}

fn largest(values: &Array1<f64>) -> f64 {
    values.fold(0.0, |worst, v| worst.max(v.abs()))
}

// ---- errors ----

#[test]
fn as_many_parameters_as_samples_is_refused() {
    let (x, y) = problem(1, 4, 3);
    let got = LinearRegression::new().fit(x.view(), y.view()).unwrap_err();
    assert_eq!(
        got,
        FitError::TooFewSamples {
            op: "LinearRegression::fit",
            parameters: 4,
            needed: 5,
            got: 4
        }
    );
    assert_eq!(
        got.to_string(),
        "LinearRegression::fit: 4 samples, but 4 parameters need at least 5"
    );
    // Without the intercept there is one parameter less.
    assert!(
        LinearRegression::new()
            .fit_intercept(false)
            .fit(x.view(), y.view())
            .is_ok()
    );
}

#[test]
fn dependent_columns_are_named() {
    let (x, y) = problem(2, 30, 3);
    let (a, b) = (x.column(0), x.column(1));
    let with = |extra: Array1<f64>| concatenate![Axis(1), x, extra.insert_axis(Axis(1))];
    let cases = [
        (with(Array1::zeros(30)), vec![]),
        (with(Array1::from_elem(30, 2.5)), vec![Term::Intercept]),
        (with(b.to_owned()), vec![Term::Feature(1)]),
        (with(&b * -1e9), vec![Term::Feature(1)]),
        (with(&a + &b), vec![Term::Feature(0), Term::Feature(1)]),
        (
            with(1e-6 * &a + 1.0),
            vec![Term::Intercept, Term::Feature(0)],
        ),
    ];
    for (x, depends_on) in cases {
        let got = LinearRegression::new().fit(x.view(), y.view()).unwrap_err();
        assert_eq!(
            got,
            FitError::RankDeficient {
                feature: 3,
                depends_on
            }
        );
    }
}

#[test]
fn a_constant_feature_is_refused_only_beside_an_intercept() {
    let x = array![[2.0], [2.0], [2.0]];
    let y = array![1.0, 2.0, 6.0];
    let fit = LinearRegression::new()
        .fit_intercept(false)
        .fit(x.view(), y.view())
        .unwrap();
    assert!((fit.coef()[0] - 1.5).abs() < 1e-12);
    let zero = LinearRegression::new()
        .fit_intercept(false)
        .fit((x * 0.0).view(), y.view());
    assert_eq!(
        zero.unwrap_err(),
        FitError::RankDeficient {
            feature: 0,
            depends_on: vec![]
        }
    );
}

#[test]
fn a_hundred_millionth_of_independence_is_enough() {
    // Column 1 differs from column 0 by 1e-8 of its length: ill-conditioned, not deficient.
    let (x, y) = problem(3, 50, 2);
    let nearly = &x.column(0) + &(1e-8 * &x.column(1));
    let x = ndarray::stack![Axis(1), x.column(0), nearly];
    assert!(LinearRegression::new().fit(x.view(), y.view()).is_ok());
}

#[test]
fn a_level_is_between_0_and_1() {
    let fit = line();
    let at = array![[1.0]];
    for value in [0.0, 1.0, -0.1, 95.0, f64::NAN] {
        for got in [
            fit.confidence_intervals(value).map(|_| ()),
            fit.confidence_interval_mean(at.view(), value).map(|_| ()),
            fit.prediction_interval(at.view(), value).map(|_| ()),
            fit.summary(&["x"], value).map(|_| ()),
        ] {
            assert!(
                matches!(got, Err(FitError::InvalidParameter { name: "level", .. })),
                "{value}: {got:?}"
            );
        }
    }
}

#[test]
fn alpha_is_finite_and_not_negative() {
    let (x, y) = problem(4, 10, 2);
    for value in [-1.0, f64::NAN, f64::INFINITY] {
        let got = Ridge::new(value).fit(x.view(), y.view());
        assert!(
            matches!(got, Err(FitError::InvalidParameter { name: "alpha", .. })),
            "{value}: {got:?}"
        );
        let got = Ridge::new(1.0).path(x.view(), y.view(), &[1.0, value]);
        assert!(
            matches!(got, Err(FitError::InvalidParameter { .. })),
            "{value}: {got:?}"
        );
    }
}

#[test]
fn ridge_without_a_penalty_refuses_what_least_squares_refuses() {
    let x = array![[1.0, 2.0], [2.0, 4.0], [4.0, 8.0], [5.0, 10.0]];
    let y = array![1.0, 2.0, 3.0, 5.0];
    assert_eq!(
        Ridge::new(0.0).fit(x.view(), y.view()).unwrap_err(),
        FitError::RankDeficient {
            feature: 1,
            depends_on: vec![Term::Feature(0)]
        }
    );
    assert!(Ridge::new(1e-3).fit(x.view(), y.view()).is_ok());
    let (x, y) = problem(5, 3, 5);
    assert!(matches!(
        Ridge::new(0.0).fit(x.view(), y.view()),
        Err(FitError::TooFewSamples {
            needed: 6,
            got: 3,
            ..
        })
    ));
    assert!(Ridge::new(1.0).fit(x.view(), y.view()).is_ok());
}

#[test]
fn a_summary_wants_a_name_a_feature() {
    assert_eq!(
        line().summary(&["a", "b"], 0.95).unwrap_err(),
        FitError::ShapeMismatch {
            op: "FittedLinearRegression::summary",
            expected: vec![1],
            got: vec![2]
        }
    );
}

#[test]
fn breusch_pagan_wants_an_intercept_and_a_feature() {
    let (x, y) = problem(6, 20, 2);
    let origin = LinearRegression::new()
        .fit_intercept(false)
        .fit(x.view(), y.view())
        .unwrap();
    assert!(matches!(
        origin.breusch_pagan(),
        Err(FitError::NeedsIntercept { .. })
    ));
    let mean = ols(&Array2::zeros((20, 0)), &y);
    assert!(matches!(
        mean.breusch_pagan(),
        Err(FitError::NoFeatures { .. })
    ));
}

// ---- what has no value ----

#[test]
fn an_intercept_alone_is_the_mean() {
    let y = array![1.0, 2.0, 6.0];
    let fit = ols(&Array2::zeros((3, 0)), &y);
    assert!((fit.intercept() - 3.0).abs() < 1e-12);
    // The standard error of a mean: s / √n.
    assert!((fit.std_errors()[0] - (7.0_f64 / 3.0).sqrt()).abs() < 1e-12);
    assert!(fit.f_statistic().is_nan() && fit.f_p_value().is_nan());
    assert_eq!(fit.r_squared(), 0.0);
}

#[test]
fn a_constant_target_has_no_r_squared() {
    // For some of these sizes the mean of copies of 0.1 is not 0.1: rounding is no variance.
    for n in 5..60 {
        let (x, _) = problem(8, n, 1);
        let fit = ols(&x, &Array1::from_elem(n, 0.1));
        assert!(fit.r_squared().is_nan() && fit.adjusted_r_squared().is_nan());
        assert!(fit.f_statistic().is_nan());
        assert!((fit.intercept() - 0.1).abs() < 1e-15);
    }
}

#[test]
fn a_summary_is_a_readable_table() {
    let text = line().summary(&["hours"], 0.9).unwrap().to_string();
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 5, "{text}");
    assert!(lines[0].contains("90 % interval"), "{text}");
    assert!(
        lines[2].starts_with("hours") && lines[2].contains("0.90000"),
        "{text}"
    );
    assert!(
        lines[3].starts_with("5 samples, 3 degrees of freedom"),
        "{text}"
    );
}

// ---- three ways: from scratch, linfa, statsmodels ----

/// On the car data, parameters of the library, of linfa and of statsmodels are one. The design has
/// condition number 8e4, and linfa puts the column of ones last, so rounding differs.
#[test]
fn scratch_linfa_and_statsmodels_agree() {
    let golden: serde_json::Value =
        serde_json::from_str(include_str!("golden/linear_model.json")).unwrap();
    let auto = datasets::auto().unwrap();
    for (case, names) in [
        ("auto_horsepower", &["horsepower"][..]),
        (
            "auto_many",
            &[
                "displacement",
                "horsepower",
                "weight",
                "acceleration",
                "year",
            ],
        ),
    ] {
        let x = auto.design(names).unwrap();
        let ours = ols(&x, &auto.mpg);
        let theirs = linfa_linear::LinearRegression::new()
            .fit(&Dataset::new(x.clone(), auto.mpg.clone()))
            .unwrap();
        let linfa = concatenate![Axis(0), array![theirs.intercept()], *theirs.params()];
        let statsmodels = golden["ols"][case]["params"].as_array().unwrap();
        assert_eq!(statsmodels.len(), names.len() + 1);
        for (j, want) in statsmodels.iter().enumerate() {
            let want = want.as_f64().unwrap();
            for (who, got) in [("foundations", ours.params()[j]), ("linfa", linfa[j])] {
                assert!(
                    (got - want).abs() <= 1e-9 * want.abs(),
                    "{case}, parameter {j}: {who} {got}, statsmodels {want}"
                );
            }
        }
    }
}

#[test]
fn the_estimators_fit_and_predict_through_linfa() {
    let (x, y) = problem(7, 40, 3);
    let data = Dataset::new(x.clone(), y.clone());
    let fit = Fit::fit(&LinearRegression::new(), &data).unwrap();
    assert_eq!(
        Predict::predict(&fit, &x),
        ols(&x, &y).predict(x.view()).unwrap()
    );
    let fit = Fit::fit(&Ridge::new(2.0), &data).unwrap();
    assert_eq!(fit, Ridge::new(2.0).fit(x.view(), y.view()).unwrap());
    let wide = Dataset::new(Array2::<f64>::zeros((2, 3)), Array1::<f64>::zeros(2));
    assert!(matches!(
        Fit::fit(&LinearRegression::new(), &wide),
        Err(FitError::TooFewSamples { .. })
    ));
}

// ---- properties ----

/// Sizes, and numbers enough for features and targets: two columns are never alike by chance.
fn designs() -> impl Strategy<Value = (Array2<f64>, Array1<f64>)> {
    (1usize..5, 8usize..40, any::<u64>()).prop_map(|(k, n, seed)| problem(seed, n, k))
}

proptest! {
    #[test]
    fn residuals_are_orthogonal_to_the_design((x, y) in designs()) {
        let fit = ols(&x, &y);
        prop_assert!(fit.residuals().sum().abs() < 1e-10);
        prop_assert!(largest(&x.t().dot(&fit.residuals())) < 1e-9);
    }

    #[test]
    fn no_other_line_is_closer((x, y) in designs(), seed in any::<u64>()) {
        let fit = ols(&x, &y);
        let mut rng = StdRng::seed_from_u64(seed);
        let other = fit.coef().mapv(|w| w + rng.gen_range(-0.1..0.1));
        let residuals = &y - &x.dot(&other) - fit.intercept();
        prop_assert!(residuals.dot(&residuals) >= fit.residual_sum_of_squares());
    }

    #[test]
    fn a_shifted_target_shifts_the_intercept_alone((x, y) in designs(), shift in -100f64..100.0) {
        let (before, after) = (ols(&x, &y), ols(&x, &(&y + shift)));
        prop_assert!((after.intercept() - before.intercept() - shift).abs() < 1e-9);
        prop_assert!(largest(&(&after.coef() - &before.coef())) < 1e-9);
        prop_assert!(largest(&(after.std_errors() - before.std_errors())) < 1e-9);
    }

    #[test]
    fn a_change_of_unit_changes_units_alone((x, y) in designs(), exponent in -6i32..6) {
        let unit = 10f64.powi(exponent);
        let mut scaled = x.clone();
        scaled.column_mut(0).mapv_inplace(|v| v * unit);
        let (before, after) = (ols(&x, &y), ols(&scaled, &y));
        prop_assert!((after.coef()[0] * unit - before.coef()[0]).abs() < 1e-9);
        let t = largest(&before.t_values());
        prop_assert!(largest(&(after.t_values() - before.t_values())) < 1e-9 * (1.0 + t));
        prop_assert!(largest(&(after.vif() - before.vif())) < 1e-8);
        let target = ols(&x, &(&y * unit));
        prop_assert!((target.residual_std_error() / unit - before.residual_std_error()).abs() < 1e-9);
        prop_assert!((target.r_squared() - before.r_squared()).abs() < 1e-9);
    }

    #[test]
    fn leverages_add_up_to_the_number_of_parameters((x, y) in designs()) {
        let fit = ols(&x, &y);
        let leverage = fit.leverage();
        prop_assert!((leverage.sum() - (x.ncols() + 1) as f64).abs() < 1e-10);
        let least = 1.0 / x.nrows() as f64;
        prop_assert!(leverage.iter().all(|&h| h > least - 1e-12 && h < 1.0 + 1e-12));
    }

    #[test]
    fn leverage_and_cook_say_what_leaving_a_sample_out_does((x, y) in designs(), pick in any::<prop::sample::Index>()) {
        let fit = ols(&x, &y);
        let i = pick.index(x.nrows());
        let others: Vec<usize> = (0..x.nrows()).filter(|&j| j != i).collect();
        let without = ols(&x.select(Axis(0), &others), &y.select(Axis(0), &others));
        let moved = without.predict(x.view()).unwrap() - fit.fitted_values();
        let p = (x.ncols() + 1) as f64;
        let cook = moved.dot(&moved) / (p * fit.residual_std_error().powi(2));
        prop_assert!((cook - fit.cooks_distance()[i]).abs() < 1e-8 * (1.0 + cook));
        let left_out = (y[i] - fit.fitted_values()[i] - moved[i])
            / (without.residual_std_error() / (1.0 - fit.leverage()[i]).sqrt());
        let external = fit.externally_studentized_residuals()[i];
        prop_assert!((left_out - external).abs() < 1e-7 * (1.0 + external.abs()));
    }

    #[test]
    fn a_vif_is_that_of_the_regression_on_the_others(seed in any::<u64>(), n in 8usize..40) {
        let (mut x, y) = problem(seed, n, 3);
        let blend = &x.column(0) * 0.9 + &x.column(2) * 0.1;
        x.column_mut(2).assign(&blend);
        let vif = ols(&x, &y).vif();
        for j in 0..3 {
            let others: Vec<usize> = (0..3).filter(|&k| k != j).collect();
            let r2 = ols(&x.select(Axis(1), &others), &x.column(j).to_owned()).r_squared();
            prop_assert!((vif[j] - 1.0 / (1.0 - r2)).abs() < 1e-7 * vif[j]);
        }
    }

    #[test]
    fn an_interval_for_an_observation_contains_that_for_the_mean((x, y) in designs(), level in 0.01f64..0.999) {
        let fit = ols(&x, &y);
        let mean = fit.confidence_interval_mean(x.view(), level).unwrap();
        let new = fit.prediction_interval(x.view(), level).unwrap();
        for i in 0..x.nrows() {
            prop_assert!(new.lower[i] < mean.lower[i] && mean.lower[i] < mean.estimate[i]);
            prop_assert!(mean.estimate[i] < mean.upper[i] && mean.upper[i] < new.upper[i]);
        }
    }

    #[test]
    fn ridge_tends_to_least_squares((x, y) in designs()) {
        let least_squares = ols(&x, &y);
        let exact = Ridge::new(0.0).fit(x.view(), y.view()).unwrap();
        prop_assert!(largest(&(&exact.coef() - &least_squares.coef())) < 1e-8);
        prop_assert!((exact.intercept() - least_squares.intercept()).abs() < 1e-8);
        prop_assert!((exact.effective_df() - (x.ncols() + 1) as f64).abs() < 1e-12);
        let near = Ridge::new(1e-9).fit(x.view(), y.view()).unwrap();
        prop_assert!(largest(&(&near.coef() - &least_squares.coef())) < 1e-6);
    }

    #[test]
    fn a_greater_penalty_shrinks((x, y) in designs(), alpha in 0.01f64..100.0, factor in 1.1f64..100.0) {
        let fits = Ridge::new(0.0).path(x.view(), y.view(), &[0.0, alpha, alpha * factor]).unwrap();
        for pair in fits.windows(2) {
            prop_assert!(pair[1].coef().dot(&pair[1].coef()) <= pair[0].coef().dot(&pair[0].coef()));
            prop_assert!(pair[1].effective_df() < pair[0].effective_df());
            prop_assert!(pair[1].effective_df() > 1.0);
        }
    }

    #[test]
    fn ridge_is_least_squares_with_rows_added((x, y) in designs(), alpha in 0.01f64..100.0) {
        // √α I below X and 0 below y add α‖w‖² to the sum of squares.
        let k = x.ncols();
        let below = Array2::<f64>::eye(k) * f64::sqrt(alpha);
        let tall = concatenate![Axis(0), x, below];
        let long = concatenate![Axis(0), y, Array1::<f64>::zeros(k)];
        let augmented = LinearRegression::new().fit_intercept(false).fit(tall.view(), long.view()).unwrap();
        let ridge = Ridge::new(alpha).fit_intercept(false).fit(x.view(), y.view()).unwrap();
        prop_assert!(largest(&(&ridge.coef() - &augmented.coef())) < 1e-9);
    }
}
