//! The alert rules, loaded into a real Prometheus that watches a real service, and seen to fire.

#[path = "support/client.rs"]
mod client;
#[path = "support/served.rs"]
mod served;
#[allow(dead_code)]
#[path = "../../../tests/support/venv.rs"]
mod venv;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use client::{get, post};
use production::churn;
use production::serving::Model;
use serde_json::{Value, json};
use served::{churn_model, line, serve, settings};

/// A Prometheus; ended when dropped.
struct Prometheus {
    child: Child,
    address: SocketAddr,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn rules() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/alerts.yml");
    std::fs::read_to_string(path).unwrap()
}

/// Starts Prometheus with the rules as they are, but for how long a condition must hold.
fn prometheus(folder: &Path, service: SocketAddr) -> Option<Prometheus> {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut shortened = 0;
    let rules: Vec<String> = rules()
        .lines()
        .map(|line| match line.split_once("for: ") {
            Some((indent, _)) if indent.trim().is_empty() => {
                shortened += 1;
                format!("{indent}for: 1s")
            }
            _ => line.to_owned(),
        })
        .collect();
    assert!(shortened >= 8, "{shortened} rules wait");
    std::fs::write(folder.join("alerts.yml"), rules.join("\n")).unwrap();
    let settings = format!(
        "global:\n  scrape_interval: 1s\n  evaluation_interval: 1s\nrule_files: [alerts.yml]\nscrape_configs:\n  \
         - job_name: model\n    static_configs:\n      - targets: [\"{service}\"]\n"
    );
    std::fs::write(folder.join("prometheus.yml"), settings).unwrap();
    let log = std::fs::File::create(folder.join("log")).unwrap();
    let started = Command::new("prometheus")
        .arg("--config.file=prometheus.yml")
        .arg("--storage.tsdb.path=data")
        .arg(format!("--web.listen-address={port}"))
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn();
    match started {
        Ok(child) => Some(Prometheus {
            child,
            address: port,
        }),
        Err(error) => {
            let need = format!("{error}: Debian's package prometheus has it");
            venv::skip("alert rules in a real Prometheus", &need);
            None
        }
    }
}

impl Prometheus {
    /// Alerts that fire now, as name and field.
    fn firing(&self) -> BTreeSet<(String, String)> {
        let alerts = get(self.address, "/api/v1/alerts").json();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let alerts = alerts["data"]["alerts"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let firing = alerts.iter().filter(|alert| alert["state"] == "firing");
        firing
            .map(|a| (text(&a["labels"]["alertname"]), text(&a["labels"]["field"])))
            .collect()
    }

    fn wait(
        &self,
        what: &str,
        done: impl Fn(&BTreeSet<(String, String)>) -> bool,
        folder: &Path,
    ) -> BTreeSet<(String, String)> {
        let began = Instant::now();
        loop {
            let firing = self.firing();
            if done(&firing) {
                return firing;
            }
            if began.elapsed() > Duration::from_secs(90) {
                let log = std::fs::read_to_string(folder.join("log")).unwrap_or_default();
                panic!("{what}: only {firing:?} fire\n{log}");
            }
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

#[test]
fn alerts_fire_in_a_real_prometheus() {
    let (models, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let running = serve(models.path(), churn_model(), settings());
    let at = running.address();
    let Some(prometheus) = prometheus(folder.path(), at) else {
        return;
    };
    let began = Instant::now();
    while std::net::TcpStream::connect(prometheus.address).is_err() {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "Prometheus does not come up"
        );
        std::thread::sleep(Duration::from_millis(100));
    }
    let customers =
        churn::customers(&datasets::churn().unwrap().path, churn_model().schema()).unwrap();
    let ask = |rows: &[Value]| post(at, "/predict", &Value::from(rows.to_vec()).to_string()).json();

    let tell = |answers: &Value, left: &[f64]| {
        let answers = answers["predictions"].as_array().unwrap().iter();
        let told: Vec<Value> = answers
            .zip(left)
            .map(|(one, left)| json!({"id": one["id"], "outcome": left}))
            .collect();
        assert_eq!(told.len(), left.len());
        let told = Value::from(told).to_string();
        assert_eq!(post(at, "/feedback", &told).status, 200);
    };

    // customers as in training, what became of them, and one category that is new: nothing to alarm about
    for (rows, left) in customers.json[..1_000]
        .chunks(250)
        .zip(customers.left.chunks(250))
    {
        tell(&ask(rows), left);
    }
    let mut weekly = customers.json[0].clone();
    weekly["contract"] = json!("Weekly");
    assert_eq!(post(at, "/predict", &weekly.to_string()).status, 422);
    let calm = "/api/v1/query?query=ml_drift_rows%7Bfield%3D%22tenure%22%7D%3D%3D1000";
    let began = Instant::now();
    while get(prometheus.address, calm).json()["data"]["result"]
        .as_array()
        .is_none_or(Vec::is_empty)
    {
        assert!(
            began.elapsed() < Duration::from_secs(60),
            "the service is not scraped"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    std::thread::sleep(Duration::from_secs(3));
    let quiet = prometheus.firing();
    let unexpected = quiet
        .iter()
        .filter(|(name, _)| name != "ManyRefusals" && name != "SlowAnswers");
    assert_eq!(unexpected.count(), 0, "{quiet:?}");

    // the day of the chapter: tenure in years, and weeks later what became of the customers
    let in_years = |row: &Value| {
        let mut row = row.clone();
        row["tenure"] = json!(row["tenure"].as_u64().unwrap() / 12);
        row
    };
    for (rows, left) in customers.json[1_000..3_000]
        .chunks(500)
        .zip(customers.left[1_000..3_000].chunks(500))
    {
        let rows: Vec<Value> = rows.iter().map(in_years).collect();
        tell(&ask(&rows), left);
    }
    let day = prometheus.wait(
        "after the day of the chapter",
        |firing| {
            let names: Vec<&str> = firing.iter().map(|(name, _)| name.as_str()).collect();
            names.contains(&"InputDrift") && names.contains(&"QualityFell")
        },
        folder.path(),
    );
    // the level of the predictions is still right: only their order is not
    assert!(!day.iter().any(|(name, _)| name == "MisjudgedLevel"));

    // total charges left out, everybody leaves, a category that is new, a broken file
    for rows in customers.json[..2_000].chunks(250) {
        let rows: Vec<Value> = rows
            .iter()
            .map(|row| {
                let mut row = in_years(row);
                row["total_charges"] = Value::Null;
                row
            })
            .collect();
        tell(&ask(&rows), &vec![1.0; rows.len()]);
    }
    for _ in 0..30 {
        assert_eq!(post(at, "/predict", &weekly.to_string()).status, 422);
    }
    std::fs::write(models.path().join("canary.model"), "no model").unwrap();
    running.reload();
    let wanted = [
        ("InputDrift", "tenure"),
        ("ValuesMissing", "total_charges"),
        ("UnseenCategories", "contract"),
        ("QualityFell", ""),
        ("MisjudgedLevel", ""),
        ("ReloadFails", ""),
    ];
    let wanted: BTreeSet<(String, String)> = wanted
        .iter()
        .map(|(n, f)| ((*n).to_owned(), (*f).to_owned()))
        .collect();
    let firing = prometheus.wait(
        "after the drift",
        |firing| wanted.is_subset(firing),
        folder.path(),
    );
    println!("firing: {firing:?}");
    // and none that has no reason to
    for name in ["ServiceDown", "NotReady", "ManyErrors"] {
        assert!(!firing.iter().any(|(n, _)| n == name), "{name} fires");
    }
    // a field that did not move is not named
    assert!(!firing.contains(&("InputDrift".into(), "contract".into())));

    assert!(running.stop().in_time);
    let down =
        |firing: &BTreeSet<(String, String)>| firing.iter().any(|(name, _)| name == "ServiceDown");
    prometheus.wait("after the end", down, folder.path());
}

#[test]
fn each_metric_of_the_rules_is_one_of_the_service() {
    let folder = tempfile::tempdir().unwrap();
    line(2.0).save(&folder.path().join("shadow.model")).unwrap();
    let running = serve(folder.path(), churn_model(), settings());
    let at = running.address();
    let example = Value::Object(churn_model().schema().example());
    let answer = post(at, "/predict", &example.to_string()).json();
    assert_eq!(
        post(
            at,
            "/feedback",
            &json!({"id": answer["id"], "outcome": 0}).to_string()
        )
        .status,
        200
    );
    let metrics = get(at, "/metrics").body;
    let rules = rules();
    let named: BTreeSet<&str> = rules
        .split(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
        .filter(|word| word.starts_with("ml_"))
        .collect();
    assert!(named.len() >= 10);
    for name in named {
        let known = metrics
            .lines()
            .any(|l| l.starts_with(&format!("# TYPE {} ", name.trim_end_matches("_bucket"))));
        assert!(known, "{name} is in the rules, and no metric");
    }
}
