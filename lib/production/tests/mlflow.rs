//! Against a real `mlflow server`, read back by MLflow's own client.

mod support;

use std::collections::BTreeSet;
use std::time::Duration;

use production::tracking::{
    Data, Delivery, LocalMlflow, Pushed, Run, RunRecord, Status, Tracker, TrackingError, names,
};
use serde_json::Value;
use support::wire::{Cut, Proxy};
use support::{Mlflow, assert_same, quick, tracker};

/// Logs one of everything, more metrics than one request takes among it.
fn fill(run: &Run) {
    run.log_params((0..130).map(|i| (format!("p/{i:03}"), i)))
        .unwrap();
    run.log_series("loss", (0..1_500).map(|i| 1.0 / f64::from(1 + i)))
        .unwrap();
    run.log_metric_at("loss", 1.0, 0, 5).unwrap();
    for (step, value) in [
        f64::NAN,
        f64::INFINITY,
        f64::NEG_INFINITY,
        -0.0,
        5e-324,
        0.1 + 0.2,
    ]
    .into_iter()
    .enumerate()
    {
        run.log_metric("odd", value, step as i64).unwrap();
    }
    run.log_interval("rmse", 2.0, [1.5, 2.5], 0.95).unwrap();
    run.set_tag("note", "first").unwrap();
    run.set_tag("note", "Ünïcode, \"quoted\"\nand long")
        .unwrap();
    let data = Data {
        name: "diabetes".into(),
        digest: "c0ffee".into(),
        source: "scikit-learn".into(),
        context: "training".into(),
        rows: 442,
    };
    run.log_data(data).unwrap();
    run.log_bytes(
        "model/weights.bin",
        (0..=255).cycle().take(300_000).collect::<Vec<u8>>(),
    )
    .unwrap();
    run.log_bytes("model/conda env.txt", "a b").unwrap();
    run.log_bytes("empty", "").unwrap();
    run.log_bytes("empty", "not any more").unwrap();
}

/// The one run of an experiment.
#[track_caller]
fn only<'a>(back: &'a Value, experiment: &str) -> &'a Value {
    let runs = back["runs"][experiment]
        .as_array()
        .unwrap_or_else(|| panic!("no runs of {experiment}"));
    assert_eq!(runs.len(), 1, "{experiment}: one run, not {}", runs.len());
    &runs[0]
}

#[test]
fn what_is_pushed_is_read_back_by_mlflow() {
    let Some(mlflow) = support::shared() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path())
        .experiment("read all")
        .unwrap()
        .with_server(mlflow.server());
    let run = tracker.start_run("the run").unwrap();
    fill(&run);
    let version = run.register_model("model", "read economy").unwrap();
    let ended = run.finish().unwrap();
    let Delivery::Delivered(pushed) = ended.server else {
        panic!("{:?}", ended.server)
    };
    assert_eq!(
        (
            pushed.runs,
            pushed.params,
            pushed.artifacts,
            pushed.versions
        ),
        (1, 130, 3, 1)
    );
    assert_eq!(pushed.metrics, ended.run.metrics.len());
    tracker
        .set_alias("read economy", "champion", version.version)
        .unwrap();
    tracker.push().unwrap();

    // runs within a run, one of which fails and one of which is killed
    let nested = tracker.clone().experiment("read nested").unwrap();
    let parent = nested.start_run("folds").unwrap();
    let fold = parent
        .child("fold 1")
        .unwrap()
        .fail("no convergence")
        .unwrap()
        .run;
    let killed = parent.child("fold 2").unwrap().kill().unwrap().run;
    let live = parent.record().unwrap();
    parent.flush().unwrap();
    let back = mlflow.read_back("read ");
    assert_same(only(&back, "read all"), &ended.run);
    let remote = only(&back, "read all");
    assert_eq!(remote["latest"]["rmse"], 2.0);
    assert_eq!(remote["data"][0]["digest"], "c0ffee");
    assert_eq!(remote["data"][0]["profile"]["num_rows"], 442);
    assert_eq!(remote["data"][0]["context"][0], "training");
    let model = &back["models"]["read economy"];
    assert_eq!(model["aliases"]["champion"], 1);
    assert_eq!(model["versions"].as_array().unwrap().len(), 1);
    assert_eq!(model["versions"][0]["run_id"], remote["run_id"]);
    assert!(
        model["versions"][0]["source"]
            .as_str()
            .unwrap()
            .ends_with("/artifacts/model")
    );
    let nested_runs = back["runs"]["read nested"].as_array().unwrap();
    let named = |name: &str| nested_runs.iter().find(|r| r["name"] == name).unwrap();
    for run in [&fold, &killed, &live] {
        assert_same(named(&run.name), run);
    }
    assert_eq!(named("folds")["status"], "RUNNING");
    assert_eq!(
        named("fold 1")["tags"]["mlflow.parentRunId"],
        named("folds")["run_id"]
    );

    // what is there already is not sent again
    let parent = parent.finish().unwrap().run;
    let pushed = tracker.push().unwrap();
    assert_eq!(pushed.requests, 0, "{pushed:?}");
    assert_same(
        mlflow.read_back("read nested")["runs"]["read nested"]
            .as_array()
            .unwrap()
            .iter()
            .find(|r| r["name"] == "folds")
            .unwrap(),
        &parent,
    );
    println!("MLflow {}", back["mlflow"]);
    assert!(back["mlflow"].as_str().unwrap().starts_with("3."));
}

#[test]
fn a_run_can_be_watched_while_it_goes_on() {
    let Some(mlflow) = support::shared() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path()).experiment("live").unwrap();
    let tracker = tracker
        .with_server(mlflow.server())
        .live(Duration::from_millis(200));
    let run = tracker.start_run("watched").unwrap();
    run.log_series("loss", [3.0, 2.0]).unwrap();
    let mut seen = 0;
    for _ in 0..100 {
        std::thread::sleep(Duration::from_millis(100));
        let back = mlflow.read_back("live");
        seen = back["runs"]["live"][0]["metrics"]
            .as_array()
            .map_or(0, Vec::len);
        if seen == 2 {
            assert_eq!(back["runs"]["live"][0]["status"], "RUNNING");
            break;
        }
    }
    assert_eq!(seen, 2, "{}", mlflow.log());
    for step in 2..400 {
        run.log_metric("loss", 1.0, step).unwrap();
        if step % 50 == 0 {
            run.flush().unwrap(); // beside the thread that does the same
        }
    }
    let ended = run.finish().unwrap();
    assert!(
        matches!(ended.server, Delivery::Delivered(_)),
        "{:?}",
        ended.server
    );
    assert_same(only(&mlflow.read_back("live"), "live"), &ended.run);
}

/// Pushes one run by its address, by another address, and by its address without what is known of the push.
fn push_three_times(mlflow: &Mlflow) {
    let folder = tempfile::tempdir().unwrap();
    let offline = tracker(folder.path()).experiment("again").unwrap();
    let run = offline.start_run("the run").unwrap();
    let direct = offline.clone().with_server(mlflow.server());
    run.log_metric("early", 1.0, 0).unwrap();
    direct.push().unwrap();
    fill(&run);
    run.register_model("model", "again").unwrap();
    let run = run.finish().unwrap().run;
    let proxy = Proxy::start(mlflow.port, usize::MAX, Cut::Before, false);
    let pushed = offline
        .clone()
        .with_server(quick(proxy.port))
        .push()
        .unwrap();
    assert_eq!((pushed.runs, pushed.versions), (0, 1));
    // the first address does not know what went by the second
    assert_eq!(direct.push().unwrap().versions, 0);
    std::fs::remove_dir_all(offline.folder().join("push")).unwrap();
    direct.push().unwrap();
    let back = mlflow.read_back("again");
    assert_same(only(&back, "again"), &run);
    assert_eq!(
        back["models"]["again"]["versions"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn a_lost_journal_or_another_address_doubles_nothing() {
    if let Some(mlflow) = support::shared() {
        push_three_times(mlflow);
    }
}

/// A store that was pushed, and the folder that it is in.
type Store = (String, Tracker, tempfile::TempDir);

/// Pushes one store with everything through a proxy that cuts at one request, then again without; for every request.
fn cut_everywhere(mlflow: &Mlflow, cuts: &[Cut], dead_after: bool) -> Vec<Store> {
    let mut stores = Vec::new();
    for &cut in cuts {
        for at in 0.. {
            let name = format!(
                "cut {cut:?} {at}, {}",
                if dead_after { "then dead" } else { "then up" }
            );
            let folder = tempfile::tempdir().unwrap();
            let offline = tracker(folder.path()).experiment(&name).unwrap();
            let run = offline.start_run("cut").unwrap();
            run.log_params([("alpha", 1), ("beta", 2)]).unwrap();
            run.log_series("loss", (0..1_003).map(f64::from)).unwrap();
            run.log_metric("nan", f64::NAN, 0).unwrap();
            run.set_tag("note", "x").unwrap();
            run.log_bytes("model/weights", "1 2 3").unwrap();
            run.log_metric("loss", 0.5, 2_000).unwrap();
            run.register_model("model", &name).unwrap();
            let _ = run.child("part").unwrap().finish().unwrap();
            let _ = run.finish().unwrap();
            offline.set_alias(&name, "champion", 1).unwrap();

            let proxy = Proxy::start(mlflow.port, at, cut, dead_after);
            // in its own words the same server, whichever way it is reached
            let through = offline
                .clone()
                .with_server(quick(proxy.port).attempts(if dead_after { 1 } else { 3 }));
            let first = through.push();
            let reached = proxy.requests() > at;
            match (&first, dead_after && reached) {
                (Err(TrackingError::Unavailable { .. }), true) | (Ok(_), false) => {}
                other => panic!("{name}: {other:?}\n{}", mlflow.log()),
            }
            if dead_after {
                proxy.revive();
                through.push().unwrap_or_else(|e| panic!("{name}: {e}"));
            }
            let again = through.push().unwrap();
            assert_eq!(again, Pushed::default(), "{name}: all is confirmed");
            stores.push((name, offline, folder));
            if !reached {
                break;
            }
        }
    }
    stores
}

/// `least`: how many requests there are to cut off, at the least.
fn assert_nothing_lost_or_doubled(mlflow: &Mlflow, stores: &[Store], least: usize) {
    let back = mlflow.read_back("cut ");
    for (name, store, _) in stores {
        let remote = back["runs"][name]
            .as_array()
            .unwrap_or_else(|| panic!("{name}: no runs"));
        let local: Vec<RunRecord> = store.runs().unwrap();
        assert_eq!((remote.len(), local.len()), (2, 2), "{name}");
        for run in &local {
            assert_same(remote.iter().find(|r| r["name"] == *run.name).unwrap(), run);
        }
        let model = &back["models"][name];
        assert_eq!(
            model["versions"].as_array().map(Vec::len),
            Some(1),
            "{name}: one version"
        );
        assert_eq!(
            model["aliases"]["champion"], model["versions"][0]["version"],
            "{name}"
        );
    }
    println!(
        "{} pushes were cut off, nothing lost, nothing doubled",
        stores.len()
    );
    assert!(stores.len() >= least, "{}", stores.len());
}

#[test]
fn a_push_that_is_cut_off_anywhere_loses_and_doubles_nothing() {
    let Some(mlflow) = support::shared() else {
        return;
    };
    let mut stores = cut_everywhere(mlflow, &[Cut::Before, Cut::After], true);
    // and where the way is cut for one request, which the same push makes again
    stores.extend(cut_everywhere(mlflow, &[Cut::After], false));
    assert_nothing_lost_or_doubled(mlflow, &stores, 48);
}

#[test]
fn nor_does_it_on_a_server_that_keeps_what_comes_twice() {
    let Some(mlflow) = Mlflow::with("pushes cut off, into a store of files", "files", None) else {
        return;
    };
    push_three_times(&mlflow);
    let stores = cut_everywhere(&mlflow, &[Cut::After], true);
    assert_nothing_lost_or_doubled(&mlflow, &stores, 16);
}

#[test]
fn a_login_opens_a_server_that_asks_for_one() {
    let (name, password) = ("ada", "a password of the test");
    let Some(mlflow) = Mlflow::with("a server with a login", "sqlite", Some((name, password)))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let offline = tracker(folder.path()).experiment("secret").unwrap();
    let run = offline.start_run("locked").unwrap();
    run.log_metric("loss", 0.5, 0).unwrap();
    let run = run.finish().unwrap().run;
    for server in [
        mlflow.server(),
        mlflow.server().basic(name, "wrong"),
        mlflow.server().token("wrong"),
    ] {
        let error = offline.clone().with_server(server).push().unwrap_err();
        assert!(
            matches!(error, TrackingError::Refused { status: 401, .. }),
            "{error}"
        );
    }
    offline
        .with_server(mlflow.server().basic(name, password))
        .push()
        .unwrap();
    assert_same(only(&mlflow.read_back("secret"), "secret"), &run);
}

#[test]
fn a_killed_run_is_killed_on_the_server_until_it_goes_on() {
    if let Some(folder) = std::env::var_os("TRACKING_TEST_ABORT") {
        let run = tracker(std::path::Path::new(&folder))
            .experiment("killed")
            .unwrap()
            .start_run("killed")
            .unwrap();
        run.log_metric("loss", 0.5, 0).unwrap();
        std::process::abort();
    }
    let Some(mlflow) = support::shared() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let test = "a_killed_run_is_killed_on_the_server_until_it_goes_on";
    let output = support::child(test, "TRACKING_TEST_ABORT", folder.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    let tracker = tracker(folder.path())
        .experiment("killed")
        .unwrap()
        .with_server(mlflow.server());
    tracker.push().unwrap();
    let killed = tracker.runs().unwrap().remove(0);
    assert_eq!(killed.status, Status::Killed);
    assert_same(only(&mlflow.read_back("killed"), "killed"), &killed);
    assert_eq!(tracker.push().unwrap().requests, 0);
    let run = tracker.resume_run(&killed.uuid).unwrap();
    run.log_metric("loss", 0.25, 1).unwrap();
    run.flush().unwrap();
    assert_eq!(
        only(&mlflow.read_back("killed"), "killed")["status"],
        "RUNNING"
    );
    let ended = run.finish().unwrap().run;
    assert_same(only(&mlflow.read_back("killed"), "killed"), &ended);
}

#[test]
fn a_name_that_is_taken_is_taken_by_mlflow() {
    let Some(venv) = support::Venv::shared("names compared with MLflow's") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let script = "import sys\n\
        from mlflow.utils.validation import validate_param_and_metric_name as valid\n\
        print(*(i for i in range(0x110000) if not 0xd800 <= i < 0xe000 and valid('a' + chr(i) + 'a')))";
    let output = venv
        .command("python", folder.path())
        .args(["-B", "-c", script])
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let theirs: BTreeSet<u32> = String::from_utf8(output.stdout)
        .unwrap()
        .split_whitespace()
        .map(|n| n.parse().unwrap())
        .collect();
    let ours: BTreeSet<u32> = (0..=0x10ffff)
        .filter_map(char::from_u32)
        .filter(|&c| names::allowed(c))
        .map(u32::from)
        .collect();
    let refused: Vec<char> = ours
        .difference(&theirs)
        .filter_map(|&c| char::from_u32(c))
        .collect();
    assert_eq!(refused, [], "MLflow refuses these");
    assert!(ours.len() > 30_000, "{}", ours.len());
    let ascii: Vec<char> = theirs
        .difference(&ours)
        .filter_map(|&c| char::from_u32(c))
        .filter(char::is_ascii)
        .collect();
    assert_eq!(
        ascii,
        [],
        "of ASCII nothing is refused here that MLflow takes"
    );
}

#[test]
fn a_server_of_ones_own_ends_with_its_owner() {
    let Some(venv) = support::Venv::shared("a server of one's own") else {
        return;
    };
    let mlflow = LocalMlflow::start_from(&venv.dir.join("bin")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let tracker = tracker(folder.path()).with_server(mlflow.server());
    let run = tracker.start_run("one").unwrap();
    run.log_series("loss", [3.0, 2.0]).unwrap();
    assert!(matches!(
        run.finish().unwrap().server,
        Delivery::Delivered(Pushed {
            runs: 1,
            metrics: 2,
            ..
        })
    ));
    let names = mlflow
        .python("import mlflow\nprint(*[r.info.run_name for r in mlflow.search_runs(output_format='list', search_all_experiments=True)])")
        .unwrap();
    assert_eq!(names.trim(), "one");
    let error = mlflow.python("raise ValueError('no')").unwrap_err();
    assert_eq!(
        error.to_string(),
        "python: not an answer of MLflow: ValueError: no"
    );
    let port = mlflow.port();
    drop(mlflow);
    assert_eq!(support::wire::status(port, "/health"), None);
}

#[test]
fn a_server_that_cannot_be_started_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let error = LocalMlflow::start_from(folder.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains("cannot be started"), "{error}");
    for (name, text) in [
        (
            "python",
            "#!/bin/sh\necho ModuleNotFoundError >&2\nexit 1\n",
        ),
        ("mlflow", ""),
    ] {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .unwrap();
    }
    let error = LocalMlflow::start_from(folder.path())
        .unwrap_err()
        .to_string();
    assert!(error.contains("ModuleNotFoundError"), "{error}");
}
