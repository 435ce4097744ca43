//! What every estimator promises, whatever it estimates.
//!
//! A new estimator joins with one line of `contract!` at the end of this file.

use foundations::linear_model::{FitError, LinearRegression, Ridge};
use ndarray::{Array1, Array2, ArrayView1, ArrayView2, Axis};
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};

const SAMPLES: usize = 60;
const FEATURES: usize = 4;

/// Sums in another order round differently: a few ε, times the condition number (below 10 here).
const ROUNDING: f64 = 1e-11;

fn problem() -> (Array2<f64>, Array1<f64>) {
    let mut rng = StdRng::seed_from_u64(3);
    let x = Array2::from_shape_simple_fn((SAMPLES, FEATURES), || rng.gen_range(-2.0..2.0));
    let noise = Array1::from_shape_simple_fn(SAMPLES, || rng.gen_range(-0.5..0.5));
    let y = x.dot(&Array1::from(vec![1.0, -2.0, 0.5, 3.0])) + noise + 1.0;
    (x, y)
}

fn differs(a: &Array1<f64>, b: &Array1<f64>) -> f64 {
    (a - b)
        .mapv(f64::abs)
        .fold(0.0, |worst: f64, &d| worst.max(d))
}

/// A fitted model must be one that a notebook can keep and a server can share.
fn assert_shareable<T: Send + Sync + Clone + std::fmt::Debug + 'static>(_: &T) {}

macro_rules! contract {
    ($name:ident, $estimator:expr) => {
        mod $name {
            use super::*;

            fn predictions(x: ArrayView2<f64>, y: ArrayView1<f64>, at: ArrayView2<f64>) -> Array1<f64> {
                $estimator.fit(x, y).unwrap().predict(at).unwrap()
            }

            #[test]
            fn a_model_and_its_fit_can_be_kept_and_shared() {
                let (x, y) = problem();
                assert_shareable(&$estimator);
                assert_shareable(&$estimator.fit(x.view(), y.view()).unwrap());
            }

            #[test]
            fn it_learns_something() {
                let (x, y) = problem();
                let predicted = predictions(x.view(), y.view(), x.view());
                let r2 = foundations::metrics::r2(y.view(), predicted.view()).unwrap();
                assert!(r2 > 0.5, "R² of {r2} on its own data");
            }

            #[test]
            fn a_refit_gives_the_same() {
                let (x, y) = problem();
                let model = $estimator;
                let first = model.fit(x.view(), y.view()).unwrap();
                // A fit of other data in between leaves no trace in the model.
                model.fit(x.slice(ndarray::s![..20, ..]), y.slice(ndarray::s![..20])).unwrap();
                let second = model.fit(x.view(), y.view()).unwrap();
                assert_eq!(first.predict(x.view()).unwrap(), second.predict(x.view()).unwrap());
                assert_eq!(first.coef(), second.coef());
                assert_eq!(first.intercept(), second.intercept());
            }

            #[test]
            fn the_order_of_the_rows_does_not_matter() {
                let (x, y) = problem();
                let mut order: Vec<usize> = (0..SAMPLES).collect();
                order.shuffle(&mut StdRng::seed_from_u64(11));
                let permuted = predictions(
                    x.select(Axis(0), &order).view(),
                    y.select(Axis(0), &order).view(),
                    x.view(),
                );
                let worst = differs(&permuted, &predictions(x.view(), y.view(), x.view()));
                assert!(worst < ROUNDING, "predictions moved by {worst:e}");
            }

            #[test]
            fn the_layout_of_the_array_does_not_matter() {
                let (x, y) = problem();
                let mut by_columns = Array2::zeros(ndarray::ShapeBuilder::f((SAMPLES, FEATURES)));
                by_columns.assign(&x);
                let backwards = x.slice(ndarray::s![..;-1, ..]);
                let y_backwards = y.slice(ndarray::s![..;-1]);
                let want = predictions(x.view(), y.view(), x.view());
                assert!(differs(&predictions(by_columns.view(), y.view(), by_columns.view()), &want) < ROUNDING);
                assert!(differs(&predictions(backwards, y_backwards, x.view()), &want) < ROUNDING);
            }

            #[test]
            fn a_prediction_depends_on_its_own_row_alone() {
                let (x, y) = problem();
                let fit = $estimator.fit(x.view(), y.view()).unwrap();
                let all = fit.predict(x.view()).unwrap();
                let one = fit.predict(x.slice(ndarray::s![17..18, ..])).unwrap();
                assert!((one[0] - all[17]).abs() < ROUNDING);
                assert_eq!(fit.predict(x.slice(ndarray::s![..0, ..])).unwrap().len(), 0);
            }

            #[test]
            fn x_and_y_must_have_the_same_rows() {
                let (x, y) = problem();
                match $estimator.fit(x.view(), y.slice(ndarray::s![..10])) {
                    Err(FitError::ShapeMismatch { expected, got, .. }) => {
                        assert_eq!((expected, got), (vec![SAMPLES], vec![10]));
                    }
                    other => panic!("expected a shape mismatch, got {other:?}"),
                }
            }

            #[test]
            fn a_feature_that_is_not_finite_is_named_with_its_place() {
                for bad in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
                    let (mut x, y) = problem();
                    x[[5, 2]] = bad;
                    match $estimator.fit(x.view(), y.view()) {
                        Err(FitError::NotFiniteFeature { row: 5, column: 2, value, .. }) => {
                            assert_eq!(value.to_bits(), bad.to_bits());
                        }
                        other => panic!("expected x[5, 2] to be refused, got {other:?}"),
                    }
                }
            }

            #[test]
            fn a_target_that_is_not_finite_is_named_with_its_place() {
                for bad in [f64::NAN, f64::INFINITY] {
                    let (x, mut y) = problem();
                    y[8] = bad;
                    match $estimator.fit(x.view(), y.view()) {
                        Err(FitError::NotFiniteTarget { row: 8, value, .. }) => {
                            assert_eq!(value.to_bits(), bad.to_bits());
                        }
                        other => panic!("expected y[8] to be refused, got {other:?}"),
                    }
                }
            }

            #[test]
            fn no_samples_and_no_features_are_refused() {
                let (x, y) = problem();
                let none = $estimator.fit(x.slice(ndarray::s![..0, ..]), y.slice(ndarray::s![..0]));
                assert!(matches!(none, Err(FitError::TooFewSamples { got: 0, .. })), "{none:?}");
                let fit = $estimator.fit_intercept(false).fit(x.slice(ndarray::s![.., ..0]), y.view());
                assert!(matches!(fit, Err(FitError::NoFeatures { .. })), "{fit:?}");
            }

            #[test]
            fn predict_takes_the_columns_of_the_fit() {
                let (x, y) = problem();
                let fit = $estimator.fit(x.view(), y.view()).unwrap();
                match fit.predict(x.slice(ndarray::s![.., ..3])) {
                    Err(FitError::ShapeMismatch { expected, got, .. }) => {
                        assert_eq!((expected, got), (vec![SAMPLES, FEATURES], vec![SAMPLES, 3]));
                    }
                    other => panic!("expected a shape mismatch, got {other:?}"),
                }
            }

            #[test]
            fn predict_refuses_what_is_not_finite() {
                let (mut x, y) = problem();
                let fit = $estimator.fit(x.view(), y.view()).unwrap();
                x[[1, 3]] = f64::NAN;
                let got = fit.predict(x.view());
                assert!(
                    matches!(got, Err(FitError::NotFiniteFeature { row: 1, column: 3, .. })),
                    "{got:?}"
                );
            }
        }
    };
}

contract!(linear_regression, LinearRegression::new());
contract!(
    linear_regression_through_the_origin,
    LinearRegression::new().fit_intercept(false)
);
contract!(ridge, Ridge::new(1.0));
contract!(
    ridge_through_the_origin,
    Ridge::new(1.0).fit_intercept(false)
);
contract!(ridge_without_a_penalty, Ridge::new(0.0));
