//! `LogisticRegression`, the metrics of classes and `resampling` against scikit-learn, statsmodels and numpy.
//!
//! `golden/classification.py` writes the expected values; it says with which versions.

use foundations::linear_model::{FittedLogisticRegression, LogisticRegression};
use foundations::metrics::{
    self, CalibrationCurve, Confusion, PrecisionRecallCurve, RocCurve, average_precision, roc_auc,
};
use foundations::resampling::quantile;
use ndarray::{Array1, Array2, Axis};
use serde_json::Value;

/// Both sides stop where the objective is flat to rounding: the parameters then agree to the root of ε over the curvature,
/// about 1e-9 for these designs.
const PARAMETERS: f64 = 1e-8;
/// A p-value is a steep function of z: an error in z is multiplied by about z².
const TAIL: f64 = 1e-7;
/// Sums of a hundred terms.
const SUMS: f64 = 1e-12;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/classification.json"))
        .expect("the golden file is JSON")
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
    let rows: Vec<_> = value
        .as_array()
        .expect("a list")
        .iter()
        .map(vector)
        .collect();
    let views: Vec<_> = rows.iter().map(|row| row.view()).collect();
    ndarray::stack(Axis(0), &views).expect("rows of one length")
}

#[track_caller]
fn close(what: &str, got: &Array1<f64>, want: &Array1<f64>, relative: f64) {
    assert_eq!(got.len(), want.len(), "{what}: the length");
    // A number near zero is compared on the scale of the others.
    let scale = want.iter().fold(0.0, |most: f64, v| most.max(v.abs()));
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        let allowed = relative * want.abs().max(1e-3 * scale);
        assert!(
            (got - want).abs() <= allowed,
            "{what}[{i}]: got {got:e}, want {want:e}"
        );
    }
}

#[track_caller]
fn one(what: &str, got: f64, want: &Value) {
    close(
        what,
        &Array1::from(vec![got]),
        &Array1::from(vec![number(want)]),
        SUMS,
    );
}

fn each_fit(check: impl Fn(&str, &Value, &FittedLogisticRegression, &Array2<f64>)) {
    let golden = golden();
    let mut seen = 0;
    for (name, problem) in golden["problems"].as_object().expect("problems") {
        let (x, y) = (matrix(&problem["x"]), vector(&problem["y"]));
        for want in problem["fits"].as_array().expect("fits") {
            let (alpha, intercept) = (number(&want["alpha"]), want["fit_intercept"] == true);
            let model = LogisticRegression::new(alpha).fit_intercept(intercept);
            let fit = model.fit(x.view(), y.view()).expect("a fit");
            check(
                &format!("{name}, alpha {alpha}, intercept {intercept}"),
                want,
                &fit,
                &x,
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 11);
}

#[test]
fn parameters_and_probabilities_agree_with_both_libraries() {
    each_fit(|what, want, fit, x| {
        assert!(fit.converged(), "{what}");
        assert!(fit.n_iter() <= 20, "{what}: {} steps", fit.n_iter());
        close(
            what,
            &fit.params().to_owned(),
            &vector(&want["params"]),
            PARAMETERS,
        );
        let probabilities = fit.predict_proba(x.view()).expect("probabilities");
        close(
            what,
            &probabilities,
            &vector(&want["probabilities"]),
            PARAMETERS,
        );
    });
}

#[test]
fn inference_agrees_with_statsmodels() {
    each_fit(|what, want, fit, _| {
        if want["std_errors"].is_null() {
            return;
        }
        close(
            what,
            &fit.std_errors(),
            &vector(&want["std_errors"]),
            PARAMETERS,
        );
        close(
            what,
            &fit.z_values(),
            &vector(&want["z_values"]),
            PARAMETERS,
        );
        for (got, want) in fit.p_values().iter().zip(&vector(&want["p_values"])) {
            assert!(
                (got - want).abs() <= TAIL * want,
                "{what}: p {got:e}, want {want:e}"
            );
        }
        let ends = fit.confidence_intervals(0.95).expect("a level");
        close(
            what,
            &ends.lower,
            &vector(&want["confidence_intervals"][0]),
            PARAMETERS,
        );
        close(
            what,
            &ends.upper,
            &vector(&want["confidence_intervals"][1]),
            PARAMETERS,
        );
        let likelihood = Array1::from(vec![fit.log_likelihood()]);
        close(
            what,
            &likelihood,
            &Array1::from(vec![number(&want["log_likelihood"])]),
            1e-10,
        );
    });
}

#[test]
fn scores_of_probabilities_agree_with_scikit_learn() {
    for want in golden()["scores"].as_array().expect("scores") {
        let (labels, p) = (vector(&want["labels"]), vector(&want["probabilities"]));
        let (y, p) = (labels.view(), p.view());
        one(
            "log_loss",
            metrics::log_loss(y, p).expect("a loss"),
            &want["log_loss"],
        );
        one(
            "brier",
            metrics::brier_score(y, p).expect("a score"),
            &want["brier"],
        );
        one("auc", roc_auc(y, p).expect("an area"), &want["auc"]);
        one(
            "ap",
            average_precision(y, p).expect("an area"),
            &want["average_precision"],
        );
        let bins = want["calibration"]["bins"].as_u64().expect("a number") as usize;
        let curve = CalibrationCurve::new(y, p, bins).expect("a curve");
        close(
            "predicted",
            &curve.predicted,
            &vector(&want["calibration"]["predicted"]),
            SUMS,
        );
        close(
            "observed",
            &curve.observed,
            &vector(&want["calibration"]["observed"]),
            SUMS,
        );
        assert_eq!(curve.counts.iter().sum::<usize>(), labels.len());
    }
}

#[test]
fn curves_agree_with_scikit_learn_point_by_point() {
    for want in golden()["scores"].as_array().expect("scores") {
        let (labels, p) = (vector(&want["labels"]), vector(&want["probabilities"]));
        let roc = RocCurve::new(labels.view(), p.view()).expect("a curve");
        close(
            "fpr",
            &roc.false_positive_rate,
            &vector(&want["roc"]["fpr"]),
            SUMS,
        );
        close(
            "tpr",
            &roc.true_positive_rate,
            &vector(&want["roc"]["tpr"]),
            SUMS,
        );
        assert_eq!(roc.thresholds[0], f64::INFINITY);
        let thresholds = roc.thresholds.slice(ndarray::s![1..]).to_owned();
        close(
            "thresholds",
            &thresholds,
            &vector(&want["roc"]["thresholds"]),
            SUMS,
        );
        let pr = PrecisionRecallCurve::new(labels.view(), p.view()).expect("a curve");
        // scikit-learn goes on below the score that has found every positive, at recall 1.
        close(
            "precision",
            &pr.precision,
            &vector(&want["pr"]["precision"]),
            SUMS,
        );
        close("recall", &pr.recall, &vector(&want["pr"]["recall"]), SUMS);
        close(
            "thresholds",
            &pr.thresholds,
            &vector(&want["pr"]["thresholds"]),
            SUMS,
        );
    }
}

#[test]
fn decisions_agree_with_scikit_learn() {
    for want in golden()["scores"].as_array().expect("scores") {
        let (labels, p) = (vector(&want["labels"]), vector(&want["probabilities"]));
        let at =
            Confusion::at(labels.view(), p.view(), number(&want["threshold"])).expect("counts");
        let counts: Vec<u64> = want["confusion"]
            .as_array()
            .expect("four counts")
            .iter()
            .map(|count| count.as_u64().expect("a count"))
            .collect();
        let got = [
            at.true_negatives,
            at.false_positives,
            at.false_negatives,
            at.true_positives,
        ];
        assert_eq!(got.map(|count| count as u64).to_vec(), counts);
        one("precision", at.precision(), &want["precision"]);
        one("recall", at.recall(), &want["recall"]);
        one("f1", at.f1(), &want["f1"]);
        one("accuracy", at.accuracy(), &want["accuracy"]);
    }
}

#[test]
fn quantiles_agree_with_numpy() {
    let golden = golden();
    let case = &golden["quantiles"];
    let values = vector(&case["values"]).to_vec();
    let got = vector(&case["q"]).mapv(|q| quantile(&values, q));
    close("quantiles", &got, &vector(&case["want"]), SUMS);
}
