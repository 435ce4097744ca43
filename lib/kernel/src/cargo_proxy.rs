//! What rust-analyzer sees of a session.
//!
//! rust-analyzer, inside the kernel, asks cargo for the packages of a cell and then reads the source of every one of
//! them, on one thread. Nearly all are of no use to it: the type of a variable comes from the book's crates, or from
//! the few crates whose types these take and return. So the kernel stands for `cargo` in the cargo home that
//! rust-analyzer looks in, and leaves the rest out of the answer.
//!
//! A crate of the book names those whose types are part of its interface in its `Cargo.toml`:
//!
//! ```toml
//! [package.metadata.notebook]
//! public = ["ndarray"]
//! ```
//!
//! Kept are: the cell; the crates that are not from a registry and that it reaches; those that these declare public;
//! and what the cell names itself. Builds do not come by here: they go to the real cargo.

use crate::cache::key;
use crate::layout::{CELL, SEED};
use crate::session::{ANSWERS, CARGO, HOST, RUSTC, SESSION};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// The tool that this process was started as, if a session made it a proxy.
#[must_use]
pub fn called_as() -> Option<&'static str> {
    std::env::var_os(SESSION)?;
    let program = PathBuf::from(std::env::args_os().next()?);
    match program.file_stem()?.to_str()? {
        "cargo" => Some("cargo"),
        "rustup" => Some("rustup"),
        _ => None,
    }
}

/// Answers as `tool`, from the arguments and environment of this process.
#[must_use]
pub fn run(tool: &str) -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().skip(1).collect();
    if tool != "cargo" {
        // The toolchain is found; nothing is to be installed by the way.
        return ExitCode::FAILURE;
    }
    let session = PathBuf::from(std::env::var_os(SESSION).unwrap_or_default());
    let text: Vec<&str> = args.iter().filter_map(|arg| arg.to_str()).collect();
    let has = |word: &str| text.contains(&word);
    let of_session = text.iter().any(|arg| Path::new(arg).starts_with(&session));

    let answer = if has("locate-project") && of_session {
        let root = session.join("Cargo.toml");
        serde_json::json!({ "root": root.to_string_lossy() }).to_string()
    } else if has("config") && has("get") {
        // Of the configuration rust-analyzer asks for the target alone; evcxr always compiles for the host.
        let host = std::env::var(HOST).unwrap_or_default();
        format!("build.target = \"{host}\"\n")
    } else if text == ["--version"] {
        return remembered(&text, real_cargo().arg("--version"));
    } else if has("rustc") && has("--print") {
        let mut rustc = Command::new(std::env::var_os(RUSTC).unwrap_or("rustc".into()));
        let plain = text[1..]
            .iter()
            .filter(|arg| !matches!(**arg, "--" | "-Z" | "unstable-options"));
        rustc
            .args(["-Z", "unstable-options"])
            .args(plain)
            .env("RUSTC_BOOTSTRAP", "1");
        return remembered(&text, &mut rustc);
    } else if has("metadata") && of_session {
        if has("--no-deps") {
            // Asked for in case that the whole cannot be had; `metadata` below sees to that.
            return ExitCode::FAILURE;
        }
        return metadata(&args);
    } else {
        return pass_on(real_cargo().args(&args));
    };
    print(answer.as_bytes())
}

fn print(bytes: &[u8]) -> ExitCode {
    let mut out = std::io::stdout().lock();
    if out.write_all(bytes).and_then(|()| out.flush()).is_ok() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The real cargo, with the environment that it has outside the session.
fn real_cargo() -> Command {
    let mut command = Command::new(std::env::var_os(CARGO).unwrap_or("cargo".into()));
    for (name, value) in crate::session::outer_env() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    if let Some(rustc) = std::env::var_os(RUSTC) {
        command.env("RUSTC", rustc);
    }
    command
}

fn pass_on(command: &mut Command) -> ExitCode {
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        let error = command.exec();
        eprintln!(
            "cannot start {}: {error}",
            command.get_program().to_string_lossy()
        );
        ExitCode::FAILURE
    }
    #[cfg(not(unix))]
    match command.status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

/// The answer to a question about the compiler alone: the same for all sessions with this compiler.
fn remembered(question: &[&str], command: &mut Command) -> ExitCode {
    let kept = std::env::var_os(ANSWERS).map(|folder| Path::new(&folder).join(key(question)));
    if let Some(bytes) = kept.as_ref().and_then(|kept| std::fs::read(kept).ok()) {
        return print(&bytes);
    }
    let Ok(answer) = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
    else {
        return ExitCode::FAILURE;
    };
    if !answer.status.success() {
        return ExitCode::FAILURE;
    }
    if let Some(kept) = kept {
        // Two sessions may ask at once: each writes a file of its own.
        let part = kept.with_extension(std::process::id().to_string());
        let written =
            std::fs::write(&part, &answer.stdout).and_then(|()| std::fs::rename(&part, &kept));
        if written.is_err() {
            let _ = std::fs::remove_file(&part);
        }
    }
    print(&answer.stdout)
}

fn metadata(args: &[OsString]) -> ExitCode {
    let ask = |extra: &[&str]| {
        real_cargo()
            .args(args)
            .args(extra)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
    };
    let answer = match ask(&[]) {
        Ok(answer) if answer.status.success() => answer,
        // Without dependencies rust-analyzer still knows the cell.
        _ => match ask(&["--no-deps"]) {
            Ok(answer) if answer.status.success() => answer,
            _ => return ExitCode::FAILURE,
        },
    };
    match serde_json::from_slice(&answer.stdout) {
        Ok(mut metadata) => {
            keep_needed(&mut metadata);
            print(metadata.to_string().as_bytes())
        }
        Err(_) => print(&answer.stdout),
    }
}

/// Leaves in an answer of `cargo metadata` what rust-analyzer needs for a cell: see the module's documentation.
pub fn keep_needed(metadata: &mut Value) {
    let kept = needed(metadata);
    let is_kept = |id: &Value| id.as_str().is_some_and(|id| kept.contains(id));

    retain(metadata, "/packages", |package| is_kept(&package["id"]));
    retain(metadata, "/workspace_members", is_kept);
    retain(metadata, "/workspace_default_members", is_kept);
    retain(metadata, "/resolve/nodes", |node| is_kept(&node["id"]));
    let nodes = metadata.pointer_mut("/resolve/nodes");
    for node in nodes.and_then(Value::as_array_mut).into_iter().flatten() {
        retain(node, "/dependencies", is_kept);
        retain(node, "/deps", |dep| is_kept(&dep["pkg"]));
    }
}

fn retain(value: &mut Value, pointer: &str, keep: impl Fn(&Value) -> bool) {
    if let Some(array) = value.pointer_mut(pointer).and_then(Value::as_array_mut) {
        array.retain(keep);
    }
}

/// The ids of the packages to keep.
fn needed(metadata: &Value) -> BTreeSet<String> {
    let array = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let packages: BTreeMap<String, Value> = array(&metadata["packages"])
        .into_iter()
        .filter_map(|package| Some((package["id"].as_str()?.to_owned(), package)))
        .collect();
    let nodes: BTreeMap<String, Vec<String>> = array(&metadata["resolve"]["nodes"])
        .iter()
        .filter_map(|node| {
            let ids = array(&node["deps"])
                .iter()
                .filter_map(|dep| dep["pkg"].as_str().map(str::to_owned))
                .collect();
            Some((node["id"].as_str()?.to_owned(), ids))
        })
        .collect();

    let mut kept = BTreeSet::new();
    let cell = packages.values().find(|package| {
        // While a `:dep` line is checked the cell goes by another name.
        package["source"].is_null()
            && !package["name"]
                .as_str()
                .is_some_and(|name| name.starts_with(SEED))
            && array(&metadata["workspace_members"]).contains(&package["id"])
    });
    let Some(cell) = cell.and_then(|cell| cell["id"].as_str()) else {
        return packages.into_keys().collect();
    };
    let mut open = vec![cell.to_owned()];
    while let Some(id) = open.pop() {
        if !kept.insert(id.clone()) {
            continue;
        }
        let Some(package) = packages.get(&id) else {
            continue;
        };
        if !package["source"].is_null() {
            continue;
        }
        let public: BTreeSet<String> = array(&package["metadata"]["notebook"]["public"])
            .iter()
            .filter_map(|name| name.as_str().map(str::to_owned))
            .collect();
        let is_cell = package["name"] == CELL;
        for next in nodes.get(&id).into_iter().flatten() {
            let Some(next_package) = packages.get(next) else {
                continue;
            };
            let name = next_package["name"].as_str().unwrap_or_default();
            if is_cell || next_package["source"].is_null() || public.contains(name) {
                open.push(next.clone());
            }
        }
    }
    kept
}
