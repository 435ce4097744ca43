//! Freshness: what a chapter's outputs depend on, as hashes, and what changed since they were made.
//!
//! Counted: code cells with the attributes that matter, the sources of each library crate they use
//! (and those that it uses in turn), the locked versions of everything these reach, and the data named
//! in the front matter. Prose is not counted, nor compiler, kernel or machine.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nbformat::v4::Notebook;
use serde_json::{Map, Value, json};

use crate::chapter::Chapter;
use crate::data;
use crate::error::{Fault, read_text};
use crate::notebook::{cell_text, course_metadata, hex, segments, source};
use crate::project::Project;

mod lock;
mod memo;

use memo::Memo;

/// Whether stored outputs still stand, and if not, why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// They stand.
    pub fresh: bool,
    /// What changed, one sentence each; empty when fresh.
    pub reasons: Vec<String>,
}

/// What a chapter's outputs depend on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parts {
    /// Hash of the code cells.
    pub cells: String,
    /// Hash of each library crate's sources, by its path in the project.
    pub crates: BTreeMap<String, String>,
    /// The locked versions reached, by package name.
    pub lock: BTreeMap<String, String>,
    /// Hash of each data set, by name.
    pub data: BTreeMap<String, String>,
}

impl Parts {
    /// As JSON, for the notebook's metadata.
    pub fn to_json(&self) -> Value {
        json!({ "cells": self.cells, "crates": self.crates, "data": self.data, "lock": self.lock })
    }

    /// One hash over all.
    pub fn key(&self) -> String {
        hex(self.to_json().to_string().as_bytes())
    }
}

/// A dependency as a `:dep` line names it.
#[derive(Debug, Clone, PartialEq)]
pub struct Dep {
    /// The package name.
    pub name: String,
    /// The path, if it is a path dependency, as written.
    pub path: Option<String>,
    /// The whole line, without `:dep`.
    pub spec: String,
    /// Its line in the chapter.
    pub line: usize,
}

/// The `:dep` lines of a chapter.
///
/// # Errors
/// A fault at the line of one that is not of Cargo's form.
pub fn deps(chapter: &Chapter) -> Result<Vec<Dep>, Fault> {
    let mut deps = Vec::new();
    for cell in chapter.setup_cells() {
        for (i, line) in cell.code.lines().enumerate() {
            let Some(spec) = line.trim().strip_prefix(":dep ") else {
                continue;
            };
            let line = cell.line + i;
            let spec = spec.trim();
            if !spec.contains('=') {
                deps.push(Dep {
                    name: spec.to_string(),
                    path: None,
                    spec: format!("{spec} = \"*\""),
                    line,
                });
                continue;
            }
            let table: toml::Table = toml::from_str(spec).map_err(|e| {
                chapter.fault(
                    line,
                    format!(
                        "this `:dep` line is not a Cargo dependency: {}",
                        e.message()
                    ),
                )
            })?;
            for (name, value) in table {
                deps.push(Dep {
                    name,
                    path: value
                        .get("path")
                        .and_then(toml::Value::as_str)
                        .map(str::to_string),
                    spec: spec.to_string(),
                    line,
                });
            }
        }
    }
    Ok(deps)
}

/// Computes what a chapter's outputs depend on.
///
/// # Errors
/// A fault for a `:dep` line that leads nowhere, a crate without manifest, or data not in the catalogue.
pub fn parts(project: &Project, chapter: &Chapter) -> Result<Parts, Fault> {
    let mut code = String::new();
    for cell in &chapter.cells {
        code.push_str(&format!(
            "{:?}\u{0}{:?}\u{0}{:?}\u{0}{}\u{0}{}\u{1}",
            cell.role, cell.expect, cell.codes, cell.volatile, cell.code
        ));
    }
    let mut crates = BTreeMap::new();
    let mut reached: BTreeSet<String> = BTreeSet::new();
    let folder = project
        .chapters_dir()
        .join(chapter.path.parent().unwrap_or(Path::new("")));
    let mut queue: Vec<PathBuf> = Vec::new();
    let workspace = workspace_dependencies(project);
    for dep in deps(chapter)? {
        match &dep.path {
            Some(path) => {
                let full = folder.join(path);
                let full = full.canonicalize().map_err(|_| {
                    chapter.fault(
                        dep.line,
                        format!("no crate at `{path}`, the path of `:dep {}`", dep.name),
                    )
                })?;
                queue.push(full);
            }
            None => {
                reached.insert(dep.name);
            }
        }
    }
    let root = project
        .root
        .canonicalize()
        .unwrap_or_else(|_| project.root.clone());
    while let Some(dir) = queue.pop() {
        let shown = dir
            .strip_prefix(&root)
            .unwrap_or(&dir)
            .to_string_lossy()
            .replace('\\', "/");
        if crates.contains_key(&shown) {
            continue;
        }
        let manifest_path = dir.join("Cargo.toml");
        let manifest = read_text(&project.root, &manifest_path)?;
        let table: toml::Table = toml::from_str(&manifest).map_err(|e| {
            Fault::file(
                project.shown(&manifest_path),
                format!("not a Cargo manifest: {}", e.message()),
            )
        })?;
        for (name, value) in table
            .get("dependencies")
            .and_then(toml::Value::as_table)
            .into_iter()
            .flatten()
        {
            let inherited = value.get("workspace").and_then(toml::Value::as_bool) == Some(true);
            let (base, spec) = match workspace.get(name).filter(|_| inherited) {
                Some(spec) => (root.as_path(), spec),
                None => (dir.as_path(), value),
            };
            let optional = value.get("optional").and_then(toml::Value::as_bool) == Some(true);
            match spec.get("path").and_then(toml::Value::as_str) {
                Some(path) => {
                    if let Ok(full) = base.join(path).canonicalize() {
                        queue.push(full);
                    }
                }
                None if optional => {}
                None => {
                    let package = spec
                        .get("package")
                        .and_then(toml::Value::as_str)
                        .unwrap_or(name);
                    reached.insert(package.to_string());
                }
            }
        }
        crates.insert(shown, hash_crate(&dir, &manifest)?);
    }
    let mut data = BTreeMap::new();
    for name in &chapter.front.data {
        data.insert(name.clone(), data_hash(chapter, name)?);
    }
    Ok(Parts {
        cells: hex(code.as_bytes()),
        crates,
        lock: lock::locked(project, &reached)?,
        data,
    })
}

/// The checksum of a data set, from the catalogue.
fn data_hash(chapter: &Chapter, name: &str) -> Result<String, Fault> {
    data::described(name).map(|d| d.digest).ok_or_else(|| {
        let line = chapter
            .text
            .lines()
            .position(|l| l.starts_with("data:"))
            .map_or(1, |i| i + 1);
        chapter.fault(
            line,
            format!(
                "no data set `{name}` in the catalogue; it has {}",
                data::known().join(", ")
            ),
        )
    })
}

/// `[workspace.dependencies]` of the project; empty where its manifest has none or is none.
fn workspace_dependencies(project: &Project) -> Arc<toml::Table> {
    static KEPT: Memo<toml::Table> = Memo::new();
    let path = project.root.join("Cargo.toml");
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let read = KEPT.of(&path, text, |text| {
        let table = toml::from_str::<toml::Table>(text)?;
        let inherited = table.get("workspace").and_then(|w| w.get("dependencies"));
        let inherited = inherited.and_then(toml::Value::as_table);
        Ok::<_, toml::de::Error>(inherited.cloned().unwrap_or_default())
    });
    read.unwrap_or_default()
}

/// Hash of a crate's manifest and everything below its `src/`, in the order of paths.
fn hash_crate(dir: &Path, manifest: &str) -> Result<String, Fault> {
    let mut files = Vec::new();
    let mut folders = vec![dir.join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files.sort();
    let mut text = manifest.as_bytes().to_vec();
    for file in files {
        text.extend_from_slice(
            file.strip_prefix(dir)
                .unwrap_or(&file)
                .to_string_lossy()
                .as_bytes(),
        );
        text.push(0);
        let bytes =
            std::fs::read(&file).map_err(|e| Fault::file(&file, format!("cannot be read: {e}")))?;
        text.extend_from_slice(&bytes);
        text.push(0);
    }
    Ok(hex(&text))
}

/// Whether the stored notebook of a chapter still stands.
///
/// # Errors
/// As [`parts`].
pub fn of(
    project: &Project,
    chapter: &Chapter,
    notebook: Option<&Notebook>,
) -> Result<Freshness, Fault> {
    if chapter.cells.is_empty() {
        return Ok(Freshness {
            fresh: true,
            reasons: Vec::new(),
        });
    }
    let now = parts(project, chapter)?;
    let mut reasons = Vec::new();
    match notebook {
        None => reasons.push("it has not been run".to_string()),
        Some(notebook) => {
            match course_metadata(notebook)
                .get("run")
                .and_then(|r| r.get("parts"))
            {
                None => reasons.push("its notebook holds no record of a run".to_string()),
                Some(then) => reasons.extend(differences(then, &now)),
            }
            if !same_code(chapter, notebook) {
                let why = "the notebook's code is not the chapter's: `cargo course sync` if it was edited in Jupyter";
                if !reasons.iter().any(|r| r == "a code cell changed") {
                    reasons.push(why.to_string());
                }
            }
        }
    }
    Ok(Freshness {
        fresh: reasons.is_empty(),
        reasons,
    })
}

/// Whether a notebook's code cells are the chapter's, in order.
pub fn same_code(chapter: &Chapter, notebook: &Notebook) -> bool {
    let none = crate::results::Results::new();
    let ours = segments(chapter)
        .into_iter()
        .filter(|s| s.runs().is_some())
        .map(|s| source(chapter, &s, &none).1);
    let theirs = notebook
        .cells
        .iter()
        .filter(|c| matches!(c, nbformat::v4::Cell::Code { .. }))
        .map(cell_text);
    ours.eq(theirs)
}

/// Words for a part that was, and is now.
type Say<'a> = dyn Fn(&str, Option<&str>, Option<&str>) -> String + 'a;

/// What differs between a stored record and the present, in words.
fn differences(then: &Value, now: &Parts) -> Vec<String> {
    let mut reasons = Vec::new();
    let empty = Map::new();
    let map = |key: &str| then.get(key).and_then(Value::as_object).unwrap_or(&empty);
    if then.get("cells").and_then(Value::as_str) != Some(&now.cells) {
        reasons.push("a code cell changed".to_string());
    }
    let mut compare = |key: &str, now: &BTreeMap<String, String>, say: &Say| {
        let then = map(key);
        let names: BTreeSet<&str> = then
            .keys()
            .map(String::as_str)
            .chain(now.keys().map(String::as_str))
            .collect();
        for name in names {
            let before = then.get(name).and_then(Value::as_str);
            let after = now.get(name).map(String::as_str);
            if before != after {
                reasons.push(say(name, before, after));
            }
        }
    };
    compare("crates", &now.crates, &|name, _, _| {
        format!("{name} changed")
    });
    compare("data", &now.data, &|name, _, _| {
        format!("the data set `{name}` changed")
    });
    compare(
        "lock",
        &now.lock,
        &|name, before, after| match (before, after) {
            (Some(b), Some(a)) => format!("Cargo.lock has {name} {a}, it was {b}"),
            (None, Some(a)) => format!("Cargo.lock has {name} {a}, new"),
            _ => format!("Cargo.lock no longer has {name}"),
        },
    );
    reasons
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notebook::compose;
    use crate::results::Results;

    const LOCK: &str = "version = 4\n\n[[package]]\nname = \"a\"\nversion = \"1.0.0\"\ndependencies = [\"b 2.0.0\"]\n\n[[package]]\nname = \"b\"\nversion = \"1.0.0\"\n\n[[package]]\nname = \"b\"\nversion = \"2.0.0\"\n\n[[package]]\nname = \"unrelated\"\nversion = \"1.0.0\"\n";

    fn book() -> (tempfile::TempDir, Project) {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for (path, text) in [
            ("book.toml", ""),
            (
                "Cargo.toml",
                "[workspace.dependencies]\nother = { path = \"lib/other\" }\n",
            ),
            ("Cargo.lock", LOCK),
            ("chapters/SUMMARY.md", "# Summary\n\n- [A](p/a.md)\n"),
            (
                "chapters/p/a.md",
                "# A\n\nprose\n\n```rust,setup\n:dep mine = { path = \"../../lib/mine\" }\n```\n\n```rust\n1;\n```\n",
            ),
            (
                "lib/mine/Cargo.toml",
                "[package]\nname=\"mine\"\n[dependencies]\na=\"1\"\nother = { workspace = true }\n",
            ),
            ("lib/mine/src/lib.rs", "pub fn f() {}\n"),
            ("lib/other/Cargo.toml", "[package]\nname=\"other\"\n"),
            ("lib/other/src/lib.rs", "pub fn g() {}\n"),
        ] {
            let path = root.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let project = Project {
            root: root.to_path_buf(),
        };
        (dir, project)
    }

    fn stored(project: &Project) -> Notebook {
        let chapter = &project.chapters().unwrap()[0];
        let parts = parts(project, chapter).unwrap();
        compose(
            chapter,
            None,
            &[],
            &Results::new(),
            Some(json!({ "parts": parts.to_json() })),
        )
    }

    fn reasons_after(path: &str, from: &str, to: &str) -> Vec<String> {
        let (_dir, project) = book();
        let notebook = stored(&project);
        let path = project.root.join(path);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from));
        std::fs::write(&path, text.replace(from, to)).unwrap();
        let chapter = &project.chapters().unwrap()[0];
        of(&project, chapter, Some(&notebook)).unwrap().reasons
    }

    #[test]
    fn a_chapter_just_run_is_fresh_and_prose_does_not_count() {
        assert_eq!(
            reasons_after("chapters/p/a.md", "prose", "other prose"),
            Vec::<String>::new()
        );
        assert_eq!(
            reasons_after(
                "Cargo.lock",
                "\"unrelated\"\nversion = \"1.0.0\"",
                "\"unrelated\"\nversion = \"1.1.0\""
            ),
            Vec::<String>::new()
        );
    }

    #[test]
    fn each_part_is_named_when_it_changes() {
        assert_eq!(
            reasons_after("chapters/p/a.md", "1;", "2;"),
            ["a code cell changed"]
        );
        assert_eq!(
            reasons_after("lib/mine/src/lib.rs", "f()", "ff()"),
            ["lib/mine changed"]
        );
        assert_eq!(
            reasons_after("lib/other/src/lib.rs", "g()", "gg()"),
            ["lib/other changed"]
        );
        assert_eq!(
            reasons_after("Cargo.lock", "2.0.0", "2.0.1"),
            ["Cargo.lock has b 2.0.1, it was 2.0.0"]
        );
    }

    #[test]
    fn what_the_workspace_inherits_is_read_again_when_it_changes() {
        assert_eq!(
            reasons_after("Cargo.toml", "lib/other", "lib/mine"),
            ["lib/other changed"]
        );
    }

    #[test]
    fn missing_records_and_crates_are_reported() {
        let (_dir, project) = book();
        let chapter = project.chapters().unwrap().remove(0);
        assert_eq!(
            of(&project, &chapter, None).unwrap().reasons,
            ["it has not been run"]
        );
        std::fs::remove_dir_all(project.root.join("lib/mine")).unwrap();
        let fault = of(&project, &chapter, None).unwrap_err();
        assert_eq!(fault.line, Some(6));
    }
}
