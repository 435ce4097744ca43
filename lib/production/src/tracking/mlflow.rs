//! MLflow's own server and client on this machine, to try things with.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Server, TrackingError};

/// How long the server may take to come up: it reads a hundred Python packages and makes a database.
const PATIENCE: Duration = Duration::from_secs(120);

/// Starts the server in a group of its own, and ends the group when its standard input closes: that is when its owner
/// drops it, or dies in whichever way.
const WARDEN: &str = "\
import os, signal, subprocess, sys
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL, start_new_session=True)
sys.stdin.read()
os.killpg(server.pid, signal.SIGKILL)
server.wait()
";

/// An `mlflow server` on loopback with a database and artifacts in a temporary folder. Both are gone when it is
/// dropped, and when the process that owns it dies.
#[derive(Debug)]
pub struct LocalMlflow {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    server: Server,
    warden: Child,
}

impl LocalMlflow {
    /// The folder that holds `mlflow` and `python`: the first of PATH that has both, else that of the course's Python
    /// environment, which its tests make from `requirements.txt`.
    #[must_use]
    pub fn find() -> Option<PathBuf> {
        let both = |folder: &PathBuf| {
            ["mlflow", "python"]
                .iter()
                .all(|name| folder.join(name).is_file())
        };
        let path = std::env::var_os("PATH").unwrap_or_default();
        if let Some(folder) = std::env::split_paths(&path).find(both) {
            return Some(folder);
        }
        let cache = match std::env::var_os("XDG_CACHE_HOME").filter(|folder| !folder.is_empty()) {
            Some(folder) => PathBuf::from(folder),
            None => Path::new(&std::env::var_os("HOME")?).join(".cache"),
        };
        let environments = fs::read_dir(cache.join("ml-fullstack/python")).ok()?;
        let mut complete: Vec<PathBuf> = environments
            .flatten()
            .map(|entry| entry.path())
            .filter(|folder| folder.join("complete").is_file())
            .map(|folder| folder.join("bin"))
            .filter(both)
            .collect();
        complete.sort();
        complete.pop()
    }

    /// Starts a server with the programs that [`find`](Self::find) finds.
    ///
    /// # Errors
    /// [`TrackingError::Setting`] that says what to install where there is no MLflow; as
    /// [`start_from`](Self::start_from).
    pub fn start() -> Result<LocalMlflow, TrackingError> {
        match LocalMlflow::find() {
            Some(programs) => LocalMlflow::start_from(&programs),
            None => Err(TrackingError::Setting {
                setting: "mlflow",
                reason: "not on PATH; `python3 -m pip install -r requirements.txt` in a virtual environment brings it"
                    .into(),
            }),
        }
    }

    /// Starts a server with the `mlflow` and the `python` of a folder.
    ///
    /// # Errors
    /// [`TrackingError::Io`] where it cannot be started; [`TrackingError::Unavailable`] with the last that it said where
    /// it does not come up.
    pub fn start_from(programs: &Path) -> Result<LocalMlflow, TrackingError> {
        let folder = std::env::temp_dir().join(format!("mlflow-{:032x}", rand::random::<u128>()));
        fs::create_dir_all(&folder).map_err(TrackingError::io(&folder, "made"))?;
        let log = folder.join("log");
        let out = fs::File::create(&log).map_err(TrackingError::io(&log, "made"))?;
        let err = out.try_clone().map_err(TrackingError::io(&log, "made"))?;
        let port = TcpListener::bind("127.0.0.1:0")
            .and_then(|listener| listener.local_addr())
            .map_err(TrackingError::io(&folder, "given a port"))?
            .port();
        let server = Server::new(&format!("http://127.0.0.1:{port}"))?;
        let mut command = Command::new(programs.join("python"));
        command
            .args(["-c", WARDEN])
            .arg(programs.join("mlflow"))
            .args(["server", "--host", "127.0.0.1", "--workers", "1", "--port"])
            .arg(port.to_string())
            .arg("--backend-store-uri")
            .arg(format!("sqlite:///{}", folder.join("mlflow.db").display()))
            .arg("--artifacts-destination")
            .arg(folder.join("artifacts"))
            .current_dir(&folder)
            .env_remove("MLFLOW_TRACKING_URI")
            .env("PATH", path_with(programs))
            .stdin(Stdio::piped())
            .stdout(out)
            .stderr(err);
        #[cfg(unix)]
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let warden = command
            .spawn()
            .map_err(TrackingError::io(programs, "started"))?;
        let mut mlflow = LocalMlflow {
            programs: programs.into(),
            folder,
            port,
            server,
            warden,
        };
        mlflow.wait()?;
        Ok(mlflow)
    }

    fn wait(&mut self) -> Result<(), TrackingError> {
        let began = Instant::now();
        let mut attempts = 0;
        while !healthy(self.port) {
            attempts += 1;
            if began.elapsed() > PATIENCE || !matches!(self.warden.try_wait(), Ok(None)) {
                let log = fs::read_to_string(self.folder.join("log")).unwrap_or_default();
                let last = log.lines().rfind(|line| !line.trim().is_empty());
                return Err(TrackingError::Unavailable {
                    request: format!("GET http://127.0.0.1:{}/health", self.port),
                    message: last.unwrap_or("no answer").into(),
                    attempts,
                    seconds: began.elapsed().as_secs_f64(),
                });
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// The port on 127.0.0.1 that it listens at.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The server, for [`Tracker::with_server`](super::Tracker::with_server).
    #[must_use]
    pub fn server(&self) -> Server {
        self.server.clone()
    }

    /// Runs a Python program whose `import mlflow` speaks with this server; gives what it prints.
    ///
    /// # Errors
    /// [`TrackingError::Io`] where it cannot be run, [`TrackingError::Answer`] with the last line of its errors where
    /// it fails.
    pub fn python(&self, program: &str) -> Result<String, TrackingError> {
        let output = Command::new(self.programs.join("python"))
            .args(["-c", program])
            .current_dir(&self.folder)
            .env("MLFLOW_TRACKING_URI", self.server.uri())
            .stdin(Stdio::null())
            .output()
            .map_err(TrackingError::io(&self.programs, "run"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        Err(TrackingError::Answer {
            request: "python".into(),
            reason: errors
                .trim_end()
                .lines()
                .last()
                .unwrap_or("it failed")
                .into(),
        })
    }
}

impl Drop for LocalMlflow {
    fn drop(&mut self) {
        drop(self.warden.stdin.take());
        let _ = self.warden.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// PATH with a folder before all others.
fn path_with(folder: &Path) -> std::ffi::OsString {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(folder.to_path_buf()).chain(std::env::split_paths(&path));
    std::env::join_paths(all).unwrap_or(path)
}

/// Whether `/health` at a port of this machine is answered with 200.
fn healthy(port: u16) -> bool {
    let ask = || {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(Duration::from_secs(5))).ok()?;
        write!(
            stream,
            "GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
        )
        .ok()?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line).ok()?;
        Some(line.split(' ').nth(1) == Some("200"))
    };
    ask() == Some(true)
}
