//! The environment variables. One test in a program of its own, since a process has one environment.

mod support;

use production::tracking::{Delivery, Tracker};
use support::wire::{Answer, Fake};

const NAMES: [&str; 8] = [
    "COURSE_TRACKING_DIR",
    "MLFLOW_TRACKING_URI",
    "MLFLOW_TRACKING_USERNAME",
    "MLFLOW_TRACKING_PASSWORD",
    "MLFLOW_TRACKING_TOKEN",
    "MLFLOW_EXPERIMENT_NAME",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES",
    "MLFLOW_HTTP_REQUEST_TIMEOUT",
];

/// A tracker with these variables set, and no other of them.
fn with(folder: &std::path::Path, variables: &[(&str, &str)]) -> Result<Tracker, String> {
    for name in NAMES {
        // SAFETY: this program has this one test, and it runs no other thread now.
        unsafe { std::env::remove_var(name) };
    }
    let folder = folder.to_str().expect("a path in UTF-8");
    for (name, value) in [("COURSE_TRACKING_DIR", folder)].iter().chain(variables) {
        // SAFETY: as above.
        unsafe { std::env::set_var(name, value) };
    }
    Tracker::from_env().map_err(|e| e.to_string())
}

#[test]
fn the_environment_sets_the_tracker() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path().join("store");
    let tracker = with(&at, &[("MLFLOW_EXPERIMENT_NAME", "cars")]).unwrap();
    assert!(tracker.folder().ends_with("store"));
    let ended = tracker.start_run("a").unwrap().finish().unwrap();
    assert_eq!(ended.run.experiment, "cars");
    assert!(matches!(ended.server, Delivery::NoServer));

    for (user, password, token, header) in [
        ("", "", "", None),
        ("ada", "pass word", "", Some("Basic YWRhOnBhc3Mgd29yZA==")),
        ("ada", "pass word", "t", Some("Basic YWRhOnBhc3Mgd29yZA==")),
        ("", "", "t0ken", Some("Bearer t0ken")),
    ] {
        let fake = Fake::start([Answer::json(500, "{}")]);
        let uri = format!("http://127.0.0.1:{}", fake.port);
        let tracker = with(
            &at,
            &[
                ("MLFLOW_TRACKING_URI", &uri),
                ("MLFLOW_TRACKING_USERNAME", user),
                ("MLFLOW_TRACKING_PASSWORD", password),
                ("MLFLOW_TRACKING_TOKEN", token),
                ("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1"),
                ("MLFLOW_HTTP_REQUEST_TIMEOUT", "3"),
            ],
        )
        .unwrap();
        let Delivery::Later(_) = tracker.start_run("b").unwrap().finish().unwrap().server else {
            panic!()
        };
        assert_eq!(fake.first_header("authorization").as_deref(), header);
        assert_eq!(fake.lines().len(), 2, "one attempt and one retry");
    }

    let uri = ("MLFLOW_TRACKING_URI", "http://127.0.0.1:1");
    for (variables, message) in [
        (
            vec![("MLFLOW_TRACKING_URI", "sqlite:///a.db")],
            "MLFLOW_TRACKING_URI: sqlite: runs go to a server over http",
        ),
        (
            vec![uri, ("MLFLOW_TRACKING_USERNAME", "a")],
            "MLFLOW_TRACKING_PASSWORD: not set, but MLFLOW_TRACKING_USERNAME is",
        ),
        (
            vec![uri, ("MLFLOW_TRACKING_PASSWORD", "a")],
            "MLFLOW_TRACKING_USERNAME: not set, but MLFLOW_TRACKING_PASSWORD is",
        ),
        (
            vec![uri, ("MLFLOW_HTTP_REQUEST_TIMEOUT", "soon")],
            "MLFLOW_HTTP_REQUEST_TIMEOUT: \"soon\" is not a whole number",
        ),
    ] {
        let error = with(&at, &variables).unwrap_err();
        assert!(error.starts_with(message), "{error}");
    }
}
