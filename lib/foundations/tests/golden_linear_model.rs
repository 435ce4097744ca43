//! `linear_model` and `metrics` against statsmodels, scikit-learn and scipy.
//!
//! `golden/linear_model.py` writes the expected values; it says with which versions.

use foundations::linear_model::{FittedLinearRegression, LinearRegression, Ridge};
use foundations::metrics;
use ndarray::{Array1, Array2, Axis};
use serde_json::Value;

/// statsmodels goes through a pseudo-inverse, which loses the condition number of the design:
/// about 1e5 for the raw car features, so 1e-16 becomes about 1e-11. Two digits are left as margin.
const RELATIVE: f64 = 1e-9;
/// p-values as small as 1e-80 are steep functions of t: an error in t is multiplied by about t².
const TAIL: f64 = 1e-8;
/// Residuals and what is made of them are differences of numbers near 10: 1e-16 becomes 1e-14, and
/// the condition number comes on top.
const ABSOLUTE: f64 = 1e-9;

fn golden() -> Value {
    let text = include_str!("golden/linear_model.json");
    serde_json::from_str(text).expect("the golden file is JSON")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn vector(value: &Value) -> Array1<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(number)
        .collect()
}

fn matrix(value: &Value) -> Array2<f64> {
    let rows: Vec<Array1<f64>> = value
        .as_array()
        .expect("a list")
        .iter()
        .map(vector)
        .collect();
    let views: Vec<_> = rows.iter().map(|row| row.view()).collect();
    ndarray::stack(Axis(0), &views).expect("rows of one length")
}

#[track_caller]
fn close(what: &str, got: f64, want: f64, relative: f64, absolute: f64) {
    let allowed = absolute.max(relative * want.abs());
    assert!(
        (got - want).abs() <= allowed,
        "{what}: got {got:e}, want {want:e}, allowed {allowed:e}"
    );
}

#[track_caller]
fn all_close<'a>(
    what: &str,
    got: impl IntoIterator<Item = &'a f64>,
    want: &Value,
    relative: f64,
    absolute: f64,
) {
    let got: Vec<f64> = got.into_iter().copied().collect();
    let want = vector(want);
    assert_eq!(got.len(), want.len(), "{what}: number of entries");
    for (i, (&got, &want)) in got.iter().zip(&want).enumerate() {
        close(&format!("{what}[{i}]"), got, want, relative, absolute);
    }
}

const MANY: [&str; 5] = [
    "displacement",
    "horsepower",
    "weight",
    "acceleration",
    "year",
];

/// The features and targets of a case of `golden/linear_model.py`.
fn case(golden: &Value, name: &str) -> (Array2<f64>, Array1<f64>) {
    let auto = datasets::auto().expect("the data are in the repository");
    let horsepower = || auto.design(&["horsepower"]).unwrap();
    match name {
        "auto_horsepower" | "auto_no_intercept" => (horsepower(), auto.mpg.clone()),
        "auto_many" => (auto.design(&MANY).unwrap(), auto.mpg.clone()),
        "auto_scaled" => {
            let x = auto.design(&MANY).unwrap();
            let mean = x.mean_axis(Axis(0)).unwrap();
            let sd = x.std_axis(Axis(0), 0.0);
            ((x - mean) / sd, auto.mpg.clone())
        }
        "auto_quadratic" => {
            let mut x = Array2::zeros((auto.len(), 2));
            x.column_mut(0).assign(&auto.horsepower);
            x.column_mut(1).assign(&auto.horsepower.mapv(|hp| hp * hp));
            (x, auto.mpg.clone())
        }
        "made" | "made_no_intercept" => {
            (matrix(&golden["made"]["x"]), vector(&golden["made"]["y"]))
        }
        "wide" => (matrix(&golden["wide"]["x"]), vector(&golden["wide"]["y"])),
        other => panic!("no such case: {other}"),
    }
}

fn fitted(golden: &Value, name: &str) -> FittedLinearRegression {
    let (x, y) = case(golden, name);
    let intercept = golden["ols"][name]["fit_intercept"].as_bool().unwrap();
    LinearRegression::new()
        .fit_intercept(intercept)
        .fit(x.view(), y.view())
        .unwrap()
}

/// Every case of least squares by name.
fn each_case(mut visit: impl FnMut(&str, &FittedLinearRegression, &Value)) {
    let golden = golden();
    let cases = golden["ols"].as_object().unwrap();
    assert_eq!(cases.len(), 6);
    for (name, want) in cases {
        visit(name, &fitted(&golden, name), want);
    }
}

#[test]
fn the_data_are_those_of_the_golden_values() {
    for (name, digest) in golden()["sha256"].as_object().unwrap() {
        assert_eq!(
            datasets::find(name).unwrap().sha256,
            digest.as_str().unwrap()
        );
    }
}

#[test]
fn parameters_and_their_errors_agree_with_statsmodels() {
    each_case(|name, fit, want| {
        all_close(
            &format!("{name}: params"),
            fit.params(),
            &want["params"],
            RELATIVE,
            0.0,
        );
        all_close(
            &format!("{name}: std_errors"),
            &fit.std_errors(),
            &want["std_errors"],
            RELATIVE,
            0.0,
        );
        all_close(
            &format!("{name}: t_values"),
            &fit.t_values(),
            &want["t_values"],
            RELATIVE,
            0.0,
        );
        all_close(
            &format!("{name}: p_values"),
            &fit.p_values(),
            &want["p_values"],
            TAIL,
            0.0,
        );
        for (level, ends) in want["confidence_intervals"].as_object().unwrap() {
            let got = fit.confidence_intervals(level.parse().unwrap()).unwrap();
            all_close(
                &format!("{name}: lower {level}"),
                &got.lower,
                &ends[0],
                RELATIVE,
                ABSOLUTE,
            );
            all_close(
                &format!("{name}: upper {level}"),
                &got.upper,
                &ends[1],
                RELATIVE,
                ABSOLUTE,
            );
        }
        let covariance = fit.covariance();
        for (row, want) in covariance
            .rows()
            .into_iter()
            .zip(want["covariance"].as_array().unwrap())
        {
            all_close(&format!("{name}: covariance"), row, want, TAIL, 0.0);
        }
    });
}

#[test]
fn measures_of_fit_agree_with_statsmodels() {
    each_case(|name, fit, want| {
        for (what, got) in [
            ("r_squared", fit.r_squared()),
            ("adjusted_r_squared", fit.adjusted_r_squared()),
            ("residual_std_error", fit.residual_std_error()),
            ("f_statistic", fit.f_statistic()),
            ("log_likelihood", fit.log_likelihood()),
            ("aic", fit.aic()),
            ("bic", fit.bic()),
        ] {
            close(
                &format!("{name}: {what}"),
                got,
                number(&want[what]),
                RELATIVE,
                0.0,
            );
        }
        close(
            &format!("{name}: f_p_value"),
            fit.f_p_value(),
            number(&want["f_p_value"]),
            TAIL,
            0.0,
        );
    });
}

#[test]
fn predictions_and_intervals_agree_with_statsmodels() {
    each_case(|name, fit, want| {
        let at = matrix(&want["at"]);
        let mean = fit.confidence_interval_mean(at.view(), 0.95).unwrap();
        let new = fit.prediction_interval(at.view(), 0.95).unwrap();
        let predicted = fit.predict(at.view()).unwrap();
        for (what, got) in [
            ("predict", &predicted),
            ("mean_lower", &mean.lower),
            ("mean_upper", &mean.upper),
            ("new_lower", &new.lower),
            ("new_upper", &new.upper),
        ] {
            all_close(
                &format!("{name}: {what}"),
                got,
                &want[what],
                RELATIVE,
                ABSOLUTE,
            );
        }
        all_close(
            &format!("{name}: residuals"),
            fit.residuals(),
            &want["residuals"],
            0.0,
            ABSOLUTE,
        );
    });
}

#[test]
fn diagnostics_agree_with_statsmodels() {
    let mut seen = 0;
    each_case(|name, fit, want| {
        if want.get("leverage").is_none() {
            return;
        }
        seen += 1;
        for (what, got) in [
            ("leverage", fit.leverage()),
            ("studentized_residuals", fit.studentized_residuals()),
            (
                "externally_studentized_residuals",
                fit.externally_studentized_residuals(),
            ),
            ("cooks_distance", fit.cooks_distance()),
        ] {
            all_close(
                &format!("{name}: {what}"),
                &got,
                &want[what],
                TAIL,
                ABSOLUTE,
            );
        }
        match want.get("vif") {
            Some(vif) => all_close(&format!("{name}: vif"), &fit.vif(), vif, TAIL, 0.0),
            // One column alone: nothing to be inflated by.
            None => close(&format!("{name}: vif"), fit.vif()[0], 1.0, 1e-12, 0.0),
        }
        if let Some(test) = want.get("breusch_pagan") {
            let got = fit.breusch_pagan().unwrap();
            close(
                &format!("{name}: Breusch-Pagan"),
                got.statistic,
                number(&test["statistic"]),
                TAIL,
                0.0,
            );
            close(
                &format!("{name}: Breusch-Pagan p"),
                got.p_value,
                number(&test["p_value"]),
                TAIL,
                0.0,
            );
        }
    });
    assert_eq!(seen, 5);
}

/// Longley's design has condition number 5e9, so a backward stable method may lose ten of sixteen
/// digits; statsmodels' own default is not held to more. The truth is computed in rational
/// arithmetic. Normal equations would lose all of them.
#[test]
fn longley_agrees_with_exact_arithmetic() {
    let golden = golden();
    let longley = datasets::longley().unwrap();
    let fit = LinearRegression::new()
        .fit(longley.data.view(), longley.employed.view())
        .unwrap();
    let want = &golden["longley_exact"];
    all_close("params", fit.params(), &want["params"], 1e-7, 0.0);
    all_close(
        "std_errors",
        &fit.std_errors(),
        &want["std_errors"],
        1e-7,
        0.0,
    );
    close(
        "residual_std_error",
        fit.residual_std_error(),
        number(&want["residual_std_error"]),
        1e-7,
        0.0,
    );
}

#[test]
fn ridge_agrees_with_scikit_learn() {
    let golden = golden();
    let mut seen = 0;
    for (name, fits) in golden["ridge"].as_object().unwrap() {
        let (x, y) = case(&golden, name);
        for want in fits.as_array().unwrap() {
            seen += 1;
            let alpha = number(&want["alpha"]);
            let model = Ridge::new(alpha).fit_intercept(want["fit_intercept"].as_bool().unwrap());
            let fit = model.fit(x.view(), y.view()).unwrap();
            let what = format!("{name} at {alpha}");
            all_close(
                &format!("{what}: coef"),
                fit.coef(),
                &want["coef"],
                RELATIVE,
                1e-12,
            );
            close(
                &format!("{what}: intercept"),
                fit.intercept(),
                number(&want["intercept"]),
                RELATIVE,
                1e-12,
            );
            close(
                &format!("{what}: df"),
                fit.effective_df(),
                number(&want["effective_df"]),
                RELATIVE,
                0.0,
            );
            assert_eq!(
                model.path(x.view(), y.view(), &[alpha]).unwrap(),
                [fit],
                "{what}: path"
            );
        }
    }
    assert_eq!(seen, 17);
}

#[test]
fn metrics_agree_with_scikit_learn() {
    let golden = golden();
    let (_, y) = case(&golden, "auto_horsepower");
    let fit = fitted(&golden, "auto_horsepower");
    for (what, got) in [
        ("mse", metrics::mse(y.view(), fit.fitted_values())),
        ("rmse", metrics::rmse(y.view(), fit.fitted_values())),
        ("mae", metrics::mae(y.view(), fit.fitted_values())),
        ("r2", metrics::r2(y.view(), fit.fitted_values())),
    ] {
        // Sums of 392 numbers of one sign: rounding alone.
        close(
            what,
            got.unwrap(),
            number(&golden["metrics"][what]),
            1e-12,
            0.0,
        );
    }
}
