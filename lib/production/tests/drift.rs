//! `drift` against scipy, its properties, and its errors.
//!
//! `golden/drift.py` writes the expected values; it says with which versions.

use production::drift::{
    Cell, DriftError, FieldReference, Reference, ks_two_sample, psi, psi_by_chance,
};
use serde_json::Value;

fn golden(what: &str) -> Vec<Value> {
    let golden: Value = serde_json::from_str(include_str!("golden/drift.json")).unwrap();
    let cases = golden[what].as_array().unwrap().clone();
    assert!(cases.len() >= 5);
    cases
}

fn numbers(case: &Value, name: &str) -> Vec<f64> {
    let list = case[name].as_array().unwrap();
    list.iter().map(|v| v.as_f64().unwrap()).collect()
}

#[test]
fn psi_agrees_with_scipy() {
    for case in golden("psi") {
        let counts = |name: &str| -> Vec<u64> {
            let list = case[name].as_array().unwrap();
            list.iter().map(|v| v.as_u64().unwrap()).collect()
        };
        let (reference, sample) = (counts("reference"), counts("sample"));
        let got = psi(&reference, &sample).unwrap();
        let want = case["psi"].as_f64().unwrap();
        assert!((got / want - 1.0).abs() < 1e-12, "{got}, not {want}");
        // symmetric: the sum of both divergences
        assert!((psi(&sample, &reference).unwrap() / want - 1.0).abs() < 1e-12);

        let sizes = [&reference, &sample].map(|counts| counts.iter().sum::<u64>() as usize);
        let got = psi_by_chance(reference.len(), sizes[0], sizes[1], 0.999).unwrap();
        let want = case["by_chance"].as_f64().unwrap();
        assert!((got / want - 1.0).abs() < 1e-8, "{got}, not {want}");
    }
}

#[test]
fn kolmogorov_smirnov_agrees_with_scipy() {
    for case in golden("ks") {
        let test = ks_two_sample(&numbers(&case, "reference"), &numbers(&case, "sample")).unwrap();
        let want = |name: &str| case[name].as_f64().unwrap();
        assert!(
            (test.statistic - want("statistic")).abs() < 1e-12,
            "{test:?}"
        );
        assert!((test.p_value - want("p_value")).abs() < 1e-12, "{test:?}");
        // scipy's own p-value for large samples corrects for their size: near, not equal
        assert!(
            (test.p_value - want("scipy_p_value")).abs() < 0.03,
            "{test:?}"
        );
    }
}

#[test]
fn chance_exceeds_the_threshold_about_as_often_as_stated() {
    // windows from the reference's own distribution: a linear congruential generator, no drift
    let mut state = 12_345_u64;
    let mut uniform = move || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 11) as f64 / (1_u64 << 53) as f64
    };
    let training: Vec<Option<f64>> = (0..5_000).map(|_| Some(uniform())).collect();
    let reference = FieldReference::numbers("u", &training, 10).unwrap();
    let mut alarms = 0;
    for _ in 0..2_000 {
        let window: Vec<Cell> = (0..300).map(|_| Cell::Number(uniform())).collect();
        let drift = reference.compare(window).unwrap();
        alarms += u32::from(drift.psi > drift.psi_by_chance);
    }
    // once in a thousand is 2 in 2,000; the half that is added makes small counts a little larger
    assert!(alarms <= 12, "{alarms} of 2,000");
}

#[test]
fn a_window_is_told_by_field() {
    let levels = ["DSL".to_owned(), "Fiber optic".to_owned()];
    let cells: Vec<Cell> = (0..100)
        .map(|i| Cell::Level(usize::from(i % 4 == 0)))
        .collect();
    let months: Vec<Option<f64>> = (0..100)
        .map(|i| (i % 10 != 0).then_some(f64::from(i)))
        .collect();
    let reference = Reference {
        fields: vec![
            FieldReference::levels("internet", &levels, &cells).unwrap(),
            FieldReference::numbers("tenure", &months, 5).unwrap(),
        ],
    };
    let text = serde_json::to_string(&reference).unwrap();
    assert_eq!(serde_json::from_str::<Reference>(&text).unwrap(), reference);

    let rows: Vec<Vec<Cell>> = (0..50)
        .map(|i| match i % 5 {
            0 => vec![Cell::Unseen, Cell::Missing],
            _ => vec![Cell::Level(1), Cell::Number(f64::from(i))],
        })
        .collect();
    let drift = reference.compare(&rows).unwrap();
    assert_eq!(
        (drift[0].rows, drift[0].unseen, drift[0].missing),
        (50, 0.2, 0.0)
    );
    assert!(drift[0].psi > drift[0].psi_by_chance && drift[0].ks.is_none());
    assert_eq!((drift[1].missing, drift[1].missing_in_training), (0.2, 0.1));
    assert!(drift[1].ks.unwrap().statistic > 0.4);

    // an empty window is no drift, and no division by nothing
    let none = &reference.compare(&[]).unwrap()[1];
    assert_eq!((none.rows, none.psi, none.ks), (0, 0.0, None));
}

#[test]
fn bad_input_is_named() {
    let text = |error: DriftError| error.to_string();
    assert_eq!(
        text(psi(&[1, 2], &[1]).unwrap_err()),
        "psi: 2 bins in the reference, 1 in the sample"
    );
    assert_eq!(
        text(psi(&[1, 2], &[0, 0]).unwrap_err()),
        "psi: the sample is empty"
    );
    assert_eq!(
        text(ks_two_sample(&[1.0], &[0.0, f64::NAN]).unwrap_err()),
        "ks_two_sample: value 1 of the sample is NaN, a finite number is needed"
    );
    assert_eq!(
        text(ks_two_sample(&[], &[1.0]).unwrap_err()),
        "ks_two_sample: the reference is empty"
    );
    assert_eq!(
        text(psi_by_chance(1, 5, 5, 0.9).unwrap_err()),
        "psi_by_chance: bins is 1, expected at least 2"
    );
    assert_eq!(
        text(psi_by_chance(3, 5, 5, 1.0).unwrap_err()),
        "psi_by_chance: level is 1, expected a number between 0 and 1"
    );
    let none: [Option<f64>; 2] = [None, None];
    assert_eq!(
        text(FieldReference::numbers("tenure", &none, 10).unwrap_err()),
        "FieldReference::numbers: tenure is empty"
    );
    let reference = FieldReference::numbers("tenure", &[Some(1.0), Some(2.0)], 2).unwrap();
    assert_eq!(
        text(reference.compare([Cell::Level(0)]).unwrap_err()),
        "FieldReference::compare: field \"tenure\": Level(0) is not of the kind that training had"
    );
    let whole = Reference {
        fields: vec![reference],
    };
    assert_eq!(
        text(whole.compare(&[vec![]]).unwrap_err()),
        "Reference::compare: field \"row 0\": 0 fields, expected 1"
    );
}
