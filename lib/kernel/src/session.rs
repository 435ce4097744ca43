//! A session's own build folder.
//!
//! It stands in the user's cache folder, never in the workspace; it starts as a copy of the warm folder, and goes
//! when the session ends. Folders of sessions that were killed go at the next start.

use crate::cache::{Lock, cache_folder, collect_dead_sessions, key};
use crate::error::At;
use crate::toolchain::Toolchain;
use crate::{KernelError, Workspace, layout, rust_src, warm};
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// The environment variable that names the session's folder to the cargo proxy.
pub(crate) const SESSION: &str = "COURSE_SESSION";
/// The real cargo, for the proxy.
pub(crate) const CARGO: &str = "COURSE_CARGO";
/// The real rustc, for the proxy.
pub(crate) const RUSTC: &str = "COURSE_RUSTC";
/// The host's target, for the proxy.
pub(crate) const HOST: &str = "COURSE_HOST";
/// A folder of answers that depend on the compiler alone, for the proxy.
pub(crate) const ANSWERS: &str = "COURSE_ANSWERS";
/// Before the name of a variable that the session changes: its value outside, with a first letter that tells whether
/// it was set.
const OUTER: &str = "COURSE_OUTER_";

/// What a session changes of the environment; cells see the values from outside.
const CHANGED: [&str; 8] = [
    "CARGO_HOME",
    "EVCXR_CONFIG_DIR",
    "EVCXR_TMPDIR",
    "JUPYTER_PATH",
    LIBRARY_PATH,
    "RUSTC",
    // evcxr's own doing: it asks for the backtrace of every panic, which is one of the kernel's insides.
    "RUST_BACKTRACE",
    "RUST_SRC_PATH",
];

/// Where the dynamic loader looks for the standard library that cells are linked with.
const LIBRARY_PATH: &str = if cfg!(target_os = "macos") {
    "DYLD_FALLBACK_LIBRARY_PATH"
} else {
    "LD_LIBRARY_PATH"
};

/// The build folder of one running kernel.
#[derive(Debug)]
pub struct Session {
    /// The folder: a small cargo workspace with the book's lock file.
    pub dir: PathBuf,
    /// The member of it that evcxr writes cells to.
    pub cell: PathBuf,
    /// Whether it started from compiled dependencies.
    pub warm: bool,
    env: Vec<(OsString, OsString)>,
    ws: Workspace,
    toolchain: Toolchain,
    _lock: Lock,
}

/// Prepares a folder for a kernel that will run as `kernel`.
///
/// # Errors
/// [`KernelError::NoTool`] without a toolchain; [`KernelError::Io`] if the cache folder cannot be written.
pub fn prepare(ws: &Workspace, kernel: &Path) -> Result<Session, KernelError> {
    let sessions = cache_folder()?.join("sessions");
    std::fs::create_dir_all(&sessions).at("create", &sessions)?;
    let toolchain = Toolchain::find()?;
    let (dir, lock) = {
        // Nobody may take a folder that is being made for a left one.
        let _making = Lock::take(&sessions)?;
        collect_dead_sessions();
        let now = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos();
        let dir = sessions.join(format!("{}-{now:x}", std::process::id()));
        std::fs::create_dir(&dir).at("create", &dir)?;
        let lock = Lock::take(&dir)?;
        (dir, lock)
    };
    let mut session = Session {
        cell: layout::cell(&dir),
        dir,
        warm: false,
        env: Vec::new(),
        ws: ws.clone(),
        toolchain,
        _lock: lock,
    };
    session.fill(kernel)?;
    Ok(session)
}

impl Session {
    fn fill(&mut self, kernel: &Path) -> Result<(), KernelError> {
        let (ws, toolchain) = (&self.ws, &self.toolchain);
        layout::write(&self.dir, ws, &warm::seed(ws), &[])?;
        self.warm = warm::copy(ws, &warm::folder(toolchain)?, &self.dir)?;

        let outer_home = cargo_home();
        let config = self.dir.join("config");
        let home = self.dir.join("cargo-home");
        std::fs::create_dir_all(&config).at("create", &config)?;
        self.write_home(&home, outer_home.as_deref(), kernel)?;
        // Only rust-analyzer is to find the proxy: what evcxr compiles, it compiles with the real cargo home.
        let init = match &outer_home {
            Some(outer) => format!(":build_env CARGO_HOME={}\n", outer.display()),
            None => String::new(),
        };
        let init_file = config.join("init.evcxr");
        std::fs::write(&init_file, init).at("write", &init_file)?;

        let answers = cache_folder()?
            .join("std")
            .join(format!("answers-{}", key(&[&toolchain.version])));
        std::fs::create_dir_all(&answers).at("create", &answers)?;

        let mut env: Vec<(OsString, OsString)> = CHANGED
            .iter()
            .filter(|name| std::env::var_os(format!("{OUTER}{name}")).is_none())
            .map(|name| {
                let mut value = OsString::from("0");
                if let Some(outer) = std::env::var_os(name) {
                    value = OsString::from("1");
                    value.push(outer);
                }
                (OsString::from(format!("{OUTER}{name}")), value)
            })
            .collect();
        let mut set = |name: &str, value: &OsStr| env.push((name.into(), value.into()));
        set("CARGO_HOME", home.as_os_str());
        set("EVCXR_CONFIG_DIR", config.as_os_str());
        set("EVCXR_TMPDIR", self.cell.as_os_str());
        // evcxr brings an installed kernelspec up to date when it starts; it is to find none.
        set("JUPYTER_PATH", self.dir.join("no-jupyter").as_os_str());
        set("RUSTC", toolchain.rustc.as_os_str());
        set("RUST_SRC_PATH", rust_src::folder(toolchain)?.as_os_str());
        // The path that rustc writes into a cell's library is relative to where it is compiled, and evcxr loads it from
        // a folder further up: it leads to the toolchain only where both have no more than `/` in common.
        set(LIBRARY_PATH, &library_path(toolchain));
        set(SESSION, self.dir.as_os_str());
        set(CARGO, toolchain.cargo.as_os_str());
        set(RUSTC, toolchain.rustc.as_os_str());
        set(HOST, OsStr::new(&toolchain.host));
        set(ANSWERS, answers.as_os_str());
        self.env = env;
        Ok(())
    }

    /// Writes a cargo home that is the reader's own but for `bin/`.
    fn write_home(
        &self,
        home: &Path,
        outer: Option<&Path>,
        kernel: &Path,
    ) -> Result<(), KernelError> {
        let bin = home.join("bin");
        std::fs::create_dir_all(&bin).at("create", &bin)?;
        for tool in ["cargo", "rustup"] {
            let link_to = bin.join(format!("{tool}{}", std::env::consts::EXE_SUFFIX));
            link(kernel, &link_to).at("link", &link_to)?;
        }
        let entries = outer.and_then(|outer| std::fs::read_dir(outer).ok());
        for entry in entries.into_iter().flatten().flatten() {
            let name = entry.file_name();
            if name != "bin" {
                let link_to = home.join(&name);
                // A part of the home that cannot be linked is not needed to find the proxy.
                let _ = link(&entry.path(), &link_to);
            }
        }
        Ok(())
    }

    /// Hands what the session has compiled to those that come after it. Only for a session that has ended in order:
    /// one that was stopped in the middle of a build may hold half of a crate.
    pub fn hand_on(&self) {
        // The next session compiles again what could not be kept.
        let _ = warm::keep(&self.ws, &self.toolchain, &self.dir);
    }

    /// What to set in the environment of the kernel's process.
    #[must_use]
    pub fn env(&self) -> &[(OsString, OsString)] {
        &self.env
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        remove(&self.dir);
    }
}

/// Removes a session's folder. What cannot be removed is left to the next start.
pub(crate) fn remove(dir: &Path) {
    // A process of the session may still be writing: its files can appear between the listing and the removal.
    for _ in 0..5 {
        if std::fs::remove_dir_all(dir).is_ok() || !dir.exists() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    let _ = std::fs::remove_file(Lock::file_of(dir));
}

/// The environment as it was outside the session: for a cell's process.
pub(crate) fn outer_env() -> Vec<(OsString, Option<OsString>)> {
    let mut changes = Vec::new();
    for name in CHANGED {
        let saved = OsString::from(format!("{OUTER}{name}"));
        let Some(value) = std::env::var_os(&saved) else {
            continue;
        };
        let outer = value
            .to_str()
            .and_then(|value| value.strip_prefix('1'))
            .map(OsString::from);
        changes.push((OsString::from(name), outer));
        changes.push((saved, None));
    }
    for name in [SESSION, CARGO, RUSTC, HOST, ANSWERS] {
        changes.push((OsString::from(name), None));
    }
    changes
}

fn library_path(toolchain: &Toolchain) -> OsString {
    let outer = std::env::var_os(LIBRARY_PATH).unwrap_or_default();
    let folders = toolchain
        .library_folder()
        .into_iter()
        .chain(std::env::split_paths(&outer).filter(|folder| !folder.as_os_str().is_empty()));
    std::env::join_paths(folders).unwrap_or(outer.clone())
}

/// The reader's cargo home.
fn cargo_home() -> Option<PathBuf> {
    match std::env::var_os("CARGO_HOME").filter(|home| !home.is_empty()) {
        Some(home) => std::path::absolute(home).ok(),
        None => Some(std::env::home_dir()?.join(".cargo")),
    }
}

#[cfg(unix)]
fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    std::os::unix::fs::symlink(to, at)
}

#[cfg(not(unix))]
fn link(to: &Path, at: &Path) -> std::io::Result<()> {
    if to.is_dir() {
        return Ok(());
    }
    std::fs::hard_link(to, at).or_else(|_| std::fs::copy(to, at).map(|_| ()))
}
