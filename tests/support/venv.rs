//! The Python environment that tests share, those of the tool and those of the libraries.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant, SystemTime};

use sha2::{Digest, Sha256};

/// The repository's root: the nearest folder above a crate that holds `requirements.txt`.
fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .find(|folder| folder.join("requirements.txt").is_file())
        .expect("requirements.txt is at the repository's root")
}

/// Says that a test cannot run here, and what it needs. A failure where `COURSE_REQUIRE_ALL=1`.
pub fn skip(what: &str, need: &str) {
    let line = format!("skipped: {what}: {need}");
    assert!(
        !required(),
        "{line} (COURSE_REQUIRE_ALL=1 allows no skipped test)"
    );
    // past the test harness's capture, so that nobody takes a skipped test for a passed one
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{line}\n").as_bytes());
}

/// Whether every test must run.
pub fn required() -> bool {
    std::env::var_os("COURSE_REQUIRE_ALL").is_some_and(|v| v == "1")
}

/// The Python environment of `requirements.txt`, locked until dropped.
pub struct Venv {
    /// Its folder.
    pub dir: PathBuf,
    _lock: File,
}

impl Venv {
    /// The environment in the user's cache, made when it is not there yet; `None`, with a line that
    /// says what is missing, where it cannot be made. Nobody else uses it meanwhile.
    pub fn get(what: &str) -> Option<Venv> {
        Venv::take(what, true)
    }

    /// The same for tests that change nothing in it: any number of them use it at once.
    pub fn shared(what: &str) -> Option<Venv> {
        Venv::take(what, false)
    }

    fn take(what: &str, alone: bool) -> Option<Venv> {
        match Venv::make(alone) {
            Ok(venv) => Some(venv),
            Err(need) => {
                skip(what, &need);
                None
            }
        }
    }

    /// A program of the environment, with Jupyter's own folders put aside: the user's settings and
    /// kernels do not count.
    pub fn command(&self, program: &str, scratch: &Path) -> Command {
        let bin = self.dir.join("bin");
        let mut command = Command::new(bin.join(program));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let paths = std::iter::once(bin).chain(std::env::split_paths(&path));
        command
            .env(
                "PATH",
                std::env::join_paths(paths).expect("PATH can be joined"),
            )
            .env("VIRTUAL_ENV", &self.dir)
            .env("JUPYTER_CONFIG_DIR", scratch.join("config"))
            .env("JUPYTER_DATA_DIR", scratch.join("data"))
            .env("JUPYTER_RUNTIME_DIR", scratch.join("runtime"))
            .env("IPYTHONDIR", scratch.join("ipython"))
            .env_remove("JUPYTER_PATH")
            .env_remove("PYTHONPATH")
            .env_remove("PYTHONHOME");
        command
    }

    fn make(alone: bool) -> Result<Venv, String> {
        let python = python()?;
        let requirements = repository().join("requirements.txt");
        let text = std::fs::read(&requirements)
            .map_err(|e| format!("requirements.txt cannot be read: {e}"))?;
        let sum = Sha256::digest([&text, python.as_bytes()].concat());
        let key: String = sum.iter().map(|b| format!("{b:02x}")).collect();
        let folder = kernel::cache_folder()
            .map_err(|e| e.to_string())?
            .join("python");
        std::fs::create_dir_all(&folder)
            .map_err(|e| format!("{} cannot be made: {e}", folder.display()))?;
        let dir = folder.join(&key[..16]);
        let lock =
            File::create(dir.with_extension("lock")).map_err(|e| format!("no lock file: {e}"))?;
        let no_lock = |e| format!("the lock cannot be had: {e}");
        let done = dir.join("complete");
        if !alone {
            lock.lock_shared().map_err(no_lock)?;
            // the date of use is brought up to date, for the sweep
            if done.is_file() && std::fs::write(&done, "").is_ok() {
                return Ok(Venv { dir, _lock: lock });
            }
            lock.unlock().map_err(no_lock)?;
        }
        lock.lock().map_err(no_lock)?;
        if !done.is_file() {
            let began = Instant::now();
            let _ = std::fs::remove_dir_all(&dir);
            sweep(&folder);
            step(
                Command::new("python3").args(["-m", "venv"]).arg(&dir),
                "python3 cannot make a virtual environment (on Debian: apt-get install python3-venv)",
            )?;
            step(
                Command::new(dir.join("bin/python"))
                    .args([
                        "-m",
                        "pip",
                        "install",
                        "--quiet",
                        "--disable-pip-version-check",
                    ])
                    .args(["--require-hashes", "--only-binary", ":all:", "-r"])
                    .arg(&requirements),
                "pip cannot fetch the packages of requirements.txt (is there a network?)",
            )?;
            println!(
                "virtual environment made in {:.0} s",
                began.elapsed().as_secs_f64()
            );
        }
        // the date of use, for the sweep
        std::fs::write(&done, "")
            .map_err(|e| format!("{} cannot be written: {e}", done.display()))?;
        if !alone {
            lock.lock_shared().map_err(no_lock)?;
        }
        Ok(Venv { dir, _lock: lock })
    }
}

/// Removes environments that nobody has used for thirty days.
fn sweep(folder: &Path) {
    let old = SystemTime::now() - Duration::from_secs(30 * 24 * 3600);
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let used = std::fs::metadata(entry.path().join("complete")).and_then(|m| m.modified());
        if used.is_ok_and(|used| used < old) {
            let _ = std::fs::remove_dir_all(entry.path());
        }
    }
}

/// The version of python3 and where it stands; what is missing, when it will not do.
fn python() -> Result<String, String> {
    let need =
        "python3, 3.11 or newer, is needed (on Debian: apt-get install python3 python3-venv)";
    let program = "import sys; print(sys.executable, *sys.version_info[:3]); sys.exit(sys.version_info < (3, 11))";
    let output = Command::new("python3")
        .args(["-c", program])
        .stdin(Stdio::null())
        .output();
    match output {
        Ok(Output { status, stdout, .. }) if status.success() => {
            Ok(String::from_utf8_lossy(&stdout).into_owned())
        }
        _ => Err(need.into()),
    }
}

fn step(command: &mut Command, need: &str) -> Result<(), String> {
    let output = command
        .stdin(Stdio::null())
        .output()
        .map_err(|e| format!("{need}: {e}"))?;
    if output.status.success() {
        return Ok(());
    }
    let text = String::from_utf8_lossy(&output.stderr).into_owned()
        + &String::from_utf8_lossy(&output.stdout);
    let last = text
        .lines()
        .rfind(|l| !l.trim().is_empty())
        .unwrap_or("it gave no reason");
    Err(format!("{need}: {last}"))
}
