//! The chapter's model three ways: ours, linfa's, and scikit-learn's (`golden/churn.py` says which versions).
#![cfg(feature = "fit")]

mod support;

use foundations::metrics::{average_precision, brier_score, log_loss, roc_auc};
use foundations::resampling::stratified_folds;
use ndarray::Array1;
use serde_json::Value;
use support::{ALPHA, SEED, pipeline, split, test, train};
use tabular::{models, selection, standardised};

/// Sums of thousands of terms.
const SUMS: f64 = 1e-11;
/// Ours and scikit-learn's Newton methods stop where the objective is flat to rounding.
const NEWTON: f64 = 1e-8;
/// L-BFGS stops at a gradient of 1e-8, on a curvature of about 10.
const LBFGS: f64 = 1e-6;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/churn.json")).expect("JSON")
}

fn vector(value: &Value) -> Array1<f64> {
    value
        .as_array()
        .expect("a list")
        .iter()
        .map(|v| v.as_f64().expect("a number"))
        .collect()
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[track_caller]
fn close(what: &str, got: &[f64], want: &[f64], allowed: f64) {
    assert_eq!(got.len(), want.len(), "{what}: the length");
    for (i, (got, want)) in got.iter().zip(want).enumerate() {
        assert!(
            (got - want).abs() <= allowed * want.abs().max(1.0),
            "{what}[{i}]: got {got:e}, want {want:e}"
        );
    }
}

#[test]
fn the_golden_rows_are_those_of_the_split_and_the_folds() {
    let rows: Value = serde_json::from_str(include_str!("golden/split.json")).expect("JSON");
    let of = |value: &Value| -> Vec<usize> {
        let list = value.as_array().expect("a list").iter();
        list.map(|v| v.as_u64().expect("a row") as usize).collect()
    };
    assert_eq!(of(&rows["train"]), split().train);
    let folds = stratified_folds(train().left.view(), 5, SEED).expect("folds");
    let golden: Vec<Vec<usize>> = rows["folds"]
        .as_array()
        .expect("folds")
        .iter()
        .map(of)
        .collect();
    assert_eq!(
        golden,
        folds.into_iter().map(|fold| fold.test).collect::<Vec<_>>()
    );
}

#[test]
fn preprocessing_agrees_with_scikit_learn() {
    let fitted = pipeline().preprocessor();
    close(
        "mean",
        fitted.mean(),
        &vector(&golden()["mean"]).to_vec(),
        SUMS,
    );
    close("sd", fitted.sd(), &vector(&golden()["sd"]).to_vec(), SUMS);
}

#[test]
fn ours_linfa_and_scikit_learn_find_the_same_model() {
    let (golden, train) = (golden(), train());
    let coef = vector(&golden["coef"]).to_vec();
    let intercept = [number(&golden["intercept"])];
    close("ours", pipeline().coef(), &coef, NEWTON);
    close("ours", &[pipeline().intercept()], &intercept, NEWTON);
    let z = standardised(pipeline().preprocessor(), &train);
    let linfa = models::linfa(z.view(), train.left.view(), ALPHA).expect("a fit");
    close("linfa", &linfa.coef.to_vec(), &coef, LBFGS);
    close("linfa", &[linfa.intercept], &intercept, LBFGS);
}

#[test]
fn unseen_customers_get_scikit_learns_probabilities() {
    let (golden, test) = (golden(), test());
    let p = pipeline()
        .predict_proba(&test.customers)
        .expect("probabilities");
    close(
        "probabilities",
        &p,
        &vector(&golden["test"]["probabilities"]).to_vec(),
        NEWTON,
    );
    let p = Array1::from(p);
    let (y, p) = (test.left.view(), p.view());
    for (name, got) in [
        ("auc", roc_auc(y, p).expect("an area")),
        (
            "average_precision",
            average_precision(y, p).expect("an area"),
        ),
        ("log_loss", log_loss(y, p).expect("a loss")),
        ("brier", brier_score(y, p).expect("a score")),
    ] {
        close(name, &[got], &[number(&golden["test"][name])], NEWTON);
    }
}

#[test]
fn cross_validation_with_linfa_agrees_with_scikit_learn() {
    let (golden, train) = (golden(), train());
    let want = golden["cross_validation"].as_array().expect("scores");
    let alphas: Vec<f64> = want.iter().map(|score| number(&score["alpha"])).collect();
    let scores = selection::cross_validate(train.x.view(), train.left.view(), &alphas, 5, SEED)
        .expect("scores");
    for (got, want) in scores.iter().zip(want) {
        let what = format!("alpha {}", got.alpha);
        close(&what, &[got.log_loss], &[number(&want["log_loss"])], LBFGS);
        close(
            &what,
            &[got.std_error],
            &[number(&want["std_error"])],
            LBFGS,
        );
        // A pair that a rounding error orders the other way moves the area by one part in 120,000 pairs.
        close(&what, &[got.auc], &[number(&want["auc"])], 1e-5);
    }
    assert_eq!(selection::best(&scores).expect("a best").alpha, ALPHA);
    let folds = |i: usize| vector(&want[i]["fold_losses"]);
    assert_eq!((alphas[3], alphas[4]), (ALPHA, 100.0));
    let apart = folds(4) - folds(3);
    let (mean, error) =
        selection::difference(train.x.view(), train.left.view(), [100.0, ALPHA], 5, SEED)
            .expect("a difference");
    close("mean", &[mean], &[apart.mean().expect("folds")], LBFGS);
    let std_error = apart.std(1.0) / 5.0_f64.sqrt();
    close("error", &[error], &[std_error], LBFGS);
    assert!(error < scores[3].std_error / 2.0, "{error}");
}
