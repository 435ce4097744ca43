//! The store by itself: what is logged is read back.

mod support;

use std::fs;

use production::tracking::{Environment, Status, Tracker, TrackingError};
use support::{sample, tracker};

#[test]
fn what_was_logged_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path()).experiment("cars").unwrap();
    let (uuid, _) = sample(&tracker);
    let run = Tracker::local(folder.path())
        .unwrap()
        .run(&uuid[..8])
        .unwrap();
    assert_eq!(
        (run.name.as_str(), run.experiment.as_str()),
        ("sample", "cars")
    );
    assert_eq!(run.status, Status::Finished);
    assert!(run.ended.unwrap() >= run.started);
    assert_eq!(run.params["alpha"], "0.5");
    assert_eq!(run.metrics.len(), 2);
    assert_eq!((run.metrics[0].value, run.metrics[0].step), (0.25, 3));
    assert!(run.metric("loss").unwrap().is_nan(), "NaN is kept");
    assert_eq!(run.metric("gain"), None);
    assert_eq!(run.tags["note"], "a | b\nc");
    assert_eq!(run.data[0].rows, 392);
    assert_eq!(
        (run.artifacts[0].path.as_str(), run.artifacts[0].bytes),
        ("model/weights.txt", 5)
    );
    let kept = tracker.artifact(&uuid, "model/weights.txt").unwrap();
    assert_eq!(fs::read_to_string(kept).unwrap(), "1 2 3");
}

#[test]
fn numbers_come_back_to_the_last_bit() {
    let folder = tempfile::tempdir().unwrap();
    let run = tracker(folder.path()).start_run("bits").unwrap();
    let values = [
        0.1,
        1.0 / 3.0,
        f64::MIN_POSITIVE,
        5e-324,
        f64::MAX,
        -0.0,
        1e22,
        f64::INFINITY,
        f64::NEG_INFINITY,
    ];
    run.log_series("v", values).unwrap();
    let back: Vec<u64> = run
        .record()
        .unwrap()
        .history("v")
        .iter()
        .map(|m| m.value.to_bits())
        .collect();
    assert_eq!(back, values.map(f64::to_bits));
}

#[test]
fn the_greatest_step_stands_for_a_metric() {
    let folder = tempfile::tempdir().unwrap();
    let run = tracker(folder.path()).start_run("latest").unwrap();
    for (value, step, time) in [(1.0, 2, 50), (2.0, 5, 10), (3.0, 5, 20), (9.0, -1, 99)] {
        run.log_metric_at("m", value, step, time).unwrap();
    }
    let record = run.record().unwrap();
    assert_eq!(record.metric("m"), Some(3.0));
    assert_eq!(
        record
            .history("m")
            .iter()
            .map(|m| m.value)
            .collect::<Vec<_>>(),
        [9.0, 1.0, 2.0, 3.0]
    );
}

#[test]
fn a_value_that_agrees_in_all_is_there_once() {
    let folder = tempfile::tempdir().unwrap();
    let run = tracker(folder.path()).start_run("twice").unwrap();
    for step in [1, 1, 2] {
        run.log_metric_at("m", 0.5, step, 7).unwrap();
    }
    run.log_metric_at("m", f64::NAN, 3, 7).unwrap();
    run.log_metric_at("m", f64::NAN, 3, 7).unwrap();
    assert_eq!(run.record().unwrap().metrics.len(), 3);
}

#[test]
fn how_a_run_ended_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path());
    let running = tracker.start_run("running").unwrap();
    assert_eq!(running.record().unwrap().status, Status::Running);

    let uuid = tracker.start_run("dropped").unwrap().uuid().to_owned();
    let dropped = tracker.run(&uuid).unwrap();
    assert_eq!(dropped.status, Status::Failed);
    assert_eq!(dropped.tags["course.failure"], "dropped without finish()");

    let run = tracker.start_run("panics").unwrap();
    let uuid = run.uuid().to_owned();
    let worker = std::thread::spawn(move || {
        run.log_metric("loss", 1.0, 0).unwrap();
        panic!("out of memory");
    });
    assert!(worker.join().is_err());
    let panicked = tracker.run(&uuid).unwrap();
    assert_eq!(
        (panicked.status, panicked.tags["course.failure"].as_str()),
        (Status::Failed, "panicked")
    );
    assert_eq!(panicked.metric("loss"), Some(1.0));

    let failed = tracker
        .start_run("fails")
        .unwrap()
        .fail("loss is NaN")
        .unwrap()
        .run;
    assert_eq!(
        (failed.status, failed.tags["course.failure"].as_str()),
        (Status::Failed, "loss is NaN")
    );
    assert_eq!(
        tracker
            .start_run("stopped")
            .unwrap()
            .kill()
            .unwrap()
            .run
            .status,
        Status::Killed
    );
    assert_eq!(running.finish().unwrap().run.status, Status::Finished);
}

#[test]
fn runs_are_found_and_nested() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path());
    let parent = tracker.start_run("folds").unwrap();
    let fold = parent.child("fold 1").unwrap();
    let fold = fold.finish().unwrap().run;
    assert_eq!(fold.parent.as_deref(), Some(parent.uuid()));
    let parent = parent.finish().unwrap().run;
    let runs = tracker.runs().unwrap();
    let names: Vec<&str> = runs.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(runs.len(), 2);
    assert!(names.contains(&"folds") && names.contains(&"fold 1"));
    let unknown = tracker.run("nothing").unwrap_err().to_string();
    assert!(
        unknown.contains("no run \"nothing\" in") && unknown.contains(&parent.uuid),
        "{unknown}"
    );
    assert!(matches!(
        tracker.run(""),
        Err(TrackingError::Unknown { .. })
    ));
    assert!(matches!(
        tracker.start_run(" "),
        Err(TrackingError::Name { .. })
    ));
    assert!(matches!(
        tracker.clone().experiment(""),
        Err(TrackingError::Name { .. })
    ));
    // a folder that a process left before its first line is no run
    fs::create_dir(tracker.folder().join("runs").join("f".repeat(32))).unwrap();
    assert_eq!(tracker.runs().unwrap().len(), 2);
}

#[test]
fn a_folder_that_cannot_be_made_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let message = Tracker::local(file.join("store")).unwrap_err().to_string();
    assert!(
        message.contains("file/store/runs: cannot be made: Not a directory"),
        "{message}"
    );
}

#[test]
fn the_environment_says_what_a_run_was_made_with() {
    let folder = tempfile::tempdir().unwrap();
    assert!(
        !Environment::at(folder.path())
            .tags
            .contains_key("course.lock.sha256")
    );
    fs::write(folder.path().join("Cargo.lock"), "").unwrap();
    let below = folder.path().join("below");
    fs::create_dir(&below).unwrap();
    let tags = Environment::at(&below).tags;
    // sha256 of nothing
    assert!(tags["course.lock.sha256"].starts_with("e3b0c44298fc1c14"));
    assert!(
        !tags.contains_key("mlflow.source.git.commit"),
        "no repository there"
    );
    assert!(tags["course.rustc"].starts_with("rustc 1."));
    let git = |args: &[&str]| {
        let mut command = std::process::Command::new("git");
        command
            .args([
                "-c",
                "user.name=a",
                "-c",
                "user.email=a@b.c",
                "-c",
                "commit.gpgsign=false",
            ])
            .args(args);
        let output = command
            .current_dir(folder.path())
            .output()
            .expect("git is there");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    };
    git(&["init", "-q"]);
    git(&["add", "Cargo.lock"]);
    git(&["commit", "-q", "-m", "one"]);
    let tags = Environment::at(&below).tags;
    assert_eq!(
        tags["mlflow.source.git.commit"],
        git(&["rev-parse", "HEAD"])
    );
    assert_eq!(tags["course.git.changed"], "false");
    fs::write(folder.path().join("Cargo.lock"), "#").unwrap();
    assert_eq!(Environment::at(&below).tags["course.git.changed"], "true");
}
