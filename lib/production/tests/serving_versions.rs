//! Versions that come and go while requests are answered; many requests at once; drift and quality as metrics.

#[path = "support/client.rs"]
mod client;
#[path = "support/served.rs"]
mod served;

use std::collections::BTreeMap;
use std::io::Write;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use client::{answer, connect, exchange, get, post, post_with, request};
use production::churn;
use production::serving::{Folder, LinearModel, Model, Registry, Service, Settings};
use production::tracking::Tracker;
use serde_json::{Value, json};
use served::{Moody, churn_model, line, serve, settings};

const JSON: (&str, &str) = ("content-type", "application/json");

/// Answers of a client that asks again and again until told to stop, on one connection: how many came from each
/// version, and everything that was no answer.
fn ask_on(
    at: SocketAddr,
    stop: &Arc<AtomicBool>,
) -> std::thread::JoinHandle<(BTreeMap<String, u64>, Vec<String>)> {
    let stop = Arc::clone(stop);
    std::thread::spawn(move || {
        let (mut counts, mut faults) = (BTreeMap::new(), Vec::new());
        let mut connection = connect(at);
        while !stop.load(Ordering::Relaxed) {
            match exchange(
                &mut connection,
                &request("POST", "/predict", &[JSON], "{\"x\": 1}"),
            ) {
                Ok(answer) if answer.status == 200 => {
                    let body = answer.json();
                    let version = body["model"]["version"].as_str().unwrap().to_owned();
                    // the number is of the version that it is said to be of
                    assert_eq!(body["prediction"].as_f64().unwrap().to_string(), version);
                    *counts.entry(version).or_default() += 1;
                }
                other => faults.push(format!("{other:?}")),
            }
        }
        (counts, faults)
    })
}

#[test]
fn a_newer_registered_version_takes_over_without_a_dropped_request() {
    let folder = tempfile::tempdir().unwrap();
    let tracker = Tracker::local(folder.path())
        .unwrap()
        .experiment("lines")
        .unwrap();
    let register = |slope: f64| {
        let file = folder.path().join("new.model");
        line(slope).save(&file).unwrap();
        let run = tracker.start_run("a line").unwrap();
        run.log_bytes("model/line.model", std::fs::read(&file).unwrap())
            .unwrap();
        let version = run.register_model("model", "line").unwrap();
        let _ = run.finish().unwrap();
        version.version
    };
    assert_eq!(register(1.0), 1);
    let often = Settings {
        reload: Duration::from_millis(50),
        ..settings()
    };
    let running = Service::new(Registry::new(tracker.clone(), "line"))
        .settings(often)
        .start()
        .unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let asking: Vec<_> = (0..4).map(|_| ask_on(running.address(), &stop)).collect();
    // version n predicts n at x = 1
    for version in 2..=6 {
        std::thread::sleep(Duration::from_millis(150));
        assert_eq!(register(f64::from(version)), u64::from(version as u32));
    }
    let began = Instant::now();
    while post(running.address(), "/predict", "{\"x\": 1}").json()["model"]["version"] != "6" {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "version 6 never serves"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    // back to an earlier one, by its alias
    tracker.set_alias("line", "champion", 3).unwrap();
    let began = Instant::now();
    while post(running.address(), "/predict", "{\"x\": 1}").json()["model"]["version"] != "3" {
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "version 3 never serves"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
    stop.store(true, Ordering::Relaxed);
    let mut all: BTreeMap<String, u64> = BTreeMap::new();
    for one in asking {
        let (counts, faults) = one.join().unwrap();
        assert_eq!(faults, Vec::<String>::new());
        for (version, count) in counts {
            *all.entry(version).or_default() += count;
        }
    }
    println!("answers by version: {all:?}");
    assert!(all["1"] > 0 && all["6"] > 0 && all["3"] > 0);
}

#[test]
fn a_file_that_is_no_model_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let running = serve(folder.path(), &line(1.0), settings());
    let at = running.address();
    let champion = folder.path().join("champion.model");
    let good = std::fs::read_to_string(&champion).unwrap();
    for (broken, reason) in [
        (String::new(), "one line"),
        (good[..good.len() / 2].to_owned(), "altered"),
        (good.replace("\"weight\":1.0", "\"weight\":9.0"), "altered"),
        (
            good.replace("\"format\":1", "\"format\":2"),
            "a newer version of it is needed",
        ),
        ("\u{0}\n{}".into(), "not the header of a model"),
    ] {
        assert_ne!(broken, good);
        std::fs::write(&champion, &broken).unwrap();
        let error = LinearModel::load(&champion).unwrap_err().to_string();
        assert!(
            error.contains(reason) && error.contains("champion.model"),
            "{error}"
        );
        running.reload();
        assert_eq!(post(at, "/predict", "{\"x\": 4}").json()["prediction"], 4.0);
        assert_eq!(get(at, "/readyz").status, 200);
        assert_eq!(get(at, "/metrics").metric("ml_reload_failures"), Some(1.0));
    }
    assert_eq!(
        get(at, "/metrics").metric("ml_reloads_total{result=\"failed\"}"),
        Some(5.0)
    );
    running.reload(); // the same file fails in silence
    assert_eq!(
        get(at, "/metrics").metric("ml_reloads_total{result=\"failed\"}"),
        Some(5.0)
    );
    line(2.0).save(&champion).unwrap();
    running.reload();
    assert_eq!(post(at, "/predict", "{\"x\": 4}").json()["prediction"], 8.0);
    assert_eq!(get(at, "/metrics").metric("ml_reload_failures"), Some(0.0));
}

#[test]
fn a_canary_answers_its_share_and_a_shadow_is_compared() {
    let folder = tempfile::tempdir().unwrap();
    line(2.0).save(&folder.path().join("canary.model")).unwrap();
    line(3.0).save(&folder.path().join("shadow.model")).unwrap();
    let share = Settings {
        canary_share: 0.25,
        ..settings()
    };
    let running = serve(folder.path(), &line(1.0), share);
    let at = running.address();
    let mut connection = connect(at);
    let mut canary = 0;
    for key in 0..400 {
        let key = format!("customer-{key}");
        let bytes = request(
            "POST",
            "/predict",
            &[JSON, ("x-routing-key", &key)],
            "{\"x\": 1}",
        );
        let (first, again) = (
            exchange(&mut connection, &bytes).unwrap(),
            exchange(&mut connection, &bytes).unwrap(),
        );
        assert_eq!(first.json()["model"], again.json()["model"]); // one key, one version
        let role = first.json()["model"]["role"].clone();
        assert_eq!(
            first.json()["prediction"],
            if role == "canary" { 2.0 } else { 1.0 }
        );
        canary += u32::from(role == "canary");
    }
    // 100 expected, standard deviation 8.7
    assert!((65..=135).contains(&canary), "{canary} of 400");
    let began = Instant::now();
    let metrics = loop {
        let metrics = get(at, "/metrics");
        let told = |result: &str| {
            metrics
                .metric(&format!("ml_shadow_total{{result=\"{result}\"}}"))
                .unwrap_or(0.0)
        };
        if told("agrees") + told("left_out") >= 800.0 {
            break metrics;
        }
        assert!(
            began.elapsed() < Duration::from_secs(20),
            "{}",
            metrics.body
        );
        std::thread::sleep(Duration::from_millis(20));
    };
    // 3 beside 1, or beside 2: no difference is below a tenth
    assert_eq!(
        metrics.metric("ml_shadow_difference_bucket{le=\"0.1\"}"),
        Some(0.0)
    );
    assert!(metrics.metric("ml_shadow_difference_count").unwrap() > 400.0);
    // gone with its file
    std::fs::remove_file(folder.path().join("canary.model")).unwrap();
    running.reload();
    let mut roles = (0..50).map(|i| {
        post_with(
            at,
            "/predict",
            &[("x-routing-key", &i.to_string())],
            "{\"x\": 1}",
        )
        .json()
    });
    assert!(roles.all(|answer| answer["model"]["role"] == "champion"));
}

#[test]
fn two_thousand_requests_at_once_are_all_answered() {
    let folder = tempfile::tempdir().unwrap();
    let running = serve(folder.path(), churn_model(), settings());
    let at = running.address();
    let row = Value::Object(churn_model().schema().example()).to_string();
    let bytes = request("POST", "/predict", &[JSON], &row);
    let mut connections: Vec<_> = (0..2_000).map(|_| connect(at)).collect();
    for connection in &mut connections {
        connection.write_all(&bytes).unwrap();
    }
    let statuses: Vec<u16> = connections
        .iter_mut()
        .map(|c| answer(c).unwrap().status)
        .collect();
    assert_eq!(
        statuses.iter().filter(|status| **status == 200).count(),
        2_000
    );
}

#[test]
fn what_is_too_much_is_told_to_come_later() {
    let folder = tempfile::tempdir().unwrap();
    line(1.0)
        .save(&folder.path().join("champion.model"))
        .unwrap();
    let narrow = Settings {
        concurrency: 4,
        queue: 10,
        timeout: Duration::from_secs(20),
        ..settings()
    };
    let running = Service::new(Folder::new(folder.path()))
        .load_with(|path| {
            Ok(Arc::new(Moody {
                inner: LinearModel::load(path)?,
                pause: Duration::from_millis(400),
                begun: Arc::default(),
            }))
        })
        .settings(narrow)
        .start()
        .unwrap();
    let at = running.address();
    let bytes = request("POST", "/predict", &[JSON], "{\"x\": 1}");
    let mut connections: Vec<_> = (0..200).map(|_| connect(at)).collect();
    for connection in &mut connections {
        connection.write_all(&bytes).unwrap();
    }
    let answers: Vec<_> = connections.iter_mut().map(|c| answer(c).unwrap()).collect();
    let (good, busy): (Vec<_>, Vec<_>) = answers.iter().partition(|answer| answer.status == 200);
    // four at once and ten that wait; more where one ended before the last came
    assert!(good.len() >= 14 && busy.len() >= 100, "{} good", good.len());
    assert!(
        busy.iter().all(|a| a.status == 503
            && a.codes().0 == "busy"
            && a.header("retry-after") == Some("1"))
    );
    assert_eq!(get(at, "/healthz").status, 200); // not behind the gate
}

#[test]
fn stopping_lets_requests_end() {
    let folder = tempfile::tempdir().unwrap();
    line(1.0)
        .save(&folder.path().join("champion.model"))
        .unwrap();
    let begun: Arc<std::sync::atomic::AtomicU64> = Arc::default();
    let count = Arc::clone(&begun);
    let running = Service::new(Folder::new(folder.path()))
        .load_with(move |path| {
            Ok(Arc::new(Moody {
                inner: LinearModel::load(path)?,
                pause: Duration::from_millis(500),
                begun: Arc::clone(&count),
            }))
        })
        .settings(settings())
        .start()
        .unwrap();
    let at = running.address();
    let idle = connect(at); // a connection that never asks must not hold the end up
    let mut asking: Vec<_> = (0..5).map(|_| connect(at)).collect();
    for connection in &mut asking {
        connection
            .write_all(&request("POST", "/predict", &[JSON], "{\"x\": 7}"))
            .unwrap();
    }
    while begun.load(Ordering::SeqCst) < 5 {
        std::thread::sleep(Duration::from_millis(5));
    }
    let began = Instant::now();
    assert!(running.stop().in_time);
    assert!(began.elapsed() < Duration::from_secs(10));
    for connection in &mut asking {
        assert_eq!(answer(connection).unwrap().json()["prediction"], 7.0);
    }
    drop(idle);
    assert!(
        std::net::TcpStream::connect(at).is_err(),
        "it still accepts"
    );
}

#[test]
fn drift_and_quality_are_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let running = serve(folder.path(), churn_model(), settings());
    let at = running.address();
    let customers =
        churn::customers(&datasets::churn().unwrap().path, churn_model().schema()).unwrap();
    let ask = |rows: &[Value]| post(at, "/predict", &Value::from(rows.to_vec()).to_string()).json();

    // customers as in training: no drift, and a quality that was that of the fit
    let answers: Vec<Value> = customers.json[..1_000].chunks(200).map(ask).collect();
    let told: Vec<Value> = answers
        .iter()
        .flat_map(|answer| answer["predictions"].as_array().unwrap())
        .zip(&customers.left)
        .map(|(prediction, left)| json!({"id": prediction["id"], "outcome": left}))
        .collect();
    for part in told.chunks(200) {
        let got = post(at, "/feedback", &Value::from(part.to_vec()).to_string()).json();
        assert_eq!(got, json!({"matched": 200, "unknown": [], "refused": []}));
    }
    let again = post(at, "/feedback", &told[0].to_string()).json();
    assert_eq!(again["unknown"], json!([told[0]["id"]]));
    let wrong = post(
        at,
        "/feedback",
        &json!({"id": "1", "outcome": "yes"}).to_string(),
    );
    assert_eq!(
        (wrong.status, wrong.codes().1),
        (422, vec![("outcome".into(), "missing_field".into())])
    );

    let metrics = get(at, "/metrics");
    assert_eq!(
        metrics.metric("ml_drift_rows{field=\"tenure\"}"),
        Some(1_000.0)
    );
    let value = |name: &str| {
        metrics
            .metric(name)
            .unwrap_or_else(|| panic!("no {name} in\n{}", metrics.body))
    };
    for field in ["tenure", "contract", "monthly_charges"] {
        let psi = value(&format!("ml_drift_psi{{field=\"{field}\"}}"));
        assert!(
            psi < value(&format!("ml_drift_psi_by_chance{{field=\"{field}\"}}")),
            "{field}: {psi}"
        );
    }
    let version = answers[0]["model"]["version"].as_str().unwrap();
    let brier = value(&format!("ml_quality_brier{{version=\"{version}\"}}"));
    assert!((0.1..0.2).contains(&brier), "{brier}");
    assert_eq!(
        value(&format!("ml_quality_outcomes{{version=\"{version}\"}}")),
        1_000.0
    );

    // tenure sent in years, total charges left out
    let years: Vec<Value> = customers
        .json
        .iter()
        .map(|row| {
            let mut row = row.clone();
            row["tenure"] = json!(row["tenure"].as_u64().unwrap() / 12);
            row["total_charges"] = Value::Null;
            row
        })
        .collect();
    for part in years[..2_000].chunks(500) {
        assert!(ask(part)["predictions"].is_array());
    }
    let metrics = get(at, "/metrics");
    let value = |name: &str| {
        metrics
            .metric(name)
            .unwrap_or_else(|| panic!("no {name} in\n{}", metrics.body))
    };
    assert!(value("ml_drift_psi{field=\"tenure\"}") > 1.0);
    assert!(value("ml_drift_ks{field=\"tenure\"}") > 0.4);
    assert_eq!(
        value("ml_drift_missing_ratio{field=\"total_charges\"}"),
        1.0
    );
    assert!(value("ml_drift_missing_in_training_ratio{field=\"total_charges\"}") < 0.01);
    assert!(value("ml_drift_psi{field=\"contract\"}") < 0.02);
}
