//! Registers the kernel with Jupyter.

use crate::cache::{data_folder, key};
use crate::error::At;
use crate::toolchain::{on_path, output};
use crate::{KernelError, Workspace, kernel_binary};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of the kernelspec: the one that notebooks of every evcxr name.
const NAME: &str = "rust";

/// The key of `kernel.json`'s metadata by which a kernelspec is known to be this course's.
const OURS: &str = "ml-fullstack";

/// What evcxr 0.22 keeps in `version.txt`: at start it rewrites a kernelspec where it finds anything else.
const EVCXR_SPEC_VERSION: &str = "1";

/// Where a kernelspec that was there before is kept until this one is uninstalled.
const BEFORE: &str = "before-ml-fullstack";

/// For whom a kernelspec is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Target {
    /// The current user: Jupyter's user data folder.
    User,
    /// Whoever uses the Python environment at this prefix: `PREFIX/share/jupyter`.
    Prefix(PathBuf),
    /// The Python environment that is active: that of the `python` on PATH, else of conda or a virtual environment.
    SysPrefix,
}

/// The folder of the kernelspec for `target`, whether it exists or not.
///
/// # Errors
/// [`KernelError::NoFolder`] if the user's data folder is unknown; [`KernelError::NoTool`] if no Python is.
pub fn kernelspec_folder(target: &Target) -> Result<PathBuf, KernelError> {
    let jupyter = match target {
        Target::User => match std::env::var_os("JUPYTER_DATA_DIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => PathBuf::from(dir),
            None if cfg!(target_os = "macos") => data_folder()?.join("Jupyter"),
            None => data_folder()?.join("jupyter"),
        },
        Target::Prefix(prefix) => std::path::absolute(prefix)
            .at("find", prefix)?
            .join("share/jupyter"),
        Target::SysPrefix => sys_prefix()?.join("share/jupyter"),
    };
    Ok(jupyter.join("kernels").join(NAME))
}

fn sys_prefix() -> Result<PathBuf, KernelError> {
    for python in ["python3", "python"] {
        if let Some(python) = on_path(python)
            && let Ok(prefix) = output(
                Command::new(python).args(["-c", "import sys; print(sys.prefix)"]),
                "asking Python for its prefix",
            )
        {
            return Ok(PathBuf::from(prefix.trim()));
        }
    }
    ["CONDA_PREFIX", "VIRTUAL_ENV"]
        .iter()
        .find_map(std::env::var_os)
        .map(PathBuf::from)
        .ok_or(KernelError::NoTool { tool: "python3" })
}

/// Writes the kernelspec `rust`, shown as "Rust (ml-fullstack)", and returns its folder.
///
/// The binary is copied into that folder, so that `cargo clean` does not take it away. A kernelspec `rust` of another
/// origin is set aside, and comes back with [`uninstall`].
///
/// # Errors
/// [`KernelError::NoBinary`] if the kernel is not built; [`KernelError::Io`] if the folder cannot be written.
pub fn install(ws: &Workspace, target: &Target) -> Result<PathBuf, KernelError> {
    install_binary(ws, &kernel_binary(ws), target)
}

/// As [`install`], with the kernel's binary at `built`.
///
/// # Errors
/// As [`install`].
pub fn install_binary(
    ws: &Workspace,
    built: &Path,
    target: &Target,
) -> Result<PathBuf, KernelError> {
    if !built.is_file() {
        return Err(KernelError::NoBinary {
            path: built.to_owned(),
        });
    }
    let folder = kernelspec_folder(target)?;
    if folder.join("kernel.json").is_file() && !is_ours(&folder) {
        let aside = folder.with_file_name(format!(".{NAME}-{BEFORE}"));
        if aside.exists() {
            std::fs::remove_dir_all(&aside).at("remove", &aside)?;
        }
        std::fs::rename(&folder, &aside).at("move", &folder)?;
    }
    std::fs::create_dir_all(&folder).at("create", &folder)?;

    let binary = folder.join(built.file_name().unwrap_or_default());
    copy_over(built, &binary)?;
    let spec = json!({
        "argv": [binary.to_string_lossy(), "--control_file", "{connection_file}"],
        "display_name": "Rust (ml-fullstack)",
        "language": "rust",
        "interrupt_mode": "message",
        "env": { "COURSE_ROOT": ws.root.to_string_lossy() },
        "metadata": { OURS: { "version": env!("CARGO_PKG_VERSION") } },
    });
    let mut text = serde_json::to_string_pretty(&spec).unwrap_or_default();
    text.push('\n');
    write_whole(&folder.join("version.txt"), EVCXR_SPEC_VERSION)?;
    write_whole(&folder.join("kernel.json"), &text)?;
    Ok(folder)
}

/// Takes back what [`install`] wrote for `target`, and returns the folder.
///
/// # Errors
/// [`KernelError::NotOurs`] if the kernelspec there is not this course's; [`KernelError::Io`] if there is none.
pub fn uninstall(target: &Target) -> Result<PathBuf, KernelError> {
    let folder = kernelspec_folder(target)?;
    folder.join("kernel.json").metadata().at("find", &folder)?;
    if !is_ours(&folder) {
        return Err(KernelError::NotOurs { path: folder });
    }
    std::fs::remove_dir_all(&folder).at("remove", &folder)?;
    let aside = folder.with_file_name(format!(".{NAME}-{BEFORE}"));
    if aside.is_dir() {
        std::fs::rename(&aside, &folder).at("move", &aside)?;
    }
    Ok(folder)
}

fn is_ours(folder: &Path) -> bool {
    std::fs::read(folder.join("kernel.json"))
        .ok()
        .and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok())
        .is_some_and(|spec| spec["metadata"][OURS].is_object())
}

/// Replaces `to` by a copy of `from` in one step: a kernel that runs keeps the file it was started from.
fn copy_over(from: &Path, to: &Path) -> Result<(), KernelError> {
    let part = part(to);
    std::fs::copy(from, &part).at("write", &part)?;
    std::fs::rename(&part, to).at("write", to)
}

fn write_whole(path: &Path, text: &str) -> Result<(), KernelError> {
    let part = part(path);
    std::fs::write(&part, text).at("write", &part)?;
    std::fs::rename(&part, path).at("write", path)
}

fn part(path: &Path) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mark = key(&[&name, &std::process::id().to_string()]);
    path.with_file_name(format!(".{mark}"))
}
