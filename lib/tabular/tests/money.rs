//! Costs, savings and leaks: what must hold whatever the customers.
#![cfg(feature = "fit")]

use foundations::resampling::Bootstrap;
use ndarray::Array1;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use tabular::threshold::Costs;
use tabular::{TrainError, judge, leak};

/// Customers who leave with exactly the probability that is given.
fn calibrated(n: usize, seed: u64) -> (Array1<f64>, Array1<f64>) {
    let mut rng = StdRng::seed_from_u64(seed);
    let p: Array1<f64> = (0..n).map(|_| rng.gen_range(0.0..1.0)).collect();
    let left = p.mapv(|p| f64::from(rng.gen_range(0.0..1.0) < p));
    (left, p)
}

#[test]
fn with_calibrated_probabilities_the_formula_is_the_cheapest_threshold() {
    let (left, p) = calibrated(200_000, 3);
    for costs in [
        Costs::new(650.0, 50.0, 0.3),
        Costs::new(400.0, 100.0, 0.5),
        Costs::new(90.0, 20.0, 1.0),
    ] {
        let costs = costs.expect("costs");
        let bills = costs.bills(left.view(), p.view(), 50).expect("bills");
        let least = bills
            .iter()
            .min_by(|a, b| a.per_customer.total_cmp(&b.per_customer))
            .expect("bills");
        assert!(
            (least.threshold - costs.break_even()).abs() <= 0.04,
            "{least:?}, {}",
            costs.break_even()
        );
    }
}

#[test]
fn an_offer_that_cannot_pay_is_made_to_nobody() {
    let costs = Costs::new(100.0, 60.0, 0.5).expect("costs");
    assert_eq!(costs.break_even(), 1.0);
}

#[test]
fn costs_are_checked() {
    for (lost, offer, kept, name) in [
        (0.0, 50.0, 0.3, "lost"),
        (f64::INFINITY, 50.0, 0.3, "lost"),
        (650.0, -1.0, 0.3, "offer"),
        (650.0, 50.0, 0.0, "kept"),
        (650.0, 50.0, 1.1, "kept"),
        (650.0, 50.0, f64::NAN, "kept"),
    ] {
        match Costs::new(lost, offer, kept) {
            Err(TrainError::Costs { name: got, .. }) => assert_eq!(got, name),
            other => panic!("{name}: {other:?}"),
        }
    }
}

#[test]
fn a_saving_is_a_difference_of_bills_and_its_interval_holds_it() {
    let (left, p) = calibrated(400, 4);
    let costs = Costs::new(650.0, 50.0, 0.3).expect("costs");
    let bill = |t| {
        costs
            .bill(left.view(), p.view(), t)
            .expect("a bill")
            .per_customer
    };
    let saved = judge::saving(
        costs,
        left.view(),
        p.view(),
        0.3,
        Bootstrap::new(300, 0.95, 1),
    )
    .expect("an interval");
    assert!((saved.estimate - (bill(2.0) - bill(0.3))).abs() < 1e-12);
    assert!(saved.lower < saved.estimate && saved.estimate < saved.upper);
}

#[test]
fn two_thresholds_are_compared_on_the_same_draws() {
    let (left, p) = calibrated(400, 4);
    let costs = Costs::new(650.0, 50.0, 0.3).expect("costs");
    let draws = Bootstrap::new(300, 0.95, 1);
    let saved = |t| judge::saving(costs, left.view(), p.view(), t, draws).expect("an interval");
    let over =
        |pair| judge::saving_over(costs, left.view(), p.view(), pair, draws).expect("an interval");
    let (low, high) = (saved(0.3), saved(0.5));
    let more = over([0.3, 0.5]);
    assert!((more.estimate - (low.estimate - high.estimate)).abs() < 1e-12);
    let apart = (low.upper - low.lower) + (high.upper - high.lower);
    assert!(more.upper - more.lower < 0.7 * apart, "{more:?}");
    assert_eq!(over([0.4, 0.4]).upper, 0.0);
}

#[test]
fn right_probabilities_are_off_by_chance_and_wrong_ones_by_more() {
    let (left, p) = calibrated(1000, 6);
    let chance = judge::calibration_by_chance(p.view(), 10, 400, 2).expect("an interval");
    let off = |p: &Array1<f64>| {
        let curve = foundations::metrics::CalibrationCurve::new(left.view(), p.view(), 10);
        curve.expect("a curve").expected_error()
    };
    assert!(chance.lower < chance.estimate && chance.estimate < chance.upper);
    assert!(
        (chance.lower..chance.upper).contains(&off(&p)),
        "{chance:?}"
    );
    assert!(off(&p.mapv(|p| p * 0.7)) > chance.upper);
    let error = judge::calibration_by_chance(p.view(), 0, 10, 2).expect_err("no bins");
    assert!(matches!(error, TrainError::Metric(_)), "{error}");
}

#[test]
fn a_model_differs_from_itself_by_nothing() {
    let (left, p) = calibrated(200, 5);
    let bootstrap = Bootstrap::new(100, 0.95, 1);
    for (_, metric) in judge::METRICS {
        let gap = judge::difference(left.view(), [p.view(), p.view()], metric, bootstrap)
            .expect("an interval");
        assert_eq!((gap.estimate, gap.lower, gap.upper), (0.0, 0.0, 0.0));
    }
    let scores = judge::scores(left.view(), p.view(), bootstrap).expect("scores");
    assert_eq!(scores.len(), judge::METRICS.len());
}

#[test]
fn copies_make_the_classes_equal_and_only_the_wrong_order_shares_customers() {
    let left: Array1<f64> = (0..400).map(|i| f64::from(i % 5 == 0)).collect();
    let rows: Vec<usize> = (100..300).collect();
    let all = leak::oversampled(left.view(), &rows, 9);
    let leavers = all.iter().filter(|&&row| left[row] == 1.0).count();
    assert_eq!(2 * leavers, all.len());
    assert!(
        all.iter().all(|row| rows.contains(row)),
        "no row from outside"
    );
    assert!(rows.iter().all(|row| all.contains(row)), "no row is lost");
    let leaking = leak::oversample_then_split(left.view(), 0.25, 9).expect("a split");
    assert!(leak::shared(&leaking) > 20);
    let fair = foundations::resampling::stratified_split(left.view(), 0.25, 9).expect("a split");
    assert_eq!(leak::shared(&fair), 0);
}
