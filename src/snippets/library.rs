//! The libraries that snippets link.
//!
//! For each chapter a small facade crate names the crates of its `:dep` lines and exports them again. The
//! facades form a workspace of their own below `target/snippets`, seeded with the book's Cargo.lock, so
//! that versions are the locked ones. What Cargo built is then hard-linked into one folder that holds
//! the current files alone: rustdoc finds each facade once, and through it the exact crates behind it,
//! where a folder such as `target/debug/deps` would offer several candidates (E0464).

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::chapter::{Chapter, Role};
use crate::error::{Fault, read_text, write_text};
use crate::notebook::hex;
use crate::project::Project;

/// A `:dep` line of a chapter.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependency {
    /// The name on the left, by which Rust code calls it (with `_` for `-`).
    pub name: String,
    /// What stands on the right: a version, or a table.
    pub spec: toml::Value,
    /// The line in the chapter, from 1.
    pub line: usize,
}

impl Dependency {
    /// The name of the crate in Rust code.
    pub fn crate_name(&self) -> String {
        self.name.replace('-', "_")
    }

    /// The path it names, as written.
    pub fn path(&self) -> Option<&str> {
        self.spec.get("path").and_then(toml::Value::as_str)
    }

    /// The folder it names, from the chapter's own folder.
    pub fn folder(&self, project: &Project, chapter: &Chapter) -> Option<PathBuf> {
        let path = self.path()?;
        let from = project.chapters_dir().join(&chapter.path);
        Some(normal(&from.parent().unwrap_or(&from).join(path)))
    }
}

/// Takes `..` out of a path by its text alone.
pub fn normal(path: &Path) -> PathBuf {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir if out.file_name().is_some() => {
                out.pop();
            }
            std::path::Component::CurDir => {}
            other => out.push(other),
        }
    }
    out
}

/// The `:dep` lines of a chapter, each crate once.
///
/// # Errors
/// A line that is not `:dep NAME = …`, or a crate that two lines ask for in two ways.
pub fn dependencies(chapter: &Chapter) -> Result<Vec<Dependency>, Vec<Fault>> {
    let mut found: Vec<Dependency> = Vec::new();
    let mut faults = Vec::new();
    for cell in chapter.cells.iter().filter(|c| c.role == Role::Setup) {
        for (offset, text) in cell.code.lines().enumerate() {
            let Some(dep) = text.trim().strip_prefix(":dep") else {
                continue;
            };
            let line = cell.line + offset;
            match parse_dep(dep.trim(), line) {
                Ok(dep) => match found.iter().find(|d| d.name == dep.name) {
                    Some(first) if first.spec != dep.spec => faults.push(chapter.fault(
                        line,
                        format!(
                            "`:dep {}` differs from the one in line {}: write both alike",
                            dep.name, first.line
                        ),
                    )),
                    Some(_) => {}
                    None => found.push(dep),
                },
                Err(message) => faults.push(chapter.fault(line, message)),
            }
        }
    }
    if faults.is_empty() {
        Ok(found)
    } else {
        Err(faults)
    }
}

fn parse_dep(text: &str, line: usize) -> Result<Dependency, String> {
    let wrong = || {
        format!(
            "`:dep {text}` is not of the form `:dep NAME = \"VERSION\"` or `:dep NAME = {{ … }}`"
        )
    };
    let text = if text.contains('=') {
        text.to_string()
    } else {
        format!("{text} = \"*\"")
    };
    let table: toml::Table = text.parse().map_err(|_| wrong())?;
    let mut entries = table.into_iter();
    match (entries.next(), entries.next()) {
        (Some((name, spec)), None) if spec.is_str() || spec.is_table() => {
            Ok(Dependency { name, spec, line })
        }
        _ => Err(wrong()),
    }
}

/// The name of a chapter's facade crate.
pub fn facade_name(chapter: &Chapter) -> String {
    let slug: String = chapter
        .slug()
        .chars()
        .map(|c| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        })
        .collect();
    format!("snippets_{slug}")
}

/// Libraries that are built.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Libraries {
    /// The folder for `-L`.
    pub folder: PathBuf,
    /// A hash of what is in it.
    pub key: String,
}

/// Where everything about snippets is kept.
pub fn home(project: &Project) -> PathBuf {
    project.root.join("target/snippets")
}

/// Builds the libraries of every chapter and returns the folder for `mdbook test -L`.
///
/// # Errors
/// Faults of chapters and of the build.
pub fn libraries(project: &Project) -> Result<PathBuf, Vec<Fault>> {
    let chapters = project.chapters().map_err(|f| f.0)?;
    libraries_for(project, &chapters).map(|l| l.folder)
}

/// Builds the libraries of these chapters.
///
/// # Errors
/// `:dep` lines that cannot be read or lead nowhere, with their lines, and what Cargo says when a
/// library does not compile.
pub fn libraries_for(project: &Project, chapters: &[Chapter]) -> Result<Libraries, Vec<Fault>> {
    let home = home(project);
    let one = |fault: Fault| vec![fault];
    let io = |what: &str, e: std::io::Error| {
        vec![Fault::file(project.shown(&home), format!("{what}: {e}"))]
    };
    std::fs::create_dir_all(&home).map_err(|e| io("cannot be made", e))?;
    // two commands at a time would write the seed under each other's feet
    let lock = File::create(home.join("lock")).map_err(|e| io("cannot be locked", e))?;
    lock.lock().map_err(|e| io("cannot be locked", e))?;

    let facades = seed(project, &home, chapters)?;
    let inputs = inputs_key(project, chapters, &facades).map_err(one)?;
    let known = home.join("built").join(&inputs);
    if let Ok(key) = std::fs::read_to_string(&known) {
        let folder = home.join("libs").join(&key);
        if folder.is_dir() {
            return Ok(Libraries { folder, key });
        }
    }
    let files = if facades.is_empty() {
        Vec::new()
    } else {
        build(project, &home, &facades).map_err(one)?
    };
    let libraries = link(&home, &files).map_err(|e| io("libraries cannot be linked", e))?;
    write_text(&project.root, &known, &libraries.key).map_err(one)?;
    clean(&home.join("libs"), &libraries.key, 6);
    clean(&home.join("built"), &inputs, 24);
    Ok(libraries)
}

/// Writes the facades' workspace; returns the names of the facades that these chapters need.
fn seed(project: &Project, home: &Path, chapters: &[Chapter]) -> Result<Vec<String>, Vec<Fault>> {
    let seed = home.join("seed");
    let mut faults = Vec::new();
    let mut facades = Vec::new();
    let write = |path: PathBuf, text: String, faults: &mut Vec<Fault>| {
        if let Err(fault) = write_text(&project.root, &path, &text) {
            faults.push(fault);
        }
    };
    for chapter in chapters {
        let dependencies = match dependencies(chapter) {
            Ok(dependencies) => dependencies,
            Err(found) => {
                faults.extend(found);
                continue;
            }
        };
        if dependencies.is_empty() {
            continue;
        }
        let name = facade_name(chapter);
        let mut manifest = format!(
            "[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[dependencies]\n"
        );
        let mut source = String::from("#![allow(unused_extern_crates)]\n");
        for dependency in &dependencies {
            let mut spec = dependency.spec.clone();
            if let Some(folder) = dependency.folder(project, chapter) {
                if !folder.join("Cargo.toml").is_file() {
                    faults.push(missing_path(project, chapter, dependency, &folder));
                    continue;
                }
                if let Some(table) = spec.as_table_mut() {
                    table.insert("path".into(), folder.to_string_lossy().into_owned().into());
                }
            }
            let _ = writeln!(manifest, "{} = {spec}", dependency.name);
            let _ = writeln!(source, "pub extern crate {};", dependency.crate_name());
        }
        write(seed.join(&name).join("Cargo.toml"), manifest, &mut faults);
        write(seed.join(&name).join("src/lib.rs"), source, &mut faults);
        facades.push(name);
    }
    // the other chapters' facades stay members, so that the lock file does not change to and fro
    let mut members: BTreeSet<String> = facades.iter().cloned().collect();
    for entry in std::fs::read_dir(&seed).into_iter().flatten().flatten() {
        if entry.path().join("Cargo.toml").is_file() {
            members.insert(entry.file_name().to_string_lossy().into_owned());
        }
    }
    if let Ok(entries) = project.entries() {
        let current: BTreeSet<String> = entries
            .iter()
            .filter_map(|e| project.chapter(&e.path).ok())
            .map(|c| facade_name(&c))
            .chain(facades.iter().cloned())
            .collect();
        members.retain(|name| {
            let stays = current.contains(name);
            if !stays {
                let _ = std::fs::remove_dir_all(seed.join(name));
            }
            stays
        });
    }
    let members: Vec<String> = members.into_iter().map(|m| format!("\"{m}\"")).collect();
    write(
        seed.join("Cargo.toml"),
        format!(
            "[workspace]\nresolver = \"3\"\nmembers = [{}]\n",
            members.join(", ")
        ),
        &mut faults,
    );
    // Cargo adds the facades to the lock file: copy the book's only when that one changed
    let lock = project.root.join("Cargo.lock");
    if lock.is_file() {
        match read_text(&project.root, &lock) {
            Ok(text) => {
                if std::fs::read_to_string(seed.join("Cargo.lock.book"))
                    .ok()
                    .as_ref()
                    != Some(&text)
                {
                    write(seed.join("Cargo.lock"), text.clone(), &mut faults);
                    write(seed.join("Cargo.lock.book"), text, &mut faults);
                }
            }
            Err(fault) => faults.push(fault),
        }
    }
    if faults.is_empty() {
        Ok(facades)
    } else {
        Err(faults)
    }
}

/// The fault of a `:dep` path that leads to no crate.
pub fn missing_path(
    project: &Project,
    chapter: &Chapter,
    dependency: &Dependency,
    folder: &Path,
) -> Fault {
    chapter.fault(
        dependency.line,
        format!(
            "`:dep {}`: there is no crate in {} (a path is read from the chapter's own folder)",
            dependency.name,
            project.shown(folder).display()
        ),
    )
}

/// A hash of everything that the build depends on. Files of path crates count by length and time of
/// change, as Cargo itself counts them.
fn inputs_key(
    project: &Project,
    chapters: &[Chapter],
    facades: &[String],
) -> Result<String, Fault> {
    let mut text = rustc_version()?;
    let seed = home(project).join("seed");
    for facade in facades {
        text.push_str(&read_text(
            &project.root,
            &seed.join(facade).join("Cargo.toml"),
        )?);
    }
    for file in ["Cargo.toml", "Cargo.lock.book"] {
        text.push_str(&std::fs::read_to_string(seed.join(file)).unwrap_or_default());
    }
    let mut crates = BTreeSet::new();
    for chapter in chapters {
        for dependency in dependencies(chapter).unwrap_or_default() {
            if let Some(folder) = dependency.folder(project, chapter) {
                path_crates(project, &folder, &mut crates);
            }
        }
    }
    let manifest = project.root.join("Cargo.toml");
    text.push_str(&std::fs::read_to_string(manifest).unwrap_or_default());
    for variable in ["RUSTFLAGS", "CARGO_ENCODED_RUSTFLAGS", "CARGO_BUILD_TARGET"] {
        if let Ok(value) = std::env::var(variable) {
            let _ = write!(text, "\n{variable}={value}");
        }
    }
    for folder in crates {
        stamp(&folder, &folder, &mut text);
    }
    Ok(hex(text.as_bytes())[..24].to_string())
}

/// A path crate, and the path crates that it depends on.
fn path_crates(project: &Project, folder: &Path, found: &mut BTreeSet<PathBuf>) {
    if !found.insert(folder.to_path_buf()) {
        return;
    }
    let table =
        |path: PathBuf| -> Option<toml::Table> { std::fs::read_to_string(path).ok()?.parse().ok() };
    let Some(manifest) = table(folder.join("Cargo.toml")) else {
        return;
    };
    let workspace = table(project.root.join("Cargo.toml"));
    for section in ["dependencies", "build-dependencies"] {
        let Some(entries) = manifest.get(section).and_then(toml::Value::as_table) else {
            continue;
        };
        for (name, spec) in entries {
            if let Some(path) = spec.get("path").and_then(toml::Value::as_str) {
                path_crates(project, &normal(&folder.join(path)), found);
            } else if spec.get("workspace").and_then(toml::Value::as_bool) == Some(true) {
                let path = workspace.as_ref().and_then(|w| {
                    w.get("workspace")?
                        .get("dependencies")?
                        .get(name)?
                        .get("path")?
                        .as_str()
                });
                if let Some(path) = path {
                    path_crates(project, &normal(&project.root.join(path)), found);
                }
            }
        }
    }
}

fn stamp(base: &Path, folder: &Path, text: &mut String) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    entries.sort();
    for path in entries {
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() {
            // tests and benchmarks are no part of the library
            let skipped = ["target", "tests", "benches", ".git"]
                .iter()
                .any(|s| name == *s);
            if !skipped {
                stamp(base, &path, text);
            }
        } else if let Ok(meta) = path.metadata() {
            let time = meta
                .modified()
                .ok()
                .and_then(|t| t.duration_since(std::time::UNIX_EPOCH).ok())
                .map_or(0, |d| d.as_nanos());
            let shown = path
                .strip_prefix(base.parent().unwrap_or(base))
                .unwrap_or(&path);
            let _ = write!(text, "\n{} {} {time}", shown.display(), meta.len());
        }
    }
}

/// What `rustc -vV` says.
///
/// # Errors
/// A [`Fault`] when there is no Rust toolchain on PATH.
pub fn rustc_version() -> Result<String, Fault> {
    let missing = |why: String| {
        Fault::file("rustc", format!("cannot be run: {why}"))
            .with_detail("snippets and exercises are compiled by the Rust toolchain on PATH; `cargo course doctor` says what is missing")
    };
    let output = Command::new("rustc")
        .arg("-vV")
        .output()
        .map_err(|e| missing(e.to_string()))?;
    if !output.status.success() {
        return Err(missing(
            String::from_utf8_lossy(&output.stderr).trim().to_string(),
        ));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Builds the facades; returns the library files that Cargo made for them.
///
/// Each is built by itself, since Cargo gives what several share the features that all of them want together: so the
/// crates are those that the chapter's own cells use, and are compiled once for both.
fn build(project: &Project, home: &Path, facades: &[String]) -> Result<Vec<PathBuf>, Fault> {
    let seed = home.join("seed");
    let kernel_fault = |e: kernel::KernelError| Fault::file("lib/kernel", e.to_string());
    let workspace = kernel::Workspace::find(&project.root).map_err(kernel_fault)?;
    let shared = kernel::Shared::open(&workspace, &home.join("build")).map_err(kernel_fault)?;
    let mut files = Vec::new();
    for facade in facades {
        files.extend(build_one(project, &seed, &shared, facade)?);
    }
    shared.hand_on(facades);
    Ok(files)
}

/// Builds one facade.
fn build_one(
    project: &Project,
    seed: &Path,
    shared: &kernel::Shared,
    facade: &str,
) -> Result<Vec<PathBuf>, Fault> {
    let mut command = shared.cargo(seed, "build");
    command.args(["--message-format=json-render-diagnostics", "-p", facade]);
    // a test's or a script's own settings must not leak into the build
    command.env_remove("RUSTC_WORKSPACE_WRAPPER");
    command.stdin(Stdio::null()).stdout(Stdio::piped());
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    command.stderr(if terminal {
        Stdio::inherit()
    } else {
        Stdio::piped()
    });
    let output = command
        .output()
        .map_err(|e| Fault::file("cargo", format!("cannot be run: {e}")))?;
    if !output.status.success() {
        let said = if terminal {
            "Cargo's messages stand above".to_string()
        } else {
            String::from_utf8_lossy(&output.stderr).into_owned()
        };
        return Err(Fault::file(
            project.shown(&seed.join("Cargo.toml")),
            "the libraries of the chapters' `:dep` lines do not build",
        )
        .with_detail(said));
    }
    let mut files = Vec::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let Ok(message) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        if message["reason"] != "compiler-artifact" {
            continue;
        }
        let names = message["filenames"].as_array().into_iter().flatten();
        for name in names.filter_map(Value::as_str) {
            let path = PathBuf::from(name);
            let kind = path.extension().and_then(|e| e.to_str());
            if matches!(kind, Some("rlib" | "so" | "dylib" | "dll")) {
                files.push(path);
            }
        }
    }
    Ok(files)
}

/// Hard links to the files in a folder named by what they are.
fn link(home: &Path, files: &[PathBuf]) -> std::io::Result<Libraries> {
    let mut named: BTreeMap<String, (PathBuf, String)> = BTreeMap::new();
    for file in files {
        // the copy without a hash in its name (uplifted) has a twin in deps/
        let file = twin(file);
        let meta = file.metadata()?;
        let time = meta
            .modified()?
            .duration_since(std::time::UNIX_EPOCH)
            .map_or(0, |d| d.as_nanos());
        let name = file
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let stamp = format!("{name} {} {time}\n", meta.len());
        named.insert(name, (file, stamp));
    }
    let all: String = named.values().map(|(_, stamp)| stamp.as_str()).collect();
    let key = hex(all.as_bytes())[..16].to_string();
    let libs = home.join("libs");
    let folder = libs.join(&key);
    if !folder.is_dir() {
        std::fs::create_dir_all(&libs)?;
        let making = tempfile::Builder::new()
            .prefix(".making-")
            .tempdir_in(&libs)?;
        for (name, (file, _)) in &named {
            let target = making.path().join(name);
            if std::fs::hard_link(file, &target).is_err() {
                std::fs::copy(file, &target)?;
            }
        }
        std::fs::rename(making.keep(), &folder)?;
    }
    Ok(Libraries { folder, key })
}

/// Cargo names a workspace member's library without its hash; the same file stands in `deps/` with it.
fn twin(file: &Path) -> PathBuf {
    let Some(folder) = file.parent().filter(|f| !f.ends_with("deps")) else {
        return file.to_path_buf();
    };
    let stem = file
        .file_stem()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let same = |path: &Path| {
        #[cfg(unix)]
        {
            use std::os::unix::fs::MetadataExt;
            match (path.metadata(), file.metadata()) {
                (Ok(a), Ok(b)) => a.ino() == b.ino(),
                _ => false,
            }
        }
        #[cfg(not(unix))]
        {
            let _ = path;
            false
        }
    };
    std::fs::read_dir(folder.join("deps"))
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .find(|p| {
            let name = p
                .file_stem()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            name.starts_with(&format!("{stem}-")) && p.extension() == file.extension() && same(p)
        })
        .unwrap_or_else(|| file.to_path_buf())
}

/// Keeps the newest entries of a folder, and the current one.
fn clean(folder: &Path, current: &str, keep: usize) {
    let mut entries: Vec<(std::time::SystemTime, PathBuf)> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|e| e.file_name() != current)
        .filter_map(|e| Some((e.metadata().ok()?.modified().ok()?, e.path())))
        .collect();
    entries.sort();
    for (_, path) in entries.iter().rev().skip(keep) {
        let _ = if path.is_dir() {
            std::fs::remove_dir_all(path)
        } else {
            std::fs::remove_file(path)
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chapter(deps: &str) -> Chapter {
        Chapter::parse(
            "part/a-b.md",
            format!("# A\n\n```rust,setup\n{deps}\n```\n"),
        )
        .unwrap()
    }

    #[test]
    fn dep_lines_are_read() {
        let c = chapter(
            ":dep a-b = { path = \"../../lib/a\", features = [\"x\"] }\n:dep c = \"1\"\n:dep d\nuse c::X;",
        );
        let found = dependencies(&c).unwrap();
        assert_eq!(found[0].crate_name(), "a_b");
        assert_eq!(found[0].path(), Some("../../lib/a"));
        assert_eq!(found[1].spec.as_str(), Some("1"));
        assert_eq!((found[2].spec.as_str(), found[2].line), (Some("*"), 6));
        let project = Project {
            root: "/book".into(),
        };
        let folder = found[0].folder(&project, &c).unwrap();
        assert_eq!(folder, Path::new("/book/lib/a"));
    }

    #[test]
    fn bad_dep_lines_are_faults_at_their_line() {
        for (deps, line, want) in [
            (":dep a = ", 4, "not of the form"),
            (":dep a = 3", 4, "not of the form"),
            (
                ":dep a = \"1\"\n:dep a = \"2\"",
                5,
                "differs from the one in line 4",
            ),
        ] {
            let faults = dependencies(&chapter(deps)).unwrap_err();
            assert_eq!(faults[0].line, Some(line));
            assert!(faults[0].message.contains(want), "{}", faults[0]);
        }
    }

    #[test]
    fn path_crates_are_followed_through_the_workspace() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| {
            let path = dir.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write(
            "Cargo.toml",
            "[workspace.dependencies]\nb = { path = \"lib/b\" }\n",
        );
        write(
            "lib/a/Cargo.toml",
            "[dependencies]\nb.workspace = true\nrand.workspace = true\n",
        );
        write(
            "lib/b/Cargo.toml",
            "[dependencies]\nc = { path = \"../c\" }\n",
        );
        write("lib/c/Cargo.toml", "[package]\nname = \"c\"\n");
        let project = Project {
            root: dir.path().into(),
        };
        let mut found = BTreeSet::new();
        path_crates(&project, &dir.path().join("lib/a"), &mut found);
        let names: Vec<_> = found
            .iter()
            .map(|p| p.file_name().unwrap().to_owned())
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn only_the_newest_folders_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        for (age, name) in [(30, "old"), (20, "middle"), (10, "new"), (40, "current")] {
            let path = dir.path().join(name);
            std::fs::write(&path, "").unwrap();
            let time = std::time::SystemTime::now() - std::time::Duration::from_secs(age);
            File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(time)
                .unwrap();
        }
        clean(dir.path(), "current", 1);
        let mut left: Vec<_> = std::fs::read_dir(dir.path())
            .unwrap()
            .map(|e| e.unwrap().file_name().into_string().unwrap())
            .collect();
        left.sort();
        assert_eq!(left, ["current", "new"]);
    }
}
