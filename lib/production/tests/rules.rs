//! What names, parameters, intervals, artifacts and models must be like, and what a wrong one is told.

mod support;

use std::fs;

use production::tracking::TrackingError;
use support::tracker;

#[test]
fn names_follow_the_rules_of_mlflow() {
    let folder = tempfile::tempdir().unwrap();
    let run = tracker(folder.path()).start_run("names").unwrap();
    for good in [
        "loss",
        "val/loss",
        "précision",
        "a.b-c_d e:f",
        "損失",
        "a..b",
    ] {
        run.log_metric(good, 1.0, 0)
            .unwrap_or_else(|e| panic!("{e}"));
    }
    for (bad, why) in [
        ("", "metric \"\": a name is needed"),
        ("a@b", "'@' at character 2 is not allowed"),
        ("loss\n", "'\\n' at character 5 is not allowed"),
        ("a//b", "read as a path it has an empty part"),
        (
            "../a",
            "read as a path it has an empty part, or one that is . or ..",
        ),
        ("/a", "empty part"),
        ("a/", "empty part"),
        (".", "one that is . or .."),
    ] {
        let message = run.log_metric(bad, 1.0, 0).unwrap_err().to_string();
        assert!(message.contains(why), "{bad:?}: {message}");
        assert!(
            run.log_param(bad, 1).is_err() && run.set_tag(bad, "x").is_err(),
            "{bad:?}"
        );
    }
    let long = "é".repeat(251);
    let message = run.log_metric(&long, 1.0, 0).unwrap_err().to_string();
    assert!(
        message.contains("251 characters, at most 250 are allowed"),
        "{message}"
    );
    run.log_metric(&long.chars().take(250).collect::<String>(), 1.0, 0)
        .unwrap();
    assert!(run.log_param("p", "é".repeat(6_001)).is_err());
    run.log_param("p", "é".repeat(6_000)).unwrap();
    assert!(run.set_tag("t", &"é".repeat(8_001)).is_err());
    run.set_tag("t", &"é".repeat(8_000)).unwrap();
    assert!(
        run.set_tag("course.run_uuid", "mine").is_err(),
        "the tracker's own tag"
    );
    let before = run.record().unwrap().metrics.len();
    assert!(run.log_metrics([("good", 1.0), ("b@d", 2.0)], 0).is_err());
    assert_eq!(run.record().unwrap().metrics.len(), before, "all or none");
}

#[test]
fn a_parameter_has_one_value() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path());
    let run = tracker.start_run("params").unwrap();
    run.log_param("alpha", 0.5).unwrap();
    run.log_param("alpha", 0.5).unwrap();
    let message = run
        .log_params([("beta", 1.0), ("alpha", 0.25)])
        .unwrap_err()
        .to_string();
    assert!(
        message.contains("\"alpha\"")
            && message.contains("\"0.5\" already and cannot become \"0.25\""),
        "{message}"
    );
    assert!(
        !run.record().unwrap().params.contains_key("beta"),
        "all or none"
    );
    let uuid = run.fail("").unwrap().run.uuid;
    let again = tracker.resume_run(&uuid).unwrap();
    assert!(
        again.log_param("alpha", 1).is_err(),
        "nor when the run goes on later"
    );
}

#[test]
fn an_interval_holds_its_estimate() {
    let folder = tempfile::tempdir().unwrap();
    let run = tracker(folder.path()).start_run("intervals").unwrap();
    run.log_interval("rmse", 2.0, [1.5, 2.5], 0.95).unwrap();
    assert_eq!(run.record().unwrap().metric("rmse.high"), Some(2.5));
    for (value, ends, level) in [
        (3.0, [1.5, 2.5], 0.95),
        (2.0, [2.5, 1.5], 0.95),
        (f64::NAN, [1.5, 2.5], 0.95),
        (2.0, [1.5, f64::NAN], 0.95),
        (2.0, [1.5, 2.5], 95.0),
        (2.0, [1.5, 2.5], 0.0),
    ] {
        let error = run.log_interval("other", value, ends, level).unwrap_err();
        assert!(matches!(error, TrackingError::Interval { .. }), "{error}");
    }
    assert_eq!(run.record().unwrap().metric("other"), None);
}

#[test]
fn artifacts_are_files_and_folders_and_are_checked() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path());
    let run = tracker.start_run("files").unwrap();
    let source = tempfile::tempdir().unwrap();
    fs::create_dir_all(source.path().join("deep/er")).unwrap();
    fs::write(source.path().join("a.txt"), "a").unwrap();
    fs::write(source.path().join("deep/er/b.bin"), [0u8, 255]).unwrap();
    let kept = run.log_artifacts(source.path(), "model").unwrap();
    let paths: Vec<&str> = kept.iter().map(|a| a.path.as_str()).collect();
    assert_eq!(paths, ["model/a.txt", "model/deep/er/b.bin"]);
    run.log_bytes("empty", "").unwrap();
    run.log_bytes("again", "one").unwrap();
    run.log_bytes("again", "two").unwrap();
    let record = run.record().unwrap();
    assert_eq!(record.artifacts.len(), 4);
    assert_eq!(
        fs::read(tracker.artifact(run.uuid(), "again").unwrap()).unwrap(),
        b"two"
    );

    let missing = run
        .log_artifact(source.path().join("c.txt"), "c.txt")
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("c.txt: cannot be read: No such file"),
        "{missing}"
    );
    assert!(
        run.log_artifact(source.path(), "c")
            .unwrap_err()
            .to_string()
            .contains("log_artifacts takes a folder")
    );
    for bad in [
        "",
        "/etc/passwd",
        "../../out",
        "a/../b",
        "a\\b",
        "a%2fb",
        "a\0b",
    ] {
        assert!(
            matches!(run.log_bytes(bad, "x"), Err(TrackingError::Name { .. })),
            "{bad:?}"
        );
    }
    let unknown = tracker
        .artifact(run.uuid(), "modle/a.txt")
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("no artifact \"modle/a.txt\"")
            && unknown.contains("there are again, empty"),
        "{unknown}"
    );
    let file = tracker
        .folder()
        .join("runs")
        .join(run.uuid())
        .join("artifacts/model/a.txt");
    fs::write(file, "b").unwrap();
    let altered = tracker.artifact(run.uuid(), "model/a.txt").unwrap_err();
    assert!(
        matches!(altered, TrackingError::Altered { .. }),
        "{altered}"
    );
}

#[test]
fn a_model_is_found_by_alias_version_and_name() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path());
    let mut runs = Vec::new();
    for i in 1..=3 {
        let run = tracker.start_run(&format!("fit {i}")).unwrap();
        run.log_bytes("model/weights", format!("{i}")).unwrap();
        let version = run.register_model("model", "economy").unwrap();
        assert_eq!((version.version, version.run.as_str()), (i, run.uuid()));
        runs.push(run.finish().unwrap().run.uuid);
    }
    tracker.set_alias("economy", "champion", 2).unwrap();
    tracker.set_alias("economy", "challenger", 3).unwrap();
    let champion = tracker.model("economy@champion").unwrap();
    assert_eq!((champion.version, &champion.run), (2, &runs[1]));
    assert_eq!(
        fs::read_to_string(champion.path.join("weights")).unwrap(),
        "2"
    );
    tracker.set_alias("economy", "champion", 1).unwrap();
    assert_eq!(tracker.model("economy@champion").unwrap().version, 1);
    assert_eq!(tracker.model("economy/3").unwrap().aliases, ["challenger"]);
    assert_eq!(tracker.model("economy").unwrap().version, 3);
    tracker.remove_alias("economy", "challenger").unwrap();
    assert_eq!(
        tracker.versions("economy").unwrap()[2].aliases,
        Vec::<String>::new()
    );
    assert_eq!(tracker.models().unwrap(), ["economy"]);

    let message =
        |result: Result<_, TrackingError>| result.map(|_: ()| ()).unwrap_err().to_string();
    let unknown = message(tracker.model("economy@challenger").map(drop));
    assert!(
        unknown.contains("no model version \"economy@challenger\"")
            && unknown.contains("economy@champion"),
        "{unknown}"
    );
    assert!(message(tracker.model("ekonomy").map(drop)).contains("there are economy"));
    assert!(message(tracker.model("economy/9").map(drop)).contains("economy/3"));
    assert!(
        message(tracker.model("economy/two").map(drop)).contains("after the / a number is needed")
    );
    assert!(message(tracker.set_alias("economy", "champion", 9)).contains("economy/9"));
    for bad in ["latest", "Latest", "v3", "V12", "", "a b", "été"] {
        assert!(
            matches!(
                tracker.set_alias("economy", bad, 1),
                Err(TrackingError::Name { .. })
            ),
            "{bad:?}"
        );
    }
    tracker.set_alias("economy", "v3b", 1).unwrap();
    let run = &runs[0];
    for bad in ["", " ", "a/b", "a:b", "a@b", "..", "a\"b"] {
        assert!(
            matches!(
                tracker.register_model(run, "model", bad),
                Err(TrackingError::Name { .. })
            ),
            "{bad:?}"
        );
    }
    let unknown = message(tracker.register_model(run, "mod", "economy").map(drop));
    assert!(
        unknown.contains("no artifact \"mod\"") && unknown.contains("model/weights"),
        "{unknown}"
    );
}
