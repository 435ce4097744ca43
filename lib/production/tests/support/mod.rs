//! What the tests of tracking share: a real MLflow server, its own client to read back with, and ways to break the
//! connection between.
#![allow(dead_code)] // each test file uses a part

use std::net::TcpListener;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::{Duration, Instant};

use production::tracking::{Data, RunRecord, Server, Tracker};
use serde_json::Value;

#[path = "../../../../tests/support/venv.rs"]
mod venv;

pub mod wire;

pub use venv::Venv;

/// An `mlflow server` on loopback, with its store in a folder of its own; ended when dropped.
pub struct Mlflow {
    pub venv: Venv,
    pub folder: tempfile::TempDir,
    pub port: u16,
    login: Option<(String, String)>,
    child: Child,
}

impl Mlflow {
    /// A server with its data in `sqlite` or in `files`, with a login or without; `None`, with a line that says why,
    /// where there is no Python.
    pub fn with(what: &str, store: &str, login: Option<(&str, &str)>) -> Option<Mlflow> {
        let venv = Venv::shared(what)?;
        let folder = tempfile::tempdir().expect("a temporary folder");
        let port = free_port();
        let at = |name: &str| folder.path().join(name).display().to_string();
        let backend = match store {
            "sqlite" => format!("sqlite:///{}", at("mlflow.db")),
            _ => at("runs"),
        };
        let mut command = venv.command("mlflow", folder.path());
        command
            .args([
                "server",
                "--host",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--workers",
                "1",
            ])
            .args([
                "--backend-store-uri",
                &backend,
                "--artifacts-destination",
                &at("artifacts"),
            ])
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(folder.path().join("log")).expect("a log"))
            .stderr(std::fs::File::create(folder.path().join("errors")).expect("a log"))
            .process_group(0);
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("MLFLOW_")) {
            command.env_remove(name);
        }
        if let Some((name, password)) = login {
            let ini = folder.path().join("auth.ini");
            let text = format!(
                "[mlflow]\ndefault_permission = READ\ndatabase_uri = sqlite:///{}\n\
                 authorization_function = mlflow.server.auth:authenticate_request_basic_auth\n",
                at("auth.db")
            );
            std::fs::write(&ini, text).expect("the login's settings");
            // MLflow's login app wants Flask-WTF for its HTML form, which is not among our packages
            let stand_in = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/stand_in");
            command
                .args(["--app-name", "basic-auth"])
                .env("PYTHONPATH", stand_in)
                .env("PYTHONDONTWRITEBYTECODE", "1")
                .env("MLFLOW_AUTH_CONFIG_PATH", ini)
                .env("MLFLOW_AUTH_ADMIN_USERNAME", name)
                .env("MLFLOW_AUTH_ADMIN_PASSWORD", password)
                .env("MLFLOW_FLASK_SERVER_SECRET_KEY", "of this test alone");
        }
        if store == "files" {
            command.env("MLFLOW_ALLOW_FILE_STORE", "true");
        }
        let child = command.spawn().expect("mlflow can be started");
        let login = login.map(|(name, password)| (name.to_owned(), password.to_owned()));
        let mut mlflow = Mlflow {
            venv,
            folder,
            port,
            login,
            child,
        };
        mlflow.wait();
        Some(mlflow)
    }

    fn wait(&mut self) {
        let began = Instant::now();
        let deadline = Duration::from_secs(120);
        loop {
            let ended = self.child.try_wait().expect("the server can be waited for");
            if wire::status(self.port, "/health") == Some(200) {
                println!(
                    "mlflow server up after {:.1} s",
                    began.elapsed().as_secs_f64()
                );
                return;
            }
            assert!(
                ended.is_none() && began.elapsed() < deadline,
                "mlflow server does not come up: {}",
                self.log()
            );
            std::thread::sleep(Duration::from_millis(100));
        }
    }

    /// What the server printed.
    pub fn log(&self) -> String {
        ["log", "errors"]
            .map(|name| std::fs::read_to_string(self.folder.path().join(name)).unwrap_or_default())
            .concat()
    }

    /// Its address.
    pub fn uri(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The server as the tracker is told of it, in a hurry.
    pub fn server(&self) -> Server {
        quick(self.port)
    }

    /// What the server holds under names that begin so, as MLflow's own client tells it.
    pub fn read_back(&self, prefix: &str) -> Value {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/read_back.py");
        let mut command = self.venv.command("python", self.folder.path());
        if let Some((name, password)) = &self.login {
            command
                .env("MLFLOW_TRACKING_USERNAME", name)
                .env("MLFLOW_TRACKING_PASSWORD", password);
        }
        let output = command
            .arg("-B")
            .arg(script)
            .args([&self.uri(), prefix])
            .output()
            .expect("python runs");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{}\n{}",
            String::from_utf8_lossy(&output.stderr),
            self.log()
        );
        serde_json::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"))
    }
}

impl Drop for Mlflow {
    fn drop(&mut self) {
        // SAFETY: kill touches no memory; the group is that of this test's own child, not yet waited for.
        unsafe {
            libc::kill(-(self.child.id() as i32), libc::SIGKILL);
        }
        let _ = self.child.wait();
    }
}

/// The group of the server that this program's tests share.
static SHARED: AtomicI32 = AtomicI32::new(0);

/// A server with its data in sqlite that the tests of this program share; it ends with the program.
pub fn shared() -> Option<&'static Mlflow> {
    static SERVER: OnceLock<Option<Mlflow>> = OnceLock::new();
    extern "C" fn end() {
        // SAFETY: kill touches no memory; the group is that of this program's own child, never waited for.
        unsafe {
            libc::kill(-SHARED.load(Ordering::SeqCst), libc::SIGKILL);
        }
    }
    let start = || {
        let mlflow = Mlflow::with("against an MLflow server", "sqlite", None)?;
        SHARED.store(mlflow.child.id() as i32, Ordering::SeqCst);
        // SAFETY: the function needs nothing that is gone when the program ends.
        unsafe { libc::atexit(end) };
        Some(mlflow)
    };
    SERVER.get_or_init(start).as_ref()
}

/// A port that is free now.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .and_then(|l| l.local_addr())
        .expect("a free port")
        .port()
}

/// A server on loopback, tried once, without long waits.
pub fn quick(port: u16) -> Server {
    Server::new(&format!("http://127.0.0.1:{port}"))
        .expect("an address")
        .attempts(1)
        .pause(Duration::from_millis(10))
        .time_limit(Duration::from_secs(20))
}

/// A tracker in a folder, with nothing of this machine in its runs.
pub fn tracker(folder: &Path) -> Tracker {
    Tracker::local(folder)
        .expect("a store")
        .with_environment(production::tracking::Environment::default())
}

/// A run with one of everything, finished; its file.
pub fn sample(tracker: &Tracker) -> (String, std::path::PathBuf) {
    let run = tracker.start_run("sample").unwrap();
    run.log_param("alpha", 0.5).unwrap();
    run.log_metric_at("loss", 0.25, 3, 1_700_000_000_000)
        .unwrap();
    run.log_metric_at("loss", f64::NAN, 4, 1_700_000_000_001)
        .unwrap();
    run.set_tag("note", "a | b\nc").unwrap();
    let data = Data {
        name: "auto".into(),
        digest: "0123".into(),
        source: "a file".into(),
        context: "training".into(),
        rows: 392,
    };
    run.log_data(data).unwrap();
    run.log_bytes("model/weights.txt", "1 2 3").unwrap();
    let uuid = run.uuid().to_owned();
    let _ = run.finish().unwrap();
    let file = tracker.folder().join("runs").join(&uuid).join("run.jsonl");
    (uuid, file)
}

/// Runs one test of this very program in a process of its own, with a variable set that says so.
pub fn child(test: &str, variable: &str, value: &Path) -> Command {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(variable, value);
    command
}

/// Asserts that a server has a run as the store has it: nothing lost, nothing doubled.
#[track_caller]
pub fn assert_same(remote: &Value, local: &RunRecord) {
    let name = &local.name;
    assert_eq!(remote["name"], **name, "{name}: name");
    assert_eq!(remote["status"], local.status.name(), "{name}: status");
    assert_eq!(remote["start"], local.started, "{name}: start");
    if let Some(ended) = local.ended {
        assert_eq!(remote["end"], ended, "{name}: end");
    }
    assert_eq!(
        remote["params"],
        serde_json::to_value(&local.params).unwrap(),
        "{name}: parameters"
    );
    let mut tags = remote["tags"].as_object().expect("tags").clone();
    assert_eq!(
        tags.remove("course.run_uuid"),
        Some(Value::from(&*local.uuid)),
        "{name}: uuid"
    );
    assert_eq!(
        tags.remove("mlflow.runName"),
        Some(Value::from(&**name)),
        "{name}: name"
    );
    assert_eq!(
        tags.remove("mlflow.parentRunId").is_some(),
        local.parent.is_some(),
        "{name}: parent"
    );
    assert_eq!(
        Value::from(tags),
        serde_json::to_value(&local.tags).unwrap(),
        "{name}: tags"
    );
    let point = |key: &str, value: f64, time: u64, step: i64| {
        // sqlite knows no -0
        format!("{key} {:e} {time} {step}", value + 0.0)
    };
    let mut here: Vec<String> = local
        .metrics
        .iter()
        .map(|m| point(&m.key, m.value.clamp(f64::MIN, f64::MAX), m.time, m.step))
        .collect();
    let there: Vec<String> = remote["metrics"]
        .as_array()
        .expect("metrics")
        .iter()
        .map(|m| {
            let value = m[1]
                .as_f64()
                .or_else(|| m[1].as_str()?.parse().ok())
                .expect("a value");
            let value = value.clamp(f64::MIN, f64::MAX);
            point(
                m[0].as_str().unwrap(),
                value,
                m[2].as_u64().unwrap(),
                m[3].as_i64().unwrap(),
            )
        })
        .collect();
    for point in &there {
        match here.iter().position(|p| p == point) {
            Some(at) => drop(here.swap_remove(at)),
            None => panic!("{name}: {point} is there, but was not logged, or is there twice"),
        }
    }
    assert_eq!(here, [""; 0], "{name}: lost");
    let files: serde_json::Map<String, Value> = local
        .artifacts
        .iter()
        .map(|a| (a.path.clone(), Value::from(&*a.sha256)))
        .collect();
    assert_eq!(remote["artifacts"], Value::from(files), "{name}: artifacts");
}
