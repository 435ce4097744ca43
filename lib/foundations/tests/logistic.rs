//! What must hold of a logistic regression, whatever the data.

use foundations::linear_model::{FitError, LogisticRegression, sigmoid};
use ndarray::{Array1, Array2, array};
use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

fn problem(n: usize, seed: u64) -> (Array2<f64>, Array1<f64>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let x = Array2::from_shape_simple_fn((n, 3), || rng.gen_range(-2.0..2.0));
    let log_odds = x.dot(&array![1.0, -2.0, 0.5]) + 0.3;
    let mut y = log_odds.mapv(|z| f64::from(rng.r#gen::<f64>() < sigmoid(z)));
    y[0] = 0.0;
    y[1] = 1.0;
    (x, y)
}

/// The penalised loss at any parameters, the intercept first, term by term.
fn loss(x: &Array2<f64>, y: &Array1<f64>, alpha: f64, params: &[f64]) -> f64 {
    let coef = Array1::from(params[1..].to_vec());
    let z = x.dot(&coef) + params[0];
    let likelihood: f64 = z
        .iter()
        .zip(y)
        .map(|(&z, &y)| {
            if y == 1.0 {
                -sigmoid(z).ln()
            } else {
                -sigmoid(-z).ln()
            }
        })
        .sum();
    likelihood + alpha / 2.0 * coef.dot(&coef)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn no_neighbour_is_better(seed in 0u64..1000, alpha in 0.01f64..50.0) {
        let (x, y) = problem(40, seed);
        let fit = LogisticRegression::new(alpha).fit(x.view(), y.view()).unwrap();
        prop_assert!(fit.converged());
        let best = loss(&x, &y, alpha, fit.params().as_slice().unwrap());
        for j in 0..4 {
            for step in [-1e-3, 1e-3] {
                let mut near = fit.params().to_vec();
                near[j] += step;
                prop_assert!(loss(&x, &y, alpha, &near) > best, "parameter {j} moved by {step}");
            }
        }
    }

    #[test]
    fn a_larger_penalty_gives_smaller_coefficients(seed in 0u64..1000) {
        let (x, y) = problem(40, seed);
        let sizes: Vec<f64> = [0.01, 0.1, 1.0, 10.0, 100.0]
            .iter()
            .map(|&alpha| {
                let fit = LogisticRegression::new(alpha).fit(x.view(), y.view()).unwrap();
                fit.coef().dot(&fit.coef())
            })
            .collect();
        prop_assert!(sizes.windows(2).all(|pair| pair[1] < pair[0]), "{sizes:?}");
    }

    #[test]
    fn with_an_intercept_the_mean_probability_is_the_share_of_ones(seed in 0u64..1000, alpha in 0.0f64..50.0) {
        let (x, y) = problem(60, seed);
        let fit = LogisticRegression::new(alpha).fit(x.view(), y.view()).unwrap();
        prop_assume!(fit.converged());
        let mean = fit.predict_proba(x.view()).unwrap().sum() / 60.0;
        prop_assert!((mean - y.sum() / 60.0).abs() < 1e-8);
    }

    #[test]
    fn exchanging_the_classes_turns_every_sign(seed in 0u64..1000) {
        let (x, y) = problem(50, seed);
        let model = LogisticRegression::new(0.5);
        let fit = model.fit(x.view(), y.view()).unwrap();
        let turned = model.fit(x.view(), y.mapv(|v| 1.0 - v).view()).unwrap();
        for (a, b) in fit.params().iter().zip(turned.params()) {
            prop_assert!((a + b).abs() < 1e-8);
        }
    }
}

#[test]
fn the_logistic_function_is_exact_at_both_ends() {
    assert_eq!(sigmoid(f64::INFINITY), 1.0);
    assert_eq!(sigmoid(f64::NEG_INFINITY), 0.0);
    assert_eq!(sigmoid(-745.0), (-745.0_f64).exp());
    for z in [0.1, 3.0, 40.0, 700.0] {
        assert!((sigmoid(z) + sigmoid(-z) - 1.0).abs() < 1e-15);
    }
}

#[test]
fn classes_that_a_plane_separates_do_not_converge_without_a_penalty() {
    let x = array![[1.0], [2.0], [3.0], [4.0]];
    let y = array![0.0, 0.0, 1.0, 1.0];
    let fit = LogisticRegression::new(0.0)
        .fit(x.view(), y.view())
        .unwrap();
    assert!(!fit.converged());
    let penalised = LogisticRegression::new(0.1)
        .fit(x.view(), y.view())
        .unwrap();
    assert!(penalised.converged());
    // Nearly separated: one class meets the other at x = 2 alone.
    let x = array![[1.0], [2.0], [2.0], [3.0]];
    let fit = LogisticRegression::new(0.0)
        .fit(x.view(), y.view())
        .unwrap();
    assert!(!fit.converged());
}

#[test]
fn too_few_steps_are_told() {
    let (x, y) = problem(40, 1);
    let fit = LogisticRegression::new(0.1)
        .max_iter(1)
        .fit(x.view(), y.view())
        .unwrap();
    assert!(!fit.converged());
    assert_eq!(fit.n_iter(), 1);
}

#[test]
fn a_column_that_others_span_needs_a_penalty() {
    let (x, y) = problem(40, 2);
    let doubled = ndarray::concatenate![ndarray::Axis(1), x, x.slice(ndarray::s![.., ..1])];
    let error = LogisticRegression::new(0.0)
        .fit(doubled.view(), y.view())
        .unwrap_err();
    assert!(
        matches!(error, FitError::RankDeficient { feature: 3, .. }),
        "{error}"
    );
    let fit = LogisticRegression::new(1.0)
        .fit(doubled.view(), y.view())
        .unwrap();
    assert!(
        (fit.coef()[0] - fit.coef()[3]).abs() < 1e-9,
        "a penalty shares the weight"
    );
}

#[test]
fn classes_are_zero_and_one_and_both() {
    let (x, mut y) = problem(10, 3);
    y[4] = 2.0;
    let error = LogisticRegression::new(1.0)
        .fit(x.view(), y.view())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "LogisticRegression::fit: y[4] is 2, expected 0 or 1"
    );
    let ones = Array1::ones(10);
    let error = LogisticRegression::new(1.0)
        .fit(x.view(), ones.view())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "LogisticRegression::fit: y is 1 throughout, expected both 0 and 1"
    );
}

#[test]
fn parameters_are_checked() {
    let (x, y) = problem(10, 4);
    for (model, name) in [
        (LogisticRegression::new(-1.0), "alpha"),
        (LogisticRegression::new(f64::NAN), "alpha"),
        (LogisticRegression::new(1.0).tol(0.0), "tol"),
    ] {
        match model.fit(x.view(), y.view()) {
            Err(FitError::InvalidParameter { name: got, .. }) => assert_eq!(got, name),
            other => panic!("expected {name} to be refused, got {other:?}"),
        }
    }
}

#[test]
fn the_intercept_alone_is_the_log_odds() {
    let x = Array2::zeros((5, 0));
    let y = array![1.0, 1.0, 1.0, 1.0, 0.0];
    let fit = LogisticRegression::new(1.0)
        .fit(x.view(), y.view())
        .unwrap();
    assert!((fit.intercept() - 4.0_f64.ln()).abs() < 1e-9);
}
