//! The Rust toolchain that cells are compiled with: found as evcxr finds it, so that both agree.

use crate::KernelError;
use crate::error::last_lines;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a cell is linked with; evcxr chooses the first of these that it finds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Linker {
    Mold,
    Lld,
    System,
}

/// cargo, rustc, and what they say of themselves.
#[derive(Debug, Clone)]
pub(crate) struct Toolchain {
    pub cargo: PathBuf,
    pub rustc: PathBuf,
    /// All of `rustc -vV`.
    pub version: String,
    /// The target that cells are compiled for: the host.
    pub host: String,
    pub linker: Linker,
}

impl Toolchain {
    pub fn find() -> Result<Toolchain, KernelError> {
        let (cargo, rustc) = std::thread::scope(|scope| {
            let cargo = scope.spawn(|| tool("cargo"));
            let rustc = tool("rustc");
            (cargo.join().unwrap_or(None), rustc)
        });
        let cargo = cargo.ok_or(KernelError::NoTool { tool: "cargo" })?;
        let rustc = rustc.ok_or(KernelError::NoTool { tool: "rustc" })?;
        let version = output(
            Command::new(&rustc).arg("-vV"),
            "asking rustc for its version",
        )?;
        let host = version
            .lines()
            .find_map(|line| line.strip_prefix("host: "))
            .ok_or_else(|| KernelError::Answer {
                command: "rustc -vV".to_owned(),
                detail: "no line `host: …`".to_owned(),
            })?
            .to_owned();
        let linker = if cfg!(target_os = "macos") {
            Linker::System
        } else if on_path("mold").is_some() {
            Linker::Mold
        } else if on_path("lld").is_some() {
            Linker::Lld
        } else {
            Linker::System
        };
        Ok(Toolchain {
            cargo,
            rustc,
            version,
            host,
            linker,
        })
    }

    /// The flags that evcxr compiles every crate with: cargo keys its artifacts by them.
    pub fn rustflags(&self) -> &'static str {
        match self.linker {
            Linker::Lld => "-Cprefer-dynamic -Clink-arg=-fuse-ld=lld",
            Linker::Mold | Linker::System => "-Cprefer-dynamic",
        }
    }

    /// `cargo SUBCOMMAND` in `folder`, with the environment that evcxr gives it.
    pub fn cargo_as_evcxr(&self, folder: &Path, subcommand: &str) -> Command {
        let mut command = match self.linker {
            Linker::Mold => {
                let mut command = Command::new("mold");
                command.arg("-run").arg(&self.cargo);
                command
            }
            Linker::Lld | Linker::System => Command::new(&self.cargo),
        };
        command
            .arg(subcommand)
            .current_dir(folder)
            .env("CARGO_TARGET_DIR", "target")
            .env("CARGO_BUILD_BUILD_DIR", "target")
            .env("RUSTC", &self.rustc)
            .env("RUSTFLAGS", self.rustflags())
            .stdin(Stdio::null());
        forget_outer_cargo(&mut command);
        command
    }

    /// Where the compiled standard library stands.
    pub fn library_folder(&self) -> Option<PathBuf> {
        let near = self
            .rustc
            .parent()
            .and_then(Path::parent)
            .map(|sysroot| sysroot.join("lib/rustlib").join(&self.host).join("lib"));
        if let Some(near) = near
            && near.is_dir()
        {
            return Some(near);
        }
        let answer = output(
            Command::new(&self.rustc).args(["--print", "target-libdir"]),
            "asking rustc for its libraries",
        );
        answer.ok().map(|folder| PathBuf::from(folder.trim()))
    }

    /// Where the sources of the standard library stand, if they are installed.
    pub fn std_sources(&self) -> Option<PathBuf> {
        let sysroot = self.rustc.parent()?.parent()?;
        let library = sysroot.join("lib/rustlib/src/rust/library");
        if library.join("core").is_dir() {
            return Some(library);
        }
        // A rustc that is a proxy of another: ask it.
        let sysroot = output(
            Command::new(&self.rustc).args(["--print", "sysroot"]),
            "asking rustc for its sysroot",
        )
        .ok()?;
        let library = Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library");
        library.join("core").is_dir().then_some(library)
    }
}

/// Takes away what an outer `cargo run` or `cargo test` tells its program, so that build scripts see the same
/// environment whoever started the build.
pub(crate) fn forget_outer_cargo(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let known = name.to_str().is_some_and(|name| {
            name.starts_with("CARGO_PKG_")
                || matches!(
                    name,
                    "CARGO_MANIFEST_DIR"
                        | "CARGO_MANIFEST_PATH"
                        | "CARGO_PRIMARY_PACKAGE"
                        | "CARGO_CRATE_NAME"
                        | "CARGO_BIN_NAME"
                        | "CARGO_TARGET_TMPDIR"
                        | "OUT_DIR"
                )
        });
        if known {
            command.env_remove(name);
        }
    }
}

/// `rustup which TOOL`, else TOOL on PATH: evcxr's own order.
fn tool(name: &'static str) -> Option<PathBuf> {
    let answer = Command::new("rustup")
        .args(["which", name])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output();
    if let Ok(answer) = answer
        && answer.status.success()
        && let Ok(path) = String::from_utf8(answer.stdout)
    {
        return Some(PathBuf::from(path.trim()));
    }
    on_path(name)
}

/// The file that a shell would run for `name`.
pub(crate) fn on_path(name: &str) -> Option<PathBuf> {
    let name = format!("{name}{}", std::env::consts::EXE_SUFFIX);
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|folder| folder.join(&name))
        .find(|file| is_executable(file))
}

fn is_executable(file: &Path) -> bool {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.metadata()
            .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
    }
    #[cfg(not(unix))]
    {
        file.is_file()
    }
}

/// Runs `command` to its end and returns what it printed.
pub(crate) fn output(command: &mut Command, what: &str) -> Result<String, KernelError> {
    let program = command.get_program().to_owned();
    let answer = command
        .stdin(Stdio::null())
        .output()
        .map_err(|error| not_started(what, &program, &error))?;
    if !answer.status.success() {
        return Err(KernelError::Command {
            what: what.to_owned(),
            status: answer.status.to_string(),
            stderr: last_lines(&String::from_utf8_lossy(&answer.stderr), 20),
            hint: String::new(),
        });
    }
    Ok(String::from_utf8_lossy(&answer.stdout).into_owned())
}

/// The error of a command that could not even start.
pub(crate) fn not_started(what: &str, program: &OsString, error: &std::io::Error) -> KernelError {
    KernelError::Command {
        what: what.to_owned(),
        status: format!("could not start {}: {error}", program.to_string_lossy()),
        stderr: String::new(),
        hint: String::new(),
    }
}
