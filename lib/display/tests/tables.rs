//! Tables, cells and named results.

mod common;

use common::{check, one_line};
use display::{Cell, Results, Table, Tolerance, Value};
use proptest::prelude::*;
use serde_json::Value as Json;

#[test]
fn numbers_stand_at_their_decimal_point() {
    let table = Table::new(["term", "estimate"])
        .caption("Estimates")
        .row(("intercept", Cell::fixed(39.9359, 4)))
        .row(("slope", Cell::fixed(-0.16, 2)))
        .row(("n", 392));
    let html = table.to_html();
    check(&html);
    let pad = |missing: &str| {
        format!("<span aria-hidden=\"true\" style=\"visibility:hidden\">{missing}</span></td>")
    };
    assert!(html.contains(">39.9359</td>"));
    assert!(html.contains(&format!(">−0.16{}", pad("59"))), "{html}");
    assert!(html.contains(&format!(">392{}", pad(".9359"))), "{html}");
    assert_eq!(
        table.to_string(),
        "Estimates\nterm       estimate\nintercept   39.9359\nslope       −0.16\nn          392"
    );
}

#[test]
fn a_column_with_a_text_in_it_is_set_left() {
    let html = Table::new(["a"])
        .row([Cell::from(1.5)])
        .row([Cell::text("none")])
        .to_html();
    assert!(html.contains("<th scope=\"col\" style=\"text-align:left\">a</th>"));
    let numbers = Table::new(["a"]).row([1.5]).row([Cell::none()]).to_html();
    assert!(numbers.contains("<th scope=\"col\" style=\"text-align:right\">a</th>"));
}

#[test]
fn cells_are_written_as_a_person_would() {
    let cases = [
        (Cell::from(0.1 + 0.2), "0.3000"),
        (Cell::from(-0.0), "0"),
        (Cell::from(1e-9), "1.000×10⁻⁹"),
        (Cell::from(f64::NAN), "NaN"),
        (Cell::from(f64::NEG_INFINITY), "−∞"),
        (Cell::from(60_000_usize), "60,000"),
        (Cell::from(-7), "−7"),
        (Cell::from(u64::MAX), "18446744073709551615"),
        (Cell::from(Some(2.5)), "2.500"),
        (Cell::from(None::<f64>), "–"),
        (Cell::from(true), "true"),
        (Cell::p_value(0.0321), "0.032"),
        (Cell::scientific(123456.0, 2), "1.23×10⁵"),
        (Cell::percent(0.5, 0), "50\u{a0}%"),
        (Cell::from(Value::Number(1.0 / 3.0)), "0.333333"),
    ];
    for (cell, text) in cases {
        assert_eq!(cell.to_string(), text);
    }
}

#[test]
#[should_panic(expected = "row 1 has 1 cells, but the table has 2 columns")]
fn a_row_of_the_wrong_length_is_refused() {
    let _ = Table::new(["a", "b"]).row([1, 2]).row([3]);
}

#[test]
fn rows_come_from_any_iterator() {
    let pairs = [("a", 1.0), ("b", 2.0)];
    assert_eq!(
        Table::new(["name", "x"]).rows(pairs).to_string(),
        "name  x\na     1\nb     2"
    );
}

#[test]
fn results_are_shown_and_carried() {
    let results = Results::new()
        .result("ols.slope", -0.1578)
        .result("auto.rows", 392_usize)
        .result("fit.method", "QR")
        .result("fit.converged", true)
        .result_within("fit.seconds", 0.25_f32, Tolerance::Volatile)
        .result_within("ols.rmse", 4.9, Tolerance::Absolute(1e-6));
    check(&results.to_html());
    let json: Json = serde_json::from_str(&results.results_json().unwrap()).unwrap();
    assert_eq!(
        json,
        serde_json::json!({"version": 1, "results": {
            "ols.slope": {"value": -0.1578, "tolerance": {"relative": 1e-9}},
            "auto.rows": {"value": 392, "tolerance": "exact"},
            "fit.method": {"value": "QR", "tolerance": "exact"},
            "fit.converged": {"value": true, "tolerance": "exact"},
            "fit.seconds": {"value": 0.25, "tolerance": "volatile"},
            "ols.rmse": {"value": 4.9, "tolerance": {"absolute": 1e-6}},
        }})
    );
    assert_eq!(Results::new().results_json(), None);
}

#[test]
fn what_json_has_no_number_for_is_a_text() {
    let results = Results::new()
        .result("a", f64::NAN)
        .result("b", f64::INFINITY)
        .result("c", f64::NEG_INFINITY)
        .result("d", u64::MAX);
    let json: Json = serde_json::from_str(&results.results_json().unwrap()).unwrap();
    let value = |name: &str| json["results"][name]["value"].clone();
    assert_eq!(value("a"), "NaN");
    assert_eq!(value("b"), "Infinity");
    assert_eq!(value("c"), "-Infinity");
    assert_eq!(value("d"), "18446744073709551615");
}

#[test]
#[should_panic(expected = "the result `ols.slope` is given twice")]
fn a_name_is_given_once() {
    let _ = Results::new()
        .result("ols.slope", 1.0)
        .result("ols.slope", 2.0);
}

#[test]
#[should_panic(expected = "cannot name a result")]
fn a_name_must_fit_into_prose() {
    let _ = Results::new().result("ols slope", 1.0);
}

#[test]
#[should_panic(expected = "it must be 0 or more")]
fn a_tolerance_is_not_negative() {
    let _ = Results::new().result_within("a", 1.0, Tolerance::Relative(-1e-9));
}

proptest! {
    #[test]
    fn every_value_is_read_back_from_the_json(
        number in any::<f64>(), integer in any::<i64>(), text in any::<String>(), truth in any::<bool>(), by in 0.0_f64..1.0,
    ) {
        let results = Results::new()
            .result_within("n", number, Tolerance::Relative(by))
            .result("i", integer)
            .result("t", text.as_str())
            .result("b", truth);
        let raw = results.results_json().unwrap();
        prop_assert!(!raw.contains('\n'), "one line, as the kernel's protocol needs it");
        let json: Json = serde_json::from_str(&raw).unwrap();
        let value = |name: &str| &json["results"][name]["value"];
        if number.is_finite() {
            prop_assert_eq!(value("n").as_f64().unwrap().to_bits(), number.to_bits());
        }
        prop_assert_eq!(json["results"]["n"]["tolerance"]["relative"].as_f64().unwrap(), by);
        prop_assert_eq!(value("i").as_i64(), Some(integer));
        prop_assert_eq!(value("t").as_str(), Some(text.as_str()));
        prop_assert_eq!(value("b").as_bool(), Some(truth));
    }

    #[test]
    fn any_text_in_a_table_is_shown_as_it_is(head in any::<String>(), cell in any::<String>(), caption in any::<String>()) {
        let html = Table::new([head.as_str()]).caption(caption.as_str()).row([cell.as_str()]).to_html();
        let text = check(&html);
        for part in [head, cell, caption] {
            prop_assert!(text.contains(&one_line(&part)));
        }
    }

    #[test]
    fn decimal_points_line_up(numbers in prop::collection::vec((-1e5_f64..1e5, 0_usize..6), 1..10)) {
        let table = Table::new(["x"]).rows(numbers.iter().map(|&(x, decimals)| [Cell::fixed(x, decimals)]));
        let text = table.to_string();
        let lines: Vec<&str> = text.lines().skip(1).collect();
        // The column after the last digit of the whole part is the same in every line.
        let ends: Vec<usize> = lines.iter().map(|line| line.chars().position(|c| c == '.').unwrap_or(line.chars().count())).collect();
        prop_assert!(ends.windows(2).all(|pair| pair[0] == pair[1]), "{text}");
    }
}
