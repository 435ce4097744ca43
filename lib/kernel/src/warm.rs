//! Compiled dependencies that sessions start from.

use crate::cache::{Lock, cache_folder, key, touch};
use crate::error::At;
use crate::layout::{self, CELL};
use crate::progress::{self, Progress};
use crate::toolchain::Toolchain;
use crate::{Dep, KernelError, Workspace, rust_src};
use std::collections::BTreeSet;
use std::fs::FileTimes;
use std::path::{Path, PathBuf};

/// The file that names the crates of the book in a warm folder: their artifacts are copied, not linked.
const LOCAL: &str = "local";

/// Where cargo notes what is compiled.
const FINGERPRINTS: &str = ".fingerprint";

/// A folder of compiled dependencies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warm {
    /// Where it stands.
    pub dir: PathBuf,
    /// Whether nothing had to be compiled.
    pub fresh: bool,
}

/// Compiles `deps`, one notebook's, so that its sessions need not.
///
/// There is one warm folder for each compiler and set of flags; what several notebooks share is compiled once.
/// cargo itself decides what is out of date in it. The call takes a few milliseconds if neither `deps` nor a source
/// of `lib/` nor the lock file has changed since it was made last.
///
/// # Errors
/// [`KernelError::NoTool`] without a toolchain, [`KernelError::Command`] if something does not compile.
pub fn warm(
    ws: &Workspace,
    deps: &[Dep],
    progress: &mut dyn FnMut(Progress),
) -> Result<Warm, KernelError> {
    let toolchain = Toolchain::find()?;
    let dir = folder(&toolchain)?;
    let mut sorted = deps.to_vec();
    sorted.sort();
    let facts: Vec<&str> = sorted
        .iter()
        .flat_map(|dep| [dep.name.as_str(), dep.spec.as_str()])
        .collect();
    let set = dir.join("sets").join(key(&facts));
    let stamp = layout::sources_stamp(ws);
    let known = |set: &Path| std::fs::read_to_string(set).is_ok_and(|old| old == stamp);
    if known(&set) {
        touch(&dir);
        return Ok(Warm { dir, fresh: true });
    }

    let _lock = Lock::take(&dir)?;
    if known(&set) {
        return Ok(Warm { dir, fresh: true });
    }
    std::fs::create_dir_all(dir.join("sets")).at("create", &dir)?;
    rust_src::fetch(&toolchain, progress);
    let mut seed = seed(ws);
    for dep in deps {
        if !seed.contains(dep) {
            seed.push(dep.clone());
        }
    }
    layout::write(&dir, ws, &seed, &sorted)?;
    progress(Progress::Message(
        "Compiling what the cells depend on".to_owned(),
    ));
    let mut command = toolchain.cargo_as_evcxr(&layout::cell(&dir), "build");
    command
        .args(["--target", &toolchain.host])
        .arg("--message-format=json-render-diagnostics");
    let printed = progress::run(&mut command, "compiling what the cells depend on", progress)?;
    remember_local(&dir, &printed)?;
    std::fs::write(&set, stamp).at("write", &set)?;
    touch(&dir);
    Ok(Warm { dir, fresh: false })
}

/// The warm folder for this compiler, whether it exists or not.
pub(crate) fn folder(toolchain: &Toolchain) -> Result<PathBuf, KernelError> {
    let key = layout::warm_key(toolchain);
    Ok(cache_folder()?.join("warm").join(key))
}

/// What the seed names: every dependency of the book that cargo can resolve from the lock file alone.
///
/// A chapter in the making may name a crate that is not there yet; it must not keep the others from running.
pub(crate) fn seed(ws: &Workspace) -> Vec<Dep> {
    let lock = std::fs::read_to_string(ws.lock_file()).unwrap_or_default();
    let locked: BTreeSet<&str> = lock
        .lines()
        .filter_map(|line| line.strip_prefix("name = \"")?.strip_suffix('"'))
        .collect();
    ws.deps()
        .unwrap_or_default()
        .into_iter()
        .filter(|dep| {
            locked.contains(dep.name.as_str()) && dep.path().is_none_or(|path| path.is_dir())
        })
        .collect()
}

/// Adds the crates that stand in folders, not in the registry, to those remembered.
fn remember_local(dir: &Path, messages: &str) -> Result<(), KernelError> {
    let mut names = local(dir);
    for line in messages.lines() {
        let Ok(message) = serde_json::from_str::<serde_json::Value>(line) else {
            continue;
        };
        if message["reason"] == "compiler-artifact"
            && let Some(id) = message["package_id"].as_str()
            && let Some(name) = message["target"]["name"].as_str()
            && id.starts_with("path+")
            && name != CELL
        {
            names.insert(name.replace('-', "_"));
        }
    }
    let text: String = names.iter().map(|name| format!("{name}\n")).collect();
    let path = dir.join(LOCAL);
    std::fs::write(&path, text).at("write", &path)
}

fn local(dir: &Path) -> BTreeSet<String> {
    std::fs::read_to_string(dir.join(LOCAL))
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect()
}

/// The crates in `lib/` and those that chapters name by a path, besides those that the folder `warm` remembers.
fn all_local(ws: &Workspace, warm: &Path) -> BTreeSet<String> {
    let mut names = local(warm);
    let crates = std::fs::read_dir(ws.root.join("lib"));
    names.extend(
        crates
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.file_name().to_string_lossy().replace('-', "_")),
    );
    let deps = ws.deps().unwrap_or_default();
    let by_path = deps.iter().filter(|dep| dep.path().is_some());
    names.extend(by_path.map(|dep| dep.name.replace('-', "_")));
    names
}

/// Fills the build folder at `root` with what the warm folder `from` holds. Returns whether there was any.
pub(crate) fn copy(ws: &Workspace, from: &Path, root: &Path) -> Result<bool, KernelError> {
    let target = layout::cell(from).join("target");
    if !target.is_dir() {
        return Ok(false);
    }
    let _lock = Lock::share(from)?;
    touch(from);
    let all = Taken::All(all_local(ws, from));
    copy_tree(&target, &layout::cell(root).join("target"), &all)?;
    Ok(true)
}

/// Adds to the target folder `to` the registry crates that the warm folder `from` holds; returns the lock of `to`.
///
/// If `to` has compiled one of them itself, it starts over with what is lent, unless somebody else builds in it.
pub(crate) fn lend(ws: &Workspace, from: &Path, to: &Path) -> Result<Lock, KernelError> {
    let target = layout::cell(from).join("target");
    let local = all_local(ws, from);
    let alone = Lock::try_take(to)?;
    let _lock = Lock::share(from)?;
    let parted = target.is_dir() && parted(&target, to, &local);
    if parted && alone.is_some() {
        std::fs::remove_dir_all(to).at("remove", to)?;
    }
    if target.is_dir() && (!parted || alone.is_some()) {
        touch(from);
        copy_tree(&target, to, &Taken::Registry(local))?;
    }
    drop(alone);
    Lock::share(to)
}

/// Adds to the warm folder the registry crates that were compiled in the target folder `from`: all but those of `lib/`
/// and those in `own`. Nothing is added if the two have compiled one and the same crate, each for itself.
pub(crate) fn give(
    ws: &Workspace,
    toolchain: &Toolchain,
    from: &Path,
    own: &[String],
) -> Result<(), KernelError> {
    let dir = folder(toolchain)?;
    let to = layout::cell(&dir).join("target");
    if !from.is_dir() {
        return Ok(());
    }
    let _lock = Lock::take(&dir)?;
    layout::write(&dir, ws, &seed(ws), &[])?;
    let mut local = all_local(ws, &dir);
    local.extend(own.iter().cloned());
    if parted(from, &to, &local) {
        return Ok(());
    }
    copy_tree(from, &to, &Taken::Registry(local))?;
    touch(&dir);
    Ok(())
}

/// Adds to the warm folder what the session at `root` has compiled and the folder does not hold yet.
///
/// What it holds stays as it is: a crate of the book that has changed since is compiled anew by [`warm`].
pub(crate) fn keep(ws: &Workspace, toolchain: &Toolchain, root: &Path) -> Result<(), KernelError> {
    let from = layout::cell(root).join("target");
    let dir = folder(toolchain)?;
    let to = layout::cell(&dir).join("target");
    if !from.is_dir() || (to.is_dir() && !has_news(&from, &to)) {
        return Ok(());
    }
    // Somebody who compiles there does more than this would.
    let Some(_lock) = Lock::try_take(&dir)? else {
        return Ok(());
    };
    let local = all_local(ws, &dir);
    if parted(&from, &to, &local) {
        return Ok(());
    }
    layout::write(&dir, ws, &seed(ws), &[])?;
    copy_tree(&from, &to, &Taken::All(local))?;
    touch(&dir);
    Ok(())
}

/// Whether there is a compiled unit in one target folder that the other does not know.
fn has_news(from: &Path, to: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(from) else {
        return false;
    };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let (from, to) = (entry.path(), to.join(&name));
        if !from.is_dir() || is_cells(&name.to_string_lossy()) || name == "incremental" {
            false
        } else if from
            .parent()
            .is_some_and(|folder| folder.ends_with(FINGERPRINTS))
        {
            !to.exists()
        } else {
            has_news(&from, &to)
        }
    })
}

/// Whether two target folders have compiled one and the same registry crate, each for itself.
///
/// The two results have one name, but not one content: a crate whose build script writes source holds the folder's path,
/// and what depends on it holds its hash (E0460). So of two folders that have parted, nothing is taken from one to the
/// other. A file that was copied, by link or with its time, is one file here.
fn parted(one: &Path, other: &Path, local: &BTreeSet<String>) -> bool {
    let in_deps = one.file_name().is_some_and(|name| name == "deps");
    let entries = std::fs::read_dir(one).into_iter().flatten().flatten();
    entries.into_iter().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let (one, other) = (entry.path(), other.join(&*name));
        if one.is_dir() {
            let elsewhere = ["incremental", "build", "examples", FINGERPRINTS];
            return !elsewhere.contains(&&*name) && parted(&one, &other, local);
        }
        let library = one.extension().is_some_and(|ext| {
            ["rlib", "rmeta", "so", "dylib", "dll"].contains(&&*ext.to_string_lossy())
        });
        let own = is_cells(&name) || local.iter().any(|krate| is_of(&name, krate));
        if !in_deps || !library || own {
            return false;
        }
        let (Ok(one), Ok(other)) = (one.metadata(), other.metadata()) else {
            return false;
        };
        one.len() != other.len() || one.modified().ok() != other.modified().ok()
    })
}

/// What is copied of a target folder, with the names of the crates that stand in folders of their own.
enum Taken {
    /// Everything.
    All(BTreeSet<String>),
    /// What is compiled of the others: those that come from the registry.
    Registry(BTreeSet<String>),
}

/// Copies a target folder but for what is the cells' own; files that are there already stay.
fn copy_tree(from: &Path, to: &Path, taken: &Taken) -> Result<(), KernelError> {
    std::fs::create_dir_all(to).at("create", to)?;
    let in_deps = from.file_name().is_some_and(|name| name == "deps");
    let entries: Result<Vec<_>, _> = std::fs::read_dir(from).at("read", from)?.collect();
    let mut entries = entries.at("read", from)?;
    // A fingerprint says that a unit is compiled: it comes after the unit.
    entries.sort_by_key(|entry| entry.file_name() == FINGERPRINTS);
    for entry in entries {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let source = entry.path();
        let kind = entry.file_type().at("read", &source)?;
        let (Taken::All(local) | Taken::Registry(local)) = taken;
        let is_local = local.iter().any(|krate| is_of(&name, krate));
        if matches!(taken, Taken::Registry(_)) {
            // Programs, such as tests, stand in `deps` without `lib` before their names.
            let program = in_deps && !name.starts_with("lib") && !name.ends_with(".d");
            if is_local || program || name == "examples" {
                continue;
            }
        }
        if kind.is_dir() {
            // A session compiles its cells afresh, and the book's crates rarely.
            if name != "incremental" && !is_cells(&name) {
                copy_tree(&source, &to.join(&*name), taken)?;
            }
        } else if kind.is_file() && !is_cells(&name) {
            // Compiled registry crates never change under their name, so one file serves every session. Everything
            // that cargo may write again, it must find as the session's own.
            let shared = (in_deps && !is_local)
                || name.starts_with("build-script-build")
                || name.starts_with("build_script_build");
            copy_file(&source, &to.join(&*name), shared)?;
        }
    }
    Ok(())
}

/// Whether a file or folder is of a cell's own compilation: evcxr renames the library of the n-th to `code_n`.
fn is_cells(name: &str) -> bool {
    is_of(name, CELL) || name.starts_with("libcode_") || name.starts_with("code_")
}

/// Whether a file or folder of cargo's belongs to `krate`: `libkrate-HASH.rlib`, `krate-HASH`, `libkrate.so`.
fn is_of(name: &str, krate: &str) -> bool {
    let rest = name
        .strip_prefix("lib")
        .and_then(|name| name.strip_prefix(krate))
        .or_else(|| name.strip_prefix(krate));
    rest.is_some_and(|rest| rest.starts_with(['-', '.']))
}

fn copy_file(from: &Path, to: &Path, shared: bool) -> Result<(), KernelError> {
    if to.exists() {
        return Ok(());
    }
    if shared && std::fs::hard_link(from, to).is_ok() {
        return Ok(());
    }
    std::fs::copy(from, to).at("write", to)?;
    // cargo compares times: a copy must be as old as what it was copied from.
    let time = from
        .metadata()
        .and_then(|meta| meta.modified())
        .at("read", from)?;
    std::fs::File::options()
        .write(true)
        .open(to)
        .and_then(|file| file.set_times(FileTimes::new().set_modified(time)))
        .at("write", to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_that_compiled_one_crate_each_have_parted() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        let write = |root: &Path, name: &str, text: &str| {
            let path = root.join("debug/deps").join(name);
            std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            std::fs::write(path, text).expect("written");
        };
        let local = BTreeSet::from(["tiny".to_owned()]);
        write(&one, "libserde-01.rlib", "serde");
        write(&one, "libtiny-02.rlib", "one");
        copy_tree(&one, &other, &Taken::All(local.clone())).expect("copied");
        write(&other, "liburl-03.rlib", "url");
        write(&other, "libtiny-02.rlib", "the other");
        assert!(!parted(&one, &other, &local) && !parted(&other, &one, &local));
        std::fs::remove_file(other.join("debug/deps/libserde-01.rlib")).expect("removed");
        write(&other, "libserde-01.rlib", "serde elsewhere");
        assert!(parted(&one, &other, &local) && parted(&other, &one, &local));
        assert!(!parted(&one, &folder.path().join("none"), &local));
    }

    #[test]
    fn the_files_of_a_crate_are_told_from_those_of_others() {
        assert!(is_of("libctx-0123.rlib", "ctx"));
        assert!(is_of("ctx-0123.d", "ctx"));
        assert!(is_of("libctx.so", "ctx"));
        assert!(!is_of("libctx_more-0123.rlib", "ctx"));
        assert!(!is_of("libcontext-1.rlib", "ctx"));
    }
}
