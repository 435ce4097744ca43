//! `proportion` against statsmodels, and its errors.
//!
//! `golden/proportion.py` writes the expected values; it says with which version.

use foundations::proportion::{ProportionError, wilson};
use serde_json::Value;

/// Both sides compute a few square roots of numbers near 1: rounding alone.
const ABSOLUTE: f64 = 1e-12;

#[test]
fn wilson_agrees_with_statsmodels() {
    let golden: Value = serde_json::from_str(include_str!("golden/proportion.json")).unwrap();
    let cases = golden["wilson"].as_array().unwrap();
    assert!(cases.len() >= 10);
    for case in cases {
        let count = |name: &str| case[name].as_u64().unwrap() as usize;
        let number = |name: &str| case[name].as_f64().unwrap();
        let got = wilson(count("successes"), count("trials"), number("level")).unwrap();
        for (end, want) in [(got.lower, number("lower")), (got.upper, number("upper"))] {
            assert!((end - want).abs() < ABSOLUTE, "{case}: got {got:?}");
        }
    }
}

#[test]
fn counts_and_levels_are_checked() {
    let error = |successes, trials, level| wilson(successes, trials, level).unwrap_err();
    assert_eq!(
        error(0, 0, 0.95),
        ProportionError::Counts {
            op: "wilson",
            successes: 0,
            trials: 0
        }
    );
    assert_eq!(
        error(4, 3, 0.95).to_string(),
        "wilson: 4 successes in 3 trials"
    );
    assert_eq!(
        error(1, 3, 1.0),
        ProportionError::Level {
            op: "wilson",
            level: 1.0
        }
    );
    assert_eq!(
        error(1, 3, f64::NAN).to_string(),
        "wilson: level is NaN, expected a number between 0 and 1, such as 0.95"
    );
}
