//! The contract between a notebook and the library's tests.

use std::path::PathBuf;

use display::contract::{ContractError, Notebook};
use display::{RESULTS_MIME, Results, Tolerance};
use tempfile::TempDir;

/// A notebook whose only cell shows `results`.
fn notebook(results: &Results) -> (TempDir, PathBuf) {
    let content: serde_json::Value =
        serde_json::from_str(&results.results_json().unwrap()).unwrap();
    written(&serde_json::json!({
        "cells": [
            {"cell_type": "markdown", "source": ["# Title"]},
            {"cell_type": "code", "outputs": [
                {"output_type": "stream", "name": "stdout", "text": ["hello\n"]},
                {"output_type": "execute_result", "data": {"text/plain": ["x"], RESULTS_MIME: content}},
            ]},
        ],
        "nbformat": 4, "nbformat_minor": 5,
    }).to_string())
}

fn written(text: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("chapter.ipynb");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}

/// The message with which `check` panics, or `None`.
fn panics(check: impl FnOnce() + std::panic::UnwindSafe) -> Option<String> {
    let result = std::panic::catch_unwind(check);
    result.err().map(|payload| {
        payload
            .downcast_ref::<String>()
            .cloned()
            .unwrap_or_default()
    })
}

fn every_kind() -> Results {
    Results::new()
        .result("slope", -0.157844733)
        .result("rows", 392_usize)
        .result("method", "QR")
        .result("converged", true)
        .result("undefined", f64::NAN)
        .result_within("condition", f64::INFINITY, Tolerance::Exact)
        .result_within("exact", 0.1, Tolerance::Exact)
        .result_within("rmse", 4.9, Tolerance::Absolute(0.01))
        .result_within("seconds", 0.5, Tolerance::Volatile)
}

#[test]
fn what_the_library_computes_agrees_within_the_stored_tolerance() {
    let (_folder, path) = notebook(&every_kind());
    let notebook = Notebook::read(&path).unwrap();
    notebook
        .assert("slope", -0.157844733 * (1.0 + 0.9e-9))
        .assert("rows", 392)
        .assert("rows", 392.0)
        .assert("method", "QR")
        .assert("converged", true)
        .assert("undefined", f64::NAN)
        .assert("condition", f64::INFINITY)
        .assert("exact", 0.1)
        .assert("rmse", 4.909)
        .assert("seconds", 123.0);
    assert_eq!(notebook.names().count(), 9);
    assert_eq!(notebook.get("rmse").unwrap().1, Tolerance::Absolute(0.01));
    assert!(notebook.get("none").is_none());
}

#[test]
fn what_differs_by_more_panics_with_both_values() {
    let (_folder, path) = notebook(&every_kind());
    let fails = |name: &'static str, value: display::Value| {
        let path = path.clone();
        panics(move || {
            Notebook::read(path).unwrap().assert(name, value);
        })
        .unwrap_or_else(|| panic!("`{name}` was accepted"))
    };
    let message = fails("slope", (-0.157844733 * (1.0 + 1.1e-9)).into());
    assert!(
        message.contains("`slope` is -0.157844733 in the notebook, but -0.1578447331"),
        "{message}"
    );
    assert!(message.ends_with("(tolerance: relative 1e-9)"), "{message}");
    assert!(message.contains("chapter.ipynb"));
    for (name, value) in [
        ("rows", 391.into()),
        ("rows", 391.5.into()),
        ("rows", "392".into()),
        ("method", "LU".into()),
        ("method", 1.into()),
        ("converged", false.into()),
        ("undefined", 0.0.into()),
        ("condition", 1e300.into()),
        ("condition", f64::NEG_INFINITY.into()),
        ("exact", (0.1 + 1e-17 + f64::EPSILON / 8.0).into()),
        ("rmse", 4.911.into()),
        ("slope", f64::NAN.into()),
        ("slope", f64::INFINITY.into()),
        ("seconds", "fast".into()),
    ] {
        fails(name, value);
    }
}

#[test]
fn a_result_that_is_not_there_panics_with_those_that_are() {
    let (_folder, path) = notebook(&Results::new().result("a.b", 1).result("c.d", 2));
    let message = panics(move || {
        Notebook::read(path).unwrap().assert("a.c", 1);
    });
    assert!(
        message
            .unwrap()
            .ends_with("no result is named `a.c`; there are: a.b, c.d")
    );
}

#[test]
fn integers_too_large_for_a_float_are_told_apart() {
    let large = (1_i64 << 53) + 1;
    let (_folder, path) = notebook(&Results::new().result("large", large));
    Notebook::read(&path).unwrap().assert("large", large);
    assert!(
        panics(move || {
            Notebook::read(path).unwrap().assert("large", large - 1);
        })
        .is_some()
    );
}

#[test]
fn a_notebook_that_cannot_be_used_is_an_error() {
    let missing = Notebook::open("foundations/no-such-chapter").unwrap_err();
    assert!(matches!(missing, ContractError::Io { .. }));
    let expected = PathBuf::from("notebooks")
        .join("foundations")
        .join("no-such-chapter.ipynb");
    assert!(
        missing
            .to_string()
            .contains(&expected.display().to_string()),
        "{missing}"
    );
    let read = |text: &str| {
        let (_folder, path) = written(text);
        Notebook::read(path).unwrap_err()
    };
    let half = read("{\"cells\": [\n {");
    assert!(matches!(half, ContractError::NotJson { .. }));
    assert!(half.to_string().contains("line 2"), "{half}");
    assert!(
        read("{\"worksheets\": []}")
            .to_string()
            .ends_with("it has no list `cells`")
    );
    let cell = |content: &str| {
        format!(r#"{{"cells":[{{"outputs":[{{"data":{{"{RESULTS_MIME}":{content}}}}}]}}]}}"#)
    };
    assert!(
        read(&cell(r#"{"version":2,"results":{}}"#))
            .to_string()
            .contains("only 1 is known")
    );
    assert!(
        read(&cell(r#"{"version":1}"#))
            .to_string()
            .contains("no object `results`")
    );
    assert!(
        read(&cell(
            r#"{"version":1,"results":{"a":{"value":null,"tolerance":"exact"}}}"#
        ))
        .to_string()
        .contains("result `a`: its value is no number")
    );
    assert!(
        read(&cell(
            r#"{"version":1,"results":{"a":{"value":1,"tolerance":"about"}}}"#
        ))
        .to_string()
        .contains("result `a`: its tolerance is not known")
    );
    let one = r#"{"outputs":[{"data":{"MIME":{"version":1,"results":{"a":{"value":1,"tolerance":"exact"}}}}}]}"#
        .replace("MIME", RESULTS_MIME);
    assert!(
        read(&format!("{{\"cells\":[{one},{one}]}}"))
            .to_string()
            .contains("`a` is given twice")
    );
}
