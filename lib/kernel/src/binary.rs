//! The kernel binary: where it stands, and how it is built.

use crate::cache::key;
use crate::error::At;
use crate::progress::{self, Progress};
use crate::toolchain::{forget_outer_cargo, on_path};
use crate::{KernelError, Workspace};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The name of the binary, without the suffix of the platform.
const NAME: &str = "course-kernel";

/// Where the kernel stands once it is built: under `CARGO_TARGET_DIR` if that is set, else in the workspace's `target`.
#[must_use]
pub fn kernel_binary(ws: &Workspace) -> PathBuf {
    target_folder(ws)
        .join("kernel")
        .join(format!("{NAME}{}", std::env::consts::EXE_SUFFIX))
}

pub(crate) fn target_folder(ws: &Workspace) -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR").filter(|folder| !folder.is_empty()) {
        Some(folder) => std::path::absolute(&folder).unwrap_or(PathBuf::from(folder)),
        None => ws.root.join("target"),
    }
}

/// Builds the kernel if it is missing or older than its sources, and returns where it stands.
///
/// Whether anything is to be done is judged by a hash of the crate's sources, the root manifest and the lock file
/// that is kept beside the binary, so that the usual answer takes a few milliseconds.
///
/// # Errors
/// [`KernelError::NoTool`] without cargo on PATH, and [`KernelError::Command`] with the last lines of cargo's stderr if
/// the build fails.
pub fn build(ws: &Workspace, progress: &mut dyn FnMut(Progress)) -> Result<PathBuf, KernelError> {
    let binary = kernel_binary(ws);
    let stamp = binary.with_file_name(format!("{NAME}.sources"));
    let sources = sources(ws)?;
    if binary.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|old| old == sources) {
        return Ok(binary);
    }
    let cargo = on_path("cargo").ok_or(KernelError::NoTool { tool: "cargo" })?;
    progress(Progress::Message("Building the kernel".to_owned()));
    let mut command = Command::new(cargo);
    command
        .current_dir(&ws.root)
        .args(["build", "--package", "kernel", "--features", "evcxr"])
        .args(["--bin", NAME, "--profile", "kernel", "--locked"])
        .arg("--message-format=json-render-diagnostics")
        .arg("--target-dir")
        .arg(target_folder(ws))
        // rust-analyzer compiles in whether this is set: with it, CI would build another kernel than its user
        .env_remove("CI");
    forget_outer_cargo(&mut command);
    let printed = progress::run(&mut command, "building the kernel", progress)?;
    // A configured build.target puts it elsewhere: cargo says where.
    if let Some(built) = executable(&printed)
        && built != binary
    {
        if let Some(folder) = binary.parent() {
            std::fs::create_dir_all(folder).at("create", folder)?;
        }
        std::fs::copy(&built, &binary).at("write", &binary)?;
    }
    if !binary.is_file() {
        return Err(KernelError::NoBinary { path: binary });
    }
    std::fs::write(&stamp, sources).at("write", &stamp)?;
    Ok(binary)
}

/// The executable that cargo's messages name.
fn executable(messages: &str) -> Option<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["target"]["name"] == NAME)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

/// A hash of everything that the binary is built from.
fn sources(ws: &Workspace) -> Result<String, KernelError> {
    let mut files = vec![
        ws.root.join("Cargo.toml"),
        ws.lock_file(),
        ws.root.join("lib/kernel/Cargo.toml"),
    ];
    let mut folders = vec![ws.root.join("lib/kernel/src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).at("read", &folder)? {
            let path = entry.at("read", &folder)?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut parts = Vec::new();
    for file in &files {
        parts.push(file.to_string_lossy().into_owned());
        parts.push(read(file)?);
    }
    Ok(key(&parts.iter().map(String::as_str).collect::<Vec<_>>()))
}

fn read(file: &Path) -> Result<String, KernelError> {
    std::fs::read_to_string(file).at("read", file)
}
